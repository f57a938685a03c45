"""`portal import`: what would come of a file, or the file itself, seen on the Jobs page while it comes in."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from data.errors import Misuse
from data.intake import files
from data.intake.reading import Mapping
from data.tables import Person
from portal.command import as_job, tell


def bring(path: Path, *, format_name: str, mapping: Mapping, dry_run: bool, by: Person, as_json: bool) -> None:
    report: dict[str, Any] = {}
    if dry_run:
        seen = files.look(path, by=by, format_name=format_name, mapping=mapping)
        report = seen.told() | {"unit": seen.unit}
        samples = files.samples(path, by=by, format_name=format_name, mapping=mapping)
        tell(report, "\n".join(["Nothing was stored. It would be:", files.in_words(report), *_samples(samples)]), as_json)
        sys.exit(1 if report["refused"] and not report["conversations"] else 0)

    def work(progress: Callable[[float, str], None]) -> str:
        report.update(files.import_file(path, by=by, format_name=format_name, mapping=mapping, progress=progress))
        return files.in_words(report)

    sentence = as_job("import", {"here": True}, f"Import {path.name}", by, work, again="The same command goes on where it stopped.")
    tell(report, sentence, as_json)
    if report["refused"] and not report["conversations"]:
        sys.exit(1)


def mapping(*, source: str, roles: list[str], columns: list[str], channel: str, zone: str) -> Mapping:
    """What was said on the command line; the rest is guessed from the file."""
    if channel and channel not in ("chat", "email", "voice"):
        raise Misuse(f"There is no channel '{channel}'. There are chat, email and voice.")
    if zone and zone not in available_timezones():
        raise Misuse(f"There is no time zone '{zone}'. One reads like Europe/Berlin.")
    said = Mapping(
        source=source or Mapping.source, channel=channel or None, roles=_pairs("--role", roles), columns=_pairs("--column", columns),
        time_zone=zone or Mapping.time_zone,
    )  # fmt: skip
    unknown = [ours for ours in said.roles.values() if ours not in ("customer", "rep", "assistant", "system", "tool")]
    if unknown:
        raise Misuse(f"There is no role '{unknown[0]}'. There are customer, rep, assistant, system and tool.")
    return said


def _pairs(option: str, told: list[str]) -> dict[str, str]:
    made = dict(one.partition("=")[::2] for one in told)
    if any(not left or not right for left, right in made.items()):
        raise Misuse(f"{option} reads like {'agent=rep' if option == '--role' else 'text=body'}.")
    return made


def _samples(samples: Sequence[files.Sample]) -> list[str]:
    told = []
    for sample in samples:
        told.append(f"\n{sample.id}")
        for (role, before), (_, after) in zip(sample.before, sample.after, strict=True):
            told.append(f"  {role:9} {' '.join(before.split())[:120]}")
            if before != after:
                told.append(f"  {'becomes':>9} {' '.join(after.split())[:120]}")
    return told
