"""The daily mail: what a person has not read yet in their inbox, once, to their own address and nowhere else."""

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from data import config, inbox, people
from data.errors import Misuse, Refused
from data.tables import InboxItem, Person
from data.values import now

LOOKS_BACK = timedelta(days=7)
PATIENCE = 20.0  # seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def send_daily() -> str:
    """One mail to each who has something unread. What was mailed is not mailed again; what could not be waits for tomorrow."""
    if not config.settings().smtp_url:
        return "No mail goes out: PORTAL_SMTP_URL names no mail server. Everything stands in the inboxes."
    waiting = inbox.to_mail(since=now() - LOOKS_BACK)
    if not waiting:
        return "Everybody has read everything."
    sent, unreached = 0, []
    try:
        with _server() as server:
            for person_id, items in waiting.items():
                person = people.get(person_id)
                if person is None:
                    continue
                try:
                    server.send_message(compose(person, items), to_addrs=[person.email])
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, smtplib.SMTPDataError):
                    unreached.append(person.name)  # one address that nobody has any more keeps nobody else's mail back
                    continue
                inbox.mark_mailed(items)
                sent += 1
    except (OSError, smtplib.SMTPException) as error:
        raise Refused(f"{sent} of {len(waiting)} mails went out, then the mail server did not answer: {type(error).__name__}.") from error
    if unreached:
        raise Refused(f"{sent} of {len(waiting)} mails went out. The mail server did not take those to {', '.join(unreached)}.")
    return f"{sent} mails went out."


def compose(person: Person, items: list[InboxItem]) -> EmailMessage:
    mail = EmailMessage()
    many = len(items)
    mail["Subject"] = f"Portal: {many} {'thing' if many == 1 else 'things'} for you"
    mail["From"], mail["To"] = config.settings().mail_from, person.email
    mail["Auto-Submitted"] = "auto-generated"  # so that no out-of-office answers it
    lines = [f"Hello {person.name.split(' ')[0]},", "", "since you last looked:", ""]
    base = config.settings().public_url.rstrip("/")
    for item in items:
        lines += [f"- {item.sentence}"] + ([f"  {base}/{item.page}"] if base else [])
    lines += ["", "Read in the portal, it is not mailed again."]
    mail.set_content("\n".join(lines))
    return mail


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
