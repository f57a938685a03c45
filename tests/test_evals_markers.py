"""What is drawn as a mark in time, and what each mark can have touched."""

from datetime import UTC, date, datetime, timedelta

import pytest

from classifiers import labels
from data import audit, notes, releases, settings, store, versions
from data.errors import Denied
from data.tables import Person, Release, Setting
from data.values import Target
from evals import markers, monitors
from evals.causes import Began, candidates
from tests.conftest import Staff
from tests.test_evals_monitors import NOW, SATISFIED, fallen, look

DAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
SINCE, UNTIL = date(2026, 3, 1), date(2026, 3, 20)
REFUNDS = {"name": "refunds", "trigger": {"kind": "intent", "intent": "Refund"}, "channels": ["chat"]}


def collected(by: Person, since: date = SINCE, until: date = UNTIL) -> list[tuple[str, str]]:
    return [(one.kind, one.words) for one in markers.collected(by=by, since=since, until=until)]


def recipe(staff: Staff, name: str = "refunds") -> Target:
    with store.writing() as db:
        made = versions.add(db, "recipe", name, by=staff.lead, manifest={}, body=REFUNDS | {"name": name})
        return versions.target_of(made)


def live(staff: Staff, target: Target, at: datetime, before: str = "followed by the next") -> Release:
    with store.writing() as db:
        return releases.go_live(db, target, proposal_id=None, why_before_ends=before, by=staff.lead, at=at)


def test_a_release_for_some_then_for_all_is_two_marks_that_touch_its_intent_and_channel(staff: Staff) -> None:
    refund = labels.add("Refund", description="Money back.", by=staff.lead)
    target = recipe(staff)
    with store.writing() as db:
        begun = releases.begin(db, target, proposal_id=None, by_itself=False, by=staff.lead, at=DAY)
    assert collected(staff.lead) == [], "nobody notices what runs beside"
    with store.writing() as db:
        for day, percent in ((1, 10), (2, 50)):
            releases.widen(db, db.get_one(Release, begun.id), percent, why="It holds.", by=staff.lead, at=DAY + timedelta(days=day))
    live(staff, target, DAY + timedelta(days=5))
    assert collected(staff.lead) == [
        ("percent", "release 1 of 'refunds' began for some of the customers"), ("release", "release 1 of 'refunds' went live"),
    ]  # fmt: skip
    some, _ = found = markers.collected(by=staff.lead, since=SINCE, until=UNTIL)
    assert {one.page for one in found} == {"automations?recipe=refunds"} and some.at == DAY + timedelta(days=1)
    assert [one.touches for one in found] == [{"intent": frozenset({refund.id}), "channel": frozenset({"chat"})}] * 2


def test_what_was_taken_back_is_one_mark_and_what_came_back_none(staff: Staff) -> None:
    first, second = recipe(staff), recipe(staff)
    live(staff, first, DAY)
    live(staff, second, DAY + timedelta(days=1))
    live(staff, first, DAY + timedelta(days=3), before="rolled back: it answered nonsense")
    live(staff, recipe(staff), DAY + timedelta(days=4), before="followed by the next")
    assert collected(staff.lead) == [
        ("release", "release 1 of 'refunds' went live"), ("release", "release 2 of 'refunds' went live"),
        ("taken back", "release 2 of 'refunds' was taken back"), ("release", "release 3 of 'refunds' went live"),
    ]  # fmt: skip


def test_what_went_back_by_itself_is_an_incident(staff: Staff) -> None:
    for number, by in enumerate((None, staff.lead)):
        target = recipe(staff, f"number-{number}")
        with store.writing() as db:
            begun = releases.begin(db, target, proposal_id=None, by_itself=True, by=staff.lead, at=DAY)
            releases.widen(db, begun, 10, why="It holds.", by=staff.lead, at=DAY + timedelta(hours=1))
            releases.stop(db, begun, why="It harms.", by=by, at=DAY + timedelta(hours=2 + number))
    assert collected(staff.lead)[2:] == [
        ("incident", "release 1 of 'number-0' was taken back by itself"), ("taken back", "release 1 of 'number-1' was taken back"),
    ]  # fmt: skip


def test_a_release_that_is_for_another_team_alone_is_not_told(staff: Staff) -> None:
    target = recipe(staff)
    with store.writing() as db:
        begun = releases.begin(
            db, target, proposal_id=None, by_itself=False, by=staff.lead, at=DAY, audience={"team": [staff.fern.id], "channel": ["email"]}
        )
        releases.widen(db, begun, 10, why="It holds.", by=staff.lead, at=DAY)
    assert collected(staff.rep) == [] and len(collected(staff.other)) == len(collected(staff.engineer)) == 1
    [one] = markers.collected(by=staff.other, since=SINCE, until=UNTIL)
    assert one.touches == {"channel": frozenset(), "team": frozenset({staff.fern.id})}, "its recipe is for chats, its audience for e-mail"


def test_articles_that_came_at_once_are_one_mark(staff: Staff) -> None:
    with store.writing() as db:
        made = [versions.target_of(versions.add(db, "article", name, by=staff.lead, manifest={}, body={"title": name})) for name in "abc"]
    for place, target in enumerate(made):
        live(staff, target, DAY + timedelta(days=place // 2))
    assert collected(staff.lead) == [("articles", "2 articles were published"), ("article", "the article 'c' was published")]


def test_a_rule_that_changed_touches_the_intents_it_names(staff: Staff) -> None:
    line = {"may": "never", "judgement": False, "note": ""}
    others = {"others": {"may": "alone"}, "unknown": {"may": "alone"}}
    with store.writing() as db:
        for number, intents in enumerate(({"a": line}, {"a": line, "b": line})):
            db.add(Setting(name="policy", number=number + 1, value={"intents": intents, **others}, at=DAY + timedelta(days=number)))
        db.add(Setting(name="policy", number=3, value={"intents": {}, "others": {"may": "never"}}, at=DAY + timedelta(days=3)))
        db.add(Setting(name="rubric", number=1, value={}, at=DAY))
    assert settings.history("policy")[0].number == 3
    found = markers.collected(by=staff.lead, since=SINCE, until=UNTIL)
    assert [(one.kind, one.number, one.touches) for one in found] == [
        ("policy", 1, {"intent": frozenset({"a"})}), ("policy", 2, {"intent": frozenset({"b"})}), ("policy", 3, None),
    ]  # fmt: skip


def test_notes_and_alerts_are_marks_of_their_own_and_an_alert_causes_nothing(staff: Staff) -> None:
    fallen()
    monitors.make("Chat", SATISFIED, why="We promised it.", by=staff.engineer, at=NOW)
    look()
    notes.write("The shop was down.", kind="incident", happened_at=NOW, by=staff.lead)
    notes.write("A sale began.", happened_at=NOW + timedelta(minutes=1), by=staff.lead)
    found = markers.collected(by=staff.engineer, since=SINCE, until=UNTIL)
    assert sorted(one.kind for one in found) == ["alert", "incident", "note"]
    [alert] = [one for one in found if one.kind == "alert"]
    assert alert.touches == {"channel": frozenset({"chat"})} and alert.page.startswith("monitors?monitor=")
    assert [one.name for one in markers.may_cause(found)] == ["The shop was down."]
    began = Began(NOW.date(), NOW.date(), NOW.date())
    assert [one.marker.kind for one in candidates(markers.may_cause(found), {"channel": "chat"}, began)] == ["incident"]
    assert [one.kind for one in markers.collected(by=staff.other, since=SINCE, until=UNTIL)] == [], "neither is of their team"


def test_days_begin_in_the_portals_time_zone_and_what_lies_outside_is_left_out(staff: Staff) -> None:
    target = recipe(staff)
    live(staff, target, datetime(2026, 2, 28, 23, 30, tzinfo=UTC))  # in Berlin it is the first of March
    assert len(collected(staff.lead, SINCE, SINCE)) == 1
    assert collected(staff.lead, date(2026, 2, 28), date(2026, 2, 28)) == collected(staff.lead, date(2026, 3, 2), UNTIL) == []


def test_who_reads_no_dashboards_sees_no_marks(staff: Staff) -> None:
    with pytest.raises(Denied):
        markers.collected(by=Person(name="x", email="x@example.com", role="none"), since=SINCE, until=UNTIL)
    assert audit.head()
