"""A public reply goes out through the help desk that the conversation came from: into that conversation, to its own customer, once.

An address that nobody vouches for gets no mail from a machine: whoever wrote in another's name would have us write to them.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from sqlmodel import col, func, select

from automations.desks import DESKS, origin
from automations.desks.face import Mark, There
from automations.desks.line import SECONDS, NotKnown, opened
from data import store
from data.connections import HelpDesk
from data.errors import Refused
from data.tables import Action, Conversation
from language import redact

MOST_A_DAY = 10  # replies by recipes to one customer: two machines that answer each other come to an end
NOT_FROM_ONE = "this conversation came from no help desk that the portal may write to. Draft the reply instead"


def deliver(action: Action, *, seconds: float = SECONDS, wait: Callable[[float], None] = time.sleep) -> str:
    """The help desk's id of the reply. Refused where nothing left; NotKnown where it may have, and is not there to be seen."""
    try:
        conversation, desk = _from(action)
        text = _readable(action)
        _require_no_loop(action)
        with opened(DESKS[desk.product].opens, desk.opened(), seconds=seconds, wait=wait) as line:
            face, mark = DESKS[desk.product], _mark(action)
            made = face.there(line, conversation.external_id)
            origin.require_theirs(made, conversation, desk.product)
            _require_to_them_alone(made)
            try:
                return f"{desk.product} {face.reply(line, made, text, mark)}"
            except NotKnown as unknown:
                if ref := _seen(lambda: face.find(line, made, text, mark, public=True)):
                    return f"{desk.product} {ref}"
                raise NotKnown(f"Whether the reply went out is not known. {unknown} Look over there before it is sent again.") from None
    except NotKnown:
        raise
    except Refused as why:
        raise Refused(f"Not sent: {why}") from None


def look(action: Action, *, seconds: float = SECONDS) -> str:
    """The id of a reply that was let out before; "" where it is not there, or cannot be looked for."""
    try:
        conversation, desk = _from(action)
        face = DESKS[desk.product]
        with opened(face.opens, desk.opened(), seconds=seconds) as line:
            made = face.there(line, conversation.external_id)
            origin.require_theirs(made, conversation, desk.product)
            ref = face.find(line, made, str(action.payload["what"]["text"]), _mark(action), public=True)
    except Refused:
        return ""
    return f"{desk.product} {ref}" if ref else ""


def _seen(find: Callable[[], str]) -> str:
    try:
        return find()
    except Refused:
        return ""


def _mark(action: Action) -> Mark:
    return Mark(action.id, action.at)


def _from(action: Action) -> tuple[Conversation, HelpDesk]:
    with store.reading() as db:
        found = db.get(Conversation, action.conversation_id) if action.conversation_id else None
    desk = origin.of(found) if found is not None and found.hidden_at is None else None
    if found is None or desk is None:
        raise Refused(f"{NOT_FROM_ONE}.")
    return found, desk


def _readable(action: Action) -> str:
    """A customer is shown no gaps where a name was taken out."""
    text = str(action.payload["what"]["text"])
    if gaps := sorted({match[0] for match in redact.PLACEHOLDER.finditer(text)}):
        raise Refused(f"{', '.join(gaps[:3])} stands in it where something personal was taken out. Draft it: a person fills it in.")
    return text


def _require_no_loop(action: Action) -> None:
    lately = (Action.kind == "reply", col(Action.state) != "refused", Action.at > action.at - timedelta(days=1))
    same = Action.customer_id == action.customer_id if action.customer_id else Action.conversation_id == action.conversation_id
    with store.reading() as db:
        before = db.exec(select(func.count()).select_from(Action).where(*lately, same, col(Action.id) != action.id)).one()
    if before >= MOST_A_DAY:
        raise Refused(f"recipes sent this customer {before:,} replies within a day, and {MOST_A_DAY} are the limit. A person takes over.")


def _require_to_them_alone(made: There) -> None:
    if not made.customers:
        raise Refused("nobody is named over there as the customer. Draft the reply: a person sends it.")
    if made.others:
        raise Refused(f"{made.others:,} others would read it in copy. Draft the reply: a person sends it.")
    if made.unproven:
        raise Refused(f"{made.unproven}. Draft the reply: a person sends it.")
