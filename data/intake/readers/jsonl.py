"""JSONL: one conversation a line, ours or as others write it."""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.plain import moment
from data.intake.reading import Mapping, Row, head, inputs, made, shown
from data.intake.reading import in_words as in_words

NAME, WORDS, UNIT = "jsonl", "JSONL, one conversation a line", "line"
ENDINGS = (".jsonl", ".ndjson")
LONGEST_LINE = 5_000_000  # bytes
DEEPEST = 60  # lists and objects in each other

RENAMED = {  # ours: what others call it; it counts where ours is not there
    "id": ("conversation_id", "ticket_id", "thread_id", "session_id", "chat_id", "call_id"),
    "subject": ("title",),
    "opened_at": ("created_at", "started_at"),
    "customer": ("customer_id", "user_id", "requester_id"),
    "messages": ("turns", "dialogue", "dialog", "utterances"),
}
RENAMED_IN_MESSAGES = {
    "at": ("ts", "timestamp", "created_at", "time"),
    "text": ("content", "body", "message"),
    "role": ("sender", "from", "speaker", "author_type"),
    "author": ("name",),
}
TIMES = ("ts", "timestamp", "created_at", "time", "started_at")


def looks_like(path: Path, head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"{"):
        return False
    line = start.partition(b"\n")[0]
    if path.suffix.lower() in ENDINGS or len(line) == len(start):  # one line may be longer than the head
        return True
    return line.rstrip().endswith(b"}") or line.startswith(b'{"')


def check(path: Path, mapping: Mapping = Mapping()) -> None:
    """A file that is not what it says is refused whole."""
    for one in inputs(path, ENDINGS):
        start = head(one)[:4096]
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Refused(f"Nothing was imported: {shown(one)} is written in UTF-16. Save it as UTF-8 and import that.")
        start = start.lstrip(b"\xef\xbb\xbf \r\n\t")
        if not start:
            raise Refused(f"Nothing was imported: {shown(one)} is empty.")
        if not start.startswith(b"{"):
            raise Refused(f"Nothing was imported: {shown(one)} is not JSONL. Each line must be one conversation as a JSON object.")
        if start.split(b"\n")[0].strip() == b"{":
            raise Refused(f"Nothing was imported: {shown(one)} is JSON over several lines. Each line must be one conversation.")


def guess(path: Path) -> Mapping:
    return Mapping()


def read(path: Path, mapping: Mapping = Mapping(), *, after_line: int = 0) -> Iterator[Row]:
    """Each line's number with its conversation, or with what is wrong with it. A folder's lines are counted through."""
    number = 0
    for one in inputs(path, ENDINGS):
        before = number
        for number, line in _lines(one, before):
            if number > after_line:
                row = parse(line, mapping) if line is not None else f"longer than {LONGEST_LINE // 1_000_000} MB"
                yield number, f"{shown(one)}, line {number - before}: {row}" if isinstance(row, str) and one != path else row


def _lines(path: Path, number: int) -> Iterator[tuple[int, bytes | None]]:
    """Lines that say something; None is one without end."""
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                yield number, None
            elif line.strip():
                yield number, line


def parse(line: bytes | str, mapping: Mapping = Mapping()) -> CanonicalConversation | str:
    try:
        raw = strict_json(line)
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(raw, dict):
        return "not a conversation: each line must be one JSON object"
    return made(canonical(raw, mapping))


def strict_json(content: bytes | str) -> Any:
    """The value, as the standard has it: no NaN, no endless number, no half characters, no bottomless nesting. Else ValueError in words."""
    text = content.decode() if isinstance(content, bytes) else content
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} deep") from None
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        level = [part for whole in level for part in (whole.values() if isinstance(whole, dict) else whole)]
    if "\\u" in text and not _whole_characters(value):
        raise ValueError("it holds half a character")
    return value


def _whole_characters(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is not finite")
    return number


def canonical(raw: dict[str, Any], mapping: Mapping) -> dict[str, Any]:
    """Ours of theirs: fields under their usual other names, roles by their words, the steps of tools."""
    _rename(raw, RENAMED, mapping)
    for name in ("id", "customer"):
        if isinstance(raw.get(name), int) and not isinstance(raw[name], bool):
            raw[name] = str(raw[name])
    raw.setdefault("source", mapping.source)
    raw.setdefault("channel", mapping.channel or "chat")
    if isinstance(raw.get("messages"), list):
        raw["messages"] = list(_messages(raw["messages"], mapping))
    return raw


def _rename(raw: dict[str, Any], names: dict[str, tuple[str, ...]], mapping: Mapping) -> None:
    for ours, theirs in names.items():
        if raw.get(ours) is not None:
            continue
        for name in theirs:
            value = raw.get(name)
            if value is None or (ours in ("role", "author", "subject") and not isinstance(value, str)):
                continue
            at = moment(value, mapping.time_zone) if name in TIMES else None
            raw[ours] = at or value
            del raw[name]
            break


def _messages(messages: list[Any], mapping: Mapping) -> Iterator[Any]:
    waiting = 0  # calls of tools whose results come next
    for message in messages:
        if not isinstance(message, dict):
            yield message
            continue
        told = message.get("role")
        _rename(message, RENAMED_IN_MESSAGES, mapping)
        _spoken(message)
        word = message.get("role")
        if isinstance(word, str):
            message["role"] = mapping.role(word) or word
        calls = message.pop("tool_calls", None) if isinstance(message.get("tool_calls"), list) else None
        if told in ("tool_call", "function_call") and "tool_call" not in message:
            waiting += 1
            yield _call(message, message.pop("author", None), message.get("text"))
        elif calls:
            if message.get("text"):
                yield message
            for call in calls:
                named = call.get("function") if isinstance(call, dict) else None
                named = named if isinstance(named, dict) else call if isinstance(call, dict) else {}
                waiting += 1
                yield _call({"at": message.get("at")}, named.get("name"), named.get("arguments"))
        elif message.get("role") == "tool" and (waiting or "tool_call_id" in message) and not {"tool_call", "tool_result"} & set(message):
            waiting = max(0, waiting - 1)
            message["tool_result"], message["text"] = _value(message.get("text") or ""), ""
            yield message
        else:
            yield message


def _spoken(message: dict[str, Any]) -> None:
    """Text may come as null, or in parts."""
    text = message.get("text")
    if text is None:
        message["text"] = ""
    elif isinstance(text, list) and all(isinstance(part, dict) for part in text):
        message["text"] = "\n".join(str(part["text"]) for part in text if isinstance(part.get("text"), str))


def _call(message: dict[str, Any], name: Any, arguments: Any) -> dict[str, Any]:
    value = _value(arguments) if isinstance(arguments, str) else arguments
    given = value if isinstance(value, dict) else {} if value in (None, "") else {"value": value}
    return message | {"role": "tool", "text": "", "tool_call": {"name": str(name or "unnamed"), "arguments": given}}


def _value(text: str) -> Any:
    """What a tool was given or gave: read where it is a list or an object, else as it stands."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return strict_json(text)
        except ValueError:
            return text
    return text
