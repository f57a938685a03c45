"""Who says a word to whom, what stands in whose inbox, and who decides in whose place."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from classifiers import labels
from data import approvals, comments, deputies, examples, inbox, people, store, tokens
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Deputy, Person, Proposal
from data.values import now
from evals import sets
from tests.conftest import Staff
from tests.conversations import canonical


@pytest.fixture
def proposal(staff: Staff) -> Proposal:
    with store.writing() as db:
        return approvals.propose(db, "ship_classifier", "ship version 1", {}, why="x", evidence={}, authors=[], by=staff.rep)


def flagged(staff: Staff, team: str) -> str:
    """An example of a conversation of that team."""
    (made,) = door.receive([canonical(1, id=f"{team}'s", team=team)], by=people.console()).ids
    eval_set = sets.create("Everyday", by=staff.lead)
    return examples.flag(
        made, "weak", why="Look.", eval_set_id=eval_set.id, label_id=labels.add("Refund", by=staff.lead).id, by=staff.engineer
    ).id


def mentions(person: Person) -> list[str]:
    return [item.sentence for item in inbox.of(person) if item.kind == "mention"]


# Comments


def test_a_comment_is_read_by_everybody_who_sees_the_thing_oldest_first(staff: Staff, proposal: Proposal) -> None:
    for said, by in (("First.", staff.lead), ("Second.", staff.rep)):
        comments.write("proposal", proposal.id, said, by=by)
    for by in (staff.rep, staff.lead, staff.engineer, staff.admin):
        assert [comment.text for comment in comments.of("proposal", proposal.id, by=by)] == ["First.", "Second."]
    for outsider in (people.console(), tokens.narrowed(staff.lead, ["read", "label"])):
        with pytest.raises(Denied):
            comments.of("proposal", proposal.id, by=outsider)
        with pytest.raises(Denied):
            comments.write("proposal", proposal.id, "x", by=outsider)


def test_a_comment_on_another_teams_example_is_neither_written_nor_read(staff: Staff) -> None:
    example_id = flagged(staff, "Oak")
    comments.write("example", example_id, "Ours. @Olga, look", by=staff.lead)
    for act in (
        lambda: comments.write("example", example_id, "Theirs.", by=staff.other),
        lambda: comments.of("example", example_id, by=staff.other),
    ):
        with pytest.raises(Refused):
            act()
    assert [comment.text for comment in comments.of("example", example_id, by=staff.rep)] == ["Ours. @Olga, look"]
    assert mentions(staff.other) == []  # named, and may not see it


def test_a_question_about_another_teams_example_is_not_listed(staff: Staff) -> None:
    comments.write("example", flagged(staff, "Oak"), "Is this a refund?", by=staff.lead, asks_engineer=True)
    listed = {person.name: len(comments.open_questions(by=person)) for person in (staff.rep, staff.lead, staff.other, staff.engineer)}
    assert listed == {"Rita": 1, "Leo": 1, "Olga": 0, "Emil": 1}


def test_what_a_customer_told_is_masked_in_a_comment_too(staff: Staff, proposal: Proposal) -> None:
    comments.write("proposal", proposal.id, "The card was 4111 1111 1111 1111, @Leo.", by=staff.rep)
    (said,) = comments.of("proposal", proposal.id, by=staff.lead)
    assert "4111" not in said.text and "The card was" in said.text
    assert "4111" not in mentions(staff.lead)[0]


@pytest.mark.parametrize(("said", "long"), [("", 0), (" \n", 0), ("x" * 2001, 2001)])
def test_an_empty_or_endless_comment_is_refused_with_its_length(staff: Staff, proposal: Proposal, said: str, long: int) -> None:
    with pytest.raises(Refused, match=rf"this one has {long:,}\."):
        comments.write("proposal", proposal.id, said, by=staff.rep)


@pytest.mark.parametrize("noun", ["proposal", "version", "example", "person", "token", ""])
def test_what_is_not_there_has_no_comments(staff: Staff, noun: str) -> None:
    with pytest.raises(Refused, match="what this comment is about does not exist"):
        comments.write(noun, "nothing", "x", by=staff.engineer)


def test_who_is_named_finds_it_in_their_inbox(staff: Staff, proposal: Proposal) -> None:
    people.add("Leo Longname", "leo2@example.com", "lead", by=people.console())
    gone = people.add("Gus", "gus@example.com", "rep", by=staff.admin)
    people.disable(gone.id, by=staff.admin)
    named: list[tuple[str, list[str]]] = [
        ("Ask @Olga.", ["Olga"]), ("@olga @EMIL please", ["Olga", "Emil"]), ("rita@example.com", []), ("@Olgafoo", []), ("@Gus", []),
        ("@Leo Longname, look", ["Leo Longname"]), ("@", []), ("@Nobody", []), ("@Rita to myself", []), ("@Olga @Olga", ["Olga"]),
    ]  # fmt: skip
    everybody = people.everybody(by=staff.admin)
    for said, expected in named:
        before = {person.id: len(mentions(person)) for person in everybody}
        comments.write("proposal", proposal.id, said, by=staff.rep)
        told = [person.name for person in everybody if len(mentions(person)) > before[person.id]]
        assert sorted(told) == sorted(expected), said


def test_an_engineer_who_answers_closes_the_question(staff: Staff, proposal: Proposal) -> None:
    comments.write("proposal", proposal.id, "Why is it slow?", by=staff.rep, asks_engineer=True)
    assert mentions(staff.engineer) == ["Rita asks an engineer on the proposal to ship version 1: Why is it slow?"]
    comments.write("proposal", proposal.id, "I wonder too.", by=staff.lead)
    assert len(comments.open_questions(by=staff.engineer)) == 1
    comments.write("proposal", proposal.id, "It is not.", by=staff.engineer)
    assert comments.open_questions(by=staff.engineer) == []


# The inbox


def tell(person: Person, key: str, **more: object) -> None:
    with store.writing() as db:
        inbox.tell(db, person.id, "moved", f"About {key}.", page="review", key=key, **more)  # type: ignore[arg-type]


def test_the_same_news_is_told_once_to_each(staff: Staff) -> None:
    for _ in range(3):
        tell(staff.rep, "a")
        tell(staff.lead, "a")
    assert [len(inbox.of(person)) for person in (staff.rep, staff.lead, staff.other)] == [1, 1, 0]


def test_nobody_reads_or_ticks_off_anothers_inbox(staff: Staff) -> None:
    tell(staff.rep, "a")
    tell(staff.lead, "b")
    (item,) = inbox.of(staff.rep)
    inbox.mark_read([item.id], by=staff.lead)
    assert (inbox.unread(staff.rep), inbox.unread(staff.lead)) == (1, 1)
    inbox.mark_read([item.id], by=staff.rep)
    assert inbox.unread(staff.rep) == 0 and inbox.of(staff.rep, unread_only=True) == [] and len(inbox.of(staff.rep)) == 1


def test_the_newest_news_come_first_and_a_page_has_an_end(staff: Staff) -> None:
    for number in range(5):
        tell(staff.rep, str(number), at=now() + timedelta(minutes=number))
    assert [item.sentence for item in inbox.of(staff.rep, most=3)] == ["About 4.", "About 3.", "About 2."]


def test_what_is_to_be_mailed_is_unread_recent_and_of_people_who_work_here(staff: Staff) -> None:
    demo = people.add("Demo", "demo@example.com", "rep", by=staff.admin, demo=True)
    for person in (staff.rep, staff.lead, staff.other, demo):
        tell(person, "a")
    tell(staff.rep, "old", at=now() - timedelta(days=8))
    inbox.mark_read([item.id for item in inbox.of(staff.lead)], by=staff.lead)
    people.disable(staff.other.id, by=staff.admin)
    waiting = inbox.to_mail(since=now() - timedelta(days=7))
    assert {key: [item.sentence for item in items] for key, items in waiting.items()} == {staff.rep.id: ["About a."]}
    inbox.mark_mailed(waiting[staff.rep.id])
    assert inbox.to_mail(since=now() - timedelta(days=7)) == {} and inbox.unread(staff.rep) == 2  # mailed is not read


# Deputies


def stands_in(staff: Staff, deputy: Person, *, start: float = 0, end: float = 3, by: Person | None = None) -> Deputy:
    """Days from now."""
    days = (now() + timedelta(days=day) for day in (start, end))
    return deputies.name(deputy.id, starts_at=next(days), ends_at=next(days), by=by or staff.lead)


def test_a_deputy_decides_for_the_other_team_while_it_lasts(staff: Staff) -> None:
    made = stands_in(staff, staff.other, start=-1)
    moments = [now() + timedelta(days=day) for day in (-2, 0, 2.9, 3.1)]
    with store.reading() as db:
        assert [deputies.teams_of(db, staff.other, at=moment) for moment in moments] == [set(), {staff.oak.id}, {staff.oak.id}, set()]
        assert deputies.teams_of(db, staff.lead) == set()  # not the other way round
    assert [one.id for one in deputies.of(staff.lead)] == [made.id]
    assert inbox.of(staff.other)[0].sentence.startswith("You decide in the place of Leo until")


@pytest.mark.parametrize("change", [{"role": "rep"}, {"disabled_at": now()}])
def test_who_stands_in_for_somebody_without_the_role_gains_nothing(staff: Staff, change: dict[str, object]) -> None:
    stands_in(staff, staff.other)
    with store.writing() as db:
        found = db.get_one(Person, staff.lead.id)
        for name, value in change.items():
            setattr(found, name, value)
        db.add(found)
    with store.reading() as db:
        assert deputies.teams_of(db, staff.other) == set()


def refusals(staff: Staff) -> list[tuple[Callable[[], object], str]]:
    return [
        (lambda: stands_in(staff, staff.lead), "choose another person"),
        (lambda: stands_in(staff, staff.engineer), "Emil is an engineer. Only a lead can stand in for you"),
        (lambda: stands_in(staff, staff.rep), "Rita is a rep"),
        (lambda: stands_in(staff, staff.other, start=0, end=0), "choose days from today on"),
        (lambda: stands_in(staff, staff.other, start=2, end=1), "choose days from today on"),
        (lambda: stands_in(staff, staff.other, start=-3, end=-1), "choose days from today on"),
        (lambda: stands_in(staff, staff.other, end=61), "at most 60"),
        (lambda: stands_in(staff, staff.other, by=staff.rep), "a rep may not name"),
        (lambda: stands_in(staff, staff.other, by=tokens.narrowed(staff.lead, ["label"])), "this token is for label"),
    ]


def test_who_cannot_be_a_deputy_is_refused_in_words(staff: Staff) -> None:
    for act, told in refusals(staff):
        with pytest.raises(Refused, match=told):
            act()
    people.disable(staff.other.id, by=staff.admin)
    with pytest.raises(Refused, match="who is active"):
        stands_in(staff, staff.other)
    assert deputies.of(staff.lead) == []


def test_the_database_itself_lets_nobody_stand_in_for_themselves(staff: Staff) -> None:
    with pytest.raises(IntegrityError, match="deputy_is_another_person"), store.writing() as db:
        db.add(Deputy(person_id=staff.lead.id, deputy_id=staff.lead.id, starts_at=now(), ends_at=now() + timedelta(days=1)))


def test_only_who_named_a_deputy_ends_it(staff: Staff) -> None:
    made = stands_in(staff, staff.other)
    with pytest.raises(Refused, match="this deputy is not yours"):
        deputies.end(made.id, by=staff.other)
    deputies.end(made.id, by=staff.lead)
    with store.reading() as db:
        assert db.exec(select(Deputy)).all() == [] and deputies.teams_of(db, staff.other) == set()
