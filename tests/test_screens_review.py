"""Review inside the frame: what is said is saved, what is typed is kept, what is to be judged unseen stays unseen."""

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import drafts, examples, labels, people, predictions, queue, reviews, rubric, store
from data.intake import door
from data.tables import Person
from evals import freezing, sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_screens import button, open_screen, sit_down, words

ANSWERED = [{"role": "customer", "text": "Where is it?"}, {"role": "rep", "author": "Rita", "text": "Wait a week more."}]


def arrive(number: int = 1, **fields: Any) -> str:
    return door.receive([canonical(number, team="Oak", messages=ANSWERED, **fields)], by=people.console()).ids[0]


def part(app: AppTest, name: str) -> Any:
    """The widget whose key is the name and a conversation."""
    found = [one for one in app if getattr(one, "key", None) and re.fullmatch(rf"review_{name}_[0-9a-f-]{{36}}", one.key)]
    assert len(found) == 1, f"{len(found)} parts are named {name}"
    return found[0]


def shown(app: AppTest) -> str:
    return str(part(app, "save").key).removeprefix("review_save_")


def say(app: AppTest, verdict: str, **fields: str | None) -> AppTest:
    part(app, "verdict").set_value(verdict).run()
    for name, value in fields.items():
        part(app, name).set_value(value).run()
    assert not app.exception, app.exception[0].message
    return app


def unfold(app: AppTest, name: str) -> AppTest:
    app.session_state[f"review_{name}_{shown(app)}"] = True
    return app.run()


def save(app: AppTest) -> AppTest:
    part(app, "save").click().run()
    assert not app.exception, app.exception[0].message
    return app


def plain(app: AppTest) -> str:
    return words(app).replace("\\", "")


def notices(app: AppTest) -> str:
    return " ".join(str(one.value) for kind in (app.toast, app.error) for one in kind).replace("\\", "")


@pytest.fixture
def rita(staff: Staff) -> Person:
    labels_of(staff)
    return staff.rep


def labels_of(staff: Staff) -> dict[str, str]:
    from classifiers import labels as writing

    return {name: writing.add(name, by=staff.lead).id for name in ("Order status", "Refund")}


def test_narrowed_to_what_one_click_opened_only_those_come_until_one_leaves(rita: Person) -> None:
    chosen, other = [arrive(1), arrive(2)], arrive(3, csat=1)
    with store.writing() as db:
        for place, made in enumerate(chosen):
            queue.suggest(db, made, "look through", "one of 40 that look alike: lockers", weight=9 - place, source="pattern x")
    app = open_screen(sit_down(rita), "review", queue="team")
    assert "Looking through" not in words(app)
    app = open_screen(app, "review", **{"from": "pattern x"})
    assert shown(app) == chosen[0] and "Looking through: 2, each one of 40 that look alike: lockers" in plain(app)
    save(say(app, "none"))
    assert shown(app) == chosen[1] and "Looking through: 1, one of 40 that look alike: lockers" in plain(app)
    save(say(app, "none"))
    assert "You looked through all of it." in words(app) and "Looking through: nothing is left" in words(app)
    button(app, "All the queue").click().run()
    assert shown(app) == other and "Looking through" not in words(app) and "from" not in app.query_params


def test_a_verdict_is_enough_and_the_next_is_there(demo: Path) -> None:
    person = next(one for one in people.demo_people() if one.name == "Alma Berger")
    app = open_screen(sit_down(person), "review")
    first = shown(app)
    machine = None if reviews.is_blind(first, by=person) else predictions.of_conversation(first)
    save(say(app, "strong"))
    said = reviews.mine(first, by=person)
    assert said is not None and said.verdict == "strong" and shown(app) != first
    assert said.label_id == (machine.label_id if machine else None)


def test_without_a_verdict_nothing_is_saved_and_everything_stays(rita: Person) -> None:
    made = arrive()
    app = open_screen(sit_down(rita), "review")
    part(app, "note").set_value("A note of mine").run()
    save(app)
    assert "say whether the answer was strong" in notices(app) and reviews.mine(made, by=rita) is None
    assert part(app, "note").value == "A note of mine"


def test_no_intent_of_ours_fits_is_something_to_say(rita: Person) -> None:
    made = arrive()
    app = open_screen(sit_down(rita), "review")
    save(say(app, "none", intent=""))
    said = reviews.mine(made, by=rita)
    assert said is not None and (said.verdict, said.label_id) == ("none", None)


def test_a_sentence_makes_it_a_flag_with_what_was_proposed(staff: Staff, rita: Person) -> None:
    made, answers = arrive(), sets.create("Everyday answers", purpose="answer", by=staff.lead)
    app = open_screen(sit_down(rita), "review")
    say(app, "weak")
    assert "expects no reply like 'Wait a week more.'" in words(app).replace("\\", "") and "Everyday answers" in words(app)
    save(say(app, "weak", why="It does not help at all."))
    (flagged,) = examples.of_conversation(made, by=rita)
    assert (flagged.kind, flagged.why, flagged.eval_set_id, flagged.grader, flagged.expected) == (
        "weak", "It does not help at all.", answers.id, "reply words", {"not_reply": "Wait a week more.", "about": 2},
    )  # fmt: skip
    assert "Saved and flagged for 'Everyday answers'" in notices(app)


def test_the_flag_can_test_something_else_than_was_proposed(staff: Staff, rita: Person) -> None:
    made, refund = arrive(), next(label.id for label in labels.of() if label.name == "Refund")
    sets.create("Everyday answers", purpose="answer", by=staff.lead)
    intents = sets.create("Everyday intents", by=staff.lead)
    app = open_screen(sit_down(rita), "review")
    say(app, "weak", why="The wrong team got it.", intent=refund)
    unfold(app, "flag")
    assert "eval_set_id" not in drafts.of(made, by=rita) and "purpose" not in drafts.of(made, by=rita)  # proposed, not chosen
    part(app, "purpose").set_value("classifier").run()
    assert "expects the intent 'Refund'" in words(app)
    save(app)
    (flagged,) = examples.of_conversation(made, by=rita)
    assert (flagged.eval_set_id, flagged.label_id, flagged.expected) == (intents.id, refund, None)


def test_a_flag_is_about_the_last_reply_that_says_something_and_another_can_be_chosen(staff: Staff, rita: Person) -> None:
    answers = sets.create("Everyday answers", purpose="answer", by=staff.lead)
    more = [{"role": "rep", "text": "It left Kiel on Monday."}, {"role": "rep", "text": "Thank you and goodbye."}]
    made = door.receive([canonical(1, team="Oak", messages=[*ANSWERED, *more])], by=people.console()).ids[0]
    app = open_screen(sit_down(rita), "review")
    unfold(say(app, "weak", why="It says no day."), "flag")
    about = part(app, "about")
    assert about.options == ["1. 'Wait a week more.'", "2. 'It left Kiel on Monday.'", "3. 'Thank you and goodbye.'"]
    assert "expects no reply like 'It left Kiel on Monday.'" in words(app).replace("\\", "")
    about.select_index(0).run()
    assert "expects no reply like 'Wait a week more.'" in words(app).replace("\\", "")
    save(app)
    (flagged,) = examples.of_conversation(made, by=rita)
    assert (flagged.eval_set_id, flagged.expected) == (answers.id, {"not_reply": "Wait a week more.", "about": 2})
    (case,) = sets.cases(freezing.freeze(answers.id, by=staff.lead).id)
    assert [one["text"] for one in case.input["messages"]] == ["Where is it?", "Wait a week more."]


def test_a_flag_that_no_set_takes_is_refused_in_words_and_the_sentence_stays(rita: Person) -> None:
    made = arrive()
    app = open_screen(sit_down(rita), "review")
    save(say(app, "weak", why="It does not help."))
    assert "no eval set can take this flag" in notices(app) and part(app, "why").value == "It does not help."
    part(app, "verdict").set_value("none").run()
    save(app)
    assert "a flagged example is strong or weak" in notices(app) and reviews.mine(made, by=rita) is None


def test_what_was_begun_is_there_again_after_the_tab_was_closed(rita: Person) -> None:
    first = arrive(1, csat=1)
    arrive(2)
    app = open_screen(sit_down(rita), "review")
    assert shown(app) == first
    say(app, "weak", note="Half a", intent="")
    again = open_screen(sit_down(rita), "review")
    assert (part(again, "verdict").value, part(again, "note").value, part(again, "intent").value) == ("weak", "Half a", "")
    part(again, "drop").click().run()
    assert drafts.begun(by=rita) == [] and part(again, "note").value == ""


def test_as_it_was_proposed_there_is_no_draft(rita: Person) -> None:
    arrive()
    app = open_screen(sit_down(rita), "review")
    part(app, "note").set_value("Half").run()
    assert len(drafts.begun(by=rita)) == 1
    part(app, "note").set_value("").run()
    assert drafts.begun(by=rita) == []


def test_u_takes_it_back_and_opens_it_again_with_what_was_typed(rita: Person) -> None:
    first = arrive(1, csat=1)
    arrive(2)
    app = open_screen(sit_down(rita), "review")
    save(say(app, "weak", note="No help."))
    assert shown(app) != first
    next(one for one in app.button if one.key == "undo").click().run()
    assert (shown(app), part(app, "verdict").value, part(app, "note").value) == (first, "weak", "No help.")
    assert reviews.mine(first, by=rita) is None


def test_the_rubric_is_asked_on_its_sample_alone_and_kept(staff: Staff, rita: Person) -> None:
    rubric.change([("kind", "Was it kind?")], share=1, double=0, reviewers=2, by=staff.lead)
    made = arrive()
    app = open_screen(sit_down(rita), "review")
    part(app, "mark_1").set_value("no").run()
    save(say(app, "strong"))
    said = reviews.mine(made, by=rita)
    assert said is not None and said.rubric == {"number": 1, "said": {"kind": "no"}}
    rubric.change([("kind", "Was it kind?")], share=0, double=0, reviewers=2, by=staff.lead)
    arrive(2)
    assert "Was it kind?" not in words(open_screen(sit_down(rita), "review"))


def test_what_several_judge_shows_nothing_of_the_machine_and_the_others_until_mine_is_said(staff: Staff, rita: Person) -> None:
    rubric.change([], share=0, double=1, reviewers=2, by=staff.lead)
    made, refund = arrive(), next(label.id for label in labels.of() if label.name == "Refund")
    reviews.record(made, "strong", label_id=refund, note="Leo's word.", by=staff.lead)
    app = open_screen(sit_down(rita), "review", conversation=made)
    assert "each for themselves" in words(app) and part(app, "intent").value is None
    assert "Leo" not in words(app) and "Machine" not in words(app)
    assert "Leo" not in words(open_screen(sit_down(rita), "conversation", conversation=made))
    app = open_screen(sit_down(rita), "review", conversation=made)
    save(say(app, "weak"))
    assert "Leo said strong, 'Refund'." in notices(app)


def test_three_minutes_end_with_what_they_changed(rita: Person) -> None:
    refund = next(label.id for label in labels.of() if label.name == "Refund")
    for number in range(5):
        arrive(number)
    app = open_screen(sit_down(rita), "review", queue="three")
    for _ in range(3):
        save(say(app, "strong", intent=refund))
    assert words(app).count("one more example of 'Refund'") == 3
    button(app, "Three more").click().run()
    assert shown(app)


def test_not_for_me_gives_it_back_with_a_reason(rita: Person) -> None:
    first = arrive(1, csat=1)
    arrive(2)
    app = unfold(open_screen(sit_down(rita), "review"), "skip")
    button(app, "Not my language").click().run()
    assert shown(app) != first and first not in [item.listed.id for item in queue.team(by=rita)]
    made = shown(unfold(app, "skip"))
    part(app, "skip_why").set_value("A friend of mine").run()
    assert made not in [item.listed.id for item in queue.team(by=rita)]


def test_in_hand_and_handed_back(staff: Staff, rita: Person) -> None:
    made = arrive()
    app = open_screen(sit_down(rita), "review")
    assert queue.team(by=staff.lead) == [] and part(app, "hold").label.startswith("Hand back")
    part(app, "hold").click().run()
    assert [item.listed.id for item in queue.team(by=staff.lead)] == [made] and part(app, "hold").label.startswith("Take in hand")


def test_a_pasted_number_opens_its_conversation_and_an_unknown_one_says_so(rita: Person) -> None:
    arrive(1, csat=1)
    wanted = arrive(4711)
    app = open_screen(sit_down(rita), "review")
    pasted = next(one for one in app.text_input if one.key == "review_pasted")
    pasted.set_value("https://desk.example/tickets/4711").run()
    assert shown(app) == wanted
    next(one for one in app.text_input if one.key == "review_pasted").set_value("4712").run()
    assert "is known as '4712'" in words(app)


def test_the_machine_is_wrong_in_one_press(demo: Path) -> None:
    person = next(one for one in people.demo_people() if one.name == "Nora Engel")
    with store.reading():
        sure = next(
            item.listed
            for item in queue.team(by=person, size=300)
            if item.listed.intent and not reviews.is_blind(item.listed.id, by=person)
        )
    app = open_screen(sit_down(person), "review", conversation=sure.id)
    assert part(app, "intent").value
    part(app, "wrong").click().run()
    assert part(app, "intent").value == ""
