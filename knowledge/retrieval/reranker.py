"""The rung that learns from choices how much each measure should count: logistic regression, kept as numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from data.errors import Refused
from knowledge.retrieval import library as libraries
from knowledge.retrieval import searching
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.combination import Combination
from knowledge.retrieval.library import Library
from knowledge.retrieval.picks import Pick

Numbers = npt.NDArray[np.float64]
FEWEST = 20  # questions with a choice: fewer teach less than they mislead
FOLDS = 5
LOOKED_AT = 100  # articles a question that it learns from, the best by the combination as it is, and the chosen ones
HELD_BACK = 1.0  # how strongly weights are held near nothing, in choices
ROUNDS = 50


def learned(library: Library, chosen: Sequence[Pick], combination: Combination, *, seed: int = 0) -> Combination:
    """The combination with weights learned from what people chose. While a question is learned from, its own choices are not remembered."""
    questions: dict[Asked, set[str]] = {}
    for pick in chosen:
        if pick.slug in library.places:
            questions.setdefault(pick.asked, set()).add(pick.slug)
    if len(questions) < FEWEST:
        raise Refused(
            f"Not learned: {len(questions)} questions have a chosen article, and it takes {FEWEST}. Choose more on the page Knowledge."
        )
    names = tuple(combination.by_part)
    rows, right = zip(*(_of_one(held, asked, questions[asked], combination, names)
                        for held, asked in _left_out(library, list(questions), questions, seed)), strict=True)  # fmt: skip
    weights = fitted(np.concatenate(rows), np.concatenate(right))
    return replace(combination, learned=tuple((name, round(float(weight), 6)) for name, weight in zip(names, weights, strict=True)))


def _left_out(library: Library, questions: list[Asked], chosen: dict[Asked, set[str]], seed: int) -> list[tuple[Library, Asked]]:
    """Each question beside a library that remembers the choices of other questions only."""
    turns = np.random.default_rng(seed).permutation(len(questions))
    found: list[tuple[Library, Asked]] = []
    for fold in range(FOLDS):
        own = {int(place) for place in turns[fold::FOLDS]}
        others = [Pick(asked, slug) for place, asked in enumerate(questions) if place not in own for slug in sorted(chosen[asked])]
        held = libraries.with_picks(library, others)
        found += [(held, questions[place]) for place in sorted(own)]
    return found


def _of_one(library: Library, asked: Asked, right: set[str], combination: Combination, names: Sequence[str]) -> tuple[Numbers, Numbers]:
    looked = searching.look(library, asked, replace(combination, learned=()))
    places = sorted({*searching.best(searching.scores(looked), LOOKED_AT), *(library.places[slug] for slug in right)})
    nothing = np.zeros(len(library.keys), np.float32)
    rows = np.stack([looked.measured.get(name, nothing)[places] for name in names], axis=1).astype(np.float64)
    chosen = {library.places[slug] for slug in right}
    return rows, np.array([place in chosen for place in places], np.float64)


def fitted(rows: Numbers, right: Numbers) -> Numbers:
    """What each measure counts. It may count for nothing, but never against an article: that an article was not chosen yet, for one, would
    otherwise speak for it."""
    kept = np.arange(rows.shape[1])
    weights = np.zeros(rows.shape[1])
    while len(kept):
        found = free(rows[:, kept], right)
        if found.min() >= 0:
            weights[kept] = found
            break
        kept = np.delete(kept, int(found.argmin()))
    return weights


def free(rows: Numbers, right: Numbers) -> Numbers:
    """Logistic regression with weights held near nothing, by Newton's method; the constant is free, and says nothing about the order."""
    with_one = np.hstack([rows, np.ones((len(rows), 1))])
    held = np.full(with_one.shape[1], HELD_BACK)
    held[-1] = 1e-6
    weights = np.zeros(with_one.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(with_one @ weights, -30, 30)))
        slope = with_one.T @ (chance - right) + held * weights
        bend = (with_one * (chance * (1 - chance))[:, None]).T @ with_one + np.diag(held)
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(weights[:-1], np.float64)
