"""The first week in pictures: a card on Home, the page with its five days, and the line on Account."""

from collections.abc import Sequence

import streamlit as st

from data import first_steps
from portal import acts, first_week, widgets
from portal.first_week import Week
from portal.first_week_paths import NOTHING_THERE, Day, Step

AT_ONCE = 3  # steps on Home
DONE, OPEN, WAITS = ":green[:material/check_circle:]", ":gray[:material/radio_button_unchecked:]", ":gray[:material/schedule:]"


# -- on Home ------------------------------------------------------------------------------------------------------------------------------


def card(week: Week) -> None:
    """The next steps, each a way to its screen."""
    following = week.next(AT_ONCE)
    with st.container(border=True, key="home_first_week"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Your first week", anchor=False, width="stretch")
            st.page_link("screens/first_week.py", label="The whole week", icon=":material/school:", width="content")
            _put_away_button("home_first_week_away", week)
        st.progress(week.share(), text=widgets.plain(week.sentence(following)))
        if following:
            for place, step in zip(st.columns(AT_ONCE), following, strict=False):
                with place:
                    _way(step)
                    st.caption(_told(week, step))


def _told(week: Week, step: Step) -> str:
    return f"{step.what}{_so_far(week, step)}"


def _so_far(week: Week, step: Step) -> str:
    """Where it is done several times and was begun."""
    times = week.times(step)
    return f" **{times} of {step.times} so far.**" if 0 < times < step.times else ""


def _way(step: Step) -> None:
    st.page_link(f"screens/{step.page}.py", label=f"**{step.title}**", icon=step.icon, query_params=dict(step.address))


def _put_away_button(key: str, week: Week) -> None:
    st.button(
        "Put it away", key=key, type="tertiary", icon=":material/close:", width="content", on_click=_put_away, args=(week,),
        help="Home no longer shows it. What you did stays, and you can take it up again on your Account.",
    )  # fmt: skip


def _put_away(week: Week) -> None:
    acts.attempt(lambda: first_steps.put_away(by=week.person), done="Put away. You can take it up again on your Account.")


def _take_up(week: Week) -> None:
    acts.attempt(lambda: first_steps.take_up(by=week.person), done="Taken up again: Home shows the next steps.")


# -- the page -----------------------------------------------------------------------------------------------------------------------------


def page(week: Week) -> None:
    following = week.next()
    widgets.page(
        "Your first week", f"{week.sentence(following)} Each step is real work on a real screen, and counts once you have done it."
    )
    st.progress(week.share())
    if following:
        _first(week, following[0])
    for number, day in enumerate(week.days, start=1):
        _day(week, number, day, following)
    _foot(week)


def _first(week: Week, step: Step) -> None:
    """The next step comes first, with the one button of the page."""
    with st.container(border=True, key="first_week_next"), st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall"):
            st.markdown(f":small[:gray[Next, on day {week.day_of(step)}]]  \n**{step.title}**{_so_far(week, step)}")
            st.markdown(step.what)
            st.caption(step.why)
            _on_a_terminal(step)
        if st.button("Go there", key="first_week_go", type="primary", icon=":material/arrow_forward:", width="content"):
            st.switch_page(f"screens/{step.page}.py", query_params=dict(step.address))


def _day(week: Week, number: int, day: Day, following: Sequence[Step]) -> None:
    done = sum(map(week.is_done, day.steps))
    with st.container(border=True, key=f"first_week_day_{number}"):
        name, steps = st.columns([2, 7], gap="medium")
        with name:
            st.markdown(f":small[:gray[Day {number}]]  \n**{day.title}**")
            mark = f"{DONE} done" if done == len(day.steps) else f":gray[{done} of {len(day.steps)} done]"
            st.markdown(f":small[{mark}]")
        with steps, st.container(gap="small"):
            for step in day.steps:
                _step(week, step, is_next=step in following)


def _step(week: Week, step: Step, *, is_next: bool) -> None:
    """What is done steps back to a line; what lies ahead says what and why."""
    if week.is_done(step):
        st.markdown(f"{DONE} :gray[{step.title}]")
        return
    if is_next:  # it stands above with all its words
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(":green[:material/arrow_circle_right:]", width="content")
            _way(step)
            st.markdown(":small[:gray[next]]", width="content")
        return
    there = step.something_there(week.person)
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(OPEN if there else WAITS, width="content")
            _way(step)
        st.markdown(f"{_told(week, step)}  \n:gray[{step.why}]" + ("" if there else f"  \n:gray[*{NOTHING_THERE}*]"))
        _on_a_terminal(step)


def _on_a_terminal(step: Step) -> None:
    if step.terminal:
        st.markdown(f":small[:gray[On the command line:] `{step.terminal}`]")  # a caption would pale the command beyond reading


def _foot(week: Week) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if first_week.is_on(week.person):
            _put_away_button("first_week_away", week)
        else:
            st.caption("You put it away: Home no longer shows it, and what you merely look at is not noted.", width="content")
            st.button("Take it up again", key="first_week_up", icon=":material/undo:", on_click=_take_up, args=(week,))


# -- on Account ---------------------------------------------------------------------------------------------------------------------------


def kept(week: Week) -> None:
    """How far it came, and the way back to it."""
    st.subheader("Your first week", anchor=False)
    st.markdown(widgets.plain(week.sentence(week.next())))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link("screens/first_week.py", label="The whole week", icon=":material/school:", width="content")
        if first_week.is_on(week.person):
            _put_away_button("account_first_week_away", week)
        else:
            st.button("Take it up again", key="account_first_week_up", icon=":material/undo:", on_click=_take_up, args=(week,))
