"""The form that writes a fault up, and the one that changes it: what it is about, and beside it the conversations that this finds."""

from collections.abc import Mapping, Sequence

import streamlit as st

from data import feedback_evidence, labels, product_feedback
from data.errors import Refused
from data.feedback_evidence import Evidence
from data.product_feedback import CHOSEN, FEWEST_SAMPLES, LONGEST, LONGEST_TITLE, MOST_SAMPLES, About
from data.search import LONGEST as LONGEST_SEARCH
from data.tables import Person, ProductFeedback
from portal import acts, feedback_document, feedback_samples, widgets

OFFERED = 30  # conversations to choose samples from


def leave(feedback_id: str) -> None:
    """To one, or to the list."""
    st.query_params.from_dict({"feedback": feedback_id} if feedback_id else {})
    st.rerun()


def begin(person: Person) -> None:
    if st.button("All product feedback", icon=":material/arrow_back:", type="tertiary"):
        leave("")
    left, right = st.columns([1, 1], gap="large")
    with left:
        about = _about(_begun(st.query_params, person))
        title = st.text_input("Fault", key="feedback_title", max_chars=LONGEST_TITLE, placeholder="The parcel locker stays shut")
        text = st.text_area("What customers run into", key="feedback_text", max_chars=LONGEST, height=110)
        wish = st.text_area("What would help them (if you know)", key="feedback_wish", max_chars=LONGEST, height=80)
    with right:
        words = _found(about, person)
        samples = _choose(words, [], "new", person) if words else []
    with left:
        if st.button("Write it up", type="primary", key="feedback_write", icon=":material/campaign:", disabled=not words):
            made: list[ProductFeedback] = []
            acts.attempt(
                lambda: made.append(product_feedback.write(title, text, about, by=person, wish=wish, sample_ids=samples)),
                done="Written up. Hand it to a product team when it is ready.",
            )
            if made:
                leave(made[0].id)
            st.rerun()


def change(found: ProductFeedback, person: Person) -> None:
    if st.button("Back to it", icon=":material/arrow_back:", type="tertiary"):
        leave(found.id)
    left, right = st.columns([1, 1], gap="large")
    with left:
        title = st.text_input("Fault", found.title, key="feedback_title", max_chars=LONGEST_TITLE)
        text = st.text_area("What customers run into", found.text, key="feedback_text", max_chars=LONGEST, height=160)
        wish = st.text_area("What would help them (if you know)", found.wish, key="feedback_wish", max_chars=LONGEST, height=110)
    with right:
        picked = _choose(product_feedback.words_of(found), found.sample_ids, found.id, person)
        seen = [one.id for one in feedback_document.samples_of(found, by=person)]
        samples = picked if picked != seen else None  # those beyond this person's reach stay, unless others are chosen
    with left:
        if st.button("Save the change", type="primary", key="feedback_change"):
            if acts.attempt(
                lambda: product_feedback.change(found.id, by=person, title=title, text=text, wish=wish, sample_ids=samples), done="Kept."
            ):
                leave(found.id)
            st.rerun()


# -- what it is about ---------------------------------------------------------------------------------------------------------------------


def _begun(params: Mapping[str, str], person: Person) -> About:
    """As an address begins one: ?new=1&intent=Refund, &pattern=…, &words=…"""
    pattern = product_feedback.pattern(params.get("pattern"), by=person)
    if pattern:
        return product_feedback.about_pattern(pattern)
    named = {label.name: label.id for label in labels.of()}
    return About(label_id=named.get(params.get("intent", "")), words=params.get("words", ""))


def _about(begun: About) -> About:
    named = {label.id: label.name for label in labels.of()}
    known = list(named)
    place = known.index(begun.label_id) if begun.label_id in named else None
    label_id = st.selectbox(
        "Intent", known, index=place, format_func=named.__getitem__, key="feedback_intent", placeholder="Any, then by words alone"
    )
    words = st.text_input(
        "Words that find its conversations", begun.words, key="feedback_words", max_chars=LONGEST_SEARCH,
        placeholder='locker "stays shut" channel:chat', help="As on Conversations: words, phrases in quotes, channel:chat, -not.",
    )  # fmt: skip
    return About(label_id, begun.pattern_id, words or "")


def _found(about: About, person: Person) -> str:
    """The search, once it is one; and how much it finds."""
    words = product_feedback.words_of(about)
    if not words.strip():
        st.info(
            "Choose an intent or type words. What they find stands here: how many conversations, and some to show.",
            icon=":material/manage_search:",
        )  # fmt: skip
        return ""
    try:
        evidence = feedback_evidence.of(feedback_evidence.checked(words), by=person)
    except Refused as refused:
        st.warning(widgets.plain(str(refused)), icon=":material/search_off:")
        return ""
    _preview(evidence)
    return words


def _preview(evidence: Evidence) -> None:
    st.markdown(widgets.plain(evidence.sentence))
    if evidence.cost:
        st.caption(widgets.plain(evidence.cost.sentence))


def _choose(words: str, chosen: Sequence[str], which: str, person: Person) -> list[str]:
    """The newest are proposed; people choose what shows it best."""
    offered = list(dict.fromkeys([*chosen, *feedback_evidence.newest(words, OFFERED, by=person)]))
    lines = {one.id: one for one in feedback_document.lines(offered, by=person)}
    default = [one for one in chosen if one in lines] or list(lines)[:CHOSEN]
    if not lines:
        return []
    picked = st.multiselect(
        f"Samples, {FEWEST_SAMPLES} to {MOST_SAMPLES}", list(lines), default=default, key=f"feedback_samples_{which}_{hash(words)}",
        max_selections=MOST_SAMPLES, format_func=lambda made: feedback_samples.label(lines[made]),
        help="What customers wrote stands in the file for the product team, personal data masked.",
    )  # fmt: skip
    feedback_samples.show([lines[one] for one in picked], key=f"new_{which}")
    return list(picked)
