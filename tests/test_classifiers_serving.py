"""Serving: what the live version says of conversations is written once, silence included, and stays when another goes live."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import skops.io
from sqlmodel import select

from classifiers import arrivals, files, model, serving, training
from data import config, conversations, encoding, predictions, releases, sealing, store, vectors, versions
from data.errors import Refused
from data.intake import door
from data.tables import Prediction, Version
from data.values import Target
from evals import sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_model import taught
from tests.test_classifiers_training import Small, frozen_set, reviewed
from tests.test_evals_sets import NAMES, intents


def arrive(staff: Staff, numbers: range) -> list[str]:
    return door.receive([canonical(number, team="Oak") for number in numbers], by=staff.engineer, classify=False).ids


def go_live(staff: Staff, number: int) -> Target:
    """As shipping does in its transaction, once somebody approved."""
    target = Target("classifier", "intent", number)
    with store.writing() as db:
        releases.go_live(db, target, proposal_id=None, why_before_ends="followed", by=staff.lead)
    return target


def with_threshold(staff: Staff, threshold: float) -> Version:
    """The newest version again, with another threshold."""
    newest = versions.all_of("classifier", "intent")[0]
    with store.writing() as db:
        manifest = {**newest.manifest, "threshold": threshold, "temperature": 0.3}
        return versions.add(db, "classifier", "intent", by=staff.rep, manifest=manifest, file_sha=newest.file_sha)


def all_predictions() -> list[Prediction]:
    with store.reading() as db:
        return list(db.exec(select(Prediction).order_by(Prediction.id)))


def test_predictions_are_written_once_and_only_for_what_was_given(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STEP", 7)
    reviewed(staff, range(1, 61))
    training.train(by=staff.rep)
    assert arrivals.predict(arrive(staff, range(900, 903))) == 0 and all_predictions() == []  # nothing is live yet
    go_live(staff, 1)
    ids = arrive(staff, range(100, 120))
    assert arrivals.predict(ids) == 20
    written = all_predictions()
    assert {made.conversation_id for made in written} == set(ids) and len(written) == 20
    right = {made: intents(staff)[NAMES[number % 4]] for made, number in zip(ids, range(100, 120), strict=True)}
    assert sum(made.top[0][0] == right[made.conversation_id] for made in written) >= 18
    assert all(made.label_id in (None, made.top[0][0]) for made in written)
    assert {(made.target_number, made.mode, made.seq) for made in written} == {(1, "live", 1)}

    assert arrivals.predict(ids) == 0  # again: nothing is written, nothing changes
    assert [made.model_dump() for made in all_predictions()] == [made.model_dump() for made in written]
    assert arrivals.predict([*ids, "no such conversation"]) == 0
    assert arrivals.predict([]) == 0


def test_silence_is_kept_as_null_beside_what_it_would_have_said(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    training.train(by=staff.rep)
    with_threshold(staff, 0.99999)
    go_live(staff, 2)
    assert arrivals.predict(arrive(staff, range(100, 105))) == 5
    for made in all_predictions():
        assert made.label_id is None and made.threshold == 0.99999
        assert 0 < made.confidence < 0.99999 and len(made.top) == 3
        assert made.top[0][0] in intents(staff).values()
    with_threshold(staff, 0.0)  # the control: the same model that may speak, speaks
    go_live(staff, 3)
    ids = arrive(staff, range(105, 110))
    assert arrivals.predict(ids) == 5
    assert all(predictions.of_conversation(made).label_id for made in ids)  # type: ignore[union-attr]


def test_after_a_new_release_the_earlier_predictions_stay(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    training.train(by=staff.rep)
    go_live(staff, 1)
    earlier = arrive(staff, range(100, 106))
    arrivals.predict(earlier)
    before = [made.model_dump() for made in all_predictions()]
    with_threshold(staff, 0.99999)
    go_live(staff, 2)
    later = arrive(staff, range(200, 204))
    assert arrivals.predict(later) == 4
    assert [made.model_dump() for made in all_predictions()][: len(before)] == before
    assert {predictions.of_conversation(made).target_number for made in earlier} == {1}  # type: ignore[union-attr]
    assert {predictions.of_conversation(made).target_number for made in later} == {2}  # type: ignore[union-attr]
    arrivals.predict(earlier)  # asked again under the new one, what was said first is still what counts
    assert {predictions.of_conversation(made).target_number for made in earlier} == {1}  # type: ignore[union-attr]
    assert {made.label_id for made in all_predictions() if made.target_number == 2} == {None}


def test_a_live_model_that_was_tampered_with_predicts_nothing(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    version = training.train(by=staff.rep)
    go_live(staff, 1)
    ids = arrive(staff, range(100, 105))
    path: Path = config.folder("models") / f"{version.file_sha}.skops"
    honest = path.read_bytes()
    path.write_bytes(skops.io.dumps(files._parts(taught(["where is it", "refund it"] * 4, list(intents(staff).values())[:2] * 4))))
    with pytest.raises(Refused, match=r"^intent 1 cannot be used: its model file is not the one that was made\."):
        arrivals.predict(ids)
    assert all_predictions() == []
    path.write_bytes(honest)
    assert arrivals.predict(ids) == 5


def test_in_a_run_it_names_its_best_guess_and_says_that_it_would_have_kept_silent(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    version_id, _ = frozen_set(staff, range(61, 69))
    training.train(by=staff.rep)
    silent = with_threshold(staff, 0.99999)
    cases = sets.cases(version_id)
    told = [one.output or {} for one in serving.ask(versions.target_of(silent))(cases) if one]
    assert len(told) == 8 and all(one["silent"] and one["label"] in NAMES for one in told)
    spoken = [one.output or {} for one in serving.ask(Target("classifier", "intent", 1))(cases) if one]
    assert [(one["label"], one["label_id"]) for one in spoken] == [(one["label"], one["label_id"]) for one in told]
    assert files.load(silent) is not None


def use(encoder: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this one were installed."""
    monkeypatch.setattr(encoding, "in_force", lambda: encoder)


def test_it_sees_with_the_encoder_that_it_learned_with(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep, encoder=Small()))
    use(Small(), monkeypatch)
    texts = list(texts_of(arrive(staff, range(100, 110))).values())
    computed = serving.guess(target, texts)
    vectors.fill(Small())  # now they are read
    assert [one.top for one in serving.guess(target, texts)] == [one.top for one in computed]
    assert [serving.guess(target, [text])[0].top[0][0] for text in texts] == [one.top[0][0] for one in computed]
    monkeypatch.setattr(serving, "STEP", 3)
    assert [one.top for one in serving.guess(target, texts)] == [one.top for one in computed] and serving.guess(target, []) == []


def texts_of(ids: list[str]) -> dict[str, str]:
    with store.reading() as db:
        found = conversations.texts(db, ids)
    return {made: found[made][1] for made in ids}


def test_with_another_encoder_or_none_it_says_what_is_missing(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep, encoder=Small()))
    with pytest.raises(
        Refused,
        match=r"^intent 1 cannot answer: it was trained with the encoder small, and no encoder is installed\. Put that encoder back",
    ):
        serving.guess(target, ["where is my order"])
    other = Small()
    other.name = "large"
    use(other, monkeypatch)
    with pytest.raises(Refused, match=r"and the encoder in force is large\. .* or train again\.$"):
        serving.why(target, "where is my order")
    blind = versions.target_of(training.train(by=staff.rep))
    assert serving.guess(blind, ["where is my order"])[0].top  # the control: words need none


def test_why_names_the_words_and_the_nearest_conversations(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep, encoder=Small()))
    use(Small(), monkeypatch)
    texts = texts_of(ids)
    asked = texts[ids[0]]
    told = serving.why(target, asked)
    assert told.guess.top[0][0] == intents(staff)[NAMES[1]]
    assert told.words and all(word in asked.lower() for name, _ in told.words for word in name.split())
    assert told.sentence.startswith("What speaks for it: “")
    assert len(told.nearest) == 3 and texts[told.nearest[0][0]] == asked and told.nearest[0][2] == pytest.approx(1.0, abs=0.01)
    assert serving.why(target, "😀").sentence == "No word of the text speaks for it by itself."


def test_a_version_of_an_older_portal_still_answers(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    known = intents(staff)
    texts, ids = ["where is my order", "refund my money"] * 4, [known["Order status"], known["Refund"]] * 4
    content = skops.io.dumps(model.untrained().fit(texts, ids))
    sha = sealing.sha(content)
    (config.folder("models") / f"{sha}.skops").write_bytes(content)
    with store.writing() as db:
        manifest = {"rows": 8, "temperature": 0.3, "threshold": 0.0, "accuracy": 1.0, "accuracy_k": 8, "accuracy_n": 8, "answered": 1.0}
        version = versions.add(db, "classifier", "intent", by=staff.rep, manifest=manifest, file_sha=sha)
    target = versions.target_of(version)
    said = serving.guess(target, ["where is my order", "refund"])
    assert [one.label_id for one in said] == ids[:2] and said[0].other == 0.0
    assert serving.why(target, "refund my money").nearest == []


def test_requests_go_on_while_another_version_is_read(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hot reload: whoever asks the old one does not wait for the new one."""
    reviewed(staff, range(1, 61))
    old, new = (versions.target_of(training.train(by=staff.rep)) for _ in range(2))
    serving.guess(old, ["where is my order"])
    began, may_end = threading.Event(), threading.Event()
    load = files.load

    def slow(version: Version) -> model.Model:
        began.set()
        assert may_end.wait(30)
        return load(version)

    monkeypatch.setattr(files, "load", slow)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(serving.guess, new, ["where is my order"])
        assert began.wait(30)
        assert serving.guess(old, ["where is my order"])[0].top and not coming.done()
        may_end.set()
        assert coming.result(30)[0].top
