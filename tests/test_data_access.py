"""Who may do what: the table, the one check, and that code and table name the same verbs."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import access, approvals
from data.config import ROOT
from data.errors import Denied
from data.tables import Person
from data.values import now

FOLDERS = ("portal", "automations", "knowledge", "classifiers", "evals", "data")
ASKS = {"require": 1, "may": 1, "reach": 1, "within_reach": 2}  # function -> place of the verb among its arguments

# The safety notes' access table, once more and by hand: a right is loosened in two places or not at all. "-" is no right.
ROLES = (access.REP, access.LEAD, access.ENGINEER, access.ADMIN, access.CONSOLE)
SAFETY = {
    "conversation.read": "team team all all -",
    "review.record": "team team all - -",
    "example.flag": "team team all - -",
    "classifier.train": "all all all - -",
    "classifier.propose": "all all all - -",
    "classifier.approve": "- all all - -",
    "classifier.roll_back": "- all all all -",
    "conversation.import": "own team all all all",
    "dataset.build": "own team all - all",
    "person.add": "- - - all all",
    "person.grant_lead_or_admin": "- - - - all",
    "audit.read": "own team all all all",
}


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


def test_every_verb_that_the_code_asks_for_stands_in_the_table() -> None:
    strays = {verb: path.name for path in sources() for verb in asked(path.read_text()) if verb not in access.TABLE}
    assert strays == {}
    assert set(approvals.RIGHT.values()) <= set(access.TABLE)


def test_every_verb_in_the_table_is_asked_for_somewhere() -> None:
    named = set().union(*(literals(path.read_text()) for path in sources()))
    assert set(access.TABLE) - named == set()


def test_the_search_for_verbs_sees_each_way_of_asking() -> None:
    """The control of the two tests above: a verb without a row would be found."""
    ways = (
        'access.require(by, "ghost.haunt")', 'if access.may(by, "ghost.haunt"): pass', 'reach = access.reach(by, "ghost.haunt")',
        'conversations.within_reach(db, made, "ghost.haunt", by=by)', 'require(by, verb="ghost.haunt", team_id=None)',
        'def verb_of(*, by, verb="ghost.haunt"): pass', 'examples.for_training("intent", by=by, verb="ghost.haunt")',
    )  # fmt: skip
    assert [list(asked(way)) for way in ways] == [["ghost.haunt"]] * len(ways)


@pytest.mark.parametrize("verb", SAFETY)
def test_the_rights_are_those_of_the_safety_notes(verb: str) -> None:
    said = " ".join(access.reach(someone(role), verb) or "-" for role in ROLES)
    assert said == SAFETY[verb]


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


def test_neither_admin_nor_console_approves() -> None:
    approving = [verb for verb in access.TABLE if verb.endswith(".approve")]
    assert approving
    assert not any(access.may(someone(role), verb) for role in (access.ADMIN, access.CONSOLE) for verb in approving)


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
