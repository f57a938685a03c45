"""The product's one map of keys. A small listener presses what the page shows; a key whose thing is not on the page does nothing.

Things are found by the key of their widget: `review_save` is whatever element's key begins so. Streamlit keeps C and R for itself.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from data import access
from data.tables import Person

HERE = Path(__file__)
_listen = st.components.v2.component("portal_keys", js=HERE.with_suffix(".js").read_text("utf-8"))


@dataclass(frozen=True)
class Key:
    """One key: what people read in the map, what it does, and to which widgets, the first that is there."""

    key: str
    words: str
    does: str  # press, turn (to the next answer), focus, open, next, previous
    to: tuple[str, ...]
    place: int = 0  # of several buttons there, which
    then: str = ""  # where the hand goes on to type
    shown: str = ""  # in the map, where several share a line
    group: str = "Review"
    elsewhere: str = ""  # the page that has it, where this one has not


MAP = (
    Key("s", "The answer was strong", "press", ("review_verdict_", "calibration_verdict_"), place=0, then="review_why_"),
    Key("w", "The answer was weak", "press", ("review_verdict_", "calibration_verdict_"), place=1, then="review_why_"),
    Key("o", "Neither strong nor weak", "press", ("review_verdict_", "calibration_verdict_"), place=2, then="review_why_"),
    Key("1", "The questions in turn: yes, no, not sure", "turn", ("review_mark_1_", "failures_set_1_"), shown="1 – 4"),
    Key("2", "", "turn", ("review_mark_2_", "failures_set_2_")),
    Key("3", "", "turn", ("review_mark_3_", "failures_set_3_")),
    Key("4", "", "turn", ("review_mark_4_", "failures_set_4_")),
    Key("5", "Why a run of a recipe failed: which cause", "press", ("failures_set_5_",), shown="1 – 8"),
    Key("6", "", "press", ("failures_set_6_",)),
    Key("7", "", "press", ("failures_set_7_",)),
    Key("8", "", "press", ("failures_set_8_",)),
    Key("Enter", "Confirm the cause", "press", ("failures_confirm_",)),
    Key("i", "Choose the intent", "open", ("review_intent_", "calibration_intent_")),
    Key("m", "The machine is wrong here; nothing we know covers it", "press", ("review_wrong_", "ask_missing_"), then="review_intent_"),
    Key("e", "Write a better reply", "focus", ("review_reply_", "drafted_edit_", "suggested_edit_")),
    Key("t", "Write a note", "focus", ("review_note_",)),
    Key("f", "Flag it, or change what the flag tests", "press", ("review_flag_", "conversation_flag_", "together_flag", "recipe_flag_")),
    Key("h", "Take it in hand, or hand it back", "press", ("review_hold_",)),
    Key("j", "The next one", "next", ("review_open_", "runs_case_", "recipe_step_")),
    Key("k", "The one before", "previous", ("review_open_", "runs_case_", "recipe_step_")),
    Key(
        "y",
        "The output is right; it belongs; mend the label; take the answer",
        "press",
        ("graders_right_", "patterns_yes", "examples_yes", "suspect_fix_", "ask_helped_", "drafted_yes_", "suggested_yes_"),
    ),
    Key(
        "n",
        "The output is wrong; it does not belong; keep the label; refuse the answer",
        "press",
        ("graders_wrong_", "patterns_no", "examples_no", "suspect_keep_", "ask_wrong_", "drafted_no_", "suggested_no_"),
    ),
    Key("x", "Select in a list", "press", ("together_select",), group="Everywhere"),
    Key("u", "Undo what you did last", "press", ("undo",), group="Everywhere"),
    Key("/", "Search", "focus", ("words", "examples_words"), group="Everywhere", elsewhere="conversations"),
    Key("a", "Ask what we know", "focus", ("ask_question",), group="Everywhere", elsewhere="ask"),
)
PAGES = {
    "h": ("", "Home", "conversation.read"), "r": ("review", "Review", "review.record"),
    "c": ("conversations", "Conversations", "conversation.read"), "i": ("imports", "Import", "conversation.import"),
    "n": ("inbox", "Inbox", "person.read"), "e": ("eval_sets", "Eval sets", "eval_set.read"),
    "l": ("calibration", "Calibration", "calibration.take"), "t": ("agreement", "Agreement", "agreement.read"),
    "k": ("classifiers", "Classifiers", "classifier.read"), "q": ("quality", "Quality", "measure.read"),
    "d": ("datasets", "Datasets", "dataset.read"), "a": ("approvals", "Approvals", "proposal.read"),
    "o": ("patterns", "Patterns", "pattern.read"), "x": ("examples", "Examples", "label.draft"),
    "s": ("runs", "Runs", "eval_set.read"), "b": ("graders", "Graders", "eval_set.read"),
    "j": ("jobs", "Jobs", "task.read"), "p": ("people", "People", "person.read"), "w": ("knowledge", "Knowledge", "article.read"),
    "y": ("ask", "Ask", "knowledge.ask"), "v": ("gaps", "Gaps", "pattern.read"), "m": ("ladder", "Ladder", "article.read"),
}  # fmt: skip
SAVES = {
    "save": ("review_save_", "calibration_save_", "drafted_yes_", "suggested_yes_"),
    "enter": ("review_why_",),
}  # Ctrl+Enter anywhere; Enter where one line is typed


def listen(person: Person) -> None:
    """Drawn once with the frame; it stays while pages come and go."""
    pages = {letter: {"path": path, "title": title} for letter, (path, title, right) in PAGES.items() if access.may(person, right)}
    there = {page["path"] for page in pages.values()}
    keys = [vars(one) for one in MAP if not one.elsewhere or one.elsewhere in there]
    _listen(key="keys", data={"keys": keys, "pages": pages, "quiet": person.quiet_keys, **SAVES}, height=1)
