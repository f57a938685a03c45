"""For whoever receives alerts: whether one is ours. Monitors shows this file as it stands; it needs nothing but Python."""

import hmac
import time


def is_genuine(key: str, signature: str, body: bytes, *, within: int = 300) -> bool:
    """`signature`: the header Portal-Signature. `body`: as it came, before anything reads it.

    A genuine one that came before is told again under the same header Portal-Delivery: keep those, and take each once.
    """
    told = dict(part.partition("=")[::2] for part in signature.split(","))
    moment = told.get("t", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > within:  # an old one may be somebody else's copy
        return False
    expected = hmac.new(key.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()
    return hmac.compare_digest(told.get("v1", "").encode(), expected.encode())
