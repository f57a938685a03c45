"""How much of what is asked falls to one topic: before an article was published and since, and where else customers ask it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from data import conversations, store
from data.tables import Conversation, Customer, Trace
from knowledge import questions
from knowledge.questions import Asked
from language.encoder import Encodes

WINDOW = timedelta(days=28)  # before it was published, and after it
MOST_OPENINGS = 1_000  # conversations of one channel or segment: the newest
MOST_VALUES = 12  # channels or segments that are looked at
MOST_SHOWN = 40  # of the conversations that are alike
STEP = 500


@dataclass(frozen=True)
class Part:
    """So many of all that was asked."""

    k: int
    n: int


@dataclass(frozen=True)
class Since:
    """What became of a topic that an article was published for."""

    before: Part
    since: Part
    days: int  # that are looked at since


def since(published_at: datetime, topic: Sequence[str], encoder: Encodes | None, *, at: datetime) -> Since:
    """Of all that was asked in the four weeks before the article and since, at most four weeks, what was about this and not answered
    well. Both by the same measure, the one that gathers gaps."""
    end = min(at, published_at + WINDOW)
    before = _part(published_at - WINDOW, published_at, topic, encoder)
    return Since(before, _part(published_at, end, topic, encoder), max((end - published_at).days, 0))


def _part(start: datetime, until: datetime, topic: Sequence[str], encoder: Encodes | None) -> Part:
    found = questions.asked(since=start, until=until)
    in_vain = [one.text for one in found if one.why]
    return Part(sum(questions.like(in_vain, topic, encoder, as_any_of_them=True)), len(found))


def texts_of(trace_ids: Sequence[str]) -> list[str]:
    """The questions of these traces, in their order."""
    with store.reading() as db:
        told = {one.id: one.said or {} for one in db.exec(select(Trace).where(col(Trace.id).in_(trace_ids)))}
    return [text for made in trace_ids if made in told and (text := " ".join(str(told[made].get("question", "")).split()))]


# -- where else it is asked ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elsewhere:
    """So many conversations of another channel or segment begin with the same question."""

    way: str  # channel, segment
    name: str
    k: int
    n: int
    conversation_ids: list[str] = field(default_factory=list)


class Openings:
    """How the conversations of the last four weeks begin, by channel or segment: read once a night, whatever asks for them."""

    def __init__(self, at: datetime) -> None:
        self._lately = (Conversation.opened_at > at - WINDOW, Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None))
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def names(self, way: str) -> list[str]:
        query = (
            select(_COLUMNS[way])
            .select_from(Conversation)
            .join(Customer, col(Customer.id) == col(Conversation.customer_id))
            .where(*self._lately)
        )
        with store.reading() as db:
            return sorted(name for name in db.exec(query.distinct()) if name)[:MOST_VALUES]

    def of(self, way: str, name: str) -> dict[str, str]:
        """By conversation, the newest first."""
        if (way, name) not in self._known:
            query = select(Conversation.id).join(Customer, col(Customer.id) == col(Conversation.customer_id))
            query = query.where(*self._lately, _COLUMNS[way] == name).order_by(col(Conversation.opened_at).desc()).limit(MOST_OPENINGS)
            with store.reading() as db:
                ids = list(db.exec(query))
                told = {made: text for step in _steps(ids) for made, (_, text) in conversations.texts(db, step).items()}
            self._known[way, name] = {made: told[made] for made in ids if told[made].strip()}
        return self._known[way, name]


_COLUMNS: dict[str, Any] = {"channel": col(Conversation.channel), "segment": col(Customer.segment)}


def _steps(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + STEP] for start in range(0, len(ids), STEP)]


def elsewhere(members: Sequence[Asked], openings: Openings, encoder: Encodes | None) -> list[Elsewhere]:
    """Of a topic that all come to by one channel, or all of one segment: the others' conversations that begin alike. What only colleagues
    ask is looked for in every channel."""
    found: list[Elsewhere] = []
    came = [one for one in members if one.conversation_id]
    for way in _COLUMNS:
        known = {name for one in came if (name := getattr(one, way))}
        if len(known) == 1 or (way == "channel" and not came):
            others = [name for name in openings.names(way) if name not in known]
            found += [one for name in others if (one := _there(way, name, members, openings, encoder)).k >= questions.FEWEST]
    return sorted(found, key=lambda one: (-one.k, one.way, one.name))


def _there(way: str, name: str, members: Sequence[Asked], openings: Openings, encoder: Encodes | None) -> Elsewhere:
    told = openings.of(way, name)
    alike = questions.like(list(told.values()), [one.text for one in members], encoder)
    theirs = [made for made, is_alike in zip(told, alike, strict=True) if is_alike]
    return Elsewhere(way, name, len(theirs), len(told), theirs[:MOST_SHOWN])
