"""The demo's product feedback: a promise that a page made and that was mended, lockers that are being mended, and a fault that nobody was
handed yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from classifiers import noticing
from data import feedback_evidence, product_feedback
from data.product_feedback import ACCEPTED, BUILDING, CHANGED, FEWEST_SAMPLES, About
from data.tables import Label, Person, ProductFeedback
from portal.ferngrove import story

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def write_up(staff: Mapping[str, Person], labels: Mapping[str, Label], *, start: datetime, until: datetime) -> None:
    """Each on the day on which somebody would have."""
    nora, lena, alma = (staff[name] for name in ("Nora Engel", "Lena Hoffmann", "Alma Berger"))
    _promise(labels, start + timedelta(weeks=story.DIP_WEEK - 1, hours=10), nora, lena)
    _lockers(start + timedelta(weeks=story.LOCKER_WEEK, days=1, hours=9), nora, lena, until)
    text = "The shop says 'payment declined' and no more. Customers cannot tell whether their bank, the amount or the card is the reason."
    wish = "Say which of them it is, and offer another way to pay on the same page."
    payment = About(labels["payment_declined"].id)
    _written("Declined payments do not say why", text, payment, by=alma, wish=wish, at=until - 3 * DAY)


def _promise(labels: Mapping[str, Label], monday: datetime, nora: Person, lena: Person) -> None:
    """What it began on a Monday was gone a week later."""
    text = "The order page shows the help page's sentence that refunds come within a day. Customers wait a day and then write in chat."
    wish = "Show the day on which the money is due, as the bank tells it."
    about = About(labels[story.PROMISED[0]].id, words=f"channel:{story.PROMISED[1]}")
    made = _written("The order page promises refunds within a day", text, about, by=nora, wish=wish, at=monday + 2 * DAY)
    if made is None:
        return
    asked = "Please take the sentence off the order page: we cannot keep it."
    product_feedback.hand_over(made.id, "Checkout and orders", asked, by=nora, at=monday + 2 * DAY + 5 * HOUR)
    product_feedback.step(made.id, ACCEPTED, "It goes with Monday's release of the shop.", by=nora, at=monday + 3 * DAY)
    mended = monday + 7 * DAY + HOUR
    said = "The order page shows the day on which the money is due."
    product_feedback.step(made.id, CHANGED, said, by=lena, day=feedback_evidence.today(mended), at=mended)


def _lockers(at: datetime, nora: Person, lena: Person, until: datetime) -> None:
    """As the nights' search for patterns found them."""
    lockers = next((one for one in noticing.standing(by=nora) if one.kind == noticing.NEW_INTENT), None)
    about = About(pattern_id=lockers.id if lockers else None, words="locker")
    text = "Customers stand before the parcel locker with a code that it does not take, or a compartment that stays shut."
    wish = "Send another code from the order page, without a conversation."
    made = _written("Parcel lockers do not open", text, about, by=nora, wish=wish, at=at)
    if made is None:
        return
    product_feedback.hand_over(made.id, "Delivery", "Can the order page send another code?", by=lena, at=at + DAY)
    product_feedback.step(made.id, ACCEPTED, "The courier has an interface for it; we plan it for this quarter.", by=lena, at=at + 4 * DAY)
    building = min(at + 8 * DAY, until)
    product_feedback.step(made.id, BUILDING, "The first version is being tried with one courier.", by=lena, at=building)


def _written(title: str, text: str, about: About, *, by: Person, wish: str, at: datetime) -> ProductFeedback | None:
    """A small demo has too few conversations to show some."""
    words = product_feedback.words_of(about)
    if len(feedback_evidence.newest(words, FEWEST_SAMPLES, by=by, at=at)) < FEWEST_SAMPLES:
        return None
    return product_feedback.write(title, text, about, by=by, wish=wish, at=at)
