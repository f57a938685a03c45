"""Same labels: of a classifier that may say any number of them, all that come up are said and no other. To say none can be right."""

from typing import Any

from evals.graders.contains import listed
from evals.graders.face import Asked, Grade, Output, yes_or_no

NAME, NUMBER = "same labels", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("labels",)

Named = tuple[str, str | None]  # a label's name, and its id where that is known


def grade(case: Asked, output: Output | None) -> Grade:
    """The score is what was rightly said, as a share of all that was said or should have been."""
    said = _named(output) if isinstance(output, dict) else None
    if said is None:  # the target failed, or answered something else
        return yes_or_no(False, "there was no output")
    missed, wrong = _differ(_named(case.expected) or [], said)
    right = [one for one in said if one not in wrong]
    union = len(right) + len(missed) + len(wrong)
    return Grade(len(right) / union if union else 1.0, not missed and not wrong, _told(right, wrong, missed))


def _named(told: dict[str, Any]) -> list[Named] | None:
    """The labels, each once; None where there is no list of them."""
    names, ids = told.get("labels"), told.get("label_ids")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    known = ids if isinstance(ids, list) and len(ids) == len(names) else [None] * len(names)
    return list(dict.fromkeys((name, made if isinstance(made, str) else None) for name, made in zip(names, known, strict=True)))


def _differ(expected: list[Named], said: list[Named]) -> tuple[list[Named], list[Named]]:
    """What was missed, and what was said wrongly. A label is known by its id, so a renamed one is the same, and else by its name."""
    missed, wrong = list(expected), list(said)
    for part in (1, 0):
        for one in said:
            same = next((other for other in missed if one[part] is not None and other[part] == one[part]), None)
            if one in wrong and same is not None:
                wrong.remove(one)
                missed.remove(same)
    return missed, wrong


def _told(right: list[Named], wrong: list[Named], missed: list[Named]) -> str:
    """said 'Refund', wrongly said 'Invoice' and missed 'Damage'"""
    clauses = (("said", right), ("wrongly said", wrong), ("missed", missed))
    told = [f"{verb} {listed([name for name, _ in labels])}" for verb, labels in clauses if labels]
    if not right and not wrong:
        told.insert(0, "said none")
    return " and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))
