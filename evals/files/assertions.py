"""promptfoo's assertions, and what is expected of a case, and back."""

import re
from collections.abc import Callable
from typing import Any

import re2

from evals.files.answers import any_of
from evals.files.notes import Notes, word
from evals.graders.pattern import Unusable, compiled

RUNS = {"javascript", "python", "ruby", "webhook"}  # code of the file's author: never run
KNOWN = {"type", "value", "threshold"}  # the threshold of 'similar' is told apart
BOUNDS = {"min": "least_words", "max": "most_words"}

TEMPLATE = re.compile(r"\{[{%#]|#\}")
_PLACE = re.compile(r"\{\{\s*(?:'([^'{}]*|\{[{%#]|#\})'|([A-Za-z_]\w*))\s*\}\}")


def escaped(text: str) -> str:
    """A text that promptfoo takes as it stands: it is no template, no file and no package there, whatever a customer wrote."""
    told = TEMPLATE.sub(lambda found: f"{{{{'{found[0]}'}}}}", text)
    return f"{{{{'{told[0]}'}}}}{told[1:]}" if told.startswith(("file://", "package:")) else told


def filled(text: str, given: dict[str, Any]) -> str:
    """A text with its variables put in; ValueError where it does more than name them, such as reading the environment."""
    if text.startswith(("file://", "package:")):
        raise ValueError("it points to a file, which is never opened")
    parts, end = [], 0
    for place in _PLACE.finditer(text):
        literal, name = place.groups()
        if literal is None and not isinstance(given.get(name), str | int | float):
            raise ValueError(f"its template names {word(name)}, which is no variable with a text")
        parts += [text[end : place.start()], str(given[name]) if literal is None else literal]
        if TEMPLATE.search(parts[-2]):
            break
        end = place.end()
    if TEMPLATE.search(text[end:]):
        raise ValueError("its template does more than name variables, and is never run")
    return "".join([*parts, text[end:]])


def read(told: Any, given: dict[str, Any], notes: Notes, line: int) -> dict[str, Any]:
    """What is expected by these assertions; each that says nothing here is told."""
    expected: dict[str, Any] = {}
    if told is not None and not isinstance(told, list):
        raise ValueError("its 'assert' is no list")
    for assertion in told or []:
        _one(assertion, given, expected, notes, line)
    return expected


def _one(assertion: Any, given: dict[str, Any], expected: dict[str, Any], notes: Notes, line: int) -> None:
    if isinstance(assertion, str) or not isinstance(assertion, dict) or not isinstance(assertion.get("type"), str):
        notes.add("An assertion without a type was not taken over", line)
        return
    kind = assertion["type"]
    if kind == "assert-set" and assertion.get("threshold") is None and isinstance(assertion.get("assert"), list):
        for inner in assertion["assert"]:  # all of a set without a threshold must pass
            if not (isinstance(inner, dict) and inner.get("type") == "assert-set"):
                _one(inner, given, expected, notes, line)
        return
    negated, base = kind.startswith("not-"), kind.removeprefix("not-")
    if base in RUNS:
        notes.add(f"{word(kind)} runs code of the file's author: it was neither run nor taken over", line)
        return
    reader = _READERS.get((negated, base))
    if reader is None:
        notes.add(f"There is no grader here for {word(kind)}: it was not taken over", line)
        return
    try:
        fault = reader(_value(assertion.get("value"), given), expected)
    except ValueError as error:
        fault = str(error)
    if fault:
        notes.add(f"{word(kind)} was not taken over: {fault}", line)
        return
    for name in assertion.keys() - KNOWN | ({"threshold"} & assertion.keys()):
        notes.add(f"Of {word(kind)}, {word(name)} is not taken over", line)
    if remark := REMARKS.get(base):
        notes.add(remark, line)


def _value(value: Any, given: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return filled(value, given)
    if isinstance(value, list):
        return [filled(one, given) if isinstance(one, str) else one for one in value]
    return value


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    if not given or not all(isinstance(one, str | int | float) and not isinstance(one, bool) and str(one).strip() for one in given):
        raise ValueError("its value is no text")
    return [str(one) for one in given]


def _text(value: Any) -> str:
    if isinstance(value, list):
        raise ValueError("its value is a list, and one text can be expected")
    return _texts(value)[0]


def _only(key: str) -> Callable[[Any, dict[str, Any]], str]:
    def reader(value: Any, expected: dict[str, Any]) -> str:
        text = _text(value)
        if expected.setdefault(key, text) != text:
            return "a case expects one of its kind"
        return ""

    return reader


def _under(key: str, inner: str) -> Callable[[Any, dict[str, Any]], str]:
    def reader(value: Any, expected: dict[str, Any]) -> str:
        expected.setdefault(key, {}).setdefault(inner, []).extend(_texts(value))
        return ""

    return reader


def _matching(inner: str, pattern: Callable[[list[str]], str]) -> Callable[[Any, dict[str, Any]], str]:
    def reader(value: Any, expected: dict[str, Any]) -> str:
        made = pattern(_texts(value))
        try:
            compiled(made)
        except Unusable as unusable:
            return str(unusable)
        expected.setdefault("pattern", {}).setdefault(inner, []).append(made)
        return ""

    return reader


def _rubric(value: Any, expected: dict[str, Any]) -> str:
    expected["rubric"] = "\n".join([*([expected["rubric"]] if "rubric" in expected else []), _text(value)])
    return ""


def _declines(right: bool) -> Callable[[Any, dict[str, Any]], str]:
    def reader(value: Any, expected: dict[str, Any]) -> str:
        return "" if expected.setdefault("decline", right) is right else "it says the opposite of another"

    return reader


def _length(value: Any, expected: dict[str, Any]) -> str:
    told = value if isinstance(value, dict) else {"min": value, "max": value}
    told = {name: int(one) if isinstance(one, str) and one.isdecimal() and len(one) < 10 else one for name, one in told.items()}
    if not told or not told.keys() <= {"min", "max"} or not all(type(one) is int and one >= 0 for one in told.values()):
        return "its value is no number of words"
    if "length" in expected:
        return "a case expects one of its kind"
    expected["length"] = {BOUNDS[name]: one for name, one in told.items()}
    return ""


def _one_pattern(texts: list[str]) -> str:
    if len(texts) > 1:
        raise ValueError("its value is a list, and one pattern can be expected")
    return texts[0]


def _holding(texts: list[str]) -> str:
    return f"(?:{'|'.join(re2.escape(text) for text in texts)})"


_READERS: dict[tuple[bool, str], Callable[[Any, dict[str, Any]], str]] = {
    (False, "equals"): _only("text"),
    (True, "equals"): _matching("not", lambda texts: any_of([_one_pattern(texts)])),
    **{(False, kind): _under("facts", "must") for kind in ("contains", "icontains", "contains-all", "icontains-all")},
    **{(True, kind): _under("facts", "must_not") for kind in ("contains", "icontains", "contains-any", "icontains-any")},
    (False, "contains-any"): _matching("matches", _holding),
    (False, "icontains-any"): _matching("matches", lambda texts: f"(?i){_holding(texts)}"),
    (False, "starts-with"): _matching("matches", lambda texts: f"^{re2.escape(_one_pattern(texts))}"),
    (True, "starts-with"): _matching("not", lambda texts: f"^{re2.escape(_one_pattern(texts))}"),
    (False, "regex"): _matching("matches", _one_pattern),
    (True, "regex"): _matching("not", _one_pattern),
    **{(False, kind): _only("reply") for kind in ("similar", "similar:cosine")},
    **{(True, kind): _only("not_reply") for kind in ("similar", "similar:cosine")},
    **{(False, kind): _rubric for kind in ("llm-rubric", "model-graded-closedqa")},
    (False, "is-refusal"): _declines(True),
    (True, "is-refusal"): _declines(False),
    (False, "word-count"): _length,
}
REMARKS = {
    "equals": "'equals' forgives white space, capitals and a last full stop here",
    "contains": "'contains' looks for whole words here, whatever their capitals",
    "icontains": "'icontains' looks for whole words here",
    "contains-all": "'contains-all' looks for whole words here, whatever their capitals",
    "icontains-all": "'icontains-all' looks for whole words here",
    "similar": "'similar' compares words here, unless vectors are at hand",
}


def of(expected: dict[str, Any]) -> list[dict[str, Any]]:
    """The assertions that say what is expected, as far as promptfoo has any."""
    written: list[dict[str, Any]] = []

    def add(kind: str, value: Any) -> None:
        if isinstance(value, str) and value.strip():
            written.append({"type": kind, "value": escaped(value)})
        elif isinstance(value, list) and (told := [one for one in value if isinstance(one, str) and one.strip()]):
            written.append({"type": kind, "value": [escaped(one) for one in told]})

    add("equals", expected.get("text"))
    if "text" not in expected:
        add("equals", expected.get("label"))
    facts, patterns, length = (expected.get(name) or {} for name in ("facts", "pattern", "length"))
    add("icontains-all", facts.get("must"))
    add("not-icontains-any", facts.get("must_not"))
    for kind, inner in (("regex", "matches"), ("not-regex", "not")):
        for pattern in patterns.get(inner) or []:
            add(kind, pattern)
    add("similar", expected.get("reply"))
    add("not-similar", expected.get("not_reply"))
    add("llm-rubric", expected.get("rubric"))
    if isinstance(expected.get("decline"), bool):
        written.append({"type": "is-refusal" if expected["decline"] else "not-is-refusal"})
    bounds = {theirs: length[ours] for theirs, ours in BOUNDS.items() if length.get(ours) is not None}
    if bounds and bounds.get("min", 0) <= bounds.get("max", bounds.get("min", 0)):
        written.append({"type": "word-count", "value": bounds})
    return written


UNSAID = {  # expected keys that promptfoo has no assertion for
    "tool_calls": "tool calls",
    "end_state": "end state",
    "sources": "sources",
    "reading_ease": "reading ease",
    "labels": "which labels come up",
    "says": "what a classifier says",
}
