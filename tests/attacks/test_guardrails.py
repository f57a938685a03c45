"""A process dies by kill -9 while guardrails still look: nothing was done, on both engines. The same acts without them, or after their yes,
are done."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from automations.actions import Real
from automations.door import Held, Wanted
from automations.guardrails.face import LEAVES, Declaration, Guardrail, Looked, Verdict
from automations.guardrails.watching import Watch, guarded
from automations.settling import Ways
from automations.shop.client import Shop
from data import config, people
from tests import test_automations_actions as acts
from tests.test_automations_actions import Stand, stand

__all__ = ["stand"]

FORKED = get_context("forkserver")
FORKED.set_forkserver_preload(["tests.attacks.test_guardrails"])
PATIENCE = 120.0
DECLARED = Declaration("marks", "Marks", "Marks.", "flag", frozenset({LEAVES}))


@dataclass(frozen=True)
class Job:
    home: str
    database: str
    shop: str
    trace: str
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True)
class Marks:
    """Leaves a file for each that it looks at, and then says yes, or nothing for ever."""

    folder: Path
    hangs: bool
    declaration: Declaration = DECLARED

    def look(self, at: Looked) -> Verdict:
        assert at.wanted is not None
        (self.folder / f"looked at {at.wanted.name}").touch()
        while self.hangs:
            time.sleep(1)
        return Verdict(True)


def looks_for_ever(job: Job) -> None:
    _act(job, hangs=True)


def looks(job: Job) -> None:
    _act(job, hangs=False)


def unguarded(job: Job) -> None:
    _ready(job)
    door = _door(job)
    for wanted in job.wanted:
        door.act(wanted)


def _act(job: Job, *, hangs: bool) -> None:
    """All of them at once, each through a guarded door."""
    _ready(job)
    known: dict[str, Guardrail] = {"marks": Marks(Path(job.home), hangs)}

    def one(wanted: Wanted) -> None:
        watch = Watch({"marks": {}}, seconds=PATIENCE, known=known)
        guarded(_door(job), watch, lambda wanted: Looked(LEAVES, "", wanted)).act(wanted)

    if not hangs:
        for wanted in job.wanted:
            one(wanted)
        return
    threads = [threading.Thread(target=one, args=(wanted,)) for wanted in job.wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ready(job: Job) -> None:
    os.environ |= {"PORTAL_HOME": job.home, "PORTAL_DATABASE_URL": job.database}
    config.reset()


def _door(job: Job) -> Real:
    rita = people.by_email("rita@example.com")
    assert rita is not None
    return Real(Held(acts.recipe()), job.trace, rita, ways=Ways(shop=Shop(job.shop, acts.TOKEN)))


def job_of(stand: Stand, home: Path) -> Job:
    credit = {"customer": stand.customers[0], "order": stand.order(), "amount": "5.00", "currency": "EUR", "reason": "Late"}
    wanted = (
        acts.refund(stand),
        Wanted("credit", "credit", "credit", credit, "Credit 5.00 EUR", acts.TWENTY / 4, "EUR"),
        acts.wanted("tag", {"tag": "late"}),
        acts.wanted("field", {"field": "priority", "value": "high"}),
        acts.wanted("route", {"team": "Fern"}),
        acts.wanted("draft", {"text": "It is late."}),
        acts.wanted("note", {"text": "It is about money.", "to": ""}),
    )
    trace = acts.begun(stand, acts.kept(acts.recipe(), stand.staff))
    return Job(str(home), os.environ["PORTAL_DATABASE_URL"], stand.url, trace.id, wanted)


def begin(work: Callable[[Job], None], job: Job) -> "FORKED.Process":  # type: ignore[name-defined]
    child = FORKED.Process(target=work, args=(job,), daemon=True)
    child.start()
    return child


def test_a_process_that_is_killed_while_a_guardrail_looks_has_done_nothing(stand: Stand, home: Path) -> None:
    job = job_of(stand, home)
    child = begin(looks_for_ever, job)
    until = time.monotonic() + PATIENCE
    while len(list(home.glob("looked at *"))) < len(job.wanted):
        assert child.is_alive() and time.monotonic() < until, "it does not come to its guardrails"
        time.sleep(0.02)
    assert acts.rows() == []
    child.kill()
    child.join(PATIENCE)
    assert child.exitcode == -9
    assert acts.rows() == [] and stand.refunded() == []


@pytest.mark.parametrize("work", [looks, unguarded])
def test_the_same_acts_are_done_after_a_yes_and_where_no_guardrail_is(stand: Stand, home: Path, work: Callable[[Job], None]) -> None:
    """The control: it is the missing verdict that holds them back, and nothing else."""
    job = job_of(stand, home)
    child = begin(work, job)
    child.join(PATIENCE)
    assert child.exitcode == 0
    assert [(one.act, one.state) for one in acts.rows()] == [(wanted.name, "done") for wanted in job.wanted]
    assert stand.refunded() == [2000, 500]
    assert len(list(home.glob("looked at *"))) == (len(job.wanted) if work is looks else 0)
