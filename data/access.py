"""Who may do what: one table, also shown on the Rights page. A verb that is not in it is denied to everybody."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, true
from sqlmodel import col

from data.errors import Denied
from data.tables import Person

logger = logging.getLogger("portal.access")
denials: Counter[str] = Counter()  # by verb, since this process started: a figure for monitoring

REP, LEAD, ENGINEER, ADMIN, CONSOLE = "rep", "lead", "engineer", "admin", "console"
ROLES = (REP, LEAD, ENGINEER, ADMIN)
OWN, TEAM, ALL = "own", "team", "all"  # how far a right reaches


@dataclass(frozen=True)
class Rule:
    """One row: what people call it, and for each verb behind it the roles that may, with how far their right reaches."""

    words: str
    verbs: dict[str, str]  # verb -> "rep:team lead:team engineer admin"; without a reach it is all
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what a token of this scope may of it
    in_use: bool = True  # False: the rule stands before the thing it is about is built
    note: str = ""


# The console is whoever can read the portal's files on its own machine: it may run the installation, never approve.
# What needs two people has two verbs, one to propose and one to approve; an approver is never the proposer (approvals.py).
RULES: tuple[Rule, ...] = (
    Rule("Read conversations, personal data masked", {"conversation.read": "rep:team lead:team engineer admin"},
         {"read": ("conversation.read",)}),
    Rule("Reveal personal data, with a reason, on the record", {"personal_data.reveal": "rep:team lead:team"}),
    Rule("Review, flag and comment",
         {"review.record": "rep:team lead:team engineer", "example.flag": "rep:team lead:team engineer",
          "comment.write": "rep:team lead:team engineer"},
         {"label": ("conversation.read", "review.record", "example.flag", "comment.write")}),
    Rule("Change another's label", {"label.correct": "lead:team"}),
    Rule("Relabel more than 50 at once",
         {"relabelling.propose": "rep:team lead:team engineer", "relabelling.approve": "lead:team engineer"}),
    Rule("Ask a colleague to look at a conversation", {"review.assign": "lead:team engineer"}),
    Rule("See how far people agree, and settle what they see differently",
         {"agreement.read": "lead:team engineer", "dispute.settle": "lead:team"}),
    Rule("Change what reviews ask", {"rubric.change": "lead"}),
    Rule("Take the gold examples and see one's own figures", {"calibration.take": "rep:team lead:team engineer"}),
    Rule("See a colleague's figures on the gold examples", {"calibration.read": "lead:team"}, note="from 30 answers on"),
    Rule("See where the work of one's team differs, set exercises, write notes",
         {"coaching.read": "lead:team", "coaching.write": "lead:team"}, note="a note is read by the two alone"),
    Rule("Take exercises, answer notes, see what a lead sees of one's own work", {"exercise.take": "rep:team lead:team engineer"}),
    Rule("Change the gold examples", {"gold.propose": "lead engineer", "gold.approve": "lead engineer"}),
    Rule("Answer a customer who writes in the chat widget", {"conversation.answer": "rep:team lead:team engineer"}),
    Rule("Keep views of one's own and share them with the team", {"view.save": "rep:team lead:team engineer admin"}),
    Rule("Download lists of conversations, personal data masked", {"conversation.export": "rep:team lead:team engineer"},
         {"export": ("conversation.export",)}),
    Rule("Begin another classifier", {"classifier.add": "rep lead engineer"}),
    Rule("Train a draft classifier and see its results",
         {"classifier.train": "rep lead engineer", "classifier.read": "rep lead engineer admin console"}),
    Rule("Run things on eval sets and compare them", {"eval.run": "rep lead engineer console"}, {"eval": ("eval.run", "eval_set.read")}),
    Rule("Ship a classifier", {"classifier.propose": "rep lead engineer", "classifier.approve": "lead engineer"}),
    Rule("Roll back to a version that was approved before", {"classifier.roll_back": "lead engineer admin"},
         note="the safe direction needs one person"),
    Rule("Change what a release must pass", {"gate.propose": "lead engineer", "gate.approve": "lead engineer"}),
    Rule("Draft and try an automation", {"automation.draft": "rep lead engineer", "automation.read": "rep lead engineer admin console"}),
    Rule("Publish an automation with low stakes", {"small_publication.propose": "rep", "automation.publish": "lead engineer"}),
    Rule("Publish what moves money, sends mail or deletes",
         {"publication.propose": "rep lead engineer", "publication.approve": "lead engineer"}),
    Rule("Run a recipe that is in force", {"agent.run": "rep:team lead:team engineer"},
         {"agent": ("agent.run", "automation.read", "conversation.read", "refund.propose", "large_refund.propose")}),
    Rule("Refund, credit, change an invoice, within the limit", {"refund.propose": "rep:team lead:team", "refund.approve": "lead:team"},
         note="and whatever else a recipe may not do alone"),
    Rule("The same above the limit", {"large_refund.propose": "rep:team lead:team", "large_refund.approve": "lead"},
         note="two approvers, of any team: few teams have two leads"),
    Rule("Raise a limit, loosen the policy, a guardrail or the masking",
         {"limit.propose": "lead engineer", "limit.approve": "engineer admin"}),
    Rule("Tighten the policy or a guardrail, pause or stop an automation", {"guardrail.tighten": "rep lead engineer admin"}),
    Rule("Read articles, ask them, and draft them",
         {"article.read": "rep lead engineer admin console", "article.draft": "rep lead engineer",
          "knowledge.ask": "rep lead engineer console"}),
    Rule("Try another way to find and to answer", {"answerer.make": "rep lead engineer"}),
    Rule("Release another way to find and to answer", {"answerer.propose": "rep lead engineer", "answerer.approve": "lead engineer"}),
    Rule("Roll the answerer back to a version that was approved before", {"answerer.roll_back": "lead engineer admin"},
         note="the safe direction needs one person"),
    Rule("Try another model on the cases that the one in force is tested by, and see what models cost",
         {"model.make": "lead engineer", "model.read": "lead engineer admin console"}),
    Rule("Release another model", {"model.propose": "lead engineer", "model.approve": "lead engineer admin"}),
    Rule("Go back to a model that did the job before, or stop one on its way", {"model.roll_back": "lead engineer admin"},
         note="the safe direction needs one person"),
    Rule("Answer over HTTP", {"api.answer": "engineer"}, {"answer": ("api.answer", "knowledge.ask")}),
    Rule("Bring a folder of articles as drafts, and take them out as files",
         {"article.bring": "lead engineer", "article.take_out": "rep lead engineer console"}),
    Rule("Publish an article", {"article.propose": "rep lead engineer", "article.approve": "lead engineer"}),
    Rule("Go back to a version of an article that was published before, or take it out of use", {"article.go_back": "lead engineer"},
         note="the safe direction needs one person"),
    Rule("Import conversations", {"conversation.import": "rep:own lead:team engineer admin console"}),
    Rule("Send conversations over HTTP", {"api.ingest": "engineer"}, {"ingest": ("api.ingest", "conversation.import")}),
    Rule("Classify over HTTP", {"api.classify": "engineer"}, {"classify": ("api.classify", "classifier.read")}),
    Rule("Build and download datasets, personal data masked",
         {"dataset.build": "rep:own lead:team engineer console", "dataset.read": "rep:own lead engineer admin console",
          "dataset.download": "rep:own lead:team engineer"},
         {"export": ("dataset.read", "dataset.download")}),
    Rule("Export with personal data", {"raw_export.propose": "lead engineer", "raw_export.approve": "lead admin"}, in_use=False),
    Rule("Hide a conversation for 30 days, then it is gone", {"conversation.hide": "rep:team lead:team engineer admin"}, in_use=False),
    Rule("Delete a dataset, a model or a customer's data for good",
         {"purge.propose": "lead engineer admin", "purge.approve": "lead engineer admin"}, in_use=False),
    Rule("Name intents", {"label.add": "lead engineer"}),
    Rule("Name an intent that is taught first, and accept conversations as its examples", {"label.draft": "rep lead engineer"}),
    Rule("See patterns that no intent covers, and put them aside",
         {"pattern.read": "rep lead engineer", "pattern.decide": "rep lead engineer"}),
    Rule("Create an eval set, and name who looks after it", {"eval_set.create": "lead engineer", "eval_set.hand_over": "lead engineer"}),
    Rule("Add cases to an eval set, typed or from a file", {"case.add": "rep lead engineer console"}),
    Rule("Change cases of an eval set and take them out", {"case.change": "lead engineer"}),
    Rule("Take cases of an eval set out as a file, personal data masked", {"case.export": "lead engineer console"}),
    Rule("Say of outputs whether they are right, to check a grader", {"grader.check": "rep lead engineer"}),
    Rule("Change what graders look at each night", {"continuous.change": "lead engineer"}),
    Rule("Freeze and read eval sets", {"eval_set.freeze": "rep lead engineer", "eval_set.read": "rep lead engineer admin console"}),
    Rule("Read dashboards and the digest", {"measure.read": "rep:team lead:team engineer admin"}, {"monitor": ("measure.read",)}),
    Rule("See what is watched, and what monitors found", {"monitor.read": "rep:team lead:team engineer admin console"},
         {"monitor": ("monitor.read",)}),
    Rule("See what could be automated, and have it looked for now", {"opportunity.read": "rep:team lead:team engineer admin console"},
         {"monitor": ("opportunity.read",)}),
    Rule("Have a measure watched, snooze a monitor, answer an alert", {"monitor.change": "lead:team engineer admin"},
         {"monitor": ("monitor.change",)}),
    Rule("Write on the timeline what happened", {"note.write": "lead:team engineer admin console"}, {"monitor": ("note.write",)}),
    Rule("See use cases: what is to be built, why, and how far it is",
         {"use_case.read": "rep:team lead:team engineer admin console"}, {"monitor": ("use_case.read",)}),
    Rule("Begin a use case and change it", {"use_case.write": "rep:team lead:team engineer"}),
    Rule("Take a use case into its next stage, back, or stop it", {"use_case.move": "lead:team engineer"}),
    Rule("Sign off the systems and data that a use case touches", {"use_case.sign": "engineer"}, note="not one's own use case"),
    Rule("Read what was written up for product teams", {"feedback.read": "rep:team lead:team engineer admin"},
         {"monitor": ("feedback.read",)}),
    Rule("Write up a fault of the product, and what became of it", {"feedback.write": "rep:team lead:team engineer"}),
    Rule("Hand it to a product team, also by webhook", {"feedback.hand_over": "lead:team engineer"}),
    Rule("See of a team's work how much was reviewed, what waits and how long decisions took",
         {"team.read": "lead:team admin"}, {"monitor": ("team.read",)}, note="about the work: nobody is named"),
    Rule("See what one's own work changed", {"work.read": "rep:own lead:own engineer:own admin:own"}, {"monitor": ("work.read",)},
         note="nobody sees another's"),
    Rule("Have a monitor roll back or stop a release by itself", {"monitor.arm": "lead"}, note="with the right to do that by hand"),
    Rule("Read and discuss proposals", {"proposal.read": "rep lead engineer admin", "proposal.comment": "rep lead engineer admin"}),
    Rule("Name a deputy for oneself", {"deputy.name": "lead engineer admin"}),
    Rule("See who works here", {"person.read": "rep lead engineer admin console"}),
    Rule("Add, move and disable people and teams",
         {"person.add": "admin console", "person.change": "admin console", "person.disable": "admin console"}),
    Rule("Grant the role of a lead or an admin",
         {"role.propose": "admin", "role.approve": "admin", "role.grant": "console"}, note="on the console until there are two admins"),
    Rule("See and end sign-ins",
         {"session.read": "rep:own lead:own engineer:own admin", "session.end": "rep:own lead:own engineer:own admin"}),
    Rule("Change connections: company sign-in, model endpoint, webhooks",
         {"connection.propose": "engineer admin", "connection.approve": "admin"}),
    Rule("Connect programs with tools at an address, and approve each of their tools",
         {"tool_source.propose": "engineer admin", "tool_source.approve": "admin"}),
    Rule("Have the portal start a program with tools on its own machine",
         {"tool_command.propose": "admin", "tool_command.approve": "admin"}),
    Rule("See programs with tools and whether they still are what was approved", {"tool_source.read": "engineer admin console"}),
    Rule("Disable a program with tools at once", {"tool_source.disable": "engineer admin"},
         note="the safe direction needs one person"),
    Rule("Issue a token for a program, or for pages on which customers write",
         {"token.propose": "engineer", "token.approve": "admin", "token.issue": "console"}),
    Rule("See and revoke tokens", {"token.read": "lead engineer admin console", "token.revoke": "lead engineer admin console"}),
    Rule("Let admins decide in the place of leads for an hour", {"emergency.propose": "admin", "emergency.approve": "admin"},
         note="shown to everybody while it lasts"),
    Rule("See jobs", {"task.read": "rep:own lead:own engineer admin console", "task.retry": "rep:own lead:own engineer admin",
                      "task.cancel": "rep:own lead:own engineer admin"}),
    Rule("Read the record", {"audit.read": "rep:own lead:team engineer admin console"}),
    Rule("Change or delete the record", {}),
    Rule("Read health figures", {"metrics.read": "engineer admin"}, {"metrics": ("metrics.read",)}),
    Rule("Make a backup", {"backup.make": "engineer admin console"}),
    Rule("Restore a backup", {"restore.propose": "admin", "restore.approve": "admin", "backup.restore": "console"}),
)  # fmt: skip


def _reaches(told: str) -> dict[str, str]:
    parts = (part.partition(":") for part in told.split())
    return {role: found or ALL for role, _, found in parts}


TABLE: dict[str, dict[str, str]] = {verb: _reaches(told) for rule in RULES for verb, told in rule.verbs.items()}
SCOPES: dict[str, frozenset[str]] = {
    scope: frozenset(verb for rule in RULES for verb in rule.scopes.get(scope, ())) for rule in RULES for scope in rule.scopes
}


def reach(by: Person, verb: str) -> str | None:
    """How far the person's right reaches; None when there is none. A token may only what its person may and its scopes name."""
    if by.disabled_at is not None:
        return None
    if by.scopes is not None and not any(verb in SCOPES[scope] for scope in by.scopes):
        return None
    return TABLE.get(verb, {}).get(by.role)


def may(by: Person, verb: str) -> bool:
    return reach(by, verb) is not None


def require(by: Person, verb: str, *, team_id: str | None = None) -> str:
    """The reach of the right, or Denied. With a team: that team's things must be within reach."""
    found = reach(by, verb)
    if found is None or (found != ALL and team_id is not None and team_id != by.team_id):
        denials[verb] += 1
        logger.warning("denied: person %s (%s) tried %s on team %s", by.id, by.role, verb, team_id)
        raise Denied(_sentence(by, verb, found))
    return found


def whose(by: Person) -> str | None:
    """Who stands beside a row: nobody where it was the console or the portal itself."""
    return None if by.role == CONSOLE else by.id


def within(found: str, by: Person, team_column: Any) -> ColumnElement[bool]:
    """The part of a query that keeps it inside a reach: the own team's things, and those that belong to no team yet."""
    if found == ALL:
        return true()
    if by.team_id is None:
        return col(team_column).is_(None)
    # not written as two conditions: an engine would look both up and sort what it found, where a list only wants its newest lines
    return func.coalesce(team_column, by.team_id) == by.team_id


def _sentence(by: Person, verb: str, found: str | None) -> str:
    if by.disabled_at is not None:
        return "Not done: this account is disabled. An admin can enable it again."
    noun, act = verb.split(".", 1)
    noun = noun.replace("_", " ")
    if found is not None:
        return f"Not done: this {noun} belongs to another team."
    if by.scopes is not None and by.role in TABLE.get(verb, {}):
        return f"Not done: this token is for {', '.join(sorted(by.scopes))}, not for this. An engineer can propose another."
    able = ", ".join(sorted(TABLE.get(verb, {}))) or "nobody"
    return f"Not done: {a(by.role)} may not {act.replace('_', ' ')} {a(noun)}. Who may: {able}."


def a(word: str) -> str:
    """The word with its article."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
