"""The digest of a week: written once, on the Monday after, for each group of people; and what of it reads otherwise since."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from data import behind, people, store, versions
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Case, Conversation, Daily, Digest, DigestMail, EvalSet, Example, Person, Proposal, SetVersion
from data.trends import EVERYBODYS
from data.values import now
from evals import brief, digest, digest_mails
from evals.digest import Written
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_evals_brief import NOW, SINCE, UNTIL, counted
from tests.test_evals_markers import live, recipe
from tests.test_evals_why import refunds_in_chat_since

MONDAY = datetime.combine(SINCE, datetime.min.time(), UTC)


def written(staff: Staff, by: Person | None = None) -> Written:
    """Of this one week, for whoever sees the same as this person."""
    whom = by or staff.lead
    digest.write(SINCE, brief.whose_of(whom), at=NOW)
    return digest.required(by=whom)


def lines(found: Written, title: str) -> list[str]:
    [section] = [one for one in found.told.sections if one.title == title]
    return [one.text for one in section.lines] or [section.nothing]


def test_it_is_written_on_monday_at_six_and_not_before(staff: Staff) -> None:
    counted(staff, refunds_in_chat_since(SINCE))
    early = NOW.replace(hour=3, minute=59)  # one minute to six in Berlin
    assert SINCE not in {week for week, _ in digest._due(early)}
    assert {whose for week, whose in digest._due(early + timedelta(minutes=1)) if week == SINCE} == {
        EVERYBODYS, staff.oak.id, staff.fern.id,
    }  # fmt: skip


def test_weeks_that_were_missed_are_written_later_four_of_them(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    thursday = NOW + timedelta(days=3)
    due = digest._due(thursday)
    assert list(dict.fromkeys(week for week, _ in due)) == [SINCE - back * digest.WEEK for back in (3, 2, 1, 0)], "the oldest first"
    for week, whose in due[:-1]:
        digested_already(week, whose)
    assert digest._due(thursday) == due[-1:] and digest.anything_due(at=thursday)
    assert digest.write_due(at=thursday) == "1 digest written." and not digest.anything_due(at=thursday)
    assert digest.write_due(at=thursday) == "0 digests written."
    old = digest.required(SINCE + timedelta(days=2), by=brief.eyes(due[-1][1]))  # any day of it
    assert (old.week, old.until, old.told.brief.until) == (SINCE, UNTIL, UNTIL)
    assert old.at == thursday and old.told.brief.at == datetime(2026, 4, 13, 4, tzinfo=UTC), "as it would have been written in time"


def digested_already(week: date, whose: str) -> None:
    with store.writing() as db:
        db.add(Digest(week=week, whose=whose, told={}))


def test_a_week_in_which_nothing_came_has_none(staff: Staff) -> None:
    assert not digest.anything_due(at=NOW) and digest.weeks(by=staff.lead) == []
    with pytest.raises(Refused, match=r"There is no digest yet\. One is written each Monday at 6 for the week before"):
        digest.required(by=staff.lead)


def test_it_holds_the_sentences_and_each_number_beside_the_weeks_before_with_its_place(staff: Staff) -> None:
    counted(staff, refunds_in_chat_since(SINCE))
    found = written(staff)
    assert found.told.brief.measure == "resolution" and found.told.brief.needs.startswith("Read ten of the ")
    volume, resolution = found.told.numbers
    assert (volume.measure, volume.value, volume.before, volume.change, volume.beyond) == (
        "volume", "4,200", "4,200", "the same", False,
    )  # fmt: skip
    assert resolution.value.startswith("75 % (".replace(" ", "\u00a0", 1)) and resolution.before == "80\u00a0%"
    assert (resolution.change, resolution.beyond) == ("−5 points", True)
    assert behind.read(resolution.query) == behind.Behind("resolution", SINCE, UNTIL) and resolution.page == "conversations"


def test_what_shipped_and_what_was_taken_back_is_told_with_its_day(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    first, second = recipe(staff), recipe(staff)
    for target, days, before in ((first, 0, ""), (second, 1, ""), (first, 3, "rolled back: nonsense")):
        live(staff, target, MONDAY + timedelta(days=days, hours=12), before=before or "followed by the next")
    found = written(staff)
    assert lines(found, "What shipped") == [
        "Release 1 of 'refunds' went live, Monday.", "Release 2 of 'refunds' went live, Tuesday.",
    ]  # fmt: skip
    assert lines(found, "What was taken back") == ["Release 2 of 'refunds' was taken back, Thursday."]
    assert lines(found, "Alerts") == ["No monitor found anything."]


def flagged(staff: Staff, by: Person, eval_set: EvalSet, version: SetVersion, number: int) -> None:
    [made] = door.receive([canonical(number, team="Oak")], by=people.console()).ids
    with store.writing() as db:
        whose = db.get_one(Conversation, made).customer_id or ""
        example = Example(conversation_id=made, seq=0, customer_id=whose, messages=[], kind="weak", why="x", purpose="answer",
                          by_person_id=by.id)  # fmt: skip
        db.add(example)
        db.flush()
        db.add(Case(set_version_id=version.id, example_id=example.id, key=str(number), input={}, expected={}, graders=[], slices={}))


def test_thanks_go_by_name_to_those_who_read_it_and_to_nobody_else(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    with store.writing() as db:
        eval_set = EvalSet(name="Everyday", purpose="answer")
        db.add(eval_set)
        db.flush()
        version = SetVersion(eval_set_id=eval_set.id, number=1, sha="x", changelog="x", at=MONDAY + timedelta(days=1))
        db.add(version)
    for number, by in enumerate((staff.rep, staff.other, staff.rep)):
        flagged(staff, by, eval_set, version, number + 1)
    title = "What your flags and drafts led to"
    ours, theirs, every = (written(staff, by) for by in (staff.lead, staff.other, staff.engineer))
    assert lines(ours, title) == [f"3 flags became test cases of 'Everyday'. Thanks to {staff.rep.name}."]
    assert lines(theirs, title) == [f"3 flags became test cases of 'Everyday'. Thanks to {staff.other.name}."]
    assert lines(every, title)[0].endswith(f"Thanks to {', '.join(sorted((staff.rep.name, staff.other.name)))}.")


def test_what_waited_on_that_monday_is_told_and_nothing_that_came_later(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    for hours in (-30, +5):
        with store.writing() as db:
            db.add(Proposal(kind="grant_role", title="x", payload={}, payload_sha="x", proposer_id=staff.rep.id, authors=[], why="x",
                            evidence={}, lapses_at=NOW + timedelta(days=9), at=NOW + timedelta(hours=hours)))  # fmt: skip
    assert lines(written(staff), "What waits") == ["1 decision waits for a second person."]


def test_once_written_it_stays_and_what_changed_since_is_told_beside_it(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    before = written(staff)
    assert digest.corrected(before, by=staff.lead) == {}
    with store.writing() as db:
        late = (col(Daily.measure) == "resolution", col(Daily.cut) == "", col(Daily.day) == UNTIL.toordinal())
        db.execute(update(Daily).where(*late).values(n=Daily.n + 100, weight=Daily.weight + 100, weight_sq=Daily.weight_sq + 100))
    after = written(staff)
    assert after == before
    assert (
        list(digest.corrected(after, by=staff.lead)) == ["resolution"]
        and "n\u00a0=\u00a04,300" in (digest.corrected(after, by=staff.lead)["resolution"])
    )
    with pytest.raises(Exception, match="digest rows never change"), store.writing() as db:
        db.execute(update(Digest).values(told={}))


def test_nobody_reads_another_teams(staff: Staff) -> None:
    counted(staff, lambda day, cell: -0.4 * (day >= SINCE and cell[2] == "theirs"))
    ours, theirs, _ = (written(staff, by) for by in (staff.rep, staff.other, staff.engineer))
    assert [one.change for one in ours.told.numbers] == ["the same", "the same"] and theirs.told.numbers[1].change == "−40 points"
    assert ours.told.brief.measure == "" and theirs.told.brief.measure == "resolution"
    with pytest.raises(Denied):
        digest.of(by=Person(name="x", email="x@example.com", role="none"))
    with store.reading() as db:
        assert set(db.execute(select(col(Digest.whose))).scalars()) == {EVERYBODYS, staff.oak.id, staff.fern.id}


def test_two_that_write_at_once_write_one(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    for _ in range(2):
        digest.write(SINCE, EVERYBODYS, at=NOW)
    assert digest.weeks(by=staff.engineer) == [SINCE]


# -- by mail ------------------------------------------------------------------------------------------------------------------------------


def mailed(at: datetime) -> list[str]:
    return sorted(person.name for person, _ in digest_mails.to_mail(at=at))


def test_it_is_for_everybody_who_reads_dashboards_wants_it_and_was_here(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    monday = now()
    digest.write(SINCE, EVERYBODYS, at=monday)
    for team in (staff.oak, staff.fern):
        digest.write(SINCE, team.id, at=monday)
    everybody = sorted(one.name for one in (staff.rep, staff.lead, staff.other, staff.engineer, staff.admin))
    assert mailed(monday) == everybody
    people.mail_digest(False, by=staff.lead)
    people.disable(staff.other.id, by=staff.admin)
    people.add("Demo", "demo@example.com", "rep", by=staff.admin, demo=True, team=staff.oak)
    people.add("Late", "late@example.com", "rep", by=staff.admin, team=staff.oak)  # came after it was written
    assert mailed(monday) == sorted(one.name for one in (staff.rep, staff.engineer, staff.admin))
    people.mail_digest(True, by=staff.lead)
    assert staff.lead.name in mailed(monday)
    assert mailed(monday + timedelta(days=4)) == [], "it is no news any more"


def test_it_is_noted_before_it_leaves_and_taken_off_only_when_it_surely_did_not(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    monday = now()
    digest.write(SINCE, staff.oak.id, at=monday)
    [found] = {told.week: told for _, told in digest_mails.to_mail(at=monday)}.values()
    assert digest_mails.begin(staff.rep, found) and not digest_mails.begin(staff.rep, found)
    assert staff.rep.name not in mailed(monday) and staff.lead.name in mailed(monday)
    digest_mails.not_sent(staff.rep, found)
    assert staff.rep.name in mailed(monday) and digest_mails.begin(staff.rep, found)
    with store.reading() as db:
        assert [one.week for one in db.execute(select(DigestMail)).scalars()] == [date(2026, 4, 6)]
    assert versions.names("recipe") == []
