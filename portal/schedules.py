"""What runs by itself: a name, and the hour of the day or the minutes between. Each begins once, however many workers look."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import select

from data import config, store, tasks
from data.tables import Task
from data.values import now


@dataclass(frozen=True)
class Schedule:
    task: str
    title: str
    hour: int | None = None  # of each day, in the portal's time zone
    mondays: int | None = None  # ... and of Mondays, where that is another
    minutes: int = 0  # ... or every so many minutes
    needed: Callable[[], bool] = lambda: True  # whether there is anything to do

    def key(self, moment: datetime) -> str | None:
        """Names the turn that the moment belongs to; None before today's hour."""
        local = moment.astimezone(ZoneInfo(config.settings().time_zone))
        if self.hour is not None:
            hour = self.mondays if self.mondays is not None and not local.weekday() else self.hour
            return f"{self.task} {local:%Y-%m-%d}" if local.hour >= hour else None
        return f"{self.task} {int(moment.timestamp()) // (self.minutes * 60)}"


def _anything_to_pull() -> bool:
    """A help desk is connected, and the last pull has ended: the first of them may take an hour."""
    from data import connections

    return bool(connections.help_desks()) and not tasks.under_way("pull")


def _anything_to_encode() -> bool:
    from portal import encoders

    if time.monotonic() - STARTED < QUIET_FOR:
        return False
    return encoders.anything_new() and not tasks.under_way("encode")


def _a_release_under_way() -> bool:
    """Or a recipe in force: what trips it is looked at as long as it may do anything."""
    from automations import arriving
    from data import releases

    needed = releases.all_under_way() or releases.all_watched() or arriving.anything_in_force()
    return bool(needed) and not tasks.under_way("watch_releases")


def _anything_answered() -> bool:
    from data import traces

    return traces.any_of("answerer")


def _anything_sent() -> bool:
    from automations import settling

    return settling.anything_to_settle() and not tasks.under_way(settling.SETTLE)


def _anything_to_tell() -> bool:
    from automations.desks import telling

    return telling.anything_due() and not tasks.under_way(telling.TELL)


def _any_recipe_in_force() -> bool:
    from automations import failures

    return failures.find_needed() and not tasks.under_way(failures.FIND)


def _any_program_with_tools() -> bool:
    from automations.outside import sources

    return sources.anything_connected() and not tasks.under_way("check_tools")


def _any_run_to_tell_of() -> bool:
    from portal import otlp_sending

    return otlp_sending.anything_due()


def _anything_watched() -> bool:
    from evals import alerts

    return alerts.anything_watched() and not tasks.under_way(alerts.LOOK)


def _anything_to_find() -> bool:
    from automations import opportunities

    return opportunities.anything_to_find() and not tasks.under_way(opportunities.JOB)


def _any_alert_to_tell() -> bool:
    from portal import alerting

    return alerting.anything_due()


def _any_feedback_to_tell() -> bool:
    from portal import feedback_sending

    return feedback_sending.anything_due()


def _any_day_to_count() -> bool:
    from data import daily

    return daily.anything_due() and not tasks.under_way("count_days")


def _any_brief_to_compute() -> bool:
    from evals import brief

    return brief.is_stale() and not tasks.under_way("compute_brief")


def _any_digest_to_write() -> bool:
    from evals import digest

    return digest.anything_due() and not tasks.under_way("write_digests")


STARTED, QUIET_FOR = time.monotonic(), 600.0  # seconds: encoding takes both cores for a while, and somebody has just come


SCHEDULES = (
    Schedule("pull", "Ask the help desks", minutes=5, needed=_anything_to_pull),
    Schedule("encode", "Encode new texts", minutes=5, needed=_anything_to_encode),
    Schedule("count_days", "Count the days in which something changed", minutes=1, needed=_any_day_to_count),
    Schedule("watch_releases", "Watch what is being released", minutes=1, needed=_a_release_under_way),
    Schedule("settle_actions", "Ask what became of what was sent", minutes=1, needed=_anything_sent),
    Schedule("tell_help_desk", "Tell the help desks what waits for them", minutes=1, needed=_anything_to_tell),
    Schedule("find_causes", "Say why runs of recipes failed", minutes=1, needed=_any_recipe_in_force),
    Schedule("send_traces", "Send traces to the collector", minutes=1, needed=_any_run_to_tell_of),
    Schedule("compute_brief", "Say what moved, and why", minutes=60, needed=_any_brief_to_compute),
    Schedule("look_at_monitors", "Look at what is watched", minutes=5, needed=_anything_watched),
    Schedule("tell_alerts", "Tell alerts", minutes=1, needed=_any_alert_to_tell),
    Schedule("tell_product_teams", "Send product feedback", minutes=1, needed=_any_feedback_to_tell),
    Schedule("lapse", "Remind of what waits, end what waited too long", minutes=30),
    Schedule("find_patterns", "Look for what no intent covers", hour=1),
    Schedule("find_gaps", "Look for what no article covers", hour=1, needed=_anything_answered),
    Schedule("watch_drift", "Look for what changed", hour=1),
    Schedule("order_queue", "Order what waits for a review", hour=2),
    Schedule("find_opportunities", "Look for what could be automated", hour=2, needed=_anything_to_find),  # after what nothing covers
    Schedule("grade_live", "Look at a sample of yesterday's replies", hour=2),
    Schedule("check_record", "Check the record and the database", hour=3),
    Schedule("check_tools", "Look whether tools from outside still are what was approved", hour=3, needed=_any_program_with_tools),
    Schedule("back_up", "Nightly backup", hour=4),
    Schedule("tidy", "Forget what has ended", hour=5),
    Schedule("write_digests", "Write the digests of the week", hour=6, needed=_any_digest_to_write),
    Schedule("mail", "Daily mail", hour=8, mondays=9),  # on Mondays with the digest
)


def begin_due(*, at: datetime | None = None, nightly: bool = True) -> int:
    """Begin what is due and has not begun: the turn's name is the task's key, so one of many workers begins it. How many began."""
    moment, begun = at or now(), 0
    for schedule in (one for one in SCHEDULES if nightly or one.hour is None):
        key = schedule.key(moment)
        if key is None or _has_begun(key) or not schedule.needed():
            continue
        with store.writing() as db:
            store.one_at_a_time(db, "schedules")
            if _has_begun(key):  # another was quicker
                continue
            tasks.later(db, schedule.task, {}, title=schedule.title, by=None, dedup_key=key)
            begun += 1
    return begun


def _has_begun(key: str) -> bool:
    with store.reading() as db:
        return db.exec(select(Task.id).where(Task.dedup_key == key)).first() is not None
