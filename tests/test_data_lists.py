"""A list as a file: what the list shows, within reach, masked once more, and good for one download."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from data import audit, conversations, downloads, lists, people, reviews, store, tokens
from data.conversations import Filter
from data.errors import Denied, Refused
from data.intake import door
from data.tables import AuditEntry, Conversation, Message, Person
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int, **fields: Any) -> str:
    opened = now() - timedelta(days=9, minutes=-number)  # the higher the number, the newer
    return door.receive([canonical(number, opened_at=opened, **fields)], by=people.console(), classify=False).ids[0]


def read(made: lists.Made, by: Person) -> list[dict[str, str]]:
    ticket = downloads.offer(made.key, made.name, by=by, right="conversation.export")
    text = downloads.fetch(ticket, by=by).path.read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_file_has_a_line_for_each_conversation_of_the_list(staff: Staff) -> None:
    ids = [arrive(number, team="Oak", subject=f"About {number}", csat=number) for number in (1, 2, 3)]
    reviews.record(ids[0], "strong", by=staff.rep)
    made = lists.as_csv(Filter(), by=staff.lead)
    rows = read(made, staff.lead)
    shown = conversations.listed(Filter(), by=staff.lead)
    assert tuple(rows[0]) == lists.HEADER and made.rows == len(rows) == 3
    assert [row["Address"] for row in rows] == [f"/conversation?conversation={one.id}" for one in shown]
    last = rows[-1]
    assert (last["Subject"], last["Rated"], last["Reviewed"], rows[0]["Reviewed"]) == ("About 1", "1", "yes", "no")
    assert last["Begins"].startswith(("Refund", "Order status", "Sign-in", "Invoice")) and last["Customer"] == shown[-1].customer
    assert datetime.fromisoformat(last["Opened"]) == shown[-1].opened_at.replace(microsecond=0)


def test_it_is_narrowed_as_the_list_is_and_to_the_persons_reach(staff: Staff) -> None:
    oak, fern = arrive(1, team="Oak", channel="chat"), arrive(2, team="Fern", channel="chat")
    arrive(3, team="Oak", channel="voice")

    def addresses(by: Person) -> set[str]:
        return {row["Address"].rpartition("=")[2] for row in read(lists.as_csv(Filter(channel="chat"), by=by), by)}

    assert (addresses(staff.rep), addresses(staff.other), addresses(staff.engineer)) == ({oak}, {fern}, {oak, fern})
    with pytest.raises(Denied, match="an admin may not export a conversation"):
        lists.as_csv(Filter(), by=staff.admin)
    with pytest.raises(Refused, match="Nothing to download"):
        lists.as_csv(Filter(words="nothing of that kind"), by=staff.rep)


def test_a_token_for_exports_needs_no_right_to_read_besides(staff: Staff) -> None:
    arrive(1, team="Oak")
    assert lists.as_csv(Filter(), by=tokens.narrowed(staff.engineer, ["export"])).rows == 1
    for scopes in (["read"], ["label"], []):
        with pytest.raises(Denied):
            lists.as_csv(Filter(), by=tokens.narrowed(staff.engineer, scopes))
    with pytest.raises(Denied):
        lists.as_csv(Filter(), by=tokens.narrowed(staff.admin, ["export"]))


def test_the_file_is_good_once_for_whoever_asked_while_they_may(staff: Staff) -> None:
    arrive(1, team="Oak")
    made = lists.as_csv(Filter(), by=staff.rep)
    ticket = downloads.offer(made.key, made.name, by=staff.rep, right="conversation.export")
    with pytest.raises(Refused):
        downloads.fetch(ticket, by=staff.lead)
    assert downloads.fetch(ticket, by=staff.rep).name == "conversations.csv"
    with pytest.raises(Refused):
        downloads.fetch(ticket, by=staff.rep)
    ticket = downloads.offer(made.key, made.name, by=staff.rep, right="conversation.export")
    staff.rep.role = "admin"
    with pytest.raises(Denied):
        downloads.fetch(ticket, by=staff.rep)


def test_more_than_fits_is_cut_and_said(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [arrive(number, team="Oak") for number in (1, 2, 3, 4)]
    monkeypatch.setattr(lists, "MOST", 3)
    made = lists.as_csv(Filter(), by=staff.rep)
    assert made.sentence == "Made a list of the newest 3 conversations; more fit, and a list has at most 3 lines."
    assert [row["Address"].rpartition("=")[2] for row in read(made, staff.rep)] == ids[:0:-1]
    monkeypatch.setattr(lists, "MOST", 4)
    assert lists.as_csv(Filter(), by=staff.rep).sentence == "Made a list of 4 conversations."


def test_what_the_door_missed_is_masked_on_the_way_out(staff: Staff) -> None:
    made = arrive(1, team="Oak", subject="Hello")
    with store.writing() as db:  # as an older portal may have kept it
        db.execute(update(Conversation).where(col(Conversation.id) == made).values(subject="Card 4111 1111 1111 1111, says Rita"))
        first = (col(Message.conversation_id) == made, col(Message.seq) == 1)
        db.execute(update(Message).where(*first).values(text="Write to\njo.doe@example.org " + "and wait " * 40))
    (row,) = read(lists.as_csv(Filter(), by=staff.rep), staff.rep)
    assert row["Subject"] == "Card ‹CARD 1›, says Rita"
    assert row["Begins"].startswith("Write to ‹EMAIL 1› and wait") and len(row["Begins"]) <= lists.LONGEST


def test_the_list_stands_in_the_record_without_what_is_personal(staff: Staff) -> None:
    arrive(1, team="Oak", channel="chat")
    lists.as_csv(Filter(channel="chat", words="please -jo.doe@example.org"), by=staff.rep)
    with store.reading() as db:
        entry = db.exec(select(AuditEntry).where(AuditEntry.noun == "conversations")).one()
    assert (entry.verb, entry.sentence, entry.by_person_id) == ("listed", "Made a list of 1 conversation.", staff.rep.id)
    assert entry.after == {"channel": "chat", "words": "please -‹EMAIL 1›"} and audit.broken() is None
