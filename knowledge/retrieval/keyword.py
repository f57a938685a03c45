"""The rung of words: passages that hold the question's words, rare words counting more (BM25), in our own sparse matrix."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FULL, BY_LENGTH = 1.2, 0.75  # BM25's k1 and b: how soon more of a word adds nothing, how far long passages are held back

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Postings:
    """For each word the rows that hold it, and what it adds to each."""

    columns: Mapping[str, int]
    starts: npt.NDArray[np.int64]  # of each word's part in the two below
    rows: npt.NDArray[np.int32]
    adds: Floats
    size: int  # rows
    usual: float  # words in a row, of those that this was first built for

    def holding(self, word: str) -> int:
        """Rows with this word."""
        column = self.columns.get(word)
        return 0 if column is None else int(self.starts[column + 1] - self.starts[column])

    def scores(self, weights: Mapping[str, float]) -> Floats:
        """Of each row."""
        known = [(self.columns[word], weight) for word, weight in weights.items() if word in self.columns]
        if not known:
            return np.zeros(self.size, np.float32)
        spans = [(int(self.starts[column]), int(self.starts[column + 1]), weight) for column, weight in known]
        rows = np.concatenate([self.rows[start:end] for start, end, _ in spans])
        adds = np.concatenate([self.adds[start:end] * np.float32(weight) for start, end, weight in spans])
        return np.bincount(rows, adds, self.size).astype(np.float32)


def build(documents: Iterable[Sequence[str]], *, usual: float = 0.0) -> Postings:
    """Of words, row by row. `usual` is the length of the rows that these are compared with, where there are others."""
    columns: dict[str, int] = {}
    seen, counts, lengths, sizes = array("i"), array("f"), array("i"), array("i")
    for words in documents:
        counted = Counter(words)
        seen.extend([columns.setdefault(word, len(columns)) for word in counted])
        counts.extend(counted.values())
        lengths.append(len(words))
        sizes.append(len(counted))
    length, often = np.array(lengths, np.float32), np.array(counts, np.float32)
    rows = np.repeat(np.arange(len(length), dtype=np.int32), np.array(sizes, np.int64))
    usual = usual or (float(length.mean()) if len(length) else 1.0) or 1.0
    held_back = FULL * (1 - BY_LENGTH + BY_LENGTH * length / np.float32(usual))
    adds = often * np.float32(FULL + 1) / (often + held_back[rows])
    by_word = np.argsort(np.array(seen, np.int32), kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(np.array(seen, np.int64), minlength=len(columns)))]).astype(np.int64)
    return Postings(columns, starts, rows[by_word], adds[by_word].astype(np.float32), len(length), usual)


def rarity(words: Iterable[str], parts: Sequence[Postings]) -> dict[str, float]:
    """What a word tells: the fewer rows of all the parts hold it, the more. One that no row holds tells nothing."""
    total = sum(part.size for part in parts)
    told = {}
    for word in words:
        holding = sum(part.holding(word) for part in parts)
        if holding:
            told[word] = float(np.log1p((total - holding + 0.5) / (holding + 0.5)))
    return told


def weighed(words: Iterable[str], parts: Sequence[Postings]) -> dict[str, float]:
    """A question's words, as often as it says them."""
    counted = Counter(words)
    return {word: worth * counted[word] for word, worth in rarity(counted, parts).items()}
