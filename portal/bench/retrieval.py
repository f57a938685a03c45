"""`portal bench retrieval`: rung by rung, how often the right article is found, how fast, and whether what ships beats plain hybrid."""

import json
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data import encoding, vectors
from data.errors import Refused
from data.measures import Share
from evals import statistics
from knowledge import retrieval
from knowledge.passages import Chunking, Published
from knowledge.retrieval import Asked, Combination, Library, Pick, rungs
from knowledge.retrieval.combination import KEYWORD_ONLY, LIVE, PLAIN_HYBRID, VECTORS_ONLY, climbing
from knowledge.retrieval.reranker import FEWEST
from portal.bench import apart, named

MOST = 20  # articles looked at
DRAWS = 2_000  # of questions, for the intervals of means
FOLDS = 7
FIGURES = ("r1", "r5", "mrr5", "recall20")
LIVE_NAME, PLAIN_NAME = "live", "hybrid"

Floats = npt.NDArray[np.float32]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    asked: Asked
    relevant: frozenset[str]


@dataclass(frozen=True)
class Step:
    """A rung's turn: the combination with it, and whether it remembers what was chosen for the other questions."""

    name: str
    title: str
    combination: Combination
    remembers: bool = False
    learns: bool = False


def run(
    articles: Path | None, questions: Path | None, *, size: int = 0, chunkings: bool = True, progress: Progress = lambda _doing: None
) -> dict[str, Any]:
    """In a portal of its own. Without files: conversations with product names that are made here."""
    if (articles is None) != (questions is None):
        raise Refused("Not measured: articles and questions belong together. Bring both: --articles FILE --questions FILE.")
    if articles is not None and questions is not None:
        known, asked = read(articles, questions)
    else:
        made = named.made()
        known, asked = _articles(made[0], "the made articles"), _questions(made[1], "the made questions")
    with apart.portal():
        vectors.install()
        remembering = Remembering()
        return measured(known, asked, remembering, size=size, chunkings=chunkings, progress=progress)


class Remembering:
    """The encoder in force; what it encoded once it does not again, so that rungs are timed without it. Its own time is told apart."""

    def __init__(self) -> None:
        encoder = encoding.in_force()
        if encoder is None:
            raise Refused("Not measured: the encoder could not be installed.")
        self._encoder, self._known = encoder, dict[str, Floats]()

    def __call__(self, texts: Sequence[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def afresh(self, texts: Sequence[str]) -> Floats:
        return self._encoder.encode(texts)


def measured(
    known: Sequence[Published],
    asked: Sequence[Question],
    encode: Any,
    *,
    size: int = 0,
    chunkings: bool = True,
    progress: Progress = lambda _doing: None,
) -> dict[str, Any]:
    answerable = [one for one in asked if one.relevant]
    if not answerable:
        raise Refused("Not measured: no question names an article that answers it.")
    told: dict[str, Any] = {
        "articles": len(known), "questions": len(answerable), "unanswerable": len(asked) - len(answerable), "rungs": [],
    }  # fmt: skip
    hits: dict[str, npt.NDArray[np.float64]] = {}
    libraries: dict[Chunking, Library] = {}
    for step in steps(answerable, chunkings=chunkings):
        progress(step.title)
        chunking = step.combination.chunking
        if chunking not in libraries:
            libraries[chunking] = retrieval.build(known, chunking=chunking, encode=encode)
        hits[step.name], waited = _answers(step, libraries[chunking], answerable)
        told["rungs"].append({"name": step.name, "title": step.title, **figures(hits[step.name]), "ms_p50": waited})
    told["passages"] = libraries[LIVE.chunking].size
    told["live"] = _live(told["rungs"], hits)
    told["encoding_ms_p50"] = _encoding_ms(libraries[LIVE.chunking], answerable, encode.afresh)
    if size:
        told["at_size"] = at_size(size)
    told["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return told


def steps(asked: Sequence[Question], *, chunkings: bool) -> list[Step]:
    """The ladder from below: each rung is added to those before it, with the weight that it has in what ships."""
    weights = dict(LIVE.weights)
    made = [Step("keyword", "Same words", KEYWORD_ONLY), Step("vectors", "Same meaning", VECTORS_ONLY)]
    if chunkings:
        made += [
            Step("hybrid_whole", "Both, whole articles", replace(PLAIN_HYBRID, chunking=Chunking("whole"))),
            Step("hybrid_window", "Both, windows of words", replace(PLAIN_HYBRID, chunking=Chunking("window"))),
        ]
    made += [
        Step("hybrid_rrf", "Both, by places", replace(PLAIN_HYBRID, fusion="rrf")),
        Step(PLAIN_NAME, "Both together (plain hybrid)", PLAIN_HYBRID),
    ]
    titles = {rung.name: rung.title for rung in retrieval.RUNGS}
    on = dict(PLAIN_HYBRID.weights)
    for rung in (rungs.TITLES, rungs.SENTENCES, rungs.ENTITIES, rungs.EXPANSION, rungs.CLASSIFICATION):
        if rung != rungs.CLASSIFICATION or any(one.asked.intent for one in asked):
            on[rung] = weights[rung]
            made.append(Step(rung, f"+ {titles[rung]}", climbing(**on), remembers=rung == rungs.CLASSIFICATION))
    made.append(Step("live_first_day", "What ships, before anybody chose an article", LIVE))
    if len(asked) >= FEWEST:  # all others were chosen for once
        before = LIVE.with_rungs(tuned=0.0)
        made.append(Step(rungs.PICKS, "+ Earlier choices, those for the other questions", before, remembers=True))
        made.append(Step(LIVE_NAME, "What ships: + Learned meaning, from the same choices", LIVE, remembers=True))
        if len(asked) * (FOLDS - 1) // FOLDS >= FEWEST:
            made.append(Step(rungs.RERANKER, "+ Learned order, from the other questions", LIVE, remembers=True, learns=True))
    return made


def _answers(step: Step, library: Library, asked: Sequence[Question]) -> tuple[npt.NDArray[np.float64], float]:
    """Figures of each question, and the milliseconds that half of them took at most. None is scored by what saw it."""
    rows = np.zeros((len(asked), len(FIGURES)))
    waited: list[float] = []
    folds = _folds(len(asked)) if step.remembers else [range(len(asked))]
    for own in folds:
        held, combination = library, step.combination
        if step.remembers:
            inside = set(own)
            chosen = [Pick(one.asked, slug) for place, one in enumerate(asked) if place not in inside for slug in sorted(one.relevant)]
            held = retrieval.with_picks(library, chosen)
            combination = retrieval.learned(held, chosen, combination) if step.learns else combination
        for place in own:
            retrieval.search(held, asked[place].asked, combination, most=MOST)  # its vectors are known from here on
            began = time.perf_counter()
            found = retrieval.search(held, asked[place].asked, combination, most=MOST)
            waited.append((time.perf_counter() - began) * 1000)
            rows[place] = scored([one.passage.slug for one in found], asked[place].relevant)
    return rows, round(float(np.median(waited)), 2)


def _folds(count: int) -> list[list[int]]:
    drawn = np.random.default_rng(0).permutation(count)
    return [sorted(int(place) for place in drawn[fold::FOLDS]) for fold in range(FOLDS) if fold < count]


def scored(slugs: Sequence[str], relevant: frozenset[str]) -> tuple[float, float, float, float]:
    """Whether the first is right, one of the first five, how early, and how many of all right ones are among the first twenty."""
    right = [slug in relevant for slug in slugs[:MOST]]
    first = next((place for place, hit in enumerate(right[:5]) if hit), None)
    return float(first == 0), float(first is not None), 0.0 if first is None else 1 / (first + 1), sum(right) / len(relevant)


def figures(rows: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Each with its 95 % interval: Wilson's for shares, questions drawn anew for means."""
    told: dict[str, Any] = {}
    drawn = np.random.default_rng(0).integers(len(rows), size=(DRAWS, len(rows)))
    for place, name in enumerate(FIGURES):
        column = rows[:, place]
        if name in ("r1", "r5"):
            low, high = Share(int(column.sum()), len(column)).interval
        else:
            low, high = (float(end) for end in np.percentile(column[drawn].mean(axis=1), (2.5, 97.5)))
        told |= {name: round(float(column.mean()), 4), f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}
    return told


def _live(measured_rungs: Sequence[dict[str, Any]], hits: dict[str, npt.NDArray[np.float64]]) -> dict[str, Any]:
    """What ships against plain hybrid, question by question."""
    name = LIVE_NAME if LIVE_NAME in hits else "live_first_day"
    own = next(row for row in measured_rungs if row["name"] == name)
    compared = {other: _against(hits[other], hits[PLAIN_NAME]) for other in ("live_first_day", name, rungs.RERANKER) if other in hits}
    told = {"name": name, "combination": LIVE.as_body(), "against_plain_hybrid": compared}
    return told | {figure: own[figure] for figure in FIGURES}


def _against(own: npt.NDArray[np.float64], plain: npt.NDArray[np.float64]) -> dict[str, Any]:
    first = statistics.pass_fail([bool(one) for one in own[:, 0]], [bool(one) for one in plain[:, 0]])
    recall = statistics.scored(own[:, 3].tolist(), plain[:, 3].tolist())
    return {
        "r1_difference": round(first.difference, 4), "r1_low": round(first.low, 4), "r1_high": round(first.high, 4),
        "r1_fixed": first.fixed, "r1_broken": first.broken,
        "recall20_difference": round(recall.difference, 4), "recall20_low": round(recall.low, 4), "recall20_high": round(recall.high, 4),
    }  # fmt: skip


def _encoding_ms(library: Library, asked: Sequence[Question], encode: Callable[[Sequence[str]], Floats]) -> float:
    """How long the texts of one question take that the encoder never saw."""
    waited = []
    for one in asked[:30]:
        lines = retrieval.look(library, one.asked, LIVE).lines
        began = time.perf_counter()
        encode(lines)
        waited.append((time.perf_counter() - began) * 1000)
    return round(float(np.median(waited)), 2)


# -- at size ------------------------------------------------------------------------------------------------------------------------------

WIDE = 384  # numbers in a vector
VOCABULARY = 30_000
WORDS, PASSAGES = 60, 5  # in a passage, in an article
ROUNDS, UPDATES = 30, 12
SHORT = "how do I return w{} that w{} broke and get w{} back"
LONG = "Hello, my w{} of w{} is w{}. I asked w{} about it and heard that w{} could not w{}. What shall I do with w{} now?"


def at_size(size: int) -> dict[str, Any]:
    """So many passages of made-up words with vectors drawn at random: how long a search and an update take, without the encoder's time."""
    rng = np.random.default_rng(0)
    published = list(_made_up(size // PASSAGES, rng))
    began = time.perf_counter()
    library = retrieval.build(published, encode=_drawn)
    told: dict[str, Any] = {"passages": library.size, "articles": library.articles, "build_seconds": round(time.perf_counter() - began, 1)}
    told["library_mb"] = round(_bytes(library) / 1e6)
    for name, text in (("question", SHORT), ("long_message", LONG)):
        told[f"{name}_ms_p50"], told[f"{name}_ms_p95"] = _waited(library, [Asked.of(_filled(text, rng)) for _ in range(ROUNDS)])
    conversations = [
        Asked.of([("customer", _filled(SHORT, rng)), ("rep", _filled(LONG, rng)), ("customer", _filled(SHORT, rng))]) for _ in range(ROUNDS)
    ]
    told["conversation_ms_p50"], told["conversation_ms_p95"] = _waited(library, conversations)
    told["update_seconds_most"] = _update_seconds(library, published)
    return told


def _made_up(count: int, rng: np.random.Generator) -> Iterable[Published]:
    """Words as often as in real texts: few very often, most seldom."""
    for number in range(count):
        drawn = np.minimum(rng.zipf(1.2, size=(PASSAGES, WORDS)), VOCABULARY)
        body = "\n\n".join(f"## Part {place}\n\n" + " ".join(f"w{word}" for word in words) + "." for place, words in enumerate(drawn))
        yield Published(f"article-{number}", 1, f"The W{number % 997} of w{rng.integers(VOCABULARY)}", body, area=f"area {number % 20}")


def _drawn(texts: Sequence[str]) -> Floats:
    rows = np.random.default_rng(len(texts)).standard_normal((len(texts), WIDE), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _filled(text: str, rng: np.random.Generator) -> str:
    return text.format(*(min(int(word), VOCABULARY) for word in rng.zipf(1.2, size=10)))


def _waited(library: Library, asked: Sequence[Asked]) -> tuple[float, float]:
    retrieval.search(library, asked[0])
    waited = []
    for one in asked:
        began = time.perf_counter()
        retrieval.search(library, one)
        waited.append((time.perf_counter() - began) * 1000)
    return round(float(np.percentile(waited, 50)), 1), round(float(np.percentile(waited, 95)), 1)


def _update_seconds(library: Library, published: list[Published]) -> float:
    """From one more published article to a search that finds it: the slowest of some in a row, small parts being put together meanwhile."""
    slowest = 0.0
    for number in range(UPDATES):
        new = Published(f"article-new-{number}", 1, f"Unheardof things {number}", f"The unheardof{number} thing is here.")
        published = [*published, new]
        began = time.perf_counter()
        library = retrieval.updated(library, published)
        found = retrieval.search(library, f"unheardof{number}")
        slowest = max(slowest, time.perf_counter() - began)
        if not found or found[0].passage.slug != new.slug:
            raise RuntimeError("a newly published article was not found first")
    return round(slowest, 3)


def _bytes(library: Library) -> int:
    """Of numbers and texts; what Python itself needs beside is in the peak."""
    part = library.parts[0]
    numbers = [part.starts, part.worth, *(one for held in (part.words, part.titles) for one in (held.starts, held.rows, held.adds))]
    texts = sum(len(passage.text) + len(passage.title) for passage in part.passages)
    return sum(one.nbytes for one in numbers) + (part.meanings.nbytes if part.meanings is not None else 0) + texts


# -- files --------------------------------------------------------------------------------------------------------------------------------


def read(articles: Path, questions: Path) -> tuple[list[Published], list[Question]]:
    known = _articles(_rows(articles, ARTICLE), articles.name)
    asked = _questions(_rows(questions, QUESTION), questions.name)
    slugs = {one.slug for one in known}
    if unknown := sorted({slug for one in asked for slug in one.relevant} - slugs):
        raise Refused(
            f"Not measured: {len(unknown)} of the articles that answer a question are not among the articles, first '{unknown[0][:80]}'."
        )
    return known, asked


ARTICLE, QUESTION = "{id, title, body}", "{id, text or messages, relevant: [ids of articles]}"


def _rows(path: Path, wanted: str) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as wrong:
        raise Refused(f"Not measured: {path} cannot be read. Each line is an object {wanted}.") from wrong
    if not rows:
        raise Refused(f"Not measured: {path} is empty. Each line is an object {wanted}.")
    return rows


def _articles(rows: Sequence[dict[str, Any]], name: str) -> list[Published]:
    try:
        made = [Published(str(row["id"]), 1, str(row["title"]), _body(row), area=str(row.get("area") or "")) for row in rows]
    except (KeyError, TypeError) as wrong:
        raise Refused(f"Not measured: {name} cannot be read. Each line is an object {ARTICLE}.") from wrong
    if len({one.slug for one in made}) < len(made):
        raise Refused(f"Not measured: in {name} two articles have the same id.")
    return made


def _body(row: dict[str, Any]) -> str:
    return str(row["body"] if "body" in row else row["content"])


def _questions(rows: Sequence[dict[str, Any]], name: str) -> list[Question]:
    try:
        return [
            Question(
                Asked.of(
                    [(str(one["role"]), str(one["text"])) for one in row["messages"]] if "messages" in row else str(row["text"]),
                    intent=str(row.get("intent") or ""),
                ),
                frozenset(map(str, row["relevant"])),
            )
            for row in rows
        ]
    except (KeyError, TypeError) as wrong:
        raise Refused(f"Not measured: {name} cannot be read. Each line is an object {QUESTION}.") from wrong


def table(told: dict[str, Any]) -> list[str]:
    """For people: a line a rung."""
    lines = [f"{'':58} {'R@1':>17} {'R@5':>17} {'MRR@5':>17} {'recall@20':>17} {'ms':>7}"]
    for row in told["rungs"]:
        shown = [f"{row[name] * 100:5.1f} ({row[f'{name}_low'] * 100:4.1f}–{row[f'{name}_high'] * 100:5.1f})" for name in FIGURES]
        lines.append(f"{row['title']:58} " + " ".join(f"{one:>17}" for one in shown) + f" {row['ms_p50']:7.1f}")
    for name, against in told["live"]["against_plain_hybrid"].items():
        lines.append(
            f"{name} against plain hybrid: R@1 {against['r1_difference'] * 100:+.1f} ({against['r1_low'] * 100:+.1f} to "
            f"{against['r1_high'] * 100:+.1f}; {against['r1_fixed']} fixed, {against['r1_broken']} broken), recall@20 "
            f"{against['recall20_difference'] * 100:+.1f} ({against['recall20_low'] * 100:+.1f} to {against['recall20_high'] * 100:+.1f})"
        )
    return lines
