"""What could be automated: intents and patterns by how much comes, how long it takes people, and which share of it a machine could take.

That share is the better of two ways: to say what people mostly say, or what articles say; of that, as far as machines recognise the matter,
and as far as what is at stake leaves it to them. Each part is measured and has an interval; the product has one too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from math import exp, log, sqrt
from statistics import variance
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from data import access, store
from data.amounts import Amount
from data.measures import Share
from data.tables import Conversation, OpportunityRound, Person
from data.trends import EVERYBODYS
from data.values import now
from language.encoder import Encodes

if TYPE_CHECKING:  # the machinery of answering is behind it; a page only reads what a night found
    from automations.opportunity_facts import Facts

JOB = "find_opportunities"
PATTERN = "pattern.read"  # who may see what no intent covers
FEWEST_TIMES, FEWEST_REPLIES, FEWEST_QUESTIONS, FEWEST_REVIEWED = 8, 10, 5, 10  # with fewer it cannot be told
LEFT_BY = {"low": 1.0, "medium": 0.5, "high": 0.0}  # of the minutes: where a person says yes to each, half is a guess and said to be one
REPLIES, ARTICLES = "replies", "articles"  # the way that is the better one
KEPT = timedelta(days=35)
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Estimate:
    """A figure, and where the true one lies 95 times of 100."""

    value: float
    low: float
    high: float
    n: int = 0  # what it was told from


@dataclass(frozen=True)
class Article:
    slug: str
    title: str
    count: int  # of the questions looked at


@dataclass(frozen=True)
class Opportunity:
    """One matter. None: it cannot be told, and `lacking` says why."""

    key: str  # a label's id, or a pattern's
    name: str
    is_intent: bool
    conversations: int
    span: int  # weeks that they came in
    weeks: tuple[int, ...]
    a_week: Estimate  # conversations
    by_people: Estimate  # ... without those that ended without a person
    contained: Share
    minutes: Estimate | None  # of people, for each
    alike: Share | None  # people's replies that say what the most usual one says
    in_ways: Share | None  # ... or one of the three most usual
    writers: int
    left_out: int
    covered: Share | None  # questions that articles answer
    articles: tuple[Article, ...]
    recognised: Share  # of this intent; where it was reviewed too seldom, of all
    recognised_of_all: bool
    resolved: Share
    stakes: str
    stakes_why: str
    way: str  # by which a machine could take most
    could: Estimate | None  # the share that a machine could take
    saved: Estimate | None  # minutes of people in a week
    lacking: tuple[str, ...]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Opportunity":
        shares = {name: Share(**told[name]) if told[name] else None for name in ("alike", "in_ways", "covered", *CERTAIN)}
        estimates = {name: Estimate(**told[name]) if told[name] else None for name in ("a_week", "by_people", "minutes", "could", "saved")}
        lists = {"weeks": tuple(told["weeks"]), "lacking": tuple(told["lacking"])}
        return cls(**{**told, **shares, **estimates, **lists, "articles": tuple(Article(**one) for one in told["articles"])})


UNKNOWN = Estimate(1.0, 0.0, 1.0)  # a share that nobody knows: the figure is the most that it can be
CERTAIN = ("contained", "recognised", "resolved")


@dataclass(frozen=True)
class Round:
    """A night's list, of the conversations that somebody sees."""

    at: datetime
    since: date
    until: date
    resolved_until: date
    whose: str
    found: tuple[Opportunity, ...]


# -- what is found: pure ------------------------------------------------------------------------------------------------------------------


def found(facts: Sequence["Facts"]) -> list[Opportunity]:
    """Ranked by the minutes of people's time that could be saved in a week; what cannot be told stands last, the most frequent first."""
    of_all = _together([one.figures.recognised for one in facts])
    return sorted((_of(one, of_all) for one in facts), key=_rank)


def _rank(one: Opportunity) -> tuple[bool, float, int, str]:
    return one.saved is None, -(one.saved.value if one.saved else 0.0), -one.conversations, one.key


def _of(facts: "Facts", of_all: Share) -> Opportunity:
    matter, figures, replies, covered = facts.matter, facts.figures, facts.replies, facts.covered
    alone = min(figures.contained.k, figures.conversations)
    by_people = a_week(figures.conversations - alone, figures.span, figures.weeks)
    minutes = _minutes(figures.minutes)
    alike = replies.alike if replies and replies.alike.n >= FEWEST_REPLIES else None
    answered = covered.questions if covered and covered.questions.n >= FEWEST_QUESTIONS else None
    known = figures.recognised.n >= FEWEST_REVIEWED
    recognised = figures.recognised if known else of_all
    way, share = better(alike, answered)
    found_out = of_share(recognised) if recognised.n else UNKNOWN
    could = share and product(share, found_out, fixed(LEFT_BY[facts.stakes.level]))
    saved = product(by_people, minutes, could) if minutes and could else None
    return Opportunity(
        matter.key, matter.name, matter.is_intent, figures.conversations, figures.span, figures.weeks,
        a_week(figures.conversations, figures.span, figures.weeks), by_people, figures.contained, minutes, alike,
        replies.in_ways if replies and alike else None, replies.people if replies else 0, replies.left_out if replies else 0, answered,
        tuple(Article(one.slug, one.title, one.count) for one in covered.articles) if covered else (), recognised, not known,
        figures.resolved, facts.stakes.level, facts.stakes.why, way, could, saved, tuple(_lacking(facts, alike, answered, recognised)),
    )  # fmt: skip


def _lacking(facts: "Facts", alike: Share | None, answered: Share | None, recognised: Share) -> list[str]:
    """Why something cannot be told, and what would tell it."""
    told = []
    times, replies, covered = facts.figures.minutes.n, facts.replies, facts.covered
    if times < FEWEST_TIMES:
        told.append(f"The help desk told the handling time of {times:,} of its conversations; {FEWEST_TIMES} are the fewest.")
    if alike is None:
        told.append(
            f"People's replies in {replies.alike.n if replies else 0:,} conversations can be compared; {FEWEST_REPLIES} are the fewest."
        )
    if not recognised.n:
        told.append("Nobody has reviewed what the machine names, so it is counted as if it recognised every one.")
    if covered is None:
        told.append("No article is published, so nothing is covered. Publish the first ones on Knowledge.")
    elif answered is None:
        told.append(f"{covered.questions.n:,} of its questions could be asked of the articles; {FEWEST_QUESTIONS} are the fewest.")
    return told


def better(alike: Share | None, answered: Share | None) -> tuple[str, Estimate | None]:
    """The way that takes more. Of two that are both measured the interval reaches from the higher lower end to the higher upper one."""
    ways = [(name, of_share(share)) for name, share in ((REPLIES, alike), (ARTICLES, answered)) if share is not None]
    if not ways:
        return "", None
    name, best = max(ways, key=lambda one: one[1].value)
    return name, replace(best, low=max(one.low for _, one in ways), high=max(one.high for _, one in ways))


def of_share(share: Share) -> Estimate:
    return Estimate(share.value, *share.interval, share.n)


def fixed(value: float) -> Estimate:
    return Estimate(value, value, value)


def a_week(conversations: int, span: int, weeks: Sequence[int] = ()) -> Estimate:
    """Conversations in a week: Poisson's interval, wider where the weeks differ more than by chance."""
    count = Amount(n=conversations, weight=conversations, sum=conversations, kind="count")
    low, high = count.interval or (0.0, 0.0)
    mean = sum(weeks) / len(weeks) if weeks else 0.0
    wider = sqrt(max(1.0, variance(weeks) / mean)) if len(weeks) > 1 and mean else 1.0
    value = conversations / span
    return Estimate(value, max(0.0, value - (value - low / span) * wider), value + (high / span - value) * wider, conversations)


def _minutes(amount: Amount) -> Estimate | None:
    around, value = amount.interval, amount.value
    if amount.n < FEWEST_TIMES or around is None or value is None:
        return None
    return Estimate(value, max(0.0, around[0]), around[1], amount.n)


def product(*parts: Estimate) -> Estimate:
    """Of figures that were told from different things: their distances to the ends, as ratios, add up as squares do (Zou and Donner)."""
    value = 1.0
    for one in parts:
        value *= one.value
    n = min((one.n for one in parts if one.n), default=0)
    low = 0.0 if any(one.low <= 0 for one in parts) else value * exp(-sqrt(sum(log(one.value / one.low) ** 2 for one in parts)))
    if value > 0:
        return Estimate(value, low, value * exp(sqrt(sum(log(one.high / one.value) ** 2 for one in parts))), n)
    high = 1.0
    for one in parts:
        high *= one.high
    return Estimate(0.0, 0.0, high, n)


def _together(shares: Sequence[Share]) -> Share:
    return Share(sum(one.k for one in shares), sum(one.n for one in shares))


# -- found at night, and kept -------------------------------------------------------------------------------------------------------------


def look(
    encoder: Encodes | None, *, replies: int | None = None, questions: int | None = None, anew: int | None = None,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> str:  # fmt: skip
    """Called by the schedule, and by whoever wants to know now: one list for each group of people who see the same conversations."""
    from automations import opportunity_facts as known
    from evals import brief

    moment = at or now()
    since, until = known.last_weeks(moment)
    looked = known.look(
        since, until, encoder=encoder, replies=replies or known.MOST, questions=questions or known.MOST_ASKED,
        anew=known.MOST_ANEW if anew is None else anew,
        progress=progress, at=moment,
    )  # fmt: skip
    days = {"since": since, "until": until, "resolved_until": known.resolved_until(until, moment)}
    told = {name: day.isoformat() for name, day in days.items()}
    evidence = {
        one.key: {
            "usual": looked.replies[one.key].usual, "alike": looked.replies[one.key].alike_ids, "other": looked.replies[one.key].other_ids,
            **({"covered": here.covered_ids, "open": here.open_ids} if (here := looked.covered.get(one.key)) else {}),
        }
        for one in looked.matters
    }  # fmt: skip
    progress(0.95, "Ranking")
    lists = {whose: found(looked.facts(known.figures(whose, since, until, at=moment))) for whose in brief.reaches()}
    with store.writing() as db:
        store.one_at_a_time(db, "opportunities")
        for whose, one in lists.items():
            kept = told | {"found": [asdict(each) for each in one]}
            db.add(OpportunityRound(whose=whose, told=kept, evidence=evidence if whose == EVERYBODYS else {}, at=moment))
        db.execute(delete(OpportunityRound).where(col(OpportunityRound.at) < moment - KEPT))
    return _sentence(lists[EVERYBODYS])


def _sentence(all_found: Sequence[Opportunity]) -> str:
    known = [one for one in all_found if one.saved is not None]
    if not all_found:
        return "Nothing with an intent came in during the last four weeks."
    return f"{len(all_found):,} intents and patterns: of {len(known):,} it can be told how much of people's time could be saved."


def anything_to_find() -> bool:
    with store.reading() as db:
        return db.exec(select(Conversation.id).limit(1)).first() is not None


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def newest(*, by: Person) -> Round | None:
    """What the last night found, of the conversations that the person sees. None: nobody looked yet."""
    whose = whose_of(by)
    query = select(OpportunityRound.at, OpportunityRound.told).where(OpportunityRound.whose == whose)
    with store.reading() as db:
        row = db.exec(query.order_by(col(OpportunityRound.at).desc(), col(OpportunityRound.id).desc()).limit(1)).first()
    return _round(row[0], row[1], whose, by) if row else None


def _round(at: datetime, told: Mapping[str, Any], whose: str, by: Person) -> Round:
    all_found = (Opportunity.read(one) for one in told["found"])
    seen = tuple(one for one in all_found if one.is_intent or access.may(by, PATTERN))
    days = {name: date.fromisoformat(told[name]) for name in ("since", "until", "resolved_until")}
    return Round(at, whose=whose, found=seen, **days)


def whose_of(by: Person) -> str:
    """Whoever sees the same conversations reads the same."""
    return EVERYBODYS if access.require(by, "opportunity.read") == access.ALL else by.team_id or ""


@dataclass(frozen=True)
class Evidence:
    """The conversations that were looked at; whoever shows them, shows those within the person's reach."""

    usual: str = ""
    alike: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


def evidence(key: str, round_at: datetime, *, by: Person) -> Evidence:
    """Of one matter, as that night looked at it: of everybody's conversations."""
    access.require(by, "opportunity.read")
    with store.reading() as db:
        return _evidence(db, key, round_at)


def _evidence(db: Session, key: str, round_at: datetime) -> Evidence:
    query = select(OpportunityRound.evidence).where(OpportunityRound.whose == EVERYBODYS, OpportunityRound.at == round_at)
    told = (db.exec(query).first() or {}).get(key, {})
    return Evidence(told.get("usual", ""), *(tuple(told.get(name, ())) for name in ("alike", "other", "covered", "open")))
