"""What waits: why it is here, in which order, for whom; and what was begun is there again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from data import conversations, drafts, people, queue, reviews, rubric, store, undo
from data.errors import Denied, Refused
from data.intake import door
from data.intake.canonical import CanonicalSignal
from data.tables import Claim, Draft, Skip
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical

RITA = {"messages": [{"role": "customer", "text": "Where is it?"}, {"role": "rep", "author": "Rita", "text": "On its way."}]}


def arrive(number: int, team: str = "Oak", **fields: Any) -> str:
    return door.receive([canonical(number, team=team, **fields)], by=people.console()).ids[0]


def ids(items: list[queue.Item]) -> list[str]:
    return [item.listed.id for item in items]


def test_what_annoyed_somebody_comes_first_and_says_so(staff: Staff) -> None:
    plain, annoyed, back = arrive(1), arrive(2, csat=1), arrive(3, signals=[CanonicalSignal(kind="reopened", at=now())])
    items = queue.team(by=staff.rep)
    assert ids(items) == [annoyed, back, plain]
    assert [item.why for item in items] == ["rated 1 of 5", "came back", "not reviewed yet"]


def test_the_heaviest_reasons_together_decide_and_the_heaviest_is_told(staff: Staff) -> None:
    both, one = arrive(1, csat=2, signals=[CanonicalSignal(kind="reopened", at=now())]), arrive(2, csat=1)
    assert ids(queue.team(by=staff.rep)) == [both, one]
    assert queue.team(by=staff.rep)[0].why == "rated 2 of 5"


def test_a_reason_that_somebody_noticed_counts_and_is_said_once(staff: Staff) -> None:
    first, second = arrive(1), arrive(2)
    for sentence in ("two versions disagree", "three versions disagree"):
        with store.writing() as db:
            queue.suggest(db, first, "disagreement", sentence, weight=2.0, source="evals")
    assert [(item.listed.id, item.why) for item in queue.team(by=staff.rep)] == [
        (first, "three versions disagree"), (second, "not reviewed yet"),
    ]  # fmt: skip


def test_one_of_each_customer_before_the_second_of_anybody(staff: Staff) -> None:
    same = [arrive(number, customer="anna", csat=1) for number in (1, 2, 3)]
    other = arrive(4, customer="ben")
    assert ids(queue.team(by=staff.rep))[1] == other and set(ids(queue.team(by=staff.rep))) == {*same, other}


def test_my_last_chats_are_those_that_i_answered_and_did_not_judge(staff: Staff) -> None:
    mine, judged, annoying = arrive(1, **RITA), arrive(2, **RITA), arrive(3, csat=1, **RITA)
    arrive(4, messages=[{"role": "rep", "author": "Birgit", "text": "Rita will call you."}])
    reviews.record(judged, "strong", by=staff.rep)
    assert ids(queue.mine(by=staff.rep)) == [annoying, mine]
    assert queue.mine(by=staff.lead) == []
    reviews.record(mine, "weak", by=staff.lead)  # somebody else's word is not mine
    assert mine in ids(queue.mine(by=staff.rep)) and mine not in ids(queue.team(by=staff.rep))


def test_my_chats_are_also_those_under_the_names_that_the_help_desk_has_for_me(staff: Staff) -> None:
    def answered_by(number: int, author: str) -> str:
        return arrive(number, messages=[{"role": "rep", "author": author, "text": "On its way."}])

    by_nickname, by_address = answered_by(1, "rkoak7 (Oak)"), answered_by(2, "Rita@Example.com")
    assert ids(queue.mine(by=staff.rep)) == [by_address]
    found = conversations.get(by_address, by=staff.rep)
    assert found is not None and found[1][0].author == "Rita"
    rita = people.known_as(["rkoak7 (Oak)", " ", "…"], by=staff.rep)
    assert rita.desk_names == ["rkoak7 (Oak)"] and set(ids(queue.mine(by=rita))) == {by_nickname, by_address}
    with pytest.raises(Refused, match="up to 5 names"):
        people.known_as([f"Rita {number}" for number in range(6)], by=staff.rep)


def test_three_minutes_are_three_short_ones(staff: Staff) -> None:
    long = arrive(1, csat=1, messages=[{"role": "customer", "text": "and then " * 200}])
    short = [arrive(number) for number in range(2, 7)]
    chosen = ids(queue.three(by=staff.rep))
    assert len(chosen) == 3 and long not in chosen and set(chosen) <= set(short)


def test_what_somebody_has_in_hand_is_left_out_for_the_others_until_it_lapses(staff: Staff) -> None:
    made = arrive(1, **RITA)
    assert queue.claim(made, by=staff.rep)
    assert (queue.claim(made, by=staff.lead), ids(queue.team(by=staff.lead)), ids(queue.team(by=staff.rep))) == (None, [], [made])
    queue.claim(made, by=staff.rep, at=now() - queue.IN_HAND - timedelta(seconds=1))
    assert ids(queue.team(by=staff.lead)) == [made] and queue.claim(made, by=staff.lead)
    assert [item.in_hand_of for item in queue.mine(by=staff.rep)] == ["Leo"]
    queue.hand_back(made, by=staff.lead)
    assert ids(queue.team(by=staff.rep)) == [made]


def test_a_saved_review_lets_go_of_the_claim_and_of_the_draft(staff: Staff) -> None:
    made = arrive(1)
    queue.claim(made, by=staff.rep)
    drafts.keep(made, {"note": "half a"}, by=staff.rep)
    reviews.record(made, "strong", by=staff.rep)
    with store.reading() as db:
        assert [db.exec(select(noun)).all() for noun in (Claim, Draft)] == [[], []]


def test_skipped_with_a_reason_it_does_not_come_again_to_me_and_does_to_others(staff: Staff) -> None:
    made = arrive(1)
    queue.claim(made, by=staff.rep)
    with pytest.raises(Refused, match="say in a few words why"):
        queue.skip(made, "  ", by=staff.rep)
    queue.skip(made, "It is in Dutch, card 4111 1111 1111 1111", by=staff.rep)
    assert (ids(queue.team(by=staff.rep)), ids(queue.team(by=staff.lead))) == ([], [made])
    with store.reading() as db:
        assert db.exec(select(Skip.reason)).one() == "It is in Dutch, card ‹CARD 1›"
    queue.unskip(made, by=staff.rep)
    assert ids(queue.team(by=staff.rep)) == [made]


def test_a_draft_survives_and_is_told_to_nobody_else(staff: Staff) -> None:
    made, other = arrive(1), arrive(2)
    drafts.keep(made, {"verdict": "weak", "note": "Card 4111 1111 1111 1111 was read"}, by=staff.rep)
    drafts.keep(other, {"reply": "Better"}, by=staff.rep, at=now() + timedelta(seconds=1))
    assert drafts.of(made, by=staff.rep) == {"verdict": "weak", "note": "Card ‹CARD 1› was read"}
    assert (drafts.of(made, by=staff.lead), drafts.begun(by=staff.rep), drafts.begun(by=staff.lead)) == ({}, [other, made], [])
    drafts.keep(made, {"note": ""}, by=staff.rep)  # what was proposed there was emptied: that was said too
    assert drafts.of(made, by=staff.rep) == {"note": ""}
    drafts.keep(made, {}, by=staff.rep)  # as it was proposed again
    drafts.throw_away(other, by=staff.rep)
    assert drafts.begun(by=staff.rep) == []


def test_a_draft_holds_what_a_review_has_and_no_more(staff: Staff) -> None:
    made = arrive(1)
    with pytest.raises(Refused, match="a review has no colour"):
        drafts.keep(made, {"colour": "red"}, by=staff.rep)
    with pytest.raises(Refused, match="20,000 characters"):
        drafts.keep(made, {"note": "x" * 20_001}, by=staff.rep)


def test_after_a_first_look_a_second_person_is_wanted_on_the_sample_and_sees_nothing_of_the_first(staff: Staff) -> None:
    rubric.change([], share=0, double=1, reviewers=2, by=staff.lead)
    made = arrive(1)
    assert reviews.is_blind(made, by=staff.rep) and not reviews.is_blind(made, by=staff.admin)
    reviews.record(made, "strong", by=staff.rep)
    assert not reviews.is_blind(made, by=staff.rep)
    assert (ids(queue.team(by=staff.rep)), [(item.listed.id, item.why) for item in queue.team(by=staff.lead)]) == (
        [], [(made, "wants a second look")],
    )  # fmt: skip
    assert reviews.is_blind(made, by=staff.lead) and reviews.of_conversation(made, by=staff.lead) == []
    reviews.record(made, "weak", by=staff.lead)
    assert len(reviews.of_conversation(made, by=staff.lead)) == 2 and ids(queue.team(by=staff.lead)) == []
    assert [item.why for item in queue.team(by=staff.engineer)] == ["two see it differently"]
    assert reviews.of_conversation(made, by=staff.engineer) == []
    reviews.record(made, "strong", by=staff.engineer)
    assert [ids(queue.team(by=person)) for person in (staff.rep, staff.lead, staff.engineer)] == [[], [], []]


def test_a_grader_is_checked_by_who_does_not_see_what_it_said(staff: Staff) -> None:
    made = arrive(1)
    with store.writing() as db:
        queue.suggest(db, made, queue.GRADER_CHECK, "is the grader right here?", weight=0.5, source="graders")
    assert reviews.is_blind(made, by=staff.rep) and [item.why for item in queue.team(by=staff.rep)] == ["is the grader right here?"]
    reviews.record(made, "weak", by=staff.rep)
    assert not reviews.is_blind(made, by=staff.rep) and reviews.is_blind(made, by=staff.lead)
    assert [item.why for item in queue.team(by=staff.lead)] == ["is the grader right here?"]  # until whoever asked has enough


def noticed(conversation_id: str, kind: str, *, weight: float = 0.5, source: str = "night") -> None:
    with store.writing() as db:
        queue.suggest(db, conversation_id, kind, f"{kind}, says {source}", weight=weight, source=source)


def test_what_somebody_noticed_comes_however_old_it_is(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "NEWEST", 3)
    old = [arrive(number, opened_at=now() - timedelta(days=300 + number)) for number in (1, 2)]
    newer = [arrive(number, opened_at=now() - timedelta(hours=number)) for number in range(3, 9)]
    assert ids(queue.team(by=staff.rep)) == newer[:3]
    noticed(old[1], "look through")
    assert ids(queue.team(by=staff.rep)) == [old[1], *newer[:3]]
    assert queue.team(by=staff.other) == [], "another team's stays out of reach"


@pytest.mark.parametrize("kind", queue.ENDED_KINDS)
def test_what_anybody_reviewed_is_no_longer_looked_through_by_others_until_that_is_undone(staff: Staff, kind: str) -> None:
    made = arrive(1)
    noticed(made, kind)
    reviews.record(made, "none", by=staff.rep)
    assert queue.team(by=staff.lead) == [] == queue.from_source("night", by=staff.lead)
    undo.last(by=staff.rep)
    assert [item.why for item in queue.team(by=staff.lead)] == [f"{kind}, says night"]
    reviews.record(made, "none", by=staff.rep)
    noticed(made, "worth a talk", weight=0.1)
    assert [item.why for item in queue.team(by=staff.lead)] == ["worth a talk, says night"]  # the control: of another kind it comes
    assert queue.team(by=staff.rep) == []


def test_one_source_alone_comes_in_its_own_order(staff: Staff) -> None:
    first, second, third = arrive(1, customer="anna"), arrive(2, customer="anna"), arrive(3, csat=1)
    arrive(4, csat=1)
    theirs, gone = arrive(5, team="Fern"), arrive(6)
    for place, made in enumerate((theirs, first, second, gone, third)):
        noticed(made, "look through", weight=9 - place / 10)
    noticed(arrive(7), "look through", source="another")
    queue.skip(gone, "Not for me.", by=staff.rep)
    assert ids(queue.from_source("night", by=staff.rep)) == [first, second, third]
    assert {item.why for item in queue.from_source("night", by=staff.rep)} == {"look through, says night"}
    queue.claim(second, by=staff.lead)
    reviews.record(first, "none", by=staff.rep)
    assert ids(queue.from_source("night", by=staff.rep)) == [third]
    assert [queue.from_source(none, by=staff.rep) for none in ("", "\0", "no\0such", "' OR 1=1 --")] == [[], [], [], []]
    with store.writing() as db:
        queue.forget(db, "night")
    assert queue.from_source("night", by=staff.rep) == [] != queue.from_source("another", by=staff.rep)


def test_without_a_sample_one_look_is_enough(staff: Staff) -> None:
    made = arrive(1)
    reviews.record(made, "strong", by=staff.rep)
    assert ids(queue.team(by=staff.lead)) == [] and not reviews.is_blind(made, by=staff.lead)


@pytest.mark.parametrize("said", [
    "4711", " 4711 ", "https://shop.zendesk.example/agent/tickets/4711", "https://desk.example/app/4711?view=3#note", "{id}",
    "http://127.0.0.1:8501/review?conversation={id}",
])  # fmt: skip
def test_a_pasted_address_or_number_opens_its_conversation(staff: Staff, said: str) -> None:
    made = arrive(4711)
    arrive(4712)
    assert queue.pasted(said.format(id=made), by=staff.rep) == made
    assert queue.pasted(said.format(id=made), by=staff.other) is None


@pytest.mark.parametrize("said", ["", "   ", "4713", "https://shop.zendesk.example/agent/tickets/9", "' OR 1=1 --", "%", "\0", "x" * 5000])
def test_what_names_no_conversation_opens_none(staff: Staff, said: str) -> None:
    arrive(4711)
    assert queue.pasted(said, by=staff.rep) is None


def test_another_teams_is_in_no_queue_and_in_nobodys_hand(staff: Staff) -> None:
    theirs = arrive(1, team="Fern", csat=1, **RITA)
    assert [queue.team(by=staff.rep), queue.mine(by=staff.rep), queue.three(by=staff.rep)] == [[], [], []]
    acts = (
        lambda: queue.claim(theirs, by=staff.rep), lambda: queue.hand_back(theirs, by=staff.rep),
        lambda: queue.skip(theirs, "no", by=staff.rep), lambda: queue.unskip(theirs, by=staff.rep),
        lambda: drafts.keep(theirs, {"note": "x"}, by=staff.rep), lambda: drafts.throw_away(theirs, by=staff.rep),
        lambda: drafts.of(theirs, by=staff.rep),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(Denied):
            act()
    assert ids(queue.team(by=staff.other)) == [theirs]  # the control
