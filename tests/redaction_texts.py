"""Texts of our own for the redaction: labelled ones with valid checksums, and support texts in which nothing is personal."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Labelled:
    kind: str
    text: str
    start: int
    end: int


SEED = 7
PER_KIND = 210


def labelled(kind: str, count: int = PER_KIND) -> list[Labelled]:
    dice = random.Random(f"{SEED} {kind}")
    make, templates = KINDS[kind]
    made = []
    for number in range(count):
        before, _, after = templates[number % len(templates)].partition("@@")
        value = make(dice)
        made.append(Labelled(kind, before + value + after, len(before), len(before) + len(value)))
    return made


def _digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def _luhn(body: str) -> str:
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return body + str(-sum(sum(map(int, str(value))) for value in doubled) % 10)


def card(dice: random.Random) -> str:
    brand, length = dice.choice((("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("37", 15), ("6011", 16), ("35", 16)))
    digits = _luhn(brand + _digits(dice, length - len(brand) - 1))
    groups = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    gap = dice.choice(("", " ", "-", "\u00a0", "."))
    parts, place = [], 0
    for size in groups:
        parts.append(digits[place : place + size])
        place += size
    return gap.join(parts)


def iban(dice: random.Random) -> str:
    country, shape = dice.choice(
        (("DE", 18), ("FR", 23), ("ES", 20), ("AT", 16), ("CH", 17), ("PL", 24), ("BE", 12), ("PT", 21), ("GB", -1), ("NL", -2), ("NO", 11))
    )
    bank = {-1: "NWBK" + _digits(dice, 14), -2: "ABNA" + _digits(dice, 10)}.get(shape) or _digits(dice, shape)
    check = 98 - int("".join(str(int(sign, 36)) for sign in bank + country + "00")) % 97
    whole = f"{country}{check:02d}{bank}"
    if dice.random() < 0.5:
        whole = " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))
    return whole if dice.random() < 0.8 else whole.lower()


def email(dice: random.Random) -> str:
    user = dice.choice(("anna.k", "jo+shop", "m_weber", "x99", "o'neil", "info-team", "Fritz.Lang", "jörg", "a"))
    host = dice.choice(("example.org", "mail.example.co.uk", "bücher.example", "a-b.example", "example.museum", "x1.example.de"))
    return f"{user}{dice.choice(('', '7', '.z'))}@{host}"


def phone(dice: random.Random) -> str:
    def d(count: int) -> str:
        return _digits(dice, count)

    forms: tuple[Callable[[], str], ...] = (
        lambda: f"+49 {dice.choice(('30', '89', '170', '151'))} {d(3)} {d(4)}",
        lambda: f"+44 7{d(3)} {d(6)}",
        lambda: f"+1 (415) {dice.randint(200, 989)}-{d(4)}",
        lambda: f"+33 6 {d(2)} {d(2)} {d(2)} {d(2)}",
        lambda: f"0049 (0)170 {d(3)} {d(2)} {d(2)}",
        lambda: f"({dice.randint(201, 989)}) {dice.randint(200, 989)}-{d(4)}",
        lambda: f"{dice.randint(201, 989)}-{dice.randint(200, 989)}-{d(4)}",
        lambda: f"{dice.randint(201, 989)}.{dice.randint(200, 989)}.{d(4)}x{d(3)}",
        lambda: f"0{dice.choice(('30', '89'))}/{dice.randint(2, 9)}{d(6)}",
        lambda: f"07{dice.randint(400, 999)} {d(3)} {d(3)}",
        lambda: f"+4366{dice.randint(0, 9)}{d(7)}",
        lambda: f"{d(3)} {d(3)} {d(4)}",
        lambda: f"{dice.randint(201, 989)}{dice.randint(200, 989)}{d(4)}",
    )
    return dice.choice(forms)()


def ip(dice: random.Random) -> str:
    if dice.random() < 0.7:
        return ".".join(str(dice.randint(1, 254)) for _ in range(4))
    if dice.random() < 0.5:
        return ":".join(f"{dice.randrange(1, 65536):x}" for _ in range(8))
    return f"2001:db8::{dice.randrange(1, 65536):x}:{dice.randrange(1, 65536):x}"


def url(dice: random.Random) -> str:
    def mixed(count: int) -> str:
        return "a1B2" + "".join(dice.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNP0123456789") for _ in range(count - 4))

    return dice.choice(
        (
            f"https://shop.example.com/reset-password/{mixed(24)}",
            f"https://example.org/login?token={mixed(20)}",
            f"http://files.example.net/a.pdf?sig={mixed(16)}&x=1",
            f"https://anna:{mixed(8)}@example.com/",
            f"https://example.com/i/{mixed(32)}",
            f"www.example.com/verify?session={mixed(12)}",
            f"https://api.example.com/v1/orders?api_key={mixed(24)}",
            f"https://example.com/a/3f2b8c1e-9d4a-4b7e-8f1a-{_digits(dice, 12)}/open",
        )
    )


def secret(dice: random.Random) -> str:
    def mixed(count: int) -> str:
        return "a1B2c3" + "".join(dice.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNP0123456789") for _ in range(count - 6))

    return dice.choice(
        (
            "sk-" + mixed(40),
            "sk-proj-" + mixed(40),
            "sk_live_" + mixed(24),
            "AKIA" + "Q7" + "".join(dice.choice("ABCDEFGH234567") for _ in range(14)),
            "ghp_" + mixed(36),
            "github_pat_" + mixed(50),
            "xoxb-" + mixed(30),
            "AIza" + mixed(35),
            "hf_" + mixed(34),
            "glpat-" + mixed(20),
            f"eyJ{mixed(20)}.eyJ{mixed(40)}.{mixed(40)}",
            "0x" + "".join(dice.choice("0123456789abcdef") for _ in range(38)) + "1f",
            f"whsec_{mixed(30)}",
            f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{mixed(64)}\n{mixed(64)}\n-----END RSA PRIVATE KEY-----",
        )
    )


def password(dice: random.Random) -> str:
    return dice.choice(("Sommer", "tiger", "Xk", "qwerty", "Monstera")) + _digits(dice, 3) + dice.choice(("!", "", "#a", "$"))


def code(dice: random.Random) -> str:
    return _digits(dice, dice.choice((3, 4, 6)))


def _find(dice: random.Random, valid: Callable[[str], bool], shape: Callable[[random.Random], str]) -> str:
    """A checksum that is easier to test for than to make."""
    while True:
        written = shape(dice)
        if valid(written):
            return written


def dni(dice: random.Random) -> str:
    number = dice.randrange(10_000_000, 99_999_999)
    return f"{number}{dice.choice(('', '-'))}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def pesel(dice: random.Random) -> str:
    body = f"{dice.randint(50, 99)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}{_digits(dice, 4)}"
    return body + str(-sum(int(digit) * (1, 3, 7, 9)[place % 4] for place, digit in enumerate(body)) % 10)


def cpf(dice: random.Random) -> str:
    body = "1" + _digits(dice, 8)
    for _ in range(2):
        rest = sum(int(digit) * weight for digit, weight in zip(body, range(len(body) + 1, 1, -1), strict=True)) * 10 % 11
        body += str(rest % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def nir(dice: random.Random) -> str:
    body = f"{dice.choice('12')}{dice.randint(50, 99)}{dice.randint(1, 12):02d}{dice.randint(10, 95)}{_digits(dice, 6)}"
    whole = f"{body}{97 - int(body) % 97:02d}"
    return whole if dice.random() < 0.5 else f"{whole[0]} {whole[1:3]} {whole[3:5]} {whole[5:7]} {whole[7:10]} {whole[10:13]} {whole[13:]}"


def bsn(dice: random.Random) -> str:
    return _find(
        dice,
        lambda text: sum(int(digit) * weight for digit, weight in zip(text, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0,
        lambda d: "1" + _digits(d, 8),
    )


NATIONAL: tuple[tuple[str, Callable[[random.Random], str]], ...] = (
    ("My SSN is @@.", lambda dice: f"{dice.randint(100, 665)}-{dice.randint(10, 99)}-{dice.randint(1000, 9999)}"),
    ("social security number @@", lambda dice: f"{dice.randint(100, 665)}{dice.randint(10, 99)}{dice.randint(1000, 9999)}"),
    ("NI number: @@, thanks", lambda dice: f"AB {_digits(dice, 2)} {_digits(dice, 2)} {_digits(dice, 2)} C"),
    ("I was born in Madrid, DNI @@.", dni),
    ("PESEL @@ as you asked", pesel),
    ("meu CPF é @@", cpf),
    ("Mon numéro est @@", nir),
    ("Mijn BSN is @@.", bsn),
    ("My PAN: @@", lambda dice: f"ABCP{dice.choice('KLMZ')}{_digits(dice, 4)}Q"),
    ("my passport number is @@ and it expires soon", lambda dice: f"C{dice.randint(10_000_000, 99_999_999)}"),
    ("Driver's license number: @@", lambda dice: f"D{dice.randint(1_000_000, 9_999_999)}"),
    ("Steuer-ID @@", lambda dice: f"{dice.randint(10, 99)} {_digits(dice, 3)} {_digits(dice, 3)} {_digits(dice, 3)}"),
    ("my account number is @@", lambda dice: str(dice.randint(10_000_000, 999_999_999))),
    ("routing number @@", lambda dice: f"0{_digits(dice, 8)}"),
)


def national() -> Iterator[Labelled]:
    dice = random.Random(SEED)
    for number in range(PER_KIND):
        template, make = NATIONAL[number % len(NATIONAL)]
        before, _, after = template.partition("@@")
        value = make(dice)
        yield Labelled("id", before + value + after, len(before), len(before) + len(value))


KINDS: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "card": (card, ("My card is @@.", "please block @@ now", "@@",
        "Karte @@ gültig bis 12/27", "I paid with @@, twice", "card no:@@", "(@@)")),
    "iban": (iban, ("My IBAN is @@.", "@@", "Bitte auf @@ überweisen", "refund to @@, please",
        "IBAN: @@ BIC COBADEFF", "from (@@) to you")),
    "email": (email, ("Write to @@, please.", "@@", "Meine Adresse ist @@", "<@@>", "mail:@@ thanks", "is it @@?")),
    "phone": (phone, ("Call me at @@.", "My phone number is @@", "Sie erreichen mich unter Telefon @@", "mobile: @@, after five",
        "Please text me on @@", "tel. @@")),
    "ip": (ip, ("I am blocked, my IP is @@.", "@@ is blocked", "Login from @@ at night", "client_ip=@@", "Server (@@) is down")),
    "url": (url, ("I clicked @@ and nothing happened", "@@", "The link is @@.", "see <@@>", "Der Link (@@) geht nicht")),
    "secret": (secret, ("my key is @@", "@@", "I used @@ and got a 401", "token: @@ please rotate", "Key:\n@@\nworks?")),
    "password": (password, ("my password is @@", "Passwort: @@", "the pwd is @@ if you need it", "Mein Kennwort lautet @@", "password=@@")),
    "code": (code, ("my PIN is @@", "CVV @@", "cvc: @@ thanks", "Meine PIN lautet @@", "security code @@", "OTP is @@.")),
}  # fmt: skip

THINGS = (
    "Monstera deliciosa",
    "Swiss cheese plant",
    "Calathea orbifolia",
    "rubber tree",
    "Sansevieria",
    "peace lily",
    "Ficus lyrata",
    "watering can",
    "pot, size 14",
    "Galaxy S23 Ultra",
    "iPhone 15 Pro Max",
)
PLAIN = (
    "Where is order {n8}?",
    "My order number is {n10}.",
    "Order 302-{n7}-{n7} has not arrived.",
    "Tracking number 1Z{n3}AA{n10} shows nothing.",
    "DHL parcel 0034043416109{n7} is late.",
    "The item {n5}-{n3} is out of stock.",
    "Artikelnummer {n6} ist kaputt angekommen.",
    "I paid {n2}.99 EUR for the {thing}.",
    "The {thing} cost $1,{n3}.50 in total.",
    "Delivered on 2026-0{d}-1{d} at 14:30:05.",
    "It was due on 1{d}/0{d}/2026, between 9:00 and 17:30.",
    "Lieferung am 1{d}.0{d}.2026 zwischen 8 und 12 Uhr, Bestellung {n8}.",
    "Invoice INV-2026-{n5} is wrong.",
    "Rechnung Nr. {n8} vom 0{d}.11.2025 stimmt nicht.",
    "The app version {d}.{d}.{d}.{d} crashes.",
    "Firmware v{d}.1{d}.{d} is installed since Monday.",
    "Is the {thing} 120 x 80 x 4{d} cm or 100-120 cm tall?",
    "I need size 4{d} and a {n2} cm pot.",
    "Opening hours: Mon-Fri 9-18, Sat 10-1{d}.",
    "Öffnungszeiten: Mo-Fr 9:00-18:00, Sa 10-1{d} Uhr.",
    "My {thing} has yellow leaves since {d} weeks.",
    "Please change {d} pots to {n2} pots.",
    "The voucher SPRING{n2} does not work.",
    "Gutscheincode HERBST{n4} ist ungültig.",
    "Ticket {n6} is still open after {d} days.",
    "Can I return the {thing} within 30 days?",
    "Kann ich die {thing} bis {d} Uhr abholen?",
    "See https://shop.example.com/plants/monstera?page={d} for sizes.",
    "The error code is 0x8007{n4}.",
    "Error {n3}: payment failed, try again in {n2} minutes.",
    "Serial number SN{n8} on the back.",
    "Batch {n4}-{n4}-{d} smells odd.",
    "EAN 4006381{n5} is printed on the bag.",
    "I was charged twice, {n2}.00 and {n2}.50 EUR.",
    "Refund of £{n3} for order #{n6}?",
    "Delivery takes {d}-{d} working days to Berlin.",
    "Best regards, the plant team",
    "Hi team, my {thing} arrived broken.",
    "Hello, is the {thing} pet safe?",
    "Hallo zusammen, meine {thing} lässt die Blätter hängen.",
    "Thank you very much, that helped a lot!",
    "Vielen Dank für die schnelle Lieferung der {thing}.",
    "I ordered {d} Rose bushes and {d} Lavender.",
    "Grace period is {n2} days, right?",
    "Will the sale end in May or June?",
    "The Violet and the Daisy look great next to the {thing}.",
    "I am Premium customer since 201{d}.",
    "This is Urgent, I need it by Friday.",
    "My account was locked after {d} tries.",
    "The lamp has {n2} W, 230 V and {n4} lumen.",
    "Temperature should be 18-2{d} °C, humidity {n2} %.",
    "{n4} people voted, {n2}.{d} % said yes.",
    "Die Pflanze ist {n2} cm hoch und kostet {n2},90 Euro.",
    "Reference: {n4} {n4} {n4} on the slip.",
    "Bitte stornieren Sie Bestellnummer {n10}.",
    "Kundennummer {n7}, Bestellung vom 2{d}.10.2026.",
    "call center was closed at 1{d}:30",
    "Flight LH{n4} on 0{d} Nov, seat 12A",
    "I read chapter {d}.{d}.{d}.{d} of the manual",
    "Model XR-{n4}/{d} needs 2 AA batteries",
    "password reset does not work",
    "My password is wrong, it says",
    "the pin is wrong {d} times",
    "What is a CVV code?",
)


def harmless(count: int = 500) -> list[str]:
    """Support texts with numbers, dates, sizes, prices and names of things, and nobody in them."""
    dice = random.Random(SEED)
    texts = []
    for number in range(count):
        text = PLAIN[number % len(PLAIN)]
        for size in (2, 3, 4, 5, 6, 7, 8, 10):
            while f"{{n{size}}}" in text:
                text = text.replace(f"{{n{size}}}", dice.choice("123456789") + _digits(dice, size - 1), 1)
        while "{d}" in text:
            text = text.replace("{d}", dice.choice("123456789"), 1)
        texts.append(text.replace("{thing}", dice.choice(THINGS)))
    return texts
