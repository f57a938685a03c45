"""What is known of the conversations of one day: all that a measure is made of, read from the rows, in a fixed order."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from data import standing
from data.defined import RETURNS
from data.labels import INTENT
from data.tables import Action, Conversation, Customer, Label, Message, Prediction, Review, Score, Signal, Span, Trace
from data.trends import version_of
from data.values import LIVE, RUN

SPEAKING = ("customer", "rep", "assistant")
GUARDRAIL = "guardrail"
PARTS = (
    "reopened",
    "messages",
    "intents",
    "reviews",
    "resolved",
    "runs",
    "steps",
    "scores",
    "moved",
)  # of what is known, beside how it begins
Step = tuple[str, str, float, bool]  # kind, name, ms, whether it failed


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From midnight to midnight there."""
    starts, ends = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    return starts, ends


@dataclass(frozen=True)
class Place:
    """Which part of the day a conversation is in."""

    team: str = ""
    channel: str = ""
    intent: str = ""
    segment: str = ""
    language: str = ""


@dataclass
class Run:
    """A trace that counts."""

    kind: str
    version: str
    state: str
    outcome: str
    replied: bool  # it answered or drafted something
    seconds: float
    hits: int


@dataclass
class Known:
    """Everything that is known of one conversation; or of what belongs to none."""

    place: Place
    opened_at: datetime | None = None
    closed: bool = False
    reopened: bool = False
    resolved: bool | None = None
    csat: int | None = None
    handle_seconds: int | None = None
    first_response: float | None = None
    by_staff: bool = False  # somebody wrote to the customer
    by_machine: bool = False  # an assistant did
    said: tuple[str | None, str] | None = None  # the first live intent, and the version that named it
    given: str | None = None  # the intent that a person gave last
    verdict: str = ""
    runs: list[Run] = field(default_factory=list)
    scores: list[tuple[str, float, float, str]] = field(default_factory=list)  # grader, value, weight, version
    costs: list[tuple[float, str]] = field(default_factory=list)
    moved: list[tuple[int, str, str]] = field(default_factory=list)  # cents, currency, version


# -- the rows -----------------------------------------------------------------------------------------------------------------------------


def read(db: Session, starts: datetime, ends: datetime, *, settled: bool) -> list[Known]:
    """Those of the day in their order, and last what belongs to no conversation. `settled`: whoever did not come back will not."""
    return list(by_conversation(db, starts, ends, settled=settled).values())


def by_conversation(
    db: Session, starts: datetime, ends: datetime, *, settled: bool, where: Sequence[Any] = (), needs: Collection[str] = PARTS
) -> dict[str, Known]:  # fmt: skip
    """The same by their ids, of none "". `where` narrows to some conversations; of the parts, those are looked at that are needed."""
    of_day = _Day(db, starts, ends, where)
    found = of_day.begun()
    if "reopened" in needs:
        of_day.add_reopened(found)
    if "messages" in needs:
        of_day.add_messages(found)
    if "intents" in needs:
        of_day.add_intents(found)
    if "reviews" in needs:
        of_day.add_reviews(found)
    if "resolved" in needs:
        of_day.settle(found, settled)
    found[""] = Known(Place())
    if "runs" in needs:
        of_day.add_runs(found, steps="steps" in needs)
    if "scores" in needs:
        of_day.add_scores(found)
    if "moved" in needs:
        of_day.add_moved(found)
    return found


class _Day:
    """The queries of one day. Each adds to what is known, by conversation."""

    def __init__(self, db: Session, starts: datetime, ends: datetime, where: Sequence[Any]) -> None:
        self._db, self._starts, self._ends = db, starts, ends
        opened = (col(Conversation.opened_at) >= starts, col(Conversation.opened_at) < ends)
        self._in_day = (*opened, col(Conversation.hidden_at).is_(None), *where)
        merged = select(col(Label.id), col(Label.merged_into)).where(col(Label.merged_into).is_not(None))
        self._merged: dict[str, str] = dict(self._rows(merged))

    def _rows(self, query: Any) -> Iterator[Any]:
        yield from self._db.connection().execute(query).all()

    def _theirs(self, found: Collection[str], query: Any) -> Iterator[Any]:
        """Of what was found; what PostgreSQL lets come in meanwhile is counted the next time."""
        return (row for row in self._rows(query) if (row[0] or "") in found)

    def _of(self, table: Any, *columns: Any) -> Select[Any]:
        """Rows of the day's conversations, with whose they are."""
        there = select(col(table.conversation_id), *columns).join(Conversation, col(Conversation.id) == col(table.conversation_id))
        return there.where(*self._in_day).order_by(col(table.at), col(table.id))

    def _of_nobody(self, table: Any, *columns: Any) -> Select[Any]:
        """Rows of no conversation, of the day itself."""
        here = (col(table.conversation_id).is_(None), col(table.at) >= self._starts, col(table.at) < self._ends)
        return select(col(table.conversation_id), *columns).where(*here).order_by(col(table.at), col(table.id))

    def _label(self, label_id: str | None) -> str | None:
        """A label that was merged is the one that it was merged into."""
        for _ in self._merged:
            label_id = self._merged.get(label_id or "", label_id)
        return label_id

    def begun(self) -> dict[str, Known]:
        place = (
            col(Conversation.team_id), col(Conversation.channel), col(Conversation.intent_id), col(Customer.segment),
            col(Conversation.language),
        )  # fmt: skip
        told = (
            col(Conversation.opened_at), col(Conversation.closed_at), col(Conversation.extra)["reopened_at"].as_string(),
            col(Conversation.resolved), col(Conversation.csat), col(Conversation.handle_seconds),
        )  # fmt: skip
        query = select(col(Conversation.id), *place, *told).join(Customer, col(Customer.id) == col(Conversation.customer_id))
        return {
            made: Known(
                Place(team or "", channel, self._label(intent) or "", segment or "", language or ""), opened_at, closed_at is not None,
                bool(reopened), resolved, csat, seconds,
            )
            for made, team, channel, intent, segment, language, opened_at, closed_at, reopened, resolved, csat, seconds in self._rows(
                query.where(*self._in_day).order_by(col(Conversation.place))
            )
        }  # fmt: skip

    def add_reopened(self, found: dict[str, Known]) -> None:
        """By people in the help desk."""
        for (made,) in self._theirs(found, self._of(Signal).where(col(Signal.kind) == "reopened")):
            found[made].reopened = True

    def add_messages(self, found: dict[str, Known]) -> None:
        query = (
            select(col(Message.conversation_id), col(Message.role), func.min(Message.at), func.min(Message.seq))
            .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
            .where(*self._in_day, col(Message.role).in_(SPEAKING), ~col(Message.private), col(Message.gone_at).is_(None))
            .group_by(col(Message.conversation_id), col(Message.role))
        )
        first: defaultdict[str, dict[str, tuple[datetime, int]]] = defaultdict(dict)
        for made, role, at, seq in self._theirs(found, query):
            first[made][role] = at, seq
        for made, by_role in first.items():
            one = found[made]
            one.by_staff, one.by_machine = "rep" in by_role, "assistant" in by_role
            one.first_response = _first_response(one, by_role)

    def add_intents(self, found: dict[str, Known]) -> None:
        """The first live prediction counts."""
        query = self._of(Prediction, col(Prediction.label_id), *_target(Prediction))
        for made, label_id, *target in self._theirs(
            found, query.where(col(Prediction.mode) == LIVE, col(Prediction.target_name) == INTENT)
        ):
            if found[made].said is None:
                found[made].said = self._label(label_id), version_of(*target)

    def add_reviews(self, found: dict[str, Known]) -> None:
        """The last one that stands counts."""
        query = self._of(Review, col(Review.label_id), col(Review.verdict)).where(standing.stands())
        for made, label_id, verdict in self._theirs(found, query):
            found[made].given, found[made].verdict = self._label(label_id), verdict

    def settle(self, found: dict[str, Known], settled: bool) -> None:
        """Whether each was resolved, as far as that is known."""
        returned = self._returned() if settled else {}
        for made, one in found.items():
            if one.resolved or (one.resolved is False and one.closed) or one.opened_at is None:
                continue
            back = returned.get(made)
            stayed_away = back is None or back > one.opened_at + timedelta(days=RETURNS)
            one.resolved = (one.resolved is None and stayed_away) if settled else None

    def _returned(self) -> dict[str, datetime]:
        """When the customer opened the next one, if soon."""
        later = aliased(Conversation)
        soon = (col(later.opened_at) > col(Conversation.opened_at), col(later.opened_at) < self._ends + timedelta(days=RETURNS))
        query = (
            select(col(Conversation.id), func.min(later.opened_at))
            .join(later, col(later.customer_id) == col(Conversation.customer_id))
            .where(*self._in_day, *soon, col(later.hidden_at).is_(None))
            .group_by(col(Conversation.id))
        )
        return dict(self._rows(query))

    def add_runs(self, found: dict[str, Known], *, steps: bool) -> None:
        spans = self._spans() if steps else {}
        said = col(Trace.said)["reply"].as_string(), col(Trace.said)["declined"].as_string()
        columns = (col(Trace.id), *_target(Trace), col(Trace.mode), col(Trace.state), col(Trace.outcome), col(Trace.cost), *said)
        rows = [
            *self._theirs(found, self._of(Trace, *columns).where(col(Trace.mode).in_((LIVE, RUN)))),
            *self._theirs(found, self._of_nobody(Trace, *columns).where(col(Trace.mode) == LIVE)),
        ]
        for whose, made, kind, name, number, mode, state, outcome, cost, reply, declined in rows:
            one, version = found[whose or ""], version_of(kind, name, number)
            if cost and state != "running":  # then it is the most that it may use
                one.costs.append((cost, version))
            if mode == LIVE and kind != "model":  # whose calls are part of another run
                told = spans.get(made, [])
                replied = bool(reply) or (kind == "answerer" and str(declined).lower() in ("0", "false"))
                hits = sum(span_kind == GUARDRAIL and said_no for span_kind, _, _, said_no in told)
                one.runs.append(Run(kind, version, state, outcome, replied, _seconds(told), hits))

    def _spans(self) -> dict[str, list[Step]]:
        columns = (col(Span.trace_id), col(Span.kind), col(Span.name), col(Span.ms), col(Span.error) != "")
        found: defaultdict[str, list[Step]] = defaultdict(list)
        for query in (self._of(Trace, *columns), self._of_nobody(Trace, *columns)):
            through = query.join(Span, col(Span.trace_id) == col(Trace.id)).order_by(col(Span.seq), col(Span.id))
            for _, trace_id, kind, name, ms, failed in self._rows(through.where(col(Trace.mode) == LIVE)):
                found[trace_id].append((kind, name, ms, bool(failed)))
        return found

    def add_scores(self, found: dict[str, Known]) -> None:
        """Of what went out: a reply, a run, a prediction. What could not be judged is no score."""
        columns = (col(Score.at), col(Score.id), col(Score.grader_name), col(Score.value), col(Score.passed), col(Score.weight))
        counted = (col(Score.mode) == LIVE, col(Score.error) == "")
        rows = list(self._theirs(found, self._of(Score, *columns, *_target(Score)).where(*counted)))
        for table, of_it in ((Message, Score.message_id), (Trace, Score.trace_id), (Prediction, Score.prediction_id)):
            through = self._of(table, *columns, *_target(Score)).join(Score, col(of_it) == col(table.id))
            rows += self._theirs(found, through.where(*counted, col(Score.conversation_id).is_(None)))
        for made, _, _, grader, value, passed, weight, *target in sorted(rows, key=lambda row: (row[1], row[2])):
            if value is not None or passed is not None:
                found[made].scores.append((grader, float(passed if value is None else value), weight, version_of(*target)))

    def add_moved(self, found: dict[str, Known]) -> None:
        columns = (col(Action.cents), col(Action.currency), *_target(Action))
        done = (col(Action.state) == "done", col(Action.cents).is_not(None))
        for query in (self._of(Action, *columns), self._of_nobody(Action, *columns)):
            for made, cents, currency, *target in self._theirs(found, query.where(*done)):
                found[made or ""].moved.append((cents, currency, version_of(*target)))


def _target(table: Any) -> tuple[Any, ...]:
    return col(table.target_kind), col(table.target_name), col(table.target_number)


def _first_response(one: Known, first: dict[str, tuple[datetime, int]]) -> float | None:
    """None where no time was told: then the door put the messages a second apart. A call is answered when it begins."""
    answers = [first[role] for role in ("rep", "assistant") if role in first]
    if not answers or "customer" not in first or one.place.channel == "voice" or one.opened_at is None:
        return None
    (at, seq), (asked, _) = min(answers), first["customer"]
    made_up = at == one.opened_at + timedelta(seconds=seq)
    return None if made_up or at < asked else (at - asked).total_seconds()


def _seconds(steps: Sequence[Step]) -> float:
    """Of what was done one after the other: guardrails look beside it, and a step that holds an agent's steps is no time of its own."""
    holders = {held for _, name, _, _ in steps for held in list(accumulate(name.split("."), "{}.{}".format))[:-1]}
    return sum(ms for kind, name, ms, _ in steps if kind != GUARDRAIL and name not in holders) / 1000
