"""Conversations about a fault, as many a day as a test says, on both sides of a change."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from data.intake import door
from data.tables import Person
from tests.conversations import canonical

FAULT = "The locker stays shut, compartment seven."
OTHER = "Thank you, the plant arrived."


def come(
    by: Person, day: datetime, *, faults: int, others: int, team: str = "Oak", seconds: int | None = 600, text: str = FAULT
) -> list[str]:
    """So many of both on that day; the ids of those about it. Each is another customer's."""
    told = [*[text] * faults, *[OTHER] * others]
    made = []
    for place, said in enumerate(told):
        opened = day + timedelta(minutes=place)
        number = int(opened.timestamp())
        messages = [{"role": "customer", "text": said}, {"role": "rep", "text": "I look at it.", "author": "Rita"}]
        more = {"handle_seconds": seconds} if seconds is not None else {}
        made.append(
            canonical(
                number, id=f"{team} {number}", opened_at=opened, team=team, messages=messages, customer=f"customer {team} {number}", **more
            )
        )
    return list(door.receive(made, by=by, classify=False, at=day + timedelta(days=1)).ids[:faults])


def days_of(by: Person, first: datetime, days: int, *, faults: int, others: int, team: str = "Oak") -> Sequence[str]:
    return [one for back in range(days) for one in come(by, first + timedelta(days=back), faults=faults, others=others, team=team)]
