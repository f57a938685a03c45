"""What could be automated, as a night found it."""

from typing import Any

from sqlmodel import Field

from data.tables.base import Row, json_field


class OpportunityRound(Row, table=True):
    """One night's list for whoever sees the same conversations."""

    __tablename__ = "opportunity_round"
    whose: str = Field(index=True)  # a team's id; "*": everybody's; "": of people without a team
    told: dict[str, Any] = json_field()  # the days it is about, and each opportunity
    evidence: dict[str, Any] = json_field(default_factory=dict)  # in everybody's: by opportunity, the conversations that were looked at
