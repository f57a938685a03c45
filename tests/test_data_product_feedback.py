"""Product feedback on both engines: who writes it up, hands it over and says what became of it, who reads it, and what it needs."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from classifiers import labels
from data import access, audit, feedback_evidence, notes, people, product_feedback, store
from data.errors import Denied, Refused
from data.product_feedback import ACCEPTED, BUILDING, CHANGED, DECLINED, HANDED_OVER, NOTED, About
from data.tables import Conversation, Pattern, Person, ProductFeedback, ProductFeedbackStep
from data.values import now
from tests.conftest import Staff
from tests.feedback_worlds import come

DAY = timedelta(days=1)
LOCKER = About(words="locker")


@pytest.fixture
def world(staff: Staff) -> Staff:
    come(staff.engineer, now() - 2 * DAY, faults=6, others=4)
    come(staff.engineer, now() - 2 * DAY, faults=4, others=1, team="Fern")
    return staff


def written(by: Person, title: str = "Lockers stay shut", **more: Any) -> ProductFeedback:
    return product_feedback.write(title, "The code is not taken.", LOCKER, by=by, **more)


def titles(by: Person) -> list[str]:
    return [one.title for one in product_feedback.all_of(by=by)]


def test_a_fault_goes_from_its_writing_to_the_changed_product(world: Staff) -> None:
    made = written(world.rep, wish="Another code.")
    assert (made.state, made.team_id, len(made.sample_ids), made.changed_on) == (NOTED, world.oak.id, 5, None)
    product_feedback.hand_over(made.id, " Delivery\n team ", "Please look at it.", by=world.lead)
    product_feedback.step(made.id, ACCEPTED, "We plan it.", by=world.rep)
    product_feedback.step(made.id, BUILDING, "It is being built.", by=world.lead)
    day = feedback_evidence.today() - DAY
    product_feedback.step(made.id, CHANGED, "It is out.", by=world.lead, day=day)
    found = product_feedback.get(made.id, by=world.rep)
    assert found is not None and (found.state, found.product_team, found.changed_on) == (CHANGED, "Delivery team", day)
    told = [(one.state, one.sentence, one.by_person_id) for one in product_feedback.steps(made.id, by=world.rep)]
    assert told == [
        (NOTED, "Written up.", world.rep.id), (HANDED_OVER, "Please look at it.", world.lead.id), (ACCEPTED, "We plan it.", world.rep.id),
        (BUILDING, "It is being built.", world.lead.id), (CHANGED, "It is out.", world.lead.id),
    ]  # fmt: skip
    (note,) = notes.between(now() - 3 * DAY, now() + DAY, by=world.lead)
    assert note.text == "The product has changed: Lockers stay shut" and note.page == f"product_feedback?feedback={made.id}"
    said = [one.sentence for one in audit.newest(by=world.admin, noun="feedback")][::-1]
    assert said == [
        "Wrote up for a product team: Lockers stay shut", "Handed 'Lockers stay shut' to Delivery team.",
        f"'Lockers stay shut': accepted since {(day + DAY).isoformat()}.",
        f"'Lockers stay shut': being built since {(day + DAY).isoformat()}.",
        f"'Lockers stay shut': product changed since {day.isoformat()}.",
    ]  # fmt: skip


def test_a_rep_marks_nothing_on_the_timeline_and_an_engineer_does_for_everybody(world: Staff) -> None:
    product_feedback.step(written(world.rep).id, CHANGED, "It is out.", by=world.rep)
    assert notes.between(now() - DAY, now() + DAY, by=world.engineer) == []
    product_feedback.step(written(world.engineer, "The other").id, CHANGED, "It is out.", by=world.engineer)
    (note,) = notes.between(now() - DAY, now() + DAY, by=world.other)
    assert note.team_id is None and note.happened_at <= now()


def test_what_changed_is_not_any_more_once_it_is_built_again(world: Staff) -> None:
    made = written(world.lead)
    product_feedback.step(made.id, CHANGED, "It is out.", by=world.lead)
    product_feedback.hand_over(made.id, "Delivery", "It is back.", by=world.lead)
    assert product_feedback.step(made.id, BUILDING, "We look again.", by=world.lead).changed_on is None


def test_the_own_team_and_who_sees_all_read_it_and_no_other_team(world: Staff) -> None:
    made, theirs = written(world.rep), written(world.other, "Theirs")
    alls = written(world.engineer, "Everybody's")
    assert titles(world.rep) == titles(world.lead) == ["Everybody's", "Lockers stay shut"]
    assert titles(world.engineer) == titles(world.admin) == ["Everybody's", "Theirs", "Lockers stay shut"]
    assert titles(world.other) == ["Everybody's", "Theirs"] and len(theirs.sample_ids) == 4
    assert product_feedback.get(made.id, by=world.other) is None and product_feedback.steps(made.id, by=world.other) == []
    assert product_feedback.all_of(by=world.rep, states=[CHANGED]) == [] and alls.team_id is None
    for act in (
        lambda: product_feedback.step(made.id, CHANGED, "Out.", by=world.other),
        lambda: product_feedback.take_back(made.id, by=world.other),
        lambda: product_feedback.hand_over(made.id, "Delivery", "Please.", by=world.other),
        lambda: product_feedback.change(made.id, by=world.other, title="Mine"),
    ):  # fmt: skip
        with pytest.raises(Denied, match="another team"):
            act()


def test_a_rep_hands_nothing_over_and_an_admin_writes_nothing(world: Staff) -> None:
    made = written(world.rep)
    with pytest.raises(Denied, match="a rep may not hand over a feedback"):
        product_feedback.hand_over(made.id, "Delivery", "Please.", by=world.rep)
    with pytest.raises(Denied, match="an admin may not write a feedback"):
        written(world.admin)
    with pytest.raises(Denied, match="may not hand over"):
        product_feedback.places(by=world.admin)
    assert product_feedback.places(by=world.lead) == []


def test_who_is_in_no_team_writes_for_none(world: Staff) -> None:
    loose = people.move(world.lead.id, None, by=world.admin)
    with pytest.raises(Refused, match="you are in none"):
        written(loose)


def test_no_product_team_answers_what_it_does_not_know_of(world: Staff) -> None:
    made = written(world.lead)
    for state in (ACCEPTED, BUILDING, DECLINED):
        with pytest.raises(Refused, match="Hand it over first"):
            product_feedback.step(made.id, state, "Well.", by=world.lead)
    for state in (NOTED, HANDED_OVER, "party"):
        with pytest.raises(Refused, match=f"no status '{state}'"):
            product_feedback.step(made.id, state, "Well.", by=world.lead)
    with pytest.raises(Refused, match="not a day of the past"):
        product_feedback.step(made.id, CHANGED, "Soon.", by=world.lead, day=feedback_evidence.today() + DAY)
    with pytest.raises(Refused, match="say it in a sentence"):
        product_feedback.step(made.id, CHANGED, "  ", by=world.lead)
    assert len(product_feedback.steps(made.id, by=world.lead)) == 1


def test_what_cannot_be_handed_over_stays_where_it_is(world: Staff) -> None:
    made = written(world.lead)
    for to, said, more, told in (
        (" ", "Please.", {}, "name the product team"), ("x" * 81, "Please.", {}, "name the product team"),
        ("Delivery", " ", {}, "say it in a sentence"), ("Delivery", "Please.", {"webhook": "nowhere"}, "no webhook 'nowhere'"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=told):
            product_feedback.hand_over(made.id, to, said, by=world.lead, **more)
    assert product_feedback.get(made.id, by=world.lead) == made and product_feedback.sent(made.id, by=world.lead) == []


@pytest.mark.parametrize(
    ("title", "text", "about", "told"),
    [
        (" ", "It is shut.", LOCKER, "a title has 1 to 120"), ("x" * 121, "It is shut.", LOCKER, "this one has 121"),
        ("Shut", " ", LOCKER, "say in a sentence or two"), ("Shut", "x" * 2_001, LOCKER, "at most 2,000 characters, this one has 2,001"),
        ("Shut", "It is.", About(), "name an intent, or words"), ("Shut", "It is.", About(label_id="none"), "no such intent"),
        ("Shut", "It is.", About(pattern_id="none", words="locker"), "no such pattern"),
        ("Shut", "It is.", About(words="plank"), "3 to 10 conversations show what it is about, and here are 0"),
        ("Shut", "It is.", About(words="locker after:2026-01-01"), "leave after: out"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_up_is_said(world: Staff, title: str, text: str, about: About, told: str) -> None:
    with pytest.raises(Refused, match=told):
        product_feedback.write(title, text, about, by=world.lead)
    assert titles(world.lead) == []


def test_samples_are_conversations_about_it_three_to_ten(world: Staff) -> None:
    known = feedback_evidence.newest("locker", 20, by=world.engineer)
    mine = feedback_evidence.newest("locker", 20, by=world.rep)
    other = next(one for one in feedback_evidence.newest("plant", 20, by=world.rep))
    for chosen, told in (
        (mine[:2], "here are 2"), ([*mine[:3], other], "1 of the samples is not among"),
        ([*mine[:3], "none", "no"], "2 of the samples are"),
        (known[:6], "are not among its conversations"),  # some are another team's
    ):  # fmt: skip
        with pytest.raises(Refused, match=told):
            written(world.rep, sample_ids=chosen)
    more = come(world.engineer, now() - DAY, faults=11, others=0)
    with pytest.raises(Refused, match="here are 11"):
        written(world.rep, sample_ids=more)
    assert written(world.rep, sample_ids=[more[4], more[1], more[9], more[1]]).sample_ids == [more[4], more[1], more[9]]


def test_words_are_changed_and_what_was_stays_in_the_record(world: Staff) -> None:
    made = written(world.rep)
    assert product_feedback.change(made.id, by=world.rep) == made  # nothing was
    other = feedback_evidence.newest("locker", 6, by=world.rep)[3:6]
    changed = product_feedback.change(made.id, by=world.lead, title="Lockers refuse codes", wish="A new code", sample_ids=other)
    assert (changed.title, changed.text, changed.wish, changed.sample_ids) == ("Lockers refuse codes", made.text, "A new code", other)
    entry = audit.newest(by=world.admin, noun="feedback")[0]
    assert entry.before is not None and entry.before["title"] == "Lockers stay shut" and entry.after["wish"] == "A new code"  # type: ignore[index]
    with pytest.raises(Refused, match="Not changed: a title has"):
        product_feedback.change(made.id, by=world.lead, title=" ")
    assert len(audit.newest(by=world.admin, noun="feedback")) == 2


def test_what_was_taken_back_is_gone_and_stays_in_the_record(world: Staff) -> None:
    made = written(world.rep)
    product_feedback.take_back(made.id, by=world.lead)
    assert titles(world.lead) == [] and product_feedback.get(made.id, by=world.lead) is None
    product_feedback.take_back(made.id, by=world.lead)
    for act in (lambda: product_feedback.change(made.id, by=world.lead), lambda: product_feedback.take_back("none", by=world.lead)):
        with pytest.raises(Refused, match="there is no such product feedback"):
            act()
    assert len(audit.newest(by=world.admin, noun="feedback")) == 2
    assert audit.newest(by=world.admin, noun="feedback")[0].verb == "took back"


def test_personal_data_is_masked_in_what_people_write(world: Staff) -> None:
    made = product_feedback.write(
        "Write to jo.doe@example.org", "Card 4111 1111 1111 1111.", LOCKER, by=world.lead, wish="Call +49 30 901820 and jo.doe@example.org"
    )
    product_feedback.hand_over(made.id, "Delivery", "Ask jo.doe@example.org.", by=world.lead)
    told = " ".join([made.title, made.text, made.wish, *(one.sentence for one in product_feedback.steps(made.id, by=world.lead))])
    assert "example.org" not in told and "4111" not in told


def test_it_is_about_an_intent_and_words_that_narrow_it(world: Staff) -> None:
    label = labels.add("Parcel", by=world.lead)
    with store.writing() as db:
        for one in db.exec(select(Conversation)):
            one.intent_id = label.id
    made = product_feedback.write("Shut", "It is.", About(label.id, words="locker"), by=world.lead)
    assert product_feedback.words_of(made) == 'intent:"Parcel" locker'
    assert feedback_evidence.of(product_feedback.words_of(made), by=world.lead).now.share.k == 6


def test_it_begins_with_a_pattern_and_is_about_its_intent_once_it_is_one(world: Staff) -> None:
    seen = {"first_at": now(), "last_at": now(), "seen_at": now(), "signature": {}, "conversation_ids": [], "sentence": "New."}
    pattern = Pattern(kind="new_intent", name="locker", phrases=["stays shut", "code"], size=9, customers=9, **seen)
    label = labels.add("Parcel", by=world.lead)
    with store.writing() as db:
        db.add(pattern)
    kept = product_feedback.pattern(pattern.id, by=world.rep)
    assert kept is not None and product_feedback.about_pattern(kept) == About(pattern_id=pattern.id, words='"stays shut"')
    assert product_feedback.pattern(pattern.id, by=world.admin) is None
    made = product_feedback.write("Shut", "It is.", product_feedback.about_pattern(kept), by=world.rep)
    assert made.pattern_id == pattern.id and len(made.sample_ids) == 5
    with store.writing() as db:
        db.get_one(Pattern, pattern.id).label_id = label.id
    again = product_feedback.pattern(pattern.id, by=world.rep)
    assert again is not None and product_feedback.about_pattern(again) == About(label.id, pattern.id)


def test_a_step_never_changes(world: Staff) -> None:
    made = written(world.lead)
    (step,) = product_feedback.steps(made.id, by=world.lead)
    with pytest.raises(Exception, match="never change"), store.writing() as db:
        db.get_one(ProductFeedbackStep, step.id).sentence = "Otherwise."


def test_a_token_for_figures_reads_it_and_writes_nothing(world: Staff) -> None:
    assert "feedback.read" in access.SCOPES["monitor"]
    assert not any({"feedback.write", "feedback.hand_over"} & verbs for verbs in access.SCOPES.values())
