"""One version of a name is live, and going live is all or nothing."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from data import audit, releases, store
from data.errors import Refused
from data.tables import Release
from data.values import Target, now
from tests.conftest import Staff
from tests.test_data_store import at_once


def intent(number: int) -> Target:
    return Target("classifier", "intent", number)


def go_live(staff: Staff, target: Target) -> Release:
    with store.writing() as db:
        return releases.go_live(db, target, proposal_id=None, why_before_ends=f"followed by {target}", by=staff.lead)


def live_number(name: str = "intent") -> int | None:
    release = releases.live("classifier", name)
    return release.target_number if release else None


def test_what_goes_live_ends_what_was_live_before(staff: Staff) -> None:
    assert live_number() is None
    first, second = go_live(staff, intent(1)), go_live(staff, intent(2))
    assert live_number() == 2
    ended, live = releases.history("classifier", "intent")
    assert (ended.id, ended.stage, ended.ended_why, ended.ended_at) == (first.id, "ended", "followed by intent 2", second.started_at)
    assert (live.stage, live.previous_id, live.ended_at) == ("live", first.id, None)
    assert audit.newest(by=staff.admin)[0].sentence == "intent 2 is live."
    assert audit.newest(by=staff.admin)[0].after == {"before": 1}


def test_what_is_live_does_not_go_live_again(staff: Staff) -> None:
    go_live(staff, intent(1))
    with pytest.raises(Refused, match="Nothing changed: intent 1 is already live"):
        go_live(staff, intent(1))
    assert len(releases.history("classifier", "intent")) == 1


def test_names_go_live_beside_each_other(staff: Staff) -> None:
    go_live(staff, intent(3))
    go_live(staff, Target("classifier", "urgency", 1))
    assert (live_number(), live_number("urgency")) == (3, 1)
    with store.reading() as db:
        assert releases.anything_live(db, "classifier")
        assert not releases.anything_live(db, "article")


def row(staff: Staff, number: int, stage: str = "live") -> Release:
    return Release(**intent(number).columns(), stage=stage, started_at=now(), by_person_id=staff.lead.id)


def test_the_database_itself_refuses_a_second_live_one(staff: Staff) -> None:
    go_live(staff, intent(1))
    with pytest.raises(IntegrityError), store.writing() as db:
        db.add(row(staff, 2))
    with store.writing() as db:  # the control: an ended one beside it is fine
        db.add(row(staff, 2, "ended"))
    assert live_number() == 1


def test_of_those_who_go_live_at_once_exactly_one_is_live_in_the_end(staff: Staff) -> None:
    for number in range(5):
        done = at_once(*(lambda n=n: go_live(staff, intent(n)) for n in (10 * number + 1, 10 * number + 2, 10 * number + 3)))
        assert [isinstance(one, Release) for one in done] == [True] * 3
        with store.reading() as db:
            live = db.exec(select(Release).where(Release.stage == "live")).all()
        assert [release.target_number for release in live] == [live_number()]
        assert live_number() in {one.target_number for one in done}
    told = releases.history("classifier", "intent")
    assert len(told) == 15
    assert len({release.previous_id for release in told}) == 15  # each followed another


def test_of_two_who_make_the_same_one_live_at_once_one_is_refused(staff: Staff) -> None:
    done = at_once(*[lambda: go_live(staff, intent(1))] * 2)
    assert sorted(type(one).__name__ for one in done) == ["Refused", "Release"]


def test_what_fails_on_the_way_leaves_live_what_was_live(staff: Staff) -> None:
    go_live(staff, intent(1))
    with pytest.raises(Refused, match="no"), store.writing():
        go_live(staff, intent(2))
        assert live_number() == 2
        raise Refused("no")
    assert live_number() == 1
    assert [release.stage for release in releases.history("classifier", "intent")] == ["live"]


def test_what_was_live_once_is_known_to_have_been(staff: Staff) -> None:
    go_live(staff, intent(1))
    go_live(staff, intent(2))
    with store.reading() as db:
        assert [releases.once_live(db, intent(number)) for number in (1, 2, 3)] == [True, True, False]
