"""Signing in and out: plain pages that need no script, before any screen runs."""

import asyncio
import hmac
import secrets
import threading
import time
from html import escape
from math import ceil
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from data import config, people, sealing
from data.errors import Refused
from data.tables import Person
from portal import guard

CSRF_COOKIE = "portal_csrf"
FREE_TRIES, LONGEST_WAIT, MOST_REMEMBERED = 3, 300.0, 10_000
HERE = Path(__file__).parent


class Delays:
    """Each try makes the next wait longer, for the account and for the address it came from; a right one clears its account.

    A try is counted before it is looked at, so that many at once are not all let through.
    """

    def __init__(self) -> None:
        self._tries: dict[str, tuple[int, float]] = {}  # key -> tries, when the next is let through
        self._lock = threading.Lock()

    def begin(self, *keys: str) -> float:
        """0 when the try is let through, else the seconds to wait."""
        with self._lock:
            wait = self.wait(*keys)
            if wait <= 0:
                self.count(*keys)
            return max(wait, 0.0)

    def wait(self, *keys: str) -> float:
        return max((self._tries.get(key, (0, 0.0))[1] - time.monotonic() for key in keys), default=0.0)

    def count(self, *keys: str) -> None:
        for key in keys:
            tries = self._tries.get(key, (0, 0.0))[0] + 1
            pause = min(2.0 ** min(tries - FREE_TRIES, 10), LONGEST_WAIT) if tries >= FREE_TRIES else 0.0
            self._tries[key] = (tries, time.monotonic() + pause)
        if len(self._tries) > MOST_REMEMBERED:
            self._tries = dict(list(self._tries.items())[-MOST_REMEMBERED // 2 :])

    def right(self, *keys: str) -> None:
        with self._lock:
            for key in keys:
                self._tries.pop(key, None)


delays = Delays()
verifying = asyncio.Semaphore(2)  # a check costs 64 MB by design


def routes() -> list[Route]:
    return [
        Route("/signin", signin_page, methods=["GET"]),
        Route("/signin", signin, methods=["POST"]),
        Route("/demo", demo, methods=["POST"]),
        Route("/first", first_page, methods=["GET"]),
        Route("/first", first, methods=["POST"]),
        Route("/signout", signout, methods=["POST"]),
        Route("/style.css", style, methods=["GET"]),
        Route("/mark.svg", mark, methods=["GET"]),
    ]


async def signin_page(request: Request) -> Response:
    if not await run_in_threadpool(people.anybody):
        return _page(
            "Nobody has an account yet", "<p>The terminal in which the portal was started shows a link for the first admin. Open that.</p>"
        )
    return await _signin_form(request)


async def _signin_form(request: Request, problem: str = "", status: int = 200, onward: str = "") -> Response:
    csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    onward = escape(_onward(onward or request.query_params.get("next")))
    hidden = f'<input type="hidden" name="csrf" value="{_csrf_field(csrf)}"><input type="hidden" name="next" value="{onward}">'
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    form = f"""
      <form method="post" action="/auth/signin">{hidden}
        <label>E-mail<input name="email" type="email" autocomplete="username" required autofocus></label>
        <label>Password<input name="password" type="password" autocomplete="current-password" required></label>
        <button class="primary">Sign in</button>
      </form>"""
    demo_people = await run_in_threadpool(people.demo_people) if is_local(request) else []
    teams = await run_in_threadpool(people.teams) if demo_people else {}
    response = _page(
        "Sign in", told + _demo_choice(demo_people, teams, hidden) + (_folded(form, opened=bool(problem)) if demo_people else form), status
    )
    response.set_cookie(CSRF_COOKIE, csrf, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/auth")
    return response


def _folded(form: str, *, opened: bool) -> str:
    return f"<details{' open' if opened else ''}><summary>Sign in with a password</summary>{form}</details>"


def _demo_choice(demo_people: list[Person], teams: dict[str, str], hidden: str) -> str:
    if not demo_people:
        return ""
    buttons = "".join(
        f'<button name="person" value="{person.id}"><b>{escape(person.name)}</b>'
        f"<span>{escape(_role_in_words(person, teams))}</span></button>"
        for person in demo_people
    )
    return (
        '<p class="demo">Demo: a fictional company, Ferngrove, and its last 90 days. Choose whose desk to sit at.</p>'
        f'<form class="people" method="post" action="/auth/demo">{hidden}{buttons}</form>'
    )


def _role_in_words(person: Person, teams: dict[str, str]) -> str:
    told = {"rep": "Support rep", "lead": "Team lead", "engineer": "Engineer", "admin": "Admin"}[person.role]
    return f"{told}, {teams[person.team_id]}" if person.team_id else told


async def signin(request: Request) -> Response:
    form = await request.form()
    if not _csrf_holds(request, form):
        return await _signin_form(request, "The page had grown old. Please sign in again.", 400, str(form.get("next", "")))
    email, password = str(form.get("email", ""))[:320], str(form.get("password", ""))[:1000]
    account, address = f"account {email.strip().lower()}", f"address {_address(request)}"
    onward = str(form.get("next", ""))
    if (wait := delays.begin(account, address)) > 0:
        return await _signin_form(request, f"Too many tries. Wait {ceil(wait)} seconds, then try again.", 429, onward)
    async with verifying:
        person = await run_in_threadpool(people.check_password, email, password)
    if person is None:
        return await _signin_form(request, "That address and password do not belong together. Try again, or ask an admin.", 401, onward)
    delays.right(account, address)
    return await _signed_in(request, person, onward)


async def demo(request: Request) -> Response:
    """One click into a demo account: only from this machine, only for accounts that are marked as demo."""
    form = await request.form()
    chosen = await run_in_threadpool(people.demo_people)
    person = next((one for one in chosen if one.id == form.get("person")), None)
    if person is None or not is_local(request) or not _csrf_holds(request, form):
        return await _signin_form(request, "That did not work. Choose a person again.", 403, str(form.get("next", "")))
    return await _signed_in(request, person, str(form.get("next", "")))


async def _signed_in(request: Request, person: Person, onward: str) -> Response:
    cookie = await run_in_threadpool(lambda: people.start_session(person, address=_address(request)))
    response = RedirectResponse(_onward(onward), 303)
    lasts = int(people.SIGN_IN_LASTS.total_seconds())
    response.set_cookie(guard.COOKIE, cookie, httponly=True, samesite="lax", secure=request.url.scheme == "https", max_age=lasts, path="/")
    return response


async def signout(request: Request) -> Response:
    session = await run_in_threadpool(people.session_of, request.cookies.get(guard.COOKIE, ""))
    if session:
        await run_in_threadpool(people.end_session, session.id)
    response = RedirectResponse("/auth/signin", 303)
    response.delete_cookie(guard.COOKIE, path="/")
    return response


async def first_page(request: Request) -> Response:
    return _first_form(request)


def _first_form(request: Request, problem: str = "", status: int = 200) -> Response:
    token = request.query_params.get("token", "")
    if not _first_token_holds(token):
        return _page(
            "This link is used up", "<p>The first admin has been made, or the portal was started again and shows a newer link.</p>", 403
        )
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _page(
        "Make the first admin",
        f"""{told}<form method="post" action="/auth/first?token={escape(token)}">
        <label>Name<input name="name" required autofocus></label>
        <label>E-mail<input name="email" type="email" autocomplete="username" required></label>
        <label>Password, at least {people.SHORTEST_PASSWORD} characters
          <input name="password" type="password" autocomplete="new-password" required></label>
        <button class="primary">Make the account</button></form>""",
        status,
    )


async def first(request: Request) -> Response:
    form = await request.form()
    if not _first_token_holds(request.query_params.get("token", "")):
        return _first_form(request)
    try:
        person = await run_in_threadpool(
            people.first_admin, str(form.get("name", "")), str(form.get("email", "")), str(form.get("password", ""))
        )
    except Refused as refused:
        return _first_form(request, str(refused), 422)
    return await _signed_in(request, person, "/")


def new_first_token() -> str:
    """The one-time token of the first admin's link; the last one made is the one that holds."""
    token = secrets.token_urlsafe(24)
    path = config.folder("secrets") / "first_admin.sha"
    path.write_text(sealing.sha(token))
    path.chmod(0o600)
    return token


def _first_token_holds(token: str) -> bool:
    path = config.folder("secrets") / "first_admin.sha"
    return not people.anybody() and path.is_file() and hmac.compare_digest(path.read_text(), sealing.sha(token))


def is_local(request: Request) -> bool:
    """From this machine, and not handed on by a proxy that stands on it."""
    proxied = any(name.startswith("x-forwarded") or name in ("forwarded", "via", "x-real-ip") for name in request.headers)
    return not proxied and _address(request) in ("127.0.0.1", "::1")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _csrf_field(cookie: str) -> str:
    return sealing.hmac_of(cookie, "csrf")


def _csrf_holds(request: Request, form: Any) -> bool:
    cookie = request.cookies.get(CSRF_COOKIE, "")
    given = str(form.get("csrf", "")).encode("utf-8", "replace")
    return bool(cookie) and hmac.compare_digest(given, _csrf_field(cookie).encode())


def _onward(asked: str | None) -> str:
    """A path on this site, or home: never another site."""
    if not asked or not asked.startswith("/") or asked.startswith(("//", "/\\", "/auth")) or any(ord(letter) < 32 for letter in asked):
        return "/"
    return asked


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Portal</title><link rel="stylesheet" href="/auth/style.css"><link rel="icon" href="/auth/mark.svg"></head>
<body><main><img src="/auth/mark.svg" alt="" width="40" height="40"><h1>{escape(title)}</h1>{body}</main></body></html>""",
        status,
        {"Cache-Control": "no-store"},
    )


async def style(_request: Request) -> Response:
    return FileResponse(HERE / "auth.css", media_type="text/css")


async def mark(_request: Request) -> Response:
    return FileResponse(HERE / "mark.svg", media_type="image/svg+xml")
