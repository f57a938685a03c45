"""The web process starts fast and stays small: it never imports what only the worker, a migration or a model needs."""

import json
import subprocess
import sys

import pytest

from data import config
from tests.conftest import SOAK
from tests.server import environment

HEAVY = ("dbos", "alembic", "sklearn", "onnxruntime", "openai")


def imported(code: str, home: str) -> set[str]:
    """The heavy packages that a process of its own has imported after running the code."""
    tell = f"import json, sys; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], cwd=config.ROOT, env=environment(home), capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_web_process_imports_nothing_heavy(tmp_path: object) -> None:
    code = "from portal import up, web\nweb.build()\nweb._warm()"
    assert imported(code, str(tmp_path)) == set()


@pytest.mark.skipif(not SOAK, reason="`make soak` starts this process too")
def test_the_command_line_imports_nothing_heavy(tmp_path: object) -> None:
    code = "import portal.cli\nassert not {'streamlit', 'pandas', 'altair', 'fastapi'} & set(__import__('sys').modules)"
    assert imported(code, str(tmp_path)) == set()


def test_the_worker_does_import_what_it_needs(tmp_path: object) -> None:
    """The control: the look into sys.modules would have seen it."""
    assert "dbos" in imported("import portal.worker", str(tmp_path))
