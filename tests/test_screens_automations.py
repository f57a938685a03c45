"""Automations as people see them: with nothing, one and many recipes; cards that are typed into, tried, saved and gone back to."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import backtest, gallery, reading, recipes
from automations.recipe import Act, Alone, Limits, Recipe, Trigger
from automations.steps.all import STEPS
from data import people, tasks
from data.intake import door
from data.tables import Person
from data.values import Target, now
from portal import jobs
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$ [l](http://evil.example)"
TAGGED = Recipe(
    "late parcels", "Late parcels are marked", "So that the carrier team finds them.",
    acts=(
        Act("tag", "marked", {"tag": "late"}, when={"message.text": {"contains": "late"}}, otherwise=(Act("hand over", "person"),)),
        Act("route", "sent", {"team": "Oak"}),
    ),
    limits=Limits(runs_per_day=50), alone=Alone(changes=("tag",)),
)  # fmt: skip


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def kept(by: Person, made: Recipe = TAGGED, *, why: str = "A beginning", based_on: int | None = None) -> None:
    recipes.save(made, why=why, based_on=based_on, by=by)


def comes(*texts: str, team: str = "Oak", days: int = 3) -> list[str]:
    said = [
        canonical(number, opened_at=now() - timedelta(days=days), team=team, messages=[{"role": "customer", "text": text}])
        for number, text in enumerate(texts, start=1 if team == "Oak" else 50)
    ]
    return list(door.receive(said, by=people.console()).ids)


def field(app: AppTest, label: str, place: int = 0) -> Any:
    found = [one for kind in (app.text_input, app.text_area, app.selectbox, app.number_input, app.multiselect) for one in kind
             if one.label == label]  # fmt: skip
    return found[place]


def press(app: AppTest, label: str, place: int = 0) -> AppTest:
    return drawn([one for one in app.button if one.label == label][place].click().run())


def edit(app: AppTest, number: int) -> AppTest:
    """The head is 0, the first card 1."""
    return press(app, "Edit", number)


def newest(name: str, by: Person) -> Recipe:
    return recipes.read(recipes.get(name, by=by))


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def test_where_there_is_no_recipe_the_page_says_what_one_is(desk: Staff) -> None:
    for person, may_draft in ((desk.rep, True), (desk.lead, True), (desk.engineer, True), (desk.admin, False)):
        app = opened(person, "automations")
        assert "There is no recipe yet. A recipe says when it begins" in words(app)
        assert ("New recipe" in labels_of(app), "Bring a file" in labels_of(app)) == (may_draft, may_draft)
        check_words_only(app)


def test_the_list_tells_state_and_who_and_is_searched_by_words(desk: Staff) -> None:
    kept(desk.lead)
    kept(desk.lead, replace(TAGGED, what="For the night shift."), based_on=1)
    kept(desk.rep, replace(TAGGED, name="other", title="Invoices are sent again", what=""))
    app = opened(desk.admin, "automations")
    table = app.dataframe[0].value
    assert list(table["Title"]) == ["Late parcels are marked", "Invoices are sent again"]
    assert list(table["State"]) == ["draft 2", "draft 1"] and list(table["By"]) == ["Leo", "Rita"]
    drawn(app.text_input(key="words").set_value("night").run())
    assert list(app.dataframe[0].value["Title"]) == ["Late parcels are marked"]
    drawn(app.text_input(key="words").set_value("nothing like it").run())
    assert "No recipe fits" in words(app)
    check_words_only(app)


def test_a_name_that_is_no_recipe_is_said(desk: Staff) -> None:
    assert "That recipe is not here." in words(opened(desk.rep, "automations", recipe="nothing"))


# -- files --------------------------------------------------------------------------------------------------------------------------------


def test_a_refused_file_keeps_what_was_typed_and_names_the_line(desk: Staff) -> None:
    app = opened(desk.rep, "automations")
    text = "name: x\ntitle: T\nsteps:\n  - stepp: tag\n"
    app.text_area(key="automations_file").set_value(text)
    press(app, "Read it")
    assert "line 4: there is no field 'stepp'. Is 'step' meant?" in words(app)
    assert app.text_area(key="automations_file").value == text and recipes.listed(by=desk.rep) == []


def test_an_uploaded_file_stands_in_the_field_and_one_that_is_no_text_is_refused(desk: Staff) -> None:
    app = opened(desk.rep, "automations")
    app.file_uploader(key="automations_upload").set_value(("a.yaml", reading.written(TAGGED).encode(), "application/yaml"))
    drawn(app.run())
    assert app.text_area(key="automations_file").value == reading.written(TAGGED)
    app.file_uploader(key="automations_upload").set_value(("b.yaml", b"\x00\xff\xfe name", "application/yaml"))
    drawn(app.run())
    press(app, "Read it")
    assert "Nothing was read: the file holds a NUL character" in words(app) and recipes.listed(by=desk.rep) == []


def test_a_brought_recipe_is_looked_through_before_it_is_saved(desk: Staff) -> None:
    app = opened(desk.rep, "automations")
    app.text_area(key="automations_file").set_value(reading.written(TAGGED))
    press(app, "Read it")
    assert app.title[0].value == "New recipe" and "1 · Tag" in words(app) and recipes.listed(by=desk.rep) == []
    press(app, "Save as version 1")
    assert newest("late parcels", desk.rep) == TAGGED


def test_a_brought_recipe_of_a_known_name_becomes_its_next_version(desk: Staff) -> None:
    kept(desk.lead)
    app = opened(desk.rep, "automations")
    app.text_area(key="automations_file").set_value(reading.written(replace(TAGGED, title="Marked anew")))
    press(app, "Read it")
    press(app, "Save as version 2")
    assert recipes.get("late parcels", by=desk.rep).body["title"] == "Marked anew"


def test_a_file_does_not_write_over_what_was_not_saved(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    drawn(field(app, "Tag").set_value("mine").run())
    press(app, "All recipes")
    app.text_area(key="automations_file").set_value(reading.written(replace(TAGGED, title="Theirs")))
    press(app, "Read it")
    assert "Not taken over: you changed 'Theirs' and did not save it." in words(app)
    app.query_params["recipe"] = "late parcels"
    drawn(app.run())
    assert field(app, "Tag").value == "mine"


def test_every_ready_recipe_is_begun_from_and_nothing_is_wrong_with_it(desk: Staff) -> None:
    app = opened(desk.rep, "automations")
    for one in gallery.ready():
        press(app, one.title)
        assert app.title[0].value == "New recipe" and "Nothing is missing" in words(app), one.name
        press(app, "All recipes")
    press(app, f"Go on with '{gallery.ready()[0].title}'")
    press(app, "Save as version 1")
    (made,) = recipes.listed(by=desk.rep)
    assert made.title == gallery.ready()[0].title


# -- cards --------------------------------------------------------------------------------------------------------------------------------


def test_a_recipe_is_written_from_nothing_and_its_title_names_it(desk: Staff) -> None:
    app = opened(desk.rep, "automations")
    press(app, "New recipe")
    field(app, "Title").set_value("Praise is passed on")
    drawn(field(app, "Add a step").set_value("tag").run())
    drawn(field(app, "Tag").set_value("praise").run())
    field(app, "Why").set_value("The team likes to hear it")
    press(app, "Save as version 1")
    (made,) = recipes.listed(by=desk.rep)
    assert (made.name, made.title, made.newest.manifest["why"]) == (
        "praise is passed on",
        "Praise is passed on",
        "The team likes to hear it",
    )
    assert newest(made.name, desk.rep).acts == (Act("tag", "tag", {"tag": "praise"}),)
    assert app.title[0].value == "Praise is passed on" and "Saved as version 1. Nothing runs by it." in words(app)


def test_without_a_title_nothing_is_saved_and_what_was_typed_stays(desk: Staff) -> None:
    app = opened(desk.rep, "automations", begin="new")
    drawn(field(app, "Add a step").set_value("tag").run())
    drawn(field(app, "Tag").set_value("kept").run())
    press(app, "Save as version 1")
    assert "Not saved: the recipe has no title." in words(app) and field(app, "Tag").value == "kept"
    press(app, "All recipes")
    press(app, "Go on with 'the one you began'")
    assert "1 · Tag" in words(app) and field(app, "Tag").value == "kept"


@pytest.mark.parametrize("name", list(STEPS))
def test_every_step_has_a_card_drawn_from_what_it_declares(desk: Staff, name: str) -> None:
    app = opened(desk.rep, "automations", begin="new")
    drawn(field(app, "Add a step").set_value(name).run())
    declaration = STEPS[name].declaration
    assert f"1 · {declaration.title}" in words(app) and declaration.explanation in words(app)
    shown = {one.label.removesuffix(" (may be left empty)")
             for kind in (app.text_input, app.text_area, app.selectbox) for one in kind}  # fmt: skip
    assert {one.title for one in declaration.inputs} <= shown
    check_words_only(app)


def test_what_is_known_at_a_step_is_offered_and_filled_in(desk: Staff) -> None:
    app = opened(desk.rep, "automations", begin="new")
    drawn(field(app, "Add a step").set_value("look up order").run())
    drawn(field(app, "Add a step").set_value("draft reply").run())
    offered = field(app, "Fill in: Text")
    assert "the order's total" in offered.options and "the conversation's subject · may be missing" in offered.options
    assert "the draft reply's text" not in offered.options
    field(app, "Text").set_value("It costs")
    drawn(field(app, "Fill in: Text").set_value("order.total").run())
    assert field(app, "Text").value == "It costs {{order.total}}"
    offered = field(app, "Fill in: Order number")  # of the first step: nothing came before it
    assert "the order's total" not in offered.options


def test_cards_are_moved_doubled_taken_out_and_put_back(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    told = words(app)
    assert "1 · Tag" in told and "1, else 1 · Hand over" in told and "2 · Route" in told
    press(app, "Move down")
    assert "1 · Route" in words(app) and "2, else 1 · Hand over" in words(app)
    press(app, "Remove", 1)
    assert "2 · Tag" not in words(app)
    press(app, "Put 'Tag' back")
    press(app, "Duplicate", 1)
    told = words(app)
    assert "2 · Tag" in told and "3 · Tag" in told and "3, else 1 · Hand over" in told
    press(app, "Save as version 2")
    made = newest("late parcels", desk.rep)
    assert [(act.name, [inner.name for inner in act.otherwise]) for act in made.acts] == [
        ("sent", []), ("marked", ["person"]), ("marked_2", ["person_2"])
    ]  # fmt: skip


def test_a_condition_is_built_from_rows_and_one_that_is_not_finished_is_not_saved(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    press(app, "Another line")
    assert "A line of its condition is not finished." in words(app)
    drawn(field(app, "Value", 1).set_value("conversation.subject").run())
    drawn(field(app, "Comparison", 1).set_value("is one of").run())
    drawn(field(app, "Compared with", 1).set_value("late, lost").run())
    drawn(app.segmented_control[1].set_value("any").run())
    press(app, "Save as version 2")
    assert newest("late parcels", desk.rep).acts[0].when == {
        "any": [{"message.text": {"contains": "late"}}, {"conversation.subject": {"is one of": ["late", "lost"]}}]
    }


def test_half_a_comparison_is_refused_by_its_place(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    press(app, "Another line")
    drawn(field(app, "Later steps call it").set_value("marked_so").run())
    press(app, "Save as version 2")
    assert "Not saved: a line of the condition of step 1 is not finished." in words(app)
    assert field(app, "Later steps call it").value == "marked_so"


def test_what_is_wrong_stands_at_its_card_and_a_draft_may_be_saved_with_it(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    assert "Nothing is missing" in words(app)
    edit(app, 1)
    drawn(field(app, "Tag").set_value("").run())
    assert "The tag is missing." in words(app) and "1 thing is to be mended" in words(app)
    press(app, "Save as version 2")
    assert newest("late parcels", desk.rep).acts[0].given == {}


def test_when_it_begins_and_how_far_it_may_go_are_set(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 0)
    drawn(field(app, "It begins when").set_value("button").run())
    drawn(field(app, "On the button stands").set_value("Mark it").run())
    field(app, "Money per run").set_value(20.0)
    field(app, "Currency").set_value("eur")
    field(app, "Without asking it may").set_value(["tag", "route"])
    drawn(field(app, "People who say yes").set_value(2).run())
    press(app, "Save as version 2")
    made = newest("late parcels", desk.rep)
    assert made.trigger == Trigger("button", button="Mark it")
    assert made.limits == Limits(Decimal("20.00"), None, 50, "EUR") and made.alone == Alone(changes=("tag", "route"), approvers=2)


def test_a_colleague_s_newer_version_is_not_written_over(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    drawn(field(app, "Tag").set_value("mine").run())
    kept(desk.lead, replace(TAGGED, title="Theirs"), based_on=1)
    press(app, "Save as version 2")
    assert "Not saved: somebody saved version 2 while you edited version 1." in words(app) and field(app, "Tag").value == "mine"
    press(app, "I have seen it: save mine after it")
    press(app, "Save as version 3")
    made = newest("late parcels", desk.rep)
    assert made.acts[0].given == {"tag": "mine"} and made.title == TAGGED.title


def test_as_a_file_it_is_changed_whole_and_a_deeper_condition_is_read_on_its_card(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels", tab="file")
    deeper = {"any": [{"message.text": "is known"}, {"not": {"message.text": {"contains": "x"}}}]}
    text = reading.written(replace(TAGGED, when=deeper))
    drawn(field(app, "The recipe").set_value(text.replace("title:", "titel:")).run())
    press(app, "Take it over")
    assert "there is no field 'titel'" in words(app) and "titel:" in field(app, "The recipe").value
    drawn(field(app, "The recipe").set_value(text).run())
    press(app, "Take it over")
    drawn(app.segmented_control[0].set_value("steps").run())
    press(app, "Edit")
    assert "it is not so that the message's text contains 'x'" in words(app) and "Take it away" in labels_of(app)
    press(app, "Save as version 2")
    assert newest("late parcels", desk.rep).when == deeper


def test_what_is_not_saved_is_marked_in_the_list_stays_and_can_be_let_go(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    drawn(field(app, "Tag").set_value("other").run())
    press(app, "All recipes")
    assert list(app.dataframe[0].value["State"]) == ["draft 1, not saved yet"]
    app.query_params["recipe"] = "late parcels"
    drawn(app.run())
    assert field(app, "Tag").value == "other"
    press(app, "Let it go")
    assert "tag: late" in words(app) and "Let it go" not in labels_of(app)


def test_two_recipes_that_were_begun_do_not_write_over_each_other(desk: Staff) -> None:
    first, second = comes("My parcel is late", "I like it")
    app = opened(desk.rep, "automations", begin="new", **{"from": first})
    drawn(field(app, "Title").set_value("From the first").run())
    app.query_params["from"] = second
    drawn(app.run())
    assert field(app, "Title").value != "From the first" and field(app, "Conversation").options[0] == "I like it"
    app.query_params["from"] = first
    drawn(app.run())
    assert field(app, "Title").value == "From the first"


# -- on a conversation --------------------------------------------------------------------------------------------------------------------


def test_each_card_shows_what_it_does_on_a_conversation_and_nothing_leaves(desk: Staff) -> None:
    comes("My parcel is late", "I like it")
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    drawn(field(app, "Try it on a conversation").set_value("late").run())
    told = words(app)
    assert "It would do 2 things, 1 of them after a person's yes." in told
    assert "would be done" in told and "needs a yes" in told and "Tag the conversation 'late'" in told and "not reached" in told
    drawn(field(app, "Try it on a conversation").set_value("like").run())
    told = words(app)
    assert "does not hold: the message's text contains 'late'" in told and "hand over to a person" in told


def test_what_is_typed_changes_what_it_comes_to(desk: Staff) -> None:
    comes("My parcel is late")
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    drawn(field(app, "Tag").set_value("very late").run())
    assert "Tag the conversation 'very late'" in words(app)
    drawn(field(app, "Tag").set_value("{{nothing.here}}").run())
    told = words(app)
    assert "nothing gives 'nothing.here' here." in told and "Tag the conversation" not in told


def test_a_conversation_is_found_by_its_address_and_never_another_team_s(desk: Staff) -> None:
    mine, other = comes("Where is it?")[0], comes("Not yours", "And late", team="Fern")[1]
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    drawn(field(app, "Try it on a conversation").set_value(f"http://portal.example/conversation?conversation={mine}").run())
    assert field(app, "Conversation").options == ["Where is it?"]
    drawn(field(app, "Try it on a conversation").set_value(f"http://portal.example/conversation?conversation={other}").run())
    assert "No conversation fits." in words(app)


def test_the_conversation_that_it_was_begun_from_comes_first(desk: Staff) -> None:
    first, *_ = comes("The first one", "The second one", "The third one")
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels", **{"from": first})
    assert field(app, "Conversation").options[0] == "The first one"


def test_without_a_conversation_the_cards_are_there_all_the_same(desk: Staff) -> None:
    kept(desk.rep)
    told = words(opened(desk.rep, "automations", recipe="late parcels"))
    assert "No conversation is here that it could be tried on." in told and "1 · Tag" in told


# -- versions, picture, backtest ----------------------------------------------------------------------------------------------------------


def test_versions_tell_what_changed_and_an_older_one_is_taken_as_a_new_draft(desk: Staff) -> None:
    kept(desk.lead)
    kept(desk.rep, replace(TAGGED, limits=Limits(runs_per_day=5)), why="It was too often", based_on=1)
    app = opened(desk.rep, "automations", recipe="late parcels", tab="versions")
    told = words(app)
    assert "Runs per day: 5 instead of 50" in told and "It was too often" in told and "Leo" in told and "Rita" in told
    press(app, "Look at it")
    assert "This is version 1. The newest is 2." in words(app) and "Save as version" not in labels_of(app)
    press(app, "Take it as a new draft")
    press(app, "Save as version 3")
    assert newest("late parcels", desk.rep) == TAGGED


def test_the_picture_shows_the_way_with_its_branches(desk: Staff) -> None:
    kept(desk.rep)
    for person in (desk.rep, desk.admin):
        told = words(opened(person, "automations", recipe="late parcels", tab="picture"))
        assert "When a conversation arrives" in told and "If the message's text contains 'late'" in told and "Otherwise" in told
        assert "1, else 1 · Hand over" in told and "At most 50 runs per day" in told and "Alone it may do tag" in told


def test_who_may_not_change_recipes_reads_them_and_has_no_dead_buttons(desk: Staff) -> None:
    kept(desk.rep)
    kept(desk.rep, replace(TAGGED, what="Again"), based_on=1)
    for tab in ("steps", "file", "picture", "backtest", "versions"):  # the first two are not theirs
        told = labels_of(opened(desk.admin, "automations", recipe="late parcels", tab=tab))
        for absent in ("Save as", "Edit", "Take it as a new draft", "Backtest on the last", "Remove"):
            assert absent not in told, (tab, absent)
    assert "Look at it" in labels_of(opened(desk.admin, "automations", recipe="late parcels", tab="versions"))
    assert "Edit" in labels_of(opened(desk.rep, "automations", recipe="late parcels"))  # the control


def test_a_backtest_is_started_followed_and_read(desk: Staff) -> None:
    comes("My parcel is late", "I like it", "It is late again")
    drafted = Act("draft reply", "words", {"text": "It is on its way."}, when={"message.text": {"contains": "late"}})
    kept(desk.rep, replace(TAGGED, acts=(drafted, Act("route", "sent", {"team": "Oak"})), alone=Alone(changes=("draft reply", "route"))))
    app = opened(desk.rep, "automations", recipe="late parcels", tab="backtest")
    assert "Version 1 was not backtested yet." in words(app)
    press(app, "Backtest on the last 500")
    assert "Backtest on the last 500" not in labels_of(app)  # it runs
    jobs.run_waiting()
    (job,) = [one for one in tasks.recent(by=desk.rep) if one.name == "backtest"]
    assert job.state == "done", job.error
    app = opened(desk.rep, "automations", recipe="late parcels", tab="backtest")
    study = backtest.newest(Target("recipe", "late parcels", 1), by=desk.rep)
    assert study is not None and study.told["sentence"].replace("\xa0", " ") in words(app)
    assert study.told["covers"] == [2, 3] and "67 %" in words(app) and "n = 3" in words(app)
    assert list(app.dataframe[0].value["The recipe"]) == ["goes through"] * 3
    check_words_only(app)


def test_a_backtest_is_of_what_was_saved(desk: Staff) -> None:
    kept(desk.rep)
    app = opened(desk.rep, "automations", recipe="late parcels")
    edit(app, 1)
    drawn(field(app, "Tag").set_value("other").run())
    drawn(app.segmented_control[0].set_value("backtest").run())
    assert "It looks at version 1 as it was saved. What was changed since is not in it." in words(app)


# -- hostile ------------------------------------------------------------------------------------------------------------------------------


def hostile(acts: Sequence[Act] = ()) -> Recipe:
    made = Act("tag", "marked", {"tag": HOSTILE}, when={"message.text": {"contains": HOSTILE}}, otherwise=(Act(HOSTILE[:60], "odd"),))
    return Recipe("odd", HOSTILE, HOSTILE, Trigger("intent", HOSTILE, Decimal("0.5")), acts=(made, *acts))


@pytest.mark.parametrize("tab", ["steps", "picture", "backtest", "versions", "file"])
def test_what_people_wrote_is_shown_as_text(desk: Staff, tab: str) -> None:
    comes(HOSTILE)
    kept(desk.rep, hostile(), why=HOSTILE)
    kept(desk.rep, replace(hostile(), language="de"), why=HOSTILE, based_on=1)
    app = opened(desk.rep, "automations", recipe="odd", tab=tab)
    told = [*app.markdown, *app.caption, *app.title, *app.info, *app.warning, *app.error]
    drawn_as = [*(str(part.value) for part in told), *(one.label for one in (*app.button, *app.expander))]
    assert not [one for one in drawn_as if re.search(r"(?<!\\)(<img|\*\*bold|:red\[|\$x|\]\()", one)]
    assert app.title[0].value.replace("\\", "").replace("\u2060", "") == HOSTILE


def test_what_is_only_looked_at_is_not_changed_whatever_stands_in_it(desk: Staff) -> None:
    """Also what no field would let anybody type: a draft may hold it."""
    odd = replace(
        TAGGED, title="T" * 200, what="One.\n\nTwo. ", language="Klingon, old", channels=("chat", "pigeon"),
        alone=Alone(Decimal("0.125"), ("x",), 7),
        trigger=Trigger("intent", "Gone", Decimal(2)), limits=Limits(Decimal("0.005"), Decimal(3), 5, " euro"),
        acts=(Act("tag", "a b", {"tag": "x" * 700, "more": 1}, when={"message.text": {"contains": "y" * 700}}),
              Act("gone", "z", {"a": [1]})),
    )  # fmt: skip
    kept(desk.rep, odd)
    app = opened(desk.rep, "automations", recipe="late parcels")
    for _ in range(3):
        press(app, "Edit")
    assert "Let it go" not in labels_of(app) and [one.disabled for one in app.button if one.label == "Save as version 2"] == [True]
    drawn(field(app, "Title").set_value("Short").run())
    press(app, "Save as version 2")
    assert newest("late parcels", desk.rep) == replace(odd, title="Short")
