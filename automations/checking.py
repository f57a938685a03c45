"""Everything that is wrong with a recipe before it ever runs, in sentences that name the place: "Step 3, 'Refund': the amount is missing."

A text may only be filled with what is surely known where it stands. What a branch gives, or a step that may fail unnoticed, is not;
inside `when: {order.total: is known}` it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from automations import comparisons, conditions, filling
from automations.agents import checks
from automations.conditions import shown
from automations.recipe import ARRIVES, BUTTON, CHANNELS, GO_ON, INTENT, NEW_MESSAGE, ON_FAILURE, TRIGGERS, Act, Limits, Recipe, amount_of
from automations.steps.face import KINDS, NUMBERS, OPEN, TEXTS, Declaration, Declarations, Field

MOST_STEPS, DEEPEST, LONGEST_NAME, LONGEST_TITLE, LONGEST_BUTTON = 30, 4, 60, 120, 40
ALWAYS: dict[str, str] = {  # known in every run
    "conversation.id": "text", "conversation.channel": "text", "message.text": "long_text",
}  # fmt: skip
SOMETIMES: dict[str, str] = {
    "conversation.language": "text", "conversation.subject": "text", "conversation.team": "text", "conversation.segment": "text",
    "conversation.opened_at": "text",
    "customer.key": "text", "intent.name": "label", "intent.confidence": "number",
}  # fmt: skip
BY_TRIGGER: dict[str, dict[str, str]] = {
    ARRIVES: {},
    NEW_MESSAGE: {},
    INTENT: {"intent.name": "label", "intent.confidence": "number"},
    BUTTON: {"asked": "mapping"},  # what the product sends along; empty where a colleague pressed it
}
TAKEN = {name.split(".")[0] for name in (*ALWAYS, *SOMETIMES, "asked")} | {
    conditions.ALL, conditions.ANY, conditions.NOT, conditions.VALUE,
}  # fmt: skip
_ACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?([/?][^\s{}\\]*|)")  # gaps are taken out before


@dataclass(frozen=True)
class Known:
    """The names that stand for something at one place of a recipe, with their kinds."""

    sure: Mapping[str, str]
    perhaps: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, str]:
        return {**self.perhaps, **self.sure}

    def where(self, names: Iterable[str]) -> "Known":
        """... where a condition says that these are known."""
        surely = {name: kind for name in names if (kind := conditions.kind_of(name, self.all))}
        return Known({**self.sure, **surely}, self.perhaps)

    def after(self, act: Act, declaration: Declaration | None, *, ran: bool) -> "Known":
        """... behind this step, of which it is certain or not that it ran."""
        always = ran and act.on_failure != GO_ON
        outputs = declaration.outputs if declaration else ()
        named = {f"{act.name}.{output.name}": (output.kind, always and output.required) for output in outputs}
        sure = {name: kind for name, (kind, surely) in named.items() if surely}
        return Known({**self.sure, **sure}, {**self.perhaps, **{name: kind for name, (kind, _) in named.items()}})


def faults(recipe: Recipe, declarations: Declarations) -> list[str]:
    """In the order in which the document is read."""
    known = Known({**ALWAYS, **BY_TRIGGER.get(recipe.trigger.kind, {})}, SOMETIMES)
    wrong_when = _in_condition(recipe.when, known)
    if recipe.when is not None and not wrong_when:
        known = known.where(conditions.known_where_it_holds(recipe.when))
    told, _ = _in_acts(recipe.acts, known, declarations, "", 1)
    head = [*_in_head(recipe), *_in_trigger(recipe), *(f"Its condition: {one}" for one in wrong_when)]
    agents = checks.faults(recipe, declarations, known.all)
    return [*head, *_in_number(recipe), *told, *agents, *_in_limits(recipe, declarations), *_in_alone(recipe, declarations)]


def near(word: str, words: Iterable[str]) -> str:
    known = list(words)
    close = get_close_matches(word[:60], known, n=1, cutoff=0.5)
    return f"Is '{close[0]}' meant?" if close else f"There are: {', '.join(known) or 'none'}."


def called(act: Act) -> str:
    """Its name as people read it."""
    return act.name.replace("_", " ").capitalize() or act.step


def place(number: str, act: Act) -> str:
    return f"Step {number}, '{shown(called(act))}'"


def _used(where: str, name: str) -> str:
    return f"{where}, '{shown(name.replace('_', ' ').capitalize())}'"


# The document without its steps


def name_fault(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_NAME or "@" in name or "/" in name or not name.isprintable():
        return f"A recipe has a name of 1 to {LONGEST_NAME} characters in one line, without @ and /."
    return ""


def _in_head(recipe: Recipe) -> Iterator[str]:
    if wrong := name_fault(recipe.name):
        yield wrong
    if not 0 < len(recipe.title.strip()) <= LONGEST_TITLE:
        yield f"The title is missing, or longer than {LONGEST_TITLE} characters."
    for channel in recipe.channels:
        if channel not in CHANNELS:
            yield f"There is no channel '{shown(channel)}'. {near(channel, CHANNELS)}"
    if recipe.language and not _LANGUAGE.fullmatch(recipe.language):
        yield f"'{shown(recipe.language)}' is no language: write it as en, de or pt-BR."


def _in_trigger(recipe: Recipe) -> Iterator[str]:
    trigger = recipe.trigger
    if trigger.kind not in TRIGGERS:
        yield f"Nothing triggers it by '{shown(trigger.kind)}'. {near(trigger.kind, TRIGGERS)}"
        return
    if trigger.kind == INTENT:
        if not trigger.intent.strip():
            yield "The trigger names no intent."
        if trigger.confidence is None or not 0 < trigger.confidence <= 1:
            yield "The trigger says no confidence: set it above 0 and up to 1, such as 0.8."
    elif trigger.intent or trigger.confidence is not None:
        yield f"An intent and its confidence belong to the trigger '{INTENT}', not to '{trigger.kind}'."
    if trigger.kind == BUTTON and not 0 < len(trigger.button.strip()) <= LONGEST_BUTTON:
        yield f"The button needs a label of 1 to {LONGEST_BUTTON} characters."
    elif trigger.kind != BUTTON and trigger.button:
        yield f"A button's label belongs to the trigger '{BUTTON}', not to '{trigger.kind}'."


def _in_number(recipe: Recipe) -> Iterator[str]:
    acts = [act for _, _, act in recipe.walk()]
    if not 0 < len(acts) <= MOST_STEPS:
        yield f"A recipe has 1 to {MOST_STEPS} steps, with those of its else-branches; this one has {len(acts):,}."
    names = [act.name for act in acts]
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            yield f"{names.count(name)} steps are named '{shown(name)}'. Each needs a name of its own."


def _in_limits(recipe: Recipe, declarations: Declarations) -> Iterator[str]:
    limits = recipe.limits
    uses = [(_used(where, name or step), declarations[step]) for where, name, step in recipe.uses() if step in declarations]
    changing = next((place for place, one in uses if one.changes), "")
    if changing and not limits.runs_per_day:
        yield f"{changing} changes something outside, and no limit says how often: set 'runs per day'."
    paying = next((place for place, one in uses if one.pays), "")
    if paying and (lacking := [name for name, value in _money_limits(limits).items() if not value]):
        yield f"{paying} moves money without a limit: set {' and '.join(repr(name) for name in lacking)}."
    if limits.currency and not re.fullmatch(r"[A-Z]{3}", limits.currency):
        yield f"'{shown(limits.currency)}' is no currency: write three capital letters, such as EUR."
    if limits.money_per_run is not None and limits.money_per_day is not None and limits.money_per_run > limits.money_per_day:
        yield f"The limit per run, {limits.money_per_run:,f}, is above the limit per day, {limits.money_per_day:,f}."


def _money_limits(limits: Limits) -> dict[str, Decimal | str | None]:
    return {"money per run": limits.money_per_run, "money per day": limits.money_per_day, "currency": limits.currency}


def _in_alone(recipe: Recipe, declarations: Declarations) -> Iterator[str]:
    alone, limit = recipe.alone, recipe.limits.money_per_run
    if alone.approvers not in (1, 2):
        yield f"A proposal is approved by 1 or 2 people, not by {alone.approvers:,}."
    if alone.money > (limit or 0):
        yield f"Alone it may move {alone.money:,f}, above the limit per run, {limit or 0:,f}. Lower the one or raise the other."
    used = dict.fromkeys(step for _, _, step in recipe.uses())
    for name in alone.changes:
        if name not in used:
            yield f"Alone it may do '{shown(name)}', which is no step of it. {near(name, used)}"
        elif name in declarations and not declarations[name].changes:
            yield f"'{shown(name)}' changes nothing outside, so nobody need allow it: take it out of what it may do alone."


# Its steps


def _in_acts(acts: tuple[Act, ...], known: Known, declarations: Declarations, before: str, depth: int) -> tuple[list[str], Known]:
    if depth > DEEPEST:
        return [f"Step {before.removesuffix(', else ')}: steps stand at most {DEEPEST} deep in each other."], known
    told: list[str] = []
    for count, act in enumerate(acts, start=1):
        number = f"{before}{count}"
        declaration = declarations.get(act.step)
        told += [f"{place(number, act)}: {one}" for one in _in_act(act, known, declaration, declarations)]
        below, branch = _in_acts(act.otherwise, known, declarations, f"{number}, else ", depth + 1) if act.otherwise else ([], known)
        told += below
        if count < len(acts) and _ends((act,), declarations):
            told.append(
                f"{place(number, act)}: the run is over behind it, so what follows is never done. Give it a condition, or move it last."
            )
        known = _behind(act, known, branch, declarations)
    return told, known


def _behind(act: Act, known: Known, branch: Known, declarations: Declarations) -> Known:
    """Where the else-branch ends the run, whoever comes further came by the condition."""
    declaration, only_so = declarations.get(act.step), act.when is not None and _ends(act.otherwise, declarations)
    if act.when is not None and only_so and not _in_condition(act.when, known):
        known = known.where(conditions.known_where_it_holds(act.when))
    after = known.after(act, declaration, ran=act.when is None or only_so)
    return Known(after.sure, {**branch.all, **after.perhaps})


def _ends(acts: tuple[Act, ...], declarations: Declarations) -> bool:
    """Whether nobody gets past these."""
    ending = (act for act in acts if act.when is None and act.on_failure != GO_ON and act.step in declarations)
    return any(declarations[act.step].ends for act in ending)


def _in_act(act: Act, known: Known, declaration: Declaration | None, declarations: Declarations) -> Iterator[str]:
    if not _ACT_NAME.fullmatch(act.name):
        yield "its name is written in small letters, digits and _, up to 40, beginning with a letter."
    elif act.name in TAKEN:
        yield f"'{act.name}' means something else in every recipe. Choose another name."
    if act.on_failure not in ON_FAILURE:
        yield f"nothing is known to be done on failure by '{shown(act.on_failure)}'. {near(act.on_failure, ON_FAILURE)}"
    if act.otherwise and act.when is None:
        yield "it says what is done otherwise, but not when it is done itself. Give it a condition."
    wrong_when = _in_condition(act.when, known)
    yield from (f"its condition: {one}" for one in wrong_when)
    if declaration is None:
        yield f"there is no step '{shown(act.step)}'. {near(act.step, declarations)}"
        return
    inside = known if act.when is None or wrong_when else known.where(conditions.known_where_it_holds(act.when))
    yield from _in_inputs(act, inside, declaration)


def _in_condition(when: Any, known: Known) -> list[str]:
    return [] if when is None else conditions.faults(when, known.all)


def _in_inputs(act: Act, known: Known, declaration: Declaration) -> Iterator[str]:
    inputs = {one.name: one for one in declaration.inputs}
    for name in sorted(set(act.given) - set(inputs)):
        yield f"it takes no '{shown(name)}'. {near(name, inputs)}"
    for name, one in inputs.items():
        value = act.given.get(name)
        if value is None or value == "":
            if one.required and one.default is None:
                yield f"the {_small(one.title)} is missing."
        elif told := filling.plain(value):
            yield f"the {_small(one.title)}: {told}."
        else:
            yield from (f"the {_small(one.title)}: {told}" for told in (*_in_gaps(value, known), *_in_value(one, value, known)))
    if declaration.faults is not None:
        yield from declaration.faults(act.given)


def _small(title: str) -> str:
    return title[:1].lower() + title[1:]


def _in_gaps(value: Any, known: Known) -> Iterator[str]:
    for odd in filling.odd_gaps(value):
        yield f"'{shown(odd)}' is no gap: between the braces stands one name, like {{{{order.total}}}}."
    for name in filling.names_in(value):
        if conditions.kind_of(name, known.sure) is not None:
            continue
        if conditions.kind_of(name, known.perhaps) is None:
            yield conditions.unknown(name, known.all)
        else:
            yield f"'{name}' may not be known there. Do it only where it is, with 'when: {{{name}: is known}}'."


def _in_value(one: Field, value: Any, known: Known) -> Iterator[str]:
    """A constant, or a gap, of another kind than what is taken."""
    name = filling.alone(value)
    kind = conditions.kind_of(name, known.all) if name else None
    if kind is not None:
        if not _may_fill(kind, one.kind):
            yield f"it is {KINDS[one.kind]}, and {{{{{name}}}}} is {KINDS[kind]}."  # type: ignore[index]
    elif not name and (told := _wrong_constant(one, value)):
        yield told
    if not name and isinstance(value, str):
        for inner in filling.names_in(value):
            if conditions.kind_of(inner, known.all) == "mapping":
                yield f"{{{{{inner}}}}} stands for a table, which no text can hold. Name one value in it."


def _may_fill(kind: str, wanted: str) -> bool:
    """What a customer wrote is never an amount, a number or a yes; any value is looked at again when the step runs."""
    if wanted == "address":  # whom we ask is never chosen by what came in
        return kind == wanted
    if kind == "any" or wanted == "any" or kind == wanted:
        return True
    if wanted in NUMBERS:
        return kind in NUMBERS
    if wanted in ("text", "long_text"):
        return kind not in OPEN
    return wanted in ("choice", "label") and kind in TEXTS


def _wrong_constant(one: Field, value: Any) -> str:
    match one.kind:
        case "text" | "long_text" if not isinstance(value, str):
            return f"it is a text, not '{shown(value)}'. Put it in quotes."
        case "number" if comparisons.number(value) is None:
            return f"it is a number, not '{shown(value)}'."
        case "money" if amount_of(value) is None:
            return f"it is an amount, such as 19.90, not '{shown(value)}'."
        case "yes_no" if not isinstance(value, bool):
            return f"it is true or false, not '{shown(value)}'."
        case "choice" if value not in one.choices:
            return f"it is one of {', '.join(one.choices)}, not '{shown(value)}'."
        case "label" if not isinstance(value, str) or filling.names_in(value):
            return f"it is the name of one intent, not '{shown(value)}'."
        case "address" if not isinstance(value, str) or not _ADDRESS.fullmatch(_without_gaps(value)):
            return "it is an address that begins with https:// and the server's name, written out: only what follows may be filled in."
        case "mapping" if not isinstance(value, Mapping):
            return f"it is a table of values, not '{shown(value)}'."
    return ""


def _without_gaps(address: str) -> str:
    """The server's name stays as it is written: a gap in it would let a text choose whom we ask."""
    begun = re.match(r"https?://[^/?]*", address)
    head = begun[0] if begun else ""
    rest = address[len(head) :]
    for name in filling.names_in(rest):
        rest = re.sub(rf"\{{\{{ {{0,3}}{re.escape(name)} {{0,3}}\}}\}}", "x", rest)
    return head + rest
