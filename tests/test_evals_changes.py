"""What waits for the next freeze: cases from files or typed, better ones, ones that are taken out. Nothing enters that cannot be judged."""

from typing import Any

import pytest
from sqlalchemy import text

from data import audit, people, store
from data.errors import Denied, Refused
from data.tables import CaseChange, EvalSet, Person
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from tests.conftest import SOAK, Staff
from tests.test_evals_sets import flagged_set

KNOWN = graders.BY_NAME


def case(asked: str = "When does my refund come?", *, graders: tuple[str, ...] = ("contains",), **fields: Any) -> NewCase:
    expected = fields.pop("expected", {"facts": {"must": ["30 days"]}})
    return NewCase(({"role": "customer", "text": asked},), expected, graders, **fields)


@pytest.fixture
def answers(staff: Staff) -> EvalSet:
    return sets.create("Answers", by=staff.lead, purpose="answer")


def add(eval_set: EvalSet, *new: NewCase, by: Person, **fields: Any) -> list[CaseChange]:
    return changes.add(eval_set.id, new, known=KNOWN, by=by, **fields)


def frozen(eval_set: EvalSet, staff: Staff, *new: NewCase) -> dict[str, sets.Case]:
    """The newest version's cases by key, with these in it."""
    if new:
        add(eval_set, *new, by=staff.lead)
    return {one.key: one for one in sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)}


def test_what_was_added_waits_and_is_a_case_once_it_is_frozen(staff: Staff, answers: EvalSet) -> None:
    made = add(
        answers, case("One?", key="one", slices={"channel": "chat"}, subject_line="Money"), case("Two?"), by=staff.rep, why="from a.jsonl"
    )
    waiting = changes.waiting(answers.id, by=staff.admin)
    assert [one.id for one in waiting] == [one.id for one in made] and {one.set_version_id for one in waiting} == {None}
    assert [(one.key, one.why) for one in made] == [("one", "from a.jsonl"), (made[1].key, "from a.jsonl")] and len(made[1].key) > 30
    cases = frozen(answers, staff)
    assert (cases["one"].input, cases["one"].slices, cases["one"].number, cases[made[1].key].number) == (
        {"subject_line": "Money", "messages": [{"role": "customer", "text": "One?"}]}, {"channel": "chat"}, 1, 2,
    )  # fmt: skip
    assert changes.waiting(answers.id, by=staff.rep) == []
    assert audit.newest(by=staff.admin, noun="eval_set")[1].sentence == "Added 2 cases to 'Answers', to be frozen."


def test_the_console_adds_cases_in_nobodys_name_and_takes_its_own_back(staff: Staff, answers: EvalSet) -> None:
    console = people.console()
    (made,) = add(answers, case(), by=console)
    assert made.by_person_id is None
    changes.take_back(made.id, by=console)
    (theirs,) = add(answers, case(), by=staff.rep)
    with pytest.raises(Denied):
        changes.take_back(theirs.id, by=console)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"graders": ()}, "judged: Say what a good answer must hold."),
    ({"graders": ("no such",)}, "judged: There is no grader named 'no such' here"),
    ({"expected": {"label": "Refund"}}, "judged: 'contains' needs to know which facts are said, and which never."),
    (
        {"expected": {"facts": {"must": ["30 days guaranteed"], "must_not": ["guaranteed"]}}},
        "judged: The fact '30 days guaranteed' must be said, and 'guaranteed' never: no reply can do both.",
    ),
    ({"expected": {"facts": {"must": ["x"]}, "length": {"most_words": 3, "least_words": 9}}}, "judged: At most 3 words and at least 9"),
    ({"expected": {"facts": {"must": ["x"]}, "mood": "good"}}, "kept: it expects 'mood', which no grader here knows."),
    ({"asked": "  "}, "kept: nobody says anything in it."),
    ({"asked": "a\0b"}, "kept: a text holds a NUL character"),
    ({"slices": {"channel": 7}}, "kept: slices"),
    ({"key": "k" * 201}, "kept: key"),
]


def test_one_that_cannot_be_judged_or_kept_keeps_all_of_them_out(staff: Staff, answers: EvalSet) -> None:
    frozen(answers, staff, case(key="kept"))
    for wrong, told in WRONG:
        with pytest.raises(Refused, match=r"^Not added: case 2 of 3 cannot be ") as refused:
            add(answers, case(), case(**wrong), case(), by=staff.rep)
        assert told in str(refused.value)
        with pytest.raises(Refused, match=r"^Not changed: the case c(annot|ould not) be ") as refused:
            changes.change(answers.id, "kept", case(**wrong), known=KNOWN, why="Better.", by=staff.lead)
        assert told in str(refused.value)
    assert changes.waiting(answers.id, by=staff.rep) == []
    assert len(add(answers, case(), case(), case(), by=staff.rep)) == 3  # the control


def test_a_message_that_is_none_is_no_case(staff: Staff, answers: EvalSet) -> None:
    for message in ({"role": "customer"}, {"role": "boss", "text": "Hello"}, {"text": "Hello"}):
        with pytest.raises(Refused, match=r"^Not added: the case cannot be kept: messages"):
            add(answers, NewCase((message,), {"facts": {"must": ["x"]}}, ("contains",)), by=staff.rep)


def test_a_key_names_one_case_of_a_set(staff: Staff, answers: EvalSet) -> None:
    with pytest.raises(Refused, match=r"^Not added: case 2 of 2 has the key 'one', which the set has already. Change that case, or"):
        add(answers, case(key="one"), case(key="one"), by=staff.rep)
    add(answers, case(key="one"), by=staff.rep)
    with pytest.raises(Refused, match="has the key 'one'"):
        add(answers, case(key="one"), by=staff.rep)
    frozen(answers, staff)
    with pytest.raises(Refused, match="has the key 'one'"):
        add(answers, case(key="one"), by=staff.rep)
    other = sets.create("Others", by=staff.lead, purpose="answer")
    assert len(add(other, case(key="one"), by=staff.rep)) == 1  # another set's is another case


def test_a_set_and_a_file_have_bounds(staff: Staff, answers: EvalSet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changes.MOST == 10_000
    monkeypatch.setattr(changes, "MOST", 5)
    for count, told in ((0, "there is no case"), (6, "at most 5 cases at once, these are 6")):
        with pytest.raises(Refused, match=rf"^Not added: {told}"):
            add(answers, *[case()] * count, by=staff.rep)
    frozen(answers, staff, case(), case())
    add(answers, case(), case(), by=staff.rep)
    with pytest.raises(Refused, match="'Answers' would have 6 cases, and a set has at most 5"):  # what waits counts too
        add(answers, case(), case(), by=staff.rep)
    assert len(add(answers, case(), by=staff.rep)) == 1
    with pytest.raises(Refused, match="there is no such eval set"):
        changes.add("no such", [case()], known=KNOWN, by=staff.rep)


CARD = "4111 1111 1111 1111"


def test_what_is_personal_in_a_case_is_masked_wherever_it_stands(staff: Staff, answers: EvalSet) -> None:
    personal = NewCase(
        ({"role": "customer", "text": f"My card is {CARD}.", "note": ["jo.doe@example.org"]}, {"role": "rep", "text": "Hello, Rita here."}),
        {"facts": {"must": ["jo.doe@example.org"]}, "tool_calls": [{"name": "refund", "arguments": {"card": CARD}}]},
        ("contains", "tool calls"), subject_line=f"Card {CARD}", slices={"segment": "jo.doe@example.org"}, key="jo.doe@example.org",
        why=f"Jo's card {CARD}",
    )  # fmt: skip
    (made,) = add(answers, personal, by=staff.rep)
    frozen(answers, staff)
    changes.change(answers.id, made.key, personal, known=KNOWN, why=f"Her card {CARD}.", by=staff.lead)
    frozen(answers, staff)
    with store.reading() as db:
        kept = [
            str(row)
            for table in ("case_change", "eval_case", "set_version", "audit_entry")
            for row in db.execute(text(f"SELECT * FROM {table}"))
        ]
    assert len(kept) >= 6 and not [row for row in kept if CARD in row or "jo.doe" in row]
    assert "‹CARD 1›" in str(made.case) and "‹EMAIL 1›" in str(made.case) and "Rita" in str(made.case)
    assert CARD in str(personal)  # the control: it was there


def test_a_change_and_its_reason_wait_for_the_freeze_and_leave_the_frozen_version_alone(staff: Staff, answers: EvalSet) -> None:
    before = frozen(answers, staff, case("One?", key="one"), case("Two?", key="two"))
    changes.change(answers.id, "one", case("One, better?"), known=KNOWN, why=" It was unclear. ", by=staff.lead)
    changes.retire(answers.id, "two", why="It is there twice.", by=staff.engineer)
    assert (
        audit.newest(by=staff.admin, noun="eval_set")[0].sentence
        == "Will take out a case of 'Answers' when it is frozen: It is there twice."
    )
    after = frozen(answers, staff)
    assert list(after) == ["one"] and after["one"].input["messages"][0]["text"] == "One, better?"
    assert sets.cases(before["one"].set_version_id)[0].input["messages"][0]["text"] == "One?"
    assert sets.versions(answers.id, by=staff.rep)[0].changelog == (
        "Leo changed case 1: It was unclear. Emil took out case 2: It is there twice. 1 case in all."
    )


def test_of_several_changes_of_one_case_the_last_counts(staff: Staff, answers: EvalSet) -> None:
    frozen(answers, staff, case("One?", key="one"), case("Two?", key="two"))
    changes.retire(answers.id, "one", why="Out.", by=staff.lead)
    changes.change(answers.id, "one", case("First?"), known=KNOWN, why="First.", by=staff.lead)
    changes.change(answers.id, "one", case("Second?"), known=KNOWN, why="Second.", by=staff.engineer)
    changes.change(answers.id, "two", case("Two, better?"), known=KNOWN, why="Better.", by=staff.lead)
    changes.retire(answers.id, "two", why="Out after all.", by=staff.lead)
    assert [(one.change, one.why) for one in changes.waiting(answers.id, by=staff.rep)] == [
        ("change", "Second."),
        ("retire", "Out after all."),
    ]
    after = frozen(answers, staff)
    assert {key: one.input["messages"][0]["text"] for key, one in after.items()} == {"one": "Second?"}


def test_only_a_case_of_the_newest_version_is_changed_and_a_reason_is_given(staff: Staff, answers: EvalSet) -> None:
    frozen(answers, staff, case(key="one"), case(key="two"))
    add(answers, case(key="waiting"), by=staff.rep)
    for key in ("no such", "waiting"):
        with pytest.raises(Refused, match=r"^Not changed: the newest version of 'Answers' has no such case"):
            changes.retire(answers.id, key, why="Out.", by=staff.lead)
    for why in ("", "  ", "x" * 501):
        with pytest.raises(Refused, match=r"^Not changed: say why in a sentence of up to 500 characters"):
            changes.retire(answers.id, "one", why=why, by=staff.lead)
    changes.retire(answers.id, "one", why="Out.", by=staff.lead)
    frozen(answers, staff)
    with pytest.raises(Refused, match="has no such case"):
        changes.change(answers.id, "one", case(), known=KNOWN, why="Back.", by=staff.lead)


def test_a_rep_adds_cases_and_neither_changes_nor_retires_them(staff: Staff, answers: EvalSet) -> None:
    frozen(answers, staff, case(key="one"))
    add(answers, case(), by=staff.rep)
    with pytest.raises(Denied, match="a rep may not change a case"):
        changes.change(answers.id, "one", case(), known=KNOWN, why="Better.", by=staff.rep)
    with pytest.raises(Denied, match="a rep may not change a case"):
        changes.retire(answers.id, "one", why="Out.", by=staff.rep)
    with pytest.raises(Denied, match="an admin may not add a case"):
        add(answers, case(), by=staff.admin)
    assert len(changes.waiting(answers.id, by=staff.admin)) == 1


def test_ones_own_is_taken_back_and_anothers_only_by_who_may_change_cases(staff: Staff, answers: EvalSet) -> None:
    mine, theirs, gone = add(answers, case(), case(), case(), by=staff.rep)
    (leads,) = add(answers, case(), by=staff.lead)
    with pytest.raises(Denied, match="a rep may not change a case"):
        changes.take_back(leads.id, by=staff.rep)
    changes.take_back(mine.id, by=staff.rep)
    changes.take_back(theirs.id, by=staff.engineer)
    with pytest.raises(Refused, match=r"^Not taken back: it does not wait any more"):
        changes.take_back(mine.id, by=staff.rep)
    assert {one.id for one in changes.waiting(answers.id, by=staff.rep)} == {gone.id, leads.id}
    frozen(answers, staff)
    with pytest.raises(Refused, match=r"^Not taken back: it is frozen already"):
        changes.take_back(gone.id, by=staff.rep)
    assert audit.broken() is None


def test_a_case_that_was_flagged_is_changed_like_any_other(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    before = {one.key: one for one in sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)}
    key = next(iter(before))
    better = NewCase(tuple(before[key].input["messages"]), {"label": "Invoice"}, ("exact label",), slices=before[key].slices)
    changes.change(eval_set.id, key, better, known=KNOWN, why="The invoice is meant.", by=staff.lead)
    after = frozen(eval_set, staff)
    assert after[key].expected == {"label": "Invoice"} != before[key].expected
    assert (after[key].example_id, after[key].customer_id, after[key].number) == (key, before[key].customer_id, before[key].number)


def test_ten_thousand_cases_of_a_file_are_added_at_once(staff: Staff, answers: EvalSet) -> None:
    count = 10_000 if SOAK else 1_000
    add(answers, *[case(f"Where is my parcel number {number}?") for number in range(count)], by=staff.rep, why="from large.jsonl")
    assert changes.waiting_count(answers.id) == count
