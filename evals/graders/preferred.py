"""Preferred: a model compares the reply with the expected one, in both orders, since models favour a place.

It passes only where both orders agree that it is at least as good as the expected reply. Where they contradict each other there is no
preference: a tie, which passes only if the case says so (`"preferred": "at least as good"` beside the reply).
"""

from dataclasses import dataclass
from typing import Any

from evals.graders import judge, said
from evals.graders.face import Asked, Grade, Output
from evals.graders.tokens import plain

NAME = "preferred"
A_TIE_PASSES = "at least as good"
DISAGREE = "the two orders disagree: no preference"
SCHEMA: dict[str, Any] = {
    "title": "Preference", "type": "object", "additionalProperties": False, "required": ["reason", "better"],
    "properties": {"reason": {"type": "string"}, "better": {"enum": ["first", "second", "same"]}},
}  # fmt: skip
TASK = """You compare two replies of a company's customer support to the same conversation.
The data hold "conversation" (what was said before, oldest first), "first" and "second" (the two replies).
Better is the one that solves more of what the customer asked, is right by what the conversation shows, is clear and is kind.
Neither the order of the two nor their length says anything.
First write "reason": one or two short sentences that name what decides, in the words of a support rep.
Then "better": "first", "second", or "same" where a customer would not mind which one comes."""


@dataclass(frozen=True)
class Preferred:
    ask: judge.Ask
    NAME: str = NAME
    NUMBER: int = 1
    PERSON_WROTE: bool = False  # a model judges
    LIVE: bool = False
    NEEDS: tuple[str, ...] = ("reply",)

    def grade(self, case: Asked, output: Output | None) -> Grade:
        wanted = case.expected["reply"]
        if not (reply := said.reply(output)):
            return said.nothing()
        if max(len(reply), len(wanted)) > judge.LONGEST_REPLY:
            return judge.too_long()
        if plain(reply) == plain(wanted):
            return Grade(0.5, True, "says the same as the expected reply")
        talk, cost, marks, reasons = judge.conversation(case), 0.0, [], []
        for first, second, ours in ((reply, wanted, "first"), (wanted, reply, "second")):
            answer = judge.ask_for(self.ask, TASK, {"conversation": talk, "first": first, "second": second}, SCHEMA)
            cost += answer.cost
            better = answer.parsed.get("better")
            if answer.error or better not in ("first", "second", "same"):
                return judge.faulty(answer.error or "The model's answer cannot be used: it is no judgement.", cost)
            marks.append(0.5 if better == "same" else float(better == ours))
            reasons.append(judge.reason(answer.parsed))
        return _read(marks, reasons[0], cost, case.expected.get("preferred") == A_TIE_PASSES)


def _read(marks: list[float], why: str, cost: float, a_tie_passes: bool) -> Grade:
    """Each mark is 1 for better, a half for as good, 0 for worse."""
    score = sum(marks) / 2
    if sorted(marks) == [0.0, 1.0]:
        return Grade(score, a_tie_passes, DISAGREE, cost=cost)
    words = {1.0: "better than", 0.75: "in one order better than, in the other as good as", 0.5: "as good as"}
    told = words.get(score, "worse than" if score == 0 else "in one order worse than, in the other as good as")
    return Grade(score, min(marks) >= 0.5, f"{told} the expected reply: {why}", cost=cost)


def made(ask: judge.Ask) -> Preferred:
    return Preferred(ask)
