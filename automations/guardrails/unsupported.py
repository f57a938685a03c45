"""Unsupported: what a customer would read claims nothing that no article and no look-up of this run says, and no act that was not done.

Figures are held to the digit: amounts, days, times, codes, names, and what a small number counts. Words are a guess: most of a claim's have
to stand in what was looked up, in one place of an article, or in the customer's own words beside it, and nothing may say the contrary.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from automations.guardrails import courtesy, derived, figures, leaving, patterns, wording
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.guardrails.known import MONEY, Known
from automations.guardrails.wording import first, stems
from automations.steps import shaping
from evals.graders import cites_sources, declines, tokens
from evals.graders.values import cut
from knowledge import support

declaration = Declaration(
    name="unsupported",
    title="Unsupported claims",
    explanation="Lets a reply say only what an article or a look-up of this run says: amounts, dates and numbers to the digit.",
    icon="fact_check",
    looks_at=frozenset({LEAVES}),
)
# what is claimed to be done, or promised, by the kind of the act
DONE = {
    "refund": "refunded|reimbursed|compensated|erstattet|zurückerstattet|zurückgezahlt|zurücküberwiesen|entschädigt",
    "credit": "credited|gutgeschrieben",
    "call": "cancelled|canceled|changed|updated|booked|rebooked|upgraded|reset|blocked|deleted|activated|deactivated|replaced|reordered"
    "|storniert|geändert|gebucht|umgebucht|zurückgesetzt|gesperrt|gelöscht|aktiviert|deaktiviert|ersetzt",
}
OURS_IS_DONE = r"\b(?:i|we)(?:'ve| have|'m| am)? (?:just |now |already |also |successfully )*(?:<did>)\b"
IS_DONE = r"\b(?:has|have|was|were) (?:now |just |already |also |successfully )*(?:been )?(?:now |successfully )*(?:<did>)\b"
IST_GETAN = r"\b(?:habe|haben|wurden?|ist|sind|worden)\b[^.!?]{0,80}\b(?:<did>)\b"
CLAIMS = {kind: patterns.of("\n".join((OURS_IS_DONE, IS_DONE, IST_GETAN)), did=did) for kind, did in DONE.items()}
PROMISED = patterns.of(
    r"""
    \b(?:i|we)(?: will|'ll| shall| are going to|'re going to|'m going to| am going to| can) (?:\w+ ){0,2}(?:refund|reimburse|credit
        |compensate|pay)\b
    \byou(?: are|'re) (?:entitled|eligible) (?:to|for) (?:\S+ ){0,4}(?:refund|credit|money back|reimburse\w*|compensat\w*)\b
    \byou(?: will|'ll| are going to|'re going to| can) (?:\w+ ){0,2}(?:get|receive|be given|be) (?:\S+ ){0,4}(?:refund(?:ed)?
        |credit(?:ed)?|money back|reimburse\w*|compensat\w*)\b
    \b(?:ich|wir) (?:erstatten?|zahlen?|schreiben?)\b[^.!?]{0,60}\b(?:zurück|gut|betrag|geld|summe|euro|eur)\b
    \b(?:sie|du) (?:bekommen|erhalten|bekommst|erhältst)\b[^.!?]{0,60}\b(?:erstattung|erstattet|gutschrift|gutgeschrieben|zurück)\b
    """
)
LONG_AGO = re.compile(
    r"\bago\b|\b(?:within|in|more than|less than) (?:the )?(?:last|past)?\s?\d+ (?:hours|days)\b|\bvor (?:\w+ )+(?:tagen|stunden)\b"
)
DENIED = re.compile(r"\b(?:not|no|none|never|nicht|kein\w*|nie)\b|n't\b", re.IGNORECASE)
AMOUNT = patterns.of(r"[€$£¥]|\b(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|franken|cents?|percent|prozent)\b|%")
ECHOES = patterns.of(
    r"""
    \byou (?:wrote|said|mentioned|asked|told|say|write|want|would like|are asking)\b
    \bsie (?:schrieben|schreiben|sagten|erwähnten|fragen|möchten|nannten)\b
    """
)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NO_NAMES = "id ids est usd eur am pm ok pin faq vat iban mon tue wed thu fri sat sun"
NO_NAMES = frozenset({*_NO_NAMES.split(), *WEEKDAYS, *figures.MONTHS})
WHOLE_NAME = re.compile(r"\b[A-Z][a-zà-ÿ]+(?: [A-Z][a-zà-ÿ]+)+\b")
SUBJECT = re.compile(r"\W*([A-Z][a-zà-ÿ]+) (?:has|is|was|will)\b")
EXPLAINS = re.compile(r"\b([A-Z][\w.' ]{1,40}?) ?\(([A-Z]{2,4})\)")  # Atlanta (ATL): what the code stands for
LABELLED = re.compile(r"^\W*\w+(?: \w+){0,2}\W{0,4}:|^\W*(?:hello|hi|hey|dear|kind|best|warm)\b(?: \w+){0,3},?", re.IGNORECASE)
LONGEST_SENTENCE = 200  # words
LONGEST_POLITE = 45  # words: what is longer says something besides
MOST_COUNTED = 99  # above it a number is an amount, a year or a name rather than a count
ALL_IN_ALL = re.compile(r"\b(?:per|each|total|altogether|in all|both|je|pro|insgesamt|zusammen)\b", re.IGNORECASE)
NEW = re.compile(r"\b(?:new|change|changed|update|updated|instead|next|neue\w*|ändern|geändert)\b", re.IGNORECASE)  # another day is meant
MADE = re.compile(  # that tells when something began, rather than when it takes place
    r"\b(?:book\w*|creat\w*|made|plac\w*|order\w*|purchas\w*|bought|updat\w*|changed|birth\w*|born|dob"
    r"|geboren|geburts\w*|since|on file|gebucht|bestellt|angelegt|geändert|seit)\b",
    re.IGNORECASE,
)
SHORT = 10  # words of a line in a list
ADDS = re.compile(
    r"\b(?:total|sum|altogether|all|costs?|difference|amount|refund\w*|credit\w*|pay|paid|charged?|remaining|balance|fees?|additional|new|combined"
    r"|covers?|gesamt\w*|summe|betrag|differenz|rest\w*|zusammen|insgesamt|kosten|kostet|neue\w*|zahlen|bezahlt)\b",
    re.IGNORECASE,
)
TOTAL = stems(["total"])
SMALL = 100  # amounts below it have to be money where they stand: many a count is as small
VERB = (
    r"(?:is|are|was|were|will|has|have|had|can|may|gets?|comes?|came|arrives?|arrived|goes|went|costs?|says?|said"
    r"|ist|sind|war|waren|wird|werden|wurden?|hat|haben|kommt|kommen|kann|können|bekommt|bekommen|erhält|erhalten|geht|kostet|sagte?)"
)
WHO = r"(?:your|the|it|they|we|i|you|this|that|he|she|there|ihre?|die|der|das|wir|ich|sie|es|dies)"
CLAUSE = re.compile(  # where another thing is said in the same sentence
    r"\s*[;–—]\s+|(?:,\s+|,?\s+(?:and|but|so|because|while|which|und|aber|denn|sodass)\s+|\s+as\s+(?=it\b))"
    rf"(?={WHO}\b[^,;]{{0,120}}?\b(?:{VERB}|n't|'ll|'ve|'s|'re|'m)\b)",
    re.IGNORECASE,
)
LEADS = re.compile(r"\W*(?:for|as|with|without|based on|regarding|in|on|at|after|before|für|bei|mit|ohne|nach|vor)\b", re.IGNORECASE)
HAS_VERB = re.compile(rf"\b{VERB}\b|n't|'(?:ll|ve|s|re|m)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """A reply as a whole: what its sentences lean on."""

    asks: bool  # whether it asks for a yes, so that what it would do is a plan
    amounts: tuple[str, ...]  # before the sentence, in what was said last as well, as far as they are known
    to_come: tuple[str, ...]  # from the sentence on
    counts: tuple[str, ...]  # small numbers in it
    sums: frozenset[str] = frozenset()  # of what look-ups say of each thing that it names
    about: tuple[str, ...] = ()  # the two things that were named last


def look(at: Looked) -> Verdict:
    """A sentence stands where one source says it, or where look-ups and the customer's own words say it together."""
    if not leaving.is_read(at):
        return Verdict(True)
    known, text = Known(at), wording.denied(shaping.written_again(leaving.words(at)))
    said = _said(text, at, known)
    for sentence in figures.sentences(text):
        spared = tokens.plain(sentence) in known.ours or shaping.is_manners(sentence)
        if not spared and (why := _against(sentence, known, said)):
            return Verdict(False, f"Nothing that this run looked up says '{cut(sentence, 120)}': {why}. A person answers.")
        heard = [number for _, number in figures.amounts(sentence) if number in known.numbers]
        said = replace(
            said, amounts=(*said.amounts, *heard), to_come=said.to_come[len(heard) :], about=(*said.about, *figures.named(sentence))[-2:]
        )
    return Verdict(True)


def _said(text: str, at: Looked, known: Known) -> Said:
    before = next(
        (str(one.get("text", "")) for one in reversed(at.messages) if one.get("role") not in ("customer", "tool", "tool_call")), ""
    )
    both = f"{before}\n{text}"
    told, to_come = ([number for _, number in figures.amounts(one) if number in known.numbers] for one in (before, text))
    counted = [number for number in figures.plain_numbers(figures.in_digits(both)) if known.is_counted(number)]
    sums = known.added_up([*figures.codes(both)])
    return Said(courtesy.ASKS.search(text) is not None, tuple(told), tuple(to_come), tuple(counted), sums)


def _against(sentence: str, known: Known, said: Said) -> str:
    """Empty where nothing is."""
    if len(sentence.split()) > LONGEST_SENTENCE or len(sentence) > LONGEST_SENTENCE * 10:
        return "it is too long a sentence to be compared"
    if why := _undone(sentence, known, said) or _unfounded(sentence, known, said):
        return why
    plain = EXPLAINS.sub(lambda found: found[2] if found[2].lower() in known.words else found[0], sentence)
    return next((why for clause in _clauses(plain) if (why := _unsaid(clause, known, said))), "")


def _clauses(sentence: str) -> list[str]:
    """What says another thing. A piece without a verb belongs to the one behind it."""
    told: list[str] = []
    for piece in CLAUSE.split(sentence):
        if told and LEADS.match(told[-1]) and not HAS_VERB.search(told[-1]):
            told[-1] = f"{told[-1]}, {piece}"
        else:
            told.append(piece)
    return told


# -- acts ---------------------------------------------------------------------------------------------------------------------------------


def _undone(sentence: str, known: Known, said: Said) -> str:
    """What is told as done has to be done, by this run or before it, as a look-up says; what is promised as well."""
    if not known.knows_what_was_done or sentence.rstrip().endswith("?"):
        return ""
    plain, kinds = sentence.replace("’", "'"), {one.kind for one in known.did}
    for kind, claim in CLAIMS.items():
        if (
            (found := claim.search(plain))
            and kind not in kinds
            and not _is_no_act(plain, found)
            and not _done_before(kind, found.group(0), sentence, known)
        ):
            return "it tells of an act that this run did not do"
    if PROMISED.search(plain) and not kinds & {*MONEY} and not known.from_source(sentence):
        return "it promises money, and this run moved none"
    return ""


def _is_no_act(sentence: str, found: Any) -> bool:
    """It was not done, or long before this run; then it is a claim like others."""
    return (
        DENIED.search(sentence[max(0, found.start() - 40) : found.end()]) is not None
        or LONG_AGO.search(sentence[found.end() :]) is not None
    )


def _done_before(kind: str, claim: str, sentence: str, known: Known) -> bool:
    return known.says(tokens.of(claim)[-1]) or (kind == "refund" and known.refunded()) or known.from_source(sentence)


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def _unfounded(sentence: str, known: Known, said: Said) -> str:
    """A day, a time, a code, an amount, a number or a name that stands nowhere."""
    rest, days = figures.without_days(sentence)
    if odd := next((day for day in days if not known.has_day(day, made=MADE.search(sentence) is not None)), None):
        return _nowhere(figures.shown(odd))
    if why := _weekday(sentence, days, known):
        return why
    times = (*figures.times(rest), *figures.hours(rest))
    if any(time not in known.times for time in times):
        return "its time of day stands neither in what was looked up nor in what the customer wrote"
    rest = figures.HOUR.sub(" ", figures.TIME.sub(" ", rest))
    if code := next((code for code in figures.codes(rest) if not known.has_code(code)), ""):
        return _nowhere(code)
    of = next(reversed((*said.about, *figures.named(rest))), "")
    if not NEW.search(sentence) and (odd := next((day for day in days if not known.go_together(of, day)), None)):
        return f"{figures.shown(odd)} stands nowhere beside '{of}'"
    return _uncounted(rest, sentence, known, said) or _unnamed(rest, known)


def _nowhere(figure: str) -> str:
    return f"'{figure}' stands neither in what was looked up nor in what the customer wrote"


def _weekday(sentence: str, days: Sequence[figures.Day], known: Known) -> str:
    named = [day for day in WEEKDAYS if re.search(rf"\b{day}s?\b", sentence, re.IGNORECASE)]
    if not named:
        return ""
    fitting = {WEEKDAYS[date(*day).weekday()] for day in (days or known.days) if day[0]} | known.words
    return next((f"{day.capitalize()} is another day" for day in named if day not in fitting), "")


def _uncounted(rest: str, sentence: str, known: Known, said: Said) -> str:
    rest = figures.without_labels(rest)
    for written, number in figures.amounts(rest):
        if why := _beside(number, written, sentence, known, said):
            return why
        if not _is_known_amount(number, sentence, known) and not _adds_up(number, sentence, said):
            return _nowhere(written)
    if odd := next(
        (one for one in figures.ranges(rest) if one not in known.ranges and any({*one} & {*other} for other in known.ranges)), None
    ):
        return _nowhere(f"{odd[0]} to {odd[1]}")
    rest = figures.in_digits(
        figures.CODE.sub(lambda code: " " if figures.NO_CODE.fullmatch(code[0]) is None else code[0], figures.MONEY.sub(" ", rest))
    )
    found, label = tokens.of(rest), tokens.of(named[0]) if (named := LABELLED.match(rest)) else []
    for place, number in enumerate(found):
        if not number[0].isdigit():
            continue
        behind, ahead = found[place + 1 : place + 4], found[max(0, place - 3) : place]
        if behind[:1] and behind[0] in ("st", "nd", "rd", "th"):
            if not any(day[2] == int(number) for day in known.days):
                return _nowhere(f"{number}{behind[0]}")
        elif why := _miscounted(number, *((behind, ahead) if first(behind) - TOTAL or not label else ([], label)), sentence, known, said):
            return why
    return ""


def _miscounted(number: str, behind: list[str], ahead: list[str], sentence: str, known: Known, said: Said) -> str:
    if not _is_known(number, sentence, known) and not known.is_counted(number):
        return "" if _multiplied(number, sentence, said) else _nowhere(number)
    if why := _beside(number, number, sentence, known, said):
        return why
    units = stems(behind) or stems(ahead)
    if not number.isdigit() or int(number) > MOST_COUNTED or number in known.told_numbers or not units & known.counted:
        return ""
    if known.counts_so(number, behind, ahead) or _multiplied(number, sentence, said):
        return ""
    return _nowhere(" ".join([number, *behind[:2]]))


def _beside(number: str, written: str, sentence: str, known: Known, said: Said) -> str:
    """'Price: 105' in a list below a flight: of this flight, where a look-up says what it costs."""
    label = LABELLED.match(sentence)
    if not label or len(sentence.split()) > SHORT or ADDS.search(sentence):
        return ""
    theirs = known.figures_of(said.about, stems(tokens.of(label[0])))
    if not theirs or number in theirs or number in known.added_up(said.about):
        return ""
    return f"'{written}' stands nowhere beside '{said.about[-1]}'"


def _adds_up(number: str, sentence: str, said: Said) -> bool:
    counts = said.counts if ALL_IN_ALL.search(sentence) else ()
    return ADDS.search(sentence) is not None and derived.follows(number, said.amounts, said.to_come, counts, said.sums)


def _multiplied(number: str, sentence: str, said: Said) -> bool:
    """A total of four, of two for each of two."""
    return ALL_IN_ALL.search(sentence) is not None and derived.times(number, said.counts)


def _is_known_amount(number: str, sentence: str, known: Known) -> bool:
    if number.isdigit() and int(number) < SMALL and known.amounts and number not in known.amounts:
        return False
    return _is_known(number, sentence, known)


def _is_known(number: str, sentence: str, known: Known) -> bool:
    """What the customer calls an amount is none, unless it is told as theirs."""
    if number in known.numbers:
        return True
    return number in known.told_numbers and bool(ECHOES.search(sentence) or not AMOUNT.search(sentence))


def _unnamed(rest: str, known: Known) -> str:
    """A name that nobody gave. In German every noun has a capital, so there only words are compared."""
    if support.GERMAN & {*tokens.of(rest)}:
        return ""
    rest = EXPLAINS.sub(lambda found: " " if found[2].lower() in known.words else found[0], rest)
    for name in _names(LABELLED.sub(" ", rest)):
        odd = [word for word in tokens.of(name) if word not in known.words and word not in NO_NAMES and stems([word]) - known.stems]
        if odd:
            return _nowhere(name)
    return ""


def _names(rest: str) -> Iterator[str]:
    if (begins := SUBJECT.match(rest)) and not begins[1].endswith("ing"):
        yield begins[1]
    yield from WHOLE_NAME.findall(rest)
    yield from (name for name in support.NAME.findall(rest) if name.lower() not in NO_NAMES)


# -- words --------------------------------------------------------------------------------------------------------------------------------


def _unsaid(clause: str, known: Known, said: Said) -> str:
    clause = wording.ASIDE.sub(" ", wording.CONTRAST.sub("", clause))
    found = wording.told_once(tokens.of(figures.TIME.sub(" ", figures.without_days(clause)[0])))
    if not cites_sources.claims_something(clause) or _says_nothing(clause, found, known, said):
        return ""
    if known.together(found) or known.from_source(clause) or (ECHOES.search(clause) and known.told_by_customer(found)):
        return ""
    nearest = known.nearest(found)
    return _lacking(found, known.stems) or (support.support(clause, nearest).why if nearest else "no source speaks of it")


def _says_nothing(clause: str, found: list[str], known: Known, said: Said) -> bool:
    """A courtesy, a question, a plan that waits for a yes, words that lead to a list: nothing, as long as they promise nothing."""
    if known.promises_more(found) or len(found) > LONGEST_POLITE:
        return False
    plain = clause.replace("’", "'").rstrip("\"')* ")
    if (
        plain.endswith(("?", ":"))
        or courtesy.POLITE.search(plain) is not None
        or declines.by_words(plain)
        or not stems(found) - known.named
    ):
        return True
    return said.asks and courtesy.PLANNED.search(plain) is not None


def _lacking(found: list[str], known: set[str]) -> str:
    missing = [word for word in dict.fromkeys(found) if stems([word]) - known]
    return f"no source speaks of {', '.join(repr(word) for word in missing[:3])}" if missing else ""
