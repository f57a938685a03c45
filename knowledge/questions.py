"""What was asked, by whom, whether it was answered well, and which questions ask the same."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import store, vectors
from data.tables import Conversation, Customer, Trace
from data.values import LIVE, RUN
from knowledge import ANSWERER, INSTEAD, LEFT
from language.encoder import Encodes
from language.fallback import Fallback

MOST, MOST_ASKED = 5_000, 20_000  # questions that are looked at: those not answered well, and all; the newest
FEWEST, FEWEST_PEOPLE = 3, 2  # questions that make a group; people who ask them
ALIKE, ALIKE_IN_WORDS = 0.5, 0.3  # mean cosine within a group: of the encoder's vectors, and where there is none of the words
UNANSWERED = ("refused", "missing", "edited")
WHY = {
    "declined": "the machine kept silent", "refused": "a person said that the answer is wrong",
    "missing": "a person said that it is missing", "edited": "a person wrote another reply",
}  # fmt: skip
TYPICAL, SHORT = 5, 90  # of a group's questions, of which one names it; characters of a name
GREETED = "hi|hello|hey|hallo|moin|guten (morgen|tag|abend)|good (morning|afternoon|evening|day)"
GREETING = re.compile(rf"(dear [^,.!?]{{1,30}},|({GREETED})\b( there| team| all)?)[\s,.!:]*", re.IGNORECASE)
CLOSING = re.compile(
    r"\s+(yours (sincerely|faithfully|truly)|(best|kind|many|warm) (regards|wishes|thanks)|regards|cheers)\b.{0,40}$", re.IGNORECASE
)
COLLEAGUES, PROGRAMS = "colleagues", "programs"  # who asked, where no conversation came by a channel


@dataclass(frozen=True)
class Asked:
    """A question, and what became of it."""

    trace_id: str
    conversation_id: str | None
    team_id: str | None  # of its conversation
    whose: str  # customer or colleague: several of one count once
    text: str
    why: str  # a key of WHY; "" where it was answered well
    at: datetime
    channel: str
    segment: str | None
    nearest: dict[str, Any] | None  # the article that came closest, or that was quoted and did not help


def asked(*, since: datetime, until: datetime) -> list[Asked]:
    """All that was asked, the newest first; the same words of the same person once: not answered well, where it once was not."""
    return _read(since, until, most=MOST_ASKED)


def unanswered(*, since: datetime, until: datetime) -> list[Asked]:
    """What was not answered well, the newest first; the same words of the same person once."""
    return _read(since, until, most=MOST, only_unanswered=True)


def _read(since: datetime, until: datetime, *, most: int, only_unanswered: bool = False) -> list[Asked]:
    query = (
        select(Trace, Conversation, Customer.segment)
        .join(Conversation, col(Conversation.id) == col(Trace.conversation_id), isouter=True)
        .join(Customer, col(Customer.id) == col(Conversation.customer_id), isouter=True)
        .where(
            Trace.target_kind == ANSWERER, col(Trace.mode).in_((LIVE, RUN)), Trace.at > since, Trace.at <= until,
            col(Trace.said).is_not(None), col(Conversation.hidden_at).is_(None),
        )
        .order_by(col(Trace.at).desc(), col(Trace.id).desc())
    )  # fmt: skip
    found: dict[tuple[str, str], Asked] = {}
    replaced: set[str] = set()  # by what a model wrote a moment later
    with store.reading() as db:
        for trace, conversation, segment in db.exec(query.execution_options(yield_per=500)):
            replaced.add((trace.said or {}).get(INSTEAD, ""))
            one = None if trace.id in replaced else _asked(trace, conversation, segment)
            if one is None or (only_unanswered and not one.why):
                continue
            before = found.setdefault((one.whose, one.text), one)
            if one.why and not before.why:
                found[one.whose, one.text] = one
            if len(found) >= most:
                break
    return list(found.values())


def _asked(trace: Trace, conversation: Conversation | None, segment: str | None) -> Asked | None:
    said = trace.said or {}
    text = " ".join(str(said.get("question", "")).split())
    if not text or said.get(LEFT):  # no article is missing where people keep machines out of it
        return None
    sources = said.get("sources") or []
    return Asked(
        trace.id, trace.conversation_id, conversation.team_id if conversation else None, _whose(trace, conversation, text), text,
        why(trace), trace.at, conversation.channel if conversation else COLLEAGUES if trace.mode == RUN else PROGRAMS, segment,
        said.get("nearest") or (sources[0] if sources else None),
    )  # fmt: skip


def why(trace: Trace) -> str:
    """How it was not answered well; "" where it was."""
    if trace.outcome:
        return trace.outcome if trace.outcome in UNANSWERED else ""
    return "declined" if (trace.said or {}).get("declined") else ""


def _whose(trace: Trace, conversation: Conversation | None, text: str) -> str:
    """A program asks for many, all under its own name. Where it does not say for whom, the same words count once, others are another's."""
    if conversation is not None:
        return conversation.customer_id
    if trace.mode == RUN:
        return f"person {trace.by_person_id}"
    asker = (trace.said or {}).get("asker")
    return f"asker {asker}" if asker else f"somebody {trace.by_person_id} {text}"


def enough(members: Sequence[Asked]) -> bool:
    """Of three questions two people's at least: three wordings of one customer are one question that the machine did not answer. Where
    a person said of three that the answer is wrong or missing, they saw that they are three."""
    return len({one.whose for one in members}) >= FEWEST_PEOPLE or sum(one.why in UNANSWERED for one in members) >= FEWEST


# -- which ask the same -------------------------------------------------------------------------------------------------------------------


def least(encoder: Encodes) -> float:
    return ALIKE_IN_WORDS if encoder.is_fallback else ALIKE


def alike(texts: Sequence[str], encoder: Encodes | None) -> list[list[int]]:
    """Places of texts that ask the same, the most typical first; the largest group first."""
    if len(texts) < FEWEST:
        return []
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering

    in_force: Encodes = encoder or Fallback(texts)
    rows = vectors.kept(texts, in_force)
    there = np.flatnonzero(np.linalg.norm(rows, axis=1) > 0)  # a text without a word that anybody else uses is like none
    if len(there) < FEWEST:
        return []
    apart = 1 - least(in_force)
    grouped = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=apart).fit(rows[there])
    groups = []
    for number in range(int(grouped.labels_.max()) + 1):
        members = there[grouped.labels_ == number]
        if len(members) >= FEWEST:
            middle = rows[members].mean(axis=0)
            groups.append([int(place) for place in members[np.argsort(-(rows[members] @ middle), kind="stable")]])
    return sorted(groups, key=lambda group: (-len(group), group))


def telling(texts: Sequence[str]) -> str:
    """The most typical question that fits on a line without its greeting; else the shortest of the most typical."""
    typical = texts[:TYPICAL]
    told = [text for text in typical if len(text.split()) >= FEWEST] or typical
    return next((text for text in told if len(bare(text)) <= SHORT), min(told, key=len))


def bare(text: str) -> str:
    """Without the greeting and the closing, which tell nothing."""
    told = CLOSING.sub("", GREETING.sub("", text.strip(), count=1)) or text
    return told[:1].upper() + told[1:]


def short(text: str) -> str:
    """As a name: on one line."""
    told = bare(text)
    return told if len(told) <= SHORT else f"{told[: SHORT - 2].rsplit(' ', 1)[0]} …"


def like(texts: Sequence[str], topic: Sequence[str], encoder: Encodes | None, *, as_any_of_them: bool = False) -> list[bool]:
    """Whether each is on average as like the topic's questions as those of a group are; or as like as the least typical of them is to the
    others, half as much at least, so that all of them count. None is like them only because it is like itself."""
    if not texts or not topic:
        return [False] * len(texts)
    in_force: Encodes = encoder or Fallback([*dict.fromkeys([*topic, *texts])])
    theirs = vectors.kept(topic, in_force)
    middle, others = theirs.sum(axis=0), max(len(topic) - 1, 1)
    own = {text: float(row @ middle - row @ row) / others for text, row in zip(topic, theirs, strict=True)}
    bar = max(min([least(in_force), *own.values()]), least(in_force) / 2) if as_any_of_them else least(in_force)
    rows = vectors.kept(texts, in_force)
    return [own[text] >= bar if text in own else float(row @ middle) / len(topic) >= bar for text, row in zip(texts, rows, strict=True)]
