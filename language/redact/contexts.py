"""What stands around a name: the words with which people introduce, greet and sign."""

import re

from language.redact.findings import these

C = r"[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_]{0,25}(?:['’\-][^\W\d_]{1,25})*"  # a capitalised word
FULL = rf"{C}\.?(?:[ ]{{1,2}}(?:(?:de|da|dos|di|del|der|den|van|von|la|le|el|al|bin)[ ]){{0,2}}{C}\.?){{0,3}}"
A = r"[^\W\d_]{2,25}(?:['’\-][^\W\d_]{1,25})*"
ANY = rf"{A}(?:[ ]{{1,2}}{A}){{0,2}}"


def _context(before: str, name: str = FULL, after: str = "", *, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){before}(?P<name>{name}){after}", flags)


# words of which one must stand in the text, what stands around the name, whether small letters will do
CONTEXTS: tuple[tuple[frozenset[str], re.Pattern[str], bool], ...] = (
    (
        these("name names surname"),
        _context(
            r"(?i:(?:my|his|her|their|the|your|full|first|last|middle|maiden|family|sur|customer|client|"
            r"contact|"
            r"holder|"
            r"partner['’]s|[a-z]{3,10}['’]s)[ ]?(?:full |last |first )?names?(?:['’]s| is|:| was| are|\?)(?: now)?[ :]{0,2})",
            ANY,
        ),
        True,
    ),
    (
        these("name surname firstname lastname"),
        _context(
            r"(?i:(?:^|\n|[,;] ?)[ ]{0,3}(?:name|surname|first ?name|last ?name|vorname|"
            r"nachname|"
            r"nombre|nom|"
            r"imię|"
            r"cardholder|"
            r"account holder|patient|customer|kunde|kundin|contact|attn\.?)[ ]?[:=][ ]?)",
            ANY,
        ),
        True,
    ),
    (
        these("cardholder holder patient customer kunde kundin contact attn vorname nachname ansprechpartner nom nombre"),
        _context(
            r"(?i:(?:cardholder|account holder|patient|customer|kunde|kundin|contact|attn\.?|vorname|nachname|"
            r"ansprechpartner(?:in)?|nombre|nom)[ ]?[:=][ ]?)",
            ANY,
        ),
        True,
    ),
    (these("name namen"), _context(r"(?i:(?:under|in|auf|unter)(?: the| den| dem| my| meinen)? namen?(?: of)?[ :]{1,2})", FULL), False),
    (frozenset(["name"]), _context(r"(?i:['’]s name(?: is)?[ :]{1,2})", FULL), False),
    (
        these("name heiße heisse llamo appelle chiamo heet heiss"),
        _context(
            r"(?i:mein name ist|ich heiße|ich heisse|me llamo|je "
            r"m['’]appelle|mi "
            r"chiamo|ik "
            r"heet|"
            r"mijn "
            r"naam "
            r"is|meu "
            r"nome "
            r"é|mi "
            r"nombre es)[ ]",
            ANY,
        ),
        True,
    ),
    (these("call called calls"), _context(r"(?i:(?:call|calls|called) me )", FULL), False),
    (
        these(
            "mr mrs ms miss mx dr prof sir madam frau herr herrn mme mlle señor señora sr sra signor signora mevrouw "
            "meneer doctor professor sister"
        ),
        _context(
            r"(?i:(?:mr|mrs|ms|mx|dr|prof|sr|sra|mme|mlle)\.?|miss|sir|madam|frau|herrn?|señora?|signora?|mevrouw|meneer|"
            r"professor|doctor) (?i:(?:dr|prof)\.? ){0,2}",
            FULL,
        ),
        False,
    ),
    (these("mr mrs ms dr prof"), _context(r"(?i:(?:mr|mrs|ms|mx|dr|prof)\. )", A), True),
    (
        these(
            "hi hello hey dear hallo liebe lieber moin servus bonjour hola ciao morning afternoon evening tag morgen "
            "thanks thank you danke cheers bye welcome sorry"
        ),
        _context(
            r"(?i:hi|hello|hey|dear|hallo|liebe|lieber|moin|servus|bonjour|hola|ciao|good (?:morning|afternoon|evening)|"
            r"guten (?:tag|morgen|abend)|thanks(?: again| a lot| so much)?|thank you(?: so much| very much)?|vielen dank|"
            r"danke|cheers|bye|welcome(?: back)?|sorry),? (?i:there )?",
            FULL,
            r"(?=[ ]?(?:[,!.;:\n)–-]|$))",
        ),
        False,
    ),
    (
        these(
            "regards sincerely best thanks cheers yours wishes grüße grüßen gruß mfg lg vg you love saludos cordialement "
            "advance truly faithfully dank"
        ),
        _context(
            r"(?i:regards|sincerely|best|best wishes|many thanks|thanks|thank you|cheers|yours|yours truly|yours faithfully|"
            r"love|grüße|grüßen|gruß|mfg|lg|vg|saludos|cordialement|in advance|vielen dank)(?:[,.!]{1,2}[ \t]{0,3}|[ "
            r"\t]{0,3}\n){1,3}[ \t-]{0,4}",
            FULL,
            r"(?=[ \t.]{0,3}(?:\n|$))",
        ),
        False,
    ),
    (
        these(
            "wife husband son daughter kid child partner brother sister mother father mom dad mum friend neighbour "
            "neighbor boss colleague fiancé fiance girlfriend boyfriend roommate aunt uncle cousin nephew niece "
            "grandmother grandfather mein frau mann tochter sohn bruder schwester mutter vater"
        ),
        _context(
            r"(?i:(?:my|his|her|our|their|meine?|seine?|ihre?)(?: late| little| older| younger| new| old)? (?:wife|husband|"
            r"son|daughter|kid|child|partner|brother|sister|mother|father|mom|dad|mum|friend|neighbou?r|boss|colleague|"
            r"fiancée?|girlfriend|boyfriend|roommate|aunt|uncle|cousin|nephew|niece|grandmother|grandfather|frau|mann|"
            r"tochter|sohn|bruder|schwester|mutter|vater),? (?:is called |named |called )?)",
            FULL,
        ),
        False,
    ),
    (
        these("said says told asked replied shouted speak speaking talk talked spoke talking asks shouts yelled whispered answered"),
        _context(
            r"(?i:said|says|replied|told|asked|asks|shouted (?:at|to)|yelled at|answered|whispered to|(?:speak|speaking|"
            r"spoke|talk|talked|talking|chat|chatted) (?:to|with)) ",
            FULL,
        ),
        False,
    ),
    (
        these(
            "said says shouted lives lived told asked replied wrote grew began born had has spent shouts yelled whispered "
            "complained called promised confirmed helped"
        ),
        _context(
            "",
            FULL,
            r"(?= (?:said|says|shouted|lives|lived|told|asked|replied|wrote|grew up|began|was born|had given|has given|"
            r"spent|complained|promised|called me|helped me|and I\b))",
        ),
        False,
    ),
    (
        these(
            "follow care signed delivered married assigned assistant fan written directed starring sung performed met "
            "belongs ask reference attention contact songs composed played dedicated from by to"
        ),
        _context(
            r"(?i:follow up with|get back to|care of|c/o|signed by|married to|assigned to|assistant to|a (?:huge |big )?fan "
            r"of|written by|directed by|starring|sung by|performed by|songs? by|composed by|played by|belongs to|ask for|"
            r"attention of|dedicated to|engaged to|met with|not by|approved by|handled by|helped by) ",
            FULL,
        ),
        False,
    ),
    (
        these(
            "address phone email kid wife husband account birthday order daughter son card house mother father brother "
            "sister number song concert album"
        ),
        _context(
            "",
            FULL,
            r"(?=['’]s (?:e-?mail|address|phone|kid|wife|husband|account|birthday|order|daughter|son|card|house|mother|"
            r"father|brother|sister|number|mom|dad|boss|new address|name)\b)",
        ),
        False,
    ),
    (
        these("concert concerts fan album gig"),
        _context(r"(?i:to an? |a (?:huge |big )?)", rf"{C} {C}", r"(?= (?:concert|fan|album|gig|song)\b)"),
        False,
    ),
    (these("given gave told sent asked"), _context(r"(?i:given|gave|told|sent|asked) ", ANY, r"(?= (?:his|her|their)\b)"), True),
    (
        these("will is was"),
        _context(
            r"(?:^|(?<=[.!?] ))",
            rf"{C} {C}",
            r"(?= (?:will|would|is|was) (?:be|not be|talking|speaking|going|"
            r"born|the "
            r"(?:owner|"
            r"author|"
            r"singer|"
            r"father|"
            r"mother|"
            r"brother|sister)|a (?:friend|colleague|doctor|teacher))\b)",
        ),
        False,
    ),
    (
        these("speaking here"),
        _context(r"(?:(?i:it['’]s|this is|hier ist|hier spricht) )?", FULL, r"(?= (?:speaking|here\b(?: from|,|\.|!|$)))"),
        False,
    ),
    (
        these("this am m hier bin it"),
        _context(
            r"(?i:i am|i['’]m|ich bin|hier spricht) ",
            rf"{C}[ ]{{1,2}}{C}(?:[ ]{{1,2}}{C})?",
            r"(?=[ ]?(?:[,.!;\n]|$| from | and | calling| speaking| "
            r"with | "
            r"at | "
            r"aus | "
            r"von | "
            r"here))",
        ),
        False,
    ),
    (these("can could please may would"), _context(r"(?:^|(?<=[.!?] ))", C, r"(?=, (?i:can|could|please|may|would|will) )"), False),
    (
        these("he him his she her"),
        _context(
            r"(?:^|(?<=[.!?] ))",
            FULL,
            r"(?= (?:is|was|has|had)\b[^\n]{0,100}\b(?:he|him|his|she|"
            r"her)\b)",
        ),
        False,
    ),
)
