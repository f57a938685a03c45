"""The things behind a figure of one's own work, a line each: what it is, and the screen that shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from data import access, conversations, store
from data.errors import Refused
from data.tables import Article, Example, Person, Proposal, Trace

CONVERSATIONS, FLAGS, ARTICLES, ANSWERS, RUNS, PROPOSALS = "conversations", "flags", "articles", "answers", "runs", "proposals"
LONGEST = 140  # characters of a line
NOTHING_SAID = "Nothing was said"
OUT_OF_REACH = ""  # of what the person may no longer read, no line tells anything
STATES = {
    "open": "waits", "approved": "approved", "done": "carried out", "refused": "refused", "withdrawn": "withdrawn", "lapsed": "lapsed",
    "failed": "could not be carried out",
}  # fmt: skip
ENDS = {
    "done": "done",
    "handed_over": "handed to a person",
    "failed": "failed",
    "stopped": "stopped",
    "waiting": "waits",
    "running": "runs",
}


@dataclass(frozen=True)
class Line:
    words: str  # OUT_OF_REACH, or what it is
    page: str = ""  # the screen; empty: none shows it
    query: dict[str, str] = field(default_factory=dict)


def lines(kind: str, ids: Sequence[str], *, by: Person) -> list[Line]:
    """In the order of the ids; one for each, also where the person may no longer read what it is about."""
    access.require(by, "work.read")
    if kind not in KINDS:
        raise Refused(f"Not shown: there is no '{kind[:40]}' of one's work. There are: {', '.join(KINDS)}.")
    with store.reading() as db:
        return KINDS[kind](db, ids, by)


def _short(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def _beginnings(ids: Sequence[str], by: Person) -> dict[str, str]:
    """How those begin that are within reach."""
    return conversations.beginnings(conversations.reachable(list(dict.fromkeys(ids)), by=by), most=LONGEST)


def _read(conversation_id: str, words: str) -> Line:
    return Line(words or NOTHING_SAID, "conversation", {"conversation": conversation_id})


def _conversations(_db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    told = _beginnings(ids, by)
    return [_read(made, told[made]) if made in told else Line(OUT_OF_REACH) for made in ids]


def _flags(db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    """Why it was flagged: in their own words, or those of whoever corrected them."""
    query = select(Example.id, Example.conversation_id, Example.kind, Example.why)
    found = {one[0]: one for one in db.exec(query.where(col(Example.id).in_(ids), Example.by_person_id == by.id))}
    told = _beginnings([one[1] for one in found.values()], by)
    made = []
    for example_id in ids:
        _, whose, kind, why = found.get(example_id, ("", "", "", ""))
        made.append(_read(whose, _short(f"{kind.capitalize()}: {why}")) if whose in told else Line(OUT_OF_REACH))
    return made


def _articles(db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    """Each named by its short name and the number of the version."""
    access.require(by, "article.read")
    asked = [(slug, number) for slug, _, number in (made.rpartition(" ") for made in ids)]
    titles = dict(db.exec(select(Article.slug, Article.title).where(col(Article.slug).in_({slug for slug, _ in asked}))).all())
    return [Line(f"{titles.get(slug, slug)}, version {number}", "knowledge", {"article": slug}) for slug, number in asked]


def _answers(db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    """What was asked. A customer's words are read by whoever may read the conversation, a colleague's by whoever may read gaps."""
    query = select(Trace.id, Trace.conversation_id, Trace.said)
    found = {one[0]: one for one in db.exec(query.where(col(Trace.id).in_(ids)))}
    told = _beginnings([one[1] for one in found.values() if one[1]], by)
    made = []
    for trace_id in ids:
        _, whose, said = found.get(trace_id, ("", None, None))
        asked = _short(str((said or {}).get("question", ""))) or NOTHING_SAID
        if whose:
            made.append(_read(whose, asked) if whose in told else Line(OUT_OF_REACH))
        else:
            made.append(Line(asked if access.may(by, "pattern.read") else "A colleague's question"))
    return made


def _runs(db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    query = select(Trace.id, Trace.target_name, Trace.state, Trace.conversation_id)
    found = {one[0]: one for one in db.exec(query.where(col(Trace.id).in_(ids), Trace.target_kind == "recipe"))}
    told = _beginnings([one[3] for one in found.values() if one[3]], by)
    made = []
    for trace_id in ids:
        _, name, state, whose = found.get(trace_id, ("", "", "", None))
        if not name or (whose and whose not in told):
            made.append(Line(OUT_OF_REACH))
            continue
        words = _short(f"{ENDS.get(state, state).capitalize()}: {told.get(whose or '', '') or NOTHING_SAID}")
        made.append(Line(words, "automations", {"recipe": name, "run": trace_id}))
    return made


def _proposals(db: Session, ids: Sequence[str], by: Person) -> list[Line]:
    access.require(by, "proposal.read")
    found = {one.id: one for one in db.exec(select(Proposal).where(col(Proposal.id).in_(ids)))}
    return [
        Line(f"{one.title[:1].upper()}{one.title[1:]}: {STATES.get(one.state, one.state)}", "approvals", {"proposal": one.id})
        if (one := found.get(made))
        else Line("A proposal that is not there any more")
        for made in ids
    ]  # fmt: skip


KINDS: dict[str, Callable[[Session, Sequence[str], Person], list[Line]]] = {
    CONVERSATIONS: _conversations, FLAGS: _flags, ARTICLES: _articles, ANSWERS: _answers, RUNS: _runs, PROPOSALS: _proposals,
}  # fmt: skip
