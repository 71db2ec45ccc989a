"""How much memory and work a network may take, found out without running it.

Shapes are inferred for so many tiles of so many pixels, down to every intermediate result. A
network of which one shape depends on what is in the picture is refused: nobody knows how large it
becomes. The one exception is `Unique`, whose result is at most as large as its input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from realtime.errors import one_line
from realtime.ports import Ports, Shape, sized
from realtime.vetting import RefusedError, element_bytes, refusal

MOST_BYTES = 1 << 30
"""All intermediate results of a run together; they need not all be there at a time."""
MOST_WORK = 8_000_000_000
"""Multiplications of a run, or so: one to two seconds on an ordinary core."""
MOST_AXES = 8
MOST_KNOWN = 4096
"""Whole numbers that inference may have to keep track of in one tensor."""
_FEW = 64
"""Weights of so few elements may be parts of shapes; the values of others are of no interest."""
_SORTING_BYTES = 256
"""What `Unique` keeps for an element while it sorts."""


class Bounds:
    """Answers whether a network that has been vetted may run, at the sizes asked for.

    Args:
        path: for messages.
        model: the `onnx.ModelProto`.
        ports: what it is to take and give.

    Raises:
        UserError: it takes or gives something else.
    """

    def __init__(self, path: Path, model: Any, ports: Ports) -> None:
        self._path = path
        self._ports = ports
        self._checked: set[tuple[int, int]] = set()
        try:
            _check_ports(model.graph, ports)
            self._sorted = [n.input[0] for n in model.graph.node if n.op_type == "Unique"]
            self._sketch = _sketch(model)
        except RefusedError as refused:
            raise refusal(path, refused) from None

    def check(self, count: int, side: int) -> None:
        """Let a run be.

        Args:
            count: tiles.
            side: pixels along one side of a tile.

        Raises:
            UserError: it takes too much, or that cannot be told, or something else comes out.
        """
        if (count, side) in self._checked:
            return
        try:
            self._check(count, side)
        except RefusedError as refused:
            raise refusal(self._path, refused) from None
        self._checked.add((count, side))

    def _check(self, count: int, side: int) -> None:
        for port in self._sketch.graph.input:
            if port.name in self._ports.inputs:
                _set_shape(port, sized(self._ports.inputs[port.name], count, side))
        # First without following values, for those could be made to swell before they are bounded;
        # and with them only where need be, for inference errs over some that are no shapes.
        types, shapes = _infer(self._sketch, follow=False)
        _check_sizes(types, shapes)
        if len(shapes) < len(types):
            _check_known(self._sketch.graph, types)
            types, shapes = _infer(self._sketch, follow=True)
            _check_sizes(types, shapes)
        sorting = sum(_SORTING_BYTES * math.prod(shapes.get(name, ())) for name in self._sorted)
        _check_costs(self._sketch.graph, types, shapes, sorting)
        expected = sized(self._ports.given, count, side)
        if shapes.get(self._ports.output) != expected:
            found = shapes.get(self._ports.output, "an unknown shape")
            raise RefusedError(f"it gives {self._ports.output} of {found}, expected {expected}")


Types = Mapping[str, int]
Shapes = Mapping[str, Shape]


def _check_ports(graph: Any, ports: Ports) -> None:
    import onnx

    found = [port.name for port in graph.input]
    if found != list(ports.inputs):
        names = one_line(", ".join(found)) or "nothing"
        raise RefusedError(f"it takes {names}, expected {', '.join(ports.inputs)}")
    for port in graph.input:
        tensor, expected = port.type.tensor_type, ports.inputs[port.name]
        if tensor.elem_type != onnx.TensorProto.FLOAT or not tensor.HasField("shape"):
            raise RefusedError(f"its {port.name} are not float32 of a known shape")
        lengths = [dim.dim_value for dim in tensor.shape.dim]
        # 0 stands for a length that is left open.
        fits = (length in (0, wanted) for length, wanted in zip(lengths, expected, strict=False))
        if len(lengths) != len(expected) or not all(fits):
            wanted = ", ".join(str(length) for length in expected)
            raise RefusedError(f"it takes {port.name} of {lengths}, expected [{wanted}]")
    if [port.name for port in graph.output] != [ports.output]:
        names = one_line(", ".join(port.name for port in graph.output)) or "nothing"
        raise RefusedError(f"it gives {names}, expected {ports.output}")


def _sketch(model: Any) -> Any:
    """Return a network of the same shapes without weights, which is quick to look through.

    Raises:
        RefusedError: it is not put together as networks are.
    """
    import onnx

    sketch = onnx.ModelProto()
    sketch.CopyFrom(model)
    graph = sketch.graph
    weights = list(graph.initializer)
    del graph.initializer[:]
    for tensor in weights:
        if math.prod(tensor.dims) <= _FEW:
            graph.initializer.append(tensor)
        else:
            port = graph.input.add(name=tensor.name)
            port.type.tensor_type.elem_type = tensor.data_type
            _set_shape(port, tensor.dims)
    _replace_unique(graph)
    try:
        onnx.checker.check_model(sketch)
    except onnx.checker.ValidationError as error:
        raise RefusedError(f"it is put together wrongly ({one_line(error)})") from None
    for port in graph.output:
        # What it claims is of no interest.
        port.type.tensor_type.ClearField("shape")
    return sketch


def _replace_unique(graph: Any) -> None:
    """Put the identity in the place of every `Unique`: so large its results are at most.

    That holds for all that follows as long as no shape is computed from theirs.
    """
    import onnx

    nodes, smaller = list(graph.node), set[str]()
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Unique":
            if any(attribute.name == "axis" for attribute in node.attribute):
                raise RefusedError("its Unique has an axis")
            graph.node.extend(_as_large_as(node, onnx.helper.make_node))
            smaller.update(node.output)
            continue
        if smaller.intersection(node.input):
            if node.op_type == "Shape":
                raise RefusedError("a shape in it depends on the picture")
            smaller.update(node.output)
        graph.node.append(node)


def _as_large_as(node: Any, make_node: Any) -> list[Any]:
    import onnx

    names = (*node.output, "", "", "")
    whole = names[0] or f"{node.input[0]} flattened"
    flat = make_node("Flatten", [node.input[0]], [f"{whole} row"], axis=0)
    line = f"{whole} axis"
    axis = make_node("Constant", [], [line], value_ints=[0])
    squeezed = make_node("Squeeze", [f"{whole} row", line], [whole])
    places = (
        make_node("Cast", [whole], [name], to=onnx.TensorProto.INT64) for name in names[1:] if name
    )
    return [flat, axis, squeezed, *places]


def _set_shape(port: Any, lengths: Sequence[int]) -> None:
    shape = port.type.tensor_type.shape
    del shape.dim[:]
    for length in lengths:
        shape.dim.add(dim_value=length)


def _infer(sketch: Any, *, follow: bool) -> tuple[Types, Shapes]:
    """Return kinds and shapes of all tensors by name, the latter as far as they can be told.

    Raises:
        RefusedError: operators get what they cannot take.
    """
    from onnx import shape_inference

    try:
        known = shape_inference.infer_shapes(
            sketch, check_type=True, strict_mode=True, data_prop=follow
        ).graph
    except (shape_inference.InferenceError, ValueError) as error:
        raise RefusedError(f"its shapes do not fit ({one_line(error)})") from None
    types: dict[str, int] = {}
    shapes: dict[str, Shape] = {}
    for value in (*known.input, *known.value_info, *known.output):
        tensor = value.type.tensor_type
        types[value.name] = tensor.elem_type
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            shapes[value.name] = tuple(dim.dim_value for dim in tensor.shape.dim)
    for tensor in known.initializer:
        types[tensor.name], shapes[tensor.name] = tensor.data_type, tuple(tensor.dims)
    return types, shapes


def _check_sizes(types: Types, shapes: Shapes) -> None:
    """Raise RefusedError where a tensor alone is too large, or of no kind that is let through."""
    for name, kind in types.items():
        if kind not in element_bytes():
            raise RefusedError(f"{one_line(name)!r} in it is no tensor of numbers")
    for name, shape in shapes.items():
        if len(shape) > MOST_AXES or min(shape, default=0) < 0:
            raise RefusedError(f"{one_line(name)!r} in it has the shape {one_line(shape)}")
        if math.prod(shape) * element_bytes()[types[name]] > MOST_BYTES:
            raise _too_large()


def _check_known(graph: Any, types: Types) -> None:
    """Raise RefusedError where following values would keep track of too many numbers."""
    import onnx

    whole = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
    known: dict[str, int] = {}
    for node in graph.node:
        lengths = [known.get(name, _FEW) for name in node.input if types.get(name) in whole]
        grown = sum(lengths) if node.op_type == "Concat" else max(lengths, default=_FEW)
        if grown > MOST_KNOWN:
            raise RefusedError("shapes in it are computed from too many numbers")
        known.update(dict.fromkeys(node.output, grown))


def _check_costs(graph: Any, types: Types, shapes: Shapes, more_bytes: int) -> None:
    """Raise RefusedError where all tensors and operations together are too much."""
    total_bytes, work = more_bytes, 0
    for node in graph.node:
        names = [name for name in (*node.input, *node.output) if name]
        unknown = next((name for name in names if name not in shapes), None)
        if unknown is not None:
            raise RefusedError(f"the shape of {one_line(unknown)!r} depends on the picture")
        made = (math.prod(shapes[name]) * element_bytes()[types[name]] for name in node.output)
        total_bytes += sum(made) + _scratch_bytes(node, shapes)
        work += _work(node, shapes)
        _check_division(node, types)
    if total_bytes > MOST_BYTES:
        raise _too_large()
    if work > MOST_WORK:
        raise RefusedError("it takes too much time")


def _check_division(node: Any, types: Types) -> None:
    import onnx

    parts = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    if node.op_type in ("Div", "Pow") and types[node.input[0]] not in parts:
        # By zero, that ends the whole process in some versions of onnxruntime.
        raise RefusedError("it divides whole numbers")


def _work(node: Any, shapes: Shapes) -> int:
    """Return about how many multiplications an operation takes, or additions or comparisons."""
    sizes = [math.prod(shapes[name]) for name in (*node.input, *node.output) if name]
    given = math.prod(shapes[node.output[0]]) if node.output[0] else 0
    if node.op_type == "MatMul":
        return given * shapes[node.input[0]][-1]
    if node.op_type == "Gemm":
        turned = any(a.name == "transA" and a.i for a in node.attribute)
        return given * shapes[node.input[0]][0 if turned else -1]
    if node.op_type == "Conv":
        return given * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type in ("MaxPool", "AveragePool"):
        window = next((a.ints for a in node.attribute if a.name == "kernel_shape"), ())
        return given * math.prod(window)
    return sum(sizes)


def _scratch_bytes(node: Any, shapes: Shapes) -> int:
    """Return how much memory an operation takes at most beside its results."""
    if node.op_type in ("Conv", "ConvTranspose"):
        # Pictures are laid out so that every window of the kernel is a column of a matrix.
        places = shapes[node.output[0] if node.op_type == "Conv" else node.input[0]][2:]
        return 4 * math.prod(shapes[node.input[1]][1:]) * math.prod(places)
    return 0


def _too_large() -> RefusedError:
    return RefusedError(f"it takes more than {MOST_BYTES >> 20:,} MB at a time")
