"""The first week of whoever is new: five days of real steps on real screens, each done by what the person did, never by a tick.

first_week_paths.py has the steps. Where somebody stands is read from the record and from what they made (data/first_steps.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from data import access, first_steps
from data.errors import Refused
from data.tables import Person
from portal.first_week_paths import PATHS, Day, Step

NEEDS = {"conversation": "conversation"}  # pages that show something only with this in their address


@dataclass(frozen=True)
class Week:
    """Where one person stands."""

    person: Person
    days: tuple[Day, ...]
    did: Counter[str]

    @property
    def steps(self) -> list[Step]:
        return [step for day in self.days for step in day.steps]

    def times(self, step: Step) -> int:
        return min(sum(self.did[one] for one in step.done_by), step.times)

    def is_done(self, step: Step) -> bool:
        return self.times(step) == step.times

    def done(self) -> int:
        return sum(map(self.is_done, self.steps))

    def share(self) -> float:
        return self.done() / len(self.steps) if self.steps else 1.0

    def ahead(self) -> Iterator[Step]:
        """What can be done now, in order. Whether there is anything to do it on is asked only as far as somebody reads."""
        return (step for step in self.steps if not self.is_done(step) and step.something_there(self.person))

    def next(self, most: int = 1) -> list[Step]:
        return list(islice(self.ahead(), most))

    def day_of(self, step: Step) -> int:
        return next(number for number, day in enumerate(self.days, start=1) if step in day.steps)

    def sentence(self, following: list[Step]) -> str:
        """Such as: Day 2 of 5: 3 of 12 done, next: Take five gold examples."""
        count = f"{self.done()} of {len(self.steps)} done"
        if following:
            return f"Day {self.day_of(following[0])} of {len(self.days)}: {count}, next: {following[0].title}."
        if self.done() == len(self.steps):
            return f"All {len(self.steps)} steps are done."
        return f"{count}. For the others nothing waits just now; they come back when something does."


def of(person: Person) -> Week:
    """Their path, less the steps that they may not take, and what of it they did."""
    return Week(person, path(person), first_steps.done(by=person))


def path(person: Person) -> tuple[Day, ...]:
    allowed = [
        Day(day.title, tuple(step for step in day.steps if access.may(person, step.right))) for day in PATHS.get(person.role, ())
    ]  # fmt: skip
    return tuple(day for day in allowed if day.steps)


def is_on(person: Person) -> bool:
    return person.tour_dismissed_at is None


def note_look(person: Person, page: str, address: Mapping[str, str], noted: set[str]) -> None:
    """A step that is done by looking leaves no other trace, so the frame of all pages notes it. `noted` spares the next rerun the way."""
    if page in noted or not is_on(person) or (page in NEEDS and NEEDS[page] not in address):
        return
    noted.add(page)
    if any(f"{first_steps.LOOKED} {page}" in step.done_by for day in path(person) for step in day.steps):
        try:
            first_steps.look(page, by=person)
        except Refused:  # a database that is busy keeps nobody from reading; the next visit is noted
            noted.discard(page)
