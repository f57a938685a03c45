"""Gaps: questions that were declined, corrected or said to be missing, gathered by what they are about, until an article covers them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from data import access, audit, conversations, store, vectors
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Article, Conversation, Message, Pattern, Person, Trace
from data.values import LIVE, RUN, Target, now
from evals import changes
from evals.cases import NewCase
from evals.graders import cites_article
from evals.graders.face import Graders
from knowledge import ANSWERER, articles
from knowledge.articles import Content
from language.encoder import Encodes
from language.fallback import Fallback

GAP = "gap"
OPEN, WRITTEN, COVERED, PUT_ASIDE, GONE = "open", "being written", "covered", "put aside", "gone"
LOOKED_AT = timedelta(days=28)
MOST, FEWEST = 5_000, 3  # questions that are looked at; of a gap
ALIKE, ALIKE_IN_WORDS = 0.5, 0.3  # mean cosine within a gap: of the encoder's vectors, and where there is none of the words
SAME = 0.5  # of a known gap's questions: then it is the same
MOST_KEPT, MOST_REPLIES, TYPICAL = 200, 3, 5
UNANSWERED = ("refused", "missing", "edited")
WHY = {
    "declined": "the machine kept silent", "refused": "a person said that the answer is wrong",
    "missing": "a person said that it is missing", "edited": "a person wrote another reply",
}  # fmt: skip

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Asked:
    """A question that was not answered well."""

    trace_id: str
    conversation_id: str | None
    whose: str  # customer or colleague: several of one count once
    text: str
    why: str  # a key of WHY
    at: datetime
    channel: str
    nearest: dict[str, Any] | None  # the article that came closest, or that was quoted and did not help


@dataclass(frozen=True)
class Looked:
    questions: int
    gaps: int
    new: int

    @property
    def sentence(self) -> str:
        if not self.questions:
            return "Every question of the last four weeks was answered."
        asked = (
            "1 question of the last four weeks was" if self.questions == 1 else f"{self.questions:,} questions of the last four weeks were"
        )
        return f"{asked} not answered well: {self.gaps:,} {'gap' if self.gaps == 1 else 'gaps'}, {self.new:,} new."


# -- looking ------------------------------------------------------------------------------------------------------------------------------


def look(encoder: Encodes | None, *, progress: Progress = lambda _share, _doing: None, at: datetime | None = None) -> Looked:
    """Called by the schedule, and by whoever wants to know now. A gap keeps its identity from night to night."""
    moment = at or now()
    progress(0.1, "Reading what was not answered")
    found = unanswered(since=moment - LOOKED_AT, until=moment)
    progress(0.4, "Comparing")
    groups = alike([one.text for one in found], encoder)
    progress(0.9, "Keeping the gaps")
    with store.writing() as db:
        store.one_at_a_time(db, "gaps")
        known = list(db.exec(select(Pattern).where(Pattern.kind == GAP, Pattern.state != GONE)))
        seen, new = set(), 0
        for group in groups:
            members = [found[place] for place in group]
            gap = _same(known, members) or _blank(moment)
            new += gap.name == ""
            _write(db, gap, members, moment)
            seen.add(gap.id)
        _measure_again(db, known, found, moment)
        for gap in known:
            if gap.id not in seen and gap.state == OPEN:
                gap.state, gap.why = GONE, "It is asked no more, or it is answered."
                db.add(gap)
        return Looked(len(found), len(seen), new)


def unanswered(*, since: datetime, until: datetime) -> list[Asked]:
    """The newest first; the same words of the same person once."""
    query = (
        select(Trace, Conversation)
        .join(Conversation, col(Conversation.id) == col(Trace.conversation_id), isouter=True)
        .where(
            Trace.target_kind == ANSWERER, col(Trace.mode).in_((LIVE, RUN)), Trace.at > since, Trace.at <= until,
            col(Trace.said).is_not(None), col(Conversation.hidden_at).is_(None),
        )
        .order_by(col(Trace.at).desc(), col(Trace.id).desc())
    )  # fmt: skip
    found: dict[tuple[str, str], Asked] = {}
    with store.reading() as db:
        for trace, conversation in db.exec(query.execution_options(yield_per=500)):
            if (asked := _asked(trace, conversation)) is not None:
                found.setdefault((asked.whose, asked.text), asked)
            if len(found) >= MOST:
                break
    return list(found.values())


def _asked(trace: Trace, conversation: Conversation | None) -> Asked | None:
    said = trace.said or {}
    why = trace.outcome if trace.outcome in UNANSWERED else "declined" if said.get("declined") and not trace.outcome else ""
    text = " ".join(str(said.get("question", "")).split())
    if not why or not text:
        return None
    sources = said.get("sources") or []
    return Asked(
        trace.id, trace.conversation_id, conversation.customer_id if conversation else f"person {trace.by_person_id}", text, why, trace.at,
        conversation.channel if conversation else "colleagues",
        said.get("nearest") or (sources[0] if sources else None),
    )  # fmt: skip


def alike(texts: Sequence[str], encoder: Encodes | None) -> list[list[int]]:
    """Places of texts that ask the same, the most typical first; the largest group first."""
    if len(texts) < FEWEST:
        return []
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering

    in_force: Encodes = encoder or Fallback(texts)
    rows = vectors.kept(texts, in_force)
    least = ALIKE_IN_WORDS if in_force.is_fallback else ALIKE
    there = np.flatnonzero(np.linalg.norm(rows, axis=1) > 0)  # a text without a word that anybody else uses is like none
    if len(there) < FEWEST:
        return []
    grouped = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - least).fit(rows[there])
    groups = []
    for number in range(int(grouped.labels_.max()) + 1):
        members = there[grouped.labels_ == number]
        if len(members) >= FEWEST:
            middle = rows[members].mean(axis=0)
            groups.append([int(place) for place in members[np.argsort(-(rows[members] @ middle), kind="stable")]])
    return sorted(groups, key=lambda group: (-len(group), group))


def _same(known: Sequence[Pattern], members: Sequence[Asked]) -> Pattern | None:
    ids = {one.trace_id for one in members}
    shared = [(len(ids & set(gap.trace_ids)) / min(len(ids), len(gap.trace_ids) or 1), gap.id, gap) for gap in known]
    best = max(shared, default=None, key=lambda one: one[:2])
    return best[2] if best and best[0] >= SAME else None


def _blank(at: datetime) -> Pattern:
    return Pattern(
        kind=GAP, name="", phrases=[], conversation_ids=[], signature={}, size=0, customers=0, sentence="", first_at=at, last_at=at,
        seen_at=at, at=at, state=OPEN,
    )  # fmt: skip


def _write(db: Session, gap: Pattern, members: Sequence[Asked], at: datetime) -> None:
    customers = {one.whose for one in members}
    week = at - timedelta(days=7)
    lately = sum(one.at > week for one in members)
    before = sum(week - timedelta(days=7) < one.at <= week for one in members)
    gap.name = gap.name or _short(_called(members))
    gap.phrases = [one.text for one in members[:10]]
    gap.conversation_ids = list(dict.fromkeys(one.conversation_id for one in members if one.conversation_id))[:MOST_KEPT]
    gap.trace_ids = [one.trace_id for one in members[:MOST_KEPT]]
    gap.size, gap.customers, gap.seen_at = len(members), len(customers), at
    gap.growth = {"now": lately, "before": before}
    gap.first_at, gap.last_at = min(one.at for one in members), max(one.at for one in members)
    gap.sentence = _sentence(members, lately, before)
    gap.told = gap.told | {"nearest": _nearest(members), "why": dict(Counter(one.why for one in members)), "where": _where(members)}
    db.add(gap)
    db.flush()


def _called(members: Sequence[Asked]) -> str:
    """The shortest of the most typical questions: an e-mail's greeting tells nothing."""
    typical = [one.text for one in members[:TYPICAL]]
    return min((text for text in typical if len(text.split()) >= FEWEST), key=len, default=typical[0])


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:88].rsplit(' ', 1)[0]} …"


def _sentence(members: Sequence[Asked], lately: int, before: int) -> str:
    people = len({one.whose for one in members})
    return (
        f"Asked {len(members):,} times by {people:,} {'person' if people == 1 else 'people'} in four weeks, {lately:,} in the last seven "
        f"days and {before:,} in the seven before."
    )


def _nearest(members: Sequence[Asked]) -> dict[str, Any]:
    """The article that came closest most often, and how it failed."""
    close = [one for one in members if one.nearest]
    if not close:
        return {}
    (slug, times), *_ = Counter(str(one.nearest["article"]) for one in close if one.nearest).most_common(1)
    theirs = [one for one in close if one.nearest and one.nearest["article"] == slug]
    quoted = [one for one in theirs if one.why != "declined"]
    how = (
        "it was quoted, and people said that it does not answer this"
        if len(quoted) > len(theirs) / 2
        else "it says too little of what is asked"
    )
    return {"article": slug, "title": (theirs[0].nearest or {}).get("title", slug), "times": times, "how": how}


def _where(members: Sequence[Asked]) -> dict[str, int]:
    return dict(Counter(one.channel for one in members).most_common())


def _measure_again(db: Session, known: Sequence[Pattern], found: Sequence[Asked], at: datetime) -> None:
    """Of what was written for a gap: whether it is published, and how much is asked in vain in the four weeks that are looked at then."""
    for gap in known:
        if gap.state not in (WRITTEN, COVERED) or not gap.article:
            continue
        article = db.exec(select(Article).where(Article.slug == gap.article)).first()
        if article is None or article.live is None:
            if gap.state == COVERED:  # it was taken out of use: what is still asked is a gap again
                gap.state, gap.article = OPEN, ""
                gap.told = {name: value for name, value in gap.told.items() if name not in ("covered_at", "still", "days")}
                db.add(gap)
            continue
        since = gap.told.get("covered_at") or at.isoformat()
        days = max((at - datetime.fromisoformat(since)).days, 0)
        if days > LOOKED_AT.days:  # what was asked first is not among those found any more: fewer would be counted night by night
            continue
        still = sum(one.at > datetime.fromisoformat(since) and one.trace_id in set(gap.trace_ids) for one in found)
        gap.state = COVERED
        gap.told = gap.told | {"covered_at": since, "still": still, "days": days}
        db.add(gap)


# -- reading and deciding -----------------------------------------------------------------------------------------------------------------


def standing(*, by: Person) -> list[Pattern]:
    """What is open first, the largest first; then what was decided."""
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = db.exec(select(Pattern).where(Pattern.kind == GAP, Pattern.state != GONE)).all()
    order = (OPEN, WRITTEN, COVERED, PUT_ASIDE)
    return sorted(found, key=lambda gap: (order.index(gap.state), -gap.size, gap.id))


def get(gap_id: str, *, by: Person) -> Pattern | None:
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = db.get(Pattern, gap_id)
    return found if found is not None and found.kind == GAP else None


def put_aside(gap_id: str, why: str, *, by: Person, at: datetime | None = None) -> Pattern:
    access.require(by, "pattern.decide")
    if not why.strip():
        raise Refused("Not put aside: say why; whoever meets it again will ask.")
    with store.writing() as db:
        gap = _of_now(db, gap_id)
        gap.state, gap.why = PUT_ASIDE, masked(why.strip())
        db.add(gap)
        audit.record(db, by, "put aside", "pattern", gap.id, f"Gap '{gap.name}': put aside, {gap.why}", at=at)
        return gap


def _of_now(db: Session, gap_id: str) -> Pattern:
    gap = db.get(Pattern, gap_id, populate_existing=True)
    if gap is None or gap.kind != GAP or gap.state != OPEN:
        raise Refused("Nothing changed: that gap is not open any more. Look at the page again.")
    return gap


def begun(gap_id: str, *, by: Person) -> Content:
    """An article's beginning: the questions, and what colleagues answered best to them."""
    access.require(by, "article.draft")
    gap = get(gap_id, by=by)
    if gap is None:
        raise Refused("Nothing was begun: that gap is not here any more.")
    asked = "\n".join(f"- {text}" for text in gap.phrases[:5])
    said = best_replies(gap.conversation_ids, by=by)
    answered = "\n\n".join(said) or "(Write here what is right. No colleague has answered this well yet.)"
    return Content(gap.name.rstrip("?").strip()[: articles.LONGEST_TITLE], f"{answered}\n\n## Customers ask\n\n{asked}")


def best_replies(conversation_ids: Sequence[str], *, by: Person, most: int = MOST_REPLIES) -> list[str]:
    """What people replied, where the customer was content first, then the longest; within reach."""
    access.require(by, "conversation.read")
    ids = conversations.reachable(list(conversation_ids), by=by)
    with store.reading() as db:
        rated = {one.id: one.csat or 0 for one in db.exec(select(Conversation).where(col(Conversation.id).in_(ids)))}
        query = select(Message.conversation_id, Message.text).where(
            col(Message.conversation_id).in_(ids), Message.role == "rep", ~col(Message.private), col(Message.gone_at).is_(None)
        )
        replies = [(rated.get(made, 0), len(text), text.strip()) for made, text in db.exec(query) if text.strip()]
    return [text for _, _, text in sorted(dict.fromkeys(replies), reverse=True)[:most]]


@dataclass(frozen=True)
class Begun:
    article: Article
    cases: int

    @property
    def sentence(self) -> str:
        if not self.cases:
            return "Saved as a draft."
        return f"Saved as a draft; {self.cases} of its questions become {'cases' if self.cases > 1 else 'a case'} that it is to fix."


def write(
    gap_id: str, content: Content, *, test_in: str | None, cases: int = FEWEST, known: Graders, by: Person, at: datetime | None = None
) -> Begun:  # fmt: skip
    """The article that the gap asks for, as a draft; some of its questions wait in an eval set, where they are to be answered by it."""
    access.require(by, "article.draft")
    access.require(by, "pattern.decide")
    with store.writing() as db:
        gap = _of_now(db, gap_id)
        article = articles.draft(content, told={"gap": gap.id, "asked": gap.phrases[:5]}, by=by, at=at)
        made = _cases_of(gap, article.slug, cases) if test_in else []
        if test_in and made:
            changes.add(test_in, made, known=known, why=f"'{article.title}' was written for it.", by=by, at=at)
        gap.state, gap.article = WRITTEN, article.slug
        gap.told = gap.told | {"writer": by.id, "cases": len(made), "test_in": test_in}
        db.add(gap)
        audit.record(db, by, "began", "pattern", gap.id, f"Gap '{gap.name}': '{article.title}' is being written.", at=at)
        return Begun(article, len(made))


def _cases_of(gap: Pattern, slug: str, most: int) -> list[NewCase]:
    return [
        NewCase(({"role": "customer", "text": text},), {"articles": [slug]}, (cites_article.NAME,), slices={"gap": gap.name})
        for text in gap.phrases[:most]
    ]


def suggest_change(
    slug: str, content: Content, conversation_id: str, *, based_on: int, by: Person, at: datetime | None = None
) -> Target:  # fmt: skip
    """What a conversation showed to be wrong or missing in an article, as its next draft."""
    access.require(by, "article.draft")
    if conversations.get(conversation_id, by=by) is None:
        raise Denied("Not saved: that conversation is not here, or it belongs to another team.")
    made = articles.save(slug, content, based_on=based_on, told={"conversation": conversation_id}, by=by, at=at)
    return Target(made.target_kind, made.target_name, made.target_number)
