"""End state: afterwards everything is as expected. What is not spoken of may be anything."""

from typing import Any

from evals.graders.face import Asked, Grade, Output, yes_or_no
from evals.graders.values import same, told

NAME, NUMBER = "end state", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("end_state",)
MOST_TOLD = 4


def grade(case: Asked, output: Output | None) -> Grade:
    if not isinstance(output, dict):  # the target failed, or answered something else
        return yes_or_no(False, "there was no output")
    there = output.get("end_state")
    if not isinstance(there, dict):
        return yes_or_no(False, "it does not say how things stand afterwards")
    looked_at, wrong = _compared(case.expected["end_state"], there, "")
    if not wrong:
        return yes_or_no(True, "afterwards everything is as expected")
    more = f"; and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
    return Grade(1 - len(wrong) / looked_at, False, "; ".join(wrong[:MOST_TOLD]) + more)


def _compared(wanted: dict[str, Any], there: dict[str, Any], above: str) -> tuple[int, list[str]]:
    """How many values were looked at, and which differ."""
    looked_at = 0
    wrong: list[str] = []
    for name, value in wanted.items():
        path, found = f"{above}{name}", there.get(name)
        if isinstance(value, dict) and value and isinstance(found, dict):
            inside, differs = _compared(value, found, f"{path} › ")
            looked_at, wrong = looked_at + inside, wrong + differs
            continue
        looked_at += 1
        if name not in there:
            wrong.append(f"{path} is missing")
        elif not same(value, found):
            wrong.append(f"{path} is {told(found)} instead of {told(value)}")
    return looked_at, wrong
