"""One file a grader. A grader looks at what a case expects and at an output, and says whether it passed, and why."""

import math

from data.errors import Refused
from evals.graders import (
    alike,
    cites_article,
    cites_sources,
    classifier_says,
    contains,
    declines,
    end_state,
    exact_label,
    exact_text,
    judge,
    length,
    pattern,
    preferred,
    reading_ease,
    reply_words,
    rubric,
    same_labels,
    tool_calls,
)
from evals.graders.face import Asked, Grade, Grader, Graders, Output, not_judged

ALONE: tuple[Grader, ...] = (  # need nothing but the case and the output
    exact_label, same_labels, exact_text, contains, pattern, reply_words, alike.made(), tool_calls, end_state, cites_article,
    cites_sources, declines, length, reading_ease,
)  # fmt: skip
BY_NAME: Graders = {grader.NAME: grader for grader in ALONE}


def with_help(
    *,
    ask: judge.Ask | None = None,
    classify: classifier_says.Classify | None = None,
    encode: alike.Encode | None = None,
) -> Graders:
    """Those that need nothing, and those that what is at hand makes possible: a model, classifiers, an encoder."""
    helped: list[Grader] = [alike.made(encode)]
    helped += [classifier_says.made(classify)] if classify else []
    helped += [*rubric.made(ask), preferred.made(ask)] if ask else []
    return {**BY_NAME, **{grader.NAME: grader for grader in helped}}


def judged(known: Graders, name: str, case: Asked, output: Output | None) -> Grade:
    """The grade, whatever the grader does: one that breaks, or says what is no grade, has judged nothing, and that is never a pass."""
    if name not in known:
        return not_judged(f"was not judged: there is no grader named '{name}' here", f"unknown grader '{name}'")
    try:
        return _sound(known[name].grade(case, output))
    except Refused as refused:
        return not_judged(f"was not judged: {refused}", str(refused))
    except Exception as broke:  # a broken grader is a result: the other cases of the run are still graded
        return not_judged("was not judged: the grader broke", f"{type(broke).__name__}: {broke}"[:1000])


def _sound(grade: Grade) -> Grade:
    """The grade itself, if it is one."""
    score, passed, cost = grade.score, grade.passed, grade.cost
    number = isinstance(score, int | float) and not isinstance(score, bool)
    wrong = ""
    if score is not None and not (number and 0 <= score <= 1):  # NaN is not between either
        wrong = f"its score is {score!r}, which is not from 0 to 1"
    elif passed is not None and not isinstance(passed, bool):
        wrong = f"it says {passed!r}, which is neither passed nor failed"
    elif passed and (score is None or grade.error):
        wrong = f"it passed without a score{f', and says: {grade.error}' if grade.error else ''}"
    paid = float(cost) if isinstance(cost, int | float) and math.isfinite(cost) and cost > 0 else 0.0
    return not_judged("was not judged: the grader broke", wrong, paid) if wrong else grade
