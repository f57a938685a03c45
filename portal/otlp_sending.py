"""Traces on their way to the collector that two people approved: what has ended since, in a few requests, and no more than it takes."""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from data import collector, tasks
from data.collector import Ended, Open
from data.errors import Refused
from data.values import now

SEND = "send_traces"  # the task
SECONDS, SLOWEST = 5.0, 10.0  # that a request may wait at once, and for one whole answer, however steadily it drips
ALTOGETHER = 30.0  # of one turn
LARGEST = 100_000  # bytes of an answer
MISPLACED = 1800.0  # seconds until a collector is asked again that refuses the key or the address
SAFE_TO_HALVE = (400, 413, 422)  # something in it cannot be taken: the rest may be


class NotTaken(Exception):
    """Nothing was taken; it may be sent again in so many seconds."""

    def __init__(self, told: str, seconds: float = 0.0) -> None:
        super().__init__(told)
        self.seconds = seconds


class TooOdd(Exception):
    """The collector takes other runs, and not these."""


def anything_due() -> bool:
    return collector.anything_due() and not tasks.under_way(SEND)


def send(*, at: datetime | None = None, seconds: float = SECONDS) -> str:
    """In words what came of it. A collector that is not there is no fault of a job: it is told on Installation."""
    found, began, sent = collector.in_force(), time.monotonic(), 0
    if found is None:
        return "No traces leave: no collector is set."
    kept = collector.stand()
    if kept.not_before and (at or now()) < kept.not_before:
        return f"It is not its turn yet. {kept.why}"
    try:
        to = found.opened()
        with _client(to, seconds) as client:
            while batch := collector.next_batch(at=at):
                refused, why = _sent(client, to, batch.runs)
                if refused == len(batch.runs) > 1:  # then it is no single odd run
                    raise NotTaken(why, MISPLACED)
                collector.was_sent(batch, refused=refused, why=why, at=at)
                sent += len(batch.runs) - refused
                if not batch.more or time.monotonic() - began > ALTOGETHER:
                    break
    except (NotTaken, Refused) as why:
        following = collector.was_not(str(why), seconds=why.seconds if isinstance(why, NotTaken) else MISPLACED, at=at)
        return f"{collector.many(sent)} sent, then none: {why} It is tried again at {following:%H:%M} UTC."
    return f"{collector.many(sent)} sent to {to.host}."


def _client(to: Open, seconds: float) -> httpx.Client:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "support-portal"}
    headers |= {to.header: f"Bearer {to.secret}" if to.header.lower() == "authorization" else to.secret} if to.header else {}
    encrypted, here = to.url.startswith("https:"), _here(to.url)
    return httpx.Client(headers=headers, timeout=seconds, follow_redirects=False, trust_env=not here, verify=encrypted)


def _here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sent(client: httpx.Client, to: Open, runs: Sequence[Ended]) -> tuple[int, str]:
    """How many the collector does not take, and why. What it cannot read is sent in halves, so that one odd run holds up no other."""
    if not runs:
        return 0, ""
    try:
        return 0, _post(client, to, runs)
    except TooOdd as odd:
        if len(runs) == 1:
            return 1, str(odd)
    half = len(runs) // 2
    parts = [_sent(client, to, part) for part in (runs[:half], runs[half:])]
    return sum(refused for refused, _ in parts), next((why for _, why in parts if why), "")


def _post(client: httpx.Client, to: Open, runs: Sequence[Ended]) -> str:
    """What it says of some of them; empty where it took all."""
    from portal import otlp  # with all that it needs to mask: only where something leaves

    raw = json.dumps(otlp.body(runs, contents=to.contents), ensure_ascii=False).encode("utf-8", "replace")
    try:
        with client.stream("POST", f"{to.url}/v1/traces", content=raw) as answer:
            _accept(answer, to)
            return _read(answer)
    except httpx.TimeoutException:
        raise NotTaken(f"{to.host} did not answer in time.") from None
    except (httpx.TransportError, httpx.DecodingError) as error:  # its words may hold what was sent
        raise NotTaken(f"{to.host} could not be reached ({type(error).__name__}).") from None


def _accept(answer: httpx.Response, to: Open) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    if status in SAFE_TO_HALVE:
        raise TooOdd(f"{to.host} does not take a run ({status}).")
    if status in (408, 425, 429) or status >= 500:
        raise NotTaken(
            f"{to.host} asks us to wait ({status})." if status == 429 else f"{to.host} answered with {status}.", _told_to_wait(answer)
        )
    if 300 <= status < 400:
        raise NotTaken(f"{to.host} sends us on elsewhere ({status}), and that is not followed. Propose its own address.", MISPLACED)
    raise NotTaken(f"{to.host} does not take our traces ({status}). Check its address and the key.", MISPLACED)


def _told_to_wait(answer: httpx.Response) -> float:
    told = answer.headers.get("Retry-After", "").strip()
    try:
        if told.replace(".", "", 1).isdecimal():
            return float(told)
        return parsedate_to_datetime(told).timestamp() - time.time() if told else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _read(answer: httpx.Response) -> str:
    """What was taken is taken, however odd the answer: it is read to its end or left."""
    content, began = bytearray(), time.monotonic()
    for piece in answer.iter_bytes(16_384):
        content += piece
        if len(content) > LARGEST or time.monotonic() - began > SLOWEST:
            return ""
    try:
        partly = json.loads(content or b"{}").get("partialSuccess") or {}
        rejected = int(partly.get("rejectedSpans") or 0)
    except (ValueError, RecursionError, AttributeError, TypeError):
        return ""
    return f"The collector left out {rejected:,} steps of what it took." if rejected > 0 else ""
