"""What a change of articles does to the cases it touches is known before it is published: fixed, broken, as before."""

from collections.abc import Callable, Sequence

import pytest

from data import approvals
from data.errors import Denied, Refused
from data.tables import Study
from data.values import Target
from evals import changes, freezing, graders, sets
from knowledge import ARTICLE, articles, in_force, trying
from knowledge.articles import Content
from knowledge.trying import Tried
from portal import jobs
from tests.conftest import Staff
from tests.test_knowledge_answerers import ASKED, SHELF, UNCOVERED, case, fill, frozen
from tests.test_knowledge_answering import asked, speak
from tests.test_knowledge_articles import release, write

KNOWN = graders.BY_NAME
PLANTS = "Returns of plants"


def drafted(staff: Staff, title: str, text: str, *, renamed: str = "") -> Target:
    """The next draft of what is there."""
    slug = articles.slug_of(title)
    article = articles.get(slug, by=staff.rep)
    assert article is not None
    made = articles.save(slug, Content(renamed or title, text), based_on=article.newest, by=staff.rep)
    return Target(ARTICLE, slug, made.target_number)


def other_words(staff: Staff) -> Target:
    """What said how a plant is sent back says it no more."""
    return drafted(staff, PLANTS, "Write to us about anything that arrived damaged.", renamed="Damaged goods")


def tried(staff: Staff, *targets: Target) -> Tried:
    return trying.tried(study(staff, *targets))


def study(staff: Staff, *targets: Target) -> Study:
    return trying.try_out(targets, known=KNOWN, by=staff.rep)


def questions_of(found: Study, sort: str) -> Sequence[str]:
    return [line["question"] for line in found.told[sort]]


@pytest.fixture
def shop(staff: Staff) -> Staff:
    """All articles but the one of succulents are published; each is asked for, and something that nothing covers."""
    speak(staff)
    fill(staff, *(title for title in SHELF if title != "Watering succulents"))
    frozen(staff, [*(case(texts[0], slug) for slug, texts in ASKED.items()), case(UNCOVERED[0])])
    return staff


def test_an_article_that_was_missing_fixes_its_case_and_touches_no_other(shop: Staff) -> None:
    found = study(shop, write(shop, title="Watering succulents", text=SHELF["Watering succulents"]))
    assert trying.tried(found) == Tried(fixed=1, broken=0, unchanged=0)
    (line,) = found.told["fixed"]
    assert (line["set"], line["question"], line["before"]) == ("Everyday questions", "How often are succulents watered?", "kept silent")
    assert "every two weeks" in line["after"]
    assert asked(shop, "How often are succulents watered?")["declined"]  # it was only tried


def test_an_article_that_says_it_no_more_breaks_its_case(shop: Staff) -> None:
    found = study(shop, other_words(shop))
    assert trying.tried(found) == Tried(fixed=0, broken=1, unchanged=0)
    assert questions_of(found, "broken") == ["Can a plant be sent back?"]
    assert trying.tried(found).sentence == "Of 1 case that it touches 0 are fixed, 1 broken, 0 as before."


def test_an_article_that_says_it_in_other_words_changes_nothing(shop: Staff) -> None:
    found = study(shop, drafted(shop, PLANTS, f"{SHELF[PLANTS]} Pack it well."))
    assert trying.tried(found) == Tried(fixed=0, broken=0, unchanged=1)
    assert questions_of(found, "unchanged") == ["Can a plant be sent back?"]


def test_one_that_answers_what_is_to_be_declined_breaks_that(shop: Staff) -> None:
    found = study(shop, write(shop, title="Bicycles", text="We sell bicycles of all sizes to everybody."))
    assert questions_of(found, "broken") == [UNCOVERED[0]]


def test_several_are_tried_together(shop: Staff) -> None:
    together = (
        write(shop, title="Watering succulents", text=SHELF["Watering succulents"]), other_words(shop),
        drafted(shop, "Invoices", f"{SHELF['Invoices']} It is a PDF."),
    )  # fmt: skip
    assert tried(shop, *together) == Tried(fixed=1, broken=1, unchanged=1)


def test_what_touches_nothing_says_so(shop: Staff) -> None:
    found = tried(shop, write(shop, title="Parking", text="Bring a coin to the car park behind it."))
    assert found.touched == 0 and found.sentence == "It touches no case of an eval set."


def test_a_case_that_expects_a_retired_article_is_told_and_nothing_crashes(shop: Staff) -> None:
    articles.retire("gift-vouchers", why="We sell none any more.", by=shop.lead)
    found = study(shop, drafted(shop, "Gift vouchers", SHELF["Gift vouchers"] + " It is made of paper."))
    assert questions_of(found, "fixed") == ["How long is a gift voucher valid?"]
    assert tried(shop, drafted(shop, PLANTS, f"{SHELF[PLANTS]} Pack it well.")).broken == 0


# -- proposing ----------------------------------------------------------------------------------------------------------------------------


def test_what_was_not_tried_is_not_proposed(shop: Staff) -> None:
    target = drafted(shop, PLANTS, f"{SHELF[PLANTS]} Pack it well.")
    with pytest.raises(Refused, match="it was not tried on the cases that it touches"):
        trying.propose([target], why="Clearer.", by=shop.rep)
    study(shop, target)
    proposal = trying.propose([target], why="Clearer.", by=shop.rep)
    assert proposal.evidence["tried"] == "Of 1 case that it touches 0 are fixed, 0 broken, 1 as before."


def test_a_try_of_another_version_or_of_fewer_articles_does_not_count(shop: Staff) -> None:
    second = drafted(shop, PLANTS, f"{SHELF[PLANTS]} Pack it well.")
    study(shop, second)
    third = drafted(shop, PLANTS, f"{SHELF[PLANTS]} Do not pack it.")
    other = drafted(shop, "Invoices", f"{SHELF['Invoices']} It is a PDF.")
    for targets in ([third], [second, other]):
        assert trying.newest(targets, by=shop.rep) is None
        with pytest.raises(Refused, match="was not tried"):
            trying.propose(targets, why="Clearer.", by=shop.rep)
    assert trying.newest([second], by=shop.rep) is not None


def other_article(shop: Staff) -> None:
    release(shop, write(shop, title="Parking", text="Bring a coin to the car park behind it."))


def frozen_anew(shop: Staff) -> None:
    (eval_set,) = [one for one in sets.all_sets(by=shop.lead) if one.purpose == "knowledge"]
    changes.add(eval_set.id, [case("How long is a voucher valid?", "gift-vouchers")], known=KNOWN, by=shop.lead)
    freezing.freeze(eval_set.id, by=shop.lead)


def other_answerer(shop: Staff) -> None:
    speak(shop, threshold=0.2)


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (other_article, "other articles were published or taken out of use"),
        (lambda shop: articles.retire("invoices", why="None.", by=shop.lead), "other articles were published or taken out of use"),
        (frozen_anew, "a set of cases was frozen anew"), (other_answerer, "another answerer is in force"),
    ],
)  # fmt: skip
def test_a_try_counts_only_as_long_as_what_it_stands_on_is_the_same(shop: Staff, happens: Callable[[Staff], object], told: str) -> None:
    target = drafted(shop, PLANTS, f"{SHELF[PLANTS]} Pack it well.")
    made = study(shop, target)
    write(shop, title="Bees", text="Bees sleep in winter.")  # the control: a draft changes nothing
    assert trying.changed_since(made) == ""
    happens(shop)
    assert trying.changed_since(made) == told
    with pytest.raises(Refused, match=f"^Not proposed: {told} since it was tried. Try it again"):
        trying.propose([target], why="Clearer.", by=shop.rep)
    study(shop, target)
    assert trying.propose([target], why="Clearer.", by=shop.rep).evidence["tried"].startswith("Of 1 case that it touches")


def test_breaking_a_case_needs_a_reason_and_a_second_person_reads_it(shop: Staff) -> None:
    target = other_words(shop)
    study(shop, target)
    for nothing in ("", "  "):
        with pytest.raises(Refused, match=r"1 broken, 0 as before\. Mend it, or say why it is right although it breaks them\."):
            trying.propose([target], why="New rules.", despite=nothing, by=shop.rep)
    proposal = trying.propose([target], why="New rules.", despite="Nobody sends plants back from now on.", by=shop.rep)
    assert proposal.evidence["despite"] == "Nobody sends plants back from now on."
    assert [line["question"] for line in proposal.evidence["broken"]] == ["Can a plant be sent back?"]
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=shop.rep)
    approvals.approve(proposal.id, by=shop.other)
    jobs.run_waiting()
    assert in_force.numbers()["returns-of-plants"] == 2


def test_where_no_set_was_frozen_nothing_is_tried(staff: Staff) -> None:
    assert not trying.anything_to_try()
    target = write(staff)
    assert trying.propose([target], why="Customers ask.", by=staff.rep).title == "publish 'Returns of plants'"


def test_who_may_not_draft_may_not_try(shop: Staff) -> None:
    with pytest.raises(Denied):
        trying.try_out([Target(ARTICLE, "invoices", 1)], known=KNOWN, by=shop.admin)
    with pytest.raises(Refused, match="choose an article"):
        trying.try_out([], known=KNOWN, by=shop.rep)
