"""promptfoo's configuration: tests with variables, assertions and metadata. Nothing in it is ever run, opened or asked for."""

import json
import re
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import yaml

from data.errors import Refused
from data.intake.readers.jsonl import strict_json
from evals.cases import NewCase, Read, Written, judges_of
from evals.files import assertions, chat, ours, safe_yaml
from evals.files.notes import Notes, counted, word

NAME, WORDS, ENDING = "promptfoo", "promptfoo tests (YAML)", ".yaml"
MOST_OF_ONE = 100  # cases that the lists in one test's variables may make
ASKS = ("message", "question", "query", "input", "text", "user_input", "prompt", "request", "ticket", "email", "conversation", "body")
PROMPT, PROVIDER = "{{messages}}", "echo"
TEST = {"description", "vars", "assert", "metadata"}
OPENED = ("file://", "package:")


def looks_like(name: str, head: bytes) -> bool:
    if not name.endswith((".yaml", ".yml")) and head.startswith(b"{"):
        return False
    return bool(re.search(rb"(?m)^(?:tests|prompts|providers|targets|defaultTest):|^- *(?:vars|assert|description):", head))


def read(content: bytes) -> Read:
    notes, keys = Notes(), ours.Keys()
    top = safe_yaml.root(content)
    default, prompts, tests = _whole(top, notes)
    cases: list[NewCase] = []
    refused: list[tuple[int, str]] = []
    for test in tests:
        line = safe_yaml.line_of(test)
        for case in _cases(test, default, prompts, notes, line):
            if not isinstance(case, str) and (taken := keys.taken(case, line)):
                case = taken
            if isinstance(case, str):
                refused.append((line, f"The test on line {line} was left out: {case}."))
            else:
                cases.append(case)
    return Read(tuple(cases), notes.sentences(), tuple(refused))


def write(cases: Sequence[NewCase], *, name: str = "") -> Written:
    """A configuration that promptfoo runs as it is, once a provider stands in the place of 'echo', which repeats the prompt."""
    notes = Notes()
    kept = ours.distinct(cases, notes)
    whole: dict[str, Any] = {"description": name} if name and _plain(name) else {}
    whole |= {"prompts": [PROMPT], "providers": [PROVIDER], "tests": [_test(case) for case in kept]}
    _tell_what_is_ours(kept, notes)
    return Written(safe_yaml.dump(whole), notes.sentences())


def _tell_what_is_ours(kept: Sequence[NewCase], notes: Notes) -> None:
    notes.add(f"A set names no model to test: put yours in the place of '{PROVIDER}'")
    where = f"metadata.{ours.NAME}"
    for key, words in assertions.UNSAID.items():
        if count := sum(1 for case in kept if key in case.expected):
            notes.add(f"promptfoo has no assertion for {words} as they are here: for {counted(count, 'case')} it stands under {where}")
    if count := sum(1 for case in kept if not assertions.of(case.expected)):
        notes.add(f"{counted(count, 'case')} came without an assertion: promptfoo counts as passed what nothing is asserted of")
    if count := sum(1 for case in kept if "label" in case.expected and "text" in case.expected):
        notes.add(f"For {counted(count, 'case')} the label stands under {where}: an answer equals one text")
    if graders := sorted({grader for case in kept for grader in case.graders}):
        notes.add(f"The names of our graders ({', '.join(graders)}) stand under {where}: promptfoo grades by its own assertions")
    if any(case.subject_line for case in kept):
        notes.add("Subject lines are the variable 'subject_line', which the prompt in the file does not show")


def _whole(top: yaml.Node, notes: Notes) -> tuple[dict[str, Any], list[str], list[yaml.Node]]:
    """What holds for every test, the prompts that stand in the file, and the tests."""
    try:
        if isinstance(top, yaml.SequenceNode):  # a file of tests alone
            return {}, [], safe_yaml.items(top)
        parts = safe_yaml.fields(top)
        if "tests" not in parts:
            raise safe_yaml.Faulty("the file has no tests")
        if isinstance(parts["tests"], yaml.ScalarNode):
            raise safe_yaml.Faulty("its tests are in another file, which is never opened: take that file")
        tests = safe_yaml.items(parts["tests"])
        told = {name: safe_yaml.value(node) for name, node in parts.items() if name not in ("tests", "scenarios")}
    except safe_yaml.Faulty as error:
        raise Refused(f"Nothing was read: {error}.") from error
    default = told.pop("defaultTest", None) or {}
    if not isinstance(default, dict):
        notes.add("'defaultTest' points to a file, which is never opened: it was not taken over")
        default = {}
    if "scenarios" in parts:
        notes.add("'scenarios' was not taken over: only tests are")
    prompts = told.pop("prompts", None)
    if told.pop("providers", None) not in (None, [PROVIDER]) or prompts not in (None, [PROMPT]):
        notes.add("Prompts and providers were not taken over: what is tested brings its own")
    for name in told.keys() - {"description"}:
        notes.add(f"{word(name)} was not taken over")
    return default, _inline(prompts), tests


def _inline(prompts: Any) -> list[str]:
    given = prompts if isinstance(prompts, list) else [prompts]
    raw = [prompt.get("raw") if isinstance(prompt, dict) else prompt for prompt in given]
    return [prompt for prompt in raw if isinstance(prompt, str) and not re.search(r"^\w+://|\.\w{1,4}(?::\w+)?$", prompt)]


def _cases(test: yaml.Node, default: dict[str, Any], prompts: list[str], notes: Notes, line: int) -> list[NewCase | str]:
    try:
        told = safe_yaml.value(test)
        if isinstance(told, str) or (isinstance(told, dict) and "path" in told and "vars" not in told):
            return ["its tests are in another file, which is never opened or run"]
        if not isinstance(told, dict):
            return ["it is no table of fields"]
        return [_case(told, default, given, prompts, notes, line) for given in _given(told, default)]
    except ValueError as error:
        return [str(error)]


def _given(told: dict[str, Any], default: dict[str, Any]) -> list[dict[str, Any]]:
    """The variables; a list of texts stands for a test of each."""
    own, shared = told.get("vars") or {}, default.get("vars") or {}
    if isinstance(own, str) or isinstance(shared, str):
        raise ValueError("its variables are in another file, which is never opened")
    if not isinstance(own, dict) or not isinstance(shared, dict):
        raise ValueError("its variables are no table")
    lists = {
        name: value if isinstance(value, list) and value and isinstance(value[0], str) else [value]
        for name, value in {**shared, **own}.items()
    }
    if prod(map(len, lists.values())) > MOST_OF_ONE:
        raise ValueError(f"the lists in its variables make more than {MOST_OF_ONE} tests")
    return [dict(zip(lists, chosen, strict=True)) for chosen in product(*lists.values())]


def _case(
    told: dict[str, Any], default: dict[str, Any], given: dict[str, Any], prompts: list[str], notes: Notes, line: int
) -> NewCase | str:
    try:
        metadata = {**_table(default, "metadata"), **_table(told, "metadata")}
        part = strict_json(metadata[ours.NAME]) if isinstance(metadata.get(ours.NAME), str) else metadata.get(ours.NAME)
        own, quiet = told.get("assert") or [], Notes()
        expected = assertions.read([*_list(default), *_list(told)], given, quiet if ours.unchanged(part, own) else notes, line)
        case = _told(told, default, given, metadata, expected, prompts, notes, line)
    except ValueError as error:
        return str(error)
    return ours.restored(case, part, given, own, notes, line)


def _table(whole: dict[str, Any], name: str) -> dict[str, Any]:
    told = whole.get(name) or {}
    if not isinstance(told, dict):
        raise ValueError(f"its '{name}' is no table")
    return told


def _told(
    told: dict[str, Any],
    default: dict[str, Any],
    given: dict[str, Any],
    metadata: dict[str, Any],
    expected: dict[str, Any],
    prompts: list[str],
    notes: Notes,
    line: int,
) -> NewCase:
    """What the test says by its own fields."""
    for name in (told.keys() | default.keys()) - TEST:
        notes.add(f"Of tests, {word(name)} is not taken over", line)
    for name in sorted(name for name, value in given.items() if isinstance(value, str) and value.startswith(OPENED)):
        raise ValueError(f"its variable {word(name)} points to a file, which is never opened")
    subject_line = given.get("subject_line")
    return NewCase(
        messages=tuple(_messages(given, prompts, notes, line)),
        expected=expected,
        graders=judges_of(expected),
        subject_line=subject_line if isinstance(subject_line, str) else "",
        slices=ours.slices_of(metadata, notes, line),
        why=told["description"] if isinstance(told.get("description"), str) else "",
    )


def _list(whole: dict[str, Any]) -> list[Any]:
    told = whole.get("assert") or []
    if not isinstance(told, list):
        raise ValueError("its 'assert' is no list")
    return told


def _messages(given: dict[str, Any], prompts: list[str], notes: Notes, line: int) -> list[dict[str, Any]]:
    """What the customer wrote: the variable that is named for it, the only one, or the prompt with all of them put in."""
    if "messages" in given:
        return _chat(given["messages"], notes, line)
    rest = {name: value for name, value in given.items() if name != "subject_line"}
    texts = [name for name, value in rest.items() if isinstance(value, str | int | float) and not isinstance(value, bool)]
    asked = next((name for name in ASKS if name in texts), texts[0] if len(texts) == 1 else None)
    if asked is not None:
        for name in rest.keys() - {asked}:
            notes.add(f"The variable {word(name)} was not taken over: {word(asked)} is what the customer wrote", line)
        return _chat(str(rest[asked]), notes, line)
    if len(prompts) != 1:
        named = ", ".join(word(name) for name in rest) or "none"
        raise ValueError(f"what the customer wrote is not clear from its variables ({named}): name one of them 'message'")
    return _chat(assertions.filled(prompts[0], given), notes, line)


def _chat(told: Any, notes: Notes, line: int) -> list[dict[str, Any]]:
    """A chat may stand in a text as JSON."""
    if isinstance(told, str):
        if told.lstrip().startswith("[") and '"role"' in told:
            return chat.read(strict_json(told), notes, line)
        if assertions.TEMPLATE.search(told):
            notes.add("A text with a template in it was kept as it stands: nothing is put in", line)
    return chat.read(told, notes, line)


def _test(case: NewCase) -> dict[str, Any]:
    test: dict[str, Any] = {"description": case.why} if case.why and _plain(case.why) else {}
    given: dict[str, Any] = {"messages": _in_json(chat.of(case.messages, chat.openai_call), line_each=True)}
    if case.subject_line and _plain(case.subject_line):
        given["subject_line"] = case.subject_line
    asserted = assertions.of(case.expected)
    metadata: dict[str, Any] = {name: value for name, value in ours.groups(case).items() if _plain(name) and _plain(value)}
    test |= {"vars": given, "assert": asserted}
    told = _told(test, {}, given, metadata, assertions.read(asserted, given, Notes(), 0), [], Notes(), 0)
    return {**test, "metadata": {**metadata, ours.NAME: _in_json(ours.beside(case, told, given, asserted))}}


def _plain(text: str) -> bool:
    """Whether promptfoo takes a text as it stands: it is no template, file or package there."""
    return len(text) <= 10_000 and not text.startswith(OPENED) and not assertions.TEMPLATE.search(text)


def _in_json(value: Any, *, line_each: bool = False) -> str:
    """As a text that holds no template, whatever stands in it: what would open one is written by its number."""
    whole = (
        "[" + ",\n ".join(json.dumps(one, ensure_ascii=False) for one in value) + "]"
        if line_each
        else json.dumps(value, ensure_ascii=False)
    )
    return re.sub(r"\{(?=[{%#])|#(?=\})", lambda found: f"\\u{ord(found[0]):04x}", whole)
