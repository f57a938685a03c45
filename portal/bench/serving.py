"""`portal bench serving`: how long one text waits for its answer, and how many a second are answered in bulk, by the code that serves."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import KIND, answering, serving, training
from data import encoding, people, vectors, versions
from data.errors import Refused
from data.examples import TrainingRow
from data.tables import Version
from data.values import Target
from portal.bench import apart

SINGLES = 300
WARM = 5  # answers that are not counted: the model is read from its file with the first


def run(texts: Path, *, train: Path | None = None, classifier: str = "intent") -> dict[str, Any]:
    """What is live in this portal answers the texts; with a file to learn from, a version that learned from it, in a portal of its own."""
    asked = [row["text"] for row in read(texts, ("text",))]
    if train is None:
        return _measured(_live(classifier), asked)
    rows = read(train, ("text", "label"))
    with apart.portal():
        vectors.install()
        return _measured(versions.target_of(trained(rows)), asked)


def _live(classifier: str) -> Target:
    found = next((one for one in answering.known(by=people.console(), most=1) if one.name == classifier), None)
    if found is None or found.live is None:
        raise Refused(f"Not measured: nothing of '{classifier}' is live in this portal. Bring texts with labels: --train FILE.")
    return Target(KIND, classifier, found.live)


def trained(learned: Sequence[dict[str, str]]) -> Version:
    rows = [TrainingRow(str(number), str(number), row["text"], row["label"], row["label"], None) for number, row in enumerate(learned)]  # type: ignore[arg-type]
    own = {row["label"]: row["label"].replace("_", " ") for row in learned}
    task = training.prepare(rows, own, encoder=encoding.in_force())
    made, checks = training.fit(task)
    return training.keep("bench", task, made, checks, told={"seed": 0}, by=people.console())


def _measured(target: Target, texts: Sequence[str]) -> dict[str, Any]:
    """Of no text a vector is stored before: it is computed, as for a text that nobody ever wrote. Bulk is all of them in one call."""
    version = versions.get(target)
    for text in texts[:WARM]:
        serving.guess(target, [text])
    waited = []
    for text in texts[:SINGLES]:
        began = time.perf_counter()
        serving.guess(target, [text])
        waited.append((time.perf_counter() - began) * 1000)
    began = time.perf_counter()
    serving.guess(target, texts)
    seconds = time.perf_counter() - began
    return {
        "version": str(target), **{name: version.manifest[name] for name in ("labels", "rows", "encoder")},
        "texts": len(texts), "single_ms_p50": round(float(np.percentile(waited, 50)), 2),
        "single_ms_p95": round(float(np.percentile(waited, 95)), 2), "bulk_per_second": round(len(texts) / seconds, 1),
    }  # fmt: skip


def read(path: Path, fields: Sequence[str]) -> list[dict[str, str]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        found = [{name: str(row[name]) for name in fields} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Refused(f"Not measured: {path} cannot be read. Each line is an object with {' and '.join(fields)}.") from wrong
    if not found:
        raise Refused(f"Not measured: {path} is empty. Each line is an object with {' and '.join(fields)}.")
    return found
