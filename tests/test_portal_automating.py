"""`portal automation`: recipes as files in and out, checked, tried on a conversation and on what came before."""

import json
from pathlib import Path
from typing import Any

from automations import RECIPE, gallery, reading, recipes, release
from automations.steps.all import DECLARATIONS
from data import approvals, releases
from tests.conftest import Staff
from tests.test_automations_backtest import Market, market
from tests.test_automations_release import SMALL, backtested, kept
from tests.test_automations_replay import PAYS, change, goes_live, runs
from tests.test_portal_cli import Run, refused, run

__all__ = ["market", "run"]  # fixtures
READY = {one.name: one for one in gallery.ready()}


def written(folder: Path, name: str = "where-is-my-order", **change: str) -> Path:
    file = folder / f"{name}.yaml"
    told = reading.written(READY[name])
    for before, after in change.items():
        assert before in told
        told = told.replace(before, after)
    file.write_text(told)
    return file


def mail(staff: Staff) -> tuple[str, str]:
    return "--by", staff.rep.email


def test_a_file_is_checked_and_nothing_is_kept(run: Run, staff: Staff, tmp_path: Path) -> None:
    done = run("automation", "check", written(tmp_path))
    assert (done.code, done.out) == (0, "Nothing is wrong with 'where-is-my-order'.\n")
    wrong = run("automation", "check", written(tmp_path, **{"order.days_late": "order.days"}))
    assert wrong.code == 1 and "cannot be used yet" in wrong.err and "order.days" in wrong.err
    assert recipes.listed(by=staff.rep) == []


def test_a_file_that_is_none_is_refused_with_its_line(run: Run, tmp_path: Path, staff: Staff) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\nsteps: [\n")
    refused(run("automation", "check", broken), 1, "the file is not YAML: did not find expected node content, line 3")
    refused(run("automation", "check", tmp_path / "gone.yaml"), 2, "cannot be opened")


def test_a_recipe_goes_in_and_comes_out_the_same(run: Run, staff: Staff, tmp_path: Path) -> None:
    assert run("automation", "list", *mail(staff)).out == "There is no recipe yet.\n"
    done = run("automation", "import", written(tmp_path), *mail(staff), "--json")
    assert done.told == {"name": "where-is-my-order", "number": 1}
    changed = written(tmp_path, promised="said")
    assert "Kept as version 2" in run("automation", "import", changed, "--why", "Plainer.", *mail(staff)).out
    refused(run("automation", "import", changed, *mail(staff)), 1, "nothing changed since version 2")
    assert run("automation", "export", "where-is-my-order@1", *mail(staff)).out == reading.written(READY["where-is-my-order"])
    assert reading.read(run("automation", "export", "where-is-my-order", *mail(staff)).out, DECLARATIONS).acts
    (row,) = run("automation", "list", *mail(staff), "--json").told["recipes"]
    assert row == {"name": "where-is-my-order", "title": "Where is my order", "newest": 2, "live": None}
    refused(run("automation", "export", "none@x", *mail(staff)), 2, "names no recipe")
    refused(run("automation", "export", "none", *mail(staff)), 1, "There is no recipe 'none'")


def test_the_schema_is_one_object_for_editors(run: Run, staff: Staff) -> None:
    told: dict[str, Any] = json.loads(run("automation", "schema").out)
    assert told["$schema"].endswith("2020-12/schema") and "steps" in json.dumps(told)


def test_it_is_tried_and_backtested_on_the_shop_beside_it(run: Run, market: Market, tmp_path: Path) -> None:
    conversation_id = market.comes(days_late=0)
    run("automation", "import", written(tmp_path, name="refund-on-its-way"), *mail(market.staff))
    done = run("automation", "dry-run", "refund-on-its-way", conversation_id, *mail(market.staff))
    assert done.code == 0 and "It leaves this conversation alone." in done.out  # no intent was recognised
    run("automation", "import", written(tmp_path, name="answer-from-articles"), *mail(market.staff))
    done = run("automation", "backtest", "answer-from-articles", *mail(market.staff))
    assert done.code == 0 and done.out.startswith("It has something for the customer in 0 of 1 conversations (0")
    told = run("automation", "backtest", "answer-from-articles", "--most", "1", *mail(market.staff), "--json").told
    assert told["conversations"] == 1 and told["inputs"] and told["lines"][0]["conversation"] == conversation_id


def test_a_run_is_done_again_and_its_record_written(run: Run, market: Market, tmp_path: Path) -> None:
    goes_live(market, PAYS)
    (trace,) = runs(market, market.comes(days_ago=0.1))
    done = run("automation", "replay", trace.id, *mail(market.staff))
    assert (done.code, done.out) == (0, "Done again from what was frozen: 6 steps and 2 effects, all are the same.\n")
    change(trace, "back", amount="7.00")
    changed = run("automation", "replay", trace.id, *mail(market.staff), "--json")
    assert changed.code == 1 and changed.told["exact"] is False and "'back' (refund): it gave amount 7.00" in changed.told["differs"][0]
    refused(run("automation", "replay", "none", *mail(market.staff)), 1, "that run is not here")
    file = tmp_path / "record.html"
    assert run("automation", "record", trace.id, "--out", file, *mail(market.staff)).out == f"Written to {file}.\n"
    assert file.read_text().startswith("<!doctype html>") and "Refund 5.00 EUR" in file.read_text()
    refused(run("automation", "record", trace.id, "--out", file, *mail(market.staff)), 2, "exists, or cannot be made")


# -- released and stopped


def test_it_is_proposed_looked_at_and_stopped(run: Run, staff: Staff, tmp_path: Path) -> None:
    target = kept(SMALL, staff)
    refused(run("automation", "propose", SMALL.name, "--why", "Often.", *mail(staff)), 1, "was not backtested yet")
    backtested(target)
    refused(run("automation", "propose", SMALL.name, "--why", "Often."), 1, "")  # the console proposes nothing
    asked = run("automation", "propose", f"{SMALL.name}@1", "--why", "Often.", "--channel", "chat", *mail(staff), "--json").told
    assert (asked["kind"], asked["state"]) == ("publish_small", "open")
    assert run("automation", "status").out == "No recipe is in force.\n"
    approvals.approve(asked["proposal"], by=staff.lead)
    begun = release.publish_approved(asked["proposal"])
    assert begun.audience == {"channel": ["chat"]}
    told = run("automation", "status")
    assert "marked 1 runs beside the live version" in told.out and "Failed: 0 of 0 runs in a day; stops at 5 runs" in told.out
    (row,) = run("automation", "status", "--json").told["releases"]
    assert (row["name"], row["stage"]) == ("marked", "shadow") and row["asks"] and row["trips"]
    refused(run("automation", "stop", "marked", "--all", "--why", "Wrong.", *mail(staff)), 2, "either a recipe's name or --all")
    refused(run("automation", "stop", "marked", "--why", "Wrong."), 1, "")  # the console stops nothing
    done = run("automation", "stop", "marked", "--why", "Wrong.", *mail(staff))
    assert done.out.startswith("'marked' is stopped.") and releases.under_way(RECIPE, "marked") is None
    refused(run("automation", "stop", "--all", "--why", "Wrong.", *mail(staff)), 1, "nothing of it is in force")
