"""Failure points of a recipe: what its failed and corrected runs come from, with what mends it, and below them one run after the other."""

from datetime import datetime, timedelta

import streamlit as st

from automations import failures
from automations.causes import CAUSES
from automations.failures import Failure, Point, Told
from automations.steps import draft_reply
from data import access, people
from data.tables import Person
from data.values import now
from portal import acts, recipe_growing, recipe_tabs, widgets
from portal.recipe_begun import declared

DAYS = {7: "Last 7 days", 28: "Last 28 days"}
STATES = {
    "done": ":green[:material/check:]", "failed": ":red[:material/error:]", "waiting": ":orange[:material/hourglass_top:]",
}  # fmt: skip
ICONS = {"review": "rate_review", "ladder": "stairs", "gaps": "edit_note"}
NEEDS = {"review": "review.record", "ladder": "article.read", "gaps": "pattern.read"}  # the right without which the page is not there
WIDE = 460  # pixels of a cause's words; what mends it stands beside, or below where there is no room
LAST, CHOSEN, LATER = "failures_last", "failures_chosen", "failures_later"


def section(name: str, *, person: Person) -> None:
    days = st.segmented_control(
        "How far back", list(DAYS), format_func=DAYS.__getitem__, default=28, required=True, label_visibility="collapsed",
        key=f"failures_days_{name}",
    )  # fmt: skip
    since = now() - timedelta(days=days or 28)
    points = failures.ranked(name, by=person, since=since)
    if not points:
        st.info(
            f"No run failed or was corrected in the {DAYS[days or 28].lower()}. Runs that end badly, and what people say no to or change, "
            "stand here within a minute, each with its cause.",
            icon=":material/check:",
        )
        return
    whole(name, points, since, person)
    for place, point in enumerate(points):
        ranked(name, place, point, since, person)
    one_by_one(name, since, person)


# -- ranked -------------------------------------------------------------------------------------------------------------------------------


def whole(name: str, points: list[Point], since: datetime, person: Person) -> None:
    failed, before = points[0].share.n, sum(point.before for point in points)
    runs = failures.runs_count(name, by=person, since=since)
    st.markdown(
        f"**{failed:,} of {runs:,} {'run' if runs == 1 else 'runs'} failed or {'was' if failed == 1 else 'were'} corrected.** "
        f"In as long a time before it {times(before)}. Mend the first cause first."
    )
    kept = failures.kept(name, by=person, since=since)
    if kept.n:
        st.caption(f"Of the causes that rules proposed, people kept {kept.k:,} of the {kept.n:,} that they looked at.")


def times(count: int) -> str:
    return {0: "was none", 1: "was one"}.get(count, f"were {count:,}")


def ranked(name: str, place: int, point: Point, since: datetime, person: Person) -> None:
    cause = CAUSES[point.cause]
    share = f"{point.share.k:,} of {point.share.n:,} ({point.share.value:.0%})".replace("%", "\u00a0%")
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"failures_point_{place}"
    ):  # fmt: skip
        with st.container(gap=None, width=WIDE):
            st.markdown(f"**{place + 1}. {cause.words}**: {share}{trend(point)}")
            st.caption(f"{cause.means.capitalize()}. {said(point)}")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            mend(name, point, person)
            recipe_growing.offer(name, point, since, person)
            if point.examples:
                with st.popover("Examples", icon=":material/chat_bubble:", key=f"failures_examples_{place}"):
                    examples(name, point)


def trend(point: Point) -> str:
    if point.count == point.before:
        return ", as before"
    way = "trending_up" if point.count > point.before else "trending_down"
    return f" :material/{way}: {f'{point.before:,}' if point.before else 'none'} before"


def said(point: Point) -> str:
    parts = [f"{point.confirmed:,} confirmed"] if point.confirmed else []
    return f"{', '.join([*parts, *([f'{point.proposed:,} by rule'] if point.proposed else [])])}."


def mend(name: str, point: Point, person: Person) -> None:
    """The step that takes the cause away."""
    cause = CAUSES[point.cause]
    if cause.page not in NEEDS:
        st.button(
            cause.fix, icon=":material/build:", key=f"failures_fix_{point.cause}", type="tertiary", on_click=recipe_tabs.turn_to,
            args=("steps",), kwargs={"recipe": name} if cause.of_recipe else {},
        )  # fmt: skip
        return
    if not access.may(person, NEEDS[cause.page]):
        st.markdown(cause.fix, width="content")
        return
    about = {"conversation": point.examples[0].conversation_id} if cause.page == "review" and point.examples else None
    st.page_link(f"screens/{cause.page}.py", label=cause.fix, icon=f":material/{ICONS[cause.page]}:", query_params=about, width="content")


def examples(name: str, point: Point) -> None:
    st.caption("The newest that you may read.")
    for one in point.examples:
        words = widgets.plain(" ".join(one.excerpt.split())) or "Nothing was said"
        key, address = f"failures_example_{one.trace_id}", {"recipe": name, "run": one.trace_id}
        st.button(
            words, key=key, type="tertiary", icon=":material/chat_bubble:", on_click=recipe_tabs.turn_to, args=("runs",), kwargs=address
        )


# -- one by one ---------------------------------------------------------------------------------------------------------------------------


def one_by_one(name: str, since: datetime, person: Person) -> None:
    st.subheader("One by one", anchor=False)
    waiting = failures.waiting(name, by=person, since=since)
    later = st.session_state.setdefault(LATER, [])
    again = st.session_state.get(f"{LAST}_again")
    first = next((one for one in waiting if one not in later), waiting[0] if waiting else "")
    shown = failures.get(again or first, by=person) if again or first else None
    if shown is None:
        st.info("Nobody's word is missing: each of them that you may read has its cause confirmed.", icon=":material/check:")
        back()
        return
    many = f"{len(waiting):,} {'waits' if len(waiting) == 1 else 'wait'} for somebody's word"
    st.caption(f"{many}; what rules proposed is shown first. Keys 1 to 8 choose another cause, Enter confirms.")
    left, right = st.columns(2, gap="large")
    with left:
        what_was(shown)
    with right:
        why(shown, person)


def back() -> None:
    """To what was confirmed last: another word takes its place."""
    if last := st.session_state.get(LAST):
        st.button("Back to the last one", icon=":material/undo:", type="tertiary", key="failures_back", on_click=open_again, args=(last,))


def open_again(trace_id: str) -> None:
    st.session_state[f"{LAST}_again"] = trace_id


def what_was(one: Failure) -> None:
    with st.container(border=True, gap="small", key="failures_run"):
        channel = widgets.CHANNEL_WORDS.get(one.channel, one.channel)
        st.caption(f"{channel} · version {one.number} · {widgets.when(one.at)}", help=widgets.exact(one.at))
        st.markdown(widgets.plain(one.excerpt or "The customer had written nothing."))
        st.markdown("**What the run did**")
        for told in one.did:
            step(told)
        if not one.did:
            st.caption("No step of it was kept.")
        if one.drafted:
            reply("It drafted", one.drafted)
        if one.better:
            reply("A person wrote", one.better)
        st.page_link(
            "screens/conversation.py", label="The conversation", icon=":material/chat_bubble:",
            query_params={"conversation": one.conversation_id},
        )  # fmt: skip


def step(told: Told) -> None:
    known = declared()
    title = known[told.step].title if told.step in known else told.step
    again = told.step == draft_reply.declaration.name and told.state == "done"  # it stands below, whole
    words = f"{title}: {told.words}" if told.words and not again else title
    if told.words.startswith(title.split()[0]) and not again:  # it says itself what it did
        words = told.words
    st.markdown(f"{STATES.get(told.state, ':gray[:material/circle:]')} {widgets.plain(words)}")


def reply(head: str, text: str) -> None:
    st.markdown(f"**{head}**")
    st.text(text)


def why(one: Failure, person: Person) -> None:
    chosen = st.session_state.get(f"{CHOSEN}_{one.trace_id}", one.cause)
    who = people.names().get(one.confirmed_by or "", "")
    by = f"{who} said" if who else "Proposed by rule"
    st.markdown(f":material/lightbulb: {widgets.plain(by)}: **{CAUSES[one.cause].words}**")
    st.markdown(widgets.plain(one.why))
    if not access.may(person, "automation.draft"):
        st.caption("Reps, leads and engineers say whether that is so.")
        return
    with st.container(horizontal=True, gap="small", key="failures_causes"):
        for number, (name, cause) in enumerate(CAUSES.items(), start=1):
            icon = "radio_button_checked" if name == chosen else "radio_button_unchecked"
            st.button(
                f"{number} · {cause.words}", key=f"failures_set_{number}_{one.trace_id}", icon=f":material/{icon}:",
                help=f"{cause.means.capitalize()}.", on_click=choose, args=(one.trace_id, name),
            )  # fmt: skip
    st.caption(f"{CAUSES[chosen].words}: {CAUSES[chosen].means}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Confirm: {CAUSES[chosen].words} (Enter)", type="primary", icon=":material/check:", key=f"failures_confirm_{one.trace_id}",
            on_click=confirm, args=(one.trace_id, chosen, person),
        )  # fmt: skip
        st.button("Later", key=f"failures_skip_{one.trace_id}", on_click=put_off, args=(one.trace_id,))
        if one.trace_id != st.session_state.get(LAST):
            back()


def choose(trace_id: str, cause: str) -> None:
    st.session_state[f"{CHOSEN}_{trace_id}"] = cause


def put_off(trace_id: str) -> None:
    """It comes again behind the others."""
    later = st.session_state[LATER]
    st.session_state[LATER] = [one for one in later if one != trace_id] + [trace_id]
    st.session_state.pop(f"{LAST}_again", None)


def confirm(trace_id: str, cause: str, person: Person) -> None:
    if acts.attempt(lambda: failures.confirm(trace_id, cause, by=person), done=f"Kept: {CAUSES[cause].words}."):
        st.session_state[LAST] = trace_id
        st.session_state.pop(f"{CHOSEN}_{trace_id}", None)
    st.session_state.pop(f"{LAST}_again", None)
