"""What could be automated: ranked by what it would save, told from samples whose intervals hold, and read within reach."""

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import func, select

from automations import mandates, opportunities, opportunity_replies
from automations.opportunities import ARTICLES, REPLIES, Estimate, Opportunity, a_week, better, fixed, found, of_share, product
from automations.opportunity_facts import Covered, Covering, Facts, Figures, Matter, Stakes
from automations.opportunity_replies import Replies, Reply, compared, held_to_the_other_half, most_usual
from data import daily, people, store, tokens
from data.amounts import Amount
from data.errors import Denied
from data.measures import Share
from data.tables import OpportunityRound, Pattern, Person
from data.values import now
from tests.conftest import Staff
from tests.opportunity_worlds import ADDRESS, DAYS, MANY, STORY, THINGS, World, comes, different, world

LOW, HIGH = Stakes("low", "nothing moves."), Stakes("high", "it is people's work.")
TIMES = Amount(50, 50.0, 300.0, 2_000.0, kind="mean")  # six minutes each
RIGHT = Share(45, 50)


def facts(name: str, *, conversations: int = 100, alike: Share = Share(40, 50), covered: Share | None = None, **more: object) -> Facts:
    figures = Figures(conversations, 4, (), TIMES, recognised=RIGHT)
    known = Facts(Matter(name, name, True), figures, replies(alike), Covered(covered) if covered else None, LOW)
    return replace(known, **more)  # type: ignore[arg-type]


def replies(alike: Share) -> Replies:
    return Replies(alike, alike, 3, Share(0, alike.n), 0)


def names(of: list[Opportunity]) -> list[str]:
    return [one.name for one in of]


# -- ranked -------------------------------------------------------------------------------------------------------------------------------


def test_what_saves_most_stands_first_and_its_figure_is_the_product_of_its_parts() -> None:
    told = found([facts("seldom", conversations=20), facts("often"), facts("unlike", alike=Share(5, 50))])
    assert names(told) == ["often", "seldom", "unlike"]
    often = told[0]
    assert often.saved is not None and often.saved.value == pytest.approx(25 * 6 * 0.8 * 0.9)
    assert often.saved.low < often.saved.value < often.saved.high


def test_the_better_of_two_ways_counts_and_is_named() -> None:
    told = {one.name: one for one in found([facts("covered", alike=Share(5, 50), covered=Share(30, 40)), facts("alike")])}
    assert (told["covered"].way, told["alike"].way) == (ARTICLES, REPLIES)
    assert told["covered"].could is not None and told["covered"].could.value == pytest.approx(0.75 * 0.9)
    assert better(None, None) == ("", None)


def test_people_s_work_saves_nothing_and_what_needs_a_yes_half() -> None:
    told = found([facts("theirs", stakes=HIGH), facts("with a yes", stakes=Stakes("medium", "")), facts("alone")])
    assert names(told) == ["alone", "with a yes", "theirs"]
    alone, with_a_yes, theirs = (one.saved for one in told)
    assert alone and with_a_yes and theirs
    assert with_a_yes.value == pytest.approx(alone.value / 2) and (theirs.low, theirs.value, theirs.high) == (0.0, 0.0, 0.0)


def test_what_machines_end_alone_already_is_not_counted_twice() -> None:
    before = facts("x")
    done = replace(before, figures=replace(before.figures, contained=Share(40, 60)))
    (one,), (other,) = found([before]), found([done])
    assert one.saved and other.saved and other.saved.value == pytest.approx(one.saved.value * 0.6)


def test_what_is_too_little_is_said_and_stands_last() -> None:
    few = facts("few", alike=Share(9, 9), covered=Share(4, 4))
    few = replace(few, figures=replace(few.figures, minutes=replace(TIMES, n=7)))
    told = found([few, facts("a little", conversations=4)])
    assert names(told) == ["a little", "few"]
    last = told[1]
    assert (last.minutes, last.alike, last.covered, last.saved) == (None, None, None, None)
    assert [words.split(";")[0] for words in last.lacking] == [
        "The help desk told the handling time of 7 of its conversations", "People's replies in 9 conversations can be compared",
        "4 of its questions could be asked of the articles",
    ]  # fmt: skip


def test_one_that_was_reviewed_too_seldom_is_recognised_as_all_are() -> None:
    seldom = facts("seldom")
    seldom = replace(seldom, figures=replace(seldom.figures, recognised=Share(9, 9)))
    told = {one.name: one for one in found([seldom, facts("often")])}
    assert told["seldom"].recognised == Share(54, 59) and told["seldom"].recognised_of_all
    assert told["often"].recognised == RIGHT and not told["often"].recognised_of_all


def test_what_was_kept_reads_as_it_was() -> None:
    from dataclasses import asdict

    one = facts("x", covered=Share(30, 40))
    one = replace(one, covered=Covered(Share(30, 40), (Covering("a", "A", 30),)), figures=replace(one.figures, weeks=(20, 30, 25, 25)))
    for told in found([one, facts("few", alike=Share(1, 1))]):
        assert Opportunity.read(asdict(told)) == told


# -- intervals ----------------------------------------------------------------------------------------------------------------------------


def test_the_interval_of_a_product_holds_the_true_one_95_times_of_100() -> None:
    """Counted on made-up worlds whose truth is known: conversations by Poisson, minutes with a long tail, shares by lot."""
    rng, held, rounds = np.random.default_rng(3), 0, 1_000
    truth = 30 * np.exp(1.5 + 0.18) * 0.4 * 0.9
    for _ in range(rounds):
        times = rng.lognormal(1.5, 0.6, 60)
        minutes = Amount(60, 60.0, float(times.sum()), float((times**2).sum()), kind="mean")
        weeks = [int(one) for one in rng.poisson(30, 4)]
        around = minutes.interval
        assert around is not None and minutes.value is not None
        told = product(
            a_week(sum(weeks), 4, weeks), Estimate(minutes.value, *around), of_share(Share(int(rng.binomial(80, 0.4)), 80)),
            of_share(Share(int(rng.binomial(50, 0.9)), 50)), fixed(1.0),
        )  # fmt: skip
        held += told.low <= truth <= told.high
    assert 0.93 <= held / rounds <= 0.99


def test_a_product_with_nothing_in_it_reaches_from_nothing_as_far_as_it_may() -> None:
    told = product(Estimate(10, 8, 12), of_share(Share(0, 20)), fixed(1.0))
    assert (told.low, told.value) == (0.0, 0.0) and told.high == pytest.approx(12 * Share(0, 20).interval[1])


def test_weeks_that_differ_more_than_by_chance_widen_the_interval() -> None:
    even, uneven = a_week(100, 4, (25, 25, 25, 25)), a_week(100, 4, (5, 45, 5, 45))
    assert even.value == uneven.value == 25 and even == a_week(100, 4)
    assert uneven.low < even.low and uneven.high > even.high


def test_the_share_of_the_most_usual_reply_is_not_flattered_by_its_choice() -> None:
    """Eight equally usual replies: of forty the luckiest stands for more than an eighth. Held to the other half it does not."""
    rng = random.Random(1)
    chosen, held, covers, rounds = 0.0, 0.0, 0, 400
    for _ in range(rounds):
        said = np.array([rng.randrange(8) for _ in range(40)])
        same = said[:, None] == said
        chosen += same[most_usual(same)[0]].mean() / rounds
        one, _ = held_to_the_other_half(same)
        held += one / 40 / rounds
        low, high = Share(one, 40).interval
        covers += low <= 1 / 8 <= high
    assert held == pytest.approx(1 / 8, abs=0.015) and chosen > 0.2
    assert covers / rounds > 0.9


# -- replies ------------------------------------------------------------------------------------------------------------------------------


def wrote(texts: list[str], **more: str) -> list[Reply]:
    return [Reply(f"{more.get('language', '')} {place}", text, ("Rita", "Leo")[place % 2], **more) for place, text in enumerate(texts)]


def test_the_same_words_on_another_day_are_the_same_and_other_words_are_not() -> None:
    told = compared(
        {
            "same": wrote([f"Your parcel 4{place} goes out on {DAYS[place % 3]} with the morning van." for place in range(20)]),
            "other": wrote([different(place) for place in range(20)]),
        },
        None,
    )
    assert told["same"].alike == Share(20, 20) and told["same"].people == 2
    assert told["other"].alike.value < 0.2
    assert set(told["same"].alike_ids) == {f" {place}" for place in range(20)} and told["same"].other_ids == ()


def test_what_is_said_whatever_the_matter_is_says_nothing_of_it() -> None:
    """Control: said in three matters only, it still counts."""
    polite = (
        "Thank you very much for writing to us today, it is always a pleasure to help, and whenever anything else comes to your mind, do "
        "not wait and tell one of us at once. "
    )
    matters = {str(place): wrote([f"{polite}{THINGS[number].capitalize()} {place}." for number in range(12)]) for place in range(4)}
    assert all(one.alike.value < 0.3 for one in compared(matters, None).values())
    fewer = compared({key: matters[key] for key in ("0", "1", "2")}, None)
    assert all(one.alike.value > 0.9 for one in fewer.values())


def test_each_language_has_a_usual_reply_of_its_own_and_too_few_are_left_out() -> None:
    texts = wrote(["The parcel is on its way to you."] * 10, language="en") + wrote(
        ["Das Paket ist unterwegs zu Ihnen."] * 10, language="de"
    )
    (told,) = compared({"x": [*texts, *wrote(["Le colis est en route."] * 5, language="fr")]}, None).values()
    assert told.alike == Share(20, 20) and told.left_out == 5


def test_replies_that_speak_of_money_are_counted() -> None:
    texts = [
        "I have refunded the fee.",
        "Der Betrag ist erstattet.",
        "You get a voucher.",
        "It is on its way.",
        "No incredible news.",
        "Yes.",
    ]
    (told,) = compared({"x": wrote(texts)}, None).values()
    assert told.about_money == Share(3, 6)


# -- looked for ---------------------------------------------------------------------------------------------------------------------------


def looked(by: Person, *, at: object = None) -> dict[str, Opportunity]:
    opportunities.look(None)
    told = opportunities.newest(by=by)
    assert told is not None
    return {one.name: one for one in told.found}


def test_what_everybody_answers_alike_and_an_article_covers_comes_before_what_neither_holds_for(staff: Staff) -> None:
    made = world(staff)
    told = looked(staff.engineer)
    assert list(told) == [ADDRESS, STORY]
    alike, other = told.values()
    assert alike.alike is not None and alike.alike.n == MANY and alike.alike.value > 0.9
    assert other.alike is not None and other.alike.value < 0.3
    assert alike.covered == Share(MANY, MANY) and other.covered == Share(0, MANY)
    assert [one.slug for one in alike.articles] == ["changing-the-address"] and other.articles == ()
    assert alike.a_week.value == other.a_week.value == MANY / 4
    assert alike.minutes is not None and alike.minutes.low < 6.2 < alike.minutes.high
    assert alike.writers == 2 and alike.key == made.alike.id


def test_answered_the_other_way_round_they_rank_the_other_way_round(staff: Staff) -> None:
    world(staff, swapped=True, article=False)
    told = looked(staff.engineer)
    assert list(told) == [STORY, ADDRESS] and told[ADDRESS].covered is None
    assert told[ADDRESS].lacking[-1] == "No article is published, so nothing is covered. Publish the first ones on Knowledge."


def test_the_conversations_that_were_looked_at_are_its_evidence(staff: Staff) -> None:
    made = world(staff)
    opportunities.look(None)
    told = opportunities.newest(by=staff.engineer)
    assert told is not None
    evidence = opportunities.evidence(made.alike.id, told.at, by=staff.rep)
    assert len(evidence.alike) == len(evidence.covered) == MANY and evidence.usual in evidence.alike
    assert evidence.other == evidence.open == ()
    assert opportunities.evidence("nothing", told.at, by=staff.rep) == opportunities.Evidence()


def test_a_team_reads_its_own_figures_and_everybody_s_samples(staff: Staff) -> None:
    made = world(staff)
    comes(made.other, range(500, 512), "Marmalade zebra, please?", alike=False, team="Fern")
    daily.bring_up_to_date()
    oak, fern, whole = looked(staff.rep), looked(staff.other), looked(staff.admin)
    assert oak[STORY].conversations == MANY and list(fern) == [STORY] and fern[STORY].conversations == 12
    assert whole[STORY].conversations == MANY + 12
    assert fern[STORY].alike == oak[STORY].alike == whole[STORY].alike


def test_the_policy_says_what_is_at_stake(staff: Staff) -> None:
    made = world(staff)
    assert looked(staff.engineer)[ADDRESS].stakes_why == "no policy says yet what machines may do here."
    line = mandates.line("never", judgement=True, note="They want to be heard.")
    mandates.tighten(made.other.id, line, why="It was asked for.", by=staff.lead)
    told = looked(staff.engineer)
    assert told[STORY].stakes_why == "it takes a person's judgement. They want to be heard."
    assert [(one.name, one.stakes) for one in told.values()] == [(ADDRESS, "low"), (STORY, "high")]
    mandates.tighten(made.alike.id, mandates.line("propose"), why="It was asked for.", by=staff.lead)
    assert looked(staff.engineer)[ADDRESS].stakes == "medium"


def pattern(ids: list[str], staff: Staff) -> Pattern:
    moment = now()
    made = Pattern(
        kind="new_intent", name="parcel locker", phrases=[], conversation_ids=ids, signature={}, size=len(ids), customers=len(ids),
        sentence="", first_at=moment, last_at=moment, seen_at=moment,
    )  # fmt: skip
    with store.writing() as db:
        db.add(made)
    return made


def test_a_pattern_is_one_too_and_is_seen_by_whoever_sees_patterns(staff: Staff) -> None:
    made = world(staff)
    ids = comes(made.other, range(600, 620), "The locker is full.", alike=True)
    pattern(ids, staff)
    told = looked(staff.rep)["parcel locker"]
    assert not told.is_intent and told.a_week.value == 10 and told.recognised_of_all
    assert told.alike is not None and told.alike.value > 0.9 and told.minutes is not None
    assert "parcel locker" not in looked(staff.admin) and "parcel locker" not in looked(people.console())


def test_what_was_asked_of_the_articles_before_is_read_and_asked_again_once_they_change(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automations import opportunity_facts
    from knowledge import answering
    from tests.test_knowledge_answering import publish

    made = world(staff)
    sample = opportunity_facts.matters(*opportunity_facts.last_weeks(now()))
    ids = {one.key: one.ids for one in sample}[made.alike.id]
    for one in ids:
        assert answering.suggest(one, by=staff.rep) is not None
    asked: list[str] = []
    says = opportunity_facts._Answered._says
    monkeypatch.setattr(opportunity_facts._Answered, "_says", lambda self, one, matter: asked.append(one) or says(self, one, matter))
    assert looked(staff.engineer)[ADDRESS].covered == Share(MANY, MANY)
    assert len(asked) == MANY and not set(ids) & set(asked)
    publish(staff, "Another article", "A bicycle has two wheels.")
    asked.clear()
    looked(staff.engineer)
    assert set(ids) <= set(asked)


def test_a_night_asks_so_many_questions_and_the_most_frequent_matter_first(staff: Staff) -> None:
    made = world(staff)
    comes(made.alike, range(700, 704), "How do I change the address of my parcel?", alike=True)
    opportunities.look(None, anew=7)
    told = opportunities.newest(by=staff.engineer)
    assert told is not None and {one.name: one.covered for one in told.found} == {ADDRESS: Share(7, 7), STORY: None}


def test_nothing_was_found_before_anybody_looked_and_old_nights_are_forgotten(staff: Staff) -> None:
    assert opportunities.newest(by=staff.rep) is None and not opportunities.anything_to_find()
    world(staff, article=False)
    assert opportunities.anything_to_find()
    for back in (40, 1, 0):
        opportunities.look(None, at=now() - timedelta(days=back))
    with store.reading() as db:
        assert db.exec(select(func.count()).where(OpportunityRound.whose == "*")).one() == 2


def test_an_empty_portal_has_none(staff: Staff) -> None:
    assert opportunities.look(None) == "Nothing with an intent came in during the last four weeks."
    told = opportunities.newest(by=staff.lead)
    assert told is not None and told.found == ()


def test_who_may_not_see_them_is_denied(staff: Staff) -> None:
    nobody = tokens.narrowed(staff.engineer, ["label"])
    for ask in (lambda: opportunities.newest(by=nobody), lambda: opportunities.evidence("x", now(), by=nobody)):
        with pytest.raises(Denied):
            ask()


def test_every_world_of_these_tests_lies_in_the_weeks_that_are_looked_at(staff: Staff) -> None:
    made: World = world(staff, article=False)
    told = looked(staff.engineer)
    assert sum(told[ADDRESS].weeks) == MANY and all(told[ADDRESS].weeks) and made.alike.id != made.other.id
    assert opportunity_replies.FEWEST <= MANY
