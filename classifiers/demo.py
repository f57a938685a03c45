"""The demo's intents, the candidates that were trained for them, and what the live one said on each day."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from classifiers import KIND, labels, serving, shipping, training
from data import approvals, releases, tasks, versions
from data.labels import INTENT
from data.tables import Label, Person
from data.values import Target
from evals.runs import Ask

REASONS = ("with the confusions of last month corrected", "the first one", "with twice as many e-mails", "with more of the rare intents")


def name_intents(meanings: Iterable[tuple[str, str, str, str, str]], *, by: Person, at: datetime) -> dict[str, Label]:
    """Of each (key, name, description, do, don't) its label, by key."""
    return {key: labels.add(name, by=by, description=description, do=do, dont=dont, at=at) for key, name, description, do, dont in meanings}


def predict_daily(came: Iterable[tuple[str, datetime]]) -> None:
    """What arrived on a day is classified on that day."""
    by_day: dict[datetime, list[str]] = defaultdict(list)
    for conversation_id, opened_at in came:
        by_day[opened_at.replace(hour=23, minute=0, second=0, microsecond=0)].append(conversation_id)
    for day, ids in sorted(by_day.items()):
        serving.predict(ids, at=day)


def live_target() -> tuple[Target, Ask]:
    """What is live, as something that can be run."""
    release = releases.live(KIND, INTENT)
    if release is None:
        raise LookupError("the demo ships a classifier before it looks at it")
    target = releases.target_of(release)
    return target, serving.ask(target)


def make_candidate(end: datetime, *, proposer: Person, approver: Person, goes_live: bool) -> None:
    """Train, compare, propose; then a second person approves and it goes live, or it still waits for that."""
    version = training.train(by=proposer, at=end - timedelta(hours=2))
    target = versions.target_of(version)
    evidence = shipping.evaluate(target, by=proposer, at=end - timedelta(hours=1))
    if not goes_live and evidence.stops():
        return  # an honest gate may stop it; the releases before are the story
    why = f"Learned from {version.manifest['rows']:,} reviewed conversations, {REASONS[version.target_number % len(REASONS)]}."
    proposal = shipping.propose(target, why=why, by=proposer, at=end - timedelta(minutes=40))
    if not goes_live:
        return
    approvals.approve(proposal.id, by=approver, note="Looked at the changed cases.", at=end - timedelta(minutes=5))
    shipping.ship(proposal.id, at=end)
    for task in tasks.waiting():  # the approval asked a worker to carry it out; it is carried out
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, f"{target} is live.", at=end)
