"""What happens in a portal, in any order: conversations that come and change, what people and machines say of them, what is done."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from classifiers import labels
from data import people, predictions, reviews, store, traces
from data.errors import Denied
from data.intake import door
from data.tables import Action, Conversation, Customer, Label, Message, Score, Trace
from data.values import LIVE, SHADOW, Subject, Target, new_id
from tests.conftest import Staff
from tests.conversations import canonical

CLASSIFIER, RECIPE = Target("classifier", "intent", 1), Target("recipe", "refunds", 4)


def arrive(number: int, opened_at: datetime, *, said: tuple[tuple[str, float], ...] = (), **fields: Any) -> str:
    """`said`: roles, and minutes after it was opened. The same number again is a correction."""
    told = fields.pop("channel", "chat")
    if said:
        fields["messages"] = [
            {"role": role, "text": f"Words {place}", "at": (opened_at + timedelta(minutes=minutes)).isoformat()}
            for place, (role, minutes) in enumerate(said)
        ]
    made = canonical(number, opened_at=opened_at, **fields).model_copy(update={"channel": told})
    return door.receive([made], by=people.console(), classify=False).ids[0]


def predicted(conversation_id: str, label: Label | None, at: datetime, *, target: Target = CLASSIFIER, mode: str = LIVE) -> str:
    row = {
        "id": new_id(), "at": at, "conversation_id": conversation_id, "seq": 1, **target.columns(), "mode": mode,
        "label_id": label.id if label else None, "confidence": 0.9, "top": [], "threshold": 0.5, "why": "",
    }  # fmt: skip
    with store.writing() as db:
        predictions.add(db, [row])
    return str(row["id"])


def ran(
    conversation_id: str | None, at: datetime, *, state: str = "done", ms: float = 400.0, said: dict[str, Any] | None = None,
    hits: int = 0, mode: str = LIVE, target: Target = RECIPE, cost: float = 0.0,
) -> Trace:  # fmt: skip
    subject = Subject(conversation_id, 1) if conversation_id else None
    with store.writing() as db:
        trace = traces.begin(db, target, by=people.console(), tokens=0, cost=cost, subject=subject, mode=mode, at=at)
        looked = [traces.Step("guardrail", f"look {place}", {}, {}, 9_999.0, error="no") for place in range(hits)]
        traces.add_steps(db, trace, [traces.Step("step", "one", {}, {}, ms), *looked], person_id=None, at=at)
        if said:
            traces.say(db, trace, said)
        if state == "waiting":
            traces.wait(db, trace, {})
        elif state != "running":
            traces.end(db, trace, state)
        return trace


def moved(trace: Trace, cents: int, at: datetime, *, currency: str = "EUR", state: str = "done") -> str:
    made = new_id()
    action = Action(
        id=made, at=at, trace_id=trace.id, conversation_id=trace.conversation_id, **RECIPE.columns(), act=made, step="refund",
        kind="refund", payload={}, payload_sha="", idempotency_key=made, cents=cents, currency=currency, state=state,
    )  # fmt: skip
    with store.writing() as db:
        db.add(action)
    return made


def scored(at: datetime, value: float, *, weight: float = 1.0, grader: str = "polite", mode: str = LIVE, **of: str) -> None:
    told = {**Target("people", "replies", 0).columns(), "grader_name": grader, "mode": mode, "value": value, "weight": weight}
    with store.writing() as db:
        db.add(Score(at=at, **told, **of))


def change(table: Any, made: str, **columns: Any) -> None:
    """What verbs that come later will do: hide it, name a segment."""
    with store.writing() as db:
        db.execute(update(table).where(col(table.id) == made).values(**columns))


@dataclass
class History:
    """Acts drawn by lot. Each is done through the verbs, or as their rows."""

    staff: Staff
    rng: random.Random
    starts: datetime
    days: int = 12
    made: dict[int, str] = field(default_factory=dict)  # number -> conversation
    runs: list[Trace] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labels = [labels.add(name, by=self.staff.lead) for name in ("Refund", "Sign-in", "Invoice")]

    def step(self) -> None:
        acts: list[Callable[[], object]] = [
            *[self.arrives] * 6, self.corrected, self.ran, self.ran, self.reviewed, self.reviewed, self.named, self.named, self.ended,
            self.decided, self.scored, self.moved, self.hidden, self.merged, self.in_segment, self.stored_later,
        ]  # fmt: skip
        self.rng.choice(acts if self.made else acts[:1])()

    def moment(self) -> datetime:
        return self.starts + timedelta(minutes=self.rng.randrange(self.days * 24 * 60))

    def one(self) -> str:
        return self.rng.choice(list(self.made.values()))

    def _told(self) -> dict[str, Any]:
        rng = self.rng
        opened = self.moment()
        says = (("customer", 0), (rng.choice(["rep", "assistant"]), rng.randrange(90)), ("customer", 95))[: rng.randrange(1, 4)]
        told = {
            "opened_at": opened, "said": says, "team": rng.choice(["Oak", "Fern", None]), "customer": f"customer {rng.randrange(6)}",
            "csat": rng.choice([None, 1, 4, 5]), "resolved": rng.choice([None, None, True, False]),
            "closed_at": rng.choice([None, (opened + timedelta(hours=3)).isoformat()]), "handle_seconds": rng.choice([None, 60, 600]),
            "channel": rng.choice(["chat", "email", "voice"]), "language": rng.choice(["en", "de"]),
            "reopened_at": rng.choice([None, None, (opened + timedelta(hours=9)).isoformat()]),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}

    def arrives(self) -> None:
        number = len(self.made) + 1
        self.made[number] = arrive(number, **self._told(), segment=self.rng.choice(["small", "large"]))

    def corrected(self) -> None:
        """It comes again: of another day, of another customer, with other words."""
        arrive(self.rng.choice(list(self.made)), **self._told())

    def named(self) -> None:
        said, mode = self.rng.choice([*self.labels, None]), self.rng.choice([LIVE, LIVE, SHADOW])
        predicted(self.one(), said, self.moment(), target=Target("classifier", "intent", self.rng.randrange(1, 4)), mode=mode)

    def reviewed(self) -> None:
        label = self.rng.choice([*self.labels, None])
        verdict = self.rng.choice(["strong", "weak", "none"])
        with suppress(Denied):  # it is hidden
            reviews.record(self.one(), verdict, label_id=label.id if label else None, by=self.staff.engineer, at=self.moment())

    def ran(self) -> None:
        state, whose = self.rng.choice(["done", "handed_over", "running", "waiting"]), self.rng.choice([self.one(), self.one(), None])
        said = self.rng.choice([None, {"reply": "Yes."}])
        self.runs.append(
            ran(whose, self.moment(), state=state, ms=self.rng.random() * 5000, said=said, hits=self.rng.randrange(3), cost=0.01)
        )  # fmt: skip

    def _run(self) -> Trace | None:
        return self.rng.choice(self.runs) if self.runs else None

    def ended(self) -> None:
        if found := self._run():
            with store.writing() as db:
                traces.end(db, db.get_one(Trace, found.id), self.rng.choice(["done", "failed", "stopped"]))

    def decided(self) -> None:
        if found := self._run():
            with store.writing() as db:
                outcome = self.rng.choice(["accepted", "edited", "refused"])
                traces.decide(db, db.get_one(Trace, found.id), outcome, by=self.staff.rep, at=self.moment())

    def scored(self) -> None:
        scored(self.moment(), self.rng.random(), weight=self.rng.choice([1.0, 7.5]), conversation_id=self.one(), message_id=self._message())

    def _message(self) -> str:
        with store.reading() as db:
            return db.exec(select(Message.id).order_by(col(Message.id)).limit(1)).one()

    def moved(self) -> None:
        if found := self._run():
            self.refunds.append(moved(found, self.rng.randrange(1, 9_000), self.moment(), state=self.rng.choice(["done", "sent"])))
        if self.refunds:
            change(Action, self.rng.choice(self.refunds), state="done")

    def hidden(self) -> None:
        change(Conversation, self.one(), hidden_at=self.rng.choice([None, datetime.now(UTC)]))

    def merged(self) -> None:
        first, second, _ = self.labels
        change(Label, second.id, merged_into=self.rng.choice([None, first.id]))

    def in_segment(self) -> None:
        with store.reading() as db:
            whose = db.get_one(Conversation, self.one()).customer_id
        change(Customer, whose, segment=self.rng.choice(["small", "large", None]))

    def stored_later(self) -> None:
        """A rating that comes after a week."""
        change(Conversation, self.one(), csat=self.rng.choice([1, 5]))
