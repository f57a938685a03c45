"""Which sentence encoder is in force: the installed one, or one behind the model endpoint."""

from functools import lru_cache
from pathlib import Path

from data import config, connections, vectors
from language.embeddings import EndpointEncoder
from language.encoder import Encodes

ENDPOINT = "endpoint:"  # and the model's name


def chosen() -> Encodes | None:
    """None: it is missing, and texts are compared by words alone."""
    told = config.settings().encoder
    if not told.startswith(ENDPOINT):
        return vectors.installed()
    endpoint = connections.endpoint()
    return EndpointEncoder(endpoint.line(), told.removeprefix(ENDPOINT)) if endpoint else None


def in_force() -> Encodes | None:
    """The chosen one for those who ask often: an installed encoder is opened once, and again when another was installed."""
    if config.settings().encoder.startswith(ENDPOINT):
        return chosen()
    described = vectors.described()
    return _opened(config.settings().home.absolute(), described.files["model"]["sha256"]) if described else None


@lru_cache(maxsize=1)
def _opened(home: Path, sha: str) -> Encodes | None:
    return vectors.installed()
