"""Follows the help desks that are connected: new and changed conversations, every few minutes, from where the last time ended."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from data import access, audit, connections, people, store
from data.errors import Refused
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import CONNECTORS, Page, TryLater
from data.intake.files import REFUSALS_KEPT
from data.tables import ImportBatch, Person
from data.values import now
from language import redact

FOLLOWING, PAUSED, LEFT = "following", "paused", "left"  # left: its product is connected at another address now
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
    name, came = CONNECTORS[product].NAME, Counter[str]()
    batch = _row(product, desk)
    if batch and batch.state == PAUSED:
        return f"{name} is paused."
    try:
        batch = batch or _begin(product, desk, _acting(product), at)
        position = batch.position
        if not position:  # nothing came yet: a wrong key or account is said in words before anything is asked for
            progress(0.0, CONNECTORS[product].check(desk.opened()))
        for page in CONNECTORS[product].pages(desk.opened(), position, since=desk.since):
            if connections.help_desks().get(product) != desk:
                return f"{name}: {_came(came)}; it was connected otherwise meanwhile."
            kept = _keep(batch.id, page, position, _acting(product), at)
            if isinstance(kept, str):
                return f"{name}: {_came(came)}; {kept}"
            came, position = came + kept, page.position
            progress(0.5, f"{came['conversations']:,} conversations so far")
    except Refused as problem:
        if batch:
            _note(batch.id, str(problem), at)
        raise
    _note(batch.id, "", at)
    return f"{name}: {_came(came)}."


def _came(came: Counter[str]) -> str:
    return f"{came['new']:,} new and {came['updated']:,} changed conversations"


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
    with store.writing() as db:
        store.one_at_a_time(db, "following")  # two pulls that come first begin one row
        if found := _row(product, desk):
            return found
        others = (col(ImportBatch.reader) == product, col(ImportBatch.state).in_([FOLLOWING, PAUSED]))
        db.execute(update(ImportBatch).where(*others).values(state=LEFT))
        begun = ImportBatch(
            reader=product, file_name=_where(desk), file_sha="", by_person_id=by.id, state=FOLLOWING, mapping={"source": desk.source},
            at=at or now(),
        )  # fmt: skip
        db.add(begun)
        sentence = f"Began to follow {CONNECTORS[product].NAME} at {desk.url.split('/')[2]}."
        audit.record(db, by, "connected", "import_batch", begun.id, sentence, at=at)
        return begun


def _row(product: str, desk: connections.HelpDesk) -> ImportBatch | None:
    """The row that follows this help desk; another address begins anew."""
    states = col(ImportBatch.state).in_([FOLLOWING, PAUSED])
    query = select(ImportBatch).where(ImportBatch.reader == product, ImportBatch.file_name == _where(desk), states)
    with store.reading() as db:
        return db.exec(query).first()


def _where(desk: connections.HelpDesk) -> str:
    return f"{desk.url} {desk.account}"


def _keep(batch_id: str, page: Page, before: dict[str, Any], by: Person, at: datetime | None) -> Counter[str] | str:
    """What came of the page, or why it is left: a pull that was overtaken must not put an older state over a newer one."""
    prepared = door.prepare([one for one in page.conversations if isinstance(one, CanonicalConversation)], by=by, at=at)
    with store.writing() as db:
        batch = db.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
        if batch.state == PAUSED:
            return "it was paused meanwhile."
        if batch.position != before:
            return "another pull went on with it meanwhile."
        arrival = door.keep(prepared)
        batch.counts = dict(Counter(batch.counts) + arrival.counts)
        batch.unknown = dict(Counter(batch.unknown) + arrival.unknown)
        why = [*(one for one in page.conversations if isinstance(one, str)), *arrival.refused.values()]
        batch.refusals = [*({"line": 0, "why": redact.masked(one)} for one in why), *batch.refusals][:REFUSALS_KEPT]
        batch.position, batch.pulled_at = page.position, at or now()
        db.add(batch)
        return arrival.counts


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
