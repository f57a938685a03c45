"""Which model does a job: the first that answered, then only what was released. Whatever a form or the environment says."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from data import approvals, config, connections, models, releases, routing, settings, store, versions
from data.errors import Denied, Refused
from data.models import Model
from data.tables import Proposal
from data.values import Target
from evals import models as trying
from language import patience
from portal import doctor, jobs
from tests import model_server as server
from tests import two_models as two
from tests.conftest import Staff
from tests.model_server import KEY, Answer
from tests.model_server import Model as Server
from tests.test_evals_models import JOB, live_now, made, tried
from tests.two_models import KNOWN, MODELS, NEW, OLD

ELSEWHERE_KEY = "sk-of-the-other-house"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    yield
    config.reset()


@pytest.fixture
def model() -> Iterator[Server]:
    patience.forget()
    with server.running(two.playing()) as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    with server.running(two.playing()) as running:
        yield running


@pytest.fixture
def desk(staff: Staff, model: Server) -> Staff:
    two.connect(model, staff)
    two.run_old(staff, two.parcels(staff))
    return staff


def propose(staff: Staff, model: Server, models: dict[str, str], **more: object) -> Proposal:
    return connections.propose_endpoint(model.url, KEY, models, why="Cheaper.", by=staff.engineer, **more)  # type: ignore[arg-type]


def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    config.reset()


def allowed(staff: Staff, other: Server) -> None:
    two.in_force(staff, connections.propose_address(other.url, ELSEWHERE_KEY, why="To try.", by=staff.engineer))


# -- a change outside the one way ---------------------------------------------------------------------------------------------------------


def test_a_form_does_not_change_a_model_that_has_answered(desk: Staff, model: Server) -> None:
    with pytest.raises(Refused, match=rf"^Not proposed: the model of '{JOB}' changes from '{OLD}' to '{NEW}'. A new model is tried first"):
        propose(desk, model, {**MODELS, JOB: NEW})
    with pytest.raises(Refused, match=f"the model of 'conversation' changes from '{OLD}' to 'small-model'"):
        propose(desk, model, {"triage": "small-model", JOB: "small-model"})
    two.in_force(desk, propose(desk, model, MODELS, tokens_per_day=5_000))  # the control: limits, key and prices alone
    two.in_force(desk, propose(desk, model, {}, tokens_per_day=6_000))
    found = connections.endpoint()
    assert found is not None and (found.models, found.tokens_per_day) == (MODELS, 6_000)


def test_after_a_release_the_form_names_what_was_released(desk: Staff, model: Server) -> None:
    live_now(tried(desk)[0])
    with pytest.raises(Refused, match=f"changes from '{NEW}' to '{OLD}'"):
        propose(desk, model, MODELS)
    two.in_force(desk, propose(desk, model, {}))
    found = connections.endpoint()
    assert found is not None and found.models == {**MODELS, JOB: NEW} and two.ask(JOB, desk).model == NEW


def test_a_model_is_a_name_at_an_address_so_the_form_does_not_move_it(desk: Staff, other: Server) -> None:
    with pytest.raises(Refused, match=r"^Not proposed: the models of 'triage', 'conversation' and 'accuracy' would be asked at another"):
        propose(desk, other, MODELS)


def test_who_goes_past_the_form_changes_nothing(desk: Staff, model: Server, other: Server) -> None:
    """An insider who calls the verb below it, with a value they put together, and finds somebody to approve it."""
    value = settings.current(connections.ENDPOINT)
    assert value is not None
    model.asked.clear()
    for changed in ({"models": {**MODELS, JOB: NEW}}, {"url": other.url, "sealed_key": ""}):
        told = {"name": connections.ENDPOINT, "value": value | changed, "title": "ask", "told": "x", "why": "x", "by": desk.engineer}
        two.in_force(desk, settings.propose_connection(**told))
        if "url" in changed:
            with pytest.raises(Refused, match=r"no connection to models at .* is approved"):
                two.ask(JOB, desk)
        else:
            assert two.ask(JOB, desk).model == OLD
    assert other.asked == [] and set(two.asked_of(model)) == {OLD}
    assert any(f"'{JOB}' is asked of nobody" in one for one in doctor.examine()["wrong"])


def test_the_environment_does_not_change_a_model_either(desk: Staff, model: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY, PORTAL_MODEL=NEW)
    assert two.ask(JOB, desk).model == OLD
    told = [one for one in doctor.examine()["wrong"] if "PORTAL_MODEL" in one]
    assert len(told) == 3 and f"PORTAL_MODEL is {NEW}; for '{JOB}' '{OLD}'" in told[1]
    environment(monkeypatch, PORTAL_MODEL=OLD)
    assert not any(f"for '{JOB}'" in one for one in doctor.examine()["wrong"])  # the control


def test_an_environment_with_another_address_is_asked_nothing(
    desk: Staff, model: Server, other: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, OPENAI_BASE_URL=other.url, OPENAI_API_KEY="sk-environment", PORTAL_MODEL=OLD)
    with pytest.raises(Refused, match=rf"^Nothing was asked: no connection to models at {model.url} is approved"):
        two.ask(JOB, desk)
    assert other.asked == []
    environment(monkeypatch, OPENAI_BASE_URL=model.url + "/")  # the control; the same address, written otherwise
    assert two.ask(JOB, desk).ok


def test_a_first_endpoint_of_the_environment_is_in_force_once_it_answers(
    staff: Staff, model: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, OPENAI_BASE_URL=model.url, OPENAI_API_KEY=KEY, PORTAL_MODEL=OLD)
    assert two.ask(JOB, staff).model == OLD
    environment(monkeypatch, PORTAL_MODEL=NEW)
    assert two.ask(JOB, staff).model == OLD
    assert two.ask("triage", staff).model == NEW  # nobody had been asked for that


# -- another address ----------------------------------------------------------------------------------------------------------------------


def test_a_model_at_another_address_waits_until_two_people_approved_the_address(desk: Staff, other: Server) -> None:
    with pytest.raises(Refused, match="no connection to models at"):
        made(desk, url=other.url)
    proposal = connections.propose_address(other.url, ELSEWHERE_KEY, why="To try.", by=desk.engineer)
    assert proposal.kind == "change_connection" and "No job's model changes by that" in proposal.evidence["sentence"]
    with pytest.raises(Refused):
        made(desk, url=other.url)
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=desk.lead)
    two.in_force(desk, proposal)
    assert connections.addresses() == [other.url] and other.asked == []


def test_each_address_gets_its_own_key_and_no_other(desk: Staff, model: Server, other: Server) -> None:
    allowed(desk, other)
    target = made(desk, url=other.url)
    trying.try_out(target, known=KNOWN, by=desk.engineer)
    live_now(target)
    model.asked.clear()
    assert two.ask(JOB, desk).model == NEW and two.ask("triage", desk).ok
    assert {one.headers["authorization"] for one in other.asked} == {f"Bearer {ELSEWHERE_KEY}"}
    assert {one.headers["authorization"] for one in model.asked} == {f"Bearer {KEY}"} and two.asked_of(model) == ["small-model"]
    with store.reading() as db:
        told = str(
            [db.execute(text(f"SELECT * FROM {table}")).all() for table in ("version", "proposal", "setting", "audit_entry", "span")]
        )
    assert other.url in told and ELSEWHERE_KEY not in told and KEY not in told  # the address is looked for in the right place


def test_an_address_that_was_put_under_anothers_name_is_not_asked(desk: Staff, model: Server, other: Server) -> None:
    allowed(desk, other)
    target = made(desk, url=other.url)
    kept, house = settings.current(f"{connections.ADDRESS}{other.url}"), settings.current(connections.ENDPOINT)
    assert kept is not None and house is not None
    for value in ({**kept, "url": model.url}, {**kept, "sealed_key": house["sealed_key"]}):
        told = {"title": "try", "told": "x", "why": "x", "by": desk.engineer}
        two.in_force(desk, settings.propose_connection(f"{connections.ADDRESS}{other.url}", value, **told))
        with pytest.raises(Refused, match="Nothing was asked: "):
            trying.try_out(target, known=KNOWN, by=desk.engineer)
    assert other.asked == []


@pytest.mark.parametrize(
    "url", ["http://models.example.com/v1", "https://a:b@models.example.com/v1", " ", "https://models.example.com/v1?x=1"]
)
def test_what_is_no_address_is_refused_in_words(staff: Staff, url: str) -> None:
    with pytest.raises(Refused, match=r"^Not proposed: "):
        connections.propose_address(url, ELSEWHERE_KEY, why="x", by=staff.engineer)
    with pytest.raises(Denied):
        connections.propose_address("https://models.example.com/v1", ELSEWHERE_KEY, why="x", by=staff.lead)


# -- what is kept -------------------------------------------------------------------------------------------------------------------------


def test_a_model_is_kept_as_it_was_made(desk: Staff) -> None:
    target = made(desk, prices=(0.5, 1.5))
    assert models.of(target) == Model(JOB, NEW, models.of(two.first(JOB)).url, (0.5, 1.5))
    assert models.of(target).is_at(models.of(target).url + "/") and not models.of(target).is_at("https://models.example.com/v1")


def test_a_version_brings_its_own_price_to_the_line(desk: Staff, model: Server) -> None:
    line = routing.line_to(made(desk, prices=(0.5, 1.5)), model.line(prices={OLD: (9.0, 9.0)}))
    assert line.cost(NEW, 1_000_000, 1_000_000) == 2.0 and line.cost(OLD, 1_000_000, 0) == 9.0
    assert line.model(JOB) == NEW and line.model("triage") == "small"


def test_of_two_that_answer_first_at_once_one_is_in_force(staff: Staff, model: Server) -> None:
    for name in (OLD, NEW):
        models.answered(JOB, name, model.url)
    found = models.live(JOB)
    assert found is not None and found.name == OLD and len(versions.all_of("model", JOB)) == 1


def test_an_approved_endpoint_is_tried_at_once_so_that_its_models_are_in_force(staff: Staff, model: Server) -> None:
    proposal = propose(staff, model, MODELS)
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()
    assert {job: str(getattr(models.live(job), "name", "")) for job in MODELS} == MODELS
    assert releases.live("model", JOB) is not None and two.asked_of(model) == list(MODELS.values())


def test_one_that_does_not_answer_is_told_and_is_not_in_force(staff: Staff, model: Server) -> None:
    def play(_asked: str, body: dict[str, object]) -> str | None:
        return None if body["model"] == OLD else "ready"

    answer: Answer = two.playing(play)
    model.says(answer)
    approvals.approve(propose(staff, model, MODELS).id, by=staff.admin)
    jobs.run_waiting()
    assert models.live(JOB) is None and models.live("triage") is not None
    assert routing.faults() == [] and Target("model", JOB, 1) == two.first(JOB)
