"""The demo's use cases: four of them in four stages, begun, signed, taken on and held up as people do it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from data import store, use_case_bars, use_cases
from data.tables import Label, Monitor, Person, UseCase
from data.use_cases import Link, Step

DAY = timedelta(days=1)
LESS_ROUTINE, NO_WAITING = "Fewer hours on what is always the same", "Nobody waits for money or a parcel without knowing why"


def fill(staff: Mapping[str, Person], *, mended: datetime, until: datetime) -> list[UseCase]:
    """Called once the days are counted, and recipes are released. `mended`: when the article that promised too much was gone back from."""
    return [_promises(staff, mended, until), _where_is_it(staff, until), _refunds(staff, until), _address(staff, until)]


def _promises(staff: Mapping[str, Person], mended: datetime, until: datetime) -> UseCase:
    """Begun the day after an article promised too much, and in upkeep by now."""
    lena, nora, begun = staff["Lena Hoffmann"], staff["Nora Engel"], mended + DAY
    case = use_cases.begin(
        "Answers promise only what we keep", by=lena, at=begun, goal=NO_WAITING, risk="medium",
        risk_why="A wrong sentence is read by many before somebody notices.",
        problem="An article promised money within a day. Customers believed it, waited, wrote again and were not satisfied.",
        systems=["Articles", "Suggested replies"], kpi={"measure": "csat", "target": 0.76},
        before=[
            Step("Read what the article says", "person", 1.0), Step("Look up what is true for this order", "person", 2.5),
            Step("Write the answer", "person", 3.0),
        ],
        after=[
            Step("Say what it is about", "machine"), Step("Suggest the answer, with its source", "proposes", 1.5),
            Step("Look up what is true for this order", "person", 2.5),
        ],
        links=[
            Link("article", "when-your-refund-arrives"), Link("classifier", "intent"), Link("set", "Everyday intents"),
            *_watched("Satisfied customers"),
        ],
    )  # fmt: skip
    use_cases.take_baseline(case.id, by=lena, at=begun)
    use_cases.sign_off(case.id, by=nora, at=begun + 2 * DAY)
    for days in (1, 4, 6, 16):
        _go_on(case, lena, "", begun + days * DAY)
    case = _changed(case, lena, review_on=(until + 60 * DAY).date())
    _go_on(case, lena, "", until - 2 * DAY)
    return case


def _where_is_it(staff: Mapping[str, Person], until: datetime) -> UseCase:
    """In beta; one thing that was gone on without is still open."""
    birgit, lena, nora = staff["Birgit Lund"], staff["Lena Hoffmann"], staff["Nora Engel"]
    began = until - 30 * DAY
    case = use_cases.begin(
        "Where is my order, answered at once", by=birgit, at=began, goal=LESS_ROUTINE, risk="low",
        risk_why="It says where a parcel is; it moves nothing.",
        problem="Every tenth customer asks where a parcel is. A rep looks it up in the shop, which says it better than we do.",
        systems=["Shop: orders and parcels", "Chat and e-mail: replies"],
        kpi={"measure": "handling", "intent": _intent("Where is my order"), "target": 150},
        before=[Step("Find the order", "person", 2.0), Step("Look the parcel up", "person", 1.5), Step("Write where it is", "person", 1.5)],
        after=[Step("Find the order and the parcel", "machine"), Step("Write where it is", "proposes", 0.5)],
    )  # fmt: skip
    case = _baseline(case, birgit, began + DAY)
    _go_on(case, lena, "", began + 2 * DAY)
    case = _changed(case, birgit, links=[Link("recipe", "where-is-my-order"), Link("article", "where-is-my-order")])
    use_cases.sign_off(case.id, by=nora, at=began + 12 * DAY)
    _go_on(case, lena, "Its backtest on 300 conversations stands in for a set until the hard wordings are collected.", began + 14 * DAY)
    _go_on(case, lena, "Half of the customers for a week is the test that we want.", until - 8 * DAY)
    return case


def _refunds(staff: Mapping[str, Person], until: datetime) -> UseCase:
    """In development; what moves money waits for an engineer's signature."""
    lena, alma = staff["Lena Hoffmann"], staff["Alma Berger"]
    began = until - 16 * DAY
    case = use_cases.begin(
        "Small refunds without waiting", by=alma, at=began, goal=NO_WAITING, risk="high",
        risk_why="Money moves. Above 50 euros two people decide, and nothing is paid twice.",
        problem="Who is owed a small refund waits two days for a yes that nobody ever refuses.",
        systems=["Shop: orders and payments", "Customer accounts"],
        kpi={"measure": "csat", "intent": _intent("Refund not received"), "target": 0.75},
        before=[
            Step("Find the order and what came back", "person", 3.0), Step("Ask for a yes", "person", 1.0),
            Step("Pay, and tell the customer", "person", 2.5),
        ],
        links=[Link("recipe", "refund-agent")],
    )  # fmt: skip
    case = _baseline(case, alma, began + DAY)
    _go_on(case, lena, "", began + 2 * DAY)
    return case


def _address(staff: Mapping[str, Person], until: datetime) -> UseCase:
    """Just begun, from Opportunities."""
    return use_cases.begin(
        "Change of address", by=staff["Birgit Lund"], at=until - 2 * DAY, goal=LESS_ROUTINE,
        problem="Customers write that they moved, and a rep types what the shop could ask them for.",
        systems=["Shop: addresses"], kpi={"measure": "handling", "intent": _intent("Change delivery address"), "target": None},
    )  # fmt: skip


def _go_on(case: UseCase, by: Person, why: str, at: datetime) -> None:
    use_case_bars.go_on(case.id, why=why, by=by, at=at)


def _changed(case: UseCase, by: Person, **told: Any) -> UseCase:
    return use_cases.change(case.id, seen=use_cases.get(case.id, by=by).number, by=by, **told)


def _baseline(case: UseCase, by: Person, at: datetime) -> UseCase:
    return use_cases.take_baseline(case.id, by=by, at=at)


def _intent(name: str) -> str:
    with store.reading() as db:
        return db.exec(select(Label.id).where(Label.name == name, Label.classifier_name == "intent")).one()


def _watched(name: str) -> list[Link]:
    with store.reading() as db:
        return [Link("monitor", made) for made in db.exec(select(Monitor.id).where(Monitor.name == name))]
