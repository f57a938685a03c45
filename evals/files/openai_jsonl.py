"""The samples of OpenAI's evals, one a line: input and ideal. Only the file's shape; the hosted service is not used.

Its readers take 'input' and 'ideal' and pass over other keys, so that ours stand beside them under 'metadata'.
"""

import json
from collections.abc import Sequence
from typing import Any

from evals.cases import NewCase, Read, Written, judges_of
from evals.files import answers, chat, lines, ours
from evals.files.notes import Notes, word

NAME, WORDS, ENDING = "openai-evals", "OpenAI evals samples (JSONL)", ".jsonl"
FIELDS = {"input", "ideal", "metadata"}


def looks_like(name: str, head: bytes) -> bool:
    first = head.partition(b"\n")[0]
    return first.startswith(b"{") and b'"input"' in first and b'"ideal"' in first


def read(content: bytes) -> Read:
    return lines.read(content, _case)


def write(cases: Sequence[NewCase], *, name: str = "") -> Written:
    notes = Notes()
    kept = ours.distinct(cases, notes)
    answers.unsaid(kept, notes, "ideal", f"metadata.{ours.NAME}")
    if any(case.key or case.slices or case.why for case in kept):
        notes.add("The format has no place for ids, groups and reasons: they stand under 'metadata', which its own readers pass over")
    return Written("".join(json.dumps(_sample(case), ensure_ascii=False) + "\n" for case in kept), notes.sentences())


def _case(sample: dict[str, Any], notes: Notes, line: int) -> NewCase | str:
    metadata = sample.get("metadata") or {}
    if not isinstance(metadata, dict):
        return "its metadata is no table"
    part, ideal = metadata.get(ours.NAME), sample.get("ideal")
    try:
        told = _told(sample, metadata, notes, Notes() if ours.unchanged(part, ideal) else notes, line)
    except ValueError as error:
        return str(error)
    return ours.restored(told, part, sample["input"], ideal, notes, line)


def _told(sample: dict[str, Any], metadata: dict[str, Any], notes: Notes, of_answer: Notes, line: int) -> NewCase:
    """What the sample says by its own fields."""
    for name in sample.keys() - FIELDS:
        notes.add(f"The field {word(name)} is not taken over", line)
    ideal = sample.get("ideal")
    expected = answers.read("" if ideal is None else ideal, of_answer, line)
    return NewCase(
        messages=tuple(chat.read(sample.get("input"), notes, line)),
        expected=expected,
        graders=judges_of(expected),
        slices=ours.slices_of(metadata, notes, line),
    )


def _sample(case: NewCase) -> dict[str, Any]:
    sample: dict[str, Any] = {"input": chat.of(case.messages, chat.openai_call), "ideal": answers.said(case.expected)}
    metadata: dict[str, Any] = ours.groups(case)
    told = _told(sample, metadata, Notes(), Notes(), 0)
    return {**sample, "metadata": {**metadata, ours.NAME: ours.beside(case, told, sample["input"], sample["ideal"])}}
