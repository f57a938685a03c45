"""The digest at the console, over HTTP, as Markdown and on its page: each the same, of what the reader sees."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from data import config, people, store, tokens
from data.tables import Digest
from data.trends import EVERYBODYS, Slice
from data.values import now
from evals import digest
from evals.brief import Brief, Step
from evals.digested import Line, Number, Section, Told
from portal import digest_text
from tests.conftest import Staff, hire
from tests.server import inside, serving
from tests.test_portal_cli import Run, refused, run  # noqa: F401
from tests.test_portal_mail import FALL
from tests.test_screens import sit_down

WEEK = date(2026, 4, 6)
EARLIER = date(2026, 3, 29), date(2026, 4, 4)  # what is known a week later
LEO, EMIL = "leo@example.com", "emil@example.com"
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


def put(whose: str, week: date = WEEK, moved: str = FALL) -> None:
    days = (week, week + timedelta(days=6))
    told = Brief(moved, "Most of it is 'refunds|x' in chat.", "Read ten of them.", "resolution", Slice(), *days, now(),
                 (Step("Read ten of them", "conversations", {"channel": "chat"}), Step("See the gaps", "gaps", {})))  # fmt: skip
    numbers = (
        Number("resolution", "Resolved", "75 % (74–76, n = 4,200)", "80 %", "−5 points", True, *days, "conversations", {"a": "1"}),
        Number("reopen", "Opened again", "5 % (4–6, n = 900)", "", "", None, *EARLIER, "conversations", {"b": "2"}),
    )  # fmt: skip
    sections = (Section("Alerts", (), "No monitor found anything."), Section("Gaps", (Line("1 gap opened, 0 closed.", "gaps", {}),)))
    with store.writing() as db:
        db.add(Digest(week=week, whose=whose, told=Told(told, numbers, sections).kept()))


@on_sqlite
def test_the_console_tells_the_newest_or_the_week_of_a_day(run: Run, staff: Staff) -> None:  # noqa: F811
    refused(run("digest", "--by", EMIL), 1, "There is no digest yet")
    refused(run("digest"), 1, "may not read")
    put(EVERYBODYS)
    put(EVERYBODYS, WEEK - digest.WEEK, "Nothing moved.")
    put(staff.oak.id, moved="Oak alone.")
    newest = run("digest", "--by", EMIL).out
    assert newest.startswith("Week of 6–12 April 2026, all teams".replace(" 2026", "")) and FALL in newest
    assert "- Opened again: 5 % (4–6, n = 900), of 29 March – 4 April (nothing in the four weeks before)" in newest
    assert "Nothing moved." in run("digest", "--week", "2026-04-01", "--by", EMIL).out
    assert "Oak alone." in run("digest", "--by", LEO).out and "Oak alone." not in newest
    refused(run("digest", "--week", "2026-02-01", "--by", EMIL), 1, "There is no digest of the week of 2026-01-26.")
    refused(run("digest", "--week", "soon", "--by", EMIL), 2, "'soon' is no day. A day is written like 2026-11-16.")
    told = run("digest", "--json", "--by", EMIL).told
    assert (told["week"], told["moved"], told["numbers"][0]["beyond_chance"]) == ("2026-04-06", FALL, True)
    assert told["numbers"][1]["since_corrected"].startswith("nothing known"), "no day was ever counted here"


def test_markdown_links_each_number_and_no_name_is_a_sign(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    put(EVERYBODYS)
    found = digest.required(by=staff.engineer)
    bare = digest_text.markdown(found, by=staff.engineer)
    assert "| Resolved | [75 % (74–76, n = 4,200)](/conversations?a=1) (since corrected: " in bare
    assert "'refunds\\|x'" in bare and bare.count("\n| ") == 4
    monkeypatch.setenv("PORTAL_PUBLIC_URL", "https://portal.example.com/")
    config.reset()
    whole = digest_text.markdown(found, by=staff.engineer)
    assert "](https://portal.example.com/conversations?a=1)" in whole and "](/" not in whole
    assert "- [1 gap opened, 0 closed.](https://portal.example.com/gaps)" in whole and "No monitor found anything." in whole
    assert "−5 points, beyond chance" in whole and "(since corrected: " in whole


@pytest.fixture(scope="module")
def program(module_home: tuple[Path, str]) -> Iterator[httpx.Client]:
    """With a token for figures alone, of somebody of one team."""
    home, url = module_home
    with inside(home, url):
        staff = hire()
        put(EVERYBODYS)
        put(staff.oak.id, moved="Oak alone.")
        secret = tokens.issue("grafana", ["monitor"], staff.lead, by=people.console())
        other = tokens.issue("reader", ["label"], staff.lead, by=people.console())
    with serving(home, url) as server:
        client = server.browser(Authorization=f"Bearer {secret}")
        del client.headers["Origin"]
        client.headers["X-Other"] = other
        yield client


def test_a_program_reads_it_as_json_and_as_markdown_of_its_persons_team(program: httpx.Client) -> None:
    told = program.get("/api/v1/digest").json()
    assert (told["week"], told["until"], told["whose"], told["moved"]) == ("2026-04-06", "2026-04-12", "Oak", "Oak alone.")
    assert [one["title"] for one in told["sections"]] == ["Alerts", "Gaps"] and told["steps"][0]["address"] == "/conversations?channel=chat"
    told_as = program.get("/api/v1/digest", params={"markdown": True, "week": "2026-04-08"})
    assert told_as.headers["content-type"] == "text/markdown; charset=utf-8" and told_as.text.startswith("# Week of 6–12 April")
    assert program.get("/api/v1/digest", params={"week": "2026-01-01"}).status_code == 422
    assert program.get("/api/v1/digest", params={"week": "soon"}).status_code == 422
    barred = program.get("/api/v1/digest", headers={"Authorization": f"Bearer {program.headers['X-Other']}"})
    assert barred.status_code == 403, "a token that is not for figures"


@on_sqlite
def test_the_page_shows_each_week_and_takes_who_wants_no_mail_at_their_word(staff: Staff) -> None:
    page = sit_down(staff.engineer).switch_page("screens/digest.py").run()
    assert not page.exception and "There is no digest yet." in page.info[0].value
    put(EVERYBODYS)
    put(EVERYBODYS, WEEK - digest.WEEK, "Nothing moved.")
    page.run()
    words = "\n".join(one.value for one in (*page.markdown, *page.caption)).replace("\\", "")
    assert not page.exception and FALL in words and "−5 points from 80 %, beyond chance" in words
    assert "Since corrected: nothing known" in words and "nothing in the four weeks before" in words
    page.selectbox(f"digest_week_{WEEK}").set_value(WEEK - digest.WEEK).run()
    assert not page.exception and any("Nothing moved." in one.value.replace("\\", "") for one in page.markdown)
    page.toggle("digest_mail").set_value(False).run()
    kept = people.get(staff.engineer.id)
    assert not page.exception and kept is not None and kept.no_digest
    page.toggle("digest_mail").set_value(True).run()
    kept = people.get(staff.engineer.id)
    assert kept is not None and not kept.no_digest


@on_sqlite
def test_a_step_to_a_page_that_is_not_theirs_is_not_offered(staff: Staff) -> None:
    put(EVERYBODYS)
    for person, labels in ((staff.engineer, ["Read ten of them", "See the gaps"]), (staff.admin, ["Read ten of them"])):
        page = sit_down(person).switch_page("screens/digest.py").run()
        assert not page.exception and [one.label for one in page.button if (one.key or "").startswith("digest_step")] == labels
