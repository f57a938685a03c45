"""Examples as people see the page: with nothing, with a label that has nothing, in each way, and what is hostile."""

from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import labels as known
from data import reviews, store
from data.tables import Conversation, Example, Label, Person
from data.values import now
from tests.conftest import Staff, hire
from tests.test_classifiers_finding import LOCKERS, OTHERS, came, unsure_of
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words

MADE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$"


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def locker(desk: Staff, name: str = "Locker full") -> Label:
    return labels.add(name, by=desk.rep, draft=True)


def page(by: Person, **address: str) -> AppTest:
    return drawn(open_screen(sit_down(by), "examples", **address))


def turn(app: AppTest, way: str) -> AppTest:
    return drawn(app.segmented_control(key="examples_way").set_value(way).run())


def type_in(app: AppTest, **typed: str) -> AppTest:
    for name, text in typed.items():
        app.text_input(key=f"examples_{name}").set_value(text)
    return drawn(app.run())


def rule(app: AppTest, every: str, some: str, none: str) -> AppTest:
    for name, typed in (("all", every), ("any", some), ("without", none)):
        app.text_input(key=f"examples_{name}").set_value(typed)
    return drawn(button(app, "Find them").click().run())


def press(app: AppTest, *keys: str) -> AppTest:
    for key in keys:
        drawn(app.button(key=f"examples_{key}").click().run())
    return app


def accepted(label: Label) -> list[Example]:
    with store.reading() as db:
        return list(db.exec(select(Example).where(Example.label_id == label.id, Example.use != "retired")))


def test_with_no_label_the_page_says_what_to_do_and_a_first_one_is_named_there(desk: Staff) -> None:
    app = page(desk.rep)
    assert "There is no label yet. Name the first one." in words(app)
    press(app, "add")
    assert "Not added: a label has a name" in words(app)
    type_in(app, name="Locker full", means="The parcel cannot be left.")
    press(app, "add")
    assert app.selectbox(key="examples_label").value == known.of(drafts=True)[0].id and known.of() == []
    assert "It has no example yet." in words(app) and "The parcel cannot be left." in words(app)


def test_a_rep_searches_says_what_belongs_accepts_and_takes_it_back(desk: Staff) -> None:
    made, label = came(desk, *LOCKERS, *OTHERS), locker(desk)
    app = type_in(page(desk.rep, label=label.id), words="locker")
    assert "4 that fit, the newest first." in words(app) and "holds 'locker'" in words(app)
    assert "0 of 4 looked at" in str(app.get("progress")[0].proto) and app.button(key="examples_accept").disabled
    press(app, "no", "yes")
    drawn(button(app, "Take the other 2 unread").click().run())
    assert "4 of 4 looked at, 3 belong" in str(app.get("progress")[0].proto) and "Accept 3 examples" in labels_of(app)
    press(app, "accept")
    assert "to learn from" in words(app) and "kept for testing" in words(app)
    assert {one.conversation_id for one in accepted(label)} == set(made[:3])
    assert {(one.found, one.why) for one in accepted(label)} == {("a search", "It is about 'Locker full'; found by a search for: locker")}
    assert "Nothing that fits is left" in words(app) and "by a search:" in words(app)  # what was said not to belong does not come again
    drawn(app.button(key="undo").click().run())
    assert accepted(label) == [] and "It has no example yet." in words(app)
    assert "0 of 3 looked at" in str(app.get("progress")[0].proto)  # they are found again; what does not belong stays away


def test_looking_again_puts_others_in_the_place_of_what_does_not_belong(desk: Staff) -> None:
    made, label = came(desk, *(f"locker {number}" for number in range(43))), locker(desk)
    app = type_in(page(desk.rep, label=label.id), words="locker")
    assert "The newest 40 that fit." in words(app)
    press(app, "no", "no", "yes", "look")
    assert "1 of 40 looked at, 1 belong" in str(app.get("progress")[0].proto)
    drawn(button(app, "Take the other 39 unread").click().run())
    press(app, "accept")
    assert {one.conversation_id for one in accepted(label)} == set(made[1:41])


def test_what_is_alike_needs_an_example_and_says_without_an_encoder_how_it_compares(desk: Staff) -> None:
    made, label = came(desk, *LOCKERS, *OTHERS), locker(desk)
    app = turn(page(desk.rep, label=label.id), "similar")
    assert "'Locker full' has no example yet to compare with." in words(app)
    app = page(desk.rep, label=label.id, like=made[0])
    told = words(app)
    assert "Compared with: *The parcel locker is full*" in told and "the one that you started from" in told
    assert "No encoder is installed, so they are compared by their words alone." in told
    press(app, "yes", "accept")
    assert [(one.conversation_id, one.found) for one in accepted(label)] == [(made[0], "likeness")]
    press(app, "unlike")
    told = words(app)
    assert ("compared with the 1 example there are" in told or "no example yet to compare with" in told) and "Compared with:" not in told


def test_a_conversation_may_be_brought_before_a_label_is_chosen(desk: Staff) -> None:
    made, label = came(desk, *LOCKERS), locker(desk)
    app = page(desk.rep, like=made[0])
    assert "Choose a label, or name a new one. Then you see what is most like that conversation." in words(app)
    app.selectbox(key="examples_label").set_value(label.id)
    assert "the one that you started from" in words(drawn(app.run()))
    (elsewhere,) = came(desk, LOCKERS[0], first=50, team="Fern")
    app = page(desk.rep, label=label.id, like=elsewhere)
    assert "Nothing was compared: there is no such conversation within your reach." in words(app) and LOCKERS[0] not in words(app)


def test_unsure_says_why_it_has_nothing_or_what_lay_close_together(desk: Staff) -> None:
    made, label, refund = came(desk, *LOCKERS), locker(desk), labels.add("Refund", by=desk.lead)
    app = turn(page(desk.rep, label=label.id), "unsure")
    assert "Nothing is live yet that could be unsure." in words(app)
    unsure_of(desk, label, refund, made, top=[[refund.id, 0.5], [label.id, 0.4]])
    app = turn(page(desk.rep, label=label.id), "unsure")
    assert "between 'Refund' and 'Locker full'" in words(app) and "Version 1 wavered in 4 conversations" in words(app)
    press(app, "yes", "accept")
    assert [one.found for one in accepted(label)] == ["doubt"]


def test_a_rule_is_told_with_how_many_it_covers_and_goes_into_the_examples(desk: Staff) -> None:
    came(desk, *LOCKERS, *OTHERS)
    label = locker(desk)
    app = turn(page(desk.rep, label=label.id), "rule")
    assert not [one for one in app.button if one.key == "examples_yes"]  # nothing is asked yet
    rule(app, "locker", "full, no room", "again")
    told = "Holds 'locker', and holds 'full' or 'no room', and does not hold 'again': 2 of the 8 conversations of the last 90 days"
    assert told in words(app) and "holds 'locker' and 'full'" in words(app)
    press(app, "yes", "accept")
    assert ["found by the rule: holds 'locker'" in one.why for one in accepted(label)] == [True]
    rule(app, "😀", "", "")
    assert "'😀' holds no word" in words(app)


def test_a_label_shows_what_belongs_to_it_and_how_it_came_by_its_examples(desk: Staff) -> None:
    label = labels.add("Refund", by=desk.lead, do="Where is my money?", dont="I want to return it.")
    reviews.record(came(desk, OTHERS[0])[0], "strong", label_id=label.id, by=desk.rep)
    told = words(page(desk.rep, label=label.id))
    assert "Where is my money?" in told and "I want to return it." in told and "by reviews:] 1 to learn from" in told
    assert "Its guideline does not say yet" in words(page(desk.rep, label=locker(desk).id))


def test_another_teams_lead_finds_nothing_of_it_and_an_admin_has_no_such_page(desk: Staff) -> None:
    came(desk, *LOCKERS)
    label = locker(desk)
    app = type_in(page(desk.other, label=label.id), words="locker")
    assert "Nothing that fits is left" in words(app)
    with pytest.raises(ValueError, match="screens/examples"):
        sit_down(desk.admin).switch_page("screens/examples.py").run()


def test_what_is_hidden_while_somebody_goes_through_it_is_shown_no_more(desk: Staff) -> None:
    made, label = came(desk, *LOCKERS), locker(desk)
    app = type_in(page(desk.rep, label=label.id), words="locker")
    assert "The locker stays shut" in words(app)
    with store.writing() as db:
        newest = db.get_one(Conversation, made[3])
        newest.hidden_at = now()
        db.add(newest)
    assert "The locker stays shut" not in words(drawn(app.run())) and "0 of 3 looked at" in str(app.get("progress")[0].proto)


def test_texts_and_names_that_mean_something_elsewhere_are_words(desk: Staff) -> None:
    made = came(desk, f"locker {MADE}", f"locker again {MADE}")
    label = labels.add(MADE, by=desk.lead, description=MADE, do=MADE, dont=MADE)
    for app in (
        type_in(page(desk.rep, label=label.id), words=f"locker -{'zebra' * 2}"), page(desk.rep, label=label.id, like=made[0]),
        page(desk.rep, label=label.id, like="<b>"), page(desk.rep, label="<b>"),
    ):  # fmt: skip
        assert not [part for part in app.markdown if part.allow_html]
        assert not [part for kind in (app.markdown, app.caption, app.info, app.warning) for part in kind if "**bold**" in str(part.value)]
    assert "That" not in words(page(desk.rep, label="none")) and "Choose a label" in words(page(desk.rep, label="none"))
