"""Classifier says: a classifier that people trained reads the reply as what is expected, such as 'friendly'. Silence is not a pass."""

from collections.abc import Callable
from dataclasses import dataclass

from evals.graders import said
from evals.graders.face import Asked, Grade, Output, yes_or_no

NAME = "classifier says"

Classify = Callable[[str, str], str | None]  # its name and a text in; the label's name out, None where it keeps silent


@dataclass(frozen=True)
class ClassifierSays:
    classify: Classify
    NAME: str = NAME
    NUMBER: int = 1
    PERSON_WROTE: bool = False  # the machine says what the reply is
    LIVE: bool = False
    NEEDS: tuple[str, ...] = ("says",)

    def grade(self, case: Asked, output: Output | None) -> Grade:
        if not (reply := said.reply(output)):
            return said.nothing()
        name, right = case.expected["says"]["classifier"], case.expected["says"]["label"]
        found = self.classify(name, reply)
        if found is None:
            return yes_or_no(False, f"'{name}' kept silent instead of '{right}'")
        return yes_or_no(found == right, f"'{name}' says '{found}'" + ("" if found == right else f" instead of '{right}'"))


def made(classify: Classify) -> ClassifierSays:
    return ClassifierSays(classify)
