"""The shelf: what is published, ready to be searched in this process; mended when something is published, and by what people chose."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from data import store
from data.tables import Trace
from data.values import RUN, Target
from knowledge import answerers, answering, articles, shelf
from knowledge.articles import Content
from knowledge.passages import Chunking, Published
from knowledge.retrieval.combination import LIVE
from tests.conftest import Staff
from tests.test_knowledge_answerers import SHELF, fill
from tests.test_knowledge_articles import release, write

PARCEL = [{"role": "customer", "text": "How many working days does a parcel take abroad?"}]


def slugs(messages: list[dict[str, str]] = PARCEL, **how: Any) -> list[str]:
    return list(dict.fromkeys(one.passage.slug for one in shelf.find(messages, LIVE, **how)))


def test_what_fits_stands_first_with_the_version_that_is_published(staff: Staff) -> None:
    fill(staff)
    found = shelf.find(PARCEL, LIVE)
    assert (found[0].passage.slug, found[0].passage.number, found[0].passage.title) == ("delivery-times", 1, "Delivery times")
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert shelf.find([], LIVE) == [] and shelf.find([{"role": "customer", "text": "zyzzyva"}], LIVE) == []


def test_nothing_is_found_where_nothing_is_published(staff: Staff) -> None:
    write(staff, title="Delivery times", text=SHELF["Delivery times"])
    assert slugs() == [] and shelf.current(LIVE).articles == 0


def test_it_is_built_once_and_mended_when_something_is_published(staff: Staff) -> None:
    fill(staff, "Opening hours", "Invoices")
    first = shelf.current(LIVE)
    assert shelf.current(LIVE) is first and slugs() == []
    fill(staff, "Delivery times")
    assert slugs() == ["delivery-times"] and shelf.current(LIVE) is not first and shelf.current(LIVE).articles == 3
    articles.retire("delivery-times", why="Gone.", by=staff.lead)
    assert slugs() == [] and shelf.current(LIVE).articles == 2


def test_of_many_who_ask_first_one_builds_and_all_find_the_same(staff: Staff) -> None:
    fill(staff)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: (slugs()[0], shelf.current(LIVE)), range(16)))
    assert {slug for slug, _ in told} == {"delivery-times"} and len({id(library) for _, library in told}) == 1


def test_what_is_for_staff_no_customer_finds_even_where_it_fits_best(staff: Staff) -> None:
    fill(staff)
    release(staff, *(write(staff, title=f"Parcel abroad {n}", text=PARCEL[0]["text"], audience="staff") for n in range(12)))
    assert slugs(most=5)[0] == "delivery-times" and not any(slug.startswith("parcel-abroad") for slug in slugs(most=5))
    assert all(slug.startswith("parcel-abroad") for slug in slugs(most=5, for_staff=True))


def test_as_if_it_were_published_nobody_else_sees_it(staff: Staff) -> None:
    fill(staff)
    changed = shelf.changed_library([Published("delivery-times", 2, "Bees", "Bees sleep in winter.")], LIVE)
    bees = [{"role": "customer", "text": "Do bees sleep?"}]
    assert shelf.in_library(changed, bees, LIVE)[0].passage.number == 2 and "delivery-times" not in {
        one.passage.slug for one in shelf.in_library(changed, PARCEL, LIVE)
    }
    assert slugs()[0] == "delivery-times" and "delivery-times" not in slugs(bees)


def test_other_passages_are_another_shelf_of_the_same_articles(staff: Staff) -> None:
    text = "".join(f"## Part {n}\n\nSentence {n} says something about part {n}.\n\n" for n in range(6))
    release(staff, write(staff, title="Parts", text=text), write(staff, title="Bees", text="Bees sleep in winter."))
    whole = replace(LIVE, chunking=Chunking("whole"))
    assert len(shelf.current(whole).parts[0].passages) == 2 < len(shelf.current(LIVE).parts[0].passages)


def test_the_pieces_of_an_article_are_those_that_were_found(staff: Staff) -> None:
    text = "".join(f"## Part {n}\n\nSentence {n} says something about part {n}.\n\n" for n in range(6))
    release(staff, write(staff, title="Parts", text=text), write(staff, title="Bees", text="Bees sleep in winter."))
    for how in ("heading", "whole"):
        cut = replace(LIVE, chunking=Chunking(how, words=20))
        theirs = [one for one in shelf.current(cut).parts[0].passages if one.slug == "parts"]
        assert [shelf.pieces(one) for one in theirs] == [theirs] * len(theirs) and len(theirs) == {"heading": 6, "whole": 1}[how]
    windows = replace(LIVE, chunking=Chunking("window", words=20, overlap=8))
    (whole,) = shelf.pieces(next(one for one in shelf.current(windows).parts[0].passages if one.slug == "parts"))
    assert all(f"Sentence {n} says" in whole.text for n in range(6))  # each once


def remember(staff: Staff, question: str, slug: str, outcome: str) -> None:
    with store.writing() as db:
        said = {"question": question, "articles": [slug], "declined": False}
        target = Target("answerer", answerers.NAME, 0)
        db.add(Trace(**target.columns(), mode=RUN, state="done", said=said, outcome=outcome, by_person_id=staff.rep.id))


def test_what_people_took_is_remembered(staff: Staff) -> None:
    fill(staff)
    question = {"role": "customer", "text": "zyzzyva quokka?"}
    for other in ("lorem ipsum", "dolor sit", "amet magna", "alpha beta"):
        remember(staff, other, "opening-hours", "helped")
    assert slugs([question]) == []
    remember(staff, "a zyzzyva and a quokka", "invoices", "")
    assert slugs([question]) == []
    (trace,) = [one for one in answering.mine(by=staff.rep) if not one.outcome]
    answering.decide(trace.id, "helped", by=staff.rep)
    assert slugs([question]) == ["invoices"]
    answering.decide(trace.id, "refused", by=staff.rep)
    assert slugs([question]) == []
    answering.decide(trace.id, "helped", by=staff.rep)
    articles.retire("invoices", why="Gone.", by=staff.lead)
    assert slugs([question]) == []  # what is out of use is quoted no more, whoever took it


def test_a_newer_version_takes_the_place_of_the_older(staff: Staff) -> None:
    fill(staff)
    assert slugs()[0] == "delivery-times"
    articles.save("delivery-times", Content("Delivery times", "Abroad a parcel takes nine working days."), based_on=1, by=staff.rep)
    assert "nine" not in str(shelf.find(PARCEL, LIVE))
    release(staff, Target("article", "delivery-times", 2))
    found = shelf.find(PARCEL, LIVE)
    assert found[0].passage.number == 2 and "nine working days" in found[0].passage.text and "seven" not in str(found)
