"""Reading conversations: each within their reach, narrowed to what was asked for, in the order that work needs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from classifiers import labels
from data import conversations, people, predictions, queue, reviews, store
from data.conversations import Filter
from data.errors import Denied
from data.intake import door
from data.tables import Conversation, Label, Person
from data.values import LIVE, SHADOW, Subject, Target, new_id, now
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(*texts: str, team: str | None = "Oak", first: int = 1, **fields: Any) -> list[str]:
    """Conversations of one customer message and an answer each, the first the newest; returns their ids."""
    opened = now() - timedelta(hours=1)
    made = [
        canonical(
            first + place, team=team, **{"opened_at": opened - timedelta(minutes=place), **fields},
            messages=[{"role": "customer", "text": text}, {"role": "rep", "text": "I look at it."}],
        )
        for place, text in enumerate(texts)
    ]  # fmt: skip
    return door.receive(made, by=people.console()).ids


def predicted(
    conversation_id: str, label: Label | None, confidence: float = 0.9, *, number: int = 1, mode: str = LIVE, at: Any = None
) -> None:
    row = {
        "id": new_id(), "at": at or now(), "conversation_id": conversation_id, "seq": 1, **Target("classifier", "intent", number).columns(),
        "mode": mode, "label_id": label.id if label else None, "confidence": confidence, "top": [], "threshold": 0.5, "why": "",
    }  # fmt: skip
    with store.writing() as db:
        predictions.add(db, [row])


def ids(found: Filter, by: Person, **paging: int) -> list[str]:
    return [row.id for row in conversations.listed(found, by=by, **paging)]


def hide(conversation_id: str) -> None:
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.id) == conversation_id).values(hidden_at=now()))


def test_each_sees_their_teams_and_what_is_no_teams_and_never_another_teams(staff: Staff) -> None:
    (oak,), (fern,), (nobodys,) = arrive("a"), arrive("b", team="Fern", first=2), arrive("c", team=None, first=3)
    sees = {
        staff.rep.id: {oak, nobodys}, staff.lead.id: {oak, nobodys}, staff.other.id: {fern, nobodys},
        staff.engineer.id: {oak, fern, nobodys}, staff.admin.id: {oak, fern, nobodys},
    }  # fmt: skip
    for person in (staff.rep, staff.lead, staff.other, staff.engineer, staff.admin):
        assert set(ids(Filter(), person)) == sees[person.id]
        assert conversations.counted(Filter(), by=person) == len(sees[person.id])
        assert {item.listed.id for item in queue.team(by=person)} == sees[person.id]
        assert {made for made in (oak, fern, nobodys) if conversations.get(made, by=person)} == sees[person.id]
    assert conversations.get("no such id", by=staff.rep) is None  # as absent as a stranger's


def test_who_may_not_read_gets_no_list_at_all(staff: Staff) -> None:
    (made,) = arrive("a")
    gone = people.disable(staff.rep.id, by=staff.admin)
    acts: list[Callable[[Person], Any]] = [
        lambda by: conversations.listed(Filter(), by=by), lambda by: conversations.counted(Filter(), by=by),
        lambda by: queue.team(by=by), lambda by: conversations.get(made, by=by),
    ]  # fmt: skip
    for act in acts:
        for person in (gone, people.console()):
            with pytest.raises(Denied):
                act(person)
        act(staff.lead)  # the control


def test_a_verb_acts_only_on_a_conversation_within_reach(staff: Staff) -> None:
    (oak,), (fern,) = arrive("a"), arrive("b", team="Fern", first=2)
    with store.reading() as db:
        assert conversations.within_reach(db, oak, "review.record", by=staff.rep).id == oak
        assert conversations.within_reach(db, fern, "review.record", by=staff.engineer).id == fern
        for person, made, told in (
            (staff.rep, fern, "this review belongs to another team"), (staff.admin, oak, r"an? admin may not record a review"),
            (staff.rep, "nothing", "there is no such conversation"), (staff.admin, "nothing", "may not record a review"),
        ):  # fmt: skip
            with pytest.raises(Denied, match=told):
                conversations.within_reach(db, made, "review.record", by=person)


def test_what_is_hidden_stands_in_no_list(staff: Staff) -> None:
    hidden, shown = arrive("a", "b")
    hide(hidden)
    assert ids(Filter(), staff.lead) == [shown]
    assert conversations.counted(Filter(), by=staff.lead) == 1
    assert [item.listed.id for item in queue.team(by=staff.lead)] == [shown]


def test_the_newest_stand_first_page_by_page(staff: Staff) -> None:
    made = arrive(*"abcdefg")
    assert ids(Filter(), staff.rep) == made
    assert [ids(Filter(), staff.rep, page=page, size=3) for page in range(4)] == [made[:3], made[3:6], made[6:], []]


def test_words_are_found_in_the_subject_too(staff: Staff) -> None:
    (made, _) = arrive("x", "y", subject="Broken lamp")[0], arrive("z", first=9)
    assert made in ids(Filter(words="LAMP"), staff.rep)
    assert len(ids(Filter(words="lamp x"), staff.rep)) == 1


def test_another_teams_words_find_nothing(staff: Staff) -> None:
    arrive("the secret word", team="Fern")
    assert ids(Filter(words="secret"), staff.rep) == []
    assert len(ids(Filter(words="secret"), staff.other)) == 1


def test_a_list_is_narrowed_by_channel_and_time(staff: Staff) -> None:
    at = now() - timedelta(days=3)
    (chat,) = arrive("a", channel="chat", opened_at=at)
    (mail,) = arrive("b", channel="email", opened_at=at - timedelta(days=1), first=2)
    assert ids(Filter(channel="chat"), staff.rep) == [chat]
    assert ids(Filter(channel="voice"), staff.rep) == []
    assert ids(Filter(since=at), staff.rep) == [chat]
    assert ids(Filter(until=at), staff.rep) == [mail]  # the end is not part of it
    assert ids(Filter(since=at - timedelta(days=1), until=at + timedelta(seconds=1)), staff.rep) == [chat, mail]
    assert Filter().is_empty()
    assert not Filter(channel="chat").is_empty()


def test_a_list_is_narrowed_by_what_the_machine_and_people_said(staff: Staff) -> None:
    made = arrive(*"abcdef")
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    for conversation_id, label, number in ((made[0], refund, 1), (made[1], login, 1), (made[2], None, 1), (made[3], refund, 2)):
        predicted(conversation_id, label, number=number)
    predicted(made[4], refund, mode=SHADOW)  # what is not live does not count
    reviews.record(made[0], "strong", label_id=refund.id, by=staff.rep)
    reviews.record(made[1], "strong", label_id=refund.id, by=staff.rep)
    reviews.record(made[5], "weak", by=staff.rep)
    asked = {
        Filter(intent="Refund"): {0, 3}, Filter(intent="Sign-in"): {1}, Filter(intent="none"): {2}, Filter(intent="No such"): set(),
        Filter(version=1): {0, 1, 2}, Filter(intent="Refund", version=2): {3}, Filter(reviewed=True): {0, 1, 5},
        Filter(reviewed=False): {2, 3, 4}, Filter(agreed=True): {0}, Filter(agreed=False): {1},
        Filter(agreed=True, intent="Sign-in"): set(),
    }  # fmt: skip
    for found, places in asked.items():
        assert {made.index(one) for one in ids(found, staff.rep)} == places, found


def test_a_correction_changes_whether_machine_and_people_agree(staff: Staff) -> None:
    (made,) = arrive("a")
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    predicted(made, refund)
    reviews.record(made, "strong", label_id=refund.id, by=staff.rep)
    reviews.record(made, "strong", label_id=login.id, by=staff.rep)
    assert ids(Filter(agreed=True), staff.rep) == []
    assert ids(Filter(agreed=False), staff.rep) == [made]


def test_review_begins_with_what_is_recent_and_least_certain(staff: Staff) -> None:
    recent = arrive(*"abcd")
    old = arrive("e", "f", opened_at=now() - timedelta(days=30), first=20)
    label = labels.add("Refund", by=staff.lead)
    for conversation_id, confidence in ((recent[0], 0.9), (recent[1], 0.2), (recent[2], 0.5), (old[0], 0.1)):
        predicted(conversation_id, label, confidence)
    waiting = [item.listed.id for item in queue.team(by=staff.rep)]
    assert waiting[:4] == [recent[1], recent[2], recent[0], recent[3]]
    assert waiting[4] == old[0]
    reviews.record(recent[1], "none", by=staff.rep)
    assert recent[1] not in [item.listed.id for item in queue.team(by=staff.rep)]


def test_a_line_shows_what_the_customer_said_first_and_the_machine_said_first(staff: Staff) -> None:
    (made,) = arrive("The first words")
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    predicted(made, login, 0.4, number=2, at=now())
    predicted(made, refund, 0.7, number=1, at=now() - timedelta(hours=1))
    (line,) = conversations.listed(Filter(), by=staff.rep)
    assert (line.opening, line.intent, line.confidence, line.reviewed, line.subject) == ("The first words", "Refund", 0.7, False, "")
    reviews.record(made, "none", by=staff.rep)
    assert conversations.listed(Filter(), by=staff.rep)[0].reviewed


def test_a_customer_is_called_the_same_in_every_line_and_by_no_name(staff: Staff) -> None:
    arrive("a", "b", customer="Jo Doe")
    names = {line.customer for line in conversations.listed(Filter(), by=staff.rep)}
    assert len(names) == 1
    assert "Doe" not in names.pop()


def test_a_machine_reads_of_many_conversations_what_it_reads_of_one(staff: Staff) -> None:
    made = arrive("a", "b", subject="Lamp")
    with store.reading() as db:
        found = conversations.texts(db, [*made, "no such id"])
    assert found == {made[0]: (Subject(made[0], 1), "Lamp\na"), made[1]: (Subject(made[1], 1), "Lamp\nb")}


def test_a_private_note_is_read_by_no_machine(staff: Staff) -> None:
    told = [{"role": "customer", "text": "Hello"}, {"role": "customer", "text": "PRIVATE", "private": True}, {"role": "rep", "text": "Hi"}]
    (made,) = door.receive([canonical(1, team="Oak", messages=told)], by=people.console()).ids
    found = conversations.get(made, by=staff.rep)
    assert found is not None
    assert [message.private for message in found[1]] == [False, True, False]
    with store.reading() as db:
        assert conversations.texts(db, [made])[made][1] == "Hello"
    assert conversations.frozen(found[1]) == [{"seq": 1, "role": "customer", "text": "Hello"}, {"seq": 3, "role": "rep", "text": "Hi"}]


def spoken_by(*turns: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"seq": seq, "role": role, "text": text} for seq, (role, text) in enumerate(turns, start=1)]


@pytest.mark.parametrize(
    ("line", "turns", "text", "last"),
    [
        ("Lamp", [("customer", "It is broken"), ("rep", "Sorry"), ("customer", "Thanks")], "Lamp\nIt is broken", 1),
        (None, [("customer", "One"), ("customer", "Two"), ("assistant", "Hi"), ("customer", "Three")], "One\nTwo", 2),
        ("", [("assistant", "How can I help?"), ("customer", "One"), ("rep", "Hi"), ("customer", "Two")], "One", 2),
        (None, [("customer", "One"), ("system", "moved"), ("tool", "x"), ("customer", "Two"), ("rep", "Hi")], "One\nTwo", 4),
        ("Lamp", [("rep", "We call you back")], "Lamp", 1),
        (None, [], "", 1),
    ],
)
def test_a_machine_reads_the_subject_and_what_the_customer_wrote_before_anybody_answered(
    line: str | None, turns: list[tuple[str, str]], text: str, last: int
) -> None:
    messages = spoken_by(*turns)
    assert conversations.text_of(line, messages) == text
    assert conversations.opening_subject("c", messages) == Subject("c", last)


def test_a_prediction_that_is_there_stays_as_it_was(staff: Staff) -> None:
    (made,) = arrive("a")
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    predicted(made, refund, 0.7)
    predicted(made, login, 0.9)
    found = predictions.of_conversation(made)
    assert found is not None
    assert (found.label_id, found.confidence) == (refund.id, 0.7)
    with store.reading() as db:
        assert len(db.exec(select(predictions.Prediction)).all()) == 1
        assert predictions.add(db, []) == 0
