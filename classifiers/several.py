"""Trains a classifier that may say any number of its labels. As in training.py each conversation is also scored by a model that saw nothing
of its customer: from these scores come the calibration, a threshold for each label and every figure that is told of the version.

A conversation counts as right where all its labels are said and no other.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from classifiers import KIND, abstention, files, kinds, model, several_evidence, several_model, training
from classifiers.several_evidence import Seen
from data import access, audit, examples, labels, sealing, store, versions
from data.errors import Refused
from data.examples import TrainingRow
from data.measures import percent
from data.tables import Person, Version
from evals.graders.contains import listed
from language.encoder import Encodes

FEWEST_ROWS, FEWEST_A_LABEL = training.FEWEST_ROWS, training.FEWEST_A_LABEL
CANDIDATE = 0.25  # a label that is less likely than that is never said, and no threshold is looked for below


def train(
    name: str,
    *,
    by: Person,
    progress: training.Progress = lambda _share, _doing: None,
    seed: int = 0,
    encoder: Encodes | None = None,
    precision: float | None = None,
    at: datetime | None = None,
) -> Version:
    """Train on what people said comes up, and keep the result as the next version. Eval cases are never among the rows."""
    access.require(by, "classifier.train")
    started = time.perf_counter()
    progress(0.02, "Reading what people said comes up")
    found = examples.for_training(name, by=by)
    rows = training.fewer(found, training.MOST_ROWS)
    learned, left_out = learnable(name, rows)
    task = prepare(rows, learned, encoder=encoder, seed=seed, progress=lambda share, doing: progress(0.05 + 0.25 * share, doing))
    made, checks = fit(task, seed=seed, progress=lambda share, doing: progress(0.3 + 0.65 * share, doing))
    progress(0.97, "Keeping the model")
    manifest = _manifest(task, checks, precision) | {
        "left_out_labels": left_out, "left_out_rows": len(found) - len(rows), "seed": seed, "kind": kinds.SEVERAL,
        "seconds": round(time.perf_counter() - started, 2),
        "reviews_sha": sealing.sha("".join(sorted(row.source.id for row in rows))),
        "taught_by": dict(Counter(row.by_person_id for row in rows if row.by_person_id)),
    }  # fmt: skip
    body = several_evidence.body(checks.seen, _bars(manifest), training.slices_of(checks.seen.ids)) if checks else {}
    return _keep(name, made, manifest, body, by, at)


def _keep(name: str, made: model.Model, manifest: dict[str, Any], body: dict[str, Any], by: Person, at: datetime | None) -> Version:
    file_sha = files.save(made)
    with store.writing() as db:
        version = versions.add(db, KIND, name, by=by, manifest=manifest, body=body, file_sha=file_sha, at=at)
        sentence = f"Trained {versions.target_of(version)} on {manifest['rows']:,} conversations and {manifest['labels']:,} labels."
        audit.record(db, by, "trained", "version", version.id, sentence, at=at, after={"file_sha": file_sha})
    return version


# -- rows -------------------------------------------------------------------------------------------------------------------------------


def learnable(name: str, rows: Sequence[TrainingRow]) -> tuple[dict[str, str], list[str]]:
    """The labels that can be learned, by id, and the names of those that come up too rarely, or everywhere."""
    if len(rows) < FEWEST_ROWS:
        raise Refused(
            f"Not trained: of {len(rows):,} conversations it is known which labels of '{name}' come up, at least {FEWEST_ROWS} are needed. "
            "Accept some more."
        )
    counts = Counter(made for row in rows for made in row.label_ids)
    names = {label.id: label.name for label in labels.of(name, drafts=True)}
    kept = {made: called for made, called in names.items() if FEWEST_A_LABEL <= counts[made] < len(rows)}
    left_out = sorted(names[made] for made in names.keys() - kept.keys())
    if not kept:
        seen = " and ".join(f"'{called}' in {counts[made]:,}" for made, called in list(names.items())[:3]) or "there is none"
        raise Refused(
            f"Not trained: no label of '{name}' can be learned from {len(rows):,} conversations. A label has to come up in at least "
            f"{FEWEST_A_LABEL} of them and must not in at least one: {seen}. Say of more conversations which labels come up, and of some "
            "that none does."
        )
    return kept, left_out


@dataclass(frozen=True)
class Task:
    """Everything that is learned from."""

    label_ids: list[str]
    names: list[str]
    ids: list[str]  # conversations
    customers: list[str]
    words: model.Words
    features: Any
    vectors: model.Vectors
    given: several_model.Given
    encoder: str | None

    @property
    def sentence(self) -> str:
        beside = "words and word pieces beside sentence vectors" if self.encoder else "words and word pieces only, without sentence vectors"
        usual = int(np.median(self.given.sum(axis=0)))
        return f"With {usual:,} examples a label (median), a linear SVM for each label; it sees {beside}."


def prepare(
    rows: Sequence[TrainingRow],
    learned: dict[str, str],
    *,
    encoder: Encodes | None = None,
    seed: int = 0,
    progress: training.Progress = lambda _share, _doing: None,
) -> Task:
    seen = training.prepare(rows, {}, encoder=encoder, seed=seed, progress=progress)  # of which the words and the vectors
    label_ids = sorted(learned)
    given = np.array([[made in row.label_ids for made in label_ids] for row in rows])
    return Task(
        label_ids, [learned[made] for made in label_ids], seen.ids, seen.customers, seen.words, seen.rows.features, seen.rows.vectors,
        given, seen.encoder,
    )  # fmt: skip


# -- learning ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checks:
    """What models said of conversations whose customers they had not seen."""

    seen: Seen
    customers: list[str]


def fit(
    task: Task, *, seed: int = 0, progress: training.Progress = lambda _share, _doing: None
) -> tuple[several_model.Several, Checks | None]:
    """The model of all rows, and what is known of it. No checks where every customer's rows are needed to learn anything."""
    scores, places = _out_of_fold(task, seed, progress)
    progress(0.7, f"Learning from {len(task.ids):,} conversations")
    learned = several_model.learn(task.features, task.vectors, task.given, seed=seed)
    made = several_model.Several(task.label_ids, task.words, learned, task.encoder)
    if not len(places):
        return made, None
    given = task.given[places]
    slopes, biases = several_model.calibration(scores, given)
    seen = Seen([task.ids[row] for row in places], task.label_ids, task.names, given, several_model.curve(scores * slopes + biases))
    made = replace(made, learned=several_model.calibrated(learned, slopes, biases))
    return made, Checks(seen, [task.customers[row] for row in places])


def _out_of_fold(task: Task, seed: int, progress: training.Progress) -> tuple[model.Floats, model.Places]:
    """Scores of each row that could be checked, and which rows these are."""
    part = training.folds(_rarest(task), task.customers, seed)
    scores, checked = np.zeros(task.given.shape), np.zeros(len(task.ids), dtype=bool)
    for fold in range(training.FOLDS):
        progress(0.7 * fold / training.FOLDS, f"Checking on the customers of part {fold + 1} of {training.FOLDS}")
        left, chosen = np.nonzero(part == fold)[0], np.nonzero(part != fold)[0]
        if len(left) and len(chosen):
            learned = several_model.learn(task.features[chosen], task.vectors[chosen], task.given[chosen], seed=seed)
            scores[left], checked[left] = learned.scores(task.features[left], task.vectors[left]), True
    places = np.nonzero(checked)[0]
    return scores[places], places


def _rarest(task: Task) -> list[str]:
    """Of each row the label that has the fewest examples: each is spread over all parts then, if it can be."""
    order = np.argsort(task.given.sum(axis=0), kind="stable")
    first = task.given[:, order].argmax(axis=1)
    return [task.label_ids[order[place]] if own.any() else "" for place, own in zip(first, task.given, strict=True)]


# -- what is told of it -----------------------------------------------------------------------------------------------------------------


def _manifest(task: Task, checks: Checks | None, precision: float | None) -> dict[str, Any]:
    given = [sorted(np.array(task.label_ids)[own].tolist()) for own in task.given]
    told: dict[str, Any] = {
        "rows": len(task.ids), "validation_rows": len(checks.customers) if checks else 0, "labels": len(task.label_ids),
        "label_ids": task.label_ids, "label_names": dict(zip(task.label_ids, task.names, strict=True)),
        "encoder": task.encoder, "features": "words and vectors" if task.encoder else "words only", "method": model.SVM,
        "sentence": task.sentence,
        "rows_sha": sealing.sha("\n".join(sorted(f"{made} {' '.join(ids)}" for made, ids in zip(task.ids, given, strict=True)))),
        "other_label_id": None, "precision_wanted": precision or training.PRECISIONS[0], "temperature": 1.0, "gap": 0.0,
    }  # fmt: skip
    thresholds = _thresholds(checks, precision) if checks else {}
    bars = {made: thresholds[made].value if made in thresholds else abstention.NEVER for made in task.label_ids}
    told |= {
        "thresholds": bars, "threshold": min(bars.values()), "asks": abstention.NEVER, "asks_told": "",
        "promised_labels": [made for made in task.label_ids if made in thresholds and thresholds[made].promised],
        "promised": bool(thresholds) and all(one.promised for one in thresholds.values()),
        "promise": _promise(thresholds, dict(zip(task.label_ids, task.names, strict=True))),
    }  # fmt: skip
    return told | (several_evidence.figures(checks.seen, _bars(told)) if checks else several_evidence.UNCHECKED)


def _bars(manifest: dict[str, Any]) -> model.Floats:
    return np.array([manifest["thresholds"][made] for made in manifest["label_ids"]])


@dataclass(frozen=True)
class Threshold:
    """From which share on a label is said, and how often that is right for sure; 0 where nothing is promised."""

    value: float
    precision: float = 0.0

    @property
    def promised(self) -> bool:
        return self.precision > 0


def _thresholds(checks: Checks, precision: float | None) -> dict[str, Threshold]:
    """For each label the first precision that can be promised and lets it be said often enough. Where there is none, from where on it is
    best found and right at once; never where it would be wrong more often than right.
    """
    seen, wanted = checks.seen, (precision,) if precision else training.PRECISIONS
    rows, columns = np.nonzero(seen.shares >= CANDIDATE)
    likely, right = seen.shares[rows, columns], seen.given[rows, columns]
    asked = [seen.labels[column] for column in columns.tolist()]
    groups = [checks.customers[row] for row in rows.tolist()]
    sure = 1 - (1 - abstention.SURE) / len(wanted)
    tried = [abstention.fit_by_label(asked, likely, right, precision=one, sure=sure, groups=groups) for one in wanted]
    found = {}
    for place, label_id in enumerate(seen.labels):
        share, given = seen.shares[:, place], seen.given[:, place]
        promised = [by_label[label_id] for by_label in tried if label_id in by_label and by_label[label_id].promised]
        enough = [one for one in promised if precision or (share[given] >= one.value).mean() >= training.SPEAKS]
        found[label_id] = Threshold(enough[0].value, enough[0].precision) if enough else Threshold(best_f1(share, given))
    return found


def best_f1(share: model.Floats, given: Any) -> float:
    """Half way between the last share that is said and the first that is not. Never, where half of what is said would be wrong."""
    order = np.argsort(-share, kind="stable")
    falling, hits, said = share[order], np.cumsum(given[order]), np.arange(1, len(order) + 1)
    ends = np.append(falling[:-1] > falling[1:], True)  # equal shares are said together
    f1 = np.where(ends & (hits >= abstention.HALF * said), 2 * hits / (said + given.sum()), 0.0)
    best = int(np.argmax(f1))
    if not f1[best]:
        return abstention.NEVER
    return float((falling[best] + np.append(falling, 0.0)[best + 1]) / 2)


def _promise(thresholds: dict[str, Threshold], names: dict[str, str]) -> str:
    told = []
    for precision in sorted({one.precision for one in thresholds.values() if one.promised}, reverse=True):
        these = listed([names[made] for made, one in thresholds.items() if one.precision == precision])
        told.append(f"Where it says {these}, it is right at least {percent(precision)} of the time; that is 95\u00a0% sure.")
    open_ = [names[made] for made, one in thresholds.items() if not one.promised and one.value <= 1]
    never = [names[made] for made, one in thresholds.items() if one.value > 1]
    told += [f"For {listed(open_)} nothing can be promised yet: said from where on it is best found and right (F1)."] if open_ else []
    told += [f"It never says {listed(never)}: it would be wrong more often than right."] if never else []
    return " ".join(told)
