"""The shop's book, a SQLite file of its own: what was ordered, paid and sent, and the money that went back, written once and never changed.

Several processes may open it. A refund that was acknowledged is on the disk; the same key never makes a second one.
"""

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from automations.shop import rows
from automations.shop.rows import SCHEMA, Unknown
from automations.shop.values import CURRENCY, KEY, LONGEST_REASON, Customer, Entry, Incident, Invoice, Item, Kind, Order, money
from data import store
from data.errors import Busy, Misuse, Refused

__all__ = ["Bill", "Conflict", "Ledger", "Made", "Purchase", "Unknown", "Wanted"]

MOST = 100_000_000  # cents of one entry: more is a slip of somebody's fingers
PEOPLE = "people"
ORDERS = 200  # of one customer that are told, newest first


class Conflict(Refused):
    """The key stands for another request."""


@dataclass(frozen=True)
class Made:
    entry: Entry
    again: bool  # it was there before: the same request came a second time


@dataclass(frozen=True)
class Purchase:
    """An order as it is written down, with its whole course; `Order` is what it looked like at one moment."""

    number: str
    customer: str
    items: tuple[Item, ...]
    delivery_fee: int
    placed_at: datetime
    promised_on: date
    currency: str = "EUR"
    packed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    returned_at: datetime | None = None
    cancelled_at: datetime | None = None
    carrier: str | None = None
    tracking: str | None = None

    @property
    def total(self) -> int:
        return self.delivery_fee + sum(item.quantity * item.price for item in self.items)


@dataclass(frozen=True)
class Bill:
    number: str
    order: str
    amount: int
    issued_on: date
    due_on: date
    paid_at: datetime | None = None


@dataclass(frozen=True)
class Wanted:
    """An entry that is asked for."""

    kind: Kind
    customer: str | None  # of a refund: whoever ordered
    order: str | None
    amount: int
    currency: str
    reason: str

    @property
    def fingerprint(self) -> str:
        said = [self.kind, self.customer, self.order, self.amount, self.currency, self.reason]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    def __init__(self, file: Path, *, patience: float = 5.0) -> None:
        self._file, self._patience = file, patience  # seconds that one waits for whoever else writes
        self._idle: deque[Any] = deque()  # connections that nobody uses at the moment
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # names and money: closed to other users of the machine
            with self._transaction(writes=True) as db:
                for statement in re.split(r";\n", SCHEMA.strip()):
                    db.execute(statement)
        except (OSError, store.sqlite_module().DatabaseError) as error:
            why = os.strerror(error.errno or 0).lower() if isinstance(error, OSError) else str(error)
            raise Misuse(f"The shop's ledger {file} cannot be used: {why}.") from error

    def close(self) -> None:
        while self._idle:
            self._idle.popleft().close()

    # -- reading

    def customer(self, key: str) -> Customer:
        with self._transaction() as db:
            return Customer(**dict(rows.customer_row(db, key)))

    def order(self, number: str, *, at: datetime) -> Order:
        """As it stood then: what came later is not told, so that a look back sees what people saw."""
        with self._transaction() as db:
            return rows.order(db, rows.purchase_row(db, number, at), at)

    def orders_of(self, customer: str, *, at: datetime) -> tuple[Order, ...]:
        """Newest first."""
        with self._transaction() as db:
            rows.customer_row(db, customer)
            query = "SELECT * FROM purchase WHERE customer = ? AND placed_at <= ? ORDER BY placed_at DESC, number LIMIT ?"
            return tuple(rows.order(db, row, at) for row in db.execute(query, (customer, rows.text(at), ORDERS)).fetchall())

    def invoice(self, number: str, *, at: datetime) -> Invoice:
        query = """SELECT invoice.*, purchase.customer, purchase.currency FROM invoice JOIN purchase ON purchase.number = purchase
                   WHERE invoice.number = ? AND issued_on <= ?"""
        with self._transaction() as db:
            row = db.execute(query, (number, at.astimezone(UTC).date().isoformat())).fetchone()
        if row is None:
            raise Unknown(f"There is no invoice {number}.")
        return rows.invoice(row, at)

    def incidents(self, area: str, *, at: datetime) -> tuple[Incident, ...]:
        """Those that the area, or everywhere, had then."""
        query = """SELECT kind, area, began_at, ended_at, what FROM incident WHERE area IN (?, 'everywhere')
                   AND began_at <= ? AND (ended_at IS NULL OR ended_at > ?) ORDER BY began_at, number"""
        with self._transaction() as db:
            found = [dict(row) for row in db.execute(query, (area, rows.text(at), rows.text(at)))]
        times = [{"began_at": rows.time_of(row["began_at"]), "ended_at": rows.by_then(row["ended_at"], at)} for row in found]
        return tuple(Incident(**row | its) for row, its in zip(found, times, strict=True))

    def by_key(self, kind: Kind, key: str) -> Entry:
        """What came of a request whose answer was lost."""
        with self._transaction() as db:
            row = db.execute("SELECT * FROM entry WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        if row is None:
            raise Unknown(f"There is no {kind} with the key {key}.")
        return rows.entry(row)

    # -- money

    def refund(
        self, order: str, amount: int, currency: str, reason: str, *, key: str, at: datetime, made_by: str = PEOPLE
    ) -> Made:  # fmt: skip
        return self._make(Wanted("refund", None, order, amount, currency, reason), key, at, made_by)

    def credit(
        self, customer: str, amount: int, currency: str, reason: str, *, key: str, at: datetime, order: str | None = None,
        made_by: str = PEOPLE,
    ) -> Made:  # fmt: skip
        return self._make(Wanted("credit", customer, order, amount, currency, reason), key, at, made_by)

    def _make(self, wanted: Wanted, key: str, at: datetime, made_by: str) -> Made:
        _check(wanted, key)
        with self._transaction(writes=True) as db:
            return _made(db, wanted, key, at, made_by)

    # -- filling

    def write(
        self, *, customers: Iterable[Customer] = (), orders: Iterable[Purchase] = (), bills: Iterable[Bill] = (),
        incidents: Iterable[Incident] = (), entries: Iterable[tuple[Wanted, str, datetime]] = (),
    ) -> None:  # fmt: skip
        """What happened in the shop itself, all of it or nothing; entries, each with its key and time, are those that people made."""
        with self._transaction(writes=True) as db:
            try:
                for customer in customers:
                    rows.insert(db, "customer", rows.columns(customer))
                for order in orders:
                    rows.insert(db, "purchase", rows.columns(order))
                    for place, item in enumerate(order.items):
                        row = {"purchase": order.number, "place": place, "name": item.name, "quantity": item.quantity, "price": item.price}
                        rows.insert(db, "item", row)
                for bill in bills:
                    row = rows.columns(bill)
                    rows.insert(db, "invoice", {"purchase": row.pop("order"), **row})
                for incident in incidents:
                    rows.insert(db, "incident", rows.columns(incident))
                for wanted, key, at in entries:
                    _check(wanted, key)
                    _made(db, wanted, key, at, PEOPLE)
            except store.sqlite_module().IntegrityError as error:
                told = "it holds some of it already, or a part of it is missing"
                raise Refused(f"Nothing was written into the shop's ledger: {told} ({error}).") from error

    def is_empty(self) -> bool:
        with self._transaction() as db:
            return db.execute("SELECT 1 FROM customer LIMIT 1").fetchone() is None

    # -- the file

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Any]:
        """One state to read from, or one change: IMMEDIATE, since what looks first and then writes would otherwise fail at once."""
        sqlite = store.sqlite_module()
        try:
            db = self._connection()
            try:
                db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._idle.append(db)
        except sqlite.OperationalError as error:
            if why := store.not_our_fault(error):
                raise Busy(f"Nothing was done in the shop's ledger: {why} Try again.") from error
            raise

    def _connection(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            made = store.sqlite_module().connect(str(self._file), timeout=self._patience, isolation_level=None, check_same_thread=False)
            made.row_factory = store.sqlite_module().Row
            rows.prepare(made)
            return made


# -- rules ------------------------------------------------------------------------------------------------------------------------------


def _check(wanted: Wanted, key: str) -> None:
    if not 0 < wanted.amount <= MOST:
        raise Refused(f"Not made: an amount is more than 0.00 and at most {money(MOST)}.")
    if not re.fullmatch(CURRENCY, wanted.currency):
        raise Refused("Not made: the currency is three capitals, such as EUR.")
    if not wanted.reason.strip() or len(wanted.reason) > LONGEST_REASON:
        raise Refused(f"Not made: a reason is needed, of at most {LONGEST_REASON} letters.")
    if not re.fullmatch(KEY, key):
        raise Refused("Not made: the key is 1 to 200 of a-z, A-Z, 0-9 and . _ : -")


def _made(db: Any, wanted: Wanted, key: str, at: datetime, made_by: str) -> Made:
    before = db.execute("SELECT * FROM entry WHERE key = ?", (key,)).fetchone()
    if before is not None:
        if before["request_hash"] != wanted.fingerprint:
            raise Conflict(f"Not made: the key {key} stands for another {before['kind']}. A new request needs a key of its own.")
        return Made(rows.entry(before), again=True)
    row = _writable(db, wanted, at) | {
        "kind": wanted.kind, "amount": wanted.amount, "currency": wanted.currency, "reason": wanted.reason, "key": key,
        "request_hash": wanted.fingerprint, "made_by": made_by, "at": rows.text(at),
    }  # fmt: skip
    return Made(rows.entry(row | {"number": rows.insert(db, "entry", row)}), again=False)


def _writable(db: Any, wanted: Wanted, at: datetime) -> dict[str, Any]:
    """Whose entry it is, once the rules allow it."""
    if wanted.order is None:
        return {"customer": str(rows.customer_row(db, wanted.customer or "")["key"]), "purchase": None}
    purchase = rows.purchase_row(db, wanted.order, at)
    customer: str = purchase["customer"]
    if wanted.customer is not None and wanted.customer != customer:
        rows.customer_row(db, wanted.customer)
        raise Refused(f"Not made: order {wanted.order} is another customer's.")
    if wanted.currency != purchase["currency"]:
        raise Refused(f"Not made: order {wanted.order} was paid in {purchase['currency']}, not in {wanted.currency}.")
    if wanted.kind == "refund":
        _leave_enough(db, wanted, at)
    return {"customer": customer, "purchase": wanted.order}


def _leave_enough(db: Any, wanted: Wanted, at: datetime) -> None:
    """More than what was paid never goes back, however many refunds it is cut into."""
    paid = rows.total(db, "SELECT SUM(amount) FROM invoice WHERE purchase = ? AND paid_at <= ?", wanted.order, rows.text(at))
    gone = rows.total(db, "SELECT SUM(amount) FROM entry WHERE purchase = ? AND kind = 'refund'", wanted.order)
    if wanted.amount > paid - gone:
        told = f"{money(paid)} {wanted.currency} were paid for order {wanted.order} and {money(gone)} refunded already"
        raise Refused(f"Not refunded: {told}, so at most {money(max(0, paid - gone))} can be refunded, not {money(wanted.amount)}.")
