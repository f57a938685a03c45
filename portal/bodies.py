"""What programs send us: one JSON object, read strictly. What is wrong with it is said by its place, never by what was sent."""

from typing import TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

from data.intake import reading
from data.intake.readers.jsonl import strict_json

JSON = "application/json"

Body = TypeVar("Body", bound=BaseModel)


def require_json(request: Request, *, not_done: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f"{not_done}: the body is sent as {JSON}, nothing else is read.")


def read(body: bytes, model: type[Body], *, not_done: str, such_as: str) -> Body:
    try:
        told = strict_json(body)
    except ValueError as error:
        what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:200]
        raise HTTPException(422, f"{not_done}: the body is not JSON ({what}).") from None
    if not isinstance(told, dict):
        raise HTTPException(422, f"{not_done}: the body is one object, such as {such_as}.")
    try:
        return model.model_validate(told, strict=True)
    except ValidationError as error:
        raise HTTPException(422, f"{not_done}: {_in_words(error)}.") from None


def _in_words(error: ValidationError) -> str:
    """Of a word that there is none of, an import would name its own options and what was sent."""
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        if one["type"] == "literal_error":
            return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return reading.in_words(error)
