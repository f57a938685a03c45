"""The policy over HTTP, to read: what machines may do on each intent."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from data import access
from portal.caller import By

router = APIRouter(prefix="/v1")


class Held(BaseModel):
    intent: str
    may: str = Field(description="alone, propose or never")
    judgement: bool = Field(description="It takes a person's judgement; then it is never.")
    note: str
    own: bool = Field(description="It says so itself; else it is held to everything else.")
    conversations: int | None = Field(description="Of the last 30 days within the caller's reach; null where they read none.")
    by_machine: int | None = Field(description="Of those, in how many a recipe did something.")
    recipes: list[str] = Field(description="Titles of the recipes that begin with it, or did something on it.")


class Policy(BaseModel):
    number: int = Field(description="0: nobody set one, and each recipe is held to its own limits alone.")
    intents: list[Held]
    everything_else: Held
    no_intent: Held


@router.get("/policy", response_model=Policy)
def policy(by: By) -> dict[str, Any]:
    """What machines may do alone, may propose, may never touch, intent by intent."""
    access.require(by, "automation.read")
    from automations import mandated, mandates

    found = mandated.shown(by=by)
    told = {row.key: held(row) for row in found.rows}
    rest = {"everything_else": told.pop(mandates.OTHERS), "no_intent": told.pop(mandates.UNKNOWN)}
    return {"number": found.number, "intents": list(told.values()), **rest}


def held(row: Any) -> dict[str, Any]:
    """One row, for programs."""
    counted = row.figures
    return {
        "intent": row.title, "may": row.line.may, "judgement": row.line.judgement, "note": row.line.note, "own": row.own,
        "conversations": counted.conversations if counted else None, "by_machine": counted.by_machine if counted else None,
        "recipes": list(row.recipes),
    }  # fmt: skip
