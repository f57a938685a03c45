"""Signs: what text for a machine does that mail between people seldom does. Each weighs little; what stands close together adds up.

The weights are set by hand and can be read: 1 is what customers also write, 2 is rare among them, 3 nearly speaks for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from automations.guardrails import patterns, sparing
from automations.guardrails.patterns import Patterns

ENOUGH = 3  # points of different signs
ALIKE = (("orders an act", "moves money unasked"), ("greets a machine", "speaks to a machine", "is meant for a program"))
NEAR = 260  # characters within which they stand
MACHINE = (
    r"ai|a\.i\.|llms?|gpt|chat ?gpt|claude|gemini|copilot|(?:large )?language models?|(?:ai|virtual|digital|automated|support|email"
    r"|mail) assistants?"
    r"|assistants?|chat ?bots?|bots?|(?:ai|automated|autonomous|software) (?:agents?|systems?|readers?|pipelines?|process\w*)|ki"
    r"|ki-\w+|sprachmodell\w*"
    r"|(?:ki-?)?assistent\w*|automatisierte[nrs]? \w+"
)
RULES = (
    r"instructions?|directions|directives?|prompts?|guidelines?|rules?|rulebook|programming|safeguards?|restrictions?|guardrails?"
    r"|constraints?|filters?"
    r"|protocols?|policies|policy|limits?|limitations?|training|orders|commands?|briefing|safety \w+|anweisung\w*|instruktion\w*"
    r"|vorgaben?|regeln?"
    r"|richtlinien?|einschränkung\w*|beschränkung\w*|befehle?|schranken|grenzen"
)
CHECK = (
    r"approvals?|confirmations?|verifications?|authori[sz]ations?|reviews?|checks?|checking|sign-?off|second look|human|supervisor"
    r"|manager|asking (?:a|any|for (?:approval|permission))\w*"
    r"|permission|freigabe|prüfung|genehmigung|bestätigung|rückfrage\w*|kontrolle|nachfrage|zustimmung"
)
REPLY = r"repl(?:y|ies)|answers?|responses?|outputs?|summar(?:y|ies)|messages? back|antwort\w*|zusammenfassung\w*|ausgabe\w*"


# what binds it, as somebody speaks of it who wants it gone; and the words by which it goes
BOUND = (
    r"your (?:\w+ ){0,3}(?:rules?|guidelines?|guidance|instructions?|briefing|orders|polic\w+|setup|settings|programming|limits?"
    r"|restrictions|training|prompt|duties|caution)"
    r"|(?:house|company'?s?|shop'?s?|safety|usual|standing|earlier|previous|old) (?:rules?|briefing|guidance|guidelines?"
    r"|instructions?|orders|limits?|polic\w+)|guidance you|whatever (?:the|your) (?:policy|rules?|operators?|developers?|company"
    r"|guidelines|instructions)"
    r"|(?:what|everything|whatever|all|anything|things?) (?:that )?(?:your|the) (?:operators?|developers?|creators?|makers?|owners?"
    r"|company|bosses|programmers?)|everything in your|amount cap|spending limit"
    r"|dein\w* (?:\w+ ){0,2}(?:vorgaben|regeln|vorschriften|anweisung\w*|richtlinien|grenzen|einstellung\w*|programmierung)|(?:alle"
    r"|früheren?|bisherigen?|alten|geltenden) (?:\w+ )?(?:vorgaben|vorschriften|anweisung\w*|richtlinien)|(?:regeln|vorgaben"
    r"|vorschriften) (?:deine\w*|des|der) \w+|was (?:man|dir|deine?)\b[^.!?\n]{0,30}(?:vorgeschrieben|beigebracht|gesagt|vorgegeben)"
    r"|das limit|die obergrenze"
)
VOID = (
    r"outdated|obsolete|void|cancell?ed|mistake|wrong|drill|over|aside|to one side|no longer|any more|anymore|not apply|not concern"
    r"|not count|not bind|none|nothing|does not exist|raised|suspended|expired|gone|forget|ignore|disregard|skip|drop|stop|unlearn"
    r"|start over|leave behind"
    r"|hinfällig|außer kraft|ungültig|zählt nicht|zählt\b[^.!?\n]{0,30}nicht mehr|nicht mehr|keine rolle|beiseite|aufgehoben|vergiss"
    r"|ignoriere|egal|überholt|erledigt|abgelaufen"
)


@dataclass(frozen=True)
class Sign:
    """What it does, in words that follow 'it'."""

    name: str
    weight: int
    pattern: Patterns


def _sign(name: str, weight: int, lines: str) -> Sign:
    return Sign(name, weight, patterns.of(lines, machine=MACHINE, rules=RULES, check=CHECK, reply=REPLY, bound=BOUND, void=VOID))


SIGNS = (
    _sign("sets rules aside", 3, r"""
        \b(?:ignor\w+|disregard\w*|forget|overrid\w+|bypass\w*|circumvent\w*|set(?:ting)? aside|put(?:ting)? aside|leave aside|discard
            |abandon|dismiss|drop
            |disobey|overwrite|supersede|delete|erase|wipe|unlearn|suspend|disable|turn off|switch off|deactivate|stop (?:following
            |obeying|applying|using)
            |cease (?:to follow|following)|(?:do not|don't|need not|no longer|never) (?:follow|obey|apply|adhere to|be bound by
            |listen to|have to follow)
            |pay no (?:attention|heed) to|throw (?:out|away)|break (?:free|out) (?:of|from)|not bound by|free (?:of
            |from))\b[^.!?\n]{0,40}\b(?:your|all|any|every
            |previous\w*|prior|earlier|above|before|original|existing|current|usual|normal|standard|initial|those|these|system|safety
            |so far|old)\b[^.!?\n]{0,40}\b(?:<rules>)\b
        \b(?:your|all|these|those|previous|prior|earlier) (?:\w+ ){0,2}(?:<rules>)\b[^.!?\n]{0,40}\b(?:no longer (?:apply|applies|hold
            |holds|count|bind|valid|in force)|(?:do|does) not apply|(?:are|is) (?:now )?(?:void|suspended
            |obsolete|outdated|irrelevant|null|cancelled|revoked|disabled|off)|(?:have|has) been (?:replaced|revoked|superseded|lifted
            |suspended|disabled|switched off|reset))\b
        \b(?:forget|ignore|disregard|erase|discard)\b (?:absolutely |completely )?(?:everything|anything|all|whatever
            |what)\b[^.!?\n]{0,30}\b(?:you (?:were|have been|know|learned|read)
            |(?:is|was|stands?|stood|written|came|given) (?:above|before)|so far|until now|up to (?:here|now|this)|preced\w+)\b
        \b(?:ignorier\w*|vergiss|vergessen sie|missacht\w*|überschreib\w*|umgeh\w*|verwirf|lösche|setz\w* dich|hör\w* auf
            |halte? dich nicht|halten sie sich nicht|lass\w*)\b[^.!?\n]{0,50}\b(?:alle\w*|jede\w*|sämtliche\w*|bisherig\w*|vorherig\w*
            |vorig\w*|obig\w*|frühere\w*|dein\w*|deine\w*|ihre|geltende\w*|interne\w*)\b[^.!?\n]{0,30}\b(?:<rules>)\b
        \b(?:<rules>)\b[^.!?\n]{0,40}\b(?:gelten nicht|gilt nicht|gelten ab|sind (?:aufgehoben|ungültig|hinfällig|ausgesetzt
            |außer kraft)|ist (?:aufgehoben|ungültig|ausgesetzt)|(?:wurden?|sind) (?:aufgehoben|ersetzt|abgeschaltet))
        \b(?:vergiss|ignoriere|verwirf) (?:alles|was)\b[^.!?\n]{0,30}\b(?:bisher|oben|vorher|davor|zuvor|bis hierher)\b
    """),
    _sign("greets a machine", 1, r"""
        \b(?:dear|hey|hello|hi|hallo|liebe[rs]?) (?:\w+ ){0,1}(?:<machine>)\b|^\W*(?:<machine>)\s*[,:]
    """),
    _sign("speaks to a machine", 2, r"""
        \b(?:attention|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|memo (?:to|for)|notice (?:to|for)|reminder (?:to|for)
            |to (?:the|any|all|every)|for (?:the|any|all|every)|you,? (?:the|an?)|you are (?:an?|the)|you're (?:an?|the)|as an?
            |since you are an?|if you are an?) (?:\w+ ){0,2}(?:<machine>)\b
        \b(?:achtung|hinweis an|nachricht an|mitteilung an|an (?:das|die|den|alle)|für (?:das|die|den|alle)|du bist (?:eine?|das|die)
            |als|falls du eine?) (?:\w+ ){0,2}(?:<machine>)\b
    """),
    _sign("speaks to whatever processes it", 2, r"""
        \b(?:whoever|whatever|anyone|anything|any (?:system|tool|model|software|program|agent|process|machine)|the (?:system|tool|model
            |software|program|agent|process|machine|pipeline)|those|who(?:ever)? (?:is
            |are)) (?:that |which |who |is |currently |automatically )*(?:reads?|reading|process\w*|handl\w*|summari[sz]\w*|pars\w*
            |index\w*|analy[sz]\w*|triag\w*|scan\w*)\b
        \b(?:when|while|once|if|before|after|as soon as|upon) (?:you |the (?:system|tool|model
            |agent) |being )?(?:are |have |has )?(?:read\w*|see|process\w*|summari[sz]\w*|pars\w*|encounter\w*|handl\w*|index\w*
            |triag\w*)\b[^.!?\n]{0,30}\b(?:this|these|the (?:above|following|mail|e-?mail|message|text|ticket|document|conversation
            |request))\b
        \b(?:wenn|sobald|falls|während|bevor|nachdem) (?:du|sie|das system|die ki)\b[^.!?\n]{0,30}\b(?:dies\w*|die nachricht|den text
            |das ticket|die mail)\b[^.!?\n]{0,20}\b(?:les\w*|liest|verarbeit\w*|bearbeit\w*|zusammenfass\w*|beantwort\w*|einles\w*)\b
        \b(?:wer|was|jedes system|welches system)\b[^.!?\n]{0,20}\b(?:auch immer|das)\b[^.!?\n]{0,30}\b(?:liest|verarbeitet|auswertet
            |bearbeitet)\b
    """),
    _sign("speaks of its instructions", 2, r"""
        \byour (?:\w+ ){0,2}(?:instructions?|prompts?|programming|guidelines|system message|directives?|configuration|guardrails
            |safeguards|training(?: data)?|rulebook|restrictions)\b
        \b(?:system|developer|hidden|initial|master|base|setup) (?:prompts?|messages?|instructions?)\b|\b(?:instructions?|rules
            |directives?|text|words) (?:that )?you (?:were|have been|are|got) (?:given|told|shown|handed|provided|working)\b
        \b(?:dein\w*|deine[mnr]?) (?:\w+ ){0,2}(?:anweisung\w*|instruktion\w*|systemprompt\w*|vorgaben|regeln|richtlinien|konfiguration
            |beschränkung\w*|programmierung)\b|\bsystem-?(?:prompts?|nachricht|anweisung\w*)\b
    """),
    _sign("gives a role", 2, r"""
        \b(?:you are (?:now|no longer|hereby)|from (?:now|here|this point|this moment) on\w*,? (?:you|your|act|answer|reply|treat
            |respond)|henceforth|act as (?:if|though|an?|the|my)|pretend|play(?:ing)? the (?:role|part)|role-?play|imagine (?:you
            |that you|yourself)|take on the (?:role|persona|identity)
            |assume the (?:role|identity|persona)|your (?:new |real |actual |true |only |sole )(?:role|name|persona|identity|job|task
            |purpose|goal|mission|objective|assignment)|speak as|simulate|behave (?:as|like)|you (?:will|shall) (?:be|become|act|play))\b
        \b(?:ab jetzt|ab sofort|von nun an|künftig|fortan|du bist (?:jetzt|nun|nicht mehr|ab)|verhalte dich|tu so|handle als|agiere als
            |stell dir vor|spiel\w* (?:die rolle|den|eine)|nimm die rolle|deine (?:neue|eigentliche|wahre|einzige) (?:rolle|aufgabe
            |identität))\b
    """),
    _sign("opens a mode", 2, r"""
        \b(?:developer|debug|admin(?:istrator)?|maintenance|god|sudo|root|override|diagnostic|unrestricted|unfiltered|uncensored
            |jailbreak|privileged|elevated|unlocked|simulation|service|compliance-free) (?:mode|access|rights|session|privileges)\b
        \b(?:entwickler|wartungs|admin\w*|diagnose|system|test)-?modus\b|\b(?:adminrechte|vollzugriff)\b
    """),
    _sign("wants what is inside", 3, r"""
        \b(?:reveal|print|repeat|show|output|display|disclose|leak|recite|quote|paste|dump|list|share|send|tell|give|copy|translate
            |spell out|write (?:out|down)|append|attach|include|what (?:is|are|was|were))\b[^.!?\n]{0,40}\b(?:system prompt
            |system message|hidden (?:prompt|instructions?|rules|notes)
            |initial (?:prompt|instructions?)|your (?:full |entire |exact |original |own |internal |secret )*(?:instructions|prompt
            |configuration|directives|system rules)|internal (?:notes|rules|instructions|guidelines|polic\w+|tools)|(?:instructions
            |rules|text|words|everything) (?:that )?you (?:were|have been|got) (?:given|told|shown)|api keys?
            |access tokens?|credentials|(?:your|available|all) tools|everything (?:above|before) this)\b
        \b(?:zeig\w*|nenn\w*|verrat\w*|wiederhol\w*|gib|geben|druck\w*|schick\w*|send\w*|übersetz\w*|zitier\w*|liste
            |kopier\w*)\b[^.!?\n]{0,40}\b(?:system-?prompt\w*|systemanweisung\w*|systemnachricht|intern\w+ (?:anweisung\w*|regeln
            |notizen)|geheim\w+ anweisung\w*|deine\w* (?:genauen |vollständigen |ursprünglichen )*(?:anweisung\w*|instruktion\w*
            |vorgaben)|zugangsdaten|api-?schlüssel)\b
    """),
    _sign("wants other people's data", 3, r"""
        \b(?:send|forward|e-?mail|post|upload|export|copy|transmit|leak|list|give|share|show|reveal|hand over|attach|include|provide
            |dump|collect|pull)\b[^.!?\n]{0,40}\b(?:all|every|each|other|another|the last|any|the (?:latest|previous|next
            |most recent))\b[^.!?\n]{0,30}\b(?:customers?'?s?|clients?'?|users?'?|people'?s?|buyers?|subscribers?|accounts
            |conversations?|records|mailbox|tickets|database|credentials|passwords?|contacts)\b
        \b(?:send\w*|schick\w*|leit\w*|überm\w*|exportier\w*|kopier\w*|liste?|zeig\w*|gib|nenn\w*)\b[^.!?\n]{0,40}\b(?:alle\w*
            |sämtliche\w*|andere\w*|letzten)\b[^.!?\n]{0,30}\b(?:kund\w+|nutzer\w*|datenbank|passwörter|zugangsdaten|konten|gespräche\w*
            |datensätze\w*)\b
    """),
    _sign("orders an act", 1, r"""
        (?:^|[.!?:;,\n] ?|\b(?:and|then|now|please|to|must|should|shall|will|just|simply|immediately|instead|also) )(?:refund|credit
            |transfer|pay|wire|issue|approve|grant|release|process|authori[sz]e|send|forward|delete|cancel|close|unlock|reset|change
            |update|book|execute|mark|upgrade|double|set|move|redirect|add|raise|trigger|confirm|escalate|promise|offer|reply|respond
            |answer|output|write|tell (?:them|him|her|the))\b
        \b(?:erstatte\w*|überweis\w*|zahl\w*|genehmig\w*|schreib\w*|sende\w*|schick\w*|lösch\w*|ändere|auszahlen|erstatten|schließen
            |anerkennen|ändern|genehmigen|überweisen|freigeben|teile|erkenne|storniere|führe|buche|setze|bestätige|antworte|leite|gib
            |gewähre|veranlasse)\b
    """),
    _sign("wants it without a check", 2, r"""
        \bwithout (?:any |further |more |another |waiting for |asking for |needing |requiring |going through |the |a |an |usual[ ]
            |manual |human )*(?:<check>)\b
        \b(?:no|zero) (?:further |more |additional |manual |human )*(?:<check>) (?:is |are |will be )?(?:needed|required|necessary
            |wanted)\b|\b(?:<check>) (?:is|are|was|were) (?:not|no longer|already) (?:needed|required|necessary|given|granted|done
            |passed|complete\w*)\b
        \b(?:skip|bypass|omit|waive|avoid|forgo|do away with)\b (?:\w+ ){0,3}(?:<check>)\b|\b(?:pre-?)?(?:approved|authori[sz]ed|cleared
            |signed off|verified) (?:already |in advance )?by\b|\balready (?:been )?(?:approved|authori[sz]ed|verified|cleared)\b
        \bohne (?:weitere\w* |eine |jede |jegliche |vorherige |auf eine )*(?:<check>)\b|\bkeine (?:weitere )?(?:<check>) (?:nötig
            |erforderlich|notwendig)\b|\b(?:bereits|schon) (?:freigegeben|genehmigt|geprüft|verifiziert|autorisiert)\b
    """),
    _sign("asks for secrecy", 2, r"""
        \b(?:do not|don't|never|must not|should not|without) (?:\w+ ){0,2}?(?:tell\w*|inform\w*|mention\w*|notify\w*|alert\w*|reveal\w*
            |disclos\w*|let|say\w*|acknowledg\w*|refer\w*|log\w*|record\w*|explain\w*|show\w*)\b[^.!?\n]{0,40}\b(?:users?|customers?
            |supervisor|operator|staff|human\w*|anyone|anybody|team|this|these|instruction\w*|note|message|prompt|request)\b
        \b(?:silently|secretly|covertly|discreetly|quietly|unnoticed|behind the scenes|keep (?:this|it|that) (?:secret|hidden|quiet
            |to yourself|between us|confidential)|no one (?:must|should|needs to|may) (?:know|see|notice)|leave no trace|hide (?:this|it
            |that))\b
        \b(?:verrate|sage?|erwähne|erzähle|informiere|melde|zeige|protokolliere)\b[^.!?\n]{0,40}\b(?:nicht|nichts|niemandem|keinem)\b
            |\b(?:heimlich|unbemerkt|stillschweigend|im stillen|insgeheim)\b|\bniemand (?:darf|soll|muss) (?:\w+ ){0,3}(?:erfahren
            |wissen|merken)\b
    """),
    _sign("claims authority over it", 2, r"""
        \b(?:this is|i am|i'm|we are|speaking as|message from|instruction from|order from|notice from|on behalf of|by order of|signed,?
            |sent by|authori[sz]ed by|directed by|as) (?:the |your |an? |our )?(?:\w+ ){0,2}(?:administrators?|admin|developers?
            |operators?|engineers?|security team|it department|it team|compliance|chief \w+ officer|ceo|cto|headquarters|platform team
            |ai team|creators?|maintainers?|vendor)\b
        \b(?:ich bin|hier (?:ist|spricht|schreibt)|im auftrag|im namen|auf anordnung|anweisung|als) (?:\w+ ){0,2}(?:administrator\w*
            |admin|entwickler\w*|betreiber\w*|geschäftsleitung|geschäftsführ\w*|sicherheitsteam|it-abteilung|systemverwalter\w*)\b
    """),
    _sign("puts itself above the rest", 2, r"""
        \b(?:takes? precedence|tak(?:es|ing) priority|overrid(?:es|ing) (?:all|any|every|everything|your|the|whatever|previous|prior)
            |supersed\w+ (?:all|any|every|everything|your|the|whatever|previous|prior)|outrank\w*|(?:highest|top|absolute
            |maximum) priority|above all (?:else|other)|replac\w+ (?:all|any|everything|your|whatever)\b[^.!?\n]{0,20}\b(?:<rules>)
            |(?:new|updated|revised|following|special|additional|real|actual|final|latest|emergency|temporary|secret
            |next) (?:system )?(?:instructions?|directives?|orders|rules?|objectives?|assignment|protocol|polic(?:y|ies)))\b
        \b(?:hat|haben) vorrang|\bhöchste priorität|\b(?:neue\w*|aktualisierte\w*|geänderte\w*|folgende\w*) (?:anweisung\w*|regeln?
            |vorgaben?|richtlinien?|befehle?|instruktion\w*)\b|\bersetz\w+ (?:alle|sämtliche|deine|jede)\b
    """),
    _sign("lifts limits", 2, r"""
        \b(?:limits?|caps?|thresholds?|ceilings?|restrictions?|quotas?|boundar(?:y|ies))\b[^.!?\n]{0,40}\b(?:no longer|not) (?:appl\w+
            |count\w*|matter|exist|in force)\b|\b(?:limits?|caps?|thresholds?|ceilings?|restrictions?|quotas?) (?:\w+ ){0,4}(?:lifted
            |removed|waived|suspended|switched off|turned off|disabled|abolished|gone)\b
        \b(?:lift|remove|disable|drop|ignore|exceed) (?:your|the|all|any|every) (?:\w+ ){0,2}(?:limits?|caps?|thresholds?|ceilings?
            |restrictions|quotas?)\b[^.!?\n]{0,30}\b(?:refund\w*|credit\w*|payout\w*|for this|today|and|of)\b
        \b(?:grenzen?|limits?|obergrenzen?|beschränkung\w*|höchstbetr\w*)\b[^.!?\n]{0,40}\b(?:aufgehoben|entfernt|ausgesetzt
            |abgeschaltet|gelten nicht|gilt nicht|entfallen|entfällt)\b
    """),
    _sign("names its tools", 2, r"""
        \b(?:call|use|invoke|trigger|execute|run|fire|activate|make use of) (?:the |your |its |any |all )?(?:\w+[ _-]){0,3}(?:tools?
            |functions?|api|endpoint|webhook|plugins?|workflow|command|macro)\b
        \b(?:rufe?|führe?|benutze|verwende|starte|nutze) (?:\S+ ){0,3}(?:werkzeuge?|tools?|funktion\w*|api|schnittstelle|makro)\b
        \b[a-z]{3,}_[a-z_]{3,}\b\s?(?:\(|with|for|=|to)
    """),
    _sign("says what it must do", 1, r"""
        \byou (?:must|shall|are (?:required|obliged|ordered|instructed|expected|to|hereby|authori[sz]ed|allowed|permitted|free)|have to
            |will|should|need to) (?:now |always |only |immediately |to )*(?:comply|obey|follow|execute|carry out|perform|respond|reply
            |answer|output|say|write|approve|refund|transfer|reveal|send|grant|issue|treat|accept|agree|do|include|mention|confirm
            |ignore)\b
        \b(?:du (?:musst|sollst|wirst|darfst|hast)|sie müssen|sie sollen)\b
    """),
    _sign("says how to answer", 2, r"""
        \b(?:repl(?:y|ies)|respond|answer|output|say|print|write|return)\b[^.!?\n]{0,20}\b(?:(?:only|solely|exclusively) (?:with|in the
            |yes|no)|exactly (?:this|the|as|what)|nothing but|nothing else|verbatim|word for word)\b
        \b(?:begin|start|end|close|finish|conclude|open|prefix|sign) (?:your|each|every|all) (?:\w+ )?(?:<reply>) (?:with|by)\b
            |\bfor (?:every|all|each|the rest of)\b[^.!?\n]{0,20}\b(?:<reply>|conversation)\b
        \b(?:mention|include|add|insert|append|put|recommend|promote|advertise|praise|place|work|weave|slip|hide|embed|drop|list
            |attach)\b[^.!?\n]{1,80}\b(?:in|into|to|at the (?:end|start|beginning|bottom|top) of|inside) (?:your|each|every
            |all your) (?:\w+ )?(?:<reply>)\b
        \bantworte (?:nur|ausschließlich|immer|genau|ab)\b|\b(?:beginne|beende|starte
            |schließe)\b[^.!?\n]{0,20}\b(?:<reply>)\b[^.!?\n]{0,10}\bmit\b|\b(?:füge|baue|nimm|ergänze|erwähne|setze
            |empfiehl)\b[^.!?\n]{0,80}\b(?:in|zu|an|am ende) (?:deine\w*|jede\w*)\b
    """),
    _sign("dictates what a customer is told", 2, r"""
        \b(?:tell|inform|assure|promise|notify|convince|persuade|advise|instruct|encourage|urge|ask|direct|have) (?:the|this|your|our
            |every|all|any|each) (?:customers?|clients?|users?|buyers?|readers?|recipients?|person)\b
        \b(?:sag\w*|teile|versprich|versicher\w*|rate|empfiehl|bitte|überred\w*) (?:dem|der|den|diesem|dieser|unserem|jedem
            |allen) (?:kund\w+|nutzer\w*|leser\w*|empfänger\w*)\b
    """),
    _sign("calls its rules void", 3, r"""
        \b(?:<bound>)\b[^.!?\n]{0,60}\b(?:<void>)\b
        \b(?:<void>)\b[^.!?\n]{0,60}\b(?:<bound>)\b
        \b(?:answer|act|reply|decide|behave|respond|antworte|handle|entscheide|verhalte)\b[^.!?\n]{0,50}\b(?:no|without|any|ohne|keine
            |keinerlei)\b[^.!?\n]{0,20}\b(?:<rules>|vorschriften|restrictions|settings|bounds)\b
        \b(?:machine|ai|computer|ki|maschine) (?:without|ohne)\b
    """),
    _sign("wants to be followed instead", 2, r"""
        \b(?:go by|follow|obey|stick to|rely on|do|act on|work from|take your orders from)\b[^.!?\n]{0,20}\b(?:what i (?:write|say|tell)
            |as i (?:say|write|tell)|this (?:mail|e-?mail|message|text|note|ticket)|(?:the )?(?:next|following) (?:line|paragraph
            |sentence|section|orders?|steps?)|the (?:lines?|orders?|steps?|text) below|what is written here|mine|me alone)\b
        \b(?:richte dich|folge|halte dich|mach\w*|gehorche|tu)\b[^.!?\n]{0,40}\b(?:nach dieser|dieser (?:nachricht|mail)|was (?:hier|ich
            |jetzt|unten)|nur mir|allein)\b
    """),
    _sign("moves money unasked", 2, r"""
        (?:^|[.!?:;,\n] ?|\b(?:and|then|now|please|just|ahead and|so|also|immediately) )(?:pay out|pay|credit|release|refund|reimburse
            |transfer|wire|move|process|execute|trigger|issue|grant|disburse|approve)\b[^.!?\n]{0,50}(?:\d|\b(?:money|payout|payment
            |refund|claim|funds|amount|sum|reimbursement|it (?:at once|right away|immediately|now|without))\b)
        \b(?:zahle|überweise|erstatte|buche|veranlasse|gewähre|genehmige|gib)\b[^.!?\n]{0,50}(?:\d|\b(?:geld|betrag|auszahlung
            |gutschrift|summe|erstattung|anspruch)\b)
    """),
    _sign("keeps people out of it", 2, r"""
        \b(?:nobody|no one|no person|no human|no colleague|no-?body) (?:has to|have to|needs? to|must|should|will|is to|ought to|else)\b
            |\bwithout (?:getting |involving |asking |bothering |telling |consulting )+(?:a |any|the )?(?:person|people|human|body|one
            |anyone|anybody|colleague|team|supervisor|manager)\w*\b
        \b(?:sign-?off|approval|clearance|permission|check|review|ok)\b[^.!?\n]{0,20}\b(?:not (?:needed|required|necessary)|unnecessary
            |superfluous|already|waived)\b|\balready (?:cleared|approved|signed|settled|agreed|waved through)\b|\b(?:cleared|approved
            |waved through|signed off)\b[^.!?\n]{0,20}\b(?:already|yesterday|internally|by (?:your|the) (?:boss|manager|team|finance
            |compliance))\b
        \bfrage? (?:dabei |dazu )?(?:niemanden|nicht nach)\b|\b(?:freigabe|genehmigung|zustimmung|prüfung)\b[^.!?\n]{0,20}\b(?:liegt
            |schon|bereits|nicht nötig|entfällt|unnötig)\b|\b(?:bereits|schon)\b[^.!?\n]{0,20}\b(?:durchgewunken|freigegeben|genehmigt
            |abgesegnet)\b|\bohne (?:jemanden|einen menschen|eine person|rücksprache)\b
    """),
    _sign("asks what it was told", 3, r"""
        \b(?:first|very first|opening|initial) (?:sentences?|words|lines|text|message) (?:that )?you (?:were|got|have been|received
            |saw)\b|\b(?:rules|guidelines|orders|conditions|principles) (?:that )?you (?:work|operate|run|act|live) (?:under|by|with)\b
        \b(?:configuration|setup|settings|model|version|prompt) (?:that )?you (?:are|run|were)\b|\b(?:text|words|lines|everything
            |message) (?:that )?(?:stands?|is|comes?|was|came|appears?) (?:above|before) (?:this|my|our|the)\b|\b(?:tools|functions
            |commands|data|everything) (?:that )?you (?:can (?:look up|use|call|reach|access|see)|have access to|have at hand)\b
        \bnotes\b[^.!?\n]{0,30}\b(?:colleagues|staff|agents|team)\b[^.!?\n]{0,30}\b(?:keep|write|make|about customers)\b
        \b(?:in|aus) deine[rmn]? (?:konfiguration|einstellung\w*|vorgaben|anweisung\w*)\b|\b(?:text|satz|nachricht
            |anweisung\w*)\b[^.!?\n]{0,20}\bdu (?:vor|zuvor|zuerst|als erstes|am anfang)\b|\bwerkzeuge\b[^.!?\n]{0,20}\b(?:dir|du)\b
            |\bworauf du (?:zugriff|zugreifen)\b
    """),
    _sign("asks for other people", 2, r"""
        \b(?:which|what|who|name|names|addresses|e-?mails?|phone numbers|details|data|list)\b[^.!?\n]{0,40}\b(?:other (?:customers
            |people|users|clients|buyers)|(?:all|every) (?:customers?|users?|clients?|buyers?)|the last \w+ (?:people|customers|users
            |buyers|clients))\b
        \b(?:adressen|namen|daten|nummern|liste|mails?)\b[^.!?\n]{0,30}\b(?:aller|anderer|der anderen|der letzten
            |sämtlicher) (?:\w+ )?(?:kund\w+|nutzer\w*|käufer\w*|personen|leute)\b
    """),
    _sign("plays a game with it", 3, r"""
        \byou (?:now )?(?:work|report|answer|belong) (?:for|to) me\b|\b(?:arbeitest|gehörst|gehorchst) du (?:\w+ )?(?:für mich|mir)\b
            |\bdu (?:arbeitest|gehorchst|gehörst) (?:jetzt |nun |ab \w+ )?(?:für mich|mir)\b
        \b(?:play|playing) a (?:little )?game\b[^\n]{0,60}\b(?:you|your)\b|\bin (?:it|this game|this story) you\b
            |\byour name is (?:now )?[A-Z]?\w+(?: now)?\b[^\n]{0,40}\b(?:never|always|now|every)\b|\bthink of yourself as\b|\b(?:suppose
            |imagine|assume|say) you (?:were|are|had|could)\b[^.!?\n]{0,60}\b(?:machine|safety|rules|limits?|restrictions|boss|director
            |human|free|settings|allowed)\b
        \b(?:answer|reply|respond|decide|speak|act) (?:as|like) (?:someone|somebody|a person|an? \w+ (?:who|that)|if you)\b
            |\bwho (?:says|never says|always says) (?:yes|no)\b|\bspielen? (?:wir |ein )*(?:ein )?(?:kleines )?spiel\b[^\n]{0,60}\bdu\b
            |\bstell dir vor,? du (?:wärst|bist|hättest|dürftest|könntest)\b|\b(?:tu|antworte|handle
            |entscheide)\b[^.!?\n]{0,10}\bals (?:ob|wärst|gäbe|hättest|dürftest)\b
    """),
    _sign("is meant for a program", 2, r"""
        \b(?:for|to|at|towards) (?:the |any |every |all )?(?:\w+ )?(?:software|automation|robots?|bots?|machines?|program\w*|generators?
            |automatic \w+|algorithms?|scripts?|parsers?|engine|system that)\b
        \b(?:reply|answer|response|text|mail|ticket|summary) (?:generator|engine|program\w*|robot|writer|bot|machine|software)\b
            |\b(?:answering|replying|reading|processing|automatic|automated) (?:robot|software|program\w*|machine|reader|system|engine
            |service)\b
        \b(?:an|für) (?:die|den|das|alle|jede\w*) (?:\w+ )?(?:software|roboter|automat\w*|programm\w*|antwortprogramm|maschine\w*
            |system,)\b|\bantwort(?:programm|roboter|automat|maschine|software)\w*\b
        \b(?:people|humans|staff|persons|readers) (?:may|can|should|need not|do not need to) (?:skip|ignore|overlook|not read)\b
    """),
    _sign("wants it unseen", 2, r"""
        \b(?:leave|keep) (?:it|this|that|them) (?:out of|from|off)\b|\b(?:show up|appear|be seen|be mentioned|be recorded
            |be visible)\b[^.!?\n]{0,20}\b(?:log|logs|record|summary|trace|history|notes?)\b|\b(?:do not|don't|never|need not
            |does not need to|must not) (?:explain (?:why|it|this)|hear (?:about|of)|comment on|justify)\b
        \bohne (?:es|das|dies|dich|etwas)\b[^.!?\n]{0,40}\b(?:erwähnen|sagen|melden|verraten|protokollieren|zu begründen)\b
            |\b(?:still und|still|leise),? (?:und|ohne)\b|\btaucht?\b[^.!?\n]{0,20}\bnicht\b[^.!?\n]{0,10}\bauf\b
    """),
    _sign("writes into its answer", 3, r"""
        \b(?:finish|end|begin|start|close|open|sign|garnish) (?:every|each|all|any) (?:\w+ )?(?:<reply>|mail|message)\b|\b(?:work|weave
            |put|slip|copy|paste|drop|attach|add)\b[^\n]{2,80}\b(?:in|into|to) (?:what you (?:send|write|say|answer)|every (?:<reply>
            |mail|message)|your (?:<reply>|next message))\b
        \b(?:copy|paste|repeat|attach|dump)\b[^.!?\n]{2,60}\b(?:into|to|in) (?:the|your) (?:<reply>)\b|\b(?:in|an|zu|am ende) (?:jede\w*
            |alle\w*) (?:deine\w* )?(?:antwort\w*|nachricht\w*|mails?)\b
    """),
    _sign("ends the message it stands in", 2, r"""
        \b(?:end|ende) (?:of|der|des) (?:the )?(?:customer'?s? |user'?s? |original )?(?:e-?mail|mail|message|document|context|input|data
            |text|ticket|nachricht|quote|conversation|transcript)\b
        ^\W*(?:-{3,}|={3,}|\*{3,}|#{2,})\W*(?:begin|start|end|new|system|internal|admin|operator|instructions?|prompt|note|hidden
            |assistant|ai|confidential)\b
        ^\W*(?:system|internal|admin|operator|developer|assistant|automation|processing|backend|moderator)(?: (?:note|notice|message
            |update|instructions?|command|override|directive|log))?\s?:
    """),
)  # fmt: skip


OF_ANSWERS = ("says how to answer", "writes into its answer")
OF_RULES = ("sets rules aside", "calls its rules void", "speaks of its instructions")


def added_up(text: str) -> tuple[list[str], str] | None:
    """The names of signs that come to enough near one another, and the words around them; None where they do not."""
    found = sorted(_found(text), key=lambda one: one[0])
    for place, (start, _, _) in enumerate(found):
        near = [one for one in found[place:] if one[0] <= start + NEAR]
        names = {sign.name: sign.weight for _, _, sign in near}
        if _points(names) >= ENOUGH:
            return list(names), text[start : max(end for _, end, _ in near)]
    return None


def _points(names: dict[str, int]) -> int:
    """Of signs that are alike only the heaviest counts."""
    return sum(names.values()) - sum(sum(alike) - max(alike) for kin in ALIKE if (alike := [names[name] for name in kin if name in names]))


def _found(text: str) -> Iterator[tuple[int, int, Sign]]:
    for sign in SIGNS:
        for one in sign.pattern.finditer(text):
            if not _spared(sign, text, one.start(), one.end()):
                yield one.start(), one.end(), sign


def _spared(sign: Sign, text: str, start: int, end: int) -> bool:
    if sign.name in OF_ANSWERS:
        return sparing.SPARED.search(text[start:end]) is not None
    return sign.name in OF_RULES and sparing.spared(text, start, end)
