"""All tables, so that one Alembic history and every folder see the same nouns."""

from sqlmodel import SQLModel

from data.tables.conversations import (
    Conversation,
    ConversationWords,
    Customer,
    ImportBatch,
    Message,
    Revision,
    Seal,
    Signal,
    SignedRequest,
    Vector,
)
from data.tables.datasets import DatasetRow, DatasetVersion
from data.tables.evals import Case, Comparison, EvalSet, Result, Run, Score, SetVersion
from data.tables.govern import Approval, AuditEntry, Proposal, Runner, Setting, Task
from data.tables.people import Comment, Deputy, InboxItem, Person, Session, Team, Ticket, Token, Tries
from data.tables.review import Claim, Draft, Example, Label, QueueReason, Review, Skip
from data.tables.traces import Span, Trace
from data.tables.versions import Prediction, Release, Version

IMMUTABLE = (  # insert only: a trigger on both engines refuses anything else
    Approval, AuditEntry, Review, SetVersion, Case, Result, Score, Comparison, Version, Prediction, DatasetVersion, DatasetRow,
    Setting, Revision, Signal, Span,
)  # fmt: skip

metadata = SQLModel.metadata

__all__ = [
    "IMMUTABLE", "Approval", "AuditEntry", "Case", "Claim", "Comment", "Comparison", "Conversation", "ConversationWords",
    "Customer", "DatasetRow", "DatasetVersion", "Deputy", "Draft", "EvalSet", "Example", "ImportBatch", "InboxItem", "Label",
    "Message", "Person", "Prediction", "Proposal", "QueueReason", "Release", "Result", "Review", "Revision", "Run", "Runner",
    "Score", "Seal", "Session", "SetVersion", "Setting", "Signal", "SignedRequest", "Skip", "Span", "Task", "Team", "Ticket",
    "Token", "Trace", "Tries", "Vector", "Version", "metadata",
]  # fmt: skip
