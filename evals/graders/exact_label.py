"""Exact label: the output names the intent that a person said is right. Silence is not a pass."""

from typing import Any

NAME, NUMBER = "exact label", 1


def grade(expected: dict[str, Any], output: dict[str, Any] | None) -> tuple[bool, str]:
    if output is None:
        return False, "there was no output"
    right, said = expected["label"], output.get("label")
    same_row = expected.get("label_id") and expected["label_id"] == output.get("label_id")  # a renamed label is still the same
    if same_row or said == right:
        return True, f"said '{right}'"
    return False, f"kept silent instead of '{right}'" if said is None else f"said '{said}' instead of '{right}'"
