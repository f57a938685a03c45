"""`portal bench intents`: its own figures against scikit-learn's, and the whole way on a small file."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score
from typer.testing import CliRunner

from data import vectors
from data.errors import Refused
from portal import bench
from portal.bench import intents
from tests.test_language_encoder import tiny

__all__ = ["tiny"]  # a fixture
KINDS = {"track_order": "where is my parcel", "refund": "I want my money back", "login": "the password fails"}


def written(path: Path, count: int, *, others: int = 0) -> Path:
    rows = [{"text": f"{text} {number}", "label": label} for label, text in KINDS.items() for number in range(count)]
    rows += [{"text": f"poem {number} of the sea{number}", "label": "oos"} for number in range(others)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def small(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the shipped encoder, which takes seconds to install."""
    install = vectors.install
    monkeypatch.setattr(vectors, "install", lambda: install(tiny))


def test_a_file_is_learned_and_the_other_asked(small: None, tmp_path: Path) -> None:
    train, test = written(tmp_path / "train.jsonl", 30), written(tmp_path / "test.jsonl", 5)
    result = CliRunner().invoke(bench.app, ["intents", "--train", str(train), "--test", str(test), "--json"])
    told = json.loads(result.stdout)
    assert (told["train"], told["test"]) == (90, 15) and told["accuracy"] == told["macro_f1"] == 1.0
    assert {"train_seconds", "embed_seconds", "single_ms_p50", "bulk_per_second", "peak_mb"} < set(told)
    assert "in_scope_accuracy" not in told
    few = intents.run(train, test, per_label=5, seed=2)
    assert few["train"] == 15 and few["method"].startswith("With 5 examples a label")


def test_out_of_scope_lines_are_measured_for_themselves(small: None, tmp_path: Path) -> None:
    train, test = written(tmp_path / "train.jsonl", 30, others=20), written(tmp_path / "test.jsonl", 5, others=5)
    told = intents.run(train, test, out_of_scope="oos")
    assert told["in_scope_accuracy"] > 0.9 and told["out_of_scope_auroc"] > 0.9 and 0 <= told["out_of_scope_recall"] <= 1


def test_the_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    right, said = ([f"label {place}" for place in rng.integers(4, size=300)] for _ in range(2))
    assert intents.macro_f1(right, said) == pytest.approx(f1_score(right, said, average="macro"))
    score, positive = rng.integers(20, size=300) / 20, rng.random(300) < 0.3
    assert intents.auroc(score, positive) == pytest.approx(roc_auc_score(positive, score))
    told = intents.scored(["a", "b", "oos"], ["a", "a", "oos"], [0.1, 0.2, 0.9], "oos")
    assert (told["accuracy"], told["in_scope_accuracy"], told["out_of_scope_recall"], told["out_of_scope_auroc"]) == (0.6667, 0.5, 1.0, 1.0)


def test_so_many_of_each_label_are_drawn_by_seed() -> None:
    rows = [{"text": str(number), "label": f"label {number % 3}"} for number in range(31)]
    one, two = intents.some_of_each(rows, 4, 1), intents.some_of_each(rows, 4, 1)
    assert one == two != intents.some_of_each(rows, 4, 2) and len(one) == 12
    assert len(intents.some_of_each(rows, 99, 1)) == 31


@pytest.mark.parametrize("content", ["no json", '{"text": "x"}', "[1]"])
def test_a_file_of_another_kind_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(content)
    for path in (tmp_path / "bad.jsonl", tmp_path / "missing.jsonl"):
        with pytest.raises(Refused, match=r"cannot be read\. Each line is an object with text and label\.$"):
            intents.run(path, path)
