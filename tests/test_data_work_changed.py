"""What one's own work changed, on both engines: each number against rows that the verbs made, and nobody else's among them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from automations import recipes
from automations.recipe import BUTTON, Act, Recipe, Trigger
from classifiers import labels, shipping, training
from data import (
    approvals,
    config,
    conversations,
    examples,
    people,
    releases,
    reviews,
    store,
    tokens,
    traces,
    undo,
    use_cases,
    work_changed,
    work_rows,
    work_tested,
)
from data.conversations import Filter
from data.errors import Denied, Refused
from data.tables import Conversation, Pattern, Person, Trace
from data.values import LIVE, SHADOW, Subject, Target, now
from data.work_changed import BUILT, DECIDED, FLAGS, KNOWLEDGE, REVIEWS, Work
from evals import freezing, graders, runs, sets
from knowledge import answering, gaps
from tests.conftest import Staff
from tests.histories import arrive, change, predicted
from tests.test_classifiers_shipping import candidate, ship
from tests.test_classifiers_training import frozen_set, reviewed
from tests.test_evals_sets import NAMES, flagged_set, intents
from tests.test_knowledge_answering import PERU, QUESTION, comes, publish, speak
from tests.test_knowledge_articles import release as publish_articles
from tests.test_knowledge_articles import write
from tests.test_knowledge_gaps import WRITTEN, asks

AT = datetime(2026, 3, 26, 12, tzinfo=UTC)  # a Thursday
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


def work(by: Person, weeks: int = 4, at: datetime | None = None) -> Work:
    return work_changed.of(by=by, weeks=weeks, at=at)


def given(found: Work) -> dict[str, int]:
    return {kind: n for kind in found.by_week[0].given if (n := sum(week.given[kind] for week in found.by_week))}


# -- who, and when ------------------------------------------------------------------------------------------------------------------------


def test_who_has_done_nothing_is_told_nothing(staff: Staff) -> None:
    for person in (staff.rep, staff.lead, staff.engineer, staff.admin):
        found = work(person)
        assert found.is_empty and found.given == 0 and found.learned == () and found.live == ()


def test_the_console_has_no_work_and_a_token_tells_its_person_s(staff: Staff) -> None:
    with pytest.raises(Denied, match="may not read a work"):
        work(people.console())
    made = arrive(1, now() - DAY)
    reviews.record(made, "strong", by=staff.rep)
    assert work(tokens.narrowed(staff.rep, ["monitor"])).reviews.stand == (made,)
    with pytest.raises(Denied, match="this token is for eval"):
        work(tokens.narrowed(staff.rep, ["eval"]))
    with pytest.raises(Refused, match="5 are none of these"):
        work(staff.rep, 5)


def test_a_period_begins_on_a_monday_and_ends_now(staff: Staff) -> None:
    monday = datetime(2026, 3, 1, 23, tzinfo=UTC)  # in Berlin; three weeks before the Monday of that Thursday
    moments = [monday - timedelta(seconds=1), monday, AT - timedelta(seconds=1), AT]
    ids = [arrive(number, AT - 30 * DAY) for number in range(1, 5)]
    for made, at in zip(ids, moments, strict=True):
        reviews.record(made, "strong", by=staff.rep, at=at)
    found = work(staff.rep, 4, AT)
    assert (found.since, found.until) == (monday, AT)
    assert set(found.reviews.stand) == {ids[1], ids[2]}
    assert [(one.starts.astimezone(BERLIN).day, one.given[REVIEWS]) for one in found.by_week] == [(2, 1), (9, 0), (16, 0), (23, 1)]
    assert set(work(staff.rep, 12, AT).reviews.stand) == set(ids[:3]) and len(work(staff.rep, 12, AT).by_week) == 12
    assert len(work(staff.rep, 52, AT).by_week) == 52


# -- reviews ------------------------------------------------------------------------------------------------------------------------------


def test_reviews_that_stand_are_counted_once_and_nobody_else_s(staff: Staff) -> None:
    one, two, three = (arrive(number, AT - 5 * DAY) for number in range(1, 4))
    refund = labels.add("Refund", by=staff.lead)
    reviews.record(one, "strong", by=staff.rep, at=AT - 3 * DAY)
    reviews.record(one, "weak", label_id=refund.id, by=staff.rep, at=AT - 2 * DAY)  # corrects it
    reviews.record(two, "strong", by=staff.rep, at=AT - 2 * DAY)
    reviews.record(three, "strong", label_id=refund.id, by=staff.lead, at=AT - 2 * DAY)
    found = work(staff.rep, 4, AT)
    assert (sorted(found.reviews.stand), found.reviews.named) == (sorted([one, two]), (one,))
    assert given(found) == {REVIEWS: 2}
    assert work(staff.lead, 4, AT).reviews.stand == (three,)


def test_a_review_that_was_taken_back_counts_no_more(staff: Staff) -> None:
    made = arrive(1, now() - DAY)
    reviews.record(made, "strong", by=staff.rep)
    assert work(staff.rep).reviews.stand == (made,)
    undo.last(by=staff.rep)
    assert work(staff.rep).reviews.stand == () and work(staff.rep).is_empty


def test_only_what_the_machine_had_said_before_was_corrected(staff: Staff) -> None:
    refund, invoice = (labels.add(name, by=staff.lead) for name in ("Refund", "Invoice"))
    ids = [arrive(number, AT - 5 * DAY) for number in range(1, 6)]
    predicted(ids[0], invoice, AT - 4 * DAY)  # it said another
    predicted(ids[1], refund, AT - 4 * DAY)  # the same
    predicted(ids[2], None, AT - 4 * DAY)  # nothing
    predicted(ids[3], invoice, AT - DAY)  # another, once the person had spoken
    predicted(ids[4], invoice, AT - 4 * DAY, mode=SHADOW)  # where it counts for nobody
    for made in ids:
        reviews.record(made, "strong", label_id=refund.id, by=staff.rep, at=AT - 2 * DAY)
    found = work(staff.rep, 4, AT).reviews
    assert (found.corrected, found.spoke_where_silent, len(found.named)) == ((ids[0],), (ids[2],), 5)


# -- what learned from them ---------------------------------------------------------------------------------------------------------------


def test_a_version_tells_whose_reviews_it_learned_from_and_how_it_did_beside_the_one_before(staff: Staff) -> None:
    ship(staff, candidate(staff))
    with store.writing():
        more = reviewed(staff, range(101, 107), by=staff.lead)
    second = candidate(staff)
    before = {one.target.number: one for one in work(staff.rep).learned}
    assert (before[1].is_live, before[2].is_live, before[2].went_live, before[2].proposal_id) == (True, False, None, None)
    proposal = shipping.propose(second, why="It is better.", by=staff.rep)
    assert work(staff.lead).learned[0].waits
    approvals.refuse(proposal.id, why="Wait for more.", by=staff.other)
    ship(staff, second)

    mine, theirs = work(staff.rep), work(staff.lead)
    new, old = mine.learned
    assert (old.mine, old.of, old.before, old.is_live, old.is_whole) == (60, 60, None, False, True)
    assert (new.mine, new.of, new.is_live, new.is_whole, new.set_name, new.cases) == (60, 66, True, True, "Everyday intents", 24)
    (lead_s,) = theirs.learned
    assert (lead_s.target, lead_s.mine, lead_s.of) == (second, 6, 66) and set(lead_s.conversation_ids) == set(more)
    known = shipping.evidence(second, by=staff.rep)
    assert (new.passed, new.comparison_id) == (known.passed.k, lead_s.comparison_id)
    live_run = next(run for run in runs.of_target(Target("classifier", "intent", 1), by=staff.rep))
    assert new.before == live_run.passed and new.went_live is not None and not new.waits
    assert [(one.target.number, one.wrote) for one in mine.live] == [(1, True), (2, True)]
    assert [(one.target.number, one.wrote) for one in theirs.live] == [(2, False)]
    assert work(staff.other).learned == () and work(staff.other).live == ()


def test_what_was_said_otherwise_since_or_became_a_test_is_found_again_for_the_older_version_alone(staff: Staff) -> None:
    first = candidate(staff)
    with store.reading() as db:
        held = [made for made, one in reviews.last_said(db).items() if one.by_person_id == staff.rep.id][:3]
    known = intents(staff)
    learned_then = set(work(staff.rep).learned[0].conversation_ids)
    said_again, tested = sorted(learned_then)[:2]
    reviews.record(said_again, "weak", label_id=known[NAMES[0]], by=staff.lead)
    eval_set = sets.all_sets(by=staff.lead)[0]
    examples.flag(tested, "strong", why="Clear.", eval_set_id=eval_set.id, label_id=known[NAMES[1]], by=staff.lead)
    freezing.freeze(eval_set.id, by=staff.lead)
    second = training.train(by=staff.rep)
    old, new = (next(one for one in work(staff.rep).learned if one.target.number == number) for number in (first.number, 2))
    assert set(old.conversation_ids) == learned_then and len(held) == 3
    assert set(new.conversation_ids) == learned_then - {said_again, tested}
    assert new.mine == second.manifest["taught_by"][staff.rep.id] == len(new.conversation_ids)


def test_a_version_counts_in_the_weeks_in_which_it_was_trained_or_went_live(staff: Staff) -> None:
    long_ago = now() - timedelta(weeks=10)
    with store.writing():
        reviewed(staff, range(1, 61))
        frozen_set(staff, range(61, 85))
    trained = training.train(by=staff.rep, at=long_ago)
    assert work(staff.rep, 4).learned == () and len(work(staff.rep, 12).learned) == 1
    with store.writing() as db:
        releases.go_live(db, Target("classifier", "intent", trained.target_number), proposal_id=None, why_before_ends="", by=staff.lead)
    (found,) = work(staff.rep, 4).learned
    assert found.is_live and found.at == long_ago and found.passed == 0 and found.set_name == ""


# -- flags --------------------------------------------------------------------------------------------------------------------------------


def test_a_flag_waits_becomes_a_case_and_stands_in_the_newest_version(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 7))
    flagged_set(staff, range(7, 10), into=eval_set, by=staff.lead)
    found = work(staff.rep)
    assert (len(found.flags.flagged), len(found.flags.wait), found.flags.became_cases, found.flags.sets) == (6, 6, (), ())
    freezing.freeze(eval_set.id, by=staff.lead)
    flagged_set(staff, range(10, 12), into=eval_set)
    found = work(staff.rep)
    (there,) = found.flags.sets
    assert (len(found.flags.flagged), len(found.flags.became_cases), len(found.flags.wait)) == (8, 6, 2) and given(found) == {FLAGS: 8}
    assert (there.name, there.number, there.cases, len(there.example_ids)) == ("Everyday intents", 1, 9, 6)
    freezing.freeze(eval_set.id, by=staff.lead)
    (there,) = work(staff.rep).flags.sets
    assert (there.number, there.cases, len(there.example_ids)) == (2, 11, 8)
    assert len(work(staff.lead).flags.sets[0].example_ids) == 3 and work(staff.engineer).flags == work_tested.Flags()


def test_a_flag_that_was_taken_back_counts_no_more(staff: Staff) -> None:
    flagged_set(staff, range(1, 2))
    undo.last(by=staff.rep)
    assert work(staff.rep).is_empty


def test_what_is_live_was_measured_on_their_cases_and_a_run_that_failed_them_is_told(staff: Staff) -> None:
    first = candidate(staff)  # the 24 cases are the rep's
    held = [one.run_id for one in work(staff.rep).flags.failed if one.target == first]
    run = next(one for one in runs.of_target(first, by=staff.rep))
    assert held == ([run.id] if run.passed < run.cases else [])
    assert work(staff.rep).flags.gates == ()  # nothing is live
    ship(staff, first)
    (gate,) = work(staff.rep).flags.gates
    assert (gate.target, gate.name, gate.number, gate.cases, len(gate.example_ids)) == (first, "Everyday intents", 1, 24, 24)
    assert work(staff.lead).flags.gates == ()

    worse = candidate(staff, learned=False)
    failed = next(one for one in work(staff.rep).flags.failed if one.target == worse)
    run = next(one for one in runs.of_target(worse, by=staff.rep))
    assert failed.run_id == run.id and len(failed.example_ids) == run.cases - run.passed > 12 and failed.went_no_further
    again = [one.run_id for one in work(staff.rep).flags.failed if one.target == first]
    assert again == held  # the live one, run again beside it, is no candidate
    assert work(staff.lead).flags.failed == ()


# -- knowledge ----------------------------------------------------------------------------------------------------------------------------


def test_an_article_tells_which_answers_quoted_it_and_whom_it_helped(staff: Staff) -> None:
    speak(staff)
    draft = write(staff, title="Returns of plants", text="A plant can be sent back within 30 days.")
    found = work(staff.rep).knowledge
    assert [(one.slug, one.number, one.went_live) for one in found.drafted] == [(draft.name, 1, None)] and found.published == ()
    publish(staff)
    asked = [answering.ask(QUESTION, by=person) for person in (staff.lead, staff.other, staff.rep)]
    answering.ask(PERU, by=staff.lead)  # nothing is quoted
    for trace, person in zip(asked, (staff.lead, staff.other, staff.rep), strict=True):
        answering.decide(trace.id, "helped", by=person)
    found = work(staff.rep).knowledge
    assert len(found.drafted) == 3 and {one.title for one in found.published} == {"Delivery times", "Opening hours"}
    assert set(found.answers) == {one.id for one in asked}
    assert (set(found.helped), found.helped_people) == ({asked[0].id, asked[1].id}, 2)  # one's own word says nothing
    assert work(staff.lead).knowledge.answers == ()
    assert given(work(staff.rep))[KNOWLEDGE] == 3


def test_another_team_s_conversations_are_not_counted(staff: Staff) -> None:
    speak(staff)
    publish(staff)
    here, there = comes(staff, QUESTION), comes(staff, QUESTION, number=2, team="Fern")
    mine, theirs = answering.suggest(here, by=staff.rep), answering.suggest(there, by=staff.other)
    assert mine is not None and theirs is not None
    assert work(staff.rep).knowledge.answers == (mine.id,)
    change(Conversation, here, hidden_at=now())
    assert work(staff.rep).knowledge.answers == ()


def test_what_was_missing_is_told_and_the_gap_that_was_closed(staff: Staff) -> None:
    speak(staff)
    publish(staff)
    said = asks(staff, at=now() - timedelta(minutes=5), by=[staff.lead, staff.other, staff.lead])
    answering.decide(said[0].id, "missing", by=staff.lead)
    gaps.look(None)
    (gap,) = gaps.standing(by=staff.rep)
    eval_set = sets.create("Everyday questions", purpose="knowledge", by=staff.lead)
    begun = gaps.write(gap.id, WRITTEN, test_in=eval_set.id, known=graders.BY_NAME, by=staff.rep)
    assert work(staff.rep).knowledge.closed == ()
    publish_articles(staff, Target("article", begun.article.slug, 1))
    gaps.look(None)
    assert work(staff.rep).knowledge.closed == (gap.id,)  # wrote for it
    found = work(staff.lead).knowledge
    assert (found.reported, found.closed) == ((said[0].id,), (gap.id,))  # reported it
    assert work(staff.other).knowledge.closed == ()


# -- intents, recipes, use cases, proposals -----------------------------------------------------------------------------------------------


def test_an_intent_tells_what_got_it_since(staff: Staff) -> None:
    label = labels.add("Parcel locker", by=staff.lead)
    with store.writing() as db:
        db.add(
            Pattern(
                kind="new_intent", name="locker", phrases=[], conversation_ids=[], signature={}, size=1, customers=1, sentence="",
                first_at=now(), last_at=now(), seen_at=now(), state="labelled", label_id=label.id,
            )
        )  # fmt: skip
    before, since, theirs = (arrive(number, now() + timedelta(hours=hours)) for number, hours in ((1, -1), (2, 1), (3, 1)))
    change(Conversation, theirs, team_id=staff.fern.id)
    for made, by in ((before, staff.rep), (since, staff.rep), (theirs, staff.other)):
        reviews.record(made, "strong", label_id=label.id, by=by)
    (found,) = work(staff.lead).intents
    assert (found.name, found.pattern, found.conversations) == ("Parcel locker", "locker", 1)
    opened = Filter(words='intent:"Parcel locker"', since=found.at)  # what the page's link opens
    assert [one.id for one in conversations.listed(opened, by=staff.lead)] == [since]
    assert work(staff.other).intents == () and given(work(staff.lead)) == {BUILT: 1}


def ran(conversation_id: str | None, target: Target, state: str, *, mode: str = LIVE, outcome: str = "", by: Person | None = None) -> Trace:
    subject = Subject(conversation_id, 1) if conversation_id else None
    with store.writing() as db:
        trace = traces.begin(db, target, by=people.console(), tokens=0, cost=0.0, subject=subject, mode=mode)
        traces.end(db, trace, state)
        if outcome and by:
            traces.decide(db, trace, outcome, by=by)
        return trace


def test_a_recipe_tells_what_its_live_runs_came_to(staff: Staff) -> None:
    made = Recipe("refunds", trigger=Trigger(BUTTON), acts=(Act("tag", "tag", {"tag": "seen"}),))
    first = recipes.save(made, why="Often.", based_on=None, by=staff.rep)
    target = Target("recipe", "refunds", first.target_number)
    assert [(one.name, one.runs) for one in work(staff.rep).recipes] == [("refunds", ())]
    ids = [arrive(number, now() - DAY, resolved=number == 1, team="Oak") for number in range(1, 4)]
    done, handed = ran(ids[0], target, "done", outcome="accepted", by=staff.lead), ran(ids[1], target, "handed_over")
    ran(ids[2], target, "done", mode=SHADOW)
    ran(ids[2], Target("recipe", "others", 1), "done")
    ran(arrive(9, now() - DAY, team="Fern"), target, "done")  # another team's
    (found,) = work(staff.rep).recipes
    assert (set(found.runs), found.done, found.handed_over, found.taken) == ({done.id, handed.id}, (done.id,), (handed.id,), (done.id,))
    assert (found.resolved, found.is_live, found.numbers) == (1, False, (1,))
    assert work(staff.lead).recipes == () and given(work(staff.rep)) == {BUILT: 1}


def test_use_cases_and_proposals_tell_how_far_they_came(staff: Staff) -> None:
    case = use_cases.begin("Change of address", by=staff.rep)
    first = candidate(staff)
    asked = shipping.propose(first, why="It is good.", by=staff.rep)
    found = work(staff.rep)
    assert [(use.name, use.stage, use.stopped) for use in found.use_cases] == [("Change of address", "define", False)]
    assert found.proposals.by_state == {"open": (asked.id,)} and found.proposals.decided == ()
    approvals.refuse(asked.id, why="Not yet.", by=staff.other)
    assert work(staff.rep).proposals.by_state == {"refused": (asked.id,)}
    again = shipping.propose(first, why="It is good.", by=staff.rep)
    approvals.approve(again.id, by=staff.lead)
    use_cases.stop(case.id, why="Enough.", by=staff.lead)
    assert work(staff.rep).proposals.by_state == {"refused": (asked.id,), "approved": (again.id,)} and work(staff.rep).use_cases[0].stopped
    assert (work(staff.other).proposals.decided, work(staff.lead).proposals.decided) == ((asked.id,), (again.id,))
    assert given(work(staff.other)) == {DECIDED: 1} and work(staff.lead).use_cases == ()


# -- the things behind a figure -----------------------------------------------------------------------------------------------------------


def test_each_thing_has_a_line_and_what_is_out_of_reach_tells_nothing(staff: Staff) -> None:
    here, gone = arrive(1, now() - DAY, team="Oak"), arrive(2, now() - DAY, team="Oak")
    for made in (here, gone):
        reviews.record(made, "strong", by=staff.rep)
    change(Conversation, gone, team_id=staff.fern.id)
    found = work(staff.rep).reviews.stand
    lines = dict(zip(found, work_rows.lines(work_rows.CONVERSATIONS, found, by=staff.rep), strict=True))
    assert lines[here].page == "conversation" and lines[here].query == {"conversation": here} and lines[here].words
    assert (lines[gone].words, lines[gone].page) == ("", "")
    with pytest.raises(Refused, match="There are: conversations"):
        work_rows.lines("moons", [], by=staff.rep)
    with pytest.raises(Denied):
        work_rows.lines(work_rows.CONVERSATIONS, found, by=people.console())


def test_of_anothers_flag_nothing_is_told(staff: Staff) -> None:
    flagged_set(staff, range(1, 2))
    flags = work(staff.rep).flags.flagged
    (mine,) = work_rows.lines(work_rows.FLAGS, flags, by=staff.rep)
    (theirs,) = work_rows.lines(work_rows.FLAGS, flags, by=staff.lead)
    assert mine.words == "Strong: A clear case." and mine.page == "conversation" and theirs.words == ""


def test_answers_runs_and_proposals_lead_to_their_screens(staff: Staff) -> None:
    speak(staff)
    publish(staff)
    asked, here = answering.ask(QUESTION, by=staff.lead), comes(staff, QUESTION)
    suggested = answering.suggest(here, by=staff.rep)
    assert suggested is not None
    colleague, customer = work_rows.lines(work_rows.ANSWERS, [asked.id, suggested.id], by=staff.rep)
    assert (colleague.words, colleague.page) == (QUESTION, "") and customer.query == {"conversation": here}
    assert work_rows.lines(work_rows.ANSWERS, [asked.id], by=staff.admin)[0].words == "A colleague's question"
    trace = ran(here, Target("recipe", "refunds", 1), "handed_over")
    (run,) = work_rows.lines(work_rows.RUNS, [trace.id], by=staff.rep)
    assert run.words.startswith("Handed to a person: ") and run.query == {"recipe": "refunds", "run": trace.id}
    assert work_rows.lines(work_rows.RUNS, [trace.id], by=staff.other)[0].words == ""
    (article,) = work_rows.lines(work_rows.ARTICLES, ["delivery-times 1"], by=staff.rep)
    assert (article.words, article.query) == ("Delivery times, version 1", {"article": "delivery-times"})
    (proposal, missing) = work_rows.lines(work_rows.PROPOSALS, [approvals.decided(by=staff.rep)[0].id, "none"], by=staff.rep)
    assert proposal.words.endswith(": carried out") and proposal.page == "approvals" and missing.page == ""
