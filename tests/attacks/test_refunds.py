"""Refunds through kills, lost answers and redeliveries: none twice, none never, and the shop's ledger holds the money that was wanted.

The shop is a process of its own behind a line that loses answers. Three children run the same runs, each in its own order, and are killed
at any moment. With fresh keys in place of ours, the same weather refunds some twice.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlmodel import col, select

from automations import settling, waiting
from automations.recipe import Recipe
from automations.settling import Ways
from automations.shop import faults
from automations.shop.client import Shop, ShopFault
from automations.shop.faults import Exchange, Line
from automations.shop.ledger import Ledger
from automations.shop.values import Entry
from data import approvals, audit, config, people, store
from data.errors import Busy, Refused
from data.tables import Action, Conversation, Person, Proposal, Trace
from data.values import new_id, now
from tests import test_automations_actions as acts
from tests.conftest import SOAK, Staff

COUNT, LEAST_KILLS = (600, 200) if SOAK else (40, 8)
ASKED = COUNT // 4  # of them after a person's yes
CHILDREN, PATIENCE = 3, 1200.0 if SOAK else 120.0
FORKED = get_context("forkserver")
FORKED.set_forkserver_preload(["tests.attacks.test_refunds"])
ONCE = acts.recipe((acts.ACTS[0], acts.REFUND, acts.ACTS[2]))
AFTER_A_YES = acts.recipe(ONCE.acts, alone=acts.ALWAYS_ASKS, name="with a yes")


# -- a child ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    home: str
    database: str
    shop: str
    seed: int


def runs(job: Job) -> None:
    """Does every run and carries out every proposal that was approved, in an order of its own, until all is settled."""
    shop, rng = _ready(job), random.Random(job.seed)
    ids, approved = _open_ones()
    for one in rng.sample(ids, len(ids)):
        _patiently(lambda one=one: _deliver(one, shop))
    for one in rng.sample(approved, len(approved)):
        _patiently(lambda one=one: waiting.continue_run(one, ways=Ways(shop=shop)))
    while _anything_left():
        _patiently(lambda: settling.settle(ways=Ways(shop=shop), at=now() + settling.SETTLES_AFTER))
        for one in _open_ones()[0]:
            _patiently(lambda one=one: _deliver(one, shop))


def naive(job: Job) -> None:
    """The control: the same work with a new key for each try, and a mark afterwards."""
    shop, rng = _ready(job), random.Random(job.seed)
    ids, _ = _open_ones()
    for one in rng.sample(ids, len(ids)):
        with store.reading() as db:
            trace = db.get_one(Trace, one)
        if trace.state == "running":
            _until_answered(shop, trace)
            with store.writing() as db:
                db.get_one(Trace, one).state = "done"


def _until_answered(shop: Shop, trace: Trace) -> None:
    order = shop.orders_of(_customer(trace))[0].number
    for _ in range(20):
        try:
            shop.refund(order, 2000, "EUR", "It came late", key=new_id())
        except ShopFault:
            continue
        return


def _customer(trace: Trace) -> str:
    with store.reading() as db:
        return db.get_one(Conversation, trace.conversation_id).customer_id


def _ready(job: Job) -> Shop:
    os.environ |= {"PORTAL_HOME": job.home, "PORTAL_DATABASE_URL": job.database}
    log = os.open(f"{job.home}/children.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1), os.dup2(log, 2)
    config.reset()
    return Shop(job.shop, acts.TOKEN)


def _patiently(act: Callable[[], object]) -> None:
    """As the outbox does: the database was busy, or the act was refused because another was first."""
    for _ in range(50):
        try:
            act()
            return
        except Busy:
            time.sleep(0.05)
        except Refused as refused:
            print(refused, flush=True)
            return


def _open_ones() -> tuple[list[str], list[str]]:
    with store.reading() as db:
        ids = list(db.exec(select(Trace.id).where(Trace.state == "running")))
        return ids, list(db.exec(select(Proposal.id).where(Proposal.state == "approved")))


def _anything_left() -> bool:
    with store.reading() as db:
        open_action = db.exec(select(Action.id).where(col(Action.state).in_(settling.OPEN)).limit(1)).first()
        return bool(open_action or _open_ones()[0] or db.exec(select(Trace.id).where(Trace.state == "waiting").limit(1)).first())


def _deliver(trace_id: str, shop: Shop) -> None:
    """A run, from its beginning or from where it waited."""
    with store.reading() as db:
        trace = db.get_one(Trace, trace_id)
    made = AFTER_A_YES if trace.target_name == AFTER_A_YES.name else ONCE
    if trace.state != "running":
        return
    told, gate = (acts.resume_by if trace.state_json else acts.run_by)(shop, made, trace, by=_rita())
    waiting.close(gate, told)


def _rita() -> Person:
    found = people.by_email("rita@example.com")
    assert found is not None
    return found


# -- the weather --------------------------------------------------------------------------------------------------------------------------


def weather(rng: random.Random) -> faults.Fault:
    """Of what moves money, and of what is asked about it, a third is spoilt."""

    def fault(one: Exchange) -> None:
        spoilt = one.request.startswith(b"POST") or b"/by-key/" in one.request.split(b"\r\n")[0]
        chosen = rng.choice([faults.dies_after, faults.dies_after, faults.dies_before, faults.cuts]) if rng.random() < 1 / 3 else None
        (chosen if spoilt and chosen else faults.passes)(one)

    return fault


@dataclass
class Storm:
    staff: Staff
    home: Path
    line: Line
    traces: list[str]
    ledger: Path

    def job(self, seed: int) -> Job:
        return Job(str(self.home), os.environ["PORTAL_DATABASE_URL"], self.line.url, seed)

    def entries(self) -> list[Entry]:
        """What the shop's own book says."""
        ledger = Ledger(self.ledger)
        found = [entry for place in range(len(self.traces)) for entry in ledger.order(f"R-{place + 1}", at=now()).entries]
        ledger.close()
        return found


@contextmanager
def shop_process(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "automations.shop", "--file", str(home / "shop.db"), "--parent", str(os.getpid())]
    environment = {**os.environ, "SHOP_TOKEN": acts.TOKEN}
    with subprocess.Popen(command, cwd=config.ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process.stdout.readline().rpartition(" ")[2].strip()
        process.terminate()


@pytest.fixture
def storm(staff: Staff, home: Path) -> Iterator[Storm]:
    ids, customers = acts.arrive(staff, COUNT)
    ledger = Ledger(home / "shop.db")
    acts.fill(ledger, customers)
    ledger.close()
    for made in (ONCE, AFTER_A_YES):
        acts.kept(made, staff)
    with shop_process(home) as url, faults.before(url) as line:
        line.waiting += [weather(random.Random(1))] * 100_000
        yield Storm(staff, home, line, _begun(staff, ids), home / "shop.db")


def _begun(staff: Staff, ids: list[str]) -> list[str]:
    """Three in four that the recipe may do alone; the fourth waits for a yes, which is given below."""

    def recipe(place: int) -> Recipe:
        return AFTER_A_YES if place % 4 == 0 else ONCE

    with store.writing():
        return [acts.begun_for(staff, recipe(place), one).id for place, one in enumerate(ids)]


def through(storm: Storm, work: Callable[[Job], None], least_kills: int) -> int:
    """Until every child comes to its end and no run is left. How many were killed."""
    rng, kills, until, seed = random.Random(7), 0, time.monotonic() + PATIENCE, 0
    children: list[ForkServerProcess] = []

    def start() -> ForkServerProcess:
        nonlocal seed
        seed += 1
        child = FORKED.Process(target=work, args=(storm.job(seed),), daemon=True)
        child.start()
        return child

    children = [start() for _ in range(CHILDREN)]
    while any(child.is_alive() for child in children) or kills < least_kills:
        assert time.monotonic() < until, (storm.home / "children.log").read_text()[-2000:]
        time.sleep(rng.uniform(0.05, 0.4))
        place = rng.randrange(CHILDREN)
        if kills < least_kills:
            kills += children[place].is_alive()
            children[place].kill()
            children[place].join()
            children[place] = start()
    assert [child.exitcode for child in children] == [0] * CHILDREN, (storm.home / "children.log").read_text()[-2000:]
    return kills


def say_yes(storm: Storm) -> None:
    """A lead approves what waits; the children carry it out, each of them, and again after a kill."""
    with store.reading() as db:
        waiting_ones = list(db.exec(select(Proposal.id).where(Proposal.state == "open")))
    for one in waiting_ones:
        approvals.approve(one, by=storm.staff.lead)


def test_every_refund_is_made_once_through_kills_lost_answers_and_redeliveries(storm: Storm) -> None:
    asking = [one for place, one in enumerate(storm.traces) if place % 4 == 0]
    for one in asking:  # these come to their question first, so that there is something to approve
        shop = Shop(storm.line.url, acts.TOKEN)
        with store.reading() as db:
            trace = db.get_one(Trace, one)
        told, gate = acts.run_by(shop, AFTER_A_YES, trace, by=storm.staff.rep)
        assert waiting.park(gate, told).state == "waiting"
    say_yes(storm)
    kills = through(storm, runs, LEAST_KILLS)
    entries = storm.entries()
    times = Counter(entry.order for entry in entries)
    twice, never = sum(many > 1 for many in times.values()), COUNT - len(times)
    lost = len([one for one in storm.line.seen if b"/by-key/" in one.split(b"\r\n")[0]])
    print(f"{COUNT} refunds, {kills} kills, {len(storm.line.seen):,} requests, asked by key {lost} times: twice {twice}, never {never}")
    assert (twice, never) == (0, 0)
    assert sum(entry.amount for entry in entries) == COUNT * 2000
    with store.reading() as db:
        paid = list(db.exec(select(Action).where(Action.kind == "refund")))
        assert {trace.state for trace in db.exec(select(Trace))} == {"done"}
    assert {one.state for one in paid} == {"done"} and {one.provider_ref for one in paid} == {entry.id for entry in entries}
    assert sum(one.proposal_id is not None for one in paid) == len(asking) == ASKED
    assert {one.idempotency_key for one in paid} == {entry.key for entry in entries}
    assert audit.broken() is None


def test_with_fresh_keys_the_same_weather_refunds_some_twice(storm: Storm) -> None:
    """The control: kills and lost answers do come between."""
    kills = through(storm, naive, LEAST_KILLS // 4)
    times = Counter(entry.order for entry in storm.entries())
    print(f"{COUNT} refunds with fresh keys, {kills} kills: twice {sum(many > 1 for many in times.values())}")
    assert sum(many > 1 for many in times.values()) > 0
