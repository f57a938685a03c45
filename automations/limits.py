"""What one customer may get within a while before two people look, whichever recipe gives it: proposed by one, approved by another."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, func, select

from automations.actions import Policy
from automations.settling import REFUSED
from data import access, approvals, settings, store
from data.errors import Refused
from data.tables import Action, Person, Proposal
from data.values import now
from knowledge import in_force, passages

NAME, KIND = "customer_limit", "change_limit"
SHOWN = 1_200  # characters of the passage
WRONG = {
    "money": "the amount is more than nothing, at most 1,000,000, in whole cents",
    "currency": "a currency is three capital letters, such as EUR",
    "days": "it is counted over 1 to 365 days",
}


class Limit(BaseModel):
    """One number of it. The article says to people why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    money: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    days: Annotated[int, Field(ge=1, le=365)] = 60
    article: str = ""  # its slug; empty: it is written nowhere
    heading: str = ""  # under which it stands there

    @property
    def told(self) -> str:
        return f"{self.money:,.2f} {self.currency} within {self.days} {'day' if self.days == 1 else 'days'}"


def current() -> Limit | None:
    found = settings.current(NAME)
    return Limit.model_validate(found) if found else None


def policy(currency: str = "") -> Policy | None:
    """As the door obeys it. `currency`: the recipe's. What is paid in another than the limit's is added to nothing, so two people look."""
    limit = current()
    if limit is None:
        return None
    money = limit.money if currency in ("", limit.currency) else Decimal(0)
    return Policy(money, limit.days, passage_of(limit))


def passage_of(limit: Limit) -> dict[str, Any]:
    """Where it is written, in the words that are published now; nothing where that article is out of use."""
    found = _passages(limit.article)
    if not found:
        return {}
    one = next((passage for passage in found if passage.heading == limit.heading), found[0])
    return {"title": one.title, "heading": one.heading, "text": one.text[:SHOWN], "slug": one.slug, "number": one.number}


def headings(slug: str, *, by: Person) -> list[str]:
    """Of the published article, from its beginning; the empty one is what stands before the first."""
    access.require(by, "article.read")
    return list(dict.fromkeys(one.heading for one in _passages(slug)))


def _passages(slug: str) -> Sequence[passages.Passage]:
    number = in_force.numbers().get(slug) if slug else None
    return [piece for one in in_force.published([(slug, number)]) for piece in passages.cut(one)] if number else []


# -- changing it --------------------------------------------------------------------------------------------------------------------------


def propose(
    money: Decimal, currency: str, days: int, *, article: str = "", heading: str = "", why: str, by: Person, at: datetime | None = None
) -> Proposal:
    """Higher or lower: another person says yes to either."""
    access.require(by, "limit.propose")
    try:
        limit = Limit(money=money, currency=currency.strip().upper(), days=days, article=article, heading=heading)
    except ValidationError as error:
        raise Refused(f"Not proposed: {WRONG[str(error.errors()[0]['loc'][0])]}.") from error
    found = headings(article, by=by) if article else [""]
    if not found:
        raise Refused("Not proposed: that article is not published. Name one that is, or none.")
    if heading not in found:
        raise Refused("Not proposed: the article has no such part any more. Choose the part again.")
    return _propose(limit, f"have two people decide above {limit.told}", why, by, at)


def propose_none(*, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """From then on each recipe is held to its own limits alone."""
    access.require(by, "limit.propose")
    return _propose(None, "take away the limit of what one customer gets", why, by, at)


def _propose(limit: Limit | None, title: str, why: str, by: Person, at: datetime | None) -> Proposal:
    with store.writing() as db:
        store.one_at_a_time(db, f"setting {NAME}")
        last, before = settings.latest(db, NAME), current()
        if limit == before:
            raise Refused(
                f"Not proposed: that is so already. The limit is {before.told}." if before else "Not proposed: there is no limit."
            )
        payload = {"name": NAME, "value": limit.model_dump(mode="json") if limit else {}, "after": last.number if last else 0}
        if approvals.open_for(KIND, **payload):
            raise Refused("Not proposed again: the same limit already waits for approval.")
        told = {"sentence": _sentence(db, limit, before, at)}
        return approvals.propose(db, KIND, title, payload, why=why, evidence=told, authors=[by.id], by=by, at=at)


def _sentence(db: Session, limit: Limit | None, before: Limit | None, at: datetime | None) -> str:
    instead = f" instead of {before.told}" if before else ". Until now there is no such limit"
    if limit is None:
        return f"Recipes would be held to their own limits alone{instead}." if before else "Recipes are held to their own limits alone."
    above, all_of_them = _above(db, limit, at)
    seen = f"{above:,} of the {all_of_them:,} customers who got money by recipes in that time got more." if all_of_them else (
        f"By recipes no customer got {limit.currency} in that time."
    )  # fmt: skip
    return f"Two people would decide as soon as one customer would have got more than {limit.told}{instead}. {seen}"


def _above(db: Session, limit: Limit, at: datetime | None) -> tuple[int, int]:
    """How many customers got more than that lately, and how many got anything."""
    since = (at or now()) - timedelta(days=limit.days)
    theirs = (
        select(func.sum(Action.cents).label("cents"))
        .where(
            col(Action.customer_id).is_not(None), col(Action.state) != REFUSED, Action.currency == limit.currency, Action.at >= since,
            col(Action.cents).is_not(None),
        )
        .group_by(col(Action.customer_id))
        .subquery()
    )  # fmt: skip
    above = select(func.count()).select_from(theirs).where(theirs.c.cents > int(limit.money * 100))
    return db.exec(above).one(), db.exec(select(func.count()).select_from(theirs)).one()
