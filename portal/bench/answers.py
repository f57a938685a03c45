"""`portal bench answers`: of the answers given, how many stand on the right article, where some questions have none, and how fast it is.

Who judges is the file: a question names the articles that answer it, and none where nothing does. The answerer learns its surety and its
threshold from one part of the questions and is measured on the other, several times, so no question is answered by what learned from it.
Beside it stands what ships. What of an article may be quoted is encoded when it is published, as in a portal; the time of an answer is that
of finding, choosing and deciding, the question's own encoding included.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data import vectors
from data.errors import Refused
from data.measures import Share
from knowledge import evidence, extractive, quotable, retrieval, surety
from knowledge.evidence import Encode
from knowledge.passages import Published, cut
from knowledge.surety import Judged, Surety
from portal.bench import apart
from portal.bench.retrieval import Question, read
from portal.bench.serving import read as read_rows

PARTS = 5
PER_ARTICLE = 8  # of the texts of an intent, where articles are made from intents
MOST = 1_000  # questions of one made set
TIMED = 100  # questions


@dataclass(frozen=True)
class Answered:
    """What became of one question."""

    judged: Judged
    first_found: bool  # the first article that retrieval found is a right one
    ms: float
    has_article: bool


@dataclass(frozen=True)
class Measured:
    """What is measured of an answerer."""

    target: float = surety.TARGET
    seeds: int = 3
    by_words: bool = False  # without the encoder
    size: int = 0  # also among so many made-up passages
    weights: bool = False  # also what is learned from all of it


def run(
    asked: Measured, articles: Path | None, questions: Path | None, train: Sequence[Path] = (), test: Sequence[Path] = ()
) -> dict[str, Any]:
    """On articles and questions that somebody brings, or on articles that are made of intents."""
    if bool(articles and questions) == bool(train and test) or len(train) != len(test):
        raise Refused("Not measured: bring --articles and --questions, or as many --train as --test files.")
    drawn = [read(articles, questions)] if articles and questions else _made(train, test, asked.seeds)
    with apart.portal():
        sets = [answered(*each, by_words=asked.by_words) for each in drawn]
        told = figures(sets, target=asked.target, seeds=asked.seeds if articles else 1) | {"articles": len(drawn[0][0])}
        if asked.size:
            told |= timed(*drawn[0], size=asked.size, by_words=asked.by_words)
    if asked.weights:
        told["weights"] = surety.from_nothing([one.judged for each in sets for one in each], target=asked.target).as_json()
    return told


def _made(train: Sequence[Path], test: Sequence[Path], seeds: int) -> list[tuple[list[Published], list[Question]]]:
    """Of each pair of files, for each seed, one half of the intents has articles."""
    drawn = []
    for learn, ask in zip(train, test, strict=True):
        learned, asked = (read_rows(path, ("text", "label")) for path in (learn, ask))
        if len({row["label"] for row in learned}) < 4:
            raise Refused(f"Not measured: {learn.name} has fewer than 4 labels, of which half are to have an article.")
        drawn += [made(learned, asked, seed) for seed in range(seeds)]
    return drawn


def made(
    learned: Sequence[Mapping[str, str]], asked: Sequence[Mapping[str, str]], seed: int, *, per_article: int = PER_ARTICLE, most: int = MOST
) -> tuple[list[Published], list[Question]]:
    """The articles and the questions of one half of the intents, drawn by the seed."""
    random = np.random.default_rng(seed)
    labels = sorted({row["label"] for row in learned})
    chosen = sorted(random.permutation(len(labels))[: len(labels) // 2].tolist())
    having = {labels[place] for place in chosen}
    articles = []
    for label in sorted(having):
        texts = [row["text"] for row in learned if row["label"] == label]
        drawn = sorted(random.permutation(len(texts))[:per_article].tolist())
        title = label.replace("_", " ").capitalize()
        articles.append(Published(label, 1, title, "\n\n".join(texts[place] for place in drawn)))
    rows = [asked[place] for place in random.permutation(len(asked))[:most].tolist()]
    return articles, [Question(retrieval.Asked.of(row["text"]), frozenset({row["label"]} & having)) for row in rows]


# -- answering ----------------------------------------------------------------------------------------------------------------------------


def answered(published: Sequence[Published], asked: Sequence[Question], *, by_words: bool = False) -> list[Answered]:
    """Every question by the code that ships. In a portal of its own, where the vectors of what is published are kept."""
    kept, one_time = (None, None) if by_words else _encoders()
    library = retrieval.build(published, encode=kept, encode_asked=one_time)
    if kept:
        kept(list(dict.fromkeys(text for one in published for passage in cut(one) for text in quotable.texts(passage))))
    return [_answered(library, question, one_time) for question in asked]


def _encoders() -> tuple[Encode, Encode]:
    """For what is published, whose vectors are kept, and for what is asked, which looks them up."""
    vectors.install()
    encoder = vectors.installed()
    if encoder is None:
        raise Refused("Not measured: no encoder is installed. Install it first: portal encoder install.")
    return lambda texts: vectors.kept(texts, encoder), lambda texts: vectors.of(texts, encoder)


def _answered(library: retrieval.Library, question: Question, encode: Encode | None) -> Answered:
    began = time.perf_counter()
    found = retrieval.search(library, question.asked, most=evidence.MOST_ARTICLES, per_article=evidence.PER_ARTICLE)
    seen = evidence.look(evidence.asked_now([{"role": role, "text": text} for role, text in question.asked.messages]), found, encode)
    extractive.decided(seen, threshold=0.0)  # chooses its sentences for every question, which takes longest
    ms = (time.perf_counter() - began) * 1000
    nearest = seen.articles[0].slug if seen.articles else ""
    first = found[0].passage.slug if found else ""
    return Answered(Judged(surety.signs(seen), nearest in question.relevant), first in question.relevant, ms, bool(question.relevant))


def timed(published: Sequence[Published], asked: Sequence[Question], *, size: int, by_words: bool) -> dict[str, Any]:
    """The same questions among so many passages more, of made-up words and with vectors drawn by chance: only time is told of them."""
    random = np.random.default_rng(0)
    words = np.array([f"{first}{last}" for first in "bdfgklmnprst" for last in ("ola", "erin", "amo", "ute", "isk", "ando", "emi", "oru")])
    texts = ["\n\n".join(" ".join(random.choice(words, 14)).capitalize() + "." for _ in range(5)) for _ in range(size)]
    filling = [Published(f"filling-{number}", 1, f"Filling {number}", text) for number, text in enumerate(texts)]
    drawn: dict[str, Any] = {}
    encode = None if by_words else _encoders()[1]

    def kept(told: Sequence[str]) -> Any:
        """What is published stands in memory: all that is new is the question."""
        for text in told:
            if text not in drawn:
                row = random.normal(size=384).astype(np.float32)
                drawn[text] = row / np.linalg.norm(row)
        return np.stack([drawn[text] for text in told])

    def looked_up(told: Sequence[str]) -> Any:
        if encode is None or all(text in drawn for text in told):
            return kept(told)
        new = [text for text in told if text not in drawn]
        own = dict(zip(new, encode(new), strict=True))
        return np.stack([own[text] if text in own else drawn[text] for text in told])

    everything = [*published, *filling]
    library = retrieval.build(everything, encode=None if by_words else kept, encode_asked=None if by_words else looked_up)
    if not by_words:
        kept([text for one in everything for passage in cut(one) for text in quotable.texts(passage)])
    waited = [_answered(library, one, None if by_words else looked_up).ms for one in asked[:TIMED]]
    return {"passages": library.size, "among_them_ms_p50": round(float(np.median(waited)), 2), "among_them_ms_p95": _late(waited)}


def _late(waited: Sequence[float]) -> float:
    return round(float(np.percentile(waited, 95)), 2)


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def figures(sets: Sequence[Sequence[Answered]], *, target: float, seeds: int) -> dict[str, Any]:
    """Over all sets and seeds, and each seed beside, since sets share questions: the bound is that of one."""
    every = [one for told in sets for one in told]
    having = [one for one in every if one.has_article]
    if not having:
        raise Refused("Not measured: no question names an article that answers it.")
    rounds = [_crossed([one.judged for one in told], target, seed) for told in sets for seed in range(seeds)]
    with_vectors = all("likeness" in one.judged.signs for one in every if one.judged.signs)
    shipped = [_spoken(surety.shipped(vectors=with_vectors), [one.judged for one in told]) for told in sets]
    return {
        "questions": len(sets[0]), "without_article": sum(not one.has_article for one in sets[0]), "target": target, "rounds": len(rounds),
        **_told(rounds), "rounds_below_target": sum(right.n > 0 and right.value < target for right, _ in rounds),
        "each_round": "; ".join(f"{right.k} of {right.n}" for right, _ in rounds), "shipped": _told(shipped),
        "right_article_first": round(sum(one.judged.right for one in having) / len(having), 4),
        "retrieval_first": round(sum(one.first_found for one in having) / len(having), 4),
        "encoder": with_vectors, "ms_p50": round(float(np.percentile([one.ms for one in every], 50)), 2),
        "ms_p95": _late([one.ms for one in every]),
    }  # fmt: skip


def _crossed(judged: Sequence[Judged], target: float, seed: int) -> tuple[Share, int]:
    """Right answers of those given, and questions; each part is answered by what learned from the others."""
    part = np.random.default_rng(seed).permutation(len(judged)) % PARTS
    right = given = 0
    for number in range(PARTS):
        share, _ = _spoken(
            _learned([one for one, mine in zip(judged, part, strict=True) if mine != number], target),
            [one for one, mine in zip(judged, part, strict=True) if mine == number],
        )
        right, given = right + share.k, given + share.n
    return Share(right, given), len(judged)


def _learned(judged: Sequence[Judged], target: float) -> Surety:
    """Too few teach nothing: then what ships answers, as in a portal."""
    if len(judged) < surety.FEWEST:
        return surety.shipped(vectors=all("likeness" in one.signs for one in judged if one.signs))
    return surety.fit(judged, target=target)[0]


def _spoken(sure: Surety, judged: Sequence[Judged]) -> tuple[Share, int]:
    given = [one for one in judged if sure.of(one.signs) >= sure.threshold]
    return Share(sum(one.right for one in given), len(given)), len(judged)


def _told(rounds: Sequence[tuple[Share, int]]) -> dict[str, Any]:
    right, given, asked = (sum(values) for values in zip(*((share.k, share.n, n) for share, n in rounds), strict=True))
    many = len(rounds)
    return {
        "precision": round(right / given, 4) if given else None,
        "precision_low": round(surety.lowest(round(right / many), round(given / many)), 4),  # Clopper and Pearson, one-sided, of one round
        "coverage": round(given / asked, 4), "answered": round(given / many, 1), "declined": round((asked - given) / many, 1),
    }  # fmt: skip
