"""What a target's name means, at the console and on a screen, and which graders this installation has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from data import approvals, asking, config, connections, people, settings, store, versions
from data.budgets import Budget
from data.errors import Refused
from data.tables import Result, Trace
from data.values import Target
from evals import graders, runs, targets
from evals import models as trying
from evals.cases import NewCase
from knowledge import answerers
from language import patience
from portal import catalog
from tests import model_server as server
from tests.conftest import Staff, hire
from tests.model_server import KEY, MODELS, Model
from tests.test_classifiers_shipping import ONE, candidate, ship
from tests.test_evals_runs import errors_of, typed_set
from tests.test_evals_targets import MARKER, lines, replied
from tests.test_knowledge_answerers import fill, frozen, questions


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    yield
    config.reset()


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running(server.text("It is in Hamburg.")) as running:
        yield running


@pytest.fixture
def desk(sqlite_home: Path) -> Staff:
    return hire()


def connect(model: Model, staff: Staff) -> None:
    """The model server as two people put it in force."""
    proposal = connections.propose_endpoint(
        model.url, KEY, MODELS, why="To answer.", by=staff.engineer, prices={"large": (2.0, 10.0)}, timeout=20
    )
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")


def test_names_mean_targets(desk: Staff, tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_bytes(lines({"key": "a", "label": "x"}))
    assert catalog.target("people", by=desk.rep).target == targets.PEOPLE
    assert catalog.target("http://127.0.0.1:9/ask", by=desk.rep).target == Target("model", "http://127.0.0.1:9/ask", 0)
    assert catalog.target("https://answers.example.com/ask", by=desk.rep).varies
    assert catalog.target(f"file:{tmp_path}/answers.jsonl", by=people.console()).target == Target("outputs", "answers.jsonl", 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("", "'' names no target. There are classifier:NAME, classifier:NAME@3, people, model:NAME, file:outputs.jsonl or https://…."),
        ("intent", "'intent' names no target"),
        ("classifier:", "'classifier:' names no target"),
        ("file:", "'file:' names no target"),
        ("model:", "'model:' names no target"),
        ("agent:helper", "'agent:helper' names no target"),
        ("people:me", "'people:me' names no target"),
        ("file:nowhere.jsonl", "there is no file nowhere.jsonl"),
        ("file:/", "there is no file /"),
        ("http://example.com/ask", "the address begins with https://, or it is on this machine"),
        ("model:large", "no model endpoint is set"),
        ("classifier:intent", "no version of 'intent' is live. Name one, such as classifier:intent@1"),
        ("classifier:intent@", "no version of 'intent' is live"),
        ("classifier:intent@7", "There is no classifier 'intent' number 7"),
        ("classifier:intent@x", "'x' is no number of a version"),
        ("classifier:intent@²", "'²' is no number of a version"),
        ("classifier:intent@-1", "'-1' is no number of a version"),
        ("classifier:intent@99999999999999999999", "is no number of a version"),
    ],
)
def test_what_names_no_target_is_said(desk: Staff, told: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        catalog.target(told, by=desk.rep)
    assert words in str(refused.value)


def test_a_file_larger_than_any_is_not_read_into_memory(desk: Staff, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jsonl"
    with huge.open("wb") as file:
        file.truncate(50_000_000_000)  # a hole: it takes no room
    with pytest.raises(Refused, match="at most 20 MB"):
        catalog.target(f"file:{huge}", by=desk.rep)


@pytest.mark.parametrize("told", ["file:/etc/passwd", "http://127.0.0.1:9/ask", "https://example.com/ask"])
def test_on_a_screen_nothing_reads_this_machines_files_or_calls_an_address(desk: Staff, told: str) -> None:
    with pytest.raises(Refused, match="files and addresses of one's own are run with `portal eval run` at the console"):
        catalog.on_a_screen(told, by=desk.rep)


def test_on_a_screen_people_choose_what_is_kept(desk: Staff) -> None:
    kept = targets.of_file("answers.jsonl", lines({"key": "a", "label": "x"}), by=desk.rep).target
    assert catalog.on_a_screen("outputs:answers.jsonl@1", by=desk.rep).target == kept
    assert catalog.on_a_screen("people", by=desk.rep).target == targets.PEOPLE
    for unknown in ("outputs:answers.jsonl@2", "outputs:/etc/passwd", "outputs:", "HTTP://127.0.0.1:9/ask", "FILE:/etc/passwd"):
        with pytest.raises(Refused, match=r"no file of outputs is known as|names no target"):
            catalog.on_a_screen(unknown, by=desk.rep)


def test_a_classifier_is_named_by_its_number_or_is_the_one_that_is_live(desk: Staff) -> None:
    candidate(desk)
    assert catalog.target("classifier:intent@1", by=desk.rep).target == ONE and catalog.live_beside(ONE) == ""
    with pytest.raises(Refused, match="no version of 'intent' is live"):
        catalog.target("classifier:intent", by=desk.rep)
    ship(desk, ONE)
    assert catalog.target("classifier:intent", by=desk.rep).target == ONE
    assert catalog.live_beside(Target("classifier", "intent", 2)) == "classifier:intent@1"
    assert catalog.live_beside(ONE) == "" and catalog.live_beside(targets.PEOPLE) == ""  # nothing is compared with itself


def test_a_model_is_asked_over_http_within_the_budgets_and_on_the_record(desk: Staff, model: Model) -> None:
    connect(model, desk)
    for name in ("large", "conversation"):  # by its own name, or by its job
        assert catalog.target(f"model:{name}", by=desk.rep).target == Target("model", "large", 0)
    with pytest.raises(Refused, match=r"the endpoint has no model 'huge'\. It has large, small, thinker"):
        catalog.target("model:huge", by=desk.rep)

    place = NewCase(({"role": "customer", "text": "Where is it?"},), {"facts": {"must": ["Hamburg"]}}, ("contains",), key="place")
    held = replied(("customer", "Where is it?"), ("rep", f"In {MARKER}."))
    version, asked = typed_set(desk, place, held), catalog.target("model:large", by=desk.rep)
    made = runs.run(version.id, asked.target, asked.ask, by=desk.rep)
    assert (made.passed, made.cases) == (1, 2) and made.cost == pytest.approx(2 * 70e-6)
    assert {one.body["model"] for one in model.asked} == {"large"} and not any(MARKER in one.raw for one in model.asked)
    assert [message["role"] for message in model.asked[0].body["messages"]] == ["system", "user"]
    with store.reading() as db:
        assert len(db.exec(select(Trace)).all()) == 2
        assert all(result.ms > 0 and result.cost == pytest.approx(70e-6) for result in db.exec(select(Result)))


def test_a_model_that_fails_is_a_result_in_words(desk: Staff, model: Model) -> None:
    connect(model, desk)
    model.says(server.status(401))
    version, asked = typed_set(desk, replied(("customer", "Where is it?"))), catalog.target("model:large", by=desk.rep)
    made = runs.run(version.id, asked.target, asked.ask, by=desk.rep)
    assert (made.passed, made.cases, made.state) == (0, 1, "done")
    assert errors_of(made) == ["The model endpoint refuses the key: it answers 401 (Error code: 401 - no)."]


def test_graders_that_ask_a_model_are_there_where_an_endpoint_is(desk: Staff, model: Model) -> None:
    assert "rubric" not in catalog.graders_for(desk.rep) and "exact label" in catalog.graders_for(desk.rep)
    connect(model, desk)
    assert {"rubric", "exact label"} <= set(catalog.graders_for(desk.rep))


@dataclass(frozen=True)
class Asked:
    expected: dict[str, Any]
    input: dict[str, Any] = field(default_factory=lambda: {"subject_line": "", "messages": []})


def test_a_live_classifier_judges_replies_by_the_name_that_the_case_gives(desk: Staff) -> None:
    known, case = catalog.graders_for(desk.rep), Asked({"says": {"classifier": "intent", "label": "Refund"}})
    nothing = graders.judged(known, "classifier says", case, {"reply": "You get your money back."})
    assert nothing.passed is None and "no version of the classifier 'intent' is live" in nothing.error
    ship(desk, candidate(desk))
    told = {
        text: graders.judged(known, "classifier says", case, {"reply": text})
        for text in ("Refund: I want my money back, please, number 3.", "Order status: where is my order, please, number 4.")
    }
    assert all(one.passed is not None and not one.error for one in told.values())
    assert len({one.passed for one in told.values()}) == 2  # it tells one from the other


def test_a_model_that_is_named_is_asked_although_another_was_released_for_its_job(desk: Staff, model: Model) -> None:
    connect(model, desk)
    for job in MODELS:
        asking.ask(job, [{"role": "user", "content": "Ready?"}], by=desk.rep, line=model.line(), budget=Budget())
    version = typed_set(desk, replied(("customer", "Where is it?"), ("rep", "In Hamburg.")))
    before = catalog.target("model:large", by=desk.engineer)
    made = trying.make("conversation", "larger", why="Better.", by=desk.engineer)
    with store.writing() as db:
        trying.put_live(db, versions.target_of(made), None, by=desk.lead)
    with pytest.raises(Refused, match=r"the endpoint has no model 'large'\. It has larger, small, thinker"):
        catalog.target("model:large", by=desk.engineer)
    model.asked.clear()
    for asked in (before, catalog.target("model:conversation", by=desk.engineer)):
        runs.run(version.id, asked.target, asked.ask, by=desk.engineer)
    assert [one.body["model"] for one in model.asked] == ["large", "larger"]


def test_a_new_model_for_conversations_is_tried_on_the_answers_that_it_would_write(desk: Staff, model: Model) -> None:
    """On the sets that answers from articles are measured on, whether or not it was ever run on them as a model."""
    assert catalog.model_uses("conversation") == []
    connect(model, desk)
    for job in MODELS:
        asking.ask(job, [{"role": "user", "content": "Ready?"}], by=desk.rep, line=model.line(), budget=Budget())
    fill(desk)
    frozen(desk, questions(), bar=0.4)
    for number, writes in ((1, False), (2, True)):
        assert catalog.model_uses("conversation") == []  # nothing that is live has a model write
        answerers.make(answerers.Setup(threshold=0.0, writes=writes), why="It speaks.", by=desk.rep)
        with store.writing() as db:
            answerers.put_live(db, Target("answerer", answerers.NAME, number), None, by=desk.lead)
    model.asked.clear()
    target = versions.target_of(trying.make("conversation", "larger", why="Better.", by=desk.engineer))
    uses = catalog.model_uses("conversation")
    found = trying.try_out(target, known=graders.BY_NAME, by=desk.engineer, uses=uses)
    assert [one.eval_set.name for one in found.on_sets] == ["Everyday questions"] and catalog.model_uses("triage") == []
    asked = [one.body["model"] for one in model.asked]
    assert asked.count("larger") >= 20 and asked.count("large") >= 20 and set(asked) == {"large", "larger"}
