"""The chat widget over HTTP: a visitor begins, is answered by a recipe in force or a person, goes on, and alone reads it."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select
from typer.testing import CliRunner

from automations import RECIPE, recipes
from automations.recipe import ARRIVES, NEW_MESSAGE, Act, Alone, Limits, Recipe, Trigger
from data import approvals, conversations, people, releases, store, surfaces, talks
from data.errors import Misuse
from data.tables import Action, Conversation, Customer, Message, Proposal, Talk
from data.values import Target, new_id
from portal import api_widget, jobs, widget
from portal.cli import app
from tests.conftest import Staff, hire
from tests.server import Server, eventually, inside, serving

ORIGIN = "https://shop.example.com"
HOURS = "We are open from 9 to 17.\n\n**On Sundays** we rest."
LIMITS = Limits(runs_per_day=10_000)


def replies(name: str, text: str, word: str, *, trigger: str = ARRIVES, alone: bool = True) -> Recipe:
    """Answers whoever writes that word."""
    return Recipe(
        name, name.capitalize(), trigger=Trigger(trigger), when={"message.text": {"contains": word}}, limits=LIMITS, channels=("chat",),
        acts=(Act("send reply", "reply", {"text": text}),), alone=Alone(changes=("send reply",) if alone else ("tag",)),
    )  # fmt: skip


RECIPES = (
    replies("hours", HOURS, "hours"), replies("thanks", "You are welcome.", "thank", trigger=NEW_MESSAGE),
    replies("asks", "Our offer is ten euros.", "offer", alone=False), replies("echo", "You wrote: {{message.text}}", "echo"),
)  # fmt: skip


@dataclass
class Visitor:
    """A page in somebody's browser."""

    client: httpx.Client
    token: str
    key: str = ""

    def headers(self, **more: str) -> dict[str, str]:
        return {api_widget.SURFACE: self.token} | ({api_widget.KEY: self.key} if self.key else {}) | more

    def send(self, text: str, **more: Any) -> httpx.Response:
        """Begins, or goes on where it holds a key."""
        place = "messages" if self.key else "conversations"
        body = {"text": text, "message": random()} | more
        answer = self.client.post(f"/widget/v1/{place}", json=body, headers=self.headers())
        self.key = answer.json().get("key", self.key) if answer.status_code == 200 else self.key
        return answer

    def look(self, after: int = 0) -> httpx.Response:
        return self.client.get("/widget/v1/messages", params={"after": after}, headers=self.headers())

    def said(self, after: int = 0) -> list[tuple[str, str]]:
        """Once nothing is on its way any more."""

        def settled() -> dict[str, Any] | None:
            answer = self.look(after)
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            return None if told["typing"] else told

        return [(one["who"], one["text"]) for one in eventually(settled, "an end of the typing")["messages"]]


def random() -> str:
    return new_id().replace("-", "")[:32].ljust(32, "0")


@dataclass
class House:
    server: Server
    staff: Staff
    token: str
    count: int = 1

    def inside(self) -> Any:
        return self.server.inside()

    def visitor(self, origin: str = ORIGIN, token: str = "", address: str = "") -> Visitor:
        """Each from an address of its own: who asks too often is told to wait."""
        self.count += 1
        client = self.server.browser(address=address or f"127.0.{self.count // 250}.{self.count % 250 + 2}")
        client.headers["Origin"] = origin
        return Visitor(client, token or self.token)

    def kept(self, visitor: Visitor) -> Conversation:
        with self.inside():
            opened = surfaces.opened(visitor.token)
            assert opened is not None
            found = conversations.get(talks.of_key(opened, visitor.key).conversation_id, by=self.staff.engineer)
            assert found is not None
            return found[0]


def releasing(recipe: Recipe, by: Any) -> None:
    recipes.save(recipe, why="Often.", based_on=None, by=by)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, recipe.name, 1), proposal_id=None, why_before_ends="", by=by)


@pytest.fixture(scope="module")
def house(module_home: tuple[Path, str]) -> Iterator[House]:
    home, url = module_home
    with inside(home, url):
        staff, console = hire(), people.console()
        token = surfaces.issue("Shop", [ORIGIN], staff.engineer, by=console, team_id=staff.oak.id)
        for recipe in RECIPES:
            releasing(recipe, staff.rep)
    with serving(home, url) as server:
        yield House(server, staff, token)


# -- answers ------------------------------------------------------------------------------------------------------------------------------


def test_a_recipe_in_force_answers_and_its_words_stand_in_the_conversation(house: House) -> None:
    visitor = house.visitor()
    begun = visitor.send("What are your hours?")
    assert begun.status_code == 200 and set(begun.json()) == {"key", "seq", "at"} and begun.json()["seq"] == 1
    assert visitor.said() == [("you", "What are your hours?"), ("machine", HOURS)]
    assert visitor.said(after=1) == [("machine", HOURS)] and visitor.said(after=2) == []
    made = house.kept(visitor).id
    with house.inside():
        found = conversations.get(made, by=house.staff.rep)
    assert found is not None and [(one.role, one.author) for one in found[1]] == [("customer", None), ("assistant", "hours 1")]


def test_however_often_it_is_asked_it_is_answered_once(house: House) -> None:
    visitor = house.visitor()
    visitor.send("What are your hours?")
    for _ in range(12):
        visitor.look()
    assert len(visitor.said()) == 2
    made = house.kept(visitor).id
    with house.inside(), store.reading() as db:
        assert len(db.exec(select(Action).where(Action.conversation_id == made)).all()) == 1
        assert len(db.exec(select(Message).where(Message.conversation_id == made)).all()) == 2


def test_it_goes_on_and_another_recipe_answers_what_came_after(house: House) -> None:
    visitor = house.visitor()
    visitor.send("What are your hours?")
    assert len(visitor.said()) == 2
    assert visitor.send("I thank you.").json()["seq"] == 3
    assert visitor.said(after=2) == [("you", "I thank you."), ("machine", "You are welcome.")]


def test_where_nothing_is_in_force_a_person_answers(house: House) -> None:
    visitor = house.visitor()
    visitor.send("My monstera is sad.")
    assert visitor.said() == [("you", "My monstera is sad.")]
    made = house.kept(visitor).id
    with house.inside():
        talks.reply(made, "Give it less water. Questions: help@shop.example.org", by=house.staff.rep)
    assert visitor.said(after=1) == [("person", "Give it less water. Questions: help@shop.example.org")]


def test_what_needs_a_yes_is_shown_once_somebody_gave_it(house: House) -> None:
    visitor = house.visitor()
    visitor.send("Is there an offer?")
    assert visitor.said() == [("you", "Is there an offer?")]
    with house.inside():
        with store.reading() as db:
            proposal = db.exec(select(Proposal).where(Proposal.kind == "act_once", Proposal.state == "open")).one()
        approvals.approve(proposal.id, by=house.staff.lead)
        jobs.run_waiting()
    assert visitor.said() == [("you", "Is there an offer?"), ("machine", "Our offer is ten euros.")]


def test_a_gap_where_something_personal_stood_is_not_shown(house: House) -> None:
    gaps, none = house.visitor(), house.visitor()
    gaps.send("echo 4111 1111 1111 1111")
    none.send("echo this")
    assert gaps.said() == [("you", "echo ‹CARD 1›")]
    assert none.said()[1] == ("machine", "You wrote: echo this")  # the control


def test_a_visitor_who_was_not_answered_before_the_portal_ended_is_answered_after(house: House) -> None:
    """As a kill leaves it: the words are kept, and no recipe was asked yet."""
    visitor = house.visitor()
    with house.inside():
        opened = surfaces.opened(house.token)
        assert opened is not None
        visitor.key, talk = talks.begin(opened, "And your hours?", message=random())
        assert talks.waits(talk)
    assert visitor.said()[1:] == [("machine", HOURS)]


# -- who it is ----------------------------------------------------------------------------------------------------------------------------


def test_a_customer_is_known_only_where_the_pages_server_signed_it(house: House) -> None:
    with house.inside():
        right = hmac.new(surfaces.identity_key(house.token).encode(), b"c-42", "sha256").hexdigest()
    asked = [("", ""), ("c-42", right), ("c-42", right), ("c-42", "0" * 64), ("c-43", right)]
    made = []
    for customer, signature in asked:
        visitor = house.visitor()
        assert visitor.send("Hello.", customer=customer, signature=signature).status_code == 200
        made.append(house.kept(visitor).customer_id)
    assert made[1] == made[2] and len(set(made)) == 4
    with house.inside(), store.reading() as db:
        assert [bool(db.get_one(Customer, one).sealed_name) for one in made] == [False, True, True, False, False]


# -- what is taken ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"text": ""}, 422, "it is empty"), ({"text": "x" * 4001}, 422, "up to 4,000 characters"), ({"text": "x" * 17_000}, 422, "text"),
        ({"message": "x"}, 422, "message"), ({"message": None}, 422, "message"), ({"text": 7}, 422, "text"),
        ({"team": "Fern"}, 422, "team"),
        ({"language": "<b>"}, 422, "language"), ({"text": "\ud800"}, 422, "JSON"), ({"text": "a\0b"}, 200, ""),
        ({"text": "x" * 4000}, 200, ""),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_said_in_words(house: House, body: dict[str, Any], status: int, told: str) -> None:
    visitor = house.visitor()
    content = json.dumps({"text": "Hello", "message": random()} | body)
    answer = visitor.client.post(
        "/widget/v1/conversations", content=content, headers=visitor.headers(**{"Content-Type": "application/json"})
    )
    assert answer.status_code == status, answer.text
    assert status == 200 or told in answer.json()["detail"]


def test_a_body_too_large_without_a_length_or_of_another_kind_is_not_read(house: House) -> None:
    visitor = house.visitor()
    json_ = {"Content-Type": "application/json"}
    sent = [
        visitor.client.post("/widget/v1/conversations", content=b"x" * 32_001, headers=visitor.headers(**json_)),
        visitor.client.post("/widget/v1/conversations", content=iter([b"{}"]), headers=visitor.headers(**json_)),
        visitor.client.post("/widget/v1/conversations", content=b"{}", headers=visitor.headers(**{"Content-Type": "text/plain"})),
        visitor.client.post("/widget/v1/conversations", content=b"[]", headers=visitor.headers(**json_)),
        visitor.client.get("/widget/v1/messages", params={"after": "-1"}, headers=visitor.headers()),
    ]
    assert [one.status_code for one in sent] == [413, 411, 415, 422, 404]
    visitor.send("Hello.")
    odd = [visitor.client.get("/widget/v1/messages", params={"after": one}, headers=visitor.headers()) for one in ("-1", "x", "٣", "9" * 8)]
    assert [one.status_code for one in odd] == [422] * 4


# -- the script ---------------------------------------------------------------------------------------------------------------------------


def test_the_script_is_small_and_kept_by_its_version(house: House) -> None:
    client = house.server.browser()
    plain = client.get("/widget.js")
    assert plain.status_code == 200 and len(plain.content) < 20_000
    assert plain.headers["Content-Type"].startswith("text/javascript") and plain.headers["Cache-Control"] == "public, max-age=300"
    assert plain.headers["Cross-Origin-Resource-Policy"] == "cross-origin" and plain.headers["X-Content-Type-Options"] == "nosniff"
    named = client.get("/widget.js", params={"v": widget.version()})
    assert named.text == plain.text and "immutable" in named.headers["Cache-Control"]
    assert "immutable" not in client.get("/widget.js", params={"v": "another"}).headers["Cache-Control"]
    again = client.get("/widget.js", headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304 and again.content == b""
    assert client.get("/widget.js", headers={"If-None-Match": '"another"'}).status_code == 200


def test_nothing_else_is_open_beside_the_script(house: House) -> None:
    client = house.server.browser()
    assert [client.get(path).status_code for path in ("/widget.js", "/widget.jsx", "/widget.js/x", "/widget", "/widgets")] == [200] + [
        303
    ] * 4
    assert [client.get(path).status_code for path in ("/widget/", "/widget/v1/conversations/x", "/widget/v1")] == [404] * 3
    assert client.get("/widget/v1/conversations").status_code == 405


def test_the_script_makes_no_markup_and_evaluates_nothing() -> None:
    script = widget.script()
    never = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        ".style",
        "setTimeout('",
        "http://",
        "srcdoc",
    )
    assert [word for word in never if word in script.replace("http://www.w3.org/2000/svg", "")] == []
    assert "textContent" in script and "%CSS%" not in script  # the control: it is looked for in the right place


def test_the_line_to_paste_holds_nothing_but_the_address_and_the_token() -> None:
    made = widget.snippet("surface_x", address="https://portal.example.com/")
    assert made == '<script src="https://portal.example.com/widget.js" data-surface="surface_x" async></script>'
    assert '"><' not in widget.snippet('"><b>', address='https://x"><b>').replace("></script>", "")


def test_a_browser_that_asks_first_hears_of_the_origins_that_are_in_use(house: House) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "portal-surface,portal-key,content-type"}
    for place in ("conversations", "messages"):
        ours = house.visitor().client.options(f"/widget/v1/{place}", headers=asked)
        assert (ours.status_code, ours.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
        assert "Access-Control-Allow-Credentials" not in ours.headers
        theirs = house.visitor(origin="https://evil.example").client.options(f"/widget/v1/{place}", headers=asked)
        assert theirs.status_code == 403 and "Access-Control-Allow-Origin" not in theirs.headers


def test_a_talk_is_of_one_conversation_and_one_surface(house: House) -> None:
    visitor = house.visitor()
    visitor.send("Hello.")
    made = house.kept(visitor).id
    with house.inside(), store.reading() as db:
        found = db.exec(select(Talk).where(Talk.conversation_id == made)).one()
    assert found.key_sha and visitor.key not in found.model_dump_json()


def test_on_the_console_a_surface_is_issued_once_listed_and_revoked(house: House) -> None:
    """Whoever runs the machine may, as with programs' tokens."""
    run = CliRunner()
    with house.inside():
        asked = [
            "surface",
            "issue",
            "Forum",
            "--origin",
            "https://forum.example.com",
            "--for",
            "emil@example.com",
            "--team",
            "Oak",
            "--json",
        ]
        told = json.loads(run.invoke(app, asked).stdout)
        opened = surfaces.opened(told["token"])
        assert opened is not None and opened.surface.team_id == house.staff.oak.id
        assert told["snippet"].endswith(f'data-surface="{told["token"]}" async></script>')
        assert told["identity_key"] == surfaces.identity_key(told["token"])
        listed = json.loads(run.invoke(app, ["surface", "list", "--json"]).stdout)["surfaces"]
        mine = next(one for one in listed if one["name"] == "Forum")
        assert mine["origins"] == ["https://forum.example.com"] and told["token"] not in json.dumps(listed)
        assert "Revoked the surface token 'Forum'." in run.invoke(app, ["surface", "revoke", mine["id"]]).stdout
        assert surfaces.opened(told["token"]) is None and "revoked" in run.invoke(app, ["surface", "list"]).stdout
        wrong = run.invoke(app, [*asked[:-2], "Nobody"])
        assert isinstance(wrong.exception, Misuse)
