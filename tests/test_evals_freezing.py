"""A freeze: numbers that stay, a changelog in plain words, near duplicates shown before, and no case is ever learned from."""

import threading

import pytest
from sqlalchemy import text

from classifiers import labels
from data import bulk, conversations, datasets, examples, people, reviews, store
from data.errors import Refused
from data.intake import door
from data.labels import of as labels_in_use
from data.tables import Case, CaseChange, EvalSet, Person, SetVersion
from data.values import new_id, now
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from tests.conftest import SOAK, Staff
from tests.conversations import canonical
from tests.test_evals_sets import digest, flagged_set

KNOWN = graders.BY_NAME


def case(asked: str, *, key: str = "", said: str = "30 days") -> NewCase:
    return NewCase(({"role": "customer", "text": asked},), {"facts": {"must": [said]}}, ("contains",), key=key)


@pytest.fixture
def answers(staff: Staff) -> EvalSet:
    return sets.create("Answers", by=staff.lead, purpose="answer")


def add(eval_set: EvalSet, *new: NewCase, by: Person, why: str = "") -> None:
    changes.add(eval_set.id, new, known=KNOWN, by=by, why=why)


def freeze(eval_set: EvalSet, staff: Staff) -> dict[str, int]:
    """The numbers of the new version's cases by their keys."""
    return {one.key: one.number for one in sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)}


def test_cases_keep_their_numbers_and_a_retired_number_is_never_given_again(staff: Staff, answers: EvalSet) -> None:
    add(answers, case("A?", key="a"), case("B?", key="b"), case("C?", key="c"), by=staff.rep)
    assert freeze(answers, staff) == {"a": 1, "b": 2, "c": 3}
    changes.retire(answers.id, "c", why="It is there twice.", by=staff.lead)
    assert freeze(answers, staff) == {"a": 1, "b": 2}
    add(answers, case("D?", key="d"), by=staff.rep)
    changes.change(answers.id, "a", case("A, better?"), known=KNOWN, why="Clearer.", by=staff.lead)
    assert freeze(answers, staff) == {"a": 1, "b": 2, "d": 4}
    changes.retire(answers.id, "d", why="Not ours.", by=staff.lead)
    add(answers, case("E?", key="e"), by=staff.rep)
    assert freeze(answers, staff) == {"a": 1, "b": 2, "e": 5}
    add(answers, case("C?", key="c"), by=staff.rep)  # the same once more is a new one
    assert freeze(answers, staff) == {"a": 1, "b": 2, "e": 5, "c": 6}


def frozen_before_there_were_numbers(eval_set: EvalSet, *keys: str) -> None:
    with store.writing() as db:
        version = SetVersion(eval_set_id=eval_set.id, number=1, sha="", changelog="")
        db.add(version)
        db.flush()
        for key in keys:
            told = {"subject_line": "", "messages": [{"role": "customer", "text": f"{key}?"}]}
            db.add(Case(set_version_id=version.id, key=key, input=told, expected={"label": "Refund"}, graders=["exact label"], slices={}))


def test_what_was_frozen_before_cases_had_a_number_is_counted_as_before_and_then_keeps_it(staff: Staff, answers: EvalSet) -> None:
    frozen_before_there_were_numbers(answers, "c", "a", "b")
    latest = sets.latest(answers.id)
    assert latest is not None and sets.numbers(sets.cases(latest.id)) == {"a": 1, "b": 2, "c": 3}
    changes.retire(answers.id, "c", why="Out.", by=staff.lead)
    changes.retire(answers.id, "a", why="Out.", by=staff.lead)
    assert freeze(answers, staff) == {"b": 2}
    add(answers, case("D?", key="0"), by=staff.rep)  # sorts before all others, and its number is the next; 3 was given before
    assert freeze(answers, staff) == {"b": 2, "0": 4}


def test_the_changelog_says_who_added_changed_and_took_out_which_case_and_why(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    add(eval_set, case("A?", key="a"), case("B?", key="b"), by=staff.lead, why="from everyday.jsonl")
    add(eval_set, case("C?", key="c"), by=people.console(), why="It went wrong on Monday.")
    first = freezing.freeze(eval_set.id, by=staff.lead)
    assert first.changelog == (
        "Rita added 3. Leo added cases 4 and 5: from everyday.jsonl. The console added case 6: It went wrong on Monday. 6 cases in all."
    )
    changes.change(eval_set.id, "b", case("B, better?"), known=KNOWN, why="It was unclear", by=staff.engineer)
    changes.retire(eval_set.id, "a", why="It is there twice.", by=staff.lead)
    flagged_set(staff, range(4, 5), into=eval_set, by=staff.lead)
    second = freezing.freeze(eval_set.id, by=staff.rep)
    assert second.changelog == "Leo added 1. Emil changed case 5: It was unclear. Leo took out case 4: It is there twice. 6 cases in all."
    assert (second.number, second.sha) == (2, digest(sets.cases(second.id))) and second.sha != first.sha


def test_a_changelog_stays_readable_however_many_reasons_there_are(staff: Staff, answers: EvalSet) -> None:
    for number in range(25):
        add(answers, case(f"{number}?"), by=staff.rep, why=f"reason {number}")
    told = freezing.freeze(answers.id, by=staff.lead).changelog
    assert "Rita added case 20: reason 19. 5 more were added, each for a reason of its own. 25 cases in all." in told


def test_what_a_version_took_in_is_kept_beside_it(staff: Staff, answers: EvalSet) -> None:
    add(answers, case("A?", key="a"), by=staff.rep)
    first = freezing.freeze(answers.id, by=staff.lead)
    add(answers, case("B?", key="b"), by=staff.rep)
    with store.reading() as db:
        kept = {one.key: one.set_version_id for one in db.exec(sets.select(CaseChange))}
    assert kept == {"a": first.id, "b": None}
    assert [one.key for one in changes.waiting(answers.id, by=staff.rep)] == ["b"]


def test_an_empty_set_is_not_frozen_and_its_last_case_is_not_taken_out(staff: Staff, answers: EvalSet) -> None:
    with pytest.raises(Refused, match=r"^'Answers' was not frozen: no flagged example waits in it"):
        freezing.freeze(answers.id, by=staff.lead)
    add(answers, case("A?", key="a"), by=staff.rep)
    freeze(answers, staff)
    changes.retire(answers.id, "a", why="Out.", by=staff.lead)
    with pytest.raises(Refused, match=r"^'Answers' was not frozen: no case would be left\. A set that tests nothing passes everything\.$"):
        freezing.freeze(answers.id, by=staff.lead)
    assert [version.number for version in sets.versions(answers.id, by=staff.rep)] == [1]
    assert len(changes.waiting(answers.id, by=staff.rep)) == 1  # it waits on
    add(answers, case("B?", key="b"), by=staff.rep)
    assert freeze(answers, staff) == {"b": 2}


def test_of_two_who_freeze_at_once_each_change_goes_into_one_version(staff: Staff, answers: EvalSet) -> None:
    add(answers, *(case(f"{number}?") for number in range(20)), by=staff.rep)
    together, outcomes = threading.Barrier(5), []

    def act(number: int) -> None:
        together.wait()
        try:
            if number < 3:
                outcomes.append(freezing.freeze(answers.id, by=staff.lead).number)
            else:
                add(answers, case(f"late {number}?"), by=staff.rep)
        except Refused as refused:
            outcomes.append(str(refused))

    threads = [threading.Thread(target=act, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 3 and all(isinstance(told, int) or "no flagged example waits" in told for told in outcomes), outcomes
    if changes.waiting(answers.id, by=staff.rep):
        freezing.freeze(answers.id, by=staff.lead)
    numbers = [version.number for version in sets.versions(answers.id, by=staff.rep)]
    assert numbers == list(range(len(numbers), 0, -1))
    latest = sets.latest(answers.id)
    assert latest is not None and sorted(one.number for one in sets.cases(latest.id)) == list(range(1, 23))


def test_what_is_being_frozen_is_not_taken_back(staff: Staff, answers: EvalSet) -> None:
    """Either it was taken back, or the version has it; never a case that nobody added."""
    for number in range(4 if SOAK else 2):
        add(answers, case(f"{number}?", key=f"first {number}"), by=staff.rep)
        (made,) = changes.add(answers.id, [case(f"{number}!", key=str(number))], known=KNOWN, by=staff.rep)
        together, outcomes = threading.Barrier(2), []

        def take_back(made: CaseChange = made, together: threading.Barrier = together, outcomes: list[str] = outcomes) -> None:
            together.wait()
            try:
                changes.take_back(made.id, by=staff.rep)
                outcomes.append("back")
            except Refused as refused:
                outcomes.append(str(refused))

        thread = threading.Thread(target=take_back)
        thread.start()
        together.wait()
        version = freezing.freeze(answers.id, by=staff.lead)
        thread.join()
        is_in = str(number) in {one.key for one in sets.cases(version.id)}
        with store.reading() as db:
            kept = db.get(CaseChange, made.id)
        assert is_in == (outcomes != ["back"]) == (kept is not None)


# -- near duplicates are shown before they enter ------------------------------------------------------------------------------------------

LONG = "My parcel number 17 was to come on Tuesday and nobody rang at the door, where is it now please?"


def test_near_duplicates_are_shown_before_they_enter(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    add(eval_set, case(LONG, key="known"), case("When does the shop open?", key="retired"), by=staff.rep)
    freeze(eval_set, staff)
    assert freezing.before_freezing(eval_set.id, by=staff.rep) == []
    flagged_set(staff, range(4, 5), into=eval_set)
    waits = canonical(4).messages[0].text
    add(
        eval_set, case(LONG.replace("please", "then"), key="nearly"), case(LONG.upper(), key="same"), case(waits, key="as flagged"),
        case("Something else altogether, I think.", key="other"), case("When does the shop open?", key="open"), by=staff.rep,
    )  # fmt: skip
    found = {near.new: near for near in freezing.before_freezing(eval_set.id, by=staff.admin)}
    assert set(found) == {"nearly", "same", "as flagged", "open"}
    assert (found["same"].known, found["same"].same, found["nearly"].same) == ("known", True, False)
    assert found["as flagged"].same and found["nearly"].known_text in (LONG, LONG.upper())
    changes.retire(eval_set.id, "retired", why="It goes.", by=staff.lead)  # what goes is nothing to be alike
    changes.change(eval_set.id, "known", case("Quite another question, as it is now."), known=KNOWN, why="Better.", by=staff.lead)
    assert {near.new for near in freezing.before_freezing(eval_set.id, by=staff.rep)} == {
        "same",
        "as flagged",
    }  # of each other, or the flag
    assert freeze(eval_set, staff)["open"]  # shown, not refused


def test_two_that_ask_the_same_and_expect_something_else_are_found(staff: Staff, answers: EvalSet) -> None:
    add(
        answers,
        case(LONG, key="one", said="30 days"),
        case(LONG, key="two", said="14 days"),
        case("Hello there?", key="three"),
        by=staff.rep,
    )
    expected = {change.key: change.case["expected"] for change in changes.waiting(answers.id, by=staff.rep) if change.case}
    (near,) = freezing.before_freezing(answers.id, by=staff.rep)
    assert near.same and {near.new, near.known} == {"one", "two"} and expected[near.new] != expected[near.known]


def test_answers_that_begin_alike_and_go_on_otherwise_are_not_alike(staff: Staff, answers: EvalSet) -> None:
    def spoken(key: str, *customer: str) -> NewCase:
        said = [{"role": "customer", "text": customer[0]}, {"role": "rep", "text": "Hello, how can I help?"}]
        asked = [{"role": "customer", "text": customer[1]}, {"role": "rep", "text": "I will look into it."}]
        return NewCase((*said, *asked), {"decline": False}, ("declines",), key=key)

    hotel, taxi = "I need a room in Oslo for two nights in May.", "Where is the taxi that I ordered an hour ago?"
    add(answers, spoken("one", "Hello", hotel), spoken("two", "hello", taxi), by=staff.rep)
    assert freezing.before_freezing(answers.id, by=staff.rep) == []
    add(answers, spoken("three", "Hello!", taxi), by=staff.rep)
    assert [{near.new, near.known} for near in freezing.before_freezing(answers.id, by=staff.rep)] == [{"two", "three"}]


# -- never learned from -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def reviewed(staff: Staff) -> dict[str, str]:
    """Conversations that people labelled, by what was asked."""
    asked = ("Where is my money?", "where is my MONEY", "My card is 4111 1111 1111 1111, and now?", "Is the shop open?", "👍", "👎")
    label = labels.add("Refund", by=staff.lead)
    made = {}
    for number, said in enumerate(asked, start=1):
        told = [{"role": "customer", "text": said}, {"role": "rep", "text": "I look at it."}]
        made[said] = door.receive([canonical(number, team="Oak", messages=told)], by=staff.engineer).ids[0]
        reviews.record(made[said], "strong", label_id=label.id, by=staff.rep)
    return made


def learned(reviewed: dict[str, str], staff: Staff) -> set[str]:
    rows = {row.conversation_id for row in examples.for_training(by=staff.rep)}
    return {said for said, made in reviewed.items() if made in rows}


def test_a_text_of_a_case_from_a_file_is_never_learned_from(staff: Staff, answers: EvalSet, reviewed: dict[str, str]) -> None:
    everything = set(reviewed)
    add(answers, case("Where is my money?", key="money"), case("My card is 4111 1111 1111 1111, and now?"), case("👍"), by=staff.rep)
    assert learned(reviewed, staff) == everything  # the control: while it waits it is no test yet
    freeze(answers, staff)
    left = {"Is the shop open?", "👎"}
    assert learned(reviewed, staff) == left
    built = datasets.build(datasets.Definition(name="All"), format_name="csv", by=staff.engineer)
    assert built.version.counts["rows"] == 2 and "4 left out: an eval case has the same text" in built.version.card
    changes.change(answers.id, "money", case("Is the shop open?"), known=KNOWN, why="Better.", by=staff.lead)
    assert learned(reviewed, staff) == left
    freeze(answers, staff)
    assert learned(reviewed, staff) == {"👎"}  # what it asks now, and what it asked before
    changes.retire(answers.id, "money", why="Out.", by=staff.lead)
    freeze(answers, staff)
    assert learned(reviewed, staff) == {"👎"}  # also after it was retired


def test_without_what_freezes_took_in_the_texts_of_files_would_be_learned(
    staff: Staff, answers: EvalSet, reviewed: dict[str, str]
) -> None:  # fmt: skip
    """The control: the query is what keeps them out."""
    add(answers, case("Where is my money?"), by=staff.rep)
    freeze(answers, staff)
    assert "Where is my money?" not in learned(reviewed, staff)
    with store.writing() as db:
        db.execute(text("UPDATE case_change SET set_version_id = NULL"))
    assert learned(reviewed, staff) == set(reviewed)


def test_what_a_flagged_case_was_changed_to_is_not_learned_from_either(staff: Staff, reviewed: dict[str, str]) -> None:
    eval_set = sets.create("Everyday", by=staff.lead)
    label = labels_in_use()[0].id
    examples.flag(reviewed["Is the shop open?"], "strong", why="Clear.", eval_set_id=eval_set.id, label_id=label, by=staff.rep)
    (key,) = freeze(eval_set, staff)
    asked = NewCase(({"role": "customer", "text": "Where is my money?"},), {"label": "Refund"}, ("exact label",))
    changes.change(eval_set.id, key, asked, known=KNOWN, why="Better.", by=staff.lead)
    assert "Where is my money?" in learned(reviewed, staff)
    freeze(eval_set, staff)
    assert learned(reviewed, staff) == set(reviewed) - {"Is the shop open?", "Where is my money?", "where is my MONEY"}
    changes.retire(eval_set.id, key, why="Out.", by=staff.lead)
    add(eval_set, case("Hello?"), by=staff.rep)
    freeze(eval_set, staff)
    assert learned(reviewed, staff) == set(reviewed) - {"Is the shop open?", "Where is my money?", "where is my MONEY"}


def test_ten_thousand_cases_in_several_versions_are_looked_up_quickly(staff: Staff, answers: EvalSet) -> None:
    add(answers, case("first"), by=staff.rep)
    version = freezing.freeze(answers.id, by=staff.lead)
    held = [
        {"subject_line": "", "messages": [{"role": "customer", "text": f"Where is parcel {number}, {'please ' * 20}?"}]}
        for number in range(10_000)
    ]
    told = {"at": now(), "eval_set_id": answers.id, "change": "add", "why": "", "set_version_id": version.id}
    rest = {"expected": {"facts": {"must": ["x"]}}, "graders": ["contains"], "slices": {}}
    kept = [told | {"id": new_id(), "key": str(number), "case": rest | {"input": asked}} for number, asked in enumerate(held)]
    with store.writing() as db:
        bulk.insert(db, CaseChange, kept)
    with store.reading() as db:
        tested = examples.tested_texts(db)
    assert conversations.text_of("", held[9_999]["messages"]) in tested and "Where is parcel 10001?" not in tested
