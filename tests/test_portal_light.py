"""Every process starts fast and stays small: it never imports what only another one, a migration or a model needs."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from data import config
from portal import cli
from tests.server import environment

HEAVY = ("dbos", "alembic", "sklearn", "onnxruntime", "openai")
OF_SCREENS = ("streamlit", "pandas", "altair", "fastapi", "mcp")
OF_THE_STORE = ("sqlalchemy", "sqlmodel", "numpy", "httpx", "cryptography")
# a command as main() runs it; what it prints is put away
COMMAND = """import contextlib, io, sys
from portal.cli import main
sys.argv = ["portal", *{arguments!r}]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()"""


def imported(code: str, home: object, among: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of these packages a process of its own has imported after running the code."""
    tell = f"import json, sys; print(json.dumps([name for name in {among!r} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], cwd=config.ROOT, env=environment(str(home)), capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_web_process_imports_nothing_heavy(tmp_path: object) -> None:
    code = "from portal import up, web\nweb.build()\nweb._warm()"
    assert imported(code, tmp_path) == set()


def test_the_help_is_read_without_what_commands_need(tmp_path: object) -> None:
    assert imported(COMMAND.format(arguments=["--help"]), tmp_path, HEAVY + OF_SCREENS + OF_THE_STORE) == set()


def test_a_command_imports_no_screens_and_no_models(sqlite_home: Path) -> None:
    """The control: the look into sys.modules sees the store that it did come to."""
    found = imported(COMMAND.format(arguments=["user", "list"]), sqlite_home, HEAVY + OF_SCREENS + ("sqlalchemy",))
    assert found == {"sqlalchemy"}


def test_the_list_of_commands_says_of_each_group_what_it_says_of_itself() -> None:
    said = {}
    for name, (where, _) in cli.GROUPS.items():
        module, _, app = where.partition(":")
        said[name] = getattr(import_module(module), app).info.help
    assert said == {name: words for name, (_, words) in cli.GROUPS.items()}


def test_the_worker_does_import_what_it_needs(tmp_path: object) -> None:
    """The control: the look into sys.modules would have seen it."""
    assert "dbos" in imported("import portal.worker", tmp_path)
