"""What a case expects, a clause for each grader, in the words of a rep."""

from collections.abc import Callable
from typing import Any

from evals.graders import (
    alike,
    cites_article,
    cites_sources,
    classifier_says,
    contains,
    declines,
    end_state,
    exact_label,
    exact_text,
    length,
    pattern,
    preferred,
    reading_ease,
    reply_words,
    rubric,
    same_labels,
    shapes,
    tool_calls,
)
from evals.graders.contains import listed
from evals.graders.values import cut, told

LONGEST = 100  # characters of a quoted text

Expected = dict[str, Any]


def of(grader: str, expected: Expected) -> str:
    """An expectation that cannot be read is told by its grader's name alone."""
    keys, clause = CLAUSES.get(grader, ((), None))
    given = [key for key in keys if expected.get(key) is not None]
    if clause is None or (keys and not given) or any(shapes.wrong(key, expected[key]) for key in given):
        return f"passes '{grader}'"
    return clause(expected)


def _quoted(text: str) -> str:
    return f"'{cut(text, LONGEST)}'"


def _label(expected: Expected) -> str:
    return f"it is '{expected['label']}'" if expected.get("label") else "it is as labelled"


def _labels(expected: Expected) -> str:
    count = len(expected["labels"])
    return f"the {'label is' if count == 1 else 'labels are'} {listed(expected['labels'])}" if count else "none of the labels comes up"


def _facts(expected: Expected) -> str:
    return _both("says", expected["facts"].get("must"), expected["facts"].get("must_not"))


def _pattern(expected: Expected) -> str:
    return _both("fits", expected["pattern"].get("matches"), expected["pattern"].get("not"))


def _both(verb: str, wanted: list[str] | None, never: list[str] | None) -> str:
    told_of = [f"{verb} {listed(wanted)}"] if wanted else []
    told_of += [f"never {'' if wanted else verb + ' '}{listed(never, 'or')}"] if never else []
    return " and ".join(told_of)


def _reply(verb: str, expected: Expected) -> str:
    avoided = expected.get("not_reply")
    return f"{verb} {_quoted(expected['reply'])}" if avoided is None else f"keeps away from {_quoted(avoided)}"


def _steps(expected: Expected) -> str:
    calls = expected["tool_calls"]
    if not calls:
        return "takes no step"
    names = [f"{call['name']}{_arguments(call.get('arguments') or {})}" for call in calls]
    return f"takes the step {names[0]}" if len(names) == 1 else f"takes {len(names)} steps: {_and(names)}"


def _arguments(given: Expected) -> str:
    return f" ({', '.join(f'{name} {told(value)}' for name, value in given.items())})" if given else ""


def _and(parts: list[str]) -> str:
    shown = parts[:4] + ([f"{len(parts) - 4} more"] if len(parts) > 4 else [])
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _cited(slugs: list[str]) -> str:
    return f"cites {listed(slugs, 'or')}" if slugs else "declines, since nothing covers it"


def _end_state(expected: Expected) -> str:
    return f"afterwards {_and(_leaves(expected['end_state'], ''))}"


def _leaves(state: Expected, above: str) -> list[str]:
    found = []
    for name, value in state.items():
        inside = isinstance(value, dict) and value
        found += _leaves(value, f"{above}{name} › ") if inside else [f"{above}{name} is {told(value)}"]
    return found


def _length(expected: Expected) -> str:
    most, least = (expected["length"].get(name) for name in ("most_words", "least_words"))
    if most is not None and least is not None:
        return f"{least:,} to {most:,} words"
    return f"at most {most:,} words" if most is not None else f"at least {least:,} words"


def _found(name: str) -> Callable[[Expected], str]:
    return lambda _expected: f"a model finds it {name}"


CLAUSES: dict[str, tuple[tuple[str, ...], Callable[[Expected], str]]] = {
    exact_label.NAME: (exact_label.NEEDS, _label),
    same_labels.NAME: (same_labels.NEEDS, _labels),
    exact_text.NAME: (exact_text.NEEDS, lambda expected: f"says exactly {_quoted(expected['text'])}"),
    contains.NAME: (contains.NEEDS, _facts),
    pattern.NAME: (pattern.NEEDS, _pattern),
    reply_words.NAME: (reply_words.NEEDS, lambda expected: _reply("says what is said in", expected)),
    alike.NAME: (reply_words.NEEDS, lambda expected: _reply("comes close to", expected)),
    tool_calls.NAME: (tool_calls.NEEDS, _steps),
    end_state.NAME: (end_state.NEEDS, _end_state),
    cites_article.NAME: (cites_article.NEEDS, lambda expected: _cited(expected["articles"])),
    cites_sources.NAME: ((), lambda expected: "takes everything it says from its sources"),
    declines.NAME: (declines.NEEDS, lambda expected: "declines" if expected["decline"] else "answers and does not decline"),
    length.NAME: (length.NEEDS, _length),
    reading_ease.NAME: (reading_ease.NEEDS, lambda expected: f"reads easily, at least {expected['reading_ease']['least']:g} of 100"),
    classifier_says.NAME: (("says",), lambda expected: f"'{expected['says']['classifier']}' reads it as '{expected['says']['label']}'"),
    rubric.NAME: (("rubric",), lambda expected: f"a model finds that {_quoted(expected['rubric'])} is met"),
    **{name: ((), _found(name)) for name in rubric.NAMED},
    preferred.NAME: (("reply",), lambda expected: f"a model finds it at least as good as {_quoted(expected['reply'])}"),
}
