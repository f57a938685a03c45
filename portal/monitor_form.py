"""The form that has something watched, or changes what a monitor looks for, and beside it what it would have told so far."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import streamlit as st

from data import access, defined, labels, people, releases, trends, versions
from data.defined import Measure
from data.errors import Refused
from data.tables import Person
from data.trends import Slice
from data.values import now
from evals import alerts, monitors
from evals.alarms import CHANGE, DAY, RATIO, THRESHOLD, WEEK
from evals.monitors import LONGEST_NAME, LONGEST_NOTE, NONE, RIGHTS, ROLL_BACK, STOP, Definition, Watched
from portal import acts, monitor_drawn, monitor_words, widgets

BACK = 90  # days that are gone through
MOST_TOLD = 6  # of what it would have told
WORSE = {"down": "It falls", "up": "It rises", "either": "Either way"}
BESIDE = {"down": "It is below", "up": "It is above"}
WINDOWS = {DAY: "Within days", WEEK: "Over weeks"}
BY_ITSELF = {NONE: "Only tell", ROLL_BACK: "Roll back", STOP: "Stop"}
PARTS = ("segment", "language", "version", "team")  # what is seldom asked for
EVERY = "all"
UNKNOWN = "not known"
FINEST = {"share": 0.5, "count": 1.0}  # steps of a number


def asked_for(params: Mapping[str, str]) -> Definition | None:
    """What an address begins a monitor with, by keys or by the words for them: ?measure=resolution&channel=chat. None: it names nothing."""
    by_title = {one.title: one.name for one in defined.ALL}
    try:
        measure = defined.of(by_title.get(params.get("measure", ""), params.get("measure", ""))).name
    except Refused:
        return None
    known = {"channel": widgets.CHANNEL_WORDS, "intent": labels.names(), "team": people.teams()}
    words = {name: {title: key for key, title in titles.items()} for name, titles in known.items()}
    told = {name: params[name].removeprefix("~") for name in trends.COLUMNS if name in params}
    return Definition(measure, slice_of({name: words.get(name, {}).get(value, value) for name, value in told.items()}))


def address(measure: str, of: Slice) -> dict[str, str]:
    """The other way round: what `asked_for` reads as just these."""
    return {"measure": measure, **{name: f"~{value}" if not value or value.startswith("~") else value for name, value in of.told.items()}}


def slice_of(told: Mapping[str, str | None]) -> Slice:
    return Slice(**{"team_id" if name == "team" else name: value for name, value in told.items() if value is not None})


def show(person: Person, watched: Watched | None = None, begun: Definition | None = None) -> None:
    """Of one that is there already, or of a new one."""
    kept = watched.definition if watched else begun or Definition("resolution")
    which = watched.monitor.id if watched else "new"
    with st.container(key="monitors_desk"):
        left, right = st.columns([1, 1], gap="large")
    with left:
        wanted = _fields(kept, which, person)
        owner = _owner(watched, which, person)
        wanted = _by_itself(wanted, which, person, owner)
    with right:
        fits = _preview(wanted, person)
        _save(fits, watched, which, person, owner)


# -- what is looked for -------------------------------------------------------------------------------------------------------------------


def _fields(kept: Definition, which: str, person: Person) -> Definition:
    known = _measures(person, kept.measure)
    measure = st.selectbox(
        "Measure", known, index=[one.name for one in known].index(kept.measure), format_func=lambda one: one.title,
        key=f"monitors_measure_{which}",
    )  # fmt: skip
    of = _slice(kept.of, measure, which, person)
    rule = st.segmented_control(
        "It tells when", list(monitor_words.RULES), default=kept.rule, required=True, format_func=monitor_words.RULES.__getitem__,
        key=f"monitors_rule_{which}", help=monitor_words.RULES_HELP, wrap=True,
    ) or CHANGE  # fmt: skip
    same = kept if (kept.measure, kept.rule) == (measure.name, rule) else Definition(measure.name, rule=rule)
    place = f"{which}_{measure.name}_{rule}"
    first, second = st.columns(2)
    with first:
        direction = _direction(same, measure, place)
    with second:
        alarm_at = _size(same, measure, place, person, of)
    first, second = st.columns(2)
    window = same.window if rule == RATIO else first.segmented_control(
        "Found", list(WINDOWS), default=same.window, required=True, format_func=WINDOWS.__getitem__, key=f"monitors_window_{place}",
        help="Within days: a fall that comes at once. Over weeks: one that creeps, and smaller ones.", wrap=True,
    )  # fmt: skip
    least = (first if rule == RATIO else second).number_input(
        "Conversations that it needs", monitors.LEAST_OF_ALL, 1_000_000, kept.least, 10, key=f"monitors_least_{which}",
        help="With fewer it says that they are too few to tell.",
    )  # fmt: skip
    clear = same.clear_at if alarm_at == same.alarm_at else None
    return Definition(measure.name, of, rule, direction, alarm_at, clear, int(least), window or DAY, kept.arms, kept.armed_for)


def _measures(person: Person, kept: str) -> list[Measure]:
    """Those that there is something of, and the one that is watched."""
    today = now().date()
    there = trends.measures(by=person, since=today - timedelta(days=BACK), until=today) or list(defined.ALL)
    return there if kept in [one.name for one in there] else [defined.of(kept), *there]


def _slice(kept: Slice, measure: Measure, which: str, person: Person) -> Slice:
    first, second = st.columns(2)
    names = labels.names()
    intents = sorted({one.id for one in labels.of()} | {*filter(None, [kept.intent])}, key=lambda one: names.get(one, "").lower())
    told: dict[str, str | None] = {}
    with first:
        told["channel"] = _choice("Channel", list(widgets.CHANNEL_WORDS), kept.channel, which, widgets.CHANNEL_WORDS)
    with second:
        told["intent"] = _choice("Intent", intents, kept.intent, which, names)
    with st.expander("Only a segment, a language, a version or a team", expanded=bool({*kept.told} & {*PARTS})):
        for name in PARTS:
            told[name] = _part(name, kept.told.get(name), measure, which, person)
    return slice_of(told)


def _part(name: str, kept: str | None, measure: Measure, which: str, person: Person) -> str | None:
    if name == "team" and access.reach(person, "measure.read") != access.ALL:
        return kept
    today = now().date()
    there = trends.broken_down(measure.name, by=person, since=today - timedelta(days=BACK), until=today, along=name)
    values = sorted({str(one) for one in there} | {*([kept] if kept is not None else [])})
    return _choice(name.capitalize(), values, kept, which, people.teams() if name == "team" else {})


def _choice(title: str, values: Sequence[str], kept: str | None, which: str, names: Mapping[str, str]) -> str | None:
    """None: all of them. Empty: those of which it is not known."""
    choices = [None, *values, *([kept] if kept is not None and kept not in values else [])]
    return st.selectbox(
        title, choices, index=choices.index(kept), key=f"monitors_{title.lower()}_{which}",
        format_func=lambda one: f"All {title.lower()}s" if one is None else names.get(one, one) or UNKNOWN,
    )  # fmt: skip


def _direction(kept: Definition, measure: Measure, place: str) -> str:
    words = BESIDE if kept.rule == THRESHOLD else WORSE
    usual = {"more": "down", "less": "up"}.get(measure.better, "down" if kept.rule == THRESHOLD else "either")
    default = kept.direction if kept.direction in words else usual
    return st.selectbox(
        "Told when", list(words), index=list(words).index(default), format_func=words.__getitem__, key=f"monitors_direction_{place}"
    )  # fmt: skip


def _size(kept: Definition, measure: Measure, place: str, person: Person, of: Slice) -> float | None:
    """As people say it: points, percent, or the measure's own unit."""
    scale = 100.0 if measure.kind == "share" or kept.rule == RATIO else 1.0
    unit = "%" if kept.rule == RATIO or (measure.kind == "share" and kept.rule == THRESHOLD) else "points" if scale > 1 else measure.unit
    usual = _usual(kept, measure, of, person)
    title = f"This value, {unit}" if kept.rule == THRESHOLD else f"At least, {unit}"
    told = st.number_input(
        title, 0.0, 100.0 if scale > 1 and kept.rule == THRESHOLD else None, round(usual * scale, 2), FINEST.get(measure.kind, 0.1) if
        kept.rule != RATIO else 1.0, key=f"monitors_size_{place}", format="%.10g",
        help=None if kept.rule == THRESHOLD else "What is smaller is not told, however sure it is.",
    )  # fmt: skip
    return kept.alarm_at if told == round(usual * scale, 2) and kept.alarm_at is not None else told / scale


def _usual(kept: Definition, measure: Measure, of: Slice, person: Person) -> float:
    if kept.alarm_at is not None:
        return kept.alarm_at
    if kept.rule == THRESHOLD:
        return _today(measure, of, person)
    return monitors.USUAL[kept.rule][0 if measure.kind == "share" else 1][0]


def _today(measure: Measure, of: Slice, person: Person) -> float:
    """A value to begin with: a little worse than the last four weeks."""
    last = monitors.last_day(measure.name)
    try:
        days = monitors.days(Definition(measure.name, of), last, by=person, reads=28)
    except Refused:
        return 0.0
    over = sum(one.over for one in days)
    value = sum(one.total for one in days) / over if over else 0.0
    return round(value, 2) if measure.kind == "share" else float(f"{value:.2g}")


def _owner(watched: Watched | None, which: str, person: Person) -> Person:
    kept = watched.monitor.owner_id if watched else person.id
    known = [one for one in people.everybody(by=person) if one.disabled_at is None and access.may(one, "measure.read")]
    ids = [one.id for one in known]
    return st.selectbox(
        "Told to", known, index=ids.index(kept) if kept in ids else None, format_func=lambda one: one.name, key=f"monitors_owner_{which}",
        help="Their inbox and their mail, with their eyes: whoever sees only a team is told of that team.",
    ) or person  # fmt: skip


# -- what it does by itself ---------------------------------------------------------------------------------------------------------------


def _by_itself(wanted: Definition, which: str, person: Person, owner: Person) -> Definition:
    """Only who may do that by hand has it done."""
    if not access.may(person, "monitor.arm"):
        st.caption(":material/lock: A lead can have it roll back or stop a release by itself.")
        if wanted.arms == NONE or not st.toggle("From now on it only tells", key=f"monitors_disarm_{which}"):
            return wanted
        return replace(wanted, arms=NONE, armed_for=None)
    arms = st.segmented_control(
        "By itself", list(BY_ITSELF), default=wanted.arms, required=True, format_func=BY_ITSELF.__getitem__, key=f"monitors_arms_{which}",
        wrap=True,
    ) or NONE  # fmt: skip
    if arms == NONE:
        return replace(wanted, arms=NONE, armed_for=None)
    there = [one for one in released() if (one[0], arms) in RIGHTS]
    if not there:
        st.caption("Nothing was ever released that it could take back.")
        return replace(wanted, arms=NONE, armed_for=None)
    armed_for = st.selectbox(
        "Of what", there, index=there.index(wanted.armed_for) if wanted.armed_for in there else None, placeholder="Choose what goes back",
        format_func=lambda one: f"{one[0].capitalize()} '{one[1]}'", key=f"monitors_armed_{which}",
    )  # fmt: skip
    wanted = replace(wanted, arms=arms if armed_for else NONE, armed_for=armed_for)
    if armed_for:
        st.warning(
            f"{widgets.plain(monitors.promise(wanted))} It does so once an alert, in the name of {widgets.plain(owner.name)}, who has "
            "to have the right to do it by hand; the record and the release say why. Nothing is done while it is snoozed.",
            icon=":material/bolt:",
        )  # fmt: skip
    return wanted


def released() -> list[tuple[str, str]]:
    """Kind and name of what was ever in force and may be taken back."""
    kinds = dict.fromkeys(kind for kind, _ in RIGHTS)
    return [(kind, name) for kind in kinds for name in versions.names(kind) if releases.steps(kind, name)]


# -- what it would have told --------------------------------------------------------------------------------------------------------------


def _preview(wanted: Definition, person: Person) -> Definition | None:
    """With all filled in. None: it cannot be watched so."""
    try:
        full = monitors.checked(wanted)
        told = alerts.gone_through(full, by=person, back=BACK)
        days = monitors.days(full, monitors.last_day(full.measure), by=person, reads=BACK)
    except Refused as refused:
        st.warning(widgets.plain(str(refused)), icon=":material/block:")
        return None
    about = f"**{widgets.plain(monitors.subject_of(full))}**  \n{widgets.plain(monitor_words.looks_for(full))}"
    st.markdown(about, help=widgets.plain(defined.of(full.measure).definition))
    if not any(one.n for one in days):
        st.info(
            "Nothing of it was counted in the last three months. It looks from the first day on that holds enough.",
            icon=":material/hourglass_empty:",
        )
        return full
    times = "nothing" if not told else "one alert" if len(told) == 1 else f"{len(told):,} alerts"
    title = f"In {BACK} days it would have told {times}"
    st.markdown(f"**{title}**")
    levels = monitor_drawn.lines(full, days, None, [(one.since, one.until) for one in told])
    spans = [monitor_drawn.Span(one.since, one.until, one.sentence, "tried") for one in told]
    chart = monitor_drawn.chart(full, days, levels, spans=spans, told=[one.day for one in told], height=170)
    st.altair_chart(chart, key="monitors_preview", alt=title)
    st.caption(f"{widgets.plain(monitor_drawn.legend(full, levels))}{' · shaded: an alert' if told else ''}.")
    for one in told[-MOST_TOLD:]:
        st.markdown(f":orange[:material/notifications_active:] {monitor_words.day(one.day)}: {widgets.plain(one.sentence)}")
    if len(told) > MOST_TOLD:
        st.caption(f"and {len(told) - MOST_TOLD:,} before. Ask for more points, or more conversations, and it tells less.")
    st.caption(f":material/timer: {widgets.plain(monitor_words.expects(full, days))}")
    return full


# -- kept ---------------------------------------------------------------------------------------------------------------------------------


def _save(fits: Definition | None, watched: Watched | None, which: str, person: Person, owner: Person) -> None:
    first, second = st.columns(2)
    name = first.text_input(
        "Name", watched.monitor.name if watched else "", key=f"monitors_name_{which}", max_chars=LONGEST_NAME,
        placeholder=monitors.subject_of(fits) if fits else "",
    )  # fmt: skip
    why = second.text_input("Why", key=f"monitors_why_{which}", max_chars=LONGEST_NOTE, placeholder="It stands beside the monitor")
    armed = fits is not None and fits.arms != NONE
    newly = armed and (watched is None or (watched.definition.arms, watched.definition.armed_for) != (fits.arms, fits.armed_for))  # type: ignore[union-attr]
    sure = st.checkbox("Yes, it does that by itself", key=f"monitors_sure_{which}") if newly else True
    with st.container(horizontal=True):
        words = "Arm it and save" if newly else "Save the change" if watched else "Have it watched"
        if st.button(words, type="primary", icon=":material/check:", disabled=fits is None or not sure, key="monitors_save") and fits:
            _keep(fits, name or "", why or "", watched, person, owner)
        if st.button("Leave it", key="monitors_leave"):
            leave(watched.monitor.id if watched else "")


def _keep(fits: Definition, name: str, why: str, watched: Watched | None, person: Person, owner: Person) -> None:
    made: list[Any] = []
    if watched:
        monitor_id = watched.monitor.id
        done = acts.attempt(
            lambda: monitors.change(monitor_id, fits, name=name, owner_id=owner.id, why=why, by=person), done="Changed."
        )  # fmt: skip
    else:
        done = acts.attempt(
            lambda: made.append(monitors.make(name, fits, owner_id=owner.id, why=why, by=person)), done="Watched from now on, day by day."
        )  # fmt: skip
    if done:
        leave(made[0].id if made else monitor_id)
    st.rerun()


def leave(monitor_id: str) -> None:
    """To its page, or to the list."""
    st.query_params.from_dict({"monitor": monitor_id} if monitor_id else {})
    st.rerun()
