"""Answers with a version of a classifier: for conversations that arrive, and for the cases of an eval set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from classifiers import abstention, files, model, several_model
from data import config, encoding, labels, vectors, versions
from data.errors import Refused
from data.tables import Case, Version
from data.values import Target
from evals import runs, sets
from language.call import NoAnswer

STEP = 500


@lru_cache(maxsize=4)  # a version that is read for the first time does not keep the others waiting
def _loaded(home: str, target: Target) -> tuple[model.Model, Version]:
    version = versions.get(target)
    return files.load(version), version


def _of(target: Target) -> tuple[model.Model, Version]:
    return _loaded(str(config.settings().home.absolute()), target)


def guess(target: Target, texts: Sequence[str], *, keep: bool = False) -> list[model.Guess]:
    """`keep`: vectors that had to be computed are stored, for texts that will be asked about again."""
    made, version = _of(target)
    told = version.manifest
    found: list[model.Guess] = []
    for start in range(0, len(texts), STEP):
        some = texts[start : start + STEP]
        seen = _vectors(target, made, some, keep=keep)
        found += _said(made, told, some, seen)
    return found


def _said(made: model.Model, told: Mapping[str, Any], texts: Sequence[str], seen: model.Vectors | None) -> list[model.Guess]:
    if isinstance(made, several_model.Several):
        return several_model.guess(made, texts, seen, thresholds=told["thresholds"])
    return model.guess(made, texts, seen, **speech(told))


def speech(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """When it answers, as training or a person chose it."""
    return {
        "temperature": manifest["temperature"], "threshold": manifest["threshold"], "gap": manifest.get("gap", 0.0),
        "own": manifest.get("own_thresholds"), "asks": manifest.get("asks", abstention.NEVER),
    }  # fmt: skip


def _vectors(target: Target, made: model.Model, texts: Sequence[str], *, keep: bool = False) -> model.Vectors | None:
    """Read where they are stored, computed where they are not. None: the model looks at words only."""
    if made.encoder is None:
        return None
    encoder = encoding.in_force()
    if encoder is None or encoder.name != made.encoder:
        there = f"the encoder in force is {encoder.name}" if encoder else "no encoder is installed"
        raise Refused(
            f"{target} cannot answer: it was trained with the encoder {made.encoder}, and {there}. "
            f"Put that encoder back (portal encoder install), or train again."
        )
    try:
        cleaned = [model.cleaned(text) for text in texts]
        return vectors.kept(cleaned, encoder) if keep else vectors.of(cleaned, encoder)
    except NoAnswer as none:
        raise Refused(f"{target} cannot answer: {none}") from none


@dataclass(frozen=True)
class Why:
    """What a guess rests on."""

    guess: model.Guess
    words: list[tuple[str, float]]  # that stand in the text and speak most for the likeliest label
    nearest: list[tuple[str, str, float]]  # conversation, label and likeness of the examples nearest to it

    @property
    def sentence(self) -> str:
        told = ", ".join(f"“{word}”" for word, _ in self.words)
        return f"What speaks for it: {told}." if told else "No word of the text speaks for it by itself."


def why(target: Target, text: str) -> Why:
    made, version = _of(target)
    seen = _vectors(target, made, [text])
    told = version.manifest
    said = _said(made, told, [text], seen)[0]
    words = model.speaking_for(made, text, said.top[0][0])
    return Why(said, words, model.nearest_examples(made, seen[0] if seen is not None else None))


def ask(target: Target) -> runs.Ask:
    """The version as a target that an eval run can question. In a run it always names its best guess: silence is judged apart.

    One that may say several labels names those that it says: that it is silent of one is its word on it.
    """

    def answer(cases: Sequence[Case]) -> list[dict[str, Any]]:
        names, several = labels.names(), isinstance(_of(target)[0], several_model.Several)
        said = guess(target, [sets.text_of(case) for case in cases])
        return [_all_of(one, names) if several else _best_of(one, names) for one in said]

    return runs.told_at_once(answer)


def _best_of(one: model.Guess, names: Mapping[str, str]) -> dict[str, Any]:
    likeliest: str = one.top[0][0]
    return {"label": names.get(likeliest), "label_id": likeliest, "confidence": one.confidence, "silent": one.label_id is None}


def _all_of(one: model.Guess, names: Mapping[str, str]) -> dict[str, Any]:
    ids = [one.label_id, *one.also] if one.label_id else []
    return {
        "label": names.get(one.label_id or ""), "label_id": one.label_id, "labels": [names.get(made, "?") for made in ids],
        "label_ids": ids, "confidence": one.confidence, "silent": one.label_id is None,
    }  # fmt: skip
