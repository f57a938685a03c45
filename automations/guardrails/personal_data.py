"""Personal data: what would leave names nobody whom this conversation does not know. What the customer wrote, and what is theirs, may."""

import re
from collections.abc import Iterator

from automations.guardrails import leaving
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.guardrails.source import as_table
from automations.steps.face import Field
from language import redact, words

declaration = Declaration(
    name="personal data",
    title="Personal data",
    explanation="Lets nobody's card, account, address, number or e-mail out that the customer did not write and that is not theirs.",
    icon="shield_person",
    looks_at=frozenset({LEAVES}),
    settings=(
        Field("names", "Names too", "yes_no", required=False, default=False, help="Also people's names; it stops more that is fine."),
    ),
)
TOLD = {
    "card": "a card number", "iban": "an account number", "email": "an e-mail address", "phone": "a phone number", "id": "an id",
    "address": "an address", "name": "a name", "ip": "a machine's address", "url": "a link that opens something", "secret": "a secret",
}  # fmt: skip
OPENS = frozenset({"url", "secret", "ip"})  # the guardrail 'secrets' looks at these
COMMON = frozenset({"email", "phone", "address", "iban", "name"})  # of these an article may hold the company's own
# numbers by which a company knows an order, an invoice, a parcel: FG-10001, QV000000001, R-1041, 10000123
CODE = re.compile(r"(?<![\w.,@/-])(?:[A-Z]{1,5}-?[0-9]{3,}[A-Z0-9]*(?:-[A-Z0-9]+)*|[A-Z]{1,4}-[0-9]+|[0-9]{6,})(?![\w-])(?![.,][0-9])")
DAY = re.compile(r"(?:19|20)[0-9]{6}")


def look(at: Looked) -> Verdict:
    text = leaving.words(at)
    looked_up = [source for source in at.sources if as_table(source) is not None]  # in this run, which is for one customer
    theirs = _plain("\n".join([leaving.customers_words(at), leaving.known(at.facts), *looked_up]))
    public = _plain("\n".join(at.sources))
    for kind, value in _named(text, names=at.settings.get("names") is True):
        if not _stands(value, theirs) and not (kind in COMMON and _stands(value, public)):
            told = TOLD.get(kind, "a number")
            return Verdict(False, f"{told[0].upper()}{told[1:]} would leave that is not this customer's, as far as this run knows.")
    return Verdict(True)


def _named(text: str, *, names: bool) -> Iterator[tuple[str, str]]:
    for placeholder in redact.PLACEHOLDER.findall(text):  # of another conversation it stands for somebody else
        yield placeholder[1:].split()[0].lower(), placeholder
    found = [one for one in redact.find(text) if one.kind not in OPENS and (names or one.kind != "name")]
    yield from ((one.kind, one.value) for one in found)
    taken = {place for one in found for place in range(one.start, one.end)}
    for code in CODE.finditer(text):
        if code.start() not in taken and not DAY.fullmatch(code[0]):
            yield "number", code[0]


def _plain(text: str) -> str:
    return " ".join(words.of(text))


def _stands(value: str, there: str) -> bool:
    """However it is grouped, and as a whole: R-1041 is not in R-10415."""
    signs = "".join(words.of(value))
    return bool(signs) and re.search(rf"(?<!\S){' ?'.join(signs)}(?!\S)", there) is not None
