"""The demo's teams and people, their conversations and what they said of them, written through the verbs that everybody uses."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data import people, reviews
from data.intake import door
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
    }
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
