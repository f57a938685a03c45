"""Exact label: the output names the intent that a person said is right. Silence is not a pass."""

from evals.graders.face import Asked, Grade, Output, yes_or_no

NAME, NUMBER = "exact label", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("label", "label_id")


def grade(case: Asked, output: Output | None) -> Grade:
    if not isinstance(output, dict):  # the target failed, or answered something else
        return yes_or_no(False, "there was no output")
    right, right_id, said = case.expected.get("label"), case.expected.get("label_id"), output.get("label")
    same_row = right_id and right_id == output.get("label_id")  # a renamed label is still the same
    if same_row or (right is not None and said == right):
        return yes_or_no(True, f"said '{right or said}'")
    wanted = f"'{right}'" if right is not None else "the expected intent"
    return yes_or_no(False, f"kept silent instead of {wanted}" if said is None else f"said '{said}' instead of {wanted}")
