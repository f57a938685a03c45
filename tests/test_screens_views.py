"""The list of conversations: views are kept, opened by their address and forgotten; filters go one by one; it leaves as a file."""

from datetime import date, timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from data import behind, conversations, downloads, lists, people, store, together, views
from data.behind import Behind
from data.conversations import Filter
from data.intake import door
from data.measures import next_week, week_of
from data.tables import AuditEntry, Person, Ticket
from data.trends import Slice
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


# -- the conversations behind a mark -------------------------------------------------------------------------------------------------------

LATELY = {"since": WEEK.date() - timedelta(days=1), "until": WEEK.date() + timedelta(days=1)}  # wherever the portal's days begin


def narrowed_to(app: AppTest) -> list[str]:
    return [one.label for one in app.button if (one.key or "").startswith("conversations_without_")]


def test_a_mark_of_a_chart_opens_its_conversations_and_says_in_words_what_they_are(desk: Staff) -> None:
    mark = Behind("volume", **LATELY, of=Slice(channel="chat"))
    found, whole = Filter(behind=mark), count_of(Filter(), desk.rep)
    app = open_screen(sit_down(desk.rep), "conversations", **behind.address(mark))
    shown = words(app)
    assert count_of(found, desk.rep) in shown and whole not in shown and "conversations that customers opened" in shown
    assert narrowed_to(app) == [behind.words(mark)]
    field(app, "words").set_value("please").run()
    assert count_of(Filter(words="please", behind=mark), desk.rep) in words(app) and behind.read(app.query_params) == mark
    button(app, "“please”").click().run()
    button(app, behind.words(mark)).click().run()
    assert whole in words(app) and not behind.names_in(app.query_params) and narrowed_to(app) == []


@pytest.mark.parametrize("forged", [{"behind": "fame"}, {"behind_until": "soon"}, {"behind_team": "x" * 300}, {"behind_x": "1"}])
def test_a_mark_that_there_cannot_be_is_left_out_and_the_rest_still_narrows(desk: Staff, forged: dict[str, str]) -> None:
    mark = Behind("volume", date(2001, 1, 1), date(2001, 1, 2))
    for told, has in ((behind.address(mark), False), (behind.address(mark) | forged, True)):  # the control, and the forged one
        app = open_screen(sit_down(desk.rep), "conversations", channel="Chat", **told)
        assert not app.exception
        assert ("names a mark that no chart has" in words(app)) == has
        assert (count_of(Filter(channel="chat"), desk.rep) in words(app)) == has


def test_another_teams_mark_is_left_out_and_says_why(desk: Staff) -> None:
    mark = Behind("volume", **LATELY, of=Slice(team_id=desk.fern.id))
    shown = words(open_screen(sit_down(desk.rep), "conversations", **behind.address(mark))).replace("\\", "")
    assert "The mark that this address names is left out. Not done: this measure belongs to another team." in shown
    assert count_of(Filter(), desk.rep) in shown
    shown = words(open_screen(sit_down(desk.other), "conversations", **behind.address(mark)))  # the control
    assert count_of(Filter(behind=mark), desk.other) in shown and "left out" not in shown


def test_a_mark_is_kept_as_a_view_and_opened_again(desk: Staff) -> None:
    mark = Behind("volume", **LATELY, of=Slice(channel="email", segment=""))
    app = open_screen(sit_down(desk.rep), "conversations", channel="E-mail", **behind.address(mark))
    name_field(app).set_value("That day's mail")
    button(app, "Save view").click().run()
    (view,) = views.of(by=desk.rep)
    assert views.filter_of(view) == Filter(channel="email", behind=mark)
    app = open_screen(sit_down(desk.rep), "conversations", view=view.id)
    assert count_of(Filter(channel="email", behind=mark), desk.rep) in words(app) and "Changed" not in words(app)
    assert behind.read(app.query_params) == mark
    field(app, "conversations_view").set_value(None).run()
    assert not behind.names_in(app.query_params) and count_of(Filter(), desk.rep) in words(app)


def test_the_file_and_what_is_chosen_are_those_behind_the_mark(desk: Staff) -> None:
    found = Filter(behind=Behind("volume", **LATELY, of=Slice(channel="voice")))
    expected = {row.id for row in conversations.listed(found, by=desk.rep, size=100)}
    assert 0 < len(expected) < conversations.counted(Filter(), by=desk.rep)
    made = lists.as_csv(found, by=desk.rep)
    assert made.rows == len(expected)
    with store.reading() as db:
        assert set(together.chosen(db, found, "review.record", by=desk.rep)) == expected
        (entry,) = [one for one in db.exec(select(AuditEntry)) if one.noun_id == made.key]
    assert entry.after == {"behind": behind.address(found.behind)}  # the record says what was taken
