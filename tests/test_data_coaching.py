"""Where somebody's work differs by more than chance, on both engines: who is compared with whom, by what, and who may see it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from classifiers import labels
from data import coaching, people, reviews, rubric, store
from data.coaching import Counted, Finding, compare
from data.errors import Denied
from data.intake import door
from data.tables import Conversation, Person
from data.values import now
from portal.bench import coaching as drawing
from tests.conftest import Staff
from tests.conversations import canonical

THEN = now() - timedelta(days=3)


@pytest.fixture
def team(staff: Staff) -> list[Person]:
    """Three more who answer customers in Oak."""
    console = people.console()
    return [people.add(name, f"{name.lower()}@example.com", "rep", by=console, team=staff.oak) for name in ("Ben", "Cleo", "Dora")]


def answered(by: Person, ratings: Sequence[int | None], *, first: int, at: datetime = THEN, team: str = "Oak") -> list[str]:
    """Conversations that this person answered, each of a customer of their own."""
    arrived = [
        canonical(
            first + place, team=team, opened_at=at - timedelta(minutes=place), assignee=by.name, customer=f"c{first + place}", csat=rating
        )
        for place, rating in enumerate(ratings)
    ]
    return door.receive(arrived, by=people.console(), classify=False).ids


def rated(team: Sequence[Person], low: int = 22) -> None:
    """Three people, forty ratings each, of which the first one's are low ones so many times."""
    for place, person in enumerate(team):
        bad = low if place == 0 else 4
        answered(person, [2] * bad + [5] * (40 - bad), first=1000 * (place + 1))


def found(by: Person) -> list[tuple[str, str, bool]]:
    return [(one.name, one.criterion.key, one.above) for one in coaching.of_team(by=by).findings]


# -- who is named -------------------------------------------------------------------------------------------------------------------------


def test_who_differs_by_more_than_chance_is_named_with_three_conversations_that_show_it(staff: Staff, team: list[Person]) -> None:
    rated(team)
    told = coaching.of_team(by=staff.lead)
    (one,) = [finding for finding in told.findings if finding.name == "Ben"]
    assert (one.criterion.key, one.n, one.share, one.above) == ("rated", 40, 18 / 40, False)
    assert one.others == 80 and one.team_share == pytest.approx(72 / 80)
    assert one.low < one.share < one.high < one.team_share
    assert (told.people, told.compared) == (3, 3)
    with store.reading() as db:
        shown = [db.get_one(Conversation, made) for made in one.conversation_ids]
    assert len({one.customer_id for one in shown}) == 3
    assert [(conversation.assignee, conversation.csat) for conversation in shown] == [("Ben", 2)] * 3
    assert [conversation.opened_at for conversation in shown] == sorted((c.opened_at for c in shown), reverse=True)


def test_who_differs_by_no_more_than_chance_is_not_named(staff: Staff, team: list[Person]) -> None:
    rated(team, low=7)
    assert coaching.of_team(by=staff.lead).findings == [] and coaching.of_mine(by=team[0]) == []


def test_who_takes_the_hard_ones_is_compared_on_the_same_intents(staff: Staff, team: list[Person]) -> None:
    """Everybody is rated badly on refunds; one takes nothing else. Without the intents that one would be named."""
    refund, status = (labels.add(name, by=staff.lead) for name in ("Refund", "Order status"))
    hard, easy = [2] * 20 + [5] * 10, [5] * 28 + [2] * 2
    for place, (person, kinds) in enumerate(
        ((team[0], [refund]), (team[1], [refund, status, status]), (team[2], [refund, status, status]))
    ):
        for kind, label in enumerate(kinds):
            ids = answered(person, hard if label is refund else easy, first=10_000 * (place + 1) + 1000 * kind)
            with store.writing() as db:
                for made in ids:
                    db.get_one(Conversation, made).intent_id = label.id
    assert [one for one in coaching.of_team(by=staff.lead).findings if one.name == "Ben"] == []
    apart = compare([(Counted(30, 10), Counted(180, 132))])  # all intents in one pot
    assert apart is not None and apart.z > coaching.critical_for(3)


def test_too_few_are_not_compared(staff: Staff, team: list[Person]) -> None:
    answered(team[0], [1] * (coaching.FEWEST - 1), first=1000)
    for place, person in enumerate(team[1:], start=2):
        answered(person, [5] * 40, first=1000 * place)
    told = coaching.of_team(by=staff.lead)
    assert told.compared == 2 and "Ben" not in [one.name for one in told.findings]
    answered(team[0], [1], first=5000)
    assert ("Ben", "rated", False) in found(staff.lead)


def test_of_two_nobody_is_compared(staff: Staff, team: list[Person]) -> None:
    rated(team[:2])
    assert coaching.of_team(by=staff.lead).compared == 0


def test_two_of_one_name_are_left_out(staff: Staff, team: list[Person]) -> None:
    rated(team)
    people.add("ben", "ben2@example.com", "rep", by=people.console(), team=staff.oak)
    assert found(staff.lead) == []


def test_what_is_older_than_twelve_weeks_or_another_team_s_counts_nowhere(staff: Staff, team: list[Person]) -> None:
    rated(team, low=4)
    answered(team[0], [1] * 40, first=7000, at=now() - coaching.PERIOD - timedelta(days=1))
    answered(team[0], [1] * 40, first=8000, team="Fern")
    assert found(staff.lead) == []
    answered(team[0], [1] * 40, first=9000)
    assert ("Ben", "rated", False) in found(staff.lead)


def judged(by: Person, conversation_ids: Sequence[str], verdict: str, mark: str = "yes") -> None:
    names = [item.name for item in rubric.current().items]
    for made in conversation_ids:
        reviews.record(made, verdict, by=by, marks=dict.fromkeys(names, mark))


def test_reviews_count_by_their_last_word_and_not_by_who_answered(staff: Staff, team: list[Person]) -> None:
    mine = [answered(person, [None] * 30, first=1000 * place) for place, person in enumerate(team, start=1)]
    for ids in mine[1:]:
        judged(staff.lead, ids, "strong")
    judged(staff.rep, mine[0], "strong")
    assert found(staff.lead) == []
    judged(staff.lead, mine[0], "weak", "no")  # the last word of another
    named = {(name, key) for name, key, above in found(staff.lead) if not above}
    assert named == {("Ben", "strong"), *(("Ben", f"mark {item.question}") for item in rubric.current().items)}
    judged(staff.lead, mine[0], "strong")
    judged(team[0], mine[0], "weak", "no")  # of one's own answers one's own word counts nowhere
    assert found(staff.lead) == []


def test_marks_of_a_question_that_is_asked_no_longer_count_nowhere(staff: Staff, team: list[Person]) -> None:
    mine = [answered(person, [None] * 30, first=1000 * place) for place, person in enumerate(team, start=1)]
    judged(staff.lead, mine[0], "none", "no")
    for ids in mine[1:]:
        judged(staff.lead, ids, "none", "yes")
    assert {name for name, _, above in found(staff.lead) if not above} == {"Ben"}
    rubric.change([("solved", "Is the customer happy now?")], share=1, double=0, reviewers=2, by=staff.lead)
    assert found(staff.lead) == []


# -- who sees it --------------------------------------------------------------------------------------------------------------------------


def test_a_lead_sees_their_own_team_s_and_each_sees_what_is_seen_of_oneself(staff: Staff, team: list[Person]) -> None:
    rated(team)

    def keys(findings: list[Finding]) -> list[tuple[str, str]]:
        return [(one.name, one.criterion.key) for one in findings]

    of_ben = [one for one in coaching.of_team(by=staff.lead).findings if one.name == "Ben"]
    assert keys(coaching.of_mine(by=team[0])) == keys(of_ben) == [("Ben", "rated")]
    assert [one for one in coaching.of_mine(by=team[1]) if one.name != "Cleo"] == []
    assert coaching.of_team(by=staff.other).findings == []  # of Fern
    for nobody in (staff.rep, staff.engineer, staff.admin, people.console()):
        with pytest.raises(Denied):
            coaching.of_team(by=nobody)
        with pytest.raises(Denied):
            coaching.colleagues(by=nobody)
    with pytest.raises(Denied):
        coaching.of_mine(by=staff.admin)
    assert list(coaching.colleagues(by=staff.lead).values()) == ["Ben", "Cleo", "Dora", "Rita"]


# -- the arithmetic -----------------------------------------------------------------------------------------------------------------------


def test_the_test_is_the_one_of_cochran_mantel_and_haenszel() -> None:
    """Worked by hand: two intents, expected 7.5 + 12 of one's good ones, variance 3.9474 + 3.1579, 15 seen."""
    told = compare([(Counted(20, 5), Counted(20, 10)), (Counted(15, 10), Counted(60, 50)), (Counted(3, 3), Counted(0, 0))])
    assert told is not None and (told.n, told.good, told.others) == (35, 15, 80)
    variance = 20 * 20 * 15 * 25 / (40 * 40 * 39) + 15 * 60 * 60 * 15 / (75 * 75 * 74)
    assert told.z == pytest.approx((19.5 - 15 - 0.5) / variance**0.5)
    weight = 10 + 12
    assert told.apart == pytest.approx(((5 * 20 - 10 * 20) / 40 + (10 * 60 - 50 * 15) / 75) / weight)


def test_the_interval_excludes_the_others_share_where_the_test_says_so_and_nowhere_else() -> None:
    for good in range(31):
        told = compare([(Counted(30, good), Counted(90, 60))])
        assert told is not None
        assert (abs(told.apart) > told.half(2.0)) == (told.z > 2.0)


def test_nothing_is_told_of_intents_that_nobody_else_had() -> None:
    assert compare([(Counted(30, 3), Counted(0, 0))]) is None
    alike = compare([(Counted(30, 30), Counted(90, 90))])
    assert alike is not None and (alike.z, alike.apart) == (0.0, 0.0)


def test_where_all_are_alike_few_teams_have_anybody_named_and_without_the_correction_many() -> None:
    random = drawing.np.random.default_rng(3)
    teams = [drawing.team(random, 6, 160) for _ in range(60)]
    assert sum(bool(drawing.named(one)) for one in teams) <= 6  # 5 % of 60 are 3
    alone = [any(told.z > coaching.critical_for(1) for told in dict(coaching.compared(one)).values()) for one in teams]
    assert sum(alone) > 20
