"""A reply as its channel has it: read aloud on the phone, with a greeting in a mail, as it is in a chat."""

import re
import unicodedata

from evals.graders import tokens

# A greeting and a closing that fit anybody. In a language that is not here nothing is added: better none than a wrong one.
LETTER: dict[str, tuple[str, str]] = {
    "cs": ("Dobrý den,", "S pozdravem"),
    "da": ("Hej,", "Med venlig hilsen"),
    "de": ("Guten Tag,", "Mit freundlichen Grüßen"),
    "en": ("Hello,", "Kind regards"),
    "es": ("Hola:", "Un saludo"),
    "fi": ("Hei,", "Ystävällisin terveisin"),
    "fr": ("Bonjour,", "Cordialement"),
    "it": ("Buongiorno,", "Cordiali saluti"),
    "nl": ("Goedendag,", "Met vriendelijke groet"),
    "no": ("Hei,", "Med vennlig hilsen"),
    "pl": ("Dzień dobry,", "Z poważaniem"),
    "pt": ("Olá,", "Com os melhores cumprimentos"),
    "sv": ("Hej,", "Med vänlig hälsning"),
}
_GREETS = re.compile(
    r"(hello|hi|hey|dear|good (morning|afternoon|evening|day)|guten (tag|morgen|abend)|hallo|liebe[rs]?|sehr geehrte[rs]?|moin|"
    r"bonjour|bonsoir|salut|chère?|hola|estimad[oa]s?|buen[oa]s|buongiorno|buonasera|gentile|ciao|olá|prezad[oa]s?|bom dia|boa tarde|"
    r"goedendag|beste|geachte|dzień dobry|szanown[aey]|dobrý den|hej|hei)\b",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"((kind|best|warm)(est)? (regards|wishes)|regards|sincerely|yours|mit (freundlichen|besten|herzlichen) grüßen|"
    r"((viele|liebe|beste|freundliche|herzliche|schöne) )?grüße|cordialement|bien à vous|(un )?saludos?|atentamente|"
    r"(cordiali |distinti )?saluti|atenciosamente|com os melhores cumprimentos|cumprimentos|met vriendelijke groet|groeten|"
    r"z poważaniem|pozdrawiam|s pozdravem|med (venlig|vennlig) hilsen|med vänlig hälsning|ystävällisin terveisin)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_URL = re.compile(  # with the word that leads to it
    r"(?:\s+(?:or|oder|ou|o)(?=\s))?(?:\s+(?:at|under|via|on|unter|auf|sur|en|su)(?=\s))?"
    r"(?:\s*[(<]|\s|(?<!\w))\s*(?:https?://|www\.)[^\s<>()]*[^\s<>().,;:!?'\"][)>]?",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_FRONT = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*_]{3,}\s*$)")
_EMPHASIS = re.compile(r"\*\*|__|~~|`+|(?<!\w)[*_](?=\w)|(?<=[\w.,!?])[*_](?!\w)")
_ASIDE = re.compile(r"\s*\(([^()]*)\)")
_BREAK = re.compile(r"\s*;\s+|\s+[–—]\s+")
# read digit by digit: FG-10001, QV000000001, 10000123; not an amount, a day or a year
_CODE = re.compile(r"(?<![\w.,-])(?:[A-Z]{1,5}-?[0-9]{3,}[A-Z0-9]*(?:-[A-Z0-9]+)*|[0-9]{5,})(?![\w-])(?![.,][0-9])")

_SIGN_BY_SIGN = re.compile(r"(?<![\w.,-])((?:[A-Z] ){1,5})?([0-9](?: [0-9A-Z]){2,})(?![\w-])")


def shaped(text: str, *, channel: str, language: str) -> str:
    match channel:
        case "voice":
            return spoken(text)
        case "email":
            return mailed(text, language)
    return text


def mailed(text: str, language: str) -> str:
    """With a greeting and a closing in the conversation's language, where it has none of its own."""
    text = text.strip()
    letter = LETTER.get(language.lower().split("-")[0])
    if letter is None or not text:
        return text
    lines = [line for line in text.splitlines() if line.strip()]
    greeting = "" if _GREETS.match(lines[0].strip()) else f"{letter[0]}\n\n"
    closing = "" if any(_CLOSES.match(line.strip()) for line in lines[-3:]) else f"\n\n{letter[1]}"
    return f"{greeting}{text}{closing}"


def spoken(text: str) -> str:
    """Short plain sentences: no list, no link, no markup; numbers that name a thing are said digit by digit."""
    plain = _URL.sub("", _TAG.sub(" ", _LINK.sub(r"\1", text)))
    lines = [_FRONT.sub("", line).replace("|", ", ") for line in plain.splitlines()]
    sentences = [part for line in tokens.sentences("\n".join(lines)) for part in _BREAK.split(line)]
    return _CODE.sub(_by_digits, " ".join(said for one in sentences if (said := _sentence(one))))


def _sentence(text: str) -> str:
    text = _ASIDE.sub(r", \1,", _EMPHASIS.sub("", text))
    text = re.sub(r"(?<=[0-9]) ?× ?(?=[^\W\d])", " ", text)  # of a list of items
    text = "".join(" " if unicodedata.category(sign) in ("So", "Cs", "Cc", "Cf") and sign not in "°" else sign for sign in text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    text = re.sub(r",\s*(?=[,.;:!?])", "", text).strip(" ,;:–—-")
    if not any(sign.isalnum() for sign in text):
        return ""
    return text[:1].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def _by_digits(code: re.Match[str]) -> str:
    return " ".join(code[0].replace("-", ""))


def is_manners(line: str) -> bool:
    """A greeting or a closing, and nothing besides."""
    plain = line.strip(" ,.:!\n")
    return bool(_GREETS.fullmatch(plain) or _CLOSES.fullmatch(plain))


def written_again(text: str) -> str:
    """What is said sign by sign as it is written: FG-12345 of F G 1 2 3 4 5."""
    return _SIGN_BY_SIGN.sub(lambda found: "-".join(part.replace(" ", "") for part in found.groups() if part), text)
