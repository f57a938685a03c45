"""`portal bench preview`: how long it takes to say what a candidate would change, of a sample and of all that came, vectors at hand."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import select

from classifiers import impact
from data import encoding, predictions, store, vectors, versions
from data.tables import Conversation
from data.values import LIVE, Target, new_id
from portal.bench import apart, screens, serving

STEP = 2_000


def run(train: Path, texts: Path, count: int) -> dict[str, Any]:
    """Texts are said again and again until there are so many conversations; each is guessed anew nevertheless."""
    said = [row["text"] for row in serving.read(texts, ("text",))]
    with apart.portal():
        vectors.install()
        encoder = encoding.in_force()
        if encoder is not None:
            vectors.kept(said, encoder)
        by = screens.fill(count, said)
        first, second = (versions.target_of(serving.trained(serving.read(train, ("text", "label"))[start::2])) for start in (0, 1))
        _was_said(first)
        told: dict[str, Any] = {"conversations": count, "distinct_texts": len(set(said))}
        impact.preview(second, by=by, days=91, sample=50)  # the model is read from its file
        for name, sample in (("sample", impact.SAMPLE), ("all", count)):
            began, worked = time.perf_counter(), time.process_time()
            found = impact.preview(second, by=by, days=91, sample=sample)
            told[name] = {
                "looked_at": found.changed.n,
                "changed": found.changed.k,
                "seconds": round(time.perf_counter() - began, 2),
                "cpu_seconds": round(time.process_time() - worked, 2),
            }
        return told


def _was_said(target: Target) -> None:
    """Something, of every conversation: what is measured is the candidate's own work."""
    with store.reading() as db:
        ids = list(db.exec(select(Conversation.id)))
    about = {**target.columns(), "at": datetime.now(UTC), "seq": 1, "mode": LIVE, "confidence": 0.9, "top": [], "threshold": 0.5, "why": ""}
    about |= {"label_id": None, "also": [], "ms": None}
    for start in range(0, len(ids), STEP):
        rows = [about | {"id": new_id(), "conversation_id": made} for made in ids[start : start + STEP]]
        with store.writing() as db:
            predictions.add(db, rows)
