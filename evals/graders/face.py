"""What every grader is given and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Output = dict[str, Any]  # what a target said: any of label, label_id, confidence, reply, tool_calls, end_state, declined, sources, articles


@dataclass(frozen=True)
class Grade:
    score: float | None  # 0 to 1; None where nothing was measured
    passed: bool | None  # None: not judged, which is never a pass
    why: str  # a clause that a rep understands, such as "said 'Refund' instead of 'Where is my order'"
    error: str = ""  # why nothing was judged: the endpoint is down, the grader broke
    cost: float = 0.0


def yes_or_no(passed: bool, why: str) -> Grade:
    """The grade of what has nothing between."""
    return Grade(float(passed), passed, why)


def not_judged(why: str, error: str, cost: float = 0.0) -> Grade:
    return Grade(None, None, why, error, cost)


class Asked(Protocol):
    """What a grader may know of a case: the conversation up to a point, and what is expected then."""

    @property
    def input(self) -> dict[str, Any]: ...  # {"subject_line": str, "messages": [{"role", "text", …}]}

    @property
    def expected(self) -> dict[str, Any]: ...


class Grader(Protocol):
    @property
    def NAME(self) -> str: ...  # as cases name it

    @property
    def NUMBER(self) -> int: ...  # raised when it would judge differently: scores of two numbers are not compared

    @property
    def PERSON_WROTE(self) -> bool: ...  # a person wrote down what is right: it may gate without being checked against people

    @property
    def LIVE(self) -> bool: ...  # judges an output without any expectation: it may look at live traffic

    @property
    def NEEDS(self) -> tuple[str, ...]: ...  # keys of `expected` of which it needs one; empty: it needs none

    def grade(self, case: Asked, output: Output | None) -> Grade: ...


Graders = Mapping[str, Grader]
