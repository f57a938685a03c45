"""What is done to the record by hand is found every time: a flipped byte, a row taken out, put elsewhere, or cut off (threat 21)."""

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from data import audit, people, store
from data.tables import AuditEntry
from tests.conftest import SOAK
from tests.test_data_audit import by_hand, record

TRIES = 100 if SOAK else 12
ROWS = 20
COLUMNS = tuple(AuditEntry.model_fields)
Rows = list[dict[str, Any]]


@pytest.fixture
def written(home: Path) -> Iterator[Rows]:
    """A record of rows in which every column holds something; their stored values, oldest first."""
    rep = people.add("Rita", "rita@example.com", "rep", by=people.console())
    for number in range(ROWS - 1):
        record(rep, f"Said {number}.", before={"n": number}, after={"n": number + 0.5, "why": "größer"})
    with by_hand():
        pass  # the triggers are gone from here on
    yield stored()
    if not store.is_sqlite():
        change(("ALTER TABLE audit_entry ENABLE TRIGGER ALL", {}))  # the next test need not make its database anew


def stored() -> Rows:
    with store.engine().connect() as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM audit_entry ORDER BY number")).mappings()]


@contextmanager
def for_a_while(rows: Rows, *statements: tuple[str, dict[str, Any]]) -> Iterator[None]:
    """The record with these changes; afterwards it is again as it was, and holds."""
    change(*statements)
    try:
        yield
    finally:
        names = ", ".join(COLUMNS)
        values = ", ".join(
            f"CAST(:{name} AS jsonb)" if name in ("before", "after") and not store.is_sqlite() else f":{name}" for name in COLUMNS
        )
        whole = [row if store.is_sqlite() else row | {name: as_json(row[name]) for name in ("before", "after")} for row in rows]
        change(("DELETE FROM audit_entry", {}), *((f"INSERT INTO audit_entry ({names}) VALUES ({values})", row) for row in whole))
        assert stored() == rows


def as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def change(*statements: tuple[str, dict[str, Any]]) -> None:
    with store.engine().execution_options(writes=True).begin() as connection:
        for statement, values in statements:
            connection.execute(text(statement), values)


def flipped(value: Any, rng: random.Random) -> Any:
    """The stored value with one byte changed, or one bit where the database keeps no text."""
    if isinstance(value, datetime):
        return value + rng.choice((-1, 1)) * timedelta(microseconds=1 << rng.randrange(40))
    if isinstance(value, int):
        return value ^ (1 << rng.randrange(5, 30))  # beyond the rows that there are: a number stands once
    raw = bytearray((as_json(value) if isinstance(value, dict) else value).encode())
    place = rng.randrange(len(raw))
    raw[place] ^= rng.randrange(1, 256)
    return bytes(raw)


def flip(row: dict[str, Any], rng: random.Random) -> tuple[str, dict[str, Any], str]:
    """One flip that the database itself lets through: PostgreSQL refuses what is no UTF-8 or no JSON."""
    while True:
        column = rng.choice([name for name in COLUMNS if row[name] is not None])
        value = flipped(row[column], rng)
        cast = ":value"
        if isinstance(value, bytes):
            cast = "CAST(:value AS TEXT)"
            if not store.is_sqlite():
                try:
                    value = value.decode()
                    cast = "CAST(:value AS jsonb)" if isinstance(row[column], dict) else ":value"
                    if "\0" in value or (isinstance(row[column], dict) and json.loads(value) == row[column]):
                        continue
                except ValueError:
                    continue
        return f"UPDATE audit_entry SET {column} = {cast} WHERE number = {row['number']}", {"value": value}, column


def test_a_flipped_byte_in_any_column_of_any_row_is_found(written: Rows) -> None:
    rng, missed, columns = random.Random(), [], set()
    for _ in range(TRIES):
        row = rng.choice(written)
        statement, values, column = flip(row, rng)
        columns.add(column)
        with for_a_while(written, (statement, values)):
            found = audit.broken()
        if found is None or found.number > row["number"]:
            missed.append((column, values, found))
    assert missed == []
    assert len(columns) > 4
    assert audit.broken() is None


def test_a_byte_that_changes_the_text_of_a_time_or_of_json_and_not_its_meaning_is_found(written: Rows) -> None:
    """SQLite keeps both as text; PostgreSQL has only one way to keep each."""
    if not store.is_sqlite():
        pytest.skip("PostgreSQL keeps values, not texts.")
    for column, there, instead in (("at", " ", "T"), ("at", ".", ","), ("before", " ", "\t"), ("after", "{", "{ ")):
        told = f"UPDATE audit_entry SET {column} = replace({column}, :there, :instead) WHERE number = 7"
        with for_a_while(written, (told, {"there": there, "instead": instead})):
            assert audit.broken() == audit.Broken(7, "cannot be read")


def test_a_row_taken_out_is_found_at_its_place(written: Rows) -> None:
    for number in random.Random().choices(range(1, ROWS), k=TRIES):
        with for_a_while(written, ("DELETE FROM audit_entry WHERE number = :n", {"n": number})):
            assert audit.broken() == audit.Broken(number, "is missing")


def test_two_rows_that_changed_places_are_found_at_the_first(written: Rows) -> None:
    for _ in range(TRIES):
        first, second = sorted(random.Random().sample(range(1, ROWS + 1), 2))
        moves = [(first, -1), (second, first), (-1, second)]
        told = "UPDATE audit_entry SET number = :after WHERE number = :before"
        with for_a_while(written, *((told, {"before": before, "after": after}) for before, after in moves)):
            assert audit.broken() == audit.Broken(first, "is not as it was written")


def test_rows_cut_off_at_the_end_are_found_by_the_head_that_was_noted(written: Rows) -> None:
    without_anchor = 0
    for left in random.Random().choices(range(ROWS), k=TRIES):
        with for_a_while(written, ("DELETE FROM audit_entry WHERE number > :n", {"n": left})):
            assert audit.broken() == audit.Broken(left + 1, f"and all after it, up to {ROWS}, were cut off")
            without_anchor += audit.broken_chain() is None
    assert without_anchor == TRIES  # the control: the chain alone misses every one of them


def test_rows_cut_off_are_found_also_when_the_record_grew_again(written: Rows) -> None:
    change(("DELETE FROM audit_entry WHERE number > 15", {}))
    for number in range(ROWS):
        record(people.console(), f"Something else {number}.")
    assert audit.broken_chain() is None  # the control: nothing is wrong with the chain
    assert audit.broken() == audit.Broken(16, "is another than the one that was noted outside the database")


def test_an_attacker_without_the_key_who_writes_the_chain_anew_is_found(written: Rows) -> None:
    """The control: a chain of plain hashes, written anew in the same way, holds each time."""
    found = plain_found = 0
    for place in random.Random().choices(range(ROWS), k=TRIES):
        changed = [row | {"sentence": "Said the contrary."} if at == place else row for at, row in enumerate(written)]
        forged = chained(changed)
        plain_found += chained(forged) != forged
        told = "UPDATE audit_entry SET sentence = :sentence, previous_sha = :previous_sha, sha = :sha WHERE number = :number"
        with for_a_while(
            written, *((told, {name: row[name] for name in ("sentence", "previous_sha", "sha", "number")}) for row in forged[place:])
        ):
            broken = audit.broken()
            found += broken is not None and broken.number == place + 1
    assert (found, plain_found) == (TRIES, 0)


def chained(rows: Rows) -> Rows:
    """Sealed as anybody can who has read the source, without a key."""
    previous, made = audit.FIRST, []
    for row in rows:
        told = [str(row[name]) for name in COLUMNS if name not in ("previous_sha", "sha")]
        sha = hashlib.sha256(json.dumps([previous, *told]).encode()).hexdigest()
        made.append(row | {"previous_sha": previous, "sha": sha})
        previous = sha
    return made
