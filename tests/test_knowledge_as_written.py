"""On the ladder: whether answers stay right when a model writes them, and what that takes."""

from collections.abc import Iterator
from typing import Any

import pytest

from data import connections
from data.tables import SetVersion, Study
from knowledge import as_written, ladder
from knowledge.answerers import Setup
from portal import catalog, jobs
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import Model
from tests.test_knowledge_answerers import ASKED, SHELF, UNCOVERED, fill
from tests.test_knowledge_answering import made
from tests.test_knowledge_ladder import freeze
from tests.test_knowledge_manner import connect, from_passages, model, no_environment

__all__ = ["model", "no_environment"]  # fixtures


@pytest.fixture
def shop(staff: Staff, model: Model) -> Iterator[tuple[Staff, SetVersion]]:
    fill(staff)
    asked = [(text, [slug]) for slug, texts in ASKED.items() for text in texts] + [(text, []) for text in UNCOVERED]
    version = freeze(staff, asked)
    connect(model, staff)
    model.says(from_passages(lambda told: [f"{told['passages'][0]['text'].split('. ')[0].rstrip('.')}."]))
    yield staff, version


def climbed(shop: tuple[Staff, SetVersion], *, writes: bool = True, **more: Any) -> Study:
    staff, version = shop
    return ladder.climb(made(staff, Setup(threshold=0.1, writes=writes)), version.id, by=staff.rep, **more)


def test_answers_are_written_too_and_told_beside_the_quoted_ones(shop: tuple[Staff, SetVersion], model: Model) -> None:
    told = climbed(shop, writer=catalog.writer_for(shop[0].rep)).told["written"]
    assert (told["questions"], told["missing"]) == (28, 0) and told["answers"]["n"] == told["quoted"]["n"] == 28
    assert told["answers"]["k"] == told["quoted"]["k"] >= 20 and told["written"] == len(model.asked) >= 20 and told["withdrawn"] == 0
    assert told["cost"] == pytest.approx(70e-6 * len(model.asked)) and told["ms"] > 0
    assert told["sentence"].startswith("Written by a model, answers are right as often as quoted ones: 0 points (")
    assert f"{told['written']} were written, 0 quoted instead." in told["sentence"]


def test_without_a_writer_nothing_is_told_of_it_and_the_rungs_are_the_same(shop: tuple[Staff, SetVersion]) -> None:
    plain, written = climbed(shop).told, climbed(shop, writer=catalog.writer_for(shop[0].rep)).told
    assert "written" not in plain and "written" in written

    def figures(told: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(one["name"], one["r1"], one["answers"]) for one in told["rungs"]]

    assert figures(plain) == figures(written)


def test_of_a_version_that_quotes_nothing_is_written(shop: tuple[Staff, SetVersion], model: Model) -> None:
    quoted = climbed(shop, writes=False, writer=catalog.writer_for(shop[0].rep)).told
    assert "written" not in quoted and not model.asked and quoted["rungs"]


def test_a_model_that_answers_from_other_articles_is_found_out(shop: tuple[Staff, SetVersion], model: Model) -> None:
    def other(told: dict[str, Any]) -> list[str]:
        own = told["passages"][0]["title"]
        passage = next((one for one in told["passages"] if one["title"] != own), told["passages"][0])
        return [f"{passage['text'].split('. ')[0].rstrip('.')}."]

    model.says(from_passages(other))
    told = climbed(shop, writer=catalog.writer_for(shop[0].rep)).told["written"]
    assert told["answers"]["k"] < told["quoted"]["k"]


def test_what_the_endpoint_does_not_answer_is_left_out_and_told(shop: tuple[Staff, SetVersion], model: Model) -> None:
    copy = from_passages(lambda told: [f"{told['passages'][0]['text'].split('. ')[0].rstrip('.')}."])
    model.says(copy, server.status(400), copy)
    told = climbed(shop, writer=catalog.writer_for(shop[0].rep)).told["written"]
    assert (told["questions"], told["missing"]) == (27, 1)
    assert told["sentence"].endswith("1 more are left out: the endpoint did not answer.")
    model.says(server.status(401))
    study = climbed(shop, writer=catalog.writer_for(shop[0].rep))
    assert study.told["written"]["sentence"].startswith("Not measured as written: The model endpoint refuses the key")
    assert study.told["rungs"] and study.told["sentence"]  # the climb stands


def test_the_job_writes_where_an_endpoint_is(shop: tuple[Staff, SetVersion], model: Model) -> None:
    staff, version = shop
    target = made(staff, Setup(threshold=0.1, writes=True))
    jobs.start("climb", {"set_version_id": version.id, "number": target.number}, title="Climb", by=staff.rep)
    jobs.run_waiting()
    (study,) = [ladder.newest(version.eval_set_id, by=staff.rep)]
    assert study is not None and study.told["written"]["written"] >= 20 and connections.endpoint() is not None
    assert as_written.MOST == 100 and SHELF
