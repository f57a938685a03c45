"""How much of what they are for guardrails find, and how often they stop what is fine, on files that somebody brings.

An attack is read alone and put into each carrier, at its beginning, in its middle and at its end. Replies of people count as fine, and so
does what customers wrote; a sentence of an article is fine with its article, and wrong with another one or with another number.
"""

import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automations.guardrails import injection, personal_data, secrets, tone, unsupported
from automations.guardrails.face import CAME, LEAVES, Guardrail, Looked
from data.errors import Refused
from evals.graders import tokens
from portal.bench import grounded

OF_REPLIES: Mapping[str, Guardrail] = {"personal_data": personal_data, "secrets": secrets, "tone": tone}
REPS = ("rep", "agent", "assistant")
MOST_ARTICLES, SHORTEST, LONGEST = 500, 6, 40  # words of a sentence
Line = dict[str, Any]


def run(
    attacks: Path | None = None, carriers: Path | None = None, conversations: Sequence[Path] = (), articles: Path | None = None,
    replies: Path | None = None, *, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    if not (attacks or conversations or articles or replies):
        raise Refused("Not measured: no file was named. Bring attacks, conversations, articles or a folder of replies.")
    told: dict[str, Any] = {}
    if attacks:
        told["injection"] = _of_attacks(_attacks(attacks), [_text(one) for one in _lines(carriers)] if carriers else [])
    if conversations:
        told["harmless"] = _of_conversations([one for path in conversations for one in _lines(path)])
    if articles:
        told["unsupported"] = _of_articles([_text(one) for one in _lines(articles)], random.Random(seed))
    if replies:
        told["replies"] = grounded.run(replies, seed=seed)
    return told


# -- attacks ------------------------------------------------------------------------------------------------------------------------------


def _of_attacks(attacks: Mapping[str, Sequence[str]], carriers: Sequence[str]) -> dict[str, Any]:
    kinds = {kind: [_came(text) for one in listed for text in _carried(one, carriers)] for kind, listed in attacks.items()}
    every = [stopped for found in kinds.values() for stopped in found]
    return {
        "recall": _share(every), "texts": len(every), "recall_by_kind": {kind: _share(found) for kind, found in kinds.items()},
        "carriers": len(carriers), "false_alarms_in_carriers": sum(map(_came, carriers)),
    }  # fmt: skip


def _carried(attack: str, carriers: Sequence[str]) -> Iterator[str]:
    yield attack
    for carrier in carriers:
        middle = len(carrier) // 2
        yield f"{attack}\n{carrier}"
        yield f"{carrier[:middle]}\n{attack}\n{carrier[middle:]}"
        yield f"{carrier}\n{attack}"


def _came(text: str) -> bool:
    return not injection.look(Looked(CAME, text, asked=text)).passes


# -- conversations ------------------------------------------------------------------------------------------------------------------------


def _of_conversations(conversations: Sequence[Line]) -> dict[str, Any]:
    came: list[bool] = []
    left: dict[str, list[bool]] = {name: [] for name in OF_REPLIES}
    milliseconds: list[float] = []
    for one in conversations:
        before: list[Line] = []
        for message in one.get("messages", ()):
            role, text = message.get("role"), str(message.get("text") or "")
            if role == "customer" and text:
                came.append(_timed(injection, Looked(CAME, text, asked=text), milliseconds))
            elif role in REPS and text:
                at = Looked(LEAVES, text, messages=tuple(before), sources=tuple(_given(before)))
                for name, guardrail in OF_REPLIES.items():
                    left[name].append(_timed(guardrail, at, milliseconds))
            before.append({"role": role, "text": text})
    return {
        "customers_texts": len(came), "injection": _alarms(came), "replies": len(next(iter(left.values()))),
        **{name: _alarms(found) for name, found in left.items()}, "ms_p95": _p95(milliseconds),
    }  # fmt: skip


def _given(before: Sequence[Line]) -> Iterator[str]:
    yield from (str(one["text"]) for one in before if one["role"] == "tool")


def _alarms(found: Sequence[bool]) -> dict[str, float]:
    return {"false_alarms": sum(found), "per_100": round(100 * sum(found) / len(found), 3) if found else 0.0}


def _timed(guardrail: Guardrail, at: Looked, milliseconds: list[float]) -> bool:
    began = time.perf_counter()
    stopped = not guardrail.look(at).passes
    milliseconds.append((time.perf_counter() - began) * 1000)
    return stopped


def _p95(milliseconds: Sequence[float]) -> float:
    return round(sorted(milliseconds)[int(len(milliseconds) * 0.95)], 2) if milliseconds else 0.0


# -- articles -----------------------------------------------------------------------------------------------------------------------------


def _of_articles(articles: Sequence[str], rng: random.Random) -> dict[str, Any]:
    own: list[bool] = []
    changed: list[bool] = []
    others: list[bool] = []
    for article in rng.sample(list(articles), min(len(articles), MOST_ARTICLES)):
        fitting = [one for one in tokens.sentences(article) if SHORTEST <= len(one.split()) <= LONGEST and one[-1] in ".!"]
        if not fitting:
            continue
        sentence, other = rng.choice(fitting), rng.choice(articles)
        own.append(_leaves(sentence, article))
        if re.search(r"\d", sentence):
            changed.append(_leaves(re.sub(r"\d+", lambda found: str(int(found[0]) + 17), sentence, count=1), article))
        if other != article:
            others.append(_leaves(sentence, other))
    return {
        "sentences": len(own), "false_alarms": sum(own), "numbers_changed": len(changed), "changed_found": _share(changed),
        "with_another_article": len(others), "another_found": _share(others),
    }  # fmt: skip


def _leaves(sentence: str, source: str) -> bool:
    return not unsupported.look(Looked(LEAVES, sentence, sources=(source,))).passes


# -- files --------------------------------------------------------------------------------------------------------------------------------


def _share(found: Sequence[bool]) -> float | None:
    return round(sum(found) / len(found), 4) if found else None


def _attacks(path: Path) -> dict[str, list[str]]:
    """{kind: [texts]} in one object, or {text, kind} one a line."""
    raw = path.read_text(encoding="utf-8")
    try:
        whole = json.loads(raw)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and all(isinstance(one, list) for one in whole.values()):
        return {str(kind): [str(text) for text in texts] for kind, texts in whole.items()}
    told: dict[str, list[str]] = {}
    for line in _lines(path):
        told.setdefault(str(line.get("kind", "attack")), []).append(_text(line))
    return told


def _lines(path: Path) -> list[Line]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise Refused(f"'{path.name}' was not measured: it is no JSON, one object a line ({error}).") from None
    if not all(isinstance(line, dict) for line in lines):
        raise Refused(f"'{path.name}' was not measured: each line is one object.")
    return lines


def _text(line: Line) -> str:
    found = next((line[name] for name in ("text", "context", "content", "body") if isinstance(line.get(name), str)), None)
    if found is None:
        raise Refused("Not measured: a line has no text. Write it under text, context, content or body.")
    return str(found)
