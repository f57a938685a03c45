"""Notes on the timeline on both engines: who writes for whom, who reads what, and what no note may hold."""

from datetime import UTC, datetime, timedelta

import pytest

from classifiers import labels
from data import audit, notes, people
from data.errors import Denied, Refused
from data.tables import Person
from data.trends import Slice
from data.values import now
from tests.conftest import Staff

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def read(by: Person) -> list[str]:
    return [one.text for one in notes.between(NOON - DAY, NOON + DAY, by=by)]


def test_who_writes_for_everybody_is_read_by_everybody_and_a_lead_by_the_own_team(staff: Staff) -> None:
    notes.write("The form is broken.", by=staff.engineer, kind=notes.INCIDENT, happened_at=NOON)
    notes.write("We are two people fewer.", by=staff.lead, happened_at=NOON + timedelta(hours=1))
    everything = ["The form is broken.", "We are two people fewer."]
    assert read(staff.rep) == read(staff.lead) == read(staff.engineer) == everything
    assert read(staff.other) == everything[:1]


def test_a_lead_writes_for_no_other_team_and_a_rep_writes_nothing(staff: Staff) -> None:
    with pytest.raises(Denied, match="another team"):
        notes.write("They are slow.", by=staff.lead, of=Slice(team_id=staff.fern.id))
    with pytest.raises(Denied, match="may not write a note"):
        notes.write("It is slow.", by=staff.rep)
    assert notes.between(NOON - DAY, now() + DAY, by=staff.engineer) == []


def test_a_lead_of_no_team_writes_for_nobody_and_takes_nothing_back(staff: Staff) -> None:
    made = notes.write("The form is broken.", by=staff.engineer, happened_at=NOON)
    loose = people.move(staff.lead.id, None, by=staff.admin)
    with pytest.raises(Refused, match="you are in none"):
        notes.write("It is slow.", by=loose)
    with pytest.raises(Refused, match="no such note"):
        notes.take_back(made.id, by=loose)
    assert read(loose) == ["The form is broken."]


def test_days_end_where_they_end_and_the_oldest_comes_first(staff: Staff) -> None:
    for told, at in (("later", NOON + timedelta(minutes=1)), ("first", NOON - DAY), ("too late", NOON + DAY), ("before", NOON - 2 * DAY)):
        notes.write(told, by=staff.engineer, happened_at=at)
    assert read(staff.engineer) == ["first", "later"]


def test_what_was_taken_back_is_gone_from_the_timeline_and_stays_in_the_audit(staff: Staff) -> None:
    made = notes.write("A mistake.", by=staff.lead, happened_at=NOON)
    with pytest.raises(Refused, match="no such note"):
        notes.take_back(made.id, by=staff.other)
    notes.take_back(made.id, by=staff.lead)
    assert read(staff.lead) == []
    assert notes.take_back(made.id, by=staff.engineer).taken_back_at is not None  # once more changes nothing
    said = [entry.sentence for entry in audit.newest(by=staff.admin, noun="note")]
    assert sorted(said) == ["Took a note off the timeline: A mistake.", "Wrote on the timeline: A mistake."]


def test_personal_data_does_not_get_onto_the_timeline(staff: Staff) -> None:
    made = notes.write("mara.lindt@example.org  wrote\ntwice", by=staff.lead, happened_at=NOON)
    assert "example.org" not in made.text and made.text.endswith("wrote twice")


@pytest.mark.parametrize(
    ("text", "how", "told"),
    [
        (" ", {}, "1 to 300 characters"), ("x" * 301, {}, "has 301"), ("Well", {"kind": "party"}, "no kind 'party'"),
        ("Soon", {"happened_at": now() + 3 * DAY}, "has not come yet"), ("One", {"of": Slice(intent="nothing")}, "no such intent"),
        ("Of some", {"of": Slice(segment="vip")}, "a channel, an intent, a team"),
        ("There", {"page": "https://example.org"}, "a page of the portal"), ("There", {"page": "//example.org/x"}, "a page of the portal"),
        ("There", {"page": "javascript:alert(1)"}, "a page of the portal"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(staff: Staff, text: str, how: dict[str, object], told: str) -> None:
    with pytest.raises(Refused, match=told):
        notes.write(text, by=staff.engineer, **how)  # type: ignore[arg-type]


def test_it_says_what_it_is_about(staff: Staff) -> None:
    label = labels.add("Refund", by=staff.lead)
    of = Slice(channel="chat", intent=label.id)
    made = notes.write("The article was wrong.", by=people.console(), kind=notes.INCIDENT, of=of, page="knowledge?article=refunds")
    assert (made.channel, made.intent_id, made.page, made.team_id) == ("chat", label.id, "knowledge?article=refunds", None)
    assert notes.told(made) == "Incident: The article was wrong."
