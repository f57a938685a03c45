"""Rows that are written many at once are read back as if each had been written by itself, on both engines."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import exc
from sqlmodel import col, select

from data import bulk, conversations, people, store
from data.conversations import Filter
from data.errors import Busy
from data.tables import Conversation, ConversationWords, Customer, Message, Seal, Vector
from data.values import new_id, now
from tests.conftest import SOAK

PLACES = count(1)
MOMENT = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
ZONES = [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11, minutes=-30)), timezone(timedelta(seconds=1))]

texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=st.sampled_from(ZONES))
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15, allow_nan=False) | texts
json_values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
messages = st.fixed_dictionaries(
    {
        "at": moments, "role": texts, "text": texts, "author": st.none() | texts, "private": st.booleans(),
        "start_ms": st.none() | st.integers(-(2**31), 2**31 - 1), "tool_call": st.none() | st.dictionaries(texts, json_values, max_size=3),
        "tool_result": json_values, "external_id": st.none() | texts, "gone_at": st.none() | moments,
    }
)  # fmt: skip
ODD = [
    "",
    " ",
    "\\N",
    "\\",
    "\t",
    "\n",
    "\r\n",
    "'",
    '"',
    "null",
    "{}",
    "‹CARD 1›",
    "日本",
    "🙂",
    "e\u0301",
    "\u202e",
    "\ufeff",
    "\x01",
    "\x7f",
]


def conversation() -> str:
    """What messages belong to."""
    customer = {"id": new_id(), "at": MOMENT, "source": "x", "key_hmac": new_id()}
    made = {
        "id": new_id(), "at": MOMENT, "source": "x", "external_id": new_id(), "content_hmac": "", "channel": "chat", "status": "open",
        "customer_id": customer["id"], "opened_at": MOMENT, "tags": [], "extra": {}, "revision": 1, "place": next(PLACES),
    }  # fmt: skip
    with store.writing() as db:
        bulk.insert(db, Customer, [customer])
        bulk.insert(db, Conversation, [made])
    return str(made["id"])


def read_back(ids: list[str]) -> list[dict[str, Any]]:
    with store.reading() as db:
        found = {one.id: one.model_dump() for one in db.exec(select(Message).where(col(Message.id).in_(ids)))}
    return [{name: value for name, value in found[one].items() if name not in ("id", "conversation_id", "seq")} for one in ids]


def both_ways(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same rows, written at once and one by one."""
    ids: list[list[str]] = []
    for at_once in (True, False):
        belongs = conversation()
        whole = [row | {"id": new_id(), "conversation_id": belongs, "seq": seq} for seq, row in enumerate(rows, start=1)]
        with store.writing() as db:
            if at_once:
                bulk.insert(db, Message, whole)
            else:
                db.add_all(Message(**row) for row in whole)
        ids.append([str(row["id"]) for row in whole])
    return read_back(ids[0]), read_back(ids[1])


@settings(
    max_examples=300 if SOAK else 40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(messages, min_size=1, max_size=4))
def test_what_is_written_at_once_reads_as_what_is_written_one_by_one(home: Path, rows: list[dict[str, Any]]) -> None:
    at_once, one_by_one = both_ways(rows)
    assert at_once == one_by_one
    assert [type(value) for row in at_once for value in row.values()] == [type(value) for row in one_by_one for value in row.values()]
    for row, told in zip(rows, at_once, strict=True):
        assert told["at"] == row["at"] and told["at"].tzinfo == UTC
        assert (told["text"], told["private"], told["tool_call"], told["external_id"]) == (
            row["text"], row["private"], row["tool_call"], row["external_id"],
        )  # fmt: skip


def test_every_odd_text_comes_back_as_it_was(home: Path) -> None:
    rows = [
        {
            "at": MOMENT,
            "role": "rep",
            "text": said,
            "author": said,
            "private": False,
            "tool_result": {said: [said, None]},
            "extra": {"x": said},
        }
        for said in ODD
    ]
    at_once, one_by_one = both_ways(rows)
    assert at_once == one_by_one
    assert [(row["text"], row["author"], row["tool_result"]) for row in at_once] == [(said, said, {said: [said, None]}) for said in ODD]


def test_rows_that_fill_different_columns_go_together(home: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"at": MOMENT, "role": "rep", "text": "a", "private": True},
        {"at": MOMENT, "role": "rep", "text": "b", "private": False, "start_ms": 0, "end_ms": 5},
        {"at": MOMENT, "role": "tool", "text": "", "private": False, "tool_result": []},
        {"at": MOMENT, "role": "tool", "text": "", "private": False, "tool_result": 0, "start_ms": None},
        {"at": MOMENT, "role": "tool", "text": "", "private": False, "tool_result": False},
        {"at": MOMENT, "role": "tool", "text": "", "private": False, "tool_result": None, "tool_call": {}},
    ]
    at_once, one_by_one = both_ways(rows)
    assert at_once == one_by_one
    assert [row["tool_result"] for row in at_once] == [None, None, [], 0, False, None]
    assert [row["private"] for row in at_once] == [True, *[False] * 5]


def test_times_compare_whoever_wrote_them(home: Path) -> None:
    """Text on SQLite: one form, or later times would sort before earlier ones."""
    steps = [MOMENT + timedelta(microseconds=micro) for micro in (-123456, -1, 0, 1, 876543)]
    rows = [
        {"at": at.astimezone(ZONES[number % 4]), "role": "rep", "text": str(number), "private": False} for number, at in enumerate(steps)
    ]
    belongs = conversation()
    with store.writing() as db:
        whole = [row | {"id": new_id(), "conversation_id": belongs, "seq": seq} for seq, row in enumerate(rows, start=1)]
        bulk.insert(db, Message, whole[::2])
        db.add_all(Message(**row) for row in whole[1::2])
    with store.reading() as db:
        assert list(db.exec(select(Message.text).order_by(col(Message.at)))) == ["0", "1", "2", "3", "4"]
        assert len(db.exec(select(Message.id).where(Message.at > MOMENT)).all()) == 2
        assert len(db.exec(select(Message.id).where(Message.at == MOMENT)).all()) == 1


def test_bytes_are_written_as_they_are(home: Path) -> None:
    kept = bytes(range(256))
    with store.writing() as db:
        bulk.insert(db, Vector, [{"id": new_id(), "at": MOMENT, "text_sha": "a", "encoder": "x", "vector": kept}])
    with store.reading() as db:
        assert db.exec(select(Vector.vector)).one() == kept


def test_no_rows_are_no_rows_and_a_time_without_a_zone_is_refused(home: Path) -> None:
    with store.writing() as db:
        bulk.insert(db, Message, [])
    row = {"id": new_id(), "at": datetime(2026, 1, 1), "conversation_id": "x", "seq": 1, "role": "rep", "text": "", "private": False}
    with pytest.raises(ValueError, match="has no time zone"), store.writing() as db:
        bulk.insert(db, Message, [row])


def test_it_is_part_of_the_transaction_that_it_is_in(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        bulk.insert(db, Customer, [{"id": new_id(), "at": MOMENT, "source": "x", "key_hmac": "lost"}])
        raise ZeroDivisionError
    with store.writing() as db:
        with pytest.raises(ZeroDivisionError), store.writing() as inner:
            bulk.insert(inner, Customer, [{"id": new_id(), "at": MOMENT, "source": "x", "key_hmac": "lost too"}])
            raise ZeroDivisionError
        bulk.insert(db, Customer, [{"id": new_id(), "at": MOMENT, "source": "x", "key_hmac": "kept"}])
    with store.reading() as db:
        assert list(db.exec(select(Customer.key_hmac))) == ["kept"]


def test_what_the_database_refuses_is_said_as_sqlalchemy_says_it(home: Path) -> None:
    """So that whoever opened the transaction knows a full disk from a fault of ours; and no row stands in the words."""
    row = {"id": new_id(), "at": MOMENT, "source": "a secret source", "key_hmac": "same"}
    for wrong, kind in (
        ([row, row | {"id": new_id()}], exc.IntegrityError),
        ([{name: value for name, value in row.items() if name != "source"}], exc.IntegrityError),
    ):
        with pytest.raises(kind) as refused, store.writing() as db:
            bulk.insert(db, Customer, wrong)
        assert isinstance(refused.value, exc.DBAPIError)
    missing = {"id": new_id(), "at": MOMENT, "conversation_id": "nobody", "kind": "card", "number": 1, "value_hmac": "", "purge_at": now()}
    with pytest.raises(exc.IntegrityError), store.writing() as db:
        bulk.insert(db, Seal, [missing])


def test_a_full_disk_is_told_in_words(sqlite_home: Path) -> None:
    with store.engine().connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(Busy, match=r"^Nothing was saved: the disk is full\."), store.writing() as db:
        db.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        rows = [{"id": new_id(), "at": MOMENT, "source": "x" * 5000, "key_hmac": str(number)} for number in range(50)]
        bulk.insert(db, Customer, rows)
    with store.reading() as db:
        assert db.exec(select(Customer.id)).all() == []


def test_what_is_made_ready_before_is_written_later_and_nothing_is_nothing(home: Path) -> None:
    made = [bulk.ready(Customer, [{"id": "c", "at": MOMENT, "source": "x", "key_hmac": "k", "segment": None}]), bulk.ready(Seal, [])]
    assert made[0].names == ["id", "at", "source", "key_hmac"]  # what is empty in all is left out
    with store.writing() as db:
        for one in made:
            bulk.write(db, one)
    with store.reading() as db:
        assert (db.exec(select(Customer.key_hmac)).all(), db.exec(select(Seal.id)).all()) == (["k"], [])


def test_more_than_one_statement_holds_are_all_there(home: Path) -> None:
    """Also of what the search's index follows."""
    some = 2 * bulk.AT_ONCE + 1
    customer = {"id": "c", "at": MOMENT, "source": "x", "key_hmac": "k"}
    made = {
        "at": MOMENT, "source": "x", "content_hmac": "", "channel": "chat", "status": "open", "customer_id": "c", "opened_at": MOMENT,
        "tags": [], "extra": {}, "revision": 1,
    }  # fmt: skip
    with store.writing() as db:
        bulk.insert(db, Customer, [customer])
        bulk.insert(db, Conversation, [made | {"id": str(number), "external_id": str(number), "place": number} for number in range(some)])
        words = [{"place": number, "conversation_id": str(number), "words": f"word{number} every"} for number in range(some)]
        bulk.insert(db, ConversationWords, words)
    by = people.add("Emil", "emil@example.com", "engineer", by=people.console())
    assert conversations.counted(Filter(words="every"), by=by, most=5000) == some
    assert [row.id for row in conversations.listed(Filter(words=f"word{some - 1}"), by=by)] == [str(some - 1)]
