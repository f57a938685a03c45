"""Tone: what would leave blames nobody, shouts at nobody, threatens nobody, and promises nothing that no source promises."""

import re
from collections.abc import Sequence

import re2

from automations.comparisons import OPERATORS
from automations.guardrails import leaving, patterns
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.steps.face import Field
from data.values import now
from evals.graders import tokens
from evals.graders.values import cut

declaration = Declaration(
    name="tone",
    title="Tone",
    explanation="Stops blame, insults, shouting, sarcasm, threats with the law, and promises that nothing backs.",
    icon="sentiment_satisfied",
    looks_at=frozenset({LEAVES}),
    settings=(Field("forbidden", "Forbidden words", "any", required=False, help="A list: words that no reply has."),),
)
BLAME = r"""
    \byou (?:should|could|ought to|might) have (?:read|checked|known|told|thought|noticed|called|asked|been|done|kept)\b
    \b(?:it is|it's|that is|that's|this is|this was|entirely|clearly|simply) (?:all |entirely |clearly |simply )?your (?:own )?(?:fault
        |mistake|problem|doing)\b
    \b(?:you are|you're) to blame\b
    \byou (?:failed|neglected|forgot|refused) to\b
    \bbecause of your (?:own )?(?:mistake|error|carelessness|negligence)\b
    \b(?:as|like) (?:i|we)(?: have|'ve)? (?:already |clearly |repeatedly )+(?:told|said|explained|mentioned)\b
    \bhow many times\b
    \bif you had (?:only |just |actually )?(?:read|listened|checked|followed|paid attention)\b
    \byou (?:clearly|obviously) (?:did not|didn't|do not|don't|have not|haven't)\b
    \bselbst schuld\b
    \bihre eigene schuld\b
    \bdaran sind sie (?:selbst )?schuld\b
    \bihr (?:eigener )?fehler\b
    \bhätten sie (?:doch |nur |mal )?(?:besser )?[^.!?]{0,40}\b(?:gelesen|geprüft|gefragt|beachtet|aufgepasst)\b
    \bsie haben (?:es )?(?:versäumt|vergessen|unterlassen)\b
    \bsie hätten (?:[^.!?]{0,40} )?(?:müssen|sollen|können)\b
    \bwie (?:ich|wir)(?: ihnen)? (?:bereits|schon)(?: mehrfach| mehrmals| oft)? (?:gesagt|erklärt|geschrieben|sagte|sagten|schrieb)\b
"""
INSULTS = r"""
    \b(?:idiots?|idiotic|stupid|morons?|dumb|imbecile|fools?|foolish|liars?|pathetic|ridiculous|shut up|nonsense|crazy|insane|lazy
        |clueless|whin(?:e|ing)|crap|bullshit|damn|hell no|get lost)\b
    \b(?:idiot(?:en|in|isch)?|dumm(?:e|er|es|kopf)?|blöd(?:e|er|sinn)?|lächerlich|unsinn|quatsch|lügner(?:in)?|frechheit
        |unverschämt(?:heit)?|verrückt|faul|spinner|schwachsinn|scheiße|verdammt|halten sie den mund)\b
"""
SARCASM = r"""
    \bgood luck with (?:that|your)\b
    \bthanks for nothing\b
    \bwhat a surprise\b
    \bhow (?:surprising|original|convenient for you)\b
    \bnice try\b
    \boh,? (?:great|sure|really|wow|please)\b
    \bcongratulations on (?:finally|reading|breaking|losing)\b
    \b(?:well done|bravo),? (?:you|for)\b
    \bif that is not too much (?:to ask|for you)\b
    \byeah,? right\b
    \bna,? (?:super|toll|bravo|herzlichen glückwunsch)\b
    \bviel glück (?:damit|dabei)\b
    \bwelch eine überraschung\b
    \bdanke für nichts\b
    \bschön für sie\b
    \bsie schlaumeier\b
"""
THREATS = r"""
    \b(?:legal (?:action|steps|proceedings|consequences)|our (?:lawyers?|attorneys?|legal (?:team|department))|su(?:e|ing) you
        |take you to court|press charges|prosecut(?:e|ed|ion)|debt collect(?:ors?|ion)|collections? agency
        |report you to (?:the )?(?:police|authorities)|you will regret)\b
    \b(?:rechtliche(?:n)? (?:schritte(?:n)?|konsequenzen|maßnahmen)|unser(?:e|en|em)? (?:anwalt|anwälte|rechtsabteilung|anwältin)
        |inkasso(?:büro|unternehmen)?|verklagen|strafanzeige|vor gericht|gerichtlich vorgehen|mahnbescheid)\b
"""
PROMISES = r"""
    \b(?:i|we) (?:can |will |do |hereby |personally )*(?:guarantee|promise|assure|swear|vow)\b
    \b(?:is|are|be|it's|that's|fully|100 ?%|absolutely) guaranteed\b
    \b(?:you have|on) my word\b
    \b100 ?(?:%|percent) (?:sure|certain|safe|guaranteed|risk[- ]free)\b
    \b(?:will|is) (?:definitely|certainly|surely|absolutely|for sure|without fail|under all circumstances)\b
    \bno matter what\b
    \brisk[- ]free\b
    \b(?:ich|wir) (?:[^.!?]{0,20} )?(?:garantieren?|verspreche[n]?|versichern?|schwöre)\b
    \b(?:garantiere|verspreche|versichere)n? (?:ich|wir)\b
    \bgarantiert\b
    \b(?:auf jeden fall|hundertprozentig|100 ?%ig|unter allen umständen|mit sicherheit|mein wort)\b
"""
DENIED = re2.compile(r"(?i)\b(?:not|cannot|can't|won't|never|no|unable|nicht|nie|kein|keine|keinen|leider)\b")
WHAT = {"blames the customer": BLAME, "insults": INSULTS, "is sarcastic": SARCASM, "threatens with the law": THREATS}
RULES = {told: patterns.of(listed) for told, listed in WHAT.items()}
PROMISE = patterns.of(PROMISES)
LOUD = re.compile(r"(?<!\w)[A-ZÄÖÜ][A-ZÄÖÜ']+(?!\w)(?:[\s,;:!-]+[A-ZÄÖÜ][A-ZÄÖÜ']+(?!\w)){2,}")
MOST_LOUD, MOST_MARKS, FEWEST_LETTERS = 3, 4, 12  # words in capitals, exclamation marks in a text, letters that make a shout


def look(at: Looked) -> Verdict:
    if not leaving.is_read(at):
        return Verdict(True)
    text = leaving.words(at).replace("’", "'")
    forbidden = at.settings.get("forbidden")
    for word in forbidden if isinstance(forbidden, list | tuple) else ():
        if OPERATORS["matches word"].fits(text, str(word), now()) is True:
            return Verdict(False, f"The reply has the forbidden word '{word}'. Say it otherwise, or have a person answer.")
    for told, rule in RULES.items():
        if found := rule.search(text):
            return Verdict(False, f"The reply {told}: '{cut(found.group(0))}'. Say it otherwise, or have a person answer.")
    if _shouts(text):
        return Verdict(False, "The reply shouts: capitals or exclamation marks one after the other. Say it quietly.")
    if promised := _promised(text, at.sources):
        return Verdict(False, f"The reply promises '{cut(promised)}', and no source does. Say what is known.")
    return Verdict(True)


def _shouts(text: str) -> bool:
    loud = LOUD.search(text)
    return bool(loud and sum(map(str.isalpha, loud[0])) >= FEWEST_LETTERS) or "!!" in text or text.count("!") > MOST_MARKS


def _promised(text: str, sources: Sequence[str]) -> str:
    """'We cannot guarantee' promises nothing, and what an article promises may be told."""
    there = tokens.plain("\n".join(sources))
    for sentence in tokens.sentences(text):
        found = PROMISE.search(sentence)
        if found and not DENIED.search(sentence) and tokens.plain(found.group(0)) not in there:
            return str(found.group(0))
    return ""
