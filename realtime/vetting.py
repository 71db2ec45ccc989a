"""Networks from strangers: what is read and judged before onnxruntime may see it.

An ONNX file is a program. One that comes from elsewhere is let through only if it can do nothing
but compute: operators from a list, none of them control flow, and all weights in the file itself.
`realtime.bounds` then bounds its memory and work. What passes is written anew, and that, never the
file, goes to onnxruntime.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import UserError, one_line

MOST_PARTS = 100_000
"""Fields of a file. The decoder of such files takes fifty times their bytes where they are small;
the largest network of `export` has 3,000."""
MOST_NODES = 1000
OPSETS = range(13, 22)
NEWEST_IR = 10
_OPERATORS = """
Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Constant
ConstantOfShape Conv ConvTranspose Cos Div Elu Equal Erf Exp Expand Flatten Floor Gather
GatherElements Gemm GlobalAveragePool Greater GreaterOrEqual HardSigmoid HardSwish Identity
LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean Min Mul Neg
Not Or PRelu Pad Pow ReduceMax ReduceMean ReduceMin ReduceSum Reciprocal Relu Reshape Round
Shape Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile Transpose
Unique Unsqueeze Where
"""
"""Those that `export` writes, and their like. None reads files, loops, or draws lots."""

_FIELDS: Mapping[str, str] = {
    "ModelProto": "ir_version opset_import producer_name producer_version domain model_version "
    "doc_string graph metadata_props",
    "OperatorSetIdProto": "domain version",
    "StringStringEntryProto": "key value",
    "GraphProto": "node name initializer doc_string input output value_info metadata_props",
    "NodeProto": "input output name op_type domain attribute doc_string metadata_props",
    "AttributeProto": "name type f i s t floats ints strings doc_string",
    "TensorProto": "dims data_type float_data int32_data int64_data double_data raw_data name "
    "doc_string metadata_props",
    "ValueInfoProto": "name type doc_string metadata_props",
    "TypeProto": "tensor_type denotation",
    "TypeProto.Tensor": "elem_type shape",
    "TensorShapeProto": "dim",
    "TensorShapeProto.Dimension": "dim_value dim_param denotation",
}
"""What messages of the format may hold here. What is left out names other files, holds graphs
within graphs, or is of kinds of data that tiles are not made of."""
_MEANT = {
    "TensorProto.external_data": "keeps weights in another file",
    "TensorProto.data_location": "keeps weights in another file",
    "AttributeProto.g": "has control flow",
    "AttributeProto.graphs": "has control flow",
    "ModelProto.functions": "defines operators of its own",
    "ModelProto.training_info": "brings a training",
}


class RefusedError(Exception):
    """Why a network is not let through, in a few words that go on after its name."""


def vet(path: Path, content: bytes) -> Any:
    """Read a network and judge what it consists of.

    Args:
        path: for the message.
        content: of the file.

    Returns:
        The `onnx.ModelProto`, without what computing does not need.

    Raises:
        UserError: it is not let through.
    """
    try:
        return _read(content)
    except RefusedError as refused:
        raise refusal(path, refused) from None


def refusal(path: Path, refused: RefusedError) -> UserError:
    """Return what to tell of a network that is not let through."""
    return UserError(f"{path}: refused: {refused}: use a tile set that export.train has written")


def _read(content: bytes) -> Any:
    import onnx

    _walk(memoryview(content), onnx.ModelProto.DESCRIPTOR, MOST_PARTS)
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception:  # protobuf's own class, of a package that is onnx's affair
        raise RefusedError("it is no ONNX file, or damaged") from None
    _check_versions(model)
    _check_nodes(model.graph.node)
    for tensor in _tensors(model.graph):
        _check_tensor(tensor)
    _strip(model)
    return model


def _walk(data: memoryview, message: Any, left: int) -> int:
    """Look at the fields of a message as it lies in the file, and return how many may follow.

    Raises:
        RefusedError: they are too many or damaged, or one of them is not in `_FIELDS`.
    """
    place, allowed = 0, _allowed(message)
    while place < len(data):
        if left <= 0:
            raise RefusedError(f"it has more than {MOST_PARTS:,} parts")
        left -= 1
        key, place = _number(data, place)
        field = allowed.get(key >> 3)
        if field is None:
            raise RefusedError(_meaning(message, key >> 3))
        length = {0: 0, 1: 8, 5: 4}.get(key & 7, -1)
        if key & 7 in (0, 2):
            number, place = _number(data, place)
            length = number if key & 7 == 2 else 0
        if length < 0 or place + length > len(data):
            raise RefusedError("it is no ONNX file, or damaged")
        part = data[place : place + length]
        if key & 7 == 2 and field.message_type is not None:
            left = _walk(part, field.message_type, left)
        elif field.type == field.TYPE_STRING and not _is_text(part):
            raise RefusedError("it is no ONNX file, or damaged")
        place += length
    return left


def _is_text(data: memoryview) -> bool:
    try:
        data.tobytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def _number(data: memoryview, place: int) -> tuple[int, int]:
    """Return the number of varying length at a place, and the place after it."""
    number = shift = 0
    for byte in data[place : place + 10]:
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, place
    raise RefusedError("it is no ONNX file, or damaged")


@functools.lru_cache(maxsize=len(_FIELDS))
def _allowed(message: Any) -> dict[int, Any]:
    names = _FIELDS[_name(message)].split()
    return {field.number: field for field in message.fields if field.name in names}


def _name(message: Any) -> str:
    return str(message.full_name).removeprefix("onnx.")


def _meaning(message: Any, number: int) -> str:
    field = message.fields_by_number.get(number)
    if field is None:
        return "it is no ONNX file, or damaged"
    name = f"{_name(message)}.{field.name}"
    return f"it {_MEANT.get(name, f'holds {name}, which no tile set needs')}"


def _check_versions(model: Any) -> None:
    opsets = [(entry.domain, entry.version) for entry in model.opset_import]
    if any(domain not in ("", "ai.onnx") for domain, _ in opsets):
        domains = ", ".join(one_line(domain) for domain, _ in opsets)
        raise RefusedError(f"it asks for operators of {domains}, expected ONNX's own")
    if len(opsets) != 1 or opsets[0][1] not in OPSETS or not 0 < model.ir_version <= NEWEST_IR:
        found = ", ".join(str(version) for _, version in opsets) or "none"
        expected = f"{OPSETS[0]} to {OPSETS[-1]} and format up to {NEWEST_IR}"
        raise RefusedError(
            f"found operator set {one_line(found)} in format {model.ir_version}, "
            f"expected {expected}"
        )


def _check_nodes(nodes: Any) -> None:
    if not 0 < len(nodes) <= MOST_NODES:
        raise RefusedError(f"it has {len(nodes):,} operations, expected 1 to {MOST_NODES:,}")
    operators = _OPERATORS.split()
    for node in nodes:
        if node.domain not in ("", "ai.onnx") or node.op_type not in operators:
            name = ".".join(filter(None, (node.domain, node.op_type)))
            raise RefusedError(f"operator {one_line(name)!r} is not among those that tiles need")


def _tensors(graph: Any) -> Iterable[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _check_tensor(tensor: Any) -> None:
    """Raise RefusedError unless a tensor is of numbers, and has as many as it says."""
    from onnx import numpy_helper

    name = one_line(tensor.name)
    if tensor.data_type not in element_bytes():
        raise RefusedError(f"weights {name!r} are of kind {tensor.data_type}, expected numbers")
    if any(length < 0 for length in tensor.dims):
        raise RefusedError(f"weights {name!r} have a negative size")
    try:
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError):
        raise RefusedError(f"weights {name!r} are more or fewer than they say") from None
    if values.shape != tuple(tensor.dims):
        raise RefusedError(f"weights {name!r} are more or fewer than they say")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise RefusedError(f"weights {name!r} are not all numbers")


@functools.lru_cache(maxsize=1)
def element_bytes() -> Mapping[int, int]:
    """Return the bytes of an element by ONNX's number of its kind, for the kinds let through."""
    from onnx import TensorProto as Kind

    return {
        Kind.BOOL: 1,
        Kind.UINT8: 1,
        Kind.INT8: 1,
        Kind.FLOAT16: 2,
        Kind.INT32: 4,
        Kind.FLOAT: 4,
        Kind.INT64: 8,
        Kind.DOUBLE: 8,
    }


def _strip(model: Any) -> None:
    """Remove what is not needed to compute: claims about shapes between, and texts."""
    del model.metadata_props[:]
    del model.graph.value_info[:]
    for holder in (model, model.graph, *model.graph.node, *model.graph.initializer):
        holder.doc_string = ""
    model.producer_name = model.producer_version = model.domain = ""
