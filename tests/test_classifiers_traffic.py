"""What came in and nobody labelled: who is looked at, how many are told to be foreign, and that it does no harm where it tells nothing."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import col, select

from classifiers import gathering, labels, model, outside, traffic, training
from data import conversations, reviews, store, undo
from data.errors import Refused
from data.intake import door
from data.tables import Conversation
from data.values import now
from portal.bench import intents as measuring
from tests.conftest import SOAK, Staff
from tests.conversations import canonical
from tests.test_classifiers_training import Small, frozen_set, reviewed, row
from tests.test_language_encoder import tiny
from tests.test_portal_bench_intents import small, written

__all__ = ["small", "tiny"]  # fixtures


def arrived(staff: Staff, numbers: range, **fields: object) -> list[str]:
    return list(door.receive([canonical(number, team="Oak", **fields) for number in numbers], by=staff.engineer, classify=False).ids)


def said(ids: list[str]) -> set[str]:
    with store.reading() as db:
        return {text for _, text in conversations.texts(db, ids).values()}


# -- the sample -------------------------------------------------------------------------------------------------------------------------


def test_only_what_nobody_labelled_and_no_test_asks_is_looked_at(staff: Staff) -> None:
    reviewed(staff, range(1, 5))
    frozen_set(staff, range(11, 14))
    plain = arrived(staff, range(21, 26))
    judged, taught, hidden, old = (
        arrived(staff, range(31, 32)),
        arrived(staff, range(41, 43)),
        arrived(staff, range(51, 52)),
        arrived(staff, range(61, 62), opened_at=now() - timedelta(days=61)),
    )
    arrived(staff, range(11, 12), id="the words of a test under another id", customer="somebody else")
    reviews.record(judged[0], "strong", by=staff.rep)  # without a label
    gathering.accept(taught, labels.add("Parcel locker full", by=staff.rep, draft=True).id, found="search", by=staff.rep)
    with store.writing() as db:
        one = db.exec(select(Conversation).where(col(Conversation.id) == hidden[0])).one()
        one.hidden_at = now()
    assert set(traffic.unlabelled("intent", by=staff.rep)) == said([*plain, *judged])
    assert said(old) <= set(traffic.unlabelled("intent", by=staff.rep, at=now() - timedelta(days=30)))  # the control
    undo.last(by=staff.rep)
    assert said(taught) <= set(traffic.unlabelled("intent", by=staff.rep))


def test_labels_of_another_classifier_are_none_of_this_one(staff: Staff) -> None:
    ids = reviewed(staff, range(1, 5))
    assert traffic.unlabelled("intent", by=staff.rep) == []
    assert set(traffic.unlabelled("Complaint", by=staff.rep)) == said(ids)


def test_the_same_seed_draws_the_same_and_another_seed_others(staff: Staff) -> None:
    arrived(staff, range(1, 41))
    first = traffic.unlabelled("intent", by=staff.rep, most=10, seed=1)
    assert first == traffic.unlabelled("intent", by=staff.lead, most=10, seed=1) and len(first) == 10
    assert set(first) != set(traffic.unlabelled("intent", by=staff.rep, most=10, seed=2))


# -- what it tells ----------------------------------------------------------------------------------------------------------------------


def drawn(rng: np.random.Generator, count: int, foreign: float = 0.0, *, moved: float = 0.0) -> np.ndarray:
    """Signs as they are: what is one of the labels around nothing, skewed, what is foreign four widths above."""
    strange = rng.gamma(4.0, 0.5, count) - 2 + moved
    strange[: round(foreign * count)] = rng.normal(4.0 + moved, 0.7, round(foreign * count))
    return strange[:, None] + rng.normal(0, 0.4, (count, 3))


@pytest.mark.parametrize("moved", [0.0, 0.7])
def test_the_share_of_foreign_ones_is_found_and_not_exaggerated(moved: float) -> None:
    """Also where all that comes in is stranger than what was chosen to be labelled."""
    for foreign in (0.0, 0.06, 0.2):
        found = []
        for seed in range(40 if SOAK else 8):
            rng = np.random.default_rng(seed)
            lately = traffic.look(drawn(rng, 3_000), drawn(rng, 1_500, foreign, moved=moved))
            assert lately is not None
            found.append(lately.share)
        assert foreign * 0.6 <= np.median(found) and max(found) <= foreign + 0.03
        assert (np.median(found) > 0.02) == (foreign > 0.02)  # the control


def test_the_bar_moves_with_what_comes_in_and_falls_where_much_is_foreign() -> None:
    rng = np.random.default_rng(4)
    labelled, plain = drawn(rng, 3_000), np.zeros(3_000, np.intp)
    alone = outside.fit(labelled, plain, None)
    asked = {name: drawn(rng, 4_000, moved=moved) for name, moved in (("same", 0.0), ("moved", 1.0))}
    assert (alone.share(asked["same"]) > 0.5).mean() < 0.015 < 0.03 < (alone.share(asked["moved"]) > 0.5).mean()  # what it is for
    moved = outside.fit(labelled, plain, None, traffic.look(labelled, drawn(rng, 1_500, moved=1.0)))
    assert (moved.share(asked["moved"]) > 0.5).mean() < 0.02
    much = outside.fit(labelled, plain, None, traffic.look(labelled, drawn(rng, 1_500, 0.3)))
    foreign = drawn(rng, 1_000, 1.0)
    assert (much.share(foreign) > 0.5).mean() > (alone.share(foreign) > 0.5).mean() + 0.02
    assert (much.share(asked["same"]) > 0.5).mean() < 1.3 * (1 - traffic.LEAST)  # whatever comes in
    order = np.argsort(alone.share(foreign))
    assert (np.diff(much.share(foreign)[order]) >= 0).all()  # which of two is stranger is no matter of what came in


def test_labelled_foreign_ones_count_as_often_as_they_come_and_never_less_than_before() -> None:
    rng = np.random.default_rng(4)
    own, others = drawn(rng, 2_000), drawn(rng, 20, 1.0)
    signs, places = np.vstack([own, others]), np.repeat([0, 1], [2_000, 20])
    signs = np.column_stack([signs, rng.normal(0, 0.3, 2_020) + places])
    asked = np.column_stack([drawn(rng, 1_000, 1.0), rng.normal(0.5, 0.3, 1_000)])

    def called(lately: outside.Lately | None) -> float:
        return float(outside.fit(signs, places, 1, lately).share(asked).mean())

    few, many = (traffic.look(own, drawn(rng, 1_500, foreign)) for foreign in (0.0, 0.18))
    assert called(few) == called(None) < called(many)


def test_of_a_few_nothing_is_told() -> None:
    rng = np.random.default_rng(4)
    labelled = drawn(rng, 300)
    assert traffic.look(labelled, drawn(rng, 49)) is None and traffic.told(None) is None
    assert traffic.look(labelled, drawn(rng, 50)) is not None  # the control
    assert traffic.look(labelled[:0], drawn(rng, 50)) is None


def test_a_label_that_could_not_be_checked_leaves_the_other_signs() -> None:
    """All its rows are of one customer, without whom a single label is left: its own score is no sign then."""
    rows = [row(n, f"customer {n}", "matter", f"word{n % 3} of the matter") for n in range(40)]
    rows += [row(100 + n, "the stranger", "other", f"quite{n} different{n * 7}") for n in range(6)]
    made, checks = training.fit(training.prepare(rows, {}, encoder=Small(), vectors_of=Small().encode))
    assert checks is not None and made.foreign is not None and 1 not in checks.seen.given
    asked = ["word1 of the matter", "an unheard song"]
    usual, strange = model.scores_of(made, asked, Small().encode(asked))[1]
    assert usual < 0.6 < strange


# -- in a training ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lately", [traffic.FEWEST - 1, 120])
def test_a_training_looks_at_what_came_in(staff: Staff, lately: int) -> None:
    reviewed(staff, range(1, 61))
    with store.writing():
        arrived(staff, range(101, 101 + lately - 30))
        for number in range(30):
            poem = [{"role": "customer", "text": f"the sea{number} sings{number} of salt{number} and sand{number}"}]
            arrived(staff, range(900 + number, 901 + number), messages=poem)
    version, again = (training.train(by=staff.rep, encoder=Small()) for _ in range(2))
    told = version.manifest["traffic"]
    assert again.file_sha == version.file_sha and again.manifest["traffic"] == told
    if lately < traffic.FEWEST:
        assert told is None
    else:
        assert told["looked_at"] == 120 and 0.1 < told["foreign"] < 0.3
        about = round(told["foreign"] * 100)
        sentence = f"About {about}\u00a0% of the 120 conversations of the last 60 days that were looked at and nobody labelled"
        assert told["sentence"] == f"{sentence} are none of these."


def test_where_few_came_in_the_model_is_what_it_is_without(staff: Staff) -> None:
    rows = [row(n, f"customer {n}", f"label {n % 3}", f"word{n % 3} of the matter {n * n % 31} {n % 23}") for n in range(90)]
    models = []
    for came in ([], ["a song"] * (traffic.FEWEST - 1), ["a song", "word1 of it"] * traffic.FEWEST):
        task = training.prepare(rows, {}, encoder=Small(), vectors_of=Small().encode, unlabelled=came)
        made, checks = training.fit(task)
        assert checks is not None and made.foreign is not None and (checks.lately is None) == (len(came) < traffic.FEWEST)
        models.append(made.foreign.bias)
    assert models[0] == models[1] != models[2]


def test_nothing_foreign_is_said_in_words() -> None:
    assert (traffic.told(outside.Lately(2_000, 0.0, 0.0, 1.0)) or {})["sentence"] == (
        "Of the 2,000 conversations of the last 60 days that were looked at and nobody labelled, no more look foreign than chance makes."
    )
    assert str((traffic.told(outside.Lately(50, 0.004, 0.0, 1.0)) or {})["sentence"]).startswith("Less than 1\u00a0% of the 50")


# -- measured ---------------------------------------------------------------------------------------------------------------------------


def test_the_bench_looks_at_a_file_without_labels(small: None, tmp_path: Path) -> None:
    train, test = written(tmp_path / "train.jsonl", 30), written(tmp_path / "test.jsonl", 5, others=5)
    came = written(tmp_path / "came.jsonl", 40, others=30)
    bare = tmp_path / "bare.jsonl"
    bare.write_text("".join(json.dumps({"text": json.loads(line)["text"]}) + "\n" for line in came.read_text().splitlines()))
    told = measuring.run(train, test, out_of_scope="oos", unlabelled=bare)
    assert told["unlabelled"] == 150 and 0 < told["unlabelled_foreign"] <= 0.25
    with_labels = measuring.run(train, test, out_of_scope="oos", unlabelled=came)
    assert with_labels["unlabelled_foreign"] == told["unlabelled_foreign"]  # they were not looked at
    assert "unlabelled" not in measuring.run(train, test, out_of_scope="oos")
    assert 0 <= told["in_scope_called_foreign"] <= told["out_of_scope_called_foreign"] <= 1
    with pytest.raises(Refused, match=r"cannot be read\. Each line is an object with text\.$"):
        measuring.run(train, test, unlabelled=tmp_path / "missing.jsonl")
