"""Each customer's text as the encoder sees it: computed once for every distinct text, kept until another encoder has done them all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, insert
from sqlmodel import Session, col, func, select

from data import access, audit, config, conversations, sealing, store
from data.errors import Refused
from data.tables import Conversation, Message, Person, Vector
from data.values import new_id, now
from language import encoder as encoders
from language.call import NoAnswer
from language.encoder import Encoder, Encodes, Manifest

STEP = 500  # messages looked at, and texts encoded, between two commits
ASKED = 500  # values in one condition

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Filled:
    encoded: int
    looked_at: int  # messages
    cursor: str  # the last message's id: with it the next run goes on, also after new ones came
    done: bool  # False: it stopped at `most`


@dataclass(frozen=True)
class Coverage:
    """How far the encoder reaches."""

    texts: int  # distinct customers' texts that have a vector of this encoder
    conversations: int
    other_languages: dict[str, int]  # language -> conversations, of those that the encoder was not made for

    @property
    def sentence(self) -> str:
        other = sum(self.other_languages.values())
        if not other:
            return f"The encoder was made for the languages of all {self.conversations:,} conversations."
        told = ", ".join(f"{language} {count:,}" for language, count in list(self.other_languages.items())[:5])
        return f"Of {self.conversations:,} conversations {other:,} are in languages that the encoder was not made for: {told}."


# -- the installed encoder --------------------------------------------------------------------------------------------------------------


def install(source: Path | None = None, *, languages: tuple[str, ...] = ()) -> Manifest:
    """Put the shipped encoder into the portal's home, or that of a folder. Called by the console, at set-up and later."""
    try:
        return encoders.install(config.folder("encoder"), source, languages=languages)
    except encoders.Unusable as wrong:
        raise Refused(str(wrong)) from wrong


def installed() -> Encoder | None:
    """None where there is none: then texts are compared by words only (language/fallback.py)."""
    try:
        return encoders.load(config.settings().home.absolute() / "encoder")
    except encoders.Unusable as wrong:
        raise Refused(str(wrong)) from wrong


def described() -> Manifest | None:
    """What is installed, for those who only want to know."""
    try:
        return encoders.manifest(config.settings().home.absolute() / "encoder")
    except encoders.Unusable as wrong:
        raise Refused(str(wrong)) from wrong


# -- vectors ----------------------------------------------------------------------------------------------------------------------------


def missing(db: Session, texts: Sequence[str], encoder: str) -> list[str]:
    """The distinct texts that this encoder has not seen, in order."""
    shas = {sealing.sha(text): text for text in texts}
    known = set(_stored(db, list(shas), encoder))
    return [text for sha, text in shas.items() if sha not in known]


def of(texts: Sequence[str], encoder: Encodes) -> Vectors:
    """A row for each text: read where it is stored, computed where it is not. Nothing is stored by looking."""
    if encoder.is_fallback:
        return encoder.encode(texts)
    shas = [sealing.sha(text) for text in texts]
    with store.reading() as db:
        known = _stored(db, list(dict.fromkeys(shas)), encoder.name)
    new = {sha: text for sha, text in zip(shas, texts, strict=True) if sha not in known}
    known |= dict(zip(new, _encoded(encoder, list(new.values())), strict=True)) if new else {}
    return np.stack([known[sha] for sha in shas]) if shas else encoder.encode([])


def kept(texts: Sequence[str], encoder: Encodes, *, at: datetime | None = None) -> Vectors:
    """The same, and what was not known is stored: for work that will ask for these texts again."""
    if not encoder.is_fallback:
        with store.reading() as db:
            new = missing(db, texts, encoder.name)
        for start in range(0, len(new), STEP):
            _store(encoder, new[start : start + STEP], at)
    return of(texts, encoder)


def fill(
    encoder: Encodes,
    *,
    after: str = "",
    most: int | None = None,
    progress: Callable[[float, str], None] | None = None,
    at: datetime | None = None,
) -> Filled:
    """Encode what customers wrote and no vector is there for. Killed anywhere and run again it goes on; other encoders' vectors stay."""
    if encoder.is_fallback:
        raise Refused("No vectors were stored: the encoder is missing. Install it: portal encoder install.")
    encoded = looked_at = 0
    total = _count() if progress else 0
    for ids, texts in _spoken(after):
        with store.reading() as db:
            new = missing(db, texts, encoder.name)
        if most is not None and encoded + len(new) > most:
            new = new[: most - encoded]
            encoded += _store(encoder, new, at)
            return Filled(encoded, looked_at, after, done=False)  # this step is looked at again
        encoded += _store(encoder, new, at)
        looked_at += len(ids)
        after = ids[-1]
        if progress:
            progress(min(1.0, looked_at / max(1, total)), f"{looked_at:,} of {total:,} messages looked at, {encoded:,} texts encoded")
    return Filled(encoded, looked_at, after, done=True)


def forget(encoder: str, *, by: Person, at: datetime | None = None) -> int:
    """Delete an encoder's vectors, once another has done them all. They can be computed again, so one person is enough."""
    access.require(by, "connection.propose")
    with store.writing() as db:
        gone = db.execute(delete(Vector).where(col(Vector.encoder) == encoder)).rowcount  # type: ignore[attr-defined]
        audit.record(db, by, "forgot", "encoder", encoder, f"Deleted {gone:,} vectors of the encoder {encoder}.", at=at)
        return int(gone)


def encoders_in_use() -> dict[str, int]:
    """Encoder -> vectors that are stored, the most first."""
    with store.reading() as db:
        counted = db.exec(select(Vector.encoder, func.count()).group_by(Vector.encoder)).all()
        return dict(sorted(counted, key=lambda pair: -pair[1]))


def coverage(name: str, languages: Sequence[str]) -> Coverage:
    """Of the encoder of this name, made for these languages."""
    with store.reading() as db:
        texts = db.exec(select(func.count()).select_from(Vector).where(Vector.encoder == name)).one()
        counted = db.exec(
            select(Conversation.language, func.count()).where(col(Conversation.hidden_at).is_(None)).group_by(Conversation.language)
        ).all()
    other = {language: count for language, count in counted if language and not encoders.speaks(languages, language)}
    return Coverage(texts, sum(count for _, count in counted), dict(sorted(other.items(), key=lambda pair: -pair[1])))


def _stored(db: Session, shas: list[str], encoder: str) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    for start in range(0, len(shas), ASKED):
        query = select(Vector.text_sha, Vector.vector).where(
            Vector.encoder == encoder, col(Vector.text_sha).in_(shas[start : start + ASKED])
        )
        found |= {sha: np.frombuffer(raw, np.float16).astype(np.float32) for sha, raw in db.exec(query)}
    return found


def _spoken(after: str) -> Iterator[tuple[list[str], list[str]]]:
    """The ids and texts of customers' messages, and what classifiers look at of their conversations; a step at a time: no transaction is
    open while a step is worked on."""
    while True:
        with store.reading() as db:
            query = (
                select(Message.id, Message.text, Message.conversation_id)
                .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
                .where(Message.id > after, Message.role == "customer", Message.text != "", col(Conversation.hidden_at).is_(None))
                .order_by(Message.id)
                .limit(STEP)
            )
            rows = db.exec(query).all()
            openings = conversations.texts(db, list(dict.fromkeys(conversation_id for *_, conversation_id in rows)))
        if not rows:
            return
        yield [made for made, *_ in rows], [*(text for _, text, _ in rows), *(text for _, text in openings.values() if text.strip())]
        after = rows[-1][0]


def _count() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Message).where(Message.role == "customer", Message.text != "")).one()


def _store(encoder: Encodes, texts: list[str], at: datetime | None) -> int:
    """Encode outside the transaction, which then is short."""
    if not texts:
        return 0
    rows = _encoded(encoder, texts).astype(np.float16)
    with store.writing() as db:
        store.one_at_a_time(db, "vectors")
        wanted = set(missing(db, texts, encoder.name))  # another may have been faster
        new = [
            {
                "id": new_id(), "at": at or now(), "by_person_id": None, "text_sha": sealing.sha(text), "encoder": encoder.name,
                "vector": row.tobytes(),
            }
            for text, row in zip(texts, rows, strict=True) if text in wanted
        ]  # fmt: skip
        if new:
            db.execute(insert(Vector), new)
    return len(new)


def _encoded(encoder: Encodes, texts: list[str]) -> Vectors:
    try:
        return encoder.encode(texts)
    except NoAnswer as none:
        raise Refused(f"{none} What was encoded before is kept, and the next run goes on from there.") from none
