"""A portal in which one matter is answered alike by everybody and covered by an article, and another is neither."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from classifiers import labels
from data import daily, store
from data.intake import door
from data.tables import Conversation, Label
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_knowledge_answering import publish, speak

ADDRESS, STORY = "Change of address", "Tell us a story"
QUESTION = "How do I change the address of my parcel?"
ARTICLE = "To change the address of a parcel, open the order and press Change address. The parcel goes to the new address."
SAME = "I have changed the address of your order, the parcel goes to the new one on {day}."
DAYS = ("Monday", "Tuesday", "Friday")
THINGS = (
    "bicycle", "kettle", "garden", "window", "violin", "lantern", "harbour", "blanket", "saddle", "orchard", "teapot", "ladder", "compass",
    "feather", "pillow", "marble", "anchor", "candle", "basket", "whistle", "mirror", "button", "carpet", "cellar", "bottle", "engine",
)  # fmt: skip
MANY = 24  # conversations of each


@dataclass(frozen=True)
class World:
    staff: Staff
    alike: Label  # the matter that everybody answers in the same words
    other: Label
    at: datetime  # when it is looked at


def monday() -> datetime:
    """Of the first of the last four whole weeks, in the portal's time zone of the tests."""
    today = now().date()
    starts = today - timedelta(days=today.weekday() + 28)
    return datetime.combine(starts, time(12), UTC)


def different(number: int) -> str:
    """A reply that shares no telling word with another's."""
    rng = random.Random(number)
    return " ".join(rng.sample(THINGS, 5)).capitalize() + "."


def world(staff: Staff, *, swapped: bool = False, team: str = "Oak", article: bool = True) -> World:
    """`swapped`: the other matter is the one that is answered alike."""
    alike, other = (labels.add(name, by=staff.lead) for name in (ADDRESS, STORY))
    if article:
        publish(staff, "Changing the address", ARTICLE)
        speak(staff)
    comes(alike, range(MANY), QUESTION, alike=not swapped, team=team)
    comes(other, range(MANY, 2 * MANY), "Marmalade zebra, please?", alike=swapped, team=team)
    daily.bring_up_to_date()
    return World(staff, alike, other, now())


def comes(label: Label, numbers: range, question: str, *, alike: bool, team: str = "Oak", seconds: int = 360) -> list[str]:
    """Spread over the four weeks, each with one reply of a person, and with its intent."""
    sent = []
    for place, number in enumerate(numbers):
        reply = SAME.format(day=DAYS[place % 3]) if alike else different(number)
        messages = [{"role": "customer", "text": question}, {"role": "rep", "text": reply, "author": ("Rita", "Leo")[place % 2]}]
        opened = monday() + timedelta(days=place * 27 / max(1, len(numbers) - 1))
        told = {"team": team, "opened_at": opened, "messages": messages, "handle_seconds": seconds + place, "language": "en"}
        sent.append(canonical(number, **told, customer=f"customer {number}"))
    made = list(door.receive(sent, by=_console(), classify=False).ids)
    with store.writing() as db:
        for one in made:
            kept = db.get_one(Conversation, one)
            kept.intent_id = label.id  # as the live classifier does
            db.add(kept)
    return made


def _console():  # type: ignore[no-untyped-def]
    from data import people

    return people.console()
