"""ONNX graphs put together node by node, and networks laid into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class GraphBuilder:
    """A graph that grows. Every method that adds something returns the name of what it gives.

    It uses operators as they have been, without change, from operator set 13 to 21.
    """

    def __init__(self, operators: int) -> None:
        """Start with nothing; `operators` is the number of the operator set, 13 to 21."""
        self._operators = operators
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def input(self, name: str, dtype: npt.DTypeLike, shape: Sequence[int]) -> str:
        """Take a tensor from outside."""
        self._inputs.append(_port(name, dtype, shape))
        return name

    def output(self, name: str, tensor: str, dtype: npt.DTypeLike, shape: Sequence[int]) -> None:
        """Give a tensor under a name to those outside."""
        self._add("Identity", [tensor], [name], {})
        self._outputs.append(_port(name, dtype, shape))

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a tensor that never changes."""
        from onnx import numpy_helper

        name = self._name("constant")
        self._weights[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def add(self, operator: str, *inputs: str | float | Array, **attributes: Any) -> str:
        """Add a node of one output; numbers among its inputs become float32 constants."""
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        name = self._name(operator)
        self._add(operator, names, [name], attributes)
        return name

    def reshape(self, tensor: str, *shape: int) -> str:
        """Give a tensor another shape."""
        return self.add("Reshape", tensor, self.constant(shape, np.int64))

    def cut(self, tensor: str, axis: int, start: int, end: int) -> str:
        """Take a part of a tensor along one axis."""
        bounds = (self.constant([number], np.int64) for number in (start, end, axis))
        return self.add("Slice", tensor, *bounds)

    def total(self, tensor: str, axes: Sequence[int], *, keep: bool = False) -> str:
        """Add up along axes."""
        return self.add("ReduceSum", tensor, self.constant(axes, np.int64), keepdims=int(keep))

    def cast(self, tensor: str, dtype: npt.DTypeLike) -> str:
        """Convert the numbers of a tensor."""
        return self.add("Cast", tensor, to=_kind(dtype))

    def lay(self, network: Any, prefix: str, inputs: Mapping[str, str]) -> str:
        """Lay a network into the graph, whose weights are shared with the last one of that prefix.

        Args:
            network: `onnx.ModelProto` of the same operator set, with one output.
            prefix: for the names of its weights.
            inputs: what it takes, by the names it has for that.
        """
        graph = network.graph
        self._count += 1
        own = dict(inputs)
        for weights in graph.initializer:
            own[weights.name] = f"{prefix}/{weights.name}"
            if own[weights.name] not in self._weights:
                copy = type(weights)()
                copy.CopyFrom(weights)
                copy.name = own[weights.name]
                self._weights[copy.name] = copy
        for node in graph.node:
            own.update({name: f"{prefix}/{self._count}/{name}" for name in node.output if name})
            copy = type(node)()
            copy.CopyFrom(node)
            copy.name = f"{prefix}/{self._count}/{node.name or len(self._nodes)}"
            copy.input[:] = [own[name] if name else "" for name in node.input]
            copy.output[:] = [own[name] if name else "" for name in node.output]
            self._nodes.append(copy)
        return own[graph.output[0].name]

    def model(self, name: str) -> Any:
        """Return the graph as an `onnx.ModelProto`."""
        from onnx import helper

        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._weights.values())
        )
        operators = helper.make_opsetid("", self._operators)
        # The format is as old as the operators allow: onnxruntime may be older than onnx.
        version = helper.find_min_ir_version_for([operators], ignore_unknown=True)
        return helper.make_model(graph, opset_imports=[operators], ir_version=version)

    def _add(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        from onnx import helper

        node = helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes)
        self._nodes.append(node)

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{what} {self._count}"


def _port(name: str, dtype: npt.DTypeLike, shape: Sequence[int]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _kind(dtype), list(shape))


def _kind(dtype: npt.DTypeLike) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def without_unique(network: Any, count: int) -> Any:
    """Return a network that does for each of `count` tiles what it did once for all alike.

    Devices have no `Unique`: nobody knows beforehand how large its result is. Where a network
    takes from that result by the places in it, as the ones of `export` do, it gives the same if
    all `count` numbers are handed on as they are, each at its own place.

    Args:
        network: `onnx.ModelProto`; stays as it is.
        count: how many numbers go into `Unique`.
    """
    from onnx import helper, numpy_helper

    changed = type(network)()
    changed.CopyFrom(network)
    nodes = changed.graph.node
    used = {name for node in nodes for name in node.input}
    for at, node in enumerate(nodes):
        outputs = [*node.output, "", "", ""][:4]
        others = used.intersection((outputs[1], outputs[3]))
        if node.op_type != "Unique" or others or any(a.name == "axis" for a in node.attribute):
            continue
        line = numpy_helper.from_array(np.array([count]), f"{outputs[0]} line")
        places = numpy_helper.from_array(np.arange(count), outputs[2] or f"{outputs[0]} places")
        changed.graph.initializer.extend([line, places])
        nodes[at].CopyFrom(helper.make_node("Reshape", [node.input[0], line.name], outputs[:1]))
    return changed
