"""What a person taught: their reviews, which versions of classifiers learned from them, and how those did beside the ones before."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, tuple_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from data import releases, standing
from data.labels import INTENT
from data.tables import Case, Comparison, Example, Person, Prediction, Proposal, Release, Review, Run, Version
from data.values import LIVE, Target

CLASSIFIER = "classifier"
TRAIN, EVAL, GOLD, LOOSE, RETIRED = "train", "eval", "gold", "loose", "retired"
Moment = tuple[str, datetime]  # a thing of theirs, and when it was made
Period = tuple[datetime, datetime]  # the last moment is not in it


# -- reviews ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviews:
    """Conversations, each once: of a person one review of a conversation stands."""

    stand: tuple[str, ...] = ()
    named: tuple[str, ...] = ()  # with an intent
    corrected: tuple[str, ...] = ()  # the machine had said another intent before
    spoke_where_silent: tuple[str, ...] = ()  # the machine had said nothing
    accepted: tuple[str, ...] = ()  # held up for a classifier to learn from


@dataclass(frozen=True)
class Learned:
    """A version of a classifier that learned from this person among others, and how it did beside the one before, on the same cases."""

    target: Target
    at: datetime
    mine: int  # as the version itself notes it
    of: int
    conversation_ids: tuple[str, ...]  # found again from what was said by then
    corrected: tuple[str, ...]  # of these, those in which the machine had said another intent before
    went_live: datetime | None = None
    is_live: bool = False
    proposal_id: str | None = None
    waits: bool = False  # somebody is asked to decide on it
    comparison_id: str | None = None
    set_name: str = ""
    passed: int = 0
    cases: int = 0
    before: int | None = None  # of the same cases, that the one before passed; None: there was none

    @property
    def is_whole(self) -> bool:
        """Whether the conversations are exactly those that it counted: what a test asks word by word is left out, and not told here."""
        return len(self.conversation_ids) == self.mine


def reviews_of(db: Session, by: Person, period: Period) -> tuple[Reviews, list[Moment]]:
    columns = (Review.conversation_id, Review.label_id, Review.at)
    query = select_columns(*columns).where(  # type: ignore[call-overload]
        col(Review.at) >= period[0], col(Review.at) < period[1], col(Review.by_person_id) == by.id, standing.stands()
    )
    found = db.execute(query.order_by(col(Review.at).desc())).all()
    taught = db.execute(
        select_columns(col(Example.conversation_id), col(Example.at)).where(
            col(Example.at) >= period[0], col(Example.at) < period[1], col(Example.by_person_id) == by.id, col(Example.use) == TRAIN
        )
    ).all()
    said = _machine_said(db, by)
    named = [one for one in found if one.label_id]
    return Reviews(
        tuple(one.conversation_id for one in found), tuple(one.conversation_id for one in named),
        tuple(one.conversation_id for one in named if _is_corrected(said, one.conversation_id, one.label_id, one.at)),
        tuple(one.conversation_id for one in named if (was := said.get(one.conversation_id)) and was[1] is None and was[0] <= one.at),
        tuple(dict.fromkeys(made for made, _ in taught)),
    ), [*((one.conversation_id, one.at) for one in found), *((made, at) for made, at in taught)]  # fmt: skip


Said = Mapping[str, tuple[datetime, str | None]]  # conversation -> when the machine first said which intent


def _machine_said(db: Session, by: Person) -> Said:
    """Of the conversations that this person ever reviewed."""
    theirs = select(Review.conversation_id).where(col(Review.by_person_id) == by.id)
    query = select_columns(col(Prediction.conversation_id), col(Prediction.at), col(Prediction.label_id)).where(
        col(Prediction.conversation_id).in_(theirs), col(Prediction.mode) == LIVE, col(Prediction.target_name) == INTENT
    )
    found: dict[str, tuple[datetime, str | None]] = {}
    for made, at, label_id in db.execute(query.order_by(col(Prediction.at), col(Prediction.id))):
        found.setdefault(made, (at, label_id))
    return found


def _is_corrected(said: Said, conversation_id: str, label_id: str, at: datetime) -> bool:
    was = said.get(conversation_id)
    return was is not None and was[1] is not None and was[1] != label_id and was[0] <= at


# -- which versions learned from them -----------------------------------------------------------------------------------------------------


def learned_from(db: Session, by: Person, period: Period) -> list[Learned]:
    """The versions that were trained or went live in these days, the newest first."""
    lives = _lives(db)
    lately = [
        (target.name, target.number) for target, those in lives.items() if period[0] <= min(one.started_at for one in those) < period[1]
    ]
    trained = and_(col(Version.at) >= period[0], col(Version.at) < period[1])
    columns = (Version.target_name, Version.target_number, Version.at, Version.manifest)
    query = select_columns(*columns).where(  # type: ignore[call-overload]
        col(Version.target_kind) == CLASSIFIER, or_(trained, tuple_(col(Version.target_name), col(Version.target_number)).in_(lately))
    )
    versions = [one for one in db.execute(query.order_by(col(Version.at).desc())) if one.manifest.get("taught_by", {}).get(by.id)]
    if not versions:
        return []
    told, said, asked = _Told.of(db, by), _machine_said(db, by), _proposals(db)
    made = []
    for name, number, at, manifest in versions:
        ids, theirs = told.learned(at, set(manifest.get("label_ids", []))), Target(CLASSIFIER, name, number)
        corrected = tuple(one for one, label_id, when in ids if name == INTENT and _is_corrected(said, one, label_id, when))
        live_at = lives.get(theirs, [])
        made.append(
            Learned(
                theirs, at, int(manifest["taught_by"][by.id]), int(manifest.get("rows", 0)), tuple(one for one, _, _ in ids), corrected,
                min((one.started_at for one in live_at), default=None), any(one.stage == "live" for one in live_at),
                **_measured(db, asked.get(theirs)),
            )
        )  # fmt: skip
    return made


@dataclass(frozen=True)
class _Entry:
    id: str
    at: datetime
    person_id: str | None
    label_id: str | None


@dataclass(frozen=True)
class _Told:
    """All that was ever said of the conversations that this person said something of: so it can be told what stood on a day."""

    person_id: str
    entries: Mapping[str, Sequence[_Entry]]  # by conversation, oldest first
    gone: Mapping[str, datetime]  # a review -> when it was corrected or taken back
    tested: Mapping[str, datetime]  # a conversation -> since when a test is made of it

    @classmethod
    def of(cls, db: Session, by: Person) -> "_Told":
        reviewed = select(Review.conversation_id).where(col(Review.by_person_id) == by.id)
        held_up = select(Example.conversation_id).where(col(Example.by_person_id) == by.id, col(Example.use) == TRAIN)
        entries: defaultdict[str, list[_Entry]] = defaultdict(list)
        gone: dict[str, datetime] = {}
        columns = (
            Review.id,
            Review.conversation_id,
            Review.at,
            Review.by_person_id,
            Review.label_id,
            Review.replaces_review_id,
            Review.withdrawn,
        )
        for one in db.execute(select_columns(*columns).where(col(Review.conversation_id).in_(reviewed))):  # type: ignore[call-overload]
            if one.replaces_review_id:
                gone[one.replaces_review_id] = one.at
            if not one.withdrawn:
                entries[one.conversation_id].append(_Entry(one.id, one.at, one.by_person_id, one.label_id))
        examples = (Example.id, Example.conversation_id, Example.at, Example.by_person_id, Example.label_id)
        theirs = col(Example.conversation_id).in_(held_up) | col(Example.conversation_id).in_(reviewed)
        for one in db.execute(select_columns(*examples).where(theirs, col(Example.use) == TRAIN)):  # type: ignore[call-overload]
            entries[one.conversation_id].append(_Entry(one.id, one.at, one.by_person_id, one.label_id))
        for told in entries.values():
            told.sort(key=lambda one: (one.at, one.id))
        return cls(by.id, entries, gone, _tested_since(db, theirs))

    def learned(self, at: datetime, label_ids: Collection[str]) -> list[tuple[str, str, datetime]]:
        """Conversations of which this person's word was the last then, and no test was made of them; the label, and when they said it."""
        found = []
        for made, told in self.entries.items():
            stood = [one for one in told if one.at <= at and not (one.id in self.gone and self.gone[one.id] <= at)]
            if not stood or (made in self.tested and self.tested[made] <= at):
                continue
            last = stood[-1]
            if last.person_id == self.person_id and last.label_id in label_ids and last.label_id:
                found.append((made, last.label_id, last.at))
        return sorted(found, key=lambda one: one[2], reverse=True)


def _tested_since(db: Session, theirs: Any) -> dict[str, datetime]:
    frozen = (
        select_columns(col(Example.conversation_id), func.min(col(Case.at)))
        .join(Case, col(Case.example_id) == col(Example.id))
        .where(theirs)
        .group_by(col(Example.conversation_id))
    )
    found: dict[str, datetime] = {}
    for made, at in db.execute(frozen):
        found[made] = at
    kept_for_it = or_(col(Example.use) == GOLD, and_(col(Example.use).in_((LOOSE, EVAL)), col(Example.found) != ""))
    for made, at in db.execute(select_columns(col(Example.conversation_id), col(Example.at)).where(theirs, kept_for_it)):
        found[made] = min(at, found.get(made, at))
    return found


def _proposals(db: Session) -> dict[Target, Proposal]:
    """The newest that asked for each version of a classifier."""
    found = db.exec(select(Proposal).where(col(Proposal.kind) == "ship_classifier").order_by(col(Proposal.at), col(Proposal.id)))
    return {target_in(one.payload): one for one in found}


def target_in(payload: Mapping[str, Any]) -> Target:
    return Target(str(payload["target_kind"]), str(payload["target_name"]), int(payload["target_number"]))


def _lives(db: Session) -> dict[Target, list[Release]]:
    """Of each classifier's version its releases to everybody."""
    found: defaultdict[Target, list[Release]] = defaultdict(list)
    query = select(Release).where(col(Release.target_kind) == CLASSIFIER, col(Release.percent) == releases.EVERYBODY)
    for one in db.exec(query):
        found[releases.target_of(one)].append(one)
    return found


def _measured(db: Session, proposal: Proposal | None) -> dict[str, Any]:
    """What whoever decided on it was shown: both versions on the same cases."""
    if proposal is None:
        return {}
    told = proposal.evidence
    compared = db.get(Comparison, told["comparison_id"]) if told.get("comparison_id") else None
    live = db.get(Run, compared.live_run_id) if compared else None
    return {
        "proposal_id": proposal.id, "waits": proposal.state == "open", "comparison_id": compared.id if compared else None,
        "set_name": str(told.get("set", "")),
        "passed": int(told.get("passed", 0)), "cases": int(told.get("cases", 0)), "before": live.passed if live else None,
    }  # fmt: skip
