"""What monitors found: looked for after each day's figures, told once, and over when it is surely back.

One alert of a monitor is open at most. What it sets off (a mail, a webhook, a release that goes back) is written in its own transaction
and done by others (portal/alerting.py, portal/arming.py): nothing outside can hold up a look.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from data import access, audit, daily, defined, inbox, people, releases, store, tasks, webhooks
from data.errors import Refused
from data.measures import percent
from data.tables import Alert, Delivery, Monitor, Person, Release
from data.values import now
from evals import alarms, monitors
from evals.alarms import CHANGE, THRESHOLD, WEEK, Finding, Standing
from evals.monitors import NONE, ROLL_BACK, TOO_OLD, Definition

LOOK, TELL, ACT = "look_at_monitors", "tell_alerts", "act_on_alert"  # tasks
OPEN, CLEARED, CLOSED = "open", "cleared", "closed"
MAIL = "mail"
PAGE = "monitors"


def anything_watched() -> bool:
    with store.reading() as db:
        return db.exec(select(Monitor.id).where(col(Monitor.retired_at).is_(None)).limit(1)).first() is not None


# -- a look -------------------------------------------------------------------------------------------------------------------------------


def look(*, by: Person, at: datetime | None = None) -> str:
    """At all of them. As often as one likes: the same days say the same."""
    access.require(by, "monitor.read")
    found = [_look_at(one, at) for one in monitors.all_of(by=people.console())]
    open_, new = sum(state == "alarm" for state, _ in found), [told for _, told in found if told]
    looked = f"{len(found):,} {'monitor' if len(found) == 1 else 'monitors'} looked at, {open_:,} found something."
    return " ".join([looked, *new])


def _look_at(watched: monitors.Watched, at: datetime | None) -> tuple[str, str]:
    """How it stands, and what is new."""
    owner = people.get(watched.monitor.owner_id)
    if owner is None or not access.may(owner, "measure.read"):
        return _not_looked(watched.monitor, "its owner left or reads no dashboards any more: name another", at)
    last = monitors.last_day(watched.definition.measure, at=at)
    try:
        days = monitors.days(watched.definition, last, by=owner)
    except Refused as refused:  # its owner moved to another team
        return _not_looked(watched.monitor, str(refused), at)
    if days and not days[-1].n and daily.anything_due(at=at):  # the day is not counted yet, or it was empty: a minute later it is known
        return watched.monitor.state, ""
    with store.writing() as db:
        store.one_at_a_time(db, f"monitor {watched.monitor.id}")
        monitor = db.get_one(Monitor, watched.monitor.id, populate_existing=True)
        if monitor.retired_at is not None or monitor.number != watched.monitor.number:  # changed at this moment: next time
            return monitor.state, ""
        alert = _open_of(db, monitor)
        found = alarms.look(
            days, watched.definition.looks_for, last=last, standing=_standing(alert) if alert else None, since=monitor.since,
            without=_trouble(db, monitor),
        )  # fmt: skip
        return found.state, _take(db, monitor, watched.definition, alert, found, owner, last, at)


def _not_looked(monitor: Monitor, why: str, at: datetime | None) -> tuple[str, str]:
    with store.writing() as db:
        kept = db.get_one(Monitor, monitor.id, populate_existing=True)
        if (kept.state, kept.said) != ("not_looked", why):
            kept.state, kept.said = "not_looked", why
            audit.record(db, None, "stopped", "monitor", kept.id, f"'{kept.name}' cannot be looked at: {why}.", at=at)
    return "not_looked", f"'{monitor.name}' was not looked at: {why}."


def _open_of(db: Session, monitor: Monitor) -> Alert | None:
    return db.exec(select(Alert).where(Alert.monitor_id == monitor.id, Alert.state == OPEN)).first()


def _standing(alert: Alert) -> Standing:
    told = alert.numbers
    return Standing(alert.since, alert.until, told["sign"], told["value"], told["baseline"])


def _trouble(db: Session, monitor: Monitor) -> list[tuple[date, date]]:
    """Days that are no baseline: those of alerts that are over."""
    ended = select(Alert).where(Alert.monitor_id == monitor.id, Alert.state == CLEARED)
    return [(one.since, one.until) for one in db.exec(ended)]


def _take(
    db: Session, monitor: Monitor, definition: Definition, alert: Alert | None, found: Finding, owner: Person, last: date,
    at: datetime | None,
) -> str:  # fmt: skip
    """What a look changes. Told is only what is new."""
    asleep = monitor.snoozed_until is not None and monitor.snoozed_until > (at or now())
    _stand(db, monitor, definition, alert, found, last)
    if alert is not None:
        return _clear(db, monitor, definition, alert, found, owner, at) if found.state == "calm" else _goes_on(db, alert, found)
    if found.state == "calm" and monitor.quiet:
        monitor.quiet = False
    if found.state != "alarm" or monitor.quiet or asleep:
        return ""
    return _open(db, monitor, definition, found, owner, at)


def _stand(db: Session, monitor: Monitor, definition: Definition, alert: Alert | None, found: Finding, last: date) -> None:
    said = alert.sentence if alert and found.state == "alarm" else found.why or sentence_of(definition, found)
    if (monitor.state, monitor.said, monitor.looked_on) != (found.state, said, last):
        monitor.state, monitor.said, monitor.looked_on = found.state, said, last
        db.add(monitor)


def _goes_on(db: Session, alert: Alert, found: Finding) -> str:
    if found.until > alert.until:
        alert.until = found.until
        db.add(alert)
    return ""


def _open(db: Session, monitor: Monitor, definition: Definition, found: Finding, owner: Person, at: datetime | None) -> str:
    """Told, and set off, all in this transaction."""
    numbers = {name: told for name, told in asdict(found).items() if name not in ("state", "why", "since", "until")}
    alert = Alert(
        monitor_id=monitor.id, monitor_number=monitor.number, since=found.since, until=found.until, numbers=numbers,
        sentence=sentence_of(definition, found), at=at or now(),
    )  # fmt: skip
    db.add(alert)
    db.flush()
    _arm(db, alert, monitor, definition, owner, at)
    audit.record(db, None, "alerted", "monitor", monitor.id, f"{monitor.name}: {alert.sentence}", at=at, after={"alert": alert.id})
    told = f"{alert.sentence} {alert.acted}".strip()
    inbox.tell(db, owner.id, "alert", told, page=page_of(monitor), key=f"alert {alert.id}", at=at)
    send(db, alert, "opened", at, mail=True)
    return told


def _clear(
    db: Session, monitor: Monitor, definition: Definition, alert: Alert, found: Finding, owner: Person, at: datetime | None
) -> str:  # fmt: skip
    back = f"{monitors.subject_of(definition)} is back: {_figures(definition, found)}."
    alert.state, alert.ended_at, alert.ended_why = CLEARED, at or now(), back
    alert.until = max(alert.since, date.fromordinal(found.since.toordinal() - 1))
    db.add(alert)
    audit.record(db, None, "cleared", "monitor", monitor.id, f"{monitor.name}: {back}", at=at, after={"alert": alert.id})
    inbox.tell(db, owner.id, "alert", back, page=page_of(monitor), key=f"alert {alert.id} is over", at=at)
    send(db, alert, "ended", at)
    return back


def page_of(monitor: Monitor) -> str:
    return f"{PAGE}?monitor={monitor.id}"


def send(db: Session, alert: Alert, event: str, at: datetime | None, *, mail: bool = False) -> None:
    """One row for each, so that one who is not there holds up no other. Called by whoever has something to tell of it."""
    receivers = [*([MAIL] if mail else []), *webhooks.names(db)]
    for receiver in receivers:
        db.add(Delivery(alert_id=alert.id, event=event, receiver=receiver, at=at or now()))
    if receivers:
        tasks.later(db, TELL, {}, title="Tell an alert", by=None, dedup_key=f"tell alert {alert.id} {event}")


# -- what it sets off by itself -----------------------------------------------------------------------------------------------------------


def _arm(db: Session, alert: Alert, monitor: Monitor, definition: Definition, owner: Person, at: datetime | None) -> None:
    """A task that acts as the owner, on the release that is in force now and no other."""
    if definition.arms == NONE or definition.armed_for is None:
        return
    release = monitors.meant(db, definition)
    against = _against(db, definition, release, alert)
    if against or release is None:
        alert.acted = f"Nothing was done by itself: {against}"
        return
    alert.release_id = release.id
    title = f"{'Roll back' if definition.arms == ROLL_BACK else 'Stop'} {releases.target_of(release)}"
    alert.task_id = tasks.later(db, ACT, {"alert_id": alert.id}, title=title, by=owner, dedup_key=f"act on alert {alert.id}", at=at).id
    db.add(alert)


def _against(db: Session, definition: Definition, release: Release | None, alert: Alert) -> str:
    """Why it does nothing: what was live long before did not bring it, what began afterwards neither, and nothing goes back twice."""
    kind, name = definition.armed_for or ("", "")
    if release is None:
        return f"nothing of {kind} '{name}' is {'live' if definition.arms == ROLL_BACK else 'under way'}."
    target, began = releases.target_of(release), release.started_at.date()
    if began > alert.until:
        return f"{target} began on {_day(began)}, after all that was found."
    if definition.arms == ROLL_BACK and began < alert.since - TOO_OLD:
        return f"{target} has been live since {_day(began)}, long before. Look for another cause."
    return _nothing_before(db, release) if definition.arms == ROLL_BACK else ""


def _nothing_before(db: Session, release: Release) -> str:
    before, target = db.get(Release, release.previous_id) if release.previous_id else None, releases.target_of(release)
    if before is None:
        return f"there is no version before {target}."
    if before.ended_why.startswith(("rolled back", "taken back", "went back")):
        return f"{target} is what was gone back to already, from {releases.target_of(before)}. Look for another cause."
    return ""


# -- what people do with it ---------------------------------------------------------------------------------------------------------------


def acknowledge(alert_id: str, note: str, *, by: Person, at: datetime | None = None) -> Alert:
    """Somebody sees to it; it stays open until its measure is back."""
    access.require(by, "monitor.change")
    with store.writing() as db:
        alert, monitor = _of_now(db, alert_id, by)
        alert.seen_at, alert.seen_by_id = alert.seen_at or (at or now()), alert.seen_by_id or access.whose(by)
        alert.note = monitors._said(note, "Not acknowledged")
        audit.record(db, by, "acknowledged", "monitor", monitor.id, f"Sees to the alert of '{monitor.name}': {alert.note}", at=at)
        return alert


def close(alert_id: str, note: str, *, new_level: bool = False, by: Person, at: datetime | None = None) -> Alert:
    """By hand. The next comes only once it was calm in between. `new_level`: it stays as it is now, and what was before the alert is
    compared with no more."""
    access.require(by, "monitor.change")
    with store.writing() as db:
        alert, monitor = _of_now(db, alert_id, by)
        alert.state, alert.ended_at, alert.ended_why = CLOSED, at or now(), monitors._said(note, "Not closed")
        alert.seen_at, alert.seen_by_id = alert.seen_at or (at or now()), alert.seen_by_id or access.whose(by)
        monitor.quiet = True
        if new_level:
            monitor.since = alert.since
        send(db, alert, "ended", at)
        audit.record(db, by, "closed", "monitor", monitor.id, f"Closed the alert of '{monitor.name}': {alert.ended_why}", at=at)
        return alert


def _of_now(db: Session, alert_id: str, by: Person) -> tuple[Alert, Monitor]:
    known = db.get(Alert, alert_id)
    if known is None:
        raise Refused("Nothing changed: there is no such alert within your reach.")
    monitor = monitors.of_reach(db, known.monitor_id, by, "monitor.change")
    alert = db.get_one(Alert, alert_id, populate_existing=True)
    if alert.state != OPEN:
        raise Refused(f"Nothing changed: that alert is {alert.state} already.")
    db.add(alert)
    return alert, monitor


def of(monitor_id: str, *, by: Person, most: int = 50) -> list[Alert]:
    """Of a monitor within reach, the newest first."""
    access.require(by, "monitor.read")
    if monitors.get(monitor_id, by=by) is None:
        return []
    with store.reading() as db:
        return list(db.exec(select(Alert).where(Alert.monitor_id == monitor_id).order_by(col(Alert.id).desc()).limit(most)))


def came_of_it(alert: Alert) -> str:
    """What it did by itself, also where its task could not even begin: its owner may have lost the right meanwhile."""
    task = tasks.get(alert.task_id) if alert.task_id and not alert.acted else None
    if task is None:
        return alert.acted
    return f"Nothing was done by itself: {task.error}" if task.state in ("failed", "parked", "cancelled") else f"{task.title}: under way."


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def sentence_of(definition: Definition, found: Finding) -> str:
    """ "'Resolved' of Refund in chat fell to 52 % (48–56, n = 610) since 2 November, from 81 % over the four weeks before." """
    subject, figures = monitors.subject_of(definition), _figures(definition, found)
    if found.state != "alarm":
        return f"{subject} is {figures}."
    if definition.rule == THRESHOLD:
        bar = shown(definition, definition.alarm_at or 0.0)
        return f"{subject} is {figures}, surely {'below' if found.sign < 0 else 'above'} {bar}."
    moved = "fell" if found.sign < 0 else "rose"
    since = f" since {_day(found.since)}" if definition.rule == CHANGE else ""
    weeks = "eight" if definition.rule == CHANGE and definition.window == WEEK else "four"
    return f"{subject} {moved} to {figures}{since}, from {shown(definition, found.baseline or 0.0)} over the {weeks} weeks before."


def _figures(definition: Definition, found: Finding) -> str:
    value, low, high = (shown(definition, one or 0.0) for one in (found.value, found.low, found.high))
    unit = _unit(definition)
    return f"{value} ({low.removesuffix(unit).rstrip()}–{high.removesuffix(unit).rstrip()}, n = {found.n:,})"


def _unit(definition: Definition) -> str:
    measure = defined.of(definition.measure)
    if measure.kind in ("count", "sum"):
        return "a day"
    return {"share": "%", "seconds": "s"}.get(measure.unit, "")


def shown(definition: Definition, value: float) -> str:
    """A value of the measure as people read it."""
    measure = defined.of(definition.measure)
    if measure.kind == "share":
        return percent(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 or measure.kind == "count" else 2
    unit = _unit(definition)
    return f"{max(value, 0.0):,.{digits}f}{f' {unit}' if unit else ''}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"


# -- tried before it is made --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Would:
    """An alert as it would have been told."""

    day: date  # on which
    sentence: str
    since: date  # what it is about
    until: date


def would_have(definition: Definition, *, by: Person, back: int = 90, at: datetime | None = None) -> list[tuple[date, str]]:
    """Which alerts it would have told over the last days, had it been there: each with its day."""
    return [(one.day, one.sentence) for one in gone_through(definition, by=by, back=back, at=at)]


def gone_through(definition: Definition, *, by: Person, back: int = 90, at: datetime | None = None) -> list[Would]:
    """The same, with the days that each is about."""
    access.require(by, "measure.read")
    definition = monitors.checked(definition)
    last, rule, standing, told = monitors.last_day(definition.measure, at=at), definition.looks_for, None, []
    days = monitors.days(definition, last, by=by, reads=back + monitors.READS)
    trouble: list[tuple[date, date]] = []
    for place in range(last.toordinal() - back + 1, last.toordinal() + 1):
        day = date.fromordinal(place)
        seen = [one for one in days if place - monitors.READS < one.day.toordinal() <= place]
        found = alarms.look(seen, rule, last=day, standing=standing, without=trouble)
        if standing is None and found.state == "alarm":
            standing = Standing(found.since, found.until, found.sign, found.value or 0.0, found.baseline)
            told.append(Would(day, sentence_of(definition, found), found.since, last))
        elif standing is not None and found.state == "calm":
            trouble.append((standing.since, date.fromordinal(found.since.toordinal() - 1)))
            told[-1] = replace(told[-1], until=max(told[-1].since, trouble[-1][1]))
            standing = None
    return told
