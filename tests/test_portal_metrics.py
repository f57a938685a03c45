"""Health figures: in the form that monitoring reads, numbers only, for those who may."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from data import people, store, tasks, tokens
from portal import metrics
from tests.conftest import Staff, hire
from tests.server import Server, inside, serving


@dataclass
class Portal:
    server: Server
    staff: Staff
    tokens: dict[str, str]

    def ask(self, scope: str) -> httpx.Response:
        return httpx.get(f"{self.server.base}/api/v1/metrics", headers={"Authorization": f"Bearer {self.tokens[scope]}"})


@pytest.fixture(scope="module")
def portal(module_home: tuple[Path, str]) -> Iterator[Portal]:
    home, url = module_home
    with inside(home, url):
        staff = hire()
        made = {scope: tokens.issue(scope, [scope], staff.engineer, by=people.console()) for scope in ("metrics", "read")}
        with store.writing() as db:
            tasks.later(db, "classify", {"conversation_ids": []}, title="Waits", by=None)
    with serving(home, url) as server:
        yield Portal(server, staff, made)


def test_monitoring_reads_them_with_a_token_of_this_scope_only(portal: Portal) -> None:
    answer = portal.ask("metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert figures["portal_tasks", "waiting"] == 1 and figures["portal_people_active",] == 5
    assert figures["portal_record_entries",] > 7 and figures["portal_requests_total", "api", "2xx"] >= 1
    assert portal.ask("read").status_code == 403
    assert httpx.get(f"{portal.server.base}/api/v1/metrics").status_code in (303, 401)


def test_a_denied_try_is_counted_by_its_verb(portal: Portal) -> None:
    portal.ask("read")
    assert 'portal_denied_total{verb="metrics.read"}' in portal.ask("metrics").text


def test_nobody_s_name_address_or_words_are_among_them(portal: Portal) -> None:
    httpx.get(f"{portal.server.base}/auth/signin?next=/conversations?words=rita", headers={"User-Agent": "rita"})
    said = portal.ask("metrics").text.lower()
    staff = portal.staff
    for person in (staff.rep, staff.lead, staff.engineer):
        assert person.name.lower() not in said and person.email not in said and person.id not in said


def test_a_path_is_one_of_a_handful_of_places() -> None:
    paths = ("/", "/api/v1/conversations/0192", "/auth/signin", "/_stcore/stream", "/review", "/static/js/a.js", "/../etc", "")
    places = [metrics.place_of(path) for path in paths]
    assert places == ["pages", "api", "sign-in", "screens", "pages", "static", "pages", "pages"]
