"""How many replies of conversations that others had 'unsupported' would stop, and how many it stops once a figure in them was made wrong.

Rules were tried on half of the tasks, the other half was only measured; the halves are those of `bench airline`. A reply is read with what
its agent had then: the instructions, what tools had given, what was done, what the customer wrote. Nothing here calls a model.
"""

import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automations.door import DONE, Did, Held, Wanted
from automations.guardrails import figures, unsupported
from automations.guardrails.face import LEAVES, Looked
from automations.recipe import Limits, Recipe
from data.errors import Refused
from portal.bench.airline import CONVERSATIONS, developed_on
from portal.bench.airline_facts import CHANGES

INSTRUCTIONS = "policy.md"
RECIPE = Recipe("bench", limits=Limits())
FOREIGN, SHORTEST = 400, 5  # sentences that are put into other conversations; words of the shortest
TIMES = 3  # so often a figure of each kind is made wrong in a reply
STRANGERS = ("Olga", "Bruno", "Ingrid", "Tomasz", "Carla", "Dmitri", "Novak", "Lindqvist", "Moretti", "Petrov", "Almeida", "Brandt")
KINDS = {
    "amount": re.compile(r"\$\d[\d,]*(?:\.\d+)?"),
    "day": re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}|\b(?:{figures.NAMED_MONTHS}) \d{{1,2}}\b", re.IGNORECASE),
    "time": re.compile(r"\b\d{1,2}:\d{2}\b"),
    "code": re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b"),
    "number": re.compile(r"(?<![\w$:,.#/-])\d{1,5}(?![\w:,./-])(?= [a-z])"),
}


@dataclass(frozen=True)
class Replied:
    """A reply, and whether its conversation came out right."""

    task: str
    resolved: bool
    at: Looked


def run(folder: Path, *, seed: int = 0) -> dict[str, Any]:
    replies = [*_read(folder)]
    ours = developed_on(one.task for one in replies)
    halves = {name: [one for one in replies if (one.task in ours) == mine] for name, mine in (("developed_on", True), ("held_out", False))}
    return {name: _figures(half, random.Random(seed)) for name, half in halves.items()}


def _figures(half: Sequence[Replied], rng: random.Random) -> dict[str, Any]:
    """Of replies in conversations that came out right, of the others, of wrong figures by kind, and of other conversations' sentences."""
    began = time.perf_counter()
    stopped = [not unsupported.look(one.at).passes for one in half]
    seconds = time.perf_counter() - began
    right = [odd for one, odd in zip(half, stopped, strict=True) if one.resolved]
    others = [odd for one, odd in zip(half, stopped, strict=True) if not one.resolved]
    let_through = [one for one, odd in zip(half, stopped, strict=True) if not odd and one.resolved]
    wrong = {kind: [_stops(at) for one in let_through for at in _made_wrong(one.at, kind, rng)] for kind in (*KINDS, "name")}
    foreign = [_stops(at) for at in _foreign(half, rng)]
    return {
        "tasks": len({one.task for one in half}), "replies_resolved": len(right), "stopped_resolved": _share(right),
        "replies_failed": len(others), "stopped_failed": _share(others),
        "wrong_figures": sum(map(len, wrong.values())), "wrong_found": _share([odd for found in wrong.values() for odd in found]),
        "wrong_found_by_kind": {kind: _share(found) for kind, found in wrong.items()},
        "foreign": len(foreign), "foreign_found": _share(foreign), "ms_each": round(1000 * seconds / max(1, len(half)), 1),
    }  # fmt: skip


def _stops(at: Looked) -> bool:
    return not unsupported.look(at).passes


def _share(found: Sequence[bool]) -> float | None:
    return round(sum(found) / len(found), 4) if found else None


# -- conversations ------------------------------------------------------------------------------------------------------------------------


def _read(folder: Path) -> Iterator[Replied]:
    path, instructions = folder / CONVERSATIONS, folder / INSTRUCTIONS
    if not path.is_file() or not instructions.is_file():
        raise Refused(f"Not measured: that folder needs {CONVERSATIONS} and {INSTRUCTIONS}, what the agent was told.")
    told = instructions.read_text(encoding="utf-8")
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        labels = one["labels"]
        for at in _replies(one["messages"], told):
            yield Replied(str(labels.get("task_id", one["id"])), bool(labels["resolved"]), at)


def _replies(messages: Sequence[Mapping[str, Any]], told: str) -> Iterator[Looked]:
    given: list[str] = []
    facts: dict[str, Any] = {}
    did: list[Did] = []
    asked, name, arguments = "", "", dict[str, Any]()
    for place, message in enumerate(messages):
        role, text = message["role"], str(message["text"])
        if role == "customer":
            asked = text
        elif role == "tool_call":
            name, arguments = str(message["name"]), json.loads(text)
        elif role == "tool":
            given.append(text)
            facts |= _as_fact(name, text)
            if name.startswith(CHANGES) and not text.startswith("Error"):
                did.append(Did(Wanted(name, name, "call", arguments, name.replace("_", " ").capitalize()), DONE))
        elif role in ("agent", "assistant", "rep") and text:
            held = Held(RECIPE, did=list(did))
            yield Looked(LEAVES, text, held=held, asked=asked, sources=(told, *given), messages=messages[:place], facts=dict(facts))


def _as_fact(name: str, text: str) -> dict[str, Any]:
    try:
        return {name: json.loads(text)}
    except ValueError:  # an error, or a sentence
        return {}


# -- made wrong ---------------------------------------------------------------------------------------------------------------------------


def _made_wrong(at: Looked, kind: str, rng: random.Random) -> Iterator[Looked]:
    pattern = KINDS.get(kind) or _names(at)
    places = [*pattern.finditer(at.text)] if pattern else []
    for _ in range(TIMES if places else 0):
        place = rng.choice(places)
        wrong = rng.choice(STRANGERS) if kind == "name" else _other(kind, place[0], rng)
        if wrong != place[0]:
            yield replace(at, text=f"{at.text[: place.start()]}{wrong}{at.text[place.end() :]}")


def _names(at: Looked) -> re.Pattern[str] | None:
    """Of people, as tools gave them."""
    found = set(re.findall(r'"(?:first|last)_name": "([^"]+)"', "\n".join(at.sources)))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(found)))})\b") if found else None


def _other(kind: str, told: str, rng: random.Random) -> str:
    if kind == "amount":
        return f"${int(float(told[1:].replace(',', ''))) + rng.choice((7, 13, 17, 30, 110)):,}"
    if kind == "day":
        begin, day = re.fullmatch(r"(.*?)(\d{1,2})", told).groups()  # type: ignore[union-attr]
        return f"{begin}{(int(day) + rng.choice((3, 4, 6, 9)) - 1) % 28 + 1:0{len(day)}}"
    if kind == "time":
        hour, minute = map(int, told.split(":"))
        return f"{(hour + rng.choice((1, 2, 3))) % 24:02}:{(minute + rng.choice((5, 10, 20))) % 60:02}"
    if kind == "code":
        place = rng.randrange(len(told))
        others = "0123456789" if told[place].isdigit() else "ABCDEFGHJKLMNPQRSTUVWXYZ"
        return told[:place] + rng.choice([one for one in others if one != told[place]]) + told[place + 1 :]
    return str(int(told) + rng.choice((1, 2, 3, 5)))


def _foreign(half: Sequence[Replied], rng: random.Random) -> Iterator[Looked]:
    """Sentences with figures that stand nowhere in the conversation that they are put into."""
    sentences = [(one.task, text) for one in half for text in figures.sentences(one.at.text) if _tells_figures(text)]
    made = 0
    for _ in range(FOREIGN * 20 if sentences else 0):
        (task, text), other = rng.choice(sentences), rng.choice(half)
        there = " ".join([*other.at.sources, *(str(message["text"]) for message in other.at.messages)])
        if task != other.task and any(one not in there for one in re.findall(r"[A-Z0-9]{6}|\d+", text.replace(",", ""))):
            yield replace(other.at, text=text)
            made += 1
            if made == FOREIGN:
                return


def _tells_figures(text: str) -> bool:
    return re.search(r"\d", text) is not None and len(text.split()) >= SHORTEST and not text.rstrip().endswith("?")
