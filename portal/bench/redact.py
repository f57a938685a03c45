"""How much of what is personal the redaction finds in labelled texts, how often it is right, and how fast it is."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from data.errors import Refused
from language import redact

OURS = {
    "PERSON": "name", "ADDRESS": "address", "STREET_ADDRESS": "address", "ZIP_CODE": "address", "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email", "CREDIT_CARD": "card", "CREDIT_CARD_NUMBER": "card", "IBAN_CODE": "iban", "IBAN": "iban",
    "US_SSN": "id", "ID": "id",
    "US_DRIVER_LICENSE": "id", "US_PASSPORT": "id", "US_ITIN": "id", "US_BANK_NUMBER": "id", "UK_NHS": "id", "NATIONAL_ID": "id",
    "IP_ADDRESS": "ip", "SECRET": "secret", "PASSWORD": "secret", "CRYPTO": "secret", "API_KEY": "secret", "URL_WITH_TOKEN": "url",
}  # fmt: skip
# neither asked for nor wrong: a place is part of an address in one text and a word in the next; a title may go with its name
NEITHER = {"LOCATION", "GPE", "TITLE", "NRP"}
TOUCHED = 0.9  # so much of a span must be masked for it to count as found
NEAR = 4  # signs between an address and the town that belongs to it


def run(path: Path) -> dict[str, Any]:
    texts = _texts(path)
    began = time.perf_counter()
    findings = [redact.find(text["full_text"]) for text in texts]
    took = time.perf_counter() - began
    scores = [_score(text, found) for text, found in zip(texts, findings, strict=True)]
    total: Counter[tuple[str, str]] = sum(scores, Counter())
    clean = [found for text, found in zip(texts, findings, strict=True) if not any(kind in OURS.values() for _, _, kind in _spans(text))]
    kinds = sorted({kind for _, kind in total})
    return {
        **_rates(total, kinds),
        "per_type": {kind: _rates(total, [kind]) for kind in kinds},
        "false_alarms_per_100": round(100 * sum(1 for found in clean if found) / len(clean), 3) if clean else 0.0,
        "texts": len(texts),
        "texts_without_personal_data": len(clean),
        "texts_per_second": round(len(texts) / took) if took else 0,
    }


def _texts(path: Path) -> list[dict[str, Any]]:
    raw = path.read_text(encoding="utf-8")
    try:
        rows = json.loads(raw) if raw.lstrip().startswith("[") else [json.loads(line) for line in raw.splitlines() if line.strip()]
        return [{**row, "full_text": row["full_text"] if "full_text" in row else row["text"]} for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"'{path.name}' was not measured: it is not a list of {{full_text, spans}} or {{text}} objects ({error}). "
            "Write one object a line."
        ) from error


def _spans(text: dict[str, Any]) -> list[tuple[int, int, str]]:
    """The labelled spans, by our kinds. A town beside an address belongs to it; alone it is neither asked for nor wrong."""
    spans = []
    for span in text.get("spans") or []:
        kind = str(span["entity_type"]).upper()
        spans.append((int(span["start_position"]), int(span["end_position"]), OURS.get(kind, "neither" if kind in NEITHER else "")))
    streets = sorted((start, end) for start, end, kind in spans if kind == "address")
    placed = []
    for start, end, kind in sorted(spans):
        if kind == "neither" and any(0 <= start - after <= NEAR + 8 or 0 <= before - end <= NEAR + 8 for before, after in streets):
            kind = "address"
            streets.append((start, end))
        placed.append((start, end, kind))
    return [span for span in placed if span[2]]


def _score(text: dict[str, Any], found: list[redact.Finding]) -> Counter[tuple[str, str]]:
    """Signs and spans that were asked for, found, masked and rightly masked. Spaces do not count."""
    count: Counter[tuple[str, str]] = Counter()
    full, spans = text["full_text"], _spans(text)
    masked = {place for finding in found for place in range(finding.start, finding.end)}
    asked = {place for start, end, _ in spans for place in range(start, end)}
    for start, end, kind in spans:
        if kind == "neither":
            continue
        signs = [place for place in range(start, end) if full[place].isalnum()]
        hit = sum(1 for place in signs if place in masked)
        count["signs_asked", kind] += len(signs)
        count["signs_found", kind] += hit
        count["spans_asked", kind] += 1
        count["spans_found", kind] += hit >= TOUCHED * len(signs)
    for finding in found:
        signs = [place for place in range(finding.start, finding.end) if full[place].isalnum()]
        right = sum(1 for place in signs if place in asked)
        count["signs_masked", finding.kind] += len(signs)
        count["signs_right", finding.kind] += right
        count["spans_masked", finding.kind] += 1
        count["spans_right", finding.kind] += right * 2 >= len(signs)
    return count


def _rates(total: Counter[tuple[str, str]], kinds: list[str]) -> dict[str, Any]:
    def share(part: str, whole: str) -> float | None:
        asked = sum(total[whole, kind] for kind in kinds)
        return round(sum(total[part, kind] for kind in kinds) / asked, 4) if asked else None

    return {
        "recall": share("spans_found", "spans_asked"),
        "precision": share("spans_right", "spans_masked"),
        "recall_by_characters": share("signs_found", "signs_asked"),
        "precision_by_characters": share("signs_right", "signs_masked"),
        "spans": sum(total["spans_asked", kind] for kind in kinds),
    }
