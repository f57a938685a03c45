"""Downloads: a name nobody chose, a ticket for one person, once, for five minutes."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from data import audit, config, downloads, people, store
from data.errors import Denied, Refused
from data.tables import Person, Ticket
from data.values import now
from tests.conftest import Staff
from tests.test_data_store import at_once

RIGHT = "dataset.download"
OPENS_NOTHING = r"^This link opens nothing: it was used already, is too old, or was made for somebody else\. Ask for a new one\.$"


def test_a_file_is_kept_under_a_random_name_that_others_cannot_read(staff: Staff) -> None:
    keys = {downloads.keep(b"the same", "csv") for _ in range(20)}
    assert len(keys) == 20
    assert all(len(key) == len("0" * 32 + ".csv") for key in keys)
    assert all((config.folder("exports") / key).stat().st_mode & 0o077 == 0 for key in keys)


def test_a_ticket_gives_the_file_once_to_the_person_who_asked(staff: Staff) -> None:
    key = downloads.keep(b"content", "csv")
    ticket = downloads.offer(key, "reviews.csv", by=staff.rep, right=RIGHT)
    for other in (staff.lead, staff.admin):
        with pytest.raises(Refused, match=OPENS_NOTHING):
            downloads.fetch(ticket, by=other)
    offered = downloads.fetch(ticket, by=staff.rep)
    assert (offered.path.read_bytes(), offered.name) == (b"content", "reviews.csv")
    with pytest.raises(Refused, match=OPENS_NOTHING):
        downloads.fetch(ticket, by=staff.rep)
    told = [(entry.verb, entry.by_person_id) for entry in audit.newest(by=staff.admin, noun="download")]
    assert told == [("downloaded", staff.rep.id), ("asked for", staff.rep.id)]


def test_a_ticket_is_good_for_five_minutes(staff: Staff) -> None:
    key = downloads.keep(b"content", "csv")
    tickets = [downloads.offer(key, "reviews.csv", by=staff.rep, right=RIGHT) for _ in range(2)]
    with store.writing() as db:
        db.execute(update(Ticket).values(expires_at=now() + timedelta(seconds=30)))
    downloads.fetch(tickets[0], by=staff.rep)
    with store.writing() as db:
        db.execute(update(Ticket).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Refused, match=OPENS_NOTHING):
        downloads.fetch(tickets[1], by=staff.rep)


def test_a_ticket_is_of_no_use_once_the_right_is_gone(staff: Staff) -> None:
    ticket = downloads.offer(downloads.keep(b"content", "csv"), "reviews.csv", by=staff.rep, right=RIGHT)
    with store.writing() as db:
        db.execute(update(Person).where(Person.id == staff.rep.id).values(role="admin"))
    changed = people.get(staff.rep.id)
    assert changed is not None
    with pytest.raises(Denied, match="an admin may not download"):
        downloads.fetch(ticket, by=changed)


def test_of_ten_who_use_one_ticket_at_once_one_gets_the_file(staff: Staff) -> None:
    ticket = downloads.offer(downloads.keep(b"content", "csv"), "reviews.csv", by=staff.rep, right=RIGHT)
    got = at_once(*[lambda: downloads.fetch(ticket, by=staff.rep)] * 10)
    assert sum(isinstance(one, downloads.Offered) for one in got) == 1
    assert sum(isinstance(one, Refused) for one in got) == 9


def test_a_ticket_that_nobody_issued_opens_nothing(staff: Staff) -> None:
    for made_up in ("", "x", "0" * 43, "' OR 1=1 --"):
        with pytest.raises(Refused, match=OPENS_NOTHING):
            downloads.fetch(made_up, by=staff.rep)


def test_a_key_that_points_elsewhere_points_nowhere(staff: Staff) -> None:
    (config.folder("") / "outside.csv").write_text("secret")
    (config.folder("exports") / "link.csv").symlink_to(config.folder("") / "outside.csv")
    for key in ("../outside.csv", "/etc/passwd", "../secrets/master.key", "link.csv", "", ".", "..", "a/../../outside.csv"):
        with pytest.raises(Refused, match=r"^Nothing to download: the file is no longer kept\. Make it again\.$"):
            downloads.offer(key, "x.csv", by=staff.rep, right=RIGHT)


def test_a_file_that_went_between_is_said_in_words(staff: Staff) -> None:
    key = downloads.keep(b"content", "csv")
    ticket = downloads.offer(key, "reviews.csv", by=staff.rep, right=RIGHT)
    (config.folder("exports") / key).unlink()
    with pytest.raises(Refused, match="the file is no longer kept"):
        downloads.fetch(ticket, by=staff.rep)
