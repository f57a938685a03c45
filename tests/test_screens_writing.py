"""What people see of a model that writes: quoted at once and written then, a suggested reply, and instructions tried side by side."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, store, versions
from data.tables import Person, SetVersion
from knowledge import ANSWERER, answerers, answering
from knowledge.answerers import Setup
from portal import jobs
from tests import model_server as server
from tests.conftest import Staff, hire
from tests.model_server import Model
from tests.test_knowledge_answerers import ASKED, UNCOVERED, case, fill, frozen
from tests.test_knowledge_answering import DELIVERY, QUESTION, comes, made, publish, speak
from tests.test_knowledge_instructing import SHORT, obedient
from tests.test_knowledge_manner import SAID, connect, model, no_environment, written
from tests.test_knowledge_other_words import ASKED as WILTED
from tests.test_knowledge_other_words import HELP_PAGES, REPLY, knowing
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words

__all__ = ["model", "no_environment"]  # fixtures


@pytest.fixture
def desk(sqlite_home: Any) -> Iterator[Staff]:
    yield hire()


def opened(by: Person, screen: str, **address: str) -> AppTest:
    return drawn(open_screen(sit_down(by), screen, **address))


def again(app: AppTest) -> AppTest:
    """After the job has run, as the page draws itself anew."""
    jobs.run_waiting()
    return drawn(app.run())


# -- ask ----------------------------------------------------------------------------------------------------------------------------------


def asked(desk: Staff) -> AppTest:
    return drawn(opened(desk.rep, "ask").text_input(key="ask_question").set_value(QUESTION).run())


def test_the_quoted_answer_stands_until_the_written_one_is_there(desk: Staff, model: Model) -> None:
    publish(desk)
    speak(desk, writes=True)
    connect(model, desk)
    model.says(written(SAID, "Everything is free."))
    app = asked(desk)
    assert "Abroad it takes seven working days." in words(app) and "Machine: quoted word for word" in words(app)
    assert "This is quoted. A model writes it, and that takes its place" in words(app) and not model.asked
    app = again(app)
    told = words(app)
    assert f"{SAID} :gray[[1]]" in told and "Machine: written by large, each sentence checked against its passage" in told
    assert "Written from 'Delivery times'. 1 of its 2 sentences had no source and was taken out." in told
    assert "Taken out: Everything is free." in told and "This is quoted" not in told
    drawn(button(app, "It helped (Y)").click().run())
    (kept,) = answering.mine(by=desk.rep)
    assert kept.outcome == "helped" and (kept.said or {})["reply"] == SAID


def test_where_the_endpoint_fails_the_quoted_answer_stays_and_says_why(desk: Staff, model: Model) -> None:
    publish(desk)
    speak(desk, writes=True)
    connect(model, desk)
    model.says(server.status(401))
    app = again(asked(desk))
    told = words(app)
    assert "Machine: quoted word for word" in told and "Quoted instead of written: The model endpoint refuses the key" in told
    assert "It helped (Y)" in labels_of(app)


def test_of_a_version_that_quotes_nothing_is_begun(desk: Staff, model: Model) -> None:
    publish(desk)
    speak(desk)
    connect(model, desk)
    jobs.run_waiting()
    app = asked(desk)
    assert "Machine: quoted word for word" in words(app) and "A model writes it" not in words(app)
    assert jobs.run_waiting() == 0 and not model.asked


def test_without_an_endpoint_nothing_is_begun(desk: Staff) -> None:
    publish(desk)
    speak(desk, writes=True)
    app = asked(desk)
    assert "A model writes it" not in words(app) and jobs.run_waiting() == 0


# -- a suggested reply --------------------------------------------------------------------------------------------------------------------


def test_a_suggested_reply_is_written_and_taken(desk: Staff, model: Model) -> None:
    publish(desk)
    speak(desk, writes=True)
    connect(model, desk)
    conversation_id = comes(desk, QUESTION)
    app = opened(desk.rep, "conversation", conversation=conversation_id)
    drawn(button(app, "Suggest a reply").click().run())
    quoted = answering.suggested(conversation_id, by=desk.rep)
    assert quoted is not None and app.text_area(key=f"suggested_text_{quoted.id}").value == DELIVERY
    assert "This is quoted. A model writes it" in words(app)
    app = again(app)
    new = answering.suggested(conversation_id, by=desk.rep)
    assert new is not None and new.id != quoted.id and app.text_area(key=f"suggested_text_{new.id}").value == SAID
    drawn(button(app, "Take it (Y)").click().run())
    assert (answering.suggested(conversation_id, by=desk.rep) or quoted).outcome == "accepted"


def test_what_was_typed_beside_the_quoted_one_stays_typed(desk: Staff, model: Model) -> None:
    publish(desk)
    speak(desk, writes=True)
    connect(model, desk)
    conversation_id = comes(desk, QUESTION)
    app = opened(desk.rep, "conversation", conversation=conversation_id)
    drawn(button(app, "Suggest a reply").click().run())
    quoted = answering.suggested(conversation_id, by=desk.rep)
    assert quoted is not None
    drawn(app.text_area(key=f"suggested_text_{quoted.id}").set_value("Seven working days; I am sorry for that.").run())
    app = again(app)
    new = answering.suggested(conversation_id, by=desk.rep)
    assert new is not None and new.id != quoted.id
    assert app.text_area(key=f"suggested_text_{new.id}").value == "Seven working days; I am sorry for that."
    drawn(button(app, "Take mine (Y)").click().run())
    kept = answering.suggested(conversation_id, by=desk.rep)
    assert kept is not None and (kept.outcome, kept.better) == ("edited", "Seven working days; I am sorry for that.")


# -- instructions -------------------------------------------------------------------------------------------------------------------------


def ladder(desk: Staff, **more: Any) -> SetVersion:
    fill(desk)
    cases = [case(text, slug) for slug, texts in ASKED.items() for text in texts] + [case(text) for text in UNCOVERED]
    _, version = frozen(desk, cases, bar=0.4)
    with store.writing() as db:
        answerers.put_live(db, made(desk, Setup(threshold=0.1, **more)), None, by=desk.lead)
    return version


def test_without_an_endpoint_the_section_says_what_is_missing_and_where_it_is_set(desk: Staff) -> None:
    ladder(desk)
    for person, link in ((desk.rep, False), (desk.engineer, True)):
        app = opened(person, "ladder")
        assert "No model writes here, so answers are quoted word for word" in words(app)
        assert ("Open Installation" in words(app) + labels_of(app)) == link
        assert "Try on 20 cases" not in labels_of(app)


def test_instructions_are_tried_side_by_side_and_become_a_candidate(desk: Staff, model: Model) -> None:
    ladder(desk, writes=True)
    connect(model, desk)
    model.says(obedient())
    app = opened(desk.lead, "ladder")
    assert "No model writes here" not in words(app)
    drawn(app.text_area(key="ladder_instructions_1").set_value(SHORT).run())
    assert "What would change: 1 paragraph added" in words(app).replace("\\", "")
    drawn(app.button(key="ladder_try_1").click().run())
    app = again(app)
    told = words(app).replace("\\", "")
    assert "Of 20 cases " in told and "pass with the new instructions" in told and "So few cases show how it reads" in told
    assert told.count("As it would be · ") == 20 == told.count("As it is · ") and "cost 0.0001" in told
    why, make = (next(one for one in kind if "instructions_" in (one.key or "") and one.label == label) for kind, label in (
        (app.text_input, "Why"), (app.button, "Make a candidate")
    ))  # fmt: skip
    drawn(why.set_value("Answers were too long.").run())
    drawn(make.click().run())
    newest = versions.all_of(ANSWERER, answerers.NAME)[0]
    assert newest.target_number == 2 and newest.manifest["why"] == "Answers were too long."
    assert answerers.setup_of(versions.target_of(newest)) == Setup(threshold=0.1, instructions=SHORT, writes=True)
    told = words(drawn(app.run())).replace("\\", "")
    assert "Instructions: 1 paragraph added" in told  # from version 1 to 2
    drawn(app.button(key="ladder_compare_2").click().run())
    app = again(app)
    assert words(app).replace("\\", "").count("Instructions: 1 paragraph added") == 2  # once more, beside what is live
    drawn(next(one for one in app.text_input if one.key == "ladder_propose_why_2").set_value("Shorter.").run())
    drawn(app.button(key="ladder_propose_2").click().run())
    (proposal,) = [one for one in approvals.waiting(by=desk.other) if one.kind == "ship_answerer"]
    assert proposal.evidence["sentence"].endswith("It also changes its instructions to the model that writes: 1 paragraph added.")


def test_whether_a_model_writes_is_tried_and_made_and_read_by_who_approves(desk: Staff, model: Model) -> None:
    ladder(desk)
    connect(model, desk)
    model.says(obedient())
    app = opened(desk.lead, "ladder")
    assert "This version quotes word for word." in words(app) and " · quotes · " in words(app)
    assert app.toggle(key="ladder_writes_1").value  # that is what there is to try
    drawn(app.button(key="ladder_try_1").click().run())
    app = again(app)
    told = words(app).replace("\\", "")
    assert "pass as a model writes them" in told and "as they are quoted" in told and len(model.asked) == 20
    assert told.count("Quoted word for word.") == 20 and "Quoted: it is a ready reply." not in told
    make = next(one for one in app.button if "instructions_" in (one.key or "") and one.label == "Make a candidate")
    drawn(make.click().run())
    assert answerers.setup_of(versions.target_of(versions.all_of(ANSWERER, answerers.NAME)[0])) == Setup(threshold=0.1, writes=True)
    app = drawn(app.run())
    assert " · a model writes · " in words(app)
    drawn(app.button(key="ladder_compare_2").click().run())
    app = again(app)
    assert "A model writes its answers; before they were quoted." in words(app)
    drawn(next(one for one in app.text_input if one.key == "ladder_propose_why_2").set_value("They read better.").run())
    drawn(app.button(key="ladder_propose_2").click().run())
    (proposal,) = [one for one in approvals.waiting(by=desk.other) if one.kind == "ship_answerer"]
    assert proposal.evidence["sentence"].endswith("A model writes its answers; before they were quoted.")


def test_switched_off_on_a_version_that_quotes_there_is_nothing_to_try(desk: Staff, model: Model) -> None:
    ladder(desk)
    connect(model, desk)
    app = opened(desk.rep, "ladder")
    drawn(app.toggle(key="ladder_writes_1").set_value(False).run())
    drawn(app.button(key="ladder_try_1").click().run())
    app = again(app)
    assert "Not tried: the version quotes, so instructions change nothing" in words(app).replace("\\", "") and not model.asked


def test_a_live_version_that_would_write_says_that_it_quotes_without_an_endpoint(desk: Staff, model: Model) -> None:
    ladder(desk, writes=True)
    told = "Version 1 is live and has a model write its answers. No model endpoint is set, so they are quoted word for word."
    assert all(told in words(opened(person, "ladder")) for person in (desk.rep, desk.admin))
    connect(model, desk)
    assert told not in words(opened(desk.rep, "ladder"))  # the control


def test_what_is_as_it_was_is_not_tried(desk: Staff, model: Model) -> None:
    ladder(desk, writes=True)
    connect(model, desk)
    app = opened(desk.rep, "ladder")
    drawn(app.button(key="ladder_try_1").click().run())
    app = again(app)
    assert "Not tried: these are the instructions and examples that the version has" in words(app).replace("\\", "") and not model.asked


def test_who_may_make_no_version_finds_no_form(desk: Staff, model: Model) -> None:
    ladder(desk)
    connect(model, desk)
    assert "Try on 20 cases" not in labels_of(opened(desk.admin, "ladder"))


# -- in other words -----------------------------------------------------------------------------------------------------------------------


def test_silence_stands_until_the_model_said_it_in_other_words(desk: Staff, model: Model) -> None:
    fill(desk)
    speak(desk, writes=True, rephrases=True, threshold=0.1)
    connect(model, desk)
    model.says(knowing(HELP_PAGES))
    app = drawn(opened(desk.rep, "ask").text_input(key="ask_question").set_value(WILTED).run())
    told = words(app)
    assert "I should not answer this." in told and "A model says the question in other words." in told and not model.asked
    told = words(again(app))
    assert REPLY in told and f"Also looked for in a model's words: “{HELP_PAGES}”" in told and "I should not answer this." not in told


def test_a_models_words_are_tried_where_somebody_switches_them_on(desk: Staff, model: Model) -> None:
    ladder(desk)
    assert not any(one.key in ("ladder_asks_model", "ladder_rephrases_1") for one in opened(desk.rep, "ladder").toggle)
    connect(model, desk)
    model.says(knowing(HELP_PAGES))
    app = opened(desk.rep, "ladder")
    drawn(app.toggle(key="ladder_asks_model").set_value(True).run())
    drawn(button(app, "Climb it").click().run())
    told = words(again(app))
    assert "A model's words" in told and model.asked
    drawn(app.toggle(key="ladder_rephrases_1").set_value(True).run())
    drawn(app.button(key="ladder_try_1").click().run())
    assert "It looks in a model's words too." in words(again(app))
    make = next(one for one in app.button if "instructions_" in (one.key or "") and one.label == "Make a candidate")
    drawn(make.click().run())
    made_of = answerers.setup_of(versions.target_of(versions.all_of(ANSWERER, answerers.NAME)[0]))
    assert (made_of.writes, made_of.rephrases) == (True, True)
