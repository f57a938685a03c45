"""What the demo's shop has written down, and the questions about it: complete, consistent, and nobody's personal data."""

import re
from collections import Counter

import pytest

from knowledge import articles, passages, quotable
from knowledge.passages import Published
from language import redact
from portal.ferngrove import story
from portal.ferngrove.knowledge import ARTICLES, COVERED, GAPS, QUESTIONS, ArticleText, QuestionText
from portal.ferngrove.phrases import INTENTS, NEW_PATTERN

AREAS = {"Orders", "Delivery", "Returns", "Payment", "Account", "Plants"}
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
BY_SLUG = {article.slug: article for article in ARTICLES}

each_article = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.slug)


def published(article: ArticleText) -> Published:
    return Published(article.slug, 1, article.title, article.text, article.kind, article.audience, article.area, article.language)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def test_each_slug_is_lower_case_and_names_one_article() -> None:
    assert all(SLUG.fullmatch(article.slug) for article in ARTICLES)
    assert len(BY_SLUG) == len({article.title for article in ARTICLES}) == len(ARTICLES)


def test_there_are_policies_ready_replies_articles_for_staff_and_in_german() -> None:
    assert 34 <= len(ARTICLES) <= 40
    kinds = Counter(article.kind for article in ARTICLES)
    assert kinds[articles.POLICY] == 5 and kinds[articles.MACRO] >= 3 and set(kinds) == set(articles.KINDS)
    assert Counter(article.audience for article in ARTICLES)[articles.STAFF] == 4
    assert Counter(article.language for article in ARTICLES)["de"] == 2


@each_article
def test_an_article_says_of_what_kind_it_is_and_for_whom(article: ArticleText) -> None:
    assert article.kind in articles.KINDS and article.audience in articles.AUDIENCES
    assert article.area in AREAS and article.language in ("en", "de")
    assert article.title and article.text == article.text.strip()


@each_article
def test_an_article_is_as_long_as_a_help_page(article: ArticleText) -> None:
    assert 90 <= len(article.text.split()) <= 300


@each_article
def test_its_markdown_is_read_as_it_was_meant(article: ArticleText) -> None:
    blocks = passages.read(article.text)
    shown = "\n".join(part for block in blocks for part in (block.heading, block.text))
    assert not re.search(r"\*\*|^#|^\s*[-*] |^\||\|---|\]\(", shown, re.MULTILINE), "some of its Markdown was not understood"
    assert any(block.heading for block in blocks) == (article.kind != articles.MACRO), "a page has headings, a ready reply has none"
    assert set(words(article.text)) == set(words(shown)), "words are lost"


@each_article
def test_most_of_its_passages_can_be_quoted(article: ArticleText) -> None:
    cut = passages.cut(published(article))
    assert cut and sum(bool(quotable.parts(passage)) for passage in cut) > len(cut) / 2


def test_every_intent_is_covered_or_a_gap_and_the_new_pattern_is_one() -> None:
    covered = {intent for intents in COVERED.values() for intent in intents}
    assert covered | GAPS == {*INTENTS, NEW_PATTERN.key} and not covered & GAPS
    assert NEW_PATTERN.key in GAPS
    assert 0.7 <= len(covered) / len(INTENTS) <= 0.8


def test_what_is_covered_is_covered_for_customers_too() -> None:
    open_to_all = {slug for slug in COVERED if BY_SLUG[slug].audience == articles.EVERYONE}
    assert {intent for slug in open_to_all for intent in COVERED[slug]} == set(INTENTS) - GAPS


def test_no_article_speaks_of_a_gap() -> None:
    told = " ".join(f"{article.title} {article.text}" for article in ARTICLES).lower()
    for sign in ("gift card", "geschenkkarte", "back in stock", "sold out", "crash", "wholesale", "reseller", "complain", "compartment"):
        assert sign not in told, sign


def test_of_120_questions_40_are_to_be_declined() -> None:
    assert len(QUESTIONS) == len({question.text for question in QUESTIONS}) == 120
    assert sum(question.decline for question in QUESTIONS) == 40
    assert {question.channel for question in QUESTIONS} <= set(story.CHANNELS)


def test_a_question_names_its_articles_or_is_to_be_declined() -> None:
    for question in QUESTIONS:
        assert bool(question.articles) != question.decline, question.text
        assert set(question.articles) <= set(BY_SLUG), question.text


def test_no_customer_is_answered_by_what_is_for_staff() -> None:
    assert {BY_SLUG[slug].audience for question in QUESTIONS for slug in question.articles} == {articles.EVERYONE}


def test_each_article_for_customers_is_asked_for() -> None:
    asked = {slug for question in QUESTIONS for slug in question.articles}
    assert {slug for slug, article in BY_SLUG.items() if article.audience == articles.EVERYONE} == asked


def test_two_questions_are_german_and_each_has_a_german_article() -> None:
    german = [question for question in QUESTIONS if any(BY_SLUG[slug].language == "de" for slug in question.articles)]
    assert len(german) == 2 and all(re.search(r"\b(ich|bin)\b", question.text, re.IGNORECASE) for question in german)


@pytest.mark.parametrize("question", [question for question in QUESTIONS if question.articles], ids=lambda question: question.text[:40])
def test_a_customer_does_not_use_the_words_of_the_article(question: QuestionText) -> None:
    """Five words in a row would make finding it too easy."""
    asked = words(question.text)
    runs = {" ".join(asked[start : start + 5]) for start in range(len(asked) - 4)}
    for slug in question.articles:
        told = " ".join(words(f"{BY_SLUG[slug].title} {BY_SLUG[slug].text}"))
        assert not [run for run in runs if f" {run} " in f" {told} "]


def test_nothing_looks_like_personal_data() -> None:
    texts = [f"{article.title}\n{article.text}" for article in ARTICLES] + [question.text for question in QUESTIONS]
    assert [found for text in texts for found in redact.find(text)] == []
