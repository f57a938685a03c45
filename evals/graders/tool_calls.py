"""Tool calls: the same steps with the same arguments, in the same order."""

from typing import Any

NAME, NUMBER = "tool calls", 1


def grade(expected: dict[str, Any], output: dict[str, Any] | None) -> tuple[bool, str]:
    if output is None:
        return False, "there was no output"
    wanted, made = expected["tool_calls"], output.get("tool_calls") or []
    for number, (right, done) in enumerate(zip(wanted, made, strict=False), start=1):
        if right != done:
            return False, f"step {number} is {done.get('name', 'unnamed')}, expected is {right['name']} with its arguments"
    if len(wanted) != len(made):
        return False, f"{len(made)} steps instead of {len(wanted)}"
    return True, f"the same {len(wanted)} steps"
