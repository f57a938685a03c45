"""The demo's teams and people, their conversations and what they said of them, written through the verbs that everybody uses."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data import approvals, comments, inbox, people, reviews, tasks, tokens
from data.intake import door, offers
from data.intake.canonical import CanonicalConversation
from data.tables import Person, Team

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


def review(company: Company, judgements: Sequence[Judgement]) -> None:
    for one in judgements:
        seconds = round(company.rng.lognormvariate(3.9, 0.5), 1)
        reviews.record(
            one.conversation_id,
            one.verdict,
            by=company.somebody_of(one.team),
            label_id=one.label_id,
            reply=one.reply,
            note=one.note,
            seconds=seconds,
            at=one.at,
        )
