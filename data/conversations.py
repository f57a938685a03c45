"""Reads conversations: lists for screens, one with its messages, and the text that machines look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, func, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data import access, predictions, search, standing, store
from data.errors import Denied
from data.labels import INTENT
from data.tables import Conversation, Label, Message, Person, Prediction, Review
from data.values import LIVE, Subject

if TYPE_CHECKING:
    from data.behind import Behind

PAGE = 25
MOST_COUNTED = 1000
MOST_OF_A_CUSTOMER = 10


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; it also stands in the address of the page."""

    channel: str | None = None
    intent: str | None = None  # a label's name; "none" for kept silent
    words: str = ""  # in the search language (search.py)
    since: datetime | None = None
    until: datetime | None = None
    reviewed: bool | None = None
    agreed: bool | None = None  # the machine's intent is the review's
    version: int | None = None  # of the intent classifier that was live for it
    behind: "Behind | None" = None  # the mark of a chart that it stands for

    def is_empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True)
class Listed:
    """One line of a list."""

    id: str
    opened_at: datetime
    channel: str
    customer: str
    subject: str
    status: str
    csat: int | None
    opening: str
    intent: str | None
    confidence: float | None
    reviewed: bool


def pseudonym(customer_id: str) -> str:
    """What a screen calls a customer: the same customer always the same, nobody's name."""
    return f"Customer {customer_id[-4:].upper()}"


def listed(found: Filter, *, by: Person, page: int = 0, size: int = PAGE) -> list[Listed]:
    """Newest first."""
    with store.reading() as db:
        query, order = _narrowed(db, select(Conversation), found, by)
        return _listed(db, db.exec(query.order_by(order.desc()).limit(size).offset(page * size)).all())


def of_customer(conversation_id: str, *, by: Person) -> list[Listed]:
    """The other conversations of that one's customer, within the person's reach, newest first."""
    reach = access.require(by, "conversation.read")
    mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    whose = select(Conversation.customer_id).where(Conversation.id == conversation_id, *mine).scalar_subquery()
    query = select(Conversation).where(col(Conversation.customer_id) == whose, Conversation.id != conversation_id, *mine)
    with store.reading() as db:
        return _listed(db, db.exec(query.order_by(col(Conversation.place).desc()).limit(MOST_OF_A_CUSTOMER)).all())


def counted(found: Filter, *, by: Person, most: int = MOST_COUNTED) -> int:
    """How many fit, counted no further than `most` + 1: whoever reads it wants to know that they are many."""
    with store.reading() as db:
        query, _ = _narrowed(db, select(col(Conversation.id)), found, by)
        return int(db.exec(select(func.count()).select_from(query.limit(most + 1).subquery())).one())


def in_words(count: int) -> str:
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def _narrowed(db: Session, query: Any, found: Filter, by: Person) -> tuple[Any, Any]:
    """The query within the person's reach and the filter, and the column that orders it."""
    reach = access.require(by, "conversation.read")
    terms = search.parse(found.words)
    query, order = search.with_words(query, terms)
    query = query.where(access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    for condition in [*_conditions(found), *search.conditions(db, terms)]:
        query = query.where(condition)
    if found.behind:
        from data import behind  # which counts days with numpy, and reads reviews, which read conversations

        query = query.where(behind.narrowing(found.behind, by=by))
    return query, order


def _conditions(found: Filter) -> list[ColumnElement[bool]]:
    made: list[ColumnElement[bool]] = []
    if found.channel:
        made.append(col(Conversation.channel) == found.channel)
    if found.since:
        made.append(col(Conversation.opened_at) >= found.since)
    if found.until:
        made.append(col(Conversation.opened_at) < found.until)
    if found.intent:
        made.append(_predicted(found.intent, found.version))
    elif found.version:
        made.append(_predicted(None, found.version))
    if found.reviewed is not None:
        made.append(col(Conversation.reviewed) == found.reviewed)
    if found.agreed is not None:
        made.append(_agreed(found.agreed))
    return made


def _predicted(intent: str | None, version: int | None) -> ColumnElement[bool]:
    its = and_(col(Prediction.conversation_id) == col(Conversation.id), col(Prediction.mode) == LIVE, col(Prediction.target_name) == INTENT)
    if version:
        its = and_(its, col(Prediction.target_number) == version)
    if intent == "none":
        its = and_(its, col(Prediction.label_id).is_(None))
    elif intent:
        its = and_(its, col(Prediction.label_id).in_(select(Label.id).where(Label.name == intent)))
    return exists().where(its)


def _agreed(agreed: bool) -> ColumnElement[bool]:
    """Reviewed with an intent, and the live prediction says the same (or does not). The last review counts."""
    later = aliased(Review)
    outspoken = exists().where(
        col(later.conversation_id) == col(Review.conversation_id),
        tuple_(col(later.at), col(later.id)) > tuple_(col(Review.at), col(Review.id)),
        standing.stands(later),
    )
    same = and_(
        standing.stands(),
        ~outspoken,
        col(Review.conversation_id) == col(Conversation.id),
        col(Review.label_id).is_not(None),
        col(Prediction.conversation_id) == col(Conversation.id),
        col(Prediction.mode) == LIVE,
        col(Prediction.target_name) == INTENT,
        col(Prediction.label_id).is_not(None),
        (col(Prediction.label_id) == col(Review.label_id)) if agreed else (col(Prediction.label_id) != col(Review.label_id)),
    )
    return exists().where(same)


def _listed(db: Session, found: Sequence[Conversation]) -> list[Listed]:
    ids = [conversation.id for conversation in found]
    openings = dict(
        db.exec(
            select(Message.conversation_id, Message.text)
            .where(col(Message.conversation_id).in_(ids), Message.role == "customer", col(Message.gone_at).is_(None))
            .order_by(col(Message.seq).desc())  # the dictionary keeps the last, which is the first message
        ).all()
    )
    live = predictions.live_by_conversation(db, ids)
    names = dict(db.exec(select(Label.id, Label.name)).all())
    return [
        Listed(
            id=row.id, opened_at=row.opened_at, channel=row.channel, customer=pseudonym(row.customer_id), subject=row.subject or "",
            status=row.status, csat=row.csat, opening=openings.get(row.id, ""), reviewed=row.reviewed,
            intent=names.get(live[row.id].label_id or "") if row.id in live else None,
            confidence=live[row.id].confidence if row.id in live else None,
        )
        for row in found
    ]  # fmt: skip


def listed_by_id(db: Session, ids: Sequence[str]) -> list[Listed]:
    """The lines of conversations whose reach was checked by whoever chose them."""
    return _listed(db, db.exec(select(Conversation).where(col(Conversation.id).in_(ids))).all())


def get(conversation_id: str, *, by: Person) -> tuple[Conversation, list[Message]] | None:
    """The conversation with its messages, if it exists within the person's reach; a stranger's is as absent as one that is not there."""
    reach = access.require(by, "conversation.read")
    with store.reading() as db:
        mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
        query = select(Conversation).where(Conversation.id == conversation_id, *mine)
        conversation = db.exec(query).first()
        if conversation is None:
            return None
        return conversation, messages_of(db, conversation_id)


def reachable(conversation_ids: Sequence[str], *, by: Person) -> list[str]:
    """Those of them that the person may read, in order; nothing for who may read none."""
    reach = access.reach(by, "conversation.read")
    if reach is None:
        return []
    mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    with store.reading() as db:
        there = set(db.exec(select(Conversation.id).where(col(Conversation.id).in_(conversation_ids), *mine)))
    return [made for made in conversation_ids if made in there]


def within_reach(db: Session, conversation_id: str, verb: str, *, by: Person) -> Conversation:
    """The conversation that a verb acts on, once the right to do so was checked."""
    conversation = db.get(Conversation, conversation_id)
    if conversation is None or conversation.hidden_at is not None:
        access.require(by, verb)
        raise Denied("Nothing was saved: there is no such conversation.")
    access.require(by, verb, team_id=conversation.team_id)
    return conversation


def messages_of(db: Session, conversation_id: str) -> list[Message]:
    return list(db.exec(select(Message).where(Message.conversation_id == conversation_id).order_by(col(Message.seq))))


def frozen(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """A copy of messages as they are now, for what must not change with them. Private notes stay behind, and what was deleted since."""
    said = (message for message in messages if not message.private and message.gone_at is None)
    return [{"seq": message.seq, "role": message.role, "text": message.text} for message in said]


def text_of(subject_line: str | None, messages: Iterable[dict[str, Any]]) -> str:
    """What a classifier looks at: the subject line and all that the customer wrote before anybody answered."""
    told = [subject_line] if subject_line else []
    opened = False
    for message in messages:
        if message["role"] == "customer":
            told.append(message["text"])
            opened = True
        elif opened and message["role"] in ("rep", "assistant"):
            break
    return "\n".join(told)


def beginnings(conversation_ids: Sequence[str], most: int = 300) -> dict[str, str]:
    """How each begins, in a line, as a classifier reads it. Whoever asks checked the reach."""
    with store.reading() as db:
        return {made: _cut(" ".join(text.split()), most) for made, (_, text) in texts(db, conversation_ids).items()}


def _cut(text: str, most: int) -> str:
    """What goes on says so: half a word would be read as a slip of the customer's."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def opening_subject(conversation_id: str, messages: Iterable[dict[str, Any]]) -> Subject:
    """The customer message up to which `text_of` reads: what a prediction is about."""
    last = 1
    opened = False
    for message in messages:
        if message["role"] == "customer":
            last, opened = message["seq"], True
        elif opened and message["role"] in ("rep", "assistant"):
            break
    return Subject(conversation_id, last)


def texts(db: Session, conversation_ids: Sequence[str]) -> dict[str, tuple[Subject, str]]:
    """The subject and text that a classifier sees, of many conversations."""
    lines = dict(db.exec(select(Conversation.id, Conversation.subject).where(col(Conversation.id).in_(conversation_ids))).all())
    spoken: dict[str, list[dict[str, Any]]] = {made: [] for made in lines}
    query = (
        select(Message.conversation_id, Message.seq, Message.role, Message.text)
        .where(col(Message.conversation_id).in_(conversation_ids), ~col(Message.private), col(Message.gone_at).is_(None))
        .order_by(Message.conversation_id, col(Message.seq))
    )
    for conversation_id, seq, role, text in db.exec(query):
        spoken[conversation_id].append({"seq": seq, "role": role, "text": text})
    return {made: (opening_subject(made, spoken[made]), text_of(lines[made], spoken[made])) for made in lines}
