"""What the help desk knows of Ferngrove's conversations beside their words, and the files that Nora brings."""

import csv
import io
import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from data.intake.canonical import CanonicalConversation
from portal.ferngrove.story import Told

MACROS = ("Where is my parcel", "Refund in three days", "Reset your password", "Photo of the damage, please")
TAGS = ("waiting for the carrier", "photo attached", "regular customer", "second ask")
NOTES = (
    "Checked with the warehouse: it leaves tomorrow with the first van.", "Second time this week, please be generous.",
    "Carrier confirmed the damage, photo is in the claim.", "Called back, no answer. Try after six.",
)  # fmt: skip
CALLS = (
    ("Good morning, order FG-20411: two of the three pots came broken.", "I am sorry. I send both again today, free of charge."),
    ("My name is Katrin Vogt, please send it to 14 Elm Road, Leeds LS1 4AB.", "Done. The parcel goes to the new address."),
    ("My card 4111 1111 1111 1111 was charged twice for the olive tree.", "I see it. The second charge is taken back within three days."),
    ("The gift card code does not work. You can reach me at +44 20 7946 0958.", "It was typed with a zero. It works with the letter O."),
    ("Where is my monstera? It should have come on Tuesday.", "It is with the carrier and comes tomorrow."),
)  # fmt: skip


def signals(told: Told, rng: random.Random) -> list[dict[str, Any]]:
    """What people did with it there. Those that went badly were opened again or given to somebody else more often."""
    end, found = told.closed_at, []

    def add(kind: str, value: str, before: float) -> None:
        found.append({"kind": kind, "at": max(told.opened_at, end - timedelta(minutes=before)), "value": value})

    if rng.random() < 0.3:
        add("macro_used", rng.choice(MACROS), 3)
    if rng.random() < 0.12:
        add("tag_changed", rng.choice(TAGS), 2)
    if rng.random() < (0.04 if told.good else 0.3):
        add("reopened", "", 20)
    if rng.random() < (0.05 if told.good else 0.2):
        add("reassigned", "", 40)
    return found


def note(told: Told, rep: str, rng: random.Random) -> list[dict[str, Any]]:
    """A word among colleagues that the customer never sees."""
    if rng.random() >= 0.06:
        return []
    return [{"role": "rep", "author": rep, "private": True, "at": told.closed_at, "text": rng.choice(NOTES)}]


def overlap(sent: Sequence[dict[str, Any]]) -> bytes:
    """An export of what is here already, with two lines that nobody can read: what comes twice is kept once."""
    lines = [CanonicalConversation.model_validate(one).model_dump_json(exclude_unset=True) for one in sent]
    broken = [json.dumps({"id": "FG-fax", "source": "ferngrove-helpdesk", "channel": "fax", "messages": []}), '{"id": "cut off in the mid']
    return "".join(f"{line}\n" for line in [*lines, *broken]).encode()


def waiting(until: datetime) -> bytes:
    """Calls from before the shop recorded them here: a table that Nora has brought and not taken yet."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["Call ID", "Started", "Speaker", "Words", "Rating"])
    for number, (asked, answered) in enumerate(CALLS * 5, start=1):
        began = until - timedelta(days=100 + number, minutes=7 * number)
        table.writerow([f"C{number:03}", began.isoformat(" ", "minutes"), "Caller", asked, ""])
        table.writerow([f"C{number:03}", (began + timedelta(minutes=2)).isoformat(" ", "minutes"), "Agent", answered, str(3 + number % 3)])
    table.writerow(["C026", "half past nine", "Caller", "The line was bad", ""])
    table.writerow(["C027", (until - timedelta(days=130)).isoformat(" ", "minutes"), "Parrot", "Hello hello", ""])
    return written.getvalue().encode()
