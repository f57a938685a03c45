"""Takes a candidate to the customers: measured beside the live one, proposed by one person, approved by another.

What needs scikit-learn is imported where it is used: the web process shows this module's answers and never trains.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlmodel import Session

from classifiers import KIND, labels
from data import access, approvals, audit, examples, inbox, releases, settings, store, versions
from data.errors import Refused
from data.measures import Share
from data.tables import Comparison, EvalSet, Person, Proposal, Release, SetVersion, Version
from data.values import Target
from evals import candidates, compare, graders, sets
from evals.candidates import Evidence, Progress

GRADERS = graders.BY_NAME  # a classifier is judged by what people wrote down; no model is asked


def evaluate(target: Target, *, by: Person, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> Evidence:
    """Run the candidate on each set that releases are measured on, and the live version again beside it, and compare them."""
    from classifiers import serving

    access.require(by, "classifier.read")  # what comes of it is told
    candidates.evaluate(target, _measured_on(target), serving.ask, known=GRADERS, by=by, progress=progress, at=at)
    return evidence(target, by=by)


def evidence(target: Target, *, by: Person) -> Evidence:
    """What is known of the candidate against what is live now."""
    access.require(by, "classifier.read")
    return candidates.evidence(target, _measured_on(target), known=GRADERS, by=by)


def _measured_on(target: Target) -> list[tuple[EvalSet, SetVersion]]:
    """What a draft label is tested by counts for who has learned the label: nobody else's release waits for what somebody named."""
    found, of_drafts = sets.measured_on("classifier", target.name), sets.of_drafts()
    if not any(eval_set.id in of_drafts for eval_set, _ in found):
        return found
    learned = versions.get(target).manifest.get("label_ids", [])
    return [one for one in found if one[0].id not in of_drafts or of_drafts[one[0].id] in learned]


def is_stale(target: Target, *, by: Person) -> bool:
    """Whether a set was frozen, or another version went live, since it was measured."""
    access.require(by, "classifier.read")
    try:
        evidence(target, by=by)
    except Refused:
        return bool(sets.measured_on("classifier", target.name))
    return False


def propose(target: Target, *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Ask a second person to make it live. A candidate that the cases show to be worse cannot be proposed."""
    access.require(by, "classifier.propose")
    version = versions.get(target)
    known = evidence(target, by=by)
    trial = known.for_a_trial
    if (reason := known.stops()) and not trial:
        raise Refused(f"Not proposed: {reason}")
    payload = {**target.columns(), "file_sha": version.file_sha, "in_place_of": known.live_number}
    if approvals.open_for("ship_classifier", **payload):
        raise Refused(f"Not proposed again: {target} already waits for approval.")
    told = {
        "sentence": f"{known.sentence} For a trial beside the live version only: {reason}" if trial else known.sentence,
        "set": known.eval_set.name, "set_number": known.version.number, "passed": known.passed.k,
        "cases": known.passed.n, "live_number": known.live_number, "comparison_id": known.comparison.id if known.comparison else None,
        "rows": version.manifest["rows"], "answered": version.manifest["answered"], "rules": known.decision.as_evidence(),
    }  # fmt: skip
    with store.writing() as db:
        return approvals.propose(
            db,
            "ship_classifier",
            f"ship version {target.number} of the {target.name} classifier",
            payload,
            why=why,
            evidence=told,
            authors=version.authors,
            by=by,
            needs=agreed.approvers if (agreed := settings.gate()) else 1,
            at=at,
        )


def ship(proposal_id: str, *, at: datetime | None = None) -> Release:
    """Carry out an approved proposal: the file is checked first, then one row makes it live."""
    from classifiers import files

    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "ship_classifier", at=at)
        target = _target_in(proposal.payload)
        version = versions.get(target)
        if version.file_sha != proposal.payload["file_sha"]:
            raise Refused(f"Not shipped: {target} is not the model that was approved.")
        live = releases.live(KIND, target.name)
        if (live.target_number if live else None) != proposal.payload["in_place_of"]:
            raise Refused(f"Not shipped: what is live changed after {target} was compared with it. Compare again, then propose again.")
        files.load(version)
        labels.take_into_use(db, version.manifest.get("label_ids", []), by=approver, at=at)
        if live is not None:
            return releases.begin(db, target, proposal_id=proposal.id, by_itself=True, by=approver, at=at)
        return put_live(db, target, proposal.id, by=approver, at=at)


def put_live(db: Session, target: Target, proposal_id: str | None, *, by: Person | None, at: datetime | None = None) -> Release:
    """It answers for everybody from now on. Called when it was approved or took its last step."""
    release = releases.go_live(db, target, proposal_id=proposal_id, why_before_ends=f"followed by {target}", by=by, at=at)
    for person_id, count in versions.get(target).manifest.get("taught_by", {}).items():
        told = f"Version {target.number} of the {target.name} classifier is live. It learned from {count:,} reviews of yours."
        inbox.tell(db, person_id, "moved", told, page="quality", key=f"live {release.id}", at=at)
    if proposal_id and (proposal := db.get(Proposal, proposal_id)):
        _tell_whose_flags_it_fixes(db, proposal, target, at)
    return release


def _tell_whose_flags_it_fixes(db: Session, proposal: Proposal, target: Target, at: datetime | None) -> None:
    """The live one failed a case, this one passes: whoever flagged it hears so."""
    compared = proposal.evidence.get("comparison_id")
    if not compared:
        return
    comparison = db.get_one(Comparison, compared)
    eval_set, cases = sets.of_version(db, comparison.set_version_id)
    fixed, _ = compare.changed_cases(comparison)
    place = sets.numbers(cases)
    flagged: defaultdict[str, list[int]] = defaultdict(list)
    by_whom = examples.flagged_by(db, [case.example_id for case in cases if case.id in set(fixed) and case.example_id])
    for example_id, person_id in by_whom.items():
        flagged[person_id].append(place[example_id])
    for person_id, numbers in flagged.items():
        flags = "Your flag became" if len(numbers) == 1 else f"{len(numbers)} flags of yours became"
        told = f"{flags} {sets.in_words(numbers)} of '{eval_set.name}': fixed by release {target.number} of the {target.name} classifier."
        inbox.tell(db, person_id, "moved", told, page="eval_sets", key=f"fixed by {target} {proposal.id}", at=at)


def roll_back(target: Target, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """Go back to a version that was live before. The safe direction needs one person only."""
    from classifiers import files

    access.require(by, "classifier.roll_back")
    if not why.strip():
        raise Refused("Not rolled back: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        if not releases.once_live(db, target):
            raise Refused(f"Not rolled back: {target} was never live. Propose it instead.")
        files.load(versions.get(target))
        release = releases.go_live(db, target, proposal_id=None, why_before_ends=f"rolled back: {why.strip()}", by=by, at=at)
        audit.record(db, by, "rolled back", "release", release.id, f"Went back to {target}: {why.strip()}", at=at)
        return release


def _target_in(payload: dict[str, Any]) -> Target:
    return Target(payload["target_kind"], payload["target_name"], payload["target_number"])


def stage_of(version: Version, live: Release | None, proposed: set[int]) -> str:
    """Where a version is, in a word."""
    if live and live.target_number == version.target_number:
        return "live"
    return "waits for approval" if version.target_number in proposed else "candidate"


def accuracy_of(version: Version) -> Share:
    """How often it was right on conversations of customers it had not learned from."""
    return Share(version.manifest.get("accuracy_k", 0), version.manifest.get("accuracy_n", 0))
