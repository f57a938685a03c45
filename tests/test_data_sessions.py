"""Sign-ins as their owner sees them: which run, from where, and that ending one ends it everywhere."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from data import audit, people, sessions, store, tokens
from data.errors import Denied, Refused
from data.tables import Person, Session
from data.values import now
from tests.conftest import Staff

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def started(person: Person, **how: str) -> Session:
    found = sessions.of_cookie(sessions.start(person, **how))
    assert found is not None
    return found


def test_a_sign_in_says_where_it_came_from_and_how(staff: Staff) -> None:
    made = started(staff.rep, address="10.1.2.3", browser=FIREFOX, how="company")
    assert (made.address, made.browser, made.how) == ("10.1.2.3", "Firefox on Linux", "company")


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari on Mac"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", ""),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_a_browser_is_called_what_its_owner_calls_it(agent: str, told: str) -> None:
    assert sessions.browser_in_words(agent) == told


def test_a_person_sees_their_own_sign_ins_and_an_admin_everybodys(staff: Staff) -> None:
    mine, also_mine, other = started(staff.rep), started(staff.rep), started(staff.lead)
    sessions.start(staff.rep, at=now() - sessions.LASTS - timedelta(minutes=1))  # ended by itself
    assert [session.id for session, _ in sessions.running(by=staff.rep)] == [also_mine.id, mine.id]
    assert {session.id for session, _ in sessions.running(by=staff.admin)} == {mine.id, also_mine.id, other.id}
    with pytest.raises(Denied, match="this token is for read"):
        sessions.running(by=tokens.narrowed(staff.rep, ["read"]))


def test_ending_one_of_ones_own_ends_that_one_at_once(staff: Staff) -> None:
    lost, kept = started(staff.rep, browser=FIREFOX), started(staff.rep)
    sessions.revoke(lost.id, by=staff.rep)
    assert sessions.person_of(lost.id) is None and sessions.person_of(kept.id) == staff.rep
    assert audit.newest(by=staff.admin)[0].sentence == "Ended the sign-in of Rita on Firefox on Linux."
    with pytest.raises(Refused, match="It may have ended already"):
        sessions.revoke(lost.id, by=staff.rep)


def test_nobody_but_an_admin_ends_anothers(staff: Staff) -> None:
    theirs = started(staff.rep)
    for by in (staff.lead, staff.engineer):
        with pytest.raises(Refused, match="no such sign-in of yours"):
            sessions.revoke(theirs.id, by=by)
        with pytest.raises(Refused, match="only an admin ends somebody else's"):
            sessions.revoke_all(staff.rep.id, by=by)
    for by in (tokens.narrowed(staff.admin, ["read"]), people.console()):
        with pytest.raises(Denied):
            sessions.revoke_all(staff.rep.id, by=by)
    assert sessions.person_of(theirs.id) == staff.rep
    assert sessions.revoke_all(staff.rep.id, by=staff.admin) == 1
    assert sessions.person_of(theirs.id) is None


def test_ending_all_of_ones_own_leaves_the_others_alone(staff: Staff) -> None:
    mine, other = [started(staff.rep) for _ in range(3)], started(staff.lead)
    assert sessions.revoke_all(staff.rep.id, by=staff.rep) == 3
    assert [sessions.person_of(session.id) for session in mine] == [None] * 3
    assert sessions.person_of(other.id) == staff.lead


def test_a_sign_of_life_is_written_now_and_then_and_prolongs_nothing(staff: Staff) -> None:
    cookie = sessions.start(staff.rep)
    first = sessions.of_cookie(cookie)
    assert first is not None
    with store.writing() as db:
        db.execute(update(Session).where(col(Session.id) == first.id).values(seen_at=now() - timedelta(minutes=11)))
    sessions.of_cookie(cookie)
    seen = [session.seen_at for session, _ in sessions.running(by=staff.rep)]
    assert seen[0] is not None and now() - seen[0] < timedelta(minutes=1)
    sessions.of_cookie(cookie)
    (again,) = [session for session, _ in sessions.running(by=staff.rep)]
    assert (again.seen_at, again.ends_at) == (seen[0], first.ends_at)  # not at every look
