"""Gaps: what is asked and nothing covers, until an article does; and how much of it is still asked in vain after that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from data import approvals, audit, people, store
from data.errors import Denied, Refused
from data.tables import Case, Conversation, Pattern, Person, Trace
from data.values import Target, now
from evals import freezing, graders, runs, sets
from knowledge import ARTICLE, answerers, answering, articles, gaps, questions, trying
from knowledge.articles import Content
from knowledge.gaps import Gap
from portal import jobs
from tests.conftest import Staff
from tests.test_knowledge_answerers import fill
from tests.test_knowledge_answering import comes, publish, speak

KNOWN = graders.BY_NAME
BICYCLES = ("Can I rent a bicycle for a day?", "Can I rent a bicycle for a week?", "Where can I rent a bicycle for a day?")
WRITTEN = Content("Renting bicycles", "You can rent a bicycle at the counter. To rent a bicycle costs ten euros a day.")


def colleagues(staff: Staff) -> list[Person]:
    return [staff.rep, staff.lead, staff.other, staff.engineer]


def asks(staff: Staff, texts: Sequence[str] = BICYCLES, *, by: Sequence[Person] = (), at: datetime | None = None) -> list[Trace]:
    """Each by another colleague."""
    who = by or colleagues(staff)
    return [answering.ask(text, by=who[place % len(who)], at=at) for place, text in enumerate(texts)]


def customers(staff: Staff, texts: Sequence[str], *, first: int = 1, customer: str = "", at: datetime | None = None) -> list[str]:
    """Each asks in a conversation, and a reply is suggested to it."""
    made = []
    for number, text in enumerate(texts, start=first):
        made.append(comes(staff, text, number=number, at=at, **({"customer": customer} if customer else {})))
        assert answering.suggest(made[-1], by=staff.rep, at=at) is not None
    return made


def looked(staff: Staff, at: datetime | None = None) -> list[Gap]:
    gaps.look(None, at=at)
    return gaps.standing(by=staff.rep)


# -- what is a gap ------------------------------------------------------------------------------------------------------------------------


def test_three_that_ask_the_same_are_a_gap_and_two_are_not(staff: Staff) -> None:
    asks(staff, BICYCLES[:2])
    asks(staff, ["Do you ship to the moon?", "Is the canteen open to visitors?"])
    assert looked(staff) == []
    asks(staff, BICYCLES[2:], by=[staff.engineer])
    (gap,) = looked(staff)
    assert (gap.size, gap.customers, gap.state) == (3, 3, gaps.OPEN) and set(gap.phrases) == set(BICYCLES) and gap.name in BICYCLES
    assert gap.sentence == "Asked 3 times by 3 people in four weeks, 3 in the last seven days and 0 in the seven before."
    assert gap.told["why"] == {"declined": 3} and gap.told["where"] == {"colleagues": 3}


def test_a_gap_is_named_by_its_most_typical_question_on_one_line_without_the_greeting() -> None:
    long = "I would like to know what you can tell me about renting, " * 2
    assert questions.telling([long, "Hi there, can I rent a bicycle for a month?", "rent a bike"]).startswith("Hi there")
    assert questions.short("Hi there, can I rent a bicycle for a month?") == "Can I rent a bicycle for a month?"
    assert questions.short("Dear Ferngrove team, where is it?") == "Where is it?" and questions.short("Hello") == "Hello"
    assert questions.short("History of plants") == "History of plants"  # no greeting
    assert questions.short("Hi, it is urgent. Yours sincerely ‹NAME 1›") == "It is urgent."
    assert questions.short("What are regards worth in this shop of yours, sincerely asked?").endswith("sincerely asked?")  # no closing
    assert questions.telling([long, long + "x"]) == long and len(questions.short(long)) <= questions.SHORT


def test_the_same_question_of_one_person_counts_once(staff: Staff) -> None:
    asks(staff, [BICYCLES[0]] * 5, by=[staff.rep])
    assert looked(staff) == []
    asks(staff, [BICYCLES[0]] * 2, by=[staff.lead, staff.other])  # the control: so many others do make one
    (gap,) = looked(staff)
    assert (gap.size, gap.customers) == (3, 3)


def test_what_was_answered_is_no_gap_until_somebody_says_that_it_is_wrong(staff: Staff) -> None:
    publish(staff, "Parcels", "A parcel takes three working days. Where a parcel is can be seen in the email.")
    speak(staff)
    told = asks(
        staff, ["How long does a parcel take?", "How many days does a parcel take?", "When is my parcel here, how many days does it take?"]
    )
    assert not any((one.said or {})["declined"] for one in told) and looked(staff) == []
    for one, who, outcome in zip(told, colleagues(staff), ("refused", "missing", "refused"), strict=False):
        answering.decide(one.id, outcome, by=who)
    (gap,) = looked(staff)
    assert gap.told["why"] == {"refused": 2, "missing": 1}
    assert gap.told["nearest"] == {
        "article": "parcels", "title": "Parcels", "times": 3, "how": "it was quoted, and people said that it does not answer this"
    }  # fmt: skip
    answering.decide(told[0].id, "helped", by=staff.rep)
    assert looked(staff) == []  # only two are left


def test_what_was_declined_and_said_to_be_right_so_is_no_gap(staff: Staff) -> None:
    for trace, who in zip(asks(staff), colleagues(staff), strict=False):
        answering.decide(trace.id, "helped", by=who)
    assert looked(staff) == []


def test_customers_and_colleagues_ask_together(staff: Staff) -> None:
    made = customers(staff, BICYCLES[:2])
    asks(staff, BICYCLES[2:])
    (gap,) = looked(staff)
    assert set(gap.conversation_ids) == set(made) and sum(gap.told["where"].values()) == 3 and gap.told["where"]["colleagues"] == 1


def test_one_customer_who_comes_back_with_the_same_words_counts_once(staff: Staff) -> None:
    customers(staff, [BICYCLES[0]] * 4, customer="customer one")
    assert looked(staff) == []


def test_three_wordings_of_one_person_are_no_gap_until_they_say_that_all_three_are_missing(staff: Staff) -> None:
    told = asks(staff, by=[staff.rep])
    customers(staff, ["Is there a discount for students?", "Is there a discount for us students?", "Is there any discount for students?"],
              customer="customer one")  # fmt: skip
    assert looked(staff) == []
    for trace in told[:2]:
        answering.decide(trace.id, "missing", by=staff.rep)
    assert looked(staff) == []
    answering.decide(told[2].id, "missing", by=staff.rep)
    (gap,) = looked(staff)
    assert (gap.size, gap.customers, gap.told["why"]) == (3, 1, {"missing": 3})


def by_program(staff: Staff, texts: Sequence[str], keys: Sequence[str]) -> list[Trace]:
    return [
        answering.for_customer([{"role": "customer", "text": text}], key=key, by=staff.engineer)
        for text, key in zip(texts, keys, strict=True)
    ]  # fmt: skip


def test_a_program_s_customers_are_people_and_it_is_none(staff: Staff) -> None:
    (first, *_) = by_program(staff, BICYCLES, ["customer one"] * 3)
    assert looked(staff) == []  # one customer
    assert "customer one" not in str(first.said)
    by_program(staff, [BICYCLES[0]], ["customer two"])
    (gap,) = looked(staff)
    assert (gap.size, gap.customers, gap.told["where"]) == (4, 2, {"programs": 4})
    assert gap.phrases == gaps.standing(by=stranger(staff))[0].phrases  # they belong to no team


def test_without_a_key_the_same_words_of_a_program_count_once(staff: Staff) -> None:
    by_program(staff, [BICYCLES[0]] * 5, [""] * 5)
    assert looked(staff) == []
    by_program(staff, BICYCLES[1:], ["", ""])
    assert [(gap.size, gap.customers) for gap in looked(staff)] == [(3, 3)]


def test_an_edited_suggestion_counts_and_an_accepted_one_does_not(staff: Staff) -> None:
    publish(staff, "Parcels", "A parcel takes three working days to arrive.")
    speak(staff)
    texts = ["How long does a parcel take?", "How many days does a parcel take?", "Does a parcel take three days?"]
    for made in customers(staff, texts):
        trace = answering.suggested(made, by=staff.rep)
        assert trace is not None
        answering.decide(trace.id, "edited", better="It depends.", by=staff.rep)
    (gap,) = looked(staff)
    assert gap.told["why"] == {"edited": 3}
    for trace_id in gap.trace_ids:
        answering.decide(trace_id, "accepted", by=staff.rep)
    assert looked(staff) == []


def test_what_is_older_than_four_weeks_is_no_longer_looked_at(staff: Staff) -> None:
    asks(staff, at=now() - timedelta(days=29))
    assert looked(staff) == []
    assert gaps.look(None).sentence == "Every question of the last four weeks was answered."
    asks(staff, at=now() - timedelta(days=10))
    assert gaps.look(None).sentence == "3 questions of the last four weeks were not answered well: 1 gap, 1 new."
    (gap,) = gaps.standing(by=staff.rep)
    assert gap.growth == {"now": 0, "before": 3}


def test_other_subjects_are_other_gaps_and_the_larger_stands_first(staff: Staff) -> None:
    asks(staff)
    asks(staff, [f"Is there a discount for {who} groups of students?" for who in ("large", "small", "foreign", "young")])
    assert [(gap.size, "discount" in gap.name) for gap in looked(staff)] == [(4, True), (3, False)]


# -- where else it is asked ---------------------------------------------------------------------------------------------------------------


def test_what_comes_by_one_channel_is_looked_for_in_the_others(staff: Staff) -> None:
    customers(staff, BICYCLES)  # each by chance of another channel: they are put in one
    with store.writing() as db:
        for one in db.exec(select(Conversation)):
            one.channel = "chat"
            db.add(one)
    alike = [comes(staff, f"{text} Thank you.", number=number, channel="email") for number, text in enumerate(BICYCLES, start=20)]
    comes(staff, "Where is my parcel?", number=30, channel="email")
    for number, text in enumerate(BICYCLES[:2], start=40):
        comes(staff, text, number=number, channel="voice")  # two are too few
    (gap,) = looked(staff)
    (there,) = gap.also
    assert (there.way, there.name, there.k, there.n, set(there.conversation_ids)) == ("channel", "email", 3, 4, set(alike))
    assert [(one.k, one.conversation_ids) for one in gaps.standing(by=stranger(staff))[0].also] == [(3, [])]
    with store.writing() as db:
        for one in db.exec(select(Conversation).where(Conversation.id == gap.conversation_ids[0])):
            one.channel = "voice"
            db.add(one)
    assert looked(staff)[0].also == []  # the control: it comes by two channels already


def test_what_only_colleagues_ask_is_looked_for_in_every_channel_and_what_one_segment_asks_in_the_others(staff: Staff) -> None:
    asks(staff)
    for number, text in enumerate(BICYCLES, start=20):
        comes(staff, text, number=number, channel="email", segment="wholesale")
    assert [(one.way, one.name, one.k) for one in looked(staff)[0].also] == [("channel", "email", 3)]
    for number, text in enumerate(("Can I rent a bicycle for a month?", "Where can I rent a bicycle?", "Can I rent a bicycle?"), start=30):
        answering.suggest(comes(staff, text, number=number, channel="chat", segment="gardens"), by=staff.rep)
    found = {(one.way, one.name, one.k) for one in looked(staff)[0].also}
    assert ("segment", "wholesale", 3) in found and not any(name in ("chat", "gardens") for _, name, _ in found)


# -- from night to night ------------------------------------------------------------------------------------------------------------------


def test_a_gap_keeps_its_identity_and_its_name(staff: Staff) -> None:
    asks(staff)
    (first,) = looked(staff, now() + timedelta(seconds=1))
    asks(staff, ["Can I rent a bicycle for a month?", "Where can I rent a bicycle for a week?"])
    (second,) = looked(staff, now() + timedelta(seconds=2))
    assert (second.id, second.name, second.at) == (first.id, first.name, first.at) and second.size == 5


def test_a_gap_that_nobody_asks_any_more_goes(staff: Staff) -> None:
    asks(staff)
    (gap,) = looked(staff)
    assert looked(staff, now() + timedelta(days=40)) == []
    with store.reading() as db:
        assert (db.get_one(Pattern, gap.id).state, db.get_one(Pattern, gap.id).why) == (
            gaps.GONE,
            "It is asked no more, or it is answered.",
        )


def test_what_was_put_aside_stays_so_however_often_it_is_asked(staff: Staff) -> None:
    asks(staff)
    (gap,) = looked(staff)
    with pytest.raises(Refused, match="Not put aside: say why"):
        gaps.put_aside(gap.id, " ", by=staff.rep)
    gaps.put_aside(gap.id, "We rent none.", by=staff.rep)
    asks(staff, ["Can I rent a bicycle for a month?"], by=[staff.lead])
    (again,) = looked(staff, now() + timedelta(seconds=1))
    assert (again.id, again.state, again.why, again.size) == (gap.id, gaps.PUT_ASIDE, "We rent none.", 4)
    with pytest.raises(Refused, match="not open any more"):
        gaps.put_aside(gap.id, "Again.", by=staff.rep)
    assert "put aside, We rent none." in audit.newest(by=staff.admin)[0].sentence


# -- whose questions one sees -------------------------------------------------------------------------------------------------------------


def stranger(staff: Staff) -> Person:
    with store.writing():
        return people.add("Frida", "frida@example.com", "rep", by=people.console(), team=staff.fern)


def test_a_gap_shows_only_the_questions_within_reach_and_its_figures_whole(staff: Staff) -> None:
    customers(staff, BICYCLES)
    frida = stranger(staff)
    (gap,) = looked(staff)
    assert set(gap.phrases) == set(BICYCLES) and gap.name in BICYCLES and len(gap.conversation_ids) == 3
    (theirs,) = gaps.standing(by=frida)
    assert (theirs.id, theirs.size, theirs.sentence, theirs.told["why"]) == (gap.id, gap.size, gap.sentence, gap.told["why"])
    assert (theirs.name, theirs.phrases, theirs.conversation_ids, theirs.trace_ids) == (gaps.OTHERS, (), (), ())
    assert gaps.get(gap.id, by=frida) == theirs and "bicycle" not in repr(theirs)
    asks(staff, ["Can I rent a bicycle for a month?"], by=[staff.other])  # what a colleague asked is no customer's word
    looked(staff)
    (theirs,) = gaps.standing(by=frida)
    assert (theirs.name, theirs.phrases) == ("Can I rent a bicycle for a month?", ("Can I rent a bicycle for a month?",))
    assert len(gaps.standing(by=staff.engineer)[0].phrases) == 4 and gaps.standing(by=staff.engineer)[0].name == gap.name


def test_each_team_sees_its_own_of_many(staff: Staff) -> None:
    texts = [f"Where can I rent a bicycle for a day or for number {count}?" for count in range(12, 30)]
    for number, text in enumerate(texts, start=1):
        answering.suggest(comes(staff, text, number=number), by=staff.rep)
    theirs = comes(staff, "Where can I rent a bicycle for a day?", number=40, team="Fern")
    answering.suggest(theirs, by=staff.engineer)
    looked(staff)
    (gap,) = gaps.standing(by=stranger(staff))
    assert gap.size == 19 and gap.phrases == ("Where can I rent a bicycle for a day?",) and gap.conversation_ids == (theirs,)
    assert len(gaps.standing(by=staff.rep)[0].phrases) == gaps.OF_A_TEAM


def test_of_a_hidden_conversation_nobody_sees_the_question(staff: Staff) -> None:
    made = customers(staff, BICYCLES)
    (gap,) = looked(staff)
    with store.writing() as db:
        for hidden in db.exec(select(Conversation).where(Conversation.id == made[0])):
            hidden.hidden_at = now()
            db.add(hidden)
    for person in (staff.rep, staff.engineer):
        seen = gaps.get(gap.id, by=person)
        assert seen is not None and set(seen.phrases) == set(BICYCLES[1:]) and seen.name in BICYCLES[1:]


def test_what_a_stranger_begins_writes_and_puts_aside_holds_no_other_team_s_words(staff: Staff) -> None:
    customers(staff, BICYCLES)
    asks(staff, [f"Is there a discount for {who} groups of students?" for who in ("large", "small", "foreign")])
    frida = stranger(staff)
    bicycles, discount = sorted(looked(staff), key=lambda gap: "discount" in gap.name)
    begun = gaps.begun(bicycles.id, by=frida)
    assert begun.title == "" and "bicycle" not in begun.text and "bicycle" in gaps.begun(bicycles.id, by=staff.rep).text
    eval_set = sets.create("Everyday questions", purpose="knowledge", by=staff.lead)
    assert gaps.write(bicycles.id, WRITTEN, test_in=eval_set.id, known=KNOWN, by=frida).sentence == "Saved as a draft."
    assert gaps.write(discount.id, Content("Discounts", "There is none."), test_in=eval_set.id, known=KNOWN, by=frida).cases == 3
    with store.reading() as db:
        assert not any("bicycle" in str(one.input) for one in db.exec(select(Case)))
    assert articles.history("renting-bicycles", by=frida)[0].manifest == {"gap": bicycles.id}
    told = [line.sentence for line in audit.newest(by=staff.admin) if "Gap" in line.sentence]
    assert f"Gap '{gaps.OTHERS}': 'Renting bicycles' is being written." in told and not any("a bicycle" in line for line in told)


def test_who_may_not_see_gaps_is_denied(staff: Staff) -> None:
    asks(staff)
    (gap,) = looked(staff)
    for act in (
        lambda: gaps.standing(by=staff.admin), lambda: gaps.get(gap.id, by=staff.admin),
        lambda: gaps.put_aside(gap.id, "x", by=staff.admin),
        lambda: gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.admin),
    ):  # fmt: skip
        with pytest.raises(Denied):
            act()


# -- from a gap to an article -------------------------------------------------------------------------------------------------------------


def test_an_article_begins_with_what_colleagues_replied_best(staff: Staff) -> None:
    for number, (text, reply, csat) in enumerate(
        [
            (BICYCLES[0], "We rent none.", 1), (BICYCLES[1], "At the counter, ten euros a day.", 5),
            (BICYCLES[2], "Ask at the counter please.", 3),
        ],
        start=1,
    ):  # fmt: skip
        answering.suggest(comes(staff, text, reply, number=number, csat=csat), by=staff.rep)
    (gap,) = looked(staff)
    begun = gaps.begun(gap.id, by=staff.rep)
    assert begun.title == gap.name.rstrip("?")
    assert begun.text.index("ten euros a day") < begun.text.index("Ask at the counter please") < begun.text.index("We rent none")
    assert all(f"- {text}" in begun.text for text in BICYCLES)
    frida = stranger(staff)
    assert "ten euros" not in gaps.begun(gap.id, by=frida).text  # what other teams wrote is not within their reach
    assert "No colleague has answered this well yet." in gaps.begun(gap.id, by=frida).text


def test_a_gap_becomes_an_article_and_the_cases_it_was_written_for_pass(staff: Staff) -> None:
    """The story: asked in vain, written by one, published by two, and what was asked in vain is answered."""
    fill(staff, "Delivery times", "Opening hours")
    speak(staff)
    asks(staff, at=now() - timedelta(minutes=5))
    (gap,) = looked(staff)
    eval_set = sets.create("Everyday questions", purpose="knowledge", by=staff.lead)
    begun = gaps.write(gap.id, WRITTEN, test_in=eval_set.id, known=KNOWN, by=staff.rep)
    assert begun.sentence == "Saved as a draft; 3 of its questions become cases that it is to fix." and begun.article.live is None
    assert (state_of(gap), gaps.get(gap.id, by=staff.rep).article) == (gaps.WRITTEN, "renting-bicycles")  # type: ignore[union-attr]
    version = freezing.freeze(eval_set.id, by=staff.lead)
    assert passed(staff, version.id) == (0, 3)
    target = Target(ARTICLE, "renting-bicycles", 1)
    assert trying.tried(trying.try_out([target], known=KNOWN, by=staff.rep)).fixed == 3
    proposal = trying.propose([target], why="Three asked.", by=staff.rep)
    with pytest.raises((Denied, Refused)):
        approvals.approve(proposal.id, by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    jobs.run_waiting()
    assert passed(staff, version.id) == (3, 3)
    (covered,) = looked(staff)
    assert (covered.id, covered.state, covered.told["still"]) == (gap.id, gaps.COVERED, 0)
    with store.reading() as db:
        assert all(one.slices["gap"] == gap.name for one in db.exec(select(Case)))


def published(staff: Staff, gap: Gap, *, at: datetime) -> None:
    """The article that a gap asked for."""
    gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.rep)
    proposal = articles.propose([Target(ARTICLE, "renting-bicycles", 1)], why="Three asked.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    articles.publish(proposal.id, at=at)


def test_what_is_still_asked_in_vain_after_publishing_is_counted(staff: Staff) -> None:
    fill(staff, "Delivery times", "Opening hours")
    asks(staff, at=now() - timedelta(days=3))
    (gap,) = looked(staff, now() - timedelta(days=2))
    gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.rep)
    assert looked(staff, now() - timedelta(days=2))[0].state == gaps.WRITTEN  # it is not published yet
    proposal = articles.propose([Target(ARTICLE, "renting-bicycles", 1)], why="Three asked.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    articles.publish(proposal.id, at=now() - timedelta(days=1, minutes=1))
    assert looked(staff, now() - timedelta(days=1))[0].told["still"] == 0
    for trace in asks(staff, ["Where can I rent a bicycle for a week?", "Can I rent a bicycle for a month?"]):
        assert (trace.said or {})["declined"]  # the one that ships is cautious
    (covered,) = looked(staff, now() + timedelta(seconds=1))
    assert (covered.state, covered.told["still"], covered.told["days"]) == (gaps.COVERED, 2, 1)
    later = looked(staff, now() + timedelta(days=60))[0].told  # four weeks after it nobody looks any more
    assert (later["still"], later["share"]["since"], later["days"]) == (2, [2, 2], 28)
    asks(staff, ["Can I rent a bicycle for two months?"], at=now() + timedelta(days=61))
    assert looked(staff, now() + timedelta(days=62))[0].told == later


def test_its_share_of_all_that_is_asked_is_measured_before_and_since(staff: Staff) -> None:
    fill(staff, "Delivery times", "Opening hours")
    speak(staff)
    day = now() - timedelta(days=5)
    asks(staff, at=day)
    other = ["Is there a discount for students?", "Do you ship to the moon?"]
    asks(staff, [*other, "How many working days does a parcel take abroad?"], by=[staff.engineer], at=day)  # the last one is answered
    asks(staff, ["Can I rent a bicycle for an hour?"], at=day - timedelta(days=40))  # too long ago
    (gap,) = looked(staff, day + timedelta(days=1))
    published(staff, gap, at=day + timedelta(days=2))
    later = asks(staff, [*BICYCLES, *other], by=[staff.lead], at=day + timedelta(days=3))
    for one in later[:3]:
        answering.decide(one.id, "helped", by=staff.lead)
    (covered,) = looked(staff, day + timedelta(days=4))
    assert covered.told["share"] == {"before": [3, 6], "since": [0, 5]}
    answering.decide(later[0].id, "refused", by=staff.lead)  # the control: it did not help
    assert looked(staff, day + timedelta(days=4))[0].told["share"] == {"before": [3, 6], "since": [1, 5]}


def test_a_share_holds_as_many_as_ask_the_same_and_no_other(staff: Staff) -> None:
    """Each of a gap's own questions is compared to the others, not to itself."""
    assert questions.like([*BICYCLES, "Do you ship to the moon?"], BICYCLES, None) == [True, True, True, False]
    alone = ["Is there a discount?", "Do you ship to the moon?", "Where is the canteen?"]
    assert questions.like(alone, alone, None) == [False, False, False]
    far = [*BICYCLES[:2], "For how long may I rent a bicycle from you?"]
    assert questions.like(far, far, None) == [True, True, False]
    assert questions.like([*far, "Do you ship to the moon?"], far, None, as_any_of_them=True) == [True, True, True, False]
    assert questions.like([], BICYCLES, None) == [] and questions.like(["Anything?"], [], None) == [False]


def test_a_gap_whose_article_is_taken_out_of_use_is_open_again_as_long_as_it_is_asked(staff: Staff) -> None:
    fill(staff, "Delivery times", "Opening hours")
    asks(staff)
    (gap,) = looked(staff)
    gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.rep)
    proposal = articles.propose([Target(ARTICLE, "renting-bicycles", 1)], why="Three asked.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    jobs.run_waiting()
    assert looked(staff)[0].state == gaps.COVERED
    articles.retire("renting-bicycles", why="We rent none any more.", by=staff.lead)
    (again,) = looked(staff)
    assert (again.id, again.state, again.article) == (gap.id, gaps.OPEN, "") and "still" not in again.told
    assert looked(staff, now() + timedelta(days=40)) == []


def test_one_that_is_written_for_is_not_written_for_again_and_without_a_set_no_case_is_made(staff: Staff) -> None:
    asks(staff)
    (gap,) = looked(staff)
    assert gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.rep).sentence == "Saved as a draft."
    with pytest.raises(Refused, match="not open any more"):
        gaps.write(gap.id, WRITTEN, test_in=None, known=KNOWN, by=staff.lead)
    with store.reading() as db:
        assert db.exec(select(Case)).all() == []


def test_an_article_that_cannot_be_saved_leaves_the_gap_open(staff: Staff) -> None:
    asks(staff)
    (gap,) = looked(staff)
    with pytest.raises(Refused, match="has no text yet"):
        gaps.write(gap.id, Content("Bicycles", " "), test_in=None, known=KNOWN, by=staff.rep)
    with pytest.raises(Refused):
        gaps.write(gap.id, WRITTEN, test_in="none", known=KNOWN, by=staff.rep)
    assert state_of(gap) == gaps.OPEN and articles.listed(articles.Filter(), by=staff.rep) == []


def test_what_a_conversation_showed_stands_beside_the_draft_it_led_to(staff: Staff) -> None:
    publish(staff, "Bicycles", "We rent bicycles.")
    made = comes(staff, BICYCLES[0])
    target = gaps.suggest_change("bicycles", WRITTEN, made, based_on=1, by=staff.rep)
    assert articles.history(target.name, by=staff.rep)[0].manifest["conversation"] == made and target.number == 2
    with pytest.raises(Denied, match="not here, or it belongs to another team"):
        gaps.suggest_change("bicycles", WRITTEN, made, based_on=2, by=staff.other)


def state_of(gap: Gap) -> str:
    with store.reading() as db:
        return db.get_one(Pattern, gap.id).state


def passed(staff: Staff, set_version_id: str) -> tuple[int, int]:
    target = answerers.target_in_force()
    made = runs.run(set_version_id, target, answerers.ask(target), by=staff.rep, again=True, known=KNOWN)
    return made.passed, made.cases
