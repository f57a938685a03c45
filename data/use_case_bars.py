"""What each stage of a use case asks for, read from what is there: sets, runs, releases, monitors, figures. Whoever asks sees why not, and
where to go. From define to beta a named person may go on without, with a reason; into production nobody may."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import hypot
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from data import access, config, defined, store, use_cases
from data.amounts import Amount
from data.errors import Refused
from data.measures import percent
from data.tables import Alert, Article, Case, EvalSet, Monitor, Person, Release, Run, SetVersion, UseCase, UseCaseMove, Version
from data.use_cases import BUILT, STAGES, Link
from data.values import now

FIRM = ("beta", "production")  # what the next one of these asks for, nobody may go without
LEAST_WORDS, LEAST_CASES, LEAST_N = 20, 20, 30
BETA_DAYS, LIVE_DAYS = 7, 28
HANDOVER = timedelta(hours=1)  # between two versions of one thing; a longer gap is a break


@dataclass(frozen=True)
class Bar:
    """One thing that has to be so before the next stage begins."""

    name: str
    met: bool
    sentence: str  # how it stands, or what to do
    page: str = ""  # of ours, where it is done


@dataclass(frozen=True)
class Stands:
    """Where a use case is: what its stage still asks for, and what earlier ones asked for and never got."""

    stage: str
    bars: dict[str, list[Bar]]  # stage -> what has to be so to leave it
    now: Amount | None  # its KPI on the last four weeks that are known, or since it is in beta
    since: date | None = None
    until: date | None = None

    @property
    def next(self) -> str | None:
        place = STAGES.index(self.stage) + 1
        return STAGES[place] if place < len(STAGES) else None

    @property
    def missing(self) -> list[Bar]:
        """Before the next stage."""
        return [bar for bar in self.bars.get(self.stage, []) if not bar.met]

    @property
    def owed(self) -> list[Bar]:
        """What it went on without, and what still holds from then."""
        passed = STAGES[: STAGES.index(self.stage)]
        return [bar for stage in passed for bar in self.bars.get(stage, []) if not bar.met]

    @property
    def may_go_without(self) -> bool:
        return self.stage not in FIRM


# -- moving -------------------------------------------------------------------------------------------------------------------------------


def go_on(use_case_id: str, *, by: Person, why: str = "", at: datetime | None = None) -> UseCase:
    """Into the next stage: with all that it asks for, or with a reason where it may."""
    case = use_cases.get(use_case_id, by=by, verb="use_case.move")
    stands = of(case, by=by, at=at)
    if stands.next is None:
        raise Refused(f"Not moved: '{case.name}' is in upkeep, which is the last stage.")
    missing = [*stands.owed, *stands.missing] if not stands.may_go_without else stands.missing
    told = " ".join(bar.sentence for bar in missing)
    if missing and not stands.may_go_without:
        raise Refused(f"Not moved: before {stands.next} {_things(len(missing))} missing, and nobody may go without. {told}")
    if missing and not why.strip():
        raise Refused(f"Not moved: before {stands.next} {_things(len(missing))} missing. {told} Do that, or say why it goes on without.")
    said = use_cases.reason(why, "Not moved") if why.strip() else ""
    with store.writing() as db:
        found = use_cases.opened(db, case.id, "use_case.move", "Not moved", by)
        if found.number != case.number:
            raise Refused(f"Not moved: somebody changed '{case.name}' meanwhile. Look at it again.")
        return use_cases.enter(db, found, stands.next, [bar.sentence for bar in missing], why=said, by=by, at=at)


def go_back(use_case_id: str, *, why: str, by: Person, at: datetime | None = None) -> UseCase:
    """One stage, with a reason; what was released stays as it is."""
    said = use_cases.reason(why, "Not moved")
    with store.writing() as db:
        case = use_cases.opened(db, use_case_id, "use_case.move", "Not moved", by)
        if case.stage == STAGES[0]:
            raise Refused(f"Not moved: '{case.name}' is being defined, which is the first stage.")
        return use_cases.enter(db, case, STAGES[STAGES.index(case.stage) - 1], [], why=said, by=by, at=at)


def _things(count: int) -> str:
    return "one thing is" if count == 1 else f"{count} things are"


# -- what is asked for --------------------------------------------------------------------------------------------------------------------


def of(case: UseCase, *, by: Person, at: datetime | None = None) -> Stands:
    moment = at or now()
    with store.reading() as db:
        facts = _facts(db, case)
    since, until, found = _kpi_now(case, facts, by, moment)
    facts.kpi, facts.hidden = found, not use_cases.may_see_figures(case, by=by)
    bars = {
        "define": _defined(case), "develop": _developed(case, facts), "evaluate": _evaluated(case, facts),
        "beta": _tried(case, facts, moment), "production": _settled(case, facts, moment),
    }  # fmt: skip
    return Stands(case.stage, bars, found, since, until)


def _defined(case: UseCase) -> list[Bar]:
    kpi, here = use_cases.kpi_of(case), f"use_cases?case={case.id}"
    n = int((kpi.baseline or {}).get("n", 0)) if kpi else 0
    so_far = f", it has {n:,}" if n else ""
    asked = (
        ("Problem", len(case.problem) >= LEAST_WORDS, "The problem is written down.", "Say what the problem is, in a sentence or two."),
        ("Goal", bool(case.goal), f"It serves: {case.goal}.", "Say which goal of the business it serves."),
        ("KPI", kpi is not None, "What is measured is chosen.", "Choose the measure by which it is told whether it was worth it."),
        ("Baseline", n >= LEAST_N, f"Its baseline stands on {n:,}.", f"Take its baseline: {LEAST_N} conversations at least{so_far}."),
        ("Target", kpi is not None and n > 0 and _is_better(kpi), "Its target is better than its baseline.",
         "Set a target that is better than the baseline."),
        ("Work today", use_cases.minutes_of(case.before) > 0, "The steps of today and their minutes are written down.",
         "Write down the steps of today, who does each, and its minutes."),
        ("Systems and data", bool(case.systems), f"It touches: {', '.join(case.systems)}.", "Name the systems and data that it touches."),
        ("Risk", bool(case.risk and case.risk_why), f"Its risk is {case.risk}.", "Say how large its risk is, and why."),
    )  # fmt: skip
    return [_bar(*one, here) for one in asked]


def _developed(case: UseCase, facts: "_Facts") -> list[Bar]:
    built, sets, here = [one.name for one in facts.built], [one.name for one, _, _ in facts.sets], f"use_cases?case={case.id}"
    link = "Link a classifier, a recipe, an answerer or a published article."
    return [
        _bar("Something built", bool(built), f"Built: {', '.join(built)}.", link, here),
        _bar("Eval set", bool(sets), f"Tested by: {', '.join(sets)}.", "Link the eval set that it is tested by.", here),
        _signed(case),
    ]


def _signed(case: UseCase) -> Bar:
    again = " once more: what it touches was changed since" if case.signed_by_id else ""
    return _bar(
        "Sign-off", use_cases.is_signed(case), "An engineer signed off what it touches.",
        f"An engineer who does not own it signs off the systems and data{again}.", f"use_cases?case={case.id}",
    )  # fmt: skip


def _evaluated(case: UseCase, facts: "_Facts") -> list[Bar]:
    small = [f"'{one.name}' has {cases:,}" for one, frozen, cases in facts.sets if frozen is None or cases < LEAST_CASES]
    failing = [_told_of(found) for found in facts.passes if not found.passed]
    steps = bool(case.after)
    return [
        _bar("Frozen cases", bool(facts.sets) and not small, "Its sets are frozen and large enough.",
             f"Freeze {LEAST_CASES} cases at least: {'; '.join(small) or 'no set is linked'}.", "eval_sets"),
        _bar("Passes", bool(facts.passes) and not failing, "It passes its sets: " + "; ".join(map(_told_of, facts.passes)) + ".",
             f"Run it on the newest frozen cases until it passes: {'; '.join(failing) or 'no set of what was built is linked'}.", "runs"),
        _bar("Work afterwards", steps, "The steps of afterwards are drafted.", "Draft the steps of afterwards: who does each.",
             f"use_cases?case={case.id}"),
    ]  # fmt: skip


def _told_of(found: "_Passed") -> str:
    if found.run is None:
        return f"{found.name} was not run on '{found.set_name}' {found.number}"
    passed = f"{found.run.passed} of {found.run.cases}"
    return f"{found.name} {found.run.target_number} has {passed} on '{found.set_name}' (bar {percent(found.bar)})"


def _tried(case: UseCase, facts: "_Facts", moment: datetime) -> list[Bar]:
    shortest = min(((moment - one.some).days for one in facts.out), default=-1)
    so_far = f"it has been {_days(shortest)}" if shortest >= 0 else "nothing that is linked is released yet"
    watched = ", ".join(one.name for one in facts.monitors)
    return [
        _bar("In customers' hands", shortest >= BETA_DAYS, f"It has answered customers for {shortest} days.",
             f"Let it answer some customers for {BETA_DAYS} days: {so_far}.", _page_of(facts)),
        _not_worse(case, facts),
        _bar("Watched", bool(facts.monitors), f"Watched by {watched}.", "Have its KPI watched, and link the monitor.", "monitors"),
        _signed(case),
    ]  # fmt: skip


def _not_worse(case: UseCase, facts: "_Facts") -> Bar:
    kpi, found = use_cases.kpi_of(case), facts.kpi
    if facts.hidden:
        return Bar("Not worse", False, "Whether it is worse sees who sees everybody's conversations: ask an engineer.")
    if kpi is None or not kpi.baseline or found is None or found.value is None or found.n < LEAST_N:
        n = found.n if found else 0
        told = f"Cannot tell yet whether it is worse: {n:,} conversations are known since, {LEAST_N} are needed."
        return Bar("Not worse", False, told, "quality")
    worse = is_worse(kpi, found)
    return _bar("Not worse", not worse, "Its KPI is not worse than before.", "Its KPI is worse than before. Quality says why.", "quality")


def is_worse(kpi: use_cases.Kpi, found: Amount) -> bool:
    """By more than both may be off together."""
    away = change_of(kpi, found)
    return away is not None and {"more": away[0] < -away[1], "less": away[0] > away[1]}.get(kpi.better, False)


def change_of(kpi: use_cases.Kpi, found: Amount) -> tuple[float, float] | None:
    """From its baseline, and by how much that may be off at 95 %."""
    was, value = kpi.baseline or {}, found.value
    if value is None or was.get("value") is None:
        return None
    low, high = found.interval or (value, value)
    half, half_was = (high - low) / 2, ((was["high"] or 0.0) - (was["low"] or 0.0)) / 2
    return value - was["value"], hypot(half, half_was)


def _settled(case: UseCase, facts: "_Facts", moment: datetime) -> list[Bar]:
    kpi, found = use_cases.kpi_of(case), facts.kpi
    live = min(((moment - one.all).days if one.all else -1 for one in facts.out), default=-1)
    so_far = f"it has been {_days(live)}" if live >= 0 else "it is not yet"
    reached = kpi is not None and found is not None and found.n >= LEAST_N and reaches(kpi, found)
    again = f"It is looked at again on {case.review_on}."
    return [
        _bar("Live", live >= LIVE_DAYS, f"It has been live for {live} days.", f"It has to be live for {LIVE_DAYS} days: {so_far}.",
             _page_of(facts)),
        _bar("Target reached", reached, "It reached its target.", "It has not reached its target, as far as can be told.", "quality"),
        _bar("Calm", not facts.alarms, "Nothing is open at its monitors.", f"See to the alert of {', '.join(facts.alarms)}.", "monitors"),
        _bar("Looked at again", case.review_on is not None, again, "Say on which day somebody looks at it again.",
             f"use_cases?case={case.id}"),
    ]  # fmt: skip


def _bar(name: str, met: bool, fine: str, mend: str, page: str = "") -> Bar:
    return Bar(name, met, fine if met else mend, page)


def _days(count: int) -> str:
    return "one day" if count == 1 else f"{count} days"


def _is_better(kpi: use_cases.Kpi) -> bool:
    if kpi.target is None:
        return False
    was = float((kpi.baseline or {})["value"])
    return {"more": kpi.target > was, "less": kpi.target < was}.get(kpi.better, kpi.target != was)


def reaches(kpi: use_cases.Kpi, found: Amount) -> bool:
    value = found.value or 0.0
    if kpi.target is None:
        return False
    return {"more": value >= kpi.target, "less": value <= kpi.target}.get(kpi.better, True)


def _page_of(facts: "_Facts") -> str:
    kinds = {"classifier": "classifiers?classifier={}", "recipe": "automations?recipe={}", "answerer": "ladder"}
    return next((kinds[one.kind].format(one.name) for one in facts.built if one.kind in kinds), "automations")


# -- what is there ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Passed:
    """What was built, on the newest version of a set that tests it."""

    name: str
    set_name: str
    number: int
    bar: float
    run: Run | None

    @property
    def passed(self) -> bool:
        return self.run is not None and self.run.cases > 0 and self.run.passed / self.run.cases >= self.bar


@dataclass(frozen=True)
class _Out:
    """What was built answers customers: some of them, or all of them, and since when without a break."""

    some: datetime
    all: datetime | None


@dataclass
class _Facts:
    built: list[Link] = field(default_factory=list)
    sets: list[tuple[EvalSet, SetVersion | None, int]] = field(default_factory=list)
    passes: list[_Passed] = field(default_factory=list)
    out: list[_Out] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    beta_since: datetime | None = None
    kpi: Amount | None = None
    hidden: bool = False


def _facts(db: Session, case: UseCase) -> _Facts:
    found = _Facts()
    found.built = [one for one in use_cases.links_of(case, *BUILT, "article") if _is_built(db, one)]
    found.sets = [_frozen(db, one) for one in _sets(db, case)]
    versioned = [one for one in found.built if one.kind in BUILT]
    found.passes = [_passed(db, one, *of_set) for of_set in found.sets for one in versioned if _tests(of_set[0], one)]
    found.out = [since for one in versioned if (since := _out_since(db, one))]
    ids = [one.name for one in use_cases.links_of(case, "monitor")]
    found.monitors = list(db.exec(select(Monitor).where(col(Monitor.id).in_(ids), col(Monitor.retired_at).is_(None)))) if ids else []
    found.alarms = [one.name for one in found.monitors if _is_alarmed(db, one)]
    begun = select(UseCaseMove).where(UseCaseMove.use_case_id == case.id, UseCaseMove.after == "beta").order_by(col(UseCaseMove.id).desc())
    moved = db.exec(begun).first()
    found.beta_since = moved.at if moved else None
    return found


def _is_built(db: Session, link: Link) -> bool:
    if link.kind == "article":
        return db.exec(select(Article.id).where(Article.slug == link.name, col(Article.live).is_not(None))).first() is not None
    return (
        db.exec(select(Version.id).where(Version.target_kind == link.kind, Version.target_name == link.name).limit(1)).first() is not None
    )


def _out_since(db: Session, link: Link) -> _Out | None:
    """A newer version that takes its place goes on where the older one was."""
    query = select(Release).where(Release.target_kind == link.kind, Release.target_name == link.name)
    found = list(db.exec(query.order_by(col(Release.started_at).desc())))
    some = _without_a_break([one for one in found if one.stage in ("percent", "live") or (one.ended_at and one.percent)])
    return (
        _Out(some, _without_a_break([one for one in found if one.stage == "live" or (one.ended_at and one.percent == 100)]))
        if some
        else None
    )


def _without_a_break(newest_first: Sequence[Release]) -> datetime | None:
    """Since when there was always one; None: there is none now."""
    since: datetime | None = None
    for one in newest_first:
        if one.ended_at is not None and (since is None or one.ended_at < since - HANDOVER):
            break
        since = one.started_at
    return since


def _sets(db: Session, case: UseCase) -> Sequence[EvalSet]:
    names = [one.name for one in use_cases.links_of(case, "set")]
    return db.exec(select(EvalSet).where(col(EvalSet.name).in_(names)).order_by(EvalSet.name)).all() if names else []


def _frozen(db: Session, eval_set: EvalSet) -> tuple[EvalSet, SetVersion | None, int]:
    newest = db.exec(select(SetVersion).where(SetVersion.eval_set_id == eval_set.id).order_by(col(SetVersion.number).desc())).first()
    count = db.exec(select(func.count()).select_from(Case).where(Case.set_version_id == newest.id)).one() if newest else 0
    return eval_set, newest, count


def _tests(eval_set: EvalSet, link: Link) -> bool:
    if link.kind == "answerer":
        return eval_set.purpose == "knowledge"
    return eval_set.purpose == {"classifier": "classifier", "recipe": "automation"}[link.kind] and eval_set.about == link.name


def _passed(db: Session, link: Link, eval_set: EvalSet, frozen: SetVersion | None, cases: int) -> _Passed:
    if frozen is None:
        return _Passed(link.name, eval_set.name, 0, eval_set.bar, None)
    query = select(Run).where(Run.set_version_id == frozen.id, Run.target_kind == link.kind, Run.target_name == link.name)
    run = db.exec(query.where(Run.state == "done").order_by(col(Run.target_number).desc(), col(Run.id).desc())).first()
    return _Passed(link.name, eval_set.name, frozen.number, eval_set.bar, run)


def _is_alarmed(db: Session, monitor: Monitor) -> bool:
    return db.exec(select(Alert.id).where(Alert.monitor_id == monitor.id, Alert.state == "open")).first() is not None


def _kpi_now(case: UseCase, facts: _Facts, by: Person, moment: datetime) -> tuple[date | None, date | None, Amount | None]:
    """Of the last four weeks that are known; since it is in beta, no day before that."""
    kpi = use_cases.kpi_of(case)
    if kpi is None or access.reach(by, "measure.read") is None:
        return None, None, None
    until = use_cases.last_day(kpi.measure, moment)
    since = until - timedelta(days=use_cases.BASELINE - 1)
    if facts.beta_since is not None and case.stage in ("beta", "production", "upkeep"):
        since = max(since, facts.beta_since.astimezone(ZoneInfo(config.settings().time_zone)).date())
    found = use_cases.measured(case, since, until, by=by)
    if found is None and since > until and not facts.hidden:
        found = defined.of(kpi.measure).nothing
    return since, until, found
