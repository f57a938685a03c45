"""A recipe is a closed document: what is not understood is refused, and through JSON it comes back as it was."""

import json
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations import recipe as document
from automations.recipe import Act, Alone, Limits, Recipe, Trigger, amount_of, check, of
from automations.steps.face import Declaration, Field
from data.errors import Refused


def declared(name: str, *inputs: Field, outputs: tuple[Field, ...] = (), changes: bool = False, ends: bool = False) -> Declaration:
    return Declaration(name, name.capitalize(), "", "bolt", inputs, outputs, changes, "high" if changes else "none", ends=ends)


DECLARATIONS = {
    one.name: one
    for one in (
        declared(
            "look up order",
            Field("number", "Order number", "text"),
            outputs=(Field("total", "Total", "money"), Field("status", "Status", "text"), Field("note", "Note", "text", required=False)),
        ),
        declared(
            "refund",
            Field("order", "Order number", "text"),
            Field("amount", "Amount", "money"),
            Field("reason", "Reason", "choice", required=False, choices=("lost", "broken")),
            outputs=(Field("reference", "Reference", "text"),),
            changes=True,
        ),
        declared("send reply", Field("text", "Text", "long_text"), changes=True),
        declared("tag", Field("label", "Intent", "label"), Field("sure", "Sure", "yes_no", default=True), changes=True),
        declared("hand over", Field("summary", "Summary", "long_text", required=False), ends=True),
        declared(
            "ask server",
            Field("address", "Address", "address"),
            Field("body", "Body", "mapping", required=False),
            Field("times", "Times", "number", required=False),
            outputs=(Field("answer", "Answer", "mapping"),),
        ),
    )
}
LOST = Recipe(
    name="lost parcel",
    title="A lost parcel is paid back",
    what="Pays back a parcel that is lost.\nWhat is dear goes to a person.",
    trigger=Trigger("intent", intent="Lost parcel", confidence=Decimal("0.8")),
    when={"conversation.subject": "is known"},
    acts=(
        Act("look up order", "order", {"number": "{{conversation.subject}}"}),
        Act(
            "refund", "refund", {"order": "{{conversation.subject}}", "amount": "{{order.total}}", "reason": "lost"},
            when={"order.total": {"at most": 50}},
            otherwise=(Act("hand over", "person", {"summary": "It costs {{order.total}}."}),),
        ),
        Act(
            "send reply", "reply", {"text": "We paid back {{order.total}}.\nReference: {{refund.reference}}"},
            when={"refund.reference": "is known"}, on_failure="go on",
        ),
        Act("tag", "tag", {"label": "Lost parcel"}),
    ),
    limits=Limits(Decimal("50.00"), Decimal(500), 40, "EUR"),
    alone=Alone(Decimal("19.90"), ("refund", "tag"), 2),
    channels=("chat", "email"),
    language="en",
)  # fmt: skip


def shuffled(value: Any, rng: random.Random) -> Any:
    """As a database hands it back that keeps no order of names."""
    if isinstance(value, dict):
        names = rng.sample(sorted(value), len(value))
        return {name: shuffled(value[name], rng) for name in names}
    return [shuffled(inner, rng) for inner in value] if isinstance(value, list) else value


def test_a_recipe_that_is_right_passes() -> None:
    check(LOST, DECLARATIONS)


def test_a_recipe_comes_back_from_json_as_it_was() -> None:
    stored = json.loads(json.dumps(LOST.as_body()))
    assert of(stored) == LOST and of(stored).as_body() == stored
    for seed in range(20):
        assert of(shuffled(stored, random.Random(seed))) == LOST


def test_amounts_are_kept_to_the_last_digit() -> None:
    body = LOST.as_body()
    assert body["limits"]["money per run"] == "50.00" and body["alone"]["money"] == "19.90"
    assert of({"limits": {"money per run": 19.9}}).limits.money_per_run == Decimal("19.9")
    assert of(body | {"limits": {"money per day": "0"}}).limits.money_per_day == 0


def test_a_number_stays_a_number_on_its_way_through_json() -> None:
    """As a text it would be compared with nothing."""
    made = replace(LOST, when={"order.total": {"between": [Decimal("0.50"), Decimal(50)]}})
    stored = json.loads(json.dumps(made.as_body()))
    assert repr(stored["when"]) == "{'order.total': {'between': [0.5, 50]}}" and of(stored) == made


def test_the_least_that_can_be_read_has_the_usual_values() -> None:
    assert of({"name": "x"}) == Recipe("x") and of({}) == Recipe("") and of({"name": "x", "when": None}) == Recipe("x")
    assert Recipe("x").as_body() == {"name": "x", "trigger": {"kind": "arrives"}, "alone": {"money": "0", "approvers": 1}}


def test_a_change_of_the_body_does_not_reach_the_recipe() -> None:
    body = LOST.as_body()
    made = of(body)
    body["steps"][1]["with"]["amount"] = "5000"
    body["when"]["conversation.subject"] = "is not known"
    assert made == LOST == of(LOST.as_body())
    LOST.as_body()["steps"][0]["with"]["number"] = "1"
    assert LOST.acts[0].given == {"number": "{{conversation.subject}}"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "The recipe is no table of fields."),
        ([], "The recipe is no table of fields."),
        ({"naem": "x"}, "The recipe: there is no field 'naem'. Is 'name' meant?"),
        ({"xyz": 1}, "there is no field 'xyz'. There are: name, title, what"),
        ({5: 1}, "there is no field '5'."),
        ({"name": 5}, "'name' is a text of at most 2,000 characters, not '5'."),
        ({"name": "x" * 2_001}, "'name' is a text of at most 2,000 characters"),
        ({"name": "a\0"}, "'name' is a text"),
        ({"channels": "chat"}, "'channels' is a list"),
        ({"channels": [1]}, "'channels' is a text"),
        ({"trigger": "arrives"}, "'trigger' is no table of fields."),
        ({"trigger": {"king": "x"}}, "'trigger': there is no field 'king'. Is 'kind' meant?"),
        ({"trigger": {"confidence": "much"}}, "'trigger', 'confidence' is a number from 0 to 1,000,000"),
        ({"when": {"a": {"atmost": 1}}}, "'when': 'atmost' is no comparison."),
        ({"when": []}, "each part is one line"),
        ({"steps": {}}, "'steps' is a list of at most 100 entries."),
        ({"steps": [{}] * 101}, "'steps' is a list of at most 100 entries."),
        ({"steps": [{"with": []}]}, "'steps' 1, 'with': it is no table of inputs."),
        ({"steps": [{"with": {"a": object()}}]}, "'steps' 1, 'with': 'something else' is no text"),
        ({"steps": [{}, {"otherwise": [{"run": "x"}]}]}, "'steps' 2, 'otherwise' 1: there is no field 'run'."),
        ({"limits": {"money per run": -1}}, "'money per run' is a number from 0 to 1,000,000"),
        ({"limits": {"money per run": "1e3"}}, "not '1e3'."),
        ({"limits": {"money per run": 0.0001}}, "with at most 3 decimals, not '0.0001'."),
        ({"limits": {"runs per day": 1.5}}, "'runs per day' is a whole number"),
        ({"limits": {"runs per day": True}}, "'runs per day' is a whole number"),
        ({"alone": {"approvers": "2"}}, "'approvers' is a whole number"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(body: Any, words: str) -> None:
    with pytest.raises(Refused) as refused:
        of(body)
    assert words in str(refused.value) and str(refused.value).startswith("Not read: ")


def test_steps_without_end_are_refused() -> None:
    body: dict[str, Any] = {"step": "x"}
    for _ in range(100_000):
        body = {"step": "x", "otherwise": [body]}
    with pytest.raises(Refused, match="at most 4 deep"):
        of({"steps": [body]})


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("19.90", "19.90"), (5, "5"), (0.1, "0.1"), ("0", "0"), ("1000000", "1000000"), ("1000000.01", None), ("-1", None), ("٣", None),
        ("1_000", None), (".", None), ("", None), (True, None), (None, None), ("NaN", None), (float("nan"), None), ("1.0000", "1.0000"),
        ("0.0001", None),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(value: Any, amount: str | None) -> None:
    assert amount_of(value) == (None if amount is None else Decimal(amount))


def test_all_faults_are_told_at_once() -> None:
    wrong = replace(LOST, title="", acts=(*LOST.acts, Act("refnd", "again"), Act("refund", "third", {"order": "1"})))
    with pytest.raises(Refused) as refused:
        check(wrong, DECLARATIONS)
    told = str(refused.value).splitlines()
    assert told[0] == "The recipe 'lost parcel' cannot be used yet: 3 things are to be mended."
    assert told[1].startswith("- The title is missing") and told[2] == "- Step 5, 'Again': there is no step 'refnd'. Is 'refund' meant?"
    assert told[3] == "- Step 6, 'Third': the amount is missing."


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*document.SHAPES["recipe"], *document.SHAPES["act"], "all"]), inner)
    ),
    max_leaves=12,
)


@given(JSONS)
def test_whatever_comes_is_read_or_refused(body: Any) -> None:
    try:
        made = of(body)
    except Refused:
        return
    assert of(json.loads(json.dumps(made.as_body()))).as_body() == made.as_body()
