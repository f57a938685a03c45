"""What a change of articles does to the cases it touches, before anybody is answered with it: fixed, broken, as before."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import access, sealing, store, versions
from data.errors import Refused
from data.masking import masked
from data.tables import Case, EvalSet, Person, Proposal, SetVersion, Study
from data.values import Target, now
from evals import graders, sets
from evals.graders.face import Graders
from knowledge import answerers, articles, evidence, in_force, shelf

KIND = "cases"
PURPOSES = ("knowledge", "answer")
MOST_TOLD = 30  # cases of each sort

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Tried:
    """What became of the cases that the articles touch."""

    fixed: int
    broken: int
    unchanged: int

    @property
    def touched(self) -> int:
        return self.fixed + self.broken + self.unchanged

    @property
    def sentence(self) -> str:
        if not self.touched:
            return "It touches no case of an eval set."
        cases = "case" if self.touched == 1 else "cases"
        return (
            f"Of {self.touched:,} {cases} that it touches {self.fixed:,} are fixed, {self.broken:,} broken, {self.unchanged:,} as before."
        )


def try_out(
    targets: Sequence[Target], *, known: Graders, by: Person, progress: Progress = lambda _share, _doing: None, at: datetime | None = None
) -> Study:  # fmt: skip
    """Answer every case of the answers' sets as things are and as if these versions were published; kept beside the first of them."""
    access.require(by, "article.draft")
    access.require(by, "eval.run")
    if not targets:
        raise Refused("Not tried: choose an article.")
    made = [versions.get(target) for target in targets]
    setup, under = answerers.in_force(), _circumstances()
    changed = [in_force.as_published(version) for version in made]
    shelf.prepare(changed, setup.combination.chunking)
    now_there, then_there = shelf.current(setup.combination), shelf.changed_library(changed, setup.combination)
    slugs = {target.name for target in targets}
    told: dict[str, list[dict[str, Any]]] = {"fixed": [], "broken": [], "unchanged": []}
    cases = _cases()
    for done, (eval_set, number, case) in enumerate(cases):
        before, after = (_answered(case, library, setup) for library in (now_there, then_there))
        if not _touches(case, slugs, before, after):
            continue
        passed = [all(graders.judged(known, name, case, one).passed for name in case.graders) for one in (before, after)]
        sort = "unchanged" if passed[0] == passed[1] else "fixed" if passed[1] else "broken"
        told[sort].append(_line(eval_set, number, case, before, after))
        progress(done / len(cases), f"{done:,} of {len(cases):,} cases")
    counts = {f"{sort}_count": len(lines) for sort, lines in told.items()}
    kept = {sort: lines[:MOST_TOLD] for sort, lines in told.items()} | counts | {"articles": _named(targets), "under": under}
    with store.writing() as db:
        study = Study(version_id=made[0].id, kind=KIND, told=kept, by_person_id=access.whose(by), at=at or now())
        db.add(study)
        return study


def propose(
    targets: Sequence[Target], *, why: str, despite: str = "", by: Person, at: datetime | None = None
) -> Proposal:  # fmt: skip
    """Ask a second person to publish them, with what that does to the cases they touch. What breaks one needs a reason beside the why."""
    access.require(by, "article.propose")
    if not anything_to_try():
        return articles.propose(targets, why=why, by=by, at=at)
    study = newest(targets, by=by)
    if study is None:
        raise Refused("Not proposed: it was not tried on the cases that it touches. Try it first; that takes a moment.")
    if changed := changed_since(study):
        raise Refused(f"Not proposed: {changed} since it was tried. Try it again; that takes a moment.")
    found = tried(study)
    if found.broken and not despite.strip():
        raise Refused(f"Not proposed: {found.sentence} Mend it, or say why it is right although it breaks them.")
    told = {"tried": found.sentence, "study_id": study.id, "despite": masked(despite.strip()), "broken": study.told["broken"][:5]}
    return articles.propose(targets, why=why, evidence=told, by=by, at=at)


def tried(study: Study) -> Tried:
    return Tried(*(study.told[f"{sort}_count"] for sort in ("fixed", "broken", "unchanged")))


def newest(targets: Sequence[Target], *, by: Person) -> Study | None:
    """The last try of exactly these versions."""
    access.require(by, "article.read")
    version = versions.get(targets[0])
    query = select(Study).where(Study.version_id == version.id, Study.kind == KIND).order_by(col(Study.at).desc(), col(Study.id).desc())
    with store.reading() as db:
        return next((one for one in db.exec(query) if one.told["articles"] == _named(targets)), None)


def changed_since(study: Study) -> str:
    """What is other than when it was tried, so that the try says nothing of now; "" where all is the same."""
    before, today = study.told.get("under") or {}, _circumstances()
    changed = [words for name, words in CIRCUMSTANCES.items() if before.get(name) != today[name]]
    return f"{', '.join(changed[:-1])} and {changed[-1]}" if len(changed) > 1 else "".join(changed)


CIRCUMSTANCES = {
    "sets": "a set of cases was frozen anew", "articles": "other articles were published or taken out of use",
    "answerer": "another answerer is in force",
}  # fmt: skip


def _circumstances() -> dict[str, Any]:
    """What a try stands on beside the versions that it tries."""
    return {
        "sets": [version.id for _, version in _versions()], "answerer": answerers.target_in_force().number,
        "articles": sealing.sha(json.dumps(sorted(in_force.numbers().items()))),
    }  # fmt: skip


def anything_to_try() -> bool:
    return bool(_versions())


def _named(targets: Sequence[Target]) -> list[list[Any]]:
    return sorted([target.name, target.number] for target in targets)


def _versions() -> list[tuple[EvalSet, SetVersion]]:
    with store.reading() as db:
        found = list(db.exec(select(EvalSet).where(col(EvalSet.purpose).in_(PURPOSES)).order_by(EvalSet.name)))
        return [(one, version) for one in found if (version := sets.latest_in(db, one.id))]


def _cases() -> list[tuple[EvalSet, int, Case]]:
    found = []
    for eval_set, version in _versions():
        theirs = sets.cases(version.id)
        place = sets.numbers(theirs)
        found += [(eval_set, place[case.key], case) for case in theirs]
    return found


def _answered(case: Case, library: Any, setup: answerers.Setup) -> dict[str, Any]:
    messages = sets.asked_of(case)
    found = shelf.in_library(library, messages, setup.combination, most=answerers.MOST_FOUND)
    quoted = answerers.said_to(evidence.asked_now(messages), found, setup)
    return answerers.as_output(answerers.told_of(messages, found, quoted, setup))


def _touches(case: Case, slugs: set[str], before: dict[str, Any], after: dict[str, Any]) -> bool:
    """It expects one of them, or one of them is what it is or would be answered from."""
    named = {*(case.expected.get("articles") or []), *before["articles"], *after["articles"]}
    return bool(named & slugs)


def _line(eval_set: EvalSet, number: int, case: Case, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    question = next((one["text"] for one in reversed(case.input["messages"]) if one["role"] == "customer"), "")
    return {
        "set": eval_set.name, "number": number, "question": str(question)[:300], "before": _short(before), "after": _short(after)
    }  # fmt: skip


def _short(output: dict[str, Any]) -> str:
    return "kept silent" if output["declined"] else str(output["reply"])[:300]
