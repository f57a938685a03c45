"""Tools from outside, on Installation: each program, what its tools say of themselves, and what is otherwise than approved."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from automations.outside import money, proposing, sources
from automations.outside.facts import FACTS
from automations.outside.pins import Pin, Tool
from automations.outside.sources import Standing
from data import access
from data.errors import Refused
from data.tables import Person, Proposal
from portal import acts, jobs, widgets

KEY = "installation_tools"
DOES = {True: "changes something", False: "only reads"}
CHOSEN = "filled in"  # by the recipe or a model, unless it is bound to the conversation
MOST_SHOWN = 12
CURRENCIES = ("EUR", "USD", "GBP", "CHF")  # any other is typed


def show(person: Person) -> None:
    """Those that are connected, and where one is proposed."""
    if not access.may(person, "tool_source.read"):
        return
    st.subheader("Tools of other programs", anchor=False)
    found = sources.listed(by=person)
    if not found:
        st.caption("None is connected. A program that speaks the Model Context Protocol can be: recipes and agents then use its tools, "
                   "each as two people approved it.")  # fmt: skip
    for one in found:
        with st.expander(_headline(one), icon=":material/construction:", expanded=bool(one.changed)):
            _one(one, person)
    if access.may(person, "tool_source.propose"):
        with st.expander("Propose another program with tools" if found else "Propose a program with tools"):
            _propose(person)
    if found:
        _look(person)


def _headline(one: Standing) -> str:
    return f"{widgets.plain(sources.in_words(one).rstrip('.'))} · {widgets.plain(one.where)}"


def _look(person: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Look at what they offer now", icon=":material/sync:", key=f"{KEY}_look"):
            acts.attempt(lambda: jobs.start("check_tools", {}, title="Look at what programs with tools offer", by=person))
            st.rerun()
        st.caption("Each is looked at every night too, and a tool in the moment in which it is used.")
    if task := widgets.newest_job("check_tools", by=person):
        widgets.follow(task, by=person)


def _one(one: Standing, person: Person) -> None:
    if one.disabled:
        st.warning(f"Disabled: {widgets.plain(one.disabled)} It is used again once its tools are approved anew.")
    for name in one.changed:
        _changed(one, name)
    if one.seen is None:
        st.caption("Nobody has looked yet what it offers.")
    elif rows := _rows(one):
        st.dataframe(rows, hide_index=True, height="auto" if len(rows) <= MOST_SHOWN else 440)
    _left_out(one)
    st.caption(_reached(one))
    with st.container(horizontal=True):
        if access.may(person, "tool_source.propose") and one.seen is not None and one.seen.tools:
            with st.popover("Propose its tools", icon=":material/verified:"):
                _propose_tools(one, person)
        if access.may(person, "tool_source.disable") and not one.disabled:
            with st.popover("Disable it", icon=":material/block:"):
                _disable(one, person)


def _disable(one: Standing, person: Person) -> None:
    why = st.text_input("Why", key=f"{KEY}_off_{one.name}")
    if st.button("Disable it now", key=f"{KEY}_disable_{one.name}"):
        acts.attempt(lambda: sources.disable(one.name, why=why or "", by=person), done="None of its tools is used any more.")
        st.rerun()


def _changed(one: Standing, name: str) -> None:
    st.warning(widgets.plain(one.otherwise(name).removeprefix("Not used: ")), icon=":material/difference:")
    for told in one.differs(name):
        st.text(told)


def _rows(one: Standing) -> list[dict[str, str]]:
    offered = {tool.name: tool for tool in one.seen.tools} if one.seen else {}
    rows = [
        {
            "Tool": name, "State": _state(one, name, pin), "It": DOES[pin.changes], "What it says it does": pin.tool.told,
            "Takes": _takes(pin.tool, pin.bound, pin.money),
        }
        for name, pin in one.pins.items()
    ]  # fmt: skip
    return rows + [
        {"Tool": tool.name, "State": "not approved", "It": "says that it only reads" if tool.only_reads else "",
         "What it says it does": tool.told, "Takes": _takes(tool, {}, {})}
        for name, tool in offered.items() if name not in one.pins
    ]  # fmt: skip


def _state(one: Standing, name: str, pin: Pin) -> str:
    if name in one.changed:
        return "otherwise than approved"
    if name in one.gone:
        return "gone"
    return "nobody said what is money" if money.unnamed(pin) else "approved"


def _takes(tool: Tool, bound: Mapping[str, str], moves: Mapping[str, str]) -> str:
    """By name; what may be left out in brackets, what the conversation says with a sign for that, at the end what is money."""
    names = [name if needed else f"({name})" for name, needed in tool.arguments.items() if name not in bound]
    return ", ".join([*names, *(f"{name} = {fact}" for name, fact in bound.items()), *_moves(moves)])


def _moves(moves: Mapping[str, str]) -> list[str]:
    return [f"{name} is money, {said}" for name, said in moves.items() if said != money.NO_MONEY]


def _left_out(one: Standing) -> None:
    if one.seen and one.seen.left_out:
        with st.popover(f"{len(one.seen.left_out):,} left out", icon=":material/filter_alt_off:"):
            for why in one.seen.left_out:
                st.text(why)


def _reached(one: Standing) -> str:
    if one.command:
        given = f" and is given {', '.join(one.environment)}" if one.environment else ""
        return widgets.plain(f"This machine runs {shlex.join(one.command)}. It gets nothing of our environment{given}.")
    return "The credential is kept sealed and is shown to nobody." if one.header else "It is asked without a credential."


# -- proposing ----------------------------------------------------------------------------------------------------------------------------


def _propose(person: Person) -> None:
    ways = ["At an address", "A command on this machine"] if access.may(person, "tool_command.propose") else ["At an address"]
    way = st.radio("How it is reached", ways, horizontal=True, key=f"{KEY}_way") if len(ways) > 1 else ways[0]
    with st.form(f"{KEY}_form", enter_to_submit=False, border=False):
        name = st.text_input("Name", placeholder="crm", help="By which recipes name it.", key=f"{KEY}_name")
        act = _address(name, person) if way == ways[0] else _command(name, person)
        if st.form_submit_button("Propose the program"):
            acts.attempt(act, done="Proposed. Another admin decides; then it is looked at what it offers.")
            st.rerun()


def _address(name: str, person: Person) -> Any:
    row = st.columns(3)
    url = row[0].text_input("Address", placeholder="https://tools.example.com/mcp", key=f"{KEY}_url")
    header = row[1].text_input("Header of the credential", placeholder="empty: Authorization, as a bearer's token", key=f"{KEY}_header")
    secret = row[2].text_input("Secret", type="password", key=f"{KEY}_secret",
                               help="Typed anew with each change: a kept one never goes to another address.")  # fmt: skip
    why = st.text_input("Why", placeholder="The approver reads it first", key=f"{KEY}_why")
    return lambda: proposing.propose_address(name or "", url or "", header or "", secret or "", why=why or "", by=person)


def _command(name: str, person: Person) -> Any:
    line = st.text_input("Command", placeholder="/usr/local/bin/crm-tools --read-only", key=f"{KEY}_command",
                         help="The whole path first. It is started with none of our environment, in an empty folder.")  # fmt: skip
    given = st.text_area("What it is given of secrets", placeholder="CRM_TOKEN=…, one a line", key=f"{KEY}_environment", height=80)
    why = st.text_input("Why", placeholder="The approver reads it first", key=f"{KEY}_why")
    return lambda: proposing.propose_command(name or "", _parts(line or ""), _variables(given or ""), why=why or "", by=person)


def _parts(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise Refused("Not proposed: a quotation in the command has no end. Close it.") from None


def _variables(text: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(not sign for _, sign, _ in pairs):
        raise Refused("Not proposed: each line names a variable, = and what it is set to.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _propose_tools(one: Standing, person: Person) -> None:
    """As they say it now; each argument is filled in, or is always what the conversation says."""
    tools = one.seen.tools if one.seen else ()
    names = [tool.name for tool in tools]
    key = f"{KEY}_{one.name}"
    with st.form(f"{key}_tools", border=False):
        only = st.multiselect("Tools", names, default=names, key=f"{key}_only")
        before = [name for name in names if name in one.pins and not one.pins[name].changes]  # its own word alone is no reason
        reads = st.multiselect("Of these only read", names, default=before, key=f"{key}_reads",
                               help="All others leave by the door, as what changes something does.")  # fmt: skip
        for tool in tools:
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**{widgets.plain(tool.name)}**")
                st.text(tool.told or "It says nothing of itself.")
        bound, moves = _bindings(one, tools, key), _money(one, tools, key)
        why = st.text_input("Why", placeholder="The approver reads it first", key=f"{key}_why")
        if st.form_submit_button("Propose these tools"):
            acts.attempt(
                lambda: proposing.propose_tools(
                    one.name, reads=[name for name in reads if name in only], only=only, why=why or "", by=person,
                    bound={name: facts for name, facts in bound.items() if name in only},
                    moves={name: said for name, said in moves.items() if name in only},
                ),
                done="Proposed. Another admin decides.",
            )  # fmt: skip
            st.rerun()


def _bindings(one: Standing, tools: Sequence[Tool], key: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    choices = [CHOSEN, *FACTS]
    for tool in tools:
        before = one.pins[tool.name].bound if tool.name in one.pins else {}
        for name in tool.arguments:
            fact = st.selectbox(
                f"{tool.name}: {name}", choices, index=choices.index(before.get(name, CHOSEN)), key=f"{key}_{tool.name}_{name}",
                help="Whom it is about is best said by the conversation: then nobody who writes a text can choose it.",
            )  # fmt: skip
            if fact != CHOSEN:
                found.setdefault(tool.name, {})[name] = fact
    return found


def _money(one: Standing, tools: Sequence[Tool], key: str) -> dict[str, dict[str, str]]:
    """Of each number, and of what sounds like money: nothing is taken for granted of the latter."""
    found: dict[str, dict[str, str]] = {}
    for tool in tools:
        before, likely = one.pins[tool.name].money if tool.name in one.pins else {}, money.likely(tool)
        asked = [name for name, shape in money.places(tool.shape) if name in likely or shape.kind in ("number", "whole")]
        for name in asked:
            said = before.get(name, None if name in likely else money.NO_MONEY)
            choices = list(
                dict.fromkeys([money.NO_MONEY, money.SHOPS, f"{money.SHOPS}{money.IN_CENTS}", *CURRENCIES, *filter(None, [said])])
            )
            chosen = st.selectbox(
                f"{tool.name}: is {name} money?", choices, index=choices.index(said) if said else None, accept_new_options=True,
                placeholder="Say whether it is money, and in which currency", key=f"{key}_{tool.name}_{name}_money",
                help="Money counts in a recipe's limits, in the day's total and in the customer's sum. Another currency is typed, as DKK "
                     "or DKK, in cents. Of a tool that only reads nothing is counted.",
            )  # fmt: skip
            if chosen and (name in likely or chosen != money.NO_MONEY):
                found.setdefault(tool.name, {})[name] = chosen
    return found


# -- deciding -----------------------------------------------------------------------------------------------------------------------------


def evidence(proposal: Proposal) -> None:
    """On Approvals: word for word what each tool says of itself, what it takes, and what is otherwise than before."""
    for one in proposal.evidence.get("tools", []):
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{widgets.plain(one['name'])}** · {DOES[one['changes']]} · {widgets.plain(one['sha'][:12])}")
            st.text(one["told"] or "It says nothing of itself.")
            for told in one["differs"]:
                st.text(f"Otherwise than before: {told}")
            takes = [f"{name} = {fact}" if fact else name for name, fact in one["takes"].items()]
            st.caption(f"Takes {widgets.plain(', '.join(takes) or 'nothing')}.")
            if moves := _moves(one.get("money", {})):
                st.markdown(f":orange-badge[:material/payments: moves money] {widgets.plain('; '.join(moves))}.")
            if others := [name for name, said in one.get("money", {}).items() if said == money.NO_MONEY]:
                st.caption(f"Said to be no money: {widgets.plain(', '.join(others))}.")
            with st.popover("What it says of its arguments"):
                st.code(one["schema"], language="json")
