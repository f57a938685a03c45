"""A conversation that comes again: numbers stay, what was is kept, and what was deleted at its source no longer stands."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, func, select, update

from data import conversations, examples, people, reviews, search, store
from data.conversations import Filter
from data.intake import appending, door, revising
from data.intake.canonical import CanonicalConversation, CanonicalMessage
from data.tables import Conversation, ConversationWords, Customer, Message, Revision, Seal, Signal
from evals import sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_data_store import at_once

CONSOLE = people.console()
DAY = datetime(2026, 3, 1, tzinfo=UTC)
CARD, ADDRESS = "4111 1111 1111 1111", "jo.doe@example.org"


def says(*texts: str, **more: Any) -> list[dict[str, Any]]:
    """Messages with the source's own ids: "a Hello" is Hello under the id a, "- Hello" has none."""
    parted = (text.partition(" ") for text in texts)
    return [{"role": "customer", "text": said} | ({} if key == "-" else {"id": key}) | more for key, _, said in parted]


def take(*texts: str, at: datetime | None = None, **fields: Any) -> door.Arrival:
    made = canonical(1, messages=says(*texts), **{"opened_at": DAY, **fields})
    return door.receive([made], by=CONSOLE, at=at)


def stored() -> tuple[Conversation, list[Message]]:
    with store.reading() as db:
        found = db.exec(select(Conversation).where(Conversation.external_id == "1")).one()
        return found, conversations.messages_of(db, found.id)


def standing() -> list[tuple[int, str]]:
    """What was said, as machines read it."""
    return [(message["seq"], message["text"]) for message in conversations.frozen(stored()[1])]


def history() -> list[tuple[int, dict[str, Any]]]:
    with store.reading() as db:
        return [(one.number, one.was) for one in db.exec(select(Revision).order_by(col(Revision.number).desc()))]


def signals() -> set[tuple[str, str]]:
    with store.reading() as db:
        return {(signal.kind, signal.value) for signal in db.exec(select(Signal))}


def counts() -> list[int]:
    with store.reading() as db:
        return [db.exec(select(func.count()).select_from(one)).one() for one in (Conversation, Message, Revision, Signal, Seal, Customer)]


# Numbers.


@pytest.mark.parametrize(
    ("before", "after", "numbers"),
    [
        ("a b c", "a b c d", [1, 2, 3, 4]),
        ("a b c", "a c", [1, 3]),
        ("a b c", "c b a", [3, 2, 1]),
        ("a b", "x a b", [3, 1, 2]),  # a late one is told before the others, and numbered behind them
        ("a b c", "a x c", [1, 4, 3]),
        ("- -", "- - -", [1, 2, 3]),
        ("- - -", "-", [1]),
        ("- -", "a b", [1, 2]),  # its source gives ids since then
        ("a b", "- -", [1, 2]),  # ... or no more
        ("a a", "a a", [1, 2]),  # a source that gives one id twice
        ("a a", "a a a", [1, 2, 3]),
        ("a", "b a", [2, 1]),
        ("a b", "- a b", [3, 1, 2]),
    ],
)
def test_a_message_is_known_by_its_sources_id_or_else_by_its_place(before: str, after: str, numbers: list[int]) -> None:
    def ids(told: str) -> list[str | None]:
        return [None if key == "-" else key for key in told.split()]

    known = [Message(conversation_id="c", seq=seq, role="customer", text="", external_id=key) for seq, key in enumerate(ids(before), 1)]
    said = [CanonicalMessage(id=key, role="customer", text="") for key in ids(after)]
    assert [seq for seq, _ in revising.numbered(known, said)] == numbers


keys = st.lists(st.sampled_from([None, "a", "b", "c", "d"]), max_size=6)


@settings(max_examples=200, deadline=None)
@given(keys, keys)
def test_no_number_is_given_twice_and_an_id_keeps_its_own(before: list[str | None], after: list[str | None]) -> None:
    known = [Message(conversation_id="c", seq=seq, role="customer", text="", external_id=key) for seq, key in enumerate(before, 1)]
    said = [CanonicalMessage(id=key, role="customer", text="") for key in after]
    given_ = [seq for seq, _ in revising.numbered(known, said)]
    assert len(set(given_)) == len(given_) == len(after)
    for key in {key for key in before if key}:
        had = [seq for seq, one in enumerate(before, 1) if one == key]
        has = [seq for seq, one in zip(given_, after, strict=True) if one == key]
        assert has[: len(had)] == had[: len(has)]


# What was, and what stands.


def test_what_was_is_kept_redacted_and_twice_the_same_adds_nothing(home: object) -> None:
    take("a Hello", f"b My card is {CARD}", subject=f"About {CARD}", tags=["parcel"])
    later = ("a Hello", f"b Mine is {ADDRESS}", "c Thanks")
    arrival = take(*later, subject="About a parcel", tags=["parcel", "late"])
    assert (arrival.counts["updated"], arrival.counts["messages"], arrival.counts["gone"]) == (1, 1, 0)
    was = {
        "columns": {"subject": "About ‹CARD 1›", "tags": ["parcel"]},
        "messages": {"2": {"text": "My card is ‹CARD 1›"}},
        "new_messages": 1,
    }
    assert history() == [(2, was)]
    assert standing() == [(1, "Hello"), (2, "Mine is ‹EMAIL 1›"), (3, "Thanks")]
    before = counts()
    assert take(*later, subject="About a parcel", tags=["parcel", "late"]).counts["unchanged"] == 1
    assert (counts(), stored()[0].revision) == (before, 2)


def test_the_same_changed_and_changed_back_in_one_go_is_two_revisions(home: object) -> None:
    take("a One")
    again = [canonical(1, messages=says(text), opened_at=DAY) for text in ("a Two", "a One", "a One")]
    arrival = door.receive(again, by=CONSOLE)
    assert (arrival.counts["updated"], arrival.counts["unchanged"]) == (2, 1)
    assert [told["messages"] for _, told in history()] == [{"1": {"text": "Two"}}, {"1": {"text": "One"}}]
    assert standing() == [(1, "One")]


def test_a_new_one_that_is_said_three_times_in_one_go_stands_as_it_was_said_last(home: object) -> None:
    some = [canonical(1, messages=says(*texts), opened_at=DAY) for texts in (("a One", f"b {CARD}"), ("a One",), ("a One", "c Three"))]
    arrival = door.receive(some, by=CONSOLE)
    assert (arrival.counts["new"], arrival.counts["updated"], stored()[0].revision) == (1, 2, 3)
    assert standing() == [(1, "One"), (3, "Three")]


def test_a_message_that_was_deleted_at_its_source_no_longer_stands_and_comes_back(staff: Staff) -> None:
    take("a Hello", "b the secretword is here", "c Thanks", at=DAY)
    assert take("a Hello", "c Thanks", at=DAY + timedelta(days=1)).counts["gone"] == 1
    conversation, messages = stored()
    assert [(message.seq, message.gone_at) for message in messages] == [(1, None), (2, DAY + timedelta(days=1)), (3, None)]
    assert standing() == [(1, "Hello"), (3, "Thanks")]
    with store.reading() as db:
        assert conversations.texts(db, [conversation.id])[conversation.id][1] == "Hello\nThanks"
    assert conversations.listed(Filter(words="secretword"), by=staff.engineer) == []
    assert history()[0][1]["messages"] == {"2": {"gone_at": None}}
    take("a Hello", "b the secretword is here", "c Thanks")
    assert standing() == [(1, "Hello"), (2, "the secretword is here"), (3, "Thanks")]
    assert history()[0][1] == {"columns": {}, "messages": {"2": {"gone_at": "2026-03-02T00:00:00+00:00"}}, "new_messages": 0}
    assert len(conversations.listed(Filter(words="secretword"), by=staff.engineer)) == 1  # the control


def test_the_opening_of_a_list_is_not_what_was_deleted(staff: Staff) -> None:
    take("a First", "b Second")
    take("b Second")
    assert [row.opening for row in conversations.listed(Filter(), by=staff.engineer)] == ["Second"]


def test_a_review_and_an_example_keep_pointing_at_what_they_were_about(staff: Staff) -> None:
    take("a Hello", "b Where is it?", team="Oak")
    conversation, _ = stored()
    label = labels_add(staff)
    kept = sets.create("Kept", by=staff.lead)
    review = reviews.record(conversation.id, "none", label_id=label, by=staff.rep)
    example = examples.flag(conversation.id, "strong", why="Clear.", eval_set_id=kept.id, label_id=label, by=staff.rep)
    take("x I come late", "a Hello, corrected", team="Oak")
    assert (review.seq, example.seq, [message["text"] for message in example.messages]) == (2, 2, ["Hello", "Where is it?"])
    assert [(message.seq, message.text) for message in stored()[1]] == [(1, "Hello, corrected"), (2, "Where is it?"), (3, "I come late")]
    flagged = sets.create("Later", by=staff.lead)
    later = examples.flag(conversation.id, "strong", why="Clear.", eval_set_id=flagged.id, label_id=label, by=staff.rep)
    assert [message["text"] for message in later.messages] == ["Hello, corrected", "I come late"]


def labels_add(staff: Staff) -> str:
    from classifiers import labels as named

    return named.add("Order status", by=staff.lead).id


def test_the_story_of_a_conversation_is_told_to_its_team_alone(staff: Staff) -> None:
    take("a Hello", team="Oak", tags=["x"])
    take("a Hello", team="Oak", tags=["y"])
    conversation, _ = stored()
    happened, before = revising.told(conversation.id, by=staff.rep)
    assert ([one.kind for one in happened], [one.number for one in before]) == (["tag_changed"], [2])
    assert revising.told(conversation.id, by=staff.other) == ([], [])


def test_what_became_private_stands_no_more_in_what_machines_read(home: object) -> None:
    take("a Hello")
    door.receive([canonical(1, messages=says("a Hello", private=True), opened_at=DAY)], by=CONSOLE)
    assert standing() == []
    assert history()[0][1]["messages"] == {"1": {"private": False}}


def test_the_index_follows_what_stands(staff: Staff) -> None:
    take("a alpha", "b beta", assignee="Rita", tags=["vip"])
    take("a gamma", assignee="Leo", tags=["late"], opened_at=DAY - timedelta(days=3))
    found = {asked: len(conversations.listed(Filter(words=asked), by=staff.engineer)) for asked in
             ("alpha", "beta", "gamma", "person:rita", "person:leo", "tag:vip", "tag:late")}  # fmt: skip
    assert found == {"alpha": 0, "beta": 0, "gamma": 1, "person:rita": 0, "person:leo": 1, "tag:vip": 0, "tag:late": 1}
    with store.reading() as db:
        assert [one.place for one in db.exec(select(ConversationWords))] == [stored()[0].place]
    assert search.parse("alpha")


# Messages that are added.


def append(*texts: str, **more: Any) -> door.Arrival:
    said = [CanonicalMessage.model_validate(one) for one in says(*texts, **more)]
    return appending.append(("test", "1"), said, by=CONSOLE)


def test_messages_are_added_behind_what_stands_and_once(staff: Staff) -> None:
    take("a Hello", f"b {CARD}")
    assert append("b Again", f"c It is {CARD} still", f"c It is {CARD} still", "d Bye").counts["messages"] == 2
    assert standing() == [(1, "Hello"), (2, "‹CARD 1›"), (3, "It is ‹CARD 1› still"), (4, "Bye")]
    assert append("c Other words", "d Bye").counts == {"conversations": 1, "unchanged": 1}
    assert (stored()[0].revision, history()[0][1]) == (2, {"columns": {}, "messages": {}, "new_messages": 2})
    assert len(conversations.listed(Filter(words="still bye"), by=staff.engineer)) == 1


def test_what_is_added_brings_no_deleted_word_back_into_the_index(staff: Staff) -> None:
    take("a Hello", "b secretword")
    take("a Hello")
    append("c Bye")
    assert len(conversations.listed(Filter(words="bye"), by=staff.engineer)) == 1
    assert conversations.listed(Filter(words="secretword"), by=staff.engineer) == []


def test_a_name_that_is_known_is_replaced_in_what_is_added_too(home: object) -> None:
    take("a Hello", customer_names=["Xanthippe Quux"])
    append("b Quux here again, Xanthippe Quux")
    assert "Quux" not in standing()[-1][1]
    door.receive([canonical(2, messages=says("a x Quux")).model_copy(update={"id": "9"})], by=CONSOLE)
    with store.reading() as db:  # the control: who is not known as a customer is not found
        assert db.exec(select(Message.text).order_by(col(Message.id).desc()).limit(1)).one() == "x Quux"


def test_nothing_is_added_to_what_is_not_there_or_another_teams(staff: Staff) -> None:
    take("a Hello", team="Fern")
    said = [CanonicalMessage(id="b", role="customer", text="x")]
    for by, which in ((staff.rep, "1"), (staff.engineer, "2")):
        arrival = appending.append(("test", which), said, by=by)
        assert arrival.refused == {0: f"there is no conversation '{which}' of 'test' within your reach: send it first"}
    assert standing() == [(1, "Hello")]
    assert appending.append(("test", "1"), said, by=staff.other).refused == {}  # the control


def test_a_source_that_names_its_conversations_by_address_is_known_again_and_keeps_no_address(home: object) -> None:
    for text in ("Hello", "Hello again"):
        said = [{"role": "customer", "text": text, "id": "<1.jo.doe@example.org>"}]
        door.receive([CanonicalConversation.model_validate(canonical(1).model_dump() | {"id": ADDRESS, "messages": said})], by=CONSOLE)
    assert counts()[:3] == [1, 1, 1]
    arrival = appending.append(("test", ADDRESS), [CanonicalMessage(id="<1.jo.doe@example.org>", role="customer", text="x")], by=CONSOLE)
    assert arrival.counts["unchanged"] == 1
    with store.reading() as db:
        kept = [*db.exec(select(Conversation.external_id)), *db.exec(select(Message.external_id))]
    assert all(key and key.startswith("#") and "@" not in key for key in kept)
    take("a-1 Hello")
    assert (stored()[0].external_id, stored()[1][0].external_id) == ("1", "a-1")  # the control: an ordinary key stays


# Signals.


def test_a_change_says_what_people_did_and_says_it_once(home: object) -> None:
    first = {"tags": ["parcel", "new"], "assignee": "Rita", "closed_at": DAY + timedelta(hours=2)}
    then = {"tags": ["parcel", "late"], "assignee": "Leo", "csat": 2}
    take("a Hello", **first)
    assert signals() == set()
    for _ in range(2):
        take("a Hello", **then)
    assert signals() == {("tag_changed", "+late -new"), ("reassigned", "Leo"), ("reopened", ""), ("rated", "2")}
    assert counts()[3] == 4


def test_what_first_comes_with_a_rating_or_an_assignee_changed_nothing(home: object) -> None:
    take("a Hello", csat=5, assignee="Rita", tags=["x"])
    take("a Hello, again", csat=5, assignee="Rita", tags=["x"])
    take("a Hello, again", csat=5, assignee="Rita", tags=["x", "x"])
    assert signals() == set()


def test_what_the_source_says_counts_before_what_is_concluded_and_once(home: object) -> None:
    told = [{"kind": "reassigned", "at": DAY.isoformat(), "value": "Leo", "id": "s1"}]
    take("a Hello", assignee="Rita")
    take("a Hello", assignee="Leo", signals=told)
    take("a Hello", "b More", assignee="Leo", signals=[*told, {"kind": "macro_used", "at": DAY.isoformat(), "value": f"Mail {ADDRESS}"}])
    assert signals() == {("reassigned", "Leo"), ("macro_used", "Mail ‹EMAIL 1›")}
    with store.reading() as db:
        assert db.exec(select(func.count()).select_from(Signal)).one() == 2


# What came in between.


def test_what_came_between_preparing_and_keeping_is_prepared_anew(home: object) -> None:
    """Each: what is prepared, what another brings meanwhile, and what stands then."""
    take("a Hello")
    older, newer = says("a Hello", "b Older"), says("a Hello", "b Newer", "c More")
    prepared = door.prepare([canonical(1, messages=newer, opened_at=DAY)], by=CONSOLE)
    door.receive([canonical(1, messages=older, opened_at=DAY)], by=CONSOLE)
    door.keep(prepared)
    assert standing() == [(1, "Hello"), (2, "Newer"), (3, "More")]
    assert [told["messages"] for _, told in history()] == [{"2": {"text": "Older"}}, {}]

    prepared = door.prepare([canonical(2, opened_at=DAY), canonical(3)], by=CONSOLE)
    door.receive([canonical(2, opened_at=DAY)], by=CONSOLE)
    arrival = door.keep(prepared)
    assert (arrival.counts["new"], arrival.counts["unchanged"], counts()[0]) == (1, 1, 3)

    prepared = door.prepare([canonical(4, customer="one"), canonical(5, customer="two")], by=CONSOLE)
    door.receive([canonical(6, customer="two")], by=CONSOLE)
    assert (door.keep(prepared).counts["new"], counts()[0]) == (2, 6)
    with store.reading() as db:
        same = set(db.exec(select(Conversation.customer_id).where(col(Conversation.external_id).in_(["5", "6"]))))
    assert len(same) == 1

    prepared = door.prepare([canonical(1, messages=[*newer, *says("e End")], opened_at=DAY)], by=CONSOLE)
    append("d Appended")
    door.keep(prepared)
    assert [seq for seq, _ in standing()] == [1, 2, 3, 5]  # what was appended the source does not know

    prepared = door.prepare([canonical(8, team=None)], by=CONSOLE)
    with store.writing() as db:
        taken = prepared.rows.conversations[0]["place"]
        db.execute(update(Conversation).where(col(Conversation.external_id) == "6").values(place=taken))
    assert door.keep(prepared).counts["new"] == 1


def test_without_looking_again_the_older_would_have_been_lost(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    take("a Hello")
    prepared = door.prepare([canonical(1, messages=says("a Hello", "b Newer"), opened_at=DAY)], by=CONSOLE)
    take("a Hello", "b Older")
    monkeypatch.setattr(door, "_still_holds", lambda db, prepared: True)
    with pytest.raises(Exception, match=r"(?i)unique"):
        door.keep(prepared)


def test_two_who_bring_the_same_at_once_leave_one_whole_story(home: object) -> None:
    for number in range(20, 26):

        def bring(text: str, number: int = number) -> Callable[[], door.Arrival]:
            return lambda: door.receive([canonical(number, opened_at=DAY, customer="the same", messages=says("a One", text))], by=CONSOLE)

        done = at_once(bring("b Two"), bring("b Zwei"), bring("b Two"))
        assert all(isinstance(one, door.Arrival) for one in done), done
        assert sum(one.counts["new"] for one in done) == 1
        with store.reading() as db:
            found = db.exec(select(Conversation).where(Conversation.external_id == str(number))).one()
            told = [message.text for message in conversations.messages_of(db, found.id)]
            assert (told[0], told[1] in ("Two", "Zwei"), len(told)) == ("One", True, 2)
            assert found.revision == 1 + sum(one.counts["updated"] for one in done)
            assert db.exec(select(func.count()).where(Customer.id == found.customer_id)).one() == 1


@pytest.mark.parametrize("changed", [False, True])
def test_nobody_waits_while_it_redacts(home: object, monkeypatch: pytest.MonkeyPatch, changed: bool) -> None:
    """Another writes while it is at it, of what is new and of what is changed alike."""
    if changed:
        take("a Hello")
    wrote, real = [], door.Cleaner.text

    def slow(self: door.Cleaner, raw: str) -> str:
        if not wrote:
            thread = threading.Thread(target=lambda: wrote.append(people.add_team("Elm", by=CONSOLE).name))
            thread.start()
            thread.join(20)  # it would wait five seconds for the lock and fail
        return real(self, raw)

    monkeypatch.setattr(door.Cleaner, "text", slow)
    assert take("a Hello", "b More").counts["updated" if changed else "new"] == 1
    assert wrote == ["Elm"]


def test_what_would_come_of_it_is_told_and_nothing_is_stored(home: object) -> None:
    take("a Hello")
    before = counts()
    some = [canonical(1, messages=says("a Hello", f"b {CARD}"), opened_at=DAY), canonical(2, opened_at=DAY, messages=says(f"a {ADDRESS}"))]
    told = door.consider([*some, some[0]], by=CONSOLE)
    assert (told.counts["new"], told.counts["updated"], told.counts["unchanged"], dict(told.redacted)) == (1, 1, 1, {"card": 1, "email": 1})
    assert counts() == before
    came = door.receive([*some, some[0]], by=CONSOLE)
    assert [came.counts[key] for key in ("new", "updated", "unchanged", "redactions")] == [
        told.counts[key] for key in ("new", "updated", "unchanged", "redactions")
    ]


def test_what_is_kept_as_history_holds_nothing_personal(home: object) -> None:
    take(f"a {CARD} and {ADDRESS}", subject=CARD, tags=[ADDRESS], assignee=f"Rita {ADDRESS}", paid_with=CARD)
    take("a Nothing", subject="Nothing", assignee="Leo")
    told = json.dumps(history())
    assert CARD not in told and ADDRESS not in told and "‹CARD 1›" in json.dumps(history(), ensure_ascii=False)
    assert sorted(history()[0][1]["columns"]) == ["assignee", "extra", "subject", "tags"]
