"""The policy: of each intent what machines may do alone, what they may only propose, and what is people's work, whatever a recipe says.

What a conversation is about is asked of the store when something is to be done, of no recipe, model or text; the door (door.py) obeys.
Stricter holds at once and needs nobody's yes; looser is proposed by one and approved by another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import Session, col, func, select

from data import access, approvals, audit, labels, predictions, settings, standing, store
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, Person, Proposal, Setting
from data.values import now

NAME, KIND = "policy", "change_policy"
May = Literal["alone", "propose", "never"]
NEVER, PROPOSE, ALONE = "never", "propose", "alone"
STRICTEST_FIRST: tuple[May, ...] = ("never", "propose", "alone")
WORDS = {ALONE: "Machines act alone", PROPOSE: "Machines propose", NEVER: "People only"}
MEANS = {
    ALONE: "what a recipe may do, its own limits say",
    PROPOSE: "a machine writes drafts, and whatever else it would do waits for a person's yes",
    NEVER: "nothing is done by a machine, and a person has it at once",
}
OTHERS, UNKNOWN = "everything else", "no intent"  # in the place of an intent: those that nothing was said of, and none at all
TITLES = {OTHERS: "Everything else", UNKNOWN: "No intent recognised"}
LONGEST_NOTE = 300
DAYS = 30  # that figures beside it are counted over


class Line(BaseModel):
    """What holds for one intent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    may: May
    judgement: bool = False  # it takes a person's judgement: no machine touches it
    note: str = Field(default="", max_length=LONGEST_NOTE)

    @model_validator(mode="after")
    def _is_peoples_work(self) -> "Line":
        if self.judgement and self.may != NEVER:
            raise ValueError("judgement work is people's alone")
        return self

    @property
    def told(self) -> str:
        return f"{WORDS[self.may]}, judgement work" if self.judgement else WORDS[self.may]

    def looser_than(self, other: "Line") -> bool:
        looser = STRICTEST_FIRST.index(self.may) > STRICTEST_FIRST.index(other.may)
        return looser or (other.judgement and not self.judgement)

    def same_as(self, other: "Line") -> bool:
        return (self.may, self.judgement) == (other.may, other.judgement)


class Policy(BaseModel):
    """One number of it. What it says nothing of is held to everything else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intents: dict[str, Line] = {}  # by a label's id
    others: Line = Line(may="alone")
    unknown: Line = Line(may="alone")
    why: str = ""  # of the change that made this number

    @property
    def keeps_out_of_nothing(self) -> bool:
        return all(one.may == ALONE for one in (*self.intents.values(), self.others, self.unknown))

    def line(self, key: str) -> Line:
        return {OTHERS: self.others, UNKNOWN: self.unknown}.get(key) or self.intents.get(key, self.others)

    def with_line(self, key: str, line: Line | None) -> "Policy":
        """None: it is held to everything else."""
        if line is None:
            return self.model_copy(update={"intents": {name: one for name, one in self.intents.items() if name != key}})
        if key in TITLES:
            return self.model_copy(update={"others" if key == OTHERS else "unknown": line})
        return self.model_copy(update={"intents": {**self.intents, key: line}})

    def strictest(self, keys: Iterable[str]) -> tuple[str, Line]:
        found = [(key, self.line(key)) for key in sorted(keys)] or [(UNKNOWN, self.unknown)]
        return min(found, key=lambda one: (STRICTEST_FIRST.index(one[1].may), not one[1].judgement))


@dataclass(frozen=True)
class Mandate:
    """What holds for one conversation."""

    line: Line
    about: str  # in words: "'Complaint about staff'"

    @property
    def may(self) -> str:
        return self.line.may

    @property
    def sentence(self) -> str:
        if self.may == ALONE:
            return f"{self.about} is left to each recipe's own limits."
        if self.may == PROPOSE:
            return f"{self.about} is proposed by machines and decided by people."
        judgement = " It takes a person's judgement." if self.line.judgement else ""
        note = f" {self.line.note.rstrip('.')}." if self.line.note else ""
        return f"{self.about} is people's work: nothing is done by a machine.{judgement}{note}"


def line(may: str, *, judgement: bool = False, note: str = "") -> Line:
    """As people say it: judgement work is people's alone, whatever else was chosen."""
    if may not in WORDS:
        raise Refused(f"Not set: there is no '{may}'. There are {', '.join(reversed(STRICTEST_FIRST))}.")
    if len(note) > LONGEST_NOTE:
        raise Refused(f"Not set: a note has {LONGEST_NOTE} characters at most, this one has {len(note):,}.")
    return Line.model_validate({"may": NEVER if judgement else may, "judgement": judgement, "note": masked(note.strip())})


# -- what holds ---------------------------------------------------------------------------------------------------------------------------


def current() -> Policy | None:
    """None: nobody set one, and each recipe is held to its own limits alone."""
    found = settings.current(NAME)
    return Policy.model_validate(found) if found else None


def _in_force(db: Session) -> Policy | None:
    found = settings.latest(db, NAME)
    return Policy.model_validate(found.value) if found and found.value else None


def of(db: Session, conversation_id: str | None) -> Mandate | None:
    """For a conversation now: by what a person said it is, else by what the machine said when it came."""
    policy = _in_force(db)
    if policy is None:
        return None
    return _mandate(policy, _about(db, conversation_id) if conversation_id else {UNKNOWN})


def as_it_came(label_ids: Iterable[str]) -> Mandate | None:
    """For one of the past, as far as the machine knew what it was about: what people said of it came later."""
    policy = current()
    return _mandate(policy, set(label_ids) or {UNKNOWN}) if policy else None


def named(intent: str) -> Mandate | None:
    """For an intent by its name, as recipes and cases write it; one that nobody knows any more is held to everything else."""
    return as_it_came({key_named(intent) or OTHERS} if intent else ())


def _about(db: Session, conversation_id: str) -> set[str]:
    """All labels that it may be about; the strictest of them counts. A review that names no intent takes nothing back that the machine
    said: whoever wants a machine to act says what it is."""
    said = standing.of(db, conversation_id)
    if by_people := next((one.label_id for one in reversed(said) if one.label_id), None):
        return {by_people}
    by_machine = set(predictions.labels_said(db, [conversation_id]).get(conversation_id, frozenset()))
    return by_machine | {UNKNOWN} if said or not by_machine else by_machine


def _mandate(policy: Policy, keys: Iterable[str]) -> Mandate:
    key, found = policy.strictest(keys)
    return Mandate(found, _title(key))


def _title(key: str) -> str:
    if key == UNKNOWN:
        return "A conversation without a recognised intent"
    return "Everything else" if key == OTHERS else f"'{labels.names().get(key, 'An intent that is gone')}'"


def stops(db: Session, conversation_id: str | None, *, agreed: bool) -> str:
    """Why what was written down before is not let out any more; empty where it is. `agreed`: a person said yes to it."""
    mandate = of(db, conversation_id)
    if mandate is None or mandate.may == ALONE or (mandate.may == PROPOSE and agreed):
        return ""
    return f"the policy was made stricter: {mandate.sentence.rstrip('.')}"


def against(intent: str) -> str:
    """What speaks against releasing a recipe that begins with this intent and changes something."""
    mandate = named(intent) if intent else None
    if mandate is None or mandate.may != NEVER:
        return ""
    return f"The policy keeps machines out of it: {mandate.sentence} Everything that it would do is refused."


def told_at(db: Session, intent: str, at: datetime) -> str:
    """What held then for an intent, for the record of a decision; empty where there was no policy."""
    query = select(Setting).where(Setting.name == NAME, col(Setting.at) <= at).order_by(col(Setting.number).desc())
    found = db.exec(query).first()
    if found is None or not found.value:
        return ""
    key = (key_named(intent) or OTHERS) if intent else UNKNOWN
    return f"{_mandate(Policy.model_validate(found.value), {key}).sentence} Policy number {found.number}."


# -- what it can be said of ---------------------------------------------------------------------------------------------------------------


def titles() -> dict[str, str]:
    """By key: the intents in use by name, and what stands in the place of one."""
    return {one.id: one.name for one in labels.of()} | TITLES


def key_named(intent: str) -> str:
    """Of one in use before one that was retired; empty where there is none of that name."""
    wanted = intent.strip().casefold()
    known = {**{name.casefold(): key for key, name in titles().items()}, OTHERS: OTHERS, UNKNOWN: UNKNOWN}
    return known.get(wanted, "")


def _require_known(key: str) -> str:
    known = titles()
    if key not in known:
        raise Refused("Nothing was changed: there is no such intent any more. Look at the policy again.")
    return known[key]


# -- changing it --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Of one line, from what holds to what is wanted."""

    key: str
    title: str
    before: Line
    wanted: Line | None  # None: it is held to everything else
    after: Line

    @property
    def loosens(self) -> bool:
        return self.after.looser_than(self.before)

    @property
    def sentence(self) -> str:
        return f"'{self.title}': {_small(self.after.told)}, instead of {_small(self.before.told)}."


def _small(words: str) -> str:
    return words[:1].lower() + words[1:]


def change(key: str, wanted: Line | None) -> Change:
    """What it would come to; a screen asks before anybody presses."""
    return _change(current() or Policy(), key, wanted)


def _change(policy: Policy, key: str, wanted: Line | None) -> Change:
    title = _require_known(key)
    if wanted is None and key in TITLES:
        raise Refused(f"Nothing was changed: '{title}' is held to nothing else. Say what machines may do.")
    return Change(key, title, policy.line(key), wanted, policy.with_line(key, wanted).line(key))


def tighten(key: str, wanted: Line | None, *, why: str, by: Person, at: datetime | None = None) -> Setting:
    """Stricter, or as strict with another note: in force at once."""
    access.require(by, "guardrail.tighten")
    reason = _reason(why, "Not set")
    with store.writing() as db:
        store.one_at_a_time(db, f"setting {NAME}")
        policy = _in_force(db) or Policy()
        made = _change(policy, key, wanted)
        if made.loosens:
            raise Refused(
                f"Not set: '{made.title}' would be held to less than now ({_small(made.before.told)}). Propose it; another person approves."
            )
        _require_other(policy, key, wanted, "Not set")
        return _put(db, policy, made, f"Made the policy stricter. {made.sentence} {reason}", reason, by, at=at)


def propose(key: str, wanted: Line | None, *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Looser: another person says yes to it."""
    access.require(by, "limit.propose")
    with store.writing() as db:
        policy = _in_force(db) or Policy()
        made = _change(policy, key, wanted)
        if not made.loosens:
            raise Refused(f"Not proposed: '{made.title}' would not be held to less than now. Set it; that needs nobody's yes.")
        payload = {"name": NAME, "key": key, "line": wanted.model_dump() if wanted else None, "before": made.before.model_dump()}
        if approvals.open_for(KIND, **payload):
            raise Refused("Not proposed again: the same change already waits for approval.")
        lately = _lately(db, policy, key, at or now())
        many = "1 conversation" if lately == 1 else f"{lately:,} conversations"
        told = f"{made.sentence} {MEANS[made.after.may].capitalize()}. It concerns {many} of the last {DAYS} days."
        evidence = {"sentence": told}
        return approvals.propose(db, KIND, _asked(made), payload, why=why, evidence=evidence, authors=[by.id], by=by, at=at)


def _lately(db: Session, policy: Policy, key: str, at: datetime) -> int:
    """How many conversations it would be held to, as lists name their intents."""
    intent = col(Conversation.intent_id)
    mine: Any = {UNKNOWN: intent.is_(None), OTHERS: intent.is_not(None) & intent.not_in(list(policy.intents))}.get(key, intent == key)
    since = Conversation.opened_at >= at - timedelta(days=DAYS)
    return db.exec(select(func.count()).where(mine, since, col(Conversation.hidden_at).is_(None))).one()


def _asked(made: Change) -> str:
    if made.before.judgement and not made.after.judgement:
        return f"take the mark of judgement work from '{made.title}': {_small(made.after.told)}"
    return f"let machines {'act alone' if made.after.may == ALONE else 'propose'} on '{made.title}'"


def carry_out(proposal_id: str, *, at: datetime | None = None) -> Setting:
    """The line as it was approved, unless it was changed since. What else was changed meanwhile stays."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, KIND, at=at)
        store.one_at_a_time(db, f"setting {NAME}")
        policy, told = _in_force(db) or Policy(), proposal.payload
        made = _change(policy, told["key"], Line.model_validate(told["line"]) if told["line"] else None)
        if not made.before.same_as(Line.model_validate(told["before"])):
            raise Refused(f"Not done: '{made.title}' was changed after this was proposed. Look at it and propose again.")
        return _put(db, policy, made, f"Made the policy looser. {made.sentence}", proposal.why, approver, proposal_id=proposal_id, at=at)


def _reason(why: str, what_not: str) -> str:
    if not why.strip():
        raise Refused(f"{what_not}: say in a sentence why; whoever looks at the policy reads it.")
    return masked(why.strip())


def _require_other(policy: Policy, key: str, wanted: Line | None, what_not: str) -> None:
    if policy.with_line(key, wanted) == policy and (settings.current(NAME) or wanted is None):
        raise Refused(f"{what_not}: that is so already.")


def _put(
    db: Session, policy: Policy, made: Change, sentence: str, why: str, by: Person, *, proposal_id: str | None = None,
    at: datetime | None,
) -> Setting:  # fmt: skip
    value = policy.with_line(made.key, made.wanted).model_copy(update={"why": why}).model_dump(mode="json")
    row = settings.put(db, NAME, value, by=by, proposal_id=proposal_id, at=at)
    before, after = made.before.model_dump(), made.after.model_dump()
    audit.record(db, by, "loosened" if made.loosens else "tightened", NAME, row.id, sentence, at=at, before=before, after=after)
    return row
