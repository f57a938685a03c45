"""The demo's eval sets: conversations that reps held up as examples, frozen by a lead before each release, and what was run on them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data import examples
from data.tables import Case, EvalSet, Label, Person
from data.values import Target
from evals import changes, checks, compare, continuous, flags, freezing, graders, runs, sets, targets
from evals.cases import NewCase
from evals.graders import exact_label, reply_words

NAME, ANSWERS, HARD = "Everyday intents", "Everyday answers", "Hard wordings"


@dataclass(frozen=True)
class Flag:
    conversation_id: str
    strong: bool
    label_id: str
    by: Person
    at: datetime


def propose_gate(eval_set: EvalSet, *, by: Person, at: datetime) -> None:
    """A lead asks for a higher bar; somebody else decides."""
    why = "Since spring every release passed 80 %. A bar of 50 % stops nothing any more."
    sets.propose_gate(eval_set.id, bar=0.75, approvers=1, why=why, by=by, at=at)


def create(*, by: Person, at: datetime) -> EvalSet:
    return sets.create(NAME, by=by, bar=0.5, margin=0.03, at=at)


def create_answers(*, by: Person, at: datetime) -> EvalSet:
    return sets.create(ANSWERS, purpose="answer", by=by, bar=0.5, at=at)


def flag_answers(flagged: Sequence[Flag]) -> None:
    """As Review proposes it: what this reply says, or no such reply again."""
    for one in flagged:
        kind, why = ("strong", "Clear, kind and complete.") if one.strong else ("weak", "It does not answer what was asked.")
        told = flags.proposed(one.conversation_id, kind, by=one.by, label_id=one.label_id, purpose=flags.ANSWER)
        if told is not None:
            examples.flag(
                one.conversation_id, kind, why=why, eval_set_id=told.eval_set.id, label_id=one.label_id, grader=told.grader,
                expected=told.expected, by=one.by, at=one.at,
            )  # fmt: skip


def flag(eval_set: EvalSet, flags: Sequence[Flag]) -> None:
    for one in flags:
        kind, why = ("strong", "Solved at once, and kindly.") if one.strong else ("weak", "The answer missed what was asked.")
        examples.flag(one.conversation_id, kind, why=why, eval_set_id=eval_set.id, label_id=one.label_id, by=one.by, at=one.at)


# -- what was run -------------------------------------------------------------------------------------------------------------------------

DRAFTS = "reply-drafts.jsonl"  # what a tool that drafts replies answered to the set, month by month
PASSES = {1: {0, 1, 2, 3, 4}, 2: {1, 2, 3, 4, 5, 6}, 3: {0, 1, 2, 3, 4, 5, 6, 7, 8}, 4: {0, 1, 2, 3, 4}}  # of each ten cases
EMPTY_WORDS = "We have received your message."
FITTING = "Thank you for telling us. I have looked into it, and this is what happens next: you hear from me by tomorrow noon."


def compare_drafts(eval_set: EvalSet, before: int, now: int, *, by: Person, at: datetime) -> None:
    """This month's drafts beside last month's, on the set as it is now."""
    version = sets.latest(eval_set.id)
    if version is None:
        return
    made = []
    for number in (before, now):
        asked = targets.of_file(DRAFTS, _drafts(version.id, number), by=by)
        made.append(runs.run(version.id, asked.target, asked.ask, by=by, at=at))
    compare.compare(made[1], made[0], by=by, at=at)


def _drafts(set_version_id: str, number: int) -> bytes:
    cases = sets.cases(set_version_id)
    place = sets.numbers(cases)
    lines = [{"key": case.key, "reply": _draft(case, place[case.key] % 10 in PASSES[number])} for case in cases]
    return "\n".join(json.dumps(one) for one in [*lines, {"key": f"month {number}", "reply": "–"}]).encode()


def _draft(case: Case, passes: bool) -> str:
    if (weak := case.expected.get("not_reply")) is not None:
        return FITTING if passes else str(weak)
    return str(case.expected.get("reply", "")) if passes else EMPTY_WORDS


def once_more(eval_set: EvalSet, target: Target, ask: runs.Ask, *, by: Person, at: datetime) -> None:
    """What is live, asked again: it says the same, and the comparison shows that it does."""
    version = sets.latest(eval_set.id)
    before = next(iter(runs.of_target(target, by=by)), None)
    if version is None or before is None or before.set_version_id != version.id:
        return
    compare.compare(runs.run(version.id, target, ask, by=by, again=True, at=at), before, by=by, at=at)


def tend(eval_set: EvalSet, *, by: Person, at: datetime) -> None:
    """A case that is there twice goes."""
    version = sets.latest(eval_set.id)
    if version:
        doomed = max(sets.cases(version.id), key=lambda case: case.key)
        changes.retire(eval_set.id, doomed.key, why="It asks the same as another case.", by=by, at=at)


def create_hard(told: Sequence[tuple[str, str]], intents: dict[str, Label], *, by: Person, at: datetime) -> EvalSet:
    """Wordings that are hard to read, typed by a lead: what a classifier is to become able to do."""
    eval_set = sets.create(HARD, by=by, kind="capability", bar=0.5, at=at)
    new = [
        NewCase(
            ({"role": "customer", "text": text},), {"label": intents[key].name, "label_id": intents[key].id}, (exact_label.NAME,),
            slices={"intent": intents[key].name},
        )
        for text, key in told
    ]  # fmt: skip
    changes.add(eval_set.id, new, known=graders.BY_NAME, by=by, why="Customers do write so.", at=at)
    freezing.freeze(eval_set.id, by=by, at=at)
    return eval_set


def check_grader(by: Sequence[Person], *, at: datetime, most: int = 70) -> None:
    """Reps judge what the drafts said, without the grader's word. They see what its words alone cannot tell: one in fifteen otherwise."""
    for number in range(most):
        person = by[number % len(by)]
        found = checks.next_one(reply_words.NAME, by=person)
        if found is not None:
            said = (found.result.output or {}).get("reply", "")
            fits = said not in (EMPTY_WORDS, found.case.expected.get("not_reply"))
            checks.say(found.result.id, fits if number % 15 else not fits, by=person, at=at + timedelta(minutes=number))


def look_each_night(days: int, *, by: Person, until: datetime) -> None:
    for back in range(days, 0, -1):
        night = until - timedelta(days=back - 1)
        continuous.look(known=graders.BY_NAME, by=by, day=night - timedelta(days=1), at=night)
