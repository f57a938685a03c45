"""What the processes say: a line a message, readable by machines, with nobody's card or address in it."""

import json
import logging
import sys

import pytest

from portal.logs import Lines, Masked


def record(message: str, *arguments: object, fault: bool = False) -> logging.LogRecord:
    trace = None
    if fault:
        try:
            raise ValueError("jo@example.org paid with 4111 1111 1111 1111")
        except ValueError:
            trace = sys.exc_info()
    return logging.LogRecord("portal.test", logging.WARNING, __file__, 1, message, arguments, trace)


@pytest.mark.parametrize("form", [Masked("%(message)s"), Lines()])
def test_cards_and_addresses_are_masked_also_in_traces(form: logging.Formatter) -> None:
    said = form.format(record("%s wrote from %s", "4111 1111 1111 1111", "jo@example.org", fault=True))
    assert "4111" not in said and "jo@example.org" not in said
    assert "‹CARD 1› wrote from ‹EMAIL 1›" in said and "ValueError" in said


def test_without_the_mask_they_would_be_there() -> None:
    said = logging.Formatter("%(message)s").format(record("%s wrote", "jo@example.org", fault=True))
    assert "jo@example.org" in said and "4111 1111 1111 1111" in said


def test_a_line_for_machines_is_one_object_whatever_is_said() -> None:
    said = Lines().format(record("two\nlines and a \u2028 break", fault=True))
    assert "\n" not in said
    told = json.loads(said)
    assert (told["level"], told["logger"], told["message"].splitlines()[0]) == ("warning", "portal.test", "two")
    assert told["trace"].startswith("Traceback")
