"""What the outside said to a run, word by word: listened to while it runs, played when the same run is done again with nobody asked.

Whatever a step can learn comes through its world: the shop, the articles, the classifier, the model, other programs, the door. Each answer
is noted in the order in which it came, refusals too. Nothing is noted of what was asked: the run done again asks it once more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from automations.connectors.asking import Connection, Connections
from automations.conversing import Case, Connected
from automations.door import Did, Door, Faked, Held, Waits, Wanted
from automations.guardrails.face import CAME, Looked
from automations.guardrails.watching import Said, Watch
from automations.outside import using
from automations.outside.using import Source, Tools
from automations.running import Steps, Told
from automations.shop.client import Shop, ShopFault
from automations.steps import calling
from automations.steps.calling import CallFault
from automations.steps.face import Changes, Declaration, Step
from automations.world import World
from data.errors import Refused
from language.call import Call, NoAnswer

DOOR, BEFORE, ANSWER, CLASSIFY, ASK = "the door", "what was done before", "the articles", "the classifier", "the model"
TALK, WATCH = "the agent's model", "the guardrails"
SHOP, SERVICE, TOOL = "the shop", "another program", "a tool from outside"
NOWHERE = "http://127.0.0.1:9"  # of the shop that is only played: nothing is sent there
Gave = TypeVar("Gave")


def frozen(case: Case, connected: Connected, at: datetime) -> dict[str, Any]:
    """What a run begins with, as JSON keeps it."""
    one = case.conversation
    there = {
        SHOP: connected.shop, ANSWER: connected.answer, CLASSIFY: connected.classify, ASK: connected.ask, TALK: connected.talk,
    }  # fmt: skip
    return {
        "facts": case.facts(), "at": at.isoformat(), "customer": one.customer_id, "conversation_id": one.id, "channel": one.channel,
        "language": case.language, "messages": [dict(message) for message in case.messages],
        "has": sorted(name for name, found in there.items() if found is not None), "addresses": sorted(connected.addresses),
    }  # fmt: skip


# -- listening ----------------------------------------------------------------------------------------------------------------------------


@dataclass
class Tape:
    """Of one stretch of a run: from where it begins, or goes on, to its end, or to where it waits."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    act: str = ""  # that is under way

    def around(self, world: World) -> World:
        """The same world, listened to."""
        shop = _HeardShop(world.shop.url, world.shop.token, world.shop.seconds, self) if world.shop else None
        return replace(
            world, door=_HeardDoor(world.door, self), shop=shop,
            services={name: self._service(one) for name, one in world.services.items()},
            tools={name: self._tool(one) for name, one in world.tools.items()},
            answer=_if(world.answer, lambda ask: lambda messages: self.hear(ANSWER, lambda: ask(messages), _answer)),
            classify=_if(world.classify, lambda ask: lambda text: self.hear(CLASSIFY, lambda: ask(text), list)),
            ask=_if(world.ask, lambda ask: lambda messages, schema: self.hear(ASK, lambda: ask(messages, schema), _call)),
            talk=_if(world.talk, lambda talk: lambda job, messages, tools: self.hear(TALK, lambda: talk(job, messages, tools), _call)),
            watching=lambda chosen: _HeardWatch(watch=(world.watching or Watch)(chosen), tape=self),
        )  # fmt: skip

    def steps(self, steps: Steps) -> Steps:
        """The same steps; which of them is under way is known."""
        return {name: _Heard(step.declaration, step, self) for name, step in steps.items()}

    def over(self, told: Told, began: Mapping[str, Any]) -> Told:
        """With what the stretch began with and what it heard, as it is kept."""
        return replace(told, taped={**began, "heard": self.heard, "came_to": told.state})

    def hear(self, of: str, ask: Callable[[], Gave], kept: Callable[[Gave], Any], **more: Any) -> Gave:
        note: dict[str, Any] = {"of": of, "act": self.act, **more}
        try:
            gave = ask()
        except Waits as waits:
            self.heard.append(note | {"waits": waits.why})
            raise
        except (Refused, NoAnswer) as fault:
            self.heard.append(note | {"fault": _fault(fault)})
            raise
        self.heard.append(note | {"gave": kept(gave)})
        return gave

    def _service(self, one: Connection) -> Connection:
        def send(*args: Any, **more: Any) -> calling.Called:
            return self.hear(SERVICE, lambda: one.send(*args, **more), lambda came: _came(one, came))

        return replace(one, send=send)

    def _tool(self, one: Source) -> Source:
        def send(*args: Any, **more: Any) -> calling.Called:
            return self.hear(TOOL, lambda: one.send(*args, **more), lambda made: using.came(one, made))

        return replace(one, send=send)


def _if(there: Gave | None, made: Callable[[Gave], Gave]) -> Gave | None:
    return None if there is None else made(there)


def _answer(answer: Any) -> Any:
    """Of an answer from articles what a step takes from it."""
    if not isinstance(answer, Mapping):
        return None
    told = {name: answer[name] for name in ("reply", "declined", "confidence") if name in answer}
    sources = answer.get("sources")
    titles = [{"title": str(one.get("title") or one.get("article") or "")} for one in sources or () if isinstance(one, Mapping)]
    return told | {"sources": titles if isinstance(sources, list | tuple) else None}


def _call(call: Call) -> Any:
    return adapter(Call).dump_python(replace(call, messages=()), mode="json")


def _came(through: Connection, came: calling.Called) -> dict[str, Any]:
    """Rid of the credential, where the other side repeated it."""
    return {"ref": "", "status": came.status, "body": through.without_secret(came.body)}


def _fault(fault: Exception) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": type(fault).__name__, "why": str(fault)}
    return told | {name: value for name in ("status", "outcome_unknown") if (value := getattr(fault, name, None)) is not None}


@cache
def adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


@dataclass
class _Watched:
    """As Watch is asked; what was said against what came stands until the run ends."""

    against: list[Said] = field(default_factory=list)

    def begin(self, at: Looked) -> None:
        raise NotImplementedError

    def go_on_from(self, other: Any) -> None:
        self.against += other.against

    def _verdicts(self) -> list[Said]:
        raise NotImplementedError

    def verdicts(self) -> list[Said]:
        said = self._verdicts()
        self.against += [one for one in said if one.moment == CAME and not one.passes]
        return said

    def let_through(self, at: Looked) -> list[Said]:
        self.begin(at)
        return self.verdicts()


@dataclass
class _HeardWatch(_Watched):
    """What guardrails said is kept where it is waited for: they look beside the run, in no order."""

    watch: Any = None
    tape: Any = None

    def begin(self, at: Looked) -> None:
        self.watch.begin(at)

    def go_on_from(self, other: Any) -> None:
        self.watch.go_on_from(other.watch)
        super().go_on_from(other)

    def _verdicts(self) -> list[Said]:
        return list(self.tape.hear(WATCH, self.watch.verdicts, adapter(list[Said]).dump_python))


@dataclass(frozen=True)
class _HeardShop(Shop):
    tape: Any = None

    def _look(self, shape: Any, what: str, path: str, named: str, pattern: str | None, onward: str = "", **asked: Any) -> Any:
        ask = partial(super()._look, shape, what, path, named, pattern, onward, **asked)
        return self.tape.hear(SHOP, ask, lambda found: adapter(shape).dump_python(found, mode="json"))


@dataclass
class _HeardDoor:
    door: Door
    tape: Tape

    @property
    def held(self) -> Held | None:
        """What was moved so far: guardrails look at it."""
        return getattr(self.door, "held", None)

    def act(self, wanted: Wanted) -> Did:
        return self.tape.hear(DOOR, lambda: self.door.act(wanted), _answered, told=wanted.told, what=dict(wanted.what))

    def before(self, name: str) -> Did | None:
        """Only what was done before is worth a note."""
        many, self.tape.act = len(self.tape.heard), name
        did = self.tape.hear(BEFORE, lambda: self.door.before(name), lambda did: kept_did(did) if did else None)
        if did is None:
            del self.tape.heard[many:]
        return did


@dataclass
class _Heard:
    declaration: Declaration
    step: Step
    tape: Tape

    def run(self, given: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
        self.tape.act = context.act
        return self.step.run(given, context)

    def gave(self, did: Any) -> Mapping[str, Any]:
        return cast(Changes, self.step).gave(did)


def kept_did(did: Did) -> dict[str, Any]:
    """What was done, whole: of an act that is not asked for again."""
    wanted = did.wanted
    return _answered(did) | {
        "name": wanted.name, "step": wanted.step, "kind": wanted.kind, "what": dict(wanted.what), "told": wanted.told,
        "amount": None if wanted.amount is None else f"{wanted.amount:f}", "currency": wanted.currency,
    }  # fmt: skip


def _answered(did: Did) -> dict[str, Any]:
    more = {"status": did.status, "body": did.body} if isinstance(did, calling.Called) else {}
    return {"state": did.state, "ref": did.ref, **more}


def did_of(kept: Mapping[str, Any], wanted: Wanted | None = None) -> Did:
    """`wanted`: what the run done again asks for; else what was asked for then."""
    made = wanted or _wanted(kept)
    if "status" in kept:
        return calling.Called(made, kept["state"], kept["ref"], kept["status"], kept["body"])
    return Did(made, kept["state"], kept["ref"])


def _wanted(kept: Mapping[str, Any]) -> Wanted:
    amount = Decimal(kept["amount"]) if kept["amount"] is not None else None
    return Wanted(kept["name"], kept["step"], kept["kind"], kept["what"], kept["told"], amount, kept["currency"])


# -- playing ------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Played:
    """What was heard then is said again, in the same order. Whoever asks for something else learns that it was not asked for then."""

    heard: Sequence[Mapping[str, Any]]
    place: int = 0

    def next(self, of: str) -> Any:
        note = self._here(of)
        if note is None:
            raise Refused(f"Done again, it asks {of} for something that it did not ask for then.")
        self.place += 1
        if "fault" in note:
            raise _as_it_was(note["fault"])
        return note["gave"]

    def peek(self, of: str) -> Mapping[str, Any] | None:
        return self._here(of)

    def _here(self, of: str) -> Mapping[str, Any] | None:
        note = self.heard[self.place] if self.place < len(self.heard) else None
        return note if note is not None and note["of"] == of else None

    def world(self, began: Mapping[str, Any], door: Door, services: Connections, tools: Tools) -> World:
        """As the stretch found it."""
        has = set(began["has"])
        return World(
            door, datetime.fromisoformat(began["at"]), began["customer"], began["conversation_id"], began["channel"], began["language"],
            began["messages"], shop=_PlayedShop(NOWHERE, "", played=self) if SHOP in has else None,
            answer=(lambda messages: self.next(ANSWER)) if ANSWER in has else None,
            classify=(lambda text: _pair(self.next(CLASSIFY))) if CLASSIFY in has else None,
            ask=(lambda messages, schema: adapter(Call).validate_python(self.next(ASK))) if ASK in has else None,
            talk=(lambda job, messages, tools: adapter(Call).validate_python(self.next(TALK))) if TALK in has else None,
            watching=lambda chosen: _PlayedWatch(played=self),
            addresses=frozenset(began["addresses"]), services={name: self._service(one) for name, one in services.items()},
            tools={name: using.played(one, lambda: self.next(TOOL)) for name, one in tools.items()},
        )  # fmt: skip

    def _service(self, one: Connection) -> Connection:
        """As it is connected now, without its credential: nothing is sent."""

        def send(wanted: Wanted, *_: Any, **__: Any) -> calling.Called:
            came = self.next(SERVICE)
            return calling.Called(wanted, "done", "", came["status"], came["body"])

        return replace(one, header="", secret="", send=send)


@dataclass
class _PlayedWatch(_Watched):
    played: Any = None

    def begin(self, at: Looked) -> None:
        """What was said then counts."""

    def _verdicts(self) -> list[Said]:
        """When each began was told by the clock of then."""
        return [replace(one, began=0.0) for one in adapter(list[Said]).validate_python(self.played.next(WATCH))]


def _pair(said: Sequence[Any]) -> Any:
    return tuple(said)


def _as_it_was(fault: Mapping[str, Any]) -> Exception:
    why = str(fault["why"])
    if fault["kind"] == NoAnswer.__name__:
        return NoAnswer(why)
    if fault["kind"] == ShopFault.__name__:
        return ShopFault(why, status=fault.get("status"), outcome_unknown=bool(fault.get("outcome_unknown")))
    if fault["kind"] == CallFault.__name__:
        return CallFault(why, outcome_unknown=bool(fault.get("outcome_unknown")))
    return Refused(why)


@dataclass(frozen=True)
class _PlayedShop(Shop):
    played: Any = None

    def _look(self, shape: Any, what: str, path: str, named: str, pattern: str | None, onward: str = "", **asked: Any) -> Any:
        return adapter(shape).validate_json(adapter(Any).dump_json(self.played.next(SHOP)))


class PlayedDoor(Faked):
    """Nothing leaves: the door says what it said then, and what is asked for stands beside what was asked for then."""

    def __init__(self, held: Held) -> None:
        super().__init__(held)
        self.played = Played(())
        self.wanted: list[tuple[Wanted, Mapping[str, Any]]] = []  # with its note of then

    def before(self, name: str) -> Did | None:
        note = self.played.peek(BEFORE)
        if note is None or note["act"] != name:
            return None
        return self.held.count(did_of(self._said(BEFORE, note, Wanted(name, "", "", {}, ""))))

    def act(self, wanted: Wanted) -> Did:
        note = self.played.peek(DOOR)
        self.wanted.append((wanted, note or {}))
        did = did_of(self._said(DOOR, note, wanted), wanted)
        self.held.require_within(wanted)
        return self.held.count(did)

    def _said(self, of: str, note: Mapping[str, Any] | None, wanted: Wanted) -> Any:
        if note is not None and "waits" in note:
            self.played.place += 1
            raise Waits(wanted, str(note["waits"]))
        return self.played.next(of)
