"""Monitors in words: what each looks for, how it stands just now, and what may be expected of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil

from data import defined
from data.tables import Alert, Monitor
from evals import alarms, alerts
from evals.alarms import BACK, CHANGE, DAY, RATIO, SURE, THRESHOLD, WEEK, Day
from evals.monitors import NONE, ROLL_BACK, Definition, Watched
from portal import widgets

MOSTLY = 1.645  # standard errors beyond the bar: measured on made-up traffic, at least four of five are found
SOON = (3, 7)  # days within which something is to be found; of what creeps, weeks
WEEKS = (14, 28)
RULES = {CHANGE: "It changed", RATIO: "Percent off", THRESHOLD: "Beyond a value"}
RULES_HELP = (
    "It changed: surely another level than in the weeks before. Percent off: a week against the four weeks before, for what comes "
    "and goes, such as volume. Beyond a value: what you promised, such as 80 % satisfied."
)


@dataclass(frozen=True)
class Standing:
    """How a monitor stands, as a badge says it."""

    name: str  # alert, quiet, looking, asleep, blind
    words: str
    icon: str
    colour: str


def is_asleep(monitor: Monitor, at: datetime) -> bool:
    return monitor.snoozed_until is not None and monitor.snoozed_until > at


def standing(watched: Watched, at: datetime) -> Standing:
    monitor, alert = watched.monitor, watched.alert
    if alert is not None:
        return Standing("alert", f"Alert since {day(alert.since)}", ":material/notifications_active:", "orange")
    if monitor.state == "not_looked":
        return Standing("blind", "Cannot be looked at", ":material/visibility_off:", "orange")
    if is_asleep(monitor, at) and monitor.snoozed_until:
        return Standing("asleep", f"Snoozed until {widgets.day(monitor.snoozed_until)}", ":material/notifications_paused:", "gray")
    if monitor.state in ("new", "too_few"):
        words = "Not looked at yet" if monitor.state == "new" else "Looking: too few to tell"
        return Standing("looking", words, ":material/hourglass_empty:", "gray")
    if monitor.quiet:
        return Standing("quiet", "Closed, waits until it is calm", ":material/notifications_off:", "gray")
    return Standing("quiet", "Quiet", ":material/check_circle:", "green")


def arms(definition: Definition) -> str:
    """What an armed one does, short. Empty: it only tells."""
    if definition.arms == NONE or definition.armed_for is None:
        return ""
    return f"{'Rolls back' if definition.arms == ROLL_BACK else 'Stops'} {definition.armed_for[0]} '{definition.armed_for[1]}'"


def looks_for(definition: Definition) -> str:
    """A sentence, of a definition in which nothing was left out."""
    least = f"It needs {definition.least:,} conversations."
    if definition.rule == THRESHOLD:
        over = "a day is" if definition.window == DAY else "seven days together are"
        side = "below" if definition.direction == "down" else "above"
        clear = "" if definition.clear_at == definition.alarm_at else f", until it is back at {level(definition, definition.clear_at)}"
        return f"Tells when {over} surely {side} {level(definition, definition.alarm_at)}{clear}. {least}"
    size = size_of(definition)
    if definition.rule == RATIO:
        side = {"down": "below", "up": "above", "either": "off"}[definition.direction]
        return f"Tells when seven days are surely {size} or more {side} the four weeks before. {least}"
    moved = {"down": "fell", "up": "rose", "either": "moved"}[definition.direction]
    by = f" by {size} or more" if definition.alarm_at else ""
    over, before = ("one to four weeks", "eight") if definition.window == WEEK else ("one to seven days", "four")
    return f"Tells when {over} surely {moved}{by} against the {before} weeks before. {least}"


def size_of(definition: Definition) -> str:
    """How far off it has to be."""
    size = definition.alarm_at or 0.0
    if definition.rule == RATIO:
        return f"{100 * size:g}\u00a0%"
    return _points(size) if _is_share(definition) else alerts.shown(definition, size)


def level(definition: Definition, value: float | None) -> str:
    return alerts.shown(definition, value or 0.0)


def _is_share(definition: Definition) -> bool:
    return defined.of(definition.measure).kind == "share"


def _points(share: float) -> str:
    points = f"{100 * share:.3g}"
    return f"{points} {'point' if points == '1' else 'points'}"


def day(one: date) -> str:
    return f"{one.day} {one:%B}"


def days(first: date, last: date) -> str:
    if first == last:
        return day(first)
    return f"{first.day}–{day(last)}" if (first.year, first.month) == (last.year, last.month) else f"{day(first)} – {day(last)}"


# -- what may be expected of it -----------------------------------------------------------------------------------------------------------


def expects(definition: Definition, known: Sequence[Day], *, trouble: Alert | None = None) -> str:
    """How much has to happen for it to be found soon, with what comes these days, and how often it is wrong."""
    since = trouble.since if trouble else _fell(definition, known)
    calm = [one for one in known if since is None or one.day < since]
    found = [(within, smallest(definition, calm, within)) for within in (WEEKS if definition.window == WEEK else SOON)]
    told = [(within, size) for within, size in found if size is not None]
    wrong = "Where nothing happens it is wrong less than once in three months."
    if not told:
        return f"With so few conversations even a large change would hardly be found. {wrong}"
    sizes = [f"{_change(definition, size, first=not place)} within {within} days" for place, (within, size) in enumerate(told)]
    return f"With what comes these days it finds, four times of five, {', '.join(sizes)}. {wrong}"


def _fell(definition: Definition, known: Sequence[Day]) -> date | None:
    """Since when the last days are no usual ones."""
    if not known:
        return None
    found = alarms.look(known, definition.looks_for, last=known[-1].day)
    return found.since if found.state == "alarm" else None


def _change(definition: Definition, size: float, *, first: bool) -> str:
    """A fall of 9 points; and the next only: one of 6."""
    what = {"down": "a fall", "up": "a rise"}.get(definition.direction, "a change") if first else "one"
    return f"{what} of {_points(ceil(100 * size) / 100) if _is_share(definition) else alerts.shown(definition, size)}"


def smallest(definition: Definition, known: Sequence[Day], within: int) -> float | None:
    """The smallest change that is found within so many days, four times of five. None: none that there could be.

    The days to come are made of what the weeks before held, with the change in them, and the monitor's own rule looks at them.
    """
    baseline = alarms.baseline_of(known[-alarms.BASELINE :], defined.of(definition.measure).kind)
    if baseline is None:
        return None
    sign = 1 if definition.direction == "up" else -1
    most = _most(definition, baseline, sign)
    low, high = 0.0, most
    if not _tells(definition, known, baseline, sign * most, within):
        return None
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if _tells(definition, known, baseline, sign * middle, within) else (middle, high)
    return high


def _most(definition: Definition, baseline: alarms.Baseline, sign: int) -> float:
    """As far as it can move."""
    if sign < 0:
        return baseline.rate
    return 1 - baseline.rate if _is_share(definition) else 3 * baseline.rate


def _tells(definition: Definition, known: Sequence[Day], baseline: alarms.Baseline, change: float, within: int) -> bool:
    """Whether it would be told four times of five: as if only that part of the change were there which luck leaves."""
    sure = BACK if definition.rule == THRESHOLD else SURE
    rate = baseline.rate + change
    if definition.rule == THRESHOLD:  # what counts is how far behind the bar it is
        bar = definition.alarm_at or 0.0
        if (rate - bar) * change <= 0:
            return False
        change = bar + (rate - bar) * sure / (sure + MOSTLY) - baseline.rate
    else:
        change *= sure / (sure + MOSTLY)
    coming = _coming(known, baseline, change, within)
    rule = replace(definition.looks_for, direction="up" if change > 0 else "down") if definition.direction == "either" else None
    return alarms.look([*known, *coming], rule or definition.looks_for, last=coming[-1].day).state == "alarm"


def _coming(known: Sequence[Day], baseline: alarms.Baseline, change: float, many: int) -> list[Day]:
    """Days after the last one: as many conversations as usual on each weekday, and the change in all of them."""
    last = known[-1].day
    coming = []
    for place in range(1, many + 1):
        weekday = (last + timedelta(days=place)).weekday()
        alike = [one for one in known[-alarms.BASELINE :] if one.day.weekday() == weekday] or list(known[-7:])
        n, over = sum(one.n for one in alike) / len(alike), sum(one.over for one in alike) / len(alike)
        total = max(0.0, (baseline.weekdays[weekday] + change) * over)
        before = sum(one.total for one in alike) / len(alike)
        squares = sum(one.squares for one in alike) / len(alike) * (total / before if before else 0.0)
        coming.append(Day(last + timedelta(days=place), round(n), over, total, squares))
    return coming
