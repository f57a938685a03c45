"""Rubric: a model judges the reply by words that people wrote, 1 to 5. It may gate once people's own judgements agree with it."""

from dataclasses import dataclass
from typing import Any

from evals.graders import judge, said
from evals.graders.face import Asked, Grade, Output

NAME = "rubric"
PASSES = 4  # of 5
SCHEMA: dict[str, Any] = {
    "title": "Judgement", "type": "object", "additionalProperties": False, "required": ["reason", "score", "passed"],
    "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]}, "passed": {"type": "boolean"}},
}  # fmt: skip
TASK = f"""You judge one reply of a company's customer support by a rubric.
The data hold "rubric" (the quality that is wanted), "conversation" (what was said before, oldest first) and "reply" (what you judge).
Judge by the rubric alone. How long, how confident or how flattering the reply is earns nothing by itself.
First write "reason": one or two short sentences that name what in the reply decides, in the words of a support rep.
Then "score": 5 meets the rubric in full, 4 with a blemish that no customer minds, 3 in half, 2 hardly, 1 not at all.
Then "passed": true for {PASSES} or 5, otherwise false."""

# judge an output by itself, so they may look at live traffic; a change of their words raises NUMBER
NAMED = {
    "polite": (
        "The reply is friendly and respectful. It takes the customer's problem seriously, greets or addresses them in a fitting way, and "
        "says sorry once where something went wrong on our side. It does not blame, lecture, mock or rush the customer, and it is not "
        "curt. "
        "Whether the answer is right does not matter here."
    ),
    "clear": (
        "After reading the reply once the customer knows the answer to what they asked and what happens next: who does what, and by "
        "when. The most important thing comes first, in plain words and short sentences; words that only we use are explained; steps "
        "stand in their order. Nothing in it can be understood in two ways. Whether the answer is right does not matter here."
    ),
    "consistent": (
        "The reply contradicts neither itself nor what our side said before in this conversation: names, amounts, dates, steps and "
        "promises agree, and where something has changed it says so. It does not ask for what the customer has told already, and it "
        "does not forget what was promised. Where our side said nothing before, it is enough that the reply agrees with itself."
    ),
}
NUMBER = 1


@dataclass(frozen=True)
class Rubric:
    ask: judge.Ask
    NAME: str = NAME
    words: str = ""  # empty: those of the case
    NUMBER: int = NUMBER
    PERSON_WROTE: bool = False  # a model judges

    @property
    def LIVE(self) -> bool:
        return bool(self.words)

    @property
    def NEEDS(self) -> tuple[str, ...]:
        return () if self.words else ("rubric",)

    def grade(self, case: Asked, output: Output | None) -> Grade:
        if not (reply := said.reply(output)):
            return said.nothing()
        if len(reply) > judge.LONGEST_REPLY:
            return judge.too_long()
        texts = {"rubric": self.words or case.expected["rubric"], "conversation": judge.conversation(case), "reply": reply}
        answer = judge.ask_for(self.ask, TASK, texts, SCHEMA)
        return judge.faulty(answer.error, answer.cost) if answer.error else _read(answer)


def _read(answer: judge.Answer) -> Grade:
    score, passed = answer.parsed.get("score"), answer.parsed.get("passed")
    if isinstance(score, bool) or score not in (1, 2, 3, 4, 5) or not isinstance(passed, bool):
        return judge.faulty("The model's answer cannot be used: it is no judgement.", answer.cost)
    if passed != (score >= PASSES):  # a model that was talked into something tends to change one of the two
        told = f"The model's answer contradicts itself: {score:g} of 5, and {'passed' if passed else 'not passed'}."
        return judge.faulty(told, answer.cost)
    return Grade((score - 1) / 4, passed, f"{score:g} of 5: {judge.reason(answer.parsed)}", cost=answer.cost)


def made(ask: judge.Ask) -> list[Rubric]:
    """The one that judges by each case's own words, and the named ones."""
    return [Rubric(ask), *(Rubric(ask, name, words) for name, words in NAMED.items())]
