"""What comes in over HTTP: conversations, and messages that follow. JSON only; a program signs what it sends, and sends it once."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from data import access, sealing, signatures, store
from data.intake import appending, door, reading
from data.intake.canonical import CanonicalConversation, CanonicalMessage, Key
from data.intake.readers.jsonl import strict_json
from data.tables import Person
from language import redact
from portal import bodies, guard
from portal.caller import signed_in
from portal.pace import Pace

MOST = 500  # conversations or messages a request
A_MINUTE = 600  # requests of one token
NO_OBJECT = "it is not an object"

router = APIRouter(prefix="/v1")
pace = Pace(A_MINUTE)


class FollowingMessage(CanonicalMessage):
    """A message of a conversation that was sent before. Its own id keeps it from being added twice."""

    model_config = ConfigDict(extra="allow")

    source: Key
    conversation: Key  # its id at the source
    id: Key = Field(...)


class NotTaken(BaseModel):
    place: int  # in the list that was sent, the first is 0
    why: str


class Taken(BaseModel):
    """What became of what was sent. `ids` are ours, of the conversations that are new or changed."""

    conversations: int
    messages: int
    new: int
    updated: int
    unchanged: int
    redactions: int
    ids: list[str]
    refused: list[NotTaken]


class Sent:
    """One request: who sent it, what stands in it, and the signature it is remembered by."""

    def __init__(self, by: Person, items: list[Any], signature_sha: str | None) -> None:
        self.by, self.items, self.signature_sha = by, items, signature_sha


def sender(request: Request) -> Person:
    """Who sends this, if they may send as much and it is of the right kind: its body is not read before that."""
    by, secret = signed_in(request), guard.bearer(request.scope)
    if secret and (seconds := pace.wait(sealing.sha(secret))):
        told = f"Not taken: {pace.a_minute} requests a minute are the most. Try again in {seconds} seconds."
        raise HTTPException(429, told, {"Retry-After": str(seconds)})
    bodies.require_json(request, not_done="Not taken")
    return by


async def content(request: Request, _by: Annotated[Person, Depends(sender)]) -> bytes:
    return await request.body()


def sent(request: Request, by: Annotated[Person, Depends(sender)], body: Annotated[bytes, Depends(content)]) -> Sent:
    """The request, if it is one that is taken. Nothing is parsed before it is known who sent it and that they may."""
    secret = guard.bearer(request.scope)
    signature_sha = signatures.check(secret, request.headers.get(signatures.HEADER), body) if secret else None
    access.require(by, "api.ingest")
    try:
        told = strict_json(body)
    except ValueError as error:
        raise HTTPException(422, f"Nothing was stored: the body is not JSON ({redact.masked(str(error))[:200]}).") from None
    items = told if isinstance(told, list) else [told] if isinstance(told, dict) else None
    if not items:
        raise HTTPException(422, "Nothing was stored: the body is one object or a list of them, and here is none.")
    if len(items) > MOST:
        raise HTTPException(422, f"Nothing was stored: {MOST} at once are the most, these are {len(items):,}. Send them in parts.")
    return Sent(by, items, signature_sha)


Asked = Annotated[Sent, Depends(sent)]
Responds = Annotated[bool, Query(description="You ask for the reply, by POST /api/v1/conversations/{id}/respond: recipes run then.")]


def _take_once(db: Session, asked: Sent) -> None:
    """In one transaction with what is stored: a request that failed may be sent again as it is, one that was kept may not."""
    if asked.signature_sha:
        signatures.take_once(db, asked.signature_sha)


def _answer(arrival: door.Arrival, refused: dict[int, str]) -> JSONResponse:
    """What a reason repeats of the request is masked: answers are logged by those who ask."""
    whys = [NotTaken(place=place, why=redact.masked(why)) for place, why in sorted(refused.items())]
    counts = {key: arrival.counts[key] for key in ("conversations", "messages", "new", "updated", "unchanged", "redactions")}
    told = Taken(**counts, ids=arrival.ids, refused=whys).model_dump()
    if whys and not arrival.counts["conversations"]:
        first = whys[0].why if len(whys) == 1 else f"all {len(whys)} were refused. The first: {whys[0].why}"
        return JSONResponse({"detail": f"Nothing was stored: {first}", **told}, 422)
    return JSONResponse(told)


def _described(model: type[BaseModel]) -> dict[str, Any]:
    """For the API's description: bodies are checked one by one, so that a bad one does not spoil the rest."""
    each = model.model_json_schema()
    items = {"type": "array", "items": _whole(each, each.pop("$defs", {})), "minItems": 1, "maxItems": MOST}
    return {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": items}}}}


def _whole(schema: Any, parts: dict[str, Any]) -> Any:
    """With its parts in their places: a document that is put together from several has one place for parts, and that is not ours."""
    if isinstance(schema, list):
        return [_whole(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _whole(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _whole(one, parts) for name, one in schema.items()}


@router.post("/conversations", openapi_extra=_described(CanonicalConversation), response_model=Taken)
def conversations(asked: Asked, respond: Responds = False) -> JSONResponse:
    """Conversations in the canonical form, up to 500. Sent twice they are kept once; one that changed becomes a revision."""
    read = [reading.made(item) if isinstance(item, dict) else NO_OBJECT for item in asked.items]
    places = [place for place, one in enumerate(read) if isinstance(one, CanonicalConversation)]
    prepared = door.prepare([one for one in read if isinstance(one, CanonicalConversation)], by=asked.by)  # nobody waits for this
    with store.writing() as db:
        _take_once(db, asked)
        arrival = door.keep(prepared, recipes=not respond)
    refused = {place: one for place, one in enumerate(read) if isinstance(one, str)}
    return _answer(arrival, refused | {places[number]: why for number, why in arrival.refused.items()})


@router.post("/messages", openapi_extra=_described(FollowingMessage), response_model=Taken)
def messages(asked: Asked, respond: Responds = False) -> JSONResponse:
    """Messages of conversations that were sent before, up to 500. One that came before, by its id, is left out."""
    following, refused = _by_conversation(asked.items)
    whole = door.Arrival()
    additions = [
        appending.prepare(conversation, [_message(message) for _, message in said], by=asked.by) for conversation, said in following.items()
    ]  # nobody waits for this
    with store.writing() as db:
        _take_once(db, asked)
        for addition, said in zip(additions, following.values(), strict=True):
            arrival = appending.keep(addition, recipes=not respond)
            whole.counts.update(arrival.counts)
            whole.ids += arrival.ids
            refused |= {place: arrival.refused[0] for place, _ in said if arrival.refused}
    return _answer(whole, refused)


Following = dict[tuple[str, str], list[tuple[int, FollowingMessage]]]  # source and conversation -> places and messages


def _by_conversation(items: list[Any]) -> tuple[Following, dict[int, str]]:
    """Those of one conversation together; and what is none."""
    following: Following = {}
    refused: dict[int, str] = {}
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            refused[place] = NO_OBJECT
            continue
        try:
            message = FollowingMessage.model_validate(item)
        except ValidationError as error:
            refused[place] = reading.in_words(error)
        else:
            following.setdefault((message.source, message.conversation), []).append((place, message))
    return following, refused


def _message(message: FollowingMessage) -> CanonicalMessage:
    return CanonicalMessage.model_validate(message.model_dump(exclude={"source", "conversation"}))
