"""A new answerer beside the live one, for some, for everybody; and taken back by itself where it falls silent."""

from datetime import timedelta
from typing import Any

import pytest

from data import audit, releases, store
from data.errors import Denied, Refused
from data.tables import Release
from data.values import LIVE, SHADOW, Target, now
from evals import changes, freezing, graders, releasing, sets
from evals.cases import NewCase
from evals.graders import cites_article
from knowledge import ANSWERER, answerers, release
from tests.conftest import Staff
from tests.test_knowledge_articles import RETURNS, write
from tests.test_knowledge_articles import release as publish

KNOWN = graders.BY_NAME
BOLD = answerers.Setup(threshold=0.0)


@pytest.fixture
def coming(staff: Staff) -> Release:
    """One is live, the next was approved: both are measured on twenty questions."""
    publish(staff, write(staff, text="A customer has 30 days to send a plant back to us."))
    eval_set = sets.create("Questions", purpose="knowledge", bar=0.5, by=staff.lead)
    asked = [NewCase(({"role": "customer", "text": f"{RETURNS.title}: how many days, {n}?"},), {"articles": ["returns-of-plants"]},
                     (cites_article.NAME,)) for n in range(20)]  # fmt: skip
    changes.add(eval_set.id, asked, known=KNOWN, by=staff.lead)
    freezing.freeze(eval_set.id, by=staff.lead)
    for _ in range(2):
        answerers.make(BOLD, why="Bold.", by=staff.rep)
    first, second = (Target(ANSWERER, answerers.NAME, number) for number in (1, 2))
    with store.writing() as db:
        answerers.put_live(db, first, None, by=staff.lead)
    answerers.evaluate(second, known=KNOWN, by=staff.rep)
    proposal = answerers.propose(second, why="Better.", known=KNOWN, by=staff.rep)
    with store.writing() as db:
        return releases.begin(db, second, proposal_id=proposal.id, by_itself=True, by=staff.lead)


def say(staff: Staff, coming: Release, count: int, *, silent: int = 0, first: int = 0) -> None:
    """What both say to so many conversations; the new one keeps silent in some."""
    from data import traces
    from data.intake import door
    from data.values import Subject
    from tests.conversations import canonical

    sent = [canonical(n, team="Oak", messages=[{"role": "customer", "text": f"How many days {n}?"}]) for n in range(first, first + count)]
    spoke: dict[str, Any] = {"declined": False, "articles": ["returns-of-plants"]}
    with store.writing() as db:
        for place, made in enumerate(door.receive(sent, by=staff.engineer).ids):
            is_its = coming.stage == "percent"
            for target, mode in (
                (Target(ANSWERER, answerers.NAME, 1), SHADOW if is_its else LIVE),
                (releases.target_of(coming), LIVE if is_its else SHADOW),
            ):
                said = {"declined": True, "articles": []} if place < silent and target.number == 2 else spoke
                traces.answered(db, target, said, by=None, mode=mode, subject=Subject(made, 1))


def stage(staff: Staff) -> tuple[str, int]:
    under_way = releases.under_way(ANSWERER, answerers.NAME)
    live = releases.live(ANSWERER, answerers.NAME)
    return (under_way.stage if under_way else "none", live.target_number if live else 0)


def test_it_goes_on_by_itself_once_enough_was_tried_and_then_answers_for_everybody(staff: Staff, coming: Release) -> None:
    told = release.look(known=KNOWN, by=staff.admin)
    assert "runs beside the live version" in told and "tried on 0 conversations; the next step asks for 100" in told
    say(staff, coming, 100)
    assert release.look(known=KNOWN, by=staff.admin) == "answerer 2 answers for 10 % of customers."
    assert stage(staff) == ("percent", 1)
    under_way = releases.under_way(ANSWERER, answerers.NAME)
    assert under_way is not None
    say(staff, under_way, 100, first=200)
    assert release.look(known=KNOWN, by=staff.admin) == "answerer 2 answers for everybody."
    assert stage(staff) == ("none", 2)


def test_one_that_falls_silent_is_taken_back_by_itself(staff: Staff, coming: Release) -> None:
    say(staff, coming, 250, silent=200)
    assert "was taken back by itself" in release.look(known=KNOWN, by=staff.admin)
    assert stage(staff) == ("none", 1)
    assert any("was stopped" in one.sentence for one in audit.newest(by=staff.admin))


def test_somebody_may_go_on_before_that_and_anybody_may_stop_who_may_roll_back(staff: Staff, coming: Release) -> None:
    with pytest.raises(Denied):
        release.advance(coming.id, why="It is good.", known=KNOWN, by=staff.rep)
    with pytest.raises(Refused, match="say why"):
        release.advance(coming.id, why=" ", known=KNOWN, by=staff.lead)
    assert release.advance(coming.id, why="It is good.", known=KNOWN, by=staff.lead).percent == releasing.FIRST_STEP
    release.stop(coming.id, why="It is not.", by=staff.admin)
    assert stage(staff) == ("none", 1)
    with pytest.raises(Refused, match="not under way any more"):
        release.stop(coming.id, why="Again.", by=staff.admin)


def test_the_gate_is_asked_again_at_each_step(staff: Staff, coming: Release) -> None:
    eval_set = sets.by_name("Questions", by=staff.lead)
    changes.add(
        eval_set.id,
        [NewCase(({"role": "customer", "text": "Another?"},), {"articles": []}, (cites_article.NAME,))],
        known=KNOWN,
        by=staff.lead,
    )
    freezing.freeze(eval_set.id, by=staff.lead, at=now() + timedelta(seconds=1))
    with pytest.raises(Refused, match="was not run on the newest eval set"):
        release.advance(coming.id, why="It is good.", known=KNOWN, by=staff.lead)
