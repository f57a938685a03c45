"""The demo's year of decisions: of many kinds and outcomes, in order of time, and nothing of it is in force in the end."""

import random
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import select

from automations import limits
from data import approvals, audit, people, store, tasks
from data import demo as data_demo
from data.tables import Approval, Article, AuditEntry, Person, Proposal, Release, Surface, Token
from knowledge import in_force
from portal import decisions_demo
from portal.ferngrove.knowledge import ARTICLES, DRAFT, PROMISE

BEGINS = datetime(2026, 1, 5, 8, tzinfo=UTC)
ENDS = BEGINS + decisions_demo.LASTS


@pytest.fixture
def staff(sqlite_home: Path) -> dict[str, Person]:
    with store.writing():
        company = data_demo.found(random.Random(7), BEGINS)
        decisions_demo.fill(company.staff, begins=BEGINS)
    return company.staff


def rows(table: type) -> list:
    with store.reading() as db:
        return list(db.exec(select(table).order_by(table.id)))


def test_there_are_some_fifty_of_many_kinds_and_each_outcome(staff: dict[str, Person]) -> None:
    found = rows(Proposal)
    assert 50 <= len(found) <= 70 and len({one.kind for one in found}) >= 6
    came_to = Counter(one.state for one in found)
    assert came_to.keys() == {"done", "refused", "withdrawn", "lapsed"} and min(came_to.values()) >= 3
    assert all(one.outcome for one in found if one.state in ("refused", "withdrawn", "lapsed"))
    assert len({one.proposer_id for one in found}) >= 10


def test_each_was_decided_when_it_is_told_and_by_somebody_else(staff: dict[str, Person]) -> None:
    found = {one.id: one for one in rows(Proposal)}
    assert all(BEGINS < one.at < one.decided_at < ENDS for one in found.values())
    for one in rows(Approval):
        asked = found[one.proposal_id]
        assert one.approver_id not in asked.authors and asked.at < one.at < ENDS
    lapsed = [one for one in found.values() if one.state == "lapsed"]
    assert all(one.decided_at - one.at > approvals.WAITS for one in lapsed)


def test_the_record_holds_and_is_in_order_of_time(staff: dict[str, Person]) -> None:
    entries = sorted(rows(AuditEntry), key=lambda one: one.number)
    assert audit.broken() is None and len(entries) > 150
    assert all(before.at <= after.at for before, after in pairwise(entries)) and entries[-1].at < ENDS


def test_nothing_of_it_is_in_force_but_older_versions_of_the_articles_that_are_brought(staff: dict[str, Person]) -> None:
    assert limits.current() is None and tasks.waiting() == [] and rows(Surface) == []
    assert all(token.expires_at < ENDS for token in rows(Token))
    roles = {one.name: one.role for one in people.everybody(by=staff["Otto Braun"])}
    assert roles == {name: role for name, role, *_ in data_demo.STAFF}
    now_so = {one.slug: one for one in ARTICLES}
    written = rows(Article)
    assert {one.slug for one in written} <= set(now_so) - {PROMISE[0], DRAFT[0]}
    texts = {one.slug: one.text for one in in_force.published((slug, number) for slug, number in in_force.numbers().items())}
    assert len(texts) >= 10 and all(text != now_so[slug].text and now_so[slug].text.startswith(text) for slug, text in texts.items())
    assert {one.target_kind for one in rows(Release)} == {"article"}
    assert not any(text.rsplit("\n\n", 1)[-1].startswith("#") for text in texts.values())


def test_what_it_draws_moves_nothing_of_what_follows(sqlite_home: Path) -> None:
    """The ids that come after are those that would have come without it."""
    from data.values import drawn_ids, new_id

    with drawn_ids(BEGINS, 7), store.writing():
        company = data_demo.found(random.Random(7), BEGINS)
        decisions_demo.fill(company.staff, begins=BEGINS)
        after = new_id()
    made = [one.id for one in people.everybody(by=people.console())]
    with drawn_ids(BEGINS, 7):
        drawn = [new_id() for _ in range(200)]
    assert set(made) <= set(drawn) and after in drawn
