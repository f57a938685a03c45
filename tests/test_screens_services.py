"""Services on Installation, as people see them: the document is looked at first, then proposed with address and credential, then listed."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations.connectors import connecting
from data import approvals, connections
from data.tables import Person
from portal import jobs
from tests.conftest import Staff, hire
from tests.test_automations_connectors import SECRET, document, in_force, propose
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words

KEY = "installation_service"


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def opened(by: Person) -> AppTest:
    return open_screen(sit_down(by), "installation")


def bring(app: AppTest, content: bytes) -> AppTest:
    app.file_uploader(key=f"{KEY}_document").set_value(("delivery.json", content, "application/json"))
    return drawn(app.run())


def test_an_engineer_sees_what_a_document_offers_and_proposes_it(desk: Staff) -> None:
    app = opened(desk.engineer)
    assert "None is connected. Any program with an OpenAPI document can be" in words(app)
    app = bring(app, document())
    assert "**QuickVan parcels** offers 2 operations, 1 of them changes something." in words(app)
    rows = app.dataframe[-1].value
    assert list(rows["Operation"]) == ["getParcel", "moveParcel"] and list(rows["It"]) == ["only asks", "changes something"]
    assert list(rows["Takes"]) == ["id, (with), (days), (X-Shop)", "id, day, (floor), (ring)"]
    for field, value in {"name": "delivery", "header": "X-Api-Key", "secret": SECRET, "why": "To move parcels."}.items():
        app.text_input(key=f"{KEY}_{field}").set_value(value)
    drawn(button(app, "Propose the service").click().run())
    assert "Proposed. An admin decides." in words(app)

    (proposal,) = approvals.waiting(by=desk.admin)
    told = words(open_screen(sit_down(desk.admin), "approvals", proposal=proposal.id))
    assert "Recipes could ask api.quickvan.example with a credential" in told and "moveParcel" in told and SECRET not in told
    approvals.approve(proposal.id, by=desk.admin)
    jobs.run_waiting()
    assert connecting.in_force()["delivery"].credential == {"X-Api-Key": SECRET}
    app = opened(desk.admin)
    assert "delivery at api.quickvan.example: 2 operations, 1 of them changes something" in labels_of(app) + words(app)
    assert "The credential is kept sealed and is shown to nobody." in words(app) and SECRET not in words(app)


def test_a_document_that_is_none_is_told_and_what_is_left_out_is_shown(desk: Staff) -> None:
    app = bring(opened(desk.engineer), b'{"swagger": "2.0"}')
    assert "no OpenAPI document of version 3.0 or 3.1. It says '2.0'." in words(app)
    assert "Propose the service" not in labels_of(app)
    made = json.loads(document())
    made["paths"]["/page"] = {"get": {"responses": {"200": {"description": "", "content": {"text/html": {}}}}}}
    app = bring(opened(desk.engineer), json.dumps(made).encode())
    assert "GET /page: it answers something other than JSON." in words(app)


def test_what_is_refused_keeps_what_was_typed(desk: Staff) -> None:
    app = bring(opened(desk.engineer), document())
    app.text_input(key=f"{KEY}_name").set_value("Quick Van")
    drawn(button(app, "Propose the service").click().run())
    assert "a service has a name of small letters" in words(app) and app.text_input(key=f"{KEY}_name").value == "Quick Van"
    assert approvals.waiting(by=desk.admin) == []


def test_a_service_that_does_not_open_here_is_told(desk: Staff) -> None:
    from data import settings

    in_force(propose(desk), desk)
    moved = connections.services()["delivery"].model_copy(update={"url": "https://other.example"})
    in_force(settings.propose_connection("service_delivery", moved.model_dump(), "x", "x", "x", desk.engineer), desk)
    assert "'delivery' does not open here" in " ".join(one.value for one in opened(desk.engineer).warning)
