"""Doors that are tried too often: each try makes the next wait longer. Kept in the database: a restart forgives nobody, and several
web processes count together.

A try is counted before it is looked at, so that many at once are not all let through.
"""

import time

from sqlmodel import Session, select

from data import sealing, store
from data.tables import Tries

FREE, LONGEST_WAIT = 3, 1000.0  # seconds: a day has room for 100 tries and no more
FORGIVEN_AFTER = 24 * 3600.0


def begin(*keys: str, clock: float | None = None) -> float:
    """0 when the try is let through, else the seconds to wait."""
    moment = time.time() if clock is None else clock
    with store.reading() as db:  # who has to wait costs no write
        wait = _longest_wait(db, keys, moment)
    if wait > 0:
        return wait
    with store.writing() as db:
        store.one_at_a_time(db, "tries")
        wait = _longest_wait(db, keys, moment)
        if wait <= 0:
            for key in keys:
                _count(db, key, moment)
        return max(wait, 0.0)


def forgive(door: str, *shared: str, clock: float | None = None) -> None:
    """A right one clears what was counted at its own door. At those it shares with others it takes back itself alone: who has an
    account of their own does not wipe away their guesses at others'."""
    with store.writing() as db:
        store.one_at_a_time(db, "tries")
        if found := _find(db, door):
            db.delete(found)
        for key in shared:
            if found := _find(db, key):
                found.count -= 1
                found.free_at = time.time() if clock is None else clock
                db.add(found)


def _find(db: Session, key: str) -> Tries | None:
    return db.exec(select(Tries).where(Tries.key_hmac == sealing.hmac_of(key, "tries"))).first()


def _longest_wait(db: Session, keys: tuple[str, ...], moment: float) -> float:
    waits = [found.free_at - moment for key in keys if (found := _find(db, key))]
    return max((min(wait, LONGEST_WAIT) for wait in waits), default=0.0)  # also when a clock was set back


def _count(db: Session, key: str, moment: float) -> None:
    found = _find(db, key) or Tries(key_hmac=sealing.hmac_of(key, "tries"), count=0, free_at=0.0)
    if moment - found.free_at > FORGIVEN_AFTER:
        found.count = 0
    found.count += 1
    found.free_at = moment + (min(2.0 ** (found.count - FREE), LONGEST_WAIT) if found.count >= FREE else 0.0)
    db.add(found)
    db.flush()
