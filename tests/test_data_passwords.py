"""Passwords: what everybody tries first is refused, what only you would write is not."""

import pytest
from argon2 import Type
from hypothesis import given, settings
from hypothesis import strategies as st

from data import passwords
from tests.warm import CHEAP, THE_PORTALS_OWN

WEAK = [
    "password", "Password123!", "passwordpassword", "Password12345678", "P@ssw0rdP@ssw0rd1", "123456789012345", "111111111111111",
    "aaaaaaaaaaaaaaaaaaaa", "qwertyuiopasdfgh", "qwertzuiopasdfgh", "1q2w3e4r5t6y7u8i", "abcabcabcabcabcabc", "xyxyxyxyxyxyxyxyxy",
    "letmeinletmein123", "admin-admin-admin-1", "welcome2026welcome", "iloveyou1234567890", "rita@example.com", "Rita Rivera 2026!!",
    "RitaRiveraRitaRivera", "!!!!!!!!!!!!!!!!!!!!", "               ", "Password 1999 Password 2001",
]  # fmt: skip
GOOD = [
    "a sentence nobody guesses", "the heron ate my umbrella", "Vor dem Fenster friert der Kaktus", "correct horse battery staple",
    "7 otters juggle quinces", "zкошка ест яблоки дома", "k7#vQ9!mZx2$Lw8p",
]  # fmt: skip


@pytest.mark.parametrize("password", WEAK)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert passwords.weakness(password, "Rita Rivera", "rita@example.com") is not None


@pytest.mark.parametrize("password", GOOD)
def test_a_sentence_of_ones_own_is_taken(password: str) -> None:
    assert passwords.weakness(password, "Rita Rivera", "rita@example.com") is None


def test_the_refusal_says_why_and_never_repeats_the_password() -> None:
    assert "has 8 characters, at least 15 are needed" in (passwords.weakness("Secret99", "", "") or "")
    told = passwords.weakness("PasswordPassword1", "", "") or ""
    assert "what everybody tries first" in told and "PasswordPassword1" not in told


def test_the_name_of_one_person_is_no_weakness_for_another() -> None:
    password = "Bartholomew Featherstone"
    assert passwords.weakness(password, "Bartholomew Featherstone", "bart@example.com") is not None
    assert passwords.weakness(password, "Rita Rivera", "rita@example.com") is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_judged_in_words_or_taken(password: str, name: str, email: str) -> None:
    told = passwords.weakness(password, name, email)
    assert told is None or told.endswith(".")
    assert told is not None or len(password) >= passwords.SHORTEST


def test_the_same_password_is_kept_differently_each_time() -> None:
    kept = [passwords.hashed(GOOD[0]) for _ in range(2)]
    assert kept[0] != kept[1] and all(one.startswith("$argon2id$") for one in kept)
    assert passwords.right(kept[0], GOOD[0]) and passwords.right(kept[1], GOOD[0])
    assert not passwords.right(kept[0], GOOD[0] + " ") and not passwords.right(kept[0], "")


def test_who_has_no_password_is_never_right() -> None:
    assert not passwords.right(None, "") and not passwords.right(None, GOOD[0])


def test_a_guess_at_a_password_costs_what_it_should() -> None:
    """What RFC 9106 asks for where memory is short. The other tests hash cheaply (tests/warm.py)."""
    hasher = THE_PORTALS_OWN()
    assert (hasher.type, hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (Type.ID, 64 * 1024, 3, 4)
    kept = hasher.hash(GOOD[0])
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$") and passwords.right(kept, GOOD[0]) and not passwords.right(kept, GOOD[1])
    assert passwords._hasher() is CHEAP and passwords.hashed(GOOD[0]).startswith("$argon2id$v=19$m=8,t=1,p=1$")
