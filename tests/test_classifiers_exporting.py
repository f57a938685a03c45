"""An exported folder answers as the portal does, in a process that knows scikit-learn, skops and onnxruntime and nothing of the portal."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from classifiers import exporting, serving, training
from data import audit, config, encoding, labels, people, store, vectors, versions
from data.errors import Denied, Refused
from data.tables import AuditEntry
from data.values import Target
from language.encoder import Encodes
from tests.conftest import Staff, hire
from tests.test_classifiers_training import reviewed
from tests.test_evals_sets import NAMES
from tests.test_language_encoder import tiny

__all__ = ["tiny"]  # a fixture

TEXTS = ["Where is my order?", "I want my money back", "😀", "my invoice and my account", "", "x" * 30_000]
ALONE = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from classify import classifier
told = classifier(Path(sys.argv[1]))(json.loads(sys.argv[3]))
ours = [name for name in sys.modules if name.split(".")[0] in ("portal", "classifiers", "evals", "data", "language")]
print(json.dumps([told, ours]))
"""


def alone(folder: Path, texts: list[str]) -> list[dict[str, object]]:
    """What the folder says, with nothing but the installed packages to import."""
    packages = sysconfig.get_paths()["purelib"]
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(folder), packages, json.dumps(texts)]
    told, ours = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout)
    assert ours == []
    return told


def install(source: Path) -> Encodes:
    vectors.install(source)
    found = encoding.in_force()
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["words only", "vectors", "few examples", "with others"])
def test_the_folder_answers_as_the_portal_does(kind: str, sqlite_home: Path, tiny: Path, tmp_path: Path) -> None:
    staff = hire()
    encoder = install(tiny) if kind != "words only" else None
    reviewed(staff, range(1, 41 if kind == "few examples" else 81))
    label = labels.of()[0].id if kind == "with others" else None
    version = training.train(by=staff.rep, encoder=encoder, other_label_id=label)
    target = versions.target_of(version)
    assert version.manifest["method"] == ("ensemble" if kind == "few examples" else "linear SVM")
    folder = exporting.export(target, tmp_path / "out", by=staff.rep)
    names = {"model.skops", "manifest.json", "classify.py", "README.md"}
    assert {path.name for path in folder.iterdir()} == names | ({"encoder.onnx", "tokenizer.json"} if encoder else set())
    for one, said in zip(serving.guess(target, TEXTS), alone(folder, TEXTS), strict=True):
        assert said["likeliest"] == version.manifest["label_names"][one.top[0][0]]
        assert said["confidence"] == pytest.approx(one.confidence, abs=1e-3) and said["other"] == pytest.approx(one.other, abs=1e-3)
        assert (said["label"] is None) == (one.label_id is None)


def test_a_label_with_a_threshold_of_its_own_keeps_it_outside(sqlite_home: Path, tmp_path: Path) -> None:
    staff = hire()
    reviewed(staff, range(1, 81))
    version = training.train(by=staff.rep)
    first, second, *_ = version.manifest["label_ids"]
    bars = {"threshold": 0.01, "gap": 0.0, "own_thresholds": {first: 1.1, second: 0.0}}
    with store.writing() as db:
        stricter = {"manifest": version.manifest | bars, "body": version.body, "file_sha": version.file_sha}
        target = versions.target_of(versions.add(db, "classifier", "intent", by=staff.rep, **stricter))
    folder = exporting.export(target, tmp_path / "out", by=staff.rep)
    for one, said in zip(serving.guess(target, TEXTS), alone(folder, TEXTS), strict=True):
        assert said["label"] == (version.manifest["label_names"][one.label_id] if one.label_id else None)
    likeliest = {one.top[0][0]: one.label_id for one in serving.guess(target, TEXTS)}
    assert likeliest[first] is None and any(likeliest.values())  # the control: by the threshold of all it would be said


def test_the_command_of_the_readme_prints_a_label(sqlite_home: Path, tmp_path: Path) -> None:
    staff = hire()
    reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep))
    folder = exporting.export(target, tmp_path / "out", by=staff.rep)
    readme = (folder / "README.md").read_text()
    assert 'python classify.py "Where is my parcel?"' in readme and "pip install scikit-learn skops\n" in readme
    told = subprocess.run(
        [sys.executable, "classify.py", "Where is my parcel?", "refund"], capture_output=True, text=True, check=True, cwd=folder,
        env={"PATH": ""},
    ).stdout.splitlines()  # fmt: skip
    assert len(told) == 2 and all(len(line.split("\t")) == 3 for line in told)
    assert any(name in told[0] for name in NAMES)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["target"] == "intent 1" and "taught_by" not in manifest and staff.rep.id not in json.dumps(manifest)
    assert len((config.ROOT / "classifiers" / "standalone.py").read_text().splitlines()) <= 100  # to be read at one sitting


def test_an_export_stands_in_the_record_and_needs_the_right(staff: Staff, tmp_path: Path) -> None:
    reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep))
    people.disable(staff.rep.id, by=staff.admin)
    gone = people.get(staff.rep.id)
    assert gone is not None
    with pytest.raises(Denied):
        exporting.export(target, tmp_path / "out", by=gone)
    assert not (tmp_path / "out").exists()
    exporting.export(target, tmp_path / "out", by=staff.lead)
    with store.reading() as db:
        entry = db.get(AuditEntry, _last_entry())
    assert entry is not None and (entry.verb, entry.sentence) == ("exported", "Exported intent 1 as a folder for other programs.")
    assert audit.first_broken() is None


def _last_entry() -> str:
    from sqlmodel import col, select

    with store.reading() as db:
        return db.exec(select(AuditEntry.id).order_by(col(AuditEntry.number).desc()).limit(1)).one()


def test_what_cannot_be_exported_is_said(staff: Staff, tiny: Path, tmp_path: Path) -> None:
    reviewed(staff, range(1, 61))
    target = versions.target_of(training.train(by=staff.rep))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(Refused, match=r"^Not exported: .*full is not empty\. Name a new folder\.$"):
        exporting.export(target, tmp_path / "full", by=staff.lead)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    with pytest.raises(Refused, match="is not empty"):
        exporting.export(target, tmp_path / "full" / "mine.txt", by=staff.lead)
    with pytest.raises(Refused, match="There is no classifier 'intent' number 9"):
        exporting.export(Target("classifier", "intent", 9), tmp_path / "out", by=staff.lead)
    seeing = versions.target_of(training.train(by=staff.rep, encoder=install(tiny)))
    (config.folder("encoder") / "manifest.json").unlink()
    with pytest.raises(Refused, match=r"^Not exported: intent 2 needs the encoder .*, and none is installed\. Install it"):
        exporting.export(seeing, tmp_path / "out", by=staff.lead)
    next(config.folder("models").glob(f"{versions.get(target).file_sha}*")).write_bytes(b"other")
    with pytest.raises(Refused, match="its model file is not the one that was made"):
        exporting.export(target, tmp_path / "out", by=staff.lead)
    assert not (tmp_path / "out").exists()
