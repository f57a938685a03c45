"""Opportunities as people see them: the page, one's evidence, the way to a use case, the API and the command line."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from automations import mandates, opportunities
from automations.opportunities import Article, Estimate, Opportunity, Round
from data import daily, people, store, tasks, tokens
from data.measures import Share
from data.tables import Person
from portal import jobs, opportunity_words, schedules
from tests.conftest import hire, let_go
from tests.opportunity_worlds import ADDRESS, MANY, STORY, World, comes, world
from tests.server import serving
from tests.test_automations_opportunities import pattern
from tests.test_portal_cli import Done, run  # noqa: F401
from tests.test_screens import button, open_screen, sit_down, words

Command = Callable[..., Done]
HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] [l](http://evil.example)"
ONE = Opportunity(
    key="x", name="Change of address", is_intent=True, conversations=1_640, span=4, weeks=(400, 420, 410, 410),
    a_week=Estimate(410, 390, 430, 1_640), by_people=Estimate(400, 380, 420), contained=Share(40, 60), minutes=Estimate(6.2, 6.0, 6.4, 900),
    alike=Share(186, 200), in_ways=Share(198, 200), writers=9, left_out=0, covered=Share(55, 60),
    articles=(Article("a", "Moving", 40), Article("b", "Addresses", 14), Article("c", "Chance", 1)), recognised=Share(90, 100),
    recognised_of_all=False, resolved=Share(95, 100), stakes="low", stakes_why="no money moves.", way="replies",
    could=Estimate(0.837, 0.8, 0.87), saved=Estimate(2_076.0, 1_900.0, 2_250.0), lacking=(),
)  # fmt: skip


@pytest.fixture
def looked(sqlite_home: Path) -> World:
    made = world(hire())
    opportunities.look(None)
    return made


def screen(person: Person, **address: str) -> AppTest:
    return open_screen(sit_down(person), "opportunities", **address)


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def test_each_is_a_sentence_that_one_would_say_to_a_colleague() -> None:
    assert opportunity_words.sentence(ONE) == (
        "410 a week, 6.2 minutes each. People answer it the same way 93\u00a0% of the time, two articles cover 92\u00a0% of its "
        "questions, stakes low."
    )
    assert opportunity_words.could_save(ONE) == "Could save 35 hours a week (32–38)"
    nothing = replace(ONE, minutes=None, alike=None, covered=Share(0, 20), articles=(), saved=None)
    assert opportunity_words.sentence(nothing) == (
        "410 a week, how long each takes is not known. Whether people answer it alike cannot be told, no article covers it, stakes low."
    )
    assert opportunity_words.could_save(nothing) == "Cannot be told yet" and opportunity_words.sum_(nothing) == ""


def test_how_the_figure_came_about_can_be_reckoned_again() -> None:
    assert opportunity_words.sum_(ONE) == (
        "400 a week × 6.2 minutes × 93\u00a0% that are answered the same way × 90\u00a0% that are recognised = 35 hours a week (32–38)."
    )
    halved = replace(ONE, stakes="medium", way="articles", saved=Estimate(60, 50, 70))
    assert "× 92\u00a0% that are covered by articles" in opportunity_words.sum_(halved)
    assert "× 50\u00a0%, since a person says yes to each (a guess) = 60 minutes a week (50–70)." in opportunity_words.sum_(halved)
    theirs = replace(ONE, stakes="high", saved=Estimate(0, 0, 0))
    assert opportunity_words.could_save(theirs) == "People's work" and "people's work" in opportunity_words.sum_(theirs)


def test_the_page_says_whose_conversations_were_counted() -> None:
    night = Round(datetime(2026, 3, 30, tzinfo=UTC), date(2026, 3, 2), date(2026, 3, 29), date(2026, 3, 21), "*", (ONE,))
    assert opportunity_words.whose(night).startswith("Counted on 2–29 March") and "all conversations" in opportunity_words.whose(night)
    assert "your team's conversations" in opportunity_words.whose(replace(night, whose="oak"))
    assert "1 intent," in opportunity_words.head(night) and "Each night" in opportunity_words.head(None)
    assert "of none it can be told yet" in opportunity_words.head(replace(night, found=(replace(ONE, saved=None),)))


# -- the page -----------------------------------------------------------------------------------------------------------------------------


def test_the_page_ranks_them_and_leads_to_a_use_case(looked: World) -> None:
    app = screen(looked.staff.lead)
    told = words(app)
    assert told.index(f"**{ADDRESS}**") < told.index(f"**{STORY}**")
    assert "one article covers 100" in told.replace("\\", "") and "Could save" in told
    links = [part.proto for part in app.get("page_link")]
    begins = [one.query_string for one in links if one.label == "Start a use case"]
    assert begins == [f"begin={looked.alike.id}", f"begin={looked.other.id}"]


def test_evidence_is_one_click_away_and_every_figure_opens_its_conversations(looked: World) -> None:
    app = screen(looked.staff.lead)
    next(one for one in app.button if one.key == f"opportunities_open_{looked.alike.id}").click().run()
    assert not app.exception and app.query_params["open"] == looked.alike.id
    told = words(app).replace("\\", "")
    assert f"Answered the same way: {MANY}, of which 6 are shown" in told and f"Covered: {MANY}" in told
    assert "> :small[I have changed the address of your order" in told
    links = [part.proto for part in app.get("page_link")]
    opened = [one.query_string for one in links if one.label == "Open them"]
    assert {one.split("&")[0] for one in opened} == {"behind=volume", "behind=handling", "behind=resolution"}
    assert all(f"behind_intent={looked.alike.id}" in one for one in opened)
    assert [one.query_string for one in links if one.label.startswith("Changing the address")] == ["article=changing-the-address"]
    button(app, "Close").click().run()
    assert "open" not in app.query_params and "Answered the same way:" not in words(app)


def test_who_is_of_another_team_sees_shares_and_no_words(looked: World) -> None:
    comes(looked.alike, range(900, 912), "Where do I change it?", alike=True, team="Fern")
    daily.bring_up_to_date()
    opportunities.look(None)
    ours = screen(looked.staff.lead, open=looked.other.id)
    assert "your team's conversations" in words(ours).replace("\\", "") and "zebra" in beginnings(ours)
    theirs = screen(looked.staff.other, open=looked.alike.id)
    assert STORY not in words(theirs) and "How do I change" not in beginnings(theirs) and "Where do I change" in beginnings(theirs)


def beginnings(app: AppTest) -> str:
    """How the conversations begin that it leads to."""
    return "\n".join(part.proto.label for part in app.get("page_link"))


def test_a_pattern_is_named_first_and_people_s_work_stays_with_people(looked: World) -> None:
    pattern(comes(looked.other, range(600, 620), "The locker is full.", alike=True), looked.staff)
    line = mandates.line("never", judgement=True, note="They want to be heard.")
    mandates.tighten(looked.other.id, line, why="It was asked for.", by=looked.staff.lead)
    opportunities.look(None)
    app = screen(looked.staff.lead)
    labels = [part.proto.label for part in app.get("page_link")]
    assert labels.count("Name it first") == labels.count("See the policy") == labels.count("Start a use case") == 1
    assert "People's work" in words(app).replace("\\", "") and "no intent yet" in words(app)


def test_names_from_outside_are_shown_as_text(looked: World) -> None:
    made = pattern(comes(looked.other, range(600, 620), "The locker is full.", alike=True), looked.staff)
    with store.writing() as db:
        kept = db.get_one(type(made), made.id)
        kept.name = HOSTILE
        db.add(kept)
    opportunities.look(None)
    told = words(screen(looked.staff.lead))
    assert HOSTILE not in told and "\\<img src" in told


def test_before_the_first_night_the_page_says_what_is_missing_and_looks_now(sqlite_home: Path) -> None:
    staff = hire()
    app = screen(staff.rep)
    assert "Nothing was found yet" in words(app) and "a classifier or from reviews" in words(app)
    button(app, "Look now").click().run()
    assert not app.exception
    assert [task.name for task in tasks.waiting()] == [opportunities.JOB]
    jobs.run_waiting()
    told = words(screen(staff.rep))
    assert "Nothing was found yet" in told and "Counted on" in told


def test_it_is_looked_for_each_night_once_anything_came(sqlite_home: Path) -> None:
    (one,) = (found for found in schedules.SCHEDULES if found.task == opportunities.JOB)
    assert one.hour == 2 and not one.needed()
    world(hire(), article=False)
    assert one.needed()


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def test_the_command_line_says_the_same(looked: World, run: Command) -> None:  # noqa: F811
    told = run("opportunity", "list", "--by", "leo@example.com").out
    assert told.startswith("Counted on ") and told.index(ADDRESS) < told.index(STORY)
    made = run("opportunity", "list", "--json").told
    assert made["of"] == "all" and [one["name"] for one in made["opportunities"]] == [ADDRESS, STORY]
    first = made["opportunities"][0]
    assert first["covered"]["n"] == MANY and first["minutes_saved_a_week"]["low"] <= first["minutes_saved_a_week"]["value"]


def test_with_nothing_the_command_line_says_so(sqlite_home: Path, run: Command) -> None:  # noqa: F811
    hire()
    assert run("opportunity", "list").out.startswith("Nothing was found yet.")
    assert run("opportunity", "list", "--json").told["opportunities"] == []


@pytest.fixture
def program(looked: World, sqlite_home: Path) -> Iterator[httpx.Client]:
    secret = tokens.issue("a program", ["monitor"], looked.staff.engineer, by=people.console())
    let_go()
    with serving(sqlite_home) as server:
        client = server.browser(Authorization=f"Bearer {secret}")
        del client.headers["Origin"]
        yield client


def test_the_api_tells_what_the_page_tells(program: httpx.Client) -> None:
    told: dict[str, Any] = program.get("/api/v1/opportunities").json()
    assert [one["name"] for one in told["opportunities"]] == [ADDRESS, STORY] and told["of"] == "all"
    first = told["opportunities"][0]
    assert first["kind"] == "intent" and first["articles"] == [{"article": "changing-the-address", "title": "Changing the address"}]
    assert first["sentence"].startswith("6 a week, 6.2 minutes each.") and first["recognised"] is None
