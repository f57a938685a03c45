"""What one customer may get from all recipes: proposed by one, approved by another, and obeyed by the door with the words of the policy."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from automations import limits
from automations.door import Waits
from automations.limits import Limit
from data import approvals, audit, settings
from data.errors import Denied, Refused
from data.tables import Proposal
from knowledge import articles
from portal import jobs
from tests.conftest import Staff
from tests.test_automations_actions import ALL_ALONE, WIDE, real, recipe, refund, standing
from tests.test_knowledge_answering import publish

TEXT = "What we do.\n\n## Late parcels\n\nUp to 30 euros in two months.\n\n## Broken pots\n\nWe send another."


def proposed(staff: Staff, money: str = "30", **more: Any) -> Proposal:
    told: dict[str, Any] = {"currency": "EUR", "days": 60, "why": "So the policy says."} | more
    return limits.propose(Decimal(money), told.pop("currency"), told.pop("days"), by=staff.lead, **told)


def in_force(staff: Staff, money: str = "30", **more: Any) -> None:
    approvals.approve(proposed(staff, money, **more).id, by=staff.admin)
    jobs.run_waiting()


def test_without_a_limit_there_is_no_policy(staff: Staff) -> None:
    assert limits.current() is None and limits.policy() is None


def test_it_is_in_force_once_another_person_said_yes(staff: Staff) -> None:
    proposal = proposed(staff)
    assert proposal.kind == "change_limit" and proposal.title == "have two people decide above 30.00 EUR within 60 days"
    assert proposal.evidence["sentence"] == (
        "Two people would decide as soon as one customer would have got more than 30.00 EUR within 60 days. Until now there is no such "
        "limit. By recipes no customer got EUR in that time."
    )
    assert limits.current() is None
    for person in (staff.lead, staff.rep):
        with pytest.raises(Denied):
            approvals.approve(proposal.id, by=person)
    approvals.approve(proposal.id, by=staff.engineer)
    jobs.run_waiting()
    assert limits.current() == Limit(money=Decimal(30), currency="EUR", days=60)
    found = limits.policy()
    assert found is not None and (found.money, found.days, found.passage) == (Decimal(30), 60, {})
    assert "Set customer limit, number 1." in [one.sentence for one in audit.newest(by=staff.admin)]


@pytest.mark.parametrize(
    ("money", "more", "why"),
    [
        ("0", {}, "more than nothing, at most 1,000,000, in whole cents"),
        ("-5", {}, "more than nothing"),
        ("1.005", {}, "in whole cents"),
        ("NaN", {}, "more than nothing"),
        ("1000001", {}, "at most 1,000,000"),
        ("30", {"currency": "Euro"}, "three capital letters, such as EUR"),
        ("30", {"days": 0}, "1 to 365 days"),
        ("30", {"days": 366}, "1 to 365 days"),
        ("30", {"article": "goodwill"}, "that article is not published"),
        ("30", {"why": " "}, "say in a sentence why"),
    ],
)
def test_what_is_no_limit_is_not_proposed(staff: Staff, money: str, more: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        proposed(staff, money, **more)
    assert approvals.waiting(by=staff.lead) == []


def test_the_same_is_proposed_once_and_what_is_in_force_not_again(staff: Staff) -> None:
    proposed(staff)
    with pytest.raises(Refused, match="already waits for approval"):
        proposed(staff)
    approvals.approve(approvals.waiting(by=staff.lead)[0].id, by=staff.admin)
    jobs.run_waiting()
    with pytest.raises(Refused, match=r"The limit is 30\.00 EUR within 60 days"):
        proposed(staff)


def test_of_two_proposals_side_by_side_only_the_first_comes_into_force(staff: Staff) -> None:
    first, second = proposed(staff, "30"), proposed(staff, "40")
    for one in (first, second):
        approvals.approve(one.id, by=staff.admin)
    jobs.run_waiting()
    found, failed = limits.current(), approvals.get(second.id, by=staff.lead)
    assert found is not None and found.money == Decimal(30)
    assert failed is not None and failed.state == "failed" and "was changed after this was proposed" in failed.outcome


def test_it_is_taken_away_by_two_people_as_well(staff: Staff) -> None:
    with pytest.raises(Refused, match="there is no limit"):
        limits.propose_none(why="It is in the way.", by=staff.lead)
    in_force(staff)
    proposal = limits.propose_none(why="It is in the way.", by=staff.lead)
    assert proposal.evidence["sentence"] == "Recipes would be held to their own limits alone instead of 30.00 EUR within 60 days."
    assert limits.policy() is not None
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()
    assert limits.policy() is None and [one.number for one in settings.history(limits.NAME)] == [2, 1]


def test_who_may_not_propose_does_not(staff: Staff) -> None:
    for person in (staff.rep, staff.admin):
        with pytest.raises(Denied):
            limits.propose(Decimal(5), "EUR", 60, why="So.", by=person)
        with pytest.raises(Denied):
            limits.propose_none(why="So.", by=person)


# The passage


def test_the_part_of_the_article_that_was_chosen_goes_with_it_as_it_is_published_now(staff: Staff) -> None:
    target = publish(staff, title="Goodwill", text=TEXT, kind="policy")
    assert limits.headings(target.name, by=staff.lead) == ["", "Late parcels", "Broken pots"]
    with pytest.raises(Refused, match="no such part"):
        proposed(staff, article=target.name, heading="Late")
    in_force(staff, article=target.name, heading="Late parcels")
    policy = limits.policy()
    assert policy is not None and policy.passage == {
        "title": "Goodwill", "heading": "Late parcels", "text": "Up to 30 euros in two months.", "slug": target.name, "number": 1,
    }  # fmt: skip
    articles.retire(target.name, why="Nobody knows.", by=staff.lead)
    after = limits.policy()
    assert after is not None and after.passage == {} and after.money == Decimal(30)


# The door


def test_the_door_asks_two_people_above_it_and_none_below(staff: Staff, home: Path) -> None:
    in_force(staff)
    wide = recipe(limits=WIDE, alone=ALL_ALONE)
    with standing(staff, home) as stand:
        gate = real(stand, wide, policy=limits.policy("EUR"))
        gate.act(refund(stand))
        with pytest.raises(Waits, match=r"have got 40\.00 EUR within 60 days, and above 30\.00 EUR two people decide"):
            gate.act(refund(stand, name="again"))
        assert gate.asking is not None and gate.asking.kind == "act_twice" and gate.asking.amounts["customer in 60 days"] == "20.00"
        higher = proposed(staff, "50").evidence["sentence"]
        assert "instead of 30.00 EUR within 60 days. 0 of the 1 customers who got money by recipes in that time got more." in higher
        assert " 1 of the 1 customers " in proposed(staff, "19.99").evidence["sentence"]


def test_money_in_another_currency_than_the_limits_is_looked_at_by_two_people(staff: Staff, home: Path) -> None:
    in_force(staff, "1000", currency="USD")
    with standing(staff, home) as stand:
        gate = real(stand, recipe(limits=WIDE, alone=ALL_ALONE), policy=limits.policy("EUR"))
        with pytest.raises(Waits, match="two people decide"):
            gate.act(refund(stand))
