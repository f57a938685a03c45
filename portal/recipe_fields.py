"""The fields of a step on a screen, each drawn from what the step declares, with what is known at its place to be filled in."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from automations import conditions
from automations.checking import Known
from automations.steps.face import NUMBERS, OPEN, TEXTS, Declaration, Field
from data import labels
from portal import recipe_copy
from portal.recipe_copy import Card


def key(uid: int, name: str) -> str:
    return f"automations_{uid}_{name}"


def fields(card: Card, declaration: Declaration, known: Known) -> None:
    for one in declaration.inputs:
        shown = key(card.uid, f"{card.step}_{one.name}")
        match one.kind:
            case "choice" | "label" | "yes_no":
                chosen(card, one, known, shown)
            case "mapping":
                table(card, one, shown)
            case _:
                written(card, one, known, shown)


def label_of(one: Field) -> str:
    return one.title if one.required and one.default is None else f"{one.title} (may be left empty)"


def chosen(card: Card, one: Field, known: Known, shown: str) -> None:
    """One of a few constants, or a value that is known there."""
    if one.kind == "yes_no":
        constants: list[Any] = [True, False]
    else:
        constants = list(one.choices) if one.kind == "choice" else [label.name for label in labels.of()]
    options = [*constants, *(gap(name) for name in fitting(known, one.kind))]
    value = card.given.get(one.name)
    if value not in (None, "") and value not in options:
        options.append(value)
    card.given[one.name] = st.selectbox(
        label_of(one), options, index=options.index(value) if value in options else None, format_func=in_words, key=shown,
        help=one.help or None, placeholder="Choose",
    )  # fmt: skip


def in_words(value: Any) -> str:
    """A gap as what it stands for."""
    text = recipe_copy.typed(value)
    if text.startswith("{{") and text.endswith("}}") and conditions.is_name(name := text[2:-2].strip()):
        return conditions.spoken(name)
    return text


def written(card: Card, one: Field, known: Known, shown: str) -> None:
    value = card.given.get(one.name)
    text = recipe_copy.typed(value)
    row = st.columns([3, 1.3], vertical_alignment="bottom")
    hint = {"number": "a number", "money": "19.90", "address": "https://"}.get(one.kind, "")
    if one.kind == "long_text":
        said = row[0].text_area(label_of(one), text, key=shown, help=one.help or None, height=110)
    else:
        said = row[0].text_input(label_of(one), text, key=shown, help=one.help or None, placeholder=hint)
    if (said or "") != text:
        card.given[one.name] = recipe_copy.input_of(said or "", one.kind)
    with row[1]:
        insertion(known, one, shown)


def insertion(known: Known, one: Field, shown: str) -> None:
    """What is known there, put into the field."""
    name, names = f"{shown}_fill", fitting(known, one.kind)
    if not names:
        return

    def taken() -> None:
        if what := st.session_state.get(name):
            before = st.session_state.get(shown) or ""
            alone = one.kind not in ("text", "long_text", "address") or not before.strip()
            st.session_state[shown] = (
                gap(what) if alone else f"{before.rstrip()} {gap(what)}" if one.kind != "address" else before + gap(what)
            )
        st.session_state[name] = None

    st.selectbox(
        f"Fill in: {one.title}", names, index=None, key=name, on_change=taken, placeholder="Fill in …", label_visibility="collapsed",
        format_func=lambda what: f"{conditions.spoken(what)}{'' if what in known.sure else ' · may be missing'}",
    )  # fmt: skip


def gap(name: str) -> str:
    return f"{{{{{name}}}}}"


def fitting(known: Known, wanted: str) -> list[str]:
    """The names whose kind may stand there; what is surely known comes first, newest first of all."""
    fits = [name for name, kind in {**known.sure, **known.perhaps}.items() if may_fill(kind, wanted)]
    sure = [name for name in fits if name in known.sure]
    return [*reversed(sure), *(name for name in reversed(fits) if name not in known.sure)]


def may_fill(kind: str, wanted: str) -> bool:
    if wanted == "address":  # behind the server's name
        return kind in TEXTS | NUMBERS
    if wanted in NUMBERS:
        return kind in NUMBERS
    if wanted in ("text", "long_text"):
        return kind not in OPEN
    return kind == wanted or wanted == "any" or (wanted in ("choice", "label") and kind in TEXTS)


def table(card: Card, one: Field, shown: str) -> None:
    """A line for each value. What is nested deeper is shown, and changed as a file."""
    value = card.given.get(one.name)
    if isinstance(value, Mapping) and any(isinstance(inner, Mapping | list | tuple) for inner in value.values()):
        st.text_input(label_of(one), "A table with tables in it. Change it under As a file.", disabled=True, key=f"{shown}_nested")
        return
    text = lines_of(value)
    said = st.text_area(
        label_of(one), text, key=shown, height=110, placeholder="name: value", help=one.help or "A line for each: name: value or {{gap}}"
    )
    if (said or "") != text:
        card.given[one.name] = table_of(said or "")


def lines_of(value: Any) -> str:
    if not isinstance(value, Mapping):
        return recipe_copy.typed(value)
    return "\n".join(f"{name}: {quoted(inner)}" for name, inner in value.items())


def quoted(value: Any) -> str:
    """A text that would be read as a number stands in quotes."""
    text = recipe_copy.typed(value)
    return f'"{text}"' if isinstance(value, str) and recipe_copy.number_of(text) is not None else text


def table_of(text: str) -> Any:
    """The text itself where a line is none: the check then says so."""
    made: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, said = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            return text
        number = recipe_copy.number_of(said)
        made[name] = said.strip('"') if number is None else number
    return made or None
