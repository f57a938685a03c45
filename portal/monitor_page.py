"""One monitor: its days with what they are held against, what it found and what people did with it, and what it looked for so far."""

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from data import access, behind, defined, people
from data.behind import Behind
from data.errors import Refused
from data.tables import Alert, Delivery, Person
from data.values import now
from evals import alerts, monitors
from evals.alarms import Day
from evals.alerts import MAIL, OPEN
from evals.monitors import LONGEST_NOTE, NONE, Definition, Watched
from portal import acts, alerting, monitor_drawn, monitor_form, monitor_words, quality_controls, widgets

SHOWN = 90  # days
LENGTHS = {1: "A day", 3: "Three days", 7: "A week", 30: "A month", 90: "Three months"}  # of a snooze
ENDED = {"cleared": ("over", ":material/check_circle:", "green"), "closed": ("closed by hand", ":material/task_alt:", "gray")}
EVENTS = {"opened": "told", "ended": "told that it is over", "acted": "told what was done"}
STATES = {"waiting": "not yet", "done": "done", "given_up": "given up"}


def show(watched: Watched, person: Person) -> None:
    if st.button("All monitors", icon=":material/arrow_back:", type="tertiary"):
        monitor_form.leave("")
    if "change" in st.query_params and access.may(person, "monitor.change"):
        st.subheader(f"Change '{widgets.plain(watched.monitor.name)}'", anchor=False)
        monitor_form.show(person, watched)
        return
    _head(watched, person)
    days = _days(watched, person)
    past = alerts.of(watched.monitor.id, by=person)
    if watched.alert:
        _alert(watched, watched.alert, person)
    _picture(watched, days, past)
    _ways_on(watched, days)
    _promise(watched, days)
    _history_of_alerts([one for one in past if one.state != OPEN], watched, person)
    _changes(watched, person)


def _head(watched: Watched, person: Person) -> None:
    monitor, stands = watched.monitor, monitor_words.standing(watched, now())
    told, actions = st.columns([3, 2], vertical_alignment="center")
    with told:
        st.subheader(widgets.plain(monitor.name), anchor=False)
        badges = f":{stands.colour}-badge[{stands.icon} {stands.words}]"
        if watched.alert and monitor_words.is_asleep(monitor, now()):
            badges += f" :gray-badge[:material/notifications_paused: Snoozed until {widgets.day(monitor.snoozed_until or now())}]"
        if armed := monitor_words.arms(watched.definition):
            badges += f" :violet-badge[:material/bolt: {widgets.plain(armed)} by itself]"
        st.markdown(badges)
    if access.may(person, "monitor.change"):
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            _actions(watched, person)
    st.markdown(f"{widgets.plain(watched.subject)}. {widgets.plain(monitor_words.looks_for(watched.definition))}")
    owner = widgets.plain(people.names().get(monitor.owner_id, "somebody who left"))
    looked = f" · looked at up to {monitor_words.day(monitor.looked_on)}" if monitor.looked_on else ""
    snoozed = f" · snoozed: {widgets.plain(monitor.snoozed_why)}" if monitor_words.is_asleep(monitor, now()) else ""
    st.caption(f"Told to {owner}{looked}{snoozed}")
    if monitor.said and watched.alert is None:
        st.markdown(widgets.plain(f"{monitor.said[:1].upper()}{monitor.said[1:].rstrip('.')}."))


def _days(watched: Watched, person: Person) -> list[Day]:
    """What this person may see of it."""
    try:
        return monitors.days(watched.definition, monitors.last_day(watched.definition.measure), by=person, reads=SHOWN)
    except Refused as refused:
        st.caption(f":material/lock: {widgets.plain(str(refused))}")
        return []


# -- what can be done ---------------------------------------------------------------------------------------------------------------------


def _actions(watched: Watched, person: Person) -> None:
    monitor = watched.monitor
    if st.button("Change", icon=":material/edit:", key="monitors_change"):
        st.query_params.from_dict({"monitor": monitor.id, "change": "1"})
        st.rerun()
    if monitor_words.is_asleep(monitor, now()):
        if st.button("Wake", icon=":material/notifications:", key="monitors_wake"):
            acts.attempt(lambda: monitors.snooze(monitor.id, None, why="", by=person), done="It is awake again.")
            st.rerun()
    else:
        with st.popover("Snooze", icon=":material/notifications_paused:"):
            _snooze(monitor.id, person)
    with st.popover("Retire", icon=":material/archive:"):
        st.markdown("It looks no more. What it found stays in the record.")
        why = st.text_input("Why", key="monitors_retire_why", max_chars=LONGEST_NOTE)
        if st.button("Retire it", key="monitors_retire"):
            if acts.attempt(lambda: monitors.retire(monitor.id, why=why or "", by=person), done=f"Retired {monitor.name}."):
                monitor_form.leave("")
            st.rerun()


def _snooze(monitor_id: str, person: Person) -> None:
    st.markdown("Nothing new is told until then, and nothing done by itself.")
    length = st.selectbox("For", list(LENGTHS), format_func=LENGTHS.__getitem__, index=2, key="monitors_snooze_for")
    why = st.text_input("Why", key="monitors_snooze_why", max_chars=LONGEST_NOTE, placeholder="Such as: the sale brings other customers")
    until = now() + timedelta(days=length) - timedelta(minutes=1)
    if st.button(f"Snooze until {widgets.day(until)}", key="monitors_snooze"):
        acts.attempt(lambda: monitors.snooze(monitor_id, until, why=why or "", by=person), done=f"Quiet until {widgets.day(until)}.")
        st.rerun()


def _alert(watched: Watched, alert: Alert, person: Person) -> None:
    """The one that is open, with what can be said to it."""
    with st.container(border=True, key="monitors_alert"):
        st.markdown(f":orange[:material/notifications_active:] **{widgets.plain(alert.sentence)}**")
        if acted := alerts.came_of_it(alert):
            st.markdown(f":violet[:material/bolt:] {widgets.plain(acted)}")
        if alert.seen_at:
            who = widgets.plain(people.names().get(alert.seen_by_id or "", "Somebody"))
            st.markdown(f":material/visibility: {who} sees to it, {widgets.when(alert.seen_at)}: {widgets.plain(alert.note)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            _conversations(watched, alert.since, alert.until, counted=_bad(watched.definition, alert))
            if access.may(person, "monitor.change"):
                _answer(alert, person)
        _told_to(alert, person)


def _answer(alert: Alert, person: Person) -> None:
    with st.popover("See to it" if alert.seen_at is None else "Say more", icon=":material/visibility:"):
        st.markdown("The others read that somebody does. It stays open until its measure is back.")
        note = st.text_area("What you do about it", alert.note, key=f"monitors_seen_note_{alert.id}", max_chars=LONGEST_NOTE)
        if st.button("I see to it", key=f"monitors_seen_{alert.id}", type="primary"):
            acts.attempt(lambda: alerts.acknowledge(alert.id, note or "", by=person), done="Kept. The others read that you see to it.")
            st.rerun()
    with st.popover("Close", icon=":material/task_alt:"):
        st.markdown("The next one comes only once it was calm in between.")
        note = st.text_area("What it was", key=f"monitors_close_note_{alert.id}", max_chars=LONGEST_NOTE)
        stays = st.toggle(
            "It stays like that", key=f"monitors_level_{alert.id}",
            help="From now on it is compared with the days since the alert began, not with those before.",
        )  # fmt: skip
        if st.button("Close the alert", key=f"monitors_close_{alert.id}"):
            acts.attempt(
                lambda: alerts.close(alert.id, note or "", new_level=stays, by=person), done="Closed. What it was stands beside it."
            )
            st.rerun()


def _told_to(alert: Alert, person: Person) -> None:
    found = alerting.of(alert.id, by=person)
    if not found:
        return
    late = sum(one.state != "done" for one in found)
    with st.expander(f"Told to {len(found):,}" + (f", {late:,} of them not yet" if late else ""), icon=":material/send:"):
        for one in found:
            st.markdown(delivered(one))


def delivered(one: Delivery) -> str:
    """A line: whom, what, and whether it is there."""
    icon = {"done": ":green[:material/check:]", "waiting": ":orange[:material/schedule:]"}.get(one.state, ":red[:material/close:]")
    tries = f", {one.tries:,} {'try' if one.tries == 1 else 'tries'}" if one.tries else ""
    sent = f", {widgets.when(one.sent_at)}" if one.sent_at else ""
    why = f": {widgets.plain(one.why)}" if one.why else ""
    whom = "Mail to the owner" if one.receiver == MAIL else f"Webhook {widgets.plain(one.receiver)}"
    return f"{icon} {whom}, {EVENTS.get(one.event, one.event)}: {STATES.get(one.state, one.state)}{tries}{sent}{why}"


# -- what it looks at ---------------------------------------------------------------------------------------------------------------------


def _picture(watched: Watched, days: list[Day], past: list[Alert]) -> None:
    if not any(one.n for one in days):
        st.info("Nothing of it was counted yet. Its days appear here, each once it is over.", icon=":material/hourglass_empty:")
        return
    title = _title(watched, past)
    st.markdown(f"**{widgets.plain(title)}**")
    levels = monitor_drawn.lines(watched.definition, days, watched.alert, monitor_drawn.trouble_of(past))
    chart = monitor_drawn.chart(watched.definition, days, levels, spans=monitor_drawn.spans_of(past))
    st.altair_chart(chart, key="monitors_chart", alt=title)
    meaning = widgets.plain(defined.of(watched.definition.measure).definition)
    known = widgets.plain(monitor_drawn.legend(watched.definition, levels))
    st.caption(f"{known}{' · shaded: an alert' if past else ''}. {meaning}")
    with st.expander("The numbers as a table"):
        st.dataframe(monitor_drawn.table(watched.definition, days), hide_index=True, height=300)


def _title(watched: Watched, past: list[Alert]) -> str:
    """The finding."""
    subject = monitors.subject_of(watched.definition)
    if watched.alert:
        return f"{subject}: an alert since {monitor_words.day(watched.alert.since)}"
    first = monitors.last_day(watched.definition.measure) - timedelta(days=SHOWN)
    recent = sum(one.until >= first for one in past)
    found = "no alert" if not recent else "one alert" if recent == 1 else f"{recent:,} alerts"
    return f"{subject}: {found} in three months"


def _ways_on(watched: Watched, days: list[Day]) -> None:
    with st.container(horizontal=True):
        if days and watched.alert is None:
            last = days[-1].day
            _conversations(watched, max(days[0].day, last - timedelta(days=6)), last, counted=None)
        known = quality_controls.names()
        of = {name: known.of(name, value) for name, value in watched.definition.of.told.items()}
        st.page_link(
            "screens/quality.py", label="Why, on Quality", icon=":material/monitoring:",
            query_params={"measure": defined.of(watched.definition.measure).title, "why": "true", **of}, width="content",
        )  # fmt: skip


def _bad(definition: Definition, alert: Alert) -> bool | None:
    """Of a share that fell those that do not count, of one that rose those that do."""
    if defined.of(definition.measure).kind != "share":
        return None
    return int(alert.numbers.get("sign", -1)) > 0


def _conversations(watched: Watched, since: Any, until: Any, *, counted: bool | None) -> None:
    found = Behind(watched.definition.measure, since, until, watched.definition.of, counted)
    st.page_link(
        "screens/conversations.py", label=f"Its conversations, {monitor_words.days(since, until)}", icon=":material/forum:",
        query_params=behind.address(found), width="content",
    )  # fmt: skip


def _promise(watched: Watched, days: list[Day]) -> None:
    told = monitors.promise(watched.definition)
    icon = ":material/notifications:" if watched.definition.arms == NONE else ":violet[:material/bolt:]"
    st.markdown(f"{icon} {widgets.plain(told)}")
    if any(one.n for one in days):
        st.markdown(f":material/timer: {widgets.plain(monitor_words.expects(watched.definition, days, trouble=watched.alert))}")


# -- what was -----------------------------------------------------------------------------------------------------------------------------


def _history_of_alerts(past: list[Alert], watched: Watched, person: Person) -> None:
    if not past:
        return
    st.markdown("**Alerts so far**")
    for one in past:
        _ended(one, watched, person)


def _ended(alert: Alert, watched: Watched, person: Person) -> None:
    words, icon, colour = ENDED.get(alert.state, (alert.state, ":material/help:", "gray"))
    days = monitor_words.days(alert.since, alert.until)
    with st.expander(f"{days}, {words}", icon=icon, key=f"monitors_past_{alert.id}"):
        st.markdown(widgets.plain(alert.sentence))
        if acted := alerts.came_of_it(alert):
            st.markdown(f":violet[:material/bolt:] {widgets.plain(acted)}")
        if alert.note:
            who = widgets.plain(people.names().get(alert.seen_by_id or "", "Somebody"))
            st.markdown(f":material/visibility: {who}: {widgets.plain(alert.note)}")
        st.markdown(f":{colour}[{icon}] {words.capitalize()}{_since(alert.ended_at)}: {widgets.plain(alert.ended_why)}")
        _conversations(watched, alert.since, alert.until, counted=_bad(watched.definition, alert))
        for one in alerting.of(alert.id, by=person):
            st.caption(delivered(one))


def _since(moment: datetime | None) -> str:
    return f" {widgets.when(moment)}" if moment else ""


def _changes(watched: Watched, person: Person) -> None:
    found, who = monitors.history(watched.monitor.id, by=person), people.names()
    with st.expander(f"What it looked for so far: {len(found):,}", icon=":material/history:", key="monitors_changes"):
        for one in found:
            definition = monitors.read(one.definition)
            armed = monitor_words.arms(definition)
            st.markdown(
                f"**{one.number}** · {widgets.plain(monitors.subject_of(definition))}. {widgets.plain(monitor_words.looks_for(definition))}"
                + (f" {widgets.plain(armed)} by itself." if armed else "")
            )
            name = widgets.plain(who.get(one.by_person_id or "", "the console"))
            st.caption(f"{widgets.plain(one.why)} · {name}, {widgets.when(one.at)}", help=widgets.exact(one.at))
