"""Articles: written as numbered drafts, published by two people, gone back to or taken out of use by one."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, approvals, audit, releases, store, versions
from data.errors import Refused
from data.tables import Article, Person, Proposal, Release, Version
from data.values import Target, new_id, now
from evals.cases import unkeepable
from knowledge import ARTICLE, in_force
from knowledge.passages import Published

HELP, MACRO, POLICY = "help", "macro", "policy"
KINDS = {HELP: "explains something", MACRO: "is a ready reply", POLICY: "says what may be promised"}
EVERYONE, STAFF = "everyone", "staff"
AUDIENCES = {EVERYONE: "Everyone: answers to customers may quote it", STAFF: "Staff only: a colleague may be shown it, no customer"}
LONGEST, LONGEST_TITLE = 1_000_000, 200  # characters
MOST_AT_ONCE = 1_000  # articles in one proposal: somebody is to look at them
STEP = 200  # articles in one transaction, where many are brought


@dataclass(frozen=True)
class Content:
    """What somebody writes: all of an article but its name."""

    title: str
    text: str
    kind: str = HELP
    audience: str = EVERYONE
    area: str = ""
    language: str = ""
    owner_id: str | None = None
    review_by: datetime | None = None

    def as_body(self) -> dict[str, Any]:
        return vars(self) | {"review_by": self.review_by.isoformat() if self.review_by else None}

    @classmethod
    def of(cls, version: Version) -> "Content":
        told = version.body["review_by"]
        return cls(**(version.body | {"review_by": datetime.fromisoformat(told) if told else None}))


# -- writing ------------------------------------------------------------------------------------------------------------------------------


def draft(content: Content, *, by: Person, slug: str = "", told: dict[str, Any] | None = None, at: datetime | None = None) -> Article:
    """A new article, seen by whoever writes and by nobody who asks, until two people publish it.

    `told`: where it comes from, such as the conversation or the gap that asked for it."""
    access.require(by, "article.draft")
    kept = _checked(content, "Not saved")
    with store.writing() as db:
        store.one_at_a_time(db, "articles")
        made = _new(db, _free(db, slug or slug_of(kept.title)), kept, by, told, at)
        audit.record(db, by, "drafted", "article", made.id, f"Began the article '{made.title}'.", at=at)
        return made


def save(
    slug: str, content: Content, *, based_on: int, by: Person, told: dict[str, Any] | None = None, at: datetime | None = None
) -> Version:  # fmt: skip
    """The next draft. `based_on`: the number that the writer had before them, so that nobody's words are lost under another's."""
    access.require(by, "article.draft")
    kept = _checked(content, "Not saved")
    with store.writing() as db:
        store.one_at_a_time(db, f"article {slug}")
        article = _of(db, slug)
        if article.newest != based_on:
            raise Refused(
                f"Not saved: version {article.newest} of '{article.title}' was saved while you wrote from version {based_on}. "
                "Your words are still in the form: look at the newer version, then save again."
            )
        if Content.of(_version(db, slug, based_on)) == kept:
            raise Refused("Not saved: nothing in it was changed.")
        made = _next(db, article, kept, by, told, at)
        audit.record(db, by, "drafted", "article", article.id, f"Wrote version {made.target_number} of '{kept.title}'.", at=at)
        return made


@dataclass(frozen=True)
class Brought:
    new: int
    changed: int
    unchanged: int
    targets: tuple[Target, ...]  # the drafts that were made

    @property
    def sentence(self) -> str:
        new = f"{self.new:,} new {'article' if self.new == 1 else 'articles'}"
        return f"{new}, {self.changed:,} changed, {self.unchanged:,} as they were. Nothing of it is published yet."


def bring(brought: Sequence[tuple[str, Content]], *, source: str, by: Person, at: datetime | None = None) -> Brought:
    """Many at once, by slug: each is a draft of its own. What is there word for word already stays as it is."""
    access.require(by, "article.bring")
    checked = [(slug, _checked(content, f"'{slug}' was not brought")) for slug, content in brought]
    new, changed, made = 0, 0, list[Target]()
    for start in range(0, len(checked), STEP):
        with store.writing() as db:
            store.one_at_a_time(db, "articles")
            for slug, content in checked[start : start + STEP]:
                article = db.exec(select(Article).where(Article.slug == slug)).first()
                if article is None:
                    _new(db, slug, content, by, {"source": source}, at)
                    made.append(Target(ARTICLE, slug, 1))
                    new += 1
                elif Content.of(_version(db, slug, article.newest)) != content:
                    made.append(versions.target_of(_next(db, article, content, by, {"source": source}, at)))
                    changed += 1
    with store.writing() as db:
        found = Brought(new, changed, len(checked) - new - changed, tuple(made))
        audit.record(db, by, "brought", "article", "", f"Brought articles from {source}: {found.sentence}", at=at)
    return found


def _new(db: Session, slug: str, content: Content, by: Person, told: dict[str, Any] | None, at: datetime | None) -> Article:
    article = Article(slug=slug, newest=0, stamp=new_id(), at=at or now(), by_person_id=by.id, **_shown(content))
    _next(db, article, content, by, told, at)
    return article


def _next(db: Session, article: Article, content: Content, by: Person, told: dict[str, Any] | None, at: datetime | None) -> Version:
    made = versions.add(db, ARTICLE, article.slug, by=by, manifest=told or {}, body=content.as_body(), authors=[by.id], at=at)
    article.newest = made.target_number
    if article.live is None:
        _show(article, content)
    db.add(article)
    db.flush()
    return made


def _shown(content: Content) -> dict[str, Any]:
    """What lists show."""
    return {name: value for name, value in vars(content).items() if name != "text"}


def _show(article: Article, content: Content) -> None:
    for name, value in _shown(content).items():
        setattr(article, name, value)


def _checked(content: Content, done: str) -> Content:
    title, text = " ".join(content.title.split()), content.text.strip()
    if not title or len(title) > LONGEST_TITLE:
        raise Refused(f"{done}: an article has a title of 1 to {LONGEST_TITLE} characters.")
    if not text:
        raise Refused(f"{done}: '{title}' has no text yet. Write what a customer would need to know.")
    if len(text) > LONGEST:
        raise Refused(f"{done}: '{title[:60]}' has {len(text):,} characters, an article has at most {LONGEST:,}. Make several of it.")
    if unkeepable([title, text, content.area, content.language]):
        raise Refused(f"{done}: '{title[:60]!r}' holds characters that no database keeps. Paste it as plain text.")
    if content.kind not in KINDS or content.audience not in AUDIENCES:
        raise Refused(f"{done}: an article is {', '.join(KINDS)}; it is for {' or '.join(AUDIENCES)}.")
    if content.owner_id is not None:
        with store.reading() as db:
            owner = db.get(Person, content.owner_id)
        if owner is None or owner.disabled_at is not None:
            raise Refused(f"{done}: its owner no longer works here. Choose another.")
    return replace(content, title=title, text=text, area=content.area.strip()[:80], language=content.language.strip().lower()[:10])


def slug_of(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-") or "article"


def _free(db: Session, slug: str) -> str:
    """The name, or the next one that nobody has."""
    taken = set(db.exec(select(Article.slug).where(col(Article.slug).startswith(slug, autoescape=True))))
    return next(name for name in (slug, *(f"{slug}-{number}" for number in range(2, len(taken) + 3))) if name not in taken)


# -- publishing ---------------------------------------------------------------------------------------------------------------------------


def propose(
    targets: Sequence[Target], *, why: str, by: Person, evidence: dict[str, Any] | None = None, at: datetime | None = None
) -> Proposal:  # fmt: skip
    """Ask a second person to publish exactly these versions, together. `evidence`: what trying them on cases showed (trying.py)."""
    access.require(by, "article.propose")
    if not 0 < len(targets) <= MOST_AT_ONCE:
        raise Refused(f"Not proposed: 1 to {MOST_AT_ONCE:,} articles are published together, not {len(targets):,}.")
    with store.writing() as db:
        found = [(_of(db, target.name), _version(db, target.name, target.number)) for target in targets]
        for article, version in found:
            if article.live == version.target_number:
                raise Refused(f"Not proposed: version {version.target_number} of '{article.title}' is published already.")
        payload = {
            "articles": [
                {"slug": article.slug, "number": version.target_number, "sha": version.sha, "in_place_of": article.live}
                for article, version in found
            ]
        }  # fmt: skip
        if approvals.open_for("publish_articles", **payload):
            raise Refused("Not proposed again: the same already waits for approval.")
        title = f"publish '{Content.of(found[0][1]).title}'" if len(found) == 1 else f"publish {len(found):,} articles"
        told = {"sentence": _sentence(found), "titles": [version.body["title"] for _, version in found[:20]], "of": len(found)}
        return approvals.propose(
            db, "publish_articles", title, payload, why=why, evidence=told | (evidence or {}),
            authors=[author for _, version in found for author in version.authors], by=by, at=at,
        )  # fmt: skip


def _sentence(found: Sequence[tuple[Article, Version]]) -> str:
    new = [version for article, version in found if article.live is None]
    if len(found) > 1:
        articles = "article" if len(new) == 1 else "articles"
        return f"{len(new):,} new {articles} and {len(found) - len(new):,} that take the place of what is published."
    (article, version), *_ = found
    words = len(str(version.body["text"]).split())
    return (
        f"A new article of {words:,} words."
        if new
        else f"Version {version.target_number} of {words:,} words, in the place of {article.live}."
    )


def publish(proposal_id: str, *, at: datetime | None = None) -> list[Release]:
    """Carry out an approved proposal: what is in force changes in one transaction, all of it or nothing."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "publish_articles", at=at)
        store.one_at_a_time(db, "articles")
        return [_put_live(db, told, proposal, approver, at) for told in proposal.payload["articles"]]


def proposed(proposal_id: str) -> list[Published]:
    """What a proposal is about, as it would be read."""
    with store.reading() as db:
        told = db.get_one(Proposal, proposal_id).payload["articles"]
    return in_force.published((one["slug"], one["number"]) for one in told)


def _put_live(db: Session, told: dict[str, Any], proposal: Proposal, approver: Person, at: datetime | None) -> Release:
    article, version = _of(db, told["slug"]), _version(db, told["slug"], told["number"])
    if version.sha != told["sha"]:
        raise Refused(f"Not published: '{article.title}' is not the text that was approved.")
    if article.live != told["in_place_of"]:
        raise Refused(f"Not published: another version of '{article.title}' was published since it was proposed. Propose it again.")
    return _in_force(db, article, version, proposal.id, f"followed by version {version.target_number}", approver, at)


def _in_force(
    db: Session, article: Article, version: Version, proposal_id: str | None, why: str, by: Person, at: datetime | None
) -> Release:  # fmt: skip
    release = releases.go_live(db, versions.target_of(version), proposal_id=proposal_id, why_before_ends=why, by=by, at=at)
    article.live, article.stamp = version.target_number, new_id()
    _show(article, Content.of(version))
    db.add(article)
    return release


def go_back(slug: str, number: int, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """A version that two people published before is in force again. The safe direction needs one person."""
    access.require(by, "article.go_back")
    if not why.strip():
        raise Refused("Nothing changed: say why; it stands beside the article afterwards.")
    with store.writing() as db:
        store.one_at_a_time(db, "articles")
        article, version = _of(db, slug), _version(db, slug, number)
        if not releases.once_live(db, versions.target_of(version)):
            raise Refused(f"Nothing changed: version {number} of '{article.title}' was never published. Propose it instead.")
        if article.live == number:
            raise Refused(f"Nothing changed: version {number} of '{article.title}' is published.")
        release = _in_force(db, article, version, None, f"went back to version {number}: {why.strip()}", by, at)
        audit.record(db, by, "went back", "article", article.id, f"'{article.title}' is version {number} again: {why.strip()}", at=at)
        return release


def retire(slug: str, *, why: str, by: Person, at: datetime | None = None) -> Article:
    """No answer quotes it any more, from now on. It can be gone back to; cases that expect it say so when they are run."""
    access.require(by, "article.go_back")
    if not why.strip():
        raise Refused("Not taken out of use: say why; it stands beside the article afterwards.")
    with store.writing() as db:
        store.one_at_a_time(db, "articles")
        article = _of(db, slug)
        release = _live_release(db, article)
        if release is None:
            raise Refused(f"Nothing changed: '{article.title}' is not published.")
        releases.stop(db, release, why=why.strip(), by=by, at=at)
        article.live, article.stamp = None, new_id()
        db.add(article)
        audit.record(db, by, "retired", "article", article.id, f"Took '{article.title}' out of use: {why.strip()}", at=at)
        return article


def _live_release(db: Session, article: Article) -> Release | None:
    query = select(Release).where(Release.target_kind == ARTICLE, Release.target_name == article.slug, Release.stage == "live")
    return db.exec(query).first()


# -- reading ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    words: str = ""  # of the title
    kind: str = ""
    area: str = ""
    state: str = ""  # one of STATES


STATES = {
    "published": "published", "draft": "newer than what is published", "overdue": "to be looked at again", "unpublished": "not published",
}  # fmt: skip


def listed(found: Filter, *, by: Person, page: int = 0, size: int = 50, at: datetime | None = None) -> list[Article]:
    access.require(by, "article.read")
    query = select(Article).where(*_conditions(found, at or now())).order_by(func.lower(Article.title), Article.slug)
    with store.reading() as db:
        return list(db.exec(query.offset(page * size).limit(size)))


def counted(found: Filter, *, by: Person, at: datetime | None = None) -> int:
    access.require(by, "article.read")
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Article).where(*_conditions(found, at or now()))).one()


def _conditions(found: Filter, moment: datetime) -> list[Any]:
    made: list[Any] = [store.contains(col(Article.title), word) for word in found.words.split()[:10]]
    made += [getattr(Article, name) == told for name, told in (("kind", found.kind), ("area", found.area)) if told]
    published, newer = col(Article.live).is_not(None), col(Article.newest) > func.coalesce(Article.live, 0)
    states: dict[str, list[Any]] = {
        "published": [published], "draft": [newer], "unpublished": [~published],
        "overdue": [published, col(Article.review_by) < moment],
    }  # fmt: skip
    return made + states.get(found.state, [])


def areas(*, by: Person) -> list[str]:
    access.require(by, "article.read")
    with store.reading() as db:
        return list(db.exec(select(Article.area).where(Article.area != "").distinct().order_by(Article.area)))


def get(slug: str, *, by: Person) -> Article | None:
    access.require(by, "article.read")
    with store.reading() as db:
        return db.exec(select(Article).where(Article.slug == slug)).first()


def history(slug: str, *, by: Person) -> list[Version]:
    """Newest first."""
    access.require(by, "article.read")
    return versions.all_of(ARTICLE, slug)


def content(slug: str, number: int, *, by: Person) -> Content:
    access.require(by, "article.read")
    return Content.of(versions.get(Target(ARTICLE, slug, number)))


def taken_out(*, drafts: bool = False, by: Person) -> list[tuple[str, Content]]:
    """What is published, or the newest version of each, to be kept elsewhere."""
    access.require(by, "article.take_out")
    with store.reading() as db:
        found = db.exec(select(Article.slug, Article.newest if drafts else Article.live).order_by(Article.slug)).all()
        numbers = {slug: number for slug, number in found if number}
    told: list[tuple[str, Content]] = []
    for start in range(0, len(numbers), STEP):
        some = list(numbers)[start : start + STEP]
        with store.reading() as db:
            query = select(Version).where(Version.target_kind == ARTICLE, col(Version.target_name).in_(some))
            made = {one.target_name: Content.of(one) for one in db.exec(query) if one.target_number == numbers[one.target_name]}
        told += [(slug, made[slug]) for slug in some]
    return told


def _of(db: Session, slug: str) -> Article:
    found = db.exec(select(Article).where(Article.slug == slug).execution_options(populate_existing=True)).first()
    if found is None:
        raise Refused(f"Nothing was done: there is no article '{slug[:80]}'.")
    return found


def _version(db: Session, slug: str, number: int) -> Version:
    query = select(Version).where(Version.target_kind == ARTICLE, Version.target_name == slug, Version.target_number == number)
    found = db.exec(query).first()
    if found is None:
        raise Refused(f"Nothing was done: there is no version {number} of the article '{slug[:80]}'.")
    return found
