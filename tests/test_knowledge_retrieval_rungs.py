"""Each rung by itself: BM25 against its formula, names and short forms found in own texts, learned weights against scikit-learn's."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from knowledge import retrieval
from knowledge.passages import Published
from knowledge.retrieval import LIVE, PLAIN_HYBRID, Asked, entities, expansion, hybrid, keyword, picks, reranker, stems, titles, tuned
from knowledge.retrieval.combination import KEYWORD_ONLY, climbing
from portal.bench import named

# -- words --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forms",
    ["refund refunds refunded refunding", "ship ships shipped shipping", "fee fees", "policy policies", "change changes changed changing"],
)
def test_endings_do_not_keep_words_apart(forms: str) -> None:
    assert len({stems.stem(word) for word in forms.split()}) == 1


@pytest.mark.parametrize("words", ["card care", "bus business", "red reed", "sing single", "ring r", "3ds 3d"])
def test_words_that_only_look_alike_stay_apart(words: str) -> None:
    one, other = words.split()
    assert stems.stem(one) != stems.stem(other)


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=12), min_size=1, max_size=8), st.lists(st.sampled_from("abcdefz"), max_size=6))
def test_bm25_is_its_formula(rows: list[list[str]], asked: list[str]) -> None:
    made = keyword.build(rows)
    usual = sum(map(len, rows)) / len(rows) or 1.0
    expected = []
    for row in rows:
        total = 0.0
        for word, times in Counter(asked).items():
            holding = sum(word in other for other in rows)
            worth = math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
            often = row.count(word)
            total += times * worth * often * 2.2 / (often + 1.2 * (1 - 0.75 + 0.75 * len(row) / usual))
        expected.append(total)
    assert made.scores(keyword.weighed(asked, [made])) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_word_is_as_rare_as_it_is_in_all_parts_together() -> None:
    parts = [keyword.build([["a"], ["b"]]), keyword.build([["a"], ["a"]])]
    assert keyword.rarity(["a", "b", "z"], parts) == pytest.approx({"a": math.log(1 + 1.5 / 3.5), "b": math.log(1 + 3.5 / 1.5)})


# -- putting together ---------------------------------------------------------------------------------------------------------------------


def test_scores_are_levelled_over_what_is_in_force() -> None:
    alive = np.array([True, True, False, True])
    assert hybrid.levelled(np.array([1, 3, 90, 2], np.float32), alive).tolist() == [0, 1, 1, 0.5]
    assert hybrid.levelled(np.array([5, 5, 90, 5], np.float32), alive).tolist() == [1, 1, 1, 1]  # all fit, none is preferred
    assert hybrid.levelled(np.array([0, 0, 90, 0], np.float32), alive).tolist() == [0, 0, 0, 0]


def test_equal_scores_have_the_same_place() -> None:
    assert hybrid.places(np.array([0.2, 0.9, 0.2, 0.1], np.float32)).tolist() == [2, 1, 2, 4]
    one, other = np.array([0.9, 0.1, 0.0], np.float32), np.array([0.0, 0.9, 0.1], np.float32)
    together = hybrid.by_place({"one": one, "other": other}, {"one": 1.0, "other": 1.0})
    assert together == pytest.approx([1 / 61, 1 / 62 + 1 / 61, 1 / 62])


def test_a_title_that_is_said_whole_beats_a_longer_one_that_is_said_in_part() -> None:
    said = [["late", "parcel"], ["late", "invoice", "by", "post"]]
    made = keyword.build(said)
    rarity = keyword.rarity({word for one in said for word in one}, [made])
    share = titles.share(made, titles.worth(said, rarity), keyword.rarity({"late", "parcel", "again"}, [made]))
    assert share[0] > 2 * share[1] > 0


# -- names --------------------------------------------------------------------------------------------------------------------------------

PRODUCTS = ("Blue Account", "Light Blue Account", "Green Account", "Student Account", "Zenith Card", "Comet Card", "Travel Card")
HELP = [
    *((f"{name}: fees", f"With a {name} you pay little. Whoever has the {name} may call Acme.") for name in PRODUCTS),
    *((f"{name}: closing", f"To close your {name}, call Acme. Then your {name} is closed.") for name in PRODUCTS),
    ("How to reach Acme", "Please call Acme, write to Acme or visit Acme."),
    ("About Acme", "We are Acme. You know Acme."),
    ("Closing a door", "To close a door, call us. My card and my account are near the door, and the fees too."),
    ("Travel", "When you travel, take your card along. A student may travel too."),
]


@pytest.fixture(scope="module")
def names() -> entities.Names:
    return entities.mined([title for title, _ in HELP], [text for _, text in HELP])


def told(names: entities.Names, text: str) -> list[str]:
    return [" ".join(name) for name, _ in names.mentioned(text)]


def test_names_are_found_in_titles_and_kinds_of_things_are_not(names: entities.Names) -> None:
    assert told(names, "my light blue account, not the BLUE ACCOUNT") == ["light blue account", "blue account"]
    assert told(names, "my account and my card: closing, fees, a door, travel, a student") == []
    assert told(names, "Acme says so") == []  # everything is Acme's
    assert told(names, "I lost my zenith") == ["zenith card"]  # the short form that only it has


def test_an_article_is_about_the_longest_name_in_its_title(names: entities.Names) -> None:
    assert names.about("Light Blue Account: fees", "") == {("light", "blue", "account")}
    assert names.about("All fees", "The Zenith Card costs ten. The Zenith Card is fine. A Blue Account is free.") == {("zenith", "card")}
    assert names.about("All fees", "There are some.") == frozenset()


def test_the_last_name_is_carried_over_the_rest_of_the_conversation(names: entities.Names) -> None:
    said = [
        ("customer", "I had a Blue Account."),
        ("rep", "And now?"),
        ("customer", "Now a Zenith Card."),
        ("rep", "Fine."),
        ("customer", "What does it cost me?"),
    ]
    weights = entities.carried(names, said)
    assert weights[("zenith", "card")] == 1.0 > weights[("blue", "account")] > 0
    assert entities.question(names, said) == "zenith card. What does it cost me?"
    assert entities.question(names, [*said, ("customer", "And the Blue Account?")]) == "And the Blue Account?"
    assert entities.question(names, said[:1]) == ""


def test_a_last_message_that_says_nothing_is_read_with_the_one_before(names: entities.Names) -> None:
    said = [("customer", "How do I close it?"), ("rep", "Which one?"), ("customer", "Zenith.")]
    assert entities.question(names, said) == "How do I close it?\nZenith."


def test_where_no_name_is_known_nothing_is_scored() -> None:
    assert entities.scores({}, {("x",): 1.0}, 3).tolist() == [0, 0, 0]
    assert entities.scores({("x",): np.array([1])}, {}, 3).tolist() == [0, 0, 0]
    one, foreign, neither = entities.scores({("x",): np.array([0]), ("y",): np.array([1])}, {("x",): 1.0}, 3).tolist()
    assert one > neither > foreign


def test_names_in_the_first_turn_bring_the_right_article_at_the_end() -> None:
    """The same questions about many products: with names carried on, the product's own article is found more often."""
    articles, asked = named.made(seed=4, conversations=60)
    made = retrieval.build([Published(row["id"], 1, row["title"], row["body"]) for row in articles])

    def right(combination: retrieval.Combination) -> int:
        questions = [(Asked.of([(one["role"], one["text"]) for one in row["messages"]]), row["relevant"]) for row in asked]
        found = [(retrieval.search(made, question, combination, most=1), relevant) for question, relevant in questions]
        return sum(bool(one) and one[0].passage.slug in relevant for one, relevant in found)

    assert right(PLAIN_HYBRID) == right(KEYWORD_ONLY)  # there is no encoder here
    assert right(LIVE) > right(PLAIN_HYBRID) + 5
    short = [Asked.of([(one["role"], one["text"]) for one in row["messages"][-2:]]) for row in asked]
    products = [row["relevant"][0].split("/")[0] for row in asked]
    heard = [sum(product.lower() in entities.question(made.names, one.messages) for one, product in zip(turns, products, strict=True))
             for turns in (short, [Asked.of([(one["role"], one["text"]) for one in row["messages"]]) for row in asked])]  # fmt: skip
    assert heard[0] < 10 and heard[1] > 50


# -- other words --------------------------------------------------------------------------------------------------------------------------


def test_short_forms_stand_for_what_authors_write_beside_them() -> None:
    found = expansion.mined(
        ["The Annual Percentage Yield (APY) grows.", "An RMA (return merchandise authorization) is free.",
         "A voucher, also called coupon, is valid.", "Our shop (IKEA) is open, see the note (PDF)."]
    )  # fmt: skip
    assert found.of(stems.of("what is my apy")) == {"annual", "percentag", "yield"}
    assert found.of(stems.of("annual percentage yield")) == {"apy"}
    assert found.of(stems.of("an RMA please")) == set(stems.of("return merchandise authorization"))
    assert found.of(stems.of("coupon")) == {"voucher"} and found.of(stems.of("shop note pdf")) == set()
    assert expansion.mined([]).of(["apy"]) == set()


# -- choices ------------------------------------------------------------------------------------------------------------------------------


def test_one_earlier_choice_proves_little_and_many_prove_more() -> None:
    questions = ["my withered bouquet", "bouquet withered again", "the bouquet is withered"]
    places = {"plants": 0, "other": 1}
    scores = []
    for count in (1, 3):
        chosen = [picks.Pick(Asked.of(text), "plants") for text in questions[:count]] + [
            picks.Pick(Asked.of(f"thing {n}"), "other") for n in range(4)
        ]
        held = picks.memory(chosen, encode=None, most=6)
        scores.append(picks.alike(held, None, stems.of("a withered bouquet"), places, 2))
    assert 0 < scores[0][0] < scores[1][0] < 1 and scores[1][1] == 0


def test_the_learned_weights_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    rows = rng.random((400, 4))
    right = (rows @ [3.0, -2.0, 0.0, 1.0] + rng.normal(size=400) > 1).astype(float)
    theirs = LogisticRegression(C=1 / reranker.HELD_BACK, tol=1e-10, max_iter=2_000).fit(rows, right)
    assert reranker.free(rows, right) == pytest.approx(theirs.coef_[0], abs=1e-4)


def test_no_measure_counts_against_an_article() -> None:
    rng = np.random.default_rng(2)
    rows = rng.random((400, 3))
    right = (rows @ [3.0, -2.0, 1.0] + rng.normal(size=400) > 1).astype(float)
    weights = reranker.fitted(rows, right)
    assert weights[1] == 0 and weights[[0, 2]] == pytest.approx(reranker.free(rows[:, [0, 2]], right))
    assert reranker.fitted(rows, 1 - rows[:, 0].round()).tolist()[0] == 0


# -- what is asked ------------------------------------------------------------------------------------------------------------------------


def test_later_messages_and_customers_count_more() -> None:
    asked = Asked.of(
        [
            ("customer", "My first parcel is late."),
            ("rep", "Which parcel do you mean?"),
            ("customer", "The second parcel is late too."),
            ("tool", "{x}"),
        ]
    )
    parts = asked.parts(6)
    weights = {part.text: part.weight for part in parts}
    assert weights["The second parcel is late too."] == 1.0 > weights["My first parcel is late."] > weights["Which parcel do you mean?"]
    assert "{x}" not in asked.text and len(asked.parts(1)) == 1 and Asked.of("One sentence only.").parts(6) == []


# -- a tuned encoder ----------------------------------------------------------------------------------------------------------------------

FLAT = np.eye(8, dtype=np.float32)


def remembered(asked: np.ndarray, slugs: list[str]) -> picks.Memory:
    """Earlier questions by their vectors, one article chosen for each."""
    questions = tuple(Asked.of(f"question {place}") for place in range(len(slugs)))
    return picks.Memory(questions, tuple((slug,) for slug in slugs), asked, keyword.build([["q"]] * len(slugs)), {})


def test_a_question_is_turned_towards_what_was_chosen_when_somebody_asked_alike() -> None:
    """Customers say 0 for what the article calls 1; the first passage of the article is about something else."""
    passages = {"the-article": FLAT[[5, 1]], "another": FLAT[[3]]}
    drawn = np.random.default_rng(0).normal(0, 0.05, (20, 8)).astype(np.float32)
    asked = FLAT[0] + FLAT[1] * 0.3 + drawn
    asked = np.asarray(asked / np.linalg.norm(asked, axis=1, keepdims=True), np.float32)
    matrix = tuned.learned(remembered(asked, ["the-article"] * 20), passages)
    assert matrix is not None
    assert FLAT[0] @ FLAT[1] == 0
    assert tuned.turned(FLAT[0], matrix) @ FLAT[1] > 0.9
    assert tuned.turned(FLAT[4], matrix) @ FLAT[4] > 0.9, "nobody asked anything like it: it stays"
    assert np.linalg.norm(tuned.turned(FLAT[0], matrix)) == pytest.approx(1.0, abs=1e-5)


def test_too_few_choices_and_choices_of_articles_that_are_gone_teach_nothing() -> None:
    asked = np.tile(FLAT[0], (tuned.FEWEST, 1))
    enough = ["there"] * tuned.FEWEST
    assert tuned.learned(remembered(asked, enough), {"there": FLAT[[1]]}) is not None
    assert tuned.learned(remembered(asked[1:], enough[1:]), {"there": FLAT[[1]]}) is None
    assert tuned.learned(remembered(asked, [*enough[1:], "gone"]), {"there": FLAT[[1]]}) is None


def test_many_articles_chosen_for_one_question_count_as_one_question() -> None:
    asked = np.tile(FLAT[0], (tuned.FEWEST, 1))
    one = remembered(asked, ["there"] * tuned.FEWEST)
    many = picks.Memory(one.questions, tuple(("there",) * 5 for _ in one.slugs), asked, one.words, {})
    passages = {"there": FLAT[[1]]}
    assert tuned.learned(many, passages) == pytest.approx(tuned.learned(one, passages), abs=1e-5)


def test_what_was_chosen_turns_the_question_that_is_searched_for() -> None:
    """Through the whole search: words that are in no article, and an encoder that knows nothing of what they mean."""
    known = [Published(f"article-{place}", 1, f"Title {place}", f"text{place}") for place in range(6)]

    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.stack([FLAT[int(text[-1])] if text[-1].isdigit() else FLAT[7] for text in texts])

    chosen = [picks.Pick(Asked.of(f"strange words {'abcdefghijkl'[place]}"), "article-3") for place in range(12)]
    library = retrieval.build(known, encode=encode, chosen=chosen)
    asked = "other strange words"
    assert retrieval.search(library, asked, climbing(tuned=1.0))[0].passage.slug == "article-3"
    assert retrieval.search(retrieval.with_picks(library, []), asked, climbing(tuned=1.0)) == [], "nobody chose anything: nothing is known"
