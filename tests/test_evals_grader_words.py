"""Graders of what is said: exact text, contains, reply words, alike, declines, length, reading ease."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from evals.graders import alike, contains, declines, exact_text, length, reading_ease, reply_words, tokens
from evals.graders.face import Grade
from language import patience
from language.embeddings import EndpointEncoder
from language.fallback import Fallback
from tests import model_server as server
from tests.test_evals_graders import Of, no, yes

# -- words and numbers --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "found"), [
    ("30 Days", ["30", "days"]), ("30days, 5kg", ["30", "days", "5", "kg"]), ("AB1234", ["ab1234"]), ("für Sie", ["fur", "sie"]),
    ("1,200.50", ["1200.5"]), ("1.200,50", ["1200.5"]), ("1200.50", ["1200.5"]), ("1,200", ["1200"]), ("1.200.000", ["1200000"]),
    ("0.500", ["0.5"]), ("30.00", ["30"]), ("30.", ["30"]), ("10:30", ["10:30"]), ("12.05.2024", ["12.05.2024"]), ("007", ["007"]),
    ("３０ days", ["30", "days"]), ("", []), ("🙂", []),
])  # fmt: skip
def test_a_number_is_the_same_however_it_is_written(text: str, found: list[str]) -> None:
    assert tokens.of(text) == found


@pytest.mark.parametrize(("text", "found"), [
    ("It is late. Sorry! Is that all?", ["It is late.", "Sorry!", "Is that all?"]),
    ("1. Open Settings.\n2. Choose Delete\n- Done", ["Open Settings.", "Choose Delete", "Done"]),
    ("It costs 3.50 in all, e.g. today. Yes.", ["It costs 3.50 in all, e.g. today.", "Yes."]),
    ("Ask Dr. Who. (See No. 5.) Then go.", ["Ask Dr. Who.", "(See No. 5.", "Then go."]),
    ("返品できます。三十日以内です。", ["返品できます。", "三十日以内です。"]), ("", []),
])  # fmt: skip
def test_a_text_is_cut_into_its_sentences(text: str, found: list[str]) -> None:
    assert tokens.sentences(text) == found


# -- exact text ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", ["It's “late”.", 'IT\'S  "late"', " it’s\n«late». ", 'It\'s "late" .'])
def test_the_same_text_passes_however_it_is_written(reply: str) -> None:
    assert exact_text.grade(Of({"text": 'It\'s "late".'}), {"reply": reply}) == yes("says exactly that")


@pytest.mark.parametrize(("reply", "why"), [
    ("It comes on Monday", "says 'monday' instead of 'friday'"), ("It comes on", "ends before 'friday'"),
    ("It comes on Friday, promised", "says 'friday, promised' instead of 'friday'"),
    ("It comes on Friday at noon", "goes on with 'at noon' after the expected text"), ("", "there was no reply"),
])  # fmt: skip
def test_another_text_does_not_pass_and_where_it_differs_is_told(reply: str, why: str) -> None:
    assert exact_text.grade(Of({"text": "It comes on Friday."}), {"reply": reply}) == no(why)


# -- contains -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reply", "grade"), [
    ("You have 30\n DAYS to send it back, and it costs €4.90.", Grade(1.0, True, "says what it must")),
    ("You have 30 days.", Grade(2 / 3, False, "does not say '4.90 €'")),
    ("You have 300 days; it costs 4.90. Guaranteed!", Grade(1 / 3, False, "does not say '30 days', and says 'guaranteed'")),
    ("You have 30.5 days; 14.90", Grade(1 / 3, False, "does not say '30 days' and '4.90 €'")),
    ("30 days, 4,9 € is guaranteed", Grade(2 / 3, False, "says 'guaranteed'")),
])  # fmt: skip
def test_all_of_the_facts_and_none_of_the_others(reply: str, grade: Grade) -> None:
    facts = {"must": ["30 days", "4.90 €"], "must_not": ["guaranteed"]}
    found = contains.grade(Of({"facts": facts}), {"reply": reply})
    assert (found.score, found.passed, found.why) == (pytest.approx(grade.score), grade.passed, grade.why)


def test_a_fact_of_signs_alone_is_looked_for_as_it_is() -> None:
    assert contains.grade(Of({"facts": {"must": ["♥"]}}), {"reply": "Thanks ♥"}).passed is True
    assert contains.grade(Of({"facts": {"must": ["♥"]}}), {"reply": "Thanks"}).passed is False


def test_many_facts_are_told_in_a_few_words() -> None:
    assert contains.listed(["a"]) == "'a'"
    assert contains.listed(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"


# -- reply words --------------------------------------------------------------------------------------------------------------------------


def test_reply_words_says_which_words_are_lacking() -> None:
    grade = reply_words.grade(Of({"reply": "Your parcel comes tomorrow."}), {"reply": "Your parcel is late."})
    assert grade == Grade(0.5, True, "shares 50\u00a0% of its words with the expected reply; it lacks 'comes' and 'tomorrow'")
    weak = reply_words.grade(Of({"not_reply": "Please wait a week."}), {"reply": "Please wait a week!"})
    assert weak == Grade(0.0, False, "shares 100\u00a0% of its words with the reply that was weak such as 'please', 'wait' and 'week'")


# -- alike --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "expected", "recall", "score"), [
    # as published with sacreBLEU's tests of chrF
    ("a", "a", 3, 1.0), ("aa", "ab", 3, 0.25), ("a b c", "abc", 3, 1.0), ("abcdefg", "hijklmnop", 3, 0.0), ("", "c", 3, 0.0),
    ("risk assessment must be made of those who are qualified and expertise in the sector - these are the scientists .",
     "risk assessment has to be undertaken by those who are qualified and expert in that area - that is the scientists .", 3, 0.6336173),
    (" Die    Beziehung zwischen  Obama und Netanjahu ist nicht gerade  freundlich. ",
     "Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich.", 3, 0.641302698),
    ("Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.",
     "A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři.", 2, 0.3122557079),
    # by hand: letters 3 of 3 and 3 of 4, pairs 1 of 2 and 1 of 3, threes 0
    ("abd", "abcd", 2, (5 * 0.75 / 4.75 + 5 * (1 / 6) / (2 + 1 / 3) + 0) / 3),
])  # fmt: skip
def test_chrf_is_what_others_compute(said: str, expected: str, recall: float, score: float) -> None:
    assert alike.chrf(said, expected, recall) == pytest.approx(score, abs=1e-6)


@given(any_of.text(max_size=60), any_of.text(max_size=60))
def test_chrf_lies_between_nothing_and_the_same(one: str, other: str) -> None:
    assert 0 <= alike.chrf(one, other) <= 1
    assert alike.chrf(one, one) == (1 if one.split() else 0)


TOMORROW = "Your parcel comes tomorrow."


@pytest.mark.parametrize(("expected", "reply", "passed"), [
    ({"reply": TOMORROW}, "The parcel comes tomorrow.", True), ({"reply": TOMORROW}, "Have a look at your invoice.", False),
    ({"not_reply": TOMORROW}, "The parcel comes tomorrow.", False), ({"not_reply": TOMORROW}, "Have a look at your invoice.", True),
    ({"reply": TOMORROW}, "", False), ({"not_reply": TOMORROW}, "", False),
])  # fmt: skip
def test_alike_passes_what_comes_close(expected: dict[str, str], reply: str, passed: bool) -> None:
    encoder = Fallback([TOMORROW, "The parcel comes tomorrow.", "Have a look at your invoice.", "Where is the invoice of my parcel?"])
    for grader in (alike.made(), alike.made(encoder.encode)):
        assert grader.grade(Of(expected), {"reply": reply}).passed is passed


def test_with_an_encoder_the_meaning_counts_for_half() -> None:
    def rows(angle: float) -> alike.Encode:
        return lambda _texts: np.array([[1, 0], [np.cos(angle), np.sin(angle)]], np.float32)

    case, output = Of({"reply": TOMORROW}), {"reply": "It arrives the day after today."}
    pieces = alike.made().grade(case, output).score
    assert pieces is not None and pieces < 0.5
    for angle, cosine in ((0.0, 1.0), (np.pi / 3, 0.5), (np.pi, 0.0)):  # what points away adds nothing
        assert alike.made(rows(angle)).grade(case, output).score == pytest.approx((pieces + cosine) / 2, abs=1e-6)
    assert alike.cosine(np.zeros((2, 3), np.float32)) == 0.0


def test_an_encoder_that_does_not_answer_is_no_pass() -> None:
    patience.forget()
    with server.running(server.status(500)) as model:
        encoder = EndpointEncoder(model.line(tries=1), "embedder")
        grade = alike.made(encoder.encode).grade(Of({"reply": TOMORROW}), {"reply": TOMORROW})
    assert (grade.score, grade.passed, grade.why) == (None, None, "was not judged: the encoder did not answer")
    assert grade.error.startswith("The texts were not encoded. The model endpoint does not answer: it answers 500")


# -- declines -----------------------------------------------------------------------------------------------------------------------------

DECLINES = [
    "I'm sorry, but I cannot help with that.", "I can’t answer this question.", "We are not able to advise on legal matters.",
    "I am unable to assist with this request.", "A colleague will get back to you today.", "One of our specialists will call you.",
    "I'll pass this on to a colleague.", "I have forwarded your message to our billing team.", "Let me connect you with a human agent.",
    "Someone from our team will look at it.", "I don't have enough information to tell.", "I do not know.",
    "That is outside what I can do.",
    "Dabei kann ich Ihnen leider nicht helfen.", "Das kann ich nicht beantworten.", "Ich kann dir dazu leider nichts sagen.",
    "Eine Kollegin meldet sich heute bei Ihnen.", "Ich leite Ihre Anfrage an einen Kollegen weiter.",
    "Ich gebe das an unser Supportteam weiter.", "Das weiß ich leider nicht.", "Dazu habe ich leider keine Informationen.",
]  # fmt: skip
ANSWERS = [
    "Your parcel comes tomorrow.", "You cannot send it back after 30 days.", "We can't refund shipping costs.",
    "Can I help with anything else?",
    "Let us know if that does not help.", "I can help with that: open Settings.", "Our team is growing.", "I have refunded 20 €.",
    "You do not know your password? Choose Forgotten.", "Ihr Paket kommt morgen.", "Nach 30 Tagen können Sie nicht zurücktreten.",
    "Gerne helfe ich Ihnen weiter.", "Ich kann Ihnen helfen.", "Das Geld ist in 3 Tagen auf Ihrem Konto.",
]  # fmt: skip


@pytest.mark.parametrize("reply", DECLINES)
def test_who_says_so_declines(reply: str) -> None:
    assert declines.grade(Of({"decline": True}), {"reply": f"Hello! {reply}"}) == yes("declined, as it should")
    assert declines.grade(Of({"decline": False}), {"reply": reply}) == no("declined, though it should answer")


@pytest.mark.parametrize("reply", ANSWERS)
def test_who_answers_does_not_decline(reply: str) -> None:
    assert declines.grade(Of({"decline": True}), {"reply": f"Hello! {reply}"}) == no("answered, though it should decline")
    assert declines.grade(Of({"decline": False}), {"reply": reply}) == yes("answered, as it should")


def test_what_the_output_says_itself_counts_before_its_words() -> None:
    for told in (True, False):
        for reply in (DECLINES[0], ANSWERS[0], ""):
            assert declines.grade(Of({"decline": told}), {"declined": told, "reply": reply}).passed is True
            assert declines.grade(Of({"decline": not told}), {"declined": told, "reply": reply}).passed is False
    assert declines.grade(Of({"decline": True}), {"declined": "no", "reply": ANSWERS[0]}).passed is False  # 'no' is not no
    for silence in ({}, {"reply": ""}, None):
        assert declines.grade(Of({"decline": True}), silence) == no("there was no reply")


# -- length, reading ease -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "count"), [
    ("It's here – don't worry!", 4), ("3.50 € for e-mail", 3), ("", 0), ("返品できます", 6), ("สวัสดี", 6), ("größer als", 2), ("- * -", 0),
])  # fmt: skip
def test_words_are_counted_as_people_count_them(text: str, count: int) -> None:
    assert length.counted(text) == count


@pytest.mark.parametrize(("bounds", "grade"), [
    ({"most_words": 4}, yes("has 4 words")), ({"least_words": 4}, yes("has 4 words")),
    ({"most_words": 5, "least_words": 3}, yes("has 4 words")),
    ({"most_words": 3}, no("has 4 words, 1 more than the 3 that it may have")),
    ({"least_words": 6}, no("has 4 words, 2 fewer than the 6 that it should have")),
])  # fmt: skip
def test_the_length_lies_within_its_bounds(bounds: dict[str, int], grade: Grade) -> None:
    assert length.grade(Of({"length": bounds}), {"reply": "Your parcel comes tomorrow."}) == grade


@pytest.mark.parametrize(("text", "language", "ease"), [
    ("The cat sat on the mat.", "en", 116.145),
    ("This sentence, taken as a reading passage unto itself, is being used to prove a point.", "en", 69.0),
    ("The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.", "en", 37.5),  # as in encyclopaedias
    ("Die Katze liegt auf dem Teppich.", "de", 180 - 6 - 58.5 * 8 / 6), ("Der Beamte geht. Er kommt.", "de", 180 - 2.5 - 58.5 * 7 / 5),
])  # fmt: skip
def test_the_formulas_are_those_of_the_textbooks(text: str, language: str, ease: float) -> None:
    assert reading_ease.measured(text, language) == pytest.approx(ease, abs=0.1)


@pytest.mark.parametrize(("word", "count"), [
    ("the", 1), ("make", 1), ("makes", 1), ("asked", 1), ("wanted", 2), ("table", 2), ("tables", 2), ("boxes", 2), ("parcel", 2), ("be", 1),
])  # fmt: skip
def test_the_silent_e_is_no_syllable(word: str, count: int) -> None:
    assert reading_ease._in_english(word) == count


EASY = "Your parcel comes on Friday. It will be at your door by noon. You do not need to be at home."
HARD = (
    "Notwithstanding contractual stipulations regarding international transportation, the aforementioned consignment's administrative "
    "authorisation necessitates supplementary documentation."
)
GERMAN = "Ihr Paket kommt am Freitag an. Wir legen es vor die Tür, wenn Sie nicht da sind."
FRENCH = "Votre colis arrive vendredi prochain devant votre porte, et vous n'avez pas besoin d'être à la maison."


def test_what_reads_easily_passes() -> None:
    case = Of({"reading_ease": {"least": 60}})
    assert reading_ease.grade(case, {"reply": EASY}).passed is True
    assert reading_ease.grade(case, {"reply": GERMAN}).passed is True
    hard = reading_ease.grade(case, {"reply": HARD})
    assert (hard.score, hard.passed, hard.why) == (0.0, False, "reads at 0 of 100, 60 is the least")


def test_what_no_formula_knows_is_not_judged() -> None:
    french = reading_ease.grade(Of({"reading_ease": {"least": 0}}), {"reply": FRENCH})
    assert (french.score, french.passed, french.error) == (None, None, "there is no formula for the language 'fr'")
    assert reading_ease.grade(Of({"reading_ease": {"least": 0}}), {"reply": "30 + 4 = 34"}).passed is None


# -- a text of any length -----------------------------------------------------------------------------------------------------------------


def test_a_long_reply_is_graded_too() -> None:
    draw = random.Random(1)
    long = " ".join(draw.choice(["parcel", "30.5", "comes.", "I cannot", "(((", "e.g.", "\n", "über"]) for _ in range(20_000))
    for grader, expected in (
        (exact_text, {"text": "x"}), (contains, {"facts": {"must": ["x"]}}), (reply_words, {"reply": "x"}), (alike.made(), {"reply": "x"}),
        (declines, {"decline": True}), (length, {"length": {"most_words": 5}}),
    ):  # fmt: skip
        told: Any = expected
        assert grader.grade(Of(told), {"reply": long}).passed is False


def _unused(_texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.zeros((2, 2), np.float32)


def test_vectors_of_nothing_are_close_to_nothing() -> None:
    assert alike.made(_unused).grade(Of({"reply": TOMORROW}), {"reply": TOMORROW}).score == 0.5
