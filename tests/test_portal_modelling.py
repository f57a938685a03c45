"""`portal model`: what it prints for people and for programs, and the exit code as the answer."""

import json
from collections.abc import Callable, Iterator

import pytest

from data import approvals, config, releases
from language import patience
from portal import jobs
from tests import model_server as server
from tests import two_models as two
from tests.conftest import Staff
from tests.model_server import Model
from tests.test_evals_models import JOB
from tests.test_portal_cli import Done, refused, run  # noqa: F401
from tests.two_models import BAD, NEW, OLD

Command = Callable[..., Done]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    patience.forget()
    with server.running(two.playing()) as running:
        yield running


@pytest.fixture
def desk(staff: Staff, model: Model) -> Staff:
    two.connect(model, staff)
    two.run_old(staff, two.parcels(staff))
    return staff


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    return lambda *arguments: run("model", *arguments)


def test_a_list_tells_what_is_in_force_and_every_candidate(command: Command, desk: Staff) -> None:
    done = command("list")
    assert done.code == 0 and f"conversation  '{OLD}' at 127.0.0.1" in done.out and "in force" in done.out
    told = command("list", "--json").told["jobs"]
    assert [one["model"] for one in told] == list(two.MODELS.values())
    assert told[1]["versions"][0] | {"url": ""} == {"number": 1, "model": OLD, "url": "", "stage": "in force"}


def test_a_model_is_tried_proposed_and_gone_back_from(command: Command, desk: Staff) -> None:
    by = ("--by", desk.engineer.email)
    done = command("try", JOB, NEW, "--why", "It knows more.", "--price", "4", "8", *by, "--json")
    told = done.told
    assert (done.code, told["number"], told["open"]) == (0, 2, True)
    (on_set,) = told["sets"]
    assert (on_set["passed"], on_set["before"], on_set["verdict"]) == (24, 20, "no_worse")
    assert told["figures"]["cost"] > told["in_force"]["cost"] > 0
    again = command("try", JOB, "2", *by)
    assert "Candidate 2 for 'conversation'." in again.out and "The gate is open." in again.out
    made = command("propose", JOB, "2", "--why", "It knows more.", *by)
    assert made.code == 0 and f"Proposed: have '{NEW}' at" in made.out
    (proposal,) = approvals.waiting(by=desk.admin)
    approvals.approve(proposal.id, by=desk.admin)
    jobs.run_waiting()
    assert "beside the one in force" in command("list").out
    assert "does 'conversation' alone" in command("back", JOB, "--why", "Not now.", "--by", desk.lead.email).out
    assert releases.under_way("model", JOB) is None
    refused(command("back", JOB, "2", "--why", "x", "--by", desk.lead.email), 1, "was never in force")


def test_a_worse_one_is_told_and_not_proposed(command: Command, desk: Staff) -> None:
    by = ("--by", desk.engineer.email)
    assert "The gate is closed: " in command("try", JOB, BAD, *by).out
    refused(command("propose", JOB, "2", "--why", "x", *by), 1, "is worse than what is live")


def test_what_cannot_be_tried_is_said(command: Command, desk: Staff) -> None:
    by = ("--by", desk.engineer.email)
    refused(command("try", "poetry", NEW, *by), 2, "There is no job 'poetry'")
    refused(command("try", "triage", NEW, *by), 1, "No eval set uses the model of 'triage'")
    refused(command("try", JOB, OLD, *by), 1, "does 'conversation' already")
    refused(command("try", JOB, NEW, "--url", "https://elsewhere.example/v1", *by), 1, "no connection to models at")
    refused(command("try", JOB, NEW, "--by", desk.rep.email), 1, "a rep may not make a model")
    assert json.loads(command("list", "--json").out)["jobs"][1]["versions"][0]["number"] == 1
