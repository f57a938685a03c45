"""Reading ease: how easily the reply reads, 0 to 100, by Flesch's formula in English and by Amstad's in German."""

import re

from evals.graders import said
from evals.graders.face import Asked, Grade, Output, not_judged
from evals.graders.tokens import sentences
from language import tongue

NAME, NUMBER = "reading ease", 1
PERSON_WROTE, LIVE = True, True
NEEDS = ("reading_ease",)
PLAIN = 30.0  # of live replies, for which nobody wrote down what is enough: below are contracts and papers
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
GERMAN = re.compile(r"aa|ee|oo|ie|ei|ai|au|eu|äu|ey|ay|[aeiouäöüy]")  # two vowels that are no pair are two syllables: Be-a-mter
ENGLISH = re.compile(r"[aeiouyáéíóúäëïöü]+")


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    language = tongue.of(reply) or "en"
    if language not in ("en", "de"):
        return not_judged("was not judged: the formula knows English and German only", f"there is no formula for the language '{language}'")
    if not WORD.search(reply):
        return not_judged("was not judged: the reply holds no words", "nothing to measure")
    least, ease = (case.expected.get("reading_ease") or {"least": PLAIN})["least"], measured(reply, language)
    # beyond the ends of the scale it is as easy or as hard as can be
    shown = min(100.0, max(0.0, ease))
    return Grade(shown / 100, ease >= least, f"reads at {shown:.0f} of 100, {least:g} is the least")


def measured(text: str, language: str) -> float:
    words = WORD.findall(text.lower())
    length = len(words) / max(1, len(sentences(text)))
    syllables = sum(map(_in_german if language == "de" else _in_english, words)) / len(words)
    return 180 - length - 58.5 * syllables if language == "de" else 206.835 - 1.015 * length - 84.6 * syllables


def _in_german(word: str) -> int:
    return max(1, len(GERMAN.findall(word)))


def _in_english(word: str) -> int:
    """Groups of vowels; an e at the end is silent, also in -ed and -es, save where it cannot be spoken otherwise."""
    count = len(ENGLISH.findall(word)) + len(re.findall(r"[aeiouy]ing", word))  # be-ing, say-ing
    if re.search(r"[^aeiouy](?:e|es|ed)$", word) and not re.search(r"[^aeiouy]le[sd]?$|[td]ed$|(?:[szxg]|[cs]h)es$", word):
        count -= 1
    return max(1, count)
