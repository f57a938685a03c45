"""Conversations: find them, keep how they were found; each is read on a page of its own."""

from dataclasses import replace
from datetime import datetime

import pandas as pd
import streamlit as st

from data import access, behind, config, conversations, downloads, labels, lists, people, search, views
from data.behind import Behind
from data.conversations import PAGE, Filter
from data.errors import Denied, Refused
from data.measures import next_week, week_of
from data.tables import View
from portal import acts, session, together, widgets

person = st.session_state["person"]

SILENT = "Kept silent"
STATES = {  # reviewed, agreed
    "Reviewed": (True, None),
    "Not reviewed": (False, None),
    "Machine agrees": (None, True),
    "Machine disagrees": (None, False),
}
CHANNELS = {words: channel for channel, words in widgets.CHANNEL_WORDS.items()}
FIELDS = ("words", "channel", "intent", "state")  # each has a field above the list
MARK = behind.PREFIX
LED_HERE = ("week", "since", "until", "version", MARK)  # these have none: a chart's point or a view led to them
LONGEST_MARK = 160  # characters
OPENED = "conversations_view"  # which view the page shows


def many() -> None:
    widgets.page("Conversations", "Everything that came in, newest first. Narrow it down, open one to read it, or choose several.")
    above = st.container()
    view = opened()
    chosen = _filter()
    if view and chosen.is_empty() and view.query:  # the last filter was taken away: that is no view any more
        leave_view()
        view = None
    try:
        total = conversations.counted(chosen, by=person)
    except Refused as refused:  # a search that cannot be understood
        views_and_file(above, view, chosen, 0)
        st.warning(widgets.plain(str(refused)), icon=":material/search_off:")
        how_to_search(opened=True)
        return
    views_and_file(above, view, chosen, total)
    pages = -(-min(total, conversations.MOST_COUNTED) // PAGE)
    left, right = st.columns([3, 2], vertical_alignment="center")
    if total or not chosen.is_empty():
        with left:
            what_narrows(chosen, total)
    if not total:
        nothing_fits(chosen)
        return
    with right, st.container(horizontal_alignment="right"):
        page = st.pagination(pages, key=f"conversations_page_{hash(chosen)}") if pages > 1 else 1
    listed = conversations.listed(chosen, by=person, page=(page or 1) - 1)
    _table(listed, chosen)
    how_to_search(opened=False)


def nothing_fits(chosen: Filter) -> None:
    st.info(
        "No conversation fits. Take a filter away." if not chosen.is_empty() else "Nothing is here yet. Import a file to begin.",
        icon=":material/search_off:",
    )
    if chosen.is_empty() and access.may(person, "conversation.import"):
        st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")


def how_to_search(*, opened: bool) -> None:
    with st.expander("How to search", expanded=opened, icon=":material/help:"):
        rows = "\n".join(f"| `{example}` | {told} |" for example, told in search.HELP)
        st.markdown(f"| You type | and find what |\n|---|---|\n{rows}")


# -- the filters --------------------------------------------------------------------------------------------------------------------------


def _filter() -> Filter:
    """The row of filters. What is chosen stands in the address in the words that are shown, so that a link says what it opens."""
    row = st.columns([3, 1.6, 2.2, 1.8], vertical_alignment="bottom")
    words = row[0].text_input(
        "Search", key="words", bind="query-params", placeholder='Words, "phrases", intent:refund', icon=":material/search:"
    )
    channel = row[1].selectbox("Channel", list(CHANNELS), index=None, key="channel", bind="query-params", placeholder="All")
    intents = [label.name for label in labels.of()]
    intent = row[2].selectbox(
        "Machine's intent", [SILENT, *intents], index=None, key="intent", bind="query-params", placeholder="All"
    )  # fmt: skip
    state = row[3].selectbox("Review", list(STATES), index=None, key="state", bind="query-params", placeholder="All")
    week, version = _moment("week"), st.query_params.get("version", "")
    reviewed, agreed = STATES.get(state, (None, None))
    return Filter(
        channel=CHANNELS.get(channel),
        intent="none" if intent == SILENT else intent,
        words=words or "",
        reviewed=reviewed,
        agreed=agreed,
        since=week or _moment("since"),
        until=next_week(week) if week else _moment("until"),
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 6 else None,
        behind=_mark(),
    )


def _mark() -> Behind | None:
    """The mark of a chart that led here. Of one that cannot be followed it is said why, and the others still narrow."""
    if not behind.names_in(st.query_params):
        return None
    found = behind.read(st.query_params.to_dict())
    told = "This address names a mark that no chart has, so it is left out. Open the conversations from the chart again."
    try:
        if found:
            with st.spinner("The conversations behind this mark are being looked up."):
                behind.ids(found, by=person)
            return found
    except Denied as denied:
        told = f"The mark that this address names is left out. {denied}"
    st.info(widgets.plain(told), icon=":material/link_off:")
    return None


def _moment(name: str) -> datetime | None:
    raw = st.query_params.get(name)
    try:
        moment = datetime.fromisoformat(raw) if raw else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo and 1970 <= moment.year <= 2200 else None


def in_the_fields(found: Filter) -> dict[str, str]:
    """The filter as the fields and the address say it."""
    told = {
        "words": found.words,
        "channel": widgets.CHANNEL_WORDS.get(found.channel or "", ""),
        "intent": SILENT if found.intent == "none" else found.intent,
        "state": next((words for words, meant in STATES.items() if meant == (found.reviewed, found.agreed)), ""),
        "version": str(found.version or ""),
    }
    if found.since and found.since == week_of(found.since) and found.until == next_week(found.since):
        told["week"] = found.since.isoformat()
    else:
        told |= {"since": found.since.isoformat() if found.since else "", "until": found.until.isoformat() if found.until else ""}
    if found.behind:
        told |= behind.address(found.behind)
    return {name: value for name, value in told.items() if value}


def fill(found: Filter) -> None:
    told = in_the_fields(found)
    st.session_state["words"] = told.get("words", "")
    for name in FIELDS[1:]:
        st.session_state[name] = told.get(name)
    take_away(LED_HERE)
    for name in told.keys() - set(FIELDS):
        st.query_params[name] = told[name]


def take_away(names: tuple[str, ...]) -> None:
    for name in names:
        if name in FIELDS:
            st.session_state[name] = "" if name == "words" else None
        else:
            for one in behind.names_in(st.query_params) if name == MARK else (name,):
                st.query_params.pop(one, None)


def what_narrows(chosen: Filter, total: int) -> None:
    """How many are left, and each filter to be taken away alone."""
    told = in_the_fields(replace(chosen, behind=None))
    shown = {name: value if name in FIELDS else f"Version {value}" for name, value in told.items()}
    for name, words in (("week", "Week of"), ("since", "From"), ("until", "Before")):
        if name in told:
            shown[name] = f"{words} {widgets.day(datetime.fromisoformat(told[name]))}"
    if chosen.behind:
        shown[MARK] = behind.words(chosen.behind)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="conversations_narrowing"):
        st.caption(f"{conversations.in_words(total)} conversation{'' if total == 1 else 's'}", width="content")
        for name, words in shown.items():
            most = LONGEST_MARK if name == MARK else 30
            short = words if len(words) <= most else words[: most - 1] + "…"
            label = widgets.plain(f"“{short}”" if name == "words" else short)
            st.button(
                label, icon=":material/close:", type="tertiary", key=f"conversations_without_{name}", help="Take this filter away",
                on_click=take_away, args=((name,),),
            )  # fmt: skip
        if len(shown) > 1:
            st.button("Clear all", type="tertiary", key="conversations_without_any", on_click=take_away, args=((*FIELDS, *LED_HERE),))
    if chosen.behind:
        st.caption(widgets.plain(behind.explained(chosen.behind, by=person)))


# -- saved views --------------------------------------------------------------------------------------------------------------------------


def opened() -> View | None:
    """The view that the address names. One that was just opened fills the filters; its own filters may stand in the address, changed."""
    wanted = st.query_params.get("view")
    view = views.get(wanted, by=person) if wanted and access.may(person, "view.save") else None
    if view is None:
        if wanted:
            st.info(views.NOT_HERE, icon=":material/bookmark_remove:")
        st.session_state[OPENED] = None
        return None
    if st.session_state.get(OPENED) != view.id and not {*FIELDS, *LED_HERE} & set(st.query_params):
        found = views.filter_of(view)
        fill(found)
        if told := in_the_fields(found):  # a view is an address: from here on it says what the view does
            st.session_state[OPENED] = view.id
            st.switch_page("screens/conversations.py", query_params={"view": view.id, **told})
    st.session_state[OPENED] = view.id
    return view


def open_view() -> None:
    """Another one was chosen, or none."""
    view = views.get(st.session_state[OPENED], by=person) if st.session_state[OPENED] else None
    fill(views.filter_of(view) if view else Filter())
    if view:
        st.query_params["view"] = view.id
    else:
        leave_view()


def leave_view() -> None:
    st.query_params.pop("view", None)
    st.session_state[OPENED] = None


def views_and_file(above, view: View | None, chosen: Filter, total: int) -> None:
    """The row above the filters: open a view, keep one, change it, take the list along."""
    changed = view is not None and views.filter_of(view) != chosen
    with above, st.container(horizontal=True, vertical_alignment="center", gap="small", key="conversations_views"):
        if access.may(person, "view.save"):
            choose_view(view)
            if changed:
                st.badge("Changed", icon=":material/edit:", color="orange")
                told = "Back to what the view says"
                st.button("Back", icon=":material/undo:", type="tertiary", help=told, on_click=fill, args=(views.filter_of(view),))
            if not chosen.is_empty() and (view is None or changed):
                keep_view(chosen, anew=changed)
            if view:
                change_view(view)
        if total and access.may(person, "conversation.export"):
            offer_file(chosen, total)


def choose_view(view: View | None) -> None:
    known = {one.id: one for one in views.of(by=person)}
    if view:
        known.setdefault(view.id, view)  # one that somebody sent
    if not known:
        return
    who = people.names()

    def told(view_id: str) -> str:
        one = known[view_id]
        theirs = f" · {who.get(one.by_person_id, 'somebody')}" if one.by_person_id != person.id else " · shared" if one.team_id else ""
        return one.name + theirs

    st.selectbox(
        "Saved views", list(known), format_func=told, key=OPENED, placeholder=f"Saved views ({len(known)})", index=None,
        on_change=open_view, label_visibility="collapsed", width=250,
    )  # fmt: skip


def keep_view(chosen: Filter, *, anew: bool) -> None:
    with st.popover("Save anew" if anew else "Save this view", icon=":material/bookmark_add:"):
        with st.form("conversations_save", border=False):
            name = st.text_input("Name", max_chars=views.LONGEST, placeholder="Annoyed customers, by e-mail", key="conversations_new_name")
            team = people.teams().get(person.team_id or "")
            shared = st.checkbox(f"Share it with {widgets.plain(team)}", help="Each sees what they may read.") if team else False
            pressed = st.form_submit_button("Save view", type="primary")
        if pressed:
            saved: list[View] = []
            done = acts.attempt(lambda: saved.append(views.save(name or "", chosen, by=person, shared=shared)), "The view is saved.")
            if done:
                st.query_params["view"] = saved[0].id
                st.session_state.pop(OPENED, None)
                st.rerun()
            acts.show_notice()


def change_view(view: View) -> None:
    with st.popover("Link and name" if view.by_person_id == person.id else "Link", icon=":material/link:"):
        st.caption("Who opens this address sees what they may read." if view.team_id else "Only you can open this address.")
        st.code(f"{base()}/conversations?view={view.id}", language=None, wrap_lines=True)
        if view.by_person_id == person.id:
            with st.form("conversations_rename", border=False):
                name = st.text_input("Name", view.name, max_chars=views.LONGEST, key=f"conversations_name_{view.id}")
                if st.form_submit_button("Rename view"):
                    act_on_view(lambda: views.rename(view.id, name or "", by=person), "The view is renamed.")
        if views.may_forget(view, by=person) and st.button("Forget view", icon=":material/bookmark_remove:", key="conversations_forget"):
            act_on_view(lambda: views.forget(view.id, by=person), f"The view '{view.name}' is forgotten.", leaves=True)


def act_on_view(act, done: str, *, leaves: bool = False) -> None:
    if acts.attempt(act, done):
        if leaves:
            st.query_params.pop("view", None)
            st.session_state.pop(OPENED, None)
        st.rerun()
    acts.show_notice()


def base() -> str:
    here = config.settings().public_url or (st.context.url or "").split("/conversations")[0]
    return here.rstrip("/")


def offer_file(chosen: Filter, total: int) -> None:
    most = f" The newest {lists.MOST:,} of them, if more fit." if total > conversations.MOST_COUNTED else ""
    told = f"This list as a file for a spreadsheet, personal data masked.{most}"
    if st.button("Download as CSV", icon=":material/download:", key="conversations_download", help=told):
        kept: dict[str, str] = {}

        def act() -> str:
            made = lists.as_csv(chosen, by=person)
            kept["ticket"] = downloads.offer(made.key, made.name, by=person, right="conversation.export")
            return made.sentence

        with st.spinner("The list is being written."):
            done = acts.attempt(act, str)
        if done:
            session.go(f"/api/v1/downloads/{kept['ticket']}")
        acts.show_notice()


# -- the list -----------------------------------------------------------------------------------------------------------------------------


TO_READ = "conversations_to_read"  # the line that was opened


def _table(listed: list[conversations.Listed], chosen: Filter) -> None:
    above = st.container()
    frame = pd.DataFrame(
        {
            "Open": [":material/open_in_full:"] * len(listed),
            "Opened": [widgets.when(row.opened_at) for row in listed],
            "Channel": [widgets.CHANNEL_WORDS[row.channel] for row in listed],
            "Customer": [row.customer.removeprefix("Customer ") for row in listed],
            "Begins": [" ".join(f"{row.subject} {row.opening}".split())[:160] for row in listed],
            "Intent": [row.intent or ("kept silent" if row.confidence is not None else "–") for row in listed],
            "Sure": [row.confidence * 100 if row.confidence is not None else None for row in listed],
            "Rated": [f"{row.csat} of 5" if row.csat else "" for row in listed],
            "Reviewed": [row.reviewed for row in listed],
        }
    )
    event = st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key=f"conversations_table_{hash(tuple(row.id for row in listed))}_{together.key()}",
        **together.table([row.id for row in listed], by=person),
        column_config={
            "Open": st.column_config.ButtonColumn("", width=44, type="tertiary", key=TO_READ, help="Read it"),
            "Opened": st.column_config.TextColumn(width=128),
            "Channel": st.column_config.TextColumn(width=70),
            "Customer": st.column_config.TextColumn(width=76),
            "Begins": st.column_config.TextColumn(width=222),
            "Intent": st.column_config.TextColumn(width=150, help="What the live classifier said first"),
            "Sure": st.column_config.NumberColumn(format="%.0f %%", width=58),
            "Rated": st.column_config.TextColumn(width=58),
            "Reviewed": st.column_config.CheckboxColumn(width=82),
        },
    )
    if pressed := st.session_state.get(TO_READ):
        st.session_state["conversations_narrowed"] = st.query_params.to_dict()  # the way back leads to the same list
        st.switch_page("screens/conversation.py", query_params={"conversation": listed[pressed["row"]].id})
    rows = event.selection.rows if together.may_act(person) else []
    with above:
        together.bar([row.id for row in listed], [listed[row].id for row in rows], chosen, by=person)


wanted = st.query_params.get("conversation")
if wanted:  # how one was opened before it had a page of its own
    st.switch_page("screens/conversation.py", query_params={"conversation": wanted})
many()
