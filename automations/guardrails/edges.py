"""What an instructions editor warns about: prohibitions and edge cases, which code keeps and words do not, and where each belongs instead.

Instructions that tell the usual way are followed more often than those that list what must not be. It reads words, so it guesses; a person
looks at what it makes before it is used.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from automations.guardrails import patterns
from automations.recipe import amount_of
from evals.graders import tokens

ALWAYS_SO = {"conversation.id": "is known"}  # a condition that holds in every run: forbidden whenever
FORBIDS = patterns.of(
    r"""
    \b(?:never|under no circumstances|do not|don't|must not|mustn't|may not|shall not|should not|shouldn't|cannot|can't|not allowed to)\b
    \b(?:refrain from|avoid|it is forbidden|forbidden to|prohibited|no exceptions)\b
    \b(?:only|solely|exclusively) (?:answer|talk|speak|help|reply|respond|discuss)\b
    \b(?:niemals|nie|keinesfalls|auf keinen fall|unter keinen umständen|nicht erlaubt|verboten|untersagt)\b
    \b(?:darfst|darf|dürfen|sollst|soll|sollen|sollte)\b[^.!?]{0,80}\b(?:nicht|kein\w*)\b
    ^\W*(?:<imperative>)\b[^.!?]{0,60}\b(?:nicht|kein\w*|nur)\b
    """,
    imperative="antworte|sprich|rede|verrate|erstatte|zahle|sende|nenne|gib|versprich|erfinde|verwende|benutze|sage?|mache?|schreibe?",
)
EDGE = patterns.of(
    r"""
    ^\W*(?:if|unless|except|when|in case|should the|provided that|wenn|falls|sofern|außer|es sei denn|sollte)\b
    \b(?:unless|except (?:if|when|for|that)|but only if|only if|even if|in case)\b
    \b(?:es sei denn|außer wenn|nur wenn|jedoch nicht|ausgenommen)\b
    """
)
CALLED = {  # the step, and how people name what it does
    "refund": r"""
        refund(?:s|ed|ing)?|reimburs\w*|pay(?:ing)? (?:money )?back|money back
        erstatt\w*|rückerstatt\w*|zurückzahl\w*
        """,
    "credit": r"credits?|crediting|vouchers?|compensat\w*|goodwill|gutschrift\w*|gutschein\w*|entschädig\w*",
    "send reply": r"send (?:a |any |the )?(?:reply|replies|mail|e-?mail|message)s?|replying|schick\w* (?:eine )?(?:antwort|mail)",
    "tag": r"tags?|tagging",
    "route": r"routes?|routing|forward\w*|escalat\w*|weiterleit\w*",
    "set field": r"set (?:the |a )?(?:field|priority)|change the priority|priorität (?:ändern|setzen)",
    "hand over": r"hand(?:ing)? over|transfer (?:to|the conversation)|übergeb\w*",
    "http call": r"call (?:the )?(?:api|program|address)|webhooks?",
    "call service": r"""
        cancel\w*|rebook\w*|book\w*|upgrad\w*|delet\w*
        chang(?:e|es|ing) (?:the |an? )?(?:order|booking|address|contract|flight|account)
        stornier\w*|umbuch\w*|buch\w*|lösch\w*|änder\w* (?:die |den |das )?(?:bestellung|adresse|vertrag|konto)
        """,
    "draft reply": r"draft(?:s|ing)?",
}
NAMED = {
    step: patterns.of(r"\b(?:<words>)\b", words="|".join(filter(None, map(str.strip, words.split("\n"))))) for step, words in CALLED.items()
}
ABOVE = re.compile(
    r"(?:more than|above|over|exceed(?:ing)?|beyond|higher than|mehr als|über|höher als)\s*(?:[€$£]|eur|usd)?\s*"
    r"([0-9]+(?:[.,][0-9]{1,2})?)\s*(€|\$|£|euros?|eur|usd|dollars?|pounds?)?",
    re.IGNORECASE,
)
DAILY = patterns.of(r"\b(?:a|per|each|every|in one) day\b|\bdaily\b|\b(?:pro|am|jeden) tag\b|\btäglich\b")
QUOTED = re.compile(r"[\"'“„‚«‘]([^\"'”“’‘»]{2,60})[\"'”“’‘»]")
SECRET = patterns.of(
    r"""
    \b(?:passwords?|api keys?|keys|tokens?|secrets?|credentials?|internal (?:links?|addresses|urls?)|links?|urls?|images?|attachments?)\b
    \b(?:passw(?:ort|örter)|zugangsdaten|schlüssel|bilder)\b
    """
)
PERSONAL = patterns.of(
    r"""
    \b(?:personal|private) (?:data|information|details)\b|\b(?:other customers?'?|another customer\w*|customer data)
    \b(?:card|phone) numbers?\b|\be-?mail addresses\b
    \b(?:personenbezogene\w*|persönliche\w* daten|andere\w* kunden|kundendaten|kartennummer\w*|telefonnummer\w*)\b
    """
)
INVENTS = patterns.of(
    r"""
    \b(?:invent|make (?:up|things up|anything up)|guess|speculate|hallucinate|assume|fabricate|claim)\b
    \b(?:erfind\w*|rate(?:n|st)?|vermut\w*|spekulier\w*)\b
    """
)
OBEYS = patterns.of(
    r"""
    \b(?:follow|obey|execute|accept|trust)\b[^.!?]{0,40}\b(?:instructions?|orders|commands|prompts?)\b|\bsystem prompt\b
    \b(?:befolg\w*|führ\w*)\b[^.!?]{0,40}\banweisung\w*
    """
)
MANNER = patterns.of(
    r"""
    \b(?:promise|guarantee|assure|blame|shout|insult|argue|threat\w*|sarcas\w*|rude|swear|curse|apologi[sz]e|lawyers?|legal action)\b
    \b(?:use the words?|say)\b
    \b(?:versprich\w*|versprech\w*|garantier\w*|beleidig\w*|beschuldig\w*|droh\w*|schimpf\w*|unhöflich|sarkast\w*)\b
    \b(?:wort|wörter|sag|sage|sagen)\b
    """
)
TOPIC = re.compile(
    r"(?:talk|speak|chat|discuss|comment|give advice|advise|answer questions?|answer|help|respond|reply"
    r"|sprich|sprechen|rede|reden|antworte|äußere dich|beantworte|berate)\b(?: only| nur)?\s*"
    r"(?:anything )?(?:about|on|to questions? about|questions? about|with|regarding|über|zu|fragen zu)?\s+([^.,;!?]{3,80})",
    re.IGNORECASE,
)
BELONGS = {"injection": OBEYS, "personal data": PERSONAL, "secrets": SECRET, "unsupported": INVENTS, "tone": MANNER}
ONLY = patterns.of(r"\b(?:only|solely|exclusively|nur|ausschließlich)\b")
_LITTLE = """
    the a an any our your their about on to with questions question anything things topics topic matters and or of other than for der die
    das den dem über zu und oder fragen themen mit nicht kein keine niemals nie nur
"""
LITTLE = frozenset(_LITTLE.split())
PARTED = re.compile(
    r"^\W*(?:if|when|in case|wenn|falls|sofern)\b(?P<before>[^,]{3,200}),"
    r"|\b(?P<turned>unless|es sei denn,?|außer,? wenn)\b(?P<exception>[^.!?]{3,200})|\b(?:if|when|wenn|falls)\b(?P<behind>[^.!?]{3,200})",
    re.IGNORECASE,
)
OLDER = re.compile(
    r"(?:more than|older than|after|over|longer than|mehr als|älter als|nach|länger als)\s+([0-9]{1,4})\s+(?:days?|tagen?)\b", re.IGNORECASE
)
STATUS = re.compile(
    r"\b(?P<what>order|invoice|parcel|package|bestellung|rechnung|paket|sendung)\b[^.!?]{0,40}?\b(?P<denied>not|nicht)?\s*"
    r"(?:yet |been |already |bereits |schon )*(?P<status>delivered|shipped|cancelled|canceled|paid|returned|packed|placed"
    r"|geliefert|zugestellt|versandt|versendet|storniert|bezahlt|zurückgeschickt)\b",
    re.IGNORECASE,
)
IN_ENGLISH = {
    "geliefert": "delivered", "zugestellt": "delivered", "versandt": "shipped", "versendet": "shipped", "storniert": "cancelled",
    "canceled": "cancelled", "bezahlt": "paid", "zurückgeschickt": "returned",
}  # fmt: skip


@dataclass(frozen=True)
class Warning:
    """One sentence that code would keep better."""

    text: str  # as it stands in the instructions
    why: str
    guardrail: str = ""  # into which it can be moved; empty where a person has to say
    settings: Mapping[str, Any] = field(default_factory=dict)


def warnings(instructions: str) -> list[Warning]:
    return list(_warnings(instructions))


def _warnings(instructions: str) -> Iterator[Warning]:
    for sentence in tokens.sentences(instructions):
        plain = sentence.replace("’", "'")
        forbids, edge = FORBIDS.search(plain) is not None, EDGE.search(plain) is not None
        if not forbids and not edge:
            continue
        guardrail, settings = _place(plain, forbids=forbids)
        yield Warning(sentence, _why(guardrail, forbids=forbids), guardrail, settings)


def _why(guardrail: str, *, forbids: bool) -> str:
    what = "A prohibition in words is kept most of the time" if forbids else "An edge case in words makes the usual way less sure"
    to = (
        f"The guardrail '{guardrail}' keeps it each time."
        if guardrail
        else "Put it into the condition of a tool, or into a rule of its own."
    )
    return f"{what}. {to}"


def moved(instructions: str, warning: Warning) -> str:
    """The instructions without that sentence, everything else as it stands."""
    place = instructions.find(warning.text)
    if place < 0:
        return instructions
    before, behind = instructions[:place], instructions[place + len(warning.text) :].lstrip(" ")
    line = before.rpartition("\n")[2]
    if line.strip() and not tokens.ITEM.fullmatch(line):
        return f"{before.rstrip(' ')}{' ' if behind[:1].strip() else ''}{behind}".strip()
    if not behind[:1].strip():  # nothing else stands in the line: it goes, and its mark with it
        before, behind = before[: len(before) - len(line)], behind[1:]
    return f"{before}{behind}".strip()


# -- where it belongs ---------------------------------------------------------------------------------------------------------------------


def _place(sentence: str, *, forbids: bool) -> tuple[str, dict[str, Any]]:
    """The nearest guardrail, and what it would be set to."""
    acting = PARTED.sub(" ", sentence)  # without the condition, which names no step
    steps = [step for step, named in NAMED.items() if named.search(acting)]
    above = ABOVE.search(sentence)
    if forbids and above and (above[2] or {"refund", "credit"} & {*steps}) and not OLDER.search(sentence):
        amount = _amount(above[1])
        if amount is not None:
            return "money", {"per day" if DAILY.search(sentence) else "per case": f"{amount:f}"}
    if not forbids:  # it says what to do, not what may not be done
        return "", {}
    if found := next((name for name, rule in BELONGS.items() if rule.search(sentence)), ""):
        return found, _tone(sentence) if found == "tone" else {}
    if steps:
        when = _when(sentence)
        return ("policy", _rule(sentence, steps, when or ALWAYS_SO)) if when or not PARTED.search(sentence) else ("", {})
    if topic := TOPIC.search(sentence):
        listed = _topics(topic[1])
        return ("off topic", {"words" if ONLY.search(sentence) else "never": listed}) if listed else ("", {})
    return "", {}


def _amount(written: str) -> Decimal | None:
    return amount_of(written.replace(",", "."))


def _tone(sentence: str) -> dict[str, Any]:
    words = [word.strip().lower() for word in QUOTED.findall(sentence)]
    return {"forbidden": words} if words else {}


def _topics(said: str) -> list[str]:
    parts = re.split(r",|\band\b|\bor\b|\bund\b|\boder\b", said)
    kept = (" ".join(word for word in part.split() if word.lower() not in LITTLE).strip() for part in parts)
    return [part for part in kept if part]


def _rule(sentence: str, steps: Sequence[str], when: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with the sentence as its reason. What only the order knows has to be looked up first: the guardrail sees to it."""
    why = sentence if sentence[-1] in ".!?" else f"{sentence}."
    return {"rules": [{"when": dict(when), "forbids": list(steps), "why": why}]}


def _when(sentence: str) -> dict[str, Any] | None:
    """What the sentence asks, where it asks for something that look-ups give."""
    parted = PARTED.search(sentence)
    said = next((parted[name] for name in ("before", "exception", "behind") if parted[name]), "") if parted else sentence
    made = _days(said) or _status(said) or (_days(sentence) or _status(sentence) if parted is None else None)
    if made is None:
        return None
    return {"not": made} if parted and parted["turned"] else made


def _days(said: str) -> dict[str, Any] | None:
    found = OLDER.search(said)
    return {"order.placed_at": {"older than days": int(found[1])}} if found else None


def _status(said: str) -> dict[str, Any] | None:
    found = STATUS.search(said)
    if not found:
        return None
    status = IN_ENGLISH.get(found["status"].lower(), found["status"].lower())
    if found["what"].lower() in ("invoice", "rechnung"):
        return {"invoice.paid": {"equals": not found["denied"]}} if status == "paid" else None
    return {"order.status": {"is not" if found["denied"] else "equals": status}}
