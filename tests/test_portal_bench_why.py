"""What `portal bench why` prints: shares of simulations with their intervals, for each kind of week that is drawn."""

import json

import numpy as np
from typer.testing import CliRunner

from portal import bench
from portal.bench import why


def test_the_figures_are_shares_of_as_many_weeks_as_were_drawn() -> None:
    done = CliRunner().invoke(bench.app, ["why", "--simulations", "2", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["simulations"] == 2 and told["parts looked at, median"] > 50
    shares = [value for name, value in told.items() if name.startswith(("nothing", "10 points", "only")) and isinstance(value, str)]
    assert len(shares) == 9 and all(one.endswith("n = 2)") for one in shares)
    assert 0 < told["explained in ms, p50"] <= told["explained in ms, p95"]


def test_the_drawn_weeks_are_of_customers_who_write_more_than_once_and_parts_of_every_size() -> None:
    made = why.drawn(np.random.default_rng(1), 8_000)
    assert 7_000 < np.bincount(made.week).min() <= np.bincount(made.week).max() < 9_000
    large, small = why.plantable(made, 2_000, 1_000_000), why.plantable(made, 400, 800)
    assert {len(part) for part in small} == {1, 2} and len(large) < len(small)
    planted = large[0]
    assert made.of(planted).sum() < len(made.week) and (made.columns["intent"][made.of({"intent": 3})] == 3).all()


def test_what_is_planted_is_found_and_the_control_without_it_is_silent() -> None:
    made = why.drawn(np.random.default_rng(2), 8_000)
    part = why.plantable(made, 1_500, 1_000_000)[0]
    assert why.looked(made, planted=part)[0].parts[0].of == part
    assert not why.looked(made, planted=part, fall=0.0)[0].outstanding


def test_of_eight_measures_the_one_that_fell_is_told_first_with_its_part_and_without_a_fall_none() -> None:
    told = why.of_sentences(simulations=1, seed=4)
    assert told["simulations"] == 1 and told["measures in each"] == 8
    assert [value.split()[0] for value in told.values() if isinstance(value, str)] == ["100", "100", "100"]


def test_ten_points_in_a_part_of_few_are_not_told_and_do_not_count_as_told() -> None:
    assert why.told_of(4, low=50, high=60) == why.Sentences(silent=True, measure=False, part=False)
