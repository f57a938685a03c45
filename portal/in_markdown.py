"""What people wrote, inside a Markdown file that is read as text too: nothing of it becomes a title, a list, a link or a table's edge."""

import re

SIGNS = frozenset("\\`*_[]<>|~&#")
BEGINS = re.compile(r"^([-+=]|\d+(?=[.)](?:\s|$)))")  # what makes a line a list or a rule; a figure such as 3.2 is neither
BREAKS = re.compile(r"[ \t\r\n]+")  # what does not break on a screen does not here either


def escaped(text: str) -> str:
    """On one line."""
    told = "".join(f"\\{letter}" if letter in SIGNS else letter for letter in BREAKS.sub(" ", text).strip())
    return BEGINS.sub(lambda found: f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\u2060", told)
