"""What would leave, as texts: the words that somebody reads, and whatever else stands in what would be done."""

from collections.abc import Iterator, Mapping
from typing import Any

from automations.guardrails.face import Looked

READ = ("reply", "draft")  # kinds of acts that a customer reads, a draft once somebody sent it
OURS = frozenset({"customer", "currency", "method", "service", "operation"})  # written by no model and by no customer
TO_CALL = frozenset({"address"})  # where a call goes: held to what an admin allowed


def is_read(at: Looked) -> bool:
    """Whether a customer reads it. A text without an act is a reply that somebody tries out."""
    return at.wanted is None or at.wanted.kind in READ


def words(at: Looked, *, but: frozenset[str] = OURS) -> str:
    """Everything in it, once. What would be done counts, whatever else a caller says that it would be."""
    found = [at.text] if at.text else []
    if at.wanted is not None:
        found += [text for text in _texts(at.wanted.what, but) if text not in found]
    return "\n".join(found)


def _texts(value: Any, but: frozenset[str]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in but:
                yield from _texts(inner, but)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, but)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def known(value: Any) -> str:
    """What a look-up gave, as one text."""
    return "\n".join(_texts(value, frozenset()))


def customers_words(at: Looked) -> str:
    return "\n".join([at.asked, *(str(one.get("text", "")) for one in at.messages if one.get("role") == "customer")])
