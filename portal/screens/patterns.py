"""Patterns: what looks alike and no intent covers, and what changed. Named, it is taught; put aside, it comes no more."""

import streamlit as st

from classifiers import gathering, noticing, watching
from data import access, labels
from data.tables import Pattern
from portal import acts, suggestions, widgets

person = st.session_state["person"]
state = st.session_state
STATES = {noticing.LABELLED: "became an intent", noticing.PUT_ASIDE: "put aside"}
SHOWN = 40  # conversations at once


def everything() -> None:
    widgets.page("Patterns", "Conversations of the last two weeks that look alike and that no intent covers. Looked for each night.")
    found = noticing.standing(by=person)
    open_ones = [one for one in found if one.state == noticing.OPEN]
    if not open_ones:
        st.info(
            "Nothing stands out: what came in during the last two weeks is covered, or too little of it is alike.", icon=":material/check:"
        )
    for pattern in open_ones:
        card(pattern)
    what_changed()
    if others := [one for one in found if one.state != noticing.OPEN]:
        with st.expander(f"Decided: {len(others)}", icon=":material/history:"):
            for pattern in others:
                decided(pattern)


def what_changed() -> None:
    found = watching.standing(by=person)
    st.subheader("What changed", anchor=False)
    st.caption("The last seven days against the four weeks before: what the classifier says, how sure it is, and what customers write.")
    if not found:
        st.markdown("Nothing changed by more than chance.")
    for change in found:
        with st.container(border=True, gap="xsmall", key=f"patterns_change_{change.id}"):
            st.markdown(widgets.plain(change.sentence))
            with st.container(horizontal=True):
                if change.conversation_ids:  # what comes no more has none
                    look_through(change)
                put_aside(change, "The campaign has begun, a feast day, …", key=f"patterns_aside_{change.id}")


def look_through(pattern: Pattern) -> None:
    """Its conversations alone come on Review, and that is where the person is led."""
    if not access.may(person, "pattern.decide"):
        return
    if not st.button("Look through them", key=f"patterns_through_{pattern.id}", icon=":material/rate_review:"):
        return
    queued: list[watching.Queued] = []
    acts.attempt(lambda: queued.append(watching.to_review(pattern.id, by=person)), done=lambda _none: queued[0].sentence)
    if queued:
        st.switch_page("screens/review.py", query_params={"queue": "team", "from": queued[0].source})
    st.rerun()


def card(pattern: Pattern) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(widgets.plain(pattern.name), anchor=False, width="stretch")
            look_through(pattern)
            st.button(
                f"Open {widgets.plain(pattern.name)}", key=f"patterns_open_{pattern.id}", type="primary", icon=":material/arrow_forward:",
                on_click=lambda: st.query_params.update({"pattern": pattern.id}),
            )  # fmt: skip
        st.markdown(widgets.plain(pattern.sentence))
        first, last = widgets.short(pattern.first_at), widgets.short(pattern.last_at)
        st.caption(f"Since {first}, last {last} · also said: {widgets.plain(', '.join(pattern.phrases[1:4])) or '–'}")
        if access.may(person, "feedback.write"):
            st.page_link(
                "screens/product_feedback.py", label="Write it up for a product team", icon=":material/campaign:",
                query_params={"new": "1", "pattern": pattern.id}, width="content",
            )  # fmt: skip


def decided(pattern: Pattern) -> None:
    told = STATES[pattern.state]
    if pattern.label_id:
        told += f" '{widgets.plain(labels.names().get(pattern.label_id, '?'))}'"
    elif pattern.why:
        told += f": {widgets.plain(pattern.why)}"
    st.markdown(f"**{widgets.plain(pattern.name)}** {told} · {pattern.size:,} in the last two weeks")


# -- one pattern --------------------------------------------------------------------------------------------------------------------------


def one_pattern(pattern: Pattern) -> None:
    if st.button("All patterns", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    st.title(widgets.plain(pattern.name), anchor=False)
    st.markdown(widgets.plain(pattern.sentence))
    if pattern.state != noticing.OPEN:
        decided(pattern)
        st.page_link("screens/classifiers.py", label="Train a candidate with it", icon=":material/model_training:")
        return
    there = noticing.members(pattern, by=person, most=SHOWN)
    if not there:
        st.info("None of its conversations is within your reach, or somebody gave them an intent since.", icon=":material/visibility_off:")
        return
    said: dict[str, bool] = state.setdefault(f"patterns_said_{pattern.id}", {})
    left, right = st.columns([3, 2], gap="large")
    with left:
        belong = suggestions.show(there, said, screen="patterns")
    with right:
        name_it(pattern, belong, len(there) - len(said))
        put_aside(pattern)


def name_it(pattern: Pattern, belong: list[noticing.Member], unseen: int) -> None:
    if not access.may(person, "label.draft"):
        return
    st.subheader("Name it", anchor=False)
    st.caption("It becomes an intent that is taught and tested. Reviewers are asked about it once a release that knows it is approved.")
    name = st.text_input("Intent", value=pattern.name.capitalize(), key=f"patterns_name_{pattern.id}", max_chars=80)
    meaning = st.text_input(
        "What it means", key=f"patterns_means_{pattern.id}", placeholder="The customer cannot leave or fetch a parcel …"
    )
    words = f"Name it with {len(belong)} {'example' if len(belong) == 1 else 'examples'}"
    if st.button(words, type="primary", icon=":material/label:", disabled=not belong, key="patterns_accept"):
        ids = [one.conversation_id for one in belong]
        acts.attempt(lambda: gathering.name_pattern(pattern.id, name, ids, description=meaning, by=person), done=lambda made: made.sentence)
        st.rerun()
    if unseen and belong:
        st.caption(f"{unseen} are not looked at yet; they stay as they are.")


def put_aside(
    pattern: Pattern, example: str = "It is an advertisement, it belongs to Refund, …", *, key: str = "patterns_aside"
) -> None:  # fmt: skip
    if not access.may(person, "pattern.decide"):
        return
    with st.popover("Put it aside", icon=":material/do_not_disturb_on:"):
        why = st.text_input("Why", key=f"patterns_why_{pattern.id}", placeholder=example)
        if st.button("Put it aside", key=key):
            acts.attempt(lambda: noticing.put_aside(pattern.id, why, by=person), done="Put aside. It comes no more under this name.")
            st.rerun()


def main() -> None:
    asked = st.query_params.get("pattern")
    found = noticing.get(asked, by=person) if asked else None
    if found is not None:
        one_pattern(found)
        return
    if asked:
        st.info("That pattern is not here.", icon=":material/search_off:")
    everything()


main()
