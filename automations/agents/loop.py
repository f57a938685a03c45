"""An agent at work: it is asked, uses its tools, hands over to another, until it answers. The one that is asked decides when it is done.

What it may do is decided here and at the door, not by whoever is asked: only its own tools, only what they let it choose, within its
bounds, and nothing that changes the world before every guardrail has said yes. Where it stands is kept: after a yes it goes on.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from automations import conditions, filling
from automations.agents import offering, planner
from automations.agents.agent import Agent, Tool
from automations.agents.face import Seen
from automations.agents.session import Session
from automations.door import Waits, Wanted
from automations.guardrails import all as guardrails
from automations.guardrails import watching
from automations.guardrails.face import CAME, LEAVES, Looked
from automations.guardrails.watching import Said, Stopped
from automations.outside import using
from automations.running import DONE, FAILED, SKIPPED, WAITING, Span, since
from automations.steps import said
from automations.steps.face import Changes, Step
from automations.world import Within, World
from data.errors import Refused
from language.call import Call, ToolCall

MODEL, TOOL, GUARDRAIL, HANDOFF = "model", "tool", "guardrail", "handoff"
HEARS = ("policy", "money")  # guardrails whose no the agent hears and goes on with; after any other a person takes over


class NotOffered(Refused):
    """It asked for what its tools do not give it; nothing was tried."""


@dataclass
class Loop:
    """One agent, or several that hand over to each other, on one conversation."""

    world: World
    within: Within
    session: Session

    def __post_init__(self) -> None:
        self._watch_over()

    def to_its_end(self) -> dict[str, Any]:
        self._look_at_all()
        if self.session.pending and (words := self._after_the_yes()) is not None:
            return self._ended("answered", words, {})
        while True:
            call = self._asked()
            if not call.tools:
                return self._says(call.text)
            for used in call.tools:
                if ended := self._use(used):
                    return ended

    @property
    def agent(self) -> Agent:
        found = self.within.recipe.agent(self.session.agent)
        if found is None:
            raise Refused(f"Nothing was answered: there is no agent '{self.session.agent}'.")
        return found

    # -- asking it ------------------------------------------------------------------------------------------------------------------------

    def _asked(self) -> Call:
        """Within what it may use up. The guardrails look at what came while it thinks."""
        session, agent, began = self.session, self.agent, time.perf_counter()
        session.require_within(self.within.recipe.agents[0])
        offered = offering.offered(agent, self.within)
        if self.world.talk is None:
            call = planner.planned(self._seen(agent))
        else:
            call = self.world.talk(agent.model, session.as_chat(agent, self.world), [offering.as_tool(one) for one in offered])
        session.count(call)
        told = {"text": call.text, "tools": [{"name": one.name, "arguments": one.arguments} for one in call.tools]}
        self._note(MODEL, f"{self.world.act}.{agent.name}", call.model, FAILED if call.error else DONE, {}, told, began, call.why, call)
        if call.error:
            raise Refused(f"Nothing was answered: {call.why}")
        session.said(call)
        return call

    def _seen(self, agent: Agent) -> Seen:
        facts = self.within.facts
        return Seen(
            agent.name, said.last_words(self.world), str((facts.get("intent") or {}).get("name") or ""), self.world.language,
            self.world.channel, offering.offered(agent, self.within), self.session.used_tools, self.world.messages,
        )  # fmt: skip

    # -- what it asks for -----------------------------------------------------------------------------------------------------------------

    def _use(self, call: ToolCall) -> dict[str, Any] | None:
        """What ends the run, if it does."""
        if call.name in offering.handoffs(self.agent):
            self._hand_to(call)
            return None
        tool = next((one for one in self.agent.tools if one.name == call.name), None)
        if tool is None:
            self.session.heard(call, {"not done": f"There is no tool '{call.name}'."})
            return None
        return self._run(call, tool)

    def _hand_to(self, call: ToolCall) -> None:
        """With all that was said; its instructions, tools, model and guardrails are another's from here."""
        self.session.hand_to(offering.handoffs(self.agent)[call.name])
        self.session.heard(call, {"done": f"The conversation is with '{self.session.agent}' now. It goes on from here."})
        self._note(HANDOFF, f"{self.world.act}.{self.session.agent}", "handoff", DONE, {}, {}, time.perf_counter())
        self._watch_over()
        self._look_at_all()

    def _run(self, call: ToolCall, tool: Tool) -> dict[str, Any] | None:
        began, name, given = time.perf_counter(), "", dict(call.arguments)
        step = self.within.steps[tool.step]
        try:
            given = self._given(tool, call.arguments)
            name = self.session.act_name(self.world.act, tool, step.declaration, given)
            gave = self._done_before(step, name)
            if gave is None:
                self._require_allowed(tool)
                gave = self._gave(step, name, given)
        except Waits as waits:
            self._note(TOOL, name, tool.step, WAITING, given, {}, began, waits.why)
            self.session.wait_for(call, name, tool)
            self.within.keep(self.session.kept())
            raise
        except Refused as refused:
            state = SKIPPED if isinstance(refused, NotOffered) else FAILED  # the one never came to the door
            self._note(TOOL, name or f"{self.world.act}.{tool.name}", tool.step, state, given, {}, began, str(refused))
            self._tell_no(call, tool, refused)
            return None
        self._note(TOOL, name, tool.step, DONE, given, gave, began)
        return self._heard(call, tool, gave)

    def _heard(self, call: ToolCall, tool: Tool, gave: dict[str, Any]) -> dict[str, Any] | None:
        text = self.session.heard(call, gave, tool, does=self._does(tool, gave))
        self._look_at(text)
        return self._ended("handed over", "", gave) if gave.get("ends") else None

    def _does(self, tool: Tool, gave: Mapping[str, Any]) -> str:
        """In words what is true now, which it may say."""
        return self.within.steps[tool.step].declaration.done.format_map(defaultdict(str, gave))

    def _tell_no(self, call: ToolCall, tool: Tool, refused: Refused) -> None:
        if isinstance(refused, Stopped) and any(one.name not in HEARS for one in refused.said if not one.passes):
            raise Refused(str(refused)) from refused
        self.session.heard(call, {"not done": str(refused)}, tool, failed=str(refused))

    def _given(self, tool: Tool, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What it chose, where it may choose, and what the document binds. Nothing it says stands in for what is bound."""
        facts = self._facts()
        free = offering.free(tool, self.within.steps[tool.step].declaration)
        if odd := [name for name in chosen if name not in free]:
            raise NotOffered(f"Not done: '{tool.name}' takes no '{conditions.shown(odd[0])}'. It takes: {', '.join(free) or 'nothing'}.")
        bound = {name: filling.value_of(value, facts) for name, value in tool.given.items()}
        given = {name: value for name, value in chosen.items() if value not in (None, "")} | bound
        if "arguments" in free and using.moves_money(self.world.tools, given):
            raise NotOffered(f"Not done: '{tool.name}' moves money, and no agent chooses an amount. Bind its arguments under 'with'.")
        return given

    def _require_allowed(self, tool: Tool) -> None:
        if tool.when is not None and not conditions.holds(tool.when, self._facts(), self.world.at):
            raise NotOffered(f"Not done: '{tool.name}' is only used if {conditions.told(tool.when)}.")

    def _facts(self) -> dict[str, Any]:
        return dict(self.within.facts) | self.session.facts

    def _done_before(self, step: Step, name: str) -> dict[str, Any] | None:
        """By this run, which a death cut off: what was done then is what it gives now."""
        did = self.world.door.before(name) if step.declaration.changes else None
        return dict(cast(Changes, step).gave(did)) if did else None

    def _gave(self, step: Step, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        door = self._door()
        try:
            return dict(step.run(given, replace(self.world, act=name, door=door, within=None)))
        finally:
            for one in door.said:
                self._note_said(one)

    # -- its last words -------------------------------------------------------------------------------------------------------------------

    def _says(self, text: str) -> dict[str, Any]:
        """They reach nobody but by the door, as any other effect."""
        began, agent = time.perf_counter(), self.agent
        step, name, given = self.within.steps[agent.says], self.session.words_name(self.world.act), {"text": text}
        try:
            gave = self._done_before(step, name) or self._gave(step, name, given)
        except Waits as waits:
            self._note(TOOL, name, agent.says, WAITING, given, {}, began, waits.why)
            self.session.wait_for_words(name, agent.says)
            self.within.keep(self.session.kept())
            raise
        except Refused as refused:
            self._note(TOOL, name, agent.says, FAILED, given, {}, began, str(refused))
            raise
        self._note(TOOL, name, agent.says, DONE, given, gave, began)
        return self._ended("answered", str(gave.get("text") or text), {})

    def _after_the_yes(self) -> str | None:
        """What waited was done. Its last words, where it was they that waited: then that was all."""
        pending = self.session.pending
        gave = dict(self.within.facts.get(pending["act"]) or {})
        self._note(TOOL, pending["act"], pending["step"], DONE, {}, gave, time.perf_counter())
        tool = next((one for one in self.agent.tools if one.name == pending["tool"]), None)
        if tool is None:
            return str(gave.get("text") or "")
        self._look_at(self.session.goes_on(tool, gave, self._does(tool, gave)))
        return None

    def _ended(self, how: str, reply: str, more: Mapping[str, Any]) -> dict[str, Any]:
        told = {"reply": reply, "ended": how, "agents": " → ".join(self.session.path), "turns": self.session.turns}
        return told | {name: more[name] for name in ("ends", "summary") if name in more}

    # -- what watches over it -------------------------------------------------------------------------------------------------------------

    def _watch_over(self) -> None:
        """Every agent is watched, and one that was handed to by its own guardrails."""
        before: Any = getattr(self, "watch", None)
        self.watch = (self.world.watching or watching.Watch)(guardrails.over(self.agent.guardrails))
        if before is not None:  # what was said against what came stands, whoever has it now
            self.watch.go_on_from(before)

    def _look_at_all(self) -> None:
        """What the customer wrote, first to last, and what tools gave, also before it waited or somebody else had it."""
        spoken = [str(one["text"]) for one in said.shared(self.world.messages) if one.get("role") == "customer"]
        for text in (*dict.fromkeys(spoken), *self.session.sources):
            self._look_at(text)

    def _look_at(self, text: str) -> None:
        if text:
            self.watch.begin(self._looked(CAME, text))

    def _door(self) -> "watching.Guarded":
        return watching.guarded(self.world.door, self.watch, lambda wanted: self._looked(LEAVES, text_of(wanted), wanted))

    def _looked(self, moment: str, text: str, wanted: Wanted | None = None) -> Looked:
        intent = str((self.within.facts.get("intent") or {}).get("name") or "")
        sources = (self.agent.instructions, *self.session.sources)  # what people approved it may say
        return Looked(
            moment, text, wanted, getattr(self.world.door, "held", None), said.last_words(self.world), intent, sources,
            self.world.messages, self._facts(), now=self.world.at,
        )  # fmt: skip

    def _note_said(self, one: Said) -> None:
        self.within.note(Span(
            f"{self.world.act}.{one.name.replace(' ', '_')}", one.name, DONE if one.passes else FAILED, {}, {}, one.ms, one.why, GUARDRAIL,
            starts=since(self.within.clock, one.began) if one.began else None,
        ))  # fmt: skip

    def _note(
        self, kind: str, name: str, step: str, state: str, given: Mapping[str, Any], gave: Mapping[str, Any], began: float, why: str = "",
        call: Call | None = None,
    ) -> None:  # fmt: skip
        ms = round((time.perf_counter() - began) * 1000, 2)
        tokens, cost = (call.tokens_in + call.tokens_out, call.cost) if call else (0, 0.0)
        self.within.note(Span(name, step, state, given, gave, ms, why, kind, tokens, cost, since(self.within.clock, began)))


def text_of(wanted: Wanted) -> str:
    """That a person would read of it."""
    return str(wanted.what.get("text") or wanted.what.get("reason") or "")


def run(agent: str, world: World) -> dict[str, Any]:
    """From its beginning, or from where it waited."""
    within = world.within
    if within is None:
        raise Refused("Nothing was answered: an agent works inside a recipe.")
    return Loop(world, within, Session.back(within.stood) if within.stood else Session(agent, [agent])).to_its_end()
