"""Where traces of what machines did may go: a collector of the company's, and how far that is. Off until two people turn it on.

What goes there is found from a kept position: each run once it has ended, at least once. A collector that is not there is left alone for
longer each time, and nothing else waits for it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from cryptography.exceptions import InvalidTag
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, select

from data import access, audit, sealing, settings, store
from data.errors import Refused
from data.tables import Person, Position, Proposal, Setting, Span, Trace
from data.values import now
from language.call import URL

NAME = "trace_collector"  # of the setting, and of the position
LAG = timedelta(seconds=30)  # what began later may not be written yet: it comes with the next turn
MOST, MOST_OPEN = 100, 2_000  # runs in one request; runs that are under way and are come back to
UNDER_WAY = ("running", "waiting")
PAUSES = (60, 120, 300, 900, 1800, 3600)  # seconds before the next try, longer each time
LONGEST_PAUSE = 6 * 3600.0
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
NOT_OURS = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection", "cookie"})


class Collector(BaseModel):
    """Address, header and whether contents go along are one value: none of them changes without the others being proposed again."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=500)] = ""  # empty: traces stay here
    contents: bool = False  # the redacted words too, not names, times, tokens, costs and states alone
    sealed_header: str = ""

    def opened(self) -> "Open":
        try:
            told = json.loads(sealing.unseal(self.sealed_header, _purpose(self.url, self.contents)))
        except (InvalidTag, ValueError):
            raise Refused(
                "No trace was sent: what is kept of the collector was changed, and its seal does not open. Propose the collector again."
            ) from None
        return Open(self.url, self.contents, told["header"], told["secret"])


@dataclass(frozen=True)
class Open:
    url: str
    contents: bool
    header: str = field(repr=False)  # what the key is sent under; empty where it asks for none
    secret: str = field(repr=False)

    @property
    def host(self) -> str:
        return self.url.split("/")[2]


def _purpose(url: str, contents: bool) -> str:
    """That contents go along is part of the seal as the address is: turned on behind two people's backs, nothing is sent."""
    return f"traces {url}{' with contents' if contents else ''}"


def in_force() -> Collector | None:
    found = settings.current(NAME)
    value = Collector.model_validate(found) if found else None
    return value if value and value.url else None


def propose(url: str, header: str, secret: str, *, contents: bool, why: str, by: Person) -> Proposal:
    """The key is typed anew with each proposal."""
    access.require(by, "connection.propose")
    url, header, secret = url.strip().rstrip("/").removesuffix("/v1/traces"), header.strip(), secret.strip()
    if not URL.fullmatch(url):
        raise Refused("Not proposed: the address reads like https://host or https://host:4318/path, without a name, a password, ? or #.")
    if not settings.is_private_line(url):
        raise Refused("Not proposed: the address must begin with https://. What is sent would go readable over the network.")
    header = header or ("Authorization" if secret else "")
    _require_header(header, secret)
    try:
        sealed = sealing.seal(json.dumps({"header": header, "secret": secret}), _purpose(url, contents))
        value = Collector(url=url, contents=contents, sealed_header=sealed)
    except ValidationError as error:
        raise Refused(f"Not proposed: the address cannot be used: {error.errors()[0]['msg'].lower()}.") from None
    host = url.split("/")[2]
    what = "names, times, tokens, costs and states" + (", and the redacted contents" if contents else ", and no contents")
    told = f"Each run that ends from then on would be told to {host}: {what}."
    title = f"send traces{' with contents' if contents else ''} to {host}"
    return settings.propose_connection(NAME, value.model_dump(mode="json"), title, told, why, by)


def _require_header(header: str, secret: str) -> None:
    if header and not secret:
        raise Refused("Not proposed: a header was named, and its key is empty. Give both, or neither.")
    if header and (not HEADER.fullmatch(header) or header.lower() in NOT_OURS):
        raise Refused("Not proposed: the header's name has letters, digits and hyphens, such as Authorization or x-api-key.")
    if not secret.isascii() or not (secret + "x").isprintable():
        raise Refused("Not proposed: the key holds signs that no key has. Copy it again.")


def stop(*, why: str, by: Person, at: datetime | None = None) -> None:
    """The safe direction needs one person."""
    access.require(by, "connection.propose")
    if in_force() is None:
        raise Refused("Nothing was changed: no traces leave.")
    if not why.strip():
        raise Refused("Not turned off: say why. It stands in the record.")
    with store.writing() as db:
        row = settings.put(db, NAME, Collector().model_dump(mode="json"), by=by, at=at)
        _keep(db, {}, at)
        audit.record(db, by, "turned off", "setting", row.id, f"Traces stay here from now on: {why.strip()}", at=at)


# -- how far it is ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stand:
    """What is kept of it."""

    after: str = ""  # the last run that was looked at
    open: tuple[str, ...] = ()  # runs before it that were under way then
    sent: int = 0
    refused: int = 0  # runs that the collector does not take
    sent_at: datetime | None = None
    tries: int = 0  # in a row that came to nothing
    since: datetime | None = None  # when they began to
    not_before: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Ended:
    """A run that is over, with its steps in their order."""

    trace: Trace
    spans: Sequence[Span]


@dataclass(frozen=True)
class Batch:
    """Some runs, and where that is. Both are kept together once they are sent."""

    runs: tuple[Ended, ...]
    after: str
    open: tuple[str, ...]
    more: bool


def stand() -> Stand:
    with store.reading() as db:
        return _stand(db)


def in_words() -> tuple[str, str]:
    """For whoever looks after it: how it stands, and what is wrong with it; empty where nothing is."""
    found = in_force()
    if found is None:
        return "Traces stay here: no collector is set.", ""
    kept, host = stand(), found.url.split("/")[2]
    what = "with redacted contents" if found.contents else "names, times, tokens, costs and states only"
    last = f", the last at {kept.sent_at:%d.%m. %H:%M} UTC" if kept.sent_at else ""
    note = f"Traces go to {host}, {what}: {many(kept.sent)} so far{last}."
    note += f" {many(kept.refused)} not taken." if kept.refused else ""
    if not kept.tries or kept.since is None or kept.not_before is None:
        return note, ""
    times = "once" if kept.tries == 1 else f"{kept.tries:,} times in a row"
    wrong = f"Traces wait since {kept.since:%d.%m. %H:%M} UTC: {kept.why} It was tried {times}, again at {kept.not_before:%H:%M} UTC."
    return note, f"{wrong} Nothing else waits for it."


def many(runs: int) -> str:
    return f"{runs:,} run{'' if runs == 1 else 's'}"


def anything_due(*, at: datetime | None = None) -> bool:
    """A collector is in force, is not left alone just now, and something has ended since."""
    moment = at or now()
    with store.reading() as db:
        if (number := _number_in_force(db)) is None:
            return False
        kept = _stand(db)
        if kept.not_before and moment < kept.not_before:
            return False
        new = select(Trace.id).where(Trace.id > _after(kept, number.at), Trace.id < _bound(moment - LAG)).limit(1)
        ended = select(Trace.id).where(col(Trace.id).in_(kept.open), col(Trace.state).not_in(UNDER_WAY)).limit(1)
        return db.exec(new).first() is not None or (bool(kept.open) and db.exec(ended).first() is not None)


def next_batch(*, at: datetime | None = None, most: int = MOST) -> Batch | None:
    """None where nothing has ended since."""
    moment = at or now()
    with store.reading() as db:
        if (number := _number_in_force(db)) is None:
            return None
        kept = _stand(db)
        after = _after(kept, number.at)
        new = list(db.exec(select(Trace).where(Trace.id > after, Trace.id < _bound(moment - LAG)).order_by(Trace.id).limit(most + 1)))
        more, new = len(new) > most, new[:most]
        again = list(db.exec(select(Trace).where(col(Trace.id).in_(kept.open)).order_by(Trace.id))) if kept.open else []
        ended = [one for one in again if one.state not in UNDER_WAY][:most]
        over = {one.id for one in ended}
        waiting = [one.id for one in again if one.id not in over] + [one.id for one in new if one.state in UNDER_WAY]
        runs = ended + [one for one in new if one.state not in UNDER_WAY]
        if not new and not ended:
            return None
        spans = _spans(db, [one.id for one in runs])
    last = new[-1].id if new else after
    return Batch(tuple(Ended(one, spans.get(one.id, ())) for one in runs), last, tuple(waiting[-MOST_OPEN:]), more)


def _spans(db: Session, ids: Sequence[str]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    if ids:
        for one in db.exec(select(Span).where(col(Span.trace_id).in_(ids)).order_by(Span.trace_id, col(Span.seq), Span.id)):
            found.setdefault(one.trace_id, []).append(one)
    return found


def was_sent(batch: Batch, *, refused: int = 0, why: str = "", at: datetime | None = None) -> None:
    """Where it stands after that; unless it was turned off meanwhile."""
    with store.writing() as db:
        if (number := _number_in_force(db)) is None:
            return
        kept = _stand(db)
        sent, moment = kept.sent + len(batch.runs) - refused, at or now()
        _keep(db, {
            "after": batch.after, "open": list(batch.open), "sent": sent, "refused": kept.refused + refused, "why": why,
            "sent_at": moment.isoformat(), "number": number.number,
        }, at)  # fmt: skip


def was_not(why: str, *, seconds: float = 0.0, at: datetime | None = None) -> datetime:
    """When it is tried again: as the collector said, and not before it had time to recover."""
    moment = at or now()
    with store.writing() as db:
        kept = _stand(db)
        pause = min(max(seconds, PAUSES[min(kept.tries, len(PAUSES) - 1)]), LONGEST_PAUSE)
        following = moment + timedelta(seconds=pause)
        if (number := _number_in_force(db)) is not None:
            _keep(db, _value(db) | {
                "tries": kept.tries + 1, "since": (kept.since or moment).isoformat(), "not_before": following.isoformat(), "why": why,
                "after": _after(kept, number.at), "number": number.number,
            }, at)  # fmt: skip
    return following


def _number_in_force(db: Session) -> Setting | None:
    """None where traces stay here."""
    found = settings.latest(db, NAME)
    return found if found and found.value.get("url") else None


def _after(kept: Stand, turned_on: datetime) -> str:
    """What was before it was turned on stays here."""
    return kept.after or _bound(turned_on)


def _bound(moment: datetime) -> str:
    """What every id of that moment stands behind: ids begin with their milliseconds."""
    ms = int(moment.timestamp() * 1000)
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}"


def _stand(db: Session) -> Stand:
    told, number = _value(db), _number_in_force(db)
    if number is None or told.get("number") != number.number:  # another collector has failed nobody yet
        told = {name: value for name, value in told.items() if name not in ("tries", "since", "not_before", "why")}
    return Stand(
        told.get("after", ""), tuple(told.get("open", ())), told.get("sent", 0), told.get("refused", 0), _time(told, "sent_at"),
        told.get("tries", 0), _time(told, "since"), _time(told, "not_before"), told.get("why", ""),
    )  # fmt: skip


def _time(told: dict[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(told[name]) if told.get(name) else None


def _value(db: Session) -> dict[str, Any]:
    row = db.exec(select(Position).where(Position.name == NAME).execution_options(populate_existing=True)).first()
    return dict(row.value) if row else {}


def _keep(db: Session, value: dict[str, Any], at: datetime | None) -> None:
    store.one_at_a_time(db, f"position {NAME}")
    row = db.exec(select(Position).where(Position.name == NAME)).first() or Position(name=NAME, value={})
    row.value, row.at = value, at or now()
    db.add(row)
    db.flush()
