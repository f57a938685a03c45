"""A recipe: when something happens, what is done, what else, within which limits, and what of it may be done without asking anybody.

It is a document of closed shape: a few tables with known names (SHAPES), conditions (conditions.py) and texts with gaps (filling.py).
Nothing in it is ever run as code. The same shape is read from JSON here, from YAML (reading.py), and told as a JSON schema (schema.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from automations import conditions, filling
from automations.agents.agent import Agent, Tool
from automations.comparisons import number
from automations.conditions import Condition
from automations.steps.face import Declarations
from data.errors import Refused

if TYPE_CHECKING:
    from automations.flowing import Row

ARRIVES, NEW_MESSAGE, INTENT, BUTTON = "arrives", "new message", "intent", "button"
TRIGGERS: dict[str, str] = {
    ARRIVES: "a conversation arrives",
    NEW_MESSAGE: "a customer writes again",
    INTENT: "an intent is recognised",
    BUTTON: "somebody presses a button",
}
HAND_OVER, GO_ON, STOP = "hand over", "go on", "stop"
ON_FAILURE: dict[str, str] = {
    HAND_OVER: "a person takes over with a summary",
    GO_ON: "the next step is done all the same",
    STOP: "nothing more is done",
}
CHANNELS = ("chat", "email", "voice")
LONGEST_TEXT, LONGEST_INSTRUCTIONS, MOST_LISTED, DEEPEST_READ = 2_000, 8_000, 100, 12
LARGEST_AMOUNT = Decimal(1_000_000)

SHAPES: dict[str, dict[str, str]] = {  # table -> field -> kind; in the order in which they are written
    "recipe": {
        "name": "text", "title": "text", "what": "text", "language": "text", "channels": "texts", "trigger": "trigger",
        "when": "condition", "steps": "acts", "agents": "agents", "limits": "limits", "alone": "alone",
    },
    "trigger": {"kind": "text", "intent": "text", "confidence": "number", "button": "text"},
    "act": {"name": "text", "step": "text", "when": "condition", "with": "given", "on failure": "text", "otherwise": "acts"},
    "agent": {
        "name": "text", "title": "text", "what": "text", "instructions": "long text", "model": "text", "tools": "tools",
        "guardrails": "given", "hands to": "texts", "says": "text", "turns": "count", "seconds": "count", "tokens": "count",
        "cost": "money",
    },
    "tool": {"name": "text", "step": "text", "what": "text", "when": "condition", "with": "given"},
    "limits": {"money per run": "money", "money per day": "money", "runs per day": "count", "currency": "text"},
    "alone": {"money": "money", "changes": "texts", "approvers": "count"},
}  # fmt: skip


@dataclass(frozen=True)
class Trigger:
    """What sets it off."""

    kind: str = ARRIVES
    intent: str = ""  # of an intent: which
    confidence: Decimal | None = None  # ... and how sure the classifier must be, from 0 to 1
    button: str = ""  # of a button: what stands on it


@dataclass(frozen=True)
class Act:
    """One step as this recipe uses it. What it gives is known to later ones as name.output."""

    step: str
    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    when: Condition | None = None  # none: always
    otherwise: tuple["Act", ...] = ()  # what is done where `when` does not hold
    on_failure: str = HAND_OVER


@dataclass(frozen=True)
class Limits:
    """Held by code, whatever any step or model says. None: no limit was set, so nothing that needs one passes the check."""

    money_per_run: Decimal | None = None
    money_per_day: Decimal | None = None
    runs_per_day: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class Alone:
    """What needs nobody's yes. Everything else that changes the world becomes a proposal."""

    money: Decimal = Decimal(0)  # per run: more becomes a proposal
    changes: tuple[str, ...] = ()  # steps, by name
    approvers: int = 1  # of a proposal: 1 or 2


@dataclass(frozen=True)
class Recipe:
    name: str
    title: str = ""
    what: str = ""
    trigger: Trigger = Trigger()
    when: Condition | None = None
    acts: tuple[Act, ...] = ()
    limits: Limits = Limits()
    alone: Alone = Alone()
    channels: tuple[str, ...] = ()  # none named: all
    language: str = ""  # none named: all
    agents: tuple[Agent, ...] = ()  # that a step 'agent' begins with, or that are handed to

    def as_body(self) -> dict[str, Any]:
        """As JSON keeps it: without what is left at its usual value; amounts as texts, so that no digit is lost."""
        trigger, limits, alone = self.trigger, self.limits, self.alone
        return _without_usual({
            "name": self.name, "title": self.title, "what": self.what, "language": self.language, "channels": list(self.channels),
            "trigger": _without_usual({
                "kind": trigger.kind, "intent": trigger.intent, "confidence": _share(trigger.confidence), "button": trigger.button,
            }),
            "when": _plain(self.when), "steps": [_act_body(act) for act in self.acts],
            "agents": [_agent_body(agent) for agent in self.agents],
            "limits": _without_usual({
                "money per run": _money(limits.money_per_run), "money per day": _money(limits.money_per_day),
                "runs per day": limits.runs_per_day, "currency": limits.currency,
            }),
            "alone": _without_usual({
                "money": _money(alone.money), "changes": list(alone.changes), "approvers": alone.approvers,
            }),
        })  # fmt: skip

    def walk(self) -> Iterator[tuple[str, int, Act]]:
        """Every act with its number, "3" or "3, else 1", and how deep it stands, in the order in which people read."""
        return _walk(self.acts, "", 1)

    def uses(self) -> Iterator[tuple[str, str, str]]:
        """Every step that it may come to, those of its agents too: where, by which name, and the step."""
        yield from ((f"Step {number}", act.name, act.step) for number, _, act in self.walk())
        for agent in self.agents:
            yield from ((f"Agent '{agent.name}'", tool.name, tool.step) for tool in agent.tools)
            yield f"Agent '{agent.name}'", "its last words", agent.says

    def agent(self, name: str) -> Agent | None:
        return next((one for one in self.agents if one.name == name), None)


def _walk(acts: tuple[Act, ...], before: str, depth: int) -> Iterator[tuple[str, int, Act]]:
    for count, act in enumerate(acts, start=1):
        place = f"{before}{count}"
        yield place, depth, act
        yield from _walk(act.otherwise, f"{place}, else ", depth + 1)


def _act_body(act: Act) -> dict[str, Any]:
    usual = {"on failure": "" if act.on_failure == HAND_OVER else act.on_failure}
    return _without_usual({
        "name": act.name, "step": act.step, "when": _plain(act.when), "with": _plain(act.given), **usual,
        "otherwise": [_act_body(inner) for inner in act.otherwise],
    })  # fmt: skip


def _agent_body(agent: Agent) -> dict[str, Any]:
    """What bounds it is always said."""
    return _without_usual({
        "name": agent.name, "title": agent.title, "what": agent.what, "instructions": agent.instructions, "model": agent.model,
        "tools": [_tool_body(tool) for tool in agent.tools], "guardrails": _plain(agent.guardrails), "hands to": list(agent.hands_to),
        "says": agent.says, "turns": agent.turns, "seconds": agent.seconds, "tokens": agent.tokens, "cost": _money(agent.cost),
    })  # fmt: skip


def _tool_body(tool: Tool) -> dict[str, Any]:
    return _without_usual({"name": tool.name, "step": tool.step, "what": tool.what, "when": _plain(tool.when), "with": _plain(tool.given)})


def _without_usual(whole: dict[str, Any]) -> dict[str, Any]:
    """An amount of nothing and a number of 0 are said: somebody set them."""
    return {name: value for name, value in whole.items() if value not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    """A copy in lists and dictionaries, so that nobody's change reaches the document."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):  # stays a number: a text would be compared with nothing
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _share(share: Decimal | None) -> float | None:
    return None if share is None else float(share)


# Reading a body


def of(body: Any) -> Recipe:
    """Strict about names and kinds, so that what is not understood is not left out in silence. Whether it makes sense, check() says."""
    told = _table("recipe", body, "The recipe", 0)
    return Recipe(**{_ATTRIBUTES.get(name, name): value for name, value in {"name": "", **told}.items()})


_ATTRIBUTES = {
    "steps": "acts", "with": "given", "on failure": "on_failure", "money per run": "money_per_run", "money per day": "money_per_day",
    "runs per day": "runs_per_day", "hands to": "hands_to",
}  # fmt: skip
_TABLES: dict[str, type] = {"trigger": Trigger, "limits": Limits, "alone": Alone}


def _table(shape: str, body: Any, place: str, depth: int) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refused(f"Not read: {place} is no table of fields.")
    fields = SHAPES[shape]
    for name in body:
        if name not in fields:
            raise Refused(f"Not read: {place}: {unknown_field(shape, name)}")
    return {name: _value(fields[name], value, f"{place}, '{name}'", depth) for name, value in body.items() if value is not None}


def unknown_field(shape: str, name: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, SHAPES[shape], n=1, cutoff=0.5) if isinstance(name, str) and len(name) <= 60 else []
    return f"there is no field '{conditions.shown(name)}'. " + (
        f"Is '{near[0]}' meant?" if near else f"There are: {', '.join(SHAPES[shape])}."
    )


def _value(kind: str, value: Any, place: str, depth: int) -> Any:
    match kind:
        case "text":
            return _text(value, place)
        case "long text":
            return _text(value, place, LONGEST_INSTRUCTIONS)
        case "texts":
            return tuple(_text(one, place) for one in _list(value, place))
        case "money" | "number":
            return _amount(value, place)
        case "count":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
                raise Refused(f"Not read: {place} is a whole number from 0 to 1,000,000, not '{conditions.shown(value)}'.")
            return value
        case "condition":
            if wrong := conditions.faults(value, None):
                raise Refused(f"Not read: {place}: {' '.join(wrong[:5])}")
            return _plain(value)
        case "given":
            if not isinstance(value, dict) or (wrong_value := filling.plain(value)):
                raise Refused(f"Not read: {place}: {wrong_value if isinstance(value, dict) else 'it is no table of inputs'}.")
            return _plain(value)
        case "acts":
            return tuple(_act(one, f"{place} {count}", depth + 1) for count, one in enumerate(_list(value, place), start=1))
        case "agents":
            return tuple(Agent(**_named("agent", one, f"{place} {count}")) for count, one in enumerate(_list(value, place), start=1))
        case "tools":
            return tuple(Tool(**_named("tool", one, f"{place} {count}")) for count, one in enumerate(_list(value, place), start=1))
    told = _table(kind, value, place, depth)
    return _TABLES[kind](**{_ATTRIBUTES.get(name, name): inner for name, inner in told.items()})


def _named(shape: str, body: Any, place: str) -> dict[str, Any]:
    told = {**dict.fromkeys(("name", "step") if shape == "tool" else ("name",), ""), **_table(shape, body, place, 0)}
    return {_ATTRIBUTES.get(name, name): value for name, value in told.items()}


def _act(body: Any, place: str, depth: int) -> Act:
    if depth > DEEPEST_READ:
        raise Refused(f"Not read: {place[:60]} …: steps stand at most 4 deep in each other.")
    told = _table("act", body, place, depth)
    return Act(**{_ATTRIBUTES.get(name, name): value for name, value in {"step": "", "name": "", **told}.items()})


def _text(value: Any, place: str, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest or not conditions.keepable(value):
        raise Refused(f"Not read: {place} is a text of at most {longest:,} characters, not '{conditions.shown(value)}'. Quotes make one.")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MOST_LISTED:
        raise Refused(f"Not read: {place} is a list of at most {MOST_LISTED} entries.")
    return list(value)


def _amount(value: Any, place: str) -> Decimal:
    made = amount_of(value)
    if made is None:
        raise Refused(
            f"Not read: {place} is a number from 0 to {LARGEST_AMOUNT:,} with at most 3 decimals, not '{conditions.shown(value)}'."
        )
    return made


def amount_of(value: Any) -> Decimal | None:
    """19.9 and "19.90" alike. None where it is no amount that anybody would set."""
    if isinstance(value, str) and len(value) <= 20 and value.replace(".", "", 1).isdigit() and value.isascii():
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    made = number(value)
    if made is None or not 0 <= made <= LARGEST_AMOUNT or round(made, 3) != made:
        return None
    return made


# What others ask of a recipe; each is told in a module of its own, which needs the document itself


def check(recipe: Recipe, declarations: Declarations) -> None:
    """Refused with everything that is wrong with it, each with its place."""
    from automations import checking

    if told := checking.faults(recipe, declarations):
        many = "one thing is" if len(told) == 1 else f"{len(told):,} things are"
        listed = "\n".join(f"- {one}" for one in told)
        raise Refused(f"The recipe '{conditions.shown(recipe.name)}' cannot be used yet: {many} to be mended.\n{listed}")


def flow(recipe: Recipe) -> "list[Row]":
    """What is drawn of it, line by line."""
    from automations import flowing

    return flowing.rows(recipe)


def differences(before: Recipe, after: Recipe) -> list[str]:
    """What became of it, in sentences for whoever approves it."""
    from automations import changes

    return changes.told(before, after)
