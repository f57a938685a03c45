"""The one door: what is personal is gone before it is stored, each conversation stands once, and a bad row spoils nothing else."""

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, func, select

from data import config, conversations, people, sealing, store
from data.errors import Denied, Refused
from data.intake import door, files
from data.intake.canonical import CanonicalConversation
from data.intake.readers import jsonl
from data.tables import Conversation, Customer, ImportBatch, Message, Person, Seal, Signal, metadata
from data.values import now
from tests.conftest import SOAK, Staff
from tests.conversations import canonical, one
from tests.test_data_store import at_once

CARD, SPOKEN, OTHER_CARD = "4111111111111111", "4111 1111 1111 1111", "5555555555554444"
ADDRESS = "jo.doe@example.org"
fork = multiprocessing.get_context("forkserver")
fork.set_forkserver_preload(["data.intake.files", "tests.test_data_intake"])


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "customer", "text": text} for text in texts]


def write(path: Path, *lines: dict[str, Any] | bytes) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return path


def take(*arriving: CanonicalConversation, by: Person | None = None) -> door.Arrival:
    return door.receive(arriving, by=by or people.console())


def stored(number: int = 1) -> tuple[Conversation, list[Message]]:
    with store.reading() as db:
        found = db.exec(select(Conversation).where(Conversation.external_id == str(number))).one()
        return found, conversations.messages_of(db, found.id)


def count(table: Any) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def everything() -> str:
    """All that stands in the database, as text."""
    with store.reading() as db:
        return json.dumps([[list(row) for row in db.execute(table.select())] for table in metadata.tables.values()], default=str)


# What a file says.


def test_each_line_is_a_conversation_or_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl", one(1), b"\n", b"{broken\n", b"  \n", b"[1, 2]\n", b'"text"\n', {**one(2), "channel": "fax"}, b"\xff\xfe\n",
        {**one(3), "messages": []}, one(4),
    )  # fmt: skip
    read = dict(jsonl.read(path))
    assert [number for number, line in read.items() if isinstance(line, CanonicalConversation)] == [1, 10]
    told = {number: line for number, line in read.items() if isinstance(line, str)}
    assert set(told) == {3, 5, 6, 7, 8, 9}
    assert told[3].startswith("not JSON: ")
    assert told[7].startswith("channel: Input should be 'chat', 'email' or 'voice'")
    assert told[9].startswith("messages: ")


def test_a_faulty_line_is_told_in_three_faults_at_most(tmp_path: Path) -> None:
    told = jsonl.parse(json.dumps({"id": "", "source": "", "channel": "fax", "messages": [{"role": "dog"}], "csat": 9}))
    assert isinstance(told, str)
    assert told.startswith("id: ")
    assert told.endswith("(and 2 more)")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"opened_at": "2026-01-01T00:00:00"}, "opened_at: Input should have timezone info"),
        ({"opened_at": "2026-01-02T00:00:00Z", "closed_at": "2026-01-01T00:00:00Z"}, "conversation: closed_at is before opened_at"),
        ({"csat": 6}, "csat: "),
        ({"messages": [{"role": "customer", "text": "x" * 100_001}]}, "messages.0.text: "),
        ({"id": "x" * 201}, "id: "),
    ],
)
def test_what_is_wrong_with_a_line_is_told_by_field(change: dict[str, Any], told: str) -> None:
    said = jsonl.parse(json.dumps(one(1) | change))
    assert isinstance(said, str)
    assert said.startswith(told)


def test_a_reader_goes_on_behind_the_line_where_it_stopped(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", one(1), b"{broken\n", one(2), one(3))
    assert [number for number, _ in jsonl.read(path, after_line=2)] == [3, 4]


def test_a_line_of_no_end_is_refused_once_and_the_next_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", one(1), b"{" + b"x" * (2 * jsonl.LONGEST_LINE) + b"\n", one(2))
    assert [(number, line if isinstance(line, str) else line.id) for number, line in jsonl.read(path)] == [
        (1, "1"), (2, "longer than 5 MB"), (3, "2"),
    ]  # fmt: skip
    assert [number for number, _ in jsonl.read(path, after_line=2)] == [3]  # an import that goes on does not refuse it again


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"id,source\n1,2\n", "is not JSONL"),
        (b"[{}]", "is not JSONL"),
        (b"PK\x03\x04", "is not JSONL"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_whole(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(Refused, match=rf"^Nothing was imported: x\.jsonl {told}"):
        jsonl.check(path)
    with pytest.raises(Refused, match="is not a file"):
        jsonl.check(tmp_path / "none.jsonl")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", b"\xef\xbb\xbf" + json.dumps(one(1)).encode() + b"\r\n", one(2))
    jsonl.check(path)
    assert [isinstance(line, CanonicalConversation) for _, line in jsonl.read(path)] == [True, True]


# A bad row never spoils the rest.

BAD: dict[str, dict[str, Any] | bytes] = {
    "not JSON": b"{broken\n",
    "a lone surrogate in a message": one(2, messages=said("\ud800")),
    "a lone surrogate in an extra field": one(2, mood="\ud800"),
    "a lone surrogate in a tool's result": one(2, messages=[{"role": "tool", "tool_result": {"said": "\udfff"}}]),
    "a NUL in the id": one(2) | {"id": "2\0"},
    "a NUL in the source": one(2, source="te\0st"),
    "a NUL in the assignee": one(2, assignee="Ri\0ta"),
    "a NUL in an author": one(2, messages=[{"role": "rep", "text": "Hi", "author": "Ri\0ta"}]),
    "a NUL in the segment": one(2, segment="go\0ld", customer="a new customer"),
    "a NUL in the language": one(2, language="d\0e"),
    "a NUL in the team": one(2, team="O\0ak"),
    "a number that JSON does not have": json.dumps(one(2)).replace('"id"', '"score": NaN, "id"').encode() + b"\n",
    "a number without end": json.dumps(one(2)).replace('"id"', '"score": 1e999, "id"').encode() + b"\n",
    "a number of 5000 digits": json.dumps(one(2)).replace('"id"', f'"score": {"9" * 5000}, "id"').encode() + b"\n",
    "more seconds than a database counts": one(2, handle_seconds=10**30),
    "a moment beyond what a database counts": one(2, messages=[{"role": "customer", "text": "x", "start_ms": 10**12}]),
    "a date before all dates": one(2) | {"opened_at": "0001-01-01T00:00:00+14:00"},
    "a date after all dates": one(2) | {"opened_at": "9999-12-31T23:59:59Z"},
    "an extra field of great depth": json.dumps(one(2)).replace('"id"', f'"deep": {"[" * 900}{"]" * 900}, "id"').encode() + b"\n",
    "an extra field without bottom": json.dumps(one(2)).replace('"id"', f'"deep": {"[" * 100_000}, "id"').encode() + b"\n",
}  # fmt: skip


def test_a_bad_row_never_spoils_the_rest(home: Path) -> None:
    spoilt: dict[str, str] = {}
    for number, (kind, line) in enumerate(BAD.items()):
        good = [one(1000 + 2 * number), one(1001 + 2 * number)]
        before = count(Conversation)
        try:
            report = files.import_file(write(home / f"{number}.jsonl", good[0], line, good[1]), by=people.console())
        except Exception as error:
            spoilt[kind] = f"{type(error).__name__}: {str(error)[:80]}"
            continue
        if report["new"] + report["updated"] + len(report["refused"]) != 3 or count(Conversation) - before != report["new"]:
            spoilt[kind] = str(report)
        if [refusal["line"] for refusal in report["refused"]] not in ([], [2]):
            spoilt[kind] = str(report["refused"])
    assert spoilt == {}, "\n".join(f"{kind}: {told}" for kind, told in spoilt.items())


def test_the_good_rows_around_a_bad_one_are_stored_and_it_is_named(home: Path) -> None:
    path = write(home / "x.jsonl", one(1), b"{broken\n", one(2))
    report = files.import_file(path, by=people.console())
    assert (report["new"], report["messages"], [refusal["line"] for refusal in report["refused"]]) == (2, 4, [2])
    assert "1 line was refused; the first is line 2: not JSON" in files.in_words(report)


# What is personal.

EVERYWHERE: dict[str, Callable[[str], dict[str, Any]]] = {
    "message": lambda secret: {"messages": said(f"It is {secret}, thanks")},
    "second message": lambda secret: {"messages": said("Hello", f"It is {secret}, thanks")},
    "private note": lambda secret: {"messages": [{"role": "rep", "text": f"Has {secret}", "private": True}]},
    "subject": lambda secret: {"subject": f"About {secret}"},
    "status": lambda secret: {"status": f"waits for {secret}"},
    "tag": lambda secret: {"tags": ["vip", f"paid {secret}"]},
    "extra field": lambda secret: {"paid_with": f"{secret}"},
    "extra field, deep": lambda secret: {"paid": {"with": [{"what": f"{secret}"}]}},
    "extra field's name": lambda secret: {"paid": {f"{secret}": True}},
    "name of a field": lambda secret: {f"{secret}": "x"},
    "label": lambda secret: {"labels": {"card": f"{secret}"}},
    "tool's result": lambda secret: {"messages": [{"role": "tool", "tool_result": {"rows": [[f"{secret}"]]}}]},
    "tool's result, bare": lambda secret: {"messages": [{"role": "tool", "tool_result": f"{secret}"}]},
    "tool's arguments": lambda secret: {"messages": [{"role": "assistant", "tool_call": {"name": "pay", "arguments": {"with": secret}}}]},
    "tool's name": lambda secret: {"messages": [{"role": "assistant", "tool_call": {"name": f"pay {secret}"}}]},
    "message's extra field": lambda secret: {"messages": [{"role": "customer", "text": "x", "html": f"<b>{secret}</b>"}]},
    "customer": lambda secret: {"customer": f"Jo {secret}"},
    "customer as author": lambda secret: {"messages": [{"role": "customer", "text": "x", "author": f"Jo {secret}"}]},
    "author": lambda secret: {"messages": [{"role": "rep", "text": "x", "author": f"Rita {secret}"}]},
    "assignee": lambda secret: {"assignee": f"Rita {secret}"},
    "segment": lambda secret: {"segment": f"gold {secret}"},
    "language": lambda secret: {"language": f"de {secret}"},
}  # fmt: skip


def test_no_card_and_no_address_is_stored_wherever_it_stands(home: Path) -> None:
    sent = [
        CanonicalConversation.model_validate(one(0, customer=f"{place} {secret}"[:9]) | put(secret) | {"id": f"{place}, {len(secret)}"})
        for secret in (CARD, SPOKEN, ADDRESS)
        for place, put in EVERYWHERE.items()
    ]
    assert all(secret_in(made) for made in sent)  # the control
    take(*sent)
    assert leaks({CARD, SPOKEN, ADDRESS}) == {}


def secret_in(made: CanonicalConversation) -> bool:
    return any(secret in made.model_dump_json() for secret in (CARD, SPOKEN, ADDRESS))


def leaks(secrets: set[str]) -> dict[str, int]:
    """Table and column of each place where a secret stands, and how often."""
    found: dict[str, int] = {}
    with store.reading() as db:
        for table in metadata.tables.values():
            for row in db.execute(table.select()).mappings():
                for column, value in row.items():
                    if any(secret in json.dumps(value, default=str, ensure_ascii=False) for secret in secrets):
                        found[f"{table.name}.{column}"] = found.get(f"{table.name}.{column}", 0) + 1
    return found


def test_the_search_for_leaks_finds_one(home: Path) -> None:
    """The control: what goes in beside the door is found."""
    take(canonical(1))
    with store.writing() as db:
        db.execute(text("UPDATE message SET text = :text, tool_result = :result"), {"text": SPOKEN, "result": json.dumps({"x": [ADDRESS]})})
    assert leaks({SPOKEN, ADDRESS}) == {"message.text": 2, "message.tool_result": 2}


@pytest.mark.parametrize("number", [int(CARD), -int(CARD), float(CARD)])
def test_a_card_written_as_a_number_is_no_number_any_more(home: Path, number: float) -> None:
    take(canonical(1, paid=number, order=1234567890, price=12.5, paid_at=1767225600000))
    extra = stored()[0].extra
    assert CARD not in json.dumps(extra)
    assert "‹CARD 1›" in extra["paid"]
    assert (extra["order"], extra["price"], extra["paid_at"]) == (1234567890, 12.5, 1767225600000)


def test_the_same_card_has_the_same_number_in_a_conversation_and_in_what_is_added_later(home: Path) -> None:
    first = said(f"Card {CARD}", f"or {OTHER_CARD}", f"{SPOKEN} I mean", f"write to {ADDRESS}")
    take(canonical(1, messages=first))
    assert [message.text for message in stored()[1]] == ["Card ‹CARD 1›", "or ‹CARD 2›", "‹CARD 1› I mean", "write to ‹EMAIL 1›"]
    take(canonical(1, messages=[*first, *said(f"4111-1111-1111-1111 and 378282246310005 and {ADDRESS.upper()}")]))
    assert stored()[1][-1].text == "‹CARD 1› and ‹CARD 3› and ‹EMAIL 1›"
    take(canonical(2, messages=said(OTHER_CARD)))
    assert stored(2)[1][0].text == "‹CARD 1›"  # numbers are the conversation's own


def test_what_was_replaced_is_sealed_until_it_is_purged(home: Path) -> None:
    take(canonical(1, messages=said(SPOKEN, ADDRESS)))
    with store.reading() as db:
        seals = db.exec(select(Seal).order_by(Seal.kind)).all()
    assert [(seal.kind, seal.number, sealing.unseal(seal.sealed_value or "", "seal")) for seal in seals] == [
        ("card", 1, CARD), ("email", 1, ADDRESS),
    ]  # fmt: skip
    assert all(timedelta(days=29) < seal.purge_at - now() <= timedelta(days=30) for seal in seals)
    assert seals[0].value_hmac == sealing.hmac_of(CARD, "seal")


def test_a_customer_is_kept_as_a_key_that_tells_nobody_who_it_is(home: Path) -> None:
    take(canonical(1, customer="Jo Doe, Elm Road 7"), canonical(2, customer="Jo Doe, Elm Road 7"), canonical(3, customer="Another"))
    take(canonical(4, customer="Jo Doe, Elm Road 7"), canonical(5, customer="Jo Doe, Elm Road 7", source="elsewhere"))
    assert "Elm Road" not in everything()
    ids = [stored(number)[0].customer_id for number in range(1, 6)]
    assert (ids[0] == ids[1] == ids[3], len(set(ids))) == (True, 3)
    with store.reading() as db:
        customer = db.get_one(Customer, ids[0])
    assert sealing.unseal(customer.sealed_name or "", "name") == "Jo Doe, Elm Road 7"
    assert customer.key_hmac == sealing.hmac_of("test|customer|Jo Doe, Elm Road 7", "customer")


def test_customers_without_a_name_are_not_one_customer(home: Path) -> None:
    take(canonical(1, customer=None), canonical(2, customer=None), canonical(3, customer="1"))
    assert len({stored(number)[0].customer_id for number in (1, 2, 3)}) == 3


def test_a_nul_is_left_out_and_hides_no_card(home: Path) -> None:
    take(canonical(1, subject="a\0b", messages=said("4111\x0011111111\x001111 here"), tags=["x\0y"], mood={"a\0b": "c\0d"}))
    conversation, messages = stored()
    assert (conversation.subject, conversation.tags, conversation.extra) == ("ab", ["xy"], {"mood": {"ab": "cd"}})
    assert messages[0].text == "‹CARD 1› here"


def test_fields_that_no_column_is_for_are_kept_and_reported(home: Path) -> None:
    path = write(home / "x.jsonl", one(1, mood="good", labels={"a": 1}), one(2, mood="bad"), one(3))
    report = files.import_file(path, by=people.console())
    assert report["unknown_fields"] == {"mood": 2, "labels": 1}
    assert stored(1)[0].extra == {"mood": "good", "labels": {"a": 1}}
    assert "Kept aside, since we know no use for them: labels, mood." in files.in_words(report)


# Once, and as it is now.


def test_the_same_again_changes_nothing(home: Path) -> None:
    path = write(home / "x.jsonl", *(one(number) for number in range(1, 31)))
    first = files.import_file(path, by=people.console())
    assert (first["new"], first["unchanged"], count(Conversation), count(Message)) == (30, 0, 30, 60)
    with store.reading() as db:
        ids = set(db.exec(select(Message.id)).all())
    second = files.import_file(path, by=people.console())
    assert (second["new"], second["updated"], second["unchanged"], second["messages"]) == (0, 0, 30, 0)
    with store.reading() as db:
        assert set(db.exec(select(Message.id)).all()) == ids


def test_the_same_id_twice_in_one_file_is_one_conversation_as_it_was_said_last(home: Path) -> None:
    at = now()
    lines = [one(1, opened_at=at, subject=subject) for subject in ("Early", "Later", "Later")]
    report = files.import_file(write(home / "x.jsonl", *lines), by=people.console())
    assert (report["new"], report["updated"], report["unchanged"]) == (1, 1, 1)
    assert (stored()[0].subject, stored()[0].revision, count(Conversation)) == ("Later", 2, 1)


def test_the_same_id_from_another_source_is_another_conversation(home: Path) -> None:
    take(canonical(1), canonical(1, source="other"))
    assert count(Conversation) == 2


def test_an_update_keeps_the_numbers_of_messages(home: Path) -> None:
    take(canonical(1, messages=said("One", "Two")))
    before = stored()[1]
    arrival = take(canonical(1, messages=said("One", "Two, corrected", "Three"), subject="New", csat=5))
    conversation, after = stored()
    assert arrival.counts["updated"] == 1
    assert arrival.counts["messages"] == 1
    assert [(message.seq, message.text) for message in after] == [(1, "One"), (2, "Two, corrected"), (3, "Three")]
    assert [message.id for message in after][:2] == [message.id for message in before]
    assert (conversation.revision, conversation.subject, conversation.csat) == (2, "New", 5)


def test_an_update_brings_everything_that_was_corrected_in_a_message(home: Path) -> None:
    """A note that became private at its source must not go on as something that was said."""
    take(
        canonical(1, messages=[{"role": "rep", "text": "Do not tell him."}, {"role": "tool", "text": "x", "tool_result": {"paid": False}}])
    )
    corrected = [{"role": "rep", "text": "Do not tell him.", "private": True}, {"role": "tool", "text": "x", "tool_result": {"paid": True}}]
    assert take(canonical(1, messages=corrected)).counts["updated"] == 1
    assert [(message.private, message.tool_result) for message in stored()[1]] == [(True, None), (False, {"paid": True})]


def test_an_update_that_does_not_say_when_it_began_leaves_it_where_it_was(home: Path) -> None:
    began = now() - timedelta(days=30)
    door.receive([canonical(1).model_copy(update={"opened_at": None})], by=people.console(), at=began)
    door.receive([canonical(1, subject="x").model_copy(update={"opened_at": None})], by=people.console(), at=now())
    assert stored()[0].opened_at == began


def test_an_act_that_is_told_twice_is_one_signal_and_spoils_nothing(home: Path) -> None:
    act = {"kind": "reopened", "at": now().isoformat()}
    arrival = take(canonical(1, signals=[act, act]), canonical(2))
    assert (arrival.counts["new"], arrival.counts["signals"], count(Signal)) == (2, 1, 1)


# Whose it is.


def test_what_a_rep_imports_is_their_teams_and_never_another_teams(staff: Staff) -> None:
    arrival = take(canonical(1), canonical(2, team="Oak"), canonical(3, team="Fern"), canonical(4, team="No such team"), by=staff.rep)
    assert arrival.counts["new"] == 2
    assert arrival.refused == {2: "team: Fern is not your team", 3: "team: No such team is not your team"}
    assert {stored(number)[0].team_id for number in (1, 2)} == {staff.oak.id}


def test_an_engineer_imports_for_every_team(staff: Staff) -> None:
    take(canonical(1, team="Oak"), canonical(2, team="Fern"), canonical(3), by=staff.engineer)
    assert [stored(number)[0].team_id for number in (1, 2, 3)] == [staff.oak.id, staff.fern.id, None]


def test_what_was_refused_by_the_door_is_named_by_its_line(staff: Staff, tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", one(1), b"{broken\n", one(2, team="Fern"), one(3))
    report = files.import_file(path, by=staff.lead)
    assert [refusal["line"] for refusal in report["refused"]] == [2, 3]
    assert report["refused"][1]["why"] == "team: Fern is not your team"


def test_nobody_writes_over_another_teams_conversation_by_its_id(staff: Staff) -> None:
    take(canonical(1, team="Fern", subject="Theirs"), by=staff.engineer)
    for thief in (staff.lead, staff.rep):
        arrival = take(canonical(1, team="Oak", subject="Mine now"), canonical(1, subject="Mine now, too"), by=thief)
        conversation, _ = stored()
        assert (conversation.subject, conversation.team_id) == ("Theirs", staff.fern.id)
        assert set(arrival.refused) == {0, 1}
    take(canonical(1, team="Fern", subject="Corrected"), by=staff.other)  # the control
    assert stored()[0].subject == "Corrected"


def test_an_update_that_names_no_team_leaves_it_with_its_team(staff: Staff) -> None:
    take(canonical(1), by=staff.lead)
    take(canonical(1, subject="Corrected"), by=staff.engineer)
    assert (stored()[0].subject, stored()[0].team_id) == ("Corrected", staff.oak.id)


def test_a_team_that_does_not_exist_makes_nothing_visible_to_everybody(staff: Staff) -> None:
    """A conversation of no team is every team's to see, so a misspelt team must not become none."""
    arrival = take(canonical(1, team="Ferm"), by=staff.engineer)
    assert arrival.refused.keys() == {0} or stored()[0].team_id is not None


def test_who_may_not_import_imports_nothing(staff: Staff, tmp_path: Path) -> None:
    gone = people.disable(staff.engineer.id, by=staff.admin)
    with pytest.raises(Denied):
        files.import_file(write(tmp_path / "x.jsonl", one(1)), by=gone)
    assert (count(Conversation), count(ImportBatch)) == (0, 0)


# It goes on where it was cut off.


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "STEP", SMALL_STEP)


SMALL_STEP = 200


def import_and_die(home: str, url: str, path: str, number: int) -> None:
    os.environ |= {"PORTAL_HOME": home, "PORTAL_DATABASE_URL": url}
    config.reset()
    files.STEP = SMALL_STEP
    told = 0

    @event.listens_for(store.engine(), "before_cursor_execute")
    def pull_the_plug(*_: Any) -> None:
        nonlocal told
        told += 1
        if told == number:
            os.kill(os.getpid(), signal.SIGKILL)

    files.import_file(Path(path), by=people.console())


def test_an_import_that_is_killed_goes_on_and_nothing_is_lost_or_twice(home: Path, small_steps: None) -> None:
    good = 3 * files.STEP - 120
    lines: list[dict[str, Any] | bytes] = [one(number, messages=said(f"{number}: {ADDRESS}")) for number in range(good)]
    lines[10:10] = [b"{broken\n"]
    lines[450:450] = [b"{broken\n"]
    path, url = write(home / "x.jsonl", *lines), config.settings().database_url
    steps = [2, 6, 9, 12, 15] if not SOAK else range(1, 30)
    deaths = 0
    for number in random.Random().sample(list(steps), len(steps)):
        child = fork.Process(target=import_and_die, args=(str(home), url, str(path), number))
        child.start()
        child.join()
        deaths += child.exitcode == -signal.SIGKILL
        whole = good if child.exitcode == 0 else count(Conversation)
        assert count(Message) == whole
        assert count(Seal) == whole
    assert deaths >= 3
    report = files.import_file(path, by=people.console())
    assert (report["new"] + report["unchanged"], report["redactions"]) in ((good, good), (good, 0))
    assert [refusal["line"] for refusal in report["refused"]] == [11, 451]
    assert (count(Conversation), count(Message), count(Seal)) == (good, good, good)
    assert files.import_file(path, by=people.console())["unchanged"] == good


class PulledPlugError(Exception):
    pass


def test_the_report_of_an_import_that_went_on_tells_of_the_whole_file(home: Path, small_steps: None) -> None:
    lines = [one(number, mood="good") for number in range(files.STEP + 10)]
    path = write(home / "x.jsonl", *lines)

    def pull(_share: float, _doing: str) -> None:
        raise PulledPlugError

    with pytest.raises(PulledPlugError):
        files.import_file(path, by=people.console(), progress=pull)
    with store.reading() as db:
        cut_off = db.exec(select(ImportBatch)).one()
    assert (cut_off.state, cut_off.cursor, count(Conversation)) == ("running", files.STEP, files.STEP)
    report = files.import_file(path, by=people.console())
    assert (report["new"], report["messages"], count(ImportBatch)) == (len(lines), 2 * len(lines), 1)
    assert report["unknown_fields"] == {"mood": len(lines)}


def test_a_cut_off_import_of_another_person_is_not_gone_on_with(staff: Staff, tmp_path: Path) -> None:
    """What they may import differs, and the record must say who did it."""
    path = write(tmp_path / "x.jsonl", one(1, team="Fern"), one(2, team="Oak"))
    with store.writing() as db:
        db.add(
            files.ImportBatch(reader="jsonl", file_name="x", file_sha=sealing.sha(path.read_bytes()), cursor=1, by_person_id=staff.lead.id)
        )
    report = files.import_file(path, by=staff.engineer)
    assert (report["new"], stored(1)[0].team_id) == (2, staff.fern.id)


def test_progress_never_goes_back_and_ends_near_the_end(home: Path, small_steps: None) -> None:
    told: list[float] = []
    path = write(home / "x.jsonl", *(one(number) for number in range(files.STEP * 2 + 1)))
    files.import_file(path, by=people.console(), progress=lambda share, _doing: told.append(share))
    assert told == sorted(told)
    assert len(told) == 3
    assert 0.5 < told[-1] <= 1


def test_an_import_stands_among_the_latest_and_in_the_record(staff: Staff, tmp_path: Path) -> None:
    files.import_file(write(tmp_path / "x.jsonl", one(1)), by=staff.rep, name="export of May.jsonl")
    batch = files.latest(by=staff.rep)[0]
    assert (batch.file_name, batch.state, batch.counts["new"]) == ("export of May.jsonl", "done", 1)
    with store.reading() as db:
        told = db.execute(text("SELECT sentence FROM audit_entry ORDER BY number DESC")).scalar()
    assert told == "Imported export of May.jsonl: 1 new, 0 updated, 0 lines refused."


def test_of_the_same_conversation_imported_by_two_at_once_there_is_one(home: Path) -> None:
    for number in range(5):
        done = at_once(*[lambda made=canonical(number): take(made).counts] * 2)
        assert sorted((counts["new"], counts["unchanged"]) for counts in done) == [(0, 1), (1, 0)]
    with store.reading() as db:
        assert db.exec(select(func.count(func.distinct(col(Conversation.external_id))))).one() == count(Conversation) == 5
