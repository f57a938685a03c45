"""The ladder's rung that asks a model: each question in its words, on top of what the version has."""

from collections.abc import Callable

from knowledge import evidence, other_words
from knowledge.manner import Writer
from knowledge.other_words import OtherWords
from knowledge.retrieval.rungs import REPHRASED, SENTENCES
from knowledge.steps import Climb, Step

MOST = 200  # questions: each is a call of a model
FAULTS = 3  # in a row: then nothing more is asked


def rephrased(climb: Climb, below: Step, writer: Writer | None, progress: Callable[[float, str], None]) -> Step | dict[str, str]:
    """The step, or why there is none. What the endpoint has no words for is looked for as it was asked."""
    if why := _cannot(climb, below, writer):
        return _skipped(why)
    asked = {one.asked.text: evidence.asked_now(one.messages) for one in climb.questions}
    others: dict[str, OtherWords] = {}
    faults = 0
    for done, (key, question) in enumerate(asked.items()):
        progress(done / len(asked), f"{REPHRASED.title}: {done:,} of {len(asked):,} questions")
        others[key] = other_words.ask(question, writer) if writer else OtherWords((), "")
        faults = faults + 1 if others[key].fault else 0
        if faults == FAULTS:
            return _skipped(others[key].why.rstrip("."))
    return Step(REPHRASED, below.combination, climb.setup.rephrases, (below.rung.name,), below.learns, below.today, others)


def _cannot(climb: Climb, below: Step, writer: Writer | None) -> str:
    if writer is None:
        return "no model endpoint is set"
    if not below.combination.on(SENTENCES):
        return "they are looked for sentence by sentence, and 'Each sentence' is off"
    if len(climb.questions) > MOST:
        return f"each question is a call, and this set has {len(climb.questions):,}; {MOST} are the most"
    return ""


def _skipped(why: str) -> dict[str, str]:
    return {"name": REPHRASED.name, "title": REPHRASED.title, "why": why}
