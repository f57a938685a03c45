"""A stranger on the chat widget: other pages, other keys, markup in both directions, too much, too often, again, and after the end.

SAFETY 12, 13, 14, 16 and rule 10 of section 4. Each with the control that would have shown it.
"""

import hmac
import json
import random as chance
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from sqlmodel import func, select
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from data import people, store, surfaces, talks, tokens
from data.tables import Conversation, Customer, Message, Talk
from portal import api_widget, guard
from portal.pace import Pace
from portal.widget.demo import Page, Shop
from tests.conftest import SOAK, hire
from tests.server import inside, serving
from tests.test_api_widget import ORIGIN, House, Visitor, random, releasing, replies

KEYS, ORIGINS, PAYLOADS = (500, 100, 100) if SOAK else (50, 20, 12)
JSON = {"Content-Type": "application/json"}
TABLES = (Conversation, Message, Talk, Customer)


@pytest.fixture(scope="module")
def house(module_home: tuple[Path, str]) -> Iterator[House]:
    home, url = module_home
    with inside(home, url):
        staff, console = hire(), people.console()
        people.add("Dora", "dora@example.com", "rep", by=console, demo=True)  # the demo's pages may be on this machine
        token = surfaces.issue("Shop", [ORIGIN], staff.engineer, by=console, team_id=staff.oak.id)
        releasing(replies("echo", "You wrote: {{message.text}}", "echo"), staff.rep)
    with serving(home, url) as server:
        yield House(server, staff, token)


def rows(house: House) -> list[int]:
    with house.inside(), store.reading() as db:
        return [db.exec(select(func.count()).select_from(table)).one() for table in TABLES]


def everything(visitor: Visitor) -> list[httpx.Response]:
    """All that the widget ever asks."""
    headers, body = visitor.headers(), {"text": "Hello.", "message": random()}
    return [
        visitor.client.post("/widget/v1/conversations", json=body, headers=headers),
        visitor.client.post("/widget/v1/messages", json=body, headers=headers), visitor.look(),
    ]  # fmt: skip


# -- other pages --------------------------------------------------------------------------------------------------------------------------

NEAR = (
    "null", "", "https://evil.example", "http://shop.example.com", "https://shop.example.com:8443", "https://shop.example.com.evil.example",
    "https://evil.example/https://shop.example.com", "https://shop.example.com@evil.example", "https://shop.example.comx",
    "https://SHOP.example.com", "https://shop.example.com/", "https://shop.example.com,https://evil.example", "https://sub.shop.example.com",
    "https://xshop.example.com", "https://shop.example.com ,x", "file://", "https://127.0.0.1", "chrome-extension://abc", "*", "https://shop",
)  # fmt: skip


def test_no_other_page_begins_reads_or_goes_on(house: House, record_property: Callable[[str, object], None]) -> None:
    owner = house.visitor()
    owner.send("A question of mine.")
    before, came = rows(house), list[tuple[str, int]]()
    others = [*NEAR, *(f"https://{secrets.token_hex(4)}.example" for _ in range(max(0, ORIGINS - len(NEAR))))]
    for origin in others:
        stranger = house.visitor(origin=origin)
        stranger.key = owner.key
        for answer in everything(stranger):
            if answer.status_code != 403 or "access-control-allow-origin" in answer.headers or "mine" in answer.text:
                came.append((origin, answer.status_code))
    nameless = house.visitor()
    del nameless.client.headers["Origin"]
    nameless.key = owner.key
    assert [one.status_code for one in everything(nameless)] == [403] * 3
    record_property("origins", len(others))
    print(f"{len(others)} other origins, {3 * len(others)} requests: {len(came)} got in")
    assert came == [] and rows(house) == before
    assert [one.status_code for one in everything(owner)] == [200] * 3  # the control


def test_the_token_of_one_surface_is_good_on_no_page_of_another(house: House) -> None:
    with house.inside():
        other = surfaces.issue("App", ["https://app.example.com"], house.staff.engineer, by=people.console())
    crossed = house.visitor(origin="https://app.example.com")
    assert [one.status_code for one in everything(crossed)] == [403] * 3
    app = house.visitor(origin="https://app.example.com", token=other)
    assert app.send("Hello.").status_code == 200  # the control
    here = house.visitor()
    here.key = app.key  # a key of another surface
    assert here.look().status_code == 404


def test_the_public_token_opens_nothing_of_the_api(house: House) -> None:
    for secret in (house.token, house.token.removeprefix(surfaces.PREFIX), tokens.PREFIX + house.token):
        client = house.server.browser(Authorization=f"Bearer {secret}")
        for path in ("/api/v1/me", "/api/v1/people", "/api/v1/conversations/x", "/api/v1/audit", "/api/v1/metrics"):
            assert client.get(path).status_code == 401
    with house.inside():
        program = tokens.issue("crm", ["ingest"], house.staff.engineer, by=people.console())
    assert house.server.browser(Authorization=f"Bearer {program}").get("/api/v1/me").status_code == 200  # the control
    assert house.visitor(token=program).send("Hello.").status_code == 401  # nor the other way round


# -- other keys ---------------------------------------------------------------------------------------------------------------------------


def guessed(house: House, owner: Visitor) -> list[str]:
    """What somebody could try: chance, near the real one, ids that they may know, and what a database would take for more."""
    kept = house.kept(owner)
    with house.inside(), store.reading() as db:
        talk = db.exec(select(Talk).where(Talk.conversation_id == kept.id)).one()
    near = [owner.key[:place] + f"{(int(owner.key[place], 16) + 1) % 16:x}" + owner.key[place + 1 :] for place in range(32)]
    odd = ["", "0" * 32, "f" * 32, "%", "_" * 32, "' OR 1=1 --", "null", "*", owner.key[:31], owner.key + "0", f"0x{owner.key}"]
    ids = [talk.key_sha, talk.key_sha[:32], talk.id, kept.id, kept.external_id, kept.customer_id]
    return [*odd, *ids, *near, *(secrets.token_hex(16) for _ in range(KEYS))][: max(KEYS, 25)]


def test_no_other_key_opens_a_conversation(house: House, record_property: Callable[[str, object], None]) -> None:
    owner = house.visitor()
    owner.send("A question of mine.")
    before, got_in = rows(house), 0
    tried = guessed(house, owner)
    stranger = house.visitor()
    for number, key in enumerate(tried):
        stranger.key = key
        answers = [stranger.look()]
        if number % 5 == 0:
            stranger.client = house.visitor().client
            body = {"text": "I am them.", "message": random()}
            answers.append(stranger.client.post("/widget/v1/messages", json=body, headers=stranger.headers()))
        got_in += sum(one.status_code != 404 or "mine" in one.text for one in answers)
    record_property("keys", len(tried))
    print(f"{len(tried)} other keys: {got_in} got in")
    assert got_in == 0 and rows(house) == before and len(tried) >= KEYS
    stranger.key = owner.key
    assert stranger.look().status_code == 200  # the control: it is the key, and nothing else


def test_without_the_key_being_looked_at_anybody_would_read_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control with the defence off: the same app, which gives whoever asks the newest conversation."""
    owner = house.visitor()
    owner.send("A question of mine.")
    assert owner.said() == [("you", "A question of mine.")]  # nothing is on its way any more
    headers = {api_widget.SURFACE: house.token, api_widget.KEY: "0" * 32, "Origin": ORIGIN}

    def anybodys(_opened: surfaces.Opened, _key: str) -> Talk:
        with store.reading() as db:
            return db.exec(select(Talk).order_by(Talk.id.desc())).first()  # type: ignore[attr-defined, return-value]

    with house.inside():
        app: Any = guard.Guard(Starlette(routes=[Mount("/widget", routes=api_widget.routes())]), app_csp="default-src 'none'")
        client = TestClient(app, base_url="http://127.0.0.1")
        assert client.get("/widget/v1/messages", headers=headers).status_code == 404
        with monkeypatch.context() as patch:
            patch.setattr(talks, "of_key", anybodys)
            assert "of mine" in client.get("/widget/v1/messages", headers=headers).text
            patch.setattr(surfaces.Opened, "is_at", lambda _self, _origin: True)
            assert client.get("/widget/v1/messages", headers=headers | {"Origin": "https://evil.example"}).status_code == 200


def test_what_one_visitor_writes_no_other_hears(house: House) -> None:
    some = [house.visitor() for _ in range(6)]
    for number, visitor in enumerate(some):
        visitor.send(f"The secret of visitor {number}.")
        visitor.send(f"More of visitor {number}.")
    for number, visitor in enumerate(some):
        assert visitor.said() == [("you", f"The secret of visitor {number}."), ("you", f"More of visitor {number}.")]


def test_nobody_speaks_as_a_customer_whom_the_page_did_not_sign(house: House) -> None:
    with house.inside():
        key = surfaces.identity_key(house.token)
        right = hmac.new(key.encode(), b"victim", "sha256").hexdigest()
        other = surfaces.issue("App", ["https://app.example.com"], house.staff.engineer, by=people.console())
        theirs = hmac.new(surfaces.identity_key(other).encode(), b"victim", "sha256").hexdigest()
    victim = house.visitor()
    assert victim.send("It is me.", customer="victim", signature=right).status_code == 200
    public = hmac.new(house.token.encode(), b"victim", "sha256").hexdigest()  # with what stands in the page
    wrong = ["", "0" * 64, right[:63], theirs, public, hmac.new(b"", b"victim", "sha256").hexdigest()]
    wrong += [f"{chance.Random(number).getrandbits(256):064x}" for number in range(20)]
    names = ["victim"] * len(wrong) + ["victim ", "VICTIM", "victim\0", "\u200bvictim"]
    made = []
    for name, signature in zip(names, [*wrong, *[right] * 4], strict=True):
        stranger = house.visitor()
        assert stranger.send("It is me.", customer=name, signature=signature).status_code == 200, name
        made.append(house.kept(stranger).customer_id)
    assert house.kept(victim).customer_id not in made and len(set(made)) == len(made)
    again = house.visitor()
    again.send("Me again.", customer="victim", signature=right)
    assert house.kept(again).customer_id == house.kept(victim).customer_id  # the control


# -- too much, too often, again, after the end --------------------------------------------------------------------------------------------


def test_too_often_is_told_to_wait_and_slows_nobody_else(house: House) -> None:
    address = "127.9.9.9"
    many = [house.visitor(address=address) for _ in range(14)]
    answers = [one.send("Hello.") for one in many]
    assert [one.status_code for one in answers] == [200] * 10 + [429] * 4
    assert int(answers[-1].headers["Retry-After"]) > 0 and answers[-1].headers["Access-Control-Allow-Origin"] == ORIGIN
    visitor = house.visitor()
    assert visitor.send("Hello.").status_code == 200  # the control: another address
    assert [visitor.send("Again.").status_code for _ in range(22)] == [200] * 20 + [429] * 2
    before = rows(house)
    assert visitor.send("Again.").status_code == 429 and rows(house) == before
    assert visitor.look().status_code == 200  # and it may still hear
    forged = house.visitor(address=address)
    assert [forged.client.post(
        "/widget/v1/conversations", json={"text": "Hello.", "message": random()},
        headers=forged.headers(**{"X-Forwarded-For": f"10.0.0.{number}"})).status_code for number in range(3)] == [429] * 3  # fmt: skip


def test_those_who_are_idle_are_forgotten_and_nobody_is_forgiven_too_early() -> None:
    pace = Pace(1)
    pace.wait("first", clock=0.0)
    for number in range(30_000):
        pace.wait(f"address {number}", clock=1.0 + number / 500)  # a minute of strangers
    assert pace.wait("address 29999", clock=61.0) > 0
    pace.wait("last", clock=10_000.0)
    for number in range(200_000 // 4):
        pace.wait(f"later {number}", clock=20_000.0 + number)
    assert len(pace._taken) < 30_000


def test_what_is_too_large_stores_nothing(house: House) -> None:
    visitor, before = house.visitor(), rows(house)
    sizes = (4_001, 16_001, 31_000, 32_001, 1_000_000)
    sent = [visitor.client.post("/widget/v1/conversations", content=json.dumps({"text": "x" * size, "message": random()}),
                                headers=visitor.headers(**JSON)).status_code for size in sizes]  # fmt: skip
    deep = visitor.client.post("/widget/v1/conversations", content=b"[" * 20_000, headers=visitor.headers(**JSON)).status_code
    assert sent == [422, 422, 422, 413, 413] and deep == 422 and rows(house) == before
    assert visitor.send("x" * 4_000).status_code == 200  # the control


def test_what_was_recorded_and_is_sent_again_adds_nothing(house: House) -> None:
    visitor = house.visitor()
    visitor.send("Hello.")
    body = {"text": "Refund me.", "message": random()}
    first = visitor.client.post("/widget/v1/messages", json=body, headers=visitor.headers())
    before = rows(house)
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: visitor.client.post("/widget/v1/messages", json=body, headers=visitor.headers()), range(10)))
    assert {one.status_code for one in again} == {200} and {one.json()["seq"] for one in again} == {first.json()["seq"]}
    assert rows(house) == before
    other = {"text": "Refund me.", "message": random()}
    assert visitor.client.post("/widget/v1/messages", json=other, headers=visitor.headers()).status_code == 200
    assert rows(house)[1] == before[1] + 1  # the control


def test_a_visitors_number_never_takes_the_place_of_what_we_write(house: House) -> None:
    """Ids of messages are the visitor's to choose: they stand apart from ours."""
    visitor = house.visitor()
    visitor.send("echo one")
    assert visitor.said() == [("you", "echo one"), ("machine", "You wrote: echo one")]
    made = house.kept(visitor).id
    with house.inside(), store.reading() as db:
        ids = db.exec(select(Message.external_id).where(Message.conversation_id == made)).all()
    assert sorted(str(one).partition(":")[0] for one in ids) == ["reply", "visitor"]


def test_a_revoked_surface_ends_at_once(house: House) -> None:
    with house.inside():
        token = surfaces.issue("Old", [ORIGIN], house.staff.engineer, by=people.console())
    visitor = house.visitor(token=token)
    assert [one.status_code for one in everything(visitor)] == [200, 404, 404]
    visitor.send("Hello.")
    assert visitor.look().status_code == 200  # the control
    with house.inside():
        made = next(surface for surface, _ in surfaces.all_surfaces(by=house.staff.admin) if surface.name == "Old")
        surfaces.revoke(made.id, by=house.staff.lead)
    before = rows(house)
    for answer in everything(visitor):
        assert answer.status_code == 401 and "access-control-allow-origin" not in answer.headers
    assert rows(house) == before
    for secret in ("", "surface_", "surface_x", house.token[:-1], house.token + "x", "é" * 20):
        headers = {api_widget.SURFACE.encode(): secret.encode("latin-1"), b"Origin": ORIGIN.encode()}
        assert visitor.client.get("/widget/v1/messages", headers=headers).status_code == 401


# -- markup, in both directions, in a real browser ----------------------------------------------------------------------------------------

MARKUP = (
    "<script>window.hit=1</script>", "<img src=x onerror='window.hit=1'>", "<svg onload=window.hit=1>", "javascript:window.hit=1",
    "**<img src=x onerror=window.hit=1>**", "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>", "[a](javascript:window.hit=1)",
    "![x](https://evil.example/x.png)", "</div><script>window.hit=1</script>", "<style>@import 'https://evil.example/x.css'</style>",
    "<a href='https://evil.example' autofocus onfocus=window.hit=1>x</a>", "<math><mi//xlink:href='data:x,<script>window.hit=1</script>'>",
    "{{constructor.constructor('window.hit=1')()}}", "<details open ontoggle=window.hit=1>", "<portal-chat><script>window.hit=1</script>",
)  # fmt: skip


def payloads() -> list[str]:
    """Each kind, in other letters and with what hides in text."""
    more = [one.replace("<", "\u200b<").replace("hit=1", f"hit={number}") for number, one in enumerate(MARKUP * 7, start=1)]
    return [*MARKUP, *more][: max(PAYLOADS, len(MARKUP))]


@pytest.mark.parametrize("module_home", ["sqlite"], indirect=True)
def test_what_anybody_writes_is_text_in_the_chat(house: House, browser: Browser, record_property: Callable[[str, object], None]) -> None:
    tried, hits, asked = payloads(), list[str](), list[str]()
    with Shop() as shop, ThreadPoolExecutor(1) as pool:
        pool.submit(shop.serve_forever)
        with house.inside():
            token = surfaces.issue("Here", [shop.origin], house.staff.engineer, by=people.console())
            opened = surfaces.opened(token)
            assert opened is not None
            key, talk = talks.begin(opened, "echo " + tried[0], message=random())
            for one in tried[1:]:
                talks.write(opened, talk, one, message=random())
            for one in tried:
                talks.reply(talk.conversation_id, f"We say {one}", by=house.staff.engineer)
        shop.page = Page(house.server.base, token)
        context = browser.new_context()
        page = context.new_page()
        page.on("dialog", lambda dialog: (hits.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        place = f"portal-chat {token[-16:]}"
        context.add_init_script(f"localStorage.setItem({json.dumps(place)}, JSON.stringify({{key: {json.dumps(key)}, customer: ''}}))")
        page.goto(shop.origin)
        page.locator("portal-chat .open").click()
        page.wait_for_function("count => document.querySelector('portal-chat').shadowRoot.querySelectorAll('article').length >= count",
                               arg=min(2 * len(tried), 100))  # fmt: skip
        shown = page.locator("portal-chat article .text").all_text_contents()
        made = page.evaluate(
            """() => [...document.querySelector('portal-chat').shadowRoot.querySelectorAll('article *')].map(one => one.localName)"""
        )
        ran = page.evaluate("() => window.hit")
        assert page.evaluate("() => { window.hit = 7; return window.hit }") == 7  # the control: it would have been seen
        context.close()
        shop.shutdown()
    record_property("payloads", 2 * len(tried))
    print(f"{2 * len(tried)} payloads in both directions: run {0 if ran is None else 1}, dialogs {len(hits)}")
    assert ran is None and hits == []
    assert set(made) <= {"p", "time", "div", "strong"} and any("<script>" in one for one in shown)
    assert {url.split("/")[2] for url in asked} == {shop.origin.removeprefix("http://"), house.server.netloc}
