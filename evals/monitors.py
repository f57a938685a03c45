"""Measures that somebody has watched: what is looked for, whose it is, and what it may do by itself. What is found: alerts.py.

A monitor sees what its owner sees, and no more: whoever sees only their team is told of their team.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from data import access, audit, config, defined, labels, people, releases, store, trends
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Alert, Monitor, MonitorChange, Person, Release
from data.trends import Slice
from data.values import now
from evals import alarms
from evals.alarms import CHANGE, DAY, RATIO, THRESHOLD, WEEK, Rule

NONE, ROLL_BACK, STOP = "none", "roll_back", "stop"
ARMS = {NONE: "only tells", ROLL_BACK: "rolls back", STOP: "stops"}
RIGHTS = {  # of who does it by hand; the owner of an armed monitor has to have it too
    ("classifier", ROLL_BACK): "classifier.roll_back", ("classifier", STOP): "classifier.roll_back",
    ("answerer", ROLL_BACK): "answerer.roll_back", ("answerer", STOP): "answerer.roll_back",
    ("model", ROLL_BACK): "model.roll_back", ("model", STOP): "model.roll_back",
    ("recipe", ROLL_BACK): "automation.publish", ("recipe", STOP): "guardrail.tighten",
}  # fmt: skip
TOO_OLD = timedelta(days=alarms.BASELINE)  # a release that was live so long before a fall did not bring it
LONGEST_SNOOZE = timedelta(days=90)
MOST, LONGEST_NAME, LONGEST_NOTE = 200, 80, 1_000
READS = 120  # days: the weeks before, also where trouble is left out of them
LEAST_OF_ALL = 20


@dataclass(frozen=True)
class Definition:
    """What is looked for. `alarm_at` and `clear_at` as alarms.Rule has them; of shares 0.6 is 60 %."""

    measure: str
    of: Slice = field(default_factory=Slice)
    rule: str = CHANGE
    direction: str = ""  # down, up, either; empty: which way is worse
    alarm_at: float | None = None  # None: what is usual for the rule
    clear_at: float | None = None
    least: int = 50
    window: str = DAY
    arms: str = NONE
    armed_for: tuple[str, str] | None = None  # kind and name: what is live of it when the alert comes

    def kept(self) -> dict[str, Any]:
        return asdict(self) | {"armed_for": list(self.armed_for) if self.armed_for else None}

    @property
    def looks_for(self) -> Rule:
        """Of a definition that `checked` filled in."""
        kind = defined.of(self.measure).kind
        return Rule(self.rule, kind, self.direction, self.alarm_at or 0.0, self.clear_at or 0.0, self.least, self.window)


def read(kept: Mapping[str, Any]) -> Definition:
    armed_for = (kept["armed_for"][0], kept["armed_for"][1]) if kept["armed_for"] else None
    return Definition(**{**kept, "of": Slice(**kept["of"]), "armed_for": armed_for})


@dataclass(frozen=True)
class Watched:
    """A monitor with what it looks for, and what it has to tell just now."""

    monitor: Monitor
    definition: Definition
    alert: Alert | None

    @property
    def subject(self) -> str:
        return subject_of(self.definition)


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def subject_of(definition: Definition) -> str:
    """ "'Resolved' of Refund in chat"."""
    of = definition.of
    intent = "" if of.intent is None else f" of {labels.names().get(of.intent, 'an unknown intent') if of.intent else 'no intent'}"
    channel = f" in {of.channel}" if of.channel is not None else ""
    rest = [f"{name} {told or 'unknown'}" for name, told in of.told.items() if name in ("segment", "language", "version")]
    team = f"team {people.teams().get(of.team_id, '?')}" if of.team_id else ""
    more = ", ".join(filter(None, [*rest, team]))
    return f"'{defined.of(definition.measure).title}'{intent}{channel}{f' ({more})' if more else ''}"


def promise(definition: Definition) -> str:
    """What it would do by itself, in words: whoever arms it reads this first."""
    if definition.arms == NONE or definition.armed_for is None:
        return "It tells its owner and does nothing."
    kind, name = definition.armed_for
    live, coming = releases.live(kind, name), releases.under_way(kind, name)
    what = f"{kind} '{name}'"
    if definition.arms == STOP:
        how = f"stops {what} at once; people have its open runs" if kind == "recipe" else f"stops what is under way of {what}"
        now_ = [str(releases.target_of(one)) for one in (live if kind == "recipe" else None, coming) if one]
    else:
        how = f"takes {what} back to the version before the one that is live then"
        now_ = [str(releases.target_of(live))] if live else []
        how += f", if that one went live within the {TOO_OLD.days} days before the change began"
    return f"With an alert it {how}. Today that would be {' and '.join(now_) or 'nothing: nothing of it is in force'}."


# -- verbs --------------------------------------------------------------------------------------------------------------------------------


def make(name: str, definition: Definition, *, owner_id: str = "", why: str, by: Person, at: datetime | None = None) -> Monitor:
    """The owner is whoever makes it, unless it is said otherwise."""
    access.require(by, "monitor.change")
    with store.writing() as db:
        owner = _owner(owner_id or by.id)
        definition = checked(definition)
        _require(definition, owner, by)
        store.one_at_a_time(db, "monitors")
        _require_room(db)
        monitor = Monitor(
            name=_named(db, name, definition, None), owner_id=owner.id, team_id=_team_of(definition, owner), at=at or now(),
            by_person_id=access.whose(by),
        )  # fmt: skip
        db.add(monitor)
        db.flush()
        _keep(db, monitor, definition, why, by, at)
        audit.record(db, by, "made", "monitor", monitor.id, f"Has {subject_of(definition)} watched: {monitor.name}.", at=at,
                     after=definition.kept())  # fmt: skip
        return monitor


def change(
    monitor_id: str, definition: Definition, *, name: str = "", owner_id: str = "", why: str, by: Person, at: datetime | None = None
) -> Monitor:  # fmt: skip
    """From now on it looks for that. An alert that is open stays until its measure is back, as it was measured then."""
    access.require(by, "monitor.change")
    with store.writing() as db:
        monitor = of_reach(db, monitor_id, by, "monitor.change")
        before, definition = definition_of(db, monitor), checked(definition)
        owner = _owner(owner_id or monitor.owner_id)
        _require(definition, owner, by)
        monitor.name, seen = _named(db, name, definition, monitor.id) if name else monitor.name, monitor.team_id
        monitor.owner_id, monitor.team_id, monitor.number = owner.id, _team_of(definition, owner), monitor.number + 1
        monitor.state, monitor.said = "new", ""
        if (before.measure, before.of, before.rule, seen) != (definition.measure, definition.of, definition.rule, monitor.team_id):
            monitor.since, monitor.quiet = None, False
            _end_open(db, monitor, "its monitor looks for something else now", at)
        _keep(db, monitor, definition, why, by, at)
        audit.record(db, by, "changed", "monitor", monitor.id, f"Changed what '{monitor.name}' looks for, number {monitor.number}.", at=at,
                     before=before.kept(), after=definition.kept())  # fmt: skip
        return monitor


def snooze(monitor_id: str, until: datetime | None, *, why: str, by: Person, at: datetime | None = None) -> Monitor:
    """Nothing new is told, and nothing done by itself, until then; without a time it looks again from now on."""
    access.require(by, "monitor.change")
    moment = at or now()
    if until is not None and not moment < until <= moment + LONGEST_SNOOZE:
        raise Refused(
            f"Not snoozed: name a time within the next {LONGEST_SNOOZE.days} days. What nobody wants to hear any more is retired."
        )
    said = _said(why, "Not snoozed") if until else why.strip()
    with store.writing() as db:
        monitor = of_reach(db, monitor_id, by, "monitor.change")
        monitor.snoozed_until, monitor.snoozed_why = until, said if until else ""
        told = f"Snoozed '{monitor.name}' until {until:%d.%m. %H:%M} UTC: {said}" if until else f"'{monitor.name}' is awake again."
        audit.record(db, by, "snoozed" if until else "woke", "monitor", monitor.id, told, at=at)
        return monitor


def retire(monitor_id: str, *, why: str, by: Person, at: datetime | None = None) -> Monitor:
    """It looks no more. What it found stays."""
    access.require(by, "monitor.change")
    said = _said(why, "Not retired")
    with store.writing() as db:
        monitor = of_reach(db, monitor_id, by, "monitor.change")
        monitor.retired_at = at or now()
        _end_open(db, monitor, "its monitor was retired", at)
        audit.record(db, by, "retired", "monitor", monitor.id, f"Retired '{monitor.name}': {said}", at=at)
        return monitor


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def all_of(*, by: Person) -> list[Watched]:
    """Within reach, by name. Who sees only a team sees what is about that team, and their own."""
    reach = access.require(by, "monitor.read")
    query = select(Monitor, MonitorChange).join(
        MonitorChange, (col(MonitorChange.monitor_id) == col(Monitor.id)) & (col(MonitorChange.number) == col(Monitor.number))
    )
    query = query.where(col(Monitor.retired_at).is_(None), _within(reach, by)).order_by(Monitor.name)
    with store.reading() as db:
        found = list(db.exec(query))
        open_ = {one.monitor_id: one for one in db.exec(select(Alert).where(Alert.state == "open"))}
    return [Watched(monitor, read(made.definition), open_.get(monitor.id)) for monitor, made in found]


def get(monitor_id: str, *, by: Person) -> Watched | None:
    access.require(by, "monitor.read")
    return next((one for one in all_of(by=by) if one.monitor.id == monitor_id), None)


def history(monitor_id: str, *, by: Person) -> list[MonitorChange]:
    """What it looked for, newest first."""
    access.require(by, "monitor.read")
    if get(monitor_id, by=by) is None:
        return []
    with store.reading() as db:
        query = select(MonitorChange).where(MonitorChange.monitor_id == monitor_id)
        return list(db.exec(query.order_by(col(MonitorChange.number).desc())))


def _within(reach: str, by: Person) -> Any:
    own = col(Monitor.owner_id) == by.id
    return col(Monitor.id).is_not(None) if reach == access.ALL else own | (col(Monitor.team_id) == (by.team_id or ""))


def of_reach(db: Session, monitor_id: str, by: Person, right: str) -> Monitor:
    """To be changed: nobody else changes it meanwhile."""
    reach = access.require(by, right)
    store.one_at_a_time(db, f"monitor {monitor_id}")
    monitor = db.exec(select(Monitor).where(Monitor.id == monitor_id, _within(reach, by)).execution_options(populate_existing=True)).first()
    if monitor is None or monitor.retired_at is not None:
        raise Refused("Not changed: there is no such monitor within your reach.")
    db.add(monitor)
    return monitor


def definition_of(db: Session, monitor: Monitor) -> Definition:
    query = select(MonitorChange).where(MonitorChange.monitor_id == monitor.id, MonitorChange.number == monitor.number)
    return read(db.exec(query).one().definition)


def last_day(measure: str, *, at: datetime | None = None) -> date:
    """The last whole day of which the measure is known, in the portal's time zone."""
    today = (at or now()).astimezone(ZoneInfo(config.settings().time_zone)).date()
    return today - timedelta(days=1 + defined.SETTLES.get(measure, 0))


def days(definition: Definition, last: date, *, by: Person, reads: int = READS) -> list[alarms.Day]:
    """What the person may see of it."""
    points = trends.series(definition.measure, by=by, since=last - timedelta(days=reads - 1), until=last, of=definition.of)
    return alarms.days_of([(one.day, one.amount) for one in points])


# -- what may be watched ------------------------------------------------------------------------------------------------------------------


USUAL = {  # rule -> of a share, and of anything else: from where on, and from where on no more
    CHANGE: ((0.03, 0.015), (0.0, 0.0)),
    RATIO: ((0.1, 0.05), (0.1, 0.05)),
}


def checked(given: Definition) -> Definition:
    """With all that was left out filled in; Refused where it cannot be watched."""
    measure = defined.of(given.measure)
    trends.cut_of(given.of.told)
    if given.rule not in alarms.RULES:
        raise Refused(f"Not watched: there is no rule '{given.rule}'. There are {', '.join(alarms.RULES)}.")
    if given.window not in (DAY, WEEK) or given.direction not in ("", *alarms.DIRECTIONS):
        raise Refused(f"Not watched: it looks for days or weeks ({DAY}, {WEEK}), and tells {', '.join(alarms.DIRECTIONS)}.")
    if not LEAST_OF_ALL <= given.least <= 1_000_000:
        raise Refused(f"Not watched: with fewer than {LEAST_OF_ALL} conversations nothing can be told, and {given.least:,} were asked for.")
    direction = given.direction or {"more": "down", "less": "up"}.get(measure.better, "either")
    filled = _bounds(replace(given, direction=direction), measure)
    if (filled.arms == NONE) != (filled.armed_for is None) or filled.arms not in ARMS:
        raise Refused("Not armed: say both what it does (roll_back or stop) and to what, its kind and its name; or neither.")
    if filled.armed_for is not None and (filled.armed_for[0], filled.arms) not in RIGHTS:
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in RIGHTS))
        raise Refused(f"Not armed: a {filled.armed_for[0]} cannot be taken back by a monitor. There are {kinds}.")
    return filled


def _bounds(given: Definition, measure: defined.Measure) -> Definition:
    if given.rule == THRESHOLD:
        if given.alarm_at is None or given.direction == "either":
            raise Refused("Not watched: a threshold needs a value and one direction, such as below 60 %.")
        clear = given.alarm_at if given.clear_at is None else given.clear_at
        if (clear < given.alarm_at) if given.direction == "down" else (clear > given.alarm_at):
            raise Refused(
                "Not watched: it would be over before it is back behind its threshold. Let it clear at the same value or a better one."
            )
        return replace(given, alarm_at=given.alarm_at, clear_at=clear)
    usual = USUAL[given.rule][0 if measure.kind == "share" else 1]
    alarm = usual[0] if given.alarm_at is None else given.alarm_at
    clear = (usual[1] if given.alarm_at is None else alarm / 2) if given.clear_at is None else given.clear_at
    if not 0 <= clear <= alarm:
        raise Refused(f"Not watched: it clears at no more than it tells from, 0 to {alarm:g}, and {clear:g} was asked for.")
    return replace(given, alarm_at=alarm, clear_at=clear)


def _require(definition: Definition, owner: Person, by: Person) -> None:
    """Who makes it reaches as far as its owner sees; who arms it may do by hand what it does, and so may its owner."""
    reach = access.require(by, "monitor.change")
    if (seen := access.reach(owner, "measure.read")) is None:
        raise Refused(f"Not watched: {owner.name} reads no dashboards, so nothing could be looked at for them. Name another owner.")
    team_id = _team_of(definition, owner)
    if reach != access.ALL and owner.id != by.id and team_id != by.team_id:
        raise Denied("Not watched: it would be about more than your team. Have somebody else make it.")
    if seen != access.ALL and definition.of.team_id not in (None, owner.team_id):
        raise Refused(f"Not watched: {owner.name} does not see that team. Name another owner.")
    if definition.armed_for is None:
        return
    right = RIGHTS[definition.armed_for[0], definition.arms]
    for one in (by, owner):
        access.require(one, "monitor.arm")
        access.require(one, right)
    kind, name = definition.armed_for
    if not releases.steps(kind, name):
        raise Refused(f"Not armed: nothing of {kind} '{name}' was ever released.")


def _owner(person_id: str) -> Person:
    owner = people.get(person_id)
    if owner is None or owner.disabled_at is not None:
        raise Refused("Not watched: its owner is a person who works here. Name one, or sign in as one.")
    return owner


def _team_of(definition: Definition, owner: Person) -> str | None:
    """Whose conversations it is about."""
    seen = access.reach(owner, "measure.read")
    return definition.of.team_id if seen == access.ALL else owner.team_id


def _named(db: Session, name: str, definition: Definition, mine: str | None) -> str:
    told = masked(name.strip()) or subject_of(definition)
    if len(told) > LONGEST_NAME:
        raise Refused(f"Not watched: its name has {len(told):,} characters, {LONGEST_NAME} at most.")
    others = db.exec(select(Monitor.id).where(Monitor.name == told, col(Monitor.retired_at).is_(None))).all()
    if [one for one in others if one != mine]:
        raise Refused(f"Not watched: there is a monitor '{told}' already. Give this one another name.")
    return told


def _require_room(db: Session) -> None:
    if len(db.exec(select(Monitor.id).where(col(Monitor.retired_at).is_(None))).all()) >= MOST:
        raise Refused(f"Not watched: there are {MOST} monitors already, and each may be wrong once in a while. Retire one first.")


def _keep(db: Session, monitor: Monitor, definition: Definition, why: str, by: Person, at: datetime | None) -> None:
    db.add(
        MonitorChange(
            monitor_id=monitor.id, number=monitor.number, definition=definition.kept(), why=_said(why, "Not watched"), at=at or now(),
            by_person_id=access.whose(by),
        )
    )  # fmt: skip


def _said(why: str, what_not: str) -> str:
    told = masked(why.strip())
    if not 0 < len(told) <= LONGEST_NOTE:
        raise Refused(f"{what_not}: say why, in up to {LONGEST_NOTE:,} characters. It stands beside the monitor afterwards.")
    return told


def _end_open(db: Session, monitor: Monitor, why: str, at: datetime | None) -> None:
    for alert in db.exec(select(Alert).where(Alert.monitor_id == monitor.id, Alert.state == "open")):
        alert.state, alert.ended_at, alert.ended_why = "closed", at or now(), why
        db.add(alert)
    db.flush()


def meant(db: Session, definition: Definition) -> Release | None:
    """The release that it would act upon now."""
    if definition.armed_for is None:
        return None
    kind, name = definition.armed_for
    live, coming = releases.live_in(db, kind, name), releases.under_way(kind, name)
    if definition.arms == ROLL_BACK:
        return live
    return (live or coming) if kind == "recipe" else coming
