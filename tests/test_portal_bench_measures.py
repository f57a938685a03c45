"""The bench of the measures counts what the portal counts, and asks every question of a dashboard."""

import pytest

from portal.bench import measures


def test_a_small_year_is_counted_laid_out_and_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "ROUNDS", 2)
    told = measures.run(365 * 6)
    assert told["conversations_a_day"] == 6 and told["engine"] == "SQLite"
    assert told["counting"]["days"] >= measures.DAYS
    assert told["figures"] > 26 * measures.DAYS * 100  # two weeks' figures, 26 times
    assert len([name for name in told if name.endswith("_ms")]) == 14
    assert told["noticing"]["import_ratio_to_without"] > 0
