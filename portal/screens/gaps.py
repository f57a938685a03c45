"""Gaps: what is asked and nothing covers. Each becomes an article, with the cases that it is to fix, and is measured again."""

import streamlit as st

from data import access, people
from data.measures import Share
from evals import sets
from knowledge import gaps, questions
from portal import acts, article_form, catalog, jobs, widgets

person = st.session_state["person"]
who = people.names()
SHOWN = 20
CHANNELS = {"chat": "chat", "email": "e-mail", "voice": "calls"}


def everything() -> None:
    widgets.page("Gaps", "Questions of the last four weeks that were declined, corrected or missing, by what they are about.")
    look_now()
    found = gaps.standing(by=person)
    open_ones = [one for one in found if one.state == gaps.OPEN]
    if not open_ones:
        st.info(
            "No gap is open. What the machine declines, what is refused or said to be missing on Ask gathers here each night.",
            icon=":material/check:",
        )
    for gap in open_ones[:SHOWN]:
        card(gap)
    if len(open_ones) > SHOWN:
        st.caption(f"{len(open_ones) - SHOWN:,} smaller ones are not shown.")
    if decided := [one for one in found if one.state != gaps.OPEN]:
        st.subheader("Written and decided", anchor=False)
        for gap in decided:
            became(gap)


def look_now() -> None:
    if not access.may(person, "pattern.decide"):
        return
    task = widgets.newest_job("find_gaps", by=person)
    if st.button("Look now", icon=":material/refresh:", key="gaps_look", disabled=bool(task and task.state in ("waiting", "running"))):
        acts.attempt(lambda: jobs.start("find_gaps", {}, title="Look for what no article covers", by=person))
        st.rerun()
    if task and task.state not in ("done",):
        widgets.follow(task, by=person)


def card(gap: gaps.Gap) -> None:
    with st.container(border=True, gap="xsmall", key=f"gaps_card_{gap.id}"):
        row = st.columns([5, 1.2], vertical_alignment="center")
        row[0].subheader(widgets.plain(gap.name), anchor=False)
        row[1].button(
            "Open it", key=f"gaps_open_{gap.id}", icon=":material/arrow_forward:", width="stretch",
            on_click=lambda: st.query_params.update({"gap": gap.id}),
        )  # fmt: skip
        st.markdown(widgets.plain(gap.sentence))
        st.caption(widgets.plain(failed(gap)))


def failed(gap: gaps.Gap) -> str:
    """What came closest and why it did not do."""
    why = ", ".join(
        f"{'once' if count == 1 else f'{count:,} times'} {questions.WHY[name]}" for name, count in gap.told.get("why", {}).items()
    )
    near = gap.told.get("nearest") or {}
    closest = f" Closest is '{near['title']}': {near['how']}." if near else " No article is near."
    return f"{why[:1].upper()}{why[1:]}.{closest}"


def became(gap: gaps.Gap) -> None:
    told = {"being written": "is being written", "covered": "is covered", "put aside": "was put aside"}[gap.state]
    if gap.state == gaps.PUT_ASIDE:
        st.markdown(f"**{widgets.plain(gap.name)}** {told}: {widgets.plain(gap.why)}")
        return
    writer = who.get(gap.told.get("writer", ""), "Somebody")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{widgets.plain(gap.name)}** {told}, by {widgets.plain(writer)}. {widgets.plain(measured(gap))}", width="stretch")
        st.page_link("screens/knowledge.py", label="The article", icon=":material/menu_book:", query_params={"article": gap.article})


def measured(gap: gaps.Gap) -> str:
    """Its share of what was asked, before and since."""
    share = gap.told.get("share")
    if gap.state != gaps.COVERED or not share:
        return ""
    before, since = (Share(*share[name]) for name in ("before", "since"))
    over = "since" if gap.told["days"] < gaps.LOOKED_AT.days else "in the four weeks after"
    return f"Asked in vain before: {of_all(before)}; {over}: {of_all(since)}."


def of_all(share: Share) -> str:
    if not share.n:
        return "nothing was asked"
    low, high = share.interval
    return f"{share.value:.1%} of what was asked ({share.k:,} of {share.n:,}; between {low:.1%} and {high:.1%})".replace("%", "\u00a0%")


# -- one gap ------------------------------------------------------------------------------------------------------------------------------


def one_gap(gap: gaps.Gap) -> None:
    if st.button("All gaps", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    st.title(widgets.plain(gap.name), anchor=False)
    st.markdown(widgets.plain(gap.sentence))
    st.caption(widgets.plain(failed(gap)))
    if gap.state != gaps.OPEN:
        became(gap)
        return
    if st.query_params.get("write") and access.may(person, "article.draft"):
        write(gap)
        return
    with st.container(horizontal=True):
        if access.may(person, "article.draft") and st.button("Draft an article", type="primary", icon=":material/edit_note:"):
            st.query_params["write"] = "1"
            st.rerun()
        put_aside(gap)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Asked", anchor=False)
        for text in gap.phrases:
            st.markdown(f"- {widgets.plain(text)}")
        if not gap.phrases:
            st.caption("Other teams' customers asked this; their conversations are not within your reach.")
    with right:
        st.subheader("Conversations", anchor=False)
        widgets.openings(gap.conversation_ids, by=person)
        where = gap.told.get("where", {})
        st.caption(widgets.plain(f"Where it was asked: {', '.join(f'{name} {count:,}' for name, count in where.items())}."))
        also_asked(gap)


def also_asked(gap: gaps.Gap) -> None:
    """Where all came to it by one channel, or all of one segment: where it also matters."""
    for place, one in enumerate(gap.also):
        where = f"in {CHANNELS.get(one.name, one.name)}" if one.way == "channel" else f"by {one.name} customers"
        with st.container(horizontal=True, vertical_alignment="center"):
            told = f"Also asked {where}: {one.k:,} of {one.n:,} conversations of these four weeks begin with it."
            st.markdown(widgets.plain(told), width="stretch")
            shown = st.toggle("Show", key=f"gaps_also_{gap.id}_{place}")
        if shown:
            widgets.openings(one.conversation_ids, by=person, most=SHOWN)


def write(gap: gaps.Gap) -> None:
    """Begun with what colleagues answered best; what it is to fix is tested from then on."""
    st.caption(
        "It begins with the best replies of colleagues. Make one clear text of them; nobody is answered with it before two people agree."
    )
    known = [one for one in sets.all_sets(by=person) if one.purpose == "knowledge"]
    row = st.columns([2, 1])
    test_in = row[0].selectbox(
        "Test it in", known, index=0 if known else None, format_func=lambda one: one.name, key="gaps_set",
        help="Some of its questions become cases there: they pass when they are answered from this article.",
    )  # fmt: skip
    count = row[1].number_input("with so many of its questions", 0, len(gap.phrases), min(3, len(gap.phrases)), key="gaps_cases")
    written = article_form.fields(gaps.begun(gap.id, by=person), key=f"gaps_{gap.id}", by=person, button="Save the draft")
    if written is None:
        return
    made: list[gaps.Begun] = []
    graders = catalog.graders_for(person)
    done = acts.attempt(
        lambda: made.append(
            gaps.write(gap.id, written, test_in=test_in.id if test_in and count else None, cases=int(count), known=graders, by=person)
        ),
        done=lambda _none: made[0].sentence,
    )
    if done:
        st.switch_page("screens/knowledge.py", query_params={"article": made[0].article.slug})
    st.rerun()


def put_aside(gap: gaps.Gap) -> None:
    if not access.may(person, "pattern.decide"):
        return
    with st.popover("Put it aside", icon=":material/do_not_disturb_on:"):
        why = st.text_input("Why", key=f"gaps_why_{gap.id}", placeholder="Nobody can know this, a person answers each …")
        if st.button("Put it aside", key="gaps_aside"):
            acts.attempt(lambda: gaps.put_aside(gap.id, why, by=person), done="Put aside.")
            st.query_params.clear()
            st.rerun()


def main() -> None:
    asked = st.query_params.get("gap")
    found = gaps.get(asked, by=person) if asked else None
    if found is not None:
        one_gap(found)
        return
    if asked:
        st.info("That gap is not here any more.", icon=":material/search_off:")
    everything()


main()
