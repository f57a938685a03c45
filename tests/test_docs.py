"""The README promises commands, files, settings and names; here each is looked up or run."""

import json
import re
from pathlib import Path

import pytest
import typer
import yaml

from data import config, datasets
from data.intake.canonical import CanonicalConversation
from portal import cli

README = (config.ROOT / "README.md").read_text()


def test_every_portal_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"^portal ([a-z]+(?: [a-z]+)?)", README, re.MULTILINE))
    assert len(named) >= 5
    known = typer.main.get_command(cli.app)
    for command in named:
        found, context = known, typer.Context(known)
        for word in command.split():
            if isinstance(found, typer.core.TyperGroup):
                found = found.get_command(context, word)
                assert found is not None, command


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (config.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"setup", "run", "test", "check", "bench", "soak", "shots"} <= targets
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_file_and_folder_of_the_readme_exists() -> None:
    shown = set(re.findall(r"\]\(([^)]+)\)", README))
    named = shown | {name for name in re.findall(r"`([\w./]+/[\w./]*)`", README) if not name.startswith("/")}
    missing = [name for name in named if name not in ("var/", ".venv/bin/portal") and not (config.ROOT / name).exists()]
    assert missing == []


def test_every_setting_of_the_readme_is_one() -> None:
    named = set(re.findall(r"PORTAL_[A-Z_]+", README))
    assert named <= {f"PORTAL_{name.upper()}" for name in config.Settings.model_fields}


def test_the_examples_of_the_readme_are_valid(tmp_path: Path) -> None:
    line = re.search(r"```json\n(.+?)\n```", README, re.DOTALL)
    definition = re.search(r"```yaml\n(.+?)\n```", README, re.DOTALL)
    assert line is not None and definition is not None
    assert CanonicalConversation.model_validate(json.loads(line[1])).messages[0].role == "customer"
    assert datasets.Definition.model_validate(yaml.safe_load(definition[1])).channels == ["chat", "email"]


def test_ci_calls_the_readme_s_test_command() -> None:
    assert re.search(r"^make test$", (config.ROOT / ".ci" / "run").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "Makefile"])
def test_no_registry_address_stands_in_a_committed_file(name: str) -> None:
    text = (config.ROOT / name).read_text()
    assert not re.search(r"https?://[^ \"]*/(simple|packages)/|index-url", text)
    assert name != "requirements.lock" or text.count("--hash=sha256:") > 500
