"""The team's work for whoever leads it: how much was reviewed, what waits and for how long, how long decisions took. Nobody is named."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from data import access, labels, team_decisions, team_view, team_waiting
from data.amounts import Amount
from data.defined import Measure
from data.tables import Person
from data.team_decisions import Decided
from data.team_view import Coverage, Covered
from data.team_waiting import Waits
from data.trends import Point
from portal import charts, graphs, team_text, widgets
from portal.graphs import Line
from portal.quality_links import CONVERSATIONS

SHOWN = 6  # intents at first
NEVER_APART = "\u00a0"  # a number and its word, at the end of a line
SPANS = {"quarter": team_decisions.QUARTER, "year": team_decisions.YEAR}
SPAN_WORDS = {"quarter": "Last 90 days", "year": "Last year"}
COVERED, WAITS, DECIDED = [4, 2, 3, 3], [4, 2, 2, 5], [3, 4, 4, 2, 2]  # widths of the columns
REVIEWED = Measure("review_coverage", "Reviewed", "share", "share", "more", "Conversations that anybody reviewed, of all that came in.")
MEDIAN = (
    "From being proposed to the last yes that it needed, or to the no. Half took at most so long; in brackets where that half lies in 95 "
    "of 100 cases, by the order of the times. What still waits, lapsed or was withdrawn counts as longer than it is known of "
    "(Kaplan and Meier): left out, a team that decides late would look quick. Fewer than six decided ones say nothing."
)


def show_work(person: Person, team: str | None) -> None:
    """`team`: the one that an admin chose; a lead's is their own."""
    found = team_view.coverage(by=person, team_id=team)
    waiting = team_waiting.waiting(by=person, team_id=team)
    st.markdown(f"**{widgets.plain(team_text.finding(found, waiting))}**")
    _to_the_worst(found, waiting, person)
    _coverage(found)
    _waiting(waiting, person)
    _decisions(person, team)


def _to_the_worst(found: Coverage, waiting: Sequence[Waits], person: Person) -> None:
    """Where one begins with what the sentence names."""
    if (worst := team_view.least(found)) is not None:
        _to_unreviewed(worst, f"Open the {worst.left:,} that nobody reviewed")
        return
    oldest = team_waiting.longest(waiting)
    kind = team_text.WAITING[oldest.kind] if oldest and (oldest.oldest or team_text.LONG) >= team_text.LONG else None
    if kind and kind.page and access.may(person, kind.right):
        st.page_link(f"screens/{kind.page}.py", label="Begin there", icon=":material/arrow_forward:", width="content")


# -- how much was reviewed ----------------------------------------------------------------------------------------------------------------


def _coverage(found: Coverage) -> None:
    st.subheader("How much was reviewed", anchor=False)
    if not any(one.share.n for one in found.weeks):
        st.info("Nothing came in during the last twelve weeks. Each week stands here once something has.", icon=":material/forum:")
        return
    _by_week(found.weeks)
    told = f"Last {team_view.DAYS} days, the least covered first. {widgets.plain(_whole(found))}"
    st.markdown(told, help="In brackets: where the true share lies in 95 of 100 cases.")
    names = labels.names()
    with st.container(key="team_table_intents"):
        _header(COVERED, ("Intent", "Reviewed", "Share, its range", "Nobody reviewed"))
        for one in found.intents[:SHOWN]:
            _covered(one, team_text.named(one.key, names))
    if rest := found.intents[SHOWN:]:
        with (
            st.expander(f"The other {len(rest)} {'intent' if len(rest) == 1 else 'intents'}", icon=":material/expand_more:"),
            st.container(key="team_table_rest"),
        ):
            for one in rest:
                _covered(one, team_text.named(one.key, names))
    if any(not one.key for one in found.intents):
        st.caption("What has no intent yet is by its nature hardly reviewed: a review names one.")
    with st.container(key="team_table_channels"):
        _header(COVERED, ("Channel", "Reviewed", "Share, its range", "Nobody reviewed"))
        for one in found.channels:
            _covered(one, widgets.CHANNEL_WORDS.get(one.key, one.key))


def _whole(found: Coverage) -> str:
    return team_text.covered(found.whole, "conversations in all") if found.whole.share.n else "Nothing came in during these days."


def _by_week(weeks: Sequence[Covered]) -> None:
    known = [one for one in weeks if one.share.n]
    points = [Point(date.fromisoformat(one.key), _amount(one)) for one in weeks]
    still_open = frozenset({points[-1].day})
    line = Line(REVIEWED, points, date.fromisoformat(known[0].key), points[-1].day, days=7, open=still_open, dark=graphs.is_dark())
    told = "Share of conversations that anybody reviewed, week by week"
    event = st.altair_chart(graphs.trend(line, height=220), key="team_weeks", on_select="rerun", selection_mode=charts.PICK, alt=told)
    st.caption("Reviewed of what came in each week · band: 95 % · the last week is not over · a click opens those that nobody reviewed")
    ways = {f"{graphs.point_words(date.fromisoformat(one.key), 7)}: {one.left:,} without a review": one for one in reversed(known)}
    ask = "Open the conversations of a week"
    chosen = st.selectbox(ask, list(ways), index=None, key="team_weeks_open", placeholder=ask, label_visibility="collapsed", width=340)
    picked = ways.get(chosen) if chosen else next((one for one in known if one.key == graphs.picked(event)), None)
    if picked:
        st.switch_page(CONVERSATIONS, query_params=team_text.unreviewed(picked))


def _amount(one: Covered) -> Amount:
    return Amount(n=one.share.n, weight=one.share.n, sum=one.share.k, sum_sq=one.share.k)


def _covered(one: Covered, name: str) -> None:
    row = st.columns(COVERED, vertical_alignment="center", gap="small")
    row[0].markdown(widgets.plain(name))
    row[1].markdown(f"{one.share.k:,} of {one.share.n:,}")
    row[2].markdown(widgets.plain(team_text.figure(one)))
    with row[3]:
        if one.left:
            _to_unreviewed(one, f"Open {one.left:,}")
        else:
            st.markdown(":green[:material/check:] :gray[all]")


def _to_unreviewed(one: Covered, label: str) -> None:
    st.page_link(CONVERSATIONS, label=label, icon=":material/forum:", query_params=team_text.unreviewed(one), width="content")


def _header(widths: Sequence[int], words: Sequence[str]) -> None:
    for place, told in zip(st.columns(widths, gap="small"), words, strict=True):
        place.markdown(f":small[:gray[{told}]]")


# -- what waits ---------------------------------------------------------------------------------------------------------------------------


def _waiting(waiting: Sequence[Waits], person: Person) -> None:
    st.subheader("What waits, and for how long", anchor=False)
    there = [one for one in waiting if one.count]
    if not there:
        st.info("Nothing waits on the people of this team.", icon=":material/check:")
        return
    with st.container(key="team_table_waits", gap="xsmall"):
        _header(WAITS, ("What", "Half wait at least", "Oldest", "Where"))
        for one in there:
            _waits(one, person)
    st.caption(
        "Counted from when each began to wait. What the night asks to be looked at is asked for anew each night and counts from then. "
        "Gaps and patterns count here when this team's conversations are among theirs."
    )


def _waits(one: Waits, person: Person) -> None:
    kind = team_text.WAITING[one.kind]
    row = st.columns(WAITS, vertical_alignment="center", gap="small")
    row[0].markdown(f"**{one.count:,}** {kind.one if one.count == 1 else kind.many}")
    row[1].markdown(team_text.lasted(one.median) if one.median is not None else "")
    row[2].markdown(team_text.lasted(one.oldest) if one.oldest is not None else "")
    with row[3], st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _oldest(one, person)  # first, since every row has it: the ways stand below one another
        if kind.page and access.may(person, kind.right):
            st.page_link(f"screens/{kind.page}.py", label="Go there", icon=":material/arrow_forward:", width="content")


def _oldest(one: Waits, person: Person) -> None:
    """The way to each of those that wait longest, as far as the person may open it."""
    kind = team_text.WAITING[one.kind]
    page, name = (kind.page, kind.each) if kind.each else ("conversation", "conversation")
    if not access.may(person, kind.right if kind.each else "conversation.read"):
        return
    with st.popover("The oldest", type="tertiary"):
        for waits in one.first:
            st.page_link(
                f"screens/{page}.py", label=widgets.plain(f"Since {widgets.exact(waits.since)}"), icon=":material/arrow_forward:",
                query_params={name: waits.id},
            )  # fmt: skip
        if one.count > len(one.first):
            st.caption(f"The oldest {len(one.first)} of {one.count:,}.")


# -- how long decisions took --------------------------------------------------------------------------------------------------------------


def _decisions(person: Person, team: str | None) -> None:
    st.subheader("From proposal to decision", anchor=False)
    span = st.segmented_control(
        "Days", list(SPANS), format_func=SPAN_WORDS.__getitem__, default="year", required=True, key="team_span",
        label_visibility="collapsed",
    )  # fmt: skip
    days = SPANS[span]
    found = team_decisions.by_kind(by=person, team_id=team, days=days)
    if not found:
        st.info("Nothing of the team's was proposed in these days. What needs a second person stands here.", icon=":material/how_to_vote:")
        return
    names = ("Proposed", "What became of them", "Half took at most", "Slowest", "Still waits")
    with st.container(key="team_table_decided"):
        for place, told in zip(st.columns(DECIDED, gap="small"), names, strict=True):
            place.markdown(f":small[:gray[{told}]]", help=MEDIAN if told.startswith("Half") else None)
        for one in found:
            _decided(one)
    st.caption("The team's own proposals and those about its things. The times run day and night, weekends too.")
    _opened(found, days, person, team)


def _decided(one: Decided) -> None:
    row = st.columns(DECIDED, vertical_alignment="center", gap="small")
    row[0].markdown(f"**{one.count:,}** {team_text.PROPOSED[one.kind]}")
    row[1].markdown(", ".join(part.replace(" ", NEVER_APART) for part in team_text.became(one).split(", ")))
    row[2].markdown(team_text.took(one))
    row[3].markdown(team_text.lasted(one.slowest) if one.slowest is not None else ":gray[–]")
    row[4].markdown(f":orange[{team_text.lasted(one.waits)}]" if one.waits is not None else ":gray[–]")


def _opened(found: Sequence[Decided], days: int, person: Person, team: str | None) -> None:
    """The proposals behind a row, each a way to its evidence."""
    if not access.may(person, "proposal.read"):
        return
    words = {one.kind: f"{team_text.PROPOSED[one.kind]}: {one.count:,}" for one in found}
    ask = "Open the proposals of a row"
    kind = st.selectbox(
        ask,
        list(words),
        index=None,
        format_func=words.__getitem__,
        key="team_kind",
        placeholder=ask,
        label_visibility="collapsed",
        width=340,
    )
    if not kind:
        return
    for one in team_decisions.proposals(kind, by=person, team_id=team, days=days):
        state = "waits" if one.state == "open" else _state(one.state)
        st.page_link(
            "screens/approvals.py", label=widgets.plain(f"{team_text.title_of(one)}, {widgets.day(one.at)}: {state}"),
            icon=":material/how_to_vote:", query_params={"proposal": one.id},
        )  # fmt: skip


def _state(state: str) -> str:
    return {"done": "approved and carried out", "failed": "approved, not carried out"}.get(state, state)
