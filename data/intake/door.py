"""The single door: whatever comes in is redacted here, and stored once."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from data import access, releases, sealing, store, tasks
from data.intake.canonical import CanonicalConversation, CanonicalMessage
from data.tables import Conversation, Customer, Message, Person, Seal, Team
from data.values import new_id, now
from language import redact

SEALED_FOR = timedelta(days=90)


@dataclass
class Arrival:
    """What became of some conversations."""

    counts: Counter[str] = field(default_factory=Counter)  # conversations, messages, new, updated, unchanged, redactions
    unknown: Counter[str] = field(default_factory=Counter)  # fields that no column is for
    refused: dict[int, str] = field(default_factory=dict)  # place in what was handed in -> why
    ids: list[str] = field(default_factory=list)  # of what is new or changed


@dataclass
class _Rows:
    """What one call writes, table by table."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    seals: list[dict[str, Any]] = field(default_factory=list)


class _Redaction:
    """The numbering of one conversation's cards and addresses: the same value keeps its number."""

    def __init__(self, conversation_id: str, at: datetime, known: Sequence[Seal] = ()) -> None:
        self.conversation_id, self.at = conversation_id, at
        self.numbers = {(seal.kind, seal.value_hmac): seal.number for seal in known}
        self.seals: list[dict[str, Any]] = []
        self.count = 0

    def text(self, raw: str) -> str:
        clean, findings = redact.redact(raw.replace("\0", ""), self._number)
        self.count += len(findings)
        return clean

    def anything(self, value: Any) -> Any:
        """The same inside lists and objects: extra fields and tool results are stored too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.anything(part) for part in value]
        if isinstance(value, dict):
            return {self.text(str(name)): self.anything(part) for name, part in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 10**12 and value == int(value):
            clean = self.text(str(abs(int(value))))  # a card number written as a number
            return clean if clean != str(abs(int(value))) else value
        return value

    def _number(self, finding: redact.Finding) -> int:
        key = (finding.kind, sealing.hmac_of(finding.value, "seal"))
        if key not in self.numbers:
            self.numbers[key] = 1 + sum(1 for kind, _ in self.numbers if kind == finding.kind)
            self.seals.append(
                {
                    "id": new_id(), "at": self.at, "conversation_id": self.conversation_id, "kind": finding.kind,
                    "number": self.numbers[key], "value_hmac": key[1], "sealed_value": sealing.seal(finding.value, "seal"),
                    "purge_at": self.at + SEALED_FOR,
                }
            )  # fmt: skip
        return self.numbers[key]


def receive(arriving: Sequence[CanonicalConversation], *, by: Person, at: datetime | None = None, classify: bool = True) -> Arrival:
    """Store what is new, update what changed, leave the rest. New conversations are classified in the background."""
    reach = access.require(by, "conversation.import")
    arrival, rows, at = Arrival(), _Rows(), at or now()
    with store.writing() as db:
        store.one_at_a_time(db, "intake")  # two who send the same conversation at once: the second finds it there
        teams = dict(db.exec(select(Team.name, Team.id)).all())
        known, customers = _known(db, arriving), _customers(db, arriving)
        for place, conversation in enumerate(arriving):
            team_id = teams.get(conversation.team) if conversation.team else by.team_id if reach != access.ALL else None
            if reach != access.ALL and team_id != by.team_id:
                arrival.refused[place] = f"team: {conversation.team} is not your team"
                continue
            if conversation.team and team_id is None:
                arrival.refused[place] = f"team: there is no team '{conversation.team}'"
                continue
            key = (conversation.source, conversation.id)
            stored = known.get(key)
            if stored is not None and reach != access.ALL and stored.team_id != by.team_id:
                arrival.refused[place] = "it belongs to another team"
                continue
            digest = sealing.hmac_of(conversation.model_dump_json(), "content")
            arrival.counts["conversations"] += 1
            if stored is not None and stored.content_hmac == digest:
                arrival.counts["unchanged"] += 1
                continue
            customer_id = _customer_id(conversation, customers, rows, at)
            if stored is None:
                known[key] = _add(conversation, digest, customer_id, team_id, rows, arrival, by, at)
            else:
                _flush(db, rows)
                _change(db, stored, conversation, digest, customer_id, team_id, arrival, at)
        _flush(db, rows)
        if classify and arrival.ids and releases.anything_live(db, "classifier"):
            tasks.later(db, "classify", {"conversation_ids": arrival.ids}, title=f"Classify {len(arrival.ids):,} new conversations", by=by)
    return arrival


def _known(db: Session, arriving: Sequence[CanonicalConversation]) -> dict[tuple[str, str], Conversation]:
    ids = {conversation.id for conversation in arriving}
    found = db.exec(select(Conversation).where(col(Conversation.external_id).in_(ids)))
    return {(row.source, row.external_id): row for row in found}


def _customer_key(conversation: CanonicalConversation) -> str:
    """Who it is, as a key that tells nobody who it is. Somebody unnamed is a customer of their own."""
    who = f"customer|{conversation.customer}" if conversation.customer else f"conversation|{conversation.id}"
    return sealing.hmac_of(f"{conversation.source}|{who}", "customer")


def _customers(db: Session, arriving: Sequence[CanonicalConversation]) -> dict[str, str]:
    keys = {_customer_key(conversation) for conversation in arriving}
    return dict(db.exec(select(Customer.key_hmac, Customer.id).where(col(Customer.key_hmac).in_(keys))).all())


def _customer_id(conversation: CanonicalConversation, customers: dict[str, str], rows: _Rows, at: datetime) -> str:
    key = _customer_key(conversation)
    if key not in customers:
        customers[key] = new_id()
        sealed = sealing.seal(conversation.customer, "name") if conversation.customer else None
        segment = redact.redact(conversation.segment, lambda _: 1)[0] if conversation.segment else None
        rows.customers.append(
            {
                "id": customers[key],
                "at": at,
                "source": conversation.source,
                "key_hmac": key,
                "sealed_name": sealed,
                "segment": segment,
            }
        )
    return customers[key]


def _add(
    conversation: CanonicalConversation,
    digest: str,
    customer_id: str,
    team_id: str | None,
    rows: _Rows,
    arrival: Arrival,
    by: Person,
    at: datetime,
) -> Conversation:
    made = new_id()
    redaction = _Redaction(made, at)
    values = _columns(conversation, redaction, arrival, at)
    values |= {
        "id": made, "at": at, "by_person_id": by.id if by.role != access.CONSOLE else None, "source": conversation.source,
        "external_id": conversation.id, "content_hmac": digest, "customer_id": customer_id, "team_id": team_id, "revision": 1,
    }  # fmt: skip
    rows.conversations.append(values)
    for seq, message in enumerate(conversation.messages, start=1):
        rows.messages.append(_message(message, made, seq, redaction, values["opened_at"]))
    rows.seals += redaction.seals
    arrival.ids.append(made)
    arrival.counts.update(new=1, messages=len(conversation.messages), redactions=redaction.count)
    return Conversation(**values)


def _columns(conversation: CanonicalConversation, redaction: _Redaction, arrival: Arrival, otherwise_opened: datetime) -> dict[str, Any]:
    unknown = conversation.unknown_fields()
    arrival.unknown.update(unknown.keys())
    closed = conversation.closed_at
    return {
        "channel": conversation.channel,
        "subject": redaction.text(conversation.subject) if conversation.subject else None,
        "opened_at": conversation.opened(otherwise_opened),
        "closed_at": closed,
        "status": redaction.text(conversation.status) if conversation.status else ("closed" if closed else "open"),
        "resolved": conversation.resolved,
        "csat": conversation.csat,
        "handle_seconds": conversation.handle_seconds,
        "language": redaction.text(conversation.language) if conversation.language else None,
        "assignee": redaction.text(conversation.assignee) if conversation.assignee else None,
        "tags": redaction.anything(conversation.tags),
        "extra": redaction.anything(json.loads(json.dumps(unknown, default=str))),
    }


def _message(message: CanonicalMessage, conversation_id: str, seq: int, redaction: _Redaction, opened_at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": message.at or opened_at + timedelta(seconds=seq),
        "conversation_id": conversation_id,
        "seq": seq,
        "role": message.role,
        "text": redaction.text(message.text),
        # of a customer nothing but the id is kept
        "author": None if message.role == "customer" or not message.author else redaction.text(message.author),
        "private": message.private,
        "start_ms": message.start_ms,
        "end_ms": message.end_ms,
        "tool_call": redaction.anything(message.tool_call.model_dump()) if message.tool_call else None,
        "tool_result": redaction.anything(message.tool_result),
    }


def _change(
    db: Session,
    stored: Conversation,
    conversation: CanonicalConversation,
    digest: str,
    customer_id: str,
    team_id: str | None,
    arrival: Arrival,
    at: datetime,
) -> None:
    """A conversation that went on, or was corrected at its source. Message numbers stay: reviews point at them."""
    seals = db.exec(select(Seal).where(Seal.conversation_id == stored.id)).all()
    redaction = _Redaction(stored.id, at, seals)
    values = _columns(conversation, redaction, arrival, stored.opened_at)
    values |= {"content_hmac": digest, "customer_id": customer_id, "revision": stored.revision + 1, "team_id": team_id or stored.team_id}
    known = set(db.exec(select(Message.seq).where(Message.conversation_id == stored.id)).all())
    fresh = []
    for seq, message in enumerate(conversation.messages, start=1):
        row = _message(message, stored.id, seq, redaction, values["opened_at"])
        if seq not in known:
            fresh.append(row)
            continue
        corrected = {name: value for name, value in row.items() if name not in ("id", "at")}
        db.execute(update(Message).where(col(Message.conversation_id) == stored.id, col(Message.seq) == seq).values(**corrected))
    db.execute(update(Conversation).where(col(Conversation.id) == stored.id).values(**values))
    _insert(db, Message, fresh)
    _insert(db, Seal, redaction.seals)
    stored.content_hmac, stored.revision = digest, values["revision"]
    arrival.ids.append(stored.id)
    arrival.counts.update(updated=1, messages=len(fresh), redactions=redaction.count)


def _flush(db: Session, rows: _Rows) -> None:
    for table, waiting in ((Customer, rows.customers), (Conversation, rows.conversations), (Message, rows.messages), (Seal, rows.seals)):
        _insert(db, table, waiting)
        waiting.clear()


def _insert(db: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        db.execute(insert(table), rows)
