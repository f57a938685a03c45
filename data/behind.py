"""The conversations behind a mark of a chart: those that a measure speaks of in some days, told by the functions that count it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, ColumnElement, cast, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from data import access, config, daily, days, defined, labels, people, rollups, store
from data.days import Known
from data.errors import Refused
from data.tables import Conversation, Person, Prediction, Review, Trace
from data.trends import Slice
from data.values import now

MOST = 25_000  # ids of one mark; what a list shows, downloads or changes in one go is less
MOST_LOOKED_AT = 200_000  # conversations; some ten seconds, for what is rare in a year of many
LONGEST = 200  # characters of a measure's name, or of a part's, in an address
MOST_DAYS = 3_660
PREFIX = "behind"
COUNTED = {"yes": True, "no": False}
EVERYTHING = Slice()
Names = Mapping[str, Mapping[str, str]]  # dimension -> key -> what people call it


@dataclass(frozen=True)
class Behind:
    """The conversations that the measure speaks of in these days, both included."""

    measure: str
    since: date
    until: date
    of: Slice = EVERYTHING
    counted: bool | None = None  # True: those that count for it, as resolved; False: those that do not; None: both


# -- as an address ------------------------------------------------------------------------------------------------------------------------


def address(found: Behind) -> dict[str, str]:
    """The query parameters with which the page of conversations shows exactly these."""
    told = {PREFIX: found.measure, f"{PREFIX}_since": found.since.isoformat(), f"{PREFIX}_until": found.until.isoformat()}
    if found.counted is not None:
        told[f"{PREFIX}_counted"] = "yes" if found.counted else "no"
    return told | {f"{PREFIX}_{name}": _written(value) for name, value in found.of.told.items()}


def read(params: Mapping[str, str]) -> Behind | None:
    """What an address asks for. None: nothing, or nothing that there could be."""
    told = {name.removeprefix(PREFIX).removeprefix("_"): str(params[name]) for name in names_in(params)}
    whole, known = told.pop("", None), {one.name.removesuffix("_id"): one.name for one in fields(Slice)}
    counted, since, until = told.pop("counted", None), _day(told.pop("since", "")), _day(told.pop("until", ""))
    if whole is None or since is None or until is None or not 0 <= (until - since).days < MOST_DAYS:
        return None
    if counted not in (None, *COUNTED) or told.keys() - known or max(map(len, (whole, *told.values()))) > LONGEST:
        return None
    try:
        measure = defined.of(whole)
    except Refused:
        return None
    which = COUNTED[counted] if counted else None
    if measure.kind != "share":  # then everything counts
        if which is False:
            return None
        which = None
    part = Slice(**{known[name]: _unwritten(value) for name, value in told.items()})
    return Behind(whole, since, until, part, which)


def names_in(params: Mapping[str, str]) -> list[str]:
    """The parameters that are about a mark, whether they make sense or not."""
    return [name for name in params if name == PREFIX or name.startswith(f"{PREFIX}_")]


def _written(value: str) -> str:
    """An empty value is one too, that of which nothing is known; it would get lost in an address."""
    return f"~{value}" if not value or value.startswith("~") else value


def _unwritten(value: str) -> str:
    return value.removeprefix("~")


def _day(told: str) -> date | None:
    try:
        day = date.fromisoformat(told)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 2200 else None


# -- in words -----------------------------------------------------------------------------------------------------------------------------

CHANNELS = {"chat": "chat", "email": "e-mail", "voice": "calls"}
UNKNOWN = {
    "intent": "no intent", "channel": "an unknown channel", "segment": "no segment", "team": "no team", "language": "an unknown language",
    "version": "no version",
}  # fmt: skip


def words(found: Behind, names: Names | None = None) -> str:
    """As people say it: "Resolved: not, 16–22 November, Refunds in chat, version 4 of 'refunds'"."""
    known = names or {"intent": labels.names(), "team": people.teams(), "channel": CHANNELS}
    said = {None: "", True: ": yes", False: ": not"}[found.counted]
    told = {name: _named(name, key, known) for name, key in found.of.told.items()}
    if "intent" in told and "channel" in told:
        told["intent"] = f"{told['intent']} in {told.pop('channel')}"
    return ", ".join([f"{defined.of(found.measure).title}{said}", span(found.since, found.until), *told.values()])


def explained(found: Behind, *, by: Person) -> str:
    """What the measure means, and what else is to be known of these conversations."""
    measure, there = defined.of(found.measure), ids(found, by=by)
    told = [f"'{measure.title}' means: {measure.definition[0].lower()}{measure.definition[1:]}"]
    if there.cut:
        last = span(there.back_to, there.back_to) if there.back_to else ""
        told.append(f"Not all of them are here: {there.n:,} were found, the newest first, back to {last}. Fewer days show all.")
    elif there.facts != there.n:
        told.append(f"Counted here: {there.facts:,}, on {there.n:,} conversation{'' if there.n == 1 else 's'}.")
        if there.nobodys:
            told[-1] = f"{told[-1][:-1]}; {there.nobodys:,} belong{'s' if there.nobodys == 1 else ''} to no conversation."
    return " ".join(told)


def span(since: date, until: date) -> str:
    """The days as people write them; the year where it is not this one."""
    year = "" if since.year == until.year == now().year else f" {until.year}"
    last = f"{until.day} {until:%B}{year}"
    if since == until:
        return last
    if (since.year, since.month) == (until.year, until.month):
        return f"{since.day}–{last}"
    return f"{since.day} {since:%B}{f' {since.year}' if since.year != until.year else ''} – {last}"


def _named(dimension: str, key: str, known: Names) -> str:
    if not key:
        return UNKNOWN[dimension]
    name = known.get(dimension, {}).get(key, key)
    if dimension == "version" and "@" in key:
        kind_and_name, number = key.rsplit("@", 1)
        return f"version {number} of '{kind_and_name.split(':', 1)[-1]}'"
    return name if dimension in ("intent", "channel") else f"{dimension} {name}"


# -- the conversations --------------------------------------------------------------------------------------------------------------------

_RUNS = ("messages", "runs")
NEEDS: dict[str, tuple[str, ...]] = {  # what must be known of a conversation to tell what it counts for; a test holds it against the days
    "volume": (), "csat": (), "csat_mean": (), "reopen": ("reopened",), "first_response": ("messages",), "handling": ("messages",),
    "resolution": ("resolved",), "resolution_check": ("resolved", "reviews"), "containment": _RUNS, "escalation": _RUNS,
    "alone": (*_RUNS, "resolved"), "agreement": ("intents", "reviews"), "abstention": ("intents",), "classified": ("intents",),
    "answered": ("intents", *_RUNS), "accepted": ("intents", *_RUNS), "finished": ("intents", *_RUNS, "resolved"),
    "cost": ("runs",), "latency": ("runs", "steps"), "guardrail_hits": ("runs", "steps"), "suggestions_accepted": ("runs",),
}  # fmt: skip
OF_RUNS = ("escalation", "cost", "latency", "guardrail_hits", "suggestions_accepted")  # which nothing counts for that nothing ran on


@dataclass(frozen=True)
class Found:
    """The conversations behind a mark, the newest first."""

    ids: tuple[str, ...]
    n: int  # conversations; where it was cut, there are more
    cut: bool
    facts: int = 0  # what the measure counted on the days that were looked at: conversations, or runs, verdicts, scores on them
    nobodys: int = 0  # of these, those that belong to no conversation
    back_to: date | None = None  # where it was cut, the last day that was looked at


def ids(found: Behind, *, by: Person, most: int = MOST, at: datetime | None = None) -> Found:
    """Those that the person may read and may see figures of, the newest `most`."""
    reaches = access.require(by, "conversation.read"), access.require(by, "measure.read", team_id=found.of.team_id or None)
    reach = access.ALL if set(reaches) == {access.ALL} else access.TEAM
    with store.reading() as db:
        asked = _Asked(db, found, access.within(reach, by, col(Conversation.team_id)), at or now())
        key = (str(store.engine().url), found, most, reach, None if reach == access.ALL else by.team_id)
        return _kept.get(key, asked.stand(), lambda: asked.collected(most))


def narrowing(found: Behind, *, by: Person) -> ColumnElement[bool]:
    """A condition of conversations. The ids go over as one value: of single ones, engines take some ten thousand at most."""
    whose = ids(found, by=by).ids
    if store.is_sqlite():
        each = func.json_each(json.dumps(whose)).table_valued("value")
    else:
        each = func.json_array_elements_text(cast(whose, JSON)).table_valued("value")
    return col(Conversation.id).in_(select(each.c.value))


class _Asked:
    """What is asked for, of whose conversations, and when."""

    def __init__(self, db: Session, found: Behind, within: ColumnElement[bool], at: datetime) -> None:
        self._db, self._found, self._at = db, found, at
        self._measure = defined.of(found.measure)
        self._zone = ZoneInfo(config.settings().time_zone)
        self._today = at.astimezone(self._zone).date()
        self._place = [(name, key) for name, key in found.of.told.items() if name != "version"]
        self._where = (within, *self._sooner())

    def collected(self, most: int) -> Found:
        """From the last day to the first, until it is enough."""
        made: list[str] = []
        facts = nobodys = looked = 0
        for number in range(self._found.until.toordinal(), self._found.since.toordinal() - 1, -1):
            day = date.fromordinal(number)
            known = self._of_day(day)
            looked += len(known) - 1  # without nobody's
            told = {whose: count for whose, count in known.items() if count}
            facts += sum(told.values())
            nobodys += told.pop("", 0)
            made += reversed(told)
            if len(made) > most or (looked > MOST_LOOKED_AT and day > self._found.since):
                return Found(tuple(made[:most]), len(made[:most]), True, facts, nobodys, day)
        return Found(tuple(made), len(made), False, facts, nobodys)

    def _of_day(self, day: date) -> dict[str, int]:
        """How often the measure speaks of each conversation; of none, ""."""
        settled = rollups.is_settled(day, self._today)
        bounds = days.bounds(day, self._zone)
        known = days.by_conversation(self._db, *bounds, settled=settled, where=self._where, needs=self._needs())
        return {whose: self._count(one) for whose, one in known.items()}

    def _count(self, one: Known) -> int:
        version = self._found.of.version
        if any(getattr(one.place, name) != key for name, key in self._place):
            return 0
        return sum(
            measure == self._measure.rows
            and (version is None or version in versions)
            and (self._found.counted is None or bool(value) == self._found.counted)
            for measure, value, _, versions in rollups.facts(one)
        )

    def _needs(self) -> Collection[str]:
        if self._measure.name.startswith(defined.SCORE):
            return ("scores",)
        if self._measure.name.startswith(defined.MONEY):
            return ("moved",)
        needed = NEEDS[self._measure.rows]  # what a version had a part in is told by what it said and ran
        return needed if self._found.of.version is None else (*needed, "intents", "runs")

    def _sooner(self) -> Iterator[ColumnElement[bool]]:
        """What an engine can tell before a row is read; all of it is looked at again."""
        part = self._found.of
        if part.channel is not None:
            yield col(Conversation.channel) == part.channel
        if part.team_id is not None:
            yield func.coalesce(col(Conversation.team_id), "") == part.team_id
        if part.language is not None:
            yield func.coalesce(col(Conversation.language), "") == part.language
        if self._measure.rows in OF_RUNS:
            yield _has(Trace)
        if self._measure.rows in ("csat", "csat_mean"):
            yield col(Conversation.csat).is_not(None)
        if self._measure.rows in ("resolution_check", "agreement"):
            yield _has(Review)
        if part.version is not None and self._measure.name in defined.BY_NAME:
            yield _has(Prediction if part.version.startswith("classifier:") else Trace)

    def stand(self) -> tuple[Any, ...]:
        """It differs as soon as anything changed that was looked at: the triggers notice it, and the day is counted anew."""
        return daily.stand(self._db, self._found.since, self._found.until, at=self._at)


def _has(table: Any) -> ColumnElement[bool]:
    """Any at all: with more conditions SQLite looks in another index, and reads it whole for each conversation."""
    its = aliased(table)
    return exists().where(col(its.conversation_id) == col(Conversation.id))


class _Kept:
    """The last few that were found, as long as they stand: a page that is looked through asks for the same each time."""

    MOST = 8

    def __init__(self) -> None:
        self._found: dict[Any, tuple[Any, Found]] = {}
        self._lock = Lock()

    def get(self, key: Any, stands: Any, make: Callable[[], Found]) -> Found:
        with self._lock:
            stood, found = self._found.get(key, (None, None))
        if found is None or stood != stands:
            found = make()
        with self._lock:
            self._found.pop(key, None)
            self._found[key] = stands, found
            while len(self._found) > self.MOST:
                self._found.pop(next(iter(self._found)))
        return found


_kept = _Kept()
