"""What a case expects, as a person fills it in: the fields of the graders that need nobody else to say what is right."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from data import labels
from evals.graders import contains, declines, exact_label, exact_text, length

Told = tuple[dict[str, Any], tuple[str, ...]]


def expectation(key: str, now: dict[str, Any], graders: Sequence[str], purpose: str) -> Told:
    """What is expected and who judges it. What the fields do not know of stays as it was."""
    return _intent(key, now) if purpose == "classifier" else _answer(key, now, graders)


def _intent(key: str, now: dict[str, Any]) -> Told:
    known = labels.of()
    ids = [label.id for label in known]
    chosen = st.selectbox(
        "The right intent", known, index=ids.index(now["label_id"]) if now.get("label_id") in ids else None,
        format_func=lambda label: label.name, key=f"case_label_{key}", placeholder="Choose the intent",
    )  # fmt: skip
    return ({"label": chosen.name, "label_id": chosen.id} if chosen else {}), (exact_label.NAME,)


def _answer(key: str, now: dict[str, Any], graders: Sequence[str]) -> Told:
    facts = now.get("facts") or {}
    must = _lines("It must say, a line each", facts.get("must", ()), f"case_must_{key}")
    must_not = _lines("It must never say, a line each", facts.get("must_not", ()), f"case_must_not_{key}")
    exact = st.text_input("Exactly this, word for word", value=str(now.get("text") or ""), key=f"case_exact_{key}") or ""
    most = st.number_input(
        "Words at most",
        0,
        2_000,
        int((now.get("length") or {}).get("most_words") or 0),
        key=f"case_most_{key}",
        help="0: as many as it likes",
    )
    decline = st.checkbox("It should decline", value=bool(now.get("decline")), key=f"case_decline_{key}")
    said = {
        contains.NAME: ("facts", {"must": must, "must_not": must_not} if must or must_not else None),
        exact_text.NAME: ("text", exact.strip() or None),
        length.NAME: ("length", {"most_words": int(most)} if most else None),
        declines.NAME: ("decline", True if decline else None),
    }
    kept = {name: told for name, told in now.items() if name not in {name for name, _ in said.values()}}
    expected = kept | {name: told for name, told in said.values() if told is not None}
    others = [name for name in graders if name not in said]
    return expected, (*others, *(grader for grader, (_, told) in said.items() if told is not None))


def _lines(words: str, now: Sequence[str], key: str) -> list[str]:
    typed = st.text_area(words, value="\n".join(now), key=key, height=76) or ""
    return [line.strip() for line in typed.splitlines() if line.strip()]


def opening(case: dict[str, Any]) -> str:
    """How a case that waits begins."""
    said = (str(message.get("text", "")) for message in case["input"]["messages"])
    return " ".join(next((text for text in said if text.strip()), "").split())[:160]
