"""`make bench`: the figures that the README states, measured here. Machines differ: ratios are against a floor in the same run."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from tests.conftest import let_go, point_at


@contextmanager
def home_at(path: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        path.mkdir(exist_ok=True)
        point_at(path, "", patch)
        yield path
        let_go()


def demo_seconds(home: Path) -> dict[str, float]:
    from data import migrate
    from portal import demo

    with home_at(home):
        migrate.upgrade()
        started = time.perf_counter()
        demo.build()
        return {
            "demo_seconds": round(time.perf_counter() - started, 1),
            "demo_database_mb": round((home / "portal.db").stat().st_size / 2**20, 1),
        }


def plain_tfidf() -> dict[str, float]:
    """How hard the demo's texts are: word TF-IDF, linear SVM, five folds, with the true intents that no screen knows."""
    import random
    from datetime import UTC, datetime, timedelta

    from sklearn.model_selection import cross_val_score

    from classifiers import model
    from portal.ferngrove import story
    from portal.ferngrove.phrases import INTENTS

    until = datetime(2026, 6, 1, tzinfo=UTC)
    told = story.conversations(random.Random(7), start=until - timedelta(weeks=12), until=until, count=6000)
    known = [one for one in told if one.intent in INTENTS]
    scores = cross_val_score(model.untrained(), [one.messages[0][1] for one in known], [one.intent for one in known], cv=5)
    return {"tfidf_accuracy_on_demo": round(float(np.mean(scores)), 3)}


def import_speed(home: Path) -> dict[str, float]:
    """Conversations a second through the door, beside the floor: the same rows, ready made, by plain inserts."""
    from sqlalchemy import insert, select

    from data import migrate, people, store
    from data.intake import files
    from data.tables import Conversation, Customer, Message
    from tests.conversations import write_file

    file = write_file(home.parent / "bench.jsonl", count=5000)
    with home_at(home):
        migrate.upgrade()
        started = time.perf_counter()
        report = files.import_file(file, by=people.console())
        seconds = time.perf_counter() - started
        with store.engine().connect() as connection:
            rows = {
                table: [dict(row._mapping) for row in connection.execute(select(table.__table__))]
                for table in (Customer, Conversation, Message)
            }
    with home_at(home.with_name("floor")):
        migrate.upgrade()
        started = time.perf_counter()
        with store.engine().execution_options(writes=True).begin() as connection:
            for table, made in rows.items():
                connection.execute(insert(table.__table__), made)
        floor = time.perf_counter() - started
    return {"import_conversations_per_second": round(report["new"] / seconds), "import_floor_ratio": round(seconds / floor, 1)}


def start_and_memory(home: Path) -> dict[str, float]:
    """From the command to the first answer, twice; then what web and worker hold when nobody does anything."""
    told: dict[str, float] = {}
    for key in ("start_seconds_with_demo_there", "start_seconds_again"):
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "portal", "up", "--demo", "--port", "8899"],
            env={**_environment(), "PORTAL_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_until_ready("http://127.0.0.1:8899")
            told[key] = round(time.perf_counter() - started, 1)
            time.sleep(6)
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            told["idle_mb_web_and_worker"] = round(sum(one.memory_full_info().pss for one in family) / 2**20)
        finally:
            process.terminate()
            process.wait(15)
    return told


def _environment() -> dict[str, str]:
    import os

    return {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}


def _wait_until_ready(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/api/v1/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = (
            demo_seconds(Path(folder) / "demo")
            | plain_tfidf()
            | import_speed(Path(folder) / "import")
            | start_and_memory(Path(folder) / "demo")
        )
    for name, value in figures.items():
        print(f"{name:36} {value:>10,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
