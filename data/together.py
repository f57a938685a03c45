"""Acts on many conversations together: what they share. What would change is said before, and one undo takes all of it back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from data import access, conversations
from data.conversations import Filter
from data.errors import Denied, Refused
from data.tables import Conversation, Person

MOST = 2_000  # in one go
SHOWN = 5  # examples in a preview

Chosen = Sequence[str] | Filter  # exactly these, or all that fit


@dataclass(frozen=True)
class Sample:
    """One of those that would change."""

    customer: str
    opening: str
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """What would happen, before anything does. The same act on `changing` alone does exactly that."""

    sentence: str
    changing: tuple[str, ...]  # conversations
    left: dict[str, int]  # why they are left alone, in words -> how many
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Done:
    """What happened; `act_id` is what undo takes back."""

    sentence: str
    changed: int
    left: dict[str, int]
    act_id: str = ""


@dataclass
class Plan:
    """What is to change, conversation by conversation, from what; and why the others are left alone."""

    before: dict[str, str] = field(default_factory=dict)  # conversation -> what it is now, in words
    left: Counter[str] = field(default_factory=Counter)

    def preview(self, db: Session, would: str, after: str) -> Preview:
        changing = tuple(self.before)
        lines = {one.id: one for one in conversations.listed_by_id(db, changing[:SHOWN])}
        samples = tuple(
            Sample(lines[made].customer, " ".join(f"{lines[made].subject} {lines[made].opening}".split())[:120], self.before[made], after)
            for made in changing[:SHOWN]
        )
        of = len(changing) + self.left.total()
        return Preview(told(f"{len(changing):,} of {many(of)} would {would}.", self.left), changing, dict(self.left), samples)


def chosen(db: Session, which: Chosen, verb: str, *, by: Person) -> list[str]:
    """The conversations as far as the person's right reaches; another team's are as absent as those that are not there."""
    if isinstance(which, Filter):
        which = [one.id for one in conversations.listed(which, by=by, size=MOST + 1)]
    wanted = list(dict.fromkeys(which))
    if len(wanted) > MOST:
        raise Refused(f"Not done: more than {MOST:,} conversations, and at most {MOST:,} are changed in one go. Narrow the list.")
    here = reached(db, wanted, verb, by=by)
    if not here:
        raise Denied("Nothing was saved: there is no such conversation.")
    return [made for made in wanted if made in here]


def reached(db: Session, ids: Sequence[str], verb: str, *, by: Person) -> set[str]:
    """Those of them that the right reaches."""
    within = access.within(access.require(by, verb), by, col(Conversation.team_id))
    return set(db.exec(select(Conversation.id).where(col(Conversation.id).in_(ids), within, col(Conversation.hidden_at).is_(None))))


def many(count: int) -> str:
    return f"{count:,} conversation{'' if count == 1 else 's'}"


def told(sentence: str, left: Counter[str]) -> str:
    """The sentence, and what is left alone and why."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in left.most_common())
    return f"{sentence} Left alone: {reasons}." if reasons else sentence
