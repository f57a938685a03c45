"""Phone numbers: digits grouped as people write them, believed when the shape, the country's rules or the words beside them say so."""

import re
from collections.abc import Iterator

import phonenumbers

from language.redact.findings import Finding

CANDIDATE = re.compile(
    r"(?<![\w/#.,:$€£\-+])(?:\+[ ]?)?\(?[0-9](?:[ .\-/()\u00a0\u2010-\u2013]{0,3}[0-9]){5,17}(?:[ ,]{0,2}(?:x|"
    r"ext\.?|extension|durchwahl)[ .:]{0,2}[0-9]{1,6})?(?![\w%€£$°]|[.,:\-/][0-9])",
    re.IGNORECASE,
)
SAYS_PHONE = re.compile(
    r"(?<!\w)(?:call(?:ed|ing|s)?(?! number)|phone\w*|tel(?:efon\w*|ephone\w*)?|mobile?|handy\w*|mobil\w*|cell\w*|"
    r"fax|desk|office|landline|whatsapp|signal|sms|text(?:ed|ing)?(?= me| us|:)|ring (?:me|us|back)|dial\w*|reach(?:ed|able)?"
    r"|contact(?: me| us| number)|hotline|rückruf\w*|anruf\w*|ruf\w*|zurückrufen|erreich\w*|téléphone|appele[rz]|"
    r"teléfono|llam\w+|móvil|telefono|cellulare|telefoon\w*|bel(?:len)?|messages from|my number|meine nummer|home|work)(?!\w)",
    re.IGNORECASE,
)
SAYS_NUMBER = re.compile(r"(?<!\w)(?:number is|nummer ist|numbers? (?:to|from))(?!\w)", re.IGNORECASE)
SAYS_OTHER = re.compile(
    r"(?<!\w)(?:order\w*|bestell\w*|tracking|track|parcel|paket|sendung\w*|invoice|rechnung\w*|ticket|case|"
    r"reference|ref|item|artikel\w*|sku|serial|serien\w*|model|modell|product|account|acct|acc|ac|credit|konto\w*|kunden\w*"
    r"|customer (?:id|number|no)|booking|reservation|confirmation|flight|transaction|policy|claim|iban|card|karte|"
    r"imei|isbn|ean|version|gutschein\w*|voucher|coupon|code|id|zip|shipment|batch|charge|lot|seriennummer|date|"
    r"datum|price|preis|total|amount|balance|routing|license|licence|passport|ssn|no\.|nr\.|tax|vat|"
    r"ust)\W{0,3}(?:\w{1,9}\W{1,3})?(?:is|ist|number|no|nr|:|#)?\W{0,3}$",
    re.IGNORECASE,
)
DATED = re.compile(
    r"^(?:[0-3][0-9][01][0-9](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9])$|(?:19|20)[0-9]{2}[\-./ "
    r"](?:0?[1-9]|1[0-2])[\-./ ][0-3]?[0-9](?!\d)|(?<!\d)[0-3]?[0-9][\-./ ][0-3]?[0-9][\-./ ](?:19|"
    r"20)[0-9]{2}(?!\d)|(?<!\d)(?:19|20)[0-9]{2} ?[-–] ?(?:19|20)[0-9]{2}(?!\d)"
)
AMERICAN = re.compile(r"(?:\+?1[ .\-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[0-9]{3}[ .\-][0-9]{4}|1-8[0-9]{2}-[0-9]{3}-[0-9]{4}")
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AT", "CH", "AU", "SE", "DK", "PL", "IN", "BR")
SHAPED = re.compile(r"\(?0[0-9]{1,5}\)?[ \-/.][0-9]{2,8}(?:[ \-/.][0-9]{2,8}){0,4}|\(0[0-9]{1,5}\)[ ]?[0-9]{4,9}")
LONE = re.compile(r"0[1-9][0-9]{8,10}")


def phones(text: str) -> Iterator[Finding]:
    for match in CANDIDATE.finditer(text):
        written = match.group()
        digits = re.sub(r"\D", "", re.split(r"[xXeEdD]", written)[0])
        if not 6 <= len(digits) <= 17 or len(set(digits)) < 2 or DATED.search(written):
            continue
        if written.count("(") != written.count(")"):
            if written.endswith(")") or written[0] != "(":
                continue
            match_start = match.start() + 1
            written = written[1:]
        else:
            match_start = match.start()
        before = text[max(0, match.start() - 48) : match.start()]
        if _is_phone(written, digits, before, text[match.end() : match.end() + 24]):
            yield Finding("phone", _value(written, digits), match_start, match_start + len(written))


def _is_phone(written: str, digits: str, before: str, after: str) -> bool:
    if written[0] == "+" or (written.startswith("00") and len(digits) >= 10):
        return _is_international(written, digits)
    other = SAYS_OTHER.search(before)
    said = [match.start() for match in SAYS_PHONE.finditer(before)]
    if other and not (said and said[-1] > other.start()):
        return False
    if 7 <= len(digits) <= 15 and (
        said
        or SAYS_NUMBER.search(before)
        or re.match(r"[ ,(]{0,3}(?:office|mobile|fax|home|work|cell|desk|mobil|phone|tel)\b", after, re.IGNORECASE)
    ):
        return True
    if re.search(r"x|ext", written, re.IGNORECASE) and len(digits) >= 7:
        return True
    if AMERICAN.fullmatch(written):
        return True
    if (SHAPED.fullmatch(written) and len(digits) >= 8) or LONE.fullmatch(written):
        return any(_is_valid(written, country) for country in COUNTRIES)
    return False


def _is_international(written: str, digits: str) -> bool:
    if not 8 <= len(digits) <= 16:
        return False
    rest = digits[2:] if written[0] != "+" else digits
    known = any(int(rest[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE for length in (1, 2, 3))
    return known and (written[0] == "+" or bool(re.search(r"[ \-./(]", written)) or 11 <= len(digits) <= 15)


def _is_valid(written: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, country))
    except phonenumbers.NumberParseException:
        return False


def _value(written: str, digits: str) -> str:
    """The international form where the number says its country, so that two ways of writing it are one."""
    if written[0] == "+":
        return "+" + digits.replace("0", "", 1) if "(0)" in written else "+" + digits
    if digits.startswith("00"):
        rest = digits[2:]
        return "+" + (rest.replace("0", "", 1) if "(0)" in written else rest)
    return digits
