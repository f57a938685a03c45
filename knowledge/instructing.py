"""A version as it answers beside how a model would write: the same few cases with both, so that people read what would change."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import access, store, versions
from data.errors import Refused
from data.masking import masked
from data.tables import Case, EvalSet, Person, SetVersion, Study
from data.values import Target, now
from evals import graders, sets
from evals.graders.face import Graders
from knowledge import ANSWERER, answerers, evidence, in_force, other_words
from knowledge.answerers import LONGEST, NAME, Setup
from knowledge.extractive import Answer
from knowledge.manner import Writer
from knowledge.retrieval.library import Found
from knowledge.written import MOST_EXAMPLES

KIND = "instructions"
CASES = 20
FAULTS = 3  # in a row: then nothing more is asked
LONGEST_TOLD = 1_600  # characters of a reply that is shown

Progress = Callable[[float, str], None]


def try_out(
    target: Target, set_version_id: str, instructions: str, *, examples: int = 0, writes: bool = True, rephrases: bool = False,
    writer: Writer, known: Graders, by: Person, progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Study:  # fmt: skip
    """Up to 20 cases of a set, drawn alike each time, answered by a version as it is and as it would be; kept beside the version.
    A version that quotes is quoted there, too."""
    access.require(by, "answerer.make")
    access.require(by, "eval.run")
    before = answerers.setup_of(target)
    after = _changed(before, instructions, examples, writes, rephrases)
    told, silent = _both(_drawn(set_version_id), before, after, writer, known, target.number, progress)
    if not told:
        raise Refused(f"Not tried: all {silent:,} cases of this set are kept silent to, so nothing is written. Choose another set.")
    version = answerers.version_of(target, by=by, at=at)
    kept = {
        **_about(set_version_id), "answerer": version.target_number, "before": before.instructions, "instructions": after.instructions,
        "examples_before": before.examples, "examples": after.examples, "writes_before": before.writes, "writes": after.writes,
        "rephrases_before": before.rephrases, "rephrases": after.rephrases,
        "cases": told, "silent": silent, "sentence": _sentence(told, before, after),
    }  # fmt: skip
    with store.writing() as db:
        made = Study(version_id=version.id, kind=KIND, told=kept, by_person_id=access.whose(by), at=at or now())
        db.add(made)
        return made


def newest(target: Target, *, by: Person) -> Study | None:
    """The last try beside this version."""
    access.require(by, "article.read")
    access.require(by, "eval_set.read")
    if target.number == 0:
        return None
    version = versions.get(target)
    query = select(Study).where(Study.version_id == version.id, Study.kind == KIND)
    with store.reading() as db:
        return db.exec(query.order_by(col(Study.at).desc(), col(Study.id).desc()).limit(1)).first()


def with_instructions(most: int = 20) -> list[tuple[Target, str]]:
    """The newest versions with what each is told, the newest first."""
    found = versions.all_of(ANSWERER, NAME)[:most]
    return [(versions.target_of(one), str(one.body.get("instructions", ""))) for one in found]


def _changed(before: Setup, instructions: str, examples: int, writes: bool, rephrases: bool) -> Setup:
    text = masked(instructions.replace("\0", "").strip())
    if len(text) > LONGEST:
        raise Refused(f"Not tried: instructions have at most {LONGEST:,} characters, these have {len(text):,}.")
    if not 0 <= examples <= MOST_EXAMPLES:
        raise Refused(f"Not tried: it is shown 0 to {MOST_EXAMPLES} worked examples, not {examples:,}.")
    if not before.writes and not writes:
        raise Refused("Not tried: the version quotes, so instructions change nothing. Have a model write the answers first.")
    if (text, examples, writes, rephrases) == (before.instructions.strip(), before.examples, before.writes, before.rephrases):
        raise Refused("Not tried: these are the instructions and examples that the version has. Change them first.")
    after = replace(before, instructions=text, examples=examples, writes=writes, rephrases=rephrases)
    if why_not := answerers.cannot_rephrase(after):
        raise Refused(f"Not tried: {why_not}")
    return after


def _drawn(set_version_id: str) -> list[tuple[int, Case]]:
    """All cases in an order that chance made and that stays: a set that grows keeps most of its first twenty."""
    cases = sets.cases(set_version_id)
    if not cases:
        raise Refused("Not tried: the set has no case. Freeze one on the page Eval sets.")
    place = sets.numbers(cases)
    ordered = sorted(cases, key=lambda case: hashlib.sha256(case.key.encode()).digest())
    return [(place[case.key], case) for case in ordered]


def _both(
    drawn: Sequence[tuple[int, Case]], before: Setup, after: Setup, writer: Writer, known: Graders, number: int, progress: Progress
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """The first twenty that are answered at all, and to how many it kept silent on the way: there, instructions change nothing."""
    told: list[dict[str, Any]] = []
    silent = faults = 0
    for place, case in drawn:
        if len(told) == CASES:
            break
        progress(len(told) / min(CASES, len(drawn)), f"{len(told):,} of {min(CASES, len(drawn)):,} cases")
        messages = sets.asked_of(case)
        looks = [_looked(messages, setup, writer) for setup in (before, after)]
        if all(one.quoted.declined for one in looks):
            silent += 1
            continue
        sides = [
            _answered(case, messages, one, setup, writer, known, number) for one, setup in zip(looks, (before, after), strict=True)
        ]  # fmt: skip
        asked = [side for side, setup in zip(sides, (before, after), strict=True) if setup.writes]
        faults = faults + 1 if all(side["fault"] for side in asked) else 0
        if faults == FAULTS:
            raise Refused(f"Not tried: {asked[0]['note'].removeprefix('Quoted instead of written: ')}")
        told.append({"number": place, "question": evidence.asked_now(messages)[:300], "old": sides[0], "new": sides[1]})
    return told, silent


@dataclass(frozen=True)
class _Looked:
    found: Sequence[Found]
    quoted: Answer
    cost: float  # of saying the question in other words


def _looked(messages: Sequence[Mapping[str, Any]], setup: Setup, writer: Writer) -> _Looked:
    other = other_words.ask(evidence.asked_now(messages), writer) if setup.rephrases else None
    found, quoted = answerers.found_for(messages, setup, other)
    return _Looked(found, quoted, other.cost if other else 0.0)


def _answered(
    case: Case, messages: Sequence[Mapping[str, Any]], looked: _Looked, setup: Setup, writer: Writer, known: Graders, number: int
) -> dict[str, Any]:  # fmt: skip
    told = answerers.told_of(messages, looked.found, looked.quoted, setup, writer=writer, number=number)
    kept = told.get("written") or {}
    grades = [graders.judged(known, name, case, answerers.as_output(told)) for name in case.graders]
    fault = bool(kept.get("fault"))
    return {
        "reply": str(told["reply"])[:LONGEST_TOLD], "by_model": bool(kept.get("by_model")), "note": str(told.get("note", "")),
        "removed": len(kept.get("removed", ())), "cost": looked.cost + float(kept.get("cost", 0.0)), "fault": fault,
        "passed": None if fault else all(grade.passed for grade in grades), "why": next((one.why for one in grades if not one.passed), ""),
    }  # fmt: skip


def _about(set_version_id: str) -> dict[str, Any]:
    with store.reading() as db:
        version = db.get_one(SetVersion, set_version_id)
        eval_set = db.get_one(EvalSet, version.eval_set_id)
    return {
        "set_version_id": version.id, "eval_set_id": eval_set.id, "eval_set": eval_set.name, "set_number": version.number,
        **in_force.mark(),
    }  # fmt: skip


def _sentence(told: Sequence[Mapping[str, Any]], before: Setup, after: Setup) -> str:
    """So few show how it reads; whether it is better, a comparison on all cases says."""
    judged = [one for one in told if one["old"]["passed"] is not None and one["new"]["passed"] is not None]
    old, new = (sum(one[side]["passed"] for one in judged) for side in ("old", "new"))
    broken = sum(one["old"]["passed"] and not one["new"]["passed"] for one in judged)
    cost = sum(one[side]["cost"] for one in told for side in ("old", "new"))
    would, are = ("with the new instructions", "with those it has") if before.writes and after.writes else (_way(after), _way(before))
    words = f"Of {len(judged):,} cases {new:,} pass {would}, {old:,} {are}; {broken:,} broke."
    missing = f" {len(told) - len(judged):,} could not be judged: the endpoint did not answer." if len(judged) < len(told) else ""
    return f"{words}{missing}{f' It cost {cost:,.4f}.' if cost else ''}"


def _way(setup: Setup) -> str:
    return "as a model writes them" if setup.writes else "as they are quoted"
