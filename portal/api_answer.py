"""Answers over HTTP: a question or a conversation in, sentences with their sources or silence out."""

from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints, model_validator

from automations import speaking
from data import access
from data.tables import Person
from knowledge import answerers, answering
from knowledge.manner import Writer
from portal import bodies, catalog
from portal.caller import By

router = APIRouter(prefix="/v1")
AT_ONCE = 8  # requests that wait for a model; threads are left for the others
_writing = BoundedSemaphore(AT_ONCE)
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
    write: bool = Field(
        False,
        description="Have a model write the answer from the same passages, where one is set and the version in force writes. It takes as "
        "long as the model does; where it cannot, the answer is quoted, and note says why.",
    )

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
    declined: bool = Field(
        description="It keeps silent: nothing that is published surely covers it, or the policy leaves it to people. why says which."
    )
    why: str
    reply: str = Field(description="The sentences as one text; empty where it keeps silent.")
    sentences: list[Sentence]
    sources: list[Source]
    confidence: float = Field(description="From 0 to 1: how likely the answer is right.")
    written: bool = Field(description="A model wrote it, each sentence checked against its source; else it is quoted word for word.")
    note: str = Field(description="What became of the writing, where it was asked for.")
    proposal: bool = Field(
        description="The policy has machines propose here, or leaves it to people: show the reply to a colleague, who sends it. It never "
        "goes to the customer by itself."
    )
    policy: str = Field(description="What the policy says of it, in a sentence; empty where it leaves it to machines.")


def _described() -> dict[str, Any]:
    """The body's schema in one piece: what a message is stands where messages are."""
    schema = Asked.model_json_schema()
    schema["properties"]["messages"]["items"] = schema.pop("$defs")["Message"]
    return {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": schema}}}}


@router.post("/answer", openapi_extra=_described(), response_model=Answered)
async def answer(request: Request, by: By) -> dict[str, Any]:
    """What the published articles say to it, for a customer. What is asked is kept masked, so that what nothing covers becomes a gap."""
    from starlette.concurrency import run_in_threadpool

    access.require(by, "api.answer")  # before anything that was sent is read
    bodies.require_json(request, not_done="Not answered")
    return await run_in_threadpool(_answer, await request.body(), by)


def _answer(body: bytes, by: Person) -> dict[str, Any]:
    asked = bodies.read(body, Asked, not_done="Not answered", such_as='{"question": "How long do I have to send it back?"}')
    messages = [one.model_dump() for one in asked.messages] or [{"role": "customer", "text": asked.question}]
    mandate = speaking.of_question(messages)
    left = speaking.why_not(mandate)
    writer, why = (None, "") if left else _writer(asked, by)
    if writer and not _writing.acquire(blocking=False):
        writer, why = None, f"Quoted: {AT_ONCE} answers are being written at this moment. Ask again in a few seconds."
    try:
        trace = answering.for_customer(messages, key=asked.key, by=by, writer=writer, left=left)
    finally:
        if writer:
            _writing.release()
    said, asks = trace.said or {}, speaking.is_proposal(mandate)
    reply = "" if said["declined"] else said["reply"]
    return {**{name: said[name] for name in ("declined", "why", "sentences", "sources", "confidence")}, "reply": reply,
            "answerer": trace.target_number, "written": bool(said.get("model")), "note": _note(said, why),
            "proposal": asks, "policy": mandate.sentence if mandate and asks else ""}  # fmt: skip


def _writer(asked: Asked, by: Person) -> tuple[Writer | None, str]:
    """Or why none writes."""
    if not asked.write:
        return None, ""
    if (writer := catalog.writer_for(by)) is None:
        return None, "Quoted: no model endpoint is set."
    writes = answerers.setup_of(answering.who_answers(asked.key)).writes
    return (writer, "") if writes else (None, answering.QUOTES)


def _note(said: dict[str, Any], why: str) -> str:
    return "" if said["declined"] else str(said.get("note") or why)
