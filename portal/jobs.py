"""What each background task does: a name, the domain verb behind it, and whose right it needs. No DBOS here."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data import access, approvals, config, people, store, tasks
from data.errors import Refused
from data.tables import Person, Task
from data.values import Target, new_id

logger = logging.getLogger("portal.jobs")

MOST_TRIES = 3
Progress = Callable[[float, str], None]
Job = Callable[[dict[str, Any], Person, Progress], str]  # arguments, whose, progress -> what came of it, in words


def _import(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data.intake import files

    if arguments.get("here"):
        raise Refused("It was cut off. Run the same command again: it goes on where it stopped.")
    path = Path(arguments["path"])
    report = files.import_file(path, by=by, name=arguments.get("name", ""), progress=progress)
    if path.parent == config.folder("uploads"):
        path.unlink(missing_ok=True)
    return files.in_words(report)


def _train(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import shipping, training

    version = training.train(arguments["name"], by=by, progress=progress)
    return f"{version.target_name} {version.target_number} is right in {shipping.accuracy_of(version)} of conversations that are new to it."


def _evaluate(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import shipping

    return shipping.evaluate(Target("classifier", arguments["name"], arguments["number"]), by=by, progress=progress).sentence


def _classify(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import serving

    return f"{serving.predict(arguments['conversation_ids']):,} conversations classified."


def _carry_out(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import shipping
    from data import releases

    kept = releases.of_proposal(arguments["proposal_id"])  # by a try that was cut off before it could say so
    return f"{releases.target_of(kept or shipping.ship(arguments['proposal_id']))} is live."


JOBS: dict[str, Job] = {"import": _import, "train": _train, "evaluate": _evaluate, "classify": _classify, "carry_out": _carry_out}


RIGHTS = {"import": "conversation.import", "train": "classifier.train", "evaluate": "eval.run"}  # of what a person can start


def start(name: str, arguments: dict[str, Any], *, title: str, by: Person) -> Task:
    """Have a job done in the background. The right is checked now, and again when it runs."""
    access.require(by, RIGHTS[name])
    with store.writing() as db:
        return tasks.later(db, name, arguments, title=title, by=by)


def run(task: Task) -> None:
    """Do a task that was taken. What a person can mend fails at once; anything else is tried again, and logged."""
    try:
        by = _person(task)
        result = JOBS[task.name](task.arguments, by, lambda share, doing: tasks.progress(task.id, share, doing))
    except Refused as refused:
        tasks.fail(task.id, str(refused))
        if task.name == "carry_out":
            approvals.fail(task.arguments["proposal_id"], str(refused))  # what was approved does not stay so for ever
    except Exception:
        reference = new_id()[-12:]
        logger.exception("task %s (%s) failed, reference %s", task.id, task.name, reference)
        if task.tries % MOST_TRIES:  # the count goes on after somebody had it tried again: each try has a number of its own
            tasks.put_back(task.id, f"Try {task.tries} failed (reference {reference}).")
        else:
            tasks.fail(
                task.id, f"It failed {task.tries} times because of a fault of ours (reference {reference}). Nothing half done was kept."
            )
    else:
        tasks.finish(task.id, result)


def _person(task: Task) -> Person:
    """Whose task it is, as they are now: somebody who left or lost a right since does not act through a task."""
    if task.person_id is None:
        return people.console()
    person = people.get(task.person_id)
    if person is None or person.disabled_at is not None:
        raise Refused("Not done: the person who asked for it is no longer active.")
    return person


def run_waiting(runner: str = "here") -> int:
    """Do everything that waits, in this process: for tests and for commands that cannot wait for a worker."""
    done = 0
    while waiting := tasks.waiting():
        for task in waiting:
            taken = tasks.take(task.id, runner)
            if taken:
                run(taken)
                done += 1
    return done
