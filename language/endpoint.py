"""Asks a model behind any chat-completions endpoint: redacted before it leaves, in a time that holds, and what comes back is checked.

The endpoint's faults come back in words inside the `Call`; only a mistake of ours raises. It may take as long as the line's timeout, so
it is called from background work.
"""

import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from language import patience, redact
from language.call import Call, Fault, Line, ToolCall
from language.fitting import Fit, Unfit, fitting, kept
from language.wire import Expired, TooLarge, Wire, within

PLACEHOLDER = re.compile(r"‹([A-Z]+) ([0-9]{1,5})›")  # what was redacted before
CONNECT = 10.0  # seconds until a machine that does not pick up is down, not slow
AGAIN = {408, 409, 425, 429}  # and whatever is 500 or more
NO_CREDIT = "insufficient_quota"


def ask(
    line: Line,
    job: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    schema: type[BaseModel] | Mapping[str, Any] | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    max_tokens: int = 1024,
    temperature: float | None = None,
) -> Call:
    """One question and its answer. `messages` as in chat completions; a tool is {"name", "description", "parameters"}.

    With a schema the answer is what fits it, in `parsed`; one that does not fit is sent back once with what is wrong."""
    began = time.monotonic()
    clean = Redaction(messages)
    fit = fitting(schema) if schema is not None else None
    tally = Tally(deadline=began + line.timeout)
    sent = tuple(clean.message(message) for message in messages)
    call = Call(job, line.model(job), sent)
    offered = [{"type": "function", "function": {**tool, "description": clean.all(tool.get("description", ""))}} for tool in tools]
    body = {"model": call.model, "messages": list(sent), "max_tokens": max_tokens}
    body |= {"temperature": temperature} if temperature is not None else {}
    body |= {"response_format": fit.format} if fit else {}
    body |= {"tools": offered} if offered else {}
    names = {str(tool["name"]) for tool in tools}
    remembered = patience.of(line)
    try:
        with remembered.turn(line, line.timeout), remembered.attempt(line):
            call = _talked(line, body, call, lambda answer: _read(answer, fit, names), tally)
    except Fault as fault:
        call = replace(call, error=fault.kind, why=fault.sentence)
    return replace(
        call,
        tokens_in=tally.tokens_in,
        tokens_out=tally.tokens_out,
        cost=line.cost(call.model, tally.tokens_in, tally.tokens_out),
        ms=(time.monotonic() - began) * 1000,
        tries=tally.requests,
    )


@dataclass
class Tally:
    """What one call has used up."""

    deadline: float
    requests: int = 0
    retries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


class Redaction:
    """The numbering of one call: the same value has the same number in all its messages, and two cards are never both number 1,
    nor one of them the number of a card that was redacted before."""

    def __init__(self, beside: Any = "") -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._taken: dict[str, int] = {}
        for kind, number in PLACEHOLDER.findall(str(beside)):
            self._taken[kind] = max(self._taken.get(kind, 0), int(number))

    def message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """What is said in it. Ids and roles are no text, and what looks like a secret in them is none."""
        clean = {name: value if name in ("role", "tool_call_id") else self.all(value) for name, value in message.items()}
        if message.get("tool_calls"):
            clean["tool_calls"] = [
                {**call, "function": {**call["function"], "arguments": self.all(call["function"]["arguments"])}}
                for call in message["tool_calls"]
            ]
        return clean

    def all(self, value: Any) -> Any:
        if isinstance(value, str):
            return redact.redact(value, self._number)[0]
        if isinstance(value, Mapping):
            return {self.all(name): self.all(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.all(part) for part in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            clean = self.all(told := str(value))  # a card number written as a number
            return clean if clean != told else value
        return value

    def _number(self, finding: redact.Finding) -> int:
        next_one = 1 + self._taken.get(finding.kind.upper(), 0) + sum(1 for kind, _ in self._numbers if kind == finding.kind)
        return self._numbers.setdefault((finding.kind, finding.value), next_one)


Answered = tuple[str, Any, tuple[ToolCall, ...]]


def _talked(line: Line, body: dict[str, Any], call: Call, read: Callable[[Mapping[str, Any]], Answered], tally: Tally) -> Call:
    """Ask, and where the answer does not fit say so once."""
    first = _chat(line, body, tally)
    try:
        text, parsed, used = read(first)
    except Unfit as unfit:
        said = {"role": "assistant", "content": Redaction().all(unfit.said) or "(empty)"}
        told = {"role": "user", "content": f"This cannot be used: {unfit}. Answer the same again so that it fits, and add nothing else."}
        second = _chat(line, {**body, "messages": [*body["messages"], said, told]}, tally)
        try:
            text, parsed, used = read(second)
        except Unfit as still:
            raise Fault("bad_answer", f"{still}, also after it was told so") from None
    return replace(call, text=text, parsed=parsed, tools=used)


def _chat(line: Line, body: dict[str, Any], tally: Tally) -> dict[str, Any]:
    try:
        answer = post(line, "chat", body, tally)
    except Fault as fault:
        if fault.status != 400 or "max_completion_tokens" not in fault.why:
            raise
        # models that reason call the same thing by another name, and say so
        limited = {("max_completion_tokens" if name == "max_tokens" else name): value for name, value in body.items()}
        answer = post(line, "chat", limited, tally)
    _count(tally, body, answer)
    return answer


def _count(tally: Tally, body: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """The tokens as the server counts them, else four characters each: an unknown must not be free."""
    usage = answer.get("usage")
    told = usage if isinstance(usage, dict) else {}
    for name, column, text in (
        ("prompt_tokens", "tokens_in", body.get("messages")),
        ("completion_tokens", "tokens_out", answer.get("choices")),
    ):
        count = told.get(name)
        fair = isinstance(count, int) and 0 <= count < 10**9
        setattr(tally, column, getattr(tally, column) + (count if fair else len(json.dumps(text)) // 4))


# -- requests ---------------------------------------------------------------------------------------------------------------------------


def post(line: Line, what: str, body: dict[str, Any], tally: Tally) -> dict[str, Any]:
    """The endpoint's answer to a request, with up to three more tries in the time that is left; a Fault otherwise."""
    remembered = patience.of(line)
    while True:
        _wait(line, remembered.still_to_wait(), tally)
        try:
            return _decoded(_once(line, what, body, tally))
        except Fault as fault:
            if fault.wait is not None:
                remembered.asked_to_wait(fault.wait)
            if not fault.again or tally.retries >= line.tries - 1:
                raise
            if fault.wait is None:
                pause = line.pause * 2**tally.retries * random.uniform(0.75, 1.25)
                if pause >= tally.left:
                    raise
                time.sleep(pause)
            tally.retries += 1


def _wait(line: Line, seconds: float, tally: Tally) -> None:
    """As long as the server asked for, and a little, so that not all who wait come back in one moment."""
    if seconds <= 0:
        return
    if seconds >= tally.left:
        raise Fault("busy", f"it asks to be left alone for {seconds:,.0f} seconds, longer than the {line.timeout:g} that a call has")
    time.sleep(min(seconds + random.uniform(0, min(1.0, seconds / 10)), tally.left))


def _once(line: Line, what: str, body: dict[str, Any], tally: Tally) -> bytes:
    import httpx2
    import openai

    seconds = tally.left  # after the imports: the first one takes a second
    if seconds <= 0:
        raise _too_slow(line)
    tally.requests += 1
    wire = Wire(line.key)
    http = httpx2.Client(transport=wire, trust_env=False, follow_redirects=False)
    client = openai.OpenAI(
        api_key=line.key or "none", base_url=line.url, http_client=http, max_retries=0,
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT, seconds)),
    )  # fmt: skip
    made: Any = client.chat.completions if what == "chat" else client.embeddings
    try:
        content: bytes = within(seconds, wire, lambda: made.with_raw_response.create(**body).content)
        return content
    # nothing of these errors goes on: they hold the request, and with it the key
    except (Expired, openai.APITimeoutError) as late:
        raise _unreached(line, late) if isinstance(late.__cause__, httpx2.ConnectTimeout) else _too_slow(line) from None
    except openai.APIStatusError as told:
        raise _status(line, told.status_code, told.response.headers, told.code, told.message) from None
    except openai.APIConnectionError as lost:
        raise _unreached(line, lost) from None
    except TooLarge as large:
        raise Fault("bad_answer", str(large)) from None


def _unreached(line: Line, error: Exception) -> Fault:
    return Fault("down", f"no connection, or it hung up{_said(line, str(error.__cause__ or ''))}", again=True)


def _too_slow(line: Line) -> Fault:
    return Fault("slow", f"no whole answer within {line.timeout:g} seconds")


def _status(line: Line, status: int, headers: Mapping[str, str], code: str | None, message: str) -> Fault:
    said = _said(line, message)
    if status in (401, 403):
        return Fault("refused_key", f"it answers {status}{said}", status=status)
    if status == 429 and code == NO_CREDIT:
        return Fault("refused_key", f"its account has no credit left{said}", status=status)
    if status in AGAIN or status >= 500:
        kind = "busy" if status == 429 or (status == 503 and patience.asked(headers) is not None) else "down"
        return Fault(kind, f"it answers {status}{said}", again=True, wait=patience.asked(headers), status=status)
    if 300 <= status < 400:
        return Fault("refused", f"it answers {status} and points elsewhere, and we do not follow", status=status)
    return Fault("refused", f"it answers {status}{said}", status=status)


def _said(line: Line, message: str) -> str:
    """What the server says of its error, without what it may have repeated of ours."""
    plain = re.sub(r"\s+", " ", kept(message[:2000])).strip()
    plain = redact.masked(plain.replace(line.key, "(key)") if line.key else plain)
    return f" ({plain[:200]})" if plain else ""


def _decoded(raw: bytes) -> dict[str, Any]:
    def no_number(name: str) -> None:
        raise ValueError(f"{name} is no number")

    try:
        answer = kept(json.loads(raw, parse_constant=no_number))
    except (ValueError, RecursionError):
        raise Fault("bad_answer", "it is not JSON, or it was cut off") from None
    if not isinstance(answer, dict):
        raise Fault("bad_answer", "it is not a chat completion")
    return answer


# -- reading an answer ------------------------------------------------------------------------------------------------------------------


def _read(answer: Mapping[str, Any], fit: Fit | None, offered: set[str]) -> Answered:
    """Its text, what fits the schema, and the tools it wants used."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise Fault("bad_answer", "it is not a chat completion")
    text = _text(message.get("content"))
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        raise Fault("bad_answer", f"the model declined ({redact.masked(message['refusal'])[:200]})")
    used = _tools(message.get("tool_calls"), offered, text)
    if used:
        return text, None, used
    if first.get("finish_reason") == "length" and fit:
        raise Fault("bad_answer", "it was cut off at the most tokens that it may have")
    if not text.strip():
        raise Unfit("it is empty", text)
    return text, fit.value(text) if fit else None, ()


def _text(content: Any) -> str:
    """Some servers answer in parts."""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tools(called: Any, offered: set[str], text: str) -> tuple[ToolCall, ...]:
    used = []
    for number, told in enumerate(called if isinstance(called, list) else []):
        function = told.get("function") if isinstance(told, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or name not in offered:
            have = ", ".join(sorted(offered)) or "none"
            raise Unfit(f"it calls a tool named {str(name)[:60]!r}, and there are: {have}", text)
        try:
            arguments = kept(json.loads(function.get("arguments") or "{}"))
        except (ValueError, TypeError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            raise Unfit(f"the arguments of its tool call {name} are no JSON object", text)
        used.append(ToolCall(str(told.get("id") or f"call_{number}"), str(name), arguments))
    return tuple(used)
