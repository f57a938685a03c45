"""Seeded text for the demo data: what customers write to the fictional shop Ferngrove, and what its reps answer.

Everything is drawn from the caller's random.Random, so the same seed gives the same text. The phrases are data, in phrases.yaml.
"""

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal.ferngrove.phrases import (
    ABOUT_AN_ORDER,
    ARTICLES,
    CONTEXTS,
    DE_GOODS,
    DE_PLANTS,
    EMOJI,
    FILLERS,
    FIRST_NAMES,
    FOLLOW_UPS,
    GEAR,
    GOOD_ENDS,
    GOOD_STARTS,
    GREETINGS,
    INTENTS,
    KITS,
    LAST_NAMES,
    NEW_PATTERN,
    ORDER_CONTEXTS,
    PLANTS,
    POLITE,
    POOR,
    POTS,
    PRIVATE,
    REPS,
    SECOND_AFTER,
    SECOND_BEFORE,
    SHARED_WORDS,
    SIGN_OFFS,
    SLANG,
    STREETS,
    THANKS,
    VAGUE,
    WORDS,
    GermanText,
    IntentText,
)

__all__ = [
    "CHANNELS",
    "CITIES",
    "INTENTS",
    "NEW_PATTERN",
    "REPS",
    "GermanText",
    "IntentText",
    "customer_follow_up",
    "customer_name",
    "customer_opening",
    "customer_thanks",
    "draw_intent",
    "email_subject",
    "rep_reply",
]

CHANNELS: tuple[str, ...] = ("chat", "email", "voice")
CITIES: tuple[str, ...] = SHARED_WORDS["city"]

# How often each thing happens in a customer's first message.
VAGUE_SHARE = 0.085  # worded so that only the intent's group can be told
USUAL_POWER = 2.1  # how strongly the first wordings of an intent prevail; 1 is even
ANY_SHARE = 0.02  # worded so that not even the group can be told
PRIVATE_SHARE = 0.02  # carries an e-mail address or a card number
SECOND_FIRST_SHARE = 0.3  # of the messages with a second ask: it stands before the main one
SHORT_SHARE: dict[str, float] = {"chat": 0.4, "email": 0.02, "voice": 0.08}
CONTEXT_SHARE: dict[str, float] = {"chat": 0.15, "email": 0.45, "voice": 0.3}
POLITE_SHARE: dict[str, float] = {"chat": 0.12, "email": 0.4, "voice": 0.15}
GREETING_SHARE: dict[str, float] = {"chat": 0.4, "email": 0.92, "voice": 0.6}
TYPO_SHARE: dict[str, float] = {"chat": 0.35, "email": 0.12, "voice": 0.0}

WITHOUT_COURTESIES: frozenset[str] = frozenset({"praise"})  # "could you check that for me" would not suit

_EVERY_INTENT: dict[str, IntentText] = {**INTENTS, NEW_PATTERN.key: NEW_PATTERN}
_KEYS: list[str] = list(INTENTS)
_CUMULATIVE: list[float] = list(itertools.accumulate(intent.weight for intent in INTENTS.values()))

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?]\s))\s*([a-zäöü])")
_ORDER = re.compile(r"FG-(\d+)")
_VOICE_MARKS = re.compile(r"[,;:!?\"]|'(?!\w)|(?<!\w)'|\.(?=\s|$)|\.\.+")
_OPENS_KINDLY = (
    "Thank",
    "Oh no",
    "Of course",
    "Here you are",
    "Sure",
    "Done",
    "Gladly",
    "No problem",
    "Danke",
    "Vielen",
    "Gern",
    "Kein Problem",
)
_QUESTION = re.compile(
    r"(?:how|where|when|what|why|which|can|could|is|do|does|has|was|wo|wann|wie|ist|kann|können|gibt)\b(?! left)", re.IGNORECASE
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass
class _Message:
    """One message being written: its random source, and the slot values it has used so far."""

    rng: random.Random
    language: str
    channel: str = "email"
    slots: dict[str, str] = field(default_factory=dict)

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.random() * len(options))]

    def pick_usual(self, options: Sequence[str]) -> str:
        """The first options are the common wordings, the later ones are rarer."""
        return options[int(self.rng.random() ** USUAL_POWER * len(options))]

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def slot(self, name: str) -> str:
        if name not in self.slots:
            self.slots[name] = self._fresh(name)
        return self.slots[name]

    def _fresh(self, name: str) -> str:
        article, _, noun = name.partition("_")
        if noun:
            return _with_article(article, self.slot(noun))
        base = name.rstrip("23")
        taken = [self.slots.get(other) for other in (base, f"{base}2", f"{base}3")]
        for _attempt in range(5):
            value = _slot_value(base, self)
            if value not in taken:
                break
        return value

    def expand(self, template: str) -> str:
        while "[" in template:
            template = _CHOICE.sub(lambda match: self.pick(match[1].split("|")), template)
        return _tidy(_SLOT.sub(lambda match: self.slot(match[1]), template))

    def phrase(self, templates: Sequence[str]) -> str:
        return self.expand(self.pick(templates))


def _tidy(text: str) -> str:
    text = re.sub(r"\s{2,}", " ", text).strip()
    text = re.sub(r"\s+([,.?!;])", r"\1", text)
    return re.sub(r"([?!])\.", r"\1", text)


def _sentences(text: str) -> str:
    """Capitals at the start of each sentence."""
    return _SENTENCE_START.sub(lambda match: match[0].upper(), text)


# The slots.

_ITEM_TABLES: tuple[tuple[str, ...], ...] = (PLANTS, PLANTS, POTS, KITS, GEAR)


def _with_article(article: str, noun: str) -> str:
    if article == "an":
        return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
    gender = DE_PLANTS.get(noun) or DE_GOODS[noun]
    word = ARTICLES[article.lower()][gender]
    return f"{word.capitalize() if article[0].isupper() else word} {noun}"


def _item(message: _Message) -> str:
    if message.language == "de":
        return message.pick((*DE_PLANTS, *DE_GOODS))
    return message.pick(_ITEM_TABLES[int(message.rng.random() * len(_ITEM_TABLES))])


def _plant(message: _Message) -> str:
    return message.pick(tuple(DE_PLANTS) if message.language == "de" else PLANTS)


def _amount(message: _Message) -> str:
    euros = message.rng.randrange(6, 140)
    cents = message.pick(("90", "50", "95", "00", "20"))
    if message.channel == "voice":
        return f"{euros} {'euros' if message.language == 'en' else 'Euro'} {cents.replace('00', '')}".strip()
    if message.language == "de":
        return message.pick((f"{euros},{cents} €", f"{euros},{cents} Euro"))
    return message.pick((f"€{euros}.{cents}", f"{euros}.{cents} EUR", f"{euros}.{cents} euros"))


def _date(message: _Message) -> str:
    day, month = message.rng.randrange(1, 29), message.pick(WORDS[message.language]["month"])
    return f"{day}. {month}" if message.language == "de" else message.pick((f"{day} {month}", f"{month} {day}"))


def _street(message: _Message) -> str:
    return f"{message.pick(STREETS)} {message.rng.randrange(1, 90)}"


def _email_address(message: _Message) -> str:
    first, last = message.pick(FIRST_NAMES).lower(), message.pick(LAST_NAMES).lower()
    return f"{first}.{last}{message.pick(('', '', '7', '82'))}@{message.pick(('example.com', 'example.org', 'mail.example.net'))}"


def _number(message: _Message) -> str:
    return str(message.rng.randrange(3, 10))


_SLOTS: dict[str, Callable[[_Message], str]] = {
    "item": _item,
    "plant": _plant,
    "pot": lambda message: message.pick(POTS),
    "kit": lambda message: message.pick(KITS),
    "order": lambda message: f"FG-{message.rng.randrange(10_000, 100_000)}",
    "amount": _amount,
    "date": _date,
    "street": _street,
    "email": _email_address,
    "n": _number,
    "friend": lambda message: message.pick(FIRST_NAMES),
    "rep": lambda message: message.pick(REPS),
}


def _slot_value(base: str, message: _Message) -> str:
    maker = _SLOTS.get(base)
    if maker is not None:
        return maker(message)
    return message.pick(WORDS[message.language].get(base) or SHARED_WORDS[base])


# Noise.


def _typo(word: str, rng: random.Random) -> str:
    """One slip of the finger: a swap, a dropped or a doubled letter."""
    at = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind < 0.75 else word[:at] + word[at] + word[at:]


def _with_typos(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for _slip in range(1 + int(rng.random() * 2)):
        at = rng.randrange(len(words))
        if len(words) > 4 and rng.random() < 0.15 and at and words[at].isalpha() and words[at - 1].isalpha():
            words[at - 1 : at + 1] = [words[at - 1] + words[at]]
        elif len(words[at]) > 3 and words[at].isalpha():
            words[at] = _typo(words[at], rng)
    return " ".join(words)


def _with_slang(text: str) -> str:
    for word, slang in SLANG.items():
        text = re.sub(rf"\b{word}\b", slang, text)
    return text


def _with_fillers(text: str, message: _Message) -> str:
    words = text.split(" ")
    for _filler in range(1 + len(words) // 16):
        at, filler = message.rng.randrange(len(words)), message.pick(FILLERS[message.language])
        if words[at][:1].isalpha():  # never within a number
            words.insert(at, filler)
    return " ".join(words)


# The channels' registers.


def _as_chat(body: str, message: _Message) -> str:
    rng = message.rng
    if message.chance(0.45):
        body = _ORDER.sub(lambda match: match[0] if message.chance(0.6) else match[0].lower(), body[:1].lower() + body[1:])
        body = body if message.chance(0.4) else body.lower()
    if message.language == "en" and message.chance(0.2):
        body = _with_slang(body)
    if message.language == "de" and message.chance(0.25):
        body = body.translate(_UMLAUTS)
    if message.chance(TYPO_SHARE["chat"]):
        body = _with_typos(body, rng)
    if message.chance(0.4):
        body = body.rstrip(".")
    return f"{body} {message.pick(EMOJI)}" if message.chance(0.05) else body


def _as_email(body: str, message: _Message) -> str:
    return _with_typos(body, message.rng) if message.chance(TYPO_SHARE["email"]) else body


def _as_voice(body: str, message: _Message) -> str:
    body = _with_fillers(_VOICE_MARKS.sub("", body), message)
    spell_out = message.chance(0.5)
    body = _ORDER.sub(lambda match: f"FG {' '.join(match[1]) if spell_out else match[1]}", body)
    return re.sub(r"\s+", " ", body).lower()


_REGISTERS: dict[str, Callable[[str, _Message], str]] = {"chat": _as_chat, "email": _as_email, "voice": _as_voice}


def _greeted(body: str, message: _Message) -> str:
    if not message.chance(GREETING_SHARE[message.channel]):
        return body
    greeting = message.pick(GREETINGS[message.language][message.channel])
    if message.channel == "email":
        return f"{greeting}\n\n{body}"
    if message.channel == "voice":
        return f"{greeting} {body}"
    stop = message.pick((", ", "! ", " "))
    if stop != "! " and message.language == "en" and not body.startswith(("I ", "I'", "FG-")):
        body = body[:1].lower() + body[1:]
    return f"{greeting}{stop}{body}"


def _signed(body: str, message: _Message, customer: str | None) -> str:
    if message.channel != "email":
        return body
    name = customer or customer_name(message.rng)
    return f"{body}\n\n{message.pick(SIGN_OFFS[message.language])}\n{name if message.chance(0.4) else name.split(' ')[0]}"


# The parts of a first message.


def _vague_pool(text: IntentText, message: _Message) -> tuple[str, ...]:
    """The shared openings to use in place of the intent's own, or nothing."""
    if not text.groups or message.language == "de":
        return ()
    roll = message.rng.random()
    if roll < ANY_SHARE:
        return VAGUE["any"] if text.key in ABOUT_AN_ORDER else ()
    return VAGUE[message.pick(text.groups)] if roll < ANY_SHARE + VAGUE_SHARE else ()


def _main_ask(text: IntentText, message: _Message) -> str:
    pool = _vague_pool(text, message)
    if pool:
        return message.phrase(pool)
    if message.language == "de":
        return message.expand(message.pick_usual(text.german.openings))
    return message.expand(message.pick_usual(text.short if message.chance(SHORT_SHARE[message.channel]) else text.openings))


def _with_second(main: str, second: str, message: _Message) -> str:
    text = _EVERY_INTENT[second]
    aside = message.pick(text.german.asides if message.language == "de" else text.asides)
    clause = message.expand(aside.replace("2}", "3}"))  # never the same order or item as the main ask's
    if message.chance(SECOND_FIRST_SHARE):
        before = message.pick(SECOND_BEFORE[message.language])
        return before.format(clause=_ended(clause), main=main)
    added = message.pick(SECOND_AFTER[message.language]).format(clause=_ended(clause))
    return f"{_ended(main)} {added}"


def _ended(text: str) -> str:
    if text[-1] in ".?!":
        return text
    return f"{text}?" if _QUESTION.match(text) else f"{text}."


def _context(text: IntentText, message: _Message) -> str:
    pool = ORDER_CONTEXTS if text.key in ABOUT_AN_ORDER and message.chance(0.65) else CONTEXTS
    template = message.pick(pool[message.language])
    if "{order}" in template and "order" in message.slots:
        template = message.pick(CONTEXTS[message.language])
    return message.expand(template)


def _with_side_notes(body: str, text: IntentText, message: _Message) -> str:
    parts = [body]
    plain = text.key in WITHOUT_COURTESIES
    if not plain and message.chance(CONTEXT_SHARE[message.channel]):
        parts.insert(0 if message.chance(0.25) else 1, _context(text, message))
    if message.chance(PRIVATE_SHARE):
        parts.append(message.phrase(PRIVATE[message.language]))
    if not plain and message.chance(POLITE_SHARE[message.channel]):
        parts.append(message.phrase(POLITE[message.language]))
    return " ".join(_ended(part) for part in parts) if len(parts) > 1 else body


# What the demo's seeding calls.


def customer_opening(
    intent: str, channel: str, rng: random.Random, *, second: str | None = None, language: str = "en", customer: str | None = None
) -> str:
    """The customer's first message; `second` adds another intent's ask, `customer` signs an e-mail."""
    message = _Message(rng, language, channel)
    text = _EVERY_INTENT[intent]
    body = _main_ask(text, message)
    if second is not None:
        body = _with_second(body, second, message)
    body = _with_side_notes(body, text, message)
    body = _REGISTERS[channel](_sentences(body), message)
    return _signed(_greeted(body, message), message, customer)


def customer_follow_up(intent: str, channel: str, rng: random.Random, *, language: str = "en") -> str:
    """A later message by the customer: it names no order and no product."""
    message = _Message(rng, language, channel)
    text = _EVERY_INTENT[intent]
    own = text.german.follow_ups if language == "de" else text.follow_ups
    body = message.phrase(own if message.chance(0.7) else FOLLOW_UPS[language])
    return _REGISTERS[channel](_sentences(body), message)


def rep_reply(intent: str, rng: random.Random, *, good: bool, language: str = "en") -> str:
    """A rep's reply: a good one solves the matter and names the next step, a poor one is curt or misses the point."""
    message = _Message(rng, language)
    text = _EVERY_INTENT[intent]
    if not good:
        own = () if language == "de" else text.poor
        return message.phrase(own if own and message.chance(0.75) else POOR[language])
    parts = [message.phrase(text.german.good if language == "de" else text.good)]
    if intent in WITHOUT_COURTESIES:
        return parts[0]
    if not parts[0].startswith(_OPENS_KINDLY) and message.chance(0.5):
        parts.insert(0, message.phrase(GOOD_STARTS[language]))
    if message.chance(0.4):
        parts.append(message.phrase(GOOD_ENDS[language]))
    return " ".join(parts)


def customer_thanks(rng: random.Random, *, satisfied: bool, language: str = "en") -> str:
    """The customer's last message."""
    return _sentences(_Message(rng, language).phrase(THANKS[language]["satisfied" if satisfied else "unsatisfied"]))


def email_subject(intent: str, rng: random.Random, language: str = "en") -> str:
    text = _EVERY_INTENT[intent]
    return _Message(rng, language).phrase(text.german.subjects if language == "de" else text.subjects)


def customer_name(rng: random.Random) -> str:
    return f"{FIRST_NAMES[int(rng.random() * len(FIRST_NAMES))]} {LAST_NAMES[int(rng.random() * len(LAST_NAMES))]}"


def draw_intent(rng: random.Random) -> str:
    """One of INTENTS by its share of traffic; NEW_PATTERN is never drawn here."""
    return rng.choices(_KEYS, cum_weights=_CUMULATIVE)[0]
