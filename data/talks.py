"""Conversations that visitors of a page write: begun and continued by whoever holds the key, answered by people and by recipes.

What a visitor writes comes in by the same door as everything. What they are shown is theirs alone, and nothing that is private.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import audit, conversations, people, sealing, store
from data.errors import Denied, Refused
from data.intake import appending, door
from data.intake.canonical import CanonicalConversation, CanonicalMessage
from data.intake.cleaning import SEALED
from data.surfaces import Opened
from data.tables import Conversation, Message, Person, Seal, Talk, Team
from data.values import new_id, now
from language import redact

SOURCE = "widget"
LONGEST, MOST = 4_000, 200  # characters of a message; messages that one visitor writes in one conversation
PAGE = 100  # messages that are told at once
SHOWN_TO = {"customer": "you", "rep": "person", "assistant": "machine"}  # by role; nothing else is for a visitor
VISITORS, RECIPES, PEOPLES = "visitor", "reply", "person"  # how the ids of messages begin
OURS = (f"{RECIPES}:", f"{PEOPLES}:")  # written here to be read there: shown as it was written
KEY = re.compile(r"[0-9a-f]{32}")
GONE = "There is no such conversation. Begin another."


@dataclass(frozen=True)
class Said:
    """A message as its visitor sees it."""

    seq: int
    who: str  # you, person, machine
    text: str
    at: datetime


def begin(
    opened: Opened, text: str, *, message: str, customer: str = "", signature: str = "", language: str = "", at: datetime | None = None
) -> tuple[str, Talk]:  # fmt: skip
    """Its key, which is kept nowhere else than in the browser. Who the visitor is counts only where the page's server signed it."""
    said, moment = _checked(text), at or now()
    known = customer if customer and opened.vouches(customer, signature) else None
    arriving = CanonicalConversation(
        id=f"visit-{new_id()}", source=SOURCE, channel="chat", opened_at=moment, customer=known, language=language or None,
        team=_team_of(opened), messages=[_from_visitor(said, message, moment)],
    )  # fmt: skip
    prepared = door.prepare([arriving], by=opened.person, at=moment)  # nobody waits for this
    key = secrets.token_hex(16)
    with store.writing() as db:
        arrival = door.keep(prepared, recipes=False)
        if arrival.refused:
            raise Refused(f"Not sent: {arrival.refused[0]}.")
        talk = Talk(surface_id=opened.surface.id, conversation_id=arrival.ids[0], key_sha=sealing.sha(key), at=moment)
        db.add(talk)
    return key, talk


def of_key(opened: Opened, key: str) -> Talk:
    """The one conversation that this key opens on this surface."""
    query = select(Talk, Conversation).join(Conversation, col(Conversation.id) == col(Talk.conversation_id))
    with store.reading() as db:
        found = db.exec(query.where(Talk.key_sha == sealing.sha(key))).first() if KEY.fullmatch(key) else None
    if found is None or found[0].surface_id != opened.surface.id or found[1].hidden_at is not None:
        raise Denied(GONE)
    return found[0]


def write(opened: Opened, talk: Talk, text: str, *, message: str, at: datetime | None = None) -> bool:
    """Whether it is new: the same message sent again, by its id, is kept once."""
    said, moment = _checked(text), at or now()
    if _written_by_visitor(talk) >= MOST:
        raise Refused(f"Not sent: {MOST} messages are the most in one conversation. Begin another.")
    addition = appending.prepare(_place(talk), [_from_visitor(said, message, moment)], by=opened.person, at=moment)
    arrival = appending.keep(addition, recipes=False)
    if arrival.refused:
        raise Denied(GONE)
    return bool(arrival.counts["messages"])


def written(talk: Talk, message: str) -> Said:
    """What the visitor wrote under this number."""
    query = select(Message).where(Message.conversation_id == talk.conversation_id, Message.external_id == f"{VISITORS}:{message}")
    with store.reading() as db:
        found = db.exec(query).one()
    return Said(found.seq, SHOWN_TO[found.role], found.text, found.at)


def _checked(text: str) -> str:
    said = text.strip()
    if not said:
        raise Refused("Not sent: it is empty.")
    if len(said) > LONGEST:
        raise Refused(f"Not sent: a message has up to {LONGEST:,} characters, this one has {len(said):,}. Send it in parts.")
    return said


def _from_visitor(text: str, message: str, at: datetime) -> CanonicalMessage:
    return CanonicalMessage(id=f"{VISITORS}:{message}", role="customer", text=text, at=at)


def _team_of(opened: Opened) -> str | None:
    with store.reading() as db:
        team = db.get(Team, opened.surface.team_id) if opened.surface.team_id else None
    return team.name if team else None


def _place(talk: Talk) -> tuple[str, str]:
    with store.reading() as db:
        found = db.get_one(Conversation, talk.conversation_id)
    return found.source, found.external_id


def _written_by_visitor(talk: Talk) -> int:
    query = select(func.count()).where(Message.conversation_id == talk.conversation_id, Message.role == "customer")
    with store.reading() as db:
        return db.exec(query).one()


# -- what the visitor is shown ------------------------------------------------------------------------------------------------------------


def heard(talk: Talk, *, after: int = 0) -> list[Said]:
    """What was said after that message, for the visitor's eyes. What we wrote is shown as it was written, not as it is kept."""
    query = select(Message).where(
        Message.conversation_id == talk.conversation_id, Message.seq > after, col(Message.role).in_(SHOWN_TO), ~col(Message.private),
        col(Message.gone_at).is_(None), Message.text != "",
    )  # fmt: skip
    with store.reading() as db:
        found = list(db.exec(query.order_by(col(Message.seq)).limit(PAGE)))
        originals = _originals(db, talk) if any(_is_ours(one) and redact.PLACEHOLDER.search(one.text) for one in found) else {}
    return [Said(one.seq, SHOWN_TO[one.role], _as_written(one, originals), one.at) for one in found]


def _is_ours(message: Message) -> bool:
    return (message.external_id or "").startswith(OURS)


def _originals(db: Session, talk: Talk) -> dict[str, str]:
    """By placeholder, as long as they are kept."""
    seals = db.exec(select(Seal).where(Seal.conversation_id == talk.conversation_id, col(Seal.sealed_value).is_not(None)))
    return {redact.placeholder(one.kind, one.number): sealing.unseal(one.sealed_value or "", SEALED) for one in seals}


def _as_written(message: Message, originals: dict[str, str]) -> str:
    if not _is_ours(message):
        return message.text
    return redact.PLACEHOLDER.sub(lambda gap: originals.get(gap[0], gap[0]), message.text)


def last_words(talk: Talk) -> int:
    """The number of what the visitor wrote last."""
    query = select(func.max(Message.seq)).where(
        Message.conversation_id == talk.conversation_id, Message.role == "customer", col(Message.gone_at).is_(None)
    )
    with store.reading() as db:
        return db.exec(query).one() or 0


def waits(talk: Talk) -> bool:
    """Whether recipes were not yet asked about what the visitor wrote last."""
    with store.reading() as db:
        until = db.exec(select(Talk.looked_seq).where(Talk.id == talk.id)).one()
    return until < last_words(talk)


def looked(talk: Talk, seq: int) -> None:
    """Recipes were asked about it, whatever they said."""
    with store.writing() as db:
        db.execute(update(Talk).where(col(Talk.id) == talk.id, col(Talk.looked_seq) < seq).values(looked_seq=seq))


# -- what is written to the visitor -------------------------------------------------------------------------------------------------------


def is_one(conversation_id: str) -> bool:
    """Whether its customer reads what is written here."""
    with store.reading() as db:
        return db.exec(select(Talk.id).where(Talk.conversation_id == conversation_id)).first() is not None


def reply(conversation_id: str, text: str, *, by: Person, at: datetime | None = None) -> int:
    """A person answers: it stands in the conversation, and the visitor is shown it. How many messages were added."""
    with store.reading() as db:
        conversations.within_reach(db, conversation_id, "conversation.answer", by=by)
    said = _checked(text)
    if not is_one(conversation_id):
        raise Refused("Not sent: this conversation did not come by the chat widget. Answer it where it came from.")
    if gaps := sorted({gap[0] for gap in redact.PLACEHOLDER.finditer(said)}):
        raise Refused(f"Not sent: {', '.join(gaps[:3])} stands in it where something personal was taken out. Write it without.")
    with store.writing() as db:
        added = put(conversation_id, [CanonicalMessage(id=f"{PEOPLES}:{new_id()}", role="rep", text=said, author=by.name, at=at or now())])
        audit.record(db, by, "answered", "conversation", conversation_id, "Answered a customer in the chat widget.", at=at)
    return added


def put(conversation_id: str, said: Sequence[CanonicalMessage]) -> int:
    """By the door, like everything; whoever calls it has asked the right, or carries out what had it."""
    with store.reading() as db:
        found = db.get_one(Conversation, conversation_id)
    addition = appending.prepare((found.source, found.external_id), said, by=people.console())
    return appending.keep(addition, recipes=False).counts["messages"]
