"""One text that says what is right ('target', 'ideal'), and what is expected of a case, and back."""

from collections.abc import Sequence
from typing import Any

import re2

from evals.cases import NewCase
from evals.files.notes import Notes, counted

MOST_WORDS = 8  # of an answer that is meant to the letter; a longer one is a reply that may be put otherwise
SAYABLE = ("text", "label", "reply", "rubric")  # what one text can say, the closest first
SHORT = "The file does not say how an answer is judged: a short one was taken as the exact text"
LONG = "The file does not say how an answer is judged: a long one was taken as a reply that may be put in other words"
CHOICE = "An answer that is a choice was taken as the label to recognise; the other choices are not kept"
SEVERAL = "Several right answers were taken as a pattern that any of them fits"


def said(expected: dict[str, Any]) -> str:
    return next((value for name in SAYABLE if isinstance(value := expected.get(name), str) and value.strip()), "")


def read(target: Any, notes: Notes, line: int) -> dict[str, Any]:
    """What is expected by one text or several; ValueError in words where it says nothing."""
    given = target if isinstance(target, list) else [target]
    if not all(isinstance(one, str | int | float) for one in given):
        raise ValueError("the right answer is neither a text nor a list of texts")
    texts = list(dict.fromkeys(told for one in given if (told := str(one)).strip()))
    if not texts:
        return {}
    if len(texts) > 1:
        notes.add(SEVERAL, line)
        return {"pattern": {"matches": [any_of(texts)]}}
    short = len(texts[0].split()) <= MOST_WORDS and "\n" not in texts[0].strip()
    notes.add(SHORT if short else LONG, line)
    return {"text": texts[0]} if short else {"reply": texts[0]}


def chosen(target: Any, choices: Any, notes: Notes, line: int) -> dict[str, Any]:
    """The choice that a letter names: A is the first."""
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise ValueError("its choices are no list of texts")
    letters = target if isinstance(target, list) else [target]
    if len(letters) != 1:
        raise ValueError("several choices are right; a case here has one")
    told = str(letters[0]).strip()
    place = ord(told.upper()) - ord("A") if len(told) == 1 else -1
    label = choices[place] if 0 <= place < len(choices) else told
    if label not in choices:
        raise ValueError("the right answer is none of its choices")
    notes.add(CHOICE, line)
    return {"label": label}


def any_of(texts: Sequence[str]) -> str:
    """A pattern that any of these texts fits, by itself and in any case."""
    return rf"(?i)^\s*(?:{'|'.join(re2.escape(text) for text in texts)})\s*\.?\s*$"


def unsaid(cases: Sequence[NewCase], notes: Notes, field: str, where: str) -> None:
    """What of these cases only we can read in the file, counted."""
    silent = sum(1 for case in cases if case.expected and not said(case.expected))
    if silent:
        notes.add(f"'{field}' is empty for {counted(silent, 'case')}: what they expect is more than one text and stands under {where}")
    if graders := sorted({name for case in cases for name in case.graders}):
        notes.add(f"How answers are graded ({', '.join(graders)}) stands under {where}, where only this portal reads it")
    if sum(1 for case in cases if case.subject_line):
        notes.add(f"Subject lines stand under {where}: the file shows them to no model")
