"""A person goes on from here, with a summary that is read in ten seconds: what is wanted, what was found, what was done and what not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automations.door import Did
from automations.steps import said, taken, wanting
from automations.steps.face import Declaration, Field
from automations.steps.wanting import short
from automations.world import Passed, World

MOST_LINES, LONGEST_LINE, MOST_FOUND, MOST_FAILED, MOST_OWN = 8, 160, 3, 2, 3
TOLD = {  # how what was looked up is said in a line
    "look up order": "Order {number}: {status}, {days_late} days late, {refundable} {currency} can be refunded",
    "look up invoice": "Invoice {number}: {amount} {currency}, due on {due_on}",
    "look up incident": "{what}",
    "look up customer": "Customer: {name}, {area}, since {since}",
    "answer from knowledge": "Articles: {sources}",
}
declaration = Declaration(
    name="hand over",
    title="Hand over",
    explanation="Hands the conversation to a person, with a summary. The recipe ends here.",
    icon="support_agent",
    inputs=(
        Field("summary", "Summary", "long_text", required=False, help="Left out: made of what was found and done."),
        Field("to", "Team", "text", required=False, help="Left out: whoever has the conversation."),
    ),
    outputs=(Field("summary", "Summary", "long_text"), Field("ends", "Ends", "yes_no")),
    changes=True,
    stake="low",
    ends=True,
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    own = taken.maybe(given, "summary")
    team = taken.line(declaration, given, "to") if taken.maybe(given, "to") else ""
    wanting.require_conversation(world, declaration)
    told = summary(world, world.so_far(), own)
    to = f"the team '{team}'" if team else "a person"
    return gave(wanting.asked(world, declaration, "note", {"text": told, "to": team}, f"Hand over to {to} with a summary"))


def gave(did: Did) -> dict[str, Any]:
    return {"summary": did.wanted.what["text"], "ends": True}


def summary(world: World, so_far: Sequence[Passed], own: str = "") -> str:
    """At most eight lines, the recipe's own words first."""
    lines = [line for text in own.splitlines() if (line := short(text, LONGEST_LINE))][:MOST_OWN]
    lines += [short(line, LONGEST_LINE) for line in (*_wanted(world, so_far), *_found(so_far), *_done(so_far), *_failed(so_far))]
    return "\n".join(lines[:MOST_LINES]) or "Nothing is known yet: the customer has written nothing."


def _wanted(world: World, so_far: Sequence[Passed]) -> Iterator[str]:
    intent = next((one.gave for one in reversed(so_far) if one.step == "classify" and one.state == "done" and one.gave.get("intent")), None)
    if intent:
        yield f"Wants: {intent['intent']} ({intent['confidence']:.0%} sure)."
    if words := said.last_words(world):
        yield f'Wrote last: "{short(words, LONGEST_LINE - 20)}"'


def _found(so_far: Sequence[Passed]) -> Iterator[str]:
    looks = [one for one in so_far if one.state == "done" and _looks(one) and one.step != "classify"]
    for one in looks[-MOST_FOUND:]:
        yield f"{_found_told(one)}."


def _found_told(one: Passed) -> str:
    if one.step == "answer from knowledge" and not one.gave.get("answered"):
        return "Articles: none answers it"
    if one.step == "model step":
        return f"Read from the text: {_listed(one.gave.get('values') or {})}"
    try:
        told = TOLD[one.step].format(**one.gave)
    except KeyError:
        told = f"{one.step.capitalize()}: {_listed(one.gave)}"
    paid = {True: ", paid", False: ", not paid"}[one.gave["paid"]] if one.step == "look up invoice" and "paid" in one.gave else ""
    return f"{told}{paid}".rstrip(".")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if not isinstance(value, dict | list)) or "nothing"


def _done(so_far: Sequence[Passed]) -> Iterator[str]:
    done = [_done_told(one) for one in so_far if one.state == "done" and _changes(one)]
    yield f"Done: {'; '.join(done) or 'nothing yet'}."


def _done_told(one: Passed) -> str:
    gave = one.gave
    match one.step:
        case "refund" | "credit":
            return f"{one.step} of {gave.get('amount')} {gave.get('currency')}"
        case "tag" | "route":
            return f"{one.step} '{gave.get(one.step if one.step == 'tag' else 'team')}'"
        case "send reply" | "draft reply":
            return f'{one.step} "{short(str(gave.get("text", "")), 50)}"'
    return one.step


def _failed(so_far: Sequence[Passed]) -> Iterator[str]:
    for one in [one for one in so_far if one.state in ("failed", "waiting")][-MOST_FAILED:]:
        yield f"Not done: {one.step}. {one.why}"


def _looks(one: Passed) -> bool:
    """Not what an agent says or what watches over it."""
    return getattr(one, "kind", "step") in ("step", "tool") and not _changes(one)


def _changes(one: Passed) -> bool:
    from automations.steps.all import DECLARATIONS  # which names this module

    return one.step in DECLARATIONS and DECLARATIONS[one.step].changes
