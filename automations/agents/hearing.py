"""What the embedded planner hears in a customer's words, English or German: what it is about, which numbers they name, whether they ask
for money. Patterns only, no model; what no pattern finds, nobody heard.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from automations.agents.face import Seen

LONGEST, MOST_NUMBERS = 4_000, 2  # characters that are read; numbers of a kind that are looked up
ORDER, LATE, INVOICE, OUTAGE, MONEY, CHARGED, KINDNESS = "order", "late", "invoice", "outage", "money", "charged", "kindness"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# Of words as `folded` writes them: small letters, one kind of apostrophe, ae for ä.
_BACK = r"(?:rueck)?erstatt|rueckzahl"
_NEAR = r"[^.?!]{0,40}\b"  # in the same sentence
TOPICS = {  # what it is about, by how people say it
    ORDER: _any(
        r"\bwhere(?:'s| is| are) (?:my|our|order|it\b|the (?:parcel|package|order|plant))",
        r"\b(?:status|track|shipp|parcel|arriv)", r"\bdeliver(?!y address)", r"\b(?:any|an) (?:news|update)\b", r"\b(?:been|was) sent\b",
        r"\bleft (?:your|the) warehouse", r"\bin transit\b", r"\bexpect (?:it|my)\b",
        r"\b(?:package\b|courier|dispatch|on its way\b)", r"\bwo (?:ist|sind|bleib|befindet)",
        r"\b(?:sendung|paket|verschickt|versand)", r"\bliefer(?!adress)",
        r"\b(?:unterwegs|angekommen|zugestellt)\b",
    ),
    LATE: _any(
        r"\b(?:late\b|overdue|delay|still waiting)", r"\bnot (?:yet )?(?:come|arrived|here)\b", r"\bnever (?:came|arrived)",
        r"\bwas (?:due|promised)", r"\b(?:verspaet|zu spaet|immer noch nicht|liefertermin)", r"\bnicht (?:da|angekommen|gekommen)\b",
    ),
    INVOICE: _any(r"\binvoice", r"\bbill\b", r"\brechnung"),
    OUTAGE: _any(
        r"\boutage", r"\bis down\b", r"\bapp\b.{0,40}\b(?:crash|close|problem|frozen|freez|stuerzt)", r"\b(?:stoerung|ausfall)",
    ),
    MONEY: _any(
        r"\brefund", r"\bmoney back", r"\b(?:reimburs|repay)", r"\bowe me\b", r"\bpay\b.{0,15}\bback\b", r"\bstill no money",
        r"\bgeld\b.{0,15}\bzurueck", rf"\b(?:{_BACK})", r"\bmein geld\b", r"\bgeld (?:noch )?nicht erhalten",
    ),
    CHARGED: _any(
        r"\bcharged (?:me )?(?:\w+ ){0,3}?twice", r"\btwice charged", r"\bdouble charge", r"\btwo times\b", r"\bdoppelt\b",
        r"\bzweimal\b.{0,20}\b(?:abgebucht|belastet)",
    ),
    KINDNESS: _any(r"\bcompensat", r"\bgoodwill", r"\bentschaedig", r"\bkulanz", r"\bwiedergutmach"),
}  # fmt: skip
_LOOSE = {MONEY: _any(r"\bmoney\b", r"\bgeld\b"), ORDER: _any(r"\borders?\b", r"\bbestellung")}  # as agents are described

_WANTS_IT = _any(
    rf"\b(?:i|we)(?:'d| would)? (?:(?:still|really|now|just|also) )?(?:want|like|need|demand|request|expect)\b{_NEAR}(?:refund|money)",
    rf"\b(?:please|(?:can|could|would|must|should) you|you (?:must|should|have to))\b{_NEAR}(?:refund|reimburse|repay|money back)",
    rf"\b(?:please|you)\b{_NEAR}pay (?:me |it |us )?back", r"\brefund (?:me|us|my|it|this|the|that|please|for)\b",
    r"\b(?:give|send|get) (?:me |us )?(?:back )?my money", r"\bmy (?:money back|refund)\b", r"\bowe me\b", r"\bhaven't been refunded",
    rf"\b(?:can|could|may|do) (?:i|we) (?:get|have)\b{_NEAR}(?:refund|money)", r"\bno refund (?:since|yet)",
    r"\bstill (?:have )?no (?:refund|money)",
    rf"\b(?:moechte|will|wollen|brauche|verlange|fordere|haette gern)\b{_NEAR}(?:geld|{_BACK})",
    rf"\b(?:bitte|koennen sie|koennten sie)\b{_NEAR}(?:geld|{_BACK}|zurueckzahl)", r"\berstatten sie",
    rf"\b(?:bekomme|kriege|erhalte) ich\b{_NEAR}(?:geld|erstattung)",
    r"\bmein geld (?:zurueck|noch nicht)", r"\bauf mein geld\b",
    rf"\bwo bleib\w* (?:die|meine|mein)\b{_NEAR}(?:geld|{_BACK})", r"\bkeine (?:rueck)?erstattung (?:erhalten|bekommen)",
)  # fmt: skip
_CAME_BACK = _any(
    r"\b(?:sent|brought|shipped|gave)\b[^.?!]{0,40}\bback\b", r"\breturn(?:ed|s|ing)?\b", r"\blocker\b",
    r"\bzurueck(?:geschickt|gesendet|gebracht)", r"\b(?:retoure|ruecksendung|zurueckschick)",
)  # fmt: skip
_CANCELLED = _any(r"\bcancel", r"\bstornier")
_WANTS_IT_NOT = _any(
    rf"\b(?:don't|do not|didn't|did not|not|never) (?:\w+ ){{0,2}}?(?:want|need|ask(?:ing)?|like|looking)\b{_NEAR}(?:refund|money)",
    r"\bno refund (?:please|needed|necessary|required)", r"\bwithout (?:a |any )?refund", r"\bnot a refund",
    rf"\bprefer\b{_NEAR}to (?:a |the |my )?(?:refund|money)", r"\b(?:instead of|rather than) (?:a |the |my )?(?:refund|money)",
    r"\bkeine? (?:rueck)?erstattung(?! (?:erhalten|bekommen))",
    r"\bkein geld zurueck", r"\bgeld nicht zurueck", rf"\bstatt (?:einer |der )?(?:geld|{_BACK})",
)  # fmt: skip
_IN_GENERAL = _any(
    r"\bhow (?:long|do|does|can|much)\b", r"\bwhat(?:'s| is| are) (?:your|the)\b", r"\bdo you (?:offer|have|ship|deliver|refund|charge)",
    r"\bwie (?:lange|funktioniert|geht|viel|kann|laeuft)\b",
    r"\bwas (?:ist|sind) (?:die|der|ihre?)\b", r"\b(?:welche|bieten sie|liefern sie)\b",
)  # fmt: skip
_OWN = re.compile(r"\b(?:my|our|mine|mein\w*|unser\w*|mir)\b")
_IN_PART = _any(
    r"\bpart(?:ly)? of", r"\b(?:partial|half\b|missing\b|difference\b|only got)",
    r"\bone of (?:the|my)", r"\b(?:delivery|express|shipping) (?:fee|cost)",
    r"\b(?:teilweise|einen teil|haelfte|fehlt|versandkosten|expressgeb|differenz|unvollstaendig)", r"\beiner? der\b",
)  # fmt: skip

_NO_NUMBER = re.compile(  # addresses of people and pages, days, accounts: they hold figures, and none of them is an order's
    r"\S+@\S+|https?://\S+|www\.\S+|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
    r"|\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){3,7}(?: ?[A-Za-z0-9]{1,3})?\b"
)
_CODE = re.compile(r"(?<![\w-])#?([A-Za-z]{1,5})-(\d{3,12})(?![\w-])")
_RUN_ON = re.compile(r"(?<![\w-])([A-Za-z]{2,3}) ?(\d(?: ?\d){3,6})(?![\w-])")  # FG12345, fg 12345, and as it is spoken: fg 1 2 3 4 5
_WORD = re.compile(  # of three letters at most, before figures that are no number of anything
    r"ab|age|all|am|an|and|at|be|bei|bis|by|ca|das|der|die|do|ein|es|for|got|im|in|is|it|kw|me|my|no|nr|of|on|only|or|pin|plz|so|the|tel|to|um|"
    r"und|up|us|von|was|we|you|zip|zu|zum"
)
_NAMED = re.compile(
    r"\b(order|bestell\w{0,10}|auftrag\w{0,10}|invoice|rechnung\w{0,10})\s{0,2}(?:number|nummer|no\.?|nr\.?|id)?\s{0,2}:?\s{0,2}#?(\d{4,12})(?![\w-])",
    re.IGNORECASE,
)
_HASHED = re.compile(r"(?<![\w#])#(\d{4,12})(?![\w-])")
_OF_INVOICES = frozenset({"INV", "RE", "RG", "RNR", "BILL"})
_OF_NOTHING = frozenset({"EUR", "USD", "GBP", "CHF", "ISO", "DIN", "PLZ", "TEL", "VAT", "UST", "IBAN", "BIC"})
_FIGURES = r"(\d{1,7}(?:[.,]\d{1,2})?)"
_AMOUNT = _any(
    rf"(?:€|\$|£|\b(?:eur|usd|gbp|chf)) ?{_FIGURES}(?![\d-])",
    rf"(?<![\w.,-]){_FIGURES} ?(?:€|\$|£|(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|franken)\b)",
)
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_GERMAN = re.compile(r"\b(?:ich|und|nicht|mein\w*|ist|bitte|wo|eine?n?|der|das|wie|sie|ihnen|habe|bestellung|geld)\b")
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "’": "'", "ʼ": "'"})
_EMPTY = frozenset((
    "about", "after", "agent", "also", "answer", "anything", "because", "been", "before", "called", "could", "customer", "does", "doing",
    "from", "give", "have", "help", "here", "into", "just", "know", "made", "make", "more", "much", "need", "only", "other", "please",
    "should", "some", "such", "tell", "than", "that", "their", "them", "then", "there", "these", "they", "thing", "this", "tool", "used",
    "uses", "very", "want", "were", "what", "when", "where", "which", "will", "with", "would", "your", "auch", "aber", "bitte", "dass",
    "dein", "dies", "eine", "einen", "einer", "etwas", "haben", "hallo", "hier", "ihre", "kann", "kein", "keine", "können", "mehr",
    "mein", "meine", "meinen", "nach", "nicht", "noch", "oder", "schon", "sehr", "sein", "sich", "sind", "über", "wenn", "werden", "wird",
))  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """What was heard."""

    topics: frozenset[str]
    orders: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    amounts: tuple[Decimal, ...] = ()
    stems: frozenset[str] = frozenset()  # the beginnings of the words that say something
    of_intent: frozenset[str] = frozenset()
    wants_money: bool = False
    beside: bool = False  # it is asked for beside another matter
    in_part: bool = False  # a part of an order is meant
    in_general: bool = False  # how something works, of no order
    back: str = ""  # what they say of the order that they want the money of: returned or cancelled
    german: bool = False


def heard(seen: Seen, intent: str) -> Heard:
    """In the words that wait for an answer; where those name no number or matter, in what the customer wrote before."""
    words, before = _text(seen.words), _before(seen)
    plain = folded(words)
    orders, invoices = numbers(words)
    if not orders and not invoices:
        orders, invoices = next((found for text in reversed(before) if any(found := numbers(text))), ((), ()))
    in_general = bool(_IN_GENERAL.search(plain)) and not _OWN.search(plain) and not orders and not invoices and not _asks(plain)
    by_intent, by_words = topics(intent.replace("_", " ")), topics(plain) or topics(folded(" ".join(before)))
    wants_money = _wants_money(plain, by_intent, in_general)
    about = frozenset() if in_general else (by_intent or (by_words if not intent else frozenset()))
    about = about | {MONEY} if wants_money else about - {MONEY} if _WANTS_IT_NOT.search(plain) else about
    return Heard(
        about, orders[:MOST_NUMBERS], invoices[:MOST_NUMBERS], tuple(_DAY.findall(words)), amounts(plain), stems(plain), stems(intent),
        wants_money, bool(intent) and MONEY not in by_intent, bool(_IN_PART.search(plain)), in_general,
        "returned" if _CAME_BACK.search(plain) else "cancelled" if _CANCELLED.search(plain) else "", len(_GERMAN.findall(plain)) >= 2,
    )  # fmt: skip


def folded(text: str) -> str:
    """In small letters, with one kind of apostrophe and ae for ä, as the patterns read it."""
    return " ".join(unicodedata.normalize("NFKC", text[:LONGEST]).lower().translate(_PLAIN).split())


def topics(text: str, *, loosely: bool = False) -> frozenset[str]:
    plain = folded(text)
    found = {name for name, pattern in TOPICS.items() if pattern.search(plain)}
    if loosely:
        found |= {name for name, pattern in _LOOSE.items() if pattern.search(plain)}
    return frozenset(found)


def stems(text: str) -> frozenset[str]:
    """The first five letters of each word that says something: enough to know 'cancel' in 'cancellation'."""
    return frozenset(word[:5] for word in re.findall(r"[^\W\d_]{4,}", folded(text)) if word not in _EMPTY)


def _text(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _before(seen: Seen) -> list[str]:
    """What the customer wrote before, and what they answered when they were asked."""
    messages: Sequence[Mapping[str, Any]] = [one for one in seen.messages if isinstance(one, Mapping)]
    wrote = [_text(one.get("text")) for one in messages if one.get("role") == "customer" and not one.get("private")]
    return wrote + [_text(one.gave.get("answer")) for one in seen.used if one.step == "ask for a missing detail"]


def _asks(plain: str) -> bool:
    return bool(_WANTS_IT.search(plain)) and not _WANTS_IT_NOT.search(plain)


def _wants_money(plain: str, by_intent: Iterable[str], in_general: bool) -> bool:
    """They say so, or their matter is money that has not come and they do not say otherwise."""
    if in_general or _WANTS_IT_NOT.search(plain):
        return False
    return bool(_WANTS_IT.search(plain)) or MONEY in by_intent


def numbers(words: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of orders and of invoices, each once, in the order in which they stand."""
    text = _NO_NUMBER.sub(" ", words)
    codes = [*_CODE.finditer(text), *(one for one in _RUN_ON.finditer(text) if not _WORD.fullmatch(one[1].lower()))]
    found = [(one.start(), one[1].upper(), f"{one[1].upper()}-{one[2].replace(' ', '')}") for one in codes]
    found += [(one.start(), "INV" if folded(one[1]).startswith(("inv", "rech")) else "", one[2]) for one in _NAMED.finditer(text)]
    found += [(one.start(), "", one[1]) for one in _HASHED.finditer(text)]
    told = [(front, number) for _, front, number in sorted(found) if front not in _OF_NOTHING]
    orders = [number for front, number in told if front not in _OF_INVOICES]
    return tuple(dict.fromkeys(orders)), tuple(dict.fromkeys(number for front, number in told if front in _OF_INVOICES))


def amounts(plain: str) -> tuple[Decimal, ...]:
    return tuple(dict.fromkeys(Decimal((one[1] or one[2]).replace(",", ".")) for one in _AMOUNT.finditer(plain)))
