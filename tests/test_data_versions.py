"""Versions are numbered without a gap, sealed to their file, and made by somebody."""

import pytest
from sqlalchemy.exc import IntegrityError

from data import sealing, store, versions
from data.errors import Refused
from data.tables import Version
from data.values import Target
from tests.conftest import Staff
from tests.test_data_store import at_once


def made(staff: Staff, name: str = "intent", **fields: object) -> Version:
    with store.writing() as db:
        return versions.add(db, "classifier", name, by=staff.rep, manifest={"rows": 40}, **fields)


def test_each_version_has_the_next_number_of_its_name(staff: Staff) -> None:
    assert [made(staff).target_number for _ in range(3)] == [1, 2, 3]
    assert made(staff, "urgency").target_number == 1
    assert [version.parent_number for version in versions.all_of("classifier", "intent")] == [2, 1, None]
    assert versions.names("classifier") == ["intent", "urgency"]
    assert versions.names("article") == []


def test_versions_made_at_once_have_numbers_without_a_gap(staff: Staff) -> None:
    done = at_once(*[lambda: made(staff).target_number] * 12)
    assert sorted(done) == list(range(1, 13))


def test_the_database_refuses_the_same_number_twice(staff: Staff) -> None:
    """The control: what holds when somebody forgets to ask for the next number."""
    version = made(staff)
    with pytest.raises(IntegrityError), store.writing() as db:
        db.add(Version(**version.model_dump(exclude={"id"})))


def test_a_version_dropped_with_its_verb_leaves_no_gap(staff: Staff) -> None:
    with pytest.raises(Refused, match="no"), store.writing():
        made(staff)
        raise Refused("no")
    assert made(staff).target_number == 1


def test_a_file_is_sealed_to_one_version_of_one_name(staff: Staff) -> None:
    target, sha = Target("classifier", "intent", 1), sealing.sha("model")
    seal = versions.file_seal(target, sha)
    assert made(staff, file_sha=sha).file_hmac == seal
    others = (
        versions.file_seal(Target("classifier", "intent", 2), sha), versions.file_seal(Target("classifier", "urgency", 1), sha),
        versions.file_seal(Target("article", "intent", 1), sha), versions.file_seal(target, sealing.sha("another")),
    )  # fmt: skip
    assert seal not in others
    assert made(staff).file_hmac is None


def test_whoever_makes_a_version_is_among_its_authors(staff: Staff) -> None:
    assert set(made(staff, authors=[staff.lead.id, staff.rep.id]).authors) == {staff.lead.id, staff.rep.id}
    assert made(staff).authors == [staff.rep.id]


def test_a_version_is_found_by_its_target_and_none_is_refused_in_words(staff: Staff) -> None:
    version = made(staff)
    assert versions.get(versions.target_of(version)) == version
    with pytest.raises(Refused, match="There is no classifier 'intent' number 2"):
        versions.get(Target("classifier", "intent", 2))


def test_the_digest_of_a_version_changes_with_what_is_in_it(staff: Staff) -> None:
    assert len({made(staff).sha, made(staff, file_sha="1").sha, made(staff, body={"a": 1}).sha, made(staff, "urgency").sha}) == 4
