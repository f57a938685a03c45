"""What people wrote, inside a Markdown file that is read as text too: nothing of it becomes a title, a list, a link or a table's edge."""

import re

SIGNS = frozenset("\\`*_[]<>|~")
BEGINS = re.compile(r"^(#+|[-+=]|\d+(?=[.)]))")  # what makes a line a title, a list or a rule


def escaped(text: str) -> str:
    """On one line."""
    told = "".join(f"\\{letter}" if letter in SIGNS else letter for letter in " ".join(text.split()))
    return BEGINS.sub(lambda found: f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\u2060", told)
