"""The demo's intents, the candidates that were trained for them, and what the live one said on each day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from classifiers import KIND, arrivals, curve, gathering, impact, kinds, labels, noticing, serving, shipping, training
from data import approvals, releases, store, tasks, versions
from data import labels as known
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
        arrivals.predict(ids, at=day)


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
    _carried_out(proposal.id, target, end)


def _carried_out(proposal_id: str, target: Target, end: datetime) -> None:
    """The approval asked a worker for it; it is carried out."""
    shipping.ship(proposal_id, at=end)
    if releases.under_way(KIND, target.name):  # tried beside the one before it, and found harmless
        with store.writing() as db:
            shipping.put_live(db, target, proposal_id, by=None, at=end)
    for task in tasks.waiting():
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, f"{target} is live.", at=end)


def ask_about_money(yes: Sequence[str], no: Sequence[str], *, rep: Person, approver: Person, at: datetime) -> None:
    """A second classifier, of a question with yes or no: taught by a rep, approved by a lead, live since the day before yesterday."""
    name = kinds.add("Money", kinds.YES_NO, "Is it about money?", by=rep, at=at - timedelta(hours=9)).name
    answers = {label.name: label.id for label in known.of(name, drafts=True)}
    for words, ids in (("Yes", yes), ("No", no)):
        gathering.accept(ids, answers[words], found="search", by=rep, at=at - timedelta(hours=8))
    gathering.freeze_kept(name, by=rep, at=at - timedelta(hours=7))
    target = versions.target_of(training.train(name, by=rep, at=at - timedelta(hours=6)))
    if shipping.evaluate(target, by=rep, at=at - timedelta(hours=5)).stops():
        return  # an honest gate may stop it, as any other
    why = "What is about money should be seen the same day."
    proposal = shipping.propose(target, why=why, by=rep, at=at - timedelta(hours=4))
    approvals.approve(proposal.id, by=approver, note="Read the mistakes; fine for a start.", at=at - timedelta(minutes=5))
    _carried_out(proposal.id, target, at)


def study_candidate(*, by: Person, at: datetime) -> None:
    """What the newest candidate would change, and what more examples would bring."""
    target = versions.target_of(versions.all_of(KIND, INTENT)[0])
    impact.study(target, by=by, at=at)
    curve.study(target, by=by, at=at)


def notice(nights: int, *, until: datetime) -> None:
    """What no intent covers, as the last nights found it."""
    for ago in reversed(range(nights)):
        noticing.look(None, at=until - timedelta(days=ago))
