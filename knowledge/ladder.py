"""The ladder: a frozen set is climbed rung by rung. What each way to find brings and costs, and which one is not worth it.

A rung that a version has stays on for those above it; one that it lacks is tried in its place and taken off again. What learns from choices
learns from those of other questions only: the set is parted, and each part is told by what learned from the others.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlmodel import col, select

from classifiers.evidence import share_of
from data import access, labels, releases, store
from data.errors import Refused
from data.measures import percent
from data.tables import Case, EvalSet, Person, SetVersion, Study
from data.values import Target, now
from evals import sets, verdict
from knowledge import answerers, as_written, in_force, shelf
from knowledge.manner import Writer
from knowledge.rephrased import rephrased
from knowledge.retrieval import reranker
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.combination import LIVE, Combination
from knowledge.retrieval.rungs import HYBRID, KEYWORD, RERANKER, RUNGS, VECTORS, Rung
from knowledge.steps import PARTED, Climb, Hits, Question, Step, choices, chosen, has, steps

KIND = "ladder"
DRAWS = 2_000  # of questions, for the interval of a mean
LATELY = 50  # climbs that are looked through for a set's newest
BOTH = next(rung.title for rung in RUNGS if rung.name == HYBRID)
BOTTOM, FOUND, NOTHING, OPEN = "first", "worth it", "not worth it", "open"  # what a step up is worth

Progress = Callable[[float, str], None]


# -- climbing -----------------------------------------------------------------------------------------------------------------------------


def climb(
    target: Target, set_version_id: str, *, by: Person, writer: Writer | None = None, rephrases: bool = False,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Study:  # fmt: skip
    """Each rung of a version on a frozen set, kept beside the version. What ships is kept as a version first, so that it can be.
    Where a writer is given and the version writes, what it would quote is written too. A model's words for each question are a rung where
    the version has it or somebody wants to know: each is a call."""
    access.require(by, "answerer.make")
    access.require(by, "eval_set.read")
    if not in_force.anything_published():
        raise Refused("Not climbed: no article is published, so nothing can be found. Publish some on the page Knowledge.")
    questions = _questions(sets.cases(set_version_id))
    answerable = [one for one in questions if one.wanted]
    if not answerable:
        raise Refused("Not climbed: no case of this set names the article that answers it. Name them on the page Eval sets, and freeze it.")
    setup = answerers.setup_of(target)
    told = {**_about(set_version_id, target), "questions": len(questions), "answerable": len(answerable)}
    told |= _climbed(Climb(setup, questions), progress, target.number, writer, rephrases or setup.rephrases)
    version = answerers.version_of(target, by=by, at=at)
    with store.writing() as db:
        made = Study(
            version_id=version.id, kind=KIND, told=told | {"answerer": version.target_number}, by_person_id=access.whose(by), at=at or now()
        )
        db.add(made)
        return made


def _questions(cases: Sequence[Case]) -> list[Question]:
    """Cases that say which article answers them, or that none does. The intent is what the live classifier says: a person's is not there
    either when a customer asks."""
    judged = [case for case in cases if "articles" in case.expected or case.expected.get("decline")]
    messages = [sets.asked_of(case) for case in judged]
    customers = [case.customer_id for case in judged]
    return [
        Question(
            told, Asked.of([(str(one.get("role")), str(one.get("text") or "")) for one in told], intent=intent),
            frozenset(case.expected.get("articles") or ()), case.customer_id, part,
        )
        for case, told, intent, part in zip(judged, messages, _intents(judged), _parts(customers), strict=True)
    ]  # fmt: skip


def _intents(cases: Sequence[Case]) -> list[str]:
    live = releases.live("classifier", labels.INTENT)
    if live is None or not cases:
        return [""] * len(cases)
    from classifiers import serving  # opens a model: only where it is climbed

    names = labels.names()
    said = serving.guess(releases.target_of(live), [sets.text_of(case) for case in cases])
    return [names.get(one.label_id or "", "") for one in said]


def _parts(customers: Sequence[str | None]) -> list[int]:
    """Questions of one customer are alike: they stay in one part."""
    keys = [customer or str(place) for place, customer in enumerate(customers)]
    order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    drawn = np.random.default_rng(0).permutation(len(order)) % PARTED
    return [int(drawn[order[key]]) for key in keys]


def _about(set_version_id: str, target: Target) -> dict[str, Any]:
    with store.reading() as db:
        version = db.get_one(SetVersion, set_version_id)
        eval_set = db.get_one(EvalSet, version.eval_set_id)
    return {
        "set_version_id": version.id, "eval_set_id": eval_set.id, "eval_set": eval_set.name, "set_number": version.number,
        **in_force.mark(), "articles": len(in_force.numbers()), "answerer": target.number,
    }  # fmt: skip


def _climbed(climb: Climb, progress: Progress, version: int, writer: Writer | None, rephrases: bool) -> dict[str, Any]:
    wanted, skipped = steps(climb.setup.combination, climb.questions, encoded=climb.encode is not None)
    writes = writer if climb.setup.writes else None
    share, encoding_ms = 1 / (len(wanted) + 2 + 2 * rephrases + (writes is not None)), climb.encoding_ms()

    def part(number: int) -> Progress:
        return lambda done, doing: progress((number + rephrases + done) * share, doing)

    if rephrases:
        more = rephrased(climb, _top(wanted), writer, part(-1))
        wanted, skipped = ([*wanted, more], skipped) if isinstance(more, Step) else (wanted, [*skipped, more])
    hits = {step.rung.name: climb.hits(step, part(number)) for number, step in enumerate(wanted)}
    told = _told(wanted, hits, climb.customers)
    ordering = any(row["name"] == RERANKER and row["worth"] in (FOUND, OPEN) for row in told)
    taken = len({one.asked for one in climb.people_chose(shelf.current(climb.setup.combination))})
    learns = ordering and taken >= reranker.FEWEST
    best_of = best({"rungs": told, "skipped": skipped}, climb.setup.combination, learns=learns)
    top = _top(wanted)
    if _same(best_of, top.combination) and learns == top.learns:
        suggested: dict[str, Any] = {"sentence": "That is how it finds already: no rung has to go, and none to come."}
    else:
        now_is = Step(Rung("now", "As it finds now", ""), climb.setup.combination, True, (), today=True, others=top.others)
        last = Step(Rung("best", "What is worth it", ""), best_of, True, (), learns, today=not learns, others=top.others)
        before, after = climb.hits(now_is, part(len(wanted))), climb.hits(last, part(len(wanted) + 1))
        suggested = _suggested(after, before, climb)
    if ordering and not learns:
        first = percent(next(row["r1"]["value"] for row in told if row["name"] == RERANKER))
        suggested["later"] = (
            f"Learned order put the right article first in {first}. It learns from {reranker.FEWEST} questions for which people took an "
            f"answer; beside these there {'is' if taken == 1 else 'are'} {taken:,}."
        )
    suggested |= {"rungs": sorted(has(best_of)), "learns": learns}
    return {
        "rungs": told, "skipped": skipped, "best": suggested, "sentence": _sentence(told, len(climb.answerable)),
        "encoding_ms": round(encoding_ms, 1),
    } | ({"written": _written(climb, top, version, writes, part(len(wanted) + 2))} if writes else {})  # fmt: skip


def _top(wanted: Sequence[Step]) -> Step:
    """The last one that the version has."""
    return next(step for step in reversed(wanted) if step.on or step is wanted[0])


def _written(climb: Climb, top: Step, version: int, writer: Writer, progress: Progress) -> dict[str, Any]:
    """The climb stands whatever the endpoint does."""
    try:
        return as_written.measure(climb, top, version, writer, progress)
    except Refused as refused:
        return {"sentence": f"Not measured as written: {refused}"}


def _same(one: Combination, other: Combination) -> bool:
    return sorted(one.by_part.items()) == sorted(other.by_part.items()) and one.chunking == other.chunking


# -- what it is worth ---------------------------------------------------------------------------------------------------------------------


def _told(wanted: Sequence[Step], hits: Mapping[str, Hits], customers: Sequence[str | None]) -> list[dict[str, Any]]:
    before = {step.rung.name: max(step.against, key=lambda name: sum(hits[name].first)) for step in wanted if step.against}
    found = {name: verdict.of_passes(hits[name].first, hits[other].first, customers) for name, other in before.items()}
    judged = verdict.judge_all(found)  # so many rungs are asked at once: each has to be the surer
    rows = []
    for step in wanted:
        name = step.rung.name
        row = {"name": name, "title": step.rung.title, "on": step.on, **figures(hits[name])}
        rows.append(
            row
            | (
                {"against": before[name], **_worth(step.rung.title, judged[name], len(judged), _paid(step))}
                if name in judged
                else {"worth": BOTTOM}
            )
        )
    return rows


def figures(hits: Hits) -> dict[str, Any]:
    """Each with its 95 % interval: Wilson's for shares, questions drawn anew for the mean."""
    places, n = hits.places, len(hits.places)
    early = np.array([0.0 if place is None else 1 / (place + 1) for place in places])
    low, high = np.percentile(early[np.random.default_rng(0).integers(n, size=(DRAWS, n))].mean(axis=1), (2.5, 97.5))
    mean = {"value": round(float(early.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": n}
    return {
        "r1": share_of(sum(hits.first), n), "r5": share_of(sum(place is not None for place in places), n), "mrr5": mean,
        "answers": share_of(sum(hits.answers), len(hits.answers)), "ms": round(hits.ms, 1),
    }  # fmt: skip


def _worth(title: str, found: verdict.Verdict, asked: int, paid: str = "") -> dict[str, Any]:
    one = found.found
    said = found.verdict if found.verdict in ("better", "worse") else "cannot tell"
    stays = one.difference > 0 or title == BOTH  # words find numbers and names that meaning does not: neither goes without a reason
    worth = FOUND if said == "better" else OPEN if said == "cannot tell" and stays else NOTHING
    apart = said == "cannot tell" and (one.low > 0 or one.high < 0)
    chance = f": of {asked} rungs asked at once one may look so by chance" if apart else ""
    words = f"{title}: {_points(one)}, {said} on {one.n:,} questions{chance}.{paid}"
    return {
        "verdict": said, "worth": worth, "difference": one.difference, "low": one.low, "high": one.high, "p": found.p,
        "sentence": words, "points": _points(one).replace(" points", "").replace(" point", ""),
    }  # fmt: skip


def _paid(step: Step) -> str:
    """Of a model's words."""
    cost, missing = sum(one.cost for one in step.others.values()), sum(one.fault for one in step.others.values())
    left = f" For {missing:,} the endpoint gave none." if missing else ""
    return (f" {len(step.others):,} calls cost {cost:,.4f}." if cost else "") + left


def _points(found: Any) -> str:
    """+4 points (−1 to +9)"""
    gain, low, high = (verdict.points(share).replace("-", "−") for share in (found.difference, found.low, found.high))
    return f"{gain} {'point' if gain in ('+1', '−1') else 'points'} ({low} to {high})"


def _suggested(own: Hits, before: Hits, climb: Climb) -> dict[str, Any]:
    """What is worth it, climbed too, beside the version with the choices that there are: that these questions chose it flatters it."""
    judged = verdict.judge(verdict.of_passes(own.first, before.first, climb.customers))
    said = judged.verdict if judged.verdict in ("better", "worse") else "cannot tell"
    words = f"Beside how it finds today: {_points(judged.found)}, {said}; {own.ms:.1f} ms instead of {before.ms:.1f}."
    return {**figures(own), "sentence": f"{words} It was chosen by these questions: on others expect a little less."}


def _sentence(told: Sequence[Mapping[str, Any]], n: int) -> str:
    lost = [row["title"] for row in told if row["worth"] == NOTHING]
    open_ones = [row["title"] for row in told if row["worth"] == OPEN]
    words = [f"Not worth it on {n:,} questions: {', '.join(lost)}." if lost else f"On {n:,} questions every rung gained something."]
    if open_ones:
        words.append(f"Cannot tell yet: {', '.join(open_ones)}. More questions would.")
    return " ".join(words)


def best(told: Mapping[str, Any], combination: Combination = LIVE, *, learns: bool = False) -> Combination:
    """The rungs that were worth it, and those of which it cannot be told yet. A learned order weighs the rungs
    below it itself: where it is taken, they stay as it was measured with them."""
    kept = {row["name"] for row in told["rungs"] if row["worth"] in (FOUND, OPEN)}
    kept |= {row["name"] for row in told["skipped"]} & has(combination)  # nothing is known against them
    if learns:
        return chosen(has(combination) - {RERANKER}, combination)
    ground = {KEYWORD, VECTORS} if HYBRID in kept else {VECTORS} if VECTORS in kept else {KEYWORD}
    return chosen(ground | (kept - {KEYWORD, VECTORS, HYBRID, RERANKER}), combination)


# -- a candidate, and what is kept ------------------------------------------------------------------------------------------------------


def in_order(combination: Combination, set_version_id: str, *, by: Person) -> Combination:
    """With what people's choices teach about how much each rung counts. The questions of the set teach nothing: they test it."""
    access.require(by, "answerer.make")
    own = {Asked.of([(str(one["role"]), str(one["text"])) for one in sets.asked_of(case)]).text for case in sets.cases(set_version_id)}
    library = shelf.current(combination)
    return reranker.learned(library, choices(library, own), combination)


def newest(eval_set_id: str, *, by: Person, number: int | None = None) -> Study | None:
    """The last climb of a set, of one version or of any."""
    access.require(by, "article.read")
    access.require(by, "eval_set.read")
    with store.reading() as db:
        found = db.exec(select(Study).where(Study.kind == KIND).order_by(col(Study.at).desc(), col(Study.id).desc()).limit(LATELY))
        return next(
            (one for one in found if one.told["eval_set_id"] == eval_set_id and number in (None, one.told["answerer"])), None
        )  # fmt: skip


def grown_old(study: Study) -> str:
    """What changed since; empty where nothing did."""
    latest = sets.latest(study.told["eval_set_id"])
    if latest is not None and latest.id != study.told["set_version_id"]:
        return f"The set was frozen anew since, as number {latest.number}."
    return "" if in_force.is_as_marked(study.told) else "Other articles were published or taken out of use since."
