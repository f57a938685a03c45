"""What is to be built and why: a use case from the problem to its upkeep, and each step that it took."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class UseCase(Row, table=True):
    """As it stands now; what it was stands in the audit."""

    __tablename__ = "use_case"
    name: str = Field(unique=True)
    team_id: str | None = Field(default=None, foreign_key="team.id", index=True)  # whose conversations it is about; None: everybody's
    owner_id: str = Field(foreign_key="person.id", index=True)
    goal: str = ""  # of the business: use cases that serve the same one stand together
    problem: str = ""
    systems: list[str] = json_field(default_factory=list)  # systems and data that it touches
    risk: str = ""  # low, medium, high
    risk_why: str = ""
    kpi: dict[str, Any] = json_field(default_factory=dict)  # measure, channel, intent, target, and the baseline as it was measured
    before: list[dict[str, Any]] = json_field(default_factory=list)  # steps of the work: what, who, minutes
    after: list[dict[str, Any]] = json_field(default_factory=list)
    links: list[dict[str, str]] = json_field(default_factory=list)  # what it is made of: kind, name
    number: int = 1  # of its last change: who changed an older one is told
    signed_by_id: str | None = Field(default=None, foreign_key="person.id")
    signed_at: datetime | None = time_field(default=None)
    signed_sha: str = ""  # of the systems, the data and the risk that were signed for: another word in them, and it is open again
    stage: str = "define"  # define, develop, evaluate, beta, production, upkeep
    stage_since: datetime = time_field()
    review_on: date | None = None  # when somebody looks at it again
    stopped_at: datetime | None = time_field(default=None)
    stopped_why: str = ""


class UseCaseMove(Row, table=True):
    """From one stage into another, with what was missing and whose reason stood in its place."""

    __tablename__ = "use_case_move"
    use_case_id: str = Field(foreign_key="use_case.id", index=True)
    before: str
    after: str
    why: str = ""
    missing: list[str] = json_field(default_factory=list)  # sentences
