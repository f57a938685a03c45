"""Whoever asks the shop gets a value or one sentence, whatever the network and the shop do; a lost answer never becomes a second refund."""

import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from automations.shop import client, faults, server
from automations.shop.client import Shop, ShopFault
from automations.shop.faults import Fault, Line
from automations.shop.ledger import Ledger
from automations.shop.values import Customer, Entry, Incident, Invoice, Item, Order
from data.errors import Refused
from tests.test_automations_shop_ledger import AT, DAY, JO, LATER, STRIKE, filled
from tests.test_automations_shop_server import TOKEN

OTHERS = "the-token-of-another-shop"
SECONDS = 1.0  # that the hasty shop's questions may take


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, str]]:
    ledger = filled(tmp_path_factory.mktemp("shop") / "shop.db")
    with server.running(ledger, TOKEN, clock=lambda: LATER) as url:
        yield ledger, url
    ledger.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """One with a ledger of its own."""
    ledger = filled(tmp_path / "shop.db")
    with server.running(ledger, TOKEN, clock=lambda: LATER) as url:
        yield Shop(url, TOKEN)
    ledger.close()


@pytest.fixture
def line(shop: Shop) -> Iterator[Line]:
    with faults.before(shop.url) as made:
        yield made


def through(line: Line, seconds: float = SECONDS) -> Shop:
    return Shop(line.url, TOKEN, seconds=seconds)


def refunded(shop: Shop) -> int:
    return shop.order("FG-10001").refunded


def refund(shop: Shop, key: str = "k1", cents: int = 1990) -> Entry:
    return shop.refund("FG-10001", cents, "EUR", "Three days late", key=key)


# Values


def test_what_the_shop_tells_comes_as_values(stand: tuple[Ledger, str]) -> None:
    ledger, url = stand
    shop = Shop(url, TOKEN)
    order = shop.order("FG-10001")
    assert isinstance(order, Order) and dataclasses.is_dataclass(order) and order == ledger.order("FG-10001", at=LATER)
    assert (order.total, order.placed_at, order.items[0]) == (8060, AT, Item("bonsai", 1, 3990))
    assert shop.order("FG-10001", at=AT + 2 * DAY).status == "shipped"
    customer: Customer = shop.customer("jo")
    assert customer == JO and shop.orders_of("jo") == (order,) and shop.orders_of("kim", at=AT) == ()
    invoice: Invoice = shop.invoice("INV-10002")
    assert (invoice.amount, invoice.paid_at) == (3780, None)
    incidents: tuple[Incident, ...] = shop.incidents("Marlow", at=AT)
    assert [one.what for one in incidents] == [STRIKE.what]
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.total = 0  # type: ignore[misc]


def test_money_goes_back_once_for_each_key(shop: Shop) -> None:
    made = refund(shop)
    assert (made.amount, made.order, made.key, made.kind) == (1990, "FG-10001", "k1", "refund")
    assert refund(shop) == made == shop.refund_by_key("k1") and refunded(shop) == 1990
    credit = shop.credit("jo", 500, "EUR", "Kind of you to wait", key="c1", order="FG-10001")
    assert shop.credit_by_key("c1") == credit and credit.order == "FG-10001"
    assert shop.credit("kim", 500, "EUR", "Sorry", key="c2").order is None
    assert shop.refund_by_key("c1") is None and shop.refund_by_key("k9") is None and shop.credit_by_key("k1") is None


# What the shop itself refuses


@pytest.mark.parametrize(
    ("ask", "status", "told"),
    [
        (lambda shop: shop.order("FG-9"), 404, "There is no order FG-9."),
        (lambda shop: shop.customer("eve"), 404, "There is no customer eve."),
        (lambda shop: refund(shop, "k2", 9999), 422, "Not refunded: 80.60 EUR were paid for order FG-10001 and 0.00 refunded already, "
         "so at most 80.60 can be refunded, not 99.99."),
        (lambda shop: shop.refund("FG-10001", 5, "EUR", "", key="k2"), 422, "Nothing was done: body.reason: "),
        (lambda shop: Shop(shop.url, OTHERS).order("FG-10001"), 401, "Nothing was told: the request needs the shop's token."),
        (lambda shop: Shop(shop.url, OTHERS).refund("FG-10001", 1, "EUR", "Late", key="k2"), 401, "Nothing was told"),
    ],
)  # fmt: skip
def test_a_refusal_is_the_shops_own_sentence(stand: tuple[Ledger, str], ask: Callable[[Shop], Any], status: int, told: str) -> None:
    with pytest.raises(ShopFault) as raised:
        ask(Shop(stand[1], TOKEN))
    fault = raised.value
    assert (fault.status, fault.outcome_unknown) == (status, False) and fault.sentence.startswith(told)
    assert isinstance(fault, Refused) and str(fault) == fault.sentence


def test_a_key_that_stands_for_another_request_is_told(shop: Shop) -> None:
    refund(shop)
    with pytest.raises(ShopFault, match="the key k1 stands for another refund") as raised:
        refund(shop, cents=1991)
    assert (raised.value.status, raised.value.outcome_unknown) == (409, False)


@pytest.mark.parametrize("name", ["", "../refunds", "FG 1", "FG-1/..", "FG-1?at=", "x" * 41, "‹CARD 1›", "FG-1\n"])
def test_what_cannot_be_a_name_is_not_asked(stand: tuple[Ledger, str], name: str) -> None:
    with faults.before(stand[1]) as line:
        shop = through(line)
        for ask in (lambda: shop.order(name), lambda: shop.invoice(name)):
            with pytest.raises(ShopFault, match=r"The shop was not asked: .* cannot be the name of one"):
                ask()
        assert line.seen == []


@pytest.mark.parametrize(
    ("key", "cents", "why"),
    [
        ("", 1990, "its key is not 1 to 200"),
        ("../k1", 1990, "its key is not 1 to 200"),
        ("k1\r\nX-Other: 1", 1990, "its key is not 1 to 200"),
        ("k" * 201, 1990, "its key is not 1 to 200"),
        ("k1", 0, "an amount is more than 0.00"),
        ("k1", -5, "an amount is more than 0.00"),
    ],
)
def test_what_cannot_be_a_refund_is_not_asked_for(stand: tuple[Ledger, str], key: str, cents: int, why: str) -> None:
    with faults.before(stand[1]) as line:
        with pytest.raises(ShopFault, match=f"^The refund of .* EUR on order FG-10001 was not made: {why}") as raised:
            refund(through(line), key, cents)
        assert line.seen == [] and not raised.value.outcome_unknown


# Faults

FAULTS: dict[str, tuple[Fault, str]] = {
    "slow": (faults.slow(30), "it gave no whole answer within 1 seconds"),
    "drips": (faults.drips, "it gave no whole answer within 1 seconds"),
    "cut": (faults.cuts, "it hung up before its answer was whole"),
    "reset before": (faults.dies_before, "it hung up before its answer was whole"),
    "reset after": (faults.dies_after, "it hung up before its answer was whole"),
    "page": (faults.html, "it answered with a page, not with data"),
    "error": (faults.error, r"it answered with an error of its own \(500\)"),
    "error after": (faults.says(500, b"{}", acts=True), r"it answered with an error of its own \(500\)"),
    "elsewhere": (faults.says(307, b"", Location="http://127.0.0.1:1/"), r"it points elsewhere \(307\), and that is not followed"),
    "another's 404": (faults.says(404, b"<h1>Not here</h1>", "text/html"), r"it answered with an error of its own \(404\)"),
    "too large": (faults.says(200, b'"' + b" " * 1_000_000 + b'"'), "its answer cannot be taken: it is longer than 1 MB"),
    "packed": (faults.says(200, b"{}", Content_Encoding="gzip"), "its answer cannot be taken: it is packed"),
    "no JSON": (faults.says(200, b'{"number": '), r"its answer has another shape \(Invalid JSON"),
    "deep": (faults.says(200, b"[" * 100_000), r"its answer has another shape \("),
    "list": (faults.says(200, b"[]"), "its answer has another shape"),
    "nothing": (faults.says(200, b"{}"), r"its answer has another shape \((number|id): Field required\)"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_one_sentence(stand: tuple[Ledger, str], name: str) -> None:
    fault, why = FAULTS[name]
    with faults.before(stand[1]) as line:
        line.next(fault)
        with pytest.raises(ShopFault, match=f"^The shop did not tell order FG-10001: {why}.*Try again in a minute\\.$") as raised:
            through(line).order("FG-10001")
        assert not raised.value.outcome_unknown
        line.next(fault)
        with pytest.raises(
            ShopFault, match=f"^Whether the refund of 0.01 EUR on order FG-10001 was made is not known: {why}.*by its key"
        ) as lost:
            through(line).refund("FG-10001", 1, "EUR", "Late", key=f"f-{name.encode().hex()}")
        assert lost.value.outcome_unknown and "\n" not in str(lost.value) and TOKEN not in repr(lost.value)
        assert len(line.seen) == 2  # nothing is tried again behind anybody's back


def test_one_that_asks_to_be_left_alone_has_done_nothing(line: Line, shop: Shop) -> None:
    line.next(faults.busy, faults.busy)
    with pytest.raises(ShopFault, match=r"was not made: it asks to be left alone for 7 seconds \(429\)") as raised:
        refund(through(line))
    assert (raised.value.retry_after, raised.value.outcome_unknown) == (7.0, False)
    with pytest.raises(ShopFault, match="did not tell order FG-10001: it asks to be left alone") as raised:
        through(line).order("FG-10001")
    assert raised.value.retry_after == 7.0 and refunded(shop) == 0


def test_one_that_does_not_run_has_done_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        shop = Shop(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN)
        with pytest.raises(ShopFault, match=r"The refund of 19\.90 EUR on order FG-10001 was not made: it is not running") as raised:
            refund(shop)
        assert not raised.value.outcome_unknown
        with pytest.raises(ShopFault, match="The shop did not tell customer jo: it is not running"):
            shop.customer("jo")


SPOILT = [
    (b'"total":"80.60"', b'"total":80.6', "total: it is no amount"),
    (b'"total":"80.60"', b'"total":"80.6"', "total: it is no amount"),
    (b'"total":"80.60"', b'"sum":"80.60"', "total: Field required"),
    (b'"quantity":1', b'"quantity":"1"', "items.0.quantity: Input should be a valid integer"),
    (b'"status":"delivered"', b'"status":"eaten"', "status: Input should be"),
    (b'"placed_at":"2026-03-02T09:00:00Z"', b'"placed_at":"2026-03-02T09:00:00"', "placed_at: Input should have timezone info"),
    (b'"promised_on":"2026-03-06"', b'"promised_on":null', "promised_on: Input should be a valid date"),
    (b'"days_late":3', b'"days_late":true', "days_late: Input should be a valid integer"),
    (b'"currency":"EUR"', b'"currency":"euros"', "currency: String should match pattern"),
]


@pytest.mark.parametrize(("old", "new", "why"), SPOILT)
def test_an_answer_of_another_shape_says_what_is_wrong_in_it(stand: tuple[Ledger, str], old: bytes, new: bytes, why: str) -> None:
    with faults.before(stand[1]) as line:
        line.next(faults.changes(old, new))
        with pytest.raises(ShopFault, match=rf"its answer has another shape \({why}"):
            through(line).order("FG-10001")
        assert through(line).order("FG-10001").total == 8060  # the control: the same way, unspoilt


def test_another_thing_than_was_asked_for_is_not_taken(line: Line, shop: Shop) -> None:
    line.next(faults.changes(b'"number":"FG-10001"', b'"number":"FG-10002"'))
    with pytest.raises(ShopFault, match="was asked for order FG-10001 and told another"):
        through(line).order("FG-10001")
    line.next(faults.changes(b'"customer":"jo"', b'"customer":"kim"'))
    with pytest.raises(ShopFault, match="was asked for the orders of customer jo and told another"):
        through(line).orders_of("jo")
    line.next(faults.changes(b'"amount":"19.90"', b'"amount":"1.99"'))
    with pytest.raises(ShopFault, match="is not known: it answered with another entry than was asked for") as raised:
        refund(through(line))
    assert raised.value.outcome_unknown and refunded(shop) == 1990


def test_what_a_refusal_says_is_masked_and_short(line: Line) -> None:
    told = b'{"status": 422, "detail": "Not for jo.doe@example.org,\\nno.%s"}' % (b" Never." * 500)
    line.next(faults.says(422, told, "application/problem+json"), faults.says(422, b"[]", "application/problem+json"))
    with pytest.raises(ShopFault) as raised:
        refund(through(line))
    assert raised.value.sentence.startswith("Not for ‹EMAIL 1›, no. Never.") and len(raised.value.sentence) <= 300
    with pytest.raises(ShopFault, match="The shop refused it without a reason"):
        refund(through(line))


# The unknown outcome


def test_a_lost_answer_is_asked_for_by_its_key_and_nothing_is_made_twice(line: Line, shop: Shop) -> None:
    line.next(faults.dies_after)
    with pytest.raises(ShopFault) as raised:
        refund(through(line), "k1")
    assert raised.value.outcome_unknown
    found = shop.refund_by_key("k1")
    assert found is not None and found.amount == 1990
    assert refund(shop, "k1") == found and refunded(shop) == 1990  # and asked again under its key it is still one


def test_what_never_arrived_is_not_there_by_its_key_and_is_made_once_then(line: Line, shop: Shop) -> None:
    line.next(faults.dies_before)
    with pytest.raises(ShopFault) as raised:
        refund(through(line), "k1")
    assert raised.value.outcome_unknown and shop.refund_by_key("k1") is None
    refund(shop, "k1")
    assert refunded(shop) == 1990


def test_the_control_a_fresh_key_after_a_lost_answer_pays_twice(line: Line, shop: Shop) -> None:
    line.next(faults.dies_after)
    with pytest.raises(ShopFault):
        refund(through(line), "k1")
    refund(shop, "k2")
    assert refunded(shop) == 2 * 1990


def test_a_question_about_the_outcome_that_fails_is_no_answer(line: Line, shop: Shop) -> None:
    refund(shop)
    line.next(faults.says(404, b"no such page", "text/plain"), faults.dies_after)
    for _ in range(2):
        with pytest.raises(ShopFault, match="The shop did not tell the refund with the key k1"):
            through(line).refund_by_key("k1")
    assert through(line).refund_by_key("k1") is not None


# What goes out


def test_nothing_goes_out_that_need_not(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    through(line).order("FG-10001")
    refund(through(line), "k1")
    asked, sent = (request.decode().lower().partition("\r\n\r\n")[0].split("\r\n") for request in line.seen)
    assert {one.partition(":")[0] for one in asked[1:]} <= {
        "host",
        "user-agent",
        "accept-encoding",
        "authorization",
        "connection",
        "accept",
    }
    assert "idempotency-key: k1" in sent and "accept-encoding: identity" in sent and f"authorization: bearer {TOKEN}" in sent


def test_its_address_is_this_machine_or_encrypted_and_its_token_is_never_shown() -> None:
    for url in ("http://shop.example.com", "ftp://127.0.0.1", "http://127.0.0.1@example.com", "https://shop.example.com?x=1"):
        with pytest.raises(Refused, match="The shop was not asked"):
            Shop(url, TOKEN)
    assert Shop("https://shop.example.com/", TOKEN).url == "https://shop.example.com"
    assert TOKEN not in repr(Shop("http://127.0.0.1:8000", TOKEN))
    assert client.SECONDS <= 5 and client.LARGEST <= 1_000_000
