"""The cards of a recipe on a screen: what sets it off, each step with its fields, drawn from what it declares, and when it is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from automations import conditions
from automations.agents.checks import STEP
from automations.checking import Known
from automations.flowing import money_told, trigger_told
from automations.recipe import BUTTON, CHANNELS, INTENT, ON_FAILURE, TRIGGERS, Alone, Limits, Recipe, Trigger
from automations.steps.face import Declaration, Declarations, Field
from data import labels
from portal import recipe_copy, recipe_fields, recipe_only, widgets
from portal.recipe_copy import Card, Copy
from portal.recipe_fields import key


@dataclass(frozen=True)
class Places:
    """Beside each card: what is wrong with it, and what it does on a conversation. Filled once all cards are drawn."""

    head: DeltaGenerator
    marks: Mapping[int, DeltaGenerator]  # in its first line, by card
    cards: Mapping[int, DeltaGenerator]  # in the card


def typed(said: str | None, before: str) -> str:
    """What nobody touched stays as it was, blanks and all."""
    return before if said == before else (said or "").strip()


def small(word: str, icon: str, uid: int, name: str, act: Callable[..., None], *args: Any, off: bool = False) -> None:
    """A button that is only an icon; its word is read on hover and aloud."""
    st.button(word, icon=icon, key=key(uid, name), type="tertiary", on_click=act, args=args, disabled=off, help=word)


# -- its head -----------------------------------------------------------------------------------------------------------------------------


def head(copy: Copy) -> DeltaGenerator:
    """When it begins, for whom, how far it may go. The place is for what is wrong with it."""
    opened = copy.uid in copy.opened
    with st.container(border=True, key=f"automations_head_{copy.uid}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(":material/bolt: **When it begins**", width="content")
            fold(copy, copy.uid)
        if opened:
            head_fields(copy)
        else:
            told = copy.recipe()
            st.caption(widgets.plain(f"When {trigger_told(told.trigger)}{_only_if(told)} · {far_in_words(told)}"))
        return st.container()


def _only_if(told: Recipe) -> str:
    return f", only if {conditions.told(told.when)}" if told.when is not None and not conditions.faults(told.when, None) else ""


def fold(copy: Copy, uid: int) -> None:
    opened = uid in copy.opened
    small("Fold" if opened else "Edit", f":material/{'unfold_less' if opened else 'edit'}:", uid, "open", turn, copy, uid)


def turn(copy: Copy, uid: int) -> None:
    copy.opened ^= {uid}


def head_fields(copy: Copy) -> None:
    told = copy.head
    titled = named(copy)
    trigger = begins(told.trigger, copy.uid)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        channels = st.pills(
            "Only by", list(dict.fromkeys([*CHANNELS, *told.channels])), selection_mode="multi", default=list(told.channels),
            format_func=lambda one: widgets.CHANNEL_WORDS.get(one, one), key=key(copy.uid, "channels"), help="None chosen: by all of them",
        )  # fmt: skip
        language = st.text_input(
            "Only in the language", told.language, key=key(copy.uid, "language"), placeholder="any", width=180,
            help="en, de, pt-BR",
        )  # fmt: skip
    recipe_only.rows(copy.only, copy, recipe_copy.known_at_first(copy), key(copy.uid, "when"), {})
    limits, alone = how_far(copy)
    copy.head = replace(
        titled, trigger=trigger, channels=tuple(channels or ()), language=typed(language, told.language), limits=limits, alone=alone
    )


def named(copy: Copy) -> Recipe:
    left, right = st.columns([2, 3])
    title = left.text_input("Title", copy.head.title, key=key(copy.uid, "title"), placeholder="Lost parcels are paid back")
    what = right.text_area(
        "What it is for", copy.head.what, key=key(copy.uid, "what"), height=68,
        placeholder="In a sentence, for colleagues",
    )  # fmt: skip
    return replace(copy.head, title=title, what=what)


def begins(trigger: Trigger, uid: int) -> Trigger:
    row = st.columns([2, 2, 1.2], vertical_alignment="bottom")
    kinds = list(TRIGGERS) if trigger.kind in TRIGGERS else [trigger.kind, *TRIGGERS]
    kind = row[0].selectbox(
        "It begins when", kinds, index=kinds.index(trigger.kind), format_func=lambda one: TRIGGERS.get(one, one), key=key(uid, "trigger")
    )
    if kind == INTENT:
        names = with_own([label.name for label in labels.of()], trigger.intent)
        place = names.index(trigger.intent) if trigger.intent else None
        intent = row[1].selectbox("Intent", names, index=place, key=key(uid, "intent"), placeholder="Choose an intent")
        least = min(max(float(trigger.confidence if trigger.confidence is not None else Decimal("0.8")) * 100, 1), 100)
        sure = row[2].number_input("At least so sure, %", 1, 100, round(least), key=key(uid, "sure"))
        return Trigger(
            kind, intent or "", Decimal(sure) / 100 if round(least) != sure or trigger.confidence is None else trigger.confidence
        )
    if kind == BUTTON:
        told = row[1].text_input("On the button stands", trigger.button, key=key(uid, "button"))
        return Trigger(kind, button=told)
    return Trigger(kind)


def with_own(names: Sequence[str], own: str) -> list[str]:
    """The list, and what stands there already although the list has it no more."""
    return [*names, own] if own and own not in names else list(names)


def how_far(copy: Copy) -> tuple[Limits, Alone]:
    told, uid = copy.head, copy.uid
    limits, alone = told.limits, told.alone
    with st.expander(
        f"Limits and what it may do alone: {widgets.plain(far_in_words(told))}", icon=":material/shield:", key=key(uid, "far")
    ):
        st.caption("Limits are kept whatever a step or a model says. What it may not do alone becomes a proposal that people decide.")
        row = st.columns(4, vertical_alignment="bottom")
        run = money(row[0], "Money per run", limits.money_per_run, key(uid, "run"))
        day = money(row[1], "Money per day", limits.money_per_day, key(uid, "day"))
        currency = row[2].text_input("Currency", limits.currency, key=key(uid, "currency"), placeholder="EUR")
        runs = row[3].number_input("Runs per day", 0, 1_000_000, limits.runs_per_day, key=key(uid, "runs"), placeholder="no limit")
        below = st.columns([2, 1, 1], vertical_alignment="bottom")
        steps = list(dict.fromkeys([*(step for _, _, step in copy.recipe().uses()), *alone.changes]))
        changes = below[0].multiselect(
            "Without asking it may", steps, [one for one in alone.changes if one in steps], key=key(uid, f"alone_{hash(tuple(steps))}"),
            placeholder="Nothing: each change is a proposal",
        )  # fmt: skip
        shown_approvers = min(max(alone.approvers, 1), 2)
        up_to = money(below[1], "Money up to", alone.money or None, key(uid, "alone_money"), none="nothing")
        approvers = below[2].number_input("People who say yes", 1, 2, shown_approvers, key=key(uid, "approvers"))
    said = int(approvers) if alone.approvers in (1, 2) or approvers != shown_approvers else alone.approvers
    return Limits(run, day, runs, limits.currency if currency == limits.currency else currency.strip().upper()), Alone(
        up_to or Decimal(0), tuple(changes), said
    )


def far_in_words(told: Recipe) -> str:
    limits = told.limits
    words = [
        f"{money_told(limits.money_per_run, limits.currency)} per run" if limits.money_per_run is not None else "",
        f"{limits.runs_per_day:,} runs per day" if limits.runs_per_day is not None else "",
        f"alone {', '.join(told.alone.changes)}" if told.alone.changes else "nothing alone",
    ]
    return ", ".join(word for word in words if word)


def money(place: DeltaGenerator, label: str, amount: Decimal | None, name: str, *, none: str = "no limit set") -> Decimal | None:
    said = place.number_input(
        label, 0.0, 1_000_000.0, None if amount is None else float(amount), step=1.0, format="%.2f", key=name, placeholder=none
    )
    if said is None:
        return None
    return amount if amount is not None and float(amount) == said else Decimal(f"{said:.2f}")


# -- its steps ----------------------------------------------------------------------------------------------------------------------------


def cards(copy: Copy, declarations: Declarations) -> Places:
    """All of them, and at the end a new one."""
    place = head(copy)
    known = recipe_copy.known_by_card(copy, declarations)
    marks: dict[int, DeltaGenerator] = {}
    inside: dict[int, DeltaGenerator] = {}
    for number, depth, card, among in list(copy.walk()):
        with st.container(border=True, key=f"automations_card_{depth}_{card.uid}", gap="small"):
            marks[card.uid] = first_line(copy, number, card, among, declarations)
            if card.uid in copy.opened:
                with st.container(key=f"automations_fields_{card.uid}"):
                    left, inside[card.uid] = st.columns([3, 2], gap="large")
                with left:
                    fill_in(copy, card, declarations, known[card.uid])
                when_and_if_not(copy, card, declarations, known[card.uid])
            else:
                if told := in_short(card):
                    st.caption(widgets.plain(told))
                inside[card.uid] = st.container()
    if copy.removed:
        st.button(
            f"Put '{widgets.plain(title_of(copy.removed.card, declarations))}' back", icon=":material/undo:", type="tertiary",
            key=key(copy.uid, "put_back"), on_click=recipe_copy.put_back, args=(copy,),
        )  # fmt: skip
    add(copy, copy.cards, declarations, "Add a step", copy.uid)
    return Places(place, marks, inside)


def icon_of(declaration: Declaration | None) -> str:
    return f":material/{declaration.icon}:" if declaration else ":material/help:"


def title_of(card: Card, declarations: Declarations) -> str:
    return declarations[card.step].title if card.step in declarations else card.step


def first_line(copy: Copy, number: str, card: Card, among: list[Card], declarations: Declarations) -> DeltaGenerator:
    """Which step it is, and what is done with the card; the place is for a word on how it goes."""
    place = among.index(card)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            words = f"{icon_of(declarations.get(card.step))} **{number} · {widgets.plain(title_of(card, declarations))}**"
            st.markdown(words, width="content")
            mark = st.container(width="content")
        with st.container(
            horizontal=True, vertical_alignment="center", width="content", gap="xxsmall", key=f"automations_tools_{card.uid}"
        ):
            fold(copy, card.uid)
            small("Move up", ":material/arrow_upward:", card.uid, "up", recipe_copy.move, card, among, -1, off=place == 0)
            small("Move down", ":material/arrow_downward:", card.uid, "down", recipe_copy.move, card, among, 1, off=place == len(among) - 1)
            small("Duplicate", ":material/content_copy:", card.uid, "duplicate", recipe_copy.duplicate, copy, card, among)
            small("Remove", ":material/delete:", card.uid, "remove", recipe_copy.remove, copy, card, among)
    return mark


def in_short(card: Card) -> str:
    """What a folded card says of itself."""
    when = card.only.tree()
    parts = [f"only if {conditions.told(when)}"] if when is not None and not conditions.faults(when, None) else []
    parts += [f"{name.replace('_', ' ')}: {recipe_copy.typed(value)}" for name, value in card.given.items() if value not in ("", None)]
    told = " · ".join(parts)
    return told if len(told) <= 160 else f"{told[:159]}…"


def fill_in(copy: Copy, card: Card, declarations: Declarations, known: Known) -> None:
    which(card, declarations)
    if card.step == STEP:
        which_agent(copy, card)
    elif declaration := declarations.get(card.step):
        recipe_fields.fields(card, declaration, recipe_copy.inside(card, known))


def which_agent(copy: Copy, card: Card) -> None:
    """One of this recipe's. What stands there and is none of them stays, until another is chosen."""
    titles = {one.head.name: one.head.title or one.head.name for one in copy.agents}
    before = str(card.given.get("agent") or "")
    names = with_own(list(titles), before)
    said = st.selectbox(
        "Agent", names, index=names.index(before) if before else None, format_func=lambda name: titles.get(name, name),
        key=key(card.uid, f"agent_{hash(tuple(titles.items()))}_{before}"), help="The one that begins.",
        placeholder="Choose" if titles else "Add an agent below",
    )  # fmt: skip
    if (said or "") != before:
        card.given["agent"] = said or ""


def when_and_if_not(copy: Copy, card: Card, declarations: Declarations, known: Known) -> None:
    """Only if, otherwise, and when it fails."""
    choices = {f"{one.name}.{output.name}": output.choices for _, _, one, _ in copy.walk() for output in outputs_of(one, declarations)}
    recipe_only.rows(card.only, copy, known, key(card.uid, "when"), choices)
    row = st.columns(2, vertical_alignment="bottom")
    if card.only.tree() is not None or card.otherwise:
        with row[1]:
            add(copy, card.otherwise, declarations, "Otherwise, do this …", card.uid)
    ways = with_own(list(ON_FAILURE), card.on_failure)
    card.on_failure = row[0].selectbox(
        "When it fails", ways, index=ways.index(card.on_failure),
        format_func=lambda one: ON_FAILURE.get(one, one), key=key(card.uid, "failing"),
    )  # fmt: skip


def outputs_of(card: Card, declarations: Declarations) -> Sequence[Field]:
    return declarations[card.step].outputs if card.step in declarations else ()


def which(card: Card, declarations: Declarations) -> None:
    """Another step keeps what both take under the same name."""
    names = with_own(list(declarations), card.step)
    row = st.columns([3, 2])
    chosen = row[0].selectbox(
        "Step", names, index=names.index(card.step), key=key(card.uid, "step"),
        format_func=lambda one: declarations[one].title if one in declarations else one,
    )  # fmt: skip
    if chosen != card.step:
        takes = {one.name for one in declarations[chosen].inputs}
        card.step, card.given = chosen, {name: value for name, value in card.given.items() if name in takes}
    name = row[1].text_input(
        "Later steps call it",
        card.name,
        key=key(card.uid, "name"),
        help="Small letters, digits and _: order, then order.total",
    )
    card.name = typed(name, card.name)
    if declaration := declarations.get(card.step):
        st.caption(widgets.plain(declaration.explanation))


def add(copy: Copy, among: list[Card], declarations: Declarations, words: str, uid: int) -> None:
    """A step chosen here is a new card."""
    name = key(uid, "add")

    def chosen() -> None:
        if declaration := declarations.get(st.session_state.get(name) or ""):
            recipe_copy.add(copy, among, declaration)
        st.session_state[name] = None

    st.selectbox(
        words, list(declarations), index=None, key=name, on_change=chosen, placeholder=words, label_visibility="collapsed",
        format_func=lambda one: f"{declarations[one].title}: {declarations[one].explanation}",
    )  # fmt: skip
