"""The simulated rep: our order gets there with fewer labels than random order, and the figures are those of the curves."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from data.errors import Refused
from portal.bench import app, learning
from portal.bench.learning import Rows, labels_to


def rows_of(sizes: list[int], seed: int) -> Rows:
    """Labels of unlike size, each with a direction of its own that its rows lie around."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(len(sizes), 24))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    vectors = centres[labels] + random.normal(0, 0.7, (len(labels), 24))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Rows(unit, np.array([f"label {label}" for label in labels]), [str(place) for place in range(len(labels))])


SIZES = [120, 80, 40, 40, 30, 30, 20, 20, 20, 20]


def test_our_order_needs_fewer_labels_than_random_order() -> None:
    told, curves = learning.measure(rows_of(SIZES, 0), rows_of([20] * 10, 1), seeds=3)
    needed = told["labels_to_90_percent"]
    assert needed["our order"] <= 0.6 * needed["random order"] and told["share_of_random"] <= 0.6
    assert told["full_accuracy"] > 0.9 and told["labels"] == 10
    for made in curves.values():
        for curve in made:  # it ends where it got there
            *before, last = [accuracy for _, accuracy in curve]
            assert last >= told["target"] - 1e-4 and all(accuracy < told["target"] + 1e-4 for accuracy in before)


def test_no_text_is_asked_for_twice() -> None:
    rows = rows_of([15, 15], 2)
    for make in (learning._ours, learning._random):
        labelled: list[int] = []
        while len(labelled) < 30:
            labelled += make(rows, 0)(labelled, None, 7)
        assert sorted(labelled) == list(range(30))


def test_the_labels_needed_are_read_between_the_points() -> None:
    curve = [(10, 0.5), (20, 0.7), (30, 0.9)]
    assert (labels_to(0.8, curve), labels_to(0.5, curve), labels_to(0.25, curve), labels_to(0.95, curve)) == (25, 10, 5, None)


def test_what_was_not_reached_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST", 10)
    told, _ = learning.measure(rows_of(SIZES, 0), rows_of([20] * 10, 1), seeds=1)
    assert told["labels_to_90_percent"]["random order"] == "not with 10" and told["share_of_random"] == "cannot be told"


def test_the_picture_has_a_line_for_each_seed_and_its_words_are_escaped() -> None:
    curves = {"our order": [[(10, 0.5), (20, 0.9)], [(10, 0.6), (20, 0.92)]], "random order": [[(10, 0.4), (20, 0.6), (40, 0.9)]]}
    drawn = ElementTree.fromstring(learning.drawn(curves, 0.85, title="<a & b>"))  # noqa: S314
    kind = "{http://www.w3.org/2000/svg}"
    assert next(text.text for text in drawn.iter(f"{kind}text")) == "<a & b>"
    assert len(list(drawn.iter(f"{kind}polyline"))) == 2 + 3


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_texts_and_conversations_are_both_read(tmp_path: Path) -> None:
    said = [{"text": "hello", "intents": ["greeting"]}, {"text": "both", "intents": ["a", "b"]}, {"text": "bye", "intents": ["farewell"]}]
    found = learning._read(write(tmp_path / "talks.jsonl", [{"messages": said}, {"text": "refund me", "label": "refund"}]))
    assert found == [("hello", "greeting", "0"), ("bye", "farewell", "0"), ("refund me", "refund", "1")]


@pytest.mark.parametrize("rows", [[{"text": "a"}], [{"text": "a", "label": "one"}], [[1, 2]]])
def test_other_files_are_refused(rows: list[dict[str, object]], tmp_path: Path) -> None:
    with pytest.raises(Refused, match="was not measured"):
        learning._read(write(tmp_path / "other.jsonl", rows))


def test_the_command_measures_real_texts_and_draws(tmp_path: Path) -> None:
    asks = {"refund": "I want my money back for order", "parcel": "where is the parcel of order", "login": "I cannot sign in to account"}
    rows: list[dict[str, object]] = [{"text": f"{text} {n}", "label": label} for label, text in asks.items() for n in range(12)]
    train, test = write(tmp_path / "train.jsonl", rows[::2]), write(tmp_path / "test.jsonl", rows[1::2])
    picture = tmp_path / "curve.svg"
    asked = ["learning", "--train", str(train), "--test", str(test), "--seeds", "1", "--picture", str(picture), "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["train"], told["test"], told["full_accuracy"]) == (18, 18, 1.0)
    assert "polyline" in picture.read_text(encoding="utf-8")
