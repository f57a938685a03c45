"""No name that somebody sends reaches a file outside the home (SAFETY 3)."""

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import col, update

from classifiers import files as models
from data import backups, config, datasets, downloads, people, store, tickets
from data.errors import Misuse, Refused
from data.intake import offers
from data.tables import ImportBatch
from tests.conftest import SOAK, Staff, hire
from tests.conversations import one, write_file

CANARY = "canary.csv"
ROOTS = ["", "exports/", "./", "a/", "a/b/"]
CLIMBS = [
    "../", "..\\", "%2e%2e/", "%2e%2e%2f", "..%2f", "..%5c", "..%255c", "....//", "..;/", "../\u200b",
    "．．／", "..／", "..∕", "‥/", "..\0/",
]  # fmt: skip
ODD = [
    "", ".", "..", "/", "//", "\\", "~", "~root", "$HOME", "-", "--help", "CON", "NUL.csv", "a:b", "C:\\x", "\\\\host\\share\\x",
    "//host/share/x", "file:///etc/passwd", "/etc/passwd", "/proc/self/environ", "/dev/null", "a\0b", "\0", "\n", "a\nb", "\u202e",
    "é" * 200, "x" * 300, "x" * 5000, "*", "?", "|id", ";id", "`id`", "$(id)", "{a,b}", "%00", "%n%s", "\ud7ff",
    "secrets/master.key", "../secrets/master.key", "../portal.db",
]  # fmt: skip


def hostile(canary: Path) -> list[str]:
    """Two hundred and more; the canary's own path is among them, climbed to in every spelling."""
    climbs = [root + climb * depth + CANARY for root in ROOTS for climb in CLIMBS for depth in (1, 2, 3, 8)]
    named = [*ODD, str(canary), f"../{canary.parent.name}/{canary.name}", os.path.relpath(canary, canary.parent / "home" / "exports")]
    everything = [*named, *climbs]
    assert len(everything) >= 200
    return everything if SOAK else named + climbs[::8]


@pytest.fixture
def outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home is one folder deep; beside it lies a file that nobody may touch."""
    inner = home / "home"
    inner.mkdir()
    if (home / "portal.db").exists():
        (home / "portal.db").rename(inner / "portal.db")
    monkeypatch.setenv("PORTAL_HOME", str(inner))
    store.close()
    config.reset()
    (home / CANARY).write_text("canary")
    for folder in ("exports", "backups", "uploads", "models"):
        (config.folder(folder) / "a" / "b").mkdir(parents=True)
    return home / CANARY


@pytest.fixture
def staff(outside: Path) -> Staff:
    return hire()


def beside(canary: Path) -> dict[str, tuple[int, int]]:
    """Everything outside the home, as it is now."""
    found = (path for path in canary.parent.rglob("*") if path.is_file() and canary.parent / "home" not in path.parents)
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def taken(names: list[str], act: Callable[[str], Any]) -> list[str]:
    """Those that did more than be refused in words."""
    through = []
    for name in names:
        try:
            act(name)
        except (Refused, Misuse):
            continue
        through.append(name)
    return through


def test_no_key_of_a_download_leaves_the_folder(staff: Staff, outside: Path) -> None:
    def offer(name: str) -> None:
        downloads.offer(name, "x", by=staff.rep, right="dataset.download")

    def fetch(name: str) -> None:  # as if the ticket itself had been written over
        with store.writing() as db:
            ticket = tickets.issue(db, "download", staff.rep.id, {"key": name, "name": "x"}, by=staff.rep)
        downloads.fetch(ticket, by=staff.rep)

    before, names = beside(outside), hostile(outside)
    (config.folder("exports") / "link.csv").symlink_to(outside)
    assert taken([*names, "link.csv"], offer) == []
    storable = [name for name in names if "\0" not in name]  # no ticket can hold it on PostgreSQL
    assert taken([*storable, "link.csv"], fetch) == []
    assert beside(outside) == before
    key = downloads.keep(b"x", "csv")
    assert taken([key], offer) == taken([key], fetch) == [key]  # the control
    print(f"hostile keys: {len(names)} offered, {len(storable)} fetched, 0 opened")


def test_no_name_of_a_backup_leaves_the_folder(staff: Staff, outside: Path) -> None:
    good = backups.make(by=staff.engineer)
    elsewhere = outside.with_name("stolen.zip")
    good.path.rename(elsewhere)
    before = beside(outside)
    names = [*hostile(outside), *(name.replace(CANARY, elsewhere.name) for name in hostile(outside))]
    assert taken(names, lambda name: backups.propose_restore(name, why="x", by=staff.admin)) == []
    assert beside(outside) == before
    elsewhere.rename(good.path)
    assert taken([good.path.name], lambda name: backups.propose_restore(name, why="x", by=staff.admin)) == [good.path.name]  # the control


def test_an_uploads_name_is_only_a_label(staff: Staff, outside: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = write_file(tmp_path_factory.mktemp("source") / "x.jsonl", count=1).read_bytes()
    before, uploads = beside(outside), config.folder("uploads").resolve()
    names = hostile(outside)[:: 1 if SOAK else 4]
    for name in names:
        for named in ([(name, content)], [(f"{name}x.jsonl", content)] * 2):  # the same name twice is two files
            batch = offers.offer(named, by=staff.engineer)
            folder = uploads / batch.upload
            assert {path.resolve().parent for path in folder.iterdir()} == {folder}
            assert len(list(folder.iterdir())) == len(named)
            offers.take(batch.id, by=staff.engineer)
            assert not folder.exists()
    assert [path.name for path in uploads.iterdir()] == ["a"]  # what was there before
    assert beside(outside) == before


def test_a_row_that_names_another_folder_is_not_followed(staff: Staff, outside: Path) -> None:
    """As if the row itself had been written over: what it names is inside, or it is not there."""
    content = json.dumps(one(1)).encode()
    batch = offers.offer([("x.jsonl", content)], by=staff.engineer)
    victim = outside.with_name("victim")
    victim.mkdir()
    (victim / "x.jsonl").write_bytes(content)
    before = beside(outside)
    for name in (f"../../{victim.name}", str(victim), "..", ".", "../backups", ""):
        with store.writing() as db:
            db.execute(update(ImportBatch).where(col(ImportBatch.id) == batch.id).values(upload=name))
        for act in (offers.take, offers.look, offers.samples):
            with pytest.raises(Refused, match="no longer here"):
                act(batch.id, by=staff.engineer)  # type: ignore[operator]
    offers.forget(batch.id, by=staff.engineer)
    assert beside(outside) == before and (config.folder("backups") / "a" / "b").is_dir()


def test_no_name_of_a_dataset_becomes_a_path(outside: Path) -> None:
    names = hostile(outside)
    kept = []
    for name in names:
        try:
            kept.append(datasets.Definition(name=name).name)
        except ValueError:
            continue
    assert [name for name in kept if set(name) & set("./\\%:~\0\n") or name.startswith("-")] == []
    assert datasets.Definition(name="Strong chats 2026-11").name == "Strong chats 2026-11"  # the control


def test_no_hash_of_a_model_reads_another_file(staff: Staff, outside: Path) -> None:
    before = beside(outside)

    def load(name: str) -> None:
        row = {"target_kind": "classifier", "target_name": "Intent", "target_number": 1}
        models.load(SimpleNamespace(file_sha=name, file_hmac="0" * 64, **row))  # type: ignore[arg-type]

    plain = outside.with_name("canary.csv.skops")
    plain.write_text("not a model")
    through = taken([name for name in hostile(outside) if "\0" not in name and len(name) < 200], load)
    plain.unlink()
    assert through == [] and beside(outside) == before


def test_who_only_joins_the_name_to_the_folder_reaches_the_canary(outside: Path) -> None:
    """The control: the same names, put behind the folder as they are."""
    folder, reached = config.folder("exports"), []
    for name in hostile(outside):
        try:
            if "\0" not in name and len(name) < 200 and (folder / name).read_text() == "canary":
                reached.append(name)
        except (OSError, ValueError, UnicodeDecodeError):
            continue
    assert len(reached) >= 2 and str(outside) in reached


def test_a_path_inside_an_archive_is_not_where_a_backup_is_unpacked_to(staff: Staff, outside: Path) -> None:
    good = backups.make(by=staff.engineer)
    before = beside(outside)
    for name in ("../../../canary.csv", "models/../../../../canary.csv", str(outside)):
        poisoned = good.path.with_name("portal-poisoned.zip")
        with zipfile.ZipFile(good.path) as source, zipfile.ZipFile(poisoned, "w") as target:
            for info in source.infolist():
                target.writestr(info, source.read(info))
            target.writestr(name, b"overwritten")
        with suppress(Refused):
            backups.restore(poisoned, by=people.console())
        poisoned.unlink()
    assert beside(outside) == before and outside.read_text() == "canary"
