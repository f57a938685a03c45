"""Gaps: questions that were declined, corrected or said to be missing, gathered by what they are about, until an article covers them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from data import access, audit, conversations, releases, store
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Article, Conversation, Message, Pattern, Person
from data.values import Target, now
from evals import changes
from evals.cases import NewCase
from evals.graders import cites_article
from evals.graders.face import Graders
from knowledge import ARTICLE, articles, measured, questions
from knowledge.articles import Content
from knowledge.questions import FEWEST, Asked
from language.encoder import Encodes

GAP = "gap"
OPEN, WRITTEN, COVERED, PUT_ASIDE, GONE = "open", "being written", "covered", "put aside", "gone"
LOOKED_AT = measured.WINDOW
SAME = 0.5  # of a known gap's questions: then it is the same
MOST_KEPT, OF_A_TEAM, MOST_REPLIES = 200, 10, 3
LONGEST = 2_000  # characters of a question that are shown
LARGEST = 30  # gaps, of which it is looked where else they are asked
STEP = 1_000
OTHERS = "A question of another team"
MEASURED = ("covered_at", "still", "days", "share", "topic", "done")  # told of a gap that an article covers

Progress = Callable[[float, str], None]


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
    found = questions.unanswered(since=moment - LOOKED_AT, until=moment)
    progress(0.3, "Comparing")
    groups = [[found[place] for place in group] for group in questions.alike([one.text for one in found], encoder)]
    groups = [members for members in groups if questions.enough(members)]
    progress(0.6, "Looking where else it is asked")
    openings = measured.Openings(moment)
    also = [measured.elsewhere(members, openings, encoder) for members in groups[:LARGEST]] + [[]] * len(groups[LARGEST:])
    progress(0.8, "Measuring what was written for")
    became = _measured(encoder, moment)
    progress(0.9, "Keeping the gaps")
    with store.writing() as db:
        store.one_at_a_time(db, "gaps")
        known = list(db.exec(select(Pattern).where(Pattern.kind == GAP, Pattern.state != GONE)))
        seen, new = set(), 0
        for members, elsewhere in zip(groups, also, strict=True):
            gap = _same(known, members) or _blank(moment)
            new += gap.name == ""
            _write(db, gap, members, elsewhere, moment)
            seen.add(gap.id)
        _keep_measured(db, known, became)
        for gap in known:
            if gap.id not in seen and gap.state == OPEN:
                gap.state, gap.why = GONE, "It is asked no more, or it is answered."
                db.add(gap)
        return Looked(len(found), len(seen), new)


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


def _write(db: Session, gap: Pattern, members: Sequence[Asked], also: Sequence[measured.Elsewhere], at: datetime) -> None:
    customers = {one.whose for one in members}
    week = at - timedelta(days=7)
    lately = sum(one.at > week for one in members)
    before = sum(week - timedelta(days=7) < one.at <= week for one in members)
    if not gap.name:
        named_by = _called(members)
        gap.name, gap.told = questions.short(named_by.text), gap.told | {"named_by": _kept(named_by)}
    gap.conversation_ids = list(dict.fromkeys(one.conversation_id for one in members if one.conversation_id))[:MOST_KEPT]
    gap.trace_ids = [one.trace_id for one in members[:MOST_KEPT]]
    gap.size, gap.customers, gap.seen_at = len(members), len(customers), at
    gap.growth = {"now": lately, "before": before}
    gap.first_at, gap.last_at = min(one.at for one in members), max(one.at for one in members)
    gap.sentence = _sentence(members, lately, before)
    gap.told = gap.told | {
        "nearest": _nearest(members), "why": dict(Counter(one.why for one in members)), "where": _where(members),
        "asked": [_kept(one) for one in _of_each_team(members)], "also": [asdict(one) for one in also],
    }  # fmt: skip
    db.add(gap)
    db.flush()


def _kept(one: Asked) -> dict[str, Any]:
    return {"trace": one.trace_id, "conversation": one.conversation_id, "text": one.text[:LONGEST]}


def _of_each_team(members: Sequence[Asked]) -> list[Asked]:
    """The most typical that each team may see: of the most typical of all, one of twenty teams may be allowed none."""
    count: Counter[str | None] = Counter()
    chosen = []
    for one in members:
        count[one.team_id] += 1
        if count[one.team_id] <= OF_A_TEAM:
            chosen.append(one)
    return chosen[:MOST_KEPT]


def _called(members: Sequence[Asked]) -> Asked:
    name = questions.telling([one.text for one in members])
    return next(one for one in members if one.text == name)


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


# -- once an article is written -----------------------------------------------------------------------------------------------------------


def _measured(encoder: Encodes | None, at: datetime) -> dict[str, dict[str, Any]]:
    """Of each gap that an article was published for: how much was asked in vain before and since. Kept as it was, four weeks after."""
    with store.reading() as db:
        written = db.exec(
            select(Pattern).where(Pattern.kind == GAP, col(Pattern.state).in_((WRITTEN, COVERED)), Pattern.article != "")
        ).all()
    made: dict[str, dict[str, Any]] = {}
    for gap in written:
        live = releases.live(ARTICLE, gap.article)
        published_at = datetime.fromisoformat(gap.told["covered_at"]) if "covered_at" in gap.told else live.started_at if live else None
        if live is None or published_at is None or gap.told.get("done"):
            continue
        topic = gap.told.get("topic") or gap.trace_ids[:MOST_KEPT]
        found = measured.since(published_at, measured.texts_of(topic), encoder, at=at)
        made[gap.id] = {
            "covered_at": published_at.isoformat(), "topic": topic, "days": found.days, "still": found.since.k,
            "share": {"before": [found.before.k, found.before.n], "since": [found.since.k, found.since.n]},
            "done": at >= published_at + LOOKED_AT,
        }  # fmt: skip
    return made


def _keep_measured(db: Session, known: Sequence[Pattern], became: dict[str, dict[str, Any]]) -> None:
    for gap in known:
        if gap.state not in (WRITTEN, COVERED) or not gap.article:
            continue
        if gap.id in became:
            gap.state, gap.told = COVERED, gap.told | became[gap.id]
        elif gap.state == COVERED and db.exec(select(Article.live).where(Article.slug == gap.article)).first() is None:
            gap.state, gap.article = OPEN, ""  # it was taken out of use: what is still asked is a gap again
            gap.told = {name: value for name, value in gap.told.items() if name not in MEASURED}
        db.add(gap)


# -- reading and deciding -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """A gap as one person may see it: its figures are whole, of its questions it has those within their reach."""

    id: str
    state: str
    name: str
    phrases: tuple[str, ...]  # the most typical first
    conversation_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]
    size: int
    customers: int
    growth: dict[str, Any]
    sentence: str
    why: str
    article: str
    told: dict[str, Any]
    at: datetime

    @property
    def also(self) -> list[measured.Elsewhere]:
        return [measured.Elsewhere(**one) for one in self.told.get("also", [])]

    @property
    def is_open(self) -> bool:
        return self.state == OPEN


def standing(*, by: Person) -> list[Gap]:
    """What is open first, the largest first; then what was decided."""
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = db.exec(select(Pattern).where(Pattern.kind == GAP, Pattern.state != GONE)).all()
    order = (OPEN, WRITTEN, COVERED, PUT_ASIDE)
    return _seen(sorted(found, key=lambda gap: (order.index(gap.state), -gap.size, gap.id)), by)


def get(gap_id: str, *, by: Person) -> Gap | None:
    access.require(by, "pattern.read")
    with store.reading() as db:
        found = db.get(Pattern, gap_id)
    return _seen([found], by)[0] if found is not None and found.kind == GAP else None


def _seen(found: Sequence[Pattern], by: Person) -> list[Gap]:
    """A customer's words are read by whoever may read the conversation; what a colleague asked, and a customer that belongs to no team, by
    whoever may read gaps."""
    ids = {made for gap in found for made in gap.conversation_ids}
    ids |= {one["conversation"] for gap in found for one in _all_kept(gap) if one["conversation"]}
    ids |= {made for gap in found for one in gap.told.get("also", []) for made in one["conversation_ids"]}
    every = sorted(ids)
    steps = (every[start : start + STEP] for start in range(0, len(every), STEP))
    within = {made for step in steps for made in conversations.reachable(step, by=by)}
    return [_as_seen(gap, within) for gap in found]


def _all_kept(gap: Pattern) -> list[dict[str, Any]]:
    return [*gap.told.get("asked", []), *([gap.told["named_by"]] if "named_by" in gap.told else [])]


def _as_seen(gap: Pattern, within: set[str]) -> Gap:
    asked = [one for one in gap.told.get("asked", []) if one["conversation"] is None or one["conversation"] in within]
    named_by = gap.told.get("named_by")
    is_theirs = named_by is not None and (named_by["conversation"] is None or named_by["conversation"] in within)
    name = questions.short(questions.telling([one["text"] for one in asked])) if asked else OTHERS
    also = [
        one | {"conversation_ids": [made for made in one["conversation_ids"] if made in within]} for one in gap.told.get("also", [])
    ]  # fmt: skip
    return Gap(
        gap.id, gap.state, gap.name if is_theirs else name, tuple(dict.fromkeys(one["text"] for one in asked[:OF_A_TEAM])),
        tuple(made for made in gap.conversation_ids if made in within), tuple(one["trace"] for one in asked), gap.size, gap.customers,
        gap.growth, gap.sentence, gap.why, gap.article,
        {name: value for name, value in gap.told.items() if name not in ("asked", "named_by", "topic")} | {"also": also}, gap.at,
    )  # fmt: skip


def put_aside(gap_id: str, why: str, *, by: Person, at: datetime | None = None) -> Gap:
    access.require(by, "pattern.decide")
    if not why.strip():
        raise Refused("Not put aside: say why; whoever meets it again will ask.")
    with store.writing() as db:
        gap = _of_now(db, gap_id)
        gap.state, gap.why = PUT_ASIDE, masked(why.strip())
        db.add(gap)
        (seen,) = _seen([gap], by)
        audit.record(db, by, "put aside", "pattern", gap.id, f"Gap '{seen.name}': put aside, {gap.why}", at=at)
        return seen


def _of_now(db: Session, gap_id: str) -> Pattern:
    gap = db.get(Pattern, gap_id, populate_existing=True)
    if gap is None or gap.kind != GAP or gap.state != OPEN:
        raise Refused("Nothing changed: that gap is not open any more. Look at the page again.")
    return gap


def begun(gap_id: str, *, by: Person) -> Content:
    """An article's beginning: the questions, and what colleagues answered best to them, as far as one may see them."""
    access.require(by, "article.draft")
    gap = get(gap_id, by=by)
    if gap is None:
        raise Refused("Nothing was begun: that gap is not here any more.")
    asked = "\n".join(f"- {text}" for text in gap.phrases[:5]) or "(None of the questions is within your reach.)"
    said = best_replies(gap.conversation_ids, by=by)
    answered = "\n\n".join(said) or "(Write here what is right. No colleague has answered this well yet.)"
    title = "" if gap.name == OTHERS else gap.name.rstrip("?").strip()[: articles.LONGEST_TITLE]
    return Content(title, f"{answered}\n\n## Customers ask\n\n{asked}")


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
    """The article that the gap asks for, as a draft; some of its questions wait in an eval set, where they are to be answered by it: of
    those that the writer may see, since whoever reads the set reads them."""
    access.require(by, "article.draft")
    access.require(by, "pattern.decide")
    with store.writing() as db:
        gap = _of_now(db, gap_id)
        (seen,) = _seen([gap], by)
        article = articles.draft(content, told={"gap": gap.id}, by=by, at=at)
        made = _cases_of(seen, article.slug, cases) if test_in else []
        if test_in and made:
            changes.add(test_in, made, known=known, why=f"'{article.title}' was written for it.", by=by, at=at)
        gap.state, gap.article = WRITTEN, article.slug
        gap.told = gap.told | {"writer": by.id, "cases": len(made), "test_in": test_in}
        db.add(gap)
        audit.record(db, by, "began", "pattern", gap.id, f"Gap '{seen.name}': '{article.title}' is being written.", at=at)
        return Begun(article, len(made))


def _cases_of(gap: Gap, slug: str, most: int) -> list[NewCase]:
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
