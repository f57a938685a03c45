"""Secrets: no key, no password, no inner address and no picture leaves, no link to a host that was not named, nothing that is not seen."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from ipaddress import ip_address

import re2

from automations.guardrails import leaving
from automations.guardrails.face import LEAVES, Declaration, Looked, Verdict
from automations.steps.face import Field
from language import redact

declaration = Declaration(
    name="secrets",
    title="Secrets and links",
    explanation="Lets out no key, password or inner address, no picture, no hidden sign, and links to the named hosts alone.",
    icon="key_off",
    looks_at=frozenset({LEAVES}),
    settings=(Field("hosts", "Hosts", "any", required=False, help="A list: where links may lead, such as shop.example.com."),),
)
PICTURE = re2.compile(r"(?i)!\[|<\s*(?:img|svg|picture|video|audio|iframe|object|embed|source)\b|background(?:-image)?\s*:\s*url|@import")
MARKUP = re2.compile(
    r"(?i)<\s*/?\s*(?:a|script|style|form|link|meta|base|input|button)\b|\b(?:javascript|vbscript|blob):\s?\S|\bdata:[a-z]+/|\bfile:/"
    r"|&#x?[0-9a-f]{2,6};|\son[a-z]{3,20}\s*=\s*[\"']"
)
CONNECTION = re2.compile(
    r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|mongodb(?:\+srv)?|redis|rediss|amqps?|kafka|ldaps?|s?ftp|smtp|jdbc:[a-z]+|sqlite)"
    r"(?:\+[a-z0-9]+)?:/?/[^\s]+|\b(?:server|host|data source)\s*=[^;\s]+;.{0,120}?\b(?:password|pwd)\s*="
    r"|\baccountkey\s*=\s*[a-z0-9+/=]{10,}"
)
INNER = re2.compile(
    r"(?i)\b(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:local|internal|intern|intranet|corp|lan|svc|cluster|localdomain))\b(?:[:/]|\b)"
    r"|\\\\[a-z0-9_.-]+\\[a-z0-9_$.-]+|(?:^|\s)/(?:etc|var|home|root|proc|opt|srv)/[a-z0-9_.-]+|\b[a-z]:\\(?:users|windows|program)"
)
ADDRESS = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])")
# a link, with or without what begins one; what stands before an @ is none
LINK = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]{1,15}):)?//(?P<host>[^\s/?#<>\"'()\[\]]+)|(?<![\w@.-])(?P<bare>(?:[a-z0-9äöüß](?:[a-z0-9äöüß-]{0,61}"
    r"[a-z0-9äöüß])?\.){1,6}(?:[a-z]{2,24}|xn--[a-z0-9-]{2,30}))(?![\w@-])(?P<rest>[:/?#]\S|)",
    re.IGNORECASE,
)
# ends of names that are hosts even where nothing else says so; 'bzw.die' and 'v2.final' are none
_HOSTS_END = """
    com net org io co app dev ai xyz info biz me site online shop store link click top live cloud tech page club pro icu ru cn de at ch
    uk eu fr it es nl pl se no dk fi us ca au in br tk ml ga cf ly gl gg sh to cc tv ws example test
"""
HOSTS_END = frozenset(_HOSTS_END.split())
SEEN_NEVER = "\u200d\u200c\u00ad"  # joiners and soft hyphens belong to scripts


def look(at: Looked) -> Verdict:
    text = leaving.words(at)
    hosts = at.settings.get("hosts")
    allowed = {str(one).lower().strip() for one in hosts} if isinstance(hosts, list | tuple) else set()
    written = leaving.words(at, but=leaving.OURS | leaving.TO_CALL)
    if told := next(iter((*_opens(text), *_hides(text), *_leads(written, allowed))), ""):
        return Verdict(False, f"{told} would leave. A person decides what the customer reads.")
    return Verdict(True)


def _opens(text: str) -> Iterator[str]:
    if any(one.kind == "secret" for one in redact.find(text)):
        yield "A key, a password or a code"
    if CONNECTION.search(text):
        yield "The way into a database"
    if INNER.search(text) or any(_is_inner(one[0]) for one in ADDRESS.finditer(text)):
        yield "The address of a machine of ours"


def _is_inner(written: str) -> bool:
    """What has a number above 255 is a version."""
    try:
        return not ip_address(written).is_global
    except ValueError:
        return False


def _hides(text: str) -> Iterator[str]:
    if any(map(is_hidden, text)):
        yield "A sign that nobody sees"
    if PICTURE.search(text):
        yield "A picture"
    if MARKUP.search(text):
        yield "Markup"


def is_hidden(sign: str) -> bool:
    if sign.isascii():
        return sign < " " and sign not in "\n\r\t"
    if sign in SEEN_NEVER:
        return False
    return sign >= "\U000e0000" or unicodedata.category(sign) in ("Cf", "Co", "Cs", "Cc")


def _leads(text: str, allowed: Collection[str]) -> Iterator[str]:
    """Links as whoever shows them may make them, a bare name among them."""
    for link in LINK.finditer(text):
        if link["bare"] and not link["rest"] and link["bare"].rpartition(".")[2].lower() not in HOSTS_END:
            continue
        host = (link["host"] or link["bare"]).rpartition("@")[2].partition(":")[0].lower().rstrip(".,;!?")
        if (link["scheme"] or "https").lower() not in ("http", "https") or not _is_allowed(host, link["host"] or "", allowed):
            yield f"A link to {host[:60]}" if host else "A link"


def _is_allowed(host: str, written: str, allowed: Collection[str]) -> bool:
    """With a name before the host it leads elsewhere than it reads."""
    return "@" not in written and any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in allowed)
