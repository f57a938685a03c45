"""Classification CSV: text and intent. Every cell is quoted, and none can start a formula in a spreadsheet."""

from typing import Any

from data.exports.cells import cell

SUFFIX = "csv"


def problem(row: dict[str, Any]) -> str | None:
    if not row["label"]:
        return "no intent was given"
    if not row["text"].strip():
        return "the customer wrote nothing"
    return None


def header() -> str:
    return '"text","intent"\r\n'


def line(row: dict[str, Any]) -> str:
    return f"{cell(row['text'])},{cell(row['label'])}\r\n"
