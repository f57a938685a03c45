"""Policy: what may not be done, and when. What a rule asks for has to be looked up before anything that it may forbid is done."""

from collections.abc import Iterator, Mapping
from typing import Any

from automations import conditions
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.steps.face import Field
from data.values import now

EVERYTHING = "everything"
declaration = Declaration(
    name="policy",
    title="Policy",
    explanation="Holds an agent to rules: under this condition, these steps are not done.",
    icon="gavel",
    looks_at=frozenset({LEAVES}),
    settings=(
        Field(
            "rules", "Rules", "any",
            help="A list of: when (a condition), forbids (steps, or 'everything'), why (a sentence for whoever takes over).",
        ),
    ),
)  # fmt: skip


def look(at: Looked) -> Verdict:
    if told := faults(at.settings):
        return Verdict(False, f"Its rules cannot be read, so nothing is done: {told[0]}")
    if at.wanted is None:
        return Verdict(True)
    facts = dict(at.facts)  # conditions enter plain tables only
    for rule in at.settings["rules"]:
        if _forbids(rule, at.wanted.step) and (why := _broken(rule, facts, at)):
            return Verdict(False, why)
    return Verdict(True)


def _forbids(rule: Mapping[str, Any], step: str) -> bool:
    return step in rule["forbids"] or EVERYTHING in rule["forbids"]


def _broken(rule: Mapping[str, Any], facts: dict[str, Any], at: Looked) -> str:
    """Empty only where it is sure that the rule does not apply."""
    assert at.wanted is not None  # noqa: S101
    when, moment = rule["when"], at.now or now()
    missing = next((name for name in conditions.named(when) if name.split(".")[0] not in facts), "")
    if missing:
        return f"{at.wanted.told}: look up {missing.split('.')[0].replace('_', ' ')} first. The rule is: {_sentence(rule)}"
    if conditions.holds(when, facts, moment):
        return f"{at.wanted.told}: {_sentence(rule)}"
    if not conditions.holds({conditions.NOT: when}, facts, moment):
        unknown = next((name for name in conditions.named(when) if conditions.found(name, facts) is None), "")
        about = f"{conditions.spoken(unknown)} is not known" if unknown else "what it asks cannot be compared"
        return f"{at.wanted.told}: {about}, so whether it is allowed is not either. The rule is: {_sentence(rule)}"
    return ""


def _sentence(rule: Mapping[str, Any]) -> str:
    told = str(rule.get("why") or f"not when {conditions.told(rule['when'])}").strip()
    return told if told[-1] in ".!?…" else f"{told}."


def faults(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the rules, each in a sentence."""
    rules = settings.get("rules")
    if not isinstance(rules, list | tuple) or not rules:
        return ["under 'rules' stands a list with at least one rule."]
    return [told for count, rule in enumerate(rules, start=1) for told in _faults(rule, f"Rule {count}")]


def _faults(rule: Any, place: str) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield f"{place} is no table of when, forbids and why."
        return
    if odd := sorted(str(name) for name in rule if name not in ("when", "forbids", "why")):
        yield f"{place} has '{odd[0]}'. There are: when, forbids, why."
    yield from (f"{place}: {told}" for told in conditions.faults(rule.get("when"), None))
    forbids = rule.get("forbids")
    if not isinstance(forbids, list | tuple) or not forbids or not all(isinstance(one, str) and one for one in forbids):
        yield f"{place}: 'forbids' lists at least one step."
    if not isinstance(rule.get("why", ""), str):
        yield f"{place}: 'why' is a sentence."
