"""Declines: the machine knows when it should not answer, and says so; or it answers where it should."""

import re2

from evals.graders import said
from evals.graders.face import Asked, Grade, Output, yes_or_no

NAME, NUMBER = "declines", 1
PERSON_WROTE, LIVE = False, False  # where the output does not say it, it is guessed by words
NEEDS = ("decline",)

NOT = r"(?:can(?:no|')t|can ?not|could ?n['o]t|am not able to|are not able to|am unable to|are unable to|'m not able to|'m unable to)"
TO_HELP = r"(?:\w+ )?(?:help|assist|answer|advise|tell you|say|decide)"
PERSON = r"(?:colleague|team ?mate|team ?member|agent|human|specialist|person|representative|supervisor)"
ENGLISH = (
    rf"\b(?:i|we) ?{NOT} {TO_HELP}\b",
    rf"\b(?:a|an|one of (?:my|our)|some|another|the right) (?:\w+ )?{PERSON}s? (?:\w+ )?(?:will|can|is going to)\b",
    r"\b(?:someone|somebody) (?:from|in|on|of) (?:our|the) (?:\w+ )?team (?:will|can)\b",
    rf"\b(?:hand|pass|forward|transfer|connect|refer|escalate)(?:ed|ing|red)?\b[^.!?]{{0,60}}\b(?:to|with) (?:a|an|my|our|one|the|some)\b"
    rf"[^.!?]{{0,30}}\b(?:{PERSON}s?|team)\b",
    r"\b(?:i|we) (?:do not|don't) (?:know|have (?:any |the |that |this |enough )?(?:information|an answer))\b",
    r"\b(?:is|are|falls|lies) (?:outside|beyond) (?:of )?what (?:i|we) can\b",
)
NICHT = r"[^.!?]{0,60}\b(?:nicht|nichts|keine \w+) (?:\w+ )?(?:helfen|weiterhelfen|beantworten|sagen|beurteilen|entscheiden|geben)\b"
COLLEAGUE = r"(?:kolleg(?:e|in|en|innen)|mitarbeiter(?:in|innen)?|fachabteilung|(?:zuständiges|support-?)team)"
GERMAN = (
    rf"\b(?:kann|können|darf|dürfen) (?:ich|wir)\b{NICHT}",
    rf"\b(?:ich|wir) (?:kann|können|darf|dürfen)\b{NICHT}",
    rf"\b(?:ein|eine|einer|unser|unsere|meine|mein)\b[^.!?]{{0,30}}\b{COLLEAGUE}\b[^.!?]{{0,20}}\b(?:wird|meldet|kümmert|hilft|übernimmt|prüft)\b",
    rf"\b(?:gebe|leite|reiche|verbinde|übergebe)n? (?:ich|wir|sie|dich|ihre|deine|das|es)\b[^.!?]{{0,60}}\b{COLLEAGUE}\b",
    rf"\b(?:ich|wir) (?:gebe|leite|reiche|verbinde|übergebe)n?\b[^.!?]{{0,60}}\b{COLLEAGUE}\b",
    r"\b(?:weiß ich|wissen wir|ich weiß|wir wissen)\b[^.!?]{0,20}\bnicht\b",
    r"\b(?:dazu|darüber|hierzu) (?:habe ich|haben wir|liegen mir|liegen uns) (?:leider )?keine\b",
)
WORDS = re2.compile(f"(?i){'|'.join((*ENGLISH, *GERMAN))}")  # a reply of any length is read in linear time


def grade(case: Asked, output: Output | None) -> Grade:
    if not isinstance(output, dict) or (not isinstance(output.get("declined"), bool) and not said.reply(output)):
        return said.nothing()
    wanted, found = bool(case.expected["decline"]), declined(output)
    if wanted:
        return yes_or_no(found, "declined, as it should" if found else "answered, though it should decline")
    return yes_or_no(not found, "declined, though it should answer" if found else "answered, as it should")


def declined(output: Output) -> bool:
    """As the output says itself, else by its words."""
    told = output.get("declined")
    return told if isinstance(told, bool) else by_words(said.reply(output))


def by_words(text: str) -> bool:
    return WORDS.search(text.replace("’", "'")) is not None
