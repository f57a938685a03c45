"""The bar above a list: it counts before anything happens, names the act and the number, and what was done can be taken back."""

from typing import Any

import pytest
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import approvals, conversations, examples, inbox, people, reviews, sessions, undo
from data.conversations import Filter
from data.intake import door
from data.tables import Person
from evals import sets
from portal import together
from tests.browser import settled
from tests.conftest import Staff, hire, let_go
from tests.conversations import canonical
from tests.server import serving


def page(person_id: str, ids: list[str], words: str) -> None:
    """A list with nothing but the bar: the lines that somebody chose are given."""
    from data import people
    from data.conversations import Filter
    from portal import acts, together

    by = people.get(person_id)
    acts.show_notice()
    begun_anew = together.key() != "0"
    chosen = ids if not begun_anew or together.table(ids, by=by)["selection_default"]["selection"]["rows"] else []
    together.bar(ids, chosen, Filter(words=words), by=by)


def open_bar(by: Person, ids: list[str], panel: str = "", words: str = "") -> AppTest:
    app = AppTest.from_function(page, args=(by.id, ids, words), default_timeout=90).run()
    assert not app.exception, app.exception[0].message
    return opened(app, panel) if panel else app


def opened(app: AppTest, panel: str) -> AppTest:
    app.session_state[f"together_{panel}"] = True
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def chosen_in(app: AppTest, key: str, name: str) -> AppTest:
    box = app.selectbox(key=key)
    (place,) = [place for place, told in enumerate(box.options) if told == name]
    box.select_index(place).run()
    assert not app.exception, app.exception[0].message
    return app


def words_of(app: AppTest) -> str:
    return "\n".join(str(part.value).replace("\\", "") for kind in (app.markdown, app.caption, app.toast, app.error) for part in kind)


def buttons(app: AppTest) -> list[str]:
    return [one.label.replace("\\", "") for one in app.button]


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def arrive(count: int, first: int = 1) -> list[str]:
    numbers = range(first, first + count)
    return door.receive([canonical(number, team="Oak") for number in numbers], by=people.console(), classify=False).ids


def test_label_counts_first_names_the_act_and_is_taken_back(desk: Staff) -> None:
    refund = labels.add("Refund", by=desk.lead)
    ids = arrive(4)
    reviews.record(ids[0], "strong", label_id=refund.id, by=desk.lead)
    app = chosen_in(open_bar(desk.rep, ids, "label"), "together_intent", "Refund")
    assert "3 of 4 conversations would get the intent Refund. Left alone: 1 with this intent already." in words_of(app)
    assert words_of(app).count("no intent yet → Refund") == 3
    assert reviews.mine(ids[1], by=desk.rep) is None  # nothing has happened yet
    assert "Label 3 as Refund" in buttons(app)
    app.button(key="together_do").click().run()
    assert "Labelled 3 conversations as Refund." in words_of(app)
    assert buttons(app) == ["Choose these 4 (X)"]
    assert {said.label_id for made in ids for said in reviews.of_conversation(made, by=desk.rep)} == {refund.id}
    undo.last(by=desk.rep)
    assert [bool(reviews.of_conversation(made, by=desk.rep)) for made in ids] == [True, False, False, False]


def test_all_that_fit_are_chosen_and_more_than_fifty_are_proposed(desk: Staff) -> None:
    labels.add("Refund", by=desk.lead)
    ids = arrive(53)
    app = open_bar(desk.rep, ids[:2])
    assert "2 chosen" in words_of(app) and "Choose all 53 that fit" in buttons(app)
    app.button(key="together_choose_all").click().run()
    assert "All 53 that fit are chosen" in words_of(app)
    chosen_in(opened(app, "label"), "together_intent", "Refund")
    assert "Propose to label 53 as Refund" in buttons(app) and "need a second person" in app.text_input(key="together_why_label").label
    app.button(key="together_do").click().run()
    assert "say in a sentence why" in words_of(app) and approvals.waiting(by=desk.lead) == []
    app.text_input(key="together_why_label").set_value("All ask for money.").run()
    app.button(key="together_do").click().run()
    assert "Proposed to label 53 conversations as Refund. It waits on Approvals" in words_of(app)
    (waiting,) = approvals.waiting(by=desk.lead)
    assert set(waiting.payload["conversations"]) == set(ids)
    found = conversations.get(ids[0], by=desk.rep)
    assert found is not None and not found[0].reviewed


def test_a_filter_that_is_narrowed_has_nothing_chosen_any_more(desk: Staff) -> None:
    arrive(3)

    def narrowed(words: str) -> AppTest:
        app = AppTest.from_function(page, args=(desk.rep.id, [], words), default_timeout=90)
        app.session_state["together_all"] = Filter()
        return app.run()

    assert "All 3 that fit are chosen" in words_of(narrowed(""))  # the control
    assert "chosen" not in words_of(narrowed("parcel"))


def test_flags_need_an_intent_and_a_reason(desk: Staff) -> None:
    refund = labels.add("Refund", by=desk.lead)
    ids, eval_set = arrive(3), sets.create("Kept", by=desk.lead)
    for made in ids[:2]:
        reviews.record(made, "weak", label_id=refund.id, by=desk.lead)
    app = open_bar(desk.rep, ids, "flag")
    assert "2 of 3 conversations would become weak examples for 'Kept'. Left alone: 1 without an intent that a person gave." in words_of(
        app
    )
    app.button(key="together_do").click().run()
    assert "say in a sentence why" in words_of(app)
    app.text_input(key="together_why_flag").set_value("Nobody answered.").run()
    app.button(key="together_do").click().run()
    assert "Flagged 2 conversations as weak examples for 'Kept'." in words_of(app)
    assert examples.loose_count(eval_set.id) == 2


def test_a_colleague_is_asked_once(desk: Staff) -> None:
    ids = arrive(3)
    app = chosen_in(open_bar(desk.lead, ids, "assign"), "together_whom", "Rita")
    assert "Ask Rita to look at 3" in buttons(app)
    app.button(key="together_do").click().run()
    assert [item.sentence for item in inbox.of(desk.rep)] == ["Leo asks you to look at 3 conversations."]


def test_each_sees_what_they_may_do(desk: Staff) -> None:
    ids = arrive(2)
    popovers = {}
    for by in (desk.rep, desk.lead, desk.engineer, desk.admin):
        app = open_bar(by, ids)
        popovers[by.role] = [key for key in together.PANELS if key in app.session_state]
    assert popovers == {"rep": list(together.PANELS[:2]), "lead": list(together.PANELS), "engineer": list(together.PANELS), "admin": []}
    assert open_bar(desk.admin, ids).button.values == [] and together.table(ids, by=desk.admin) == {}


def test_x_chooses_what_is_shown_and_lets_go_again(desk: Staff) -> None:
    ids = arrive(2)
    app = open_bar(desk.rep, ids)
    app.button(key="together_select").click().run()
    assert buttons(app) == ["Choose these 2 (X)"]
    app.button(key="together_select").click().run()
    assert "2 chosen" in words_of(app)
    assert app.session_state["together_shown"] == tuple(ids)  # on another page of the list nothing is chosen by it


def test_what_a_name_holds_is_drawn_sign_by_sign(desk: Staff) -> None:
    labels.add("**Re**:red[fund]", by=desk.lead)
    ids = arrive(1)
    app = chosen_in(open_bar(desk.rep, ids, "label"), "together_intent", "**Re**:red[fund]")
    assert app.button(key="together_do").label == r"Label 1 as \*\*Re\*\*\:red\[fund\]"
    assert r"\*\*Re\*\*" in "".join(one.value for one in app.markdown)


def test_in_a_real_list_lines_are_chosen_labelled_and_taken_back_and_one_click_reads_one(sqlite_home: Any, browser: Browser) -> None:
    staff = hire()
    labels.add("Refund", by=staff.lead)
    arrive(30)
    cookie = sessions.start(staff.rep)
    let_go()
    with serving(sqlite_home) as server:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "portal_session", "value": cookie, "url": server.base}])
        page = context.new_page()
        page.goto(f"{server.base}/conversations")
        page.get_by_role("button", name="Choose these 25").wait_for()
        settled(page)
        table = page.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
        assert table is not None
        page.mouse.click(table["x"] + 16, table["y"] + 50)
        page.get_by_text("1 chosen").wait_for()
        page.get_by_role("button", name="Choose none").click()
        page.get_by_role("button", name="Choose these 25").wait_for()
        settled(page)
        page.keyboard.press("x")
        page.get_by_text("25 chosen").wait_for()
        page.get_by_role("button", name="Label…").click()
        page.get_by_role("combobox", name="Intent", exact=True).click()
        page.get_by_role("option", name="Refund").click()
        page.get_by_text("25 of 25 conversations would get the intent Refund.").wait_for()
        page.get_by_role("button", name="Label 25 as Refund").click()
        page.get_by_text("Labelled 25 conversations as Refund.").wait_for()
        settled(page)
        with server.inside():
            assert conversations.counted(Filter(reviewed=True), by=staff.rep) == 25
        page.get_by_role("button", name="Undo (U): Labelled 25 conversations as Refund").click()
        page.get_by_text("Taken back: Labelled 25 conversations as Refund.").wait_for()
        with server.inside():
            assert conversations.counted(Filter(reviewed=True), by=staff.rep) == 0
        settled(page)
        page.mouse.click(table["x"] + 56, table["y"] + 50)
        page.wait_for_url("**/conversation?conversation=*")
        page.get_by_role("heading", name="Customer").wait_for()
        context.close()
