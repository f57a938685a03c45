"""What more examples would bring: it learns from an eighth to all of them, and is checked on the same customers each time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from classifiers import evidence, kinds, model, studies, training
from data import access, examples, labels, versions
from data.errors import Refused
from data.tables import Person
from data.values import Target
from language.encoder import Encodes

FRACTIONS = (0.125, 0.25, 0.5, 1.0)  # of a learning curve


def study(
    target: Target, *, by: Person, encoder: Encodes | None = None, progress: training.Progress = lambda _share, _doing: None,
    at: datetime | None = None,
) -> str:  # fmt: skip
    """What more examples would bring, kept beside the version. The sentence that says most."""
    access.require(by, "classifier.train")
    version = versions.get(target)
    told = of_examples(target.name, by=by, encoder=encoder, seed=version.manifest.get("seed", 0), progress=progress)
    studies.keep(version, studies.CURVE, told, by=by, at=at)
    return next(iter(told["sentences"]), "Of no intent it can be told yet what more examples would bring.")


def of_examples(
    name: str = labels.INTENT,
    *,
    by: Person,
    encoder: Encodes | None = None,
    seed: int = 0,
    progress: training.Progress = lambda _share, _doing: None,
) -> dict[str, Any]:
    """Learn from an eighth to all of the examples and check on the same third of the customers each time. For a job: it takes a while."""
    access.require(by, "classifier.train")
    if kinds.of(name).kind == kinds.SEVERAL:
        raise Refused(f"Not drawn: '{name}' may say several labels, and what more examples bring is told where one is said.")
    rows = training.fewer(training.without_rare(examples.for_training(name, by=by))[0], training.MOST_ROWS)
    task = training.prepare(rows, training.own_words_of(rows), encoder=encoder, seed=seed, progress=training.part_of(progress, 0.0, 0.3))
    return of_task(task, seed=seed, progress=training.part_of(progress, 0.3, 1.0))


def of_task(task: training.Task, *, seed: int = 0, progress: training.Progress = lambda _share, _doing: None) -> dict[str, Any]:
    """Points of all labels together, and a sentence of each label whose curve can be told reliably."""
    rows, own = task.rows, task.rows.own_words
    part = training.folds([task.label_ids[place] for place in rows.labels], task.customers, seed)
    checked, free = np.nonzero((part == 0) & ~own)[0], np.nonzero((part != 0) & ~own)[0]
    order = free[np.random.default_rng(seed).permutation(len(free))]
    points, counts, wrong = [], [], []
    for number, share in enumerate(FRACTIONS):
        progress(number / len(FRACTIONS), f"Learning from {share * 100:.0f} % of the examples")
        chosen = np.concatenate([_first_of_each(order, rows.labels, share), np.nonzero(own)[0]])
        if not len(checked) or len(set(rows.labels[chosen].tolist())) < 2:
            continue
        learned = model.learn(rows[chosen], len(task.label_ids), few=task.few, seed=seed)
        said = learned.scores(rows.features[checked], rows.vectors[checked]).argmax(axis=1)
        missed = said != rows.labels[checked]
        points.append({"examples": len(chosen) - int(own.sum()), "right": evidence.share_of(int((~missed).sum()), len(missed))})
        counts.append(np.bincount(rows.labels[chosen][~own[chosen]], minlength=len(task.label_ids)))
        wrong.append(np.bincount(rows.labels[checked][missed], minlength=len(task.label_ids)))
    tested, there = (np.bincount(rows.labels[which], minlength=len(task.label_ids)) for which in (checked, np.nonzero(~own)[0]))
    return {"points": points, "sentences": _sentences(task.names, np.array(counts), np.array(wrong), tested, there)}


def _first_of_each(order: model.Places, given: model.Places, share: float) -> model.Places:
    """The same share of each label, at least one; a larger share holds the smaller one."""
    chosen = []
    for label in np.unique(given[order]):
        own = order[given[order] == label]
        chosen.append(own[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(chosen)) if chosen else order


def _sentences(names: Sequence[str], counts: Any, wrong: Any, tested: Any, there: Any) -> list[str]:
    told = []
    for label, name in enumerate(names):
        if len(counts) and tested[label]:
            curve = evidence.fit_curve(counts[:, label], wrong[:, label] / tested[label], [int(tested[label])] * len(counts))
            told.append(evidence.curve_sentence(name, int(there[label]), curve))
    return [sentence for sentence in told if sentence]
