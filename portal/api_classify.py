"""Classifiers over HTTP: which there are, and what the live version says of texts."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from classifiers import answering
from data import access
from data.tables import Person
from portal import bodies
from portal.caller import By

router = APIRouter(prefix="/v1")
MOST, LONGEST = 500, 1_000_000  # texts a request, and characters of each
LOOKED_AT = "Of each the first 20,000 characters are looked at."

Text = Annotated[str, StringConstraints(max_length=LONGEST)]


class Asked(BaseModel):
    classifier: str = Field(min_length=1, max_length=80, description="Which one; GET /api/v1/classifiers names them.")
    texts: list[Text] = Field(min_length=1, max_length=MOST, description=f"What customers wrote, 1 to {MOST} texts. {LOOKED_AT}")
    key: str = Field(
        "", max_length=200,
        description="A customer's id. While a new version answers for some of the customers, the same key is always answered by the same.",
    )  # fmt: skip


class Result(BaseModel):
    label: str | None = Field(description="null where it keeps silent: it is not sure enough to be right as often as was promised.")
    label_id: str | None = Field(description="Stays the same when the label is renamed.")
    confidence: float = Field(description="From 0 to 1, of the likeliest label.")
    silent: bool
    top: list[tuple[str, float]] = Field(description="Up to three likeliest labels with their shares, also where it keeps silent.")
    also: list[str] = Field(description="The other labels that hold, of a classifier that may say several.")
    becomes: str = Field(description="answers · names both (the first two of top are too close) · asks (a person: worth showing) · silent")


class Answered(BaseModel):
    classifier: str
    version: int = Field(description="Which one answered: all of these texts, none of them another.")
    results: list[Result] = Field(description="In the order of the texts.")


class OneVersion(BaseModel):
    number: int
    at: datetime
    rows: int = Field(description="Reviewed conversations that it learned from.")
    accuracy: float | None = Field(description="How often it was right for customers that it had not seen; null where nobody could check.")
    checked: int = Field(description="Conversations that this was counted on.")
    stage: str = Field(description="live, shadow (runs beside), percent (answers for some), was live, waits for approval or candidate.")


class OneClassifier(BaseModel):
    name: str
    live: int | None = Field(description="The version that answers; null: none yet.")
    versions: list[OneVersion] = Field(description=f"The newest {answering.NEWEST}, newest first.")


@router.get("/classifiers", response_model=list[OneClassifier])
def classifiers(by: By) -> list[dict[str, Any]]:
    """Every classifier with the version that is live and its newest versions."""
    return [one.told() for one in answering.known(by=by)]


DESCRIBED = {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": Asked.model_json_schema()}}}}


@router.post("/classify", openapi_extra=DESCRIBED, response_model=Answered)
async def classify(request: Request, by: By) -> dict[str, Any]:
    """What the live version says of each text. Texts are neither stored nor logged. 422 with a sentence where nothing is live."""
    from starlette.concurrency import run_in_threadpool

    access.require(by, "api.classify")  # before anything that was sent is read
    bodies.require_json(request, not_done="Not classified")
    return await run_in_threadpool(_classify, await request.body(), by)


def _classify(body: bytes, by: Person) -> dict[str, Any]:
    such_as = '{"classifier": "intent", "texts": ["Where is my parcel?"]}'
    asked = bodies.read(body, Asked, not_done="Not classified", such_as=such_as)
    found = answering.answer(asked.classifier, asked.texts, key=asked.key, by=by)
    return {"classifier": found.target.name, "version": found.target.number, "results": [one.told() for one in found.said]}
