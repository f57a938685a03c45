"""What labels have: which there are, how each came by its examples, and what stands where something else was said later."""

import pytest
from sqlmodel import select

from classifiers import gathering, labels
from classifiers.taught import Source, choosable, said_of, sources
from data import examples, reviews, store, undo
from data.errors import Denied
from data.tables import Conversation, Example, Label
from data.values import now
from tests.conftest import Staff
from tests.test_classifiers_finding import came, tone, topics


def test_how_a_label_came_by_its_examples_is_counted(staff: Staff) -> None:
    made, label = came(staff, *(f"The locker is full, {number}" for number in range(30))), labels.add("Locker", by=staff.lead)
    assert sources(label.id, by=staff.rep) == []
    told = gathering.accept(made[:20], label.id, found="rule", by=staff.rep)
    gathering.accept(made[20:22], label.id, found="search", by=staff.rep)
    reviews.record(made[22], "strong", label_id=label.id, by=staff.rep)
    rule, search, reviewed = sources(label.id, by=staff.rep)
    assert rule == Source("a rule", told.taught, told.kept_for_testing)
    assert (search.words, search.learned_from + search.kept_for_testing, reviewed) == ("a search", 2, Source("reviews", 1, 0))


def test_the_intents_can_be_chosen_first_then_the_labels_of_other_classifiers(staff: Staff) -> None:
    (loud, calm), refund, bill = tone(staff.lead), labels.add("Refund", by=staff.lead), labels.add("Bill", by=staff.lead)
    with store.writing() as db:
        db.add(Label(classifier_name="intent", name="Old", retired_at=now()))
    assert [one.id for one in choosable(by=staff.rep)] == [one.id for one in (bill, refund, calm, loud)]
    with pytest.raises(Denied):
        choosable(by=staff.admin)


def test_where_several_come_up_all_of_them_have_the_example(staff: Staff) -> None:
    made, (damage, delivery) = came(staff, *(f"It is broken, {number}" for number in range(12))), topics(staff)
    for one in made:
        gathering.say_all(one, "Topics", [damage.id, delivery.id], found="search", by=staff.rep)
    with store.reading() as db:
        kept = sum(gathering.is_for_testing(damage, db.get_one(Conversation, one).customer_id) for one in made)  # by chance
    for label in (damage, delivery):
        assert sources(label.id, by=staff.rep) == [Source("a search", 12 - kept, kept)]
    gathering.say_all(made[0], "Topics", [], found="search", by=staff.rep)
    assert [sum((one.learned_from, one.kept_for_testing)) for one in sources(delivery.id, by=staff.rep)] == [11]
    assert said_of(made[0], "Topics", by=staff.rep) == () and set(said_of(made[1], "Topics", by=staff.rep) or ()) == {
        damage.id,
        delivery.id,
    }
    assert said_of(made[1], "Topics", by=staff.other) is None  # another team's


def uses(conversation_id: str) -> dict[str, str]:
    """By label, of what stands."""
    with store.reading() as db:
        found = db.exec(select(Example).where(Example.conversation_id == conversation_id, Example.use != "retired"))
        return {one.label_id or "": one.use for one in found}


def test_to_a_question_there_is_one_answer_and_the_later_one_takes_the_place_of_the_earlier(staff: Staff) -> None:
    made, (loud, calm) = came(staff, *(f"Hello, {number}" for number in range(12))), tone(staff.lead)
    gathering.accept(made, loud.id, found="search", by=staff.rep)
    before = {one: uses(one)[loud.id] for one in made}
    assert set(before.values()) == {"train", "loose"}
    gathering.accept(made[:6], calm.id, found="unsure", by=staff.rep)
    assert [uses(one) for one in made] == [{(calm if place < 6 else loud).id: before[one]} for place, one in enumerate(made)]
    learned = {row.conversation_id: row.label_id for row in examples.for_training("tone", by=staff.rep)}
    assert learned == {one: (calm if place < 6 else loud).id for place, one in enumerate(made) if before[one] == "train"}
    gathering.accept(made[:3], loud.id, found="unsure", by=staff.rep)  # and back again
    assert [next(iter(uses(one))) for one in made[:6]] == [loud.id] * 3 + [calm.id] * 3
    for _ in range(2):
        undo.last(by=staff.rep)
    assert [uses(one) for one in made] == [{loud.id: before[one]} for one in made]


def test_what_is_a_test_of_one_answer_stays_that_whatever_is_said_later(staff: Staff) -> None:
    made, (loud, calm) = came(staff, *(f"Hello, {number}" for number in range(12))), tone(staff.lead)
    gathering.accept(made, loud.id, found="search", by=staff.rep)
    gathering.freeze_kept("tone", by=staff.rep)
    tests = [one for one in made if uses(one)[loud.id] == "eval"]
    told = gathering.accept(made, calm.id, found="unsure", by=staff.rep)
    assert tests and (told.already, told.taught) == (len(tests), len(made) - len(tests))
    assert [uses(one) for one in tests] == [{loud.id: "eval"}] * len(tests)
    assert set(tests).isdisjoint(row.conversation_id for row in examples.for_training("tone", by=staff.rep))


def test_an_intent_keeps_what_it_has_where_another_is_accepted_too(staff: Staff) -> None:
    """The control: intents are taught one by one, and what was said last is learned."""
    made, one, other = came(staff, "Hello"), labels.add("Refund", by=staff.lead), labels.add("Damage", by=staff.lead)
    gathering.accept(made, one.id, found="search", by=staff.rep)
    gathering.accept(made, other.id, found="search", by=staff.rep)
    assert uses(made[0]).keys() == {one.id, other.id}


def test_what_is_learned_counts_also_where_none_comes_up(staff: Staff) -> None:
    made, (damage, _) = came(staff, *(f"Hello, {number}" for number in range(12))), topics(staff)
    for place, one in enumerate(made):
        gathering.say_all(one, "Topics", [damage.id] if place % 2 else [], found="search", by=staff.rep)
    learned = [one for one in made if "train" in uses(one).values()]
    assert examples.taught_count("Topics") == len(learned) > 0 == examples.taught_count("intent")
