"""Who may do what: the table, the one check, and that code and table name the same verbs."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import access, approvals, tokens
from data.config import ROOT
from data.errors import Denied
from data.tables import Person
from data.values import now
from portal import jobs

FOLDERS = ("portal", "automations", "knowledge", "classifiers", "evals", "data")
ASKS = {"require": 1, "may": 1, "reach": 1, "within_reach": 2, "_mine": 2}  # function -> place of the verb among its arguments

# The safety notes' access table, once more and by hand: a right is loosened in two places or not at all. "-" is no right.
ROLES = (access.REP, access.LEAD, access.ENGINEER, access.ADMIN, access.CONSOLE)
SAFETY = {
    # what customers wrote, and what people said of it
    "conversation.read": "team team all all -",
    "personal_data.reveal": "team team - - -",
    "review.record": "team team all - -",
    "example.flag": "team team all - -",
    "comment.write": "team team all - -",
    "label.correct": "- team - - -",
    "relabelling.propose": "team team all - -",  # a lead proposes too: above 50 nobody labels alone
    "relabelling.approve": "- team all - -",
    "review.assign": "- team all - -",
    "agreement.read": "- team all - -",
    "dispute.settle": "- team - - -",
    "rubric.change": "- all - - -",
    "calibration.take": "team team all - -",
    "calibration.read": "- team - - -",
    "coaching.read": "- team - - -",
    "coaching.write": "- team - - -",
    "exercise.take": "team team all - -",
    "gold.propose": "- all all - -",
    "gold.approve": "- all all - -",
    "view.save": "team team all all -",
    "conversation.export": "team team all - -",
    "label.add": "- all all - -",
    "conversation.import": "own team all all all",
    "conversation.answer": "team team all - -",
    "conversation.hide": "team team all all -",
    "api.ingest": "- - all - -",
    "api.classify": "- - all - -",
    "measure.read": "team team all all -",
    "monitor.read": "team team all all all",
    "monitor.change": "- team all all -",
    "monitor.arm": "- all - - -",
    "opportunity.read": "team team all all all",
    "note.write": "- team all all all",
    "feedback.read": "team team all all -",
    "feedback.write": "team team all - -",
    "feedback.hand_over": "- team all - -",
    "use_case.read": "team team all all all",
    "use_case.write": "team team all - -",
    "use_case.move": "- team all - -",
    "use_case.sign": "- - all - -",
    "team.read": "- team - all -",
    "work.read": "own own own own -",
    # classifiers and what they are measured on
    "classifier.train": "all all all - -",
    "classifier.read": "all all all all all",
    "label.draft": "all all all - -",
    "classifier.add": "all all all - -",
    "pattern.read": "all all all - -",
    "pattern.decide": "all all all - -",
    "eval.run": "all all all - all",  # the console runs what a build needs
    "classifier.propose": "all all all - -",
    "classifier.approve": "- all all - -",
    "classifier.roll_back": "- all all all -",
    "gate.propose": "- all all - -",
    "gate.approve": "- all all - -",
    "eval_set.create": "- all all - -",
    "eval_set.hand_over": "- all all - -",
    "eval_set.freeze": "all all all - -",
    "eval_set.read": "all all all all all",
    "case.add": "all all all - all",
    "case.change": "- all all - -",  # a rep adds; what a release is measured on is not theirs to change or take out
    "case.export": "- all all - all",
    "grader.check": "all all all - -",
    "continuous.change": "- all all - -",
    # automations, agents, articles, money
    "automation.draft": "all all all - -",
    "automation.read": "all all all all all",
    "small_publication.propose": "all - - - -",
    "automation.publish": "- all all - -",
    "publication.propose": "all all all - -",
    "publication.approve": "- all all - -",
    "guardrail.tighten": "all all all all -",
    "limit.propose": "- all all - -",
    "limit.approve": "- - all all -",
    "agent.run": "team team all - -",
    "refund.propose": "team team - - -",
    "refund.approve": "- team - - -",
    "large_refund.propose": "team team - - -",
    "large_refund.approve": "- all - - -",
    "article.read": "all all all all all",
    "article.draft": "all all all - -",
    "article.bring": "- all all - -",
    "article.take_out": "all all all - all",
    "article.go_back": "- all all - -",
    "knowledge.ask": "all all all - all",
    "answerer.make": "all all all - -",
    "answerer.propose": "all all all - -",
    "answerer.approve": "- all all - -",
    "answerer.roll_back": "- all all all -",
    "model.read": "- all all all all",
    "model.make": "- all all - -",
    "model.propose": "- all all - -",
    "model.approve": "- all all all -",
    "model.roll_back": "- all all all -",
    "api.answer": "- - all - -",
    "article.propose": "all all all - -",
    "article.approve": "- all all - -",
    # what leaves the portal, and what is deleted for good
    "dataset.build": "own team all - all",
    "dataset.read": "own all all all all",
    "dataset.download": "own team all - -",
    "raw_export.propose": "- all all - -",
    "raw_export.approve": "- all - all -",
    "purge.propose": "- all all all -",
    "purge.approve": "- all all all -",
    # people and what opens doors
    "proposal.read": "all all all all -",
    "proposal.comment": "all all all all -",
    "deputy.name": "- all all all -",
    "person.read": "all all all all all",
    "person.add": "- - - all all",
    "person.change": "- - - all all",
    "person.disable": "- - - all all",
    "role.propose": "- - - all -",
    "role.approve": "- - - all -",
    "role.grant": "- - - - all",
    "session.read": "own own own all -",
    "session.end": "own own own all -",
    "connection.propose": "- - all all -",
    "connection.approve": "- - - all -",
    "tool_source.propose": "- - all all -",
    "tool_source.approve": "- - - all -",
    "tool_source.read": "- - all all all",
    "tool_source.disable": "- - all all -",
    "tool_command.propose": "- - - all -",
    "tool_command.approve": "- - - all -",
    "token.propose": "- - all - -",
    "token.approve": "- - - all -",
    "token.issue": "- - - - all",
    "token.read": "- all all all all",
    "token.revoke": "- all all all all",
    "emergency.propose": "- - - all -",
    "emergency.approve": "- - - all -",
    # the installation
    "task.read": "own own all all all",
    "task.retry": "own own all all -",
    "task.cancel": "own own all all -",
    "audit.read": "own team all all all",
    "metrics.read": "- - all all -",
    "backup.make": "- - all all all",
    "restore.propose": "- - - all -",
    "restore.approve": "- - - all -",
    "backup.restore": "- - - - all",
}
SCOPES = {  # what a token may, of what its person may
    "read": {"conversation.read"},
    "label": {"conversation.read", "review.record", "example.flag", "comment.write"},
    "ingest": {"api.ingest", "conversation.import"},
    "classify": {"api.classify", "classifier.read"},
    "answer": {"api.answer", "knowledge.ask"},
    "export": {"dataset.read", "dataset.download", "conversation.export"},
    "agent": {"agent.run", "automation.read", "conversation.read", "refund.propose", "large_refund.propose"},
    "metrics": {"metrics.read"},
    "eval": {"eval.run", "eval_set.read"},
    "monitor": {
        "feedback.read",
        "measure.read",
        "monitor.read",
        "monitor.change",
        "note.write",
        "opportunity.read",
        "team.read",
        "use_case.read",
        "work.read",
    },
}
IN_USE = {verb: rule.in_use for rule in access.RULES for verb in rule.verbs}


def someone(role: str, team_id: str | None = "oak", **fields: object) -> Person:
    return Person(name=role, email=f"{role}@example.com", role=role, team_id=team_id, **fields)


def asked(source: str) -> Iterator[str]:
    """The verbs that a source asks a right for, as they are written at the places where one asks."""
    for node in ast.walk(ast.parse(source)):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = ASKS.get(name)
            found += node.args[place : place + 1] if place is not None else []
            found += [keyword.value for keyword in node.keywords if keyword.arg == "verb" and name in {*ASKS, "for_training"}]
        elif isinstance(node, ast.FunctionDef):
            defaults = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            found += [default for argument, default in defaults if argument.arg == "verb"]
        yield from (part.value for part in found if isinstance(part, ast.Constant) and isinstance(part.value, str))


def literals(source: str) -> set[str]:
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "access.py"]
    assert len(found) > 40
    return found


def is_shown_only(path: Path) -> bool:
    """A screen that hides a button is a courtesy: what it asks defends nothing."""
    return path.parent.name == "screens" or path.name in ("app.py", "widgets.py", "first_week.py")


def asked_for() -> dict[str, str]:
    """Each verb that the code defends with, and a place where it does: by a call, or as a kind of proposal or a job."""
    found = {verb: path.name for path in sources() if not is_shown_only(path) for verb in asked(path.read_text())}
    found |= {verb: "approvals.py" for kind in approvals.KINDS.values() for verb in (kind.propose, kind.approve)}
    return found | dict.fromkeys((*jobs.RIGHTS.values(), *jobs.FOLLOWS.values()), "jobs.py")


def test_every_verb_that_the_code_asks_for_stands_in_the_table() -> None:
    everywhere = {verb: path.name for path in sources() for verb in asked(path.read_text())} | asked_for()
    assert {verb: place for verb, place in everywhere.items() if verb not in access.TABLE} == {}


def test_every_verb_in_use_is_asked_for_somewhere_and_no_other_is() -> None:
    found = asked_for()
    assert {verb for verb, in_use in IN_USE.items() if in_use} - set(found) == set()
    early = {verb for verb, in_use in IN_USE.items() if not in_use}
    assert {verb: found[verb] for verb in early & set(found)} == {}
    assert early and {verb: path.name for path in sources() for verb in early & literals(path.read_text())} == {}


def test_no_verb_stands_in_two_rows() -> None:
    told = [verb for rule in access.RULES for verb in rule.verbs]
    assert len(told) == len(set(told)) == len(access.TABLE)


def test_the_search_for_verbs_sees_each_way_of_asking() -> None:
    """The control of the two tests above: a verb without a row would be found."""
    ways = (
        'access.require(by, "ghost.haunt")', 'if access.may(by, "ghost.haunt"): pass', 'reach = access.reach(by, "ghost.haunt")',
        'conversations.within_reach(db, made, "ghost.haunt", by=by)', 'require(by, verb="ghost.haunt", team_id=None)',
        'def verb_of(*, by, verb="ghost.haunt"): pass', 'examples.for_training("intent", by=by, verb="ghost.haunt")',
    )  # fmt: skip
    assert [list(asked(way)) for way in ways] == [["ghost.haunt"]] * len(ways)


def test_the_table_has_the_rows_of_the_safety_notes_and_no_others() -> None:
    assert set(access.TABLE) == set(SAFETY)
    assert set(access.SCOPES) == set(SCOPES)


@pytest.mark.parametrize("verb", SAFETY)
def test_the_rights_are_those_of_the_safety_notes(verb: str) -> None:
    said = " ".join(access.reach(someone(role), verb) or "-" for role in ROLES)
    assert said == SAFETY[verb]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_may_what_its_scope_names_and_its_person_may(scope: str) -> None:
    for role in ROLES:
        program = tokens.narrowed(someone(role), [scope])
        theirs = {verb: access.reach(program, verb) for verb in access.TABLE}
        assert theirs == {verb: access.reach(someone(role), verb) if verb in SCOPES[scope] else None for verb in access.TABLE}


def test_a_token_without_a_scope_may_nothing_and_one_with_two_may_both() -> None:
    assert [verb for verb in access.TABLE if access.may(tokens.narrowed(someone(access.ENGINEER), []), verb)] == []
    both = tokens.narrowed(someone(access.ENGINEER), ["read", "metrics"])
    assert {verb for verb in access.TABLE if access.may(both, verb)} == {"conversation.read", "metrics.read"}
    assert any("approve" in verb for verb in access.TABLE)
    assert [verb for scope in SCOPES.values() for verb in scope if "approve" in verb] == []  # an agent or a program never approves


def test_a_verb_without_a_row_is_denied_to_everybody() -> None:
    for role in ROLES:
        assert not access.may(someone(role), "audit.edit")
        with pytest.raises(Denied, match="Who may: nobody"):
            access.require(someone(role), "audit.edit")


def test_a_role_that_nobody_knows_may_nothing() -> None:
    assert [verb for verb in access.TABLE if access.may(someone("owner"), verb)] == []


def test_a_disabled_person_may_nothing() -> None:
    for role in ROLES:
        gone = someone(role, disabled_at=now())
        assert [verb for verb in access.TABLE if access.may(gone, verb)] == []
        assert any(access.may(someone(role), verb) for verb in access.TABLE)
    with pytest.raises(Denied, match="this account is disabled"):
        access.require(someone(access.LEAD, disabled_at=now()), "conversation.read")


def test_the_console_never_approves() -> None:
    approving = [verb for verb in access.TABLE if verb.endswith(".approve")]
    assert len(approving) > 10
    assert not any(access.may(someone(access.CONSOLE), verb) for verb in approving)


def test_nothing_can_be_approved_that_nobody_can_propose_nor_the_other_way_round() -> None:
    nouns = {verb: verb.split(".")[0] for verb in access.TABLE if verb.endswith((".propose", ".approve"))}
    lonely = {noun for noun in nouns.values() if not {f"{noun}.propose", f"{noun}.approve"} <= set(access.TABLE)}
    assert lonely == {"small_publication"}  # a lead or an engineer publishes it at once


def test_the_audit_is_only_ever_read() -> None:
    assert [verb for verb in access.TABLE if verb.startswith("audit.")] == ["audit.read"]


@pytest.mark.parametrize(("role", "own", "none", "other"), [("rep", 1, 1, 0), ("lead", 1, 1, 0), ("engineer", 1, 1, 1), ("admin", 1, 1, 1)])
def test_a_right_that_reaches_the_team_ends_there(role: str, own: bool, none: bool, other: bool) -> None:
    def able(team_id: str | None) -> bool:
        try:
            return bool(access.require(someone(role), "conversation.read", team_id=team_id))
        except Denied as denied:
            assert "belongs to another team" in str(denied)
            return False

    assert (able("oak"), able(None), able("fern")) == (own, none, other)


def test_somebody_without_a_team_does_not_reach_a_team() -> None:
    with pytest.raises(Denied, match="belongs to another team"):
        access.require(someone(access.REP, team_id=None), "conversation.read", team_id="oak")


def test_a_denial_says_who_may() -> None:
    with pytest.raises(Denied, match=r"Not done: a rep may not add a label\. Who may: engineer, lead"):
        access.require(someone(access.REP), "label.add")


def test_a_denied_try_is_logged_with_who_and_what(caplog: pytest.LogCaptureFixture) -> None:
    rep = someone(access.REP)
    with caplog.at_level(logging.WARNING, "portal.access"), pytest.raises(Denied):
        access.require(rep, "classifier.approve")
    assert [(rep.id in line, "classifier.approve" in line) for line in caplog.messages] == [(True, True)]
    caplog.clear()
    access.require(rep, "classifier.train")
    assert caplog.messages == []
