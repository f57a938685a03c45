"""How long a team's proposals took from being proposed to being decided, by what was proposed. What still waits counts as well.

The median is that of Kaplan and Meier: a proposal that waits, lapsed or was withdrawn took longer than it is known of, and is neither left
out nor taken for decided. Its interval is that of the order statistics, of as many as what is known is worth.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import comb

from sqlmodel import Session, col, func, select

from data import store, team_view
from data.tables import Approval, Person, Proposal
from data.values import now

QUARTER, YEAR = 90, 365  # days
FEWEST = 6  # decided ones: of fewer no order statistics have a half between them in 95 of 100
CLOSE = 1e-9
MOST = 60  # proposals that are listed
SAID_YES = ("approved", "done", "failed")


@dataclass(frozen=True)
class Took:
    """How long one took, and whether it was decided then; otherwise it took longer."""

    time: timedelta
    decided: bool


@dataclass(frozen=True)
class Median:
    """Half took at most so long. `low` and `high`: 95 %; `None`: longer than any is known of."""

    value: timedelta | None
    low: timedelta | None
    high: timedelta | None


@dataclass(frozen=True)
class Decided:
    """All proposals of a kind that were made in the days looked at."""

    kind: str  # see approvals.KINDS
    count: int
    approved: int
    refused: int
    withdrawn: int
    lapsed: int
    waiting: int
    median: Median | None  # None: too few were decided to say
    slowest: timedelta | None  # of the decided ones
    waits: timedelta | None  # the oldest that is not decided

    @property
    def decided(self) -> int:
        return self.approved + self.refused


def by_kind(*, by: Person, team_id: str | None = None, days: int = QUARTER, at: datetime | None = None) -> list[Decided]:
    """Of its proposals of the last days, the kind that is proposed most first. `waits` and the counts are as they stand now."""
    moment = at or now()
    with store.reading() as db:
        found = _made(db, moment - timedelta(days=days), by, team_id)
        said = _said_yes(db, [one.id for one in found])
    kinds: defaultdict[str, list[Proposal]] = defaultdict(list)
    for one in found:
        kinds[one.kind].append(one)
    told = [_decided(kind, ones, said, moment) for kind, ones in kinds.items()]
    return sorted(told, key=lambda one: (-one.count, one.kind))


def proposals(kind: str, *, by: Person, team_id: str | None = None, days: int = QUARTER, at: datetime | None = None) -> list[Proposal]:
    """Those behind a row, the newest first."""
    with store.reading() as db:
        found = _made(db, (at or now()) - timedelta(days=days), by, team_id)
    return [one for one in found if one.kind == kind][:MOST]


def _made(db: Session, since: datetime, by: Person, team_id: str | None) -> list[Proposal]:
    """The team's own, and those about its things."""
    looked = team_view.whose(by=by, team_id=team_id)
    theirs = (col(Proposal.at) >= since, looked.owns(Proposal.team_id))
    return list(db.exec(select(Proposal).where(*theirs).order_by(col(Proposal.at).desc(), col(Proposal.id).desc())))


def _said_yes(db: Session, ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """How many said yes to each, and when the last of them did."""
    found: dict[str, tuple[int, datetime]] = {}
    for start in range(0, len(ids), 500):
        given = select(Approval.proposal_id, func.count(), func.max(Approval.at)).group_by(Approval.proposal_id)
        for made, count, last in db.exec(given.where(col(Approval.proposal_id).in_(ids[start : start + 500]))):
            found[made] = count, last
    return found


def _decided(kind: str, ones: Sequence[Proposal], said: dict[str, tuple[int, datetime]], moment: datetime) -> Decided:
    took = [_took(one, said.get(one.id), moment) for one in ones]
    states = [_state(one, moment) for one in ones]
    decided = [one.time for one in took if one.decided]
    waits = [moment - one.at for one, state in zip(ones, states, strict=True) if state == "open"]
    return Decided(
        kind, len(ones), approved=sum(state in SAID_YES for state in states), refused=states.count("refused"),
        withdrawn=states.count("withdrawn"), lapsed=states.count("lapsed"), waiting=len(waits),
        median=median(took) if len(decided) >= FEWEST else None, slowest=max(decided, default=None), waits=max(waits, default=None),
    )  # fmt: skip


def _state(one: Proposal, moment: datetime) -> str:
    """What waited its two weeks has lapsed, also where the night has not said so yet."""
    return "lapsed" if one.state == "open" and one.lapses_at <= moment else one.state


def _took(one: Proposal, said: tuple[int, datetime] | None, moment: datetime) -> Took:
    """The last yes that it needed decides, not the minute in which a worker carried it out."""
    if said and said[0] >= one.needs:
        return Took(said[1] - one.at, True)
    ended = one.decided_at or moment
    if one.state == "open":
        ended = min(moment, one.lapses_at)
    elif one.state == "lapsed":
        ended = min(ended, one.lapses_at)
    return Took(max(ended - one.at, timedelta()), one.state == "refused" or one.state in SAID_YES)


# -- the median ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """After this time such a share was decided, which is known as well as by so many of which all is known (Greenwood)."""

    time: timedelta
    decided: float
    worth: int


def median(took: Sequence[Took]) -> Median | None:
    """Where all were decided it is the ordinary one, but for that no two middle ones are mixed. None: too little is known."""
    steps = _steps(took)
    if not steps:
        return None
    n = next((step.worth for step in steps if step.decided >= 0.5 - CLOSE), steps[-1].worth)
    if n < FEWEST:
        return None
    place = _place(n)
    return Median(_reached(steps, 0.5), _reached(steps, place / n), _reached(steps, (n + 1 - place) / n))


def _steps(took: Sequence[Took]) -> list[Step]:
    still, spread, steps = 1.0, 0.0, list[Step]()
    for time in sorted({one.time for one in took if one.decided}):
        there = sum(one.time >= time for one in took)
        ended = sum(one.decided and one.time == time for one in took)
        still *= 1 - ended / there
        spread += ended / (there * (there - ended)) if there > ended else 0.0
        worth = (1 - still) / (still * spread) if still > CLOSE else there
        steps.append(Step(time, 1 - still, int(worth + CLOSE)))
    return steps


def _reached(steps: Sequence[Step], share: float) -> timedelta | None:
    return next((step.time for step in steps if step.decided >= share - CLOSE), None)


def _place(n: int) -> int:
    """The largest place so that the median lies between the value there and its counterpart from above in 95 of 100 (order statistics)."""
    below, place = 0.0, 0
    while below + comb(n, place) / 2**n <= 0.025:
        below += comb(n, place) / 2**n
        place += 1
    return place
