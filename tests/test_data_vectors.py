"""Every distinct text that a customer wrote is encoded once, by a job that can die anywhere."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import col, func, select, update

from data import people, sealing, store, vectors
from data.errors import Denied, Refused
from data.intake import door
from data.tables import AuditEntry, Conversation, Vector
from data.values import now
from language import patience
from language.embeddings import EndpointEncoder
from language.encoder import Encoder, Vectors
from language.fallback import Fallback
from tests import model_server as server
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_language_encoder import lookup, tiny, vocabulary

__all__ = ["tiny"]  # a fixture


class Counting(Encoder):
    """A small encoder that is real, and counts what it is given."""

    def __init__(self, name: str = "counting", *, languages: tuple[str, ...] = (), dies_after: int | None = None) -> None:
        super().__init__(name, languages, lookup(), vocabulary())
        self.seen: list[str] = []
        self.dies_after = dies_after

    def encode(self, texts: Sequence[str]) -> Vectors:
        if getattr(self, "dies_after", None) is not None and len(self.seen) + len(texts) > (self.dies_after or 0):
            raise KeyboardInterrupt
        if hasattr(self, "seen"):
            self.seen += texts
        return super().encode(texts)


def said(*texts: str, first: int = 1, **fields: object) -> None:
    """A conversation for each text; the rep says it too."""
    messages = [[{"role": "customer", "text": text}, {"role": "rep", "text": f"You said {text}"}] for text in texts]
    made = [canonical(number, messages=both, **fields) for number, both in enumerate(messages, start=first)]
    door.receive(made, by=people.console())


def stored(encoder: str) -> dict[str, bytes]:
    with store.reading() as db:
        return {row.text_sha: row.vector for row in db.exec(select(Vector).where(Vector.encoder == encoder))}


def test_each_distinct_text_of_a_customer_is_encoded_once(home: Path) -> None:
    said("where is my order", "I cannot sign in", "where is my order", "")
    encoder = Counting()
    filled = vectors.fill(encoder)
    assert (filled.encoded, filled.looked_at, filled.done) == (2, 3, True)
    assert sorted(encoder.seen) == ["I cannot sign in", "where is my order"]
    assert set(stored("counting")) == {sealing.sha("where is my order"), sealing.sha("I cannot sign in")}
    assert vectors.fill(encoder).encoded == 0
    assert len(encoder.seen) == 2


def test_what_is_stored_is_what_the_encoder_gave_and_is_not_computed_again(home: Path) -> None:
    texts = ["where is my order", "I cannot sign in"]
    said(*texts)
    encoder = Counting()
    vectors.fill(encoder)
    del encoder.seen[:]
    found = vectors.of([*texts[::-1], "refund", "refund", texts[0]], encoder)
    assert encoder.seen == ["refund"]
    assert found.dtype == np.float32
    assert np.allclose(found, encoder.encode([*texts[::-1], "refund", "refund", texts[0]]), atol=1e-3)
    assert len(stored("counting")) == 2  # looking stores nothing
    assert vectors.of([], encoder).shape[0] == 0


def test_a_job_that_dies_goes_on_where_it_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "STEP", 3)
    texts = [f"order {number}" for number in range(10)]
    said(*texts)
    with pytest.raises(KeyboardInterrupt):
        vectors.fill(Counting(dies_after=7))
    assert len(stored("counting")) == 6  # two steps are kept, the third is not half there
    again = Counting()
    assert vectors.fill(again).encoded == 4
    assert sorted(again.seen) == texts[6:]


def test_it_stops_at_the_most_it_may_and_goes_on_from_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "STEP", 4)
    said(*[f"order {number}" for number in range(10)])
    encoder, after, encoded = Counting(), "", []
    for _ in range(9):
        filled = vectors.fill(encoder, after=after, most=3)
        after, encoded = filled.cursor, [*encoded, filled.encoded]
        if filled.done:
            break
    assert encoded == [3, 3, 3, 1]
    said("one more", first=50)
    later = vectors.fill(encoder, after=after)
    assert (later.encoded, later.looked_at) == (1, 1)  # what came before is not looked at again


def test_how_far_it_is_is_told_in_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "STEP", 2)
    said("one", "two", "one")
    told: list[tuple[float, str]] = []
    vectors.fill(Counting(), progress=lambda share, words: told.append((share, words)))
    assert told == [
        (pytest.approx(2 / 3), "2 of 3 messages looked at, 2 texts encoded"), (1.0, "3 of 3 messages looked at, 2 texts encoded"),
    ]  # fmt: skip


def test_two_jobs_side_by_side_store_each_text_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "STEP", 5)
    said(*[f"order {number}" for number in range(30)])
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(vectors.fill(Counting()).encoded)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == len(stored("counting")) == 30


def test_another_encoder_leaves_the_vectors_of_the_first_until_they_are_forgotten(staff: Staff) -> None:
    said("order", "refund")
    vectors.fill(Counting("first"))
    vectors.fill(Counting("second"))
    assert vectors.encoders_in_use() == {"first": 2, "second": 2}
    with pytest.raises(Denied):
        vectors.forget("first", by=staff.rep)
    assert vectors.forget("first", by=staff.engineer) == 2
    assert vectors.encoders_in_use() == {"second": 2}
    with store.reading() as db:
        last = db.exec(select(AuditEntry).order_by(col(AuditEntry.number).desc())).first()
    assert last is not None and last.sentence == "Deleted 2 vectors of the encoder first."


def test_what_is_hidden_is_not_encoded(home: Path) -> None:
    said("order", "refund")
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.external_id) == "1").values(hidden_at=now() - timedelta(days=1)))
    encoder = Counting()
    vectors.fill(encoder)
    assert encoder.seen == ["refund"]


def test_it_is_said_which_languages_the_encoder_was_not_made_for(home: Path) -> None:
    said("order", "refund", "money", language="en")
    said("Bestellung", "Geld", first=10, language="de")
    said("commande", first=20, language="fr")
    encoder = Counting(languages=("en",))
    vectors.fill(encoder)
    told = vectors.coverage(encoder.name, encoder.languages)
    assert (told.texts, told.conversations, told.other_languages) == (6, 6, {"de": 2, "fr": 1})
    assert told.sentence == "Of 6 conversations 3 are in languages that the encoder was not made for: de 2, fr 1."
    assert vectors.coverage(Counting().name, ()).sentence == "The encoder was made for the languages of all 6 conversations."


def test_words_alone_are_never_stored(home: Path) -> None:
    said("order", "refund")
    words = Fallback(["order", "refund"])
    with pytest.raises(Refused, match=r"^No vectors were stored: the encoder is missing\. Install it: portal encoder install\."):
        vectors.fill(words)
    assert vectors.of(["order"], words).shape[0] == 1
    with store.reading() as db:
        assert db.exec(select(func.count()).select_from(Vector)).one() == 0


def test_an_encoder_behind_an_endpoint_fails_in_words_and_goes_on_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "STEP", 2)
    patience.forget()
    said("order", "refund", "money", "thx")
    with server.running(server.embeddings, server.status(500)) as model:
        there = EndpointEncoder(model.line(), "embedder")
        with pytest.raises(
            Refused, match=r"^The texts were not encoded\. The model endpoint does not answer.*kept, and the next run goes on"
        ):
            vectors.fill(there)
        assert vectors.encoders_in_use() == {there.name: 2}
        model.says(server.embeddings)
        assert vectors.fill(there).encoded == 2


def test_the_encoder_of_the_home_is_installed_and_loaded(sqlite_home: Path, tiny: Path) -> None:
    assert vectors.installed() is None
    made = vectors.install(tiny, languages=("en",))
    found = vectors.installed()
    assert found is not None and found.name == made.name
    next((sqlite_home / "encoder").glob("model-*")).write_bytes(b"other")
    with pytest.raises(Refused, match=r"was changed since it was installed\. Install it again: portal encoder install\.$"):
        vectors.installed()
    with pytest.raises(Refused, match=r"^The encoder was not installed: there is no tokenizer\.json"):
        vectors.install(sqlite_home)
