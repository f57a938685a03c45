"""What was replaced at the door is shown by right, with a reason, on the record, thirty a day, and for thirty days."""

import json
import logging
from datetime import timedelta

import pytest
from sqlmodel import col, func, select

from data import audit, people, sealing, store
from data.errors import Denied, Refused
from data.intake import door, seals
from data.intake.cleaning import SEALED
from data.tables import AuditEntry, Person, Seal
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_data_conversations import hide
from tests.test_data_intake import everything
from tests.test_data_store import at_once

CARD, ADDRESS = "4111111111111111", "jo.doe@example.org"
WHY = "The refund goes to the wrong card."


def arrive(said: str = f"Card {CARD}, mail {ADDRESS}", *, number: int = 1, **fields: object) -> str:
    made = canonical(number, messages=[{"role": "customer", "text": said}], **fields)
    return door.receive([made], by=people.console()).ids[0]


@pytest.fixture
def made(staff: Staff) -> str:
    return arrive(team="Oak")


def reveal(made: str, by: Person, kind: str = "card", number: int = 1, why: str = WHY, **more: object) -> str:
    return seals.reveal(made, kind, number, why=why, by=by, **more)  # type: ignore[arg-type]


def reveals() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(AuditEntry.verb == "revealed")).one()


def test_who_may_sees_what_was_there_and_stands_in_the_record(staff: Staff, made: str) -> None:
    assert [(seal.kind, seal.number) for seal in seals.sealed_in(made, by=staff.rep)] == [("card", 1), ("email", 1)]
    assert (reveal(made, staff.rep), reveal(made, staff.lead, "email")) == (CARD, ADDRESS)
    told = audit.newest(by=staff.engineer)[:2]
    assert [entry.sentence for entry in told] == [
        f"Revealed ‹EMAIL 1› of a conversation: {WHY}", f"Revealed ‹CARD 1› of a conversation: {WHY}",
    ]  # fmt: skip
    assert [(entry.by_person_id, entry.noun_id) for entry in told] == [(staff.lead.id, made), (staff.rep.id, made)]


def test_neither_engineer_nor_admin_nor_another_team_sees_it(staff: Staff, made: str, caplog: pytest.LogCaptureFixture) -> None:
    for by in (staff.engineer, staff.admin, staff.other, people.console()):
        with pytest.raises(Denied):
            reveal(made, by)
    assert seals.sealed_in(made, by=staff.other) == []
    people.disable(staff.rep.id, by=staff.admin)
    gone = people.get(staff.rep.id)
    assert gone is not None
    with pytest.raises(Denied, match="disabled"):
        reveal(made, gone)
    assert reveals() == 0
    assert CARD not in caplog.text and "tried personal_data.reveal" in caplog.text
    assert reveal(made, staff.lead) == CARD  # the control


def test_what_belongs_to_no_team_is_seen_by_every_rep_and_what_is_hidden_by_nobody(staff: Staff) -> None:
    open_one = arrive()
    assert reveal(open_one, staff.rep) == reveal(open_one, staff.other) == CARD
    hide(open_one)
    with pytest.raises(Denied, match="there is no such conversation"):
        reveal(open_one, staff.rep)
    assert seals.sealed_in(open_one, by=staff.rep) == []


@pytest.mark.parametrize("why", ["", "   ", "because", " \n short \t "])
def test_a_reason_is_needed(staff: Staff, made: str, why: str) -> None:
    with pytest.raises(Refused, match=r"^Not revealed: say in a few words what you need it for\."):
        reveal(made, staff.rep, why=why)
    assert reveals() == 0


def test_what_was_never_replaced_cannot_be_revealed(staff: Staff, made: str) -> None:
    for kind, number in (("card", 2), ("iban", 1), ("", 0), ("card' OR 1=1 --", 1)):
        with pytest.raises(Refused, match=r"^Not revealed: nothing was replaced there\.$"):
            reveal(made, staff.rep, kind, number)


def test_the_record_and_the_log_never_hold_the_value_also_where_the_reason_does(staff: Staff, caplog: pytest.LogCaptureFixture) -> None:
    """Also a name that no rule knows: the help desk said it."""
    caplog.set_level(logging.DEBUG)
    made = arrive("Here is Xanthippe Quux again", team="Oak", customer_names=["Xanthippe Quux"])
    assert reveal(made, staff.rep, "name", why="Is it really xanthippe quux? Her card is 4111-1111-1111-1111.") == "Xanthippe Quux"
    told = audit.newest(by=staff.engineer)[0].sentence
    assert told == "Revealed ‹NAME 1› of a conversation: Is it really ‹NAME 1›? Her card is ‹CARD 1›."
    assert "quux" not in (everything() + caplog.text).lower() and "1111-1111" not in everything() + caplog.text


def test_thirty_a_day_are_the_most_each_person_their_own(staff: Staff, made: str) -> None:
    began = now() - timedelta(days=1, hours=1)
    for count in range(seals.MOST_A_DAY):
        reveal(made, staff.rep, at=began + timedelta(seconds=count))
    with pytest.raises(Refused, match=r"^Not revealed: 30 originals a day are the most one person may look at\."):
        reveal(made, staff.rep, at=began + timedelta(hours=23))
    assert reveal(made, staff.lead, at=began + timedelta(hours=23)) == CARD
    assert reveal(made, staff.rep, at=began + timedelta(hours=25)) == CARD  # the day is over
    assert reveals() == 32


def test_two_at_once_do_not_both_get_the_last_of_the_day(staff: Staff, made: str) -> None:
    for _ in range(seals.MOST_A_DAY - 1):
        reveal(made, staff.rep)
    came = at_once(*[lambda: reveal(made, staff.rep)] * 4)
    assert sorted(isinstance(one, Refused) for one in came) == [False, True, True, True]
    assert reveals() == seals.MOST_A_DAY


def test_after_thirty_days_it_is_gone_and_its_number_stays(staff: Staff, made: str) -> None:
    over = now() + timedelta(days=30, minutes=1)
    with pytest.raises(Refused, match=r"^Not revealed: it was kept for 30 days, and is gone\.$"):
        reveal(made, staff.rep, at=over)  # also where the nightly purge did not run
    assert seals.purge(at=over - timedelta(hours=1)) == 0
    assert reveal(made, staff.rep) == CARD  # the control
    assert (seals.purge(at=over), seals.purge(at=over)) == (2, 0)
    with store.reading() as db:
        assert [seal.sealed_value for seal in db.exec(select(Seal))] == [None, None]
    assert seals.sealed_in(made, by=staff.rep) == []
    with pytest.raises(Refused, match="is gone"):
        reveal(made, staff.rep)
    said = [{"role": "customer", "text": text} for text in (f"Card {CARD}, mail {ADDRESS}", f"{CARD} again, and 5555 5555 5555 4444")]
    door.receive([canonical(1, messages=said, team="Oak")], by=people.console())
    with store.reading() as db:
        told = {(seal.kind, seal.number): seal.sealed_value for seal in db.exec(select(Seal).order_by(col(Seal.number)))}
    assert told[("card", 1)] is None
    assert sealing.unseal(told[("card", 2)] or "", SEALED) == "5555555555554444"


def test_the_same_number_in_another_teams_conversation_is_theirs(staff: Staff, made: str) -> None:
    theirs = arrive("Card 5555 5555 5555 4444", number=2, team="Fern")
    with pytest.raises(Denied, match="belongs to another team"):
        reveal(theirs, staff.rep)
    assert reveal(made, staff.rep) == CARD
    assert "5555" not in json.dumps([seal.model_dump(mode="json") for seal in seals.sealed_in(made, by=staff.rep)])
