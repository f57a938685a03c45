"""A classifier that may say any number of its labels: taught whole sets, checked on other customers, shipped only where it is no worse."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from classifiers import (
    abstention,
    arrivals,
    curve,
    exporting,
    files,
    gathering,
    kinds,
    labels,
    model,
    serving,
    several,
    several_evidence,
    several_model,
    shipping,
    training,
)
from data import approvals, examples, releases, store, undo, versions
from data.errors import Refused
from data.intake import door
from data.tables import Example, Prediction
from data.values import Target
from evals import gate, sets
from tests import worlds
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_classifiers_exporting import alone
from tests.test_classifiers_training import Small

SAID = {
    "Damage": ("it arrived broken", "the glass is cracked", "a broken lid", "cracked in the box"),
    "Refund": ("I want my money back", "please refund me", "when is the money refunded", "refund the money"),
    "Courier": ("the courier was rude", "your courier threw it", "the courier shouted", "a rude courier"),
}
PLAIN = ("hello there", "good morning", "a question", "thanks for all")
ONE = Target("classifier", "Topics", 1)


def topics(staff: Staff) -> dict[str, str]:
    """The ids of the labels; made where they are not there yet."""
    with store.writing():
        if "Topics" not in kinds.names():
            kinds.add("Topics", kinds.SEVERAL, "Which of these come up?", by=staff.lead)
            for name in SAID:
                labels.add(name, by=staff.lead, classifier_name="Topics")
        return {label.name: label.id for label in examples.labels.of("Topics", drafts=True)}


def about(number: int) -> list[str]:
    """Which of them come up in the conversation of this number: none, one or several."""
    return [name for place, name in enumerate(SAID) if number >> place & 1]


def text_of(number: int) -> str:
    rng = random.Random(number)
    return ", ".join([rng.choice(PLAIN), *(rng.choice(SAID[name]) for name in about(number)), f"number {number}."])


def arrived(staff: Staff, numbers: Iterable[int]) -> list[str]:
    new = [canonical(number, team="Oak", messages=[{"role": "customer", "text": text_of(number)}]) for number in numbers]
    return list(door.receive(new, by=staff.engineer, classify=False).ids)


@worlds.remembered
def taught(staff: Staff, numbers: Sequence[int], *, wrong: bool = False) -> list[str]:
    """What comes up in each was said, or of each what comes up in the next."""
    with store.writing():
        known, ids = topics(staff), arrived(staff, numbers)
        for number, made in zip(numbers, ids, strict=True):
            say(staff, made, [known[name] for name in about(number + wrong)])
    return ids


def say(staff: Staff, made: str, label_ids: Sequence[str]) -> Example | None:
    return gathering.say_all(made, "Topics", label_ids, found="search", by=staff.rep)


def standing(conversation_id: str) -> list[tuple[str, list[str]]]:
    with store.reading() as db:
        found = db.exec(select(Example).where(Example.conversation_id == conversation_id, Example.use != "retired")).all()
        return [(one.use, (one.expected or {})["labels"]) for one in found]


# -- examples ---------------------------------------------------------------------------------------------------------------------------


def test_an_accepted_label_joins_those_that_were_said_before_and_undo_brings_those_back(staff: Staff) -> None:
    known, ids = topics(staff), arrived(staff, range(1, 31))
    first = gathering.accept(ids, known["Refund"], found="search", by=staff.rep)
    second = gathering.accept(ids[:20], known["Damage"], found="search", by=staff.rep)
    assert (first.taught + first.kept_for_testing, second.taught + second.kept_for_testing, second.already) == (30, 20, 0)
    assert {tuple(names) for made in ids[:20] for _, names in standing(made)} == {("Damage", "Refund")}
    assert [len(standing(made)) for made in ids] == [1] * 30  # the former are retired
    sides = {made: standing(made)[0][0] for made in ids}
    assert 0 < list(sides.values()).count("loose") == first.kept_for_testing < 20
    undo.last(by=staff.rep)
    assert {made: standing(made)[0] for made in ids} == {made: (side, ["Refund"]) for made, side in sides.items()}
    again = gathering.accept(ids, known["Refund"], found="search", by=staff.rep)
    assert again.already == 30 and "30 were accepted before." in again.sentence
    undo.last(by=staff.rep)
    assert all(not standing(made) for made in ids)


def test_all_labels_can_be_said_at_once_also_that_there_is_none(staff: Staff) -> None:
    known, ids = topics(staff), arrived(staff, range(1, 4))
    made = say(staff, ids[0], [known["Refund"], known["Courier"]])
    assert made is not None and made.label_id == known["Courier"] and made.grader == "same labels"
    assert made.expected == {
        "classifier": "Topics", "labels": ["Courier", "Refund"], "label_ids": [known["Courier"], known["Refund"]],
    }  # fmt: skip
    assert say(staff, ids[0], [known["Courier"], known["Refund"]]) is None  # the same as before
    none = say(staff, ids[0], [])
    assert none is not None and none.label_id is None and [names for _, names in standing(ids[0])] == [[]]


def test_what_became_a_case_stays_as_it_was_said(staff: Staff) -> None:
    known, ids = topics(staff), taught(staff, range(1, 41))
    kept = [made for made in ids if standing(made)[0][0] == "loose"]
    assert gathering.freeze_kept("Topics", by=staff.rep) == 1 and kept
    assert say(staff, kept[0], []) is None and standing(kept[0])[0][0] == "eval"
    assert gathering.accept(kept, known["Courier"], found="search", by=staff.rep).already == len(kept)
    version = sets.latest(sets.by_name("Topics: all that come up", by=staff.rep).id)
    assert version is not None
    found = sets.cases(version.id)
    assert len(found) == len(kept) and {tuple(case.graders) for case in found} == {("same labels",)}
    assert [] in [case.expected["labels"] for case in found] or len({len(case.expected["labels"]) for case in found}) > 1
    learned = {row.conversation_id: row for row in examples.for_training("Topics", by=staff.rep)}
    assert set(learned) == set(ids) - set(kept)
    names = {made: name for name, made in known.items()}
    for number, made in enumerate(ids, start=1):
        if made in learned:
            assert sorted(names[one] for one in learned[made].label_ids) == sorted(about(number))


def test_what_cannot_be_said_is_refused(staff: Staff) -> None:
    known, ids = topics(staff), arrived(staff, [1])
    kinds.add("Angry", kinds.YES_NO, "Is the customer angry?", by=staff.lead)
    with pytest.raises(Refused, match=r"^Not accepted: 'Angry' says one label of a conversation\."):
        gathering.say_all(ids[0], "Angry", [], found="search", by=staff.rep)
    with pytest.raises(Refused, match=r"^Not accepted: 1 of these labels are not in use in 'Topics'\."):
        say(staff, ids[0], [known["Refund"], "nothing"])
    with pytest.raises(Refused, match="examples are found by a pattern"):
        gathering.say_all(ids[0], "Topics", [], found="luck", by=staff.rep)
    assert standing(ids[0]) == []


# -- training ---------------------------------------------------------------------------------------------------------------------------


def test_it_learns_which_labels_come_up_and_is_checked_on_customers_it_had_not_seen(sqlite_home: Path) -> None:
    staff = hire()
    taught(staff, range(1, 141))
    version = training.train("Topics", by=staff.rep)  # hands over
    told, rows = version.manifest, len(examples.for_training("Topics", by=staff.rep))
    assert (told["kind"], told["rows"], told["accuracy_n"], told["labels"]) == ("several", rows, rows, 3)
    assert set(told["thresholds"]) == set(told["label_ids"]) == set(topics(staff).values())
    assert told["threshold"] == min(told["thresholds"].values()) and told["temperature"] == 1.0
    assert told["accuracy_k"] > 0.85 * rows and 0.7 < told["answered"] < 0.98 and told["macro_f1"] > 0.9
    assert {one["label"] for one in told["per_label"]} == set(SAID) and told["taught_by"] == {staff.rep.id: rows}
    assert set(version.body) == {
        "confusions", "reliability", "reliability_by_label", "risk_coverage", "suspects", "slices",
    }  # fmt: skip
    assert sum(one["n"] for one in version.body["slices"] if one["slice"] == "channel") == rows
    assert isinstance(files.load(version), several_model.Several)
    again = training.train("Topics", by=staff.rep)
    assert again.file_sha == version.file_sha
    assert again.manifest | {"seconds": 0} == told | {"seconds": 0} and again.body == version.body
    guesses = serving.guess(ONE, ["a broken lid and a rude courier, refund me", "the glass is cracked", "good morning"])
    said = [{*([one.label_id] if one.label_id else []), *one.also} for one in guesses]
    known = topics(staff)
    assert said == [set(known.values()), {known["Damage"]}, set()]
    assert [one.becomes for one in guesses] == ["answers", "answers", "silent"]
    why = serving.why(ONE, "the glass is cracked")
    assert why.guess.label_id == known["Damage"] and "cracked" in dict(why.words)


def test_rare_labels_and_those_that_always_come_up_are_left_out_by_name(sqlite_home: Path) -> None:
    staff = hire()
    with store.writing():
        known, ids = topics(staff), arrived(staff, range(1, 81))
        always = labels.add("Parcel", by=staff.lead, classifier_name="Topics").id
        labels.add("Unused", by=staff.lead, classifier_name="Topics")
        for number, made in enumerate(ids, start=1):
            say(staff, made, [always, *(known[name] for name in about(number) if name != "Courier")])
    version = training.train("Topics", by=staff.rep)
    assert version.manifest["left_out_labels"] == ["Courier", "Parcel", "Unused"] and version.manifest["labels"] == 2


@pytest.mark.parametrize("names", [["Damage"], ["Damage", "Refund"]])
def test_one_label_alone_and_two_that_always_come_up_together_are_learned(names: list[str], sqlite_home: Path) -> None:
    staff = hire()
    with store.writing():
        known, numbers = topics(staff), range(1, 101)
        for number, made in zip(numbers, arrived(staff, numbers), strict=True):
            say(staff, made, [known[name] for name in names] if number & 1 else [])
    version = training.train("Topics", by=staff.rep)
    assert version.manifest["labels"] == len(names) and version.manifest["accuracy_k"] > 0.8 * version.manifest["accuracy_n"]
    (said,) = serving.guess(ONE, ["a broken lid"])
    assert {said.label_id, *said.also} == {known[name] for name in names}


def test_conversations_that_all_say_the_same_are_tests_or_nothing(sqlite_home: Path) -> None:
    staff = hire()
    with store.writing():
        known, same = topics(staff), [{"role": "customer", "text": "the same"}]
        new = [canonical(number, team="Oak", messages=same) for number in range(1, 81)]
        for number, made in enumerate(door.receive(new, by=staff.engineer, classify=False).ids):
            say(staff, made, [known[name] for name in about(number)])
    told = r"^Not trained: of 0 conversations it is known which labels of 'Topics' come up, at least 40 are needed\."
    with pytest.raises(Refused, match=told):  # what any test says is not learned from
        training.train("Topics", by=staff.rep)


def test_what_more_examples_would_bring_is_not_told_of_it(sqlite_home: Path) -> None:
    staff = hire()
    topics(staff)
    with pytest.raises(Refused, match=r"^Not drawn: 'Topics' may say several labels"):
        curve.of_examples("Topics", by=staff.rep)


@pytest.mark.parametrize("kind", ["none", "few", "only one label"])
def test_what_cannot_be_learned_is_said_with_the_numbers(kind: str, sqlite_home: Path) -> None:
    staff = hire()
    known = topics(staff)
    if kind == "few":
        taught(staff, range(1, 21))
    if kind == "only one label":
        with store.writing():
            for made in arrived(staff, range(1, 81)):
                say(staff, made, [known["Damage"]])
    told = "at least 40 are needed" if kind != "only one label" else r"no label of 'Topics' can be learned from \d+ conversations\."
    with pytest.raises(Refused, match=f"^Not trained: .*{told}"):
        training.train("Topics", by=staff.rep)
    assert versions.all_of("classifier", "Topics") == []


def task(given: np.ndarray, texts: Sequence[str], customers: Sequence[str]) -> several.Task:
    words, features = model.words_in(texts)
    names = [f"label {place}" for place in range(given.shape[1])]
    ids = [str(number) for number in range(len(texts))]
    return several.Task(names, names, ids, list(customers), words, features, model.rounded(None, len(texts)), given, None)


def test_a_label_that_was_left_out_by_mistake_is_suspected() -> None:
    numbers = range(1, 161)
    given = np.array([[name in about(number) for name in SAID] for number in numbers])
    mistaken = [14, 38, 62, 86, 110, 134]  # all three come up in them, and the last was forgotten
    given[mistaken, 2] = False
    asked = replace(task(given, [text_of(number) for number in numbers], [f"c{number % 97}" for number in numbers]), names=list(SAID))
    _, checks = several.fit(asked)
    bars = np.full(3, 0.5)
    body = several_evidence.body(checks.seen, bars, {"channel": ["chat"] * 100 + ["email"] * 60})
    assert [(one["part"], one["n"]) for one in body["slices"]] == [("chat", 100), ("email", 60)]
    found = [one["conversation_id"] for one in body["suspects"]]
    assert len(found) >= 2 and set(found) <= {str(row) for row in mistaken}
    suspect = body["suspects"][0]
    assert (suspect["given"], suspect["likelier"]) == ("Damage, Refund", "Courier, Damage, Refund")
    assert suspect["given_ids"] == ["label 0", "label 1"] and suspect["likelier_ids"] == asked.label_ids
    assert suspect["confidence"] > 0.5 > suspect["of_given"]
    (mixed,) = [one for one in body["confusions"] if found[0] in one["conversation_ids"]]
    assert (mixed["given"], mixed["said"], mixed["said_id"]) == ("none of the labels", "Courier", "label 2")


def test_equal_texts_tell_nothing_and_a_label_of_chance_is_never_said() -> None:
    given = np.random.default_rng(1).random((90, 3)) < np.array([0.2, 0.3, 0.8])
    same = task(given, ["the same"] * 90, [f"c{number}" for number in range(90)])
    made, checks = several.fit(same)
    told = several._manifest(same, checks, None)
    assert told["thresholds"]["label 0"] > 1 and told["thresholds"]["label 1"] > 1 >= told["thresholds"]["label 2"]
    assert "It never says 'label 0' and 'label 1'" in told["promise"]
    (said,) = several_model.guess(made, ["the same"], thresholds=told["thresholds"])
    assert (said.label_id, said.also) == ("label 2", ())


def test_one_customer_alone_can_be_learned_from_and_nothing_is_promised() -> None:
    given = np.arange(60)[:, None] % 2 == 0
    alone = task(given, ["broken" if row else "fine" for row in given[:, 0]], ["the one"] * 60)
    _, checks = several.fit(alone)
    told = several._manifest(alone, checks, None)
    assert checks is None and told["thresholds"] == {"label 0": abstention.NEVER} and not told["promised"] and told["accuracy_n"] == 0


def test_a_promise_is_kept_on_customers_that_come_later() -> None:
    """Three labels of which two are plain and one is often named by mistake: only the first two are promised, and hold."""
    rng = np.random.default_rng(7)
    given = rng.random((1_200, 3)) < 0.4
    shown = np.where(rng.random(given.shape) < np.array([0.01, 0.02, 0.45]), ~given, given)
    texts = [" ".join(["hello", *(f"word{place} sign{place}" for place in np.nonzero(row)[0])]) for row in shown]
    half = task(given[:600], texts[:600], [f"c{number}" for number in range(600)])
    made, checks = several.fit(half)
    told = several._manifest(half, checks, 0.9)
    assert told["promised_labels"] == ["label 0", "label 1"] and not told["promised"]
    assert told["promise"].startswith(
        "Where it says 'label 0' and 'label 1', it is right at least 90\u00a0% of the time; that is 95\u00a0% sure."
    )
    later = several_model.shares_of(made, texts[600:])
    for place in (0, 1):
        said = later[:, place] >= told["thresholds"][f"label {place}"]
        assert said.sum() > 100 and given[600:][said, place].mean() >= 0.9
    unsure = several_evidence.figures(checks.seen, np.full(3, 0.5))  # the control: a label of chance is not well known
    assert next(one for one in unsure["per_label"] if one["label"] == "label 2")["f1"]["value"] < 0.75
    shares = checks.seen.shares
    assert np.abs(shares.mean(axis=0) - checks.seen.given.mean(axis=0)).max() < 0.02  # calibrated


def test_it_learns_from_vectors_too(sqlite_home: Path) -> None:
    staff = hire()
    taught(staff, range(1, 121))
    version = several.train("Topics", by=staff.rep, encoder=Small())
    made = files.load(version)
    assert version.manifest["encoder"] == "small" and made.learned.turned.shape == (32, 3)
    text = "a broken lid"
    (said,) = several_model.guess(made, [text], Small().encode([text]), thresholds=version.manifest["thresholds"])
    assert said.label_id == topics(staff)["Damage"]


# -- shipping ---------------------------------------------------------------------------------------------------------------------------


@worlds.remembered
def ready(staff: Staff) -> Target:
    """A candidate that was measured on what was kept for testing."""
    taught(staff, range(1, 151))
    gathering.freeze_kept("Topics", by=staff.rep)
    target = versions.target_of(training.train("Topics", by=staff.rep))
    shipping.evaluate(target, by=staff.rep)
    return target


@worlds.remembered
def ship(staff: Staff, target: Target) -> None:
    proposal = shipping.propose(target, why="It is ready.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    shipping.ship(proposal.id)


def test_the_first_release_goes_live_and_what_it_says_is_kept_whole(staff: Staff) -> None:
    target = ready(staff)
    known = shipping.evidence(target, by=staff.rep)
    assert known.eval_set.name == "Topics: all that come up" and known.passed.n >= gate.FEWEST_CASES and known.decision.is_open
    ship(staff, target)
    live = releases.live("classifier", "Topics")
    assert live is not None and releases.target_of(live) == ONE
    ids = arrived(staff, range(1001, 1009))
    assert arrivals.predict(ids, name="Topics") == 8
    with store.reading() as db:
        rows = {one.conversation_id: one for one in db.exec(select(Prediction).where(Prediction.target_name == "Topics"))}
    names = {made: name for name, made in topics(staff).items()}
    for number, made in zip(range(1001, 1009), ids, strict=True):
        row = rows[made]
        assert sorted(names[one] for one in [*([row.label_id] if row.label_id else []), *row.also]) == sorted(about(number))
        assert len(row.top) == 3 and row.top[0][1] >= row.top[1][1] >= row.top[2][1] and (row.label_id or not row.also)


def test_a_worse_one_cannot_be_proposed(sqlite_home: Path) -> None:
    staff = hire()
    ship(staff, ready(staff))
    known = topics(staff)
    with store.writing():
        for row in examples.for_training("Topics", by=staff.rep):  # somebody says everywhere what does not come up
            say(staff, row.conversation_id, [made for made in known.values() if made not in row.label_ids])
    worse = versions.target_of(training.train("Topics", by=staff.rep))
    found = shipping.evaluate(worse, by=staff.rep)
    assert found.comparison is not None and found.comparison.verdict == "worse" and found.passed.value < 0.3
    with pytest.raises(Refused, match=r"^Not proposed: .*it is worse than what is live: \d+ cases break, 0 are fixed\."):
        shipping.propose(worse, why="Trust me.", by=staff.rep)


# -- outside ----------------------------------------------------------------------------------------------------------------------------


def test_the_exported_folder_answers_as_the_portal_does(sqlite_home: Path, tmp_path: Path) -> None:
    staff = hire()
    taught(staff, range(1, 91))
    version = training.train("Topics", by=staff.rep)
    folder = exporting.export(ONE, tmp_path / "out", by=staff.rep)
    texts = [text_of(number) for number in range(301, 309)] + ["", "😀"]
    names: dict[str, Any] = version.manifest["label_names"]
    for one, said in zip(serving.guess(ONE, texts), alone(folder, texts), strict=True):
        assert said["labels"] == [names[made] for made in ([one.label_id, *one.also] if one.label_id else [])]
        assert said["confidence"] == pytest.approx(one.confidence, abs=1e-3)
    assert '[0]["labels"]' in (folder / "README.md").read_text()
