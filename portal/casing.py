"""What a case expects, as a person fills it in: the fields of the graders that need nobody else to say what is right."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from classifiers import kinds
from data import labels
from data.tables import Label
from evals.graders import contains, declines, exact_label, exact_text, length, same_labels
from evals.graders.shapes import MOST_WORDS
from portal import suggestions

DECLINES: dict[bool | None, str] = {None: "Either way", True: "Yes, it declines", False: "No, it answers"}
REPLIES = {"reply": "It should say what this reply says", "not_reply": "It should keep away from this reply"}
Told = tuple[dict[str, Any], tuple[str, ...]]


def expectation(key: str, now: dict[str, Any], graders: Sequence[str], purpose: str, about: str = labels.INTENT) -> Told:
    """What is expected and who judges it. What the fields do not know of stays as it was. `about`: the classifier that is tested."""
    with st.container(key=f"case_fields_{key}"):
        if purpose != "classifier":
            return _answer(key, now, graders)
        several = same_labels.NAME in graders or (not now and kinds.of(about).kind == kinds.SEVERAL)
        return _labels(key, now, graders, about) if several else _label(key, now, graders, about)


def _labels(key: str, now: dict[str, Any], graders: Sequence[str], about: str) -> Told:
    """All that come up. One that is no longer in use, or that a file names and nobody here knows, stays where it is expected."""
    known: dict[str, tuple[str, str | None]] = {label.id: (label.name, label.id) for label in labels.of(about, drafts=True)}
    by_name = {name: made for made, (name, _) in known.items()}
    expected, ids = now.get("labels"), now.get("label_ids") or []
    before = []
    for place, name in enumerate(expected or ()):
        made = ids[place] if place < len(ids) and ids[place] else by_name.get(name)
        before.append(made or name)
        known.setdefault(made or name, (name, made))
    said = suggestions.come_up(
        {made: name for made, (name, _) in known.items()}, before if expected is not None else None, key=f"case_labels_{key}"
    )
    kept = {name: told for name, told in now.items() if name not in ("labels", "label_ids", "classifier")}
    if said is None:
        return kept, tuple(dict.fromkeys((same_labels.NAME, *graders)))
    right = sorted((known[made] for made in said), key=lambda one: (one[0], one[1] or ""))
    told = {"classifier": now.get("classifier") or about, "labels": [name for name, _ in right], "label_ids": [made for _, made in right]}
    return kept | told, tuple(dict.fromkeys((same_labels.NAME, *graders)))


def right_of(expected: dict[str, Any]) -> str:
    """What a classifier should say, in words: 'Refund' and 'Damage' · none of the labels · Refund"""
    if (said := expected.get("labels")) is not None:
        return contains.listed(said) if said else "none of the labels"
    return str(expected.get("label") or labels.names().get(expected.get("label_id") or "", "as labelled"))


def _label(key: str, now: dict[str, Any], graders: Sequence[str], about: str) -> Told:
    known, word = labels.of(about, drafts=about != labels.INTENT), "intent" if about == labels.INTENT else "answer"
    chosen = st.selectbox(
        f"The right {word}", known, index=next((place for place, label in enumerate(known) if _is(label, now)), None),
        format_func=lambda label: label.name, key=f"case_label_{key}", placeholder=f"Choose the {word}",
    )  # fmt: skip
    kept = {name: told for name, told in now.items() if name not in exact_label.NEEDS}
    right = {"label": chosen.name, "label_id": chosen.id} if chosen else {}
    return kept | right, tuple(dict.fromkeys((exact_label.NAME, *graders)))


def _is(label: Label, now: dict[str, Any]) -> bool:
    """A case from a file names its intent alone."""
    return label.id == now["label_id"] if now.get("label_id") else label.name == now.get("label")


def _answer(key: str, now: dict[str, Any], graders: Sequence[str]) -> Told:
    facts, words = now.get("facts") or {}, now.get("length") or {}
    replies = {name: text for name in REPLIES if (text := _reply(name, now, key))}
    left, right = st.columns(2)
    must = _lines(left, "It must say, a line each", facts.get("must") or (), f"case_must_{key}")
    must_not = _lines(right, "It must never say, a line each", facts.get("must_not") or (), f"case_must_not_{key}")
    left, middle, right = st.columns([5, 3, 3])
    exact = left.text_input("Exactly this, word for word", value=str(now.get("text") or ""), key=f"case_exact_{key}") or ""
    most = middle.number_input(
        "Words at most", 0, MOST_WORDS, int(words.get("most_words") or 0), key=f"case_most_{key}", help="0: as many as it likes"
    )
    bounds = {name: said for name, said in words.items() if name != "most_words"} | ({"most_words": int(most)} if most else {})
    decline = right.selectbox(
        "Should it decline?", list(DECLINES), index=list(DECLINES).index(now.get("decline")), format_func=DECLINES.__getitem__,
        key=f"case_decline_{key}",
    )  # fmt: skip
    said = {
        contains.NAME: ("facts", {"must": must, "must_not": must_not} if must or must_not else None),
        exact_text.NAME: ("text", exact.strip() or None),
        length.NAME: ("length", bounds or None),
        declines.NAME: ("decline", decline),
    }
    shown = {*REPLIES, *(name for name, _ in said.values())}
    kept = {name: told for name, told in now.items() if name not in shown}
    expected = kept | replies | {name: told for name, told in said.values() if told is not None}
    others = [name for name in graders if name not in said]
    return expected, (*others, *(grader for grader, (_, told) in said.items() if told is not None))


def _reply(name: str, now: dict[str, Any], key: str) -> str:
    """Where the case was flagged with a reply, that can be put right too."""
    said = now.get(name)
    return (st.text_area(REPLIES[name], value=str(said), key=f"case_{name}_{key}", height=90) or "").strip() if said else ""


def _lines(place: DeltaGenerator, words: str, now: Sequence[str], key: str) -> list[str]:
    typed = place.text_area(words, value="\n".join(now), key=key, height=68) or ""
    return [line.strip() for line in typed.splitlines() if line.strip()]


def opening(messages: Sequence[dict[str, Any]]) -> str:
    """How what the customer says begins; where no customer speaks, whoever does."""
    said = sorted(messages, key=lambda message: message["role"] != "customer")
    return begins(next((text for message in said if (text := str(message.get("text", ""))).strip()), ""), 160)


def begins(text: str, most: int) -> str:
    """On one line, cut between words."""
    said = " ".join(text[: 4 * most].split())
    return said if len(said) <= most else f"{said[:most].rpartition(' ')[0] or said[:most]} …"
