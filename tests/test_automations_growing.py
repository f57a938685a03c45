"""A second agent from cases that failed: what it begins with, on what it is judged, and what two versions show on the same cases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import select

from automations import RECIPE, arriving, causes, failures, growing, recipe, recipes, rerunning
from automations.backtest import Line
from automations.conversing import Case, Connected
from automations.growing import BEGUN, GROWN
from automations.recipe import Recipe
from automations.rerunning import FAILING, WELL, Pair, Ran, Twice
from automations.steps.all import DECLARATIONS, STEPS
from data import releases, store, versions
from data.errors import Denied, Refused
from data.tables import Action, Conversation, Person, Study, Trace
from data.values import Target, now
from language.call import Call, ToolCall
from tests.test_automations_agents import BODY, goes_live, means, with_agents
from tests.test_automations_backtest import Market, market

__all__ = ["market"]  # fixture

NAME = "refund-agent"
LATER = timedelta(days=3)  # then it is known what people did
CAUSE = causes.WRONG_ARGUMENT
ONE = {"turns": 4}
PAYS = {"name": "goodwill", "step": "refund", "with": {"amount": "5.00", "order": "{{order.number}}", "reason": "As a courtesy"}}


@dataclass
class Works:
    """A model that looks the order up and pays what came late. What came in time it hands over where it may, else it asks again."""

    hands: Callable[[bool], bool] = lambda late: not late
    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, job: str, messages: Sequence[Any], tools: Sequence[Mapping[str, Any]]) -> Call:
        names = [str(one["name"]) for one in tools]
        self.asked.append(job)
        if self.fails:
            return Call(job, "scripted", (), "", error="no answer", why="The model did not answer.")
        wanted = self.wants(names, messages)
        calls = (ToolCall(f"call_{len(self.asked)}", wanted, {}),) if wanted else ()
        text = "" if wanted else "I am sorry about your parcel."
        return Call(job, "scripted", (), text, tools=calls, tokens_in=100, tokens_out=10, cost=0.01, ms=5.0)

    def wants(self, names: Sequence[str], messages: Sequence[Any]) -> str:
        """The next tool; none: it answers."""
        done = [call["function"]["name"] for one in messages for call in one.get("tool_calls") or ()]
        told = [str(one["content"]) for one in messages if one["role"] == "tool"]
        if not told:
            return "order"
        late = '"days_late": 0' not in told[0]
        over = next((name for name in names if name.startswith("to_")), "")
        if over and self.hands(late):
            return over
        if "goodwill" in names:
            return "" if "goodwill" in done else "goodwill"
        if "refund" in names and late:
            return "" if "refund" in done else "refund"
        return "" if late else "order"


@dataclass
class Grown:
    """One agent was live for a while: some of its runs failed, the others went well."""

    market: Market
    failing: list[str]
    well: list[str]

    @property
    def one(self) -> Target:
        return Target(RECIPE, NAME, 1)

    def begin(self, *, by: Person | None = None) -> growing.Plan:
        told, made = growing.with_another(read(self.one), CAUSE, DECLARATIONS)
        assert told.agents[-1] == made
        return growing.begin(self.one, CAUSE, agent=made.name, since=since(), by=by or self.market.staff.lead)

    def saved(self, *tools: Mapping[str, Any], **more: Any) -> Target:
        """With the second agent, whose instructions somebody wrote."""
        grown, _ = growing.with_another(read(self.one), CAUSE, DECLARATIONS)
        body = grown.as_body()
        body["agents"][-1] |= {"instructions": "Pay 5.00 where it came in time.", "tools": [*body["agents"][-1]["tools"], *tools]} | more
        version = recipes.save(recipe.of(body), why="Half need more.", based_on=1, by=self.market.staff.lead)
        return Target(RECIPE, NAME, version.target_number)

    def compare(self, target: Target, model: Works | None = None, *, by: Person | None = None, at: datetime | None = None) -> Study:
        connected = Connected(shop=self.market.shop, talk=model)
        return growing.compare(target, connected=connected, steps=STEPS, by=by or self.market.staff.lead, at=at or now() + LATER)


def read(target: Target) -> Recipe:
    return recipes.read(versions.get(target))


def since() -> datetime:
    return now() - timedelta(days=7)


def grown(market: Market, failing: int = 6, well: int = 6, *, team: str = "Oak") -> Grown:
    """People paid 5.00 back to each customer whose run failed."""
    if releases.live(RECIPE, NAME) is None:
        goes_live(market, with_agents(ONE))
    failed = [market.comes(days_late=0, paid_back=500, days_ago=0.5, team=team) for _ in range(failing)]
    good = [market.comes(days_late=3, days_ago=0.5, team=team) for _ in range(well)]
    arriving.arrived([*failed, *good], means=means(market, Works()))  # type: ignore[arg-type]
    failures.look()
    return Grown(market, failed, good)


# -- the draft ----------------------------------------------------------------------------------------------------------------------------


def test_the_second_agent_is_a_draft_with_the_look_ups_of_the_first_behind_a_handoff() -> None:
    before = with_agents()
    after, made = growing.with_another(before, causes.POLICY, DECLARATIONS)
    assert (made.name, made.title, made.instructions) == ("against_the_policy", "Against the policy", "")
    assert made.what == "Cases where it asked for what the rules do not allow."
    assert [tool.name for tool in made.tools] == ["order", "articles"]  # neither pays nor hands over
    assert after.agents[0].hands_to == ("against_the_policy",) and after.agents[0].tools == before.agents[0].tools
    assert (made.model, made.says, made.guardrails) == ("conversation", "draft reply", before.agents[0].guardrails)
    with pytest.raises(Refused, match="Agent 'against_the_policy': it has no instructions"):
        recipe.check(after, DECLARATIONS)


def test_with_instructions_it_can_be_used_and_a_second_one_has_a_name_of_its_own() -> None:
    once, _ = growing.with_another(with_agents(), causes.POLICY, DECLARATIONS)
    twice, made = growing.with_another(once, causes.POLICY, DECLARATIONS)
    assert made.name == "against_the_policy_2" and twice.agents[0].hands_to == ("against_the_policy", made.name)
    body = twice.as_body()
    for agent in body["agents"][1:]:
        agent["instructions"] = "Look whether it is eligible."
    recipe.check(recipe.of(body), DECLARATIONS)


def test_a_look_up_that_needs_what_only_a_change_gives_is_left_out() -> None:
    tools = [
        {"name": "pay", "step": "refund", "with": {"amount": "5.00", "reason": "Late"}},
        {"name": "again", "step": "look up order", "with": {"number": "{{pay.reference}}"}},
        {"name": "order", "step": "look up order"},
    ]
    _, made = growing.with_another(with_agents({"tools": tools}), causes.SLOW, DECLARATIONS)
    assert [tool.name for tool in made.tools] == ["order"]


def test_where_there_is_no_first_agent_or_no_room_none_is_added() -> None:
    with pytest.raises(Refused, match="works without one"):
        growing.with_another(Recipe("x"), causes.SLOW, DECLARATIONS)
    with pytest.raises(Refused, match="there is no such cause"):
        growing.with_another(with_agents(), "luck", DECLARATIONS)
    full = with_agents({}, *({"name": f"other_{number}"} for number in range(7)))
    with pytest.raises(Refused, match="at most 8, and this one has 8"):
        growing.with_another(full, causes.SLOW, DECLARATIONS)


# -- what it is for -----------------------------------------------------------------------------------------------------------------------


def test_it_is_remembered_on_which_cases_it_is_to_be_judged(market: Market) -> None:
    made = grown(market, 3, 5)
    plan = made.begin()
    assert (plan.agent, plan.cause, plan.before) == ("wrong_value", CAUSE, 1)
    assert set(plan.failing) == set(made.failing) and len(plan.well) == 3 and set(plan.well) <= set(made.well)
    assert growing.plan_for(made.one, by=market.staff.lead) is None  # it has no such agent itself
    target = made.saved()
    assert growing.plan_for(target, by=market.staff.lead) == plan


def test_a_renamed_agent_is_judged_on_the_same_cases(market: Market) -> None:
    made = grown(market, 1, 1)
    plan = made.begin()
    body = read(made.one).as_body()
    body["agents"] = [body["agents"][0] | {"hands to": ["courtesy"]}, BODY["agents"][0] | {"name": "courtesy"}]
    version = recipes.save(recipe.of(body), why="", based_on=1, by=market.staff.lead)
    assert growing.plan_for(Target(RECIPE, NAME, version.target_number), by=market.staff.lead) == plan


def test_a_version_without_a_new_agent_is_compared_with_none(market: Market) -> None:
    made = grown(market, 1, 1)
    made.begin()
    version = recipes.save(with_agents({"turns": 5}), why="", based_on=1, by=market.staff.lead)
    with pytest.raises(Refused, match="no agent of this version was begun from cases that failed"):
        made.compare(Target(RECIPE, NAME, version.target_number), Works())


def test_of_another_team_nothing_is_remembered_and_nobody_begins_one_without_the_right(market: Market) -> None:
    made = grown(market, 2, 2, team="Fern")
    with pytest.raises(Refused, match="none of the runs that failed so is within your reach"):
        made.begin(by=market.staff.rep)
    with pytest.raises(Denied):
        made.begin(by=market.staff.admin)
    assert len(made.begin(by=market.staff.engineer).failing) == 2


# -- whether it helped --------------------------------------------------------------------------------------------------------------------


def test_one_that_helps_is_better_and_says_what_it_costs(market: Market) -> None:
    made = grown(market)
    made.begin()
    told = made.compare(made.saved(PAYS), Works()).told
    assert told["verdict"] == "better", told["sentence"]
    assert told["sentence"].startswith(
        "Better: of the cases that failed, 6 of 6 go right with it and 0 did before (6 fixed, 0 broken). "
        "Of those that went well, 6 of 6 go right with it and 6 did before (0 fixed, 0 broken)."
    )
    assert "asks models 3.5 times in place of 3.5, uses 385 tokens in place of 385 and costs 0.0350 in place of 0.0350" in told["sentence"]
    assert "It costs more" not in told["sentence"]
    failing, well = (told["figures"][group] for group in ("failing", "well"))
    assert (failing["after"]["reached"], failing["before"]["reached"], well["after"]["reached"]) == (6, 0, 0)
    assert (failing["before"]["handled"], failing["after"]["handled"]) == (0, 6)
    assert (failing["after"]["machine"], failing["after"]["due"]) == ("30.00", "30.00")
    assert (well["before"]["machine"], well["before"]["due"]) == ("148.80", "148.80")  # what the live runs paid was right then
    assert (failing["before"]["calls"], failing["after"]["calls"]) == (24, 24) and told["models"] == ["scripted"]
    assert {one["conversation"] for one in told["lines"] if one["change"] == "fixed"} == set(made.failing)
    judged = told["groups"]["failing"]["judged"]["right"]
    assert judged["p"] < 0.05 and "McNemar" in judged["how"]


def test_nothing_leaves_while_two_versions_are_compared(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    before = _moved(), _entries(market, made)
    made.compare(made.saved(PAYS), Works())
    assert (_moved(), _entries(market, made)) == before
    goes_on = market.comes(days_late=3, days_ago=0.5)
    arriving.arrived([goes_on], means=means(market, Works()))  # type: ignore[arg-type]
    assert _moved() == before[0] + 2  # the control: a run in force pays and drafts


def _moved() -> int:
    with store.reading() as db:
        return len(db.exec(select(Action)).all())


def _entries(market: Market, made: Grown) -> int:
    with store.reading() as db:
        customers = [db.get_one(Conversation, one).customer_id for one in (*made.failing, *made.well)]
    return sum(len(order.entries) for customer in customers for order in market.shop.orders_of(customer))


def test_one_that_only_costs_more_helps_nobody_as_far_as_can_be_told(market: Market) -> None:
    made = grown(market)
    made.begin()
    told = made.compare(made.saved(BODY["agents"][0]["tools"][1]), Works(hands=lambda late: late)).told
    assert told["verdict"] == "cannot_tell", told["sentence"]
    assert "The cases that failed show no difference." in told["sentence"] and "It costs more" in told["sentence"]
    assert told["figures"]["well"]["after"]["cost"] > told["figures"]["well"]["before"]["cost"]
    assert told["figures"]["well"]["after"]["right"] == 6  # it does the same, by one more


def test_one_that_breaks_what_went_well_is_worse(market: Market) -> None:
    made = grown(market)
    made.begin()
    target = made.saved(PAYS)
    told = made.compare(target, Works(hands=lambda _late: True)).told
    assert told["verdict"] == "worse", told["sentence"]  # though it mends all that failed
    assert "6 of 6 go right with it and 0 did before" in told["sentence"]
    assert "Of those that went well, 0 of 6 go right with it and 6 did before (0 fixed, 6 broken)." in told["sentence"]
    assert {one["conversation"] for one in told["lines"] if one["change"] == "broken"} == set(made.well)
    assert made.compare(target, Works()).told["verdict"] == "better"  # the control: where it is not handed all of them


def test_with_few_cases_it_says_how_many_more_would_decide(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    told = made.compare(made.saved(PAYS), Works()).told
    assert told["verdict"] == "cannot_tell"
    assert "2 of 2 go right with it and 0 did before" in told["sentence"]
    assert "About 10 more cases that failed would decide." in told["sentence"]


def test_where_none_went_well_it_is_not_said_to_help(market: Market) -> None:
    made = grown(market, 7, 0)
    made.begin()
    told = made.compare(made.saved(PAYS), Works()).told
    assert told["verdict"] == "cannot_tell"
    assert "No case that went well was there to see whether it breaks any." in told["sentence"]


def test_cases_that_failed_since_are_looked_at_too_and_counted_apart(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    target = made.saved(PAYS)
    more = grown(market, 5, 5)
    told = made.compare(target, Works()).told
    assert told["begun"] == {"then": 2, "since": 5} and told["verdict"] == "better"
    assert {one["conversation"] for one in told["lines"]} == {*made.failing, *made.well, *more.failing, *more.well}


def test_where_a_model_gives_no_answer_nothing_is_said_about_the_versions(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    with pytest.raises(Refused, match="a model gave no answer in any of the cases that failed"):
        made.compare(made.saved(PAYS), Works(fails=True))


def test_without_a_model_the_planner_decides_in_both_and_that_is_said(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    told = made.compare(made.saved(PAYS), None).told
    assert told["models"] == ["embedded planner"] and not told["talks"]
    assert "No model was asked: the embedded planner decided in both" in told["sentence"]
    assert told["figures"]["all"]["after"]["calls"] == 0


def test_what_is_too_young_or_out_of_reach_is_not_looked_at(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    target = made.saved(PAYS)
    with pytest.raises(Refused, match="of 2 cases that failed none is within your reach and older than a day"):
        made.compare(target, Works(), at=now())
    theirs = grown(market, 1, 1, team="Fern")
    with store.reading() as db:
        kinds = [one.kind for one in db.exec(select(Study))]
    assert kinds == [BEGUN]
    told = made.compare(target, Works(), by=market.staff.rep).told
    assert not {one["conversation"] for one in told["lines"]} & {*theirs.failing, *theirs.well}
    with pytest.raises(Denied):
        made.compare(target, Works(), by=market.staff.admin)


def test_of_another_teams_cases_only_the_figures_are_shown_and_whoever_approves_reads_the_verdict(market: Market) -> None:
    made, theirs = grown(market, 2, 2), grown(market, 1, 1, team="Fern")
    made.begin(by=market.staff.engineer)
    target = made.saved(PAYS)
    assert growing.newest(target, by=market.staff.rep) is None and growing.sentence_of(target, by=market.staff.rep) == ""
    study = made.compare(target, Works(), by=market.staff.engineer)
    assert study.kind == GROWN
    seen = growing.newest(target, by=market.staff.rep)
    assert seen is not None and seen.hidden == 2 and len(seen.told["lines"]) == 4
    assert not {*theirs.failing, *theirs.well} & {one["conversation"] for one in seen.told["lines"]}
    again = made.compare(target, Works(), by=market.staff.rep)  # of a plan that reaches further than they do
    assert {one["conversation"] for one in again.told["lines"]} == {*made.failing, *made.well}
    study = made.compare(target, Works(), by=market.staff.engineer)
    assert growing.sentence_of(target, by=market.staff.rep) == f"Whether the agent 'wrong_value' helps: {study.told['sentence']}"


def test_the_same_is_told_by_the_same_hash(market: Market) -> None:
    made = grown(market, 2, 2)
    made.begin()
    target = made.saved(PAYS)
    first, second = made.compare(target, Works()), made.compare(target, Works())
    assert first.told["inputs"] == second.told["inputs"]
    grown(market, 1, 1)
    assert made.compare(target, Works()).told["inputs"] != first.told["inputs"]


# -- how one is judged ----------------------------------------------------------------------------------------------------------------


def ran(right: bool = True, close: float | None = None, seconds: float = 1.0, unasked: str = "") -> Ran:
    paid = Decimal(5) if right else Decimal(0)
    line = Line("c", "chat", "", "en", "done", ("draft",), paid, False, Decimal(5), "Sorry.", "Sorry.", close, "", "", None)
    return Ran(line, Decimal(5), 2, 100, 0.01, seconds, (), frozenset({"scripted"}), unasked)


def pairs(group: str, *sides: tuple[Ran, Ran]) -> list[Pair]:
    """Each of another customer."""
    cases = (Case(Conversation(id=f"{group}{place}", customer_id=f"{group}{place}"), (), "", None, "", "") for place in range(len(sides)))
    return [Pair(Twice(group, case, case, Decimal(0)), *side) for case, side in zip(cases, sides, strict=True)]


def said(failing: Sequence[tuple[Ran, Ran]], well: Sequence[tuple[Ran, Ran]]) -> dict[str, Any]:
    return rerunning.told([*pairs(FAILING, *failing), *pairs(WELL, *well)], "x", True)


FIXED, SAME, BROKEN = (ran(False), ran()), (ran(), ran()), (ran(), ran(False))


@pytest.mark.parametrize(
    ("failing", "well", "verdict"),
    [
        ([FIXED] * 6, [SAME] * 6, "better"),
        ([FIXED] * 5, [SAME] * 6, "cannot_tell"),  # chance alone shows five of five in 6 of 100
        ([FIXED] * 6, [SAME] * 5 + [BROKEN], "cannot_tell"),
        ([FIXED] * 6, [BROKEN] * 6, "worse"),
        ([BROKEN] * 6, [SAME] * 6, "worse"),
        ([SAME] * 6, [SAME] * 6, "cannot_tell"),
        ([FIXED] * 6, [SAME] * 5 + [FIXED], "better"),
        ([FIXED] * 6, [], "cannot_tell"),
    ],
)  # fmt: skip
def test_better_is_what_helps_and_breaks_nothing(failing: Any, well: Any, verdict: str) -> None:
    assert said(failing, well)["verdict"] == verdict


def test_it_says_how_many_more_of_which_cases_would_decide() -> None:
    assert "About 10 more cases that failed would decide." in said([FIXED] * 3, [SAME] * 3)["sentence"]
    assert "more cases that went well would decide." in said([FIXED] * 6, [SAME] * 5 + [BROKEN])["sentence"]
    assert "would decide" not in said([FIXED] * 6, [SAME] * 6)["sentence"]
    few = said([FIXED] * 4 + [SAME] * 7, [SAME] * 6)  # surely no worse, but whether it helps is open
    assert few["verdict"] == "cannot_tell" and "About 10 more cases that failed would decide." in few["sentence"]
    assert "The cases that failed show no difference." in said([SAME] * 6, [SAME] * 6)["sentence"]


def test_an_agent_that_nobody_hands_anything_to_is_told_so() -> None:
    words = "'x' was handed none of those that failed"
    assert words in said([SAME] * 2, [SAME] * 2)["sentence"]
    handed = replace(ran(), agents=("x",))
    assert words not in said([(ran(), handed)] * 2, [SAME] * 2)["sentence"]


def test_replies_that_come_closer_decide_where_as_many_go_right() -> None:
    closer = [(ran(close=0.4 + place / 100), ran(close=0.7 + place / 90)) for place in range(12)]
    told = said(closer, [SAME] * 6)
    assert told["verdict"] == "better" and "Its replies come closer to what people wrote." in told["sentence"]
    told = said([(after, before) for before, after in closer], [SAME] * 6)
    assert told["verdict"] == "worse" and "Its replies come less close to what people wrote." in told["sentence"]
    assert said(closer[:9], [SAME] * 6)["verdict"] == "cannot_tell"  # too few were written
    broken_too = [(before, replace(after, due=Decimal(9))) for before, after in closer]
    assert said(broken_too, [SAME] * 6)["verdict"] == "worse"  # what goes right decides first


def test_a_case_in_which_a_model_gave_no_answer_is_left_out_and_counted() -> None:
    told = said([FIXED] * 6 + [(ran(False), ran(False, unasked="It was busy."))], [SAME] * 6)
    assert (told["unasked"], told["groups"][FAILING]["cases"], told["verdict"]) == (1, 6, "better")
    assert [one["why"] for one in told["lines"] if one["change"] == "unasked"] == ["It was busy."]


def test_the_middle_and_the_slowest_twentieth_are_told_by_the_nearest_rank() -> None:
    told = said([(ran(False), ran(seconds=float(place))) for place in range(1, 21)], [])
    assert (told["figures"]["all"]["after"]["p50"], told["figures"]["all"]["after"]["p95"]) == (10.0, 19.0)


def test_money_that_a_person_said_was_wrongly_paid_is_not_what_is_right(market: Market) -> None:
    made = grown(market, 0, 1)
    with store.writing() as db:
        trace = db.exec(select(Trace).where(Trace.conversation_id == made.well[0])).one()
        trace.cause, trace.outcome = causes.POLICY, "accepted"
        db.add(trace)
    paid = {made.well[0]: Decimal("24.80")}
    assert rerunning.moved_by_runs(RECIPE, NAME, made.well) == paid  # a rule alone does not say it
    failures.confirm(trace.id, causes.POLICY, by=market.staff.lead)
    assert rerunning.moved_by_runs(RECIPE, NAME, made.well) == {}
    failures.confirm(trace.id, causes.SLOW, by=market.staff.lead)
    assert rerunning.moved_by_runs(RECIPE, NAME, made.well) == paid
