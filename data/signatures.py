"""Requests that a program signs: made within five minutes, by whoever holds the key, and taken once.

Portal-Signature: t=1767225600,v1=HMAC-SHA256(signing key, "1767225600." + body) in hex
"""

import hmac
import re
import time
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from data import sealing, store, tokens
from data.errors import Denied
from data.tables import SignedRequest
from data.values import new_id, now

HEADER = "Portal-Signature"  # the guard drops what begins with X-Portal-: those are its own
WINDOW = 300  # seconds, to both sides: clocks differ
FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class BadSignature(Denied):
    """It is not known who sent this, or it was taken before."""


def sign(secret: str, body: bytes, *, clock: float | None = None) -> str:
    """The header's value, as a program makes it."""
    moment = int(time.time() if clock is None else clock)
    return f"t={moment},v1={_seal(secret, moment, body)}"


def _seal(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(tokens.signing_key(secret).encode(), f"{moment}.".encode() + body, "sha256").hexdigest()


def check(secret: str, header: str | None, body: bytes, *, clock: float | None = None) -> str:
    """What the signature is remembered by, once it holds."""
    found = FORM.fullmatch(header or "")
    if found is None:
        raise BadSignature(f"Not taken: sign the request. {HEADER}: t=SECONDS,v1=HMAC-SHA256(signing key, 't.body') in hex.")
    moment, told = int(found[1]), found[2]
    if not hmac.compare_digest(_seal(secret, moment, body), told):
        raise BadSignature("Not taken: the signature does not fit this body and this token's signing key.")
    here = time.time() if clock is None else clock
    if abs(here - moment) > WINDOW:
        when = f"{abs(here - moment):,.0f} seconds {'ago' if moment < here else 'from now'}"
        raise BadSignature(f"Not taken: it was signed {when}, and {WINDOW} are allowed. Look at the clock and sign again.")
    return sealing.sha(told)


def take_once(db: Session, signature_sha: str, *, at: datetime | None = None) -> None:
    """In the transaction of what the request asks: if that is not kept, the same request may come again."""
    insert = sqlite.insert if store.is_sqlite() else postgresql.insert
    row = {"id": new_id(), "at": at or now(), "signature_sha": signature_sha}
    if not db.scalars(insert(SignedRequest).on_conflict_do_nothing().returning(SignedRequest.id), [row]).all():  # type: ignore[call-overload]
        raise BadSignature("Not taken: this very request came before. To send it again, sign it again a second later.")


def forget_old(db: Session, *, at: datetime | None = None) -> int:
    """Those that are too old to be replayed."""
    before = (at or now()) - timedelta(seconds=3 * WINDOW)
    return int(db.execute(delete(SignedRequest).where(col(SignedRequest.at) < before)).rowcount)  # type: ignore[attr-defined]
