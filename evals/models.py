"""A new model for a job: tried on every eval set that uses the one in force, measured beside it, and put to the same gate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from data import access, approvals, asking, audit, connections, models, releases, routing, settings, store, versions
from data.errors import Refused
from data.masking import masked
from data.measures import Share
from data.models import KIND, Model
from data.tables import Comparison, EvalSet, Person, Proposal, Release, Result, Run, SetVersion, Span, Study, Trace, Version
from data.values import LIVE, Target, now
from evals import candidates, compare, gate, judges, runs, sets, targets
from evals.candidates import Progress
from evals.figures import Figures
from evals.graders.face import Graders
from language.call import JOBS, Call, Line

JUDGES = "accuracy"  # the job of the model that graders ask
JUDGING = "judging"  # the kind of study in which two judges are compared
LATELY = timedelta(days=28)
WHAT = {
    "triage": "looks at much, fast", "conversation": "writes to people", "accuracy": "judges, where being right matters most",
}  # fmt: skip

Asking = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any] | None], Call]  # messages, a schema: asks one version
OfSet = tuple[EvalSet, SetVersion]


@dataclass(frozen=True)
class Use:
    """What a job's model is used for by what stands above this folder, and the sets that test it."""

    sets: Sequence[OfSet]
    ask: Callable[[Asking], runs.Ask]


# -- what is in force, and what tests it --------------------------------------------------------------------------------------------------


def in_force(job: str, *, by: Person) -> Model | None:
    access.require(by, "model.read")
    return models.live(job)


def lately(job: str, *, by: Person, at: datetime | None = None) -> Figures:
    """What real calls of the job cost in the last weeks, and how long they took, whichever model did it; what was tried is not in it."""
    access.require(by, "model.read")
    query = (
        select(Span.ms, Span.cost)
        .join(Trace, col(Trace.id) == col(Span.trace_id))
        .where(
            Trace.target_kind == KIND, Trace.target_name == job, Trace.mode == LIVE, Span.error == "",
            col(Trace.at) >= (at or now()) - LATELY,
        )
    )  # fmt: skip
    with store.reading() as db:
        return Figures.of(list(db.exec(query)))


def candidates_of(job: str, *, by: Person) -> list[Version]:
    """Every version, newest first."""
    access.require(by, "model.read")
    return versions.all_of(KIND, job)


def replies_on(job: str, *, by: Person) -> list[OfSet]:
    """The newest version of each set on which the model in force was asked to reply, those for releases first."""
    access.require(by, "model.read")
    live = models.live(job)
    if live is None:
        return []
    theirs = or_((col(Run.target_name) == live.name) & (col(Run.target_number) == 0), _number_of(job))
    with store.reading() as db:
        query = (
            select(EvalSet)
            .join(SetVersion, col(SetVersion.eval_set_id) == col(EvalSet.id))
            .join(Run, col(Run.set_version_id) == col(SetVersion.id))
            .where(Run.target_kind == KIND, Run.state == "done", theirs)
        )
        found = {one.id: one for one in db.exec(query)}.values()
        ordered = sorted(found, key=lambda one: (one.kind != gate.REGRESSION, one.name))
        return [(one, version) for one in ordered if (version := sets.latest_in(db, one.id))]


def _number_of(job: str) -> Any:
    return (col(Run.target_name) == job) & (col(Run.target_number) > 0)


def nothing_tests(job: str) -> str:
    """What to do where a job has no set."""
    judging = " Or judge outputs of the graders that ask a model, on Graders." if job == JUDGES else ""
    return (
        f"No eval set uses the model of '{job}', so nothing shows whether another one does as well. "
        f"Run the model in force on a set first, under Runs.{judging}"
    )


# -- a candidate --------------------------------------------------------------------------------------------------------------------------


def make(
    job: str, name: str, *, why: str, by: Person, url: str = "", prices: tuple[float, float] | None = None, at: datetime | None = None
) -> Version:
    """A candidate: it is asked by nobody until it is tried. Another address is one that two people approved before."""
    access.require(by, "model.make")
    live, endpoint, name = models.live(job), connections.endpoint(), name.strip()
    if job not in JOBS:
        raise Refused(f"Not made: there is no job '{job}'. There are {', '.join(JOBS)}.")
    if endpoint is None or live is None:
        raise Refused(
            f"Not made: no model has answered for '{job}' yet, so there is none to compare with. "
            "Set an endpoint under Installation and press 'Try it'."
        )
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Refused("Not made: give the model's name as its endpoint knows it, with at most 200 characters.")
    if prices is not None and not all(0 <= price < 1_000_000 for price in prices):
        raise Refused("Not made: a price is an amount of money for a million tokens.")
    made = Model(job, name, url.strip() or live.url, prices)
    if not made.is_at(endpoint.url):
        connections.key_at(made.url)
    if (made.name, made.is_at(live.url)) == (live.name, True):
        raise Refused(f"Not made: {live} does '{job}' already.")
    with store.writing() as db:
        version = versions.add(db, KIND, job, by=by, manifest={"why": masked(why.strip())}, body=made.as_body(), authors=[by.id], at=at)
        audit.record(db, by, "made", "model", version.id, f"Made candidate {version.target_number} for '{job}': {made}.", at=at)
        return version


def try_out(
    target: Target, *, known: Graders, by: Person, uses: Sequence[Use] = (), at: datetime | None = None,
    progress: Progress = lambda _share, _doing: None,
) -> "Evidence":  # fmt: skip
    """Run it and the one in force on every set that uses that one, and compare them; as a judge, on what people judged."""
    access.require(by, "model.make")
    line, live = _line(), releases.live(KIND, target.name)
    if live is None:
        raise Refused(f"Not tried: {nothing_tests(target.name)}")
    ways = _ways(target.name, uses, by)
    judged = judges.judged_by_people() if target.name == JUDGES else []
    judged = judged if len(judged) >= gate.FEWEST_CASES else []
    if not ways and not judged:
        raise Refused(f"Not tried: {nothing_tests(target.name)}")
    routing.line_to(versions.target_of(versions.get(target)), line)  # refused where its address is not approved any more
    parts = len(ways) + bool(judged)
    for place, way in enumerate(ways):

        def told(share: float, doing: str, place: int = place) -> None:
            progress((place + share) / parts, doing)

        def ask(one: Target, way: Use = way) -> runs.Ask:
            return way.ask(_asking(one, line, by))

        _anew(target, way, ask, known, by, at)
        candidates.evaluate(target, way.sets, ask, known=known, by=by, progress=told, at=at)
    if judged:
        _as_judge(target, releases.target_of(live), judged, line, by, lambda share: progress((len(ways) + share) / parts, "It judges"), at)
    return evidence(target, known=known, by=by, uses=uses)


def _anew(target: Target, way: Use, ask: Callable[[Target], runs.Ask], known: Graders, by: Person, at: datetime | None) -> None:
    """Tried again it is asked again: it may have been down."""
    ran = {made.set_version_id for made in runs.of_target(target, by=by)}
    for _, version in way.sets:
        if version.id in ran:
            runs.run(version.id, target, ask(target), by=by, again=True, known=known, at=at)


def _ways(job: str, uses: Sequence[Use], by: Person) -> list[Use]:
    """A set is used in one way: what a folder above does with it comes before plain replies."""
    given = [one for one in uses if one.sets]
    taken = {eval_set.id for one in given for eval_set, _ in one.sets}
    replies = [one for one in replies_on(job, by=by) if one[0].id not in taken]
    return [*given, *([Use(replies, _reply)] if replies else [])]


def _reply(ask: Asking) -> runs.Ask:
    return targets.of_model("", lambda messages: ask(messages, None)).ask


def _line() -> Line:
    endpoint = connections.endpoint()
    if endpoint is None:
        raise Refused("Not tried: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    return endpoint.line()


def _asking(target: Target, line: Line, by: Person) -> Asking:
    """Asks that version and no other, within the budgets and on the record."""

    def ask(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None) -> Call:
        endpoint = connections.endpoint()
        budget = endpoint.budget() if endpoint else asking.Budget()
        cold = 0.0 if schema is not None else None  # judgements and answers in a form are the same each time
        return asking.ask(target.name, messages, by=by, line=line, budget=budget, schema=schema, temperature=cold, exactly=target)

    return ask


def _as_judge(
    target: Target, live: Target, judged: Sequence[judges.Judged], line: Line, by: Person, progress: Callable[[float], None],
    at: datetime | None,
) -> None:  # fmt: skip
    new, old = (_asking(one, line, by) for one in (target, live))
    told = judges.compare(judged, new, old, live=live, margin=gate_margin(), progress=progress)
    with store.writing() as db:
        db.add(Study(version_id=versions.get(target).id, kind=JUDGING, told=told, at=at or now(), by_person_id=access.whose(by)))


def gate_margin() -> float:
    agreed = settings.gate()
    return agreed.margin if agreed and agreed.margin is not None else 0.02


# -- what is known of it ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnSet:
    """The candidate and the one in force on one set."""

    eval_set: EvalSet
    version: SetVersion
    run: Run
    before: Run
    comparison: Comparison
    figures: Figures
    figures_before: Figures


@dataclass(frozen=True)
class Evidence:
    target: Target
    model: Model
    live: Model
    live_number: int
    on_sets: tuple[OnSet, ...]
    judging: dict[str, Any] | None  # as judges.compare tells it
    decision: gate.Decision

    @property
    def for_a_trial(self) -> bool:
        """Only cases are missing: it may be asked beside the one in force, and goes no further before they are there."""
        return self.decision.only_needs_cases

    @property
    def sentence(self) -> str:
        told = [f"On '{one.eval_set.name}': {one.comparison.sentence}" for one in self.on_sets]
        told += [f"As a judge: {self.judging['sentence']}"] if self.judging else []
        return " ".join([*told, self.spends])

    @property
    def spends(self) -> str:
        """Cost and latency, old beside new."""
        return f"{self.model.name}: {self.figures}. {self.live.name}, in force: {self.figures_before}."

    @property
    def figures(self) -> Figures:
        return _widest([one.figures for one in self.on_sets] + _judging_figures(self.judging, "figures"))

    @property
    def figures_before(self) -> Figures:
        return _widest([one.figures_before for one in self.on_sets] + _judging_figures(self.judging, "figures_before"))


def _widest(found: Sequence[Figures]) -> Figures:
    """Of the set with the most calls: times of different work are not put together."""
    return max(found, key=lambda one: one.calls, default=Figures())


def _judging_figures(judging: dict[str, Any] | None, name: str) -> list[Figures]:
    return [Figures.of_told(judging[name])] if judging else []


def evidence(target: Target, *, known: Graders, by: Person, uses: Sequence[Use] = ()) -> Evidence:
    """On all that uses the model in force; Refused where it was not tried on part of that."""
    access.require(by, "model.read")
    access.require(by, "eval_set.read")
    live = releases.live(KIND, target.name)
    if live is None or releases.target_of(live) == target:
        raise Refused(f"Candidate {target.number} for '{target.name}' is in force." if live else nothing_tests(target.name))
    found = [_on_set(*one, target, releases.target_of(live), by) for way in _ways(target.name, uses, by) for one in way.sets]
    judging = _newest_judging(target, live.target_number) if target.name == JUDGES else None
    measured = [compare.measured(one.run, one.comparison, known=known, by=by) for one in found]
    measured += [_measured(judging)] if judging else []
    rules = gate.decide(measured).rules
    if target.name == JUDGES and judging is None and judges.used():
        rules = (*rules, _judges_unknown())
    old = models.of(releases.target_of(live))
    return Evidence(target, models.of(target), old, live.target_number, tuple(found), judging, gate.Decision(rules))


def _on_set(eval_set: EvalSet, version: SetVersion, target: Target, live: Target, by: Person) -> OnSet:
    run = next((made for made in runs.of_target(target, by=by) if made.set_version_id == version.id), None)
    comparison = compare.latest_of(run, by=by) if run else None
    with store.reading() as db:
        before = db.get_one(Run, comparison.live_run_id) if comparison else None
    if run is None or comparison is None or before is None or before.target_number != live.number or before.target_name != live.name:
        raise Refused(
            f"Candidate {target.number} for '{target.name}' was not tried on '{eval_set.name}' {version.number} beside the model in force. "
            "Try it first."
        )
    return OnSet(eval_set, version, run, before, comparison, *(_figures(one) for one in (run, before)))


def _figures(run: Run) -> Figures:
    with store.reading() as db:
        return Figures.of(list(db.exec(select(Result.ms, Result.cost).where(Result.run_id == run.id, Result.error == ""))))


def _newest_judging(target: Target, live_number: int) -> dict[str, Any] | None:
    with store.reading() as db:
        query = select(Study).where(Study.version_id == versions.get(target).id, Study.kind == JUDGING).order_by(col(Study.id).desc())
        found = db.exec(query).first()
    return found.told if found and found.told["live"] == live_number else None


def _measured(told: Mapping[str, Any]) -> gate.Measured:
    return gate.Measured(
        "outputs that people judged", told["cases"], gate.REGRESSION, judges.BAR, gate_margin(), Share(told["agreed"], told["cases"]),
        verdict=told["verdict"], difference=told["difference"], fixed=told["fixed"], broken=told["broken"], more_needed=told["more_needed"],
    )  # fmt: skip


def _judges_unknown() -> gate.Rule:
    have = len(judges.judged_by_people())
    missing = max(gate.FEWEST_CASES - have, 0)
    told = f"the graders that ask this model ({', '.join(judges.used())}) have {have} outputs that people judged too"
    opens = f"Judge {missing} more on Graders, then try it again." if missing else "Try it again: it was not compared as a judge."
    return gate.Rule("judges people agree with", False, told, opens)


# -- from candidate to everybody ----------------------------------------------------------------------------------------------------------


def propose(
    target: Target, *, why: str, known: Graders, by: Person, uses: Sequence[Use] = (), at: datetime | None = None
) -> Proposal:  # fmt: skip
    """Ask a second person to release it. What the cases show to be worse cannot be proposed."""
    access.require(by, "model.propose")
    version = versions.get(target)
    found = evidence(target, known=known, by=by, uses=uses)
    if not found.decision.is_open and not found.for_a_trial:
        raise Refused(f"Not proposed: {found.decision.sentence}")
    payload = {**target.columns(), "sha": version.sha, "in_place_of": found.live_number}
    if approvals.open_for("ship_model", **payload):
        raise Refused(f"Not proposed again: {found.model} already waits for approval.")
    trial = f" For a trial beside the model in force only: {found.decision.sentence}" if not found.decision.is_open else ""
    told = {
        "sentence": f"{found.sentence}{trial}", "live_number": found.live_number, "rules": found.decision.as_evidence(),
        "url": found.model.url, "figures": found.figures.as_told(), "figures_before": found.figures_before.as_told(),
        "comparison_ids": [one.comparison.id for one in found.on_sets],
    }  # fmt: skip
    with store.writing() as db:
        return approvals.propose(
            db, "ship_model", f"have {found.model} do '{target.name}' in place of {found.live}", payload, why=why, evidence=told,
            authors=version.authors, by=by, needs=agreed.approvers if (agreed := settings.gate()) else 1, at=at,
        )  # fmt: skip


def ship(proposal_id: str, *, at: datetime | None = None) -> Release:
    """Carry out an approved proposal: it is asked beside the one in force."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "ship_model", at=at)
        told = proposal.payload
        target = Target(told["target_kind"], told["target_name"], told["target_number"])
        live = releases.live(KIND, target.name)
        if versions.get(target).sha != told["sha"]:
            raise Refused(f"Not released: candidate {target.number} for '{target.name}' is not what was approved.")
        if live is None or live.target_number != told["in_place_of"]:
            raise Refused(f"Not released: the model of '{target.name}' changed since. Try the candidate again, then propose it again.")
        routing.line_to(target, _line())  # its address is still approved
        return releases.begin(db, target, proposal_id=proposal.id, by_itself=True, by=approver, at=at)


def put_live(db: Session, target: Target, proposal_id: str | None, *, by: Person | None, at: datetime | None = None) -> Release:
    return releases.go_live(db, target, proposal_id=proposal_id, why_before_ends=f"followed by {target}", by=by, at=at)


def roll_back(target: Target, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """Go back to a model that did the job before. The safe direction needs one person only."""
    access.require(by, "model.roll_back")
    if not why.strip():
        raise Refused("Not rolled back: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        if not releases.once_live(db, target):
            raise Refused(f"Not rolled back: model {target.number} of '{target.name}' was never in force. Propose it instead.")
        release = releases.go_live(db, target, proposal_id=None, why_before_ends=f"rolled back: {why.strip()}", by=by, at=at)
        audit.record(db, by, "rolled back", "release", release.id, f"Went back to {models.of(target)}: {why.strip()}", at=at)
        return release
