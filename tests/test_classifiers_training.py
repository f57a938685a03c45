"""Training: from reviewed conversations only, never from a test, and told in numbers when it cannot be done."""

import dataclasses
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from classifiers import curve, evidence, files, model, serving, training
from data import examples, people, reviews, sealing, store, tasks, versions
from data.errors import Denied, Refused
from data.examples import TrainingRow
from data.intake import door
from data.tables import Person, Review
from evals import freezing, sets
from tests import worlds
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_evals_sets import NAMES, flagged_set, intents


@worlds.remembered
def reviewed(staff: Staff, numbers: Iterable[int], *, by: Person | None = None, shift: int = 0, intent: str | None = None) -> list[str]:
    """Conversations that arrived and were reviewed with their intent; `shift` gives each the intent of another."""
    chosen = list(numbers)
    with store.writing():
        known = intents(staff)
        ids = door.receive([canonical(number, team="Oak") for number in chosen], by=staff.engineer, classify=False).ids
        for number, made in zip(chosen, ids, strict=True):
            name = intent or NAMES[(number + shift) % len(NAMES)]
            reviews.record(made, "strong", label_id=known[name], by=by or staff.rep)
    return ids


@worlds.remembered
def frozen_set(staff: Staff, numbers: Iterable[int], *, bar: float = 0.6) -> tuple[str, list[str]]:
    """Conversations that were reviewed and became the cases of a frozen set."""
    chosen = list(numbers)
    with store.writing():
        ids = reviewed(staff, chosen)
        eval_set = sets.create("Everyday intents", by=staff.lead, bar=bar)
        for number, made in zip(chosen, ids, strict=True):
            label = intents(staff)[NAMES[number % len(NAMES)]]
            examples.flag(made, "strong", why="A clear case.", eval_set_id=eval_set.id, label_id=label, by=staff.rep)
        return freezing.freeze(eval_set.id, by=staff.lead).id, ids


def row(number: int, customer: str, label: str, text: str = "") -> TrainingRow:
    review = Review(conversation_id=str(number), seq=1, verdict="strong", label_id=label)
    return TrainingRow(str(number), customer, text or f"text {number}", label, label, review)


class Small:
    """An encoder for tests: the words counted in 32 places, so that equal texts have equal vectors."""

    name, is_fallback = "small", False

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), 32), np.float32)
        for place, text in enumerate(texts):
            for word in text.lower().split():
                rows[place, zlib.crc32(word.encode()) % 32] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def speaks(self, language: str | None) -> bool:
        return True


def test_cases_of_an_eval_set_are_never_among_the_rows(staff: Staff) -> None:
    plain = reviewed(staff, range(1, 61))
    _, tested = frozen_set(staff, range(61, 81))
    rows = examples.for_training(by=staff.rep)
    assert {row.conversation_id for row in rows} == set(plain)
    version = training.train(by=staff.rep)
    assert version.manifest["rows"] == version.manifest["validation_rows"] == 60
    used = [review.id for review in _standing() if review.conversation_id in plain]
    with_tests = [review.id for review in _standing() if review.conversation_id in (*plain, *tested)]
    assert version.manifest["reviews_sha"] == sealing.sha("".join(sorted(used)))
    assert len(with_tests) == 80 and version.manifest["reviews_sha"] != sealing.sha("".join(sorted(with_tests)))


def _standing() -> list[Review]:
    with store.reading() as db:
        return list(reviews.last_said(db).values())


def test_flagged_conversations_are_rows_until_they_are_frozen(staff: Staff) -> None:
    ids = reviewed(staff, range(1, 9))
    eval_set = sets.create("Everyday intents", by=staff.lead)
    label = next(iter(intents(staff).values()))
    examples.flag(ids[0], "weak", why="A clear case.", eval_set_id=eval_set.id, label_id=label, by=staff.rep)
    assert len(examples.for_training(by=staff.rep)) == 8
    freezing.freeze(eval_set.id, by=staff.lead)
    assert {row.conversation_id for row in examples.for_training(by=staff.rep)} == set(ids[1:])


def test_the_words_of_a_case_are_not_learned_from_another_conversation_either(staff: Staff) -> None:
    _, tested = frozen_set(staff, range(1, 5))
    again = canonical(1, team="Oak", id="the same words under another id", customer="somebody else")
    other = canonical(50, team="Oak")
    ids = door.receive([again, other], by=staff.engineer).ids
    for made in ids:
        reviews.record(made, "strong", label_id=intents(staff)[NAMES[1]], by=staff.rep)
    assert len(tested) == 4
    assert [row.conversation_id for row in examples.for_training(by=staff.rep)] == [ids[1]]


def test_too_few_reviewed_conversations_are_refused_with_the_numbers(staff: Staff) -> None:
    reviewed(staff, range(1, 40))
    with pytest.raises(Refused) as refused:
        training.train(by=staff.rep)
    assert str(refused.value) == (
        "Not trained: 39 reviewed conversations can be learned from, at least 40 in two intents with 4 each are needed. Review some more."
    )
    assert versions.all_of("classifier", "intent") == []
    reviewed(staff, [40])
    assert training.train(by=staff.rep).target_number == 1


def test_one_intent_alone_cannot_be_learned(staff: Staff) -> None:
    reviewed(staff, range(1, 51), intent="Refund")
    with pytest.raises(Refused, match="50 reviewed conversations can be learned from, at least 40 in two intents"):
        training.train(by=staff.rep)


def test_rare_labels_are_left_out_by_name(staff: Staff) -> None:
    reviewed(staff, [number for number in range(1, 81) if number % 4 not in (2, 3)])
    reviewed(staff, range(100, 103), intent="Invoice")
    version = training.train(by=staff.rep)
    assert version.manifest["left_out_labels"] == ["Invoice"]
    assert version.manifest["labels"] == 2 and version.manifest["rows"] == 40
    assert intents(staff)["Invoice"] not in files.load(version).labels
    reviewed(staff, [103], intent="Invoice")  # the fourth makes it learnable
    again = training.train(by=staff.rep)
    assert again.manifest["left_out_labels"] == [] and intents(staff)["Invoice"] in files.load(again).labels


def test_a_customer_is_checked_by_a_model_that_saw_nothing_of_them() -> None:
    customers = [f"customer {number % 70}" for number in range(600)]
    names = [f"label {number % 3}" for number in range(600)]
    part = training.folds(names, customers)
    assert {len({part[row] for row in range(600) if customers[row] == customer}) for customer in customers} == {1}
    assert min(np.bincount(part)) > 150
    assert {(name, int(where)) for name, where in zip(names, part, strict=True)} == {(f"label {n}", k) for n in range(3) for k in range(3)}
    again = training.folds(names[::-1], customers[::-1])
    assert (again[::-1] == part).all()  # by customer, not by place
    assert (training.folds(names, customers, seed=1) != part).any()


def test_what_is_told_is_what_models_said_that_had_not_seen_the_customer() -> None:
    """Each customer repeats one sentence with a label of chance: whoever had seen the customer would be right."""
    rng = np.random.default_rng(0)
    chance = [f"label {rng.integers(2)}" for _ in range(40)]
    rows = [row(n, f"customer {n % 40}", chance[n % 40], f"sentence of number {n % 40}") for n in range(160)]
    made, checks = training.fit(training.prepare(rows, {}))
    assert checks is not None and len(checks.places) == 160
    assert checks.seen.right.mean() < 0.7
    seen = model.guess(made, [one.text for one in rows], temperature=0.3, threshold=0.0)
    assert np.mean([one.top[0][0] == two.label for one, two in zip(seen, rows, strict=True)]) > 0.95  # the control


def test_labels_of_a_single_customer_are_counted_as_not_known() -> None:
    rows = [row(n, f"customer {n}", f"label {n % 2}", f"word{n % 2} of it") for n in range(40)]
    rows += [row(n, "the same", "only here", "another matter") for n in range(40, 50)]
    _, checks = training.fit(training.prepare(rows, {}))
    assert checks is not None
    recall = {one["label"]: one["recall"]["value"] for one in evidence.per_label(checks.seen)}
    assert recall == {"label 0": 1.0, "label 1": 1.0, "only here": 0.0}


def test_rows_of_one_customer_alone_are_learned_and_the_machine_keeps_silent(staff: Staff) -> None:
    rows = [row(n, "the same", f"label {n % 2}", f"word{n % 2} of it") for n in range(40)]
    task = training.prepare(rows, {})
    made, checks = training.fit(task)
    assert checks is None
    version = training.keep("intent", task, made, checks, told={}, by=staff.rep)
    assert version.manifest["accuracy"] is None and version.manifest["validation_rows"] == 0
    assert serving.guess(versions.target_of(version), ["word1 of it"])[0].label_id is None


def test_the_same_rows_and_seed_make_the_same_file(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    first, second = training.train(by=staff.rep, encoder=Small()), training.train(by=staff.lead, encoder=Small())
    assert first.file_sha == second.file_sha and first.body == second.body
    timeless = [{name: told for name, told in made.manifest.items() if name != "seconds"} for made in (first, second)]
    assert timeless[0] == timeless[1]
    assert training.train(by=staff.rep, encoder=Small(), seed=3).manifest["rows_sha"] == first.manifest["rows_sha"]
    reviewed(staff, [61])
    third = training.train(by=staff.rep, encoder=Small())
    assert third.file_sha != first.file_sha
    assert third.manifest["reviews_sha"] != first.manifest["reviews_sha"] and third.manifest["rows_sha"] != first.manifest["rows_sha"]


def test_without_an_encoder_it_learns_from_words_and_says_so(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    blind, seeing = training.train(by=staff.rep), training.train(by=staff.rep, encoder=Small())
    assert (blind.manifest["encoder"], blind.manifest["features"]) == (None, "words only")
    assert blind.manifest["sentence"].endswith("it sees words and word pieces only, without sentence vectors.")
    assert (seeing.manifest["encoder"], seeing.manifest["features"]) == ("small", "words and vectors")
    assert seeing.manifest["sentence"] == (
        "With 15 examples a label (median), a linear SVM; it sees words and word pieces beside sentence vectors."
    )
    assert files.load(seeing).encoder == "small" and files.load(blind).encoder is None


@pytest.mark.parametrize("each", [training.FEW - 1, training.FEW])
def test_the_method_is_chosen_by_the_examples_a_label(each: int) -> None:
    rows = [row(n, f"customer {n}", f"label {n % 4}", f"word{n % 4} thing{n}") for n in range(4 * each)]
    own = {f"label {n}": f"word{n} as it is called" for n in range(4)}
    task = training.prepare(rows, own, encoder=Small(), vectors_of=Small().encode)
    made, checks = training.fit(task)
    assert checks is not None and len(checks.places) == 4 * each  # a label's own words are not checked
    assert task.few == (each < training.FEW) == (made.method == model.ENSEMBLE)
    assert task.sentence.startswith(f"With {each} examples a label (median), {'its own words' if task.few else 'a linear SVM'}")
    assert int(task.rows.own_words.sum()) == (4 if task.few else 0)
    assert [*made.ids].count("") == (4 if task.few else 0)


def test_the_manifest_and_the_body_say_what_was_found(staff: Staff) -> None:
    ids = reviewed(staff, range(1, 61))
    version = training.train(by=staff.rep)
    told = version.manifest
    assert sorted(told["label_names"].values()) == sorted(NAMES) and told["label_ids"] == sorted(told["label_names"])
    assert {one["label"]: one["support"] for one in told["per_label"]} == dict.fromkeys(NAMES, 15)
    assert told["accuracy_k"] == sum(one["recall"]["k"] for one in told["per_label"]) and told["accuracy_n"] == 60
    assert told["taught_by"] == {staff.rep.id: 60}
    assert sum(one["n"] for one in version.body["confusions"]) == 60 - told["accuracy_k"]
    assert {made for one in version.body["confusions"] for made in one["conversation_ids"]} <= set(ids)
    assert {one["slice"] for one in version.body["slices"]} == {"channel", "language"}
    checked = evidence.unpacked(version.body["checked"])
    assert (checked["said"] == checked["given"]).sum() == told["accuracy_k"] and len(set(checked["customer"].tolist())) > 1


def test_a_label_for_all_else_is_known_by_its_name_and_learned(staff: Staff) -> None:
    rows = [row(n, f"customer {n}", f"label {n % 3}", f"word{n % 3} of the matter word{n % 3}") for n in range(60)]
    rows += [row(100 + n, f"stranger {n}", "Out of scope", f"quite{n} different{n * 7} poem{n * 3}") for n in range(20)]
    task = training.prepare(rows, {}, encoder=Small(), vectors_of=Small().encode)
    made, checks = training.fit(task)
    assert task.names[task.other or 0] == "Out of scope" and checks is not None
    asked = ["word1 of the matter word1", "an unheard song"]
    usual, strange = model.guess(made, asked, Small().encode(asked), temperature=checks.temperature, threshold=0.0)
    assert usual.other < 0.3 < strange.other and usual.label_id == "label 1"
    renamed = [dataclasses.replace(one, label="A poem") if one.label == "Out of scope" else one for one in rows]
    assert training.prepare(renamed, {}).other is None  # the control
    assert training.prepare(renamed, {}, other_label_id="Out of scope").other is not None


def test_of_very_many_rows_the_rare_labels_keep_theirs() -> None:
    rows = [row(n, str(n), "frequent") for n in range(900)] + [row(n, str(n), "usual") for n in range(900, 1_000)]
    rows += [row(n, str(n), "rare") for n in range(1_000, 1_010)]
    kept = training.fewer(rows, 200)
    assert Counter(one.label for one in kept) == {"frequent": 95, "usual": 95, "rare": 10}
    assert kept == [one for one in rows if one in kept]
    assert training.fewer(rows, 2_000) == rows
    assert Counter(one.label for one in training.fewer(rows, 400)) == {"frequent": 290, "usual": 100, "rare": 10}


@pytest.mark.parametrize("text", ["the same", "😀 🎉", "x" * 50_000, "a", "\0"], ids=["equal", "emoji", "one long word", "a letter", "nul"])
def test_texts_that_cannot_be_told_apart_are_a_result_or_a_sentence(text: str, staff: Staff) -> None:
    rows = [row(n, f"customer {n}", f"label {n % 2}", text) for n in range(60)]
    _, checks = training.fit(training.prepare(rows, {}, encoder=Small(), vectors_of=Small().encode))
    assert checks is not None and checks.seen.right.mean() < 0.7
    if text == "\0":
        with pytest.raises(Refused, match=r"^Not trained: no word occurs in the texts\."):
            training.prepare([dataclasses.replace(one, text=" ") for one in rows], {})
    else:
        task = training.prepare(rows, {})
        version = training.keep("intent", task, *training.fit(task), told={}, by=staff.rep)
        assert serving.guess(versions.target_of(version), [text])[0].label_id is None


def test_no_examples_at_all_are_refused_with_the_numbers(staff: Staff) -> None:
    with pytest.raises(Refused, match=r"^Not trained: 0 reviewed conversations can be learned from"):
        training.train(by=staff.rep)
    reviewed(staff, [1, 2])
    with pytest.raises(Refused, match=r"^Not trained: 0 reviewed conversations can be learned from, at least 40 in two intents"):
        training.train(by=staff.rep)


def test_it_can_be_stopped_between_two_parts(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    heard: list[tuple[float, str]] = []

    def stop(share: float, doing: str) -> None:
        heard.append((share, doing))
        if doing.startswith("Checking on the customers of part 2"):
            raise tasks.Cancelled

    with pytest.raises(tasks.Cancelled):
        training.train(by=staff.rep, progress=stop)
    assert versions.all_of("classifier", "intent") == []
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)


def test_the_learning_curve_rises_and_names_labels_only_where_it_can(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    told = curve.of_examples(by=staff.rep)
    assert [one["examples"] for one in told["points"]] == sorted(one["examples"] for one in told["points"])
    assert len(told["points"]) == len(curve.FRACTIONS) and told["sentences"] == []  # 20 checked rows tell nothing of a label
    rng = np.random.default_rng(2)
    # a text is a word of its label, and the more examples there are the more of its words are known
    rows = [row(n, str(n), f"label {n % 2}", sealing.sha(f"{n % 2} {rng.integers(250)}")[:9]) for n in range(1_500)]
    found = curve.of_task(training.prepare(rows, {}))
    rights = [one["right"]["value"] for one in found["points"]]
    assert rights[-1] > rights[0] + 0.1 and len(found["sentences"]) >= 1
    assert re.fullmatch(r"About [\d,]+ more examples of 'label \d' would add 2 points\.", found["sentences"][0])


def test_a_version_names_its_trainer_and_follows_the_one_before(staff: Staff) -> None:
    reviewed(staff, range(1, 51))
    first, second = training.train(by=staff.rep), training.train(by=staff.engineer)
    assert [(made.target_number, made.parent_number, made.authors) for made in (first, second)] == [
        (1, None, [staff.rep.id]),
        (2, 1, [staff.engineer.id]),
    ]
    assert (files.config.folder("models") / f"{first.file_sha}.skops").is_file()


def test_the_last_review_of_a_conversation_is_the_one_that_is_learned(staff: Staff) -> None:
    ids = reviewed(staff, range(1, 9))
    wrong = intents(staff)["Invoice"]
    reviews.record(ids[0], "strong", label_id=wrong, by=staff.lead)
    assert next(row for row in examples.for_training(by=staff.rep) if row.conversation_id == ids[0]).label == "Invoice"


def test_somebody_disabled_trains_nothing(staff: Staff) -> None:
    reviewed(staff, range(1, 51))
    people.disable(staff.rep.id, by=staff.admin)
    gone = people.get(staff.rep.id)
    assert gone is not None
    with pytest.raises(Denied, match="this account is disabled"):
        training.train(by=gone)
    assert versions.all_of("classifier", "intent") == []


def test_a_set_that_only_waits_holds_nothing_back(staff: Staff) -> None:
    flagged_set(staff, range(1, 5))
    assert examples.for_training(by=staff.rep) == []  # flagged, never reviewed: no rows either
