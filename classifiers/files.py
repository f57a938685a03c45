"""Model files: plain parts that scikit-learn, numpy and skops can read, named by their content, sealed for one version, checked before
anything reads them."""

import copy
import hmac
import io
import itertools
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from classifiers.kinds import SEVERAL
from classifiers.model import Learned, Model, Words
from classifiers.outside import Foreign
from classifiers.several_model import Several
from data import config, sealing, versions
from data.errors import Refused
from data.tables import Version

FORMAT = 2  # 1 was a scikit-learn Pipeline; such files are still read


def save(made: Model) -> str:
    """Write the model, whole and synced, and return the SHA-256 that names it."""
    import skops.io

    content = _repeatable(skops.io.dumps(_parts(made)))
    file_sha = sealing.sha(content)
    folder = config.folder("models")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            Path(file.name).unlink()
            why = os.strerror(error.errno or 0).lower()
            raise Refused(
                f"Not kept: the model cannot be written ({why}). Whoever runs the portal has to make room; then train again."
            ) from error
    Path(file.name).replace(_path(file_sha))
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return file_sha


def load(version: Version) -> Model:
    """The model of a version. Another file in its place, also a valid one of ours, is refused before it is parsed."""
    import skops.io

    loaded = skops.io.loads(checked(version), trusted=[])
    if isinstance(loaded, Pipeline):
        return _of_pipeline(loaded)
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        raise Refused(f"{versions.target_of(version)} cannot be used: its file holds no model.")
    return _of_parts(loaded)


def checked(version: Version) -> bytes:
    """The bytes of its file, which are those that were made."""
    target = versions.target_of(version)
    if not version.file_sha or not version.file_hmac:
        raise Refused(f"{target} has no model file.")
    path = _path(version.file_sha)
    if not path.is_file() or path.is_symlink():
        raise Refused(f"{target} cannot be used: its model file is missing. Restore models/ from a backup, or train again.")
    content = path.read_bytes()
    sealed = versions.file_seal(target, version.file_sha)
    if sealing.sha(content) != version.file_sha or not hmac.compare_digest(sealed, version.file_hmac):
        raise Refused(
            f"{target} cannot be used: its model file is not the one that was made. Restore models/ from a backup, or train again."
        )
    return content


def _parts(made: Model) -> dict[str, Any]:
    """Exactly what classifiers/standalone.py reads, outside of the portal."""
    foreign, learned = made.foreign, made.learned
    kind = {"kind": SEVERAL} if isinstance(made, Several) else {}
    return kind | {
        "format": FORMAT, "labels": made.labels, "encoder": made.encoder,
        "words": _packed(made.words.words), "pieces": _packed(made.words.pieces),
        "weights": learned.weights, "turned": learned.turned, "bias": learned.bias, "near": learned.near,
        "examples": learned.examples.astype(np.float16), "taught": learned.taught.astype(np.int32), "ids": made.ids,
        "foreign": foreign and {"label": foreign.label, "weights": foreign.weights, "bias": foreign.bias},
    }  # fmt: skip


def _of_parts(parts: dict[str, Any]) -> Model:
    foreign = parts["foreign"]
    kind = Several if parts.get("kind") == SEVERAL else Model
    return kind(
        labels=parts["labels"],
        words=Words(_unpacked(parts["words"]), _unpacked(parts["pieces"])),
        learned=Learned(
            parts["weights"], parts["turned"], parts["bias"], parts["near"], parts["examples"].astype(np.float32),
            parts["taught"].astype(np.intp), np.arange(len(parts["taught"])),
        ),
        encoder=parts["encoder"],
        ids=parts["ids"],
        foreign=foreign and Foreign(**foreign),
    )  # fmt: skip


def _of_pipeline(loaded: Pipeline) -> Model:
    """What an older portal trained: words only."""
    kinds = dict(loaded["features"].transformer_list)
    svm = loaded["svm"]
    coefficients, bias = svm.coef_, svm.intercept_
    if len(svm.classes_) == 2:
        coefficients, bias = np.vstack([-coefficients, coefficients]), np.concatenate([-bias, bias])
    weights, none = np.ascontiguousarray(coefficients.T, dtype=np.float32), np.zeros((0, len(bias)), np.float32)
    learned = Learned(weights, none, bias.astype(np.float32), 0.0, np.zeros((0, 0), np.float32), np.zeros(0, np.intp), np.zeros(0, np.intp))
    return Model([str(label_id) for label_id in svm.classes_], Words(_unpacked(kinds["words"]), _unpacked(kinds["pieces"])), learned)


def _packed(vectorizer: Any) -> Any:
    """With its vocabulary as lines: skops writes an object for every entry of a dictionary, and of these there are tens of thousands."""
    if vectorizer is None:
        return None
    vocabulary, vectorizer = vectorizer.vocabulary_, copy.copy(vectorizer)
    vectorizer.vocabulary_ = "\n".join(sorted(vocabulary, key=vocabulary.__getitem__))
    vars(vectorizer).pop("_stop_words_id", None)  # an address in memory
    return vectorizer


def _unpacked(vectorizer: Any) -> Any:
    if vectorizer is None or isinstance(vectorizer.vocabulary_, dict):
        return vectorizer
    told = vectorizer.vocabulary_
    features = told.split("\n") if isinstance(told, str) else told.tolist()  # an array in files of older portals
    vectorizer.vocabulary_ = {feature: place for place, feature in enumerate(features)}
    return vectorizer


def _repeatable(content: bytes) -> bytes:
    """The same parts give the same bytes: skops writes the hour and the addresses in memory into its files."""
    files: dict[str, str] = {}
    nodes = itertools.count(1)

    def renumber(told: Any) -> Any:
        if isinstance(told, list):
            return [renumber(one) for one in told]
        if not isinstance(told, dict):
            return told
        made = {name: renumber(value) for name, value in told.items()}
        if "__id__" in made:
            made["__id__"] = next(nodes)
        if made.get("__loader__") == "NdArrayNode" and "file" in made:
            made["file"] = files.setdefault(made["file"], f"{len(files) + 1}.npy")
        return made

    with zipfile.ZipFile(io.BytesIO(content)) as old:
        schema = renumber(json.loads(old.read("schema.json")))
        arrays = {name: old.read(before) for before, name in files.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, inside in [*arrays.items(), ("schema.json", json.dumps(schema).encode())]:
            new.writestr(zipfile.ZipInfo(name), inside, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def _path(file_sha: str) -> Path:
    return config.folder("models") / f"{file_sha}.skops"
