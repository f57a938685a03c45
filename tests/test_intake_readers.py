"""Files of four kinds come in: JSONL, CSV, transcripts, and what is none of them is told."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import config
from data.errors import Refused
from data.intake import columns, plain, spool
from data.intake.canonical import CanonicalConversation
from data.intake.readers import READERS, csv_file, detect, jsonl, vtt
from data.intake.reading import Mapping, Row, made
from tests.conversations import one

DATASETS = Path(__file__).resolve().parent.parent.parent / "shared" / "datasets"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    config.reset()
    yield tmp_path
    config.reset()


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def came_in(path: Path, mapping: Mapping = Mapping()) -> dict[int, Any]:
    """What a file gives, by its numbers, as an import reads it."""
    reader = detect(path)
    reader.check(path, mapping)
    rows: list[Row] = list(reader.read(path, mapping))
    assert [number for number, _ in rows] == sorted({number for number, _ in rows})
    return dict(rows)


def said(conversation: CanonicalConversation) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in conversation.messages]


# Which reader a file is for


def test_every_reader_has_the_whole_face() -> None:
    assert {"jsonl", "csv", "zendesk", "intercom", "chatwoot", "mbox", "eml", "vtt"} == set(READERS)
    for name, reader in READERS.items():
        assert name == reader.NAME
        assert all(ending.startswith(".") for ending in reader.ENDINGS)
        assert reader.WORDS and reader.UNIT
        assert all(callable(getattr(reader, verb)) for verb in ("looks_like", "check", "guess", "read"))


FOREIGN = {
    "an Excel workbook": b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml" + b"\x00" * 20 + b"xl/workbook.xml",
    "a Word document": b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml word/document.xml",
    "a ZIP archive": b"PK\x03\x04\x14\x00a.csv",
    "packed with gzip": b"\x1f\x8b\x08\x00abc",
    "an old Excel, Word or Outlook file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an Outlook archive": b"!BDN....",
    "a PDF": b"%PDF-1.7\n",
    "a web page": b"\n <!DOCTYPE html><html>",
    "an XML file": b"\xef\xbb\xbf<?xml version='1.0'?><a/>",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "a sound recording": b"RIFF\x00\x00\x00\x00WAVEfmt ",
    "a Windows program": b"MZ\x90\x00\x03",
    "a SQLite database": b"SQLite format 3\0",
    "a tar archive": b"a.csv".ljust(257, b"\0") + b"ustar\0",
    "a Python pickle": b"\x80\x04\x95\x10\x00",
    "empty": b" \r\n\t\n",
    "full of zeros": b"a\0b\0" * 100,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_another_kind_is_named_and_what_to_do_is_said(place: Path, what: str) -> None:
    path = written(place / "export.csv", FOREIGN[what])
    with pytest.raises(Refused, match=rf"^Nothing was imported: export\.csv is .*{what}"):
        detect(path)


@pytest.mark.parametrize("name", ["none.csv", "a\0b", "x" * 5000])
def test_what_is_no_file_is_told(place: Path, name: str) -> None:
    with pytest.raises(Refused, match="is not a file"):
        detect(place / name)


def test_a_folder_is_one_export_when_its_files_are_of_one_kind(place: Path) -> None:
    (place / "calls").mkdir()
    written(place / "calls" / "LICENSE.txt", "Copyright somebody, all rights reserved\n")
    written(place / "calls" / "b.jsonl", json.dumps(one(3)) + "\n{broken\n")
    written(place / "calls" / "a.jsonl", json.dumps(one(1)) + "\n\n" + json.dumps(one(2)))
    read = came_in(place / "calls")
    assert [(number, row if isinstance(row, str) else row.id) for number, row in read.items()][:3] == [(1, "1"), (3, "2"), (4, "3")]
    assert read[5].startswith("b.jsonl, line 2: not JSON: ")


def test_a_folder_of_several_kinds_is_not_guessed_at(place: Path) -> None:
    (place / "x").mkdir()
    with pytest.raises(Refused, match="is no file with conversations"):
        detect(place / "x")
    written(place / "x" / "a.jsonl", json.dumps(one(1)))
    written(place / "x" / "b.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nAgent: Hi\n")
    with pytest.raises(Refused, match=r"several kinds \(1 jsonl, 1 vtt\)"):
        detect(place / "x")


# JSONL


def line(**fields: Any) -> str:
    return json.dumps({"id": "1", **fields})


def test_other_names_for_the_same_things_are_understood() -> None:
    read = jsonl.parse(
        line(
            messages=[
                {"sender": "user", "content": "Hi", "timestamp": 1767225600},
                {"author_type": "agent", "body": "Hello", "created_at": "2026-01-01T00:01:00Z", "name": "Rita", "turn": 7},
                {"role": "bot", "message": "Bye", "time": 1767225720000},
            ]
        ),
        Mapping(source="shop", channel="email"),
    )
    assert isinstance(read, CanonicalConversation)
    assert (read.source, read.channel) == ("shop", "email")
    assert said(read) == [("customer", "Hi"), ("rep", "Hello"), ("assistant", "Bye")]
    assert [message.at for message in read.messages] == [datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in range(3)]
    assert (read.messages[1].author, read.messages[1].model_extra) == ("Rita", {"turn": 7})


def test_a_role_that_nobody_knows_is_asked_about_and_then_known() -> None:
    text = line(messages=[{"role": "customer", "text": "x"}, {"role": "dog", "text": "Woof"}])
    assert jsonl.parse(text) == "messages.1.role: 'dog' is not known. Say whose words these are: --role dog=rep"
    read = jsonl.parse(text, Mapping(roles={"dog": "rep"}))
    assert isinstance(read, CanonicalConversation) and read.messages[1].role == "rep"


def test_a_role_that_may_be_a_card_is_not_repeated() -> None:
    told = jsonl.parse(line(messages=[{"role": "4111 1111 1111 11111", "text": "x"}]))
    assert isinstance(told, str) and "1111" not in told and "--role" in told


def test_steps_of_tools_are_steps_with_their_results() -> None:
    read = jsonl.parse(
        line(
            messages=[
                {"role": "tool_call", "name": "find_order", "text": '{"order": 7}'},
                {"role": "tool", "name": "find_order", "text": '{"state": "sent"}'},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "pay", "arguments": '{"eur": 5}'}}]},
                {"role": "tool", "tool_call_id": "a", "content": "no such account"},
                {"role": "assistant", "content": [{"type": "text", "text": "Sent."}]},
            ]
        )
    )
    assert isinstance(read, CanonicalConversation)
    steps = [(m.role, m.text, m.tool_call and (m.tool_call.name, m.tool_call.arguments), m.tool_result) for m in read.messages]
    assert steps == [
        ("tool", "", ("find_order", {"order": 7}), None),
        ("tool", "", None, {"state": "sent"}),
        ("tool", "", ("pay", {"eur": 5}), None),
        ("tool", "", None, "no such account"),
        ("assistant", "Sent.", None, None),
    ]


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the shared datasets are not here")
@pytest.mark.parametrize(
    ("name", "conversations", "roles"),
    [
        ("star", 1173, {"customer": 10429, "rep": 10412}),
        ("multidogo", 3780, {"customer": 33140}),
        ("taubench_airline", 100, {"customer": 686, "rep": 615, "tool": 1154}),
    ],
)
def test_real_files_come_in_whole(name: str, conversations: int, roles: dict[str, int]) -> None:
    read = [row for _, row in detect(DATASETS / name).read(DATASETS / name, Mapping(source=name))]
    assert [row for row in read if isinstance(row, str)] == []
    assert len({row.id for row in read if not isinstance(row, str)}) == conversations
    spoken = [message for row in read if not isinstance(row, str) for message in row.messages]
    assert Counter(message.role for message in spoken) == roles
    assert name != "star" or all(message.at and message.at.year in (2019, 2020) for message in spoken)
    assert name != "taubench_airline" or sum(message.tool_call is not None for message in spoken) == 577


# What is JSON and what is not, as the standard's own test suite has it

NOT_JSON = [
    "", " ", "[1 true]", "[,1]", "[1,]", "[1,,2]", '["x",,]', '["x"]]', "[", "[1", "]", "[}", "{", "{]", '{"a"}', '{"a":}', '{"a":1,}',
    '{"a" 1}',
    "{a: 1}", "{'a': 1}", '{"a":"b"}/**/', '{"a":"b"}#', '{"a":"b",,"c":1}', '{1:1}', '{"a":1 "b":2}', '"', '"x', "'x'", '["\t"]', '["\n"]',
    '["\x00"]', '["\\x00"]', '["\\u00A"]', '["\\u"]', '["\\uqqqq"]', '["\\a"]', '["\\"]', '["\\\x1b"]', "[\\u0020]", "[-]", "[+1]",
    "[01]", "[-01]", "[.5]",
    "[1.]", "[-1.]", "[1e]", "[1e+]", "[1eE2]", "[0x1]", "[1_000]", "[1 000]", "[NaN]", "[-NaN]", "[Infinity]", "[-Infinity]", "[--1]",
    "[１]", "[TRUE]",
    "[nul]", "[truth]", "nan", "[\x0c]", "[\u2060]", "[1]x", "1 2", "{}{}", "<null>", "[1:2]", '[""],', "//x\n1", "[⌂", '{"a":{"b":1}',
    "[[1]",
    "[" * 100_000, '[{"":' * 50_000, b'["\xff"]', b"\xe9", b'["\xed\xa0\x80"]', b"\xef\xbb\xbf", b"[\x80]", '["\\ud800"]',
    '["\\udc00\\ud800"]',
    "[1e999]", "[" + "9" * 5000 + "]", "[" * 61 + "]" * 61,
]  # fmt: skip
JSON = [
    "null", "true", "0", "-0", "1", "1.5", "1E22", "1e-2", "0e1", "-0.1", '""', '" "', "[]", "{}", "[ ]", " [1] ", "\t[\r\n]\n",
    '["\\u0000"]', '["\\u0061"]',
    '["\\ud83d\\ude39"]', '["\\"\\\\\\/\\b\\f\\n\\r\\t"]', '["é"]', '["\u2028"]', '["\U0010ffff"]', '["\x7f"]', '{"a":1,"a":2}',
    '{"":0}', '{"a":{"b":[1,{}]}}',
    "[[[[]]]]", '["a/*b*/c"]', "[123e65]", "[-1234567890123456789012345678901234567890]", "[null, 1, \"1\", {}]", '["\\uFFFF"]',
    "[" * 60 + "]" * 60,
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_JSON, ids=lambda text: repr(text)[:30])
def test_what_the_standard_rejects_is_rejected(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        jsonl.strict_json(text if isinstance(text, bytes) else text.encode())
    told = jsonl.parse(text)
    assert isinstance(told, str) and told.startswith("not JSON: ") and len(told) < 300


@pytest.mark.parametrize("text", JSON, ids=lambda text: repr(text)[:30])
def test_what_the_standard_accepts_is_read(text: str) -> None:
    assert jsonl.strict_json(text.encode()) == json.loads(text)


# CSV


def test_a_row_a_message_is_brought_together_and_put_in_order(place: Path) -> None:
    text = (
        "ticket_id;sender;message;created_at;channel;mood\n"
        "1;Kunde;Hällo;01.03.2026 14:05;E-Mail;good\n"
        '2;agent;"two\nlines";01.03.2026 14:06;chat;\n'
        "1;Mitarbeiter;Earlier;01.03.2026 13:05;E-Mail;\n"
    )
    path = written(place / "x.csv", text, "cp1252")
    read = came_in(path, Mapping(time_zone="Europe/Berlin", source="shop"))
    assert list(read) == [2, 3]
    assert said(read[2]) == [("rep", "Earlier"), ("customer", "Hällo")]
    assert read[2].messages[0].at == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    assert (read[2].channel, read[2].source, read[2].messages[1].model_extra) == ("email", "shop", {"mood": "good"})
    assert said(read[3]) == [("rep", "two\nlines")]


def test_a_row_a_conversation_has_its_question_and_its_answer(place: Path) -> None:
    text = (
        "Ticket ID,Customer Name,Customer Email,Ticket Subject,Ticket Description,Ticket Status,Resolution,"
        "Customer Satisfaction Rating,Tags,Created\n"
        '7,Jo Doe,jo@x.example,Broken,"It is ""broken""",Closed,Turn it on,4.0,"a, b",2026-03-01 10:00\n'
        "8,,,Only a subject,,Open,,,,\n"
    )
    read = came_in(written(place / "x.csv", text))
    assert said(read[2]) == [("customer", 'It is "broken"'), ("rep", "Turn it on")]
    assert (read[2].customer, read[2].customer_names, read[2].csat, read[2].tags) == ("jo@x.example", ["Jo Doe"], 4, ["a", "b"])
    assert (read[2].subject, read[2].status, read[2].opened_at) == ("Broken", "Closed", datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert said(read[3]) == [("customer", "Only a subject")]


def test_a_transcript_in_a_cell_is_cut_at_its_speakers(place: Path) -> None:
    cells = [
        "Customer: Hi\nAgent: Hello\nmore\nCustomer: Note: bye",
        "Visitor: Hi\nRita: Hello\nRita: And more",
        "Please note: it is broken",
    ]
    path = place / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "transcript"], *([number, cell] for number, cell in enumerate(cells))])
    read = came_in(path)
    assert said(read[2]) == [("customer", "Hi"), ("rep", "Hello\nmore"), ("customer", "Note: bye")]
    assert read[6] == "role: 'Rita' is not known. Say whose words these are: --role Rita=rep"
    assert said(read[9]) == [("customer", "Please note: it is broken")]
    known = came_in(path, Mapping(roles={"Rita": "rep"}))
    assert (said(known[6])[1:], known[6].messages[1].author) == ([("rep", "Hello"), ("rep", "And more")], "Rita")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_however_it_was_saved(place: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = ["Vorgang,Rolle,Nachricht", "7,Kunde,Grüße", "7,Berater,Ja"]
    path = written(place / "x.csv", end.join(rows).replace(",", delimiter) + end, encoding)
    (read,) = came_in(path).values()
    assert (read.id, said(read)) == ("7", [("customer", "Grüße"), ("rep", "Ja")])


def test_a_bad_row_is_told_by_its_line_and_spoils_no_other(place: Path) -> None:
    rows = [
        "id,role,text,at", "1,customer,fine,2026-01-01", "2,dog,x,2026-01-01", "3,customer", "4,customer,a,b,c,d,e", ",customer,x,",
    "5,customer,x,yesterday",
        f"6,customer,{'x' * 100_001},", "7,,x,", '8,customer,"never closed,', "9,customer,fine,", "", "1,agent,fine too,2026-01-02",
    f"{'z' * 201},customer,x,",
    ]  # fmt: skip
    read = came_in(written(place / "x.csv", "\n".join(rows)))
    assert {number: row for number, row in read.items() if isinstance(row, str)} == {
        3: "role: 'dog' is not known. Say whose words these are: --role dog=rep",
        4: "it has 2 cells, the first line names 4 columns",
        5: "it has 7 cells, the first line names 4 columns",
        6: "id: the cell is empty",
        7: "at: the cell is no time that is known. Write it like 2026-03-01 14:05",
        8: "text: the cell has 100,001 characters, 100,000 are the most",
        9: "role: the cell is empty",
        10: "a quotation mark is never closed",
        14: "id: longer than 200 characters",
    }
    assert [said(read[number]) for number in (2, 11)] == [[("customer", "fine"), ("rep", "fine too")], [("customer", "fine")]]


@pytest.mark.parametrize(
    ("text", "mapping", "told"),
    [
        ("a,b,c\n1,2,3\n", Mapping(), r"has the columns a, b, c\. Say which holds the customer's words: --column text=…"),
        ("text,b\nhello there,2\n", Mapping(), r"Say which holds the conversation's number: --column id=…"),
        ("id,text\n1,a\n1,b\n1,c\n", Mapping(), r"Several rows have one number, so a row is a message.*--column role=…"),
        ("id,text,date\n1,a,3/1/2026\n", Mapping(), r"'3/1/2026' in x\.csv can be read in two ways.*--time-zone Europe/Berlin"),
        ("id,text\n1,a\n", Mapping(columns={"text": "body"}), r"has no column 'body'\. It has the columns id, text\."),
        ("id,text\n1,a\n", Mapping(columns={"words": "text"}), r"'words' is no field of ours"),
        ("id,text\n1,a\n", Mapping(time_zone="Mars/Olympus"), r"'Mars/Olympus' is no time zone that is known"),
        ("id,text\n", Mapping(), r"has columns, but no rows"),
        ("text\nhello\n", Mapping(), r"has only one column"),
        (",".join(f"c{n}" for n in range(600)) + "\n", Mapping(), r"has 600 columns"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused_with_the_way_out(place: Path, text: str, mapping: Mapping, told: str) -> None:
    with pytest.raises(Refused, match=f"^Nothing was imported: .*{told}|^{told}"):
        csv_file.check(written(place / "x.csv", text), mapping)


def test_what_a_person_says_of_the_columns_goes_before_what_was_guessed(place: Path) -> None:
    path = written(place / "x.csv", "id,key,text,answer\na,1,first,second\n")
    read = came_in(path, Mapping(columns={"id": "key", "text": "answer", "answer": "text"}))
    assert (read[2].id, said(read[2])) == ("1", [("customer", "second"), ("rep", "first")])
    assert (came_in(path, Mapping(columns={"answer": ""}))[2].messages[0].text, csv_file.columns(path)) == (
        "first",
        ["id", "key", "text", "answer"],
    )


def test_columns_of_our_names_cannot_pass_for_what_they_are_not(place: Path) -> None:
    read = came_in(written(place / "x.csv", "id,text,messages,labels,team,csat\n1,Hi,[],gold,Oak,great\n"))
    extra = {"messages (column)": "[]", "labels (column)": "gold", "team (column)": "Oak", "csat (column)": "great"}
    assert (read[2].model_extra, read[2].labels, read[2].team) == (extra, {}, None)


@pytest.mark.parametrize(
    ("dates", "zone", "day"),
    [
        (["3/1/2026", "13/1/2026"], "UTC", 3),
        (["3/1/2026", "1/13/2026"], "UTC", 1),
        (["3/1/2026 2:05 PM"], "UTC", 1),
        (["3/1/2026"], "Europe/Berlin", 3),
    ],
)
def test_how_a_date_is_meant_is_told_by_its_column(dates: list[str], zone: str, day: int) -> None:
    at = plain.moment(dates[0], "UTC", day_first=columns.day_first(dates, zone))
    assert at is not None and at.day == day


def test_words_of_a_role_column_are_shown_for_mapping(place: Path) -> None:
    path = written(place / "x.csv", "conversation_id,inbound,text\n1,True,help\n1,False,sure\n2,True,x\n")
    assert (csv_file.distinct(path, "inbound"), csv_file.guess(path).roles) == (["True", "False"], {"True": "customer", "False": "rep"})
    assert said(came_in(path)[2]) == [("customer", "help"), ("rep", "sure")]


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n"), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(CELL, min_size=1, max_size=20), delimiter=st.sampled_from(",;\t|"))
def test_what_was_written_is_what_is_read(place: Path, cells: list[str], delimiter: str) -> None:
    path = place / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["id", "role", "text"], *([number, "customer", cell] for number, cell in enumerate(cells))])
    read = [row for _, row in csv_file.read(path)]
    assert [row.messages[0].text for row in read if not isinstance(row, str)] == [
        cell.strip().removeprefix("\ufeff").strip() for cell in cells
    ]


# What stands apart


def test_rows_are_brought_together_in_the_order_in_which_groups_began(place: Path) -> None:
    with spool.opened() as kept:
        for number, key in enumerate("abacbd"):
            kept.put(key, number, f"{key}{number}")
        kept.put_fault(6, "bad")
        kept.put("e", 7, "x" * 5000, also=["d"])
        groups = list(kept.groups())
    assert groups == [
        ("a", [(0, "a0"), (2, "a2")]), ("b", [(1, "b1"), (4, "b4")]), ("c", [(3, "c3")]), ("d", [(5, "d5"), (7, "x" * 5000)]), ("",
    (6, "bad")),
    ]  # fmt: skip


def test_nothing_is_left_of_a_reading_even_one_that_stops(place: Path) -> None:
    path = written(place / "x.csv", "id,role,text\n" + "".join(f"{number},customer,x\n" for number in range(50)))
    rows = csv_file.read(path)
    next(rows)
    assert list(config.folder("uploads").iterdir()) == []  # a kill leaves nothing either: the file has no name
    del rows
    assert list(config.folder("uploads").iterdir()) == []


@pytest.mark.parametrize(("rows", "size"), [(10_001, 10), (300, 100_000)])
def test_a_group_without_end_is_told_and_the_next_one_comes(place: Path, rows: int, size: int) -> None:
    with spool.opened() as kept:
        for number in range(rows):
            kept.put("long", number + 1, "x" * size)
        kept.put("short", rows + 1, "fine")
        long, short = [group for _, group in kept.groups()]
    assert isinstance(long, spool.Fault) and long.number == 1
    assert short == [(rows + 1, "fine")]


def test_an_import_that_goes_on_reads_the_same_numbers(place: Path) -> None:
    path = written(
        place / "x.csv",
        "id,role,text\n" + "".join(f"{number % 7},{'customer' if number % 3 else 'dog'},{number}\n" for number in range(100)),
    )
    assert list(csv_file.read(path)) == list(csv_file.read(path))
    assert [number for number, _ in csv_file.read(path)] == sorted(number for number, _ in csv_file.read(path))


# Transcripts of calls

CALL = """WEBVTT - call
Language: en

NOTE id: call-9

NOTE
customer: C-7
date: 2026-03-01 14:05
mood: bad

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:02.500 align:left
<v Rita>Thank you for calling, <b>how</b></v>

00:00:02.600 --> 00:00:04.000
<v Rita>can I help?</v>

00:05.000 --> 00:06.000
<v.loud Jo Doe>My parcel &amp; more

00:16.000 --> 00:17.000
<v Jo Doe>Hello?
"""


def test_a_call_is_what_each_said_in_one_go_with_its_times(place: Path) -> None:
    path = written(place / "c.vtt", CALL)
    assert vtt.guess(path).roles == {"Rita": "rep", "Jo Doe": "customer"}
    (call,) = came_in(path, Mapping(time_zone="Europe/Berlin")).values()
    assert (call.id, call.channel, call.customer, call.language, call.model_extra) == (
        "call-9",
        "voice",
        "C-7",
        "en",
        {"mood (note)": "bad"},
    )
    assert [(m.role, m.text, m.start_ms, m.end_ms, m.author) for m in call.messages] == [
        ("rep", "Thank you for calling, how can I help?", 1000, 4000, "Rita"),
        ("customer", "My parcel & more", 5000, 6000, None),
        ("customer", "Hello?", 16000, 17000, None),
    ]
    assert call.messages[0].at == datetime(2026, 3, 1, 13, 5, 1, tzinfo=UTC)


def cues(*lines: str) -> str:
    return "WEBVTT\n\n" + "\n\n".join(f"00:{number:02}.000 --> 00:{number + 1:02}.000\n{line}" for number, line in enumerate(lines))


def test_a_folder_of_calls_is_a_conversation_a_file(place: Path) -> None:
    (place / "calls").mkdir()
    written(place / "calls" / "b.vtt", cues("Agent: Hi", "Caller: Hello", "and more"))
    written(place / "calls" / "a.vtt", cues("<v A>Hi", "<v B>Hello"))
    written(place / "calls" / "c.vtt", "not a transcript")
    read = came_in(place / "calls")
    assert read[1] == "a.vtt: speaker: 'A' is not known. Say whose words these are: --role A=rep"
    assert (read[2].id, said(read[2])) == ("b", [("rep", "Hi"), ("customer", "Hello and more")])
    assert read[3] == "c.vtt: it is not WebVTT"
    assert said(came_in(place / "calls", Mapping(roles={"A": "rep"}))[1]) == [("rep", "Hi"), ("customer", "Hello")]
    assert vtt.guess(place / "calls").roles == {"A": "", "B": "", "Agent": "rep", "Caller": "customer"}


def test_a_row_that_is_no_conversation_is_told_by_field() -> None:
    assert made({"id": "1"}) == "source: Field required; channel: Field required; messages: Field required"
