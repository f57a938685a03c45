"""Examples: find what teaches a label: by a search, by likeness, where the machine is unsure, by a rule. A person says what belongs."""

from collections.abc import Callable

import streamlit as st

from classifiers import finding, gathering, kinds, taught
from classifiers.labels import YES_NO
from classifiers.labels import add as add_label
from data import access, conversations, labels, search
from data.errors import Refused
from data.tables import Classifier, Label
from portal import acts, suggestions, widgets

person = st.session_state["person"]
state = st.session_state
WAYS = {"search": "Search", "similar": "Alike", "unsure": "Unsure", "rule": "Rule"}
HINTS = {
    "search": "In the language of the Conversations page, the newest first.",
    "similar": "What is most like the examples there are, or like one conversation.",
    "unsure": "Where the live version wavered between this and something else. One of these teaches more than ten that it knew.",
    "rule": "What the customer wrote holds all of these words, one of those, and none of the last. A comma stands between two.",
}
ABOUT, QUESTION, FOUND, NO, SAID = (f"examples_{part}" for part in ("about", "question", "found", "refused", "answers"))


# -- which label --------------------------------------------------------------------------------------------------------------------------


def whose_labels(known: dict[str, Label]) -> Classifier:
    """Whose labels this is about: as the address says, by a label or by the classifier's name."""
    label = known.get(st.query_params.get("label") or last_chosen(known) or "")
    asked = label.classifier_name if label else st.query_params.get("classifier", labels.INTENT)
    return kinds.of(asked if asked in kinds.names() else labels.INTENT)


def last_chosen(known: dict[str, Label]) -> str | None:
    """Unless somebody comes with another classifier in mind."""
    last, asked = state.get(ABOUT), st.query_params.get("classifier")
    return last if last in known and asked in (None, known[last].classifier_name) else None


def which(known: dict[str, Label], about: Classifier) -> Label | None:
    """The address says it; else the one that was chosen last."""
    asked = st.query_params.get("label") or last_chosen(known)
    if asked in known and state.get("examples_label") != asked:
        state["examples_label"] = asked
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Label", list(known), index=None, key="examples_label", format_func=lambda made: called(known[made]), on_change=turn_to,
            placeholder="Choose what they are to be examples of",
        )  # fmt: skip
        if about.kind != YES_NO:
            with st.popover("Name a new one", icon=":material/add:", width="content"):
                name_one(about)
    state[ABOUT] = chosen
    return known.get(chosen or "")


def called(label: Label) -> str:
    told = label.name if label.classifier_name == labels.INTENT else f"{label.classifier_name}: {label.name}"
    return f"{told} (being taught)" if label.draft else told


def turn_to() -> None:
    state[ABOUT] = state["examples_label"]
    st.query_params.pop("classifier", None)
    if state["examples_label"]:
        st.query_params["label"] = state["examples_label"]
    else:
        st.query_params.pop("label", None)


def name_one(about: Classifier) -> None:
    is_intent = about is kinds.INTENTS
    field = "Intent" if is_intent else f"Label of '{about.name}'"
    name = st.text_input(field, key="examples_name", max_chars=80, placeholder="Parcel locker full" if is_intent else "Delivery")
    example = "The customer cannot leave or fetch a parcel …" if is_intent else "It is about how a parcel came …"
    meaning = st.text_input("What it means", key="examples_means", placeholder=example)
    asked = "Reviewers are asked about it" if is_intent else "It is said"
    st.caption(f"It is taught and tested first. {asked} once a release that knows it is approved.")
    if st.button("Name it", key="examples_add", type="primary", icon=":material/label:"):
        made: list[Label] = []
        told = f"Named '{name.strip()}'. Now find examples of it."
        if acts.attempt(
            lambda: made.append(add_label(name, by=person, classifier_name=about.name, description=meaning, draft=True)), done=told
        ):
            st.query_params["label"] = made[0].id
        st.rerun()


# -- which way ----------------------------------------------------------------------------------------------------------------------------


def which_way() -> str:
    way = st.segmented_control(
        "How to find them", list(WAYS), default="similar" if st.query_params.get("like") else "search", required=True,
        format_func=WAYS.__getitem__, key="examples_way", label_visibility="collapsed",
    )  # fmt: skip
    st.caption(HINTS[way])
    return way


Look = Callable[[list[str]], finding.Found]  # without those that somebody said do not belong


def asked_for(label: Label, way: str) -> tuple[tuple[str, ...], Look] | None:
    """What is asked, in words that tell whether it was asked before, and how to find it; None as long as nothing is asked."""
    if way == "search":
        return by_search(label)
    if way == "rule":
        return by_rule(label)
    if way == "unsure":
        return (), lambda no: finding.unsure(label.id, by=person, without=no)
    one = like_one()
    return (one,), lambda no: finding.like(label.id, [one] if one else None, by=person, without=no)


def by_search(label: Label) -> tuple[tuple[str, ...], Look] | None:
    words = st.text_input(
        "Search", key="examples_words", placeholder='Words, "phrases", -not, channel:chat', icon=":material/search:",
        help="  \n".join(f"`{example}` {told}" for example, told in search.HELP[:4]),
    )  # fmt: skip
    return ((words.strip(),), lambda no: finding.by_search(label.id, words, by=person, without=no)) if words.strip() else None


def by_rule(label: Label) -> tuple[tuple[str, ...], Look] | None:
    with st.form("examples_rule", border=False):
        row = st.columns(3)
        every = row[0].text_input("All of", key="examples_all", placeholder="parcel locker")
        some = row[1].text_input("One of", key="examples_any", placeholder="full, occupied, no room")
        none = row[2].text_input("None of", key="examples_without", placeholder="refund")
        st.form_submit_button("Find them", icon=":material/rule:")
    parts = [[word for word in typed.split(",") if word.strip()] for typed in (every, some, none)]
    return ((every, some, none), lambda no: finding.by_rule(label.id, *parts, by=person, without=no)) if any(parts) else None


def like_one() -> str:
    """The conversation that somebody came from, if they did."""
    one = st.query_params.get("like", "")
    if not one:
        return ""
    begins = conversations.beginnings(conversations.reachable([one], by=person), 200)
    with st.container(horizontal=True, vertical_alignment="center"):
        told = f"Compared with: *{widgets.plain(begins[one])}*" if begins.get(one) else "Compared with one conversation."
        st.markdown(told, width="stretch")
        st.button(
            "With its examples instead", key="examples_unlike", type="tertiary", icon=":material/close:",
            on_click=lambda: st.query_params.pop("like", None),
        )  # fmt: skip
    return one


Kept = tuple[tuple[str, ...], list[finding.Why], str, str]  # what was asked, what was found, the sentence about it, the one for examples


def look(label: Label, way: str, has: int) -> Kept | None:
    """Asked once, and again when the label has more examples or fewer. It is kept as ids; what they say is read anew each time."""
    if (asked := asked_for(label, way)) is None:
        return None
    question = (label.id, way, *asked[0])
    if state.get(QUESTION) != (question, has):
        with st.spinner("Looking through what came in."):
            try:
                found = asked[1](sorted(refused(label)))
            except Refused as told:
                st.warning(widgets.plain(str(told)), icon=":material/search_off:")
                return None
        state[QUESTION], state[FOUND] = (question, has), (found.shown, found.sentence, found.why)
    return question, *state[FOUND]


def refused(label: Label) -> set[str]:
    """What this person said does not belong, while they are signed in: it is not suggested again."""
    return state.setdefault(NO, {}).setdefault(label.id, set())


# -- what was found -----------------------------------------------------------------------------------------------------------------------


def go_through(label: Label, way: str, found: Kept) -> None:
    question, shown, sentence, why = found
    there = finding.read(shown, by=person)
    if not there:
        st.info(widgets.plain(sentence), icon=":material/search_off:")
        return
    st.markdown(widgets.plain(sentence))
    said: dict[str, bool] = state.setdefault(SAID, {}).setdefault(question, {})
    several = kinds.of(label.classifier_name).kind == kinds.SEVERAL
    more = (lambda one: say_all(one, label, way, why, said)) if several else None
    belong = suggestions.show(there, said, screen="examples", whys=dict(shown), more=more)
    accept(label, way, [one.conversation_id for one in belong], why, said)


def say_all(one: finding.Suggested, label: Label, way: str, why: str, said: dict[str, bool]) -> None:
    """All that comes up in it at once, and nothing else does: it is kept as it is said."""
    made, name = one.conversation_id, label.classifier_name
    known = {other.id: other.name for other in labels.of(name, drafts=True)}
    with st.container(border=True, gap="xsmall", key="examples_several"):
        st.caption(f"Or say all labels of {widgets.plain(name)} that come up in this conversation:")
        chosen = suggestions.come_up(known, taught.said_of(made, name, by=person), key=f"examples_all_of_{made}")
        if st.button("Keep these", key="examples_say_all", icon=":material/done_all:", disabled=chosen is None) and chosen is not None:
            told = "Kept: these come up and no other." if chosen else "Kept: none of them comes up."
            same = "Nothing changed: the same was said before, or it is a test."
            if acts.attempt(
                lambda: gathering.say_all(made, name, chosen, found=way, why=why if label.id in chosen else "", by=person),
                done=lambda kept: told if kept else same,
            ):
                said[made] = False  # not asked about here again
            st.rerun()


def accept(label: Label, way: str, ids: list[str], why: str, said: dict[str, bool]) -> None:
    words = f"Accept {len(ids)} {'example' if len(ids) == 1 else 'examples'}"
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(words, key="examples_accept", type="primary", icon=":material/check:", disabled=not ids)
        st.button("Look again", key="examples_look", type="tertiary", icon=":material/refresh:", on_click=look_again, args=(label, said))
    st.caption("About a third is kept for testing, by customer. What you did not look at stays as it is.")
    if pressed:
        if acts.attempt(
            lambda: gathering.accept(ids, label.id, found=way, why=why, by=person), done=lambda made: made.sentence
        ):  # fmt: skip
            look_again(label, said)
            said.clear()
        st.rerun()


def look_again(label: Label, said: dict[str, bool]) -> None:
    """For what came in since, and in the place of what does not belong."""
    for made in [made for made, belongs in said.items() if not belongs]:
        refused(label).add(made)
        del said[made]
    state.pop(QUESTION, None)


# -- what there is ------------------------------------------------------------------------------------------------------------------------


def so_far(label: Label, found: list[taught.Source]) -> None:
    st.subheader(widgets.plain(label.name), anchor=False)
    if label.description:
        st.markdown(widgets.plain(label.description))
    for icon, colour, told in (("check", "green", label.do), ("close", "red", label.dont)):
        for line in told.splitlines():
            st.markdown(f":{colour}[:material/{icon}:] {widgets.plain(line)}")
    if not (label.do or label.dont):
        st.caption("Its guideline does not say yet what belongs to it and what does not.")
    learned, kept = (sum(getattr(one, part) for one in found) for part in ("learned_from", "kept_for_testing"))
    st.markdown(f"**{learned:,}** to learn from, **{kept:,}** kept for testing" if found else "It has no example yet.")
    for one in found:
        st.markdown(f":gray[by {widgets.plain(one.words)}:] {told_of(one)}")
    if learned and access.may(person, "classifier.read"):
        address = {} if label.classifier_name == labels.INTENT else {"classifier": label.classifier_name}
        st.page_link(
            "screens/classifiers.py", label="Train a candidate with them", icon=":material/model_training:", query_params=address
        )  # fmt: skip


def told_of(one: taught.Source) -> str:
    parts = [f"{one.learned_from:,} to learn from"] if one.learned_from else []
    parts += [f"{one.kept_for_testing:,} kept for testing"] if one.kept_for_testing else []
    return ", ".join(parts)


def what_first(about: Classifier, has_labels: bool) -> str:
    if about is kinds.INTENTS:
        return "Choose a label, or name a new one." if has_labels else "There is no label yet. Name the first one."
    if about.kind == YES_NO:
        return f"'{about.name}' answers with yes or no. Choose the answer that you want to find examples of."
    return (
        f"Choose a label of '{about.name}', or name a new one." if has_labels else f"'{about.name}' has no label yet. Name the first one."
    )


def main() -> None:
    widgets.page("Examples", "What a label is taught by. Find conversations that may belong to it, and say of each whether it does.")
    known = {label.id: label for label in taught.choosable(by=person)}
    about = whose_labels(known)
    theirs = {made: label for made, label in known.items() if label.classifier_name == about.name}
    label = which(theirs | known, about)  # what it is about stands first
    if label is None:
        told = what_first(about, bool(theirs))
        if st.query_params.get("like"):
            told = f"{told} Then you see what is most like that conversation."
        st.info(told, icon=":material/label:")
        return
    way = which_way()
    there = taught.sources(label.id, by=person)
    found = look(label, way, sum(one.learned_from + one.kept_for_testing for one in there))
    left, right = st.columns([3, 2], gap="large")
    with left:
        if found is not None:
            go_through(label, way, found)
    with right:
        so_far(label, there)


main()
