"""What an approver of a recipe's act is shown: the customer's words, the amounts, the policy, what was said to others, who has said yes."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import limits, precedents, recipes
from automations.recipe import Alone
from automations.settling import Ways
from data import approvals, people
from data.errors import Denied
from data.intake import door
from data.tables import Proposal
from portal import jobs
from tests.conftest import hire
from tests.conversations import canonical
from tests.test_automations_actions import Stand, asked, proposal_row, recipe, refund, standing, wanted
from tests.test_knowledge_answering import publish
from tests.test_screens import button
from tests.test_screens_evals import drawn, labels_of, words
from tests.test_screens_knowledge import check_words_only, opened

ASKS = recipe(alone=Alone())
POLICY = "What we do.\n\n## Late parcels\n\nUp to 15 euros in two months."
HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$"


@pytest.fixture
def stand(sqlite_home: Path) -> Iterator[Stand]:
    with standing(hire(), sqlite_home, 2) as made:
        recipes.save(ASKS, why="So it is.", based_on=None, by=made.staff.engineer)
        yield made


def waits(stand: Stand, **more: Any) -> Proposal:
    return proposal_row(asked(stand, ASKS, **more)[1])


def page(person: Any, proposal: Proposal) -> AppTest:
    return opened(person, "approvals", proposal=proposal.id)


def below(app: AppTest, text: str) -> list[str]:
    """The lines that are drawn as the customer wrote them."""
    return [part.value for part in app.text if text in part.value]


def test_the_customers_last_words_stand_there_with_a_way_to_the_conversation(stand: Stand) -> None:
    said = [{"role": "customer", "text": "My parcel is late."}, {"role": "rep", "text": "I look."},
            {"role": "customer", "text": f"My card is 4111 1111 1111 1111. {HOSTILE}"}, {"role": "rep", "text": "Thanks."}]  # fmt: skip
    (one,) = door.receive([canonical(70, team="Oak", customer="customer 1", messages=said)], by=people.console()).ids
    stand.ids[0] = one
    app = page(stand.staff.lead, waits(stand))
    (line,) = below(app, "My card is")
    assert "4111" not in line and HOSTILE in line and not below(app, "My parcel is late.")
    assert "Read the whole conversation" in labels_of(app)
    assert "Asked by the step 'refund' of" in words(app) and "Late parcel, version 1" in labels_of(app)
    check_words_only(app, one)


def test_a_conversation_of_another_team_is_not_shown(stand: Stand) -> None:
    app = page(stand.staff.other, waits(stand))
    assert "This conversation is not within your reach." in words(app) and "Read the whole conversation" not in labels_of(app)
    assert "This conversation is not within your reach." not in words(page(stand.staff.engineer, waits(stand)))  # the control


def test_the_amounts_are_a_table_with_their_currency(stand: Stand) -> None:
    publish(stand.staff)
    proposal = waits(stand, policy=limits.Policy(Decimal(500)))
    (table,) = page(stand.staff.lead, proposal).table
    assert table.value.to_dict("list") == {
        "What": ["This", "This run, before", "The recipe, today before", "The customer, in 60 days before"],
        "EUR": ["20.00", "0.00", "0.00", "0.00"],
    }


def test_an_act_without_money_has_no_table_and_its_text_whole(stand: Stand) -> None:
    text = "Dear customer,\n\nyour parcel comes on Monday.\n\n" + ("It is on its way. " * 30).strip()
    one = wanted("reply", {"text": text})
    proposal = proposal_row(asked(stand, ASKS, one, ways=Ways(shop=stand.shop, deliver=lambda _: "ref"))[1])
    app = page(stand.staff.lead, proposal)
    assert not app.table and below(app, "your parcel comes on Monday.") == [text]


def test_the_policy_is_quoted_with_its_title_and_the_article(stand: Stand) -> None:
    staff = stand.staff
    target = publish(staff, title="Goodwill *of ours*", text=POLICY, kind="policy")
    limits.propose(Decimal(15), "EUR", 60, article=target.name, heading="Late parcels", why="So.", by=staff.lead)
    (proposal,) = approvals.waiting(by=staff.lead)
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()
    asks = waits(stand, policy=limits.policy("EUR"))
    assert asks.kind == "act_twice"
    app = page(staff.lead, asks)
    assert "Goodwill *of ours* › Late parcels" in words(app) and below(app, "Up to 15 euros in two months.")
    assert "Open the article" in labels_of(app) and "2 people have to say yes, each a lead. Nobody has so far." in words(app)
    approvals.approve(asks.id, by=staff.lead)
    assert "2 people have to say yes, each a lead. 1 of 2 said yes: Leo." in words(page(staff.rep, asks))


def test_where_no_policy_is_named_the_page_says_who_can_name_one(stand: Stand) -> None:
    app = page(stand.staff.lead, waits(stand))
    assert "No article is named for it. Whoever sets the limit of a customer on Automations can name one." in words(app)


def test_what_was_said_to_others_like_it_is_listed_with_who_said_it(stand: Stand) -> None:
    staff = stand.staff
    assert "Like it: none was decided so far" in words(page(staff.lead, waits(stand)))
    for _ in range(4):
        approvals.approve(waits(stand).id, by=staff.lead)
    refused = waits(stand)
    approvals.refuse(refused.id, by=staff.lead, why=f"Paid twice already, call +49 170 1234567. {HOSTILE}")
    other = proposal_row(asked(stand, ASKS, refund(stand, name="second"))[1])
    app = page(staff.rep, other)
    told = words(app)
    assert "Like it: 4 of 5 approved" in told and told.count("approved by Leo, just now") == 4
    assert "refused by Leo, just now: Paid twice already" in told and "1234567" not in told
    assert told.count("Refund 20.00 EUR of order R-1") >= 5
    check_words_only(app, refused.id)


# The precedents


def test_like_are_the_same_steps_of_the_same_recipe_the_newest_first_and_no_more_than_five(stand: Stand) -> None:
    staff = stand.staff
    first = [waits(stand) for _ in range(6)]
    for one in first:
        approvals.approve(one.id, by=staff.lead)
    another = recipe(alone=Alone(), name="another")
    recipes.save(another, why="So.", based_on=None, by=staff.engineer)
    approvals.approve(asked(stand, another)[1], by=staff.lead)
    approvals.approve(asked(stand, ASKS, wanted("tag", {"tag": "late"}))[1], by=staff.lead)
    withdrawn, mine = waits(stand), waits(stand)
    approvals.withdraw(withdrawn.id, by=staff.rep)
    found = precedents.like(mine, by=staff.rep)
    assert [one.proposal_id for one in found] == [one.id for one in reversed(first)][:5]
    assert {(one.approved, one.person_ids) for one in found} == {(True, (staff.lead.id,))}
    assert precedents.counted(mine, by=staff.rep) == (6, 6) and precedents.counted(first[0], by=staff.rep) == (5, 5)
    assert first[-1].id not in [one.proposal_id for one in precedents.like(first[-1], by=staff.rep)]


def test_of_what_is_no_act_nothing_is_alike(stand: Stand) -> None:
    proposal = limits.propose(Decimal(5), "EUR", 60, why="So.", by=stand.staff.lead)
    assert precedents.like(proposal, by=stand.staff.lead) == []
    for ask in (precedents.like, precedents.counted):
        with pytest.raises(Denied):
            ask(proposal, by=people.console())


# The limit on the list of recipes


def field(app: AppTest, label: str) -> Any:
    return next(one for kind in (app.text_input, app.number_input, app.selectbox) for one in kind if one.label == label)


def test_a_lead_proposes_a_limit_with_the_part_of_the_policy_that_says_it(stand: Stand) -> None:
    staff = stand.staff
    target = publish(staff, title="Goodwill", text=POLICY, kind="policy")
    app = opened(staff.lead, "automations")
    assert "Limits: none for a customer" in labels_of(app) and "There is no such limit yet." in words(app)
    field(app, "A customer gets at most").set_value(15.5)
    drawn(field(app, "It is written in").set_value(target.name).run())
    field(app, "under").set_value("Late parcels")
    drawn(field(app, "Why").set_value("It says so.").run())
    drawn(button(app, "Propose this limit").click().run())
    assert "Waits for a second person: have two people decide above 15.50 EUR within 60 days" in words(app)
    approvals.approve(approvals.waiting(by=staff.lead)[0].id, by=staff.admin)
    jobs.run_waiting()
    app = opened(staff.engineer, "automations")
    assert "Limits: two people decide above 15.50 EUR within 60 days" in words(app)
    assert "Goodwill › Late parcels" in words(app) and below(app, "Up to 15 euros in two months.")
    check_words_only(app)


def test_a_limit_without_a_reason_is_refused_and_stays_typed(stand: Stand) -> None:
    app = opened(stand.staff.lead, "automations")
    drawn(field(app, "A customer gets at most").set_value(77.0).run())
    drawn(button(app, "Propose this limit").click().run())
    assert "say in a sentence why" in words(app) and field(app, "A customer gets at most").value == 77.0
    assert approvals.waiting(by=stand.staff.lead) == []


def test_who_may_not_propose_sees_the_limit_and_no_form(stand: Stand) -> None:
    for person in (stand.staff.rep, stand.staff.admin):
        app = opened(person, "automations")
        assert "Limits: none for a customer" in labels_of(app) and "Propose this limit" not in labels_of(app)
        assert "A lead or an engineer proposes another limit; an engineer or an admin approves it." in words(app)


def test_the_limit_is_taken_away_from_the_same_place(stand: Stand) -> None:
    staff = stand.staff
    approvals.approve(limits.propose(Decimal(5), "EUR", 60, why="So.", by=staff.lead).id, by=staff.admin)
    jobs.run_waiting()
    app = opened(staff.lead, "automations")
    drawn(app.text_input(key="automations_limit_none_why").set_value("It is in the way.").run())
    drawn(button(app, "Propose to take it away").click().run())
    assert [one.title for one in approvals.waiting(by=staff.admin)] == ["take away the limit of what one customer gets"]
