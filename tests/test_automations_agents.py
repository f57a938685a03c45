"""An agent at work: it decides what comes next; what it may do is decided by its document, the store, the door and the guardrails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlmodel import select

from automations import RECIPE, arriving, changes, gallery, going_on, reading, recipe, recipes, replay, waiting
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Recipe
from automations.settling import Ways
from automations.steps.all import DECLARATIONS, STEPS
from data import approvals, releases, store
from data.errors import Refused
from data.tables import Action, Span, Trace
from data.values import Target
from language.call import Call, ToolCall
from tests.test_automations_backtest import Market, market
from tests.test_automations_replay import by_hand

__all__ = ["market"]  # fixture

READY = {one.name: one for one in gallery.ready()}
ALONE = {"money": "50.00", "changes": ["refund", "draft reply", "hand over"], "approvers": 2}
LIMITS = {"money per run": "500.00", "money per day": "1000.00", "runs per day": 100, "currency": "EUR"}
BODY = READY["refund-agent"].as_body() | {"trigger": {"kind": "arrives"}, "alone": ALONE, "limits": LIMITS}
for _tool in BODY["agents"][0]["tools"]:
    if _tool["name"] == "refund":  # of these customers none cancels; some wait
        _tool["when"] = {"all": [{"order.days_late": {"at least": 1}}, {"order.refundable": {"more than": 0}}]}
Turn = str | list[tuple[str, dict[str, Any]]]  # what it says, or the tools that it uses


def with_agents(*agents: Mapping[str, Any], **more: Any) -> Recipe:
    """The ready one with these changes to its agent, or with these agents."""
    first = BODY["agents"][0]
    return recipe.of(BODY | {"agents": [first | dict(one) for one in agents] or BODY["agents"]} | more)


@dataclass
class Script:
    """A model that says what it is told to say, and keeps what it was asked."""

    turns: list[Turn | Callable[[Sequence[Any]], Turn]]
    asked: list[tuple[str, list[Any], list[str]]] = field(default_factory=list)

    def __call__(self, job: str, messages: Sequence[Any], tools: Sequence[Mapping[str, Any]]) -> Call:
        self.asked.append((job, list(messages), [str(one["name"]) for one in tools]))
        turn = self.turns.pop(0)
        said = turn(messages) if callable(turn) else turn
        if isinstance(said, str):
            return Call(job, "scripted", (), said, tokens_in=100, tokens_out=10, cost=0.01, ms=5.0)
        calls = tuple(ToolCall(f"call_{len(self.asked)}_{place}", name, given) for place, (name, given) in enumerate(said))
        return Call(job, "scripted", (), "", tools=calls, tokens_in=100, tokens_out=10, cost=0.01, ms=5.0)


def means(market: Market, script: Script | None) -> Means:
    return Means(Ways(shop=market.shop), Connected(shop=market.shop, talk=script), STEPS)


def goes_live(market: Market, made: Recipe) -> None:
    version = recipes.save(made, why="Often.", based_on=None, by=market.staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, made.name, version.target_number), proposal_id=None, why_before_ends="", by=market.staff.rep)


def runs(market: Market, made: Recipe, *turns: Any, days_late: int = 4) -> tuple[Trace, Script]:
    goes_live(market, made)
    script = Script(list(turns))
    live = arriving.arrived([market.comes(days_late=days_late, days_ago=0.5)], means=means(market, script)).live
    return row(next(one for one in live if one.target_name == made.name)), script


def row(trace: Trace) -> Trace:
    with store.reading() as db:
        return db.get_one(Trace, trace.id, populate_existing=True)


def did(trace: Trace) -> list[tuple[str, str, int | None]]:
    with store.reading() as db:
        found = db.exec(select(Action).where(Action.trace_id == trace.id).order_by(Action.id))
        return [(one.kind, one.state, one.cents) for one in found]


def spans(trace: Trace) -> list[Span]:
    with store.reading() as db:
        return list(db.exec(select(Span).where(Span.trace_id == trace.id).order_by(Span.seq)))  # type: ignore[arg-type]


LOOKS: Turn = [("order", {})]
PAYS: Turn = [("refund", {})]
SAYS = "It was late. Your money was paid back."
THANKS = "Thank you for writing to us."


def test_it_looks_up_pays_what_the_store_says_and_answers(market: Market) -> None:
    trace, script = runs(market, with_agents(), LOOKS, PAYS, SAYS)
    assert trace.state == "done", trace.state_json
    kinds = did(trace)
    assert [one[:2] for one in kinds] == [("refund", "done"), ("draft", "done")]
    found = {one.name: one for one in spans(trace)}
    looked = next(one for one in found.values() if one.kind == "tool" and one.input["step"] == "look up order")
    assert looked.output is not None and kinds[0][2] == int(float(looked.output["gave"]["refundable"]) * 100)
    assert [one.kind for one in spans(trace) if one.kind == "model"] == ["model"] * 3
    assert {one.name for one in spans(trace) if one.kind == "guardrail"} >= {"agent.injection", "agent.personal_data", "agent.secrets"}
    job, messages, tools = script.asked[0]
    assert (job, tools) == ("conversation", ["order", "refund", "articles", "person"])
    assert messages[0]["role"] == "system" and messages[1]["role"] == "user"


def test_an_amount_is_nothing_that_it_chooses(market: Market) -> None:
    trace, script = runs(market, with_agents(), LOOKS, [("refund", {"amount": "500.00"})], THANKS)
    assert [one[0] for one in did(trace)] == ["draft"]
    assert "'refund' takes no 'amount'" in str(script.asked[2][1][-1]["content"])


def test_another_customers_order_is_none(market: Market) -> None:
    market.comes(days_late=9, days_ago=0.5)  # has an order of its own
    with_theirs: Turn = [("order", {"number": "R-1"})]
    trace, script = runs(market, with_agents(), with_theirs, PAYS, THANKS)
    assert "has no order R-1" in str(script.asked[1][1][-1]["content"])
    assert "is not known" in str(script.asked[2][1][-1]["content"])  # what is to be paid
    assert [one[0] for one in did(trace)] == ["draft"]


def test_a_tool_is_used_only_where_its_condition_holds(market: Market) -> None:
    trace, script = runs(market, with_agents(), LOOKS, PAYS, THANKS, days_late=0)
    assert "is only used if" in str(script.asked[2][1][-1]["content"]) and [one[0] for one in did(trace)] == ["draft"]


def waits(market: Market, *, approvers: int = 2) -> tuple[Trace, Script, Recipe]:
    made = with_agents(alone=BODY["alone"] | {"money": "1.00", "approvers": approvers})
    trace, script = runs(market, made, LOOKS, PAYS)
    assert trace.state == "waiting" and did(trace) == [], trace.state_json
    return trace, script, made


def goes_on(market: Market, trace: Trace, script: Script) -> None:
    told = means(market, script)
    waiting.continue_run(str(trace.proposal_id), ways=told.ways)
    going_on.go_on(trace.id, ways=told.ways, connected=told.connected, steps=STEPS)


def test_what_is_above_its_limit_waits_for_two_people_and_it_goes_on_once(market: Market) -> None:
    trace, script, _ = waits(market)
    approvals.approve(str(trace.proposal_id), by=market.staff.lead)
    with pytest.raises(Refused):
        waiting.continue_run(str(trace.proposal_id), ways=means(market, script).ways)  # one of two
    approvals.approve(str(trace.proposal_id), by=market.staff.other)
    script.turns = [SAYS]
    goes_on(market, trace, script)
    goes_on_again = Script([])  # asked for nothing: it is over
    going_on.go_on(trace.id, ways=means(market, None).ways, connected=Connected(shop=market.shop, talk=goes_on_again), steps=STEPS)
    assert row(trace).state == "done" and [one[:2] for one in did(trace)] == [("refund", "done"), ("draft", "done")]
    messages = script.asked[-1][1]
    assert [one["role"] for one in messages[-4:]] == ["assistant", "tool", "assistant", "tool"]  # all of what was said before the yes
    assert "refund" in str(messages[-2]["tool_calls"]) and goes_on_again.asked == []


def test_a_run_that_a_death_cut_off_pays_once_whatever_it_says_the_second_time(market: Market) -> None:
    goes_live(market, with_agents())
    conversation = market.comes(days_late=4, days_ago=0.5)

    def dies(_: Any) -> Turn:
        raise KeyboardInterrupt  # after the money left, before the run is kept

    with pytest.raises(KeyboardInterrupt):
        arriving.arrived([conversation], means=means(market, Script([LOOKS, PAYS, dies])))
    second = Script([[("articles", {})], LOOKS, PAYS, SAYS])
    (trace,) = arriving.arrived([conversation], means=means(market, second)).live
    assert row(trace).state == "done" and [one[0] for one in did(trace)] == ["refund", "draft"]


TRIAGE = {"name": "triage", "model": "triage", "instructions": "Find out what it is.", "tools": [], "hands to": ["refunds"]}


def test_a_handoff_keeps_all_that_was_said_and_changes_instructions_tools_and_model(market: Market) -> None:
    made = with_agents(
        TRIAGE, {"name": "refunds", "model": "accuracy"}, steps=[{"name": "agent", "step": "agent", "with": {"agent": "triage"}}]
    )
    trace, script = runs(market, made, [("to_refunds", {})], LOOKS, PAYS, SAYS)
    assert trace.state == "done", trace.state_json
    assert [(job, tools[:1]) for job, _, tools in script.asked] == [
        ("triage", ["to_refunds"]), ("accuracy", ["order"]), ("accuracy", ["order"]), ("accuracy", ["order"]),
    ]  # fmt: skip
    first, second = script.asked[0][1], script.asked[1][1]
    assert first[0]["content"].startswith("Find out") and not second[0]["content"].startswith("Find out")
    assert second[1 : len(first)] == first[1:] and len(second) == len(first) + 2
    assert [one.name for one in spans(trace) if one.kind == "handoff"] == ["agent.refunds"]


def test_it_ends_at_its_bounds_and_a_person_goes_on(market: Market) -> None:
    trace, script = runs(market, with_agents({"turns": 3}), *[LOOKS] * 9)
    assert trace.state == "handed_over" and len(script.asked) == 3
    assert "used 3 turns" in (trace.state_json or {})["why"]


def test_without_a_model_the_planner_decides_and_says_so(market: Market) -> None:
    goes_live(market, with_agents())
    (trace,) = arriving.arrived([market.comes(days_late=4, days_ago=0.5)], means=means(market, None)).live
    assert row(trace).state in ("done", "handed_over")
    assert {one.input["step"] for one in spans(trace) if one.kind == "model"} == {"embedded planner"}


def test_it_is_done_again_exactly_and_a_change_is_named(market: Market) -> None:
    trace, _ = runs(market, with_agents(), LOOKS, PAYS, SAYS)
    told = replay.replay(trace.id, steps=STEPS, by=market.staff.lead)
    assert told.exact, told.sentence
    with by_hand() as db:  # the control
        span = db.exec(select(Span).where(Span.trace_id == trace.id, Span.kind == "model")).first()
        assert span is not None and span.output is not None
        span.output = span.output | {"gave": {"text": "Something else.", "tools": []}}
        db.add(span)
    assert "it gave" in replay.replay(trace.id, steps=STEPS, by=market.staff.lead).sentence


def test_one_that_waited_is_done_again_exactly(market: Market) -> None:
    trace, script, _ = waits(market, approvers=1)
    approvals.approve(str(trace.proposal_id), by=market.staff.lead)
    script.turns = [SAYS]
    goes_on(market, trace, script)
    told = replay.replay(trace.id, steps=STEPS, by=market.staff.lead)
    assert row(trace).state == "done" and told.exact and told.effects == 2, told.sentence


# -- its document -------------------------------------------------------------------------------------------------------------------------


def faults(*agents: Mapping[str, Any], **more: Any) -> str:
    with pytest.raises(Refused) as told:
        recipe.check(with_agents(*agents, **more), DECLARATIONS)
    return str(told.value)


def test_the_ready_one_is_whole_and_reads_the_same_from_its_file() -> None:
    made = with_agents()
    recipe.check(made, DECLARATIONS)
    assert reading.read(reading.written(made), DECLARATIONS) == made and recipe.of(made.as_body()) == made


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ({"model": "huge"}, "there is no model for 'huge'"),
        ({"instructions": ""}, "it has no instructions"),
        ({"hands to": ["nobody"]}, "it hands over to 'nobody', which is no agent of this recipe"),
        ({"says": "refund"}, "its last words leave by draft reply or send reply"),
        ({"turns": 0}, "it has 1 to 30 turns, not 0"),
        ({"guardrails": {"luck": {}}}, "There is no guardrail 'luck'"),
        ({"tools": [{"name": "pay", "step": "refund"}]}, "the amount is nothing that an agent chooses. Bind it"),
        (
            {"tools": [{"name": "pay", "step": "refund", "with": {"amount": "{{message.text}}", "reason": "Late"}}]},
            "the amount is a gap that an amount fills",
        ),
        ({"tools": [{"name": "self", "step": "agent"}]}, "there is no step 'agent' that it could use"),
        ({"tools": [{"name": "x", "step": "http call", "with": {"address": "https://{{message.text}}"}}]}, "is written out"),
        ({"name": "Two words"}, "small letters"),
    ],
)
def test_what_is_wrong_with_an_agent_is_said(agent: Mapping[str, Any], words: str) -> None:
    assert words in faults(agent)


def test_an_agent_that_nobody_begins_with_and_limits_that_are_missing_are_said() -> None:
    assert "there is no agent 'refunds'" in faults({"name": "others"})
    assert "No step uses the agent" in faults(steps=[{"name": "tag", "step": "tag", "with": {"tag": "x"}}], alone={})
    assert "moves money without a limit" in faults(limits={"runs per day": 5, "currency": "EUR"}, alone={})


def test_every_change_of_an_agent_is_told() -> None:
    before = with_agents()
    for agent, words in (
        ({"instructions": "Be kind."}, "instructions"),
        ({"model": "accuracy"}, "model: 'accuracy' instead of 'conversation'"),
        ({"turns": 9}, "turns: 9 instead of 8"),
        ({"guardrails": {}}, "guardrail 'tone' is gone"),
        ({"tools": BODY["agents"][0]["tools"][:1]}, "has no tool 'refund' any more"),
        ({"says": "send reply"}, "its last words leave by: 'send reply' instead of 'draft reply'"),
    ):  # fmt: skip
        told = changes.told(before, with_agents(agent))
        assert any(words in one for one in told), told
    assert changes.told(before, before) == []
    assert any("Agent 'triage' is new" in one for one in changes.told(before, with_agents(TRIAGE, {})))
