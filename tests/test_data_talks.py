"""Conversations of visitors: they come in by the one door, their key opens them alone, and nothing private is shown."""

import hmac
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from data import audit, conversations, people, store, surfaces, talks
from data.errors import Denied, Refused
from data.intake import door
from data.intake.canonical import CanonicalMessage
from data.surfaces import Opened
from data.tables import Conversation, Customer, Message, Talk
from data.values import new_id
from tests.conftest import Staff
from tests.conversations import canonical

NEVER = "0" * 32


@dataclass
class Shop:
    staff: Staff
    secret: str

    @property
    def opened(self) -> Opened:
        found = surfaces.opened(self.secret)
        assert found is not None
        return found

    def begins(self, text: str = "Where is my parcel?", **more: str) -> tuple[str, Talk]:
        return talks.begin(self.opened, text, message=new_id()[:32].ljust(32, "0"), **more)

    def conversation(self, talk: Talk) -> Conversation:
        found = conversations.get(talk.conversation_id, by=self.staff.engineer)
        assert found is not None
        return found[0]


@pytest.fixture
def shop(staff: Staff) -> Shop:
    console = people.console()
    return Shop(staff, surfaces.issue("Shop", ["https://shop.example.com"], staff.engineer, by=console, team_id=staff.oak.id))


def told(talk: Talk, after: int = 0) -> list[tuple[str, str]]:
    return [(one.who, one.text) for one in talks.heard(talk, after=after)]


def test_what_a_visitor_writes_comes_in_by_the_door(shop: Shop) -> None:
    key, talk = shop.begins("My card is 4111 1111 1111 1111, please.", language="de")
    kept = shop.conversation(talk)
    assert (kept.channel, kept.source, kept.team_id, kept.language) == ("chat", talks.SOURCE, shop.staff.oak.id, "de")
    assert told(talk) == [("you", "My card is ‹CARD 1›, please.")]
    assert len(key) == 32 and talks.of_key(shop.opened, key).id == talk.id
    assert conversations.get(talk.conversation_id, by=shop.staff.rep) is not None
    assert conversations.get(talk.conversation_id, by=shop.staff.other) is None


def test_the_key_itself_is_kept_nowhere(shop: Shop) -> None:
    key, talk = shop.begins()
    tables = ("talk", "conversation", "message", "customer", "task", "audit_entry")
    with store.reading() as db:
        kept = " ".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))
    assert talk.key_sha in kept and "parcel" in kept  # the control: it is looked for in the right place
    assert key not in kept


def test_a_key_opens_its_own_conversation_on_its_own_surface(shop: Shop) -> None:
    key, talk = shop.begins()
    other_key, other = shop.begins("Another question.")
    assert told(talks.of_key(shop.opened, key)) != told(talks.of_key(shop.opened, other_key)) and talk.id != other.id
    elsewhere = surfaces.opened(surfaces.issue("App", ["https://app.example.com"], shop.staff.engineer, by=people.console()))
    assert elsewhere is not None
    for wrong in ("", NEVER, key[:-1], key.upper() + "x", talk.key_sha, talk.id, talk.conversation_id, f"{key}\n"):
        with pytest.raises(Denied, match="no such conversation"):
            talks.of_key(shop.opened, wrong)
    with pytest.raises(Denied, match="no such conversation"):
        talks.of_key(elsewhere, key)


def test_the_same_message_sent_again_is_kept_once(shop: Shop) -> None:
    _, talk = shop.begins()
    again = "ab" * 16
    assert talks.write(shop.opened, talk, "Are you there?", message=again)
    assert not talks.write(shop.opened, talk, "Are you there?", message=again)
    assert [said for _, said in told(talk)] == ["Where is my parcel?", "Are you there?"]
    assert talks.written(talk, again).seq == 2


def test_every_visitor_is_a_customer_of_their_own_unless_the_page_says_who(shop: Shop) -> None:
    def signed(customer: str, key: str) -> str:
        return hmac.new(key.encode(), customer.encode(), "sha256").hexdigest()

    right = signed("c-17", surfaces.identity_key(shop.secret))
    asked = [("", ""), ("", ""), ("c-17", right), ("c-17", right), ("c-17", ""), ("c-17", "0" * 64), ("c-18", right), ("", right)]
    made = [shop.conversation(shop.begins(customer=customer, signature=signature)[1]).customer_id for customer, signature in asked]
    assert made[2] == made[3] and len(set(made)) == len(made) - 1
    with store.reading() as db:
        known = {customer.id for customer in db.exec(select(Customer).where(col(Customer.sealed_name).is_not(None)))}
    assert known == {made[2]}


def test_a_colleague_answers_and_the_visitor_reads_what_was_written(shop: Shop) -> None:
    _, talk = shop.begins()
    words = "It left today. Call +4930901820 or write to help@shop.example.org."  # what is a number is kept without its gaps
    assert talks.reply(talk.conversation_id, words, by=shop.staff.rep) == 1
    assert told(talk, after=1) == [("person", words)]
    with store.reading() as db:
        kept = db.exec(select(Message.text).where(Message.conversation_id == talk.conversation_id, Message.role == "rep")).one()
    assert "help@shop" not in kept and "‹EMAIL 1›" in kept  # here it is masked, like everything
    assert audit.newest(by=shop.staff.admin)[0].sentence == "Answered a customer in the chat widget."


def test_only_the_team_answers_and_only_in_a_chat_of_the_widget(shop: Shop) -> None:
    _, talk = shop.begins()
    for by in (shop.staff.other, shop.staff.admin, shop.opened.person):
        with pytest.raises(Denied):
            talks.reply(talk.conversation_id, "Hello.", by=by)
    (elsewhere,) = door.receive([canonical(1, team="Oak")], by=shop.staff.engineer).ids
    with pytest.raises(Refused, match="did not come by the chat widget"):
        talks.reply(elsewhere, "Hello.", by=shop.staff.rep)
    with pytest.raises(Refused, match="CARD 1"):
        talks.reply(talk.conversation_id, "We have ‹CARD 1› of you.", by=shop.staff.rep)
    assert len(told(talk)) == 1


def test_private_notes_and_what_others_wrote_are_never_shown(shop: Shop) -> None:
    _, talk = shop.begins()
    _, other = shop.begins("A secret of somebody else.")
    hidden = [
        CanonicalMessage(id="n1", role="rep", text="A private note.", private=True),
        CanonicalMessage(id="n2", role="system", text="A system line."),
        CanonicalMessage(id="n3", role="tool", text="What a tool said.", tool_result={"a": 1}),
        CanonicalMessage(id="n4", role="customer", text="Private, of the customer.", private=True),
        CanonicalMessage(id="n5", role="assistant", text=""),
    ]
    talks.put(talk.conversation_id, [*hidden, CanonicalMessage(id="n6", role="rep", text="Shown: ‹CARD 1›.")])
    assert told(talk) == [("you", "Where is my parcel?"), ("person", "Shown: ‹CARD 1›.")]
    assert len(told(other)) == 1
    with store.reading() as db:  # the control: they are there
        assert len(db.exec(select(Message.id).where(Message.conversation_id == talk.conversation_id)).all()) == 7


def test_what_is_too_long_too_much_or_nothing_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _, talk = shop.begins()
    for words, why in ((" \n ", "it is empty"), ("x" * 4001, "4,001")):
        with pytest.raises(Refused, match=why):
            shop.begins(words)
        with pytest.raises(Refused, match=why):
            talks.write(shop.opened, talk, words, message="ab" * 16)
    monkeypatch.setattr(talks, "MOST", 2)
    talks.write(shop.opened, talk, "x" * 4000, message="cd" * 16)
    with pytest.raises(Refused, match="2 messages are the most"):
        talks.write(shop.opened, talk, "One more.", message="ef" * 16)


def test_it_is_known_whether_recipes_were_asked_about_the_last_words(shop: Shop) -> None:
    _, talk = shop.begins()
    assert talks.waits(talk)
    talks.looked(talk, talks.last_words(talk))
    assert not talks.waits(talk)
    talks.write(shop.opened, talk, "And another thing.", message="ab" * 16)
    assert talks.waits(talk)
    talks.looked(talk, 2)
    talks.looked(talk, 1)  # who was slower takes nothing back
    assert not talks.waits(talk)


def test_a_hidden_conversation_opens_no_more(shop: Shop) -> None:
    key, talk = shop.begins()
    assert talks.of_key(shop.opened, key)
    with store.writing() as db:
        db.get_one(Conversation, talk.conversation_id).hidden_at = talk.at
    with pytest.raises(Denied):
        talks.of_key(shop.opened, key)
    with pytest.raises(Denied):
        talks.reply(talk.conversation_id, "Hello.", by=shop.staff.rep)
