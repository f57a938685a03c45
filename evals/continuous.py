"""Graders look at a sample of what went out yesterday, within a budget. Scores are weighted: the trend is of all, not of the sample."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, func, select

from data import access, bulk, config, queue, sealing, settings, store
from data.errors import Refused
from data.tables import Conversation, Message, Person, Score
from data.values import LIVE, Target, new_id, now
from evals import graders
from evals.graders.face import Grade, Graders

NAME = "continuous"
WORST_SCORE = "worst score"
STEP = 20  # conversations; what was said of them is kept at once
MOST_WORST = 10  # of a day go to the queue
ANSWERING = ("rep", "assistant")


class Plan(BaseModel):
    """What is looked at each night; number 0 is what a new portal does: what costs nothing."""

    model_config = ConfigDict(extra="forbid")

    graders: list[str] = ["reading ease"]
    share: float = Field(default=0.05, gt=0, le=1)  # of the day's conversations in each channel and intent
    most: int = Field(default=200, ge=1, le=5_000)  # conversations a day
    money: float = Field(default=1.0, ge=0, allow_inf_nan=False)  # a day, of graders that ask a model
    number: int = 0


def plan() -> Plan:
    with store.reading() as db:
        found = settings.latest(db, NAME)
    return Plan(**found.value, number=found.number) if found else Plan()


def change(*, chosen: Sequence[str], share: float, most: int, money: float, known: Graders, by: Person, at: datetime | None = None) -> Plan:
    """From tonight on. Each number is kept."""
    access.require(by, "continuous.change")
    wrong = [name for name in chosen if name not in known or not known[name].LIVE]
    if wrong:
        raise Refused(f"Not changed: '{wrong[0]}' needs an expectation, so it can judge test cases alone.")
    try:
        made = Plan(graders=sorted(set(chosen)), share=share, most=most, money=money)
    except ValidationError as error:
        said = error.errors()[0]
        raise Refused(f"Not changed: {said['loc'][0]}: {said['msg'].lower()}.") from error
    with store.writing() as db:
        store.one_at_a_time(db, f"setting {NAME}")
        row = settings.put(db, NAME, made.model_dump(exclude={"number"}), by=by, at=at)
    return made.model_copy(update={"number": row.number})


@dataclass(frozen=True)
class Looked:
    day: str
    conversations: int
    sampled: int
    scores: int
    failed: int  # could not be judged
    worst: int
    cost: float = 0.0
    stopped: str = ""

    @property
    def sentence(self) -> str:
        told = f"Looked at {self.sampled:,} of the {self.conversations:,} conversations of {self.day}: {self.scores:,} scores"
        told += f", {self.failed:,} could not be judged" if self.failed else ""
        return f"{told}; the {self.worst} worst wait for review.{f' {self.stopped}' if self.stopped else ''}"


@dataclass(frozen=True)
class _Drawn:
    conversation: Conversation
    weight: float


@dataclass
class _Live:
    """What a grader is given of a live conversation: nothing is expected."""

    input: dict[str, Any]
    expected: dict[str, Any] = field(default_factory=dict)


def look(
    *, known: Graders, by: Person, day: datetime | None = None, progress: Callable[[float, str], None] = lambda _share, _doing: None,
    at: datetime | None = None,
) -> Looked:  # fmt: skip
    """Judge the sample of a day, yesterday's if none is named. What was judged already is not judged again."""
    access.require(by, "eval.run")
    agreed = plan()
    chosen = {name: known[name] for name in agreed.graders if name in known and known[name].LIVE}
    starts, ends = _day(day or (at or now()) - timedelta(days=1))
    with store.reading() as db:
        of_day = list(db.exec(select(Conversation).where(*_opened(starts, ends)).order_by(col(Conversation.id))))
    drawn, told = sample(of_day, agreed), f"{starts.astimezone(ZoneInfo(config.settings().time_zone)):%-d %B}"
    rows: list[dict[str, Any]] = []
    cost, looked = 0.0, 0
    while chosen and looked < len(drawn) and (cost < agreed.money or not cost):
        made: list[tuple[dict[str, Any], Grade]] = []
        for one in drawn[looked : looked + STEP]:
            made += _judged(one, chosen, at)
            looked += 1
            if (spent := cost + sum(grade.cost for _, grade in made)) and spent >= agreed.money:
                break  # one answer beyond it at the most: what an answer costs is known when it is there
        rows += _keep([row for row, _ in made])
        cost += sum(grade.cost for _, grade in made)
        progress(looked / len(drawn), f"{looked:,} of {len(drawn):,} conversations")
    with store.writing() as db:
        worst = _suggest_worst(db, [one.conversation.id for one in drawn[:looked]])
    failed = sum(row["passed"] is None for row in rows)
    stopped = [f"The day's money for graders was spent after {looked:,}."] if chosen and looked < len(drawn) else []
    stopped += [f"'{name}' is not available." for name in agreed.graders if name not in chosen]
    return Looked(
        told, len(of_day), looked, len(rows), failed, worst, cost, " ".join(stopped or ([] if chosen else ["No grader is chosen."]))
    )


def sample(of_day: Sequence[Conversation], agreed: Plan) -> list[_Drawn]:
    """Of each channel and intent its share, one at least: rare ones are seen too, and their weight says how rare they are.

    By lot, and each conversation has its lot for good: the same day is the same sample, also after a kill or when more of it come.
    """
    strata: defaultdict[tuple[str, str], list[Conversation]] = defaultdict(list)
    for one in of_day:
        strata[one.channel, one.intent_id or ""].append(one)
    if len(strata) > agreed.most:  # not one of each: then all have the same chance
        strata = defaultdict(list, {("", ""): list(of_day)})
    wanted = {stratum: ceil(len(ones) * agreed.share) for stratum, ones in strata.items()}
    while sum(wanted.values()) > agreed.most:  # the largest give first
        largest = max(wanted, key=lambda stratum: (wanted[stratum], stratum))
        wanted[largest] -= 1
    drawn: list[_Drawn] = []
    for stratum in sorted(strata):
        ones, count = strata[stratum], wanted[stratum]
        drawn += [_Drawn(one, len(ones) / count) for one in sorted(ones, key=_lot("draw"))[:count]]
    return sorted(drawn, key=lambda one: _lot("order")(one.conversation))  # where the money ends, what was seen is of all of them


def _lot(what: str) -> Callable[[Conversation], str]:
    return lambda one: sealing.sha(f"{what} {one.id}")


def _judged(one: _Drawn, chosen: Graders, at: datetime | None) -> list[tuple[dict[str, Any], Grade]]:
    with store.reading() as db:
        messages = [
            message
            for message in db.exec(
                select(Message)
                .where(Message.conversation_id == one.conversation.id, col(Message.gone_at).is_(None))
                .order_by(col(Message.seq))
            )
            if not message.private
        ]
        answer = next((message for message in reversed(messages) if message.role in ANSWERING and message.text.strip()), None)
        if answer is None:
            return []
        done = {name for _, name in _said_of(db, [message.id for message in messages])}  # what could not be judged is tried again
    before = [{"role": message.role, "text": message.text} for message in messages if message.seq < answer.seq]
    case = _Live({"subject_line": one.conversation.subject or "", "messages": before})
    target = Target("people" if answer.role == "rep" else "model", "replies", 0)
    made = []
    for name, grader in chosen.items():
        if name not in done:
            grade = graders.judged(chosen, name, case, {"reply": answer.text})
            row = {
                **target.columns(), "id": new_id(), "at": at or now(), "message_id": answer.id, "conversation_id": one.conversation.id,
                "mode": LIVE, "grader_name": name, "grader_number": grader.NUMBER, "value": grade.score, "passed": grade.passed,
                "why": grade.why, "error": grade.error, "weight": one.weight,
            }  # fmt: skip
            made.append((row, grade))
    return made


def _keep(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A kill asks no model again for what was said already; and of two who look at once, one is heard."""
    with store.writing() as db:
        store.one_at_a_time(db, f"{NAME} scores")
        said = _said_of(db, [row["message_id"] for row in rows])
        new = [row for row in rows if (row["message_id"], row["grader_name"]) not in said]
        bulk.insert(db, Score, new)
        return new


def _said_of(db: Session, message_ids: Sequence[str]) -> set[tuple[str | None, str]]:
    query = select(Score.message_id, Score.grader_name).where(
        col(Score.message_id).in_(message_ids), Score.mode == LIVE, col(Score.error) == ""
    )
    return set(db.exec(query))


def _suggest_worst(db: Session, looked_at: Sequence[str]) -> int:
    """The lowest of those that failed, one line a conversation; also of what was judged before a kill."""
    store.one_at_a_time(db, f"{NAME} worst")
    worst: dict[str, Score] = {}
    for row in sorted(_failed(db, looked_at), key=lambda row: (row.value if row.value is not None else 1.0, row.id)):
        worst.setdefault(row.conversation_id or "", row)
    for made, row in list(worst.items())[:MOST_WORST]:
        queue.suggest(db, made, WORST_SCORE, f"{row.grader_name}: {row.why}"[:120], weight=0.8, source=NAME)
    return min(len(worst), MOST_WORST)


def _failed(db: Session, looked_at: Sequence[str]) -> Iterable[Score]:
    for start in range(0, len(looked_at), 500):
        said = select(Message.id).where(col(Message.conversation_id).in_(looked_at[start : start + 500]))
        yield from db.exec(select(Score).where(col(Score.message_id).in_(said), Score.mode == LIVE, col(Score.passed).is_(False)))


def _day(moment: datetime) -> tuple[datetime, datetime]:
    local = moment.astimezone(ZoneInfo(config.settings().time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(UTC), (local + timedelta(days=1)).astimezone(UTC)


def _opened(starts: datetime, ends: datetime) -> tuple[Any, ...]:
    return (
        Conversation.opened_at >= starts, Conversation.opened_at < ends, col(Conversation.hidden_at).is_(None),
    )  # fmt: skip


@dataclass(frozen=True)
class Trend:
    """A day of one grader: the mean of all conversations of that day, as the sample tells it."""

    day: datetime
    mean: float
    n: int


def trend(grader_name: str, *, by: Person, since: datetime) -> list[Trend]:
    """Weighted, so that a channel that is looked at more often counts no more. A day is when the conversation was opened."""
    reach = access.require(by, "measure.read")
    query = (
        select(Conversation.opened_at, Score.value, Score.weight)
        .join(Score, col(Score.conversation_id) == col(Conversation.id))
        .where(
            Score.grader_name == grader_name, Score.mode == LIVE, col(Score.value).is_not(None), Conversation.opened_at >= since,
            access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None),
        )
    )  # fmt: skip
    sums: defaultdict[datetime, list[tuple[float, float]]] = defaultdict(list)
    with store.reading() as db:
        for opened_at, value, weight in db.exec(query):
            sums[_day(opened_at)[0]].append((value or 0.0, weight))
    return [
        Trend(day, sum(value * weight for value, weight in given) / sum(weight for _, weight in given), len(given))
        for day, given in sorted(sums.items())
    ]


def scored_count(*, since: datetime) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Score).where(Score.mode == LIVE, Score.at >= since)).one()
