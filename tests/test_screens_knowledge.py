"""Knowledge, Ask and Gaps as people see them: with nothing, one and many articles, for each role."""

import re
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, people, store
from data.tables import Person
from data.values import Target, now
from evals import sets
from knowledge import ARTICLE, answering, articles, gaps, in_force
from knowledge.articles import Content, Filter
from portal import jobs
from tests.conftest import Staff, hire
from tests.test_knowledge_answerers import SHELF, case, fill, frozen
from tests.test_knowledge_answering import DELIVERY, GOODWILL, QUESTION, VOUCHER, comes, publish, speak
from tests.test_knowledge_articles import release, write
from tests.test_knowledge_gaps import BICYCLES, WRITTEN, asks, customers, looked
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, turn_to, words

MADE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$"


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def opened(by: Person, screen: str, **address: str) -> AppTest:
    return drawn(open_screen(sit_down(by), screen, **address))


def text_field(app: AppTest, label: str) -> Any:
    return next(one for one in app.text_input if one.label == label)


def check_words_only(app: AppTest, *ids: str) -> None:
    """What people read holds no id, no JSON and no HTML."""
    told = words(app)
    assert not app.get("json") and not [part for part in app.markdown if part.allow_html]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", told) and '{"' not in told and "None" not in told, told
    for one in ids:
        assert one not in told


# -- knowledge ----------------------------------------------------------------------------------------------------------------------------


def test_where_there_is_no_article_the_page_says_what_brings_them(desk: Staff) -> None:
    for person, may_write, may_bring in (
        (desk.rep, True, False), (desk.lead, True, True), (desk.engineer, True, True), (desk.admin, False, False)
    ):  # fmt: skip
        app = opened(person, "knowledge")
        assert "There is no article yet. Write one, or bring the help pages you have" in words(app)
        assert ("Write an article" in labels_of(app), "Bring files" in labels_of(app)) == (may_write, may_bring)
        check_words_only(app)


def test_many_articles_are_a_table_that_is_narrowed_and_turned(desk: Staff) -> None:
    brought = articles.bring(
        [(f"a-{n}", Content(f"Article {n:02}", f"Text {n}", area="Care")) for n in range(60)], source="x", by=desk.lead
    )
    release(desk, *brought.targets[:30])
    app = opened(desk.rep, "knowledge")
    assert "60 articles" in words(app) and len(app.dataframe[0].value) == 25
    assert list(app.dataframe[0].value["Title"][:2]) == ["Article 00", "Article 01"]
    drawn(app.selectbox(key="state").set_value("published").run())
    assert "30 articles" in words(app) and set(app.dataframe[0].value["State"]) == {"published, version 1"}
    drawn(app.text_input(key="words").set_value("Article 07").run())
    assert "1 article" in words(app) and list(app.dataframe[0].value["Title"]) == ["Article 07"]
    drawn(app.text_input(key="words").set_value("nothing like it").run())
    assert "No article fits. Take a filter away." in words(app)
    check_words_only(app)


def test_what_is_to_be_looked_at_again_says_since_when(desk: Staff) -> None:
    late, early = now() - timedelta(days=3), now() + timedelta(days=300)
    brought = articles.bring([("late", Content("Late", "A.", review_by=late)), ("early", Content("Early", "B.", review_by=early))],
                             source="x", by=desk.lead)  # fmt: skip
    release(desk, *brought.targets)
    app = opened(desk.rep, "knowledge")
    drawn(app.selectbox(key="state").set_value("overdue").run())
    assert list(app.dataframe[0].value["Title"]) == ["Late"] and app.dataframe[0].value["Look at it again by"][0].startswith("overdue, ")
    assert "another look is overdue since " in words(opened(desk.rep, "knowledge", article="late"))
    assert "to be looked at again by " in words(opened(desk.rep, "knowledge", article="early"))


def test_drafts_of_a_folder_are_proposed_together(desk: Staff) -> None:
    articles.bring([(f"a-{n}", Content(f"Article {n}", f"Text {n}")) for n in range(5)], source="x", by=desk.lead)
    app = opened(desk.rep, "knowledge")
    drawn(app.selectbox(key="state").set_value("unpublished").run())
    assert "Propose to publish these 5" in labels_of(app)
    drawn(text_field(app, "Why").set_value("We move.").run())
    drawn(button(app, "Propose it").click().run())
    (proposal,) = approvals.waiting(by=desk.lead)
    assert proposal.title == "publish 5 articles" and "Proposed." in words(app)
    one = labels_of(opened(desk.rep, "knowledge", article="a-3"))
    assert "Version 1 waits for approval" in one and "Propose to publish" not in one
    approvals.approve(proposal.id, by=desk.other)
    jobs.run_waiting()
    assert len(in_force.numbers()) == 5


def test_an_article_is_written_by_a_rep_and_nobody_is_answered_with_it(desk: Staff) -> None:
    app = opened(desk.rep, "knowledge")
    drawn(button(app, "Write an article").click().run())
    assert "It is a draft that nobody is answered with, until two people publish it." in words(app)
    drawn(button(app, "Save the draft").click().run())
    assert "Not saved: an article has a title of 1 to 200 characters." in words(app)
    app.text_input(key="knowledge_new_title").set_value("Delivery times")
    app.text_area(key="knowledge_new_text").set_value(DELIVERY)
    app.text_input(key="knowledge_new_area").set_value("Delivery")
    drawn(button(app, "Save the draft").click().run())
    (made,) = articles.listed(Filter(), by=desk.rep)
    assert (made.slug, made.area, made.live) == ("delivery-times", "Delivery", None)
    told = words(app)
    assert app.title[0].value == "Delivery times" and "Not published: no answer quotes it." in told and DELIVERY in told
    assert "Propose to publish version 1" in labels_of(app) and "Take out of use" not in labels_of(app)


def test_a_colleague_s_newer_version_is_not_written_over(desk: Staff) -> None:
    publish(desk)
    app = opened(desk.rep, "knowledge", article="delivery-times", tab="write")
    articles.save("delivery-times", Content("Delivery times", "Theirs."), based_on=1, by=desk.lead)
    app.text_area(key="knowledge_write_delivery-times_text").set_value("Mine.")
    drawn(button(app, "Save as version").click().run())
    told = words(app)
    assert "Not saved: version 2 of 'Delivery times' was saved while you wrote from version 1" in told
    assert "Version 2 was saved since you began with version 1." in told
    assert app.text_area(key="knowledge_write_delivery-times_text").value == "Mine."
    drawn(button(app, "I have seen it").click().run())
    drawn(button(app, "Save as version 3").click().run())
    assert articles.content("delivery-times", 3, by=desk.rep).text == "Mine."


def test_versions_show_what_changed_and_one_person_goes_back(desk: Staff) -> None:
    publish(desk)
    articles.save("delivery-times", Content("Delivery times", DELIVERY.replace("seven", "nine"), audience="staff"), based_on=1, by=desk.rep)
    release(desk, Target(ARTICLE, "delivery-times", 2))
    app = opened(desk.lead, "knowledge", article="delivery-times", tab="versions")
    told = words(app)
    assert (
        "From version 1 to 2" in told
        and ":red[~~seven~~]" in told
        and ":green[**nine**]" in told
        and "For: everyone → staff" in told.replace("**For**", "For")
    )
    assert "2 · Rita" in told.replace("**", "") and "was published" in told
    drawn(app.button(key="knowledge_back_1").click().run())
    assert "Nothing changed: say why" in words(app)
    drawn(app.text_input(key="knowledge_back_why_1").set_value("Nine was wrong.").run())
    drawn(app.button(key="knowledge_back_1").click().run())
    assert in_force.numbers()["delivery-times"] == 1
    assert "Publish 2 again" not in labels_of(opened(desk.rep, "knowledge", article="delivery-times", tab="versions"))
    check_words_only(app, *(one.id for one in articles.history("delivery-times", by=desk.lead)))


def test_an_article_is_taken_out_of_use_with_a_reason(desk: Staff) -> None:
    publish(desk)
    app = opened(desk.lead, "knowledge", article="delivery-times")
    drawn(app.button(key="knowledge_retire").click().run())
    assert "Not taken out of use: say why" in words(app) and "delivery-times" in in_force.numbers()
    drawn(app.text_input(key="knowledge_why_retire").set_value("Gone.").run())
    drawn(app.button(key="knowledge_retire").click().run())
    assert "delivery-times" not in in_force.numbers() and "Not published" in words(app)
    assert "Take out of use" not in labels_of(opened(desk.rep, "knowledge", article="delivery-times"))


def test_what_touches_cases_is_tried_before_it_is_proposed(desk: Staff) -> None:
    publish(desk)
    speak(desk)
    frozen(desk, [case(QUESTION, "delivery-times")])
    articles.save("delivery-times", Content("Bees", "Bees sleep in winter."), based_on=1, by=desk.rep)
    app = opened(desk.rep, "knowledge", article="delivery-times")
    assert "First it is tried on the cases of eval sets that it touches" in words(app) and "Propose it" not in labels_of(app)
    drawn(button(app, "Try it").click().run())
    jobs.run_waiting()
    app = opened(desk.rep, "knowledge", article="delivery-times")
    assert "Of 1 case that it touches 0 are fixed, 1 broken, 0 as before." in words(app) and f"Everyday questions 1: {QUESTION}" in words(
        app
    )
    drawn(button(app, "Propose it").click().run())
    assert "Mend it, or say why it is right although it breaks them." in words(app)
    drawn(text_field(app, "Why it is right although it breaks them").set_value("We deliver no more.").run())
    drawn(text_field(app, "Why").set_value("Bees are asked about.").run())
    drawn(button(app, "Propose it").click().run())
    (proposal,) = approvals.waiting(by=desk.lead)
    assert proposal.evidence["despite"] == "We deliver no more."


def test_files_are_brought_and_what_cannot_be_read_is_said(desk: Staff) -> None:
    app = opened(desk.lead, "knowledge")
    (uploader,) = app.get("file_uploader")
    uploader.upload("a.md", f"# Delivery\n\n{DELIVERY}".encode(), "text/markdown")
    uploader.upload("empty.md", b"", "text/markdown")
    drawn(app.run())
    drawn(button(app, "Bring them").click().run())
    assert "1 new article," in words(app) and "empty.md" in words(app)
    assert [one.title for one in articles.listed(Filter(), by=desk.rep)] == ["Delivery"]


def test_an_article_that_is_not_there_is_said(desk: Staff) -> None:
    for person in (desk.rep, desk.admin):
        assert "That article is not here." in words(opened(person, "knowledge", article="../../etc"))


def test_an_admin_reads_and_changes_nothing(desk: Staff) -> None:
    publish(desk)
    for tab in ("read", "write", "versions"):
        told = labels_of(opened(desk.admin, "knowledge", article="delivery-times", tab=tab))
        assert not any(one in told for one in ("Save as", "Propose", "Take out of use", "Publish"))


def test_what_means_something_elsewhere_is_words_here(desk: Staff) -> None:
    target = write(desk, title=f"Parcels {MADE}", text=f"A parcel takes three days. {MADE}", area=MADE)
    release(desk, target, write(desk, title="Bees", text="Bees sleep in winter."))
    speak(desk)
    articles.save(target.name, Content(f"Parcels {MADE}", f"Another. {MADE}", area="x"), based_on=1, by=desk.rep)
    asked = answering.ask("How many days does a parcel take?", by=desk.rep)
    assert (asked.said or {})["articles"] == [target.name]
    for tab in ("read", "write", "versions"):
        app = opened(desk.rep, "knowledge", article=target.name, tab=tab)
        assert not [part for part in app.markdown if part.allow_html or MADE in str(part.value)]
    app = opened(desk.rep, "ask")
    drawn(app.text_input(key="ask_question").set_value(f"How many days does a parcel take? {MADE}").run())
    assert not [part for part in (*app.markdown, *app.caption) if part.allow_html or MADE in str(part.value)]


# -- ask ----------------------------------------------------------------------------------------------------------------------------------


def ask(app: AppTest, question: str) -> AppTest:
    return drawn(app.text_input(key="ask_question").set_value(question).run())


def test_an_answer_stands_with_its_source_and_one_key_says_what_came_of_it(desk: Staff) -> None:
    publish(desk)
    speak(desk)
    app = ask(opened(desk.rep, "ask"), QUESTION)
    told = words(app)
    assert "Abroad it takes seven working days. :gray[[1]]" in told and "1. Delivery times" in told
    assert "Machine: quoted word for word" in told
    assert [one.label for one in app.button if re.search(r"\([YNM]\)$", one.label)] == [
        "It helped (Y)",
        "It is wrong (N)",
        "It is missing (M)",
    ]
    drawn(button(app, "It is wrong (N)").click().run())
    assert "You said that it is wrong. It counts towards a gap." in words(app) and answering.mine(by=desk.rep)[0].outcome == "refused"
    assert not [one for one in app.button if one.label.startswith("It ")]
    check_words_only(app, answering.mine(by=desk.rep)[0].id)


def test_silence_says_what_is_nearest_and_one_key_says_that_it_is_missing(desk: Staff) -> None:
    publish(desk)
    app = ask(opened(desk.rep, "ask"), "Is Sunday a working day for parcels?")
    told = words(app)
    assert "I should not answer this." in told and "the nearest article is 'Delivery times'" in told and "Closest, and not enough:" in told
    assert [one.label for one in app.button if one.label.startswith("It ")] == ["It is missing (M)"]
    drawn(button(app, "It is missing (M)").click().run())
    assert "You said that it is missing." in words(app) and answering.mine(by=desk.rep)[0].outcome == "missing"


def test_what_one_asked_lately_is_opened_again_and_nobody_elses(desk: Staff) -> None:
    for number in range(10):
        answering.ask(f"What about {MADE} {number}?", by=desk.lead)
    app = opened(desk.lead, "ask")
    again = [one for one in app.button if (one.key or "").startswith("ask_again_")]
    assert len(again) == answering.LATELY and "What about" in again[0].label and MADE not in again[0].label
    drawn(again[0].click().run())
    assert "I should not answer this." in words(app)
    assert "Asked lately" not in words(opened(desk.rep, "ask"))


def test_a_staff_article_is_told_to_each_who_may_ask(desk: Staff) -> None:
    publish(desk, "Goodwill", GOODWILL, audience="staff")
    speak(desk)
    for person in (desk.rep, desk.lead, desk.engineer):
        assert "15 euros" in words(ask(opened(person, "ask"), VOUCHER))


# -- gaps ---------------------------------------------------------------------------------------------------------------------------------


def test_where_no_gap_is_open_the_page_says_what_fills_it(desk: Staff) -> None:
    for person in (desk.rep, desk.lead, desk.engineer):
        app = opened(person, "gaps")
        assert "No gap is open. What the machine declines" in words(app) and "Look now" in labels_of(app)


def test_a_rep_looks_now_and_the_gap_is_there(desk: Staff) -> None:
    asks(desk)
    app = opened(desk.rep, "gaps")
    drawn(button(app, "Look now").click().run())
    jobs.run_waiting()
    app = opened(desk.rep, "gaps")
    told = words(app)
    assert any(text in told for text in BICYCLES) and "Asked 3 times by 3 people in four weeks" in told
    assert "3 times the machine kept silent. No article is near." in told
    check_words_only(app, gaps.standing(by=desk.rep)[0].id)


def test_a_gap_becomes_a_draft_with_its_cases(desk: Staff) -> None:
    asks(desk)
    (gap,) = looked(desk)
    eval_set = sets.create("Everyday questions", purpose="knowledge", by=desk.lead)
    app = opened(desk.rep, "gaps", gap=gap.id)
    assert all(text in words(app) for text in BICYCLES) and "Where it was asked: colleagues 3." in words(app)
    drawn(button(app, "Draft an article").click().run())
    assert app.selectbox(key="gaps_set").value.id == eval_set.id and app.number_input(key="gaps_cases").value == 3
    app.text_input(key=f"gaps_{gap.id}_title").set_value(WRITTEN.title)
    app.text_area(key=f"gaps_{gap.id}_text").set_value(WRITTEN.text)
    button(app, "Save the draft").click().run()
    article = articles.get("renting-bicycles", by=desk.rep)
    assert article is not None and article.live is None
    app = opened(desk.lead, "gaps")
    assert "is being written, by Rita." in words(app) and "The article" in labels_of(app)
    release(desk, Target(ARTICLE, "renting-bicycles", 1))
    looked(desk)
    told = words(turn_to(app, "gaps")).replace("\u00a0", " ").replace("\\", "")
    assert (
        "is covered, by Rita. Asked in vain before: 100.0 % of what was asked (3 of 3; between 43.9 % and 100.0 %); since: nothing" in told
    )


def test_a_stranger_sees_how_much_is_asked_and_not_what(desk: Staff) -> None:
    customers(desk, BICYCLES)
    (gap,) = looked(desk)
    with store.writing():
        frida = people.add("Frida", "frida@example.com", "rep", by=people.console(), team=desk.fern)
    for address in ({}, {"gap": gap.id}, {"gap": gap.id, "write": "1"}):
        told = words(opened(frida, "gaps", **address))
        assert "A question of another team" in told and "Asked 3 times by 3 people" in told and "bicycle" not in told
        assert "bicycle" in words(opened(desk.rep, "gaps", **address))  # the control
    assert "their conversations are not within your reach" in words(opened(frida, "gaps", gap=gap.id))


def test_where_a_gap_is_asked_too_can_be_looked_at(desk: Staff) -> None:
    asks(desk)
    for number, text in enumerate(BICYCLES, start=20):
        comes(desk, text, number=number, channel="email")
    (gap,) = looked(desk)
    app = opened(desk.rep, "gaps", gap=gap.id)
    assert "Also asked in e-mail: 3 of 3 conversations of these four weeks begin with it." in words(app)
    before = len(app.get("page_link"))
    app.toggle(key=f"gaps_also_{gap.id}_0").set_value(True).run()
    assert len(app.get("page_link")) == before + 3


def test_a_gap_is_put_aside_with_a_reason(desk: Staff) -> None:
    asks(desk)
    (gap,) = looked(desk)
    app = opened(desk.lead, "gaps", gap=gap.id)
    drawn(app.button(key="gaps_aside").click().run())
    assert "Not put aside: say why" in words(app)
    app = opened(desk.lead, "gaps", gap=gap.id)
    drawn(app.text_input(key=f"gaps_why_{gap.id}").set_value(f"We rent none {MADE}").run())
    drawn(app.button(key="gaps_aside").click().run())
    told = words(opened(desk.rep, "gaps"))
    assert "was put aside: We rent none" in told and MADE not in "".join(str(part.value) for part in app.markdown)


def test_a_gap_that_is_not_there_is_said(desk: Staff) -> None:
    assert "That gap is not here any more." in words(opened(desk.rep, "gaps", gap="none"))


def test_many_gaps_show_the_largest(desk: Staff) -> None:
    fill(desk, *list(SHELF)[:2])
    rare = ("anvil", "banjo", "cello", "drum", "easel", "flute", "gong", "harp", "igloo", "jigsaw", "kazoo", "lute", "mandolin", "nougat",
            "oboe", "piano", "quilt", "rattle", "sitar", "tuba", "ukulele", "violin")  # fmt: skip
    for thing in rare:
        asks(desk, [f"{thing} {thing} price {thing}", f"{thing} {thing} colour {thing}", f"{thing} {thing} size {thing}"])
    assert len(looked(desk)) == len(rare)
    app = opened(desk.rep, "gaps")
    assert sum(one.label == "Open it" for one in app.button) == 20 and "2 smaller ones are not shown." in words(app)


def test_screens_that_a_role_may_not_use_are_not_offered(desk: Staff) -> None:
    assert people.get(desk.admin.id) is not None
    for screen in ("ask", "gaps"):
        app = sit_down(desk.admin)
        with pytest.raises(Exception, match=screen):
            app.switch_page(f"screens/{screen}.py").run()
