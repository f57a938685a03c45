"""A recipe on one conversation, as it would have gone: each step with its result, and nothing leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from automations import conversing, mandates, running
from automations.conversing import Connected
from automations.door import ASKED, Did, Faked, Held
from automations.recipe import Recipe
from automations.running import Steps, Told
from data import access, conversations, labels, predictions
from data.errors import Denied
from data.tables import Person

WRITES = ("draft", "reply")


@dataclass(frozen=True)
class Tried:
    told: Told
    did: tuple[Did, ...]

    @property
    def sentence(self) -> str:
        """What it came to, in a line."""
        if self.told.state == running.SKIPPED:
            return f"It leaves this conversation alone. {self.told.why}"
        asked = sum(one.state == ASKED for one in self.did)
        would = f"would do {len(self.did):,} {'thing' if len(self.did) == 1 else 'things'}" if self.did else "would change nothing"
        yes = f", {asked:,} of them after a person's yes" if asked else ""
        ends = {running.DONE: "", running.WAITING: " and then wait for the customer", running.HANDED_OVER: " and hand over to a person"}
        why = f" {self.told.why}" if self.told.state == running.STOPPED else ""
        return f"It {would}{yes}{ends.get(self.told.state, ', and stop there')}.{why}"


def on(recipe: Recipe, conversation_id: str, *, connected: Connected, steps: Steps, by: Person) -> Tried:
    """As it stood when the recipe would have begun."""
    access.require(by, "automation.draft")
    found = conversations.get(conversation_id, by=by)
    if found is None:
        raise Denied("Not tried: that conversation is not here.")
    conversation, messages = found
    case = conversing.as_it_stood(
        recipe, conversation, conversations.frozen(messages), predictions.of_conversation(conversation_id), labels=labels.names()
    )
    door = Faked(Held(recipe, mandate=mandates.as_it_came(case.intents)))
    told = running.run(recipe, case.facts(), case.world(door, connected), steps)
    return Tried(told, tuple(door.held.did))


def would_write(did: Sequence[Did]) -> str:
    """The last that it would draft or send; empty where it writes nothing."""
    return next((str(one.wanted.what["text"]) for one in reversed(did) if one.wanted.kind in WRITES), "")
