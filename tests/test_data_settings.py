"""Settings that two people change: numbered, sealed where they are secret, and never changed behind anybody's back."""

from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text, update
from sqlmodel import col

from data import approvals, audit, config, people, sealing, settings, store
from data.errors import Denied, Refused
from data.settings import CompanySignIn, Gate
from data.tables import Person, Proposal
from data.values import now
from tests.conftest import Staff

SECRET = "the client's own secret"
GATE = Gate(eval_set_id="1", eval_set="Golden", bar=0.9)


def proposed_sign_in(by: Person, issuer: str = "https://idp.example", secret: str = SECRET) -> Proposal:
    return settings.propose_company_sign_in(issuer, "portal", secret, "Ferngrove", why="Everybody has one.", by=by)


def proposed_gate(by: Person, bar: float = 0.9) -> Proposal:
    return settings.propose_gate(GATE.model_copy(update={"bar": bar}), told="Releases must pass.", why="x", by=by)


def test_a_gate_is_in_force_once_a_second_person_said_yes(staff: Staff) -> None:
    proposal = proposed_gate(staff.lead)
    assert settings.gate() is None
    with pytest.raises(Refused, match="is open"):
        settings.carry_out(proposal.id, "change_gate")
    approvals.approve(proposal.id, by=staff.engineer)
    row = settings.carry_out(proposal.id, "change_gate")
    assert settings.gate() == GATE and (row.number, row.proposal_id, row.by_person_id) == (1, proposal.id, staff.engineer.id)
    with pytest.raises(Refused, match="is done"):
        settings.carry_out(proposal.id, "change_gate")


def test_the_history_keeps_every_value(staff: Staff) -> None:
    for bar in (0.8, 0.9, 0.95):
        proposal = proposed_gate(staff.lead, bar)
        approvals.approve(proposal.id, by=staff.other)
        settings.carry_out(proposal.id, "change_gate")
    assert [(row.number, row.value["bar"]) for row in settings.history("gate")] == [(3, 0.95), (2, 0.9), (1, 0.8)]


def test_what_was_changed_in_between_is_not_written_over(staff: Staff) -> None:
    first, second = proposed_gate(staff.lead, 0.8), proposed_gate(staff.lead, 0.5)
    for proposal in (first, second):
        approvals.approve(proposal.id, by=staff.other)
    settings.carry_out(first.id, "change_gate")
    with pytest.raises(Refused, match=r"'gate' was changed after this was proposed\. Look at it and propose again"):
        settings.carry_out(second.id, "change_gate")
    assert settings.gate() == GATE.model_copy(update={"bar": 0.8})


def test_a_proposal_of_one_kind_is_not_carried_out_as_another(staff: Staff) -> None:
    proposal = proposed_gate(staff.lead)
    approvals.approve(proposal.id, by=staff.other)
    for kind in ("change_connection", "emergency", "grant_role"):
        with pytest.raises(Refused, match="Not carried out"):
            settings.carry_out(proposal.id, kind)


@pytest.mark.parametrize("bar", [0.0, -0.1, 1.01, float("nan")])
def test_a_bar_is_a_share(bar: float) -> None:
    with pytest.raises(ValueError, match="bar"):
        Gate(eval_set_id="1", eval_set="Golden", bar=bar)


def test_who_may_not_propose_a_setting_does_not(staff: Staff) -> None:
    for act in (
        lambda: proposed_gate(staff.rep),
        lambda: proposed_gate(staff.admin),
        lambda: proposed_sign_in(staff.lead),
        lambda: settings.propose_emergency(why="x", by=staff.engineer),
        lambda: settings.propose_emergency(why="x", by=staff.lead),
    ):
        with pytest.raises(Denied):
            act()


# The company's sign-in


def in_force(staff: Staff) -> CompanySignIn | None:
    proposal = proposed_sign_in(staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")
    return settings.company_sign_in()


def test_the_client_secret_is_sealed_wherever_it_is_kept(staff: Staff) -> None:
    found = in_force(staff)
    assert found is not None and found.secret() == SECRET and found.issuer == "https://idp.example"
    with store.reading() as db:
        tables = ("setting", "proposal", "audit_entry", "task", "inbox_item")
        kept = " ".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))
    assert "https://idp.example" in kept and found.sealed_secret in kept  # the control
    assert SECRET not in kept
    assert found.sealed_secret not in " ".join(str(entry) for entry in audit.newest(by=staff.admin))


@pytest.mark.parametrize(
    ("issuer", "secret", "told"),
    [
        ("https://idp.example", " ", "the client secret is empty"),
        ("idp.example", SECRET, "issuer cannot be used"),
        ("javascript:alert(1)", SECRET, "issuer cannot be used"),
        ("https://idp.example/a b", SECRET, "issuer cannot be used"),
        ("http://idp.example", SECRET, "must begin with https"),
        ("http://127.0.0.1.idp.example", SECRET, "must begin with https"),
        ("http://127.0.0.1@idp.example", SECRET, "must begin with https"),
        ("http://[", SECRET, "must begin with https"),
    ],
)
def test_what_is_no_safe_provider_is_not_proposed(staff: Staff, issuer: str, secret: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        proposed_sign_in(staff.engineer, issuer, secret)


def test_an_issuer_is_kept_as_it_calls_itself(staff: Staff) -> None:
    """Some end with a slash, and what they sign says so."""
    assert proposed_sign_in(staff.engineer, " https://idp.example/ ").payload["value"]["issuer"] == "https://idp.example/"


def test_address_client_and_secret_change_together_or_not_at_all(staff: Staff) -> None:
    """SAFETY 7: a stored secret does not follow to another address."""
    proposal = proposed_sign_in(staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    for field in ("issuer", "client_id", "sealed_secret"):
        value = proposal.payload["value"] | {field: "https://evil.example"}
        with store.writing() as db:
            db.execute(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload=proposal.payload | {"value": value}))
        with pytest.raises(Refused, match="is not what was approved"):
            settings.carry_out(proposal.id, "change_connection")
    assert settings.company_sign_in() is None


def test_what_the_environment_says_wins(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(staff)
    for name, value in (("ISSUER", "https://other.example"), ("CLIENT_ID", "c"), ("CLIENT_SECRET", "from the environment")):
        monkeypatch.setenv(f"PORTAL_OIDC_{name}", value)
    config.reset()
    found = settings.company_sign_in()
    assert found is not None and (found.issuer, found.client_id, found.secret()) == ("https://other.example", "c", "from the environment")
    with pytest.raises(Refused, match="the environment sets the company sign-in"):
        proposed_sign_in(staff.engineer)


def test_a_sealed_value_opens_for_its_own_purpose_only(staff: Staff) -> None:
    found = in_force(staff)
    assert found is not None
    for purpose in ("name", "seal", "company sign-in"):
        with pytest.raises(InvalidTag):
            sealing.unseal(found.sealed_secret, purpose)
    assert sealing.unseal(found.sealed_secret, settings.SEALED) == SECRET


# The hour


def test_an_emergency_lasts_an_hour_from_when_it_begins(staff: Staff) -> None:
    amir = people.add("Amir", "amir@example.com", "admin", by=people.console())
    proposal = settings.propose_emergency(why="All leads are ill.", by=staff.admin)
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.admin)
    approvals.approve(proposal.id, by=amir)
    began = now() + timedelta(hours=3)
    settings.carry_out(proposal.id, "emergency", at=began)
    with store.reading() as db:
        until = [settings.emergency_until(db, at=began + timedelta(minutes=minutes)) for minutes in (0, 59, 60)]
    assert until == [began + timedelta(hours=1)] * 2 + [None]
