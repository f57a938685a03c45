"""Signed requests: whoever holds the key, within five minutes, once. On both engines."""

import hmac
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import func, select

from data import nightly, signatures, store, tokens
from data.signatures import WINDOW, BadSignature
from data.tables import SignedRequest
from data.values import now

SECRET, OTHER = tokens.PREFIX + "a" * 43, tokens.PREFIX + "b" * 43
BODY = b'[{"id": "1"}]'
T = 1_767_225_600


def kept() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(SignedRequest)).one()


def take(signature_sha: str) -> bool:
    try:
        with store.writing() as db:
            signatures.take_once(db, signature_sha)
    except BadSignature:
        return False
    return True


def test_a_signature_is_what_the_page_says_it_is(sqlite_home: Path) -> None:
    """Made here by hand, as any program makes it: from the signing key alone."""
    sealed = hmac.new(tokens.signing_key(SECRET).encode(), f"{T}.".encode() + BODY, "sha256").hexdigest()
    assert signatures.sign(SECRET, BODY, clock=T) == f"t={T},v1={sealed}"
    assert signatures.check(SECRET, f"t={T},v1={sealed}", BODY, clock=T + 1)


def test_the_signing_key_is_not_the_token_and_no_other_tokens(sqlite_home: Path) -> None:
    key = tokens.signing_key(SECRET)
    assert key == tokens.signing_key(SECRET) and len(key) == 64
    assert key not in (SECRET, tokens.signing_key(OTHER)) and SECRET.removeprefix(tokens.PREFIX) not in key
    by_itself = hmac.new(SECRET.encode(), f"{T}.".encode() + BODY, "sha256").hexdigest()  # who only overheard the token
    with pytest.raises(BadSignature, match="does not fit this body and this token's signing key"):
        signatures.check(SECRET, f"t={T},v1={by_itself}", BODY, clock=T)


@pytest.mark.parametrize("apart", [0, 1, WINDOW, -WINDOW])
def test_it_holds_for_five_minutes_to_both_sides(sqlite_home: Path, apart: int) -> None:
    assert signatures.check(SECRET, signatures.sign(SECRET, BODY, clock=T), BODY, clock=T + apart)


@pytest.mark.parametrize(
    ("apart", "told"),
    [(WINDOW + 1, "301 seconds ago, and 300 are allowed"), (-WINDOW - 1, "301 seconds from now"), (86_400, "86,400 seconds ago")],
)
def test_one_from_another_time_says_how_far_it_is_off(sqlite_home: Path, apart: int, told: str) -> None:
    with pytest.raises(BadSignature, match=told):
        signatures.check(SECRET, signatures.sign(SECRET, BODY, clock=T), BODY, clock=T + apart)


ODD = {
    "none": None, "nothing": "", "only the time": f"t={T}", "only the seal": "v1=" + "a" * 64,
    "a long number": f"t={'9' * 400},v1={'a' * 64}",
    "a time before 1970": f"t=-{T},v1={'a' * 64}", "a time with a point": f"t={T}.5,v1={'a' * 64}", "other digits": f"t=١٢٣,v1={'a' * 64}",
    "capitals": f"t={T},v1={'A' * 64}", "a line's end": f"t={T},v1={'a' * 64}\n", "another version": f"t={T},v0={'a' * 64}",
    "two seals": f"t={T},v1={'a' * 64},v1={'b' * 64}", "too short": f"t={T},v1={'a' * 63}",
}  # fmt: skip


@pytest.mark.parametrize("what", list(ODD))
def test_what_is_no_signature_is_told_how_one_reads(what: str) -> None:
    with pytest.raises(BadSignature, match=r"sign the request\. Portal-Signature: t=SECONDS,v1=HMAC-SHA256"):
        signatures.check(SECRET, ODD[what], BODY, clock=T)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60), place=st.integers(0, 400), bit=st.integers(0, 7), part=st.sampled_from(["body", "seal", "time", "token"])
)
def test_one_bit_that_is_otherwise_makes_it_another(sqlite_home: Path, body: bytes, place: int, bit: int, part: str) -> None:
    def flipped(content: bytes) -> bytes:
        at = place % max(1, len(content))
        return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :] if content else b"x"

    header = signatures.sign(SECRET, body, clock=T)
    assert signatures.check(SECRET, header, body, clock=T)  # the control
    time, seal = header.removeprefix("t=").split(",v1=")
    told = {"body": body, "seal": seal.encode(), "time": time.encode(), "token": SECRET.encode()}
    told[part] = flipped(told[part])
    wrong = f"t={told['time'].decode('latin-1')},v1={told['seal'].decode('latin-1')}"
    with pytest.raises(BadSignature):
        signatures.check(told["token"].decode("latin-1"), wrong, told["body"], clock=T)


def test_the_same_moment_written_otherwise_is_the_same_signature(sqlite_home: Path) -> None:
    """Else a replay would only have to write a zero before the time."""
    header = signatures.sign(SECRET, BODY, clock=T)
    written = {
        signatures.check(SECRET, form, BODY, clock=T) for form in (header, header.replace("t=", "t=0"), header.replace("t=", "t=00"))
    }
    assert len(written) == 1


def test_a_request_is_taken_once(home: Path) -> None:
    first, second = (signatures.check(SECRET, signatures.sign(SECRET, BODY, clock=T + n), BODY, clock=T) for n in (0, 1))
    assert [take(first), take(first), take(second), take(second)] == [True, False, True, False]
    assert kept() == 2


def test_of_twenty_at_once_one_is_taken(home: Path) -> None:
    sha = signatures.check(SECRET, signatures.sign(SECRET, BODY, clock=T), BODY, clock=T)
    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(take, [sha] * 20))
    assert taken.count(True) == 1 and kept() == 1


def test_what_was_not_kept_may_come_again(home: Path) -> None:
    with suppress(KeyError), store.writing() as db:
        signatures.take_once(db, "a" * 64)
        raise KeyError  # whatever goes wrong after it in the same transaction
    assert kept() == 0 and take("a" * 64)


def test_it_is_remembered_longer_than_it_holds_and_not_for_ever(home: Path) -> None:
    """One that was signed five minutes ahead of us holds for ten after it was taken."""
    moment = now()
    ages = {name: moment - timedelta(seconds=seconds) for name, seconds in (("old", 3 * WINDOW + 1), ("young", 2 * WINDOW + 1))}
    with store.writing() as db:
        for name, at in ages.items():
            signatures.take_once(db, name, at=at)
    with store.writing() as db:
        assert signatures.forget_old(db, at=moment) == 1
    assert [take("old"), take("young")] == [True, False]


def test_the_nightly_tidy_forgets_old_ones(home: Path) -> None:
    with store.writing() as db:
        signatures.take_once(db, "a" * 64, at=now() - timedelta(hours=1))
    nightly.tidy()
    assert kept() == 0
