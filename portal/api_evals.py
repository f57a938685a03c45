"""Evals over HTTP: what CI needs. It reads the cases of a set, sends what its target said, and hears whether the gate is open."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request

from data import access
from data.tables import Person, Run
from evals import compare, passes, reading, runs, sets, targets
from portal import catalog
from portal.caller import By

router = APIRouter()
PAGE = 500
TELLING = ("intent", "kind")  # slices that say what is expected: whoever answers would only have to repeat them
Name = Annotated[str, Query(max_length=80, pattern=r"^[\w .\-]+$")]
Id = Annotated[str, Path(max_length=60)]


@router.get("/v1/eval-sets")
def eval_sets(by: By) -> list[dict[str, Any]]:
    """Every set with its newest version."""
    found = []
    for eval_set in sets.all_sets(by=by):
        version = sets.latest(eval_set.id)
        found.append(
            {
                "id": eval_set.id, "name": eval_set.name, "purpose": eval_set.purpose, "kind": eval_set.kind, "bar": sets.bar_of(eval_set),
                "version": version.number if version else None, "sha": version.sha if version else None,
                "cases": sets.case_count(version.id) if version else 0,
            }
        )  # fmt: skip
    return found


@router.get("/v1/eval-sets/{set_id}/cases")
def cases(set_id: Id, by: By, page: Annotated[int, Query(ge=0, le=100)] = 0) -> dict[str, Any]:
    """A page of the newest version: what each case asks. What is expected stays here."""
    version = _newest(set_id, by)
    some = sets.page(version.id, by=by, start=page * PAGE, most=PAGE)
    place = sets.numbers(sets.cases(version.id))
    return {
        "version": version.number, "sha": version.sha, "all": sets.case_count(version.id),
        "cases": [
            {
                "key": case.key, "case": place[case.key], "subject_line": case.input["subject_line"], "messages": sets.asked_of(case),
                "slices": {name: said for name, said in case.slices.items() if name not in TELLING},
            }
            for case in some
        ],
    }  # fmt: skip


@router.post("/v1/eval-sets/{set_id}/runs")
async def run(set_id: Id, request: Request, by: By, name: Name, against: Annotated[str, Query(max_length=60)] = "") -> dict[str, Any]:
    """The body is JSONL, one line a case: its key and what was said. With `against`, an earlier run of the same version, it is compared."""
    from starlette.concurrency import run_in_threadpool

    access.require(by, "eval.run")  # before anything that was sent is read
    body = await request.body()
    return await run_in_threadpool(_run, set_id, body, by, name, against)


def _run(set_id: str, body: bytes, by: Person, name: str, against: str) -> dict[str, Any]:
    version = _newest(set_id, by)
    asked, known = targets.of_file(name, body, by=by), catalog.graders_for(by)
    made = runs.run(version.id, asked.target, asked.ask, by=by, known=known)
    other = runs.get(against, by=by) if against else None
    if against and other is None:
        raise HTTPException(404, "Compared with nothing: there is no such run. What was sent is kept as a run.")
    comparison = compare.compare(made, other, by=by) if other else None
    decision = compare.decide([(made, comparison)], known=known, by=by)
    told = _told(made, by) | {"gate": {"open": decision.is_open, "why": decision.sentence, "rules": decision.as_evidence()}}
    if comparison:
        told["comparison"] = {
            "id": comparison.id, "verdict": comparison.verdict, "sentence": comparison.sentence, "fixed": comparison.fixed,
            "broken": comparison.broken, "every_time": _beside(made, other, by),
        }  # fmt: skip
    return told


@router.get("/v1/runs/{run_id}")
def one_run(run_id: Id, by: By, page: Annotated[int, Query(ge=0, le=100)] = 0) -> dict[str, Any]:
    """A run and a page of the cases that it failed."""
    found = reading.about(run_id, by=by)
    if found is None:
        raise HTTPException(404, "There is no such run.")
    failed = reading.cases(run_id, passed=False, by=by, start=page * PAGE, most=PAGE)
    return _told(found.run, by) | {"set": found.eval_set.name, "version": found.version.number, "failed": [case.key for case in failed]}


def _newest(set_id: str, by: Person) -> Any:
    found = sets.versions(set_id, by=by)
    if not found:
        raise HTTPException(404, "There is no such eval set, or it was not frozen yet.")
    return found[0]


def _told(run: Run, by: Person) -> dict[str, Any]:
    """Asked several times, a case passes when it passes each time: beside that, how often in one try, in two, and so on."""
    often = passes.of_run(run, by=by).figures() if run.repeats > 1 and run.state == "done" else []
    return {
        "run": run.id, "target": f"{run.target_name} {run.target_number}", "state": run.state, "cases": run.cases, "passed": run.passed,
        "cost": run.cost, "repeats": run.repeats, "every_time": often,
    }  # fmt: skip


def _beside(made: Run, other: Run | None, by: Person) -> str:
    if other is None or max(made.repeats, other.repeats) == 1:
        return ""
    return passes.beside(passes.of_run(made, by=by), passes.of_run(other, by=by))
