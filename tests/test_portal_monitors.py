"""Monitors as people see them: the list, one monitor's page, the form, and what a rep, a lead and an engineer may do there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import inbox, people, store, versions
from data.tables import Alert, Daily, Monitor, Person
from data.trends import EVERYBODYS, Slice
from data.values import now
from evals import alerts, monitors
from evals.alarms import RATIO, THRESHOLD, WEEK
from evals.monitors import NONE, ROLL_BACK, Definition, checked
from knowledge.answerers import NAME as ANSWERER
from portal import monitor_drawn, monitor_form, monitor_list, monitor_words
from portal.bench import monitors as made_up_days
from tests.conftest import Staff, hire
from tests.test_evals_monitors import all_alerts, fill, released
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] [l](http://evil.example)"
SATISFIED = Definition("csat", Slice(channel="chat"))


@pytest.fixture
def team(sqlite_home: Any) -> Staff:
    return hire()


def watch(by: Person, name: str = "Stars in chat", definition: Definition = SATISFIED, **how: Any) -> Monitor:
    return monitors.make(name, definition, why="We promised it.", by=by, **how)


def fell(to: float = 0.6, *, days: int = 3) -> None:
    """Four of five until lately, as far as it is known today."""
    last = monitors.last_day("csat")
    fill(0.8, until=last)
    fill(to, days=days, until=last)


def look() -> str:
    return alerts.look(by=people.console())


def kept(monitor: Monitor) -> Monitor:
    with store.reading() as db:
        return db.get_one(Monitor, monitor.id)


def alert() -> Alert:
    (found,) = all_alerts()
    return found


def press(app: AppTest, label: str) -> AppTest:
    return drawn(next(one for one in app.button if one.label.replace("\\", "") == label).click().run())


def fill_in(app: AppTest, key: str, value: str) -> AppTest:
    field = next(one for one in (*app.text_input, *app.text_area) if one.key == key)
    return drawn(field.set_value(value).run())


def choose(app: AppTest, kind: str, key: str, value: Any) -> AppTest:
    return drawn(getattr(app, kind)(key=key).set_value(value).run())


def pictures(app: AppTest) -> list[str]:
    """What is said of each to whoever does not see it."""
    return [str(image.alt).replace("\xa0", " ") for part in app.get("imgs") + app.get("image") for image in part.proto.imgs]


def names(app: AppTest) -> list[str]:
    """Of the lines that are drawn."""
    return [one.label for one in app.button if (one.key or "").startswith("monitors_open_")]


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def test_where_nothing_is_watched_the_page_says_what_a_monitor_does_and_who_begins_one(team: Staff) -> None:
    for person, may in ((team.rep, False), (team.lead, True), (team.engineer, True), (team.admin, True)):
        app = opened(person, "monitors")
        assert "Nothing is watched yet." in words(app)
        assert ("Leads and engineers begin one." in words(app)) is not may
        assert ("Have a measure watched" in labels_of(app)) is may


def test_a_line_says_what_is_watched_whose_it_is_how_it_stands_and_its_figures(team: Staff) -> None:
    monitor = watch(team.lead)
    assert "Not looked at yet" in words(opened(team.rep, "monitors"))
    fell(0.8)
    look()
    app = opened(team.rep, "monitors")
    said = words(app)
    assert "Stars in chat" in said and "Quiet" in said and "'Satisfied' in chat is 80 % (78–82, n = 1,400)." in said
    assert "Tells when one to seven days surely fell by 3 points or more against the four weeks before." in said and "Told to Leo." in said
    assert "From 80 % to 80 % in 56 days" in pictures(app)
    check_words_only(app, monitor.id)


def test_an_alert_stands_first_and_thirty_are_paged_and_told_apart(team: Staff) -> None:
    for number in range(30):
        watch(team.engineer if number % 2 else team.lead, f"Monitor {number:02}", replace(SATISFIED, of=Slice()) if number else SATISFIED)
    fell()
    with store.writing() as db:  # all together are as they were, and what has no team stays down
        db.execute(update(Daily).where(col(Daily.team_id) == EVERYBODYS).values(sum=160.0, sum_sq=160.0))
    look()
    app = opened(team.engineer, "monitors")
    assert "30 measures are watched, day by day; 15 have an alert. Look at what has one first." in words(app)
    assert names(app) == [f"**Monitor {number:02}**" for number in range(0, 2 * monitor_list.PAGE, 2)]
    app = choose(app, "segmented_control", "monitors_shown", "mine")
    assert names(app) == [f"**Monitor {number:02}**" for number in range(1, 2 * monitor_list.PAGE, 2)]


def test_who_sees_only_a_team_sees_its_monitors_alone(team: Staff) -> None:
    watch(team.lead, "Oak's own")
    watch(team.other, "Fern's own", replace(SATISFIED, of=Slice()))
    told = words(opened(team.rep, "monitors"))
    assert "Oak's own" in told and "Fern's own" not in told
    assert "Fern's own" in words(opened(team.engineer, "monitors"))  # the control


def test_one_of_another_team_or_a_retired_one_is_not_opened(team: Staff) -> None:
    other = watch(team.other, "Fern's own")
    gone = watch(team.lead, "Oak's own")
    monitors.retire(gone.id, why="Enough.", by=team.lead)
    for one in (other, gone):
        assert "That monitor was retired, or it is about another team." in words(opened(team.rep, "monitors", monitor=one.id))


# -- one monitor --------------------------------------------------------------------------------------------------------------------------


def test_its_page_shows_its_days_its_promise_and_what_it_looked_for(team: Staff) -> None:
    monitor = watch(team.lead)
    fell()
    look()
    app = opened(team.rep, "monitors", monitor=monitor.id)
    said = words(app)
    assert len(app.get("vega_lite_chart")) == 1 and "It tells its owner and does nothing." in said
    assert "four times of five, a fall of" in said and "wrong less than once in three months" in said
    assert "Dotted" not in said and "dotted: before 80 %" in said
    assert "What it looked for so far: 1" in said and "We promised it. · Leo" in said
    links = [part.proto for part in app.get("page_link")]
    (way, why) = (next(one for one in links if one.label.startswith(label)) for label in ("Its conversations", "Why, on Quality"))
    assert "behind=csat" in way.query_string and "behind_counted=no" in way.query_string and "behind_channel=chat" in way.query_string
    assert "measure=Satisfied" in why.query_string and "channel=Chat" in why.query_string
    check_words_only(app, monitor.id, alert().id)


def test_a_rep_reads_and_changes_nothing(team: Staff) -> None:
    monitor = watch(team.lead)
    fell()
    look()
    for address in ({"monitor": monitor.id}, {"monitor": monitor.id, "change": "1"}, {"new": "1"}, {"measure": "csat"}):
        app = opened(team.rep, "monitors", **address)
        offered = labels_of(app)
        assert not any(word in offered for word in ("Change", "Snooze", "Retire", "See to it", "Close", "Have it watched", "Save"))
    told = labels_of(opened(team.lead, "monitors", monitor=monitor.id))
    assert all(word in told for word in ("Change", "Snooze", "Retire", "See to it", "Close"))  # the control


def test_an_alert_is_seen_to_and_closed_with_a_note_that_everybody_reads(team: Staff) -> None:
    monitor = watch(team.lead)
    fell()
    look()
    app = opened(team.lead, "monitors", monitor=monitor.id)
    press(app, "I see to it")
    assert "Not acknowledged: say why" in words(app) and alert().seen_at is None
    press(fill_in(app, f"monitors_seen_note_{alert().id}", HOSTILE), "I see to it")
    app = opened(team.rep, "monitors", monitor=monitor.id)
    assert f"Leo sees to it, just now: {HOSTILE}" in words(app)
    check_words_only(app, monitor.id)
    app = opened(team.lead, "monitors", monitor=monitor.id)
    press(fill_in(app, f"monitors_close_note_{alert().id}", "It was the survey."), "Close the alert")
    assert (alert().state, alert().ended_why) == ("closed", "It was the survey.")
    said = words(opened(team.rep, "monitors", monitor=monitor.id))
    assert "closed by hand" in said and "It was the survey." in said and "Closed, waits until it is calm" in said


def test_whoever_owns_it_finds_the_alert_in_their_inbox_and_one_click_leads_to_it(team: Staff) -> None:
    monitor = watch(team.lead)
    fell()
    look()
    (item,) = inbox.of(team.lead)
    assert (item.kind, item.page) == ("alert", f"monitors?monitor={monitor.id}")
    app = opened(team.lead, "inbox")
    assert "What monitors found" in words(app) and "'Satisfied' in chat fell to 60 %" in words(app)
    assert "What moved because of you" not in words(app)


def test_it_is_snoozed_with_an_end_and_a_reason_woken_and_retired(team: Staff) -> None:
    monitor = watch(team.lead)
    app = opened(team.lead, "monitors", monitor=monitor.id)
    app = choose(app, "selectbox", "monitors_snooze_for", 3)
    sleep = next(one.label for one in app.button if one.label.startswith("Snooze until"))
    press(app, sleep)
    assert "Not snoozed: say why" in words(app) and kept(monitor).snoozed_until is None
    press(fill_in(app, "monitors_snooze_why", "The sale."), sleep)
    until = kept(monitor).snoozed_until
    assert until is not None and timedelta(days=2) < until - now() < timedelta(days=3)
    app = opened(team.lead, "monitors", monitor=monitor.id)
    assert "Snoozed until" in words(app) and "snoozed: The sale." in words(app)
    press(opened(team.lead, "monitors", monitor=monitor.id), "Wake")
    assert kept(monitor).snoozed_until is None
    app = opened(team.lead, "monitors", monitor=monitor.id)
    press(fill_in(app, "monitors_retire_why", "Nobody looks."), "Retire it")
    assert kept(monitor).retired_at is not None and "Nothing is watched yet." in words(opened(team.lead, "monitors"))


# -- the form -----------------------------------------------------------------------------------------------------------------------------


def test_one_is_begun_by_an_address_tried_on_what_was_and_kept(team: Staff) -> None:
    fell()
    app = opened(team.engineer, "monitors", measure="csat", channel="chat")
    said = words(app)
    assert (
        "'Satisfied' in chat" in said and "In 90 days it would have told one alert" in said and "'Satisfied' in chat fell to 60 %" in said
    )
    press(app, "Have it watched")
    assert "Not watched: say why" in words(app) and monitors.all_of(by=team.engineer) == []
    press(fill_in(app, "monitors_why_new", "We promised four of five."), "Have it watched")
    (made,) = monitors.all_of(by=team.engineer)
    assert (made.monitor.name, made.definition) == ("'Satisfied' in chat", checked(SATISFIED))


def test_what_it_would_have_told_follows_what_is_typed(team: Staff) -> None:
    fell()
    app = opened(team.engineer, "monitors", measure="csat", channel="chat")
    app = drawn(app.number_input(key="monitors_size_new_csat_change").set_value(30.0).run())
    assert "In 90 days it would have told nothing" in words(app) and "fell by 30 points or more" in words(app)
    app = choose(app, "segmented_control", "monitors_rule_new", THRESHOLD)
    app = drawn(app.number_input(key="monitors_size_new_csat_threshold").set_value(70.0).run())
    assert "In 90 days it would have told one alert" in words(app) and "surely below 70 %" in words(app)
    press(fill_in(app, "monitors_why_new", "Seventy is what we promised."), "Have it watched")
    (made,) = monitors.all_of(by=team.engineer)
    assert (made.definition.rule, made.definition.alarm_at, made.definition.clear_at) == (THRESHOLD, 0.7, 0.7)


def test_what_cannot_be_watched_is_said_before_anything_is_kept(team: Staff) -> None:
    intent = str(labels.add("Refund", by=team.lead).id)
    fell()
    app = opened(team.engineer, "monitors", measure="csat", intent=intent, language="en")
    assert "Not counted together: intent, language." in words(app)
    assert next(one for one in app.button if one.label == "Have it watched").disabled


@pytest.mark.parametrize(
    ("params", "of"),
    [
        ({"measure": "csat", "channel": "Chat"}, Slice(channel="chat")), ({"measure": "Satisfied", "channel": "~"}, Slice("")),
        ({"measure": "resolution", "team": "Oak", "segment": "gold"}, Slice(team_id="Oak", segment="gold")),
        ({"measure": "nonsense"}, None),
        ({"channel": "chat"}, None),
    ],
)  # fmt: skip
def test_an_address_is_read_by_keys_and_by_words(team: Staff, params: dict[str, str], of: Slice | None) -> None:
    found = monitor_form.asked_for(params)
    assert (found.of if found else None) == (replace(of, team_id=team.oak.id) if of and of.team_id else of)


def test_a_change_is_kept_with_its_reason_beside_what_it_looked_for_before(team: Staff) -> None:
    monitor = watch(team.lead)
    fell(0.8)
    app = opened(team.lead, "monitors", monitor=monitor.id, change="1")
    app = drawn(app.number_input(key=f"monitors_size_{monitor.id}_csat_change").set_value(5.0).run())
    app = fill_in(app, f"monitors_name_{monitor.id}", "Stars")
    press(fill_in(app, f"monitors_why_{monitor.id}", "Three was too nervous."), "Save the change")
    first, before = monitors.history(monitor.id, by=team.lead)
    assert (kept(monitor).name, monitors.read(first.definition).alarm_at, monitors.read(before.definition).alarm_at) == (
        "Stars",
        0.05,
        0.03,
    )
    said = words(opened(team.rep, "monitors", monitor=monitor.id))
    assert "fell by 5 points or more" in said and "fell by 3 points or more" in said and "Three was too nervous. · Leo" in said


def test_a_change_of_nothing_keeps_every_figure(team: Staff) -> None:
    odd = Definition("csat", Slice(channel="chat"), alarm_at=0.0333, clear_at=0.01, least=77, window=WEEK)
    monitor = watch(team.lead, definition=odd)
    app = opened(team.lead, "monitors", monitor=monitor.id, change="1")
    press(fill_in(app, f"monitors_why_{monitor.id}", "Only to say why."), "Save the change")
    first, before = monitors.history(monitor.id, by=team.lead)
    assert first.definition == before.definition


def test_a_team_lead_is_offered_no_other_team(team: Staff) -> None:
    assert not [one for one in opened(team.lead, "monitors", measure="csat").selectbox if one.label == "Team"]
    assert [one for one in opened(team.engineer, "monitors", measure="csat").selectbox if one.label == "Team"]


# -- armed --------------------------------------------------------------------------------------------------------------------------------


def arm(app: AppTest) -> AppTest:
    app = choose(app, "segmented_control", "monitors_arms_new", ROLL_BACK)
    return choose(app, "selectbox", "monitors_armed_new", ("answerer", ANSWERER))


def test_a_lead_arms_one_after_reading_what_it_will_do_and_saying_yes(team: Staff) -> None:
    app = opened(team.lead, "monitors", measure="csat")
    assert "Nothing was ever released that it could take back." in words(choose(app, "segmented_control", "monitors_arms_new", ROLL_BACK))
    with store.writing() as db:
        for _ in range(2):
            versions.add(db, "answerer", ANSWERER, by=team.engineer, manifest={})
    released()
    app = arm(opened(team.lead, "monitors", measure="csat"))
    said = words(app)
    assert f"it takes answerer '{ANSWERER}' back to the version before the one that is live then" in said
    assert f"Today that would be {ANSWERER} 2." in said and "in the name of Leo" in said
    save = next(one for one in app.button if one.label == "Arm it and save")
    assert save.disabled
    app = drawn(app.checkbox(key="monitors_sure_new").check().run())
    press(fill_in(app, "monitors_why_new", "It should not wait for Monday."), "Arm it and save")
    (made,) = monitors.all_of(by=team.lead)
    assert (made.definition.arms, made.definition.armed_for) == (ROLL_BACK, ("answerer", ANSWERER))
    assert "Rolls back answerer" in words(opened(team.rep, "monitors", monitor=made.monitor.id))


def test_an_engineer_arms_nothing_and_may_disarm(team: Staff) -> None:
    released()
    app = opened(team.engineer, "monitors", measure="csat")
    assert "A lead can have it roll back or stop a release by itself." in words(app)
    assert not [one for one in app.segmented_control if one.key == "monitors_arms_new"]
    monitor = watch(team.lead, definition=replace(SATISFIED, arms=ROLL_BACK, armed_for=("answerer", ANSWERER)))
    app = opened(team.engineer, "monitors", monitor=monitor.id, change="1")
    press(fill_in(app, f"monitors_why_{monitor.id}", "Still armed."), "Save the change")
    assert "Who may: lead" in words(app) and kept(monitor).number == 1
    app = drawn(app.toggle(key=f"monitors_disarm_{monitor.id}").set_value(True).run())
    press(fill_in(app, f"monitors_why_{monitor.id}", "Too hasty."), "Save the change")
    (now_,) = monitors.all_of(by=team.engineer)
    assert (kept(monitor).number, now_.definition.arms) == (2, NONE)


# -- words and pictures -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "words_of_it"),
    [
        (Definition("csat"), "one to seven days surely fell by 3 points or more against the four weeks before"),
        (Definition("csat", window=WEEK), "one to four weeks surely fell by 3 points or more against the eight weeks before"),
        (Definition("volume", rule=RATIO, alarm_at=0.25), "seven days are surely 25\u00a0% or more off the four weeks before"),
        (Definition("csat", rule=THRESHOLD, alarm_at=0.8), "a day is surely below 80\u00a0%"),
        (Definition("handling", rule=THRESHOLD, alarm_at=600, window=WEEK), "seven days together are surely above 600 s"),
        (Definition("handling"), "one to seven days surely rose against the four weeks before"),
        (Definition("csat", alarm_at=0.01), "surely fell by 1 point or more"),
    ],
)
def test_what_is_looked_for_is_said_in_words(definition: Definition, words_of_it: str) -> None:
    assert words_of_it in monitor_words.looks_for(checked(definition))


@pytest.mark.parametrize(("per_day", "within"), [(200, 3), (60, 7)])
def test_what_it_says_it_finds_it_finds_four_times_of_five(per_day: int, within: int) -> None:
    """On made-up traffic that strays more than coins would; a third of that size is seldom found, so the size is no empty word."""
    definition, seeds = checked(Definition("csat")), range(40)
    sizes = sorted(monitor_words.smallest(definition, made_up_days.made_up(seed, 70, per_day), within) or 1.0 for seed in seeds)
    size = sizes[len(sizes) // 2]

    def found(fall: float) -> int:
        many = [made_up_days.made_up(900 + seed, 70 + within, per_day, fall=fall, from_day=70) for seed in seeds]
        return sum(bool(made_up_days.told(days, definition.looks_for, first=70, many=within)) for days in many)

    assert 0.02 < size < 0.3
    assert found(size) >= 0.8 * len(seeds) and found(size / 3) <= 0.4 * len(seeds)


def test_with_hardly_any_conversations_it_promises_nothing() -> None:
    few = made_up_days.made_up(1, 70, 1)
    assert monitor_words.expects(checked(Definition("csat")), few).startswith("With so few conversations even a large change")


def test_a_small_picture_is_made_of_numbers_alone() -> None:
    days = made_up_days.made_up(1, 60, 100)
    small = monitor_drawn.spark(checked(Definition("csat")), days, None)
    assert small is not None and small.picture.startswith("<svg ") and small.picture.count("<line") == 2
    assert not [sign for sign in ("script", "href", "onload", "url(", "&") if sign in small.picture]
    assert monitor_drawn.spark(checked(Definition("csat")), days[:1], None) is None


def test_names_that_somebody_typed_are_shown_as_they_stand(team: Staff) -> None:
    monitor = watch(team.lead, HOSTILE)
    fell()
    look()
    for app in (opened(team.rep, "monitors"), opened(team.rep, "monitors", monitor=monitor.id), opened(team.lead, "inbox")):
        check_words_only(app, monitor.id)
    assert HOSTILE in words(opened(team.rep, "monitors"))
