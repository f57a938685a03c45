"""A team's work on both engines: what was reviewed of what, what waits since when, how long decisions took. Nobody is named or ranked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scipy.stats import binom

from classifiers import labels
from data import (
    approvals,
    assignments,
    behind,
    config,
    conversations,
    disputes,
    drafts,
    examples,
    people,
    product_feedback,
    reviews,
    rubric,
    store,
    team_decisions,
    team_view,
    team_waiting,
)
from data.conversations import Filter
from data.errors import Denied, Refused
from data.tables import Conversation, Label, Pattern, Person, Proposal
from data.team_decisions import Decided, Took
from data.team_view import Coverage, Covered
from data.team_waiting import Waits
from evals import sets
from tests.conftest import Staff
from tests.feedback_worlds import come
from tests.histories import arrive

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)  # a Wednesday
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


def refunds(staff: Staff) -> Label:
    return labels.add("Refund", by=staff.lead)


def change(conversation_id: str, **values: Any) -> str:
    with store.writing() as db:
        kept = db.get_one(Conversation, conversation_id)
        for name, value in values.items():
            setattr(kept, name, value)
        db.add(kept)
    return conversation_id


def came(first: int, many: int, day: datetime, *, seen: int = 0, by: Person, label: Label | None = None, **told: Any) -> list[str]:
    """So many on that day, of which so many were reviewed."""
    made = [arrive(first + place, day, **({"team": "Oak"} | told)) for place in range(many)]
    for one in made:
        change(one, intent_id=label.id if label else None)
    for one in made[:seen]:
        reviews.record(one, "strong", by=by, label_id=label.id if label else None, at=day + HOUR)
    return made


def shares(found: tuple[Covered, ...]) -> dict[str, tuple[int, int]]:
    return {one.key: (one.share.k, one.share.n) for one in found}


# -- who ----------------------------------------------------------------------------------------------------------------------------------


def test_a_lead_looks_at_their_own_team_an_admin_at_any_and_nobody_else_at_all(staff: Staff) -> None:
    assert team_view.teams(by=staff.lead) == {staff.oak.id: "Oak"}
    assert set(team_view.teams(by=staff.admin).values()) == {"Oak", "Fern"}
    for ask in (team_view.coverage, team_waiting.waiting, team_decisions.by_kind):
        ask(by=staff.lead, team_id=staff.oak.id)
        with pytest.raises(Denied, match="another team"):
            ask(by=staff.lead, team_id=staff.fern.id)
        for who in (staff.rep, staff.engineer, people.console()):
            with pytest.raises(Denied, match="Who may: admin, lead"):
                ask(by=who)
        with pytest.raises(Refused, match="no such team"):
            ask(by=staff.admin, team_id="gone")


# -- how much was reviewed ----------------------------------------------------------------------------------------------------------------


def test_of_each_part_it_is_told_how_many_were_reviewed_and_the_list_shows_exactly_the_others(staff: Staff) -> None:
    refund = refunds(staff)
    came(1, 30, AT - 2 * DAY, seen=3, by=staff.rep, label=refund)
    came(100, 25, AT - 10 * DAY, seen=20, by=staff.rep, channel="email")
    came(200, 2, AT - 10 * DAY, by=staff.rep, team=None)  # nobody's yet: a lead's too
    came(300, 9, AT - 2 * DAY, seen=9, by=staff.other, team="Fern", label=refund)
    change(came(400, 1, AT - DAY, by=staff.rep)[0], hidden_at=AT)
    found = team_view.coverage(by=staff.lead, at=AT)
    assert (found.whole.share.k, found.whole.share.n) == (23, 57)
    assert shares(found.intents) == {refund.id: (3, 30), "": (20, 27)}
    assert shares(found.channels) == {"chat": (3, 32), "email": (20, 25)}
    assert [one.key for one in found.channels] == ["chat", "email"]  # the least covered first
    others = team_view.coverage(by=staff.admin, team_id=staff.oak.id, at=AT)
    everything = team_view.coverage(by=staff.admin, at=AT)
    assert (others.whole.share.n, everything.whole.share.n) == (55, 66)
    for by, told in ((staff.lead, found), (staff.admin, others), (staff.admin, everything)):
        assert_the_list_shows_them(told, by)


def assert_the_list_shows_them(found: Coverage, by: Person) -> None:
    for one in (found.whole, *found.intents, *found.channels, *found.weeks):
        again = behind.read(behind.address(one.behind))
        assert conversations.counted(Filter(behind=again, reviewed=False), by=by) == one.left


def test_a_week_is_from_monday_in_the_portal_s_time_and_twelve_are_told(staff: Staff) -> None:
    last_sunday = datetime(2026, 3, 29, 21, 59, tzinfo=UTC)  # a minute before Monday in Berlin, on the day the clocks change
    came(1, 3, last_sunday, seen=1, by=staff.rep)
    came(10, 2, last_sunday + timedelta(minutes=1), by=staff.rep)
    came(20, 4, datetime(2026, 1, 11, 22, 30, tzinfo=UTC), by=staff.rep)  # before the first of the twelve
    found = team_view.coverage(by=staff.lead, at=AT)
    assert [one.key for one in found.weeks][::11] == ["2026-01-12", "2026-03-30"] and len(found.weeks) == 12
    told = {key: both for key, both in shares(found.weeks).items() if both[1]}
    assert told == {"2026-03-23": (1, 3), "2026-03-30": (0, 2)}


def test_the_28_days_begin_with_their_first_midnight(staff: Staff) -> None:
    first = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # midnight in Berlin, 27 days before the day of AT
    came(1, 2, first, by=staff.rep)
    came(10, 5, first - timedelta(minutes=1), by=staff.rep)
    assert team_view.coverage(by=staff.lead, at=AT).whole.share.n == 2


def test_a_review_that_was_taken_back_covers_nothing(staff: Staff) -> None:
    (made,) = came(1, 1, AT - DAY, by=staff.rep)
    said = reviews.record(made, "weak", by=staff.rep, at=AT)
    assert team_view.coverage(by=staff.lead, at=AT).whole.share.k == 1
    with store.writing() as db:
        reviews.take_back(db, said.id, by=staff.rep, at=AT)
    assert team_view.coverage(by=staff.lead, at=AT).whole.share.k == 0


def test_an_intent_that_was_merged_is_the_one_that_it_was_merged_into(staff: Staff) -> None:
    refund, money = refunds(staff), labels.add("Money back", by=staff.lead)
    came(1, 4, AT - DAY, seen=1, by=staff.rep, label=money)
    came(10, 6, AT - DAY, seen=2, by=staff.rep, label=refund)
    with store.writing() as db:
        kept = db.get_one(Label, money.id)
        kept.merged_into, kept.retired_at = refund.id, AT
        db.add(kept)
    found = team_view.coverage(by=staff.lead, at=AT)
    assert shares(found.intents) == {refund.id: (3, 10)}
    assert_the_list_shows_them(found, staff.lead)


def test_two_without_a_review_are_not_ranked_before_hundreds_and_what_has_no_intent_comes_last(staff: Staff) -> None:
    refund, rare = refunds(staff), labels.add("Rare", by=staff.lead)
    came(1, 60, AT - DAY, seen=6, by=staff.rep, label=refund)
    came(100, 2, AT - DAY, by=staff.rep, label=rare)
    came(200, 40, AT - DAY, by=staff.rep)
    found = team_view.coverage(by=staff.lead, at=AT)
    assert [one.key for one in found.intents] == [refund.id, rare.id, ""]


def test_the_least_covered_is_named_only_where_chance_does_not_explain_it(staff: Staff) -> None:
    refund, status = refunds(staff), labels.add("Status", by=staff.lead)
    came(1, 40, AT - DAY, seen=18, by=staff.rep, label=refund)
    came(100, 80, AT - DAY, seen=44, by=staff.rep, label=status)
    assert team_view.least(team_view.coverage(by=staff.lead, at=AT)) is None
    came(200, 30, AT - DAY, by=staff.rep, label=refund)
    least = team_view.least(team_view.coverage(by=staff.lead, at=AT))
    assert least is not None and least.key == refund.id and least.left == 52


# -- what waits ---------------------------------------------------------------------------------------------------------------------------


def waits(staff: Staff, *, by: Person | None = None, team_id: str | None = None) -> dict[str, Waits]:
    return {one.kind: one for one in team_waiting.waiting(by=by or staff.lead, team_id=team_id, at=AT)}


def hours(one: Waits) -> tuple[int, float | None, float | None]:
    told = [None if time is None else time.total_seconds() / 3600 for time in (one.median, one.oldest)]
    return one.count, told[0], told[1]


def test_with_nothing_there_is_nothing_that_waits(staff: Staff) -> None:
    found = waits(staff)
    assert tuple(found) == team_waiting.KINDS
    assert all(hours(one) == (0, None, None) for one in found.values()) and team_waiting.longest(found.values()) is None


def test_who_was_asked_to_look_is_waited_for_until_they_said_something(staff: Staff) -> None:
    made = came(1, 3, AT - 9 * DAY, by=staff.rep)
    theirs = came(50, 1, AT - 9 * DAY, by=staff.rep, team="Fern")
    for place, one in enumerate(made):
        assignments.assign([one], staff.rep.id, by=staff.lead, at=AT - (place + 1) * DAY)
    assignments.assign(theirs, staff.engineer.id, by=staff.engineer, at=AT - 8 * DAY)
    assert hours(waits(staff)["asked"]) == (3, 48.0, 72.0)
    assert waits(staff)["asked"].first[0].id == made[2]
    reviews.record(made[2], "strong", by=staff.lead, at=AT)  # another's word is not the one that was asked for
    assert waits(staff)["asked"].count == 3
    reviews.record(made[2], "strong", by=staff.rep, at=AT)
    assert hours(waits(staff)["asked"]) == (2, 36.0, 48.0)
    assert waits(staff, by=staff.admin)["asked"].count == 3
    assert waits(staff, by=staff.admin, team_id=staff.fern.id)["asked"].count == 1


def test_a_begun_review_a_flag_and_a_second_look_count_from_when_they_began(staff: Staff) -> None:
    one, other, third = came(1, 3, AT - 9 * DAY, by=staff.rep)
    drafts.keep(one, {"verdict": "weak", "note": "The second"}, by=staff.rep, at=AT - 5 * HOUR)
    eval_set = sets.create("Refunds", by=staff.lead, at=AT - 9 * DAY)
    label = refunds(staff)
    examples.flag(other, "weak", why="No.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep, at=AT - 30 * HOUR)
    rubric.change([], share=0.2, double=1.0, reviewers=2, by=staff.lead, at=AT - 9 * DAY)
    reviews.record(third, "strong", by=staff.rep, at=AT - 50 * HOUR)
    found = waits(staff)
    assert [hours(found[kind]) for kind in ("drafts", "flags", "noticed")] == [(1, 5.0, 5.0), (1, 30.0, 30.0), (1, 50.0, 50.0)]
    assert found["flags"].first[0].id == other
    reviews.record(one, "weak", by=staff.rep, at=AT - HOUR)  # saved: no draft, but a second look is wanted
    reviews.record(third, "strong", by=staff.lead, at=AT - HOUR)
    found = waits(staff)
    assert found["drafts"].count == 0 and hours(found["noticed"]) == (1, 1.0, 1.0)
    longest = team_waiting.longest(found.values())
    assert longest is not None and longest.kind == "flags"


def test_what_people_see_differently_waits_since_the_second_word_and_again_since_it_was_opened_again(staff: Staff) -> None:
    zoe = people.add("Zoe", "zoe@example.com", "lead", by=people.console(), team=staff.oak)
    (made,) = came(1, 1, AT - 9 * DAY, by=staff.rep)
    reviews.record(made, "strong", by=staff.rep, at=AT - 80 * HOUR)
    reviews.record(made, "weak", by=staff.lead, at=AT - 60 * HOUR)
    for by, team_id in ((zoe, None), (staff.admin, None), (staff.admin, staff.oak.id)):
        assert hours(waits(staff, by=by, team_id=team_id)["disputes"]) == (1, 60.0, 60.0)
    for by, team_id in ((staff.other, None), (staff.admin, staff.fern.id)):
        assert waits(staff, by=by, team_id=team_id)["disputes"].count == 0
    disputes.settle(made, "weak", None, "It misses the point.", by=zoe, at=AT - 40 * HOUR)
    assert waits(staff)["disputes"].count == 0
    reviews.record(made, "strong", by=staff.engineer, at=AT - 10 * HOUR)
    assert hours(waits(staff)["disputes"]) == (1, 10.0, 10.0)


def found_pattern(kind: str, ids: list[str], at: datetime, **told: Any) -> None:
    with store.writing() as db:
        db.add(
            Pattern(
                kind=kind, name="Lockers", phrases=[], conversation_ids=ids, signature={}, size=len(ids), customers=1, sentence="",
                first_at=at, last_at=at, seen_at=at, at=at, **told,
            )
        )  # fmt: skip


def test_gaps_and_patterns_wait_on_whose_customers_they_came_from(staff: Staff) -> None:
    mine, theirs = came(1, 2, AT - 9 * DAY, by=staff.rep), came(50, 1, AT - 9 * DAY, by=staff.rep, team="Fern")
    found_pattern("new_intent", mine + theirs, AT - 3 * DAY)
    found_pattern("gap", theirs, AT - 2 * DAY)
    found_pattern("gap", [], AT - DAY)  # people asked it: everybody's
    found_pattern("gap", mine, AT - 8 * DAY, state="put aside")
    assert [hours(waits(staff)[kind]) for kind in ("gaps", "patterns")] == [(1, 24.0, 24.0), (1, 72.0, 72.0)]
    assert waits(staff, by=staff.other)["gaps"].count == 2 == waits(staff, by=staff.admin)["gaps"].count


def test_a_proposal_waits_on_the_team_of_whoever_may_decide_it_until_it_lapses(staff: Staff) -> None:
    proposed(staff.rep, AT - 2 * DAY)  # by a rep of Oak: both leads may say yes
    proposed(staff.lead, AT - DAY)  # by Oak's only lead: nobody else of Oak may
    proposed(staff.rep, AT - 14 * DAY)  # its two weeks are over
    assert hours(waits(staff)["proposals"]) == (1, 48.0, 48.0)
    assert waits(staff, by=staff.other)["proposals"].count == 2 == waits(staff, by=staff.admin)["proposals"].count


def test_a_fault_of_the_product_waits_until_it_is_handed_over(staff: Staff) -> None:
    come(staff.engineer, AT - 3 * DAY, faults=6, others=0)
    made = product_feedback.write("Lockers stay shut", "Shut.", product_feedback.About(words="locker"), by=staff.lead, at=AT - 4 * HOUR)
    assert hours(waits(staff)["feedback"]) == (1, 4.0, 4.0) and waits(staff, by=staff.other)["feedback"].count == 0
    product_feedback.hand_over(made.id, "Delivery", "Please look.", by=staff.lead)
    assert waits(staff)["feedback"].count == 0


# -- from proposal to decision ------------------------------------------------------------------------------------------------------------


def proposed(by: Person, at: datetime, *, kind: str = "ship_classifier", needs: int = 1) -> Proposal:
    with store.writing() as db:
        told = {"why": "It is better.", "evidence": {}, "authors": [], "by": by, "needs": needs, "at": at}
        return approvals.propose(db, kind, "ship it", {"at": at.isoformat(), "by": by.id}, **told)


def decide(staff: Staff, *times: float, first: datetime = AT - 20 * DAY) -> None:
    """One proposal an hour, each approved after so many hours."""
    for place, time in enumerate(times):
        begun = first + place * HOUR
        approvals.approve(proposed(staff.rep, begun).id, by=staff.other, at=begun + time * HOUR)


def shipped(staff: Staff, *, days: int = 90, by: Person | None = None, team_id: str | None = None) -> Decided:
    (found,) = team_decisions.by_kind(by=by or staff.lead, team_id=team_id, days=days, at=AT)
    return found


def test_the_median_lies_between_its_order_statistics(staff: Staff) -> None:
    decide(staff, 5, 1, 2, 9, 7, 3, 4, 8, 6)
    found = shipped(staff)
    assert (found.count, found.approved, found.waiting, found.slowest, found.waits) == (9, 9, 0, 9 * HOUR, None)
    assert found.median == team_decisions.Median(5 * HOUR, 2 * HOUR, 8 * HOUR)  # the second and the eighth of nine


def test_of_five_nothing_is_said_and_of_six_the_whole_range(staff: Staff) -> None:
    decide(staff, 1, 2, 3, 4, 5)
    assert shipped(staff).median is None
    decide(staff, 6, first=AT - 10 * DAY)
    assert shipped(staff).median == team_decisions.Median(3 * HOUR, 1 * HOUR, 6 * HOUR)


def test_what_still_waits_counts_as_longer_than_it_waits(staff: Staff) -> None:
    decide(staff, 1, 2, 3, 4, 5, 6)
    for days in (4, 5, 6, 7):
        proposed(staff.rep, AT - days * DAY)
    found = shipped(staff)
    assert (found.count, found.waiting, found.waits) == (10, 4, 7 * DAY)
    assert found.median == team_decisions.Median(5 * HOUR, 2 * HOUR, None)  # the fifth of ten; of its upper end nothing is known yet
    for days in (3, 8, 9):
        proposed(staff.rep, AT - days * DAY)
    assert shipped(staff).median == team_decisions.Median(None, 3 * HOUR, None)  # six of thirteen: the half is not there yet


def test_what_lapsed_or_was_withdrawn_was_never_decided_and_what_was_refused_was(staff: Staff) -> None:
    begun = AT - 30 * DAY
    proposed(staff.rep, begun)
    approvals.lapse_old(at=begun + 15 * DAY)
    decide(staff, 2, 2, 2)
    given_up = proposed(staff.rep, AT - 9 * DAY)
    approvals.withdraw(given_up.id, by=staff.rep, at=AT - 9 * DAY + HOUR)
    for place in range(4):
        asked = proposed(staff.rep, AT - 8 * DAY + place * HOUR)
        approvals.refuse(asked.id, by=staff.other, why="Not yet.", at=AT - 8 * DAY + (place + 3) * HOUR)
    found = shipped(staff)
    assert (found.approved, found.refused, found.withdrawn, found.lapsed, found.waiting) == (3, 4, 1, 1, 0)
    assert found.decided == 7 and found.slowest == 3 * HOUR and found.waits is None
    assert found.median is not None and found.median.value == 3 * HOUR


def test_what_nobody_looked_at_for_two_weeks_has_lapsed_before_the_night_says_so(staff: Staff) -> None:
    proposed(staff.rep, AT - 15 * DAY)
    found = shipped(staff)
    assert (found.lapsed, found.waiting, found.waits) == (1, 0, None)


def test_of_two_who_are_needed_the_second_decides_and_what_a_worker_does_later_decides_nothing(staff: Staff) -> None:
    zoe = people.add("Zoe", "zoe@example.com", "lead", by=people.console(), team=staff.fern)
    begun = AT - 5 * DAY
    asked = proposed(staff.rep, begun, needs=2)
    approvals.approve(asked.id, by=staff.other, at=begun + HOUR)
    assert shipped(staff).waits == 5 * DAY
    approvals.approve(asked.id, by=zoe, at=begun + 4 * HOUR)
    with store.writing() as db:
        approvals.begin_execution(db, asked.id, asked.kind, at=begun + 9 * HOUR)
    found = shipped(staff)
    assert (found.approved, found.slowest, found.waits) == (1, 4 * HOUR, None)


def test_a_row_holds_the_proposals_of_its_days_and_of_its_team(staff: Staff) -> None:
    mine = proposed(staff.rep, AT - 89 * DAY)
    older = proposed(staff.rep, AT - 91 * DAY)
    theirs = proposed(staff.other, AT - DAY)
    nobodys = proposed(staff.engineer, AT - 2 * DAY)
    told = {"kind": "ship_classifier", "at": AT}
    assert [one.id for one in team_decisions.proposals(by=staff.lead, **told)] == [mine.id]
    assert [one.id for one in team_decisions.proposals(by=staff.lead, days=365, **told)] == [mine.id, older.id]
    assert [one.id for one in team_decisions.proposals(by=staff.admin, **told)] == [theirs.id, nobodys.id, mine.id]
    assert [one.id for one in team_decisions.proposals(by=staff.admin, team_id=staff.fern.id, **told)] == [theirs.id]
    assert (shipped(staff).count, shipped(staff, days=365).count, shipped(staff, by=staff.admin).count) == (1, 2, 3)


def test_a_decision_stands_at_the_moment_at_which_it_was_made(staff: Staff) -> None:
    asked = proposed(staff.rep, AT - 3 * DAY)
    assert approvals.refuse(asked.id, by=staff.other, why="Not yet.", at=AT - 2 * DAY).decided_at == AT - 2 * DAY


# -- the statistics, against others' -----------------------------------------------------------------------------------------------------


def test_the_median_with_open_ends_is_that_of_the_textbook() -> None:
    """Freireich's 21 patients (1963), by which Kaplan and Meier's estimate is taught: the median is 23 weeks."""
    ended, open_ones = (6, 6, 6, 7, 10, 13, 16, 22, 23), (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    took = [*(Took(weeks * DAY, True) for weeks in ended), *(Took(weeks * DAY, False) for weeks in open_ones)]
    steps = team_decisions._steps(took)
    assert [round(1 - step.decided, 3) for step in steps] == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert steps[-1].worth == 13  # 0.448 · 0.552 / 0.1346², the textbook's standard error
    assert team_decisions.median(took) == team_decisions.Median(23 * DAY, 10 * DAY, None)


@pytest.mark.parametrize("n", [6, 8, 9, 17, 40, 200])
def test_the_places_of_the_interval_are_the_binomial_s(n: int) -> None:
    place = team_decisions._place(n)
    assert binom.cdf(place - 1, n, 0.5) <= 0.025 < binom.cdf(place, n, 0.5)
