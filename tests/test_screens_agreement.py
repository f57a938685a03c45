"""Agreement and Calibration as people see them: what is settled there, what is asked blind, and what an empty portal says."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import approvals, calibration, disputes, inbox, people, predictions, reviews, rubric, store
from data.calibration import Wanted
from data.intake import door
from data.tables import Label, Person, Prediction
from data.values import LIVE, Subject, Target
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens import words as as_drawn


def arrive(number: int = 1) -> str:
    return door.receive([canonical(number, team="Oak")], by=people.console(), classify=False).ids[0]


@pytest.fixture
def zoe(staff: Staff) -> Person:
    return people.add("Zoe", "zoe@example.com", "rep", by=people.console(), team=staff.oak)


@pytest.fixture
def refund(staff: Staff) -> Label:
    return labels.add("Refund", by=staff.lead, description="Money back.")


@pytest.fixture
def status(staff: Staff) -> Label:
    return labels.add("Order status", by=staff.lead)


def differ(staff: Staff, zoe: Person, status: Label, refund: Label, number: int = 1) -> str:
    made = arrive(number)
    reviews.record(made, "strong", by=staff.rep, label_id=status.id, note="Where it is.")
    reviews.record(made, "weak", by=zoe, label_id=refund.id)
    return made


def hold_up(staff: Staff, refund: Label, made: str) -> str:
    chosen = [Wanted(made, "strong", refund.id, "The money is what they ask about.")]
    proposal = calibration.propose_gold(chosen, why="Clear.", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.other)
    return calibration.carry_out(proposal.id)[0].id


def field(app: AppTest, kind: str, label: str):
    return next(one for one in getattr(app, kind) if one.label == label)


def words(app: AppTest) -> str:
    """Without the signs that keep Markdown from reading what people wrote."""
    return as_drawn(app).replace("\\", "")


def labels_of(app: AppTest) -> set[str]:
    return {one.label for one in app.button}


def all_words(app: AppTest) -> str:
    return words(app) + "\n".join(one.label for one in (*app.button, *app.expander))


def test_an_empty_agreement_page_offers_the_step_that_fills_it(staff: Staff) -> None:
    app = open_screen(sit_down(staff.lead), "agreement")
    assert "Two people have to look at the same conversation." in words(app) and "Nobody has yet." in words(app)
    button(app, "Choose the share").click()
    app.run()
    assert not app.exception and "Up to 4 questions" in words(app)
    field(app, "slider", "Share that several people look at").set_value(30)
    button(app, "Change what reviews ask").click()
    app.run()
    assert not app.exception and (rubric.current().double, rubric.current().number) == (0.3, 1)
    assert "Number 1" in words(app)


def test_a_lead_settles_what_two_see_differently_and_the_guideline_says_it(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    app = open_screen(sit_down(staff.lead), "agreement")
    assert "1 conversation waits for a decision" in words(app)
    for said in ("**Rita**", "**Zoe**", "Intent: Order status", "Intent: Refund", "Note: Where it is."):
        assert said in words(app)
    button(app, "Settle it").click()
    app.run()
    assert "say in a sentence why" in words(app) and disputes.settled(by=staff.lead) == []
    field(app, "selectbox", "It was").set_value("strong")
    field(app, "selectbox", "Its intent is").set_value(refund.id)
    field(app, "text_input", "Because").set_value("They ask for the money.")
    field(app, "selectbox", "Add it to the guideline of").set_value(refund.id)
    button(app, "Settle it").click()
    app.run()
    assert not app.exception, app.exception[0].message
    (dispute,) = disputes.settled(by=staff.lead)
    assert (dispute.verdict, dispute.label_id, dispute.conversation_id) == ("strong", refund.id, made)
    with store.reading() as db:
        assert db.get_one(Label, refund.id, populate_existing=True).do == "They ask for the money."
    assert "Leo settled what you and Zoe saw differently" in inbox.of(staff.rep)[0].sentence
    assert "Nothing waits for a decision" in words(app) and "They ask for the money" in words(app)


def test_a_lead_who_is_one_of_the_two_is_told_so_and_an_engineer_that_a_lead_settles(
    staff: Staff, zoe: Person, status: Label, refund: Label
) -> None:
    made = arrive()
    reviews.record(made, "strong", by=staff.lead, label_id=status.id)
    reviews.record(made, "strong", by=zoe, label_id=refund.id)
    app = open_screen(sit_down(staff.lead), "agreement")
    assert "You are one of those who see it differently" in words(app) and "Settle it" not in labels_of(app)
    app = open_screen(sit_down(staff.engineer), "agreement")
    assert "A lead of the team settles this" in words(app) and "Settle it" not in labels_of(app)


def test_each_part_opens_with_figures(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    for number in range(1, 13):
        differ(staff, zoe, status, refund, number)
    app = open_screen(sit_down(staff.lead), "agreement")
    assert "7 more of these come as you settle." in words(app)
    for part, rows in (("intents", 2), ("pairs", 1)):
        app.session_state["agreement_part"] = part
        app.run()
        assert not app.exception and len(app.dataframe[0].value) == rows
    app.session_state["agreement_part"] = "asks"
    app.run()
    assert "Nobody changed them yet" in words(app)


def test_nothing_tells_what_is_right_before_ones_own_word(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = arrive()
    reviews.record(made, "strong", by=zoe, label_id=status.id, note="It was Zoe who said so.")
    subject, target = Subject(made, 1), Target("classifier", "intent", 1)
    with store.writing() as db:
        db.add(Prediction(conversation_id=subject.conversation_id, seq=subject.seq, **target.columns(), mode=LIVE, label_id=status.id,
                          confidence=0.97, top=[[status.id, 0.97]], threshold=0.5, why=""))  # fmt: skip
    assert predictions.of_conversation(made) is not None
    hold_up(staff, refund, made)
    app = open_screen(sit_down(staff.rep), "calibration")
    before = all_words(app)
    for told in ("The money is what they ask about", "Machine", "97", "Zoe", "Right is"):
        assert told not in before
    assert field(app, "selectbox", "Intent (I)").value is None
    field(app, "selectbox", "Intent (I)").set_value(status.id)
    app.run()
    assert "The money is what they ask about" not in all_words(app)
    button(app, "Weak").click()
    app.run()
    assert not app.exception, app.exception[0].message
    after = words(app)  # the control: now it is told
    assert "Because: The money is what they ask about." in after and "You differ in the verdict and the intent" in after
    assert "1 answer" in after and "Cannot tell: only 1 was rated by you and by the gold examples" in after
    button(app, "Done").click()
    app.run()
    assert "You have answered every gold example" in words(app)


def test_a_verdict_without_an_intent_is_not_saved_yet(staff: Staff, refund: Label) -> None:
    hold_up(staff, refund, arrive())
    app = open_screen(sit_down(staff.rep), "calibration")
    button(app, "Strong").click()
    app.run()
    assert "choose the intent first" in words(app) and calibration.my_figures(by=staff.rep).n == 0
    field(app, "selectbox", "Intent (I)").set_value("")  # none of ours fits
    app.run()
    button(app, "Neither").click()
    app.run()
    assert calibration.my_figures(by=staff.rep).n == 1


def test_a_lead_sees_how_many_a_colleague_answered_and_the_figures_from_thirty(staff: Staff, refund: Label, status: Label) -> None:
    for number in range(1, 31):
        example = hold_up(staff, refund if number % 2 else status, arrive(number))
        calibration.answer(example, "strong", refund.id if number % 2 else status.id, by=staff.rep)
        if number == 29:
            assert "Not shown yet: 29 of 30 answers." in words(open_screen(sit_down(staff.lead), "calibration"))
    app = open_screen(sit_down(staff.lead), "calibration")
    assert "Not shown yet" not in words(app) and "**Rita** :gray[· 30 answers]" in words(app)
    assert "Colleagues" not in [one.value for one in open_screen(sit_down(staff.rep), "calibration").subheader]


def test_gold_is_proposed_from_a_flag_or_an_address_and_taken_out_again(staff: Staff, refund: Label) -> None:
    made = arrive()
    app = open_screen(sit_down(staff.lead), "calibration")
    assert "There is no gold example for you yet" in words(app)
    field(app, "text_input", "A conversation's address or number").set_value(made)
    field(app, "selectbox", "Its intent").set_value(refund.id)
    field(app, "text_input", "Because").set_value("It is about money.")
    field(app, "text_input", "Why people should be measured by it").set_value("It comes often.")
    button(app, "Propose it").click()
    app.run()
    assert not app.exception, app.exception[0].message
    (proposal,) = approvals.waiting(by=staff.engineer)
    assert "Waits for a second person" in all_words(app)
    app = open_screen(sit_down(staff.engineer), "approvals", proposal=proposal.id)
    assert "Hold up a conversation as a gold example" in "\n".join(one.value for one in app.subheader)
    approvals.approve(proposal.id, by=staff.engineer)
    calibration.carry_out(proposal.id)
    app = open_screen(sit_down(staff.lead), "calibration")
    field(app, "text_input", "Why").set_value("Not clear.")
    button(app, "Propose to take it out").click()
    app.run()
    assert [one.title for one in approvals.waiting(by=staff.engineer)] == ["take a gold example out"]


def test_an_admin_has_neither_page_and_a_rep_has_no_agreement(staff: Staff) -> None:
    st.cache_data.clear()
    from data import access

    assert [access.may(staff.admin, right) for right in ("agreement.read", "calibration.take")] == [False, False]
    assert [access.may(staff.rep, right) for right in ("agreement.read", "calibration.take")] == [False, True]
