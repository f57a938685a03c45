"""Notes between a lead and somebody of the team, on both engines: the two read them, and nobody else, whatever their role."""

import pytest

from data import audit, coaching_notes, inbox, people, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import CoachingNote, Person
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int = 1, team: str = "Oak") -> str:
    return door.receive([canonical(number, team=team)], by=people.console(), classify=False).ids[0]


@pytest.fixture
def second(staff: Staff) -> Person:
    """Another lead of the same team."""
    return people.add("Lina", "lina@example.com", "lead", by=people.console(), team=staff.oak)


def texts(by: Person) -> list[str]:
    return [one.text for one in coaching_notes.of(by=by)]


def test_the_two_read_a_note_and_nobody_else(staff: Staff, second: Person) -> None:
    note = coaching_notes.write(staff.rep.id, "Say first what happens next.", by=staff.lead, conversation_ids=[arrive()])
    assert texts(staff.rep) == texts(staff.lead) == ["Say first what happens next."]
    for other in (second, staff.other, staff.engineer):
        assert texts(other) == []
        with pytest.raises(Denied, match="no such note"):
            coaching_notes.answer(note.id, "I see it too.", by=other)
        with pytest.raises(Denied, match="no such note"):
            coaching_notes.take_back(note.id, by=other)
    for nobody in (staff.admin, people.console()):
        with pytest.raises(Denied):
            coaching_notes.of(by=nobody)


def test_the_record_says_that_it_was_written_and_not_what(staff: Staff) -> None:
    coaching_notes.write(staff.rep.id, "Say first what happens next.", by=staff.lead)
    told = [entry for entry in audit.newest(by=staff.admin) if entry.noun == "coaching note"]
    assert [(entry.verb, entry.sentence) for entry in told] == [("wrote", "Wrote a note to one colleague.")]
    assert "happens next" not in repr([entry.model_dump() for entry in told])
    assert [(item.page, "happens next" in item.sentence) for item in inbox.of(staff.rep)] == [("my_work?part=Notes", False)]


def test_either_goes_on_and_the_other_is_told(staff: Staff) -> None:
    note = coaching_notes.write(staff.rep.id, "Say first what happens next.", by=staff.lead, criterion="Was it clear?")
    reply = coaching_notes.answer(note.id, "I will.", by=staff.rep)
    assert (reply.person_id, reply.lead_id, reply.by_person_id, reply.criterion) == (
        staff.rep.id, staff.lead.id, staff.rep.id, "Was it clear?",
    )  # fmt: skip
    assert texts(staff.lead) == ["I will.", "Say first what happens next."]
    assert "Rita answered your note." in [item.sentence for item in inbox.of(staff.lead)]
    assert coaching_notes.of(by=staff.lead, with_id=staff.other.id) == []


def test_who_wrote_it_takes_it_back_and_its_words_are_gone(staff: Staff) -> None:
    note = coaching_notes.write(staff.rep.id, "Too harsh.", by=staff.lead)
    with pytest.raises(Refused, match="the other one wrote it"):
        coaching_notes.take_back(note.id, by=staff.rep)
    coaching_notes.take_back(note.id, by=staff.lead)
    assert texts(staff.rep) == texts(staff.lead) == []
    with store.reading() as db:
        assert db.get_one(CoachingNote, note.id, populate_existing=True).text == ""
    with pytest.raises(Denied, match="no such note"):
        coaching_notes.take_back(note.id, by=staff.lead)


def test_a_lead_writes_to_their_own_team_of_what_both_may_read(staff: Staff) -> None:
    fern = arrive(2, "Fern")
    with pytest.raises(Denied):
        coaching_notes.write(staff.rep.id, "Hello.", by=staff.other)
    with pytest.raises(Denied):
        coaching_notes.write("nobody", "Hello.", by=staff.rep)
    with pytest.raises(Denied, match="no such person"):
        coaching_notes.write("nobody", "Hello.", by=staff.lead)
    with pytest.raises(Refused, match="for somebody else"):
        coaching_notes.write(staff.lead.id, "Hello.", by=staff.lead)
    with pytest.raises(Refused, match="another team"):
        coaching_notes.write(staff.rep.id, "Hello.", by=staff.lead, conversation_ids=[fern])
    with pytest.raises(Refused, match="at most 10 conversations"):
        coaching_notes.write(staff.rep.id, "Hello.", by=staff.lead, conversation_ids=[fern] * 11)
    for text in ("", " ", "x" * 4001):
        with pytest.raises(Refused, match="1 to 4,000 characters"):
            coaching_notes.write(staff.rep.id, text, by=staff.lead)
    assert texts(staff.rep) == []


def test_personal_data_in_a_note_is_masked(staff: Staff) -> None:
    coaching_notes.write(staff.rep.id, "You read out 4111 1111 1111 1111.", by=staff.lead)
    assert "4111" not in texts(staff.rep)[0]
