"""What is asked of a model, and what came of it: the line to an endpoint, one call, and the words for its faults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

# what every reader of URLs reads alike: nothing that one takes for the host and another for a name
URL = re.compile(r"https?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%/\-]*)?")
JOBS = ("triage", "conversation", "accuracy")  # small and fast; large; where being right matters more than being fast
KINDS = {  # of faults, in the words of a screen
    "down": "The model endpoint does not answer",
    "slow": "The model took too long",
    "busy": "The model endpoint is busy",
    "refused_key": "The model endpoint refuses the key",
    "refused": "The model endpoint refuses the request",
    "bad_answer": "The model's answer cannot be used",
}


@dataclass(frozen=True)
class Line:
    """An endpoint and how it may be used. URL and key are one value: a key is never sent to another URL than its own."""

    url: str  # such as https://api.openai.com/v1
    key: str = field(repr=False)  # empty where the server asks for none
    models: Mapping[str, str]  # job -> model
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # model -> money per million tokens, in and out
    timeout: float = 60.0  # seconds for a call, its tries and pauses included
    at_once: int = 4  # calls of one process
    tries: int = 4  # the first one and up to three more
    pause: float = 0.5  # seconds before the second try; doubled for each more, a quarter more or less
    failures: int = 5  # calls in a row that fail until it is left alone ...
    rest: float = 30.0  # ... for so many seconds

    def __post_init__(self) -> None:
        if not URL.fullmatch(self.url):
            raise ValueError("The endpoint's URL reads like https://host/v1 or https://host:port/v1, without a name, a password, ? or #.")
        if not self.key.isascii() or not (self.key + "x").isprintable() or " " in self.key:
            raise ValueError("The endpoint's key holds signs that no key has, such as a space or a line's end.")
        if self.timeout <= 0 or self.at_once < 1 or not 1 <= self.tries <= 4:
            raise ValueError("A call has a time above 0, at least one goes out at once, and it has one to four tries.")

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def model(self, job: str) -> str:
        """The job's model; where only one is named, that one does every job."""
        if found := self.models.get(job):
            return found
        if job in JOBS and len(set(self.models.values())) == 1:
            return next(iter(self.models.values()))
        raise KeyError(f"no model is named for the job '{job}'")

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> float:
        price_in, price_out = self.prices.get(model, (0.0, 0.0))
        return (tokens_in * price_in + tokens_out * price_out) / 1_000_000


@dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """What came of asking once. The endpoint's faults stand in `error`; nothing was done with the answer yet."""

    job: str
    model: str
    messages: tuple[dict[str, Any], ...]  # as they left, redacted
    text: str = ""
    parsed: Any = None  # with a schema: the pydantic object, or what fits the JSON schema
    tools: tuple[ToolCall, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    ms: float = 0.0
    tries: int = 0  # requests that left
    error: str = ""  # one of KINDS; empty: it worked
    why: str = ""  # a sentence for people

    @property
    def ok(self) -> bool:
        return not self.error


class NoAnswer(Exception):
    """The endpoint gave none; a sentence for people."""


@dataclass
class Fault(Exception):
    """Inside the endpoint alone: one request that came to nothing."""

    kind: str
    why: str
    again: bool = False  # whether the same request may work in a moment
    wait: float | None = None  # seconds the server asked for
    status: int | None = None

    @property
    def sentence(self) -> str:
        return f"{KINDS[self.kind]}: {self.why}."
