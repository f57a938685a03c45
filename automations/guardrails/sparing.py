"""Sparing: what reads like an order to a machine and is none. A person asks a person for something of theirs, or tells of others."""

from automations.guardrails import patterns

# what a person asks of a person
SPARED = patterns.of(
    r"""
    \b(?:my|our) (?:\w+ ){0,2}(?:order|invoice|account|name|reference|tracking|receipt|parcel|booking|claim|policy|card|case|ticket
        |contract|bill|address|refund|delivery|instructions?|message|mail|email|request|question)
    \b(?:tracking|order|invoice|reference|booking|claim|case|ticket|policy|phone|account) (?:number|code|link|no|id)\b|\bcopy of\b
        |\breceipt\b
    \bmeine[rsnm]? \w+|\bunsere[rsnm]? \w+|\b(?:rechnungs|bestell|sendungs|auftrags)nummer\b
    \byour (?:answer|response|reply|message) in (?:writing|english|german|advance|due|time|detail|plain|simple|full)\b
    """
)
NOT_ORDERED = patterns.of(
    r"""
    \b(?:do not|don't|did not|didn't|never|cannot|can't|won't|not going to|how (?:can|could|dare) you|why (?:do|did|would) you|he|she
        |they|driver|courier|colleague\w*|technician|seller|neighbou?r) (?:just |simply |always )?(?:ignore|disregard|forget|override
        |bypass|skip|drop|violate)
    \b(?:ignore|disregard|forget|skip) (?:\w+ ){0,2}my\b|\b(?:instructions?|directions|rules) (?:on|in|inside|from|for) (?:the|my
        |your) (?:box|manual|packag\w*|letter|leaflet|label|booklet|website|app|parcel|product|driver|courier|delivery)\b
    \b(?:instructions?|rules|directions|guidelines|policy|policies) (?:for|on|about|of|regarding) (?:the|my|this|our|returns?|assembl\w+
            |how) \w+
    \b(?:ignorier\w*|vergessen sie|vergiss) (?:bitte )?meine\b|\bgebrauchsanweisung|\b(?:werden|wird|wurden|wurde|haben
        |hat)\b[^.!?]{0,60}\bignoriert
    """
)


def spared(text: str, start: int, end: int) -> bool:
    """What the words before and behind on the same line tell: whose rules they are, and that nobody is ordered."""
    before = text[max(0, start - 40) : start].rpartition("\n")[2]
    return NOT_ORDERED.search(before + text[start:end] + text[end : end + 40].partition("\n")[0]) is not None
