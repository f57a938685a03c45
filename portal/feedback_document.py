"""Product feedback as it leaves: as a page of Markdown that a product manager reads in a minute, its samples as CSV, and for programs.

What customers said stands in what a person takes along. What a webhook is sent holds figures, what colleagues wrote and links only, for
that is what its approvers read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from data import access, audit, config, conversations, downloads, feedback_evidence, labels, lists, masking, people, product_feedback, store
from data.conversations import Listed
from data.errors import Refused
from data.feedback_evidence import Cost, Evidence, Followed, Stretch, percent
from data.measures import Share
from data.product_feedback import GONE, STATES
from data.tables import Person, ProductFeedback, ProductFeedbackStep
from portal import widgets
from portal.in_markdown import escaped

LONGEST = 280  # characters of how a sample begins


@dataclass(frozen=True)
class Written:
    """All that is to be said of one, for one person's eyes."""

    feedback: ProductFeedback
    evidence: Evidence
    samples: list[Listed]
    steps: list[ProductFeedbackStep]


def collected(feedback_id: str, *, by: Person) -> Written:
    found = product_feedback.get(feedback_id, by=by)
    if found is None:
        raise Refused(f"Nothing was found: {GONE}")
    words = product_feedback.words_of(found)
    evidence = feedback_evidence.of(words, by=by, changed_on=found.changed_on)
    return Written(found, evidence, samples_of(found, by=by), product_feedback.steps(found.id, by=by))


def samples_of(found: ProductFeedback, *, by: Person) -> list[Listed]:
    """Those that are still there and that the person may read."""
    return lines(found.sample_ids, by=by)


def lines(conversation_ids: Sequence[str], *, by: Person) -> list[Listed]:
    """In order."""
    ids = conversations.reachable(conversation_ids, by=by)
    with store.reading() as db:
        told = {one.id: one for one in conversations.listed_by_id(db, ids)}
    return [told[one] for one in ids]


def begins(sample: Listed) -> str:
    """What a customer wrote first, masked once more."""
    said = " ".join(masking.masked(sample.opening[: 4 * LONGEST]).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1].rstrip()}…"


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def document(written: Written, *, words_of_customers: bool) -> dict[str, Any]:
    """The first six are what a chat room is told of it."""
    feedback, evidence = written.feedback, written.evidence
    return {
        "event": "product_feedback", "name": feedback.title, "sentence": _in_short(written), "acted": "", "state": feedback.state,
        "link": _link("product_feedback", feedback=feedback.id), "id": feedback.id, "text": feedback.text, "wish": feedback.wish,
        "intent": labels.names().get(feedback.label_id or ""), "search": masking.masked(evidence.words),
        "product_team": feedback.product_team, "written_at": feedback.at.isoformat(),
        "changed_on": feedback.changed_on.isoformat() if feedback.changed_on else None,
        "numbers": _stretch(evidence.now) | {
            "a_week": round(evidence.a_week, 1), "customers": evidence.customers, "before": _stretch(evidence.before),
            "trend": evidence.trend, "sentence": evidence.sentence,
        },
        "weeks": [_stretch(one) for one in evidence.weeks], "cost": _cost(evidence.cost), "followed": _followed(evidence.followed),
        "samples": [_sample(one, words_of_customers) for one in written.samples],
        "steps": [
            {"day": one.day.isoformat(), "state": one.state, "sentence": one.sentence, "product_team": one.product_team}
            for one in written.steps
        ],
    }  # fmt: skip


def _in_short(written: Written) -> str:
    followed = written.evidence.followed
    return followed.sentence if followed else written.evidence.sentence


def _stretch(one: Stretch) -> dict[str, Any]:
    low, high = one.share.interval
    return {
        "since": one.since.isoformat(), "until": one.until.isoformat(), "conversations": one.share.k, "of": one.share.n,
        "share": round(one.share.value, 5), "low": round(low, 5), "high": round(high, 5),
    }  # fmt: skip


def _cost(cost: Cost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    low, high = cost.interval
    hours = {"hours_a_week": cost.hours_a_week, "low": low, "high": high, "hours_a_year": cost.hours_a_year, "minutes": cost.minutes}
    told = {name: round(value, 2) for name, value in hours.items()}
    return told | {"handled": cost.handled, "of_all_conversations": cost.borrowed, "sentence": cost.sentence}


def _followed(followed: Followed | None) -> dict[str, Any] | None:
    if followed is None:
        return None
    return {
        "before": _stretch(followed.before), "since": _stretch(followed.since), "verdict": followed.verdict, "sentence": followed.sentence
    }  # fmt: skip


def _sample(one: Listed, words_of_customers: bool) -> dict[str, Any]:
    told = {"conversation": one.id, "opened_at": one.opened_at.isoformat(timespec="seconds"), "channel": one.channel, "link": _way(one.id)}
    return told | ({"begins": begins(one)} if words_of_customers else {})


def _link(page: str, **query: str) -> str:
    """Whole where the portal knows its own address."""
    base = config.settings().public_url.rstrip("/")
    return f"{base}/{page}?{urlencode(query)}"


def _way(conversation_id: str) -> str:
    return _link("conversation", conversation=conversation_id)


# -- as Markdown --------------------------------------------------------------------------------------------------------------------------


def markdown(written: Written) -> str:
    """What it is, how large, what it costs, what customers say, where it stands."""
    feedback, evidence, search = written.feedback, written.evidence, masking.masked(written.evidence.words)
    parts = [
        f"# {escaped(feedback.title)}", _standing(written), escaped(feedback.text),
        f"**What would help:** {escaped(feedback.wish)}" if feedback.wish else "",
        "## How large it is", escaped(evidence.sentence), escaped(evidence.cost.sentence) if evidence.cost else "",
        *(("## Since the product changed", escaped(evidence.followed.sentence)) if evidence.followed else ()),
        _weeks(evidence), "## What customers say", _samples(written.samples), "## What happened", _steps(written.steps),
        f"Found by the search `{search.replace('`', ' ')}`, {_link('conversations', words=search)}",
        f"{escaped(feedback_evidence.METHOD)}",
    ]  # fmt: skip
    return "\n\n".join(filter(None, parts)) + "\n"


def _standing(written: Written) -> str:
    feedback, who = written.feedback, people.names().get(written.feedback.by_person_id or "", "the portal")
    to = f" · for {escaped(feedback.product_team)}" if feedback.product_team else ""
    since = f" on {_day(feedback.changed_on)}" if feedback.changed_on else ""
    return f"{STATES[feedback.state]}{since}{to} · written up by {escaped(who)} on {_day(widgets.local(feedback.at).date())}"


def _weeks(evidence: Evidence) -> str:
    rows = [
        f"| {_day(one.since)}{' (not over)' if place == len(evidence.weeks) - 1 else ''} | {one.share.k:,} | {one.share.n:,} "
        f"| {_of(one.share)} |"
        for place, one in enumerate(evidence.weeks) if one.share.n
    ]  # fmt: skip
    return "\n".join(["| Week of | About it | All | Share |", "|---|---:|---:|---:|", *rows]) if rows else ""


def _of(share: Share) -> str:
    return percent(share.value)


def _samples(samples: list[Listed]) -> str:
    told = [
        f"> {escaped(begins(one)) or 'Nothing was said.'}\n>\n> {widgets.CHANNEL_WORDS.get(one.channel, 'Unknown')}, "
        f"{_day(widgets.local(one.opened_at).date())}, {_way(one.id)}"
        for one in samples
    ]
    return "\n\n".join(told) or "None of its samples is within reach any more."


def _steps(steps: list[ProductFeedbackStep]) -> str:
    return "\n".join(
        f"- {_day(one.day)}: {STATES[one.state]}{f' to {escaped(one.product_team)}' if one.state == product_feedback.HANDED_OVER else ''}. "
        f"{escaped(one.sentence)}"
        for one in steps
    )  # fmt: skip


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


# -- as files -----------------------------------------------------------------------------------------------------------------------------


def offer_markdown(feedback_id: str, *, by: Person) -> str:
    """A ticket for the page."""
    written = collected(feedback_id, by=by)
    key = downloads.keep(markdown(written).encode(), "md")
    return downloads.offer(key, f"product-feedback-{_slug(written.feedback.title)}.md", by=by, right="feedback.read")


def offer_samples(feedback_id: str, *, by: Person) -> str:
    """A ticket for the samples, a line each."""
    written = collected(feedback_id, by=by)
    key = downloads.keep(_samples_as_csv(written, by).encode(), "csv")
    return downloads.offer(key, f"samples-{_slug(written.feedback.title)}.csv", by=by, right="conversation.export")


def files(feedback_id: str, *, by: Person) -> dict[str, str]:
    """Both, by name, for whoever may take conversations along."""
    written = collected(feedback_id, by=by)
    return {"feedback.md": markdown(written), "samples.csv": _samples_as_csv(written, by)}


def _samples_as_csv(written: Written, by: Person) -> str:
    """Masked once more, and no cell of it a formula."""
    access.require(by, "conversation.export")
    if not written.samples:
        raise Refused("Nothing to download: none of its samples is within your reach.")
    with store.writing() as db:
        told = f"Made a list of {len(written.samples):,} samples of the product feedback '{written.feedback.title}'."
        audit.record(db, by, "listed", "feedback", written.feedback.id, told)
    return lists.written(written.samples)


def _slug(title: str) -> str:
    parts = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(parts)[:40].strip("-") or "samples"


def told_of(found: ProductFeedback, share: Share | None = None) -> Mapping[str, Any]:
    """A line of a list, for programs."""
    return {
        "id": found.id, "title": found.title, "state": found.state, "product_team": found.product_team, "written_at": found.at,
        "changed_on": found.changed_on, "team": people.teams().get(found.team_id or ""), "search": product_feedback.words_of(found),
        **({"share": round(share.value, 5), "conversations": share.k, "of": share.n} if share else {}),
    }  # fmt: skip
