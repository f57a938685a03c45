"""`portal bench intents`: how good a classifier gets on a file that somebody brings, and how fast, by the code that serves customers."""

import json
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import model, serving, traffic, training
from data import encoding, people, vectors, versions
from data.errors import Refused
from data.examples import TrainingRow
from data.tables import Person
from language.encoder import Encodes
from portal.bench import apart

SINGLES = 200

Row = dict[str, str]


def run(
    train: Path, test: Path, *, out_of_scope: str = "", unlabelled: Path | None = None, per_label: int = 0, seed: int = 0
) -> dict[str, Any]:  # fmt: skip
    """In a portal of its own. Files hold {text, label}, a line each; the unlabelled one {text}, and a label in it is not looked at."""
    learned, asked = _read(train), _read(test)
    came = _unlabelled(unlabelled, seed) if unlabelled else []
    if per_label:
        learned = some_of_each(learned, per_label, seed)
    with apart.portal():
        vectors.install()
        encoder = encoding.in_force()
        if encoder is None:
            raise Refused("Not measured: the encoder could not be installed.")
        by = people.console()
        return {"train": len(learned), "test": len(asked)} | _measured(learned, asked, came, out_of_scope, encoder, seed, by)


def _measured(
    learned: list[Row], asked: list[Row], came: list[str], outside: str, encoder: Encodes, seed: int, by: Person
) -> dict[str, Any]:  # fmt: skip
    rows = [TrainingRow(str(number), str(number), row["text"], row["label"], row["label"], None) for number, row in enumerate(learned)]  # type: ignore[arg-type]
    own = {row["label"]: row["label"].replace("_", " ") for row in learned}
    began = time.perf_counter()
    texts = list(dict.fromkeys([row.text for row in rows] + list(own.values()) + came))
    known = dict(zip(texts, encoder.encode([model.cleaned(text) for text in texts]), strict=True))
    embedded = time.perf_counter()
    task = training.prepare(
        rows, own, encoder=encoder, vectors_of=lambda asked: np.stack([known[text] for text in asked]), other_label_id=outside or None,
        seed=seed, unlabelled=came,
    )  # fmt: skip
    made, checks = training.fit(task, seed=seed)
    trained = time.perf_counter()
    version = training.keep("bench", task, made, checks, told={"seed": seed}, by=by)
    target = versions.target_of(version)
    single = _single_ms(target, [row["text"] for row in asked])
    bulk = time.perf_counter()
    said = serving.guess(target, [row["text"] for row in asked])
    seconds = time.perf_counter() - bulk
    return {
        **scored([row["label"] for row in asked], [one.top[0][0] for one in said], [one.other for one in said], outside),
        "train_seconds": round(trained - embedded, 2), "embed_seconds": round(embedded - began, 2), "single_ms_p50": single,
        "bulk_per_second": round(len(asked) / seconds, 1), "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "method": version.manifest["sentence"], **_told(version.manifest["traffic"]),
    }  # fmt: skip


def _told(traffic: dict[str, Any] | None) -> dict[str, Any]:
    return {"unlabelled": traffic["looked_at"], "unlabelled_foreign": traffic["foreign"]} if traffic else {}


def _single_ms(target: Any, texts: Sequence[str]) -> float:
    serving.guess(target, texts[:1])
    taken = []
    for text in texts[:SINGLES]:
        began = time.perf_counter()
        serving.guess(target, [text])
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 2)


def scored(right: Sequence[str], said: Sequence[str], other: Sequence[float], outside: str) -> dict[str, float]:
    """Over all lines; with an out-of-scope label also of either kind for itself."""
    hits = np.array([one == another for one, another in zip(right, said, strict=True)])
    told = {"accuracy": round(float(hits.mean()), 4), "macro_f1": round(macro_f1(right, said), 4)}
    foreign = np.array([one == outside for one in right])
    if outside and foreign.any() and not foreign.all():
        told["in_scope_accuracy"] = round(float(hits[~foreign].mean()), 4)
        told["out_of_scope_auroc"] = round(auroc(np.array(other), foreign), 4)
        told["out_of_scope_recall"] = round(float(hits[foreign].mean()), 4)
        called = np.array(other) > 0.5  # also where no label stands for it
        told["in_scope_called_foreign"] = round(float(called[~foreign].mean()), 4)
        told["out_of_scope_called_foreign"] = round(float(called[foreign].mean()), 4)
    return told


def macro_f1(right: Sequence[str], said: Sequence[str]) -> float:
    """Of the labels that occur, each counted once."""
    hits: defaultdict[str, int] = defaultdict(int)
    both: defaultdict[str, int] = defaultdict(int)
    for one, another in zip(right, said, strict=True):
        hits[one] += one == another
        both[one] += 1
        both[another] += 1
    found = [2 * hits[label] / both[label] for label in set(right)]
    return sum(found) / len(found) if found else 0.0


def auroc(score: Any, positive: Any) -> float:
    """How often a positive one has the higher score; equal ones count half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n = int(positive.sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def some_of_each(rows: list[Row], count: int, seed: int) -> list[Row]:
    """So many of each label, drawn by seed."""
    rng = np.random.default_rng(seed)
    by_label: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row["label"]].append(row)
    drawn = []
    for label in sorted(by_label):
        own = by_label[label]
        drawn += [own[place] for place in rng.choice(len(own), min(count, len(own)), replace=False)]
    return drawn


def _read(path: Path, fields: Sequence[str] = ("text", "label")) -> list[Row]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [{field: str(row[field]) for field in fields} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Refused(f"Not measured: {path} cannot be read. Each line is an object with {' and '.join(fields)}.") from wrong


def _unlabelled(path: Path, seed: int) -> list[str]:
    """As many as are looked at in a portal, drawn by seed."""
    texts = [row["text"] for row in _read(path, ("text",))]
    drawn = np.random.default_rng(seed).permutation(len(texts))[: traffic.MOST]
    return [texts[place] for place in drawn]
