"""Another threshold is tried on what a version was checked on, and kept as a version of its own."""

from pathlib import Path

import pytest

from classifiers import serving, training, tuning
from data import audit, reviews, store, versions
from data import labels as known
from data.errors import Denied, Refused
from data.tables import Version
from tests import test_classifiers_several as several
from tests import worlds
from tests.conftest import Staff, hire
from tests.test_classifiers_training import reviewed


@pytest.fixture
def version(staff: Staff) -> Version:
    return often_mistaken(staff)


@worlds.remembered
def often_mistaken(staff: Staff) -> Version:
    """Of what people said a fifth is a mistake, so that it matters how sure it has to be."""
    with store.writing() as db:
        reviewed(staff, range(1, 301))
        labels = [label.id for label in known.of()]
        for number, (made, one) in enumerate(sorted(reviews.last_said(db).items())):
            if number % 5 == 0:
                reviews.record(made, "none", by=staff.lead, label_id=labels[(labels.index(one.label_id or "") + 1) % 4])
    return training.train(by=staff.rep, precision=0.85)


def test_asking_for_more_it_speaks_less_and_the_model_is_the_same(staff: Staff, version: Version) -> None:
    wanted = [tuning.try_out(version, share).threshold for share in (0.6, 0.7, 0.85)]
    assert wanted[0].promised and [one.answered.k for one in wanted] == sorted((one.answered.k for one in wanted), reverse=True)
    made = tuning.choose(versions.target_of(version), 0.6, by=staff.rep)
    assert (made.target_number, made.file_sha, made.manifest["tuned_from"]) == (2, version.file_sha, 1)
    assert made.manifest["threshold"] == wanted[0].value != version.manifest["threshold"]
    said = [serving.guess(versions.target_of(one), ["I want my money back", "hello"]) for one in (version, made)]
    assert [one.confidence for one in said[0]] == [one.confidence for one in said[1]]
    assert "Be right 60\u00a0%" in audit.newest(by=staff.admin)[0].sentence


def test_what_cannot_be_promised_is_not_kept(staff: Staff, version: Version) -> None:
    with pytest.raises(Refused, match=r"^Not kept: be right 99\u00a0% of the time: that cannot be promised yet\."):
        tuning.choose(versions.target_of(version), 0.99, by=staff.rep)
    other = tuning.choose(versions.target_of(version), 0.6, by=staff.rep)
    with pytest.raises(Refused, match="speaks from there on already"):
        tuning.choose(versions.target_of(other), 0.6, by=staff.rep)
    with pytest.raises(Denied):
        tuning.choose(versions.target_of(version), 0.7, by=staff.admin)
    assert len(versions.all_of("classifier", "intent")) == 2


def test_a_label_that_is_said_anew_keeps_what_was_said_of_the_answer(staff: Staff, version: Version) -> None:
    with store.reading() as db:
        one = next(iter(reviews.last_said(db).values()))
    first = reviews.record(one.conversation_id, "weak", by=staff.rep, label_id=one.label_id, note="Too slow.")
    again = reviews.name(one.conversation_id, one.label_id or "", by=staff.rep)
    assert (again.verdict, again.note, again.replaces_review_id) == ("weak", "Too slow.", first.id)
    assert reviews.since([one.conversation_id], version.at) == {one.conversation_id}


def test_a_label_may_have_to_be_right_more_often_than_the_others(staff: Staff, version: Version) -> None:
    label_ids = version.manifest["label_ids"]
    tried = tuning.try_out(version, 0.6, {label_ids[0]: 0.65})
    assert tried.promised and tried.own.keys() == {label_ids[0]}
    made = tuning.choose(versions.target_of(version), 0.6, own={label_ids[0]: 0.65}, by=staff.rep)
    assert made.manifest["own_thresholds"] == {label_ids[0]: tried.own[label_ids[0]].value}
    assert serving.speech(made.manifest)["own"] == made.manifest["own_thresholds"]
    with pytest.raises(Refused, match=r"^Not kept: be right 99\u00a0% of the time: that cannot be promised yet\."):
        tuning.choose(versions.target_of(version), 0.6, own={label_ids[0]: 0.99}, by=staff.rep)
    with pytest.raises(Refused, match="knows nothing of 1 of these labels"):
        tuning.choose(versions.target_of(version), 0.6, own={"no such label": 0.6}, by=staff.rep)
    with pytest.raises(Refused, match="speaks from there on already"):
        tuning.choose(versions.target_of(made), 0.6, own={label_ids[0]: 0.65}, by=staff.rep)


def test_of_what_it_does_not_answer_a_person_is_shown_what_is_worth_it(staff: Staff, version: Version) -> None:
    tried = tuning.try_out(version, 0.85)
    assert tried.asks.sentence == version.manifest["asks_told"] and tried.asks.value == pytest.approx(version.manifest["asks"], abs=1e-5)
    silent = version.manifest | {"threshold": 1.1, "asks": 0.2}
    with store.writing() as db:
        asking = versions.add(db, "classifier", "intent", by=staff.rep, manifest=silent, body=version.body, file_sha=version.file_sha)
    said = serving.guess(versions.target_of(asking), ["I want my money back"])[0]
    assert (said.label_id, said.becomes) == (None, "asks")


def test_of_several_labels_each_has_its_own_and_none_is_tried(sqlite_home: Path) -> None:
    staff = hire()
    several.taught(staff, range(1, 91))
    version = training.train("Topics", by=staff.rep)
    for act in (lambda: tuning.try_out(version, 0.9), lambda: tuning.choose(versions.target_of(version), 0.9, by=staff.rep)):
        with pytest.raises(Refused, match=r"^Not tried: each label of 'Topics' has a threshold of its own, chosen when it was trained\."):
            act()
