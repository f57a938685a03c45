"""The measurement of live runs measures runs that did all that they should, in a portal of its own."""

from pathlib import Path

from sqlmodel import func, select

from data import store
from data.tables import Action, Conversation
from portal.bench import live_runs


def test_what_is_measured_ran_to_its_end_and_leaves_this_portal_alone(home: Path) -> None:
    told = live_runs.run(runs=3)
    assert told["live runs"] == 3 and 0 < told["a live run, ms p50"] <= told["a live run, ms p95"]
    with store.reading() as db:
        assert [db.exec(select(func.count()).select_from(table)).one() for table in (Action, Conversation)] == [0, 0]
