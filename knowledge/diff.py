"""What became of an article between two versions, in paragraphs and words: for a screen that shows it as one reads, and in a sentence."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

KEPT, ADDED, REMOVED, CHANGED = "kept", "added", "removed", "changed"
ALIKE = 0.5  # of the words of both: from here on one paragraph has become the other
LONGEST_COMPARED = 250_000  # pairs of two pieces, for a thorough look at what lies between two that are surely the same
EFFORT = 5_000_000  # pairs in all: about two seconds. What is left when it is spent counts as replaced whole
LETTERS_A_PAIR = 100  # of paragraphs that are counted against each other take as long as one pair
PIECES = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Run:
    """Some words of a changed paragraph."""

    kind: str  # kept, added, removed
    text: str


@dataclass(frozen=True)
class Change:
    """One paragraph, and what became of it."""

    kind: str  # kept, added, removed, changed
    before: str  # empty where it was added
    after: str  # empty where it was removed
    runs: tuple[Run, ...] = ()  # of a changed one, in the order in which they are read


class _Effort:
    """So much work in all, so that no two texts keep anybody waiting."""

    def __init__(self) -> None:
        self.left = EFFORT

    def spend(self, pairs: int) -> bool:
        """Whether there is enough left for it."""
        if pairs > min(self.left, LONGEST_COMPARED):
            return False
        self.left -= pairs
        return True


def readable(before: str, after: str) -> list[Change]:
    """Every paragraph of both, in order. Very different large texts are compared less thoroughly: more counts as removed and added."""
    effort = _Effort()
    old, new = paragraphs(before), paragraphs(after)
    changes: list[Change] = []
    for (i, j), (k, m) in _gaps(old, new, effort):
        if (i, j) == (k, m):
            changes.append(Change(KEPT, old[i], new[j]))
        else:
            changes += _between(old[i:k], new[j:m], effort)
    return changes


def in_words(before: str, after: str) -> str:
    """'3 paragraphs changed, 1 added'."""
    counts = Counter(change.kind for change in readable(before, after))
    told = [(counts[kind], kind) for kind in (CHANGED, ADDED, REMOVED) if counts[kind]]
    if not told:
        return "nothing changed" if before == after else "only spaces and empty lines changed"
    first, *rest = told
    noun = "paragraph" if first[0] == 1 else "paragraphs"
    return ", ".join([f"{first[0]:,} {noun} {first[1]}", *(f"{count:,} {kind}" for count, kind in rest)])


def paragraphs(text: str) -> list[str]:
    """What empty lines part; code between fences is one, with its empty lines."""
    found: list[list[str]] = [[]]
    fence = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        sign = re.match(r"\s*(`{3,}|~{3,})", line)
        if fence:
            fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
        elif sign:
            fence = sign[1]
        elif not line.strip():
            found.append([])
            continue
        found[-1].append(line.rstrip())
    return ["\n".join(lines) for lines in found if any(lines)]


# What is the same


def _gaps(old: Sequence[str], new: Sequence[str], effort: _Effort) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """In order: each pair that is the same, as (i, j) twice, and each gap between two of them, from (i, j) to before (k, m)."""
    i = j = 0
    for k, m in [*_same(old, new, effort), (len(old), len(new))]:
        if i < k or j < m:
            yield (i, j), (k, m)
        if k < len(old) and m < len(new):
            yield (k, m), (k, m)
        i, j = k + 1, m + 1


def _same(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[tuple[int, int]]:
    """Places of the pieces that are kept: what stands once in both holds the rest in place, and between two of those all is looked at."""
    start, end = _ends(old, new)
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    held = [(-1, -1), *_once_in_both(middle_old, middle_new), (len(middle_old), len(middle_new))]
    found = [(place, place) for place in range(start)]
    for (i, j), (k, m) in pairwise(held):
        found += [(start + i + 1 + x, start + j + 1 + y) for x, y in _thoroughly(middle_old[i + 1 : k], middle_new[j + 1 : m], effort)]
        if k < len(middle_old):
            found.append((start + k, start + m))
    return found + [(len(old) - place, len(new) - place) for place in range(end, 0, -1)]


def _ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many are the same at the beginning and at the end."""
    most = min(len(old), len(new))
    start = next((place for place in range(most) if old[place] != new[place]), most)
    end = next((place for place in range(most - start) if old[-1 - place] != new[-1 - place]), most - start)
    return start, end


def _once_in_both(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest row of pieces that stand once in both and in the same order."""
    often_old, often_new = Counter(old), Counter(new)
    places = {piece: place for place, piece in enumerate(new) if often_new[piece] == 1}
    pairs = [(i, places[piece]) for i, piece in enumerate(old) if often_old[piece] == 1 and piece in places]
    lasts: list[int] = []  # of the best row of each length, where it ends in the new
    at: list[int] = []  # the same as places in pairs
    before: list[int] = []  # of each pair, the one before it in its row
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(lasts, j)
        before.append(at[length - 1] if length else -1)
        lasts[length : length + 1], at[length : length + 1] = [j], [number]
    row: list[tuple[int, int]] = []
    number = at[-1] if at else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _thoroughly(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[tuple[int, int]]:
    if not old or not new or not effort.spend(len(old) * len(new)):
        return []
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return [(block.a + place, block.b + place) for block in blocks for place in range(block.size)]


# What lies between


def _between(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[Change]:
    """Paragraphs that have become others, those that came and those that went."""
    changes: list[Change] = []
    i = j = 0
    for k, m in [*_alike(old, new, effort), (len(old), len(new))]:
        changes += [Change(REMOVED, text, "") for text in old[i:k]]
        changes += [Change(ADDED, "", text) for text in new[j:m]]
        if k < len(old):
            changes.append(Change(CHANGED, old[k], new[m], tuple(_runs(old[k], new[m], effort))))
        i, j = k + 1, m + 1
    return changes


def _alike(old: Sequence[str], new: Sequence[str], effort: _Effort) -> list[tuple[int, int]]:
    """Which paragraph became which: the pairs, in order, that have the most in common in all."""
    letters = sum(map(len, old)) * len(new) + sum(map(len, new)) * len(old)
    if not old or not new or not effort.spend(letters // LETTERS_A_PAIR + len(old) * len(new)):
        return []
    words_old, words_new = [Counter(PIECES.findall(text)) for text in old], [Counter(PIECES.findall(text)) for text in new]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    shares = [[_share(one, other) for other in words_new] for one in words_old]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            paired = best[i + 1][j + 1] + shares[i][j] if shares[i][j] >= ALIKE else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    return list(_chosen(best, shares))


def _chosen(best: list[list[float]], shares: list[list[float]]) -> Iterator[tuple[int, int]]:
    i = j = 0
    while i < len(shares) and j < len(shares[0]):
        if shares[i][j] >= ALIKE and best[i][j] == best[i + 1][j + 1] + shares[i][j]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Of the words of both, how many both have; gaps between words count nothing."""
    words_one, words_other = (sum(count for word, count in words.items() if not word.isspace()) for words in (one, other))
    both = sum(min(count, other[word]) for word, count in one.items() if not word.isspace())
    return 2 * both / (words_one + words_other) if words_one + words_other else 1.0


def _runs(before: str, after: str, effort: _Effort) -> Iterator[Run]:
    """Words that stayed, went and came. A lone gap or sign between two changes belongs to them: it is read in one go."""
    old, new = PIECES.findall(before), PIECES.findall(after)
    gone, come, kept = "", "", ""
    for (i, j), (k, m) in _gaps(old, new, effort):
        if (i, j) == (k, m):
            kept += old[i]
            continue
        if (gone or come) and kept.isspace():
            gone, come, kept = gone + kept, come + kept, ""
        elif kept or gone or come:
            yield from _told(gone, come, kept)
            gone = come = kept = ""
        gone, come = gone + "".join(old[i:k]), come + "".join(new[j:m])
    yield from _told(gone, come, kept)


def _told(gone: str, come: str, kept: str) -> Iterator[Run]:
    for kind, text in ((REMOVED, gone), (ADDED, come), (KEPT, kept)):
        if text:
            yield Run(kind, text)
