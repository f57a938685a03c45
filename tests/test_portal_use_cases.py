"""Use cases in words, over HTTP and on the command line: what a stage asks for is said, and nothing that people wrote is Markdown."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import pytest

from data import behind, use_case_bars, use_cases
from data.behind import Behind
from data.errors import Refused
from data.use_cases import Kpi
from portal import api_use_cases, use_case_page, use_case_text
from tests.conftest import Staff
from tests.test_portal_cli import Done, refused, run  # noqa: F401
from tests.test_screens import open_screen, sit_down
from tests.use_case_worlds import DAY, begun, counted, rated

Command = Callable[..., Done]
EMIL, LEO, RITA = "emil@example.com", "leo@example.com", "rita@example.com"
BEGAN = datetime(2026, 3, 30, 12, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    return lambda *arguments: run("use-case", *arguments)


# -- the command line ---------------------------------------------------------------------------------------------------------------------


@on_sqlite
def test_one_is_begun_taken_on_with_a_reason_reported_and_stopped(command: Command, staff: Staff) -> None:
    assert command("list", "--by", EMIL).out == "No use case was begun yet. Begin one: portal use-case begin NAME.\n"
    made = command("begin", "Change of address", "--goal", "Less waiting", "--by", RITA, "--json").told
    assert (made["stage"], made["owner"], made["team"], len(made["missing"])) == ("define", "Rita", "Oak", 7)
    assert command("list", "--by", LEO).out == "Change of address: define, 7 missing before the next stage\n"
    refused(command("go-on", "Change of address", "--by", LEO), 1, "before develop 7 things are missing")
    refused(command("go-on", "Change of address", "--why", "Later.", "--by", RITA), 1, "may not move")
    assert command("go-on", "Change of address", "--why", "Later.", "--by", LEO).out == "Change of address is in develop now.\n"
    shown = command("show", "Change of address", "--by", LEO).out
    assert "- Link the eval set that it is tested by.\n" in shown and "- Choose the measure by which" in shown
    told = command("report", "Change of address", "--by", EMIL).out
    assert told.startswith("# Change of address\n") and "to develop, by Leo, without 7 things: Later." in told
    refused(command("sign-off", "Change of address", "--by", EMIL), 1, "does not say yet which systems")
    assert command("go-back", "Change of address", "--why", "Too early.", "--by", LEO).out == "Change of address is in define again.\n"
    assert command("stop", made["id"], "--why", "The shop does it.", "--by", LEO).out == "Stopped Change of address: The shop does it.\n"
    assert command("list", "--by", LEO).out == "Change of address: stopped\n"


@on_sqlite
def test_what_is_not_there_or_another_team_s_ends_with_a_sentence(command: Command, staff: Staff) -> None:
    command("begin", "Change of address", "--by", RITA)
    for by, name in ((LEO, "Lost parcels"), ("olga@example.com", "Change of address")):
        refused(command("show", name, "--by", by), 1, "There is no use case")


# -- over HTTP ----------------------------------------------------------------------------------------------------------------------------


def test_a_program_begins_one_changes_it_and_hears_who_was_faster(staff: Staff) -> None:
    made = api_use_cases.begin(api_use_cases.Begun(name="Lost parcels", team="Fern"), staff.engineer)
    assert made["team"] == "Fern" and made["number"] == 1
    told = {
        "seen": 1,
        "owner": "olga@example.com",
        "kpi": {"measure": "csat", "target": 0.8},
        "before": [{"what": "Look it up", "minutes": 4}],
    }
    changed = api_use_cases.change(made["id"], api_use_cases.Changed.model_validate(told), staff.engineer)
    assert (changed["owner"], changed["kpi"]["target"], changed["minutes"]["written"], changed["number"]) == ("Olga", 0.8, 4.0, 2)
    assert changed["goal"] == made["goal"]  # what is not told stays
    with pytest.raises(Refused, match="somebody else changed"):
        api_use_cases.change(made["id"], api_use_cases.Changed(seen=1, goal="Late"), staff.engineer)
    with pytest.raises(Refused, match="nobody here has that address"):
        api_use_cases.change(made["id"], api_use_cases.Changed(seen=2, owner="no@example.com"), staff.engineer)


# -- each number opens what it counts -----------------------------------------------------------------------------------------------------


def test_before_and_now_open_as_many_conversations_as_they_say(staff: Staff) -> None:
    kpi, stands = stands_of(staff, [5] * 46 + [2] * 14, at=BEGAN + 3 * DAY)
    case = use_cases.get("Change of address", by=staff.lead)
    said = {"Before": (kpi.baseline or {})["n"], "Now": stands.now.n if stands.now else 0}
    days = use_case_page.counted_on(kpi, stands)
    opened = {title: len(behind.ids(Behind(kpi.measure, *its, kpi.of(case)), by=staff.lead).ids) for title, its in days.items()}
    assert opened == said == {"Before": 60, "Now": 60}


def test_the_page_leads_there_who_may_see_the_figures(staff: Staff) -> None:
    stands_of(staff, [5] * 46 + [2] * 14, at=BEGAN + 3 * DAY)
    case = use_cases.get("Change of address", by=staff.lead)
    app = open_screen(sit_down(staff.lead), "use_cases", case=case.id)
    asked = [dict(parse_qsl(one.proto.query_string)) for one in app.get("page_link") if one.proto.label == "Open them"]
    found = [behind.read(one) for one in asked]
    assert [(one.measure, one.since, one.of.team_id) for one in found if one] == [("csat", date(2026, 3, 2), staff.oak.id)]


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def stands_of(staff: Staff, stars: list[int], *, at: datetime) -> tuple[Kpi, use_case_bars.Stands]:
    rated(1, BEGAN - 5 * DAY, [5] * 30 + [2] * 30)
    counted(BEGAN)
    case = begun(staff, at=BEGAN)
    use_cases.take_baseline(case.id, by=staff.lead, at=BEGAN)
    for _ in range(3):
        use_case_bars.go_on(case.id, why="Later.", by=staff.lead, at=BEGAN)
    rated(200, BEGAN + DAY, stars)
    counted(at)
    found = use_cases.get(case.id, by=staff.lead)
    kpi = use_cases.kpi_of(found)
    assert kpi is not None
    return kpi, use_case_bars.of(found, by=staff.lead, at=at)


@pytest.mark.parametrize(("stars", "said"), [
    ([5] * 60, "Better than before, beyond chance; its target is reached."),
    ([5] * 46 + [2] * 14, "Better than before, beyond chance; its target is not reached."),
    ([5] * 32 + [2] * 28, "No different from before, as far as can be told."),
    ([2] * 60, "Worse than before, beyond chance; its target is not reached."),
    ([5] * 29, "Cannot tell yet: 29 conversations are known, 30 are needed."),
])  # fmt: skip
def test_what_is_said_of_a_kpi_is_what_can_be_said(stars: list[int], said: str, staff: Staff) -> None:
    kpi, stands = stands_of(staff, stars, at=BEGAN + 3 * DAY)
    assert use_case_text.finding(kpi, stands) == said


def test_the_report_says_what_is_open_and_reads_nothing_as_markdown(staff: Staff) -> None:
    case = begun(staff, at=BEGAN, problem="# Not a title\n[a link](https://example.org) <b>bold</b>", systems=["Shop | orders"])
    told = use_case_text.markdown(case, by=staff.lead)
    lines = told.splitlines()
    assert lines[0] == "# Change of address" and lines[2].startswith("Define since 30 March 2026. Owner: Leo.")
    assert r"\# Not a title \[a link\](https://example.org) \<b\>bold\</b\>" in lines
    assert "| Before | Now | Target |" in told and "no baseline yet" in told and "## Still open" in told
    assert f"- {use_case_bars.of(case, by=staff.lead).missing[0].sentence}" in lines


def test_who_sees_one_team_reads_no_figures_of_everybody_s(staff: Staff) -> None:
    rated(1, BEGAN - 5 * DAY, [5] * 40)
    counted(BEGAN)
    case = use_cases.begin("Lost parcels", by=staff.engineer, kpi={"measure": "csat", "target": 0.8}, at=BEGAN)
    assert use_case_text.as_json(case, by=staff.lead)["kpi"]["now"] is None
    assert "not shown to you" in use_case_text.markdown(case, by=staff.lead)
    assert use_case_text.weeks(case, Kpi(**case.kpi), BEGAN.date(), by=staff.lead) == []
    seen = [one for one in use_case_text.weeks(case, Kpi(**case.kpi), BEGAN.date(), by=staff.engineer) if one.amount.n]
    assert [one.amount.n for one in seen] == [40]


def test_a_team_with_three_in_development_is_told(staff: Staff) -> None:
    for number in range(3):
        case = use_cases.begin(f"Number {number}", by=staff.lead)
        use_case_bars.go_on(case.id, why="Later.", by=staff.lead)
    (told,) = use_case_text.too_many(use_cases.all_of(by=staff.lead))
    assert told.startswith("Oak has 3 use cases in development at once.")
    assert use_case_text.sentence(use_cases.all_of(by=staff.lead)) == "3 under way: 3 in develop."
