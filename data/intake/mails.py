"""Mails, as mbox and eml files hold them: read with limits, and brought together into conversations."""

import email.policy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from itertools import islice
from typing import Any

from data.intake import plain, spool
from data.intake.reading import Mapping, Row, made

LONGEST_MAIL, LONGEST_HEAD, LONGEST_HEADER, LONGEST_TEXT = 25_000_000, 1_000_000, 10_000, 100_000  # bytes, then characters
MOST_PARTS, DEEPEST, MOST_HEADERS, MOST_LINES = 1_000, 50, 2_000, 500_000
MOST_REFERENCES = 50
SAMPLE = 2_000  # mails that a guess looks at
SAME_SUBJECT = timedelta(days=30)
REPLY = re.compile(r"^\s*(?:(?:re|aw|antw|antwort|sv|vs|rif|ris|r|odp|fwd?|wg|tr|rv|enc|i|doorst|pd)(?:\[\d+\])?\s?:\s*)+", re.IGNORECASE)
FREE = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "icloud.com",
    "aol.com",
    "t-online.de",
)
DESK = re.compile(r"(?:support|help|helpdesk|service|kundenservice|kundendienst|info|kontakt|contact|hello|team|care|orders|billing)\b")
MACHINES = ("mailer-daemon", "postmaster", "no-reply-bounce", "bounce", "bounces")
# what Python's own parser raises at mails that were made to break it, beside what it repairs
BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


@dataclass(frozen=True)
class Mail:
    id: str
    references: list[str]
    subject: str
    sender: str
    name: str
    others: list[str]  # to whom
    at: datetime | None
    automatic: bool
    text: str = ""
    attachments: tuple[str, ...] = ()
    cut: int = 0  # characters that were too many


def parse(raw: bytes, *, headers_only: bool = False) -> Mail | str:
    """The mail, or what is wrong with it. What would take long to read is refused before it is read."""
    ends = min((place for place in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n")) if place >= 0), default=len(raw))
    told = _beyond_limits(raw, ends, headers_only)
    if told:
        return told
    try:
        # the newer policy's header parser fails at headers that real mails have; the older one keeps them as they stand
        message = BytesParser(policy=email.policy.compat32).parsebytes(raw[: ends + 2] if headers_only else raw)
        return _mail(message, raw, headers_only)
    except BROKEN:
        return "the mail's form is broken"


def _beyond_limits(raw: bytes, ends: int, headers_only: bool) -> str:
    if ends > LONGEST_HEAD or raw.count(b"\n", 0, ends) > MOST_HEADERS:
        return f"its head is longer than {LONGEST_HEAD // 1_000_000} MB or {MOST_HEADERS:,} lines"
    if headers_only:
        return ""
    if len(raw) > LONGEST_MAIL:
        return f"longer than {LONGEST_MAIL // 1_000_000} MB"
    kinds = len(re.findall(rb"^content-type[ \t]*:\s*(?:multipart|message)/", raw, re.IGNORECASE | re.MULTILINE))
    if kinds > DEEPEST:
        return f"it has {kinds:,} mails or groups of parts in each other, {DEEPEST} are the most"
    if kinds and raw.lower().count(b"\ncontent-") > 4 * MOST_PARTS:
        return f"it has more than {MOST_PARTS:,} parts"
    for boundary in set(re.findall(rb"boundary\s*=\s*\"?([^\s\";]{1,80})", raw[: ends + 1], re.IGNORECASE)):
        if raw.count(b"--" + boundary) > MOST_PARTS:
            return f"it has more than {MOST_PARTS:,} parts"
    if (lines := raw.count(b"\n")) > MOST_LINES:  # each becomes a text of its own while a mail is taken apart
        return f"it has {lines:,} lines, {MOST_LINES:,} are the most"
    return ""


def _mail(message: Message, raw: bytes, headers_only: bool) -> Mail | str:
    heads: dict[str, str] = {}
    for name, value in message.raw_items():
        heads.setdefault(name.lower(), str(value))
    senders = _addresses(heads.get("from", "")) or _addresses(heads.get("sender", ""))
    if not senders:
        return "it names no sender"
    name, sender = senders[0]
    own = _ids(heads.get("message-id", ""))
    references = [*_ids(heads.get("references", "")), *_ids(heads.get("in-reply-to", ""))]
    text, attachments = ("", ()) if headers_only else _content(message)
    text = plain.of_mail(text.replace("\0", "")[: 4 * LONGEST_TEXT])
    return Mail(
        id=own[0] if own else "sha-" + hashlib.sha256(raw).hexdigest()[:40],
        references=list(dict.fromkeys(references[:1] + references[1:][-MOST_REFERENCES:])),
        subject=_decoded(heads.get("subject", ""))[:500],
        sender=sender,
        name=name,
        others=list(dict.fromkeys(address for field in ("to", "cc") for _, address in _addresses(heads.get(field, ""))))[:100],
        at=_at(heads),
        automatic=_automatic(heads, sender),
        text=text[:LONGEST_TEXT],
        attachments=attachments,
        cut=max(0, len(text) - LONGEST_TEXT),
    )


def _ids(header: str) -> list[str]:
    """Message ids without their brackets; one that is too long is known by its hash."""
    found = re.findall(r"<([^<>\s]{1,2000})>", header[:LONGEST_HEADER]) or header[:1000].split()[:1]
    clean = ["".join(letter for letter in one if letter.isprintable()).encode(errors="replace").decode() for one in found]
    return [one if len(one) <= 190 else "sha-" + hashlib.sha256(one.encode()).hexdigest()[:40] for one in clean if one]


def _decoded(header: str) -> str:
    """A header's text, whatever it was written in."""
    text = _from_bytes(re.sub(r"\r?\n[ \t]+", " ", header[:5000]).encode(errors="surrogateescape"), "utf-8")
    if "=?" in text:
        with suppress(*BROKEN):
            text = "".join(
                _from_bytes(part, charset or "utf-8") if isinstance(part, bytes) else part for part, charset in decode_header(text)
            )
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _from_bytes(content: bytes, charset: str) -> str:
    for name in (charset, "utf-8", "cp1252"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", errors="replace")


def _addresses(header: str) -> list[tuple[str, str]]:
    """Names and addresses in small letters. Who a mail says it is from is a claim: it names the customer, it opens nothing."""
    text = re.sub(r"\r?\n[ \t]*", " ", header[:LONGEST_HEADER]).encode(errors="surrogateescape").decode(errors="replace")
    if text.count("(") > 100 or text.count('"') > 400:
        text = re.sub(r"[(){}\\\"]", "", text)
    found = getaddresses([text]) or []
    if not any("@" in address for _, address in found):
        found = [("", address) for address in re.findall(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,190}", text)]
    return [
        (_decoded(name)[:200], address.strip().lower()[:320]) for name, address in found[:200] if "@" in address and address.isprintable()
    ]


def _at(heads: dict[str, str]) -> datetime | None:
    told = re.sub(r"\([^()]{0,60}\)", "", _decoded(heads.get("date", ""))[:100]).strip()
    return plain.moment(told) or plain.moment(_decoded(heads.get("received", "").rpartition(";")[2])[:60])


def _automatic(heads: dict[str, str], sender: str) -> bool:
    """Out-of-office notes, bounces, bulk: nobody's words."""
    submitted = heads.get("auto-submitted", "no").strip().lower()
    return (
        (submitted != "no" and submitted != "")
        or heads.get("precedence", "").strip().lower() in ("bulk", "junk", "auto_reply")
        or "x-autoreply" in heads
        or heads.get("content-type", "").strip().lower().startswith("multipart/report")
        or sender.partition("@")[0] in MACHINES
        or heads.get("return-path", "").strip() == "<>"
    )


def _content(message: Message) -> tuple[str, tuple[str, ...]]:
    """The text that was written, plain before HTML, and the names of what was attached."""
    spoken: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attached: list[str] = []
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        kind = part.get_content_type()
        if kind == "message/rfc822" and part is not message:
            attached.append("a mail")
        elif part.is_multipart():
            waiting[:0] = [one for one in part.get_payload() if isinstance(one, Message)]
        else:
            name = _file_name(part)
            if name or part.get_content_disposition() == "attachment" or kind not in spoken:
                attached.append(name or kind[:100])
            else:
                spoken[kind].append(_text(part))
    written = "\n\n".join(one for one in spoken["text/plain"] if one.strip())
    if not written:
        written = "\n\n".join(plain.of_html(one) for one in spoken["text/html"])
    return written, tuple(attached[:100])


def _file_name(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")[:200]
    except BROKEN:
        return "a file"


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        charset = part.get_content_charset() or "utf-8"
    except BROKEN:
        charset = "utf-8"
    return _from_bytes(content, charset if re.fullmatch(r"[\w.:-]{1,40}", charset) else "utf-8")


# Conversations


def ours(mails: Iterable[bytes | str]) -> dict[str, str]:
    """The address that most mails go to or come from is the support's; so is its domain, unless customers write from there too."""
    seen: Counter[str] = Counter()
    people = [
        {mail.sender, *mail.others}
        for raw in islice(mails, SAMPLE)
        if isinstance(raw, bytes) and isinstance(mail := parse(raw, headers_only=True), Mail)
    ]
    for who in people:
        seen.update(who)
    if not seen:
        return {}
    most = max(seen.values())
    first = sorted(address for address, many in seen.items() if many == most)
    first = [address for address in first if DESK.match(address)] or (first if len(first) == 1 and len(people) > 1 else [])
    if not first or 2 * most <= len(people):
        return {}
    address = first[0]
    domain = address.rpartition("@")[2]
    outside = len(people) > 1 and all(any(not one.endswith("@" + domain) for one in who) for who in people)
    return {address: "rep"} | ({domain: "rep"} if outside and domain not in FREE else {})


def with_ours(mapping: Mapping, mails: Iterable[bytes | str]) -> Mapping:
    """Nobody said which addresses are the support's: what the mails tell counts."""
    return mapping if any("." in name for name in mapping.roles) else replace(mapping, roles=ours(mails) | mapping.roles)


def role_of(address: str, roles: dict[str, str]) -> str:
    """Whose words: an address or its domain that was named, else a customer's."""
    domain = address.rpartition("@")[2]
    above = [".".join(domain.split(".")[place:]) for place in range(min(domain.count(".") + 1, 10))]
    return next((roles[name] for name in (address, *above, *("@" + name for name in above)) if name in roles), "customer")


def conversations(mails: Iterable[tuple[int, bytes | str]], mapping: Mapping) -> Iterator[Row]:
    """Mails that answer each other, in the order in which the conversations began."""
    roles = {name.strip().lower(): role for name, role in mapping.roles.items() if "." in name}
    with spool.opened() as kept:
        kept.db.execute("CREATE TABLE about (topic TEXT, at REAL, grouped INTEGER, answers INTEGER)")
        for number, raw in mails:
            mail = parse(raw) if isinstance(raw, bytes) else raw
            if isinstance(mail, str):
                kept.put_fault(number, mail)
            else:
                _keep(kept, number, mail)
        _join_by_subject(kept)
        for _, group in kept.groups():
            yield (
                group
                if isinstance(group, spool.Fault)
                else (group[0][0], _conversation([json.loads(one) for _, one in group], roles, mapping))
            )


def _keep(kept: spool.Spool, number: int, mail: Mail) -> None:
    if kept.knows("seen " + mail.id):  # the copy in another folder of the same mailbox
        return
    told = {name: value for name, value in mail.__dict__.items() if name not in ("references", "at")}
    told["at"] = mail.at.timestamp() if mail.at else None
    linked = [f"id {one}" for one in dict.fromkeys([mail.id, *mail.references])]
    group = kept.put(f"seen {mail.id}", number, json.dumps(told), also=linked)
    topic = REPLY.sub("", mail.subject).strip().lower()
    if topic and mail.at:
        who = ",".join(sorted({mail.sender, *mail.others}))
        answers = not mail.references and bool(REPLY.match(mail.subject))
        kept.db.execute("INSERT INTO about VALUES (?, ?, ?, ?)", (f"{topic}\n{who}", mail.at.timestamp(), group, answers))


def _join_by_subject(kept: spool.Spool) -> None:
    """An answer that names no mail belongs to the last mail of the same subject between the same people."""
    kept.db.execute("CREATE INDEX by_topic ON about (topic, at)")
    before: tuple[str, float, int] = ("", 0.0, 0)
    for topic, at, group, answers in kept.db.execute("SELECT topic, at, grouped, answers FROM about ORDER BY topic, at, grouped"):
        if answers and topic == before[0] and at - before[1] <= SAME_SUBJECT.total_seconds():
            kept.join(before[2], group)
        before = (topic, at, group)


def _conversation(mails: Sequence[dict[str, Any]], roles: dict[str, str], mapping: Mapping) -> Any:
    if all(mail["at"] for mail in mails):
        mails = sorted(mails, key=lambda mail: mail["at"])
    spoken = [_message(mail, roles) for mail in mails]
    theirs = [mail for mail in mails if role_of(mail["sender"], roles) == "customer" and not mail["automatic"]]
    written_to = [one for mail in mails for one in mail["others"] if role_of(one, roles) == "customer"]
    customer = theirs[0]["sender"] if theirs else (written_to or [mails[0]["sender"]])[0]
    raw: dict[str, Any] = {"id": mails[0]["id"], "source": mapping.source, "channel": mapping.channel or "email", "customer": customer}
    raw["subject"] = REPLY.sub("", mails[0]["subject"]) or mails[0]["subject"] or None
    raw["customer_names"] = list(dict.fromkeys(mail["name"] for mail in theirs if mail["name"]))[:20]
    return made(raw | {"opened_at": spoken[0]["at"], "messages": spoken})


def _message(mail: dict[str, Any], roles: dict[str, str]) -> dict[str, Any]:
    role = "system" if mail["automatic"] else role_of(mail["sender"], roles)
    message: dict[str, Any] = {"id": mail["id"], "role": role, "text": mail["text"], "at": plain.moment(mail["at"])}
    if role == "rep":
        message["author"] = mail["name"] or mail["sender"]
    if mail["attachments"]:
        message["attachments"] = mail["attachments"]
    if mail["cut"]:
        message["characters_left_out"] = mail["cut"]
    return message
