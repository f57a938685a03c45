"""A run as people look at it: each step stands when it truly was, guardrails beside the model that they looked beside."""

from automations import ran
from automations.ran import Run
from data import approvals
from data.tables import Span, Trace
from portal import recipe_runs
from tests.test_automations_agents import LOOKS, PAYS, SAYS, goes_on, runs, spans, waits, with_agents
from tests.test_automations_backtest import Market, market

__all__ = ["market"]  # fixture


def starts(one: Span) -> float:
    return float((one.output or {})["starts"])


def test_guardrails_stand_beside_the_model_that_they_looked_beside(market: Market) -> None:
    """They are begun before the model is asked, and written down when something is to leave."""
    trace, _ = runs(market, with_agents(), LOOKS, PAYS, SAYS)
    found = spans(trace)
    models = [one for one in found if one.kind == "model"]
    looked = [one for one in found if one.kind == "guardrail"]
    assert looked[0].seq > models[1].seq  # behind each other they would stand here
    assert min(map(starts, looked)) <= starts(models[0]) < starts(models[1]) < starts(models[2])
    run = ran.one(trace.id, by=market.staff.lead)
    bars = {one["step"]: one for one in recipe_runs.bars(run)}
    first, model = (bars[f"{one.seq} · {recipe_runs.called(one)}"] for one in (looked[0], models[0]))
    assert first["starts"] <= model["starts"] and run.ms == max(one["ends"] for one in bars.values())


def test_what_it_waited_for_people_is_no_work_and_what_follows_stands_behind_it(market: Market) -> None:
    trace, script, _ = waits(market)
    before = spans(trace)
    for by in (market.staff.lead, market.staff.other):
        approvals.approve(str(trace.proposal_id), by=by)
    script.turns = [SAYS]
    goes_on(market, trace, script)
    behind = spans(trace)[len(before) :]
    assert behind and min(map(starts, behind)) >= max(starts(one) + one.ms for one in before)


def test_of_a_run_that_was_kept_before_that_was_known_each_step_stands_behind_the_other() -> None:
    def run(*outputs: dict[str, float]) -> Run:
        steps = [Span(trace_id="t", seq=n, kind="step", name=f"s{n}", input={}, output=one, ms=10.0) for n, one in enumerate(outputs, 1)]
        return Run(Trace(target_kind="recipe", target_name="r", target_number=1, mode="live", state="done"), steps, (), ())

    assert [one["starts"] for one in recipe_runs.bars(run({}, {}, {}))] == [0.0, 10.0, 20.0] and run({}, {}, {}).ms == 30.0
    assert run({"starts": 0.0}, {}, {"starts": 1.0}).starts == [0.0, 10.0, 20.0]
    beside = run({"starts": 0.0}, {"starts": 1.5}, {"starts": 2.0})  # the control
    assert [one["starts"] for one in recipe_runs.bars(beside)] == [0.0, 1.5, 2.0] and beside.ms == 12.0
    assert run().ms == 0.0 and run().starts == []
