"""Model files: named by their content, sealed for one version, and checked before anything reads them."""

import copy
import hmac
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.pipeline import FeatureUnion, Pipeline

from data import config, sealing, versions
from data.errors import Refused
from data.tables import Version


def save(pipeline: Pipeline) -> str:
    """Write the model, whole and synced, and return the SHA-256 that names it."""
    import skops.io

    content = skops.io.dumps(_with_lists(pipeline))
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


def load(version: Version) -> Pipeline:
    """The model of a version. Another file in its place, also a valid one of ours, is refused before it is parsed."""
    import skops.io

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
    loaded = skops.io.loads(content, trusted=[])
    if not isinstance(loaded, Pipeline):
        raise Refused(f"{target} cannot be used: its file holds no model.")
    for _, vectorizer in loaded["features"].transformer_list:
        if isinstance(vectorizer.vocabulary_, np.ndarray):
            vectorizer.vocabulary_ = {feature: place for place, feature in enumerate(vectorizer.vocabulary_.tolist())}
    return loaded


def _with_lists(pipeline: Pipeline) -> Pipeline:
    """The model with each vocabulary as the list of its features: skops writes an object for every entry of a dictionary, and of
    these there are tens of thousands."""
    packed = []
    for name, vectorizer in pipeline["features"].transformer_list:
        vocabulary, vectorizer = vectorizer.vocabulary_, copy.copy(vectorizer)
        vectorizer.vocabulary_ = np.array(sorted(vocabulary, key=vocabulary.__getitem__), dtype=np.str_)
        packed.append((name, vectorizer))
    return Pipeline([("features", FeatureUnion(packed)), ("svm", pipeline["svm"])])


def _path(file_sha: str) -> Path:
    return config.folder("models") / f"{file_sha}.skops"
