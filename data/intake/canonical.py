"""The canonical conversation that every reader maps to."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(max_length=500)]


class ToolCall(BaseModel):
    name: Name
    arguments: dict[str, Any] = {}


class CanonicalMessage(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Literal["customer", "rep", "assistant", "system", "tool"]
    text: Text = ""
    at: AwareDatetime | None = None
    author: Name | None = None
    private: bool = False
    start_ms: int | None = None
    end_ms: int | None = None
    tool_call: ToolCall | None = None
    tool_result: Any | None = None


class CanonicalConversation(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(min_length=1, max_length=100)]
    channel: Literal["chat", "email", "voice"]
    subject: Name | None = None
    opened_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    reopened_at: AwareDatetime | None = None
    status: Name | None = None
    resolved: bool | None = None
    customer: Name | None = None
    segment: Name | None = None
    language: Name | None = None
    team: Name | None = None
    assignee: Name | None = None
    handle_seconds: Annotated[int, Field(ge=0)] | None = None
    csat: Annotated[int, Field(ge=1, le=5)] | None = None
    tags: list[Name] = []
    consent_until: AwareDatetime | None = None
    messages: Annotated[list[CanonicalMessage], Field(min_length=1, max_length=10_000)]
    labels: dict[str, Any] = {}

    @model_validator(mode="after")
    def in_order(self) -> "CanonicalConversation":
        if self.closed_at and self.opened_at and self.closed_at < self.opened_at:
            raise ValueError("closed_at is before opened_at")
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
