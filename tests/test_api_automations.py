"""Recipes over HTTP: a product's button and the reply to a customer, on a real portal with a real shop, and what people still decide."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from automations import RECIPE, actions, recipes, responding
from automations.recipe import ARRIVES, BUTTON, Act, Alone, Limits, Recipe, Trigger
from automations.shop import server as shop_server
from automations.shop.ledger import Bill, Ledger, Purchase
from automations.shop.values import Customer, Item
from data import approvals, conversations, people, releases, signatures, store, tasks, tokens
from data.errors import Denied
from data.intake import appending, door
from data.intake.canonical import CanonicalMessage
from data.tables import Action, Proposal, Task, Trace
from data.values import Target, new_id, now
from portal import api_automations, jobs
from portal.api import api
from tests.conftest import Staff, hire
from tests.conversations import canonical, one
from tests.server import inside, serving
from tests.test_automations_actions import DAY, PAID, TOKEN

ALONE = Alone(money=Decimal(30), changes=("refund", "send reply", "draft reply", "tag"))
LIMITS = Limits(money_per_run=Decimal(50), money_per_day=Decimal(10_000), runs_per_day=10_000, currency="EUR")
REFUND = Act("refund", "refund", {"order": "{{order.number}}", "amount": "20.00", "reason": "It came late"})
STEPS = """**You may send it back**:

- within 30 days, at https://shop.example.com/returns
- order FG-10001 with its label"""
ANSWER = {
    "chat": STEPS,
    "email": f"Hello,\n\n{STEPS}\n\nKind regards",
    "voice": "You may send it back. Within 30 days. Order F G 1 0 0 0 1 with its label.",
}


@dataclass
class Desk:
    staff: Staff
    ledger: Ledger
    program: httpx.Client  # the engineer's token
    reps: httpx.Client  # a rep's token
    sender: httpx.Client  # sends conversations
    secret: str
    stranger: httpx.Client  # a token of another scope
    nobody: httpx.Client
    place: tuple[Path, str]
    count: list[int] = field(default_factory=lambda: [0])

    def arrives(self, *, channel: str = "chat", team: str = "Oak", text: str = "My parcel came late, please help.") -> str:
        """A conversation that came a moment ago, of a customer with one paid order."""
        self.count[0] += 1
        number = self.count[0]
        said = canonical(
            number, team=team, channel=channel, opened_at=now(), customer=f"customer {number}", language="en",
            messages=[{"role": "customer", "text": text, "id": "1"}],
        )  # fmt: skip
        with inside(*self.place):
            made = door.receive([said], by=self.staff.engineer, classify=False).ids[0]
            found = conversations.get(made, by=self.staff.engineer)
            assert found is not None
            bought(self.ledger, f"R-{number}", found[0].customer_id)
        return made

    def writes_again(self, text: str = "Hello? Is anybody there?") -> None:
        """The customer of the last one."""
        with inside(*self.place):
            appending.append(
                ("test", str(self.count[0])), [CanonicalMessage(id=new_id(), role="customer", text=text)], by=self.staff.engineer
            )

    def releases(self, recipe: Recipe) -> None:
        with inside(*self.place):
            recipes.save(recipe, why="Often.", based_on=None, by=self.staff.rep)
            with store.writing() as db:
                releases.go_live(db, Target(RECIPE, recipe.name, 1), proposal_id=None, why_before_ends="", by=self.staff.rep)

    def stops(self, name: str) -> None:
        with inside(*self.place), store.writing() as db:
            release = releases.live_in(db, RECIPE, name)
            assert release is not None
            releases.stop(db, release, why="The test is over.", by=None)

    def press(self, name: str, conversation_id: str, **more: Any) -> httpx.Response:
        return self.program.post(f"/api/v1/automations/{name}/run", json={"conversation": conversation_id} | more)

    def pressed(self, name: str, conversation_id: str, **more: Any) -> dict[str, Any]:
        answer = self.press(name, conversation_id, **more)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def respond(self, conversation_id: str) -> dict[str, Any]:
        answer = self.program.post(f"/api/v1/conversations/{conversation_id}/respond")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert set(told) == {"reply", "by", "handed_over", "why", "waiting", "runs"}
        return told

    def refunded(self) -> list[int]:
        """Of the last conversation's order."""
        return [entry.amount for entry in self.ledger.order(f"R-{self.count[0]}", at=now()).entries]


def bought(ledger: Ledger, number: str, customer: str) -> None:
    at = now() - 30 * DAY
    ledger.write(
        customers=[Customer(customer, "Jo", "Marlow", at.date())],
        orders=[Purchase(number, customer, (Item("bonsai", 1, PAID),), 0, at, (at + DAY).date())],
        bills=[Bill(f"I-{number}", number, PAID, at.date(), at.date(), at)],
    )


def button(name: str, *acts: Act, **more: Any) -> Recipe:
    return Recipe(name, name.capitalize(), trigger=Trigger(BUTTON, button=f"Do {name}"), acts=acts, limits=LIMITS, alone=ALONE, **more)


def arriving(name: str, *acts: Act, **more: Any) -> Recipe:
    return Recipe(name, name.capitalize(), trigger=Trigger(ARRIVES), acts=acts, limits=LIMITS, **{"alone": ALONE} | more)


BUTTONS = (
    button("late", Act("look up order", "order"), REFUND, Act("tag", "tag", {"tag": "refunded"}),
           Act("draft reply", "draft", {"text": "20 euros are on their way. Questions: jo.doe@example.org"})),
    button("much", Act("look up order", "order"), replace(REFUND, given={**REFUND.given, "amount": "45.00"}),
           Act("send reply", "reply", {"text": "45 euros are on their way."})),
    button("invoice", Act("look up invoice", "invoice", {"number": "{{asked.invoice}}"}),
           Act("draft reply", "draft", {"text": "It comes to {{invoice.amount}} {{invoice.currency}}."})),
    button("mails", Act("tag", "tag", {"tag": "seen"}), channels=("email",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(module_home: tuple[Path, str]) -> Iterator[Desk]:
    home, url = module_home
    with inside(home, url):
        staff = hire()
        console = people.console()
        owners = {"agent": staff.engineer, "rep": staff.rep, "ingest": staff.engineer, "read": staff.engineer}
        secrets = {name: tokens.issue(name, ["agent" if name == "rep" else name], owner, by=console) for name, owner in owners.items()}
    ledger = Ledger(home / "shop.db")
    (home / "shop.token").write_text(TOKEN)
    with shop_server.running(ledger, TOKEN) as address, serving(home, url) as server:
        (home / "shop.address").write_text(address)
        programs = {name: server.browser(Authorization=f"Bearer {secret}") for name, secret in secrets.items()}
        for program in programs.values():
            del program.headers["Origin"]  # no browser
        made = Desk(
            staff, ledger, programs["agent"], programs["rep"], programs["ingest"], secrets["ingest"], programs["read"], server.browser(),
            (home, url),
        )  # fmt: skip
        for recipe in BUTTONS:
            made.releases(recipe)
        yield made
    ledger.close()


# -- a button -----------------------------------------------------------------------------------------------------------------------------


def test_a_button_runs_a_recipe_and_says_what_it_did(desk: Desk) -> None:
    told = desk.pressed("late", desk.arrives())
    assert (told["recipe"], told["version"], told["state"], told["why"], told["waiting"]) == ("late", 1, "done", "", None)
    assert desk.refunded() == [2000]
    refund, tag, draft = told["did"]
    (entry,) = desk.ledger.order(f"R-{desk.count[0]}", at=now()).entries
    assert refund == {"told": refund["told"], "kind": "refund", "ref": entry.id, "amount": "20.00", "currency": "EUR"}
    assert refund["told"].startswith("Refund 20.00 EUR of order R-") and (tag["kind"], tag["amount"], draft["kind"]) == (
        "tag",
        None,
        "draft",
    )
    assert told["reply"] == ""  # a draft is a person's


def test_what_is_told_is_masked(desk: Desk) -> None:
    answer = desk.press("late", desk.arrives())
    assert answer.json()["draft"] == "20 euros are on their way. Questions: ‹EMAIL 1›"
    assert "jo.doe" not in answer.text


def test_pressed_again_on_the_same_words_it_is_the_same_run(desk: Desk) -> None:
    made = desk.arrives()
    first = desk.pressed("late", made)
    assert desk.pressed("late", made) == first and desk.refunded() == [2000]
    desk.writes_again()
    another = desk.pressed("late", made)  # the control
    assert another["run"] != first["run"] and desk.refunded() == [2000, 2000]


def test_of_twenty_who_press_at_once_there_is_one_run_and_one_refund(desk: Desk) -> None:
    made = desk.arrives()
    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(lambda _: desk.pressed("late", made), range(20)))
    assert len({one["run"] for one in told}) == 1 and {one["state"] for one in told} == {"done"}
    assert desk.refunded() == [2000]
    with inside(*desk.place), store.reading() as db:
        assert len(db.exec(select(Trace).where(Trace.conversation_id == made)).all()) == 1


def test_what_a_product_sends_along_is_known_to_the_recipe(desk: Desk) -> None:
    made = desk.arrives()
    told = desk.pressed("invoice", made, asked={"invoice": f"I-R-{desk.count[0]}"})
    assert (told["state"], told["draft"]) == ("done", "It comes to 80.60 EUR.")
    assert desk.pressed("invoice", made, asked={"invoice": f"I-R-{desk.count[0]}"}) == told
    other = desk.press("invoice", made, asked={"invoice": "I-R-1"})
    assert other.status_code == 409 and other.json()["detail"].startswith("Not run: on these words it ran before, with other values")
    alone = desk.pressed("invoice", desk.arrives())  # the control
    assert alone["state"] == "handed over" and "'asked.invoice' is not known" in alone["why"]


def test_above_what_it_may_do_alone_a_person_decides_and_then_the_reply_is_there(desk: Desk) -> None:
    made = desk.arrives()
    told = desk.pressed("much", made)
    assert (told["state"], told["did"], told["reply"], told["draft"]) == ("waiting", [], "", "")
    assert told["waiting"]["needs"] == 1 and told["waiting"]["told"].startswith("Refund 45.00 EUR of order R-")
    assert told["waiting"]["told"].endswith(" A lead decides.") and desk.refunded() == []
    assert desk.pressed("much", made) == told  # it is proposed once
    with inside(*desk.place):
        (token,) = [narrowed for narrowed, _ in tokens.all_tokens(by=people.console()) if narrowed.name == "agent"]
        for owner in (desk.staff.lead, desk.staff.engineer):
            with pytest.raises(Denied):
                approvals.approve(told["waiting"]["proposal"], by=tokens.narrowed(owner, token.scopes))
        approvals.approve(told["waiting"]["proposal"], by=desk.staff.lead)
        jobs.run_waiting()
    after = desk.pressed("much", made)
    assert (after["run"], after["state"], after["waiting"]) == (told["run"], "done", None)
    assert after["reply"] == "45 euros are on their way." and desk.refunded() == [4500]


def test_what_was_refused_is_with_people(desk: Desk) -> None:
    made = desk.arrives()
    proposal = desk.pressed("much", made)["waiting"]["proposal"]
    with inside(*desk.place):
        approvals.refuse(proposal, by=desk.staff.lead, why="It came in time.")
        with store.writing() as db:
            tasks.later(db, "settle_actions", {}, title="Settle", by=None)
        jobs.run_waiting()
    told = desk.pressed("much", made)
    assert (told["state"], told["reply"]) == ("handed over", "") and "was refused: It came in time" in told["why"]
    assert desk.refunded() == []


def test_what_is_not_in_force_is_refused_in_words(desk: Desk) -> None:
    made = desk.arrives()
    with inside(*desk.place):
        recipes.save(button("young", REFUND), why="New.", based_on=None, by=desk.staff.rep)
    young = desk.press("young", made)
    assert young.status_code == 409
    assert young.json()["detail"] == ("Not run: no version of 'young' is in force for this customer. A lead can release one on its page.")
    other = desk.press("mails", made)
    assert (other.status_code, other.json()["detail"]) == (409, "Not run: It is for email, and this came by chat.")
    assert desk.press("mails", desk.arrives(channel="email")).status_code == 200  # the control
    unknown = desk.press("../admin", made), desk.press("none", made)
    assert [one.status_code for one in unknown] == [404, 404] and unknown[1].json()["detail"] == "There is no recipe of that name."


def test_one_that_begins_by_itself_has_no_button(desk: Desk) -> None:
    desk.releases(arriving("alone", Act("tag", "tag", {"tag": "seen"})))
    answer = desk.press("alone", desk.arrives())
    desk.stops("alone")
    assert (answer.status_code, answer.json()["detail"]) == (409, "Not run: 'Alone' has no button; it begins by itself.")


BODIES = (
    [], "text", {}, {"conversation": ""}, {"conversation": 7}, {"conversation": "x" * 81}, {"conversation": "x", "asked": {"A b": 1}},
    {"conversation": "x", "asked": {"a": {"b": 1}}}, {"conversation": "x", "asked": {"a": "x" * 501}},
    {"conversation": "x", "asked": {f"a{number}": 1 for number in range(21)}},
)  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_another_body_is_refused_in_one_sentence(desk: Desk, body: Any) -> None:
    answer = desk.program.post("/api/v1/automations/late/run", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].startswith("Not run: ") and "xxxx" not in answer.text
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        sent = desk.program.post("/api/v1/automations/late/run", content=json.dumps(body), headers={"Content-Type": kind})
        assert sent.status_code == 415


# -- the reply to what a customer wrote ---------------------------------------------------------------------------------------------------


@pytest.fixture
def answering(desk: Desk) -> Iterator[Desk]:
    desk.releases(arriving(name := f"answers-{new_id()[-8:]}", Act("send reply", "reply", {"text": STEPS})))
    yield desk
    desk.stops(name)


@pytest.mark.parametrize("channel", ["chat", "email", "voice"])
def test_one_recipe_speaks_as_each_channel_does(answering: Desk, channel: str) -> None:
    told = answering.respond(answering.arrives(channel=channel))
    print(f"{channel}: {told['reply']!r}")
    assert told["reply"] == ANSWER[channel]
    assert (told["handed_over"], told["why"], told["waiting"]) == (False, "", None)
    (run,) = told["runs"]
    assert told["by"] == {"recipe": run["recipe"], "version": 1} and run["reply"] == told["reply"]
    assert run["did"][0]["ref"] == responding.ANSWERED


def test_asked_again_the_same_reply_is_there_and_nothing_is_said_twice(answering: Desk) -> None:
    made = answering.arrives()
    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(lambda _: answering.respond(made), range(20)))
    assert all(one == told[0] for one in told) and told[0]["reply"] == STEPS
    with inside(*answering.place), store.reading() as db:
        assert [one.state for one in db.exec(select(Action).where(Action.conversation_id == made))] == ["done"]


def test_what_was_said_before_is_no_reply_to_what_came_after(answering: Desk) -> None:
    made = answering.arrives()
    assert answering.respond(made)["reply"] == STEPS
    with inside(*answering.place):
        answered = CanonicalMessage(id="2", role="assistant", text=STEPS)
        appending.append(("test", str(answering.count[0])), [answered], by=answering.staff.engineer)
    answering.writes_again("And who pays for that?")
    told = answering.respond(made)
    assert (told["reply"], told["by"], told["runs"], told["handed_over"], told["why"]) == ("", None, [], True, responding.NOBODY)


def test_where_nothing_is_in_force_a_person_answers(desk: Desk) -> None:
    assert desk.respond(desk.arrives()) == {
        "reply": "", "by": None, "handed_over": True, "why": "No recipe in force is for it. A person answers.", "waiting": None, "runs": [],
    }  # fmt: skip


def test_what_a_person_has_to_say_yes_to_is_no_reply(desk: Desk) -> None:
    desk.releases(arriving("asks", Act("send reply", "reply", {"text": "A secret offer."}), alone=Alone(changes=("tag",))))
    desk.releases(arriving("drafts", Act("draft reply", "draft", {"text": "A thought."})))
    made = desk.arrives()
    answer = desk.program.post(f"/api/v1/conversations/{made}/respond")
    told = answer.json()
    assert (told["reply"], told["by"], told["handed_over"]) == ("", None, False)
    assert told["waiting"]["told"] == "A reply is written. A lead decides." and "secret" not in answer.text
    assert sorted((one["recipe"], one["draft"], one["reply"]) for one in told["runs"]) == [("asks", "", ""), ("drafts", "A thought.", "")]
    with inside(*desk.place):
        approvals.approve(told["waiting"]["proposal"], by=desk.staff.lead)
        jobs.run_waiting()
    after = desk.respond(made)
    for name in ("asks", "drafts"):
        desk.stops(name)
    assert (after["reply"], after["by"], after["waiting"]) == ("A secret offer.", {"recipe": "asks", "version": 1}, None)


def test_a_gap_where_something_personal_stood_is_shown_to_no_customer(desk: Desk) -> None:
    desk.releases(arriving("echo", Act("send reply", "reply", {"text": "You wrote: {{message.text}}"})))
    gaps, none = desk.respond(desk.arrives(text="My card is 4111 1111 1111 1111.")), desk.respond(desk.arrives(text="It is late."))
    desk.stops("echo")
    assert (gaps["reply"], gaps["handed_over"]) == ("", True) and "‹CARD 1› stands in it" in gaps["why"]
    assert none["reply"] == "You wrote: It is late."  # the control


def test_who_asks_for_the_reply_finds_it_although_a_worker_runs_beside(answering: Desk) -> None:
    """Sent with ?respond=true recipes wait for who asks; without it the worker is first, and has no way to the customer."""
    outcomes = {}
    for respond in (True, False):
        said = one(9_000 + respond, id=new_id(), team="Oak", channel="chat", opened_at=now())
        body = json.dumps([said]).encode()
        with inside(*answering.place):
            signed = {signatures.HEADER: signatures.sign(answering.secret, body), "Content-Type": "application/json"}
        sent = answering.sender.post("/api/v1/conversations", params={"respond": respond}, content=body, headers=signed)
        assert sent.status_code == 200, sent.text
        (made,) = sent.json()["ids"]
        with inside(*answering.place):
            jobs.run_waiting()
            with store.reading() as db:
                (task,) = [one for one in db.exec(select(Task).where(Task.name == "classify")) if made in one.arguments["conversation_ids"]]
                assert task.state == "done"
        outcomes[respond] = answering.respond(made)
    assert (outcomes[True]["reply"], outcomes[True]["handed_over"]) == (STEPS, False)
    assert (outcomes[False]["reply"], outcomes[False]["handed_over"]) == ("", True)
    assert "no channel is connected that replies go out by" in outcomes[False]["why"]


def test_a_version_on_its_way_answers_those_customers_that_it_is_for(desk: Desk) -> None:
    made = arriving("coming", Act("send reply", "reply", {"text": "From the new one."}))
    with inside(*desk.place):
        recipes.save(made, why="Often.", based_on=None, by=desk.staff.rep)
        with store.writing() as db:
            release = releases.begin(db, Target(RECIPE, "coming", 1), proposal_id=None, by_itself=False, by=desk.staff.rep)
            releases.widen(db, release, 50, why="Half.", by=desk.staff.lead)
    told = {made: desk.respond(made)["reply"] for made in (desk.arrives() for _ in range(24))}
    with inside(*desk.place):
        with store.reading() as db:
            meant = {
                made: "From the new one." if releases.answers_for(release, found[0].customer_id) else ""
                for made in told
                if (found := conversations.get(made, by=desk.staff.engineer))
            }
        with store.writing() as db:
            releases.stop(db, db.merge(release), why="The test is over.", by=None)
    assert told == meant and set(told.values()) == {"", "From the new one."}


# -- who may ------------------------------------------------------------------------------------------------------------------------------


def test_only_a_token_for_it_is_heard(desk: Desk) -> None:
    made = desk.arrives()
    for path, body in ((f"/api/v1/conversations/{made}/respond", None), ("/api/v1/automations/late/run", {"conversation": made})):
        told = desk.stranger.post(path, json=body)
        assert told.status_code == 403 and "this token is for read" in told.json()["detail"]
        for headers in ({}, {"Authorization": "Bearer nothing"}):
            assert desk.nobody.post(path, json=body, headers=headers).status_code == 401
    assert desk.refunded() == []
    assert desk.program.get(f"/api/v1/conversations/{made}").status_code == 200  # which it reads, masked
    assert desk.program.post("/api/v1/answer", json={"question": "How long?"}).status_code == 403  # it is for nothing else


def test_a_teams_token_reaches_its_team(desk: Desk) -> None:
    ours, theirs = desk.arrives(), desk.arrives(team="Fern")
    told = {}
    for made in (ours, theirs, "none"):
        press = desk.reps.post("/api/v1/automations/late/run", json={"conversation": made})
        respond = desk.reps.post(f"/api/v1/conversations/{made}/respond")
        told[made] = (press.status_code, respond.status_code)
        if made != ours:
            assert press.json() == respond.json() == {"detail": "There is no such conversation within your reach."}
    assert told == {ours: (200, 200), theirs: (404, 404), "none": (404, 404)}
    assert desk.refunded() == []  # of theirs


def test_a_program_acts_in_the_name_of_its_person(desk: Desk) -> None:
    proposals = {}
    for name, program in (("rep", desk.reps), ("engineer", desk.program)):
        told = program.post("/api/v1/automations/much/run", json={"conversation": desk.arrives()}).json()
        with inside(*desk.place), store.reading() as db:
            proposals[name] = db.get_one(Proposal, told["waiting"]["proposal"]).proposer_id
    # an engineer may not ask for refunds: whoever put the recipe in force does
    assert proposals == {"rep": desk.staff.rep.id, "engineer": desk.staff.rep.id}
    with inside(*desk.place), store.reading() as db:
        (last,) = db.exec(select(Trace).where(Trace.state == "waiting").order_by(col(Trace.id).desc()).limit(1))
    with inside(*desk.place):
        with pytest.raises(Denied, match="not here"):
            responding.told(last, by=desk.staff.other)
        assert responding.told(last, by=desk.staff.lead).waits is not None  # the control
        assert actions.of_trace(last.id, by=desk.staff.lead) == []


def test_six_hundred_a_minute_are_the_most() -> None:
    assert (api_automations.A_MINUTE, api_automations.pace.a_minute) == (600, 600)


def test_both_are_described_in_one_piece() -> None:
    paths = api.openapi()["paths"]
    run, respond = (paths[path]["post"] for path in ("/v1/automations/{name}/run", "/v1/conversations/{conversation_id}/respond"))
    schema = run["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"conversation", "asked"} and "$ref" not in json.dumps(schema)
    assert "requestBody" not in respond and "the same run" in run["description"] and "?respond=true" in respond["description"]
