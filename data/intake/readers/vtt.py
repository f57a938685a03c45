"""WebVTT: the transcript of a call. A file is one call, a folder is many."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import Refused
from data.intake.plain import moment
from data.intake.reading import KNOWN_ROLES, Mapping, Row, head, inputs, made, shown, unknown_role

NAME, WORDS, UNIT = "vtt", "Transcripts of calls (WebVTT)", "call"
ENDINGS = (".vtt",)
LARGEST, MOST_CUES, LONGEST_LINE, LONGEST_TEXT = 20_000_000, 100_000, 100_000, 90_000  # bytes, cues, bytes, characters
PAUSE = 2_000  # ms: after a longer one the same speaker begins a new message
GUESSED_FROM = 50  # files of a folder

TIME = r"(?:(\d{1,4}):)?(\d\d):(\d\d)[.,](\d{3})"
TIMING = re.compile(rf"^\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?$")
VOICE = re.compile(r"<v(?:\.[^\s>]{1,100})?[ \t]+([^>]{1,200})>")
TAG = re.compile(r"</?[a-z][^<>]{0,200}>|<\d[\d:.]{0,20}>|</v>")
PREFIX = re.compile(r"^\s*(?:-\s*)?([^\W\d_][\w .'()-]{0,39}?)\s?:\s+(?=\S)")
TOLD = re.compile(r"^\s*([A-Za-z_ ]{1,30}?)\s*[:=]\s*(\S.{0,499})$")
NOTES = {  # what a note beside the cues may say of the call
    "id": "id|call id|call",
    "customer": "customer|caller|customer id",
    "customer_name": "customer name",
    "assignee": "agent|assignee|rep",
    "subject": "subject|title",
    "opened_at": "date|at|recorded|recorded at|started at|opened at",
    "language": "language",
    "status": "status",
    "csat": "csat",
    "tags": "tags",
}
OURS = {word: name for name, words in NOTES.items() for word in words.split("|")}
OPENINGS = re.compile(
    r"thank(?:s| you) for calling|how (?:can|may) i help|speaking, how|this call may be recorded|welcome to .{1,40} support|"
    r"was kann ich für sie tun|wie kann ich (?:ihnen )?helfen|willkommen bei|mein name ist .{1,60}(?:helfen|tun)",
    re.IGNORECASE,
)


@dataclass
class Call:
    """What a file says, its cues joined to what each speaker said in one go."""

    told: dict[str, str] = field(default_factory=dict)
    spoken: list[dict[str, Any]] = field(default_factory=list)  # speaker, text, start_ms, end_ms
    cues: int = 0


def looks_like(path: Path, head: bytes) -> bool:
    return re.match(rb"(?:\xef\xbb\xbf)?WEBVTT(?:[ \t\r\n]|$)", head) is not None


def check(path: Path, mapping: Mapping = Mapping()) -> None:
    files = inputs(path, ENDINGS)
    if files != [path]:
        return  # of many calls each is told by itself
    start = head(path)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(f"Nothing was imported: {shown(path)} is written in UTF-16. Save it as UTF-8 and import that.")
    if not looks_like(path, start):
        raise Refused(f"Nothing was imported: {shown(path)} is not WebVTT. Its first line must be WEBVTT.")
    call = _call(path)
    if isinstance(call, str):
        raise Refused(f"Nothing was imported: {shown(path)} {call}.")


def guess(path: Path) -> Mapping:
    """Every speaker, with whose words they seem to be; one about whom nothing is known stands with an empty word."""
    roles: dict[str, str] = {}
    for one in inputs(path, ENDINGS)[:GUESSED_FROM]:
        call = _call(one)
        if isinstance(call, Call):
            for speaker, role in _roles(call, Mapping()).items():
                roles[speaker] = roles.get(speaker) or role
    return Mapping(channel="voice", roles=dict(islice(roles.items(), 200)))


def read(path: Path, mapping: Mapping = Mapping()) -> Iterator[Row]:
    for number, one in enumerate(inputs(path, ENDINGS), start=1):
        call = _call(one) if looks_like(one, head(one)) else "is not WebVTT"
        row = f"it {call}" if isinstance(call, str) else _conversation(call, one, mapping)
        yield number, f"{shown(one)}: {row}" if isinstance(row, str) and one != path else row


def _call(path: Path) -> Call | str:
    size = path.stat().st_size
    if size > LARGEST:
        return f"has {size / 1e6:,.0f} MB, {LARGEST / 1e6:,.0f} are the most for one call"
    call = Call()
    for number, block in enumerate(_blocks(path)):
        if isinstance(block, str):
            return block
        place = next((place for place, line in enumerate(block[:2]) if "-->" in line), None)
        timing = TIMING.match(block[place]) if place is not None else None
        if timing and place is not None:
            call.cues += 1
            if call.cues > MOST_CUES:
                return f"has more than {MOST_CUES:,} cues"
            _hear(call, timing, block[place + 1 :])
        elif number == 0 or block[0].startswith("NOTE"):
            _note(call, block)
    if not call.cues:
        return "has no cues: nothing was said, or the times are not written like 00:01.000 --> 00:02.000"
    return call


def _blocks(path: Path) -> Iterator[list[str] | str]:
    """Lines between empty lines."""
    block: list[str] = []
    size = 0
    with path.open("rb") as file:
        while raw := file.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                yield f"has a line longer than {LONGEST_LINE:,} characters"
                return
            try:
                line = raw.decode()
            except UnicodeDecodeError:
                line = raw.decode("cp1252", errors="replace")
            for one in line.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"):
                if one.strip():
                    block.append(one.removeprefix("\ufeff"))
                    size += len(one)
                elif block:
                    yield block
                    block, size = [], 0
            if size > 1_000_000:
                yield "has a cue longer than 1 MB"
                return
    if block:
        yield block


def _ms(hours: str | None, minutes: str, seconds: str, thousandths: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)


def _hear(call: Call, timing: re.Match[str], lines: list[str]) -> None:
    """A cue's words, to each speaker theirs."""
    start, end = _ms(*timing.groups()[:4]), _ms(*timing.groups()[4:8])
    last = call.spoken[-1]["speaker"] if call.spoken else ""
    pieces: list[tuple[str, str]] = []
    for line in lines:
        parts = VOICE.split(line)  # text, speaker, text, speaker, text …
        if len(parts) == 1 and (prefix := PREFIX.match(line)):
            parts = ["", prefix[1], line[prefix.end() :]]
        for place in range(0, len(parts), 2):
            speaker = " ".join(unescape(parts[place - 1]).split())[:100] if place else pieces[-1][0] if pieces else last
            text = " ".join(unescape(TAG.sub("", parts[place])).split())
            if text:
                pieces.append((speaker, text))
    for speaker, text in pieces:
        before = call.spoken[-1] if call.spoken else None
        if before and before["speaker"] == speaker and start - before["end_ms"] < PAUSE and before["size"] + len(text) < LONGEST_TEXT:
            before["texts"].append(text)
            before["size"] += len(text) + 1
            before["end_ms"] = max(end, before["end_ms"])
        else:
            call.spoken.append({"speaker": speaker, "texts": [text], "size": len(text), "start_ms": start, "end_ms": end})


def _note(call: Call, block: list[str]) -> None:
    """'NOTE id: 7', or a block of such lines below NOTE, or beside WEBVTT."""
    for line in [re.sub(r"^(?:NOTE|WEBVTT)\b", "", block[0]), *block[1:50]]:
        told = TOLD.match(line)
        if told and len(call.told) < 100:
            call.told.setdefault(told[1].strip().lower().replace("_", " "), told[2].strip())


def _roles(call: Call, mapping: Mapping) -> dict[str, str]:
    """Whose words each speaker's are: as was said, as their name tells, as they greet; of two the other is the customer."""
    speakers = list(dict.fromkeys(one["speaker"] for one in call.spoken if one["speaker"]))
    roles = {speaker: mapping.role(speaker) or _by_name(speaker) for speaker in speakers}
    told = {call.told.get("agent", ""): "rep", call.told.get("rep", ""): "rep", call.told.get("customer name", ""): "customer"}
    roles = {speaker: role or told.get(speaker, "") for speaker, role in roles.items()}
    if not any(roles.values()):
        greeting = next((one["speaker"] for one in call.spoken[:10] if OPENINGS.search(" ".join(one["texts"])[:2000])), "")
        if greeting:
            roles[greeting] = "rep"
    unknown = [speaker for speaker, role in roles.items() if not role]
    if len(roles) == 2 and len(unknown) == 1:
        known = next(role for role in roles.values() if role)
        roles[unknown[0]] = "rep" if known == "customer" else "customer"
    return roles


def _by_name(speaker: str) -> str:
    """'Agent 2', 'Support (Rita)'."""
    found = Counter(KNOWN_ROLES[word] for word in re.findall(r"[^\W\d_]+", speaker.lower()) if word in KNOWN_ROLES)
    return next(iter(found)) if len(found) == 1 else ""


def _conversation(call: Call, path: Path, mapping: Mapping) -> Any:
    roles = _roles(call, mapping)
    if not roles:
        return "nobody is named: cues need <v Name>, or 'Name: ' before what was said"
    stranger = next((speaker for speaker, role in roles.items() if not role), None)
    if stranger is not None:
        return f"speaker: {unknown_role(stranger)}"
    told = {OURS[name]: value for name, value in call.told.items() if name in OURS}
    at = moment(told.get("opened_at"), mapping.time_zone)
    raw: dict[str, Any] = {name: value for name, value in call.told.items() if name not in OURS and name not in ("kind", "regions")}
    raw = {f"{name} (note)": value for name, value in raw.items()}
    raw |= {"id": told.get("id") or path.stem[:200], "source": mapping.source, "channel": mapping.channel or "voice", "opened_at": at}
    raw |= {name: told.get(name) for name in ("customer", "subject", "assignee", "language", "status")}
    raw["customer_names"] = [told["customer_name"]] if "customer_name" in told else []
    raw["tags"] = [tag.strip() for tag in told.get("tags", "").split(",") if tag.strip()]
    raw["csat"] = int(told["csat"]) if re.fullmatch(r"[1-5]", told.get("csat", "")) else None
    first = next(iter(roles))
    messages = []
    for one in call.spoken:
        speaker = one["speaker"] or first
        message = {"role": roles[speaker], "text": " ".join(one["texts"]), "start_ms": one["start_ms"], "end_ms": one["end_ms"]}
        message["at"] = at + timedelta(milliseconds=one["start_ms"]) if at else None
        message["author"] = speaker if roles[speaker] == "rep" and speaker.lower() not in KNOWN_ROLES else None
        messages.append(message)
    return made(raw | {"messages": messages})
