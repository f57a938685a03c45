"""The shop's ledger: never more back than was paid, never twice for one key, nothing lost that was acknowledged, nothing ever changed."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from automations.shop import goods
from automations.shop.goods import Mention
from automations.shop.ledger import Bill, Conflict, Ledger, Made, Purchase, Unknown
from automations.shop.values import Customer, Incident, Item
from data import store
from data.errors import Busy, Misuse, Refused

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
JO, KIM = Customer("jo", "Jo Doe", "Marlow", date(2025, 1, 1)), Customer("kim", "Kim Roe", "Lindau", date(2025, 1, 1))
BONSAI = Purchase(
    "FG-10001", "jo", (Item("bonsai", 1, 3990), Item("zinc planter", 2, 1790)), 490, AT, date(2026, 3, 6), packed_at=AT + DAY / 2,
    shipped_at=AT + DAY, delivered_at=AT + 7 * DAY, carrier="QuickVan", tracking="QV000000001",
)  # fmt: skip
PAID = Bill("INV-10001", "FG-10001", 8060, AT.date(), AT.date(), AT)
OWED = Purchase("FG-10002", "kim", (Item("yucca", 1, 3290),), 490, AT + DAY, date(2026, 3, 9))
UNPAID = Bill("INV-10002", "FG-10002", 3780, AT.date() + DAY, AT.date() + 15 * DAY)
STRIKE = Incident("delay", "Marlow", AT, AT + 3 * DAY, "QuickVan is on strike in Marlow.")
DARK = Incident("outage", "everywhere", AT + DAY, None, "The app does not open.")
LATER = AT + 30 * DAY


def filled(file: Path) -> Ledger:
    ledger = Ledger(file)
    ledger.write(customers=[JO, KIM], orders=[BONSAI, OWED], bills=[PAID, UNPAID], incidents=[STRIKE, DARK])
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = filled(tmp_path / "shop.db")
    yield made
    made.close()


def refund(
    ledger: Ledger, cents: int = 1000, *, key: str = "k1", order: str = "FG-10001", reason: str = "Late", currency: str = "EUR"
) -> Made:
    return ledger.refund(order, cents, currency, reason, key=key, at=LATER)


# What is told


def test_an_order_is_told_as_it_stood_then(ledger: Ledger) -> None:
    told = [(order := ledger.order("FG-10001", at=AT + days * DAY)).status for days in (0, 0.6, 2, 8)]
    assert told == ["placed", "packed", "shipped", "delivered"]
    assert (order.total, order.paid, order.refunded, order.refundable, order.days_late, order.area) == (8060, 8060, 0, 8060, 3, "Marlow")
    on_its_way = ledger.order("FG-10001", at=AT + 6 * DAY)
    assert (on_its_way.delivered_at, on_its_way.days_late, on_its_way.tracking) == (None, 2, "QV000000001")
    assert ledger.order("FG-10001", at=AT).tracking is None
    assert refund(ledger, 490).entry in ledger.order("FG-10001", at=LATER).entries
    assert ledger.order("FG-10001", at=LATER - DAY).refunded == 0 and ledger.order("FG-10001", at=LATER).refunded == 490


def test_a_customers_orders_invoices_and_what_their_area_had(ledger: Ledger) -> None:
    assert ledger.customer("jo") == JO
    assert [order.number for order in ledger.orders_of("jo", at=LATER)] == ["FG-10001"] and ledger.orders_of("kim", at=AT) == ()
    invoice = ledger.invoice("INV-10001", at=LATER)
    assert (invoice.order, invoice.customer, invoice.amount, invoice.paid_at) == ("FG-10001", "jo", 8060, AT)
    assert ledger.invoice("INV-10002", at=LATER).paid_at is None
    assert [one.what for one in ledger.incidents("Marlow", at=AT + 2 * DAY)] == [STRIKE.what, DARK.what]
    assert [one.what for one in ledger.incidents("Marlow", at=AT + 3 * DAY)] == [DARK.what]
    assert ledger.incidents("Lindau", at=AT) == () and ledger.incidents("Marlow", at=AT)[0].ended_at is None


def test_what_there_is_not_is_told_so(ledger: Ledger) -> None:
    for ask, what in (
        (lambda: ledger.customer("eve"), "no customer eve"),
        (lambda: ledger.orders_of("eve", at=AT), "no customer eve"),
        (lambda: ledger.order("FG-9", at=AT), "no order FG-9"),
        (lambda: ledger.order("FG-10002", at=AT), "no order FG-10002"),  # it is placed tomorrow
        (lambda: ledger.invoice("INV-9", at=AT), "no invoice INV-9"),
        (lambda: ledger.by_key("refund", "k1"), "no refund with the key k1"),
        (lambda: refund(ledger, order="FG-9"), "no order FG-9"),
        (lambda: ledger.credit("eve", 500, "EUR", "Sorry", key="k1", at=AT), "no customer eve"),
    ):
        with pytest.raises(Unknown, match=what):
            ask()


# Rules


def test_never_more_goes_back_than_was_paid_however_it_is_cut(ledger: Ledger) -> None:
    for number in range(8):
        refund(ledger, 1000, key=f"k{number}")
    with pytest.raises(
        Refused, match=r"80\.60 EUR were paid for order FG-10001 and 80\.00 refunded already, so at most 0\.60 .* not 0\.61"
    ):
        refund(ledger, 61, key="k8")
    refund(ledger, 60, key="k8")
    with pytest.raises(Refused, match=r"at most 0\.00 can be refunded, not 0\.01"):
        refund(ledger, 1, key="k9")
    with pytest.raises(Refused, match=r"0\.00 EUR were paid for order FG-10002"):
        refund(ledger, 1, key="k9", order="FG-10002")
    assert ledger.order("FG-10001", at=LATER).refundable == 0


def test_a_credit_leaves_what_can_be_refunded_as_it_was(ledger: Ledger) -> None:
    made = ledger.credit("jo", 500, "EUR", "Kind of you to wait", key="c1", at=LATER, order="FG-10001").entry
    assert (made.id, made.kind, made.customer, made.order) == ("C-000001", "credit", "jo", "FG-10001")
    assert ledger.order("FG-10001", at=LATER).refundable == 8060 and ledger.by_key("credit", "c1") == made
    with pytest.raises(Refused, match="FG-10001 is another customer's"):
        ledger.credit("kim", 500, "EUR", "Sorry", key="c2", at=LATER, order="FG-10001")
    with pytest.raises(Unknown, match="no refund with the key c1"):
        ledger.by_key("refund", "c1")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"cents": 0}, "more than 0.00"),
        ({"cents": -100}, "more than 0.00"),
        ({"cents": 100_000_001}, "at most 1000000.00"),
        ({"currency": "eur"}, "three capitals"),
        ({"currency": "USD"}, "was paid in EUR, not in USD"),
        ({"reason": " "}, "a reason is needed"),
        ({"reason": "x" * 501}, "at most 500 letters"),
        ({"key": ""}, "the key is 1 to 200"),
        ({"key": "../k"}, "the key is 1 to 200"),
    ],
)
def test_what_is_no_refund_is_refused(ledger: Ledger, wrong: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        refund(ledger, **wrong)  # type: ignore[arg-type]
    assert ledger.order("FG-10001", at=LATER).entries == ()


def test_an_entry_is_never_changed_nor_taken_out(ledger: Ledger, tmp_path: Path) -> None:
    refund(ledger)
    db = store.sqlite_module().connect(str(tmp_path / "shop.db"))
    for statement, why in (
        ("UPDATE entry SET amount = 1", "never changed"),
        ("DELETE FROM entry", "never taken out"),
        ("REPLACE INTO entry SELECT number, kind, customer, purchase, 1, currency, reason, key, '', '', at FROM entry", "never taken out"),
    ):
        db.execute("PRAGMA recursive_triggers = ON")
        with pytest.raises(store.sqlite_module().IntegrityError, match=why):
            db.execute(statement)
    db.close()
    assert ledger.by_key("refund", "k1").amount == 1000


# The same key


def test_the_same_request_again_is_answered_as_the_first_time(ledger: Ledger) -> None:
    first, again = refund(ledger), refund(ledger)
    assert (first.again, again.again) == (False, True) and first.entry == again.entry
    refund(ledger, 7060, key="k2")
    assert refund(ledger).entry == first.entry  # although nothing more could be refunded


def test_the_same_key_for_another_request_is_a_conflict(ledger: Ledger) -> None:
    refund(ledger)
    for act in (
        lambda: refund(ledger, 1001),
        lambda: refund(ledger, reason="Lost"),
        lambda: refund(ledger, order="FG-10002"),
        lambda: ledger.credit("jo", 1000, "EUR", "Late", key="k1", at=LATER, order="FG-10001"),
    ):
        with pytest.raises(Conflict, match="the key k1 stands for another refund"):
            act()
    assert len(ledger.order("FG-10001", at=LATER).entries) == 1


def test_eight_at_once_with_one_key_make_one_entry(ledger: Ledger) -> None:
    together = threading.Barrier(8)

    def act(_: int) -> Made:
        together.wait(10)
        return refund(ledger, 100, key="one")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(act, range(8)))
    assert sorted(one.again for one in made) == [False] + [True] * 7 and len({one.entry.id for one in made}) == 1
    assert ledger.order("FG-10001", at=LATER).refunded == 100


def test_eight_at_once_with_keys_of_their_own_stay_below_what_was_paid(ledger: Ledger) -> None:
    together = threading.Barrier(8)

    def act(number: int) -> bool:
        together.wait(10)
        try:
            refund(ledger, 2000, key=f"k{number}")
        except Refused as refused:
            assert "at most 0.60 can be refunded" in str(refused)
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(act, range(8))) == 4
    assert ledger.order("FG-10001", at=LATER).refunded == 8000


# The file

KILLS = 30
FORKED = get_context("forkserver")
FORKED.set_forkserver_preload(["tests.test_automations_shop_ledger"])


def pay_on(file: str, first: int, told: Connection, ready: Connection) -> None:
    """Refund cent after cent, each under its number, and say each number once it is made."""
    ledger = Ledger(Path(file))
    number = first
    ready.send_bytes(b".")
    while True:
        ledger.refund("FG-50000", 1, "EUR", "Cent after cent", key=f"n{number}", at=LATER)
        os.write(told.fileno(), b"%d\n" % number)
        number += 1


def start(file: Path, first: int) -> tuple[ForkServerProcess, Connection]:
    listen, told = FORKED.Pipe(duplex=False)
    waits, ready = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=pay_on, args=(str(file), first, told, ready), daemon=True)
    process.start()
    told.close(), ready.close()
    assert waits.poll(30), "the child never began"
    waits.close()
    return process, listen


def read(pipe: Connection, *, until: float = float("inf")) -> bytes:
    """What it said, up to so many lines or to its end."""
    said = b""
    while said.count(b"\n") < until and (part := os.read(pipe.fileno(), 65_536)):
        said += part
    return said


def test_thirty_kills_lose_no_refund_that_was_acknowledged_and_make_none_twice(tmp_path: Path) -> None:
    file, rng = tmp_path / "shop.db", random.Random(4)
    much = Purchase("FG-50000", "jo", (Item("lemon tree", 1000, 5490),), 0, AT, date(2026, 3, 6))
    with_much = Ledger(file)
    with_much.write(customers=[JO], orders=[much], bills=[Bill("INV-50000", "FG-50000", much.total, AT.date(), AT.date(), AT)])
    acknowledged: list[int] = []
    enough = threading.Event()
    for _ in range(KILLS):
        # what was not acknowledged is asked for again, as whoever waits for the answer would
        process, pipe = start(file, len(acknowledged))
        said = read(pipe, until=rng.randint(1, 9))
        enough.wait(rng.uniform(0, 0.004))  # somewhere within a refund
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        acknowledged += [int(line) for line in (said + read(pipe)).splitlines()]
        pipe.close(), process.close()
    assert acknowledged == list(range(len(acknowledged))) and len(acknowledged) >= KILLS
    made = [entry.key for entry in with_much.order("FG-50000", at=LATER).entries]
    assert len(set(made)) == len(made)
    assert {f"n{number}" for number in acknowledged} <= set(made) <= {f"n{number}" for number in range(len(acknowledged) + 1)}
    with_much.close()


def test_it_is_closed_to_others_and_says_when_it_cannot_be_used(tmp_path: Path) -> None:
    filled(tmp_path / "shop.db").close()
    assert (tmp_path / "shop.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other.db").write_text("no database, but long enough to look like a file of something else" * 20)
    with pytest.raises(Misuse, match=r"other\.db cannot be used: file is not a database"):
        Ledger(tmp_path / "other.db")
    with pytest.raises(Misuse, match="cannot be used: no such file or directory"):
        Ledger(tmp_path / "nowhere" / "shop.db")


def test_one_that_others_hold_for_too_long_is_busy(ledger: Ledger, tmp_path: Path) -> None:
    hasty = Ledger(tmp_path / "shop.db", patience=0.05)
    holder = store.sqlite_module().connect(str(tmp_path / "shop.db"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="Nothing was done in the shop's ledger: the database was busy"):
        refund(hasty)
    assert hasty.order("FG-10001", at=LATER).entries == ()  # reading waits for nobody
    holder.execute("ROLLBACK")
    holder.close()
    assert not refund(hasty).again
    hasty.close()


def test_what_is_written_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    eve = Customer("eve", "Eve Poe", "Lindau", date(2026, 1, 1))
    with pytest.raises(Refused, match="holds some of it already, or a part of it is missing"):
        ledger.write(customers=[eve], orders=[BONSAI])
    with pytest.raises(Unknown):
        ledger.customer("eve")


# The demo's filling

PEOPLE = [(f"c{number}", f"Person {number}") for number in range(120)]


def stocked(file: Path, seed: int = 7) -> Ledger:
    ledger = Ledger(file)
    asked = {
        "c1": [Mention("FG-77777", AT - 5 * DAY, "late")],
        "c2": [Mention("FG-77777", AT), Mention("FG-88888", AT - 9 * DAY, "refund")],
    }
    goods.fill(ledger, PEOPLE, at=AT, seed=seed, mentioned=asked | {"c3": [Mention("FG-66666", AT - 9 * DAY, "twice")]})
    return ledger


def test_the_same_seed_fills_the_same_shop(tmp_path: Path) -> None:
    first, again, other = (stocked(tmp_path / f"{name}.db", seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    told = [[one.orders_of(key, at=AT) for key, _ in PEOPLE] for one in (first, again, other)]
    assert told[0] == told[1] != told[2]
    for one in (first, again, other):
        one.close()


def test_a_filled_shop_holds_together(tmp_path: Path) -> None:
    ledger = stocked(tmp_path / "shop.db")
    orders = [order for key, _ in PEOPLE for order in ledger.orders_of(key, at=AT)]
    assert {len(ledger.orders_of(key, at=AT)) for key, _ in PEOPLE} == {0, 1, 2, 3, 4} and len(orders) > 120
    for order in orders:
        assert AT - 366 * DAY < order.placed_at <= AT and order.refunded <= order.paid
        course = [order.placed_at, order.shipped_at, order.delivered_at, order.returned_at]
        happened = [moment for moment in course if moment]
        assert happened == sorted(happened) and happened[-1] <= AT
        assert all(entry.at <= AT and entry.made_by == "people" for entry in order.entries)
    assert {order.status for order in orders} >= {"delivered", "shipped", "returned", "cancelled"}
    assert 0.05 < sum(order.days_late > 0 for order in orders) / len(orders) < 0.35
    assert sum(bool(order.entries) for order in orders) > 10
    assert any(ledger.incidents(area, at=AT) for area in goods.AREAS)
    ledger.close()


def test_an_order_that_was_spoken_of_is_what_was_said_of_it(tmp_path: Path) -> None:
    ledger = stocked(tmp_path / "shop.db")
    late = ledger.order("FG-77777", at=AT - 5 * DAY)
    assert (late.customer, late.delivered_at) == ("c1", None) and late.days_late >= 1
    sent_back = ledger.order("FG-88888", at=AT - 9 * DAY)
    assert (sent_back.customer, sent_back.status, sent_back.refunded) == ("c2", "returned", 0)
    assert ledger.order("FG-88888", at=AT).refunded > 0
    twice = ledger.order("FG-66666", at=AT - 9 * DAY)
    assert twice.paid == 2 * twice.total and ledger.order("FG-66666", at=AT).refunded == twice.total
    with pytest.raises(Refused, match="holds customers already"):
        goods.fill(ledger, PEOPLE, at=AT)
    ledger.close()
