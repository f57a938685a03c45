"""Follows the help desks that are connected: new and changed conversations, every few minutes, from where the last time ended."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from data import access, audit, connections, people, store
from data.errors import Refused
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import CONNECTORS, TryLater
from data.intake.files import REFUSALS_KEPT
from data.tables import ImportBatch, Person
from data.values import now

FOLLOWING, PAUSED = "following", "paused"
Progress = Callable[[float, str], None]


def all_followed(*, by: Person) -> list[ImportBatch]:
    """One row a help desk: what came, how far it is, what went wrong last."""
    access.require(by, "conversation.import")
    with store.reading() as db:
        return list(db.exec(select(ImportBatch).where(col(ImportBatch.state).in_([FOLLOWING, PAUSED])).order_by(ImportBatch.reader)))


def pull_all(*, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> str:
    """Ask each help desk that is connected. One that does not answer does not keep the others."""
    told, wrong = [], []
    for product in connections.help_desks():
        try:
            told.append(pull(product, progress=progress, at=at))
        except TryLater as later:
            told.append(str(later))
        except Refused as refused:
            wrong.append(str(refused))
    if wrong:
        raise Refused(" ".join(wrong + told))
    return " ".join(told) or "No help desk is connected."


def pull(product: str, *, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> str:
    """What is new there, page by page: a page and how far it goes are kept together, so that a crash loses nothing and doubles nothing."""
    desk = connections.help_desks().get(product)
    if desk is None:
        raise Refused(f"Nothing was pulled: {product} is not connected.")
    by = _acting(product)
    batch = _begin(product, desk, by, at)
    if batch.state == PAUSED:
        return f"{CONNECTORS[product].NAME} is paused."
    came: dict[str, int] = {}
    try:
        for page in CONNECTORS[product].pages(desk.opened(), batch.position, since=desk.since):
            batch = _keep(batch.id, page.conversations, page.position, by, at)
            came = {key: came.get(key, 0) + count for key, count in batch.counts.items() if key.startswith("last ")}
            progress(0.5, f"{batch.counts.get('conversations', 0):,} conversations so far")
    except Refused as problem:
        _note(batch.id, str(problem), at)
        raise
    _note(batch.id, "", at)
    new, updated = came.get("last new", 0), came.get("last updated", 0)
    return f"{CONNECTORS[product].NAME}: {new:,} new and {updated:,} changed conversations."


def _acting(product: str) -> Person:
    """Who connected it, as they are now: somebody who left brings nothing in any more."""
    person_id = connections.who_connected(product)
    person = people.get(person_id) if person_id else None
    if person is None or person.disabled_at is not None:
        name = CONNECTORS[product].NAME
        raise Refused(f"Nothing was pulled: whoever connected {name} is no longer active. An engineer proposes the connection again.")
    access.require(person, "conversation.import")
    return person


def _begin(product: str, desk: connections.HelpDesk, by: Person, at: datetime | None) -> ImportBatch:
    """The row that follows this help desk; another address begins anew."""
    where = f"{desk.url} {desk.account}"
    with store.writing() as db:
        found = _row(db, product, where)
        if found is None:
            told = {"source": desk.source}
            found = ImportBatch(
                reader=product, file_name=where, file_sha="", by_person_id=by.id, state=FOLLOWING, mapping=told, at=at or now()
            )  # fmt: skip
            db.add(found)
            name = CONNECTORS[product].NAME
            audit.record(db, by, "connected", "import_batch", found.id, f"Began to follow {name} at {desk.url.split('/')[2]}.", at=at)
        return found


def _row(db: Session, product: str, where: str) -> ImportBatch | None:
    states = col(ImportBatch.state).in_([FOLLOWING, PAUSED])
    return db.exec(select(ImportBatch).where(ImportBatch.reader == product, ImportBatch.file_name == where, states)).first()


def _keep(
    batch_id: str, conversations: list[CanonicalConversation | str], position: dict[str, Any], by: Person, at: datetime | None
) -> ImportBatch:
    with store.writing() as db:
        arrival = door.receive([one for one in conversations if isinstance(one, CanonicalConversation)], by=by, at=at)
        batch = db.get_one(ImportBatch, batch_id)
        counts = {key: count for key, count in batch.counts.items() if not key.startswith("last ")}
        for key, count in arrival.counts.items():
            counts[key] = counts.get(key, 0) + count
            counts[f"last {key}"] = count
        batch.counts, batch.position, batch.pulled_at = counts, position, at or now()
        batch.unknown = dict(Counter(batch.unknown) + arrival.unknown)
        refused = [{"line": 0, "why": one} for one in conversations if isinstance(one, str)]
        refused += [{"line": 0, "why": why} for why in arrival.refused.values()]
        batch.refusals = [*refused, *batch.refusals][:REFUSALS_KEPT]
        db.add(batch)
        return batch


def _note(batch_id: str, problem: str, at: datetime | None) -> None:
    with store.writing() as db:
        batch = db.get_one(ImportBatch, batch_id)
        batch.problem, batch.pulled_at = problem, at or now()
        db.add(batch)


def pause(batch_id: str, *, by: Person, on: bool = True) -> ImportBatch:
    """Stop asking a help desk, or go on where it stopped. Whoever may change connections may do this alone: it is the safe direction."""
    access.require(by, "connection.propose")
    with store.writing() as db:
        batch = db.get(ImportBatch, batch_id)
        if batch is None or batch.state not in (FOLLOWING, PAUSED):
            raise Refused("Not done: there is no such connection.")
        batch.state = PAUSED if on else FOLLOWING
        db.add(batch)
        verb = "paused" if on else "resumed"
        sentence = f"{'Paused' if on else 'Went on with'} {CONNECTORS[batch.reader].NAME} at {batch.file_name.split('/')[2].split(' ')[0]}."
        audit.record(db, by, verb, "import_batch", batch.id, sentence)
        return batch
