"""What a recipe did in the portal is told to the help desk that the conversation came from: once, by a task, whatever happens meanwhile.

How far that is stands on the action: in `answer`, with the other side's id in `provider_ref` once it is told and the reason in `why`
where it is not. What was done here stays done.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from automations.desks import DESKS, origin
from automations.desks.face import DRAFT, Face, Mark, There
from automations.desks.line import SECONDS, Line, NotKnown, NotNow, opened
from data import audit, store, tasks
from data.connections import HelpDesk
from data.errors import Refused
from data.tables import Action, Conversation
from data.values import now

TELL = "tell_help_desk"  # the task
KINDS = ("tag", "route", "field", "draft", "note")
SENDING, LATER, TOLD, NOT_TOLD = "sending", "later", "told", "not told"
PAUSES = (60, 120, 300, 900, 1800, 3600, 7200)  # seconds before the next try, longer each time
MOST_TRIES, GIVES_UP = 8, timedelta(hours=24)
STALE = timedelta(minutes=5)  # after which whoever was telling it has died
OFF = "The portal may not write to the help desk that this came from. Nothing was asked there."


@dataclass(frozen=True)
class Telling:
    """One try."""

    action: Action
    conversation: Conversation
    desk: HelpDesk
    tries: int  # with this one

    @property
    def face(self) -> Face:
        return DESKS[self.desk.product]

    @property
    def mark(self) -> Mark:
        return Mark(self.action.id, self.action.at)


@dataclass(frozen=True)
class Heard:
    """What the help desk made of it, and what it did not."""

    ref: str
    but: str = ""


def later(db: Session, action: Action, at: datetime | None = None) -> None:
    """In the transaction that did it here: a task tells it, where the portal may write there."""
    conversation = db.get(Conversation, action.conversation_id) if action.conversation_id else None
    if conversation is None or (desk := origin.of(conversation)) is None:
        return
    title = f"Tell {DESKS[desk.product].NAME} what was done"
    tasks.later(db, TELL, {"action_id": action.id}, title=title, by=None, dedup_key=f"tell {action.id}", at=at)


def tell(
    action_id: str, *, at: datetime | None = None, seconds: float = SECONDS, wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> str:  # fmt: skip
    """Told once, or why not, or when again."""
    one = _begun(action_id, at or now())
    if isinstance(one, str):
        return one
    try:
        with opened(one.face.opens, one.desk.opened(), seconds=seconds, wait=wait, clock=clock) as line:
            heard = _told(one, line)
    except NotNow as why:
        return _again(one, str(why), why.seconds, at or now())
    except Refused as why:
        return _end(one.action.id, NOT_TOLD, one, why=f"Not told to {one.face.NAME}: {why}", at=at)
    return _end(one.action.id, TOLD, one, ref=heard.ref, why=f"Told in part. {heard.but}" if heard.but else "", at=at)


def anything_due(*, at: datetime | None = None) -> bool:
    return bool(_due(at or now()))


def _waits(action_id: str) -> bool:
    with store.reading() as db:
        return (db.get_one(Action, action_id, populate_existing=True).answer or {}).get("state") == LATER


def tell_due(*, at: datetime | None = None, seconds: float = SECONDS) -> str:
    """What waits for a help desk that was not there, or was cut off: each once more. One that is still not there is asked once."""
    told, away = list[str](), set[str]()
    for one in _due(at or now()):
        product = (one.answer or {}).get("help_desk", "")
        if product not in away:
            told.append(tell(one.id, at=at, seconds=seconds))
            away |= {product} if _waits(one.id) else set()
    return " ".join(told) or "Nothing waits to be told."


# -- how far it is, on the action ---------------------------------------------------------------------------------------------------------


def _begun(action_id: str, moment: datetime) -> Telling | str:
    """Taken by this try alone, or why there is none."""
    with store.writing() as db:
        action = db.get(Action, action_id, populate_existing=True, with_for_update=True)
        if action is None or action.kind not in KINDS or action.state != "done" or action.conversation_id is None:
            return "Nothing was told: this is nothing that a help desk is told."
        said = action.answer or {}
        if said.get("state") in (TOLD, NOT_TOLD):
            return "It was decided before."
        if said and moment < datetime.fromisoformat(said["next"]):
            return "It is not its turn yet."
        conversation, tries = db.get_one(Conversation, action.conversation_id), said.get("tries", 0) + 1
        desk = origin.of(conversation)
        if desk is None or conversation.hidden_at is not None:
            return _end(action_id, NOT_TOLD, None, why=OFF, at=moment)
        one = Telling(action, conversation, desk, tries)
        if why := _in_vain(db, one, moment):
            return _end(action_id, NOT_TOLD, one, why=f"Not told to {one.face.NAME}: {why}", at=moment)
        _keep(action, SENDING, one, moment + STALE)
        return one


def _in_vain(db: Session, one: Telling, moment: datetime) -> str:
    action = one.action
    if one.tries > MOST_TRIES or moment - action.at > GIVES_UP:
        since = f"since {action.at:%d.%m. %H:%M} UTC"
        tried = f"{one.tries - 1:,} tries {since} did not get through" if one.tries > 1 else f"it waits {since}, and that is too long"
        return f"{tried}. Do it over there. {action.why}".strip()
    if _places(action) and _overtaken(db, action):
        return "it was given to somebody else since."
    return ""


def _places(action: Action) -> bool:
    """Says who has the conversation: told late, it would undo what came after it."""
    return action.kind == "route" or (action.kind == "field" and action.payload["what"].get("field") == "assignee")


def _overtaken(db: Session, action: Action) -> bool:
    newer = select(Action).where(
        Action.conversation_id == action.conversation_id, Action.kind == action.kind, Action.state == "done", col(Action.id) > action.id
    )
    return any(_places(one) for one in db.exec(newer))


def _keep(action: Action, state: str, one: Telling, following: datetime | None) -> None:
    turn = {"next": following.isoformat()} if following else {}
    action.answer = {"help_desk": one.desk.product, "state": state, "tries": one.tries} | turn


def _again(one: Telling, why: str, seconds: float, moment: datetime) -> str:
    """As the help desk said, and not before it had time to recover."""
    if one.tries >= MOST_TRIES:
        given_up = f"Not told to {one.face.NAME}: {one.tries:,} tries did not get through. Do it over there. {why}"
        return _end(one.action.id, NOT_TOLD, one, why=given_up, at=moment)
    pause = max(seconds, PAUSES[min(one.tries, len(PAUSES)) - 1])
    told = (
        f"{why} It is told again at {moment + timedelta(seconds=pause):%H:%M} UTC at the earliest, {MOST_TRIES - one.tries} times at most."
    )
    with store.writing() as db:
        action = db.get_one(Action, one.action.id, populate_existing=True, with_for_update=True)
        _keep(action, LATER, one, moment + timedelta(seconds=pause))
        action.why = told
        db.add(action)
    return told


def _end(action_id: str, state: str, one: Telling | None, *, ref: str = "", why: str = "", at: datetime | None) -> str:
    with store.writing() as db:
        action = db.get_one(Action, action_id, populate_existing=True, with_for_update=True)
        if one is not None:
            _keep(action, state, one, None)
        else:
            action.answer = {"state": state, "tries": (action.answer or {}).get("tries", 0)}
        action.provider_ref, action.why = f"{one.desk.product} {ref}"[:100] if one and ref else "", why
        db.add(action)
        name = one.face.NAME if one else "the help desk"
        told = f"Told {name}: {action.payload['told']}. {why}".strip() if state == TOLD else f"{action.payload['told']}. {why}"
        audit.record(db, None, "told" if state == TOLD else "did not tell", "action", action.id, told, at=at)
    return told


def _due(moment: datetime) -> list[Action]:
    query = select(Action).where(
        Action.state == "done", col(Action.kind).in_(KINDS), Action.provider_ref == "", Action.at > moment - 2 * GIVES_UP,
        col(Action.answer).is_not(None),
    )  # fmt: skip
    with store.reading() as db:
        found = db.exec(query.order_by(Action.id)).all()
    return [one for one in found if (said := one.answer or {}).get("next") and datetime.fromisoformat(said["next"]) <= moment]


# -- what is said there -------------------------------------------------------------------------------------------------------------------


def _told(one: Telling, line: Line) -> Heard:
    face, what = one.face, one.action.payload["what"]
    made = face.there(line, one.conversation.external_id)
    origin.require_theirs(made, one.conversation, one.desk.product)
    match one.action.kind:
        case "tag":
            return Heard(face.tag(line, made, str(what["tag"])))
        case "route":
            return Heard(face.give_to_team(line, made, str(what["team"])))
        case "draft":
            return Heard(_noted(one, line, made, f"{DRAFT}\n\n{what['text']}"))
        case "note":
            but = _handed_over(one, line, made, str(what.get("to") or ""))
            return Heard(_noted(one, line, made, str(what["text"])), but)
    return Heard(_field(one, line, made, what))


def _handed_over(one: Telling, line: Line, made: There, team: str) -> str:
    """What is in the way of giving it to the team; the note is told all the same."""
    if not team:
        return ""
    try:
        one.face.give_to_team(line, made, team)
    except NotNow:
        raise
    except Refused as why:
        return str(why)
    return ""


def _field(one: Telling, line: Line, made: There, what: dict[str, Any]) -> str:
    if what["field"] != "assignee":
        raise Refused(
            f"the field '{what['field']}' stays in the portal. A help desk is told tags, teams, who has a conversation, notes and drafts."
        )
    return one.face.give_to_person(line, made, str(what["value"]))


def _noted(one: Telling, line: Line, made: There, text: str) -> str:
    """Before it is said again it is looked for: an answer that was lost is no note that was."""
    if one.tries > 1 and (ref := one.face.find(line, made, text, one.mark, public=False)):
        return ref
    try:
        return one.face.note(line, made, text, one.mark)
    except NotKnown as unknown:
        if ref := one.face.find(line, made, text, one.mark, public=False):
            return ref
        raise NotNow(str(unknown)) from None
