"""The recipe's shape as a JSON schema (2020-12), made from what steps declare: editors complete it and mark what is wrong.

It says less than check(): whether a name is known where it is used, or a limit is missing, no schema can say.
"""

from typing import Any

from automations import conditions
from automations.agents.agent import SAYS
from automations.agents.checks import BOUNDS, MOST_AGENTS, MOST_TOOLS
from automations.agents.checks import NAME as AGENT_NAME
from automations.agents.checks import STEP as AGENT
from automations.checking import DEEPEST, LONGEST_BUTTON, LONGEST_NAME, LONGEST_TITLE, MOST_STEPS
from automations.comparisons import BARE, LONGEST_WORD, MOST_DAYS, OPERATORS, Takes
from automations.conditions import ALL, ANY, MOST_LISTED, NOT, PATH, VALUE
from automations.recipe import BUTTON as PRESSED
from automations.recipe import CHANNELS, INTENT, LARGEST_AMOUNT, LONGEST_INSTRUCTIONS, LONGEST_TEXT, ON_FAILURE, SHAPES, TRIGGERS
from automations.steps.face import Declaration, Declarations, Field
from language.call import JOBS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GAP = rf"^\s*\{{\{{ {{0,3}}{PATH} {{0,3}}\}}\}}\s*$"
NAME = rf"^(?!(?:{ALL}|{ANY}|{NOT})$){PATH}$"
AMOUNT = r"^[0-9]{1,7}(\.[0-9]{1,3})?$"
Schema = dict[str, Any]


def of(declarations: Declarations) -> Schema:
    acts = {f"act {name}": _act(declaration) for name, declaration in sorted(declarations.items())}
    return {
        "$schema": DIALECT,
        "title": "Recipe",
        **_table(_recipe_fields(), ("name", "title", "steps")),
        "$defs": {
            "text": {"type": "string", "maxLength": LONGEST_TEXT},
            "amount": _amount(),
            "gap": {"type": "string", "pattern": GAP},
            "condition": _condition(),
            "comparison": _comparison(),
            "constant": {"type": ["string", "number", "boolean"]},
            "other": _one_field(VALUE, {"type": "string", "pattern": f"^{PATH}$"}),
            "agent": _agent(),
            "tool": _tool(declarations),
            "acts": {"type": "array", "items": _any_act(declarations), "minItems": 1, "maxItems": MOST_STEPS},
            **acts,
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name.replace(' ', '%20')}"}


def _table(fields: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def _one_field(name: str, schema: Schema) -> Schema:
    return _table({name: schema}, (name,))


def _recipe_fields() -> dict[str, Schema]:
    fields: dict[str, Schema] = {
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"^[^@/\n]*$"},
        "title": {"type": "string", "minLength": 1, "maxLength": LONGEST_TITLE},
        "what": {**_ref("text"), "description": "What it is for."},
        "language": {"type": "string", "pattern": "^([a-z]{2,3}(-[A-Za-z]{2,4})?)?$"},
        "channels": {"type": "array", "items": {"enum": list(CHANNELS)}},
        "trigger": _trigger(),
        "when": {**_ref("condition"), "description": "Only where this holds is anything done."},
        "steps": _ref("acts"),
        "agents": {"type": "array", "items": _ref("agent"), "maxItems": MOST_AGENTS},
        "limits": _limits(),
        "alone": _alone(),
    }
    return {name: fields[name] for name in SHAPES["recipe"]}


def _trigger() -> Schema:
    fields = {
        "kind": {"enum": list(TRIGGERS), "description": "; ".join(f"{kind}: {words}" for kind, words in TRIGGERS.items())},
        "intent": _ref("text"),
        "confidence": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "button": {"type": "string", "minLength": 1, "maxLength": LONGEST_BUTTON},
    }
    needs = {INTENT: ["intent", "confidence"], PRESSED: ["button"]}
    only = [
        {"if": {"properties": {"kind": {"const": kind}}}, "then": {"required": names}, "else": {"properties": dict.fromkeys(names, False)}}
        for kind, names in needs.items()
    ]
    return {**_table(fields, ("kind",)), "allOf": only}


def _agent() -> Schema:
    from automations.guardrails.all import DECLARATIONS

    guardrails = {
        name: {**_table({one.name: {"title": one.title} for one in told.settings}), "description": told.explanation}
        for name, told in DECLARATIONS.items()
    }
    bounds = {name: {"type": "integer", "minimum": least, "maximum": most} for name, (least, most) in BOUNDS.items()}
    fields: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{AGENT_NAME.pattern}$"}, "title": _ref("text"),
        "what": {**_ref("text"), "description": "What it is for: by this others hand over to it."},
        "instructions": {"type": "string", "minLength": 1, "maxLength": LONGEST_INSTRUCTIONS}, "model": {"enum": list(JOBS)},
        "tools": {"type": "array", "items": _ref("tool"), "maxItems": MOST_TOOLS}, "guardrails": _table(guardrails),
        "hands to": {"type": "array", "items": _ref("text")}, "says": {"enum": list(SAYS)}, **bounds, "cost": _ref("amount"),
    }  # fmt: skip
    return _table({name: fields[name] for name in SHAPES["agent"]}, ("name", "instructions"))


def _tool(declarations: Declarations) -> Schema:
    fields: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{AGENT_NAME.pattern}$"},
        "step": {"enum": sorted(set(declarations) - {AGENT})}, "what": {**_ref("text"), "description": "When it is used."},
        "when": _ref("condition"), "with": {"type": "object", "description": "What is bound; the rest the agent chooses."},
    }  # fmt: skip
    return _table(fields, ("name", "step"))


def _limits() -> Schema:
    runs = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    amounts = {"money per run": _ref("amount"), "money per day": _ref("amount")}
    return _table({**amounts, "runs per day": runs, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}})


def _alone() -> Schema:
    return _table({"money": _ref("amount"), "changes": {"type": "array", "items": _ref("text")}, "approvers": {"enum": [1, 2]}})


def _amount() -> Schema:
    return {"anyOf": [{"type": "number", "minimum": 0, "maximum": int(LARGEST_AMOUNT)}, {"type": "string", "pattern": AMOUNT}]}


# Conditions


def _condition() -> Schema:
    parts = {"type": "array", "items": _ref("condition"), "minItems": 1, "maxItems": conditions.MOST_NODES}
    return {
        "type": "object",
        "properties": {ALL: parts, ANY: parts, NOT: _ref("condition")},
        "patternProperties": {NAME: _ref("comparison")},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _comparison() -> Schema:
    compared = {name: _than(operator.takes) for name, operator in OPERATORS.items() if name not in BARE}
    return {"anyOf": [{"enum": BARE}, {**_table(compared), "minProperties": 1, "maxProperties": 1}]}


def _than(takes: Takes) -> Schema:
    match takes:
        case "a number":
            return {"anyOf": [{"type": "number"}, _ref("other")]}
        case "days":
            return {"anyOf": [{"type": "number", "minimum": 0, "maximum": MOST_DAYS}, _ref("other")]}
        case "two numbers":
            return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        case "a list":
            return {"type": "array", "items": _ref("constant"), "minItems": 1, "maxItems": MOST_LISTED}
        case "a word":
            return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": LONGEST_WORD}, _ref("other")]}
    return {"anyOf": [_ref("constant"), _ref("other")]}


# Steps


def _any_act(declarations: Declarations) -> Schema:
    """By the step's name one of them holds, so that an editor tells what is wrong with that one and not with all."""
    names = sorted(declarations)
    chosen = [{"if": {"properties": {"step": {"const": name}}, "required": ["step"]}, "then": _ref(f"act {name}")} for name in names]
    return {"type": "object", "properties": {"step": {"enum": names}}, "required": ["name", "step"], "allOf": chosen}


def _act(declaration: Declaration) -> Schema:
    required = [one.name for one in declaration.inputs if one.required and one.default is None]
    given = _table({one.name: _input(one) for one in declaration.inputs}, tuple(required))
    fields: dict[str, Schema] = {
        "name": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,39}$",
            "description": "What it gives is known to later steps as name.output.",
        },
        "step": {"const": declaration.name, "title": declaration.title, "description": declaration.explanation},
        "when": _ref("condition"),
        "with": given,
        "on failure": {"enum": list(ON_FAILURE), "description": "; ".join(f"{name}: {words}" for name, words in ON_FAILURE.items())},
        "otherwise": {**_ref("acts"), "description": f"What is done where 'when' does not hold; at most {DEEPEST} deep."},
    }
    made = _table(fields, ("name", "step", *(["with"] if required else [])))
    return {**made, "dependentRequired": {"otherwise": ["when"]}}


def _input(one: Field) -> Schema:
    described = {"title": one.title, **({"description": one.help} if one.help else {})}
    return {**described, **({} if one.default is None else {"default": one.default}), **_kind(one)}


def _kind(one: Field) -> Schema:
    match one.kind:
        case "text" | "long_text":
            return {"type": "string", "maxLength": 20_000, **({"minLength": 1} if one.required and one.default is None else {})}
        case "number":
            return {"anyOf": [{"type": "number"}, _ref("gap")]}
        case "money":
            return {"anyOf": [_ref("amount"), _ref("gap")]}
        case "yes_no":
            return {"anyOf": [{"type": "boolean"}, _ref("gap")]}
        case "choice":
            return {"anyOf": [{"enum": list(one.choices)}, _ref("gap")]}
        case "label":
            return {"type": "string", "minLength": 1}
        case "address":
            return {"type": "string", "pattern": r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?]|$)"}
        case "mapping":
            return {"anyOf": [{"type": "object"}, _ref("gap")]}
    return {}
