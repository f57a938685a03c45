"""`portal bench serving`: the whole way on a small file, with what is live, and what it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifiers import training
from data.errors import Refused
from portal import bench
from portal.bench import serving
from tests.conftest import hire
from tests.test_classifiers_serving import go_live
from tests.test_classifiers_training import reviewed
from tests.test_language_encoder import tiny
from tests.test_portal_bench_intents import small, written

__all__ = ["small", "tiny"]  # fixtures
FIGURES = {"single_ms_p50", "single_ms_p95", "bulk_per_second"}


def test_a_file_is_learned_and_asked(small: None, tmp_path: Path) -> None:
    train, texts = written(tmp_path / "train.jsonl", 30), written(tmp_path / "texts.jsonl", 5)
    result = CliRunner().invoke(bench.app, ["serving", "--train", str(train), "--texts", str(texts), "--json"])
    told = json.loads(result.stdout)
    assert (told["version"], told["labels"], told["rows"], told["texts"]) == ("bench 1", 3, 90, 15)
    assert told["encoder"] and told.keys() >= FIGURES
    assert 0 < told["single_ms_p50"] <= told["single_ms_p95"] and told["bulk_per_second"] > 0


def test_what_is_live_is_asked_where_nothing_is_learned(sqlite_home: Path) -> None:
    texts = written(sqlite_home / "texts.jsonl", 5)
    with pytest.raises(Refused, match=r"^Not measured: nothing of 'intent' is live in this portal\."):
        serving.run(texts)
    staff = hire()
    reviewed(staff, range(1, 41))
    training.train(by=staff.rep)
    go_live(staff, 1)
    told = serving.run(texts)
    assert (told["version"], told["encoder"], told["texts"]) == ("intent 1", None, 15) and told.keys() >= FIGURES


@pytest.mark.parametrize("content", ["", "no json", '{"label": "x"}', "[1]"])
def test_a_file_of_another_kind_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(content)
    for path in (tmp_path / "bad.jsonl", tmp_path / "missing.jsonl"):
        with pytest.raises(Refused, match=r"^Not measured: .* Each line is an object with text\.$"):
            serving.run(path)
