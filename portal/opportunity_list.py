"""What could be automated, a line for each matter: its sentence, what it could save, and its evidence once it is opened."""

from collections.abc import Mapping, Sequence
from datetime import date

import streamlit as st

from automations import opportunities
from automations.opportunities import Opportunity, Round
from data import access, behind, conversations
from data.behind import Behind
from data.tables import Person
from data.trends import Slice
from portal import opportunity_words, quality_links, widgets

PAGE, SHOWN, LONGEST = 12, 6, 300
PARTS, FACT = [3.4, 2], [4.4, 1.2]
WROTE = "rep"


def show(told: Round, person: Person) -> None:
    """What would save most first; the opened one wherever it stands."""
    pages = -(-len(told.found) // PAGE)
    opened = next((place for place, one in enumerate(told.found) if one.key == st.query_params.get("open")), 0)
    page = (st.pagination(pages, default=opened // PAGE + 1, key=f"opportunities_pages_{pages}") if pages > 1 else 1) or 1
    for one in told.found[(page - 1) * PAGE : page * PAGE]:
        _line(one, told, person)


def _line(one: Opportunity, told: Round, person: Person) -> None:
    is_open = st.query_params.get("open") == one.key
    with st.container(border=True, gap="small", key=f"opportunities_line_{one.key}"):
        left, right = st.columns(PARTS, vertical_alignment="center")
        with left.container(gap="xsmall"):
            pattern = "" if one.is_intent else " :violet-badge[:material/bubble_chart: no intent yet]"
            st.markdown(f"**{widgets.plain(one.name)}**{pattern}")
            st.markdown(widgets.plain(opportunity_words.sentence(one)))
            for lacks in one.lacking:
                st.markdown(f":small[:gray[:material/hourglass_empty: {widgets.plain(lacks)}]]")
        with right.container(gap="xsmall"):
            _saves(one)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _begin(one, person)
                if st.button(
                    "Close" if is_open else "Evidence", key=f"opportunities_open_{one.key}", type="tertiary",
                    icon=":material/expand_less:" if is_open else ":material/expand_more:",
                    help=f"What is known of '{widgets.plain(one.name)}'",
                ):  # fmt: skip
                    st.query_params.from_dict({} if is_open else {"open": one.key})
                    st.rerun()
        if is_open:
            _evidence(one, told, person)


def _saves(one: Opportunity) -> None:
    icon, colour = opportunity_words.STAKES["high"] if one.stakes == "high" else (":material/schedule:", "green")
    if one.saved is None:
        icon, colour = ":material/hourglass_empty:", "gray"
    st.markdown(f":{colour}[{icon}] **{widgets.plain(widgets.unbroken(opportunity_words.could_save(one)))}**")


def _begin(one: Opportunity, person: Person) -> None:
    """One click begins a use case; what has no intent is named first, and what is people's work is left to them."""
    if not one.is_intent:
        st.page_link("screens/patterns.py", label="Name it first", icon=":material/bubble_chart:", width="content")
    elif one.stakes == "high":
        if access.may(person, "automation.read"):
            st.page_link(
                "screens/policy.py", label="See the policy", icon=":material/policy:", query_params={"intent": one.key}, width="content"
            )
    elif access.may(person, "use_case.write"):
        begin = {"begin": one.key}
        st.page_link("screens/use_cases.py", label="Start a use case", icon=":material/flag_circle:", query_params=begin, width="content")


# -- the evidence -------------------------------------------------------------------------------------------------------------------------


def _evidence(one: Opportunity, told: Round, person: Person) -> None:
    if words := opportunity_words.sum_(one):
        st.markdown(f":material/calculate: {widgets.plain(words)}")
    looked = opportunities.evidence(one.key, told.at, by=person)
    with st.container(gap="xsmall", key=f"opportunities_facts_{one.key}"):
        for title, words, measure, until in _figures(one, told):
            _fact(title, words, _address(one, measure, told.since, until))
        _fact("Stakes", opportunity_words.stakes(one), {})
    left, right = st.columns(2, gap="large")
    with left:
        _replies(one, looked, person)
    with right:
        _questions(one, looked, person)


def _figures(one: Opportunity, told: Round) -> Sequence[tuple[str, str, str, date]]:
    """Title, words, the measure that its conversations are behind, the last day of that."""
    return (
        ("Conversations", opportunity_words.volume(one), "volume", told.until),
        ("Minutes of people", opportunity_words.minutes(one), "handling" if one.minutes else "", told.until),
        ("By machines already", opportunity_words.contained(one), "containment" if one.contained.n else "", told.until),
        ("Recognised", opportunity_words.recognised(one), "" if one.recognised_of_all else "agreement", told.until),
        ("Resolved", opportunity_words.resolved(one), "resolution" if one.resolved.n else "", told.resolved_until),
    )


def _address(one: Opportunity, measure: str, since: date, until: date) -> Mapping[str, str]:
    """A pattern's conversations have no intent that they are found by: they stand on its own page."""
    if not measure or not one.is_intent:
        return {}
    return behind.address(Behind(measure, since, until, Slice(intent=one.key)))


def _fact(title: str, words: str, query: Mapping[str, str]) -> None:
    said, way = st.columns(FACT, vertical_alignment="center")
    said.markdown(f"**{title}**: {widgets.plain(words)}")
    if query:
        with way:
            quality_links.way("Open them", "conversations", query, icon=":material/forum:")


def _replies(one: Opportunity, looked: opportunities.Evidence, person: Person) -> None:
    st.markdown(f"**People's replies**: {widgets.plain(opportunity_words.replies(one))}")
    if usual := _usual(looked.usual, person):
        st.markdown(f"> :small[{widgets.plain(usual)}]")
    _listed("Answered the same way", looked.alike, person)
    _listed("Answered otherwise", looked.other, person)


def _questions(one: Opportunity, looked: opportunities.Evidence, person: Person) -> None:
    st.markdown(f"**Articles**: {widgets.plain(opportunity_words.questions(one))}")
    if access.may(person, "article.read"):
        for article in opportunity_words.telling(one):
            label = f"{widgets.plain(article.title)}, {article.count:,} of them"
            st.page_link("screens/knowledge.py", label=label, icon=":material/menu_book:", query_params={"article": article.slug})
    _listed("Covered", looked.covered, person)
    _listed("Not covered", looked.open, person)


def _listed(title: str, ids: Sequence[str], person: Person) -> None:
    if not ids:
        return
    st.caption(f"{title}: {len(ids):,}" + (f", of which {SHOWN} are shown" if len(ids) > SHOWN else ""))
    widgets.openings(ids, by=person, most=SHOWN)


def _usual(conversation_id: str, person: Person) -> str:
    """The most usual reply, where the person may read its conversation."""
    found = conversations.get(conversation_id, by=person) if conversation_id and access.may(person, "conversation.read") else None
    if found is None:
        return ""
    said = [" ".join(one.text.split()) for one in found[1] if one.role == WROTE and not one.private and one.gone_at is None]
    text = max(said, key=len, default="")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2].rsplit(' ', 1)[0]} …"
