"""What is personal in one conversation: replaced by numbered placeholders, and sealed for as long as somebody may have to look."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from data import config, people, sealing
from data.intake.canonical import CanonicalConversation
from data.tables import Seal
from data.values import new_id
from language import redact

SEALED_FOR = timedelta(days=30)
SHORT = 60  # letters of a text that is remembered
AS_SAID = ("name", "address", "url", "secret")
SHORTEST_NAME = 3  # letters
SEALED = "seal"  # the purpose under which originals are sealed


def names_of(conversation: CanonicalConversation) -> tuple[str, ...]:
    """What the source calls the customer: redacted wherever it stands. A key such as a number is no name."""
    key = conversation.customer or ""
    is_name = "@" in key or (any(letter.isalpha() for letter in key) and not any(letter.isdigit() for letter in key))
    return tuple(dict.fromkeys([*conversation.customer_names, *([key] if is_name else [])]))


TELLING = re.compile(r"[^\w./:#-]")  # a help desk's own key holds no other signs; an address and a number to be called do


def key_of(said: str) -> str:
    """A source's id as it is kept: where it says who somebody is, a key that tells nobody."""
    return f"#{sealing.hmac_of(said, 'id')[:40]}" if TELLING.search(said) and redact.find(said) else said


@lru_cache(maxsize=20_000)
def _nothing_in(text: str) -> bool:
    """Remembered of short texts: fields' names, tags and 'Thank you' come again and again."""
    return not redact.find(text)


class Cleaner:
    """Replaces what is personal in one conversation's texts. The same value keeps its number, also in what is added later."""

    def __init__(self, conversation_id: str, at: datetime, *, names: Sequence[str] = (), known: Sequence[Seal] = ()) -> None:
        self.conversation_id, self.at, self.names = conversation_id, at, tuple(names)
        self.raw = ""  # the text that is being looked at
        self.keep = config.settings().company_names
        self.parts = [part for name in self.names for part in re.split(r"[\W_]+", name.casefold()) if part]
        self.numbers = {(seal.kind, seal.value_hmac): seal.number for seal in known}
        self.given = Counter(seal.kind for seal in known)  # numbers given, by kind
        self.seals: list[dict[str, Any]] = []  # to be written
        self.found: Counter[str] = Counter()  # replaced, by kind

    def text(self, raw: str) -> str:
        raw = raw.replace("\0", "")  # first: it could part a card's digits
        if len(raw) <= SHORT and _nothing_in(raw) and not self._calls(raw):
            return raw
        self.raw = raw
        clean, findings = redact.redact(raw, self._number, known=self.names, keep=self.keep)
        if findings:
            self.found.update(finding.kind for finding in findings)
        return clean

    def _calls(self, raw: str) -> bool:
        """Whether a part of what the customer is called may stand in it."""
        low = raw.casefold()
        return any(part in low for part in self.parts)

    def staff(self, raw: str) -> str:
        """Who answered: a colleague's name stays readable, whatever else is personal in it does not; their address becomes their name."""
        if redact.EMAIL.fullmatch(raw.strip()) and (colleague := people.by_email(raw)):
            return colleague.name
        self.raw = raw
        found = [finding for finding in redact.find(raw) if finding.kind not in ("name", "address")]
        self.found.update(finding.kind for finding in found)
        for finding in reversed(found):
            raw = raw[: finding.start] + redact.placeholder(finding.kind, self._number(finding)) + raw[finding.end :]
        return raw

    def anything(self, value: Any) -> Any:
        """The same inside lists and objects: extra fields and tool results are stored too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.anything(part) for part in value]
        if isinstance(value, dict):
            return {self.text(str(name)): self.anything(part) for name, part in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 10**12 and value == int(value):
            digits = str(abs(int(value)))  # a card number written as a number
            clean = self.text(digits)
            return clean if clean != digits else value
        return value

    def _as_said(self, finding: redact.Finding) -> str:
        """A name or an address as it was written; what is a number without its gaps."""
        return self.raw[finding.start : finding.end] if finding.kind in AS_SAID else finding.value

    def _number(self, finding: redact.Finding) -> int:
        key = (finding.kind, sealing.hmac_of(finding.value, SEALED))
        if key not in self.numbers:
            self.given[finding.kind] += 1
            self.numbers[key] = self.given[finding.kind]
            if finding.kind == "name":  # who signed as Anna Schmidt is the Anna that is answered
                for part in finding.value.split():
                    if len(part) >= SHORTEST_NAME:
                        self.numbers.setdefault(("name", sealing.hmac_of(part, SEALED)), self.numbers[key])
            self.seals.append(
                {
                    "id": new_id(), "at": self.at, "conversation_id": self.conversation_id, "kind": finding.kind,
                    "number": self.numbers[key], "value_hmac": key[1], "sealed_value": sealing.seal(self._as_said(finding), SEALED),
                    "purge_at": self.at + SEALED_FOR,
                }
            )  # fmt: skip
        return self.numbers[key]
