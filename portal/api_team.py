"""A team's work over HTTP: how much of it was reviewed, what waits, how long decisions took. As the page has it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from portal import team_text
from portal.api_monitors import team_of
from portal.caller import By

router = APIRouter(prefix="/v1")


@router.get("/team")
def work(
    by: By,
    team: Annotated[str | None, Query(max_length=200, description="Its name. A lead's is their own; without, an admin sees all.")] = None,
) -> dict[str, Any]:
    """Of nobody in particular: shares with their intervals, ages, and medians that count what still waits."""
    return team_text.as_json(by=by, team_id=team_of(team))
