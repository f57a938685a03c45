"""A search under a name: kept by one, shared with a team, seen by each within their own reach, and taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from classifiers import labels
from data import access, audit, conversations, deeds, people, store, tokens, undo, views
from data.conversations import Filter
from data.errors import Denied, Refused
from data.intake import door
from data.tables import AuditEntry, Person, View
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical

CHATS = Filter(channel="chat")
WHOLE = Filter(
    channel="email", intent="Refund", words='parcel -"too late" csat<3', since=now() - timedelta(days=9), until=now(), reviewed=False,
    agreed=True, version=4,
)  # fmt: skip


def names(by: Person) -> list[str]:
    return [view.name for view in views.of(by=by)]


@pytest.mark.parametrize("found", [Filter(), CHATS, WHOLE, replace(WHOLE, reviewed=None, version=None), Filter(reviewed=False)])
def test_what_was_kept_is_found_again_exactly(staff: Staff, found: Filter) -> None:
    saved = views.save("Mine", found, by=staff.rep)
    again = views.get(saved.id, by=staff.rep)
    assert again is not None and views.filter_of(again) == found
    assert len(again.query) == sum(getattr(found, name) != getattr(Filter(), name) for name in vars(found))


def test_a_view_shows_what_a_search_for_the_same_shows(staff: Staff) -> None:
    for number in range(1, 13):
        door.receive([canonical(number, team="Oak" if number % 2 else "Fern")], by=people.console())
    saved = views.save("Refunds", Filter(words="refund"), by=staff.lead, shared=True)
    for person in (staff.rep, staff.lead, staff.engineer):
        opened = views.get(saved.id, by=person)
        assert opened is not None
        shown = {row.id for row in conversations.listed(views.filter_of(opened), by=person)}
        assert shown == {row.id for row in conversations.listed(Filter(words="refund"), by=person)} != set()


def test_a_shared_view_narrows_to_the_reach_of_whoever_looks(staff: Staff) -> None:
    oak, fern = (door.receive([canonical(number, team=team)], by=people.console()).ids[0] for number, team in ((1, "Oak"), (2, "Fern")))
    saved = views.save("All of it", Filter(words="please"), by=staff.engineer, shared=False)
    assert {row.id for row in conversations.listed(views.filter_of(saved), by=staff.engineer)} == {oak, fern}
    assert [row.id for row in conversations.listed(views.filter_of(saved), by=staff.rep)] == [oak]


def test_each_has_their_own_and_their_teams(staff: Staff) -> None:
    views.save("b mine", CHATS, by=staff.rep)
    shared = views.save("A ours", CHATS, by=staff.rep, shared=True)
    views.save("leads own", CHATS, by=staff.lead)
    views.save("ferns", CHATS, by=staff.other, shared=True)
    assert (names(staff.rep), names(staff.lead), names(staff.other)) == (["A ours", "b mine"], ["A ours", "leads own"], ["ferns"])
    assert names(staff.engineer) == names(staff.admin) == []
    assert shared.team_id == staff.oak.id


def test_a_strangers_view_is_as_absent_as_none(staff: Staff) -> None:
    private = views.save("mine", CHATS, by=staff.rep)
    shared = views.save("ours", CHATS, by=staff.rep, shared=True)
    everybody = (staff.rep, staff.lead, staff.other, staff.engineer, staff.admin)
    assert [views.get(private.id, by=person) is not None for person in everybody] == [True, False, False, False, False]
    assert [views.get(shared.id, by=person) is not None for person in everybody] == [True, True, False, True, True]
    assert views.get("no such id", by=staff.rep) is None
    with pytest.raises(Denied):
        views.get(shared.id, by=tokens.narrowed(staff.engineer, ["read", "export"]))  # programs keep no views
    nowhere = people.add("Nora", "nora@example.com", access.REP, by=people.console())
    assert views.get(shared.id, by=nowhere) is None and names(nowhere) == []


def test_a_name_is_needed_and_is_ones_own(staff: Staff) -> None:
    for name in ("", "  \0 ", "x" * 81):
        with pytest.raises(Refused, match="1 to 80 characters"):
            views.save(name, CHATS, by=staff.rep)
    views.save("x" * 80, CHATS, by=staff.rep)
    kept = views.save(" Annoyed \n customers\0 ", CHATS, by=staff.rep)
    assert kept.name == "Annoyed customers"
    with pytest.raises(Refused, match="you have a view named 'ANNOYED customers' already"):
        views.save("ANNOYED customers", WHOLE, by=staff.rep)
    views.save("Annoyed customers", WHOLE, by=staff.lead)
    half = views.save("half \ud800 sign", CHATS, by=staff.rep)
    assert half.name == "half sign"


def test_what_is_personal_in_a_name_is_masked_and_in_a_search_refused(staff: Staff) -> None:
    saved = views.save("Card 4111 1111 1111 1111 and jo.doe@example.org, by Rita", CHATS, by=staff.rep)
    assert "4111" not in saved.name and "jo.doe" not in saved.name and "Rita" in saved.name
    for words in ("jo.doe@example.org", '"4111 1111 1111 1111"'):
        with pytest.raises(Refused, match=r"^Not saved: .*masked as conversations come in"):
            views.save("By address", Filter(words=words), by=staff.rep)
    with store.reading() as db:
        assert not [entry for entry in db.exec(select(AuditEntry)) if "4111" in entry.sentence + str(entry.after)]


@pytest.mark.parametrize(
    "words",
    [
        'refund "credit card" -angry', "-angry refun*", "channel:chat language:de status:open", "person:rita tag:vip",
        "reviewed:no flag:weak", "score<0.5 csat<3", "after:2026-03-01 before:2026-04-01", "signal:reopened", "customer:AB12",
        "id:48213377", "source:zendesk id:10023", "order 100-2003-44", "csat<=2 after:2026-03-01T08:00",
    ],
)  # fmt: skip
def test_what_the_search_language_offers_can_be_kept(staff: Staff, words: str) -> None:
    assert views.filter_of(views.save("Kept", Filter(words=words), by=staff.rep)).words == words


@pytest.mark.parametrize(
    ("words", "told"),
    [("colour:red", "there is no 'colour:'"), ("score<much", "a number"), ("...", "holds no word"), ("x " * 400, "500 characters"),
     ("before:soon", "no date"), ("channel:fax", "no channel 'fax'"), ("intent:Nothing", "no intent 'Nothing'"), ("person:?", "person:")],
)  # fmt: skip
def test_what_cannot_be_searched_is_not_kept(staff: Staff, words: str, told: str) -> None:
    labels.add("Refund", by=staff.lead)
    with pytest.raises(Refused, match=r"^Not saved: ") as refused:
        views.save("Never", Filter(words=words), by=staff.rep)
    assert told in str(refused.value) and names(staff.rep) == [] and deeds.last(by=staff.rep) is None


def test_who_is_in_no_team_shares_with_nobody(staff: Staff) -> None:
    with pytest.raises(Refused, match="you are in no team"):
        views.save("Ours", CHATS, by=staff.engineer, shared=True)
    with pytest.raises(Denied):
        views.save("Ours", CHATS, by=people.console())
    assert names(staff.engineer) == []


def test_only_its_keeper_renames_a_view(staff: Staff) -> None:
    saved = views.save("Ours", CHATS, by=staff.rep, shared=True)
    views.save("Other", CHATS, by=staff.rep)
    assert views.rename(saved.id, "ours ", by=staff.rep).name == "ours"
    with pytest.raises(Refused, match="already"):
        views.rename(saved.id, "other", by=staff.rep)
    for person in (staff.lead, staff.other, staff.engineer, staff.admin):
        with pytest.raises(Denied, match="belongs to somebody else"):
            views.rename(saved.id, "Theirs", by=person)
    views.forget(saved.id, by=staff.rep)
    with pytest.raises(Denied, match="not here"):
        views.rename(saved.id, "Again", by=staff.rep)


def test_ones_own_is_forgotten_and_a_shared_one_by_the_teams_lead(staff: Staff) -> None:
    mine, ours = views.save("mine", CHATS, by=staff.rep), views.save("ours", CHATS, by=staff.rep, shared=True)
    for view, strangers in ((mine, (staff.lead, staff.other, staff.engineer)), (ours, (staff.other, staff.engineer, staff.admin))):
        for person in strangers:
            with pytest.raises(Denied, match=r"^Not forgotten\. That view is not here, or it belongs to somebody else\.$"):
                views.forget(view.id, by=person)
    views.forget(ours.id, by=staff.lead)
    assert names(staff.rep) == ["mine"] and views.get(ours.id, by=staff.rep) is None
    views.forget(mine.id, by=staff.rep)
    assert names(staff.rep) == []
    views.save("mine", CHATS, by=staff.rep)  # the name is free again


def test_saving_and_forgetting_are_taken_back(staff: Staff) -> None:
    saved = views.save("Ours", CHATS, by=staff.rep, shared=True)
    views.forget(saved.id, by=staff.rep)
    assert undo.last(by=staff.rep).sentence == "Forgot the view 'Ours'."
    assert names(staff.lead) == ["Ours"]
    assert undo.last(by=staff.rep).sentence == "Saved the view 'Ours'."
    assert names(staff.rep) == names(staff.lead) == []
    assert views.get(saved.id, by=staff.rep) is None


def test_what_a_lead_forgot_only_the_lead_brings_back(staff: Staff) -> None:
    saved = views.save("Ours", CHATS, by=staff.rep, shared=True)
    views.forget(saved.id, by=staff.lead)
    with pytest.raises(Refused, match="'Ours' was forgotten since"):
        undo.last(by=staff.rep)  # taking back the saving would not bring it back
    assert names(staff.rep) == []
    undo.last(by=staff.lead)
    assert names(staff.rep) == ["Ours"]


def test_a_forgotten_view_stays_so_while_another_has_its_name(staff: Staff) -> None:
    saved = views.save("Ours", CHATS, by=staff.rep, shared=True)
    views.forget(saved.id, by=staff.lead)
    views.save("ours", WHOLE, by=staff.rep)
    with pytest.raises(Refused, match="another view is called 'Ours' by now"):
        undo.last(by=staff.lead)
    with store.reading() as db:
        assert len(db.exec(select(View)).all()) == 2
    assert names(staff.rep) == ["ours"]


def test_each_act_stands_in_the_record(staff: Staff) -> None:
    saved = views.save("Ours", CHATS, by=staff.rep, shared=True)
    views.rename(saved.id, "Chats", by=staff.rep)
    views.forget(saved.id, by=staff.lead)
    undo.last(by=staff.lead)
    entries = audit.newest(by=staff.admin, found=audit.Filter(noun="view"))
    assert [(entry.verb, entry.sentence) for entry in reversed(entries)] == [
        ("saved", "Saved the view 'Ours' for the team."), ("renamed", "Renamed the view 'Ours' to 'Chats'."),
        ("forgot", "Forgot the view 'Chats'."), ("brought back", "Brought back the view 'Chats'."),
    ]  # fmt: skip
    assert audit.broken() is None
