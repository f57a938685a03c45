"""Answers: from what is published and from nothing else, to each what they may be told, and what came of it is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from classifiers import labels
from data import approvals, conversations, people, releases, reviews, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Person, Span, Trace
from data.values import LIVE, RUN, SHADOW, Target, now
from knowledge import answerers, answering, articles, in_force
from knowledge.answerers import PLAIN, Setup
from knowledge.articles import Content
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_knowledge_articles import release, write

QUESTION = "How many working days does a parcel take abroad?"
DELIVERY = "A parcel takes three working days within the country. Abroad it takes seven working days."
VOUCHER = "May I grant a goodwill voucher?"
GOODWILL = "A rep may grant a goodwill voucher up to 15 euros without asking anybody."
PERU = "What is the capital of Peru?"


def publish(staff: Staff, title: str = "Delivery times", text: str = DELIVERY, **more: Any) -> Target:
    """Beside one that has to do with nothing else."""
    others = [] if in_force.numbers() else [write(staff, title="Opening hours", text="The shop opens at nine and closes at six.")]
    target = write(staff, title=title, text=text, **more)
    release(staff, target, *others)
    return target


def made(staff: Staff, setup: Setup) -> Target:
    return Target("answerer", answerers.NAME, answerers.make(setup, why="For this test.", by=staff.rep).target_number)


def speak(staff: Staff, threshold: float = 0.1, **more: Any) -> Target:
    """A version that speaks where words alone speak for it is in force."""
    target = made(staff, Setup(threshold=threshold, **more))
    with store.writing() as db:
        answerers.put_live(db, target, None, by=staff.lead)
    return target


def asked(staff: Staff, question: str = QUESTION, *, by: Person | None = None) -> dict[str, Any]:
    said = answering.ask(question, by=by or staff.rep).said
    assert said is not None
    return said


def for_customer(staff: Staff, question: str) -> dict[str, Any]:
    said = answering.for_customer([{"role": "customer", "text": question}], by=staff.engineer).said
    assert said is not None
    return said


def comes(staff: Staff, *texts: str, number: int = 1, at: datetime | None = None, **more: Any) -> str:
    """A conversation; every other message is a rep's."""
    messages = [{"role": ("customer", "rep")[place % 2], "text": text} for place, text in enumerate(texts)]
    told = {"team": "Oak", "opened_at": at or now() - timedelta(hours=1), "messages": messages} | more
    (conversation_id,) = door.receive([canonical(number, **told)], by=staff.engineer, classify=False).ids
    return conversation_id


def suggested(conversation_id: str, by: Person) -> Trace:
    found = answering.suggest(conversation_id, by=by)
    assert found is not None
    return found


# -- from what is published ---------------------------------------------------------------------------------------------------------------


def test_what_is_published_answers_word_for_word_with_its_source(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    said = asked(staff)
    assert not said["declined"] and said["reply"] == DELIVERY and said["articles"] == ["delivery-times"]
    assert [one["text"] for one in said["sentences"]] == [one + "." for one in DELIVERY.rstrip(".").split(". ")]
    assert all(said["sources"][one["source"]]["article"] == "delivery-times" for one in said["sentences"])
    assert said["sources"][0]["number"] == 1 and said["sources"][0]["quote"] in DELIVERY


def test_the_only_article_that_there_is_answers_too(staff: Staff) -> None:
    release(staff, write(staff, title="Delivery times", text=DELIVERY))
    speak(staff)
    assert asked(staff)["reply"] == DELIVERY and asked(staff, PERU)["declined"]


def test_a_draft_is_never_quoted_and_neither_is_a_newer_one(staff: Staff) -> None:
    speak(staff)
    publish(staff, "Returns of plants", "A plant can be sent back within 30 days.")
    target = write(staff, title="Delivery times", text=DELIVERY)
    assert asked(staff)["declined"] and asked(staff)["sources"] == []
    release(staff, target)
    articles.save(target.name, Content("Delivery times", DELIVERY.replace("seven", "two")), based_on=1, by=staff.rep)
    assert "seven" in asked(staff)["reply"] and "two" not in asked(staff)["reply"]
    release(staff, Target("article", target.name, 2))
    assert "two" in asked(staff)["reply"] and asked(staff)["sources"][0]["number"] == 2


def test_what_is_published_is_found_at_once_and_what_is_retired_no_more(staff: Staff) -> None:
    speak(staff)
    publish(staff, "Returns of plants", "A plant can be sent back within 30 days.")
    assert asked(staff)["declined"]  # this process has its shelf from now on
    publish(staff)
    assert asked(staff)["articles"] == ["delivery-times"]
    articles.retire("delivery-times", why="We deliver no more.", by=staff.lead)
    assert asked(staff)["declined"] and "delivery-times" not in str(asked(staff))
    articles.go_back("delivery-times", 1, why="We do again.", by=staff.lead)
    assert asked(staff)["articles"] == ["delivery-times"]


def test_where_nothing_is_published_there_is_silence_with_words(staff: Staff) -> None:
    said = asked(staff)
    assert said["declined"] and said["why"] == "Nothing was found that has to do with it." and said["sentences"] == []
    assert said["reply"] == "I should not answer this: nothing we know covers it."
    publish(staff)
    speak(staff)
    assert asked(staff, PERU)["declined"] and not asked(staff)["declined"]


def test_one_that_is_not_sure_enough_says_what_is_nearest_and_what_it_would_need(staff: Staff) -> None:
    publish(staff)
    assert answerers.target_in_force() == PLAIN
    said = asked(staff, "Is Sunday a working day for parcels?")
    assert said["declined"] and "the nearest article is 'Delivery times'" in said["why"] and "it answers from" in said["why"]
    assert said["nearest"]["article"] == "delivery-times" and said["sources"] == []


def test_what_is_for_staff_is_told_to_staff_and_to_no_customer(staff: Staff) -> None:
    publish(staff, "Goodwill", GOODWILL, audience="staff")
    speak(staff)
    assert asked(staff, VOUCHER)["reply"] == GOODWILL
    said = for_customer(staff, VOUCHER)
    assert said["declined"] and "oodwill" not in str(said | {"question": ""})
    trace = suggested(comes(staff, VOUCHER), staff.rep)
    assert trace.said is not None and trace.said["declined"] and "15 euros" not in str(trace.said)
    with store.reading() as db:
        steps = db.exec(select(Span).join(Trace, col(Trace.id) == col(Span.trace_id)).where(Trace.mode == LIVE)).all()
    assert len(steps) == 2 and all("Goodwill" not in str(one.output) for one in steps)


def test_an_article_that_becomes_staff_only_is_no_longer_told_to_customers(staff: Staff) -> None:
    publish(staff, "Goodwill", GOODWILL)
    speak(staff)
    assert for_customer(staff, VOUCHER)["reply"] == GOODWILL
    articles.save("goodwill", Content("Goodwill", GOODWILL, audience="staff", area="Returns"), based_on=1, by=staff.rep)
    release(staff, Target("article", "goodwill", 2))
    assert for_customer(staff, VOUCHER)["declined"] and asked(staff, VOUCHER)["reply"] == GOODWILL


def test_who_asks_nothing_or_a_novel_hears_it(staff: Staff) -> None:
    for nothing in ("", " \n\t", "\0"):
        with pytest.raises(Refused, match="Nothing was asked: write a question"):
            answering.ask(nothing, by=staff.rep)
    with pytest.raises(Refused, match="at most 2,000 characters, this one has 2,001"):
        answering.ask("x" * 2_001, by=staff.rep)
    with store.reading() as db:
        assert db.exec(select(Trace)).all() == []


def test_a_conversation_without_a_question_is_answered_with_silence(staff: Staff) -> None:
    publish(staff)
    speak(staff, 0.0)
    for messages in ([], [{"role": "rep", "text": DELIVERY}], [{"role": "customer", "text": " "}]):
        said = answering.for_customer(messages, by=staff.engineer).said
        assert said is not None and said["declined"] and said["why"] == "Nothing was asked."


def test_personal_data_in_a_question_is_kept_masked(staff: Staff) -> None:
    said = asked(staff, "Can jo.doe@example.org pay with 4111 1111 1111 1111?")
    assert "jo.doe" not in str(said) and "4111" not in str(said) and "Can " in said["question"]
    said = for_customer(staff, "Write to jo.doe@example.org about my parcel")
    assert "jo.doe" not in str(said)


def test_who_may_not_ask_is_denied(staff: Staff) -> None:
    for act in (lambda: answering.ask(QUESTION, by=staff.admin), lambda: answering.mine(by=staff.admin)):
        with pytest.raises(Denied):
            act()


# -- what came of it ----------------------------------------------------------------------------------------------------------------------


def test_a_colleague_says_what_came_of_their_own_question_and_the_last_word_counts(staff: Staff) -> None:
    trace = answering.ask(QUESTION, by=staff.rep)
    assert answering.decide(trace.id, "helped", by=staff.rep).outcome == "helped"
    kept = answering.decide(trace.id, "missing", by=staff.rep)
    assert (kept.outcome, kept.decided_by_id) == ("missing", staff.rep.id) and kept.decided_at is not None
    assert [one.outcome for one in answering.mine(by=staff.rep)] == ["missing"] and answering.mine(by=staff.lead) == []


def test_nobody_speaks_for_another_and_only_in_words_that_there_are(staff: Staff) -> None:
    trace = answering.ask(QUESTION, by=staff.rep)
    assert answering.get(trace.id, by=staff.lead) is None
    for who, outcome, why in (
        (staff.lead, "helped", "not here"), (staff.rep, "accepted", "say whether it helped"), (staff.rep, "", "say whether it helped")
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            answering.decide(trace.id, outcome, by=who)
    with pytest.raises(Refused, match="not here"):
        answering.decide("none", "helped", by=staff.rep)
    with pytest.raises(Denied):
        answering.decide(trace.id, "helped", by=staff.admin)
    assert answering.mine(by=staff.rep)[0].outcome == ""


def test_a_suggested_reply_is_accepted_edited_or_refused(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    trace = suggested(comes(staff, QUESTION), staff.rep)
    assert trace.said is not None and trace.said["reply"] == DELIVERY and trace.mode == LIVE
    with pytest.raises(Refused, match="say whether"):
        answering.decide(trace.id, "helped", by=staff.rep)
    with pytest.raises(Refused, match="write the reply that you would send"):
        answering.decide(trace.id, "edited", better=" ", by=staff.rep)
    assert answering.decide(trace.id, "accepted", by=staff.rep).outcome == "accepted"
    kept = answering.decide(trace.id, "edited", better=" Seven days; write to jo.doe@example.org. ", by=staff.lead)
    assert (kept.outcome, kept.decided_by_id) == ("edited", staff.lead.id)
    assert kept.better.startswith("Seven days; write to") and "jo.doe" not in kept.better
    assert answering.decide(trace.id, "refused", by=staff.rep).outcome == "refused"


def test_another_teams_conversation_is_answered_for_its_own_team_only(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    with store.writing():
        stranger = people.add("Frida", "frida@example.com", "rep", by=people.console(), team=staff.fern)
    made_id = comes(staff, QUESTION)
    trace = suggested(made_id, staff.rep)
    assert answering.suggest(made_id, by=stranger) is None and answering.get(trace.id, by=stranger) is None
    with pytest.raises(Refused, match="not here"):
        answering.decide(trace.id, "accepted", by=stranger)
    with store.reading() as db:
        assert db.get_one(Trace, trace.id).outcome == ""


# -- suggested replies --------------------------------------------------------------------------------------------------------------------


def kept(*modes: str) -> list[Trace]:
    with store.reading() as db:
        return list(db.exec(select(Trace).where(col(Trace.mode).in_(modes)).order_by(col(Trace.at), col(Trace.id))))


def test_what_was_suggested_to_the_same_words_stays(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    first = suggested(comes(staff, QUESTION), staff.rep)
    articles.retire("delivery-times", why="Gone.", by=staff.lead)
    again = suggested(first.conversation_id or "", staff.lead)
    assert (again.id, again.said) == (first.id, first.said) and len(kept(LIVE)) == 1


def test_of_two_who_open_it_at_once_both_see_the_one_suggestion(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    made_id = comes(staff, QUESTION)
    with ThreadPoolExecutor(8) as pool:
        found = {one.id for one in pool.map(lambda _: suggested(made_id, staff.rep), range(8))}
    assert found == {one.id for one in kept(LIVE)} and len(found) == 1


def test_a_further_customer_message_is_answered_anew(staff: Staff) -> None:
    publish(staff)
    publish(staff, "Returns of plants", "A plant can be sent back within 30 days of delivery.")
    speak(staff)
    made_id = comes(staff, QUESTION, "I look at it.")
    first = suggested(made_id, staff.rep)
    assert comes(staff, QUESTION, "I look at it.", "And when can a plant be sent back?") == made_id
    second = suggested(made_id, staff.rep)
    assert first.id != second.id and (first.seq or 0) < (second.seq or 0)
    assert second.said is not None and "returns-of-plants" in second.said["articles"]


def test_nobody_is_replied_to_where_no_customer_wrote(staff: Staff) -> None:
    messages = [{"role": "rep", "text": "We called you."}]
    assert answering.suggest(comes(staff, messages=messages), by=staff.rep) is None
    assert answering.suggest("none", by=staff.rep) is None and kept(LIVE) == []


def test_what_comes_in_is_answered_once_and_only_while_it_is_fresh(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    fresh = comes(staff, QUESTION, "I look at it.", "Thanks", number=1)
    old = comes(staff, QUESTION, number=2, at=now() - timedelta(days=2))
    silent = comes(staff, number=3, messages=[{"role": "rep", "text": "We called you."}])
    assert answering.arrived([fresh, old, silent, "none"]) == 1
    assert answering.arrived([fresh]) == 0
    (trace,) = kept(LIVE)
    assert (trace.conversation_id, trace.seq, trace.by_person_id) == (fresh, 1, None)
    assert trace.said is not None and trace.said["question"] == QUESTION  # as far as the customer had written then


def test_an_intent_that_people_keep_is_left_to_a_person(staff: Staff) -> None:
    legal = labels.add("Complaint at law", by=staff.engineer)
    publish(staff)
    speak(staff, asks_person=(legal.id,))
    one, other = comes(staff, QUESTION, number=1), comes(staff, QUESTION, number=2)
    reviews.record(one, "strong", label_id=legal.id, by=staff.rep)
    with store.reading() as db:
        assert db.get_one(Conversation, one).intent_id == legal.id
    said = suggested(one, staff.rep).said
    assert said is not None and said["declined"] and said["why"] == answerers.ASKED_OF_A_PERSON and said["sources"] == []
    control = suggested(other, staff.rep).said
    assert control is not None and not control["declined"]


# -- versions on their way ----------------------------------------------------------------------------------------------------------------


def under_way(staff: Staff, target: Target, percent: int = 0) -> None:
    with store.writing() as db:
        told: dict[str, Any] = {"why": "Try it.", "evidence": {}, "authors": [staff.rep.id], "by": staff.rep}
        proposal = approvals.propose(db, "ship_answerer", f"release {target}", target.columns(), **told)
        release_ = releases.begin(db, target, proposal_id=proposal.id, by_itself=False, by=staff.lead)
        if percent:
            releases.widen(db, release_, percent, why="It is fine.", by=staff.lead)


def test_a_version_beside_the_live_one_says_its_word_and_is_not_heard(staff: Staff) -> None:
    publish(staff)
    live = speak(staff)
    silent = made(staff, Setup(threshold=1.0))
    under_way(staff, silent)
    trace = suggested(comes(staff, QUESTION), staff.rep)
    assert trace.target_number == live.number and trace.said is not None and not trace.said["declined"]
    (shadow,) = kept(SHADOW)
    assert shadow.target_number == silent.number and shadow.said is not None and shadow.said["declined"]
    assert {answering.for_customer([], key=str(number), by=staff.engineer).target_number for number in range(30)} == {live.number}
    assert answering.ask(QUESTION, by=staff.rep).target_number == live.number
    assert answering.suggest(trace.conversation_id or "", by=staff.rep).id == trace.id  # type: ignore[union-attr]


def test_a_version_under_way_answers_for_its_share_of_the_customers_and_always_the_same(staff: Staff) -> None:
    publish(staff)
    live, coming = speak(staff), made(staff, Setup(threshold=0.2))
    under_way(staff, coming, percent=50)
    told = {key: [answering.for_customer([], key=key, by=staff.engineer).target_number for _ in range(2)] for key in map(str, range(60))}
    assert all(one == again for one, again in told.values())
    share = sum(one == coming.number for one, _ in told.values())
    assert 15 <= share <= 45 and {one for one, _ in told.values()} == {live.number, coming.number}
    assert answering.for_customer([], by=staff.engineer).target_number == live.number  # nobody knows whose it is
    seen = {suggested(comes(staff, QUESTION, number=number), staff.rep).target_number for number in range(1, 13)}
    assert seen == {live.number, coming.number} and len(kept(SHADOW)) == 12


def test_a_question_is_kept_with_the_step_that_found_it(staff: Staff) -> None:
    publish(staff)
    speak(staff)
    trace = answering.ask(QUESTION, by=staff.rep)
    with store.reading() as db:
        (step,) = db.exec(select(Span).where(Span.trace_id == trace.id))
    assert (step.kind, step.by_person_id) == ("retrieval", staff.rep.id) and trace.mode == RUN
    assert step.output is not None and step.output["found"][0]["title"] == "Delivery times"
    assert conversations.listed(conversations.Filter(), by=staff.rep) == []  # a question of one's own is no conversation
