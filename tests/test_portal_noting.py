"""`portal note` and the same over HTTP: what happened is written, read and taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from classifiers import labels
from data.values import now
from tests.conftest import Staff
from tests.test_portal_cli import Done, refused, run  # noqa: F401

Command = Callable[..., Done]
EMIL, LEO = "emil@example.com", "leo@example.com"
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    return lambda *arguments: run("note", *arguments)


@on_sqlite
def test_what_happened_is_written_read_by_the_others_and_taken_back(command: Command, staff: Staff) -> None:
    labels.add("Refund", by=staff.lead)
    assert command("list", "--by", EMIL).out == "Nothing stands on the timeline of the last 90 days.\n"
    at = (now() - timedelta(days=3)).isoformat()
    about = ("--incident", "--at", at, "--channel", "chat", "--intent", "Refund")
    made = command("write", "Refunds are late.", *about, "--by", EMIL, "--json").told
    assert (made["kind"], made["channel"], made["intent"], made["team"], made["by"]) == ("incident", "chat", "Refund", None, "Emil")
    listed = command("list", "--by", LEO).out
    assert listed.startswith(made["id"]) and listed.endswith("incident: Refunds are late. (chat, Refund)\n")
    assert command("take-back", made["id"], "--by", EMIL).out == "Taken back: Refunds are late.\n"
    assert command("list", "--by", LEO, "--json").told == {"notes": []}


@on_sqlite
def test_what_cannot_be_written_ends_with_a_sentence(command: Command, staff: Staff) -> None:
    for wrong, code, told in (
        (("--at", "yesterday"), 2, "happened_at cannot be used"), (("--at", "2026-01-05T08:00:00"), 1, "the time needs a zone"),
        (("--intent", "Refund"), 1, "there is no intent 'Refund'"), (("--team", "Elm"), 1, "there is no team 'Elm'"),
        (("--page", "https://example.org"), 1, "a page of the portal only"),
    ):  # fmt: skip
        refused(command("write", "It is slow.", *wrong, "--by", EMIL), code, told)
