"""Drift: what is planted is told with its numbers, and a quiet stream of busy customers is quiet, where a plain chi-square test is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from classifiers import drift
from classifiers.drift import Drift, Window, look
from tests.conftest import SOAK

LABELS = ("refund", "delivery", "sign in", "plants", "gift card")
BEFORE, NOW = "the four weeks before", "last week's conversations"
LOOKS = 400 if SOAK else 40


@pytest.fixture(autouse=True)
def fewer_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to tell one in a hundred; the simulations are made of many looks."""
    monkeypatch.setattr(drift, "MIXTURES", 1_000)


class Stream:
    """Customers who have their own matters, words and ways, and who write in bursts: conversations of one customer are alike."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ways = [(int(self.rng.integers(5)), self.rng.normal(size=12) * 0.6, self.rng.normal() * 0.08) for _ in range(300)]
        self.middles = self.rng.normal(size=(5, 12))
        self.often = np.arange(1, 301) ** -0.6

    def week(self, bursts: int = 60) -> Window:
        rng, rows = self.rng, []
        for customer in rng.choice(300, bursts, p=self.often / self.often.sum()):
            usual, way, sure = self.ways[customer]
            matter = usual if rng.random() < 0.6 else int(rng.integers(5))
            for _ in range(1 + rng.poisson(1.2)):
                confidence = float(np.clip(0.8 + sure + rng.normal() * 0.08, 0, 1))
                text = f"my {LABELS[matter]} word{chr(97 + rng.integers(26))} word{chr(97 + rng.integers(26))} 4711 ‹NAME 1›"
                label = LABELS[matter] if confidence > 0.65 else None
                rows.append((text, int(customer), label, confidence, self.middles[matter] + way + rng.normal(size=12)))
        return window(NOW, *zip(*rows, strict=True))

    def windows(self) -> tuple[Window, Window]:
        return together([self.week() for _ in range(4)]), self.week()


def window(called: str, texts: tuple, customers: tuple, labels: tuple, confidences: tuple, vectors: tuple) -> Window:
    return Window(called, list(texts), list(customers), list(labels), list(confidences), np.array(vectors, np.float32))


def together(weeks: list[Window]) -> Window:
    rows = [row for week in weeks for row in zip(week.texts, week.customers, week.labels, week.confidences, week.vectors, strict=True)]
    return window(BEFORE, *zip(*rows, strict=True))


def simple(called: str, many: int, refunds: int, *, customer: Callable[[int], object] = lambda case: case) -> Window:
    """So many conversations, the first of them about refunds; each of a customer of its own unless said."""
    labels = ["refund" if case < refunds else LABELS[1 + case % 4] for case in range(many)]
    side = "now" if called == NOW else "then"
    return Window(called, [f"my {label}" for label in labels], [(side, customer(case)) for case in range(many)], labels)


def told(found: list[Drift], kind: str) -> list[str | None]:
    return [one.what for one in found if one.kind == kind]


# -- quiet streams ------------------------------------------------------------------------------------------------------------------------


def test_a_quiet_stream_is_quiet_and_a_plain_test_is_not() -> None:
    """At 5 % a look: of 200 looks of a stream like this 1 % told something, and a chi-square test over conversations 61 %."""
    ours = plain = 0
    for seed in range(LOOKS):
        before, now = Stream(seed).windows()
        ours += bool(look(before, now, sure=0.05, seed=seed))
        table = np.array([[one.labels.count(label) for label in (*LABELS, None)] for one in (before, now)])  # type: ignore[attr-defined]
        plain += chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue < 0.05
    assert ours <= LOOKS * 0.05 + 2 * (LOOKS * 0.05 * 0.95) ** 0.5
    assert plain > LOOKS * 0.3


@pytest.mark.skipif(not SOAK, reason="a quarter is 90 looks")
def test_a_quarter_of_nightly_looks_has_hardly_an_alarm() -> None:
    """The windows of two nights overlap, so a false alarm stays for some nights: it is told once."""
    alarms = 0
    for seed in range(10):
        stream = Stream(1_000 + seed)
        days = [stream.week(bursts=9) for _ in range(125)]
        last: set[tuple[str, str | None]] = set()
        for night in range(35, 125):
            before, now = together(days[night - 35 : night - 7]), replace(together(days[night - 7 : night]), called=NOW)
            found = {(one.kind, one.what) for one in look(before, now, seed=night)}
            alarms += len(found - last)
            last = found
    assert alarms <= 10


def test_one_customer_who_writes_all_day_is_no_drift() -> None:
    def one_of_them(case: int) -> object:
        return "busy" if case < 60 else case

    before = simple(BEFORE, 1_000, 50)
    assert look(before, simple(NOW, 300, 60)), "60 customers are"
    assert not look(before, simple(NOW, 300, 60, customer=one_of_them))


@pytest.mark.parametrize("many", [0, 1, 30])
def test_of_a_small_window_nothing_is_told(many: int) -> None:
    assert look(simple(BEFORE, 1_000, 10), simple(NOW, many, many)) == []
    assert look(simple(BEFORE, many, many), simple(NOW, 1_000, 10)) == []


# -- planted shifts -----------------------------------------------------------------------------------------------------------------------


def test_a_share_that_doubled_is_told_in_a_sentence() -> None:
    found = look(simple(BEFORE, 2_700, 80), simple(NOW, 690, 41), names={"refund": "Refund"})
    refund = next(one for one in found if one.kind == "share")
    assert (
        refund.sentence.replace("\u00a0", " ")
        == "Refund: 5.9 % of last week's conversations, 3.0 % in the four weeks before (41 of 690, 80 of 2,700)."
    )
    assert refund.what == "refund" and refund.p < 0.01 and len(refund.examples) == 20 and set(refund.examples) <= set(range(41))


def test_what_is_sure_but_small_is_no_news() -> None:
    assert told(look(simple(BEFORE, 8_000, 2_400), simple(NOW, 8_000, 2_650)), "share") == []


def shifted(now: Window, places: np.ndarray, **change: object) -> Window:
    """These conversations changed."""
    kept = {name: list(getattr(now, name)) for name in ("texts", "labels", "confidences")}
    vectors = np.array(now.vectors)
    for place in places:
        for name, make in change.items():
            if name == "vectors":
                vectors[place] += make
            else:
                kept[name][place] = make(kept[name][place])  # type: ignore[operator]
    return replace(now, **kept, vectors=vectors)


@pytest.mark.parametrize(
    ("kind", "what", "share", "change"),
    [
        ("share", "gift card", 0.5, {"labels": lambda _: "gift card"}),
        ("share", None, 0.25, {"labels": lambda _: None}),
        ("confidence", None, 0.5, {"confidences": lambda sure: sure - 0.15}),
        ("words", "locker", 0.15, {"texts": lambda text: f"{text} locker"}),
        ("vectors", None, 0.5, {"vectors": np.full(12, 1.0, np.float32)}),
    ],
)
def test_what_is_planted_is_found(kind: str, what: str | None, share: float, change: dict) -> None:
    """Mostly, with some 130 conversations of 50 customers in the week."""
    looks, seen = LOOKS // 4, 0
    for seed in range(looks):
        before, now = Stream(seed).windows()
        places = np.flatnonzero(np.random.default_rng(seed).random(len(now.texts)) < share)
        changed = shifted(now, places, **change)
        ones = [one for one in look(before, changed, seed=seed) if one.kind == kind and one.what == what]
        seen += bool(ones)
        for one in ones:
            customers = [now.customers[place] for place in one.examples]
            assert len(customers) == len(set(customers)) > 5
    assert seen >= 0.7 * looks


def test_a_word_of_few_customers_is_not_told() -> None:
    before, now = Stream(5).windows()
    customers = set(list(dict.fromkeys(now.customers))[:5])
    places = np.array([place for place, customer in enumerate(now.customers) if customer in customers])
    assert told(look(before, shifted(now, places, texts=lambda text: f"{text} locker")), "words") == []


def test_numbers_and_what_was_redacted_are_no_words() -> None:
    assert drift._said("My order 4711 of ‹NAME 1› in 2026x: LATE, late") == {"order", "late"}


def test_it_looks_at_what_there_is() -> None:
    before, now = (replace(one, labels=(), confidences=(), vectors=None) for one in Stream(6).windows())
    assert look(before, now) == []
    named = replace(now, texts=[f"{text} locker" for text in now.texts])
    assert told(look(before, named), "words") == ["locker"]
    assert look(replace(before, texts=["🌱"] * len(before.texts)), replace(now, texts=["🌱"] * len(now.texts))) == []
    alone = replace(named, customers=[None] * len(now.texts))
    assert told(look(before, alone), "words") == ["locker"], "without a customer each conversation is one of its own"


def test_the_same_windows_again_give_the_same() -> None:
    before, now = simple(BEFORE, 500, 10), simple(NOW, 200, 30)
    assert look(before, now, seed=1) == look(before, now, seed=1) != []
