"""What the chat widget asks: to begin a conversation, to go on with it, and to hear what was said. Nothing else opens by its token.

A page shows its surface token to everybody, and who is no browser can name any origin. So what protects a conversation is its key: 128
random bits that one browser holds. The token's origins keep other pages from speaking for a visitor.
"""

import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data import releases, store, surfaces, talks
from data.errors import Busy, Denied, Refused
from data.surfaces import Opened
from data.tables import Talk
from portal import bodies, guard, widget
from portal.pace import Pace

logger = logging.getLogger("portal.widget")

SURFACE, KEY = "Portal-Surface", "Portal-Key"
BEGINS, WRITES, READS = "begins", "writes", "reads"
A_MINUTE = {  # requests by an address, in a conversation, by a token
    BEGINS: (Pace(10), None, Pace(300)),
    WRITES: (Pace(60), Pace(20), Pace(1_200)),
    READS: (Pace(1_200), Pace(120), None),
}
AT_ONCE = 8  # conversations that recipes are asked about; the others wait for their turn
A_YEAR, A_WHILE = 31_536_000, 300  # seconds that a browser keeps the script
UNKNOWN = "This page's token opens nothing: it is unknown, revoked or too old."
ELSEWHERE = "This token is for other pages."
TOLD = {401: UNKNOWN, 403: ELSEWHERE}

Message = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Text = Annotated[str, StringConstraints(max_length=4 * talks.LONGEST)]


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text
    message: Message  # the browser's own number of it: sent again, it is kept once


class Begun(Written):
    language: str = Field("", pattern=r"^(?:[a-z]{2})?$")
    customer: str = Field("", max_length=200)  # as the company knows them; counts where its server signed it
    signature: str = Field("", max_length=64, pattern=r"^[0-9a-f]*$")


def routes() -> list[Route]:
    return [
        Route("/v1/conversations", begin, methods=["POST"]),
        Route("/v1/messages", write, methods=["POST"]),
        Route("/v1/messages", read, methods=["GET"]),
        Route("/v1/conversations", before_that, methods=["OPTIONS"]),
        Route("/v1/messages", before_that, methods=["OPTIONS"]),
    ]


async def script(request: Request) -> Response:
    """The widget itself: for ever under its version, else looked at again every few minutes."""
    version, tag = widget.version(), f'"{widget.version()}"'
    kept = f"public, max-age={A_YEAR}, immutable" if request.query_params.get("v") == version else f"public, max-age={A_WHILE}"
    headers = {"ETag": tag, "Cache-Control": kept, "Access-Control-Allow-Origin": "*"}  # the same file for everybody
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(widget.script(), media_type="text/javascript", headers=headers)


async def before_that(request: Request) -> Response:
    """A browser asks whether it may ask. It does not say by which token, so that is looked at when it asks."""
    origin = request.headers.get("origin", "")
    if not await run_in_threadpool(surfaces.any_at, origin):
        return Response(status_code=403)
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": f"Content-Type, {SURFACE}, {KEY}",
        "Access-Control-Max-Age": "600",
    }  # fmt: skip
    return Response(status_code=204, headers=_for(origin) | allowed)


async def begin(request: Request) -> Response:
    return await _answered(request, BEGINS, _begin)


async def write(request: Request) -> Response:
    return await _answered(request, WRITES, _write)


async def read(request: Request) -> Response:
    return await _answered(request, READS, _read)


# -- who may ask --------------------------------------------------------------------------------------------------------------------------

Work = Callable[[Request, Opened, bytes], dict[str, Any]]


async def _answered(request: Request, what: str, work: Work) -> Response:
    """Nothing is read before it is known that this page may ask, and not too often."""
    opened = await run_in_threadpool(surfaces.opened, request.headers.get(SURFACE, ""))
    origin = request.headers.get("origin")
    if opened is None or origin is None or not opened.is_at(origin):
        status = 401 if opened is None else 403
        return JSONResponse({"detail": TOLD[status]}, status)
    try:
        _keep_pace(request, what, opened)
        if request.method == "POST":
            bodies.require_json(request, not_done="Not sent")
        told = await run_in_threadpool(work, request, opened, await request.body())
    except HTTPException as fault:
        return JSONResponse({"detail": fault.detail}, fault.status_code, headers={**_for(origin), **(fault.headers or {})})
    except Refused as refused:
        return JSONResponse({"detail": str(refused)}, _status(refused), headers=_for(origin))
    return JSONResponse(told, headers=_for(origin) | {"Cache-Control": "no-store"})


def _status(refused: Refused) -> int:
    """Whether a key is wrong, another surface's or nobody's sounds the same."""
    return 404 if isinstance(refused, Denied) else 503 if isinstance(refused, Busy) else 422


def _for(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After", "Vary": "Origin"}


def _keep_pace(request: Request, what: str, opened: Opened) -> None:
    """The address first: one that asks too much takes nothing away from the others."""
    here = (_address(request), request.headers.get(KEY, "")[:64], opened.surface.id)
    for pace, who in zip(A_MINUTE[what], here, strict=True):
        if pace is not None and (seconds := pace.wait(who)):
            told = f"Not done: {pace.a_minute} requests a minute are the most. Try again in {seconds} seconds."
            raise HTTPException(429, told, {"Retry-After": str(seconds)})


def _address(request: Request) -> str:
    """Of IPv6 the network: one line has as many addresses as it likes."""
    told = guard.address_of(request.scope)
    try:
        found = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return told
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


# -- what is asked ------------------------------------------------------------------------------------------------------------------------


def _begin(_request: Request, opened: Opened, body: bytes) -> dict[str, Any]:
    asked = bodies.read(body, Begun, not_done="Not sent", such_as='{"text": "Where is my parcel?", "message": "…"}')
    key, talk = talks.begin(
        opened, asked.text, message=asked.message, customer=asked.customer, signature=asked.signature, language=asked.language
    )  # fmt: skip
    _look_after(opened, talk)
    return {"key": key} | _where(talk, asked.message)


def _write(request: Request, opened: Opened, body: bytes) -> dict[str, Any]:
    talk = talks.of_key(opened, request.headers.get(KEY, ""))
    asked = bodies.read(body, Written, not_done="Not sent", such_as='{"text": "Where is my parcel?", "message": "…"}')
    talks.write(opened, talk, asked.text, message=asked.message)
    _look_after(opened, talk)
    return _where(talk, asked.message)


def _where(talk: Talk, message: str) -> dict[str, Any]:
    kept = talks.written(talk, message)
    return {"seq": kept.seq, "at": kept.at.isoformat()}


def _read(request: Request, opened: Opened, _body: bytes) -> dict[str, Any]:
    from automations import visiting

    talk = talks.of_key(opened, request.headers.get(KEY, ""))
    after = request.query_params.get("after", "0")
    if not (after.isascii() and after.isdecimal() and len(after) < 8):
        raise HTTPException(422, "Not told: 'after' is the number of the last message that is known, from 0.")
    typing = _look_after(opened, talk)
    if not typing:
        visiting.bring(talk)
    told = [
        {"seq": one.seq, "who": one.who, "text": _seen(one.text), "at": one.at.isoformat()} for one in talks.heard(talk, after=int(after))
    ]
    return {"messages": told, "typing": typing}


def _seen(text: str) -> str:
    """What nobody sees is not sent: it could only carry something."""
    from portal.article_text import UNSEEN

    return UNSEEN.sub("", text)


# -- recipes are asked beside the request, so that nobody waits for a model ---------------------------------------------------------------

_at_it: set[str] = set()
_turn = threading.Lock()


def _look_after(opened: Opened, talk: Talk) -> bool:
    """Whether an answer may still come. What a death cut off is asked again when the visitor's page asks the next time."""
    with _turn:
        if talk.id in _at_it:
            return True
    if not talks.waits(talk):
        return False
    with _turn:
        if len(_at_it) >= AT_ONCE or talk.id in _at_it:
            return True
        _at_it.add(talk.id)
    threading.Thread(target=_ask_recipes, args=(opened, talk), daemon=True).start()
    return True


def _ask_recipes(opened: Opened, talk: Talk) -> None:
    from automations import visiting
    from portal import catalog

    try:
        visiting.answer(talk, by=opened.person, means=catalog.means(opened.person), classify=_classifier())
    except Busy as why:  # asked again with the page's next look
        logger.warning("a visitor waits: %s", why)
    except Exception:
        logger.exception("a visitor was not answered by recipes")
    finally:
        with _turn:
            _at_it.discard(talk.id)


def _classifier() -> Callable[[Sequence[str]], object] | None:
    """Loaded where one is live, and not before: it is heavy."""
    with store.reading() as db:
        if not releases.anything_live(db, "classifier"):
            return None
    from classifiers import arrivals

    return arrivals.by_all
