"""Whether a quote supports what is claimed: by words, numbers and denials, as the grader 'cites sources' reads them, and stricter.

It is a guess by words, so it errs towards no: names, what a number counts, what is promised, and which way it goes have to agree as well.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evals.graders import cites_sources, tokens
from evals.graders.values import cut

NEXT = 3  # words after a number within which the quote has to name what it counts
_PROMISING = """
    always guaranteed guarantee guarantees certainly definitely immediately immediate instantly instant forever unlimited free every
    everyone automatically refunded refund approved entitled immer garantiert garantieren garantie sicher sofort umgehend kostenlos
    gratis unbegrenzt automatisch erstattet genehmigt
"""
PROMISING = frozenset(cites_sources.stems(set(_PROMISING.split())))
# words that turn a sentence round without a 'not'
_OPPOSITES = """
    over/under more/less more/fewer above/below before/after least/most minimum/maximum earliest/latest increase/decrease raise/lower
    higher/lower with/without accept/reject accepted/rejected accepts/rejects allowed/forbidden allow/forbid enable/disable
    enabled/disabled include/exclude included/excluded includes/excludes incoming/outgoing open/closed opened/closed first/last
    possible/impossible able/unable valid/invalid eligible/ineligible available/unavailable verified/unverified refundable/nonrefundable
    uber/unter mehr/weniger vor/nach mindestens/hochstens mit/ohne erlaubt/verboten moglich/unmoglich gultig/ungultig
"""
OPPOSITES = tuple(tuple(pair.split("/")) for pair in _OPPOSITES.split())
NAME = re.compile(r"(?<![.!?:•\n] )(?<!^)(?<![\"'(])\b[A-ZÄÖÜ][\w&-]*[A-Za-zÀ-ÿ0-9]\b")  # a capital inside a sentence


_GERMAN = "der die das den dem und ist sind nicht sie wir ein eine einen mit von zu wird werden"
TOGETHER = 0.75  # of a claim's words, where several sentences together say it: words from everywhere say anything
GERMAN = frozenset(_GERMAN.split())


@dataclass(frozen=True)
class Support:
    """Whether, and why."""

    holds: bool
    why: str

    def __bool__(self) -> bool:
        return self.holds


def support(claim: str, quote: str, beside: str = "") -> Support:
    """Whether the quote says what is claimed. `beside`: title and heading of its passage, which may name what the quote is about."""
    if not tokens.of(claim):
        return Support(False, "it says nothing")
    said, stands = tokens.of(claim), tokens.of(quote)
    if told := _numbers(said, stands):
        return Support(False, told)
    if told := _names(claim, f"{quote} {beside}"):
        return Support(False, told)
    nearest = _nearest(said, quote)
    if told := _promises(said, stands) or _turned(said, nearest):
        return Support(False, told)
    if not cites_sources.supports(cites_sources.read(quote), claim):
        return Support(False, _why(said, stands, nearest))
    return Support(True, f"'{cut(quote)}' says so")


def sentences_for(claim: str, text: str, beside: str = "", most: int = 3) -> tuple[str, Support]:
    """The fewest sentences of a passage, one after the other, that support the claim; or none, and why the nearest ones do not."""
    sentences = _split(text)
    refused = Support(False, "its source is empty")
    for many in range(1, min(most, len(sentences)) + 1):
        spans = [text[sentences[start][0] : sentences[start + many - 1][1]] for start in range(len(sentences) - many + 1)]
        spans.sort(key=lambda span: -_shared(claim, span))
        for span in spans:
            if (found := support(claim, span, beside)) and (many == 1 or _shared(claim, span) >= TOGETHER * _shared(claim, claim)):
                return span, found
        if many == 1 and spans:
            refused = support(claim, spans[0], beside)
    return "", refused


def _split(text: str) -> list[tuple[int, int]]:
    """Where each sentence stands."""
    found, done = [], 0
    for sentence in tokens.sentences(text):
        start = text.find(sentence, done)
        if start >= 0:
            done = start + len(sentence)
            found.append((start, done))
    return found


def _shared(claim: str, span: str) -> int:
    return len(_stems(tokens.of(claim)) & _stems(tokens.of(span)))


def _stems(found: Sequence[str]) -> set[str]:
    return cites_sources.stems(cites_sources.telling(list(found))) | tokens.numbers(found)


def _nearest(said: Sequence[str], quote: str) -> list[str]:
    return max(map(tokens.of, tokens.sentences(quote)), key=lambda sentence: len(_stems(said) & _stems(sentence)), default=[])


def _numbers(said: list[str], stands: list[str]) -> str:
    """A number has to stand there, and to count the same thing: 30 days are not 30 euros."""
    for place, number in enumerate(said):
        if not number[0].isdigit():
            continue
        if number not in stands:
            return f"the number {number} does not stand in its source"
        unit = next(iter(_counted(said, place, 1)), None)
        there = {word for at, token in enumerate(stands) if token == number for word in _counted(stands, at, NEXT)}
        if (
            unit
            and unit not in there
            and unit in {word for at, token in enumerate(stands) if token[0].isdigit() for word in _counted(stands, at, 1)}
        ):
            return f"{number} counts something else in its source"
    return ""


def _counted(found: list[str], place: int, most: int) -> list[str]:
    """The stems of the words right after a number."""
    following = found[place + 1 : place + 1 + most]
    return [next(iter(cites_sources.stems({word}))) for word in following if word in cites_sources.telling([word])]


def _names(claim: str, there: str) -> str:
    if GERMAN & set(tokens.of(claim)):  # there every noun has a capital
        return ""
    known = cites_sources.stems(set(tokens.of(there)))
    for name in NAME.findall(claim):
        if cites_sources.stems(cites_sources.telling(tokens.of(name)) - cites_sources.KIND) - known:
            return f"'{cut(name)}' is not named in its source"
    return ""


def _promises(said: list[str], stands: list[str]) -> str:
    there = cites_sources.stems(set(stands))
    promised = next((word for word in said if cites_sources.stems({word}) & PROMISING and not cites_sources.stems({word}) & there), None)
    return f"it promises '{promised}', and its source does not" if promised else ""


def _turned(said: list[str], nearest: list[str]) -> str:
    for one, other in (pair for each in OPPOSITES for pair in (each, each[::-1])):
        if one in said and other not in said and other in nearest and one not in nearest:
            return f"it says '{one}' where its source says '{other}'"
    return ""


def _why(said: list[str], stands: list[str], nearest: list[str]) -> str:
    if cites_sources.denies(said) != cites_sources.denies(nearest) and _stems(said) & _stems(nearest):
        return "it denies what its source says" if cites_sources.denies(said) else "its source denies it"
    lacking = sorted(_stems(said) - _stems(stands))
    missing = [word for word in dict.fromkeys(said) if cites_sources.stems({word}) & set(lacking)]
    return f"its source does not speak of {', '.join(repr(word) for word in missing[:3])}" if missing else "its source does not say so"
