"""A visitor of a page is answered by the recipes in force; what goes out to them stands in the conversation, where people see it too."""

import logging
from collections.abc import Callable, Sequence

from sqlmodel import col, select

from automations import responding, settling
from automations.arriving import Means
from data import store, talks
from data.errors import Busy, Refused
from data.intake.canonical import CanonicalMessage
from data.tables import Action, Message, Person, Talk
from data.values import now

logger = logging.getLogger("portal.automations")


def answer(talk: Talk, *, by: Person, means: Means, classify: Callable[[Sequence[str]], object] | None = None) -> None:
    """Once for what they wrote last, however often it is asked. Where nothing answers, a person does."""
    seq = talks.last_words(talk)
    try:
        responding.respond(talk.conversation_id, by=by, means=means, classify=classify)
    except Busy:
        raise  # nothing was looked at: it is asked again
    except Refused as why:
        logger.warning("no recipe was asked for a visitor: %s", why)
    except Exception:
        logger.exception("recipes for a visitor failed")
    bring(talk)
    talks.looked(talk, seq)


def bring(talk: Talk) -> int:
    """Replies that went out as the answer become messages, each once: also those that somebody said yes to later."""
    query = select(Action).where(
        Action.conversation_id == talk.conversation_id, Action.kind == responding.TALKS, Action.state == settling.DONE,
        Action.provider_ref == responding.ANSWERED,
    )  # fmt: skip
    with store.reading() as db:
        found = list(db.exec(query.order_by(col(Action.ended_at), Action.id)))
        here = set(db.exec(select(Message.external_id).where(Message.conversation_id == talk.conversation_id))) if found else set()
    said = [_message(one) for one in found]
    fresh = [one for one in said if one.id not in here]
    return talks.put(talk.conversation_id, fresh) if fresh else 0


def _message(action: Action) -> CanonicalMessage:
    text, whose = str(action.payload["what"]["text"]), f"{action.target_name} {action.target_number}"
    return CanonicalMessage(id=f"{talks.RECIPES}:{action.id}", role="assistant", text=text, author=whose, at=now())
