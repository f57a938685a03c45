"""How text for a machine is hidden from people, and how it reads without the disguise."""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from automations.guardrails import patterns

LONGEST_RUN = 8_000  # characters of a run that is decoded
FEWEST_WORDS, FEWEST_IN_COMMENT = 4, 6  # that make a decoded run a text, and a comment more than a mark for programs
MOST_BROKEN = 3  # words with something unseen inside
TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007f])[\U000e0000-\U000e007f]{2,}")  # behind the black flag they are flags
SELECTORS = re.compile("[\U000e0100-\U000e01ef]{3,}|[\ufe00-\ufe0d]{4,}")
ZERO = "\u200b\u200c\u200d\u2060-\u2064\ufeff\u180e"
BROKEN = re.compile(f"[A-Za-z][{ZERO}]+[A-Za-z]")  # inside a word of a script that joins nothing
RUN = re.compile(f"[{ZERO}]{{8,}}")
TURNED = re.compile("[\u202d\u202e]")
INVISIBLE = re.compile(f"[{ZERO}\u00ad\U000e0000-\U000e007f\U000e0100-\U000e01ef\u202a-\u202e\u2066-\u2069\ufe00-\ufe0d]")
COMMENT = re.compile(r"<!--(?!\[if|<!\[endif)(?P<inside>[^>]{0,2000}?)(?:-->|--!>|\Z)", re.IGNORECASE)
HIDDEN = patterns.of(
    r"""
    <[a-z][^>]{0,300}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*[;"'}]|opacity\s*:\s*0\s*[;"'}]
        |color\s*:\s*(?:white|#fff(?:fff)?|transparent)\b|text-indent\s*:\s*-\d{3}|left\s*:\s*-\d{3}|\shidden(?:\s|>|=)
        |aria-hidden)[^>]{0,300}>[^<]{12,}
    """
)
RUN_64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{24,}={0,2}")
RUN_16 = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-fA-F]{2}[ :]?){16,}(?![A-Za-z0-9])|(?:\\x[0-9a-fA-F]{2}){8,}|(?:\\u00[0-9a-fA-F]{2}){8,}")
SPACED = re.compile(r"(?<!\w)\w(?:([ .\-_*|])\w){5,}(?!\w)")
MIXED = re.compile(r"[\w@$]{3,60}")
DIGITS = frozenset("0134578@$")
LEET = str.maketrans("0134578@$", "oieastbas"), str.maketrans("0134578@$", "oleastbas")  # a 1 may be an i or an l
_ALIKE = """
    аa еe іi оo рp сc уy хx һh јj ѕs ԁd ɡg кk нh тt вb мm АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX
    αa οo ρp ιi κk νv τt υu εe ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX
"""
ALIKE = str.maketrans({pair[0]: pair[1] for pair in _ALIKE.split()})  # letters of other scripts that look like ours
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TURNED_BY_13 = str.maketrans(LETTERS + LETTERS.upper(), LETTERS[13:] + LETTERS[:13] + (LETTERS[13:] + LETTERS[:13]).upper())


def signs(text: str) -> Iterator[tuple[str, str]]:
    """What nobody hides who writes to a person: how, and what stands there."""
    if not text.isascii():
        yield from _unseen(text)
    if "<" in text:
        for comment in COMMENT.finditer(text):
            if len(comment["inside"].split()) >= FEWEST_IN_COMMENT:
                yield ", in a comment that no reader sees", comment["inside"].strip()
        if found := HIDDEN.search(text):
            yield ", in a text that no reader sees", found.group(0).rpartition(">")[2]
    for run in decoded(text):
        yield ", encoded", run


def _unseen(text: str) -> Iterator[tuple[str, str]]:
    if found := TAGS.search(text):
        yield ", in signs that nobody sees", "".join(chr(ord(sign) - 0xE0000) for sign in found[0]).strip("\0\x01\x7f")
    if SELECTORS.search(text):
        yield ", in signs that nobody sees", "a run of marks that change how a sign looks"
    if len(BROKEN.findall(text)) >= MOST_BROKEN or any(len(set(run[0])) > 1 for run in RUN.finditer(text)):
        yield ", in signs that nobody sees", plain(text)
    if TURNED.search(text):
        yield ", in signs that turn the direction", plain(text)


def plain(text: str) -> str:
    """As a model reads it: without what is not seen, in the usual form of each sign."""
    return text if text.isascii() else unicodedata.normalize("NFKC", INVISIBLE.sub("", text))


def readings(text: str) -> Iterator[tuple[str, str]]:
    """The text otherwise: what it would be without a disguise, and which that is. Only where it differs."""
    ways = (
        (", with letters that only look like ours", text if text.isascii() else text.translate(ALIKE)),
        (", encoded", html.unescape(unquote(text)) if "%" in text or "&" in text else text),
        (", with spaces between its letters", SPACED.sub(lambda run: run[0].replace(run[1], ""), text)),
        *((", with digits for letters", _undigited(text, table)) for table in LEET),
        (", encoded", text.translate(TURNED_BY_13)),
        (", written backwards", text[::-1]),
    )
    yield from ((told, read) for told, read in ways if read != text)


def _undigited(text: str, table: dict[int, int]) -> str:
    """Of words that have letters and digits."""

    def read(word: re.Match[str]) -> str:
        return word[0].translate(table) if any(map(str.isalpha, word[0])) and DIGITS.intersection(word[0]) else word[0]

    return MIXED.sub(read, text)


def decoded(text: str) -> Iterator[str]:
    """Runs of base64 and of hexadecimal digits that hold words."""
    for run in RUN_64.finditer(text):
        if len(run[0]) <= LONGEST_RUN and (read := _words(_from_64(run[0]))):
            yield read
    for run in RUN_16.finditer(text):
        digits = re.sub(r"[\s:]", "", run[0].replace("\\x", "").replace("\\u00", ""))
        if len(digits) <= LONGEST_RUN and (read := _words(bytes.fromhex(digits[: len(digits) // 2 * 2]))):
            yield read


def _from_64(run: str) -> bytes:
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare[: len(bare) // 4 * 4] if len(bare) % 4 == 1 else bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""


def _words(read: bytes) -> str:
    """Empty where it is no text: a key or a picture has no words."""
    try:
        text = read.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    words = [word for word in text.split() if word.strip(".,;:!?'\"()-").isalpha()]
    return text if len(words) >= FEWEST_WORDS and text.isprintable() else ""
