"""No module needs another that needs it: whatever is imported first, it works."""

import ast
from collections.abc import Container, Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("language", "data", "evals", "classifiers", "knowledge", "automations", "portal")


def modules() -> dict[str, str]:
    """Name -> source of every module of ours."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path.read_text() for path in paths}


def needed(source: str, known: Container[str]) -> Iterable[str]:
    """What is imported while the module itself is being imported; a function's imports come later."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules_of_it = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else str(node.module) for name in modules_of_it)


def order(sources: dict[str, str]) -> list[str]:
    """The order in which they can be imported; CycleError where there is none."""
    return list(
        TopologicalSorter({name: set(needed(source, sources)) & sources.keys() - {name} for name, source in sources.items()}).static_order()
    )


def test_no_module_needs_another_that_needs_it() -> None:
    sources = modules()
    assert len(sources) > 150 and len(order(sources)) == len(sources)


def test_a_circle_is_found() -> None:
    """The control: as it was once, with masking asking people for their names."""
    sources = modules()
    sources["data.masking"] += "\nfrom data import people\n"
    with pytest.raises(CycleError):
        order(sources)
