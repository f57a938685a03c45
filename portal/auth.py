"""Signing in and out: plain pages that need no script, before any screen runs."""

import asyncio
import hmac
import secrets
from html import escape
from math import ceil
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from data import config, passwords, people, sealing, sessions, settings, tickets, tries
from data.errors import Refused
from data.tables import Person
from portal import guard, oidc

CSRF_COOKIE = "portal_csrf"
KNOWN_COOKIE = "portal_known"  # marks a browser in which the account signed in before: others' guesses do not make its owner wait
HERE = Path(__file__).parent


verifying = asyncio.Semaphore(2)  # a check costs 64 MB by design


def routes() -> list[Route]:
    return [
        Route("/signin", signin_page, methods=["GET"]),
        Route("/signin", signin, methods=["POST"]),
        Route("/demo", demo, methods=["POST"]),
        Route("/first", first_page, methods=["GET"]),
        Route("/first", first, methods=["POST"]),
        Route("/signout", signout, methods=["POST"]),
        Route("/welcome", welcome_page, methods=["GET"]),
        Route("/welcome", welcome, methods=["POST"]),
        Route("/link", link_page, methods=["GET"]),
        Route("/company", company, methods=["POST"]),
        Route("/company/back", company_back, methods=["GET"]),
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
    form = f"""{await _company_button(hidden)}
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
    response.set_cookie(CSRF_COOKIE, csrf, httponly=True, samesite="strict", secure=guard.is_secure(request.scope), path="/auth")
    return response


async def _company_button(hidden: str) -> str:
    company = await run_in_threadpool(settings.company_sign_in)
    if company is None:
        return ""
    label = f"Sign in with {escape(company.label)}"
    return f'<form class="company" method="post" action="/auth/company">{hidden}<button>{label}</button></form>'


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
    onward = str(form.get("next", ""))
    doors = await run_in_threadpool(_doors, request, email)
    if (wait := await run_in_threadpool(tries.begin, *doors)) > 0:
        return await _signin_form(request, f"Too many tries. Wait {ceil(wait)} seconds, then try again.", 429, onward)
    async with verifying:
        person = await run_in_threadpool(sessions.check_password, email, password)
    if person is None:
        return await _signin_form(request, "That address and password do not belong together. Try again, or ask an admin.", 401, onward)
    await run_in_threadpool(tries.forgive, *doors)
    return await _signed_in(request, person, onward, "password")


def _doors(request: Request, email: str) -> tuple[str, ...]:
    """What is counted: the account and the address. In a browser that the account knows, that browser alone: nobody locks its owner out."""
    account = email.strip().lower()
    nonce, _, proof = request.cookies.get(KNOWN_COOKIE, "").partition(".")
    if nonce and hmac.compare_digest(proof.encode(), _known_proof(nonce, account).encode()):
        return (f"known {nonce} {account}",)
    return (f"account {account}", f"address {guard.address_of(request.scope)}")


def _known_proof(nonce: str, account: str) -> str:
    return sealing.hmac_of(f"{nonce} {account}", "known browser")


async def demo(request: Request) -> Response:
    """One click into a demo account: only from this machine, only for accounts that are marked as demo."""
    form = await request.form()
    chosen = await run_in_threadpool(people.demo_people)
    person = next((one for one in chosen if one.id == form.get("person")), None)
    if person is None or not is_local(request) or not _csrf_holds(request, form):
        return await _signin_form(request, "That did not work. Choose a person again.", 403, str(form.get("next", "")))
    return await _signed_in(request, person, str(form.get("next", "")), "demo")


async def _signed_in(request: Request, person: Person, onward: str, how: str) -> Response:
    agent, address = request.headers.get("user-agent", ""), guard.address_of(request.scope)
    cookie = await run_in_threadpool(lambda: sessions.start(person, address=address, browser=agent, how=how))
    response = RedirectResponse(_onward(onward), 303)
    secure, lasts = guard.is_secure(request.scope), int(sessions.LASTS.total_seconds())
    response.set_cookie(guard.COOKIE, cookie, httponly=True, samesite="lax", secure=secure, max_age=lasts, path="/")
    nonce = secrets.token_urlsafe(12)
    known = f"{nonce}.{_known_proof(nonce, person.email)}"
    response.set_cookie(KNOWN_COOKIE, known, httponly=True, samesite="strict", secure=secure, max_age=365 * 86_400, path="/auth")
    return response


async def signout(request: Request) -> Response:
    session = await run_in_threadpool(sessions.of_cookie, request.cookies.get(guard.COOKIE, ""))
    if session:
        await run_in_threadpool(sessions.end, session.id)
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
        <label>Password, at least {passwords.SHORTEST} characters
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
    return await _signed_in(request, person, "/", "link")


async def welcome_page(request: Request) -> Response:
    return await _welcome_form(request)


async def _welcome_form(request: Request, problem: str = "", status: int = 200) -> Response:
    """The page behind an invitation: a password of one's own, or the company's sign-in."""
    ticket = request.query_params.get("ticket", "")
    found = await run_in_threadpool(tickets.look, ticket, "welcome")
    person = await run_in_threadpool(people.get, found.person_id) if found else None
    if person is None:
        return _page("This link opens nothing", "<p>It was used already, or is older than a week. Ask an admin for a new one.</p>", 403)
    csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    hidden = (
        f'<input type="hidden" name="csrf" value="{_csrf_field(csrf)}"><input type="hidden" name="next" value="/">'
        f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
    )
    told = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    response = _page(
        f"Welcome, {person.name.split(' ')[0]}",
        f"""{told}{await _company_button(hidden)}<form method="post" action="/auth/welcome?ticket={escape(ticket)}">{hidden}
        <p>Your account is {escape(person.email)}.</p>
        <label>A password of your own, at least {passwords.SHORTEST} characters
          <input name="password" type="password" autocomplete="new-password" required autofocus></label>
        <button class="primary">Save and sign in</button></form>""",
        status,
    )
    response.set_cookie(CSRF_COOKIE, csrf, httponly=True, samesite="strict", secure=guard.is_secure(request.scope), path="/auth")
    return response


async def welcome(request: Request) -> Response:
    form = await request.form()
    if not _csrf_holds(request, form):
        return await _welcome_form(request, "The page had grown old. Please enter it again.", 400)
    ticket, password = str(form.get("ticket", ""))[:200], str(form.get("password", ""))[:1000]
    try:
        async with verifying:
            person = await run_in_threadpool(lambda: people.welcome(ticket, password=password))
    except Refused as refused:
        return await _welcome_form(request, str(refused), 422)
    return await _signed_in(request, person, "/", "link")


async def link_page(request: Request) -> Response:
    """From the account page on the way to the company: a form of its own, so that no other site can begin it."""
    session = await run_in_threadpool(sessions.of_cookie, request.cookies.get(guard.COOKIE, ""))
    provider = await run_in_threadpool(settings.company_sign_in)
    if session is None or provider is None:
        return RedirectResponse("/auth/signin", 303)
    csrf = request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(24)
    response = _page(
        "Link your company account",
        f"""<p>You sign in there now. From then on {escape(provider.label)} opens your account here too.</p>
        <form method="post" action="/auth/company"><input type="hidden" name="csrf" value="{_csrf_field(csrf)}">
        <input type="hidden" name="next" value="/account"><input type="hidden" name="link" value="1">
        <button class="primary">Go on to {escape(provider.label)}</button></form>""",
    )
    response.set_cookie(CSRF_COOKIE, csrf, httponly=True, samesite="strict", secure=guard.is_secure(request.scope), path="/auth")
    return response


async def company(request: Request) -> Response:
    """Off to the company's own sign-in: to come in, to link an account that is signed in, or by an invitation."""
    form = await request.form()
    provider = await run_in_threadpool(settings.company_sign_in)
    if provider is None or not _csrf_holds(request, form):
        return await _signin_form(request, "The page had grown old. Please sign in again.", 400)
    ticket = str(form.get("ticket", ""))[:200]
    session = await run_in_threadpool(sessions.of_cookie, request.cookies.get(guard.COOKIE, "")) if form.get("link") else None
    asked = oidc.Asked(onward=_onward(str(form.get("next", ""))), ticket=ticket, session_id=session.id if session else "")
    try:
        address, sealed = await oidc.leave(provider, asked, _back_address(request))
    except Refused as refused:
        return await _signin_form(request, str(refused), 502)
    # a page that goes on by itself, not a redirect: browsers hold the target of a form's redirect against form-action 'self'
    response = _page("On to your company", f'<p><a href="{escape(address)}">Go on</a>, if nothing happens.</p>')
    response.headers["refresh"] = f"0;url={address}"
    # lax, not strict: the way back is a link on another site
    secure = guard.is_secure(request.scope)
    response.set_cookie(oidc.COOKIE, sealed, httponly=True, samesite="lax", secure=secure, max_age=oidc.LASTS, path="/auth")
    return response


async def company_back(request: Request) -> Response:
    """Back from there, with a code that only the company can have given. The account is found by issuer and subject, by nothing else."""
    provider = await run_in_threadpool(settings.company_sign_in)
    try:
        if provider is None:
            raise Refused("The company sign-in was switched off meanwhile.")
        asked, claims = await oidc.come_back(
            provider, dict(request.query_params), request.cookies.get(oidc.COOKIE, ""), _back_address(request)
        )
        person = await run_in_threadpool(oidc.person_of, provider, asked, claims, request.cookies.get(guard.COOKIE, ""))
    except Refused as refused:
        response = await _signin_form(request, str(refused), 401)
    else:
        response = await _signed_in(request, person, asked.onward, "company")
    response.delete_cookie(oidc.COOKIE, path="/auth")
    return response


def _back_address(request: Request) -> str:
    base = config.settings().public_url.rstrip("/") or f"{request.url.scheme}://{request.headers['host']}"
    return f"{base}/auth/company/back"


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
    return not proxied and request.client is not None and request.client.host in ("127.0.0.1", "::1")


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
