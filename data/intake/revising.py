"""A conversation that comes again and has changed: what is new is added, what was is kept as a revision, numbers stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from data import conversations, sealing, store
from data.intake.canonical import CanonicalMessage
from data.intake.cleaning import key_of
from data.tables import Action, Conversation, ConversationWords, Message, Person, Revision, Signal
from data.values import new_id

COLUMNS = (
    "channel", "subject", "opened_at", "closed_at", "status", "resolved", "csat", "handle_seconds", "language", "assignee", "tags", "extra",
    "customer_id", "team_id",
)  # fmt: skip
OF_RECIPES = ("tag", "note", "draft", "reply")  # kinds of actions that come back with a conversation
OF_A_MESSAGE = (
    "role", "text", "author", "private", "start_ms", "end_ms", "tool_call", "tool_result", "external_id", "extra", "gone_at",
)  # fmt: skip


def messages_of(db: Session, conversation_id: str) -> list[Message]:
    return list(db.exec(select(Message).where(Message.conversation_id == conversation_id).order_by(col(Message.seq))))


def numbered(before: Sequence[Message], said: Sequence[CanonicalMessage]) -> Iterator[tuple[int, CanonicalMessage]]:
    """Each message's number: the one it had, found by the source's own id of it, else by its place; a new one's is the next."""
    by_id: dict[str, list[int]] = {}
    for known in before:
        if known.external_id:
            by_id.setdefault(known.external_id, []).append(known.seq)
    unnamed = {message.seq for message in before if not message.external_id}
    # a source that gives two messages one id means two messages
    keys = [key_of(message.id) if message.id else "" for message in said]
    wanted = [by_id[key].pop(0) if by_id.get(key) else None for key in keys]
    taken = {seq for seq in wanted if seq}
    following = max((message.seq for message in before), default=0)
    for place, (message, seq) in enumerate(zip(said, wanted, strict=True), start=1):
        free = place not in taken and (place in unnamed or (not message.id and place <= len(before)))
        if seq is None and free:
            seq = place
        elif seq is None:
            following += 1
            seq = following
        taken.add(seq)
        yield seq, message


@dataclass(frozen=True)
class Change:
    number: int
    columns: dict[str, tuple[Any, Any]]  # name -> before, after
    new: int  # messages
    gone: int


def revise(
    db: Session,
    stored: Conversation,
    before: Sequence[Message],
    values: dict[str, Any],
    said: Sequence[dict[str, Any]],
    words: str,
    *,
    at: datetime,
) -> Change:
    """Bring what is stored to what was said now, and keep what it was."""
    known = {message.seq: message for message in before}
    columns = {name: (getattr(stored, name), values[name]) for name in COLUMNS if name in values and getattr(stored, name) != values[name]}
    fresh = [row for row in said if row["seq"] not in known]
    was: dict[str, dict[str, Any]] = {}
    for row in said:
        if row["seq"] in known and (old := _differences(known[row["seq"]], row)):
            was[str(row["seq"])] = old
            corrected = {name: row.get(name) for name in old}
            db.execute(update(Message).where(col(Message.id) == known[row["seq"]].id).values(**corrected))
    gone = [message for message in before if message.gone_at is None and message.seq not in {row["seq"] for row in said}]
    if gone:
        db.execute(update(Message).where(col(Message.id).in_([message.id for message in gone])).values(gone_at=at))
        was |= {str(message.seq): {"gone_at": None} for message in gone}
    if fresh:
        db.execute(insert(Message), [row | {"gone_at": None} for row in fresh])
    number = stored.revision + 1
    told = {"columns": {name: _plain(old) for name, (old, _) in columns.items()}, "messages": was, "new_messages": len(fresh)}
    db.execute(insert(Revision), [{"id": new_id(), "at": at, "conversation_id": stored.id, "number": number, "was": told}])
    kept = values | {"revision": number}
    db.execute(update(Conversation).where(col(Conversation.id) == stored.id).values(**kept).execution_options(synchronize_session=False))
    found = {"words": words, "place": kept.get("place", stored.place)}
    db.execute(update(ConversationWords).where(col(ConversationWords.conversation_id) == stored.id).values(**found))
    for name, value in kept.items():
        setattr(stored, name, value)  # the same conversation may come again in the same step
    return Change(number, columns, len(fresh), len(gone))


def with_own(db: Session, stored: Conversation, tags: Sequence[Any], said: Sequence[dict[str, Any]]) -> list[Any]:
    """The tags, with what recipes did here: their tags stay, and what they said over there is no person's work when it comes back."""
    query = select(Action).where(Action.conversation_id == stored.id, Action.state == "done", col(Action.kind).in_(OF_RECIPES))
    done = db.exec(query.order_by(col(Action.id))).all()
    theirs = {one.provider_ref.partition(" ")[2] for one in done if one.kind != "tag"} - {"", stored.external_id}
    for row in said:
        if row["role"] == "rep" and row["external_id"] in theirs:
            row["role"] = "assistant"
    own = [one.payload["what"]["tag"] for one in done if one.kind == "tag"]
    if not own:
        return list(tags)
    there = db.exec(select(Conversation.tags).where(Conversation.id == stored.id).with_for_update()).one()  # one may just be set
    stored.tags = list(there)
    return [*tags, *(tag for tag in dict.fromkeys(own) if tag in there and tag not in tags)]


def extend(db: Session, stored: Conversation, fresh: list[dict[str, Any]], words: str, *, at: datetime) -> None:
    """Messages that follow what is stored."""
    db.execute(insert(Message), [row | {"gone_at": None} for row in fresh])
    told = {"columns": {}, "messages": {}, "new_messages": len(fresh)}
    number = stored.revision + 1
    db.execute(insert(Revision), [{"id": new_id(), "at": at, "conversation_id": stored.id, "number": number, "was": told}])
    db.execute(update(Conversation).where(col(Conversation.id) == stored.id).values(revision=number))
    db.execute(update(ConversationWords).where(col(ConversationWords.conversation_id) == stored.id).values(words=words))


def told(conversation_id: str, *, by: Person) -> tuple[list[Signal], list[Revision]]:
    """What happened to a conversation within reach in the help desk, and what it was before each change, newest first."""
    if conversations.get(conversation_id, by=by) is None:
        return [], []
    happened = select(Signal).where(Signal.conversation_id == conversation_id).order_by(col(Signal.at).desc())
    before = select(Revision).where(Revision.conversation_id == conversation_id).order_by(col(Revision.number).desc())
    with store.reading() as db:
        return list(db.exec(happened)), list(db.exec(before))


def _differences(message: Message, row: dict[str, Any]) -> dict[str, Any]:
    """What the message was, where it is something else now."""
    return {name: _plain(getattr(message, name)) for name in OF_A_MESSAGE if getattr(message, name) != row.get(name)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def signals(stored: Conversation, change: Change, told: set[str], at: datetime) -> list[dict[str, Any]]:
    """What a change itself says, where the source did not say it: tags, who has it, that it was opened again, a rating."""
    found: dict[str, str] = {}
    if "tags" in change.columns:
        before, after = (set(map(str, tags)) for tags in change.columns["tags"])
        found["tag_changed"] = " ".join([*(f"+{tag}" for tag in sorted(after - before)), *(f"-{tag}" for tag in sorted(before - after))])
    if "assignee" in change.columns and change.columns["assignee"][0]:
        found["reassigned"] = change.columns["assignee"][1] or ""
    if "closed_at" in change.columns and change.columns["closed_at"][0] and not change.columns["closed_at"][1]:
        found["reopened"] = ""
    if change.columns.get("csat", (None, None))[1] is not None:
        found["rated"] = str(change.columns["csat"][1])
    return [
        {
            "id": new_id(at), "at": at, "conversation_id": stored.id, "kind": kind, "value": value, "source": stored.source,
            "key": sealing.sha(f"{stored.id}|{kind}|revision {change.number}"),
        }
        for kind, value in found.items()
        if kind not in told and (value or kind != "tag_changed")  # the same tags in another order are no change
    ]  # fmt: skip


def keep_signals(db: Session, rows: list[dict[str, Any]]) -> int:
    """Those that are not known yet; how many they were."""
    if not rows:
        return 0
    added: Any = sqlite.insert if store.is_sqlite() else postgresql.insert
    return len(db.scalars(added(Signal).on_conflict_do_nothing().returning(Signal.id), rows).all())
