"""Who may sign in, how long it lasts, and what guessing costs."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import httpx
import pytest
from sqlmodel import select
from starlette.requests import Request

from data import people, sealing, sessions, store, tries
from data.errors import Refused
from data.tables import AuditEntry, Person, Session
from data.values import now
from portal import auth
from tests.conftest import fresh_sqlite
from tests.server import PASSWORD, Server, choose, cookie_of, hidden, inside, serving, sign_in

NOT_TOGETHER = "That address and password do not belong together."


@dataclass
class Portal:
    server: Server
    rep: Person
    demo: Person

    def person(self, name: str, password: str | None = PASSWORD) -> Person:
        """Somebody whom only one test knows."""
        with self.server.inside():
            return people.add(name, f"{name.lower()}@example.com", "rep", by=people.console(), password=password)


@pytest.fixture(scope="module")
def portal(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    home = tmp_path_factory.mktemp("signed_in")
    fresh_sqlite(templates, tmp_path_factory, home)
    with inside(home):
        console = people.console()
        rep = people.add("Rita", "rita@example.com", "rep", by=console, password=PASSWORD)
        demo = people.add("Dora", "dora@example.com", "lead", by=console, demo=True)
    with serving(home) as server:
        yield Portal(server, rep, demo)


# With a password


def test_the_right_password_signs_in(portal: Portal) -> None:
    browser = portal.server.browser()
    answer = sign_in(browser, "Rita@Example.com ", onward="/review?id=7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?id=7")
    assert browser.get("/api/v1/me").json() == {"name": "Rita", "role": "rep"}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(portal: Portal) -> None:
    browser = portal.server.browser()
    page, answer = browser.get("/auth/signin"), sign_in(browser, "rita@example.com")
    told = {name: set(parts) for name, *parts in (set_cookie.lower().split("; ") for set_cookie in answer.headers.get_list("set-cookie"))}
    session, known = (
        next(parts for name, parts in told.items() if name.startswith(prefix)) for prefix in ("portal_session=", "portal_known=")
    )
    assert {"httponly", "samesite=lax", "path=/", f"max-age={14 * 24 * 3600}"} <= session
    assert {"httponly", "samesite=strict", "path=/auth"} <= known
    assert {"httponly", "samesite=strict", "path=/auth"} <= {part.strip().lower() for part in page.headers["set-cookie"].split(";")}
    assert page.headers["cache-control"] == "no-store"
    assert len(cookie_of(browser)) >= 43  # 256 bits


def test_the_database_holds_only_hashes(portal: Portal) -> None:
    browser = portal.server.browser()
    sign_in(browser, "rita@example.com")
    cookie = cookie_of(browser)
    with portal.server.inside(), store.reading() as db:
        kept = db.exec(select(Session).where(Session.cookie_sha == sealing.sha(cookie))).one()
        person = db.get_one(Person, kept.person_id)
    assert person.password_hash is not None and person.password_hash.startswith("$argon2id$") and PASSWORD not in person.password_hash
    files = [path for path in portal.server.home.rglob("*") if path.is_file()]
    assert portal.server.home / "portal.db" in files
    assert not [path for path in files if cookie.encode() in path.read_bytes() or PASSWORD.encode() in path.read_bytes()]
    assert [path for path in files if sealing.sha(cookie).encode() in path.read_bytes()]  # the control: it is looked for in the right place


def test_nobody_can_tell_a_wrong_password_from_an_unknown_address(portal: Portal) -> None:
    portal.person("Walter", password=None)
    gone = portal.person("Gone")
    with portal.server.inside():
        people.disable(gone.id, by=people.console())
    seen = set()
    asked = {"rita@example.com": "x" * 20, "nobody@example.com": PASSWORD, "walter@example.com": PASSWORD, "gone@example.com": PASSWORD}
    for number, (email, password) in enumerate({**asked, "": "", "no address": PASSWORD}.items()):
        browser = portal.server.browser(address=f"127.1.0.{number + 1}")
        answer = sign_in(browser, email, password)
        assert NOT_TOGETHER in answer.text and not cookie_of(browser)
        seen.add((answer.status_code, re.sub(r'name="csrf" value="\w+"', "", answer.text)))
    assert len(seen) == 1 and next(iter(seen))[0] == 401
    assert cookie_of(browser) == "" and sign_in(portal.server.browser(), "rita@example.com").status_code == 303  # the control


def test_a_mistyped_password_does_not_forget_the_page_that_was_asked_for(portal: Portal) -> None:
    browser = portal.server.browser(address="127.1.1.1")
    answer = sign_in(browser, "rita@example.com", "x" * 20, onward="/review?id=7")
    assert answer.status_code == 401 and hidden(answer.text, "next") == "/review?id=7"


def test_an_address_that_is_no_text_for_the_database_is_nobody(home: Path) -> None:
    for email in ("a\0b@example.com", "\0", "a" * 400, "\ud7ff@example.com", "%", "' OR 1=1 --"):
        assert sessions.check_password(email, PASSWORD) is None


# Guessing


def test_too_many_wrong_tries_wait_even_with_the_right_password(portal: Portal) -> None:
    portal.person("Vera")
    for number in range(tries.FREE):
        assert sign_in(portal.server.browser(address=f"127.2.0.{number + 1}"), "vera@example.com", "x" * 20).status_code == 401
    answer = sign_in(portal.server.browser(address="127.2.0.9"), "vera@example.com")
    assert answer.status_code == 429 and "Wait" in answer.text
    assert sign_in(portal.server.browser(address="127.2.0.9"), "rita@example.com").status_code == 303  # others are not held up


def test_an_address_that_guesses_waits_for_every_account(portal: Portal) -> None:
    for number in range(tries.FREE):
        assert sign_in(portal.server.browser(address="127.2.1.1"), f"guess{number}@example.com", "x" * 20).status_code == 401
    assert sign_in(portal.server.browser(address="127.2.1.1"), "rita@example.com").status_code == 429
    assert sign_in(portal.server.browser(address="127.2.1.2"), "rita@example.com").status_code == 303


def test_guesses_sent_all_at_once_are_not_all_tried(portal: Portal) -> None:
    """SAFETY 28: of any number of guesses at most 100 per account are looked at."""
    portal.person("Target")
    browser = portal.server.browser(address="127.2.2.1")
    csrf = hidden(browser.get("/auth/signin").text, "csrf")

    def guess(number: int) -> int:
        form = {"email": "target@example.com", "password": f"guess number {number:06}", "csrf": csrf}
        return browser.post("/auth/signin", data=form).status_code

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(guess, range(32)))
    assert set(answers) <= {401, 429}
    assert answers.count(401) <= 8, f"{answers.count(401)} of {len(answers)} guesses were looked at"


# The form's own proof


@pytest.mark.parametrize("csrf", [None, "", "x", "0" * 64, "é", "\u202e", "\0", "x" * 10_000])
def test_a_form_that_is_not_ours_is_refused(portal: Portal, csrf: str | None) -> None:
    browser = portal.server.browser()
    browser.get("/auth/signin")
    sent = {} if csrf is None else {"csrf": csrf}
    answer = browser.post("/auth/signin", data={"email": "rita@example.com", "password": PASSWORD, **sent})
    assert answer.status_code == 400 and "grown old" in answer.text and not cookie_of(browser)
    answer = browser.post("/auth/demo", data={"person": portal.demo.id, **sent})
    assert answer.status_code == 403 and not cookie_of(browser)


def test_a_form_proves_nothing_without_its_cookie_or_with_anothers(portal: Portal) -> None:
    mine, other = portal.server.browser(), portal.server.browser()
    field, others = (hidden(browser.get("/auth/signin").text, "csrf") for browser in (mine, other))
    form = {"email": "rita@example.com", "password": PASSWORD}
    assert field != others and mine.post("/auth/signin", data={**form, "csrf": others}).status_code == 400
    assert portal.server.browser().post("/auth/signin", data={**form, "csrf": field}).status_code == 400
    bare = portal.server.browser()
    assert bare.post("/auth/signin", data={**form, "csrf": "x"}, headers={"Cookie": "portal_csrf=x"}).status_code == 400
    assert mine.post("/auth/signin", data={**form, "csrf": field}).status_code == 303  # the control


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"email": "rita@example.com"}'),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data", b"no boundary"),
        ("application/x-www-form-urlencoded", b"csrf=%ff&email=%00&password=%c3%28&=&&;"),
        ("application/x-www-form-urlencoded; charset=utf-99", b"csrf=x"),
        ("", b"\xff\xfe"),
    ],
)
def test_a_body_that_is_no_form_is_refused_politely(portal: Portal, kind: str, body: bytes) -> None:
    browser = portal.server.browser()
    browser.get("/auth/signin")
    for path, status in (("/auth/signin", 400), ("/auth/demo", 403)):
        answer = browser.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code in (400, status) and not cookie_of(browser)


# How long it lasts


def test_a_sign_in_survives_a_restart(portal: Portal) -> None:
    browser = portal.server.browser()
    sign_in(browser, "rita@example.com")
    before = portal.server.pid
    portal.server.restart()
    assert portal.server.pid != before
    assert portal.server.browser(cookie=cookie_of(browser)).get("/api/v1/me").json()["name"] == "Rita"


def test_signing_out_ends_the_sign_in_and_no_other(portal: Portal) -> None:
    here, there = portal.server.browser(), portal.server.browser()
    for browser in (here, there):
        sign_in(browser, "rita@example.com")
    cookie = cookie_of(here)
    answer = here.post("/auth/signout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin") and not cookie_of(here)
    assert portal.server.browser(cookie=cookie).get("/api/v1/me").status_code == 401
    assert portal.server.websocket_status(cookie) == 403
    assert there.get("/api/v1/me").status_code == 200
    assert portal.server.browser(cookie="made up").post("/auth/signout").status_code == 303


def test_another_site_cannot_sign_anybody_out(portal: Portal) -> None:
    browser = portal.server.browser()
    sign_in(browser, "rita@example.com")
    assert browser.post("/auth/signout", headers={"Origin": "http://evil.example"}).status_code == 403
    assert browser.get("/auth/signout").status_code == 405
    assert browser.get("/api/v1/me").status_code == 200


def test_a_disabled_person_is_out_at_once(portal: Portal) -> None:
    person = portal.person("Dan")
    browser = portal.server.browser()
    sign_in(browser, "dan@example.com")
    cookie = cookie_of(browser)
    assert browser.get("/api/v1/me").status_code == 200 and portal.server.websocket_status(cookie) == 101  # the control
    with portal.server.inside():
        people.disable(person.id, by=people.console())
    assert browser.get("/api/v1/me").status_code == 401 and browser.get("/").status_code == 303
    assert portal.server.websocket_status(cookie) == 403
    assert sign_in(portal.server.browser(address="127.3.0.1"), "dan@example.com").status_code == 401


def test_a_sign_in_that_began_while_the_account_was_disabled_opens_nothing(portal: Portal) -> None:
    """The password was right a moment before: the sign-in is written after the others were ended."""
    person = portal.person("Late")
    with portal.server.inside():
        people.disable(person.id, by=people.console())
        cookie = sessions.start(person)
    browser = portal.server.browser(cookie=cookie)
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.get("/").status_code == 303 and browser.get("/media/x").status_code == 401
    assert portal.server.websocket_status(cookie) == 403


def test_a_sign_in_ends_after_fourteen_days(portal: Portal) -> None:
    with portal.server.inside():
        fresh = sessions.start(portal.rep, at=now() - sessions.LASTS + timedelta(minutes=5))
        old = sessions.start(portal.rep, at=now() - sessions.LASTS - timedelta(seconds=1))
    assert portal.server.browser(cookie=old).get("/api/v1/me").status_code == 401
    assert portal.server.browser(cookie=old).get("/").status_code == 303
    assert portal.server.websocket_status(old) == 403
    assert portal.server.browser(cookie=fresh).get("/api/v1/me").status_code == 200  # the control


def test_signing_in_and_out_is_on_the_record(portal: Portal) -> None:
    person = portal.person("Rolf")
    browser = portal.server.browser()
    sign_in(browser, "rolf@example.com")
    browser.post("/auth/signout")
    with portal.server.inside(), store.reading() as db:
        verbs = db.exec(select(AuditEntry.verb).where(AuditEntry.by_person_id == person.id).order_by(AuditEntry.number)).all()
    assert verbs == ["signed in", "signed out"]


# The demo's one click


def test_one_click_signs_a_demo_person_in(portal: Portal) -> None:
    browser = portal.server.browser()
    page = browser.get("/auth/signin").text
    assert "Dora" in page and "Team lead" in page and "Rita" not in page
    answer = choose(browser, portal.demo.id, onward="/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert browser.get("/api/v1/me").json() == {"name": "Dora", "role": "lead"}


def test_one_click_is_for_demo_people_only(portal: Portal) -> None:
    with portal.server.inside():
        gone = people.add("Dirk", "dirk@example.com", "rep", by=people.console(), demo=True)
        people.disable(gone.id, by=people.console())
    for person_id in (portal.rep.id, gone.id, "", "x", "console", portal.demo.id.upper() + " "):
        browser = portal.server.browser()
        assert choose(browser, person_id).status_code == 403 and not cookie_of(browser)


FORWARDING = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Via"]


@pytest.mark.parametrize("name", FORWARDING)
def test_one_click_does_not_go_through_a_proxy(portal: Portal, name: str) -> None:
    browser = portal.server.browser()
    assert choose(browser, portal.demo.id, **{name: "127.0.0.1"}).status_code == 403 and not cookie_of(browser)
    assert "Dora" not in browser.get("/auth/signin", headers={name: "127.0.0.1"}).text
    assert choose(browser, portal.demo.id).status_code == 303  # the control


def test_one_click_does_not_work_from_another_address(portal: Portal) -> None:
    near, far = portal.server.browser(), portal.server.browser(address="127.9.9.9")
    assert "Dora" not in far.get("/auth/signin").text
    csrf = hidden(far.get("/auth/signin").text, "csrf")
    assert far.post("/auth/demo", data={"person": portal.demo.id, "csrf": csrf}).status_code == 403 and not cookie_of(far)
    assert choose(near, portal.demo.id).status_code == 303  # the control


def test_only_loopback_is_local() -> None:
    def asked_from(host: str | None, *headers: tuple[bytes, bytes]) -> bool:
        return auth.is_local(Request({"type": "http", "client": (host, 5000) if host is not None else None, "headers": list(headers)}))

    assert asked_from("127.0.0.1") and asked_from("::1")
    far = ("10.0.0.1", "192.168.1.7", "::", "::ffff:10.0.0.1", "2001:db8::1", "127.0.0.1.evil.example", "", "localhost", None)
    for host in far:
        assert not asked_from(host), host
    for name in (b"x-forwarded-for", b"forwarded", b"x-real-ip"):
        assert not asked_from("127.0.0.1", (name, b"127.0.0.1")) and not asked_from("127.0.0.1", (name, b""))


# The first admin

ADMIN = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.fixture(scope="module")
def empty(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("empty")
    fresh_sqlite(templates, tmp_path_factory, home)
    with serving(home) as server:
        yield server


def test_the_first_admin_is_made_by_a_link_that_works_once(empty: Server) -> None:
    link = re.search(r"http://\S+/auth/first\?token=(\S+)", empty.log())
    assert link is not None and len(link.group(1)) >= 32
    token = link.group(1)
    browser = empty.browser()

    def make(token: str, **fields: str) -> httpx.Response:
        return browser.post("/auth/first", params={"token": token}, data={**ADMIN, **fields})

    # Nobody can sign in, and the page says where the link is.
    page = browser.get("/auth/signin")
    assert "Nobody has an account yet" in page.text and token not in page.text
    # A made-up token is refused, on the page and in the form.
    for wrong in ("", "x", token[:-1], token + "x", token.swapcase(), "é", "\0", sealing.sha(token)):
        assert browser.get("/auth/first", params={"token": wrong}).status_code == 403
        assert make(wrong).status_code == 403
    # What is missing is told in words, and the link still works.
    short = make(token, password="too short")
    assert short.status_code == 422 and "the password has 9 characters, at least 15 are needed" in short.text
    assert "the name is empty" in make(token, name=" ").text
    assert "is not an e-mail address" in make(token, email="<script>alert(1)</script>").text
    assert "<script>" not in make(token, email="<script>alert(1)</script>").text
    assert browser.get("/auth/first", params={"token": token}).status_code == 200
    # It makes one admin, who is signed in.
    made = make(token)
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert browser.get("/api/v1/me").json() == {"name": "Ada", "role": "admin"}
    # And that was that: for the link and for the password.
    again = empty.browser()
    assert again.get("/auth/first", params={"token": token}).status_code == 403
    assert again.post("/auth/first", params={"token": token}, data={**ADMIN, "email": "eve@example.com"}).status_code == 403
    assert sign_in(again, "ada@example.com").status_code == 303
    with empty.inside():
        assert people.count() == 1
    # The token itself is nowhere on the disk.
    kept = [path for path in empty.home.rglob("*") if path.is_file() and path.name != "server.log" and token.encode() in path.read_bytes()]
    assert kept == []


def test_secrets_are_closed_to_other_users_of_the_machine(empty: Server) -> None:
    assert (empty.home / "secrets").stat().st_mode & 0o077 == 0
    files = list((empty.home / "secrets").iterdir())
    assert {path.name for path in files} >= {"master.key", "first_admin.sha"}
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_of_two_first_admins_at_once_there_is_one(home: Path) -> None:
    together = Barrier(4)

    def make(number: int) -> bool:
        together.wait()
        try:
            people.first_admin(f"Admin {number}", f"admin{number}@example.com", PASSWORD)
        except Refused as refused:
            assert "already has people" in str(refused)
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, range(4))) == 1
    assert people.count() == 1


def test_two_installations_share_no_secret(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    seen = []
    for _ in range(2):
        home = tmp_path_factory.mktemp("fresh")
        fresh_sqlite(templates, tmp_path_factory, home)
        with inside(home):
            token = auth.new_first_token()
            person = people.first_admin("Ada", "ada@example.com", PASSWORD)
            cookie = sessions.start(person)
            hmacs = {sealing.hmac_of("4111111111111111", purpose) for purpose in ("csrf", "seal", "name", "customer", "content")}
            kept = {path.read_bytes() for path in (home / "secrets").iterdir()}
            seen.append(kept | hmacs | {token, cookie, person.password_hash, sealing.seal("x", "name")})
    assert len(seen[0]) >= 2 + 5 + 4 and not seen[0] & seen[1]
