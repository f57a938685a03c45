"""The first week: a path for each role on screens that it has, done by what the person did, kept, put away and taken up again."""

import ast
from collections import Counter
from dataclasses import replace

import pytest
import typer
from streamlit.testing.v1 import AppTest

from classifiers import labels
from data import access, approvals, audit, calibration, config, first_steps, people, reviews, sessions
from data.errors import Busy
from data.tables import Person
from portal import cli, first_week
from portal.first_week import Week
from portal.first_week_paths import NOTHING_THERE, PATHS, Day, Step
from tests.conftest import Staff
from tests.test_data_calibration import hold_up, wanted
from tests.test_data_reviews import arrive
from tests.test_screens import button, open_screen, sit_down, words

STEPS = {role: [step for day in days for step in day.steps] for role, days in PATHS.items()}
OWN_COUNTS = {"asked question", "judged answer", "became case", "ran set", "had set run", "compared runs", "set rubric"}
BEFORE = {"looked at quality person"}  # how a look was noted once


def of(role: str) -> Person:
    return Person(name="Somebody", email="somebody@example.com", role=role)


# -- the paths ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", access.ROLES)
def test_each_role_has_five_days_of_two_or_three_steps_that_it_may_take(role: str) -> None:
    days = PATHS[role]
    assert len(days) == 5 and {len(day.steps) for day in days} <= {2, 3}
    assert len({step.key for step in STEPS[role]}) == len(STEPS[role])
    registered = [step for step in STEPS[role] if step.right in access.TABLE]
    assert [step.key for step in registered if not access.may(of(role), step.right)] == []
    for step in STEPS[role]:
        assert step.what.endswith(".") and step.why.endswith(".") and not step.title.endswith("."), step.key


def pages() -> dict[str, str]:
    """The screens, each with its right; read and not imported, as the module draws when it is."""
    tree = ast.parse((config.ROOT / "portal" / "app.py").read_text())
    (found,) = (node.value for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "PAGES")
    return {name: right for group in ast.literal_eval(found or "").values() for name, _title, _icon, right in group}


@pytest.mark.parametrize("role", access.ROLES)
def test_whoever_may_take_a_step_has_its_screen(role: str) -> None:
    known = pages()
    for step in STEPS[role]:
        if access.may(of(role), step.right):
            assert access.may(of(role), known[step.page]), step.key


def recorded() -> set[str]:
    """Each verb and noun that the record knows, as they are written where something is recorded."""
    found = set()
    for folder in ("data", "evals", "classifiers", "knowledge", "automations"):
        for path in (config.ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                    verbs, nouns = (
                        [one.value for one in ast.walk(part) if isinstance(one, ast.Constant)] for part in (node.args[2], node.args[3])
                    )  # fmt: skip
                    found |= {f"{verb} {noun}" for verb in verbs for noun in nouns}
    return found


def test_each_step_is_done_by_something_that_the_portal_tells() -> None:
    known = recorded() | OWN_COUNTS | BEFORE
    known |= {f"looked at {page}" for page in pages()} | {f"proposed {kind}" for kind in approvals.KINDS}
    for step in (step for steps in STEPS.values() for step in steps):
        for told in step.done_by:
            assert told in known, f"{step.key}: nothing ever tells '{told}'"


def test_each_command_that_a_step_names_exists() -> None:
    named = {step.terminal for steps in STEPS.values() for step in steps if step.terminal}
    assert len(named) >= 5
    for command in named:
        words_of_it = [word for word in command.split()[1:] if word.islower() and not word.startswith("-")]
        found, context = typer.main.get_command(cli.app), None
        for word in words_of_it:
            context = typer.Context(found, parent=context)
            found = found.get_command(context, word) if isinstance(found, typer.core.TyperGroup) else None
            assert found is not None, command
        taken = [one for one in found.params if one.param_type_name == "argument" and one.required]
        assert len(taken) == sum(word.isupper() for word in command.replace("--by ADDRESS", "").split()), command
        assert ("--by" in command) == any("--by" in one.opts for one in found.params), command  # as the console it is nobody's step


# -- where one stands ---------------------------------------------------------------------------------------------------------------------


def a_step(key: str, times: int = 1, *, there: bool = True) -> Step:
    return Step(
        key, "review", "", "review.record", key.capitalize(), "What.", "Why.", (f"did {key}",), times, something_there=lambda _one: there
    )


def a_week(*did: str, there: bool = True) -> Week:
    days = (Day("One", (a_step("a"), a_step("b", 3))), Day("Two", (a_step("c", there=there), a_step("d"))))
    return Week(of("rep"), days, Counter(did))


def test_it_says_which_day_it_is_how_much_is_done_and_what_comes_next() -> None:
    def told(week: Week) -> str:
        return week.sentence(week.next())

    assert told(a_week()) == "Day 1 of 2: 0 of 4 done, next: A."
    assert told(a_week("did a", "did b", "did b", "did d")) == "Day 1 of 2: 2 of 4 done, next: B."
    assert told(a_week("did a", *["did b"] * 5)) == "Day 2 of 2: 2 of 4 done, next: C."
    assert told(a_week("did a", *["did b"] * 3, "did c", "did d")) == "All 4 steps are done."


def test_what_has_nothing_to_be_done_on_is_gone_round_and_comes_back() -> None:
    week = a_week("did a", *["did b"] * 3, there=False)
    assert [step.key for step in week.next(3)] == ["d"]
    waits = a_week("did a", *["did b"] * 3, "did d", there=False)
    assert waits.next() == [] and waits.sentence([]).startswith("3 of 4 done. For the others nothing waits")
    assert replace(week, days=a_week().days).next(3)[0].key == "c"


def test_only_as_many_steps_are_asked_for_as_are_shown() -> None:
    asked = []

    def there(_person: Person) -> bool:
        asked.append(1)
        return True

    steps = tuple(replace(a_step(key), something_there=there) for key in "abcd")
    assert len(Week(of("rep"), (Day("One", steps),), Counter()).next(2)) == 2
    assert len(asked) == 2


# -- on the screens -----------------------------------------------------------------------------------------------------------------------


def links(app: AppTest) -> list[str]:
    return [one.proto.label for one in app.get("page_link")]


def keys_of(app: AppTest) -> set[str]:
    return {one.key for one in app.button}


def progress(app: AppTest) -> list[str]:
    return [one.proto.text.replace("\\", "") for one in app.get("progress")]


@pytest.mark.parametrize("role", access.ROLES)
def test_the_page_shows_each_step_with_a_way_to_its_screen(staff: Staff, role: str) -> None:
    """A way to a screen that is not there, or not for this role, would be an exception."""
    person = getattr(staff, role)
    week = first_week.of(person)
    app = open_screen(sit_down(person), "first_week")
    assert app.title[0].value == "Your first week"
    assert {f"**{step.title}**" for step in week.steps} <= set(links(app))
    assert all(step.why in words(app) and step.what in words(app) for step in week.steps)
    assert "0 of 2 done" in words(app) and f"Day 1 of 5: 0 of {len(week.steps)} done" in words(app).replace("\\", "")


def test_reviews_fill_the_path_step_by_step(staff: Staff) -> None:
    app = sit_down(staff.rep)
    assert progress(app)[0].startswith("Day 1 of 5: 0 of ") and progress(app)[0].endswith("next: Read a conversation.")
    assert {"**Read a conversation**", "**Review three**"} <= set(links(app))
    ids = [arrive(number) for number in range(1, 5)]
    reviews.record(ids[0], "strong", by=staff.rep)
    assert "**1 of 3 so far.**" in words(open_screen(app, "home"))
    for made in ids[1:3]:
        reviews.record(made, "weak", by=staff.rep)
    reviews.record(ids[3], "weak", by=staff.lead)
    assert progress(open_screen(app, "home"))[0].startswith("Day 1 of 5: 1 of ")
    open_screen(app, "conversation", conversation=ids[0])
    home = progress(open_screen(app, "home"))[0]
    assert home.startswith("Day 2 of 5: 2 of ") and "**Review three**" not in links(app)
    page = words(open_screen(app, "first_week"))
    assert ":green[:material/check_circle:] :gray[Review three]" in page and ":green[:material/check_circle:] done" in page


def test_a_page_that_shows_nothing_without_its_address_is_not_looked_at(staff: Staff) -> None:
    app = open_screen(sit_down(staff.rep), "conversation")
    assert audit.newest(by=staff.rep, noun="page") == []
    open_screen(app, "conversation", conversation=arrive())
    open_screen(app, "conversation", conversation=arrive(2))
    assert [entry.noun_id for entry in audit.newest(by=staff.rep, noun="page")] == ["conversation"]


def test_a_look_is_noted_only_where_it_is_a_step_of_one_s_own(staff: Staff) -> None:
    app = sit_down(staff.lead)
    for screen in ("quality", "digest", "rights", "quality"):
        open_screen(app, screen)
    assert sorted(entry.noun_id for entry in audit.newest(by=staff.lead, noun="page")) == ["digest", "quality"]


def test_a_database_that_is_busy_keeps_nobody_from_reading(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(page: str, *, by: Person) -> None:
        raise Busy(f"Nothing was saved: {page}.")

    noted: set[str] = set()
    with monkeypatch.context() as patch:
        patch.setattr(first_steps, "look", busy)
        first_week.note_look(staff.rep, "quality", {}, noted)
    assert noted == set()
    first_week.note_look(staff.rep, "quality", {}, noted)
    assert noted == {"quality"} and [entry.noun_id for entry in audit.newest(by=staff.rep, noun="page")] == ["quality"]


def test_gold_examples_are_asked_for_once_there_are_some(staff: Staff) -> None:
    app = sit_down(staff.rep)
    assert NOTHING_THERE in words(open_screen(app, "first_week")) and "**Take five gold examples**" not in links(open_screen(app, "home"))
    hold_up(staff, wanted([arrive()], labels.add("Refund", by=staff.lead)))
    assert calibration.next_item(by=staff.rep) is not None
    assert NOTHING_THERE not in words(open_screen(app, "first_week"))
    assert "**Take five gold examples**" in links(open_screen(app, "home"))


def test_it_is_put_away_on_home_and_taken_up_on_account(staff: Staff) -> None:
    app = sit_down(staff.rep)
    button(app, "Put it away").click().run()
    assert progress(app) == [] and "home_first_week_away" not in keys_of(app)
    assert (kept := people.get(staff.rep.id)) and not first_week.is_on(kept)
    open_screen(app, "opportunities")
    assert audit.newest(by=staff.rep, noun="page") == []  # and what is merely looked at is no longer noted
    assert "Home no longer shows it" in words(open_screen(app, "first_week"))
    open_screen(app, "account")
    app.button(key="account_first_week_up").click().run()
    assert "account_first_week_away" in keys_of(app) and "account_first_week_up" not in keys_of(app)
    assert progress(open_screen(app, "home"))[0].startswith("Day 1 of 5: 0 of ")


def test_who_did_it_all_is_told_so(staff: Staff) -> None:
    sessions.start(staff.rep)
    did = Counter({told: 5 for step in STEPS["rep"] for told in step.done_by})
    week = Week(staff.rep, first_week.path(staff.rep), did)
    assert week.share() == 1 and week.next() == []
    assert week.sentence([]) == f"All {len(week.steps)} steps are done."
