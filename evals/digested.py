"""What a digest holds: the three sentences, the week's numbers beside the weeks before, and what happened, each with the place it is at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import fmean, stdev
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from data import access, behind, config, defined, people, store, trends, worth
from data.amounts import Amount
from data.behind import Behind
from data.defined import SCORE, Measure
from data.tables import Alert, AuditEntry, Case, EvalSet, Example, Pattern, Person, Proposal, Release, SetVersion, Version
from evals import brief, markers, moved, why
from evals.brief import Brief
from evals.briefing import opened
from evals.causes import Marker
from evals.markers import Span
from evals.sure import student_bar
from evals.why import WEEKS

WEEK = timedelta(days=7)
NUMBERS = (
    "volume", "resolution", "csat", "agreement", "containment", "escalation", "abstention", "reopen", "suggestions_accepted",
    "first_response", "handling", "cost",
)  # fmt: skip
SURE = 0.05  # over all numbers that have no test of their own: a change that chance shows more seldom
BACK = ("taken back", "incident")


@dataclass(frozen=True)
class Number:
    """A measure of the week beside the four weeks before, as people read it."""

    measure: str
    title: str
    value: str  # with its interval and how many it is of
    before: str
    change: str
    beyond: bool | None  # whether chance alone would hardly do that; None: too few to say
    since: date
    until: date
    page: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Line:
    text: str
    page: str = ""
    query: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Section:
    title: str
    lines: tuple[Line, ...]
    nothing: str = ""  # what is said where there is no line


@dataclass(frozen=True)
class Told:
    brief: Brief
    numbers: tuple[Number, ...]
    sections: tuple[Section, ...]

    def kept(self) -> dict[str, Any]:
        days = [{**asdict(one), "since": one.since.isoformat(), "until": one.until.isoformat()} for one in self.numbers]
        return {"brief": self.brief.kept(), "at": self.brief.at.isoformat(), "numbers": days,
                "sections": [asdict(one) for one in self.sections]}  # fmt: skip


def read(kept: Mapping[str, Any]) -> Told:
    days = [{**one, "since": date.fromisoformat(one["since"]), "until": date.fromisoformat(one["until"])} for one in kept["numbers"]]
    sections = (Section(one["title"], tuple(Line(**line) for line in one["lines"]), one["nothing"]) for one in kept["sections"])
    return Told(brief.read(kept["brief"], datetime.fromisoformat(kept["at"])), tuple(Number(**one) for one in days), tuple(sections))


def made(week: date, whose: str, *, at: datetime) -> Told:
    """Of the week that begins on this Monday, for whoever sees that, as of then. Written nowhere."""
    by, until = brief.eyes(whose), week + WEEK - timedelta(days=1)
    marks, span = markers.collected(by=by, since=week, until=until), markers.span_of(week, until)
    with store.reading() as db:
        sections = (
            _worth(by, week, until),
            _happened("What shipped", "Nothing was released or published.", [one for one in marks if _shipped(one)]),
            _happened("What was taken back", "Nothing was taken back.", [one for one in marks if _went_back(one)]),
            _happened("What else happened", "", [one for one in marks if _is_noted(one)]),
            _alerts(db, by, marks), _gaps(db, span), _flags(db, by, span), _waiting(db, by, at),
        )  # fmt: skip
    numbers = _numbers(by, week, at)
    return Told(brief.made(whose, at=at), tuple(numbers), tuple(one for one in sections if one.lines or one.nothing))


# -- numbers ------------------------------------------------------------------------------------------------------------------------------


def _numbers(by: Person, week: date, at: datetime) -> list[Number]:
    there = {one.name for one in trends.measures(by=by, since=week - WEEKS * WEEK, until=week + WEEK)}
    names = [name for name in (*NUMBERS, *sorted(one for one in there if one.startswith(SCORE))) if defined.of(name).rows in there]
    found = [_periods(name, by, at) for name in names]
    return [_number(name, periods, len(found)) for name, periods in zip(names, found, strict=True)]


@dataclass(frozen=True)
class _Periods:
    since: date
    until: date
    weeks: list[Amount]  # those before, the oldest first
    now: Amount
    looked: moved.Looked | None


def _periods(name: str, by: Person, at: datetime) -> _Periods:
    until = brief.last_known(name, by=by, at=at)
    since = until - WEEK + timedelta(days=1)
    before = [trends.amount(name, by=by, since=since - back * WEEK, until=until - back * WEEK) for back in range(WEEKS, 0, -1)]
    after, looked = trends.amount(name, by=by, since=since, until=until), None
    if min(sum(one.n for one in before), after.n) >= brief.FEWEST and defined.of(name).kind in ("share", "mean"):
        looked = moved.Looked(why.why(name, by=by, since=since, until=until), since, until)
    return _Periods(since, until, before, after, looked)


def _number(name: str, periods: _Periods, tried: int) -> Number:
    measure, now = defined.of(name), periods.now
    usual = _usual(measure, periods.weeks)
    change = "" if now.value is None or usual is None else _change(measure, now.value - usual)
    mark, as_a_line = Behind(name, periods.since, periods.until), measure.kind in ("quantile", "sum")
    return Number(
        name, measure.title, figure(name, now), "" if usual is None else short(measure, usual), change, _is_beyond(periods, tried),
        periods.since, periods.until, "quality" if as_a_line else "conversations",
        {"measure": measure.title} if as_a_line else behind.address(mark),
    )  # fmt: skip


def _usual(measure: Measure, weeks: Sequence[Amount]) -> float | None:
    """Of a week before: of all of them together; of what is counted, of one of them in the middle."""
    if measure.kind in ("count", "sum"):
        return fmean(one.sum for one in weeks) if any(one.n for one in weeks) else None
    together = weeks[0]
    for one in weeks[1:]:
        together += one
    return together.value


def _is_beyond(periods: _Periods, tried: int) -> bool | None:
    if periods.looked is not None:
        return moved.whole_moved(periods.looked, tried)
    values = [one.value for one in periods.weeks if one.n]
    known = [one for one in values if one is not None]
    if len(known) < WEEKS or periods.now.value is None or periods.now.n < brief.FEWEST or periods.now.kind in ("share", "mean"):
        return None
    error = stdev(known) * sqrt(1 + 1 / len(known))
    return abs(periods.now.value - fmean(known)) > student_bar(len(known) - 1, SURE / tried) * error


def figure(name: str, amount: Amount) -> str:
    """ "84 % (81–87, n = 512)"."""
    measure = defined.of(name)
    if amount.value is None:
        return f"nothing known (n\u00a0=\u00a0{amount.n:,})"
    if measure.kind == "count":
        return f"{amount.value:,.0f}"
    if amount.interval is None:
        return f"{short(measure, amount.value)} (n\u00a0=\u00a0{amount.n:,})"
    low, high = (_plain(measure, one) for one in amount.interval)
    return f"{short(measure, amount.value)} ({low}–{high}, n\u00a0=\u00a0{amount.n:,})"


def short(measure: Measure, value: float) -> str:
    unit = {"share": "\u00a0%", "seconds": "\u00a0min", "score": "", "conversations": "", "money": ""}.get(measure.unit, f" {measure.unit}")
    return f"{_plain(measure, value)}{unit}"


def _plain(measure: Measure, value: float) -> str:
    if measure.kind == "share":
        return f"{value * 100:.0f}"
    if measure.kind == "count":
        return f"{value:,.0f}"
    shown = value / 60 if measure.unit == "seconds" else value
    return f"{max(shown, 0.0):,.1f}" if measure.unit == "seconds" else f"{max(shown, 0.0):,.2f}"


def _change(measure: Measure, change: float) -> str:
    told = _plain(measure, abs(change))
    if not float(told.replace(",", "")):
        return "the same"
    unit = f" {'point' if told == '1' else 'points'}" if measure.kind == "share" else short(measure, 0.0).removeprefix(_plain(measure, 0.0))
    return f"{'−' if change < 0 else '+'}{told}{unit}"


# -- what happened ------------------------------------------------------------------------------------------------------------------------


def _worth(by: Person, since: date, until: date) -> Section:
    found = worth.worth(by=by, since=since, until=until)
    if not found.resolved.n:
        lines = [Line("No conversation was resolved without a person.")]
    else:
        lines = [Line(found.sentence, "conversations", behind.address(Behind("alone", since, until)))]
    lines += [
        Line(f"{one.sum:,.2f} {currency} moved.", "quality", {"measure": defined.money(currency).title})
        for currency, one in found.money.items()
        if one.n
    ]
    lines += [Line(f"Models cost {found.cost.sum:,.2f}.", "quality", {"measure": defined.of("cost").title})] if found.cost.n else []
    return Section("What it was worth", tuple(lines))


def _shipped(one: Marker) -> bool:
    return one.kind in ("release", "classifier", "percent", "article", "articles", "policy")


def _went_back(one: Marker) -> bool:
    return one.kind in BACK and one.number is not None


def _is_noted(one: Marker) -> bool:
    """What people wrote on the timeline."""
    return one.kind in ("note", "incident") and one.number is None


def _happened(title: str, nothing: str, some: Iterable[Marker]) -> Section:
    lines = [_of_marker(one) for one in some]
    told = [replace(one, text=f"{one.text} ({many} times)") if (many := lines.count(one)) > 1 else one for one in _each_once(lines)]
    return Section(title, tuple(told), nothing)


def _each_once(lines: Sequence[Line]) -> list[Line]:
    return [one for place, one in enumerate(lines) if one not in lines[:place]]


def _of_marker(one: Marker) -> Line:
    words = one.name if _is_noted(one) else one.words
    page, query = opened(one.page)
    local = one.at.astimezone(ZoneInfo(config.settings().time_zone))
    return Line(f"{words[0].upper()}{words[1:]}, {local:%A}.", page, query)


def _alerts(db: Session, by: Person, marks: Sequence[Marker]) -> Section:
    """Those of the week, each with what became of it."""
    lines = []
    for one in marks:
        if one.kind == "alert":
            page, query = opened(one.page)
            alert = db.exec(select(Alert).where(Alert.monitor_id == query["monitor"], Alert.at == one.at)).first()
            ended = {"cleared": " It is over.", "closed": " It was closed by hand."}.get(alert.state, " It is open.") if alert else ""
            lines.append(Line(f"{alert.sentence if alert else one.name}{ended}", page, query))
    return Section("Alerts", tuple(lines), "No monitor found anything.")


def _gaps(db: Session, span: Span) -> Section:
    begun = select(func.count()).where(Pattern.kind == "gap", col(Pattern.at) >= span.since, col(Pattern.at) < span.until)
    opened_ = db.exec(begun).one()
    decided = select(AuditEntry.noun_id).where(
        AuditEntry.noun == "pattern", col(AuditEntry.at) >= span.since, col(AuditEntry.at) < span.until
    )
    closed_ = db.exec(select(func.count()).where(Pattern.kind == "gap", Pattern.state != "open", col(Pattern.id).in_(decided))).one()
    if not opened_ and not closed_:
        return Section("Gaps", (), "No gap opened or closed.")
    return Section("Gaps", (Line(f"{_count(opened_, 'gap opened', 'gaps opened')}, {closed_:,} closed.", "gaps", {}),))


def _flags(db: Session, by: Person, span: Span) -> Section:
    """What flags and drafts led to. Named is who did it, of those who read this; in the order of the alphabet."""
    return Section(
        "What your flags and drafts led to", (*_frozen(db, by, span), *_written(db, by, span)), "No flag became a test case this week.",
    )  # fmt: skip


def _frozen(db: Session, by: Person, span: Span) -> list[Line]:
    query = (
        select(EvalSet.name, Example.by_person_id)
        .select_from(Case)
        .join(SetVersion, col(SetVersion.id) == col(Case.set_version_id))
        .join(EvalSet, col(EvalSet.id) == col(SetVersion.eval_set_id))
        .join(Example, col(Example.id) == col(Case.example_id))
        .where(col(SetVersion.at) >= span.since, col(SetVersion.at) < span.until, ~_was_there(db, span))
    )
    by_set: dict[str, list[str | None]] = {}
    for name, person_id in db.exec(query):
        by_set.setdefault(name, []).append(person_id)
    return [
        Line(f"{_count(len(who), 'flag', 'flags')} became test cases of '{name}'.{_thanks(db, who, by)}", "eval_sets", {})
        for name, who in sorted(by_set.items())
    ]  # fmt: skip


def _was_there(db: Session, span: Span) -> Any:
    """A case that an earlier version of the set held already."""
    earlier = select(Case.example_id).join(SetVersion, col(SetVersion.id) == col(Case.set_version_id))
    return col(Case.example_id).in_(earlier.where(col(SetVersion.at) < span.since, col(Case.example_id).is_not(None)))


def _written(db: Session, by: Person, span: Span) -> list[Line]:
    """Articles that were published, by who wrote them."""
    same = (col(Version.target_name) == col(Release.target_name)) & (col(Version.target_number) == col(Release.target_number))
    query = (
        select(Version.authors, Release.id).join(Release, same).where(Version.target_kind == "article", Release.target_kind == "article")
    )
    found = list(db.exec(query.where(col(Release.started_at) >= span.since, col(Release.started_at) < span.until)))
    if not found:
        return []
    who = [author for authors, _ in found for author in authors]
    return [Line(f"{_count(len(found), 'draft was', 'drafts were')} published as articles.{_thanks(db, who, by)}", "knowledge", {})]


def _thanks(db: Session, who: Iterable[str | None], by: Person) -> str:
    reach = access.require(by, "measure.read")
    query = select(Person).where(col(Person.id).in_({one for one in who if one}), col(Person.disabled_at).is_(None))
    names = sorted(one.name for one in db.exec(query) if reach == access.ALL or one.team_id == by.team_id)
    return f" Thanks to {', '.join(names)}." if names else ""


def _waiting(db: Session, by: Person, at: datetime) -> Section:
    reach = access.require(by, "measure.read")
    open_ = (
        Proposal.state == "open",
        col(Proposal.lapses_at) > at,
        col(Proposal.at) <= at,
        access.within(reach, by, col(Proposal.team_id)),
    )
    many = db.exec(select(func.count()).where(*open_)).one()
    if not many:
        return Section("What waits", (), "No decision waits.")
    return Section("What waits", (Line(f"{_count(many, 'decision waits', 'decisions wait')} for a second person.", "approvals", {}),))


def _count(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"


def names_of_team(whose: str) -> str:
    """Whose digest it is, for its title."""
    return "all teams" if whose == trends.EVERYBODYS else people.teams().get(whose, "no team")
