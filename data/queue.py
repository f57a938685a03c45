"""What waits for review, why it is here, and who has it in hand."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, delete, exists, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data import access, conversations, deeds, search, standing, store
from data.conversations import Listed
from data.errors import Refused
from data.intake.cleaning import key_of
from data.masking import masked
from data.tables import Assignment, Claim, Conversation, Message, Person, QueueReason, Review, Signal, Skip
from data.values import now
from language import words

NEWEST = 500  # of what waits: what somebody still remembers is reviewed first, and among 200,000 nobody is kept waiting
RECENT = timedelta(days=14)
MY_LAST = 60
THREE, SHORT = 3, 900  # characters that are read in a minute
IN_HAND = timedelta(minutes=15)
REASON_LONGEST = 200

# what a reason weighs: the more, the earlier it is asked for
ANNOYED = {1: 1.0, 2: 0.7}  # by the customer's rating
TOLD_BY = {"reopened": (0.6, "came back"), "reassigned": (0.3, "was handed on")}


@dataclass(frozen=True)
class Item:
    """A conversation that waits, and why it is here."""

    listed: Listed
    why: str
    in_hand_of: str = ""  # somebody else's name


@dataclass(frozen=True)
class Candidate:
    id: str
    customer_id: str
    opened_at: datetime
    certainty: float | None
    csat: int | None
    reviewed: bool


def team(*, by: Person, size: int = 12) -> list[Item]:
    """What teaches most of what nobody reviewed yet; what somebody else has in hand is left out."""
    with store.reading() as db:
        return _items(db, _asked_first(_asked(db, by), _of_team(db, by))[:size], by)


def three(*, by: Person) -> list[Item]:
    """Three short ones of those that teach most: for the minutes between two chats."""
    with store.reading() as db:
        ranked = _of_team(db, by)
        short = _short(db, [candidate.id for candidate, _ in ranked[:100]])
        return _items(db, [pair for pair in ranked if pair[0].id in short][:THREE], by)


def mine(*, by: Person, size: int = 12) -> list[Item]:
    """What somebody asks this person to look at, then the last ones that they answered and have not judged, the annoying ones first."""
    found: dict[str, Candidate] = {}
    with store.reading() as db:
        for name in filter(words.of, (by.name, *by.desk_names)):
            query, order = search.with_words(CANDIDATES, [search.Term(False, field="person", sign=":", value=name)])
            query = query.where(*_within(by), ~_judged(by), ~_skipped(by)).order_by(order.desc()).limit(MY_LAST)
            found |= {candidate.id: candidate for candidate in _candidates(db, query)}
        return _items(db, _asked_first(_asked(db, by), _ranked(db, list(found.values())))[:size], by)


def _asked(db: Session, by: Person) -> list[tuple[Candidate, str]]:
    """What somebody asked this person to look at, until they said something about it."""
    asker = aliased(Person)
    asked = CANDIDATES.add_columns(col(asker.name)).join(Assignment, col(Assignment.conversation_id) == col(Conversation.id))
    asked = asked.outerjoin(asker, col(asker.id) == col(Assignment.by_person_id)).where(col(Assignment.person_id) == by.id)
    asked = asked.where(*_within(by), ~_judged(by), ~_skipped(by)).order_by(col(Assignment.at), col(Conversation.place).desc())
    found = [(Candidate(*row[:-1]), row[-1]) for row in db.execute(asked.limit(NEWEST))]
    return [(candidate, f"{name or 'somebody'} asks you to look") for candidate, name in found]


def _asked_first(asked: list[tuple[Candidate, str]], others: list[tuple[Candidate, str]]) -> list[tuple[Candidate, str]]:
    known = {candidate.id for candidate, _ in asked}
    return [*asked, *(pair for pair in others if pair[0].id not in known)]


def _candidates(db: Session, query: Any) -> list[Candidate]:
    return [Candidate(*row) for row in db.execute(query)]


COLUMNS: tuple[Any, ...] = (
    Conversation.id, Conversation.customer_id, Conversation.opened_at, Conversation.certainty, Conversation.csat, Conversation.reviewed,
)  # fmt: skip
CANDIDATES: Select[Any] = select_columns(*COLUMNS)


def _within(by: Person) -> tuple[ColumnElement[bool], ...]:
    reach = access.require(by, "conversation.read")
    return access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None)


def _skipped(by: Person) -> ColumnElement[bool]:
    return exists().where(col(Skip.conversation_id) == col(Conversation.id), col(Skip.person_id) == by.id)


def _judged(by: Person) -> ColumnElement[bool]:
    said = (col(Review.conversation_id) == col(Conversation.id), col(Review.by_person_id) == by.id)
    return exists().where(*said, standing.stands())


def _free(by: Person) -> Select[Any]:
    """What this person may take next: neither skipped by them nor in the hands of somebody else."""
    held = exists().where(
        col(Claim.conversation_id) == col(Conversation.id), col(Claim.person_id) != by.id, col(Claim.lapses_at) > now()
    )  # fmt: skip
    return CANDIDATES.where(*_within(by), ~held, ~_skipped(by))


def _of_team(db: Session, by: Person) -> list[tuple[Candidate, str]]:
    newest = _free(by).where(~col(Conversation.reviewed)).order_by(col(Conversation.place).desc()).limit(NEWEST)
    found = {candidate.id: candidate for candidate in [*_candidates(db, newest), *_wanted(db, by)]}
    return _spread(_ranked(db, list(found.values())))


ENDED_KINDS = ("teaches most", "look through", "new pattern")  # anybody's look is enough; undone, it waits again


def _wanted(db: Session, by: Person, source: str = "") -> list[Candidate]:
    """What somebody noticed, however old it is, the weightiest first. By way of the reasons: of 200,000 conversations few have one."""
    lasts = func.max(case((col(QueueReason.kind).in_(ENDED_KINDS), 0), else_=1))
    given = select(QueueReason.conversation_id, func.max(QueueReason.weight).label("weight"), lasts.label("lasts"))
    if source:
        given = given.where(QueueReason.source == source)
    one = given.group_by(col(QueueReason.conversation_id)).subquery()
    query = _free(by).join(one, one.c.conversation_id == col(Conversation.id))
    query = query.where(or_(~col(Conversation.reviewed), one.c.lasts == 1), ~_judged(by))
    return _candidates(db, query.order_by(one.c.weight.desc(), col(Conversation.place).desc()).limit(NEWEST))


def from_source(source: str, *, by: Person) -> list[Item]:
    """What one source alone asks for, in its order: what somebody opened with one click."""
    with store.reading() as db:
        found = _wanted(db, by, source.replace("\0", "")) if source.strip("\0") else []
        why = {candidate.id: told for candidate, told in _ranked(db, found)}
        return _items(db, [(candidate, why[candidate.id]) for candidate in found], by)


# written once: five hundred ids are looked up whenever a queue is drawn
_IDS: Any = bindparam("ids", expanding=True)
SIGNALLED = (
    select(Signal.conversation_id, Signal.kind).where(col(Signal.conversation_id).in_(_IDS), col(Signal.kind).in_(TOLD_BY)).distinct()
)
GIVEN = select(QueueReason.conversation_id, QueueReason.kind, QueueReason.weight, QueueReason.sentence).where(
    col(QueueReason.conversation_id).in_(_IDS)
)


def _ranked(db: Session, candidates: Sequence[Candidate]) -> list[tuple[Candidate, str]]:
    """Each with its heaviest reason in words: of the last two weeks, and of what somebody noticed, the heaviest altogether first, then
    older ones likewise."""
    ids = [candidate.id for candidate in candidates]
    reviewed = {candidate.id for candidate in candidates if candidate.reviewed}
    told: dict[str, list[tuple[float, str]]] = {made: [] for made in ids}
    for made, kind, weight, sentence in db.execute(GIVEN, {"ids": ids}):
        if made not in reviewed or kind not in ENDED_KINDS:
            told[made].append((weight, sentence))
    noticed = {made for made, reasons in told.items() if reasons}
    for made, kind in db.execute(SIGNALLED, {"ids": ids}):
        told[made].append(TOLD_BY[kind])
    weighed = [(candidate, sorted(told[candidate.id] + _of_itself(candidate), reverse=True)) for candidate in candidates]
    past = {candidate.id for candidate in candidates if candidate.opened_at < now() - RECENT} - noticed
    weighed.sort(key=lambda pair: (pair[0].id in past, -sum(weight for weight, _ in pair[1]), -pair[0].opened_at.timestamp()))
    return [(candidate, reasons[0][1] if reasons else "not reviewed yet") for candidate, reasons in weighed]


def _of_itself(candidate: Candidate) -> list[tuple[float, str]]:
    """What its own row tells."""
    reasons = []
    if candidate.csat in ANNOYED:
        reasons.append((ANNOYED[candidate.csat], f"rated {candidate.csat} of 5"))
    if candidate.certainty is not None:
        reasons.append((1 - candidate.certainty, f"unsure, {candidate.certainty * 100:.0f}\u00a0%"))
    return reasons


def _spread(ranked: Iterable[tuple[Candidate, str]]) -> list[tuple[Candidate, str]]:
    """One of each customer before the second of anybody: ten about the same parcel teach as much as one."""
    come: Counter[str] = Counter()
    rounds = []
    for place, (candidate, why) in enumerate(ranked):
        rounds.append((come[candidate.customer_id], place, candidate, why))
        come[candidate.customer_id] += 1
    rounds.sort(key=lambda one: one[:2])
    return [(candidate, why) for _, _, candidate, why in rounds]


def _short(db: Session, ids: Sequence[str]) -> set[str]:
    said = func.sum(func.length(Message.text))
    query = select(Message.conversation_id).where(col(Message.conversation_id).in_(ids), col(Message.gone_at).is_(None))
    return set(db.exec(query.group_by(col(Message.conversation_id)).having(said <= SHORT)).all())


def _items(db: Session, chosen: Sequence[tuple[Candidate, str]], by: Person) -> list[Item]:
    ids = [candidate.id for candidate, _ in chosen]
    listed = {one.id: one for one in conversations.listed_by_id(db, ids)}
    holding = select(Claim.conversation_id, Person.name).join(Person, col(Person.id) == col(Claim.person_id))
    theirs = dict(db.exec(holding.where(col(Claim.conversation_id).in_(ids), Claim.person_id != by.id, Claim.lapses_at > now())).all())
    return [Item(listed[candidate.id], why, theirs.get(candidate.id, "")) for candidate, why in chosen]


def pasted(text: str, *, by: Person) -> str | None:
    """The conversation that somebody means by its address in the help desk, its number or its address here."""
    text = text.replace("\0", "").strip()[:2000]
    wanted = {part for part in (text, *re.split(r"[/?&#=\s]+", text)[-8:]) if part}
    keys = {key_of(part) for part in wanted}
    known = (col(Conversation.external_id).in_(keys) | col(Conversation.id).in_(wanted), *_within(by))
    with store.reading() as db:
        return db.exec(select(Conversation.id).where(*known).order_by(col(Conversation.place).desc())).first()


# -- in hand ----------------------------------------------------------------------------------------------------------------------------


def claim(conversation_id: str, *, by: Person, at: datetime | None = None) -> Claim | None:
    """Take it in hand for a while, or for a while longer. None where somebody else has it: both may still review it."""
    at = at or now()
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        store.one_at_a_time(db, f"claim {conversation_id}")
        claims = db.exec(select(Claim).where(Claim.conversation_id == conversation_id)).all()
        if any(one.person_id != by.id and one.lapses_at > at for one in claims):
            return None
        held = next((one for one in claims if one.person_id == by.id), None) or Claim(
            conversation_id=conversation_id, person_id=by.id, by_person_id=by.id, lapses_at=at
        )
        held.at, held.lapses_at = at, at + IN_HAND
        db.add(held)
        return held


def hand_back(conversation_id: str, *, by: Person) -> None:
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        let_go(db, conversation_id, by=by)


# written once: it is asked with each review
LET_GO = delete(Claim).where(col(Claim.conversation_id) == bindparam("made"), col(Claim.person_id) == bindparam("person"))


def let_go(db: Session, conversation_id: str, *, by: Person) -> None:
    """It is done, or given back."""
    db.connection().execute(LET_GO, {"made": conversation_id, "person": by.id})


def held(conversation_id: str, *, by: Person) -> bool:
    """Whether this person has it in hand."""
    access.require(by, "conversation.read")
    query = select(Claim.id).where(Claim.conversation_id == conversation_id, Claim.person_id == by.id, Claim.lapses_at > now())
    with store.reading() as db:
        return db.exec(query).first() is not None


def skip(conversation_id: str, reason: str, *, by: Person, at: datetime | None = None) -> Skip:
    """Not for this person: it goes back to the others and does not come again."""
    if not reason.strip():
        raise Refused("Not skipped: say in a few words why it is not for you; whoever plans the reviews learns from it.")
    if len(reason) > REASON_LONGEST:
        raise Refused(f"Not skipped: the reason may have {REASON_LONGEST} characters, this one has {len(reason):,}.")
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        hand_back(conversation_id, by=by)
        mine = (Skip.conversation_id == conversation_id, Skip.person_id == by.id)
        skipped = db.exec(select(Skip).where(*mine)).first() or Skip(
            conversation_id=conversation_id, person_id=by.id, by_person_id=by.id, reason=""
        )
        skipped.reason, skipped.at = masked(reason.strip().replace("\0", "")), at or now()
        db.add(skipped)
        deeds.remember(db, "Skipped a conversation.", "skip", conversation_id, by=by, at=at)
        return skipped


def unskip(conversation_id: str, *, by: Person) -> None:
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        db.execute(delete(Skip).where(col(Skip.conversation_id) == conversation_id, col(Skip.person_id) == by.id))


def suggest(
    db: Session, conversation_id: str, kind: str, sentence: str, *, weight: float, source: str, at: datetime | None = None
) -> None:  # fmt: skip
    """Say why somebody should look at it. Said again, it is said anew."""
    known = db.exec(
        select(QueueReason).where(QueueReason.conversation_id == conversation_id, QueueReason.kind == kind, QueueReason.source == source)
    ).first()
    reason = known or QueueReason(
        conversation_id=conversation_id, kind=kind, source=source, weight=weight, sentence=sentence, at=at or now()
    )  # fmt: skip
    reason.weight, reason.sentence = weight, sentence
    db.add(reason)


def forget(db: Session, source: str) -> None:
    """What it asked for it asks for no more."""
    db.execute(delete(QueueReason).where(col(QueueReason.source) == source))


# -- what one look is not enough for ------------------------------------------------------------------------------------------------------

SECOND, DISAGREEMENT, GRADER_CHECK = "second look", "disagreement", "grader check"
BLIND = (SECOND, DISAGREEMENT, GRADER_CHECK)  # each judges for themselves: nobody sees what others or the machine said


def look_again(db: Session, said: Sequence[Review], conversation_id: str, wanted: int) -> None:
    """After a review: whether another person should look, because it is in the sample or because two see it differently."""
    people, last = {review.by_person_id for review in said}, max((review.at for review in said), default=None)
    settled = any(review.settled_by_dispute_id for review in said)
    db.connection().execute(LOOKED_AT, {"made": conversation_id})
    if not settled and len(people) == 2 and differ(said):
        suggest(db, conversation_id, DISAGREEMENT, "two see it differently", weight=0.9, source="reviews", at=last)
    if not settled and 0 < len(people) < wanted:
        suggest(db, conversation_id, SECOND, "wants a second look", weight=0.5, source="reviews", at=last)


ENDED_BY_A_LOOK = ("reviews", "continuous")  # what reviews asked for, and what the nightly graders found worst

# written once: it is asked with each review
LOOKED_AT = delete(QueueReason).where(col(QueueReason.conversation_id) == bindparam("made"), col(QueueReason.source).in_(ENDED_BY_A_LOOK))


def differ(said: Sequence[Review]) -> bool:
    """Two intents, or strong against weak. Who named no intent, or thought it neither, contradicts nobody."""
    intents = {review.label_id for review in said if review.label_id}
    return len(intents) > 1 or {"strong", "weak"} <= {review.verdict for review in said}


def wants_another(db: Session, conversation_id: str) -> bool:
    """Somebody is to judge it without knowing what was said."""
    query = select(QueueReason.id).where(QueueReason.conversation_id == conversation_id, col(QueueReason.kind).in_(BLIND))
    return db.exec(query).first() is not None


QUEUES: dict[str, tuple[str, Callable[..., list[Item]]]] = {
    "mine": ("My last chats", mine),
    "three": ("Three minutes", three),
    "team": ("The team's", team),
}
