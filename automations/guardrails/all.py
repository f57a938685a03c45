"""Every guardrail there is, by name, in the order in which a form offers them; and what is wrong with how a document sets them."""

from collections.abc import Iterator, Mapping
from typing import Any

from automations.guardrails import injection, money, off_topic, personal_data, policy, secrets, tone, unsupported
from automations.guardrails.face import Declaration, Guardrail
from automations.recipe import amount_of

GUARDRAILS: dict[str, Guardrail] = {
    "injection": injection,
    "off topic": off_topic,
    "personal data": personal_data,
    "unsupported": unsupported,
    "tone": tone,
    "policy": policy,
    "money": money,
    "secrets": secrets,
}
DECLARATIONS: dict[str, Declaration] = {name: one.declaration for name, one in GUARDRAILS.items()}
ALWAYS = ("injection", "personal data", "unsupported", "secrets")  # over every agent, whatever its document says


def over(chosen: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What watches over an agent: what its document names, with its settings, and what watches over everybody."""
    wanted = {name: dict(settings) if isinstance(settings, Mapping) else {} for name, settings in chosen.items()}
    return {name: wanted.get(name, {}) for name in (*GUARDRAILS, *wanted) if name in ALWAYS or name in wanted}


def faults(chosen: Mapping[str, Any]) -> list[str]:
    """In sentences, before a document is used."""
    return [told for name, settings in chosen.items() for told in _faults(name, settings)]


def _faults(name: str, settings: Any) -> Iterator[str]:
    if name not in DECLARATIONS:
        yield f"There is no guardrail '{name}'. There are: {', '.join(GUARDRAILS)}."
        return
    if settings is None or settings == {}:
        settings = {}
    if not isinstance(settings, Mapping):
        yield f"Guardrail '{name}': its settings are no table."
        return
    fields = {one.name: one for one in DECLARATIONS[name].settings}
    for field, value in settings.items():
        if field not in fields:
            yield f"Guardrail '{name}' has no '{field}'. " + (f"There are: {', '.join(fields)}." if fields else "It has no settings.")
        elif told := _wrong(fields[field].kind, value):
            yield f"Guardrail '{name}', '{field}': {told}."
    if name == "policy":
        yield from (f"Guardrail 'policy': {told}" for told in policy.faults(settings))


def _wrong(kind: str, value: Any) -> str:
    if kind == "money":
        return "" if amount_of(value) is not None else "it is no amount"
    if kind == "yes_no":
        return "" if isinstance(value, bool) else "it is yes or no"
    return "" if isinstance(value, list | tuple) and value else "it is a list with at least one entry"
