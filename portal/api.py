"""The HTTP API under /api/v1: health for machines, conversations for the company's own surfaces."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse

from data import access, audit, conversations, datasets, downloads, lists, people, search, signatures, store
from data.errors import Busy, Denied, Misuse, Refused
from portal import (
    api_answer,
    api_automations,
    api_classify,
    api_digest,
    api_evals,
    api_monitors,
    api_my_work,
    api_notes,
    api_opportunities,
    api_policy,
    api_product_feedback,
    api_team,
    api_use_cases,
    ingest,
)
from portal.beat import worker_age
from portal.caller import By

api = FastAPI(title="Portal", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")


@api.exception_handler(Refused)
def refused(_request: Request, error: Refused) -> JSONResponse:
    status = (
        401 if isinstance(error, signatures.BadSignature) else 403 if isinstance(error, Denied) else 503 if isinstance(error, Busy) else 422
    )
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
    return {"name": by.name, "role": by.role} | ({"scopes": sorted(by.scopes)} if by.scopes is not None else {})


@api.get("/v1/conversations/{conversation_id}")
def conversation(conversation_id: str, by: By) -> dict[str, Any]:
    """One conversation with its messages, personal data masked, within the person's reach."""
    found = conversations.get(conversation_id, by=by)
    if found is None:
        raise HTTPException(404, "There is no such conversation within your reach.")
    kept, messages = found
    told = {"id": kept.id, "channel": kept.channel, "subject": kept.subject, "status": kept.status, "opened_at": kept.opened_at}
    spoken = [
        {"seq": message.seq, "role": message.role, "text": message.text, "at": message.at} for message in messages if not message.private
    ]
    return told | {"messages": spoken}


@api.get("/v1/datasets")
def dataset_versions(by: By) -> list[dict[str, Any]]:
    """What was built, newest first, within the person's reach."""
    found = datasets.all_versions(by=by)
    return [
        {"id": one.id, "name": one.name, "number": one.number, "format": one.format, "sha": one.sha, "counts": one.counts} for one in found
    ]


@api.post("/v1/datasets/{version_id}/ticket")
def dataset_ticket(version_id: str, by: By) -> dict[str, str]:
    """A ticket for its files: good once, for five minutes, for whoever asked."""
    return {"download": f"/api/v1/downloads/{datasets.download(version_id, by=by)}"}


@api.post("/v1/conversations/ticket")
def conversations_ticket(by: By, words: Annotated[str, Query(max_length=search.LONGEST)] = "") -> dict[str, str | int]:
    """A ticket for a CSV file of the conversations that a search finds, newest first, personal data masked; as the page words it."""
    made = lists.as_csv(conversations.Filter(words=words), by=by)
    ticket = downloads.offer(made.key, made.name, by=by, right="conversation.export")
    return {"download": f"/api/v1/downloads/{ticket}", "rows": made.rows}


@api.get("/v1/downloads/{ticket}")
def download(ticket: str, by: By) -> FileResponse:
    """The file behind a ticket; the ticket is used up by it."""
    try:
        offered = downloads.fetch(ticket, by=by)
    except Denied:
        raise
    except Refused as refused:
        raise HTTPException(410, str(refused)) from refused
    return FileResponse(offered.path, filename=offered.name, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


@api.get("/v1/audit")
def audit_entries(by: By, page: Annotated[int, Query(ge=0, le=100_000)] = 0) -> list[dict[str, Any]]:
    """What was done, newest first, within the person's reach."""
    return [
        {
            "number": entry.number,
            "at": entry.at,
            "who": entry.by_person_id,
            "verb": entry.verb,
            "noun": entry.noun,
            "sentence": entry.sentence,
        }
        for entry in audit.newest(by=by, page=page)
    ]


@api.get("/v1/people")
def people_here(by: By) -> list[dict[str, Any]]:
    return [{"id": one.id, "name": one.name, "role": one.role, "active": one.disabled_at is None} for one in people.everybody(by=by)]


@api.get("/v1/metrics")
def health_figures(by: By) -> PlainTextResponse:
    """For monitoring, in Prometheus's text form."""
    from portal import metrics

    access.require(by, "metrics.read")
    return PlainTextResponse(metrics.written(), media_type=metrics.CONTENT_TYPE)


@api.get("/v1/docs", include_in_schema=False)
def described(by: By) -> HTMLResponse:
    """The API as a page to read."""
    from portal import apidocs

    return HTMLResponse(apidocs.page(api.openapi()))


api.include_router(ingest.router)
api.include_router(api_evals.router)
api.include_router(api_classify.router)
api.include_router(api_answer.router)
api.include_router(api_automations.router)
api.include_router(api_policy.router)
api.include_router(api_monitors.router)
api.include_router(api_digest.router)
api.include_router(api_use_cases.router)
api.include_router(api_opportunities.router)
api.include_router(api_notes.router)
api.include_router(api_product_feedback.router)
api.include_router(api_team.router)
api.include_router(api_my_work.router)
