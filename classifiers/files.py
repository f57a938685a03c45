"""Model files: named by their content, sealed for one version, and checked before anything reads them."""

import hmac
import os
import tempfile
from pathlib import Path

from sklearn.pipeline import Pipeline

from data import config, sealing, versions
from data.errors import Refused
from data.tables import Version


def save(pipeline: Pipeline) -> str:
    """Write the model, whole and synced, and return the SHA-256 that names it."""
    import skops.io

    content = skops.io.dumps(pipeline)
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
    return loaded


def _path(file_sha: str) -> Path:
    return config.folder("models") / f"{file_sha}.skops"
