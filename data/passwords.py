"""Passwords: how they are kept, and which ones everybody would try first."""

import re
import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 15
FEWEST_SIGNS = 6  # that are left once what everybody tries is taken away
NO_ADDRESS = r"@\s,;:<>()\[\]\"\\"  # what would make two addresses of one, or a name of it
EMAIL = re.compile(rf"[^{NO_ADDRESS}]+@[^{NO_ADDRESS}]+\.[^{NO_ADDRESS}]+")
DISGUISES = str.maketrans("01345@$!7", "oleasasit")  # passw0rd is password
# What people (and those who guess) build long passwords of: words, walks over the keyboard, rows of digits.
TRIED_FIRST = (Path(__file__).parent / "tried_first.txt").read_text().split()
DIGIT_ROWS = ("01234567890", "09876543210", "11223344556677889900", "147258369", "159357", "123123", "112233", "121212")
KEY_ROWS = (
    "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "wxcvbn", "1q2w3e4r5t6y7u8i9o0p",
    "1q2w3e4r5t6z7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "qaywsxedcrfvtgbzhnujm",
)  # fmt: skip


def weakness(password: str, name: str, email: str) -> str | None:
    """Why it would be guessed, in a sentence; None when it is good enough. Length does most; rules about signs do little."""
    if len(password) < SHORTEST:
        return (
            f"the password has {len(password)} characters, at least {SHORTEST} are needed. "
            "A short sentence is easy to keep in mind."
        )  # fmt: skip
    if len(_without_what_is_tried_first(password, name, email)) < FEWEST_SIGNS:
        return (
            "the password is made of what everybody tries first: common words, names, rows of keys or one sign again and again. "
            "A sentence that only you would write is better."
        )
    return None


def _without_what_is_tried_first(password: str, name: str, email: str) -> str:
    """What is left for a guesser to find out."""
    left = password.lower()
    left = re.sub(r"(.)\1{2,}", "", left)  # aaaa
    for row in KEY_ROWS:
        left = _without_parts(left, row, shortest=4)
    left = re.sub(r"(19|20)\d\d", "", left)  # a year
    for row in DIGIT_ROWS:
        left = _without_parts(left, row, shortest=3)
    left = left.translate(DISGUISES)
    own = [part for part in re.split(r"[\W_]+", f"{name} {email}".lower().translate(DISGUISES)) if len(part) > 2]
    for word in sorted({*TRIED_FIRST, *own}, key=len, reverse=True):
        left = left.replace(word, "")
    left = re.sub(r"[\W_]+", "", left)
    shortest_period = next((size for size in range(1, len(left)) if (left[:size] * len(left))[: len(left)] == left), len(left))
    return left[:shortest_period] if shortest_period <= len(left) // 2 else left  # xyxyxyxy is no more than xy


def _without_parts(text: str, row: str, *, shortest: int) -> str:
    for length in range(len(row), shortest - 1, -1):
        for start in range(len(row) - length + 1):
            text = text.replace(row[start : start + length], "")
    return text


def hashed(password: str) -> str:
    return _hasher().hash(password)


def right(kept: str | None, given: str) -> bool:
    """Whether it is the password. Without one that is kept it takes as long, and is never right."""
    return _verify(kept or _nobodys_hash(), given) and kept is not None


def _verify(kept: str, given: str) -> bool:
    from argon2.exceptions import VerifyMismatchError

    try:
        return _hasher().verify(kept, given)
    except VerifyMismatchError:
        return False


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))
