"""Each night: what came in that nothing covers and that looks alike is kept as a pattern, under one identity from night to night."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from data import access, audit, conversations, labels, queue, store, vectors
from data.errors import Refused
from data.tables import Conversation, Example, Pattern, Person
from data.values import now
from language.encoder import Encodes
from language.fallback import Fallback

if TYPE_CHECKING:  # scikit-learn is behind it; the web process only reads what a night found
    from classifiers import standouts

LOOKED_AT = timedelta(days=14)
MOST = 20_000  # conversations of those days: the newest
MOST_KEPT = 400  # of a pattern's conversations
SEEN, OPEN, LABELLED, PUT_ASIDE, GONE = "seen", "open", "labelled", "put aside", "gone"  # seen: by one night, which is not enough
MOST_NAMED = 10_000  # conversations that people gave an intent: what is covered
NEW_INTENT = "new_intent"

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Looked:
    conversations: int
    found: int
    new: int

    @property
    def sentence(self) -> str:
        if not self.conversations:
            return "Nothing came in during the last two weeks."
        told = f"{self.found} {'pattern' if self.found == 1 else 'patterns'} that no intent covers, {self.new} new"
        return f"{self.conversations:,} conversations of the last two weeks: {told}."


@dataclass(frozen=True)
class _Came:
    """What came in, as the search for patterns wants it."""

    ids: list[str]
    texts: list[str]
    opened: list[datetime]
    customers: list[str]
    covered: list[bool]
    languages: list[str | None]


# -- at night -----------------------------------------------------------------------------------------------------------------------------


def look(encoder: Encodes | None, *, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> Looked:
    """Called by the schedule. What stood out before and is the same keeps its identity; what stands out no longer is gone."""
    import numpy as np

    from classifiers import patterns, standouts

    moment = at or now()
    progress(0.1, "Reading what came in")
    came = _came(moment)
    if not came.ids:
        return Looked(0, 0, 0)
    progress(0.3, "Comparing")
    in_force: Encodes = encoder or Fallback(came.texts)
    named = _named_by_people(moment)
    days = [opened.date() for opened in came.opened]
    known = standouts.Intents(vectors.kept([one.text for one in named], in_force, at=at), [one.intent for one in named])
    these = set(came.ids)
    found = patterns.find(
        came.texts, vectors.kept(came.texts, in_force, at=at), days, came.customers,
        covered=np.array(came.covered), languages=came.languages, intents=known,
        earlier=[(one.text, one.language) for one in named if one.id not in these],
    )  # fmt: skip
    progress(0.9, "Keeping what stands out")
    return _keep(found, came, None if in_force.is_fallback else in_force.name, moment)


@dataclass(frozen=True)
class _Named:
    id: str
    text: str
    language: str | None
    intent: str


def _named_by_people(at: datetime) -> list[_Named]:
    """With the intents that people gave, the newest first. What machines said would make their mistakes look ordinary."""
    query = select(Conversation.id, Conversation.intent_id, Conversation.language).where(
        Conversation.reviewed, col(Conversation.intent_id).is_not(None), Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None)
    )
    with store.reading() as db:
        rows = list(db.exec(query.order_by(col(Conversation.opened_at).desc()).limit(MOST_NAMED)))
        texts = texts_of(db, [made for made, _, _ in rows])
    names = labels.names()
    return [_Named(made, texts[made], language, names[intent]) for made, intent, language in rows if intent and texts[made].strip()]


def texts_of(db: Session, conversation_ids: Sequence[str]) -> dict[str, str]:
    """As a classifier reads them, of any number."""
    found: dict[str, str] = {}
    for start in range(0, len(conversation_ids), 500):
        some = conversations.texts(db, conversation_ids[start : start + 500])
        found |= {made: text for made, (_, text) in some.items()}
    return found


def _came(at: datetime) -> _Came:
    query = (
        select(Conversation)
        .where(Conversation.opened_at > at - LOOKED_AT, Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None))
        .order_by(col(Conversation.opened_at).desc()).limit(MOST)
    )  # fmt: skip
    with store.reading() as db:
        rows = list(db.exec(query))
        texts = texts_of(db, [one.id for one in rows])
    kept = [one for one in rows if texts[one.id].strip()]
    there_are_intents = bool(labels.of())
    return _Came(
        [one.id for one in kept], [texts[one.id] for one in kept], [one.opened_at for one in kept], [one.customer_id for one in kept],
        [one.intent_id is not None or (there_are_intents and not _was_looked_at(one)) for one in kept], [one.language for one in kept],
    )  # fmt: skip


def _was_looked_at(one: Conversation) -> bool:
    """By a person or a classifier. What nobody looked at may well be covered: counted as uncovered, it made eleven patterns that were none
    of the demo's weeks before its first release."""
    return one.reviewed or one.certainty is not None


def _keep(found: "Sequence[standouts.Found]", came: _Came, encoder: str | None, at: datetime) -> Looked:
    from classifiers import standouts

    with store.writing() as db:
        store.one_at_a_time(db, "patterns")
        before = {one.id: one for one in db.exec(select(Pattern).where(Pattern.kind == NEW_INTENT, Pattern.state != GONE))}
        matches = standouts.same_as(found, [_known(one, encoder) for one in before.values()], came.ids)
        seen, new = set(), 0
        for one, match in zip(found, matches, strict=True):
            if match is not None and match.is_part:
                continue
            pattern = before[match.id] if match else _blank(at)
            judged = standouts.is_new(one, was_good=match is not None)
            if match is None and not judged.is_good:
                continue
            _write(db, pattern, one, came, encoder, at)
            seen.add(pattern.id)
            if pattern.state == SEEN and judged.shown:
                pattern.state = OPEN
                _to_review(db, pattern)
                new += 1
        for one_id, pattern in before.items():
            if one_id not in seen and pattern.state in (SEEN, OPEN):
                pattern.state, pattern.why = GONE, "It stands out no longer."
                db.add(pattern)
                queue.forget(db, source_of(pattern))
        shown = select(func.count()).select_from(Pattern).where(Pattern.kind == NEW_INTENT, Pattern.state == OPEN)
        return Looked(len(came.ids), db.exec(shown).one(), new)


def _known(one: Pattern, encoder: str | None) -> "standouts.Known":
    import numpy as np

    from classifiers import standouts

    lies = one.signature.get("centroid") if encoder and one.signature.get("encoder") == encoder else None
    return standouts.Known(
        one.id, frozenset(one.conversation_ids), tuple(one.phrases), np.array(lies, np.float32) if lies else None
    )  # fmt: skip


def _blank(at: datetime) -> Pattern:
    return Pattern(
        kind=NEW_INTENT, name="", phrases=[], conversation_ids=[], signature={}, size=0, customers=0, sentence="", first_at=at, last_at=at,
        seen_at=at, at=at, state=SEEN,
    )  # fmt: skip


def _write(db: Session, made: Pattern, one: "standouts.Found", came: _Came, encoder: str | None, at: datetime) -> Pattern:
    days = [came.opened[member] for member in one.members]
    made.name, made.phrases, made.sentence = one.name, list(one.phrases), one.sentence
    made.conversation_ids = [came.ids[member] for member in one.members[:MOST_KEPT]]
    made.signature = {"encoder": encoder, "centroid": [round(float(number), 5) for number in one.centroid]} if encoder else {}
    made.size, made.customers, made.seen_at = one.size, one.customers, at
    made.growth = {"now": one.growth.now, "before": one.growth.before, "low": one.growth.low, "high": min(one.growth.high, 1e6)}
    made.first_at, made.last_at = min([*days, made.first_at]), max(days)
    db.add(made)
    db.flush()
    return made


def _to_review(db: Session, pattern: Pattern) -> None:
    """The three most typical ones wait on Review too."""
    for conversation_id in pattern.conversation_ids[:3]:
        told = f"{pattern.size:,} look like this one, and no intent covers them"
        queue.suggest(db, conversation_id, "new pattern", told, weight=2.0, source=source_of(pattern))


def source_of(pattern: Pattern) -> str:
    """By which the queue knows what it asks for: until it is decided on, or gone."""
    return f"pattern {pattern.id}"


# -- by day -------------------------------------------------------------------------------------------------------------------------------


def standing(*, by: Person) -> list[Pattern]:
    """What stands out now, the largest first; then what was labelled or put aside and still comes."""
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = list(db.exec(select(Pattern).where(Pattern.kind == NEW_INTENT, col(Pattern.state).not_in((SEEN, GONE)))))
    return sorted(found, key=lambda one: (one.state != OPEN, -one.size, one.id))


def get(pattern_id: str, *, by: Person) -> Pattern | None:
    """A pattern; what changed (watching.py) is kept beside them, and is none."""
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = db.get(Pattern, pattern_id)
    return found if found and found.kind == NEW_INTENT else None


@dataclass(frozen=True)
class Member:
    conversation_id: str
    text: str
    channel: str
    opened_at: datetime


def members(pattern: Pattern, *, by: Person, most: int = 40) -> list[Member]:
    """Its most typical conversations within reach that nobody gave an intent since, nor accepted as an example."""
    reach = access.require(by, "conversation.read")
    taught = select(Example.conversation_id).where(Example.use != "retired", col(Example.label_id).is_not(None))
    query = select(Conversation).where(
        col(Conversation.id).in_(pattern.conversation_ids), col(Conversation.intent_id).is_(None), col(Conversation.hidden_at).is_(None),
        access.within(reach, by, col(Conversation.team_id)), col(Conversation.id).not_in(taught),
    )  # fmt: skip
    with store.reading() as db:
        there = {one.id: one for one in db.exec(query)}
        chosen = [made for made in pattern.conversation_ids if made in there][:most]
        texts = conversations.texts(db, chosen)
    return [Member(made, texts[made][1], there[made].channel, there[made].opened_at) for made in chosen]


def put_aside(pattern_id: str, why: str, *, by: Person, at: datetime | None = None) -> Pattern:
    """It is none of ours, or an intent covers it after all: it comes no more under this identity. What changed is put aside likewise."""
    if not why.strip():
        raise Refused("Not put aside: say why; whoever sees it next week will ask.")
    return _decide(pattern_id, PUT_ASIDE, {"why": why.strip()}, f"put aside, {why.strip().rstrip('.')}", by, at)


def became(pattern_id: str, label_id: str, *, by: Person, at: datetime | None = None) -> Pattern:
    """A label was named for it."""
    told = f"it became the intent '{labels.names().get(label_id, '')}'"
    return _decide(pattern_id, LABELLED, {"label_id": label_id}, told, by, at, only=NEW_INTENT)


def _decide(
    pattern_id: str, state: str, other: dict[str, Any], told: str, by: Person, at: datetime | None, *, only: str = ""
) -> Pattern:  # fmt: skip
    access.require(by, "pattern.decide")
    with store.writing() as db:
        pattern = db.get(Pattern, pattern_id, populate_existing=True)
        if pattern is None or pattern.state != OPEN or only not in ("", pattern.kind):
            raise Refused("Not changed: that pattern does not stand out any more, or somebody decided already.")
        pattern.state = state
        for name, value in other.items():
            setattr(pattern, name, value)
        db.add(pattern)
        queue.forget(db, source_of(pattern))
        noun = "Pattern" if pattern.kind == NEW_INTENT else "Change"
        audit.record(db, by, state, "pattern", pattern.id, f"{noun} '{pattern.name}': {told}.", at=at)
        return pattern
