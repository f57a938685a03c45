"""The daily mail, received by a real mail server: to whom it goes, once, and what it never does."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from data import config, inbox, people, store
from data.errors import Misuse, Refused
from data.tables import Digest, Person
from data.trends import Slice
from data.values import now
from evals.brief import Brief, Step
from evals.digested import Line, Number, Section, Told
from portal import mail
from tests.conftest import Staff
from tests.faults.test_store import begin


class Letterbox:
    """Keeps what arrives; addresses that begin with "gone" do not exist here."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], EmailMessage]] = []
        self.signed_in: list[tuple[bytes, bytes]] = []
        self.broken = False

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address.startswith("gone"):
            return "550 There is nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.broken:
            return "451 Not today"
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))  # type: ignore[arg-type]
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, told: Any) -> AuthResult:
        self.signed_in.append((told.login, told.password))
        return AuthResult(success=told.password == b"p@ss/word", handled=False)

    @property
    def recipients(self) -> list[str]:
        return [address for addresses, _ in self.letters for address in addresses]


@contextmanager
def receiving(
    monkeypatch: pytest.MonkeyPatch, url: str = "smtp://127.0.0.1:{port}", host: str = "127.0.0.1", box: Letterbox | None = None, **how: Any
) -> Iterator[Letterbox]:
    box = box or Letterbox()
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname=host, port=port, **how)
    server.start()
    try:
        monkeypatch.setenv("PORTAL_SMTP_URL", url.format(port=port))
        config.reset()
        yield box
    finally:
        server.stop(no_assert=True)


@pytest.fixture
def letterbox(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> Iterator[Letterbox]:
    with receiving(monkeypatch) as box:
        yield box


def tell(person: Person, sentence: str = "Leo approved: ship version 1.", **more: Any) -> None:
    with store.writing() as db:
        inbox.tell(db, person.id, "approval", sentence, page="approvals?proposal=7", key=sentence, **more)


def test_each_gets_one_mail_with_what_they_have_not_read(staff: Staff, letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PUBLIC_URL", "https://portal.example.com/")
    monkeypatch.setenv("PORTAL_MAIL_FROM", "portal@example.com")
    config.reset()
    tell(staff.rep)
    tell(staff.rep, "Olga named you.")
    tell(staff.lead)
    assert mail.send_daily() == "2 mails went out."
    assert sorted(letterbox.recipients) == ["leo@example.com", "rita@example.com"]
    letter = next(letter for addresses, letter in letterbox.letters if addresses == ["rita@example.com"])
    assert (letter["Subject"], letter["From"], letter["To"]) == (
        "Portal: Leo approved: ship version 1. (and 1 more)",
        "portal@example.com",
        "rita@example.com",
    )
    assert letter["Auto-Submitted"] == "auto-generated"
    body = letter.get_content()
    assert body.startswith("Hello Rita,") and "- Olga named you." in body
    assert "https://portal.example.com/approvals?proposal=7" in body


def test_it_is_grouped_as_the_inbox_is_decisions_first_and_each_thing_has_its_link(
    staff: Staff, letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PUBLIC_URL", "https://portal.example.com")
    config.reset()
    with store.writing() as db:
        for kind, sentence in (("moved", "Version 2 is live."), ("mention", "Olga named you."), ("approval", "Nora asks you to decide.")):
            inbox.tell(db, staff.rep.id, kind, sentence, page=f"home?{kind}=1", key=sentence)
    mail.send_daily()
    [(_, letter)] = letterbox.letters
    assert letter["Subject"] == "Portal: Nora asks you to decide. (and 2 more)"
    assert letter.get_content().splitlines() == [
        "Hello Rita,", "",
        "Decisions:", "- Nora asks you to decide.", "  https://portal.example.com/home?approval=1", "",
        "Said to you:", "- Olga named you.", "  https://portal.example.com/home?mention=1", "",
        "What moved because of you:", "- Version 2 is live.", "  https://portal.example.com/home?moved=1", "",
        "Read in the portal, it is not mailed again.",
    ]  # fmt: skip


def test_a_long_sentence_is_cut_in_the_subject_and_nowhere_else(staff: Staff, letterbox: Letterbox) -> None:
    long = "Nora asks you to decide " + "whether this is a good idea or " * 10
    tell(staff.rep, long)
    mail.send_daily()
    [(_, letter)] = letterbox.letters
    assert letter["Subject"].startswith("Portal: Nora asks you to decide whether") and letter["Subject"].endswith("…")
    assert len(letter["Subject"]) <= mail.LONGEST_SUBJECT + len("Portal: ") and long.strip() in letter.get_content()


def test_what_was_mailed_or_read_is_not_mailed_again(staff: Staff, letterbox: Letterbox) -> None:
    tell(staff.rep)
    tell(staff.lead)
    inbox.mark_read([item.id for item in inbox.of(staff.lead)], by=staff.lead)
    mail.send_daily()
    assert letterbox.recipients == ["rita@example.com"]
    assert mail.send_daily() == "Everybody has read everything." and len(letterbox.letters) == 1
    tell(staff.rep, "Something new.")
    mail.send_daily()
    assert "Something new." in letterbox.letters[1][1].get_content() and "ship version 1" not in letterbox.letters[1][1].get_content()


def test_nobody_gets_mail_who_left_or_is_of_the_demo(staff: Staff, letterbox: Letterbox) -> None:
    demo = people.add("Demo", "demo@example.com", "rep", by=staff.admin, demo=True)
    for person in (demo, staff.rep):
        tell(person)
    people.disable(staff.rep.id, by=staff.admin)
    tell(staff.lead, "Long ago.", at=now() - timedelta(days=8))
    assert mail.send_daily() == "Everybody has read everything." and letterbox.letters == []


def test_one_address_that_nobody_has_any_more_keeps_nobody_elses_mail_back(staff: Staff, letterbox: Letterbox) -> None:
    for name in ("Aaron", "Zoe"):
        tell(people.add(name, f"gone-{name.lower()}@example.com", "rep", by=staff.admin))
    tell(staff.rep)
    tell(staff.lead)
    with pytest.raises(Refused, match=r"2 of 4 mails went out\. The mail server did not take those to (Aaron, Zoe|Zoe, Aaron)\."):
        mail.send_daily()
    assert sorted(letterbox.recipients) == ["leo@example.com", "rita@example.com"]
    with pytest.raises(Refused, match="0 of 2 mails went out"):
        mail.send_daily()
    assert len(letterbox.letters) == 2


def test_what_the_server_did_not_take_today_goes_out_tomorrow(staff: Staff, letterbox: Letterbox) -> None:
    tell(staff.rep)
    letterbox.broken = True
    with pytest.raises(Refused, match="0 of 1 mails went out"):
        mail.send_daily()
    letterbox.broken = False
    assert mail.send_daily() == "1 mails went out." and letterbox.recipients == ["rita@example.com"]


def test_a_sentence_adds_no_recipient_and_no_header(staff: Staff, letterbox: Letterbox) -> None:
    tell(staff.rep, "x\r\nBcc: evil@example.org\r\n.\r\nRCPT TO:<evil@example.org>\r\nDATA\r\nü 漢 \u202e")
    mail.send_daily()
    (addresses, letter), *others = letterbox.letters
    assert addresses == ["rita@example.com"] and others == [] and letter["Bcc"] is None
    assert "Bcc: evil@example.org" in letter.get_content()  # it is text


def test_without_a_mail_server_nothing_is_lost(staff: Staff) -> None:
    tell(staff.rep)
    assert mail.send_daily().startswith("No mail goes out: PORTAL_SMTP_URL names no mail server.")
    assert inbox.unread(staff.rep) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1", "smtp://", "127.0.0.1:25", "smtp://127.0.0.1:port", "smtp://127.0.0.1:99999", "smtp"])
def test_an_address_that_is_no_mail_server_is_named_without_its_password(staff: Staff, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PORTAL_SMTP_URL", url)
    config.reset()
    tell(staff.rep)
    with pytest.raises(Misuse, match=r"PORTAL_SMTP_URL cannot be used\. It reads like smtp://user:password@host:587"):
        mail.send_daily()


def test_a_mail_server_that_is_not_there_is_told_in_words(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SMTP_URL", "smtp://127.0.0.1:1")
    config.reset()
    tell(staff.rep)
    with pytest.raises(Refused, match="0 of 1 mails went out, then the mail server did not answer: ConnectionRefusedError"):
        mail.send_daily()
    assert len(inbox.to_mail(since=now() - timedelta(days=1))) == 1


# Signing in there, and whose certificate it is


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """Of 127.0.0.1, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    day, host = timedelta(days=1), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    begin = datetime.now(UTC) - day
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(begin).not_valid_after(begin + 3 * day).add_extension(host, critical=False)
    ca = x509.BasicConstraints(ca=True, path_length=0)
    signed = made.add_extension(ca, critical=True).sign(key, hashes.SHA256())
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


Certificate = tuple[ssl.SSLContext, Path]


def encrypted(scheme: str, certificate: Certificate, box: Letterbox) -> dict[str, Any]:
    how: dict[str, Any] = {"authenticator": box.authenticate}
    return how | (
        {"ssl_context": certificate[0], "auth_require_tls": False}
        if scheme == "smtps"
        else {"tls_context": certificate[0], "require_starttls": True}
    )


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_to_a_server_whose_certificate_is_known(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, certificate: Certificate, scheme: str
) -> None:
    tell(staff.rep)
    door, url = Letterbox(), f"{scheme}://portal:p%40ss%2Fword@127.0.0.1:{{port}}"
    with receiving(monkeypatch, url, **encrypted(scheme, certificate, door)) as box:
        with pytest.raises(Refused, match="0 of 1 mails went out"):  # a stranger's certificate, for all we know
            mail.send_daily()
        assert door.signed_in == [] and box.letters == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
        assert mail.send_daily() == "1 mails went out."
        assert door.signed_in == [(b"portal", b"p@ss/word")] and box.recipients == ["rita@example.com"]


def test_a_wrong_password_is_told_without_it(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(staff.rep)
    door, url = Letterbox(), "smtp://portal:hunter2@127.0.0.1:{port}"
    with (
        receiving(monkeypatch, url, authenticator=door.authenticate, auth_require_tls=False) as box,
        pytest.raises(Refused, match="SMTPAuthenticationError") as told,
    ):
        mail.send_daily()
    assert "hunter2" not in str(told.value) and box.letters == []


def test_a_password_does_not_go_readable_over_the_network(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not called 127.0.0.1 is another machine to the portal."""
    tell(staff.rep)
    door, url = Letterbox(), "smtp://portal:hunter2@127.0.0.2:{port}"
    with receiving(monkeypatch, url, "127.0.0.2", authenticator=door.authenticate, auth_require_tls=False) as box:
        with pytest.raises(Misuse, match="the mail server speaks no TLS") as told:
            mail.send_daily()
        assert "hunter2" not in str(told.value) and door.signed_in == [] and box.letters == []


# -- the digest, on Mondays ---------------------------------------------------------------------------------------------------------------

WEEK = date(2026, 4, 6)
FALL = "Resolved fell 5 points (80 → 75 %, n = 4,200), 6–12 April beside the four weeks before."


def digest_of(whose: str, moved: str = FALL) -> None:
    """As it was written this morning."""
    days = (WEEK, WEEK + timedelta(days=6))
    told = Brief(moved, "Most of it is refunds in chat.", "Read ten of them.", "resolution", Slice(), *days, now(),
                 (Step("Read ten of them", "conversations", {"channel": "chat"}),))  # fmt: skip
    number = Number("resolution", "Resolved", "75 % (74–76, n = 4,200)", "80 %", "−5 points", True, *days, "conversations", {"a": "1"})
    sections = (Section("Gaps", (), "No gap opened or closed."), Section("What waits", (Line("1 decision waits.", "approvals", {}),)))
    with store.writing() as db:
        db.add(Digest(week=WEEK, whose=whose, told=Told(told, (number,), sections).kept()))


def test_on_mondays_there_is_one_mail_with_the_inbox_and_the_digest(
    staff: Staff, letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PUBLIC_URL", "https://portal.example.com")
    config.reset()
    digest_of(staff.oak.id)
    tell(staff.rep)
    people.mail_digest(False, by=staff.lead)
    assert mail.send_daily() == "1 mails went out." and letterbox.recipients == ["rita@example.com"]
    [(_, letter)] = letterbox.letters
    body = letter.get_content()
    assert letter["Subject"] == "Portal: Leo approved: ship version 1."
    for one in ("Decisions:", FALL, "- Resolved: 75 % (74–76, n = 4,200), before 80 % (−5 points, beyond chance)", "Gaps:",
                "https://portal.example.com/conversations?channel=chat", "https://portal.example.com/digest?week=2026-04-06",
                "No gap opened or closed.", "https://portal.example.com/approvals", "no digest by mail"):  # fmt: skip
        assert one in body, one
    assert letter.get_content_type() == "text/plain" and not letter.is_multipart() and "<" not in body
    assert mail.send_daily() == "Everybody has read everything."


def test_without_anything_to_decide_the_subject_is_what_moved(staff: Staff, letterbox: Letterbox) -> None:
    digest_of("*")
    mail.send_daily()
    assert sorted(letterbox.recipients) == ["ada@example.com", "emil@example.com"], "who sees all; teams have none here"
    assert {letter["Subject"] for _, letter in letterbox.letters} == {
        "Portal: Resolved fell 5 points (80 → 75 %, n = 4,200), 6–12 April beside the four weeks before."
    }
    assert "https://" not in letterbox.letters[0][1].get_content(), "no link that opens nothing"


def test_each_reads_their_own_teams(staff: Staff, letterbox: Letterbox) -> None:
    digest_of(staff.oak.id)
    digest_of(staff.fern.id, "Fern's fell.")
    mail.send_daily()
    assert {to[0]: "Fern's fell." in letter.get_content() for to, letter in letterbox.letters} == {
        "rita@example.com": False, "leo@example.com": False, f"{staff.other.email}": True,
    }  # fmt: skip


def test_what_the_server_refused_on_monday_goes_out_on_tuesday(staff: Staff, letterbox: Letterbox) -> None:
    digest_of("*")
    letterbox.broken = True
    with pytest.raises(Refused, match="0 of 2 mails went out"):
        mail.send_daily()
    letterbox.broken = False
    assert mail.send_daily() == "2 mails went out."


class Murderous(Letterbox):
    """Takes the mail and kills who sent it before they hear of that."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: int | None = None  # 0: nobody

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        told = await super().handle_DATA(server, session, envelope)
        while self.victim is None:
            await asyncio.sleep(0.01)
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)
        return told


def send_when_told(told: Connection, url: str) -> None:
    os.environ["PORTAL_SMTP_URL"] = url
    config.reset()
    told.send_bytes(str(os.getpid()).encode())
    mail.send_daily()


def test_whoever_is_killed_between_sending_and_noting_has_sent_it_once(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    digest_of(staff.oak.id)
    tell(staff.rep)
    people.mail_digest(False, by=staff.lead)
    door = Murderous()
    with receiving(monkeypatch, box=door) as box:
        child, reader = begin(send_when_told, config.settings().smtp_url)
        door.victim = child.pid
        assert int(reader.recv_bytes()) == child.pid
        child.join()
        assert child.exitcode == -signal.SIGKILL and box.recipients == ["rita@example.com"]
        door.victim = 0
        assert mail.send_daily() == "Everybody has read everything." and len(box.letters) == 1
        inbox.mark_unmailed(inbox.of(staff.rep))  # the control: had it been noted afterwards, it would go out again
        assert mail.send_daily() == "1 mails went out." and len(box.letters) == 2
        assert FALL in box.letters[0][1].get_content() and FALL not in box.letters[1][1].get_content()
