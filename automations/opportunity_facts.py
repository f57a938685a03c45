"""What is known of each matter that people work on: how much of it comes, what it takes of them, how alike they answer it, which articles
cover it, what is at stake. Counts are read from the days that were counted; replies and questions of a sample are looked at."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from automations import mandates, opportunity_replies, recipes
from automations.mandates import NEVER, PROPOSE, UNKNOWN
from automations.opportunity_replies import Replies, Reply
from automations.recipe import INTENT
from classifiers import noticing
from data import config, conversations, days, defined, labels, people, store, trends
from data.amounts import Amount
from data.measures import Share
from data.tables import Conversation, Label, Message, Pattern, Person, Release, Trace
from data.values import SHADOW
from evals import brief
from knowledge import ANSWERER, ARTICLE, LEFT, answerers, in_force
from language.encoder import Encodes

WEEKS = 4  # whole ones, Monday to Sunday
NOTHING, NO_TIMES = Share(0, 0), Amount(kind="mean")
MOST = 200  # conversations of one matter that are looked at, drawn from all
MOST_ANEW = 3_000  # questions in a night, of all matters; the most frequent first
MOST_ASKED = 60  # ... whose questions are asked of the articles anew; what was answered already is read
OFTEN = 0.1  # of people's replies surely speak of money: then it is about money
LOW, MEDIUM, HIGH = "low", "medium", "high"
STEP = 500

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Figures:
    """What was counted of one matter, of the conversations that somebody sees."""

    conversations: int = 0
    span: int = WEEKS  # weeks that they came in
    weeks: tuple[int, ...] = ()  # each week's; empty where that is not known
    minutes: Amount = NO_TIMES  # of people, for one conversation
    contained: Share = NOTHING  # ended without a person, of those that machines worked on
    recognised: Share = NOTHING  # the machine's first word on the intent is the person's last
    resolved: Share = NOTHING


@dataclass(frozen=True)
class Covering:
    """An article, and how many of the questions looked at it answers."""

    slug: str
    title: str
    count: int


@dataclass(frozen=True)
class Covered:
    """How far what is published answers the questions, by the version in force and from the surety on that it speaks from."""

    questions: Share
    articles: tuple[Covering, ...] = ()  # the most frequent first
    covered_ids: tuple[str, ...] = ()
    open_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stakes:
    level: str
    why: str


@dataclass(frozen=True)
class Matter:
    """An intent, or a pattern that no intent covers yet, with the conversations that are looked at."""

    key: str
    name: str
    is_intent: bool
    ids: tuple[str, ...] = ()
    figures: Figures | None = None  # of a pattern, which days do not count


@dataclass(frozen=True)
class Facts:
    """All that is known of a matter."""

    matter: Matter
    figures: Figures
    replies: Replies | None
    covered: Covered | None  # None: nothing is published
    stakes: Stakes


@dataclass(frozen=True)
class Looked:
    """What is the same for everybody: the sample of each matter, and what is at stake."""

    matters: tuple[Matter, ...]
    replies: Mapping[str, Replies]
    covered: Mapping[str, Covered]
    stakes: Mapping[str, Stakes]

    def facts(self, figures: Mapping[str, Figures]) -> list[Facts]:
        """With the figures of whoever reads them; what did not come to them is left out."""
        told = ((one, one.figures or figures.get(one.key, Figures())) for one in self.matters)
        return [
            Facts(one, found, self.replies.get(one.key), self.covered.get(one.key), self.stakes[one.key])
            for one, found in told if found.conversations
        ]  # fmt: skip


# -- which days, which matters ------------------------------------------------------------------------------------------------------------


def last_weeks(at: datetime) -> tuple[date, date]:
    """The first and the last day of the last whole weeks, where the portal is."""
    today = at.astimezone(ZoneInfo(config.settings().time_zone)).date()
    until = today - timedelta(days=today.weekday() + 1)
    return until - timedelta(weeks=WEEKS) + timedelta(days=1), until


def resolved_until(until: date, at: datetime) -> date:
    """The last of these days of which it is known whether customers came back."""
    today = at.astimezone(ZoneInfo(config.settings().time_zone)).date()
    return min(until, today - timedelta(days=1 + defined.SETTLES["resolution"]))


def matters(since: date, until: date) -> list[Matter]:
    """The intents in use that anything came to, and the patterns that nobody has named."""
    zone = ZoneInfo(config.settings().time_zone)
    starts, ends = days.bounds(since, zone)[0], days.bounds(until, zone)[1]
    with store.reading() as db:
        merged = _merged(db)
        found = [
            Matter(one.id, one.name, True, drawn(_ids(db, merged[one.id], starts, ends), one.id))
            for one in labels.of()
        ]  # fmt: skip
        patterns = db.exec(select(Pattern).where(Pattern.kind == noticing.NEW_INTENT, Pattern.state == noticing.OPEN).order_by(Pattern.id))
        return [*(one for one in found if one.ids), *(_of_pattern(db, one) for one in patterns)]


def _merged(db: Session) -> dict[str, list[str]]:
    """Of each label, itself and those that became part of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for made, into in db.exec(select(Label.id, Label.merged_into).order_by(Label.id)):
        found[made].insert(0, made)
        if into:
            found[into].append(made)
    return found


def _ids(db: Session, label_ids: Sequence[str], starts: datetime, ends: datetime) -> list[str]:
    query = select(Conversation.id).where(
        col(Conversation.intent_id).in_(label_ids), Conversation.opened_at >= starts, Conversation.opened_at < ends,
        col(Conversation.hidden_at).is_(None),
    )  # fmt: skip
    return list(db.exec(query.order_by(col(Conversation.place))))


def drawn(ids: Sequence[str], key: str) -> tuple[str, ...]:
    """In an order of chance, the same each time: no week and no channel is looked at before another."""
    return tuple(random.Random(f"opportunity {key}").sample(list(ids), min(MOST, len(ids))))


def _of_pattern(db: Session, pattern: Pattern) -> Matter:
    """Its size is that of two weeks; what it takes is told by the conversations that were kept of it."""
    query = select(Conversation.handle_seconds).where(
        col(Conversation.id).in_(pattern.conversation_ids), col(Conversation.handle_seconds).is_not(None)
    )
    told = [seconds / 60 for seconds in db.exec(query) if seconds is not None]
    minutes = Amount(len(told), len(told), sum(told), sum(one * one for one in told), kind="mean")
    figures = Figures(pattern.size, noticing.LOOKED_AT.days // 7, (), minutes)
    return Matter(pattern.id, pattern.name, False, drawn(pattern.conversation_ids, pattern.id), figures)


# -- what was counted ---------------------------------------------------------------------------------------------------------------------


def figures(whose: str, since: date, until: date, *, at: datetime) -> dict[str, Figures]:
    """By intent, of the conversations that whoever sees that sees."""
    eyes = brief.eyes(whose)

    def told(measure: str, first: date = since, last: date = until) -> Mapping[Any, Amount]:
        return trends.broken_down(measure, by=eyes, since=first, until=last, along="intent")

    starts = [since + timedelta(weeks=place) for place in range(WEEKS)]
    weeks = [told("volume", monday, monday + timedelta(days=6)) for monday in starts]
    handling, contained, recognised = told("handling"), told("containment"), told("agreement")
    resolved = told("resolution", since, resolved_until(until, at))
    return {
        key: Figures(
            sum(_n(week, key) for week in weeks), WEEKS, tuple(_n(week, key) for week in weeks), _minutes(handling.get(key)),
            _share(contained.get(key)), _share(recognised.get(key)), _share(resolved.get(key)),
        )
        for key in {str(one) for week in weeks for one in week if one}
    }  # fmt: skip


def _n(week: Mapping[Any, Amount], key: str) -> int:
    return week[key].n if key in week else 0


def _share(amount: Amount | None) -> Share:
    return Share(round(amount.sum), amount.n) if amount else NOTHING


def _minutes(seconds: Amount | None) -> Amount:
    """The mean: what it takes in all is that many times as much, which a median does not tell."""
    if seconds is None:
        return NO_TIMES
    return replace(seconds, kind="mean", sum=seconds.sum / 60, sum_sq=seconds.sum_sq / 3600, sketch=None)


# -- what is looked at --------------------------------------------------------------------------------------------------------------------


def look(
    since: date, until: date, *, encoder: Encodes | None, replies: int = MOST, questions: int = MOST_ASKED, anew: int = MOST_ANEW,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Looked:  # fmt: skip
    """Of all matters, whoever reads it later."""
    found = matters(since, until)
    progress(0.1, "Reading what people replied")
    written = {one.key: _replies(one.ids[:replies]) for one in found}
    progress(0.2, "Comparing replies")
    alike = opportunity_replies.compared(written, encoder, at=at)
    covered: dict[str, Covered] = {}
    if in_force.anything_published():
        known = _Answered.now(anew)
        for place, one in enumerate(sorted(found, key=lambda one: -len(one.ids))):
            progress(0.4 + 0.5 * place / len(found), f"Asking articles: {one.name}")
            covered[one.key] = known.covered(one, questions)
    stakes = _Stakes.now(since, until)
    return Looked(tuple(found), alike, covered, {one.key: stakes.of(one, alike[one.key]) for one in found})


def _replies(ids: Sequence[str]) -> list[Reply]:
    """What people wrote, one in each conversation in which somebody of the staff did, in the order given."""
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    languages: dict[str, str] = {}
    with store.reading() as db:
        for some in _steps(ids):
            query = (
                select(Message.conversation_id, Message.text, Message.author, Conversation.language)
                .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
                .where(col(Message.conversation_id).in_(some), Message.role == "rep", ~col(Message.private), col(Message.gone_at).is_(None))
                .order_by(Message.conversation_id, col(Message.seq))
            )
            for made, text, author, language in db.exec(query):
                if text.strip():
                    said[made].append((text.strip(), author or ""))
                    languages[made] = language or ""
    # the fullest: "one moment please" answers nothing
    chosen = {made: max(told, key=lambda one: len(one[0])) for made, told in said.items()}
    return [Reply(made, *chosen[made], languages[made]) for made in ids if made in chosen]


def _steps(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + STEP] for start in range(0, len(ids), STEP))


@dataclass
class _Answered:
    """What the version in force says to a question: where it was asked since the articles last changed, what it said then."""

    setup: answerers.Setup
    target: Any
    changed_at: datetime | None  # the articles
    anew: int  # questions that may still be asked

    @classmethod
    def now(cls, anew: int) -> "_Answered":
        with store.reading() as db:
            query = select(func.max(Release.started_at), func.max(Release.ended_at)).where(Release.target_kind == ARTICLE)
            changed = [one for one in db.exec(query).one() if one is not None]
        target = answerers.target_in_force()
        return cls(answerers.setup_of(target), target, max(changed, default=None), anew)

    def covered(self, matter: Matter, most: int) -> Covered:
        """What was asked before counts, as it was said; so many are asked anew that they are `most` in all."""
        said = self._said_before(matter.ids)
        for made in matter.ids:
            if len(said) >= most or not self.anew:
                break
            if made not in said and (found := self._says(made, matter)) is not None:
                said[made] = found
                self.anew -= 1
        looked = [made for made in matter.ids if made in said]
        counts = Counter((slug, title) for made in looked for slug, title in said[made][:1])
        articles = tuple(Covering(slug, title, count) for (slug, title), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
        yes = tuple(made for made in looked if said[made])
        return Covered(Share(len(yes), len(looked)), articles, yes, tuple(made for made in looked if not said[made]))

    def _said_before(self, ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """By conversation: slug and title of what it quoted, nothing where it kept silent. The first answer counts, to what opened it."""
        query = select(Trace).where(
            col(Trace.conversation_id).in_(ids), Trace.target_kind == ANSWERER, Trace.target_name == self.target.name,
            Trace.target_number == self.target.number, Trace.mode != SHADOW, col(Trace.said).is_not(None),
        )  # fmt: skip
        if self.changed_at is not None:
            query = query.where(Trace.at > self.changed_at)
        with store.reading() as db:
            traces = list(db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc())))
        told = {one.conversation_id: one.said for one in traces if one.conversation_id and one.said and not one.said.get(LEFT)}
        return {
            made: [] if said.get("declined") else [(one["article"], one["title"]) for one in said.get("sources", [])]
            for made, said in told.items()
        }  # fmt: skip

    def _says(self, conversation_id: str, matter: Matter) -> list[tuple[str, str]] | None:
        with store.reading() as db:
            messages = conversations.frozen(conversations.messages_of(db, conversation_id))
        opening = conversations.opening_subject(conversation_id, messages)
        asked = [one for one in messages if one["seq"] <= opening.seq and one["text"].strip()]
        if not any(one["role"] == "customer" for one in asked):
            return None
        _, quoted = answerers.found_for(asked, self.setup, intent=matter.name if matter.is_intent else "")
        return [] if quoted.declined else [(one.passage.slug, one.passage.title) for one in quoted.sentences]


# -- what is at stake ---------------------------------------------------------------------------------------------------------------------


@dataclass
class _Stakes:
    policy: mandates.Policy | None
    recipes: Mapping[str, str]  # intent by name, in small letters -> title of a recipe that moves money on it
    moved: frozenset[str]  # intents on which machines moved money

    @classmethod
    def now(cls, since: date, until: date) -> "_Stakes":
        eyes = brief.eyes(trends.EVERYBODYS)
        currencies = [one.name for one in trends.measures(by=eyes, since=since, until=until) if one.name.startswith(defined.MONEY)]
        parts = [trends.broken_down(one, by=eyes, since=since, until=until, along="intent") for one in currencies]
        moved = frozenset(str(key) for part in parts for key, amount in part.items() if key and amount.sum)
        return cls(mandates.current(), _with_money(people.console()), moved)

    def of(self, matter: Matter, replies: Replies) -> Stakes:
        """The policy's word first; then whether money moves."""
        line = self.policy.line(matter.key if matter.is_intent else UNKNOWN) if self.policy else None
        if line is not None and line.may == NEVER:
            judgement = "it takes a person's judgement" if line.judgement else "the policy keeps it for people"
            return Stakes(HIGH, f"{judgement}. {line.note}".rstrip(". ") + ".")
        if money := self._money(matter, replies):
            return Stakes(MEDIUM, money)
        if line is None:
            return Stakes(MEDIUM, "no policy says yet what machines may do here.")
        if line.may == PROPOSE:
            return Stakes(MEDIUM, "by the policy machines propose and people decide.")
        return Stakes(LOW, "no money moves, and the policy lets machines act alone.")

    def _money(self, matter: Matter, replies: Replies) -> str:
        if title := self.recipes.get(matter.name.casefold()) if matter.is_intent else None:
            return f"money moves: the recipe '{title}' may give some back."
        if matter.key in self.moved:
            return "money moves: machines gave some back in these weeks."
        if replies.about_money.n and replies.about_money.interval[0] > OFTEN:
            return f"money moves: {replies.about_money} of people's replies speak of a refund or a credit."
        return ""


def _with_money(by: Person) -> dict[str, str]:
    found = {}
    for kept in recipes.listed(by=by):
        recipe = recipes.read(kept.newest)
        if recipe.trigger.kind == INTENT and recipe.limits.money_per_run:
            found[recipe.trigger.intent.casefold()] = kept.title
    return found
