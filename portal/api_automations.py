"""Recipes over HTTP: a product's button, and the reply to what a customer wrote. What needs a yes at a desk needs it here too."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from data import access, conversations, releases, sealing, store, versions
from data.errors import Busy, Denied, Refused
from data.tables import Action, Person
from portal import bodies, catalog, guard
from portal.caller import signed_in
from portal.pace import Pace

if TYPE_CHECKING:
    from automations.responding import Ran, Responded, Waits

router = APIRouter(prefix="/v1")
A_MINUTE = 600  # requests of one token
AT_ONCE = 24  # that run or wait for one that does; threads are left for the others
MOST, LONGEST = 20, 500  # values that are sent along, characters of each
pace = Pace(A_MINUTE)
_running = BoundedSemaphore(AT_ONCE)
Told = TypeVar("Told")

Word = Annotated[str, StringConstraints(max_length=LONGEST)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
HERE = "There is no such conversation within your reach."


class Pressed(BaseModel):
    conversation: str = Field(min_length=1, max_length=80, description="Which one, by our id; what sent it was told the id.")
    asked: dict[Name, Word | int | float | bool] = Field(
        default={}, max_length=MOST,
        description='What the product knows, such as {"invoice": "FG-10001"}; the recipe names it {{asked.invoice}}.',
    )  # fmt: skip


class Done(BaseModel):
    told: str = Field(description="What was done, in a sentence; personal data masked.")
    kind: str = Field(description="refund, credit, reply, draft, tag, route, field, note or call")
    ref: str = Field(description="By which the other side knows it; empty where it was done here.")
    amount: str | None = Field(description="Of a refund or credit, such as 12.50.")
    currency: str


class Wait(BaseModel):
    told: str
    proposal: str | None = Field(description="The proposal that people decide on; null where nobody has to.")
    needs: int = Field(description="How many people have to say yes.")


class Run(BaseModel):
    """What became of one run."""

    run: str = Field(description="Its id; asked again about the same words it is the same.")
    recipe: str
    version: int
    state: str = Field(description="done, waiting, handed over (a person has it), failed, stopped or running")
    why: str
    did: list[Done]
    reply: str = Field(description="What the recipe says to the customer, as their channel has it. Show it once. Empty: nothing.")
    draft: str = Field(description="What a person looks at before a customer sees it; personal data masked.")
    waiting: Wait | None


class Whose(BaseModel):
    recipe: str
    version: int


class Reply(BaseModel):
    reply: str = Field(description="What to show the customer, as their channel has it; empty where nothing is said without a person.")
    by: Whose | None = Field(description="Which recipe says so, and its version.")
    handed_over: bool = Field(description="A person has it from here.")
    why: str
    waiting: Wait | None = Field(description="What a person has to say yes to first. Ask again: once they have, the reply is there.")
    runs: list[Run] = Field(description="All recipes that ran on what the customer wrote last.")


def caller(request: Request) -> Person:
    """Who asks, if they may ask as much."""
    by, secret = signed_in(request), guard.bearer(request.scope)
    if secret and (seconds := pace.wait(sealing.sha(secret))):
        told = f"Not run: {pace.a_minute} requests a minute are the most. Try again in {seconds} seconds."
        raise HTTPException(429, told, {"Retry-After": str(seconds)})
    access.require(by, "agent.run")  # before anything that was sent is read
    return by


Caller = Annotated[Person, Depends(caller)]
DESCRIBED = {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": Pressed.model_json_schema()}}}}


@router.post("/automations/{name}/run", openapi_extra=DESCRIBED, response_model=Run)
async def run(name: Annotated[str, Path(max_length=200)], request: Request, by: Caller) -> dict[str, Any]:
    """A recipe with a button, on a conversation: for a button in your product. Pressed again on the same words it is the same run. 409
    with a sentence where no version is in force for this customer, or the recipe is not for this conversation."""
    from starlette.concurrency import run_in_threadpool

    bodies.require_json(request, not_done="Not run")
    return await run_in_threadpool(_run, name, await request.body(), by)


@router.post("/conversations/{conversation_id}/respond", response_model=Reply)
def respond(conversation_id: Annotated[str, Path(max_length=80)], by: Caller) -> dict[str, Any]:
    """The reply to what the customer wrote last, by the recipes that are in force for them; asked again, the same reply. Send the
    conversation with ?respond=true first: else our own worker may run a recipe before you ask, and it has no way to your customer."""
    from automations import responding
    from classifiers import arrivals

    _require_here(conversation_id, by)
    classify = arrivals.by_all if _anything_classifies() else None
    found = _one_of_few(lambda: responding.respond(conversation_id, by=by, means=catalog.means(by), classify=classify))
    return _responded(found)


def _run(name: str, body: bytes, by: Person) -> dict[str, Any]:
    from automations import RECIPE, responding

    asked = bodies.read(body, Pressed, not_done="Not run", such_as='{"conversation": "0198…"}')
    _require_here(asked.conversation, by)
    if name not in versions.names(RECIPE):
        raise HTTPException(404, "There is no recipe of that name.")
    try:
        ran = _one_of_few(lambda: responding.pressed(name, asked.conversation, by=by, means=catalog.means(by), asked=asked.asked))
    except (Denied, Busy):
        raise
    except Refused as refused:  # well asked, and not now
        raise HTTPException(409, str(refused)) from refused
    return _ran(ran)


def _require_here(conversation_id: str, by: Person) -> None:
    if not conversations.reachable([conversation_id], by=by):
        raise HTTPException(404, HERE)


def _anything_classifies() -> bool:
    with store.reading() as db:
        return releases.anything_live(db, "classifier")


def _one_of_few(work: Callable[[], Told]) -> Told:
    if not _running.acquire(blocking=False):
        raise Busy(f"Not run: {AT_ONCE} requests are being answered at this moment. Ask again in a few seconds.")
    try:
        return work()
    finally:
        _running.release()


# -- what is told -------------------------------------------------------------------------------------------------------------------------


def _responded(found: "Responded") -> dict[str, Any]:
    whose = {"recipe": found.by.target_name, "version": found.by.target_number} if found.by else None
    return {"reply": found.reply, "by": whose, "handed_over": found.handed_over, "why": found.why, "waiting": _wait(found.waits),
            "runs": [_ran(one) for one in found.runs]}  # fmt: skip


def _ran(ran: "Ran") -> dict[str, Any]:
    trace = ran.trace
    did = [_done(told, one) for told, one in zip(ran.sentences, ran.did, strict=True)]
    return {"run": trace.id, "recipe": trace.target_name, "version": trace.target_number, "state": trace.state.replace("_", " "),
            "why": ran.why, "did": did, "reply": "\n\n".join(ran.replies), "draft": ran.draft, "waiting": _wait(ran.waits)}  # fmt: skip


def _done(told: str, action: Action) -> dict[str, Any]:
    amount = None if action.cents is None else f"{action.cents / 100:.2f}"
    return {"told": told, "kind": action.kind, "ref": action.provider_ref, "amount": amount, "currency": action.currency}


def _wait(waits: "Waits | None") -> dict[str, Any] | None:
    return {"told": waits.told, "proposal": waits.proposal_id or None, "needs": waits.needs} if waits else None
