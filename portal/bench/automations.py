"""How long recipes take: a backtest of 500 conversations and a thousand dry runs, on the conversations that this portal holds."""

import time
from itertools import cycle, islice
from typing import Any

from automations import backtest, gallery
from automations.recipe import ARRIVES, Recipe, of
from automations.steps.all import STEPS
from data.errors import Misuse
from data.tables import Person
from data.values import now
from portal import catalog, shopkeeping
from portal.bench import live_runs


def run(by: Person, *, runs: int = 1_000, url: str = "") -> dict[str, Any]:
    """Each of the ready recipes in turn, and the two that ask the most by themselves; and live runs, in a portal of their own."""
    with shopkeeping.beside() as shop:
        connected = catalog.connected_for(by, shop=shop)
        everywhere = [_for_all(one) for one in gallery.ready() if one.trigger.kind != "button"]
        cases = backtest.cases_of(everywhere[0], by, backtest.MOST, now())
        if not cases:
            raise Misuse("Nothing was measured: this portal holds no conversation. Run it on a home with the demo.")
        backtest.line_of(cases[0], everywhere[0], connected, STEPS)  # what is built once is not measured
        told: dict[str, Any] = {"conversations": len(cases)}
        for name in ("where-is-my-order", "answer-from-articles"):
            one = next(one for one in everywhere if one.name == name)
            told[f"backtest {name}, seconds"] = _timed(lambda one=one: [backtest.line_of(case, one, connected, STEPS) for case in cases])
        pairs = list(islice(zip(cycle(everywhere), cycle(cases), strict=False), runs))
        seconds = _timed(lambda: [backtest.line_of(case, one, connected, STEPS) for one, case in pairs])
    return told | {"runs": runs, "all runs, seconds": seconds, "a run, ms": seconds * 1000 / runs} | live_runs.run(url)


def _for_all(one: Recipe) -> Recipe:
    """So that each conversation goes through its steps."""
    return of({name: value for name, value in one.as_body().items() if name != "when"} | {"trigger": {"kind": ARRIVES}})


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
