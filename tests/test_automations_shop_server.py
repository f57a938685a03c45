"""The shop over HTTP: every route, every refusal, each answer as its own description says it; and the process that it is."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from automations.shop import server
from automations.shop.ledger import Ledger
from data import config, store
from data.errors import Misuse
from tests.server import eventually
from tests.test_automations_shop_ledger import LATER, filled

TOKEN = "a-token-that-nobody-guesses"
REFUND = {"order": "FG-10001", "amount": "19.90", "currency": "EUR", "reason": "Three days late"}
CREDIT = {"customer": "jo", "amount": "5.00", "currency": "EUR", "reason": "Kind of you to wait"}
READY = re.compile(r"The shop is ready: (http://127\.0\.0\.1:[0-9]+)\n")


class Asking:
    """A client that holds every answer against the shop's own description."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        self.described: dict[str, Any] = self.http.get("/openapi.json").json()
        self.answered: set[tuple[str, str, int]] = set()

    def __call__(self, method: str, path: str, **said: Any) -> httpx.Response:
        answer = self.http.request(method, path, **said)
        self.check(method.lower(), path.partition("?")[0], answer)
        return answer

    def check(self, method: str, path: str, answer: httpx.Response) -> None:
        patterns = {told: re.compile(re.sub(r"\{\w+\}", "[^/]+", told)) for told in self.described["paths"]}
        template = next(told for told in sorted(patterns, key=lambda told: told.count("{")) if patterns[told].fullmatch(path))
        documented = self.described["paths"][template][method]["responses"][str(answer.status_code)]
        media_type = answer.headers["content-type"].partition(";")[0]
        schema = documented["content"][media_type]["schema"] | {"components": self.described["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())
        self.answered.add((method, template, answer.status_code))

    def post(self, path: str, body: Any, key: str = "k1", **headers: str) -> httpx.Response:
        return self("POST", path, json=body, headers={"Idempotency-Key": key, **headers})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = filled(tmp_path / "shop.db")
    yield made
    made.close()


@pytest.fixture
def ask(ledger: Ledger) -> Iterator[Asking]:
    with server.running(ledger, TOKEN, clock=lambda: LATER) as url:
        asking = Asking(url)
        yield asking
        asking.http.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["detail"]


# What it tells


def test_every_route_answers_as_it_is_described(ask: Asking) -> None:
    jsonschema.Draft202012Validator.check_schema(ask.described["components"]["schemas"]["Order"])
    order = ask("GET", "/orders/FG-10001").json()
    assert (order["total"], order["status"], order["promised_on"], order["days_late"]) == ("80.60", "delivered", "2026-03-06", 3)
    assert order["items"][0] == {"name": "bonsai", "quantity": 1, "price": "39.90"} and order["placed_at"] == "2026-03-02T09:00:00Z"
    assert ask("GET", "/customers/jo").json() == {"key": "jo", "name": "Jo Doe", "area": "Marlow", "since": "2025-01-01"}
    assert [one["number"] for one in ask("GET", "/customers/jo/orders").json()] == ["FG-10001"]
    assert ask("GET", "/invoices/INV-10001").json()["amount"] == "80.60"
    assert [one["kind"] for one in ask("GET", "/incidents?area=Marlow&at=2026-03-04T09:00:00Z").json()] == ["delay", "outage"]
    made = ask.post("/refunds", REFUND)
    assert (made.status_code, made.json()["amount"], made.json()["made_by"]) == (201, "19.90", "portal")
    credit = ask.post("/credits", CREDIT, key="c1")
    assert credit.status_code == 201 and ask("GET", "/credits/by-key/c1").json() == credit.json()
    assert ask("GET", "/refunds/by-key/k1").json() == made.json() and ask("GET", "/health").json() == {"status": "ok"}
    described = {(method, path) for path, methods in ask.described["paths"].items() for method in methods}
    assert {(method, path) for method, path, status in ask.answered if status < 300} == described


def test_an_order_can_be_asked_for_as_it_stood(ask: Asking) -> None:
    ask.post("/refunds", REFUND)
    then = ask("GET", "/orders/FG-10001?at=2026-03-03T20:00:00%2B02:00").json()
    assert (then["status"], then["refunded"], then["delivered_at"]) == ("shipped", "0.00", None)
    assert ask("GET", "/orders/FG-10001").json()["refunded"] == "19.90"
    assert refusal(ask("GET", "/orders/FG-10001?at=2026-03-01T09:00:00Z")) == (404, "There is no order FG-10001.")
    assert refusal(ask("GET", "/orders/FG-10001?at=2026-03-01T09:00:00"))[0] == 422  # whose nine o'clock?


# Money


def test_the_same_request_with_the_same_key_is_answered_as_the_first_time(ask: Asking) -> None:
    first, again = ask.post("/refunds", REFUND), ask.post("/refunds", REFUND)
    assert first.json() == again.json() and first.status_code == again.status_code == 201
    assert [one.headers["idempotent-replayed"] for one in (first, again)] == ["false", "true"]
    assert ask("GET", "/orders/FG-10001").json()["refunded"] == "19.90"


def test_what_the_rules_forbid_is_a_problem_in_a_sentence(ask: Asking) -> None:
    ask.post("/refunds", REFUND)
    much = REFUND | {"amount": "60.71"}
    told = "Not refunded: 80.60 EUR were paid for order FG-10001 and 19.90 refunded already, so at most 60.70 can be refunded, not 60.71."
    assert refusal(ask.post("/refunds", much, key="k2")) == (422, told)
    assert refusal(ask.post("/refunds", much))[0] == 409 and refusal(ask.post("/credits", CREDIT))[0] == 409
    assert refusal(ask.post("/refunds", REFUND | {"order": "FG-9"}, key="k3")) == (404, "There is no order FG-9.")
    assert refusal(ask.post("/credits", CREDIT | {"customer": "eve"}, key="k3")) == (404, "There is no customer eve.")
    assert refusal(ask("GET", "/refunds/by-key/k3")) == (404, "There is no refund with the key k3.")
    assert ask("GET", "/orders/FG-10001").json()["refunded"] == "19.90"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (REFUND | {"amount": 19.9}, "body.amount"),
        (REFUND | {"amount": "19.9"}, "body.amount"),
        (REFUND | {"amount": "1e3"}, "body.amount"),
        (REFUND | {"amount": "-19.90"}, "body.amount"),
        (REFUND | {"amount": "0019.90"}, "body.amount"),
        (REFUND | {"amount": "٣.٠٠"}, "body.amount"),
        (REFUND | {"amount": "19.90\n"}, "body.amount"),
        (REFUND | {"currency": "euro"}, "body.currency"),
        (REFUND | {"reason": ""}, "body.reason"),
        (REFUND | {"order": "../health"}, "body.order"),
        (REFUND | {"order": None}, "body.order"),
        (REFUND | {"by": "me"}, "body.by"),
        ({name: value for name, value in REFUND.items() if name != "order"}, "body.order"),
        ([REFUND], "body"),
        ("refund", "body"),
    ],
)
def test_a_body_of_another_shape_does_nothing(ask: Asking, body: Any, where: str) -> None:
    status, told = refusal(ask.post("/refunds", body))
    assert status == 422 and told.startswith(f"Nothing was done: {where}: ") and "\n" not in told
    assert ask("GET", "/orders/FG-10001").json()["refunded"] == "0.00"


def test_a_request_without_a_key_or_with_one_that_is_none_does_nothing(ask: Asking) -> None:
    status, told = refusal(ask("POST", "/refunds", json=REFUND))
    assert (status, told) == (
        400, "Nothing was done: the header Idempotency-Key is needed, so that a second request makes nothing new.",
    )  # fmt: skip
    for key in ("", "a key", "../x", "k" * 201):
        assert refusal(ask.post("/refunds", REFUND, key=key))[0] == 422
    assert ask("GET", "/orders/FG-10001").json()["entries"] == []


def test_what_is_not_json_too_large_or_too_deep_does_nothing(ask: Asking) -> None:
    def sent(content: bytes, media_type: str = "application/json") -> tuple[int, str]:
        return refusal(ask("POST", "/refunds", content=content, headers={"Idempotency-Key": "k1", "Content-Type": media_type}))

    assert sent(b'{"order": "FG-10001"') == (400, "Nothing was done: the body is not JSON.")
    assert sent(b"\xff\xfe")[0] == 400 and sent(b"[" * 60_000)[0] == 400
    assert sent(b'{"order": "' + b"x" * 65_536 + b'"}') == (413, "Nothing was done: a request has at most 64 KB.")
    assert sent(b"order=FG-10001", "application/x-www-form-urlencoded")[0] == 415
    assert ask("GET", "/orders/FG-10001").json()["entries"] == []


def test_a_body_that_announces_no_length_is_bounded_too(ask: Asking) -> None:
    pieces = iter([b"x" * 8192] * 20)
    answer = ask.http.post("/refunds", content=pieces, headers={"Content-Type": "application/json", "Idempotency-Key": "k1"})
    assert refusal(answer)[0] == 413


def test_a_body_that_never_comes_is_not_waited_for(ledger: Ledger) -> None:
    head = (
        "POST /refunds HTTP/1.1",
        "Host: shop",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json",
        "Content-Length: 50",
    )
    with (
        server.running(ledger, TOKEN, slowest=0.2) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 20) as line,
    ):
        line.sendall("\r\n".join([*head, "", "{"]).encode())
        answer = b"".join(iter(lambda: line.recv(65_536), b""))  # head and body may come apart
        assert answer.startswith(b"HTTP/1.1 408 ") and b"the request was not here whole within 0.2 seconds" in answer


@pytest.mark.parametrize(("more", "made"), [(5, 0), (0, 1990)])  # the second one is the control
def test_a_body_that_breaks_off_does_nothing_even_when_it_reads_as_whole(ledger: Ledger, more: int, made: int) -> None:
    body = json.dumps(REFUND)
    head = (
        "POST /refunds HTTP/1.1",
        "Host: shop",
        f"Authorization: Bearer {TOKEN}",
        "Idempotency-Key: k1",
        "Content-Type: application/json",
    )
    with (
        server.running(ledger, TOKEN, clock=lambda: LATER) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 20) as line,
    ):
        line.sendall("\r\n".join([*head, f"Content-Length: {len(body) + more}", "", body]).encode())
        if more:
            line.shutdown(socket.SHUT_WR)
        line.recv(65_536)
    assert ledger.order("FG-10001", at=LATER).refunded == made  # the shop has ended, and with it what it was at


# Who may ask


def test_a_stranger_is_told_nothing(ask: Asking) -> None:
    for sent in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer é"},
    ):
        with httpx.Client(base_url=ask.http.base_url, headers={name: value.encode() for name, value in sent.items()}) as stranger:
            for method, path in (("GET", "/orders/FG-10001"), ("GET", "/customers/jo"), ("POST", "/refunds"), ("GET", "/nowhere")):
                answer = stranger.request(method, path)
                assert refusal(answer) == (401, "Nothing was told: the request needs the shop's token.")
                assert answer.headers["www-authenticate"] == "Bearer"
            assert stranger.get("/health").status_code == stranger.get("/openapi.json").status_code == 200


def test_what_there_is_not_is_a_problem_too(ask: Asking) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/refunds", 405),
        ("GET", "/orders/FG-10001/", 404),
        ("GET", "/docs", 404),
    ):
        assert refusal(ask.http.request(method, path, headers={"Content-Type": "application/json"}))[0] == status
    assert refusal(ask("GET", "/orders/FG_10001"))[0] == 422 and refusal(ask("GET", "/incidents"))[0] == 422
    assert refusal(ask("GET", "/customers/eve/orders")) == (404, "There is no customer eve.")


def test_our_own_faults_tell_nothing_of_the_inside(ask: Asking, ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    with store.sqlite_module().connect(str(tmp_path / "shop.db")) as db:
        db.execute("ALTER TABLE incident RENAME TO elsewhere")
    db.close()
    status, told = refusal(ask("GET", "/incidents?area=Marlow"))
    assert (status, told) == (500, "The shop failed, and its log says why. Ask by the key whether something was done.")


def test_a_ledger_that_others_hold_is_busy_and_says_when_to_come_again(tmp_path: Path) -> None:
    filled(tmp_path / "shop.db").close()
    hasty = Ledger(tmp_path / "shop.db", patience=0.05)
    holder = store.sqlite_module().connect(str(tmp_path / "shop.db"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with server.running(hasty, TOKEN, clock=lambda: LATER) as url:
        ask = Asking(url)
        answer = ask.post("/refunds", REFUND)
        assert refusal(answer)[0] == 503 and answer.headers["retry-after"] == "1"
        holder.execute("ROLLBACK")
        assert ask.post("/refunds", REFUND).status_code == 201
        ask.http.close()
    holder.close(), hasty.close()


def test_it_answers_this_machine_alone(ledger: Ledger) -> None:
    with server.listening(0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
        with pytest.raises(Misuse, match=r"port [0-9]+ cannot be used. Choose another with --port"):
            server.listening(sock.getsockname()[1])
    with pytest.raises(Misuse, match="its token has fewer than 16 signs"):
        server.build(ledger, "short")


# The process


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "SHOP_TOKEN"} | more


@contextmanager
def process(file: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The shop as `python -m automations.shop` runs it, and its address."""
    output = file.parent / "output.txt"
    with output.open("w") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "automations.shop", "--file", str(file), *arguments],
            cwd=config.ROOT, env=environment(**more), stdout=out, stderr=out,
        )  # fmt: skip
    try:
        ready = eventually(lambda: READY.search(output.read_text()) or started.poll() is not None, "the shop's address")
        assert isinstance(ready, re.Match), output.read_text()
        yield started, ready[1]
    finally:
        if started.poll() is None:
            started.kill()
        started.wait(20)


def test_the_process_prints_its_address_and_never_its_token(tmp_path: Path) -> None:
    filled(tmp_path / "shop.db").close()
    with process(tmp_path / "shop.db") as (started, url):
        secret = (tmp_path / "shop.token").read_text()
        assert len(secret) > 40 and (tmp_path / "shop.token").stat().st_mode & 0o777 == 0o600
        assert httpx.get(f"{url}/orders/FG-10001").status_code == 401
        signed_in = {"Authorization": f"Bearer {secret}"}
        assert httpx.get(f"{url}/orders/FG-10001", params={"at": LATER.isoformat()}, headers=signed_in).json()["total"] == "80.60"
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) in (0, -signal.SIGTERM)
    assert secret not in (tmp_path / "output.txt").read_text()


def test_a_refund_that_was_answered_outlives_the_process(tmp_path: Path) -> None:
    filled(tmp_path / "shop.db").close()
    sent = {"json": REFUND, "headers": {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k1"}}
    with process(tmp_path / "shop.db", SHOP_TOKEN=TOKEN) as (started, url):
        first = httpx.post(f"{url}/refunds", **sent)  # type: ignore[arg-type]
        started.kill()
    with process(tmp_path / "shop.db", SHOP_TOKEN=TOKEN) as (_, url):
        again = httpx.post(f"{url}/refunds", **sent)  # type: ignore[arg-type]
    assert again.json() == first.json() and again.headers["idempotent-replayed"] == "true"
    assert not (tmp_path / "shop.token").exists()


def test_a_token_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open.token").write_text(TOKEN)
    (tmp_path / "open.token").chmod(0o644)
    told = subprocess.run(
        [sys.executable, "-m", "automations.shop", "--file", str(tmp_path / "shop.db"), "--token-file", str(tmp_path / "open.token")],
        cwd=config.ROOT, env=environment(), capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert told.returncode == 2 and TOKEN not in told.stdout + told.stderr
    assert told.stderr.strip() == f"The shop was not started: others can read its token. Run: chmod 600 {tmp_path / 'open.token'}"


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-m', 'automations.shop', *sys.argv[1:], '--parent', str(os.getpid())]);"
        "time.sleep(600)"
    )
    with (tmp_path / "output.txt").open("w") as out:
        parent = subprocess.Popen(
            [sys.executable, "-c", script, "--file", str(tmp_path / "shop.db")], cwd=config.ROOT, env=environment(), stdout=out, stderr=out
        )
    try:
        ready = eventually(lambda: READY.search((tmp_path / "output.txt").read_text()), "the shop's address")
        address = ("127.0.0.1", int(ready[1].rpartition(":")[2]))
        socket.create_connection(address, 5).close()
    finally:
        parent.kill()
        parent.wait(20)

    def gone() -> bool:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            return True
        return False

    assert eventually(gone, "the shop's end")
