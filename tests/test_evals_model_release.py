"""A new model on its way: asked beside the one in force, for some customers, for everybody, and taken back by itself where it harms."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from data import approvals, inbox, people, releases, store, traces
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Release, Span, Trace
from data.values import LIVE, SHADOW, Subject, Target, now
from evals import model_release as steps
from evals import models as trying
from language import patience
from language.call import Call
from tests import model_server as server
from tests import two_models as two
from tests import worlds
from tests.conftest import Staff
from tests.conversations import canonical
from tests.model_server import Model
from tests.test_evals_models import JOB, made, proposed
from tests.two_models import KNOWN, NEW, OLD

SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running(two.playing(), port=server.usual_port()) as running:
        yield running


@pytest.fixture
def desk(staff: Staff, model: Model) -> Staff:
    connected_and_run(staff, model)
    return staff


@worlds.remembered
def connected_and_run(staff: Staff, model: Model) -> None:
    two.connect(model, staff, tokens_per_person=None, money_per_person=None)
    two.run_old(staff, two.parcels(staff))


@pytest.fixture
def beside(desk: Staff) -> Release:
    return released(desk)


@worlds.remembered
def released(desk: Staff) -> Release:
    """A better model that two people released: it is asked beside the one in force."""
    target = made(desk)
    trying.try_out(target, known=KNOWN, by=desk.engineer)
    proposal = proposed(desk, target)
    approvals.approve(proposal.id, by=desk.admin)
    return trying.ship(proposal.id)


def of_mode(mode: str) -> list[Trace]:
    with store.reading() as db:
        return list(db.exec(select(Trace).where(Trace.mode == mode, Trace.target_name == JOB).order_by(col(Trace.id))))


def calls(
    target: Target, count: int, *, mode: str = LIVE, ms: float = 100.0, error: str = "", beside: list[Trace] | None = None
) -> list[Trace]:
    """So many calls as the record keeps them."""
    with store.writing() as db:
        made = []
        for number in range(count):
            call = Call(target.name, "m", (), text="ok", ms=ms, error=error, why="It failed." if error else "")
            trace = traces.begin(db, target, by=people.console(), tokens=0, cost=0.0, mode=mode)
            trace.state_json = {"beside": beside[number].id} if beside else None
            traces.record(db, trace, call)
            made.append(trace)
        return made


def both(release: Release, count: int, **more: object) -> None:
    """So many calls of the live one, each asked of the new one too."""
    live = calls(two.first(JOB), count)
    calls(releases.target_of(release), count, mode=SHADOW, beside=live, **more)  # type: ignore[arg-type]


def look() -> str:
    return steps.look(known=KNOWN, by=people.console())


def stage() -> tuple[str, int] | None:
    found = releases.under_way("model", JOB)
    return (found.stage, found.percent) if found else None


# -- beside -------------------------------------------------------------------------------------------------------------------------------


def test_the_new_model_is_asked_the_same_in_the_background_and_nobody_is_shown_it(desk: Staff, beside: Release, model: Model) -> None:
    model.says(two.playing(lambda asked, body: f'{{"place": "{body["model"]}"}}'))
    said = [two.ask(JOB, desk, f"Where is parcel {number}?", schema=SCHEMA, max_tokens=77) for number in range(16)]
    assert {call.parsed["place"] for call in said} == {OLD} and set(two.asked_of(model)) == {OLD}
    told = look()
    shadows = of_mode(SHADOW)
    assert 0 < len(shadows) < 16 and "is asked beside the model in force" in told
    asked = [one.body for one in model.asked if one.body["model"] == NEW]
    assert len(asked) == len(shadows) and {one["max_tokens"] for one in asked} == {77} and all("response_format" in one for one in asked)
    live = {trace.id: trace for trace in of_mode(LIVE)}
    with store.reading() as db:
        for trace in shadows:
            assert trace.state_json is not None and trace.state_json["beside"] in live and trace.said is None
            (mine,) = db.exec(select(Span).where(Span.trace_id == trace.id))
            (theirs,) = db.exec(select(Span).where(Span.trace_id == trace.state_json["beside"]))
            assert mine.input == theirs.input and mine.output is not None and mine.output["parsed"] == {"place": NEW}
    look()
    assert len(of_mode(SHADOW)) == len(shadows)  # each is asked once


def test_calls_are_kept_to_be_asked_again_only_while_something_is_beside(desk: Staff) -> None:
    two.ask(JOB, desk)
    assert of_mode(LIVE)[-1].state_json is None


def test_what_the_day_may_cost_holds_for_what_is_asked_beside(staff: Staff, model: Model) -> None:
    two.connect(model, staff, tokens_per_person=None, money_per_person=None, tokens_per_day=200_000)
    two.run_old(staff, two.parcels(staff))
    target = made(staff)
    trying.try_out(target, known=KNOWN, by=staff.engineer)
    proposal = proposed(staff, target)
    approvals.approve(proposal.id, by=staff.admin)
    trying.ship(proposal.id)
    for number in range(8):
        two.ask(JOB, staff, f"Where is parcel {number}?")
    with store.writing() as db:
        traces.begin(db, two.first(JOB), by=people.console(), tokens=199_000, cost=0.0)  # somebody is at something large
    assert "today's budget" in look() and of_mode(SHADOW) == []


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def test_it_goes_step_by_step_as_each_step_is_met(desk: Staff, beside: Release) -> None:
    assert "It was asked in 0 calls; the next step asks for 50." in look() and stage() == ("shadow", 0)
    both(beside, 50)
    assert "answers for 10 % of customers" in look() and stage() == ("percent", 10)
    assert "the next step asks for 50" in look()
    calls(releases.target_of(beside), 50)
    assert "answers for everybody" in look() and stage() is None
    assert two.ask(JOB, desk).model in (NEW, OLD)  # five of a hundred stay with the one before for a week
    found = releases.in_force("model", JOB)
    assert found is not None and found.before is not None and releases.target_of(found.live) == releases.target_of(beside)


def test_customers_are_told_apart_by_who_they_are_and_stay_where_they_are(desk: Staff, beside: Release) -> None:
    door.receive([canonical(number, customer=f"customer {number}") for number in range(1, 61)], by=people.console(), classify=False)
    with store.writing() as db:
        release = db.get_one(Release, beside.id)
        releases.widen(db, release, 40, why="A test.", by=None)
        mine = list(db.exec(select(Conversation)))
        new = {one.id for one in mine if releases.answers_for(release, one.customer_id)}
    for _ in range(2):
        got = {one.id for one in mine[:12] if two.ask(JOB, desk, subject=Subject(one.id, 1)).model == NEW}
        assert got == new & {one.id for one in mine[:12]}
    assert 10 < len(new) < 40


def test_a_person_without_a_customer_is_always_answered_by_the_same(desk: Staff, beside: Release) -> None:
    with store.writing() as db:
        releases.widen(db, db.get_one(Release, beside.id), 50, why="A test.", by=None)
    for person in (desk.rep, desk.lead, desk.engineer):
        assert len({two.ask(JOB, desk, f"Where is parcel {number}?", by=person).model for number in range(4)}) == 1
    asked = {two.ask(JOB, desk, f"Where is parcel {number}?", by=people.console()).model for number in range(16)}
    assert asked == {OLD, NEW}  # the portal itself is no person: by what is asked


def test_by_hand_it_goes_before_enough_was_asked_but_never_past_the_gate(desk: Staff, beside: Release) -> None:
    with pytest.raises(Denied):
        steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.rep)
    with pytest.raises(Refused, match="say why"):
        steps.advance(beside.id, why=" ", known=KNOWN, by=desk.lead)
    two.run_old(desk, two.parcels(desk, name="Another"))
    with pytest.raises(Refused, match=r"Not changed: .* was not tried on 'Another' 1"):
        steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.lead)
    trying.try_out(releases.target_of(beside), known=KNOWN, by=desk.engineer)
    assert steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.lead).stage == "percent"
    assert steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.lead).stage == "live"
    with pytest.raises(Refused, match="not under way any more"):
        steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.lead)


def test_one_person_stops_it_at_once(desk: Staff, beside: Release) -> None:
    with pytest.raises(Denied):
        steps.stop(beside.id, why="No.", by=desk.rep)
    steps.stop(beside.id, why="It invents places.", by=desk.lead)
    assert stage() is None and two.ask(JOB, desk).model == OLD


# -- by itself ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worse", "why"), [({"error": "down"}, "it failed in"), ({"ms": 5_000.0}, "it was too slow in")], ids=["faults", "slow"]
)
def test_what_harms_is_taken_back_by_itself_and_who_proposed_it_hears(
    desk: Staff, beside: Release, worse: dict[str, object], why: str
) -> None:
    both(beside, 30, **worse)
    assert "was taken back by itself" in look() and stage() is None
    ended = releases.steps("model", JOB)[-1]
    assert ended.stage == "ended" and why in ended.ended_why
    assert any("was taken back by itself" in one.sentence for one in inbox.of(desk.engineer))


def test_what_is_as_good_is_not_taken_back(desk: Staff, beside: Release) -> None:
    both(beside, 30, ms=180.0)
    look()
    assert stage() == ("shadow", 0)


def test_for_a_week_the_one_before_takes_over_again_where_the_new_one_harms(desk: Staff, beside: Release) -> None:
    for _ in range(2):
        steps.advance(beside.id, why="It is good.", known=KNOWN, by=desk.lead)
    calls(two.first(JOB), 40)
    calls(releases.target_of(beside), 40)
    look()
    live = releases.live("model", JOB)
    assert live is not None and releases.target_of(live) == releases.target_of(beside)  # the control
    calls(releases.target_of(beside), 40, error="down")
    assert "was taken back by itself" in look()
    assert two.ask(JOB, desk).model == OLD


def test_what_real_calls_of_a_job_took_lately_is_told_whichever_model_did_it(desk: Staff, beside: Release) -> None:
    assert trying.lately(JOB, by=desk.engineer).calls == 0  # what was tried is not in it
    calls(two.first(JOB), 3, ms=100.0)
    calls(releases.target_of(beside), 1, ms=300.0)
    calls(releases.target_of(beside), 5, mode=SHADOW)
    calls(two.first(JOB), 5, error="down")
    found = trying.lately(JOB, by=desk.engineer)
    assert (found.calls, found.p50, found.p95) == (4, 100.0, 300.0)
    assert trying.lately(JOB, by=desk.engineer, at=now() + timedelta(days=29)).calls == 0
    with pytest.raises(Denied):
        trying.lately(JOB, by=desk.rep)
