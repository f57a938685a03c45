"""The demo: the fictional company Ferngrove and its last 90 days, written through the same verbs that people use.

It goes through time in stretches that end with a release, so that each conversation was predicted by what was live when it came in.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from data import examples, measures, people, reviews, store, tasks
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.tables import EvalSet, Label, Person, Team
from data.values import Target, now
from portal.ferngrove import story
from portal.ferngrove.phrases import INTENTS, NEW_PATTERN
from portal.ferngrove.story import Told

SET_NAME = "Everyday intents"
STRETCHES = (3, 6, 11)  # weeks after which a candidate went live: the three releases
REVIEWED = 0.4  # share of conversations that somebody reviewed
MISTAKEN = 0.03  # share of reviews with a wrong intent: people err too
FLAGS_A_STRETCH = 80
STAFF = (
    # name, role, team, demo account
    ("Alma Berger", "rep", "Team Oak", True),
    ("Birgit Lund", "rep", "Team Oak", False),
    ("Cem Aydin", "rep", "Team Oak", False),
    ("Dario Rossi", "rep", "Team Oak", False),
    ("Elif Kaya", "rep", "Team Oak", False),
    ("Finn Hansen", "rep", "Team Fern", False),
    ("Greta Vogel", "rep", "Team Fern", False),
    ("Henrik Olsen", "rep", "Team Fern", False),
    ("Isla Murray", "rep", "Team Fern", False),
    ("Jakub Nowak", "rep", "Team Fern", False),
    ("Lena Hoffmann", "lead", "Team Oak", True),
    ("Marco Silva", "lead", "Team Fern", True),
    ("Nora Engel", "engineer", None, True),
    ("Otto Braun", "admin", None, True),
)


@dataclass
class Company:
    rng: random.Random
    teams: dict[str, Team]
    staff: dict[str, Person]
    labels: dict[str, Label] = field(default_factory=dict)  # by the phrases' key
    eval_set: EvalSet | None = None
    told: dict[str, Told] = field(default_factory=dict)  # what each conversation is about, by its id

    def reps_of(self, team: str) -> list[Person]:
        return [person for name, role, its_team, _ in STAFF if role == "rep" and its_team == team for person in [self.staff[name]]]


def build(*, conversations_wanted: int = 6000, until: datetime | None = None, seed: int = 7) -> None:
    """Fill an empty portal: all of it, or nothing if it is cut off."""
    until = until or now()
    start = measures.week_of(until - timedelta(weeks=12))
    with store.writing():
        company = _found(random.Random(seed), start)
        told = story.conversations(company.rng, start=start, until=until, count=conversations_wanted)
        ends = [start + timedelta(weeks=weeks, days=-3, hours=15, minutes=40) for weeks in STRETCHES]  # Fridays, 15:40
        for begin, end in zip([start, *ends], [*ends, until], strict=True):
            _live_through(company, [one for one in told if begin <= one.opened_at < end], end, is_last=end == until)


def _found(rng: random.Random, start: datetime) -> Company:
    """Teams, people, intents and an eval set, on the day before the first conversation."""
    from classifiers import labels
    from evals import sets

    console, at = people.console(), start - timedelta(days=1)
    teams = {name: people.add_team(name, by=console, at=at) for name in ("Team Oak", "Team Fern")}
    staff = {
        name: people.add(
            name, f"{name.lower().replace(' ', '.')}@ferngrove.example", role, by=console, team=teams.get(team or ""), demo=demo, at=at
        )
        for name, role, team, demo in STAFF
    }
    company = Company(rng, teams, staff)
    lead = staff["Lena Hoffmann"]
    for key, text in INTENTS.items():
        company.labels[key] = labels.add(text.name, by=lead, description=text.description, do=text.do, dont=text.dont, at=at)
    company.eval_set = sets.create(SET_NAME, by=lead, bar=0.5, at=at)
    return company


def _live_through(company: Company, told: list[Told], end: datetime, *, is_last: bool) -> None:
    """Conversations arrive and are classified day by day, are reviewed and flagged; then a candidate is made from all reviews so far."""
    from classifiers import serving

    ids = _arrive(company, told)
    by_day: dict[datetime, list[str]] = defaultdict(list)
    for made, one in zip(ids, told, strict=True):
        company.told[made] = one
        by_day[one.opened_at.replace(hour=0, minute=0, second=0, microsecond=0)].append(made)
    for day, came in sorted(by_day.items()):
        serving.predict(came, at=day + timedelta(hours=23))
    reviewed = _review(company, ids, end)
    _flag(company, reviewed, end, most=12 if is_last else FLAGS_A_STRETCH)
    _make_candidate(company, end, is_last=is_last)


def _arrive(company: Company, told: list[Told]) -> list[str]:
    engineer = company.staff["Nora Engel"]
    ids: list[str] = []
    for place in range(0, len(told), 500):
        step = told[place : place + 500]
        arriving = [CanonicalConversation.model_validate(_canonical(company, one)) for one in step]
        ids += door.receive(arriving, by=engineer, at=step[-1].opened_at, classify=False).ids
    return ids


def _canonical(company: Company, told: Told) -> dict[str, object]:
    rep = company.rng.choice(company.reps_of(told.team))
    messages = [
        {"role": role, "text": text, "at": at, **({"author": rep.name} if role == "rep" else {})} for role, text, at in told.messages
    ]
    return {
        "id": told.external_id,
        "source": "ferngrove-helpdesk",
        "channel": told.channel,
        "subject": told.subject,
        "opened_at": told.opened_at,
        "closed_at": told.closed_at,
        "status": "closed",
        "resolved": told.resolved,
        "customer": told.customer,
        "language": told.language,
        "team": told.team,
        "assignee": rep.name,
        "handle_seconds": told.handle_seconds,
        "csat": told.csat,
        "messages": messages,
    }


def _review(company: Company, ids: list[str], end: datetime) -> list[str]:
    """The team reviews a part, mostly within the day; now and then a second person looks too."""
    rng = company.rng
    chosen = [made for made in ids if rng.random() < REVIEWED and company.told[made].opened_at < end - timedelta(hours=20)]
    for made in chosen:
        told = company.told[made]
        at = min(told.closed_at + timedelta(minutes=rng.uniform(5, 900)), end)
        rep = rng.choice(company.reps_of(told.team))
        verdict = "weak" if not told.good or told.intent == NEW_PATTERN.key else rng.choices(("strong", "none"), (0.7, 0.3))[0]
        reply = story.better_reply(told, rng) if verdict == "weak" and told.intent != NEW_PATTERN.key else ""
        note = "The parcel locker was full. No intent of ours fits." if told.intent == NEW_PATTERN.key else ""
        reviews.record(
            made,
            verdict,
            by=rep,
            label_id=_label_id(company, told),
            reply=reply,
            note=note,
            seconds=round(rng.lognormvariate(3.9, 0.5), 1),
            at=at,
        )
    return chosen


def _label_id(company: Company, told: Told) -> str | None:
    if told.intent == NEW_PATTERN.key:
        return None
    mistaken = company.rng.random() < MISTAKEN
    return company.labels[company.rng.choice(list(company.labels)) if mistaken else told.intent].id


def _flag(company: Company, reviewed: list[str], end: datetime, *, most: int) -> None:
    """Some of the reviewed become tests."""
    assert company.eval_set is not None
    known = [made for made in reviewed if company.told[made].intent in company.labels]
    for made in company.rng.sample(known, min(most, len(known))):
        told = company.told[made]
        rep = company.rng.choice(company.reps_of(told.team))
        why = "Solved at once, and kindly." if told.good else "The answer missed what was asked."
        examples.flag(
            made,
            "strong" if told.good else "weak",
            why=why,
            eval_set_id=company.eval_set.id,
            by=rep,
            label_id=company.labels[told.intent].id,
            at=min(told.closed_at + timedelta(hours=17), end),
        )


def _make_candidate(company: Company, end: datetime, *, is_last: bool) -> None:
    """Freeze, train, compare, propose; a second person approves, and it goes live. The last one still waits for approval."""
    from classifiers import shipping, training
    from data import approvals
    from evals import sets

    assert company.eval_set is not None
    proposer = company.staff["Birgit Lund"]
    approver = company.staff["Marco Silva"]
    if is_last:
        end -= timedelta(hours=2)
    else:
        sets.freeze(company.eval_set.id, by=company.staff["Lena Hoffmann"], at=end - timedelta(hours=4))
    version = training.train(by=proposer, at=end - timedelta(hours=2))
    target = Target(version.target_kind, version.target_name, version.target_number)
    evidence = shipping.evaluate(target, by=proposer, at=end - timedelta(hours=1))
    if is_last and evidence.stops():
        return  # an honest gate may stop it; the three releases before are the story
    why = f"Learned from {version.manifest['rows']:,} reviewed conversations, {story.REASONS[version.target_number % len(story.REASONS)]}."
    proposal = shipping.propose(target, why=why, by=proposer, at=end - timedelta(minutes=40))
    if is_last:
        return
    approvals.approve(proposal.id, by=approver, note="Looked at the changed cases.", at=end - timedelta(minutes=5))
    shipping.ship(proposal.id, at=end)
    for task in tasks.waiting():  # the approval asked a worker to carry it out; it is carried out
        tasks.take(task.id, "demo")
        tasks.finish(task.id, f"{target} is live.", at=end)
