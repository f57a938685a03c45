"""Each night a sample of what went out: of each channel and intent, within a budget, weighted, so that the trend is of all of it."""

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from data import audit, bulk, people, queue, settings, store
from data.errors import Denied, Refused
from data.tables import Conversation, Customer, Message, QueueReason, Score
from data.values import LIVE, new_id
from evals import continuous, graders
from evals.continuous import Plan
from evals.graders.face import Asked, Grade, Graders, Output
from tests.conftest import SOAK, Staff
from tests.faults.test_store import begin, kill

DAY = datetime(2026, 3, 10, 12, tzinfo=UTC)
NIGHT = DAY + timedelta(hours=16)
CHANNELS = {"chat": (900, 0.9), "email": (90, 0.5), "voice": (10, 0.1)}  # how many of the day, and how good they are


@dataclass
class Told:
    """A grader that needs no expectation: the reply itself says how good it is."""

    NAME: str = "told"
    NUMBER: int = 1
    PERSON_WROTE: bool = False
    LIVE: bool = True
    NEEDS: tuple[str, ...] = ()
    cost: float = 0.0
    seconds: float = 0.0
    breaks: BaseException | None = None
    asked: list[str] = field(default_factory=list)

    def grade(self, case: Asked, output: Output | None) -> Grade:
        time.sleep(self.seconds)
        self.asked.append(str(output))
        if self.breaks:
            raise self.breaks
        score = float(str(output["reply"]).split()[-1]) if output else 0.0
        return Grade(score, score >= 0.5, f"told {score}", cost=self.cost)


def day_of(staff: Staff, channels: dict[str, tuple[int, float]] = CHANNELS, *, at: datetime = DAY, seed: int = 1) -> dict[str, float]:
    """A day's conversations, and how good the last reply of each is."""
    rng = random.Random(seed)
    rows: dict[Any, list[dict[str, Any]]] = {Customer: [], Conversation: [], Message: []}
    scores: dict[str, float] = {}
    for channel, (count, mean) in channels.items():
        for number in range(count):
            made, customer = new_id(), new_id()
            scores[made] = round(min(max(rng.gauss(mean, 0.1), 0.0), 1.0), 3)
            opened = at + timedelta(seconds=len(scores))
            rows[Customer].append({"id": customer, "at": at, "source": "test", "key_hmac": customer})
            rows[Conversation].append(
                {"id": made, "at": at, "source": "test", "external_id": made, "content_hmac": "", "channel": channel, "tags": [],
                 "customer_id": customer, "team_id": staff.fern.id if number % 10 == 9 else staff.oak.id, "opened_at": opened,
                 "status": "open", "extra": {}, "revision": 1, "place": int(opened.timestamp() * 1_000_000) + seed, "reviewed": False}
            )  # fmt: skip
            said = [("customer", "Where is it?", False), ("rep", f"a first reply 0.{number % 10}", False), ("customer", "And now?", False),
                    ("rep", f"the reply is worth {scores[made]}", False), ("rep", "a private note 0.0", True)]  # fmt: skip
            rows[Message] += [
                {"id": new_id(), "at": at, "conversation_id": made, "seq": seq, "role": role, "text": words, "private": private}
                for seq, (role, words, private) in enumerate(said, start=1)
            ]
    with store.writing() as db:
        for table, made_rows in rows.items():
            bulk.insert(db, table, made_rows)
    return scores


def agree(staff: Staff, *chosen: Told, share: float = 1.0, most: int = 120, money: float = 0.0) -> Graders:
    known = {**graders.BY_NAME, **{one.NAME: one for one in chosen}}
    continuous.change(chosen=[one.NAME for one in chosen], share=share, most=most, money=money, known=known, by=staff.lead)
    return known


def look(known: Graders, **fields: Any) -> continuous.Looked:
    return continuous.look(known=known, by=people.console(), **{"at": NIGHT, **fields})


def kept() -> list[Score]:
    with store.reading() as db:
        return list(db.exec(select(Score).where(Score.mode == LIVE).order_by(Score.id)))


SMALL = {"chat": (60, 0.9), "email": (12, 0.5), "voice": (3, 0.1)}


# -- the sample ---------------------------------------------------------------------------------------------------------------------------


def drawn_of(channels: dict[str, int], agreed: Plan, *, intents: int = 1) -> tuple[list[Conversation], list[tuple[Conversation, float]]]:
    def made(channel: str, number: int) -> Conversation:
        fields = {"source": "t", "external_id": "", "content_hmac": "", "customer_id": "", "opened_at": DAY, "place": 0}
        return Conversation(id=new_id(), channel=channel, intent_id=f"intent {number % intents}", **fields)

    of_day = [made(channel, number) for channel, count in channels.items() for number in range(count)]
    return of_day, [(one.conversation, one.weight) for one in continuous.sample(of_day, agreed)]


@pytest.mark.parametrize(
    ("share", "most", "wanted"),
    [
        (0.05, 200, {"chat": 45, "email": 5, "voice": 1}), (0.001, 200, {"chat": 1, "email": 1, "voice": 1}),
        (1.0, 120, {"chat": 55, "email": 55, "voice": 10}), (1.0, 5_000, {"chat": 900, "email": 90, "voice": 10}),
        (0.5, 3, {"chat": 1, "email": 1, "voice": 1}),
    ],
)  # fmt: skip
def test_of_each_channel_its_share_one_at_least_and_the_largest_give_first(share: float, most: int, wanted: dict[str, int]) -> None:
    of_day, drawn = drawn_of({"chat": 900, "email": 90, "voice": 10}, Plan(share=share, most=most))
    assert Counter(one.channel for one, _ in drawn) == wanted
    assert {one.channel: weight for one, weight in drawn} == {name: CHANNELS[name][0] / count for name, count in wanted.items()}
    assert sum(weight for _, weight in drawn) == pytest.approx(len(of_day))  # together they stand for all
    assert len({one.id for one, _ in drawn}) == len(drawn)


def test_each_intent_of_a_channel_has_its_share_too() -> None:
    _, drawn = drawn_of({"chat": 100, "voice": 8}, Plan(share=0.1), intents=4)
    assert Counter((one.channel, one.intent_id) for one, _ in drawn) == {
        **{("chat", f"intent {number}"): 3 for number in range(4)}, **{("voice", f"intent {number}"): 1 for number in range(4)},
    }  # fmt: skip


@pytest.mark.parametrize("most", [1, 2, 5])
def test_with_a_budget_for_fewer_than_there_are_kinds_all_have_the_same_chance(most: int) -> None:
    of_day, drawn = drawn_of({"chat": 90, "email": 9, "voice": 1}, Plan(share=1.0, most=most), intents=9)
    assert len(drawn) == most and {weight for _, weight in drawn} == {len(of_day) / most}
    assert drawn_of({}, Plan())[1] == []


def test_the_same_day_is_the_same_sample_in_whatever_order_and_nearly_so_when_more_comes() -> None:
    of_day, drawn = drawn_of({"chat": 900, "email": 90}, Plan(share=0.1))
    ids = [one.id for one, _ in drawn]
    shuffled = random.Random(1).sample(of_day, len(of_day))
    assert [one.conversation.id for one in continuous.sample(shuffled, Plan(share=0.1))] == ids
    more, _ = drawn_of({"chat": 10}, Plan())
    later = {one.conversation.id for one in continuous.sample([*of_day, *more], Plan(share=0.1))}
    assert len(later - set(ids)) <= 4
    other, _ = drawn_of({"chat": 900, "email": 90}, Plan(share=0.1))
    assert not {one.conversation.id for one in continuous.sample(other, Plan(share=0.1))} & set(ids)


def test_weighted_means_are_right_on_average_and_unweighted_ones_are_not() -> None:
    """Over many days, each drawn anew: no bias where it is weighted. The control, the same without weights, is far off."""
    rng, plan, count = random.Random(7), Plan(share=1.0, most=20), 200 if SOAK else 60
    weighted, plain, truth = [], [], []
    for _ in range(count):
        of_day, drawn = drawn_of({"chat": 90, "email": 9, "voice": 3}, plan)
        score = {one.id: rng.gauss(CHANNELS[one.channel][1], 0.1) for one in of_day}
        truth.append(sum(score.values()) / len(score))
        weighted.append(sum(score[one.id] * weight for one, weight in drawn) / sum(weight for _, weight in drawn))
        plain.append(sum(score[one.id] for one, _ in drawn) / len(drawn))
    off, off_plain = (sum(a - b for a, b in zip(means, truth, strict=True)) / count for means in (weighted, plain))
    print(f"weighted means lie {off:+.4f} off on average, unweighted ones {off_plain:+.4f}")
    assert abs(off) < 4 * 0.035 / math.sqrt(count) < 0.1 < abs(off_plain)


def test_where_the_money_ends_what_was_seen_is_still_of_every_channel() -> None:
    """The first tenth of the order is a draw of the whole sample, not its first channel."""
    firsts: Counter[str] = Counter()
    for _ in range(20):
        _, drawn = drawn_of({"chat": 50, "voice": 50}, Plan(share=0.5))
        firsts.update(one.channel for one, _ in drawn[:10])
    assert abs(firsts["chat"] / 200 - 0.5) < 4 * math.sqrt(0.25 / 200)


# -- a night ------------------------------------------------------------------------------------------------------------------------------


def test_the_weighted_mean_of_a_planted_day_is_the_true_mean_and_the_unweighted_one_is_not(staff: Staff) -> None:
    scores = day_of(staff)
    known = agree(staff, Told())
    looked = look(known)
    assert looked.sentence == "Looked at 120 of the 1,000 conversations of 10 March: 120 scores; the 10 worst wait for review."
    true, rows = sum(scores.values()) / len(scores), kept()
    (day,) = continuous.trend("told", by=staff.engineer, since=DAY - timedelta(days=1))
    plain = sum(row.value or 0.0 for row in rows) / len(rows)
    error = math.sqrt(sum((count / 1000) ** 2 * 0.1**2 / taken for (count, _), taken in zip(CHANNELS.values(), (55, 55, 10), strict=True)))
    print(f"true {true:.3f}, weighted {day.mean:.3f}, unweighted {plain:.3f}, sampling error {error:.3f}")
    assert day.n == 120 and abs(day.mean - true) < 4 * error < abs(plain - true)
    assert {round(row.weight, 6) for row in rows} == {round(900 / 55, 6), round(90 / 55, 6), 1.0}
    assert all(row.value == scores[row.conversation_id or ""] for row in rows)  # of the last reply, not of the first nor of a note


def test_the_trend_is_of_the_conversations_within_reach(staff: Staff) -> None:
    day_of(staff, SMALL)
    look(agree(staff, Told()))
    since = DAY - timedelta(days=1)
    (everything,) = continuous.trend("told", by=staff.engineer, since=since)
    (oak,), (fern,) = (continuous.trend("told", by=person, since=since) for person in (staff.rep, staff.other))
    assert everything.n == oak.n + fern.n == 75 and fern.n == 7
    assert continuous.trend("told", by=staff.engineer, since=DAY + timedelta(days=2)) == []
    with store.writing() as db:
        db.execute(text("UPDATE conversation SET hidden_at = opened_at WHERE channel = 'chat'"))
    assert continuous.trend("told", by=staff.engineer, since=since)[0].n == 15


def test_run_twice_nothing_is_scored_twice(staff: Staff) -> None:
    day_of(staff, SMALL)
    grader = Told()
    known = agree(staff, grader, share=0.3)
    first, second = look(known), look(known)
    assert (first.sampled, first.scores, second.sampled, second.scores) == (23, 23, 23, 0)
    assert len(kept()) == 23 and len(grader.asked) == 23
    with store.writing() as db:  # the conversation went on since: it is judged once all the same
        some = db.exec(select(Message).where(Message.seq == 4)).all()
        db.add_all(Message(conversation_id=one.conversation_id, seq=9, role="rep", text="one more 0.1") for one in some)
    assert look(known).scores == 0 and len(kept()) == 23
    other = Told(NAME="other")
    assert look(agree(staff, grader, other, share=0.3)).scores == 23  # a grader that was chosen since
    assert continuous.scored_count(since=NIGHT - timedelta(days=1)) == 46


def test_of_two_who_look_at_once_one_is_heard(staff: Staff) -> None:
    day_of(staff, SMALL)
    together = threading.Barrier(2)
    known = agree(staff, Told(seconds=0.002))

    def act() -> None:
        together.wait()
        look(known)

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = kept()
    assert len(rows) == len({row.message_id for row in rows}) == 75


def look_slowly(told: Connection) -> None:
    known = {"told": Told(seconds=0.01)}
    look(known, progress=lambda share, _doing: told.send_bytes(f"{share}".encode()))


def test_a_kill_in_the_middle_goes_on_with_the_same_sample(staff: Staff) -> None:
    scores = day_of(staff, SMALL)
    agree(staff, Told())
    child, reader = begin(look_slowly)
    try:
        assert float(reader.recv_bytes()) < 1
    finally:
        kill(child)
    before = kept()
    assert 20 <= len(before) < 75
    grader = Told()
    looked = look({"told": grader})
    assert looked.scores == len(grader.asked) == 75 - len(before)
    rows = kept()
    assert len(rows) == len({row.conversation_id for row in rows}) == 75
    worst = {one for one, _ in sorted(((made, score) for made, score in scores.items() if score < 0.5), key=lambda pair: pair[1])[:10]}
    with store.reading() as db:
        assert {one.conversation_id for one in db.exec(select(QueueReason))} == worst  # also those that were judged before the kill


def test_the_worst_wait_for_review_with_the_reason(staff: Staff) -> None:
    scores = day_of(staff, {"chat": (40, 0.9), "voice": (3, 0.1)}, at=datetime.now(UTC) - timedelta(days=1))
    known = agree(staff, Told())
    looked = look(known, day=datetime.now(UTC) - timedelta(days=1), at=datetime.now(UTC))
    bad = {made for made, score in scores.items() if score < 0.5}
    assert looked.worst == len(bad) == 3
    with store.reading() as db:
        reasons = list(db.exec(select(QueueReason)))
    assert {(one.conversation_id, one.kind, one.source) for one in reasons} == {(made, "worst score", "continuous") for made in bad}
    assert {one.sentence for one in reasons} == {f"told: told {scores[made]}" for made in bad}
    first = queue.team(by=staff.lead)[:3]
    assert {item.listed.id for item in first} == bad and all(item.why.startswith("told: told 0") for item in first)
    look(known, day=datetime.now(UTC) - timedelta(days=1), at=datetime.now(UTC))  # said again, it is said once
    with store.reading() as db:
        assert len(list(db.exec(select(QueueReason)))) == 3


# -- what breaks is never a pass ----------------------------------------------------------------------------------------------------------


def test_a_grader_that_raises_or_an_endpoint_that_is_down_is_a_score_with_an_error(staff: Staff) -> None:
    day_of(staff, {"chat": (5, 0.9)})
    broken, down = Told(NAME="broken", breaks=ZeroDivisionError("oh")), Told(NAME="down", breaks=Refused("The model endpoint is down."))
    looked = look(agree(staff, broken, down, Told()))
    assert looked.sentence.startswith("Looked at 5 of the 5 conversations of 10 March: 15 scores, 10 could not be judged; the 0 worst")
    told = {(row.grader_name, row.passed, row.value, row.error) for row in kept() if row.grader_name != "told"}
    assert told == {("broken", None, None, "ZeroDivisionError: oh"), ("down", None, None, "The model endpoint is down.")}
    assert continuous.trend("down", by=staff.engineer, since=DAY) == []
    down.breaks = None  # it is back: what could not be judged is tried again, what was judged is not
    broken.asked.clear()
    assert look({"broken": broken, "down": down, "told": Told()}).scores == 10
    assert Counter(row.grader_name for row in kept() if row.passed is not None) == {"told": 5, "down": 5}


def test_a_conversation_without_a_reply_is_nothing_to_judge(staff: Staff) -> None:
    day_of(staff, {"chat": (5, 0.9)})
    with store.writing() as db:
        db.execute(text("UPDATE message SET gone_at = at WHERE role = 'rep' AND NOT private"))
    looked = look(agree(staff, Told()))
    assert (looked.sampled, looked.scores) == (5, 0) and kept() == []


def test_the_money_of_a_day_ends_the_look(staff: Staff) -> None:
    day_of(staff, SMALL)
    grader = Told(cost=0.125)
    looked = look(agree(staff, grader, money=1.25))
    assert looked.cost == 1.25 and looked.sampled == len(grader.asked) == len(kept()) == 10
    assert looked.sentence.endswith("The day's money for graders was spent after 10.")
    dear = Told(NAME="dear", cost=0.5)
    assert look(agree(staff, dear, money=0.0)).cost == 0.5  # what one costs is known when it was asked
    free = Told(NAME="free")
    assert look(agree(staff, free, money=0.0)).sampled == 75  # the control: what costs nothing goes on


# -- what is agreed -----------------------------------------------------------------------------------------------------------------------


def test_a_new_portal_looks_with_what_costs_nothing_and_chosen_away_it_looks_at_nothing(staff: Staff) -> None:
    day_of(staff, {"chat": (5, 0.9)})
    assert continuous.plan() == Plan() and continuous.plan().number == 0
    looked = look(graders.BY_NAME)
    assert (looked.sampled, looked.scores, looked.failed, looked.cost) == (1, 1, 0, 0.0)
    agree(staff)
    looked = look({**graders.BY_NAME, "told": Told()})
    assert (looked.sampled, looked.scores) == (0, 0) and looked.sentence.endswith("No grader is chosen.") and len(kept()) == 1


def test_only_graders_that_need_no_expectation_are_chosen_and_asked(staff: Staff) -> None:
    day_of(staff, {"chat": (5, 0.9)})
    for name in ("contains", "exact label", "no such"):
        with pytest.raises(Refused, match=rf"^Not changed: '{name}' needs an expectation, so it can judge test cases alone"):
            continuous.change(chosen=["told", name], share=0.1, most=9, money=1.0, known={**graders.BY_NAME, "told": Told()}, by=staff.lead)
    assert settings.history("continuous") == []
    agree(staff, Told())
    assert look({"told": Told(LIVE=False)}).scores == 0  # it needs one since
    assert look({}).sentence.endswith("'told' is not available.")
    assert look({"told": Told()}).scores == 5


def test_a_changed_plan_is_numbered_kept_and_on_the_record(staff: Staff) -> None:
    agree(staff, Told(), share=0.2, most=50, money=2.0)
    agree(staff, Told(), Told(NAME="other"), share=0.3, most=60, money=0.0)
    assert continuous.plan() == Plan(graders=["other", "told"], share=0.3, most=60, money=0.0, number=2)
    assert [row.value["share"] for row in settings.history("continuous")] == [0.3, 0.2]
    entry = audit.newest(by=staff.admin, noun="setting")[0]
    assert (entry.sentence, entry.by_person_id) == ("Set continuous, number 2.", staff.lead.id) and entry.after is not None
    assert entry.after["graders"] == ["other", "told"]


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 1.01}, {"share": math.nan}, {"most": 0}, {"most": 5_001}, {"money": -0.1}, {"money": math.inf}]
)
def test_a_plan_has_bounds(sqlite_home: object, wrong: dict[str, float]) -> None:
    lead = people.add("Lea", "lea@example.com", "lead", by=people.console())
    with pytest.raises(Refused, match=rf"^Not changed: {next(iter(wrong))}: "):
        continuous.change(**{"chosen": [], "share": 0.1, "most": 9, "money": 1.0, "known": {}, "by": lead} | wrong)  # type: ignore[arg-type]
    assert continuous.plan().number == 0


def test_a_rep_looks_and_does_not_change_the_plan(staff: Staff) -> None:
    known = agree(staff, Told())
    for who in (staff.rep, staff.admin, people.console()):
        with pytest.raises(Denied, match="may not change a continuous"):
            continuous.change(chosen=[], share=0.1, most=9, money=0.0, known=known, by=who)
    continuous.look(known=known, by=staff.rep)
    with pytest.raises(Denied, match="an admin may not run an eval"):
        continuous.look(known=known, by=staff.admin)


def days() -> Iterator[tuple[datetime, Callable[[str], bool]]]:
    """Moments around midnight in Berlin, also where the clock is turned, and whether the 29th of March has them."""
    first, last = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)  # 23 hours long
    for moment, inside in ((first - timedelta(seconds=1), False), (first, True), (last - timedelta(seconds=1), True), (last, False)):
        yield moment, lambda _name, inside=inside: inside  # type: ignore[misc]


def test_a_day_is_the_portals_own_also_when_the_clock_is_turned(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    from data import config

    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    for number, (moment, _) in enumerate(days()):
        day_of(staff, {"chat": (1, 0.9)}, at=moment - timedelta(seconds=1), seed=number)
    looked = look(agree(staff, Told()), day=None, at=datetime(2026, 3, 30, 0, tzinfo=UTC))
    assert (looked.day, looked.conversations) == ("29 March", sum(inside("") for _, inside in days()))
