"""All tables, so that one Alembic history and every folder see the same nouns."""

from sqlmodel import SQLModel

from data.tables.conversations import Conversation, Customer, ImportBatch, Message, Seal
from data.tables.datasets import DatasetRow, DatasetVersion
from data.tables.evals import Case, Comparison, EvalSet, Result, Run, Score, SetVersion
from data.tables.govern import Approval, AuditEntry, Proposal, Task
from data.tables.people import Person, Session, Team
from data.tables.review import Example, Label, Review
from data.tables.versions import Prediction, Release, Version

IMMUTABLE = (  # insert only: a trigger on both engines refuses anything else
    Approval, AuditEntry, Review, SetVersion, Case, Result, Score, Comparison, Version, Prediction, DatasetVersion, DatasetRow,
)  # fmt: skip

metadata = SQLModel.metadata

__all__ = [
    "IMMUTABLE", "Approval", "AuditEntry", "Case", "Comparison", "Conversation", "Customer", "DatasetRow", "DatasetVersion",
    "EvalSet", "Example", "ImportBatch", "Label", "Message", "Person", "Prediction", "Proposal", "Release", "Result", "Review",
    "Run", "Score", "Seal", "Session", "SetVersion", "Task", "Team", "Version", "metadata",
]  # fmt: skip
