"""Use cases on both engines: who begins and changes which, what each stage asks for, and that nobody goes into production without it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data import audit, config, people, store, use_case_bars, use_cases
from data.errors import Denied, Refused
from data.tables import Alert, Person, Release, UseCase
from data.use_cases import Link, Step
from tests.conftest import Staff
from tests.use_case_worlds import CLASSIFIER, DAY, KPI, TOLD, begun, build, counted, linked, rated, release, watch

BEGAN = datetime(2026, 3, 30, 12, tzinfo=UTC)
FIVES, THREES = [5] * 25 + [2] * 15, [5] * 36 + [2] * 4


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


def missing(case: UseCase, by: Person, at: datetime) -> list[str]:
    return [bar.name for bar in use_case_bars.of(use_cases.get(case.id, by=by), by=by, at=at).missing]


def change(case: UseCase, by: Person, **told: object) -> UseCase:
    return use_cases.change(case.id, seen=use_cases.get(case.id, by=by).number, by=by, **told)


# -- who ----------------------------------------------------------------------------------------------------------------------------------


def test_a_use_case_is_its_team_s_and_an_engineer_s_is_everybody_s(staff: Staff) -> None:
    mine = use_cases.begin("Change of address", by=staff.rep)
    all_s = use_cases.begin("Lost parcels", by=staff.engineer)
    assert mine.team_id == staff.oak.id and all_s.team_id is None
    assert [one.name for one in use_cases.all_of(by=staff.lead)] == ["Lost parcels", "Change of address"]
    assert [one.name for one in use_cases.all_of(by=staff.other)] == ["Lost parcels"]
    with pytest.raises(Refused, match="another team's"):
        use_cases.get(mine.id, by=staff.other)


def test_nobody_changes_another_team_s_nor_what_is_everybody_s_with_a_right_for_one_team(staff: Staff) -> None:
    mine, all_s = use_cases.begin("Change of address", by=staff.rep), use_cases.begin("Lost parcels", by=staff.engineer)
    for case, by in ((mine, staff.other), (all_s, staff.lead)):
        with pytest.raises(Refused, match="another team's"):
            use_cases.change(case.id, seen=1, by=by, goal="Ours")
    with pytest.raises(Denied, match="may not"):
        use_cases.begin("Mine", by=staff.admin)
    with pytest.raises(Denied, match="may not"):
        use_cases.stop(mine.id, why="No.", by=staff.rep)


def test_who_is_in_no_team_begins_nothing(staff: Staff) -> None:
    loose = people.move(staff.lead.id, None, by=staff.admin)
    with pytest.raises(Refused, match="you are in none"):
        use_cases.begin("Change of address", by=loose)
    assert use_cases.all_of(by=staff.engineer) == []


# -- what it holds ------------------------------------------------------------------------------------------------------------------------


def test_what_is_told_is_kept_masked_and_in_the_record(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead)
    change(case, staff.lead, problem="Mail of jane.doe@example.org lay for days.", before=TOLD["before"], systems=["Shop", " Shop ", ""])
    found = use_cases.get("Change of address", by=staff.lead)
    assert "jane.doe" not in found.problem and found.systems == ["Shop"] and use_cases.minutes_of(found.before) == 5.0
    assert found.number == 2
    told = [one.sentence for one in audit.newest(by=staff.admin, noun="use_case")]
    assert sorted(told) == [
        "Began the use case 'Change of address'.",
        "Changed the use case 'Change of address': problem, before, systems.",
    ]


def test_two_who_change_it_at_once_lose_nothing(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.rep)
    use_cases.change(case.id, seen=1, by=staff.lead, goal="Less waiting")
    with pytest.raises(Refused, match="somebody else changed"):
        use_cases.change(case.id, seen=1, by=staff.rep, goal="More money")
    assert use_cases.get(case.id, by=staff.rep).goal == "Less waiting"


@pytest.mark.parametrize(("told", "why"), [
    ({"name": "ab"}, "3 to 80"), ({"risk": "none"}, "low, medium, high"), ({"kpi": {"measure": "joy", "target": 1}}, "no measure 'joy'"),
    ({"kpi": {"measure": "csat", "target": 80}}, "from 0 to 100 %"),
    ({"kpi": {"measure": "volume", "target": 9}}, "grows with the days"),
    ({"kpi": {"measure": "csat", "intent": "gone"}}, "no such intent"),
    ({"before": [{"what": "", "minutes": 2.0}]}, "step 1"), ({"before": [{"what": "Read", "minutes": 900.0}]}, "480 minutes"),
    ({"before": [{"what": "Read", "who": "fate"}]}, "who does it"), ({"links": [{"kind": "set", "name": "gone"}]}, "no eval set 'gone'"),
    ({"links": [{"kind": "moon", "name": "gone"}]}, "no moon 'gone'"), ({"owner_id": "nobody"}, "works here"),
    ({"colour": "red"}, "no 'colour'"), ({"problem": "x" * 1001}, "1,000 characters"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(told: dict[str, object], why: str, staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead)
    with pytest.raises(Refused, match=why):
        change(case, staff.lead, **told)
    assert use_cases.get(case.id, by=staff.lead).number == 1


def test_a_name_is_given_once(staff: Staff) -> None:
    use_cases.begin("Change of address", by=staff.lead)
    with pytest.raises(Refused, match="already, of your team or another"):
        use_cases.begin("Change of address", by=staff.other)
    other = use_cases.begin("Lost parcels", by=staff.other)
    with pytest.raises(Refused, match="already"):
        change(other, staff.other, name="Change of address")
    assert change(other, staff.other, name="Lost parcels").number == 1  # its own name is no other's


# -- its figures --------------------------------------------------------------------------------------------------------------------------


def test_the_baseline_is_measured_and_goes_with_what_it_measured(staff: Staff) -> None:
    rated(1, BEGAN - 5 * DAY, FIVES)
    rated(100, BEGAN - 5 * DAY, [1] * 10, team="Fern")  # another team's are not counted
    counted(BEGAN)
    case = begun(staff, at=BEGAN)
    use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    kpi = use_cases.kpi_of(use_cases.get(case.id, by=staff.lead))
    assert kpi is not None and kpi.baseline is not None
    assert (kpi.baseline["n"], kpi.baseline["value"], kpi.baseline["until"]) == (40, 25 / 40, "2026-03-29")
    kept = change(case, staff.lead, kpi=KPI | {"target": 0.9})
    assert kept.kpi["baseline"]["n"] == 40 and kept.kpi["target"] == 0.9
    assert change(case, staff.lead, kpi=KPI | {"channel": "chat"}).kpi["baseline"] is None


def test_what_is_measured_stays_once_customers_have_it(staff: Staff) -> None:
    rated(1, BEGAN - 5 * DAY, FIVES)
    counted(BEGAN)
    case = begun(staff, at=BEGAN)
    use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    for _ in range(3):
        use_case_bars.go_on(case.id, why="Later.", by=staff.lead, at=BEGAN)
    with pytest.raises(Refused, match="is in beta, and how another measure stood before it can no longer be found out"):
        change(case, staff.lead, kpi=KPI | {"channel": "chat"})
    with pytest.raises(Refused, match="can no longer be found out"):
        change(case, staff.lead, kpi={})
    assert change(case, staff.lead, kpi=KPI | {"target": 0.9}).kpi["baseline"]["n"] == 40
    use_case_bars.go_back(case.id, why="Chat alone is what we mean.", by=staff.lead, at=BEGAN)
    assert change(case, staff.lead, kpi=KPI | {"channel": "chat"}).kpi["baseline"] is None


def test_a_baseline_of_what_somebody_changed_meanwhile_is_not_taken(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(1, BEGAN - 5 * DAY, FIVES)
    counted(BEGAN)
    case = begun(staff, at=BEGAN)
    really = use_cases.minutes_measured

    def changed_meanwhile(*told: Any, **by: Any) -> float | None:
        change(case, staff.lead, kpi=KPI | {"channel": "chat"})
        return really(*told, **by)

    monkeypatch.setattr(use_cases, "minutes_measured", changed_meanwhile)
    with pytest.raises(Refused, match="somebody changed 'Change of address' meanwhile"):
        use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    assert (kept := use_cases.kpi_of(use_cases.get(case.id, by=staff.lead))) and kept.channel == "chat" and kept.baseline is None


def test_nobody_takes_a_baseline_of_what_they_do_not_see_or_of_nothing(staff: Staff) -> None:
    case = use_cases.begin("Lost parcels", by=staff.engineer, at=BEGAN, kpi=KPI)
    with pytest.raises(Refused, match="nothing of 'Satisfied' was counted"):
        use_cases.take_baseline(case.id, by=staff.engineer, at=BEGAN)
    rated(1, BEGAN - 5 * DAY, FIVES)
    counted(BEGAN)
    with pytest.raises(Refused, match="you see your team's"):
        use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    assert use_cases.measured(case, date(2026, 3, 1), date(2026, 3, 29), by=staff.lead) is None
    found = use_cases.measured(case, date(2026, 3, 1), date(2026, 3, 29), by=staff.engineer)
    assert found is not None and found.n == 40


# -- from stage to stage ------------------------------------------------------------------------------------------------------------------


def test_a_use_case_goes_from_the_problem_to_its_upkeep(staff: Staff) -> None:
    case = begun(staff, at=BEGAN)
    assert missing(case, staff.lead, BEGAN) == ["Baseline", "Target"]
    rated(1, BEGAN - 5 * DAY, FIVES)
    counted(BEGAN)
    use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    assert use_case_bars.go_on(case.id, why="Ask jane.doe@example.org.", by=staff.lead, at=BEGAN).stage == "develop"
    assert "jane.doe" not in use_cases.moves(case.id, by=staff.lead)[0].why  # a reason that nobody asked for is masked too

    assert missing(case, staff.lead, BEGAN) == ["Something built", "Eval set", "Sign-off"]
    build(staff, at=BEGAN)
    change(case, staff.lead, links=linked())
    use_cases.sign_off(case.id, by=staff.engineer, at=BEGAN)
    assert use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN + DAY).stage == "evaluate"

    assert missing(case, staff.lead, BEGAN) == ["Work afterwards"]
    change(case, staff.lead, after=[Step("Write the address", "machine"), Step("Look at what is odd", "person", 0.5)])
    assert use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN + 2 * DAY).stage == "beta"

    assert missing(case, staff.lead, BEGAN + 3 * DAY) == ["In customers' hands", "Not worse", "Watched"]
    release(BEGAN + 2 * DAY, stage="percent")
    change(case, staff.lead, links=linked(watch(staff)))
    rated(200, BEGAN + 5 * DAY, THREES)
    counted(BEGAN + 10 * DAY)
    assert missing(case, staff.lead, BEGAN + 8 * DAY) == ["In customers' hands"]
    assert use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN + 10 * DAY).stage == "production"

    release(BEGAN + 10 * DAY)
    soon = BEGAN + 20 * DAY
    assert missing(case, staff.lead, soon) == ["Live", "Looked at again"]
    change(case, staff.lead, review_on=date(2026, 9, 1))
    rated(300, BEGAN + 35 * DAY, THREES)
    counted(BEGAN + 40 * DAY)
    assert use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN + 40 * DAY).stage == "upkeep"
    with pytest.raises(Refused, match="the last stage"):
        use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN + 41 * DAY)
    assert [(one.before, one.after) for one in use_cases.moves(case.id, by=staff.lead)] == [
        ("define", "develop"), ("develop", "evaluate"), ("evaluate", "beta"), ("beta", "production"), ("production", "upkeep"),
    ]  # fmt: skip


def test_up_to_beta_a_reason_stands_in_and_is_shown_until_it_is_mended(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead, at=BEGAN)
    with pytest.raises(Refused, match="8 things are missing"):
        use_case_bars.go_on(case.id, by=staff.lead, at=BEGAN)
    for _ in range(3):
        use_case_bars.go_on(case.id, why="The fair is next week.", by=staff.lead, at=BEGAN)
    stands = use_case_bars.of(use_cases.get(case.id, by=staff.lead), by=staff.lead, at=BEGAN)
    assert stands.stage == "beta" and len(stands.owed) == 8 + 3 + 3
    change(case, staff.lead, **TOLD)
    stands = use_case_bars.of(use_cases.get(case.id, by=staff.lead), by=staff.lead, at=BEGAN)
    assert len(stands.owed) == 14 - 5
    first = use_cases.moves(case.id, by=staff.lead)[0]
    assert first.why == "The fair is next week." and len(first.missing) == 8 and first.by_person_id == staff.lead.id


def test_into_production_nobody_goes_without(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead, at=BEGAN)
    for _ in range(3):
        use_case_bars.go_on(case.id, why="The fair is next week.", by=staff.lead, at=BEGAN)
    for by in (staff.lead, staff.engineer):
        with pytest.raises(Refused, match=r"before production 18 things are missing, and nobody may go without"):
            use_case_bars.go_on(case.id, why="It is urgent.", by=by, at=BEGAN)
    assert use_cases.get(case.id, by=staff.lead).stage == "beta"


def test_what_got_worse_does_not_go_into_production(staff: Staff) -> None:
    case = begun(staff, at=BEGAN)
    rated(1, BEGAN - 5 * DAY, THREES)
    counted(BEGAN)
    use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    for _ in range(3):
        use_case_bars.go_on(case.id, why="The fair is next week.", by=staff.lead, at=BEGAN)
    bar = {one.name: one for one in use_case_bars.of(use_cases.get(case.id, by=staff.lead), by=staff.lead, at=BEGAN + DAY).missing}
    assert "Cannot tell yet whether it is worse: 0 conversations" in bar["Not worse"].sentence
    rated(100, BEGAN + DAY, [2] * 30 + [5] * 10)
    counted(BEGAN + 4 * DAY)
    bar = {one.name: one for one in use_case_bars.of(use_cases.get(case.id, by=staff.lead), by=staff.lead, at=BEGAN + 4 * DAY).missing}
    assert bar["Not worse"].sentence == "Its KPI is worse than before. Quality says why."


@pytest.mark.parametrize(("cases", "passed", "names"), [
    (20, 18, []), (20, 17, ["Passes"]), (19, 19, ["Frozen cases"]), (0, 0, ["Frozen cases", "Passes"]),
])  # fmt: skip
def test_its_sets_are_large_enough_and_passed(cases: int, passed: int, names: list[str], staff: Staff) -> None:
    build(staff, at=BEGAN, cases=cases, passed=passed)
    case = begun(staff, at=BEGAN, links=linked(), after=[Step("Write it", "machine")])
    for _ in range(2):
        use_case_bars.go_on(case.id, why="Later.", by=staff.lead, at=BEGAN)
    assert missing(case, staff.lead, BEGAN) == names


@pytest.mark.parametrize(("before", "days"), [
    ([(40, 20)], 40), ([(40, 30)], 20), ([], 20), ([(60, 40), (40, 20)], 60),
])  # fmt: skip
def test_a_newer_version_goes_on_where_the_older_one_was_and_a_break_begins_anew(
    before: list[tuple[int, int]], days: int, staff: Staff
) -> None:
    build(staff, at=BEGAN)
    case = begun(staff, at=BEGAN, links=linked())
    with store.writing() as db:
        told = {"target_kind": "classifier", "target_name": CLASSIFIER, "target_number": 1}
        for began, ended in before:
            db.add(Release(**told, stage="ended", started_at=BEGAN - began * DAY, ended_at=BEGAN - ended * DAY, at=BEGAN))
        db.add(Release(**told, stage="live", started_at=BEGAN - 20 * DAY, at=BEGAN))
    live = next(bar for bar in use_case_bars.of(case, by=staff.lead, at=BEGAN).bars["production"] if bar.name == "Live")
    assert (f"{days} days" in live.sentence) and live.met == (days >= 28)


def test_an_alert_keeps_it_out_of_upkeep(staff: Staff) -> None:
    monitor = watch(staff)
    case = begun(staff, at=BEGAN, links=[Link("monitor", monitor)])
    calm = {bar.name: bar.met for bar in use_case_bars.of(case, by=staff.lead, at=BEGAN).bars["production"]}
    with store.writing() as db:
        db.add(Alert(monitor_id=monitor, monitor_number=1, since=date(2026, 3, 1), until=date(2026, 3, 2), numbers={}, sentence="It fell."))
    alarmed = {bar.name: bar.met for bar in use_case_bars.of(case, by=staff.lead, at=BEGAN).bars["production"]}
    assert calm["Calm"] and not alarmed["Calm"]


# -- signed -------------------------------------------------------------------------------------------------------------------------------


def test_another_engineer_signs_and_another_word_opens_it_again(staff: Staff) -> None:
    mine = use_cases.begin("Lost parcels", by=staff.engineer, systems=["Shop"], risk="high", risk_why="Money moves.")
    with pytest.raises(Refused, match="your own use case"):
        use_cases.sign_off(mine.id, by=staff.engineer)
    case = begun(staff, at=BEGAN)
    with pytest.raises(Denied, match="may not"):
        use_cases.sign_off(case.id, by=staff.lead)
    assert use_cases.is_signed(use_cases.sign_off(case.id, by=staff.engineer))
    assert use_cases.is_signed(change(case, staff.lead, goal="Another goal"))
    assert not use_cases.is_signed(change(case, staff.lead, systems=["Shop: addresses", "Bank accounts"]))
    build(staff, at=BEGAN)
    use_cases.sign_off(case.id, by=staff.engineer)
    assert not use_cases.is_signed(change(case, staff.lead, links=[Link("classifier", CLASSIFIER)]))


def test_nothing_is_signed_that_does_not_say_what_it_touches(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead)
    with pytest.raises(Refused, match="does not say yet which systems"):
        use_cases.sign_off(case.id, by=staff.engineer)


# -- stopped, taken up, back --------------------------------------------------------------------------------------------------------------


def test_what_was_stopped_is_changed_by_nobody_until_it_is_taken_up(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead)
    with pytest.raises(Refused, match="say why"):
        use_cases.stop(case.id, why=" ", by=staff.lead)
    use_cases.stop(case.id, why="The shop does it itself now.", by=staff.lead)
    with pytest.raises(Refused, match="was stopped"):
        change(case, staff.lead, goal="Less waiting")
    assert use_cases.take_up(case.id, by=staff.lead).stopped_at is None
    assert change(case, staff.lead, goal="Less waiting").goal == "Less waiting"


def test_it_goes_back_one_stage_with_a_reason(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.lead)
    with pytest.raises(Refused, match="the first stage"):
        use_case_bars.go_back(case.id, why="Too early.", by=staff.lead)
    use_case_bars.go_on(case.id, why="Later.", by=staff.lead)
    with pytest.raises(Refused, match="say why"):
        use_case_bars.go_back(case.id, why="", by=staff.lead)
    assert use_case_bars.go_back(case.id, why="Too early.", by=staff.lead).stage == "define"


def test_more_than_two_in_development_are_too_many_for_a_team(staff: Staff) -> None:
    for number in range(3):
        case = use_cases.begin(f"Number {number}", by=staff.lead)
        use_case_bars.go_on(case.id, why="Later.", by=staff.lead)
        found = use_cases.too_many(use_cases.all_of(by=staff.lead))
        assert found == ({staff.oak.id: 3} if number == 2 else {})
    use_cases.stop(case.id, why="Two are enough.", by=staff.lead)
    assert use_cases.too_many(use_cases.all_of(by=staff.lead)) == {}
