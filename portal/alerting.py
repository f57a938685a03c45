"""Alerts on their way: to their owner's mail, and to webhooks as the portal, Slack or Teams words it. Each is tried for itself.

What cannot be told is tried again, later each time, for about a day; nobody else waits for it. A receiver that hung up may have it all the
same: each try carries the same Portal-Delivery, so that it is taken once.
"""

import hmac
import json
import smtplib
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import httpx2
from sqlmodel import col, select

from automations.steps import calling
from automations.steps.calling import CallFault
from data import access, audit, config, store, tasks, webhooks
from data.errors import Misuse, Refused
from data.signatures import HEADER
from data.tables import Alert, Delivery, Monitor, Person
from data.values import new_id, now
from data.webhooks import SLACK, TEAMS, Open
from evals import alerts, monitors
from evals.alerts import MAIL
from evals.monitors import Watched
from language.wire import Expired, TooLarge, Wire, within

ID = "Portal-Delivery"
SECONDS = 5.0  # for one receiver
ALTOGETHER = 45.0  # of one turn: the next goes on
PAUSES = (60, 120, 300, 900, 1800, 3600)  # seconds before the next try, longer each time
MOST_TRIES = 30  # about a day
SENT_AT_ONCE = 20
TRIAL: dict[str, Any] = {
    "event": "trial", "alert": "", "monitor": "", "name": "Portal", "state": "trial", "sentence": "This is a trial: nothing happened.",
    "from": "", "to": "", "numbers": {}, "acted": "", "link": "",
}  # fmt: skip
EXAMPLE: dict[str, Any] = {  # what a message looks like, for whoever approves one
    "event": "alert_opened", "alert": "…", "monitor": "…", "name": "Resolved in chat", "state": "open",
    "sentence": "'Resolved' in chat fell to 71 % (66–75, n = 412) since 12 October, from 81 % over the four weeks before.",
    "from": "2026-10-12", "to": "2026-10-14", "numbers": {"value": 0.71, "low": 0.66, "high": 0.75, "n": 412, "baseline": 0.81},
    "acted": "", "link": "https://portal.example.com/monitors?monitor=…",
}  # fmt: skip


class NotTold(Exception):
    """Why; it is tried again."""


class NeverTold(NotTold):
    """... or not: it would be the same again."""


def anything_due(*, at: datetime | None = None) -> bool:
    return bool(_due(at, most=1)) and not tasks.under_way(alerts.TELL)


def _due(at: datetime | None, *, most: int) -> list[Delivery]:
    ready = col(Delivery.not_before).is_(None) | (col(Delivery.not_before) <= (at or now()))
    with store.reading() as db:
        return list(
            db.exec(select(Delivery).where(Delivery.state == "waiting", ready).order_by(col(Delivery.tries), col(Delivery.id)).limit(most))
        )


def tell_due(*, at: datetime | None = None, seconds: float = SECONDS) -> str:
    """In words what came of it. Those who failed least come first: one who is not there holds up nobody."""
    began, told, failed = time.monotonic(), 0, 0
    for delivery in _due(at, most=SENT_AT_ONCE):
        if time.monotonic() - began > ALTOGETHER:
            break
        ok = _tell(delivery, at, seconds)
        told, failed = told + ok, failed + (not ok)
    return f"{told:,} told." + (f" {failed:,} not: tried again later, or given up; the alert says why." if failed else "")


def _tell(delivery: Delivery, at: datetime | None, seconds: float) -> bool:
    alert, monitor, owner = _of(delivery)
    try:
        if delivery.receiver == MAIL:
            _mail(alert, monitor, owner, delivery.event)
        else:
            post(_opened(delivery.receiver), message(alert, monitor, delivery.event), delivery.id, seconds=seconds)
    except NotTold as why:
        _put_off(delivery, str(why), isinstance(why, NeverTold), at)
        return False
    _end(delivery, "done", "", at)
    return True


def _of(delivery: Delivery) -> tuple[Alert, Monitor, Person | None]:
    with store.reading() as db:
        alert = db.get_one(Alert, delivery.alert_id)
        monitor = db.get_one(Monitor, alert.monitor_id)
        return alert, monitor, db.get(Person, monitor.owner_id)


def _end(delivery: Delivery, state: str, why: str, at: datetime | None) -> None:
    with store.writing() as db:
        kept = db.get_one(Delivery, delivery.id, populate_existing=True)
        kept.state, kept.tries, kept.why, kept.not_before = state, kept.tries + 1, why, None
        kept.sent_at = (at or now()) if state == "done" else None


def _put_off(delivery: Delivery, why: str, never: bool, at: datetime | None) -> None:
    if never or delivery.tries + 1 >= MOST_TRIES:
        _end(delivery, "given_up", why, at)
        return
    with store.writing() as db:
        kept = db.get_one(Delivery, delivery.id, populate_existing=True)
        pause = PAUSES[min(kept.tries, len(PAUSES) - 1)]
        kept.tries, kept.why, kept.not_before = kept.tries + 1, why, (at or now()) + timedelta(seconds=pause)


def lately(*, by: Person, most: int = 200) -> dict[str, list[Delivery]]:
    """By receiver the last that was told or tried, the newest first: of the monitors within reach."""
    ids = [one.monitor.id for one in monitors.all_of(by=by)]
    with store.reading() as db:
        query = select(Delivery).join(Alert, col(Alert.id) == col(Delivery.alert_id)).where(col(Alert.monitor_id).in_(ids))
        found: dict[str, list[Delivery]] = {}
        for one in db.exec(query.order_by(col(Delivery.id).desc()).limit(most)):
            found.setdefault(one.receiver, []).append(one)
    return found


def of(alert_id: str, *, by: Person) -> list[Delivery]:
    """Whom an alert was told, for whoever may read it."""
    with store.reading() as db:
        alert = db.get(Alert, alert_id)
    if alert is None or all(one.id != alert_id for one in alerts.of(alert.monitor_id, by=by)):
        return []
    with store.reading() as db:
        return list(db.exec(select(Delivery).where(Delivery.alert_id == alert_id).order_by(Delivery.id)))


# -- by mail ------------------------------------------------------------------------------------------------------------------------------


def _mail(alert: Alert, monitor: Monitor, owner: Person | None, event: str) -> None:
    """To the owner alone; the daily mail does not say it again."""
    from portal import mail

    if not config.settings().smtp_url:
        raise NeverTold("No mail goes out: PORTAL_SMTP_URL names no mail server. It stands in the inbox.")
    if owner is None or owner.disabled_at is not None or owner.demo:
        raise NeverTold("Its owner is nobody who gets mail.")
    try:
        mail.send_now(owner, f"Alert: {monitor.name}", [alert.sentence, *([alert.acted] if alert.acted else [])], alerts.page_of(monitor))
    except smtplib.SMTPRecipientsRefused:
        raise NeverTold("The mail server does not know the owner's address.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotTold(f"The mail server did not take it ({type(error).__name__}).") from error
    except Misuse as misuse:
        raise NotTold(str(misuse)) from misuse
    mail.told_already(owner.id, f"alert {alert.id}" + (" acted" if event == "acted" else ""))


# -- by webhook ---------------------------------------------------------------------------------------------------------------------------


def _opened(name: str) -> Open:
    with store.reading() as db:
        found = webhooks.in_force(db).get(name)
    if found is None:
        raise NeverTold(f"There is no webhook '{name}' any more.")
    try:
        return found.opened()
    except Refused as refused:
        raise NeverTold(str(refused)) from None


def message(alert: Alert, monitor: Monitor, event: str) -> dict[str, Any]:
    """What a receiver is told; Slack's and Teams' words are made of it."""
    base = config.settings().public_url.rstrip("/")
    return {
        "event": f"alert_{event}", "alert": alert.id, "monitor": monitor.id, "name": monitor.name, "state": alert.state,
        "sentence": alert.ended_why if event == "ended" else alert.sentence, "from": alert.since.isoformat(),
        "to": alert.until.isoformat(), "numbers": alert.numbers, "acted": alert.acted,
        "link": f"{base}/{alerts.page_of(monitor)}" if base else "",
    }  # fmt: skip


def shaped(told: dict[str, Any], shape: str) -> dict[str, Any]:
    if shape not in (SLACK, TEAMS):
        return told
    head, sentence = told["name"], " ".join(filter(None, (told["sentence"], "" if told["event"] == "alert_ended" else told["acted"])))
    if shape == SLACK:
        link = f"\n<{told['link']}|Look at it>" if told["link"] else ""
        return {"text": f"*{_plain(head)}*\n{_plain(sentence)}{link}"}
    lines: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": head, "weight": "Bolder", "wrap": True}, {"type": "TextBlock", "text": sentence, "wrap": True},
    ]  # fmt: skip
    actions = [{"type": "Action.OpenUrl", "title": "Look at it", "url": told["link"]}] if told["link"] else []
    card = {"type": "AdaptiveCard", "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "version": "1.4",
            "body": lines, "actions": actions}  # fmt: skip
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]}


def _plain(text: str) -> str:
    """Slack's three signs."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signed(secret: str, body: bytes, *, clock: float | None = None) -> str:
    """t=SECONDS,v1=HMAC-SHA256(key, "t.body") in hex: the receiver checks both, and takes each Portal-Delivery once."""
    moment = int(time.time() if clock is None else clock)
    return f"t={moment},v1={hmac.new(secret.encode(), f'{moment}.'.encode() + body, 'sha256').hexdigest()}"


def post(to: Open, told: dict[str, Any], delivery_id: str, *, seconds: float = SECONDS) -> None:
    """Only to the approved host, whose name is looked up once and has to be public; nothing is followed elsewhere."""
    body = json.dumps(shaped(told, to.shape), ensure_ascii=False).encode()
    headers = {HEADER: signed(to.secret, body), ID: delivery_id}
    try:
        place = calling.place(to.url, [_named(to)])
        with closing(_Line(headers)) as line:
            status = within(seconds, line, lambda: _status(line, place, body, seconds))
    except CallFault as fault:
        raise NotTold(str(fault).removeprefix("Not called: ").capitalize()) from None
    except Refused as refused:
        raise NeverTold(str(refused)) from None
    except (Expired, httpx2.TimeoutException):
        raise NotTold(f"{to.host} did not answer within {seconds:g} seconds.") from None
    except (httpx2.TransportError, TooLarge, OSError) as error:  # its words may hold what was sent
        raise NotTold(f"{to.host} could not be reached ({type(error).__name__}).") from None
    _accept(status, to.host)


def _named(to: Open) -> str:
    return to.host.removesuffix(":443") if to.url.startswith("https:") else to.host


def _accept(status: int, host: str) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotTold(f"{host} sends us on elsewhere ({status}), and that is not followed. Propose its own address.")
    if status in (400, 404, 410, 413, 422):
        raise NeverTold(f"{host} does not take it ({status}).")
    raise NotTold(f"{host} answered with {status}.")


class _Line(Wire):
    """A connection of its own: no key of ours, none of the environment's proxies, and the headers that a wire would leave out."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("")
        self._http = calling.WithHeaders(headers)


def _status(line: Wire, place: calling.Place, body: bytes, seconds: float) -> int:
    """What it says of it; its words are nobody's concern."""
    plain = calling.request_to("POST", place, calling.where(place, calling.looked_up), None, seconds)
    headers = {**plain.headers, "content-type": "application/json", "content-length": str(len(body))}
    answer = line.handle_request(httpx2.Request("POST", plain.url, headers=headers, content=body, extensions=plain.extensions))
    answer.close()
    return answer.status_code


# -- tried by hand ------------------------------------------------------------------------------------------------------------------------


def try_webhook(name: str, *, by: Person, told: dict[str, Any] = TRIAL, seconds: float = SECONDS) -> None:
    """A message that says that it is a trial. Refused: what went wrong."""
    access.require(by, "monitor.change")
    try:
        post(_opened(name), told, new_id(), seconds=seconds)
    except NotTold as why:
        raise Refused(f"The test was not taken: {why}") from None
    finally:
        with store.writing() as db:
            audit.record(db, by, "tried", "setting", f"{webhooks.WEBHOOK}{name}", f"Told the webhook {name} that this is a trial.")


def try_webhooks(watched: Watched, *, by: Person, seconds: float = SECONDS) -> Sequence[tuple[str, str]]:
    """The same to each webhook, in a monitor's name: the webhook's, and what went wrong, or nothing."""
    access.require(by, "monitor.change")
    trial = {**TRIAL, "monitor": watched.monitor.id, "name": watched.monitor.name}
    with store.reading() as db:
        found = webhooks.names(db)
    told = []
    for name in found:
        try:
            try_webhook(name, by=by, told=trial, seconds=seconds)
            told.append((name, ""))
        except Refused as why:
            told.append((name, str(why).removeprefix("The test was not taken: ")))
    return told
