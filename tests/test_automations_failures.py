"""Failure points: what failed or was corrected gets a cause by rule, a person has the last word, and the causes are ranked."""

from datetime import datetime, timedelta

import pytest

from automations import RECIPE, arriving, causes, failures, recipes, settling, stopping
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import ARRIVES, BUTTON, INTENT, Act, Alone, Limits, Recipe, Trigger
from automations.settling import Ways
from automations.steps.all import STEPS
from classifiers import labels
from data import approvals, audit, predictions, releases, reviews, rubric, store, traces
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Person, Proposal, Trace
from data.values import LIVE, SHADOW, Target, new_id, now
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_knowledge_answering import DELIVERY, publish

NAME = "late parcel"
MEANS = Means(Ways(), Connected(), STEPS)
LOOKS = (Act("look up order", "order"),)  # no shop is connected
TAGS = (Act("tag", "tag", {"tag": "late"}),)
HOUR = timedelta(hours=1)


def in_force(staff: Staff, acts: tuple[Act, ...] = LOOKS, *, name: str = NAME, trigger: str = ARRIVES, alone: bool = True) -> Recipe:
    """Live, in the rep's name."""
    allowed = Alone(changes=("tag", "draft reply", "hand over")) if alone else Alone()
    intent = "Late delivery" if trigger == INTENT else ""
    made = Recipe(name, "Late parcel", trigger=Trigger(trigger, intent), acts=acts, limits=Limits(runs_per_day=1_000), alone=allowed)
    recipes.save(made, why="Often.", based_on=None, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, name, 1), proposal_id=None, why_before_ends="", by=staff.rep)
    return made


def comes(staff: Staff, number: int = 1, team: str = "Oak", text: str = "Where is my parcel?", at: datetime | None = None) -> str:
    said = canonical(number, team=team, opened_at=at or now() - HOUR, messages=[{"role": "customer", "text": text}])
    (made,) = door.receive([said], by=staff.engineer, classify=False).ids
    return made


def ran(conversation_id: str, at: datetime | None = None) -> Trace:
    (trace,) = arriving.arrived([conversation_id], means=MEANS, at=at).live
    return trace


def broken(staff: Staff, number: int = 1, team: str = "Oak") -> Trace:
    return ran(comes(staff, number, team))


def row(trace: Trace) -> Trace:
    with store.reading() as db:
        return db.get_one(Trace, trace.id, populate_existing=True)


def looked(at: datetime | None = None) -> int:
    return failures.look(at=at).found


def since() -> datetime:
    return now() - timedelta(days=7)


# -- looking ------------------------------------------------------------------------------------------------------------------------------


def test_a_run_that_failed_has_a_cause_after_the_next_look_and_keeps_it(staff: Staff) -> None:
    in_force(staff)
    trace = broken(staff)
    assert (trace.state, row(trace).cause) == ("handed_over", "")
    assert (failures.look().sentence, looked()) == (
        "1 run ended badly or was corrected; 1 has a cause by rule now.",
        0,
    )
    found = row(trace)
    assert (found.cause, found.cause_by_id) == (causes.SLOW, None) and found.cause_at is not None
    assert found.cause_why.startswith("'look up order' ended it: Nothing was looked up: no shop is connected.")


def test_what_a_recipe_hands_over_by_itself_is_no_failure(staff: Staff) -> None:
    in_force(staff, (Act("hand over", "person", {"summary": "A hard one"}),))
    trace = broken(staff)
    assert trace.state == "handed_over"
    assert failures.look() == failures.Looked(0, 0) and row(trace).cause == ""


def test_a_run_that_did_all_of_it_is_no_failure(staff: Staff) -> None:
    in_force(staff, TAGS)
    trace = broken(staff)
    assert trace.state == "done" and failures.look() == failures.Looked(0, 0)


def test_what_somebody_stopped_is_no_failure(staff: Staff) -> None:
    in_force(staff, TAGS, alone=False)
    trace = broken(staff)
    assert trace.state == "waiting"
    stopping.stop(NAME, why="Too many complaints.", by=staff.lead)
    assert row(trace).state == "handed_over" and looked() == 0


def test_what_runs_beside_and_what_is_long_past_has_no_cause(staff: Staff) -> None:
    in_force(staff)
    trace, beside = broken(staff), broken(staff, 2)
    with store.writing() as db:
        db.get_one(Trace, beside.id).mode = SHADOW
    assert looked(now() + 2 * failures.WINDOW) == 0
    assert looked() == 1 and (row(trace).cause, row(beside).cause) == (causes.SLOW, "")


def refused_proposal(staff: Staff, why: str) -> Trace:
    in_force(staff, TAGS, alone=False)
    trace = broken(staff)
    assert trace.proposal_id
    approvals.refuse(trace.proposal_id, by=staff.lead, why=why)
    settling.settle(ways=Ways())
    return trace


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        ("Our policy says otherwise.", causes.POLICY),
        ("That is the wrong tag.", causes.WRONG_ARGUMENT),
        ("The customer wants something else.", causes.WRONG_INTENT),
    ],
)
def test_a_no_to_what_it_wanted_is_a_cause_by_its_words(staff: Staff, why: str, cause: str) -> None:
    trace = refused_proposal(staff, why)
    assert looked() == 1 and row(trace).cause == cause and why.rstrip(".") in row(trace).cause_why


def test_what_nobody_decided_on_was_slow(staff: Staff) -> None:
    in_force(staff, TAGS, alone=False)
    trace = broken(staff)
    with store.writing() as db:
        db.get_one(Proposal, trace.proposal_id).lapses_at = now() - HOUR
    approvals.lapse_old()
    settling.settle(ways=Ways())
    assert looked() == 1 and row(trace).cause == causes.SLOW and "nobody decided within 14 days" in row(trace).cause_why


def predicted(conversation_id: str, label_id: str) -> None:
    with store.writing() as db:
        predictions.add(
            db,
            [
                {
                    "id": new_id(), "conversation_id": conversation_id, "seq": 1, "target_kind": "classifier", "target_name": "intent",
                    "target_number": 1, "mode": LIVE, "label_id": label_id, "confidence": 0.9, "top": [], "threshold": 0.5, "at": now(),
                    "also": [], "why": "",
                }
            ],
        )  # fmt: skip


def of_an_intent(staff: Staff, acts: tuple[Act, ...] = TAGS) -> tuple[Trace, str]:
    """A run that an intent set off, and another intent."""
    late, other = (labels.add(name, by=staff.lead).id for name in ("Late delivery", "Complaint"))
    in_force(staff, acts, trigger=INTENT)
    made = comes(staff)
    predicted(made, late)
    return ran(made), other


def test_a_run_whose_intent_a_person_corrects_later_began_by_mistake(staff: Staff) -> None:
    trace, other = of_an_intent(staff)
    assert trace.state == "done" and looked() == 0
    reviews.record(str(trace.conversation_id), "weak", by=staff.rep, label_id=other)
    assert looked() == 1 and row(trace).cause == causes.WRONG_INTENT
    assert row(trace).cause_why == "It began because it looked like 'Late delivery', and on Review a person said 'Complaint'."
    assert failures.look() == failures.Looked(0, 0)


def test_what_comes_to_light_later_counts_until_a_person_said_the_cause(staff: Staff) -> None:
    trace, other = of_an_intent(staff, LOOKS)
    assert looked() == 1 and row(trace).cause == causes.SLOW
    reviews.record(str(trace.conversation_id), "weak", by=staff.rep, label_id=other)
    assert looked() == 1 and row(trace).cause == causes.WRONG_INTENT
    failures.confirm(trace.id, causes.SLOW, by=staff.rep)
    reviews.record(str(trace.conversation_id), "strong", by=staff.rep, label_id=other)
    assert looked() == 0 and row(trace).cause == causes.SLOW


def test_a_recipe_that_asks_for_no_intent_is_not_wrong_about_one(staff: Staff) -> None:
    late, other = (labels.add(name, by=staff.lead).id for name in ("Late delivery", "Complaint"))
    in_force(staff, TAGS)
    made = comes(staff)
    predicted(made, late)
    trace = ran(made)
    reviews.record(made, "weak", by=staff.rep, label_id=other)
    assert looked() == 0 and row(trace).cause == ""


def drafted(staff: Staff) -> Trace:
    """A reply from articles that does not fit."""
    gave = {"reply": "You have 30 days.", "declined": False, "confidence": 0.9, "sources": [{"title": "Returns of plants"}]}
    in_force(staff, (Act("answer from knowledge", "answer"), Act("draft reply", "reply", {"text": "{{answer.reply}}"})))
    means = Means(Ways(), Connected(answer=lambda messages: gave), STEPS)
    (trace,) = arriving.arrived([comes(staff, text="How long does it take abroad?")], means=means).live
    return trace


@pytest.mark.parametrize(
    ("better", "cause", "why"),
    [
        ("Abroad a parcel takes seven working days.", causes.RETRIEVAL_MISSED, "'Delivery times' says what the person wrote"),
        ("Abroad a customs form is needed, which we fill in.", causes.ARTICLE_MISSING, "No article says 'Abroad a customs form"),
    ],
)
def test_an_edited_reply_is_held_against_what_is_published(staff: Staff, better: str, cause: str, why: str) -> None:
    publish(staff, "Delivery times", DELIVERY)
    trace = drafted(staff)
    assert (trace.state, (trace.said or {})["reply"], looked()) == ("done", "You have 30 days.", 0)
    with store.writing() as db:
        traces.decide(db, db.get_one(Trace, trace.id), "edited", by=staff.rep, better=better)
    assert looked() == 1 and row(trace).cause == cause and why in row(trace).cause_why


def test_what_only_colleagues_may_read_is_not_what_it_should_have_quoted(staff: Staff) -> None:
    publish(staff, "Delivery times", DELIVERY, audience="staff")
    trace = drafted(staff)
    with store.writing() as db:
        traces.decide(db, db.get_one(Trace, trace.id), "edited", by=staff.rep, better="Abroad a parcel takes seven working days.")
    assert looked() == 1 and row(trace).cause == causes.ARTICLE_MISSING


def test_it_is_looked_only_where_a_recipe_is_in_force(staff: Staff) -> None:
    assert not failures.find_needed()
    in_force(staff)
    assert failures.find_needed()


# -- a person's word ----------------------------------------------------------------------------------------------------------------------


def found_one(staff: Staff) -> Trace:
    in_force(staff)
    trace = broken(staff)
    failures.look()
    return trace


def test_a_person_keeps_the_cause_or_says_another_and_the_last_word_counts(staff: Staff) -> None:
    trace = found_one(staff)
    why = row(trace).cause_why
    kept = failures.confirm(trace.id, causes.SLOW, by=staff.rep)
    assert (kept.cause, kept.cause_by_id, kept.cause_why) == (causes.SLOW, staff.rep.id, why)
    other = failures.confirm(trace.id, causes.POLICY, by=staff.lead)
    assert (other.cause, other.cause_by_id, other.cause_why) == (causes.POLICY, staff.lead.id, f"By rule it was slow: {why}")
    assert failures.confirm(trace.id, causes.FALSE_ALARM, by=staff.rep).cause_why == f"By rule it was slow: {why}"
    assert failures.confirm(trace.id, causes.SLOW, by=staff.rep).cause_why == why
    told = [one.sentence for one in audit.newest(by=staff.admin) if one.verb == "explained"]
    assert told[0] == "Said why a run of recipe 'late parcel' 1 went wrong: slow." and len(told) == 4


def test_what_a_person_said_while_the_rules_looked_stays(staff: Staff) -> None:
    in_force(staff)
    first, second = broken(staff), broken(staff, 2)
    failures.look()
    failures.confirm(first.id, causes.POLICY, by=staff.rep)
    with store.writing() as db:  # what a look that had begun before keeps
        kept = [failures._keep(db, one.id, causes.SLOW, "So.", now()) for one in (first, second)]
    assert kept == [False, True] and (row(first).cause, row(second).cause_why) == (causes.POLICY, "So.")


def test_only_who_drafts_recipes_and_reads_the_conversation_says_the_cause(staff: Staff) -> None:
    trace = found_one(staff)
    for person, why in ((staff.other, "that run is not here"), (staff.admin, "automation")):
        with pytest.raises(Denied, match=why):
            failures.confirm(trace.id, causes.SLOW, by=person)
    assert row(trace).cause_by_id is None
    failures.confirm(trace.id, causes.SLOW, by=staff.engineer)  # the control
    assert row(trace).cause_by_id == staff.engineer.id


def test_there_are_eight_causes_and_only_what_failed_has_one(staff: Staff) -> None:
    assert len(causes.CAUSES) == 8
    trace = found_one(staff)
    with pytest.raises(Refused, match=r"there is no such cause\. There are: wrong intent, retrieval missed,"):
        failures.confirm(trace.id, "bad luck", by=staff.rep)
    recipes.save(Recipe("other", acts=TAGS, alone=Alone(changes=("tag",))), why="x", based_on=None, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, "other", 1), proposal_id=None, why_before_ends="", by=staff.rep)
    going_well = next(one for one in arriving.arrived([comes(staff, 9)], means=MEANS).live if one.target_name == "other")
    with pytest.raises(Refused, match="neither failed nor was corrected"):
        failures.confirm(going_well.id, causes.SLOW, by=staff.rep)
    with pytest.raises(Denied, match="not here"):
        failures.confirm("none", causes.SLOW, by=staff.rep)


# -- ranked -------------------------------------------------------------------------------------------------------------------------------


def many(staff: Staff) -> list[Trace]:
    """Five of the rep's team and one of another."""
    in_force(staff)
    made = [broken(staff, number) for number in range(1, 6)] + [broken(staff, 6, "Fern")]
    failures.look()
    return made


def test_causes_are_ranked_by_how_often_with_shares_and_examples_within_reach(staff: Staff) -> None:
    made = many(staff)
    for trace in made[:2]:
        failures.confirm(trace.id, causes.POLICY, by=staff.rep)
    failures.confirm(made[2].id, causes.SLOW, by=staff.rep)
    first, second = failures.ranked(NAME, by=staff.rep, since=since())
    assert (first.cause, first.count, first.share.n, first.confirmed, first.proposed, first.before) == (causes.SLOW, 4, 6, 1, 3, 0)
    assert (second.cause, second.count, second.confirmed) == (causes.POLICY, 2, 2)
    assert [one.trace_id for one in first.examples] == [made[4].id, made[3].id, made[2].id]
    assert first.examples[0].excerpt == "Where is my parcel?"
    (theirs, _) = failures.ranked(NAME, by=staff.other, since=since())
    assert theirs.count == 4 and [one.trace_id for one in theirs.examples] == [made[5].id]
    assert (str(failures.kept(NAME, by=staff.rep, since=since()))[:4], failures.runs_count(NAME, by=staff.rep, since=since())) == (
        "33\u00a0%",
        6,
    )


def test_what_was_before_is_counted_in_as_long_a_time(staff: Staff) -> None:
    made = many(staff)
    with store.writing() as db:
        for trace, days in zip(made, (1, 8, 9, 15, 1, 1), strict=True):
            db.get_one(Trace, trace.id).at = now() - timedelta(days=days)
    (point,) = failures.ranked(NAME, by=staff.rep, since=now() - timedelta(days=7))
    assert (point.count, point.before) == (3, 2)
    assert failures.ranked("nothing", by=staff.rep, since=since()) == []


def test_who_may_not_read_conversations_sees_counts_and_no_examples(staff: Staff) -> None:
    many(staff)
    console = Person(name="console", email="", role="console")
    (point,) = failures.ranked(NAME, by=console, since=since())
    assert point.count == 6
    assert point.examples == () and failures.waiting(NAME, by=console, since=since()) == []


# -- one by one ---------------------------------------------------------------------------------------------------------------------------


def test_what_waits_for_a_persons_word_is_within_reach_and_newest_first(staff: Staff) -> None:
    made = many(staff)
    assert failures.waiting(NAME, by=staff.rep, since=since()) == [one.id for one in reversed(made[:5])]
    assert failures.waiting(NAME, by=staff.other, since=since()) == [made[5].id]
    failures.confirm(made[4].id, causes.SLOW, by=staff.rep)
    assert made[4].id not in failures.waiting(NAME, by=staff.rep, since=since())
    assert failures.get(made[5].id, by=staff.rep) is None and failures.get("none", by=staff.rep) is None


def test_a_run_is_told_with_what_it_did(staff: Staff) -> None:
    in_force(staff, (*TAGS, *LOOKS))
    trace = broken(staff)
    failures.look()
    told = failures.get(trace.id, by=staff.rep)
    assert told is not None and (told.excerpt, told.number, told.cause, told.confirmed_by) == ("Where is my parcel?", 1, causes.SLOW, None)
    assert [(one.state, one.step) for one in told.did] == [("done", "tag"), ("failed", "look up order")]
    assert "late" in told.did[0].words and told.did[1].words.startswith("Nothing was looked up")


def test_what_others_said_stays_hidden_from_who_is_to_judge_without_it(staff: Staff) -> None:
    trace, other = of_an_intent(staff)
    reviews.record(str(trace.conversation_id), "weak", by=staff.lead, label_id=other)
    failures.look()
    asked = rubric.current()
    items = [(one.name, one.question) for one in asked.items]
    rubric.change(items, share=0.0, double=1.0, reviewers=2, by=staff.lead)
    hidden, seen = (failures.get(trace.id, by=person) for person in (staff.rep, staff.lead))
    assert hidden is not None and hidden.why == failures.HIDDEN
    assert seen is not None and "Complaint" in seen.why
    assert [failures.waiting(NAME, by=person, since=since()) for person in (staff.rep, staff.lead)] == [[], [trace.id]]


def test_a_button_that_nobody_pressed_ran_nothing(staff: Staff) -> None:
    """The control of the rest: what is found is what ran."""
    in_force(staff, trigger=BUTTON)
    comes(staff)
    assert failures.look() == failures.Looked(0, 0) and failures.ranked(NAME, by=staff.rep, since=since()) == []
