"""My work as people see it: its page, the things behind each figure, the API and the command line; and never another's."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import people, reviews, tokens, use_cases, work_changed
from data.tables import Conversation, Person
from data.values import Target, now
from data.work_taught import Learned
from knowledge import answering
from portal import my_work_text
from tests.conftest import Staff, hire, let_go
from tests.histories import arrive, change, predicted
from tests.server import serving
from tests.test_classifiers_shipping import candidate, ship
from tests.test_evals_sets import flagged_set
from tests.test_knowledge_answering import QUESTION, publish, speak
from tests.test_portal_cli import Done, refused, run  # noqa: F401
from tests.test_screens import button, open_screen, sit_down, words

Command = Callable[..., Done]
DAY = timedelta(days=1)
RITA, LEO, ADA = "rita@example.com", "leo@example.com", "ada@example.com"
ONE = Learned(
    Target("classifier", "intent", 5), datetime(2026, 3, 2, 12).astimezone(), 240, 2_100, ("a",) * 240, ("a",) * 38,
    datetime(2026, 3, 3, 12).astimezone(), True,
    "p", False, "c", "Everyday intents", 931, 1_000, 910,
)  # fmt: skip


@pytest.fixture
def staff(sqlite_home: Path) -> Staff:
    return hire()


def screen(person: Person, **address: str) -> AppTest:
    return open_screen(sit_down(person), "my_work", **address)


def told(app: AppTest) -> str:
    return words(app).replace("\\", "")


def links(app: AppTest) -> dict[str, str]:
    """What each leads to, by its words."""
    return {part.proto.label.replace("\\", ""): part.proto.query_string for part in app.get("page_link")}


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def test_a_version_is_told_with_its_numbers_and_without_a_cause() -> None:
    said = my_work_text._learned(ONE)
    assert said.sentence == (
        "Version 5 of the intent classifier learned from 2,100 conversations, 240 of them yours. In 38 of yours you had corrected the "
        "machine. It was right in 931 of the 1,000 cases of 'Everyday intents' (93\u00a0%), the version before it in 910 (91\u00a0%). "
        "Live since 3 March."
    )
    assert [one.label for one in said.opens] == ["240 of yours", "38 corrected", "Case by case"]
    assert [len(one.ids) for one in said.opens[:2]] == [240, 38] and said.opens[2].query == (("comparison", "c"),)


# -- the page -----------------------------------------------------------------------------------------------------------------------------


def test_with_nothing_the_page_says_where_to_begin(staff: Staff) -> None:
    app = screen(staff.rep)
    assert "Nothing of yours stands from these 12 weeks yet." in told(app)
    assert {"Review a conversation", "See what waits for a decision"} <= links(app).keys()
    assert "Review a conversation" not in links(screen(staff.admin))  # reviews are not theirs


def test_each_figure_opens_what_it_counts_and_closes_again(staff: Staff) -> None:
    refund, invoice = (labels.add(name, by=staff.lead) for name in ("Refund", "Invoice"))
    corrected, plain, moved = (arrive(number, now() - 2 * DAY, team="Oak") for number in range(1, 4))
    predicted(corrected, invoice, now() - DAY)
    for made in (corrected, plain, moved):
        reviews.record(made, "strong", label_id=refund.id, by=staff.rep)
    app = screen(staff.rep)
    assert "3 reviews of yours stand from these 12 weeks, 3 with an intent." in told(app)
    assert "In 1 of them you corrected the machine's intent." in told(app)
    button(app, "1 corrected").click().run()
    assert not app.exception and app.query_params["open"] == "corrected"
    assert f"conversation={corrected}" in links(app).values() and f"conversation={plain}" not in links(app).values()
    button(app, "1 corrected").click().run()
    assert "open" not in app.query_params and f"conversation={corrected}" not in links(app).values()
    change(Conversation, moved, team_id=staff.fern.id)
    app = screen(staff.rep, open="reviews")
    assert "1 of these 3 belongs to another team, so it is not shown." in told(app)
    assert f"conversation={moved}" not in links(app).values()


def test_nobody_sees_another_s(staff: Staff) -> None:
    made = arrive(1, now() - DAY, team="Oak")
    reviews.record(made, "strong", by=staff.rep)
    use_cases.begin("Change of address", by=staff.rep)
    assert "'Change of address'" in told(screen(staff.rep))
    theirs = screen(staff.lead, open="reviews")
    assert (
        "Change of address" not in told(theirs)
        and "Nothing of yours stands" in told(theirs)
        and f"conversation={made}" not in links(theirs).values()
    )


def test_the_period_is_chosen_and_stands_in_the_address(staff: Staff) -> None:
    made = arrive(1, now() - timedelta(weeks=30), team="Oak")
    reviews.record(made, "strong", by=staff.rep, at=now() - timedelta(weeks=20))
    assert "Nothing of yours stands" in told(screen(staff.rep))
    assert "1 review of yours stands from the last year" in told(screen(staff.rep, weeks="52"))
    app = screen(staff.rep, weeks="a lot")
    assert "these 12 weeks" in told(app)
    app.segmented_control(key="my_work_weeks").set_value("A year").run()
    assert not app.exception and app.query_params["weeks"] == "52" and "1 review of yours stands" in told(app)


def test_what_is_live_comes_first_with_the_cases_that_it_was_measured_on(staff: Staff) -> None:
    ship(staff, candidate(staff))
    app = screen(staff.rep)
    said = told(app)
    first = said.index("60 of the 60 conversations that version 1 of the intent classifier learned from came from you; it is live.")
    assert first < said.index("What is live was measured on 24 cases of yours before it went live.") < said.index("Reviews, and what")
    assert "learned from 60 conversations, all of them yours" in said and "not that the one made the other" in said
    assert "All 24 cases in 'Everyday intents' 1 are yours." in said and "The set" in links(app)


def test_names_from_outside_are_shown_as_text(staff: Staff) -> None:
    use_cases.begin("<img src=x> **bold** :red[x]", by=staff.rep)
    said = words(screen(staff.rep))
    assert "<img src=x>" not in said and "\\<img" in said and "**bold**" not in said


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def test_the_command_line_tells_a_person_s_and_the_console_is_nobody(staff: Staff, run: Command) -> None:  # noqa: F811
    assert run("work", "show", "--by", RITA).out == "Nothing of yours stands from these 12 weeks yet. It begins with one review.\n"
    flagged_set(staff, range(1, 4))
    out = run("work", "show", "--by", RITA, "--weeks", "4").out
    assert (
        out.startswith("In these 4 weeks: 3 flags.\n")
        and "- You flagged 3 conversations in these 4 weeks: none is a case yet, 3 wait" in out
    )
    made = run("work", "show", "--by", RITA, "--json").told
    (part,) = made["parts"]
    assert [(one["figure"], one["n"]) for one in part["findings"][0]["figures"]] == [("flagged", 3), ("wait", 3)]
    assert [one["part"] for one in run("work", "show", "--by", LEO, "--json").told["parts"]] == ["intents"]
    refused(run("work", "show"), 1, "a console may not read")
    refused(run("work", "show", "--by", RITA, "--weeks", "5"), 1, "5 are none of these")


@pytest.fixture
def program(staff: Staff, sqlite_home: Path) -> Iterator[httpx.Client]:
    speak(staff)
    publish(staff)
    answering.ask(QUESTION, by=staff.lead)
    secret = tokens.issue("a program", ["monitor"], staff.rep, by=people.console())
    let_go()
    with serving(sqlite_home) as server:
        client = server.browser(Authorization=f"Bearer {secret}")
        del client.headers["Origin"]
        yield client


def test_the_api_tells_its_person_s_with_what_each_figure_is_made_of(program: httpx.Client) -> None:
    told_: dict[str, Any] = program.get("/api/v1/my-work", params={"weeks": 4, "ids": True}).json()
    assert told_["headline"] == ["1 answer quoted what you wrote."] and told_["weeks"] == len(told_["by_week"]) == 4
    figures = {one["figure"]: one for part in told_["parts"] for said in part["findings"] for one in said["figures"]}
    assert figures["answers"]["n"] == len(figures["answers"]["ids"]) == 1
    assert "opening-hours 1" in figures["published"]["ids"] and {one["kind"] for one in told_["went_live"]} == {"answerer", "article"}
    short = program.get("/api/v1/my-work").json()
    assert all("ids" not in one for part in short["parts"] for said in part["findings"] for one in said["figures"])
    answer = program.get("/api/v1/my-work", params={"weeks": 5})
    assert answer.status_code == 422 and "5 are none of these" in answer.text


def test_what_the_page_says_of_the_demo_is_there_for_every_role(demo: Path) -> None:
    known = {one.name: one for one in people.demo_people()}
    alma, nora, otto = (known[name] for name in ("Alma Berger", "Nora Engel", "Otto Braun"))
    app = screen(alma)
    assert "cases of yours before it went live." in told(app) and "that version 3 of the intent classifier learned from" in told(app)
    assert "live run" in told(screen(nora)) and "You decided on" in told(screen(otto))
    found = work_changed.of(by=alma)
    for block in my_work_text.blocks(found):
        for said in (*block.said, *block.more):
            assert all(one.ids or one.page for one in said.opens), said.sentence
