"""Health figures: in the form that monitoring reads, numbers only, for those who may."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from data import access, store, tasks, tokens
from data.errors import Denied
from portal import metrics
from tests.conftest import Staff


@pytest.fixture
def portal(staff: Staff) -> Staff:
    with store.writing() as db:
        tasks.later(db, "classify", {"conversation_ids": []}, title="Waits", by=None)
    return staff


def figures() -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.written())
        for sample in family.samples
    }


def test_monitoring_reads_what_the_store_holds(portal: Staff) -> None:
    metrics.answered("/api/v1/health", 200, 0.01)
    told = figures()
    assert told["portal_tasks", "waiting"] == 1 and told["portal_people_active",] == 5
    assert told["portal_record_entries",] == 7 and told["portal_requests_total", "api", "2xx"] >= 1


def test_a_token_of_another_scope_reads_none(portal: Staff) -> None:
    assert access.may(tokens.narrowed(portal.engineer, ["metrics"]), "metrics.read")
    before = figures().get(("portal_denied_total", "metrics.read"), 0.0)
    with pytest.raises(Denied):
        access.require(tokens.narrowed(portal.engineer, ["read"]), "metrics.read")
    assert figures()["portal_denied_total", "metrics.read"] == before + 1  # and the try is counted


def test_nobody_s_name_address_or_words_are_among_them(portal: Staff) -> None:
    metrics.answered("/conversations/rita@example.com", 200, 0.01)
    said = metrics.written().lower()
    for person in (portal.rep, portal.lead, portal.engineer):
        assert person.name.lower() not in said and person.email not in said and person.id not in said


def test_a_path_is_one_of_a_handful_of_places() -> None:
    paths = ("/", "/api/v1/conversations/0192", "/auth/signin", "/_stcore/stream", "/review", "/static/js/a.js", "/../etc", "")
    places = [metrics.place_of(path) for path in paths]
    assert places == ["pages", "api", "sign-in", "screens", "pages", "static", "pages", "pages"]
