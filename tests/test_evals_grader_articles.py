"""Cites article: a person said which articles answer the question."""

from typing import Any

import pytest

from evals import graders
from evals.cases import judges_of, made
from evals.graders import cites_article, expect
from evals.graders.face import Grade
from tests.test_evals_graders import Of, no, yes

WANTED = {"articles": ["returns-of-plants", "returns"]}


def grade(output: Any, expected: dict[str, Any] = WANTED) -> Grade:
    return cites_article.grade(Of(expected), output)


def answered(*articles: Any, **more: Any) -> dict[str, Any]:
    sources = [{"quote": "Plants go back.", "text": "Plants go back.", "article": article} for article in articles]
    return {"reply": "Plants go back.", "sources": sources, "declined": False, **more}


def test_an_answer_that_stands_on_one_of_them_passes() -> None:
    assert grade(answered("returns-of-plants")) == yes("cites 'returns-of-plants'")
    assert grade(answered("shipping", "returns")) == yes("cites 'returns'")


def test_an_answer_that_stands_on_others_does_not() -> None:
    assert grade(answered("shipping", "gifts")) == no("cites 'shipping' and 'gifts' instead of 'returns-of-plants' or 'returns'")
    assert grade(answered("Returns")).passed is False  # another article


@pytest.mark.parametrize("output", [{}, {"reply": "30 days."}, answered(), answered(None, 7, ["returns"]), {"sources": "returns"}])
def test_an_answer_without_an_article_does_not(output: dict[str, Any]) -> None:
    assert grade(output) == no("cites no article instead of 'returns-of-plants' or 'returns'")


def test_who_declines_cites_nothing() -> None:
    declined = no("declined instead of citing 'returns-of-plants' or 'returns'")
    assert grade(answered("returns", declined=True)) == declined
    assert grade({"reply": "I cannot help with that.", "articles": ["returns"]}) == declined
    assert grade(None) == grade("returns") == no("there was no output")


def test_what_only_found_articles_is_judged_by_its_first() -> None:
    assert grade({"articles": ["returns", "shipping"]}) == yes("cites 'returns'")
    assert grade({"articles": ["shipping", "returns"]}) == no("cites 'shipping' instead of 'returns-of-plants' or 'returns'")
    # an answer says itself what it stands on
    assert grade(answered("shipping", articles=["returns"])).passed is False


def test_a_case_that_names_articles_is_judged_so_and_told_in_words() -> None:
    assert judges_of(WANTED) == ("cites article",)
    assert expect.sentence({"articles": ["returns-of-plants"]}, ["cites article"]) == "cites 'returns-of-plants'"
    assert expect.sentence(WANTED, ["cites article"]) == "cites 'returns-of-plants' or 'returns'"
    assert graders.BY_NAME["cites article"].PERSON_WROTE


@pytest.mark.parametrize(("articles", "why"), [
    ("returns", "are no list"), (["returns", ""], "is empty"), ([7], "is no text"),
    (["x" * 201], "201 characters"), (["x"] * 51, "51 articles"),
])  # fmt: skip
def test_articles_that_cannot_be_judged_by_are_refused(articles: Any, why: str) -> None:
    told = expect.problem({"articles": articles}, ["cites article"], graders.BY_NAME)
    assert told is not None and why in told
    case = made({"messages": [{"role": "customer", "text": "May I send it back?"}], "expected": {"articles": articles}, "graders": []})
    assert isinstance(case, str) and why in case


def test_nothing_both_declines_and_cites() -> None:
    told = expect.problem({**WANTED, "decline": True}, ["cites article", "declines"], graders.BY_NAME)
    assert told == "It should decline and cite an article: no output does both."
    assert expect.problem({**WANTED, "decline": False}, ["cites article", "declines"], graders.BY_NAME) is None


@pytest.mark.parametrize(
    ("output", "passed"),
    [({"declined": True, "articles": []}, True), ({"reply": "You have 30 days.", "sources": [{"article": "returns"}]}, False),
     ({"declined": True, "sources": [{"article": "returns"}]}, False), (None, False)],
)  # fmt: skip
def test_where_no_article_is_named_it_has_to_decline(output: Any, passed: bool) -> None:
    assert grade(output, {"articles": []}).passed is passed
