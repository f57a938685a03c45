"""The canonical conversation that every reader maps to."""

from datetime import datetime
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

DEEPEST = 50  # of what is kept as it came


def _without_nul(text: str) -> str:
    return text.replace("\0", "")  # PostgreSQL cannot keep it


def _keepable(value: Any, depth: int = 0) -> Any:
    """Refuse what one of the engines could not keep: endless numbers, endless nesting."""
    if depth > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} deep")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a number is not finite")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("a number is too large")
    if isinstance(value, str) and not value.isascii():
        value.encode()  # half a character (a lone surrogate) is a ValueError
    for part in (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
        _keepable(part, depth + 1)
    return value


def _plausible(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 2200:
        raise ValueError("the year is not between 1970 and 2200")
    return moment


Text = Annotated[str, Field(max_length=100_000), AfterValidator(_without_nul)]
Name = Annotated[str, Field(max_length=500), AfterValidator(_without_nul)]
Key = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Number = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Kept = Annotated[Any, AfterValidator(_keepable)]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]


class ToolCall(BaseModel):
    name: Name
    arguments: Annotated[dict[str, Any], AfterValidator(_keepable)] = {}


class CanonicalMessage(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: Key | None = None  # the source's own: with it a correction or a deletion of one message is seen as such
    role: Literal["customer", "rep", "assistant", "system", "tool"]
    text: Text = ""
    at: Moment | None = None
    author: Name | None = None
    private: bool = False
    start_ms: Number | None = None
    end_ms: Number | None = None
    tool_call: ToolCall | None = None
    tool_result: Kept | None = None

    @model_validator(mode="after")
    def keepable(self) -> "CanonicalMessage":
        _keepable(self.model_extra or {})
        return self


class CanonicalSignal(BaseModel):
    """What somebody did with the conversation in the help desk."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal[
        "tag_changed", "intent_changed", "macro_used", "reassigned", "reopened", "draft_sent", "draft_edited", "draft_discarded", "rated"
    ]
    at: Moment
    value: Name = ""  # the tag, the macro, the new assignee, the rating
    id: Key | None = None  # the source's own


class CanonicalConversation(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: Key
    source: Key
    channel: Literal["chat", "email", "voice"]
    subject: Name | None = None
    opened_at: Moment | None = None
    closed_at: Moment | None = None
    reopened_at: Moment | None = None
    status: Name | None = None
    resolved: bool | None = None
    customer: Name | None = None  # who it is, as the source keys them: an id or an address
    customer_names: Annotated[list[Name], Field(max_length=20)] = []  # what the source calls them: redacted wherever it stands
    segment: Name | None = None
    language: Name | None = None
    team: Name | None = None
    assignee: Name | None = None
    handle_seconds: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    csat: Annotated[int, Field(ge=1, le=5)] | None = None
    tags: list[Name] = []
    consent_until: Moment | None = None
    messages: Annotated[list[CanonicalMessage], Field(min_length=1, max_length=10_000)]
    labels: dict[str, Any] = {}
    signals: Annotated[list[CanonicalSignal], Field(max_length=1000)] = []

    @model_validator(mode="after")
    def in_order(self) -> "CanonicalConversation":
        if self.closed_at and self.opened_at and self.closed_at < self.opened_at:
            raise ValueError("closed_at is before opened_at")
        _keepable(self.model_extra or {})
        _keepable(self.labels)
        return self

    def opened(self, otherwise: datetime) -> datetime:
        """When it began: as said, else its first message's time."""
        return self.opened_at or next((message.at for message in self.messages if message.at), otherwise)

    def unknown_fields(self) -> dict[str, Any]:
        """What no column is for. It is kept under `extra` and reported."""
        extra = dict(self.model_extra or {})
        for name in ("reopened_at", "consent_until"):
            if getattr(self, name):
                extra[name] = getattr(self, name).isoformat()
        if self.labels:
            extra["labels"] = self.labels
        return extra
