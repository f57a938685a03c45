"""Answers with a version of a classifier: for conversations that arrive, and for the cases of an eval set."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sklearn.pipeline import Pipeline

from classifiers import files, model
from data import config, conversations, labels, predictions, releases, store, versions
from data.tables import Case, Version
from data.values import LIVE, Target, new_id, now
from evals import runs, sets

STEP = 500


@lru_cache(maxsize=4)
def _loaded(home: str, target: Target) -> tuple[Pipeline, Version]:
    version = versions.get(target)
    return files.load(version), version


def guess(target: Target, texts: Sequence[str]) -> list[model.Guess]:
    pipeline, version = _loaded(str(config.settings().home.absolute()), target)
    return model.guess(pipeline, texts, temperature=version.manifest["temperature"], threshold=version.manifest["threshold"])


def predict(conversation_ids: Sequence[str], *, name: str = labels.INTENT, at: datetime | None = None) -> int:
    """Classify conversations with the live version; returns how many were predicted. Done already stays as it was."""
    release = releases.live("classifier", name)
    if release is None:
        return 0
    target = releases.target_of(release)
    threshold = versions.get(target).manifest["threshold"]
    done = 0
    for start in range(0, len(conversation_ids), STEP):
        with store.reading() as db:
            texts = conversations.texts(db, conversation_ids[start : start + STEP])
        subjects = [subject for subject, _ in texts.values()]
        rows = [
            {
                "id": new_id(),
                "at": at or now(),
                "conversation_id": subject.conversation_id,
                "seq": subject.seq,
                **target.columns(),
                "mode": LIVE,
                "label_id": said.label_id,
                "confidence": said.confidence,
                "top": said.top,
                "threshold": threshold,
                "why": "",
            }
            for subject, said in zip(subjects, guess(target, [text for _, text in texts.values()]), strict=True)
        ]
        with store.writing() as db:
            done += predictions.add(db, rows)
    return done


def ask(target: Target) -> runs.Ask:
    """The version as a target that an eval run can question. In a run it always names its best guess: silence is judged apart."""

    def answer(cases: Sequence[Case]) -> list[dict[str, Any]]:
        names = labels.names()
        said = guess(target, [sets.text_of(case) for case in cases])
        return [
            {"label": names.get(one.top[0][0]), "label_id": one.top[0][0], "confidence": one.confidence, "silent": one.label_id is None}
            for one in said
        ]

    return runs.told_at_once(answer)
