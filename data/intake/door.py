"""The single door: whatever comes in is redacted here, and stored once."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from data import access, bulk, releases, sealing, store, tasks
from data.intake import revising
from data.intake.canonical import CanonicalConversation, CanonicalMessage
from data.intake.cleaning import Cleaner, key_of, names_of
from data.intake.places import A_SECOND as A_SECOND
from data.intake.places import Places, in_its_second
from data.tables import Conversation, ConversationWords, Customer, Message, Person, Seal, Signal, Team
from data.values import new_id, now
from language import redact, tongue, words


@dataclass
class Arrival:
    """What became of some conversations."""

    # conversations, messages, new, updated, unchanged, gone (messages), redactions, signals
    counts: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)  # by kind
    unknown: Counter[str] = field(default_factory=Counter)  # fields that no column is for
    refused: dict[int, str] = field(default_factory=dict)  # place in what was handed in -> why
    ids: list[str] = field(default_factory=list)  # of what is new or changed

    def note(self, cleaner: Cleaner) -> None:
        self.redacted.update(cleaner.found)
        self.counts["redactions"] += cleaner.found.total()


@dataclass
class Rows:
    """What one call writes, table by table, in the order in which they refer to each other."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    seals: list[dict[str, Any]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)

    def ready(self) -> list[bulk.Ready]:
        return [
            bulk.ready(table, rows)
            for table, rows in (
                (Customer, self.customers), (Conversation, self.conversations), (ConversationWords, self.words),
                (Message, self.messages), (Seal, self.seals), (Signal, self.signals),
            )
        ]  # fmt: skip


@dataclass
class Prepared:
    """What is to be written, made without holding anybody up: redacting takes a hundred times as long as writing."""

    arriving: Sequence[CanonicalConversation]
    by: Person
    at: datetime
    arrival: Arrival
    rows: Rows
    ready: list[bulk.Ready]  # the same rows, as the database takes them
    seen: dict[tuple[str, str], tuple[str, int, str | None]]  # what it was made against: digest, revision, team of those that were here
    changes: list["Changed"]
    again: list["Again"]  # said more than once in what came: later ones are made against what the first ones wrote


@dataclass
class Changed:
    """A conversation that is here, as it is to be from now on."""

    stored: Conversation
    before: list[Message]
    values: dict[str, Any]
    said: list[dict[str, Any]]
    signals: list[dict[str, Any]]
    seals: list[dict[str, Any]]


Again = tuple[Conversation, CanonicalConversation, dict[str, Any]]


def receive(arriving: Sequence[CanonicalConversation], *, by: Person, at: datetime | None = None, classify: bool = True) -> Arrival:
    """Store what is new, update what changed, leave the rest. New conversations are classified in the background."""
    return keep(prepare(arriving, by=by, at=at), classify=classify)


def prepare(arriving: Sequence[CanonicalConversation], *, by: Person, at: datetime | None = None) -> Prepared:
    with store.reading() as db:
        return _prepare(db, arriving, by, at or now())


def keep(prepared: Prepared, *, classify: bool = True, recipes: bool = True) -> Arrival:
    """Write it, unless something came in between: then it is prepared anew, with everybody else waiting. `recipes` False: whoever sends
    it asks for the reply."""
    with store.writing() as db:
        store.one_at_a_time(db, "intake")  # two who send the same conversation at once: the second finds it there
        if not _still_holds(db, prepared):
            prepared = _prepare(db, prepared.arriving, prepared.by, prepared.at)
        arrival, places = prepared.arrival, Places(db, prepared.at)
        for made in prepared.ready:
            bulk.write(db, made)
        for change in prepared.changes:
            _keep_change(db, change, arrival, prepared.at)
        for stored, conversation, whose in prepared.again:
            _keep_change(db, _change(db, stored, conversation, whose, places, arrival, prepared.at), arrival, prepared.at)
        if classify and arrival.ids and releases.anything_looks(db):
            title = f"Classify {len(arrival.ids):,} new conversations"
            tasks.later(db, "classify", {"conversation_ids": arrival.ids, "recipes": recipes}, title=title, by=prepared.by)
    return arrival


def consider(arriving: Sequence[CanonicalConversation], *, by: Person, at: datetime | None = None) -> Arrival:
    """What would become of them. Nothing is stored."""
    with store.reading() as db:
        prepared = _prepare(db, arriving, by, at or now())
        places = Places(db, prepared.at)
        for stored, conversation, whose in prepared.again:
            _change(db, stored, conversation, whose, places, prepared.arrival, prepared.at)
    return prepared.arrival


def _prepare(db: Session, arriving: Sequence[CanonicalConversation], by: Person, at: datetime) -> Prepared:
    reach = access.require(by, "conversation.import")
    arrival, rows, changes, again = Arrival(), Rows(), list[Changed](), list[Again]()
    teams = dict(db.exec(select(Team.name, Team.id)).all())
    known, customers = _known(db, arriving), _customers(db, arriving)
    places = Places(db, at, arriving)
    digests = {key: stored.content_hmac for key, stored in known.items()}
    seen = {key: _seen(stored) for key, stored in known.items()}
    came: set[tuple[str, str]] = set()  # written by this very call
    for number, conversation in enumerate(arriving):
        key = (conversation.source, key_of(conversation.id))
        stored = known.get(key)
        team_id, why = _team(conversation, stored, teams, reach, by)
        if why:
            arrival.refused[number] = why
            continue
        digest = sealing.hmac_of(conversation.model_dump_json(), "content")
        arrival.counts["conversations"] += 1
        arrival.channels[conversation.channel] += 1
        if digests.get(key) == digest:
            arrival.counts["unchanged"] += 1
            continue
        digests[key] = digest
        whose = {"content_hmac": digest, "customer_id": _customer_id(conversation, customers, rows, at), "team_id": team_id}
        if stored is None:
            known[key] = _add(conversation, whose, places, rows, arrival, by, at)
        elif key in came:
            again.append((stored, conversation, whose))
        else:
            changes.append(_change(db, stored, conversation, whose, places, arrival, at))
        came.add(key)
    return Prepared(arriving, by, at, arrival, rows, rows.ready(), seen, changes, again)


def _seen(stored: Conversation) -> tuple[str, int, str | None]:
    return stored.content_hmac, stored.revision, stored.team_id


def _still_holds(db: Session, prepared: Prepared) -> bool:
    """Nothing of what it was made against has changed: the conversations, the new customers' keys, the places in the lists."""
    if {key: _seen(stored) for key, stored in _known(db, prepared.arriving).items()} != prepared.seen:
        return False
    keys = {row["key_hmac"] for row in prepared.rows.customers}
    places = {row["place"] for row in prepared.rows.conversations} | {change.values.get("place", 0) for change in prepared.changes}
    taken = select(Customer.id).where(col(Customer.key_hmac).in_(keys)), select(Conversation.id).where(col(Conversation.place).in_(places))
    return all(db.exec(query.limit(1)).first() is None for query in taken)


def _team(
    conversation: CanonicalConversation, stored: Conversation | None, teams: dict[str, str], reach: str, by: Person
) -> tuple[str | None, str]:
    """Whose it will be, or why it is not taken."""
    everybodys = reach == access.ALL
    team_id = teams.get(conversation.team) if conversation.team else None if everybodys else by.team_id
    if not everybodys and team_id != by.team_id:
        return None, f"team: {conversation.team} is not your team"
    if conversation.team and team_id is None:
        return None, f"team: there is no team '{conversation.team}'"
    if stored is not None and not everybodys and stored.team_id != by.team_id:
        return None, "it belongs to another team"
    return team_id or (stored.team_id if stored else None), ""


def _known(db: Session, arriving: Sequence[CanonicalConversation]) -> dict[tuple[str, str], Conversation]:
    ids = {key_of(conversation.id) for conversation in arriving}
    found = db.exec(select(Conversation).where(col(Conversation.external_id).in_(ids)))
    return {(row.source, row.external_id): row for row in found}


def _customer_key(conversation: CanonicalConversation) -> str:
    """Who it is, as a key that tells nobody who it is. Somebody unnamed is a customer of their own."""
    return customer_key(conversation.source, conversation.customer, conversation.id)


def customer_key(source: str, customer: str | None, conversation: str) -> str:
    who = f"customer|{customer}" if customer else f"conversation|{conversation}"
    return sealing.hmac_of(f"{source}|{who}", "customer")


def _customers(db: Session, arriving: Sequence[CanonicalConversation]) -> dict[str, str]:
    keys = {_customer_key(conversation) for conversation in arriving}
    return dict(db.exec(select(Customer.key_hmac, Customer.id).where(col(Customer.key_hmac).in_(keys))).all())


def _customer_id(conversation: CanonicalConversation, customers: dict[str, str], rows: Rows, at: datetime) -> str:
    key = _customer_key(conversation)
    if key not in customers:
        customers[key] = new_id()
        name = next(iter(conversation.customer_names), conversation.customer)
        cleaner = Cleaner("", at, names=names_of(conversation))
        rows.customers.append(
            {
                "id": customers[key], "at": at, "source": conversation.source, "key_hmac": key,
                "sealed_name": sealing.seal(name, "name") if name else None,
                "segment": cleaner.text(conversation.segment) if conversation.segment else None,
            }
        )  # fmt: skip
    return customers[key]


def _add(
    conversation: CanonicalConversation, whose: dict[str, Any], places: Places, rows: Rows, arrival: Arrival, by: Person, at: datetime
) -> Conversation:
    made = new_id()
    cleaner = Cleaner(made, at, names=names_of(conversation))
    values = _columns(conversation, cleaner, arrival, at)
    place = places.of(conversation, values["opened_at"])
    values |= whose | {
        "id": made, "at": at, "by_person_id": by.id if by.role != access.CONSOLE else None, "source": conversation.source,
        "external_id": key_of(conversation.id), "revision": 1, "place": place,
    }  # fmt: skip
    messages = [
        message_row(message, made, seq, cleaner, values["opened_at"], arrival)
        for seq, message in enumerate(conversation.messages, start=1)
    ]  # fmt: skip
    values["language"] = values["language"] or _language(messages)
    rows.conversations.append(values)
    rows.messages += messages
    rows.words.append({"place": place, "conversation_id": made, "words": words_of(values, messages)})
    signals = _signals(conversation, made, cleaner)
    rows.signals += signals
    rows.seals += cleaner.seals
    arrival.note(cleaner)
    arrival.ids.append(made)
    arrival.counts.update(new=1, messages=len(messages), signals=len(signals))
    return Conversation(**values)


def _columns(conversation: CanonicalConversation, cleaner: Cleaner, arrival: Arrival, otherwise_opened: datetime) -> dict[str, Any]:
    unknown = conversation.unknown_fields()
    arrival.unknown.update(map(_field, unknown))
    closed = conversation.closed_at
    return {
        "channel": conversation.channel,
        "subject": cleaner.text(conversation.subject) if conversation.subject else None,
        "opened_at": conversation.opened(otherwise_opened),
        "closed_at": closed,
        "status": cleaner.text(conversation.status) if conversation.status else ("closed" if closed else "open"),
        "resolved": conversation.resolved,
        "csat": conversation.csat,
        "handle_seconds": conversation.handle_seconds,
        "language": cleaner.text(conversation.language) if conversation.language else None,
        "assignee": cleaner.staff(conversation.assignee) if conversation.assignee else None,
        "tags": cleaner.anything(conversation.tags),
        "extra": cleaner.anything(json.loads(json.dumps(unknown, default=str))) if unknown else {},
    }


@lru_cache(maxsize=1000)
def _field(name: str) -> str:
    """A field's name stands in reports: where it says who somebody is, it is redacted like anything else."""
    return redact.masked(name)


def message_row(
    message: CanonicalMessage, conversation_id: str, seq: int, cleaner: Cleaner, opened_at: datetime, arrival: Arrival
) -> dict[str, Any]:
    extra = message.model_extra
    if extra:
        arrival.unknown.update(f"messages.{_field(name)}" for name in extra)
    return {
        "id": new_id(),
        "at": message.at or opened_at + timedelta(seconds=seq),
        "conversation_id": conversation_id,
        "seq": seq,
        "role": message.role,
        "text": cleaner.text(message.text),
        # of a customer nothing but the id is kept
        "author": None if message.role == "customer" or not message.author else cleaner.staff(message.author),
        "private": message.private,
        "start_ms": message.start_ms,
        "end_ms": message.end_ms,
        "tool_call": cleaner.anything(message.tool_call.model_dump()) if message.tool_call else None,
        "tool_result": cleaner.anything(message.tool_result),
        "external_id": key_of(message.id) if message.id else None,
        "extra": cleaner.anything(extra) if extra else None,
    }


def _language(messages: Iterable[dict[str, Any]]) -> str | None:
    return tongue.of(" ".join(message["text"] for message in messages if message["role"] == "customer"))


def words_of(values: dict[str, Any], messages: Sequence[dict[str, Any]]) -> str:
    people = {message["author"] for message in messages if message["role"] == "rep" and message["author"]}
    return words.document(
        values["subject"], (message["text"] for message in messages), people | {values["assignee"] or ""} - {""}, values["tags"]
    )


def _signals(conversation: CanonicalConversation, conversation_id: str, cleaner: Cleaner) -> list[dict[str, Any]]:
    """Weak: what somebody did in the help desk says something about the conversation, and never what is right."""
    rows = [
        {
            "id": new_id(signal.at), "at": signal.at, "conversation_id": conversation_id, "kind": signal.kind,
            "value": (cleaner.staff if signal.kind == "reassigned" else cleaner.text)(signal.value), "source": conversation.source,
            "key": sealing.sha(f"{conversation_id}|{signal.kind}|{signal.id or f'{signal.at.isoformat()}|{signal.value}'}"),
        }
        for signal in conversation.signals
    ]  # fmt: skip
    return list({row["key"]: row for row in rows}.values())  # an act that is told twice is one act


def _change(
    db: Session, stored: Conversation, conversation: CanonicalConversation, whose: dict[str, Any], places: Places, arrival: Arrival,
    at: datetime,
) -> Changed:  # fmt: skip
    """A conversation that went on, or was corrected at its source. Message numbers stay: reviews point at them."""
    seals = db.exec(select(Seal).where(Seal.conversation_id == stored.id)).all()
    cleaner = Cleaner(stored.id, at, names=names_of(conversation), known=seals)
    values = whose | _columns(conversation, cleaner, arrival, stored.opened_at)
    before = revising.messages_of(db, stored.id)
    said = [
        message_row(message, stored.id, seq, cleaner, values["opened_at"], arrival)
        for seq, message in revising.numbered(before, conversation.messages)
    ]
    values["language"] = values["language"] or _language(said) or stored.language
    if not in_its_second(stored.place, values["opened_at"]):
        values["place"] = places.of(conversation, values["opened_at"])
    signals = _signals(conversation, stored.id, cleaner)
    arrival.counts["updated"] += 1
    arrival.note(cleaner)
    return Changed(stored, before, values, said, signals, cleaner.seals)


def _keep_change(db: Session, change: Changed, arrival: Arrival, at: datetime) -> None:
    values, said = change.values, sorted(change.said, key=lambda row: row["seq"])
    values["tags"] = revising.with_own(db, change.stored, values["tags"], said)
    done = revising.revise(db, change.stored, change.before, values, said, words_of(values, said), at=at)
    derived = revising.signals(change.stored, done, {signal["kind"] for signal in change.signals}, at)
    arrival.counts.update(messages=done.new, gone=done.gone, signals=revising.keep_signals(db, change.signals + derived))
    arrival.ids.append(change.stored.id)
    if change.seals:
        db.execute(insert(Seal), change.seals)
