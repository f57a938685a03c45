"""The HTTP API under /api/v1: health for machines, conversations for the company's own surfaces."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from data import people, store
from data.errors import Busy, Denied, Misuse, Refused
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.tables import Person
from portal import guard
from portal.beat import worker_age

api = FastAPI(title="Portal", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")


def signed_in(request: Request) -> Person:
    """The guard named the sign-in; it is looked up again for every call."""
    person = people.signed_in(request.headers.get(guard.SESSION_HEADER, ""))
    if person is None:
        raise HTTPException(401, "Sign in first.")
    return person


By = Annotated[Person, Depends(signed_in)]


@api.exception_handler(Refused)
def refused(_request: Request, error: Refused) -> JSONResponse:
    status = 403 if isinstance(error, Denied) else 503 if isinstance(error, Busy) else 422
    return JSONResponse({"detail": str(error)}, status)


@api.exception_handler(RequestValidationError)
def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Where and what is wrong; never what was sent, which may hold a card number."""
    told = [{"where": _where(fault["loc"]), "what": str(fault["msg"])} for fault in error.errors()[:20]]
    return JSONResponse({"detail": told}, 422)


def _where(place: Sequence[Any]) -> str:
    return ".".join(str(part) for part in place).encode("ascii", "backslashreplace").decode()[:200]


@api.get("/v1/health")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@api.get("/v1/ready")
def ready() -> JSONResponse:
    """It can do its work: the database answers and has this code's shape."""
    try:
        ok = not store.needs_migration()
        told = "the database is ready" if ok else "the database waits for a migration"
    except Misuse:
        ok, told = False, "the database does not answer; portal doctor says more"
    age = worker_age()
    worker = "not seen on this machine" if age is None else f"seen {age:.0f} seconds ago"
    return JSONResponse(
        {"status": "ready" if ok else "not ready", "database": told, "worker": worker, "at": time.time()}, 200 if ok else 503
    )


@api.get("/v1/me")
def me(by: By) -> dict[str, Any]:
    return {"name": by.name, "role": by.role}


@api.post("/v1/conversations")
def receive(conversations: Annotated[list[CanonicalConversation], Field(min_length=1, max_length=500)], by: By) -> dict[str, Any]:
    """Conversations in the canonical form; sent twice they are kept once."""
    arrival = door.receive(conversations, by=by)
    counts = {key: arrival.counts[key] for key in ("conversations", "messages", "new", "updated", "unchanged", "redactions")}
    return counts | {"ids": arrival.ids, "refused": [{"place": place, "why": why} for place, why in sorted(arrival.refused.items())]}
