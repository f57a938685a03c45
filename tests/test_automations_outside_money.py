"""Money that a tool from outside moves is counted as a refund is: in the run, on the day and for the customer, or the tool is not used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from automations import actions, recipes, running, waiting
from automations.actions import Policy, Real
from automations.conversing import Connected
from automations.door import Faked, Held, Wanted
from automations.outside import money, pins, proposing, sources, using
from automations.outside.money import NO_MONEY, SHOPS
from automations.outside.pins import Pin, Tool
from automations.recipe import Act, Alone, Limits, Recipe
from automations.running import DONE, HANDED_OVER, WAITING, Told
from automations.settling import Ways
from automations.steps.all import STEPS
from data import approvals, store
from data.errors import Refused
from data.values import now
from tests.mcp_server import CLOSE, ORDER, Program, over_http
from tests.test_automations_actions import Stand, begun_for, case_of, rows, standing
from tests.test_automations_agents import Script, with_agents
from tests.test_automations_outside import refusal, tool, world
from tests.test_automations_outside_programs import BOUND, carried, connected

AMOUNT = {"amount": {"type": "number"}, "reason": {"type": "string"}}
PAY = {
    "name": "pay_back", "description": "Pays money back.", "read_only": False,
    "schema": {"type": "object", "required": ["amount"], "properties": AMOUNT}, "text": "Paid.", "values": {},
}  # fmt: skip


def paying(**properties: Any) -> Tool:
    return tool({**PAY, "schema": {"type": "object", "properties": properties}})


def pinned(named: dict[str, str], one: Tool | None = None, *, changes: bool = True) -> Pin:
    return Pin(one or tool(PAY), changes, {}, named)


def source(pin: Pin) -> Any:
    from automations.outside.reaching import Way
    from automations.outside.using import Source

    return Source(Way("shop", url="https://tools.example/mcp"), {pin.tool.name: pin})


# What sounds like money


NUMBER, TEXT = {"type": "number"}, {"type": "string"}


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"amount": NUMBER}, ["amount"]), ({"refundTotal": TEXT}, ["refundTotal"]), ({"unit_prices": {"type": "integer"}}, ["unit_prices"]),
        ({"credits": {}}, ["credits"]), ({"TOTAL": NUMBER}, ["TOTAL"]),
        ({"refund": {"type": "object", "properties": {"value": NUMBER}}}, ["refund.value"]),
        ({"lines": {"type": "array", "items": {"type": "object", "properties": {"price": NUMBER, "title": TEXT}}}}, ["lines.price"]),
        ({"amounts": {"type": "array", "items": NUMBER}}, ["amounts"]),
        ({"reason": TEXT, "quantity": NUMBER, "summary": TEXT, "customer": TEXT}, []),
        ({"refund_reason": TEXT, "payment_status": TEXT}, []),
        ({"refund": {"type": "boolean"}}, []),
    ],
)  # fmt: skip
def test_what_sounds_like_money_is_found_by_its_name(properties: dict[str, Any], found: list[str]) -> None:
    assert money.likely(paying(**properties)) == found


def test_a_tool_of_which_nobody_said_what_its_amount_is_is_not_used_and_a_recipe_is_told_before() -> None:
    unsaid, told = pinned({}), "'pay_back' takes 'amount', and nobody said whether that is money. Say on Installation in which currency"
    given = {"source": "shop", "tool": "pay_back", "arguments": {"amount": 20}}
    assert told in refusal(lambda: STEPS["use tool"].run(given, world(source(unsaid))))
    assert told in next(iter(using.faults({"shop": source(unsaid)}, given, changes=True)))
    wanted = Wanted(
        "a", "use tool", "call", {"source": "shop", "tool": "pay_back", "sha": unsaid.tool.sha, "arguments": {"amount": 20}}, "Pay"
    )
    assert told in refusal(lambda: using.called(wanted, {"shop": source(unsaid)}))  # also what was written down before
    for said in (pinned({"amount": "EUR"}), pinned({"amount": NO_MONEY}), pinned({}, changes=False)):
        assert list(using.faults({"shop": source(said)}, given, changes=said.changes)) == []  # the control


def test_what_was_approved_before_anybody_asked_for_money_is_not_used_until_somebody_says_it() -> None:
    kept = pinned({"amount": "EUR"}).plain()
    assert pins.pin_of(kept).money == {"amount": "EUR"}
    del kept["money"]
    assert money.unnamed(pins.pin_of(kept)) == ["amount"]
    plain = Pin(tool(CLOSE), changes=True).plain()
    del plain["money"]
    assert money.unnamed(pins.pin_of(plain)) == []  # one without an amount goes on as it was


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"sum": "EUR"}, "'pay_back' takes no 'sum'. It takes amount, reason"), ({"amount": "euro"}, "'euro' is no currency"),
        ({"amount": "EUR", "reason": "USD"}, "'pay_back' would move EUR and USD at once"), ({"amount": ""}, "is no currency"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_not_said_of_a_tool(named: dict[str, str], why: str) -> None:
    assert why in money.wrong(tool(PAY), named, {})
    assert money.wrong(tool(PAY), {"amount": SHOPS}, {}) == "" == money.wrong(tool(PAY), {"amount": "DKK, in cents"}, {})
    assert "is always customer.key, so it is no money" in money.wrong(tool(PAY), {"amount": "EUR"}, {"amount": "customer.key"})
    assert "is no amount" in money.wrong(paying(refund={"type": "boolean"}), {"refund": "EUR"}, {})


# How much a use moves


LINES = {"type": "array", "items": {"type": "object", "properties": {"price": NUMBER}}}


@pytest.mark.parametrize(
    ("one", "named", "arguments", "moves"),
    [
        (paying(amount=NUMBER), {"amount": "EUR"}, {"amount": 19.9}, "19.9"),
        (paying(amount=TEXT), {"amount": "EUR"}, {"amount": "19.90"}, "19.90"),
        (paying(amount=NUMBER), {"amount": "EUR, in cents"}, {"amount": 1990}, "19.9"),
        (paying(lines=LINES), {"lines.price": "EUR"}, {"lines": [{"price": 5}, {"price": 7.5}]}, "12.5"),
        (paying(refund={"type": "object", "properties": {"value": NUMBER}}), {"refund.value": "EUR"}, {"refund": {"value": 3}}, "3"),
        (paying(amount=NUMBER, fee=NUMBER), {"amount": "EUR", "fee": "EUR"}, {"amount": 10, "fee": 2}, "12"),
        (paying(total=NUMBER), {"total": NO_MONEY}, {"total": 900}, "None"), (tool(CLOSE), {}, {"customer": "jo"}, "None"),
    ],
)  # fmt: skip
def test_every_amount_that_leaves_is_counted(one: Tool, named: dict[str, str], arguments: dict[str, Any], moves: str) -> None:
    assert str(money.moved(pinned(named, one), arguments)) == moves


@pytest.mark.parametrize(
    ("named", "arguments", "why"),
    [
        ({"amount": "EUR"}, {}, "is money, and it is left out: over there it would be chosen"),
        ({"amount": "EUR"}, {"amount": None}, "is no amount"), ({"amount": "EUR"}, {"amount": -500}, "'-500' is no amount"),
        ({"amount": "EUR"}, {"amount": "1,000"}, "is no amount"), ({"amount": "EUR"}, {"amount": True}, "is no amount"),
        ({"amount": "EUR"}, {"amount": float("inf")}, "is no amount"), ({"amount": "EUR"}, {"amount": [1, "much"]}, "'much' is no amount"),
        ({"amount": NO_MONEY}, {"amount": 1, "more": {"refund_amount": 500}}, "takes 'more.refund_amount', and nobody said"),
        ({"amount": NO_MONEY}, {"amount": 1, "more": [{"credit": "500"}]}, "takes 'more.credit', and nobody said"),
    ],
)  # fmt: skip
def test_what_is_written_so_that_nobody_can_count_it_is_refused(named: dict[str, str], arguments: dict[str, Any], why: str) -> None:
    assert why in refusal(lambda: money.moved(pinned(named), arguments))


def test_what_is_asked_for_and_what_is_sent_is_one_amount() -> None:
    found = source(pinned({"amount": "EUR"}))
    what = {"source": "shop", "tool": "pay_back", "sha": tool(PAY).sha, "arguments": {"amount": 900}}
    told = "was approved otherwise since this was asked for"
    for amount, code in ((Decimal(9), "EUR"), (None, ""), (Decimal(900), "USD")):
        wanted = Wanted("a", "use tool", "call", what, "Pay", amount, code)
        assert told in refusal(lambda: using.called(wanted, {"shop": found}))  # noqa: B023
    sent = replace(found, send=lambda wanted, *_, **__: "sent")
    assert using.called(Wanted("a", "use tool", "call", what, "Pay", Decimal(900), "EUR"), {"shop": sent}) == "sent"  # the control


def test_a_dry_run_counts_it_too() -> None:
    made = recipe(limits=Limits(money_per_run=Decimal(10), money_per_day=Decimal(100), currency="EUR"))
    given = {"source": "shop", "tool": "pay_back", "arguments": {"amount": 20}}
    held = world(source(pinned({"amount": "EUR"})), door=Faked(Held(made)))
    told = "Have shop use 'pay_back' with amount: 20: 20.00 EUR. 20.00 EUR would be moved in one run, and 10.00 are the limit."
    assert refusal(lambda: STEPS["use tool"].run(given, held)) == f"Not done: {told}"
    STEPS["use tool"].run(given, world(source(pinned({"amount": NO_MONEY})), door=Faked(Held(made))))  # the control: it is not counted


# In live runs, on both engines


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("program") / "program.json").says(ORDER, CLOSE, PAY)


@dataclass
class Desk:
    stand: Stand
    program: Program

    def approve(self, said: str) -> None:
        proposal = proposing.propose_tools(
            "shop",
            reads=["find_order"],
            bound=BOUND,
            moves={"pay_back": {"amount": said}},
            why="Recipes need them.",
            by=self.stand.staff.engineer,
        )
        carried(proposal, self.stand.staff)

    @property
    def ways(self) -> Ways:
        return Ways(shop=self.stand.shop, tools=sources.in_force())

    def run(self, made: Recipe, talk: Any = None, **more: Any) -> tuple[Told, Real]:
        trace = begun_for(self.stand.staff, made, self.stand.ids[0])
        gate = Real(Held(made), trace.id, by=self.stand.staff.rep, ways=self.ways, **more)
        case = case_of(trace)
        here = case.world(gate, Connected(shop=self.stand.shop, tools=sources.in_force(), talk=talk), now())
        return running.run(made, case.facts(), here, STEPS), gate

    @property
    def paid(self) -> list[float]:
        return [one["arguments"]["amount"] for one in self.program.used if one["tool"] == "pay_back"]


@pytest.fixture
def desk(staff: Any, home: Path, program: Program) -> Iterator[Desk]:
    with over_http(program) as web, standing(staff, home) as stand:
        connected(staff, program, web)
        yield Desk(stand, program)


def recipe(*amounts: float, limits: Limits | None = None, alone: int = 100) -> Recipe:
    acts = tuple(
        Act("use tool", f"paid_{place}", {"source": "shop", "tool": "pay_back", "arguments": {"amount": amount, "reason": "late"}})
        for place, amount in enumerate(amounts)
    )
    usual = Limits(money_per_run=Decimal(50), money_per_day=Decimal(70), runs_per_day=100, currency="EUR")
    return Recipe("pay back", "Pay back", acts=acts, limits=limits or usual, alone=Alone(money=Decimal(alone), changes=("use tool",)))


def kept(desk: Desk, made: Recipe) -> Recipe:
    recipes.save(made, why="So it is.", based_on=None, by=desk.stand.staff.engineer)
    return made


def test_it_counts_in_the_run_on_the_day_and_for_the_customer(desk: Desk) -> None:
    desk.approve("EUR")
    made = kept(desk, recipe(30, 30))
    told, _ = desk.run(made)
    assert told.state == HANDED_OVER and "60.00 EUR would be moved in one run, and 50.00 are the limit" in told.why
    assert desk.paid == [30] and [(one.cents, one.currency, one.state) for one in rows()] == [(3000, "EUR", "done")]
    told, _ = desk.run(recipe(45))
    assert "75.00 EUR would be moved in a day, and 70.00 are the limit" in told.why and desk.paid == [30]
    with store.writing() as db:
        got = actions.got_by(db, desk.stand.customers[0], "EUR", 60, None)
        assert got == Decimal(30) and actions.spent_before(db, made.name, None).money_today == Decimal(30)
    told, gate = desk.run(recipe(10), policy=Policy(Decimal(35)))
    assert told.state == WAITING and gate.asking is not None and gate.asking.needs == 2
    assert "above 35.00 EUR two people decide" in gate.asking.why and gate.asking.amounts["this"] == "10.00" and desk.paid == [30]


def test_what_two_people_said_is_no_money_is_counted_nowhere(desk: Desk) -> None:
    """The control of all of this."""
    desk.approve(NO_MONEY)
    kept(desk, recipe(30, 30))
    told, _ = desk.run(recipe(30, 30, 900), policy=Policy(Decimal(35)))
    assert told.state == DONE and desk.paid == [30, 30, 900] and {one.cents for one in rows()} == {None}


def test_the_shops_currency_is_the_one_in_which_the_customer_orders(desk: Desk) -> None:
    desk.approve(SHOPS)
    kept(desk, recipe(20))
    assert desk.run(recipe(20))[0].state == DONE and [(one.cents, one.currency) for one in rows()] == [(2000, "EUR")]
    other = recipe(20, limits=Limits(money_per_run=Decimal(50), money_per_day=Decimal(70), runs_per_day=100, currency="USD"))
    assert "The recipe's limits are in USD." in desk.run(other)[0].why and desk.paid == [20]


def test_above_what_the_recipe_may_move_alone_a_person_says_yes_and_the_same_amount_leaves_once(desk: Desk) -> None:
    desk.approve("EUR")
    kept(desk, recipe(40))
    told, gate = desk.run(recipe(40, alone=30))
    assert told.state == WAITING and "Above 30.00 EUR in a run a person decides." in told.why and desk.paid == []
    proposal = waiting.park(gate, told).proposal_id
    assert proposal is not None
    approvals.approve(proposal, by=desk.stand.staff.lead)
    waiting.continue_run(proposal, ways=desk.ways)
    assert desk.paid == [40] and [(one.cents, one.state) for one in rows()] == [(4000, "done")]


def test_what_was_asked_for_as_no_money_is_not_sent_once_it_is_money(desk: Desk) -> None:
    """Between the yes and the act somebody approved otherwise what its argument is."""
    desk.approve(NO_MONEY)
    kept(desk, recipe(40))
    told, gate = desk.run(replace(recipe(40), alone=Alone()))
    proposal = waiting.park(gate, told).proposal_id
    assert proposal is not None and told.state == WAITING
    desk.approve("EUR")
    approvals.approve(proposal, by=desk.stand.staff.lead, at=now() + timedelta(minutes=1))
    with pytest.raises(Refused, match="was approved otherwise since this was asked for"):
        waiting.continue_run(proposal, ways=desk.ways)
    assert desk.paid == []


def agents_recipe(**bound: Any) -> Recipe:
    """An agent that may pay back; what is bound it does not choose."""
    tool = {"name": "pay", "step": "use tool", "with": {"source": "shop", "tool": "pay_back", **bound}}
    made = with_agents(
        {"tools": [tool]}, name="pay back", limits={"money per run": "500", "money per day": "500", "currency": "EUR", "runs per day": 9}
    )
    return replace(made, alone=Alone(money=Decimal(500), changes=("use tool", "draft reply")), trigger=recipe().trigger)


def test_no_agent_chooses_an_amount(desk: Desk) -> None:
    desk.approve("EUR")
    kept(desk, recipe(1))
    asks: list[Any] = [[("pay", {"arguments": {"amount": 400}})], "Thank you for writing to us."]
    told, _ = desk.run(agents_recipe(), talk=Script(list(asks)))
    assert "'pay' moves money, and no agent chooses an amount" in str([one.why for one in told.spans]) and desk.paid == []
    told, _ = desk.run(agents_recipe(arguments={"amount": 4}), talk=Script([[("pay", {})], asks[1]]))  # the control
    assert desk.paid == [4] and [one.cents for one in rows() if one.kind == "call"] == [400]
    desk.approve(NO_MONEY)
    desk.run(agents_recipe(), talk=Script(list(asks)))
    assert desk.paid == [4, 400]  # what is no money it may choose


def test_a_tool_is_not_proposed_before_somebody_says_what_its_amount_is(desk: Desk) -> None:
    given: dict[str, Any] = {"reads": ["find_order"], "bound": BOUND, "why": "Recipes need them.", "by": desk.stand.staff.engineer}
    told = refusal(lambda: proposing.propose_tools("shop", **given))
    assert told.startswith("Not proposed: 'pay_back' takes 'amount', and nobody said whether that is money.")
    assert "is no currency" in refusal(lambda: proposing.propose_tools("shop", moves={"pay_back": {"amount": "much"}}, **given))
    assert "offers no 'gone'" in refusal(lambda: proposing.propose_tools("shop", moves={"gone": {"amount": "EUR"}}, **given))
    proposal = proposing.propose_tools("shop", moves={"pay_back": {"amount": "EUR"}}, **given)
    assert "Money is moved by pay_back, and counts as a refund does." in proposal.evidence["sentence"]
    assert proposal.evidence["tools"][2]["money"] == {"amount": "EUR"}
