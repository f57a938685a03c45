"""One pattern that was found: how large it is and how it grows, whether it is worth a person's look, and whether it was there before."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf

import numpy as np
import numpy.typing as npt

from data.measures import percent
from evals.power import binomial

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

WEEK = 7  # days


@dataclass(frozen=True)
class Intents:
    """Conversations of which people said the intent."""

    vectors: Vectors  # of the same encoder
    labels: Sequence[str]


@dataclass(frozen=True)
class Growth:
    """Customers who wrote of it, week over week; the same customer twice is one."""

    now: int
    before: int
    of_now: int  # conversations of any kind in the last seven days
    of_before: int  # and in the seven before
    low: float  # its share grew at least by this factor, and at most by that: 95 %
    high: float

    @property
    def sentence(self) -> str:
        told = f"{self.now:,} customers in the last seven days, {self.before:,} in the seven before"
        if self.low > 1:
            return f"Growing: {told} (at least {self.low:.1f} times as many)."
        if self.high < 1:
            return f"Going back: {told}."
        return f"{told[0].upper()}{told[1:]}: too close to tell whether it grows."


@dataclass(frozen=True)
class Found:
    """Conversations that look alike and that no intent covers."""

    members: tuple[int, ...]  # places in what was given, the most typical first
    phrases: tuple[str, ...]  # what is said here and hardly elsewhere, the most telling first; none where nothing is
    centroid: Vectors  # of length one
    customers: int
    largest: float  # share of the members that one customer wrote
    growth: Growth
    first: date
    last: date
    days: int  # on which somebody wrote of it
    tightness: float  # mean cosine to the centroid, the common part taken away
    left_out: int  # others that looked alike, but lie closer to conversations that have an intent
    nearest: tuple[str, float] | None  # the intent whose middle is closest, and how close; None where none has an example

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def name(self) -> str:
        return self.phrases[0] if self.phrases else "no words in common"

    @property
    def sentence(self) -> str:
        return (
            f"{self.size:,} conversations of {self.customers:,} customers look alike and no intent covers them: "
            f"{', '.join(self.phrases[:3]) or self.name}. "
            f"{self.growth.sentence}"
        )


# -- its figures --------------------------------------------------------------------------------------------------------------------------


def made_of(
    group: Places,
    phrases: tuple[str, ...],
    rows: Vectors,
    vectors: Vectors,
    days: Sequence[date],
    customers: Sequence[Hashable | None],
    left_out: int,
    intents: Intents | None,
) -> Found:
    middle = middle_of(rows[group])
    close = rows[group] @ middle
    members = tuple(int(place) for place in group[np.argsort(-close, kind="stable")])
    wrote = Counter(_who(customers, place) for place in members)
    when = sorted(days[place] for place in members)
    return Found(
        members=members,
        phrases=phrases,
        centroid=middle_of(vectors[group]),
        customers=len(wrote),
        largest=max(wrote.values()) / len(members),
        growth=_growth(members, days, customers),
        first=when[0],
        last=when[-1],
        days=len(set(when)),
        tightness=float(close.mean()),
        left_out=left_out,
        nearest=_nearest(middle, intents),
    )


def middle_of(rows: Vectors) -> Vectors:
    middle = rows.mean(axis=0)
    return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-9), np.float32)


def _who(customers: Sequence[Hashable | None], place: int) -> Hashable:
    """Without a customer a conversation counts as one of its own."""
    return (customers[place],) if customers[place] is not None else place


def _nearest(middle: Vectors, intents: Intents | None) -> tuple[str, float] | None:
    if intents is None:
        return None
    labels = np.asarray(intents.labels)
    close = {str(label): float(middle_of(intents.vectors[labels == label]) @ middle) for label in np.unique(labels)}
    return max(close.items(), key=lambda pair: pair[1])


def _growth(members: Sequence[int], days: Sequence[date], customers: Sequence[Hashable | None]) -> Growth:
    until = max(days)
    ages = [(until - day).days // WEEK for day in days]
    all_of = Counter(ages)
    now, before = (len({_who(customers, place) for place in members if ages[place] == age}) for age in (0, 1))
    return Growth(now, before, all_of[0], all_of[1], *_factor(now, before, all_of[0], all_of[1]))


def _factor(now: int, before: int, of_now: int, of_before: int) -> tuple[float, float]:
    """95 % interval of how many times as large the share is: of all that wrote, how many wrote now, exactly (Clopper and Pearson)."""
    low, high = exact_interval(now, now + before)
    scale = max(of_before, 1) / max(of_now, 1)
    return low / (1 - low) * scale if low < 1 else inf, high / (1 - high) * scale if high < 1 else inf


def exact_interval(k: int, n: int, error: float = 0.05) -> tuple[float, float]:
    """All shares under which k or fewer, or k or more, of n are not too rare."""
    if not n:
        return 0.0, 1.0
    counts = np.arange(n + 1)

    def chance(share: float, places: slice) -> float:
        return float(binomial(n, share, counts[places]).sum())

    low = _turn(lambda share: chance(share, slice(k, None)) > error / 2) if k else 0.0
    high = _turn(lambda share: chance(share, slice(None, k + 1)) < error / 2) if k < n else 1.0
    return low, high


def _turn(is_above: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2


# -- is it worth showing, and was it there before -----------------------------------------------------------------------------------------

ENOUGH, ENOUGH_CUSTOMERS = 10, 8  # conversations, customers
ONE_WROTE = 0.3  # share of the members that one customer may have written
TIGHT = 0.3
NEWER = 0.4  # at least so much of what looks alike is like no intent, surely
LIKE_AN_INTENT = 0.7
LASTING = 4  # days on which somebody wrote of it
AT_ONCE = 2.0  # it grew surely by so much: then one night is enough. 10 customers after none do


@dataclass(frozen=True)
class Judged:
    is_good: bool  # tonight: kept, and shown if it still is tomorrow
    shown: bool
    why: str


def is_new(found: Found, *, was_good: bool = True, enough: int = ENOUGH, enough_customers: int = ENOUGH_CUSTOMERS) -> Judged:
    """Whether it is worth a person's look: silence in quiet weeks matters more than a day. So it must be good a second night: `was_good`,
    where it (`same_as`) was good the night before. What grows steeply does not wait."""
    alike = found.size + found.left_out
    at_least, _ = exact_interval(found.size, alike)
    reasons = (
        (found.size < enough, f"{found.size:,} conversations are too few: {enough:,} are needed"),
        (found.customers < enough_customers, f"{found.customers:,} customers are too few: {enough_customers:,} are needed"),
        (found.largest > ONE_WROTE, f"one customer wrote {percent(found.largest)} of them"),
        (not found.phrases, "most of them have no words in common that others do not use"),
        (found.tightness < TIGHT, f"they are only loosely alike ({found.tightness:.2f}, needed is {TIGHT})"),
        (at_least <= NEWER, f"{found.left_out:,} of {alike:,} that look alike lie closer to conversations that have an intent"),
        (found.nearest is not None and found.nearest[1] > LIKE_AN_INTENT, f"the intent {(found.nearest or ('',))[0]} is much like it"),
        (found.growth.high < 1, "fewer customers write of it than in the week before"),
        (found.growth.low <= 1 and found.days < LASTING, f"it neither grows nor lasts: it came on {found.days} days"),
    )
    against = [why for is_so, why in reasons if is_so]
    if against:
        return Judged(False, False, f"Not shown: {'; '.join(against)}.")
    if not was_good and found.growth.low < AT_ONCE:
        return Judged(True, False, "Not shown yet: it is there for the first night.")
    return Judged(True, True, found.sentence)


@dataclass(frozen=True)
class Known:
    """A pattern as it was when it was last seen."""

    id: str
    members: frozenset[str]  # the conversations' ids
    phrases: tuple[str, ...]
    centroid: Vectors | None  # None: of another encoder, or of words alone, whose vectors mean something else every night


@dataclass(frozen=True)
class Match:
    id: str
    is_part: bool  # it split: another one, with more of it, has the id


STILL_THERE = 3  # of its members: then they tell whether it is the same, and no likeness does
MOSTLY = 0.5
SAME_CENTROID, SAME_PHRASES = 0.9, 0.3


def same_as(found: Sequence[Found], known: Sequence[Known], ids: Sequence[str]) -> list[Match | None]:
    """Of each found pattern the known one that it is; `ids` are those of the conversations that were given to `find`.

    An id stays where most of the pattern is. A piece that came off is told as such, so that it is not shown as news."""
    tonight = frozenset(ids)
    pairs = []
    for place, one in enumerate(found):
        members = frozenset(ids[member] for member in one.members)
        for other in known:
            if (alike := _sameness(one, members, other, tonight)) > 0:
                pairs.append((alike, place, other.id))
    matches: list[Match | None] = [None] * len(found)
    taken: set[str] = set()
    for _, place, known_id in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if matches[place] is None:
            matches[place] = Match(known_id, known_id in taken)
            taken.add(known_id)
    return matches


def _sameness(found: Found, members: frozenset[str], known: Known, tonight: frozenset[str]) -> float:
    """0: another one. By what they share, where some of it is still there, and more than that by no likeness."""
    left = known.members & tonight
    if len(left) >= STILL_THERE:
        both = len(members & left)
        return float(both) if both >= MOSTLY * min(len(left), len(members)) else 0.0
    phrases = len(_said(found.phrases) & _said(known.phrases)) / max(len(_said(found.phrases) | _said(known.phrases)), 1)
    if known.centroid is None or known.centroid.shape != found.centroid.shape:
        return phrases if phrases >= MOSTLY else 0.0
    cosine = float(known.centroid @ found.centroid)
    return cosine if cosine >= SAME_CENTROID and phrases >= SAME_PHRASES else 0.0


def _said(phrases: Sequence[str]) -> set[str]:
    return {word for phrase in phrases for word in phrase.split()}
