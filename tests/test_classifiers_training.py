"""Training: from reviewed conversations only, never from a test, and told in numbers when it cannot be done."""

from collections.abc import Iterable

import pytest

from classifiers import files, model, training
from data import examples, people, reviews, sealing, store, versions
from data.errors import Denied, Refused
from data.examples import TrainingRow
from data.intake import door
from data.tables import Person, Review
from evals import freezing, sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_evals_sets import NAMES, flagged_set, intents


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


def row(number: int, customer: str, label: str) -> TrainingRow:
    review = Review(conversation_id=str(number), seq=1, verdict="strong", label_id=label)
    return TrainingRow(str(number), customer, f"text {number}", label, label, review)


def test_cases_of_an_eval_set_are_never_among_the_rows(staff: Staff) -> None:
    plain = reviewed(staff, range(1, 61))
    _, tested = frozen_set(staff, range(61, 81))
    rows = examples.for_training(by=staff.rep)
    assert {row.conversation_id for row in rows} == set(plain)
    version = training.train(by=staff.rep)
    assert version.manifest["rows"] + version.manifest["validation_rows"] == 60
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
    assert version.manifest["labels"] == 2 and version.manifest["rows"] + version.manifest["validation_rows"] == 40
    assert intents(staff)["Invoice"] not in files.load(version).classes_
    reviewed(staff, [103], intent="Invoice")  # the fourth makes it learnable
    again = training.train(by=staff.rep)
    assert again.manifest["left_out_labels"] == [] and intents(staff)["Invoice"] in files.load(again).classes_


def test_the_validation_rows_are_those_of_other_customers() -> None:
    rows = [row(number, f"customer {number % 60}", f"label {number % 3}") for number in range(600)]
    learned, held = training.split(rows)
    assert sorted(one.conversation_id for one in (*learned, *held)) == sorted(one.conversation_id for one in rows)
    assert {one.customer_id for one in learned}.isdisjoint(one.customer_id for one in held)
    assert 0.1 < len(held) / len(rows) < 0.3
    assert training.split(list(reversed(rows)))[1] == list(reversed(held))  # by customer, not by place


def test_a_label_that_only_held_customers_have_is_learned_and_they_stay_on_one_side() -> None:
    held_customer = next(f"customer {n}" for n in range(100) if training._place(f"customer {n}") < training.VALIDATION)
    free_customer = next(f"customer {n}" for n in range(100) if training._place(f"customer {n}") >= training.VALIDATION)
    rows = [row(n, free_customer, "usual") for n in range(6)]
    rows += [row(n, held_customer, "usual") for n in range(6, 12)] + [row(n, held_customer, "only here") for n in range(12, 16)]
    learned, held = training.split(rows)
    assert {one.label for one in learned} == {"usual", "only here"}
    assert {one.customer_id for one in learned}.isdisjoint(one.customer_id for one in held)


def test_the_same_rows_and_seed_make_the_same_model(staff: Staff) -> None:
    reviewed(staff, range(1, 61))
    first, second = training.train(by=staff.rep), training.train(by=staff.lead)
    texts = [f"a text of number {number} about the refund" for number in range(20)]
    margins = [model.margins(files.load(version), texts) for version in (first, second)]
    assert first.manifest["reviews_sha"] == second.manifest["reviews_sha"]
    reviewed(staff, range(61, 91))  # so many that some are learned from, whoever is held back
    third = training.train(by=staff.rep)
    assert third.file_sha != first.file_sha and third.manifest["reviews_sha"] != first.manifest["reviews_sha"]
    assert margins[0].tolist() == margins[1].tolist()


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
