"""A candidate of any kind beside what is live: run on the sets that releases are measured on, compared there, and put to the gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from data import access, releases, store
from data.errors import Refused
from data.measures import Share
from data.tables import Comparison, EvalSet, Person, Run, SetVersion
from data.values import Target
from evals import compare, gate, runs
from evals.graders.face import Graders

Progress = Callable[[float, str], None]
Measured = Sequence[tuple[EvalSet, SetVersion]]  # the one that counts first


@dataclass(frozen=True)
class Evidence:
    """How the candidate does on a frozen set, beside the live version where there is one, and what the gate says to that."""

    eval_set: EvalSet
    version: SetVersion
    run: Run
    passed: Share
    comparison: Comparison | None
    live_number: int | None
    decision: gate.Decision
    is_live: bool = False

    @property
    def sentence(self) -> str:
        if self.comparison:
            return self.comparison.sentence
        if self.is_live:
            return f"It is live, and right in {self.passed} of the cases."
        return f"Nothing is live yet. The candidate is right in {self.passed} of the cases."

    @property
    def for_a_trial(self) -> bool:
        """Only cases are missing: it may be tried beside the live version, and goes no further before they are there."""
        return self.live_number is not None and self.decision.only_needs_cases

    def stops(self) -> str | None:
        """Why it may not be proposed; None when it may."""
        return None if self.decision.is_open else self.decision.sentence


def evaluate(
    target: Target, measured_on: Measured, ask: Callable[[Target], runs.Ask], *, known: Graders, by: Person,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> None:  # fmt: skip
    """Run the candidate on each set, and the live version again beside it, and compare them."""
    access.require(by, "eval.run")
    if not measured_on:
        raise Refused("Not compared: no eval set was frozen yet. Flag examples on Review, then freeze the set.")
    live = releases.live(target.kind, target.name)
    beside = releases.target_of(live) if live and releases.target_of(live) != target else None
    step = 1 / (len(measured_on) * (2 if beside else 1))
    done = 0.0

    def run(version: SetVersion, one: Target, *, again: bool = False) -> Run:
        nonlocal done
        began = done
        made = runs.run(
            version.id, one, ask(one), by=by, again=again, known=known, at=at,
            progress=lambda share, doing: progress(began + share * step, doing),
        )  # fmt: skip
        done += step
        return made

    for _, version in measured_on:
        made = run(version, target)
        if beside:
            compare.compare(made, run(version, beside, again=True), by=by, at=at)


def evidence(target: Target, measured_on: Measured, *, known: Graders, by: Person) -> Evidence:
    """What is known of the candidate against what is live now."""
    access.require(by, "eval_set.read")
    live = releases.live(target.kind, target.name)
    is_live = live is not None and releases.target_of(live) == target
    live_number = live.target_number if live and not is_live else None
    found = [(*one, *_known_on(one[1], target, live_number, by)) for one in measured_on]
    if not found:
        raise Refused(f"{target} was not run on the newest eval set yet. Compare it with what is live first.")
    eval_set, version, run, comparison = found[0]
    decision = compare.decide([(run, comparison) for _, _, run, comparison in found], known=known, by=by)
    return Evidence(eval_set, version, run, Share(run.passed, run.cases), comparison, live_number, decision, is_live)


def _known_on(version: SetVersion, target: Target, live_number: int | None, by: Person) -> tuple[Run, Comparison | None]:
    run = next((made for made in runs.of_target(target, by=by) if made.set_version_id == version.id), None)
    if run is None:
        raise Refused(f"{target} was not run on the newest eval set yet. Compare it with what is live first.")
    comparison = compare.latest_of(run, by=by)
    if live_number is None:
        return run, None
    if not _is_with(comparison, live_number):
        raise Refused(f"{target} was not compared with {target.name} {live_number}, which is live now. Compare them first.")
    return run, comparison


def _is_with(comparison: Comparison | None, live_number: int) -> bool:
    if comparison is None:
        return False
    with store.reading() as db:
        return db.get_one(Run, comparison.live_run_id).target_number == live_number
