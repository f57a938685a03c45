"""Who may do what: one table. A verb that is not in it is denied to everybody."""

import logging
from typing import Any

from sqlalchemy import ColumnElement, or_, true

from data.errors import Denied
from data.tables import Person

logger = logging.getLogger("portal.access")

REP, LEAD, ENGINEER, ADMIN, CONSOLE = "rep", "lead", "engineer", "admin", "console"
ROLES = (REP, LEAD, ENGINEER, ADMIN)
OWN, TEAM, ALL = "own", "team", "all"  # how far a right reaches
YES = ALL

# verb -> role -> reach. The console is whoever can read the portal's files on its own machine: it may run the installation,
# never approve. Rows follow the access table of the safety notes; what only proposes there is a verb of its own here.
TABLE: dict[str, dict[str, str]] = {
    "conversation.read": {REP: TEAM, LEAD: TEAM, ENGINEER: ALL, ADMIN: ALL},
    "review.record": {REP: TEAM, LEAD: TEAM, ENGINEER: ALL},
    "example.flag": {REP: TEAM, LEAD: TEAM, ENGINEER: ALL},
    "label.add": {LEAD: YES, ENGINEER: YES},
    "eval_set.create": {LEAD: YES, ENGINEER: YES},
    "eval_set.freeze": {REP: YES, LEAD: YES, ENGINEER: YES},
    "eval_set.read": {REP: YES, LEAD: YES, ENGINEER: YES, ADMIN: YES},
    "eval.run": {REP: YES, LEAD: YES, ENGINEER: YES, ADMIN: YES},
    "classifier.train": {REP: YES, LEAD: YES, ENGINEER: YES},
    "classifier.read": {REP: YES, LEAD: YES, ENGINEER: YES, ADMIN: YES},
    "classifier.propose": {REP: YES, LEAD: YES, ENGINEER: YES},
    "classifier.approve": {LEAD: YES, ENGINEER: YES},
    "classifier.roll_back": {LEAD: YES, ENGINEER: YES, ADMIN: YES},
    "proposal.read": {REP: YES, LEAD: YES, ENGINEER: YES, ADMIN: YES},
    "conversation.import": {REP: OWN, LEAD: TEAM, ENGINEER: YES, ADMIN: YES, CONSOLE: YES},
    "dataset.build": {REP: OWN, LEAD: TEAM, ENGINEER: YES, CONSOLE: YES},
    "dataset.read": {LEAD: YES, ENGINEER: YES, ADMIN: YES, CONSOLE: YES},
    "measure.read": {REP: TEAM, LEAD: TEAM, ENGINEER: ALL, ADMIN: ALL},
    "person.add": {ADMIN: YES, CONSOLE: YES},
    "person.disable": {ADMIN: YES, CONSOLE: YES},
    "person.grant_lead_or_admin": {CONSOLE: YES},  # until two people can approve a grant, only the console grants it
    "person.read": {REP: YES, LEAD: YES, ENGINEER: YES, ADMIN: YES, CONSOLE: YES},
    "task.read": {REP: OWN, LEAD: OWN, ENGINEER: ALL, ADMIN: ALL, CONSOLE: ALL},
    "task.retry": {REP: OWN, LEAD: OWN, ENGINEER: ALL, ADMIN: ALL},
    "audit.read": {REP: OWN, LEAD: TEAM, ENGINEER: ALL, ADMIN: ALL, CONSOLE: ALL},
}


def reach(by: Person, verb: str) -> str | None:
    """How far the person's right reaches; None when there is none."""
    if by.disabled_at is not None:
        return None
    return TABLE.get(verb, {}).get(by.role)


def may(by: Person, verb: str) -> bool:
    return reach(by, verb) is not None


def require(by: Person, verb: str, *, team_id: str | None = None) -> str:
    """The reach of the right, or Denied. With a team: that team's things must be within reach."""
    found = reach(by, verb)
    if found is None or (found != ALL and team_id is not None and team_id != by.team_id):
        logger.warning("denied: person %s (%s) tried %s on team %s", by.id, by.role, verb, team_id)
        raise Denied(_sentence(by, verb, found))
    return found


def within(found: str, by: Person, team_column: Any) -> ColumnElement[bool]:
    """The part of a query that keeps it inside a reach: the own team's things, and those that belong to no team yet."""
    if found == ALL:
        return true()
    return or_(team_column == by.team_id, team_column.is_(None))


def _sentence(by: Person, verb: str, found: str | None) -> str:
    if by.disabled_at is not None:
        return "Not done: this account is disabled. An admin can enable it again."
    noun, act = verb.split(".", 1)
    if found is not None:
        return f"Not done: this {noun.replace('_', ' ')} belongs to another team."
    able = ", ".join(sorted(TABLE.get(verb, {}))) or "nobody"
    return f"Not done: {_a(by.role)} may not {act.replace('_', ' ')} {_a(noun.replace('_', ' '))}. Who may: {able}."


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
