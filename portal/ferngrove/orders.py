"""What the customers of Ferngrove ordered: in the shop beside the portal, so that what they wrote of is there to be looked up."""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import select

from automations.agents import hearing
from automations.shop import goods
from automations.shop.goods import Mention
from automations.shop.ledger import Ledger
from data import store
from data.tables import Conversation
from portal import shopkeeping
from portal.ferngrove.story import Told

NUMBER = re.compile(r"FG-\d{5}")
CANCELLED = re.compile(r"\b(cancel|stornier)", re.IGNORECASE)
ABOUT = {  # what an intent says of the order that is spoken of
    "late_delivery": "late", "where_is_my_order": "late", "refund_not_received": "refund", "charged_twice": "twice",
}  # fmt: skip


def fill(told: Mapping[str, Told], *, at: datetime) -> None:
    """A new ledger, in place of what an earlier demo that was cut off may have left."""
    path = shopkeeping.file(shopkeeping.LEDGER)
    for end in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
    with store.reading() as db:
        customers = dict(db.exec(select(Conversation.id, Conversation.customer_id)).all())
    names: dict[str, str] = {}
    mentioned: dict[str, list[Mention]] = {}
    for conversation_id, one in told.items():
        key = customers[conversation_id]
        names.setdefault(key, one.customer.rpartition(" ")[0])
        mentioned.setdefault(key, []).extend(_mentions(one))
    ledger = Ledger(path)
    try:
        goods.fill(ledger, sorted(names.items()), at=at, mentioned=mentioned)
    finally:
        ledger.close()


def _mentions(one: Told) -> list[Mention]:
    """Who asks for money back had an order to pay back, also where they do not name it."""
    words = " ".join(text for role, text, _ in one.messages if role == "customer")
    about = ABOUT.get(one.intent, "")
    if about == "refund" and CANCELLED.search(words):
        about = "cancelled"
    numbers = [number for number in hearing.numbers(words)[0] if NUMBER.fullmatch(number)]
    back = about in ("refund", "cancelled")
    amount = next((int(one * 100) for one in hearing.amounts(hearing.folded(words))), 0) if back else 0
    return [Mention(number, one.opened_at, about, amount) for number in numbers or ([""] if back else [])]
