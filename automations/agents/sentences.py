"""What the embedded planner says to a customer: sentences made of what tools gave, in English or German. It invents nothing: each figure is
a tool's, an article's answer stays as it is, and where a tool did not say enough there is no sentence.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from automations.agents.face import Used
from automations.comparisons import number
from automations.conditions import shown
from automations.recipe import amount_of

Gave = Mapping[str, Any]
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]\d{2}:\d{2}.*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
ENGLISH, GERMAN = "en", "de"
LONGEST = 4_000

SAID = {  # by language; a status that is not here is not told
    ENGLISH: {
        "placed": "We have order {number}, and it is not packed yet.", "packed": "Order {number} is packed and leaves our warehouse next.",
        "shipped": "Order {number} is on its way.", "delivered": "Order {number} was delivered.",
        "delivered on": "Order {number} was delivered on {day}.", "returned": "Order {number} came back to us.",
        "cancelled": "Order {number} is cancelled.", "promised": "It was promised for {day}.",
        "one late": "It is {days} day late.", "late": "It is {days} days late.", "carrier": "It travels with {carrier}.",
        "tracking": "The tracking number is {tracking}.", "went back": "For order {number}, {amount} {currency} were refunded.",
        "refund": "We refund {amount} {currency}.",
        "credit": "You have a credit of {amount} {currency} for your next order.",
        "refund of": "We refund {amount} {currency} for order {number}.",
        "paid": "Invoice {number} over {amount} {currency} is paid.",
        "open": "Invoice {number} over {amount} {currency} is open and due on {day}.",
        "which order": "Which order is it about? Please send me the order number.",
        "which invoice": "Which invoice is it about? Please send me the invoice number.",
        "nothing": "I found nothing that answers this for certain. A person has to look at it.", "person": "A person goes on from here.",
    },
    GERMAN: {
        "placed": "Die Bestellung {number} ist bei uns eingegangen und noch nicht gepackt.",
        "packed": "Die Bestellung {number} ist gepackt und verlässt als Nächstes unser Lager.",
        "shipped": "Die Bestellung {number} ist unterwegs.", "delivered": "Die Bestellung {number} wurde zugestellt.",
        "delivered on": "Die Bestellung {number} wurde am {day} zugestellt.",
        "returned": "Die Bestellung {number} ist zu uns zurückgekommen.",
        "cancelled": "Die Bestellung {number} ist storniert.", "promised": "Zugesagt war sie für {day}.",
        "one late": "Sie ist {days} Tag zu spät.", "late": "Sie ist {days} Tage zu spät.", "carrier": "Sie kommt mit {carrier}.",
        "tracking": "Die Sendungsnummer ist {tracking}.",
        "went back": "Für die Bestellung {number} wurden {amount} {currency} erstattet.",
        "refund": "Wir erstatten {amount} {currency}.",
        "refund of": "Für die Bestellung {number} erstatten wir {amount} {currency}.",
        "credit": "Sie haben ein Guthaben von {amount} {currency} für Ihre nächste Bestellung.",
        "paid": "Die Rechnung {number} über {amount} {currency} ist bezahlt.",
        "open": "Die Rechnung {number} über {amount} {currency} ist offen und am {day} fällig.",
        "which order": "Um welche Bestellung geht es? Bitte schicken Sie mir die Bestellnummer.",
        "which invoice": "Um welche Rechnung geht es? Bitte schicken Sie mir die Rechnungsnummer.",
        "nothing": "Dazu habe ich nichts Sicheres gefunden. Das muss sich ein Mensch ansehen.", "person": "Ab hier übernimmt ein Mensch.",
    },
}  # fmt: skip


def reply(used: Sequence[Used], language: str) -> str:
    """All that tools gave, effects first; empty where they gave nothing that can be said."""
    went_well = [one for one in used if not one.why and isinstance(one.gave, Mapping)]
    effects = [one for one in went_well if one.step in ("refund", "credit")]
    told = [_effect(one.gave, one.step, _number(one.arguments, "order") or _only_order(went_well), language) for one in effects]
    told += [_looked_up(one, language, bool(effects)) for one in went_well if one not in effects]
    return "\n".join(dict.fromkeys(one for one in told if one))[:LONGEST]


def _looked_up(one: Used, language: str, paid: bool) -> str:
    match one.step:
        case "look up order":
            return order(one.gave, language, paid=paid)
        case "look up invoice":
            return invoice(one.gave, language)
        case "look up incident":
            return _own_words(one.gave, "what") if one.gave.get("found") is True else ""
        case "answer from knowledge":
            return article(one.gave)
    return ""


def article(gave: Gave) -> str:
    """As it is."""
    return _own_words(gave, "reply") if gave.get("answered") is True else ""


def order(gave: Gave, language: str, *, paid: bool = False) -> str:
    """`paid`: money went back in this run, which is told by itself."""
    says, found = SAID[language], _number(gave, "number")
    status = gave.get("status")
    if not found or status not in ("placed", "packed", "shipped", "delivered", "returned", "cancelled"):
        return ""
    delivered = _day(gave, "delivered_at")
    if status == "delivered" and delivered:
        told = [says["delivered on"].format(number=found, day=delivered)]
    else:
        told = [says[status].format(number=found)]
    if status in ("placed", "packed", "shipped"):
        told += _under_way(gave, says)
    back, currency = money(gave, "refunded"), _currency(gave)
    if back and currency and not paid:
        told.append(says["went back"].format(number=found, amount=written(gave["refunded"]), currency=currency))
    return " ".join(told)


def _under_way(gave: Gave, says: Mapping[str, str]) -> list[str]:
    told, days = [], number(gave.get("days_late"))
    if day := _day(gave, "promised_on"):
        told.append(says["promised"].format(day=day))
    if days and days > 0 and days == int(days):
        told.append(says["one late" if days == 1 else "late"].format(days=int(days)))
    told += [says[name].format(**{name: shown(gave[name])}) for name in ("carrier", "tracking") if _own_words(gave, name)]
    return told


def invoice(gave: Gave, language: str) -> str:
    found, currency, day = _number(gave, "number"), _currency(gave), _day(gave, "due_on")
    if not found or not currency or money(gave, "amount") is None or not isinstance(gave.get("paid"), bool):
        return ""
    if not gave["paid"] and not day:
        return ""
    return SAID[language]["paid" if gave["paid"] else "open"].format(
        number=found, amount=written(gave["amount"]), currency=currency, day=day
    )


def _effect(gave: Gave, step: str, of: str, language: str) -> str:
    currency = _currency(gave)
    if not currency or not money(gave, "amount"):
        return ""
    name = "refund of" if step == "refund" and of else step
    return SAID[language][name].format(amount=written(gave["amount"]), currency=currency, number=of)


def _only_order(used: Sequence[Used]) -> str:
    found = {_number(one.gave, "number") for one in used if one.step == "look up order"}
    return found.pop() if len(found) == 1 else ""


def money(gave: Gave, name: str) -> Decimal | None:
    """None where it is no amount."""
    return amount_of(gave.get(name))


def written(amount: Any) -> str:
    """As the tool wrote it; a number with its cents."""
    return amount if isinstance(amount, str) else f"{number(amount) or Decimal(0):.2f}"


def _number(gave: Gave, name: str) -> str:
    value = gave.get(name)
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else ""


def _day(gave: Gave, name: str) -> str:
    value = gave.get(name)
    found = _DAY.fullmatch(value) if isinstance(value, str) and len(value) <= 40 else None
    return found[1] if found else ""


def _currency(gave: Gave) -> str:
    value = gave.get("currency")
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else ""


def _own_words(gave: Gave, name: str) -> str:
    value = gave.get(name)
    return value.strip() if isinstance(value, str) else ""
