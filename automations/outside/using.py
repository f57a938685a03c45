"""What is sent to a tool from outside and what is taken from its answer. The answer is data: cleaned, cut, and nowhere an instruction.

What it is known by stands in the way to it alone. It is in no step's result, no proposal and no sentence, even where the other side
repeats it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from automations import filling
from automations.checking import near
from automations.conditions import keepable, shown
from automations.connectors import shapes
from automations.connectors.asking import MOST_ODD
from automations.door import Wanted
from automations.outside import cleaning, facts, money, reaching
from automations.outside.pins import Pin, Tool
from automations.outside.reaching import Changed, Way
from automations.steps.calling import CHECK, LARGEST_SENT, Called, CallFault
from data.errors import Refused

KIND = "call"  # for the door
FINE = 200  # as a call that went well is kept
NOT_TEXT = {"image": "a picture", "audio": "a recording", "resource_link": "a link", "resource": "a file"}
Send = Callable[..., Called]  # as exchanged
Noticed = Callable[[str, Tool | None], str]  # a tool that is not what was approved: kept, and said in a sentence


def _nobody(name: str, now: Tool | None) -> str:
    return f"Not used: the tool '{name}' says something else than what was approved."


@dataclass(frozen=True)
class Source:
    """A program as two people approved it, with the tools of it that two people approved."""

    way: Way
    pins: Mapping[str, Pin] = field(repr=False)
    off: Mapping[str, str] = field(default_factory=dict)  # tools that are not used now, each with the sentence that says why
    noticed: Noticed = field(default=_nobody, repr=False)
    send: Send = field(default_factory=lambda: exchanged, repr=False)  # what is listened to, and played again: nothing in it is secret

    @property
    def name(self) -> str:
        return self.way.name


Tools = Mapping[str, Source]  # by the source's name


def source(tools: Tools, name: str) -> Source:
    if name in tools:
        return tools[name]
    if not tools:
        raise Refused("Not used: no program with tools is connected. An engineer or an admin proposes one on Installation.")
    raise Refused(f"Not used: no program '{shown(name)}' with tools is connected. {near(name, tools)}")


def pin(found: Source, name: str) -> Pin:
    if name in found.off:
        raise Refused(found.off[name])
    if name not in found.pins:
        raise Refused(f"Not used: no tool '{shown(name)}' of {found.name} is approved. {near(name, found.pins)}")
    if places := money.unnamed(found.pins[name]):
        raise Refused(f"Not used: {money.not_said(found.pins[name], places)}.")
    return found.pins[name]


def moves_money(tools: Tools, given: Mapping[str, Any]) -> bool:
    """Whether what is asked for has an argument that is money."""
    found = tools.get(str(given.get("source", "")))
    one = found.pins.get(str(given.get("tool", ""))) if found else None
    return one is not None and one.changes and bool(money.currency(one))


def faults(tools: Tools, given: Mapping[str, Any], *, changes: bool) -> Iterator[str]:
    """What is wrong with a step before it ever runs. What is filled in from a conversation is looked at when that is known."""
    name, asks, values = str(given.get("source", "")), str(given.get("tool", "")), given.get("arguments") or {}
    try:
        one = pin(source(tools, name), asks)
    except Refused as refused:
        if name and asks:
            yield str(refused).removeprefix("Not used: ")
        return
    if one.changes != changes:
        yield f"'{asks}' {'only looks something up' if changes else 'changes something over there'}: take the other step for it."
    if isinstance(values, Mapping):
        yield from (f"the arguments: {told}." for told in dict.fromkeys(_odd_values(one, values)))


def _odd_values(one: Pin, values: Mapping[str, Any]) -> Iterator[str]:
    yield from _odd_names(one, values)
    for field_ in one.tool.shape.fields:
        if field_.name in values and field_.name not in one.bound and not filling.names_in(values[field_.name]):
            odd: list[str] = []
            shapes.sent(values[field_.name], field_.shape, field_.name, odd)
            yield from odd
    yield from (f"'{name}' is missing" for name, needed in one.chosen.items() if needed and name not in values)


def _odd_names(one: Pin, values: Mapping[str, Any]) -> Iterator[str]:
    for name in values:
        if name in one.bound:
            yield f"'{name}' is always {one.bound[name]} and is not chosen. Leave it out"
        elif name not in one.chosen and one.tool.shape.fields:
            yield f"there is no '{shown(name)}'. It takes {', '.join(one.chosen) or 'nothing'}"


# -- what is sent -------------------------------------------------------------------------------------------------------------------------


def what(found: Source, one: Pin, values: Mapping[str, Any], world: Any) -> dict[str, Any]:
    """Exactly what leaves, with what the conversation says in its place. Refused with all that is missing, unknown or of another kind."""
    odd = list(_odd_names(one, values))
    bound = {name: facts.said(fact, world) for name, fact in one.bound.items()} if not odd else {}
    known = {name: value for name, value in values.items() if name in one.chosen or not one.tool.shape.fields}
    made = shapes.sent({**known, **bound}, one.tool.shape, "", odd)
    if odd:
        told = "; ".join(list(dict.fromkeys(odd))[:MOST_ODD])
        raise Refused(f"Not used: '{one.tool.name}' of {found.name} does not take what was filled in: {told}.")
    if (size := len(json.dumps(made))) > LARGEST_SENT:
        raise Refused(f"Not used: the arguments have {size:,} characters, and {LARGEST_SENT:,} are sent at most. Send less.")
    return {"source": found.name, "tool": one.tool.name, "sha": one.tool.sha, "arguments": made}


# -- what comes back ----------------------------------------------------------------------------------------------------------------------


def asked(found: Source, sent: Mapping[str, Any]) -> Called:
    """A question: it changes nothing, so it needs no door."""
    return called(Wanted("", "look with tool", KIND, sent, ""), {found.name: found})


def called(wanted: Wanted, tools: Tools, *, key: str = "") -> Called:
    """What the door does of a wanted use; only where the tool still is what it was when that was written down."""
    found, sent = source(tools, str(wanted.what["source"])), wanted.what
    one = pin(found, str(sent["tool"]))
    if one.tool.sha != sent["sha"] or _counts_otherwise(one, wanted):
        raise Refused(f"Not used: '{sent['tool']}' of {found.name} was approved otherwise since this was asked for. Ask for it again.")
    return found.send(wanted, found, key=key)


def _counts_otherwise(one: Pin, wanted: Wanted) -> bool:
    """What was held to the limits is what this use moves."""
    code = money.currency(one)
    return money.moved(one, wanted.what["arguments"]) != wanted.amount or code not in (wanted.currency, money.SHOPS)


def exchanged(wanted: Wanted, found: Source, *, key: str) -> Called:
    """What left and came back: words and plain values, and of what we are known by nothing."""
    one, way = pin(found, str(wanted.what["tool"])), found.way
    try:
        came = reaching.used(way, one.tool, wanted.what["arguments"], changes=one.changes)
        return Called(wanted, "done", key, FINE, _taken(came, one, way))
    except Changed as changed:
        raise Refused(found.noticed(one.tool.name, changed.now)) from None
    except CallFault as fault:
        raise CallFault(way.sentence(str(fault)), outcome_unknown=fault.outcome_unknown) from None


def _taken(came: Any, one: Pin, way: Way) -> dict[str, Any]:
    if not hasattr(came, "content"):
        raise _failed(one, way, "it asks for more than was approved")
    text = cleaning.words(way.without_secret("\n".join(map(_text, came.content))))
    if came.is_error:
        raise _failed(one, way, f"it says '{cleaning.line(text, 200)}'" if text else "it says no more than that it failed")
    values = cleaning.values(way.without_secret(came.structured_content))
    kept = {"text": text, "values": values}
    if not keepable(json.dumps(kept, ensure_ascii=False)):
        raise _failed(one, way, "its answer holds a sign that cannot be kept")
    return kept


def _text(part: Any) -> str:
    """Of what is no text its kind alone."""
    return str(part.text) if part.type == "text" else f"({NOT_TEXT.get(part.type, 'something')} was left out)"


def _failed(one: Pin, way: Way, why: str) -> CallFault:
    if not one.changes:
        return CallFault(f"Nothing was learned from '{one.tool.name}' of {way.name}: {why}. Check what was filled in.")
    return CallFault(f"Whether '{one.tool.name}' of {way.name} did it is not known: {why}. {CHECK}", outcome_unknown=True)


# -- heard and played again ---------------------------------------------------------------------------------------------------------------


def came(found: Source, made: Called) -> dict[str, Any]:
    """As it is kept."""
    return {"ref": "", "status": made.status, "body": found.way.without_secret(made.body)}


def played(found: Source, said: Callable[[], Mapping[str, Any]]) -> Source:
    """As it is approved now, with nothing that it is reached by: what it said then is said again."""

    def send(wanted: Wanted, *_: Any, **__: Any) -> Called:
        then = said()
        return Called(wanted, "done", "", then["status"], then["body"])

    return replace(found, way=Way(found.name), off={}, noticed=_nobody, send=send)
