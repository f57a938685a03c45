"""The three sentences that a lead reads first: what moved most, why, and what it needs. Computed beforehand, read at once.

There is one brief for each group of people who see the same conversations: everybody's, each team's. Nobody reads another's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from data import access, config, daily, defined, people, store, trends
from data.defined import SCORE
from data.tables import Briefing, Person, Position
from data.trends import EVERYBODYS, Slice
from data.values import now
from evals import briefing, markers, monitors, moved, why
from evals.causes import Marker
from evals.moved import Looked
from evals.why import WEEKS

DAYS, FEWEST = 7, 50  # of each period; with fewer conversations nothing can be told
LOOKS_FOR_CAUSES = timedelta(days=DAYS * (WEEKS + 1))
MATTER = ("resolution", "csat", "agreement", "containment", "escalation", "abstention", "reopen", "suggestions_accepted")
KNOWN_ALIKE = 0.98  # of the weeks before: the last days' resolutions are known as often, so they can be compared
RIGHTS = {
    "gaps": "pattern.read",
    "review": "review.record",
    "installation": "backup.make",
}  # pages that not everybody with figures may open
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Step:
    """What to do next, and where."""

    label: str
    page: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Brief:
    """Of the last seven whole days beside the four weeks before."""

    moved: str
    why: str
    needs: str
    measure: str  # "": nothing moved
    of: Slice
    since: date
    until: date
    at: datetime  # when it was computed
    steps: tuple[Step, ...] = ()

    def kept(self) -> dict[str, Any]:
        told = asdict(self)
        told.pop("at")
        return told | {"since": self.since.isoformat(), "until": self.until.isoformat(), "steps": [asdict(one) for one in self.steps]}


def read(kept: Mapping[str, Any], at: datetime) -> Brief:
    days = {name: date.fromisoformat(kept[name]) for name in ("since", "until")}
    return Brief(**{**kept, **days, "of": Slice(**kept["of"]), "at": at, "steps": tuple(Step(**one) for one in kept["steps"])})


# -- who reads it -------------------------------------------------------------------------------------------------------------------------


def newest(*, by: Person) -> Brief | None:
    """What was computed last, of the conversations that the person sees."""
    whose = whose_of(by)
    with store.reading() as db:
        kept = db.exec(select(Briefing).where(Briefing.whose == whose)).first()
    return _as_seen(read(kept.told, kept.at), by) if kept else None


def whose_of(by: Person) -> str:
    """Whoever sees the same conversations reads the same."""
    return EVERYBODYS if access.require(by, "measure.read") == access.ALL else by.team_id or ""


def _as_seen(brief: Brief, by: Person) -> Brief:
    """Without steps to pages that are not theirs."""
    return replace(brief, steps=tuple(one for one in brief.steps if may_open(one.page, by)))


def may_open(page: str, by: Person) -> bool:
    return page not in RIGHTS or access.may(by, RIGHTS[page])


def reaches() -> list[str]:
    """Everybody's, each team's, and that of people without a team where there are any."""
    with store.reading() as db:
        alone = select(Person.id).where(
            col(Person.team_id).is_(None), col(Person.disabled_at).is_(None), col(Person.role).in_((access.REP, access.LEAD))
        )
        return [EVERYBODYS, *people.teams(), *([""] if db.exec(alone.limit(1)).first() else [])]


def eyes(whose: str) -> Person:
    """Nobody in particular, who sees just that."""
    role = access.ENGINEER if whose == EVERYBODYS else access.REP
    return Person(id="", name="", email="", role=role, team_id=None if whose == EVERYBODYS else whose or None)


# -- computed -----------------------------------------------------------------------------------------------------------------------------


def is_stale(*, at: datetime | None = None) -> bool:
    """Days were counted since, or it is another day."""
    with store.reading() as db:
        stand = _stand(db, at)
        kept = db.exec(select(Briefing.stand).where(Briefing.whose == EVERYBODYS)).first()
    return stand["turns"] > 0 and stand != kept


def compute(*, at: datetime | None = None, progress: Progress = lambda share, doing: None) -> str:
    """Everybody's. The stand is noted before the figures are read: what is counted meanwhile is looked at the next time."""
    with store.reading() as db:
        stand = _stand(db, at)
    every, told = reaches(), 0
    for place, whose in enumerate(every):
        progress(place / len(every), "Looking at what moved")
        brief = made(whose, at=at)
        _keep(whose, brief, stand)
        told += bool(brief.measure)
    return f"{len(every):,} {'group' if len(every) == 1 else 'groups'} looked at; something moved for {told:,}."


def _stand(db: Session, at: datetime | None) -> dict[str, Any]:
    turns = db.exec(select(Position.value).where(col(Position.name) == daily.TURNS)).first() or {"turns": 0}
    return {"turns": turns["turns"], "today": _today(at).isoformat()}


def _today(at: datetime | None) -> date:
    return (at or now()).astimezone(ZoneInfo(config.settings().time_zone)).date()


def _keep(whose: str, brief: Brief, stand: dict[str, Any]) -> None:
    with store.writing() as db:
        store.one_at_a_time(db, f"briefing {whose}")
        kept = db.exec(select(Briefing).where(Briefing.whose == whose)).first() or Briefing(whose=whose, told={}, stand={})
        kept.told, kept.stand, kept.at = brief.kept(), stand, brief.at
        db.add(kept)


def made(whose: str, *, at: datetime | None = None) -> Brief:
    """For whoever sees that, of the seven days before `at`. Written nowhere."""
    by, moment = eyes(whose), at or now()
    until = _today(moment) - timedelta(days=1)
    since = until - timedelta(days=DAYS - 1)
    volume = trends.amount("volume", by=by, since=since, until=until).n
    looked = _looked(by, moment) if volume >= FEWEST else []
    found = moved.most(looked)
    if found is not None:
        told = briefing.of_moved(found, by=by)
    elif looked:
        told = briefing.of_calm(looked, since, until, volume, by=by, at=moment)
    else:
        told = briefing.of_too_few(volume, since, until, by=by, at=moment)
    days = (found.looked.since, found.looked.until) if found else (since, until)
    steps = tuple(Step(*one) for one in told.steps)
    return Brief(told.moved, told.why, told.needs, told.measure, told.of, *days, moment, steps)


def _looked(by: Person, at: datetime) -> list[Looked]:
    """What matters and can be told: enough conversations in these days and in the weeks before."""
    yesterday = _today(at) - timedelta(days=1)
    there = {one.name for one in trends.measures(by=by, since=yesterday - LOOKS_FOR_CAUSES, until=yesterday)}
    graders = sorted(name for name in there if name.startswith(SCORE))
    marks = markers.may_cause(markers.collected(by=by, since=yesterday - LOOKS_FOR_CAUSES, until=yesterday))
    return [found for name in (*MATTER, *graders) if name in there and (found := _look(name, by, at, marks)) is not None]


def _look(name: str, by: Person, at: datetime, marks: Sequence[Marker]) -> Looked | None:
    until = last_known(name, by=by, at=at)
    since = until - timedelta(days=DAYS - 1)
    before = trends.amount(name, by=by, since=since - timedelta(days=DAYS * WEEKS), until=since - timedelta(days=1))
    after = trends.amount(name, by=by, since=since, until=until)
    if min(before.n, after.n) < FEWEST:
        return None
    return Looked(why.why(name, by=by, since=since, until=until, markers=marks), since, until)


def last_known(name: str, *, by: Person, at: datetime | None = None) -> date:
    """The last whole day that can be compared with the weeks before. Whether a customer came back is known a week later; where the help
    desk says of nearly all at once whether they are resolved, nobody needs to wait for that."""
    yesterday = _today(at) - timedelta(days=1)
    if name == "resolution" and _is_known_alike(by, yesterday):
        return yesterday
    return min(yesterday, monitors.last_day(name, at=at))


def _is_known_alike(by: Person, yesterday: date) -> bool:
    began = yesterday - timedelta(days=DAYS - 1)
    shares = []
    for since, until in ((began - timedelta(days=DAYS * WEEKS), began - timedelta(days=1)), (began, yesterday)):
        known, came = (trends.amount(name, by=by, since=since, until=until).n for name in ("resolution", "volume"))
        shares.append(known / came if came else 0.0)
    return shares[1] >= KNOWN_ALIKE * shares[0]


def title_of(brief: Brief) -> str:
    return defined.of(brief.measure).title if brief.measure else ""
