"""The demo's teams and people, their conversations and what they said of them, written through the verbs that everybody uses."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from data import (
    approvals,
    assignments,
    calibration,
    comments,
    disputes,
    drafts,
    inbox,
    labels,
    people,
    queue,
    reviews,
    rubric,
    store,
    tasks,
    tokens,
    views,
)  # fmt: skip
from data.conversations import Filter
from data.intake import door, offers
from data.intake.canonical import CanonicalConversation
from data.tables import Conversation, Example, Person, Review, Team

TEAMS = ("Team Oak", "Team Fern")
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
    ("Paula Wirth", "admin", None, False),
)


@dataclass(frozen=True)
class Company:
    rng: random.Random
    teams: dict[str, Team]
    staff: dict[str, Person]

    def somebody_of(self, team: str) -> Person:
        """One of the team's reps."""
        return self.staff[self.rng.choice([name for name, role, its_team, _ in STAFF if role == "rep" and its_team == team])]


def found(rng: random.Random, at: datetime) -> Company:
    console = people.console()
    teams = {name: people.add_team(name, by=console, at=at) for name in TEAMS}
    staff = {
        name: people.add(
            name, f"{name.lower().replace(' ', '.')}@ferngrove.example", role, by=console, team=teams.get(team or ""), demo=demo, at=at
        )
        for name, role, team, demo in STAFF
    }  # the second admin last: from then on the console makes no more of them
    return Company(rng, teams, staff)


def arrive(company: Company, conversations: Sequence[dict[str, Any]]) -> list[str]:
    """The help desk's export comes in; the ids of what is new, in its order."""
    ids: list[str] = []
    for start in range(0, len(conversations), 500):
        step = [CanonicalConversation.model_validate(raw) for raw in conversations[start : start + 500]]
        ids += door.receive(step, by=company.staff["Nora Engel"], at=step[-1].opened_at, classify=False).ids
    return ids


@dataclass(frozen=True)
class Judgement:
    """What a rep will say of a conversation."""

    conversation_id: str
    team: str
    verdict: str
    label_id: str | None
    reply: str
    note: str
    at: datetime


def govern(company: Company, until: datetime) -> None:
    """What two people decide on: a token that was approved, another that waits, and a rep who may become a lead."""
    nora, otto = company.staff["Nora Engel"], company.staff["Otto Braun"]
    then = until - timedelta(days=41)
    why = "The warehouse fetches the curated replies every night."
    asked, _ = tokens.propose("Nightly dataset export", ["export"], why=why, by=nora, days=365, at=then)
    approvals.approve(asked.id, by=otto, note="Export only, fine.", at=then + timedelta(hours=3))
    tokens.issue_approved(asked.id, at=then + timedelta(hours=3))
    for task in tasks.waiting():  # the approval asked a worker to carry it out; it is carried out
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, "The token opens.", at=then + timedelta(hours=3))
    why = "The chat on the shop's help page sends its conversations here from Monday on."
    tokens.propose("Chat on the help page", ["ingest"], why=why, by=nora, days=180, at=until - timedelta(hours=5))
    why = "Birgit led the team for six weeks while Lena was away, and everybody asks her anyway."
    people.propose_role(company.staff["Birgit Lund"].id, "lead", why=why, by=otto, at=until - timedelta(days=1, hours=2))


def talk(company: Company, until: datetime) -> None:
    """What people say about the release that waits; everybody has read what is older than three days."""
    cem, nora = company.staff["Cem Aydin"], company.staff["Nora Engel"]
    for proposal in approvals.waiting(by=nora):
        if proposal.kind == "ship_classifier":
            said = "Can it tell a full parcel locker from a late parcel by now? @Lena it was the most common mix-up last week."
            comments.write("proposal", proposal.id, said, by=cem, asks_engineer=True, at=until - timedelta(minutes=80))
    for person in company.staff.values():
        old = [item.id for item in inbox.of(person) if until - item.at > timedelta(days=3)]
        inbox.mark_read(old, by=person)


def bring_files(company: Company, archive: bytes, calls: bytes, until: datetime) -> None:
    """An export that was imported a while ago, though most of it was here, and a table that waits for somebody's word."""
    nora = company.staff["Nora Engel"]
    brought = offers.offer([("export-of-the-week.jsonl", archive)], by=nora, at=until - timedelta(hours=50))
    offers.take(brought.id, by=nora, at=until - timedelta(hours=50))
    waiting = offers.offer([("calls-before-the-portal.csv", calls)], by=nora, at=until - timedelta(hours=1))
    offers.look(waiting.id, by=nora)


UNCLEAR = ("Dario Rossi", "clear", 0.65)  # whose replies are more often short of this question than the others', and how often


def _marks(one: Judgement, answered_by: str) -> dict[str, str] | None:
    """On the sample the questions are answered, mostly as the verdict lets expect."""
    asked = rubric.current()
    if not asked.asks(one.conversation_id):
        return None
    rng = random.Random(one.conversation_id)
    usual = "no" if one.verdict == "weak" else "yes"
    said = {item.name: rng.choices((usual, "yes", "unsure"), (0.75, 0.18, 0.07))[0] for item in asked.items}
    who, question, often = UNCLEAR
    return said | {question: "no"} if answered_by == who and question in said and rng.random() < often else said


def review(company: Company, judgements: Sequence[Judgement]) -> None:
    reps = _who_answered([one.conversation_id for one in judgements])
    for one in judgements:
        seconds = round(company.rng.lognormvariate(3.9, 0.5), 1)
        reviews.record(
            one.conversation_id,
            one.verdict,
            by=company.somebody_of(one.team),
            label_id=one.label_id,
            reply=one.reply,
            note=one.note,
            marks=_marks(one, reps[one.conversation_id]),
            seconds=seconds,
            at=one.at,
        )


def _who_answered(conversation_ids: Sequence[str]) -> dict[str, str]:
    wanted = set(conversation_ids)
    with store.reading() as db:
        found = db.exec(select(Conversation.id, Conversation.assignee))
        return {made: rep or "" for made, rep in found if made in wanted}


DOUBLE = 0.1  # of the conversations are looked at by two
SECOND_LOOKS, MIXED_UP = 120, 40  # of those that were asked for; the others still wait
SECOND = {"Team Oak": ("Birgit Lund", "Cem Aydin"), "Team Fern": ("Greta Vogel", "Henrik Olsen")}  # who looks again, and who at theirs
MIX_UP, OTHER_VERDICT = 0.4, 0.08  # how often the two intents are taken for each other; how often another verdict is given
GOLD = {"Team Oak": (36, "Marco Silva"), "Team Fern": (12, "Lena Hoffmann")}  # how many, and who says yes to them
ANSWERS = {
    "Birgit Lund": (34, 0.94),
    "Cem Aydin": (21, 0.8),
    "Alma Berger": (12, 0.85),
    "Finn Hansen": (9, 0.9),
}  # how many, how often right
WHY_GOLD = {
    "strong": ("It answers what was asked, and says what happens next.", "One answer was enough, and it was a kind one."),
    "weak": ("The customer has to ask again: no reason, no date.", "It sends the customer away to find out by themselves."),
}
MISSING = {  # of a weak answer about this: what had to be built or mended, and how one sees it
    "Where is my order": ("tool", "The rep cannot see where the parcel is, so no day is named."),
    "Late delivery": ("tool", "The rep cannot see where the parcel is, so no day is named."),
    "Change delivery address": ("tool", "Once it is packed nobody at the desk can change it, and the customer is not told."),
    "Refund not received": ("rule", "It is said nowhere from which day on a rep may pay again, so the customer waits."),
    "Charged twice": ("rule", "It is said nowhere who may pay it back without asking, so the customer waits."),
    "Damaged item": ("rule", "It is said nowhere when a photo is enough, so everybody asks for something else."),
    "App problem": ("product", "The app is at fault, and the customer is asked to try once more."),
    "Discount code fails": ("product", "The shop shows a code that it does not take."),
    "Plant care advice": ("article", "No article says it, so the customer is sent away to look for it."),
    "Gift card": ("article", "No article says it, so every rep says it otherwise."),
    "Complaint about service": ("handover", "Two people promised two things, and neither knew of the other."),
}  # fmt: skip
DECISIONS = (
    "What the customer wants now counts, not how it began.",
    "It counts as late only once a promised day has passed, however they ask.",
    "The first words tell what they came for; the rest is about the same parcel.",
)


def ask_twice(company: Company, at: datetime) -> None:
    """A lead wants to know how far people agree: from then on two look at a share of the conversations."""
    questions = [(item.name, item.question) for item in rubric.Rubric().items]
    rubric.change(questions, share=0.2, double=DOUBLE, reviewers=2, by=company.staff["Lena Hoffmann"], at=at)


VIEWS = (  # name, words, who keeps it, whether the team has it
    ("Annoyed by refunds", 'intent:"refund not received" csat<3', "Lena Hoffmann", True),
    ("Held up as weak", "flag:weak", "Lena Hoffmann", True),
    ("Calls nobody looked at", "channel:voice reviewed:no", "Marco Silva", True),
    ("Came back to me", "person:alma signal:reopened", "Alma Berger", False),
)


def at_the_desks(company: Company, until: datetime) -> None:
    """What stands on the desks today: searches that are kept, a colleague's question, a review half written, one given back."""
    for days, (name, words, whose, shared) in enumerate(VIEWS, start=2):
        views.save(name, Filter(words=words), shared=shared, by=company.staff[whose], at=until - timedelta(days=days))
    alma, birgit, lena = (company.staff[name] for name in ("Alma Berger", "Birgit Lund", "Lena Hoffmann"))
    waiting = [item.listed.id for item in queue.team(by=lena, size=8)]
    assignments.assign(waiting[4:6], alma.id, by=lena, at=until - timedelta(minutes=50))
    begun = queue.mine(by=alma, size=6)[-1].listed.id
    drafts.keep(begun, {"verdict": "weak", "note": "The second question was never"}, by=alma, at=until - timedelta(minutes=35))
    queue.skip(waiting[7], "I was part of it", by=birgit, at=until - timedelta(minutes=90))


def agree(company: Company, mixed_up: tuple[str, str], until: datetime) -> None:
    """Second looks, in which two intents are often taken for each other; decisions; gold examples and what people answered there."""
    rng = random.Random(11)  # of its own, so that what follows of the story stays as it is
    said = _reviews_so_far(company, until)
    _look_again(company, said, mixed_up, rng)
    for one, days in zip(_oldest_disputes(company), (9, 6, 2), strict=False):
        lead, held = company.staff["Lena Hoffmann"], one.said[0]
        at = until - timedelta(days=days)
        disputes.settle(one.conversation_id, held.verdict, held.label_id, DECISIONS[days % 3], by=lead, at=at)
    for team, (many, approver) in GOLD.items():
        theirs = [review for review, its in said if its == team and review.label_id and until - review.at > timedelta(days=20)]
        clear = [one for kind in WHY_GOLD for one in rng.sample([one for one in theirs if one.verdict == kind], many // 2)]
        rng.shuffle(clear)
        _hold_up(company, clear, company.staff[approver], rng, until - timedelta(days=16))
    _answer_gold(company, mixed_up, rng, until)


def _reviews_so_far(company: Company, until: datetime) -> list[tuple[Review, str]]:
    """Each with its team's name, oldest first, but for the last day."""
    teams = {team.id: name for name, team in company.teams.items()}
    query = select(Review, Conversation.team_id).join(Conversation, col(Conversation.id) == col(Review.conversation_id))
    with store.reading() as db:
        found = db.exec(query.where(Review.at < until - timedelta(days=1)).order_by(col(Review.at), col(Review.id)))
        return [(review, teams[team_id]) for review, team_id in found if team_id]


def _look_again(company: Company, said: Sequence[tuple[Review, str]], mixed_up: tuple[str, str], rng: random.Random) -> None:
    asked = rubric.current()
    often = [pair for pair in said if pair[0].label_id in mixed_up][-MIXED_UP:]  # a lead asked for these, to see how often it happens
    drawn = [pair for pair in said if asked.doubles(pair[0].conversation_id) and pair not in often]
    for review, team in [*often, *drawn[len(often) - SECOND_LOOKS :]]:
        another = next(company.staff[name] for name in SECOND[team] if company.staff[name].id != review.by_person_id)
        verdict, label_id = _second_word(review, mixed_up, rng)
        late = "The day that was named is over." if label_id == mixed_up[1] else "Nothing is late yet."
        note = late if label_id != review.label_id and rng.random() < 0.5 else ""
        at = review.at + timedelta(hours=rng.uniform(2, 22))
        reviews.record(
            review.conversation_id, verdict, by=another, label_id=label_id, note=note, seconds=round(rng.uniform(20, 90), 1), at=at
        )


def _second_word(review: Review, mixed_up: tuple[str, str], rng: random.Random) -> tuple[str, str | None]:
    verdict, label_id = review.verdict, review.label_id
    if label_id in mixed_up and rng.random() < MIX_UP:
        label_id = mixed_up[1 - mixed_up.index(label_id)]
    if rng.random() < OTHER_VERDICT:
        verdict = {"strong": "none", "none": "strong", "weak": "strong"}[verdict]
    return verdict, label_id


def _oldest_disputes(company: Company) -> list[disputes.Open]:
    return sorted(disputes.open_ones(by=company.staff["Lena Hoffmann"]), key=lambda one: one.said[-1].at)[: len(DECISIONS)]


def _hold_up(company: Company, clear: Sequence[Review], approver: Person, rng: random.Random, at: datetime) -> None:
    chosen = [_wanted(one, rng.choice(WHY_GOLD[one.verdict])) for one in clear]
    why = "Both teams read these together and agreed. Whoever is new can see how we judge."
    asked = calibration.propose_gold(chosen, why=why, by=company.staff["Nora Engel"], at=at)
    approvals.approve(asked.id, by=approver, note="Read all of them.", at=at + timedelta(hours=5))
    calibration.carry_out(asked.id, at=at + timedelta(hours=5))
    for task in tasks.waiting():  # the approval asked a worker to carry it out; it is carried out
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, "The gold examples are asked.", at=at + timedelta(hours=5))


def _wanted(review: Review, why: str) -> calibration.Wanted:
    """Of weak ones it is mostly known what was missing; of every third strong one, that nothing was."""
    missing, told = MISSING.get(labels.names()[review.label_id or ""], ("", why))
    if review.verdict == "strong":
        missing, told = ("nothing" if int(review.conversation_id[-2:], 16) % 3 == 0 else ""), why
    return calibration.Wanted(review.conversation_id, review.verdict, review.label_id, told, missing=missing)


def _answer_gold(company: Company, mixed_up: tuple[str, str], rng: random.Random, until: datetime) -> None:
    with store.reading() as db:
        found = db.exec(select(Example, Conversation.team_id).join(Conversation, col(Conversation.id) == col(Example.conversation_id)))
        gold = [(example, team_id) for example, team_id in found if example.use == "gold"]
    for name, (many, right) in ANSWERS.items():
        person = company.staff[name]
        asked = [example for example, team_id in gold if team_id == person.team_id]
        for place, example in enumerate(asked[:many]):
            label_id, verdict, missing = example.label_id, example.kind, example.missing
            if rng.random() > right:
                label_id, missing = mixed_up[label_id == mixed_up[0]], missing and "article"
            elif rng.random() > right:
                verdict = "none"
            at = until - timedelta(days=12 - place // 6, minutes=-2 * place)
            calibration.answer(example.id, verdict, label_id, missing=missing, seconds=rng.uniform(15, 70), by=person, at=at)
