"""What a run decided, for whoever has to answer for it: by which version in whose name, on which grounds, within which limits, who agreed.

Everything is as it was then: the version's own limits, the release that counted at the time, the setting that was in force. Nobody's
name is in it but colleagues'; what the customer wrote stands in it redacted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from automations import RECIPE, backtest, conditions, flowing, limits, mandates, ran, recipes, running, tracing
from automations.ran import Run
from automations.recipe import TRIGGERS, Recipe
from data import store, versions
from data.measures import percent
from data.tables import Action, Approval, AuditEntry, Person, Proposal, Release, Setting, Span, Study, Trace, Version
from data.values import Target

Line = tuple[str, str]  # what it is, and what is so
MOST_SHOWN = 600  # signs of a value
STATES = {
    "done": "The recipe did all of its steps.", "handed_over": "A person has it from there.", "stopped": "It was stopped.",
    "failed": "It failed.", "waiting": "It waits.", "running": "It is under way.",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A section of the record."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Record:
    """One page."""

    trace_id: str
    title: str
    sentence: str
    at: datetime
    parts: tuple[Part, ...]


def record(trace_id: str, *, by: Person) -> Record:
    """Of a run within reach."""
    run = ran.one(trace_id, by=by)
    version = versions.get(Target(RECIPE, run.trace.target_name, run.trace.target_number))
    recipe = recipes.read(version)
    with store.reading() as db:
        known = _Known(db, run, version, recipe)
        parts = (
            Part("What was decided", known.decided()), Part("For whom", known.for_whom()), Part("By what, in whose name", known.by_what()),
            Part("What it looked at", known.looked_at()), Part("Which conditions held", known.conditions()),
            Part("What a person said", known.people()), Part("Limits at that time", known.limits()), Part("What left", known.left()),
            Part("By which this can be checked", known.checked()),
        )  # fmt: skip
    title = recipe.title or recipe.name
    return Record(run.trace.id, title, _sentence(run), run.trace.at, tuple(part for part in parts if part.lines))


def _sentence(run: Run) -> str:
    left = [one for one in run.did if one.state == "done"]
    what = "; ".join(str(tracing.redacted(one.payload["told"])) for one in left) or "Nothing left"
    return f"{what}. {STATES.get(run.trace.state, run.trace.state)}"


@dataclass(frozen=True)
class _Known:
    """What is known of one run, asked of the store once."""

    db: Session
    run: Run
    version: Version
    recipe: Recipe

    @property
    def trace(self) -> Trace:
        return self.run.trace

    @property
    def began(self) -> Mapping[str, Any]:
        found = (self.trace.inputs or {}).get("stretches") or [{}]
        return dict(found[0])

    def name(self, person_id: str | None) -> str:
        person = self.db.get(Person, person_id) if person_id else None
        return f"{person.name}, {person.role}" if person else "the portal itself"

    def decided(self) -> tuple[Line, ...]:
        why = str((self.trace.state_json or {}).get("why") or "")
        return (("When", told(self.trace.at)), ("What became of it", STATES.get(self.trace.state, self.trace.state)),
                *([("Why", str(tracing.redacted(why)))] if why else []))  # fmt: skip

    def for_whom(self) -> tuple[Line, ...]:
        facts = self.began.get("facts", {}).get("conversation", {})
        words = (("Channel", "channel"), ("Language", "language"), ("Customers", "segment"), ("Team", "team"))
        there = tuple((title, str(facts[name])) for title, name in words if facts.get(name))
        return (("Who", "The customer of the conversation below; no name stands in this record."), *there,
                ("Conversation", str(self.trace.conversation_id or "none")))  # fmt: skip

    def by_what(self) -> tuple[Line, ...]:
        lines = [
            ("Recipe", f"{self.recipe.title or self.recipe.name}, version {self.version.target_number}"),
            ("Saved by", f"{self.name(self.version.by_person_id)}, {told(self.version.at)}"),
            ("In the name of", self.name(self.trace.by_person_id)),
        ]  # fmt: skip
        release = _release_then(self.db, self.trace)
        if release is None:
            return tuple(lines)
        lines.append(("Released", f"{told(release.started_at)} by {self.name(release.by_person_id)}"))
        if proposal := self.db.get(Proposal, release.proposal_id) if release.proposal_id else None:
            lines += [("Release proposed by", f"{self.name(proposal.proposer_id)}: {proposal.why}"),
                      ("Release approved by", self._agreed(proposal)),
                      ("Figures it was released on", str(proposal.evidence.get("sentence") or "none"))]  # fmt: skip
        elif looked := _looked_before(self.db, self.version, release.started_at):
            lines.append(("Figures it was released on", looked))
        return tuple(lines)

    def _agreed(self, proposal: Proposal) -> str:
        found = self.db.exec(select(Approval).where(Approval.proposal_id == proposal.id).order_by(Approval.id)).all()
        return "; ".join(f"{self.name(one.approver_id)}, {told(one.at)}" for one in found) or "nobody: no second person was asked"

    def looked_at(self) -> tuple[Line, ...]:
        facts = self.began.get("facts", {})
        intent = facts.get("intent") or {}
        lines = [("The customer's words", short(facts.get("message", {}).get("text", "")) or "none")]
        if intent:
            lines.append(("Intent", f"{intent.get('name')}, {percent(float(intent.get('confidence') or 0))} sure"))
        return (*lines, *(_step_line(place, one) for place, one in enumerate(self.run.steps, start=1)))

    def conditions(self) -> tuple[Line, ...]:
        lines = [("The recipe", f"Begins when {_trigger(self.recipe)}")]
        if self.recipe.when is not None:
            lines.append(("For it", conditions.told(self.recipe.when)))
        states = {one.name: str((one.output or {}).get("state")) for one in self.run.steps}
        for _, _, act in self.recipe.walk():
            if act.when is not None and act.name in states:
                held = "did not hold" if states[act.name] == running.SKIPPED else "held"
                lines.append((f"'{act.name}'", f"{conditions.told(act.when)}: {held}"))
        return tuple(lines)

    def people(self) -> tuple[Line, ...]:
        lines: list[Line] = []
        for one in self.run.proposals:
            lines += [("Asked", f"{one.title}, by {self.name(one.proposer_id)}, {told(one.at)}"), ("Why it asked", one.why)]
            lines.append(("Answer", self._answer(one)))
            if (passage := one.evidence.get("policy") or {}).get("text"):
                lines.append(("Policy", f"{passage.get('title')}: {passage['text']}"))
            if amounts := dict(one.evidence.get("amounts") or {}):
                currency = amounts.pop("currency", "")
                lines.append((f"Amounts, {currency}", "; ".join(f"{name} {amount}" for name, amount in amounts.items())))
        return tuple((title, short(str(tracing.redacted(said)))) for title, said in lines)

    def _answer(self, one: Proposal) -> str:
        if one.state in ("approved", "done", "failed"):
            return f"yes: {self._agreed(one)}"
        if one.state == "open":
            return f"nobody decided yet; {one.needs} {'has' if one.needs == 1 else 'have'} to say yes"
        said = f"{one.state}{f', {told(one.decided_at)}' if one.decided_at else ''}"
        return f"{said}. {one.outcome}".rstrip(" .")

    def limits(self) -> tuple[Line, ...]:
        of, alone = self.recipe.limits, self.recipe.alone
        found = (
            ("In one run", flowing.money_told(of.money_per_run, of.currency) if of.money_per_run is not None else ""),
            ("In a day", flowing.money_told(of.money_per_day, of.currency) if of.money_per_day is not None else ""),
            ("Runs in a day", f"{of.runs_per_day:,}" if of.runs_per_day is not None else ""),
            ("Alone, in one run", flowing.money_told(alone.money, of.currency) if alone.money else "no money"),
            ("Alone", ", ".join(alone.changes) or "nothing"),
            ("One customer, from all recipes", _customer_limit(self.db, self.trace.at)),
            ("Policy for what the machine said it is", mandates.told_at(self.db, self._intent, self.trace.at)),
        )  # fmt: skip
        return tuple((title, said) for title, said in found if said)

    @property
    def _intent(self) -> str:
        return str((self.began.get("facts", {}).get("intent") or {}).get("name") or "")

    def left(self) -> tuple[Line, ...]:
        return tuple((f"'{one.act}'", _left(one)) for one in self.run.did) or (("Nothing", "No step changed anything."),)

    def checked(self) -> tuple[Line, ...]:
        lines: list[Line] = [("Run", self.trace.id), ("Recipe's version", self.version.sha),
                             ("What it began with", self.trace.inputs_sha or "was not kept yet when it ran")]  # fmt: skip
        if self.trace.inputs_sha and tracing.sha_of(self.trace.inputs) != self.trace.inputs_sha:
            lines.append(("Changed", "What it began with is not what its hash was made of."))
        for action in self.run.did:
            lines.append((f"'{action.act}', exactly what was done", action.payload_sha))
        ids = [*(one.id for one in self.run.did), *(one.id for one in self.run.proposals)]
        entries = self.db.exec(select(AuditEntry).where(col(AuditEntry.noun_id).in_(ids)).order_by(col(AuditEntry.number))).all()
        return (
            *lines,
            *((f"Entry {one.number:,} of the record", f"{one.verb} {one.noun}, {told(one.at)}, seal {one.sha}") for one in entries),
        )


def _trigger(recipe: Recipe) -> str:
    told_of, sure = recipe.trigger, recipe.trigger.confidence
    words = TRIGGERS.get(told_of.kind, told_of.kind)
    if not told_of.intent:
        return words
    return f"{words}: '{told_of.intent}'" + (f", at least {percent(float(sure))} sure" if sure is not None else "")


def _release_then(db: Session, trace: Trace) -> Release | None:
    """The one that counted when the run began."""
    its = (Release.target_kind == RECIPE, Release.target_name == trace.target_name, Release.target_number == trace.target_number)
    query = (
        select(Release).where(*its, col(Release.started_at) <= trace.at).order_by(col(Release.started_at).desc(), col(Release.id).desc())
    )
    return db.exec(query).first()


def _looked_before(db: Session, version: Version, at: datetime) -> str:
    """What the last backtest before it said, where nobody had to be asked."""
    of_it = (Study.version_id == version.id, Study.kind == backtest.KIND, col(Study.at) <= at)
    found = db.exec(select(Study).where(*of_it).order_by(col(Study.at).desc(), col(Study.id).desc())).first()
    return str(found.told["sentence"]) if found else ""


def _customer_limit(db: Session, at: datetime) -> str:
    query = select(Setting).where(Setting.name == limits.NAME, col(Setting.at) <= at).order_by(col(Setting.number).desc())
    found = db.exec(query).first()
    return limits.Limit.model_validate(found.value).told if found and found.value else ""


def _left(one: Action) -> str:
    said = str(tracing.redacted(one.payload["told"]))
    ref = f" The other side's reference is {one.provider_ref}." if one.provider_ref else ""
    ended = f", {told(one.ended_at)}" if one.ended_at else ""
    return short(f"{said}: {one.state}{ended}.{ref} {tracing.redacted(one.why)}".strip())


def _step_line(place: int, one: Span) -> Line:
    said = one.output or {}
    gave = "; ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in (said.get("gave") or {}).items() if not isinstance(value, dict | list)
    )
    why = str(said.get("why") or "")
    return f"Step {place}, {one.input.get('step')}", short(". ".join(part for part in (str(said.get("state")), gave, why) if part))


def short(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= MOST_SHOWN else f"{flat[: MOST_SHOWN - 1].rstrip()}…"


def told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
