"""An OpenID Connect provider over real HTTP, in a thread: discovery, keys, authorize, token with PKCE. It can be told to misbehave."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "portal", "the client's secret"
Claims = dict[str, Any]


@lru_cache(maxsize=4)
def key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def signed(claims: Claims, kid: str = "good", **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": kid, **header}, claims, key(kid), algorithms=[header.get("alg", "RS256")])


@dataclass
class Provider:
    """What it answers; each part can be replaced by something worse."""

    subject: str = "rita-at-work"
    issuer: str = ""
    more_claims: Claims = field(default_factory=lambda: {"email": "rita@example.com", "email_verified": True})
    token: Callable[[Claims], str] = signed  # the ID token made of the honest claims
    discovery: Claims = field(default_factory=dict)  # what to say instead
    jwks: Any = None
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # path -> status and body, whatever was asked
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def reset(self) -> None:
        fresh = Provider(issuer=self.issuer)
        self.__dict__.update({name: value for name, value in fresh.__dict__.items() if name != "asked"})

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        if path in self.raw:
            return (*self.raw[path], {})
        if path == "/.well-known/openid-configuration":
            told = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return _json({"issuer": self.issuer, **told, **self.discovery})
        if path == "/jwks_uri":
            return _json(self.jwks if self.jwks is not None else {"keys": [key("good").as_dict(private=False)]})
        if path == "/authorization_endpoint":
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            return 302, b"", {"Location": f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"}
        return _json(*self._token(query)) if path == "/token_endpoint" else (404, b"", {})

    def _token(self, form: dict[str, str]) -> tuple[Claims, int]:
        asked = self.codes.pop(form.get("code", ""), None)  # a code is good once
        if asked is None or _challenge(form.get("code_verifier", "")) != asked["code_challenge"]:
            return {"error": "invalid_grant"}, 400
        if asked["redirect_uri"] != form.get("redirect_uri") or form.get("client") != f"{CLIENT}:{SECRET}":
            return {"error": "invalid_client"}, 401
        moment = int(time.time())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "nonce": asked["nonce"], "iat": moment, "exp": moment + 300}
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.token(claims | self.more_claims)}, 200


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _json(told: Any, status: int = 200) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(told).encode(), {"Content-Type": "application/json"}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._send(parts.path, _flat(parts.query))

    def do_POST(self) -> None:
        form = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        kind, _, told = (self.headers["Authorization"] or "").partition(" ")
        self._send(self.path, form | ({"client": base64.b64decode(told).decode()} if kind == "Basic" else {}))

    def _send(self, path: str, query: dict[str, str]) -> None:
        self.provider.asked.append(path)
        status, body, headers = self.provider.answer(path, query)
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(provider: Provider) -> dict[str, str]:
    """A portal's environment that names it."""
    return {
        "PORTAL_OIDC_ISSUER": provider.issuer, "PORTAL_OIDC_CLIENT_ID": CLIENT, "PORTAL_OIDC_CLIENT_SECRET": SECRET,
        "PORTAL_OIDC_LABEL": "Ferngrove",
    }  # fmt: skip
