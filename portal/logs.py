"""What the processes say: one line a message, for people or as JSON for machines, and never a card or an address in it."""

import json
import logging
import sys
from datetime import UTC, datetime

from data import config


def masked(text: str) -> str:
    from language import redact  # most commands log nothing

    return redact.masked(text)


class Masked(logging.Formatter):
    """For people: time, level, who, what; personal data is masked also in what libraries say."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class Lines(Masked):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            told["trace"] = masked(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False)


def begin() -> None:
    handler = logging.StreamHandler(sys.stderr)
    people = Masked("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(Lines() if config.settings().log_format == "json" else people)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
