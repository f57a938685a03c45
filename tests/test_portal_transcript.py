"""A conversation is drawn from words and marks alone: nothing is lost, nothing is interpreted, and nothing jumps."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import update
from sqlmodel import col

from data import conversations, people, store
from data.errors import Denied
from data.intake import door
from data.tables import Conversation, Message
from portal import transcript
from tests import axe
from tests.browser import desk, settled
from tests.conftest import Staff, fresh_sqlite
from tests.conversations import canonical
from tests.server import Server, inside, serving

# -- quotes -------------------------------------------------------------------------------------------------------------------------------

PIECES = (
    "", "Thanks", "> quoted", " > too", ">", "On 3 May 2026 at 10:12, Jo <jo@a.example>", "wrote:", "On 3 May Jo wrote:",
    "Am 3.5. schrieb Jo:",
    "-----Original Message-----", "From: Jo", "Sent: 3 May", "________", "\u2028", "\x0c", "\r", "‹NAME 1›",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20)), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_cutting_at_quotes_loses_no_letter(lines: list[str], end: str) -> None:
    text = end.join(lines)
    pieces = transcript.split_quotes(text)
    assert "".join(piece for _, piece in pieces) == text
    assert not text.strip() or any(piece.strip() for quoted, piece in pieces if not quoted)  # no message looks empty


def said(text: str) -> str:
    """What stands there unfolded."""
    return "|".join(piece.strip() for quoted, piece in transcript.split_quotes(text) if not quoted)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Yes.\n> Is it?\n>\n> Really?", "Yes."),
        ("Yes.\n\nOn 3 May 2026, Jo wrote:\n\n> Is it?\n\nGreetings", "Yes.|Greetings"),
        ("Yes.\nOn Sun, 3 May 2026 at 10:12 Jo Doe\n<jo@a.example> wrote:\n> Is it?", "Yes."),
        ("Ja.\nAm 03.05.2026 um 10:12 schrieb Jo Doe:\nWirklich?\nJo", "Ja."),
        ("Oui.\nLe 3 mai 2026, Jo a écrit :\n> Vraiment ?", "Oui."),
        ("Yes.\n-----Original Message-----\nFrom: Jo\n\nIs it?", "Yes."),
        ("Ja.\n\n________________________________\nVon: Jo\nGesendet: heute\n\nWirklich?", "Ja."),
        ("Yes.\nFrom: Jo\nSent: today\n\nIs it?", "Yes."),
        ("> Is it?\nYes.\n> Really?\nNo.", "Yes.|No."),
        ("> all of it\n> is quoted", "> all of it\n> is quoted"),
        ("-----Original Message-----\nall of it", "-----Original Message-----\nall of it"),
        ("On Monday I wrote you:\nwhere is it?", "On Monday I wrote you:\nwhere is it?"),
        ("On 3 May I ordered a plant:\nwhere is it?", "On 3 May I ordered a plant:\nwhere is it?"),
        ("a -> b\n--> c\nFrom: here to there", "a -> b\n--> c\nFrom: here to there"),
    ],
)
def test_what_somebody_wrote_themselves_stays_in_sight(text: str, shown: str) -> None:
    assert said(text) == shown


@pytest.mark.parametrize("line", ["\n", ">\n\n", "On 1 wrote:\n\n", "On 1 " + "a" * 90 + "\n", ">", "On 1 wrote", "> a\nb\n", "From: a\n"])
def test_a_long_hostile_mail_is_cut_at_once(line: str) -> None:
    began = time.monotonic()
    transcript.split_quotes((line * 100_000)[:100_000])
    assert time.monotonic() - began < 2


# -- what the browser is given ------------------------------------------------------------------------------------------------------------

AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def drawn(*messages: Message, channel: str = "chat", subject: str | None = None) -> dict:
    conversation = Conversation(
        source="test", external_id="1", content_hmac="", channel=channel, customer_id="c", opened_at=AT, place=1, subject=subject
    )
    return transcript.told(conversation, messages)


def message(role: str = "customer", text: str = "", **fields: object) -> Message:
    return Message(**{"conversation_id": "c", "seq": 1, "role": role, "text": text, "at": AT, **fields})


def folded(told: dict) -> dict[str, str]:
    return {part["fold"]: "".join(part["runs"]) for part in told["parts"] if "fold" in part}


def test_each_speaker_has_a_side_and_a_machine_is_always_called_one() -> None:
    told = drawn(message(), message("rep"), message("rep", author="Rita"), message("assistant", author="Rita"), message("system"))
    assert [(one["side"], one["who"]) for one in told["messages"]] == [
        ("customer", "Customer"), ("person", "Support"), ("person", "Rita"), ("machine", "Machine: Rita"), ("step", "System"),
    ]  # fmt: skip


def test_a_machine_s_steps_are_named_and_read_as_lines() -> None:
    call = {"name": "look_up", "arguments": {"order": 7, "with": ["payments", {"deep": True}]}}
    (called, answered, silent, told) = drawn(
        message("tool", tool_call=call), message("tool", "It is there.", tool_result={"state": None, "many": list(range(60))}),
        message("tool", tool_call={"name": "stop"}), message("system", "Assigned to Rita"),
    )["messages"]  # fmt: skip
    assert folded(called) == {"Called look_up": "order: 7\nwith: 1. payments\nwith: 2. deep: yes"}
    assert folded(answered)["Its answer"].startswith("state: nothing\nmany: 1. 0\n") and folded(answered)["In words"] == "It is there."
    assert folded(answered)["Its answer"].endswith("many: 50. 49\nmany: and 10 more")
    assert (folded(silent), folded(told)) == ({"Called stop": "nothing"}, {"System message": "Assigned to Rita"})


def test_what_was_replaced_is_told_apart_from_what_was_written() -> None:
    told = drawn(message(text="My card is ‹CARD 1›, not ‹THIS 1› or ‹card 2›"), subject="‹NAME 2›")
    assert told["messages"][0]["parts"] == [{"runs": ["My card is ", "‹CARD 1›", ", not ‹THIS 1› or ‹card 2›"]}]
    assert told["subject"] == ["", "‹NAME 2›", ""]


def test_notes_and_what_is_gone_are_marked_in_words() -> None:
    (note, gone) = drawn(message("rep", "x", private=True), message("rep", "y", gone_at=AT))["messages"]
    assert [mark["words"] for mark in note["marks"]] == ["private note"]
    assert [mark["words"] for mark in gone["marks"]] == ["deleted where it came from"]


def test_a_call_tells_how_far_into_it_and_a_thread_of_days_which_day() -> None:
    call = drawn(message(start_ms=42_400), message(start_ms=3_723_000), message(), channel="voice")["messages"]
    assert [one["into"] for one in call] == ["0:42", "1:02:03", ""]
    assert [one["day"] for one in call] == ["", "", ""]
    thread = drawn(message(), message(), message(at=AT + timedelta(days=2)))["messages"]
    assert [bool(one["day"]) for one in thread] == [True, False, True]


def test_quotes_are_folded_in_mails_and_only_there() -> None:
    text = "Yes.\n\nOn 3 May 2026, Jo wrote:\n> Is it?\n> Really?"
    assert folded(drawn(message(text=text), channel="email")["messages"][0]) == {
        "Quoted: 3 lines": "On 3 May 2026, Jo wrote:\n> Is it?\n> Really?"
    }
    assert folded(drawn(message(text=text))["messages"][0]) == {}


def test_the_script_never_makes_html_of_words() -> None:
    script = Path(transcript.__file__).with_suffix(".js").read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|DOMParser|createContextualFragment|document\.write|\beval\b|href|src\b", script
    )


# -- what else the customer wrote ---------------------------------------------------------------------------------------------------------


def test_a_customer_s_other_conversations_stand_newest_first_within_reach(staff: Staff) -> None:
    def arrive(number: int, team: str | None = "Oak", customer: str = "c", source: str = "test") -> str:
        opened = AT - timedelta(days=number)
        made = canonical(number, team=team, customer=customer, source=source, opened_at=opened)
        return door.receive([made], by=people.console()).ids[0]

    this, oak, nobodys, fern = arrive(5), arrive(3), arrive(7, team=None), arrive(4, team="Fern")
    arrive(6, customer="another"), arrive(8, source="another desk")
    reach = {
        staff.rep.id: [oak, nobodys], staff.lead.id: [oak, nobodys], staff.engineer.id: [oak, fern, nobodys],
        staff.other.id: [], staff.admin.id: [oak, fern, nobodys],
    }  # fmt: skip
    for person in (staff.rep, staff.lead, staff.other, staff.engineer, staff.admin):
        assert [row.id for row in conversations.of_customer(this, by=person)] == reach[person.id]
    assert [row.id for row in conversations.of_customer(fern, by=staff.other)] == [nobodys]
    assert conversations.of_customer("nothing", by=staff.engineer) == []
    with pytest.raises(Denied):
        conversations.of_customer(this, by=people.console())
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.id) == oak).values(hidden_at=AT))
    assert [row.id for row in conversations.of_customer(this, by=staff.rep)] == [nobodys]
    for number in range(20, 32):
        arrive(number)
    newest = conversations.of_customer(this, by=staff.rep)
    assert len(newest) == conversations.MOST_OF_A_CUSTOMER and newest[0].id == nobodys
    assert [row.opened_at for row in newest] == sorted((row.opened_at for row in newest), reverse=True)


# -- in a browser -------------------------------------------------------------------------------------------------------------------------

LINES = [{"role": ("customer", "rep")[place % 2], "text": f"Line {place} <b>of</b> it"} for place in range(40)]
LONG = "word " * 4000 + "x" * 30_000


@pytest.fixture(scope="module")
def arranged(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, list[str]]]:
    """Two long conversations of one customer, and a mail with all there is to mark."""
    home = tmp_path_factory.mktemp("transcript")
    fresh_sqlite(templates, tmp_path_factory, home)
    marked = [
        {"role": "customer", "text": "My card is 4111 1111 1111 1111.\n\nOn 3 May 2026, Jo wrote:\n> Is it?"},
        {"role": "rep", "text": "A note", "author": "Rita", "private": True},
        {"role": "tool", "tool_call": {"name": "look_up", "arguments": {"order": "7"}}},
        {"role": "rep", "text": LONG, "author": "Rita"},
    ]
    made = [canonical(1, messages=LINES, customer="c"), canonical(2, messages=LINES[::-1], customer="c")]
    made.append(canonical(3, messages=marked, channel="email", subject="<i>Broken</i>", customer="c"))
    with inside(home):
        ids = door.receive(made, by=people.add("Emil", "emil@example.com", "engineer", by=people.console(), demo=True)).ids
    with serving(home) as server:
        yield server, ids


def region(page: Page) -> Locator:
    return page.get_by_role("region", name="The conversation")


def top(page: Page) -> int:
    return int(region(page).evaluate("it => it.scrollTop"))


def test_it_scrolls_by_keyboard_stays_when_drawn_anew_and_the_next_begins_at_the_top(
    browser: Browser, arranged: tuple[Server, list[str]]
) -> None:
    (server, ids), complaints = arranged, []
    with desk(browser, server.base, "Emil", complaints) as page:
        page.goto(f"{server.base}/review?conversation={ids[0]}")
        expect(region(page).get_by_text("Line 0 <b>of</b> it", exact=True)).to_be_visible()
        settled(page)
        assert top(page) == 0
        region(page).focus()
        page.keyboard.press("End")
        expect(region(page).get_by_text("Line 39 <b>of</b> it", exact=True)).to_be_in_viewport()
        with server.inside():
            engineer = people.demo_people()[0]
            door.receive([canonical(1, messages=[*LINES, {"role": "customer", "text": "Line 40"}], customer="c")], by=engineer)
        page.get_by_label(re.compile("^Note")).fill("seen")
        page.get_by_label(re.compile("^Note")).press("Enter")
        expect(region(page).get_by_text("Line 40", exact=True)).to_be_attached()
        assert top(page) > 500
        region(page).evaluate("it => { it.kept = true }")
        page.locator(f".st-key-review_open_{ids[1]} button").click()
        expect(region(page).locator("li").first).to_contain_text("Line 39 <b>of</b> it")
        assert (top(page), region(page).evaluate("it => it.kept")) == (0, True)  # the same element, so at once
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_its_own_page_shows_all_of_it_folded_marked_and_readable(theme: str, browser: Browser, arranged: tuple[Server, list[str]]) -> None:
    (server, ids), complaints = arranged, []
    with desk(browser, server.base, "Emil", complaints, theme) as page:
        began = time.monotonic()
        page.goto(f"{server.base}/conversations?conversation={ids[2]}")  # the old address
        expect(page.get_by_text("Subject: <i>Broken</i>")).to_be_visible()
        settled(page)
        assert time.monotonic() - began < 20
        assert f"/conversation?conversation={ids[2]}" in page.url
        expect(page.get_by_title("Replaced when it came in").first).to_have_text("‹CARD 1›")
        expect(page.get_by_text("private note")).to_be_visible()
        expect(page.get_by_text("> Is it?")).to_be_hidden()
        page.get_by_text("Quoted: 2 lines").click()
        expect(page.get_by_text("> Is it?")).to_be_visible()
        page.get_by_text("Called look_up").focus()
        page.get_by_text("Called look_up").click()
        expect(page.get_by_text("order: 7")).to_be_visible()
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window
        assert [one for one in axe.findings(page) if "transcript" in one.html or "stBidi" in one.selector] == []
        page.locator(f'a[href$="{ids[0]}"]').click()
        expect(page.locator("ol").get_by_text("Line 0 <b>of</b> it", exact=True)).to_be_in_viewport()
        assert page.evaluate("""() => document.querySelector('[data-testid="stMain"]').scrollTop""") == 0
    assert complaints == []
