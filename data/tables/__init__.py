"""All tables, so that one Alembic history and every folder see the same nouns."""

from sqlmodel import SQLModel

from data.tables.automations import Action
from data.tables.coaching import CoachingNote, Exercise
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
from data.tables.digests import Briefing, Digest, DigestMail
from data.tables.evals import Case, CaseChange, Comparison, EvalSet, GraderCheck, Result, Run, Score, SetVersion
from data.tables.govern import Approval, AuditEntry, Proposal, Runner, Setting, Task
from data.tables.knowledge import Article
from data.tables.measures import Daily, Due
from data.tables.monitors import Alert, Delivery, Monitor, MonitorChange
from data.tables.notes import Note
from data.tables.opportunities import OpportunityRound
from data.tables.outgoing import Position
from data.tables.people import Comment, Deputy, InboxItem, Person, Session, Team, Ticket, Token, Tries
from data.tables.product_feedback import ProductFeedback, ProductFeedbackSent, ProductFeedbackStep
from data.tables.review import Act, Assignment, Claim, Dispute, Draft, Example, GoldAnswer, Label, QueueReason, Review, Skip, View
from data.tables.surfaces import Surface, Talk
from data.tables.traces import Span, Trace
from data.tables.use_cases import UseCase, UseCaseMove
from data.tables.versions import Classifier, Pattern, Prediction, Release, Study, Version

IMMUTABLE = (  # insert only: a trigger on both engines refuses anything else
    Approval, AuditEntry, Review, SetVersion, Case, Result, Score, Comparison, Version, Prediction, DatasetVersion, DatasetRow,
    Setting, Revision, Signal, Span, Dispute, GoldAnswer, GraderCheck, Study, MonitorChange, Digest, UseCaseMove, ProductFeedbackStep,
)  # fmt: skip
KEPT_IN_PART = (Example, Action)  # what was flagged or decided stays as it was; what it is used for, what became of it, moves on

metadata = SQLModel.metadata

__all__ = [
    "IMMUTABLE", "KEPT_IN_PART", "Act", "Action", "Alert", "Approval", "Article", "Assignment", "AuditEntry", "Briefing", "Case",
    "CaseChange", "Claim", "Classifier", "CoachingNote", "Comment", "Comparison", "Conversation", "ConversationWords", "Customer", "Daily",
    "DatasetRow", "DatasetVersion", "Delivery", "Deputy", "Digest", "DigestMail", "Dispute", "Draft", "Due", "EvalSet", "Example",
    "Exercise", "GoldAnswer", "GraderCheck", "ImportBatch", "InboxItem", "Label", "Message", "Monitor", "MonitorChange", "Note",
    "OpportunityRound", "Pattern", "Person", "Position", "Prediction", "ProductFeedback", "ProductFeedbackSent", "ProductFeedbackStep",
    "Proposal", "QueueReason", "Release", "Result", "Review", "Revision", "Run", "Runner", "Score", "Seal", "Session", "SetVersion",
    "Setting", "Signal", "SignedRequest", "Skip", "Span", "Study", "Surface", "Talk", "Task", "Team", "Ticket", "Token", "Trace", "Tries",
    "UseCase", "UseCaseMove", "Vector", "Version", "View", "metadata",
]  # fmt: skip
