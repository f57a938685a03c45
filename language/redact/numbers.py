"""Numbers that stand for a person or an account: IBANs and national ids by their checksums, others by the words beside them."""

import re
from collections.abc import Callable, Iterator

from language.redact.cards import passes_luhn
from language.redact.findings import LETTER, Finding, is_called
from language.redact.phones import SAYS_OTHER

IBAN_LENGTHS = dict(
    part.split("=")
    for part in [
        "AD=24",
        "AE=23",
        "AL=28",
        "AT=20",
        "AZ=28",
        "BA=20",
        "BE=16",
        "BG=22",
        "BH=22",
        "BI=27",
        "BR=29",
        "BY=28",
        "CH=21",
        "CR=22",
        "CY=28",
        "CZ=24",
        "DE=22",
        "DJ=27",
        "DK=18",
        "DO=28",
        "EE=20",
        "EG=29",
        "ES=24",
        "FI=18",
        "FK=18",
        "FO=18",
        "FR=27",
        "GB=22",
        "GE=22",
        "GI=23",
        "GL=18",
        "GR=27",
        "GT=28",
        "HN=28",
        "HR=21",
        "HU=28",
        "IE=22",
        "IL=23",
        "IQ=23",
        "IS=26",
        "IT=27",
        "JO=30",
        "KW=30",
        "KZ=20",
        "LB=28",
        "LC=32",
        "LI=21",
        "LT=20",
        "LU=20",
        "LV=21",
        "LY=25",
        "MC=27",
        "MD=24",
        "ME=22",
        "MK=19",
        "MN=20",
        "MR=27",
        "MT=31",
        "MU=30",
        "NI=28",
        "NL=18",
        "NO=15",
        "OM=23",
        "PK=24",
        "PL=28",
        "PS=29",
        "PT=25",
        "QA=29",
        "RO=24",
        "RS=22",
        "RU=33",
        "SA=24",
        "SC=31",
        "SD=18",
        "SE=24",
        "SI=19",
        "SK=24",
        "SM=27",
        "SO=23",
        "ST=25",
        "SV=28",
        "TL=23",
        "TN=24",
        "TR=26",
        "UA=29",
        "VA=22",
        "VG=24",
        "XK=20",
        "YE=30",
    ]
)
IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}[ \-\u00a0]?[0-9]{2}(?:[ \-\u00a0.]?[A-Z0-9]){11,30}", re.IGNORECASE)


FEWEST_DIGITS = 8  # in an IBAN: the country with the most letters has nine


def ibans(text: str) -> Iterator[Finding]:
    end = 0
    for match in IBAN.finditer(text):
        start = match.start()
        while start >= end and (length := IBAN_LENGTHS.get(text[start : start + 2].upper())):
            places = [place for place in range(start, match.end()) if text[place].isascii() and text[place].isalnum()][: int(length)]
            value = "".join(text[place] for place in places).upper()
            whole = len(value) == int(length) and (places[-1] + 1 == len(text) or not text[places[-1] + 1].isalnum())
            whole = whole and sum(map(str.isdigit, value)) >= FEWEST_DIGITS  # a sentence that begins with 'it' has fewer
            if whole and int("".join(str(int(sign, 36)) for sign in value[4:] + value[:4])) % 97 == 1:
                end = places[-1] + 1
                yield Finding("iban", value, start, end)
            break


def _digits(value: str) -> list[int]:
    return [int(sign) for sign in value if sign.isdigit()]


def _weighted(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def is_ssn(value: str) -> bool:
    area, group, serial = value[:3], value[4:6], value[7:]
    return area not in ("000", "666") and group != "00" and serial != "0000"


def is_steuer_id(value: str) -> bool:
    digits = _digits(value)
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return len(digits) == 11 and digits[0] != 0 and (11 - product) % 10 == digits[10]


def is_ausweis(value: str) -> bool:
    """The number and its check digit, weighted 7, 3, 1; letters count from 10."""
    numbers = [int(sign, 36) for sign in value[:9]]
    return sum(number * (7, 3, 1)[place % 3] for place, number in enumerate(numbers)) % 10 == int(value[9]) and value[:9].isupper()


def is_dni(value: str) -> bool:
    value = re.sub(r"[ .\-]", "", value.upper())
    number = value[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]


def is_codice_fiscale(value: str) -> bool:
    odd = dict(
        zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
            6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True)
    )  # fmt: skip
    value = value.upper()
    even = [int(sign) if sign.isdigit() else ord(sign) - 65 for sign in value[1:15:2]]
    return (sum(odd[sign] for sign in value[0:15:2]) + sum(even)) % 26 == ord(value[15]) - 65


def is_nir(value: str) -> bool:
    value = re.sub(r"\s", "", value.upper()).replace("2A", "19").replace("2B", "18")
    return 97 - int(value[:13]) % 97 == int(value[13:])


def is_bsn(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 9 and any(digits) and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_pesel(value: str) -> bool:
    digits = _digits(value)
    month, day = int(value[2:4]) % 20, int(value[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31 and _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_cpf(value: str) -> bool:
    digits = _digits(value)
    for length in (9, 10):
        if _weighted(digits, tuple(range(length + 1, 1, -1))[:length]) * 10 % 11 % 10 != digits[length]:
            return False
    return len(set(digits)) > 1


D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
P8 = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def is_aadhaar(value: str) -> bool:
    """Verhoeff's checksum."""
    check = 0
    for place, digit in enumerate(reversed(_digits(value))):
        check = int(D5[check][int(P8[place % 8][digit])])
    return check == 0


def _yes(_: str) -> bool:
    return True


END = r"(?![\w]|[\-./][0-9])"


def _shape(head: str, rest: str) -> re.Pattern[str]:
    """What a number begins with, sign by sign, then the rest. That nothing stands before it is asked after its head: the search is fast
    where a pattern begins with the signs that it wants."""
    width = len(re.findall(r"\[[^]]+\]", head))
    return re.compile(head + rf"(?<![\w.\-/]{'.' * width})" + rest + END)


SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_shape(r"[0-9][0-9][0-9]", r"-[0-9]{2}-[0-9]{4}"), is_ssn),
    (_shape(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]", r" ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]"), _yes),  # UK national insurance
    (_shape(r"[1-9][0-9]", r" [0-9]{3} [0-9]{3} [0-9]{3}"), is_steuer_id),
    (_shape(r"[LMNPRTVWXY][0-9CFGHJKLMNPRTVWXYZ]", r"[0-9CFGHJKLMNPRTVWXYZ]{7}[0-9]"), is_ausweis),
    (_shape(r"[0-9][0-9]", r"(?:[0-9]{6}|\.[0-9]{3}\.[0-9]{3})[\- ]?[TRWAGMYFPDXBNJZSQVHLCKE]"), is_dni),
    (_shape(r"[XYZ]", r"[\- ]?[0-9]{7}[\- ]?[TRWAGMYFPDXBNJZSQVHLCKE]"), is_dni),
    (_shape(r"[A-Z][A-Z][A-Z]", r"[A-Z]{3}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]"), is_codice_fiscale),
    (_shape(r"[12]", r" ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"), is_nir),
    (_shape(r"[0-9][0-9]", r"[0-9]{9}"), is_pesel),
    (_shape(r"[0-9][0-9][0-9]", r"\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}"), is_cpf),
    (_shape(r"[2-9][0-9][0-9]", r"[0-9][ -][0-9]{4}[ -][0-9]{4}"), is_aadhaar),
    (_shape(r"[A-Z][A-Z][A-Z]", r"[PCHFATBLJG][A-Z][0-9]{4}[A-Z]"), _yes),  # Indian PAN
)
# what a document is called, then its number: the words decide
TOLD = re.compile(
    r"""(?<!\w)(?:(?P<short>ssn|social\ security(?:\ (?:number|no\.?))?|sozialversicherungsnummer|sv-?nummer)|
        passport|reisepass|passeport|pasaporte|passnummer|driv(?:er|ing)(?:['’]?s)?\ licen[cs]e|führerschein|(?:state|national|
        government)\ id(?:entity)?(?:\ card)?|
        personalausweis|ausweis|national\ insurance|nino|steuer-?id\w*|steuernummer|steueridentifikationsnummer|idnr\.?|
        tax(?:payer)?\ id\w*|tin|
        dni|nie|nif|codice\ fiscale|nir|numéro\ de\ sécurité\ sociale|bsn|burgerservicenummer|sofinummer|pesel|cpf|aadhaar|aadhar|
        pan|nhs|medicare|
        sin|tfn|vat\ id|ust-?id\w*|(?:bank|checking|savings|giro)\ ?account|account|acct\.?|acc|a/c|konto(?:nummer|-?nr\.?)?|bankkonto|
        (?:bank\ )?routing|aba|sort\ code|bankleitzahl|blz|bsb|imei|vin|id\ card|identity\ card)
        (?:['’]s)?(?:[ \-]?(?:number|num\.?|no\.?|nr\.?|nummer|card|id|\#|code))*[ ]{0,2}(?:[:=\#]|is|ist|lautet|was|of|
        [-–])?[ ]{0,2}(?:[:\#]\ ?)?
        (?P<value>[A-Za-z0-9](?:[ \-./]?[A-Za-z0-9]){3,24})""",
    re.IGNORECASE | re.VERBOSE,
)
NUMBERED = re.compile(r"[A-Za-z]{0,5}[0-9](?:[ \-./]?[A-Z0-9]){3,20}")


def ids(text: str) -> Iterator[Finding]:
    for shape, check in SHAPES:
        for match in shape.finditer(text):
            if check(match.group()) and (check is is_ssn or not _is_called_otherwise(text, match)):
                yield _id(match.group(), match.start())
    if text.isdecimal():
        return
    for match in TOLD.finditer(text):
        value = NUMBERED.match(match["value"])
        if not value or sum(sign.isdigit() for sign in value.group()) < (4 if match["short"] else 5):
            continue
        following = match.start("value") + value.end()
        if following == len(text) or not text[following].isalnum():
            yield _id(value.group(), match.start("value"))


def _is_called_otherwise(text: str, match: re.Match[str]) -> bool:
    """Plain digits that are called an order or a parcel: one in ten or so passes a checksum by chance."""
    return is_called(SAYS_OTHER, text, match.start(), 48) and not LETTER.search(match.group())


def _id(written: str, start: int) -> Finding:
    return Finding("id", re.sub(r"[^A-Z0-9]", "", written.upper()), start, start + len(written))


__all__ = ["ibans", "ids", "passes_luhn"]
