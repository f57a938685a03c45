"""Tickets open once for one person; doors that are tried too often stay shut longer each time, also after a restart."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlmodel import func, select

from data import nightly, sealing, store, tickets, tries
from data.errors import Refused
from data.tables import Person, Ticket, Tries
from data.values import now
from tests.conftest import SOAK, Staff
from tests.test_data_store import at_once

DAY = 24 * 3600.0
START = 1_800_000_000.0


def issued(person: Person, *, purpose: str = "download", at: object = None) -> str:
    with store.writing() as db:
        return tickets.issue(db, purpose, person.id, {"key": "k", "name": "n"}, by=person, at=at)  # type: ignore[arg-type]


def redeem(ticket: str, purpose: str = "download", by: Person | None = None) -> Ticket:
    with store.writing() as db:
        return tickets.redeem(db, ticket, purpose, by=by)


# Tickets


def test_a_ticket_opens_once_for_the_person_it_was_made_for(staff: Staff) -> None:
    ticket = issued(staff.rep)
    for wrong, purpose, by in (
        (ticket, "download", staff.lead), (ticket, "welcome", staff.rep),
        (ticket + "x", "download", staff.rep), ("", "download", staff.rep),
        (sealing.sha(ticket), "download", staff.rep),
    ):  # fmt: skip
        with pytest.raises(Refused, match="This link opens nothing"):
            redeem(wrong, purpose, by)
    assert redeem(ticket, by=staff.rep).names == {"key": "k", "name": "n"}  # the wrong tries did not use it up
    with pytest.raises(Refused, match="it was used already"):
        redeem(ticket, by=staff.rep)


@pytest.mark.parametrize(("purpose", "lasts"), list(tickets.LASTS.items()))
def test_a_ticket_ends_by_itself(staff: Staff, purpose: str, lasts: timedelta) -> None:
    over = issued(staff.rep, purpose=purpose, at=now() - lasts - timedelta(seconds=1))
    almost = issued(staff.rep, purpose=purpose, at=now() - lasts + timedelta(minutes=1))
    assert tickets.look(over, purpose) is None and tickets.look(almost, purpose) is not None
    with pytest.raises(Refused, match="is too old"):
        redeem(over, purpose, staff.rep)
    redeem(almost, purpose, staff.rep)
    assert tickets.look(almost, purpose) is None


def test_of_many_who_redeem_it_at_once_one_does(staff: Staff) -> None:
    for _ in range(100 if SOAK else 10):
        ticket = issued(staff.rep)
        done = at_once(*[lambda ticket=ticket: redeem(ticket, by=staff.rep)] * 4)
        assert sorted(type(one).__name__ for one in done) == ["Refused", "Refused", "Refused", "Ticket"]


def test_without_compare_and_set_a_ticket_opens_twice(staff: Staff) -> None:
    """The control: look, then mark it, as it is usually written."""
    ticket, both_looked = issued(staff.rep), threading.Barrier(2)

    def naive(_number: int) -> bool:
        found = tickets.look(ticket, "download")
        both_looked.wait()
        with store.writing() as db:
            db.get_one(Ticket, found.id).used_at = now()  # type: ignore[union-attr]
        return found is not None

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(naive, range(2))) == [True, True]


def test_a_ticket_whose_use_came_to_nothing_can_be_used_again(staff: Staff) -> None:
    ticket = issued(staff.rep)
    with pytest.raises(ZeroDivisionError), store.writing() as db:
        tickets.redeem(db, ticket, "download", by=staff.rep)
        raise ZeroDivisionError
    assert redeem(ticket, by=staff.rep)


def test_the_ticket_itself_is_kept_nowhere(staff: Staff) -> None:
    ticket = issued(staff.rep)
    with store.reading() as db:
        kept = str(db.execute(text("SELECT * FROM ticket")).all())
    assert sealing.sha(ticket) in kept and ticket not in kept


# Tries


def tried(door: str, moments: range) -> int:
    """Somebody who knocks at every one of these seconds: how often they were let through."""
    return sum(tries.begin(door, clock=START + second) == 0 for second in moments)


@pytest.mark.usefixtures("home")
def test_each_try_makes_the_next_wait_longer() -> None:
    moments = [START]
    for _ in range(16):
        while (wait := tries.begin("account a", clock=moments[-1])) > 0:
            moments[-1] += wait
        moments.append(moments[-1])
    waits = [later - sooner for sooner, later in pairwise(moments[:-1])]
    assert waits[: tries.FREE - 1] == [0.0] * (tries.FREE - 1) and waits[tries.FREE - 1] > 0  # anybody mistypes once or twice
    assert all(later == 2 * sooner for sooner, later in pairwise(waits[tries.FREE - 1 : 12]))
    assert waits[-1] == tries.LONGEST_WAIT == max(waits)


@pytest.mark.usefixtures("home")
def test_both_doors_must_be_open_and_waiting_counts_as_no_try() -> None:
    for _ in range(tries.FREE):
        tries.begin("account a", "address 1", clock=START)
    assert tries.begin("account a", "address 2", clock=START) > 0  # the account waits wherever the next try comes from
    assert tries.begin("account b", "address 1", clock=START) > 0  # the address waits with whatever account it tries next
    assert tries.begin("account b", "address 2", clock=START) == 0  # nobody else waits
    with store.reading() as db:
        assert sorted(db.exec(select(Tries.count)).all()) == [1, 1, tries.FREE, tries.FREE]


@pytest.mark.usefixtures("home")
def test_a_right_one_clears_what_was_counted_and_nothing_else() -> None:
    for _ in range(tries.FREE):
        tries.begin("account a", "address 1", clock=START)
    tries.forgive("account a", "nothing")
    assert tries.begin("account a", "address 2", clock=START) == 0 < tries.begin("account c", "address 1", clock=START)


@pytest.mark.usefixtures("home")
def test_who_has_an_account_of_their_own_does_not_wipe_away_their_guesses_at_others() -> None:
    moment = START
    for victim in range(20):  # one guess at somebody, one right sign-in of one's own, from the same address
        for account in (f"account {victim}", "account mine"):
            while wait := tries.begin(account, "address 1", clock=moment):
                moment += wait
        tries.forgive("account mine", "address 1", clock=moment)
    assert moment - START > 3_600  # the address waits longer and longer all the same


@pytest.mark.usefixtures("home")
def test_ten_thousand_guesses_in_a_day_are_not_a_hundred_tries() -> None:
    step = 9 if SOAK else 90
    let_through = tried("account a", range(0, int(DAY), step))
    print(f"{DAY / step:,.0f} guesses in a day: {let_through} were looked at")
    assert 10 < let_through <= 100


@pytest.mark.usefixtures("home")
def test_whoever_knocks_exactly_when_the_wait_is_over_gets_no_more_than_a_hundred_tries_a_day() -> None:
    """The best that a guesser can do, on each of three days."""
    moment, let_through = START, []
    while moment < START + 3 * DAY:
        wait = tries.begin("account a", clock=moment)
        if wait == 0:
            let_through.append(moment)
        moment += max(wait, 0.001)
    days = [sum(day <= made < day + DAY for made in let_through) for day in (START, START + DAY, START + 2 * DAY)]
    print(f"tries let through on three days: {days}")
    assert max(days) <= 100


@pytest.mark.usefixtures("home")
def test_without_the_delay_every_guess_is_looked_at() -> None:
    """The control: each guess at another door, which is what no count by account and address would mean."""
    assert sum(tries.begin(f"door {number}", clock=START) == 0 for number in range(150)) == 150


@pytest.mark.usefixtures("home")
def test_guesses_at_the_same_instant_are_not_all_let_through() -> None:
    done = at_once(*[lambda: tries.begin("account a", clock=START)] * 20)
    assert sum(wait == 0 for wait in done) == tries.FREE


@pytest.mark.usefixtures("home")
def test_a_restart_forgives_nobody_and_a_quiet_day_does() -> None:
    tried("account a", range(0, 3600, 60))
    store.close()  # what a restart leaves: the database
    assert tries.begin("account a", clock=START + 3600) > 0
    later = START + 3600 + tries.LONGEST_WAIT + tries.FORGIVEN_AFTER + 1
    assert [tries.begin("account a", clock=later) for _ in range(tries.FREE)] == [0] * tries.FREE


@pytest.mark.usefixtures("home")
def test_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_the_longest_wait() -> None:
    for _ in range(tries.FREE):
        tries.begin("account a", clock=START)
    assert tries.begin("account a", clock=START - 10 * DAY) == tries.LONGEST_WAIT


@pytest.mark.usefixtures("home")
def test_what_was_tried_long_ago_is_forgotten_at_night_and_names_nobody() -> None:
    tries.begin("account zoë@example.com", clock=1.0)
    tries.begin("account new")
    with store.reading() as db:
        assert "zoë" not in str(db.execute(text("SELECT * FROM tries")).all())
    nightly.tidy()
    with store.reading() as db:
        assert db.exec(select(func.count()).select_from(Tries)).one() == 1
