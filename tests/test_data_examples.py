"""Examples: held up for a reason, frozen as they were, and what is a test is never trained on."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from classifiers import kinds, labels
from data import audit, conversations, examples, people, reviews, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Case, EvalSet, Example, Label
from evals import freezing, sets
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int, text: str | None = None, team: str = "Oak", **fields: Any) -> str:
    told = {"messages": [{"role": "customer", "text": text}, {"role": "rep", "text": "Hi"}]} if text is not None else {}
    return door.receive([canonical(number, team=team, **told, **fields)], by=people.console()).ids[0]


@pytest.fixture
def desk(staff: Staff) -> tuple[Staff, EvalSet, Label]:
    return staff, sets.create("Everyday", by=staff.lead), labels.add("Refund", by=staff.lead)


Desk = tuple[Staff, EvalSet, Label]


def flag(desk: Desk, conversation_id: str, **fields: Any) -> Example:
    staff, eval_set, label = desk
    told = {"kind": "strong", "why": "Clear.", "eval_set_id": eval_set.id, "label_id": label.id, "by": staff.rep, **fields}
    return examples.flag(conversation_id, **told)


def label_all(desk: Desk, *conversation_ids: str) -> None:
    staff, _, label = desk
    for made in conversation_ids:
        reviews.record(made, "strong", label_id=label.id, by=staff.rep)


def training(desk: Desk) -> set[str]:
    return {row.conversation_id for row in examples.for_training(by=desk[0].rep)}


def test_an_example_is_a_frozen_copy_of_what_was_flagged(desk: Desk) -> None:
    made = arrive(1, "Where is my money?", subject="Refund")
    example = flag(desk, made, why=" Clear. ")
    door.receive([canonical(1, team="Oak", messages=[{"role": "customer", "text": "Something else"}], subject="Else")], by=people.console())
    with store.reading() as db:
        kept = db.get_one(Example, example.id)
    assert [message["text"] for message in kept.messages] == ["Where is my money?", "Hi"]
    assert (kept.subject_line, kept.why, kept.use, kept.seq, kept.purpose) == ("Refund", "Clear.", "loose", 2, "classifier")
    assert audit.newest(by=desk[0].rep)[0].sentence == "Flagged a strong example for 'Everyday': Clear."


def test_what_makes_no_example_is_refused_in_words(desk: Desk) -> None:
    made = arrive(1)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"kind": "good"}, "strong or a weak example"),
        ({"why": " "}, "say in a sentence why"),
        ({"eval_set_id": "nothing"}, "there is no such eval set"),
        ({"label_id": None}, "'Everyday' tests intents, so the example needs one"),
        ({"label_id": "nothing"}, "so the example needs one"),
    ]
    for fields, told in wrong:
        with pytest.raises(Refused, match=f"^Not flagged: .*{told}"):
            flag(desk, made, **fields)
    assert examples.loose_count(desk[1].id) == 0
    flag(desk, made)  # the control
    assert examples.loose_count(desk[1].id) == 1


def test_a_conversation_stands_in_a_set_once(desk: Desk) -> None:
    made = arrive(1)
    flag(desk, made)
    with pytest.raises(Refused, match="already stands in 'Everyday'"):
        flag(desk, made)
    other = sets.create("Another", by=desk[0].lead)
    flag(desk, made, eval_set_id=other.id)
    assert len(examples.of_conversation(made, by=desk[0].rep)) == 2


def test_nobody_flags_another_teams_conversation_or_sees_that_it_was(desk: Desk) -> None:
    staff = desk[0]
    made = arrive(1, team="Fern")
    with pytest.raises(Denied, match="belongs to another team"):
        flag(desk, made)
    with pytest.raises(Denied, match=r"may not flag an? example"):
        flag(desk, made, by=staff.admin)
    flag(desk, made, by=staff.other)
    assert examples.of_conversation(made, by=staff.rep) == []


def test_the_intent_of_an_example_is_one_in_use_of_its_classifier(desk: Desk) -> None:
    staff, _, label = desk
    made = arrive(1)
    kinds.add("urgency", kinds.SEVERAL, "Which of these are there?", by=staff.lead)
    urgent = labels.add("Urgent", by=staff.lead, classifier_name="urgency")
    with pytest.raises(Refused, match="intent"):
        flag(desk, made, label_id=urgent.id)
    with store.writing() as db:
        db.execute(update(Label).where(col(Label.id) == label.id).values(retired_at=label.at))
    with pytest.raises(Refused, match="intent"):
        flag(desk, made)


def test_a_private_note_does_not_go_into_an_example(desk: Desk) -> None:
    told = [{"role": "customer", "text": "Hello"}, {"role": "rep", "text": "PRIVATE", "private": True}]
    made = door.receive([canonical(1, team="Oak", messages=told)], by=people.console()).ids[0]
    assert "PRIVATE" not in str(flag(desk, made).messages)


def test_what_is_an_eval_case_is_never_trained_on(desk: Desk) -> None:
    tested, free, unlabelled = arrive(1, "one"), arrive(2, "two"), arrive(3, "three")
    label_all(desk, tested, free)
    reviews.record(unlabelled, "strong", by=desk[0].rep)
    flag(desk, tested)
    assert training(desk) == {tested, free}  # the control: while it is loose, and so no test yet, it is in
    freezing.freeze(desk[1].id, by=desk[0].lead)
    assert training(desk) == {free}


def test_a_text_that_an_eval_case_holds_is_never_trained_on_whoever_wrote_it(desk: Desk) -> None:
    tested, same, other = arrive(1, "Where is my money?"), arrive(2, "Where is my money?"), arrive(3, "Where is my parcel?")
    label_all(desk, same, other)
    assert training(desk) == {same, other}
    flag(desk, tested)
    freezing.freeze(desk[1].id, by=desk[0].lead)
    assert training(desk) == {other}


def test_the_text_of_an_eval_case_stays_a_test_when_its_conversation_goes_on(desk: Desk) -> None:
    """The case is frozen: what it asks is what it asked, not what the conversation says today."""
    tested, same = arrive(1, "Where is my money?"), arrive(2, "Where is my money?")
    label_all(desk, tested, same)
    flag(desk, tested)
    freezing.freeze(desk[1].id, by=desk[0].lead)
    assert training(desk) == set()
    arrive(1, "Where is my money? It has been a week.")
    with store.reading() as db:
        assert sets.text_of(db.exec(select(Case)).one()) == "Where is my money?"
    assert training(desk) == set()


def test_a_gold_example_is_a_test_too_and_a_retired_one_is_none(desk: Desk) -> None:
    made = arrive(1, "one")
    label_all(desk, made)
    example = flag(desk, made)
    for use, trained in (("gold", set()), ("eval", set()), ("retired", {made}), ("train", {made})):
        with store.writing() as db:
            db.execute(update(Example).where(col(Example.id) == example.id).values(use=use))
        assert training(desk) == trained, use


def test_a_machine_learns_what_was_said_last_and_of_no_other_classifier(desk: Desk) -> None:
    staff, _, refund = desk
    made = arrive(1, "one")
    login = labels.add("Sign-in", by=staff.lead)
    kinds.add("urgency", kinds.SEVERAL, "Which of these are there?", by=staff.lead)
    urgent = labels.add("Urgent", by=staff.lead, classifier_name="urgency")
    reviews.record(made, "strong", label_id=refund.id, by=staff.rep)
    last = reviews.record(made, "strong", label_id=login.id, by=staff.lead)
    (row,) = examples.for_training(by=staff.rep)
    assert (row.text, row.label, row.label_id, row.source.id) == ("one", "Sign-in", login.id, last.id)
    assert row.customer_id
    assert examples.for_training("urgency", by=staff.rep) == []
    assert urgent.id


def test_nothing_is_learned_from_a_customer_who_wrote_nothing(desk: Desk) -> None:
    made = arrive(1, "  ")
    label_all(desk, made)
    assert training(desk) == set()


def test_what_was_hidden_is_not_learned_from(desk: Desk) -> None:
    made = arrive(1, "one")
    label_all(desk, made)
    with store.writing() as db:
        db.execute(update(conversations.Conversation).where(col(conversations.Conversation.id) == made).values(hidden_at=desk[1].at))
    assert training(desk) == set()


def test_who_may_not_train_reads_no_rows(desk: Desk) -> None:
    gone = people.disable(desk[0].rep.id, by=desk[0].admin)
    for person in (gone, people.console()):
        with pytest.raises(Denied):
            examples.for_training(by=person)


def test_the_customers_of_tests_are_known(desk: Desk) -> None:
    tested, free = arrive(1, customer="A"), arrive(2, customer="B")
    flag(desk, tested)
    with store.reading() as db:
        assert (examples.tested_conversations(db), examples.tested_customers(db)) == (set(), set())
    freezing.freeze(desk[1].id, by=desk[0].lead)
    with store.reading() as db:
        assert examples.tested_conversations(db) == {tested}
        customers = {made.id: made.customer_id for made in db.exec(select(conversations.Conversation))}
        assert examples.tested_customers(db) == {customers[tested]} != {customers[free]}
