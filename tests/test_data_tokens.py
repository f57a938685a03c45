"""Tokens: an engineer asks, an admin says yes, a program may less than its person, and revoking ends it at once."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlmodel import col

from data import access, approvals, audit, people, store, tokens
from data.errors import Denied, Refused
from data.tables import Person, Token
from data.values import now
from tests.conftest import Staff


def approved(staff: Staff, scopes: list[str], days: int = 90) -> tuple[str, Token]:
    proposal, secret = tokens.propose("nightly import", scopes, why="The help desk sends.", by=staff.engineer, days=days)
    approvals.approve(proposal.id, by=staff.admin)
    return secret, tokens.issue_approved(proposal.id)


def test_a_token_opens_once_an_admin_said_yes_and_not_before(staff: Staff) -> None:
    proposal, secret = tokens.propose("import", ["ingest"], why="x", by=staff.engineer)
    assert tokens.person_of(secret) is None
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    with pytest.raises(Refused, match="is open"):
        tokens.issue_approved(proposal.id)
    approvals.approve(proposal.id, by=staff.admin)
    assert tokens.person_of(secret) is None
    tokens.issue_approved(proposal.id)
    acts_as = tokens.person_of(secret)
    assert acts_as is not None and (acts_as.id, acts_as.scopes) == (staff.engineer.id, frozenset({"ingest"}))
    with pytest.raises(Refused, match="is done"):
        tokens.issue_approved(proposal.id)


def test_the_token_itself_is_kept_nowhere(staff: Staff) -> None:
    secret, token = approved(staff, ["read"])
    with store.reading() as db:
        kept = " ".join(
            str(row)
            for table in ("token", "proposal", "audit_entry", "task", "inbox_item")
            for row in db.execute(text(f"SELECT * FROM {table}"))
        )
    assert token.token_sha in kept and "nightly import" in kept  # the control: it is looked for in the right place
    assert secret not in kept and secret.removeprefix(tokens.PREFIX) not in kept


@pytest.mark.parametrize(
    ("name", "scopes", "days", "told"),
    [
        (" ", ["read"], 90, "give it a name"),
        ("x", [], 90, "it has no scope"),
        ("x", ["read", "everything"], 90, "there is no scope 'everything'"),
        ("x", ["read"], 0, "from 1 to 365 days, not 0"),
        ("x", ["read"], 366, "not 366"),
        ("x", ["read"], -1, "not -1"),
    ],
)
def test_what_makes_no_token_is_refused_in_words(staff: Staff, name: str, scopes: list[str], days: int, told: str) -> None:
    for act in (
        lambda: tokens.propose(name, scopes, why="x", by=staff.engineer, days=days),
        lambda: tokens.issue(name, scopes, staff.engineer, by=people.console(), days=days),
    ):
        with pytest.raises(Refused, match=told):
            act()


def test_who_may_not_ask_for_a_token_gets_none(staff: Staff) -> None:
    for by in (staff.rep, staff.lead, staff.admin, tokens.narrowed(staff.engineer, ["read"])):
        with pytest.raises(Denied):
            tokens.propose("x", ["read"], why="x", by=by)
        with pytest.raises(Denied):
            tokens.issue("x", ["read"], staff.engineer, by=by)


def test_a_token_never_may_more_than_its_person_nor_than_its_scopes(staff: Staff) -> None:
    for person in (staff.rep, staff.lead, staff.engineer, staff.admin, people.console()):
        for scope, verbs in access.SCOPES.items():
            program = tokens.narrowed(person, [scope])
            for verb in access.TABLE:
                assert access.may(program, verb) == (verb in verbs and access.may(person, verb)), (person.role, scope, verb)


def test_a_token_neither_approves_nor_proposes_nor_touches_people(staff: Staff) -> None:
    every_scope = list(access.SCOPES)
    weighty = [verb for verb in access.TABLE if verb.split(".")[1] in ("approve", "add", "change", "disable", "grant", "issue", "revoke")]
    weighty += [verb for verb in access.TABLE if verb.endswith(".propose") and not verb.endswith("refund.propose")]
    weighty = [*(verb for verb in weighty if verb != "monitor.change"), "monitor.arm"]  # it may watch; what acts by itself a person arms
    for person in (staff.lead, staff.engineer, staff.admin):
        program = tokens.narrowed(person, every_scope)
        assert len(weighty) > 20 and [verb for verb in weighty if access.may(program, verb)] == []


def test_a_token_follows_what_becomes_of_its_person(staff: Staff) -> None:
    secret, _ = approved(staff, ["ingest"])
    assert access.may(tokens.person_of(secret), "api.ingest")  # type: ignore[arg-type]
    people.set_role(staff.engineer.id, "rep", by=staff.admin)
    assert not access.may(tokens.person_of(secret), "api.ingest")  # type: ignore[arg-type]
    people.disable(staff.engineer.id, by=staff.admin)
    assert tokens.person_of(secret) is None


def test_a_token_ends_by_itself(staff: Staff) -> None:
    over = tokens.issue("x", ["read"], staff.engineer, by=people.console(), days=1, at=now() - timedelta(days=1, seconds=1))
    almost = tokens.issue("x", ["read"], staff.engineer, by=people.console(), days=1, at=now() - timedelta(hours=23))
    assert tokens.person_of(over) is None and tokens.person_of(almost) is not None


def test_revoking_ends_it_at_once_for_who_may(staff: Staff) -> None:
    for by in (staff.lead, staff.engineer, staff.admin, people.console()):
        secret, token = approved(staff, ["read"])
        with pytest.raises(Denied):
            tokens.revoke(token.id, by=staff.rep)
        assert tokens.person_of(secret) is not None
        tokens.revoke(token.id, by=by)
        assert tokens.person_of(secret) is None
        with pytest.raises(Refused, match="opens nothing any more"):
            tokens.revoke(token.id, by=by)
    assert audit.newest(by=staff.admin)[0].sentence == "Revoked the token 'nightly import'."
    assert len(tokens.all_tokens(by=staff.lead)) == 4
    with pytest.raises(Denied):
        tokens.all_tokens(by=staff.rep)


def test_a_rep_revokes_their_own(staff: Staff) -> None:
    secret = tokens.issue("x", ["read"], staff.rep, by=people.console())
    (token, owner), *_ = tokens.all_tokens(by=staff.admin)
    assert owner == staff.rep
    tokens.revoke(token.id, by=staff.rep)
    assert tokens.person_of(secret) is None


def used_at(person: Person) -> list[object]:
    return [token.used_at for token, owner in tokens.all_tokens(by=person) if owner]


def test_its_last_use_is_known_to_the_minute(staff: Staff) -> None:
    secret, token = approved(staff, ["read"])
    assert used_at(staff.admin) == [None]
    tokens.person_of(secret)
    first = used_at(staff.admin)
    tokens.person_of(secret)
    assert first != [None] and used_at(staff.admin) == first
    with store.writing() as db:
        db.execute(update(Token).where(col(Token.id) == token.id).values(used_at=now() - timedelta(minutes=2)))
    tokens.person_of(secret)
    assert used_at(staff.admin) != first
