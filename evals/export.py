"""A version of a set as a file of another tool: for one ticket, on the record."""

from dataclasses import dataclass

from data import access, audit, downloads, store
from data.errors import Refused
from data.tables import EvalSet, Person, SetVersion
from evals import files, sets


@dataclass(frozen=True)
class Made:
    ticket: str
    lost: tuple[str, ...]  # what the format cannot hold


def offer(eval_set: EvalSet, version: SetVersion, form: str, *, by: Person) -> Made:
    if by.role == access.CONSOLE:
        raise Refused("Not made: a download is somebody's. The console writes the file with `portal eval export`.")
    cases = sets.as_new(version.id, by=by)
    written = files.WRITERS[form](cases, name=eval_set.name)
    ending = files.BY_NAME[form].ENDING
    key = downloads.keep(written.text.encode(), "cases")
    with store.writing() as db:
        told = f"Took {len(cases):,} cases of '{eval_set.name}' {version.number} out as a file for {form}."
        audit.record(db, by, "exported", "eval_set", eval_set.id, told)
    name = f"{'-'.join(eval_set.name.lower().split())[:60]}-{version.number}{ending}"
    return Made(downloads.offer(key, name, by=by, right="case.export"), tuple(written.lost))
