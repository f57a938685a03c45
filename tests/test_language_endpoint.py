"""What leaves for a model is redacted and is ours alone; what comes back is checked; the endpoint's faults are told in words."""

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from data.values import now
from language import endpoint, patience
from language.call import Fault, Line, NoAnswer
from language.embeddings import EndpointEncoder
from language.patience import Patience
from tests import model_server as server
from tests.model_server import KEY, Model

HELLO = [{"role": "user", "content": "Hello"}]


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intent: Literal["refund", "order"]
    sure: float


SCHEMA = {
    "title": "Verdict", "type": "object", "additionalProperties": False, "required": ["intent", "sure"],
    "properties": {"intent": {"enum": ["refund", "order"]}, "sure": {"type": "number"}},
}  # fmt: skip
GOOD, BAD = '{"intent": "refund", "sure": 0.9}', '{"intent": "sing", "sure": 0.9}'


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running() as running:
        yield running


# -- asking -------------------------------------------------------------------------------------------------------------------------------


def test_each_job_asks_its_own_model_and_what_it_cost_is_counted(model: Model) -> None:
    line = model.line(prices={"large": (2.0, 10.0)})
    calls = [endpoint.ask(line, job, HELLO) for job in ("triage", "conversation", "accuracy")]
    assert [asked.body["model"] for asked in model.asked] == ["small", "large", "thinker"]
    assert [call.text for call in calls] == ["ok"] * 3
    assert [(call.tokens_in, call.tokens_out, call.cost) for call in calls] == [(10, 5, 0.0), (10, 5, pytest.approx(70e-6)), (10, 5, 0.0)]
    assert all(call.ok and call.tries == 1 and call.ms > 0 for call in calls)


def test_one_model_does_every_job_where_only_one_is_named(model: Model) -> None:
    line = model.line(models={"triage": "only"})
    assert endpoint.ask(line, "accuracy", HELLO).model == "only"
    with pytest.raises(KeyError, match="no model is named for the job 'poetry'"):
        endpoint.ask(line, "poetry", HELLO)
    with pytest.raises(KeyError):
        endpoint.ask(model.line(models={"triage": "a", "conversation": "b"}), "accuracy", HELLO)


@pytest.mark.parametrize("schema", [Verdict, SCHEMA])
@pytest.mark.parametrize("said", [GOOD, f"```json\n{GOOD}\n```", f"\n  {GOOD}\n"])
def test_an_answer_that_fits_the_schema_comes_back_parsed(model: Model, schema: Any, said: str) -> None:
    model.says(server.text(said))
    call = endpoint.ask(model.line(), "triage", HELLO, schema=schema)
    assert call.parsed == (Verdict(intent="refund", sure=0.9) if schema is Verdict else json.loads(GOOD))
    told = model.asked[0].body["response_format"]["json_schema"]
    assert (told["name"], told["strict"], call.tries) == ("Verdict", True, 1)


@pytest.mark.parametrize("schema", [Verdict, SCHEMA])
@pytest.mark.parametrize("said", [BAD, "{}", "[]", "I would say refund.", '{"intent": "refund", "sure": NaN}', "[" * 5000, ""])
def test_one_that_does_not_fit_is_sent_back_once(model: Model, schema: Any, said: str) -> None:
    model.says(server.text(said), server.text(GOOD))
    call = endpoint.ask(model.line(), "triage", HELLO, schema=schema)
    assert call.ok and call.tries == 2 and call.parsed is not None
    assert [message["role"] for message in model.asked[1].body["messages"]] == ["user", "assistant", "user"]
    assert model.asked[1].body["messages"][-1]["content"].startswith("This cannot be used: it ")
    assert (call.tokens_in, call.tokens_out) == (20, 10)  # both were paid for
    model.says(server.text(said))
    again = endpoint.ask(model.line(), "triage", HELLO, schema=schema)
    assert (again.error, again.tries, again.parsed, again.text) == ("bad_answer", 2, None, "")
    assert again.why.endswith("also after it was told so.")


def test_a_schema_that_leaves_room_is_not_called_strict(model: Model) -> None:
    class Loose(BaseModel):
        intent: str = "refund"

    model.says(server.text("{}"))
    call = endpoint.ask(model.line(), "triage", HELLO, schema=Loose)
    assert call.parsed == Loose()
    assert model.asked[0].body["response_format"]["json_schema"]["strict"] is False


def test_a_tool_that_was_offered_comes_back_with_its_arguments(model: Model) -> None:
    tool = {"name": "find_order", "description": "Finds an order", "parameters": {"type": "object", "properties": {}}}
    model.says(server.tool("find_order", {"number": 7}))
    call = endpoint.ask(model.line(), "conversation", HELLO, tools=[tool])
    assert [(used.id, used.name, used.arguments) for used in call.tools] == [("t1", "find_order", {"number": 7})]
    assert model.asked[0].body["tools"] == [{"type": "function", "function": tool}]


def test_models_that_reason_get_their_limit_under_the_name_they_know(model: Model) -> None:
    told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    model.says(server.status(400, told), server.text("ok"))
    assert endpoint.ask(model.line(), "accuracy", HELLO, max_tokens=77).ok
    assert [asked.body.get("max_tokens") for asked in model.asked] == [77, None]
    assert model.asked[1].body["max_completion_tokens"] == 77


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": -5, "completion_tokens": "many"}, {"prompt_tokens": 10**12}, [], "free"])
def test_tokens_that_the_server_does_not_count_are_estimated(model: Model, usage: Any) -> None:
    model.says(server.text("x" * 400, usage=usage))
    call = endpoint.ask(model.line(), "triage", HELLO)
    assert 5 <= call.tokens_in < 50
    assert 100 <= call.tokens_out < 200


def test_what_no_database_keeps_is_taken_out(model: Model) -> None:
    model.says(server.raw(json.dumps(server.completion({"content": "a\0b\ud800c"})).encode()))
    assert endpoint.ask(model.line(), "triage", HELLO).text == "ab?c"


def test_an_answer_in_parts_is_put_together(model: Model) -> None:
    model.says(server.text([{"type": "text", "text": "Good "}, {"type": "text", "text": "day"}, "?"]))
    assert endpoint.ask(model.line(), "triage", HELLO).text == "Good day"


# -- what leaves --------------------------------------------------------------------------------------------------------------------------


def luhn(digits: str) -> str:
    total = sum(int(digit) if place % 2 else sum(divmod(int(digit) * 2, 10)) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def canaries(count: int) -> list[str]:
    rng = random.Random(24)
    cards = [luhn("4" + "".join(str(rng.randrange(10)) for _ in range(14))) for _ in range(count // 2)]
    return cards + [f"canary.{rng.randrange(10**9)}.{number}@example.org" for number in range(count - count // 2)]


def planted(found: list[str]) -> list[dict[str, Any]]:
    """A canary wherever one can stand in what is asked."""
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": json.dumps({"who": found[3]})}}
    parts = [{"type": "text", "text": f"Or {value}"} for value in found[6:]]
    return [
        {"role": "system", "content": f"The customer wrote {found[0]} before."},
        {"role": "user", "content": f"Mine is {found[1]}, and my wife's is {found[2]}."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"order": {"by": found[4], found[5]: 1}})},
        {"role": "user", "content": parts},
    ]


def seen(model: Model, found: list[str]) -> list[str]:
    came = "\n".join(asked.raw for asked in model.asked)
    return [value for value in found if value in came]


def ask_all(model: Model, found: list[str]) -> None:
    model.says(server.text(f"You said {found[0]}"), server.text(GOOD))  # the model repeats it, and its answer is sent back to be mended
    for start in range(0, len(found), 40):
        call = endpoint.ask(model.line(), "triage", planted(found[start : start + 40]), schema=Verdict)
        assert call.ok
        assert not [value for value in found if value in json.dumps(call.messages)]


def test_of_a_thousand_canaries_none_leaves(model: Model) -> None:
    found = canaries(1000)
    ask_all(model, found)
    assert len(model.asked) == 26
    assert seen(model, found) == []


def test_with_the_redaction_off_they_all_leave(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the listener would have seen them."""
    monkeypatch.setattr(endpoint.Redaction, "all", lambda self, value: value)
    found = canaries(40)
    call = endpoint.ask(model.line(), "triage", planted(found))
    assert call.ok
    assert seen(model, found) == found


def test_the_same_card_has_the_same_number_in_all_messages_and_no_other_has_it(model: Model) -> None:
    one, other = canaries(4)[:2]
    said = [f"‹CARD 3› was mine. {one}", f"Not {other}, but {one}", "‹CARD 1›"]
    endpoint.ask(model.line(), "triage", [{"role": "user", "content": text} for text in said])
    assert [message["content"] for message in model.asked[0].body["messages"]] == [
        "‹CARD 3› was mine. ‹CARD 4›", "Not ‹CARD 5›, but ‹CARD 4›", "‹CARD 1›",
    ]  # fmt: skip


def test_nothing_of_the_environment_leaves(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.closed_port()}")
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: of-the-environment\nAuthorization: Bearer of-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://of-the-environment.example/v1")
    assert endpoint.ask(model.line(), "triage", HELLO).ok
    assert endpoint.ask(model.line(key=""), "triage", HELLO).ok
    assert "of-the-environment" not in str([asked.headers for asked in model.asked])
    assert set(model.asked[0].headers) == {
        "host", "connection", "accept", "content-type", "content-length", "user-agent", "accept-encoding", "authorization",
    }  # fmt: skip
    assert (model.asked[0].headers["authorization"], model.asked[1].headers.get("authorization")) == (f"Bearer {KEY}", None)


def test_the_key_stands_in_no_error_and_no_text_about_the_line(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for answer in (server.status(401, f"Incorrect key: {KEY}"), server.status(500, KEY), server.raw(KEY.encode(), 418), server.hang_up):
        model.says(answer)
        call = endpoint.ask(model.line(), "triage", HELLO)
        assert call.error and KEY not in repr(call)
    assert KEY not in repr(model.line()) + caplog.text
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in model.asked)  # the control: it was in use


TRICKS = ("{other}/v1", "{own}.evil.example/v1", "{own}@{bare}/v1", "{own}/../../@{bare}", "{other}/v1?{own}")


@pytest.mark.parametrize("trick", range(5))
def test_a_line_of_another_url_is_another_line_and_has_to_bring_its_own_key(model: Model, trick: int) -> None:
    with server.running() as listener:
        own, other = model.url.removesuffix("/v1"), listener.url.removesuffix("/v1")
        url = TRICKS[trick].format(own=own, other=other, bare=other.removeprefix("http://"))
        assert endpoint.ask(model.line(), "triage", HELLO).ok
        try:
            changed = Line(url=url, key="", models=server.MODELS, timeout=2.0, tries=1)
        except ValueError:
            return  # a URL that only looks like ours is none
        assert changed != model.line()
        endpoint.ask(changed, "triage", HELLO)
        assert KEY not in str([asked.headers for asked in listener.asked])
        control = replace(changed, key=KEY)
        endpoint.ask(control, "triage", HELLO)
        assert listener.asked == [] or KEY in str(listener.asked[-1].headers)  # the control: it would have been seen


def test_a_redirect_takes_the_key_nowhere(model: Model) -> None:
    with server.running() as listener:
        model.says(server.redirect(f"{listener.url}/chat/completions"))
        call = endpoint.ask(model.line(), "triage", HELLO)
        assert (call.error, len(model.asked), listener.asked) == ("refused", 1, [])
        assert call.why == "The model endpoint refuses the request: it answers 307 and points elsewhere, and we do not follow."


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/v1",
        "x",
        "",
        "http://",
        "http://user:pw@x/v1",
        "https://@x/v1",
        "https://x/v1?a=b",
        "https://x/#",
        "https://x:1.evil/v1",
        "https://x\\@y/v1",
        "https://x/v1\n",
        "https://x y/",
    ],
)
def test_a_url_that_hides_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"reads like https://host/v1"):
        Line(url=url, key="", models={})


@pytest.mark.parametrize("key", ["a b", "a\n", "a\r\nX-Evil: 1", "ключ", "a\0"])
def test_a_key_that_is_none_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError) as refused:
        Line(url="https://x/v1", key=key, models={})
    assert key not in str(refused.value)


# -- patience -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after": "0.5"}, 0.5), ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "-1"}, None), ({"retry-after": "nan"}, None), ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, float("inf")),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0), ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)  # fmt: skip
def test_a_retry_after_is_read_as_a_number_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert patience.asked(headers, now=100.0) == seconds


def failing(remembered: Patience, line: Line, kind: str = "down") -> str:
    try:
        with remembered.attempt(line):
            raise Fault(kind, "it was tried")
    except Fault as fault:
        return fault.why


def test_after_failures_in_a_row_it_is_left_alone_and_then_one_call_tries() -> None:
    clock = [0.0]
    remembered, line = Patience(lambda: clock[0]), Line(url="https://x/v1", key="", models={}, failures=3, rest=30.0)
    assert [failing(remembered, line) for _ in range(3)] == ["it was tried"] * 3
    assert failing(remembered, line) == "3 calls in a row failed, so it is left alone; it is tried again in 30 seconds"
    clock[0] = 31.0
    with remembered.attempt(line):  # the one that tries
        assert failing(remembered, line) == "3 calls in a row failed, so it is left alone; it is tried again now by another call"
    assert failing(remembered, line) == "it was tried"  # it worked, so everything begins anew
    assert failing(remembered, line) == "it was tried"


def test_a_try_that_fails_lets_it_rest_again() -> None:
    clock = [0.0]
    remembered, line = Patience(lambda: clock[0]), Line(url="https://x/v1", key="", models={}, failures=2, rest=30.0)
    failing(remembered, line), failing(remembered, line)
    clock[0] = 31.0
    assert failing(remembered, line, "slow") == "it was tried"
    assert failing(remembered, line).endswith("it is tried again in 30 seconds")


@pytest.mark.parametrize("kind", ["busy", "refused_key", "refused", "bad_answer"])
def test_an_endpoint_that_answers_is_not_left_alone(kind: str) -> None:
    remembered, line = Patience(lambda: 0.0), Line(url="https://x/v1", key="", models={}, failures=2)
    assert [failing(remembered, line, kind) for _ in range(9)] == ["it was tried"] * 9


def test_an_endpoint_that_is_down_is_asked_no_more_until_it_has_rested(model: Model) -> None:
    model.says(server.status(500))
    line = model.line(failures=2, rest=600.0, tries=1)
    assert [endpoint.ask(line, "triage", HELLO).error for _ in range(5)] == ["down"] * 5
    assert len(model.asked) == 2
    model.says(server.text("ok"))
    assert endpoint.ask(replace(line, key="another"), "triage", HELLO).ok  # a new key begins anew
    assert not endpoint.ask(line, "triage", HELLO).ok
    patience.forget()
    assert endpoint.ask(line, "triage", HELLO).ok


def test_no_more_calls_are_under_way_than_the_line_allows(model: Model) -> None:
    def slow(handler: server.Handler) -> None:
        handler.model.over.wait(0.15)
        server.text("ok")(handler)

    def ask(allowed: int) -> None:
        threads = [threading.Thread(target=endpoint.ask, args=(model.line(at_once=allowed), "triage", HELLO)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    model.says(slow)
    ask(2)
    assert (model.most_at_once, len(model.asked)) == (2, 8)
    ask(8)
    assert model.most_at_once > 2  # the control


def test_who_finds_no_place_in_time_is_told_so(model: Model) -> None:
    model.says(server.hang)
    first = threading.Thread(target=endpoint.ask, args=(model.line(at_once=1, timeout=3.0), "triage", HELLO))
    first.start()
    while not model.asked:
        time.sleep(0.01)
    call = endpoint.ask(model.line(at_once=1, timeout=0.3), "triage", HELLO)
    model.over.set()
    first.join()
    assert (call.error, call.tries) == ("busy", 0)
    assert "1 calls are under way" in call.why


def test_a_wait_that_one_call_was_asked_for_is_kept_by_the_next(model: Model) -> None:
    date = format_datetime(now().replace(year=now().year + 1), usegmt=True)
    model.says(server.status(429, Retry_After=date), server.text("ok"))
    assert endpoint.ask(model.line(), "triage", HELLO).error == "busy"
    assert endpoint.ask(model.line(), "triage", HELLO).error == "busy"
    assert len(model.asked) == 1


# -- an encoder behind the endpoint -------------------------------------------------------------------------------------------------------


def test_an_encoder_behind_the_endpoint_gives_a_row_for_each_text(model: Model) -> None:
    model.says(server.embeddings)
    there = EndpointEncoder(model.line(), "embedder", languages=("en", "de"))
    texts = [f"{'x' * number}" for number in range(1, 40)]
    rows = there.encode(texts)
    expected = np.array([[len(text), ord("x"), 1.0] for text in texts], np.float32)
    assert np.allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert [len(asked.body["input"]) for asked in model.asked] == [16, 16, 7]
    assert there.name == f"embedder at {model.line().host}"
    assert [there.speaks(language) for language in ("de", "fr")] == [True, False]


def test_texts_are_redacted_before_they_are_encoded_there(model: Model) -> None:
    model.says(server.embeddings)
    found = canaries(20)
    EndpointEncoder(model.line(), "embedder").encode([f"Mine is {value}" for value in found] + [""])
    assert seen(model, found) == []
    assert len(model.asked) == 2


@pytest.mark.parametrize("data", [[], [{"index": 0, "embedding": []}], [{"index": 1, "embedding": [1.0]}], [{"index": 0}], "x", None,
                                  [{"index": 0, "embedding": ["x"]}], [{"index": 0, "embedding": [1e999]}]])  # fmt: skip
def test_vectors_that_are_none_are_refused(model: Model, data: Any) -> None:
    model.says(server.raw(json.dumps({"object": "list", "data": data, "model": "e", "usage": {}}).encode()))
    with pytest.raises(NoAnswer, match=r"^The texts were not encoded\. The model's answer cannot be used"):
        EndpointEncoder(model.line(), "embedder").encode(["text"])
