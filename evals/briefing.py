"""A brief in words: what moved, why, what it needs, each in a sentence with its numbers, and the steps that lead there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import col, func, select

from data import access, behind, store, trends
from data.behind import Behind
from data.tables import Conversation, Pattern, Person, Proposal
from data.trends import Slice
from evals import moved, why
from evals.causes import Cause
from evals.moved import Looked, Moved
from evals.parts import Part
from evals.why import CHANNELS, Names

HALF = 0.5  # of a share: a change that large is none that anybody waits for
TEN = 10  # conversations that somebody reads before they decide
AWAY = timedelta(days=1)  # a decision that waits longer keeps somebody from going on
NOT_COUNTED = {  # what is wrong with a conversation that does not count, or that counts for what should be rare
    "resolution": "that were not resolved", "csat": "whose customers were not satisfied", "agreement": "whose intent the machine got wrong",
    "containment": "that a person had to take", "escalation": "that were handed to a person",
    "abstention": "on which the machine was silent", "reopen": "that were opened again",
    "suggestions_accepted": "whose suggested reply was not taken as it was",
}  # fmt: skip
COUNTED = {
    "resolution": "that were resolved", "csat": "whose customers were satisfied", "agreement": "whose intent the machine got right",
    "containment": "that ended without a person", "escalation": "that no machine handed over",
    "abstention": "on which the machine spoke", "reopen": "that stayed closed", "suggestions_accepted": "whose suggested reply was taken",
}  # fmt: skip
Steps = tuple[tuple[str, str, dict[str, str]], ...]  # label, page, query


@dataclass(frozen=True)
class Told:
    moved: str
    why: str
    needs: str
    steps: Steps = ()
    measure: str = ""
    of: Slice = field(default_factory=Slice)


# -- something moved ----------------------------------------------------------------------------------------------------------------------


def of_moved(found: Moved, *, by: Person) -> Told:
    looked, measure = found.looked, found.looked.measure
    headline, _, everywhere = looked.why.sentences[0].partition(" No part of it")
    when = f"{behind.span(looked.since, looked.until)} beside the four weeks before"
    reasons = [*([f"No part of it{everywhere}"] if everywhere else []), *looked.why.sentences[1:]]
    if not looked.why.causes:
        reasons.append("No release, article, rule or incident came at that time.")
    of, cause = _part_of(looked.found.outstanding), looked.why.causes[0] if looked.why.causes else None
    needs, steps = _needs(found, of, cause, by, looked.why.names)
    return Told(f"{headline.removesuffix('.')}, {when}.", " ".join(reasons), needs, steps, measure.name, of)


def _part_of(outstanding: Sequence[Part]) -> Slice:
    told = {name: str(key) for name, key in outstanding[0].of.items()} if outstanding else {}
    return Slice(**{"team_id" if name == "team" else name: key for name, key in told.items()})


def _needs(found: Moved, of: Slice, cause: Cause | None, by: Person, names: Names) -> tuple[str, Steps]:
    """Ten conversations to read, and what to do if they show the same."""
    looked, worse = found.looked, found.is_worse
    many, what, mark = _behind(looked, of, worse, by, names)
    start = f"Read {'ten of ' if many > TEN else ''}the {many:,} {what}"
    steps: Steps = ((f"Read {'them' if many <= TEN else 'ten of them'}", "conversations", behind.address(mark)),)
    if not worse:
        steps = (*steps, *_cause_step(cause))
        return f"{start}, and keep what makes it better{_thanks(cause)}.", steps
    if cause is None:
        more = "if they show the same fault, flag them: they become the cases that the next release has to pass"
        return f"{start}; {more}.", steps
    return f"{start}; if they show the same fault, {_way_out(cause)}.", (*steps, *_cause_step(cause))


def _behind(looked: Looked, of: Slice, worse: bool, by: Person, names: Names) -> tuple[int, str, Behind]:
    """How many conversations to look at, what they are, and where they are."""
    measure = looked.measure
    amount = trends.amount(measure.name, by=by, since=looked.since, until=looked.until, of=of)
    about = conversations_of(of, names)
    if measure.kind != "share" or measure.name not in NOT_COUNTED:
        return amount.n, f"{about} that were scored", Behind(measure.name, looked.since, looked.until, of)
    counts = (measure.better == "more") != worse  # those that count for it are looked at
    words = (NOT_COUNTED if worse else COUNTED)[measure.name]
    many = round(amount.sum) if counts else amount.n - round(amount.sum)
    return many, f"{about} {words}", Behind(measure.name, looked.since, looked.until, of, counts)


def conversations_of(of: Slice, names: Names) -> str:
    """ "conversations about 'Refund' in chat"."""
    told = of.told
    words = {
        "intent": lambda key: f" about '{names.get('intent', {}).get(key, key)}'" if key else " without an intent",
        "channel": lambda key: f" in {CHANNELS.get(key, key) or 'an unknown channel'}",
        "version": lambda key: f" that {why.named('version', key, names)} looked at or worked on" if key else " that no version worked on",
    }  # fmt: skip
    usual: Callable[[str, str], str] = lambda name, key: f" of {why.named(name, key, names)}"  # noqa: E731
    first = sorted(told.items(), key=lambda one: one[0] != "intent")
    return "conversations" + "".join(words[name](key) if name in words else usual(name, key) for name, key in first)


def _way_out(cause: Cause) -> str:
    one = cause.marker
    numbered = f"'{one.name}'"
    return {
        "release": f"take release {one.number} of {numbered} back", "percent": f"stop release {one.number} of {numbered}",
        "classifier": f"take version {one.number} of {numbered} back",
        "taken back": f"mend release {one.number} of {numbered} and release it again",
        "article": f"{f'go back from version {one.number} of' if (one.number or 1) > 1 else 'correct'} the article {numbered}",
        "articles": "correct the article that they stand on",
        "policy": f"look again at {numbered}",
    }.get(one.kind, "see to what happened then, and flag them: they become the cases that the next release has to pass")  # fmt: skip


def _cause_step(cause: Cause | None) -> Steps:
    if cause is None or not cause.marker.page:
        return ()
    page, query = opened(cause.marker.page)
    one = cause.marker
    named = f"'{one.name}' {one.number}" if one.number is not None and one.kind not in ("policy", "article") else f"'{one.name}'"
    return ((f"Open {named}", page, query),)


def _thanks(cause: Cause | None) -> str:
    return f"; it began when {cause.marker.words}" if cause else ""


def opened(address: str) -> tuple[str, dict[str, str]]:
    """A page and its query."""
    page, _, query = address.partition("?")
    return page, dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)


# -- nothing did --------------------------------------------------------------------------------------------------------------------------


def of_calm(looked: Sequence[Looked], since: date, until: date, volume: int, *, by: Person, at: datetime) -> Told:
    """With how much could have been seen."""
    many = len(looked)
    told = (
        f"Nothing moved beyond what weeks differ by: {many} {'measure' if many == 1 else 'measures'} over {volume:,} conversations, "
        f"{behind.span(since, until)}, beside the four weeks before."
    )
    needs, steps = _instead(by, since, at)
    return Told(told, _could_be_seen(looked), needs, steps)


def _could_be_seen(looked: Sequence[Looked]) -> str:
    one = looked[0]
    could = moved.could_be_seen(one, len(looked))
    stands = f"'{one.measure.title}' is at {why.value(one.measure, one.found.after)} (n\u00a0=\u00a0{one.found.n_after:,})"
    if one.measure.kind == "share" and could > HALF:
        return f"{stands}. The four weeks before differ so much from each other that hardly any change could have been told from that."
    least = why.size(one.measure, could)
    return f"{stands}; a change of about {least} would have been found 8 times in 10, a smaller one may be there unseen."


def of_too_few(volume: int, since: date, until: date, *, by: Person, at: datetime) -> Told:
    many = "No conversation" if not volume else f"{volume:,} {'conversation' if volume == 1 else 'conversations'}"
    told = f"{many} came {behind.span(since, until)}: too few to tell whether anything moved."
    needs, steps = _instead(by, since, at)
    return Told(told, "From about 50 in seven days on, and as many in the weeks before, a large change can be told.", needs, steps)


def _instead(by: Person, since: date, at: datetime) -> tuple[str, Steps]:
    """The most useful thing to do: a decision that waits, a gap, the queue."""
    reach = access.require(by, "measure.read")
    with store.reading() as db:
        open_ = (Proposal.state == "open", col(Proposal.lapses_at) > at, access.within(reach, by, col(Proposal.team_id)))
        waiting, oldest = db.execute(select(func.count(), func.min(Proposal.at)).where(*open_)).one()
        gap = (Pattern.kind == "gap", Pattern.state == "open")
        gaps, largest = db.execute(select(func.count(), func.max(Pattern.size)).where(*gap)).one()
        unread = select(func.count()).where(
            col(Conversation.opened_at) >= at - timedelta(days=7), ~col(Conversation.reviewed), col(Conversation.hidden_at).is_(None),
            access.within(reach, by, col(Conversation.team_id)),
        )  # fmt: skip
        unreviewed = db.execute(unread).scalar_one()
    return _most_useful(waiting, oldest, gaps, largest, unreviewed, at)


def _most_useful(waiting: int, oldest: Any, gaps: int, largest: int | None, unreviewed: int, at: datetime) -> tuple[str, Steps]:
    if waiting and at - oldest >= AWAY:
        days = (at - oldest).days
        told = f"{_count(waiting, 'decision waits', 'decisions wait')}, the oldest for {_count(days, 'day', 'days')}: decide on it."
        return told, (("See what waits", "approvals", {}),)
    if gaps:
        told = (
            f"{_count(gaps, 'gap is', 'gaps are')} open, the largest with {_count(largest or 0, 'question', 'questions')} that no article"
        )
        return f"{told} answers: write that article.", (("See the gaps", "gaps", {}),)
    if unreviewed:
        told = f"Nobody reviewed {_count(unreviewed, 'conversation', 'conversations')} of these days: the first in the queue teach most."
        return told, (("Review", "review", {}),)
    return "It needs nothing today.", ()


def _count(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"
