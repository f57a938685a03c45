"""Acts on many conversations of a list: who is chosen, what would happen with counts and examples, and one button that says it."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from data import access, assignments, conversations, flagging, labels, relabelling, together
from data.conversations import Filter
from data.tables import Person
from data.together import Chosen, Preview
from evals import sets
from portal import acts, cached, widgets

_ALL = "together_all"  # the filter of which all that fits is chosen
_ROUND = "together_round"  # each act begins a new choice: the table's key has the number, and a new table has no line chosen
_SHOWN = "together_shown"  # the lines that were shown when all of those were chosen
PANELS = ("together_label", "together_flag", "together_assign")


def may_act(by: Person) -> bool:
    """Whether there is anything that this person could do with what they choose."""
    return any(access.may(by, right) for right in ("review.record", "example.flag", "review.assign"))


def table(shown_ids: Sequence[str], *, by: Person) -> dict[str, Any]:
    """How st.dataframe lets lines be chosen; to be given to it beside a `key` that ends with `key()`."""
    if not may_act(by):
        return {}
    lines = list(range(len(shown_ids))) if st.session_state.get(_SHOWN) == tuple(shown_ids) else []
    return {"on_select": "rerun", "selection_mode": "multi-row", "selection_default": {"selection": {"rows": lines}}}


def key() -> str:
    return str(st.session_state.get(_ROUND, 0))


def bar(shown_ids: Sequence[str], chosen_ids: Sequence[str], found: Filter, *, by: Person) -> None:
    """Above a list: what of it is chosen, and what can be done with that."""
    if not may_act(by):
        return
    is_all = st.session_state.get(_ALL) == found
    if not chosen_ids and not is_all:
        words = f"Choose these {len(shown_ids)} (X)" if len(shown_ids) > 1 else "Choose this one (X)"
        shown = {"shown_ids": tuple(shown_ids)}
        st.button(words, key="together_select", icon=":material/checklist:", type="tertiary", on_click=_begin_anew, kwargs=shown)
        return
    which: Chosen = found if is_all else chosen_ids
    fit = conversations.counted(found, by=by, most=together.MOST)
    with st.container(horizontal=True, vertical_alignment="center", key="together_bar"):
        st.markdown(f"**{f'All {fit:,} that fit are' if is_all else f'{len(chosen_ids):,}'} chosen**", width="content")
        if not is_all and len(chosen_ids) < fit <= together.MOST:
            st.button(f"Choose all {fit:,} that fit", key="together_choose_all", type="tertiary", on_click=_choose_all, args=(found,))
        if access.may(by, "review.record"):
            _panel(PANELS[0], "Label…", ":material/label:", lambda: _label(which, by))
        if access.may(by, "example.flag"):
            _panel(PANELS[1], "Flag…", ":material/flag:", lambda: _flag(which, by))
        if access.may(by, "review.assign"):
            _panel(PANELS[2], "Ask a colleague…", ":material/person_add:", lambda: _assign(which, by))
        st.button("Choose none (X)", key="together_select", type="tertiary", on_click=_begin_anew)
    if fit > together.MOST:
        st.caption(f"More than {together.MOST:,} fit. Narrow the list to choose all of them.")


def _choose_all(found: Filter) -> None:
    st.session_state[_ALL] = found


def _begin_anew(*, shown_ids: tuple[str, ...] = ()) -> None:
    """Nothing is chosen any more, or all lines that are shown."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state[_SHOWN] = shown_ids
    st.session_state.pop(_ALL, None)


def _panel(name: str, words: str, icon: str, draw: Callable[[], None]) -> None:
    """What it holds is asked for only while it is open."""
    panel = st.popover(words, icon=icon, key=name, on_change="rerun")
    if panel.open:
        with panel:
            draw()


def _label(which: Chosen, by: Person) -> None:
    label = st.selectbox(
        "Intent", labels.of(), index=None, format_func=lambda made: made.name, key="together_intent", placeholder="Choose the intent"
    )
    if label is None:
        st.caption("Each gets a review of yours with this intent. What you said of it before stays.")
        return
    preview = relabelling.preview(which, label.id, by=by)
    st.markdown(widgets.plain(preview.sentence))
    ids, count = preview.changing, len(preview.changing)
    if count > relabelling.DIRECT:
        words = f"Why: more than {relabelling.DIRECT} at once need a second person"
        why = st.text_input(words, key="together_why_label", placeholder="Whoever decides reads it first")
        _button(
            f"Propose to label {count:,} as {label.name}",
            lambda: relabelling.propose(ids, label.id, why=why or "", by=by),
            lambda proposal: f"Proposed to {proposal.title}. It waits on Approvals for a second person.",
        )
    elif count:
        _button(f"Label {count:,} as {label.name}", lambda: relabelling.label(ids, label.id, by=by), lambda done: done.sentence)
    _samples(preview)


def _flag(which: Chosen, by: Person) -> None:
    known = [one for one in sets.all_sets(by=by) if one.purpose == "classifier"]
    if not known:
        st.caption("There is no eval set of intents yet. A lead or an engineer creates one on Eval sets.")
        return
    kind = st.segmented_control("As", ["strong", "weak"], format_func=str.capitalize, default="weak", required=True, key="together_kind")
    eval_set = st.selectbox("Eval set", known, format_func=lambda one: one.name, key="together_set")
    why = st.text_input("Why they are good tests", key="together_why_flag", placeholder="One sentence for all of them")
    preview = flagging.preview(which, kind, eval_set.id, by=by)
    st.markdown(widgets.plain(preview.sentence))
    ids, count = preview.changing, len(preview.changing)
    if count:
        _button(
            f"Flag {count:,} as {kind} example{'' if count == 1 else 's'}",
            lambda: flagging.flag(ids, kind, why=why or "", eval_set_id=eval_set.id, by=by),
            lambda done: done.sentence,
        )
    _samples(preview)


def _assign(which: Chosen, by: Person) -> None:
    colleague = st.selectbox(
        "Whom",
        assignments.colleagues(by=by),
        index=None,
        format_func=lambda one: one.name,
        key="together_whom",
        placeholder="Choose a colleague",
    )
    if colleague is None:
        st.caption("They hear of it once, and have them first in their queue until they reviewed them.")
        return
    preview = assignments.preview(which, colleague.id, by=by)
    st.markdown(widgets.plain(preview.sentence))
    ids, count = preview.changing, len(preview.changing)
    if count:
        _button(
            f"Ask {colleague.name} to look at {count:,}",
            lambda: assignments.assign(ids, colleague.id, by=by),
            lambda done: done.sentence,
        )
    _samples(preview)


def _samples(preview: Preview) -> None:
    """Below the button: whoever wants to see it sees from what to what."""
    with st.container(gap=None):
        for one in preview.samples:
            becomes = f"{widgets.plain(one.before)} → {widgets.plain(one.after)}"
            st.caption(f"**{widgets.plain(one.customer)}** {widgets.plain(one.opening[:36])} · {becomes}")


def _button(words: str, act: Callable[[], Any], told: Callable[[Any], str]) -> None:
    """Does what the preview said, to exactly those."""
    st.button(widgets.plain(words), key="together_do", type="primary", on_click=_do, args=(act, told))


def _do(act: Callable[[], Any], told: Callable[[Any], str]) -> None:
    if acts.attempt(act, done=told):
        for panel in PANELS:
            st.session_state[panel] = False
        cached.forget()
        _begin_anew()
