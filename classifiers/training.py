"""Trains a candidate from reviewed conversations."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np

from classifiers import KIND, files, model
from data import access, audit, examples, labels, sealing, store, versions
from data.errors import Refused
from data.examples import TrainingRow
from data.tables import Person, Version

FEWEST_ROWS, FEWEST_A_LABEL = 40, 4
VALIDATION = 0.2
PRECISION = 0.9  # what it must be right in, else it keeps silent

Progress = Callable[[float, str], None]


def train(
    name: str = labels.INTENT,
    *,
    by: Person,
    progress: Progress = lambda _share, _doing: None,
    seed: int = 0,
    at: datetime | None = None,
) -> Version:
    """Train on the reviewed rows and keep the result as the next version. Eval cases are never among the rows."""
    access.require(by, "classifier.train")
    started = time.perf_counter()
    progress(0.05, "Reading reviewed conversations")
    rows, rare = _without_rare(examples.for_training(name, by=by))
    train_rows, validation_rows = split(rows)
    progress(0.2, f"Learning from {len(train_rows):,} conversations")
    pipeline = model.untrained(seed).fit([row.text for row in train_rows], [row.label_id for row in train_rows])
    progress(0.8, f"Checking on {len(validation_rows):,} others")
    checked = _check(pipeline, validation_rows)
    manifest = {
        "rows": len(train_rows), "validation_rows": len(validation_rows), "labels": len(pipeline.classes_), "left_out_labels": rare,
        "seed": seed, "precision_wanted": PRECISION, "seconds": round(time.perf_counter() - started, 2),
        "reviews_sha": sealing.sha("".join(sorted(row.review.id for row in rows))), **checked,
        "taught_by": dict(Counter(row.review.by_person_id for row in train_rows if row.review.by_person_id)),
    }  # fmt: skip
    file_sha = files.save(pipeline)
    with store.writing() as db:
        version = versions.add(db, KIND, name, by=by, manifest=manifest, file_sha=file_sha, at=at)
        sentence = f"Trained {versions.target_of(version)} on {len(train_rows):,} reviewed conversations."
        audit.record(db, by, "trained", "version", version.id, sentence, at=at, after={"file_sha": file_sha})
    progress(1.0, "")
    return version


def _without_rare(rows: list[TrainingRow]) -> tuple[list[TrainingRow], list[str]]:
    """Labels that are too rare to learn are left out, and named."""
    counts = Counter(row.label for row in rows)
    kept = [row for row in rows if counts[row.label] >= FEWEST_A_LABEL]
    rare = sorted(label for label, count in counts.items() if count < FEWEST_A_LABEL)
    if len(kept) < FEWEST_ROWS or len({row.label for row in kept}) < 2:
        raise Refused(
            f"Not trained: {len(kept):,} reviewed conversations can be learned from, at least {FEWEST_ROWS} in two intents with "
            f"{FEWEST_A_LABEL} each are needed. Review some more."
        )
    return kept, rare


def split(rows: list[TrainingRow]) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Train and validation, by customer: nobody's words are on both sides. A label keeps at least one row to learn from."""
    validation = [row for row in rows if _place(row.customer_id) < VALIDATION]
    held = {row.conversation_id for row in validation}
    train_rows = [row for row in rows if row.conversation_id not in held]
    learned = {row.label_id for row in train_rows}
    moved = {row.customer_id for row in validation if row.label_id not in learned}  # with all their rows: a customer is on one side
    train_rows += [row for row in validation if row.customer_id in moved]
    return train_rows, [row for row in validation if row.customer_id not in moved]


def _place(customer_id: str) -> float:
    return int(sealing.sha(f"validation {customer_id}")[:8], 16) / 0xFFFFFFFF


def _check(pipeline: Any, rows: list[TrainingRow]) -> dict[str, Any]:
    """Temperature and threshold from the validation rows, and how good it is there."""
    if not rows:
        return {"temperature": 0.3, "threshold": model.NEVER, "accuracy": None, "accuracy_n": 0, "answered": 0.0}
    margin = model.margins(pipeline, [row.text for row in rows])
    classes = {label_id: place for place, label_id in enumerate(pipeline.classes_)}
    right = np.array([classes[row.label_id] for row in rows])
    temperature = model.fit_temperature(margin, right)
    shares = model.probabilities(margin, temperature)
    was_right = shares.argmax(axis=1) == right
    confidence = shares.max(axis=1)
    threshold = model.fit_threshold(confidence, was_right, PRECISION)
    return {
        "temperature": temperature, "threshold": threshold, "accuracy": float(was_right.mean()), "accuracy_k": int(was_right.sum()),
        "accuracy_n": len(rows), "answered": float((confidence >= threshold).mean()),
    }  # fmt: skip
