"""How far the people of this portal agree: what several said of the same conversation, each for themselves, is put side by side.

Only what stands counts, and nothing that a lead settled: a decision is no second opinion.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from data import access, agreement, people, rubric, standing, store
from data.agreement import Agreement, Disagreement, Rating
from data.tables import Conversation, Person, Review

BOTH = 10  # conversations that two people must have looked at both before anything is said of the two


class Said(NamedTuple):
    """What counts of one person's review here."""

    conversation_id: str
    person_id: str
    verdict: str
    label_id: str | None
    rubric: dict[str, Any] | None


@dataclass(frozen=True)
class Pair:
    """Two people, by name, and how far they agree."""

    one: str
    other: str
    both: int  # conversations that both looked at
    intent: Agreement
    verdict: Agreement


@dataclass(frozen=True)
class Overview:
    conversations: int  # that at least two people looked at
    people: int
    intent: Agreement
    verdict: Agreement
    labels: dict[str, Agreement]  # by the label's id, the most used first
    marks: dict[str, Agreement]  # by the question, as reviews ask it now
    pairs: list[Pair]  # by name: nobody is ranked
    confused: list[Disagreement]  # which two intents are taken for each other


def overview(*, by: Person) -> Overview:
    """How far people agree on the conversations within reach that at least two of them looked at."""
    reach = access.require(by, "agreement.read")
    with store.reading() as db:
        said = list(_said(db, reach, by))
    intents = [Rating(one.conversation_id, one.person_id, one.label_id) for one in said]
    verdicts = [Rating(one.conversation_id, one.person_id, one.verdict) for one in said]
    return Overview(
        conversations=len({one.conversation_id for one in said}),
        people=len({one.person_id for one in said}),
        intent=agreement.alpha(intents),
        verdict=agreement.alpha(verdicts),
        labels={str(label_id): told for label_id, told in agreement.by_label(intents).items()},
        marks=_of_marks(said),
        pairs=_of_pairs(said),
        confused=agreement.pairs_that_disagree(intents),
    )


def counted(reach: str, by: Person) -> tuple[ColumnElement[bool], ...]:
    """Reviews that stand and that nobody settled, of conversations within reach."""
    mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    return col(Review.conversation_id) == col(Conversation.id), *mine, col(Review.settled_by_dispute_id).is_(None), standing.stands()


def _said(db: Session, reach: str, by: Person) -> Iterable[Said]:
    """Of each person the last word on each conversation that another looked at too."""
    several = select(Review.conversation_id).group_by(Review.conversation_id)
    several = several.having(func.count(func.distinct(Review.by_person_id)) > 1)
    columns: Any = (Review.conversation_id, Review.by_person_id, Review.verdict, Review.label_id, Review.rubric)
    query = select(*columns).where(*counted(reach, by), col(Review.conversation_id).in_(several))
    last = {row[:2]: Said(*row) for row in db.exec(query.order_by(col(Review.at), col(Review.id)))}
    lookers: defaultdict[str, int] = defaultdict(int)
    for conversation_id, _ in last:
        lookers[conversation_id] += 1
    return [one for one in last.values() if lookers[one.conversation_id] > 1]


def _of_marks(said: Iterable[Said]) -> dict[str, Agreement]:
    """Of each question that reviews ask now. An answer counts where it was asked in the same words; 'not sure' is no answer."""
    asked = rubric.current().items
    words = rubric.questions()
    found: dict[str, list[Rating]] = {item.question: [] for item in asked}
    for one in said:
        if one.rubric:
            then = words.get(one.rubric["number"], {})
            for name, answer in one.rubric["said"].items():
                if then.get(name) in found:
                    found[then[name]].append(Rating(one.conversation_id, one.person_id, answer if answer != "unsure" else None))
    return {question: agreement.alpha(ratings) for question, ratings in found.items()}


def _of_pairs(said: Iterable[Said]) -> list[Pair]:
    names = people.names()
    between: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
    for theirs in _by_conversation(said):
        for one, other in combinations(sorted(theirs, key=lambda one: (names.get(one.person_id, ""), one.person_id)), 2):
            between[one.person_id, other.person_id] += (one, other)
    found = [_pair(ids, both, names) for ids, both in between.items() if len(both) >= 2 * BOTH]
    return sorted(found, key=lambda pair: (pair.one, pair.other))


def _by_conversation(said: Iterable[Said]) -> Iterator[list[Said]]:
    of: defaultdict[str, list[Said]] = defaultdict(list)
    for one in said:
        of[one.conversation_id].append(one)
    yield from of.values()


def _pair(ids: tuple[str, str], said: list[Said], names: dict[str, str]) -> Pair:
    return Pair(
        names.get(ids[0], "Somebody"),
        names.get(ids[1], "Somebody"),
        len(said) // 2,
        agreement.kappa((Rating(one.conversation_id, one.person_id, one.label_id) for one in said), *ids),
        agreement.kappa((Rating(one.conversation_id, one.person_id, one.verdict) for one in said), *ids),
    )


def finding(found: Overview, waiting: int, names: dict[str, str]) -> str:
    """The first thing to know about it, and what to do."""
    if not found.conversations:
        return "How far people agree shows where two looked at the same conversation, each without the other's word. Nobody has yet."
    told = f"{found.people} people looked at {found.conversations:,} conversations with somebody else."
    if found.confused:
        one, other = (names.get(str(label_id), "?") for label_id in (found.confused[0].one, found.confused[0].other))
        told += f" Most often they take '{one}' and '{other}' for each other."
    if not waiting:
        return f"{told} Nothing waits for a decision."
    return f"{told} {waiting} {'conversation waits' if waiting == 1 else 'conversations wait'} for a decision."
