"""A call goes where an admin allowed it and nowhere else, and takes no answer that is late, too large or of another shape."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from automations.door import Wanted
from automations.steps import calling
from automations.steps.calling import Called, CallFault, is_public, place
from data.errors import Refused

HOOKS = frozenset({"hooks.example", "other.example:8443"})


class Program:
    """Another company's program. What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status, self.body, self.headers = 200, b'{"eta": "2026-03-06"}', {"Content-Type": "application/json"}
        self.hangs, self.drips = threading.Event(), False
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.named = f"127.0.0.1:{self.server.server_port}"

    def says(self, body: bytes, content_type: str = "application/json", status: int = 200, **headers: str) -> None:
        self.status, self.body = status, body
        self.headers = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}

    def _handler(program) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                program.seen.append((self.command, self.path, headers, body))
                if program.hangs.is_set():
                    program.over.wait(30)
                self.send_response(program.status)
                for name, value in {"Content-Length": str(len(program.body)), **program.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for at in range(0, len(program.body), 1 if program.drips else len(program.body) or 1):
                        self.wfile.write(program.body[at : at + 1] if program.drips else program.body)
                        if program.drips and program.over.wait(0.1):
                            return
                except OSError:
                    return  # they hung up

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


@pytest.fixture
def program() -> Iterator[Program]:
    made = Program()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.over.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def wanted(program: Program, method: str = "GET", path: str = "/orders/7", body: Any = None) -> Wanted:
    what = {"method": method, "address": f"http://{program.named}{path}", "body": body or {}}
    return Wanted("call", "http call", "call", what, f"{method} {program.named}")


def call(program: Program, method: str = "GET", seconds: float = 5.0, **more: Any) -> Called:
    key = more.pop("key", "")
    return calling.called(wanted(program, method, **more), {program.named}, key=key, seconds=seconds)


# Where it may go


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://hooks.example", ("hooks.example", 443, "/")),
        ("https://HOOKS.example/a/b%20c?d=e&f=g", ("hooks.example", 443, "/a/b%20c?d=e&f=g")),
        ("https://hooks.example:443/a", ("hooks.example", 443, "/a")),
        ("https://other.example:8443/a..b/.c", ("other.example", 8443, "/a..b/.c")),
    ],
)
def test_what_is_allowed_is_read_as_it_stands(address: str, told: tuple[str, int, str]) -> None:
    found = place(address, HOOKS)
    assert (found.host, found.port, found.path) == told


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "https://hooks.example.evil.example/", "https://hooks.example:8443/", "https://other.example/",
        "https://sub.hooks.example/", "http://hooks.example/", "http://hooks.example:443/", "https://127.0.0.1/", "https://localhost/",
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_not_called(address: str) -> None:
    with pytest.raises(Refused, match=r"^Not called: .* (is none of the addresses that recipes may call|without encryption)"):
        place(address, HOOKS)


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example@evil.example/", "https://evil.example\\@hooks.example/", "https://hooks.example/../admin",
        "https://hooks.example/orders/./7", "https://hooks.example/%2e%2E/admin", "https://hooks.example//evil", "https://hooks.example/%2fa",
        "https://hooks.example/a#b", "https://hooks.example/a b", "https://hooks.example/a\r\nHost: evil", "https://hooks.example/ä",
        "https://hooks.example:99999999/", "ftp://hooks.example/", "hooks.example", "", "https://", "https://hooks.example./%0d%0aX: y",
        "https://[::1]/", "https://hooks.example/..", "https://hoоks.example/",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_than_it_reads_is_no_address(address: str) -> None:
    with pytest.raises(Refused, match=r"^Not called: .* is no plain address"):
        place(address, HOOKS)


def test_without_encryption_only_this_machine_is_called() -> None:
    assert place("http://127.0.0.1:9000/x", {"127.0.0.1:9000"}).is_here
    for address in ("http://hooks.example:9000/", "http://10.0.0.5:9000/"):
        with pytest.raises(Refused, match=r"without encryption"):
            place(address, {"hooks.example:9000", "10.0.0.5:9000"})


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("64:ff9b::5db8:d822", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1", False), ("fc00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:7f00:1::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_a_private_address_is_known_however_it_is_wrapped(number: str, public: bool) -> None:
    assert is_public(ip_address(number)) is public


@pytest.mark.parametrize("numbers", [["127.0.0.1"], ["10.0.0.5"], ["93.184.216.34", "192.168.0.1"], ["::1"], ["169.254.169.254"]])
def test_a_name_that_leads_inside_is_not_called(numbers: list[str]) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[Any]:
        asked.append((host, port))
        return [ip_address(one) for one in numbers]

    what = {"method": "GET", "address": "https://hooks.example/x", "body": {}}
    with pytest.raises(CallFault, match=r"hooks\.example is inside a private network"):
        calling.called(Wanted("c", "http call", "call", what, ""), HOOKS, resolve=resolve)
    assert asked == [("hooks.example", 443)]  # once: there is no second look that could say something else


def test_a_listed_private_number_is_not_called_either() -> None:
    what = {"method": "GET", "address": "https://10.0.0.5/x", "body": {}}
    with pytest.raises(CallFault, match=r"inside a private network"):
        calling.called(Wanted("c", "http call", "call", what, ""), {"10.0.0.5"})


def test_a_name_that_nobody_knows_is_told() -> None:
    what = {"method": "GET", "address": "https://hooks.example/x", "body": {}}
    with pytest.raises(CallFault, match=r"nobody knows where hooks\.example is"):
        calling.called(Wanted("c", "http call", "call", what, ""), HOOKS, resolve=lambda *_: [])


# What is sent, and what comes back


def test_values_come_back_as_values(program: Program) -> None:
    came = call(program, "POST", body={"order": "7", "amount": "19.90"}, key="k1")
    assert (came.status, came.body, came.state) == (200, {"eta": "2026-03-06"}, "done")
    method, path, headers, body = program.seen[0]
    assert (method, path, json.loads(body), headers["idempotency-key"]) == ("POST", "/orders/7", {"order": "7", "amount": "19.90"}, "k1")
    assert headers["host"] == program.named and "authorization" not in headers and headers["user-agent"] == "portal"
    assert len(program.seen) == 1
    got = call(program, path="/a?b=c")
    assert program.seen[1][:2] == ("GET", "/a?b=c") and got.body == came.body and "idempotency-key" not in program.seen[1][2]


@pytest.mark.parametrize("method", calling.METHODS)
def test_each_method_is_sent_as_it_is_called(program: Program, method: str) -> None:
    assert call(program, method).status == 200 and program.seen[0][0] == method


def test_a_text_comes_back_as_a_text_and_an_error_with_its_status(program: Program) -> None:
    program.says("später\0".encode(), "text/plain; charset=utf-8", 503)
    came = call(program)
    assert (came.status, came.body) == (503, "später")
    program.says(b'{"title": "no"}', "application/problem+json", 404)
    assert (call(program).status, call(program).body) == (404, {"title": "no"})
    program.says(b"", "text/html")
    assert call(program).body == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((b"<html>", "text/html; charset=utf-8"), "it answered with a page, not with data"),
        ((b"PK", "application/zip"), "it answered with application/zip, not with data"),
        ((b'{"a": ', "application/json"), "its answer is no whole JSON"),
        ((b'{"a": NaN}', "application/json"), "its answer is no whole JSON"),
        ((b"[" * 100_000, "application/json"), "its answer is no whole JSON"),
        ((b"x" * 1_000_001, "text/plain"), "its answer cannot be taken: it is longer than 1 MB"),
    ],
)
def test_what_is_no_answer_is_told(program: Program, said: tuple[bytes, str], why: str) -> None:
    program.says(*said)
    with pytest.raises(CallFault, match=rf"^Nothing was learned from 127\.0\.0\.1: {why}") as read:
        call(program)
    assert not read.value.outcome_unknown
    with pytest.raises(CallFault, match=rf"^Whether 127\.0\.0\.1 did it is not known: {why}.* Look over there") as sent:
        call(program, "POST")
    assert sent.value.outcome_unknown


def test_nothing_is_followed_elsewhere(program: Program) -> None:
    program.says(b"", status=302, Location=f"http://{program.named}/admin")
    with pytest.raises(CallFault, match=r"it points elsewhere, to 127\.0\.0\.1 \(302\), and that is not followed"):
        call(program)
    assert len(program.seen) == 1
    program.says(b"", status=307, Location="https://a b\\c")
    with pytest.raises(CallFault, match=r"it points elsewhere \(307\)"):
        call(program)


def test_a_slow_program_is_not_waited_for(program: Program) -> None:
    program.hangs.set()
    with pytest.raises(CallFault, match=r"it gave no whole answer within 0\.3 seconds"):
        call(program, seconds=0.3)


def test_a_program_that_drips_is_not_waited_for(program: Program) -> None:
    program.drips = True
    with pytest.raises(CallFault, match=r"it gave no whole answer within 0\.5 seconds") as raised:
        call(program, "POST", seconds=0.5)
    assert raised.value.outcome_unknown


def test_a_program_that_does_not_run_was_surely_not_called() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        named = f"127.0.0.1:{closed.getsockname()[1]}"
        what = {"method": "POST", "address": f"http://{named}/", "body": {}}
        with pytest.raises(CallFault, match=r"^Not called: 127\.0\.0\.1 is not reachable") as raised:
            calling.called(Wanted("c", "http call", "call", what, ""), {named})
    assert not raised.value.outcome_unknown


def test_a_method_that_there_is_not_is_not_sent(program: Program) -> None:
    with pytest.raises(Refused, match=r"'TRACE' is none of GET, POST"):
        call(program, "TRACE")
    assert program.seen == []


# Whom it is said to: the number that was looked up, under the name that was allowed

ASKS = """
import sys
from ipaddress import ip_address
import httpx2
from automations.steps.calling import Place, _exchanged, _Line, request_to

line = _Line("")
request = request_to("GET", Place("https", sys.argv[1], int(sys.argv[2]), "/x"), ip_address("127.0.0.1"), None, 5.0)
try:
    print(_exchanged(line, request))
except httpx2.ConnectError as error:
    print(error)
line.close()
"""


def certified(folder: Path, name: str) -> Path:
    """A key and a certificate for a name, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "certificate.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_the_certificate_has_to_be_for_the_name_though_a_number_is_called(program: Program, tmp_path: Path) -> None:
    file = certified(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    program.server.socket = context.wrap_socket(program.server.socket, server_side=True)

    def asked(name: str, **trusted: str) -> str:
        command = [sys.executable, "-c", ASKS, name, str(program.server.server_port)]
        return subprocess.run(command, env=os.environ | trusted, capture_output=True, text=True, check=True, timeout=60).stdout

    assert asked("hooks.example", SSL_CERT_FILE=str(file)) == "(200, {'eta': '2026-03-06'})\n"
    assert program.seen[0][2]["host"] == f"hooks.example:{program.server.server_port}"
    assert "certificate is not valid for 'other.example'" in asked("other.example", SSL_CERT_FILE=str(file))
    assert "self-signed certificate" in asked("hooks.example").replace("self signed", "self-signed")  # nobody vouches for it
    assert len(program.seen) == 1
