"""An airline's policy as guardrails over conversations that others had: how many of the failed ones they flag, and how often rightly.

The rules were written from the policy and tried on half of the tasks; the other half was only measured. Nothing here calls a model.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from automations.door import Wanted
from automations.guardrails import policy
from automations.guardrails.face import LEAVES, Looked
from data.errors import Refused
from evals.passes import Tried, interval
from portal.bench.airline_facts import CHANGES, Known

POLICY = Path(__file__).with_name("airline_policy.yaml")
CONVERSATIONS = "conversations.jsonl"
CANNOT_SEE = (
    "what should have been done and was not: nothing is forbidden where nothing is done",
    "what was agreed and then done otherwise, where both are allowed: a dearer flight, a wrong sum, the wrong one of two reservations",
    "what a customer only told: the reason they give is believed, and nobody looks up whether a flight was cancelled or late",
    "wrong words to a customer, and whether a person should have taken over",
)
HALVES = {"developed_on": "rules developed on", "held_out": "only measured", "all": "both"}


@dataclass(frozen=True)
class Flown:
    """A conversation, and what each rule makes of its calls."""

    id: str
    task: str
    failed: bool
    changes: int  # calls that change something
    broken: dict[str, str]  # the rule's why -> what the guardrail said first

    @property
    def flagged(self) -> bool:
        return bool(self.broken)


def run(folder: Path) -> dict[str, Any]:
    """By halves, and rule by rule."""
    rules = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    if told := policy.faults(rules):
        raise Refused(f"Not measured: the rules cannot be read. {told[0]}")
    conversations = _read(folder / CONVERSATIONS)
    every = [_flown(one, rules) for one in conversations]
    ours = developed_on(one.task for one in every)
    halves = {"developed_on": [one for one in every if one.task in ours], "held_out": [one for one in every if one.task not in ours]}
    return {
        **{name: figures(half) for name, half in halves.items()},
        "all": figures(every),
        "rules": {rule["why"]: _by_rule(rule["why"], halves) for rule in rules["rules"]},
        "right_every_time": _every_time(every),
        "cannot_see": list(CANNOT_SEE),
    }


def developed_on(tasks: Any) -> set[str]:
    """Half of the tasks, by a hash of their number: conversations about the same task are alike, so they stay together."""

    def place(task: str) -> tuple[int, bytes]:
        told = hashlib.sha256(f"task {task}".encode()).digest()
        return told[0] % 2, told

    ordered = sorted(set(tasks), key=place)
    return set(ordered[: len(ordered) // 2])


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise Refused(f"Not measured: there is no {path.name} in that folder. It holds one conversation a line, with labels.resolved.")
    try:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        told = [one for one in found if isinstance(one["labels"]["resolved"], bool) and one["messages"] and one["id"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"Not measured: '{path.name}' is not one conversation a line with id, messages and labels ({error}).") from error
    if not told or len(told) < len(found):
        raise Refused(f"Not measured: of {len(found):,} conversations {len(told):,} say whether they were resolved. Each one has to.")
    return told


# -- one conversation ---------------------------------------------------------------------------------------------------------------------


def _flown(one: dict[str, Any], rules: dict[str, Any]) -> Flown:
    """Each call as the guardrail would have seen it; afterwards what it gave is known."""
    known = Known(rules["as of"], rules["free bags"])
    broken: dict[str, str] = {}
    changes = 0
    for name, asked, gave in _calls(one["messages"], known):
        if name.startswith(CHANGES):
            changes += 1
            for rule in rules["rules"]:
                if said := _forbidden(rule, name, asked, known):
                    broken.setdefault(rule["why"], said)
        known.take(name, asked, gave)
    labels = one["labels"]
    return Flown(one["id"], str(labels.get("task_id", one["id"])), not labels["resolved"], changes, broken)


def _calls(messages: Sequence[dict[str, Any]], known: Known) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each call with what it gave, in the order in which they were made; what the customer says meanwhile is heard."""
    gave = iter([str(one["text"]) for one in messages if one["role"] == "tool"])
    for message in messages:
        if message["role"] == "customer":
            known.hear(str(message["text"]))
        elif message["role"] == "tool_call":
            yield str(message["name"]), json.loads(message["text"]), next(gave, "")


def _forbidden(rule: dict[str, Any], name: str, asked: dict[str, Any], known: Known) -> str:
    """What the guardrail says; empty where it lets it pass."""
    wanted = Wanted(name, name, "call", asked, name.replace("_", " ").capitalize())
    said = known.words[-1] if known.words else ""
    verdict = policy.look(
        Looked(LEAVES, "", wanted, asked=said, facts=known.at(name, asked), settings={"rules": [rule]}, now=known.as_of)
    )  # fmt: skip
    return "" if verdict.passes else verdict.why


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def figures(some: Sequence[Flown]) -> dict[str, Any]:
    """Of those that were flagged so many had failed, and of the failed ones so many were flagged."""
    failed = [one for one in some if one.failed]
    missed = [one for one in failed if not one.flagged]
    return {
        "conversations": len(some), "tasks": len({one.task for one in some}), "failed": len(failed),
        "flagged": sum(one.flagged for one in some), "flagged_and_failed": sum(one.flagged for one in failed),
        **_share("precision", [one for one in some if one.flagged], lambda one: one.failed),
        **_share("recall", failed, lambda one: one.flagged),
        **_share("precision_of_flagging_all", some, lambda one: one.failed),
        "missed_where_nothing_was_changed": sum(not one.changes for one in missed),
        "missed_where_all_was_allowed": sum(bool(one.changes) for one in missed),
        "flagged_though_resolved": ", ".join(one.id for one in some if one.flagged and not one.failed) or "none",
    }  # fmt: skip


def _share(name: str, some: Sequence[Flown], held: Any) -> dict[str, Any]:
    """With its 95 % interval: conversations about the same task count as alike."""
    if not some:
        return {name: None}
    each = [float(held(one)) for one in some]
    low, high = interval(each, [one.task for one in some])
    return {name: round(sum(each) / len(each), 3), f"{name}_low": round(low, 3), f"{name}_high": round(high, 3)}


def _by_rule(why: str, halves: dict[str, list[Flown]]) -> dict[str, dict[str, int]]:
    """How many failed and how many resolved conversations it flags."""
    told = {}
    for name, half in halves.items():
        count = Counter(one.failed for one in half if why in one.broken)
        told[name] = {"failed": count[True], "resolved": count[False]}
    return told


def _every_time(some: Sequence[Flown]) -> dict[str, Any]:
    """How often these conversations came out right in one try at a task, in two, and so on."""
    right: Counter[str] = Counter(one.task for one in some if not one.failed)
    asked = Counter(one.task for one in some)
    tried = Tried(tuple(right[task] for task in asked), tuple(asked.values()), (None,) * len(asked))
    return {f"{one['tries']}_tries": {"share": one["share"], "low": one["low"], "high": one["high"]} for one in tried.figures()}


# -- for people ---------------------------------------------------------------------------------------------------------------------------


def table(told: dict[str, Any]) -> list[str]:
    """The figures in lines."""
    lines = [f"{'':24}{'talks':>6}{'tasks':>6}{'failed':>8}{'flagged':>9}  precision       recall          of all, failed"]
    for name, words in HALVES.items():
        half = told[name]
        counts = f"{half['conversations']:>6,}{half['tasks']:>6,}{half['failed']:>8,}{half['flagged']:>9,}"
        shares = "".join(f"{_reach(half, share):16}" for share in ("precision", "recall", "precision_of_flagging_all"))
        lines.append(f"{words:24}{counts}  {shares.rstrip()}")
    lines += ["", "Flagged by each rule: failed and resolved, where it was developed | where it was only measured"]
    fired = {why: halves for why, halves in told["rules"].items() if any(count for half in halves.values() for count in half.values())}
    for why, halves in fired.items():
        counts = " |".join(f"{half['failed']:>3} {half['resolved']:>3}" for half in halves.values())
        lines.append(f"{counts}   {why}")
    lines.append(f"{len(told['rules']) - len(fired)} rules forbid nothing that was done here.")
    missed = told["all"]
    lines += ["", f"Not flagged though failed: {missed['missed_where_nothing_was_changed']:,} in which nothing was changed, "
              f"{missed['missed_where_all_was_allowed']:,} in which all that was changed was allowed. What no rule sees:"]  # fmt: skip
    lines += [f"  {one}" for one in told["cannot_see"]]
    lines += [f"Flagged though resolved: {missed['flagged_though_resolved']}.", ""]
    often = ", ".join(f"{_reach(one, 'share')} in {tries.partition('_')[0]}" for tries, one in told["right_every_time"].items())
    return [*lines, f"Tasks that came out right every time in so many tries: {often}."]


def _reach(figures: dict[str, Any], name: str) -> str:
    if figures[name] is None:
        return "none"
    before = "" if name == "share" else f"{name}_"
    low, high = figures[f"{before}low"], figures[f"{before}high"]
    return f"{figures[name] * 100:.0f} % ({low * 100:.0f}–{high * 100:.0f})"
