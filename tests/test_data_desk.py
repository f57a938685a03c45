"""What is done to a conversation at the desk: once, within bounds, and with its entry in the record."""

from typing import Any

import pytest

from data import audit, conversations, desk, store
from data.errors import Refused
from data.intake import door
from data.tables import Conversation
from tests.conftest import Staff
from tests.conversations import canonical


@pytest.fixture
def made(staff: Staff) -> str:
    return door.receive([canonical(1, team="Oak", tags=["old"])], by=staff.engineer, classify=False).ids[0]


def at_desk(staff: Staff, act: Any, *told: Any) -> None:
    with store.writing() as db:
        act(db, *told, by=staff.rep)


def row(made: str) -> Conversation:
    with store.reading() as db:
        return db.get_one(Conversation, made, populate_existing=True)


def test_a_tag_is_put_on_once_and_found_by(staff: Staff, made: str) -> None:
    for _ in range(2):
        at_desk(staff, desk.tag, made, "late parcel")
    assert row(made).tags == ["old", "late parcel"]
    (entry,) = audit.newest(by=staff.admin, noun="conversation")
    assert (entry.verb, entry.before, entry.after) == ("tagged", {"tags": ["old"]}, {"tags": ["old", "late parcel"]})

    def found(words: str) -> list[str]:
        return [one.id for one in conversations.listed(conversations.Filter(words=words), by=staff.rep)]

    assert found('tag:"late parcel"') == found("tag:old") == [made] and found("tag:early") == []


def test_a_team_is_one_that_there_is(staff: Staff, made: str) -> None:
    at_desk(staff, desk.route, made, "Fern")
    assert row(made).team_id == staff.fern.id and conversations.get(made, by=staff.rep) is None
    with pytest.raises(Refused, match=r"no team 'Elm'\. There are: Fern, Oak\."):
        at_desk(staff, desk.route, made, "Elm")


def test_a_field_that_lists_know_is_theirs_and_any_other_is_kept_beside(staff: Staff, made: str) -> None:
    for field, value in (("status", "closed"), ("assignee", "Rita"), ("priority", "high"), ("priority", 2)):
        at_desk(staff, desk.set_field, made, field, value)
    found = row(made)
    assert (found.status, found.assignee, found.extra["priority"]) == ("closed", "Rita", 2)
    with pytest.raises(Refused, match="a status is one of open"):
        at_desk(staff, desk.set_field, made, "status", "gone")


def test_there_is_an_end_to_tags_and_fields(staff: Staff, made: str) -> None:
    for number in range(desk.MOST_TAGS - 1):
        at_desk(staff, desk.tag, made, f"tag {number}")
    with pytest.raises(Refused, match="50 tags already"):
        at_desk(staff, desk.tag, made, "one more")
    with pytest.raises(Refused, match="1 to 100 characters"):
        at_desk(staff, desk.tag, made, "x" * 101)
    with pytest.raises(Refused, match="not here"):
        at_desk(staff, desk.tag, "none", "late")
