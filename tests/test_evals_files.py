"""Eval sets as files of other tools: our own export comes back equal, a foreign file by its own fields, and what is lost is said."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import Refused
from evals import cases as cases_module
from evals.cases import JUDGED_BY, NewCase, Read, judges_of, unkeepable
from evals.files import READERS, WRITERS, guess, inspect_jsonl, openai_jsonl, promptfoo_yaml, safe_yaml
from evals.files.assertions import escaped, filled
from evals.graders import BY_NAME
from tests.conftest import SOAK

EVIL = "{{ env.SECRET }} {% for x in [1] %}{# c #} {{{{ #} }} %}"


def case(text: str = "Where is my order?", **more: Any) -> NewCase:
    expected = more.pop("expected", {"text": "It is on its way."})
    return NewCase(({"role": "customer", "text": text},), expected, more.pop("graders", judges_of(expected)), **more)


FULL = NewCase(
    messages=(
        {"role": "system", "text": "Be kind.", "seq": 1},
        {"role": "customer", "text": f"12:30\nyes\u2028\x85\t{EVIL}", "seq": 2},
        {"role": "rep", "text": "I look.", "seq": 3, "author": "Mia"},
        {"role": "tool", "text": "", "tool_call": {"name": "look_up", "arguments": {"order": 4711, "deep": {"a": [1.5, None, True]}}}},
        {"role": "tool", "text": "", "tool_result": {"state": "lost", "{{": "{%"}},
        {"role": "customer", "text": "file:///etc/passwd", "seq": 6},
    ),
    expected={
        "label": "Refund", "label_id": None, "text": "0x1F", "facts": {"must": ["14 days", EVIL], "must_not": ["never"]},
        "pattern": {"matches": ["^a{2,3}"], "not": [r"b\d#}"]}, "reply": "package:a", "not_reply": "No.", "decline": False,
        "tool_calls": [{"name": "refund", "arguments": {"amount": 5}}], "end_state": {"order": {"paid": True}},
        "length": {"most_words": 30, "least_words": 2}, "reading_ease": {"least": 50}, "says": {"classifier": "tone", "label": "kind"},
        "rubric": f"Is kind.\n{EVIL}",
    },
    graders=("exact label", "one that nobody knows"),
    subject_line=f"Order {EVIL}",
    slices={"channel": "email", "intent": "{{env.HOME}}", "portal": "x", "long": "x" * 200},
    key="0123",
    why="file://a reason",
)  # fmt: skip


# -- there and back ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", WRITERS)
def test_our_own_export_comes_back_equal_and_nothing_is_reported_lost(form: str) -> None:
    given_cases = (FULL, case(), case("2", key="k2", expected={"end_state": {"a": 1}}), case("3", expected={}))
    written = WRITERS[form](given_cases, name="Everyday {{ intents }}")
    assert READERS[form](written.text.encode()) == Read(given_cases)


@pytest.mark.parametrize("form", WRITERS)
def test_a_file_of_ours_is_recognised(form: str) -> None:
    content = WRITERS[form]([FULL]).text.encode()
    for start in (b"", b"\xef\xbb\xbf", b"\n\n"):
        assert guess("tests.txt", start + content) == form


def test_what_is_no_eval_set_is_not_guessed() -> None:
    for content in (b"", b"id,text\n1,hello\n", b'{"messages": []}\n', b"a: 1\n", b"\x00\x01"):
        assert guess("some.file", content) is None


@pytest.mark.parametrize("form", WRITERS)
def test_windows_lines_and_a_mark_at_the_start_change_nothing(form: str) -> None:
    text = WRITERS[form]([case("one"), case("two", key="k")]).text
    assert READERS[form](b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()).cases == (case("one"), case("two", key="k"))


@pytest.mark.parametrize("form", WRITERS)
def test_what_a_file_cannot_hold_is_left_out_and_counted(form: str) -> None:
    odd = [case("a", key="k"), case("b", key="k"), case(expected={"end_state": {"x": float("nan")}}), case("half \ud800"), case("\0")]
    written = WRITERS[form]([*odd, NewCase((), {"text": "x"}, ())])
    assert [one.messages[0]["text"] for one in READERS[form](written.text.encode()).cases] == ["a"]
    assert "another case with the same key" in " ".join(written.lost) and "4 cases could not be written" in " ".join(written.lost)


@pytest.mark.parametrize(
    ("form", "words"), [("inspect", "metadata.portal"), ("promptfoo", "no assertion for tool calls"), ("openai-evals", "no place for ids")]
)
def test_what_only_we_can_read_in_a_file_is_said(form: str, words: str) -> None:
    assert words in " ".join(WRITERS[form]([FULL]).lost)


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [leaf for part in (value.values() if isinstance(value, dict) else value) for leaf in leaves(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", [EVIL, "file:///etc/passwd", "package:a:b", "{#}", "#}}"])
def test_no_words_of_a_customer_are_a_file_or_a_template_in_what_promptfoo_is_given(text: str) -> None:
    hostile = case(text, expected={"text": text, "rubric": text}, subject_line=text, slices={"intent": text}, key=text, why=text)
    written = yaml.safe_load(WRITERS["promptfoo"]([hostile], name=text).text)
    assert written.pop("prompts") == ["{{messages}}"]
    for leaf in leaves(written):
        literal = re.sub(r"\{\{'(?:\{[{%#]|#\}|[fp])'\}\}", "", leaf)  # which is how a template says such signs
        assert not leaf.startswith(("file://", "package:")) and not re.search(r"\{[{%#]|#\}", literal), leaf


def test_what_promptfoo_would_pass_unseen_is_said() -> None:
    assert "1 case came without an assertion" in " ".join(WRITERS["promptfoo"]([case(expected={"end_state": {"a": 1}})]).lost)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30) | st.sampled_from(
    [
        EVIL,
        "file://x",
        "package:x",
        "yes",
        "1e3",
        "0o17",
        "12:30",
        "~",
        "<<",
        "- a",
        "a: b",
        "#}",
        "{#}",
        "{{'a'}}",
        "'",
        '"',
        "\\",
        "\r\n",
        " x ",
        "\u2028",
        '[{"role": 1}]',
    ]
)
said = texts.filter(str.strip)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(said, values, max_size=3)
calls = st.fixed_dictionaries({"name": said, "arguments": arguments})
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["customer", "rep", "assistant", "system", "tool"]), "text": texts},
    optional={"seq": st.integers(1, 99), "tool_call": calls, "tool_result": values, "author": texts},
)
expectations = st.fixed_dictionaries(
    {},
    optional={
        "label": said, "label_id": st.none() | said, "text": said, "reply": said, "not_reply": said, "rubric": said,
        "facts": st.fixed_dictionaries({"must": st.lists(said, min_size=1, max_size=3)}, optional={"must_not": st.lists(said, max_size=2)}),
        "pattern": st.fixed_dictionaries({"matches": st.lists(st.sampled_from(["a{#", "^b$", "{{x", "c{2}"]), min_size=1, max_size=2)}),
        "tool_calls": st.lists(calls, max_size=2), "end_state": st.dictionaries(said, values, min_size=1, max_size=3),
        "decline": st.booleans(), "length": st.just({"most_words": 9}), "reading_ease": st.just({"least": 60}),
        "says": st.fixed_dictionaries({"classifier": said, "label": said}),
    },
)  # fmt: skip
new_cases = st.builds(
    NewCase,
    messages=st.lists(messages, min_size=1, max_size=4).map(tuple),
    expected=expectations,
    graders=st.lists(said, max_size=3).map(tuple),
    subject_line=texts,
    slices=st.dictionaries(texts, texts, max_size=3),
    key=texts,
    why=texts,
)


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=1500 if SOAK else 30, deadline=None, suppress_health_check=list(HealthCheck))
@given(given_cases=st.lists(new_cases, max_size=3, unique_by=lambda one: one.key))
def test_any_set_comes_back_equal(form: str, given_cases: list[NewCase]) -> None:
    sound = [one for one in given_cases if not isinstance(cases_module.made(vars(one)), str)]
    if not sound:
        return
    back = READERS[form](WRITERS[form](given_cases).text.encode())
    assert cases_module.same([vars(one) for one in back.cases], [vars(one) for one in sound])
    assert (back.lost, back.refused) == ((), ())


@settings(max_examples=1500 if SOAK else 50, deadline=None)
@given(texts)
def test_what_is_escaped_for_promptfoo_is_no_template_and_reads_back(text: str) -> None:
    told = escaped(text)
    assert filled(told, {}) == text and not told.startswith(("file://", "package:"))


@settings(max_examples=1500 if SOAK else 30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(texts, values, max_size=4))
def test_yaml_that_we_write_reads_back_for_us_and_for_others(whole: dict[str, Any]) -> None:
    told = safe_yaml.dump(whole)
    assert cases_module.same(safe_yaml.value(safe_yaml.root(told.encode())), whole)
    assert cases_module.same(yaml.safe_load(told), whole)


# -- an edited export -------------------------------------------------------------------------------------------------------------------


def test_who_edits_an_exported_answer_is_believed_and_told_what_went() -> None:
    line = json.loads(WRITERS["inspect"]([FULL]).text)
    line["target"] = "On Monday."
    read = READERS["inspect"](json.dumps(line).encode())
    assert (read.cases[0].expected, read.cases[0].graders) == ({"text": "On Monday."}, ("exact text",))
    assert (read.cases[0].key, read.cases[0].messages, read.cases[0].subject_line) == ("0123", FULL.messages, FULL.subject_line)
    assert any("'expected' was read from the edited fields alone" in sentence for sentence in read.lost)


def test_who_edits_an_exported_conversation_is_believed_and_the_answer_stays() -> None:
    text = WRITERS["promptfoo"]([case("Old words", key="k", expected={"end_state": {"a": 1}})]).text
    read = READERS["promptfoo"](text.replace("Old words", "New words").encode())
    assert read.cases == (case("New words", key="k", expected={"end_state": {"a": 1}}),) and not read.lost
    whole = WRITERS["promptfoo"]([FULL]).text.replace("I look.", "I will look.")
    read = READERS["promptfoo"](whole.encode())
    assert read.cases[0].messages[2] == {"role": "assistant", "text": "I will look."} and read.cases[0].expected == FULL.expected
    assert any("'messages' was read from the edited fields alone" in sentence for sentence in read.lost)


def test_an_assertion_added_to_our_export_counts_and_what_cannot_is_said() -> None:
    text = WRITERS["promptfoo"]([case(key="k")]).text.replace("  assert:\n", "  assert:\n  - {type: javascript, value: process.exit()}\n")
    read = READERS["promptfoo"](text.encode())
    assert read.cases[0].key == "k" and "'javascript' runs code" in " ".join(read.lost)


@pytest.mark.parametrize("part", ["x", 5, [], {"expected": 5}, {"messages": "x"}, {"graders": [1]}, {"key": ["a"]}, {"slices": {"a": 1}}])
def test_a_part_of_ours_that_somebody_spoilt_is_refused_or_passed_over(part: Any) -> None:
    line = {"input": "Hello", "target": "Hi", "metadata": {"portal": part}}
    read = READERS["inspect"](json.dumps(line).encode())
    assert len(read.cases) + len(read.refused) == 1
    assert all(one.messages == ({"role": "customer", "text": "Hello"},) for one in read.cases)


# -- files from elsewhere ---------------------------------------------------------------------------------------------------------------


def inspected(*samples: dict[str, Any]) -> Read:
    return inspect_jsonl.read("\n".join(json.dumps(sample) for sample in samples).encode())


def test_inspect_samples_come_in_by_their_own_fields() -> None:
    read = inspected(
        {"input": "Where is it?", "target": "On its way", "id": 7, "description": "Why", "metadata": {"channel": "chat", "n": 5}},
        {
            "input": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "image": "x"}]}],
            "target": ["Yes", "Sure"],
        },
        {"input": "Which?", "choices": ["Refund", "Invoice"], "target": "B", "setup": "rm -rf /", "files": {"a": "/etc/passwd"}},
        {"input": "Nothing is right"},
    )
    first, second, third = read.cases
    assert first == case("Where is it?", expected={"text": "On its way"}, key="7", slices={"channel": "chat"}, why="Why")
    assert second.messages[0]["text"] == "Hi" and second.graders == ("pattern",)
    assert third.expected == {"label": "Invoice"}
    assert read.refused == ((4, "Line 4 was left out: nothing in it says what is right."),)
    told = " ".join(read.lost)
    for words in (
        "'image' is not",
        "'setup' is for running code",
        "'files' is for running",
        "'n' is not taken over",
        "short one was taken",
    ):
        assert words in told


def test_calls_of_tools_come_in_from_both_ways_of_writing_them() -> None:
    ours = [
        {"role": "tool", "text": "", "tool_call": {"name": "f", "arguments": {"a": 1}}},
        {"role": "tool", "text": "", "tool_result": [1]},
    ]
    result = {"role": "tool", "content": "[1]", "tool_call_id": "x"}
    flat = {"role": "assistant", "content": "", "tool_calls": [{"id": "x", "function": "f", "arguments": {"a": 1}}]}
    nested = {"role": "assistant", "content": None, "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": '{"a": 1}'}}]}
    assert inspected({"input": [flat, result], "target": "x"}).cases[0].messages == tuple(ours)
    line = json.dumps({"input": [nested, result], "ideal": "x"}).encode()
    assert openai_jsonl.read(line).cases[0].messages == tuple(ours)


def test_openai_samples_come_in_and_several_ideals_are_all_right() -> None:
    read = openai_jsonl.read(
        b'{"input": [{"role": "system", "content": "S", "name": "n"}, {"role": "user", "content": "U"}], "ideal": ["a.b", "c"], "x": 1}'
    )
    assert [message["role"] for message in read.cases[0].messages] == ["system", "customer"]
    grade = BY_NAME["pattern"].grade(_Asked(read.cases[0].expected), {"reply": "A.B"})
    assert grade.passed and not BY_NAME["pattern"].grade(_Asked(read.cases[0].expected), {"reply": "aXb"}).passed
    assert "'name' is not taken over" in " ".join(read.lost) and "'x' is not taken over" in " ".join(read.lost)


class _Asked:
    def __init__(self, expected: dict[str, Any]) -> None:
        self.input: dict[str, Any] = {"subject_line": "", "messages": []}
        self.expected = expected


def test_two_lines_with_one_id_are_one_case() -> None:
    read = inspected({"id": "a", "input": "x", "target": "y"}, {"id": "a", "input": "z", "target": "y"})
    assert len(read.cases) == 1 and read.refused == ((2, "Line 2 was left out: its id stands on line 1 already."),)


PROMPTFOO = """
description: Support
prompts: [file://prompt.txt, "Answer {{question}}"]
providers: [openai:gpt-x]
env: {KEY: secret}
defaultTest:
  vars: {tone: kind}
  assert:
    - {type: llm-rubric, value: "Is {{tone}}"}
  metadata: {team: north}
tests:
  - description: First
    vars: {question: Where is my refund?}
    assert: &shared
      - {type: icontains, value: 14 days}
      - {type: not-contains, value: never}
      - {type: regex, value: "\\\\d+ days"}
      - {type: not-regex, value: "(?=x)"}
      - {type: contains-any, value: [yes, 12:30]}
      - {type: word-count, value: {max: 50}}
      - {type: not-is-refusal}
    metadata: {channel: email, deep: {a: 1}}
  - vars: {question: [One?, Two?]}
    assert: *shared
  - vars: {question: "Hi {{env.HOME}}"}
    assert:
      - {type: equals, value: Hello, weight: 2, metric: greet}
      - {type: equals, value: Other}
      - {type: javascript, value: "process.exit(1)"}
      - {type: python, value: "file://check.py"}
      - {type: not-webhook, value: "https://example.org"}
      - {type: is-json}
      - {type: similar, value: "file:///etc/passwd"}
      - {type: contains, value: "{{env.SECRET}}"}
      - {type: contains, value: "{{ question | upper }}"}
      - {type: assert-set, assert: [{type: starts-with, value: Hel}]}
      - {type: assert-set, threshold: 0.5, assert: [{type: equals, value: x}]}
      - just words
    options: {transform: "output.trim()"}
  - file://more.yaml
  - {vars: file://vars.yaml, assert: [{type: equals, value: x}]}
  - {vars: {question: file:///etc/passwd}, assert: [{type: equals, value: x}]}
  - {vars: {a: 1, a: 2}, assert: [{type: equals, value: x}]}
  - {vars: {one: x, two: y}, assert: !!python/object/apply:os.system [echo]}
  - {vars: {one: x, two: y}, assert: [{type: equals, value: x}]}
"""


def test_promptfoo_tests_come_in_by_their_own_fields() -> None:
    read = promptfoo_yaml.read(PROMPTFOO.encode())
    first, one, two, greeting = read.cases
    assert first.messages == ({"role": "customer", "text": "Where is my refund?"},) and first.why == "First"
    assert first.slices == {"team": "north", "channel": "email"}
    assert first.expected == {
        "rubric": "Is kind", "facts": {"must": ["14 days"], "must_not": ["never"]}, "decline": False, "length": {"most_words": 50},
        "pattern": {"matches": [r"\d+ days", r"(?:yes|12\:30)"]},
    }  # fmt: skip
    assert set(first.graders) == {
        "rubric",
        "contains",
        "pattern",
        "length",
        "declines",
    }
    assert [made.messages[0]["text"] for made in (one, two)] == ["One?", "Two?"]
    assert greeting.expected == {"rubric": "Is kind", "text": "Hello", "pattern": {"matches": ["^Hel"]}}
    assert greeting.messages[0]["text"] == "Hi {{env.HOME}}"


@pytest.mark.parametrize(
    ("prompt", "read_as"),
    [
        ("{{one}} and {{ two }}", [("customer", "x and y")]),
        ('[{"role": "system", "content": "{{one}}"}, {"role": "user", "content": "{{two}}"}]', [("system", "x"), ("customer", "y")]),
        ("{{one | upper}}", None),
        ("{{env.HOME}}", None),
        ("file://prompt.txt", None),
    ],
)
def test_a_prompt_joins_variables_only_where_it_does_nothing_else(prompt: str, read_as: list[tuple[str, str]] | None) -> None:
    test = {"vars": {"one": "x", "two": "y"}, "assert": [{"type": "equals", "value": "z"}]}
    read = promptfoo_yaml.read(yaml.safe_dump({"prompts": [prompt], "tests": [test]}).encode())
    assert [[(told["role"], told["text"]) for told in one.messages] for one in read.cases] == ([read_as] if read_as else [])


def test_what_promptfoo_would_run_or_open_is_neither_run_nor_opened_and_everything_lost_is_said() -> None:
    read = promptfoo_yaml.read(PROMPTFOO.encode())
    told = " ".join(read.lost)
    for words in (
        "'env' was not taken over", "Prompts and providers were not", "'not-regex' was not taken over: the pattern '",
        "'deep' is not taken over", "'weight' is not", "'metric' is not", "'equals' was not taken over: a case expects one",
        "'javascript' runs code", "'python' runs code", "'not-webhook' runs code", "no grader here for 'is-json'",
        "'similar' was not taken over: it points to a file", "'contains' was not taken over: its template does more",
        "no grader here for 'assert-set'", "assertion without a type", "'options' is not taken over", "template in it was kept",
    ):  # fmt: skip
        assert words in told, words
    reasons = " ".join(reason for _, reason in read.refused)
    for words in ("in another file", "its variables are in another file", "'question' points to a file", "'a' stands twice", "the tag "):
        assert words in reasons, words
    assert all(f"line {line} " in reason for line, reason in read.refused)


# -- hostile files ----------------------------------------------------------------------------------------------------------------------

GOOD = '{"input": "Hello", "target": "Hi", "ideal": "Hi"}'
BAD_LINES = [
    "{",
    "[]",
    "5",
    '"x"',
    "null",
    '{"input": "a", "input": "b", "target": "x", "ideal": "x"}',
    '{"input": NaN}',
    "[" * 100_000,
    '{"input": "a\\u0000b", "target": "x", "ideal": "x"}',
    '{"input": "a\\ud800", "target": "x", "ideal": "x"}',
    "\x00\x01\x02",
    '{"input": "a", "target": {"x": 1}, "ideal": {"x": 1}}',
    '{"input": 5, "target": "x", "ideal": "x"}',
    '{"target": "x", "ideal": "x"}',
    '{"input": [{"role": "user"}], "target": "x", "ideal": "x"}',
    '{"input": [{"role": ["user"], "content": "a"}], "target": "x", "ideal": "x"}',
    '{"input": [[]], "target": "x", "ideal": "x"}',
    '{"input": "a", "target": "x", "ideal": "x", "metadata": []}'.replace("[]", "[1]"),
    '{"input": "a", "target": 1e999, "ideal": 1e999}',
    '{"input": [{"role": "user", "content": "a", "tool_calls": 5}], "target": "x", "ideal": "x"}',
    '{"input": [{"role": "user", "content": "a", "tool_calls": [5]}], "target": "x", "ideal": "x"}',
    f'{{"input": {"9" * 5000}}}',
]


@pytest.mark.parametrize("form", ["inspect", "openai-evals"])
@pytest.mark.parametrize("bad", BAD_LINES, ids=lambda line: line[:40].encode("unicode_escape").decode())
def test_a_bad_line_is_refused_with_a_sentence_and_the_good_ones_are_kept(form: str, bad: str) -> None:
    read = READERS[form](f"{GOOD}\n{bad}\n\n{GOOD}\n".encode())
    assert len(read.cases) == 2 and [line for line, _ in read.refused] == [2]
    assert read.refused[0][1].startswith("Line 2 was left out: ") and len(read.refused[0][1]) < 400


@pytest.mark.parametrize("form", ["inspect", "openai-evals"])
def test_a_line_without_end_and_one_that_is_no_utf8_are_refused_alone(form: str) -> None:
    content = GOOD.encode() + b"\n" + b'{"input": "' + b"x" * 10_000_000 + b'"}\n' + b'{"input": "\xff\xfe"}\n' + GOOD.encode()
    read = READERS[form](content)
    assert len(read.cases) == 2
    assert read.refused == ((2, "Line 2 was left out: it is longer than 5 MB."), (3, "Line 3 was left out: it is not UTF-8."))


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_FILES = [
    b"", b"   \n", b"\xff\xfea\x00", b"tests: [\x00]", b"tests: [\xff]", b"a: [1, 2", b"a: b: c", b"\t- x", b"- @x", b"a: 1\n---\na: 2\n",
    BOMB.encode() + b"tests: [*i]", b"tests: &t [*t]", b"[" * 100_000, b"a: " * 50_000, b"{" * 100_000, b"- " * 100_000, b"? " * 50_000,
    b"tests: 5", b"tests: file://x.yaml", b"prompts: [x]", b"just words", b"tests: []\ntests: []", b"? [a, b]\n: 1\n", b"*x",
    b"!!python/object/apply:os.system [echo]", b"a: !!python/name:os.system x\ntests: []", b"x" * 10_000_001, b"<<: 5\ntests: []",
    b"%YAML 9.9\n---\na", b"<<: [[]]\ntests: []", b"tests: [" + b"x," * 500_000 + b"]",
    b"a: " + b"9" * 5000 + b"\ntests: []", b"a: !!int x\ntests: []", b"a: !!bool x\ntests: []", b"tests: [*" + b"a" * 100 + b"]",
]  # fmt: skip


@pytest.mark.parametrize("content", BAD_FILES, ids=lambda content: repr(content[:24]))
def test_a_file_that_is_no_list_of_tests_is_refused_whole(content: bytes) -> None:
    with pytest.raises(Refused, match=r"^Nothing was read: .{10,300}\.$"):
        promptfoo_yaml.read(content)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf \n", b"\xff\xfe{", b"[\n{}]", b"{\n}"])
@pytest.mark.parametrize("form", ["inspect", "openai-evals"])
def test_a_file_that_is_no_jsonl_is_refused_whole(form: str, content: bytes) -> None:
    with pytest.raises(Refused, match=r"^Nothing was read: "):
        READERS[form](content)


BAD_TESTS = [
    "5",
    "null",
    "[]",
    "words",
    "{}",
    "{vars: 5}",
    "{vars: [a]}",
    "{vars: {}}",
    "{vars: {q: [[]]}}",
    "{vars: {q: null}}",
    "{vars: {q: x}, assert: 5}",
    "{vars: {q: x}, assert: [5, [], {}, {type: 5}, {type: equals}, {type: equals, value: {a: b}}, {type: regex, value: '('}]}",
    "{vars: {q: x}, metadata: [1], assert: [{type: equals, value: x}]}",
    "{vars: {q: x}, metadata: {portal: '{'}, assert: [{type: equals, value: x}]}",
    "{vars: {q: x}, metadata: {portal: []}, assert: [{type: equals, value: x}]}",
    "{vars: {messages: [5]}, assert: [{type: equals, value: x}]}",
    "{vars: {messages: '[{\"role\": 1}]'}, assert: [{type: equals, value: x}]}",
    "{path: file://gen.py:make}",
    "{? [a] : b}",
    f"{{vars: {{a: [{','.join('x' * 11)}], b: [{','.join('x' * 11)}]}}, assert: [{{type: equals, value: x}}]}}",
]


@pytest.mark.parametrize("bad", BAD_TESTS)
def test_a_bad_test_is_refused_with_its_line_and_the_good_ones_are_kept(bad: str) -> None:
    good = "  - {vars: {q: Hello}, assert: [{type: equals, value: Hi}]}\n"
    read = promptfoo_yaml.read(f"tests:\n{good}  - {bad}\n{good}".encode())
    assert len(read.cases) == 2 and [line for line, _ in read.refused] == [3]
    assert read.refused[0][1].startswith("The test on line 3 was left out: ")


def test_references_are_followed_as_long_as_they_stay_small() -> None:
    content = b"tests:\n  - &one {vars: {q: Hello}, assert: [{type: equals, value: Hi}]}\n  - {<<: *one, description: Second}\n"
    assert [made.why for made in promptfoo_yaml.read(content).cases] == ["", "Second"]


def test_words_are_read_as_yaml_1_2_has_them() -> None:
    told = safe_yaml.value(safe_yaml.root(b"[yes, No, on, 12:30, 0123, 1_000, 2024-01-01, true, 0o17, 0x1F, 1e3, ~, .5, !!str 12]"))
    assert told == ["yes", "No", "on", "12:30", 123, "1_000", "2024-01-01", True, 15, 31, 1000.0, None, 0.5, "12"]


@settings(max_examples=2000 if SOAK else 50, deadline=None)
@given(st.binary(max_size=200) | st.text("{}[]:,-&*!?|>'\"# \nax1", max_size=60).map(str.encode))
def test_no_bytes_are_a_trace(content: bytes) -> None:
    for reader in READERS.values():
        try:
            read = reader(content)
        except Refused as refused:
            assert str(refused).startswith("Nothing was read")
        else:
            assert isinstance(read, Read)


def test_what_cannot_be_kept_is_named() -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    for value, words in (
        (deep, "nested"),
        ({"a": {1, 2}}, "set"),
        (10**30, "too large"),
        (float("inf"), "not finite"),
        ("\0", "NUL"),
        ("\ud800", "half"),
    ):
        assert words in unkeepable(value)
    assert unkeepable({"a": [1, 2.5, None, True, "ü"]}) == ""


def test_every_key_has_a_grader_of_that_name() -> None:
    helped = {"classifier says", "rubric", "preferred"}  # made when a model or a classifier is at hand
    assert set(JUDGED_BY.values()) - helped <= BY_NAME.keys()
