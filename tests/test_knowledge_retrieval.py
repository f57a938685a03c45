"""Searching what is published: each rung finds what it is for, a new article is found at once, and a combination is a value."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from data.errors import Refused
from knowledge import retrieval
from knowledge.passages import Chunking, Published
from knowledge.retrieval import LIVE, PLAIN_HYBRID, Asked, Combination, Library, Pick
from knowledge.retrieval import library as libraries
from knowledge.retrieval.combination import KEYWORD_ONLY, VECTORS_ONLY, climbing
from language import words

CONCEPTS = (
    "refund refunds refunded money back repay reimbursed", "plant plants flower flowers rose", "parcel parcels package delivery delivered",
    "broken damaged smashed dead", "password login sign account locked", "invoice bill receipt", "cancel cancelling stop end quit",
)  # fmt: skip
PLACES = {word: place for place, concept in enumerate(CONCEPTS) for word in concept.split()}


def encode(texts: Sequence[str]) -> np.ndarray:
    """An encoder that knows a few words which mean the same."""
    rows = np.full((len(texts), len(CONCEPTS) + 1), 0.01, np.float32)
    for row, text in enumerate(texts):
        for word in words.of(text):
            rows[row, PLACES.get(word, len(CONCEPTS))] += 1.0 if word in PLACES else 0.05
    return rows


TWO_PARTS = "# How long\n\nA refund takes five days.\n\n# How much\n\nWe refund the price and the postage."
ARTICLES = [
    Published("refunds", 1, "Refunds", TWO_PARTS, area="Payment"),
    Published("dead-plants", 2, "Damaged plants", "Send a photo of the damaged plant within a week.", area="Plants"),
    Published("parcels", 1, "Late parcels", "A parcel that is late is looked for after six days.", area="Delivery"),
    Published("locked", 1, "Locked account", "After five wrong passwords the account is locked for an hour.", area="Account"),
    Published("invoices", 1, "Invoices", "The invoice is in the parcel, and in Settings.", area="Payment"),
]  # fmt: skip


@pytest.fixture(scope="module")
def library() -> Library:
    return retrieval.build(ARTICLES, encode=encode)


def slugs(library: Library, asked: Asked | str, combination: Combination = LIVE, **more: int) -> list[str]:
    return [one.passage.slug for one in retrieval.search(library, asked, combination, **more)]


def test_same_words_are_found_also_with_another_ending(library: Library) -> None:
    assert slugs(library, "I was refunded too little postage", KEYWORD_ONLY)[0] == "refunds"
    assert slugs(library, "dead flowers", KEYWORD_ONLY) == []  # the control: no article says so


def test_same_meaning_is_found_in_other_words(library: Library) -> None:
    assert slugs(library, "my flowers came dead", VECTORS_ONLY)[0] == "dead-plants"
    assert slugs(library, "my flowers came dead", PLAIN_HYBRID)[0] == "dead-plants"


def test_the_best_passage_of_an_article_is_handed_back_and_more_if_asked(library: Library) -> None:
    found = retrieval.search(library, "how much postage do you refund", PLAIN_HYBRID, most=1)
    assert [(one.passage.heading, one.passage.id) for one in found] == [("How much", "refunds@1#1")]
    more = retrieval.search(library, "how much postage do you refund", PLAIN_HYBRID, most=1, per_article=3)
    assert [one.passage.heading for one in more] == ["How much", "How long"]
    assert more[0].words > more[1].words > 0 and more[0].cosine is not None


def test_what_was_found_says_where_each_rung_put_it(library: Library) -> None:
    first, second = retrieval.search(library, "A late parcel is annoying. How long must I wait for it?", LIVE)[:2]
    assert first.passage.slug == "parcels" and set(first.stood) >= {"keyword", "vectors", "sentences", "titles"}
    assert first.stood["titles"].place == 1 < second.stood["titles"].place
    assert first.score == pytest.approx(sum(stood.added for stood in first.stood.values()), abs=1e-3)


def test_by_places_a_first_place_counts_the_same_in_each_list(library: Library) -> None:
    by_place = replace(PLAIN_HYBRID, fusion="rrf")
    found = retrieval.search(library, "refund my broken rose", by_place)
    assert found[0].score == pytest.approx(1 / 61 + 1 / 61, rel=0.02) or {one.passage.slug for one in found[:2]} == {
        "refunds",
        "dead-plants",
    }


@pytest.mark.parametrize("text", ["", "   ", "?!", "the of and", "zzz qqq xxx"])
def test_a_question_that_says_nothing_finds_nothing_by_words(library: Library, text: str) -> None:
    assert slugs(library, text, KEYWORD_ONLY) == []
    assert slugs(retrieval.build(ARTICLES), text, LIVE) == []  # as where no encoder is installed


def test_without_an_encoder_words_titles_and_names_still_find() -> None:
    plain = retrieval.build(ARTICLES)
    found = retrieval.search(plain, "Where is my late parcel? I want my invoice.", LIVE)
    assert found[0].passage.slug == "parcels" and found[0].cosine is None and "vectors" not in found[0].stood


@pytest.mark.parametrize("published", [[], [Published("empty", 1, "Empty", "  \n")]])
def test_a_library_without_a_word_finds_nothing(published: list[Published]) -> None:
    made = retrieval.build(published, encode=encode)
    assert made.articles == made.size == 0 and slugs(made, "refund") == []
    later = retrieval.updated(made, [*published, *ARTICLES])
    assert slugs(later, "refund")[0] == "refunds"


# -- what changes -------------------------------------------------------------------------------------------------------------------------


def test_a_published_article_is_found_and_only_it_is_worked_on(library: Library) -> None:
    encoded: list[str] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        encoded.extend(texts)
        return encode(texts)

    held = replace(library, encode=counting)
    new = Published("vouchers", 1, "Vouchers", "A voucher is valid for three years.")
    later = retrieval.updated(held, [*ARTICLES, new])
    assert encoded == ["Vouchers\nA voucher is valid for three years."]
    assert slugs(later, "how long is my voucher valid")[0] == "vouchers" and later.parts[0] is library.parts[0]
    assert "vouchers" not in slugs(library, "how long is my voucher valid")  # the library before is as it was
    assert retrieval.updated(later, [*ARTICLES, new]) is later


def test_a_new_version_takes_the_place_of_the_old_one_and_may_be_restored(library: Library) -> None:
    second = Published("refunds", 2, "Refunds", "A refund takes nine days.", area="Payment")
    later = retrieval.updated(library, [second, *ARTICLES[1:]])
    found = [one.passage for one in retrieval.search(later, "refund", per_article=5) if one.passage.slug == "refunds"]
    assert [(one.number, one.text) for one in found] == [(2, "A refund takes nine days.")]
    back = retrieval.updated(later, ARTICLES)
    assert {one.passage.number for one in retrieval.search(back, "refund") if one.passage.slug == "refunds"} == {1}


def test_what_is_withdrawn_is_not_found(library: Library) -> None:
    later = retrieval.updated(library, ARTICLES[1:])
    assert "refunds" not in slugs(later, "refund", most=20) and later.articles == 4
    assert slugs(retrieval.updated(library, []), "refund") == []


def test_many_updates_end_as_one_build() -> None:
    """Small parts are put together, and a mostly masked library too: what is found stays the same, and nothing is encoded twice."""
    encoded: list[str] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        encoded.extend(texts)
        return encode(texts)

    published = list(ARTICLES)
    grown = replace(retrieval.build(published, encode=counting), encode_asked=encode)
    for number in range(30):
        new = Published(f"new-{number}", 1, f"Thing number{number}", f"The thing{number} is a plant.")
        grown = retrieval.updated(grown, [*(Published(one.slug, one.number, "", "") for one in published), new])  # known by name alone
        published = [*published, new]
    assert len(grown.parts) <= libraries.MOST_PARTS + 1 and grown.articles == 35 and len(encoded) == len(set(encoded))
    anew = retrieval.build(published, encode=encode)
    for asked in ("thing17 plant", "refund of a plant", "locked", "How much postage?"):
        assert slugs(grown, asked, PLAIN_HYBRID)[:1] == slugs(anew, asked, PLAIN_HYBRID)[:1]
    shrunk = retrieval.updated(grown, [Published(one.slug, one.number, "", "") for one in published[3:10]])
    assert shrunk.articles == 7 and len(shrunk.parts) == 1 and len(encoded) == len(set(encoded))
    found = slugs(shrunk, "the account is locked, and thing3 is a plant", PLAIN_HYBRID)
    assert found[:2] == ["locked", "new-3"] and set(found) <= {one.slug for one in published[3:10]}


def test_a_large_part_is_not_worked_on_again_when_small_ones_are_put_together() -> None:
    text = "\n\n".join(f"## Part {number}\n\nThe machine has screw{number}." for number in range(1_900))
    large = [Published(f"large-{number}", 1, f"Manual {number}", text) for number in range(3)]
    grown = retrieval.updated(retrieval.build(ARTICLES), [*ARTICLES, *large])
    part = grown.parts[1]
    published = [*ARTICLES, *large]
    for number in range(libraries.MOST_PARTS + 2):
        published = [*published, Published(f"new-{number}", 1, f"Thing number{number}", f"The thing{number} is a plant.")]
        grown = retrieval.updated(grown, published)
    assert any(one is part for one in grown.parts) and len(grown.parts) < libraries.MOST_PARTS
    assert slugs(grown, "screw1234", KEYWORD_ONLY) == ["large-0", "large-1", "large-2"] and slugs(grown, "thing3", KEYWORD_ONLY) == [
        "new-3"
    ]


# -- rungs beyond words and meaning -----------------------------------------------------------------------------------------------------


def test_each_sentence_of_a_long_question_brings_its_article() -> None:
    many = [Published(f"plant-{number}", 1, "Plants", "Of a plant and a flower.") for number in range(40)]
    made = retrieval.build([*ARTICLES, *many], encode=encode)
    long = "I like each plant here. My rose has a flower now. A flower is not a plant. My account is locked."
    assert "locked" not in slugs(made, long, VECTORS_ONLY)
    assert slugs(made, long, climbing(vectors=1.0, sentences=3.0))[0] == "locked"


def test_the_intent_brings_its_area_and_what_was_chosen_for_it(library: Library) -> None:
    asked = Asked.of("it took long, five days or more", intent="delivery problem")
    on = climbing(keyword=1.0, classification=3.0)
    assert slugs(library, asked, KEYWORD_ONLY)[0] != "parcels" and slugs(library, asked, on)[0] == "parcels"
    asked = Asked.of("five days", intent="login")
    for count, share in ((1, 1 / 4), (9, 9 / 12)):  # one choice is no rule yet
        picked = retrieval.with_picks(library, [Pick(Asked.of(f"question {n}", intent="login"), "invoices") for n in range(count)])
        chosen = retrieval.look(picked, asked, on).measured["chosen for intent"]
        assert chosen[picked.places["invoices"]] == pytest.approx(share) == chosen.sum()
    assert "invoices" not in slugs(picked, Asked.of("damaged", intent="login"), KEYWORD_ONLY)


def test_what_people_chose_for_a_question_alike_comes_first(library: Library) -> None:
    asked = "The bouquet arrived withered"
    assert slugs(library, asked, climbing(keyword=1.0, vectors=0.1))[:1] != ["dead-plants"]
    picks = [
        Pick(Asked.of("A withered bouquet"), "dead-plants"),
        Pick(Asked.of("password lost"), "locked"),
        Pick(Asked.of("bill?"), "invoices"),
    ]
    learned = retrieval.with_picks(retrieval.build(ARTICLES), picks)
    assert slugs(learned, asked, LIVE)[0] == "dead-plants"
    assert slugs(learned, "I lost my password", LIVE)[0] == "locked"
    gone = retrieval.updated(learned, [one for one in ARTICLES if one.slug != "dead-plants"])  # a chosen article may be withdrawn
    assert "dead-plants" not in slugs(gone, asked, LIVE)


def test_a_model_may_say_it_in_other_words() -> None:
    plain = retrieval.build(ARTICLES)
    on = climbing(keyword=1.0, sentences=1.0)
    assert [one.passage.slug for one in retrieval.search(plain, "The bouquet withered", on)] == []
    found = retrieval.search(plain, "The bouquet withered", on, extra=["damaged plant, send a photo"])
    assert found[0].passage.slug == "dead-plants"


def test_the_learned_order_weighs_what_led_to_the_choices(library: Library) -> None:
    """People here always chose by the title; the text misleads."""
    names = [f"gadget{number}" for number in range(30)]
    published = [Published(name, 1, f"About {name}", f"{names[place - 1]} " * 5) for place, name in enumerate(names)]
    made = retrieval.build(published)
    chosen = [Pick(Asked.of(f"tell me {name}"), name) for name in names]
    before = climbing(keyword=1.0, titles=0.01)
    after = retrieval.learned(made, chosen, before)
    right = [sum(slugs(made, one.asked, combination)[0] == one.slug for one in chosen) for combination in (before, after)]
    assert right[1] > right[0] and right[1] >= 29
    weights = dict(after.learned)
    assert weights["title share"] > 0 and set(weights) == {"words", "title words", "title share"}
    assert Combination.of(after.as_body()) == after
    with pytest.raises(Refused, match=r"12 questions have a chosen article, and it takes 20"):
        retrieval.learned(made, chosen[:12], before)


def test_what_a_question_chose_itself_does_not_teach_that_choices_are_right() -> None:
    """No two questions have a word in common: what was chosen for others says nothing, and is given no weight."""
    published = [Published(f"a{number}", 1, f"Title {number}", f"text{number % 7}") for number in range(40)]
    chosen = [Pick(Asked.of(f"word{number} other{number} text{number % 7}"), f"a{number}") for number in range(40)]
    made = retrieval.with_picks(retrieval.build(published), chosen)
    after = retrieval.learned(made, chosen, climbing(keyword=1.0, picks=1.0))
    weights = dict(after.learned)
    assert weights["words"] > 1 and weights["chosen alike"] < 0.3 * weights["words"]


# -- the combination ----------------------------------------------------------------------------------------------------------------------


def test_a_combination_is_kept_as_json_word_for_word() -> None:
    for one in (LIVE, PLAIN_HYBRID, replace(PLAIN_HYBRID, fusion="rrf", chunking=Chunking("window", 90, 10), learned=(("words", -0.5),))):
        assert Combination.of(one.as_body()) == one


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"rungs": {"keywrod": 1}}, "no rung 'keywrod'"),
        ({"rungs": {"keyword": 1}, "extra": 1}, "'extra' is unknown"),
        ({"rungs": {}}, "at least one rung has to count"),
        ({"rungs": {"keyword": 0}}, "at least one rung has to count"),
        ({"rungs": {"keyword": -1, "vectors": 1}}, "between 0 and 100"),
        ({"rungs": {"keyword": True}}, "a weight is a number"),
        ({"rungs": {"keyword": "1"}}, "a weight is a number"),
        ({"rungs": {"keyword": float("nan")}}, "at least one"),
        ({"rungs": {"keyword": 1}, "fusion": "both"}, "not by 'both'"),
        ({"rungs": {"keyword": 1}, "sentences": 400}, "0 to 40 sentences"),
        ({"rungs": {"keyword": 1}, "learned": {"wrods": 1}}, "weighs 'wrods'"),
        ({"rungs": {"keyword": 1}, "chunking": {"how": "page"}}, "not by 'page'"),
        ({"rungs": {"keyword": 1}, "chunking": {"words": "many"}}, "numbers of words"),
        ({"rungs": {"keyword": 1}, "chunking": {"by": 1}}, "'by' is unknown"),
        ([], "no combination of rungs"),
        ("{", "no combination of rungs"),
    ],
)
def test_what_is_no_combination_is_refused_in_words(told: object, why: str) -> None:
    with pytest.raises(Refused, match=why):
        Combination.of(told)  # type: ignore[arg-type]


def test_every_rung_is_told_in_one_sentence_and_can_be_turned_on() -> None:
    assert len({rung.name for rung in retrieval.RUNGS}) == len(retrieval.RUNGS)
    assert all(rung.explanation.endswith(".") and rung.title for rung in retrieval.RUNGS)
    told = {rung.name for rung in retrieval.RUNGS}
    assert {name for name, _ in LIVE.weights} == told - {"hybrid", "chunking", "reranker"}


def test_the_only_article_there_is_is_found() -> None:
    library = libraries.build([Published("returns", 1, "Returns of plants", "A customer has 30 days to send a plant back.")])
    assert [one.passage.slug for one in retrieval.search(library, "how many days to send back a plant")] == ["returns"]
    assert retrieval.search(library, "grow lamps") == []
