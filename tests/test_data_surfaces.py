"""Surface tokens: asked for by an engineer, agreed to by an admin, bound to exact origins, and ended at once."""

import hmac
from datetime import timedelta

import pytest
from sqlalchemy import text

from data import access, approvals, people, sealing, store, surfaces, tokens
from data.errors import Denied, Refused
from data.tables import Surface
from data.values import now
from portal import carrying_out
from tests.conftest import Staff

SHOP = "https://shop.example.com"


def issued(staff: Staff, origins: list[str] | None = None, **more: object) -> str:
    return surfaces.issue("Shop", origins or [SHOP], staff.engineer, by=people.console(), **more)  # type: ignore[arg-type]


def test_a_surface_opens_once_an_admin_said_yes_and_not_before(staff: Staff) -> None:
    proposal, secret = surfaces.propose("Shop", [SHOP], why="Customers ask there.", by=staff.engineer)
    assert surfaces.opened(secret) is None
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    approvals.approve(proposal.id, by=staff.admin)
    assert surfaces.opened(secret) is None and not surfaces.any_at(SHOP)
    carrying_out.carry_out(proposal.id, by=staff.admin, progress=lambda _share, _doing: None)
    opened = surfaces.opened(secret)
    assert opened is not None and (opened.person.id, opened.surface.origins) == (staff.engineer.id, [SHOP])
    assert surfaces.any_at(SHOP) and not surfaces.any_at("https://other.example.com")
    with pytest.raises(Refused, match="is done"):
        surfaces.issue_approved(proposal.id)


def test_whoever_proposed_a_surface_does_not_approve_it(staff: Staff) -> None:
    proposal, _ = surfaces.propose("Shop", [SHOP], why="Customers ask there.", by=staff.engineer)
    with pytest.raises(Refused):
        approvals.approve(proposal.id, by=staff.engineer)
    for by in (staff.rep, staff.lead, staff.admin, tokens.narrowed(staff.engineer, list(access.SCOPES))):
        with pytest.raises(Denied):
            surfaces.propose("Shop", [SHOP], why="Customers ask there.", by=by)


def test_a_surface_token_is_no_programs_token_nor_the_other_way_round(staff: Staff) -> None:
    secret, program = issued(staff), tokens.issue("crm", ["ingest"], staff.engineer, by=people.console())
    assert surfaces.opened(secret) is not None and tokens.person_of(program) is not None  # the control
    assert tokens.person_of(secret) is None and surfaces.opened(program) is None


def test_what_is_done_for_a_visitor_needs_no_more_than_it_takes(staff: Staff) -> None:
    opened = surfaces.opened(issued(staff))
    assert opened is not None
    able = {verb for verb in access.TABLE if access.may(opened.person, verb)}
    assert able == {"agent.run", "automation.read", "conversation.read", "api.ingest", "conversation.import"}


def test_the_token_itself_is_kept_nowhere(staff: Staff) -> None:
    proposal, secret = surfaces.propose("Shop", [SHOP], why="Customers ask there.", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    made = surfaces.issue_approved(proposal.id)
    with store.reading() as db:
        tables = ("surface", "proposal", "audit_entry", "task", "inbox_item")
        kept = " ".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))
    assert made.token_sha in kept and SHOP in kept  # the control: it is looked for in the right place
    assert secret.removeprefix(surfaces.PREFIX) not in kept and surfaces.identity_key(secret) not in kept


@pytest.mark.parametrize(
    "told",
    [
        "http://shop.example.com", "https://*.example.com", "https://shop.example.com/path", "https://shop.example.com?x", "*", "null",
        "https://", "https://shop.example.com:0", "https://shop.example.com:123456", "https://user@shop.example.com", "//shop.example.com",
        "https://shop_1.example.com", "https://müller.example.com", "javascript:alert(1)", "https://shop.example.com https://b.example.com",
        "https://.example.com", "https://-shop.example.com", "file:///etc", "https://shop.example.com\n", "https://shop.example.com#",
    ],
)  # fmt: skip
def test_what_is_no_origin_gets_no_token(staff: Staff, told: str) -> None:
    if told.strip() == SHOP:
        assert surfaces.opened(issued(staff, [told])) is not None  # a line's end is no part of it
        return
    with pytest.raises(Refused, match="is no origin"):
        issued(staff, [told])


def test_an_origin_is_kept_as_a_browser_names_it(staff: Staff) -> None:
    opened = surfaces.opened(issued(staff, ["https://Shop.Example.com/", "https://shop.example.com:443", "https://b.example.com:8443"]))
    assert opened is not None and opened.surface.origins == [SHOP, "https://b.example.com:8443"]
    near = (
        None,
        "",
        "null",
        f"{SHOP}.evil.example",
        "https://evil.example",
        "http://shop.example.com",
        f"{SHOP}:8443",
        f"{SHOP}/",
        SHOP.upper(),
    )
    assert opened.is_at(SHOP) and not any(opened.is_at(one) for one in near)


def test_pages_on_this_machine_are_for_the_demo(staff: Staff) -> None:
    with pytest.raises(Refused, match="for the demo"):
        issued(staff, ["http://127.0.0.1:8600"])
    people.add("Dora", "dora@example.com", "rep", by=people.console(), demo=True)
    assert surfaces.opened(issued(staff, ["http://127.0.0.1:8600"])) is not None
    with pytest.raises(Refused, match="is no origin"):
        issued(staff, ["http://10.0.0.1:8600"])


@pytest.mark.parametrize(
    ("name", "origins", "days", "told"),
    [
        (" ", [SHOP], 9, "give it a name"), ("x", [], 9, "1 to 10 origins, not 0"), ("x", ["", " "], 9, "not 0"), ("x", [SHOP], 0, "not 0"),
        ("x", [f"https://s{number}.example.com" for number in range(11)], 9, "not 11"), ("x", [SHOP], 366, "not 366"),
    ],
)  # fmt: skip
def test_what_makes_no_surface_is_refused_in_words(staff: Staff, name: str, origins: list[str], days: int, told: str) -> None:
    with pytest.raises(Refused, match=told):
        surfaces.propose(name, origins, why="x", by=staff.engineer, days=days)
    with pytest.raises(Refused, match=told):
        surfaces.issue(name, origins, staff.engineer, by=people.console(), days=days)


def test_a_surface_ends_when_it_is_revoked_too_old_or_nobodys(staff: Staff) -> None:
    old, revoked, left, kept = (issued(staff, at=now() - timedelta(days=364 + day)) for day in (2, 0, 0, 0))
    assert surfaces.opened(old) is None and surfaces.opened(revoked) is not None
    ids = {surface.token_sha: surface.id for surface, _ in surfaces.all_surfaces(by=staff.lead)}
    with pytest.raises(Denied):
        surfaces.revoke(ids[sealing.sha(revoked)], by=staff.rep)
    surfaces.revoke(ids[sealing.sha(revoked)], by=staff.lead)
    assert surfaces.opened(revoked) is None and surfaces.opened(kept) is not None
    with pytest.raises(Refused, match="opens nothing any more"):
        surfaces.revoke(ids[sealing.sha(revoked)], by=staff.lead)
    people.disable(staff.engineer.id, by=staff.admin)
    assert surfaces.opened(left) is None and not surfaces.any_at(SHOP)


def test_only_the_pages_own_server_vouches_for_a_customer(staff: Staff) -> None:
    secret, other = issued(staff), issued(staff)
    opened = surfaces.opened(secret)
    assert opened is not None

    def signed(customer: str, key: str) -> str:
        return hmac.new(key.encode(), customer.encode(), "sha256").hexdigest()

    right = signed("c-1", surfaces.identity_key(secret))
    assert opened.vouches("c-1", right)
    elsewhere = [signed("c-2", surfaces.identity_key(secret)), signed("c-1", surfaces.identity_key(other)), signed("c-1", secret)]
    wrong = ["", "0" * 64, right[:-1], right.upper(), "é", *elsewhere]
    assert not any(opened.vouches("c-1", one) for one in wrong) and not opened.vouches("c-2", right)


def test_its_last_use_is_known(staff: Staff) -> None:
    secret = issued(staff)

    def used() -> object:
        (found,) = surfaces.all_surfaces(by=staff.admin)
        made: Surface = found[0]
        return made.used_at

    assert used() is None
    surfaces.opened(secret)
    assert used() is not None
