"""Cites sources: whatever the reply claims stands in a quote, and the quote stands in the passage that it is said to come from.

It needs no expectation. That enough words agree is a guess, so people check it before it may gate; numbers and a 'not' have to agree.
"""

from dataclasses import dataclass
from typing import Any

from evals.graders import declines, said, tokens
from evals.graders.face import Asked, Grade, Output, yes_or_no
from evals.graders.values import cut

NAME, NUMBER = "cites sources", 1
PERSON_WROTE, LIVE = False, False  # live replies carry no sources yet
NEEDS: tuple[str, ...] = ()
ENOUGH = 0.6  # of a sentence's words that say something
STEM = 6  # letters by which deliver, delivered and delivery are one
MOST_SOURCES = 50
_FILLING = """
    a about after again all also am an and any are as at be because been before but by can could did do does for from further get gets
    had has have he her here him his how i if in into is it its just let like may me might more most much must my now of on once one
    only or other our out over own please she should so some such than that the their them then there these they this those through to
    too under until up us very via was we were what when where which while who why will with would you your yours aber alle allem
    allen aller alles als also am an auch auf aus bei bin bis bitte da damit dann das dass dein deine dem den denn der des die dies
    diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas fur hat haben hatte hier ich ihm
    ihn ihnen ihr ihre ihrem ihren ihrer im in ist ja jede jeder jedes jetzt kann konnen man mehr mein meine mich mir mit mochte muss
    mussen nach noch nun nur ob oder sehr sein seine sich sie sind so soll sollte uber um und uns unser unsere unter vom von vor war
    waren was weil wenn wer werden wie wir wird wo wurde wurden zu zum zur
"""
_NEGATING = "not no never none cannot without nicht nie niemals kein keine keinen keinem keiner ohne"
# a sentence of these alone greets, thanks or offers
_KIND = """
    hello hi hey dear thank thanks thankyou regards kind best sincerely welcome sorry apologize apologise apologies glad happy help
    helping helps question questions know reach hope hear hearing anything else further day nice great feel contact contacting
    reaching today sure course understand inconvenience patience write writing hallo liebe lieber guten tag morgen danke dank vielen
    grusse gruß gruss freundlichen schone viele herzliche gern gerne hilfe helfen frage fragen melden weitere weiteren leid tut
    entschuldigung entschuldigen unannehmlichkeiten verstehe geduld schonen nachricht
"""
_GREETING = "hello hi hey dear hallo liebe lieber guten good kind best viele herzliche"  # a name may follow
FILLING, NEGATING, KIND, GREETING = (frozenset(listed.split()) for listed in (_FILLING, _NEGATING, _KIND, _GREETING))


@dataclass(frozen=True)
class Quote:
    stems: frozenset[str]
    numbers: frozenset[str]
    sentences: tuple[tuple[frozenset[str], bool], ...]  # the stems of each, and whether it denies something


def grade(case: Asked, output: Output | None) -> Grade:
    if output is None or not (reply := said.reply(output)):
        return said.nothing()
    claims = [] if output.get("declined") is True else [sentence for sentence in tokens.sentences(reply) if claims_something(sentence)]
    if not claims:
        return yes_or_no(True, "claims nothing that needs a source")
    quotes, refused = _quotes(output.get("sources"))
    if not quotes:
        return yes_or_no(False, refused or "names no source for what it says")
    bare = [claim for claim in claims if not any(supports(quote, claim) for quote in quotes)]
    if not bare and not refused:
        return yes_or_no(True, "takes everything it says from its sources")
    told = [f"no source says '{cut(bare[0])}'" + (f" and {len(bare) - 1} more" if len(bare) > 1 else "")] if bare else []
    return Grade(1 - len(bare) / len(claims) if bare else 0.0, False, "; ".join([*told, *([refused] if refused else [])]))


def claims_something(sentence: str) -> bool:
    found = tokens.of(sentence)
    if sentence.rstrip("\"')").endswith("?") or declines.by_words(sentence):
        return False
    if tokens.numbers(found):
        return True
    words = telling(found) - KIND
    if "feel" in found:  # feel free to write
        words -= {"free"}
    greets = bool(found) and found[0] in GREETING and not sentence.endswith(".")
    return len(words) > (1 if greets else 0)


def _quotes(sources: Any) -> tuple[list[Quote], str]:
    """Those that stand in their passage, and what is wrong with the first that does not."""
    if not isinstance(sources, list):
        return [], ""
    found, refused = [], ""
    for source in sources[:MOST_SOURCES]:
        quote, text = (source.get(name) if isinstance(source, dict) else None for name in ("quote", "text"))
        if not isinstance(quote, str) or not isinstance(text, str) or not quote.strip():
            refused = refused or "a source cannot be read"
        elif tokens.plain(quote) not in tokens.plain(text):
            refused = refused or f"the quote '{cut(quote)}' does not stand in its source"
        else:
            found.append(read(quote))
    return found, refused


def read(quote: str) -> Quote:
    parts = [tokens.of(sentence) for sentence in tokens.sentences(quote)]
    whole = [token for part in parts for token in part]
    return Quote(
        frozenset(stems(telling(whole))), frozenset(tokens.numbers(whole)),
        tuple((frozenset(stems(telling(part))), denies(part)) for part in parts),
    )  # fmt: skip


def supports(quote: Quote, claim: str) -> bool:
    found = tokens.of(claim)
    said_of = stems(telling(found))
    if not tokens.numbers(found) <= quote.numbers or len(said_of & quote.stems) < ENOUGH * len(said_of):
        return False
    nearest = max(quote.sentences, key=lambda sentence: len(said_of & sentence[0]), default=(frozenset(), False))
    return nearest[1] == denies(found)  # 'is refunded' has no source in 'is not refunded'


def telling(found: list[str]) -> set[str]:
    return {word for word in found if not word[0].isdigit() and len(word) > 1 and word not in FILLING and word not in NEGATING}


def stems(found: set[str]) -> set[str]:
    return {word[:STEM].rstrip("s") for word in found}


def denies(found: list[str]) -> bool:
    # don't, isn't, won't come as two words
    return any(word in NEGATING or (word == "t" and before.endswith("n")) for before, word in zip(["", *found], found, strict=False))
