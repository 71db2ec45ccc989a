"""Networks that somebody means ill with, in the place of the decoder of the tile set `plain`.

Each takes latents [N, 1] and pixels [T] and claims to give tiles [N, T, T]; each is refused for
a reason of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper

HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n'
PORTS = "g (float[N, 1] latents, float[T] pixels) => (float[N, T, T] tiles)"
GOOD = """
    nothing = Mul (pixels, zero)
    row = Unsqueeze (latents, last)
    rows = Add (row, nothing)
    square = Transpose <perm = [0, 2, 1]> (rows)
    tiles = Add (square, nothing)
"""
GOOD_WEIGHTS = "<int64[1] last = {2}, float zero = {0}>"
_SWELLING = "\n".join(f"x{n + 1} = Concat <axis = 0> (x{n}, x{n})" for n in range(28))
_LABOUR = "\n".join(f"m{n + 1} = MatMul (m{n}, m{n})" for n in range(30))


def network(body: str = GOOD, weights: str = GOOD_WEIGHTS, ports: str = PORTS) -> Any:
    """Return a network in the words of ONNX's own text format."""
    return onnx.parser.parse_model(f"{HEAD}{ports} {weights} {{ {body} }}")


def extended(body: str, weights: str = "") -> Any:
    """Return the good network with more in it, which is computed in vain."""
    together = GOOD_WEIGHTS[:-1] + ("," if weights else "") + weights + ">"
    return network(GOOD + body, together)


TEXTS: dict[str, tuple[str, str, str]] = {
    "expand": ("big = Expand (zero, shape)", "int64[2] shape = {100000, 100000}", "more than"),
    "tile": ("big = Tile (pixels, times)", "int64[1] times = {1000000000}", "more than"),
    "constant": ("big = ConstantOfShape (shape)", "int64[1] shape = {1099511627776}", "more than"),
    "outer": (
        "flat = Reshape (tiles, line) \n column = Reshape (tiles, upright) \n"
        "big = Mul (flat, column)",
        "int64[2] line = {1, -1}, int64[2] upright = {-1, 1}",
        "more than",
    ),
    "overflow": (
        "big = Expand (zero, shape) \n none = Flatten <axis = 0> (big)",
        "int64[2] shape = {4294967296, 4294967296}",
        "more than|overflow",
    ),
    "negative": ("big = Expand (zero, shape)", "int64[1] shape = {-5}", "has the shape"),
    "data": (
        "whole = Cast <to = 7> (latents) \n shape = Reshape (whole, line) \n"
        "big = ConstantOfShape (shape)",
        "int64[1] line = {-1}",
        "depends on the picture",
    ),
    "slice": (
        "whole = Cast <to = 7> (pixels) \n part = Slice (latents, start, whole)",
        "int64[1] start = {0}",
        "depends on the picture",
    ),
    "unique": (
        "few = Unique (pixels) \n shape = Shape (few) \n big = ConstantOfShape (shape)",
        "",
        "depends on the picture",
    ),
    "unique axis": ("few = Unique <axis = 0> (latents)", "", "axis"),
    "swelling": (f"x0 = Shape (latents) \n {_SWELLING}", "", "more than|too many"),
    "sorting": (
        "much = Expand (zero, shape) \n few = Unique (much)",
        "int64[1] shape = {60000000}",
        "more than",
    ),
    "labour": (
        f"m0 = Expand (zero, shape) \n {_LABOUR}",
        "int64[2] shape = {1000, 1000}",
        "too much time",
    ),
    "cube": (
        "x = Reshape (latents, one) \n y = Reshape (latents, two) \n xy = Mul (x, y) \n"
        "z = Reshape (latents, three) \n xyz = Mul (xy, z)",
        "int64[3] one = {-1, 1, 1}, int64[3] two = {1, -1, 1}, int64[3] three = {1, 1, -1}",
        "more than",
    ),
    "columns": (
        "x = Expand (zero, shape) \n w = Expand (zero, kernel) \n y = ConvTranspose (x, w)",
        "int64[4] shape = {1, 1, 90, 90}, int64[4] kernel = {1, 1, 1000, 1000}",
        "more than|too much",
    ),
    "window": (
        "x = Expand (zero, shape) \n"
        "y = MaxPool <kernel_shape = [3000, 3000], pads = [1500, 1500, 1500, 1500]> (x)",
        "int64[4] shape = {1, 1, 3000, 3000}",
        "too much time",
    ),
    "division": (
        "whole = Cast <to = 7> (pixels) \n none = Sub (whole, whole) \n end = Div (whole, none)",
        "",
        "divides whole numbers",
    ),
    "lots": ("chance = RandomNormal <shape = [3]> ()", "", "operator 'RandomNormal'"),
    "range": ("many = Range (zero, end, step)", "float end = {1e9}, float step = {1}", "'Range'"),
    "text": ("words = Cast <to = 8> (pixels)", "", "no tensor of numbers"),
    "axes": ("far = Unsqueeze (pixels, axes)", "int64[9] axes = {0,1,2,3,4,5,6,7,8}", "has the sh"),
    "mismatch": ("wrong = MatMul (rows, rows)", "", "do not fit"),
    "unordered": ("late = Abs (later) \n later = Abs (pixels)", "", "put together wrongly"),
    "nan": ("", "float bad = {nan}", "not all numbers"),
    "infinite": ("", "float bad = {inf}", "not all numbers"),
}
"""What is added to the good network: operations, weights, and a word of the refusal."""

PORTED: dict[str, tuple[str, str]] = {
    "name": ("g (float[N, 1] latent, float[T] pixels) => (float[N, T, T] tiles)", "takes latent, "),
    "kind": ("g (double[N, 1] latents, float[T] pixels) => (float[N, T, T] tiles)", "not float32"),
    "fixed": (
        "g (float[7, 1] latents, float[T] pixels) => (float[N, T, T] tiles)",
        "takes latents",
    ),
    "more": ("g (float[N, 2] latents, float[T] pixels) => (float[N, T, T] tiles)", "takes latents"),
    "axes": ("g (float[N] latents, float[T] pixels) => (float[N, T, T] tiles)", "takes latents"),
    "extra": (
        "g (float[N, 1] latents, float[T] pixels, float[1] x) => (float[N, T, T] tiles)",
        "takes latents, pixels, x, expected",
    ),
    "two": (
        "g (float[N, 1] latents, float[T] pixels) => (float[N, T, T] tiles, float[N, T, 1] row)",
        "gives tiles, row, expected tiles",
    ),
    "lie": ("g (float[N, 1] latents, float[T] pixels) => (float[N, T, T] rows)", "gives rows"),
}
"""Other ports on the good network."""


def networks() -> Iterator[tuple[str, bytes, str]]:
    """Yield a name, the content of the file, and a pattern for the refusal."""
    for name, (body, weights, words) in TEXTS.items():
        yield name, extended(body, weights).SerializeToString(), words
    for name, (ports, words) in PORTED.items():
        yield f"port {name}", network(ports=ports).SerializeToString(), words
    for make in (
        *(_loop, _branch, _function, _foreign_domain, _foreign_operator, _contrib_operator),
        *(_external_weights, _external_constant, _sparse, _claimed, _negative, _strings, _short),
        *(_flat_tiles, _new_opset, _no_opset, _new_format, _many_nodes),
    ):
        model, words = make()
        yield make.__name__.strip("_").replace("_", " "), model.SerializeToString(), words
    yield from _files()


def _files() -> Iterator[tuple[str, bytes, str]]:
    good = network().SerializeToString()
    damaged = "no ONNX file, or damaged"
    yield "empty", b"", "operator set none"
    yield "half", good[: len(good) // 2], damaged
    yield "text", b"not a model", damaged
    yield "name that is no text", good.replace(b"pixels", b"pi\xff\xfels"), damaged
    yield "runtime's own format", b"\x14\0\0\0ORTM" + bytes(100), damaged
    yield "endless number", b"\xff" * 100, damaged
    yield "length beyond the end", b"\x3a\xff\xff\xff\xff\x0f", damaged
    graph = bytes.fromhex("0a00") * 300_000
    yield "many parts", b"\x3a" + _varint(len(graph)) + graph, "more than 100,000 parts"
    nested = b""
    for _ in range(5_000):
        nested = b"\x32" + _varint(len(nested)) + nested  # AttributeProto.g, again and again
    yield "nested", b"\x3a" + _varint(len(nested)) + nested, damaged


def _varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def _with(model: Any, change: Callable[[Any], object]) -> Any:
    change(model)
    return model


def _node(operator: str, inputs: list[str], **attributes: Any) -> Any:
    return helper.make_node(operator, inputs, ["extra"], **attributes)


def _loop() -> tuple[Any, str]:
    text = """
        more = Loop (turns, going, zero) <body = b (int64 i, bool c, float x) =>
            (bool c2, float x2) { c2 = Identity (c)  x2 = Add (x, x) }>
    """
    weights = "int64 turns = {1000000000000}, bool going = {1}"
    return extended(text, weights), "control flow"


def _branch() -> tuple[Any, str]:
    text = """
        either = If (going) <then_branch = a () => (float x) { x = Identity (zero) },
            else_branch = b () => (float x) { x = Identity (zero) }>
    """
    return extended(text, "bool going = {1}"), "control flow"


def _function() -> tuple[Any, str]:
    model = network()
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Identity", ["x"], ["y"])]
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], body, opsets))
    return model, "operators of its own"


def _foreign_domain() -> tuple[Any, str]:
    model = network()
    model.opset_import.append(helper.make_opsetid("evil.example", 1))
    return model, "operators of , evil.example"


def _foreign_operator() -> tuple[Any, str]:
    node = _node("Own", ["pixels"], domain="evil.example")
    return _with(network(), lambda model: model.graph.node.append(node)), "evil.example.Own"


def _contrib_operator() -> tuple[Any, str]:
    node = _node("FusedMatMul", ["latents", "latents"], domain="com.microsoft")
    return _with(
        network(), lambda model: model.graph.node.append(node)
    ), "com.microsoft.FusedMatMul"


def _external(name: str) -> Any:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    return tensor


def _external_weights() -> tuple[Any, str]:
    added = _external("secret")
    return _with(network(), lambda model: model.graph.initializer.append(added)), "another file"


def _external_constant() -> tuple[Any, str]:
    node = _node("Constant", [], value=_external("secret"))
    return _with(network(), lambda model: model.graph.node.append(node)), "another file"


def _sparse() -> tuple[Any, str]:
    values = numpy_helper.from_array(np.ones(1, np.float32), "much")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "places")
    sparse = helper.make_sparse_tensor(values, places, [1 << 40])
    return _with(network(), lambda model: model.graph.sparse_initializer.append(sparse)), "sparse"


def _weights(**fields: Any) -> tuple[Any, str]:
    tensor = TensorProto(name="bad", **fields)
    return _with(network(), lambda model: model.graph.initializer.append(tensor)), "weights 'bad'"


def _claimed() -> tuple[Any, str]:
    return _weights(data_type=TensorProto.FLOAT, dims=[1 << 40])


def _negative() -> tuple[Any, str]:
    return _weights(data_type=TensorProto.FLOAT, dims=[-1], raw_data=bytes(8))


def _strings() -> tuple[Any, str]:
    return _weights(data_type=TensorProto.STRING, dims=[0])


def _short() -> tuple[Any, str]:
    return _weights(data_type=TensorProto.FLOAT, dims=[3], raw_data=bytes(8))


def _flat_tiles() -> tuple[Any, str]:
    body = "tiles = Add (latents, pixels)"
    return network(body, "", PORTS.replace("[N, T, T]", "[N, T]")), "gives tiles of"


def _new_opset() -> tuple[Any, str]:
    model = network()
    model.opset_import[0].version = 99
    return model, "operator set 99"


def _no_opset() -> tuple[Any, str]:
    model = network()
    del model.opset_import[:]
    return model, "operator set none"


def _new_format() -> tuple[Any, str]:
    model = network()
    model.ir_version = 99
    return model, "in format 99"


def _many_nodes() -> tuple[Any, str]:
    body = "\n".join(f"y{n} = Abs (pixels)" for n in range(1001))
    return extended(body), "operations, expected 1 to 1,000"
