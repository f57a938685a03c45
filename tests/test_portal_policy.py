"""The policy as people see and change it: a page, a command, a list for programs, and a line on each recipe's page."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import mandates
from automations.mandates import ALONE, NEVER, OTHERS, PROPOSE, line
from automations.recipe import ARRIVES, INTENT, Act, Trigger
from classifiers import labels
from data import approvals
from portal import jobs
from tests.conftest import Staff, hire
from tests.server import inside
from tests.test_api_automations import LIMITS, REFUND, Desk, arriving, desk
from tests.test_automations_mandates import machine_says
from tests.test_portal_cli import Run, refused, run
from tests.test_screens_automations import TAGGED, kept
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

__all__ = ["desk", "run"]  # fixtures
HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] [l](http://evil.example)"


@pytest.fixture
def team(sqlite_home: Any) -> Staff:
    return hire()


def named(staff: Staff, *names: str) -> list[str]:
    return [str(labels.add(name, by=staff.lead).id) for name in names]


def press(app: AppTest, label: str, place: int = 0) -> AppTest:
    return drawn([one for one in app.button if one.label == label][place].click().run())


def choose(app: AppTest, key: str, may: str) -> AppTest:
    return drawn(app.segmented_control(key=f"policy_may_{key}").set_value(may).run())


def because(app: AppTest, key: str, why: str) -> AppTest:
    return drawn(app.text_input(key=f"policy_why_{key}").set_value(why).run())


def may(key: str) -> str:
    policy = mandates.current()
    return policy.line(key).may if policy else ALONE


# -- the page -----------------------------------------------------------------------------------------------------------------------------


def test_with_nothing_set_the_page_says_where_to_begin(team: Staff) -> None:
    told = words(opened(team.lead, "policy"))
    assert "There is no policy yet: each recipe is held to its own limits alone." in told and "No intent is in use yet." in told
    named(team, "Refund")
    for person in (team.rep, team.lead, team.engineer, team.admin):
        app = opened(person, "policy")
        assert "No intent is in use yet." not in words(app) and "Refund" in words(app)
        check_words_only(app)


def test_what_takes_judgement_is_marked_in_words_and_holds_at_once(team: Staff) -> None:
    key, _ = named(team, "Complaint about staff", "Refund")
    app = opened(team.lead, "policy", intent=key)
    drawn(app.toggle(key=f"policy_judgement_{key}").set_value(True).run())
    assert "people only, judgement work, instead of machines act alone. Nothing is done by a machine" in words(app)
    press(because(app, key, "The works council asked for it."), "Set it")
    assert may(key) == NEVER and mandates.current().line(key).judgement  # type: ignore[union-attr]
    app = opened(team.rep, "policy")
    assert "Judgement work" in words(app) and "There is no policy yet" not in words(app) and "Number 1, by Leo" in words(app)
    check_words_only(app, key)


def test_a_reason_is_asked_for_and_what_was_typed_stays(team: Staff) -> None:
    (key,) = named(team, "Refund")
    app = press(choose(opened(team.lead, "policy", intent=key), key, NEVER), "Set it")
    assert "Not set: say in a sentence why" in words(app) and mandates.current() is None
    press(because(app, key, "Too many went wrong."), "Set it")
    assert may(key) == NEVER


def test_looser_is_proposed_on_the_page_and_waits_there_for_another(team: Staff) -> None:
    (key,) = named(team, "Refund")
    mandates.tighten(key, line(NEVER), why="So.", by=team.lead)
    app = choose(opened(team.lead, "policy", intent=key), key, PROPOSE)
    assert "It holds once a second person said yes." in words(app)
    press(because(app, key, "Nothing went wrong for a month."), "Propose it")
    assert may(key) == NEVER
    app = opened(team.lead, "policy")
    assert "Waits for a second person: let machines propose on 'Refund'" in words(app)
    (proposal,) = approvals.waiting(by=team.engineer)
    assert "'Refund': machines propose, instead of people only." in words(opened(team.engineer, "approvals", proposal=proposal.id))
    approvals.approve(proposal.id, by=team.engineer)
    jobs.run_waiting()
    assert may(key) == PROPOSE and "Waits for a second person" not in words(opened(team.lead, "policy"))


def test_a_rep_makes_it_stricter_and_is_told_who_makes_it_looser(team: Staff) -> None:
    (key,) = named(team, "Refund")
    mandates.tighten(key, line(PROPOSE), why="So.", by=team.lead)
    app = choose(opened(team.rep, "policy", intent=key), key, ALONE)
    assert "A lead or an engineer proposes that" in words(app) and "Propose it" not in labels_of(app)
    press(because(choose(app, key, NEVER), key, "It hurt somebody."), "Set it")
    assert may(key) == NEVER


def test_an_intent_may_be_held_to_everything_else_again(team: Staff) -> None:
    (key,) = named(team, "Refund")
    mandates.tighten(OTHERS, line(NEVER), why="So.", by=team.lead)
    assert "as everything else" in words(opened(team.lead, "policy"))
    mandates.tighten(key, line(NEVER, note="Of its own"), why="So.", by=team.lead)
    app = choose(opened(team.lead, "policy", intent=key), key, "as everything else")
    press(because(app, key, "It says the same."), "Set it")
    policy = mandates.current()
    assert policy is not None and policy.intents == {}


def test_what_people_typed_is_shown_as_typed(team: Staff) -> None:
    (key,) = named(team, "Refund")
    mandates.tighten(key, line(NEVER, note=HOSTILE), why=HOSTILE, by=team.lead)
    app = opened(team.lead, "policy", intent=key)
    assert HOSTILE in words(app) and not [part for part in app.markdown if part.allow_html]


def test_the_filter_leaves_what_is_held_to_one_word(team: Staff) -> None:
    key, _ = named(team, "Complaint", "Refund")
    mandates.tighten(key, line(NEVER), why="So.", by=team.lead)
    app = opened(team.lead, "policy")
    assert "Refund" in words(app)
    drawn(app.segmented_control(key="policy_shown").set_value(NEVER).run())
    assert "Complaint" in words(app) and "Refund" not in words(app)
    drawn(app.segmented_control(key="policy_shown").set_value(PROPOSE).run())
    assert "No intent is held to that." in words(app)


def test_many_intents_stand_on_several_pages(team: Staff) -> None:
    named(team, *(f"Intent {number:02}" for number in range(40)))
    app = opened(team.lead, "policy")
    assert len([one for one in app.button if one.label == "Change"]) == 30


# -- a recipe's page ----------------------------------------------------------------------------------------------------------------------


def test_a_recipes_page_says_what_the_policy_leaves_to_it(team: Staff) -> None:
    (key,) = named(team, "Complaint about staff")
    own = replace(TAGGED, name="complaints", trigger=Trigger(INTENT, "Complaint about staff", Decimal("0.8")))
    kept(team.lead, own)
    kept(team.lead)
    assert "people's work" not in words(opened(team.lead, "automations", recipe="complaints"))
    mandates.tighten(key, line(NEVER), why="So.", by=team.lead)
    app = opened(team.lead, "automations", recipe="complaints")
    assert "'Complaint about staff' is people's work: nothing is done by a machine." in words(app) and "Policy" in labels_of(app)
    told = words(opened(team.rep, "automations", recipe="late parcels"))
    assert "It is held to what each conversation is about; 1 line is people only." in told
    assert "The policy keeps machines out of it" in words(opened(team.lead, "automations", recipe="complaints", tab="release"))


# -- the command --------------------------------------------------------------------------------------------------------------------------


def test_the_command_lists_sets_and_proposes(run: Run, staff: Staff) -> None:
    named(staff, "Refund")
    mail = ("--by", staff.lead.email)
    empty = run("policy", "list", *mail)
    assert "No policy is set: each recipe is held to its own limits alone." in empty.out and "Refund" in empty.out
    done = run("policy", "set", "refund", "never", "--judgement", "--note", "Ask Leo", "--why", "It hurt somebody.", *mail)
    assert done.out == "refund: People only, judgement work. It holds from now on.\n"
    told = run("policy", "list", *mail, "--json").told
    first = next(one for one in told["intents"] if one["intent"] == "Refund")
    assert told["number"] == 1 and (first["may"], first["judgement"], first["note"], first["own"]) == ("never", True, "Ask Leo", True)
    refused(run("policy", "set", "Refund", "alone", "--why", "So.", *mail), 1, "would be held to less than now")
    asked = run("policy", "propose", "Refund", "propose", "--why", "It went well.", *mail)
    assert asked.out.startswith("Proposed: take the mark of judgement work from 'Refund': machines propose.")
    refused(run("policy", "propose", "Refund", "never", "--why", "So.", "--by", staff.rep.email), 1, "a rep may not propose a limit")
    refused(run("policy", "set", "Refunds", "never", "--why", "So.", *mail), 2, "There is no intent 'Refunds'")
    refused(run("policy", "set", "Refund", "sometimes", "--why", "So.", *mail), 2, "There is no 'sometimes'")
    assert run("policy", "set", "everything else", "propose", "--why", "So.", *mail).code == 0
    assert run("policy", "list").out.count("judgement work") == 1  # the console reads it too, without figures


# -- over HTTP ----------------------------------------------------------------------------------------------------------------------------


def test_programs_read_the_policy_and_a_reply_on_peoples_work_is_never_given(desk: Desk) -> None:
    """A product that asks for the reply, on a real portal: first with no policy, as the control."""
    pays = arriving("pays", Act("look up order", "order"), REFUND, Act("send reply", "reply", {"text": "20 euros are on their way."}))
    assert pays.trigger.kind == ARRIVES and pays.limits == LIMITS
    desk.releases(pays)
    with inside(*desk.place):
        (key,) = named(desk.staff, "Complaint about staff")
    made = desk.arrives()
    with inside(*desk.place):
        machine_says(made, key)
    assert desk.respond(made)["reply"] == "20 euros are on their way." and desk.refunded() == [2000]
    assert desk.program.get("/api/v1/policy").json()["number"] == 0
    made = desk.arrives()
    with inside(*desk.place):
        machine_says(made, key)
        mandates.tighten(key, line(NEVER, judgement=True), why="People complain to people.", by=desk.staff.lead)
    told = desk.respond(made)
    assert (told["reply"], told["handed_over"], desk.refunded()) == ("", True, [])
    assert "'Complaint about staff' is people's work: nothing is done by a machine." in told["why"]
    pressed = desk.pressed("late", made)
    assert (pressed["state"], pressed["did"], desk.refunded()) == ("handed over", [], [])
    answer = desk.program.get("/api/v1/policy").json()
    (one,) = answer["intents"]
    assert (one["intent"], one["may"], one["judgement"], one["conversations"], one["by_machine"]) == (
        "Complaint about staff", "never", True, 2, 1,
    )  # fmt: skip
    assert answer["everything_else"]["may"] == "alone" and answer["no_intent"]["may"] == "alone"
    assert desk.stranger.get("/api/v1/policy").status_code == 403 and desk.nobody.get("/api/v1/policy").status_code == 401
    desk.stops("pays")
