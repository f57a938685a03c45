"""The form beside a conversation: a verdict, a sentence that makes it a test case, the right intent, a better reply."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from data import drafts, effects, examples, labels, queue, reviews, rubric
from data.tables import Person, Review
from evals import flags
from evals.graders.values import cut
from portal import acts, cached, talk, widgets

NONE = ""  # a choice of its own: the machine may have spoken and still no intent fits
NOT_MINE = ("I was part of it", "Not my language", "Too little to judge")
VERDICTS = {"strong": "Strong (S)", "weak": "Weak (W)", "none": "Neither (O)"}
ANSWERS = {"yes": "Yes", "no": "No", "unsure": "Not sure"}
FIELDS = {"verdict": "verdict", "why": "why", "label_id": "intent", "reply": "reply", "note": "note"}
FLAG = {"purpose": "purpose", "eval_set_id": "set", "seq": "about"}  # what was chosen otherwise than proposed
HERE = ("seq",)  # of these what is known as long as the page is open

state = st.session_state


@dataclass(frozen=True)
class Form:
    """What one person says of one conversation. `go_on` leads to the next, and hears whether this one was judged."""

    made: str
    by: Person
    go_on: Callable[[str, bool], None]

    def _key(self, field: str) -> str:
        return f"review_{field}_{self.made}"

    def draw(self, guess: str | None) -> None:
        """Only the verdict is required. With a sentence it is flagged; what the flag becomes stands below."""
        earlier = reviews.mine(self.made, by=self.by)
        draft = drafts.of(self.made, by=self.by)
        state["review_begins"], state["review_draft"] = begins, _ = proposed(earlier, guess), draft
        state.setdefault(self._key("picked"), {name: draft[name] for name in FLAG if name in draft})
        now = begins | draft
        st.segmented_control(
            "Was the answer strong or weak?", list(VERDICTS), format_func=VERDICTS.__getitem__, default=now["verdict"],
            key=self._key("verdict"), on_change=self._keep, width="stretch",
        )  # fmt: skip
        st.text_input(
            "Why, in a sentence: then it is a test case", value=now["why"], key=self._key("why"), on_change=self._keep,
            placeholder="Enter saves; empty, it is only reviewed",
        )  # fmt: skip
        self._flag_line()
        self._marks(now["marks"])
        ids = [*(label.id for label in labels.of()), NONE]
        names = labels.names()
        st.selectbox(
            "Intent (I)", ids, index=ids.index(now["label_id"]) if now["label_id"] in ids else None,
            format_func=lambda label_id: names.get(label_id, "None of ours fits"), key=self._key("intent"), on_change=self._keep,
            placeholder="Choose the intent",
        )  # fmt: skip
        st.text_area(
            "A better reply", value=now["reply"], key=self._key("reply"), on_change=self._keep, height=76,
            placeholder="A better reply (E), unless it was fine", label_visibility="collapsed",
        )  # fmt: skip
        st.text_input(
            "Note", value=now["note"], key=self._key("note"), on_change=self._keep, placeholder="A note (T)",
            label_visibility="collapsed",
        )  # fmt: skip
        self._last_line(earlier, bool(draft))
        for example in examples.of_conversation(self.made, by=self.by):
            st.caption(f":material/flag: Flagged as a {example.kind} example: {widgets.plain(example.why)}")
            about = partial(talk.show, "example", example.id, by=self.by)
            opened("Discuss it", f"review_talk_{example.id}", about, icon=":material/chat_bubble:", type="secondary")

    def _typed(self) -> dict[str, Any]:
        """What stands in the fields now and is not what was proposed."""
        begins = state["review_begins"]
        kept: dict[str, Any] = {}
        for name, field in FIELDS.items():
            key = self._key(field)
            value = state.get(key, state["review_draft"].get(name, begins.get(name)))
            if value is not None and value != begins.get(name):
                kept[name] = value
        kept |= {name: chosen for name, chosen in state[self._key("picked")].items() if name not in HERE}
        if (marks := self._marked()) != begins["marks"]:
            kept["marks"] = marks
        return kept

    def _marked(self) -> dict[str, str]:
        items = rubric.current().items
        return {item.name: said for number, item in enumerate(items, start=1) if (said := state.get(self._key(f"mark_{number}")))}

    def _keep(self) -> None:
        """A started review survives a closed tab, a lapsed claim and the night."""
        acts.attempt(lambda: drafts.keep(self.made, self._typed(), by=self.by))

    def _pick(self, name: str) -> None:
        """The flag is to test something else than was proposed. Another purpose has sets of its own."""
        field = self._key(FLAG[name])
        if field not in state:  # its panel was closed, and the browser tells once more what was proposed
            return
        picked = state[self._key("picked")]
        picked[name] = state[field]
        if name == "purpose":
            picked.pop("eval_set_id", None)
            state.pop(self._key("set"), None)
        self._keep()

    def _flag_of(self) -> flags.Proposed | None:
        """What the sentence would make of it, as it was proposed or chosen."""
        said = state["review_begins"] | state["review_draft"] | {
            name: state[key] for name, field in FIELDS.items() if (key := self._key(field)) in state
        } | state[self._key("picked")]  # fmt: skip
        if said["verdict"] not in ("strong", "weak"):
            return None
        return flags.proposed(
            self.made, said["verdict"], by=self.by, label_id=said["label_id"] or None, reply=said["reply"] or "",
            purpose=said.get("purpose") or "", eval_set_id=said.get("eval_set_id") or "", seq=said.get("seq"),
        )  # fmt: skip

    def save(self) -> None:
        verdict, why = state.get(self._key("verdict")) or "", (state.get(self._key("why")) or "").strip()
        said = {
            "by": self.by, "label_id": state.get(self._key("intent")) or None, "reply": state.get(self._key("reply")) or "",
            "note": state.get(self._key("note")) or "", "marks": self._marked(),
            "seconds": round(time.monotonic() - state["review_began"], 1),
        }  # fmt: skip
        if self._saved(verdict, why, said):
            cached.forget()
            self.go_on(self.made, True)

    def _saved(self, verdict: str, why: str, said: dict[str, Any]) -> bool:
        was_blind = reviews.is_blind(self.made, by=self.by)
        if not why:
            return acts.attempt(lambda: reviews.record(self.made, verdict, **said), done=lambda _: self._told_after(was_blind, "Saved."))
        flag = self._flag_of()
        if flag is None:
            acts.refuse(
                "Not saved: a flagged example is strong or weak. Press S or W, or empty the sentence." if verdict not in ("strong", "weak")
                else "Not saved: no eval set can take this flag. Choose the intent or correct the reply, or empty the sentence."
            )  # fmt: skip
            return False
        asks: dict[str, Any] = {"why": why, "eval_set_id": flag.eval_set.id, "grader": flag.grader, "expected": flag.expected}
        return acts.attempt(
            lambda: examples.review_and_flag(self.made, verdict, **asks, **said),
            done=lambda _: self._told_after(was_blind, f"Saved and flagged for '{flag.eval_set.name}'."),
        )

    def _told_after(self, was_blind: bool, sentence: str) -> str:
        """What was hidden until one's own word was said."""
        return " ".join([sentence, *(effects.others_said(self.made, by=self.by) if was_blind else [])])

    def _skip(self, reason: str) -> None:
        if acts.attempt(lambda: queue.skip(self.made, reason, by=self.by), done="Skipped; it went back to the others."):
            self.go_on(self.made, False)

    def _skip_for(self) -> None:
        if reason := (state.get(self._key("skip_why")) or "").strip():
            self._skip(reason)

    def _hold(self, held: bool) -> None:
        if held:
            acts.attempt(lambda: queue.hand_back(self.made, by=self.by), done="Handed back: the others' queue shows it again.")
            return
        acts.attempt(
            lambda: queue.claim(self.made, by=self.by),
            done=lambda claim: (
                "In your hand for a quarter of an hour." if claim else "A colleague has it in hand; you may review it all the same."
            ),
        )

    def machine_is_wrong(self) -> None:
        state[self._key("intent")] = NONE
        self._keep()

    def _throw_away(self) -> None:
        acts.attempt(lambda: drafts.throw_away(self.made, by=self.by), done="Thrown away what you typed.")
        for key in [key for key in state if str(key).startswith("review_") and str(key).endswith(self.made)]:
            state.pop(key, None)

    def _flag_line(self) -> None:
        flag = self._flag_of()
        told, change = st.columns([4, 1.1], vertical_alignment="center", gap="xsmall")
        if flag:
            test = f"Tests {flags.PURPOSES[flag.purpose]}: {widgets.plain(flag.sentence)}"
            told.caption(f":material/flag: {test} · *{widgets.plain(flag.eval_set.name)}*")
        elif state.get(self._key("verdict")) in ("strong", "weak"):
            told.caption(":material/flag: With an intent or a better reply it can be a test, unless it is one already.")
        else:
            told.caption(":material/flag: Choose strong or weak, and what it would test stands here.")
        with change:
            opened("Flag (F)", self._key("flag"), lambda: self._flag_choice(flag), width="stretch")

    def _flag_choice(self, flag: flags.Proposed | None) -> None:
        choices = [purpose for purpose in flags.PURPOSES if flags.sets_for(purpose, by=self.by)]
        if not choices:
            st.caption("There is no eval set yet. A lead or an engineer creates one on Eval sets.")
            return
        st.segmented_control(
            "It tests", choices, format_func=flags.PURPOSES.__getitem__, default=flag.purpose if flag else None,
            key=self._key("purpose"), on_change=self._pick, args=("purpose",),
        )  # fmt: skip
        purpose = state[self._key("picked")].get("purpose") or (flag.purpose if flag else choices[0])
        known = {one.id: one.name for one in flags.sets_for(purpose, by=self.by)}
        st.selectbox(
            "In the eval set", [*known], format_func=known.__getitem__, key=self._key("set"), on_change=self._pick, args=("eval_set_id",),
            index=list(known).index(flag.eval_set.id) if flag and flag.eval_set.id in known else 0,
        )  # fmt: skip
        if flag and flag.seq is not None:
            self._which_reply(flag.seq)
        if flag:
            st.caption(f"Judged by *{widgets.plain(flag.grader)}*, which {widgets.plain(flag.sentence)}.")

    def _which_reply(self, seq: int) -> None:
        """The last one that says something is proposed; a farewell is no test."""
        given = flags.replies(self.made, by=self.by)
        told = {one.seq: f"{number}. '{cut(one.text, 80)}'" for number, one in enumerate(given, start=1)}
        if len(told) > 1:
            st.selectbox(
                "About the reply", [*told], format_func=told.__getitem__, index=[*told].index(seq), key=self._key("about"),
                on_change=self._pick, args=("seq",),
            )  # fmt: skip

    def _marks(self, said: dict[str, str]) -> None:
        """On a sample: the rubric, one line a question."""
        asked = rubric.current()
        if not asked.asks(self.made):
            return
        for number, item in enumerate(asked.items, start=1):
            question, answer = st.columns([1.3, 1.7], vertical_alignment="center", gap="xsmall")
            question.markdown(f":small[{widgets.plain(item.question)} ({number})]")
            answer.segmented_control(
                widgets.plain(item.question), list(ANSWERS), format_func=ANSWERS.__getitem__, default=said.get(item.name),
                key=self._key(f"mark_{number}"), label_visibility="collapsed", on_change=self._keep, width="stretch",
            )  # fmt: skip

    def _last_line(self, earlier: Review | None, begun: bool) -> None:
        st.button(
            "Save the correction (Ctrl+Enter)" if earlier else "Save and go on (Ctrl+Enter)", key=self._key("save"),
            type="primary", width="stretch", on_click=self.save,
        )  # fmt: skip
        with st.container(horizontal=True, gap="xsmall"):
            held = queue.held(self.made, by=self.by)
            st.button(
                "Hand back (H)" if held else "Take in hand (H)",
                key=self._key("hold"),
                type="tertiary",
                on_click=self._hold,
                args=(held,),
            )
            if not earlier:
                opened("Not for me", self._key("skip"), self._not_for_me)
            if begun:
                st.button("Throw away", key=self._key("drop"), type="tertiary", on_click=self._throw_away, help="What you typed here")
        if earlier:
            st.caption(f"You reviewed this {widgets.when(earlier.at)}. Saving again corrects it.")

    def _not_for_me(self) -> None:
        st.caption("It goes back to the others. Why?")
        for number, reason in enumerate(NOT_MINE):
            st.button(reason, key=self._key(f"skip_{number}"), type="tertiary", on_click=self._skip, args=(reason,))
        st.text_input("Another reason", key=self._key("skip_why"), on_change=self._skip_for)


def proposed(earlier: Review | None, guess: str | None) -> dict[str, Any]:
    """What stands in the fields before anybody types."""
    if earlier:
        said = {"verdict": earlier.verdict, "label_id": earlier.label_id or NONE, "reply": earlier.reply, "note": earlier.note}
        return said | {"why": "", "marks": (earlier.rubric or {}).get("said", {})}
    return {"verdict": None, "label_id": guess, "reply": "", "note": "", "why": "", "marks": {}}


def opened(words: str, key: str, draw: Callable[[], None], **look: Any) -> None:
    """What it holds is drawn only while it is open: the next conversation waits for nothing that nobody looks at."""
    panel = st.popover(words, key=key, on_change="rerun", **({"type": "tertiary"} | look))
    if panel.open:
        with panel:
            draw()
