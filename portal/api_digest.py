"""The digest over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from evals import digest
from portal import digest_text
from portal.caller import By

router = APIRouter(prefix="/v1")


@router.get("/digest", response_model=None)
def weekly(
    by: By,
    week: Annotated[date | None, Query(description="Any day of it; without one the newest.")] = None,
    markdown: Annotated[bool, Query(description="As Markdown instead of JSON.")] = False,
) -> dict[str, Any] | PlainTextResponse:
    """A week as it was known on the Monday after, of the conversations that the caller sees."""
    found = digest.required(week, by=by)
    if markdown:
        return PlainTextResponse(digest_text.markdown(found, by=by), media_type="text/markdown; charset=utf-8")
    return digest_text.as_json(found, by=by)
