"""Money: how much may be moved for one case and on one day. It is held beside the recipe's own limits, never instead of them."""

from decimal import Decimal

from automations.door import NOTHING
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.recipe import amount_of
from automations.steps.face import Field

CASE, DAY = "per case", "per day"
declaration = Declaration(
    name="money",
    title="Money",
    explanation="Lets an agent move so much money for one case, and so much on one day.",
    icon="payments",
    looks_at=frozenset({LEAVES}),
    settings=(
        Field(CASE, "Most per case", "money", required=False, help="Everything that this run moves counts."),
        Field(DAY, "Most per day", "money", required=False, help="Everything that the recipe moved today counts."),
    ),
)


def look(at: Looked) -> Verdict:
    if at.wanted is None or (amount := at.wanted.amount) is None:
        return Verdict(True)
    if at.held is None:
        return Verdict(False, f"{at.wanted.told}: what was moved before is not known, so nothing more is. A person decides.")
    in_case = at.held.money + amount
    for name, moved, words in ((CASE, in_case, "for one case"), (DAY, at.held.before.money_today + in_case, "in a day")):
        if at.settings.get(name) is None:
            continue
        most = amount_of(at.settings[name])
        if most is None or moved > most:
            return Verdict(False, _above(at, moved, most, words))
    return Verdict(True)


def _above(at: Looked, moved: Decimal, most: Decimal | None, words: str) -> str:
    assert at.wanted is not None  # noqa: S101
    limit = "the limit that was set is no amount" if most is None else f"{most or NOTHING:,.2f} are the limit"
    return f"{at.wanted.told}: {moved:,.2f} {at.wanted.currency} would be moved {words}, and {limit}. A person decides."
