"""What Zendesk, Intercom and Chatwoot export comes in whole: who said it, what was private, and what people did with it."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.errors import Refused
from data.intake import pieces
from data.intake.canonical import CanonicalConversation
from data.intake.readers import chatwoot, detect, intercom, zendesk
from data.intake.reading import Mapping
from data.values import now
from tests.conftest import SOAK, let_go, point_at

FILES = Path(__file__).parent / "helpdesk_files"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a reader may put something aside. No database is touched."""
    point_at(tmp_path, "", monkeypatch)
    yield tmp_path
    let_go()


def whole(reader: Any, path: Path, **mapping: Any) -> dict[str, CanonicalConversation]:
    """All of the file's rows are conversations."""
    made = reader.guess(path)
    reader.check(path, made)
    rows = list(reader.read(path, Mapping(**{"source": made.source} | mapping)))
    assert [number for number, _ in rows] == sorted({number for number, _ in rows})
    assert not [row for _, row in rows if isinstance(row, str)]
    return {row.id: row for _, row in rows if isinstance(row, CanonicalConversation)}


def heard(conversation: CanonicalConversation) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in conversation.messages]


def signals(conversation: CanonicalConversation) -> list[tuple[str, str]]:
    return [(signal.kind, signal.value) for signal in conversation.signals]


# Zendesk


@pytest.fixture(params=["zendesk.json", "zendesk_apart"])
def tickets(request: pytest.FixtureRequest, portal: Path) -> dict[str, CanonicalConversation]:
    """The same tickets, with their comments in them and in files of their own."""
    return whole(zendesk, FILES / request.param)


def test_a_ticket_tells_who_said_what(tickets: dict[str, CanonicalConversation]) -> None:
    assert set(tickets) == {"4711", "4712"}  # the deleted one is no conversation
    assert heard(tickets["4711"]) == [
        ("customer", "Where is order 5531?"),
        ("assistant", "It is on its way.\nAnything else?"),  # an AI agent is no rep, whatever role its user has
        ("system", "Ticket escalated by a trigger."),
        ("rep", "She called twice already."),
        ("rep", "It arrives tomorrow."),
        ("customer", "Inbound call, 2 minutes\n\nThanks, it came."),
    ]
    assert [message.private for message in tickets["4711"].messages] == [False, False, True, True, False, False]
    assert [message.author for message in tickets["4711"].messages] == [None, "Otto", "-1", "Leo Lane", "Rita Ray", None]
    assert tickets["4711"].messages[0].model_extra == {"attachments": ["receipt.pdf"]}


def test_a_ticket_keeps_what_zendesk_knows_of_it(tickets: dict[str, CanonicalConversation]) -> None:
    ticket = tickets["4711"]
    assert (ticket.source, ticket.channel, ticket.status, ticket.resolved, ticket.csat) == ("zendesk", "email", "solved", True, 5)
    assert (ticket.customer, ticket.customer_names, ticket.assignee) == ("jo.doe@example.org", ["Jo Doe"], "Rita Ray")
    assert (ticket.tags, ticket.handle_seconds) == (["order_status", "vip"], 184)
    assert ticket.opened_at and ticket.closed_at and ticket.reopened_at
    assert [at.isoformat()[:16] for at in (ticket.opened_at, ticket.reopened_at, ticket.closed_at)] == [
        "2026-03-01T09:00", "2026-03-01T11:00", "2026-03-02T10:00",
    ]  # fmt: skip
    assert ticket.model_extra == {
        "priority": "high", "kind": "question", "group": "Orders", "satisfaction_comment": "Quick!",
        "custom_fields": {"Intent": "order_status", "Total time spent (sec)": "184"},
    }  # fmt: skip


def test_a_ticket_without_comments_begins_with_its_description(tickets: dict[str, CanonicalConversation]) -> None:
    ticket = tickets["4712"]
    assert heard(ticket) == [("customer", "Please send the invoice again.")]
    assert (ticket.customer, ticket.channel, ticket.csat, ticket.resolved, ticket.closed_at) == ("102", "chat", None, False, None)


def test_what_people_did_with_a_ticket_is_a_signal_and_what_a_rule_did_is_none(tickets: dict[str, CanonicalConversation]) -> None:
    assert signals(tickets["4711"]) == [
        ("reassigned", "Rita Ray"), ("tag_changed", "vip"), ("tag_changed", "-urgent"), ("intent_changed", "order_status"),
        ("macro_used", "Arrives tomorrow"), ("reopened", "open"), ("rated", "5"),
    ]  # fmt: skip
    keys = [signal.id for signal in tickets["4711"].signals]
    assert len(set(keys)) == len(keys)


def test_who_is_a_machine_can_be_said(portal: Path) -> None:
    ticket = whole(zendesk, FILES / "zendesk.json", roles={"Rita Ray": "assistant"})["4711"]
    assert ("assistant", "It arrives tomorrow.") in heard(ticket)


@pytest.mark.parametrize(
    ("channel", "made"),
    [
        ("email", "email"),
        ("web", "email"),
        ("api", "email"),
        ("voice", "voice"),
        ("whatsapp", "chat"),
        ("native_messaging", "chat"),
        (None, "email"),
    ],
)
def test_a_tickets_channel_is_one_of_ours(tmp_path: Path, channel: str | None, made: str) -> None:
    path = tmp_path / "tickets.json"
    ticket = {"id": 1, "requester_id": 1, "description": "Hello", "via": {"channel": channel} if channel else None}
    path.write_text(json.dumps({"tickets": [ticket]}))
    assert whole(zendesk, path)["1"].channel == made


@pytest.mark.parametrize("shape", ["object", "array", "lines", "pages a line", "one a line, wrapped", "one alone"])
def test_tickets_are_read_in_every_shape_that_exports_have(tmp_path: Path, portal: Path, shape: str) -> None:
    tickets: list[Any] = [
        {"id": key, "requester_id": 1, "description": f"Hello {key}", "created_at": "2026-03-01T09:00:00Z"} for key in (1, 2, 3)
    ]
    content = {
        "object": json.dumps({"count": 3, "tickets": tickets, "next_page": None}),
        "array": json.dumps(tickets, indent=2),
        "lines": "\ufeff" + "\n\n".join(json.dumps(ticket) for ticket in tickets),
        "pages a line": json.dumps({"tickets": tickets[:2]}) + "\n" + json.dumps({"tickets": tickets[2:]}) + "\n",
        "one a line, wrapped": "\n".join(json.dumps({"ticket": ticket}) for ticket in tickets),
        "one alone": json.dumps(tickets[0]),
    }[shape]
    path = tmp_path / "export.json"
    path.write_text(content)
    assert detect(path) is zendesk
    found = whole(zendesk, path)
    assert set(found) == ({"1"} if shape == "one alone" else {"1", "2", "3"})


def test_one_bad_ticket_spoils_no_other(tmp_path: Path, portal: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    good = {"id": 1, "requester_id": 1, "description": "Hello"}
    bad = [
        good | {"id": 2, "description": ""},
        good | {"id": 3, "description": "x" * 100_001},
        good | {"id": 4, "tags": 7},
        {"subject": "none"},
    ]
    lines = [json.dumps(one).encode() for one in (good, *bad, good | {"id": 9})]
    path.write_bytes(b"\n".join([lines[0], b"{broken", b"[1]", *lines[1:]]))
    rows = dict(zendesk.read(path, Mapping()))
    assert [number for number, row in rows.items() if isinstance(row, CanonicalConversation)] == [1, 8]
    told = [row for row in rows.values() if isinstance(row, str)]
    assert told[0].startswith("not JSON")
    assert told[2] == "ticket 2: it has neither comments nor a description"
    assert told[3].startswith("ticket 3: messages.0.text: ")
    assert told[4].startswith("ticket 4: it is not built as Zendesk builds tickets")
    assert told[5] == "neither a ticket nor a comment, an audit or a user"


def test_comments_without_their_ticket_are_told(tmp_path: Path, portal: Path) -> None:
    path = tmp_path / "export.json"
    comments = [{"id": 1, "ticket_id": 5, "author_id": 1, "body": "Hello"}, {"id": 2, "ticket_id": 6, "author_id": 1, "body": "Hello"}]
    path.write_text(json.dumps({"comments": comments, "tickets": [{"id": 5, "requester_id": 1}]}))
    one, two = dict(zendesk.read(path, Mapping())).values()
    assert isinstance(one, CanonicalConversation)
    assert two == "ticket 6: its comments are here, and it is not"


def test_a_large_export_is_read_in_flat_memory(tmp_path: Path, portal: Path) -> None:
    path = tmp_path / "tickets.json"
    many = 200_000 if SOAK else 15_000
    with path.open("w") as file:
        file.write('{"users": [], "tickets": [')
        for key in range(many):
            file.write("," * bool(key) + json.dumps({"id": key, "requester_id": 1, "description": f"{key} " + "word " * 300}))
        file.write("]}")
    assert path.stat().st_size > pieces.SMALL
    tracemalloc.start()
    rows = sum(isinstance(row, CanonicalConversation) for _, row in zendesk.read(path, Mapping()))
    flat = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    json.loads(path.read_bytes())
    whole_file = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == many
    assert flat < 12_000_000 < whole_file


def test_a_large_export_that_breaks_off_gives_what_came_before(tmp_path: Path, portal: Path) -> None:
    path = tmp_path / "tickets.json"
    ticket = {"id": 1, "requester_id": 1, "description": "word " * 1000}
    path.write_text('{"tickets": [' + ",".join(json.dumps(ticket | {"id": key}) for key in range(2000))[:-3])
    *rows, (number, last) = zendesk.read(path, Mapping())
    assert len(rows) == 1999
    assert (number, last) == (2000, "it cannot be read any further: it is not JSON, or breaks off")


BOMBS = {
    "lists in lists": b"[" * 100_000,
    "objects in a ticket": b'{"tickets": [' + b'{"a":' * 100_000,
    "objects in objects": b'{"a":' * 3_000_000,
    "a text without end": b'{"tickets": [{"id": 1, "description": "' + b"x" * 30_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_in_words(tmp_path: Path, portal: Path, bomb: bytes) -> None:
    path = tmp_path / "bomb.json"
    path.write_bytes(bomb)
    for reader in (zendesk, intercom, chatwoot):
        with pytest.raises(Refused, match=r"^Nothing was imported: bomb\.json holds no "):
            reader.check(path, Mapping())
        assert all(isinstance(row, str) for _, row in reader.read(path, Mapping()))


# Intercom


@pytest.fixture
def talks() -> dict[str, CanonicalConversation]:
    return whole(intercom, FILES / "intercom.json")


def test_an_intercom_conversation_tells_who_said_what(talks: dict[str, CanonicalConversation]) -> None:
    talk = talks["1911149811"]
    assert heard(talk) == [
        ("customer", "I want my money back.\nOrder 5531"),
        ("assistant", "Refunds take 5 days."),  # Fin, under a teammate's name
        ("assistant", "Shall I get a person?"),
        ("customer", "Yes"),
        ("rep", "Paid twice, see invoice"),
        ("rep", "I take this."),
        ("rep", "Paid back today."),
        ("customer", "One more thing"),
        ("rep", ""),  # redacted
        ("system", "The customer wants a refund."),  # an AI's summary, shown to reps only
        ("assistant", "How did we do?"),
    ]
    assert [place for place, message in enumerate(talk.messages) if message.private] == [4, 9]
    assert talk.messages[8].model_extra == {"redacted": True}
    assert talk.messages[6].model_extra == {"attachments": ["credit.pdf"]}
    assert [message.id for message in talk.messages[:3]] == ["s1", "1", "2"]
    assert talk.messages[0].at == talk.opened_at


def test_an_intercom_conversation_keeps_what_intercom_knows_of_it(talks: dict[str, CanonicalConversation]) -> None:
    talk = talks["1911149811"]
    assert (talk.source, talk.channel, talk.subject, talk.status, talk.resolved) == ("intercom", "chat", "Refund", "closed", True)
    assert (talk.customer, talk.customer_names, talk.assignee) == ("jo.doe@example.org", ["Jo Doe"], "Rita Ray")
    assert (talk.csat, talk.handle_seconds, talk.tags) == (4, 900, ["refund", "auto"])
    assert talk.opened_at and talk.closed_at
    assert (talk.closed_at - talk.opened_at).total_seconds() == 2400
    assert talk.model_extra == {
        "delivered_as": "customer_initiated", "priority": "priority", "custom_attributes": {"Issue type": "Billing"},
        "team_assignee_id": "99", "rating_remark": "Fine", "ai_agent_participated": True,
        "ai_agent": {"resolution_state": "routed_to_team", "rating": 2},
    }  # fmt: skip
    mail = talks["2"]
    assert (mail.channel, mail.csat, mail.closed_at, mail.resolved) == ("email", None, None, False)
    assert (mail.model_extra or {})["parts_left_out"] == 500


def test_what_people_did_with_an_intercom_conversation_is_a_signal(talks: dict[str, CanonicalConversation]) -> None:
    assert signals(talks["1911149811"]) == [
        ("reassigned", "Rita Ray"), ("tag_changed", "refund"), ("reopened", "open"), ("intent_changed", "refund"), ("rated", "4"),
    ]  # fmt: skip


def test_an_intercom_list_without_parts_is_refused(tmp_path: Path) -> None:
    listed = json.loads((FILES / "intercom.json").read_text())
    for one in listed["conversations"]:
        del one["conversation_parts"]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(listed))
    assert detect(path) is intercom
    with pytest.raises(Refused, match="holds no Intercom conversations with their parts"):
        intercom.check(path, Mapping())
    assert all("its parts are missing" in str(row) for _, row in intercom.read(path, Mapping()))


# Chatwoot


def test_a_chatwoot_conversation_tells_who_said_what(portal: Path) -> None:
    talk = whole(chatwoot, FILES / "chatwoot.json")["12"]
    assert heard(talk) == [
        ("customer", "My tracker stands still."),
        ("system", "We will be back soon."),
        ("assistant", "Which number?"),
        ("assistant", "It is 10 days."),
        ("system", "Assigned to Rita Ray by Leo Lane"),
        ("rep", "He is angry."),
        ("rep", "It moves again."),
        ("system", "Sent by a rule."),
        ("system", "Assigned to Leo Lane via Support by Rita Ray"),
        ("system", "Rita Ray added tracker, late"),
        ("system", "Rita Ray removed late"),
        ("system", "Conversation was marked resolved by Rita Ray"),
        ("system", "Conversation was reopened by Jo Doe"),
        ("customer", ""),  # deleted
        ("customer", "Thank you"),
        ("system", "Please rate us"),
    ]
    assert [place for place, message in enumerate(talk.messages) if message.private] == [4, 5, 8, 9, 10, 11, 12]
    assert talk.messages[6].model_extra == {"attachments": ["track.png"]}
    assert (talk.channel, talk.subject, talk.customer, talk.customer_names) == ("email", "Tracker", "jo.doe@example.org", ["Jo Doe"])
    assert (talk.csat, talk.tags, talk.status, talk.resolved, talk.assignee) == (2, ["tracker"], "resolved", True, "Rita Ray")
    assert "203.0.113.9" not in talk.model_dump_json()  # where they sat is nobody's business
    assert signals(talk) == [
        ("reassigned", "Leo Lane"), ("tag_changed", "tracker"), ("tag_changed", "late"), ("tag_changed", "-late"), ("reopened", ""),
        ("rated", "2"),
    ]  # fmt: skip


def test_chatwoot_messages_beside_their_conversation_are_brought_to_it(portal: Path) -> None:
    apart, within = whole(chatwoot, FILES / "chatwoot_apart.json")["12"], whole(chatwoot, FILES / "chatwoot.json")["12"]
    assert apart == within


def test_chatwoots_list_is_refused_and_nothing_is_guessed() -> None:
    assert detect(FILES / "chatwoot_list.json") is chatwoot
    with pytest.raises(Refused, match=r"^Not imported: this is Chatwoot's list of conversations, which holds only each"):
        chatwoot.check(FILES / "chatwoot_list.json", Mapping())
    chatwoot.check(FILES / "chatwoot.json", Mapping())  # one in which somebody said two things is no list


@pytest.mark.parametrize(
    ("file", "reader"), [("zendesk.json", zendesk), ("zendesk_apart", zendesk), ("intercom.json", intercom), ("chatwoot.json", chatwoot)]
)
def test_an_export_is_known_by_what_it_holds(file: str, reader: Any) -> None:
    assert detect(FILES / file) is reader
    for other in {zendesk, intercom, chatwoot} - {reader}:
        with pytest.raises(Refused, match=r"^Nothing was imported: "):
            other.check(FILES / file, Mapping())


def test_reading_twice_gives_the_same_numbers_and_conversations(portal: Path) -> None:
    for file, reader in (("zendesk_apart", zendesk), ("intercom.json", intercom), ("chatwoot_apart.json", chatwoot)):
        assert list(reader.read(FILES / file, Mapping())) == list(reader.read(FILES / file, Mapping()))


def test_no_message_lies_in_the_future() -> None:
    """Seconds are taken for seconds, not for thousandths of them."""
    for conversation in whole(intercom, FILES / "intercom.json").values():
        assert all(message.at and message.at.year == 2026 for message in conversation.messages)
        assert conversation.opened(now()).year == 2026
