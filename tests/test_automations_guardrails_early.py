"""Of all that leaves a live run nothing leaves before the verdicts are there: slow ones, broken ones, none, and a process that dies.

Each trial is a real step at the real door of a live run, on the store. With PORTAL_SOAK=1 hundreds of them, up to five seconds slow. As
a program (python -m tests.test_automations_guardrails_early) it acts while its guardrail looks, so that it can be killed meanwhile.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import pytest
from sqlmodel import select

from automations.actions import Real
from automations.door import Did, Door, Held, Wanted
from automations.guardrails.face import CAME, LEAVES, Looked
from automations.guardrails.watching import Guarded, Watch
from automations.recipe import Act, Alone, Limits, Recipe
from automations.settling import Ways
from automations.shop.client import Shop
from automations.steps.ask_for_detail import WaitsForCustomer
from automations.world import World
from data import people, store
from data.config import ROOT
from data.errors import Refused
from data.tables import Action, Person
from data.values import now
from tests import test_automations_steps as steps
from tests.conftest import SOAK, Staff
from tests.test_automations_actions import TOKEN, Stand, begun_for, standing
from tests.test_automations_guardrails_watching import CHANGING, FAULTS, YES, looked_of, watch

WHICH = sorted(FAULTS) if SOAK else ["an exception", "an exit", "a table", "nothing"]
DELAYS = (0.0, 0.05, 0.25, 0.5, 1.0, 2.0, 3.5, 5.0) if SOAK else (0.0, 0.02)  # seconds, each followed by a yes
TOO_SLOW = (0.05, 0.5) if SOAK else (0.02,)  # seconds that a guardrail has which does not answer
MOMENTS = (CAME, LEAVES) if SOAK else (LEAVES,)
KILLED = CHANGING if SOAK else ["refund", "send reply"]
AT_ONCE = 24
GIVEN = steps.GIVEN | {
    "refund": {"order": "", "amount": "0.10", "reason": "Late"}, "credit": {"amount": "0.10", "reason": "Late"}, "route": {"team": "Oak"},
    "hand over": {"summary": "It is about money."},
}  # fmt: skip


@dataclass
class Noting(Real):
    """The real door of a live run; it knows whether the verdict was there when it was opened."""

    decided: threading.Event = field(default_factory=threading.Event)
    early: int = 0

    def act(self, wanted: Wanted) -> Did:
        self.early += not self.decided.is_set()
        return super().act(wanted)


class NotWaiting(Guarded):
    """With the waiting switched off: the guardrails look, and nobody hears what they say."""

    def act(self, wanted: Wanted) -> Did:
        self.watch.begin(replace(self.looked_of(wanted), moment=LEAVES, wanted=wanted))
        return self.door.act(wanted)


@dataclass(frozen=True)
class Trial:
    step: str
    fault: str  # a name in FAULTS, "slow" or "never"
    moment: str
    seconds: float = 0.0
    waiting: bool = True


def trials() -> list[Trial]:
    """Each once: every step that changes something, with everything that a guardrail may do."""
    found = []
    for step in CHANGING:
        found += [Trial(step, "slow", moment, seconds) for moment in MOMENTS for seconds in DELAYS]
        found += [Trial(step, fault, moment) for moment in MOMENTS for fault in WHICH]
        found += [Trial(step, "never", moment, seconds) for moment in MOMENTS for seconds in TOO_SLOW]
    return found


def world(shop: Shop, door: Door, conversation_id: str, customer: str) -> World:
    return steps.world(shop, door=door, at=now(), customer=customer, conversation_id=conversation_id)


def given_of(step: str, order: str) -> dict[str, Any]:
    return GIVEN[step] | ({"order": order} if step in ("refund", "credit") else {})


def recipe_of(step: str) -> Recipe:
    limits = Limits(money_per_run=Decimal(50), money_per_day=Decimal(100_000), runs_per_day=100_000, currency="EUR")
    return Recipe(f"tries {step}", step, acts=(Act(step, "one", {}),), limits=limits, alone=Alone(Decimal(50), tuple(CHANGING)))


def ways(shop: Shop, delivered: list[str]) -> Ways:
    usual = steps.world(shop)

    def deliver(action: Action) -> str:
        delivered.append(action.id)
        return f"reply {action.id}"

    return Ways(shop=shop, deliver=deliver, services=usual.services, tools=usual.tools)


@dataclass
class Yard:
    """The conversations, one for each step, and what went out of them."""

    stand: Stand
    delivered: list[str] = field(default_factory=list)

    def attempt(self, one: Trial) -> tuple[int, int]:
        """How often the door was opened before the verdict, and how much the run did in all."""
        made, place = recipe_of(one.step), CHANGING.index(one.step)
        trace = begun_for(self.stand.staff, made, self.stand.ids[place])
        door = Noting(Held(made), trace.id, by=self.stand.staff.rep, ways=ways(self.stand.shop, self.delivered))
        over_it, released = self._watch(one, door.decided)
        over_it.begin(Looked(CAME, "Where is my parcel?"))
        guarded = (Guarded if one.waiting else NotWaiting)(door, over_it, looked_of)
        here = world(self.stand.shop, guarded, self.stand.ids[place], self.stand.customers[place])
        with suppress(Refused, WaitsForCustomer):  # what went through the door stands in the ledger, whatever became of it there
            steps.STEPS[one.step].run(given_of(one.step, self.stand.order(place)), replace(here, act="one"))
        released.set()
        return door.early, len(acts_of(trace.id))

    def _watch(self, one: Trial, decided: threading.Event) -> tuple[Watch, threading.Event]:
        """`decided` is set where, and when, it says yes."""
        released = threading.Event()

        def says(at: Looked) -> Any:
            if at.moment != one.moment:
                return YES
            if one.fault in FAULTS:
                return FAULTS[one.fault](at)
            released.wait(one.seconds if one.fault == "slow" else 60)
            if one.fault == "slow":
                decided.set()
            return YES

        seconds = one.seconds if one.fault == "never" else 30.0
        return watch(seconds=seconds, quick=lambda at: YES, slow=says), released


def acts_of(trace_id: str) -> list[Action]:
    with store.reading() as db:
        return list(db.exec(select(Action).where(Action.trace_id == trace_id)))


@pytest.fixture
def yard(staff: Staff, home: Path) -> Iterator[Yard]:
    with standing(staff, home, len(CHANGING)) as stand:
        yield Yard(stand)


def test_nothing_leaves_a_live_run_before_every_verdict(yard: Yard) -> None:
    tried = trials()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        came = dict(zip(tried, pool.map(yard.attempt, tried), strict=True))
    early = {one: (opened, done) for one, (opened, done) in came.items() if opened or (one.fault != "slow" and done)}
    after_its_yes = [done for one, (_, done) in came.items() if one.fault == "slow"]
    print(f"{len(tried)} trials of {len(CHANGING)} effects on {store.engine().dialect.name}: ran early: {len(early)}")
    assert len(tried) == len(set(tried)) and (not SOAK or len(tried) >= 300)
    assert early == {}
    assert set(after_its_yes) == {1}  # each was such that it would have been seen: after the yes it is done, once


def test_with_the_waiting_switched_off_every_effect_runs_early(yard: Yard) -> None:
    """The control."""
    tried = [Trial(step, fault, LEAVES, 30.0, waiting=False) for step in CHANGING for fault in ("slow", "an exception", "nothing", "never")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        came = list(pool.map(yard.attempt, tried))
    print(f"{len(tried)} trials with the waiting switched off: ran early: {sum(opened > 0 for opened, _ in came)}")
    assert all(opened == 1 and done == 1 for opened, done in came)


# Killed while the verdict is out


def kennel() -> None:
    """For each line one trial in a process of its own, which says when its guardrail looks and never hears a verdict."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _until_killed(**json.loads(line))
            os._exit(0)
        os.waitpid(child, 0)
        _say("ended")


def _say(word: str) -> None:
    print(word, os.getpid(), flush=True)


def _until_killed(step: str, trace: str, moment: str, waiting: bool, shop: str, place: list[str]) -> None:
    order, conversation_id, customer = place
    rep = people.by_email("rita@example.com")
    assert isinstance(rep, Person)

    def hangs(at: Looked) -> Any:
        if at.moment == moment:
            _say("looking" if waiting else "looks")
            threading.Event().wait()
        return YES

    over_it, at_shop = watch(seconds=600, hangs=hangs), Shop(shop, TOKEN)
    door = Real(Held(recipe_of(step)), trace, by=rep, ways=ways(at_shop, []))
    over_it.begin(Looked(CAME, "Where is my parcel?"))
    with suppress(Refused, WaitsForCustomer):
        here = world(at_shop, (Guarded if waiting else NotWaiting)(door, over_it, looked_of), conversation_id, customer)
        steps.STEPS[step].run(given_of(step, order), replace(here, act="one"))
    _say("acted")
    threading.Event().wait()


@dataclass
class Kennel:
    to: TextIO
    said: TextIO

    def kill(self, one: Trial, yard: Yard, until: str) -> int:
        """Killed once it says so; how much the run did."""
        made, place = recipe_of(one.step), CHANGING.index(one.step)
        trace = begun_for(yard.stand.staff, made, yard.stand.ids[place])
        where = [yard.stand.order(place), yard.stand.ids[place], yard.stand.customers[place]]
        told = {"step": one.step, "trace": trace.id, "moment": one.moment, "waiting": one.waiting, "shop": yard.stand.url, "place": where}
        self.to.write(json.dumps(told) + "\n")
        self.to.flush()
        word, pid = self._next(until)
        assert word == until, f"{one}: {word}"
        os.kill(pid, signal.SIGKILL)
        assert self._next("ended")[0] == "ended"
        return len(acts_of(trace.id))

    def _next(self, wanted: str) -> tuple[str, int]:
        """What it says of itself; whatever else it prints is passed over."""
        for line in self.said:
            word, _, pid = line.strip().partition(" ")
            if word in (wanted, "ended", "acted"):
                return word, int(pid)
        return "it is gone", 0


@contextmanager
def kept() -> Iterator[Kennel]:
    program = [sys.executable, "-m", "tests.test_automations_guardrails_early"]
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Kennel(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(60)


def test_a_process_that_is_killed_while_a_verdict_is_out_has_done_nothing(yard: Yard) -> None:
    tried = [Trial(step, "killed", moment) for step in KILLED for moment in (CAME, LEAVES)]
    with kept() as kennel:
        did = [kennel.kill(one, yard, "looking") for one in tried]
        off = [kennel.kill(Trial(step, "killed", LEAVES, waiting=False), yard, "acted") for step in KILLED[:2]]
    print(f"{len(tried)} killed -9 on {store.engine().dialect.name} while a verdict was out: ran early: {sum(did)}")
    assert did == [0] * len(tried)
    assert off == [1] * len(off)  # the control: with the waiting switched off it was done when it died


if __name__ == "__main__":
    kennel()
