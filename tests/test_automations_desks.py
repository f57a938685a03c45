"""The help desks hear what recipes did: once, whatever happens on the way, about the right customer alone, and only where they may."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from automations.actions import Real
from automations.desks import DESKS, face, telling
from automations.door import Did, Held, Wanted
from automations.settling import Ways, carry_out
from data import approvals, audit, connections, conversations, people, settings, store, tasks
from data.errors import Refused
from data.intake import door, following
from data.tables import Action, Conversation, Message, Task
from data.values import now
from portal import catalog, jobs, schedules
from tests.conftest import Staff, hired
from tests.conversations import canonical
from tests.helpdesk import SECRET, START, Answer, _json
from tests.helpdesk_writes import Writable, writable
from tests.test_automations_actions import begun_for, recipe
from tests.test_screens import button, open_screen, sit_down

DAY = timedelta(days=1)


@dataclass
class World:
    """A help desk that the portal writes to, and its conversation here."""

    staff: Staff
    desk: Writable

    @property
    def conversation(self) -> Conversation:
        with store.reading() as db:
            return db.exec(select(Conversation).where(Conversation.external_id == "1", Conversation.source == self.desk.product)).one()

    @property
    def name(self) -> str:
        return DESKS[self.desk.product].NAME

    def act(self, kind: str, ways: Ways | None = None, name: str = "", on: Conversation | None = None, **what: Any) -> Did:
        """As a run of a recipe does it."""
        trace = begun_for(self.staff, recipe(), (on or self.conversation).id)
        wanted = Wanted(name or kind, STEP[kind], kind, what, f"{kind.capitalize()} it")
        return Real(Held(recipe()), trace.id, by=self.staff.rep, ways=ways or catalog.ways()).act(wanted)

    def did(self, kind: str, **what: Any) -> Action:
        """Done here, and not told yet."""
        self.act(kind, **what)
        return self.actions()[-1]

    def actions(self) -> list[Action]:
        with store.reading() as db:
            return list(db.exec(select(Action).order_by(col(Action.id)).execution_options(populate_existing=True)))

    def last(self) -> Action:
        return self.actions()[-1]

    def tell(self, action: Action, **more: Any) -> str:
        return telling.tell(action.id, **({"seconds": 2, "wait": self.desk.clock.wait} | more))


STEP = {"tag": "tag", "route": "route", "field": "set field", "draft": "draft reply", "note": "hand over", "reply": "send reply"}


def connect(staff: Staff, desk: Writable, *, writes: bool = True) -> None:
    account = desk.account()
    proposal = connections.propose_help_desk(
        desk.product, account.url, account.account, account.secret, why="So that both know.", by=staff.engineer, days=3650, writes=writes
    )
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()


@contextmanager
def following_one(staff: Staff, product: str, *, writes: bool = True) -> Iterator[World]:
    with writable(product) as desk:
        desk.holds(1)
        connect(staff, desk, writes=writes)
        desk.asked.clear()
        yield World(staff, desk)


@pytest.fixture(params=list(DESKS))
def world(request: pytest.FixtureRequest, staff: Staff) -> Iterator[World]:
    with following_one(staff, request.param) as made:
        yield made


@pytest.fixture
def zendesk(staff: Staff) -> Iterator[World]:
    """Where it does not matter which one it is."""
    with following_one(staff, "zendesk") as made:
        yield made


def everything_kept() -> str:
    tables = ("action", "audit_entry", "task", "trace", "setting", "proposal", "approval", "import_batch", "inbox_item", "conversation")
    with store.reading() as db:
        return " ".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))


# -- what is told -------------------------------------------------------------------------------------------------------------------------


def test_what_recipes_do_here_is_done_over_there(world: World) -> None:
    world.act("tag", tag="Late parcel")
    world.act("route", team="Oak")
    world.act("field", field="assignee", value="Rita")
    world.act("draft", text="Dear <b>customer</b>,\nit is on its way.")
    world.act("note", text="Wants: a refund.", to="")
    assert world.desk.asked == []  # nothing leaves in the transaction that does it
    jobs.run_waiting()
    desk = world.desk
    assert len(desk.tags[1]) == 1 and desk.tags[1][0] in ("late_parcel", "111")
    assert (desk.team, desk.person) == ({1: 51}, {1: 61})
    draft, note = desk.notes()
    assert draft.removeprefix("<p>").startswith(face.DRAFT) and "it is on its way." in draft and "Wants: a refund." in note
    assert desk.replies() == []
    for one in world.actions():
        assert one.provider_ref.startswith(world.desk.product) and one.why == "" and (one.answer or {})["state"] == telling.TOLD
        assert f"Told {world.name}: {one.kind.capitalize()} it." in [entry.sentence for entry in audit.newest(by=people.console())]


def test_nothing_that_a_machine_wrote_becomes_a_picture_or_a_link(world: World) -> None:
    world.act("note", text='<img src="https://evil.example/1.png"> ![x](https://evil.example/2.png)', to="")
    jobs.run_waiting()
    (said,) = world.desk.notes()
    assert said.count("evil.example") == 2  # the control
    assert "](" not in said if world.desk.product == "chatwoot" else "<img" not in said  # Chatwoot shows no HTML, the others no Markdown


def test_a_handed_over_conversation_has_its_note_and_its_team(world: World) -> None:
    world.act("note", text="A person takes over.", to="Oak")
    jobs.run_waiting()
    assert len(world.desk.notes()) == 1 and world.desk.team == {1: 51}


def test_tags_that_are_there_stay(world: World) -> None:
    world.desk.tags[1] = ["vip"]
    world.act("tag", tag="late")
    world.act("tag", tag="urgent")
    jobs.run_waiting()
    assert world.desk.tags[1][0] == "vip" and len(world.desk.tags[1]) == 3


def test_told_again_it_is_told_once(world: World) -> None:
    action = world.did("note", text="Once.", to="")
    world.tell(action)
    asked = list(world.desk.asked)
    assert world.tell(action) == "It was decided before." and world.desk.asked == asked
    assert telling.tell_due(at=now() + DAY) == "Nothing waits to be told." and len(world.desk.said) == 1


def test_a_group_that_is_not_there_is_told_in_words_and_what_was_done_here_stays(world: World) -> None:
    action = world.did("route", team="Fern")
    told = world.tell(action)
    assert f"Not told to {world.name}: {world.name} has no" in told and "'Fern'. It has: Oak" in told
    after = world.last()
    assert (after.state, after.provider_ref, (after.answer or {})["state"]) == ("done", "", telling.NOT_TOLD) and after.why in told
    assert world.conversation.team_id == world.staff.fern.id and world.desk.team == {} and world.desk.writes == []


def test_of_two_groups_of_one_name_none_is_chosen(world: World) -> None:
    people.add_team("Twins", by=people.console())
    assert "2" in world.tell(world.did("route", team="Twins")) and world.desk.team == {}


def test_a_note_is_told_although_its_team_is_not_there(world: World) -> None:
    action = world.did("note", text="A person takes over.", to="Fern")
    assert "Told in part." in world.tell(action)
    assert len(world.desk.notes()) == 1 and world.last().provider_ref and "no" in world.last().why


def test_other_fields_stay_here(world: World) -> None:
    told = world.tell(world.did("field", field="status", value="solved"))
    assert "the field 'status' stays in the portal" in told and world.desk.writes == []


def test_a_conversation_that_is_gone_over_there_is_told_in_words(world: World) -> None:
    action = world.did("tag", tag="late")
    world.desk.gone.add(1)
    assert "(404)" in world.tell(action) and world.desk.writes == []


def test_a_closed_ticket_is_told_in_words(zendesk: World) -> None:
    action = zendesk.did("tag", tag="late")
    zendesk.desk.instead.append(_json({"error": "RecordInvalid"}, 422))
    assert "Zendesk did not take it (422). It may be closed" in zendesk.tell(action)


def test_a_long_list_of_groups_is_read_to_its_end(zendesk: World) -> None:
    zendesk.desk.page = 1
    zendesk.tell(zendesk.did("field", field="assignee", value="Leo"))
    assert zendesk.desk.person == {1: 62}


def test_told_late_it_does_not_undo_what_came_after(zendesk: World) -> None:
    first = zendesk.did("route", team="Fern")
    second = zendesk.did("route", team="Oak")
    zendesk.tell(second)
    assert "given to somebody else since" in zendesk.tell(first) and zendesk.desk.team == {1: 51}


# -- not there, slow, cut off -------------------------------------------------------------------------------------------------------------


def test_a_help_desk_that_is_not_there_is_told_later_and_not_for_ever(staff: Staff) -> None:
    with following_one(staff, "zendesk") as world:
        action = world.did("tag", tag="late")
    assert world.desk.writes == []
    told, moment = world.tell(action, at=now()), now()
    assert "could not be reached at 127.0.0.1" in told and "It is told again at " in told and "7 times at most" in told
    assert world.tell(action, at=moment) == "It is not its turn yet."
    for _ in range(telling.MOST_TRIES - 1):
        assert not telling.anything_due(at=moment)
        moment += timedelta(hours=2, minutes=1)
        assert telling.anything_due(at=moment)
        told = telling.tell_due(at=moment, seconds=2)
    assert "8 tries did not get through. Do it over there." in told
    assert not telling.anything_due(at=moment + DAY) and (world.last().state, world.last().provider_ref) == ("done", "")


def test_one_that_asks_us_to_wait_a_second_is_told_then(world: World) -> None:
    world.desk.instead.append(_json({}, 429, **{"Retry-After": "1"}))
    world.tell(world.did("note", text="Hello.", to=""))
    assert world.desk.clock.waits == [1.0] and len(world.desk.notes()) == 1 and world.last().provider_ref


def test_one_that_asks_us_to_wait_an_hour_is_told_after_an_hour(world: World) -> None:
    moment, action = now(), world.did("note", text="Hello.", to="")
    world.desk.instead.append(_json({}, 429, **{"Retry-After": "3600"}))
    assert "asks us to wait for 3,600 seconds" in world.tell(action, at=moment)
    assert world.desk.clock.waits == [] and not telling.anything_due(at=moment + timedelta(minutes=59))
    telling.tell_due(at=moment + timedelta(minutes=61))
    assert len(world.desk.notes()) == 1 and (world.last().why, (world.last().answer or {})["state"]) == ("", telling.TOLD)


def test_a_note_that_was_taken_before_the_error_is_not_made_twice(world: World) -> None:
    action = world.did("note", text="Hello.", to="")
    world.desk.after.append(_json({"error": "x"}, 500))
    assert world.tell(action).startswith(f"Told {world.name}")
    assert len(world.desk.notes()) == 1 and world.last().provider_ref


def test_a_note_that_was_not_taken_is_made_by_a_later_try(world: World) -> None:
    moment, action = now(), world.did("draft", text="Hello.")
    world.desk.instead.append(_json({"error": "x"}, 500))
    assert "error of its own (500)" in world.tell(action, at=moment) and world.desk.notes() == []
    telling.tell_due(at=moment + timedelta(minutes=2))
    assert len(world.desk.notes()) == 1 and world.last().provider_ref


def test_a_note_whose_answer_comes_too_late_is_not_made_twice(world: World) -> None:
    free = threading.Event()

    def slow() -> Answer:
        free.wait(30)
        return _json({})

    action = world.did("note", text="Hello.", to="")
    world.desk.after.append(slow)
    assert world.tell(action, seconds=0.5).startswith(f"Told {world.name}")
    free.set()
    assert len(world.desk.notes()) == 1


def test_when_it_cannot_even_be_looked_for_the_next_try_looks_first(world: World) -> None:
    moment, action = now(), world.did("note", text="Hello.", to="")

    def gone() -> Answer:
        world.desk.fails(".", 500)  # the look that follows
        return _json({"error": "x"}, 500)

    world.desk.after.append(gone)
    assert "It is told again" in world.tell(action, at=moment)
    telling.tell_due(at=moment + timedelta(minutes=2))
    assert len(world.desk.notes()) == 1 and world.last().provider_ref


def test_a_note_of_another_act_is_not_taken_for_this_one(world: World) -> None:
    moment, first, second = now(), world.did("note", text="Hello.", to=""), world.did("note", text="Hello.", to="")
    world.tell(first)
    world.desk.instead.append(_json({}, 500))
    world.tell(second, at=moment)
    telling.tell_due(at=moment + timedelta(minutes=2))
    assert len(world.desk.notes()) == 2


def test_after_a_kill_it_is_looked_for_before_it_is_said_again(world: World) -> None:
    moment, action = now(), world.did("note", text="Hello.", to="")

    def killed(_seconds: float) -> None:
        raise KeyboardInterrupt

    world.desk.instead.append(_json({}, 429, **{"Retry-After": "1"}))
    with pytest.raises(KeyboardInterrupt):  # the process ends in the middle: nothing more is kept
        world.tell(action, at=moment, wait=killed)
    assert (world.last().answer or {})["state"] == telling.SENDING
    world.desk._say(1, f"Hello. (portal {action.id})", False, action.id)  # it had been taken
    assert world.tell(action, at=moment + timedelta(minutes=1)) == "It is not its turn yet."
    assert telling.tell_due(at=moment + telling.STALE).startswith(f"Told {world.name}")
    assert len(world.desk.notes()) == 1


def test_a_help_desk_that_is_away_is_asked_once_however_much_waits(zendesk: World) -> None:
    moment, waiting = now(), [zendesk.did("tag", tag=f"tag {number}") for number in range(5)]
    for action in waiting:
        zendesk.desk.fails("/tickets/1", 503, Retry_After="60")
        zendesk.tell(action, at=moment)
    zendesk.desk.asked.clear()
    zendesk.desk.fails("/tickets/1", 503, Retry_After="60")
    telling.tell_due(at=moment + timedelta(minutes=2))
    assert len(zendesk.desk.asked) == 1
    telling.tell_due(at=moment + timedelta(minutes=3))
    assert len(zendesk.desk.tags[1]) == 5 - 1  # the one that was asked of waits longer
    telling.tell_due(at=moment + timedelta(minutes=5))
    assert len(zendesk.desk.tags[1]) == 5


def test_one_whose_tries_all_died_is_given_up(zendesk: World) -> None:
    moment, action = now(), zendesk.did("tag", tag="late")

    def killed(_seconds: float) -> None:
        raise KeyboardInterrupt

    for number in range(telling.MOST_TRIES):
        zendesk.desk.instead.append(_json({}, 429, **{"Retry-After": "1"}))
        with pytest.raises(KeyboardInterrupt):
            zendesk.tell(action, at=moment + number * telling.STALE, wait=killed)
    told = telling.tell_due(at=moment + telling.MOST_TRIES * telling.STALE)
    assert "8 tries since" in told and not telling.anything_due(at=moment + DAY) and zendesk.desk.tags == {}


def test_what_waited_for_a_day_is_not_told_any_more(zendesk: World) -> None:
    told = zendesk.tell(zendesk.did("tag", tag="late"), at=now() + DAY)
    assert "that is too long. Do it over there." in told and zendesk.desk.asked == []


def test_two_at_once_tell_it_once(world: World) -> None:
    action = world.did("note", text="Hello.", to="")
    gate = threading.Barrier(4)

    def try_it() -> None:
        gate.wait()
        world.tell(action)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(world.desk.notes()) == 1 and (world.last().answer or {})["state"] == telling.TOLD


def test_what_waits_is_told_by_the_minute(zendesk: World) -> None:
    action = zendesk.did("tag", tag="late")
    zendesk.desk.instead.append(_json({}, 503, **{"Retry-After": "60"}))
    jobs.run_waiting()
    assert zendesk.desk.tags == {} and not telling.anything_due()
    with store.writing() as db:  # the minute is over
        waits = db.get_one(Action, action.id)
        waits.answer = (waits.answer or {}) | {"next": now().isoformat()}
        db.add(waits)
    schedules.begin_due()
    jobs.run_waiting()
    assert zendesk.last().provider_ref == "zendesk 1" and zendesk.desk.tags == {1: ["late"]} and not telling.anything_due()
    with store.reading() as db:
        done = db.exec(select(Task).where(Task.name == telling.TELL).order_by(col(Task.id))).all()
    assert [(one.state, one.arguments) for one in done] == [("done", {"action_id": action.id}), ("done", {})]


# -- whether the portal may -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("product", list(DESKS))
def test_where_the_portal_may_not_write_nothing_is_told_and_nothing_asked(staff: Staff, product: str) -> None:
    with following_one(staff, product, writes=False) as world:
        world.act("tag", tag="late")
        world.act("note", text="Hello.", to="")
        assert tasks.waiting() == []
        jobs.run_waiting()
        telling.tell(world.last().id)
        with pytest.raises(Refused, match="no channel is connected"):
            world.act("reply", text="Hello")
        assert world.desk.asked == [] and world.conversation.tags[-1] == "late"


def test_turned_off_meanwhile_nothing_is_asked(zendesk: World) -> None:
    zendesk.act("tag", tag="late")
    with store.writing() as db:
        value = settings.current("help_desk_zendesk") or {}
        settings.put(db, "help_desk_zendesk", value | {"writes": False}, by=zendesk.staff.admin)
    jobs.run_waiting()
    assert zendesk.desk.asked == [] and "may not write" in zendesk.last().why


def test_paused_nothing_is_asked(zendesk: World) -> None:
    zendesk.act("tag", tag="late")
    (batch,) = following.all_followed(by=people.console())
    following.pause(batch.id, by=zendesk.staff.engineer)
    jobs.run_waiting()
    assert zendesk.desk.asked == [] and zendesk.last().provider_ref == ""


def test_the_switch_is_part_of_the_seal(staff: Staff) -> None:
    with following_one(staff, "zendesk", writes=False) as world:
        assert connections.help_desks()["zendesk"].opened().secret == SECRET  # the control
        with store.writing() as db:  # somebody who can write to the database, and whom nobody approved
            value = settings.current("help_desk_zendesk") or {}
            settings.put(db, "help_desk_zendesk", value | {"writes": True}, by=staff.admin)
        world.act("tag", tag="late")
        jobs.run_waiting()
        assert world.desk.asked == [] and "the key that is kept is not of this address" in world.last().why


def test_who_approves_reads_that_the_portal_would_write(staff: Staff, home: object) -> None:
    made = [
        connections.propose_help_desk("zendesk", "https://x.zendesk.com", "", "key", why="x", by=staff.engineer, writes=writes)
        for writes in (True, False)
    ]
    assert [("write there" in one.title, "tag, assign, note and reply" in str(one.evidence)) for one in made] == [
        (True, True),
        (False, False),
    ]


def test_a_file_or_a_stranger_can_not_name_another_customers_conversation(world: World) -> None:
    """Somebody sends a conversation in, and says that it is number 2 over there."""
    world.desk.holds(2)
    said = canonical(7, id="2", customer="mallory@example.org").model_copy(update={"source": world.desk.product})
    (made,) = door.receive([said], by=world.staff.engineer, classify=False).ids
    found = conversations.get(made, by=world.staff.engineer)
    assert found is not None
    world.act("note", on=found[0], text="Hello.", to="")
    jobs.run_waiting()
    assert "another customer's" in world.last().why and world.desk.writes == []
    with pytest.raises(Refused, match=r"^Not sent: That conversation is another customer's"):
        world.act("reply", on=found[0], text="Hello")
    assert world.desk.writes == []


def test_a_conversation_of_no_help_desk_is_told_nowhere(zendesk: World) -> None:
    (made,) = door.receive([canonical(8, customer="jo.doe@example.org")], by=zendesk.staff.engineer, classify=False).ids
    found = conversations.get(made, by=zendesk.staff.engineer)
    assert found is not None
    zendesk.act("tag", on=found[0], tag="late")
    with pytest.raises(Refused, match=r"^Not sent: this conversation came from no help desk"):
        zendesk.act("reply", on=found[0], text="Hello")
    jobs.run_waiting()
    assert zendesk.desk.asked == [] and zendesk.actions()[0].answer is None


def test_the_key_stands_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.act("note", text="Hello.", to="")
    world.act("route", team="Fern")
    world.desk.fails(".", 401, f'{{"error": "{SECRET}"}}'.encode())
    jobs.run_waiting()
    world.desk.fails(".", 403, f'{{"error": "{SECRET}"}}'.encode())
    with pytest.raises(Refused) as refused:
        world.act("reply", text="Hello")
    world.desk.after.append(_json({"error": SECRET}, 500))
    world.act("tag", tag="late")
    jobs.run_waiting()
    told = [one.why for one in world.actions()]
    assert any("(401)" in one for one in told) and "does not let us do this (403)" in str(refused.value)  # the control
    kept = everything_kept()
    assert "127.0.0.1" in kept and SECRET not in kept + str(refused.value) + caplog.text + " ".join(told)


# -- a public reply -----------------------------------------------------------------------------------------------------------------------


def test_a_reply_goes_to_the_customer_once(world: World) -> None:
    did = world.act("reply", text="Hello Jo,\nit is on its way & soon there.")
    (said,) = world.desk.replies()
    assert did.ref.startswith(world.desk.product) and "it is on its way" in said and "portal" not in said
    assert (world.last().state, world.last().provider_ref) == ("done", did.ref)
    assert len(world.desk.writes) == 1 and "@" not in world.desk.bodies[0]  # into the conversation: no address is named


def test_a_reply_that_was_taken_before_the_error_is_seen_and_not_sent_again(world: World) -> None:
    world.desk.after.append(_json({"error": "x"}, 500))
    assert world.act("reply", text="Hello Jo.\n\nIt is on its way.").ref.startswith(world.desk.product)
    assert len(world.desk.replies()) == 1 and world.last().state == "done"


def test_a_reply_of_which_nobody_knows_is_never_sent_again_but_looked_for(world: World) -> None:
    def gone() -> Answer:
        world.desk.fails(".", 500)
        return _json({"error": "x"}, 500)

    world.desk.after.append(gone)
    with pytest.raises(Refused, match=r"not known.*Look over there before it is sent again"):
        world.act("reply", text="Hello.")
    assert world.last().state == "unknown" and len(world.desk.replies()) == 1
    assert carry_out(world.last().id, ways=catalog.ways()).state == "done"  # it is there
    assert len(world.desk.replies()) == 1


def test_a_reply_that_is_not_there_stays_unknown(world: World) -> None:
    world.desk.instead.append(_json({"error": "x"}, 500))
    with pytest.raises(Refused, match="not known"):
        world.act("reply", text="Hello.")
    assert carry_out(world.last().id, ways=catalog.ways()).state == "unknown" and world.desk.replies() == []


@pytest.mark.parametrize("world", ["intercom", "chatwoot"], indirect=True)  # Zendesk keeps our key
def test_an_older_reply_of_the_same_words_is_not_taken_for_this_one(world: World) -> None:
    world.desk._say(1, "<p>Hello.</p>" if world.desk.product == "intercom" else "Hello.", True).at = time.time() - 3600
    world.desk.instead.append(_json({"error": "x"}, 500))
    with pytest.raises(Refused, match="not known"):
        world.act("reply", text="Hello.")


def test_a_reply_to_a_help_desk_that_is_not_there_is_refused_and_known_not_to_have_left(staff: Staff) -> None:
    with following_one(staff, "zendesk") as world:
        ways = catalog.ways()
    with pytest.raises(Refused, match=r"^Not sent: Zendesk could not be reached"):
        world.act("reply", ways=ways, text="Hello.")
    assert world.last().state == "refused"


@pytest.mark.parametrize("world", ["zendesk", "intercom"], indirect=True)  # Chatwoot writes to nobody in copy that is not named
def test_a_reply_that_others_would_read_is_not_sent(world: World) -> None:
    world.desk.copies = [2, 3]
    with pytest.raises(Refused, match=r"^Not sent: 2 others would read it in copy"):
        world.act("reply", text="Hello.")
    assert world.desk.writes == []


def test_an_address_that_nobody_vouches_for_gets_no_mail(world: World) -> None:
    world.desk.by_mail = True
    world.desk.requester["verified"] = False
    with pytest.raises(Refused, match=r"^Not sent: .*Draft the reply: a person sends it\."):
        world.act("reply", text="Hello.")
    assert world.desk.writes == []
    world.act("draft", text="Hello.")  # which a person sends
    jobs.run_waiting()
    assert len(world.desk.notes()) == 1


def test_a_reply_with_a_gap_is_not_sent(zendesk: World) -> None:
    with pytest.raises(Refused, match=r"‹NAME 1› stands in it"):
        zendesk.act("reply", text="Dear ‹NAME 1›, hello.")
    assert zendesk.desk.asked == []


def test_two_machines_that_answer_each_other_come_to_an_end(zendesk: World) -> None:
    for number in range(10):
        zendesk.act("reply", text=f"Hello {number}")
    with pytest.raises(Refused, match=r"10 replies within a day"):
        zendesk.act("reply", text="Hello again")
    assert len(zendesk.desk.replies()) == 10


# -- when the conversation comes again ----------------------------------------------------------------------------------------------------


def test_what_a_recipe_said_comes_back_as_a_machines_words_and_what_a_rep_said_as_theirs(world: World) -> None:
    world.act("reply", text="It is on its way.")
    world.act("note", text="Wants: a parcel.", to="")
    jobs.run_waiting()
    world.desk._say(1, "We are looking into it.", True)  # by a person, over there
    world.desk.comes_back(1, START + 500)
    world.desk.clock.now += 600
    for _ in range(2):  # told again it stays so
        following.pull(world.desk.product)
        with store.reading() as db:
            found = db.exec(select(Message.role, Message.text).where(Message.conversation_id == world.conversation.id)).all()
        roles = {
            words: role for role, said in found for words in ("on its way", "Wants: a parcel", "looking into", "And now") if words in said
        }
        assert roles == {"on its way": "assistant", "Wants: a parcel": "assistant", "looking into": "rep", "And now": "customer"}
        world.desk.add(1, START + 900, "Hello?")
        world.desk.clock.now += 600


def test_a_tag_that_was_set_here_stays_when_the_conversation_comes_again(world: World) -> None:
    world.act("tag", tag="refunded")
    world.desk.add(1, START + 500, "And now?")
    world.desk.clock.now += 600
    following.pull(world.desk.product)
    assert "refunded" in world.conversation.tags and world.conversation.revision == 2
    world.desk.add(1, START + 900, "Still nothing.")
    world.desk.clock.now += 600
    following.pull(world.desk.product)
    assert world.conversation.tags.count("refunded") == 1


def test_a_tag_that_comes_back_from_over_there_is_had_once(zendesk: World) -> None:
    zendesk.act("tag", tag="refunded")
    zendesk.desk.add(1, START + 500, "And now?")
    zendesk.desk.held[1]["tags"] = ["parcel", "refunded", "vip"]
    zendesk.desk.clock.now += 600
    following.pull("zendesk")
    assert zendesk.conversation.tags == ["parcel", "refunded", "vip"]


# -- the switch, on the screen ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", [False, True])
def test_who_proposes_a_help_desk_says_whether_the_portal_may_write_there(sqlite_home: object, writes: bool) -> None:
    engineer, admin = hired().engineer, people.by_email("ada@example.com")
    app = open_screen(sit_down(engineer), "imports")
    app.segmented_control(key="imports_way").set_value("The help desk").run()
    fields = {one.label: one for one in app.text_input}
    fields["Address"].input("https://x.zendesk.com")
    fields["Key"].input("a-key")
    fields["Why"].input("So that both know.")
    (box,) = (one for one in app.checkbox if one.label == "The portal may write there")
    assert box.value is False
    if writes:
        box.check()
    button(app, "Propose the connection").click().run()
    assert not app.exception and admin is not None
    (proposal,) = approvals.waiting(by=admin)
    assert (proposal.payload["value"]["writes"], "write there" in proposal.title) == (writes, writes)
