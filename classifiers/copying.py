"""A classifier of somebody else as the beginning of one's own: its question, its labels and its examples. How good it is, is measured anew.

What was measured of the other one stands in the record of the copying, and beside the copy as long as that is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from classifiers import KIND, gathering, kinds, labels, shipping, taught
from classifiers.taught import Said
from data import access, audit, conversations, deeds, releases, store, versions
from data import labels as known
from data.errors import Refused
from data.measures import Share, percent
from data.tables import AuditEntry, Classifier, Label, Person

FOUND = "copy"
MOST = 600  # examples at once, the newest: in one transaction, while a person waits
STEP = 500


@dataclass(frozen=True)
class Copied:
    classifier: Classifier
    examples: int
    elsewhere: int  # examples that stay there: conversations of other teams
    older: int  # ... and those that are more than can be taken over at once

    @property
    def sentence(self) -> str:
        told = f"'{self.classifier.name}' begins with {self.examples:,} {'example' if self.examples == 1 else 'examples'}."
        if self.elsewhere:
            told += f" Of other teams' conversations {self.elsewhere:,} {'stays' if self.elsewhere == 1 else 'stay'} there."
        if self.older:
            told += f" {self.older:,} older {'stays' if self.older == 1 else 'stay'} there too: {self.examples:,} are taken over at once."
        return f"{told} Train it here to see how good it is here."


@dataclass(frozen=True)
class Origin:
    """Where a copy is from, with what was known of it then."""

    name: str
    number: int | None  # of the version that was measured; None: it was not trained
    live: bool
    right: Share
    answered: float

    @property
    def told(self) -> str:
        """After its name: which did so and so there."""
        if self.number is None:
            return "which was not trained yet when it was copied"
        stage = "live there" if self.live else "not live there"
        checked = f"was right in {self.right}" if self.right.n else "was not checked"
        return f"of which version {self.number}, {stage}, {checked} and spoke in {percent(self.answered)} of cases"


def copy(name: str, as_name: str, *, most: int = MOST, by: Person, at: datetime | None = None) -> Copied:
    """All of it or nothing. The same labels as drafts, and as examples the conversations that the person may read."""
    access.require(by, "classifier.add")
    original = kinds.of(name)
    if original is kinds.INTENTS:
        raise Refused("Not copied: intents are the same for all teams, so there is one classifier for them. Begin another for a question.")
    with store.writing() as db:
        made = kinds.add(as_name, original.kind, original.asks, by=by, at=at)
        same = _labels(db, original, made, by, at)
        said = [one for one in taught.of_classifier(db, original.name) if one.use in taught.USES and set(one.label_ids) <= same.keys()]
        reach = _reachable([one.conversation_id for one in said], by)
        mine = [one for one in said if one.conversation_id in reach]
        with deeds.in_one(db, f"Took over the examples of '{original.name}' into '{made.name}'.", by=by, at=at):
            _teach(made, mine[:most], same, original.name, by, at)
        copied = Copied(made, len(mine[:most]), len(said) - len(mine), len(mine[most:]))
        sentence = f"Copied the classifier '{original.name}' as '{made.name}', with {copied.examples:,} examples."
        audit.record(db, by, "copied", "classifier", made.id, sentence, at=at, after=_figures(original.name))
        return copied


def _labels(db: Session, original: Classifier, made: Classifier, by: Person, at: datetime | None) -> dict[str, Label]:
    """The copy's label by the id of the one it is taken from."""
    there = {one.name: one for one in known.of(made.name, drafts=True)}  # yes and no are there from the beginning
    same = {}
    for label in known.of(original.name, drafts=True):
        one = there.get(label.name) or labels.add(label.name, by=by, classifier_name=made.name, draft=True, at=at)
        one.description, one.do, one.dont = label.description, label.do, label.dont
        same[label.id] = db.merge(one)
    db.flush()
    return same


def _reachable(conversation_ids: Sequence[str], by: Person) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(conversation_ids), STEP):
        found |= set(conversations.reachable(conversation_ids[start : start + STEP], by=by))
    return found


def _teach(made: Classifier, said: Sequence[Said], same: Mapping[str, Label], name: str, by: Person, at: datetime | None) -> None:
    why = f"Taken over from the classifier '{name}'."
    if made.kind == kinds.SEVERAL:
        for one in said:
            ids = [same[label_id].id for label_id in one.label_ids]
            gathering.say_all(one.conversation_id, made.name, ids, found=FOUND, why=why, by=by, at=at)
        return
    for label_id, label in same.items():
        ids = [one.conversation_id for one in said if label_id in one.label_ids]
        for start in range(0, len(ids), gathering.MOST):
            gathering.accept(ids[start : start + gathering.MOST], label.id, found=FOUND, why=why, by=by, at=at)


def _figures(name: str) -> dict[str, Any]:
    """Of the version that is live, else of the newest."""
    made, live = versions.all_of(KIND, name), releases.live(KIND, name)
    shipped = next((one for one in made if live and one.target_number == live.target_number), None)
    one = shipped or next(iter(made), None)
    if one is None:
        return {"from": name, "number": None}
    right = shipping.accuracy_of(one)
    return {
        "from": name, "number": one.target_number, "live": shipped is not None, "right": right.k, "checked": right.n,
        "answered": one.manifest.get("answered") or 0.0,
    }  # fmt: skip


def origin(name: str, *, by: Person) -> Origin | None:
    """None for one that was begun here."""
    access.require(by, "classifier.read")
    with store.reading() as db:
        query = (
            select(AuditEntry.after)
            .join(Classifier, col(Classifier.id) == col(AuditEntry.noun_id))
            .where(AuditEntry.noun == "classifier", AuditEntry.verb == "copied", Classifier.name == name)
        )
        told = db.exec(query).first()
    if not told:
        return None
    right = Share(told.get("right", 0), told.get("checked", 0))
    return Origin(told["from"], told["number"], bool(told.get("live")), right, told.get("answered", 0.0))
