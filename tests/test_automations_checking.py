"""What is wrong with a recipe is told before it runs, each fault with its place."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from automations.checking import DEEPEST, MOST_STEPS, faults
from automations.recipe import Act, Alone, Limits, Recipe, Trigger
from tests.test_automations_recipe import DECLARATIONS, LOST

KNOWN = {"conversation.subject": "is known"}


def told(*acts: Act, **changed: Any) -> list[str]:
    return faults(replace(LOST, **{"acts": acts, "alone": Alone(), **changed}), DECLARATIONS)


def order(name: str = "order", **more: Any) -> Act:
    return Act("look up order", name, {"number": "1"}, **more)


def reply(text: str = "Hello", name: str = "reply", **more: Any) -> Act:
    return Act("send reply", name, {"text": text}, **more)


def refund(amount: Any = 5, name: str = "refund", **given: Any) -> Act:
    return Act("refund", name, {"order": "1", "amount": amount, **given})


def server(**given: Any) -> Act:
    return Act("ask server", "asked_it", {"address": "https://shop.example/", **given})


def test_what_is_right_has_no_faults() -> None:
    assert faults(LOST, DECLARATIONS) == []
    assert told(reply(), reply(name="second")) == []  # to talk twice is fine


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "A recipe has a name of 1 to 60 characters"),
        ({"name": "a/b"}, "without @ and /"),
        ({"name": "a\nb"}, "in one line"),
        ({"title": "x" * 121}, "The title is missing, or longer than 120 characters."),
        ({"channels": ("chat", "mail")}, "There is no channel 'mail'. Is 'email' meant?"),
        ({"language": "English"}, "'English' is no language"),
        ({"trigger": Trigger("cron")}, "Nothing triggers it by 'cron'. There are: arrives"),
        ({"trigger": Trigger("intent", confidence=Decimal("0.5"))}, "The trigger names no intent."),
        ({"trigger": Trigger("intent", intent="Lost")}, "The trigger says no confidence"),
        ({"trigger": Trigger("intent", intent="Lost", confidence=Decimal(2))}, "The trigger says no confidence"),
        ({"trigger": Trigger("arrives", intent="Lost")}, "belong to the trigger 'intent', not to 'arrives'."),
        ({"trigger": Trigger("button")}, "The button needs a label of 1 to 40 characters."),
        ({"trigger": Trigger("arrives", button="Press")}, "belongs to the trigger 'button', not to 'arrives'."),
        ({"when": {"order.total": {"at most": 5}}}, "Its condition: nothing gives 'order.total' here."),
        ({"acts": ()}, "A recipe has 1 to 30 steps"),
        ({"limits": Limits()}, "Step 1, 'Reply' changes something outside, and no limit says how often: set 'runs per day'."),
        ({"limits": Limits(Decimal(9), Decimal(5), 3, "EUR")}, "The limit per run, 9, is above the limit per day, 5."),
        ({"limits": Limits(runs_per_day=3, currency="euro")}, "'euro' is no currency"),
        ({"alone": Alone(approvers=3)}, "approved by 1 or 2 people, not by 3."),
        ({"alone": Alone(Decimal(51))}, "Alone it may move 51, above the limit per run, 50.00."),
        ({"alone": Alone(changes=("send repyl",))}, "Alone it may do 'send repyl', which is no step of it. Is 'send reply' meant?"),
    ],
)
def test_each_fault_of_the_document_is_a_sentence(changed: dict[str, Any], words: str) -> None:
    acts = changed.pop("acts", (reply(),))
    found = told(*acts, **changed)
    assert len(found) == 1 and words in found[0]


def test_what_changes_nothing_need_not_be_allowed() -> None:
    assert told(order(), alone=Alone(changes=("look up order",))) == [
        "'look up order' changes nothing outside, so nobody need allow it: take it out of what it may do alone."
    ]


def test_money_needs_limits() -> None:
    found = told(refund(), limits=Limits(runs_per_day=5))
    assert found == ["Step 1, 'Refund' moves money without a limit: set 'money per run' and 'money per day' and 'currency'."]
    assert told(reply(), limits=Limits(runs_per_day=5)) == []  # the control: a reply costs nothing


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act("refnd", "x"), "there is no step 'refnd'. Is 'refund' meant?"),
        (order("Order"), "its name is written in small letters"),
        (order("message"), "'message' means something else in every recipe."),
        (order("all"), "'all' means something else"),
        (reply(on_failure="retry"), "nothing is known to be done on failure by 'retry'. There are: hand over, go on, stop."),
        (reply(otherwise=(order(),)), "it says what is done otherwise, but not when it is done itself."),
        (reply(when={"order.total": "is known"}), "its condition: nothing gives 'order.total' here."),
        (reply(when={"message.text": {"at most": 5}}), "its condition: message.text is a text, which 'at most' does not compare."),
        (Act("refund", "x", {"order": "1", "amuont": 5, "amount": 5}), "it takes no 'amuont'. Is 'amount' meant?"),
        (Act("refund", "x", {"order": "1"}), "the amount is missing."),
        (Act("refund", "x", {"order": "", "amount": 5}), "the order number is missing."),
        (refund("five"), "the amount: it is an amount, such as 19.90, not 'five'."),
        (refund(True), "the amount: it is an amount"),
        (refund(-5), "the amount: it is an amount"),
        (refund("{{message.text}}"), "the amount: it is an amount, and {{message.text}} is a text."),
        (refund("{{intent.confidence}} EUR"), "the amount: it is an amount, such as 19.90, not"),
        (refund(reason="cold"), "the reason: it is one of lost, broken, not 'cold'."),
        (refund(reason=[1]), "the reason: it is one of lost, broken, not 'a list'."),
        (refund(order=5), "the order number: it is a text, not '5'. Put it in quotes."),
        (Act("tag", "x", {"label": "{{message.text}} x"}), "the intent: it is the name of one intent"),
        (Act("tag", "x", {"label": "L", "sure": "yes"}), "the sure: it is true or false, not 'yes'."),
        (Act("tag", "x", {"label": "L", "sure": "{{message.text}}"}), "the sure: it is yes or no, and {{message.text}} is a text."),
        (reply("{{order.total}}"), "the text: nothing gives 'order.total' here."),
        (reply("{{order total}}"), "the text: '{{order total}}' is no gap: between the braces stands one name, like {{order.total}}."),
        (reply("{{7*7}}"), "'{{7*7}}' is no gap"),
        (reply("{{message.text.__class__}}"), "is no gap"),
        (reply("{{message.text.upper}}"), "nothing gives 'message.text.upper' here. Is message.text meant?"),
        (reply("{{conversation.subject}}"), "'conversation.subject' may not be known there. Do it only where it is"),
        (reply("x" * 20_001), "the text: a text has at most 20,000 characters"),
        (server(address="ftp://shop.example"), "it is an address that begins with https://"),
        (server(address="https://{{intent.name}}/x"), "the server's name, written out"),
        (server(address="{{message.text}}"), "the address: it is an address, and {{message.text}} is a text."),
        (server(address="https://shop.example{{intent.name}}/"), "the server's name, written out"),
        (server(address="https://me@shop.example/"), "the server's name, written out"),
        (server(body="x"), "the body: it is a table of values, not 'x'."),
        (server(times="3"), "the times: it is a number, not '3'."),
    ],
)
def test_each_fault_of_a_step_is_a_sentence_with_its_place(act: Act, words: str) -> None:
    found = told(act, when=None)
    assert len(found) == 1 and found[0].startswith("Step 1, '") and words in found[0]


@pytest.mark.parametrize(
    "act",
    [
        refund("19.90"), refund(19.9), Act("tag", "x", {"label": "{{intent.name}}"}), server(address="https://shop.example:8443/a?q={{intent.name}}"),
        server(body={"a": ["{{message.text}}", 1]}), reply("{{{not.a.gap}}} {x}"), server(times="{{intent.confidence}}"),
    ],
)  # fmt: skip
def test_what_fits_is_taken(act: Act) -> None:
    assert told(act) == []


# What is known where


@pytest.mark.parametrize(
    ("before", "fine"),
    [
        (order(), True),
        (order(when=KNOWN), False),
        (order(on_failure="go on"), False),
        (order(on_failure="stop"), True),
        (reply(name="first", when=KNOWN, otherwise=(order(),)), False),
    ],
)
def test_only_what_surely_ran_is_known_after_it(before: Act, fine: bool) -> None:
    last = refund("{{order.total}}")
    found = told(before, last, when=None)
    why = [
        "Step 2, 'Refund': the amount: 'order.total' may not be known there. Do it only where it is, with 'when: {order.total: is known}'."
    ]
    assert found == ([] if fine else why)
    assert told(before, replace(last, when={"order.total": {"at most": 5}}), when=None) == []


def test_an_output_that_may_be_absent_is_not_surely_known() -> None:
    assert "may not be known" in told(order(), reply("{{order.note}}"))[0]
    assert told(order(), reply("{{order.note}}", when={"order.note": "is known"})) == []


def test_a_step_does_not_know_what_comes_later() -> None:
    assert "nothing gives 'order.total' here" in told(refund("{{order.total}}"), order())[0]
    assert "nothing gives 'order.total' here" in told(order(name="order"), reply("{{refund.reference}}"), refund())[0].replace(
        "refund.reference", "order.total"
    )


def test_an_else_branch_knows_what_came_before_it_but_not_what_its_step_gives() -> None:
    branch = (reply("{{order.total}} {{refund.reference}}", name="no"),)
    found = told(order(), replace(refund(), when=KNOWN, otherwise=branch))
    assert found == ["Step 2, else 1, 'No': the text: nothing gives 'refund.reference' here."]


def test_behind_an_else_branch_that_ends_the_run_the_step_surely_ran() -> None:
    ended, small = (Act("hand over", "person"),), {"order.total": {"at most": 5}}
    paid = replace(refund("{{order.total}}"), when=small)
    last = reply("{{refund.reference}} {{order.note}}", when={"order.note": "is known"})
    assert told(order(), replace(paid, otherwise=ended), last) == []
    unsure = [(), (replace(ended[0], when=KNOWN),), (replace(ended[0], on_failure="go on"),), (reply(name="other"),)]
    assert ["may not be known" in " ".join(told(order(), replace(paid, otherwise=other), last)) for other in unsure] == [True] * 4
    noted = replace(order("second", when={"order.note": "is known"}), otherwise=ended)
    assert told(order(), noted, reply("{{order.note}} {{second.total}}")) == []


def test_what_is_never_reached_is_told() -> None:
    found = told(Act("hand over", "person"), reply())
    assert found == ["Step 1, 'Person': the run is over behind it, so what follows is never done. Give it a condition, or move it last."]
    assert told(reply(), Act("hand over", "person")) == told(Act("hand over", "person", when=KNOWN), reply()) == []


def test_the_condition_of_the_whole_recipe_makes_its_names_known() -> None:
    assert told(reply("{{conversation.subject}}"), when=KNOWN) == []
    assert len(told(reply("{{conversation.subject}}"), when={"not": KNOWN})) == 1


def test_what_a_product_sends_along_is_known_for_a_button_alone() -> None:
    act = reply("{{asked.order}}")
    assert told(act, trigger=Trigger("button", button="Refund")) == []
    assert "nothing gives 'asked.order'" in told(act)[0]
    assert "stands for a table" in told(reply("Here: {{asked}}"), trigger=Trigger("button", button="Refund"))[0]


def test_below_what_a_server_answered_every_name_may_stand() -> None:
    assert told(server(), reply("{{asked_it.answer.total}}"), refund("{{asked_it.answer.total}}")) == []
    assert told(server(), Act("ask server", "again", {"address": "{{asked_it.answer.next}}"})) == [
        "Step 2, 'Again': the address: it is an address, and {{asked_it.answer.next}} is any value."
    ]


# How much


def nested(depth: int) -> Act:
    act = order(f"a{depth}")
    for level in range(depth - 1, 0, -1):
        act = order(f"a{level}", when=KNOWN, otherwise=(act,))
    return act


def test_thirty_steps_and_four_levels_are_allowed_and_no_more() -> None:
    assert told(*(order(f"a{count}") for count in range(MOST_STEPS))) == []
    assert told(*(order(f"a{count}") for count in range(MOST_STEPS + 1))) == [
        "A recipe has 1 to 30 steps, with those of its else-branches; this one has 31."
    ]
    assert told(nested(DEEPEST)) == []
    assert told(nested(DEEPEST + 1)) == ["Step 1, else 1, else 1, else 1: steps stand at most 4 deep in each other."]


def test_two_steps_of_one_name_are_told_wherever_they_stand() -> None:
    assert told(order("a"), order("b", when=KNOWN, otherwise=(order("a"),))) == ["2 steps are named 'a'. Each needs a name of its own."]


def test_a_shared_declaration_is_all_that_is_known_of_a_step() -> None:
    """The control: without declarations every step is unknown, and nothing else is said of it."""
    nothing: Mapping[str, Any] = {}
    assert [one.split(": ", 1)[1][:16] for one in faults(replace(LOST, alone=Alone()), nothing) if "no step" in one] == [
        "there is no step"
    ] * 5
    assert isinstance(LOST, Recipe)
