"""One conversation after the other: does it belong? What was answered stays in sight, and can be answered anew."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import streamlit as st

from portal import widgets

LONGEST = 1_200  # characters that are shown to decide by


class Suggestion(Protocol):
    @property
    def conversation_id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def opened_at(self) -> datetime: ...


Asked = TypeVar("Asked", bound=Suggestion)


def show(
    there: Sequence[Asked], said: dict[str, bool], *, screen: str, whys: Mapping[str, str] | None = None,
    more: Callable[[Asked], None] | None = None,
) -> list[Asked]:  # fmt: skip
    """Asks about each, and writes the answers down in `said`. Returns those that belong. Keys Y and N press the buttons of `screen`.

    `more` draws what else can be said of the one that is asked about.
    """
    answers = [said[one.conversation_id] for one in there if one.conversation_id in said]
    st.progress(len(answers) / max(1, len(there)), text=f"{len(answers)} of {len(there)} looked at, {sum(answers)} belong")
    if unread := [one for one in there if one.conversation_id not in said]:
        _ask(unread, said, screen, whys or {})
        if more:
            more(unread[0])
    with st.expander(f"Looked at: {len(answers)}", icon=":material/checklist:"):
        for one in there:
            if one.conversation_id in said:
                _answered(one, said, screen)
    return [one for one in there if said.get(one.conversation_id)]


def _ask(unread: Sequence[Asked], said: dict[str, bool], screen: str, whys: Mapping[str, str]) -> None:
    def answer(*ones: Asked, belongs: bool) -> None:
        said.update({other.conversation_id: belongs for other in ones})

    one = unread[0]
    with st.container(border=True, height=230, key=f"{screen}_asked"):
        why = whys.get(one.conversation_id)
        told = f"{widgets.CHANNEL_WORDS.get(one.channel, one.channel)} · {widgets.when(one.opened_at)}"
        st.caption(f"{told} · **{widgets.plain(why)}**" if why else told)
        st.markdown(widgets.plain(one.text[:LONGEST]))
    with st.container(horizontal=True):
        yes, no = {"belongs": True}, {"belongs": False}
        st.button(
            "Belongs (Y)", key=f"{screen}_yes", type="primary", on_click=answer, args=(one,), kwargs=yes, width="stretch",
        )  # fmt: skip
        st.button("Does not (N)", key=f"{screen}_no", on_click=answer, args=(one,), kwargs=no, width="stretch")
    if len(unread) > 1:
        told = f"Take the other {len(unread)} unread"
        st.button(told, key=f"{screen}_rest", type="tertiary", on_click=answer, args=tuple(unread), kwargs=yes)


def _answered(one: Suggestion, said: dict[str, bool], screen: str) -> None:
    def ask_again() -> None:
        del said[one.conversation_id]

    row, way = st.columns([6, 1], vertical_alignment="center")
    mark = ":green[:material/check:]" if said[one.conversation_id] else ":gray[:material/close:]"
    row.markdown(f"{mark} {widgets.plain(' '.join(one.text.split())[:140])}")
    way.button("Again", key=f"{screen}_again_{one.conversation_id}", type="tertiary", on_click=ask_again)


# -- all labels at once -------------------------------------------------------------------------------------------------------------------

NONE = "None of these"


def come_up(known: Mapping[str, str], now: Sequence[str] | None, *, key: str) -> list[str] | None:
    """All labels that come up, by id. None: nobody said it yet. That none comes up is a choice of its own; an empty field says nothing."""
    chosen = st.multiselect(
        "Which of these come up?", [*known, NONE], default=None if now is None else [*now] or [NONE],
        format_func=lambda made: known.get(made, NONE), key=key, placeholder=f"All that do, or '{NONE}'",
    )  # fmt: skip
    if NONE in chosen and len(chosen) > 1:
        st.caption(f":material/info: Either labels or '{NONE}': take one away.")
        return None
    return [made for made in chosen if made != NONE] if chosen else None
