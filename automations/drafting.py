"""A first recipe from one conversation: what set it off is its intent, and its steps are what a colleague did there."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from automations import recipes
from automations.checking import LONGEST_NAME, LONGEST_TITLE
from automations.recipe import ARRIVES, INTENT, Act, Alone, Limits, Recipe, Trigger
from automations.shop.client import Shop, ShopFault
from automations.shop.values import Entry, Order
from data import access, conversations, labels, predictions
from data.errors import Denied
from data.tables import Conversation, Person

SURE = Decimal("0.8")  # an intent has to be, at first
RUNS, PEOPLE = 50, "people"
ALONE = ("draft reply", "tag")  # what it may do at first without anybody's yes: a person sends the one and sees the other
DECIDED = timedelta(days=14)  # within which people's refund belongs to the conversation
MOST_TAGS, LONGEST_REPLY = 2, 1_900
ABOUT_AN_ORDER = re.compile(r"\b(order|parcel|deliver\w*|refund\w*|invoice|return\w*|tracking|bestellung|paket|liefer\w*)\b", re.IGNORECASE)
OTHER = re.compile(r"[^a-z0-9]+")

Message = Mapping[str, Any]


def from_conversation(conversation_id: str, *, shop: Shop | None, by: Person) -> Recipe:
    """To be looked at and changed: nothing of it is kept yet."""
    access.require(by, "automation.draft")
    found = conversations.get(conversation_id, by=by)
    if found is None:
        raise Denied("Nothing was drafted: that conversation is not here.")
    conversation, messages = found
    said = conversations.frozen(messages)
    intent = _intent(conversation)
    order, entries = _at_the_shop(conversation, shop)
    acts = [*_looks(said, order), *_pays(order, entries, conversation, shop), *_says(said, order), *_tags(conversation)]
    currency = order.currency if order else ""
    money = max((Decimal(one.amount).scaleb(-2) for one in entries), default=None)
    alone = tuple(dict.fromkeys(one.step for one in acts if one.step in ALONE))
    return Recipe(
        name=_name(intent or conversation.subject or "New recipe", by),
        title=(intent or conversation.subject or "New recipe")[:LONGEST_TITLE],
        what=f"Begun from a conversation by {conversation.channel}.",
        trigger=Trigger(INTENT, intent, SURE) if intent else Trigger(ARRIVES),
        acts=tuple(acts),
        limits=Limits(money, money * 10 if money else None, RUNS, currency if money else ""),
        alone=Alone(changes=alone),
    )


def _intent(conversation: Conversation) -> str:
    """As people see it; else as the machine said it."""
    names = labels.names()
    if conversation.intent_id:
        return names.get(conversation.intent_id, "")
    said = predictions.of_conversation(conversation.id)
    return names.get(said.label_id or "", "") if said else ""


def _name(title: str, by: Person) -> str:
    """As it stands in an address; none that is taken."""
    plain = OTHER.sub("-", title.lower()).strip("-")[: LONGEST_NAME - 4] or "recipe"
    taken = {one.name for one in recipes.listed(by=by)}
    return next(name for name in (plain, *(f"{plain}-{number}" for number in range(2, 1_000))) if name not in taken)


def _at_the_shop(conversation: Conversation, shop: Shop | None) -> tuple[Order | None, list[Entry]]:
    """The order that the customer had then, and what people paid back for it afterwards."""
    if shop is None:
        return None, []
    since, until = conversation.opened_at, conversation.opened_at + DECIDED
    try:
        had = {one.number for one in shop.orders_of(conversation.customer_id, at=since)}
        orders = [one for one in shop.orders_of(conversation.customer_id, at=until) if one.number in had]
    except ShopFault as fault:
        if fault.status != 404:
            raise
        return None, []  # nobody whom the shop knows: then there is nothing to look up
    made = [(order, [one for one in order.entries if one.made_by == PEOPLE and since <= one.at <= until]) for order in orders]
    paid = next(((order, entries) for order, entries in made if entries), None)
    return paid or (made[0][0] if made else None, [])


def _looks(said: Sequence[Message], order: Order | None) -> list[Act]:
    asked = " ".join(str(one["text"]) for one in said if one["role"] == "customer")
    looked = [Act("look up order", "order")] if order is not None and ABOUT_AN_ORDER.search(asked) else []
    return looked if _replies(said) else [*looked, Act("answer from knowledge", "answer", on_failure="go on")]


def _pays(order: Order | None, entries: Sequence[Entry], conversation: Conversation, shop: Shop | None) -> list[Act]:
    """As people did; how much may be paid back, the shop says. An order that was late then has to be late."""
    if order is None or shop is None or not entries:
        return []
    one = entries[0]
    whole = one.amount >= order.paid
    given: dict[str, Any] = {
        "order": "{{order.number}}", "amount": "{{order.refundable}}" if whole else f"{Decimal(one.amount).scaleb(-2):.2f}",
        "reason": one.reason,
    }  # fmt: skip
    then = shop.order(order.number, at=conversation.opened_at).days_late
    late = {"order.days_late": {"at least": then}} if then > 0 else None
    return [Act("refund" if one.kind == "refund" else "credit", "money_back", given, when=late)]


def _replies(said: Sequence[Message]) -> list[str]:
    return [str(one["text"]).strip() for one in said if one["role"] == "rep" and str(one["text"]).strip()]


def _says(said: Sequence[Message], order: Order | None) -> list[Act]:
    """A colleague's reply, with what belongs to this order left open; where there is none, what the articles say."""
    replies = _replies(said)
    if not replies:
        known = {"answer.reply": "is known"}
        return [Act("draft reply", "reply", {"text": "{{answer.reply}}"}, when=known)]
    reply = max(replies, key=len)[:LONGEST_REPLY]
    if order is not None and _looks(said, order):
        reply = reply.replace(order.number, "{{order.number}}")
    return [Act("draft reply", "reply", {"text": reply})]


def _tags(conversation: Conversation) -> list[Act]:
    return [Act("tag", f"tag_{number}", {"tag": tag}) for number, tag in enumerate(conversation.tags[:MOST_TAGS], start=1)]
