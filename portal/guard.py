"""Stands before everything: who may connect at all, from where, and the headers every answer carries. Pure ASGI, outside Streamlit."""

import base64
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from data import config, sessions, tokens
from data.tables import Person, Session
from data.values import new_id
from portal import metrics

logger = logging.getLogger("portal.guard")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "portal_session"
SESSION_HEADER, PERSON_HEADER = "X-Portal-Session", "X-Portal-Person"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPEN = ("/auth/", "/static/", "/api/v1/health", "/api/v1/ready", "/_stcore/health", "/favicon", "/widget/")
NO_PAGE = ("/_stcore/", "/media/", "/component/", "/api/", "/vendor/")  # answered 401, not with the sign-in page
LARGEST = {"/auth/": 64_000, "/api/": 20_000_000, "/widget/": 32_000}  # bytes
SCRIPT = "/widget.js"
ELSEWHERE = "/widget"  # asked from the company's own pages: api_widget.py holds each to the origins of its token
NEVER = ("/api", "/_stcore/metrics", "/_stcore/agent")


class Guard:
    def __init__(self, app: App, *, app_csp: str) -> None:
        self.app, self.app_csp = app, app_csp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refusal(scope)
        if refused is None and scope["path"].startswith("/api/") and (secret := bearer(scope)):
            refused = await _program(scope, secret)
        elif refused is None and not scope["path"].startswith(OPEN) and scope["path"] != SCRIPT:
            try:
                session = await _session(scope)
            except SQLAlchemyError:
                refused = _our_fault("the sign-in could not be looked up")
            else:
                refused = None if session else _please_sign_in(scope)
                if session:
                    _name(scope, session)
        await (refused or self.app)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            session = await _session(scope) if _known_host(scope) and _same_origin(scope) else None
        except SQLAlchemyError:
            _our_fault("the sign-in of a websocket could not be looked up")
            session = None
        if session is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        _name(scope, session)
        await self.app(scope, receive, send)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        csp = AUTH_CSP if scope["path"].startswith(("/auth/", "/api/", ELSEWHERE)) else self.app_csp
        headers = HEADERS_ELSEWHERE if scope["path"].startswith(ELSEWHERE) else HEADERS
        extra = [*headers, (b"content-security-policy", csp.encode()), *([STRICT_TRANSPORT] if is_secure(scope) else [])]

        began = time.perf_counter()

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                metrics.answered(scope["path"], message["status"], time.perf_counter() - began)
                ours = {name for name, _ in extra}
                message["headers"] = [pair for pair in message.get("headers", []) if pair[0].lower() not in ours] + extra
            await send(message)

        return send_with_headers


HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
HEADERS_ELSEWHERE = tuple((name, b"cross-origin") if name == b"cross-origin-resource-policy" else (name, told) for name, told in HEADERS)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
AUTH_CSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def app_csp() -> str:
    """As tight as Streamlit runs under: its one inline script by hash, no eval, nothing from or to another host."""
    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text()
    scripts = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
        f"script-src 'self' blob: 'wasm-unsafe-eval' {hashes}; script-src-attr 'none'; "  # blob: is how inline components load
        "style-src 'self'; style-src-elem 'self' 'unsafe-inline'; style-src-attr 'none'; "  # its style library writes <style> elements
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'"
    )


def _refusal(scope: Scope) -> Response | None:
    if not _known_host(scope):
        return PlainTextResponse("This address does not belong to the portal. Names are allowed by PORTAL_ALLOWED_HOSTS.", 421)
    if scope["path"].rstrip("/") in NEVER or scope["path"].startswith(NEVER[1:]):
        return PlainTextResponse("There is nothing here.", 404)
    by_token = scope["path"].startswith("/api/") and bool(bearer(scope))  # a browser sends no such header by itself
    held = by_token or scope["path"].startswith(f"{ELSEWHERE}/")
    if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not held and not _same_origin(scope):
        return PlainTextResponse("This came from another site and was not done.", 403)
    return _too_much(scope)


def _too_much(scope: Scope) -> Response | None:
    """A body must say how long it is, and be no longer than what its place takes. Uploads to screens have Streamlit's own limit."""
    most = next((most for place, most in LARGEST.items() if scope["path"].startswith(place)), None)
    if most is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return None
    length = header(scope, "content-length") or ("" if header(scope, "transfer-encoding") else "0")
    if not length.isdecimal():
        return PlainTextResponse("Say how long the body is (Content-Length).", 411)
    return PlainTextResponse(f"The body is larger than {most // 1000:,} kB.", 413) if int(length) > most else None


def header(scope: Scope, name: str) -> str | None:
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for found, value in scope["headers"] if found.lower() == wanted), None)


def _known_host(scope: Scope) -> bool:
    """Only names we answer to: another site's name that resolves to us is not one of them."""
    host = header(scope, "host") or ""
    name = host.rsplit(":", 1)[0] if re.search(r":\d+$", host) else host
    return name.lower() in (*LOOPBACK, *(allowed.lower() for allowed in config.settings().allowed_hosts))


def _same_origin(scope: Scope) -> bool:
    """The browser's Origin is exactly us, port included. A request that must have one and does not is a stranger's."""
    origin = header(scope, "origin")
    if origin is None:
        return False
    return origin.partition("://")[2] == header(scope, "host")


def cookie_in(scope: Scope, name: str = COOKIE) -> str | None:
    try:
        found = SimpleCookie(header(scope, "cookie") or "").get(name)
    except CookieError:
        return None
    return found.value if found else None


async def _session(scope: Scope) -> Session | None:
    cookie = cookie_in(scope)
    return await run_in_threadpool(sessions.of_cookie, cookie) if cookie else None


def bearer(scope: Scope) -> str | None:
    kind, _, secret = (header(scope, "authorization") or "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


async def _program(scope: Scope, secret: str) -> Response | None:
    """A program with a token acts as its person, narrowed. The API finds the person in the scope; no header can put one there."""
    try:
        person = await run_in_threadpool(tokens.person_of, secret)
    except SQLAlchemyError:
        return _our_fault("a token could not be looked up")
    if person is None:
        return PlainTextResponse("This token opens nothing: it is unknown, revoked or too old.", 401)
    _nameless(scope)
    scope["portal_program"] = person
    return None


def program_of(scope: Scope) -> Person | None:
    found: Person | None = scope.get("portal_program")
    return found


def address_of(scope: Scope) -> str:
    """Where a request came from: told by a proxy only where the settings name that proxy as one of ours."""
    peer = str(scope["client"][0]) if scope.get("client") else ""
    trusted = config.settings().trusted_proxies
    hops = [hop.strip() for hop in (header(scope, "x-forwarded-for") or "").split(",") if hop.strip()]
    while peer in trusted and hops:
        peer = hops.pop()
    return peer


def is_secure(scope: Scope) -> bool:
    """Whether people reach us by https, also where a proxy in front of us speaks it."""
    return scope.get("scheme") == "https" or config.settings().public_url.startswith("https://")


def _our_fault(what: str) -> Response:
    reference = new_id()[-12:]
    metrics.errors.labels("guard").inc()
    logger.exception("%s, reference %s", what, reference)
    return PlainTextResponse(f"The portal cannot reach its database just now. Try again in a minute. Reference: {reference}", 503)


def _please_sign_in(scope: Scope) -> Response:
    if scope["path"].startswith(NO_PAGE) or scope["method"] != "GET":
        return PlainTextResponse("Sign in first.", 401)
    asked = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
    return RedirectResponse(f"/auth/signin?next={quote(asked, safe='')}", 303)


def _nameless(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Without whatever the client itself claimed to be."""
    kept = [pair for pair in scope["headers"] if not pair[0].lower().replace(b"_", b"-").startswith(b"x-portal-")]
    scope["headers"] = kept
    return kept


def _name(scope: Scope, session: Session) -> None:
    """Tell the app who it is."""
    scope["headers"] = [
        *_nameless(scope),
        (SESSION_HEADER.lower().encode(), session.id.encode()),
        (PERSON_HEADER.lower().encode(), session.person_id.encode()),
    ]
