"""Product feedback on its way to the webhooks that it was handed over to: signed, tried again for about a day, as alerts are."""

import time
from datetime import datetime, timedelta

from sqlmodel import col, select

from data import access, product_feedback, store, tasks, webhooks
from data.errors import Refused
from data.tables import Person, ProductFeedback, ProductFeedbackSent
from data.values import now
from data.webhooks import Open
from portal import alerting, feedback_document
from portal.alerting import ALTOGETHER, MOST_TRIES, PAUSES, SECONDS, SENT_AT_ONCE, NeverTold, NotTold

TELL = "tell_product_teams"


def hand_over(feedback_id: str, product_team: str, sentence: str, *, by: Person, webhook: str = "") -> ProductFeedback:
    """To a webhook it goes as it is now. The right is asked first: who may not hand over makes nobody count."""
    access.require(by, "feedback.hand_over")
    found = feedback_document.collected(feedback_id, by=by) if webhook else None
    sends = feedback_document.document(found, words_of_customers=False) if found else None
    return product_feedback.hand_over(feedback_id, product_team, sentence, by=by, webhook=webhook, document=sends)


def anything_due(*, at: datetime | None = None) -> bool:
    return bool(_due(at, most=1)) and not tasks.under_way(TELL)


def _due(at: datetime | None, *, most: int) -> list[ProductFeedbackSent]:
    ready = col(ProductFeedbackSent.not_before).is_(None) | (col(ProductFeedbackSent.not_before) <= (at or now()))
    query = select(ProductFeedbackSent).where(ProductFeedbackSent.state == "waiting", ready)
    with store.reading() as db:
        return list(db.exec(query.order_by(col(ProductFeedbackSent.tries), col(ProductFeedbackSent.id)).limit(most)))


def tell_due(*, at: datetime | None = None, seconds: float = SECONDS) -> str:
    """In words what came of it. Those who failed least come first."""
    began, told, failed = time.monotonic(), 0, 0
    for one in _due(at, most=SENT_AT_ONCE):
        if time.monotonic() - began > ALTOGETHER:
            break
        ok = _tell(one, at, seconds)
        told, failed = told + ok, failed + (not ok)
    return f"{told:,} told." + (f" {failed:,} not: tried again later, or given up; the feedback says why." if failed else "")


def _tell(one: ProductFeedbackSent, at: datetime | None, seconds: float) -> bool:
    try:
        alerting.post(_opened(one.receiver), one.document, one.id, seconds=seconds)
    except NotTold as why:
        _put_off(one, str(why), isinstance(why, NeverTold), at)
        return False
    _keep(one, "done", "", None, at)
    return True


def _opened(name: str) -> Open:
    with store.reading() as db:
        found = webhooks.in_force(db).get(name)
    if found is None:
        raise NeverTold(f"There is no webhook '{name}' any more.")
    try:
        return found.opened()
    except Refused as refused:
        raise NeverTold(str(refused)) from None


def _put_off(one: ProductFeedbackSent, why: str, never: bool, at: datetime | None) -> None:
    given_up = never or one.tries + 1 >= MOST_TRIES
    again = (at or now()) + timedelta(seconds=PAUSES[min(one.tries, len(PAUSES) - 1)])
    _keep(one, "given_up" if given_up else "waiting", why, None if given_up else again, at)


def _keep(one: ProductFeedbackSent, state: str, why: str, again: datetime | None, at: datetime | None) -> None:
    with store.writing() as db:
        kept = db.get_one(ProductFeedbackSent, one.id, populate_existing=True)
        kept.state, kept.tries, kept.why, kept.not_before = state, kept.tries + 1, why, again
        kept.sent_at = (at or now()) if state == "done" else None
