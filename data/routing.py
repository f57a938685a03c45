"""Which model a call goes to: what is live for its job, or on its way for some; and the line to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data import access, connections, models, releases, sealing, store
from data.errors import Refused
from data.models import KIND
from data.tables import Conversation, Person
from data.values import LIVE, RUN, Subject, Target
from language.call import JOBS, Line


@dataclass(frozen=True)
class Way:
    """Where a call goes, as what it is recorded, and whether another model is to be asked the same beside it."""

    line: Line
    target: Target
    mode: str = RUN
    shadowed: bool = False


def of(job: str, line: Line, messages: Sequence[Mapping[str, Any]], *, subject: Subject | None, by: Person) -> Way:
    """As long as no model has answered for the job, the line's own."""
    force = releases.in_force(KIND, job)
    if force is None:
        return Way(line, Target(KIND, line.model(job), 0))
    target = force.answers(_whose(messages, subject, by))
    return Way(line_to(target, line), target, LIVE, force.coming is not None and force.coming.stage == "shadow")


def exactly(target: Target, job: str, line: Line) -> Way:
    """The version that is named, whatever is in force; number 0 is the line's own model."""
    return Way(line_to(target, line) if target.number else line, target)


def line_to(target: Target, line: Line) -> Line:
    """The same line with the version in its job's place. Its address has the key that was approved for that address, and no other."""
    found = models.of(target)
    url, key = (line.url, line.key) if found.is_at(line.url) else (found.url, connections.key_at(found.url))
    prices = {**line.prices, **({found.name: found.prices} if found.prices else {})}
    return replace(line, url=url, key=key, models={**line.models, found.job: found.name}, prices=prices)


def standing(job: str, line: Line) -> Line:
    """The line with what is live for the job."""
    live = releases.live(KIND, job)
    return line_to(releases.target_of(live), line) if live else line


def faults() -> list[str]:
    """What the settings or the environment say and does not hold: the released model is asked, or none."""
    endpoint = connections.endpoint()
    if endpoint is None:
        return []
    told = []
    for job, live in {job: found for job in JOBS if (found := models.live(job))}.items():
        if not live.is_at(endpoint.url):
            try:
                connections.key_at(live.url)
            except Refused:
                told.append(
                    f"'{job}' is asked of nobody: {live} was released for it, and the endpoint in force is {endpoint.url}. "
                    "Set it back, or propose that address for models."
                )
        elif connections.fixed_by_environment() and endpoint.models[job] != live.name:
            told.append(
                f"PORTAL_MODEL is {endpoint.models[job]}; for '{job}' {live} is asked, which was in force before. "
                "Another model is tried first: portal model try."
            )
    return told


def _whose(messages: Sequence[Mapping[str, Any]], subject: Subject | None, by: Person) -> str:
    """By this a call is counted to one model or another: the customer, else the person; what the portal asks by itself has neither."""
    if subject is not None:
        with store.reading() as db:
            found = db.get(Conversation, subject.conversation_id)
        return found.customer_id if found else subject.conversation_id
    return by.id if by.role != access.CONSOLE else sealing.sha(json.dumps(list(messages), sort_keys=True, default=str))
