"""Small conversations that the tests write themselves: what a customer wants stands in the words they use."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from data.intake.canonical import CanonicalConversation
from data.values import now

WANTS = {
    "Order status": ("where is my order", "has my parcel left", "tracking shows nothing", "when does the parcel come"),
    "Refund": ("I want my money back", "the refund is not here", "when do you refund me", "money for the return"),
    "Sign-in": ("I cannot sign in", "my password does not work", "locked out of my account", "the login fails"),
    "Invoice": ("send me the invoice", "I need a receipt", "the invoice is wrong", "bill for my tax office"),
}


def one(
    number: int, *, wants: str | None = None, team: str | None = None, opened_at: datetime | None = None, **fields: Any
) -> dict[str, Any]:
    """A canonical conversation as it stands in a file."""
    rng = random.Random(number)
    intent = wants or list(WANTS)[number % len(WANTS)]
    opened = opened_at or now() - timedelta(days=1)
    private = {7: " My card is 4111 1111 1111 1111.", 8: " Write to jo.doe@example.org."}.get(number, "")
    said = f"{intent}: {rng.choice(WANTS[intent])}, please, number {number}.{private}"
    messages = [{"role": "customer", "text": said}, {"role": "rep", "text": "I look at it.", "author": "Rita"}]
    made = {"id": str(number), "source": "test", "channel": rng.choice(["chat", "email", "voice"]), "customer": f"customer {number % 97}"}
    made |= {"opened_at": opened.isoformat(), "messages": messages}
    return made | ({"team": team} if team else {}) | fields


def canonical(number: int, **fields: Any) -> CanonicalConversation:
    return CanonicalConversation.model_validate(one(number, **fields))


def write_file(path: Path, *, count: int, first_number: int = 1, **fields: Any) -> Path:
    lines = [json.dumps(one(number, **fields)) for number in range(first_number, first_number + count)]
    path.write_text("\n".join(lines) + "\n")
    return path
