"""Our own part of a foreign file: what the format's fields cannot say of a case, so that our export comes back equal.

It never repeats what the format says itself, and it holds only as long as that is unchanged: who edits the exported file is believed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from evals import cases
from evals.cases import NewCase
from evals.files.notes import Notes, counted

NAME = "portal"  # the one key that is ours in a format's metadata
BESIDE = "beside messages"  # what each message has beyond what the format says of it
INPUT, ANSWER = ("messages", BESIDE, "subject_line"), ("expected", "graders")
LONGEST_SLICE = 80  # letters; a longer word of a file's metadata groups nothing


def beside(case: NewCase, told: NewCase, asked: Any, answer: Any) -> dict[str, Any]:
    """What the format's own fields (`told` is what they are read as) leave out, and the seals of those that are not to be edited unseen."""
    ours, theirs = asdict(case), asdict(told)
    left = {name: value for name, value in ours.items() if not cases.same(value, theirs[name])}
    if "messages" in left and (said := _beside_messages(case.messages, told.messages)) is not None:
        del left["messages"]
        left[BESIDE] = said
    return {"input": _seal(asked), "answer": _seal(answer), **left}


def restored(told: NewCase, part: Any, asked: Any, answer: Any, notes: Notes, line: int) -> NewCase | str:
    """The case as it was exported; where a field of the format was edited since, by that field."""
    if part is None:
        return cases.made(asdict(told)) if told.expected else "nothing in it says what is right"
    if not isinstance(part, dict):
        return f"its '{NAME}' part is not as this portal writes it"
    raw = asdict(told)
    changed = {*(INPUT if part.get("input") != _seal(asked) else ()), *(ANSWER if part.get("answer") != _seal(answer) else ())}
    for name in sorted(part.keys() & {*raw, BESIDE}):
        if name in changed:
            notes.add(f"It was edited since this portal wrote it: '{name.split()[-1]}' was read from the edited fields alone", line)
        elif name == BESIDE:
            raw["messages"] = _with_messages(told.messages, part[name])
        else:
            raw[name] = part[name]
    return cases.made(raw)


def unchanged(part: Any, answer: Any) -> bool:
    """Whether the right answer is still the one that our part was written beside."""
    return isinstance(part, dict) and part.get("answer") == _seal(answer)


def groups(case: NewCase) -> dict[str, str]:
    """The slices that a format's metadata can say; any other stands in our part."""
    return {name: value for name, value in case.slices.items() if name != NAME and max(len(name), len(value)) <= LONGEST_SLICE}


def slices_of(metadata: dict[str, Any], notes: Notes, line: int) -> dict[str, str]:
    """Short words of a file's metadata group its cases; anything else is told."""
    slices = {}
    for name, value in metadata.items():
        if name == NAME:
            continue
        if isinstance(value, str) and len(value) <= LONGEST_SLICE and len(name) <= LONGEST_SLICE:
            slices[name] = value
        else:
            notes.add(f"Of the metadata, '{str(name)[:60]}' is not taken over: only short words are", line)
    return slices


def distinct(given: Sequence[NewCase], notes: Notes) -> list[NewCase]:
    """Those that a file can hold: sound ones, of one key the first."""
    kept: list[NewCase] = []
    seen: set[str] = set()
    unsound = twice = 0
    for case in given:
        if isinstance(cases.made(asdict(case)), str):
            unsound += 1
        elif case.key and case.key in seen:
            twice += 1
        else:
            kept.append(replace(case, messages=tuple(case.messages)))
            seen.add(case.key)
    if unsound:
        notes.add(f"{counted(unsound, 'case')} could not be written: they hold what is neither text, number, list nor table, or no message")
    if twice:
        notes.add(f"{counted(twice, 'case')} could not be written: another case with the same key stands in the file")
    return kept


class Keys:
    """Of two cases with one key in a file, the second is refused: they would be one case."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def taken(self, case: NewCase, line: int) -> str:
        first = self._lines.setdefault(case.key, line) if case.key else line
        return "" if first == line else f"its id stands on line {first} already"


def _seal(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _beside_messages(ours: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """What each message has beyond what is told of it; None where they do not go side by side."""
    if len(ours) != len(told) or any(there.keys() - here.keys() for here, there in zip(ours, told, strict=True)):
        return None
    return [
        {name: value for name, value in here.items() if name not in there or not cases.same(value, there[name])}
        for here, there in zip(ours, told, strict=True)
    ]


def _with_messages(told: Sequence[dict[str, Any]], part: Any) -> Any:
    if not isinstance(part, list) or len(part) != len(told) or not all(isinstance(one, dict) for one in part):
        return part
    return [{**there, **here} for there, here in zip(told, part, strict=True)]
