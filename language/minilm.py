"""Writes the encoder's graph from its weights: a BERT as ONNX, mean-pooled, each vector of length one, its weights in eight bits.

Used once, when an encoder is installed: `onnx` and the quantiser are imported here and nowhere else.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET = 17  # the first that knows LayerNormalization
ORT = "com.microsoft"  # onnxruntime's own steps
BLOCK = 32  # weights that share one scale
IN_WHOLE_NUMBERS = 4  # how MatMulNBits counts: the fast way
MOST_TOKENS = 256
LONGEST_HEADER = 50_000_000  # of a safetensors file
NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "layer_norm_eps")

Array = npt.NDArray[Any]


class Unusable(Exception):
    """The files are no encoder that we can write a graph for; the words say why."""


@dataclass(frozen=True)
class Shape:
    """What of a model's config.json the graph depends on."""

    hidden: int
    layers: int
    heads: int
    eps: float
    positions: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Shape":
        missing = [name for name in NEEDED if not isinstance(config.get(name), int | float)]
        if missing:
            raise Unusable(f"its config.json does not say {', '.join(missing)}")
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise Unusable(
                f"it is a {config.get('model_type')} with {config.get('hidden_act')}, and a graph is written for a bert with gelu"
            )
        shape = cls(
            config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"],
            min(MOST_TOKENS, config["max_position_embeddings"]),
        )  # fmt: skip
        if min(shape.hidden, shape.layers, shape.heads) < 1 or shape.hidden % shape.heads:
            raise Unusable(f"its config.json says {shape.hidden} numbers in {shape.heads} heads, which does not come out even")
        return shape


def tensors(path: Path) -> dict[str, Array]:
    """The float32 tensors of a safetensors file: eight bytes of length, a header in JSON, then the numbers as they are."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0] if len(raw) >= 8 else LONGEST_HEADER
    if length >= min(LONGEST_HEADER, len(raw) - 8):
        raise Unusable("its model.safetensors is cut short, or is none")
    numbers = memoryview(raw)[8 + length :]
    try:
        header = json.loads(raw[8 : 8 + length])
        found = {
            name: np.frombuffer(numbers[slice(*told["data_offsets"])], "<f4").reshape(told["shape"])
            for name, told in header.items()
            if name != "__metadata__" and told["dtype"] == "F32"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Unusable("its model.safetensors is cut short, or is none") from wrong
    return {name.removeprefix("bert."): value for name, value in found.items()}


def in_float(weights: Mapping[str, Array], shape: Shape) -> bytes:
    """The graph with its weights as they are: what the one in eight bits is held against."""
    return _Graph(weights, shape, eight_bits=False).written()


def in_eight_bits(weights: Mapping[str, Array], shape: Shape) -> bytes:
    """The graph at a quarter of the size, and faster. Each row of activations is rounded for itself, so that a text's vector
    does not depend on the texts beside it."""
    return _Graph(weights, shape, eight_bits=True).written()


class _Graph:
    """A graph in the making. A step's name is that of what comes out of it."""

    def __init__(self, weights: Mapping[str, Array], shape: Shape, *, eight_bits: bool) -> None:
        self.weights, self.shape, self.eight_bits = weights, shape, eight_bits
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}

    def written(self) -> bytes:
        from onnx import TensorProto, checker, helper, numpy_helper

        try:
            out = self._pooled(self._layers())
        except KeyError as missing:
            raise Unusable(f"its model.safetensors has no {missing.args[0]}") from missing
        except ValueError as wrong:
            raise Unusable("its weights are not of the sizes that its config.json says") from wrong
        tokens = ["texts", "tokens"]
        graph = helper.make_graph(
            self.nodes, "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, tokens) for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["texts", self.shape.hidden])],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ORT, 1)], ir_version=8)
        checker.check_model(model)
        written: bytes = model.SerializeToString(deterministic=True)
        return written

    def step(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(np.asarray(value, kind))
        return name

    def numbers(self, *value: int) -> str:
        return self.constant(value, np.int64)

    def _layers(self) -> str:
        words = self._words("embeddings.word_embeddings.weight")
        # every text is a first text, so its kind is added to the places once and for all
        places = self.weights["embeddings.position_embeddings.weight"] + self.weights["embeddings.token_type_embeddings.weight"][0]
        length = self.step("Gather", self.step("Shape", "input_ids"), self.numbers(1))
        here = self.step("Slice", self.constant(places[: self.shape.positions]), self.numbers(0), length, self.numbers(0))
        state = self._normal(self.step("Add", words, here), "embeddings.LayerNorm")
        padded = self.step("Cast", self.step("Unsqueeze", "attention_mask", self.numbers(1, 2)), to=1)
        bias = self.step("Mul", self.step("Sub", padded, self.constant(1.0)), self.constant(10_000.0))  # padding is looked at by nobody
        for layer in range(self.shape.layers):
            state = self._layer(state, bias, f"encoder.layer.{layer}")
        return state

    def _layer(self, state: str, bias: str, layer: str) -> str:
        seen = self._dense(self._attention(state, bias, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
        state = self._normal(self.step("Add", seen, state), f"{layer}.attention.output.LayerNorm")
        thought = self._dense(self._gelu(self._dense(state, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
        return self._normal(self.step("Add", thought, state), f"{layer}.output.LayerNorm")

    def _attention(self, state: str, bias: str, name: str) -> str:
        each = self.shape.hidden // self.shape.heads

        def heads(part: str, order: list[int]) -> str:
            cut = self.step("Reshape", self._dense(state, f"{name}.{part}"), self.numbers(0, 0, self.shape.heads, each))
            return self.step("Transpose", cut, perm=order)

        query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
        scores = self.step("Mul", self.step("MatMul", query, key), self.constant(each**-0.5))
        weights = self.step("Softmax", self.step("Add", scores, bias), axis=-1)
        joined = self.step("Transpose", self.step("MatMul", weights, value), perm=[0, 2, 1, 3])
        return self.step("Reshape", joined, self.numbers(0, 0, self.shape.hidden))

    def _words(self, name: str) -> str:
        table = self.weights[name]
        if not self.eight_bits:
            return self.step("Gather", self.constant(table), "input_ids")
        rounded, scale = _rounded(table, table.shape[1])
        found = self.step("Cast", self.step("Gather", self.constant(rounded[:, 0], np.int8), "input_ids"), to=1)
        return self.step("Mul", found, self.step("Gather", self.constant(scale), "input_ids"))

    def _dense(self, state: str, name: str) -> str:
        weight, bias = self.weights[f"{name}.weight"], self.constant(self.weights[f"{name}.bias"])
        if not self.eight_bits:
            return self.step("Add", self.step("MatMul", state, self.constant(weight.T)), bias)
        rounded, scale = _rounded(weight, BLOCK)
        unsigned = self.constant(rounded.astype(np.int16) + 128, np.uint8)
        return self.step(
            "MatMulNBits", state, unsigned, self.constant(scale), "", "", bias,
            domain=ORT, N=weight.shape[0], K=weight.shape[1], bits=8, block_size=BLOCK, accuracy_level=IN_WHOLE_NUMBERS,
        )  # fmt: skip

    def _normal(self, state: str, name: str) -> str:
        scale, shift = self.constant(self.weights[f"{name}.weight"]), self.constant(self.weights[f"{name}.bias"])
        return self.step("LayerNormalization", state, scale, shift, axis=-1, epsilon=float(self.shape.eps))

    def _gelu(self, state: str) -> str:
        curve = self.step("Erf", self.step("Div", state, self.constant(2**0.5)))
        return self.step("Mul", self.step("Mul", state, self.step("Add", curve, self.constant(1.0))), self.constant(0.5))

    def _pooled(self, state: str) -> str:
        """The mean of a text's own tokens, of length one."""
        own = self.step("Cast", self.step("Unsqueeze", "attention_mask", self.numbers(2)), to=1)
        total = self.step("ReduceSum", self.step("Mul", state, own), self.numbers(1), keepdims=0)
        mean = self.step("Div", total, self.step("ReduceSum", own, self.numbers(1), keepdims=0))
        return self.step("Div", mean, self.step("ReduceL2", mean, axes=[-1], keepdims=1))


def _rounded(table: Array, block: int) -> tuple[Array, Array]:
    """Each row in blocks of whole numbers up to 127, and each block's scale."""
    blocks = table.reshape(table.shape[0], -1, block)
    scale = np.maximum(np.abs(blocks).max(axis=2) / 127, np.finfo(np.float32).tiny)
    return np.rint(blocks / scale[:, :, None]).astype(np.int8), scale.astype(np.float32)
