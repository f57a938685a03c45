"""What a program outside says becomes plain words: cut, with no sign that nobody sees, no picture, no markup and no address in it."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import re2

LONGEST, LONGEST_VALUE, MOST_VALUES, DEEPEST = 8_000, 2_000, 500, 8
LEFT_OUT = "(address left out)"
# signs that are drawn as nothing though Unicode does not call them so
_DRAWN_AS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\u2028\u2029")
_PICTURE = re2.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])?")
_LINK = re2.compile(r"\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_MEANT = re2.compile(r"(?m)^[ \t]*\[[^\]\n]+\]:[^\n]*$")  # where a link's address stands elsewhere
_TAG = re2.compile(r"(?i)<(?:/?[a-z]|!|\?)[^>]*>?")
_OPENS = re2.compile(r"(?i)<([a-z/!?])")  # half of a tag, or one inside of too many others
_ADDRESS = re2.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"'`]+|\bwww\.[^\s<>\"'`]+|\b(?:javascript|vbscript|data|file):\S+")


def unseen(text: str) -> bool:
    """Whether it holds a sign that nobody sees; blanks and line ends are seen."""
    return any(map(_is_unseen, text))


def seen(text: str) -> str:
    return "".join(sign for sign in text if not _is_unseen(sign))


def _is_unseen(sign: str) -> bool:
    if sign in "\n\t" or " " <= sign <= "~":
        return False
    variation = "\ufe00" <= sign <= "\ufe0f" or "\U000e0000" <= sign <= "\U000e0fff"
    return variation or sign in _DRAWN_AS_NOTHING or unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs")


def words(text: str, most: int = LONGEST) -> str:
    """Words to a person: of a link its words stay, of a picture and of an address nothing."""
    plain = seen(text[: most * 4].replace("\r\n", "\n"))
    for _ in range(DEEPEST):  # one inside the other
        plain = _TAG.sub("", _LINK.sub(r"\1", _PICTURE.sub("", _MEANT.sub("", plain))))
    plain = _ADDRESS.sub(LEFT_OUT, _OPENS.sub(r"‹\1", plain.replace("](", "] ("))).strip()
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"


def line(text: str, most: int) -> str:
    """In a sentence: on one line."""
    flat = " ".join(words(text, most * 2).split())
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def values(told: Any) -> dict[str, Any]:
    """A table of plain values, each text of it cleaned; what is no table stands under a name. More than that is left out."""
    made = _value(told, 0, [MOST_VALUES])
    if isinstance(made, dict):
        return made
    return {} if made is None else {"items" if isinstance(made, list) else "value": made}


def _value(told: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > DEEPEST:
        return None
    if isinstance(told, Mapping):
        return {line(str(name), 100): _value(one, depth + 1, left) for name, one in list(told.items())[: max(left[0], 0)]}
    if isinstance(told, list | tuple):
        return [_value(one, depth + 1, left) for one in told[: max(left[0], 0)]]
    if isinstance(told, str):
        return words(told, LONGEST_VALUE)
    if isinstance(told, int) and not isinstance(told, bool) and abs(told) > 10**15:
        return words(str(told)[:40])
    fine = isinstance(told, bool | int) or (isinstance(told, float) and told - told == 0)
    return told if fine else None
