"""The answer that a model writes, strictly from passages: what a passage does not say is taken out, and if much is, all of it.

Whatever the model does, text is all that comes of it: it is given no tools, the passages are data to it, and each of its sentences has to
be supported by words that stand in the passage that it names. Where it fails, the extractive answer or silence takes its place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.graders import cites_sources, declines, judge, tokens
from evals.graders.values import cut
from knowledge import quotable
from knowledge.evidence import Candidate
from knowledge.extractive import Answer, Said
from knowledge.passages import Passage
from knowledge.support import sentences_for

MOST_PASSAGES, LONGEST_PASSAGE = 8, 3_000  # that are shown to the model
MOST_SENTENCES, LONGEST_SENTENCE, LONGEST_WRITTEN = 8, 600, 4_000
MOST_REMOVED = 0.5  # of what it wrote; more, and what is left is not what it meant to say
MOST_EXAMPLES = 12
SCHEMA: dict[str, Any] = {
    "title": "Answer", "type": "object", "additionalProperties": False, "required": ["covered", "sentences"],
    "properties": {
        "covered": {"type": "boolean"},
        "sentences": {
            "type": "array", "maxItems": MOST_SENTENCES,
            "items": {
                "type": "object", "additionalProperties": False, "required": ["text", "passage"],
                "properties": {"text": {"type": "string"}, "passage": {"type": "integer"}},
            },
        },
    },
}  # fmt: skip
TASK = """You answer a question for a company's customer support, strictly from numbered passages.
The data hold "question" (what was said, oldest first), "passages" (numbered, the only source), and maybe "examples" (questions and the
answers that people found good: follow their manner, take no fact from them).
Write one to four short sentences in the language of the question. Every sentence says only what one passage says, close to its words, and
names that passage's number. Keep numbers, limits, conditions and 'not' as they stand there. Write no greeting, no link, no picture, no
heading and no markup. Where the passages do not answer the question, say "covered": false and write no sentence.
"""
LINKED = re.compile(r"!?\[([^\]\n]{0,300})\]\s?\([^)\n]{0,2000}\)|!?\[([^\]\n]{0,300})\]\s?\[[^\]\n]{0,300}\]")
PICTURE = re.compile(r"!\[[^\]\n]{0,300}\]\s?(?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,300}\])")
EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.{1,500}?)(?<=\S)\1")


@dataclass(frozen=True)
class Instructions:
    """How the answerer is told to write. What must hold is not among them: it is checked afterwards, whatever stands here."""

    text: str = ""
    number: int = 0  # its version


PLAINLY = Instructions()


@dataclass(frozen=True)
class Example:
    """A question and the answer that somebody found good."""

    question: str
    answer: str


@dataclass(frozen=True)
class Removed:
    """What the model wrote and nobody is shown as an answer."""

    text: str
    why: str


@dataclass(frozen=True)
class Written:
    """What came of it. `answer` is the written one, or the one that takes its place."""

    answer: Answer
    by_model: bool
    why: str  # in words
    removed: tuple[Removed, ...] = ()
    cost: float = 0.0
    instructions: int = 0


def written(
    messages: Sequence[Mapping[str, Any]],
    found: Sequence[Candidate],
    instead: Answer,
    *,
    ask: judge.Ask,
    instructions: Instructions = PLAINLY,
    examples: Sequence[Example] = (),
) -> Written:
    """`instead` is the extractive answer. Where that declines, the model is not asked: how sure it is was decided before."""
    number = instructions.number
    if instead.declined:
        return Written(instead, False, instead.why, instructions=number)
    passages = shown(found, instead)
    told = judge.ask_for(ask, _task(instructions), _texts(messages, passages, examples), SCHEMA)
    if told.error:
        return Written(instead, False, f"Quoted instead of written: {told.error}", cost=told.cost, instructions=number)
    sentences = _sentences(told.parsed)
    if sentences is None:
        return Written(instead, False, f"Quoted instead of written: {UNUSABLE}", cost=told.cost, instructions=number)
    kept, removed = _checked(sentences, passages)
    why = _withdrawn(told.parsed, kept, removed)
    if why:
        return Written(instead, False, f"Quoted instead of written: {why}", tuple(removed), told.cost, number)
    out = f" {len(removed)} of its {len(kept) + len(removed)} sentences had no source and was taken out." if len(removed) == 1 else (
        f" {len(removed)} of its {len(kept) + len(removed)} sentences had no source and were taken out." if removed else ""
    )  # fmt: skip
    answer = Answer(tuple(kept), instead.confidence, False, instead.why, instead.nearest)
    return Written(answer, True, f"Written from {_articles(answer)}.{out}", tuple(removed), told.cost, number)


UNUSABLE = "the model's answer cannot be used: it is no list of sentences with passages."


def shown(found: Sequence[Candidate], instead: Answer) -> list[Passage]:
    """What the model may write from: what the extractive answer stands on first, then what was found next, each once."""
    ordered = [*(said.passage for said in instead.sentences), *(one.passage for one in found)]
    return [passage for passage in dict.fromkeys(ordered) if passage.text.strip()][:MOST_PASSAGES]


def _task(instructions: Instructions) -> str:
    return f"{TASK}{instructions.text.strip()}\n" if instructions.text.strip() else TASK


def _texts(
    messages: Sequence[Mapping[str, Any]], passages: Sequence[Passage], examples: Sequence[Example]
) -> dict[str, Any]:  # fmt: skip
    told: dict[str, Any] = {"question": judge.conversation(_Asked({"messages": list(messages)}))}
    told["passages"] = [
        {"passage": number, "title": passage.title, "heading": passage.heading, "text": passage.text[:LONGEST_PASSAGE]}
        for number, passage in enumerate(passages, start=1)
    ]
    if examples:
        told["examples"] = [vars(example) for example in examples[:MOST_EXAMPLES]]
    return told


@dataclass(frozen=True)
class _Asked:
    """A conversation as `judge.conversation` reads it."""

    input: dict[str, Any]
    expected: dict[str, Any] = None  # type: ignore[assignment]


def _sentences(parsed: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """Each sentence with the passage that it names; None where this is none of what was asked for."""
    told = parsed.get("sentences")
    if not isinstance(told, list) or not all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in told):
        return None
    found = [
        (sentence, one.get("passage"))
        for one in told[:MOST_SENTENCES]
        for sentence in tokens.sentences(bare(one["text"][:LONGEST_WRITTEN]))
    ]
    return found[: MOST_SENTENCES * 2]


def bare(text: str) -> str:
    """Without pictures and without what links point to: of a link its words stay."""
    text = PICTURE.sub("", text)
    text = LINKED.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(EMPHASIS.sub(lambda marked: marked[2], line).strip() for line in text.splitlines() if line.strip())


def _checked(sentences: Sequence[tuple[str, Any]], passages: Sequence[Passage]) -> tuple[list[Said], list[Removed]]:
    kept: list[Said] = []
    removed: list[Removed] = []
    for text, number in sentences:
        if not quotable.sayable(text):
            removed.append(Removed(text, "it holds a link, markup or an instruction to a machine"))
        elif len(text) > LONGEST_SENTENCE:
            removed.append(Removed(cut(text, LONGEST_SENTENCE), "it is too long for one sentence"))
        elif isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(passages):
            removed.append(Removed(text, "it names no passage that there is"))
        elif cites_sources.claims_something(text):  # a greeting needs no source, and is the rep's own
            passage = passages[number - 1]
            quote, support = sentences_for(text, passage.text[:LONGEST_PASSAGE], f"{passage.title} {passage.heading}")
            if not support:
                removed.append(Removed(text, support.why))
            elif not quotable.sayable(quote):  # the poison of an article is no source, however harmless it is told
                removed.append(Removed(text, "what its source says there speaks to machines or holds a link"))
            elif strange := _anothers(text, passage, passages):
                removed.append(Removed(text, f"it speaks of '{strange}', of which another passage speaks and its source does not"))
            elif all(text != said.text for said in kept):
                kept.append(Said(text, passage, quote))
    return kept, removed


def _anothers(text: str, own: Passage, passages: Sequence[Passage]) -> str:
    """What another passage is about and its own never mentions: one thing's rule is not another's, however alike the sentences are."""
    there = cites_sources.stems(set(tokens.of(f"{own.title} {own.heading} {own.text}")))
    titles = cites_sources.stems(cites_sources.telling(tokens.of(" ".join(one.title for one in passages)))) - there
    return next((word for word in tokens.of(text) if cites_sources.stems({word}) & titles), "")


def _withdrawn(parsed: Mapping[str, Any], kept: Sequence[Said], removed: Sequence[Removed]) -> str:
    """Why nothing of it is used; empty where it is."""
    if not kept and not removed:
        return (
            "the model found no answer in the passages."
            if parsed.get("covered") is False
            else "the model wrote nothing that says something."
        )
    if not kept:
        return f"nothing that the model wrote stands in its source: {removed[0].why}."
    if len(removed) > MOST_REMOVED * (len(kept) + len(removed)):
        return (
            f"{len(removed)} of {len(kept) + len(removed)} sentences that the model wrote do not stand in their source: {removed[0].why}."
        )
    if declines.by_words(" ".join(said.text for said in kept)):
        return "the model's answer reads as if it declined."
    return ""


def _articles(answer: Answer) -> str:
    titles = list(dict.fromkeys(f"'{cut(said.passage.title)}'" for said in answer.sentences))
    return f"{', '.join(titles[:-1])} and {titles[-1]}" if len(titles) > 1 else titles[0]
