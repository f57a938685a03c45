"""Model files (threats 1 and 2): what is not exactly the file that was made is refused before anything reads it, and nothing in it runs."""

import ast
import gzip
import io
import os
import pickle
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from skops.io.exceptions import UntrustedTypesFoundException

from classifiers import files, model
from classifiers.model import Model
from data import config, sealing, versions
from data.errors import Refused
from data.tables import Version
from data.values import Target
from tests.conftest import SOAK, point_at
from tests.test_classifiers_model import drawn_vectors, trained

CUTS = 200 if SOAK else 20
NOT_OURS = "cannot be used: its model file is not the one that was made. Restore models/ from a backup, or train again."
MISSING = "cannot be used: its model file is missing. Restore models/ from a backup, or train again."
PRODUCT = ("language", "data", "evals", "classifiers", "portal")
FORBIDDEN = ("pickle", "cPickle", "_pickle", "cloudpickle", "joblib", "dill", "marshal", "shelve")


def pipeline(words: str) -> Pipeline:
    """As older portals made it."""
    return model.untrained().fit([f"where is my {words}", f"refund my {words}"] * 4, ["a", "b"] * 4)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home without a database: files need none."""
    point_at(tmp_path, "", monkeypatch)
    yield config.folder("models")
    config.reset()


def version_of(file_sha: str, number: int = 1) -> Version:
    """As `versions.add` makes it."""
    target = Target("classifier", "intent", number)
    return Version(**target.columns(), sha="", file_sha=file_sha, file_hmac=versions.file_seal(target, file_sha), authors=[])


def made(words: str = "order", number: int = 1) -> Version:
    return version_of(files.save(trained(words)), number)


def path_of(folder: Path, version: Version) -> Path:
    return folder / f"{version.file_sha}.skops"


@pytest.fixture
def unparsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What got as far as the parser."""
    read: list[bytes] = []
    parse = skops.io.loads

    def reading(content: bytes, **rest: object) -> object:
        read.append(content)
        return parse(content, **rest)

    monkeypatch.setattr(skops.io, "loads", reading)
    return read


@pytest.mark.parametrize("few", [False, True])
def test_what_was_saved_is_loaded_and_answers_the_same(few: bool, folder: Path, unparsed: list[bytes]) -> None:
    kept = trained("order", few=few)
    loaded = files.load(version_of(files.save(kept)))
    asked, seen = ["where is my order", "refund"], drawn_vectors([0, 1], seed=7)
    for one, two in zip(model.scores_of(loaded, asked, seen), model.scores_of(kept, asked, seen), strict=True):
        assert (one == two).all()
    assert (loaded.labels, loaded.method, loaded.encoder, loaded.ids.tolist()) == (kept.labels, kept.method, "test", kept.ids.tolist())
    assert len(unparsed) == 1  # the control of the tests below: an honest file does reach the parser


def test_the_same_model_is_the_same_file_at_any_hour_and_in_any_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = skops.io.dumps({"a": 1.5})
    script = (
        "import sys; from tests.test_classifiers_model import trained; from classifiers import files, model; import skops.io; "
        "from data import sealing; print(sealing.sha(files._repeatable(skops.io.dumps(files._parts(trained('order', few=True))))))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=config.ROOT).stdout.strip()
    assert files.save(trained("order", few=True)) == told
    assert files.save(trained("parcel", few=True)) != told  # the control
    zipped = zipfile.ZipFile(io.BytesIO(files._repeatable(first)))
    assert {entry.date_time[0] for entry in zipped.infolist()} == {1980} and skops.io.loads(files._repeatable(first)) == {"a": 1.5}


@pytest.mark.parametrize("how", ["entry by entry", "as an array"])
def test_a_file_of_an_older_portal_is_read_as_well(how: str, folder: Path) -> None:
    older = pipeline("order")
    asked = ["where is my order", "refund", "my refund"]
    right = older.decision_function(asked)
    if how == "as an array":
        for _, kind in older["features"].transformer_list:
            kind.vocabulary_ = np.array(sorted(kind.vocabulary_, key=kind.vocabulary_.__getitem__), dtype=np.str_)
    content = skops.io.dumps(older)
    (folder / f"{sealing.sha(content)}.skops").write_bytes(content)
    loaded = files.load(version_of(sealing.sha(content)))
    scores, other = model.scores_of(loaded, asked)
    assert np.allclose(scores[:, 1], right, atol=1e-5) and np.allclose(scores[:, 0], -right, atol=1e-5)
    assert loaded.labels == ["a", "b"] and loaded.encoder is None and other.tolist() == [0, 0, 0]


def test_only_we_may_open_the_folder_and_no_half_written_file_stays(folder: Path) -> None:
    version = made()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path_of(folder, version).stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.iterdir()] == [f"{version.file_sha}.skops"]
    assert version.file_sha == sealing.sha(path_of(folder, version).read_bytes())


def test_a_file_with_one_changed_byte_is_not_read(folder: Path, unparsed: list[bytes]) -> None:
    version, rng = made(), random.Random(1)
    whole = path_of(folder, version).read_bytes()
    for _ in range(CUTS):
        place = rng.randrange(len(whole))
        path_of(folder, version).write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
        with pytest.raises(Refused, match=f"^intent 1 {NOT_OURS}$"):
            files.load(version)
    assert unparsed == []
    path_of(folder, version).write_bytes(whole)
    assert isinstance(files.load(version), Model)


def test_a_cut_file_is_not_read(folder: Path, unparsed: list[bytes]) -> None:
    version, rng = made(), random.Random(2)
    whole = path_of(folder, version).read_bytes()
    for length in {0, 1, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(CUTS))}:
        path_of(folder, version).write_bytes(whole[:length])
        with pytest.raises(Refused, match=f"^intent 1 {NOT_OURS}$"):
            files.load(version)
    path_of(folder, version).write_bytes(whole + b"\0")
    with pytest.raises(Refused, match=NOT_OURS):
        files.load(version)
    assert unparsed == []


def test_another_valid_model_of_ours_in_its_place_is_not_read(folder: Path, unparsed: list[bytes]) -> None:
    older, newer = made("parcel", 1), made("order", 2)
    path_of(folder, newer).write_bytes(path_of(folder, older).read_bytes())
    with pytest.raises(Refused, match=f"^intent 2 {NOT_OURS}$"):
        files.load(newer)
    # the database names the older file too, but the seal is of another version: the hash alone would let it pass
    for forged in (
        Version(**Target("classifier", "intent", 2).columns(), sha="", file_sha=older.file_sha, file_hmac=older.file_hmac),
        Version(**Target("classifier", "intent", 2).columns(), sha="", file_sha=older.file_sha, file_hmac=newer.file_hmac),
        Version(**Target("classifier", "other", 1).columns(), sha="", file_sha=older.file_sha, file_hmac=older.file_hmac),
        Version(**Target("rule", "intent", 1).columns(), sha="", file_sha=older.file_sha, file_hmac=older.file_hmac),
        Version(**Target("classifier", "intent", 1).columns(), sha="", file_sha=older.file_sha, file_hmac="0" * 64),
    ):
        with pytest.raises(Refused, match=NOT_OURS):
            files.load(forged)
    assert unparsed == []
    assert isinstance(files.load(older), Model)


def test_a_seal_of_another_installation_does_not_pass(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = made()
    content = path_of(folder, version).read_bytes()
    point_at(tmp_path / "another home", "", monkeypatch)
    (config.folder("models") / f"{version.file_sha}.skops").write_bytes(content)
    with pytest.raises(Refused, match=NOT_OURS):
        files.load(version)


def test_a_link_in_its_place_is_not_followed(folder: Path, tmp_path: Path, unparsed: list[bytes]) -> None:
    version, other = made("order", 1), made("parcel", 2)
    content = path_of(folder, version).read_bytes()
    for stands in (path_of(folder, other), tmp_path / "the same bytes elsewhere", tmp_path / "nowhere"):
        if stands.name == "the same bytes elsewhere":
            stands.write_bytes(content)
        path_of(folder, version).unlink()
        path_of(folder, version).symlink_to(stands)
        with pytest.raises(Refused, match=f"^intent 1 {MISSING}$"):
            files.load(version)
    assert unparsed == []


def test_a_missing_file_says_what_to_do(folder: Path) -> None:
    version = made()
    path_of(folder, version).unlink()
    with pytest.raises(Refused, match=f"^intent 1 {MISSING}$"):
        files.load(version)
    path_of(folder, version).mkdir()
    with pytest.raises(Refused, match=MISSING):
        files.load(version)
    with pytest.raises(Refused, match=r"^intent 3 has no model file\.$"):
        files.load(Version(**Target("classifier", "intent", 3).columns(), sha=""))


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


def _joblib(value: object, compress: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compress)
    return buffer.getvalue()


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def unpickle(content: bytes) -> object:
    return pickle.loads(content)  # noqa: S301 - the control


def unjoblib(content: bytes) -> object:
    return joblib.load(io.BytesIO(content))


def believe(content: bytes) -> object:
    """What a loader does that trusts every type a file names, and then asks the model."""
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    return loaded.transform(os.environ["TEST_COMMAND"])


def hostile(marker: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Files that run a command in a careless loader: the bytes, and the loader."""
    bomb, honest = Touch(marker), skops.io.dumps(pipeline("order"))
    found: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
        f"pickle protocol {protocol}": (pickle.dumps(bomb, protocol), unpickle) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    }
    found |= {f"joblib {how}": (_joblib(bomb, how), unjoblib) for how in (0, ("gzip", 3), ("zlib", 3), ("bz2", 3), ("lzma", 3))}
    found["gzip"] = gzip.compress(pickle.dumps(bomb)), lambda content: unpickle(gzip.decompress(content))
    found["a pickle before a valid model"] = pickle.dumps(bomb) + honest, unpickle
    found["a pickle as the schema"] = (
        _zipped("schema.json", pickle.dumps(bomb)),
        lambda content: unpickle(zipfile.ZipFile(io.BytesIO(content)).read("schema.json")),
    )
    found["a list with one inside"] = pickle.dumps([1, {"deep": (bomb,)}]), unpickle
    found["a model with one inside"] = pickle.dumps(Pipeline([("features", bomb)])), unpickle
    call = FunctionTransformer(os.system)
    found["skops function"] = skops.io.dumps(call), believe
    found["skops function in a pipeline"] = skops.io.dumps(Pipeline([("call", call)])), believe
    return found


@pytest.mark.parametrize("name", list(hostile(Path("unused"))))
def test_a_hostile_file_runs_nothing(name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "it ran"
    monkeypatch.setenv("TEST_COMMAND", f"touch '{marker}'")
    content, careless = hostile(marker)[name]

    # dropped over the model of an honest version: refused unread
    version = made()
    path_of(folder, version).write_bytes(content)
    with pytest.raises(Refused, match=NOT_OURS):
        files.load(version)
    # even with the name and seal of a version of ours, the parser takes nothing from it that is not a plain model
    sealed = version_of(sealing.sha(content), 2)
    path_of(folder, sealed).write_bytes(content)
    if name == "a pickle before a valid model":
        assert model.scores_of(files.load(sealed), ["refund"])[0].shape == (1, 2)  # the parser sees only the model behind it
    else:
        with pytest.raises((zipfile.BadZipFile, ValueError, UntrustedTypesFoundException)):
            files.load(sealed)
    assert not marker.exists()

    careless(content)  # the control: it is a real attack
    assert marker.exists()


def test_a_file_that_holds_no_model_is_refused(folder: Path) -> None:
    for told in ({"not": "a model"}, {"format": 3}, [1], "text"):
        content = skops.io.dumps(told)
        version = version_of(sealing.sha(content))
        path_of(folder, version).write_bytes(content)
        with pytest.raises(Refused, match=r"^intent 1 cannot be used: its file holds no model\.$"):
            files.load(version)


def forbidden_in(source: str) -> list[str]:
    """Names in a module through which an unsafe format could be read."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or ""] if (node.module or "").split(".")[0] in FORBIDDEN else []
            found += [alias.name for alias in node.names if alias.name in FORBIDDEN]
        elif isinstance(node, ast.Attribute) and (node.attr in FORBIDDEN or node.attr in ("read_pickle", "to_pickle", "allow_pickle")):
            found.append(node.attr)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found.append(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in FORBIDDEN:
            found.append(node.value)
    return found


def test_no_product_module_can_read_a_pickle() -> None:
    modules = [path for folder in PRODUCT for path in (config.ROOT / folder).rglob("*.py")]
    assert len(modules) > 60
    assert {str(path): forbidden_in(path.read_text()) for path in modules if forbidden_in(path.read_text())} == {}


@pytest.mark.parametrize(
    "careless",
    [
        "import pickle", "import joblib", "from joblib import load", "import cloudpickle as quick", "from sklearn.externals import joblib",
        "import importlib\nimportlib.import_module('pickle')", "__import__('joblib')", "pandas.read_pickle(path)",
        "numpy.load(path, allow_pickle=True)", "def later():\n    import dill", "import sklearn.utils\nsklearn.utils.joblib.load(path)",
    ],
)  # fmt: skip
def test_the_search_for_pickles_finds_each_way_in(careless: str) -> None:
    assert forbidden_in(careless)
