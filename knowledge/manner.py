"""How an answer is written: by a model that is passed in from above, to a version's instructions, after examples from strong reviews.

An example shows the manner and gives no fact. What an eval set tests with is none: it is left out where examples are looked for.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, or_, select

from data import conversations, encoding, examples, standing, store, vectors
from data.masking import masked
from data.tables import Case, Conversation, Example, Message, Review
from data.values import Subject
from evals import flags
from evals.graders import judge
from evals.graders.values import cut
from knowledge import evidence, written
from knowledge.evidence import Candidate
from knowledge.extractive import MACRO, Answer
from knowledge.written import Instructions
from language import tongue
from language.call import Call

POOL = 300  # strong reviews that are looked through, the newest first
LONGEST_QUESTION, LONGEST_ANSWER = 600, 1_200  # characters of an example
ENDPOINTS_OWN = "bad_answer"  # the one fault that is the model's words, not that none came

_another, _test = aliased(Review), aliased(Example)


@dataclass(frozen=True)
class Writer:
    """A model that writes: asked within the budgets and on the record, by whoever passes it in."""

    ask: judge.Ask
    at_once: int = 4
    timeout: float = 60.0  # seconds for one answer
    of: Callable[[Subject], judge.Ask] | None = None  # the same for one conversation, on whose record it then stands

    def about(self, subject: Subject) -> "Writer":
        return replace(self, ask=self.of(subject)) if self.of else self


# -- writing ------------------------------------------------------------------------------------------------------------------------------


class Heard:
    """The writer, and what it said last."""

    def __init__(self, ask: judge.Ask) -> None:
        self.ask = ask
        self.call: Call | None = None

    def __call__(self, messages: list[dict[str, Any]], schema: Mapping[str, Any]) -> Call:
        self.call = self.ask(messages, schema)
        return self.call

    @property
    def nothing(self) -> bool:
        """Nothing came: what the model would say is not known from that."""
        return self.call is None or self.call.error not in ("", ENDPOINTS_OWN)


def write(
    messages: Sequence[Mapping[str, Any]], found: Sequence[Candidate], quoted: Answer, *, writer: Writer, instructions: Instructions,
    most_examples: int = 0,
) -> tuple[Answer, dict[str, Any]]:  # fmt: skip
    """The written answer, or the quoted one in its place; and what is kept of how it came to be, empty where there was nothing to write."""
    if quoted.declined or _is_ready_reply(quoted):
        return quoted, {}
    began, heard = time.perf_counter(), Heard(writer.ask)
    worked = nearest(evidence.asked_now(messages), most_examples)
    out = written.written(messages, found, quoted, ask=heard, instructions=instructions, examples=worked)
    call = heard.call
    return out.answer, {
        "by_model": out.by_model, "why": masked(out.why), "cost": out.cost, "instructions": out.instructions, "examples": len(worked),
        "removed": [{"text": masked(one.text), "why": one.why} for one in out.removed], "passages": len(written.shown(found, quoted)),
        "model": call.model if call else "", "quoted": quoted.reply, "ms": round((time.perf_counter() - began) * 1000, 1),
        "fault": heard.nothing,
    }  # fmt: skip


def _is_ready_reply(quoted: Answer) -> bool:
    """Two people approved its words as they are."""
    return bool(quoted.sentences) and quoted.sentences[0].passage.kind == MACRO


# -- worked examples ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worked:
    """A question and the reply that somebody found strong."""

    review_id: str
    question: str
    answer: str


def nearest(question: str, most: int) -> tuple[written.Example, ...]:
    """Those whose question is most like this one, masked, the nearest first: by meaning, or by words where no encoder reads it."""
    if most <= 0 or not question:
        return ()
    with store.reading() as db:
        found = worked(db)
    likeness = _likeness(question, [one.question for one in found])
    order = sorted((place for place in range(len(found)) if likeness[place] > 0), key=lambda place: (-likeness[place], place))
    return tuple(written.Example(masked(found[place].question), masked(found[place].answer)) for place in order[:most])


def _likeness(question: str, others: Sequence[str]) -> Sequence[float]:
    encoder = encoding.in_force()
    if others and encoder is not None and encoder.speaks(tongue.of(question)):
        rows, own = vectors.kept(others, encoder), vectors.of([question], encoder)  # the others are asked for with each answer
        return [float(value) for value in np.asarray(rows @ own[0])]
    asked = evidence.telling(question)
    held = [evidence.telling(other) for other in others]
    return [len(asked & one) / max(1, len(asked | one)) for one in held]


def worked(db: Session) -> list[Worked]:
    """Of the newest strong reviews those with a reply; nothing that an eval set or a case tests with."""
    tested = examples.tested_texts(db)
    rows = db.exec(_untested().order_by(col(Review.at).desc(), col(Review.id).desc()).limit(POOL)).all()
    spoken: dict[str, list[Message]] = {conversation.id: [] for _, conversation in rows}
    for message in db.exec(select(Message).where(col(Message.conversation_id).in_(spoken)).order_by(col(Message.seq))):
        spoken[message.conversation_id].append(message)
    found: dict[str, Worked] = {}
    for review, conversation in rows:
        said = [one for one in spoken[conversation.id] if not one.private and one.gone_at is None and one.text.strip()]
        made = _worked(review, said)
        asked = (conversations.text_of(conversation.subject, conversations.frozen(said)), made.question if made else "")
        if made and conversation.id not in found and not any(text in tested for text in asked):
            found[conversation.id] = made
    return list(found.values())


def _untested() -> Any:
    """Strong and unopposed, of conversations and customers that no test is made of. The database leaves the others out."""
    weak = exists().where(col(_another.conversation_id) == col(Conversation.id), col(_another.verdict) == "weak", standing.stands(_another))
    return (
        select(Review, Conversation)
        .join(Conversation, col(Conversation.id) == col(Review.conversation_id))
        .where(
            Review.verdict == "strong", standing.stands(), ~weak, col(Conversation.hidden_at).is_(None),
            ~_in_a_set(), ~_in_a_case(),
        )
    )  # fmt: skip


def _in_a_set() -> ColumnElement[bool]:
    """It, or another conversation of the same customer, was flagged for a set, waits to be or became a test."""
    same = or_(col(_test.conversation_id) == col(Conversation.id), col(_test.customer_id) == col(Conversation.customer_id))
    tests = or_(col(_test.eval_set_id).is_not(None), col(_test.use).in_(examples.TESTING))
    return exists().where(same, col(_test.use) != "retired", tests)


def _in_a_case() -> ColumnElement[bool]:
    """Of any frozen version, also where the flag was taken back since."""
    flagged = exists().where(col(Case.example_id) == col(_test.id), col(_test.conversation_id) == col(Conversation.id))
    return or_(flagged, exists().where(col(Case.customer_id) == col(Conversation.customer_id)))


def _worked(review: Review, said: Sequence[Message]) -> Worked | None:
    """The reviewer's own words are the reply to learn; else the last reply of a person that says something."""
    theirs = [one for one in said if one.role == "rep" and one.seq <= review.seq]
    last = flags.last_telling(theirs)
    until = theirs[0].seq if review.reply and theirs else last.seq if last and not review.reply else review.seq + 1
    question = evidence.asked_now([{"role": one.role, "text": one.text} for one in said if one.seq < until])
    answer = review.reply.strip() or (last.text.strip() if last else "")
    if not question or not answer:
        return None
    return Worked(review.id, cut(question, LONGEST_QUESTION), cut(answer, LONGEST_ANSWER))
