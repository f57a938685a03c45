"""Inspect's samples, one a line: input, target, id, description, metadata."""

import json
from collections.abc import Sequence
from typing import Any

from evals.cases import NewCase, Read, Written, judges_of
from evals.files import answers, chat, lines, ours
from evals.files.notes import Notes, word

NAME, WORDS, ENDING = "inspect", "Inspect samples (JSONL)", ".jsonl"
RUN = ("sandbox", "files", "setup", "checkpoint")  # what Inspect would run or copy; here nothing is
FIELDS = {"input", "target", "choices", "id", "description", "metadata", *RUN}


def looks_like(name: str, head: bytes) -> bool:
    first = head.partition(b"\n")[0]
    return first.startswith(b"{") and b'"input"' in first and b'"ideal"' not in first


def read(content: bytes) -> Read:
    return lines.read(content, _case)


def write(cases: Sequence[NewCase], *, name: str = "") -> Written:
    notes = Notes()
    kept = ours.distinct(cases, notes)
    answers.unsaid(kept, notes, "target", f"metadata.{ours.NAME}")
    return Written("".join(json.dumps(_sample(case), ensure_ascii=False) + "\n" for case in kept), notes.sentences())


def _case(sample: dict[str, Any], notes: Notes, line: int) -> NewCase | str:
    metadata = sample.get("metadata") or {}
    if not isinstance(metadata, dict):
        return "its metadata is no table"
    part, target = metadata.get(ours.NAME), sample.get("target")
    try:
        told = _told(sample, metadata, notes, Notes() if ours.unchanged(part, target) else notes, line)
    except ValueError as error:
        return str(error)
    return ours.restored(told, part, sample["input"], target, notes, line)


def _told(sample: dict[str, Any], metadata: dict[str, Any], notes: Notes, of_answer: Notes, line: int) -> NewCase:
    """What the sample says by its own fields."""
    for name in sample.keys() - FIELDS:
        notes.add(f"The field {word(name)} is not Inspect's and is not taken over", line)
    for name in RUN:
        if sample.get(name):
            notes.add(f"'{name}' is for running code in Inspect: nothing of it is run or kept here", line)
    target, choices = sample.get("target"), sample.get("choices")
    target = "" if target is None else target
    expected = answers.chosen(target, choices, of_answer, line) if choices and target else answers.read(target, of_answer, line)
    return NewCase(
        messages=tuple(chat.read(sample.get("input"), notes, line)),
        expected=expected,
        graders=judges_of(expected),
        slices=ours.slices_of(metadata, notes, line),
        key=_key(sample.get("id")),
        why=_words(sample.get("description")),
    )


def _key(told: Any) -> str:
    if told is None:
        return ""
    if not isinstance(told, str | int) or isinstance(told, bool):
        raise ValueError("its id is neither a text nor a number")
    return str(told)


def _words(told: Any) -> str:
    if told is not None and not isinstance(told, str):
        raise ValueError("its description is no text")
    return told or ""


def _sample(case: NewCase) -> dict[str, Any]:
    sample: dict[str, Any] = {"id": case.key} if case.key else {}
    sample |= {"input": chat.of(case.messages, chat.inspect_call), "target": answers.said(case.expected)}
    if case.why:
        sample["description"] = case.why
    metadata: dict[str, Any] = ours.groups(case)
    told = _told(sample, metadata, Notes(), Notes(), 0)
    return {**sample, "metadata": {**metadata, ours.NAME: ours.beside(case, told, sample["input"], sample["target"])}}
