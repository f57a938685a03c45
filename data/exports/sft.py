"""Chat fine-tuning: one conversation a line, in the messages shape that trainers take."""

import json
from typing import Any

SUFFIX = "jsonl"
SYSTEM = "You answer customers of the company politely, clearly and completely."


def problem(row: dict[str, Any]) -> str | None:
    """Why the row cannot be trained on."""
    if not any(message["role"] == "customer" for message in row["messages"]):
        return "nobody asks in it"
    if not row["reply"].strip():
        return "it has no answer to learn from"
    return None


def header() -> str:
    return ""


def line(row: dict[str, Any]) -> str:
    turns: list[dict[str, str]] = [{"role": "system", "content": SYSTEM}]
    for message in row["messages"]:
        role = "user" if message["role"] == "customer" else "assistant"
        if turns[-1]["role"] == role:
            turns[-1]["content"] += "\n" + message["text"]  # trainers want the two to take turns
        else:
            turns.append({"role": role, "content": message["text"]})
    turns.append({"role": "assistant", "content": row["reply"]})
    return json.dumps({"messages": turns}, ensure_ascii=False) + "\n"
