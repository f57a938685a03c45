"""A test case before it is in a set: from a file, or typed by hand. What it may hold is checked here, once for all ways in."""

import json
import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.intake.reading import in_words
from evals.graders import shapes

BESIDE = ("label_id", "label_ids", "classifier")  # tell what is meant by a label; nobody judges them alone
DEEPEST = 60  # lists and objects in each other
LARGEST_NUMBER = 2**63  # what both engines keep
_HALF = re.compile("[\ud800-\udfff]")

JUDGED_BY = {  # what is expected -> the grader that judges it, where a file names none
    "label": "exact label",
    "labels": "same labels",
    "articles": "cites article",
    "text": "exact text",
    "facts": "contains",
    "pattern": "pattern",
    "reply": "reply words",
    "not_reply": "reply words",
    "tool_calls": "tool calls",
    "end_state": "end state",
    "decline": "declines",
    "sources": "cites sources",
    "length": "length",
    "reading_ease": "reading ease",
    "says": "classifier says",
    "rubric": "rubric",
    "preferred": "preferred",
}


@dataclass(frozen=True)
class NewCase:
    messages: tuple[
        dict[str, Any], ...
    ]  # {"role": "customer" | "rep" | "assistant" | "system" | "tool", "text": str, …}, the last one is answered
    expected: dict[str, Any]
    graders: tuple[str, ...]
    subject_line: str = ""
    slices: dict[str, str] = field(default_factory=dict)  # channel, intent, language, segment
    key: str = ""  # names the same case in every version; empty: it is new
    why: str = ""


@dataclass(frozen=True)
class Read:
    """What a file held, what of it the set cannot hold, and the lines that are no case."""

    cases: tuple[NewCase, ...]
    lost: tuple[str, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Written:
    """A file, and what of the cases other tools will not find in it."""

    text: str
    lost: tuple[str, ...] = ()


def made(raw: dict[str, Any]) -> NewCase | str:
    """The case, or what is wrong with it in words."""
    try:
        if fault := unkeepable(raw):
            return fault
        _Case.model_validate(raw)
    except ValidationError as error:
        return in_words(error)
    if fault := _fault_in(raw["expected"]):
        return fault
    return NewCase(**{**raw, "messages": tuple(raw["messages"]), "graders": tuple(raw["graders"])})


def _fault_in(expected: dict[str, Any]) -> str:
    for name, value in expected.items():
        if name not in JUDGED_BY and name not in BESIDE:
            return f"it expects '{name[:60]}', which no grader here knows"
        if value not in (None, "") and (told := shapes.wrong(name, value)):
            return f"{told[0].lower()}{told[1:].removesuffix('.')}"
    return ""


def judges_of(expected: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(JUDGED_BY[name] for name in expected if name in JUDGED_BY))


def unkeepable(value: Any) -> str:
    """Why a value cannot be kept by both engines and by JSON; empty if it can."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for part in level:
            if fault := _unkeepable_alone(part):
                return fault
            if isinstance(part, dict):
                inner += [*part, *part.values()]
            elif isinstance(part, list | tuple):
                inner += part
        if not inner:
            return ""
        level = inner
    return f"it is nested more than {DEEPEST} deep"


def _unkeepable_alone(value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            return "a text holds a NUL character, which no database keeps"
        return "" if value.isascii() or _HALF.search(value) is None else "a text holds half a character"
    if isinstance(value, float) and not isfinite(value):
        return "a number is not finite"
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        return "a number is too large"
    known = value is None or isinstance(value, bool | int | float | dict | list | tuple)
    return "" if known else f"it holds a {type(value).__name__}, which is neither a text, a number, a list nor a table"


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1 there."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["customer", "rep", "assistant", "system", "tool"]
    text: Annotated[str, Field(max_length=100_000)]


class _Case(_Strict):
    messages: Annotated[list[_Message], Field(min_length=1, max_length=10_000)]
    expected: dict[str, Any]
    graders: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]
    subject_line: Annotated[str, Field(max_length=10_000)] = ""
    slices: Annotated[dict[str, str], Field(max_length=100)] = {}
    key: Annotated[str, Field(max_length=200)] = ""
    why: Annotated[str, Field(max_length=10_000)] = ""

    @model_validator(mode="before")
    @classmethod
    def lists(cls, raw: Any) -> Any:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in raw.items()}
