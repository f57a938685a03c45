"""Which unreviewed conversations the classifier would learn most from: they wait on Review in that order, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlmodel import col, select

from classifiers import KIND, kinds
from classifiers.noticing import texts_of
from data import access, encoding, labels, queue, releases, store, vectors
from data.labels import INTENT
from data.tables import Conversation, Person, QueueReason
from data.values import now
from language.encoder import Encodes
from language.fallback import Fallback

if TYPE_CHECKING:  # scikit-learn is behind it
    from classifiers.model import Floats, Guess, Vectors

LOOKED_AT = timedelta(days=30)
MOST = 10_000  # conversations of those days: the newest
ASKED = 200  # for so many it says so; then it is ordered anew
TEACHES = "teaches most"
FIRST, LAST = 0.85, 0.45  # what the first and the last weigh: less than what two people see differently (0.9), and than a pattern (2)
NEAREST = 5
BETWEEN = 0.5  # where the likeliest label is less than this ahead of the second, it is between the two
APART = 0.6  # of the nearest labelled ones have another label than the classifier's
STEP = 1_000

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Ordered:
    conversations: int  # that nobody reviewed
    asked: tuple[str, ...]  # of them, those from which it would learn most, the first first
    skipped: str = ""  # why nothing was ordered

    @property
    def sentence(self) -> str:
        if self.skipped:
            return self.skipped
        if not self.conversations:
            return "Nothing of the last 30 days waits for a review."
        return (
            f"{self.conversations:,} conversations of the last 30 days wait; Review asks for the {len(self.asked):,} that teach most first."
        )


@dataclass(frozen=True)
class _Seen:
    """What is known of the conversations, in one order."""

    rows: list[Conversation]
    vectors: "Vectors"
    guesses: "list[Guess] | None"  # None: no version is live
    disagreement: "Floats | None"
    nearest: list[str | None]  # the label that most of the nearest labelled ones have


def order_queue(
    name: str = INTENT, *, by: Person, progress: Progress = lambda _share, _doing: None, at: datetime | None = None
) -> Ordered:  # fmt: skip
    """Called by the schedule and after each training. What was asked for before and is not any more loses its reason."""
    from classifiers import suggest

    access.require(by, "classifier.read")
    if kinds.of(name).kind == kinds.SEVERAL:  # what Review asks for names one intent, and likelihoods of several labels have no second
        return Ordered(0, (), f"Not ordered: '{name}' may say several labels at once. Find what teaches it on Examples.")
    progress(0.1, "Reading what waits")
    rows, texts = _came(at or now())
    progress(0.3, "Comparing")
    seen = _seen(name, rows, texts, encoding.in_force(), at)
    labelled = [place for place, one in enumerate(rows) if one.reviewed]
    places = suggest.order(
        seen.vectors, _probabilities(seen.guesses), labelled, [one.customer_id for one in rows], seed=0, disagreement=seen.disagreement,
        ahead=ASKED,
    ) if rows else []  # fmt: skip
    progress(0.9, "Saying why")
    _keep(name, seen, places[:ASKED])
    return Ordered(len(places), tuple(rows[place].id for place in places[:ASKED]))


def _came(at: datetime) -> tuple[list[Conversation], list[str]]:
    query = select(Conversation).where(
        Conversation.opened_at > at - LOOKED_AT, Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None)
    )
    with store.reading() as db:
        rows = list(db.exec(query.order_by(col(Conversation.opened_at).desc(), col(Conversation.id)).limit(MOST)))
        texts = texts_of(db, [one.id for one in rows])
    kept = [one for one in rows if texts[one.id].strip()]
    return kept, [texts[one.id] for one in kept]


def _seen(name: str, rows: list[Conversation], texts: list[str], encoder: Encodes | None, at: datetime | None) -> _Seen:
    from classifiers import serving

    in_force: Encodes = encoder or Fallback(texts)
    near = vectors.kept(texts, in_force, at=at)
    live = releases.live(KIND, name)
    guesses = serving.guess(releases.target_of(live), texts) if live else None
    # what people said on Review is an intent: of another classifier it names no label
    said = [one.intent_id if one.reviewed and name == INTENT else None for one in rows]
    if guesses is None or not any(said):
        return _Seen(rows, near, guesses, None, [None] * len(rows))
    disagreement, nearest = _against_the_nearest(near, said, guesses)
    return _Seen(rows, near, guesses, disagreement, nearest)


def _against_the_nearest(near: "Vectors", said: Sequence[str | None], guesses: "list[Guess]") -> "tuple[Floats, list[str | None]]":
    """How many of the nearest labelled ones have another label than the classifier leans to, and which label most of them have."""
    import numpy as np

    known = [place for place, label in enumerate(said) if label]
    names = sorted({str(said[place]) for place in known})
    taught = np.array([names.index(str(said[place])) for place in known])
    counts = np.zeros((len(near), len(names)))
    few = min(NEAREST, len(known))
    for start in range(0, len(near), STEP):
        alike = near[start : start + STEP] @ near[known].T
        for label in taught[np.argpartition(-alike, few - 1, axis=1)[:, :few]].T:
            counts[np.arange(start, start + len(alike)), label] += 1
    places = {name: place for place, name in enumerate(names)}
    own = np.array([counts[row, places[one.top[0][0]]] if one.top[0][0] in places else 0.0 for row, one in enumerate(guesses)])
    return 1 - own / few, [names[place] for place in counts.argmax(axis=1)]


def _probabilities(guesses: "list[Guess] | None") -> "Floats | None":
    """A column each label. Those after the third likeliest are left at nothing: the order goes by the first two."""
    import numpy as np

    if guesses is None:
        return None
    places = {label: place for place, label in enumerate(sorted({label for one in guesses for label, _ in one.top}))}
    made = np.zeros((len(guesses), len(places)))
    for row, one in enumerate(guesses):
        for label, share in one.top:
            made[row, places[label]] = share
    return made


def _keep(name: str, seen: _Seen, places: Sequence[int]) -> None:
    names, source = labels.names(), f"order {name}"
    chosen = [seen.rows[place].id for place in places]
    mine = (col(QueueReason.kind) == TEACHES, col(QueueReason.source) == source)
    with store.writing() as db:
        store.one_at_a_time(db, source)
        db.execute(delete(QueueReason).where(*mine, col(QueueReason.conversation_id).not_in(chosen)))
        for turn, place in enumerate(places):
            weight = FIRST - (FIRST - LAST) * turn / ASKED
            queue.suggest(db, seen.rows[place].id, TEACHES, _why(name, seen, place, names), weight=weight, source=source)


def _why(name: str, seen: _Seen, place: int, names: dict[str, str]) -> str:
    told = f"{'The classifier' if name == INTENT else f'The classifier {name}'} would learn most from this one"
    if seen.guesses is None:
        return f"{told}: it is typical of many."
    top = seen.guesses[place].top
    first = names.get(top[0][0], "?")
    if len(top) > 1 and top[0][1] - top[1][1] < BETWEEN:
        return f"{told}: it is between '{first}' and '{names.get(top[1][0], '?')}'."
    other = seen.nearest[place]
    if seen.disagreement is not None and seen.disagreement[place] >= APART and other and other != top[0][0]:
        return f"{told}: it leans to '{first}', and those most like it are '{names.get(other, '?')}'."
    return f"{told}: many are like it, and hardly one of them was reviewed."
