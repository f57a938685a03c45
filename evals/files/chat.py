"""Conversations as lists of chat messages, which is how the world writes them, and back."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from data.intake.readers.jsonl import strict_json
from evals.files.notes import Notes, word

THEIRS = {"customer": "user", "rep": "assistant", "assistant": "assistant", "system": "system", "tool": "tool"}
OURS = {"user": "customer", "assistant": "assistant", "system": "system", "developer": "system", "tool": "tool", "function": "tool"}
FIELDS = {"role", "content", "tool_calls", "tool_call_id", "function", "id", "source"}  # the last two say nothing that is judged
MOST = 10_000  # messages

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]  # id, name, arguments -> a call as the format writes it


def inspect_call(made: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": made, "function": name, "arguments": arguments, "type": "function"}


def openai_call(made: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": made, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}}


def of(messages: Iterable[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
    """Ours as theirs. What a rep and what a machine said are both 'assistant' there."""
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages, start=1):
        text = message["text"]
        if isinstance(asked := message.get("tool_call"), dict):
            made = call(f"call-{number}", str(asked.get("name", "")), asked.get("arguments") or {})
            written.append({"role": "assistant", "content": text, "tool_calls": [made]})
        elif message["role"] == "tool":
            result = message.get("tool_result")
            told = text if result is None else result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
            written.append({"role": "tool", "content": told, "tool_call_id": f"call-{max(1, number - 1)}"})
        else:
            written.append({"role": THEIRS[message["role"]], "content": text})
    return written


def read(told: Any, notes: Notes, line: int) -> list[dict[str, Any]]:
    """Theirs as ours; ValueError in words where it is no conversation."""
    if isinstance(told, str):
        if not told.strip():
            raise ValueError("its input is empty")
        return [{"role": "customer", "text": told}]
    if not isinstance(told, list) or not told:
        raise ValueError("its input is neither a text nor a list of messages")
    if len(told) > MOST:
        raise ValueError(f"its input has more than {MOST:,} messages")
    messages: list[dict[str, Any]] = []
    waiting = 0  # calls of tools whose results come next
    for number, message in enumerate(told, start=1):
        read_here, waiting = _message(message, number, waiting, notes, line)
        messages += read_here
    return messages


def _message(message: Any, number: int, waiting: int, notes: Notes, line: int) -> tuple[list[dict[str, Any]], int]:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(role, str) or role not in OURS:
        raise ValueError(f"message {number} has the role {word(role)}: it must be one of {', '.join(OURS)}")
    for name in message.keys() - FIELDS:
        notes.add(f"Of messages, the field {word(name)} is not taken over", line)
    text = _text(message, number, notes, line)
    if calls := message.get("tool_calls"):
        if not isinstance(calls, list):
            raise ValueError(f"the calls of tools in message {number} are no list")
        asked = [{"role": "tool", "text": "", "tool_call": _call(made, number)} for made in calls]
        return [*([{"role": OURS[role], "text": text}] if text else []), *asked], waiting + len(asked)
    if OURS[role] == "tool" and waiting:
        return [{"role": "tool", "text": "", "tool_result": _value(text)}], waiting - 1
    return [{"role": OURS[role], "text": text}], waiting


def _text(message: dict[str, Any], number: int, notes: Notes, line: int) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None and message.get("tool_calls"):
        return ""
    if not isinstance(content, list):
        raise ValueError(f"message {number} has no text")
    parts = []
    for part in content:
        if (
            isinstance(part, dict)
            and isinstance(part.get("text"), str)
            and part.get("type", "text") in ("text", "input_text", "output_text")
        ):
            parts.append(part["text"])
        else:
            kind = part.get("type") if isinstance(part, dict) else part
            notes.add(f"Only the words of messages are taken over: {word(kind)} is not", line)
    if not parts:
        raise ValueError(f"message {number} has no text")
    return "\n".join(parts)


def _call(made: Any, number: int) -> dict[str, Any]:
    """A call as Inspect writes it (function is its name) or as OpenAI does (function is a table)."""
    told = made.get("function") if isinstance(made, dict) else None
    name, arguments = (
        (told.get("name"), told.get("arguments"))
        if isinstance(told, dict)
        else (told, (made or {}).get("arguments") if isinstance(made, dict) else None)
    )
    if isinstance(arguments, str):
        arguments = _value(arguments) if arguments.strip() else {}
    arguments = {} if arguments is None else arguments
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ValueError(f"a call of a tool in message {number} has no name or no arguments by name")
    return {"name": name, "arguments": arguments}


def _value(text: str) -> Any:
    """What a tool gave: read where it is a list or a table, else as it stands."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return strict_json(text)
        except ValueError:
            return text
    return text
