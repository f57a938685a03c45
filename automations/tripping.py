"""The switch trips itself: each minute, what a recipe in force did since its release is held against what it may do. Harm stops it.

It looks every minute, so each mark is one that a recipe without a fault hardly ever reaches: counts of one day that are far above the
usual, and for what customers say a bet that holds at all looks together (arms.py). The bet begins anew each week, so that a good month does
not hide a bad one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, func, select

from automations import RECIPE, actions, arms, backtest, gate, recipes, stopping
from automations.arms import Difference
from automations.gate import MOST_BREACHES
from automations.running import FAILED, HANDED_OVER, Steps
from automations.tracing import KIND as STEP
from data import access, releases, store, versions
from data.errors import Refused
from data.measures import Share, percent
from data.tables import Conversation, Person, Release, Span, Study, Trace
from data.values import LIVE, Target, now
from evals import candidates, guards, runs, sets
from evals.graders.face import Graders

DAY, WEEK = timedelta(days=1), timedelta(days=7)
BREACHES = 3  # runs in a day in which a limit or the shop had to stop an act: so many, and surely more than a backtest may have
ERRORS, ERROR_SHARE = 5, 0.2  # runs in a day that failed by a fault of the portal: so many, and more than this share
UNUSUAL = 3  # times the money that the backtest lets expect in a day; never less than so many runs at their limit
RATINGS, RATED_BEFORE = 20, 50  # of its conversations, and of those like them without it
LESS_SATISFIED = 0.1  # that fewer of its customers are satisfied is no harm: whom it is for is not drawn at random
SURELY = 0.08  # of evals/guards.py, for the breaches of a day: odds of 1 to 50
WRONGLY = 0.02  # so often at most the bet on satisfaction trips a recipe in a week in which nothing is wrong
BEFORE = timedelta(days=28)  # from which the conversations without it come


@dataclass(frozen=True)
class Counts:
    """What a release did, as far as it is held against anything."""

    runs: int = 0  # within a day, or since its release
    breaches: int = 0  # of them, in which an act was refused
    failed: int = 0
    handed_over: int = 0
    money: Decimal = Decimal(0)  # today
    limit: Decimal | None = None  # of a day
    usual: Decimal | None = None  # of a day, by its backtest
    one_run: Decimal = Decimal(0)  # at most
    currency: str = ""
    rated: tuple[tuple[Share, Share], ...] = ()  # satisfied with it, and without; by channel and intent
    score: str = ""  # why its newest eval run does not pass; empty where it does, or there is none

    @property
    def unusual(self) -> Decimal | None:
        """From so much money on it is not what the backtest showed."""
        return None if self.usual is None else max(UNUSUAL * self.usual, UNUSUAL * self.one_run)

    @property
    def satisfied(self) -> tuple[Share, Share]:
        with_it, without = (Share(sum(pair[arm].k for pair in self.rated), sum(pair[arm].n for pair in self.rated)) for arm in (0, 1))
        return with_it, without


@dataclass(frozen=True)
class Mark:
    """One thing that trips it, as people read it."""

    what: str
    so_far: str
    trips_at: str
    why: str = ""  # it is reached


def marks(found: Counts) -> list[Mark]:
    """What would trip it, and what did. Pure: the same counts give the same answer."""
    return [_breaches(found), _errors(found), *_money(found), _satisfaction(found), _score(found)]


def reasons(found: Counts) -> str:
    return " ".join(one.why for one in marks(found) if one.why)


def _breaches(found: Counts) -> Mark:
    """As many as the gate lets pass are no harm: the bet is that they are more."""
    allowed = guards.Limits(errors=MOST_BREACHES, items=1, wrongly=SURELY)
    harms = guards.judge(guards.Window(found.runs, errors=found.breaches), guards.Window(0), allowed).act == "roll_back"
    surely = f"surely more than {percent(MOST_BREACHES)}"
    why = (
        f"A limit or the shop had to stop it in {found.breaches:,} of {found.runs:,} runs within a day: {surely}, which is the most that a "
        "backtest may have."
    )  # fmt: skip
    return Mark(
        "Stopped by a limit or the shop", f"{found.breaches:,} of {found.runs:,} runs in a day", f"{BREACHES} runs, {surely}",
        why if harms and found.breaches >= BREACHES else "",
    )  # fmt: skip


def _errors(found: Counts) -> Mark:
    reached = found.failed >= ERRORS and found.failed > ERROR_SHARE * found.runs
    why = f"{found.failed:,} of {found.runs:,} runs within a day failed; {ERRORS} and more than {percent(ERROR_SHARE)} trip it."
    return Mark(
        "Failed", f"{found.failed:,} of {found.runs:,} runs in a day", f"{ERRORS} runs, more than {percent(ERROR_SHARE)}",
        why if reached else "",
    )  # fmt: skip


def _money(found: Counts) -> list[Mark]:
    """Its limit, and what the past lets expect."""
    told = f"{found.money:,.2f} {found.currency}"
    made = []
    if found.limit is not None:
        why = f"It moved {told} today, and its limit of a day is {found.limit:,.2f} {found.currency}."
        reached = 0 < found.limit <= found.money
        made.append(Mark("Money today", told, f"{found.limit:,.2f} {found.currency}, its limit of a day", why if reached else ""))
    if found.unusual is not None and found.currency:
        usual = f"{UNUSUAL} times what its backtest lets expect in a day"
        why = f"It moved {told} today, more than {usual} ({found.usual:,.2f} {found.currency})."
        above = found.money > found.unusual
        made.append(Mark("Money today, beside the past", told, f"more than {found.unusual:,.2f} {found.currency}", why if above else ""))
    return made


def _satisfaction(found: Counts) -> Mark:
    with_it, without = found.satisfied
    few = with_it.n < RATINGS or without.n < RATED_BEFORE
    difference = None if few else arms.difference(found.rated)
    less = f"surely more than {LESS_SATISFIED * 100:.0f} points below"
    so_far = f"{with_it.n:,} of {RATINGS} ratings" if few else f"{with_it} with it, {without} without"
    why = (
        f"{percent(with_it.value)} of its {with_it.n:,} customers who said so this week were satisfied, and {percent(without.value)} of "
        f"{without.n:,} with the same wish and channel without it: {less}."
    )  # fmt: skip
    return Mark("Satisfied, this week", so_far, less, why if _harms(difference) else "")


def _harms(found: Difference | None) -> bool:
    return found is not None and found.interval(WRONGLY)[1] < -LESS_SATISFIED


def _score(found: Counts) -> Mark:
    why = f"A newer run on its eval set does not pass: {found.score}" if found.score else ""
    return Mark("Eval set", "does not pass" if found.score else "nothing against it", "a newer run that does not pass", why)


# -- counted ------------------------------------------------------------------------------------------------------------------------------


def of(release: Release, *, steps: Steps, known: Graders, by: Person, at: datetime | None = None) -> Counts:
    """What a release in force did so far."""
    access.require(by, "automation.read")
    moment, target = at or now(), releases.target_of(release)
    version = versions.get(target)
    limits = recipes.read(version).limits
    since = max(release.started_at, moment - DAY)
    changing = {name for name, step in steps.items() if step.declaration.changes}
    score = _newer_score(release, known, by)
    with store.reading() as db:
        states = _states(db, target, since)
        return Counts(
            runs=len(states), breaches=_breached(db, target, since, changing), failed=states.count(FAILED),
            handed_over=states.count(HANDED_OVER), money=actions.spent_before(db, target.name, at).money_today,
            limit=limits.money_per_day, usual=_usual(db, version.id), one_run=limits.money_per_run or Decimal(0),
            currency=limits.currency, rated=_rated(db, release, moment), score=score,
        )  # fmt: skip


def _own(target: Target, since: datetime) -> tuple[Any, ...]:
    return (
        Trace.target_kind == RECIPE, Trace.target_name == target.name, Trace.target_number == target.number, Trace.mode == LIVE,
        Trace.at >= since,
    )  # fmt: skip


def _states(db: Session, target: Target, since: datetime) -> list[str]:
    return list(db.exec(select(Trace.state).where(*_own(target, since))))


def _breached(db: Session, target: Target, since: datetime, changing: set[str]) -> int:
    """Runs in which an act that changes something was refused; counted as the backtest counts them."""
    given, gave = col(Span.input), col(Span.output)
    refused = (Span.kind == STEP, gave["state"].as_string() == FAILED, given["step"].as_string().in_(changing))
    query = select(func.count(func.distinct(Span.trace_id))).join(Trace, col(Trace.id) == col(Span.trace_id))
    return db.exec(query.where(*_own(target, since), *refused)).one()


def _usual(db: Session, version_id: str) -> Decimal | None:
    """The money of a day, as the newest backtest of this version came to it, over all conversations that it looked at."""
    query = select(Study.told).where(Study.version_id == version_id, Study.kind == backtest.KIND)
    told = db.exec(query.order_by(col(Study.at).desc(), col(Study.id).desc()).limit(1)).first()
    if told is None or not told["currency"]:
        return None
    ids = [str(line["conversation"]) for line in told["lines"]]
    opened = select(func.min(Conversation.opened_at), func.max(Conversation.opened_at)).where(col(Conversation.id).in_(ids))
    first, last = db.exec(opened).one()
    days: int = (last - first).days + 1 if first else 1
    return Decimal(told["money"]["machine"]) / days


def _rated(db: Session, release: Release, moment: datetime) -> tuple[tuple[Share, Share], ...]:
    """Satisfied customers by channel and intent: of this week of its release, and of those that it did not run for."""
    began = release.started_at + (moment - release.started_at) // WEEK * WEEK
    name, number = release.target_name, release.target_number
    its = select(Trace.conversation_id).where(
        Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE, col(Trace.conversation_id).is_not(None)
    )
    own = its.where(Trace.target_number == number, Trace.at >= began)
    mine = _satisfied(db, col(Conversation.id).in_(own))
    theirs = _satisfied(db, col(Conversation.id).not_in(its), Conversation.opened_at >= began - BEFORE, Conversation.opened_at <= moment)
    return tuple((share, theirs[kind]) for kind, share in mine.items() if kind in theirs)


def _satisfied(db: Session, *which: Any) -> dict[tuple[str, str | None], Share]:
    query: Any = select(Conversation.channel, Conversation.intent_id, col(Conversation.csat), func.count()).where(
        col(Conversation.csat).is_not(None), col(Conversation.hidden_at).is_(None), *which
    )
    counted: dict[tuple[str, str | None], list[int]] = {}
    for channel, intent, stars, many in db.exec(query.group_by(Conversation.channel, Conversation.intent_id, Conversation.csat)):
        told = counted.setdefault((channel, intent), [0, 0])
        told[0 if stars >= arms.SATISFIED else 1] += many
    return {key: Share(well, well + badly) for key, (well, badly) in counted.items()}


def _newer_score(release: Release, known: Graders, by: Person) -> str:
    """Of a run since the release. That only cases are missing is no harm."""
    measured_on, target = sets.measured_on(gate.PURPOSE, release.target_name), releases.target_of(release)
    frozen = {version.id for _, version in measured_on}
    if not any(one.set_version_id in frozen and one.at > release.started_at for one in runs.of_target(target, by=by)):
        return ""
    try:
        found = candidates.evidence(target, measured_on, known=known, by=by)
    except Refused:  # a set was frozen anew, and not all of it was run
        return ""
    return "" if found.decision.only_needs_cases else found.stops() or ""


# -- by itself ----------------------------------------------------------------------------------------------------------------------------


def look(*, steps: Steps, known: Graders, by: Person, at: datetime | None = None) -> str:
    """Called each minute while a recipe is in force. What is tripped says why, with the numbers."""
    access.require(by, "automation.read")
    with store.reading() as db:
        in_force = releases.standing(db, RECIPE, at)
    return " ".join(told for name, one in in_force.items() if (told := _look_at(name, (one.live, one.coming), steps, known, by, at)))


def _look_at(
    name: str, both: Sequence[Release | None], steps: Steps, known: Graders, by: Person, at: datetime | None
) -> str:  # fmt: skip
    for release in filter(None, both):
        if why := reasons(of(release, steps=steps, known=known, by=by, at=at)):
            return stopping.trip(name, why=why, at=at).sentence
    return ""
