"""Where a conversation came from, whether the portal may write there, and that it is still the same customer's over there."""

from sqlmodel import col, select

from automations.desks import DESKS
from automations.desks.face import There
from data import connections, store
from data.connections import HelpDesk
from data.errors import Refused
from data.intake import door
from data.tables import Conversation, Customer, ImportBatch

PAUSED = "paused"


def of(conversation: Conversation) -> HelpDesk | None:
    """The help desk, where the portal may write to it. What two are said to be the source of came from neither for sure."""
    found = [one for one in connections.help_desks().values() if one.source == conversation.source]
    return found[0] if len(found) == 1 and found[0].writes and not _paused(found[0]) else None


def anywhere() -> bool:
    """Whether the portal may write to any help desk."""
    return any(one.writes for one in connections.help_desks().values())


def _paused(desk: HelpDesk) -> bool:
    """Whoever paused it wants that nothing is asked of it."""
    query = select(ImportBatch.id).where(ImportBatch.reader == desk.product, col(ImportBatch.state) == PAUSED)
    with store.reading() as db:
        return db.exec(query.limit(1)).first() is not None


def require_theirs(made: There, conversation: Conversation, product: str) -> None:
    """Whoever sent us a conversation may have named any number over there: it is told nothing unless it is the same customer's."""
    customer, source, key = conversation.customer_id, conversation.source, conversation.external_id
    keys = {door.customer_key(source, one, key) for one in made.customers or (None,)}
    with store.reading() as db:
        found = db.get(Customer, customer)
    if found is None or found.key_hmac not in keys:
        name = DESKS[product].NAME
        raise Refused(f"That conversation is another customer's at {name} than the one that it is kept under here. Look at both.")
