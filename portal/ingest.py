"""What comes in over HTTP: conversations, and messages that follow. JSON only; a program signs what it sends, and sends it once."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from data import access, sealing, signatures, store
from data.intake import door, reading
from data.intake.canonical import CanonicalConversation, CanonicalMessage, Key
from data.intake.readers.jsonl import strict_json
from data.tables import Person
from portal import guard
from portal.pace import Pace

MOST = 500  # conversations or messages a request
A_MINUTE = 600  # requests of one token
JSON = "application/json"

router = APIRouter(prefix="/v1")
pace = Pace(A_MINUTE)


class FollowingMessage(CanonicalMessage):
    """A message of a conversation that was sent before. Its own id keeps it from being added twice."""

    model_config = ConfigDict(extra="allow")

    source: Key
    conversation: Key  # its id at the source
    id: Key = Field(...)


class Sent:
    """One request: who sent it, what stands in it, and the signature it is remembered by."""

    def __init__(self, by: Person, items: list[Any], signature_sha: str | None) -> None:
        self.by, self.items, self.signature_sha = by, items, signature_sha


def _refusal(status: int, told: str, **headers: str) -> JSONResponse:
    return JSONResponse({"detail": told}, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def sent(request: Request) -> Sent | JSONResponse:
    """The request, if it is one that is taken; else what is wrong with it. Nothing is parsed before it is known who sent it."""
    from portal.api import signed_in

    by, secret = signed_in(request), guard.bearer(request.scope)
    if secret and (seconds := pace.wait(sealing.sha(secret))):
        return _refusal(
            429, f"Not taken: {A_MINUTE} requests a minute are the most. Try again in {seconds} seconds.", Retry_After=str(seconds)
        )
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        return _refusal(415, f"Not taken: the body is sent as {JSON}, nothing else is read.")
    body = await request.body()
    signature_sha = signatures.check(secret, request.headers.get(signatures.HEADER), body) if secret else None
    access.require(by, "api.ingest")
    try:
        told = strict_json(body)
    except (ValueError, RecursionError) as error:
        return _refusal(422, f"Nothing was stored: the body is not JSON ({str(error)[:200]}).")
    items = told if isinstance(told, list) else [told] if isinstance(told, dict) else None
    if not items:
        return _refusal(422, "Nothing was stored: the body is a list of objects, and this one has none.")
    if len(items) > MOST:
        return _refusal(422, f"Nothing was stored: {MOST} at once are the most, these are {len(items):,}. Send them in parts.")
    return Sent(by, items, signature_sha)


Request_ = Annotated[Sent | JSONResponse, Depends(sent)]


def _once(asked: Sent, work: Callable[[], dict[str, Any]]) -> JSONResponse:
    """Keep it all in one transaction with the signature: what failed may be sent again as it is, what was kept may not."""
    with store.writing() as db:
        if asked.signature_sha:
            signatures.take_once(db, asked.signature_sha)
        told = work()
    if told["refused"] and not told["conversations"]:
        first = told["refused"][0]
        many = "it was" if len(told["refused"]) == 1 else f"all {len(told['refused'])} were"
        return JSONResponse({"detail": f"Nothing was stored: {many} refused. Number {first['place']}: {first['why']}", **told}, 422)
    return JSONResponse(told)


def _told(arrival: door.Arrival) -> dict[str, Any]:
    return {key: arrival.counts[key] for key in ("conversations", "messages", "new", "updated", "unchanged", "redactions")}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """For the API's description: bodies are checked one by one, so that a bad one does not spoil the rest."""
    each = model.model_json_schema(ref_template="#/components/schemas/{model}")
    each.pop("$defs", None)
    items = {"type": "array", "items": each, "minItems": 1, "maxItems": MOST}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": items}}}}


@router.post("/conversations", openapi_extra=_schema(CanonicalConversation))
async def conversations(asked: Request_) -> JSONResponse:
    """Conversations in the canonical form, up to 500. Sent twice they are kept once; one that changed becomes a revision."""
    if isinstance(asked, JSONResponse):
        return asked
    return await run_in_threadpool(_once, asked, lambda: _receive(asked))


def _receive(asked: Sent) -> dict[str, Any]:
    read = [reading.made(item) if isinstance(item, dict) else "it is not an object" for item in asked.items]
    places = [place for place, one in enumerate(read) if isinstance(one, CanonicalConversation)]
    arrival = door.receive([one for one in read if isinstance(one, CanonicalConversation)], by=asked.by)
    refused = {place: one for place, one in enumerate(read) if isinstance(one, str)}
    refused |= {places[number]: why for number, why in arrival.refused.items()}
    return _told(arrival) | {"ids": arrival.ids, "refused": [{"place": place, "why": why} for place, why in sorted(refused.items())]}


@router.post("/messages", openapi_extra=_schema(FollowingMessage))
async def messages(asked: Request_) -> JSONResponse:
    """Messages of conversations that were sent before, up to 500. One that came before, by its id, is left out."""
    if isinstance(asked, JSONResponse):
        return asked
    return await run_in_threadpool(_once, asked, lambda: _append(asked))


def _append(asked: Sent) -> dict[str, Any]:
    refused: list[dict[str, Any]] = []
    following: dict[tuple[str, str], list[tuple[int, FollowingMessage]]] = {}
    for place, item in enumerate(asked.items):
        try:
            message = FollowingMessage.model_validate(item)
        except ValidationError as error:
            refused.append({"place": place, "why": reading.in_words(error)})
        else:
            following.setdefault((message.source, message.conversation), []).append((place, message))
    whole = door.Arrival()
    for conversation, said in following.items():
        arrival = door.append(conversation, [_message(message) for _, message in said], by=asked.by)
        whole.counts.update(arrival.counts)
        whole.ids += arrival.ids
        refused += [{"place": place, "why": arrival.refused[0]} for place, _ in said if arrival.refused]
    return _told(whole) | {"ids": whole.ids, "refused": sorted(refused, key=lambda one: one["place"])}


def _message(message: FollowingMessage) -> CanonicalMessage:
    return CanonicalMessage.model_validate(message.model_dump(exclude={"source", "conversation"}))
