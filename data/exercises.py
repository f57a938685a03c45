"""Exercises: gold examples that somebody judges to grow, by a path of three steps or as a lead asks. Progress is what they answered."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from sqlmodel import Session, col, select

from data import access, audit, calibration, inbox, people, store
from data.calibration import Told
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Example, Exercise, GoldAnswer, Person
from data.values import now

KINDS = {"judging": "Strong or weak, and about what", "gaps": "What was missing"}
FEWEST, MOST = 3, 20  # examples in an exercise
LONGEST_WHY = 500
PAGE = "my_work?part=Exercises"


# -- the path -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Passed once so many answers in a row were right often enough."""

    key: str
    title: str
    what: str
    asks: Callable[[Example], bool]
    counts: Callable[[Told], bool]  # whether an answer is about it
    differs: str  # what such an answer gets wrong
    needs: int
    share: float


PATH = (
    Step(
        "verdict", "Strong or weak", "Say whether the answer helped, before you see what two colleagues agreed on.",
        lambda _example: True, lambda _told: True, "verdict", 10, 0.8,
    ),
    Step(
        "intent", "What it is about", "Name the intent, also where two of them look alike.",
        lambda example: example.label_id is not None, lambda told: told.label_id is not None, "intent", 10, 0.8,
    ),
    Step(
        "gaps", "What was missing", "See what has to be built or mended so that the next customer is helped at once.",
        lambda example: bool(example.missing), lambda told: bool(told.missing and told.answer.missing), "gap", 8, 0.75,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Stood:
    """How far somebody is with a step."""

    step: Step
    answers: int
    right: int  # of the last ones that count, at most as many as it needs
    waiting: int  # examples that are left for them
    passed_on: datetime | None

    @property
    def sentence(self) -> str:
        if self.passed_on:
            return f"Passed. {self.answers} answered so far."
        if not self.answers and not self.waiting:
            return "No gold example asks this yet. A lead or an engineer holds some up on Calibration."
        if self.answers < self.step.needs:
            return f"{self.answers} of {self.step.needs} answered."
        wanted = ceil(self.step.share * self.step.needs)
        return f"Of the last {self.step.needs} answers {self.right} were right; {wanted} are needed."


def path(*, by: Person) -> list[Stood]:
    """One's own; nobody else's is told."""
    access.require(by, "exercise.take")
    with store.reading() as db:
        told, waiting = calibration.answered(db, by.id), calibration.waiting_for(db, by)
    return [_stood(step, told, waiting) for step in PATH]


def _stood(step: Step, told: Sequence[Told], waiting: Sequence[Example]) -> Stood:
    about = [one for one in reversed(told) if step.counts(one)]  # oldest first
    right = [step.differs not in one.differs for one in about]
    passed = next((end for end in range(step.needs, len(right) + 1) if _is_enough(step, right[end - step.needs : end])), None)
    left = sum(step.asks(example) for example in waiting)
    return Stood(step, len(about), sum(right[-step.needs :]), left, about[passed - 1].answer.at if passed else None)


def _is_enough(step: Step, right: Sequence[bool]) -> bool:
    return sum(right) >= step.share * step.needs


def of_step(key: str, *, by: Person) -> list[str]:
    """The examples with which a step goes on."""
    access.require(by, "exercise.take")
    step = next((one for one in PATH if one.key == key), None)
    if step is None:
        raise Refused(f"Nothing was begun: the steps of the path are {', '.join(one.key for one in PATH)}.")
    with store.reading() as db:
        return [example.id for example in calibration.waiting_for(db, by) if step.asks(example)]


# -- what a lead sets ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """An exercise and how far it is."""

    exercise: Exercise
    person: str
    lead: str
    asked: int  # of its examples that still are gold
    answered: int

    @property
    def done(self) -> bool:
        return self.answered >= self.asked


def possible(person_id: str, kind: str, *, by: Person) -> int:
    """Of how many examples one could be made for this person."""
    with store.reading() as db:
        return len(_left_for(db, _colleague(db, person_id, by), kind))


def assign(
    person_id: str,
    kind: str,
    *,
    why: str,
    by: Person,
    criterion: str = "",
    first: Collection[str] = (),
    most: int = 5,
    due_on: date | None = None,
    at: datetime | None = None,
) -> Exercise:
    """Ask somebody of one's team to judge examples that they have not seen; those about these intents (`first`) come first."""
    why = masked(why.strip().replace("\0", ""))
    if kind not in KINDS:
        raise Refused(f"Not set: an exercise is one of {', '.join(KINDS)}.")
    if not 1 <= len(why) <= LONGEST_WHY:
        raise Refused(f"Not set: say in 1 to {LONGEST_WHY} characters what it is for. Whoever takes it reads this first.")
    if not FEWEST <= most <= MOST:
        raise Refused(f"Not set: an exercise has {FEWEST} to {MOST} conversations, this one would have {most}.")
    with store.writing() as db:
        person = _colleague(db, person_id, by)
        store.one_at_a_time(db, f"exercises of {person.id}")
        left = _left_for(db, person, kind)
        if len(left) < FEWEST:
            raise Refused(
                f"Not set: {len(left)} gold {'example is' if len(left) == 1 else 'examples are'} left that {person.name} has not answered, "
                f"{FEWEST} are needed. Propose more of them on Calibration."
            )
        chosen = sorted(left, key=lambda example: (example.label_id not in first, example.id))[:most]
        made = Exercise(
            person_id=person.id, kind=kind, why=why, criterion=criterion, example_ids=[example.id for example in chosen], due_on=due_on,
            at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        db.add(made)
        told = f"{by.name} asks you to do an exercise of {len(chosen)} conversations: {KINDS[kind].lower()}."
        inbox.tell(db, person.id, "mention", told, page=PAGE, key=f"exercise {made.id}", at=at)
        audit.record(db, by, "set", "exercise", made.id, f"Set an exercise of {len(chosen)} conversations for {person.name}.", at=at)
        return made


def mine(*, by: Person) -> list[Given]:
    """Those that were set for this person, the newest first."""
    access.require(by, "exercise.take")
    return _given(Exercise.person_id == by.id)


def set_for_team(*, by: Person) -> list[Given]:
    """What leads of the team set, and how far it is; what somebody answered stays with them."""
    reach = access.require(by, "coaching.read")
    theirs = select(Person.id).where(access.within(reach, by, col(Person.team_id)))
    return _given(col(Exercise.person_id).in_(theirs))


def waiting_in(exercise_id: str, *, by: Person) -> list[str]:
    """The examples with which one's own exercise goes on."""
    with store.reading() as db:
        exercise = _own(db, exercise_id, by)
        return [example.id for example in calibration.waiting_for(db, by) if example.id in exercise.example_ids]


def take_back(exercise_id: str, *, by: Person, at: datetime | None = None) -> None:
    """It is asked no longer. What was answered stays answered."""
    with store.writing() as db:
        exercise = db.get(Exercise, exercise_id)
        if exercise is None or exercise.taken_back_at is not None:
            access.require(by, "coaching.write")
            raise Denied("Not taken back: there is no such exercise.")
        person = _colleague(db, exercise.person_id, by)
        exercise.taken_back_at = at or now()
        db.add(exercise)
        audit.record(db, by, "took back", "exercise", exercise.id, f"Took back an exercise of {person.name}.", at=at)


def _own(db: Session, exercise_id: str, by: Person) -> Exercise:
    access.require(by, "exercise.take")
    exercise = db.get(Exercise, exercise_id)
    if exercise is None or exercise.person_id != by.id or exercise.taken_back_at is not None:
        raise Denied("Not opened: there is no such exercise of yours.")
    return exercise


def _colleague(db: Session, person_id: str, by: Person) -> Person:
    """Somebody of the team who is not oneself."""
    person = db.get(Person, person_id)
    if person is None:
        access.require(by, "coaching.write")
        raise Denied("Not set: there is no such person.")
    access.require(by, "coaching.write", team_id=person.team_id or "no team")
    if person.id == by.id:
        raise Refused("Not set: for yourself there is the path on My work.")
    if person.disabled_at is not None or not access.may(person, "exercise.take"):
        raise Refused(f"Not set: {person.name} takes no exercises. Choose a colleague who reviews.")
    return person


def _left_for(db: Session, person: Person, kind: str) -> list[Example]:
    """Examples that would be new to them, and stand in no other exercise of theirs."""
    asked = db.exec(select(Exercise).where(Exercise.person_id == person.id, col(Exercise.taken_back_at).is_(None)))
    elsewhere = {made for exercise in asked for made in exercise.example_ids}
    waiting = [example for example in calibration.waiting_for(db, person) if example.id not in elsewhere]
    return [example for example in waiting if kind == "judging" or example.missing]


def _given(whose: object) -> list[Given]:
    with store.reading() as db:
        query = select(Exercise).where(whose, col(Exercise.taken_back_at).is_(None))  # type: ignore[arg-type]
        found = list(db.exec(query.order_by(col(Exercise.at).desc(), col(Exercise.id).desc())))
        asked = {made for exercise in found for made in exercise.example_ids}
        gold = set(db.exec(select(Example.id).where(col(Example.id).in_(asked), Example.use == calibration.GOLD)))
        said = set(db.exec(select(GoldAnswer.person_id, GoldAnswer.example_id).where(col(GoldAnswer.example_id).in_(asked))).all())
    names = people.names()
    return [
        Given(
            one, names.get(one.person_id, "Somebody"), names.get(one.by_person_id or "", "Somebody"),
            sum(made in gold for made in one.example_ids),
            sum(made in gold and (one.person_id, made) in said for made in one.example_ids),
        )
        for one in found
    ]  # fmt: skip
