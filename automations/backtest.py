"""A recipe on what came before: what it would have done beside what people did, with the money, the breaches and the minutes.

Each conversation is seen as it stood when the recipe would have begun, and so is the shop. Nothing leaves: effects are noted at the door.
What was looked at is told by a hash, so that a second backtest of the same says so.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from automations import conversing, mandates, recipes, running
from automations.conversing import Case, Connected
from automations.door import NOTHING, Faked, Held
from automations.recipe import INTENT, Recipe
from automations.running import Steps
from automations.shop.client import Shop
from automations.trying import would_write
from data import access, conversations, labels, predictions, sealing, store, versions
from data.errors import Refused
from data.masking import masked
from data.measures import Share, percent
from data.tables import Conversation, Customer, Message, Person, Prediction, Study, Team
from data.values import LIVE, Target, now
from evals.graders import BY_NAME, alike, judged
from evals.graders.face import Graders

KIND = "backtest"
MOST, BATCH = 500, 100
DECIDED = timedelta(days=14)  # within which people's refund belongs to the conversation
SETTLED = timedelta(days=1)  # younger ones are left out: what people do with them is not known yet
PEOPLE = "people"  # who made an entry of the shop's ledger
DEFAULT_MINUTES = 5.0  # of people for a conversation, where nothing was measured
CENT = Decimal("0.01")
SHOWN = 300  # characters of a reply
DRAFT, SERVES = "draft", ("draft", "reply", "refund", "credit")  # kinds of what leaves by the door

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Line:
    """What became of one conversation."""

    conversation_id: str
    channel: str
    segment: str
    language: str
    state: str
    kinds: tuple[str, ...]  # of what it would do, as the door knows them
    machine: Decimal  # money that it would move, whoever says yes
    asked: bool  # a person would have been asked first
    people: Decimal  # money that people moved
    reply: str  # that it would write
    replied: str  # what a person wrote
    close: float | None  # how close the one comes to the other, from 0 to 1; None: one of them is missing, or nothing judged it
    breach: str  # why code stopped it; empty where it did not
    why: str
    seconds: int | None  # people took

    @property
    def handled(self) -> bool:
        """To its end, and to something that the customer is served by; whoever says yes to it, and whoever sends it."""
        return self.state == running.DONE and any(kind in SERVES for kind in self.kinds)

    @property
    def alone(self) -> bool:
        """... without anybody."""
        return self.handled and not self.asked and DRAFT not in self.kinds

    @property
    def agrees(self) -> bool:
        return abs(self.machine - self.people) < CENT

    def as_body(self) -> dict[str, Any]:
        return {
            "conversation": self.conversation_id, "state": self.state, "machine": str(self.machine), "people": str(self.people),
            "asked": self.asked, "close": self.close, "reply": self.reply[:SHOWN], "replied": self.replied[:SHOWN],
            "breach": self.breach, "why": self.why, "agrees": self.agrees, "channel": self.channel,
            "handled": self.handled,
        }  # fmt: skip


def run(
    target: Target, *, connected: Connected, steps: Steps, by: Person, most: int = MOST, known: Graders = BY_NAME,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Study:  # fmt: skip
    """On the newest conversations that it is for, within the person's reach; kept beside the version."""
    access.require(by, "automation.draft")
    version = versions.get(target)
    recipe = recipes.read(version)
    recipes.require_whole(recipe, steps)
    moment = at or now()
    cases = cases_of(recipe, by, min(most, MOST), moment - SETTLED)
    if not cases:
        raise Refused(f"Not backtested: no conversation of the past is one that '{recipe.title}' is for. Look at its trigger.")
    lines = []
    for done, case in enumerate(cases):
        progress(done / len(cases), f"{done:,} of {len(cases):,} conversations")
        lines.append(line_of(case, recipe, connected, steps, known))
    told = _told(lines, recipe) | {"inputs": _inputs(cases, version.sha), "recipe": recipe.title, "number": target.number}
    with store.writing() as db:
        made = Study(version_id=version.id, kind=KIND, told=told, by_person_id=access.whose(by), at=moment)
        db.add(made)
        return made


@dataclass(frozen=True)
class Looked:
    """A backtest as one person may see it: its figures whole, and of its conversations those within reach."""

    id: str
    at: datetime
    told: Mapping[str, Any]
    hidden: int  # conversations of other teams


def newest(target: Target, *, by: Person) -> Looked | None:
    access.require(by, "automation.read")
    version = versions.get(target)
    query = select(Study).where(Study.version_id == version.id, Study.kind == KIND).order_by(col(Study.at).desc(), col(Study.id).desc())
    with store.reading() as db:
        study = db.exec(query.limit(1)).first()
    if study is None:
        return None
    lines = study.told["lines"]
    seen = set(conversations.reachable([one["conversation"] for one in lines], by=by))
    shown = [one for one in lines if one["conversation"] in seen]
    return Looked(study.id, study.at, {**study.told, "lines": shown}, len(lines) - len(shown))


# -- which conversations ------------------------------------------------------------------------------------------------------------------


def cases_of(recipe: Recipe, by: Person, most: int, before: datetime) -> list[Case]:
    """The newest first. An intent is what the machine said when it came, as it would be when the recipe runs."""
    reach = access.require(by, "conversation.read")
    said = aliased(Prediction)
    query = (
        select(Conversation, Customer.segment, Team.name)
        .join(Customer, col(Customer.id) == col(Conversation.customer_id))
        .join(Team, col(Team.id) == col(Conversation.team_id), isouter=True)
        .where(access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None), Conversation.opened_at < before)
        .order_by(col(Conversation.place).desc())
        .limit(most)
    )
    if recipe.channels:
        query = query.where(col(Conversation.channel).in_(recipe.channels))
    names = labels.names()
    if recipe.trigger.kind == INTENT:
        wanted = [label_id for label_id, name in names.items() if name == recipe.trigger.intent]
        query = query.where(
            exists().where(
                col(said.conversation_id) == col(Conversation.id), col(said.mode) == LIVE, col(said.target_name) == labels.INTENT,
                col(said.label_id).in_(wanted), col(said.confidence) >= float(recipe.trigger.confidence or 0),
            )
        )  # fmt: skip
    with store.reading() as db:
        found = list(db.exec(query))
        cases = []
        for start in range(0, len(found), BATCH):
            cases += _as_they_stood(db, recipe, found[start : start + BATCH], names)
    return cases


def _as_they_stood(
    db: Session, recipe: Recipe, found: Sequence[tuple[Conversation, str | None, str | None]], names: Mapping[str, str]
) -> list[Case]:  # fmt: skip
    ids = [conversation.id for conversation, *_ in found]
    spoken: dict[str, list[Message]] = {one: [] for one in ids}
    for message in db.exec(select(Message).where(col(Message.conversation_id).in_(ids)).order_by(col(Message.seq))):
        spoken[message.conversation_id].append(message)
    said = predictions.live_by_conversation(db, ids)
    return [
        conversing.as_it_stood(
            recipe, one, conversations.frozen(spoken[one.id]), said.get(one.id), labels=names, team=team or "", segment=segment or ""
        )
        for one, segment, team in found
    ]


def _inputs(cases: Sequence[Case], sha: str) -> str:
    """Of all that was looked at here; what the shop told is as it stood then."""
    seen = [[case.conversation.id, [dict(message) for message in case.messages], case.intent] for case in cases]
    return sealing.sha(json.dumps([sha, seen], sort_keys=True, ensure_ascii=False, default=str))


# -- one conversation ---------------------------------------------------------------------------------------------------------------------


def line_of(case: Case, recipe: Recipe, connected: Connected, steps: Steps, known: Graders = BY_NAME) -> Line:
    door = Faked(Held(recipe, mandate=mandates.as_it_came(case.intents)))
    told = running.run(recipe, case.facts(), case.world(door, connected), steps)
    changing = {name for name, step in steps.items() if step.declaration.changes}
    breach = next((one.why for one in told.spans if one.state == running.FAILED and one.step in changing), "")
    one = case.conversation
    written = would_write(door.held.did)
    reply, breach, why = masked(written), masked(breach), masked(told.why)  # the shop knows names; what is kept here does not
    return Line(
        one.id, one.channel, case.segment, case.language, told.state, door.held.kinds, door.held.money, door.held.asked > 0,
        people_moved(connected.shop, one), reply, case.replied, _close(reply, case, known), breach, why, one.handle_seconds,
    )  # fmt: skip


@dataclass(frozen=True)
class _Expected:
    """A case, as a grader looks at one."""

    input: dict[str, Any]
    expected: dict[str, Any]


def _close(reply: str, case: Case, known: Graders) -> float | None:
    """As the grader of eval sets says it."""
    if not reply or not case.replied:
        return None
    asked = _Expected({"messages": [dict(one) for one in case.messages]}, {"reply": case.replied})
    return judged(known, alike.NAME, asked, {"reply": reply}).score


def people_moved(shop: Shop | None, conversation: Conversation) -> Decimal:
    """Refunds and credits that people made for the customer in the days after they wrote."""
    if shop is None:
        return NOTHING
    since, until = conversation.opened_at, conversation.opened_at + DECIDED
    entries = [entry for order in shop.orders_of(conversation.customer_id, at=until) for entry in order.entries]
    cents = sum(entry.amount for entry in entries if entry.made_by == PEOPLE and since <= entry.at <= until)
    return Decimal(cents).scaleb(-2)


# -- what it comes to ---------------------------------------------------------------------------------------------------------------------


def _told(lines: Sequence[Line], recipe: Recipe) -> dict[str, Any]:
    eligible = [one for one in lines if one.state != running.SKIPPED]
    handled = [one for one in eligible if one.handled]
    agrees, covers = Share(sum(one.agrees for one in handled), len(handled)), Share(len(handled), len(lines))
    money = {"machine": str(sum((one.machine for one in handled), NOTHING)), "people": str(sum((one.people for one in handled), NOTHING))}
    breaches = [one for one in eligible if one.breach]
    minutes = _minutes(handled, lines)
    return {
        "conversations": len(lines), "eligible": len(eligible), "agrees": [agrees.k, agrees.n], "covers": [covers.k, covers.n],
        "money": money, "currency": recipe.limits.currency, "breaches": len(breaches), "minutes": minutes,
        "asked": sum(one.asked for one in handled), "drafts": sum(DRAFT in one.kinds for one in handled),
        "alone": sum(one.alone for one in handled), "handed_over": sum(one.state == running.HANDED_OVER for one in eligible),
        "close": _mean([one.close for one in handled if one.close is not None]),
        "slices": {name: _slices(handled, name) for name in ("channel", "segment", "language")},
        "lines": [one.as_body() for one in lines],
        "sentence": _sentence(agrees, covers, money, recipe.limits.currency, len(breaches), minutes, handled),
    }  # fmt: skip


def _mean(scores: Sequence[float]) -> list[float] | None:
    """And of how many."""
    return [round(sum(scores) / len(scores), 4), len(scores)] if scores else None


def _minutes(handled: Sequence[Line], lines: Sequence[Line]) -> float:
    """That people took for what it would have done without anybody; where that was not measured, as long as it usually takes."""
    known = [one.seconds for one in lines if one.seconds]
    usual = median(known) if known else DEFAULT_MINUTES * 60
    return round(sum(one.seconds or usual for one in handled if one.alone) / 60, 1)


def _slices(handled: Sequence[Line], name: str) -> list[dict[str, Any]]:
    found: dict[str, list[Line]] = {}
    for one in handled:
        found.setdefault(getattr(one, name) or "not known", []).append(one)
    told = [{"name": key, "n": len(own), "agrees": sum(one.agrees for one in own)} for key, own in found.items()]
    return sorted(told, key=lambda row: (-int(row["n"]), str(row["name"])))


def _sentence(
    agrees: Share, covers: Share, money: Mapping[str, str], currency: str, breaches: int, minutes: float, handled: Sequence[Line]
) -> str:  # fmt: skip
    """The verdict, as it stands on the page and in front of an approver."""
    words = [f"It has something for the customer in {covers.k:,} of {covers.n:,} conversations ({percent(covers.value)})."]
    if agrees.n:
        low, high = agrees.interval
        words.append(f"There it agrees with people about the money in {percent(agrees.value)} ({low * 100:.0f}–{high * 100:.0f}).")
        if currency:
            machine, people = Decimal(money["machine"]), Decimal(money["people"])
            words.append(f"It would move {machine:,.2f} {currency} where people moved {people:,.2f} {currency}.")
        if asked := sum(one.asked for one in handled):
            words.append(f"{asked:,} of them wait for a person's yes.")
        if close := _mean([one.close for one in handled if one.close is not None]):
            words.append(f"Its replies come {percent(close[0])} close to what people wrote.")
        if drafts := sum(DRAFT in one.kinds and not one.asked for one in handled):
            words.append(f"{drafts:,} are drafts that a person sends.")
        if minutes:
            words.append(f"People took {minutes:,.0f} minutes for those that it would do alone.")
    broke = "1 time it was" if breaches == 1 else f"{breaches:,} times it was"
    words.append(f"{broke.capitalize()} stopped by a limit or by what the shop allows." if breaches else "No limit had to stop it.")
    return " ".join(words)
