"""CSV: a row a message, or a row a conversation. Which column is what is guessed, shown, and can be said."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import Refused
from data.intake import columns as naming
from data.intake import spool
from data.intake.canonical import CanonicalConversation
from data.intake.plain import moment, zone
from data.intake.reading import KNOWN_ROLES, Mapping, Row, inputs, made, shown, unknown_role
from data.intake.records import DELIMITERS, decoded, records_of

NAME, WORDS, UNIT = "csv", "CSV, a row a message or a row a conversation", "line"
ENDINGS = (".csv", ".tsv", ".tab", ".txt")
LONGEST_CELL = 100_000
MOST_COLUMNS = 500
SAMPLE = 1000  # records that a guess looks at

CHANNELS = {
    "chat": "chat messaging messenger whatsapp web widget sms live instagram facebook twitter social slack telegram app api",
    "email": "email mail e-mail e_mail brief form webform formular",
    "voice": "voice phone call telefon telephone anruf hotline",
}
CHANNEL_OF = {word: channel for channel, words in CHANNELS.items() for word in words.split()}
FIRST = ("subject", "channel", "customer", "customer_name", "opened_at", "language")  # said once or at the beginning
TIMES = ("at", "opened_at", "closed_at")
LAST = ("status", "csat", "tags", "assignee", "closed_at")  # as it was in the end
SPEAKER = re.compile(r"^\s*(?:[\[(]?\d\d?:\d\d(?::\d\d)?[\])]?\s*)?([^\W\d_][\w .'-]{0,39}?)\s*(?:\([^()\n]{0,40}\))?\s?:(?:\s+|$)(.*)$")
YES = {"true", "yes", "1", "ja", "wahr", "x", "y", "j", "private", "privat", "intern", "internal"}


@dataclass(frozen=True)
class Layout:
    """What a file's columns mean."""

    names: list[str]  # of the columns
    fields: dict[str, int]  # our field -> the column's place
    roles: dict[str, str]
    day_first: bool | None

    @property
    def by_message(self) -> bool:
        return "role" in self.fields and "answer" not in self.fields


def _names(record: list[str] | str, path: Path) -> list[str]:
    if isinstance(record, str):
        raise Refused(f"Nothing was imported: the first line of {shown(path)} should name the columns, but it is not CSV: {record}.")
    if len(record) > MOST_COLUMNS:
        raise Refused(f"Nothing was imported: {shown(path)} has {len(record):,} columns. More than {MOST_COLUMNS} are no conversations.")
    seen: Counter[str] = Counter()
    names = []
    for place, cell in enumerate(record, start=1):
        name = " ".join(cell.split())[:100] or f"column {place}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


# What the columns mean


def looks_like(path: Path, head: bytes) -> bool:
    if path.suffix.lower() in (".csv", ".tsv", ".tab"):
        return True
    text = head.decode("utf-16", errors="replace") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else decoded(head)
    lines = [line for line in text.split("\n") if line.strip()][:20]
    if len(lines) < 2 or lines[0].lstrip()[:1] in "{[<":
        return False
    for delimiter in DELIMITERS:
        with suppress(csv.Error):
            cells = [len(record) for record in csv.reader(lines, delimiter=delimiter)]
            if cells[0] > 1 and cells[:-1].count(cells[0]) >= 0.9 * (len(cells) - 1) and len(cells) > 1:
                return True
    return False


def columns(path: Path) -> list[str]:
    """The columns' names as the first line has them."""
    return _top(path)[0]


def distinct(path: Path, column: str, most: int = 50) -> list[str]:
    """What stands in a column, the most frequent first: the words of a role column are mapped by a person."""
    place = columns(path).index(column)
    seen: Counter[str] = Counter()
    for _, record in islice(records_of(path), 1, None):
        if isinstance(record, list) and place < len(record) and (len(seen) < 10_000 or record[place] in seen):
            seen[record[place].strip()[:200]] += 1
    return [value for value, _ in seen.most_common(most) if value]


def _top(path: Path) -> tuple[list[str], list[list[str]]]:
    """The columns' names and the first rows."""
    records = (record for _, record in records_of(path))
    first = next(records, None)
    if first is None:
        raise Refused(f"Nothing was imported: {shown(path)} is empty.")
    return _names(first, path), [record for record in islice(records, SAMPLE) if isinstance(record, list)]


def guess(path: Path) -> Mapping:
    return _guessed(*_top(path))


def _guessed(names: list[str], rows: list[list[str]]) -> Mapping:
    found = naming.guess(names, rows)
    roles: dict[str, str] = {}
    if "role" in found:
        place = names.index(found["role"])
        roles = naming.roles(found["role"], sorted({row[place].strip() for row in rows if place < len(row)})[:200])
    return Mapping(columns=found, roles=roles)


def _layout(path: Path, mapping: Mapping) -> tuple[Layout, list[list[str]]]:
    names, rows = _top(path)
    guessed = _guessed(names, rows)
    said = {("id" if field == "conversation" else field): column for field, column in mapping.columns.items()}
    for field, column in said.items():
        if field not in naming.FIELDS:
            raise Refused(f"Nothing was imported: '{field[:40]}' is no field of ours. There are {', '.join(naming.FIELDS)}.")
        if column and column not in names:
            raise Refused(f"Nothing was imported: {shown(path)} has no column '{column[:60]}'. It has {_listed(names)}.")
    chosen = {field: column for field, column in guessed.columns.items() if column not in said.values()} | said
    fields = {field: names.index(column) for field, column in chosen.items() if column}
    times = [row[place] for row in rows for field in TIMES if (place := fields.get(field, len(row))) < len(row)]
    return Layout(names, fields, guessed.roles | mapping.roles, naming.day_first(times, mapping.time_zone)), rows


def _listed(names: list[str]) -> str:
    return "the columns " + ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def check(path: Path, mapping: Mapping = Mapping()) -> None:
    """A table in which nobody's words or no conversation can be found is refused whole."""
    (file,) = inputs(path, ENDINGS)[:1]
    if file != path:
        raise Refused(f"Nothing was imported: {shown(path)} is a folder. CSV files are imported one by one.")
    zone(mapping.time_zone)
    layout, rows = _layout(path, mapping)
    if len(layout.names) < 2:
        raise Refused(f"Nothing was imported: {shown(path)} has only one column. Cells are parted by comma, semicolon, tab or |.")
    has = f"Nothing was imported: {shown(path)} has {_listed(layout.names)}."
    if not {"text", "answer", "subject"} & layout.fields.keys() or (layout.by_message and "text" not in layout.fields):
        raise Refused(f"{has} Say which holds the customer's words: --column text=…")
    if "id" not in layout.fields:
        raise Refused(f"{has} Say which holds the conversation's number: --column id=…")
    if not rows:
        raise Refused(f"Nothing was imported: {shown(path)} has columns, but no rows.")
    place = layout.fields["id"]
    ids = Counter(row[place] for row in rows if place < len(row))
    if not layout.by_message and sum(ids.values()) >= 1.2 * len(ids) and "answer" not in layout.fields:
        raise Refused(f"{has} Several rows have one number, so a row is a message. Say which tells whose words they are: --column role=…")
    if layout.day_first is None:
        for field in TIMES:
            for row in rows:
                value = row[layout.fields[field]].strip() if layout.fields.get(field, len(row)) < len(row) else ""
                if re.match(r"\d\d?[/-]\d\d?[/-]\d{4}", value) and not moment(value) and moment(value, day_first=True):
                    raise Refused(
                        f"Nothing was imported: '{value[:20]}' in {shown(path)} can be read in two ways, and no other row tells which. "
                        "Say where the clock stands (--time-zone Europe/Berlin), or write dates like 2026-03-01."
                    )


# Reading


def read(path: Path, mapping: Mapping = Mapping()) -> Iterator[Row]:
    layout, _ = _layout(path, mapping)
    records = islice(records_of(path), 1, None)
    if layout.by_message:
        yield from _by_message(records, layout, mapping)
        return
    for number, record in records:
        cells = _cells(record, layout)
        try:
            yield number, cells if isinstance(cells, str) else _conversation(cells, layout, mapping)
        except ValueError as error:
            yield number, str(error)


def _cells(record: list[str] | str, layout: Layout) -> list[str] | str:
    """The row's cells, one a column, or what is wrong with the row."""
    if isinstance(record, str):
        return record
    while len(record) > len(layout.names) and not record[-1].strip():
        record.pop()
    if len(record) != len(layout.names):
        return f"it has {len(record):,} cells, the first line names {len(layout.names):,} columns"
    for name, cell in zip(layout.names, record, strict=True):
        if len(cell) > LONGEST_CELL:
            return f"{name}: the cell has {len(cell):,} characters, {LONGEST_CELL:,} are the most"
    return record


def _by_message(records: Iterator[tuple[int, list[str] | str]], layout: Layout, mapping: Mapping) -> Iterator[Row]:
    with spool.opened() as kept:
        for number, record in records:
            row = _cells(record, layout)
            fault = row if isinstance(row, str) else _faults(row, layout, mapping)
            if fault:
                kept.put_fault(number, fault)
            else:
                kept.put(_cell(row, layout, "id"), number, json.dumps(row, ensure_ascii=False))
        for _, group in kept.groups():
            if isinstance(group, spool.Fault):
                yield group
            else:
                yield group[0][0], _of_messages([json.loads(row) for _, row in group], layout, mapping)


def _cell(row: list[str] | str, layout: Layout, field: str) -> str:
    return row[layout.fields[field]].strip() if field in layout.fields else ""


def _faults(row: list[str], layout: Layout, mapping: Mapping) -> str:
    if not 0 < len(_cell(row, layout, "id")) <= 200:
        return "id: the cell is empty" if not _cell(row, layout, "id") else "id: longer than 200 characters"
    word = _cell(row, layout, "role")
    if _role(word, layout, mapping) is None:
        return f"role: {unknown_role(word)}" if word else "role: the cell is empty"
    try:
        _at(row, layout, mapping, "at")
    except ValueError as error:
        return str(error)
    return ""


def _role(word: str, layout: Layout, mapping: Mapping) -> str | None:
    return layout.roles.get(word) or layout.roles.get(word.lower()) or mapping.role(word)


def _at(row: list[str], layout: Layout, mapping: Mapping, field: str) -> Any:
    value = _cell(row, layout, field)
    at = moment(value, mapping.time_zone, day_first=layout.day_first)
    if value and at is None:
        raise ValueError(f"{field}: the cell is no time that is known. Write it like 2026-03-01 14:05")
    return at


def _of_messages(rows: list[list[str]], layout: Layout, mapping: Mapping) -> CanonicalConversation | str:
    try:
        raw = _head(rows, layout, mapping)
        messages = [_message(row, layout, mapping) for row in rows]
    except ValueError as error:
        return str(error)
    if all(message["at"] for message in messages):
        messages.sort(key=lambda message: message["at"])  # many tables have the newest on top
    return made(raw | {"messages": messages})


def _message(row: list[str], layout: Layout, mapping: Mapping) -> dict[str, Any]:
    message: dict[str, Any] = _others(row, layout, MESSAGE_NAMES)
    message |= {"role": _role(_cell(row, layout, "role"), layout, mapping), "text": row[layout.fields["text"]].strip()}
    message |= {"at": _at(row, layout, mapping, "at"), "author": _cell(row, layout, "author") or None, "private": _private(row, layout)}
    return message | {"id": _cell(row, layout, "message_id")[:200] or None}


MESSAGE_NAMES = {"id", "role", "text", "at", "author", "private", "start_ms", "end_ms", "tool_call", "tool_result"}


def _private(row: list[str], layout: Layout) -> bool:
    if "private" not in layout.fields:
        return False
    opposite = naming.plainly(layout.names[layout.fields["private"]]) in naming.OPPOSITE
    told = _cell(row, layout, "private").lower()
    return told not in YES if opposite and told else told in YES


def _others(row: list[str], layout: Layout, ours: set[str]) -> dict[str, Any]:
    """Columns that nothing was said about are kept, under names that are not ours."""
    used = set(layout.fields.values())
    return {
        (f"{name} (column)" if name in ours else name): row[place].strip()
        for place, name in enumerate(layout.names)
        if place not in used and row[place].strip()
    }


def _head(rows: list[list[str]], layout: Layout, mapping: Mapping) -> dict[str, Any]:
    """What is said of the whole conversation."""
    told = {field: next((cell for row in rows if (cell := _cell(row, layout, field))), "") for field in FIRST}
    told |= {field: next((cell for row in reversed(rows) if (cell := _cell(row, layout, field))), "") for field in LAST}
    raw: dict[str, Any] = {"id": _cell(rows[0], layout, "id"), "source": mapping.source}
    raw |= {field: told[field] or None for field in ("subject", "customer", "status", "assignee", "language")}
    raw["customer_names"] = [told["customer_name"]] if told["customer_name"] else []
    raw["tags"] = [tag.strip() for tag in re.split(r"[,;|]", told["tags"]) if tag.strip()]
    known = CHANNEL_OF.get(told["channel"].lower().split(" ")[0])
    raw["channel"] = known or mapping.channel or "chat"
    raw["csat"] = csat = _stars(told["csat"])
    kept = {"channel": not known and told["channel"], "csat": csat is None and told["csat"]}
    raw |= {f"{field} (column)": value for field, value in kept.items() if value}
    for field in ("opened_at", "closed_at"):
        for row in rows if field == "opened_at" else reversed(rows):
            raw[field] = raw.get(field) or _at(row, layout, mapping, field)
    return raw


def _stars(told: str) -> int | None:
    found = re.fullmatch(r"([1-5])(?:[.,]0+)?(?:\s*(?:/|of|von)\s*5)?", told)
    return int(found[1]) if found else None


def _conversation(row: list[str], layout: Layout, mapping: Mapping) -> CanonicalConversation | str:
    raw = _others(row, layout, set(CanonicalConversation.model_fields)) | _head([row], layout, mapping)
    raw["opened_at"] = at = raw["opened_at"] or _at(row, layout, mapping, "at")
    text = row[layout.fields["text"]].strip() if "text" in layout.fields else ""
    spoken = transcript(text, layout.roles, mapping) if text else []
    if not spoken:
        spoken = [{"role": "customer", "text": text or raw["subject"] or ""}] if text or raw["subject"] else []
    if spoken and at:
        spoken[0]["at"] = at
    answer = _cell(row, layout, "answer")
    if answer:
        spoken.append({"role": "rep", "text": answer, "author": raw["assignee"]})
    if not spoken:
        return "text: the cell is empty"
    return made(raw | {"messages": spoken})


def transcript(text: str, roles: dict[str, str], mapping: Mapping) -> list[dict[str, Any]]:
    """'Customer: … Agent: …' as messages; empty when the text is no transcript. ValueError for a speaker whom nobody knows."""
    found = [(SPEAKER.match(line), line) for line in text.split("\n")]
    words = Counter(match[1].strip() for match, _ in found if match)
    known = {word: role for word in words if (role := roles.get(word) or mapping.role(word))}
    if not known or not found[0][0] or (len(words) < 2 and words.total() < 2):
        return []
    strangers = [word for word, many in words.items() if word not in known and (many > 1 or len(known) == 1)]
    if found[0][0] and found[0][0][1].strip() not in known:
        strangers.insert(0, found[0][0][1].strip())
    if strangers:
        raise ValueError(f"role: {unknown_role(strangers[0])}")
    messages: list[dict[str, Any]] = []
    for match, line in found:
        if match and (word := match[1].strip()) in known:
            author = None if word.lower() in KNOWN_ROLES else word
            messages.append({"role": known[word], "text": match[2], "author": author})
        else:
            messages[-1]["text"] += "\n" + line
    for message in messages:
        message["text"] = message["text"].strip()
    return messages
