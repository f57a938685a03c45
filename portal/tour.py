"""The walk through the loop: six steps on real screens, each marked once the person has done it."""

from dataclasses import dataclass

from data import access, audit, store
from data.tables import Person

LOOKED = "looked at quality"


@dataclass(frozen=True)
class Step:
    key: str
    page: str
    icon: str
    title: str
    what: str
    verb: str  # what the audit says of somebody who did it


STEPS = (
    Step("review", "review", ":material/rate_review:", "Review", "Read a conversation, say if the answer was strong or weak.", "reviewed"),
    Step("flag", "review", ":material/flag:", "Flag", "Hold one up as an example: it becomes a test case.", "flagged"),
    Step("freeze", "eval_sets", ":material/fact_check:", "Freeze", "Close the flagged examples into a set that never changes.", "froze"),
    Step("train", "classifiers", ":material/model_training:", "Train", "Learn from all reviews, compare with what is live.", "trained"),
    Step("ship", "approvals", ":material/how_to_vote:", "Ship", "A second person reads the evidence and says yes.", "approved"),
    Step("trend", "quality", ":material/monitoring:", "See the trend", "Agreement over time, a marker at the release.", LOOKED),
)


def steps_for(person: Person) -> list[Step]:
    """The steps on screens that the person has: an admin reviews nothing."""
    return [step for step in STEPS if step.page != "review" or access.may(person, "review.record")]


def done(person: Person) -> set[str]:
    """The steps that the person has done since they first signed in."""
    verbs = audit.verbs_since_first_sign_in(person)
    return {step.key for step in STEPS if step.verb in verbs}


def looked_at_trend(person: Person) -> None:
    """The one step that leaves no other trace is noted once."""
    if "trend" not in done(person):
        with store.writing() as db:
            audit.record(db, person, LOOKED, "person", person.id, f"{person.name} looked at the trend for the first time.")
