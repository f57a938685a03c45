"""Each night: what changed in what comes in, against the four weeks before. A change is told once, until it is gone or put aside.

It is kept beside the patterns (noticing.py), under a kind of its own; what it is about and in whose words is its identity.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from classifiers import KIND as CLASSIFIER
from classifiers import kinds
from classifiers.noticing import GONE, OPEN, PUT_ASIDE, source_of, texts_of
from data import access, labels, queue, releases, store, vectors
from data.errors import Refused
from data.tables import Conversation, Pattern, Person
from data.values import Target, now
from language.encoder import Encodes

if TYPE_CHECKING:  # numpy and scikit-learn are behind it; the web process only reads what a night found
    from classifiers.drift import Drift, Window
    from classifiers.model import Guess

DRIFT = "drift"
LATELY, BEFORE = timedelta(days=7), timedelta(days=28)
MOST = 3_000  # conversations of each window that are looked at
FORGOTTEN = timedelta(days=14)  # what was gone for so long and comes again is news
MOST_QUEUED = 40
FIRST, LAST = 10.0, 9.0  # what the first and the last of a queue weigh: more than all that makes others come early
NOT_SAID = "not said"  # in the place of a label's id
OF_CLASSIFIERS = ("share", "confidence")  # words and vectors are the same whoever is asked
NAMES = {"confidence": "How sure the classifier is", "vectors": "What customers write"}

Progress = Callable[[float, str], None]
Key = tuple[str, str | None, str]  # the kind of change, the label or word, the classifier


@dataclass(frozen=True)
class Watched:
    conversations: int
    open: int
    new: int
    unanswered: tuple[str, ...] = ()  # why a live version could not be asked; what stood out of it before still stands

    @property
    def sentence(self) -> str:
        told = "1 change stands" if self.open == 1 else f"{self.open:,} changes stand"
        told = f"{self.conversations:,} conversations of the last week against the four weeks before: {told} out, {self.new:,} new."
        told = told if self.conversations else "Nothing came in during the last week."
        return " ".join((told, *(f"Without one classifier: {why}" for why in self.unanswered)))


@dataclass(frozen=True)
class _Days:
    """The conversations of some days, as they are compared."""

    rows: list[Conversation]
    window: "Window"


@dataclass(frozen=True)
class _Heard:
    """The two windows with what a classifier says of them."""

    whose: str  # "" where no classifier was asked
    before: "Window"
    lately: "Window"
    about: tuple[str | None, ...] = ()  # the label that is looked at, or silence; empty: all that changed
    sure: float | None = None  # None: as drift.py has it


# -- at night -----------------------------------------------------------------------------------------------------------------------------


def look(encoder: Encodes | None, *, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> Watched:
    """Called by the schedule: of every live classifier, and of the words and vectors."""
    from classifiers import drift

    moment = at or now()
    progress(0.1, "Reading what came in")
    before = _days("the four weeks before", moment - LATELY - BEFORE, moment - LATELY, encoder, at)
    lately = _days("last week's conversations", moment - LATELY, moment, encoder, at)
    progress(0.3, "Asking the classifiers")
    heard, unanswered = _ask_all(before.window, lately.window)
    found: dict[Key, Drift] = {}
    for place, one in enumerate(heard):
        progress(0.5 + 0.4 * place / len(heard), f"Comparing with {one.whose}" if one.whose else "Comparing")
        for change in drift.look(one.before, one.lately, names=labels.names(), sure=one.sure or drift.SURE):
            if not one.about or change.what in one.about:
                found.setdefault((change.kind, change.what, one.whose if change.kind in OF_CLASSIFIERS else ""), change)
    progress(0.9, "Keeping what changed")
    return _keep(found, lately.rows, moment, unanswered=unanswered)


def _days(called: str, since: datetime, until: datetime, encoder: Encodes | None, at: datetime | None) -> _Days:
    """Of many conversations a sample: the same one for the same ones."""
    from classifiers import drift

    query = select(Conversation.id).where(
        Conversation.opened_at > since, Conversation.opened_at <= until, col(Conversation.hidden_at).is_(None)
    )
    with store.reading() as db:
        ids = list(db.exec(query.order_by(Conversation.id)))
        chosen = sorted(random.Random(0).sample(ids, MOST)) if len(ids) > MOST else ids
        texts = texts_of(db, chosen)
        there = _by_id(db, [made for made in chosen if texts[made].strip()])
    rows = [there[made] for made in chosen if made in there]
    said = [texts[one.id] for one in rows]
    # rows are made of no vectors where there is no encoder: vectors of words mean something else in each fit
    near = vectors.kept(said, encoder, at=at) if encoder and not encoder.is_fallback and said else None
    return _Days(rows, drift.Window(called, said, [one.customer_id for one in rows], vectors=near))


def _by_id(db: Session, ids: Sequence[str]) -> dict[str, Conversation]:
    found: dict[str, Conversation] = {}
    for start in range(0, len(ids), 500):
        found |= {one.id: one for one in db.exec(select(Conversation).where(col(Conversation.id).in_(ids[start : start + 500])))}
    return found


def _ask_all(before: "Window", lately: "Window") -> tuple[list[_Heard], dict[str, str]]:
    """Of each classifier the windows with its word, and of those that cannot answer why. Words and vectors are looked at in any case."""
    heard, unanswered = [], {}
    for name in kinds.names():
        live = releases.live(CLASSIFIER, name)
        try:
            heard += _ask(releases.target_of(live), before, lately) if live else []
        except Refused as refused:
            unanswered[name] = str(refused)
    return heard or [_Heard("", before, lately)], unanswered


def _ask(target: Target, before: "Window", lately: "Window") -> list[_Heard]:
    """What the version that is live now says. What was predicted on the day came from the version of that day: with a release between the
    windows, it would be the release that moved the shares."""
    from classifiers import serving

    then, lately_said = serving.guess(target, before.texts), serving.guess(target, lately.texts)
    before = replace(before, confidences=[one.confidence for one in then])
    lately = replace(lately, confidences=[one.confidence for one in lately_said])
    if kinds.of(target.name).kind == kinds.SEVERAL:
        return [_Heard(target.name, before, lately), *_of_each_label(target.name, before, lately, then, lately_said)]
    before = replace(before, labels=[one.label_id for one in then])
    return [_Heard(target.name, before, replace(lately, labels=[one.label_id for one in lately_said]))]


def _of_each_label(name: str, before: "Window", lately: "Window", then: "list[Guess]", lately_said: "list[Guess]") -> list[_Heard]:
    """Where it may say several, each label and silence is looked at by itself: said of a conversation or not. No text goes with it, since
    words are looked at once."""
    from classifiers import drift

    spoken = [[(one.label_id, *one.also) for one in guesses] for guesses in (then, lately_said)]
    every = sorted({label for said in spoken for own in said for label in own}, key=str)
    # so many looks share what one may err; no mixture shows less than one in MIXTURES. Twice: half of it goes to words, which are none here
    sure = 2 * max(drift.SURE / max(1, len(every)), 1.01 / drift.MIXTURES)

    def only(window: "Window", said: list[tuple[str | None, ...]], label: str | None) -> "Window":
        labels_of_it = [label if label in own else NOT_SAID for own in said]
        return drift.Window(window.called, [""] * len(said), window.customers, labels=labels_of_it)

    return [_Heard(name, only(before, spoken[0], label), only(lately, spoken[1], label), (label,), sure) for label in every]


def _keep(found: "dict[Key, Drift]", rows: list[Conversation], at: datetime, *, unanswered: Mapping[str, str] | None = None) -> Watched:
    """What is gone is told as gone, except of a classifier that could not be asked."""
    unasked = unanswered or {}
    with store.writing() as db:
        store.one_at_a_time(db, "drifts")
        known = _known(db, at)
        new = 0
        for key, one in found.items():
            row = known.get(key) or _blank(key, at)
            new += key not in known
            row.state = row.state if row.state == PUT_ASIDE else OPEN
            _write(db, row, one, [rows[place] for place in one.examples], at)
        for key, row in known.items():
            if key not in found and row.state == OPEN and key[2] not in unasked:
                _end(db, row)
        db.flush()
        return Watched(len(rows), len(_open(db)), new, tuple(unasked.values()))


def _known(db: Session, at: datetime) -> dict[Key, Pattern]:
    """What stood out within the last two weeks: that comes again under its own identity, and stays put aside."""
    known: dict[Key, Pattern] = {}
    for row in db.exec(select(Pattern).where(Pattern.kind == DRIFT).order_by(col(Pattern.seen_at), col(Pattern.id))):
        if row.seen_at > at - FORGOTTEN:
            known[row.signature["kind"], row.signature["what"], row.signature["classifier"]] = row
        elif row.state in (OPEN, PUT_ASIDE):
            _end(db, row)
    return known


def _end(db: Session, row: Pattern) -> None:
    row.state = GONE
    db.add(row)
    queue.forget(db, source_of(row))


def _blank(key: Key, at: datetime) -> Pattern:
    return Pattern(
        kind=DRIFT, name="", phrases=[], conversation_ids=[], signature=dict(zip(("kind", "what", "classifier"), key, strict=True)), size=0,
        customers=0, sentence="", first_at=at, last_at=at, seen_at=at, at=at, state=OPEN,
    )  # fmt: skip


def _write(db: Session, row: Pattern, one: "Drift", examples: list[Conversation], at: datetime) -> None:
    row.name, row.sentence, row.seen_at = _name(one), one.sentence, at
    row.conversation_ids = [example.id for example in examples]
    row.size, row.customers = len(examples), len({example.customer_id for example in examples})
    row.growth = {"before": one.before, "now": one.now, "p": one.p}
    if opened := [example.opened_at for example in examples]:
        row.first_at, row.last_at = min([*opened, row.first_at]), max(opened)
    db.add(row)


def _name(one: "Drift") -> str:
    if one.kind == "share":
        return labels.names().get(one.what, one.what) if one.what else "Silence of the classifier"
    return f"The word “{one.what}”" if one.kind == "words" else NAMES[one.kind]


# -- by day -------------------------------------------------------------------------------------------------------------------------------


def standing(*, by: Person) -> list[Pattern]:
    """What changed and stands out now, the surest first."""
    access.require(by, "pattern.read")
    with store.reading() as db:
        return _open(db)


def _open(db: Session) -> list[Pattern]:
    found = db.exec(select(Pattern).where(Pattern.kind == DRIFT, Pattern.state == OPEN))
    return sorted(found, key=lambda row: (row.growth.get("p", 1.0), row.name, row.id))


@dataclass(frozen=True)
class Queued:
    conversation_ids: tuple[str, ...]  # the first one is looked at first
    source: str  # by which Review is narrowed to them

    @property
    def sentence(self) -> str:
        many = len(self.conversation_ids)
        return f"{'1 conversation comes' if many == 1 else f'{many:,} conversations come'} next on Review."


def to_review(pattern_id: str, *, by: Person) -> Queued:
    """The conversations of a pattern, or of a change, come next on Review: those within reach that nobody reviewed. Pressed again, it is
    said again of what is left."""
    access.require(by, "pattern.decide")
    with store.writing() as db:
        pattern = db.get(Pattern, pattern_id, populate_existing=True)
        if pattern is None or pattern.state != OPEN:
            raise Refused("Nothing was queued: that does not stand out any more, or somebody decided already.")
        chosen = _unreviewed(db, pattern.conversation_ids, by)[:MOST_QUEUED]
        if not chosen:
            raise Refused(
                f"Nothing was queued: of its {len(pattern.conversation_ids):,} conversations none that you may read waits for a review."
            )
        source = source_of(pattern)
        for place, made in enumerate(chosen):
            weight = FIRST - (FIRST - LAST) * place / MOST_QUEUED
            queue.suggest(db, made, "look through", _why(pattern), weight=weight, source=source)
        return Queued(tuple(chosen), source)


def _unreviewed(db: Session, conversation_ids: Sequence[str], by: Person) -> list[str]:
    """In the order in which they are given."""
    mine = access.within(access.require(by, "conversation.read"), by, col(Conversation.team_id))
    there: Any = select(Conversation.id).where(
        col(Conversation.id).in_(conversation_ids), mine, ~col(Conversation.reviewed), col(Conversation.hidden_at).is_(None)
    )
    found = set(db.exec(there))
    return [made for made in conversation_ids if made in found]


def _why(pattern: Pattern) -> str:
    if pattern.kind == DRIFT:
        return f"typical of what changed: {pattern.name}"
    return f"one of {pattern.size:,} that look alike: {pattern.name}"
