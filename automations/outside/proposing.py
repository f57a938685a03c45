"""A program with tools is proposed with its place and credential as one; once it was looked at, its tools are, each by its hash."""

import json
import os
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from automations.conditions import shown
from automations.connectors import connecting
from automations.outside import cleaning, money, pins, sources
from automations.outside.pins import Pin, Tool
from automations.outside.sources import ADDRESS, COMMAND, PINS, PLACE, TOOLS, Standing
from data import access, approvals, sealing, settings, store
from data.errors import Refused
from data.tables import Person, Proposal

MOST_ARGUMENTS, LONGEST_ARGUMENT, MOST_NAMED = 30, 500, 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def propose_address(name: str, url: str, header: str, secret: str, *, why: str, by: Person) -> Proposal:
    """A program that somebody runs elsewhere. Without a header the secret goes as a bearer's token."""
    access.require(by, "tool_source.propose")
    address, (header, secret) = connecting.plain_address(url.strip()), connecting.plain_credential(header.strip(), secret.strip())
    if not settings.is_private_line(address):
        raise Refused("Not proposed: the address must begin with https://. What is asked and answered would go readable over the network.")
    host = address.split("/")[2]
    told = (
        f"{host} would be asked what tools it offers, {'with' if header else 'without'} a credential. None is used before it is approved."
    )
    return _propose_place(name, address, (), {}, header, secret, ADDRESS, f"look at the tools of {name.strip()} at {host}", told, why, by)


def propose_command(name: str, command: Collection[str], environment: Mapping[str, str], *, why: str, by: Person) -> Proposal:
    """A program that the portal starts on its own machine: an admin's alone."""
    access.require(by, "tool_command.propose")
    made, named = _command(tuple(command)), _environment(environment)
    gets = f"of our environment it gets nothing, but is given {', '.join(named)}" if named else "of our environment it gets nothing"
    told = (
        f"This machine would run '{' '.join(made)}' to ask what tools it offers, in an empty folder; {gets}. It can do "
        "whatever the portal's own account can. None of its tools is used before it is approved."
    )
    return _propose_place(name, "", made, named, "", "", COMMAND, f"run {name.strip()} here to look at its tools", told, why, by)


def _command(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command or not Path(command[0]).is_absolute():
        raise Refused("Not proposed: a command begins with the whole path of a program, such as /usr/local/bin/crm-tools.")
    if not Path(command[0]).is_file() or not os.access(command[0], os.X_OK):
        raise Refused(f"Not proposed: there is no program '{shown(command[0])}' on this machine that can be started.")
    if len(command) > MOST_ARGUMENTS or any(len(one) > LONGEST_ARGUMENT or not one.isprintable() for one in command):
        raise Refused(
            f"Not proposed: a command has up to {MOST_ARGUMENTS} parts of {LONGEST_ARGUMENT} plain signs each. Put more into a file."
        )
    return command


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    for name, value in environment.items():
        if not _VARIABLE.fullmatch(name) or not value or not value.isprintable() or len(value) > connecting.LONGEST_SECRET:
            raise Refused(f"Not proposed: '{shown(name)}' is no name of a variable, or what it is set to is empty or no plain line.")
    if len(environment) > MOST_NAMED:
        raise Refused(f"Not proposed: a program is given up to {MOST_NAMED} variables, not {len(environment):,}.")
    return dict(environment)


def _propose_place(
    name: str, url: str, command: tuple[str, ...], environment: Mapping[str, str], header: str, secret: str, kind: str, title: str,
    told: str, why: str, by: Person,
) -> Proposal:  # fmt: skip
    if not _NAME.fullmatch(name := name.strip()):
        raise Refused("Not proposed: a program has a name of small letters, digits and _, beginning with a letter, such as crm.")
    kept = json.dumps({"secret": secret, "environment": dict(environment)}, ensure_ascii=False)
    value = {
        "name": name, "url": url, "command": list(command), "environment": sorted(environment), "header": header,
        "sealed_place": sealing.seal(kept, sources.bound(name, url, command)),
    }  # fmt: skip
    return _propose(kind, f"{PLACE}{name}", value, title, {"sentence": told}, why, by)


def _propose(
    kind: str, setting: str, value: dict[str, Any], title: str, evidence: dict[str, Any], why: str, by: Person,
    at: datetime | None = None,
) -> Proposal:  # fmt: skip
    with store.writing() as db:
        last = settings.latest(db, setting)
        payload = {"name": setting, "value": value, "after": last.number if last else 0}
        return approvals.propose(db, kind, title, payload, why=why, evidence=evidence, authors=[by.id], by=by, at=at)


# -- its tools ----------------------------------------------------------------------------------------------------------------------------


def propose_tools(
    name: str, *, reads: Collection[str], bound: Mapping[str, Mapping[str, str]], moves: Mapping[str, money.Named] | None = None,
    only: Collection[str] | None = None, why: str, by: Person, at: datetime | None = None,
) -> Proposal:  # fmt: skip
    """As it offered them when it was last looked at. `reads`: those that change nothing; `bound`: arguments that the conversation says;
    `moves`: of each tool the arguments that are money, and those that only sound so; `only`: of several these, the others are not used."""
    access.require(by, "tool_source.propose")
    one = sources.named(name)
    wanted = _wanted(one, only)
    moves = moves or {}
    _require_known(one, {*reads, *bound, *moves, *(only or ())})
    made = [_pin(tool, tool.name not in reads, bound.get(tool.name, {}), moves.get(tool.name, {})) for tool in wanted]
    hashes = {pin.tool.name: pin.tool.sha for pin in made}
    kept = json.dumps([pin.plain() for pin in made], ensure_ascii=False)
    sealed = sealing.seal(kept, f"tools {name} pins of place {one.place}")
    value = {"name": name, "place": one.place, "hashes": hashes, "sealed_pins": sealed}
    evidence = {"sentence": _told(one, made), "tools": [_shown(one, pin) for pin in made]}
    title = f"let recipes use {_many(len(made))} of {name}"
    return _propose(TOOLS, f"{PINS}{name}", value, title, evidence, why, by, at)


def _wanted(one: Standing, only: Collection[str] | None) -> list[Tool]:
    if one.seen is None:
        raise Refused(f"Not proposed: nobody has looked yet what {one.name} offers. Look at it first.")
    wanted = [tool for tool in one.seen.tools if only is None or tool.name in only]
    if not wanted:
        raise Refused(f"Not proposed: {one.name} offers no tool that was chosen. Choose at least one.")
    return wanted


def _require_known(one: Standing, names: Collection[str]) -> None:
    known = {tool.name for tool in one.seen.tools} if one.seen else set()
    if odd := sorted(set(names) - known):
        raise Refused(f"Not proposed: {one.name} offers no '{shown(odd[0])}'. Look again at what it offers.")


def _pin(tool: Tool, changes: bool, bound: Mapping[str, str], moves: money.Named) -> Pin:
    """One that changes something: of each argument that sounds like money somebody has said whether it is."""
    made = Pin(tool, changes, dict(bound), dict(moves) if changes else {})
    if why := pins.wrong_binding(tool, bound) or money.wrong(tool, made.money, bound):
        raise Refused(f"Not proposed: {why}.")
    if places := money.unnamed(made):
        raise Refused(f"Not proposed: {money.not_said(made, places)}.")
    return made


def _many(many: int) -> str:
    return f"{many:,} tool{'' if many == 1 else 's'}"


def _told(one: Standing, made: list[Pin]) -> str:
    changing = [pin.tool.name for pin in made if pin.changes]
    names = f": {', '.join(changing[:5])}{' and others' if len(changing) > 5 else ''}" if changing else ""
    otherwise = [pin.tool.name for pin in made if one.differs(pin.tool.name)]
    more = f" Otherwise than before: {', '.join(otherwise[:5])}." if otherwise else ""
    paying = [pin.tool.name for pin in made if money.currency(pin)]
    moves = f" Money is moved by {', '.join(paying[:5])}, and counts as a refund does." if paying else ""
    return (
        f"Recipes could use {_many(len(made))} of {one.where}; {len(changing):,} of them change something there{names}. Those leave by the "
        f"door, as each recipe allows.{moves}{more}"
    )


def _shown(one: Standing, pin: Pin) -> dict[str, Any]:
    """All that is approved of it, for whoever approves it: the words are the program's own."""
    tool = pin.tool
    return {
        "name": tool.name, "told": tool.told, "takes": {name: pin.bound.get(name, "") for name in tool.arguments}, "money": dict(pin.money),
        "schema": json.dumps(tool.schema, ensure_ascii=False, indent=1), "changes": pin.changes, "says_it_reads": tool.only_reads,
        "sha": tool.sha, "differs": one.differs(tool.name), "title": cleaning.line(tool.title, pins.LONGEST_SHOWN),
    }  # fmt: skip
