"""A recipe of somebody else as the beginning of one's own: the copy keeps where it is from and what was measured of it there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from automations import RECIPE, backtest, checking, recipes
from automations.running import DONE, HANDED_OVER
from data import access, audit, store, versions
from data.errors import Refused
from data.masking import masked
from data.tables import Person, Trace, Version
from data.values import LIVE, Target

FROM = "copied_from"  # in the manifest of a copy's first version
ENDED = (DONE, HANDED_OVER, "failed", "stopped")


@dataclass(frozen=True)
class Origin:
    """Where a copy is from, with what was known of that version then."""

    name: str
    number: int
    title: str
    backtest: str  # its sentence; empty: there was none
    backtest_at: datetime | None
    runs: int  # live ones that ended
    through: int  # of them to their end, without a person taking over

    @property
    def told(self) -> str:
        """After: there."""
        said = (
            [f"in its backtest of {self.backtest_at.day} {self.backtest_at:%B %Y}: {self.backtest}"]
            if self.backtest and self.backtest_at
            else []
        )
        if self.runs:
            said.append(f"of {self.runs:,} live {'run' if self.runs == 1 else 'runs'} {self.through:,} went through")
        return "; ".join(said) if said else "it was neither backtested nor live when it was copied"


def copy(name: str, number: int, as_name: str, *, by: Person, at: datetime | None = None) -> Version:
    """Version 1 of a recipe of one's own. It is a draft: nothing runs by it, whatever the other one is allowed to do."""
    access.require(by, "automation.draft")
    called = masked(" ".join(as_name.split()))
    if wrong := checking.name_fault(called):
        raise Refused(f"Not copied: {wrong}")
    original = recipes.get(name, number, by=by)
    made = recipes.read(original)
    known = _figures(original, by)
    with store.writing() as db:
        store.one_at_a_time(db, f"version {RECIPE} {called}")
        _require_free(db, called)
        told = {"name": name, "number": number, "title": made.title, "figures": known}
        kept = versions.add(
            db, RECIPE, called, by=by, manifest={"why": f"Copied from {made.title or name} {number}.", FROM: told},
            body=replace(made, name=called, title=called[:1].upper() + called[1:]).as_body(), at=at,
        )  # fmt: skip
        sentence = f"Copied recipe '{name}' {number} as '{called}'."
        audit.record(db, by, "copied", "recipe", kept.id, sentence, at=at, after={"from": name, "number": number})
        return kept


def _require_free(db: Session, called: str) -> None:
    query = select(Version.target_name).where(Version.target_kind == RECIPE, func.lower(Version.target_name) == called.lower())
    if db.exec(query.limit(1)).first() is not None:
        raise Refused(f"Not copied: there is a recipe '{called}' already. Give yours another name.")


def _figures(original: Version, by: Person) -> dict[str, Any]:
    """What was measured of it, without a conversation of theirs."""
    target = versions.target_of(original)
    study = backtest.newest(target, by=by)
    looked = {"sentence": study.told["sentence"], "at": study.at.isoformat()} if study else None
    return {"backtest": looked, "live": _live(target)}


def _live(target: Target) -> dict[str, int]:
    """How its live runs ended."""
    query = select(Trace.state, func.count()).where(
        Trace.target_kind == target.kind, Trace.target_name == target.name, Trace.target_number == target.number, Trace.mode == LIVE,
        col(Trace.state).in_(ENDED),
    )  # fmt: skip
    with store.reading() as db:
        return dict(db.exec(query.group_by(Trace.state)).all())


def origin(name: str, *, by: Person) -> Origin | None:
    """None for a recipe that was written here."""
    first = recipes.history(name, by=by)[-1:]
    told: Mapping[str, Any] | None = first[0].manifest.get(FROM) if first else None
    if not told:
        return None
    looked, live = told["figures"]["backtest"] or {}, told["figures"]["live"]
    at = datetime.fromisoformat(looked["at"]) if looked else None
    return Origin(
        told["name"], told["number"], told["title"] or told["name"], looked.get("sentence", ""), at, sum(live.values()), live.get(DONE, 0)
    )  # fmt: skip
