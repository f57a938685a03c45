"""Use cases: what is to be built and why, who looks after it, and how far it is. What a stage asks for stands in use_case_bars.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from data import access, audit, config, defined, labels, people, sealing, store, trends
from data.amounts import Amount
from data.errors import Refused
from data.masking import masked
from data.tables import Article, EvalSet, Monitor, Person, UseCase, UseCaseMove, Version
from data.trends import Slice
from data.values import now

STAGES = ("define", "develop", "evaluate", "beta", "production", "upkeep")
BEFORE_ANYTHING = STAGES[:3]  # nothing of it answers customers yet, so what is measured is as it was before
RISKS = ("low", "medium", "high")
WHO = {"person": "a person", "machine": "the machine", "proposes": "the machine proposes, a person decides"}
KINDS = {  # what a use case is made of
    "set": "eval set", "classifier": "classifier", "recipe": "recipe", "answerer": "answerer", "article": "article", "monitor": "monitor",
}  # fmt: skip
BUILT = ("classifier", "recipe", "answerer")  # of these there are versions and releases; agents are part of a recipe
LONGEST_NAME, LONGEST, MOST_STEPS, MOST_LINKS, MOST_SYSTEMS = 80, 1_000, 20, 30, 20
MOST_MINUTES = 480.0
BASELINE = 28  # days
AT_ONCE = 2  # in development in one team: more than that, and none of them gets done


@dataclass(frozen=True)
class Step:
    """Of the work on one conversation."""

    what: str
    who: str  # see WHO
    minutes: float = 0.0  # of a person


@dataclass(frozen=True)
class Link:
    kind: str  # see KINDS
    name: str


@dataclass(frozen=True)
class Kpi:
    """By what it is told whether it was worth it."""

    measure: str
    target: float | None  # None: not said yet
    channel: str = ""
    intent: str = ""  # a label's id
    baseline: Mapping[str, Any] | None = None  # value, low, high, n, since, until: as it was before anything was built

    @property
    def better(self) -> str:
        return defined.of(self.measure).better

    def of(self, case: UseCase) -> Slice:
        return Slice(channel=self.channel or None, intent=self.intent or None, team_id=case.team_id)


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def all_of(*, by: Person) -> list[UseCase]:
    """The own team's and everybody's, newest first; what was stopped comes last."""
    reach = access.require(by, "use_case.read")
    query = select(UseCase).where(access.within(reach, by, col(UseCase.team_id)))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(UseCase.stopped_at).is_not(None), col(UseCase.id).desc())))


def get(use_case_id: str, *, by: Person, verb: str = "use_case.read") -> UseCase:
    """By its id or its name; for whoever is about to do more with it, who hears first when they may not."""
    access.require(by, verb, team_id=by.team_id)
    for one in all_of(by=by):
        if use_case_id in (one.id, one.name):
            return one
    raise Refused(f"There is no use case '{use_case_id[:LONGEST_NAME]}' here, or it is another team's.")


def moves(use_case_id: str, *, by: Person) -> list[UseCaseMove]:
    """Oldest first."""
    case = get(use_case_id, by=by)
    with store.reading() as db:
        return list(db.exec(select(UseCaseMove).where(UseCaseMove.use_case_id == case.id).order_by(UseCaseMove.id)))


def kpi_of(case: UseCase) -> Kpi | None:
    return Kpi(**case.kpi) if case.kpi else None


def steps_of(told: Sequence[Mapping[str, Any]]) -> list[Step]:
    return [Step(**one) for one in told]


def links_of(case: UseCase, *kinds: str) -> list[Link]:
    return [Link(**one) for one in case.links if not kinds or one["kind"] in kinds]


def minutes_of(told: Sequence[Mapping[str, Any]]) -> float:
    """What a person gives one conversation."""
    return sum(one.minutes for one in steps_of(told))


def too_many(cases: Sequence[UseCase]) -> dict[str, int]:
    """Teams with more in development than get done: their ids, and how many."""
    counts: dict[str, int] = {}
    for one in cases:
        if one.stage == "develop" and one.stopped_at is None:
            counts[one.team_id or ""] = counts.get(one.team_id or "", 0) + 1
    return {team: count for team, count in counts.items() if count > AT_ONCE}


# -- what it does to its KPI --------------------------------------------------------------------------------------------------------------


def may_see_figures(case: UseCase, *, by: Person) -> bool:
    """Of everybody's conversations only who sees them all: a team's share of them beside a baseline of all would mislead."""
    reach = access.reach(by, "measure.read")
    return reach == access.ALL or (reach is not None and case.team_id is not None and case.team_id == by.team_id)


def measured(case: UseCase, since: date, until: date, *, by: Person) -> Amount | None:
    """Its KPI on these days; None where it has none, or where the person does not see whose conversations it is about."""
    kpi = kpi_of(case)
    if kpi is None or not may_see_figures(case, by=by) or since > until:
        return None
    return trends.amount(kpi.measure, by=by, since=since, until=until, of=kpi.of(case))


def last_day(measure: str, at: datetime | None = None) -> date:
    """The last one of which all is known."""
    today = (at or now()).astimezone(ZoneInfo(config.settings().time_zone)).date()
    return today - timedelta(days=1 + defined.SETTLES.get(measure, 0))


def minutes_measured(case: UseCase, since: date, until: date, *, by: Person) -> float | None:
    """What people gave a conversation of its kind on these days: their minutes over all conversations, those without a person too."""
    kpi = kpi_of(case)
    if kpi is None or not may_see_figures(case, by=by) or since > until:
        return None
    handling, volume = (trends.amount(name, by=by, since=since, until=until, of=kpi.of(case)) for name in ("handling", "volume"))
    return handling.sum / 60 / volume.n if volume.n and handling.n else None


# -- write --------------------------------------------------------------------------------------------------------------------------------


def begin(name: str, *, by: Person, at: datetime | None = None, **told: Any) -> UseCase:
    """Whoever begins it owns it until they name somebody else. What is told may be little: it is completed while it is defined."""
    team_id = told.pop("team_id", None)
    if access.require(by, "use_case.write", team_id=by.team_id) != access.ALL:
        if by.team_id is None:
            raise Refused("Not begun: you write for your own team, and you are in none. An admin can put you into one.")
        team_id = by.team_id
    checked = _checked({"name": name, **told})
    with store.writing() as db:
        _named_once(db, checked["name"])
        case = UseCase(
            owner_id=checked.pop("owner_id", by.id), team_id=team_id, stage_since=at or now(), at=at or now(),
            by_person_id=access.whose(by), **checked,
        )  # fmt: skip
        db.add(case)
        db.flush()
        audit.record(db, by, "began", "use_case", case.id, f"Began the use case '{case.name}'.", at=at)
        return case


def change(use_case_id: str, *, seen: int, by: Person, at: datetime | None = None, **told: Any) -> UseCase:
    """Only what is told. `seen` is the number of the change that the person looked at."""
    checked = _checked(told)
    with store.writing() as db:
        case = opened(db, use_case_id, "use_case.write", "Not changed", by)
        if case.number != seen:
            raise Refused(f"Not changed: somebody else changed '{case.name}' meanwhile. Look at it again, and say it once more.")
        if "name" in checked:
            _named_once(db, checked["name"], case.id)
        if "kpi" in checked:
            checked["kpi"] = _with_its_baseline(case, checked["kpi"])
        before = {name: getattr(case, name) for name in checked}
        altered = {name: value for name, value in checked.items() if value != before[name]}
        if not altered:
            return case
        for name, value in altered.items():
            setattr(case, name, value)
        _changed(db, case)
        words = ", ".join(name.removesuffix("_id").replace("_", " ") for name in altered)
        audit.record(
            db, by, "changed", "use_case", case.id, f"Changed the use case '{case.name}': {words}.", at=at,
            before={name: _plain(before[name]) for name in altered}, after={name: _plain(value) for name, value in altered.items()},
        )  # fmt: skip
        return case


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def take_baseline(use_case_id: str, *, by: Person, at: datetime | None = None) -> UseCase:
    """Its KPI over the last four weeks that are known, before anything of it is released."""
    case = get(use_case_id, by=by, verb="use_case.write")
    if (kpi := kpi_of(case)) is None:
        raise Refused(f"No baseline was taken: '{case.name}' has no KPI yet. Choose what is measured first.")
    until = last_day(kpi.measure, at)
    since = until - timedelta(days=BASELINE - 1)
    found = measured(case, since, until, by=by)
    if found is None:
        raise Refused(f"No baseline was taken: '{case.name}' is about everybody's conversations, and you see your team's.")
    if found.value is None or not found.n:
        raise Refused(
            f"No baseline was taken: nothing of '{defined.of(kpi.measure).title}' was counted from {since:%d %B} to {until:%d %B %Y}."
        )
    low, high = found.interval or (None, None)
    told = {"value": found.value, "low": low, "high": high, "n": found.n, "since": since.isoformat(), "until": until.isoformat()}
    told["minutes"] = minutes_measured(case, since, until, by=by)
    with store.writing() as db:
        seen, case = case.number, opened(db, case.id, "use_case.write", "No baseline was taken", by)
        if case.number != seen:
            raise Refused(f"No baseline was taken: somebody changed '{case.name}' meanwhile. Look at it again.")
        if case.stage not in BEFORE_ANYTHING:
            raise Refused(
                f"No baseline was taken: '{case.name}' is in {case.stage}, and what it does already would count as what was before."
            )
        case.kpi = {**case.kpi, "baseline": told}
        _changed(db, case)
        audit.record(db, by, "measured", "use_case", case.id, f"Took the baseline of '{case.name}'.", at=at, after=told)
        return case


def sign_off(use_case_id: str, *, by: Person, at: datetime | None = None) -> UseCase:
    """An engineer who does not own it has read what it touches and how it is meant to."""
    with store.writing() as db:
        case = opened(db, use_case_id, "use_case.sign", "Not signed", by)
        if case.owner_id == by.id:
            raise Refused("Not signed: it is your own use case. Another engineer reads it.")
        if not case.systems or not case.risk:
            raise Refused(f"Not signed: '{case.name}' does not say yet which systems and data it touches, and its risk.")
        case.signed_by_id, case.signed_at, case.signed_sha = by.id, at or now(), signs(case)
        _changed(db, case)
        touched = ", ".join(case.systems)
        audit.record(db, by, "signed", "use_case", case.id, f"Signed off what '{case.name}' touches: {touched}.", at=at)
        return case


def signs(case: UseCase) -> str:
    """What a sign-off is about."""
    return sealing.sha(
        json.dumps([case.systems, case.risk, case.risk_why, sorted(one["name"] for one in case.links if one["kind"] in BUILT)])
    )


def is_signed(case: UseCase) -> bool:
    return case.signed_by_id is not None and case.signed_sha == signs(case)


def stop(use_case_id: str, *, why: str, by: Person, at: datetime | None = None) -> UseCase:
    """It is not gone on with; what was released of it stays as it is."""
    with store.writing() as db:
        case = opened(db, use_case_id, "use_case.move", "Not stopped", by)
        case.stopped_why, case.stopped_at = reason(why, "Not stopped"), at or now()
        _changed(db, case)
        audit.record(db, by, "stopped", "use_case", case.id, f"Stopped the use case '{case.name}': {case.stopped_why}", at=at)
        return case


def take_up(use_case_id: str, *, by: Person, at: datetime | None = None) -> UseCase:
    """One that was stopped goes on where it stood."""
    with store.writing() as db:
        case = _reached(db, use_case_id, "use_case.move", "Not taken up", by)
        if case.stopped_at is None:
            return case
        case.stopped_at, case.stopped_why = None, ""
        _changed(db, case)
        audit.record(db, by, "took up", "use_case", case.id, f"Took up the use case '{case.name}' again.", at=at)
        return case


def enter(
    db: Session, case: UseCase, stage: str, missing: Sequence[str], *, why: str, by: Person, at: datetime | None = None
) -> UseCase:  # fmt: skip
    """For use_case_bars.py, which knows whether it may."""
    before, case.stage, case.stage_since = case.stage, stage, at or now()
    _changed(db, case)
    db.add(
        UseCaseMove(
            use_case_id=case.id, before=before, after=stage, why=why, missing=list(missing), at=at or now(), by_person_id=access.whose(by)
        )
    )
    left = f" {len(missing)} {'thing is' if len(missing) == 1 else 'things are'} still missing: {why}" if missing else f" {why}".rstrip()
    audit.record(db, by, "moved", "use_case", case.id, f"'{case.name}' went from {before} to {stage}.{left}", at=at)
    return case


def may(case: UseCase, verb: str, *, by: Person) -> bool:
    """For what a screen offers."""
    reach = access.reach(by, verb)
    return reach == access.ALL or (reach is not None and case.team_id is not None and case.team_id == by.team_id)


def offered(*, by: Person) -> list[Link]:
    """What a use case may be made of."""
    reach = access.require(by, "use_case.read")
    with store.reading() as db:
        built = db.exec(select(Version.target_kind, Version.target_name).where(col(Version.target_kind).in_(BUILT)).distinct()).all()
        sets = db.exec(select(EvalSet.name).order_by(EvalSet.name)).all()
        articles = db.exec(select(Article.slug).where(col(Article.live).is_not(None)).order_by(Article.title)).all()
        watched = select(Monitor.id).where(col(Monitor.retired_at).is_(None), access.within(reach, by, col(Monitor.team_id)))
        monitors = db.exec(watched.order_by(Monitor.name)).all()
    return [
        *(Link("set", one) for one in sets), *(Link(*one) for one in sorted(built)), *(Link("monitor", one) for one in monitors),
        *(Link("article", one) for one in articles),
    ]  # fmt: skip


# -- checked ------------------------------------------------------------------------------------------------------------------------------


def opened(db: Session, use_case_id: str, verb: str, done: str, by: Person) -> UseCase:
    case = _reached(db, use_case_id, verb, done, by)
    if case.stopped_at is not None:
        raise Refused(f"{done}: '{case.name}' was stopped. Take it up again first.")
    return case


def _reached(db: Session, use_case_id: str, verb: str, done: str, by: Person) -> UseCase:
    access.require(by, verb, team_id=by.team_id)
    case = db.get(UseCase, use_case_id, with_for_update=True)
    if case is None or not may(case, verb, by=by):
        raise Refused(f"{done}: there is no such use case here, or it is another team's.")
    return case


def _changed(db: Session, case: UseCase) -> None:
    case.number += 1
    db.add(case)
    db.flush()


def _named_once(db: Session, name: str, but: str = "") -> None:
    if db.exec(select(UseCase.id).where(UseCase.name == name, UseCase.id != but)).first():
        raise Refused(f"Not kept: there is a use case '{name}' already, of your team or another. Choose another name.")


def reason(why: str, done: str) -> str:
    said = " ".join(masked(why).split())
    if not said:
        raise Refused(f"{done}: say why, in a sentence. Others read it later.")
    return said[:LONGEST]


def _checked(told: Mapping[str, Any]) -> dict[str, Any]:
    """As the columns hold it."""
    if unknown := set(told) - set(CHECKS):
        raise Refused(f"Not kept: a use case has no '{sorted(unknown)[0]}'.")
    return {name: CHECKS[name](value) for name, value in told.items()}


def _name(value: str) -> str:
    said = " ".join(masked(value).split())
    if not 3 <= len(said) <= LONGEST_NAME:
        raise Refused(f"Not kept: a name has 3 to {LONGEST_NAME} characters, this one has {len(said):,}.")
    return said


def _text(value: str) -> str:
    said = masked(value).strip()
    if len(said) > LONGEST:
        raise Refused(f"Not kept: a text has {LONGEST:,} characters at most, this one has {len(said):,}. Say it shorter.")
    return said


def _systems(value: Sequence[str]) -> list[str]:
    said = list(dict.fromkeys(filter(None, (" ".join(masked(one).split()) for one in value))))
    if len(said) > MOST_SYSTEMS or any(len(one) > LONGEST_NAME for one in said):
        raise Refused(f"Not kept: name {MOST_SYSTEMS} systems and kinds of data at most, each in {LONGEST_NAME} characters.")
    return said


def _risk(value: str) -> str:
    if value and value not in RISKS:
        raise Refused(f"Not kept: a risk is {', '.join(RISKS)}; '{value[:20]}' is none.")
    return value


def _steps(value: Sequence[Mapping[str, Any] | Step]) -> list[dict[str, Any]]:
    steps = [one if isinstance(one, Step) else Step(**{"who": "person", **one}) for one in value]
    if len(steps) > MOST_STEPS:
        raise Refused(f"Not kept: a workflow has {MOST_STEPS} steps at most, this one has {len(steps)}.")
    for number, one in enumerate(steps, start=1):
        if one.who not in WHO or not one.what.strip() or not 0 <= one.minutes <= MOST_MINUTES:
            raise Refused(
                f"Not kept: step {number} needs words, who does it ({', '.join(WHO)}) and from 0 to {MOST_MINUTES:.0f} minutes of a person."
            )
    return [asdict(replace(one, what=" ".join(masked(one.what).split())[:LONGEST])) for one in steps]


def _kpi(value: Mapping[str, Any]) -> dict[str, Any]:
    """What is measured, where, and what it is to become. The baseline is measured, never told."""
    if not value:
        return {}
    measure = defined.of(str(value.get("measure", "")))
    if measure.kind in ("count", "sum"):
        raise Refused(f"Not kept: '{measure.title}' grows with the days and with how many write. Choose a share, a mean or a time.")
    target = None if value.get("target") is None else float(value["target"])
    if measure.kind == "share" and target is not None and not 0 <= target <= 1:
        raise Refused(f"Not kept: '{measure.title}' is a share: its target is from 0 to 100 %.")
    if value.get("intent") and value["intent"] not in labels.names():
        raise Refused("Not kept: there is no such intent. Choose one, or leave it empty.")
    return asdict(Kpi(measure.name, target, str(value.get("channel") or ""), str(value.get("intent") or "")))


def _with_its_baseline(case: UseCase, kpi: dict[str, Any]) -> dict[str, Any]:
    """Of another measure, or of others' conversations, it would be none; and once customers have it, none can be taken any more."""
    same = case.kpi and kpi and all(case.kpi.get(name) == kpi[name] for name in ("measure", "channel", "intent"))
    if not same and case.kpi.get("baseline") and case.stage not in BEFORE_ANYTHING:
        raise Refused(
            f"Not changed: '{case.name}' is in {case.stage}, and how another measure stood before it can no longer be found out. "
            "Its target may be changed; for another measure go back to evaluate, with a reason."
        )
    return {**kpi, "baseline": case.kpi.get("baseline")} if same else kpi


def _links(value: Sequence[Mapping[str, str] | Link]) -> list[dict[str, str]]:
    links = list(dict.fromkeys(one if isinstance(one, Link) else Link(**one) for one in value))
    if len(links) > MOST_LINKS:
        raise Refused(f"Not kept: {MOST_LINKS} links at most, these are {len(links)}.")
    with store.reading() as db:
        for one in links:
            if one.kind not in KINDS or not _is_there(db, one):
                raise Refused(
                    f"Not kept: there is no {KINDS.get(one.kind, one.kind)} '{one.name[:LONGEST_NAME]}'. Choose one that is there."
                )
    return [asdict(one) for one in links]


def _is_there(db: Session, link: Link) -> bool:
    if link.kind in BUILT:
        found = select(func.count()).select_from(Version).where(Version.target_kind == link.kind, Version.target_name == link.name)
    elif link.kind == "set":
        found = select(func.count()).select_from(EvalSet).where(EvalSet.name == link.name)
    elif link.kind == "article":
        found = select(func.count()).select_from(Article).where(Article.slug == link.name)
    else:
        found = select(func.count()).select_from(Monitor).where(Monitor.id == link.name)
    return bool(db.exec(found).one())


def _owner(value: str) -> str:
    found = people.get(value)
    if found is None or found.disabled_at is not None:
        raise Refused("Not kept: its owner has to be somebody who works here.")
    return found.id


CHECKS: Mapping[str, Any] = {
    "name": _name, "goal": _text, "problem": _text, "systems": _systems, "risk": _risk, "risk_why": _text, "before": _steps,
    "after": _steps, "kpi": _kpi, "links": _links, "owner_id": _owner, "review_on": lambda day: day,
}  # fmt: skip
