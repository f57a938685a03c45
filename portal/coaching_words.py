"""What coaching says, in the same words to a lead and to whom it is about."""

from collections.abc import Sequence
from math import ceil

import streamlit as st

from data.coaching import PERIOD, Finding
from data.exercises import Given
from data.measures import percent
from data.tables import CoachingNote, Person
from portal import widgets
from portal.widgets import plain

WEEKS = PERIOD.days // 7
PAGE = 15  # conversations at once


def sentence(one: Finding, whose: str) -> str:
    """Without a word of praise or blame: what was counted, and beside what."""
    found = f"{percent(one.share)} {one.criterion.what} ({percent(one.low)} to {percent(one.high)})"
    return f"Of {one.n} of {whose} conversations, {found}; of the others' {one.others:,} on the same intents, {percent(one.team_share)}."


def finding(one: Finding, whose: str, *, by: Person) -> None:
    """The sentence, three conversations that show it, and all that were counted."""
    st.markdown(plain(sentence(one, whose)))
    st.caption(f"{'Three' if len(one.conversation_ids) == 3 else len(one.conversation_ids)} that show it:")
    widgets.openings(one.conversation_ids, by=by)
    key = f"{one.person_id}_{one.criterion.key}"
    _all_of(f"All {one.n:,} of {whose}", one.counted, f"own_{key}", by)
    _all_of(f"The others' {one.others:,}", one.beside, f"others_{key}", by)


def _all_of(words: str, ids: Sequence[str], key: str, by: Person) -> None:
    """A page of them at a time, newest first; they are read once somebody opens it."""
    with st.expander(plain(words), icon=":material/forum:", key=f"coaching_all_{key}", on_change="rerun") as opened:
        if opened.open:
            pages = ceil(len(ids) / PAGE)
            page = (st.pagination(pages, key=f"coaching_page_{key}") if pages > 1 else 1) or 1
            widgets.openings(ids[(page - 1) * PAGE : page * PAGE], by=by, most=PAGE)


def progress(given: Given, *, lead: bool) -> str:
    told = f"{given.answered} of {given.asked} answered" if given.asked else "its examples are no longer asked"
    until = f" · until {given.exercise.due_on:%-d %B}" if given.exercise.due_on and not given.done else ""
    return f"{'for ' + given.person if lead else 'from ' + given.lead} · {widgets.when(given.exercise.at)} · {told}{until}"


def note(one: CoachingNote, names: dict[str, str], *, by: Person) -> None:
    """One of a thread: who wrote it, when, and the conversations that it is about."""
    mine = one.by_person_id == by.id
    writer = "You" if mine else names.get(one.by_person_id or "", "Somebody")
    about = f" · {plain(one.criterion)}" if one.criterion else ""
    st.markdown(f"**{plain(writer)}** :gray[· {widgets.when(one.at)}{about}]")
    st.text(one.text)
    if one.conversation_ids:
        widgets.openings(one.conversation_ids, by=by)
