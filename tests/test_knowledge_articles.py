"""Articles: drafts that nobody loses, published by two people, gone back to by one."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from data import approvals, audit, store, tasks, versions
from data.errors import Denied, Refused
from data.tables import Release
from data.values import Target, now
from knowledge import ARTICLE, articles, in_force
from knowledge.articles import Content, Filter
from portal import jobs
from tests.conftest import Staff

RETURNS = Content("Returns of plants", "You have 30 days.", area="Returns")


def write(staff: Staff, **changes: Any) -> Target:
    made = articles.draft(Content(**(vars(RETURNS) | changes)), by=staff.rep)
    return Target(ARTICLE, made.slug, 1)


def release(staff: Staff, *targets: Target) -> None:
    """Proposed by the rep, approved by a lead, carried out as a worker does."""
    proposal = articles.propose(targets, why="Customers ask.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    jobs.run_waiting()
    failed = [task for task in tasks.recent(by=staff.admin) if task.error]
    assert not failed, failed[0].error


def state(slug: str, staff: Staff) -> tuple[int, int | None]:
    found = articles.get(slug, by=staff.rep)
    assert found is not None
    return found.newest, found.live


def test_a_draft_is_in_force_only_after_two_people(staff: Staff) -> None:
    target = write(staff)
    assert target.name == "returns-of-plants" and state(target.name, staff) == (1, None)
    assert in_force.numbers() == {}
    proposal = articles.propose([target], why="Customers ask.", by=staff.rep)
    assert proposal.title == "publish 'Returns of plants'"
    with pytest.raises(Denied, match=r"belong|may not|yours|other"):
        approvals.approve(proposal.id, by=staff.rep)
    assert in_force.numbers() == {}
    approvals.approve(proposal.id, by=staff.lead)
    jobs.run_waiting()
    assert in_force.numbers() == {"returns-of-plants": 1}
    (found,) = in_force.published(in_force.numbers().items())
    assert (found.title, found.text, found.audience) == ("Returns of plants", "You have 30 days.", "everyone")


def test_its_author_does_not_approve_it_even_as_a_lead(staff: Staff) -> None:
    made = articles.draft(RETURNS, by=staff.lead)
    proposal = articles.propose([Target(ARTICLE, made.slug, 1)], why="Customers ask.", by=staff.rep)
    with pytest.raises(Refused, match=r"built this|proposed"):
        approvals.approve(proposal.id, by=staff.lead)


def test_a_newer_draft_leaves_what_is_published(staff: Staff) -> None:
    release(staff, write(staff))
    articles.save("returns-of-plants", Content("Returns of plants", "You have 60 days."), based_on=1, by=staff.engineer)
    assert state("returns-of-plants", staff) == (2, 1)
    assert in_force.published(in_force.numbers().items())[0].text == "You have 30 days."


def test_nobody_writes_over_a_colleague(staff: Staff) -> None:
    write(staff)
    articles.save("returns-of-plants", Content("Returns of plants", "Mine."), based_on=1, by=staff.rep)
    with pytest.raises(Refused, match="version 2 of 'Returns of plants' was saved while you wrote from version 1"):
        articles.save("returns-of-plants", Content("Returns of plants", "Theirs."), based_on=1, by=staff.engineer)
    assert articles.content("returns-of-plants", 2, by=staff.rep).text == "Mine."


def test_what_was_changed_after_it_was_proposed_is_published_as_it_was_proposed(staff: Staff) -> None:
    target = write(staff)
    proposal = articles.propose([target], why="Customers ask.", by=staff.rep)
    articles.save(target.name, Content("Returns of plants", "Anything goes."), based_on=1, by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    jobs.run_waiting()
    assert in_force.published(in_force.numbers().items())[0].text == "You have 30 days."


def test_two_proposals_of_one_article_do_not_overrun_each_other(staff: Staff) -> None:
    first = write(staff)
    articles.save(first.name, Content("Returns of plants", "You have 60 days."), based_on=1, by=staff.rep)
    proposals = [articles.propose([Target(ARTICLE, first.name, number)], why="Better.", by=staff.rep) for number in (1, 2)]
    for proposal in proposals:
        approvals.approve(proposal.id, by=staff.lead)
    jobs.run_waiting()
    assert state(first.name, staff) == (2, 1)
    later = approvals.get(proposals[1].id, by=staff.lead)
    assert later is not None and later.state == "failed" and "another version" in later.outcome


def test_one_person_goes_back_to_what_was_published_and_to_nothing_else(staff: Staff) -> None:
    release(staff, write(staff))
    articles.save("returns-of-plants", Content("Returns of plants", "You have 60 days."), based_on=1, by=staff.rep)
    with pytest.raises(Refused, match="version 2 of 'Returns of plants' was never published"):
        articles.go_back("returns-of-plants", 2, why="Better.", by=staff.lead)
    release(staff, Target(ARTICLE, "returns-of-plants", 2))
    with pytest.raises(Denied):
        articles.go_back("returns-of-plants", 1, why="The 60 days were a mistake.", by=staff.rep)
    articles.go_back("returns-of-plants", 1, why="The 60 days were a mistake.", by=staff.lead)
    assert in_force.numbers() == {"returns-of-plants": 1}
    assert "version 1 again: The 60 days were a mistake." in audit.newest(by=staff.admin)[0].sentence


def test_what_is_taken_out_of_use_is_found_no_more_and_can_come_back(staff: Staff) -> None:
    release(staff, write(staff))
    before = in_force.stamp()
    with pytest.raises(Refused, match="say why"):
        articles.retire("returns-of-plants", why=" ", by=staff.lead)
    articles.retire("returns-of-plants", why="We sell no plants any more.", by=staff.lead)
    assert in_force.numbers() == {} and in_force.stamp() > before
    with store.reading() as db:
        assert [one.ended_why for one in db.exec(select(Release))] == ["We sell no plants any more."]
    articles.go_back("returns-of-plants", 1, why="We do again.", by=staff.lead)
    assert in_force.numbers() == {"returns-of-plants": 1}


def test_a_folder_is_brought_once_however_often_it_is_brought(staff: Staff) -> None:
    folder = [(f"article-{number}", Content(f"Article {number}", f"Text {number}")) for number in range(450)]
    first = articles.bring(folder, source="help", by=staff.lead)
    assert (first.new, first.changed, first.unchanged, len(first.targets)) == (450, 0, 0, 450)
    folder[7] = ("article-7", Content("Article 7", "Another text"))
    again = articles.bring(folder, source="help", by=staff.lead)
    assert (again.new, again.changed, again.unchanged) == (0, 1, 449)
    assert again.targets == (Target(ARTICLE, "article-7", 2),)
    release(staff, *first.targets)
    assert len(in_force.numbers()) == 450 and in_force.numbers()["article-7"] == 1


def test_two_articles_of_one_title_have_two_names(staff: Staff) -> None:
    assert [write(staff).name for _ in range(3)] == ["returns-of-plants", "returns-of-plants-2", "returns-of-plants-3"]


def test_lists_are_narrowed(staff: Staff) -> None:
    release(staff, write(staff, review_by=now() - timedelta(days=1)))
    write(staff, title="Delivery times", area="Delivery", kind="macro")
    articles.save("returns-of-plants", Content("Returns of plants", "You have 60 days."), based_on=1, by=staff.rep)

    def titles(**told: str) -> list[str]:
        found = Filter(**told)
        shown = articles.listed(found, by=staff.rep)
        assert articles.counted(found, by=staff.rep) == len(shown)
        return [one.title for one in shown]

    assert titles() == ["Delivery times", "Returns of plants"]
    assert titles(words="PLANT return") == titles(area="Returns") == titles(kind="help") == ["Returns of plants"]
    assert titles(state="published") == titles(state="overdue") == ["Returns of plants"]
    assert titles(state="unpublished") == ["Delivery times"] and titles(state="draft") == ["Delivery times", "Returns of plants"]
    assert articles.areas(by=staff.rep) == ["Delivery", "Returns"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"title": " "}, "has a title of 1 to 200"),
        ({"title": "a" * 201}, "has a title of 1 to 200"),
        ({"text": "\n "}, "'Returns of plants' has no text yet"),
        ({"text": "a" * 1_000_001}, "has 1,000,001 characters, an article has at most 1,000,000"),
        ({"text": "half \ud800"}, "no database keeps"),
        ({"text": "nul \0"}, "no database keeps"),
        ({"kind": "poem"}, "an article is help, macro, policy"),
        ({"audience": "the world"}, "it is for everyone or staff"),
        ({"owner_id": "nobody"}, "no longer works here"),
    ],
)
def test_what_is_no_article_is_a_sentence(staff: Staff, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused, match=told):
        write(staff, **changes)
    assert articles.counted(Filter(), by=staff.rep) == 0


def test_an_unchanged_text_is_no_new_version(staff: Staff) -> None:
    write(staff)
    with pytest.raises(Refused, match="nothing in it was changed"):
        articles.save("returns-of-plants", RETURNS, based_on=1, by=staff.rep)
    assert len(versions.all_of(ARTICLE, "returns-of-plants")) == 1
