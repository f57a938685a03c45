"""A recipe on the cases of an eval set: what it would do and write there, as graders compare it. Nothing leaves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from automations import mandates, recipes, running
from automations.conversing import Case, Connected
from automations.door import Faked, Held
from automations.recipe import Recipe
from automations.running import Steps
from automations.trying import would_write
from data import versions
from data.tables import Case as TestCase
from data.tables import Conversation
from data.values import Target
from evals import runs, sets
from evals.graders.face import Output

Asking = Callable[[Target], runs.Ask]


def asking(connected: Connected, steps: Steps) -> Asking:
    """For evals/runs.py: a version, then its cases."""

    def ask(target: Target) -> runs.Ask:
        recipe = recipes.read(versions.get(target))

        def said(cases: Sequence[TestCase]) -> list[Output]:
            return [output_of(one, recipe, connected, steps) for one in cases]

        return runs.told_at_once(said)

    return ask


def output_of(case: TestCase, recipe: Recipe, connected: Connected, steps: Steps) -> Output:
    one = as_a_case(case, connected)
    door = Faked(Held(recipe, mandate=mandates.named(one.intent)))
    told = running.run(recipe, one.facts(), one.world(door, connected), steps)
    did = [{"name": made.wanted.step, "arguments": _plain(made.wanted.what)} for made in door.held.did]
    left_alone = told.state in (running.SKIPPED, running.HANDED_OVER)
    return {"reply": would_write(door.held.did), "tool_calls": did, "declined": left_alone, "end_state": {"state": told.state}}


def as_a_case(case: TestCase, connected: Connected) -> Case:
    """A case has no row of a conversation any more: what was frozen of it stands in for one, as it was then."""
    messages: list[Mapping[str, Any]] = [{"seq": place, **one} for place, one in enumerate(sets.asked_of(case), start=1)]
    found = Conversation(
        id=case.id, source="", external_id="", content_hmac="", channel=str(case.slices.get("channel", "")), place=0, opened_at=case.at,
        customer_id=case.customer_id or case.id, language=case.slices.get("language"),
    )  # fmt: skip
    made = Case(found, messages, "", None, str(case.slices.get("team", "")), str(case.slices.get("segment", "")))
    if connected.classify is None or not made.said:
        return made
    intent, sure = connected.classify(made.said)
    return Case(found, messages, intent, sure if intent else None, made.team, made.segment)


def _plain(what: Mapping[str, Any]) -> dict[str, Any]:
    """Amounts as numbers, as people write them in a case."""
    return {name: float(value) if name == "amount" else value for name, value in what.items()}
