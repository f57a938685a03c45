"""Mails come in as conversations, and of each only what its writer wrote; HTML and times in plain words."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import config
from data.intake import mails, plain
from data.intake.readers import detect, eml, mbox
from data.intake.reading import Mapping

OURS = Mapping(roles={"shop.example": "rep"})
LINE = "From x@y.example Mon Mar  2 10:00:00 2026\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path / "home"))
    config.reset()
    yield tmp_path
    config.reset()


def mail(
    number: int, *, sender: str = "Jo Doe <jo@a.example>", to: str = "support@shop.example", subject: str = "Parcel", text: str = "Hello",
    answers: str = "", date: str = "", head: str = "", kind: str = "text/plain; charset=utf-8",
) -> str:  # fmt: skip
    date = date or f"Mon, 02 Mar 2026 10:{number:02}:00 +0100"
    answered = f"References: {answers}\n" if answers else ""
    named = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{number}@x>\nDate: {date}\n"
    return f"{named}{answered}{head}Content-Type: {kind}\n\n{text}\n"


def box(path: Path, *written: str | bytes) -> Path:
    path.write_bytes(b"".join(LINE.encode() + (one if isinstance(one, bytes) else one.encode()) + b"\n" for one in written))
    return path


def came_in(path: Path, mapping: Mapping = OURS) -> dict[int, Any]:
    reader = detect(path)
    reader.check(path, mapping)
    rows = list(reader.read(path, mapping))
    assert [number for number, _ in rows] == sorted({number for number, _ in rows})
    return dict(rows)


def said(conversation: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in conversation.messages]


RITA = "Rita <rita@shop.example>"


# Which mails are one conversation


def test_answers_stand_with_what_they_answer_wherever_they_are_in_the_box(place: Path) -> None:
    path = box(
        place / "x.mbox",
        mail(2, sender=RITA, to="jo@a.example", subject="AW: Parcel", text="Tomorrow.", answers="<1@x>"),
        mail(5, sender="Sue <sue@b.example>", subject="Refund", text="Money"),
        mail(1, text="Where is it?"),
        mail(3, subject="Re: Parcel", text="Thanks", answers="<1@x> <2@x>"),
    )
    read = came_in(path)
    assert list(read) == [1, 2]
    assert said(read[1]) == [("customer", "Where is it?"), ("rep", "Tomorrow."), ("customer", "Thanks")]
    assert (read[1].id, read[1].subject, read[1].channel, read[1].customer, read[1].customer_names) == (
        "1@x", "Parcel", "email", "jo@a.example", ["Jo Doe"],
    )  # fmt: skip
    assert [message.author for message in read[1].messages] == [None, "Rita", None]
    assert read[1].opened_at == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)


def test_two_threads_are_one_when_a_later_mail_names_both(place: Path) -> None:
    path = box(place / "x.mbox", mail(1), mail(2, subject="Other"), mail(3, subject="Third"), mail(4, answers="<2@x> <1@x>"))
    assert {number: len(row.messages) for number, row in came_in(path).items()} == {1: 3, 3: 1}


def test_an_answer_that_names_no_mail_is_found_by_its_subject_and_people(place: Path) -> None:
    days = {number: f"{number:02} Mar 2026 10:00:00 +0000" for number in (1, 2, 3)}
    path = box(
        place / "x.mbox",
        mail(1, date=days[1]),
        mail(2, sender=RITA.replace("rita", "support"), to="jo@a.example", subject="Re: Parcel", text="Tomorrow.", date=days[2]),
        mail(3, sender="Sue <sue@b.example>", subject="Re: Parcel", text="Another's", date=days[3]),
        mail(4, date=days[3], text="A new one: it is no answer"),
        mail(5, subject="Re: Parcel", text="Too late", date="20 May 2026 10:00:00 +0000"),
    )
    assert {number: [text for _, text in said(row)] for number, row in came_in(path).items()} == {
        1: ["Hello", "Tomorrow."], 3: ["Another's"], 4: ["A new one: it is no answer"], 5: ["Too late"],
    }  # fmt: skip


def test_a_mail_that_is_twice_in_the_box_is_once_in_the_conversation(place: Path) -> None:
    assert said(came_in(box(place / "x.mbox", mail(1), mail(1)))[1]) == [("customer", "Hello")]


def test_a_folder_of_mails_is_a_mailbox(place: Path) -> None:
    (place / "mails").mkdir()
    for number, text in enumerate([mail(1), mail(2, sender=RITA, answers="<1@x>", text="Yes"), "just words"], start=1):
        (place / "mails" / f"{number}.eml").write_text(text)
    read = came_in(place / "mails")
    assert (said(read[1]), read[3]) == ([("customer", "Hello"), ("rep", "Yes")], "3.eml is no mail")
    assert said(came_in(place / "mails" / "1.eml")[1]) == [("customer", "Hello")]


def test_lines_that_begin_with_from_do_not_cut_a_mail(place: Path) -> None:
    path = box(place / "x.mbox", mail(1, text="Hello\n>From here\n>>From there\n\nFrom now on I wait."), mail(2, subject="Next"))
    assert [said(row)[0][1] for row in came_in(path).values()] == ["Hello\nFrom here\n>From there\n\nFrom now on I wait.", "Hello"]


# Whose words they are


def test_ours_is_who_takes_part_in_most_mails(place: Path) -> None:
    mixed = [mail(number, sender=f"u{number}@c{number}.example", subject=str(number)) for number in range(1, 6)]
    assert mbox.guess(box(place / "x.mbox", *mixed)).roles == {"support@shop.example": "rep", "shop.example": "rep"}
    inside = [*mixed, mail(7, sender="boss@shop.example")]
    assert mbox.guess(box(place / "x.mbox", *inside)).roles == {"support@shop.example": "rep"}  # colleagues are customers there, too
    strangers = [mail(number, sender=f"u{number}@a.example", to=f"v{number}@b.example") for number in range(5)]
    assert mbox.guess(box(place / "x.mbox", *strangers)).roles == {}
    (place / "one.eml").write_text(mail(1))
    assert eml.guess(place / "one.eml").roles == {"support@shop.example": "rep"}


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ({"shop.example": "rep"}, "rep"),
        ({"rita@shop.example": "assistant"}, "assistant"),
        ({"@shop.example": "rep"}, "rep"),
        ({"example": "rep", "op.example": "rep"}, "customer"),
        ({"SHOP.example": "rep"}, "rep"),
    ],
)
def test_an_address_or_its_domain_says_whose_words_they_are(place: Path, roles: dict[str, str], role: str) -> None:
    read = came_in(box(place / "x.mbox", mail(1), mail(2, sender="Rita <Rita@Shop.Example>", answers="<1@x>")), Mapping(roles=roles))
    assert [message.role for message in read[1].messages] == ["customer", role]


@pytest.mark.parametrize(
    "fields",
    [
        {"head": "Auto-Submitted: auto-replied\n"},
        {"head": "Precedence: bulk\n"},
        {"head": "X-Autoreply: yes\n"},
        {"head": "Return-Path: <>\n"},
        {"sender": "MAILER-DAEMON@mx.example"},
    ],
)
def test_what_a_machine_sent_is_nobodys_words(place: Path, fields: dict[str, str]) -> None:
    assert said(came_in(box(place / "x.mbox", mail(1, **fields)))[1]) == [("system", "Hello")]
    assert said(came_in(box(place / "y.mbox", mail(1, head="Auto-Submitted: no\n")))[1]) == [("customer", "Hello")]


# What is in a mail

PARTS = """From: =?utf-8?q?J=C3=B6?= <jo@a.example>
To: support@shop.example
Subject: =?iso-8859-1?Q?Gr=FC=DFe?= aus =?utf-8?B?S8O2bG4=?=
Message-ID: <p@x>
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--inner
Content-Type: text/html

<p>Not this</p>
--inner--
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf
Content-Transfer-Encoding: base64

!!!! no base64 !!!!
--outer
Content-Type: message/rfc822

From: other@b.example
Subject: inside

Inner
--outer--
"""


def test_plain_text_goes_before_html_and_attachments_are_named(place: Path) -> None:
    read = came_in(box(place / "x.mbox", PARTS))[1]
    assert (said(read), read.subject, read.customer_names) == ([("customer", "Grüße")], "Grüße aus Köln", ["Jö"])
    assert read.messages[0].model_extra == {"attachments": ["Résumé.pdf", "a mail"]}


@pytest.mark.parametrize(
    ("kind", "text", "read"),
    [
        ("text/html", "<p>Hi <b>you</b></p><style>p{}</style><p>Bye</p>", "Hi you\n\nBye"),
        ("text/plain; charset=nonsense", "Grüße", "Grüße"),
        ("text/plain; charset=utf-8", b"Gr\xfc\xdfe", "Grüße"),
        ("text/plain", "x" * 150_000, "x" * 100_000),
        ("text/html", "<blockquote>old</blockquote>", "> old"),
    ],
)
def test_a_text_is_read_as_far_as_it_can_be(place: Path, kind: str, text: str | bytes, read: str) -> None:
    raw = mail(1, kind=kind, text="").encode() + (text if isinstance(text, bytes) else text.encode())
    message = came_in(box(place / "x.mbox", raw))[1].messages[0]
    assert message.text == read
    assert (message.model_extra or {}).get("characters_left_out", 0) == (50_000 if len(read) == 100_000 else 0)


def test_a_bad_mail_is_told_and_spoils_no_other(place: Path) -> None:
    bad = [
        "Subject: nobody\n\nx\n", mail(1, head="".join(f"X-{n}: y\n" for n in range(2001))), mail(2, text="x" * mails.LONGEST_MAIL),
        mail(3, kind="multipart/mixed; boundary=b",
    text="--b\n\nx\n" * 1001),
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 51 + "\n",
    ]  # fmt: skip
    read = came_in(box(place / "x.mbox", mail(8), *bad, mail(9, subject="Other")))
    assert [read[number] for number in range(2, 7)] == [
        "it names no sender",
        "its head is longer than 1 MB or 2,000 lines",
        "longer than 25 MB",
        "it has more than 1,000 parts",
        "it has 51 mails or groups of parts in each other, 50 are the most",
    ]
    assert [said(read[number]) for number in (1, 7)] == [[("customer", "Hello")]] * 2


def test_a_mail_without_id_and_date_is_the_same_one_each_time(place: Path) -> None:
    path = box(
        place / "x.mbox", "From: jo@a.example\nTo: s@shop.example\n\nHello", "From: jo@a.example\nMessage-ID: <" + "y" * 900 + ">\n\nHello"
    )
    first, second = came_in(path), came_in(path)
    assert [row.id for row in first.values()] == [row.id for row in second.values()]
    assert all(row.id.startswith("sha-") and row.opened_at is None for row in first.values())


@settings(max_examples=80, deadline=None)
@given(raw=st.binary(max_size=400), head=st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_a_mail(raw: bytes, head: bytes) -> None:
    for whole in (raw, b"From: a@b.example\nSubject: " + head + b"\nContent-Type: multipart/mixed; boundary=" + head[:9] + b"\n\n" + raw):
        read = mails.parse(whole)
        assert read if isinstance(read, str) else json.dumps(read.text + read.subject + read.name + read.id, ensure_ascii=False).encode()


# What its writer wrote

HISTORY = [
    "On Mon, 3 Mar 2026 at 10:01, Jo Doe <jo@x.example> wrote:\n> old\n>> older",
    "On Mon, 3 Mar 2026 at 10:01, Jo Doe <jo@x.example>\nwrote:\n\n> old\n",
    "On Mon, 3 Mar 2026 at 10:01, Jo wrote:\nold without marks\nmore of it",
    "Am 03.03.2026 um 10:01 schrieb Jo Doe <jo@x.example>:\n> alt",
    "Jo Doe <jo@x.example> schrieb am Mo., 3. März 2026, 10:01:\n\n> alt",
    "Le lun. 3 mars 2026 à 10:01, Jo Doe <jo@x.example> a écrit :\n\n> vieux",
    "El lun, 3 mar 2026 a las 10:01, Jo Doe (<jo@x.example>) escribió:\n> viejo",
    "Il giorno lun 3 mar 2026 alle ore 10:01 Jo Doe <jo@x.example> ha scritto:\n> vecchio",
    "Op ma 3 mrt 2026 om 10:01 schreef Jo Doe <jo@x.example>:\n> oud",
    "Em seg., 3 de mar. de 2026 às 10:01, Jo Doe <jo@x.example> escreveu:\n> velho",
    "pon., 3 mar 2026 o 10:01 Jo Doe <jo@x.example> napisał(a):\n> stare",
    "-----Original Message-----\nFrom: Jo\nSent: Monday\nTo: us\nSubject: x\n\nold",
    "-----Ursprüngliche Nachricht-----\nalt",
    "________________________________\nVon: Jo Doe <jo@x.example>\nGesendet: Montag, 3. März 2026 10:01\nAn: uns\nBetreff: x\n\nalt",
    "From: Jo Doe <jo@x.example>\nSent: Monday, March 3, 2026 10:01 AM\nTo: us\nSubject: x\n\nold",
    "De : Jo <jo@x.example>\nEnvoyé : lundi 3 mars 2026\nÀ : nous\nObjet : x\n\nvieux",
    "> old\n> older",
]
SIGNED = [
    "-- \nJo Doe\nChief of all\n+49 1", "--\nJo", "Sent from my iPhone", "Von meinem iPhone gesendet", "Gesendet mit der GMX Mail App",
    "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Inviato da iPhone", "Verzonden vanaf mijn iPhone", "Enviado do meu iPhone",
    "Wysłane z iPhone'a", "Get Outlook for iOS", "Outlook für Android beziehen",
]  # fmt: skip


@pytest.mark.parametrize("history", HISTORY, ids=lambda text: text[:25])
@pytest.mark.parametrize("sign", ["", "\n\nSent from my iPhone"])
def test_the_mail_that_was_answered_is_left_out(history: str, sign: str) -> None:
    assert plain.of_mail(f"It still does not work.\n\nCan you help?{sign}\n\n{history}\n") == "It still does not work.\n\nCan you help?"


@pytest.mark.parametrize("sign", SIGNED)
def test_a_signature_is_left_out(sign: str) -> None:
    assert plain.of_mail(f"Hello\n\nthank you\n\n{sign}\n") == "Hello\n\nthank you"
    assert plain.of_mail(sign).startswith(sign.strip()[:2])  # and stays where nothing else is


@pytest.mark.parametrize(
    "text",
    [
        "On reflection I wrote:\nmy own words",
        "Steps:\n-- first\n-- second",
        "I was sent from my iPhone shop to you.",
        "> only what was quoted",
        "From: me\nthe parcel came",
        "FYI\n\n---------- Forwarded message ---------\nFrom: Bank <b@x.example>\nDate: Mon\nSubject: y\nTo: me\n\nYou are blocked",
        "On 3 March 2026 at 10:01 I wrote:",
    ],
)
def test_a_writers_own_words_stay(text: str) -> None:
    assert plain.of_mail(text) == text


def test_answers_between_quotes_stay_with_the_quotes_and_an_answer_below_stays_alone() -> None:
    between = "On Mon, 3 Mar 2026 10:01, Jo wrote:\n> a?\nyes\n> b?\nno"
    assert plain.of_mail(between + "\n> c") == between
    assert plain.of_mail("On Mon, 3 Mar 2026 10:01, Jo wrote:\n> a?\n\nThat is right.") == "That is right."


# HTML


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<br/><br>c", "a\nb\n\nc"),
        ("<p>One</p>\n<p>Two\nlines</p>", "One\n\nTwo lines"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"),
        ("<a href='https://x.example/a?b=1&amp;c'>here</a>", "here (https://x.example/a?b=1&c)"),
        ("<a href='https://www.x.example/'>x.example</a> <a href=mailto:a@b.example>a@b.example</a>", "x.example a@b.example"),
        ("<a href='javascript:alert(1)'>click</a><a href='#top'>up</a>", "clickup"),
        ("5 &lt; 6 &amp; a < b &nbsp; &#x41;&#0;&#99999999999;", "5 < 6 & a < b A\ufffd\ufffd"),
        ("a<script>if (1 < 2) alert('</p>')</script>b<style>p{}</style>c<!-- no --><title>t</title>", "abc"),
        ("a<div style='color:red;display: none'>no<div>no</div></div><span hidden>no</span><p class='hidden'>yes</p>", "a\n\nyes"),
        ("<div hidden>never closed stays", "never closed stays"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n\n> > older\n\nnew"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ('<img alt="x" title="a > b">t', "t"),
        ("no html at all", "no html at all"),
    ],
)
def test_html_is_read_as_a_person_sees_it(html: str, text: str) -> None:
    assert plain.of_html(html) == text


BOMBS = {
    "nested": "<div>", "quotes never closed": '<a "', "attributes": "<a '\">", "brackets": "<", "comments": "<!--",
    "hidden": "<div hidden>",
    "hidden and closed": "<b hidden></b>", "quotations": "<blockquote>", "lists": "<ul><li>", "scripts": "<script>", "entities": "&amp",
    "digits": "&#9",
    "links": "<a href=x>", "spaces": " ", "closings": "</p>", "pre": "<pre>\n", "styles": "<p style='", "sections": "<![CDATA[",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_html_costs_no_more_than_its_length(name: str) -> None:
    """What grows with the square of the length, or with the depth, would stand here for minutes or end in a RecursionError."""
    for end in (">", '"'):
        text = plain.of_html(BOMBS[name] * (200_000 // len(BOMBS[name])) + end)
        assert len(text) < 5_000_000


@given(st.text(max_size=200))
def test_any_text_is_read_as_html(text: str) -> None:
    read = plain.of_html(text)
    assert "\0" not in read
    if not set(text) & set("<&\0\r\xa0"):
        assert Counter(read.split()) == Counter(text.split())


@given(st.text(st.sampled_from("a >\n-:On2@wrote"), max_size=80))
def test_of_a_mail_something_always_stays(text: str) -> None:
    assert bool(plain.of_mail(text)) == bool(text.strip())


# Times

NOON = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        NOON, NOON.timestamp(), int(NOON.timestamp() * 1000), str(int(NOON.timestamp())), "2026-03-01T12:05:00Z",
    "2026-03-01T13:05:00+01:00",
        "2026-03-01 13:05", "2026-03-01 13:05:00", "2026-03-01 12:05:00 UTC", "2026-03-01 12:05:00 +0000", "2026/03/01 13:05",
    "01.03.2026 13:05",
        "01.03.2026, 13:05:00", "1.3.2026 13:05", "1. März 2026 13:05 Uhr", "1 March 2026 1:05 PM", "Mar 1, 2026 1:05 pm",
    "Sun, 01 Mar 2026 13:05:00 +0100",
        "Sun, 1 Mar 2026 12:05:00 GMT", "3/1/2026 1:05 PM", "Sunday, March 1, 2026 13:05",
    ],
)  # fmt: skip
def test_a_time_is_read_however_it_is_written(value: Any) -> None:
    assert plain.moment(value, "Europe/Berlin", day_first=False) == NOON


@pytest.mark.parametrize(
    "value",
    [None, True, "", "yesterday", "12345", 12345, 1e300, float("nan"), -1, "31.02.2026", "2026-13-01", "5551234567", "3/1/2026", "99:99",
    "1" * 200, [], {},
     "01.01.0001", "2026-03-01 25:00", "4.5", "1,000,000"],
)  # fmt: skip
def test_what_is_no_time_is_none(value: Any) -> None:
    assert plain.moment(value) is None
