"""A recipe's agents on a screen: what each is told, its tools with what it may choose, what watches over it, to whom it hands over."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import streamlit as st

from automations.agents import offering
from automations.agents.agent import SAYS, Agent
from automations.agents.checks import BOUNDS, STEP
from automations.checking import Known
from automations.guardrails import edges
from automations.guardrails.all import ALWAYS, DECLARATIONS
from automations.steps.face import Declaration, Declarations
from language.call import JOBS
from portal import recipe_copy, recipe_fields, recipe_form, recipe_only, widgets
from portal.recipe_copy import AgentCard, Card, Copy
from portal.recipe_fields import key

MODELS = dict(zip(JOBS, ("Small and fast", "Large", "Where being right matters more than being fast"), strict=True))
WORDS = {"turns": "Turns", "seconds": "Seconds of models", "tokens": "Tokens of models"}
SAID = {"draft reply": "As a draft that a person sends", "send reply": "To the customer"}


def section(copy: Copy, declarations: Declarations) -> None:
    """Below the cards, where a step begins with an agent or there are some already."""
    if not copy.agents and not any(card.step == STEP for _, _, card, _ in copy.walk()):
        return
    st.subheader("Agents", anchor=False)
    st.caption("Begin with one, and simple instructions for when all goes well. What it must not do is a guardrail or a limit: those hold.")
    known = known_inside(copy, declarations)
    for one in copy.agents:
        with st.container(border=True, key=f"automations_agent_{one.uid}", gap="small"):
            first_line(copy, one)
            if one.uid in copy.opened:
                fields(copy, one, declarations, known)
            else:
                st.caption(widgets.plain(in_short(one)))
    st.button("Add an agent", icon=":material/smart_toy:", key=key(copy.uid, "add_agent"), on_click=add, args=(copy,))


def known_inside(copy: Copy, declarations: Declarations) -> Known:
    """What tools may be bound to: what every recipe knows, and what tools give."""
    first = recipe_copy.known_at_first(copy)
    given = {
        f"{tool.name}.{output.name}": output.kind
        for agent in copy.agents for tool in agent.tools if tool.step in declarations for output in declarations[tool.step].outputs
    }  # fmt: skip
    return Known(first.sure, {**first.perhaps, **given})


def add(copy: Copy) -> None:
    taken = {one.head.name for one in copy.agents}
    name = next(name for name in (f"agent_{number}" for number in range(1, 100)) if name not in taken)
    made = AgentCard(copy.next(), Agent(name), [])
    copy.agents.append(made)
    copy.opened.add(made.uid)
    for _, _, card, _ in copy.walk():
        if card.step == STEP and not card.given.get("agent"):
            card.given["agent"] = name


def remove(copy: Copy, one: AgentCard) -> None:
    copy.agents.remove(one)


def first_line(copy: Copy, one: AgentCard) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":material/smart_toy: **{widgets.plain(one.head.title or one.head.name)}**", width="content")
        with st.container(horizontal=True, width="content", gap="xxsmall", key=f"automations_tools_{one.uid}"):
            recipe_form.fold(copy, one.uid)
            recipe_form.small("Remove", ":material/delete:", one.uid, "remove_agent", remove, copy, one)


def in_short(one: AgentCard) -> str:
    agent = one.agent()
    tools = ", ".join(tool.name.replace("_", " ") for tool in agent.tools) or "no tools"
    hands = f" · hands over to {', '.join(agent.hands_to)}" if agent.hands_to else ""
    return f"{MODELS.get(agent.model, agent.model)} · {tools}{hands}"


def fields(copy: Copy, one: AgentCard, declarations: Declarations, known: Known) -> None:
    named(copy, one)
    instructions(one)
    st.markdown("**Tools**")
    for tool in list(one.tools):
        with st.container(border=True, key=f"automations_tool_{tool.uid}", gap="small"):
            a_tool(copy, one, tool, declarations, known)
    add_tool(copy, one, declarations)
    watched(one)
    bounds(copy, one)


def named(copy: Copy, one: AgentCard) -> None:
    agent, uid = one.head, one.uid
    row = st.columns([1.2, 1.6, 2.4], vertical_alignment="bottom")
    name = row[0].text_input("Name", agent.name, key=key(uid, "agent_name"), help="Small letters, digits and _")
    title = row[1].text_input("Title", agent.title, key=key(uid, "agent_title"), placeholder="Refunds")
    what = row[2].text_input(
        "What it is for", agent.what, key=key(uid, "agent_what"), placeholder="Says where a refund is", help="Others hand over by this."
    )
    models = recipe_form.with_own(list(MODELS), agent.model)
    row = st.columns([2, 2, 2], vertical_alignment="bottom")
    model = row[0].selectbox(
        "Model", models, index=models.index(agent.model), format_func=lambda job: MODELS.get(job, job), key=key(uid, "agent_model"),
        help="Without a model endpoint the embedded planner decides, whichever is chosen.",
    )  # fmt: skip
    says = row[1].selectbox(
        "Its answer leaves", list(SAYS), index=SAYS.index(agent.says) if agent.says in SAYS else 0, format_func=SAID.__getitem__,
        key=key(uid, "agent_says"),
    )  # fmt: skip
    others = [other.head.name for other in copy.agents if other is not one]
    hands = row[2].multiselect(
        "May hand over to", others, [to for to in agent.hands_to if to in others], key=key(uid, f"agent_hands_{hash(tuple(others))}"),
        placeholder="Nobody", disabled=not others,
    )  # fmt: skip
    typed = recipe_form.typed
    one.head = replace(
        agent, name=typed(name, agent.name), title=typed(title, agent.title), what=typed(what, agent.what), model=model, says=says,
        hands_to=tuple(hands) if others else agent.hands_to,
    )  # fmt: skip
    renamed(copy, agent.name, one.head.name)


def renamed(copy: Copy, before: str, now: str) -> None:
    """Whoever begins with it, or hands over to it, means the same one."""
    if before == now or not before or not now or any(other.head.name == before for other in copy.agents):
        return
    for _, _, card, _ in copy.walk():
        if card.step == STEP and card.given.get("agent") == before:
            card.given["agent"] = now
    for other in copy.agents:
        other.head = replace(other.head, hands_to=tuple(now if to == before else to for to in other.head.hands_to))


def instructions(one: AgentCard) -> None:
    """Simple ones. What forbids something is better held by code."""
    shown = key(one.uid, "agent_instructions")
    said = st.text_area("Instructions", one.head.instructions, key=shown, height=170, placeholder="What it does when all goes well.")
    one.head = replace(one.head, instructions=recipe_form.typed(said, one.head.instructions))
    for place, warning in enumerate(edges.warnings(one.head.instructions)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":orange[:material/warning: {widgets.plain(warning.text)}] {widgets.plain(warning.why)}", width="stretch")
            if warning.guardrail:
                st.button(
                    f"Make it a guardrail: {DECLARATIONS[warning.guardrail].title}", key=key(one.uid, f"agent_move_{place}"),
                    type="tertiary", icon=":material/shield:", on_click=move, args=(one, warning),
                )  # fmt: skip


def move(one: AgentCard, warning: edges.Warning) -> None:
    guardrails = dict(one.head.guardrails)
    before = dict(guardrails.get(warning.guardrail) or {})
    for name, value in warning.settings.items():
        kept = before.get(name)
        before[name] = [*kept, *value] if isinstance(kept, list) and isinstance(value, list) else value
    guardrails[warning.guardrail] = before
    words = edges.moved(one.head.instructions, warning)
    one.head = replace(one.head, guardrails=guardrails, instructions=words)
    st.session_state[key(one.uid, "agent_instructions")] = words


# -- its tools ----------------------------------------------------------------------------------------------------------------------------


def a_tool(copy: Copy, one: AgentCard, tool: Card, declarations: Declarations, known: Known) -> None:
    declaration = declarations.get(tool.step)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        icon = recipe_form.icon_of(declaration)
        st.markdown(f"{icon} **{widgets.plain(recipe_form.title_of(tool, declarations))}**", width="content")
        with st.container(horizontal=True, width="content", gap="xxsmall", key=f"automations_tools_{tool.uid}"):
            recipe_form.fold(copy, tool.uid)
            recipe_form.small("Take it away", ":material/delete:", tool.uid, "remove_tool", one.tools.remove, tool)
    if declaration is None:
        st.warning(f"There is no step '{tool.step}'.")
        return
    if tool.uid not in copy.opened:
        st.caption(widgets.plain(tool_in_short(tool, declaration)))
        return
    row = st.columns([1, 3])
    tool.name = recipe_form.typed(row[0].text_input("It calls it", tool.name, key=key(tool.uid, "tool_name")), tool.name)
    tool.what = recipe_form.typed(
        row[1].text_input("When to use it", tool.what, key=key(tool.uid, "tool_what"), placeholder=declaration.explanation), tool.what
    )
    if declaration.inputs:
        st.caption("Left empty, the agent chooses it. Amounts and addresses it never chooses: fill them from what a tool looked up.")
        recipe_fields.fields(tool, _may_be_left(declaration), known)
    recipe_only.rows(tool.only, copy, known, key(tool.uid, "when"), {})


def _may_be_left(declaration: Declaration) -> Declaration:
    """In the form: what the agent may choose need not be filled in."""
    asked = (*offering.NEVER_CHOSEN,)
    inputs = tuple(replace(one, required=one.required and one.kind in asked) for one in declaration.inputs)
    return replace(declaration, inputs=inputs)


def tool_in_short(tool: Card, declaration: Declaration) -> str:
    made = tool.tool()
    chosen = ", ".join(one.title.lower() for one in offering.free(made, declaration).values())
    bound = ", ".join(f"{name.replace('_', ' ')}: {recipe_copy.typed(value)}" for name, value in made.given.items())
    return " · ".join(part for part in (tool.what or declaration.explanation, f"chooses {chosen}" if chosen else "", bound) if part)


def add_tool(copy: Copy, one: AgentCard, declarations: Declarations) -> None:
    name = key(one.uid, "add_tool")
    fitting: Mapping[str, Declaration] = {name: told for name, told in declarations.items() if name != STEP}

    def chosen() -> None:
        if declaration := fitting.get(st.session_state.get(name) or ""):
            card = Card(copy.next(), declaration.name, recipe_copy.free_name(copy, declaration.name))
            one.tools.append(card)
            copy.opened.add(card.uid)
        st.session_state[name] = None

    st.selectbox(
        "Give it a tool", list(fitting), index=None, key=name, on_change=chosen, placeholder="Give it a tool", label_visibility="collapsed",
        format_func=lambda step: f"{fitting[step].title}: {fitting[step].explanation}",
    )  # fmt: skip


# -- what holds it ------------------------------------------------------------------------------------------------------------------------


def watched(one: AgentCard) -> None:
    more = [name for name in DECLARATIONS if name not in ALWAYS]
    many = len(one.head.guardrails)  # moved there from the instructions, one stands in the list too
    chosen = st.multiselect(
        "Guardrails", more, [name for name in one.head.guardrails if name in more], key=key(one.uid, f"agent_guards_{many}"),
        format_func=lambda name: DECLARATIONS[name].title, placeholder="None beside those that watch over every agent",
    )  # fmt: skip
    always = [name for name in one.head.guardrails if name not in more]
    one.head = replace(one.head, guardrails={name: one.head.guardrails.get(name) or {} for name in [*always, *chosen]})
    every = ", ".join(DECLARATIONS[name].title.lower() for name in ALWAYS)
    st.caption(
        widgets.plain(f"Every agent is watched by {every}. What changes something waits for all of them; settings are changed as a file.")
    )


def bounds(copy: Copy, one: AgentCard) -> None:
    """Of the one that begins; they hold for all it hands to."""
    if one is not copy.agents[0]:
        return
    with st.expander("How far it may go", icon=":material/timer:", key=key(one.uid, "agent_bounds")):
        row = st.columns(4)
        said: dict[str, Any] = {}
        for place, (name, words) in enumerate(WORDS.items()):
            least, most = BOUNDS[name]
            now = min(max(getattr(one.head, name), least), most)
            said[name] = int(row[place].number_input(words, least, most, now, key=key(one.uid, f"agent_{name}")))
        cost = row[3].number_input(
            "Money for models", 0.0, 100.0, float(one.head.cost), step=0.05, format="%.2f", key=key(one.uid, "agent_cost")
        )
    kept = one.head.cost if float(one.head.cost) == cost else Decimal(f"{cost:.2f}")
    one.head = replace(one.head, cost=kept, **said)
