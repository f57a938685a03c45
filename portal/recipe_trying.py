"""A recipe on one conversation while it is written: which conversation, what each card would do there, and what it comes to."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from automations import checking, conditions, running, trying
from automations.door import ASKED, Did
from automations.recipe import INTENT, ON_FAILURE, Recipe
from automations.running import Span, Steps
from automations.steps.face import Declaration, Declarations
from automations.trying import Tried
from data import conversations
from data.conversations import Filter
from data.errors import Refused
from data.tables import Person
from portal import catalog, recipe_copy, widgets
from portal.recipe_copy import Copy
from portal.recipe_form import Places

MOST_OFFERED, LONGEST_VALUE, MOST_VALUES = 12, 160, 8
LINKED = re.compile(r"conversation=([\w-]{8,64})")
AN_ID = re.compile(r"[\w-]{8,64}")
LAST = "automations_tried"
INSIDE = {"model": ":material/psychology:", "tool": ":material/build:", "handoff": ":material/forward:"}  # an agent at work


def every_step() -> Steps:
    """Opened only where recipes are worked on: some of them bring much with them."""
    from automations.steps.all import STEPS

    return STEPS


# -- which conversation -------------------------------------------------------------------------------------------------------------------


def choose(copy: Copy, begun_from: str, *, by: Person) -> str:
    """One that it is tried on: the one it was begun from, else the newest that it is for."""
    row = st.columns([2, 3], vertical_alignment="bottom")
    said = row[0].text_input(
        "Try it on a conversation", key=f"automations_find_{copy.head.name}", icon=":material/search:",
        placeholder="Words, or the address of one",
    )  # fmt: skip
    try:
        offered = found(copy, (said or "").strip(), begun_from, by)
    except Refused as refused:
        st.markdown(f":small[:orange[{widgets.plain(str(refused))}]]")
        return ""
    if not offered:
        st.caption("No conversation fits. Look with other words." if said else "No conversation is here that it could be tried on.")
        return ""
    return row[1].selectbox(
        "Conversation", list(offered), format_func=offered.__getitem__, key=f"automations_on_{copy.head.name}_{hash(tuple(offered))}",
        label_visibility="collapsed",
    )  # fmt: skip


def found(copy: Copy, said: str, begun_from: str, by: Person) -> dict[str, str]:
    """Id and beginning, within the person's reach."""
    if linked := LINKED.search(said):
        ids = [linked[1]]
    elif AN_ID.fullmatch(said) and conversations.reachable([said], by=by):
        ids = [said]
    else:
        ids = [] if said else [begun_from] * bool(begun_from)
        ids += [one.id for one in conversations.listed(narrowed(copy, said), by=by, size=MOST_OFFERED)]
        if not ids:  # nothing of what sets it off came in yet: any will do to see what it does
            ids = [one.id for one in conversations.listed(Filter(words=said), by=by, size=MOST_OFFERED)]
    ids = conversations.reachable(list(dict.fromkeys(ids)), by=by)
    told = conversations.beginnings(ids, most=90)
    return {one: " ".join(told[one].split()) or "Nothing was said" for one in ids}


def narrowed(copy: Copy, said: str) -> Filter:
    trigger, channels = copy.head.trigger, copy.head.channels
    intent = trigger.intent if trigger.kind == INTENT and trigger.intent and not said else None
    return Filter(words=said, intent=intent, channel=channels[0] if len(channels) == 1 and not said else None)


# -- what it would do there ---------------------------------------------------------------------------------------------------------------


def on(copy: Copy, conversation_id: str, faulty: set[int], steps: Steps, *, by: Person) -> Tried | None:
    """As far as it can run: up to the first card that is not finished. Asked again only where something changed."""
    recipe = so_far(copy, faulty)
    if not recipe.acts:
        return None
    asked = json.dumps([recipe.as_body(), conversation_id, by.id], sort_keys=True, default=str)
    last: tuple[str, Tried] | None = st.session_state.get(LAST)
    if last and last[0] == asked:
        return last[1]
    with st.spinner("Trying it on the conversation", show_time=False):
        made = trying.on(recipe, conversation_id, connected=catalog.connected_for(by), steps=steps, by=by)
    st.session_state[LAST] = (asked, made)
    return made


def so_far(copy: Copy, faulty: set[int]) -> Recipe:
    whole = copy.recipe()
    if whole.when is not None and conditions.faults(whole.when, None):
        whole = replace(whole, when=None)
    kept = []
    for card, act in zip(copy.cards, whole.acts, strict=True):
        if faulty & {inner.uid for _, _, inner, _ in recipe_copy.walk([card])}:
            break
        kept.append(act)
    return replace(whole, acts=tuple(kept))


def beside_cards(tried: Tried, copy: Copy, faulty: Collection[int], places: Places, declarations: Declarations) -> None:
    spans = {one.name: one for one in tried.told.spans}
    did = by_name(tried)
    for _, _, card, _ in copy.walk():
        if card.uid in faulty:
            continue
        span = spans.get(card.name)
        mark(did.get(card.name, []), span, places.marks[card.uid])
        if card.uid in copy.opened:
            with places.cards[card.uid]:
                st.caption("On this conversation")
                inside(card.name, tried.told.spans)
                result(did.get(card.name, []), span, declarations.get(card.step), card.on_failure)
        elif span is not None:
            with places.cards[card.uid]:
                st.caption(f":material/play_circle: {in_a_line(did.get(card.name, []), span, declarations.get(card.step))}")


def by_name(tried: Tried) -> dict[str, list[Did]]:
    told: dict[str, list[Did]] = {}
    for did in tried.did:
        told.setdefault(did.wanted.name.split(".")[0], []).append(did)  # what an agent does is named behind its card
    return told


def inside(name: str, spans: Sequence[Span]) -> None:
    """What an agent asked for, turn by turn. That a guardrail let something through is not worth a line."""
    lines = [line for one in spans if one.name.startswith(f"{name}.") and (line := turn(one))]
    if lines:
        st.markdown("  \n".join(lines))


def turn(one: Span) -> str:
    icon = INSIDE.get(one.kind, "")
    if one.kind == "guardrail":
        return f":orange[:material/shield: {widgets.plain(one.why)}]" if one.state == running.FAILED else ""
    if one.kind == "model":
        asked = ", ".join(str(tool["name"]).replace("_", " ") for tool in one.gave.get("tools", ()))
        words = f"asks for {asked}" if asked else "answers"
        return f"{icon} {widgets.plain(one.name.rpartition('.')[2])} {widgets.plain(words)} :gray[{widgets.plain(one.step)}]"
    if one.kind == "handoff":
        return f"{icon} {widgets.plain(one.name.rpartition('.')[2])} has it from here"
    said = one.why if one.state in (running.FAILED, running.WAITING) else ", ".join(
        f"{name.replace('_', ' ')} {shown(value)}" for name, value in list(one.gave.items())[:4] if value not in ("", None)
    )  # fmt: skip
    return f"{icon} {widgets.plain(one.step)} :gray[{widgets.plain(said)}]"


def state_of(did: Sequence[Did], span: Span | None) -> tuple[str, str, str]:
    """Word, icon, colour."""
    if span is None:
        return "not reached", ":material/more_horiz:", "gray"
    if span.state == running.SKIPPED:
        return "not done", ":material/remove:", "gray"
    if span.state == running.FAILED:
        return "fails", ":material/error:", "orange"
    if span.state == running.WAITING:
        return "waits for the customer", ":material/hourglass_top:", "gray"
    if any(one.state == ASKED for one in did):
        return "needs a yes", ":material/how_to_reg:", "yellow"
    return ("would be done", ":material/check_circle:", "violet") if did else ("done", ":material/check_circle:", "green")


def mark(did: Sequence[Did], span: Span | None, place: DeltaGenerator) -> None:
    word, icon, colour = state_of(did, span)
    with place:
        st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]


def result(did: Sequence[Did], span: Span | None, declaration: Declaration | None, on_failure: str) -> None:
    if span is None:
        st.markdown(":gray[The run does not come this far.]")
        return
    if span.state == running.SKIPPED:
        st.markdown(f":gray[Not done, because this does not hold: {widgets.plain(span.why)}.]")
    elif span.state == running.FAILED:
        st.markdown(f":orange[:material/error:] {widgets.plain(span.why)}")
        st.caption(f"Then {widgets.plain(ON_FAILURE.get(on_failure, on_failure))}.")
    elif span.state == running.WAITING:
        st.markdown(widgets.plain(span.why))
    for one in did:
        st.markdown(f"{'Needs a yes' if one.state == ASKED else 'Would be done'}: **{widgets.plain(one.wanted.told)}**")
        if text := one.wanted.what.get("text"):
            st.container(border=True).text(str(text))
    if span.state == running.DONE and not did:
        lines = [f":gray[{widgets.plain(title)}] {widgets.plain(value)}" for title, value in given(span, declaration)[:MOST_VALUES]]
        st.markdown("  \n".join(lines))


def given(span: Span, declaration: Declaration | None) -> list[tuple[str, str]]:
    """What it found, by the titles that its fields have."""
    told = []
    for output in declaration.outputs if declaration else ():
        if (value := span.gave.get(output.name)) not in (None, ""):
            told.append((output.title, shown(value)))
    return told


def shown(value: Any) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{name.replace('_', ' ')} {shown(inner)}" for name, inner in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(shown(inner) for inner in value)
    else:
        amount = conditions.number(value)
        text = recipe_copy.typed(value) if amount is None else f"{amount:,f}"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def in_a_line(did: Sequence[Did], span: Span, declaration: Declaration | None) -> str:
    if did:
        return widgets.plain("; ".join(one.wanted.told for one in did))
    if span.why:
        return widgets.plain(f"does not hold: {span.why}" if span.state == running.SKIPPED else span.why)
    told = [f"{title.lower()} {value}" for title, value in given(span, declaration)[:4]]
    return widgets.plain(" · ".join(told))


def comes_to(tried: Tried | None, *, all_of_it: bool) -> None:
    """The last line."""
    if tried is None:
        return
    told = tried.sentence if all_of_it else f"As far as it is finished: {tried.sentence}"
    st.markdown(f":material/play_circle: **On this conversation:** {widgets.plain(told)}")


# -- what is wrong ------------------------------------------------------------------------------------------------------------------------


def told_by_card(copy: Copy, declarations: Declarations) -> tuple[list[str], dict[int, list[str]]]:
    """What is wrong with the recipe as a whole, and with each card."""
    recipe = replace(copy.recipe(), name=copy.head.name or "new")  # its title names it when it is saved
    places = {f"{checking.place(number, card.act())}: ": card.uid for number, _, card, _ in copy.walk()}
    whole = ["A line of its condition is not finished."] if copy.only.unfinished else []
    by_card: dict[int, list[str]] = {}
    for fault in checking.faults(recipe, declarations):
        before = next((words for words in places if fault.startswith(words)), None)
        if before is None:
            whole.append(fault)
        else:
            by_card.setdefault(places[before], []).append(capital(fault.removeprefix(before)))
    for _, _, card, _ in copy.walk():
        if card.only.unfinished:
            by_card.setdefault(card.uid, []).append("A line of its condition is not finished.")
    names = [card.name for _, _, card, _ in copy.walk()]
    for _, _, card, _ in copy.walk():
        if names.count(card.name) > 1:
            by_card.setdefault(card.uid, []).append("Another step is called so too.")
    return whole, by_card


def capital(told: str) -> str:
    return told[:1].upper() + told[1:]


def faults(whole: list[str], by_card: Mapping[int, list[str]], places: Places, copy: Copy) -> None:
    with places.head:
        for told in whole:
            st.markdown(f":orange[:material/build:] {widgets.plain(told)}")
    for uid, some in by_card.items():
        with places.marks[uid]:
            st.badge("to be mended", icon=":material/build:", color="orange")
        with places.cards[uid]:
            for told in some if uid in copy.opened else some[:2]:
                st.markdown(f":orange[:material/build:] {widgets.plain(told)}")
