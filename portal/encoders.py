"""Which encoder is in force, and how far it has come: for the worker, the screens and the command line."""

import json
from typing import Any

from sqlmodel import col, select

from data import config, connections, store, vectors
from data.encoding import ENDPOINT
from data.encoding import chosen as chosen
from data.errors import Refused
from data.tables import Message
from data.values import now

CURSOR = "cursor.json"  # beside the encoder: how far its vectors go. Lost, everything is looked at once more, and little is computed


def fill(progress: Any = None) -> str:
    """Encode what is not encoded yet. Once a day everything is looked at, so that nothing is left out for ever."""
    encoder = chosen()
    if encoder is None and config.settings().encoder:
        raise Refused("Nothing was encoded: PORTAL_ENCODER names the model endpoint, and none is set.")
    if encoder is None:  # the first time: installing it is part of setting up
        vectors.install()
        encoder = chosen()
    if encoder is None:
        raise Refused("Nothing was encoded: the encoder is missing. Install it: portal encoder install.")
    told = _cursor()
    today = now().date().isoformat()
    same = told.get("encoder") == encoder.name and told.get("day") == today
    filled = vectors.fill(encoder, after=told["after"] if same else "", progress=progress)
    path = config.folder("encoder") / CURSOR
    path.write_text(json.dumps({"encoder": encoder.name, "day": today, "after": filled.cursor}))
    return f"{filled.encoded:,} texts encoded by {encoder.name}."


def _cursor() -> dict[str, str]:
    path = config.folder("encoder") / CURSOR
    try:
        told = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):  # never run, or cut off while it was written
        return {}
    return told if isinstance(told, dict) else {}


def anything_new() -> bool:
    """Whether customers wrote since the last run."""
    told = _cursor()
    query = select(Message.id).where(Message.id > told.get("after", ""), Message.role == "customer", Message.text != "")
    with store.reading() as db:
        return db.exec(query.order_by(col(Message.id)).limit(1)).first() is not None


def in_words() -> str:
    """For the Installation page and the doctor. Nothing is loaded for it."""
    told = config.settings().encoder
    if told.startswith(ENDPOINT):
        endpoint = connections.endpoint()
        if endpoint is None:
            return "PORTAL_ENCODER names the model endpoint, and none is set: similar texts are found by words only."
        return f"Encoder {told.removeprefix(ENDPOINT)} of the model endpoint."
    try:
        made = vectors.described()
    except Refused as refused:
        return str(refused)
    if made is None:
        return (
            "The encoder is not there yet: similar texts are found by words only. "
            "The worker installs it some ten minutes after its start; 'portal encoder install' does it at once."
        )
    reach = vectors.coverage(made.name, made.languages)
    return f"Encoder {made.name}: {reach.texts:,} texts. {reach.sentence}"
