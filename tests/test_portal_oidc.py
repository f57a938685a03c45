"""Signing in through the company: what comes back is believed only as far as it is proved. The attacks are in tests/attacks."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from data import people, sealing, sessions
from data.errors import Refused
from data.settings import SEALED, CompanySignIn
from data.tables import Person
from portal import oidc
from tests import provider as company
from tests.conftest import Staff
from tests.provider import Provider
from tests.server import in_a_loop

BACK = "http://127.0.0.1:1/auth/company/back"


@pytest.fixture(scope="module")
def one_provider() -> Iterator[Provider]:
    with company.running() as found:
        yield found


@pytest.fixture
def provider(one_provider: Provider) -> Provider:
    one_provider.reset()
    return one_provider


def agreed(provider: Provider, **other: str) -> CompanySignIn:
    told = {"issuer": provider.issuer, "client_id": company.CLIENT, "sealed_secret": sealing.seal(company.SECRET, SEALED)}
    return CompanySignIn(**told | other)


def left(provider: Provider, **asked: str) -> tuple[dict[str, str], str]:
    """Off to the company, which says yes: what the browser brings back, and its cookie."""
    address, sealed = in_a_loop(lambda: oidc.leave(agreed(provider), oidc.Asked(**{"onward": "/review", **asked}), BACK))
    answer = httpx.get(address)
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}, sealed


def came_back(provider: Provider, told: dict[str, str], sealed: str) -> tuple[oidc.Asked, dict[str, Any]]:
    return in_a_loop(lambda: oidc.come_back(agreed(provider), told, sealed, BACK))


def signed_in(provider: Provider, cookie: str = "", **asked: str) -> Person:
    remembered, claims = came_back(provider, *left(provider, **asked))
    return oidc.person_of(agreed(provider), remembered, claims, cookie)


def test_a_linked_account_signs_in_and_goes_on_where_it_was_headed(staff: Staff, provider: Provider) -> None:
    people.link(staff.rep, provider.issuer, provider.subject)
    asked, claims = came_back(provider, *left(provider, onward="/review?id=7"))
    assert asked.onward == "/review?id=7" and claims["sub"] == provider.subject
    assert oidc.person_of(agreed(provider), asked, claims, "").id == staff.rep.id


def test_it_leaves_with_state_nonce_and_a_challenge_and_remembers_them_sealed(home: object, provider: Provider) -> None:
    address, sealed = in_a_loop(lambda: oidc.leave(agreed(provider), oidc.Asked("/"), BACK))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", company.CLIENT)
    assert set(asked["scope"].split()) == {"openid", "email"} and company.SECRET not in address
    remembered = oidc._unsealed(sealed)
    assert min(len(remembered[name]) for name in ("state", "nonce", "verifier")) >= 43
    assert asked["state"] == remembered["state"] and remembered["verifier"] not in address and remembered["verifier"] not in sealed


def test_nobody_is_found_by_their_address(staff: Staff, provider: Provider) -> None:
    """The provider says that it is Rita's address, and verified. The control: what is linked is found, whatever the address."""
    with pytest.raises(Refused, match="no account here is linked to that company account"):
        signed_in(provider)
    people.link(staff.rep, provider.issuer, provider.subject)
    provider.more_claims = {"email": staff.admin.email, "email_verified": True, "role": "admin", "groups": ["admin"]}
    assert (signed_in(provider).name, signed_in(provider).role) == ("Rita", "rep")


def test_who_is_signed_in_links_their_account(staff: Staff, provider: Provider) -> None:
    cookie = sessions.start(staff.rep)
    session = sessions.of_cookie(cookie)
    assert session is not None
    assert signed_in(provider, cookie, session_id=session.id).id == staff.rep.id
    assert signed_in(provider).id == staff.rep.id


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_is_not_verified_links_nothing(staff: Staff, provider: Provider, verified: object) -> None:
    provider.more_claims = {"email": "rita@example.com"} | ({} if verified is None else {"email_verified": verified})
    cookie = sessions.start(staff.rep)
    session = sessions.of_cookie(cookie)
    assert session is not None
    for asked in ({"session_id": session.id}, {"ticket": people.invite(staff.lead.id, by=staff.admin)}):
        with pytest.raises(Refused, match="verified"):
            signed_in(provider, cookie, **asked)
    assert people.by_company_account(provider.issuer, provider.subject) is None


def test_linking_ends_with_the_sign_in_that_began_it(staff: Staff, provider: Provider) -> None:
    mine, others = sessions.start(staff.rep), sessions.start(staff.lead)
    session = sessions.of_cookie(mine)
    assert session is not None
    for cookie in ("", others):
        with pytest.raises(Refused, match="you are signed out here"):
            signed_in(provider, cookie, session_id=session.id)
    sessions.end(session.id)
    with pytest.raises(Refused, match="you are signed out here"):
        signed_in(provider, mine, session_id=session.id)
    assert people.by_company_account(provider.issuer, provider.subject) is None


def test_an_invitation_is_taken_up_with_the_company_account_once(staff: Staff, provider: Provider) -> None:
    ticket = people.invite(staff.rep.id, by=staff.admin)
    assert signed_in(provider, ticket=ticket).id == staff.rep.id
    provider.subject = "somebody else"
    with pytest.raises(Refused, match="This link opens nothing"):
        signed_in(provider, ticket=ticket)


def test_the_answer_belongs_to_the_browser_and_the_try_that_asked(home: object, provider: Provider) -> None:
    told, sealed = left(provider)
    other_told, other_sealed = left(provider)
    for wrong, cookie in ((told, other_sealed), (other_told, sealed), ({"code": told["code"]}, sealed), (told | {"state": "é"}, sealed)):
        with pytest.raises(Refused, match="the answer belongs to another try"):
            came_back(provider, wrong, cookie)
    for cookie in ("", "x", "00" * 40, sealed[:-2] + "00", sealing.seal("{}", "another purpose")):
        with pytest.raises(Refused, match="this browser does not remember asking"):
            came_back(provider, told, cookie)
    assert came_back(provider, told, sealed)  # the control, and once
    with pytest.raises(Refused):
        came_back(provider, told, sealed)


def test_ten_minutes_are_enough(home: object, provider: Provider) -> None:
    told, sealed = left(provider)
    kept = sealing.unseal(sealed, oidc.SEALED)
    until = float(oidc._unsealed(sealed)["until"])
    assert 590 < until - time.time() <= 600
    old = sealing.seal(kept.replace(str(until), str(time.time() - 1)), oidc.SEALED)
    with pytest.raises(Refused, match="longer than ten minutes"):
        came_back(provider, told, old)


def test_a_no_over_there_is_told_in_words(home: object, provider: Provider) -> None:
    told, sealed = left(provider)
    with pytest.raises(Refused, match="did not say yes"):
        came_back(provider, {"state": told["state"], "error": "access_denied"}, sealed)
    with pytest.raises(Refused, match="came from another issuer"):
        came_back(provider, told | {"iss": "https://other.example"}, sealed)


PATHS = ["/.well-known/openid-configuration", "/jwks_uri", "/token_endpoint"]
ANSWERS = {
    "a fault": (500, b"{}"), "nothing": (200, b""), "a page": (200, b"<html>"), "a list": (200, b"[]"), "a word": (200, b'"x"'),
    "a number": (200, b"7"), "null": (200, b"null"), "nesting": (200, b"[" * 100_000), "bytes": (200, b"\xff\xfe"),
    "too much": (200, b" " * 600_000),
    "keys that are none": (200, b'{"keys": ["x", 7, null, {}]}'), "keys as a word": (200, b'{"keys": "x"}'), "elsewhere": (302, b""),
    "an odd token": (200, b'{"id_token": {"a": [1]}}'),
}  # fmt: skip


@pytest.mark.parametrize("what", list(ANSWERS))
def test_a_provider_that_answers_nonsense_signs_nobody_in_and_is_no_fault_of_ours(staff: Staff, provider: Provider, what: str) -> None:
    people.link(staff.rep, provider.issuer, provider.subject)
    for path in PATHS:
        told, sealed = left(provider)
        provider.raw = {path: ANSWERS[what]}
        with pytest.raises(Refused, match="You are not signed in"):
            came_back(provider, told, sealed)
        provider.raw = {}
    assert signed_in(provider).id == staff.rep.id  # the control


def test_a_provider_that_is_gone_is_told_in_words(home: object, provider: Provider) -> None:
    gone = agreed(provider, issuer="http://127.0.0.1:1")
    with pytest.raises(Refused, match="does not answer as it should"):
        in_a_loop(lambda: oidc.leave(gone, oidc.Asked("/"), BACK))


@pytest.mark.parametrize("issuer", ["http://idp.example", "http://10.0.0.1", "http://[", "http://127.0.0.1@idp.example"])
def test_a_provider_without_https_is_not_even_asked(home: object, provider: Provider, issuer: str) -> None:
    with pytest.raises(Refused, match="does not speak https"):
        in_a_loop(lambda: oidc.leave(agreed(provider, issuer=issuer), oidc.Asked("/"), BACK))


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_endpoint_without_https_is_not_spoken_to(home: object, provider: Provider, endpoint: str) -> None:
    told, sealed = left(provider)
    for address in ("http://idp.example/x", "", "ftp://127.0.0.1/x", "javascript://127.0.0.1/%0aalert(1)", 7):
        provider.discovery = {endpoint: address}
        with pytest.raises(Refused, match="does not speak https"):
            if endpoint == "authorization_endpoint":
                in_a_loop(lambda: oidc.leave(agreed(provider), oidc.Asked("/"), BACK))
            else:
                came_back(provider, told, sealed)
        told, sealed = (told, sealed) if endpoint == "authorization_endpoint" else _fresh(provider)


def _fresh(provider: Provider) -> tuple[dict[str, str], str]:
    provider.discovery = {}
    return left(provider)


def test_a_provider_that_calls_itself_by_another_name_is_not_believed(home: object, provider: Provider) -> None:
    told, sealed = left(provider)
    for name in ("https://other.example", provider.issuer + "/", "", None):
        provider.discovery = {"issuer": name}
        with pytest.raises(Refused, match="calls itself by another name"):
            came_back(provider, told, sealed)
