"""The daily mail: what a person has not read yet in their inbox, and on Mondays the digest. Once, to their own address and nowhere else.

What is sent is noted before it leaves: a process that dies in between sends nobody the same twice. It stands in the inbox all the same.
"""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from data import config, inbox, people
from data.errors import Misuse, Refused
from data.tables import InboxItem, Person
from data.values import now
from evals import digest_mails
from evals.digest import Written
from portal import digest_text

LOOKS_BACK = timedelta(days=7)
PATIENCE = 20.0  # seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LONGEST_SUBJECT = 90  # letters; a list of mails shows no more
NOT_TAKEN = (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, smtplib.SMTPDataError)

SAID_NO = (*NOT_TAKEN, smtplib.SMTPResponseException)  # anything else leaves open whether it arrived


@dataclass(frozen=True)
class Letter:
    """What one person gets this morning."""

    person: Person
    items: list[InboxItem]
    digest: Written | None = None


def send_daily(*, at: datetime | None = None) -> str:
    """One mail to each for whom there is anything. What was mailed is not mailed again; what could not be waits for tomorrow."""
    if not config.settings().smtp_url:
        return "No mail goes out: PORTAL_SMTP_URL names no mail server. Everything stands in the inboxes."
    letters = waiting(at=at)
    if not letters:
        return "Everybody has read everything."
    sent, unreached = 0, []
    try:
        with _server() as server:
            for letter in letters:
                if _sent(server, letter):
                    sent += 1
                else:  # one address that nobody has any more keeps nobody else's mail back
                    unreached.append(letter.person.name)
    except (OSError, smtplib.SMTPException) as error:
        raise Refused(f"{sent} of {len(letters)} mails went out, then the mail server did not answer: {type(error).__name__}.") from error
    if unreached:
        raise Refused(f"{sent} of {len(letters)} mails went out. The mail server did not take those to {', '.join(unreached)}.")
    return f"{sent} mails went out."


def waiting(*, at: datetime | None = None) -> list[Letter]:
    """By person; whoever has both gets one."""
    unread = inbox.to_mail(since=(at or now()) - LOOKS_BACK)
    weekly = {person.id: (person, told) for person, told in digest_mails.to_mail(at=at)}
    letters = []
    for person_id in dict.fromkeys((*unread, *weekly)):
        person, told = weekly.get(person_id, (people.get(person_id), None))
        if person is not None:
            letters.append(Letter(person, unread.get(person_id, []), told))
    return letters


def _sent(server: smtplib.SMTP, letter: Letter) -> bool:
    """Noted, sent; and where the server says that it did not take it, no longer noted."""
    weekly = letter.digest if letter.digest and digest_mails.begin(letter.person, letter.digest) else None
    if not letter.items and weekly is None:  # another process was quicker
        return True
    inbox.mark_mailed(letter.items)
    try:
        server.send_message(compose(letter.person, letter.items, weekly), to_addrs=[letter.person.email])
    except (OSError, smtplib.SMTPException) as error:
        inbox.mark_unmailed(letter.items)
        if weekly is not None and isinstance(error, SAID_NO):
            digest_mails.not_sent(letter.person, weekly)
        if isinstance(error, NOT_TAKEN):
            return False
        raise
    return True


def compose(person: Person, items: list[InboxItem], weekly: Written | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject(items, weekly)
    mail["From"], mail["To"] = config.settings().mail_from, person.email
    mail["Auto-Submitted"] = "auto-generated"  # so that no out-of-office answers it
    lines = [f"Hello {person.name.split(' ')[0]},", "", *_grouped(items)]
    if items:
        lines += ["Read in the portal, it is not mailed again.", ""]
    if weekly is not None:
        lines += [*digest_text.lines(weekly, by=person), "Whoever wants no digest by mail says so on its page."]
    mail.set_content("\n".join(lines).rstrip())
    return mail


def subject(items: Sequence[InboxItem], weekly: Written | None = None) -> str:
    """The most important thing: what waits for a decision, then what moved, then what somebody said."""
    decisions = [one for one in items if one.kind == "approval"]
    moved = weekly.told.brief.moved if weekly is not None and weekly.told.brief.measure else ""
    others = [one.sentence for kind in inbox.HEADINGS for one in items if one.kind == kind]
    first = decisions[0].sentence if decisions else moved or next(iter(others), "") or (weekly.told.brief.moved if weekly else "")
    left = len(items) - (0 if first == moved else 1)
    more = f" (and {left} more)" if items and left > 0 else ""
    return f"Portal: {_cut(' '.join(first.split()), LONGEST_SUBJECT - len(more))}{more}"


def _cut(told: str, most: int) -> str:
    return told if len(told) <= most else f"{told[: most - 1].rsplit(' ', 1)[0]}…"


def _grouped(items: Sequence[InboxItem]) -> list[str]:
    """As the inbox shows them, decisions first."""
    base, lines = config.settings().public_url.rstrip("/"), []
    for kind, heading in inbox.HEADINGS.items():
        of_it = [one for one in items if one.kind == kind]
        if of_it:
            lines.append(f"{heading}:")
            for item in of_it:
                lines += [f"- {item.sentence}"] + ([f"  {base}/{item.page}"] if base else [])
            lines.append("")
    return lines


def send_now(person: Person, subject: str, lines: list[str], page: str) -> None:
    """One thing that does not wait for the morning, to the person alone."""
    mail, base = EmailMessage(), config.settings().public_url.rstrip("/")
    mail["Subject"] = " ".join(f"Portal: {subject}".split())
    mail["From"], mail["To"] = config.settings().mail_from, person.email
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([f"Hello {person.name.split(' ')[0]},", "", *lines, *(["", f"{base}/{page}"] if base else [])]))
    with _server() as server:
        server.send_message(mail, to_addrs=[person.email])


def told_already(person_id: str, key: str) -> None:
    """What went out at once is not in the morning's mail again."""
    person = people.get(person_id)
    if person is not None:
        inbox.mark_mailed([one for one in inbox.of(person) if one.key == f"{key} to {person_id}"])


def _server() -> smtplib.SMTP:
    url = urlsplit(config.settings().smtp_url)
    try:
        port, host = url.port, url.hostname if url.scheme in ("smtp", "smtps") else None
    except ValueError:
        port, host = None, None
    if host is None:
        raise Misuse("PORTAL_SMTP_URL cannot be used. It reads like smtp://user:password@host:587, or smtps:// for TLS from the start.")
    made = _connected(url.scheme, host, port)
    try:
        made.ehlo()
        secure = url.scheme == "smtps"
        if not secure and made.has_extn("starttls"):
            made.starttls(context=ssl.create_default_context())  # without one it would not look whose certificate it is
            made.ehlo()
            secure = True
        if url.username:
            if not secure and host not in LOOPBACK:
                raise Misuse("PORTAL_SMTP_URL names a password, and the mail server speaks no TLS: it would go readable over the network.")
            made.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        made.close()
        raise
    return made


def _connected(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=PATIENCE, context=ssl.create_default_context())
    return smtplib.SMTP(host, port or 25, timeout=PATIENCE)
