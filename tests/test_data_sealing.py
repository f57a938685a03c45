"""The installation's keys: made at random, for this installation and one purpose only."""

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.exceptions import InvalidTag

from data import sealing
from data.errors import Misuse
from tests.conftest import point_at


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    point_at(tmp_path / "here", "", monkeypatch)
    return tmp_path / "here"


def test_what_is_sealed_comes_back_and_is_not_readable() -> None:
    sealed = sealing.seal("Jo Döe", "name")
    assert sealing.unseal(sealed, "name") == "Jo Döe"
    assert "Jo Döe".encode().hex() not in sealed


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    assert len({sealing.seal("4111111111111111", "seal") for _ in range(50)}) == 50


def test_a_seal_of_another_purpose_does_not_open() -> None:
    with pytest.raises(InvalidTag):
        sealing.unseal(sealing.seal("Jo", "name"), "seal")


def test_a_seal_with_any_byte_changed_does_not_open() -> None:
    raw = bytes.fromhex(sealing.seal("Jo", "name"))
    for place in range(len(raw)):
        with pytest.raises(InvalidTag):
            sealing.unseal((raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).hex(), "name")


def test_two_installations_share_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed, told = sealing.seal("Jo", "name"), sealing.hmac_of("Jo", "customer")
    point_at(tmp_path / "there", "", monkeypatch)
    assert sealing.hmac_of("Jo", "customer") != told
    with pytest.raises(InvalidTag):
        sealing.unseal(sealed, "name")


def test_an_hmac_is_the_same_again_and_differs_by_purpose() -> None:
    assert sealing.hmac_of("Jo", "customer") == sealing.hmac_of(b"Jo", "customer")
    assert sealing.hmac_of("Jo", "customer") != sealing.hmac_of("Jo", "seal")


def test_an_hmac_cannot_be_guessed_from_the_value_alone() -> None:
    assert sealing.hmac_of("Jo", "customer") != hashlib.sha256(b"Jo").hexdigest() == sealing.sha("Jo")


def test_the_key_is_closed_to_other_users_of_the_machine(installation: Path) -> None:
    sealing.key("name")
    file = installation / "secrets" / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]


def test_two_who_start_at_once_have_one_key(tmp_path: Path) -> None:
    for number in range(20):
        path, barrier = tmp_path / str(number) / "master.key", Barrier(4)
        path.parent.mkdir()

        def start(path: Path = path, barrier: Barrier = barrier) -> bytes:
            barrier.wait()
            return sealing._master(path)

        with ThreadPoolExecutor(4) as pool:
            keys = {future.result() for future in [pool.submit(start) for _ in range(4)]}
        assert keys == {path.read_bytes()}
        assert len(path.read_bytes()) == 32


def test_a_cut_key_is_refused_and_left_alone(installation: Path) -> None:
    file = installation / "secrets" / "master.key"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"short")
    with pytest.raises(Misuse, match=r"5 bytes long, 32 are needed\. Restore it from a backup"):
        sealing.seal("Jo", "name")
    assert file.read_bytes() == b"short"
