"""The list of conversations: views are kept, opened by their address and forgotten; filters go one by one; it leaves as a file."""

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from data import conversations, downloads, people, store, views
from data.conversations import Filter
from data.intake import door
from data.measures import next_week, week_of
from data.tables import Person, Ticket
from data.values import now
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_screens import button, open_screen, sit_down, words

WEEK = week_of(now())


@pytest.fixture
def desk(sqlite_home) -> Staff:
    staff = hire()
    wanted = [
        canonical(number, team="Fern" if number % 7 == 0 else "Oak", channel=("chat", "email", "voice")[number % 3], opened_at=WEEK)
        for number in range(1, 31)
    ]
    door.receive(wanted, by=people.console(), classify=False)
    return staff


def count_of(found: Filter, by: Person) -> str:
    count = conversations.counted(found, by=by)
    return f"{count} conversation{'' if count == 1 else 's'}"


def field(app: AppTest, key: str):
    return next(one for one in [*app.text_input, *app.selectbox, *app.checkbox] if one.key == key)


def name_field(app: AppTest):
    """Of the view that is to be saved."""
    return field(app, "conversations_new_name")


def labels_of(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


@pytest.mark.parametrize(
    "found",
    [
        Filter(channel="email"), Filter(words='refund -"too late"', reviewed=False), Filter(agreed=False, channel="voice", intent="none"),
        Filter(channel="chat", since=WEEK, until=next_week(WEEK)), Filter(words="please", since=WEEK), Filter(version=3),
        Filter(until=next_week(WEEK)),
    ],
)  # fmt: skip
def test_a_views_address_opens_it_exactly(desk: Staff, found: Filter) -> None:
    view = views.save("Mine", found, by=desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id)
    shown = words(app)
    assert count_of(found, desk.rep) in shown
    assert field(app, "conversations_view").value == view.id and not any("Back" in one for one in labels_of(app))
    assert (field(app, "words").value, field(app, "channel").value) == (
        found.words, {"email": "E-mail", "voice": "Voice", "chat": "Chat", None: None}[found.channel],
    )  # fmt: skip
    told = app.query_params
    assert told["view"] == view.id
    for name in ("words", "channel"):
        assert (name in told) == bool(getattr(found, name)), told


def test_each_sees_their_own_reach_through_a_shared_view(desk: Staff) -> None:
    found = Filter(words="please")
    view = views.save("Ours", found, by=desk.rep, shared=True)
    said = [count_of(found, person) for person in (desk.lead, desk.engineer)]
    assert said[0] != said[1]
    assert [told in words(open_screen(sit_down(person), "conversations", view=view.id))
            for told, person in zip(said, (desk.lead, desk.engineer), strict=True)] == [True, True]  # fmt: skip
    for person, address in ((desk.other, view.id), (desk.rep, "no such view")):
        shown = words(open_screen(sit_down(person), "conversations", view=address))
        assert "That view is not here, or it belongs to somebody else." in shown and count_of(Filter(), person) in shown


def test_a_view_is_saved_from_the_page_and_opened_again(desk: Staff) -> None:
    app = open_screen(sit_down(desk.rep), "conversations", channel="Chat")
    assert not [one for one in app.selectbox if one.key == "conversations_view"]  # there is none yet
    name_field(app).set_value("Our chats")
    next(one for one in app.checkbox if one.label.startswith("Share it with")).set_value(True)
    button(app, "Save view").click().run()
    assert not app.exception
    (view,) = views.of(by=desk.lead)
    assert (view.name, views.filter_of(view), view.team_id) == ("Our chats", Filter(channel="chat"), desk.oak.id)
    assert field(app, "conversations_view").value == view.id and field(app, "channel").value == "Chat"
    assert f"conversations?view={view.id}" in app.code[0].value

    app = open_screen(sit_down(desk.lead), "conversations")
    assert field(app, "conversations_view").options == ["Our chats · Rita"]
    field(app, "conversations_view").set_value(view.id).run()
    assert field(app, "channel").value == "Chat" and count_of(Filter(channel="chat"), desk.lead) in words(app)
    assert app.query_params["view"] == view.id
    field(app, "conversations_view").set_value(None).run()
    assert field(app, "channel").value is None and "view" not in app.query_params


def test_a_refused_name_is_told_and_nothing_is_lost(desk: Staff) -> None:
    views.save("Chats", Filter(), by=desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", channel="Chat")
    name_field(app).set_value("chats")
    button(app, "Save view").click().run()
    assert "you have a view named" in app.error[0].value and field(app, "channel").value == "Chat"
    assert len(views.of(by=desk.rep)) == 1


def test_a_changed_view_says_so_and_is_saved_anew_or_left(desk: Staff) -> None:
    view = views.save("Chats", Filter(channel="chat", words="please"), by=desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id)
    assert "Changed" not in words(app)
    field(app, "state").set_value("Not reviewed").run()
    assert "Changed" in words(app)
    assert [app.query_params[one] for one in ("view", "channel", "words")] == [view.id, "Chat", "please"]
    button(app, "Back").click().run()
    assert "Changed" not in words(app) and field(app, "state").value is None
    field(app, "state").set_value("Not reviewed").run()
    name_field(app).set_value("Fresh chats")
    button(app, "Save view").click().run()
    assert [one.name for one in views.of(by=desk.rep)] == ["Chats", "Fresh chats"] and "Changed" not in words(app)
    assert views.filter_of(views.of(by=desk.rep)[1]) == Filter(channel="chat", words="please", reviewed=False)


def test_a_changed_address_is_reproduced_as_it_was_changed(desk: Staff) -> None:
    view = views.save("Chats", Filter(channel="chat", words="please"), by=desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id, channel="Voice")
    assert "Changed" in words(app) and (field(app, "channel").value, field(app, "words").value) == ("Voice", "")


def test_filters_are_taken_away_one_by_one_with_the_count_of_what_is_left(desk: Staff) -> None:
    app = open_screen(sit_down(desk.rep), "conversations", channel="Chat", words="please", week=WEEK.isoformat(), version="2")
    assert "0 conversations" in words(app)
    button(app, "Version 2").click().run()
    week = {"since": WEEK, "until": next_week(WEEK)}
    assert count_of(Filter(channel="chat", words="please", **week), desk.rep) in words(app) and "version" not in app.query_params
    button(app, "Week of").click().run()
    button(app, "“please”").click().run()
    assert field(app, "words").value == "" and count_of(Filter(channel="chat"), desk.rep) in words(app)
    button(app, "Chat").click().run()
    assert count_of(Filter(), desk.rep) in words(app) and field(app, "channel").value is None
    assert not app.query_params


def test_the_last_filter_of_a_view_can_be_taken_away(desk: Staff) -> None:
    view = views.save("Chats", Filter(channel="chat"), by=desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id)
    button(app, "Chat").click().run()
    assert field(app, "channel").value is None and field(app, "conversations_view").value is None
    assert "view" not in app.query_params and count_of(Filter(), desk.rep) in words(app)


def test_a_view_is_renamed_and_forgotten_by_who_may(desk: Staff) -> None:
    view = views.save("Chats", Filter(channel="chat"), by=desk.rep, shared=True)
    app = open_screen(sit_down(desk.engineer), "conversations", view=view.id)
    assert not {"Rename view", "Forget view"} & set(labels_of(app))
    app = open_screen(sit_down(desk.lead), "conversations", view=view.id)
    assert "Rename view" not in labels_of(app) and "Forget view" in labels_of(app)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id)
    field(app, f"conversations_name_{view.id}").set_value("Our chats")
    button(app, "Rename view").click().run()
    assert [one.name for one in views.of(by=desk.rep)] == ["Our chats"] and not app.exception
    button(app, "Forget view").click().run()
    assert views.of(by=desk.rep) == [] and not app.exception and "view" not in app.query_params


def test_the_list_leaves_as_a_file_for_one_ticket(desk: Staff) -> None:
    assert "Download as CSV" not in labels_of(open_screen(sit_down(desk.admin), "conversations"))
    app = open_screen(sit_down(desk.rep), "conversations", channel="Chat")
    button(app, "Download as CSV").click().run()
    assert not app.exception and not app.error
    with store.reading() as db:
        (ticket,) = [one for one in db.exec(select(Ticket)) if one.purpose == "download"]
    assert ticket.names["right"] == "conversation.export" and ticket.person_id == desk.rep.id
    assert (downloads.config.folder("exports") / ticket.names["key"]).read_text().count("\n") - 1 == conversations.counted(
        Filter(channel="chat"), by=desk.rep
    )
