"""A question in a model's words: what customers call one thing and articles another. They are looked for beside the customer's own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.masking import masked
from evals.graders import judge
from evals.graders.values import cut
from knowledge.manner import Heard, Writer

MOST, LONGEST, LONGEST_QUESTION = 3, 200, 4_000  # questions, and characters
SCHEMA: dict[str, Any] = {
    "title": "OtherWords", "type": "object", "additionalProperties": False, "required": ["questions"],
    "properties": {"questions": {"type": "array", "maxItems": MOST, "items": {"type": "string"}}},
}  # fmt: skip
TASK = f"""A customer asks a company's support. Its help pages may call things by other names than the customer does.
Say what is asked as up to {MOST} short questions in the words that a help page would use, in the language of the question. Each stands by
itself: names, numbers and products stay as they are. Add nothing that is not asked, and answer nothing."""


@dataclass(frozen=True)
class OtherWords:
    lines: tuple[str, ...]
    why: str  # there are none; empty where there are
    cost: float = 0.0
    ms: float = 0.0
    fault: bool = False  # the endpoint did not answer

    def as_body(self) -> dict[str, Any]:
        return vars(self) | {"lines": [masked(line) for line in self.lines]}


def as_asked(lines: Sequence[str]) -> list[dict[str, str]]:
    """As if the customer had said it so."""
    return [{"role": "customer", "text": " ".join(lines)}]


def ask(question: str, writer: Writer) -> OtherWords:
    """Where it fails, the customer's own words are looked for, as they are without it."""
    if not question:
        return OtherWords((), "Nothing was asked.")
    began, heard = time.perf_counter(), Heard(writer.ask)
    answer = judge.ask_for(heard, TASK, {"question": cut(question, LONGEST_QUESTION)}, SCHEMA)
    ms = round((time.perf_counter() - began) * 1000, 1)
    if answer.error:
        return OtherWords((), f"Not said in other words: {answer.error}", answer.cost, ms, fault=heard.nothing)
    said = answer.parsed.get("questions")
    lines = [" ".join(line.split()) for line in said if isinstance(line, str)] if isinstance(said, list) else []
    new = [cut(line, LONGEST) for line in dict.fromkeys(lines) if line and line.lower() != question.lower()]
    return OtherWords(tuple(new[:MOST]), "" if new else "The model knew no other words for it.", answer.cost, ms)
