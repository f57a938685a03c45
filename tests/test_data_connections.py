"""Where the portal reaches out to: an address and its key are one sealed value, two people put it in force, the environment wins."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from data import access, approvals, audit, config, connections, sealing, settings, store, tasks, tokens
from data.errors import Denied, Refused
from data.intake.connectors import CONNECTORS
from data.tables import Person, Proposal
from data.values import now
from language.call import JOBS
from portal import carrying_out
from tests.conftest import Staff

URL, KEY = "https://models.example.com/v1", "sk-the-key-nobody-is-told"
MODELS = {"triage": "small", "conversation": "large", "accuracy": "thinker"}
DESK, SECRET = "https://ferngrove.zendesk.com", "zd-the-key-nobody-is-told"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    yield
    config.reset()


def in_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    config.reset()


def endpoint(staff: Staff, url: str = URL, key: str = KEY, models: dict[str, str] | None = None, **more: Any) -> Proposal:
    return connections.propose_endpoint(url, key, MODELS if models is None else models, why="To draft.", by=staff.engineer, **more)


def desk(staff: Staff, product: str = "zendesk", url: str = DESK, secret: str = SECRET, **more: Any) -> Proposal:
    return connections.propose_help_desk(product, url, "ada@example.com", secret, why="To read along.", by=staff.engineer, **more)


def in_force(proposal: Proposal, staff: Staff) -> None:
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")


# The model endpoint


def test_an_endpoint_that_two_people_wanted_is_in_force(staff: Staff) -> None:
    assert connections.endpoint() is None
    proposal = endpoint(staff, timeout=20, tokens_per_day=1_000, money_per_day=None, prices={"small": (0.1, 0.4)})
    assert connections.endpoint() is None
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    in_force(proposal, staff)
    found = connections.endpoint()
    assert found is not None and (found.line().url, found.line().key, found.line().models) == (URL, KEY, MODELS)
    assert (found.line().timeout, found.line().prices) == (20, {"small": (0.1, 0.4)})
    assert (found.budget().tokens_per_day, found.budget().money_per_day) == (1_000, None)


def test_who_approves_reads_the_host_and_the_most_that_it_may_cost(staff: Staff) -> None:
    proposal = endpoint(staff, tokens_per_day=5_000, money_per_day=2.5)
    assert proposal.title == "ask the models of models.example.com"
    told = "Redacted conversations could be sent to the models of models.example.com, at most 5,000 tokens and a cost of 2.50 a day."
    assert proposal.evidence["sentence"] == told
    endless = endpoint(staff, url="https://models.example.com:8443/v1", tokens_per_day=None, money_per_day=None)
    assert "models.example.com:8443, without a limit a day" in endless.evidence["sentence"]


def test_one_model_does_every_job_until_others_are_named(staff: Staff) -> None:
    in_force(endpoint(staff, models={"triage": "small", "conversation": " "}), staff)
    found = connections.endpoint()
    assert found is not None and found.models == dict.fromkeys(JOBS, "small")
    in_force(endpoint(staff, models={"conversation": "large", "triage": "small", "poetry": "x"}), staff)
    again = connections.endpoint()
    assert again is not None and set(again.models) == set(JOBS) and again.models["conversation"] == "large"


def test_a_server_that_asks_for_no_key_has_none(staff: Staff) -> None:
    in_force(endpoint(staff, url="http://127.0.0.1:11434/v1", key=""), staff)
    found = connections.endpoint()
    assert found is not None and found.sealed_key == "" and found.line().key == ""


NOT_AN_ENDPOINT = {
    "no address": {"url": " "},
    "no https": {"url": "http://models.example.com/v1"},
    "another scheme": {"url": "ftp://models.example.com/v1"},
    "no host": {"url": "https:models.example.com"},
    "a name before the host": {"url": "https://models.example.com@evil.example/v1"},
    "a name and a password": {"url": "https://a:b@models.example.com/v1"},
    "a question": {"url": "https://models.example.com/v1?x=1"},
    "a fragment": {"url": "https://evil.example#models.example.com/v1"},
    "a backslash": {"url": "https://evil.example\\models.example.com"},
    "letters that look alike": {"url": "https://mоdels.example.com/v1"},  # the first o is Cyrillic
    "a line's end": {"url": "https://models.example.com/v1\nx"},
    "too long": {"url": f"https://models.example.com/{'x' * 600}"},
    "no model": {"models": {}},
    "no model but spaces": {"models": {"triage": " "}},
    "a model without end": {"models": {"triage": "x" * 300}},
    "a key with a space": {"key": "Bearer sk"},
    "a key with a line's end": {"key": "sk\nx"},
    "a key of other letters": {"key": "sk-ключ"},
    "half a character": {"key": "sk-\ud800"},
    "no time": {"timeout": 0},
    "a limit below nothing": {"tokens_per_day": -1},
    "a field that is none": {"mood": "sunny"},
}


def test_what_is_no_endpoint_is_refused_in_words_and_without_the_key(staff: Staff) -> None:
    for what, wrong in NOT_AN_ENDPOINT.items():
        with pytest.raises(Refused, match=r"^Not proposed: ") as refused:
            endpoint(staff, **wrong)
        assert KEY not in str(refused.value) and len(str(refused.value)) < 300, what
    assert approvals.waiting(by=staff.admin) == []


def test_only_engineers_and_admins_propose_a_connection(staff: Staff) -> None:
    for by in (staff.rep, staff.lead, tokens.narrowed(staff.engineer, list(access.SCOPES))):
        with pytest.raises(Denied):
            connections.propose_endpoint(URL, KEY, MODELS, why="x", by=by)
        with pytest.raises(Denied):
            connections.propose_help_desk("zendesk", DESK, "", SECRET, why="x", by=by)
    assert connections.propose_endpoint(URL, KEY, MODELS, why="x", by=staff.admin).state == "open"  # the control


def test_what_the_environment_says_wins_and_cannot_be_changed_here(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(endpoint(staff), staff)
    assert not connections.fixed_by_environment()
    in_environment(monkeypatch, OPENAI_BASE_URL="https://other.example/v1", OPENAI_API_KEY="sk-environment", PORTAL_MODEL="house")
    found = connections.endpoint()
    assert connections.fixed_by_environment() and found is not None
    assert (found.line().url, found.line().key, found.line().models) == (
        "https://other.example/v1",
        "sk-environment",
        dict.fromkeys(JOBS, "house"),
    )
    with pytest.raises(Refused, match="the environment sets the model endpoint"):
        endpoint(staff)


@pytest.mark.parametrize(
    ("said", "pair"),
    [
        ({"OPENAI_BASE_URL": "https://other.example/v1"}, ("https://other.example/v1", "")),
        ({"OPENAI_API_KEY": "sk-environment"}, ("https://api.openai.com/v1", "sk-environment")),
    ],
)
def test_half_an_environment_is_not_filled_up_from_what_was_approved(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], pair: tuple[str, str]
) -> None:
    in_force(endpoint(staff), staff)
    in_environment(monkeypatch, **said)
    found = connections.endpoint()
    assert found is not None and (found.line().url, found.line().key) == pair


@pytest.mark.parametrize("url", ["https://a:b@other.example/v1", "other.example", "https://other.example/v1?key=x"])
def test_an_environment_that_cannot_be_used_is_told_in_words(staff: Staff, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    in_environment(monkeypatch, OPENAI_BASE_URL=url)
    found = connections.endpoint()
    assert found is not None
    with pytest.raises(Refused, match="Nothing was asked: The endpoint's URL reads like"):
        found.line()


# Help desks


def test_a_help_desk_that_two_people_wanted_is_followed_and_asked_at_once(staff: Staff) -> None:
    at = now()
    proposal = desk(staff, days=30, source="tickets", at=at)
    assert connections.help_desks() == {} and connections.who_connected("zendesk") is None
    approvals.approve(proposal.id, by=staff.admin)
    carrying_out.CARRIED_OUT_BY["change_connection"](proposal.id)
    found = connections.help_desks()["zendesk"]
    opened = found.opened()
    assert (opened.url, opened.account, opened.secret, opened.source) == (DESK, "ada@example.com", SECRET, "tickets")
    assert (at - found.since).days == 30 and connections.who_connected("zendesk") == staff.engineer.id
    assert tasks.under_way("pull")


def test_who_approves_reads_from_where_and_how_much_would_come(staff: Staff) -> None:
    proposal = desk(staff, url="https://ferngrove.zendesk.com/agent/", days=7)
    assert proposal.title == "follow Zendesk at ferngrove.zendesk.com"
    assert "of the last 7 days would come in from ferngrove.zendesk.com" in proposal.evidence["sentence"]
    assert proposal.payload["value"]["url"] == DESK


def test_each_product_has_a_connection_of_its_own(staff: Staff) -> None:
    for product in CONNECTORS:
        in_force(desk(staff, product, secret=f"{SECRET}-{product}"), staff)
    found = connections.help_desks()
    assert {product: one.opened().secret for product, one in found.items()} == {product: f"{SECRET}-{product}" for product in CONNECTORS}
    assert {one.source for one in found.values()} == set(CONNECTORS)


NOT_A_DESK = {
    "a product that we do not know": {"product": "deskzen"},
    "no key": {"secret": ""},
    "a key of spaces": {"secret": " \t"},
    "a key with a line's end": {"secret": "zd\r\nX-Other: 1"},
    "a key of other letters": {"secret": "ключ"},
    "no address": {"url": ""},
    "no https": {"url": "http://ferngrove.zendesk.com"},
    "no host": {"url": "https:ferngrove.zendesk.com"},
    "no host at all": {"url": "https://"},
    "a name before the host": {"url": "https://ferngrove.zendesk.com@evil.example"},
    "a question": {"url": "https://evil.example?ferngrove.zendesk.com"},
    "letters that look alike": {"url": "https://ferngrоve.zendesk.com"},  # the o is Cyrillic
    "a bracket": {"url": "https://[ferngrove"},
    "more history than there is": {"days": 3651},
    "less than none": {"days": -1},
    "a source without end": {"source": "x" * 101},
}


def test_what_is_no_help_desk_is_refused_in_words_and_without_the_key(staff: Staff) -> None:
    for what, wrong in NOT_A_DESK.items():
        with pytest.raises(Refused, match=r"^(Not proposed|Zendesk was not asked): ") as refused:
            desk(staff, **wrong)
        assert SECRET not in str(refused.value), what
    assert approvals.waiting(by=staff.admin) == []


# The key


def everything_kept() -> str:
    with store.reading() as db:
        tables = ("setting", "proposal", "approval", "audit_entry", "task", "inbox_item", "comment")
        return " ".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))


def test_the_keys_are_kept_sealed_and_stand_nowhere_else(staff: Staff) -> None:
    in_force(endpoint(staff), staff)
    in_force(desk(staff), staff)
    kept = everything_kept()
    assert "models.example.com" in kept and "ferngrove.zendesk.com" in kept  # the control: it is looked for in the right place
    assert KEY not in kept and SECRET not in kept
    shown = [entry.after for entry in audit.newest(by=staff.admin) if entry.noun == "setting"]
    assert {str(after.get("sealed_key") or after.get("sealed_secret")) for after in shown if after} == {"(sealed)"}
    for one in (connections.endpoint(), connections.help_desks()["zendesk"]):
        assert KEY not in repr(one) + str(one) and SECRET not in repr(one) + str(one)


def test_a_key_that_is_carried_over_to_another_address_does_not_open(staff: Staff) -> None:
    in_force(endpoint(staff), staff)
    in_force(desk(staff), staff)
    found, followed = connections.endpoint(), connections.help_desks()["zendesk"]
    assert found is not None and (found.line().key, followed.opened().secret) == (KEY, SECRET)  # the control
    for moved in (found.model_copy(update={"url": "https://evil.example/v1"}), found.model_copy(update={"url": URL + "/"})):
        with pytest.raises(Refused, match="the key that is kept is not of this address"):
            moved.line()
    with pytest.raises(Refused, match="the key that is kept is not of this address"):
        followed.model_copy(update={"url": "https://evil.example"}).opened()
    with pytest.raises(Refused, match="is not of this address"):  # nor do they open in each other's place
        found.model_copy(update={"sealed_key": followed.sealed_secret}).line()
    with pytest.raises(Refused, match="is not of this address"):
        found.model_copy(update={"sealed_key": sealing.seal(KEY, settings.SEALED)}).line()


def test_of_two_that_were_proposed_at_once_the_second_is_proposed_again(staff: Staff) -> None:
    first, second = endpoint(staff), endpoint(staff, url="https://other.example/v1", key="sk-other")
    in_force(second, staff)
    approvals.approve(first.id, by=staff.admin)
    with pytest.raises(Refused, match="was changed after this was proposed"):
        settings.carry_out(first.id, "change_connection")
    found = connections.endpoint()
    assert found is not None and found.line().key == "sk-other"


def test_who_proposes_does_not_approve(staff: Staff) -> None:
    def connect(by: Person) -> Proposal:
        return connections.propose_endpoint(URL, KEY, MODELS, why="x", by=by)

    with pytest.raises(Denied):
        approvals.approve(connect(staff.admin).id, by=staff.admin)
    assert connections.endpoint() is None
    in_force(connect(staff.engineer), staff)
    assert connections.endpoint() is not None  # the control
