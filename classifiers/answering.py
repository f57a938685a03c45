"""What a program asks of classifiers: which there are, and what the version that answers says of its texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from classifiers import KIND
from data import access, approvals, labels, releases, store, versions
from data.errors import Refused
from data.measures import Share
from data.tables import Person, Release, Version
from data.values import Target

NEWEST = 10  # versions that are told of each


# -- what it says -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    label: str | None  # None: it keeps silent
    label_id: str | None
    confidence: float
    top: list[tuple[str, float]]  # the likeliest labels with their shares, also where it keeps silent
    also: list[str]  # said beside it, by a classifier that may say several
    becomes: str  # "answers", "names both" of two that are close, "asks" a person, "silent"

    def told(self) -> dict[str, Any]:
        silent = self.label_id is None
        return {"label": self.label, "label_id": self.label_id, "confidence": self.confidence, "silent": silent, "top": self.top} | {
            "also": self.also,
            "becomes": self.becomes,
        }


@dataclass(frozen=True)
class Answer:
    target: Target
    said: list[Said]


def answer(name: str, texts: Sequence[str], *, by: Person, key: str = "", number: int | None = None) -> Answer:
    """What is live answers, for the customer of this key what is on its way there; with a number that version. Nothing is kept of it."""
    from classifiers import serving

    access.require(by, "classifier.read")
    target = Target(KIND, name, number) if number is not None else _in_force(name, key)
    names = labels.names()
    return Answer(target, [_said(one, names) for one in serving.guess(target, texts)])


def _said(guess: Any, names: Mapping[str, str]) -> Said:
    top = [(names.get(label_id, label_id), share) for label_id, share in guess.top]
    said = names.get(guess.label_id, guess.label_id) if guess.label_id else None
    also = [names.get(label_id, label_id) for label_id in guess.also]
    return Said(said, guess.label_id, round(guess.confidence, 4), top, also, guess.becomes)


def _in_force(name: str, key: str) -> Target:
    if name not in versions.names(KIND):  # looked for among those there are: what is sent here may be no text that a database holds
        raise Refused(unknown(name))
    force = releases.in_force(KIND, name)
    if force is None:
        raise Refused(f"Not classified: no version of '{name}' is live yet. One is once somebody proposed it and another approved it.")
    return force.answers(key) if key else releases.target_of(force.live)


def unknown(name: str) -> str:
    there = versions.names(KIND)
    told = f"Those there are: {', '.join(there)}." if there else "None was trained yet."
    return f"Nothing was done: there is no classifier '{name[:80]}'. {told}"


# -- which there are --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A version in a list."""

    number: int
    at: datetime
    rows: int
    accuracy: Share
    stage: str  # live, shadow, percent, was live, waits for approval or candidate

    def told(self) -> dict[str, Any]:
        accuracy = round(self.accuracy.value, 4) if self.accuracy.n else None
        return {
            "number": self.number, "at": self.at, "rows": self.rows, "accuracy": accuracy, "checked": self.accuracy.n, "stage": self.stage,
        }  # fmt: skip


@dataclass(frozen=True)
class Known:
    name: str
    live: int | None
    versions: list[Line]  # newest first

    def told(self) -> dict[str, Any]:
        return {"name": self.name, "live": self.live, "versions": [line.told() for line in self.versions]}


def known(*, by: Person, most: int = NEWEST) -> list[Known]:
    """Every classifier that was trained, by name."""
    access.require(by, "classifier.read")
    with store.reading() as db:
        return [_known(db, name, most) for name in versions.names(KIND)]


def _known(db: Session, name: str, most: int) -> Known:
    steps = releases.steps(KIND, name)
    live = next((one.target_number for one in steps if one.stage == "live"), None)
    columns = (Version.target_number, Version.at, Version.manifest, col(Version.file_sha))  # their bodies hold a line for each row
    query = select(*columns).where(Version.target_kind == KIND, Version.target_name == name)
    lines = [
        Line(number, at, told["rows"], Share(told.get("accuracy_k", 0), told.get("accuracy_n", 0)), _stage(name, number, sha, live, steps))
        for number, at, told, sha in db.exec(query.order_by(col(Version.target_number).desc()).limit(most))
    ]
    return Known(name, live, lines)


def _stage(name: str, number: int, file_sha: str | None, live: int | None, steps: Sequence[Release]) -> str:
    own = [one for one in steps if one.target_number == number]
    if going := next((one.stage for one in own if one.stage != "ended"), None):
        return going
    if any(one.percent == releases.EVERYBODY for one in own):
        return "was live"
    payload = Target(KIND, name, number).columns() | {"file_sha": file_sha, "in_place_of": live}
    return "waits for approval" if approvals.open_for("ship_classifier", **payload) else "candidate"
