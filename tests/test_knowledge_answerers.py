"""The answerer's versions: made by one, measured on cases, approved by another, live only as what was approved, and gone back from."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from sqlmodel import select

from data import approvals, audit, releases, store, versions
from data.errors import Denied, Refused
from data.tables import EvalSet, Proposal, Result, Score, SetVersion, Trace
from data.values import Target
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from evals.graders import cites_article
from knowledge import answerers, articles, surety
from knowledge.answerers import PLAIN, Setup
from knowledge.retrieval.combination import LIVE
from portal import jobs
from tests.conftest import Staff
from tests.test_knowledge_answering import asked, made, speak
from tests.test_knowledge_articles import release, write

KNOWN = graders.BY_NAME
SHELF = {
    "Delivery times": "A parcel takes three working days within the country. Abroad a parcel takes seven working days.",
    "Returns of plants": "A plant can be sent back within thirty days. The buyer pays the postage of a return.",
    "Gift vouchers": "A gift voucher is valid for three years. A lost voucher is replaced when the receipt is shown.",
    "Invoices": "The invoice is attached to the shipping email. A corrected invoice can be requested from accounting.",
    "Opening hours": "The shop opens at nine and closes at six. On Sunday the shop stays closed.",
    "Watering succulents": "Succulents are watered every two weeks. In winter succulents need hardly any water.",
}
ASKED = {
    "delivery-times": ("How long does a parcel take?", "How many working days does a parcel take abroad?", "parcel within the country?",
                       "When does my parcel abroad arrive, how many working days?"),
    "returns-of-plants": ("Can a plant be sent back?", "Who pays the postage of a return?", "Within how many days can I send back a plant?",
                          "postage for sending a plant back"),
    "gift-vouchers": ("How long is a gift voucher valid?", "I lost my voucher", "Is a lost gift voucher replaced?", "voucher valid years"),
    "invoices": ("Where is the invoice?", "I need a corrected invoice", "Is the invoice attached to an email?",
                 "Who in accounting corrects an invoice?"),
    "opening-hours": ("When does the shop open?", "Is the shop closed on Sunday?", "When does the shop close?", "shop hours on Sunday"),
    "watering-succulents": ("How often are succulents watered?", "Do succulents need water in winter?", "water for my succulents",
                            "watering succulents every week?"),
}  # fmt: skip
UNCOVERED = ("Do you sell bicycles?", "Can my dog eat it?", "Which bank do you use?", "Who founded your company?")


def fill(staff: Staff, *titles: str) -> None:
    release(staff, *(write(staff, title=title, text=SHELF[title], area="") for title in titles or SHELF))


def case(question: str, *slugs: str) -> NewCase:
    return NewCase(({"role": "customer", "text": question},), {"articles": list(slugs)}, (cites_article.NAME,))


def questions(count: int = 4) -> list[NewCase]:
    covered = [case(text, slug) for slug, texts in ASKED.items() for text in texts[:count]]
    return covered + [case(text) for text in UNCOVERED[:count]]


def frozen(
    staff: Staff, cases: Iterable[NewCase], *, name: str = "Everyday questions", purpose: str = "knowledge", **more: Any
) -> tuple[EvalSet, SetVersion]:
    eval_set = sets.create(name, purpose=purpose, by=staff.lead, **more)
    changes.add(eval_set.id, list(cases), known=KNOWN, why="Asked lately.", by=staff.lead)
    return eval_set, freezing.freeze(eval_set.id, by=staff.lead)


def measured(staff: Staff, setup: Setup) -> Target:
    target = made(staff, setup)
    answerers.evaluate(target, known=KNOWN, by=staff.rep)
    return target


def proposed(staff: Staff, target: Target) -> Proposal:
    return answerers.propose(target, why="It answers more.", known=KNOWN, by=staff.rep)


def approve(staff: Staff, proposal: Proposal) -> None:
    approvals.approve(proposal.id, by=staff.other)
    jobs.run_waiting()


def ship(staff: Staff, setup: Setup) -> Target:
    target = measured(staff, setup)
    approve(staff, proposed(staff, target))
    return target


@pytest.fixture
def shop(staff: Staff) -> Staff:
    fill(staff)
    frozen(staff, questions(), bar=0.4)
    return staff


# -- what a version is --------------------------------------------------------------------------------------------------------------------


def test_a_setup_is_kept_as_it_was_made(staff: Staff) -> None:
    setup = Setup(LIVE.with_rungs(titles=0.0), "Be brief.", surety.shipped().as_json(), 0.3)
    target = made(staff, setup)
    assert answerers.setup_of(target) == setup and answerers.setup_of(PLAIN) == Setup()
    assert answerers.target_in_force() == PLAIN and answerers.in_force() == Setup()  # nobody is answered by a candidate
    assert "Made answerer 1: For this test." in audit.newest(by=staff.admin)[0].sentence


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        (Setup(instructions="x" * 8_001), "at most 8,000 characters, these have 8,001"),
        (Setup(threshold=1.1), "0 to 100 %"), (Setup(threshold=-0.1), "0 to 100 %"), (Setup(threshold=float("nan")), "0 to 100 %"),
        (Setup(asks_person=("gone",)), "1 of the intents that a person answers are not there any more"),
        (Setup(surety="{}"), "no surety of an answerer"),
    ],
    ids=["instructions", "above", "below", "nan", "intent", "surety"],
)  # fmt: skip
def test_what_cannot_be_is_not_made(staff: Staff, setup: Setup, why: str) -> None:
    with pytest.raises(Refused, match=why):
        answerers.make(setup, why="Try.", by=staff.rep)
    assert versions.all_of("answerer", answerers.NAME) == []


def test_who_may_what_with_an_answerer(shop: Staff) -> None:
    with pytest.raises(Denied):
        answerers.make(Setup(), why="Try.", by=shop.admin)
    target = measured(shop, Setup(threshold=0.1))
    with pytest.raises(Denied):
        answerers.propose(target, why="Try.", known=KNOWN, by=shop.admin)
    proposal = proposed(shop, target)
    for who in (shop.rep, shop.admin):
        with pytest.raises((Denied, Refused)):
            approvals.approve(proposal.id, by=who)
    with pytest.raises(Denied):
        answerers.roll_back(target, why="Try.", by=shop.rep)
    assert answerers.target_in_force() == PLAIN


# -- learning from where on it speaks -----------------------------------------------------------------------------------------------------


def test_from_too_few_cases_nothing_is_learned_and_a_sentence_says_so(staff: Staff) -> None:
    fill(staff)
    _, version = frozen(staff, questions(1))
    with pytest.raises(Refused, match=r"7 questions are judged, and 20 are the fewest\. Judge 13 more\."):
        answerers.learn(Setup(), version.id, by=staff.rep)


def test_what_was_learned_speaks_by_its_own_threshold(shop: Staff) -> None:
    (eval_set,) = sets.all_sets(by=shop.lead)
    version = sets.latest(eval_set.id)
    assert version is not None
    learned = answerers.learn(Setup(threshold=0.9), version.id, target=0.5, by=shop.rep)
    assert learned.setup.threshold is None and learned.setup.surety is not None
    assert surety.Surety.of_json(learned.setup.surety).judged == 28
    assert 0 < learned.threshold.answered.k <= learned.threshold.answered.n == 28
    assert learned.threshold.sentence.startswith("Be right 50 % of the time".replace("50 %", "50\xa0%"))
    target = made(shop, learned.setup)
    told = [
        answerers.answer(target, [{"role": "customer", "text": one}])[0]["declined"] for one in ("How often are succulents watered?", "?")
    ]
    assert told == [False, True]
    with pytest.raises(Denied):
        answerers.learn(Setup(), version.id, by=shop.admin)


# -- from candidate to everybody ----------------------------------------------------------------------------------------------------------


def test_a_candidate_goes_its_whole_way(shop: Staff) -> None:
    target = made(shop, Setup(threshold=0.1))
    with pytest.raises(Refused, match="was not run on the newest eval set yet"):
        proposed(shop, target)
    evidence = answerers.evaluate(target, known=KNOWN, by=shop.rep)
    assert evidence.passed.n == 28 and evidence.passed.k >= 24 and evidence.stops() is None and evidence.comparison is None
    assert asked(shop, "Is the shop closed on Sunday?")["declined"]
    proposal = proposed(shop, target)
    with pytest.raises(Refused, match="already waits for approval"):
        proposed(shop, target)
    assert proposal.evidence["cases"] == 28 and "Nothing is live yet" in proposal.evidence["sentence"]
    approve(shop, proposal)
    assert answerers.target_in_force() == target and not asked(shop, "Is the shop closed on Sunday?")["declined"]
    with store.reading() as db:
        assert all(one.target_number in (0, 1) for one in db.exec(select(Trace)))


def test_the_gate_stops_a_worse_one(shop: Staff) -> None:
    live = ship(shop, Setup(threshold=0.1))
    silent = measured(shop, Setup(threshold=1.0))
    evidence = answerers.evidence_of(silent, known=KNOWN, by=shop.rep)
    assert evidence.live_number == live.number and evidence.comparison is not None and evidence.comparison.verdict == "worse"
    with pytest.raises(Refused, match=r"Not proposed: .*worse than what is live: 2. cases break, 0 are fixed"):
        proposed(shop, silent)
    assert answerers.target_in_force() == live


def test_one_below_the_bar_is_stopped_even_where_nothing_is_live(shop: Staff) -> None:
    silent = measured(shop, Setup(threshold=1.0))
    with pytest.raises(Refused, match=r"passes 14.% of 'Everyday questions' 1 \(4 of 28\), the bar is 40"):
        proposed(shop, silent)


def test_without_a_set_nothing_is_compared_or_proposed(staff: Staff) -> None:
    target = made(staff, Setup(threshold=0.1))
    with pytest.raises(Refused, match="Not compared: no eval set was frozen yet"):
        answerers.evaluate(target, known=KNOWN, by=staff.rep)
    with pytest.raises(Refused):
        proposed(staff, target)


def test_a_second_one_runs_beside_the_first_before_it_answers_anybody(shop: Staff) -> None:
    live = ship(shop, Setup(threshold=0.1))
    second = ship(shop, Setup(threshold=0.12))
    coming = releases.under_way("answerer", answerers.NAME)
    assert coming is not None and releases.target_of(coming) == second and coming.stage == "shadow" and coming.by_itself
    assert answerers.target_in_force() == live


def test_what_became_live_meanwhile_stops_what_was_approved(shop: Staff) -> None:
    ship(shop, Setup(threshold=0.1))
    proposal = proposed(shop, measured(shop, Setup(threshold=0.12)))
    speak(shop, 0.2)  # another one is live now
    approve(shop, proposal)
    found = approvals.get(proposal.id, by=shop.lead)
    assert found is not None and found.state == "failed" and "what is live changed after answerer 2 was compared" in found.outcome
    assert answerers.target_in_force().number == 3 and releases.under_way("answerer", answerers.NAME) is None


def test_one_person_goes_back_to_what_was_live_and_to_nothing_else(shop: Staff) -> None:
    first = ship(shop, Setup(threshold=0.1))
    never = made(shop, Setup(threshold=0.0))
    second = speak(shop, 0.2)
    with pytest.raises(Refused, match="say why"):
        answerers.roll_back(first, why=" ", by=shop.lead)
    with pytest.raises(Refused, match="was never live"):
        answerers.roll_back(never, why="It errs.", by=shop.lead)
    with pytest.raises(Refused, match="already live"):
        answerers.roll_back(second, why="It errs.", by=shop.lead)
    answerers.roll_back(first, why="It errs.", by=shop.admin)
    assert answerers.target_in_force() == first
    assert "Went back to answerer 1: It errs." in audit.newest(by=shop.admin)[0].sentence


def test_a_retired_article_that_a_case_expects_fails_the_case_with_words(shop: Staff) -> None:
    target = made(shop, Setup(threshold=0.1))
    before = answerers.evaluate(target, known=KNOWN, by=shop.rep).passed
    articles.retire("watering-succulents", why="We sell none any more.", by=shop.lead)
    later = made(shop, Setup(threshold=0.1))
    after = answerers.evaluate(later, known=KNOWN, by=shop.rep)
    assert (before.k - after.passed.k, after.passed.n) == (4, 28)
    told = explained(after.run.id)
    assert sum("'watering-succulents'" in one for one in told) == 4
    assert any(one == "declined instead of citing 'watering-succulents'" for one in told)


def explained(run_id: str) -> Sequence[str]:
    with store.reading() as db:
        found = db.exec(select(Score.why).join(Result).where(Result.run_id == run_id)).all()
    return [str(one) for one in found]
