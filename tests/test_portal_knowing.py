"""`portal knowledge`: a folder is brought, proposed, published, asked and taken out; what a person and a program are told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from data import approvals
from knowledge import articles
from knowledge.articles import Filter
from portal import jobs
from tests.conftest import Staff
from tests.test_knowledge_answerers import SHELF, case, frozen
from tests.test_knowledge_answering import asked, speak
from tests.test_knowledge_gaps import BICYCLES, asks
from tests.test_portal_cli import Done, refused, run  # noqa: F401

Command = Callable[..., Done]
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)
QUESTION = "How many working days does a parcel take abroad?"


@pytest.fixture
def command(run: Command, staff: Staff) -> Command:  # noqa: F811
    """`portal knowledge …`, by whoever may, where nobody is named."""
    usual = {"import": staff.lead, "propose": staff.rep, "gaps": staff.rep}

    def call(name: str, *arguments: str | Path) -> Done:
        by = ("--by", usual[name].email) if name in usual and "--by" not in arguments else ()
        return run("knowledge", name, *arguments, *by)

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "help pages"
    made.mkdir()
    for title in ("Delivery times", "Opening hours", "Invoices"):
        (made / f"{articles.slug_of(title)}.md").write_text(f"# {title}\n\n{SHELF[title]}\n")
    return made


def publish(staff: Staff, command: Command) -> None:
    told = command("propose", "--why", "We move.", "--json").told
    for proposal_id in told["proposals"]:
        approvals.approve(proposal_id, by=staff.other)
    jobs.run_waiting()


def test_a_folder_goes_its_whole_way_at_the_console(command: Command, staff: Staff, folder: Path, tmp_path: Path) -> None:
    assert command("list").out == "There is no article yet.\n"
    assert command("import", folder, "--dry-run").out == "3 articles can be read.\n" and command("list").out.startswith("There is no")
    first = command("import", folder, "--by", staff.lead.email)
    assert (first.code, first.out) == (0, "3 new articles, 0 changed, 0 as they were. Nothing of it is published yet.\n")
    again = command("import", folder, "--json").told
    assert (again["new"], again["changed"], again["unchanged"], again["refused"]) == (0, 0, 3, [])
    assert (
        command("list", "--state", "published").out == "There is no article yet.\n"
        and command("search", QUESTION).out == "Nothing was found.\n"
    )
    proposed = command("propose", "--why", "We move.", "--by", staff.rep.email)
    assert (proposed.code, proposed.out) == (0, "Proposed: publish 3 articles. Another person decides on Approvals.\n")
    refused(command("propose", "--why", "We move.", "--by", staff.rep.email), 1, "the same already waits for approval")
    approvals.approve(approvals.waiting(by=staff.other)[0].id, by=staff.other)
    jobs.run_waiting()
    told = command("list", "--json").told["articles"]
    assert [(one["slug"], one["published"], one["newest"]) for one in told] == [
        ("delivery-times", 1, 1), ("invoices", 1, 1), ("opening-hours", 1, 1)
    ]  # fmt: skip
    assert command("search", QUESTION, "--json").told["found"][0]["article"] == "delivery-times"
    speak(staff)
    answered = command("answer", QUESTION, "--by", staff.rep.email)
    assert answered.code == 0 and answered.out.splitlines()[-1] == "[1] Delivery times (delivery-times 1)"
    assert answered.out.startswith("A parcel takes three working days within the country. [1]")
    out = tmp_path / "taken out"
    assert command("export", out).out == f"3 articles were written to {out}.\n"
    assert command("import", out, "--json").told["unchanged"] == 3
    refused(command("export", out), 1, "taken out")


def test_an_answer_for_a_program_and_silence_is_exit_1(command: Command, staff: Staff, folder: Path) -> None:
    command("import", folder)
    publish(staff, command)
    speak(staff)
    told = command("answer", QUESTION, "--json").told
    assert set(told) == {"answerer", "declined", "why", "reply", "sentences", "confidence", "sources"} and told["answerer"] == 1
    assert told["reply"] == SHELF["Delivery times"] and set(told["sources"][0]) == {"article", "number", "title", "quote"}
    silent = command("answer", "What is the capital of Peru?")
    assert (silent.code, silent.out) == (1, "Nothing was found that has to do with it.\n")
    silent = command("answer", "What is the capital of Peru?", "--json")
    assert silent.code == 1 and silent.told["declined"] and silent.told["sources"] == []
    refused(command("answer", " "), 1, "Nothing was asked: write a question.")
    refused(command("answer", "x" * 2_001), 1, "at most 2,000 characters")
    refused(command("answer", QUESTION, "--by", staff.admin.email), 1, "admin may not")


@on_sqlite
def test_what_cannot_be_read_is_said_in_a_sentence_each_and_the_rest_comes_in(command: Command, staff: Staff, folder: Path) -> None:
    (folder / "empty.md").write_text("")
    (folder / "blank.md").write_text("# Only a title\n")
    (folder / "large.md").write_text("# Large\n\n" + "many words " * 480_000)
    (folder / "twin.md").write_text((folder / "invoices.md").read_text())
    (folder / "bytes.md").write_bytes(b"\xff\xfe\x00")
    (folder / "picture.png").write_bytes(b"x")
    done = command("import", folder)
    assert done.code == 1 and done.out.startswith("3 new articles, 0 changed, 0 as they were.")
    told = {line.removeprefix("Not read: ").partition(": ")[0]: line for line in done.out.splitlines()[1:]}
    assert set(told) == {"empty.md", "blank.md", "large.md", "twin.md", "bytes.md", ".png"}
    assert all(line.endswith(".") and len(line) < 300 for line in told.values())
    assert "word for word what invoices.md says" in told["twin.md"] and "not UTF-8" in told["bytes.md"]
    assert "1 file was not read" in told[".png"] and "5.3 MB of text, 1 MB is the most" in told["large.md"]
    (folder / "large.md").write_text("x" * 9_000_000)
    assert "large.md" in command("import", folder).out and len(articles.listed(Filter(), by=staff.rep)) == 3
    refused(command("import", folder / "nowhere"), 2, "there is no")


@on_sqlite
def test_an_empty_folder_brings_nothing(command: Command, staff: Staff, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    done = command("import", tmp_path / "nothing")
    assert (done.code, done.out) == (0, "0 articles can be read.\n")


@on_sqlite
def test_many_that_cannot_be_read_are_counted(command: Command, staff: Staff, folder: Path) -> None:
    for number in range(25):
        (folder / f"empty {number:02}.md").write_text(" ")
    done = command("import", folder)
    assert done.out.count("Not read: ") == 20 and done.out.endswith("… and 5 more that could not be read.\n")
    assert len(command("import", folder, "--json").told["refused"]) == 25


@on_sqlite
def test_who_may_not_or_asks_for_what_is_not_there_hears_it(command: Command, staff: Staff, folder: Path) -> None:
    refused(command("import", folder, "--by", staff.rep.email), 1, "rep may not")
    refused(command("list", "--state", "lost"), 2, "There is no state 'lost'")
    refused(command("propose", "--why", "x", "--by", staff.rep.email), 1, "every article is published as it is")
    command("import", folder)
    refused(command("propose", "nothing", "--why", "x", "--by", staff.rep.email), 1, "'nothing' is no article with a draft")
    refused(command("export", folder / "out", "--by", staff.admin.email), 1, "admin may not")
    refused(command("gaps", "--by", staff.admin.email), 1, "admin may not")
    refused(command("search", QUESTION, "--by", staff.admin.email), 1, "admin may not")


def test_what_breaks_a_case_is_proposed_with_a_reason_only(command: Command, staff: Staff, folder: Path) -> None:
    command("import", folder)
    publish(staff, command)
    speak(staff)
    frozen(staff, [case(QUESTION, "delivery-times")])
    (folder / "delivery-times.md").write_text("---\nid: delivery-times\n---\n# Bees\n\nBees sleep in winter.\n")
    assert command("import", folder, "--json").told["changed"] == 1
    done = command("propose", "--why", "Other things.", "--by", staff.rep.email)
    assert done.code == 1 and "1 broken, 0 as before. Mend it, or say why it is right" in done.err
    told = command("propose", "--why", "Other things.", "--despite", "We deliver no more.", "--by", staff.rep.email, "--json")
    assert told.code == 0 and (told.told["articles"], len(told.told["proposals"])) == (1, 1)
    assert not asked(staff, QUESTION)["declined"]  # nobody has approved it


def test_gaps_are_looked_for_and_told(command: Command, staff: Staff) -> None:
    assert command("gaps").out == "No gap is open.\n"
    asks(staff)
    done = command("gaps", "--by", staff.rep.email)
    assert done.code == 0 and done.out.split(maxsplit=1)[0] == "3" and "rent a bicycle" in done.out
    (told,) = command("gaps", "--json").told["gaps"]
    assert (told["asked"], told["people"], told["why"]) == (3, 3, {"declined": 3}) and told["name"] in BICYCLES
    assert json.dumps(told)
