"""The rows of the shop's ledger: the tables, and how a row becomes what the shop tells."""

import time
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from automations.shop.values import Entry, Invoice, Item, Kind, Order, Status
from data import store
from data.errors import Refused

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON")
SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (key TEXT PRIMARY KEY, name TEXT NOT NULL, area TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS purchase (
    number TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer, delivery_fee INTEGER NOT NULL CHECK (delivery_fee >= 0),
    currency TEXT NOT NULL, placed_at TEXT NOT NULL, promised_on TEXT NOT NULL, packed_at TEXT, shipped_at TEXT, delivered_at TEXT,
    returned_at TEXT, cancelled_at TEXT, carrier TEXT, tracking TEXT);
CREATE INDEX IF NOT EXISTS purchase_of_customer ON purchase (customer, placed_at);
CREATE TABLE IF NOT EXISTS item (
    purchase TEXT NOT NULL REFERENCES purchase, place INTEGER NOT NULL, name TEXT NOT NULL, quantity INTEGER NOT NULL CHECK (quantity > 0),
    price INTEGER NOT NULL CHECK (price >= 0), PRIMARY KEY (purchase, place));
CREATE TABLE IF NOT EXISTS invoice (
    number TEXT PRIMARY KEY, purchase TEXT NOT NULL REFERENCES purchase, amount INTEGER NOT NULL CHECK (amount > 0),
    issued_on TEXT NOT NULL, due_on TEXT NOT NULL, paid_at TEXT);
CREATE INDEX IF NOT EXISTS invoice_of_purchase ON invoice (purchase);
CREATE TABLE IF NOT EXISTS incident (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, area TEXT NOT NULL, began_at TEXT NOT NULL, ended_at TEXT, what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL CHECK (kind IN ('refund', 'credit')),
    customer TEXT NOT NULL REFERENCES customer, purchase TEXT REFERENCES purchase CHECK (kind = 'credit' OR purchase IS NOT NULL),
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, reason TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
    request_hash TEXT NOT NULL, made_by TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entry_of_purchase ON entry (purchase);
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER IF NOT EXISTS entry_remains BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'an entry is never taken out'); END;
"""


class Unknown(Refused):
    """There is no such order, customer, invoice or entry."""


def prepare(connection: Any) -> None:
    """Several that open a new file at once all want to change its journal, and SQLite itself waits for nobody there."""
    until = time.monotonic() + 5
    for pragma in PRAGMAS:
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}")
                break
            except store.sqlite_module().OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    connection.close()
                    raise
                time.sleep(0.01)


def total(db: Any, query: str, *values: Any) -> int:
    found: int | None = db.execute(query, values).fetchone()[0]
    return found or 0


def customer_row(db: Any, key: str) -> Any:
    row = db.execute("SELECT key, name, area, since FROM customer WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Unknown(f"There is no customer {key}.")
    return row


def purchase_row(db: Any, number: str, at: datetime) -> Any:
    row = db.execute("SELECT * FROM purchase WHERE number = ? AND placed_at <= ?", (number, text(at))).fetchone()
    if row is None:
        raise Unknown(f"There is no order {number}.")
    return row


def order(db: Any, row: Any, at: datetime) -> Order:
    items = db.execute("SELECT name, quantity, price FROM item WHERE purchase = ? ORDER BY place", (row["number"],)).fetchall()
    query = "SELECT * FROM entry WHERE purchase = ? AND at <= ? ORDER BY number"
    entries = tuple(entry(one) for one in db.execute(query, (row["number"], text(at))).fetchall())
    paid = total(db, "SELECT SUM(amount) FROM invoice WHERE purchase = ? AND paid_at <= ?", row["number"], text(at))
    refunded = sum(one.amount for one in entries if one.kind == "refund")
    times = {name: by_then(row[f"{name}_at"], at) for name in ("packed", "shipped", "delivered", "returned", "cancelled")}
    promised = date.fromisoformat(row["promised_on"])
    over = times["cancelled"] or times["delivered"] or at
    return Order(
        number=row["number"], customer=row["customer"], area=customer_row(db, row["customer"])["area"], status=_status(times),
        items=tuple(Item(**dict(item)) for item in items), delivery_fee=row["delivery_fee"],
        total=row["delivery_fee"] + sum(item["quantity"] * item["price"] for item in items), currency=row["currency"],
        placed_at=time_of(row["placed_at"]), promised_on=promised, shipped_at=times["shipped"], delivered_at=times["delivered"],
        returned_at=times["returned"], cancelled_at=times["cancelled"], carrier=row["carrier"] if times["shipped"] else None,
        tracking=row["tracking"] if times["shipped"] else None, days_late=max(0, (over.astimezone(UTC).date() - promised).days),
        paid=paid, refunded=refunded, refundable=max(0, paid - refunded), entries=entries,
    )  # fmt: skip


def _status(times: Mapping[str, datetime | None]) -> Status:
    told: tuple[Status, ...] = ("cancelled", "returned", "delivered", "shipped", "packed")
    return next((status for status in told if times[status]), "placed")


def entry(row: Any) -> Entry:
    kind: Kind = row["kind"]
    return Entry(
        id=f"{kind[0].upper()}-{row['number']:06d}", kind=kind, customer=row["customer"], order=row["purchase"], amount=row["amount"],
        currency=row["currency"], reason=row["reason"], key=row["key"], made_by=row["made_by"], at=time_of(row["at"]),
    )  # fmt: skip


def invoice(row: Any, at: datetime) -> Invoice:
    return Invoice(
        number=row["number"], order=row["purchase"], customer=row["customer"], amount=row["amount"], currency=row["currency"],
        issued_on=date.fromisoformat(row["issued_on"]), due_on=date.fromisoformat(row["due_on"]), paid_at=by_then(row["paid_at"], at),
    )  # fmt: skip


def insert(db: Any, table: str, row: Mapping[str, Any]) -> int:
    names = ", ".join(row)
    number: int = db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())).lastrowid
    return number


def columns(value: Any) -> dict[str, Any]:
    told = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "items"}
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    return text(value) if isinstance(value, datetime) else value.isoformat() if isinstance(value, date) else value


def text(at: datetime) -> str:
    """Of one length, so that texts sort as times do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(written: str) -> datetime:
    return datetime.fromisoformat(written)


def by_then(written: str | None, at: datetime) -> datetime | None:
    """None for what was still to come."""
    return time_of(written) if written is not None and written <= text(at) else None
