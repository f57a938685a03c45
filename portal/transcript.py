"""A conversation as it was held, drawn by one component from words and marks alone: nothing that somebody wrote is interpreted."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from data.tables import Conversation, Message
from language.redact.findings import PLACEHOLDER
from portal import widgets

HERE = Path(__file__)
_draw = st.components.v2.component(
    "portal_transcript", js=HERE.with_suffix(".js").read_text("utf-8"), css=HERE.with_suffix(".css").read_text("utf-8")
)


def show(conversation: Conversation, messages: Sequence[Message], *, height: int | None = None, key: str | None = None) -> None:
    """The customer left, people and machines right. With a height it scrolls by itself, and the keyboard can reach it.

    The key is the place on the page, not the conversation: the next one is drawn into the same element, at once.
    """
    _draw(key=key or "transcript", data=told(conversation, messages) | {"height": height})


def show_frozen(subject_line: str, messages: Sequence[dict[str, Any]], channel: str, *, key: str, height: int | None = None) -> None:
    """What a test case asks: words without times, as they were frozen."""
    said = [
        _message(Message(conversation_id=key, seq=number, **{name: one[name] for name in FROZEN if name in one}), channel)
        | {"time": "", "exact": "", "day": ""}
        for number, one in enumerate(messages, start=1)
    ]
    _draw(
        key="frozen", data={"id": key, "channel": channel, "subject": _runs(subject_line), "messages": said, "height": height, "end": True}
    )


FROZEN = ("role", "text", "author", "tool_call", "tool_result")


def told(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """What the browser is given."""
    several_days = len({widgets.local(message.at).date() for message in messages}) > 1
    said, before = [], ""
    for message in messages:
        day = widgets.day(message.at) if several_days else ""
        said.append(_message(message, conversation.channel) | {"day": day if day != before else ""})
        before = day
    return {
        "id": conversation.id,
        "channel": conversation.channel,
        "subject": _runs(conversation.subject or ""),
        "messages": said,
    }


def _message(message: Message, channel: str) -> dict[str, Any]:
    side, who, icon = _speaker(message)
    marks = []
    if message.private:
        marks.append({"icon": "lock", "words": "private note"})
    if message.gone_at:
        marks.append({"icon": "delete", "words": "deleted where it came from"})
    return {
        "side": side,
        "who": who,
        "icon": icon,
        "time": f"{widgets.local(message.at):%H:%M}",
        "exact": widgets.exact(message.at),
        "into": _clock(message.start_ms) if message.start_ms is not None else "",
        "private": message.private,
        "gone": message.gone_at is not None,
        "marks": marks,
        "parts": list(_parts(message, channel)),
    }


SPEAKERS = {  # role: side, word, icon
    "customer": ("customer", "Customer", "person"),
    "rep": ("person", "Support", "support_agent"),
    "assistant": ("machine", "Machine", "smart_toy"),
    "tool": ("step", "Machine step", "build"),
    "system": ("step", "System", "settings"),
}


def _speaker(message: Message) -> tuple[str, str, str]:
    """The side, what they are called, and the icon beside it. A machine is always called one, whatever its name is."""
    side, words, icon = SPEAKERS[message.role]
    if message.author and message.role == "rep":
        words = message.author
    elif message.author and message.role == "assistant":
        words = f"Machine: {message.author}"
    return side, words, icon


def _clock(ms: int) -> str:
    """How far into a call."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


# -- what a message consists of -----------------------------------------------------------------------------------------------------------


def _parts(message: Message, channel: str) -> Iterator[dict[str, Any]]:
    """A machine's steps, folded; then its words, in which an e-mail's quotes are folded."""
    if call := message.tool_call:
        # of a case from a file it may be anything
        name, given = (call.get("name"), call.get("arguments")) if isinstance(call, dict) else ("", call)
        yield _step(f"Called {name or 'something'}", "\n".join(in_lines(given or {})) or "nothing")
    if message.tool_result is not None:
        yield _step("Its answer", "\n".join(in_lines(message.tool_result)) or "nothing")
    if not message.text:
        return
    if message.role == "system":
        yield _step("System message", message.text, icon="settings")
    elif message.role == "tool":
        yield _step("In words", message.text)
    else:
        yield from _words(message.text, channel)


def _step(title: str, text: str, *, icon: str = "build") -> dict[str, Any]:
    return {"fold": title, "icon": icon, "runs": _runs(text)}


def _words(text: str, channel: str) -> Iterator[dict[str, Any]]:
    for quoted, words in split_quotes(text) if channel == "email" else [(False, text)]:
        lines = len(words.strip().splitlines())
        shown = _runs(words.strip("\r\n"))
        if quoted:
            yield {"fold": f"Quoted: {lines} line{'' if lines == 1 else 's'}", "icon": "format_quote", "runs": shown}
        elif lines:
            yield {"runs": shown}


def _runs(text: str) -> list[str]:
    """Cut at the placeholders: every second piece is one."""
    return re.split(f"({PLACEHOLDER.pattern})", text)


MOST_LISTED = 50
SIMPLE: dict[bool | None, str] = {None: "nothing", True: "yes", False: "no"}


def in_lines(value: object, before: str = "") -> list[str]:
    """An object as lines of 'name: value': no screen shows JSON."""
    if isinstance(value, dict):
        return [line for name, part in value.items() for line in in_lines(part, f"{before}{name}: ")]
    if isinstance(value, list):
        listed = [line for number, part in enumerate(value[:MOST_LISTED], start=1) for line in in_lines(part, f"{before}{number}. ")]
        return listed + ([f"{before}and {len(value) - MOST_LISTED} more"] if len(value) > MOST_LISTED else [])
    return [f"{before}{SIMPLE[value] if value is None or isinstance(value, bool) else value}"]


# -- what an e-mail quotes ----------------------------------------------------------------------------------------------------------------

DATED = ("on ", "am ", "le ", "el ", "il ", "op ", "em ", "den ")
WROTE = re.compile(r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev)\b", re.IGNORECASE)
ORIGINAL = (
    "original message",
    "original appointment",
    "ursprüngliche nachricht",
    "originalnachricht",
    "message d'origine",
    "mensaje original",
    "messaggio originale",
    "oorspronkelijk bericht",
)
SENDER = ("from:", "von:", "de:", "da:", "van:")
SENT = ("sent:", "date:", "gesendet:", "datum:", "envoyé", "enviado", "inviato:", "verzonden:")
LONGEST_INTRODUCTION = 300


def split_quotes(text: str) -> list[tuple[bool, str]]:
    """The text in pieces, each with whether it is quoted; together they are the text, letter by letter.

    What introduces a quote ("On … wrote:") is part of it. Quoted is what begins with '>', or all that follows the introduction. Where
    nothing else is left, nothing counts as quoted: no message looks empty.
    """
    lines = text.splitlines(keepends=True)
    quoted = _quoted(lines)
    if all(is_quoted or not line.strip() for line, is_quoted in zip(lines, quoted, strict=True)):
        return [(False, text)] if text else []
    pieces: list[tuple[bool, str]] = []
    for line, is_quoted in zip(lines, quoted, strict=True):
        if pieces and pieces[-1][0] == is_quoted:
            pieces[-1] = (is_quoted, pieces[-1][1] + line)
        else:
            pieces.append((is_quoted, line))
    return pieces


def _quoted(lines: Sequence[str]) -> list[bool]:
    """Of each line whether it is quoted."""
    marked = [line.lstrip(" ").startswith(">") for line in lines]
    for place in range(len(lines)):
        if marked[place] or not (length := _introduction(lines, place)):
            continue
        follows = next((later for later in range(place + length, len(lines)) if lines[later].strip()), len(lines))
        end = follows if follows < len(lines) and marked[follows] else len(lines)
        marked[place:end] = [True] * (end - place)
    last = None
    for place, line in enumerate(lines):  # empty lines inside a quote are part of it
        if line.strip():
            if last is not None and marked[last] and marked[place]:
                marked[last:place] = [True] * (place - last)
            last = place
    return marked


def _introduction(lines: Sequence[str], place: int) -> int:
    """How many lines here say that a quote follows; 0 where none does. Mail programs break 'On … wrote:' in two."""
    first = lines[place].strip()
    second = lines[place + 1].strip() if place + 1 < len(lines) else ""
    low = first.lower()
    if low.startswith(DATED):
        return 1 if _says_who_wrote(first) else 2 if _says_who_wrote(f"{first} {second}") else 0
    if low.startswith("--") and low.endswith("--"):
        return 1 if low.strip("- ") in ORIGINAL else 0
    if low.startswith(SENDER) and second.lower().startswith(SENT):
        return 2
    return 1 if low.startswith("____") and not low.strip("_") and second.lower().startswith(SENDER) else 0


def _says_who_wrote(line: str) -> bool:
    """'On 3 May 2026 at 10:12 Jo wrote:', not 'On Monday I wrote you.'"""
    return len(line) <= LONGEST_INTRODUCTION and line.endswith(":") and any(map(str.isdigit, line)) and WROTE.search(line) is not None
