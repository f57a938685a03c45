"""Monitors and their alerts on both engines: whose eyes look, told once, over when it is back, and armed only by whoever may."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, insert
from sqlmodel import col, select

from data import access, audit, inbox, people, releases, store, tasks
from data.errors import Denied, Refused
from data.labels import INTENT
from data.tables import Alert, Daily, Monitor, Person, Task
from data.trends import EVERYBODYS, Slice, cut_of
from data.values import Target
from evals import alerts, demo_monitors, monitors
from evals.monitors import NONE, ROLL_BACK, STOP, Definition
from knowledge.answerers import NAME as ANSWERER
from tests.conftest import Staff

LAST = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # in the portal's time zone the first of March is over
WEEKS = 60  # days
OF_CHAT = Slice(channel="chat")
SATISFIED = Definition("csat", OF_CHAT)


def fill(share: float, *, days: int = WEEKS, until: date = LAST, n: int = 200, team: str = "", measure: str = "csat") -> None:
    """What the days held, in the place of months of conversations: of chats and of all, of the team and of everybody."""
    held = {"measure": measure, "n": n, "weight": n, "weight_sq": n, "sum": n * share, "sum_sq": n * share}
    rest = dict.fromkeys(("intent_id", "segment", "language", "version"), "")
    which, teams = [until.toordinal() - place for place in range(days)], (team, EVERYBODYS)
    rows = [
        {**held, **rest, "cut": cut, "channel": channel, "day": day, "team_id": of}
        for day in which
        for cut, channel in (("", ""), (cut_of({"channel"}), "chat"))
        for of in teams
    ]
    with store.writing() as db:
        db.execute(delete(Daily).where(col(Daily.measure) == measure, col(Daily.team_id).in_(teams), col(Daily.day).in_(which)))
        db.execute(insert(Daily), rows)


def fallen(*, since: int = 2, to: float = 0.6, **how: object) -> None:
    fill(0.8, **how)  # type: ignore[arg-type]
    fill(to, days=since, **how)  # type: ignore[arg-type]


def watch(staff: Staff, definition: Definition = SATISFIED, *, by: Person | None = None, **how: str) -> Monitor:
    return monitors.make(how.pop("name", "Chat"), definition, why="We promised it.", by=by or staff.engineer, at=NOW, **how)


def look(at: datetime = NOW) -> str:
    return alerts.look(by=people.console(), at=at)


def kept(monitor: Monitor) -> Monitor:
    with store.reading() as db:
        return db.get_one(Monitor, monitor.id)


def all_alerts() -> list[Alert]:
    with store.reading() as db:
        return list(db.exec(select(Alert).order_by(col(Alert.id))))


def told(person: Person) -> list[str]:
    return [item.sentence for item in inbox.of(person)]


def released(numbers: int = 2, *, at: datetime | None = None) -> None:
    """Versions of the answerer that went live one after the other, the last of them when things fell."""
    with store.writing() as db:
        for number in range(1, numbers + 1):
            moment = (at or NOW - timedelta(days=4)) - timedelta(days=100 * (numbers - number))
            releases.go_live(
                db, Target("answerer", ANSWERER, number), proposal_id=None, why_before_ends="followed", by=None, at=moment
            )  # fmt: skip


ARMED = replace(SATISFIED, arms=ROLL_BACK, armed_for=("answerer", ANSWERER))


# -- found, told once, over ---------------------------------------------------------------------------------------------------------------


def test_a_fall_is_told_once_in_words_with_its_numbers(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    assert look().endswith(
        "1 found something. 'Satisfied' in chat fell to 60\u00a0% (55–65, n = 400) since 28 February, from 80\u00a0% over "
        "the four weeks before."
    )
    for _ in range(3):  # the same days say the same
        assert look() == "1 monitor looked at, 1 found something."
    (alert,) = all_alerts()
    assert (alert.state, alert.since, alert.until, alert.monitor_id) == ("open", LAST - timedelta(days=1), LAST, monitor.id)
    assert alert.numbers["value"] == pytest.approx(0.6) and alert.numbers["baseline"] == pytest.approx(0.8) and alert.numbers["n"] == 400
    assert told(staff.engineer) == [alert.sentence]
    assert alert.sentence in [entry.sentence.partition(": ")[2] for entry in audit.newest(by=staff.admin)]
    (task,) = [one for one in tasks.waiting() if one.name == alerts.TELL]
    assert task.person_id is None


def test_where_nothing_fell_nothing_is_told(staff: Staff) -> None:
    monitor = watch(staff)
    fill(0.8)
    assert look() == "1 monitor looked at, 0 found something."
    assert (kept(monitor).state, all_alerts(), told(staff.engineer)) == ("calm", [], [])
    assert kept(monitor).said == "'Satisfied' in chat is 80\u00a0% (78–82, n = 1,400)."


def test_what_is_too_little_is_said_and_not_told(staff: Staff) -> None:
    monitor = watch(staff)
    fallen(n=5, to=0.0)
    look()
    assert (kept(monitor).state, kept(monitor).said) == ("too_few", "too few to tell: 35 in the last 7 days, and 50 are needed")
    assert all_alerts() == []


def test_it_is_over_when_it_is_surely_back_and_a_second_fall_is_another_alert(staff: Staff) -> None:
    watch(staff)
    fallen(since=3, to=0.65, n=100)
    look()
    fill(0.8, days=1, until=LAST + timedelta(days=1), n=100)
    assert look(NOW + timedelta(days=1)).endswith("1 found something.")  # one good day proves nothing
    fill(0.8, days=6, until=LAST + timedelta(days=6))
    assert "'Satisfied' in chat is back: 80" in look(NOW + timedelta(days=6))
    (alert,) = all_alerts()
    assert (alert.state, alert.since) == ("cleared", LAST - timedelta(days=2)) and alert.until <= LAST
    assert look(NOW + timedelta(days=6)) == "1 monitor looked at, 0 found something."
    fill(0.6, days=2, until=LAST + timedelta(days=12))
    fill(0.8, days=4, until=LAST + timedelta(days=10))
    look(NOW + timedelta(days=12))
    assert [one.state for one in all_alerts()] == ["cleared", "open"]


def test_a_monitor_sleeps_until_its_time(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    with pytest.raises(Refused, match="within the next 90 days"):
        monitors.snooze(monitor.id, NOW - timedelta(days=1), why="Known.", by=staff.engineer, at=NOW)
    monitors.snooze(monitor.id, NOW + timedelta(hours=20), why="We know.", by=staff.engineer, at=NOW)
    look()
    assert (all_alerts(), kept(monitor).state) == ([], "alarm")
    look(NOW + timedelta(hours=21))
    assert [one.state for one in all_alerts()] == ["open"]


def test_what_was_closed_by_hand_comes_again_only_after_it_was_calm(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    look()
    (alert,) = all_alerts()
    alerts.acknowledge(alert.id, "I look into it.", by=staff.admin, at=NOW)
    alerts.close(alert.id, "The survey was broken.", by=staff.engineer, at=NOW)
    with pytest.raises(Refused, match="closed already"):
        alerts.close(alert.id, "Again.", by=staff.engineer)
    look()
    (alert,) = all_alerts()
    assert (alert.state, alert.note, alert.ended_why, alert.seen_by_id) == (
        "closed",
        "I look into it.",
        "The survey was broken.",
        staff.admin.id,
    )
    fill(0.8, days=2)
    look()
    assert not kept(monitor).quiet
    fallen()
    look()
    assert [one.state for one in all_alerts()] == ["closed", "open"]


def test_a_new_level_is_compared_with_once_there_is_enough_of_it(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    look()
    alerts.close(all_alerts()[0].id, "We ask more customers now.", new_level=True, by=staff.engineer, at=NOW)
    look()
    assert kept(monitor).state == "too_few"
    fill(0.6, days=30, until=LAST + timedelta(days=30))
    look(NOW + timedelta(days=30))
    assert (kept(monitor).state, kept(monitor).quiet) == ("calm", False)
    fill(0.4, days=2, until=LAST + timedelta(days=32))
    assert "fell to 40" in look(NOW + timedelta(days=32)) and "from 60" in all_alerts()[-1].sentence


def test_what_is_known_late_is_looked_at_late(staff: Staff) -> None:
    """Whether a conversation was resolved is known eight days later: before that, only the quick ones say so."""
    assert monitors.last_day("csat", at=NOW) == LAST
    assert monitors.last_day("resolution", at=NOW) == LAST - timedelta(days=8)


# -- whose eyes ---------------------------------------------------------------------------------------------------------------------------


def test_a_lead_of_a_team_is_told_of_that_team_alone(staff: Staff) -> None:
    everything = Definition("csat")
    mine, theirs = watch(staff, everything, by=staff.lead, name="Oak"), watch(staff, everything, by=staff.other, name="Fern")
    fill(0.8, team=staff.oak.id)
    fallen(team=staff.fern.id, n=400)
    look()
    assert {kept(mine).state, kept(theirs).state} == {"calm", "alarm"} and kept(theirs).state == "alarm"
    assert told(staff.lead) == [] and len(told(staff.other)) == 1
    assert [one.monitor.name for one in monitors.all_of(by=staff.lead)] == ["Oak"]
    assert [one.monitor.name for one in monitors.all_of(by=staff.rep)] == ["Oak"]
    assert [one.monitor.name for one in monitors.all_of(by=staff.engineer)] == ["Fern", "Oak"]
    assert monitors.get(theirs.id, by=staff.lead) is None and alerts.of(theirs.id, by=staff.lead) == []
    for act in acts_on(theirs):
        with pytest.raises(Refused, match="within your reach"):
            act(staff.lead)


def acts_on(monitor: Monitor) -> list[Callable[[Person], object]]:
    (alert,) = all_alerts()
    return [
        lambda by: monitors.snooze(monitor.id, None, why="", by=by),
        lambda by: monitors.retire(monitor.id, why="Enough.", by=by),
        lambda by: monitors.change(monitor.id, SATISFIED, why="Better.", by=by),
        lambda by: alerts.acknowledge(alert.id, "Seen.", by=by),
        lambda by: alerts.close(alert.id, "Done.", by=by),
    ]


def test_a_rep_has_nothing_watched_and_changes_nothing(staff: Staff) -> None:
    with pytest.raises(Denied):
        watch(staff, by=staff.rep)
    watch(staff)
    fallen()
    look()
    for act in acts_on(watch(staff, replace(SATISFIED, of=Slice()), name="All")):
        with pytest.raises(Denied):
            act(staff.rep)


def test_nobody_names_an_owner_who_sees_more_than_they_do(staff: Staff) -> None:
    with pytest.raises(Denied, match="more than your team"):
        watch(staff, by=staff.lead, owner_id=staff.engineer.id)
    with pytest.raises(Denied):
        watch(staff, replace(SATISFIED, of=Slice(team_id=staff.fern.id)), by=staff.lead, owner_id=staff.other.id)
    assert watch(staff, by=staff.lead, owner_id=staff.rep.id).team_id == staff.oak.id


def test_a_monitor_of_somebody_who_left_says_that_it_is_not_looked_at(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    people.disable(staff.engineer.id, by=people.console())
    assert "was not looked at: its owner left" in look()
    assert (kept(monitor).state, all_alerts()) == ("not_looked", [])
    monitors.change(monitor.id, SATISFIED, owner_id=staff.admin.id, why="Emil left.", by=staff.admin)
    look()
    assert len(all_alerts()) == 1


# -- what may be watched ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        (Definition("happiness"), "There is no measure 'happiness'"),
        (Definition("csat", Slice(channel="chat", language="de")), "Not counted together"),
        (Definition("csat", rule="oracle"), "there is no rule 'oracle'"),
        (Definition("csat", rule="threshold"), "a threshold needs a value"),
        (Definition("csat", rule="threshold", alarm_at=0.6, clear_at=0.5), "over before it is back"),
        (Definition("csat", alarm_at=0.02, clear_at=0.5), "clears at no more than it tells from"),
        (Definition("csat", least=3), "With fewer than 20|with fewer than 20"),
        (Definition("csat", window="year"), "days or weeks"),
        (Definition("csat", arms=ROLL_BACK), "say both what it does"),
        (
            Definition("csat", arms=STOP, armed_for=("article", "returns")),
            "a article cannot be taken back|cannot be taken back by a monitor",
        ),
    ],
)
def test_what_cannot_be_watched_is_told(staff: Staff, definition: Definition, why: str) -> None:
    with pytest.raises(Refused, match=why):
        watch(staff, definition)


def test_names_are_one_monitors_each_and_reasons_are_asked(staff: Staff) -> None:
    watch(staff)
    with pytest.raises(Refused, match="there is a monitor 'Chat' already"):
        watch(staff)
    with pytest.raises(Refused, match="say why"):
        monitors.make("Other", SATISFIED, why=" ", by=staff.engineer)


def test_each_change_is_kept_with_its_number_and_who_made_it(staff: Staff) -> None:
    monitor = watch(staff)
    fallen()
    look()
    changed = monitors.change(monitor.id, replace(SATISFIED, alarm_at=0.5), why="Only what is large.", by=staff.admin)
    assert (changed.number, [one.state for one in all_alerts()]) == (2, ["open"])
    monitors.change(monitor.id, replace(SATISFIED, of=Slice()), why="Of all.", by=staff.admin)
    assert [(one.state, one.ended_why) for one in all_alerts()] == [("closed", "its monitor looks for something else now")]
    kept_changes = monitors.history(monitor.id, by=staff.engineer)
    assert [(one.number, one.why, one.by_person_id) for one in kept_changes] == [
        (3, "Of all.", staff.admin.id), (2, "Only what is large.", staff.admin.id), (1, "We promised it.", staff.engineer.id)
    ]  # fmt: skip
    assert monitors.read(kept_changes[1].definition).alarm_at == 0.5
    monitors.retire(monitor.id, why="No longer needed.", by=staff.engineer)
    assert monitors.all_of(by=staff.engineer) == [] and look() == "0 monitors looked at, 0 found something."


# -- armed --------------------------------------------------------------------------------------------------------------------------------


def test_only_who_may_do_it_by_hand_arms_a_monitor_and_it_says_what_it_will_do(staff: Staff) -> None:
    released()
    for person in (staff.engineer, staff.admin):
        with pytest.raises(Denied, match="may not arm a monitor"):
            watch(staff, ARMED, by=person)
    with pytest.raises(Denied, match="may not arm a monitor"):
        watch(staff, ARMED, by=staff.lead, owner_id=staff.rep.id)
    with pytest.raises(Refused, match="was ever released"):
        watch(staff, replace(ARMED, armed_for=("answerer", "none")), by=staff.lead)
    assert monitors.promise(ARMED) == (
        f"With an alert it takes answerer '{ANSWERER}' back to the version before the one that is live then, if that one went live within "
        f"the 28 days before the change began. Today that would be {ANSWERER} 2."
    )
    watch(staff, ARMED, by=staff.lead)
    assert monitors.promise(replace(ARMED, arms=NONE, armed_for=None)) == "It tells its owner and does nothing."


def acting_tasks() -> list[Task]:
    return [one for one in tasks.waiting() if one.name == alerts.ACT]


def test_an_armed_alert_has_its_task_in_the_same_transaction_and_another_has_none(staff: Staff) -> None:
    released()
    watch(staff, ARMED, by=staff.lead)
    watch(staff, name="Unarmed")
    fallen(team="")
    look()
    (task,) = acting_tasks()
    armed, other = sorted(all_alerts(), key=lambda one: one.task_id is None)
    assert (task.id, task.person_id, task.arguments) == (armed.task_id, staff.lead.id, {"alert_id": armed.id})
    assert task.title == f"Roll back {ANSWERER} 2" and other.task_id is None
    look()
    assert len(acting_tasks()) == 1


def gone() -> None:
    released()
    with store.writing() as db:
        live = releases.live_in(db, "answerer", ANSWERER)
        assert live is not None
        releases.stop(db, live, why="It harmed.", by=None, at=NOW - timedelta(days=3))


def gone_back() -> None:
    released()
    with store.writing() as db:
        first = Target("answerer", ANSWERER, 1)
        releases.go_live(db, first, proposal_id=None, why_before_ends="rolled back: it was worse", by=None, at=NOW - timedelta(days=3))


@pytest.mark.parametrize(
    ("begun", "why"),
    [
        (lambda: released(at=NOW - timedelta(days=90)), "long before. Look for another cause."),
        (lambda: released(at=NOW), "after all that was found"),
        (lambda: released(1), f"there is no version before {ANSWERER} 1"),
        (gone, f"nothing of answerer '{ANSWERER}' is live"),
        (gone_back, f"{ANSWERER} 1 is what was gone back to already, from {ANSWERER} 2"),
    ],
)
def test_what_cannot_have_brought_it_is_not_rolled_back(staff: Staff, begun: Callable[[], None], why: str) -> None:
    begun()
    watch(staff, ARMED, by=staff.lead)
    fallen()
    look()
    (alert,) = all_alerts()
    assert acting_tasks() == [] and alert.acted.startswith("Nothing was done by itself: ") and why in alert.acted
    assert told(staff.lead) == [f"{alert.sentence} {alert.acted}"]


def test_a_monitor_would_have_told_what_it_then_tells(staff: Staff) -> None:
    fallen(since=10)
    found = alerts.would_have(SATISFIED, by=staff.engineer, at=NOW)
    assert len(found) == 1 and LAST - timedelta(days=9) <= found[0][0] <= LAST - timedelta(days=7) and "fell to 60" in found[0][1]
    fill(0.8)
    assert alerts.would_have(SATISFIED, by=staff.engineer, at=NOW) == []
    assert not access.may(people.console(), "measure.read")
    with pytest.raises(Denied):
        alerts.would_have(SATISFIED, by=people.console(), at=NOW)


def test_the_demo_finds_on_its_day_what_fell_then_and_its_people_answer(staff: Staff) -> None:
    fallen(since=20)
    with store.writing() as db:
        releases.go_live(db, Target("classifier", INTENT, 1), proposal_id=None, why_before_ends="", by=None, at=NOW - timedelta(days=20))
    demo_monitors.watch(lead=staff.lead, engineer=staff.engineer, since=NOW - timedelta(days=30), until=NOW)
    (alert,) = all_alerts()
    assert LAST - timedelta(days=20) <= alert.at.date() <= LAST - timedelta(days=12)
    assert (alert.state, alert.note) == ("closed", demo_monitors.SEEN[demo_monitors.SATISFIED])
    assert alert.seen_at == alert.at + demo_monitors.ANSWERED and alert.ended_why == demo_monitors.CLOSED[demo_monitors.SATISFIED]
    found = {one.monitor.name: one for one in monitors.all_of(by=staff.engineer)}
    assert [*found] == ["Chats", "Machine keeps silent", "Resolved in chat", "Right intents", "Satisfied customers"]
    assert found["Right intents"].definition.armed_for == ("classifier", INTENT)
    assert [name for name, one in found.items() if one.monitor.snoozed_until] == ["Chats"]
    assert inbox.unread(staff.lead) == 0 and told(staff.lead) == [alert.sentence]  # it was told, and read since


def test_a_demo_in_which_nothing_fell_tells_nothing(staff: Staff) -> None:
    """The control."""
    fill(0.8)
    demo_monitors.watch(lead=staff.lead, engineer=staff.engineer, since=NOW - timedelta(days=30), until=NOW)
    assert all_alerts() == [] and told(staff.lead) == []
    assert "Right intents" in [one.monitor.name for one in monitors.all_of(by=staff.lead)]  # nothing was released: it only tells
