"""What a candidate would change: counted over all that came, or estimated from a sample that says how sure it is."""

from pathlib import Path

import pytest

from classifiers import arrivals, impact, serving, studies, training
from data import conversations, examples, labels, predictions, store, versions
from data.errors import Denied
from data.intake import door
from data.values import Target
from tests import test_classifiers_several as several
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate, ship, shuffle


def come(staff: Staff, first: int, count: int, team: str = "Oak") -> list[str]:
    ids = list(door.receive([canonical(number, team=team) for number in range(first, first + count)], by=staff.engineer).ids)
    arrivals.predict(ids)
    return ids


def test_what_changes_is_counted_and_shown_by_from_and_to(staff: Staff) -> None:
    ship(staff, candidate(staff))
    ids = come(staff, 201, 40)
    shuffle(staff)
    other = versions.target_of(training.train(by=staff.rep))
    told = impact.preview(other, by=staff.rep)
    with store.reading() as db:
        before = {made: one.label_id for made, one in predictions.live_by_conversation(db, ids).items()}
        texts = {made: text for made, (_, text) in conversations.texts(db, ids).items()}
    after = dict(zip(ids, (one.label_id for one in serving.guess(other, [texts[made] for made in ids])), strict=True))
    differ = [made for made in ids if before[made] != after[made]]
    assert differ and told.changed.k == len(differ) == sum(flip.count for flip in told.flips) and told.came == told.changed.n == 40
    names = labels.names()
    for flip in told.flips:
        assert {(names.get(before[made] or ""), names.get(after[made] or "")) for made in flip.conversation_ids} == {
            (flip.before, flip.after)
        }
    assert told.sentence == (
        f"Version {other.number} would say something else in {len(differ)} of the 40 conversations of the last 30 days."
    )


def test_the_live_version_itself_changes_nothing(staff: Staff) -> None:
    """The control."""
    target = candidate(staff)
    ship(staff, target)
    come(staff, 201, 20)
    told = impact.preview(target, by=staff.rep)
    assert (told.changed.k, told.changed.n, told.flips) == (0, 20, ())


def test_of_many_a_sample_is_looked_at_and_says_how_sure_it_is(staff: Staff) -> None:
    ship(staff, candidate(staff))
    come(staff, 201, 60)
    shuffle(staff)
    other = versions.target_of(training.train(by=staff.rep))
    whole, some = impact.preview(other, by=staff.rep), impact.preview(other, by=staff.rep, sample=25)
    assert (some.came, some.changed.n) == (60, 25) and "from a sample of 25" in some.sentence and "about" in some.sentence
    low, high = some.changed.interval
    assert low <= whole.changed.value <= high
    assert impact.preview(other, by=staff.rep, sample=25) == some  # the same ones again


def test_transcripts_are_shown_within_reach_alone(staff: Staff) -> None:
    ship(staff, candidate(staff))
    come(staff, 201, 30, team="Fern")
    shuffle(staff)
    other = versions.target_of(training.train(by=staff.rep))
    mine, hers = impact.preview(other, by=staff.rep), impact.preview(other, by=staff.other)
    assert mine.changed == hers.changed and mine.changed.k
    named = [made for flip in mine.flips for made in flip.conversation_ids]
    assert named and conversations.reachable(named, by=staff.rep) == [] and conversations.reachable(named, by=staff.other) == named


def test_nothing_came_yet(staff: Staff) -> None:
    target = candidate(staff)
    assert impact.preview(target, by=staff.rep, days=7).sentence == "The live version looked at no conversation in the last 7 days."
    with pytest.raises(Denied):
        impact.preview(Target("classifier", "intent", 1), by=staff.rep.model_copy(update={"role": "nobody"}))


def test_what_was_found_is_kept_beside_the_version_as_it_was(staff: Staff) -> None:
    ship(staff, candidate(staff))
    come(staff, 201, 30)
    shuffle(staff)
    version = training.train(by=staff.rep)
    told = impact.study(versions.target_of(version), by=staff.rep)
    kept = studies.newest(version, studies.IMPACT, by=staff.rep)
    assert kept is not None and impact.Impact.of(kept.told) == told and told.changed.k and told.is_whole


def test_of_several_labels_the_whole_of_them_is_compared(sqlite_home: Path) -> None:
    staff = hire()
    several.ship(staff, several.ready(staff))
    numbers = range(1_001, 1_025)
    ids = several.arrived(staff, numbers)
    arrivals.predict(ids, name="Topics")
    known = several.topics(staff)
    with store.writing():  # from now on nobody says that a courier came up
        for row in examples.for_training("Topics", by=staff.rep):
            several.say(staff, row.conversation_id, [made for made in row.label_ids if made != known["Courier"]])
    other = versions.target_of(training.train("Topics", by=staff.rep))
    told = impact.preview(other, by=staff.rep)
    with store.reading() as db:
        before = predictions.labels_said(db, ids, "Topics")
        texts = {made: text for made, (_, text) in conversations.texts(db, ids).items()}
    assert before[ids[2]] == {known["Damage"], known["Refund"]}  # number 1,003
    after = {made: {one.label_id, *one.also} - {None} for made, one in zip(ids, serving.guess(other, [*texts.values()]), strict=True)}
    differ = [made for made in ids if set(before[made]) != after[made]]
    flips = {flip.sentence: set(flip.conversation_ids) for flip in told.flips}
    assert told.changed.k == len(differ) and set.union(*flips.values()) == set(differ)
    both = {made for made, number in zip(ids, numbers, strict=True) if several.about(number) == ["Damage", "Refund", "Courier"]}
    assert flips["Courier + Damage + Refund → Damage + Refund"] == both  # the first that is said is the same: only the whole differs
    assert impact.Impact.of(told.told) == told
