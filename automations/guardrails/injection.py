"""Injection: text from outside that speaks to the machine. It finds the plain ones; what holds when it finds none stands in code elsewhere.

A text is read as it stands, and as a model could read it: without hidden signs, decoded, turned round, with its letters moved together.
"""

import re
from collections.abc import Iterator

from automations.guardrails import disguises, patterns, signs, sparing
from automations.guardrails.face import CAME, Declaration, Looked, Verdict
from evals.graders.values import cut

declaration = Declaration(
    name="injection",
    title="Injection",
    explanation="Stops where text from outside gives the machine orders, also hidden or encoded ones. A flag, not the lock.",
    icon="bug_report",
    looks_at=frozenset({CAME}),
)
MACHINE = (
    r"ai|a\.i\.|llms?|gpt|chat ?gpt|claude|language models?|(?:ai |virtual |digital |support |automated )?(?:assistants?|chat ?bots?|bots?)"
    r"|(?:ai|automated|support) (?:agents?|systems?)|ki|sprachmodell|(?:ki-?)?assistent(?:en)?|automatisierte[sn]? systeme?"
)
ORDERS = (
    r"instructions?|directions|directives?|prompts?|guidelines|rules|polic(?:y|ies)|programming|safeguards?|restrictions|guardrails?"
    r"|training|constraints|safety|filters|commands|orders"
)
WEISUNG = (
    r"(?:system)?anweisungen|(?:system)?anweisung|instruktionen|vorgaben|regeln|richtlinien|sicherheitsregeln|einschränkungen|prompts?"
)
SPEAKS = patterns.of(
    r"""
    \b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|neglect|discard|skip|drop
        |violate)\b (?:\w+ ){0,3}?(?:all|any|every|previous|prior|above|earlier|preceding|your|these|those|system|existing|current|other
        |safety|original|initial|built-in)(?: \w+){0,4}? (?:<orders>)\b
    \b(?:ignore|disregard|forget|override) (?:the )?(?:<orders>) (?:above|before|you (?:were|are|have been)|that (?:came|were)|given
        |from (?:the|your) (?:system|developer|operator))\b
    \b(?:ignore|disregard|forget) (?:everything|anything|all|whatever) (?:that )?(?:you (?:were|have been|are|know|learned)|above|before
        |the system|(?:was|is) (?:written|said) above|prior|previously)\b
    \b(?:ignorier\w*|vergiss|vergessen sie|missacht\w*|überschreib\w*|umgeh\w*) (?:\S+ ){0,3}?(?:alle|alles|jede|sämtliche|bisherigen?
        |vorherigen?|vorigen?|obigen?|deine|ihre|die) (?:\S+ ){0,4}?(?:<weisung>)\b
    \b(?:vergiss|ignoriere) (?:alles|was),? (?:was )?(?:du|dir|man dir|oben|vorher|bisher|davor)\b
    \b(?:you are now|from now on,? you(?: are|'re| will| must)|act as|pretend (?:to be|that you are|you are|you're)|role-?play as
        |behave (?:as|like)|impersonate|simulate|switch (?:in)?to|enter|enable|activate) (?:an? |the |my |in[ ]
        |being )*(?:\w+ ){0,3}?(?:<machine>|dan|jailbro\w+|unrestricted|unfiltered|uncensored|(?:developer|debug|admin(?:istrator)?
        |maintenance|god|sudo|root|test|override|diagnostic|unsafe) mode|system administrator|superuser|root user)\b
    \b(?:ab jetzt|ab sofort|von nun an|du bist jetzt|du bist nun|verhalte dich|tu so|handle als|agiere als
        |spiele)\b[^.!?\n]{0,40}\b(?:<machine>|admin\w*|entwicklermodus|ohne (?:regeln|einschränkungen|beschränkungen)|unbeschränkt\w*
        |systemadministrator|wartungsmodus)\b
    \b(?:reveal|print|repeat|show|output|display|disclose|leak|recite|summari[sz]e|give|tell me|send|copy|translate|dump|what (?:is|are
        |was|were)) (?:me |us |out |back )*(?:the |your |its |all )*(?:\w+ )?(?:system|hidden|initial|original|secret|internal|developer
        |full|entire|confidential) (?:prompts?|instructions?|rules|guidelines|configuration|directives?)\b
    \b(?:zeig\w*|nenn\w*|verrat\w*|wiederhol\w*|gib|geben sie|druck\w*|schick\w*|send\w*|übersetz\w*)\b[^.!?\n]{0,30}\b(?:systemprompts?
        |system-prompts?|systemanweisung(?:en)?|systemnachricht|interne[n]? anweisungen|geheime[n]? anweisungen|deine[n]? (?:anweisungen
        |instruktionen|regeln))\b
    \bignore (?:all |the |these |those |your )?instructions,? (?:and|just|instead)\b|\bignore the rest of (?:this|the) \w+,? and\b
    ^\s*assistant\s*:[^\n]*\n\s*(?:user|human)\s*:|</?(?:information|important|new_task|override)>
    \bto you, (?:gpt|claude|ai|the (?:<machine>))\b|\b(?:please )?do the following (?:first|before|instead)\b
    \bbefore (?:you )?(?:answer|solv|repl|respond|continu)\w*,? you must\b|\b(?:execute|perform|carry out) the following (?:action|task
        |step|order)s?\b
    \bführe\w* (?:zuerst |sofort |bitte )?(?:die )?folgende[ns]? (?:aktion|anweisung|schritt|befehl)\w*\b
    \b(?:new|real|actual) (?:task|objective|goal|mission)(?: is to\b|\s*:)|\b(?:neue|eigentliche|wahre) aufgabe\s*:
    \b(?:end|ende) (?:of|der|des) (?:the )?(?:customer |user )?(?:e-?mail|mail|message|document|context|input|data
        |nachricht)\b\W{0,12}(?:new|operator|system
        |now|neue|jetzt)\b
    \b(?:as|i am|i'm|here is) (?:the|an|your) (?:admin(?:istrator)?|operator|developer|system|root)\b[^.!?\n]{0,30}\b(?:give|grant
        |authori[sz]e|order
        |instruct|command|permit|allow)\b
    \byou (?:have been|are|were) (?:now )?(?:granted|given|authori[sz]ed|permitted|allowed)\b[^.!?\n]{0,20}\b(?:elevated|admin\w*
        |full access|root|exceed
        |override|bypass|ignore|skip)\b
    \b(?:(?:your|refund|credit|payout) (?:limits?|caps?)|guardrails?|restrictions?) (?:has|have|had|was|were|is
            |are) (?:now |been )*(?:lifted|removed|disabled|suspended
        |waived|turned off)\b
        |\brefunds? (?:above|over|beyond) the limit (?:is|are) (?:allowed|permitted|fine|ok)
    \b(?:grenzen?|limits?|beschränkung\w*) (?:ist |sind |wurden? )?(?:aufgehoben|entfernt|ausgesetzt|abgeschaltet)\b
    \bthe (?:user|customer) (?:has|is|was) (?:already )?(?:been )?(?:fully )?(?:authori[sz]ed|verified|entitled)\b
    (?:^|[.;,!] ?|\band )skip (?:the |all |any )?(?:verification|approval|checks?|confirmation|review|authori[sz]ation)\b
    \bpre-?(?:approved|authori[sz]ed) by (?:the )?(?:compliance|management|system|legal|finance|admin\w*|security|developer)\b
    \byour (?:guidelines|instructions|restrictions|system rules) (?:have|has) (?:now )?(?:changed|been (?:changed|updated|lifted|removed
        |replaced))\b
    \b(?:needs?|requires?) no (?:more |further )?(?:approval|verification)\b|\bno (?:further )?(?:approval|verification
        |authori[sz]ation) (?:is )?(?:needed|required
        |necessary)\b|\b(?:braucht|brauchen|benötigt) keine (?:freigabe|genehmigung|prüfung)\b
    \bdo whatever (?:the customer|the user|i|they|he|she) (?:asks?|says?|wants?|tells?)\b
    \bwhen(?:ever)? you (?:summari[sz]e|read|process|answer|handle|translate) this\b
    ^\W*(?:todo|action|task|instruction|command|befehl|aufgabe|aktion)\s*:\s*(?:refund|credit|send|transfer|pay|approve|forward|delete
        |execute|issue
        |erstatte|überweise|sende|lösche|zahle|genehmige)\b
    \b(?:system|developer|hidden|master) prompts?\b
    \b(?:tell|inform|assure|promise|notify|convince) (?:the|this|your|our) (?:customers?|clients?|users?|buyers?|readers?) (?:that|to|they
        |we)\b
    \b(?:sag\w*|teile|versprich|versicher\w*) (?:dem|der|den|diesem|dieser|unserem) (?:kunden|kundin|nutzer\w*|leser\w*)\b
    ^\W{0,6}(?:system|assistant|developer|ai|model|tool|function|operator|admin)(?: (?:prompt|message|note|notice|instructions?|override
        |update|command|result|output))? ?(?::|>|»|\])[^\n]{0,200}\b(?:you (?:are|must|should|will|shall|may|can|now|have)|ignore
        |disregard|refund\w*|credit|transfer|pay|approv\w*|grant|override|execute|call|run|issue|reveal|send|forward|delete|is verified
        |verified (?:customer|user|vip)|limits?|instructions?|comply|from now|du (?:bist|musst|sollst|darfst)|erstatte|überweise
        |genehmig\w*|ignoriere|sende)\b
    <\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id)\|?>|\[/?INST\]|<</?SYS>>
        |^ ?#{2,} ?(?:system(?: prompt)?|instruction|new instructions?|assistant|human)\s*:?\s*$|</?(?:system|instructions?
        |assistant|developer|tool_call|function_calls?|invoke|tool_result|untrusted|admin)(?: [^>]{0,80})?>|\[(?:system|developer
        |admin)(?: (?:message|note|override|prompt|instructions?))?\]|-{2,} ?(?:begin|end|start)(?: of)? (?:system|instructions?|prompt
        |user|untrusted|conversation|input|context|document|email|data)\b
    ["'](?:role|from)["']\s*:\s*["'](?:system|assistant|developer|tool)["']
    ["']?(?:tool_calls?|function_calls?|tool_use|tool_name)["']?\s*[:=]\s*[\[{"']
    \{\s*["'](?:name|tool|function|action|step)["']\s*:\s*["'][a-z_ -]{2,40}["']\s*,\s*["'](?:arguments|parameters|args|input|params
        |with|action_input)["']\s*:
    \{\s*["'](?:tool|function|action|step)["']\s*:\s*["'][a-z_ -]{2,40}["']\s*,\s*["'](?:amount|to|order|text)["']\s*:
    \b(?:refund|credit|send_?reply|send_?e?mail|issue_?refund|transfer|http_?call|call_?service|hand_?over|set_?field|route|tag|delete\w*
        |update\w*|get_\w+|look_?up\w*|exec(?:ute)?|run)\((?:\s*|[^()\n]{0,40}(?:=|:|["'0-9])[^()\n]{0,200})\)
    (?:^|[.!?:;,] ?|\b(?:please|now|then|immediately|must|should|shall|to|and|you) )(?:call|invoke|execute|trigger|use
            |run) (?:the |your[ ]
        |its )?(?:\w+[ _-]){0,4}(?:tool|function|api|endpoint|webhook|plugin)\b[^.!?\n]{0,80}(?:\b(?:with|to|for|on|using|and)\b|:)
    \b(?:rufe?|führe?|benutze|verwende|starte) (?:\S+ ){0,4}(?:werkzeug|tool|funktion|api|schnittstelle)\b[^.!?\n]{0,60}\b(?:auf|aus|mit
        |und)\b
    \b(?:attention|notice|note|message|memo|reminder|instructions?|important(?: \w+)?|directive|command|orders?)(?: (?:to|for)) (?:the[ ]
        |any |all |every |our |your )?(?:\w+ )?(?:<machine>)\b[^\n]{0,4}(?:[:,.!-]|who|that|reading|processing|handling)
    \battention,? (?:<machine>)\b
    \b(?:hinweis|nachricht|anweisung|achtung|mitteilung|befehl)(?: an| für|,)(?: das| den| die| alle)? (?:\w+ )?(?:<machine>)\b
    \bif you are (?:an? |the )?(?:\w+ )?(?:ai|llm|language model|assistant|automated \w+)\b[^.!?\n]{0,30}\b(?:reading|processing
        |summari\w+|handling|parsing|answering|,? (?:you must|ignore|then|do|please (?:ignore|refund|send|approve|reply with|include)))\b
    \bfalls du (?:eine? )?(?:ki|sprachmodell|assistent|bot)\b[^.!?\n]{0,60}\b(?:ignorier\w*|musst|erstatte|sende|antworte)\b
    \bas an? (?:ai|llm|language model|ai assistant|assistant|ai agent)\b[^.!?\n]{0,20}\b(?:you (?:must|should|will|shall|are|have to
        |need to)|your (?:task|job|duty|role|goal))\b
    \b(?:new|updated|real|actual|secret|hidden|special|revised|additional|overriding|following) (?:system )?(?:<orders>) (?:for|to
        |from) (?:you\b|the (?:<machine>)|your (?:developer|operator|admin\w*|creator))
    \byour (?:new|real|actual|only|true|updated|primary) (?:task|goal|objective|instructions?|role|job|mission|rules?
        |purpose|directive|identity)(?: is| are| now|:| will)
    \bdeine (?:neue[nrs]?|eigentliche[nrs]?|einzige[nrs]?|wahre[nrs]?) (?:aufgabe|rolle|anweisung(?:en)?|ziel|regeln?) (?:ist|sind|lautet
        |lauten)\b
    \bneue (?:system)?anweisung(?:en)?(?: für (?:dich|die ki|den assistenten|das system))?:
    \b(?:system|admin(?:istrator)?|security|safety|policy|limit|developer) (?:override|bypass)\b|\boverride (?:code|mode|key|the (?:limit
        |check|system|safety|approval))\b|\b(?:sudo|jailbreak|prompt injection)\b
    \b(?:refund|credit|transfer|pay|wire|approve|issue|grant|process|execute|send|proceed)\b[^.!?\n]{0,80}\bwithout (?:any |further[ ]
        |asking[ ]
        |waiting for |needing |requiring )*(?:approval|confirmation|confirming|verification|verifying|checking|checks?|authori[sz]ation
        |human|review|a (?:check|review|human)|asking (?:for|any\w*|the|a|your)[ ](?:\w+ )?(?:approval|permission|confirmation
        |human|one|supervisor|manager|person))\b
    \b(?:erstatt\w*|überweis\w*|zahl\w*|genehmig\w*|gutschr\w*|sende\w*)\b[^.!?\n]{0,80}\bohne (?:weitere |eine |jede |jegliche[ ]
        |vorherige )*(?:rückfrage|prüfung|genehmigung|bestätigung|freigabe|kontrolle|nachfrage)\b
    \b(?:do not|don't|never|without) (?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|notify(?:ing)?|alert(?:ing)?|reveal(?:ing)?
        |disclos(?:e|ing)|let)\b[^.!?\n]{0,40}\b(?:the user|the customer|users?|the supervisor|the operator|any (?:human|person|staff)
        |the human|these instructions|this instruction|this message|this prompt|your (?:developer|operator|creator|system))\b
    \b(?:verrate|sage?|erwähne|erzähle|informiere|melde)\b[^.!?\n]{0,30}\b(?:dem nutzer|dem kunden|den nutzer|den kunden|niemandem
        |keinem menschen)\b[^.!?\n]{0,40}\b(?:nicht|nichts|davon|anweisung\w*)\b
    \b(?:send|forward|e-?mail|post|upload|exfiltrate|copy|transmit|leak|export|bcc)\b (?:me |us |over |them )*(?:all|the|any|every|each
        |this|these|their|other|a list of|everything)\b[^.!?\n]{0,60}\b(?:conversations?|chat history|history|customers?'? (?:data|list
        |records?|details|names?|addresses)|customer(?:s|s')?\b|user data|users|passwords?|credentials|database|api keys?|tokens?
        |secrets?|internal (?:notes|data|documents)|records)\b[^.!?\n]{0,60}\bto\b
    \b(?:send\w*|schick\w*|leit\w*|überm\w*|exportier\w*|kopier\w*)\b[^.!?\n]{0,30}\b(?:alle|sämtliche|die|den
        |andere[rn]?)\b[^.!?\n]{0,40}\b(?:kundendaten|passwörter|zugangsdaten|datenbank|kunden|gesprächsverlauf|verlauf
        |schlüssel)\b[^.!?\n]{0,40}\b(?:an|nach|zu|weiter)\b
    !\[[^\]\n]{0,100}\]\([^)\n]{0,200}(?:\?|=|\{)[^)\n]{0,200}\)
    """,
    machine=MACHINE, orders=ORDERS, weisung=WEISUNG,
)  # fmt: skip
# orders about how the answer is to be written: what a customer asks of their own matter is none
ANSWERS = patterns.of(
    r"""
    ^\W*(?:please )?(?:modify|augment|enhance|alter|rewrite|rephrase|adjust|extend|change) (?:your|the) (?:answer|response|reply|output
        |message)\b
    \b(?:include|add|insert|integrate|append|embed|incorporate|put|introduce|slip|place|weave)\b[^\n]{1,200}\b(?:in|into|to|within
        |at the (?:end|beginning|start) of) your (?:answer|response|reply|output|summary|message)\b
    \b(?:include|add|insert|integrate|append|embed|incorporate)\b[^\n]{1,30}\bin your (?:answer|response|reply|output)\b
    (?:^|[.!?:] )\W*in your (?:answer|response|reply|output), \w+
    ^\W*(?:replace|substitute|swap|convert|misspell|scramble|jumble|reverse|capitali[sz]e)\b[^.!?\n]{0,20}\b(?:letters?|words?|vowels?
        |consonants?)\b[^.!?\n]{0,20}\b(?:with|by|for|into)\b
    \b(?:misspell|scramble|jumble|anagram\w*|rearrange|reverse|substitute|replace|remove|convert|group|capitali[sz]e|swap|encode|combine
        |shuffle|encrypt|render|spell|mix)\b[^.!?\n]{0,60}\b(?:letters?|words?|vowels?|consonants?|spaces?|characters?|syllables?|message
        |response|reply|answer)\b[^.!?\n]{0,50}\byour (?:answer|response|reply|output|message)\b
    \b(?:misspell|scramble|jumble|anagram\w*|rearrange|reverse|substitute|replace|remove|convert|group|swap|encode|combine|shuffle
        |encrypt|render|mix up)\b[^.!?\n]{0,40}\byour (?:answer|response|reply|output|message)
    \b(?:letters?|words?|vowels?|symbols?|spaces?|anagrams?|numbers?|typos|emojis?|rhymes?|base64|morse|pig latin
        |caesar)\b[^.!?\n]{0,40}\b(?:in|from|of) your (?:answer|response|reply|output|message)\b
    \b(?:provide|give|write|render|format|phrase|produce|return|make) (?:me )?your (?:answer|response|reply|output
        |message) (?:with(?:out)?|in|using|as|by)\b
    \b(?:respond|reply|answer) (?:only|solely|exclusively|strictly|just) (?:with|in|using)\b|\bonly (?:respond|reply|answer
        |output) (?:with|in)\b|\bbegin your (?:answer|response|reply) with\b|\b(?:answer|respond|reply) (?:in the style of|like a
        |as if you were)\b
    \b(?:füge|baue|schreibe|nimm|ergänze)\b[^.!?\n]{0,120}\b(?:in|zu|an) (?:deine[rn]?|deiner) (?:antwort|ausgabe|nachricht)\b
        |\b(?:ersetze|vertausche|verdrehe|entferne)\b[^.!?\n]{0,60}\bdeiner antwort\b|\bantworte (?:nur|ausschließlich) (?:mit|in|als)\b
    """,
)  # fmt: skip
PIECE = re.compile(r"\n+|(?<=[.!?])\s+(?=\S)")
WHY = "What came in speaks to the machine"


def look(at: Looked) -> Verdict:
    for told, found in _orders(at.text):
        return Verdict(False, f"{WHY}{told}: '{cut(' '.join(found.split()), 80)}'. A person reads it.")
    return Verdict(True)


def _orders(text: str) -> Iterator[tuple[str, str]]:
    """How it is hidden, and what stands there."""
    yield from disguises.signs(text)
    plain = disguises.plain(text)
    yield from (("", found) for found in _spoken(plain, whole=True))
    if adds_up := signs.added_up(plain):
        names, words = adds_up
        yield f": it {' and '.join(names[:3])}", words
    for told, read in disguises.readings(plain):
        yield from ((f", {told}", found) for found in _spoken(read))


def _spoken(text: str, *, whole: bool = False) -> Iterator[str]:
    """Orders to the machine; in what is read otherwise than it stands, only the sure ones."""
    for found in SPEAKS.finditer(text):
        if not sparing.spared(text, found.start(), found.end()):
            yield found.group(0)
    if whole:
        yield from (found.group(0) for piece in PIECE.split(text) if (found := ANSWERS.search(piece)) and not sparing.SPARED.search(piece))
