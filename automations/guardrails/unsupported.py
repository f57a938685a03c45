"""Unsupported: what a customer would read claims nothing that no article and no look-up of this run says, and no act that was not done."""

import re

from automations.guardrails import figures, leaving, patterns
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.guardrails.known import MONEY, Known, stems
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
IS_DONE = r"\b(?:has|have|was|were) (?:now |just |already |also |successfully )*(?:been )?(?:<did>)\b"
IST_GETAN = r"\b(?:habe|haben|wurden?|ist|sind|worden)\b[^.!?]{0,80}\b(?:<did>)\b"
CLAIMS = {kind: patterns.of("\n".join((OURS_IS_DONE, IS_DONE, IST_GETAN)), did=did) for kind, did in DONE.items()}
PROMISED = patterns.of(
    r"""
    \b(?:i|we)(?: will|'ll| shall| are going to|'re going to|'m going to| am going to| can) (?:\w+ ){0,2}(?:refund|reimburse|credit
        |compensate|pay)\b
    \byou(?: will|'ll| are going to|'re going to| can) (?:\w+ ){0,2}(?:get|receive|be given|be) (?:\S+ ){0,4}(?:refund(?:ed)?
        |credit(?:ed)?|money back|reimburse\w*|compensat\w*)\b
    \b(?:ich|wir) (?:erstatten?|zahlen?|schreiben?)\b[^.!?]{0,60}\b(?:zurück|gut|betrag|geld|summe|euro|eur)\b
    \b(?:sie|du) (?:bekommen|erhalten|bekommst|erhältst)\b[^.!?]{0,60}\b(?:erstattung|erstattet|gutschrift|gutgeschrieben|zurück)\b
    """
)
AMOUNT = patterns.of(r"[€$£¥]|\b(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|franken|cents?|percent|prozent)\b|%")
ECHOES = patterns.of(
    r"""
    \byou (?:wrote|said|mentioned|asked|told|say|write|want|are asking)\b
    \bsie (?:schrieben|schreiben|sagten|erwähnten|fragen|möchten|nannten)\b
    """
)
# what says nothing of the world: that somebody takes over or looks, what is asked for, how sorry we are
POLITE = patterns.of(
    r"""
    \b(?:i|we)(?: will|'ll|'m going to| am going to| can| could|'d like to| would like to)(?: be)?(?: now| gladly| also| then)? (?:look
        |check|have a look|get back|pass|hand|forward|connect|transfer|let you know|help|assist|guide|proceed|need
        |able to (?:help|assist))\b
    \b(?:i|we)(?:'ll| will)? (?:just |also )?(?:need|require)\b|\b(?:happy|glad|here) to (?:help|assist)\b|\bhow (?:can|may) (?:i
        |we) (?:help|assist)\b
    \b(?:to|before (?:i|we)) (?:proceed|assist|help|continue|verify|confirm|find|look|check|do (?:this|that|so))\b
    \b(?:let me|allow me|give me a (?:moment|minute)|one moment|bear with me|here (?:is|are) (?:the|your|some)|here's)\b
    \b(?:please|kindly|could you|can you|would you|feel free to) (?:\w+ ){0,3}?(?:tell|give|send|provide|share|confirm|let|reply
        |write|check|describe|name|wait|hold|note|specify|choose|review|contact|reach|ask)\b
    \b(?:thanks?|thank you)\b|\byou(?:'re| are) welcome\b|\b(?:i|we)(?:'m| am|'re| are) (?:very |so |really |truly )?(?:sorry|afraid
        |unable|not able)\b
    \b(?:i|we) (?:completely |fully |can |do |sincerely )?(?:understand|apologi[sz]e|appreciate|see)\b|\bmy apologies\b
        |\bhave a (?:\w+ )?(?:day|flight|trip)
    \b(?:i|we) (?:can(?:no|')t|could(?: not|n't)|do(?: not|n't))\b|\bdo not have (?:the )?(?:ability|access)\b|\bif you (?:have|need
        |would like|'d like|want|wish)\b
    \b(?:ich|wir) (?:sehe|sehen|schaue|schauen|prüfe|prüfen|melde|melden|leite|leiten|brauche|brauchen|benötige|benötigen|verstehe
        |verstehen)\b
    \b(?:kann|können|darf|dürfen) (?:ich|wir) (?:ihnen|dir|sonst|noch)\b|\bum (?:fortzufahren|weiterzuhelfen|ihnen (?:zu helfen
        |weiterzuhelfen))\b
    \bbitte (?:\S+ ){0,5}?(?:nennen|senden|schicken|teilen|geben|bestätigen|schreiben|beschreiben|warten|melden|haben)\b
        |\bbitte\b[^.!?]{0,60}\bmit$
    \b(?:vielen |herzlichen |besten )?dank\b|\btut (?:mir|uns)\b[^.!?]{0,20}\bleid\b|\b(?:entschuldigung|entschuldigen sie|leider kann)\b
    \b(?:i|we)(?: will|'ll| can| have|'ve)(?: now| just| already)? (?:search|retrieve|retrieved|found|checked|looked|look)\b|\blet's\b
        |\bi hope\b|\bsafe travels\b
    ^\W*(?:no problem|sure|of course|great|perfect|got it|alright|okay|ok|gerne?|natürlich|alles klar|in ordnung)\W*$
    \b(?:ein kollege|eine kollegin|ein mensch|a colleague|a person|a human|a team ?mate)\b
    """
)
LONGEST_SENTENCE = 200  # words
LONGEST_POLITE = 30  # words: what is longer says something besides
VERB = (
    r"(?:is|are|was|were|will|has|have|had|can|may|gets?|comes?|came|arrives?|arrived|goes|went|costs?|says?|said"
    r"|ist|sind|war|waren|wird|werden|wurden?|hat|haben|kommt|kommen|kann|können|bekommt|bekommen|erhält|erhalten|geht|kostet|sagte?)"
)
WHO = r"(?:your|the|it|they|we|i|you|this|that|he|she|there|ihre?|die|der|das|wir|ich|sie|es|dies)"
CLAUSE = re.compile(  # where another thing is said in the same sentence
    r"\s*[;–—]\s+|(?:,\s+|,?\s+(?:and|but|so|because|while|which|und|aber|denn|sodass)\s+)"
    rf"(?={WHO}\b[^,;]{{0,120}}?\b(?:{VERB}|n't|'ll|'ve|'s|'re|'m)\b)",
    re.IGNORECASE,
)


def look(at: Looked) -> Verdict:
    """A sentence stands where one source says it, or where look-ups and the customer's own words say it together."""
    if not leaving.is_read(at):
        return Verdict(True)
    known = Known(at)
    for sentence in figures.sentences(leaving.words(at)):
        if tokens.plain(sentence) not in known.ours and (why := _against(sentence, known)):
            return Verdict(False, f"Nothing that this run looked up says '{cut(sentence, 120)}': {why}. A person answers.")
    return Verdict(True)


def _against(sentence: str, known: Known) -> str:
    """Empty where nothing is."""
    if len(sentence.split()) > LONGEST_SENTENCE or len(sentence) > LONGEST_SENTENCE * 10:
        return "it is too long a sentence to be compared"
    if why := _undone(sentence, known) or _uncounted(sentence, known):
        return why
    return next((why for clause in CLAUSE.split(sentence) if (why := _unsaid(clause, known))), "")


def _undone(sentence: str, known: Known) -> str:
    """What is told as done has to be done, by this run or before it, as a look-up says; what is promised as well."""
    if not known.knows_what_was_done or sentence.rstrip().endswith("?"):
        return ""
    plain, kinds = sentence.replace("’", "'"), {one.kind for one in known.did}
    for kind, claim in CLAIMS.items():
        if (found := claim.search(plain)) and kind not in kinds and not _done_before(kind, found.group(0), sentence, known):
            return "it tells of an act that this run did not do"
    if PROMISED.search(plain) and not kinds & {*MONEY} and not known.from_source(sentence):
        return "it promises money, and this run moved none"
    return ""


def _done_before(kind: str, claim: str, sentence: str, known: Known) -> bool:
    return known.says(tokens.of(claim)[-1]) or (kind == "refund" and known.refunded()) or known.from_source(sentence)


def _uncounted(sentence: str, known: Known) -> str:
    """A day, a time or a number that stands nowhere."""
    rest, days = figures.without_days(sentence)
    if odd := next((day for day in days if not known.has_day(day)), None):
        return f"the day {figures.shown(odd)} stands in no source"
    if any(time not in known.times for time in figures.times(rest)):
        return "its time of day stands in no source"
    numbers = (one for one in tokens.of(figures.TIME.sub(" ", rest)) if one[0].isdigit())
    odd_number = next((one for one in numbers if not _is_known(one, sentence, known)), "")
    return f"the number {odd_number} stands in no source" if odd_number else ""


def _is_known(number: str, sentence: str, known: Known) -> bool:
    """What the customer calls an amount is none, unless it is told as theirs."""
    if number in known.numbers:
        return True
    return number in known.told_numbers and bool(ECHOES.search(sentence) or not AMOUNT.search(sentence))


def _unsaid(clause: str, known: Known) -> str:
    found = tokens.of(figures.TIME.sub(" ", figures.without_days(clause)[0]))
    if not cites_sources.claims_something(clause) or _says_nothing(clause, found, known):
        return ""
    if known.from_source(clause) or known.together(found):
        return ""
    nearest = known.nearest(found)
    return _lacking(found, known.stems) or (support.support(clause, nearest).why if nearest else "no source speaks of it")


def _says_nothing(clause: str, found: list[str], known: Known) -> bool:
    """A courtesy, a question, words that lead to a list: they tell nothing of the world, as long as they promise nothing."""
    if known.promises_more(found) or len(found) > LONGEST_POLITE:
        return False
    plain = clause.replace("’", "'").rstrip("\"')* ")
    return plain.endswith(("?", ":")) or POLITE.search(plain) is not None or declines.by_words(plain) or not stems(found)


def _lacking(found: list[str], known: set[str]) -> str:
    missing = [word for word in dict.fromkeys(found) if stems([word]) - known]
    return f"no source speaks of {', '.join(repr(word) for word in missing[:3])}" if missing else ""
