"""The top of the ladder where a model writes: whether answers stay right when they are written, how many are withdrawn, what that costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers.evidence import share_of
from data.errors import Refused
from evals import verdict
from knowledge import manner
from knowledge.manner import Writer
from knowledge.steps import Climb, Progress, Question, Step, is_right
from knowledge.written import Instructions

MOST = 100  # questions, drawn alike each time: each is a call of a model
FAULTS = 3  # in a row: then nothing more is asked


def measure(climb: Climb, step: Step, number: int, writer: Writer, progress: Progress) -> dict[str, Any]:
    """The answers of a version's own step, quoted and written to its instructions. What the endpoint did not answer is left out."""
    answered = climb.answered(step)
    drawn = [answered[place] for place in np.random.default_rng(0).permutation(len(answered))[:MOST]]
    instructions, rows, faults = Instructions(climb.setup.instructions, number), [], 0
    for done, (one, found, quoted) in enumerate(drawn):
        progress(done / len(drawn), f"Written by a model: {done:,} of {len(drawn):,} questions")
        answer, kept = manner.write(
            one.messages, found, quoted, writer=writer, instructions=instructions, most_examples=climb.setup.examples
        )  # fmt: skip
        faults = faults + 1 if kept.get("fault") else 0
        if faults == FAULTS:
            raise Refused(str(kept["why"]).removeprefix("Quoted instead of written: "))
        if not kept.get("fault"):
            rows.append((one, is_right(quoted, one), is_right(answer, one), kept))
    return _told(rows, len(drawn) - len(rows))


def _told(rows: Sequence[tuple[Question, bool, bool, dict[str, Any]]], missing: int) -> dict[str, Any]:
    before, after = [quoted for _, quoted, _, _ in rows], [written for _, _, written, _ in rows]
    tried = [kept for *_, kept in rows if kept]
    found = {
        "questions": len(rows),
        "missing": missing,
        "quoted": share_of(sum(before), len(rows)),
        "answers": share_of(sum(after), len(rows)),
    }
    found |= {
        "written": sum(kept["by_model"] for kept in tried), "withdrawn": sum(not kept["by_model"] for kept in tried),
        "removed": sum(len(kept["removed"]) for kept in tried), "cost": sum(kept["cost"] for kept in tried),
        "ms": round(float(np.median([kept["ms"] for kept in tried])), 1) if tried else 0.0,
    }  # fmt: skip
    return found | {"sentence": _sentence(found, verdict.judge(verdict.of_passes(after, before, [one.customer for one, *_ in rows])))}


def _sentence(told: dict[str, Any], judged: verdict.Verdict) -> str:
    said = judged.verdict if judged.verdict in ("better", "worse") else "cannot tell"
    gain, low, high = (verdict.points(share).replace("-", "−") for share in (judged.found.difference, judged.found.low, judged.found.high))
    words = (
        f"Written by a model, answers are right as often as quoted ones: {gain} points ({low} to {high}), {said} on "
        f"{told['questions']:,} questions."
        if said == "cannot tell"
        else f"Written by a model, answers are {said} than quoted: {gain} points ({low} to {high}) on {told['questions']:,} questions."
    )
    words += f" {told['written']:,} were written, {told['withdrawn']:,} quoted instead"
    words += f"; {told['removed']:,} sentences without a source were taken out." if told["removed"] else "."
    words += f" Half of them took less than {told['ms'] / 1000:.1f} seconds." if told["ms"] else ""
    words += f" It cost {told['cost']:,.4f}." if told["cost"] else ""
    return words + (f" {told['missing']:,} more are left out: the endpoint did not answer." if told["missing"] else "")
