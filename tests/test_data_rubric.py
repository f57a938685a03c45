"""What reviews ask beside the verdict: on a sample, edited by leads, each number kept with what was answered to it."""

import pytest

from data import people, reviews, rubric, settings
from data.errors import Denied, Refused
from data.intake import door
from data.values import new_id
from tests.conftest import Staff
from tests.conversations import canonical

TWO = [("solved", "Was it solved?"), ("kind", "Was it kind?")]


def arrive(number: int = 1) -> str:
    return door.receive([canonical(number, team="Oak")], by=people.console()).ids[0]


def test_a_new_portal_asks_four_questions_on_a_fifth(staff: Staff) -> None:
    asked = rubric.current()
    assert ([item.name for item in asked.items], asked.share, asked.double, asked.number) == (
        ["solved", "polite", "clear", "consistent"], 0.2, 0.0, 0,
    )  # fmt: skip


def test_marks_are_kept_with_the_number_they_answer(staff: Staff) -> None:
    made = arrive()
    first = reviews.record(made, "strong", marks={"polite": "no"}, by=staff.rep)
    assert rubric.change(TWO, share=0.5, double=0, reviewers=2, by=staff.lead).number == 1
    second = reviews.record(made, "strong", marks={"kind": "unsure"}, by=staff.rep)
    none = reviews.record(made, "strong", by=staff.rep)
    assert [review.rubric for review in (first, second, none)] == [
        {"number": 0, "said": {"polite": "no"}}, {"number": 1, "said": {"kind": "unsure"}}, None,
    ]  # fmt: skip
    with pytest.raises(Refused, match="no longer ask for 'polite'"):
        reviews.record(made, "strong", marks={"polite": "no"}, by=staff.rep)
    with pytest.raises(Refused, match="yes, no or not sure"):
        reviews.record(made, "strong", marks={"kind": "maybe"}, by=staff.rep)


def test_every_change_is_kept_with_who_made_it(staff: Staff) -> None:
    rubric.change(TWO, share=0.5, double=0.1, reviewers=3, by=staff.lead)
    rubric.change([], share=0, double=0, reviewers=2, by=staff.other)
    assert [(row.number, row.by_person_id) for row in settings.history(rubric.NAME)] == [(2, staff.other.id), (1, staff.lead.id)]
    assert rubric.current().items == []


def test_only_leads_change_it(staff: Staff) -> None:
    for person in (staff.rep, staff.engineer, staff.admin):
        with pytest.raises(Denied):
            rubric.change(TWO, share=0.5, double=0, reviewers=2, by=person)


@pytest.mark.parametrize(("items", "more", "words"), [
    ([("a", "A?")] * 5, {}, "may ask 4 questions, these are 5"), ([("a", "A?"), ("A", "B?")], {}, "the same name"),
    ([("", "A?")], {}, "needs a name and words"), ([("a", "x" * 121)], {}, "1 to 120 characters"),
    (TWO, {"share": 1.2}, "between 0 and 100 %"), (TWO, {"double": -0.1}, "between 0 and 100 %"), (TWO, {"reviewers": 1}, "2 to 5 people"),
])  # fmt: skip
def test_what_nobody_could_answer_is_refused(staff: Staff, items: list[tuple[str, str]], more: dict[str, float], words: str) -> None:
    with pytest.raises(Refused, match=words):
        rubric.change(items, **({"share": 0.2, "double": 0.1, "reviewers": 2} | more), by=staff.lead)  # type: ignore[arg-type]
    assert rubric.current().number == 0


def test_the_sample_is_a_fifth_and_the_same_for_everybody() -> None:
    asked = rubric.Rubric(share=0.2, double=0.1)
    ids = [new_id() for _ in range(5000)]
    drawn = [asked.asks(made) for made in ids]
    assert 0.17 < sum(drawn) / 5000 < 0.23 and drawn == [asked.asks(made) for made in ids]
    doubled = [asked.doubles(made) for made in ids]
    assert 0.08 < sum(doubled) / 5000 < 0.12
    both = sum(a and b for a, b in zip(drawn, doubled, strict=True)) / 5000
    assert 0.01 < both < 0.03  # one sample says nothing of the other
    assert {asked.wants(made) for made in ids} == {1, 2}
    assert not any(rubric.Rubric(share=0).asks(made) for made in ids) and rubric.Rubric(share=0.2).asks("no id of ours") in (True, False)
