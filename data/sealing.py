"""Keys of this installation: what must be compared is HMACed, what must come back is sealed. Made at random at first start."""

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from data import config
from data.errors import Misuse


@lru_cache(maxsize=64)
def _key(path: Path, purpose: str) -> bytes:
    return hmac.digest(_master(path), f"portal {purpose}".encode(), "sha256")


def _master(path: Path) -> bytes:
    config.folder("secrets")
    if not path.exists():
        temporary = path.with_suffix(f".{secrets.token_hex(4)}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # the first of two starters wins; a half-written key is never seen
        except FileExistsError:
            return path.read_bytes()
        finally:
            temporary.unlink()
    master = path.read_bytes()
    if len(master) < 32:
        raise Misuse(
            f"The key in {path} is {len(master)} bytes long, 32 are needed. Restore it from a backup: without it sealed names stay closed."
        )
    return master


def key(purpose: str) -> bytes:
    return _key(config.settings().home.absolute() / "secrets" / "master.key", purpose)  # known: no look at the disk for each name


def hmac_of(value: str | bytes, purpose: str) -> str:
    return hmac.digest(key(purpose), value.encode() if isinstance(value, str) else value, "sha256").hex()


def seal(value: str, purpose: str) -> str:
    nonce = os.urandom(12)
    return (nonce + AESGCM(key(purpose)).encrypt(nonce, value.encode(), None)).hex()


def unseal(sealed: str, purpose: str) -> str:
    raw = bytes.fromhex(sealed)
    return AESGCM(key(purpose)).decrypt(raw[:12], raw[12:], None).decode()


def sha(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
