"""A use case with all that its stages ask for, laid out directly: what the bars read, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

from data import daily, releases, store, use_cases
from data.tables import Case, EvalSet, Monitor, Person, Release, Run, SetVersion, UseCase, Version
from data.use_cases import Link, Step
from tests.conftest import Staff
from tests.histories import arrive

TOLD: dict[str, Any] = {
    "goal": "Fewer hours on routine", "problem": "Customers wait half a day for a new address to be written down.",
    "systems": ["Shop: addresses", "Customer names"], "risk": "low", "risk_why": "A wrong address is seen before anything is sent.",
    "before": [Step("Read the mail", "person", 1.0), Step("Type the address", "person", 4.0)],
}  # fmt: skip
KPI = {"measure": "csat", "target": 0.8}
CLASSIFIER = "addresses"


def rated(first: int, day: datetime, stars: list[int], team: str = "Oak") -> None:
    """One conversation for each, on that day, with what the customer gave it."""
    for place, given in enumerate(stars):
        arrive(first + place, day, csat=given, team=team, status="resolved")


def counted(at: datetime) -> None:
    daily.bring_up_to_date(at=at)


def begun(staff: Staff, *, by: Person | None = None, at: datetime, **told: Any) -> UseCase:
    return use_cases.begin("Change of address", by=by or staff.lead, at=at, **(TOLD | {"kpi": KPI} | told))


def build(staff: Staff, *, at: datetime, cases: int = 20, passed: int = 20) -> None:
    """A version, a frozen set about it, and a run of the one on the other."""
    with store.writing() as db:
        db.add(Version(target_kind="classifier", target_name=CLASSIFIER, target_number=1, sha="x", at=at))
        tests = EvalSet(name="Addresses", purpose="classifier", about=CLASSIFIER, bar=0.9, at=at)
        db.add(tests)
        db.flush()
        frozen = SetVersion(eval_set_id=tests.id, number=1, sha="y", changelog="", at=at)
        db.add(frozen)
        db.flush()
        for number in range(cases):
            db.add(Case(set_version_id=frozen.id, key=f"{number}", number=number + 1, input={}, expected={}, graders=[], slices={}, at=at))
        db.add(
            Run(
                set_version_id=frozen.id, target_kind="classifier", target_name=CLASSIFIER, target_number=1, state="done", cases=cases,
                passed=passed, at=at,
            )
        )  # fmt: skip


def release(at: datetime, *, stage: str = "live") -> None:
    with store.writing() as db:
        for before in releases.steps("classifier", CLASSIFIER):
            found = db.get_one(Release, before.id)
            found.stage, found.ended_at = "ended", at
            db.add(found)
            db.flush()
        db.add(Release(target_kind="classifier", target_name=CLASSIFIER, target_number=1, stage=stage, percent=10, started_at=at, at=at))


def watch(staff: Staff) -> str:
    with store.writing() as db:
        made = Monitor(name="Stars of addresses", owner_id=staff.lead.id, team_id=staff.oak.id)
        db.add(made)
        db.flush()
        return made.id


def linked(monitor_id: str = "") -> list[Link]:
    found = [Link("classifier", CLASSIFIER), Link("set", "Addresses")]
    return [*found, Link("monitor", monitor_id)] if monitor_id else found


DAY = timedelta(days=1)
