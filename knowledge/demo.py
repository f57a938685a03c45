"""The demo's articles, what was asked of them, how well that was answered, and the gaps that are left."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from data import approvals, encoding, examples, store, tasks, vectors
from data.tables import EvalSet, Person, Proposal
from data.values import Target
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from evals.graders import cites_article
from knowledge import ARTICLE, answerers, answering, articles, gaps, ladder, shelf, surety
from knowledge.articles import Content

SET = "Everyday questions"
BOLD = 0.75
ASKED_OF_CUSTOMERS = 100  # the last conversations, for which a reply was suggested when they came


@dataclass(frozen=True)
class Question:
    text: str
    articles: tuple[str, ...]  # any of them answers it; none does where it is to be declined
    channel: str


def publish(found: Sequence[tuple[str, Content]], *, by: Person, proposer: Person, approver: Person, at: datetime) -> None:
    """What the company had written down is brought and published by two people."""
    if encoding.in_force() is None:
        vectors.install()  # by words alone few questions are answered
    brought = articles.bring(found, source="the old help pages", by=by, at=at)
    _published(brought.targets, "We move out of the old help pages.", proposer, approver, at + timedelta(hours=2))


def read_ahead(*, by: Person) -> None:
    """What people named is encoded, so that whoever trains first does not wait for that."""
    encoder = encoding.in_force()
    if encoder is not None:
        vectors.kept([row.text for row in examples.for_training(by=by)], encoder)


def improve(slug: str, before: str, after: str, *, why: str, by: Person, proposer: Person, approver: Person, at: datetime) -> None:
    """One article is put right."""
    article = articles.get(slug, by=by)
    if article is None:
        raise LookupError(f"the demo has no article {slug}")
    old = articles.content(slug, article.newest, by=by)
    made = articles.save(slug, replace(old, text=old.text.replace(before, after)), based_on=article.newest, by=by, at=at)
    _published([Target(ARTICLE, slug, made.target_number)], why, proposer, approver, at + timedelta(hours=3))


def propose_one(slug: str, addition: str, *, why: str, by: Person, at: datetime) -> Proposal:
    """A draft that waits for a second person."""
    article = articles.get(slug, by=by)
    if article is None:
        raise LookupError(f"the demo has no article {slug}")
    old = articles.content(slug, article.newest, by=by)
    made = articles.save(slug, replace(old, text=f"{old.text}\n\n{addition}"), based_on=article.newest, by=by, at=at)
    return articles.propose([Target(ARTICLE, slug, made.target_number)], why=why, by=by, at=at)


def _published(targets: Sequence[Target], why: str, proposer: Person, approver: Person, at: datetime) -> None:
    proposal = articles.propose(targets, why=why, by=proposer, at=at)
    approvals.approve(proposal.id, by=approver, note="Read it; fine.", at=at + timedelta(minutes=20))
    shelf.prepare(articles.proposed(proposal.id), answerers.in_force().combination.chunking)
    articles.publish(proposal.id, at=at + timedelta(minutes=21))
    carried_out(at)


def carried_out(at: datetime) -> None:
    """A worker was asked for it; it is done."""
    for task in tasks.waiting():
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, "Done.", at=at)


def test_questions(questions: Sequence[Question], *, by: Person, at: datetime) -> EvalSet:
    """Questions as customers ask them, each with the article that answers it, or none."""
    eval_set = sets.create(SET, by=by, purpose="knowledge", bar=0.3, at=at)
    new = [
        NewCase(
            ({"role": "customer", "text": one.text},), {"articles": list(one.articles)}, (cites_article.NAME,),
            slices={"channel": one.channel},
        )
        for one in questions
    ]  # fmt: skip
    changes.add(eval_set.id, new, known=graders.BY_NAME, by=by, why="Asked in the last weeks.", at=at)
    freezing.freeze(eval_set.id, by=by, at=at)
    return eval_set


def release(eval_set: EvalSet, *, by: Person, approver: Person, at: datetime) -> None:
    """The first answerer: how sure it has to be was learned from the set."""
    version = sets.latest(eval_set.id)
    if version is None:
        raise LookupError("the demo's questions are frozen before an answerer learns from them")
    setup = answerers.Setup(threshold=_bold_enough(version.id))
    made = answerers.make(setup, why="Of the answers that it gives on our questions three of four are right, at least.", by=by, at=at)
    target = Target("answerer", answerers.NAME, made.target_number)
    if answerers.evaluate(target, known=graders.BY_NAME, by=by, at=at).stops():
        return  # an honest gate may stop it
    proposal = answerers.propose(target, why="It keeps silent where nothing is written down.", known=graders.BY_NAME, by=by, at=at)
    approvals.approve(proposal.id, by=approver, note="Tried it for a day.", at=at + timedelta(hours=1))
    answerers.ship(proposal.id, at=at + timedelta(hours=1, minutes=1))
    carried_out(at + timedelta(hours=1))


def _bold_enough(set_version_id: str) -> float:
    """So few cases promise nothing (answerers.learn would keep silent): a person chose the lowest bar at which three of four were right."""
    judged = [answerers.judged_of(case, answerers.Setup()) for case in sets.cases(set_version_id)]
    sure = surety.shipped(vectors=any("likeness" in one.signs for one in judged))
    told = sorted(((sure.of(one.signs), one.right) for one in judged), reverse=True)
    right = [sum(is_right for _, is_right in told[: count + 1]) for count in range(len(told))]
    enough = [value for count, (value, _) in enumerate(told, start=1) if right[count - 1] >= BOLD * count]
    return round(enough[-1], 4) if enough else 1.0


def ask(questions: Sequence[Question], *, by: Sequence[Person], until: datetime) -> None:
    """Reps ask for themselves, some a day, and say what came of it."""
    for number, one in enumerate(questions):
        person, at = by[number % len(by)], until - timedelta(hours=7 * (len(questions) - number))
        trace = answering.ask(one.text, by=person, at=at)
        said = trace.said or {}
        right = not said["declined"] and set(said["articles"]) & set(one.articles)
        outcome = "helped" if right else "missing" if not one.articles else "" if said["declined"] else "refused"
        if outcome:
            answering.decide(trace.id, outcome, by=person, at=at + timedelta(minutes=1))


def suggest(came: Sequence[tuple[str, datetime]]) -> None:
    """When a conversation came, a reply was suggested."""
    for conversation_id, at in came[-ASKED_OF_CUSTOMERS:]:
        answering.arrived([conversation_id], at=at)


def climb(eval_set: EvalSet, *, by: Person, at: datetime) -> None:
    """What each way to find brings on the questions, with what people chose until then."""
    version = sets.latest(eval_set.id)
    if version is None:
        raise LookupError("the demo's questions are frozen before they are climbed")
    ladder.climb(answerers.target_in_force(), version.id, by=by, at=at)


def look_for_gaps(*, at: datetime) -> None:
    with store.writing():
        gaps.look(encoding.in_force(), at=at)
