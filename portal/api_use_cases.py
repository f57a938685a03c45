"""Use cases over HTTP: read, begun, changed, taken from stage to stage, and their report."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from data import people, use_case_bars, use_cases
from data.errors import Refused
from data.tables import UseCase
from portal import use_case_text
from portal.api_monitors import intent_of, team_of
from portal.caller import By

router = APIRouter(prefix="/v1")
Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=4_000)]
Which = Annotated[str, Path(max_length=200, description="Its id or its name.")]


class WorkStep(BaseModel):
    """Of the work on one conversation."""

    model_config = ConfigDict(extra="forbid")

    what: Text
    who: Literal["person", "machine", "proposes"] = "person"
    minutes: float = Field(default=0.0, ge=0, le=use_cases.MOST_MINUTES, description="Of a person.")


class Measured(BaseModel):
    """By what it is told whether it was worth it."""

    model_config = ConfigDict(extra="forbid")

    measure: Name = Field(description="Such as csat, resolution, handling.")
    target: float | None = Field(default=None, description="Of a share from 0 to 1, of times in seconds.")
    channel: Name | None = None
    intent: Name | None = Field(default=None, description="Its name.")


class Linked(BaseModel):
    """What it is made of."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["set", "classifier", "recipe", "answerer", "article", "monitor"]
    name: Name = Field(description="Of a monitor its id, of an article its short name.")


class Told(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    goal: Text | None = None
    problem: Text | None = None
    owner: Name | None = Field(default=None, description="By address.")
    systems: Annotated[list[Name], Field(max_length=50)] | None = None
    risk: Literal["low", "medium", "high"] | None = None
    risk_why: Text | None = None
    kpi: Measured | None = None
    before: Annotated[list[WorkStep], Field(max_length=50)] | None = None
    after: Annotated[list[WorkStep], Field(max_length=50)] | None = None
    links: Annotated[list[Linked], Field(max_length=50)] | None = None
    review_on: date | None = None

    def fields_told(self) -> dict[str, Any]:
        """As the verbs take it."""
        told = {
            name: value for name, value in self.model_dump(exclude_unset=True).items() if value is not None and name in Told.model_fields
        }
        if self.kpi:
            told["kpi"] = told["kpi"] | {"intent": intent_of(self.kpi.intent)}
        if "owner" in told:
            told["owner_id"] = _person(told.pop("owner"))
        return told


class Begun(Told):
    """What is left out is told later."""

    name: Name
    team: Name | None = Field(default=None, description="Its name; who writes for one team only writes for that.")


class Changed(Told):
    seen: int = Field(description="The number that you looked at: what somebody else changed since is not lost.")


class Moved(BaseModel):
    model_config = ConfigDict(extra="forbid")

    why: Text = ""


@router.get("/use-cases")
def all_of(by: By) -> list[dict[str, Any]]:
    """The own team's and everybody's, newest first."""
    return [use_case_text.as_json(one, by=by) for one in use_cases.all_of(by=by)]


@router.get("/use-cases/{which}")
def one(which: Which, by: By) -> dict[str, Any]:
    """With what its stage still asks for."""
    return use_case_text.as_json(use_cases.get(which, by=by), by=by)


@router.get("/use-cases/{which}/report", response_class=PlainTextResponse)
def report(which: Which, by: By) -> PlainTextResponse:
    """A page of Markdown for whoever was not there."""
    text = use_case_text.markdown(use_cases.get(which, by=by), by=by)
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")


@router.post("/use-cases")
def begin(begun: Begun, by: By) -> dict[str, Any]:
    """Whoever begins it owns it, or whom they name."""
    told = begun.fields_told()
    return told_of(use_cases.begin(told.pop("name"), by=by, team_id=team_of(begun.team), **told), by)


@router.post("/use-cases/{which}/change")
def change(which: Which, changed: Changed, by: By) -> dict[str, Any]:
    """Only what is told."""
    return told_of(
        use_cases.change(use_cases.get(which, by=by, verb="use_case.write").id, seen=changed.seen, by=by, **changed.fields_told()), by
    )


@router.post("/use-cases/{which}/baseline")
def take_baseline(which: Which, by: By) -> dict[str, Any]:
    """Its KPI over the last four weeks that are known."""
    return told_of(use_cases.take_baseline(use_cases.get(which, by=by, verb="use_case.write").id, by=by), by)


@router.post("/use-cases/{which}/sign-off")
def sign_off(which: Which, by: By) -> dict[str, Any]:
    """The systems and data that it touches, by an engineer who does not own it."""
    return told_of(use_cases.sign_off(use_cases.get(which, by=by, verb="use_case.sign").id, by=by), by)


@router.post("/use-cases/{which}/go-on")
def go_on(which: Which, moved: Moved, by: By) -> dict[str, Any]:
    """Into its next stage. Up to beta a reason may stand in for what is missing; into production nothing may."""
    return told_of(use_case_bars.go_on(use_cases.get(which, by=by, verb="use_case.move").id, why=moved.why, by=by), by)


@router.post("/use-cases/{which}/go-back")
def go_back(which: Which, moved: Moved, by: By) -> dict[str, Any]:
    """One stage, with a reason."""
    return told_of(use_case_bars.go_back(use_cases.get(which, by=by, verb="use_case.move").id, why=moved.why, by=by), by)


@router.post("/use-cases/{which}/stop")
def stop(which: Which, moved: Moved, by: By) -> dict[str, Any]:
    """It is not gone on with."""
    return told_of(use_cases.stop(use_cases.get(which, by=by, verb="use_case.move").id, why=moved.why, by=by), by)


@router.post("/use-cases/{which}/take-up")
def take_up(which: Which, by: By) -> dict[str, Any]:
    """It goes on where it stood."""
    return told_of(use_cases.take_up(use_cases.get(which, by=by, verb="use_case.move").id, by=by), by)


def told_of(case: UseCase, by: By) -> dict[str, Any]:
    return use_case_text.as_json(use_cases.get(case.id, by=by), by=by)


def _person(address: str) -> str:
    found = people.by_email(address)
    if found is None:
        raise Refused("Not kept: nobody here has that address. People lists them.")
    return found.id
