"""Answers over HTTP: a question or a conversation in, sentences with their sources or silence out."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from data import access
from data.intake import reading
from data.intake.readers.jsonl import strict_json
from data.tables import Person
from knowledge import answering
from portal.caller import By

router = APIRouter(prefix="/v1")
JSON = "application/json"
MOST, LONGEST = 200, 20_000  # messages of a conversation, characters of each


class Message(BaseModel):
    role: Literal["customer", "rep", "assistant"]
    text: Annotated[str, StringConstraints(max_length=LONGEST)]


class Asked(BaseModel):
    question: str = Field("", max_length=LONGEST, description="What is asked. Give this or messages.")
    messages: list[Message] = Field(
        default=[], max_length=MOST, description="The conversation so far, the oldest message first; the customer's last one is answered."
    )
    key: str = Field(
        "", max_length=200,
        description="A customer's id. While a new answerer answers for some of the customers, the same key is always answered by the same.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _one_of_both(self) -> "Asked":
        if bool(self.question.strip()) == bool(self.messages):
            raise ValueError("give either a question or messages")
        return self


class Sentence(BaseModel):
    text: str
    source: int = Field(description="Its place in sources, from 0.")


class Source(BaseModel):
    article: str = Field(description="The article's name; it stays the same.")
    number: int = Field(description="Which of its versions.")
    title: str
    heading: str
    quote: str = Field(description="Word for word in that version.")


class Answered(BaseModel):
    answerer: int = Field(description="Which version answered; 0: the one that ships.")
    declined: bool = Field(description="It keeps silent: nothing that is published surely covers it.")
    why: str
    reply: str = Field(description="The sentences as one text; empty where it keeps silent.")
    sentences: list[Sentence]
    sources: list[Source]
    confidence: float = Field(description="From 0 to 1: how likely the answer is right.")


def _described() -> dict[str, Any]:
    """The body's schema in one piece: what a message is stands where messages are."""
    schema = Asked.model_json_schema()
    schema["properties"]["messages"]["items"] = schema.pop("$defs")["Message"]
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


@router.post("/answer", openapi_extra=_described(), response_model=Answered)
async def answer(request: Request, by: By) -> dict[str, Any]:
    """What the published articles say to it, for a customer. What is asked is kept masked, so that what nothing covers becomes a gap."""
    from starlette.concurrency import run_in_threadpool

    access.require(by, "api.answer")  # before anything that was sent is read
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f"Not answered: the body is sent as {JSON}, nothing else is read.")
    return await run_in_threadpool(_answer, await request.body(), by)


def _answer(body: bytes, by: Person) -> dict[str, Any]:
    asked = _read(body)
    messages = [one.model_dump() for one in asked.messages] or [{"role": "customer", "text": asked.question}]
    trace = answering.for_customer(messages, key=asked.key, by=by)
    said = trace.said or {}
    reply = "" if said["declined"] else said["reply"]
    return {**{name: said[name] for name in ("declined", "why", "sentences", "sources", "confidence")}, "reply": reply,
            "answerer": trace.target_number}  # fmt: skip


def _read(body: bytes) -> Asked:
    """What is wrong is said by its place, never by what was sent."""
    try:
        told = strict_json(body)
    except ValueError as error:
        what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:200]
        raise HTTPException(422, f"Not answered: the body is not JSON ({what}).") from None
    if not isinstance(told, dict):
        raise HTTPException(422, 'Not answered: the body is one object, such as {"question": "How long do I have to send it back?"}.')
    try:
        return Asked.model_validate(told, strict=True)
    except ValidationError as error:
        raise HTTPException(422, f"Not answered: {_in_words(error)}.") from None


def _in_words(error: ValidationError) -> str:
    """Of a role that there is none of an import would name its own options and what was sent."""
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        if one["type"] == "literal_error":
            return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return reading.in_words(error)
