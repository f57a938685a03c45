"""Use cases in words: a line for the portfolio, a report of one page as Markdown, and the same for programs."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from data import defined, labels, people, trends, use_case_bars, use_cases
from data.amounts import Amount
from data.tables import Person, UseCase
from data.use_case_bars import Bar, Stands
from data.use_cases import STAGES, WHO, Kpi
from evals import monitors, sets
from portal import quality_figures, widgets
from portal.digest_text import address
from portal.in_markdown import escaped

TITLES = {
    "define": "Define", "develop": "Develop", "evaluate": "Evaluate", "beta": "Beta", "production": "Production", "upkeep": "Upkeep",
}  # fmt: skip
HANDS = {"person": "A person", "machine": "The machine", "proposes": "The machine proposes"}


# -- its KPI ------------------------------------------------------------------------------------------------------------------------------


def about(case: UseCase, kpi: Kpi) -> str:
    """Which conversations: "'Change of address' in chat"."""
    intent = f"'{labels.names().get(kpi.intent, '?')}'" if kpi.intent else "all conversations"
    channel = f" in {widgets.CHANNEL_WORDS.get(kpi.channel, kpi.channel).lower()}" if kpi.channel else ""
    team = f", {people.teams().get(case.team_id, 'a team')}" if case.team_id else ""
    return f"{intent}{channel}{team}"


def value(kpi: Kpi, number: float | None) -> str:
    return quality_figures.value(defined.of(kpi.measure), number)


def target(kpi: Kpi) -> str:
    return "no target yet" if kpi.target is None else value(kpi, kpi.target)


def was(kpi: Kpi) -> str:
    told = kpi.baseline or {}
    if not told:
        return "no baseline yet"
    return f"{value(kpi, told['value'])} (n\u00a0=\u00a0{told['n']:,})"


def is_now(kpi: Kpi, found: Amount | None) -> str:
    if found is None:
        return "not shown to you"
    if not found.n or found.value is None:
        return "nothing known yet"
    return f"{value(kpi, found.value)} ({quality_figures.sureness(defined.of(kpi.measure), found)})"


def finding(kpi: Kpi, stands: Stands) -> str:
    """What can be said of it, honestly."""
    found = stands.now
    if not kpi.baseline:
        return "Nothing can be said before its baseline is taken."
    if found is None or found.value is None or found.n < use_case_bars.LEAST_N:
        return f"Cannot tell yet: {found.n if found else 0:,} conversations are known, {use_case_bars.LEAST_N} are needed."
    told = use_case_bars.change_of(kpi, found)
    if told is None or abs(told[0]) <= told[1]:
        return "No different from before, as far as can be told."
    rose = told[0] > 0
    better = {"more": rose, "less": not rose}.get(kpi.better)
    words = {True: "Better than before", False: "Worse than before", None: "Different from before"}[better]
    return f"{words}, beyond chance; its target is {'' if use_case_bars.reaches(kpi, found) else 'not '}reached."


@dataclass(frozen=True)
class Minutes:
    """Of people, on one conversation: as written down, and as measured; what is written down is no measure of what is measured."""

    written: float
    before: float | None
    after: float | None

    @property
    def before_words(self) -> str:
        told = [f"{self.written:g} minutes of people, as written down"] if self.written else []
        return ", ".join(told + ([f"{self.before:.1f} on average, as measured"] if self.before is not None else []))

    @property
    def after_words(self) -> str:
        return f"{self.after:.1f} minutes of people on average, as measured" if self.after is not None else "measured once it is in beta"


def minutes(case: UseCase, stands: Stands, *, by: Person) -> Minutes:
    """Before: on the days of its baseline. After: on the days of its KPI since it is in beta."""
    kpi, after = use_cases.kpi_of(case), None
    if stands.since and stands.until and case.stage in ("beta", "production", "upkeep"):
        after = use_cases.minutes_measured(case, stands.since, stands.until, by=by)
    before = (kpi.baseline or {}).get("minutes") if kpi and use_cases.may_see_figures(case, by=by) else None
    return Minutes(use_cases.minutes_of(case.before), before, after)


# -- in a line ----------------------------------------------------------------------------------------------------------------------------


def sentence(cases: list[UseCase]) -> str:
    """Under the title."""
    open_ones = [one for one in cases if one.stopped_at is None]
    if not open_ones:
        return "What is to be built and why: from the problem to its upkeep."
    counts = [f"{count} in {stage}" for stage in STAGES if (count := sum(one.stage == stage for one in open_ones))]
    return f"{len(open_ones)} under way: {', '.join(counts)}."


def too_many(cases: list[UseCase]) -> list[str]:
    names = people.teams()
    return [
        f"{names.get(team, 'Everybody')} has {count} use cases in development at once. More than {use_cases.AT_ONCE}, and none gets done: "
        "stop or finish one first."
        for team, count in use_cases.too_many(cases).items()
    ]  # fmt: skip


def missing(stands: Stands) -> str:
    """What stands between it and the next stage."""
    told = f"{_things(len(stands.missing))} missing before {stands.next}" if stands.next and stands.missing else ""
    ready = f"ready for {stands.next}" if stands.next and not stands.missing else ""
    owed = f"{_things(len(stands.owed))} from before still open" if stands.owed else ""
    return ", ".join(one for one in (told, ready, owed) if one) or "in upkeep"


def _things(count: int) -> str:
    return "one thing" if count == 1 else f"{count} things"


def linked(kind: str, name: str, *, by: Person) -> tuple[str, str]:
    """Its words, and the page where it is."""
    pages = {
        "set": "eval_sets", "classifier": f"classifiers?classifier={name}", "recipe": f"automations?recipe={name}",
        "answerer": "ladder", "article": f"knowledge?article={name}", "monitor": f"monitors?monitor={name}",
    }  # fmt: skip
    words = name
    if kind == "set":
        pages["set"] += f"?set={sets.by_name(name, by=by).id}"
    if kind == "monitor":
        words = _monitors(by).get(name, "a monitor that is not yours")
    return f"{use_cases.KINDS[kind].capitalize()} {words}", pages[kind]


def _monitors(by: Person) -> dict[str, str]:
    return {one.monitor.id: one.monitor.name for one in monitors.all_of(by=by)}


# -- the report ---------------------------------------------------------------------------------------------------------------------------


def markdown(case: UseCase, *, by: Person) -> str:
    """A page for whoever was not there: why, what it did, what it cost, how it is kept."""
    stands, kpi, names = use_case_bars.of(case, by=by), use_cases.kpi_of(case), people.names()
    state = f"Stopped: {escaped(case.stopped_why)}" if case.stopped_at else f"{TITLES[case.stage]} since {case.stage_since:%d %B %Y}"
    lines = [f"# {escaped(case.name)}", "", f"{state}. Owner: {escaped(names.get(case.owner_id, 'somebody who left'))}."]
    lines += [
        f"Goal: {escaped(case.goal)}." if case.goal else "No goal is named yet.",
        "",
        "## Problem",
        "",
        escaped(case.problem) or "Not told.",
    ]
    lines += ["", "## What it changed", "", *_kpi_lines(case, kpi, stands)]
    lines += ["", "## The work", "", *_work_lines(case, stands, by)]
    lines += ["", "## Systems, data and risk", "", *_risk_lines(case, names)]
    if case.links:
        lines += ["", "## Made of", "", *(_link_line(one.kind, one.name, by) for one in use_cases.links_of(case))]
    lines += ["", "## How it came here", "", *_move_lines(case, names, by=by)]
    if open_bars := [*stands.owed, *stands.missing]:
        lines += ["", "## Still open", "", *(f"- {escaped(bar.sentence)}" for bar in open_bars)]
    return "\n".join(lines) + "\n"


def _kpi_lines(case: UseCase, kpi: Kpi | None, stands: Stands) -> list[str]:
    if kpi is None:
        return ["No KPI is chosen yet."]
    days = f", {_days(stands.since, stands.until)}" if stands.since and stands.until else ""
    return [
        f"{escaped(defined.of(kpi.measure).title)} of {escaped(about(case, kpi))}: {finding(kpi, stands)}", "",
        "| Before | Now | Target |", "| --- | --- | --- |",
        f"| {was(kpi)} | {is_now(kpi, stands.now)}{days} | {target(kpi)} |",
    ]  # fmt: skip


def _days(since: date, until: date) -> str:
    return f"{since:%d %b} to {until:%d %b %Y}"


def _work_lines(case: UseCase, stands: Stands, by: Person) -> list[str]:
    told, lines = minutes(case, stands, by=by), []
    for title, steps in (("Before", use_cases.steps_of(case.before)), ("After", use_cases.steps_of(case.after))):
        if steps:
            lines += [
                f"{title}:",
                "",
                *(f"{place}. {escaped(one.what)} ({WHO[one.who]}{_minutes(one.minutes)})" for place, one in enumerate(steps, 1)),
                "",
            ]
    return [*lines, f"Before: {told.before_words or 'not written down yet'}. After: {told.after_words}."]


def _minutes(count: float) -> str:
    return f", {count:g} minutes" if count else ""


def _risk_lines(case: UseCase, names: dict[str, str]) -> list[str]:
    touched = escaped(", ".join(case.systems)) or "nothing named yet"
    risk = f"{case.risk}: {escaped(case.risk_why)}" if case.risk else "not told yet"
    signed = "Nobody has signed it off."
    if case.signed_by_id and case.signed_at:
        signed = f"Signed off by {escaped(names.get(case.signed_by_id, 'somebody who left'))} on {case.signed_at:%d %B %Y}"
        signed += "." if use_cases.is_signed(case) else ", and changed since: it has to be signed again."
    return [f"- Touches: {touched}", f"- Risk: {risk}", f"- {signed}"]


def _link_line(kind: str, name: str, by: Person) -> str:
    words, page = linked(kind, name, by=by)
    return f"- [{escaped(words)}]({address(*_split(page))})"


def _split(page: str) -> tuple[str, dict[str, str]]:
    name, _, asked = page.partition("?")
    key, _, told = asked.partition("=")
    return name, {key: told} if key else {}


def _move_lines(case: UseCase, names: dict[str, str], *, by: Person) -> list[str]:
    began = f"- {case.at:%d %B %Y}: begun by {escaped(names.get(case.by_person_id or '', 'the portal'))}"
    return [
        began,
        *(
            f"- {one.at:%d %B %Y}: {escaped(move_words(one.before, one.after, names.get(one.by_person_id or '', 'the portal')))}{_why(one)}"
            for one in use_cases.moves(case.id, by=by)
        ),
    ]


def move_words(before: str, after: str, who: str) -> str:
    back = STAGES.index(after) < STAGES.index(before)
    return f"{'back ' if back else ''}to {TITLES[after].lower()}, by {who}"


def _why(move: Any) -> str:
    without = f", without {_things(len(move.missing))}" if move.missing else ""
    return f"{without}{f': {escaped(move.why)}' if move.why else ''}"


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def as_json(case: UseCase, *, by: Person) -> dict[str, Any]:
    stands, kpi, names = use_case_bars.of(case, by=by), use_cases.kpi_of(case), people.names()
    told = minutes(case, stands, by=by)
    return {
        "id": case.id, "name": case.name, "team": people.teams().get(case.team_id or ""), "owner": names.get(case.owner_id, ""),
        "goal": case.goal, "problem": case.problem, "systems": case.systems, "risk": case.risk, "risk_why": case.risk_why,
        "stage": case.stage, "stage_since": case.stage_since, "stopped_at": case.stopped_at, "stopped_why": case.stopped_why,
        "review_on": case.review_on, "before": case.before, "after": case.after, "links": case.links, "number": case.number,
        "signed": use_cases.is_signed(case), "minutes": {"written": told.written, "before": told.before, "after": told.after},
        "kpi": _kpi_json(case, kpi, stands) if kpi else None,
        "missing": [_bar_json(bar) for bar in stands.missing], "owed": [_bar_json(bar) for bar in stands.owed],
        "moves": [
            {"at": one.at, "before": one.before, "after": one.after, "why": one.why, "missing": one.missing,
             "by": names.get(one.by_person_id or "", "")}
            for one in use_cases.moves(case.id, by=by)
        ],
    }  # fmt: skip


def _kpi_json(case: UseCase, kpi: Kpi, stands: Stands) -> dict[str, Any]:
    found = stands.now
    now = None
    if found is not None:
        low, high = found.interval or (None, None)
        now = {"value": found.value, "low": low, "high": high, "n": found.n, "since": stands.since, "until": stands.until}
    intent = labels.names().get(kpi.intent)
    return {
        "measure": kpi.measure, "channel": kpi.channel or None, "intent": intent, "target": kpi.target, "baseline": kpi.baseline,
        "now": now, "finding": finding(kpi, stands),
    }  # fmt: skip


def _bar_json(bar: Bar) -> dict[str, str]:
    return {"name": bar.name, "sentence": bar.sentence, "page": bar.page}


def weeks(case: UseCase, kpi: Kpi, until: date, *, by: Person, count: int = 26) -> list[trends.Point]:
    """For its chart."""
    since = until - timedelta(days=7 * count - 1)
    if not use_cases.may_see_figures(case, by=by):
        return []
    return trends.series(kpi.measure, by=by, since=since, until=until, of=kpi.of(case), grain="week")
