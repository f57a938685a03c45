"""`portal bench guardrails --replies` counts what 'unsupported' stops, of true replies and of ones that were made wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import Refused
from portal.bench import grounded
from portal.bench import guardrails as measuring


def talk(task: int, code: str, price: int, *, resolved: bool, reply: str) -> dict[str, Any]:
    gave = json.dumps({"booking_id": code, "price": price, "date": "2025-03-04", "guest": {"first_name": "Ida", "last_name": "Holm"}})
    messages = [
        {"role": "customer", "text": f"What does booking {code} cost?"},
        {"role": "tool_call", "name": "get_booking", "text": json.dumps({"booking_id": code})},
        {"role": "tool", "name": "get_booking", "text": gave}, {"role": "agent", "text": reply},
    ]  # fmt: skip
    return {"id": f"t{task}", "messages": messages, "labels": {"task_id": task, "resolved": resolved}}


def folder(path: Path) -> Path:
    told = [
        talk(
            task,
            f"KX{task}1PQ",
            120 + task,
            resolved=task % 2 == 0,
            reply=f"Booking KX{task}1PQ of Ida Holm costs ${120 + task} on 2025-03-04.",
        )
        for task in range(1, 9)
    ]
    told.append(talk(9, "ZZ90AB", 99, resolved=True, reply="Booking ZZ90AB costs $42."))
    (path / "conversations.jsonl").write_text("\n".join(map(json.dumps, told)), encoding="utf-8")
    (path / "policy.md").write_text("Tell customers what a booking costs.", encoding="utf-8")
    return path


def test_true_replies_leave_wrong_figures_do_not_and_both_halves_are_told(tmp_path: Path) -> None:
    told = measuring.run(replies=folder(tmp_path))["replies"]
    assert set(told) == {"developed_on", "held_out"} and sum(half["tasks"] for half in told.values()) == 9
    right = sum(half["replies_resolved"] for half in told.values())
    assert (right, sum(half["replies_failed"] for half in told.values())) == (5, 4)
    assert sum(half["stopped_resolved"] * half["replies_resolved"] for half in told.values()) == pytest.approx(
        1, abs=0.01
    )  # $42 of a $99 booking
    assert all(half["stopped_failed"] == 0 and half["wrong_found"] == 1.0 for half in told.values())
    assert sum(half["wrong_figures"] for half in told.values()) > 30


def test_a_folder_without_what_the_agent_was_told_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"needs conversations\.jsonl and policy\.md"):
        grounded.run(tmp_path)
