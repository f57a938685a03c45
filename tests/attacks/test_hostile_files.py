"""Files that were made to break the reading of files: each is refused in words, or its rows are told (SAFETY 25)."""

import json
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data import config
from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.readers import detect
from data.intake.reading import Mapping
from tests.conftest import SOAK

Content = bytes | str | Callable[[Path], None]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    config.reset()
    yield tmp_path
    config.reset()


def outcome(path: Path, mapping: Mapping = Mapping()) -> tuple[str, list[CanonicalConversation]]:
    """Every word that was said against the file, and what came in of it. Anything but a refusal or a told row ends the test."""
    try:
        reader = detect(path)
        reader.guess(path)
        reader.check(path, mapping)
        rows = list(reader.read(path, mapping))
    except Refused as refused:
        return str(refused), []
    assert [number for number, _ in rows] == sorted({number for number, _ in rows})
    told = [row for _, row in rows if isinstance(row, str)]
    came = [row for _, row in rows if isinstance(row, CanonicalConversation)]
    assert all(conversation.model_dump_json().encode() for conversation in came)  # what came in can be stored
    return "; ".join(told), came


def conversation(**fields: object) -> str:
    whole = {"id": "1", "source": "s", "channel": "chat", "messages": [{"role": "customer", "text": "Hi"}]}
    return json.dumps(whole | fields) + "\n"


def message(**fields: object) -> str:
    return conversation(messages=[{"role": "customer", "text": "Hi"} | fields])


def mail(head: str = "", body: str | bytes = "Hello", **fields: str) -> bytes:
    named = {"From": "jo@a.example", "To": "s@shop.example", "Subject": "x", "Message-ID": "<1@x>"} | fields
    text = "".join(f"{name}: {value}\n" for name, value in named.items()) + head + "\n"
    return text.encode("utf-8", errors="surrogateescape") + (body if isinstance(body, bytes) else body.encode()) + b"\n"


def box(*mails: bytes) -> bytes:
    return b"".join(b"From x@y.example Mon Mar  2 10:00:00 2026\n" + one + b"\n" for one in mails)


def cue(text: str, time: str = "00:01.000 --> 00:02.000") -> str:
    return f"{time}\n{text}\n\n"


def zipped(path: Path) -> None:
    """1 GB of zeros in 1 MB; what is inside is never unpacked."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("a.csv", "w") as inside:
        for _ in range(1000 if SOAK else 50):
            inside.write(bytes(1_000_000))


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)

    return make


def folder(**files: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        for name, text in files.items():
            (path / name.replace("_", ".")).write_text(text)

    return make


def loop(path: Path) -> None:
    path.symlink_to(path)


GIANT = "x" * 100_001
CSV = "id,role,text\n"
MIXED = "multipart/mixed; boundary=b"

# name: (file name, what is in it, what is said against it). "" where it comes in, harmless.
HOSTILE: dict[str, tuple[str, Content, str]] = {
    # what it is not
    "nothing": ("a.csv", b"", "is empty"),
    "only blanks": ("a.jsonl", b" \r\n\t" * 9, "is empty"),
    "only a byte order mark": ("a.csv", b"\xef\xbb\xbf", "is empty"),
    "only zeros": ("a.jsonl", bytes(5000), "full of zeros"),
    "a gigabyte of zeros": ("a.csv", sparse(b"", 1_000_000_000), "full of zeros"),
    "a zip bomb": ("a.zip", zipped, "is a ZIP archive"),
    "a zip that is called csv": ("a.csv", zipped, "is a ZIP archive"),
    "a zip with a comment before it": ("a.csv", b"id,text\n" + b"PK\x03\x04" * 99, "a row|cells|nobody|text|id"),
    "a workbook": ("a.csv", b"PK\x03\x04" + bytes(30) + b"xl/workbook.xml", "is an Excel workbook"),
    "an old workbook": ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel"),
    "a gzip bomb": ("a.jsonl", b"\x1f\x8b\x08" + bytes(99), "packed with gzip"),
    "a program": ("a.jsonl", b"\x7fELF\x02\x01\x01", "Linux program"),
    "a Windows program": ("a.csv", b"MZ\x90\x00", "Windows program"),
    "a pickle": ("a.jsonl", b"\x80\x04cposix\nsystem\n", "never opened"),
    "a script": ("a.csv", b"#!/bin/sh\nrm -rf /\n", "is a script"),
    "a page": ("a.csv", b"<html><script>alert(1)</script>", "web page"),
    "a billion laughs": ("a.csv", b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]>', "XML"),
    "a picture with a table behind it": ("a.csv", b"GIF89a\nid,role,text\n1,customer,x\n", "picture"),
    "a PDF": ("a.eml", b"%PDF-1.7\nFrom: a@b\nTo: c@d\n", "is a PDF"),
    "a private key": ("a.eml", b"-----BEGIN RSA PRIVATE" b" KEY-----\n", "key"),
    "noise": ("a.bin", bytes(range(128, 256)) * 50, "no kind that is known"),
    "a folder of nothing": ("f", folder(), "no file with conversations"),
    "a folder of several kinds": ("f", folder(a_jsonl=conversation(), b_vtt="WEBVTT\n\n"), "several kinds"),
    "a link to itself": ("a.csv", loop, "is not a file"),
    # JSONL
    "100,000 lists in each other": ("a.jsonl", '{"id": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "nested more than 60 deep"),
    "100,000 objects in each other": ("a.jsonl", '{"a":' * 100_000 + "1" + "}" * 100_000, "nested more than 60 deep"),
    "lists that are never closed": ("a.jsonl", '{"id": ' + "[" * 100_000, "not JSON|nested"),
    "a text that is never closed": ("a.jsonl", '{"id": "' + "x" * 100_000, "not JSON"),
    "a line of 6 MB": ("a.jsonl", '{"id": "' + "x" * 6_000_000 + '"}\n' + conversation(), "longer than 5 MB"),
    "a line of 200 MB": ("a.jsonl", sparse(b'{"id": "' + b"x" * 65_536, 200_000_000), "longer than 5 MB"),
    "no number": ("a.jsonl", '{"id": NaN}\n', "NaN is no number"),
    "no end of a number": ("a.jsonl", '{"id": 1e999}\n', "not finite"),
    "a number of 5,000 digits": ("a.jsonl", '{"id": ' + "9" * 5000 + "}\n", "not JSON"),
    "half a character": ("a.jsonl", message(text="\ud800"), "half a character"),
    "half a character as a name": ("a.jsonl", message(**{"\udfff": 1}), "half a character"),
    "no UTF-8": ("a.jsonl", b'{"id": "\xff\xfe"}\n', "not JSON"),
    "UTF-16": ("a.jsonl", conversation().encode("utf-16"), "UTF-16"),
    "lists for lines": ("a.jsonl", conversation() + "[1]\n", "not a conversation"),
    "one list": ("a.jsonl", "[" + conversation() + "]", "JSON"),
    "JSON over several lines": ("a.jsonl", json.dumps({"id": 1}, indent=2), "over several lines|not JSON"),
    "messages that are a text": ("a.jsonl", conversation(messages="Hi"), "messages: "),
    "messages that are objects": ("a.jsonl", conversation(messages={"role": "customer"}), "messages: "),
    "messages of all kinds": ("a.jsonl", conversation(messages=[1, None, "x", []]), "messages.0: "),
    "no messages": ("a.jsonl", conversation(messages=[]), "messages: "),
    "10,001 messages": ("a.jsonl", conversation(messages=[{"role": "customer"}] * 10_001), "messages: "),
    "a text without end": ("a.jsonl", message(text=GIANT), "messages.0.text: "),
    "a text that is an object": ("a.jsonl", message(text={"a": 1}), "messages.0.text: "),
    "a role that is a list": ("a.jsonl", message(role=["customer"]), "messages.0.role: "),
    "a role of 100,000 letters": ("a.jsonl", message(role="x" * 100_000), "role: it is no word that can be shown"),
    "a role that is a script": ("a.jsonl", message(role="<script>"), "role: it is no word that can be shown"),
    "a role with a card": ("a.jsonl", message(role="4111111111111111"), "role: it is no word that can be shown"),
    "an id of 201 letters": ("a.jsonl", conversation(id="x" * 201), "id: "),
    "an id with a NUL": ("a.jsonl", conversation(id="a\0b"), "id: "),
    "an id that is true": ("a.jsonl", conversation(id=True), "id: "),
    "a year before all years": ("a.jsonl", conversation(opened_at="0001-01-01T00:00:00Z"), "opened_at: "),
    "a time that is a list": ("a.jsonl", message(ts=[1]), "messages.0.at: "),
    "a time without end": ("a.jsonl", message(ts=10**30), "messages.0.at: |too large"),
    "a tool call within tool calls": ("a.jsonl", message(role="assistant", tool_calls=[{"function": {"function": []}}, 7, None]), ""),
    "arguments 100,000 deep": ("a.jsonl", message(role="tool_call", name="x", text="[" * 100_000), ""),
    "a result 100,000 deep": ("a.jsonl", message(role="tool", tool_call_id="1", text='{"a":' * 19_000), ""),
    "keys that are ours": ("a.jsonl", message(__class__="x", model_config={}, id=None), ""),
    "a thousand fields": ("a.jsonl", conversation(**{f"f{number}": number for number in range(1000)}), ""),
    "extra 51 deep": ("a.jsonl", conversation(extra=json.loads("[" * 54 + "]" * 54)), "nested more than 50"),
    "a key twice": ("a.jsonl", '{"id": "1", "id": "2", "messages": [{"role": "customer"}]}\n', ""),
    # CSV
    "one quotation mark": ("a.csv", '"', "quotation mark"),
    "a quotation mark that is never closed": ("a.csv", CSV + '1,customer,"' + ("x" * 1000 + "\n") * 3000, "never closed"),
    "quotation marks in every line": ("a.csv", CSV + '1,customer,"x\n' * 1001, "100,000|never closed|cells"),
    "a cell of 200 MB": ("a.csv", sparse((CSV + "1,customer,x\n2,customer," + "x" * 65_536).encode(), 200_000_000), "longer than 5 MB"),
    "a cell of 100,001 letters": ("a.csv", CSV + f"1,customer,{GIANT}\n", "100,001 characters"),
    "600 columns": ("a.csv", ",".join(f"c{n}" for n in range(600)) + "\n1\n", "600 columns"),
    "a million columns": ("a.csv", "a," * 1_000_000 + "\n", "1,000,001 columns"),
    "a million cells": ("a.csv", CSV + "1,customer,x" + ",y" * 1_000_000 + "\n", "1,000,003 cells"),
    "columns without names": ("a.csv", ",,,\n1,2,3,4\n", "the columns 1, 2, 3, 4"),
    "columns of one name": ("a.csv", "text,text,text\nhello you,b,c\n", "number: --column id"),
    "columns of our names": ("a.csv", "id,text,messages,labels,team,signals,source\n1,x,y,z,q,r,s\n", ""),
    "a NUL in a cell": ("a.csv", CSV + "1,customer,a\0b\n", ""),
    "a formula": ("a.csv", CSV + '1,customer,"=cmd|\' /C calc\'!A0"\n', ""),
    "no rows": ("a.csv", CSV, "no rows"),
    "only commas": ("a.csv", CSV + ",,\n" * 1000, "no rows|nobody|has columns"),
    "half a UTF-16 letter": ("a.csv", (CSV + "1,customer,x\n").encode("utf-16") + b"\xd8", ""),
    "UTF-16 the other way round": ("a.csv", b"\xfe\xff" + (CSV + "1,customer,\ud800x\n").encode("utf-16-be", "surrogatepass"), ""),
    "UTF-7": ("a.csv", CSV + "1,customer,+ADw-script+AD4-\n", ""),
    "10,001 rows of one conversation": ("a.csv", CSV + "1,customer,x\n" * 10_001, "more than 10,000 messages"),
    "an id of 201 letters in a table": ("a.csv", CSV + f"{'x' * 201},customer,x\n2,customer,x\n", "longer than 200"),
    "a role nobody knows": ("a.csv", CSV + "1,customer,y\n2,dog,x\n", "--role dog=rep"),
    "a separator of its own": ("a.csv", "sep=\0\nid,role,text\n1,customer,x\n", ""),
    "line ends of all kinds": ("a.csv", "id,role,text\r1,customer,x\n2,customer,y\r\n\r\r3,customer,z", ""),
    "a transcript of strangers": ("a.csv", 'id,text\n1,"Customer: x\nBob: y\nBob: z"\n', "'Bob' is not known"),
    "a transcript of 50,000 speakers": ("a.csv", 'id,text\n1,"' + "a: b\n" * 15_000 + '"\n', ""),
    "dates of two kinds": ("a.csv", "id,text,date\n1,x,13/1/2026\n2,y,1/13/2026\n3,z,1/2/2026\n", "two ways|no time"),
    # mail
    "a mail without a sender": ("a.eml", b"Subject: x\nTo: a@b\n\nx", "names no sender"),
    "a head of 2 MB": ("a.eml", mail("X: " + "x" * 2_000_000 + "\n"), "its head is longer"),
    "100,000 headers": ("a.eml", mail("X: y\n" * 100_000), "its head is longer"),
    "a head that never ends": ("a.mbox", box(b"From: a@b\nSubject: " + b"x" * 3_000_000), "its head is longer"),
    "100,000 parts": ("a.eml", mail(body="--b\n\nx\n" * 100_000, **{"Content-Type": MIXED}), "more than 1,000 parts"),
    "a million parts": ("a.eml", mail(body="--b\n\n" * 1_000_000, **{"Content-Type": MIXED}), "more than 1,000 parts"),
    "parts in parts, 100,000 deep": ("a.eml", mail(body="".join(f"--b\nContent-Type: {MIXED}\n\n" for _ in range(100_000))),
    "in each other"),
    "mails in mails, 10,000 deep": ("a.eml", mail(body="Content-Type: message/rfc822\n\n" * 10_000), "in each other"),
    "a boundary that is nothing": ("a.eml", mail(**{"Content-Type": 'multipart/mixed; boundary=""'}), ""),
    "a boundary of 100,000 letters": ("a.eml", mail(**{"Content-Type": f'multipart/mixed; boundary="{GIANT}"'}), ""),
    "a kind that is none": ("a.eml", mail(**{"Content-Type": "////;;;==="}), ""),
    "letters of no kind": ("a.eml", mail(body=b"\xff\xfe", **{"Content-Type": "text/plain; charset=\"\\0''\""}), ""),
    "a transfer of no kind": ("a.eml", mail(**{"Content-Type": "text/plain", "Content-Transfer-Encoding": "x-" + "y" * 999}), ""),
    "broken base64": ("a.eml", mail(body="%%%=", **{"Content-Type": "text/plain", "Content-Transfer-Encoding": "base64"}), ""),
    "broken uuencode": ("a.eml", mail(body="begin 666 x\n\xff#", **{"Content-Transfer-Encoding": "x-uuencode"}), ""),
    "100,000 brackets in an address": ("a.eml", mail(From="(" * 9000 + "a@b.example" + ")" * 9000), ""),
    "100,000 quotation marks in an address": ("a.eml", mail(From='"' * 9001 + "a@b.example"), ""),
    "a subject of broken words": ("a.eml", mail(Subject="=?utf-8?q?" * 2000 + " =?x?b?!!?="), ""),
    "a subject that begins anew": ("a.eml", mail(Subject="x\r\n\tBcc: everybody@a.example\x00"), ""),
    "a date that is none": ("a.eml", mail(Date="Mon, 99 Foo 0000 99:99:99 +9999"), ""),
    "a date after all dates": ("a.eml", mail(Date="Fri, 31 Dec 9999 23:59:59 -2359"), ""),
    "10,000 references": ("a.eml", mail(References=" ".join(f"<{n}@x>" for n in range(10_000))), ""),
    "a reference to itself": ("a.mbox", box(mail(References="<1@x>"), mail(**{"Message-ID": "<2@x>", "References": "<2@x> <1@x>"})), ""),
    "an id of 100,000 letters": ("a.eml", mail(**{"Message-ID": f"<{'x' * 9000}>"}), ""),
    "a file name that climbs": ("a.eml", mail("Content-Disposition: attachment; filename=../../etc/passwd\n"), ""),
    "a file name of broken words": ("a.eml",
    mail("Content-Disposition: attachment; filename*9999999999999999999=x; filename*0*=a'b\n"), ""),
    "a mail of 26 MB": ("a.mbox", box(mail(body="x" * 26_000_000), mail()), "longer than 25 MB"),
    "a mail of 12,000,000 lines": ("a.eml", mail(body="x\n" * 12_000_000), "lines, 500,000 are the most"),
    "a mail that is a page": ("a.eml", mail(body="<div>" * 100_000, **{"Content-Type": "text/html"}), ""),
    "a mail of quotes alone": ("a.eml", mail(body="> " * 50_000), ""),
    "a mailbox of separators": ("a.mbox", b"From x@y.example Mon Mar  2 10:00:00 2026\n" * 5000, "names no sender"),
    "a mailbox that begins in the middle": ("a.mbox", b"Hello\nFrom x@y Mon Mar  2 10:00:00 2026\n", "no kind that is known"),
    # transcripts
    "a transcript of nothing": ("a.vtt", "WEBVTT\n", "no cues"),
    "a transcript without its first word": ("a.vtt", cue("Agent: Hi"), "no kind that is known"),
    "times that are none": ("a.vtt", "WEBVTT\n\n" + cue("Agent: Hi", "aa:bb --> cc:dd"), "no cues"),
    "a time after all times": ("a.vtt", "WEBVTT\n\n" + cue("Agent: Hi", "9999:59:59.999 --> 9999:59:59.999"), "start_ms: "),
    "an end before the beginning": ("a.vtt", "WEBVTT\n\n" + cue("Agent: Hi", "00:09.000 --> 00:01.000") + cue("Caller: x"), ""),
    "nobody speaks": ("a.vtt", "WEBVTT\n\n" + cue("Hi"), "nobody is named"),
    "strangers speak": ("a.vtt", "WEBVTT\n\n" + cue("<v A>x") + cue("<v B>y"), "'A' is not known"),
    "a speaker who is a script": ("a.vtt",
    "WEBVTT\n\n" + cue("<v <script>alert(1)</script>>x") + cue("<v Agent>y") + cue("<v C>z"), "not known|no word"),
    "a voice that is never closed": ("a.vtt", "WEBVTT\n\n" + cue("<v " * 10_000 + "Agent: x"), "nobody is named"),
    "100,001 cues": ("a.vtt", "WEBVTT\n\n" + cue("Agent: x") * 100_001, "more than 100,000 cues"),
    "10,000,000 cues": ("a.vtt", sparse(("WEBVTT\n\n" + cue("Agent: x") * 3000).encode(), 400_000_000), "has 400 MB, 20 are the most"),
    "10,001 turns": ("a.vtt", "WEBVTT\n\n" + (cue("Agent: x") + cue("Caller: y")) * 5001, "messages: "),
    "a line of 200,000 letters": ("a.vtt", "WEBVTT\n\n" + cue("Agent: " + "x" * 200_000), "line longer than 100,000"),
    "a cue of 2 MB": ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "Agent: xxxxxxxxxxx\n" * 100_000, "cue longer than 1 MB"),
    "a note of 100,000 lines": ("a.vtt", "WEBVTT\n\nNOTE\n" + "a: b\n" * 100_000 + "\n" + cue("Agent: x"), ""),
    "an id that climbs": ("a.vtt", "WEBVTT\n\nNOTE id: ../../etc/passwd\n\n" + cue("Agent: x"), ""),
    "a transcript in UTF-16": ("a.vtt", ("WEBVTT\n\n" + cue("Agent: x")).encode("utf-16"), "UTF-16|no kind|columns"),
}  # fmt: skip


def put(place: Path, name: str, content: Content) -> Path:
    path = place / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", errors="surrogateescape"))
    return path


def test_there_are_a_hundred_of_them_and_more() -> None:
    assert len(HOSTILE) >= 130
    assert sum(bool(told) for _, _, told in HOSTILE.values()) >= 90


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words_or_its_rows_are_told(place: Path, name: str) -> None:
    file_name, content, expected = HOSTILE[name]
    told, came = outcome(put(place, file_name, content))
    assert not re.search(r"Traceback|Error\b|/tmp/|\bNone\b|0x[0-9a-f]{6}", told)
    assert all(letter.isprintable() for letter in told) and len(told) < 1_000_000
    if expected:
        assert re.search(expected, told), told[:500]
    else:
        assert came, told[:500]


GOOD: dict[str, tuple[str, Content]] = {
    "jsonl": ("a.jsonl", conversation()),
    "csv": ("a.csv", CSV + "1,customer,Hi\n"),
    "mbox": ("a.mbox", box(mail())),
    "eml": ("a.eml", mail()),
    "vtt": ("a.vtt", "WEBVTT\n\n" + cue("Customer: Hi") + cue("Agent: Hello")),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_plain_file_of_each_kind_comes_in(place: Path, kind: str) -> None:
    """The control: it is what is hostile that is refused."""
    name, content = GOOD[kind]
    path = put(place, name, content)
    assert kind == detect(path).NAME
    told, came = outcome(path)
    assert (told, len(came), came[0].messages[0].role) == ("", 1, "customer")


LARGE = [
    "a gigabyte of zeros", "a zip bomb", "a line of 200 MB", "a cell of 200 MB", "a million cells", "a quotation mark that is never closed",
    "100,000 lists in each other", "a million parts", "parts in parts, 100,000 deep", "a mail of 26 MB", "a mail of 12,000,000 lines",
    "10,000,000 cues",
]  # fmt: skip

MEASURE = """
    import re, sys
    from pathlib import Path
    from data.errors import Refused
    from data.intake.reading import Mapping
    from data.intake.readers import detect

    def peak():
        return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

    before = peak()
    for path in map(Path, sys.argv[2:]):
        try:
            reader = detect(path)
            reader.check(path, Mapping())
            for row in reader.read(path, Mapping()):
                pass
        except Refused:
            pass
        if sys.argv[1] == "whole":
            whole = path.read_bytes()
    print(peak() - before)
"""


def growth(how: str, *paths: Path) -> int:
    """By how many MB a process of its own has grown at its largest while it reads one file after the other."""
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(MEASURE), how, *paths], capture_output=True, text=True, check=True)
    return int(told.stdout)


def large(place: Path) -> list[Path]:
    made = []
    for number, name in enumerate(LARGE):
        (place / str(number)).mkdir()
        made.append(put(place / str(number), *HOSTILE[name][:2]))
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read where Linux shows it")
def test_large_files_take_little_memory(place: Path) -> None:
    """And a reader that took whole files into memory would be noticed: that is the control."""
    assert growth("in pieces", *large(place)) <= 300
    assert growth("whole", put(place, "a.csv", sparse(b"", 500_000_000))) > 300
