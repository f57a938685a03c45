"""What a candidate would have said otherwise than the live version did, over the last days: how many, from what to what, and which."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from classifiers import studies
from data import access, conversations, labels, predictions, store, versions
from data.measures import Share, percent
from data.tables import Conversation, Person
from data.values import Target, now

SAMPLE = 5_000  # conversations that are looked at while somebody waits
KEPT = 30  # conversations of each flip: not all of them are within everybody's reach
MOST_FLIPS = 60
STEP = 500
SILENT = "silent"

Progress = Callable[[float, str], None]
Labels = frozenset[str]  # by id: all that is said of a conversation


@dataclass(frozen=True)
class Flip:
    """From what to what; None is silence."""

    before: str | None
    after: str | None
    count: int  # of those that were looked at
    conversation_ids: tuple[str, ...]  # some of them; who shows them asks whose they are

    @property
    def sentence(self) -> str:
        return f"{self.before or SILENT} → {self.after or SILENT}"


@dataclass(frozen=True)
class Impact:
    number: int  # of the version
    days: int
    came: int  # conversations of those days that the live version looked at
    changed: Share  # of those that were looked at
    flips: tuple[Flip, ...]  # the most frequent first

    @property
    def sentence(self) -> str:
        if not self.changed.n:
            return f"The live version looked at no conversation in the last {self.days} days."
        whole = self.changed.n == self.came
        about = f"{self.changed.k:,}" if whole else f"about {round(self.changed.value * self.came, -1):,.0f}"
        low, high = self.changed.interval
        sure = "" if whole else f" ({percent(low)} to {percent(high)}, from a sample of {self.changed.n:,})"
        of = f"of the {self.came:,} conversations of the last {self.days} days"
        return f"Version {self.number} would say something else in {about} {of}{sure}."

    @property
    def is_whole(self) -> bool:
        return self.changed.n == self.came

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Impact":
        flips = tuple(Flip(one["before"], one["after"], one["count"], tuple(one["conversation_ids"])) for one in told["flips"])
        return cls(told["number"], told["days"], told["came"], Share(*told["changed"]), flips)

    @property
    def told(self) -> dict[str, Any]:
        """As it is kept."""
        changed = [self.changed.k, self.changed.n]
        return {
            "number": self.number,
            "days": self.days,
            "came": self.came,
            "changed": changed,
            "flips": [asdict(flip) for flip in self.flips],
        }


def study(
    target: Target, *, by: Person, days: int = 30, sample: int = SAMPLE, progress: Progress = lambda _share, _doing: None,
    at: datetime | None = None,
) -> Impact:  # fmt: skip
    """Preview it and keep what came of it beside the version."""
    found = preview(target, by=by, days=days, sample=sample, progress=progress, at=at)
    studies.keep(versions.get(target), studies.IMPACT, found.told, by=by, at=at)
    return found


def preview(
    target: Target, *, by: Person, days: int = 30, sample: int = SAMPLE, progress: Progress = lambda _share, _doing: None,
    seed: int = 0, at: datetime | None = None,
) -> Impact:  # fmt: skip
    """Of a sample, or of all where sample is as large: the same seed draws the same conversations."""
    from classifiers import serving

    access.require(by, "classifier.read")
    with store.reading() as db:
        came = _came(db, target.name, days, at or now())
    chosen = sorted(random.Random(seed).sample(came, sample)) if len(came) > sample else came
    flipped: defaultdict[tuple[Labels, Labels], list[str]] = defaultdict(list)
    for start in range(0, len(chosen), STEP):
        some = chosen[start : start + STEP]
        with store.reading() as db:
            texts, before = conversations.texts(db, some), predictions.labels_said(db, some, target.name)
        said = serving.guess(target, [texts[made][1] for made in some])
        for made, one in zip(some, said, strict=True):
            after = frozenset((one.label_id, *one.also)) if one.label_id else frozenset()
            if before[made] != after:
                flipped[before[made], after].append(made)
        progress((start + len(some)) / len(chosen), f"{start + len(some):,} of {len(chosen):,} conversations")
    changed = Share(sum(map(len, flipped.values())), len(chosen))
    return Impact(target.number, days, len(came), changed, _flips(flipped))


def _came(db: Session, name: str, days: int, at: datetime) -> list[str]:
    """What the live version looked at, oldest first."""
    query = select(Conversation.id).where(
        Conversation.opened_at > at - timedelta(days=days), Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None),
        col(Conversation.id).in_(predictions.looked_at(name)),
    )  # fmt: skip
    return list(db.exec(query.order_by(Conversation.id)))


def _flips(flipped: dict[tuple[Labels, Labels], list[str]]) -> tuple[Flip, ...]:
    names = labels.names()
    ordered = sorted(flipped.items(), key=lambda pair: -len(pair[1]))[:MOST_FLIPS]
    return tuple(
        Flip(_told(before, names), _told(after, names), len(ids), tuple(random.Random(0).sample(ids, min(KEPT, len(ids)))))
        for (before, after), ids in ordered
    )


def _told(said: Labels, names: dict[str, str]) -> str | None:
    return " + ".join(sorted(names.get(made, "?") for made in said)) or None
