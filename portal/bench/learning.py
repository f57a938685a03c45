"""How many labels a rep needs in our order, and how many in random order, to get to 90 % of what all labels together teach.

The rep is simulated: asked for a text, it gives the label of the file. What learns is logistic regression on the vectors, a light stand-in
for the classifier that ships: it learns a hundred times over, and the order is what is measured.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from classifiers import suggest
from data import vectors
from data.errors import Refused
from portal.bench import apart

ENOUGH = 0.9  # of the accuracy with all labels
FIRST, MORE = 10, 0.1  # labels before it learns first, and how many more each time, as a share of those that are there
MOST = 2_000  # labels; nobody gives more in an afternoon

Curve = list[tuple[int, float]]
Order = Callable[[list[int], "_Learned | None", int], Sequence[int]]


@dataclass(frozen=True)
class Rows:
    vectors: NDArray[np.float32]
    labels: NDArray[np.str_]
    customers: list[str]


@dataclass(frozen=True)
class _Learned:
    """What it makes of the rows to be labelled, and how often it is right on the others."""

    probabilities: NDArray[np.float64]
    said: NDArray[np.str_]
    accuracy: float


def run(train: Path, test: Path, *, seeds: int = 5, picture: Path | None = None) -> dict[str, Any]:
    """In a portal of its own. Files hold {text, label}, or conversations whose messages have one intent each."""
    read = [_read(train), _read(test)]
    with apart.portal():
        vectors.install()
        encoder = vectors.installed()
        if encoder is None:
            raise Refused("Not measured: no encoder is installed. Install it first: portal encoder install.")
        learned, asked = (
            Rows(
                encoder.encode([text for text, _, _ in rows]),
                np.array([label for _, label, _ in rows]),
                [customer for *_, customer in rows],
            )
            for rows in read
        )
    told, curves = measure(learned, asked, seeds=seeds)
    if picture:
        picture.write_text(drawn(curves, told["target"], title=f"{train.stem}: accuracy by labels given"), encoding="utf-8")
    return told


def _read(path: Path) -> list[tuple[str, str, str]]:
    """Text, label and customer. Of a conversation each message with exactly one intent is a row."""
    rows: list[tuple[str, str, str]] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            one = json.loads(line)
            if "messages" in one:
                said = [(message["text"], message["intents"][0]) for message in one["messages"] if len(message.get("intents") or []) == 1]
                rows += [(text, label, str(number)) for text, label in said]
            else:
                rows.append((one["text"], one["label"], str(number)))
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"'{path.name}' was not measured: it is not {{text, label}}, one a line ({error}).") from error
    if len({label for _, label, _ in rows}) < 2:
        raise Refused(f"'{path.name}' was not measured: it has fewer than two labels.")
    return rows


def measure(learned: Rows, asked: Rows, *, seeds: int = 5) -> tuple[dict[str, Any], dict[str, list[Curve]]]:
    """Both orders, with each seed; a curve ends where it got there."""
    full = _learn(learned, list(range(len(learned.labels))), asked).accuracy
    target = ENOUGH * full
    orders = {"our order": _ours, "random order": _random}
    curves = {name: [_curve(learned, asked, make(learned, seed), target) for seed in range(seeds)] for name, make in orders.items()}
    needed = {name: [labels_to(target, curve) for curve in made] for name, made in curves.items()}
    means = {name: _mean(each) for name, each in needed.items()}
    ours, at_random = means.values()
    told = {
        "train": len(learned.labels), "test": len(asked.labels), "labels": len(set(learned.labels.tolist())), "seeds": seeds,
        "learner": "logistic regression on vectors", "full_accuracy": round(full, 4), "target": round(target, 4),
        "labels_to_90_percent": {name: mean if mean is not None else f"not with {MOST:,}" for name, mean in means.items()},
        "share_of_random": round(ours / at_random, 3) if ours is not None and at_random else "cannot be told",
        "each_seed": {name: str(each) for name, each in needed.items()},
        "accuracy_after": {name: _mean_curve(made) for name, made in curves.items()},
    }  # fmt: skip
    return told, curves


def _ours(rows: Rows, seed: int) -> Order:
    def order(labelled: list[int], learned: _Learned | None, wanted: int) -> Sequence[int]:
        probabilities, disagreement = (learned.probabilities, _disagreement(rows, labelled, learned)) if learned else (None, None)
        found = suggest.order(
            rows.vectors, probabilities, labelled, rows.customers, seed=seed, disagreement=disagreement, ahead=wanted
        )  # fmt: skip
        return found[:wanted]

    return order


def _random(rows: Rows, seed: int) -> Order:
    shuffled = np.random.default_rng(seed).permutation(len(rows.labels)).tolist()
    return lambda labelled, _learned, wanted: shuffled[len(labelled) : len(labelled) + wanted]


def _disagreement(rows: Rows, labelled: list[int], learned: _Learned) -> NDArray[np.float64]:
    """1 where the nearest labelled row has another label than the classifier gives."""
    nearest = (rows.vectors @ rows.vectors[labelled].T).argmax(axis=1)
    differ: NDArray[np.float64] = (rows.labels[labelled][nearest] != learned.said).astype(np.float64)
    return differ


def _curve(rows: Rows, asked: Rows, order: Order, target: float) -> Curve:
    labelled: list[int] = []
    learned: _Learned | None = None
    curve: Curve = []
    most = min(MOST, len(rows.labels))
    while len(labelled) < most and (learned is None or learned.accuracy < target):
        wanted = min(max(FIRST, round(MORE * len(labelled))), most - len(labelled))
        labelled += order(labelled, learned, wanted)
        learned = _learn(rows, labelled, asked)
        curve.append((len(labelled), learned.accuracy))
    return curve


def _learn(rows: Rows, labelled: list[int], asked: Rows) -> _Learned:
    labels = rows.labels[labelled]
    if len(set(labels.tolist())) < 2:  # so far there is nothing to tell apart
        only = np.full(len(rows.labels), labels[0])
        return _Learned(np.ones((len(only), 1)), only, float((asked.labels == labels[0]).mean()))
    model = LogisticRegression(C=20.0, tol=1e-4, max_iter=300).fit(rows.vectors[labelled], labels)
    probabilities = model.predict_proba(rows.vectors)
    right = model.predict(asked.vectors) == asked.labels
    return _Learned(probabilities, model.classes_[probabilities.argmax(axis=1)], float(right.mean()))


def labels_to(target: float, curve: Curve) -> int | None:
    """With how many labels the curve gets there, read between its points; None where it ends before."""
    before = (0, 0.0)
    for labels, accuracy in curve:
        if accuracy >= target:
            return round(before[0] + (target - before[1]) / (accuracy - before[1]) * (labels - before[0]))
        before = (labels, accuracy)
    return None


def _mean(each: list[int | None]) -> float | None:
    reached = [one for one in each if one is not None]
    return round(sum(reached) / len(reached), 1) if len(reached) == len(each) else None


def _mean_curve(curves: list[Curve]) -> dict[str, float]:
    """Down to where the first of them got there."""
    return {str(points[0][0]): round(sum(accuracy for _, accuracy in points) / len(points), 4) for points in zip(*curves, strict=False)}


# -- the picture ------------------------------------------------------------------------------------------------------------------------

WIDE, HIGH, EDGE = 760, 420, 56
COLOURS = {"our order": "#0f9488", "random order": "#c98a1b"}


def drawn(curves: dict[str, list[Curve]], target: float, *, title: str) -> str:
    """A line for each seed, as SVG: nothing here draws charts without a browser."""
    most = max(curve[-1][0] for made in curves.values() for curve in made)

    def at(labels: float, accuracy: float) -> str:
        return f"{EDGE + labels / most * (WIDE - 2 * EDGE):.1f},{HIGH - EDGE - accuracy * (HIGH - 2 * EDGE):.1f}"

    def line(points: Sequence[tuple[float, float]], style: str) -> str:
        return f'<polyline fill="none" points="{" ".join(at(*point) for point in points)}" {style}/>'

    def words(labels: float, accuracy: float, text: str, style: str = "") -> str:
        x, y = at(labels, accuracy).split(",")
        return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'

    parts = [
        line([(0, 1), (0, 0), (most, 0)], 'stroke="#888"'),
        line([(0, target), (most, target)], 'stroke="#888" stroke-dasharray="4 4"'),
    ]
    parts += [words(0, 1.08, title, 'font-weight="bold"'), words(0, target + 0.01, "90 % of full accuracy", 'fill="#666" dx="4"')]
    parts += [words(most * share, -0.07, f"{most * share:,.0f}", 'text-anchor="middle"') for share in (0, 0.25, 0.5, 0.75, 1)]
    parts += [words(0, share, f"{share:.0%}", 'text-anchor="end" dx="-6" dy="4"') for share in (0, 0.25, 0.5, 0.75, 1)]
    for place, (name, made) in enumerate(curves.items()):
        parts += [line([(0, 0), *curve], f'stroke="{COLOURS[name]}" stroke-width="1.5" opacity="0.7"') for curve in made]
        parts.append(words(most, 0.2 - 0.07 * place, name, f'fill="{COLOURS[name]}" text-anchor="end"'))
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="13">'
    return "\n".join([frame, f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>', *parts, "</svg>", ""])
