"""The rows of a condition: a name, a comparison, a value; all of them together or any. Deeper ones are read here and changed as a file."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from automations import conditions
from automations.checking import Known
from automations.comparisons import OPERATORS
from automations.conditions import ALL, ANY
from automations.steps.face import NUMBERS, OPEN, TEXTS
from data import labels
from portal import recipe_copy, widgets
from portal.recipe_copy import Copy, Line, Only

JOINED = {ALL: "All of these hold", ANY: "Any of these holds"}
HINTS = {
    "a value": "a word or a number", "a number": "50", "two numbers": "10 and 50", "a list": "red, green", "a word": "broken", "days": "14",
}  # fmt: skip
HELP = "A constant, or another value in braces: {{order.paid}}"


def rows(only: Only, copy: Copy, known: Known, name: str, choices: Mapping[str, Sequence[str]]) -> None:
    if only.deeper is not None:
        nested(only, name)
        return
    if only.lines:
        st.caption("Only if")
    for line in list(only.lines):
        row(only, line, known, choices)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Another line" if only.lines else "Only if …", icon=":material/filter_alt:", key=f"{name}_add", type="tertiary",
            on_click=lambda: only.lines.append(Line(uid=copy.next())),
        )  # fmt: skip
        if len(only.lines) > 1:
            only.joined = st.segmented_control(
                "Together", list(JOINED), default=only.joined, format_func=JOINED.__getitem__, required=True, key=f"{name}_joined",
                label_visibility="collapsed",
            )  # fmt: skip


def nested(only: Only, name: str) -> None:
    tree = only.deeper or {}
    told = "something that cannot be read" if conditions.faults(tree, None) else conditions.told(tree)
    st.markdown(f":material/filter_alt: Only if {widgets.plain(told)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("It is nested, so it is changed under As a file.", width="content")
        st.button("Take it away", key=f"{name}_nested", type="tertiary", icon=":material/close:", on_click=take_away, args=(only,))


def take_away(only: Only) -> None:
    only.deeper = None


def row(only: Only, line: Line, known: Known, choices: Mapping[str, Sequence[str]]) -> None:
    key = f"automations_line_{line.uid}"
    cells = st.columns([3, 2.4, 3, 0.6], vertical_alignment="center")
    names = list(reversed(known.all))
    if line.name and line.name not in names:
        names.append(line.name)
    name = cells[0].selectbox(
        "Value", names, index=names.index(line.name) if line.name else None, key=f"{key}_name", format_func=conditions.spoken,
        label_visibility="collapsed", placeholder="Which value", accept_new_options=True,
    )  # fmt: skip
    kind = conditions.kind_of(name or "", known.all) or "any"
    operators = fitting(kind)
    if line.operator not in operators and line.name == (name or ""):
        operators.append(line.operator)
    operator = cells[1].selectbox(
        "Comparison", operators, index=operators.index(line.operator) if line.operator in operators else 0, key=f"{key}_is_{kind}",
        format_func=lambda one: OPERATORS[one].words.replace(" {}", " …" if " ago" in OPERATORS[one].words else ""),
        label_visibility="collapsed",
    )  # fmt: skip
    with cells[2]:
        text = value(line, operator, kind, choices.get(name or "", ()), key)
    cells[3].button(
        "Take this line away", icon=":material/close:", key=f"{key}_less", type="tertiary", help="Take this line away",
        on_click=only.lines.remove, args=(line,),
    )  # fmt: skip
    if (name or "", operator, text) != (line.name, line.operator, line.typed):
        line.name, line.operator, line.typed = name or "", operator, text
        line.than = recipe_copy.than_of(text, operator, kind)


def fitting(kind: str) -> list[str]:
    """The comparisons that make sense of it."""
    takes: dict[str, Any] = {
        "a number": kind in NUMBERS | OPEN, "two numbers": kind in NUMBERS | OPEN, "a word": kind in TEXTS | OPEN,
        "days": kind in TEXTS | OPEN,
        "a list": kind != "yes_no",
    }  # fmt: skip
    words = {"contains": kind in TEXTS | OPEN, "does not contain": kind in TEXTS | OPEN}
    return [name for name, one in OPERATORS.items() if takes.get(one.takes, True) and words.get(name, True)]


def value(line: Line, operator: str, kind: str, choices: Sequence[str], key: str) -> str:
    takes = OPERATORS[operator].takes
    if takes == "nothing":
        return ""
    if takes == "a value" and (listed := constants(kind, choices)):
        if line.typed and line.typed not in listed:
            listed = [*listed, line.typed]
        return (
            st.selectbox(
                "Compared with", listed, index=listed.index(line.typed) if line.typed else None, key=f"{key}_than_{kind}",
                label_visibility="collapsed", placeholder="Choose",
            )
            or ""
        )  # fmt: skip
    return (
        st.text_input(
            "Compared with",
            line.typed,
            key=f"{key}_typed",
            placeholder=HINTS[takes],
            label_visibility="collapsed",
            help=HELP,
        )
        or ""
    )


def constants(kind: str, choices: Sequence[str]) -> list[str]:
    if kind == "yes_no":
        return ["yes", "no"]
    return list(choices) or ([label.name for label in labels.of()] if kind == "label" else [])
