"""`portal bench retrieval`: the whole way on a small file, its own figures, and what it refuses."""

import json
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from typer.testing import CliRunner

from data.errors import Refused
from portal import bench
from portal.bench import named, retrieval
from tests.test_language_encoder import tiny
from tests.test_portal_bench_intents import small

__all__ = ["small", "tiny"]  # fixtures


def files(folder: Path, articles: list[dict], questions: list[dict]) -> tuple[Path, Path]:
    for name, rows in (("articles", articles), ("questions", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "articles.jsonl", folder / "questions.jsonl"


def test_every_rung_is_measured_and_what_ships_is_compared(small: None, tmp_path: Path) -> None:
    articles, asked = named.made(seed=1, conversations=30)
    asked[0]["intent"] = "fees"
    known, questions = files(tmp_path, articles, [*asked, {"id": "none", "text": "Who won the match?", "relevant": []}])
    result = CliRunner().invoke(bench.app, ["retrieval", "--articles", str(known), "--questions", str(questions), "--json"])
    told = json.loads(result.stdout)
    assert (told["articles"], told["questions"], told["unanswerable"]) == (len(articles), 30, 1)
    assert [row["name"] for row in told["rungs"]] == [
        "keyword", "vectors", "hybrid_whole", "hybrid_window", "hybrid_rrf", "hybrid", "titles", "sentences", "entities", "expansion",
        "classification", "live_first_day", "picks", "live", "reranker",
    ]  # fmt: skip
    for row in told["rungs"]:
        assert all(0 <= row[f"{name}_low"] <= row[name] <= row[f"{name}_high"] <= 1 for name in retrieval.FIGURES) and row["ms_p50"] > 0
    by_name = {row["name"]: row for row in told["rungs"]}
    assert by_name["keyword"]["r5"] > by_name["vectors"]["r5"]  # the small encoder knows nothing
    assert told["live"]["name"] == "live" and told["live"]["r1"] == by_name["live"]["r1"]
    assert set(told["live"]["against_plain_hybrid"]) == {"live_first_day", "live", "reranker"}
    assert told["peak_mb"] > 0 and told["encoding_ms_p50"] > 0


def test_people_read_a_line_a_rung(small: None, tmp_path: Path) -> None:
    known, questions = files(
        tmp_path, [{"id": "a", "title": "Refunds", "content": "A refund."}, {"id": "b", "title": "Plants", "body": "A plant."}],
        [{"id": 1, "text": "refund", "relevant": ["a"]},
         {"id": 2, "messages": [{"role": "customer", "text": "plant"}], "relevant": ["b"]}],
    )  # fmt: skip
    result = CliRunner().invoke(bench.app, ["retrieval", "--articles", str(known), "--questions", str(questions), "--no-chunkings"])
    lines = result.stdout.splitlines()
    assert lines[1].startswith("Same words") and "100.0 (34.2–100.0)" in lines[1]
    assert any(line.startswith("live_first_day against plain hybrid: R@1 ") for line in lines)
    assert not any("choices" in line for line in lines)  # two questions are too few to learn from


def test_nothing_is_scored_by_what_saw_it() -> None:
    """Each question asks in words that nothing else holds: only its own choice, remembered, could find its article."""
    known = retrieval._articles([{"id": f"a{n}", "title": f"Title {n}", "body": "Text"} for n in range(40)], "")
    asked = retrieval._questions([{"id": n, "text": f"word{n} other{n} third{n}", "relevant": [f"a{n}"]} for n in range(40)], "")

    class Encoder:
        def __call__(self, texts: list[str]) -> np.ndarray:
            return np.stack([np.random.default_rng(crc32(text.encode())).standard_normal(16) for text in texts]).astype(np.float32)

        afresh = __call__

    told = retrieval.measured(known, asked, Encoder(), chunkings=False)
    by_name = {row["name"]: row for row in told["rungs"]}
    assert by_name["live"]["r1"] < 0.2 and by_name["reranker"]["r1"] < 0.2


def test_the_figures_of_one_question() -> None:
    right = frozenset({"a", "b"})
    assert retrieval.scored(["a", "x"], right) == (1.0, 1.0, 1.0, 0.5)
    assert retrieval.scored(["x", "y", "b", "a"], right) == (0.0, 1.0, 1 / 3, 1.0)
    assert retrieval.scored(["x"] * 5 + ["a"] + ["x"] * 20 + ["b"], right) == (0.0, 0.0, 0.0, 0.5)
    assert retrieval.scored([], right) == (0.0, 0.0, 0.0, 0.0)


def test_the_same_question_is_never_in_two_folds() -> None:
    folds = retrieval._folds(50)
    assert sorted(place for fold in folds for place in fold) == list(range(50)) and len(folds) == retrieval.FOLDS


def test_a_search_is_timed_in_so_many_passages() -> None:
    told = retrieval.at_size(600)
    assert (told["passages"], told["articles"]) == (600, 120)
    assert {"question_ms_p50", "long_message_ms_p50", "conversation_ms_p95", "update_seconds_most", "library_mb"} < set(told)


@pytest.mark.parametrize(
    ("articles", "questions", "why"),
    [
        ([{"id": "a", "title": "A"}], [{"id": 1, "text": "x", "relevant": []}], "articles.jsonl cannot be read"),
        ([{"id": "a", "title": "A", "body": "b"}], [{"id": 1, "relevant": []}], "questions.jsonl cannot be read"),
        ([{"id": "a", "title": "A", "body": "b"}] * 2, [{"id": 1, "text": "x", "relevant": []}], "the same id"),
        ([{"id": "a", "title": "A", "body": "b"}], [{"id": 1, "text": "x", "relevant": ["b"]}], "1 of the articles .* first 'b'"),
        ([{"id": "a", "title": "A", "body": "b"}], [], "is empty"),
        ([{"id": "a", "title": "A", "body": "b"}], [{"id": 1, "text": "x", "relevant": []}], "no question names an article"),
    ],
)
def test_files_of_another_kind_are_refused(small: None, tmp_path: Path, articles: list[dict], questions: list[dict], why: str) -> None:
    with pytest.raises(Refused, match=f"Not measured: .*{why}"):
        retrieval.run(*files(tmp_path, articles, questions))


def test_half_of_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="articles and questions belong together"):
        retrieval.run(tmp_path / "a", None)
