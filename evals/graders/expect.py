"""Expectations: what is wrong with one before it enters a set, and how it is told to a rep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evals.graders import clauses, contains, length, pattern, shapes
from evals.graders.face import Grader, Graders
from evals.graders.tokens import holds, plain
from evals.graders.values import cut

KEYS = {  # what a grader asks for, in words
    "label": "which intent is right",
    "label_id": "which intent is right",
    "labels": "which labels come up",
    "articles": "which articles it may cite",
    "text": "the exact text",
    "facts": "which facts are said, and which never",
    "pattern": "which patterns it fits",
    "reply": "the reply that is right",
    "not_reply": "the reply to keep away from",
    "tool_calls": "which steps are taken",
    "end_state": "how things stand afterwards",
    "decline": "whether it declines",
    "length": "how many words it may have",
    "reading_ease": "how easily it reads",
    "says": "which classifier says what",
    "rubric": "the rubric's words",
}

Expected = dict[str, Any]


def problem(expected: Expected, graders: Sequence[str], known: Graders) -> str | None:
    """What is wrong with an expectation, in one sentence; None where it can be judged by these graders."""
    if not isinstance(expected, dict):
        return "What is expected cannot be read."
    if not graders:
        return "Say what a good answer must hold."
    for name in graders:
        if name not in known:
            return f"There is no grader named '{cut(str(name))}' here; there are: {', '.join(sorted(known))}."
    if told := shapes.endless(expected):
        return told
    for name in graders:
        needed = known[name].NEEDS
        if needed and not any(expected.get(key) is not None for key in needed):
            return f"'{name}' needs to know {' or '.join(dict.fromkeys(KEYS.get(key, key) for key in needed))}."
    wrong = (shapes.wrong(key, value) for key, value in expected.items() if value is not None)
    return next((told for told in wrong if told), None) or _contradiction(expected)


def sentence(expected: Expected, graders: Sequence[str]) -> str:
    """What the case expects, such as: says '30 days' and never 'guaranteed'; at most 120 words."""
    return "; ".join(clauses.of(name, expected) for name in dict.fromkeys(graders)) or "expects nothing"


# -- contradictions: no output could ever pass ---------------------------------------------------------------------------------------------


def _contradiction(expected: Expected) -> str | None:
    told = (check({key: value for key, value in expected.items() if value is not None}) for check in CONTRADICTIONS)
    return next((one for one in told if one), None)


def _facts(expected: Expected) -> str | None:
    facts = expected.get("facts", {})
    for fact in facts.get("must") or []:
        for never in facts.get("must_not") or []:
            if holds(fact, never):
                return f"The fact '{cut(fact)}' must be said, and '{cut(never)}' never: no reply can do both."
    return None


def _patterns(expected: Expected) -> str | None:
    patterns = expected.get("pattern", {})
    both = next((one for one in patterns.get("matches") or [] if one in (patterns.get("not") or [])), None)
    return f"The reply should fit '{cut(both)}', and never fit it: no reply can do both." if both is not None else None


def _bounds(expected: Expected) -> str | None:
    most, least = (expected.get("length", {}).get(name) for name in ("most_words", "least_words"))
    if most is not None and least is not None and most < least:
        return f"At most {most:,} words and at least {least:,}: no reply has both."
    return None


def _replies(expected: Expected) -> str | None:
    avoided = expected.get("not_reply")
    for key in ("reply", "text"):
        if avoided is not None and key in expected and plain(expected[key]) == plain(avoided):
            return "The expected reply and the one to keep away from are the same."
    return None


def _cited(expected: Expected) -> str | None:
    if expected.get("articles") and expected.get("decline") is True:
        return "It should decline and cite an article: no output does both."
    if expected.get("articles") == [] and expected.get("decline") is False:
        return "It should answer, and no article may be cited: say which one."
    return None


def _steps(expected: Expected) -> str | None:
    steps = expected.get("tool_calls")
    if steps and expected.get("decline") is True:
        return "It should decline and take steps: no output does both."
    if steps == [] and "decline" not in expected:
        return "The list of steps is empty, so whatever does nothing would pass. Say also whether it declines."
    return None


@dataclass(frozen=True)
class _Own:
    """The case as its own grader would see it."""

    expected: Expected
    input: Expected


def _own_text(expected: Expected) -> str | None:
    """The expected text itself has to pass what else is expected."""
    others: dict[str, Grader] = {"facts": contains, "pattern": pattern, "length": length}
    for key, grader in others.items():
        if "text" in expected and key in expected:
            grade = grader.grade(_Own(expected, {}), {"reply": expected["text"]})
            if not grade.passed:
                return f"The expected text itself would not pass: it {grade.why}."
    return None


CONTRADICTIONS: tuple[Callable[[Expected], str | None], ...] = (_facts, _patterns, _bounds, _replies, _cited, _steps, _own_text)
