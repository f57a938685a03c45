"""The demo's monitors: what its people promised to keep an eye on, looked at day by day, and answered when it spoke."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from data import inbox, labels, people, releases
from data.tables import Monitor, Person
from data.trends import Slice
from evals import alerts, monitors
from evals.alarms import RATIO, WEEK
from evals.alerts import OPEN
from evals.monitors import ROLL_BACK, Definition

SATISFIED, RESOLVED = "Satisfied customers", "Resolved in chat"
WATCHED = (
    (SATISFIED, Definition("csat"), "We promised four of five."),
    (RESOLVED, Definition("resolution", Slice(channel="chat")), "What is not resolved comes back."),
    ("Chats", Definition("volume", Slice(channel="chat"), RATIO, "either", 0.5, 0.25), "So that enough of us are there."),
)  # fmt: skip
SILENT = ("Machine keeps silent", Definition("abstention", window=WEEK), "Where it is silent a rep has to name the intent.")
RIGHT = ("Right intents", Definition("agreement"), "A version that names the wrong intent should not wait for Monday.")
SEEN = {  # what somebody wrote the morning after
    SATISFIED: "I read ten of them: refunds in chat, promised within a day.",
    RESOLVED: "The same conversations as those that were not satisfied. I look after both.",
}
CLOSED = {SATISFIED: "Customers waited for refunds that an article had promised within a day. Its first version is back."}
ASLEEP = ("Chats", "The new season begins: more chats than usual come these days.")
ANSWERED, CLOSED_AFTER = timedelta(hours=16), timedelta(days=7)
ARMED_FOR, SNOOZED_SINCE, SNOOZED_UNTIL = timedelta(days=8), timedelta(days=2), timedelta(days=5)
READ_AFTER = timedelta(days=3)


def watch(*, lead: Person, engineer: Person, since: datetime, until: datetime) -> list[Monitor]:
    """Called once the days are counted. What would have been found on the way is found, at its time."""
    made = [monitors.make(name, definition, why=why, by=lead, at=since) for name, definition, why in WATCHED]
    made.append(monitors.make(SILENT[0], SILENT[1], why=SILENT[2], by=engineer, at=since))
    moment = since
    while moment <= until:
        alerts.look(by=people.console(), at=moment)
        _answer(made, lead, moment)
        moment += timedelta(days=1)
    made += _arm(lead, until)
    _snooze(made, lead, until)
    _read([lead, engineer], until)
    return made


def _answer(made: Sequence[Monitor], lead: Person, moment: datetime) -> None:
    """Somebody sees to it the next morning, and says a week later what it was."""
    names = {one.id: one.name for one in made if one.name in SEEN}
    for one in [found for made_id in names for found in alerts.of(made_id, by=lead, most=1) if found.state == OPEN]:
        name = names[one.monitor_id]
        if one.seen_at is None:
            alerts.acknowledge(one.id, SEEN[name], by=lead, at=one.at + ANSWERED)
        elif name in CLOSED and moment >= one.at + CLOSED_AFTER:
            alerts.close(one.id, CLOSED[name], by=lead, at=moment)


def _arm(lead: Person, until: datetime) -> list[Monitor]:
    """Only a lead arms one, and only for what was ever released."""
    name, definition, why = RIGHT
    kind = ("classifier", labels.INTENT)
    armed = Definition(definition.measure, arms=ROLL_BACK, armed_for=kind) if releases.steps(*kind) else definition
    made = monitors.make(name, armed, why=why, by=lead, at=until - ARMED_FOR)
    alerts.look(by=people.console(), at=until)
    return [made]


def _snooze(made: Sequence[Monitor], lead: Person, until: datetime) -> None:
    name, why = ASLEEP
    asleep = next(one for one in made if one.name == name)
    monitors.snooze(asleep.id, until + SNOOZED_UNTIL, why=why, by=lead, at=until - SNOOZED_SINCE)


def _read(owners: Sequence[Person], until: datetime) -> None:
    """What was told weeks ago is not new to them."""
    for person in owners:
        old = [one.id for one in inbox.of(person, unread_only=True) if one.kind == "alert" and one.at < until - READ_AFTER]
        inbox.mark_read(old, by=person)
