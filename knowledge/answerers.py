"""The answerer's versions: how it finds, how it answers, from where on it keeps silent. Made, compared and released as a classifier is."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from data import access, approvals, audit, config, connections, encoding, labels, releases, settings, store, vectors, versions
from data.errors import Refused
from data.masking import masked
from data.tables import Case, Person, Proposal, Release, Version
from data.values import Target
from evals import candidates, runs, sets, slow
from evals.candidates import Evidence, Progress
from evals.graders.face import Graders, Output
from knowledge import ANSWERER, diff, evidence, extractive, manner, other_words, shelf, surety, written
from knowledge.manner import Writer
from knowledge.other_words import OtherWords
from knowledge.retrieval.combination import LIVE, Combination
from knowledge.retrieval.library import Found
from knowledge.retrieval.rungs import FEATURES, PARTS, SENTENCES
from language import tongue

NAME = "answerer"
PLAIN = Target(ANSWERER, NAME, 0)  # what answers as long as no version was approved: word for word, and cautious
LONGEST = 8_000  # characters of instructions
MEASURED = "knowledge"  # the purpose of the sets that releases of it are measured on
MOST_FOUND = 20  # passages that an answer is made of
WAITS = 3  # times a writer's own time that a case may take: it waits for its turn, and finds its passages
ASKED_OF_A_PERSON = "A person answers this: the intent is one that people keep for themselves."
NO_ENDPOINT = "has a model write its answers, and no model endpoint is set"
SET_ONE = "An engineer or an admin can propose one under Installation."
WRITES_NOW = "A model writes its answers; before they were quoted."
QUOTES_NOW = "Its answers are quoted; before a model wrote them."
REPHRASES_NOW = "a model says the question in other words too"
AS_ASKED_NOW = "the question is looked for as it was asked, not in a model's words too"

Message = Mapping[str, Any]  # role, text


@dataclass(frozen=True)
class Setup:
    """What a version consists of."""

    combination: Combination = LIVE
    instructions: str = ""  # to the model that writes, where there is one
    surety: str | None = None  # learned from judged questions; None: the one that ships
    threshold: float | None = None  # it speaks from here on; None: as the surety says
    asks_person: tuple[str, ...] = ()  # intents that people answer, by their ids
    examples: int = 0  # strong replies that it is shown, where a model writes
    writes: bool = False  # whether a model writes what it would quote; what was kept before this was part of a version quotes
    rephrases: bool = False  # whether a model first says the question in other words, which are looked for too

    def as_body(self) -> dict[str, Any]:
        return vars(self) | {"combination": self.combination.as_body(), "asks_person": list(self.asks_person)}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Setup":
        told = {**body, "combination": _in_order(Combination.of(body["combination"])), "asks_person": tuple(body["asks_person"])}
        return cls(**told)


def _in_order(kept: Combination) -> Combination:
    """PostgreSQL keeps no order of names: rungs are added up in the same one on both engines, so that the same scores come of it."""
    rungs_on, learned = dict(kept.weights), dict(kept.learned)
    return replace(
        kept, weights=tuple((name, rungs_on[name]) for name in PARTS if name in rungs_on),
        learned=tuple((name, learned[name]) for name in FEATURES if name in learned),
    )  # fmt: skip


def setup_of(target: Target) -> Setup:
    return Setup() if target.number == 0 else _kept(str(config.settings().home.absolute()), config.settings().database_url, target)


@lru_cache(maxsize=20)
def _kept(_home: str, _url: str, target: Target) -> Setup:
    return Setup.of(versions.get(target).body)


def target_in_force() -> Target:
    live = releases.live(ANSWERER, NAME)
    return releases.target_of(live) if live else PLAIN


def in_force() -> Setup:
    return setup_of(target_in_force())


def make(setup: Setup, *, why: str, by: Person, at: datetime | None = None) -> Version:
    """A candidate: it answers nobody until it was compared, approved and released."""
    access.require(by, "answerer.make")
    if len(setup.instructions) > LONGEST:
        raise Refused(f"Not made: instructions have at most {LONGEST:,} characters, these have {len(setup.instructions):,}.")
    if not 0 <= setup.examples <= written.MOST_EXAMPLES:
        raise Refused(f"Not made: it is shown 0 to {written.MOST_EXAMPLES} worked examples, not {setup.examples:,}.")
    if why_not := cannot_rephrase(setup):
        raise Refused(f"Not made: {why_not}")
    if setup.threshold is not None and not 0 <= setup.threshold <= 1:
        raise Refused("Not made: it speaks from 0 to 100 % sure on.")
    if setup.surety is not None:
        surety.Surety.of_json(setup.surety)  # refused where it cannot be read, not when a customer asks
    if unknown := set(setup.asks_person) - set(labels.names()):
        raise Refused(f"Not made: {len(unknown)} of the intents that a person answers are not there any more.")
    with store.writing() as db:
        made = versions.add(db, ANSWERER, NAME, by=by, manifest={"why": masked(why.strip())}, body=setup.as_body(), authors=[by.id], at=at)
        audit.record(
            db, by, "made", "answerer", made.id, f"Made {NAME} {made.target_number}: {made.manifest['why'] or 'no reason was given'}", at=at
        )
        return made


def cannot_rephrase(setup: Setup) -> str:
    """Why a model's words would change nothing; empty where they may, or where none are asked for."""
    if setup.rephrases and not setup.writes:
        return "a question is said in other words only where a model writes the answers, for both take the time that a model takes."
    if setup.rephrases and not setup.combination.on(SENTENCES):
        return "a question in other words is looked for sentence by sentence, and 'Each sentence' is off. Switch it on."
    return ""


def version_of(target: Target, *, by: Person, at: datetime | None = None) -> Version:
    """What ships is kept as a version first, so that something can be kept beside it."""
    access.require(by, "answerer.make")
    if target.number:
        return versions.get(target)
    known = [one for one in versions.all_of(ANSWERER, NAME) if Setup.of(one.body) == Setup.of(Setup().as_body())]
    return known[0] if known else make(Setup(), why="What ships, kept so that it can be measured.", by=by, at=at)


# -- what it says -------------------------------------------------------------------------------------------------------------------------


def answer(
    target: Target, messages: Sequence[Message], *, for_staff: bool = False, intent_id: str | None = None, writer: Writer | None = None
) -> tuple[dict[str, Any], list[Found]]:
    """To what is asked at the end of the messages: sentences with their passages, or silence. And what was found for it.

    Where a writer is given and the version writes, what would be quoted is written: from the same passages, to its instructions. Some
    versions have it say the question in other words first, and look for those too.
    """
    setup = setup_of(target)
    question = evidence.asked_now(messages)
    if intent_id in setup.asks_person:
        return _silent(question, ASKED_OF_A_PERSON), []
    names = labels.names() if intent_id else {}
    other = other_words.ask(question, writer) if writer and setup.rephrases else None
    found, quoted = found_for(messages, setup, other, intent=names.get(intent_id or "", ""), for_staff=for_staff)
    told = told_of(messages, found, quoted, setup, writer=writer, number=target.number)
    return told | ({"other_words": other.as_body()} if other else {}), found


def found_for(
    messages: Sequence[Message], setup: Setup, other: OtherWords | None = None, *, intent: str = "", for_staff: bool = False
) -> tuple[list[Found], extractive.Answer]:  # fmt: skip
    """What is found and what is quoted of it: by what the customer wrote, with a model's words beside it. Where that is answered by
    silence, by the model's words alone, as if the customer had chosen them."""
    question, lines = evidence.asked_now(messages), other.lines if other else ()
    found = shelf.find(messages, setup.combination, intent=intent, for_staff=for_staff, most=MOST_FOUND, extra=lines)
    quoted = said_to(question, found, setup)
    if not quoted.declined or not lines:
        return found, quoted
    instead = " ".join(lines)
    again = shelf.find(other_words.as_asked(lines), setup.combination, intent=intent, for_staff=for_staff, most=MOST_FOUND)
    second = said_to(instead, again, setup)
    return (found, quoted) if second.declined else (again, second)


def told_of(
    messages: Sequence[Message], found: Sequence[Found], quoted: extractive.Answer, setup: Setup, *, writer: Writer | None = None,
    number: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """From passages that were found already; `number` is the version whose instructions these are. One that quotes uses no writer."""
    question = evidence.asked_now(messages)
    if writer is None or not setup.writes:
        return _told(question, quoted, found)
    instructions = written.Instructions(setup.instructions, number)
    said, kept = manner.write(messages, found, quoted, writer=writer, instructions=instructions, most_examples=setup.examples)
    told = _told(question, said, found) | ({"written": kept, "note": kept["why"]} if kept else {})
    return told | ({"model": kept["model"]} if kept.get("by_model") else {})


def said_to(question: str, found: Sequence[Found], setup: Setup) -> extractive.Answer:
    if not question:  # a rep's words alone are found too; they ask nothing
        return extractive.Answer((), 0.0, True, "Nothing was asked.")
    encoder = encoding.in_force()
    if encoder is not None and not encoder.speaks(tongue.of(question)):
        # in its vectors every text of another language is like every other: words decide, and what was learned with vectors says nothing
        sure = surety.shipped(vectors=False)
        return extractive.answer(question, found, sure=sure, threshold=max(sure.threshold, setup.threshold or 0.0), pieces=shelf.pieces)
    kept = surety.Surety.of_json(setup.surety) if setup.surety else None
    return extractive.answer(
        question, found, encode=(lambda texts: vectors.of(texts, encoder)) if encoder else None, sure=kept,
        threshold=setup.threshold, pieces=shelf.pieces,
    )  # fmt: skip


def _told(question: str, answer: extractive.Answer, found: Sequence[Found]) -> dict[str, Any]:
    """As it is kept and shown."""
    told = answer.as_output() | {"question": question, "why": answer.why, "sentences": [], "sources": []}
    places: dict[str, int] = {}
    for said in answer.sentences:
        place = places.setdefault(said.passage.id, len(places))
        told["sentences"].append({"text": said.text, "source": place})
        if place == len(told["sources"]):
            told["sources"].append(_source(said.passage) | {"quote": said.quote})
    nearest = next((one.passage for one in found if one.passage.slug == answer.nearest), None)
    return told | ({"nearest": _source(nearest)} if nearest and answer.declined else {})


def _source(passage: Any) -> dict[str, Any]:
    return {
        "article": passage.slug, "number": passage.number, "title": passage.title, "heading": passage.heading, "kind": passage.kind,
        "text": passage.text,
    }  # fmt: skip


def _silent(question: str, why: str) -> dict[str, Any]:
    return {
        "reply": why, "sentences": [], "sources": [], "articles": [], "declined": True, "confidence": 0.0, "question": question, "why": why
    }  # fmt: skip


def ask(target: Target, *, writer: Writer | None = None) -> runs.Ask:
    """As something that is run on cases. One that writes is never run as if it quoted: that would say nothing of how it writes."""
    if setup_of(target).writes:
        if writer is None:
            raise Refused(f"Not run: {target} {NO_ENDPOINT}.")
        return slow.singly(lambda case: _written_to(target, case, writer), at_once=writer.at_once, timeout=WAITS * writer.timeout)

    def said(cases: Sequence[Case]) -> list[Output]:
        return [as_output(answer(target, sets.asked_of(case))[0]) for case in cases]

    return runs.told_at_once(said)


def _written_to(target: Target, case: Case, writer: Writer) -> runs.Answer:
    """Where the endpoint fails, that is the result: what was quoted in its place would say nothing of how the version writes."""
    began = time.perf_counter()
    told, _ = answer(target, sets.asked_of(case), writer=writer)
    ms, asked = (time.perf_counter() - began) * 1000, [told[name] for name in ("other_words", "written") if told.get(name)]
    cost = sum(one["cost"] for one in asked)
    if fault := next((one["why"] for one in asked if one["fault"]), ""):
        return runs.Answer(case, None, fault, ms, cost)
    return runs.Answer(case, as_output(told), "", ms, cost)


def as_output(told: Mapping[str, Any]) -> Output:
    return {name: told[name] for name in ("reply", "sources", "articles", "declined", "confidence")}


@dataclass(frozen=True)
class Learned:
    """How sure it has to be, from the cases of a set; each case was told by what had not learned from it."""

    setup: Setup
    threshold: surety.Threshold


def learn(setup: Setup, set_version_id: str, *, target: float = surety.TARGET, by: Person) -> Learned:
    """From which surety on it speaks, so that the answers given are right as often as wanted."""
    access.require(by, "answerer.make")
    access.require(by, "eval_set.read")
    judged = [judged_of(case, setup) for case in sets.cases(set_version_id) if "articles" in case.expected or "decline" in case.expected]
    kept, threshold = surety.fit(judged, target=target)
    return Learned(replace(setup, surety=kept.as_json(), threshold=None), threshold)


def judged_of(case: Case, setup: Setup) -> surety.Judged:
    messages = sets.asked_of(case)
    found = shelf.find(messages, setup.combination, most=MOST_FOUND)
    encoder = encoding.in_force()
    seen = evidence.look(evidence.asked_now(messages), found, (lambda texts: vectors.of(texts, encoder)) if encoder else None)
    wanted = case.expected.get("articles") or []
    right = bool(seen.articles) and seen.articles[0].slug in wanted
    return surety.Judged(surety.signs(seen), right, case.customer_id)


# -- from candidate to everybody ----------------------------------------------------------------------------------------------------------


def evaluate(
    target: Target, *, known: Graders, by: Person, writer: Writer | None = None, progress: Progress = lambda _share, _doing: None,
    at: datetime | None = None,
) -> Evidence:  # fmt: skip
    """Run it on each set that answers are measured on, beside what is live, each as it answers: written or quoted."""
    access.require(by, "article.read")
    measured = sets.measured_on(MEASURED)
    if measured and writer is None:
        _require_none_writes(target)
    share = 0.0
    if measured and setup_of(target).writes:  # what is written may be another thing each time
        share = 0.5
        for _, version in measured:
            runs.run(
                version.id, target, ask(target, writer=writer), by=by, again=True, known=known, at=at,
                progress=lambda done, doing: progress(done * share / len(measured), doing),
            )  # fmt: skip

    def rest(done: float, doing: str) -> None:
        progress(share + done * (1 - share), doing)

    candidates.evaluate(target, measured, lambda one: ask(one, writer=writer), known=known, by=by, progress=rest, at=at)
    return evidence_of(target, known=known, by=by)


def _require_none_writes(target: Target) -> None:
    if setup_of(target).writes:
        raise Refused(f"Not compared: {target} {NO_ENDPOINT}. {SET_ONE}")
    if (live := target_in_force()) != target and setup_of(live).writes:
        raise Refused(f"Not compared: {live}, which is live, {NO_ENDPOINT}. {SET_ONE} Or roll back to a version that quotes.")


def would_quote(target: Target) -> str:
    """Why a version that writes would quote all the same; empty where it does what it says."""
    return f"{target} {NO_ENDPOINT}: it would quote. {SET_ONE}" if setup_of(target).writes and connections.endpoint() is None else ""


def evidence_of(target: Target, *, known: Graders, by: Person) -> Evidence:
    """Of a version that writes only where it can: what was measured is not what people would get."""
    access.require(by, "article.read")
    found = candidates.evidence(target, sets.measured_on(MEASURED), known=known, by=by)
    if not found.is_live and (why := would_quote(target)):
        raise Refused(why)
    return found


def told_otherwise(target: Target) -> str:
    """Whether a model writes, and what it is told, as far as that differs from now; empty where it does not."""
    before, after = in_force(), setup_of(target)
    written_now = "" if before.writes == after.writes else WRITES_NOW if after.writes else QUOTES_NOW
    changes = []
    if before.instructions.strip() != after.instructions.strip():
        changes.append(f"its instructions to the model that writes: {diff.in_words(before.instructions, after.instructions)}")
    if before.examples != after.examples:
        changes.append(f"worked examples: {after.examples} instead of {before.examples}")
    if before.rephrases != after.rephrases:
        changes.append(REPHRASES_NOW if after.rephrases else AS_ASKED_NOW)
    return " ".join(filter(None, (written_now, f"It also changes {'; '.join(changes)}." if changes else "")))


def propose(target: Target, *, why: str, known: Graders, by: Person, at: datetime | None = None) -> Proposal:
    """Ask a second person to release it. What the cases show to be worse cannot be proposed."""
    access.require(by, "answerer.propose")
    version = versions.get(target)
    if why_not := would_quote(target):
        raise Refused(f"Not proposed: {why_not}")
    found = evidence_of(target, known=known, by=by)
    if (reason := found.stops()) and not found.for_a_trial:
        raise Refused(f"Not proposed: {reason}")
    payload = {**target.columns(), "sha": version.sha, "in_place_of": found.live_number}
    if approvals.open_for("ship_answerer", **payload):
        raise Refused(f"Not proposed again: {target} already waits for approval.")
    told = {
        "sentence": " ".join(filter(None, (found.sentence, told_otherwise(target)))),
        "set": found.eval_set.name, "set_number": found.version.number, "passed": found.passed.k,
        "cases": found.passed.n, "live_number": found.live_number, "rules": found.decision.as_evidence(),
        "comparison_id": found.comparison.id if found.comparison else None,
    }  # fmt: skip
    with store.writing() as db:
        return approvals.propose(
            db, "ship_answerer", f"release answerer {target.number}", payload, why=why, evidence=told, authors=version.authors, by=by,
            needs=agreed.approvers if (agreed := settings.gate()) else 1, at=at,
        )  # fmt: skip


def ship(proposal_id: str, *, at: datetime | None = None) -> Release:
    """Carry out an approved proposal: beside what is live where something is, else for everybody."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "ship_answerer", at=at)
        told = proposal.payload
        target = Target(told["target_kind"], told["target_name"], told["target_number"])
        live = releases.live(ANSWERER, NAME)
        if versions.get(target).sha != told["sha"]:
            raise Refused(f"Not released: {target} is not what was approved.")
        if (live.target_number if live else None) != told["in_place_of"]:
            raise Refused(f"Not released: what is live changed after {target} was compared with it. Compare again, then propose again.")
        if live is not None:
            return releases.begin(db, target, proposal_id=proposal.id, by_itself=True, by=approver, at=at)
        return put_live(db, target, proposal.id, by=approver, at=at)


def put_live(db: Session, target: Target, proposal_id: str | None, *, by: Person | None, at: datetime | None = None) -> Release:
    return releases.go_live(db, target, proposal_id=proposal_id, why_before_ends=f"followed by {target}", by=by, at=at)


def roll_back(target: Target, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """Go back to a version that was live before. The safe direction needs one person only."""
    access.require(by, "answerer.roll_back")
    if not why.strip():
        raise Refused("Not rolled back: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        if not releases.once_live(db, target):
            raise Refused(f"Not rolled back: {target} was never live. Propose it instead.")
        release = releases.go_live(db, target, proposal_id=None, why_before_ends=f"rolled back: {why.strip()}", by=by, at=at)
        audit.record(db, by, "rolled back", "release", release.id, f"Went back to {target}: {why.strip()}", at=at)
        return release
