"""The digest as text: Markdown for files and programs, plain lines for mail. Links are whole where the portal knows its own address."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from data import behind, config
from data.tables import Person
from evals import brief, digest, digested
from evals.digest import Written
from evals.digested import Number, Section
from portal.in_markdown import escaped

BEYOND = {True: "beyond chance", False: "within chance", None: "too few to say"}


def title_of(written: Written, *, by: Person) -> str:
    whose = digested.names_of_team(brief.whose_of(by))
    return f"Week of {behind.span(written.week, written.until)}, {whose}"


def change_of(one: Number) -> str:
    """In words, beside the weeks before."""
    if not one.before:
        return "nothing in the four weeks before"
    return f"{one.change or 'nothing known'}, {BEYOND[one.beyond]}"


def days_of(written: Written, one: Number) -> str:
    """Where a number is of other days than the week: whether a customer came back is known a week later."""
    return "" if (one.since, one.until) == (written.week, written.until) else f", of {behind.span(one.since, one.until)}"


def address(page: str, query: Mapping[str, str] | None) -> str:
    """Whole where PORTAL_PUBLIC_URL is set; else from the portal's root on."""
    return f"{config.settings().public_url.rstrip('/')}/{page}{'?' + urlencode(query) if query else ''}"


# -- Markdown -----------------------------------------------------------------------------------------------------------------------------


def markdown(written: Written, *, by: Person) -> str:
    since = digest.corrected(written, by=by)
    told = written.told
    lines = [
        f"# {escaped(title_of(written, by=by))}",
        "",
        *(escaped(one) + "\n" for one in (told.brief.moved, told.brief.why, told.brief.needs)),
    ]
    lines += [" · ".join(_link(step.label, step.page, step.query) for step in told.brief.steps), ""] if told.brief.steps else []
    lines += ["## The numbers", "", "| Measure | This week | Four weeks before | Change |", "| --- | --- | --- | --- |"]
    lines += [_row(written, one, since) for one in told.numbers]
    for section in told.sections:
        lines += ["", f"## {section.title}", "", *_lines(section)]
    lines += ["", f"Written {written.at:%d %B %Y %H:%M} UTC. Change: beside the four weeks before, over all that is compared here."]
    return "\n".join(lines) + "\n"


def _row(written: Written, one: Number, since: Mapping[str, str]) -> str:
    corrected = f" (since corrected: {escaped(since[one.measure])})" if one.measure in since else ""
    value = f"{_link(one.value, one.page, one.query)}{days_of(written, one)}{corrected}"
    return f"| {escaped(one.title)} | {value} | {escaped(one.before) or '–'} | {change_of(one)} |"


def _lines(section: Section) -> list[str]:
    told = [f"- {_link(one.text, one.page, one.query) if one.page else escaped(one.text)}" for one in section.lines]
    return told or [section.nothing]


def _link(words: str, page: str, query: Mapping[str, str] | None) -> str:
    return f"[{escaped(words)}]({address(page, query)})"


# -- lines --------------------------------------------------------------------------------------------------------------------------------


def lines(written: Written, *, by: Person) -> list[str]:
    """Plain text, each number with the place it is at; links only where they would open."""
    told, links = written.told, bool(config.settings().public_url)
    told_lines = [title_of(written, by=by), "", told.brief.moved, told.brief.why, told.brief.needs]
    told_lines += [f"  {step.label}: {address(step.page, step.query)}" for step in told.brief.steps if links]
    told_lines += ["", "The numbers, beside the four weeks before:"]
    for one in told.numbers:
        before = f", before {one.before}" if one.before else ""
        told_lines.append(f"- {one.title}: {one.value}{days_of(written, one)}{before} ({change_of(one)})")
        told_lines += [f"  {address(one.page, one.query)}"] if links else []
    for section in told.sections:
        told_lines += ["", f"{section.title}:"]
        for line in section.lines:
            told_lines.append(f"- {line.text}")
            told_lines += [f"  {address(line.page, line.query)}"] if links and line.page else []
        told_lines += [] if section.lines else [section.nothing]
    told_lines += ["", *([f"On its page: {address('digest', {'week': written.week.isoformat()})}"] if links else [])]
    return told_lines


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def as_json(written: Written, *, by: Person) -> dict[str, Any]:
    since, told = digest.corrected(written, by=by), written.told
    return {
        "week": written.week, "until": written.until, "written_at": written.at, "whose": digested.names_of_team(brief.whose_of(by)),
        "moved": told.brief.moved, "why": told.brief.why, "needs": told.brief.needs,
        "steps": [{"label": one.label, "address": address(one.page, one.query)} for one in told.brief.steps],
        "numbers": [
            {"measure": one.measure, "title": one.title, "value": one.value, "before": one.before, "change": one.change,
             "beyond_chance": one.beyond, "from": one.since, "to": one.until, "address": address(one.page, one.query),
             "since_corrected": since.get(one.measure)}
            for one in told.numbers
        ],
        "sections": [
            {"title": one.title, "nothing": one.nothing,
             "lines": [{"text": line.text, "address": address(line.page, line.query) if line.page else None} for line in one.lines]}
            for one in told.sections
        ],
    }  # fmt: skip
