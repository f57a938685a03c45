"""Programs with tools: where one is and how it is reached is approved first, then, once it was looked at, each of its tools by its hash.

A tool that says something else than what was approved is not used until two people approved it again, also where it says the old words
again meanwhile; one that is new is not used at all. The others go on.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlmodel import Session, col, func, select

from automations.conditions import shown
from automations.outside import pins, reaching, using
from automations.outside.pins import Offer, Pin, Tool
from automations.outside.reaching import Way
from automations.outside.using import Source, Tools
from automations.steps.face import Declarations
from data import access, inbox, people, sealing, settings, store
from data.errors import Refused
from data.tables import Person, Proposal, Setting
from data.values import now

PREFIX = "tool_"
PLACE, PINS, SEEN, OFF = "tool_place_", "tool_pins_", "tool_seen_", "tool_off_"
COMMAND, ADDRESS, TOOLS = "connect_command", "connect_tools", "approve_tools"  # kinds of proposals
STEPS = ("look with tool", "use tool")


@dataclass(frozen=True)
class Standing:
    """A program, what was approved of it, and what is otherwise now."""

    name: str
    place: int  # the number of its setting
    url: str
    command: tuple[str, ...]
    environment: tuple[str, ...]  # names
    header: str
    sealed: str = field(repr=False)
    pins: dict[str, Pin] = field(default_factory=dict, repr=False)
    pinned: int = 0  # the number of their setting
    pinned_at: datetime | None = None
    seen: Offer | None = None  # when somebody last looked and found it otherwise than before
    changed: dict[str, Tool] = field(default_factory=dict, repr=False)  # as it was told when it was noticed
    disabled: str = ""  # why

    @property
    def where(self) -> str:
        return self.url.split("/")[2] if self.url else self.command[0]

    @property
    def new(self) -> tuple[Tool, ...]:
        return tuple(one for one in self.seen.tools if one.name not in self.pins) if self.seen else ()

    @property
    def gone(self) -> tuple[str, ...]:
        there = {one.name for one in self.seen.tools} if self.seen else set(self.pins)
        return tuple(name for name in self.pins if name not in there)

    @property
    def off(self) -> dict[str, str]:
        """Each tool that is not used now, and the sentence that says why."""
        if self.disabled:
            known = (*self.pins, *(one.name for one in self.new))
            return dict.fromkeys(known, f"Not used: {self.name} is disabled. {self.disabled}")
        told = {one.name: f"Not used: the tool '{one.name}' of {self.name} is new. Have it approved on Installation." for one in self.new}
        return told | {name: self.otherwise(name) for name in self.changed}

    def otherwise(self, name: str) -> str:
        on = f"{self.pinned_at.day} {self.pinned_at:%B %Y}" if self.pinned_at else "an earlier day"
        return (
            f"Not used: the tool '{name}' of {self.name} says something else than what was approved on {on}. Look at what changed on "
            "Installation, and have it approved again."
        )

    def differs(self, name: str) -> list[str]:
        """In words, since it was approved; nothing of one that never was."""
        if name not in self.pins:
            return []
        then, now = self.pins[name].tool, self.seen.get(name) if self.seen else None
        tool = self.changed.get(name) if now is None or now.sha == then.sha else now
        return pins.difference(then, tool) if tool is not None else []

    def way(self) -> Way:
        """Refused where its seal is of another installation, or of another place than the one that was approved."""
        told = _unsealed(self.sealed, bound(self.name, self.url, self.command))
        return Way(self.name, self.command, told["environment"], self.url, self.header, told["secret"])


def bound(name: str, url: str, command: tuple[str, ...]) -> str:
    """Name and place are part of the seal: a credential that was carried over to another does not open there."""
    return f"tools {name} {url} {json.dumps(command)}"


def _unsealed(sealed: str, purpose: str) -> Any:
    try:
        return json.loads(sealing.unseal(sealed, purpose))
    except (InvalidTag, ValueError):
        raise Refused("Not used: what is kept of this program is not what was approved. Propose it again.") from None


# -- what is in force ---------------------------------------------------------------------------------------------------------------------


def in_force() -> dict[str, Source]:
    """By name. One that does not open here, such as one from a backup without its key, is not there."""
    found: dict[str, Source] = {}
    for one in _standing():
        with suppress(Refused):
            found[one.name] = Source(one.way(), one.pins, one.off, partial(_noticed, one.name))
    return found


def anything_connected() -> bool:
    return bool(_standing())


def listed(*, by: Person) -> list[Standing]:
    access.require(by, "tool_source.read")
    return _standing()


def named(name: str) -> Standing:
    found = {one.name: one for one in _standing()}
    if name not in found:
        raise Refused(f"There is no program '{shown(name)}' with tools. There are: {', '.join(found) or 'none'}.")
    return found[name]


def offered(declarations: Declarations) -> Declarations:
    """The steps that use tools, with what is known of those: a recipe that asks for what there is not is told so before it runs."""
    tools: Tools = in_force()
    knowing = {
        name: replace(declarations[name], faults=partial(using.faults, tools, changes=declarations[name].changes))
        for name in STEPS if name in declarations
    }  # fmt: skip
    return {**declarations, **knowing}


def _standing() -> list[Standing]:
    with store.reading() as db:
        kept = _kept(db)
        approved = _approved_as(db, [row for name, row in kept.items() if name.startswith(PLACE)])
    places = {name.removeprefix(PLACE): row for name, row in sorted(kept.items()) if name.startswith(PLACE)}
    return [_one(name, row, kept) for name, row in places.items() if approved.get(row.proposal_id or "") == _kind_of(row.value)]


def _kept(db: Session) -> dict[str, Setting]:
    """The last number of each."""
    last = (
        select(col(Setting.name).label("name"), func.max(Setting.number).label("number"))
        .where(col(Setting.name).startswith(PREFIX, autoescape=True))
        .group_by(col(Setting.name))
        .subquery()
    )
    query = select(Setting).join(last, (col(Setting.name) == last.c.name) & (col(Setting.number) == last.c.number))
    return {row.name: row for row in db.exec(query)}


def _approved_as(db: Session, rows: list[Setting]) -> dict[str, str]:
    """What starts a program here counts only where admins alone proposed and approved it."""
    wanted = [row.proposal_id for row in rows if row.proposal_id]
    return {one.id: one.kind for one in db.exec(select(Proposal).where(col(Proposal.id).in_(wanted)))}


def _kind_of(value: dict[str, Any]) -> str:
    return COMMAND if value.get("command") else ADDRESS


def _one(name: str, row: Setting, kept: dict[str, Setting]) -> Standing:
    told = row.value
    approved, seen, off = (kept.get(f"{prefix}{name}") for prefix in (PINS, SEEN, OFF))
    pinned = approved if approved is not None and approved.value["place"] == row.number else None
    number = pinned.number if pinned else 0
    known = _pins(name, row.number, pinned.value["sealed_pins"]) if pinned else {}
    looked = seen.value if seen is not None and seen.value["place"] == row.number else None
    offer, changed = _looked_at(name, row.number, looked["sealed_seen"]) if looked else (None, {})
    stopped = off is not None and (off.value["place"], off.value["pins"]) == (row.number, number)
    return Standing(
        name, row.number, told["url"], tuple(told["command"]), tuple(told["environment"]), told["header"], told["sealed_place"], known,
        number, pinned.at if pinned else None, offer, changed if looked and looked["pins"] == number else {},
        str(off.value["why"]) if off is not None and stopped else "",
    )  # fmt: skip


@lru_cache(maxsize=64)
def _opened(name: str, place: int, sealed: str) -> tuple[Pin, ...]:
    return tuple(pins.pin_of(one) for one in _unsealed(sealed, f"tools {name} pins of place {place}"))


def _pins(name: str, place: int, sealed: str) -> dict[str, Pin]:
    """Where they do not open here, no tool of it is approved."""
    try:
        return {one.tool.name: one for one in _opened(name, place, sealed)}
    except Refused:
        return {}


@lru_cache(maxsize=64)
def _opened_seen(name: str, place: int, sealed: str) -> tuple[Offer | None, dict[str, Tool]]:
    told = _unsealed(sealed, f"tools {name} seen at place {place}")
    offer = None if told["tools"] is None else Offer(tuple(map(pins.tool_of, told["tools"])), tuple(told["left_out"]))
    return offer, {tool: pins.tool_of(one) for tool, one in told["changed"].items()}


def _looked_at(name: str, place: int, sealed: str) -> tuple[Offer | None, dict[str, Tool]]:
    try:
        return _opened_seen(name, place, sealed)
    except Refused:
        return None, {}


# -- looking at what it offers now --------------------------------------------------------------------------------------------------------


def look(name: str, *, by: Person, at: datetime | None = None) -> Standing:
    """Ask the program what it offers, and keep where that is otherwise than before. What changed is not used from then on."""
    access.require(by, "tool_source.read")
    before = named(name)
    offer = reaching.offered(before.way())
    with store.writing() as db:
        _see(db, name, before.place, offer, by, at)
    return named(name)


def look_at_all(*, by: Person, name: str = "", at: datetime | None = None) -> str:
    """Each program, or the one; what could not be reached is told and goes on as it was."""
    access.require(by, "tool_source.read")
    found = [one for one in _standing() if name in ("", one.name)]
    return " ".join(_looked(one.name, by, at) for one in found) or "No program with tools is connected."


def _looked(name: str, by: Person, at: datetime | None) -> str:
    try:
        return in_words(look(name, by=by, at=at))
    except Refused as refused:
        return f"{name}: {refused}"


def in_words(one: Standing) -> str:
    if one.disabled:
        return f"{one.name} is disabled."
    parts = (
        (len(one.pins) - len({*one.changed, *one.gone}), "as approved"), (len(one.changed), "otherwise than approved"),
        (len(one.new), "not approved"), (len(one.gone), "gone"),
    )  # fmt: skip
    told = ", ".join(f"{many:,} {words}" for many, words in parts if many)
    return f"{one.name}: {told or 'it offers no tool that can be used'}."


def _see(db: Session, name: str, place: int, offer: Offer, by: Person, at: datetime | None) -> None:
    store.one_at_a_time(db, f"tools {name}")
    before = next((one for one in _standing_in(db) if one.name == name), None)
    if before is None or before.place != place:  # it was connected otherwise meanwhile
        return
    otherwise = {
        one.name: one for one in offer.tools if one.name in before.pins and one.name not in before.changed
        and one.sha != before.pins[one.name].tool.sha
    }  # fmt: skip
    if before.seen != offer or otherwise:
        _keep(db, before, offer, otherwise, by, at)


def _standing_in(db: Session) -> list[Standing]:
    kept = _kept(db)
    return [_one(name.removeprefix(PLACE), row, kept) for name, row in kept.items() if name.startswith(PLACE)]


def _keep(db: Session, before: Standing, offer: Offer | None, otherwise: dict[str, Tool], by: Person, at: datetime | None) -> None:
    changed = {**before.changed, **otherwise}
    told = {
        "tools": [one.plain() for one in offer.tools] if offer else None, "left_out": list(offer.left_out) if offer else [],
        "changed": {name: one.plain() for name, one in changed.items()},
    }  # fmt: skip
    value = {
        "place": before.place, "pins": before.pinned, "changed": {name: one.sha for name, one in changed.items()},
        "sealed_seen": sealing.seal(json.dumps(told, ensure_ascii=False), f"tools {before.name} seen at place {before.place}"),
    }  # fmt: skip
    settings.put(db, f"{SEEN}{before.name}", value, by=by, at=at)
    for name in otherwise:
        _tell(db, before, name, at)


def _tell(db: Session, one: Standing, tool: str, at: datetime | None) -> None:
    """Whoever may propose it again."""
    roles = list(access.TABLE["tool_source.propose"])
    told = f"The tool '{tool}' of {one.name} says something else than what was approved. It is not used until it is approved again."
    for person in db.exec(select(Person).where(col(Person.role).in_(roles), col(Person.disabled_at).is_(None))):
        inbox.tell(db, person.id, "moved", told, page="installation", key=f"tool {one.name} {tool} {one.place} {one.pinned}", at=at)


def _noticed(name: str, tool: str, found: Tool | None) -> str:
    """While it was to be used: it was not, and is not from now on."""
    here = named(name)
    if found is None:
        return f"Not used: {name} does not offer the tool '{tool}' as it was approved any more. Look at it on Installation."
    with store.writing() as db:
        store.one_at_a_time(db, f"tools {name}")
        before = next((one for one in _standing_in(db) if one.name == name), None)
        if before is not None and tool in before.pins and tool not in before.changed and found.sha != before.pins[tool].tool.sha:
            _keep(db, before, _with(before.seen, found), {tool: found}, people.console(), now())
    return here.otherwise(tool)


def _with(seen: Offer | None, found: Tool) -> Offer:
    others = tuple(one for one in seen.tools if one.name != found.name) if seen else ()
    return Offer((*others, found), seen.left_out if seen else ())


# -- disabled at once ---------------------------------------------------------------------------------------------------------------------


def disable(name: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    """The safe direction needs one person. It is used again once its tools were approved anew."""
    access.require(by, "tool_source.disable")
    if not why.strip():
        raise Refused("Not disabled: say in a sentence why; whoever approves it again reads that first.")
    one = named(name)
    if one.disabled:
        raise Refused(f"Not disabled: {name} is disabled already. {one.disabled}")
    with store.writing() as db:
        settings.put(db, f"{OFF}{name}", {"place": one.place, "pins": one.pinned, "why": why.strip()[:500]}, by=by, at=at)
