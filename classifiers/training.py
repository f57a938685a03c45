"""Trains a candidate from what people named. Each row is also scored by a model that saw nothing of its customer: from these scores come
the temperature, the threshold, what is foreign, the labels that look wrong and every figure that is told of the version.

There are no rows that are only checked: a third of the customers is left out in turn, which is as honest and measures three times as many.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import col, select

from classifiers import KIND, abstention, evidence, files, kinds, model, outside, traffic, tuning
from data import access, audit, examples, labels, sealing, store, vectors, versions
from data.errors import Refused
from data.examples import TrainingRow
from data.tables import Conversation, Label, Person, Version
from language.encoder import Encodes

FEWEST_ROWS, FEWEST_A_LABEL = 40, 4
FEW = 12  # examples a label, at the median: below, the ensemble
MOST_ROWS = 25_000  # that are learned from; of the labels with the most examples some are left out
FOLDS = 3
PRECISIONS = (0.9, 0.85, 0.8, 0.7)  # what it must be right in, else it keeps silent: the first that lets it speak, if nobody says which
SPEAKS = 0.4  # of the conversations, that is
OTHERS = ("other", "others", "something else", "out of scope", "oos", "none of these")  # names of a label for what is none of the others
STEP = 500  # texts encoded, or conversations read, at once

Progress = Callable[[float, str], None]
Signs = NDArray[np.float64]


def train(
    name: str = labels.INTENT,
    *,
    by: Person,
    progress: Progress = lambda _share, _doing: None,
    seed: int = 0,
    encoder: Encodes | None = None,
    precision: float | None = None,
    other_label_id: str | None = None,
    at: datetime | None = None,
) -> Version:
    """Train on what people named and keep the result as the next version. Eval cases are never among the rows.

    Without an encoder it learns from words only. The label for what is none of the others is known by its name, if nobody says which.
    """
    access.require(by, "classifier.train")
    if kinds.of(name).kind == kinds.SEVERAL:
        from classifiers import several

        return several.train(name, by=by, progress=progress, seed=seed, encoder=encoder, precision=precision, at=at)
    started = time.perf_counter()
    progress(0.02, "Reading reviewed conversations")
    named = examples.for_training(name, by=by)
    learnable, rare = without_rare(named)
    rows = fewer(learnable, MOST_ROWS)
    task = prepare(
        rows, own_words_of(rows), encoder=encoder, other_label_id=other_label_id, seed=seed, progress=part_of(progress, 0.05, 0.3),
        unlabelled=traffic.unlabelled(name, by=by, seed=seed, at=at),
    )  # fmt: skip
    made, checks = fit(task, seed=seed, progress=part_of(progress, 0.3, 0.95))
    progress(0.97, "Keeping the model")
    told = {
        "left_out_labels": rare, "left_out_rows": len(learnable) - len(rows), "seed": seed,
        "seconds": round(time.perf_counter() - started, 2),
        "reviews_sha": sealing.sha("".join(sorted(row.source.id for row in rows))),
        "taught_by": dict(Counter(row.by_person_id for row in rows if row.by_person_id)),
    }  # fmt: skip
    return keep(name, task, made, checks, precision=precision, told=told, by=by, at=at)


def keep(
    name: str,
    task: "Task",
    made: model.Model,
    checks: "Checks | None",
    *,
    precision: float | None = None,
    told: Mapping[str, Any],
    by: Person,
    at: datetime | None = None,
) -> Version:
    """The model as the next version, with all that is known of it."""
    manifest = {**_manifest(task, made, checks, precision), **told}
    customers = [task.customers[row] for row in checks.places] if checks else []
    body = evidence.body(checks.seen, slices_of(checks.seen.ids), customers) if checks else {}
    file_sha = files.save(made)
    with store.writing() as db:
        version = versions.add(db, KIND, name, by=by, manifest=manifest, body=body, file_sha=file_sha, at=at)
        sentence = f"Trained {versions.target_of(version)} on {manifest['rows']:,} reviewed conversations."
        audit.record(db, by, "trained", "version", version.id, sentence, at=at, after={"file_sha": file_sha})
    return version


def part_of(progress: Progress, start: float, end: float) -> Progress:
    return lambda share, doing: progress(start + share * (end - start), doing)


# -- rows -------------------------------------------------------------------------------------------------------------------------------


def without_rare(rows: list[TrainingRow]) -> tuple[list[TrainingRow], list[str]]:
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


def fewer(rows: list[TrainingRow], most: int) -> list[TrainingRow]:
    """At most so many. Labels with few examples keep theirs; which of the others' stay depends on nothing but the conversation."""
    if len(rows) <= most:
        return rows
    counts = sorted(Counter(row.label_id for row in rows).values())
    left, each = most, most
    for place, count in enumerate(counts):
        each = left // (len(counts) - place)
        if count > each:
            break
        left -= count
    kept: Counter[str] = Counter()
    chosen = set()
    for row in sorted(rows, key=lambda row: sealing.sha(f"kept {row.conversation_id}")):
        if kept[row.label_id] < each:
            kept[row.label_id] += 1
            chosen.add(row.conversation_id)
    return [row for row in rows if row.conversation_id in chosen]


def folds(label_ids: Sequence[str], customers: Sequence[str], seed: int = 0) -> NDArray[np.intp]:
    """Of each row the part in which it is checked. A customer's rows are all in one, and each label is in all parts if it can be."""
    first: dict[str, str] = {}
    for label_id, customer in zip(label_ids, customers, strict=True):
        first[customer] = min(first.get(customer, label_id), label_id)
    order = sorted(first, key=lambda customer: (first[customer], sealing.sha(f"fold {seed} {customer}")))
    place = {customer: number % FOLDS for number, customer in enumerate(order)}
    return np.array([place[customer] for customer in customers], dtype=np.intp)


def own_words_of(rows: Sequence[TrainingRow]) -> dict[str, str]:
    """By label id what the label says of itself."""
    with store.reading() as db:
        known = {label.id: label for label in db.exec(select(Label).where(col(Label.id).in_(sorted({row.label_id for row in rows}))))}
    return {made: f"{label.name.replace('_', ' ')} {label.description}".strip() for made, label in known.items()}


# -- learning ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Everything that is learned from, ready to be learned from once and again."""

    label_ids: list[str]
    names: list[str]
    ids: list[str]  # conversations, "" of a label's own words, which stand last
    customers: list[str]
    words: model.Words
    rows: model.Rows
    encoder: str | None
    few: bool
    other: int | None  # the place of the label for what is none of the others
    unlabelled: tuple[Any, model.Vectors]  # features and vectors of what came in lately and nobody labelled

    @property
    def sentence(self) -> str:
        """How it learns, and why so."""
        beside = "words and word pieces beside sentence vectors" if self.encoder else "words and word pieces only, without sentence vectors"
        usual = int(np.median(np.bincount(self.rows.labels[~self.rows.own_words], minlength=len(self.label_ids))))
        if self.few and self.encoder:
            how = "its own words, the nearest examples, the middle of each label and a logistic regression help a linear SVM"
        else:
            how = "with the labels' own words among the examples, a linear SVM" if self.few else "a linear SVM"
        return f"With {usual:,} examples a label (median), {how}; it sees {beside}."


def prepare(
    rows: Sequence[TrainingRow],
    own_words: Mapping[str, str],
    *,
    encoder: Encodes | None = None,
    vectors_of: Callable[[Sequence[str]], model.Vectors] | None = None,
    other_label_id: str | None = None,
    seed: int = 0,
    progress: Progress = lambda _share, _doing: None,
    unlabelled: Sequence[str] = (),
) -> Task:
    """`vectors_of` is for who has the vectors at hand and no portal to read them from."""
    names = {row.label_id: row.label for row in rows}
    label_ids = sorted(names)
    other = other_label_id or next((made for made in label_ids if names[made].strip().lower() in OTHERS), None)
    counts = Counter(row.label_id for row in rows)
    few = float(np.median(list(counts.values()))) < FEW
    own = [made for made in label_ids if few and own_words.get(made) and made != other]
    texts = [*(row.text for row in rows), *(own_words[made] for made in own)]
    usable = None if encoder is None or encoder.is_fallback else encoder
    found = _vectors([*texts, *unlabelled], usable, vectors_of, progress)
    found, came = found[: len(texts)], found[len(texts) :]
    progress(0.9, "Reading words")
    words, features = model.words_in(texts)
    if not features.shape[1] and not found.shape[1]:
        raise Refused("Not trained: no word occurs in the texts. Install the encoder (portal encoder install), or review others.")
    place = {made: number for number, made in enumerate(label_ids)}
    codes = np.array([place[made] for made in (*(row.label_id for row in rows), *own)], dtype=np.intp)
    return Task(
        label_ids, [names[made] for made in label_ids], [*(row.conversation_id for row in rows), *("" for _ in own)],
        [*(row.customer_id for row in rows), *("" for _ in own)], words,
        model.Rows(features, found, codes, np.arange(len(texts)) >= len(rows)), usable.name if usable else None, few,
        place.get(other) if other else None, (words.of(unlabelled) if unlabelled else features[:0], came),
    )  # fmt: skip


def _vectors(
    texts: Sequence[str], encoder: Encodes | None, given: Callable[[Sequence[str]], model.Vectors] | None, progress: Progress
) -> model.Vectors:
    if encoder is None:
        return model.rounded(None, len(texts))
    if given is not None:
        return model.rounded(given(texts), len(texts))
    parts = []
    for start in range(0, len(texts), STEP):
        progress(0.9 * start / len(texts), f"Encoding {start:,} of {len(texts):,} texts")
        parts.append(vectors.of([model.cleaned(text) for text in texts[start : start + STEP]], encoder))
    return model.rounded(np.concatenate(parts), len(texts))


@dataclass(frozen=True)
class Checks:
    """What models said of rows whose customers they had not seen."""

    places: NDArray[np.intp]  # the rows that could be checked
    seen: evidence.Checked
    temperature: float
    lately: outside.Lately | None


def fit(task: Task, *, seed: int = 0, progress: Progress = lambda _share, _doing: None) -> tuple[model.Model, Checks | None]:
    """The model of all rows, and what is known of it. No checks where every part would leave a single label to learn from."""
    scores, signs, places = _out_of_fold(task, seed, progress)
    progress(0.7, f"Learning from {int((~task.rows.own_words).sum()):,} conversations")
    learned = model.learn(task.rows, len(task.label_ids), few=task.few, seed=seed)
    made = model.Model(task.label_ids, task.words, learned, task.encoder, np.array(task.ids)[learned.kept])
    if not len(places):
        return made, None
    given = task.rows.labels[places]
    own = given != task.other if task.other is not None else np.ones(len(places), bool)
    came = model.signs(learned, learned.scores(*task.unlabelled), task.unlabelled[1], task.other)
    lately = traffic.look(*(outside.without_own(part, task.other) for part in (signs[own], came)))
    foreign = outside.fit(signs, given, task.other, lately)
    temperature = _temperature(scores, given, own, foreign.label)
    shares = model.shares_of(scores, foreign.share(signs), foreign.label, temperature)
    seen = evidence.Checked([task.ids[row] for row in places], task.label_ids, task.names, given, shares)
    return made.with_foreign(foreign), Checks(places, seen, temperature, lately)


def _temperature(scores: model.Floats, given: model.Places, own: NDArray[np.bool_], other: int | None) -> float:
    if other is None or not own.any():
        return model.fit_temperature(scores, given)
    columns = np.arange(scores.shape[1]) != other
    return model.fit_temperature(scores[own][:, columns], (np.cumsum(columns) - 1)[given[own]])


def _out_of_fold(task: Task, seed: int, progress: Progress) -> tuple[model.Floats, Signs, model.Places]:
    """Scores and signs of foreignness of each row that could be checked, and which rows these are."""
    rows, own = task.rows, task.rows.own_words
    part = folds([task.label_ids[place] for place in rows.labels], task.customers, seed)
    found: list[tuple[model.Floats, Signs, model.Places]] = []
    for fold in range(FOLDS):
        progress(0.7 * fold / FOLDS, f"Checking on the customers of part {fold + 1} of {FOLDS}")
        checked = np.nonzero((part == fold) & ~own)[0]
        chosen = (part != fold) | own
        if not len(checked) or len(set(rows.labels[chosen].tolist())) < 2:
            continue
        learned = model.learn(rows[chosen], len(task.label_ids), few=task.few, seed=seed)
        scores = learned.scores(rows.features[checked], rows.vectors[checked])
        found.append((scores, model.signs(learned, scores, rows.vectors[checked], task.other), checked))
    if not found:
        return np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0, np.intp)
    scores, signs, places = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(places)
    return scores[order], signs[order], places[order]


# -- what is told of it -----------------------------------------------------------------------------------------------------------------


def _manifest(task: Task, made: model.Model, checks: Checks | None, precision: float | None) -> dict[str, Any]:
    other, own = task.other, ~task.rows.own_words
    taught = sorted(f"{task.ids[row]} {task.label_ids[task.rows.labels[row]]}" for row in np.nonzero(own)[0])
    told: dict[str, Any] = {
        "rows": int(own.sum()), "validation_rows": len(checks.places) if checks else 0, "labels": len(task.label_ids),
        "label_ids": task.label_ids, "label_names": dict(zip(task.label_ids, task.names, strict=True)),
        "encoder": task.encoder, "features": "words and vectors" if task.encoder else "words only", "method": made.method,
        "sentence": task.sentence, "rows_sha": sealing.sha("\n".join(taught)),
        "other_label_id": None if other is None else task.label_ids[other], "precision_wanted": precision or PRECISIONS[0],
    }  # fmt: skip
    return told | (_checked(task, checks, precision) if checks else UNCHECKED)


UNCHECKED = {
    "temperature": 0.3, "threshold": abstention.NEVER, "gap": 0.0, "asks": abstention.NEVER, "asks_told": "", "promised": False,
    "promise": "", "accuracy": None, "accuracy_k": 0,
    "accuracy_n": 0, "answered": 0.0, "macro_f1": None, "ece": None, "per_label": [], "traffic": None,
}  # fmt: skip


def _checked(task: Task, checks: Checks, precision: float | None) -> dict[str, Any]:
    """How good it is for customers it had not seen."""
    seen, groups = checks.seen, [task.customers[row] for row in checks.places]
    threshold = _threshold(seen, groups, precision)
    per_label = evidence.per_label(seen)
    answered = (seen.confidence >= threshold.value) & (seen.confidence - seen.second >= threshold.gap)
    asks = abstention.ask_a_person(seen.confidence, seen.right, threshold, groups=groups, second=seen.second)
    return tuning.asking(asks) | {
        "temperature": checks.temperature, "traffic": traffic.told(checks.lately), "threshold": threshold.value,
        "precision_wanted": threshold.precision, "gap": threshold.gap, "promised": threshold.promised,
        "promise": threshold.sentence, "accuracy": float(seen.right.mean()), "accuracy_k": int(seen.right.sum()),
        "accuracy_n": len(seen.right), "answered": float(answered.mean()), "macro_f1": evidence.macro_f1(per_label),
        "ece": evidence.reliability(seen.confidence, seen.right)["ece"], "per_label": per_label,
    }  # fmt: skip


def _threshold(seen: evidence.Checked, customers: Sequence[str], precision: float | None) -> abstention.Threshold:
    """From which confidence on it answers. Where nobody says how often it has to be right, one that may speak is worth more than one that
    promises much and is silent; as many promises are tried, each has to be surer."""
    wanted = (precision,) if precision else PRECISIONS
    sure = 1 - (1 - abstention.SURE) / len(wanted)
    tried = [
        abstention.fit(seen.confidence, seen.right, precision=one, groups=customers, second=seen.second, sure=sure) for one in wanted
    ]  # fmt: skip
    speaking = [one for one in tried if one.promised and one.answered.value >= SPEAKS]
    return speaking[0] if speaking else max(tried, key=lambda one: (one.promised, one.answered.k))


def slices_of(conversation_ids: Sequence[str]) -> dict[str, list[str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    with store.reading() as db:
        for start in range(0, len(conversation_ids), STEP):
            chosen = col(Conversation.id).in_(conversation_ids[start : start + STEP])
            query = select(Conversation.id, Conversation.channel, Conversation.language).where(chosen)
            found |= {made: (channel, language) for made, channel, language in db.exec(query)}
    nothing = (None, None)
    return {
        "channel": [found.get(made, nothing)[0] for made in conversation_ids],
        "language": [found.get(made, nothing)[1] for made in conversation_ids],
    }
