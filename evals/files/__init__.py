"""Eval sets as files of other tools, in and out. One file a format; each loses only what it says it loses.

A reader takes a file's bytes and gives Read, or raises Refused where the whole file is not what it says.
A writer takes cases and gives Written.
"""

from types import ModuleType

from evals.files import inspect_jsonl, openai_jsonl, promptfoo_yaml

BY_NAME: dict[str, ModuleType] = {form.NAME: form for form in (inspect_jsonl, promptfoo_yaml, openai_jsonl)}
READERS = {name: form.read for name, form in BY_NAME.items()}
WRITERS = {name: form.write for name, form in BY_NAME.items()}


def guess(name: str, content: bytes) -> str | None:
    """Which format a file is in by its ending and its first lines; None when it is none of them."""
    head = content[:65_536].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((form for form, module in BY_NAME.items() if module.looks_like(name.lower(), head)), None)
