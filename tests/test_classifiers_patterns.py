"""Patterns: what is new is found under its own words and keeps its identity; wordings of known intents, and one busy customer, are none."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from classifiers import patterns
from classifiers.patterns import find
from classifiers.standouts import Found, Intents, is_new
from language.fallback import Fallback
from tests.conftest import SOAK

TODAY = date(2026, 3, 20)
KNOWN = {
    "refund": ("I want my refund", "the money never came back", "refund still missing", "please send the refund for my return"),
    "sign in": ("I cannot sign in", "my password is wrong", "the sign in page fails", "sign in link has expired"),
    "delivery": ("where is my order", "my order is late", "tracking shows no order", "when will it be delivered"),
    "invoice": ("I need an invoice", "please send the bill", "invoice copy for my taxes", "no invoice came with it"),
}
LOCKER = ("the parcel locker was full", "parcel locker full again", "locker full so the courier left", "my parcel locker is full")
GREETINGS = ("hello", "hi there", "good morning", "dear team", "hey")
GERMAN = (
    "die Rechnung fehlt mir", "die Lieferung ist nicht da", "ich bekomme mein Geld nicht", "ich kann mich nicht anmelden",
    "das Paket kam beschädigt an", "bitte kündigen Sie mein Konto", "der Gutschein gilt nicht", "wo bleibt der Kurier",
)  # fmt: skip
PACKSTATION = ("die Packstation war voll", "Packstation schon wieder voll", "die Packstation ist leider voll")
ENDS = ("thanks", "please help", "kind regards", "it is urgent", "can you check")


class Traffic:
    """Two weeks of conversations: each matter has a middle, each text lies around it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.middles = {name: self.rng.normal(size=48) * 1.4 for name in (*KNOWN, "locker")}
        self.texts: list[str] = []
        self.rows: list[np.ndarray] = []
        self.days: list[date] = []
        self.customers: list[str | None] = []
        self.covered: list[bool] = []

    def text(self, said: tuple[str, ...]) -> str:
        return f"{self.rng.choice(GREETINGS)}, {self.rng.choice(said)} {self.rng.integers(99)} {self.rng.choice(ENDS)}"

    def vectors(self, matter: str, many: int) -> np.ndarray:
        rows = self.middles[matter] + self.rng.normal(size=(many, 48))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def come(self, matter: str, many: int, *, covered: bool, days: tuple[int, int] = (0, 14), customer: str | None = None) -> "Traffic":
        self.texts += [self.text(LOCKER if matter == "locker" else KNOWN[matter]) for _ in range(many)]
        self.rows += list(self.vectors(matter, many))
        self.days += [TODAY - timedelta(int(age)) for age in self.rng.integers(*days, many)]
        self.customers += [customer or f"c{self.rng.integers(500)}" for _ in range(many)]
        self.covered += [covered] * many
        return self

    def quiet(self) -> "Traffic":
        """The classifier is silent on a fifth of what it knows."""
        for matter in KNOWN:
            self.come(matter, 60, covered=True).come(matter, 15, covered=False)
        return self

    def intents(self) -> Intents:
        return Intents(np.concatenate([self.vectors(name, 40) for name in KNOWN]), [name for name in KNOWN for _ in range(40)])

    def come_in_german(self, said: tuple[str, ...], many: int, *, covered: bool) -> "Traffic":
        """Where vectors know words only, whatever is said in a rare language lies in one place."""
        self.come("locker", many, covered=covered, days=(0, 7))
        self.texts[-many:] = [f"guten tag, {said[number % len(said)]}" for number in range(many)]
        return self

    def languages(self) -> list[str | None]:
        return ["de" if text.startswith("guten tag") else "en" for text in self.texts]

    def found(
        self, *, intents: bool = True, seed: int = 0, languages: Sequence[str | None] = (), earlier: Sequence[tuple[str, str]] = ()
    ) -> list[Found]:
        known = self.intents() if intents else None
        return find(
            self.texts, np.array(self.rows, np.float32), self.days, self.customers,
            covered=np.array(self.covered), languages=languages, earlier=earlier, intents=known, seed=seed,
        )  # fmt: skip

    def shown(self, *, intents: bool = True, languages: Sequence[str | None] = ()) -> list[Found]:
        return [found for found in self.found(intents=intents, languages=languages) if is_new(found).shown]


def test_a_new_matter_is_found_under_its_own_words() -> None:
    traffic = Traffic(1).quiet().come("locker", 25, covered=False, days=(0, 5))
    [found] = traffic.shown()
    assert found.size >= 20 and all("locker" in traffic.texts[place] for place in found.members)
    assert "locker" in found.name and "full" in " ".join(found.phrases)
    assert found.first >= TODAY - timedelta(4) and found.last <= TODAY and found.customers > 15
    assert found.growth.low > 1 and "Growing" in found.sentence and "no intent covers them" in found.sentence


@pytest.mark.parametrize("seed", range(60 if SOAK else 8))
def test_quiet_weeks_stay_silent(seed: int) -> None:
    """Simulated: what the classifier is unsure of are wordings of what people gave an intent."""
    assert Traffic(seed).quiet().shown() == []


def test_without_examples_of_intents_their_wordings_are_found() -> None:
    """The control: it is the examples that keep it silent; after them, that covered texts use the same words. Who starts with no intent at
    all sees the matters there are."""
    traffic = Traffic(3).quiet()
    assert traffic.found() == []
    assert [found.phrases for found in traffic.found(intents=False)] == [()] * 4
    traffic.covered = [False] * len(traffic.texts)
    assert len(traffic.shown(intents=False)) >= 3


def test_what_a_pattern_has_in_common_most_of_it_says() -> None:
    """Five phrases, each of a few texts, are no matter."""
    group, texts = np.arange(4), ["locker full", "my locker", "where is it", "again"]
    assert patterns._in_common(group, ("locker",), texts) == ()
    assert patterns._in_common(group, ("locker", "again"), texts) == ("locker", "again")


def test_of_a_rare_language_what_intents_covered_earlier_tells_too() -> None:
    traffic = Traffic(12).quiet().come_in_german(GERMAN, 16, covered=False)
    earlier = [(f"guten tag, {said}", "de") for said in GERMAN * 5]
    [before], [now] = traffic.shown(languages=traffic.languages()), traffic.found(languages=traffic.languages(), earlier=earlier)
    assert before.name == "guten tag", "the control: nobody knows what is ordinary in German"
    assert now.phrases == () and not is_new(now).is_good


@pytest.mark.parametrize("seed", range(40 if SOAK else 5))
def test_a_rare_language_is_no_matter(seed: int) -> None:
    """Its greeting is hardly said in all texts, and in nearly all of its own: those of the same language are what tells."""
    traffic = Traffic(seed).quiet().come_in_german(GERMAN, 20, covered=True).come_in_german(GERMAN, 16, covered=False)
    assert ["guten tag" in one.name for one in traffic.shown()] == [True], "the control: whatever the language"
    assert traffic.shown(languages=traffic.languages()) == []


def test_what_is_new_in_a_rare_language_is_found_under_its_own_words() -> None:
    traffic = Traffic(11).quiet().come_in_german(GERMAN, 20, covered=True).come_in_german(PACKSTATION, 16, covered=False)
    [found] = traffic.shown(languages=traffic.languages())
    assert "packstation" in found.name and not any("guten" in phrase for phrase in found.phrases)


@pytest.mark.parametrize("seed", range(40 if SOAK else 5))
def test_a_new_matter_of_20_is_found(seed: int) -> None:
    assert len(Traffic(seed).quiet().come("locker", 20, covered=False, days=(0, 5)).shown()) == 1


def test_one_customer_who_writes_forty_times_is_no_pattern() -> None:
    traffic = Traffic(4).quiet().come("locker", 40, covered=False, customer="busy")
    [found] = traffic.found()
    assert not is_new(found).shown and "one customer wrote 100" in is_new(found).why


def test_the_same_night_again_gives_the_same() -> None:
    def night() -> list[tuple[int, ...]]:
        return [one.members for one in Traffic(6).quiet().come("locker", 25, covered=False).found(seed=2)]

    assert night() == night() != []


def test_of_more_than_are_clustered_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MOST", 100)
    traffic = Traffic(7).quiet().come("locker", 150, covered=False)
    assert traffic.shown()[0].size > 100


def test_words_alone_are_enough_where_there_is_no_encoder() -> None:
    traffic = Traffic(8).quiet().come("locker", 25, covered=False, days=(0, 5))
    examples = [(name, traffic.text(said)) for name, said in KNOWN.items() for _ in range(40)]
    encoder = Fallback(traffic.texts)
    found = find(
        traffic.texts, encoder.encode(traffic.texts), traffic.days, traffic.customers, covered=np.array(traffic.covered),
        intents=Intents(encoder.encode([text for _, text in examples]), [name for name, _ in examples]),
    )  # fmt: skip
    [shown] = [one for one in found if is_new(one).shown]
    assert shown.size >= 20 and "locker" in shown.name


@pytest.mark.parametrize("text", ["", "🌱🌱", "the same", "x" * 100_000])
@pytest.mark.parametrize("many", [0, 1, 9, 60])
def test_odd_texts_are_no_trouble(text: str, many: int) -> None:
    texts = [text] * many
    rows = Fallback(texts).encode(texts) if many else np.zeros((0, 48), np.float32)
    for covered in (np.zeros(many, bool), np.ones(many, bool)):
        found = find(texts, rows, [TODAY] * many, [None] * many, covered=covered)
        assert not any(is_new(one).shown for one in found)


def test_the_same_words_over_and_over_are_a_pattern() -> None:
    traffic = Traffic(10).quiet()
    traffic.come("locker", 30, covered=False)
    traffic.rows[-30:], traffic.texts[-30:] = [traffic.rows[-1]] * 30, ["locker full again"] * 30
    assert [found.size for found in traffic.shown()] == [30]
    traffic.covered = [place < len(traffic.texts) - 30 for place in range(len(traffic.texts))]
    assert [(found.size, found.name) for found in traffic.shown()] == [(30, "locker full again")], "also where nothing else is open"
