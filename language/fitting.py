"""Whether an answer fits its schema, and what it is then."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)  # as models like to wrap it
DEEPEST = 50


class Unfit(Exception):
    """The answer does not fit; what is wrong, in words that the model can mend it by."""

    def __init__(self, why: str, said: str) -> None:
        super().__init__(why)
        self.said = said


@dataclass(frozen=True)
class Fit:
    format: dict[str, Any]  # how the endpoint is told
    value: Callable[[str], Any]  # what fits, or Unfit


def fitting(schema: type[BaseModel] | Mapping[str, Any]) -> Fit:
    if isinstance(schema, Mapping):
        plain, value = dict(schema), _by_schema(dict(schema))
    else:
        plain, value = schema.model_json_schema(), _by_model(schema)
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(plain.get("title", "answer")))[:64] or "answer"
    told = {"name": name, "schema": plain, "strict": _is_strict(plain)}
    return Fit({"type": "json_schema", "json_schema": told}, lambda text: value(_json(text), text))


def kept(value: Any, depth: int = 0) -> Any:
    """The same without what no database keeps: NUL, half characters. What is nested without end is a ValueError."""
    if depth > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} deep")
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [kept(part, depth + 1) for part in value]
    if isinstance(value, dict):
        return {kept(name): kept(part, depth + 1) for name, part in value.items()}
    return value


def _json(text: str) -> Any:
    fenced = FENCED.fullmatch(text)

    def no_number(name: str) -> None:
        raise ValueError(f"{name} is no number")

    try:
        return kept(json.loads(fenced[1] if fenced else text, parse_constant=no_number))
    except (ValueError, RecursionError) as wrong:
        raise Unfit("it is not JSON", text) from wrong


def _by_model(model: type[BaseModel]) -> Callable[[Any, str], Any]:
    def value(found: Any, text: str) -> Any:
        try:
            return model.model_validate(found)
        except ValidationError as wrong:
            told = [(".".join(map(str, error["loc"])), error["msg"]) for error in wrong.errors(include_input=False, include_url=False)]
            raise Unfit(_wrong(told), text) from wrong

    return value


def _by_schema(schema: dict[str, Any]) -> Callable[[Any, str], Any]:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from referencing import Registry

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, registry=Registry())  # a schema that refers to the network finds nothing there

    def value(found: Any, text: str) -> Any:
        told = [(".".join(map(str, error.absolute_path)), f"fails '{error.validator}'") for error in validator.iter_errors(found)]
        if told:
            raise Unfit(_wrong(told), text)
        return found

    return value


def _wrong(told: list[tuple[str, str]]) -> str:
    more = f" (and {len(told) - 3} more)" if len(told) > 3 else ""
    return "it does not fit the schema: " + "; ".join(f"{where or 'the answer'}: {what}" for where, what in told[:3]) + more


def _is_strict(schema: Any, depth: int = 0) -> bool:
    """Whether an endpoint may be told to allow nothing else: every object names all its fields and needs them all."""
    if depth > DEEPEST:
        return False
    if isinstance(schema, list):
        return all(_is_strict(part, depth + 1) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(fields):
            return False
    return all(_is_strict(part, depth + 1) for part in schema.values())
