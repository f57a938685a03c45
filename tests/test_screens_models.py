"""Models on Installation, as people see them: in force, another one tried on the cases, proposed, on its way, gone back from."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, config, connections, releases
from data.tables import Person
from evals import models as trying
from language import patience
from portal import jobs
from tests import model_server as server
from tests import two_models as two
from tests.conftest import Staff, hire
from tests.model_server import Model
from tests.test_evals_models import JOB
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words
from tests.two_models import NEW, OLD


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    patience.forget()
    with server.running(two.playing()) as running:
        yield running


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


@pytest.fixture
def connected(desk: Staff, model: Model) -> Staff:
    two.connect(model, desk)
    two.run_old(desk, two.parcels(desk))
    return desk


def opened(by: Person, job: str = JOB) -> AppTest:
    app = open_screen(sit_down(by), "installation")
    if app.segmented_control:
        app = drawn(app.segmented_control(key="installation_models").set_value(job).run())
    return app


def test_without_an_endpoint_there_is_nothing_to_try(desk: Staff, model: Model) -> None:
    app = opened(desk.engineer)
    assert "Try a new model" not in labels_of(app) and "None is set. The portal works without one" in words(app)


def test_each_job_shows_its_model_since_when_and_what_it_took_lately(connected: Staff) -> None:
    two.ask(JOB, connected)
    told = words(opened(connected.engineer)).replace("*", "")
    assert f"{OLD} at http" in told and "writes to people, since" in told
    assert "In the last 28 days 1 call: 0.02 for 1,000 calls; half are answered in" in told
    assert "In the last 28 days it was not asked." in words(opened(connected.engineer, "triage"))


def test_a_new_model_is_tried_proposed_released_and_gone_back_from(connected: Staff) -> None:
    app = opened(connected.engineer)
    app.text_input(key=f"installation_model_name_{JOB}").set_value(NEW)
    app.text_input(key=f"installation_model_why_{JOB}").set_value("It knows more.")
    drawn(button(app, "Try it on the cases").click().run())
    assert "It is tried in the background." in words(app)
    jobs.run_waiting()
    app = opened(connected.engineer)
    table = app.dataframe[-1].value
    rows = dict(zip(table["What"], zip(table[NEW], table[f"{OLD}, in force"], strict=True), strict=True))
    assert rows["Passes of 'Parcels'"] == ("24 of 24", "20 of 24") and rows["1,000 calls cost"] == ("no price is known", "0.02")
    assert set(rows) >= {"Half of the calls take", "95 of 100 take"} and "4 fixed, 0 broken" in words(app)
    app.text_input(key=f"installation_propose_why_{JOB}_2").set_value("It knows more.")
    drawn(app.button(key=f"installation_propose_{JOB}_2").click().run())
    assert "Proposed. A lead, an engineer or an admin decides." in words(app)

    (proposal,) = approvals.waiting(by=connected.admin)
    assert f"'{NEW}'" in words(open_screen(sit_down(connected.admin), "approvals", proposal=proposal.id))
    approvals.approve(proposal.id, by=connected.admin)
    jobs.run_waiting()
    release = releases.under_way("model", JOB)
    assert release is not None
    app = opened(connected.engineer)
    assert "is asked beside the model in force" in words(app) and "the next step asks for 50" in words(app)
    for _ in range(2):
        app = opened(connected.engineer)
        app.text_input(key=f"installation_step_why_{release.id}").set_value("It is good.")
        drawn(app.button(key=f"installation_step_{release.id}").click().run())
    assert str(getattr(trying.in_force(JOB, by=connected.engineer), "name", "")) == NEW

    app = opened(connected.admin)
    app.text_input(key=f"installation_back_why_{JOB}_1").set_value("It invents places.")
    drawn(app.button(key=f"installation_back_{JOB}_1").click().run())
    assert f"{OLD} does '{JOB}' again." in words(app)
    assert str(getattr(trying.in_force(JOB, by=connected.engineer), "name", "")) == OLD


def test_a_job_that_nothing_tests_says_what_to_do(connected: Staff) -> None:
    trying.make("triage", NEW, why="Cheaper.", by=connected.engineer)
    app = opened(connected.engineer, "triage")
    drawn(app.button(key="installation_try_triage_2").click().run())
    jobs.run_waiting()
    assert "No eval set uses the model of 'triage'" in words(opened(connected.engineer, "triage"))


def test_who_may_not_try_reads_and_finds_no_button(connected: Staff) -> None:
    told = labels_of(opened(connected.admin))
    assert "Try it on the cases" not in told and OLD in words(opened(connected.admin))
    assert "Try it on the cases" in labels_of(opened(connected.engineer))  # the control


def test_the_endpoints_form_refuses_another_model(connected: Staff, model: Model) -> None:
    app = opened(connected.engineer)
    app.text_input(key="installation_endpoint_url").set_value(model.url)
    next(one for one in app.text_input if one.label == "Model for conversations").set_value(NEW)
    app.text_input(key="installation_endpoint_why").set_value("Cheaper.")
    drawn(next(one for one in app.button if one.label == "Propose it").click().run())
    assert f"Not proposed: the model of '{JOB}' changes from '{OLD}' to '{NEW}'." in words(app)


def test_another_address_is_proposed_for_an_admin(connected: Staff) -> None:
    app = opened(connected.engineer)
    app.text_input(key="installation_address_url").set_value("https://other.example/v1")
    app.text_input(key="installation_address_why").set_value("To try.")
    drawn(next(one for one in app.button if one.key and "installation_address" in one.key).click().run())
    (proposal,) = approvals.waiting(by=connected.admin)
    assert proposal.title == "try models at other.example" and connections.addresses() == []
