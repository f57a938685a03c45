"""The shop's HTTP API: JSON, a bearer token, refusals as problem+json in a sentence. It binds this machine alone.

`running` has it in a thread of this process, for as long as a block lasts; `python -m automations.shop` is a process of its own.
"""

import asyncio
import hmac
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from automations.shop.ledger import Conflict, Ledger, Made, Unknown
from automations.shop.values import (
    CURRENCY,
    CUSTOMER,
    KEY,
    LONGEST_REASON,
    MONEY,
    NUMBER,
    Customer,
    Entry,
    Incident,
    Invoice,
    Order,
    cents,
)
from data.errors import Busy, Misuse, Refused
from data.values import now

logger = logging.getLogger("automations.shop")

LARGEST = 64 * 1024  # bytes of a request
SLOWEST = 10.0  # seconds until a request must be here whole
OPEN = ("/health", "/openapi.json")
JSON, PROBLEM = "application/json", "application/problem+json"
MADE_BY = "portal"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Problem(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str  # what did not happen, and why


class Health(BaseModel):
    status: str


class RefundWanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    order: Annotated[str, Field(pattern=NUMBER)]
    amount: Annotated[str, Field(pattern=MONEY, examples=["19.90"])]
    currency: Annotated[str, Field(pattern=CURRENCY, examples=["EUR"])]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class CreditWanted(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    customer: Annotated[str, Field(pattern=CUSTOMER)]
    amount: Annotated[str, Field(pattern=MONEY, examples=["5.00"])]
    currency: Annotated[str, Field(pattern=CURRENCY, examples=["EUR"])]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
    order: Annotated[str, Field(pattern=NUMBER)] | None = None


Number = Annotated[str, Path(pattern=NUMBER)]
Key = Annotated[str, Path(pattern=CUSTOMER)]
EntryKey = Annotated[str, Path(pattern=KEY)]
Idempotency = Annotated[
    str, Header(alias="Idempotency-Key", pattern=KEY, description="A second request with the same key makes nothing new.")
]
At = Annotated[AwareDatetime | None, Query(description="As it stood then; left out: now.")]

TITLES = {
    400: "Not understood", 401: "Not signed in", 404: "Not there", 405: "No such method", 408: "Too slow", 409: "Key used otherwise",
    413: "Too large", 415: "Not JSON", 422: "Not possible", 500: "Our fault", 503: "Busy",
}  # fmt: skip


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "description": TITLES[status]} for status in statuses}


ASKED = _problems(401, 404, 422, 500, 503)
SENT = _problems(400, 401, 404, 408, 409, 413, 415, 422, 500, 503)


def build(ledger: Ledger, token: str, *, clock: Callable[[], datetime] = now, slowest: float = SLOWEST) -> App:
    """The whole app. What is asked without the token is not even read."""
    if len(token) < 16:
        raise Misuse("The shop was not started: its token has fewer than 16 signs.")
    api = FastAPI(title="Shop", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json", redirect_slashes=False)
    _answer_problems(api)
    signed_in = [Depends(HTTPBearer(auto_error=False))]  # for the description; the door looks at it

    @api.get("/health")
    def health() -> Health:
        """The process answers."""
        return Health(status="ok")

    @api.get("/orders/{number}", responses=ASKED, dependencies=signed_in)
    def order(number: Number, at: At = None) -> Order:
        """An order with what was paid and what went back."""
        return ledger.order(number, at=at or clock())

    @api.get("/customers/{key}", responses=ASKED, dependencies=signed_in)
    def customer(key: Key) -> Customer:
        return ledger.customer(key)

    @api.get("/customers/{key}/orders", responses=ASKED, dependencies=signed_in)
    def orders_of_customer(key: Key, at: At = None) -> list[Order]:
        """Newest first, 200 at most."""
        return list(ledger.orders_of(key, at=at or clock()))

    @api.get("/invoices/{number}", responses=ASKED, dependencies=signed_in)
    def invoice(number: Number, at: At = None) -> Invoice:
        return ledger.invoice(number, at=at or clock())

    @api.get("/incidents", responses=_problems(401, 422, 500, 503), dependencies=signed_in)
    def incidents(area: Annotated[str, Query(min_length=1, max_length=100)], at: At = None) -> list[Incident]:
        """What an area had at a time, with what there was everywhere."""
        return list(ledger.incidents(area, at=at or clock()))

    @api.post("/refunds", status_code=201, responses=SENT, dependencies=signed_in)
    def refund(wanted: RefundWanted, key: Idempotency, response: Response) -> Entry:
        """Money back for an order, never more than was paid for it. The same request with the same key is answered as the first time."""
        made = ledger.refund(
            wanted.order, cents(wanted.amount), wanted.currency, wanted.reason, key=key, at=clock(), made_by=MADE_BY
        )  # fmt: skip
        return _told(made, response)

    @api.post("/credits", status_code=201, responses=SENT, dependencies=signed_in)
    def credit(wanted: CreditWanted, key: Idempotency, response: Response) -> Entry:
        """Money for the customer's next orders."""
        made = ledger.credit(
            wanted.customer, cents(wanted.amount), wanted.currency, wanted.reason, order=wanted.order, key=key, at=clock(),
            made_by=MADE_BY,
        )  # fmt: skip
        return _told(made, response)

    @api.get("/refunds/by-key/{key}", responses=ASKED, dependencies=signed_in)
    def refund_by_key(key: EntryKey) -> Entry:
        """What came of a request whose answer was lost."""
        return ledger.by_key("refund", key)

    @api.get("/credits/by-key/{key}", responses=ASKED, dependencies=signed_in)
    def credit_by_key(key: EntryKey) -> Entry:
        """What came of a request whose answer was lost."""
        return ledger.by_key("credit", key)

    _describe(api)
    return Door(api, token, slowest)


def _told(made: Made, response: Response) -> Entry:
    response.headers["Idempotent-Replayed"] = "true" if made.again else "false"
    return made.entry


def _describe(api: FastAPI) -> None:
    """The description as it is: our refusals are problem+json."""
    described = api.openapi()
    for methods in described["paths"].values():
        for told in methods.values():
            for status, answer in told["responses"].items():
                if int(status) >= 400:
                    answer["content"] = {PROBLEM: answer["content"][JSON]}
    api.openapi_schema = described


# -- refusals ---------------------------------------------------------------------------------------------------------------------------


def problem(status: int, detail: str, **headers: str) -> Response:
    told = Problem(title=TITLES.get(status, "Refused"), status=status, detail=detail)
    return JSONResponse(told.model_dump(), status, headers=headers, media_type=PROBLEM)


def _answer_problems(api: FastAPI) -> None:
    def refused(_request: Request, error: Exception) -> Response:
        if isinstance(error, Busy):
            return problem(503, str(error), **{"Retry-After": "1"})
        return problem(404 if isinstance(error, Unknown) else 409 if isinstance(error, Conflict) else 422, str(error))

    def invalid(_request: Request, error: Exception) -> Response:
        """Where and what is wrong; never what was sent."""
        assert isinstance(error, RequestValidationError)  # noqa: S101
        wrong = error.errors()[0]
        if wrong["type"] == "missing" and wrong["loc"] == ("header", "Idempotency-Key"):
            return problem(400, "Nothing was done: the header Idempotency-Key is needed, so that a second request makes nothing new.")
        if wrong["type"] == "json_invalid":
            return problem(400, "Nothing was done: the body is not JSON.")
        where = ".".join(str(part) for part in wrong["loc"]).encode("ascii", "backslashreplace").decode()[:100]
        return problem(422, f"Nothing was done: {where}: {str(wrong['msg'])[:200]}.")

    def elsewhere(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        told = {404: "There is no such page.", 405: "This page takes another method.", 400: "Nothing was done: the body cannot be read."}
        return problem(error.status_code, told.get(error.status_code, str(error.detail)[:200]), **dict(error.headers or {}))

    def failed(_request: Request, error: Exception) -> Response:
        logger.error("the shop failed at a request", exc_info=error)
        return problem(500, "The shop failed, and its log says why. Ask by the key whether something was done.")

    api.add_exception_handler(Refused, refused)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, elsewhere)
    api.add_exception_handler(Exception, failed)


class Door:
    """Stands before the app: the token, the size and the pace of what is sent."""

    def __init__(self, app: App, token: str, slowest: float) -> None:
        self._app, self._slowest = app, slowest
        self._token = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["path"] not in OPEN and not hmac.compare_digest(headers.get(b"authorization", b""), self._token):
            refused = problem(401, "Nothing was told: the request needs the shop's token.", **{"WWW-Authenticate": "Bearer"})
            await refused(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        told = await self._read(headers, receive)
        if isinstance(told, Response):
            await told(scope, receive, send)
        elif told is not None:
            await self._app(scope, _once(told, receive), send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | Response | None:
        """The whole body, why it is not taken, or None when whoever sent it is gone."""
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != JSON.encode():
            return problem(415, f"Nothing was done: the body is sent as {JSON}.")
        try:
            return await asyncio.wait_for(_whole(receive), self._slowest)
        except TimeoutError:
            return problem(408, f"Nothing was done: the request was not here whole within {self._slowest:g} seconds.")
        except _TooLarge:
            return problem(413, f"Nothing was done: a request has at most {LARGEST // 1024} KB.")


class _TooLarge(Exception):
    pass


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST:
            raise _TooLarge
        if not message.get("more_body", False):
            return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def told() -> Message:
        return waiting.pop() if waiting else await receive()

    return told


# -- running ----------------------------------------------------------------------------------------------------------------------------


def listening(port: int) -> socket.socket:
    """On this machine alone: the shop has a ledger, not a guard."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        made.close()
        raise Misuse(f"The shop was not started: port {port} cannot be used. Choose another with --port.") from error
    made.listen(512)
    made.setblocking(False)
    return made


def server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=3, timeout_keep_alive=15,
    )  # fmt: skip
    return uvicorn.Server(config)


def address(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextmanager
def running(ledger: Ledger, token: str, *, clock: Callable[[], datetime] = now, slowest: float = SLOWEST) -> Iterator[str]:
    """The address of a shop that answers as long as the block lasts."""
    sock = listening(0)  # it takes connections from here on, and answers them once the thread is there
    serving = server(build(ledger, token, clock=clock, slowest=slowest))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [sock]}, name="shop", daemon=True)
    thread.start()
    try:
        yield address(sock)
    finally:
        serving.should_exit = True
        thread.join(10)
        sock.close()
