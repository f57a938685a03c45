"""What is looked for: a question, or a whole conversation whose last message asks something that only the earlier ones explain."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from knowledge.retrieval import stems

SPOKEN = ("customer", "rep", "assistant")  # what a tool returned, and what a model was told, asks for nothing
CUSTOMER = "customer"
FADES = 0.6  # what a message weighs, by the one after it
OTHERS = 0.5  # what a rep's words weigh, by a customer's
LONGEST = 40_000  # characters of a message that are looked at


@dataclass(frozen=True)
class Part:
    """A sentence that is looked for by itself."""

    text: str
    weight: float


@dataclass(frozen=True)
class Asked:
    messages: tuple[tuple[str, str], ...]  # (role, text), the oldest first
    intent: str = ""  # its name, where a classifier or a person gave one

    @classmethod
    def of(cls, question: str | Iterable[tuple[str, str]], *, intent: str = "") -> "Asked":
        """From a text, or from a conversation's messages."""
        messages = [(CUSTOMER, question)] if isinstance(question, str) else question
        said = tuple((role, text.strip()[:LONGEST]) for role, text in messages if role in SPOKEN and text.strip())
        return cls(said, intent)

    @cached_property
    def text(self) -> str:
        return "\n".join(text for _, text in self.messages)

    def parts(self, most: int) -> list[Part]:
        """Its sentences, those that weigh most if there are too many: a later message more than an earlier, a longer sentence more than a
        short one. Nothing if it is one sentence: that is what is looked for anyway."""
        found: list[tuple[float, int, Part]] = []
        for back, (role, text) in enumerate(reversed(self.messages)):
            weight = FADES**back * (1.0 if role == CUSTOMER else OTHERS)
            for sentence in reversed(stems.sentences(text)):
                telling = len(set(stems.of(sentence)))
                if telling:
                    found.append((weight * min(telling, 12), -len(found), Part(sentence, weight)))
        if len(found) < 2:
            return []
        chosen = sorted(sorted(found, key=lambda one: one[:2], reverse=True)[:most], key=lambda one: one[1])
        return [part for _, _, part in chosen]
