"""What changed is looked for each night: told once, under one identity, put aside for good; its conversations come next on Review."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from classifiers import drift, noticing, serving, watching
from classifiers.drift import Drift
from data import audit, config, labels, queue, reviews, store, versions
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation, Pattern, Prediction, QueueReason
from data.values import LIVE, Target, now
from tests import test_classifiers_several as topics
from tests import worlds
from tests.conftest import Staff, hire
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate, ship
from tests.test_data_vectors import Counting, tiny
from tests.test_screens import open_screen, sit_down
from tests.test_screens_evals import drawn, words

__all__ = ["tiny"]  # a fixture

USUAL = ("Where is my order?", "I want my money back.", "I cannot sign in.", "The invoice is wrong.", "Do you sell ferns?")
VOUCHER = "The voucher of the spring sale does not work."


@pytest.fixture(autouse=True)
def fewer_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to tell one in a hundred."""
    monkeypatch.setattr(drift, "MIXTURES", 1_000)


def come(staff: Staff, until: datetime, *, vouchers: int, days: int = 35, a_day: int = 12, first: int = 1) -> None:
    """Some weeks of the usual; so many of the last ones speak of a voucher."""
    sent = []
    for number, day in enumerate(sorted(list(range(days)) * a_day), start=first):
        at = until - timedelta(days=day, minutes=1 + number % 600)
        said = VOUCHER if number - first < vouchers else USUAL[number % len(USUAL)]
        messages = [{"role": "customer", "text": said, "at": at}]
        sent.append(canonical(number, team="Oak", opened_at=at, customer=f"customer {number}", messages=messages))
    door.receive(sent, by=staff.engineer, classify=False)


@worlds.remembered
def with_vouchers(staff: Staff) -> list[Pattern]:
    come(staff, now(), vouchers=30)
    watching.look(None)
    return watching.standing(by=staff.rep)


@pytest.fixture
def changed(staff: Staff) -> list[Pattern]:
    return with_vouchers(staff)


def about(staff: Staff, word: str) -> list[Pattern]:
    return [one for one in watching.standing(by=staff.rep) if word in one.name]


def kept() -> list[Pattern]:
    with store.reading() as db:
        return list(db.exec(select(Pattern).where(Pattern.kind == watching.DRIFT)))


def test_a_word_that_many_say_since_last_week_is_told_with_its_numbers(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "“voucher”")
    assert voucher.sentence.startswith(
        "The word “voucher”: 36\u00a0% of last week's conversations, 0\u00a0% in the four weeks before (30 of 84"
    )
    assert voucher.signature == {"kind": "words", "what": "voucher", "classifier": ""} and voucher.state == watching.OPEN
    with store.reading() as db:
        said = noticing.texts_of(db, voucher.conversation_ids)
    assert len(said) >= 10 and set(said.values()) == {VOUCHER}


def test_what_nothing_changed_in_is_quiet(staff: Staff) -> None:
    assert watching.look(None).sentence == "Nothing came in during the last week."
    come(staff, now(), vouchers=0)
    assert watching.look(None).open == 0 and watching.standing(by=staff.rep) == []


def test_the_next_night_it_is_the_same_one_and_without_it_it_is_gone(staff: Staff, changed: list[Pattern]) -> None:
    before = {one.id: one for one in changed}
    again = watching.look(None, at=now() + timedelta(hours=20))
    assert again.new == 0 and {one.id for one in watching.standing(by=staff.rep)} <= before.keys()
    [voucher] = about(staff, "voucher")
    assert voucher.seen_at > before[voucher.id].seen_at
    come(staff, now() + timedelta(days=8), vouchers=0, days=8, first=5_000)
    watching.look(None, at=now() + timedelta(days=8))
    assert about(staff, "voucher") == [] and len([one for one in kept() if one.state == watching.GONE]) == len(kept())


def test_it_comes_back_as_the_same_one_within_two_weeks_and_as_another_after(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "voucher")
    found = {("words", "voucher", ""): drift_of(voucher)}
    for days, new in ((1, 0), (10, 0), (40, 1)):
        watching._keep({}, [], now() + timedelta(days=days))
        assert about(staff, "voucher") == []
        assert watching._keep(found, [], now() + timedelta(days=days)).new == new
        assert (about(staff, "voucher")[0].id == voucher.id) == (not new)


def drift_of(row: Pattern) -> Drift:
    return Drift("words", row.signature["what"], 0.0, 0.3, 0.001, row.sentence, ())


def test_put_aside_it_stays_so_until_it_was_gone_for_two_weeks(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "voucher")
    noticing.put_aside(voucher.id, "It is our spring sale.", by=staff.rep)
    assert audit.newest(by=staff.admin)[0].sentence == "Change 'The word “voucher”': put aside, It is our spring sale."
    found = {("words", "voucher", ""): drift_of(voucher)}
    for days in (1, 10, 20, 30):  # it stands out all the time
        assert watching._keep(found, [], now() + timedelta(days=days)).new == 0 and about(staff, "voucher") == []
    watching._keep({}, [], now() + timedelta(days=31))
    assert watching._keep(found, [], now() + timedelta(days=43)).new == 0 and about(staff, "voucher") == []
    assert watching._keep(found, [], now() + timedelta(days=58)).new == 1 and len(about(staff, "voucher")) == 1


def test_changes_and_patterns_are_never_mixed(staff: Staff, changed: list[Pattern]) -> None:
    one = changed[0]
    assert noticing.standing(by=staff.rep) == [] and noticing.get(one.id, by=staff.rep) is None
    with pytest.raises(Refused, match="does not stand out any more"):
        noticing.became(one.id, "none", by=staff.rep)
    noticing.look(None, at=now() + timedelta(days=30))  # nothing came: patterns would be gone
    assert {row.id for row in watching.standing(by=staff.rep)} == {row.id for row in changed}


def test_vectors_are_compared_where_there_is_an_encoder(staff: Staff) -> None:
    come(staff, now(), vouchers=40)
    encoder = Counting()
    watching.look(encoder)
    assert [one.name for one in watching.standing(by=staff.rep) if one.signature["kind"] == "vectors"] == ["What customers write"]
    seen = len(encoder.seen)
    watching.look(encoder)
    assert len(encoder.seen) == seen, "they are kept"


# -- the classifier's word ----------------------------------------------------------------------------------------------------------------


LATER = timedelta(days=60)  # what the classifier was trained on is long ago


def test_shares_are_as_the_live_version_says_of_both_windows(staff: Staff) -> None:
    """A release between the windows moves none: what was said on the day came from another version, which kept silent."""
    ship(staff, candidate(staff))
    come(staff, now() + LATER, vouchers=0, first=10_000)
    with store.writing() as db:
        other = Target("classifier", "intent", 99).columns()
        for made in db.exec(select(Conversation.id).where(Conversation.opened_at < now() + LATER - timedelta(days=7))):
            db.add(Prediction(conversation_id=made, seq=1, mode=LIVE, confidence=0.1, top=[], threshold=0.5, **other))
    assert watching.look(None, at=now() + LATER).conversations == 84 and watching.standing(by=staff.rep) == []


def test_an_intent_that_grew_is_told_by_its_name_and_its_classifier(staff: Staff) -> None:
    ship(staff, candidate(staff))
    sent = []
    for number in range(20_000, 20_400):
        lately = number >= 20_300
        wants = "Refund" if (lately and number % 2) or number % 10 == 0 else ("Order status", "Sign-in", "Invoice")[number % 3]
        at = now() + LATER - (timedelta(hours=1 + number % 160) if lately else timedelta(days=8 + number % 26))
        sent.append(canonical(number, wants=wants, team="Oak", opened_at=at, customer=f"c{number}"))
    door.receive(sent, by=staff.engineer, classify=False)
    watching.look(None, at=now() + LATER)
    shares = [one for one in watching.standing(by=staff.rep) if one.signature["kind"] == "share"]
    refund = next(one for one in shares if one.name == "Refund")
    assert refund.signature["classifier"] == "intent" and "of last week's conversations" in refund.sentence
    assert refund.signature["what"] in labels.names() and refund.growth["now"] > 2 * refund.growth["before"]


def test_a_version_that_cannot_answer_keeps_nobody_else_from_it(staff: Staff) -> None:
    target = candidate(staff)
    ship(staff, target)
    stood = {("share", "gone", "intent"): Drift("share", "gone", 0.1, 0.3, 0.001, "It grew.", ())}
    watching._keep(stood, [], now() + LATER - timedelta(days=1))
    come(staff, now() + LATER, vouchers=30, first=10_000)
    file = config.folder("models") / f"{versions.get(target).file_sha}.skops"
    content = file.read_bytes()
    file.write_bytes(b"another")
    serving._loaded.cache_clear()
    seen = watching.look(None, at=now() + LATER)
    assert len(seen.unanswered) == 1 and "Without one classifier: intent 1 cannot be used: its model file is not" in seen.sentence
    assert about(staff, "voucher") and about(staff, "gone"), "what it said before stands, and words are looked at without it"
    file.write_bytes(content)
    assert watching.look(None, at=now() + LATER).unanswered == () and about(staff, "gone") == []


def test_of_several_labels_each_that_is_said_counts(staff: Staff) -> None:
    """The courier comes up beside the damage: as the second label, which is no less than the first."""
    topics.ship(staff, topics.ready(staff))
    both = "a broken lid, it arrived broken, and the courier was rude, your courier threw it"
    sent = []
    for number in range(20_000, 20_240):
        lately = number >= 20_140
        said = both if lately and number % 2 else "a broken lid, it arrived broken"
        at = now() + LATER - (timedelta(hours=1 + number % 160) if lately else timedelta(days=8 + number % 26))
        messages = [{"role": "customer", "text": said, "at": at}]
        sent.append(canonical(number, team="Oak", opened_at=at, customer=f"c{number}", messages=messages))
    door.receive(sent, by=staff.engineer, classify=False)
    assert watching.look(None, at=now() + LATER).unanswered == ()
    [courier] = [one for one in about(staff, "Courier") if one.signature["kind"] == "share"]
    assert courier.signature["classifier"] == "Topics" and (courier.growth["before"], courier.growth["now"]) == (0, 0.5)
    assert courier.sentence.startswith(
        "Courier: 50\u00a0% of last week's conversations, 0\u00a0% in the four weeks before (50 of 100, 0 of "
    )
    assert about(staff, "Damage") == [] == about(staff, "Silence"), "it comes up in each, before and after"
    with store.reading() as db:
        assert set(noticing.texts_of(db, courier.conversation_ids).values()) == {both}


# -- its queue ----------------------------------------------------------------------------------------------------------------------------


def test_its_conversations_come_next_on_review(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "voucher")
    queued = watching.to_review(voucher.id, by=staff.rep)
    assert set(queued.conversation_ids) == set(voucher.conversation_ids)
    waiting = queue.team(by=staff.rep, size=len(queued.conversation_ids))
    assert [item.listed.id for item in waiting] == list(queued.conversation_ids)
    assert {item.why for item in waiting} == {"typical of what changed: The word “voucher”"}
    assert queued.sentence == f"{len(waiting)} conversations come next on Review."
    assert [item.listed.id for item in queue.from_source(queued.source, by=staff.rep)] == list(queued.conversation_ids)
    noticing.put_aside(voucher.id, "Our sale.", by=staff.rep)
    assert queue.from_source(queued.source, by=staff.rep) == [], "what is decided on asks for nothing"


def test_pressed_again_it_is_said_again_of_what_is_left(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "voucher")
    first = watching.to_review(voucher.id, by=staff.rep)
    assert watching.to_review(voucher.id, by=staff.lead) == first
    with store.reading() as db:
        assert len(list(db.exec(select(QueueReason)))) == len(first.conversation_ids)
    reviews.record(first.conversation_ids[0], "none", by=staff.rep)
    assert watching.to_review(voucher.id, by=staff.rep).conversation_ids == first.conversation_ids[1:]


def test_nobody_queues_what_they_may_not_read_nor_what_is_over(staff: Staff, changed: list[Pattern]) -> None:
    [voucher] = about(staff, "voucher")
    with pytest.raises(Refused, match=r"of its \d+ conversations none that you may read waits for a review"):
        watching.to_review(voucher.id, by=staff.other)
    with pytest.raises(Denied):
        watching.to_review(voucher.id, by=staff.admin)
    noticing.put_aside(voucher.id, "Our sale.", by=staff.rep)
    with pytest.raises(Refused, match="does not stand out any more"):
        watching.to_review(voucher.id, by=staff.rep)


# -- the screen ---------------------------------------------------------------------------------------------------------------------------


def test_what_changed_is_on_the_page_and_leads_to_review(sqlite_home: Any) -> None:
    desk = hire()
    assert "Nothing changed by more than chance." in words(drawn(open_screen(sit_down(desk.rep), "patterns")))
    come(desk, now(), vouchers=30)
    watching.look(None)
    [voucher] = about(desk, "voucher")
    app = drawn(open_screen(sit_down(desk.rep), "patterns"))
    assert "The word “voucher”: 36" in words(app)
    drawn(app.button(key=f"patterns_through_{voucher.id}").click().run())
    assert app.title[0].value == "Review" and app.session_state["review_shown"] == voucher.conversation_ids[0]
    many = len(voucher.conversation_ids)
    assert f"Looking through: {many}, each typical of what changed: The word “voucher”" in words(app).replace("\\", "")
    app = drawn(open_screen(sit_down(desk.rep), "patterns"))
    drawn(next(one for one in app.text_input if one.key == f"patterns_why_{voucher.id}").set_value("Our sale.").run())
    drawn(app.button(key=f"patterns_aside_{voucher.id}").click().run())
    assert about(desk, "voucher") == []
