"""Classifies texts with the files in this folder alone, and shows how other programs do: see README.md."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from scipy import sparse

LONGEST, NEAREST = 20_000, 3


def classifier(folder: Path) -> Callable[[Sequence[str]], list[dict[str, Any]]]:
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    model = skops.io.load(folder / "model.skops", trusted=[])
    kinds = [kind for kind in (model["words"], model["pieces"]) if kind is not None]
    for kind in kinds:
        kind.vocabulary_ = {feature: place for place, feature in enumerate(kind.vocabulary_.split("\n"))}
    encode = encoder(folder) if model["encoder"] else lambda texts: np.zeros((len(texts), 0), np.float32)
    names = [told["label_names"][label_id] for label_id in model["labels"]]

    def classify(texts: Sequence[str]) -> list[dict[str, Any]]:
        texts = [text[:LONGEST].encode("utf-8", "replace").decode() for text in texts]
        vectors = encode(texts).astype(np.float16).astype(np.float32)
        counted = sparse.hstack([kind.transform(texts) for kind in kinds]).tocsr() if kinds else np.zeros((len(texts), 0), np.float32)
        if model.get("kind") == "several":
            return several(model, counted, vectors, names, told["thresholds"])
        shares, other = scored(model, counted, vectors, told["temperature"])
        second, best = np.sort(shares, axis=1)[:, -2:].T
        own = told.get("own_thresholds") or {}  # labels that have to be surer than the others, or less
        bars = np.array([own.get(label_id, told["threshold"]) for label_id in model["labels"]])[shares.argmax(axis=1)]
        gaps = np.array([0.0 if label_id in own else told["gap"] for label_id in model["labels"]])[shares.argmax(axis=1)]
        speaks = (best >= bars) & (best - second >= gaps)
        rows = zip([names[place] for place in shares.argmax(axis=1)], best.tolist(), speaks, other.tolist(), strict=True)
        return [{"label": name if sure else None, "likeliest": name, "confidence": p, "other": o} for name, p, sure, o in rows]

    return classify


def several(model: dict[str, Any], counted: Any, vectors: Any, names: list[str], thresholds: dict[str, float]) -> list[dict[str, Any]]:
    """All labels that come up, each from its own threshold on, the surest first."""
    scores = np.asarray(counted @ model["weights"] + vectors @ model["turned"] + model["bias"], dtype=np.float64)
    shares, bars = 1 / (1 + np.exp(-np.clip(scores, -30, 30))), np.array([thresholds[label_id] for label_id in model["labels"]])
    told = []
    for row, order in zip(shares, np.argsort(-shares, axis=1, kind="stable"), strict=True):
        said = [place for place in order if row[place] >= bars[place]]
        best = said[0] if said else order[0]
        labels = [names[place] for place in said]
        told.append({"label": labels[0] if said else None, "labels": labels, "likeliest": names[best], "confidence": float(row[best])})
    return told


def scored(model: dict[str, Any], counted: Any, vectors: Any, temperature: float) -> tuple[Any, Any]:
    examples, taught, foreign = model["examples"].astype(np.float32), model["taught"], model["foreign"]
    scores = np.asarray(counted @ model["weights"] + vectors @ model["turned"] + model["bias"], dtype=np.float64)
    for label in np.unique(taught) if model["near"] else []:
        scores[:, label] += model["near"] * nearest(vectors @ examples[taught == label].T).mean(axis=1)
    outside = foreign["label"] if foreign else None
    own = np.arange(scores.shape[1]) != outside
    signs = [-scores[:, own].max(axis=1)]
    if vectors.shape[1]:
        signs += [-nearest(vectors @ examples[taught != outside].T)[:, -1], -nearest(vectors @ examples[taught != outside].T).mean(axis=1)]
    signs += [] if outside is None else [scores[:, outside]]
    strange = np.column_stack(signs) @ foreign["weights"] + foreign["bias"] if foreign else np.full(len(scores), -np.inf)
    other = 1 / (1 + np.exp(-np.maximum(strange, -700)))
    shares, grown = np.repeat(other[:, None], scores.shape[1], axis=1), np.exp((scores[:, own] + signs[0][:, None]) / temperature)
    shares[:, own] = grown / grown.sum(axis=1, keepdims=True) * (1 if outside is None else 1 - other[:, None])
    return shares, other


def nearest(alike: Any) -> Any:
    return np.sort(alike, axis=1)[:, -NEAREST:]


def encoder(folder: Path) -> Callable[[Sequence[str]], Any]:
    import onnxruntime
    from tokenizers import Tokenizer

    cut, session = Tokenizer.from_file(str(folder / "tokenizer.json")), onnxruntime.InferenceSession(str(folder / "encoder.onnx"))
    cut.no_padding()
    cut.enable_truncation(256)

    def one(text: str) -> Any:
        ids = np.array([cut.encode(text).ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        out = np.atleast_2d(session.run(None, {put.name: given[put.name] for put in session.get_inputs()})[0][0]).mean(axis=0)
        return (out / max(float(np.linalg.norm(out)), 1e-12)).astype(np.float32)

    return lambda texts: np.stack([one(text) for text in texts])


if __name__ == "__main__":
    for text, said in zip(sys.argv[1:], classifier(Path(__file__).parent)(sys.argv[1:]), strict=True):
        names = ", ".join(said.get("labels", [])) or said["label"] or f"nothing, likeliest {said['likeliest']}"
        print(f"{names}\t{said['confidence']:.3f}\t{text}")  # noqa: T201
