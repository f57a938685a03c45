"""Finding the right passage in what is published: a ladder of methods, a rung a file. It is handed values and no database."""

from knowledge.retrieval.asked import Asked
from knowledge.retrieval.combination import LIVE, PLAIN_HYBRID, Combination
from knowledge.retrieval.library import Found, Library, Stood, build, updated, with_picks
from knowledge.retrieval.picks import Pick
from knowledge.retrieval.reranker import learned
from knowledge.retrieval.rungs import RUNGS, Rung
from knowledge.retrieval.searching import look, search

__all__ = [
    "LIVE", "PLAIN_HYBRID", "RUNGS", "Asked", "Combination", "Found", "Library", "Pick", "Rung", "Stood", "build", "learned", "look",
    "search", "updated", "with_picks",
]  # fmt: skip
