"""Why a measure moved, from the days' figures on both engines to the sentences that a lead reads."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import insert, update

from classifiers import labels
from data import defined, store, trends
from data.errors import Denied, Refused
from data.tables import Daily, Person
from data.trends import Slice
from evals import parts, why
from evals.causes import Marker
from evals.why import Why
from tests.conftest import Staff
from tests.test_evals_parts import CALM, Cell, found, more_refunds, week

RESOLUTION, STARS = defined.of("resolution"), defined.of("csat_mean")
SINCE = date(2026, 4, 6)
NAMES = {"channel": why.CHANNELS, "team": {"A": "Blue", "B": "Green"}}


def told(off: Callable[[Cell], float], **more: object) -> list[str]:
    return why.sentences(RESOLUTION, found(off, **more), NAMES)  # type: ignore[arg-type]


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def test_the_fall_and_the_part_that_carries_it_are_told_with_their_figures() -> None:
    headline, part = told(lambda cell: -0.4 * (cell[:2] == ("refunds", "chat")))
    assert headline == "Resolution fell 4 points (76 → 72\u00a0%, n\u00a0=\u00a08,000).".replace("Resolution", RESOLUTION.title)
    assert part.startswith("Most of it is refunds in chat: 60 → 20\u00a0% (−40, −4") and part.endswith("; −4.0 of the 4 points).")
    assert "n\u00a0=\u00a0800" in part


def test_an_even_fall_says_that_it_is_everywhere() -> None:
    [only] = told(lambda _: -0.05)
    assert only.endswith("No part of it stands out: it went about the same way everywhere.")


def test_when_nothing_stands_out_that_is_all_that_is_said() -> None:
    [only] = told(lambda _: -0.03, weeks=(0.03, -0.025, 0.02, -0.03))
    assert only.endswith("No part of it stands out: the fall of 3 points is within what weeks differ by.")
    [same] = told(lambda _: 0.0)
    assert same == f"{RESOLUTION.title} stayed at 76\u00a0% (n\u00a0=\u00a08,000). No part of it stands out."


def test_a_part_that_moves_while_the_whole_does_not_is_told_as_such() -> None:
    def off(cell: Cell) -> float:
        return {("refunds", "chat"): -0.1, ("billing", "chat"): 0.08}.get(cell[:2], 0.0)

    headline, *others = told(off)
    assert "as a whole moved no more than weeks differ by" in headline
    assert len(others) == 2 and all("of the whole)." in one for one in others)
    assert others[1].startswith("Billing in chat rose") or others[0].startswith("Billing in chat rose")


def test_a_part_that_went_the_other_way_is_against_it() -> None:
    def off(cell: Cell) -> float:
        return {("orders", "chat"): -0.3, ("refunds", "voice"): 0.25}.get(cell[:2], 0.0)

    assert [one.split(":")[0] for one in told(off)[1:]] == ["Most of it is orders in chat", "Against it, refunds in calls rose"]


def test_a_shift_of_the_mix_is_told_as_one_and_blames_nobody() -> None:
    one = parts.look([week(lambda _, by=by: by) for by in CALM], week(lambda _: 0.0, of=more_refunds()))  # type: ignore[misc]
    _, shift = why.sentences(RESOLUTION, one, NAMES)
    assert shift.startswith("No part of it became better or worse by itself; what came is mixed otherwise: ")
    assert "refunds grew from 20 to 43\u00a0% of conversations, at 60\u00a0% (−4.6 of the 5 points)" in shift


def test_a_mean_is_told_in_its_own_unit() -> None:
    one = found(lambda cell: -0.4 * (cell[:2] == ("refunds", "chat")))
    headline, part = why.sentences(STARS, one, NAMES)
    assert "(0.76 → 0.72 stars" in headline and "0.60 → 0.20 stars (−0.40" in part


def test_teams_versions_and_what_is_not_known_have_names() -> None:
    assert why.named("team", "A", NAMES) == "team Blue"
    assert why.named("version", "recipe:refunds@4", NAMES) == "version 4 of 'refunds'"
    assert why.named("intent", "", NAMES) == "conversations without an intent"
    assert why.named("language", "de", NAMES) == "language de"


# -- from the days' figures ---------------------------------------------------------------------------------------------------------------


def days(intents: dict[str, str], off: Callable[[date, Cell], float], teams: dict[str, str]) -> Iterable[dict[str, object]]:
    """Five weeks, 600 conversations a day, as the roll-ups hold them: each cut on its own, for each team and for all."""
    for at, cut in product(range(35), trends.CUTS):
        day = SINCE + timedelta(days=at - 28)
        made: dict[tuple[str, ...], list[float]] = {}
        for intent, channel, team in product(intents, ("chat", "email"), teams):
            n = 100 if intent == "refunds" else 200
            k = round(n * (0.8 + off(day, (intent, channel, team))))
            known = {"channel": channel, "intent": intents[intent], "segment": "new", "language": "en", "version": "recipe:refunds@4"}
            cells = [known[name] if name in cut else "" for name in ("channel", "intent", "segment", "language", "version")]
            for whose in (teams[team], trends.EVERYBODYS):
                held = made.setdefault((whose, *cells), [0, 0])
                held[0], held[1] = held[0] + n, held[1] + k
        for (team, channel, intent, segment, language, version), (n, k) in made.items():
            yield {
                "day": day.toordinal(), "cut": " ".join(sorted(cut)), "measure": "resolution", "team_id": team, "channel": channel,
                "intent_id": intent, "segment": segment, "language": language, "version": version, "n": n, "weight": n, "weight_sq": n,
                "sum": k, "sum_sq": k, "sketch": None,
            }  # fmt: skip


def stored(staff: Staff, off: Callable[[date, Cell], float]) -> dict[str, str]:
    intents = {name: labels.add(name, description=f"About {name}.", by=staff.lead).id for name in ("refunds", "orders")}
    with store.writing() as db:
        db.connection().execute(
            insert(Daily), list(days(intents, off, {"ours": staff.lead.team_id or "", "theirs": staff.other.team_id or ""}))
        )
    return intents


def asked(by: Person, **more: object) -> Why:
    return why.why("resolution", by=by, since=SINCE, until=SINCE + timedelta(days=6), **more)  # type: ignore[arg-type]


def refunds_in_chat_since(first: date) -> Callable[[date, Cell], float]:
    return lambda day, cell: -0.3 * (day >= first and cell[:2] == ("refunds", "chat"))


def test_a_lead_reads_what_fell_and_after_which_release(staff: Staff) -> None:
    intents = stored(staff, refunds_in_chat_since(SINCE + timedelta(days=2)))
    at = datetime.combine(SINCE, datetime.min.time(), UTC) + timedelta(hours=9)
    release = Marker("release", "refunds", 4, at, {"intent": frozenset({intents["refunds"]})}, "releases")
    other = Marker("release", "orders", 7, at + timedelta(days=2), {"intent": frozenset({intents["orders"]})}, "releases")
    one = asked(staff.admin, markers=[other, release])
    assert [dict(part.of) for part in one.found.outstanding] == [{"intent": intents["refunds"], "channel": "chat"}]
    assert one.began is not None and one.began.day == SINCE + timedelta(days=2)
    assert [cause.marker for cause in one.causes] == [release]
    assert "Most of it is refunds in chat: 80 →" in one.sentence
    assert one.sentence.endswith("It began 2 days after release 4 of 'refunds' went live.")


def test_what_a_classifier_says_is_explained_by_classifiers_and_its_silence_not_by_the_missing_intent(staff: Staff) -> None:
    stored(staff, refunds_in_chat_since(SINCE))
    at = datetime.combine(SINCE, datetime.min.time(), UTC) + timedelta(hours=9)
    article, version = Marker("article", "Refund times", 4, at), Marker("classifier", "intent", 6, at)
    assert {cause.marker.kind for cause in asked(staff.admin, markers=[article, version]).causes} == {"article", "classifier"}
    for measure in ("agreement", "abstention"):
        with store.writing() as db:
            db.execute(update(Daily).values(measure=measure))
        one = why.why(measure, by=staff.admin, since=SINCE, until=SINCE + timedelta(days=6), markers=[article, version])
        assert [cause.marker for cause in one.causes] == [version]
        assert any("intent" in part.of for part in one.found.parts) == (measure == "agreement")


def test_without_a_change_nothing_is_asked_further(staff: Staff) -> None:
    stored(staff, lambda day, cell: 0.0)
    one = asked(staff.admin)
    assert one.found.silent and one.began is None and not one.causes
    assert one.sentences == [f"{RESOLUTION.title} stayed at 80\u00a0% (n\u00a0=\u00a08,400). No part of it stands out."]


def test_a_lead_is_told_of_the_own_team_alone(staff: Staff) -> None:
    stored(staff, lambda day, cell: -0.4 * (day >= SINCE and cell[2] == "theirs"))
    ours, theirs = asked(staff.lead), asked(staff.other)
    assert ours.found.silent and ours.found.n_after * 2 == 8_400
    assert theirs.found.moved and theirs.found.change == pytest.approx(-0.4, abs=0.01)


def test_what_is_asked_of_one_channel_is_explained_within_it(staff: Staff) -> None:
    intents = stored(staff, refunds_in_chat_since(SINCE))
    one = asked(staff.admin, of=Slice(channel="chat"))
    assert [dict(part.of) for part in one.found.outstanding] == [{"intent": intents["refunds"]}]
    assert asked(staff.admin, of=Slice(channel="email")).found.silent


def test_what_does_not_split_is_refused_and_says_why(staff: Staff) -> None:
    with pytest.raises(Refused, match="'Conversations' is neither a share nor a mean"):
        why.why("volume", by=staff.lead, since=SINCE, until=SINCE)
    with pytest.raises(Refused, match="holds no day to compare"):
        why.why("resolution", by=staff.lead, since=SINCE, until=SINCE - timedelta(days=1))
    with pytest.raises(Refused, match="nothing to compare, with 0 conversations before and 0 since"):
        asked(staff.admin)


def test_who_may_not_read_dashboards_is_told_nothing(staff: Staff) -> None:
    nobody = Person(name="Nobody", email="nobody@example.com", role="none", team_id=None)
    with pytest.raises(Denied):
        asked(nobody)
