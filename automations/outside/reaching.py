"""How a program with tools is reached: a process that gets nothing of ours, or one address, asked by the official client within a time.

The client and its loop run in a thread of their own, and whoever asks waits no longer than was said, whatever the other side does. Nothing
is offered to it: no model to ask, nobody to question, no folder to read.
"""

import logging
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from automations.connectors.asking import Connection, Service
from automations.outside import lines
from automations.outside.lines import Ended
from automations.outside.pins import MOST_TOOLS, Offer, Tool, offer
from automations.steps.calling import CHECK, CallFault, Resolve, looked_up

if TYPE_CHECKING:
    from mcp import ClientSession

SECONDS, LEAST_SECRET = 20.0, 8
ENDING = 2.0  # seconds that putting everything away may take on top
MOST_PAGES = 20
NO_ANSWER = "its answer is none of the protocol's"
Came = TypeVar("Came")


@dataclass(frozen=True)
class Way:
    """To one program: a command that is run here, or an address. What it is known by goes nowhere else."""

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # all that its process gets
    url: str = ""
    header: str = ""
    secret: str = field(default="", repr=False)
    seconds: float = SECONDS
    resolve: Resolve = field(default=looked_up, repr=False)

    @property
    def secrets(self) -> list[Connection]:
        known = [self.secret, *self.environment.values()]
        return [Connection(Service("", "", ()), "x", one) for one in known if len(one) >= LEAST_SECRET]

    def without_secret(self, value: Any) -> Any:
        """The same where the other side repeated what it was given."""
        for one in self.secrets:
            value = one.without_secret(value)
        return value

    def sentence(self, told: str) -> str:
        for one in self.secrets:
            told = one.sentence(told)
        return told


@dataclass
class _Talk:
    """One conversation with a program, and how far it got."""

    way: Way
    line: lines.Line
    sent: bool = False  # the tool was asked: whether it did anything is not known until it answers


class Changed(CallFault):
    """The tool says something else than what was approved, so it was not used."""

    def __init__(self, name: str, now: Tool | None) -> None:
        super().__init__(f"Not used: '{name}' is not what was approved.")
        self.now = now


def offered(way: Way) -> Offer:
    """What it offers now."""
    return _within(way, lambda talk: _offered(talk, way), changes=False)


def used(way: Way, tool: Tool, arguments: Mapping[str, Any], *, changes: bool) -> Any:
    """The result as the client took it. In the same conversation it is looked whether the tool still is what was approved."""
    return _within(way, lambda talk: _used(talk, way, tool, arguments), changes=changes)


async def _offered(talk: _Talk, way: Way) -> Offer:
    async with AsyncExitStack() as stack:
        return offer(await _tools(await _greeted(talk, stack), way))


async def _used(talk: _Talk, way: Way, tool: Tool, arguments: Mapping[str, Any]) -> Any:
    async with AsyncExitStack() as stack:
        session = await _greeted(talk, stack)
        now = offer(await _tools(session, way)).get(tool.name)
        if now is None or now.sha != tool.sha:
            raise Changed(tool.name, now)
        talk.sent = True
        return await session.call_tool(tool.name, dict(arguments))


async def _greeted(talk: _Talk, stack: AsyncExitStack) -> "ClientSession":
    """Most speak the older way of greeting; whoever speaks only the newer one says so."""
    from mcp import MCPError
    from mcp_types import UNSUPPORTED_PROTOCOL_VERSION

    reads, writes = await stack.enter_async_context(talk.line.open())
    session = await stack.enter_async_context(_session()(reads, writes))
    try:
        await session.initialize()
    except MCPError as fault:
        if fault.code != UNSUPPORTED_PROTOCOL_VERSION:
            raise
        await session.discover()
    return session


def _session() -> "type[ClientSession]":
    """The official client's, which answers no question and runs no pattern of the other side over what came."""
    from mcp import ClientSession

    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)  # it logs what it cannot read, and a credential may stand there

    class Session(ClientSession):
        async def validate_tool_result(self, name: str, result: Any) -> None:
            """By a schema that the program itself wrote: it would say nothing, and a pattern in it could take for ever."""

    return Session


async def _tools(session: "ClientSession", way: Way) -> list[Tool]:
    from mcp_types import PaginatedRequestParams

    found: list[Tool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        found += [_tool(one, way) for one in page.tools]
        cursor = page.next_cursor
        if not cursor or len(found) > 2 * MOST_TOOLS:
            break
    return found


def _tool(told: Any, way: Way) -> Tool:
    hints = told.annotations
    title = told.title or (hints.title if hints else "") or ""
    plain = way.without_secret([told.name, title, told.description or "", told.input_schema])
    return Tool(plain[0], plain[1], plain[2], plain[3], bool(hints and hints.read_only_hint))


# -- within a time ------------------------------------------------------------------------------------------------------------------------


def _within(way: Way, act: Callable[[_Talk], Awaitable[Came]], *, changes: bool) -> Came:
    """What it comes to, or a sentence: in a thread of its own, because whoever asks may have a loop already."""
    with tempfile.TemporaryDirectory(prefix="tool", ignore_cleanup_errors=True) as folder:
        talk = _Talk(way, lines.line_of(way, Path(folder)))
        came: list[Came] = []
        raised: list[BaseException] = []
        thread = threading.Thread(target=_run, args=(talk, act, came, raised), name="tool from outside", daemon=True)
        thread.start()
        thread.join(way.seconds + ENDING)
        talk.line.cut()
    if came:
        return came[0]
    raise _told(talk, raised[0] if raised else TimeoutError(), changes=changes) from None


def _run(talk: _Talk, act: Callable[[_Talk], Awaitable[Came]], came: list[Came], raised: list[BaseException]) -> None:
    import anyio

    async def timed() -> None:
        with anyio.fail_after(talk.way.seconds):
            came.append(await act(talk))

    try:
        talk.line.prepare()
        anyio.run(timed)
    except BaseException as error:  # told to whoever waits
        raised.append(error)


def _told(talk: _Talk, raised: BaseException, *, changes: bool) -> Exception:
    """Why nothing came, in words; what nobody foresaw rises as it is."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED, PARSE_ERROR
    from pydantic import ValidationError

    name, found = talk.way.name, list(_all_of(raised))
    known = next((one for one in found if isinstance(one, CallFault)), None)
    if known is not None:
        return known
    if why := talk.line.why or next((str(one) for one in found if isinstance(one, Ended)), ""):
        return _fault(talk, why, changes=changes)
    if any(isinstance(one, TimeoutError) for one in found):
        return _fault(talk, f"it gave no whole answer within {talk.way.seconds:g} seconds", changes=changes)
    for one in found:
        if isinstance(one, MCPError) and one.code == CONNECTION_CLOSED:
            return _fault(talk, "it hung up before its answer was whole", changes=changes)
        if isinstance(one, MCPError) and one.code == PARSE_ERROR:
            return _fault(talk, NO_ANSWER, changes=changes)
        if isinstance(one, MCPError):
            return _fault(talk, _in_words(talk, one), changes=changes)
        if isinstance(one, ValidationError | RuntimeError | ValueError):
            return _fault(talk, NO_ANSWER, changes=changes)
        if isinstance(one, OSError):
            return _fault(talk, f"it cannot be reached ({type(one).__name__})", changes=changes)
    return raised if isinstance(raised, Exception) else RuntimeError(f"{name} ended with {type(raised).__name__}")


def _in_words(talk: _Talk, fault: Any) -> str:
    from automations.outside import cleaning

    return f"it says '{cleaning.line(talk.way.sentence(str(fault)), 200)}'" if str(fault).strip() else "it says no more than that it failed"


def _fault(talk: _Talk, why: str, *, changes: bool) -> CallFault:
    if talk.sent and changes:
        return CallFault(f"Whether {talk.way.name} did it is not known: {why}. {CHECK}", outcome_unknown=True)
    return CallFault(f"Nothing was learned from {talk.way.name}: {why}. Try again in a minute, or hand over to a person.")


def _all_of(raised: BaseException) -> Iterator[BaseException]:
    """Each fault of those that happened side by side."""
    if isinstance(raised, BaseExceptionGroup):
        for one in raised.exceptions:
            yield from _all_of(one)
    else:
        yield raised
