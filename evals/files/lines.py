"""Files with one JSON object a line: each line is read alone, so that a bad one never spoils the others."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from data.errors import Refused
from data.intake.readers.jsonl import LONGEST_LINE, strict_json
from evals.cases import NewCase, Read
from evals.files.notes import Notes
from evals.files.ours import Keys

LARGEST = 200_000_000  # bytes


def read(content: bytes, case_of: Callable[[dict[str, Any], Notes, int], NewCase | str]) -> Read:
    """The cases of a file, what of it they cannot hold, and the lines that are none."""
    notes, keys = Notes(), Keys()
    cases: list[NewCase] = []
    refused: list[tuple[int, str]] = []
    for line, sample in objects(content):
        case = sample if isinstance(sample, str) else case_of(sample, notes, line)
        if not isinstance(case, str) and (taken := keys.taken(case, line)):
            case = taken
        if isinstance(case, str):
            refused.append((line, f"Line {line} was left out: {case}."))
        else:
            cases.append(case)
    return Read(tuple(cases), notes.sentences(), tuple(refused))


def objects(content: bytes) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each line's number with its object, or with what is wrong with it."""
    _check(content)
    start, number = 0, 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        number += 1
        if end - start > LONGEST_LINE:
            yield number, f"it is longer than {LONGEST_LINE // 1_000_000} MB"
        elif line := content[start:end].removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip():
            yield number, _object(line)
        start = end + 1


def _check(content: bytes) -> None:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("Nothing was read: the file is written in UTF-16. Save it as UTF-8 and take that.")
    if len(content) > LARGEST:
        raise Refused(f"Nothing was read: the file is larger than {LARGEST // 1_000_000} MB. Split it.")
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Refused("Nothing was read: the file is empty.")
    if start.partition(b"\n")[0].strip() in (b"{", b"[", b"[{"):
        raise Refused("Nothing was read: a case goes over several lines here. Write each case on a line of its own, between { and }.")


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        value = strict_json(line)
        json.loads(line, object_pairs_hook=_told_once)
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except ValueError as error:
        return f"it is not JSON: {error}"
    return value if isinstance(value, dict) else "it is no case: a case stands on one line, between { and }"


def _told_once(pairs: list[tuple[str, Any]]) -> None:
    """Of two fields of one name, readers choose differently: neither is the right one."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field stands in it twice")
