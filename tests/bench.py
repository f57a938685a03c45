"""`make bench`: the figures that the README states, measured here. Machines differ: ratios are against a floor in the same run."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from data.tables import Case
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


def intake(folder: Path) -> dict[str, float]:
    """What `portal bench` prints of the way in and of the lists that people wait for, on files that are made here."""
    from portal.bench import importing, screens
    from tests.conversations import write_file

    came = importing.run(write_file(folder / "bench.jsonl", count=20_000))
    kept = ("conversations_per_second", "messages_per_second", "floor_ratio")
    return {f"import_{name}": came[name] for name in kept} | screens.run(200_000)


def hostile_texts() -> dict[str, float]:
    """Texts of 50 kB that are made to be slow to redact: the slowest, and how many take more than 100 ms of processor time."""
    from language import redact
    from tests.attacks.test_redaction_time import PIECES

    redact.find("My name is Anna, call +49 30 1234567")
    took = [_best_of_three(lambda text=piece * (50_000 // len(piece)): redact.find(text)) for piece in PIECES]  # type: ignore[misc]
    slow = sum(ms > 100 for ms in took)
    return {"hostile_texts": len(took), "hostile_text_slowest_ms": round(max(took)), "hostile_texts_above_100_ms": slow}


def evals(home: Path) -> dict[str, float]:
    """A run of 1,000 and of 10,000 cases by an instant target, two of 10,000 by three graders compared, and a page of 20,000 results."""
    from data import migrate, people
    from data.values import Target
    from evals import changes, compare, freezing, graders, reading, runs, sets
    from evals.cases import NewCase

    def case(number: int) -> NewCase:
        expected = {"text": f"Yes, {number}.", "facts": {"must": ["yes"]}, "length": {"most_words": 9}}
        return NewCase(({"role": "customer", "text": f"Is it number {number}?"},), expected, ("exact text", "contains", "length"))

    figures: dict[str, float] = {}
    with home_at(home):
        migrate.upgrade()
        by = people.first_admin("Ada", "ada@example.com", "correct horse battery")
        lead = people.add("Leo", "leo@example.com", "engineer", by=people.console())
        for size in (1_000, 10_000):
            eval_set = sets.create(f"Set of {size}", purpose="answer", by=lead)
            known = [NewCase(one.messages, one.expected, one.graders[:1]) if size == 1_000 else one for one in map(case, range(size))]
            changes.add(eval_set.id, known, known=graders.BY_NAME, by=lead)
            version = freezing.freeze(eval_set.id, by=lead)
            told = {one.key: one.expected["text"] for one in sets.cases(version.id)}

            def right(cases: Sequence[Case], told: dict[str, str] = told) -> list[dict[str, str]]:
                return [{"reply": told[one.key]} for one in cases]

            ask = runs.told_at_once(right)
            started = time.perf_counter()
            one = runs.run(version.id, Target("outputs", "instant", 1), ask, by=lead)
            figures[f"run_of_{size}_s"] = round(time.perf_counter() - started, 2)
        other = runs.run(version.id, Target("outputs", "instant", 2), ask, by=lead)
        started = time.perf_counter()
        compare.compare(other, one, by=lead)
        figures["compare_10000_by_3_s"] = round(time.perf_counter() - started, 2)
        twice = runs.run(version.id, Target("outputs", "instant", 3), ask, by=lead, repeats=2)
        started = time.perf_counter()
        some = reading.cases(twice.id, passed=True, by=by)
        reading.said(twice.id, some[0].id, by=lead)
        reading.pace(twice.id, by=lead)
        figures["page_of_20000_results_ms"] = round((time.perf_counter() - started) * 1000)
    return figures


def _best_of_three(act: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        act()
        times.append((time.process_time() - began) * 1000)
    return min(times)


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


def next_item(home: Path) -> dict[str, float]:
    """From the key that saves a review to the next conversation being there, in a real browser: the median of 20."""
    from playwright.sync_api import sync_playwright

    from tests.browser import FLAGS, desk, found, settled
    from tests.server import Server

    server, taken = Server(home).start(), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        with desk(browser, server.base, "Nora Engel", []) as page:
            page.goto(f"{server.base}/review?queue=team")
            for _ in range(20 + 1):
                page.locator("html[data-keys=heard]").wait_for(state="attached")
                settled(page)
                page.locator('[class*="st-key-review_save_"]').wait_for()
                page.keyboard.press("s")
                page.locator('[class*="st-key-review_why_"] input:focus').wait_for()
                settled(page)
                page.wait_for_timeout(200)
                taken.append(page.evaluate(UNTIL_ANOTHER_IS_THERE))
        browser.close()
    server.stop()
    return {"next_item_ms_median": round(statistics.median(taken[1:])), "next_item_ms_slowest": round(max(taken[1:]))}


def quality_page(home: Path) -> dict[str, float]:
    """From a click in the sidebar to the first chart of Quality, in a real browser: the median of 10; beside it a page without charts."""
    from playwright.sync_api import sync_playwright

    from tests.browser import FLAGS, desk, found, settled
    from tests.server import Server

    server = Server(home).start()
    taken: dict[str, list[float]] = {"quality": [], "inbox": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        with desk(browser, server.base, "Lena Hoffmann", []) as page:
            for _ in range(10 + 1):
                for name, shown in (("quality", '[data-testid="stVegaLiteChart"] .mark-symbol path'), ("inbox", "h1")):
                    page.goto(f"{server.base}/approvals")
                    page.locator("h1", has_text="Approvals").wait_for()
                    settled(page)
                    taken[name].append(page.evaluate(UNTIL_IT_IS_DRAWN, [name, shown]))
        browser.close()
    server.stop()
    return {
        **{f"{name}_first_drawn_ms_median": round(statistics.median(one[1:])) for name, one in taken.items()},
        "quality_first_drawn_ms_first": round(taken["quality"][0]), "quality_first_drawn_ms_slowest": round(max(taken["quality"][1:])),
    }  # fmt: skip


UNTIL_IT_IS_DRAWN = """([name, shown]) => new Promise(done => {
    const link = [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')].find(one => one.href.endsWith('/' + name));
    const began = performance.now(), title = name[0].toUpperCase() + name.slice(1);
    const there = () => [...document.querySelectorAll('h1')].some(one => one.innerText.startsWith(title)) && document.querySelector(shown);
    const look = () => there() ? done(performance.now() - began) : requestAnimationFrame(look);
    link.click();
    look();
})"""
UNTIL_ANOTHER_IS_THERE = """() => new Promise(done => {
    const place = document.querySelector('[class*="st-key-transcript"]');
    const holder = [...place.querySelectorAll('*')].find(one => one.shadowRoot) ?? place;
    const region = (holder.shadowRoot ?? holder).querySelector('.transcript'), before = region.innerText;
    const began = performance.now(), field = document.querySelector('[class*="st-key-review_why_"] input');
    const look = () => region.innerText !== before ? done(performance.now() - began) : requestAnimationFrame(look);
    field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, composed: true}));
    look();
})"""


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
        figures = demo_seconds(Path(folder) / "demo") | plain_tfidf() | hostile_texts() | intake(Path(folder))
        figures |= start_and_memory(Path(folder) / "demo")
        figures |= next_item(Path(folder) / "demo")
        figures |= quality_page(Path(folder) / "demo")
        figures |= evals(Path(folder) / "evals")
    for name, value in figures.items():
        print(f"{name:36} {value:>10,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
