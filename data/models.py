"""Which model does a job: the first that answered, and after it only what was released. Versions and releases of kind "model".

A model is a name at an address. What a setting or the environment says later changes neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data import people, releases, store, versions
from data.values import Target

KIND = "model"


@dataclass(frozen=True)
class Model:
    """A version: what is asked for a job, where, and what it costs."""

    job: str
    name: str
    url: str
    prices: tuple[float, float] | None = None  # money per million tokens, in and out; None: as the endpoint's settings say

    def as_body(self) -> dict[str, Any]:
        return vars(self) | {"prices": list(self.prices) if self.prices else None}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Model":
        return cls(**{**body, "prices": tuple(body["prices"]) if body["prices"] else None})

    def is_at(self, url: str) -> bool:
        return self.url.rstrip("/") == url.rstrip("/")

    def __str__(self) -> str:
        return f"'{self.name}' at {self.url.split('/')[2]}"


def of(target: Target) -> Model:
    return Model.of(versions.get(target).body)


def live(job: str) -> Model | None:
    """None: no model has answered for the job yet, so nothing is in force."""
    found = releases.live(KIND, job)
    return of(releases.target_of(found)) if found else None


def answered(job: str, name: str, url: str, *, at: datetime | None = None) -> None:
    """The first that answers is in force from then on: two people approved its endpoint, or the environment named it."""
    with store.writing() as db:
        store.one_at_a_time(db, f"first {KIND} {job}")
        if releases.live_in(db, KIND, job) is not None:
            return
        console, why = people.console(), "It was the first that answered."
        first = versions.add(db, KIND, job, by=console, manifest={"why": why}, body=Model(job, name, url).as_body(), at=at)
        db.flush()
        releases.go_live(db, versions.target_of(first), proposal_id=None, why_before_ends="", by=None, at=at)
