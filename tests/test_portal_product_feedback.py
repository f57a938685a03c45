"""Product feedback as it leaves the portal and as people see it: a page of Markdown, samples, a webhook, commands and the screen."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data import access, audit, config, downloads, feedback_evidence, people, product_feedback, store, tokens
from data.errors import Denied, Refused
from data.product_feedback import ACCEPTED, BUILDING, CHANGED, NOTED, About
from data.tables import Conversation, ProductFeedback
from data.values import now
from portal import api_product_feedback, feedback_document, feedback_sending, jobs, schedules
from portal.alerting import MOST_TRIES
from tests.conftest import Staff
from tests.feedback_worlds import come
from tests.test_portal_alerting import Receiver, connect, receiver  # noqa: F401
from tests.test_portal_cli import Done, refused, run  # noqa: F401
from tests.test_screens import button, open_screen, sit_down, words

Command = Callable[..., Done]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LEO, RITA = "leo@example.com", "rita@example.com"
ROUGH = "=cmd|' /C calc'!A0 **stays** <b>shut</b> [here](http://x.example) `locker` $x$ jo.doe@example.org"
on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@pytest.fixture
def world(staff: Staff) -> Staff:
    come(staff.engineer, now() - 3 * DAY, faults=6, others=6)
    return staff


def written(staff: Staff, title: str = "Lockers stay shut") -> ProductFeedback:
    return product_feedback.write(title, "The code is not taken.", About(words="locker"), by=staff.lead, wish="Another code.")


def rough(staff: Staff) -> ProductFeedback:
    """Its customers write what means something to spreadsheets, to Markdown and to whoever looks for people."""
    come(staff.engineer, now() - 2 * DAY, faults=3, others=0, text=ROUGH)
    return product_feedback.write("It *stays* #shut|", "- **not** a list\n# nor a title", About(words="locker calc"), by=staff.lead)


# -- what leaves --------------------------------------------------------------------------------------------------------------------------


@on_sqlite
def test_a_product_manager_reads_what_it_is_how_large_and_what_customers_say(world: Staff) -> None:
    made = written(world)
    product_feedback.hand_over(made.id, "Delivery", "Please look.", by=world.lead)
    product_feedback.step(made.id, CHANGED, "It is out.", by=world.lead, day=feedback_evidence.today() - DAY)
    page = feedback_document.markdown(feedback_document.collected(made.id, by=world.lead))
    for told in (
        "# Lockers stay shut\n", "Product changed on ", "for Delivery", "written up by Leo", "The code is not taken.",
        "**What would help:** Another",
        "6 conversations of the last four weeks are about it: 50.0\u00a0%", "## Since the product changed\n\nCannot be told yet: 0 of 0",
        "> The locker stays shut, compartment seven.", "/conversation?conversation=", "Handed over to Delivery. Please look.",
        "Found by the search `locker`", "| Week of | About it | All | Share |", "hours of people's time a week",
    ):  # fmt: skip
        assert told in page, told


@on_sqlite
def test_no_sign_of_anybody_means_anything_in_markdown_or_a_spreadsheet(world: Staff) -> None:
    made = rough(world)
    found = feedback_document.collected(made.id, by=world.lead)
    page = feedback_document.markdown(found)
    assert "# It \\*stays\\* \\#shut\\|\n" in page and "\n\\- \\*\\*not\\*\\* a list \\# nor a title\n" in page
    assert "> \\=cmd\\|' /C calc'!A0 \\*\\*stays\\*\\* \\<b\\>shut\\</b\\> \\[here\\](" in page and "example.org" not in page
    lines = feedback_document.files(made.id, by=world.lead)["samples.csv"].splitlines()
    assert len(lines) == 4 and all("\"'=cmd" in line and "example.org" not in line for line in lines[1:])


@on_sqlite
def test_files_are_for_one_person_once_and_samples_for_whoever_may_take_them_along(world: Staff) -> None:
    made = written(world)
    offered = downloads.fetch(feedback_document.offer_markdown(made.id, by=world.admin), by=world.admin)
    assert offered.name == "product-feedback-lockers-stay-shut.md" and offered.path.read_text().startswith("# Lockers stay shut\n")
    offered = downloads.fetch(feedback_document.offer_samples(made.id, by=world.rep), by=world.rep)
    assert offered.name == "samples-lockers-stay-shut.csv" and len(offered.path.read_text().splitlines()) == 6
    assert "Made a list of 5 samples" in " ".join(one.sentence for one in audit.newest(by=world.admin, noun="feedback"))
    with pytest.raises(Denied):
        feedback_document.offer_samples(made.id, by=world.admin)
    for offer in (feedback_document.offer_markdown, feedback_document.offer_samples):
        with pytest.raises(Refused, match="no such product feedback"):
            offer(made.id, by=world.other)


@on_sqlite
def test_a_sample_that_is_hidden_since_is_not_shown(world: Staff) -> None:
    made = written(world)
    with store.writing() as db:
        db.get_one(Conversation, made.sample_ids[0]).hidden_at = now()
    assert [one.id for one in feedback_document.collected(made.id, by=world.lead).samples] == made.sample_ids[1:]
    with store.writing() as db:
        for one in made.sample_ids:
            db.get_one(Conversation, one).hidden_at = now()
    with pytest.raises(Refused, match="none of its samples is within your reach"):
        feedback_document.offer_samples(made.id, by=world.lead)


@on_sqlite
def test_a_token_for_figures_is_told_no_customers_words(world: Staff) -> None:
    made = written(world)
    told = api_product_feedback.one(made.id, world.lead)
    assert told["numbers"]["conversations"] == 6 and told["samples"][0]["begins"].startswith("The locker") and len(told["weeks"]) == 13
    program = tokens.narrowed(world.lead, ["monitor"])
    told = api_product_feedback.one(made.id, program)
    assert told["numbers"]["of"] == 12 and told["samples"] == [] and "stays shut, compartment" not in json.dumps(told)
    with pytest.raises(Denied):
        api_product_feedback.step(made.id, api_product_feedback.Stepped(state="changed", sentence="Out."), program)


# -- by webhook ---------------------------------------------------------------------------------------------------------------------------


def handed_to(staff: Staff, made: ProductFeedback) -> None:
    told = api_product_feedback.HandedOver(product_team="Delivery", sentence="Please look.", webhook="on-call")
    api_product_feedback.hand_over(made.id, told, staff.lead)


def test_a_webhook_is_sent_it_signed_once_and_without_what_customers_said(world: Staff, receiver: Receiver) -> None:  # noqa: F811
    connect(world, receiver.url)
    made = written(world)
    assert product_feedback.places(by=world.lead) == ["on-call"] and not feedback_sending.anything_due()
    handed_to(world, made)
    assert feedback_sending.anything_due() and "tell_product_teams" in {one.task for one in schedules.SCHEDULES}
    assert jobs.JOBS["tell_product_teams"]({}, people.console(), lambda *_: None) == "1 told."
    feedback_sending.tell_due(at=now() + DAY)
    (body,) = receiver.took
    assert receiver.forged == 0 and not feedback_sending.anything_due(at=now() + DAY)
    assert (body["event"], body["name"], body["text"]) == ("product_feedback", made.title, made.text)
    assert (body["numbers"]["conversations"], body["numbers"]["of"], body["product_team"]) == (6, 12, "")
    assert [one["conversation"] for one in body["samples"]] == made.sample_ids and "compartment" not in json.dumps(body)
    (sent,) = product_feedback.sent(made.id, by=world.rep)
    assert (sent.state, sent.tries, sent.why) == ("done", 1, "") and receiver.came[0]["portal-delivery"] == sent.id
    assert product_feedback.sent(made.id, by=world.other) == []


@on_sqlite
@pytest.mark.parametrize("shape", ["slack", "teams"])
def test_a_chat_room_is_told_what_it_is_and_how_large(world: Staff, receiver: Receiver, shape: str) -> None:  # noqa: F811
    connect(world, receiver.url, shape=shape)
    handed_to(world, written(world))
    feedback_sending.tell_due()
    told = json.dumps(receiver.took, ensure_ascii=False)
    assert "Lockers stay shut" in told and "6 conversations of the last four weeks are about it" in told and "compartment" not in told


def test_what_is_not_taken_is_tried_again_and_given_up_after_a_day(world: Staff, receiver: Receiver) -> None:  # noqa: F811
    receiver.script = ["500", "503"]
    connect(world, receiver.url)
    made, at = written(world), now()
    handed_to(world, made)
    assert feedback_sending.tell_due(at=at) == "0 told. 1 not: tried again later, or given up; the feedback says why."
    (sent,) = product_feedback.sent(made.id, by=world.lead)
    assert (sent.state, sent.tries) == ("waiting", 1) and "answered with 500" in sent.why
    assert not feedback_sending.anything_due(at=at + MINUTE / 2)
    feedback_sending.tell_due(at=at + MINUTE)
    assert feedback_sending.tell_due(at=at + 4 * MINUTE) == "1 told."
    receiver.script = ["500"] * 100
    handed_to(world, made)
    for hour in range(40):
        feedback_sending.tell_due(at=at + timedelta(hours=hour + 1))
    last = product_feedback.sent(made.id, by=world.lead)[0]
    assert (last.state, last.tries) == ("given_up", MOST_TRIES)


@on_sqlite
def test_what_will_never_be_taken_is_given_up_at_once(world: Staff, receiver: Receiver) -> None:  # noqa: F811
    receiver.script = ["410"]
    connect(world, receiver.url)
    made = written(world)
    handed_to(world, made)
    feedback_sending.tell_due()
    (sent,) = product_feedback.sent(made.id, by=world.lead)
    assert (sent.state, sent.tries) == ("given_up", 1) and "does not take it (410)" in sent.why


# -- by command ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(run: Command) -> Command:  # noqa: F811
    return lambda *arguments: run("product-feedback", *arguments)


@on_sqlite
def test_it_is_written_up_handed_over_followed_and_taken_out(command: Command, world: Staff, tmp_path: Path) -> None:
    assert command("list", "--by", RITA).out == "Nothing was written up for a product team yet.\n"
    made = command("write", "Shut", "The code is not taken.", "--search", "locker", "--by", RITA, "--json").told
    assert (made["state"], made["search"], made["team"]) == ("noted", "locker", "Oak")
    assert command("hand-over", made["id"], "Delivery", "Please look.", "--by", LEO).out == "Handed to Delivery: Shut.\n"
    day = (feedback_evidence.today() - DAY).isoformat()
    assert command("step", made["id"], "changed", "It is out.", "--on", day, "--by", LEO).out == "Product changed: Shut\n"
    assert command("list", "--by", RITA).out == f"{made['id']}  Product changed, Delivery: Shut (50.0 %, 6)\n"
    assert (
        command("show", made["id"], "--by", RITA).out.startswith("# Shut\n")
        and command("show", made["id"], "--by", RITA, "--json").told["changed_on"] == day
    )
    assert command("export", made["id"], tmp_path, "--by", RITA).out.startswith("Written: ")
    assert (tmp_path / "feedback.md").read_text().startswith("# Shut\n") and (tmp_path / "samples.csv").read_bytes().count(b"\r\n") == 6


@on_sqlite
def test_what_cannot_be_done_ends_with_a_sentence(command: Command, world: Staff, tmp_path: Path) -> None:
    made = written(world)
    for arguments, code, told in (
        (("write", "Shut", "It is."), 1, "name an intent, or words"), (("write", "Shut", "It is.", "--intent", "X"), 1, "no intent 'X'"),
        (("step", made.id, "party", "Well."), 2, "state cannot be used"),
        (("step", made.id, "changed", "x", "--on", "then"), 2, "day cannot"),
        (("step", made.id, "accepted", "Well."), 1, "Hand it over first"), (("show", "none"), 1, "no such product feedback"),
        (("hand-over", made.id, "Delivery", "Please.", "--webhook", "none"), 1, "no webhook 'none'"),
        (("export", made.id, tmp_path / "nowhere"), 2, "There is no folder"),
    ):  # fmt: skip
        refused(command(*arguments, "--by", LEO), code, told)
    refused(command("hand-over", made.id, "Delivery", "Please.", "--by", RITA), 1, "may not hand over")
    assert len(product_feedback.steps(made.id, by=world.lead)) == 1


# -- on the screen ------------------------------------------------------------------------------------------------------------------------


def page(by: object, **address: str) -> AppTest:
    app = open_screen(sit_down(by), "product_feedback", **address)  # type: ignore[arg-type]
    assert not app.exception
    return app


@on_sqlite
def test_an_empty_page_says_what_will_fill_it(staff: Staff) -> None:
    assert "Nothing was written up yet." in words(page(staff.rep))
    assert [one.label for one in page(staff.admin).button if one.label == "Write up a fault"] == []
    assert "was taken back, or it is another team" in words(page(staff.rep, feedback="none"))


@on_sqlite
def test_a_rep_writes_up_what_an_address_began_and_a_lead_hands_it_over(world: Staff) -> None:
    app = page(world.rep, new="1", words="locker")
    assert "6 conversations of the last four weeks are about it" in words(app) and len(app.multiselect(
        key=next(one.key for one in app.multiselect if one.key.startswith("feedback_samples_new"))
    ).value) == 5  # fmt: skip
    app.text_input(key="feedback_title").set_value("Lockers stay shut")
    app.text_area(key="feedback_text").set_value("The code is not taken.")
    app = button(app, "Write it up").click().run()
    (made,) = product_feedback.all_of(by=world.rep)
    assert (made.state, made.words, made.team_id) == (NOTED, "locker", world.oak.id) and not app.exception
    assert len(made.sample_ids) == 5  # those that read the same too
    app = page(world.lead, feedback=made.id)
    key = f"feedback_hand_{made.id}_1"
    app.text_input(key=f"{key}_to").set_value("Delivery")
    app.text_area(key=f"{key}_said").set_value("Please look.")
    app = app.button(key=f"{key}_do").click().run()
    assert not app.exception and not app.error
    found = product_feedback.get(made.id, by=world.lead)
    assert found is not None and (found.state, found.product_team) == ("handed_over", "Delivery")


@on_sqlite
def test_who_changes_words_leaves_the_samples_that_they_cannot_see(world: Staff) -> None:
    theirs = come(world.engineer, now() - DAY, faults=3, others=0, team="Fern")
    made = product_feedback.write("Shut", "It stays shut.", About(words="locker"), by=world.engineer)
    assert set(theirs) < set(made.sample_ids)
    app = page(world.lead, feedback=made.id, change="1")
    app.text_area(key="feedback_wish").set_value("Another code.")
    app = button(app, "Save the change").click().run()
    found = product_feedback.get(made.id, by=world.lead)
    assert found is not None and (found.wish, found.sample_ids) == ("Another code.", made.sample_ids) and not app.error


@on_sqlite
def test_texts_of_people_are_no_markdown_on_the_screen(world: Staff) -> None:
    made = rough(world)
    for app in (page(world.lead), page(world.lead, feedback=made.id)):
        told = " ".join([words(app), *(one.label for one in app.button), *(str(one.value) for one in app.subheader)])
        assert "It *stays*" not in told and "It \\*stays\\* \\#shut\\|" in told
    assert "**stays**" not in words(app) and "<b>" not in words(app) and "example.org" not in words(app)


@on_sqlite
def test_a_search_that_is_understood_no_more_is_said_and_the_rest_stands(world: Staff) -> None:
    made = written(world)
    with store.writing() as db:
        db.get_one(ProductFeedback, made.id).words = "intent:gone"
    assert "Its search is not understood any more." in words(page(world.lead))
    app = page(world.lead, feedback=made.id)
    assert "no intent 'gone'" in " ".join(one.value for one in app.warning).replace("\\", "") and "What happened" in words(app)


@on_sqlite
def test_numbers_open_their_conversations(world: Staff) -> None:
    from portal import feedback_page

    made = written(world)
    evidence = feedback_evidence.of(product_feedback.words_of(made), by=world.lead)
    address = feedback_page.address(evidence.words, evidence.now)
    app = open_screen(sit_down(world.lead), "conversations", **address)
    assert len(app.dataframe[0].value) == 6 == evidence.now.share.k


def test_the_demo_tells_of_three_in_three_states(demo: Path) -> None:
    config.reset()
    nora = next(one for one in people.demo_people() if one.name == "Nora Engel")
    found = {one.state: one for one in product_feedback.all_of(by=nora)}
    assert set(found) == {NOTED, BUILDING, CHANGED}
    evidence = feedback_evidence.of(product_feedback.words_of(found[CHANGED]), by=nora, changed_on=found[CHANGED].changed_on)
    assert evidence.followed is not None and evidence.followed.verdict == "fewer"
    told = [one.state for one in product_feedback.steps(found[BUILDING].id, by=nora)]
    assert told == [NOTED, "handed_over", ACCEPTED, BUILDING] and found[BUILDING].pattern_id
    assert access.may(nora, "feedback.hand_over")
