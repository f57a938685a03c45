"""What opens something: keys, passwords, codes and links with a token in them; and the addresses of machines."""

import ipaddress
import re
from collections.abc import Iterator

from language.redact.findings import GAP, Finding, is_called, listed, these

KEYS = re.compile(
    r"""-----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY(?:\ BLOCK)?-----[A-Za-z0-9+/=\s:,.\-]*?
    (?:-----END\ [A-Z ]{0,30}PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)|
    (?<![A-Za-z0-9])(?:
        (?:sk|pk|rk)[-_](?:[a-z]{2,8}[-_]){0,2}[A-Za-z0-9_\-]{16,200}|          # model endpoints, payments
        (?:AKIA|ASIA|AGPA|AROA)[A-Z0-9]{16}|
        gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[A-Za-z0-9_\-]{16,64}|
        xox[abeoprs]-[A-Za-z0-9\-]{10,200}|AIza[A-Za-z0-9_\-]{30,40}|ya29\.[A-Za-z0-9_\-]{20,300}|
        hf_[A-Za-z0-9]{20,64}|npm_[A-Za-z0-9]{30,64}|pypi-[A-Za-z0-9_\-]{30,250}|SG\.[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,64}|
        whsec_[A-Za-z0-9+/=]{16,80}|dop_v1_[a-f0-9]{40,80}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{20,64}|
        eyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{4,4000}(?:\.[A-Za-z0-9_\-]{0,1000})?|
        0x[a-fA-F0-9]{40,64}|bc1[qp][ac-hj-np-z02-9]{25,62}|[13][1-9A-HJ-NP-Za-km-z]{25,33}
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
LIKELY_KEY = re.compile(
    r"PRIVATE KEY|[sprk][k][-_]|A(?:KIA|SIA|GPA|ROA)|gh[pousr]_|github_pat|glpat|xox|AIza|ya29|hf_|npm_|pypi-|SG\.|"
    r"whsec|dop_|shp|eyJ|0x|bc1|[A-Za-z0-9]{26}"
)
TOLD = re.compile(
    r"""(?<!\w)(?:pass\ ?word|pass\ ?wort|kennwort|pass\ ?code|passphrase|pwd|pw|mot\ de\ passe|contraseña|senha|wachtwoord|
        (?:api|access|secret|private|auth)[ _\-]?(?:key|token|secret)|(?:bearer|auth|access|session)[ _]token|bearer|secret|token)
        (?:\ (?:to|for|of)\ [^\s:=]{2,20}(?:\ [^\s:=]{2,20})?)?[ ]{0,2}(?P<told>:|=|->|(?:is|ist|was|lautet|es)(?:[ ]|
        :))?[ ]{0,2}["'`“„«]?(?P<value>[^\s"'`“”„»]{4,200})""",
    re.IGNORECASE | re.VERBOSE,
)
CODE = re.compile(
    r"""(?<!\w)(?:(?:atm|card|debit|sim)?[ \-]?pin(?:[ \-]?(?:code|number|nummer|nr\.?))?|cvv2?|cvc2?|cv2|prüfziffer|kartenprüfnummer|
        security\ code|sicherheitscode|
        otp|one[ \-]time[ \-](?:code|password|passcode|pin)|verification\ code|2fa\ code|auth(?:entication)?\ code|
        bestätigungscode|einmalcode|tan)
        (?:\ code)?[ ]{0,2}(?:[:=\#]|is:?|ist:?|was:?|of|lautet:?|[-–])?[ ]{0,2}["'“„]?(?P<value>[0-9]{3,8}|
        [0-9]{3}[ \-][0-9]{3})(?![\w]|[.,\-/][0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
LINK = re.compile(r"(?<![\w@])(?:[a-z][a-z0-9+]{1,10}://|www\.)[^\s<>\"'‹›\ue000]{3,2000}", re.IGNORECASE)
OPENING = re.compile(
    r"[?&#;](?:[\w\-]*(?:token|secret|passw|apikey|api_key|signature|credential|session)[\w\-]*|key|sig|auth|jwt|"
    r"sid|code|otp|pwd|pass|pw|hash|ticket|nonce|access|state|magic|reset|invite|k|t|s)"
    r"=(?=[^&#]{6})",
    re.IGNORECASE,
)
ASKING = re.compile(
    r"/(?:[\w\-]*(?:reset|recover|verify|confirm|activat|invit|magic|unsubscribe|login|signin|sign-in|auth|share|"
    r"password|passwort)[\w\-]*)/(?P<part>[\w\-.~]{8,})",
    re.IGNORECASE,
)
PART = re.compile(r"[A-Za-z0-9_\-]{20,}")
NOBODY = frozenset(("127.0.0.1", "0.0.0.0", "255.255.255.255"))  # noqa: S104  (every machine's own name for itself)
V4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.[0-9])")
VERSION = re.compile(
    r"(?:\b(?:version|versions|ver|v|firmware|release|build|update|app|software|section|kapitel|abschnitt|chapter|"
    r"driver|sdk|ios|android|bios|os)\b\W{0,3}(?:is |number |no\.? |to |from )?\W{0,2})$",
    re.IGNORECASE,
)
V6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?:/[0-9]{1,3})?(?![\w:])", re.IGNORECASE
)


def secrets(text: str, words: set[str]) -> Iterator[Finding]:
    if LIKELY_KEY.search(text):
        for match in KEYS.finditer(text):
            if _random(match.group()):
                yield Finding("secret", match.group(), match.start(), match.end())
    if not words.isdisjoint(SAYS_PASSWORD):
        for match in TOLD.finditer(text):
            value = match["value"].rstrip(".,;:)")
            if len(value) >= 4 and GAP not in value and _is_password(value, match["told"] or ""):
                yield Finding("secret", value, match.start("value"), match.start("value") + len(value))
    if not words.isdisjoint(SAYS_CODE):
        for match in CODE.finditer(text):
            yield Finding("secret", match["value"], match.start("value"), match.end("value"))


SAYS_PASSWORD = these(
    "password passwort kennwort passcode passphrase pwd pw passe contraseña senha wachtwoord key token secret bearer pass api_key apikey"
)
SAYS_CODE = these(
    "pin cvv cvv2 cvc cvc2 cv2 prüfziffer kartenprüfnummer code sicherheitscode otp time bestätigungscode einmalcode tan pincode pinnummer"
)


def _is_password(value: str, told: str) -> bool:
    """What a person would not write as a word; after a colon nearly everything."""
    plain = value.lower()
    if plain in listed("words") or "://" in value or plain.startswith("www.") or "…" in value or set(value) <= set("*x•.-_?"):
        return False
    mixed = sum(
        (
            any(map(str.isdigit, value)),
            any(sign.isupper() for sign in value[1:]) and not value.isupper(),
            bool(re.search(r"[!@#$%^&*+=~?_]", value[:-1])),
        )
    )
    if told.strip()[-1:] in (":", "=", ">"):
        return mixed > 0 or len(value) >= 6
    return mixed > 0 if told else mixed > 1 or (mixed > 0 and len(value) >= 16)


def _random(value: str) -> bool:
    if value[0] in "13" and value == value.lower():
        return False  # an id of a row is no wallet
    digits = sum(map(str.isdigit, value))
    return "PRIVATE KEY" in value or value.startswith("eyJ") or (digits > 0 and digits < len(value) and len(set(value)) >= 8)


def links(text: str) -> Iterator[Finding]:
    """Links that open something by themselves. A plain link stays readable."""
    for match in LINK.finditer(text):
        link = match.group().rstrip(".,;:!?)]}»”’")
        path = link.split("://", 1)[-1]
        host, _, rest = path.partition("/")
        asking = ASKING.search(link)
        userinfo = "@" in host and ":" in host.split("@")[0]
        if (
            userinfo or OPENING.search(link) or (asking and any(map(str.isdigit, asking["part"])))
            or any(_is_random_part(part.group()) for part in PART.finditer(rest.partition("?")[0]))
        ):  # fmt: skip
            yield Finding("url", link, match.start(), match.start() + len(link))


def _is_random_part(part: str) -> bool:
    """Letters and digits mixed as no person names a page: 'spring-sale-2026-all-plants' is a name, an UUID or a key is none."""
    pieces = re.split(r"[-_]", part)
    mixed = [piece for piece in pieces if any(map(str.isdigit, piece)) and any(map(str.isalpha, piece))]
    if re.fullmatch(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", part, re.IGNORECASE):
        return True
    return any(len(piece) >= 16 for piece in mixed) or sum(map(len, mixed)) >= 20


def machines(text: str) -> Iterator[Finding]:
    """IP addresses. A version of four numbers is none."""
    for match in V4.finditer(text):
        if (
            match.group() not in NOBODY
            and all(int(part) <= 255 for part in match.group().split("."))
            and not is_called(VERSION, text, match.start(), 24)
        ):
            yield Finding("ip", match.group(), match.start(), match.end())
    if text.count(":") > 1:
        for match in V6.finditer(text):
            written = match.group().split("/")[0]
            if sum(sign.isalnum() for sign in written) < 3 or written == "::1":
                continue
            try:
                yield Finding("ip", str(ipaddress.ip_address(written)), match.start(), match.end())
            except ValueError:
                continue
