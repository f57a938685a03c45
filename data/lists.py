"""A list of conversations as a file for a spreadsheet: what the list shows, masked once more, and no cell of it a formula."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from data import access, audit, config, conversations, downloads, people, store, tokens, views
from data.conversations import Filter, Listed
from data.errors import Refused
from data.exports.cells import cell
from data.tables import Person
from language import redact

MOST = 10_000
LONGEST = 160  # characters of how a conversation begins, as on the screen
# where some spreadsheet may begin a cell, and a sign that begins a formula: one that is set to German parts the file at semicolons, also
# inside our quotes. A dataset's rows come back letter by letter instead; a list is read by people
CELL_BEGINS = re.compile(r'(^|;)(?=[\s"]*[=+\-@＝＋－＠])')
HEADER = ("Opened", "Channel", "Customer", "Subject", "Begins", "Intent", "Sure", "Rated", "Reviewed", "Address")


@dataclass(frozen=True)
class Made:
    """A file that waits to be offered, and what to say of it."""

    key: str
    name: str
    rows: int
    sentence: str


def as_csv(found: Filter, *, by: Person) -> Made:
    """The newest of what fits, within the person's reach."""
    access.require(by, "conversation.export")
    rows = conversations.listed(found, by=_reader(by), size=MOST + 1)
    if not rows:
        raise Refused("Nothing to download: there is no such conversation within your reach.")
    cut, rows = len(rows) > MOST, rows[:MOST]
    sentence = f"Made a list of {f'the newest {MOST:,}' if cut else f'{len(rows):,}'} conversation{'' if len(rows) == 1 else 's'}"
    sentence += f"; more fit, and a list has at most {MOST:,} lines." if cut else "."
    key = downloads.keep(written(rows).encode(), "csv")
    with store.writing() as db:
        asked = views.as_json(replace(found, words=_masking()(found.words)))
        audit.record(db, by, "listed", "conversations", key, sentence, after=asked)
    return Made(key, "conversations.csv", len(rows), sentence)


def _reader(by: Person) -> Person:
    """Who may download a list may have it read for that: a token for exports needs no right to read besides."""
    return by if by.scopes is None else tokens.narrowed(by, [*by.scopes, "read"])


def written(rows: Iterable[Listed]) -> str:
    """Every cell is quoted, and none can start a formula in a spreadsheet."""
    mask, base = _masking(), config.settings().public_url.rstrip("/")
    return line(HEADER) + "".join(line(_cells(row, mask, base)) for row in rows)


def line(cells: Iterable[str]) -> str:
    return ",".join(cell(CELL_BEGINS.sub(r"\1'", _in_one_line(text))) for text in cells) + "\r\n"


def _in_one_line(text: str) -> str:
    """Quotes hold a line break together only for who parts the file at commas."""
    return " ".join(text.replace("\0", "").split())


def _cells(row: Listed, mask: Callable[[str], str], base: str) -> tuple[str, ...]:
    return (
        row.opened_at.isoformat(timespec="seconds"),
        row.channel,
        row.customer,
        mask(_in_one_line(row.subject)),
        mask(_in_one_line(row.opening[: 4 * LONGEST]))[:LONGEST],
        row.intent or ("kept silent" if row.confidence is not None else ""),
        "" if row.confidence is None else f"{row.confidence:.2f}",
        str(row.csat or ""),
        "yes" if row.reviewed else "no",
        f"{base}/conversation?conversation={row.id}",
    )


def _masking() -> Callable[[str], str]:
    """The door looked already; this looks again at what leaves. Names of colleagues and of the company stay readable."""
    keep = [*people.names().values(), *config.settings().company_names]
    return lambda text: redact.masked(text, keep=keep)
