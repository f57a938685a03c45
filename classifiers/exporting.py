"""A version as a folder that other programs load with scikit-learn and skops, and with onnxruntime where it looks at vectors."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from classifiers import files
from classifiers.kinds import SEVERAL
from data import access, audit, config, store, vectors, versions
from data.errors import Refused
from data.tables import Person, Version
from data.values import Target

KEPT = (
    "rows", "rows_sha", "labels", "label_ids", "label_names", "encoder", "features", "method", "sentence", "other_label_id", "temperature",
    "threshold", "gap", "promised", "promise", "precision_wanted", "accuracy", "accuracy_k", "accuracy_n", "answered", "macro_f1", "ece",
    "per_label", "seed", "kind", "thresholds", "own_thresholds",
)  # fmt: skip
README = """# {title}

{sentence} Checked on customers it had not seen, it was right in {accuracy}.

    pip install {packages}
    python classify.py "Where is my parcel?"

`classify.py` prints the label, the confidence and the text; "nothing" where it would keep silent. In a program:

    from classify import classifier
    classify = classifier(Path("."))
    classify(["Where is my parcel?"])[0]["{answer}"]

It reads `model.skops`, whose parts are plain arrays and scikit-learn's text vectorizers (no code runs when it is read), and
`manifest.json`: label names, temperature and threshold, and how good it is label by label.{encoder}
The model was made from redacted conversations. It holds their words, and vectors and ids of the examples: treat it as you treat those.
"""


def export(target: Target, folder: Path, *, by: Person, at: datetime | None = None) -> Path:
    """Write the folder; what stands there stays as it is."""
    access.require(by, "classifier.read")
    version = versions.get(target)
    content = files.checked(version)
    if "label_names" not in version.manifest:
        raise Refused(f"Not exported: {target} was trained by an older portal. Train again, then export that.")
    encoder = _encoder(target, version)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"Not exported: {folder} is not empty. Name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "model.skops").write_bytes(content)
        told = {"target": str(target), "at": version.at.isoformat(), "sha256": version.file_sha}
        told |= {name: version.manifest.get(name) for name in KEPT}
        (folder / "manifest.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("standalone.py"), folder / "classify.py")
        for name, path in encoder.items():
            shutil.copyfile(path, folder / name)
        (folder / "README.md").write_text(_readme(target, version.manifest), encoding="utf-8")
    except OSError as error:
        raise Refused(f"Not exported: {folder} cannot be written ({error.strerror}). Name another folder.") from error
    with store.writing() as db:
        audit.record(db, by, "exported", "version", version.id, f"Exported {target} as a folder for other programs.", at=at)
    return folder


def _encoder(target: Target, version: Version) -> dict[str, Path]:
    """The files that make the vectors which the model knows."""
    wanted = version.manifest.get("encoder")
    if wanted is None:
        return {}
    made = vectors.described()
    if made is None or made.name != wanted:
        there = f"installed is {made.name}" if made else "none is installed"
        raise Refused(f"Not exported: {target} needs the encoder {wanted}, and {there}. Install it, or train again; then export.")
    home = config.folder("encoder")
    return {"encoder.onnx": home / made.files["model"]["file"], "tokenizer.json": home / made.files["tokenizer"]["file"]}


def _readme(target: Target, manifest: dict[str, Any]) -> str:
    k, n = manifest["accuracy_k"], manifest["accuracy_n"]
    return README.format(
        title=f"{target.name} classifier, version {target.number}",
        sentence=manifest["sentence"],
        accuracy=f"{k:,} of {n:,} conversations" if n else "no conversation: there were too few",
        answer="labels" if manifest.get("kind") == SEVERAL else "label",
        packages="scikit-learn skops" + (" onnxruntime tokenizers" if manifest["encoder"] else ""),
        encoder="\n`encoder.onnx` and `tokenizer.json` make the sentence vectors." if manifest["encoder"] else "",
    )
