"""How sure a version has to be before it speaks: tried on the conversations it was checked on, and kept as a version of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isclose
from typing import Any

import numpy as np

from classifiers import KIND, abstention, evidence, kinds
from data import access, audit, store, versions
from data.errors import Refused
from data.tables import Person, Version
from data.values import Target


@dataclass(frozen=True)
class Tried:
    """When it would speak."""

    threshold: abstention.Threshold  # of all labels that have none of their own
    own: dict[str, abstention.Threshold]  # by label id
    asks: abstention.Threshold  # from there on a person is shown what it would say

    @property
    def promised(self) -> bool:
        return self.threshold.promised and all(one.promised for one in self.own.values())

    @property
    def answered(self) -> float:
        """Of the checked conversations."""
        said = [self.threshold, *self.own.values()]
        return sum(one.answered.k for one in said) / max(sum(one.answered.n for one in said), 1)

    @property
    def stops(self) -> str:
        """Why it cannot be promised."""
        return next((one.sentence for one in (self.threshold, *self.own.values()) if not one.promised), "")


def try_out(version: Version, precision: float, own: Mapping[str, float] | None = None) -> Tried:
    """From which confidence on it would speak, how often, and whether that can be promised. `own`: label ids that have to be right more
    often, or less, than the others: theirs is a promise of its own, and the other one is about the rest."""
    if version.manifest.get("kind") == kinds.SEVERAL:
        raise Refused(
            f"Not tried: each label of '{version.target_name}' has a threshold of its own, chosen when it was trained. How sure shows them."
        )
    if "checked" not in version.body:
        raise Refused("Not tried: nothing is kept of what this version was checked on. Train again.")
    told, own = evidence.unpacked(version.body["checked"]), own or {}
    label_ids = np.array(version.manifest["label_ids"], dtype=object)
    rows = _Rows(told["confidence"].astype(float), told["second"].astype(float), told["said"] == told["given"], told["customer"])
    said = label_ids[told["said"]]
    apart = np.isin(said, list(own))
    rest = rows.of(~apart)
    found = abstention.fit(rest.confidence, rest.right, precision=precision, groups=rest.customers, second=rest.second)
    theirs = rows.of(apart)
    by_label = abstention.fit_by_label(
        said[apart].tolist(), theirs.confidence, theirs.right, precision=dict(own), groups=theirs.customers
    ) if own else {}  # fmt: skip
    none = abstention.fit(np.zeros(0), np.zeros(0, bool), precision=precision)
    asks = abstention.ask_a_person(rest.confidence, rest.right, found, groups=rest.customers, second=rest.second)
    return Tried(found, {made: by_label.get(made, none) for made in own}, asks)


@dataclass(frozen=True)
class _Rows:
    confidence: Any
    second: Any
    right: Any
    numbers: Any

    def of(self, chosen: Any) -> "_Rows":
        return _Rows(self.confidence[chosen], self.second[chosen], self.right[chosen], self.numbers[chosen])

    @property
    def customers(self) -> list[int]:
        found: list[int] = self.numbers.tolist()
        return found


def is_in_force(version: Version, tried: Tried) -> bool:
    """Whether the version speaks from there on already; what was kept of its checks is rounded a little."""
    told = version.manifest
    same = isclose(tried.threshold.value, told["threshold"], abs_tol=1e-5) and tried.threshold.gap == told.get("gap", 0.0)
    own = told.get("own_thresholds") or {}
    return same and own.keys() == tried.own.keys() and all(isclose(one.value, own[made], abs_tol=1e-5) for made, one in tried.own.items())


def choose(
    target: Target, precision: float, *, own: Mapping[str, float] | None = None, by: Person, at: datetime | None = None
) -> Version:  # fmt: skip
    """The same model with other thresholds, as the next version: what is proposed and approved is these numbers."""
    access.require(by, "classifier.train")
    version = versions.get(target)
    if unknown := set(own or {}) - set(version.manifest["label_ids"]):
        raise Refused(f"Not kept: {target} knows nothing of {len(unknown)} of these labels. Choose among those it learned.")
    tried = try_out(version, precision, own)
    if not tried.promised:
        raise Refused(f"Not kept: {tried.stops[:1].lower()}{tried.stops[1:]}")
    if is_in_force(version, tried):
        raise Refused(f"Nothing changed: {target} speaks from there on already.")
    told = tried.threshold.sentence
    other = {
        "threshold": tried.threshold.value, "gap": tried.threshold.gap, "precision_wanted": precision, "promised": True,
        "promise": told, "answered": tried.answered, "own_wanted": dict(own or {}),
        "own_thresholds": {made: one.value for made, one in tried.own.items()},
    } | asking(tried.asks)  # fmt: skip
    with store.writing() as db:
        made = versions.add(
            db, KIND, target.name, by=by, manifest=version.manifest | other | {"tuned_from": target.number}, body=version.body,
            file_sha=version.file_sha, authors=version.authors, at=at,
        )  # fmt: skip
        audit.record(db, by, "tuned", "version", made.id, f"Made {versions.target_of(made)} of {target}: {told}", at=at)
        return made


def asking(asks: abstention.Threshold) -> dict[str, Any]:
    """For the manifest: the second line."""
    return {"asks": asks.value, "asks_told": asks.sentence}
