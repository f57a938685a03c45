"""An expectation that no output could meet, or every output would, does not enter a set; a good one is told in a rep's words."""

from typing import Any

import pytest

from data.errors import Refused
from evals import graders
from evals.graders import expect
from language.call import Call
from tests.test_evals_graders import FULL, asked, reads

KNOWN = graders.with_help(ask=asked, classify=reads)
CYCLE: dict[str, Any] = {"a": 1}
CYCLE["itself"] = CYCLE
DEEP: Any = 1
for _ in range(100_000):
    DEEP = [DEEP]

GOOD: list[tuple[dict[str, Any], list[str], str]] = [
    ({"label": "Refund", "label_id": "1"}, ["exact label"], "it is 'Refund'"),
    ({"label_id": "1"}, ["exact label"], "it is as labelled"),
    ({"text": "Yes."}, ["exact text"], "says exactly 'Yes.'"),
    ({"facts": {"must": ["30 days"], "must_not": ["guaranteed"]}, "length": {"most_words": 120}}, ["contains", "length"],
     "says '30 days' and never 'guaranteed'; at most 120 words"),
    ({"facts": {"must_not": ["a", "b"], "must": []}}, ["contains"], "never says 'a' or 'b'"),
    ({"facts": {"must": ["300 days"], "must_not": ["30 days"]}}, ["contains"], "says '300 days' and never '30 days'"),
    ({"pattern": {"matches": ["^Dear"], "not": ["(?i)refund"]}}, ["pattern"], "fits '^Dear' and never '(?i)refund'"),
    ({"reply": "It comes."}, ["reply words", "alike", "preferred"],
     "says what is said in 'It comes.'; comes close to 'It comes.'; a model finds it at least as good as 'It comes.'"),
    ({"not_reply": "Wait."}, ["reply words"], "keeps away from 'Wait.'"),
    ({"tool_calls": [{"name": "refund", "arguments": {"order": "7", "amount": 20}}]}, ["tool calls"],
     "takes the step refund (order '7', amount 20)"),
    ({"tool_calls": [{"name": "look"}, {"name": "tag", "arguments": {"name": "late"}}]}, ["tool calls"],
     "takes 2 steps: look and tag (name 'late')"),
    ({"tool_calls": [], "decline": False}, ["tool calls", "declines"], "takes no step; answers and does not decline"),
    ({"end_state": {"ticket": {"status": "closed"}, "paid": True}}, ["end state"],
     "afterwards ticket › status is 'closed' and paid is yes"),
    ({"decline": True}, ["declines"], "declines"),
    ({"sources": True}, ["cites sources"], "takes everything it says from its sources"),
    ({"length": {"most_words": 1200, "least_words": 20}}, ["length"], "20 to 1,200 words"),
    ({"length": {"least_words": 20}}, ["length"], "at least 20 words"),
    ({"reading_ease": {"least": 60}}, ["reading ease"], "reads easily, at least 60 of 100"),
    ({"says": {"classifier": "tone", "label": "friendly"}}, ["classifier says"], "'tone' reads it as 'friendly'"),
    ({"rubric": "Says sorry."}, ["rubric"], "a model finds that 'Says sorry.' is met"),
    ({}, ["polite", "clear", "polite"], "a model finds it polite; a model finds it clear"),
    ({"text": "It takes 30 days.", "facts": {"must": ["30 days"]}, "length": {"most_words": 4}}, ["exact text", "contains", "length"],
     "says exactly 'It takes 30 days.'; says '30 days'; at most 4 words"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "names", "sentence"), GOOD)
def test_a_good_expectation_has_no_problem_and_is_told_in_words(expected: dict[str, Any], names: list[str], sentence: str) -> None:
    assert expect.problem(expected, names, KNOWN) is None
    assert expect.sentence(expected, names) == sentence


BAD: list[tuple[Any, list[str], str]] = [
    ({"label": "x"}, [], "Say what a good answer must hold."),
    ("x", ["exact label"], "What is expected cannot be read."),
    ({"label": "x"}, ["exact lable"], "There is no grader named 'exact lable' here; there are: alike, cites article, cites sources, "),
    ({"text": "x"}, ["exact label"], "'exact label' needs to know which intent is right."),
    ({"facts": None}, ["contains"], "'contains' needs to know which facts are said, and which never."),
    ({"not_reply": "x"}, ["preferred"], "'preferred' needs to know the reply that is right."),
    ({}, ["alike"], "'alike' needs to know the reply that is right or the reply to keep away from."),
    ({"label": " "}, ["exact label"], "The expected intent is empty."), ({"label": 7}, ["exact label"], "The expected intent is no text."),
    ({"text": ""}, ["exact text"], "The expected text is empty."),
    ({"reply": "x" * 20_001}, ["alike"], "The expected reply has 20,001 characters, and 20,000 are the most."),
    ({"reply": "\ud800"}, ["alike"], "The expected reply holds half a character."),
    ({"rubric": "x" * 5_000}, ["rubric"], "The rubric has 5,000 characters, and 4,000 are the most."),
    ({"facts": ["30 days"]}, ["contains"], "The facts are two lists, 'must' and 'must_not'."),
    ({"facts": {"must": "30 days"}}, ["contains"], "The facts are two lists, 'must' and 'must_not'."),
    ({"facts": {"musst": ["x"]}}, ["contains"], "The facts are two lists, 'must' and 'must_not'."),
    ({"facts": {}}, ["contains"], "The facts are empty lists: every reply would pass."),
    ({"facts": {"must": [], "must_not": []}}, ["contains"], "The facts are empty lists: every reply would pass."),
    ({"facts": {"must": [""]}}, ["contains"], "One of the facts is empty."),
    ({"facts": {"must": [7]}}, ["contains"], "One of the facts is no text."),
    ({"facts": {"must": ["x" * 501]}}, ["contains"], "One of the facts has 501 characters, and 500 are the most."),
    ({"facts": {"must": ["x"] * 51}}, ["contains"], "The facts are 51, and 50 are the most."),
    ({"pattern": {"matches": [], "not": []}}, ["pattern"], "The patterns are empty lists: every reply would pass."),
    ({"pattern": {"matches": [f"a{n}" for n in range(51)]}}, ["pattern"], "The patterns are 51, and 50 are the most."),
    ({"pattern": {"not": ["a" * 1_001]}}, ["pattern"], "One of the patterns has 1,001 characters, and 1,000 are the most."),
    ({"pattern": {"not": ["ab**"]}}, ["pattern"], "The pattern 'ab**' cannot be used at '**' (character 3): it is repeated twice."),
    ({"pattern": {"matches": ["(a+)+$", "(?!x)"]}}, ["pattern"],
     "The pattern '(?!x)' cannot be used at '(?!' (character 1): the engine looks neither ahead nor back."),
    ({"tool_calls": {"name": "x"}}, ["tool calls"], "The expected steps are no list."),
    ({"tool_calls": [{"name": "x"}, {"arguments": {}}]}, ["tool calls"], "Step 2 has no name."),
    ({"tool_calls": [{"name": "x", "arguments": [1]}]}, ["tool calls"], "The arguments of step 1 have no names."),
    ({"tool_calls": [{"name": "x"}] * 51}, ["tool calls"], "There are 51 expected steps, and 50 are the most."),
    ({"tool_calls": []}, ["tool calls"], "The list of steps is empty, so whatever does nothing would pass. Say also whether it declines."),
    ({"tool_calls": [{"name": "x", "arguments": {"a": float("nan")}}]}, ["tool calls"],
     "What is expected holds 'nan', which is no number."),
    ({"end_state": {}}, ["end state"], "How things should stand afterwards is empty: every end would pass."),
    ({"end_state": ["x"]}, ["end state"], "How things should stand afterwards is told by names and values."),
    ({"end_state": CYCLE}, ["end state"], "What is expected has no end: it goes 20 levels deep or holds 5,000 values."),
    ({"end_state": {"a": DEEP}}, ["end state"], "What is expected has no end: it goes 20 levels deep or holds 5,000 values."),
    ({"end_state": {"a": [0] * 6_000}}, ["end state"], "What is expected has no end: it goes 20 levels deep or holds 5,000 values."),
    ({"decline": "yes"}, ["declines"], "Whether it should decline is told by yes or no."),
    ({"length": {}}, ["length"], "The length is told by 'most_words', by 'least_words', or by both."),
    ({"length": {"most_words": 0}}, ["length"], "The length is told in whole words, 1 to 100,000."),
    ({"length": {"most_words": 1e3}}, ["length"], "The length is told in whole words, 1 to 100,000."),
    ({"length": {"most_words": True}}, ["length"], "The length is told in whole words, 1 to 100,000."),
    ({"reading_ease": {"least": 101}}, ["reading ease"], "The reading ease is told by 'least', 0 (hard) to 100 (easy)."),
    ({"reading_ease": 60}, ["reading ease"], "The reading ease is told by 'least', 0 (hard) to 100 (easy)."),
    ({"says": "friendly"}, ["classifier says"], "It is not told which classifier should say what."),
    ({"says": {"classifier": "tone"}}, ["classifier says"], "Its label is empty."),
    ({"reply": "x", "preferred": "better"}, ["preferred"], "'preferred' says 'at least as good' or is left out, not 'better'."),
    # a part that no grader of this case looks at has to be sound too
    ({"label": "x", "pattern": {"not": ["("]}}, ["exact label"], "The pattern '(' cannot be used: a bracket is opened and not closed."),
    # contradictions
    ({"facts": {"must": ["30 days"], "must_not": ["30  DAYS"]}}, ["contains"],
     "The fact '30 days' must be said, and '30 DAYS' never: no reply can do both."),
    ({"facts": {"must": ["free for 30 days"], "must_not": ["free"]}}, ["contains"],
     "The fact 'free for 30 days' must be said, and 'free' never: no reply can do both."),
    ({"pattern": {"matches": ["a+"], "not": ["b", "a+"]}}, ["pattern"],
     "The reply should fit 'a+', and never fit it: no reply can do both."),
    ({"length": {"most_words": 20, "least_words": 30}}, ["length"], "At most 20 words and at least 30: no reply has both."),
    ({"reply": "It comes.", "not_reply": "it  comes."}, ["alike"], "The expected reply and the one to keep away from are the same."),
    ({"decline": True, "tool_calls": [{"name": "refund"}]}, ["declines"], "It should decline and take steps: no output does both."),
    ({"text": "It takes 3 days.", "facts": {"must": ["30 days"]}}, ["exact text"],
     "The expected text itself would not pass: it does not say '30 days'."),
    ({"text": "It takes 3 days.", "length": {"most_words": 3}}, ["exact text"],
     "The expected text itself would not pass: it has 4 words, 1 more than the 3 that it may have."),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "names", "told"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_said_in_a_sentence(expected: Any, names: list[str], told: str) -> None:
    found = expect.problem(expected, names, KNOWN)
    assert found is not None and found.startswith(told) and found.endswith(".")
    assert "\n" not in found and len(found) < 400


def test_a_grader_that_is_not_at_hand_is_named() -> None:
    assert expect.problem({"rubric": "Kind."}, ["rubric"], KNOWN) is None
    found = expect.problem({"rubric": "Kind."}, ["rubric"], graders.BY_NAME)
    assert found is not None and found.startswith("There is no grader named 'rubric' here")


@pytest.mark.parametrize(("expected", "names", "told"), BAD, ids=range(len(BAD)))
def test_even_a_bad_expectation_is_told_in_words(expected: Any, names: list[str], told: str) -> None:
    if isinstance(expected, dict) and expect.shapes.endless(expected) is None:
        assert expect.sentence(expected, names)


def test_what_cannot_be_told_is_told_by_its_grader() -> None:
    assert expect.sentence({}, ["contains", "nobody"]) == "passes 'contains'; passes 'nobody'"
    assert expect.sentence({"facts": 7}, ["contains"]) == "passes 'contains'"
    assert expect.sentence({}, []) == "expects nothing"


def test_every_grader_says_in_words_what_it_needs_and_what_a_case_expects() -> None:
    """A new grader is told as well; nothing enters a set that its grader then breaks on."""

    def ask(_messages: Any, _schema: Any) -> Call:
        raise Refused("Nothing was asked.")

    whole = {key: value for key, value in FULL.items() if key not in ("text", "decline")} | {
        "text": "It takes 30 days, a.",
        "decline": False,
    }
    assert expect.problem({**whole, "pattern": {"matches": ["a+"]}}, sorted(KNOWN), KNOWN) is None
    for name, grader in graders.with_help(ask=ask, classify=reads).items():
        assert not expect.sentence(whole, [name]).startswith("passes")
        for key in grader.NEEDS:
            assert key in expect.KEYS and (key in expect.shapes.SHAPES or key == "label_id")
        if grader.NEEDS:
            needs = expect.problem({}, [name], KNOWN)
            assert needs is not None and needs.startswith(f"'{name}' needs to know ")
