"""A recipe as a file: read as it was meant, written so that it is read again as it was."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from automations.reading import LARGEST, read, written
from automations.recipe import Act, Recipe
from data.errors import Refused
from tests.test_automations_recipe import DECLARATIONS, LOST

FILE = """\
name: lost parcel
title: A lost parcel is paid back
what: |-
  Pays back a parcel that is lost.
  What is dear goes to a person.
language: en
channels:
  - chat
  - email
trigger:
  kind: intent
  intent: Lost parcel
  confidence: 0.8
when:
  conversation.subject: is known
steps:
  - name: order
    step: look up order
    with:
      number: "{{conversation.subject}}"
  - name: refund
    step: refund
    when:
      order.total: {at most: 50}
    with:
      amount: "{{order.total}}"
      order: "{{conversation.subject}}"
      reason: lost
    otherwise:
      - name: person
        step: hand over
        with:
          summary: "It costs {{order.total}}."
  - name: reply
    step: send reply
    when:
      refund.reference: is known
    with:
      text: |-
        We paid back {{order.total}}.
        Reference: {{refund.reference}}
    on failure: go on
  - name: tag
    step: tag
    with:
      label: Lost parcel
limits:
  money per run: 50.00
  money per day: 500
  runs per day: 40
  currency: EUR
alone:
  money: 19.90
  changes:
    - refund
    - tag
  approvers: 2
"""


def test_a_recipe_is_written_as_people_would_write_it_and_read_again() -> None:
    assert written(LOST) == FILE
    assert read(FILE) == read(FILE.encode()) == read(FILE, DECLARATIONS) == read(b"\xef\xbb\xbf" + FILE.encode()) == LOST


def test_the_order_of_a_database_does_not_show() -> None:
    act = LOST.acts[1]
    turned = replace(LOST, acts=(LOST.acts[0], replace(act, given=dict(reversed(act.given.items()))), *LOST.acts[2:]))
    assert written(turned) == FILE


@pytest.mark.parametrize(
    "word",
    [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "null",
        "true",
        "007",
        "1.10",
        "1e3",
        "0x1F",
        "0o17",
        "12:30",
        "2026-11-22",
        "~",
        "1_000",
        ".inf",
        "=",
        "<",
    ],
)
def test_a_word_in_a_text_stays_a_word(word: str) -> None:
    file = f"name: x\ntitle: {word}\nsteps:\n  - {{name: a, step: send reply, with: {{text: {word}}}}}\n"
    made = read(file, DECLARATIONS)
    assert made.title == word and made.acts[0].given == {"text": word}
    assert read(written(made)) == made  # in quotes by then, so that nobody need know the steps


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5), ("-5", -5), ("1.10", 1.1), ("true", True), ("no", "no"), ("007", "007"), ("1e3", "1e3"), ("0x1F", "0x1F"),
        ("12:30", "12:30"), ("2026-11-22", "2026-11-22"), (".inf", ".inf"), ("null", None), ('"5"', "5"),
    ],
)  # fmt: skip
def test_elsewhere_numbers_are_numbers_where_they_look_like_nothing_else(word: str, value: Any) -> None:
    assert read(f"name: x\nsteps: [{{step: s, name: a, with: {{v: {word}}}}}]").acts[0].given == {"v": value}
    if value is not None:
        when = read(f"name: x\nwhen: {{a: {{equals: {word}}}}}").when
        assert when is not None and repr(when) == repr({"a": {"equals": value}})


def test_amounts_keep_their_digits() -> None:
    made = read("name: x\nlimits: {money per run: 19.90, money per day: '100.10'}")
    assert str(made.limits.money_per_run) == "19.90" and made.limits.money_per_day == Decimal("100.10")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("name: x\nnaem: y", "Not read: line 2: there is no field 'naem'. Is 'name' meant?"),
        ("name: x\nsteps:\n  - step: tag\n    wiht: {}", "Not read: line 4: there is no field 'wiht'. Is 'with' meant?"),
        ("name: x\ntrigger: {kind: arrives,\n  intnt: y}", "line 3: there is no field 'intnt'. Is 'intent' meant?"),
        ("name: x\ntitle: a\nname: y", "Not read: the field 'name' stands twice, line 3."),
        ("when:\n  a: {equals: 1}\n  a: {equals: 2}", "the field 'a' stands twice, line 3."),
        ("steps:\n  - with:\n      a: 1\n      a: 2", "the field 'a' stands twice, line 4."),
        ("name: &a x\ntitle: *a", "line 1 has an anchor or a reference"),
        ("name: x\nwhen:\n  <<: {a: is known}", "line 3: '<<' takes over nothing here."),
        ("name: !!python/object/apply:os.system [ls]", "line 1 has the tag 'tag:yaml.org,2002:python/object/apply:os.system'."),
        ("name: !local x", "line 1 has the tag '!local'."),
        ("name: !!str 5", "line 1 has the tag"),
        ("name: x\nsteps:\n  - with: {a: {{order.total}}}", 'line 3: put quotes around what begins with braces: "{{order.total}}".'),
        ("name: x\n---\nname: y", "holds several YAML documents"),
        ("name: [", "is not YAML"),
        ("\tname: x", "is not YAML"),
        ("", "the file is empty"),
        ("- name: x", "line 1 is no table of fields."),
        ("just words", "line 1 is no table of fields."),
        ("name: [x]", "'name' is a text"),
        ("steps: x", "line 1 is no list"),
        ("steps: [x]", "line 1 is no table of fields"),
        ("limits: {runs per day: many}", "'runs per day' is a whole number"),
        ("limits: {money per day: a lot}", "'money per day' is a number"),
        ("when: x > 5", "'when': each part is one line"),
        ("when: {all: 5}", "under 'all' stands a list"),
        ("[" * 100_000, "nested more than 40 deep"),
        ("name: " + "x" * LARGEST, "a recipe has at most 200 kB, this one 200 kB."),
        (b"name: \xff", "is not UTF-8"),
        ("name: x".encode("utf-16"), "UTF-16"),
        (b"name: a\0b", "a NUL character"),
        ("name: \ud800", "half a character"),
        ("? [a]\n: b", "a field whose name is no word"),
    ],
)
def test_each_fault_is_a_sentence(file: bytes | str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(file)
    assert words in str(refused.value)


def test_a_bomb_of_references_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    with pytest.raises(Refused, match=r"reference"):
        read("\n".join(lines))


SIGNS = st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.one_of(
    st.text(SIGNS, max_size=40),
    st.text("ab \n:#-{}[],&*!|>'\"%@`?\\\t~=<", max_size=30),
    st.sampled_from(
        [
            "no",
            "Yes",
            "NULL",
            "0o7",
            "1.",
            "-",
            "- a",
            "a: b",
            "a #b",
            "---",
            "...",
            "\n",
            " a",
            "a ",
            "a\n\n",
            "\na",
            "\u2028",
            "\x85",
            "\r\n",
            "\ufeff",
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6).map(lambda one: round(one, 4)), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def exactly(value: Any) -> str:
    """1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True)


@given(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3), TEXTS.filter(str.strip))
def test_whatever_stands_in_a_recipe_is_read_again_as_it_was(text: str, given_to_it: dict[str, Any], word: str) -> None:
    whens = {"any": [{"a.b": {"equals": word}}, {"not": {"c": {"is one of": [word, "x", 5, True]}}}]}
    made = Recipe("x", title=text, what=text, when=whens, acts=(Act("s", text, given_to_it),))
    again = read(written(made))
    assert again == made and exactly(again.acts[0].given) == exactly(given_to_it)


@given(st.text(max_size=80) | st.text("abn:- \n{}[]&*!|'\"", max_size=60))
def test_whatever_a_file_holds_is_read_or_refused(text: str) -> None:
    try:
        made = read(text)
    except Refused:
        return
    assert read(written(made)) == made


def test_another_tool_reads_the_same_texts() -> None:
    """PyYAML's own loader, which reads YAML 1.1: the control is a bare `no`, which it takes for false."""
    made = replace(LOST, title="no", what="1e3 and 12:30", acts=(Act("s", "a", {"x": "007", "y": "0o7", "z": "2026-11-22", "yes": "on"}),))
    told = yaml.safe_load(written(made))
    assert (told["title"], told["steps"][0]["with"]) == ("no", {"x": "007", "y": "0o7", "z": "2026-11-22", "yes": "on"})
    assert yaml.safe_load("title: no") == {"title": False}
    assert 'title: "y"' in written(replace(LOST, title="y"))  # which other readers of YAML 1.1 take for true
