"""A flag comes with a set, a grader and an expectation, which follow from what was judged; accepted, they become the case."""

from typing import Any

import pytest

from classifiers import labels
from data import conversations, examples, inbox, people
from data.errors import Refused
from data.intake import door
from data.tables import Case, EvalSet, Message
from evals import flags, freezing, sets
from evals.graders import exact_label, reply_words, tool_calls
from evals.graders.face import Grade
from tests.conftest import Staff
from tests.conversations import canonical

ASKED = [{"role": "customer", "text": "Where is my parcel?"}, {"role": "rep", "text": "It is late. Wait a week more."}]
CALL = {"name": "look_up_order", "arguments": {"order": "7"}}


def arrive(number: int = 1, messages: list[dict[str, Any]] = ASKED) -> str:
    return door.receive([canonical(number, team="Oak", messages=messages)], by=people.console()).ids[0]


def made(purpose: str, staff: Staff, name: str = "") -> EvalSet:
    return sets.create(name or f"Everyday {purpose}s", purpose=purpose, by=staff.lead)


def test_without_a_set_nothing_is_proposed(staff: Staff) -> None:
    assert flags.proposed(arrive(), "weak", by=staff.rep) is None


def test_a_weak_answer_is_a_test_of_the_answer(staff: Staff) -> None:
    here, label = arrive(), labels.add("Order status", by=staff.lead)
    intents, answers = made("classifier", staff), made("answer", staff)
    told = flags.proposed(here, "weak", by=staff.rep, label_id=label.id)
    assert told is not None and (told.eval_set.id, told.grader, told.expected) == (
        answers.id, reply_words.NAME, {"not_reply": "It is late. Wait a week more.", "about": 2},
    )  # fmt: skip
    better = flags.proposed(here, "weak", by=staff.rep, label_id=label.id, reply="It comes tomorrow.")
    assert better is not None and better.expected == {"reply": "It comes tomorrow.", "about": 2}
    strong = flags.proposed(here, "strong", by=staff.rep)
    assert strong is not None and strong.expected == {"reply": "It is late. Wait a week more.", "about": 2}
    asked = flags.proposed(here, "weak", by=staff.rep, label_id=label.id, purpose="classifier")
    assert asked is not None and (asked.eval_set.id, asked.grader, asked.expected) == (intents.id, exact_label.NAME, None)
    assert asked.sentence == "expects the intent 'Order status'"


def test_with_sets_for_intents_alone_it_is_the_intent_and_needs_one(staff: Staff) -> None:
    here, label = arrive(), labels.add("Order status", by=staff.lead)
    made("classifier", staff)
    told = flags.proposed(here, "weak", by=staff.rep, label_id=label.id)
    assert told is not None and told.purpose == "classifier"
    assert flags.proposed(here, "weak", by=staff.rep) is None


def test_steps_that_were_right_are_a_test_of_the_steps(staff: Staff) -> None:
    messages = [ASKED[0], {"role": "assistant", "text": "", "tool_call": CALL}, ASKED[1]]
    here = arrive(1, messages)
    made("answer", staff), made("automation", staff)
    told = flags.proposed(here, "strong", by=staff.rep)
    assert told is not None and (told.grader, told.expected) == (tool_calls.NAME, {"tool_calls": [CALL]})
    assert told.sentence == "expects the same step"
    weak = flags.proposed(here, "weak", by=staff.rep)
    assert weak is not None and weak.purpose == "answer"


def test_private_notes_are_never_expected(staff: Staff) -> None:
    here = arrive(1, [*ASKED, {"role": "rep", "text": "He is a difficult one.", "private": True}])
    made("answer", staff)
    told = flags.proposed(here, "strong", by=staff.rep)
    assert told is not None and told.expected == {"reply": "It is late. Wait a week more.", "about": 2}


LONG = [
    ASKED[0], {"role": "rep", "text": "Hello, how can I help you?"}, {"role": "customer", "text": "A room for two, please."},
    {"role": "rep", "text": "The room is free from 3 May and costs 120 euros."}, {"role": "customer", "text": "Fine. Bye."},
    {"role": "rep", "text": "Thank you and goodbye."},
]  # fmt: skip
ROOM, BEGINS = "The room is free from 3 May and costs 120 euros.", "The room is free from 3 May and costs 120 eu…"


def test_a_flag_is_about_the_last_reply_that_says_something_and_quotes_it(staff: Staff) -> None:
    here = arrive(1, LONG)
    made("answer", staff)
    strong, weak = (flags.proposed(here, kind, by=staff.rep) for kind in ("strong", "weak"))
    better = flags.proposed(here, "weak", by=staff.rep, reply="It costs 90 euros.")
    assert strong and weak and better
    assert (strong.expected, strong.sentence) == ({"reply": ROOM, "about": 4}, f"expects a reply like '{BEGINS}'")
    assert (weak.expected, weak.sentence) == ({"not_reply": ROOM, "about": 4}, f"expects no reply like '{BEGINS}'")
    assert better.sentence == f"expects what your better reply says, in the place of '{BEGINS}'"
    assert [one.text for one in flags.replies(here, by=staff.rep)] == [LONG[1]["text"], ROOM, LONG[5]["text"]]


def test_the_case_ends_with_the_reply_that_it_is_about_and_keeps_where_it_came_from(staff: Staff) -> None:
    here, answers = arrive(1, LONG), made("answer", staff)
    told = flags.proposed(here, "weak", by=staff.rep)
    assert told is not None
    asks = {"eval_set_id": answers.id, "grader": told.grader, "expected": told.expected}
    flagged = examples.review_and_flag(here, "weak", why="Too dear.", by=staff.rep, **asks)  # type: ignore[arg-type]
    (case,) = sets.cases(freezing.freeze(answers.id, by=staff.lead).id)
    assert [one["text"] for one in sets.asked_of(case)] == [one["text"] for one in LONG[:3]]
    assert sets.replied_in(case) == ROOM and case.example_id == flagged.id
    assert (told.expected, case.expected) == ({"not_reply": ROOM, "about": 4}, {"not_reply": ROOM}) and flagged.review_id


def test_another_reply_can_be_chosen(staff: Staff) -> None:
    here = arrive(1, LONG)
    made("answer", staff)
    first = flags.replies(here, by=staff.rep)[0]
    told = flags.proposed(here, "weak", by=staff.rep, seq=first.seq)
    assert told is not None and (told.expected, told.seq) == ({"not_reply": "Hello, how can I help you?", "about": 2}, 2)


@pytest.mark.parametrize(("texts", "place"), [
    (["Your parcel left Kiel on Monday.", "You're welcome! Have a nice day."], 0),
    (["Your parcel left Kiel on Monday.", "Is there anything else I can help you with today?"], 0),
    (["Ihr Paket ist seit Montag in Kiel.", "Vielen Dank und auf Wiedersehen!"], 0),
    (["Ihr Paket ist seit Montag in Kiel.", "Gern geschehen. Schönen Tag noch!", "Mit freundlichen Grüßen"], 0),
    (["Your parcel left Kiel on Monday.", "It arrives tomorrow before noon. Goodbye."], 1),
    (["Hello.", "Tomorrow.", "Bye."], 1),
    (["Hello.", "Bye."], 1),
])  # fmt: skip
def test_a_farewell_is_not_what_is_tested(texts: list[str], place: int) -> None:
    said = [Message(conversation_id="", seq=number, role="rep", text=text) for number, text in enumerate(texts)]
    found = flags.last_telling(said)
    assert found is not None and found.text == texts[place]
    assert flags.last_telling([]) is None


def test_the_set_is_the_one_that_i_flagged_for_last(staff: Staff) -> None:
    first, second = made("answer", staff, "First"), made("answer", staff, "Second")
    here, other = arrive(1), arrive(2)
    told = flags.proposed(here, "strong", by=staff.rep)
    assert told is not None and told.eval_set.id == first.id
    examples.flag(here, "strong", why="Clear.", eval_set_id=second.id, grader=told.grader, expected=told.expected, by=staff.rep)
    here_again = flags.proposed(here, "strong", by=staff.rep)
    assert here_again is not None and here_again.eval_set.id == first.id  # where it does not stand yet
    assert [flags.proposed(other, "strong", by=person).eval_set.name for person in (staff.rep, staff.lead)] == ["Second", "First"]  # type: ignore[union-attr]


def test_another_teams_conversation_proposes_nothing(staff: Staff) -> None:
    made("answer", staff)
    assert flags.proposed(arrive(), "strong", by=staff.other) is None


def test_what_was_accepted_becomes_the_case_word_for_word_and_its_number_is_told(staff: Staff) -> None:
    answers = made("answer", staff)
    for number in (1, 2):
        here = arrive(number)
        told = flags.proposed(here, "weak", by=staff.rep, reply="It comes tomorrow.")
        assert told is not None
        person = staff.rep if number == 2 else staff.lead
        examples.flag(here, "weak", why="No help.", eval_set_id=answers.id, grader=told.grader, expected=told.expected, by=person)
    version = freezing.freeze(answers.id, by=staff.lead)
    cases = sets.cases(version.id)
    assert [(case.graders, case.expected) for case in cases] == [([reply_words.NAME], {"reply": "It comes tomorrow."})] * 2
    assert [item.sentence for item in inbox.of(staff.rep)] == [
        "Your flag became case 2 of 'Everyday answers' 1. Every release is measured on it."
    ]


def test_what_was_typed_as_a_better_reply_is_masked_where_it_is_expected(staff: Staff) -> None:
    answers, here = made("answer", staff), arrive()
    told = flags.proposed(here, "weak", by=staff.rep, reply="We refund card 4111 1111 1111 1111.")
    assert told is not None
    flagged = examples.flag(here, "weak", why="x", eval_set_id=answers.id, grader=told.grader, expected=told.expected, by=staff.rep)
    assert flagged.expected == {"reply": "We refund card ‹CARD 1›.", "about": 2}


def test_what_the_set_cannot_expect_is_refused(staff: Staff) -> None:
    answers = made("answer", staff)
    with pytest.raises(Refused, match="needs to know what is expected"):
        examples.flag(arrive(), "weak", why="No help.", eval_set_id=answers.id, by=staff.rep)


def test_a_flag_keeps_the_messages_and_the_number_of_the_redaction(staff: Staff) -> None:
    answers, here = made("answer", staff), arrive()
    flagged = examples.flag(here, "strong", why="x", eval_set_id=answers.id, grader="reply words", expected={"reply": "x"}, by=staff.rep)
    found = conversations.get(here, by=staff.rep)
    assert found is not None
    assert (flagged.messages, flagged.seq, flagged.redaction) == (conversations.frozen(found[1]), 2, 1)


@pytest.mark.parametrize(("numbers", "words"), [
    ([41], "case 41"), ([47, 41, 44], "cases 41, 44 and 47"), (list(range(40, 61)), "cases 40 to 60"),
    (list(range(1, 3_001)), "cases 1 to 3,000"),
])  # fmt: skip
def test_case_numbers_are_told_as_people_say_them(numbers: list[int], words: str) -> None:
    assert sets.in_words(numbers) == words


def test_a_case_keeps_its_number_as_the_set_grows() -> None:
    def case(key: str) -> Case:
        return Case(key=key, set_version_id="", input={}, expected={}, graders=[], slices={})

    assert sets.numbers([case("b"), case("a")]) == {"a": 1, "b": 2}
    assert sets.numbers([case("c"), case("b"), case("a")])["b"] == 2


@pytest.mark.parametrize(("expected", "reply", "passed"), [
    ({"reply": "Your parcel comes tomorrow."}, "The parcel comes tomorrow morning.", True),
    ({"reply": "Your parcel comes tomorrow."}, "Please be patient.", False),
    ({"reply": "Your parcel comes tomorrow."}, "", False),
    ({"not_reply": "Please wait a week more."}, "It comes tomorrow.", True),
    ({"not_reply": "Please wait a week more."}, "Please wait one week more.", False),
])  # fmt: skip
def test_reply_words_passes_what_says_the_same(expected: dict[str, str], reply: str, passed: bool) -> None:
    case = expecting(expected)
    assert reply_words.grade(case, {"reply": reply}).passed is passed
    assert reply_words.grade(case, None) == Grade(0.0, False, "there was no reply")


@pytest.mark.parametrize(("made_calls", "score", "why"), [
    ([CALL], 1.0, "the same step"), ([], 0.0, "look_up_order is missing"), ([CALL, CALL], 2 / 3, "look_up_order is too much"),
    ([{"name": "look_up_order", "arguments": {"order": "8"}}], 0.0, "look_up_order: order is '8' instead of '7'"),
])  # fmt: skip
def test_tool_calls_passes_the_same_steps_alone(made_calls: list[dict[str, Any]], score: float, why: str) -> None:
    assert tool_calls.grade(expecting({"tool_calls": [CALL]}), {"tool_calls": made_calls}) == Grade(score, score == 1, why)


def expecting(expected: dict[str, Any]) -> Case:
    return Case(key="a", set_version_id="", input={}, expected=expected, graders=[], slices={})
