"""Fills the shop for the demo: what the customers of Ferngrove, a fictional shop for plants, ordered, paid and got in twelve months.

All of it follows from the seed. A parcel's course reaches beyond the day of the filling, so that the shop lives on while it is asked.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from automations.shop.ledger import Bill, Ledger, Purchase, Wanted
from automations.shop.values import EVERYWHERE, Customer, Incident, Item
from data.errors import Refused

CURRENCY = "EUR"
AREAS = ("Lindau", "Marlow", "Osterby", "Valmont")
CARRIERS = ("QuickVan", "ParcelFox")
PRICES = {  # in cents
    "monstera": 3490, "peace lily": 1890, "snake plant": 2290, "rubber tree": 2790, "Boston fern": 1490, "calathea": 2490,
    "string of hearts": 1290, "pilea": 1190, "fiddle-leaf fig": 4990, "jade plant": 1390, "spider plant": 990, "lemon tree": 5490,
    "bonsai": 3990, "lavender": 790, "rosemary bush": 890, "dracaena": 2990, "golden pothos": 1290, "hydrangea": 1990,
    "phalaenopsis orchid": 2190, "yucca": 3290, "terracotta pot": 890, "ceramic planter": 1690, "hanging basket": 1490,
    "self-watering pot": 2190, "balcony box": 1990, "zinc planter": 1790, "stoneware pot": 2490, "macrame hanger": 1590,
    "concrete bowl": 2890,
}  # fmt: skip
DELIVERY, FREE_FROM, EXPRESS = 490, 5900, 990
MADE_TO_ORDER = "planted arrangement"  # priced one by one
YEAR = timedelta(days=365)
MANY = (0.14, 0.34, 0.27, 0.16, 0.09)  # how often somebody has 0 to 4 orders
FIRST, LAST = 10_000, 99_999  # numbers of orders
BY_EXPRESS, BY_INVOICE, UNPAID, TWICE, CANCELLED, LATE, LATE_IN_A_DELAY, LOST, RETURNED = 0.12, 0.2, 0.06, 0.012, 0.03, 0.13, 0.7, 0.1, 0.06
ON_ITS_WAY, STILL_OPEN = 0.5, timedelta(days=12)
DELAYS = (
    "{carrier}'s depot in {area} has more parcels than vans: deliveries come one to four days later.",
    "The road to {area} is closed after a storm, and {carrier} drives around it: parcels are a day or two late.",
    "{carrier} is on strike in {area}. What is in the depot stays there until it is over.",
)
OUTAGES = (
    "The payment provider did not answer: cards and PayPal were refused at the checkout.",
    "The app did not open for customers with an account.",
    "The label printer of the warehouse stood still: orders were packed and not sent.",
)


@dataclass(frozen=True)
class Mention:
    """An order that a customer spoke of at a time, and what it was about: late, refund, cancelled, twice, or nothing that shows in the
    ledger. Without a number it is one that they did not name."""

    order: str
    at: datetime
    about: str = ""
    amount: int = 0  # cents that they want back, where they say so


@dataclass(frozen=True)
class _Delay:
    incident: Incident
    carrier: str

    def holds_up(self, carrier: str, area: str, due: datetime) -> bool:
        told = self.incident
        return (carrier, area) == (self.carrier, told.area) and told.began_at <= due and (told.ended_at is None or due < told.ended_at)


@dataclass
class _Course:
    """One order on its way: what is known of it so far, and what people paid back."""

    rng: random.Random
    order: Purchase
    express: bool
    due: datetime
    mention: Mention | None
    bills: list[Bill] = field(default_factory=list)
    refunds: list[tuple[int, str, datetime]] = field(default_factory=list)

    @property
    def about(self) -> str:
        return self.mention.about if self.mention else ""

    def knows(self, **more: datetime | None) -> None:
        self.order = replace(self.order, **more)  # type: ignore[arg-type]

    def refund(self, amount: int, reason: str, when: datetime) -> None:
        paid = sum(bill.amount for bill in self.bills if bill.paid_at and bill.paid_at <= when)
        if 0 < amount <= paid - sum(one[0] for one in self.refunds):
            self.refunds.append((amount, reason, when))

    def paid_back(self, usual: datetime) -> datetime:
        """Of those who ask where their money is, half had it sent before they asked, and banks are slow."""
        return usual if self.rng.random() < ON_ITS_WAY else self.answered(usual)

    def answered(self, usual: datetime) -> datetime:
        """When people acted: soon after they were asked, else when it was time."""
        return self.mention.at + _hours(self.rng, 1, 40) if self.mention else usual


def fill(
    ledger: Ledger, customers: Sequence[tuple[str, str]], *, at: datetime, seed: int = 7,
    mentioned: Mapping[str, Sequence[Mention]] | None = None,
) -> None:  # fmt: skip
    """`customers` by key and name, `mentioned` by the customer's key. Of several who spoke of an order, it is the first one's."""
    if not ledger.is_empty():
        raise Refused("The shop was not filled: its ledger holds customers already. Give it a file of its own.")
    delays, outages = _delays(random.Random(f"{seed} delays"), at), _outages(random.Random(f"{seed} outages"), at)
    spoken = _spoken_of(customers, mentioned or {}, at)
    numbers = _numbers(random.Random(f"{seed} numbers"), {one.order for mentions in spoken.values() for one in mentions})
    people, courses = [], []
    for key, name in customers:
        rng = random.Random(f"{seed} {key}")
        area = rng.choice(AREAS)
        theirs = [_course(rng, key, area, mention, at, numbers, delays) for mention in _occasions(rng, spoken.get(key, []))]
        theirs = [course for course in theirs if course.mention or not _in_between(course, theirs)]
        first = min((course.order.placed_at for course in theirs), default=at - YEAR * rng.random())
        people.append(Customer(key, name, area, first.date()))
        courses += theirs
    ledger.write(
        customers=people,
        orders=[course.order for course in courses],
        bills=[bill for course in courses for bill in course.bills],
        incidents=[*(delay.incident for delay in delays), *outages],
        entries=_entries(courses, at),
    )


def _in_between(course: _Course, others: Sequence[_Course]) -> bool:
    """Whoever names no order means their newest."""
    placed = course.order.placed_at
    return any(one.mention and not one.mention.order and one.order.placed_at <= placed <= one.mention.at for one in others)


def _entries(courses: Iterable[_Course], at: datetime) -> Iterator[tuple[Wanted, str, datetime]]:
    """In the order in which people made them; what is still to come, they have not."""
    found = [
        (when, Wanted("refund", None, course.order.number, amount, CURRENCY, reason), f"people-{course.order.number}-{place}")
        for course in courses
        for place, (amount, reason, when) in enumerate(course.refunds)
        if when <= at
    ]
    return ((wanted, key, when) for when, wanted, key in sorted(found, key=lambda one: (one[0], one[2])))


def _spoken_of(
    customers: Sequence[tuple[str, str]], mentioned: Mapping[str, Sequence[Mention]], at: datetime
) -> dict[str, list[Mention]]:  # fmt: skip
    taken: set[str] = set()
    found: dict[str, list[Mention]] = {}
    for key, _ in customers:
        for mention in sorted(mentioned.get(key, ()), key=lambda one: one.at):
            if (not mention.order or mention.order not in taken) and mention.at <= at:
                taken.add(mention.order)
                found.setdefault(key, []).append(mention)
    return found


def _occasions(rng: random.Random, mentions: Sequence[Mention]) -> list[Mention | None]:
    """What was spoken of, and what nobody spoke of up to how much somebody orders in a year."""
    wanted = rng.choices(range(len(MANY)), MANY)[0]
    return [*mentions, *[None] * max(0, wanted - len(mentions))]


def _numbers(rng: random.Random, taken: set[str]) -> Iterator[str]:
    """Orders that nobody mentioned; with six digits once five get scarce."""
    used = set(taken)
    while True:
        least, most = (FIRST, LAST) if len(used) < (LAST - FIRST) * 2 // 3 else (LAST + 1, LAST * 100)
        number = f"FG-{rng.randint(least, most)}"
        if number not in used:
            used.add(number)
            yield number


# -- one order --------------------------------------------------------------------------------------------------------------------------


def _course(
    rng: random.Random, key: str, area: str, mention: Mention | None, at: datetime, numbers: Iterator[str], delays: Sequence[_Delay]
) -> _Course:  # fmt: skip
    one = _placed(rng, key, mention, at, numbers)
    _bill(one)
    if one.about == "cancelled" or (not mention and rng.random() < CANCELLED):
        one.knows(cancelled_at=one.order.placed_at + _hours(rng, 1, 12))
        paid = one.paid_back(one.order.placed_at + _hours(rng, 14, 60))
        if not mention or paid <= mention.at or mention.at < at - STILL_OPEN:  # of the last ones nobody has looked at what was kept
            one.refund(one.order.total, "Cancelled before it was packed", paid)
        return one
    _send(one)
    chance = {"late": 1.0, "refund": 0.0, "twice": 0.0}.get(one.about, _chance_late(one, area, delays))
    _come(one, rng.random() < chance)
    if one.order.delivered_at and (one.about == "refund" or (not mention and rng.random() < RETURNED)):
        _go_back(one)
    return one


def _placed(rng: random.Random, key: str, mention: Mention | None, at: datetime, numbers: Iterator[str]) -> _Course:
    before = {"refund": (26, 40), "cancelled": (4, 12), "late": (8, 11), "twice": (2, 9)}.get(mention.about if mention else "", (1, 8))
    placed = mention.at - _days(rng, *before) if mention else at - YEAR * rng.random()
    items = tuple(
        Item(name, rng.choices((1, 2, 3), (8, 2, 1))[0], PRICES[name]) for name in rng.sample(list(PRICES), rng.choice((1, 1, 2, 3)))
    )
    if mention and mention.amount:
        items = (Item(MADE_TO_ORDER, 1, mention.amount),)
    express, goods = rng.random() < BY_EXPRESS, sum(item.quantity * item.price for item in items)
    fee = 0 if mention and mention.amount else EXPRESS if express else 0 if goods >= FREE_FROM else DELIVERY
    promised = _working_days(placed.date(), 1 if express else 4)
    number = (mention.order if mention else "") or next(numbers)
    order = Purchase(number, key, items, fee, placed, promised, CURRENCY, carrier=rng.choice(CARRIERS))
    due = placed.replace(hour=0, minute=0, second=0, microsecond=0) + (promised - placed.date()) + _hours(rng, 9, 18)
    return _Course(rng, order, express, due, mention)


def _bill(one: _Course) -> None:
    rng, order, day = one.rng, one.order, one.order.placed_at.date()
    number = f"INV-{order.number.removeprefix('FG-')}"
    on_invoice = not one.mention and rng.random() < BY_INVOICE
    paid = order.placed_at + _days(rng, 2, 20) if on_invoice else order.placed_at
    unpaid = on_invoice and rng.random() < UNPAID
    one.bills.append(Bill(number, order.number, order.total, day, day + timedelta(days=14 * on_invoice), None if unpaid else paid))
    if one.about == "twice" or (not one.mention and not on_invoice and rng.random() < TWICE):
        one.bills.append(Bill(f"{number}-2", order.number, order.total, day, day, paid + timedelta(minutes=2)))
        one.refund(order.total, "Charged twice", one.answered(paid + _days(rng, 1, 6)))


def _send(one: _Course) -> None:
    rng, placed = one.rng, one.order.placed_at
    packed = placed + _hours(rng, 2, 5 if one.express else 20)
    tracking = f"{'QV' if one.order.carrier == CARRIERS[0] else 'PF'}{rng.randrange(10**9):09d}"
    one.order = replace(one.order, packed_at=packed, shipped_at=packed + _hours(rng, 2, 6 if one.express else 24), tracking=tracking)


def _chance_late(one: _Course, area: str, delays: Sequence[_Delay]) -> float:
    return LATE_IN_A_DELAY if any(delay.holds_up(one.order.carrier or "", area, one.due) for delay in delays) else LATE


def _come(one: _Course, late: bool) -> None:
    """On its day, later, or never."""
    rng, shipped = one.rng, one.order.shipped_at or one.due
    if not late:
        one.knows(delivered_at=max(one.due - timedelta(days=rng.choice((0, 0, 1))), shipped + _hours(rng, 1, 6)))
        return
    if not one.mention and rng.random() < LOST:
        one.refund(one.order.total, "Lost on its way", one.due + _days(rng, 12, 18))
        return
    came = max(one.due, one.mention.at if one.mention else one.due) + _days(rng, 1, 5)
    one.knows(delivered_at=came)
    if came - one.due >= timedelta(days=2) and rng.random() < 0.6:
        reason = "Express missed its day" if one.express else "More than two days late"
        one.refund(one.order.delivery_fee, reason, one.answered(one.due + _days(rng, 2, 5)))


def _go_back(one: _Course) -> None:
    """One thing or all of them, paid back within three days."""
    rng, came = one.rng, one.order.delivered_at or one.due
    returned = one.mention.at - _days(rng, 3, 10) if one.mention else came + _days(rng, 4, 14)
    returned = max(returned, came + _hours(rng, 20, 30))
    one.knows(returned_at=returned)
    back = one.order.items if one.mention or rng.random() < 0.6 else one.order.items[:1]
    one.refund(sum(item.quantity * item.price for item in back), "Returned", one.paid_back(returned + _hours(rng, 6, 72)))


# -- what many had ----------------------------------------------------------------------------------------------------------------------


def _delays(rng: random.Random, at: datetime) -> list[_Delay]:
    """Some in each area over the year, and one that is not over yet."""
    found = [_delay(rng, area, at - YEAR * rng.random(), rng.uniform(2, 6)) for area in AREAS for _ in range(3)]
    return [*found, _delay(rng, rng.choice(AREAS), at - _hours(rng, 20, 44), None)]


def _delay(rng: random.Random, area: str, began: datetime, days: float | None) -> _Delay:
    carrier = rng.choice(CARRIERS)
    ended = None if days is None else began + timedelta(days=days)
    return _Delay(Incident("delay", area, began, ended, rng.choice(DELAYS).format(carrier=carrier, area=area)), carrier)


def _outages(rng: random.Random, at: datetime) -> list[Incident]:
    began = [at - YEAR * rng.random() for _ in range(6)]
    return [Incident("outage", EVERYWHERE, one, one + _hours(rng, 1, 9), rng.choice(OUTAGES)) for one in began]


def _working_days(day: date, many: int) -> date:
    while many:
        day += timedelta(days=1)
        many -= day.weekday() < 5
    return day


def _hours(rng: random.Random, least: float, most: float) -> timedelta:
    return timedelta(hours=rng.uniform(least, most))


def _days(rng: random.Random, least: float, most: float) -> timedelta:
    return timedelta(days=rng.uniform(least, most))
