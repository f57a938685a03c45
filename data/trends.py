"""Reads what the days held: as a line over time, in parts, and as a funnel. Nobody counts a conversation here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Literal

from sqlalchemy import func, literal, literal_column, null, select
from sqlmodel import Session, col

from data import access, defined, store
from data.amounts import Amount, together
from data.defined import Measure
from data.errors import Refused
from data.tables import Daily, Person

Grain = Literal["day", "week"]
Key = str | tuple[str, ...]
COLUMNS = {
    "channel": "channel", "intent": "intent_id", "segment": "segment", "team": "team_id", "language": "language", "version": "version",
}  # fmt: skip
SUMS = ("n", "weight", "sum", "sum_sq", "weight_sq")
# what is counted together, by the least that tells it; teams are told apart in each
SINGLE = tuple(frozenset({one}) for one in ("segment", "language", "version", "channel", "intent"))
CUTS = (frozenset[str](), *SINGLE, frozenset({"channel", "intent"}), frozenset({"intent", "version"}))
EVERYBODYS = "*"  # in place of a team: all of them together, for who may see all


@dataclass(frozen=True)
class Slice:
    """A part of the conversations; None: all. Empty: those of which it is not known."""

    channel: str | None = None
    intent: str | None = None  # a label's id
    segment: str | None = None
    team_id: str | None = None
    language: str | None = None
    version: str | None = None  # "recipe:refunds@4", see `version_of`: what that version said or did, or worked on

    @property
    def told(self) -> dict[str, str]:
        """What it is about: dimension -> value."""
        found = {one.name.removesuffix("_id"): getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Point:
    """A day, or the week that begins with it on a Monday."""

    day: date
    amount: Amount


@dataclass(frozen=True)
class Stage:
    """Of the funnel: all of it were in the stage before."""

    measure: Measure
    amount: Amount
    share: Amount  # of the stage before; of the first, of itself


def version_of(kind: str, name: str, number: int) -> str:
    return f"{kind}:{name}@{number}"


def measures(*, by: Person, since: date, until: date) -> list[Measure]:
    """All that there is something of in these days, those of graders and of currencies too."""
    reach = access.require(by, "measure.read")
    query = select(col(Daily.measure)).where(_between(since, until), col(Daily.cut) == "", _within(reach, by)).distinct()
    with store.reading() as db:
        there = set(db.connection().execute(query).scalars())
    graders = sorted(name for name in there if name.startswith((defined.SCORE, defined.MONEY)))
    return [*(one for one in defined.ALL if one.rows in there), *map(defined.of, graders)]


def series(
    measure: str, *, by: Person, since: date, until: date, of: Slice = Slice(), grain: Grain = "day"
) -> list[Point]:  # fmt: skip
    """Every day from the first to the last, or every week that one of them lies in; of one in which nothing was, nothing."""
    found = defined.of(measure)
    place = literal_column("(day - 1) / 7") if grain == "week" else col(Daily.day)
    with store.reading() as db:
        amounts = _amounts(db, [found], by, since, until, of, (), [place])
    places = range(_place(since, grain), _place(until, grain) + 1)
    return [Point(_first_day(one, grain), amounts.get((measure, one), found.nothing)) for one in places]


def _place(day: date, grain: Grain) -> int:
    return (day.toordinal() - 1) // 7 if grain == "week" else day.toordinal()


def _first_day(place: int, grain: Grain) -> date:
    return date.fromordinal(place * 7 + 1 if grain == "week" else place)


def amount(measure: str, *, by: Person, since: date, until: date, of: Slice = Slice()) -> Amount:
    """Of all these days together."""
    found = defined.of(measure)
    with store.reading() as db:
        return _amounts(db, [found], by, since, until, of, (), []).get((measure,), found.nothing)


def broken_down(
    measure: str, *, by: Person, since: date, until: date, along: str | tuple[str, str], of: Slice = Slice()
) -> dict[Key, Amount]:  # fmt: skip
    """By intent, channel, segment, team, language or version, or by a pair such as ("intent", "channel"): a heat map. Keys are what the
    columns hold: labels' and teams' ids; empty where it is not known."""
    dimensions = (along,) if isinstance(along, str) else along
    if unknown := [one for one in dimensions if one not in COLUMNS]:
        raise Refused(f"Nothing is counted by {unknown[0]}. There are: {', '.join(COLUMNS)}.")
    with store.reading() as db:
        found = _amounts(db, [defined.of(measure)], by, since, until, of, dimensions, [])
    return {key[1] if isinstance(along, str) else key[1:]: amount for key, amount in sorted(found.items())}


def heat(
    measure: str, *, by: Person, since: date, until: date, rows: str = "intent", columns: str = "channel", of: Slice = Slice()
) -> dict[tuple[str, str], Amount]:  # fmt: skip
    """A map of two dimensions."""
    found = broken_down(measure, by=by, since=since, until=until, along=(rows, columns), of=of)
    return {(key[0], key[1]): amount for key, amount in found.items()}


def funnel(*, by: Person, since: date, until: date, of: Slice = Slice()) -> list[Stage]:
    """Arrived, classified, answered, accepted, resolved: of each how many, and their share of the stage before."""
    stages: list[Stage] = []
    with store.reading() as db:
        counted = _amounts(db, [defined.of(name) for name in defined.FUNNEL], by, since, until, of, (), [])
    for name in defined.FUNNEL:
        found = counted.get((name,), defined.of(name).nothing)
        before = stages[-1].amount.n if stages else found.n
        stages.append(Stage(defined.of(name), found, Amount(n=before, weight=before, sum=found.n, sum_sq=found.n)))
    return stages


def checked(*, by: Person, since: date, until: date, of: Slice = Slice()) -> Amount:
    """How often what counts as resolved and a reviewer's strong or weak say the same."""
    return amount("resolution_check", by=by, since=since, until=until, of=of)


# -- the rows -----------------------------------------------------------------------------------------------------------------------------


def _amounts(
    db: Session, asked: Sequence[Measure], by: Person, since: date, until: date, of: Slice, along: Sequence[str], places: Sequence[Any]
) -> dict[tuple[Any, ...], Amount]:  # fmt: skip
    """By the measure's name, its place in time, and the dimensions. Measures that are asked together keep rows of their own."""
    reach = access.require(by, "measure.read", team_id=of.team_id)
    told, by_rows = {*of.told, *along}, {one.rows: one for one in asked}
    keys = [col(Daily.measure), *places, *(col(getattr(Daily, COLUMNS[one])) for one in along)]
    where = (
        _between(since, until), col(Daily.cut) == cut_of(told), col(Daily.measure).in_(by_rows), _within(reach, by, by_team="team" in told),
        *(col(getattr(Daily, COLUMNS[name])) == value for name, value in of.told.items()),
    )  # fmt: skip
    sums = [func.sum(getattr(Daily, name)) for name in SUMS]
    sketches = _all_sketches() if defined.SIZED & {*by_rows} else null()
    found = {}
    for row in db.connection().execute(select(*keys, *sums, sketches).where(*where).group_by(*keys)):
        one, key = by_rows[row[0]], row[1 : len(keys)]
        amount = replace(one.nothing, **dict(zip(SUMS, row[len(keys) : -1], strict=True)), sketch=_one_sketch(row[-1]))
        found[one.name, *key] = amount
    return found


def _all_sketches() -> Any:
    """One behind the other, which the engines do faster than we."""
    kept = col(Daily.sketch)
    return func.group_concat(func.hex(kept), "") if store.is_sqlite() else func.string_agg(kept, literal(b""))


def _one_sketch(sketches: str | bytes | None) -> bytes | None:
    if not sketches:
        return None
    return together([bytes.fromhex(sketches) if isinstance(sketches, str) else sketches])


def cut_of(dimensions: Iterable[str]) -> str:
    """What is counted in the parts that these tell apart."""
    asked = set(dimensions) - {"team"}
    for cut in CUTS:
        if asked <= cut:
            return " ".join(sorted(cut))
    raise Refused(
        f"Not counted together: {', '.join(sorted(asked))}. Channel and intent are, and intent and version; team goes with each. "
        "Ask one by one."
    )


def _between(since: date, until: date) -> Any:
    """Each day by itself, so that both engines jump from day to day instead of reading all that lies between."""
    return col(Daily.day).in_(range(since.toordinal(), until.toordinal() + 1))


def _within(reach: str, by: Person, *, by_team: bool = False) -> Any:
    """The own team's things, and those that belong to no team yet; whoever may see all reads the sum over teams, or each."""
    if reach == access.ALL:
        return col(Daily.team_id) != EVERYBODYS if by_team else col(Daily.team_id) == EVERYBODYS
    return col(Daily.team_id).in_(("", by.team_id or ""))
