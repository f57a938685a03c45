"""Signing in through the company (OpenID Connect, code flow with PKCE). What comes back is believed only as far as it is proved.

An account is found by (issuer, subject). An e-mail address in the token is a claim and finds nobody; roles never come from there.
"""

import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from data import people, sealing, sessions
from data.errors import Refused
from data.settings import CompanySignIn, is_private_line
from data.tables import Person

COOKIE = "portal_company"
LASTS = 600  # seconds to sign in over there
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # signed with a key that only the company holds; never none, never a shared secret
PATIENCE = 10.0
LARGEST = 512_000  # bytes of an answer
SEALED = "company sign-in"


@dataclass(frozen=True)
class Asked:
    """What the person was about to do here when they left for the company's sign-in."""

    onward: str
    ticket: str = ""  # an invitation
    session_id: str = ""  # signed in already: links the account


async def leave(provider: CompanySignIn, asked: Asked, back: str) -> tuple[str, str]:
    """The address to go to, and what to remember meanwhile, sealed."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    async with _client(provider, back) as client:
        known = await _discover(client, provider)
        address, _ = client.create_authorization_url(
            _endpoint(known, "authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
        )
    kept = asdict(asked) | {"state": state, "nonce": nonce, "verifier": verifier, "until": time.time() + LASTS, "issuer": provider.issuer}
    return address, sealing.seal(json.dumps(kept), SEALED)


async def come_back(provider: CompanySignIn, told: dict[str, str], sealed: str, back: str) -> tuple[Asked, dict[str, Any]]:
    """What was asked, and the proved claims."""
    kept = _unsealed(sealed)
    if not hmac.compare_digest(str(kept["state"]).encode(), told.get("state", "").encode()) or kept["issuer"] != provider.issuer:
        raise Refused("You are not signed in: the answer belongs to another try. Please sign in again.")
    if told.get("iss", provider.issuer) != provider.issuer:
        raise Refused("You are not signed in: the answer came from another issuer.")
    if "code" not in told:
        raise Refused("You are not signed in: the company's sign-in did not say yes. Please try again.")
    async with _client(provider, back) as client:
        known = await _discover(client, provider)
        token = await _fetched(client.fetch_token(_endpoint(known, "token_endpoint"), code=told["code"], code_verifier=kept["verifier"]))
        keys = await _json(client, _endpoint(known, "jwks_uri"))
    claims = proved(str(token.get("id_token", "")), keys, provider, str(kept["nonce"]))
    return Asked(kept["onward"], kept["ticket"], kept["session_id"]), claims


def _unsealed(sealed: str) -> dict[str, Any]:
    from cryptography.exceptions import InvalidTag

    try:
        kept: dict[str, Any] = json.loads(sealing.unseal(sealed, SEALED))
    except (InvalidTag, ValueError) as error:
        raise Refused("You are not signed in: this browser does not remember asking. Please sign in again.") from error
    if kept["until"] < time.time():
        raise Refused("You are not signed in: it took longer than ten minutes. Please sign in again.")
    return kept


def proved(id_token: str, keys: dict[str, Any], provider: CompanySignIn, nonce: str) -> dict[str, Any]:
    """The token's claims, once signature, algorithm, issuer, audience, times and nonce are all as they must be."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = token.claims
        jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(
            f"You are not signed in: what came back is not valid ({type(error).__name__}). Tell an admin if it happens again."
        ) from error
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise Refused("You are not signed in: what came back was made for another program.")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise Refused("You are not signed in: what came back names nobody.")
    if claims.get("email_verified") is False:
        raise Refused("You are not signed in: the company has not verified that account's address.")
    return claims


def person_of(provider: CompanySignIn, asked: Asked, claims: dict[str, Any], cookie: str) -> Person:
    """Whom these claims sign in: the account they are linked to, or one that is being linked now by somebody who holds it."""
    subject = claims["sub"]
    if asked.ticket or asked.session_id:
        if claims.get("email_verified") is not True:
            raise Refused("Not linked: the company does not say that the account's address is verified.")
        if asked.ticket:
            return people.welcome(asked.ticket, issuer=provider.issuer, subject=subject)
        session, person = sessions.of_cookie(cookie), sessions.person_of(asked.session_id)
        if person is None or session is None or session.id != asked.session_id:
            raise Refused("Not linked: you are signed out here. Sign in with your password, then link the account again.")
        return people.link(person, provider.issuer, subject)
    found = people.by_company_account(provider.issuer, subject)
    if found is None:
        raise Refused(
            "You are not signed in: no account here is linked to that company account. Sign in with your password and link it on your "
            "account page, or ask an admin for an invitation."
        )
    return found


# -- speaking with the provider -----------------------------------------------------------------------------------------------------------


def _client(provider: CompanySignIn, back: str) -> Any:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

    return AsyncOAuth2Client(
        provider.client_id, provider.secret(), redirect_uri=back, scope="openid email", code_challenge_method="S256", timeout=PATIENCE,
        follow_redirects=False, trust_env=False,
    )  # fmt: skip


async def _discover(client: Any, provider: CompanySignIn) -> dict[str, Any]:
    _require_private_line(provider.issuer)
    known = await _json(client, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if known.get("issuer") != provider.issuer:
        raise Refused("You are not signed in: the company's sign-in calls itself by another name than was agreed. Tell an admin.")
    return known


def _endpoint(known: dict[str, Any], name: str) -> str:
    """An address of the provider: https, or on this machine."""
    address = str(known.get(name, ""))
    _require_private_line(address)
    return address


def _require_private_line(address: str) -> None:
    if not is_private_line(address):
        raise Refused("You are not signed in: the company's sign-in does not speak https. Tell an admin.")


async def _json(client: Any, address: str) -> dict[str, Any]:
    answer = await _fetched(client.request("GET", address, withhold_token=True))
    if answer.status_code != 200 or len(answer.content) > LARGEST:
        raise Refused("You are not signed in: the company's sign-in does not answer as it should. Try again in a minute.")
    try:
        found = answer.json()
    except (ValueError, RecursionError) as error:
        raise Refused("You are not signed in: the company's sign-in does not answer as it should. Try again in a minute.") from error
    return found if isinstance(found, dict) else {}


async def _fetched(asking: Any) -> Any:
    """An answer, or a sentence: whatever goes wrong over there, nobody is signed in here."""
    from authlib.common.errors import AuthlibBaseError
    from httpx2 import HTTPError

    try:
        return await asking
    except (HTTPError, AuthlibBaseError, ValueError, OSError, RecursionError) as error:
        raise Refused("You are not signed in: the company's sign-in does not answer as it should. Try again in a minute.") from error
