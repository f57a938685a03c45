"""What could be automated, over HTTP: the list of the last night, as the page has it."""

from typing import Any

from fastapi import APIRouter

from automations import opportunities
from portal import opportunity_words
from portal.caller import By

router = APIRouter(prefix="/v1")
NOBODY_LOOKED: dict[str, Any] = {"at": None, "since": None, "until": None, "of": None, "opportunities": []}


@router.get("/opportunities")
def ranked(by: By) -> dict[str, Any]:
    """Of the conversations within reach, what would save most of people's time first. Before the first night: nothing."""
    found = opportunities.newest(by=by)
    return opportunity_words.as_json(found) if found else NOBODY_LOOKED
