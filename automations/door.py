"""The only way out: whatever changes the world is asked for here, held to the recipe's limits, and done, proposed or only noted.

What a recipe may do alone and how much it may move is decided in this module, not in a step and by no model; before it, what the policy
leaves to machines at all (mandates.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from automations.mandates import NEVER, PROPOSE, Mandate
from automations.recipe import Recipe
from data.errors import Refused

NOTHING = Decimal(0)
NOTE = "note"  # to whoever takes over
DRAFT = "draft"  # a person sends it, changes it or drops it
DONE, WOULD, ASKED = "done", "would be done", "needs a yes"


@dataclass(frozen=True)
class Wanted:
    """What a step asks for."""

    name: str  # of the act in its recipe
    step: str
    kind: str  # refund, credit, reply, draft, tag, route, field, note, call
    what: Mapping[str, Any]  # exactly what would be done; redacted
    told: str  # the same in a sentence: "Refund 19.90 EUR of order 1041"
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True)
class Did:
    """What came of it."""

    wanted: Wanted
    state: str
    ref: str = ""  # by which the other side knows it


class Waits(Exception):
    """A person decides: the run ends here and goes on once somebody said yes."""

    def __init__(self, wanted: Wanted, why: str) -> None:
        super().__init__(why)
        self.wanted, self.why = wanted, why


class Door(Protocol):
    def act(self, wanted: Wanted) -> Did:
        """Refused above a limit; `Waits` where the recipe may not do it alone."""
        ...

    def before(self, name: str) -> Did | None:
        """What this run's act of the name came to, if it was done already: a run that was cut off is begun anew."""
        ...


@dataclass(frozen=True)
class Spent:
    """What was moved before, of which limits are counted."""

    money_today: Decimal = NOTHING
    runs_today: int = 0


@dataclass
class Held:
    """A recipe's limits in one run, and what it came to so far."""

    recipe: Recipe
    before: Spent = Spent()
    money: Decimal = NOTHING
    did: list[Did] = field(default_factory=list)
    mandate: Mandate | None = None  # what the policy says of this conversation; None: there is no policy

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(one.wanted.kind for one in self.did)

    @property
    def asked(self) -> int:
        """How often a person would have to say yes."""
        return sum(one.state == ASKED for one in self.did)

    def require_within(self, wanted: Wanted) -> None:
        limits, amount = self.recipe.limits, wanted.amount
        if self.mandate is not None and self.mandate.may == NEVER and wanted.kind != NOTE:
            raise Refused(f"Not done: {wanted.told}. {self.mandate.sentence}")
        if limits.runs_per_day is not None and self.before.runs_today >= limits.runs_per_day:
            raise Refused(f"Not done: the recipe changed something {self.before.runs_today:,} times today, and its limit is that.")
        if amount is None:
            return
        if amount <= NOTHING:
            raise Refused(f"Not done: {wanted.told}. An amount is more than nothing.")
        if wanted.currency != limits.currency:
            raise Refused(f"Not done: {wanted.told}. The recipe's limits are in {limits.currency or 'no currency'}.")
        for most, spent, words in (
            (limits.money_per_run, self.money, "in one run"), (limits.money_per_day, self.before.money_today + self.money, "in a day"),
        ):  # fmt: skip
            if most is None or spent + amount > most:
                raise Refused(
                    f"Not done: {wanted.told}. {spent + amount:,.2f} {wanted.currency} would be moved {words}, and {most or NOTHING:,.2f} "
                    "are the limit."
                )

    def needs_a_yes(self, wanted: Wanted) -> str:
        """Why, in a sentence; empty where the recipe may do it alone. That a person takes over needs nobody's yes."""
        alone = self.recipe.alone
        if wanted.kind == NOTE:
            return ""
        if wanted.step not in alone.changes:
            return f"{wanted.told}. This recipe does nothing of the kind alone."
        if wanted.amount is not None and self.money + wanted.amount > alone.money:
            return f"{wanted.told}. Above {alone.money:,.2f} {wanted.currency} in a run a person decides."
        if self.mandate is not None and self.mandate.may == PROPOSE and wanted.kind != DRAFT:
            return f"{wanted.told}. {self.mandate.sentence}"
        return ""

    def count(self, did: Did) -> Did:
        self.money += did.wanted.amount or NOTHING
        self.did.append(did)
        return did


@dataclass
class Faked:
    """Nothing leaves: what would be done is noted, and what a person would be asked is taken for granted."""

    held: Held

    def before(self, name: str) -> Did | None:
        return None

    def act(self, wanted: Wanted) -> Did:
        self.held.require_within(wanted)
        return self.held.count(Did(wanted, ASKED if self.held.needs_a_yes(wanted) else WOULD))
