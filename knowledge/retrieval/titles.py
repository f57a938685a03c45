"""The rung of titles: an article whose title stands in the question nearly whole is meant, however long its text is."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.keyword import Postings

Floats = npt.NDArray[np.float32]
DOUBT = 1.0  # a title of one common word is soon whole


def worth(titles: Sequence[Sequence[str]], rarity: Mapping[str, float]) -> Floats:
    """What the words of each title tell together."""
    return np.array([sum(rarity.get(word, 0.0) for word in set(words)) for words in titles], np.float32)


def share(titles: Postings, worth: Floats, asked: Mapping[str, float]) -> Floats:
    """How much of each title is said: `asked` holds each word once, with what it tells."""
    spans = [(int(titles.starts[titles.columns[word]]), int(titles.starts[titles.columns[word] + 1]), tells)
             for word, tells in asked.items() if word in titles.columns]  # fmt: skip
    said = np.zeros(titles.size, np.float32)
    for start, end, tells in spans:
        said[titles.rows[start:end]] += np.float32(tells)
    return said / (worth + np.float32(DOUBT))
