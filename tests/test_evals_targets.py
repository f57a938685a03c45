"""What can be run: people's replies, files of outputs, programs behind an address, models. The expected reply never travels."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from data import store, versions
from data.errors import Denied, Refused
from data.tables import Case, Result, Run, Version
from data.values import Target
from evals import runs, sets, targets
from evals.cases import NewCase
from evals.targets import Asked, of_address, of_file, of_kept_file, of_model, people, read
from language import wire
from language.call import Call
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import Model
from tests.test_evals_runs import errors_of, intent_case, typed_set

CARD = "4111 1111 1111 1111"
MARKER = "Zanzibar-4217"  # in the reply that is expected, and nowhere else


@pytest.fixture
def program() -> Iterator[Model]:
    with server.running(server.body({"label": "Order status"})) as running:
        yield running


def lines(*said: Any) -> bytes:
    return "\n".join(json.dumps(one) for one in said).encode()


def outputs_of(run: Run) -> dict[str, dict[str, Any] | None]:
    with store.reading() as db:
        return dict(db.exec(select(Case.key, Result.output).join(Result).where(Result.run_id == run.id)).all())


def ran(staff: Staff, asked: Asked, *new: NewCase, name: str = "Typed") -> Run:
    version = typed_set(staff, *(new or map(intent_case, range(3))), name=name)
    return runs.run(version.id, asked.target, asked.ask, by=staff.rep, again=asked.varies)


# -- what people replied ------------------------------------------------------------------------------------------------------------------


def replied(*messages: tuple[str, str]) -> NewCase:
    told = tuple({"role": role, "text": said} for role, said in messages)
    return NewCase(told, {"facts": {"must": [MARKER]}}, ("contains",), subject_line="Parcel", key="replied")


def test_what_people_replied_is_run_like_any_other_target(staff: Staff) -> None:
    good = replied(("customer", "Where is it?"), ("rep", f"In {MARKER}."), ("customer", "Thanks"))
    silent = NewCase(({"role": "customer", "text": "Hello?"},), {"facts": {"must": ["Monday"]}}, ("contains",), key="silent")
    made = ran(staff, people(), good, silent)
    assert (made.target_kind, made.target_name, made.passed, made.cases) == ("people", "replies", 1, 2)
    assert outputs_of(made) == {"replied": {"reply": f"In {MARKER}."}, "silent": {"reply": ""}}


# -- files of outputs ---------------------------------------------------------------------------------------------------------------------


def test_a_file_answers_by_key_and_by_case_number(staff: Staff) -> None:
    content = lines(
        {"key": "key 0", "label": "Order status"}, {"case": 2, "output": {"label": "Order status"}}, {"id": "key 2", "label": "x"}
    )
    made = ran(staff, of_file("/somewhere/answers.jsonl", content, by=staff.rep))
    assert (made.target_kind, made.target_name, made.target_number, made.passed) == ("outputs", "answers.jsonl", 1, 2)
    assert outputs_of(made)["key 1"] == {"label": "Order status"}


def test_case_numbers_are_of_the_whole_set_also_when_a_run_goes_on(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in versions that were frozen before a case kept its number, which are counted."""
    version = typed_set(staff, *map(intent_case, range(4)))
    counted = [Case(**(case.model_dump() | {"number": 0})) for case in sets.cases(version.id)]
    monkeypatch.setattr(sets, "cases", lambda _version_id: counted)
    asked = of_file("a.jsonl", lines(*({"case": number, "reply": f"to {number}"} for number in range(1, 5))), by=staff.rep)
    answers = [answer for answer in asked.ask(counted[2:]) if answer is not None]
    assert [answer.output for answer in answers] == [{"reply": "to 3"}, {"reply": "to 4"}]


def test_what_a_file_does_not_answer_or_says_failed_is_never_a_pass(staff: Staff) -> None:
    content = lines(
        {"key": "key 0", "error": "timed out"}, {"key": "key 1", "label": "Order status", "error": "cut off"}, {"key": "else", "label": "x"}
    )
    made = ran(staff, of_file("a.jsonl", content, by=staff.rep))
    assert (made.passed, made.cases) == (0, 3)
    assert errors_of(made) == ["cut off", "the file says nothing to this case", "timed out"]
    fine = lines({"key": "key 1", "label": "Order status", "error": None})  # the control: no error is none
    assert ran(staff, of_file("b.jsonl", fine, by=staff.rep), name="Again").passed == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_of_any_editor_are_read(end: str, mark: bytes) -> None:
    said = "a\u2028b\u2029c\x85d"  # JSON may hold these as they are; they end no line
    told = [json.dumps({"key": "a", "reply": said}, ensure_ascii=False), json.dumps({"case": 7, "label": "x", "other": 1})]
    assert read(mark + end.join([*told, ""]).encode()) == {"a": {"reply": said}, "#7": {"label": "x"}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file has no line"),
        (b"\n \n", "the file has no line"),
        (lines({"key": "a", "label": "x"}) + b"\n{", "line 2 cannot be understood"),
        (b'["key"]', "line 1 cannot be understood"),
        (b"\xff\xfe{\x00}\x00", "line 1 cannot be understood"),
        (b"[" * 200_000, "line 1 cannot be understood"),
        (b"%PDF-1.7", "line 1 cannot be understood"),
        (lines({"label": "x"}), "line 1 says nothing to any case. It needs a key or a case, and one of label,"),
        (lines({"key": "a"}), "line 1 says nothing to any case"),
        (lines({"key": "a", "answer": "x"}), "line 1 says nothing to any case"),
        (lines({"case": True, "label": "x"}), "line 1 says nothing to any case"),
        (lines({"key": "a", "label": "x"}, {"key": "b", "label": "x"}, {"key": "a", "label": "y"}), "line 3 answers a a second time"),
        (lines({"case": 4, "label": "x"}, {"case": 4, "label": "x"}), "line 2 answers #4 a second time"),
        (b'{"key": "a", "confidence": NaN}', "line 1 cannot be kept: a number is not finite"),
        (b'{"key": "a", "reply": "\\ud800"}', "line 1 cannot be kept: a text holds half a character"),
        (b'{"key": "a", "reply": "\\u0000"}', "line 1 cannot be kept: a text holds a NUL"),
        (b'{"key": "a", "reply": ' + b"[" * 90 + b"]" * 90 + b"}", "line 1 cannot be kept: it is nested more than 60 deep"),
        (lines({"key": "a", "reply": "x" * 1_000_001}), "line 1 is longer than 1,000,000 characters"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_nothing_of_the_file_is_taken(staff: Staff, content: bytes, words: str) -> None:
    with pytest.raises(Refused) as told:
        of_file("a.jsonl", content, by=staff.rep)
    assert str(told.value).startswith("Not read: ") and words in str(told.value)
    assert versions.names(targets.OUTPUTS) == []


def test_a_file_has_at_most_twenty_megabytes() -> None:
    line = json.dumps({"key": "{}", "reply": "x" * 900_000})
    content = "\n".join(line.replace("{}", str(number)) for number in range(23)).encode()
    with pytest.raises(Refused, match=r"^Not read: a file of outputs has at most 20 MB\.$"):
        read(content)
    assert len(read(content[:19_000_000].rpartition(b"\n")[0])) == 21  # the control


def test_the_same_content_is_the_same_number_and_other_content_the_next(staff: Staff) -> None:
    one, other = lines({"key": "a", "label": "x"}), lines({"key": "a", "label": "y"})
    numbers = [of_file("a.jsonl", content, by=staff.rep).target.number for content in (one, one, other, one, other)]
    assert numbers == [1, 1, 2, 1, 2]
    assert of_file("b.jsonl", other, by=staff.engineer).target == Target("outputs", "b.jsonl", 1)
    (case,) = sets.cases(typed_set(staff, NewCase(({"role": "customer", "text": "?"},), {"label": "x"}, ("exact label",), key="a")).id)
    said = [next(iter(of_kept_file(told).ask([case]))) for told in ("a.jsonl@1", "a.jsonl@2", "a.jsonl")]
    assert [answer.output for answer in said if answer] == [{"label": "x"}, {"label": "y"}, {"label": "y"}]  # without a number the last
    odd = of_file("by@home.jsonl", one, by=staff.rep).target
    assert of_kept_file("by@home.jsonl").target == of_kept_file("by@home.jsonl@1").target == odd
    for unknown in ("a.jsonl@3", "other.jsonl", "@", "", "a.jsonl@x"):
        with pytest.raises(Refused, match="no file of outputs is known as"):
            of_kept_file(unknown)


def everything_kept() -> str:
    """All that the database holds in the tables that outputs go to, as text."""
    with store.reading() as db:
        tables = ("version", "run_result", "score", "audit_entry")
        return " ".join(str(row) for table in tables for row in db.connection().execute(text(f'SELECT * FROM "{table}"')))


def test_what_is_personal_in_a_file_is_masked_before_it_is_kept(staff: Staff) -> None:
    said = [
        {"key": "key 0", "reply": f"Your card is {CARD}."},
        {"key": "key 1", "tool_calls": [{"name": "pay", "arguments": {"card": CARD}}]},
    ]
    made = ran(staff, of_file("a.jsonl", lines(*said, {"key": "key 2", "error": f"no card {CARD}", "reply": "plainly"}), by=staff.rep))
    assert "4111" not in everything_kept() and "Your card is" in everything_kept()
    assert outputs_of(made)["key 0"] == {"reply": "Your card is ‹CARD 1›."}
    with store.writing() as db:  # the control: what goes past the mask is readable, and is found
        versions.add(db, targets.OUTPUTS, "past.jsonl", by=staff.rep, manifest={}, body={"outputs": said})
    assert CARD in everything_kept()


def test_who_may_not_run_brings_no_file(staff: Staff) -> None:
    with pytest.raises(Denied):
        of_file("a.jsonl", lines({"key": "a", "label": "x"}), by=staff.admin)
    with store.reading() as db:
        assert db.exec(select(Version)).all() == []


# -- programs behind an address -----------------------------------------------------------------------------------------------------------


def test_a_program_behind_an_address_is_asked_case_by_case(staff: Staff, program: Model) -> None:
    asked = of_address(program.url, at_once=2)
    made = ran(staff, asked)
    assert (made.target_kind, made.target_name, made.passed, made.cases) == ("model", program.url, 3, 3)
    assert asked.varies and sorted(one.body["key"] for one in program.asked) == ["key 0", "key 1", "key 2"]
    body = program.asked[0].body
    assert sorted(body) == ["key", "messages", "subject_line"] and body["messages"][0]["text"].startswith("Where is parcel")
    assert "authorization" not in program.asked[0].headers
    with store.reading() as db:
        assert all(result.ms > 0 for result in db.exec(select(Result)))


MISBEHAVES: dict[str, tuple[server.Answer, str]] = {
    "500": (server.body({"label": "Order status"}, 500), "it answered with status 500"),
    "404": (server.status(404), "it answered with status 404"),
    "201": (server.body({"label": "Order status"}, 201), "it answered with status 201"),
    "not JSON": (server.raw(b"<html>Order status"), "its answer is not JSON"),
    "nothing": (server.raw(b""), "its answer is not JSON"),
    "no end of lists": (server.raw(b"[" * 200_000), "its answer is not JSON"),
    "a list": (server.body(["Order status"]), "it says none of label,"),
    "a text": (server.body("Order status"), "it says none of label,"),
    "null": (server.raw(b"null"), "it says none of label,"),
    "something else": (server.body({"intent": "Order status"}), "it says none of label,"),
    "NaN": (server.raw(b'{"label": "Order status", "confidence": NaN}'), "cannot be kept: a number is not finite"),
    "half a character": (server.raw(b'{"label": "Order status", "reply": "\\ud800"}'), "cannot be kept: a text holds half a character"),
    "an endless body": (server.large(wire.LARGEST + 10), "its answer cannot be used: it is longer than 2 MB"),
    "packed": (server.packed(100), "its answer cannot be used: it is packed"),
    "slow": (server.hang, "timed out: no whole answer within 0.4 seconds"),
    "a drip": (server.drip, "timed out: no whole answer within 0.4 seconds"),
    "a drip of a head": (server.drip_head, "timed out: no whole answer within 0.4 seconds"),
    "hangs up": (server.hang_up, "nobody answers at that address, or it hung up"),
}


@pytest.mark.parametrize("how", MISBEHAVES)
def test_a_program_that_misbehaves_is_a_result_with_its_sentence(sqlite_home: Path, program: Model, how: str) -> None:
    answer, words = MISBEHAVES[how]
    program.says(answer)
    case = Case(set_version_id="", key="1", input={"subject_line": "", "messages": []}, expected={}, graders=[], slices={})
    (told,) = [one for one in of_address(program.url, timeout=0.4).ask([case]) if one is not None]
    error = told.error or runs._fault(told.output)
    assert words in error and (told.output is None or "cannot be kept" in error)
    program.says(server.body({"label": "Order status"}))  # the control: the same program behaves
    (fine,) = [one for one in of_address(program.url).ask([case]) if one is not None]
    assert (fine.output, fine.error) == ({"label": "Order status"}, "")


def test_a_program_that_fails_is_never_a_pass(staff: Staff, program: Model) -> None:
    program.says(server.body({"label": "Order status"}), server.status(500), server.raw(b'{"label": "Order status", "confidence": NaN}'))
    made = ran(staff, of_address(program.url, at_once=1))
    assert (made.state, made.passed, made.cases) == ("done", 1, 3)
    assert errors_of(made) == ["it answered with status 500", "what the target said cannot be kept: a number is not finite"]


def test_nobody_at_the_address_is_said(sqlite_home: Path) -> None:
    case = Case(set_version_id="", key="1", input={"subject_line": "", "messages": []}, expected={}, graders=[], slices={})
    (told,) = [one for one in of_address(f"http://127.0.0.1:{server.closed_port()}").ask([case]) if one is not None]
    assert (told.output, told.error) == (None, "nobody answers at that address, or it hung up")


def test_a_redirect_is_not_followed(staff: Staff, program: Model) -> None:
    with server.running(server.body({"label": "Order status"})) as elsewhere:
        program.says(server.redirect(elsewhere.url))
        made = ran(staff, of_address(program.url))
        assert (made.passed, elsewhere.asked, errors_of(made)) == (0, [], ["it answered with status 307"])
        assert ran(staff, of_address(elsewhere.url), name="Straight").passed == 3  # the control: there it would have been answered


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/ask", "http://10.0.0.7/ask", "http://127.0.0.1.example.com", "http://127.0.0.2/ask", "http://localhost.example.com",
        "http://169.254.169.254/latest/meta-data", "http://127.0.0.1@example.com/ask", "http://me:secret@127.0.0.1/ask", "ftp://127.0.0.1/ask",
        "file:///etc/passwd", "http:/127.0.0.1", "https://", "https://example.com/a b", "https://example.com/?q=1", "http://2130706433", "",
    ],
)  # fmt: skip
def test_what_customers_wrote_goes_over_no_open_line(url: str) -> None:
    with pytest.raises(Refused, match=r"^Not run: the address begins with https://, or it is on this machine\. What customers wrote"):
        of_address(url)


@pytest.mark.parametrize("url", ["https://example.com/ask", "http://127.0.0.1:8000/ask", "http://localhost:8000", "http://[::1]:8000/ask"])
def test_a_private_line_is_taken(url: str) -> None:
    assert of_address(url).target == Target("model", url, 0)


def test_what_is_personal_in_an_answer_is_masked_before_it_is_kept(staff: Staff, program: Model) -> None:
    program.says(server.body({"label": "Order status", "reply": f"Your card is {CARD}."}))
    made = ran(staff, of_address(program.url))
    assert made.passed == 3 and "Your card is" in everything_kept() and "4111" not in everything_kept()

    def says(_messages: Sequence[Mapping[str, Any]]) -> Call:
        return Call("conversation", "large", (), text=f"Your card is {CARD}.")

    ran(staff, of_model("large", says), name="Model")
    assert "4111" not in everything_kept()


# -- the reply that is expected never travels ---------------------------------------------------------------------------------------------

HELD = {
    "in the middle": replied(("customer", "Where is it?"), ("rep", f"In {MARKER}."), ("customer", "Thanks")),
    "at the end": replied(("rep", "Good morning."), ("customer", "Where is it?"), ("rep", f"In {MARKER}.")),
    "by a machine": replied(("customer", "Where is it?"), ("assistant", f"In {MARKER}.")),
    "in several parts": replied(("customer", "Where is it?"), ("rep", f"I look for {MARKER}."), ("rep", f"In {MARKER}.")),
    "before any customer": replied(("rep", f"In {MARKER}."), ("customer", "Where is it?")),
    "without a customer": replied(("system", "Be kind."), ("rep", f"In {MARKER}.")),
    "said before": replied(("customer", "Where is it?"), ("rep", f" In {MARKER}."), ("customer", "And now?"), ("rep", f"In {MARKER}.")),
}


@pytest.mark.parametrize("where", HELD)
def test_the_expected_reply_is_not_sent_to_what_is_asked(staff: Staff, program: Model, where: str) -> None:
    program.says(server.body({"reply": "I do not know."}))
    heard: list[str] = []

    def converse(messages: Sequence[Mapping[str, Any]]) -> Call:
        heard.append(json.dumps(list(messages)))
        return Call("conversation", "large", (), text="I do not know.")

    version = typed_set(staff, HELD[where])
    for asked in (of_address(program.url), of_model("large", converse)):
        assert runs.run(version.id, asked.target, asked.ask, by=staff.rep).passed == 0
    sent = [one.raw for one in program.asked] + heard
    assert len(sent) == 2 and not any(MARKER in told for told in sent)
    (case,) = sets.cases(version.id)
    assert MARKER in json.dumps(case.input) and MARKER in json.dumps(case.expected)  # the control: the case does hold it
    assert all("Where is it?" in told for told in sent) or where == "without a customer"
    asked = people()
    assert runs.run(version.id, asked.target, asked.ask, by=staff.rep).passed == 1  # what people replied is that reply


# -- models -------------------------------------------------------------------------------------------------------------------------------


def test_a_model_is_told_who_said_what_and_its_cost_is_kept(staff: Staff) -> None:
    heard: list[list[Mapping[str, Any]]] = []

    def converse(messages: Sequence[Mapping[str, Any]]) -> Call:
        heard.append(list(messages))
        return Call("conversation", "large", (), text="It is in Hamburg.", cost=0.125, ms=40.0)

    asked = of_model("large", converse)
    made = ran(staff, asked, replied(("system", "x"), ("rep", "Good morning."), ("customer", "Where?"), ("tool", "y"), ("rep", MARKER)))
    assert asked.varies and (made.target_kind, made.target_name, made.cost) == ("model", "large", 0.125)
    assert [message["role"] for message in heard[0]] == ["system", "assistant", "user"]
    assert heard[0][0]["content"] == targets.INSTRUCTIONS and heard[0][2]["content"] == "Where?"
    assert outputs_of(made) == {"replied": {"reply": "It is in Hamburg."}}


def test_a_model_that_gives_no_answer_is_a_result_with_its_sentence(staff: Staff) -> None:
    def down(_messages: Sequence[Mapping[str, Any]]) -> Call:
        return Call("conversation", "large", (), error="slow", why="The model took too long: no whole answer within 60 seconds.", cost=0.5)

    def beyond(_messages: Sequence[Mapping[str, Any]]) -> Call:
        raise Refused("Nothing was asked: the portal used its tokens of today.")

    made = ran(staff, of_model("large", down))
    assert (made.passed, made.cases, made.cost) == (0, 3, 1.5)  # what failed was paid too
    assert errors_of(made) == ["The model took too long: no whole answer within 60 seconds."]
    over = ran(staff, of_model("small", beyond), name="Beyond")
    assert (over.passed, errors_of(over)) == (0, ["Nothing was asked: the portal used its tokens of today."])
