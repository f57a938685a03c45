"""Others' own loaders accept what we export. Each runs in a process of its own, and where it is not installed the test says so.

`make test` installs inspect-ai and promptfoo apart from ours, by the locks in tests/loaders; INSPECT_PYTHON and PROMPTFOO name others.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evals.cases import NewCase
from evals.files import WRITERS, chat
from tests.test_evals_files import EVIL, FULL, case

HERE = Path(__file__).parent.parent
LOCKS = HERE / "tests/loaders"
LEFT_OUT = ({"resolved": "node_modules/promptfoo/left-out", "link": True}, {"optional": True})  # links to nothing, and the nothing
READ_BY_INSPECT = """
import json, sys
from inspect_ai.dataset import FieldSpec, json_dataset
for sample in json_dataset(sys.argv[1], FieldSpec(description="description")):
    said = [[told.role, told.text, [[c.function, c.arguments] for c in getattr(told, "tool_calls", None) or []]] for told in sample.input]
    print(json.dumps([sample.id, said, sample.target, sample.description, sample.metadata]))
"""
CASES = (FULL, case("Where is it?", key="second", slices={"channel": "chat"}, why="A rep flagged it"), case(f"x\u2028y\x85z {EVIL}"))


@pytest.fixture
def inspect_python() -> str:
    named = os.environ.get("INSPECT_PYTHON") or str(HERE / ".venv/loaders/bin/python")
    if not Path(named).exists():
        pytest.skip("inspect-ai is not installed: `make test` installs it")
    return named


@pytest.fixture
def promptfoo(tmp_path: Path) -> Any:
    command = os.environ.get("PROMPTFOO") or (shutil.which("node") and shutil.which(HERE / ".venv/loaders/node_modules/.bin/promptfoo"))
    if command is None:
        pytest.skip("promptfoo is not installed: install npm with Node.js 22.22 or newer, and `make test` installs it")
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CONFIG_DIR": str(tmp_path / "home")}
    # even so it reports that it does not report: every way out leads to a closed port
    quiet |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    # of ours it sees no more than it needs to start: with somebody's key it would ask their model to grade
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | quiet | {"SECRET": "the-secret-leaked"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([command, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_the_locks_pin_everything_by_its_hash_and_name_no_registry() -> None:
    """Whoever installs has a registry of their own. That the lock is what package.json says, `npm ci` sees to."""
    asked, lock = (json.loads((LOCKS / name).read_text(encoding="utf-8")) for name in ("package.json", "package-lock.json"))
    packages = lock["packages"]
    assert packages.pop("")["dependencies"] == asked["dependencies"] == {"promptfoo": packages["node_modules/promptfoo"]["version"]}
    installed = [one for one in packages.values() if one not in LEFT_OUT]
    assert len(installed) > 400 and all(one["integrity"].startswith("sha512-") for one in installed)
    assert not [one for one in installed if "resolved" in one or _names_an_address(one)]
    assert not _names_an_address(asked) and "://" not in (LOCKS / "inspect.lock").read_text(encoding="utf-8")
    resolved = {"version": "1.0.0", "resolved": "git+ssh://host/one"}
    assert _names_an_address(resolved) and _names_an_address({"dependencies": {"one": "git+ssh://host/one"}})  # the control


def _names_an_address(one: dict[str, Any]) -> bool:
    """Apart from where its makers take money."""
    return "://" in json.dumps({name: told for name, told in one.items() if name != "funding"})


def test_inspect_reads_our_samples_with_the_same_ids_inputs_and_targets(inspect_python: str, tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(WRITERS["inspect"](CASES).text, encoding="utf-8")
    ran = subprocess.run([inspect_python, "-c", READ_BY_INSPECT, str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    samples = [json.loads(line) for line in ran.stdout.split("\n") if line]
    assert [sample[0] for sample in samples] == ["0123", "second", None]
    assert [sample[2] for sample in samples] == ["0x1F", "It is on its way.", "It is on its way."]
    assert [sample[1] for sample in samples] == [_as_chat(one) for one in CASES]
    assert samples[1][3] == "A rep flagged it" and samples[1][4]["channel"] == "chat"


def _as_chat(one: NewCase) -> list[Any]:
    told = chat.of(one.messages, chat.inspect_call)
    return [[m["role"], m["content"], [[call["function"], call["arguments"]] for call in m.get("tool_calls", [])]] for m in told]


def test_inspect_refuses_what_is_no_sample(inspect_python: str, tmp_path: Path) -> None:
    """The control: its loader does look at what it is given."""
    file = tmp_path / "set.jsonl"
    file.write_text('{"input": [{"role": "customer", "content": "Hello"}], "target": "x"}\n')
    ran = subprocess.run([inspect_python, "-c", READ_BY_INSPECT, str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode != 0 and "role not specified" in ran.stderr


def test_promptfoo_finds_our_configuration_valid(promptfoo: Any, tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text(WRITERS["promptfoo"](CASES, name="Everyday intents").text, encoding="utf-8")
    ran = promptfoo("validate", "config", "-c", "set.yaml")
    assert ran.returncode == 0 and "Configuration is valid" in ran.stdout, ran.stdout + ran.stderr
    (tmp_path / "not.yaml").write_text("prompts: [a]\nproviders: [echo]\ntests: [{vars: 5}]\n")  # the control
    refused = promptfoo("validate", "config", "-c", "not.yaml")
    assert refused.returncode != 0 and "at tests" in refused.stdout + refused.stderr


def test_promptfoo_asks_with_our_words_and_puts_no_secret_in_them(promptfoo: Any, tmp_path: Path) -> None:
    hostile = case(EVIL, expected={"text": EVIL, "facts": {"must": [EVIL], "must_not": ["file:///etc/passwd"]}, "pattern": {"not": ["{#"]}})
    (tmp_path / "set.yaml").write_text(WRITERS["promptfoo"]([hostile, case("file:///etc/passwd")]).text, encoding="utf-8")
    prompts, whole = _evaluated(promptfoo, tmp_path, "set.yaml")
    assert [json.loads(prompt) for prompt in prompts] == [
        [{"role": "user", "content": EVIL}],
        [{"role": "user", "content": "file:///etc/passwd"}],
    ]
    assert "the-secret-leaked" not in whole and "root:" not in whole and "Template render error" not in whole
    control = {"prompts": ["{{q}}"], "providers": ["echo"], "tests": [{"vars": {"q": "{{ env.SECRET }}"}}]}
    (tmp_path / "control.yaml").write_text(json.dumps(control))
    assert _evaluated(promptfoo, tmp_path, "control.yaml")[0] == ["the-secret-leaked"]  # so it would have been put in


def _evaluated(promptfoo: Any, folder: Path, name: str) -> tuple[list[str], str]:
    """What its provider 'echo' gave back, which is what a model would have been asked."""
    promptfoo("eval", "-c", name, "--no-cache", "--no-progress-bar", "--no-table", "-o", "result.json")
    whole = (folder / "result.json").read_text(encoding="utf-8")
    rows = sorted(json.loads(whole)["results"]["results"], key=lambda row: row["testIdx"])
    return [row["response"]["output"] for row in rows], whole
