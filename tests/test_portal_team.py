"""The Team page, the API and the command: the same figures, each one click from its rows, and nobody's name."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import approvals, assignments, behind, conversations, drafts, people, store, team_view, tokens
from data.approvals import KINDS
from data.conversations import Filter
from data.errors import Denied, Refused
from data.measures import Share
from data.tables import Person
from data.team_decisions import Decided, Median
from data.team_view import Covered
from data.team_waiting import Waits
from data.trends import Slice
from data.values import now
from portal import api_team, team_text
from tests.conftest import Staff
from tests.server import serving
from tests.test_data_team_view import came, proposed
from tests.test_portal_cli import Done, refused, run  # noqa: F401
from tests.test_screens import open_screen, sit_down, words

Command = Callable[..., Done]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] [l](http://evil.example)"
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


def screen(person: Person, **address: str) -> AppTest:
    return open_screen(sit_down(person), "team", **address)


def told(app: AppTest) -> str:
    return words(app).replace("\\", "")


def links(app: AppTest, page: str) -> dict[str, dict[str, str]]:
    """What leads to a page: the label, and what is asked for there."""
    found = [part.proto for part in app.get("page_link")]
    return {one.label.replace("\\", ""): dict(parse_qsl(one.query_string)) for one in found if one.page == page}


def busy(staff: Staff) -> list[str]:
    """Of forty about refunds three were reviewed, of the others most; one is asked for, one begun, one proposal waits."""
    refund = labels.add("Refund", by=staff.lead)
    status = labels.add("Order status", by=staff.lead)
    made = came(1, 40, now() - 2 * DAY, seen=3, by=staff.rep, label=refund)
    came(100, 60, now() - 2 * DAY, seen=50, by=staff.rep, label=status, channel="email")
    assignments.assign(made[10:11], staff.rep.id, by=staff.lead, at=now() - 5 * DAY)
    drafts.keep(made[11], {"verdict": "weak"}, by=staff.rep, at=now() - 6 * HOUR)
    for place in range(6):
        begun = now() - (10 - place) * DAY
        approvals.approve(proposed(staff.rep, begun).id, by=staff.other, at=begun + (place + 1) * HOUR)
    proposed(staff.rep, now() - 2 * DAY)
    return made


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def part(k: int, n: int) -> Covered:
    today = now().date()
    return Covered("", Share(k, n), behind.Behind("volume", today, today, Slice()))


@pytest.mark.parametrize(("k", "n", "said"), [
    (3, 410, "Of 410 about refunds, 3 were reviewed: 0.7\u00a0% (0.2 to 2.1)."),
    (45, 100, "Of 100 about refunds, 45 were reviewed: 45\u00a0% (36 to 55)."),
    (0, 50, "Of 50 about refunds, none was reviewed: 0.0\u00a0% (0.0 to 7.1)."),
    (1, 19, "Of 19 about refunds, one was reviewed, too few to tell a share."),
    (0, 0, "Nothing about refunds came in."),
])  # fmt: skip
def test_a_share_is_said_with_what_it_stands_on(k: int, n: int, said: str) -> None:
    assert team_text.covered(part(k, n), "about refunds") == said


@pytest.mark.parametrize(("time", "said"), [
    (timedelta(seconds=20), "less than a minute"), (timedelta(minutes=1), "1 minute"), (timedelta(minutes=59), "59 minutes"),
    (timedelta(hours=1), "1 hour"),
    (timedelta(hours=47), "47 hours"), (timedelta(hours=48), "2 days"), (timedelta(days=9, hours=5), "9 days"),
])  # fmt: skip
def test_times_are_said_as_one_says_them(time: timedelta, said: str) -> None:
    assert team_text.lasted(time) == said


def decided(median: Median | None) -> Decided:
    return Decided("publish_articles", 12, 6, 1, 0, 2, 3, median, 9 * DAY, 2 * DAY)


def test_a_median_says_how_far_it_can_be_told() -> None:
    assert team_text.took(decided(None)) == "too few to say: 7 decided"
    assert team_text.took(decided(Median(5 * HOUR, 2 * HOUR, 3 * DAY))) == "5 hours (2 hours to 3 days)"
    assert team_text.took(decided(Median(5 * HOUR, 2 * HOUR, None))) == "5 hours (2 hours or more)"
    assert team_text.took(decided(Median(None, 2 * HOUR, None))) == "longer than is known yet (2 hours or more)"
    assert team_text.became(decided(None)) == "6 approved, 1 refused, 2 lapsed, 3 waiting"


def test_every_kind_that_can_be_proposed_has_words() -> None:
    assert set(team_text.PROPOSED) == set(KINDS)


@on_sqlite
def test_the_finding_names_what_is_clearly_least_covered_else_what_waits_longest(staff: Staff) -> None:
    nothing = team_view.coverage(by=staff.lead)
    assert team_text.finding(nothing, []).startswith("No conversation came in within four weeks.")
    old = Waits("flags", 12, 4 * DAY, 9 * DAY)
    assert team_text.finding(nothing, [old]) == (
        "What waits longest: 12 flags that no set took in, the oldest for 9 days. What to do: freeze the set."
    )
    busy(staff)
    found = team_view.coverage(by=staff.lead)
    assert team_text.finding(found, [old]) == (
        "Of 40 about 'Refund', 3 were reviewed: 7.5\u00a0% (2.6 to 19.9). "
        "Of all 100 it is 53\u00a0% (43 to 62): review some of these first."
    )


# -- the page -----------------------------------------------------------------------------------------------------------------------------


@on_sqlite
def test_a_lead_reads_the_finding_first_and_each_figure_opens_what_it_counts(staff: Staff) -> None:
    made = busy(staff)
    app = screen(staff.lead)
    said = told(app)
    assert app.title[0].value == "Team" and said.index("Of 40 about 'Refund', 3 were reviewed") < said.index("Last 28 days")
    assert "**6** " not in said and "**7** Classifier versions" in said and "6\u00a0approved, 1\u00a0waiting" in said
    assert "4 hours (1 hour or more)" in said  # of seven, one of which waits
    ways = links(app, "conversations")
    for label, count in (("Open the 37 that nobody reviewed", 37), ("Open 37", 37), ("Open 10", 10)):
        assert ways[label]["state"] == "Not reviewed"
        assert conversations.counted(Filter(behind=behind.read(ways[label]), reviewed=False), by=staff.lead) == count
    asked = [one["conversation"] for one in links(app, "conversation").values()]
    assert {made[10], made[11]} <= set(asked)


@on_sqlite
def test_the_proposals_of_a_row_are_one_click_away(staff: Staff) -> None:
    busy(staff)
    app = screen(staff.lead)
    app.selectbox(key="team_kind").select("ship_classifier").run()
    assert not app.exception
    ways = {label: asked for label, asked in links(app, "approvals").items() if label.startswith("Ship it")}
    assert len(ways) == 7 and all(approvals.get(asked["proposal"], by=staff.lead) for asked in ways.values())
    assert next(iter(ways)).endswith(": waits")


@on_sqlite
def test_nobody_is_named_not_even_by_what_is_proposed_for_them(staff: Staff) -> None:
    busy(staff)
    people.propose_role(staff.rep.id, "lead", why="She did it for weeks.", by=staff.admin)
    app = screen(staff.admin)
    app.selectbox(key="team_kind").select("grant_role").run()
    shown = told(app) + "".join(links(app, "approvals")) + "".join(links(app, "conversation"))
    assert "Roles, " in shown
    for name in ("Rita", "Leo", "Olga", "Emil"):
        assert name not in shown


@on_sqlite
def test_an_admin_chooses_the_team_and_the_address_says_which(staff: Staff) -> None:
    busy(staff)
    came(500, 25, now() - 2 * DAY, seen=25, by=staff.other, team="Fern")
    assert "Of 125 conversations in all" in told(screen(staff.admin))
    fern = screen(staff.admin, team="Fern")
    assert "Of 25 conversations in all, 25 were reviewed" in told(fern) and "Refund" not in told(fern)
    assert "All of them" not in told(fern) and not [one for one in fern.selectbox if one.key == "team_kind"]
    assert not [one for one in screen(staff.lead, team="Fern").selectbox if one.key == "team"]


@on_sqlite
def test_a_team_with_nothing_reads_what_will_stand_here(staff: Staff) -> None:
    said = told(screen(staff.lead))
    assert "No conversation came in within four weeks" in said and "Nothing came in during the last twelve weeks" in said
    assert "Nothing waits on the people of this team." in said and "Nothing of the team's was proposed" in said


@on_sqlite
def test_names_from_outside_are_shown_as_text(staff: Staff) -> None:
    rough = labels.add("Rough", by=staff.lead)
    came(1, 30, now() - DAY, by=staff.rep, label=rough)
    with store.writing() as db:
        kept = db.get_one(type(rough), rough.id)
        kept.name = HOSTILE
        db.add(kept)
    shown = words(screen(staff.lead))
    assert HOSTILE not in shown and "\\<img src" in shown


@on_sqlite
def test_the_page_is_for_leads_and_admins(staff: Staff) -> None:
    for person in (staff.rep, staff.engineer):
        with pytest.raises(ValueError, match="screens/team"):
            sit_down(person).switch_page("screens/team.py").run()


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def test_a_program_reads_what_the_page_shows(staff: Staff) -> None:
    busy(staff)
    found = api_team.work(staff.lead)
    assert found["team"] == "Oak" and found["finding"].startswith("Of 40 about 'Refund', 3 were reviewed")
    assert found["coverage"]["intents"][0] == {
        "intent": "Refund", "conversations": 40, "reviewed": 3, "share": 0.075, "low": 0.0258, "high": 0.1986,
    }  # fmt: skip
    assert len(found["coverage"]["weeks"]) == 12
    waiting = {one["kind"]: one["count"] for one in found["waiting"]}
    assert (waiting["asked"], waiting["drafts"], waiting["flags"]) == (1, 1, 0)
    (shipped,) = found["decisions"]["90"]
    assert (shipped["proposed"], shipped["median_hours"], shipped["low_hours"], shipped["high_hours"]) == (7, 4.0, 1.0, None)
    assert api_team.work(staff.admin, "Fern")["coverage"]["conversations"] == 0
    assert api_team.work(staff.admin)["team"] is None
    with pytest.raises(Denied, match="another team"):
        api_team.work(staff.lead, "Fern")
    with pytest.raises(Refused, match="no team 'Elm'"):
        api_team.work(staff.admin, "Elm")


@on_sqlite
def test_over_http_it_needs_a_token_that_may_read_figures(staff: Staff, home: Path) -> None:
    busy(staff)
    token = tokens.issue("Figures", ["monitor"], staff.lead, by=people.console())
    other = tokens.issue("Chats", ["read"], staff.lead, by=people.console())
    with serving(home) as server:
        answers = [
            httpx.get(f"{server.base}/api/v1/team", headers={"Authorization": f"Bearer {one}"} if one else {}) for one in (token, other, "")
        ]
    assert [one.status_code for one in answers] == [200, 403, 401]
    assert answers[0].json()["coverage"]["reviewed"] == 53


@on_sqlite
def test_the_command_says_it_in_lines_and_for_programs(run: Command, staff: Staff) -> None:  # noqa: F811
    busy(staff)
    said = run("team", "show", "--by", "leo@example.com").out
    assert (
        "- Refund: 3 of 40, 7.5\u00a0% (2.6 to 19.9)\n" in said
        and "- Classifier versions: 7 (6 approved, 1 waiting), median 4 hours" in said
    )
    assert run("team", "show", "Fern", "--by", "ada@example.com", "--json").told["coverage"]["conversations"] == 0
    assert "- 1 proposal that waits for a decision, for 2 days\n" in run("team", "show", "Fern", "--by", "ada@example.com").out
    refused(run("team", "show", "--by", "rita@example.com"), 1, "Who may: admin, lead")
    refused(run("team", "show", "Fern", "--by", "leo@example.com"), 1, "another team")
