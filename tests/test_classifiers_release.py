"""A release goes in steps: beside the live one, for some customers, for everybody; by itself when what a step asks is met."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from classifiers import arrivals, release, serving, shipping
from data import approvals, inbox, labels, people, predictions, releases, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Prediction, Release
from data.values import Target, new_id, now
from tests import worlds
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate, live, ship

KIND, NAME = "classifier", "intent"


def under_way() -> Release:
    found = releases.under_way(KIND, NAME)
    assert found is not None
    return found


@worlds.remembered
def second_on_its_way(staff: Staff) -> Target:
    """One is live; another was approved and runs beside it."""
    ship(staff, candidate(staff))
    target = candidate(staff)
    proposal = shipping.propose(target, why="It learned more.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    shipping.ship(proposal.id)
    return target


def come(staff: Staff, first: int, count: int) -> list[str]:
    ids = list(door.receive([canonical(number, team="Oak") for number in range(first, first + count)], by=staff.engineer).ids)
    arrivals.predict(ids)
    return ids


def said(target: Target, mode: str) -> set[str]:
    """The conversations of which it said something in that mode."""
    with store.reading() as db:
        query = select(Prediction.conversation_id).where(Prediction.target_number == target.number, Prediction.mode == mode)
        return set(db.exec(query))


def customer_of(conversation_id: str) -> str:
    with store.reading() as db:
        return db.get_one(Conversation, conversation_id).customer_id


def test_what_is_approved_runs_beside_the_live_one_and_counts_nowhere(staff: Staff) -> None:
    two = second_on_its_way(staff)
    assert live() == Target(KIND, NAME, 1) and under_way().stage == "shadow"
    ids = come(staff, 201, 12)
    assert said(two, "shadow") == set(ids) and said(two, "live") == set()
    with store.reading() as db:
        assert {one.target_number for one in predictions.live_by_conversation(db, ids).values()} == {1}
    assert release.progress_of(under_way(), by=staff.rep).seen == 12


def test_the_first_ever_goes_to_everybody(staff: Staff) -> None:
    ship(staff, candidate(staff))
    assert live() == Target(KIND, NAME, 1) and releases.under_way(KIND, NAME) is None


def test_for_a_part_of_the_customers_its_word_counts_and_the_others_are_kept_apart(staff: Staff) -> None:
    two = second_on_its_way(staff)
    with store.writing() as db:
        releases.widen(db, under_way(), 40, why="a test", by=staff.lead)
    ids = come(staff, 301, 60)
    theirs = {made for made in ids if releases.answers_for(under_way(), customer_of(made))}
    assert 10 < len(theirs) < 40
    assert said(two, "live") == theirs and said(two, "shadow") == set(ids) - theirs
    assert said(Target(KIND, NAME, 1), "live") & set(ids) == set(ids) - theirs


def test_who_is_answered_for_stays_so_when_it_widens(staff: Staff) -> None:
    going = Release(target_kind=KIND, target_name=NAME, target_number=2, stage="percent", percent=10, salt="s", started_at=now())
    few = {number for number in range(2_000) if releases.answers_for(going, str(number))}
    going.percent = 50
    many = {number for number in range(2_000) if releases.answers_for(going, str(number))}
    assert few < many and 150 < len(few) < 250 and 920 < len(many) < 1_080
    going.salt = "another"
    assert few != {number for number in few if releases.answers_for(going, str(number))}  # the control: another release, other customers


def test_each_step_is_taken_by_itself_when_all_that_it_asks_is_met(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "SEEN_BESIDE", 10)
    monkeypatch.setattr(release, "SEEN_FOR_SOME", 5)
    two, machine = second_on_its_way(staff), people.console()
    come(staff, 401, 9)
    assert "It was tried on 9 conversations; the next step asks for 10." in release.look(by=machine)
    assert under_way().stage == "shadow"
    come(staff, 411, 1)
    assert release.look(by=machine) == "intent 2 answers for 10 % of customers."
    assert (under_way().stage, under_way().percent) == ("percent", 10)
    come(staff, 421, 300)
    assert release.look(by=machine) == "intent 2 answers for everybody."
    assert live() == two and releases.under_way(KIND, NAME) is None
    assert [(one.target_number, one.percent) for one in releases.history(KIND, NAME)] == [(1, 100), (2, 100)]


def test_what_harms_is_taken_back_by_itself_and_its_proposer_hears_why(staff: Staff) -> None:
    two = second_on_its_way(staff)
    with store.writing() as db:
        releases.widen(db, under_way(), 50, why="a test", by=staff.lead)
    ids = list(door.receive([canonical(number, team="Oak") for number in range(601, 841)], by=staff.engineer).ids)
    with store.reading() as db:
        label_id = labels.of()[0].id
    said = {"seq": 1, "at": now(), "confidence": 0.9, "top": [[label_id, 0.9]], "threshold": 0.5, "why": ""}
    rows = []
    for place, made in enumerate(ids):
        for number, mode in ((1, "live"), (2, "shadow")):
            silent = number == 2 and place % 2
            about = {"id": new_id(), "conversation_id": made, "mode": mode, "label_id": None if silent else label_id}
            rows.append(said | about | Target(KIND, NAME, number).columns())
    with store.writing() as db:
        predictions.add(db, rows)
    told = release.look(by=people.console())
    assert told.startswith(
        "intent 2 was taken back by itself. Roll back: it kept silent in 120 of 240 (50\u00a0%), the version before in 0"
    )
    assert releases.under_way(KIND, NAME) is None and live() == Target(KIND, NAME, 1)
    assert releases.steps(KIND, NAME)[-1].target_number == two.number
    assert any("was taken back by itself" in item.sentence for item in inbox.of(staff.rep))


def test_a_set_that_was_frozen_since_is_run_before_the_next_step(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    from evals import freezing, sets
    from tests.test_evals_sets import flagged_set

    monkeypatch.setattr(release, "SEEN_BESIDE", 0)
    two = second_on_its_way(staff)
    known = sets.by_name("Everyday intents", by=staff.rep)
    flagged_set(staff, range(501, 504), into=known)
    freezing.freeze(known.id, by=staff.rep)
    with pytest.raises(Refused, match="was not run on the newest eval set yet"):
        release.advance(under_way().id, why="Looks good.", by=staff.lead)
    assert release.look(by=people.console()) == "intent 2 answers for 10 % of customers."
    assert not shipping.is_stale(two, by=staff.rep)


def test_a_lead_takes_a_step_by_hand_and_anybody_in_charge_stops_it(staff: Staff) -> None:
    second_on_its_way(staff)
    with pytest.raises(Denied):
        release.advance(under_way().id, why="Now.", by=staff.rep)
    with pytest.raises(Refused, match="say why"):
        release.advance(under_way().id, why=" ", by=staff.lead)
    assert release.advance(under_way().id, why="The shift ends.", by=staff.lead).percent == 10
    with pytest.raises(Denied):
        release.stop(under_way().id, why="No.", by=staff.rep)
    going = under_way()
    release.stop(going.id, why="Two customers complained.", by=staff.admin)
    assert releases.under_way(KIND, NAME) is None and live() == Target(KIND, NAME, 1)
    ended = releases.steps(KIND, NAME)[-1]
    assert (ended.stage, ended.ended_why) == ("ended", "Two customers complained.")
    with pytest.raises(Refused, match="not under way any more"):
        release.stop(going.id, why="Again.", by=staff.admin)


def test_going_back_ends_what_is_under_way_too(staff: Staff) -> None:
    second_on_its_way(staff)
    three = candidate(staff)
    proposal = shipping.propose(three, why="Even more.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    shipping.ship(proposal.id)
    assert under_way().target_number == 3 and releases.steps(KIND, NAME)[1].ended_why == "followed by intent 3"
    release.advance(under_way().id, why="Looks good.", by=staff.lead)
    release.advance(under_way().id, why="Still does.", by=staff.lead)
    assert live() == three
    shipping.roll_back(Target(KIND, NAME, 1), why="It answers nonsense.", by=staff.lead)
    assert live() == Target(KIND, NAME, 1)
    with pytest.raises(Refused, match="was never live"):
        shipping.roll_back(Target(KIND, NAME, 2), why="Only tried.", by=staff.lead)


def test_the_database_itself_refuses_two_under_way(staff: Staff) -> None:
    columns = {"target_kind": KIND, "target_name": NAME, "percent": 0, "started_at": now()}
    with pytest.raises(IntegrityError), store.writing() as db:
        db.add_all([Release(**columns, target_number=1, stage="shadow"), Release(**columns, target_number=2, stage="percent")])


# -- after the last step ------------------------------------------------------------------------------------------------------------------


@worlds.remembered
def gone_live(staff: Staff) -> Target:
    """Step by step, so that it is watched."""
    two = second_on_its_way(staff)
    with store.writing() as db:
        releases.widen(db, under_way(), 10, why="a test", by=staff.lead)
        shipping.put_live(db, two, under_way().proposal_id, by=None)
    return two


def say(ids: list[str], target: Target, label_id: str | None, *, why: str = "", ms: float | None = None) -> None:
    told = {"seq": 1, "at": now(), "confidence": 0.9, "top": [], "threshold": 0.5, "why": why, "mode": "shadow", "ms": ms, "also": []}
    with store.writing() as db:
        predictions.add(db, [told | {"id": new_id(), "conversation_id": made, "label_id": label_id} | target.columns() for made in ids])


def test_a_few_customers_stay_with_the_version_before_while_the_new_one_is_watched(staff: Staff) -> None:
    two, one = gone_live(staff), Target(KIND, NAME, 1)
    force = releases.in_force(KIND, NAME)
    assert force is not None and force.targets == [two, one]
    asked = Counter(force.answers(str(number)) for number in range(4_000))
    assert 0.035 < asked[one] / 4_000 < 0.065 and asked[two] == 4_000 - asked[one]
    ids = come(staff, 1_001, 97)
    assert said(two, "live") | said(one, "live") & set(ids) >= set(ids) and said(one, "shadow") & set(ids) == said(two, "live") & set(ids)
    later = releases.in_force(KIND, NAME, now() + releases.WATCHED + timedelta(seconds=1))
    assert later is not None and later.targets == [two]  # the control: after a week it answers for everybody


def test_what_harms_after_it_went_live_is_taken_back_too(staff: Staff) -> None:
    two, one = gone_live(staff), Target(KIND, NAME, 1)
    ids = list(door.receive([canonical(number, team="Oak") for number in range(1_101, 1_341)], by=staff.engineer).ids)
    label_id = labels.of()[0].id
    say(ids, one, label_id)
    say(ids[:120], two, label_id)
    assert release.look(by=people.console()).startswith("intent 2 is live; Wait: 120 of 200")  # the control: as good as the one before
    say(ids[120:], two, None)
    told = release.look(by=people.console())
    assert told.startswith("intent 2 was taken back by itself. Roll back: it kept silent in 120 of 240")
    assert live() == one and not releases.all_watched()
    assert releases.history(KIND, NAME)[1].ended_why.startswith("taken back by itself: Roll back")
    assert any("intent 1 answers again" in item.sentence for item in inbox.of(staff.rep))


def test_what_fails_is_answered_by_the_other_and_counts_as_an_error(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    two, one = gone_live(staff), Target(KIND, NAME, 1)
    guess = serving.guess

    def broken(target: Target, texts: list[str], *, keep: bool) -> object:
        if target == two:
            raise Refused("The file is gone.")
        return guess(target, texts, keep=keep)

    monkeypatch.setattr(serving, "guess", broken)
    ids = come(staff, 1_401, 40)
    assert said(one, "live") >= set(ids) and said(two, "live") & set(ids) == set() and said(two, "shadow") >= set(ids)
    assert release.look(by=people.console()).startswith("intent 2 was taken back by itself. Roll back: it failed in 40 of 40")
    monkeypatch.setattr(serving, "guess", lambda target, texts, keep: broken(two, texts, keep=keep))
    with pytest.raises(Refused, match="The file is gone"):  # the control: where nobody has an answer the task is tried again
        arrivals.predict(ids)


def test_what_is_much_slower_than_the_one_before_is_taken_back(staff: Staff) -> None:
    two, one = gone_live(staff), Target(KIND, NAME, 1)
    ids = list(door.receive([canonical(number, team="Oak") for number in range(1_501, 1_601)], by=staff.engineer).ids)
    label_id = labels.of()[0].id
    say(ids, one, label_id, ms=4.0)
    say(ids, two, label_id, ms=release.SLOW * 2)
    assert "it was too slow in 100 of 100" in release.look(by=people.console())
    assert live() == one
