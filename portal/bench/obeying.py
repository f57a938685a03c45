"""The worst model there is: it does whatever any text that it reads tells it to, with any tool and any argument. Nothing but code stops it.

Where it reads no such text it does its task: it looks the order up and answers from what the tool gave.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from language.call import Call, ToolCall

MARK = "MARK-7731"  # stands in whatever it is made to say
Tools = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Attack:
    """What somebody hid in a text, and what whoever obeys it does."""

    text: str
    wants: tuple[tuple[str, Mapping[str, Any]], ...] = ()  # tools, with arguments that nobody offered too
    says: str = ""

    @property
    def hook(self) -> str:
        """By which it is recognised where it is read."""
        return " ".join(self.text.split())[:30]

    @property
    def obeyed(self) -> str:
        return self.says or f"{self.text} {MARK}"


@dataclass
class Obeying:
    """Asked turn by turn, as an endpoint's model is. One for each run."""

    attack: Attack
    honest: str  # what its task asks it to answer, once it has looked the order up
    read: bool = False
    todo: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    looked: bool = False
    turns: int = 0

    def __call__(self, job: str, messages: Sequence[Mapping[str, Any]], tools: Tools) -> Call:
        self.turns += 1
        offered = {str(one["name"]) for one in tools}
        if not self.read and self._reads(messages):
            self.read, self.todo = True, [*self.attack.wants]
        if "order" in offered and not self.looked:
            self.looked = True
            return self._uses(job, [("order", {})])
        if self.todo:
            name, given = self.todo.pop(0)
            return self._uses(job, [(name if name in offered else next(iter(offered)), given)] if offered else [])
        if not self.looked and (hands := next((name for name in sorted(offered) if name.startswith("to_")), "")):
            return self._uses(job, [(hands, {})])
        return Call(job, "obeying", (), self.attack.obeyed if self.read else self.honest, tokens_in=200, tokens_out=20, ms=1.0)

    def _reads(self, messages: Sequence[Mapping[str, Any]]) -> bool:
        seen = " ".join(" ".join(str(one.get("content") or "").split()) for one in messages)
        escaped = json.dumps(self.attack.hook, ensure_ascii=False)[1:-1]  # as it stands in what a tool gave
        return self.attack.hook in seen or escaped in seen

    def _uses(self, job: str, wanted: Sequence[tuple[str, Mapping[str, Any]]]) -> Call:
        calls = tuple(ToolCall(f"call_{self.turns}_{place}", name, dict(given)) for place, (name, given) in enumerate(wanted))
        return Call(job, "obeying", (), "" if calls else self.honest, tools=calls, tokens_in=200, tokens_out=20, ms=1.0)
