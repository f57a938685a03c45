"""What may be an example of a label: found in four ways, within reach, and never what is one already or tests something."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from classifiers import KIND, finding, gathering, kinds, labels
from data import conversations, examples, predictions, releases, reviews, rubric, store, vectors
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Example, Label, Person, Version
from data.values import LIVE, Target, new_id, now
from evals import freezing, sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_language_encoder import tiny

__all__ = ["tiny"]  # a fixture

LOCKERS = ("The parcel locker is full", "No room in the parcel locker again", "Your LOCKER is full, what now?", "The locker stays shut")
OTHERS = ("I want a refund for the full price", "I cannot sign in", "Where is my invoice?", "Lockers are great")


def came(staff: Staff, *texts: str, first: int = 1, **fields: Any) -> list[str]:
    """Each of a customer of its own, the later the newer."""
    sent = []
    for number, text in enumerate(texts, start=first):
        at = now() - timedelta(days=2) + timedelta(minutes=number)
        about = {"team": "Oak", "customer": f"customer {number}", "opened_at": at, "channel": "chat"} | fields
        sent.append(canonical(number, messages=[{"role": "customer", "text": text}, {"role": "rep", "text": "A zebra."}], **about))
    return list(door.receive(sent, by=staff.engineer, classify=False).ids)


def locker(staff: Staff) -> Label:
    return labels.add("Locker full", by=staff.rep, draft=True)


def tone(by: Person, kind: str = kinds.ONE) -> tuple[Label, Label]:
    kinds.add("tone", kind, "How does it sound?", by=by)
    loud, calm = (labels.add(name, by=by, classifier_name="tone", draft=True) for name in ("Loud", "Calm"))
    return loud, calm


def taught(staff: Staff, label: Label, *made: str) -> None:
    with store.writing() as db:
        for one in made:
            examples.teach(db, one, label, found="a search", why="So.", by=staff.rep)


def ids(found: finding.Found) -> list[str]:
    return [one.conversation_id for one in found.ones]


# -- by a search --------------------------------------------------------------------------------------------------------------------------


def test_a_search_finds_the_newest_first_and_says_what_they_hold(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    found = finding.by_search(label.id, "locker -shut", by=staff.rep)
    assert ids(found) == [made[2], made[1], made[0]] and found.sentence == "3 that fit, the newest first."
    assert [(one.why, one.channel) for one in found.ones] == [("holds 'locker'", "chat")] * 3
    assert found.why == "It is about 'Locker full'; found by a search for: locker -shut"
    assert [one.why for one in finding.by_search(label.id, "zebra", by=staff.rep, most=2).ones] == ["fits the search further on"] * 2
    assert finding.by_search(label.id, "zebra", by=staff.rep, most=2).sentence == "The newest 2 that fit."
    assert {one.why for one in finding.by_search(label.id, "channel:chat", by=staff.rep).ones} == {"fits the search"}
    assert "Nothing that fits is left" in finding.by_search(label.id, "giraffe", by=staff.rep).sentence


@pytest.mark.parametrize(("asked", "told"), [(" ", "type a word"), ("intnt:refund", "Did you mean intent"), ("x" * 501, "500 characters")])
def test_a_search_that_cannot_be_understood_is_refused_in_words(staff: Staff, asked: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        finding.by_search(locker(staff).id, asked, by=staff.rep)


# -- what none of the four suggests -------------------------------------------------------------------------------------------------------

Way = Callable[[Staff, Label, str], finding.Found]
EACH: dict[str, Way] = {
    "search": lambda staff, label, _: finding.by_search(label.id, "locker", by=staff.rep),
    "alike": lambda staff, label, one: finding.like(label.id, [one], by=staff.rep),
    "rule": lambda staff, label, _: finding.by_rule(label.id, ["locker"], by=staff.rep),
    "unsure": lambda staff, label, _: finding.unsure(label.id, by=staff.rep),
}


@pytest.mark.parametrize("way", EACH)
def test_none_suggests_what_is_an_example_or_named_or_a_test_or_hidden_or_strange(staff: Staff, way: str) -> None:
    made = came(staff, *(f"The locker is full, {number}" for number in range(8)))
    elsewhere = came(staff, "The locker is full, elsewhere", first=50, team="Fern")
    label, other = locker(staff), labels.add("Refund", by=staff.lead)
    unsure_of(staff, label, other, [*made, *elsewhere], top=[[label.id, 0.5], [other.id, 0.4]])
    assert set(ids(EACH[way](staff, label, made[0]))) == set(made)  # the control: all but the other team's
    gathering.accept(made[:1], label.id, found="search", by=staff.rep)
    gathering.accept(made[1:2], labels.add("Locker shut", by=staff.rep, draft=True).id, found="search", by=staff.rep)
    reviews.record(made[2], "strong", label_id=other.id, by=staff.rep)
    kept = sets.create("Tests", by=staff.lead)
    examples.flag(made[3], "strong", why="A clear case.", eval_set_id=kept.id, label_id=other.id, by=staff.lead)
    freezing.freeze(kept.id, by=staff.lead)
    reviews.record(made[4], "weak", by=staff.rep)  # judged, and not named: it is open still
    with store.writing() as db:
        hidden = db.get_one(Conversation, made[5])
        hidden.hidden_at = now()
        db.add(hidden)
    assert set(ids(EACH[way](staff, label, made[6]))) == {made[4], made[6], made[7]}


def test_what_was_said_not_to_belong_is_not_suggested_again(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS), locker(staff)
    assert set(ids(finding.by_search(label.id, "locker", by=staff.rep, without=made[:2]))) == set(made[2:])


@pytest.mark.parametrize(("kind", "beside"), [(kinds.ONE, {0, 2, 3}), (kinds.SEVERAL, {0, 1, 2, 3})])
def test_a_label_of_another_classifier_does_not_ask_what_a_review_said(staff: Staff, kind: str, beside: set[int]) -> None:
    made, refund, (loud, calm) = came(staff, *LOCKERS), labels.add("Refund", by=staff.lead), tone(staff.lead, kind)
    reviews.record(made[0], "strong", label_id=refund.id, by=staff.rep)
    taught(staff, calm, made[1])  # where several may be said, an example of one may be one of another
    taught(staff, refund, made[2])
    assert {made.index(one) for one in ids(finding.by_rule(loud.id, ["locker"], by=staff.rep))} == beside
    assert set(ids(finding.by_rule(refund.id, ["locker"], by=staff.rep))) == {made[1], made[3]}  # the control: an intent does


def test_a_label_that_is_no_longer_in_use_has_nothing_found(staff: Staff) -> None:
    for way in EACH.values():
        with pytest.raises(Refused, match="no longer in use"):
            way(staff, Label(classifier_name="intent", name="Gone"), came(staff, LOCKERS[0])[0])


def test_who_may_read_no_conversation_is_shown_none(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS), locker(staff)
    nobody = staff.rep.model_copy(update={"role": "visitor"})
    with pytest.raises(Denied):
        finding.by_search(label.id, "locker", by=nobody)
    assert finding.read([(one, "") for one in made], by=staff.other) == []  # another team's lead


# -- by likeness --------------------------------------------------------------------------------------------------------------------------


def test_without_an_encoder_what_shares_words_is_alike_and_that_is_said(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    found = finding.like(label.id, [made[0]], by=staff.rep)
    assert found.ones[0].conversation_id == made[0] and found.ones[0].why == "the one that you started from"
    assert set(ids(found)[1:3]) == {made[1], made[2]} and found.ones[1].why.endswith("alike")
    assert "compared by their words alone" in found.sentence and "compared with that conversation" in found.sentence
    assert found.why == f"It is about 'Locker full'; found alike to conversation {made[0]}."
    assert made[5] not in ids(found)  # it shares no word


def test_what_is_alike_to_the_labels_own_examples_comes_first(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    told = finding.like(label.id, by=staff.rep)
    assert told.ones == [] and "'Locker full' has no example yet to compare with" in told.sentence
    taught(staff, label, made[0], made[5])  # two that have nothing in common: what is near to either is near
    found = finding.like(label.id, by=staff.rep)
    assert found.ones[0].conversation_id in made[1:3] and "compared with the 2 examples there are" in found.sentence


def test_what_is_kept_for_testing_does_not_steer_what_is_gathered(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    with store.writing() as db:
        examples.teach(db, made[0], label, found="a search", why="So.", test_in=sets.of_label(db, label, by=staff.rep), by=staff.rep)
    assert "has no example yet" in finding.like(label.id, by=staff.rep).sentence


def test_what_was_reviewed_as_an_intent_is_compared_with_too(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), labels.add("Locker", by=staff.lead)
    reviews.record(made[0], "strong", label_id=label.id, by=staff.rep)
    assert finding.like(label.id, by=staff.rep).ones[0].conversation_id in made[1:3]


def test_with_an_encoder_its_vectors_are_compared_and_a_few_new_ones_stored(
    staff: Staff, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.install(tiny)
    made, label = came(staff, "where is my order", "where is my order", "refund my card", "tracking shows nothing"), locker(staff)
    found = finding.like(label.id, [made[0]], by=staff.rep)
    assert [one.why for one in found.ones[:2] if one.conversation_id == made[1]] == [
        "100\u00a0% alike"
    ] and "words alone" not in found.sentence
    assert sum(vectors.encoders_in_use().values()) == 3
    monkeypatch.setattr(finding, "ENCODED_AT_ONCE", 1)
    came(staff, "please refund", "card again", first=20)
    assert "1 more have no vector yet" in finding.like(label.id, [made[0]], by=staff.rep).sentence


def test_a_conversation_beyond_reach_or_without_a_word_is_not_compared_with(staff: Staff) -> None:
    label, (there, empty) = locker(staff), came(staff, LOCKERS[0], "")
    (elsewhere,) = came(staff, LOCKERS[1], first=50, team="Fern")
    with pytest.raises(Refused, match="no such conversation"):
        finding.like(label.id, [elsewhere], by=staff.rep)
    assert "wrote nothing there" in finding.like(label.id, [empty], by=staff.rep).sentence
    (smile,) = came(staff, "😀😀", first=60)
    assert there not in ids(finding.like(label.id, [smile], by=staff.rep))


def test_what_came_long_ago_is_not_looked_at(staff: Staff) -> None:
    label = locker(staff)
    came(staff, *LOCKERS, opened_at=now() - timedelta(days=91))
    (new,) = came(staff, LOCKERS[0], first=50)
    assert ids(finding.by_rule(label.id, ["locker"], by=staff.rep)) == [new] == ids(finding.like(label.id, [new], by=staff.rep))


# -- where the machine is unsure ----------------------------------------------------------------------------------------------------------


def unsure_of(staff: Staff, label: Label, other: Label, made: list[str], *, top: list[list[Any]], silent: bool = False) -> Target:
    """A live version that said so of each."""
    target = Target(KIND, label.classifier_name, 1)
    live = releases.live(KIND, label.classifier_name)
    with store.writing() as db:
        if live is None:
            db.add(Version(**target.columns(), sha=new_id(), manifest={"label_ids": [label.id, other.id], "threshold": 0.5}))
            releases.go_live(db, target, proposal_id=None, why_before_ends="", by=staff.lead)
        said = {"mode": LIVE, "confidence": top[0][1], "top": top, "threshold": 0.5, "label_id": None if silent else top[0][0], "why": ""}
        rows = [{"id": new_id(), "at": now(), "conversation_id": one, "seq": 1, "also": [], **target.columns(), **said} for one in made]
        predictions.add(db, rows)
    return target


def test_unsure_is_where_two_are_close_or_where_it_leant_to_the_label_and_kept_silent(staff: Staff) -> None:
    made, label, refund, bill = (
        came(staff, *LOCKERS, *OTHERS),
        locker(staff),
        labels.add("Refund", by=staff.lead),
        labels.add("Bill", by=staff.lead),
    )
    shares = {
        0: ([[label.id, 0.42], [refund.id, 0.40]], False), 1: ([[refund.id, 0.5], [label.id, 0.35]], False),
        2: ([[refund.id, 0.36], [bill.id, 0.33], [label.id, 0.2]], False), 3: ([[label.id, 0.45], [refund.id, 0.1]], True),
        4: ([[label.id, 0.9], [refund.id, 0.05]], False), 5: ([[refund.id, 0.45], [label.id, 0.1]], True),
        6: ([[refund.id, 0.4], [bill.id, 0.4]], True), 7: ([[label.id, 0.48]], True),
    }  # fmt: skip
    for place, (top, silent) in shares.items():
        unsure_of(staff, label, refund, [made[place]], top=top, silent=silent)
    found = finding.unsure(label.id, by=staff.rep)
    assert [(made.index(one.conversation_id), one.why.replace("\u00a0", " ")) for one in found.ones] == [
        (7, "kept silent, 48 % for 'Locker full'"), (3, "kept silent, 45 % for 'Locker full'"), (0, "between 'Locker full' and 'Refund'"),
        (1, "between 'Refund' and 'Locker full'"), (2, "between 'Refund' and 'Bill', then 'Locker full'"),
    ]  # fmt: skip
    assert found.sentence == "Version 1 wavered in 5 conversations of the last 90 days. The likeliest first."
    assert "Version 1 does not know" not in found.sentence and "version 1 was unsure" in found.why


def test_where_nothing_can_be_unsure_that_is_said(staff: Staff) -> None:
    made, label, refund = came(staff, *LOCKERS), locker(staff), labels.add("Refund", by=staff.lead)
    assert "Nothing is live yet" in finding.unsure(label.id, by=staff.rep).sentence
    unsure_of(staff, label, refund, made, top=[[label.id, 0.9], [refund.id, 0.1]])
    assert finding.unsure(label.id, by=staff.rep).sentence == "Version 1 was sure wherever it thought of 'Locker full'."
    late = labels.add("Late", by=staff.rep, draft=True)
    assert "does not know 'Late' yet" in finding.unsure(late.id, by=staff.rep).sentence


def test_what_several_are_to_judge_for_themselves_is_not_shown_with_the_machines_word(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, label, refund = came(staff, *LOCKERS), locker(staff), labels.add("Refund", by=staff.lead)
    unsure_of(staff, label, refund, made, top=[[label.id, 0.5], [refund.id, 0.4]])
    assert len(finding.unsure(label.id, by=staff.rep).ones) == 4
    monkeypatch.setattr(rubric.Rubric, "doubles", lambda _self, conversation_id: conversation_id == made[0])
    assert made[0] not in ids(finding.unsure(label.id, by=staff.rep)) and made[0] in ids(EACH["search"](staff, label, ""))


# -- by a rule ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "some", "none", "fits"),
    [
        (["locker"], [], [], {0, 1, 2, 3}),
        (["Parcel  LOCKER"], [], [], {0, 1}),
        (["locker"], ["full", "no room"], [], {0, 1, 2}),
        (["locker"], ["full", "no room"], ["again"], {0, 2}),
        ([], ["sign in", "invoice"], [], {5, 6}),
        (["lock"], [], [], set()),  # whole words alone
        (["locker full"], [], [], set()),  # side by side
    ],
)  # fmt: skip
def test_a_rule_holds_all_of_these_one_of_those_and_none_of_the_last(
    staff: Staff, every: list[str], some: list[str], none: list[str], fits: set[int]
) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    assert {made.index(one) for one in ids(finding.by_rule(label.id, every, some, none, by=staff.rep))} == fits


def test_a_rule_is_told_in_a_sentence_with_how_many_it_covers_and_stands_in_the_examples(staff: Staff) -> None:
    made, label = came(staff, *LOCKERS, *OTHERS), locker(staff)
    reviews.record(made[0], "strong", label_id=labels.add("Refund", by=staff.lead).id, by=staff.rep)
    found = finding.by_rule(label.id, ["locker"], ["full", "no room"], ["shut"], by=staff.rep)
    said = "holds 'locker', and holds 'full' or 'no room', and does not hold 'shut'"
    assert found.sentence == f"H{said[1:]}: 3 of the 8 conversations of the last 90 days, 2 of them without a label yet."
    assert [one.why for one in found.ones] == ["holds 'locker' and 'full'", "holds 'locker' and 'no room'"]
    gathering.accept(ids(found), label.id, found="rule", why=found.why, by=staff.rep)
    with store.reading() as db:
        kept = db.exec(select(Example).where(Example.label_id == label.id)).all()
    assert {(one.found, one.why) for one in kept} == {("a rule", f"It is about 'Locker full'; found by the rule: {said}.")}
    assert ids(finding.by_rule(label.id, ["locker"], ["full", "no room"], ["shut"], by=staff.rep)) == []


@pytest.mark.parametrize(
    ("every", "none", "told"),
    [
        ([], ["refund"], "name a word or phrase"), ([" "], [], "name a word or phrase"), (["😀"], [], "'😀' holds no word"),
        (["x" * 101], [], "may have 100 characters"), ([f"word{n}" for n in range(31)], [], "may name 30 words and phrases"),
    ],
)  # fmt: skip
def test_a_rule_that_says_nothing_is_refused_in_words(staff: Staff, every: list[str], none: list[str], told: str) -> None:
    with pytest.raises(Refused, match=told):
        finding.by_rule(locker(staff).id, every, [], none, by=staff.rep)


def test_half_characters_and_the_longest_text_are_looked_at_like_any_other(staff: Staff) -> None:
    label, (long,) = locker(staff), came(staff, "locker " + "x " * 49_000)
    assert ids(finding.by_rule(label.id, ["locker\ud800"], by=staff.rep)) == [long]
    assert ids(finding.like(label.id, [long], by=staff.rep)) == [long]


# -- the labels ---------------------------------------------------------------------------------------------------------------------------


def topics(staff: Staff) -> tuple[Label, Label]:
    kinds.add("Topics", kinds.SEVERAL, "Which of these come up?", by=staff.lead)
    damage, delivery = (labels.add(name, by=staff.lead, classifier_name="Topics", draft=True) for name in ("Damage", "Delivery"))
    return damage, delivery


def test_where_several_come_up_the_second_label_is_known_too_and_where_none_does_nothing_is_asked_again(staff: Staff) -> None:
    made, (damage, delivery) = came(staff, *LOCKERS), topics(staff)
    for place, said in enumerate(([damage.id, delivery.id], [damage.id], [])):
        gathering.say_all(made[place], "Topics", said, found="search", by=staff.rep)
    kept = [one for one in made[:3] if examples_of(one)[0] != "train"]
    assert ids(finding.by_search(delivery.id, "locker", by=staff.rep)) == [made[3], *([made[1]] if made[1] not in kept else [])]
    assert ids(finding.by_search(damage.id, "locker", by=staff.rep)) == [made[3]]
    learned = [one for one in made[:1] if one not in kept]
    told = finding.like(delivery.id, by=staff.rep).sentence
    assert ("the 1 example there are" in told) if learned else ("no example yet to compare with" in told)


def examples_of(conversation_id: str) -> list[str]:
    with store.reading() as db:
        return list(db.exec(select(Example.use).where(Example.conversation_id == conversation_id, Example.use != "retired")))


def test_a_label_beside_others_is_doubtful_near_its_own_threshold(staff: Staff) -> None:
    made, (damage, delivery) = came(staff, *LOCKERS), topics(staff)
    shares = (0.52, 0.38, 0.95, 0.05)
    tops = [[[delivery.id, 0.97], [damage.id, share]] for share in shares]
    doubtful_of(staff, damage, delivery, made, tops, {damage.id: 0.4, delivery.id: 0.5})
    found = finding.unsure(damage.id, by=staff.rep)
    assert ids(found) == [made[1], made[0]] and "The closest first." in found.sentence
    closest, next_one = (one.why for one in found.ones)
    assert closest == "not said: 38\u00a0% for 'Damage', which is said from 40\u00a0% on"
    assert next_one == "said: 52\u00a0% for 'Damage', which is said from 40\u00a0% on"
    assert ids(finding.unsure(delivery.id, by=staff.rep)) == []  # the control: sure of it


def test_of_a_label_that_is_never_said_the_likeliest_are_shown(staff: Staff) -> None:
    made, (damage, delivery) = came(staff, *LOCKERS), topics(staff)
    tops = [[[damage.id, share], [delivery.id, 0.1]] for share in (0.3, 0.7, 0.6, 0.1)]
    doubtful_of(staff, damage, delivery, made, tops, {damage.id: 1.1, delivery.id: 0.5})
    found = finding.unsure(damage.id, by=staff.rep)
    assert ids(found)[:2] == [made[1], made[2]] and found.ones[0].why == "70\u00a0% for 'Damage', which is never said yet"


def doubtful_of(staff: Staff, one: Label, other: Label, made: list[str], tops: list[Any], bars: dict[str, float]) -> None:
    """The live version of Topics said this of these."""
    with store.writing() as db:
        manifest = {"label_ids": [one.id, other.id], "kind": kinds.SEVERAL, "thresholds": bars}
        version = Version(target_kind=KIND, target_name="Topics", target_number=1, sha="none", manifest=manifest)
        db.add(version)
        releases.go_live(db, Target(KIND, "Topics", 1), proposal_id=None, why_before_ends="", by=staff.lead)
        rows = [
            {
                "id": new_id(), "at": now(), "conversation_id": conversation_id, "seq": 1, "target_kind": KIND, "target_name": "Topics",
                "target_number": 1, "mode": LIVE, "label_id": None, "also": [], "confidence": top[0][1], "top": top, "threshold": 0.4,
                "why": "", "ms": 1.0,
            }
            for conversation_id, top in zip(made, tops, strict=True)
        ]  # fmt: skip
        predictions.add(db, rows)


def test_nothing_came_and_nothing_breaks(staff: Staff) -> None:
    label = locker(staff)
    found = finding.by_rule(label.id, ["locker"], by=staff.rep)
    assert found.ones == [] and found.sentence == "Holds 'locker': 0 of the 0 conversations of the last 90 days."
    assert conversations.counted(conversations.Filter(), by=staff.rep) == 0
