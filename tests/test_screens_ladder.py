"""Ladder, as people see it: with nothing, with a climb, and from a candidate to a version that is live and gone back from."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, releases, store, versions
from data.tables import Person, SetVersion
from data.values import Target
from evals import sets
from knowledge import ANSWERER, answerers, ladder
from knowledge.answerers import Setup
from knowledge.retrieval import LIVE
from portal import jobs
from tests import worlds
from tests.conftest import Staff, hire
from tests.test_knowledge_articles import release, write
from tests.test_knowledge_ladder import NOUNS, UNCOVERED, freeze, publish, questions
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def opened(by: Person) -> AppTest:
    return drawn(open_screen(sit_down(by), "ladder"))


@worlds.remembered
def climbed(desk: Staff, threshold: float | None = None, asked: list[tuple[str, list[str]]] | None = None) -> SetVersion:
    """A version is live, and was climbed."""
    if asked is None:
        publish(desk)
    version = freeze(desk, asked or [*questions(), *((text, []) for text in UNCOVERED)])
    made = answerers.make(Setup(threshold=threshold), why="The first.", by=desk.rep)
    with store.writing() as db:
        answerers.put_live(db, versions.target_of(made), None, by=desk.lead)
    ladder.climb(versions.target_of(made), version.id, by=desk.rep)
    return version


def numbers() -> list[int]:
    return [one.target_number for one in versions.all_of("answerer", answerers.NAME)]


# -- with nothing -------------------------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_said_and_leads_there(desk: Staff) -> None:
    told = words(opened(desk.rep))
    assert "No article is published, so no question finds one." in told and "Open Knowledge" in told and "Climb it" not in told
    publish(desk)
    told = words(opened(desk.rep))
    assert "Create an eval set that tests knowledge" in told and "Open Eval sets" in told and "Climb it" not in told
    sets.create("Everyday questions", by=desk.lead, purpose="knowledge")
    assert "'Everyday questions' was not frozen yet. Freeze it, then climb it." in words(opened(desk.rep))


def test_before_the_first_climb_the_page_says_what_it_will_show_and_climbs(desk: Staff) -> None:
    publish(desk)
    freeze(desk, questions(12))
    app = opened(desk.rep)
    assert "12 questions wait" in words(app) and "None was made yet: what ships answers" in words(app)
    drawn(button(app, "Climb it").click().run())
    jobs.run_waiting()
    app = opened(desk.rep)
    assert "12 questions that an article answers, 0 that none does, in 12 articles" in words(app)
    assert "What ships, kept so that it can be measured." in words(app)
    (study,) = [ladder.newest(one.id, by=desk.rep) for one in sets.all_sets(by=desk.rep)]
    assert study is not None and study.told["answerer"] == 1


def test_who_may_not_make_one_reads_and_finds_no_button(desk: Staff) -> None:
    climbed(desk)
    told = words(opened(desk.admin))
    assert "Not worth it on 30 questions" in told and "Versions of the answerer" in told
    assert not {"Climb it", "Make it a candidate"} & set(labels_of(opened(desk.admin)).split("\n"))


# -- what came of it ----------------------------------------------------------------------------------------------------------------------


def test_each_rung_is_drawn_and_told_with_what_was_not_worth_it(desk: Staff) -> None:
    climbed(desk)
    app = opened(desk.rep)
    told = words(app)
    assert len(app.get("vega_lite_chart")) == 2
    rows = app.dataframe[0].value
    assert rows["Rung"].tolist()[0] == "Same words" and "Learned order (tried only)" in rows["Rung"].tolist()
    assert dict(zip(rows["Rung"], rows["The step up"], strict=True))["Titles"] == "Worth it"
    assert "Not climbed: Same meaning; no sentence encoder is installed" in told
    assert "What is worth it: Same words, Same meaning" in told.replace("*", "")
    for measure in ("r5", "answers", "mrr5"):
        drawn(app.segmented_control(key="ladder_measure").set_value(measure).run())


def test_a_climb_that_grew_old_says_so(desk: Staff) -> None:
    climbed(desk)
    freeze(desk, [("Where do seedlings go?", ["seedling"])])
    assert "The set was frozen anew since, as number 2. Climb it again" in words(opened(desk.rep))


# -- a candidate --------------------------------------------------------------------------------------------------------------------------


def test_rungs_that_are_switched_off_make_a_candidate_without_them(desk: Staff) -> None:
    climbed(desk)
    app = opened(desk.rep)
    drawn(app.toggle(key="ladder_on_1_expansion").set_value(False).run())
    drawn(app.radio(key="ladder_how").set_value("From a sureness that I choose").run())
    drawn(app.slider(key="ladder_from").set_value(35).run())
    drawn(app.text_input(key="ladder_why").set_value("It brought nothing.").run())
    drawn(app.button(key="ladder_make").click().run())
    made = versions.all_of("answerer", answerers.NAME)[0]
    setup = answerers.setup_of(versions.target_of(made))
    assert made.target_number == 2 and made.manifest["why"] == "It brought nothing." and setup.threshold == 0.35
    assert not setup.combination.on("expansion") and setup.combination.on("titles") and setup.combination.chunking == LIVE.chunking
    assert "Version 2 is a candidate. Compare it with what is live." in words(app) and "not tried on the cases yet" in words(app)


def test_what_is_worth_it_is_taken_over_with_one_press(desk: Staff) -> None:
    climbed(desk)
    app = opened(desk.rep)
    drawn(app.button(key="ladder_take").click().run())
    assert app.toggle(key="ladder_on_1_titles").value and not app.toggle(key="ladder_on_1_sentences").value
    drawn(app.button(key="ladder_make").click().run())
    assert not answerers.setup_of(versions.target_of(versions.all_of("answerer", answerers.NAME)[0])).combination.on("sentences")


def test_from_where_on_it_speaks_is_learned_looked_at_and_then_made(desk: Staff) -> None:
    release(desk, *(write(desk, title=one.capitalize(), text=f"All about the {one}. A {one} is sent by post.") for one in NOUNS))
    climbed(desk, asked=[(f"{text} Is the {wanted[0]} sent by post?", wanted) for text, wanted in questions(36)])
    app = opened(desk.rep)
    drawn(app.radio(key="ladder_how").set_value("Learned from these questions").run())
    drawn(app.button(key="ladder_make").click().run())
    assert "Not made: press 'Learn it' first" in words(app) and numbers() == [1]
    drawn(app.segmented_control(key="ladder_target").set_value(0.8).run())
    drawn(app.button(key="ladder_learn").click().run())
    assert app.button(key="ladder_learn").disabled and "Be right" not in words(app)  # it is learned in the background
    jobs.run_waiting()
    drawn(app.run())
    assert "Be right 80 % of the time: it answers from " in words(app)
    drawn(app.button(key="ladder_make").click().run())
    setup = answerers.setup_of(versions.target_of(versions.all_of("answerer", answerers.NAME)[0]))
    assert numbers() == [2, 1] and setup.surety is not None and setup.threshold is None


def test_where_it_would_answer_nothing_that_is_said_and_nothing_is_made(desk: Staff) -> None:
    climbed(desk)
    app = opened(desk.rep)
    drawn(app.radio(key="ladder_how").set_value("Learned from these questions").run())
    drawn(app.button(key="ladder_learn").click().run())
    jobs.run_waiting()
    drawn(app.run())
    assert "Be right 90 % of the time: of 36 judged questions it would answer none." in words(app)
    drawn(app.button(key="ladder_make").click().run())
    assert "Not made: Be right 90 % of the time" in words(app) and numbers() == [1]


def test_an_order_that_cannot_be_learned_is_told_and_nothing_is_made(desk: Staff) -> None:
    climbed(desk)
    app = opened(desk.rep)
    drawn(app.toggle(key="ladder_on_1_reranker").set_value(True).run())
    drawn(app.button(key="ladder_make").click().run())
    assert "0 questions have a chosen article, and it takes 20" in words(app) and numbers() == [1]


# -- versions -----------------------------------------------------------------------------------------------------------------------------


def test_a_candidate_is_compared_proposed_released_and_gone_back_from(desk: Staff) -> None:
    climbed(desk, threshold=1.0)
    made = answerers.make(Setup(threshold=0.0, combination=LIVE), why="It speaks.", by=desk.rep)
    app = opened(desk.rep)
    drawn(app.button(key="ladder_compare_2").click().run())
    jobs.run_waiting()
    app = opened(desk.rep)
    assert "What it changes" in labels_of(app) and "passes" in words(app)
    drawn(app.text_input(key="ladder_propose_why_2").set_value("It answers more.").run())
    drawn(app.button(key="ladder_propose_2").click().run())
    (proposal,) = [one for one in approvals.waiting(by=desk.lead) if one.kind == "ship_answerer"]
    assert "Waits for approval" in words(opened(desk.rep)) and proposal.payload["target_number"] == 2
    approvals.approve(proposal.id, by=desk.lead)
    jobs.run_waiting()
    assert "Runs beside the live one" in words(opened(desk.rep))
    with store.writing() as db:
        answerers.put_live(db, versions.target_of(made), proposal.id, by=desk.lead)
    app = opened(desk.lead)
    assert "was live from" in words(app)
    drawn(app.text_input(key="ladder_back_why_1").set_value("Too bold.").run())
    drawn(app.button(key="ladder_back_1").click().run())
    live = releases.live("answerer", answerers.NAME)
    assert live is not None and live.target_number == 1


def test_a_version_on_its_way_is_led_on_and_stopped_by_hand(desk: Staff) -> None:
    climbed(desk)
    answerers.make(Setup(threshold=0.0), why="Bold.", by=desk.rep)
    with store.writing() as db:
        target = Target(ANSWERER, answerers.NAME, 2)
        proposal = approvals.propose(
            db, "ship_answerer", "release answerer 2", target.columns(), why="Better.", evidence={"sentence": ""}, authors=[], by=desk.rep
        )
        coming = releases.begin(db, target, proposal_id=proposal.id, by_itself=True, by=desk.lead)
    app = opened(desk.lead)
    assert "runs beside the live version" in words(app) and "tried on 0 conversations" in words(app)
    app.session_state[f"ladder_step_why_{coming.id}"] = "It is good enough."
    drawn(button(app, "Take the next step").click().run())
    under_way = releases.under_way(ANSWERER, answerers.NAME)
    assert under_way is not None and under_way.stage == "shadow"  # the gate was not asked yet, and that keeps it
    app = opened(desk.lead)
    app.session_state[f"ladder_step_why_{coming.id}"] = "It is not."
    drawn(button(app, "Stop it").click().run())
    assert releases.under_way(ANSWERER, answerers.NAME) is None
