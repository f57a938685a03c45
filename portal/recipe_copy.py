"""A recipe while somebody works on it: cards that are moved, changed and taken back, until all of it is saved as a version.

It lives with the sign-in's screen and is no version: half a comparison and an amount that is none may stand in it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from automations import conditions
from automations.agents.agent import Agent, Tool
from automations.checking import ALWAYS, BY_TRIGGER, SOMETIMES, TAKEN, Known
from automations.comparisons import OPERATORS
from automations.conditions import ALL, ANY, NOT, Condition
from automations.recipe import GO_ON, HAND_OVER, Act, Recipe
from automations.steps.face import Declaration, Declarations

MOST_IN_ROWS = 12  # comparisons that are filled in as rows; more are read and edited as a text


@dataclass
class Line:
    """One comparison as it is typed."""

    name: str = ""
    operator: str = "equals"
    than: Any = None
    typed: str = ""
    uid: int = 0

    @property
    def finished(self) -> bool:
        return bool(self.name) and (OPERATORS[self.operator].takes == "nothing" or self.than is not None)

    def tree(self) -> Condition:
        return {self.name: self.operator if OPERATORS[self.operator].takes == "nothing" else {self.operator: self.than}}


@dataclass
class Only:
    """Only if: rows that hold all together or any of them. What is nested deeper stands as it was written."""

    lines: list[Line] = field(default_factory=list)
    joined: str = ALL
    deeper: Condition | None = None

    def tree(self) -> Condition | None:
        if self.deeper is not None:
            return self.deeper
        told = [line.tree() for line in self.lines if line.finished]
        return None if not told else told[0] if len(told) == 1 else {self.joined: told}

    @property
    def unfinished(self) -> bool:
        return any(not line.finished for line in self.lines)


@dataclass
class Card:
    """One step."""

    uid: int
    step: str
    name: str
    given: dict[str, Any] = field(default_factory=dict)
    only: Only = field(default_factory=Only)
    otherwise: list["Card"] = field(default_factory=list)
    on_failure: str = HAND_OVER
    what: str = ""  # of an agent's tool: when it uses it

    def act(self) -> Act:
        return Act(self.step, self.name, self._given(), self.only.tree(), tuple(card.act() for card in self.otherwise), self.on_failure)

    def tool(self) -> Tool:
        return Tool(self.name, self.step, self.what, self._given(), self.only.tree())

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if value not in (None, "")}


@dataclass
class AgentCard:
    uid: int
    head: Agent  # without its tools
    tools: list[Card]

    def agent(self) -> Agent:
        return replace(self.head, tools=tuple(card.tool() for card in self.tools))


@dataclass
class Removed:
    card: Card
    among: list[Card]
    place: int


@dataclass
class Copy:
    head: Recipe  # without its steps and its condition
    only: Only
    cards: list[Card]
    based_on: int | None  # none: it was never saved
    begun: Mapping[str, Any]  # as it was when somebody began
    uid: int  # its own; what stands in it is numbered from there, so that no field keeps what was typed into another copy's
    number: int  # of what was numbered last
    opened: set[int] = field(default_factory=set)
    removed: Removed | None = None
    agents: list[AgentCard] = field(default_factory=list)

    def recipe(self) -> Recipe:
        acts, agents = tuple(card.act() for card in self.cards), tuple(card.agent() for card in self.agents)
        return replace(self.head, when=self.only.tree(), acts=acts, agents=agents)

    @property
    def changed(self) -> bool:
        return self.recipe().as_body() != self.begun

    def walk(self) -> Iterator[tuple[str, int, Card, list[Card]]]:
        """Number, depth, card, and among which cards it stands: as Recipe.walk goes."""
        return walk(self.cards)

    def unfinished(self) -> str:
        """Where a comparison is begun and not ended; empty where none is."""
        if self.only.unfinished:
            return "a line of its condition"
        tools = (card for agent in self.agents for card in agent.tools)
        if unfinished := next((f"a line of the condition of the tool '{card.name}'" for card in tools if card.only.unfinished), ""):
            return unfinished
        return next((f"a line of the condition of step {number}" for number, _, card, _ in self.walk() if card.only.unfinished), "")

    def next(self) -> int:
        self.number += 1
        return self.number


_numbers = count(1_000_000, 10_000)  # of copies, one after the other


def copy_of(recipe: Recipe, based_on: int | None, *, saved: bool = True) -> Copy:
    """`saved`: it is as that version is; else it counts as changed."""
    uid = next(_numbers)
    made = Copy(replace(recipe, acts=(), agents=(), when=None), Only(), [], based_on, recipe.as_body() if saved else {}, uid, uid)
    made.only = _only(recipe.when, made)
    made.cards = [_card(act, made) for act in recipe.acts]
    made.agents = [AgentCard(made.next(), replace(one, tools=()), [_tool(tool, made) for tool in one.tools]) for one in recipe.agents]
    if not recipe.acts or based_on is None:
        made.opened.add(uid)
    return made


def walk(cards: list[Card], before: str = "", depth: int = 0) -> Iterator[tuple[str, int, Card, list[Card]]]:
    for place, card in enumerate(cards, start=1):
        number = f"{before}{place}"
        yield number, depth, card, cards
        yield from walk(card.otherwise, f"{number}, else ", depth + 1)


def _card(act: Act, copy: Copy) -> Card:
    otherwise = [_card(inner, copy) for inner in act.otherwise]
    return Card(copy.next(), act.step, act.name, dict(deepcopy(act.given)), _only(act.when, copy), otherwise, act.on_failure)


def _tool(tool: Tool, copy: Copy) -> Card:
    return Card(copy.next(), tool.step, tool.name, dict(deepcopy(tool.given)), _only(tool.when, copy), what=tool.what)


def _only(tree: Condition | None, copy: Copy) -> Only:
    if tree is None:
        return Only()
    ((key, inner),) = tree.items()
    parts = inner if key in (ALL, ANY) else [tree]
    if len(parts) > MOST_IN_ROWS or any(next(iter(part)) in (ALL, ANY, NOT) for part in parts):
        return Only(deeper=tree)
    return Only([_line(part, copy) for part in parts], key if key in (ALL, ANY) else ALL)


def _line(tree: Condition, copy: Copy) -> Line:
    leaf = conditions.leaf_of(tree)
    return Line(leaf.name, leaf.operator, leaf.than, typed(leaf.than), copy.next())


# -- what is typed, as the value that it is -----------------------------------------------------------------------------------------------


def typed(value: Any) -> str:
    """As it stands in a field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return f"{{{{{value[conditions.VALUE]}}}}}" if list(value) == [conditions.VALUE] else "a table of values"
    return ", ".join(typed(one) for one in value) if isinstance(value, list | tuple) else str(value)


def than_of(text: str, operator: str, kind: str) -> Any:
    """What a comparison is made with; None where it is not said yet, or cannot be that."""
    text, takes = text.strip(), OPERATORS[operator].takes
    if takes == "nothing" or not text:
        return None
    if text.startswith("{{") and text.endswith("}}"):
        name = text[2:-2].strip()
        return {conditions.VALUE: name} if conditions.is_name(name) and takes not in ("a list", "two numbers") else None
    if takes in ("a number", "days"):
        return number_of(text)
    if takes == "two numbers":
        ends = [number_of(one) for one in text.replace(" and ", ",").split(",")]
        return ends if len(ends) == 2 and None not in ends else None
    if takes == "a list":
        listed = [_constant(one.strip(), kind) for one in text.split(",") if one.strip()]
        return listed if listed and None not in listed else None
    return text if takes == "a word" else _constant(text, kind)


def _constant(text: str, kind: str) -> Any:
    if kind == "yes_no":
        return {"yes": True, "no": False}.get(text.lower())
    if kind in ("number", "money"):
        return number_of(text)
    made = number_of(text) if kind in ("any", "mapping") else None
    return text if made is None else made


def number_of(text: str) -> int | float | None:
    """As people write it, with a point or a comma before the decimals."""
    plain = text.strip().replace(",", ".")
    if not plain.isascii() or not plain.removeprefix("-").replace(".", "", 1).isdigit() or len(plain) > 20:
        return None
    return float(plain) if "." in plain else int(plain)


def input_of(text: str, kind: str) -> Any:
    """What is typed into a step's field: a number where it is one, else the text as it stands, which the check then names."""
    if kind in ("number", "money", "any"):
        made = number_of(text)
        return text if made is None else made
    return text


# -- what is done with cards --------------------------------------------------------------------------------------------------------------


def add(copy: Copy, among: list[Card], declaration: Declaration) -> None:
    given = {one.name: one.default for one in declaration.inputs if one.default is not None}
    card = Card(copy.next(), declaration.name, free_name(copy, declaration.name), given)
    among.append(card)
    copy.opened.add(card.uid)


def free_name(copy: Copy, wanted: str) -> str:
    """What later steps call it: `order` of look up order, and `order_2` where there is one."""
    words = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in wanted.lower()).split()
    if words[:2] == ["look", "up"] and len(words) > 2:
        words = words[2:]
    base = "_".join(words)[:36] or "step"
    base = base if base[0].isalpha() and base not in TAKEN else f"step_{base}"
    taken = {card.name for _, _, card, _ in copy.walk()} | {card.name for agent in copy.agents for card in agent.tools}
    return base if base not in taken else next(f"{base}_{n}" for n in range(2, 1_000) if f"{base}_{n}" not in taken)


def duplicate(copy: Copy, card: Card, among: list[Card]) -> None:
    made = _again(card, copy)
    among.insert(among.index(card) + 1, made)
    _name_anew(made, copy)
    copy.opened.add(made.uid)


def _again(card: Card, copy: Copy) -> Card:
    lines = [replace(line, uid=copy.next()) for line in card.only.lines]
    only = Only(lines, card.only.joined, deepcopy(card.only.deeper))
    return replace(
        card, uid=copy.next(), given=deepcopy(card.given), only=only, otherwise=[_again(inner, copy) for inner in card.otherwise]
    )


def _name_anew(card: Card, copy: Copy) -> None:
    wanted, card.name = card.name.rstrip("_0123456789") or card.name, ""
    card.name = free_name(copy, wanted)
    for inner in card.otherwise:
        _name_anew(inner, copy)


def move(card: Card, among: list[Card], by: int) -> None:
    place = among.index(card)
    among.insert(max(0, min(len(among) - 1, place + by)), among.pop(place))


def remove(copy: Copy, card: Card, among: list[Card]) -> None:
    copy.removed = Removed(card, among, among.index(card))
    among.remove(card)


def put_back(copy: Copy) -> None:
    if back := copy.removed:
        back.among.insert(back.place, back.card)
        copy.removed = None


# -- which names are known where ----------------------------------------------------------------------------------------------------------


def known_at_first(copy: Copy) -> Known:
    return Known({**ALWAYS, **BY_TRIGGER.get(copy.head.trigger.kind, {})}, SOMETIMES)


def known_by_card(copy: Copy, declarations: Declarations) -> dict[int, Known]:
    """Before each card, before its own condition is looked at."""
    told: dict[int, Known] = {}
    _go_through(copy.cards, _where(copy.only.tree(), known_at_first(copy)), declarations, told)
    return told


def _go_through(cards: Sequence[Card], known: Known, declarations: Declarations, told: dict[int, Known]) -> Known:
    for card in cards:
        told[card.uid] = known
        branch = _go_through(card.otherwise, known, declarations, told)
        act = card.act()
        only_so = act.when is not None and _ends(act.otherwise, declarations)
        after = (_where(act.when, known) if only_so else known).after(act, declarations.get(act.step), ran=act.when is None or only_so)
        known = Known(after.sure, {**branch.all, **after.perhaps})
    return known


def _ends(acts: Sequence[Act], declarations: Declarations) -> bool:
    return any(act.when is None and act.on_failure != GO_ON and act.step in declarations and declarations[act.step].ends for act in acts)


def _where(when: Condition | None, known: Known) -> Known:
    if when is None or conditions.faults(when, known.all):
        return known
    return known.where(conditions.known_where_it_holds(when))


def inside(card: Card, known: Known) -> Known:
    """... where its condition holds: what its fields may be filled with."""
    return _where(card.only.tree(), known)


def with_name(recipe: Recipe, taken: Collection[str]) -> Recipe:
    """Under which it is kept for good: its first title, small, with a number where another one has it."""
    plain = " ".join("".join(sign if sign.isalnum() else " " for sign in recipe.title.lower()).split())[:50].strip() or "recipe"
    return replace(
        recipe, name=plain if plain not in taken else next(f"{plain} {n}" for n in range(2, 10_000) if f"{plain} {n}" not in taken)
    )
