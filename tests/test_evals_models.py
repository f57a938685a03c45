"""A new model is a candidate: tried on what tests the one in force, approved by another, and gone back from."""

from collections.abc import Iterator

import pytest
from sqlmodel import select

from data import approvals, audit, connections, models, releases, store, versions
from data.errors import Denied, Refused
from data.tables import Proposal, Result, Run, Study, Trace
from data.values import LIVE, RUN, Target, new_id, now
from evals import checks, judges, runs, scores, sets
from evals import models as trying
from evals.models import Evidence
from language import patience
from portal import catalog
from tests import model_server as server
from tests import two_models as two
from tests import worlds
from tests.conftest import Staff
from tests.model_server import Model
from tests.two_models import BAD, KNOWN, NEW, OLD

JOB = "conversation"


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running(two.playing(), port=server.usual_port()) as running:
        yield running


@pytest.fixture
def desk(staff: Staff, model: Model) -> Staff:
    """An endpoint in force, and a set on which its model for conversations was run."""
    connected_and_run(staff, model)
    return staff


@worlds.remembered
def connected_and_run(staff: Staff, model: Model) -> None:
    two.connect(model, staff)
    two.run_old(staff, two.parcels(staff))


def made(staff: Staff, name: str = NEW, job: str = JOB, **more: object) -> Target:
    return versions.target_of(trying.make(job, name, why="It is said to be better.", by=staff.engineer, **more))  # type: ignore[arg-type]


def tried(staff: Staff, name: str = NEW, **more: object) -> tuple[Target, Evidence]:
    target = made(staff, name, **more)
    return target, trying.try_out(target, known=KNOWN, by=staff.engineer)


def proposed(staff: Staff, target: Target) -> Proposal:
    return trying.propose(target, why="It knows more.", known=KNOWN, by=staff.engineer)


def shipped(staff: Staff, target: Target) -> None:
    proposal = proposed(staff, target)
    approvals.approve(proposal.id, by=staff.admin)
    trying.ship(proposal.id)


def live_now(target: Target) -> None:
    with store.writing() as db:
        releases.go_live(db, target, proposal_id=None, why_before_ends="followed", by=None)


# -- what is in force ---------------------------------------------------------------------------------------------------------------------


def test_the_first_model_that_answers_is_in_force_for_its_job(staff: Staff, model: Model) -> None:
    assert models.live(JOB) is None
    two.connect(model, staff)
    for job, name in two.MODELS.items():
        found = models.live(job)
        assert found is not None and (found.name, found.url) == (name, model.url)
        assert [version.target_number for version in trying.candidates_of(job, by=staff.engineer)] == [1]
    assert two.ask(JOB, staff).ok
    assert len(versions.all_of("model", JOB)) == 1  # it stays the one


def test_a_model_that_never_answered_is_not_in_force(staff: Staff, model: Model) -> None:
    model.says(server.status(404, "no such model"))
    two.in_force(staff, connections.propose_endpoint(model.url, server.KEY, two.MODELS, why="x", by=staff.engineer))
    assert not two.ask(JOB, staff).ok and models.live(JOB) is None
    mended = {**two.MODELS, JOB: "another"}  # so a slip of the pen is mended as it was made, by two people
    two.in_force(staff, connections.propose_endpoint(model.url, server.KEY, mended, why="x", by=staff.engineer))
    model.says(two.playing())
    assert two.ask(JOB, staff).model == "another"


# -- a candidate --------------------------------------------------------------------------------------------------------------------------


def test_a_candidate_runs_on_every_set_that_uses_the_one_in_force(desk: Staff, model: Model) -> None:
    two.parcels(desk, name="Never run")
    other = two.parcels(desk, name="Small", count=3)
    two.run_old(desk, other)
    model.asked.clear()
    target, found = tried(desk)
    assert [(one.eval_set.name, one.run.passed, one.before.passed) for one in found.on_sets] == [("Parcels", 24, 20), ("Small", 3, 3)]
    assert {name: two.asked_of(model).count(name) for name in (NEW, OLD)} == {NEW: 27, OLD: 27}
    with store.reading() as db:
        ran = db.exec(select(Run).where(Run.target_name == JOB, Run.target_number == target.number)).all()
        traces = db.exec(select(Trace).where(Trace.target_name == JOB, Trace.target_number == target.number)).all()
    assert len(ran) == 2 and len(traces) == 27 and {trace.mode for trace in traces} == {RUN}


def test_quality_cost_and_latency_stand_beside_those_of_the_one_in_force(desk: Staff) -> None:
    _, found = tried(desk, prices=(4.0, 8.0))
    (one,) = found.on_sets
    assert (found.live.name, found.model.name, found.live_number) == (OLD, NEW, 1)
    assert one.comparison.sentence in found.sentence and (one.comparison.fixed, one.comparison.broken) == (4, 0)
    assert found.figures_before.of_a_thousand == pytest.approx(1000 * (10 * 1.0 + 5 * 2.0) / 1e6)  # each answer: 10 tokens in, 5 out
    assert found.figures.of_a_thousand == pytest.approx(1000 * (10 * 4.0 + 5 * 8.0) / 1e6)
    assert found.figures.calls == 24 and 0 < found.figures.p50 <= found.figures.p95
    assert "0.08 for 1,000 calls" in found.spends and "0.02 for 1,000 calls" in found.spends


def test_without_a_price_none_is_made_up(desk: Staff) -> None:
    assert f"{NEW}: no price is known" in tried(desk)[1].spends


def test_a_worse_model_is_not_proposed_and_a_better_one_is(desk: Staff) -> None:
    bad, found = tried(desk, BAD)
    assert found.on_sets[0].comparison.verdict == "worse" and not found.decision.is_open
    with pytest.raises(Refused, match=r"^Not proposed: .*is worse than what is live: 16 cases break"):
        proposed(desk, bad)
    good, found = tried(desk)
    assert found.decision.is_open
    proposal = proposed(desk, good)
    assert proposal.title.startswith(f"have '{NEW}' at 127.0.0.1") and f"in place of '{OLD}'" in proposal.title
    with pytest.raises(Refused, match="already waits"):
        proposed(desk, good)


def test_a_candidate_that_was_not_tried_on_all_is_not_proposed(desk: Staff) -> None:
    target = made(desk)
    with pytest.raises(Refused, match=r"was not tried on 'Parcels' 1 beside the model in force"):
        proposed(desk, target)
    trying.try_out(target, known=KNOWN, by=desk.engineer)
    two.run_old(desk, two.parcels(desk, name="Another"))  # since then another set uses the one in force
    with pytest.raises(Refused, match=r"was not tried on 'Another' 1"):
        proposed(desk, target)
    trying.try_out(target, known=KNOWN, by=desk.engineer)
    assert proposed(desk, target).state == "open"


def test_one_that_was_down_is_asked_again_when_it_is_tried_again(desk: Staff, model: Model) -> None:
    model.says(two.playing(lambda asked, body: None if body["model"] == NEW else two.says(body["model"], asked)))
    target, found = tried(desk)
    assert found.on_sets[0].run.passed == 0 and found.figures.calls == 0 and not found.decision.is_open
    patience.forget()
    model.says(two.playing())
    found = trying.try_out(target, known=KNOWN, by=desk.engineer)
    assert found.on_sets[0].run.passed == 24 and found.decision.is_open


def test_a_job_that_no_set_tests_says_what_to_do(desk: Staff) -> None:
    target = made(desk, job="triage")
    with pytest.raises(Refused, match=r"^Not tried: No eval set uses the model of 'triage'.*Run the model in force on a set first"):
        trying.try_out(target, known=KNOWN, by=desk.engineer)
    with pytest.raises(Refused, match="measured on no set"):
        proposed(desk, target)
    two.run_old(desk, sets.versions(sets.by_name("Parcels", by=desk.lead).id, by=desk.lead)[0], "small-model")
    assert trying.try_out(target, known=KNOWN, by=desk.engineer).on_sets  # the control


@pytest.mark.parametrize(
    ("job", "name", "more", "why"),
    [
        ("poetry", NEW, {}, "there is no job 'poetry'"),
        (JOB, " ", {}, "give the model's name"),
        (JOB, "x" * 201, {}, "give the model's name"),
        (JOB, OLD, {}, f"'{OLD}' at .* does 'conversation' already"),
        (JOB, NEW, {"prices": (-1.0, 1.0)}, "a price is an amount"),
        (JOB, NEW, {"prices": (float("nan"), 1.0)}, "a price is an amount"),
        (JOB, NEW, {"url": "https://elsewhere.example/v1"}, "no connection to models at https://elsewhere.example/v1 is approved"),
    ],
    ids=["job", "empty", "long", "same", "below nothing", "nan", "address"],
)
def test_what_cannot_be_is_not_made(desk: Staff, job: str, name: str, more: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        trying.make(job, name, why="x", by=desk.engineer, **more)  # type: ignore[arg-type]
    assert trying.make(JOB, NEW, why="x", by=desk.engineer).target_number == 2  # the control


def test_before_a_model_answered_there_is_none_to_compare_with(staff: Staff) -> None:
    with pytest.raises(Refused, match="no model has answered for 'conversation' yet"):
        made(staff)


def test_who_may_not_does_not(desk: Staff) -> None:
    target, _ = tried(desk)
    for act in (
        lambda: trying.make(JOB, NEW, why="x", by=desk.rep),
        lambda: trying.try_out(target, known=KNOWN, by=desk.admin),
        lambda: trying.propose(target, why="x", known=KNOWN, by=desk.rep),
        lambda: trying.roll_back(two.first(JOB), why="x", by=desk.rep),
        lambda: trying.evidence(target, known=KNOWN, by=desk.rep),
    ):
        with pytest.raises(Denied):
            act()
    assert trying.evidence(target, known=KNOWN, by=desk.lead).decision.is_open  # the control


# -- approved, and on its way -------------------------------------------------------------------------------------------------------------


def test_what_was_approved_is_first_asked_beside_the_one_in_force(desk: Staff) -> None:
    target, _ = tried(desk)
    proposal = proposed(desk, target)
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=desk.engineer)
    approvals.approve(proposal.id, by=desk.admin)
    trying.ship(proposal.id)
    release = releases.under_way("model", JOB)
    assert release is not None and (release.stage, release.target_number) == ("shadow", target.number)
    assert two.ask(JOB, desk).model == OLD


def test_what_is_in_force_changed_since_so_it_is_tried_again(desk: Staff) -> None:
    first, second = tried(desk)[0], tried(desk, "third-model")[0]
    proposal = proposed(desk, first)
    approvals.approve(proposal.id, by=desk.admin)
    live_now(second)
    with pytest.raises(Refused, match="the model of 'conversation' changed since"):
        trying.ship(proposal.id)
    with pytest.raises(Refused, match="not tried on 'Parcels' 1 beside the model in force"):
        proposed(desk, first)


def test_one_person_goes_back_to_what_was_in_force_before_and_to_nothing_else(desk: Staff) -> None:
    target, _ = tried(desk)
    live_now(target)
    assert two.ask(JOB, desk).model == NEW
    never = made(desk, "never-live")
    with pytest.raises(Refused, match="was never in force"):
        trying.roll_back(never, why="Safer.", by=desk.lead)
    with pytest.raises(Refused, match="say why"):
        trying.roll_back(two.first(JOB), why=" ", by=desk.lead)
    trying.roll_back(two.first(JOB), why="It invents places.", by=desk.lead)
    assert two.ask(JOB, desk).model == OLD
    assert f"Went back to '{OLD}'" in audit.newest(by=desk.admin)[0].sentence


def test_a_call_stands_on_the_record_under_the_version_that_answered(desk: Staff) -> None:
    target, _ = tried(desk)
    live_now(target)
    two.ask(JOB, desk)
    with store.reading() as db:
        last = db.exec(select(Trace).order_by(Trace.id.desc())).first()  # type: ignore[attr-defined]
    assert last is not None and (last.target_name, last.target_number, last.mode) == (JOB, target.number, LIVE)


# -- as a judge ---------------------------------------------------------------------------------------------------------------------------


def judging(agrees: dict[str, int]) -> two.Play:
    """Each judge passes a reply where it is good, and errs from so many on."""

    def play(asked: str, body: dict[str, object]) -> str:
        found = two.re.findall(r"reply (\d+) is (good|bad)", asked)
        if not found:
            return two.says(str(body["model"]), asked)
        number, word = found[-1]
        right = word == "good"
        said = right if int(number) < agrees.get(str(body["model"]), 10**6) else not right
        return two.json.dumps({"reason": "It reads so.", "score": 5 if said else 1, "passed": said})

    return play


@pytest.fixture
def judged(staff: Staff, model: Model) -> Staff:
    """Thirty replies that the judge in force judged and a person too; it errs on the last six."""
    model.says(two.playing(judging({"judge-model": 24, "worse-judge": 6})))
    judged_by_both(staff, model)
    return staff


@worlds.remembered
def judged_by_both(staff: Staff, model: Model) -> None:
    two.connect(model, staff)
    version = two.parcels(staff, count=30, name="Polite")  # the cases' own grader is beside the point here
    known = catalog.graders_for(staff.engineer)
    replies = {case.key: f"reply {number} is {'good' if number % 2 else 'bad'}" for number, case in enumerate(sets.cases(version.id))}

    @runs.told_at_once
    def say(cases):  # type: ignore[no-untyped-def]
        return [{"reply": replies[case.key]} for case in cases]

    run = runs.run(version.id, Target("people", "replies", 0), say, by=staff.engineer, known=known)
    with store.reading() as db:
        results = list(db.exec(select(Result).where(Result.run_id == run.id)))
    grader = known["polite"]
    cases = {case.id: case for case in sets.cases(version.id)}
    rows = []
    for one in results:
        grade = grader.grade(cases[one.case_id], one.output)
        rows.append(
            {
                "id": new_id(), "at": now(), "target_kind": "people", "target_name": "replies", "target_number": 0, "mode": RUN,
                "weight": 1.0, "why": "", "error": "", "grader_name": "polite", "grader_number": grader.NUMBER, "result_id": one.id,
                "passed": grade.passed, "value": grade.score,
            }
        )  # fmt: skip
    with store.writing() as db:
        scores.write(db, rows)
    with store.writing():
        for one in results:
            checks.say(one.id, "is good" in str(one.output), by=staff.rep)


def test_a_judge_is_measured_by_what_people_said_of_the_same_outputs(judged: Staff) -> None:
    target = made(judged, "better-judge", job="accuracy")
    found = trying.try_out(target, known=KNOWN, by=judged.engineer)
    assert found.judging is not None and found.on_sets == ()
    assert (found.judging["agreed"], found.judging["before"], found.judging["cases"]) == (30, 24, 30)
    assert found.judging["graders"] == ["polite"] and found.judging["verdict"] == "better"
    assert "As a judge: Better" in found.sentence and found.figures.calls == 30
    assert found.decision.is_open and proposed(judged, target).state == "open"


def test_a_judge_that_agrees_less_with_people_is_not_proposed(judged: Staff) -> None:
    target = made(judged, "worse-judge", job="accuracy")
    found = trying.try_out(target, known=KNOWN, by=judged.engineer)
    assert found.judging is not None and (found.judging["agreed"], found.judging["verdict"]) == (6, "worse")
    with pytest.raises(Refused, match=r"On 'outputs that people judged' 30 it is worse than what is live"):
        proposed(judged, target)


def test_a_judge_that_was_not_compared_as_a_judge_is_not_proposed(judged: Staff) -> None:
    target = made(judged, "better-judge", job="accuracy")
    with pytest.raises(Refused, match=r"have 30 outputs that people judged too. Try it again: it was not compared as a judge"):
        proposed(judged, target)
    with store.reading() as db:
        assert db.exec(select(Study)).all() == []


def test_graders_that_ask_a_model_are_those_that_the_endpoint_brings(staff: Staff) -> None:
    assert judges.names() == ["clear", "consistent", "polite", "preferred", "rubric"]
    assert judges.used() == [] and judges.judged_by_people() == []
