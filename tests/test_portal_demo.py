"""The demo: Ferngrove's last 90 days, as large, as mixed and as eventful as the screens and the tour tell."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sqlalchemy import text
from sqlmodel import col, func, select

from data import (
    access,
    agreements,
    approvals,
    audit,
    calibration,
    conversations,
    disputes,
    examples,
    measures,
    people,
    predictions,
    queue,
    releases,
    reviews,
    store,
    tasks,
    versions,
)
from data.labels import of as labels_in_use
from data.tables import Conversation, Customer, EvalSet, Example, Label, Message, Person, Prediction, Review, Trace
from data.values import now
from evals import checks, compare, continuous, graders, runs, sets
from knowledge import articles, gaps, in_force, ladder
from language import redact
from portal.ferngrove import story
from portal.ferngrove.knowledge import ARTICLES
from portal.ferngrove.phrases import INTENTS, NEW_PATTERN
from portal.ferngrove.story import Told
from tests.conftest import SOAK, let_go, point_at

AUTUMN = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPRING = datetime(2026, 5, 20, 12, tzinfo=UTC)  # the clocks change within these twelve weeks
SECOND = ("also,", "while i'm here", "one more thing", "besides that", "oh and", "two things", "before i forget",
          "außerdem", "ausserdem", "noch eine frage", "übrigens", "uebrigens", "zwei dinge")  # fmt: skip


@pytest.fixture(scope="module")
def shop(built_demo: Path) -> Iterator[Person]:
    """The demo as its engineer sees it; nobody here changes it."""
    with pytest.MonkeyPatch.context() as patch:
        point_at(built_demo, "", patch)
        engineer = people.by_email("nora.engel@ferngrove.example")
        assert engineer is not None
        yield engineer
        let_go()


@lru_cache(maxsize=4)
def told(until: datetime, seed: int = 7, count: int = 6_000) -> tuple[Told, ...]:
    """The story alone, with what no table knows: what each conversation truly is about."""
    start = measures.week_of(until - timedelta(weeks=12))
    return tuple(story.quarter(random.Random(seed), start=start, until=until, count=count))


def by_week(happened: tuple[Told, ...]) -> list[list[Told]]:
    weeks: dict[datetime, list[Told]] = {}
    for one in happened:
        weeks.setdefault(measures.week_of(one.opened_at), []).append(one)
    return [weeks[starts] for starts in sorted(weeks)]


def share(part: int, whole: int) -> float:
    return part / max(whole, 1)


def test_about_six_thousand_conversations_of_at_most_900_customers_in_three_channels(shop: Person) -> None:
    counted = conversations.counted(conversations.Filter(), by=shop, most=10_000)
    assert 5_900 <= counted <= 6_600  # and more on each day of the week
    with store.reading() as db:
        assert 600 <= db.exec(select(func.count()).select_from(Customer).where(Customer.sealed_name != None)).one() <= 900  # noqa: E711
        assert db.exec(select(func.count()).select_from(Customer)).one() <= 900
        channels = Counter(db.exec(select(Conversation.channel)).all())
        languages = Counter(db.exec(select(Conversation.language)).all())
        opened = db.exec(select(func.min(Conversation.opened_at), func.max(Conversation.opened_at))).one()
    assert set(channels) == {"chat", "email", "voice"} and min(channels.values()) > 600
    assert set(languages) == {"en", "de"} and 0.04 <= languages["de"] / counted <= 0.08
    assert timedelta(days=83) <= opened[1] - opened[0] <= timedelta(days=92)


def test_what_came_is_the_same_on_each_day_of_a_week() -> None:
    monday = measures.week_of(AUTUMN) + timedelta(hours=9)
    early, late = told(monday), told(monday + timedelta(days=5))
    assert late[: len(early)] == early and len(late) > len(early) + 200


def test_ten_reps_work_in_two_teams(shop: Person) -> None:
    everybody = people.everybody(by=shop)
    reps = Counter(person.team_id for person in everybody if person.role == access.REP)
    assert sorted(reps.values()) == [5, 5] and set(reps) == set(people.teams())
    assert Counter(person.role for person in everybody) == {"rep": 10, "lead": 2, "engineer": 1, "admin": 2}
    assert {person.role for person in people.demo_people()} == {"rep", "lead", "engineer", "admin"}  # one click each
    with store.reading() as db:
        assert set(db.exec(select(Conversation.team_id).distinct()).all()) == set(reps)
        said = set(db.exec(select(Review.by_person_id).where(col(Review.settled_by_dispute_id).is_(None)).distinct()).all())
        assert said == {person.id for person in everybody if person.role == access.REP}
        settled = db.exec(select(Review.by_person_id).where(col(Review.settled_by_dispute_id).is_not(None))).all()
        assert len(settled) == 3 and set(settled) <= {person.id for person in everybody if person.role == access.LEAD}


def test_twenty_five_intents_and_none_prevails(shop: Person) -> None:
    assert len(labels_in_use()) == len(INTENTS) == 25
    assert sum(intent.weight for intent in INTENTS.values()) == pytest.approx(1)
    assert max(intent.weight for intent in INTENTS.values()) <= 0.125
    for until in (AUTUMN, SPRING):
        counts = Counter(one.intent for one in told(until))
        assert len(counts) == 26 and counts.most_common(1)[0][1] <= 0.125 * counts.total() and min(counts.values()) >= 20
    with store.reading() as db:
        given = Counter(review.label_id for review in reviews.last_said(db).values() if review.label_id)
    assert len(given) == 25 and given.most_common(1)[0][1] / given.total() <= 0.14


def test_second_asks_and_german_are_there_all_the_time() -> None:
    weeks = by_week(told(AUTUMN))
    for number, week in enumerate(weeks, start=1):
        second = share(sum(any(mark in one.messages[0][1].lower() for mark in SECOND) for one in week), len(week))
        assert second > 0.4 if number == story.DIP_WEEK else 0.02 < second < 0.2, number
        assert 0.01 < share(sum(one.language == "de" for one in week), len(week)) < 0.12


@pytest.mark.parametrize("until", [AUTUMN, SPRING])
def test_the_new_pattern_comes_in_week_9_with_every_seventh_conversation(until: datetime) -> None:
    weeks = by_week(told(until))
    lockers = [sum(one.intent == NEW_PATTERN.key for one in week) for week in weeks]
    assert lockers[:8] == [0] * 8
    assert all(found / len(week) > 0.08 for found, week in zip(lockers[8:12], weeks[8:12], strict=True))
    since = sum(len(week) for week in weeks[8:])
    assert sum(lockers) / since == pytest.approx(0.14, abs=0.02)


@pytest.mark.parametrize("until", [AUTUMN, SPRING])
def test_the_answers_of_week_7_are_worse_than_any_other_weeks(until: datetime) -> None:
    good = [share(sum(one.good for one in week), len(week)) for week in by_week(told(until))[:12]]
    assert good[6] < 0.72 and min(good[:6] + good[7:]) > 0.8


def test_no_screen_knows_the_new_pattern_and_reviewers_say_so(shop: Person) -> None:
    assert NEW_PATTERN.name not in {label.name for label in labels_in_use()}
    with store.reading() as db:
        noted = [review for review in db.exec(select(Review)) if "parcel locker" in review.note]
        opened = dict(db.exec(select(Conversation.id, Conversation.opened_at)).all())
    starts = sorted({measures.week_of(moment) for moment in opened.values()})
    assert len(noted) > 60
    assert {review.label_id for review in noted} == {None} and {review.verdict for review in noted} == {"weak"}
    assert min(opened[review.conversation_id] for review in noted) >= starts[8]


def test_week_7_dips_in_satisfaction_and_in_agreement_for_who_sees_all(shop: Person) -> None:
    weeks = measures.weekly(by=shop)
    usual = [weeks[place] for place in (4, 5, 7, 8)]
    satisfied = share(sum(week.satisfied.k for week in usual), sum(week.satisfied.n for week in usual))
    agreed = share(sum(week.agreement.k for week in usual), sum(week.agreement.n for week in usual))
    # how often the machine speaks hangs on which customers its threshold was checked on, and their ids differ with each build
    assert min(week.satisfied.n for week in weeks[:12]) > 100 and weeks[6].agreement.n > 40
    assert weeks[6].satisfied.value == min(week.satisfied.value for week in weeks[:12]) < satisfied - 0.10
    assert weeks[6].agreement.value < agreed - 0.03


def test_three_versions_went_live_and_a_fourth_waits(shop: Person) -> None:
    history = releases.history("classifier", "intent")
    assert [(release.target_number, release.stage) for release in history] == [(1, "ended"), (2, "ended"), (3, "live")]
    assert [release.ended_why for release in history] == ["followed by intent 2", "followed by intent 3", ""]
    waiting = approvals.waiting(by=shop)
    # how many of the recipe's refunds wait for a lead hangs on which customers it is for, and their ids differ with each build
    assert sorted(proposal.kind for proposal in waiting if proposal.kind != "act_once") == [
        "change_gate", "grant_role", "issue_token", "publish_articles", "ship_classifier",
    ]  # fmt: skip
    demo = people.demo_people()
    deciders = {one.kind: [person.name for person in demo if approvals.may_decide(one, person) is None] for one in waiting}
    assert deciders["ship_classifier"] == ["Lena Hoffmann", "Marco Silva", "Nora Engel"]
    assert deciders["change_gate"] == ["Lena Hoffmann", "Nora Engel"] and deciders["issue_token"] == ["Otto Braun"]
    assert all(approvals.nobody_can(one) is None for one in waiting)
    assert len(versions.all_of("classifier", "intent")) == 4 and tasks.unfinished() == 0
    for proposal in approvals.decided(by=shop):
        approval = approvals.approvers([proposal])[proposal.id][0]
        assert proposal.state == "done" and approval.approver_id not in proposal.authors


def test_each_conversation_was_predicted_by_what_was_live_when_it_came(shop: Person) -> None:
    history = releases.history("classifier", "intent")
    with store.reading() as db:
        mine = (Prediction.target_name == "intent", Prediction.mode == "live")
        rows = db.exec(select(Conversation.opened_at, Prediction).join(Prediction).where(*mine)).all()
    assert len(rows) > 4_000 and {made.target_number for _, made in rows} == {1, 2, 3}
    watched = []  # for a week after a release some customers stay with the version before
    for opened_at, made in rows:
        *before, live = [release for release in history if release.started_at <= opened_at]
        if before and opened_at < live.started_at + releases.WATCHED:
            watched.append(live.target_number == made.target_number)
            assert made.target_number in (live.target_number, before[-1].target_number)
        else:
            assert live.target_number == made.target_number
    assert 0.9 < share(sum(watched), len(watched)) < 0.985
    assert 0.05 < share(sum(made.label_id is None for _, made in rows), len(rows)) < 0.5  # it keeps silent now and then


def test_loose_examples_wait_beside_three_frozen_versions(shop: Person) -> None:
    with store.reading() as db:
        by_name = {one.name: one for one in db.exec(select(EvalSet))}
        intents, answers, hard = (by_name[name] for name in ("Everyday intents", "Everyday answers", "Hard wordings"))
        uses = Counter(db.exec(select(Example.eval_set_id, Example.use)).all())
        assert sum(count for (_, use), count in uses.items() if use == "gold") == 48
    for eval_set, at_least, waiting in ((intents, 200, 12), (answers, 30, 5)):
        assert [version.number for version in sets.versions(eval_set.id, by=shop)] == [3, 2, 1]
        latest = sets.latest(eval_set.id)
        taken_out = 1 if eval_set is intents else 0
        assert latest is not None and sets.case_count(latest.id) == uses[eval_set.id, "eval"] - taken_out >= at_least
        assert examples.loose_count(eval_set.id) == uses[eval_set.id, "loose"] == waiting
    cases = sets.cases(sets.latest(answers.id).id)  # type: ignore[union-attr]
    assert {name for case in cases for name in case.graders} == {"reply words"} and all(case.expected for case in cases)
    assert "took out case 160: It asks the same as another case." in sets.versions(intents.id, by=shop)[0].changelog
    assert [sets.case_count(version.id) for version in sets.versions(hard.id, by=shop)] == [24]


def test_twelve_runs_over_ten_weeks_were_compared_with_each_verdict(shop: Person) -> None:
    ran = runs.newest(by=shop)
    assert len(ran) >= 12 and all(one.run.state == "done" for one in ran)
    assert ran[0].run.at - ran[-1].run.at > timedelta(weeks=9)
    assert {one.verdict for one in compare.newest(by=shop)} == {"better", "worse", "no_worse", "cannot_tell"}


def test_people_checked_the_grader_of_the_answers_and_graders_look_each_night(shop: Person) -> None:
    assert checks.may_gate(graders.BY_NAME["reply words"]) and not checks.may_gate(graders.BY_NAME["alike"])
    days = continuous.trend("reading ease", by=shop, since=now() - timedelta(days=60))
    assert len(days) >= 15 and all(0 < one.mean <= 1 for one in days)


def test_what_two_people_saw_differently_waits_beside_what_was_settled(shop: Person) -> None:
    overview = agreements.overview(by=shop)
    assert overview.intent.value is not None and 0.5 < overview.intent.value < 0.98 and overview.intent.n > 60
    lead = next(person for person in people.demo_people() if person.name == "Lena Hoffmann")
    assert len(disputes.open_ones(by=lead)) >= 3
    colleagues = calibration.colleagues(by=lead)
    assert colleagues


def test_something_waits_for_review_for_everybody_who_reviews(shop: Person) -> None:
    for person in people.demo_people():
        if access.may(person, "review.record"):
            waiting = queue.team(by=person)
            assert len(waiting) == 12 and predictions.of_conversation(waiting[0].listed.id) is not None


def test_no_card_and_no_address_is_left_in_any_message(shop: Person) -> None:
    with store.reading() as db:
        stored = [*db.exec(select(Message.text)).all(), *filter(None, db.exec(select(Conversation.subject)).all())]
        stored += [review.reply + review.note for review in db.exec(select(Review))]
        stored += [message["text"] for example in db.exec(select(Example)) for message in example.messages]
    assert [said for said in stored if redact.find(said)] == []
    assert sum("‹CARD " in said for said in stored) > 20 and sum("‹EMAIL " in said for said in stored) > 20
    raw = [message[1] for one in told(AUTUMN) for message in one.messages]
    assert len([said for said in raw if redact.find(said)]) > 60  # the control: before the door they were there


def test_the_record_of_the_demo_holds(demo: Path) -> None:
    assert audit.first_broken() is None
    with store.writing() as db:  # the control: one changed letter is found
        db.execute(text("DROP TRIGGER audit_entry_no_update"))
        db.execute(text("UPDATE audit_entry SET sentence = sentence || '.' WHERE number = 1234"))
    assert audit.first_broken() == 1234


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    first, second = (story.quarter(random.Random(7), start=AUTUMN - timedelta(weeks=12), until=AUTUMN, count=400) for _ in range(2))
    other = story.quarter(random.Random(8), start=AUTUMN - timedelta(weeks=12), until=AUTUMN, count=400)
    assert first == second
    assert [one.messages for one in first] != [one.messages for one in other]
    assert len({one.messages[0][1] for one in first}) > 390


@pytest.mark.parametrize("until", [AUTUMN, SPRING] if SOAK else [AUTUMN])
def test_the_intents_can_be_learned_and_are_not_a_walk_over(until: datetime) -> None:
    """What a usual text classifier reaches on first messages with the true intents: neither a toy nor noise."""
    known = [one for one in told(until) if one.intent in INTENTS]
    learned, asked = [one for place, one in enumerate(known) if place % 4], known[::4]
    usual = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LinearSVC(random_state=0))
    usual.fit([one.messages[0][1] for one in learned], [one.intent for one in learned])
    accuracy = usual.score([one.messages[0][1] for one in asked], [one.intent for one in asked])
    assert 0.80 < accuracy < 0.97


def test_the_names_of_intents_are_those_of_the_phrases(shop: Person) -> None:
    with store.reading() as db:
        intents = db.exec(select(Label).where(Label.classifier_name == "intent"))
        assert {label.name for label in intents} == {intent.name for intent in INTENTS.values()}


def test_questions_are_answered_from_articles_and_what_nothing_covers_gathers(shop: Person) -> None:
    assert len(in_force.numbers()) == len(ARTICLES) and releases.live("answerer", "answerer") is not None
    assert articles.counted(articles.Filter(state="draft"), by=shop) == 2  # one waits for a second person, one was gone back from
    assert articles.counted(articles.Filter(state="overdue"), by=shop) == 2
    assert len({one.owner_id for one in articles.listed(articles.Filter(), by=shop, size=100)}) >= 5
    climbed = ladder.newest(sets.by_name("Everyday questions", by=shop).id, by=shop)
    assert climbed is not None and len(climbed.told["rungs"]) >= 8 and not ladder.grown_old(climbed)
    open_ones = [gap for gap in gaps.standing(by=shop) if gap.state == gaps.OPEN]
    assert len(open_ones) >= 3 and all(gap.customers >= 1 and gap.size >= gaps.FEWEST for gap in open_ones)
    with store.reading() as db:
        told = list(db.exec(select(Trace).where(Trace.target_kind == "answerer")))
    suggested = [trace for trace in told if trace.conversation_id]
    assert len(suggested) >= 80 and 5 <= sum(not (trace.said or {})["declined"] for trace in suggested) < len(suggested)
    assert {"helped", "missing"} <= {trace.outcome for trace in told}
