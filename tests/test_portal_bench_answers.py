"""What `portal bench answers` prints: the share of right answers with its bound and coverage; nothing learned from what it answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data.errors import Refused
from knowledge import surety
from knowledge.surety import WITH_VECTORS, Judged
from portal import bench
from portal.bench import answers
from portal.bench.answers import Answered, Measured, made

TOPICS = {
    "return_plant": "return the plant", "water_ficus": "water the ficus", "reset_password": "reset my password",
    "gift_card": "use a gift card", "track_parcel": "track the parcel", "cancel_order": "cancel the order",
    "change_address": "change my address", "pot_size": "choose the pot",
}  # fmt: skip
ASKS = ("How do I {} today", "I want to {} please", "Could you help me {} now", "Where can I {} in the app", "Is it possible to {} at all")
FIGURES = {"precision", "precision_low", "coverage", "declined", "ms_p50", "shipped", "right_article_first"}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def intents(folder: Path) -> tuple[Path, Path]:
    rows = [{"text": ask.format(words) + "?", "label": label} for label, words in TOPICS.items() for ask in ASKS]
    return written(folder / "train.jsonl", rows[::2]), written(folder / "test.jsonl", rows[1::2] * 2)


def judged(right: bool, sure: float) -> Answered:
    return Answered(Judged(dict.fromkeys(WITH_VECTORS, sure), right), right, 1.0, right)


def test_half_the_intents_have_an_article_and_the_others_questions_have_none() -> None:
    rows = [{"text": f"text {n} of {label}", "label": label} for label in TOPICS for n in range(12)]
    published, asked = made(rows, rows[::3], seed=1, per_article=4)
    assert len(published) == 4 and all(len(one.text.split("\n\n")) == 4 for one in published)
    slugs = {one.slug for one in published}
    assert {slug for one in asked for slug in one.relevant} == slugs
    without = [one for one in asked if not one.relevant]
    assert len(without) == len(asked) // 2 and all(not any(slug in one.asked.text for slug in slugs) for one in without)
    assert made(rows, rows[::3], seed=1, per_article=4) == (published, asked) != made(rows, rows[::3], seed=2, per_article=4)


def test_figures_are_those_of_the_answers_given() -> None:
    each = [judged(True, 3.0)] * 100 + [judged(False, -3.0)] * 100
    told = answers.figures([each], target=0.9, seeds=1)
    assert (told["precision"], told["coverage"], told["answered"], told["declined"]) == (1.0, 0.5, 100.0, 100.0)
    assert told["precision_low"] == round(surety.lowest(100, 100), 4) < 1
    assert (told["questions"], told["without_article"], told["right_article_first"], told["ms_p50"]) == (200, 100, 1.0, 1.0)


def test_where_rights_are_chance_it_does_not_claim_to_know() -> None:
    each = [judged(bool(number % 2), 0.0) for number in range(200)]
    told = answers.figures([each], target=0.95, seeds=2)
    assert told["precision"] is None and told["coverage"] == 0.0 and told["declined"] == 200


def test_a_wrong_answer_counts_whether_the_question_had_an_article_or_not() -> None:
    each = [judged(True, 3.0)] * 190 + [Answered(Judged(dict.fromkeys(WITH_VECTORS, 3.0), False), False, 1.0, True)] * 5
    each += [Answered(Judged(dict.fromkeys(WITH_VECTORS, 3.0), False), False, 1.0, False)] * 5
    told = answers.figures([each], target=0.8, seeds=1)
    assert told["precision"] == 0.95 and told["coverage"] == 1.0


def test_the_command_measures_articles_made_of_intents(tmp_path: Path) -> None:
    train, test = intents(tmp_path)
    asked = ["answers", "--train", str(train), "--test", str(test), "--seeds", "2", "--size", "300", "--weights", "--json"]
    done = CliRunner().invoke(bench.app, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told.keys() >= FIGURES | {"weights", "among_them_ms_p50"} and told["encoder"] is True
    assert (told["articles"], told["questions"], told["rounds"]) == (4, 40, 2) and told["passages"] >= 304
    assert told["right_article_first"] >= 0.9
    assert surety.Surety.of_json(told["weights"]).names == WITH_VECTORS


def test_the_command_measures_files_that_somebody_brings(tmp_path: Path) -> None:
    articles = [
        {"id": label, "title": words.capitalize(), "body": f"To {words}, open the app. You {words} within 3 days."}
        for label, words in TOPICS.items()
    ]
    questions = [{"text": ask.format(words) + "?", "relevant": [label]} for label, words in TOPICS.items() for ask in ASKS[:2]]
    questions += [
        {"messages": [{"role": "customer", "text": f"Is the moon number {n} made of cheese?"}], "relevant": []} for n in range(16)
    ]
    brought = written(tmp_path / "articles.jsonl", articles), written(tmp_path / "questions.jsonl", questions)
    told = answers.run(Measured(by_words=True, seeds=1), *brought)
    assert (told["articles"], told["questions"], told["without_article"], told["encoder"]) == (8, 32, 16, False)
    assert told["right_article_first"] == 1.0


def test_too_little_to_measure_is_refused(tmp_path: Path) -> None:
    train, _ = intents(tmp_path)
    with pytest.raises(Refused, match=r"^Not measured: bring --articles and --questions, or as many --train as --test files\.$"):
        answers.run(Measured(), None, None, [train], [])
    one = written(tmp_path / "one.jsonl", [{"text": "hello", "label": "greeting"}])
    with pytest.raises(Refused, match="fewer than 4 labels"):
        answers.run(Measured(), None, None, [one], [one])
    with pytest.raises(Refused, match="no question names an article"):
        answers.figures([[judged(False, 0.0)] * 30], target=0.95, seeds=1)


def test_of_few_questions_what_ships_is_measured() -> None:
    each = [judged(True, 3.0)] * 8 + [judged(False, -3.0)] * 8
    told = answers.figures([each], target=0.95, seeds=1)
    assert {name: told[name] for name in told["shipped"]} == told["shipped"]
