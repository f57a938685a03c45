"""Product feedback over HTTP: read with its figures, written up, handed over, and what became of it, such as by a tracker of tickets."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from data import access, feedback_evidence, product_feedback
from data.product_feedback import About
from portal import feedback_document, feedback_sending
from portal.api_monitors import intent_of
from portal.caller import By

router = APIRouter(prefix="/v1")
FeedbackId = Annotated[str, Path(max_length=60)]
Sentence = Annotated[str, Field(max_length=4_000)]


class Written(BaseModel):
    """A fault: an intent, words that find its conversations, or both. Without samples the newest conversations are some."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=400)]
    text: Annotated[str, Field(max_length=4_000, description="What customers run into.")]
    wish: Annotated[str, Field(max_length=4_000, description="What would help them.")] = ""
    intent: Annotated[str, Field(max_length=200, description="Its name.")] | None = None
    search: Annotated[str, Field(max_length=500, description="As the page of conversations takes it.")] = ""
    samples: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50, description="Ids of conversations.")] = []


class HandedOver(BaseModel):
    model_config = ConfigDict(extra="forbid")

    product_team: Annotated[str, Field(max_length=200)]
    sentence: Sentence
    webhook: Annotated[str, Field(max_length=60, description="The name of one that was approved; otherwise none.")] = ""


class Stepped(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["accepted", "building", "changed", "declined"]
    sentence: Sentence
    day: date | None = Field(default=None, description="Since when; otherwise today.")


@router.get("/product-feedback")
def all_of(by: By) -> list[dict[str, Any]]:
    """Within reach, the newest first, each with its share of the conversations of the last four weeks."""
    found = product_feedback.all_of(by=by)
    shares = feedback_evidence.shares([product_feedback.words_of(one) for one in found], by=by)
    return [dict(feedback_document.told_of(one, share)) for one, share in zip(found, shares, strict=True)]


@router.get("/product-feedback/{feedback_id}")
def one(feedback_id: FeedbackId, by: By) -> dict[str, Any]:
    """With its figures, its weeks and what became of it. How its samples begin is told to whoever may read conversations."""
    if product_feedback.get(feedback_id, by=by) is None:
        raise HTTPException(404, "There is no such product feedback within your reach.")
    return feedback_document.document(
        feedback_document.collected(feedback_id, by=by), words_of_customers=access.may(by, "conversation.read")
    )


@router.post("/product-feedback")
def write(written: Written, by: By) -> dict[str, Any]:
    about = About(label_id=intent_of(written.intent), words=written.search)
    made = product_feedback.write(written.title, written.text, about, by=by, wish=written.wish, sample_ids=written.samples)
    return dict(feedback_document.told_of(made))


@router.post("/product-feedback/{feedback_id}/hand-over")
def hand_over(feedback_id: FeedbackId, told: HandedOver, by: By) -> dict[str, Any]:
    """To a webhook it goes as it is now: figures, what colleagues wrote, and links to its samples."""
    made = feedback_sending.hand_over(feedback_id, told.product_team, told.sentence, by=by, webhook=told.webhook)
    return dict(feedback_document.told_of(made))


@router.post("/product-feedback/{feedback_id}/steps")
def step(feedback_id: FeedbackId, told: Stepped, by: By) -> dict[str, Any]:
    """What became of it, since a day."""
    made = product_feedback.step(feedback_id, told.state, told.sentence, by=by, day=told.day)
    return dict(feedback_document.told_of(made))


@router.post("/product-feedback/{feedback_id}/take-back")
def take_back(feedback_id: FeedbackId, by: By) -> dict[str, Any]:
    """It leaves the list; the audit keeps it."""
    return dict(feedback_document.told_of(product_feedback.take_back(feedback_id, by=by)))
