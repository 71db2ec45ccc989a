"""A whole graph at work: its tensors where the device has them, bound once and for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from realtime.errors import DeviceError, UserError, one_line
from realtime.providers import SHORT, open_session
from realtime.whole_graph import Plan, Port

Array = npt.NDArray[Any]

MEMORY = {"cuda": "cuda", "tensorrt": "cuda", "directml": "dml"}
"""What onnxruntime calls the memory of providers; that of the others is the machine's own."""
_CAPTURING = {"enable_cuda_graph": "1"}


@dataclass(frozen=True)
class Device:
    """Where a graph runs.

    Attributes:
        providers: onnxruntime's names, best first.
        memory: what onnxruntime calls the memory of the first.
        cuda: whether the first is NVIDIA's own, which can replay a run as a CUDA graph.
    """

    providers: tuple[str, ...]
    memory: str
    cuda: bool

    @classmethod
    def of(cls, providers: Sequence[str]) -> Device:
        """Tell by the first of these providers."""
        first = SHORT.get(providers[0], "")
        return cls(tuple(providers), MEMORY.get(first, "cpu"), first == "cuda")


class DeviceRun:
    """Runs one graph. Tensors keep their places, which a CUDA graph needs.

    Attributes:
        captured: whether runs are replayed as CUDA graphs.
        judges: whether there is a "judgement" to be had.
    """

    def __init__(self, device: Device, plan: Plan, model: Any) -> None:
        """Have onnxruntime load the graph, and run it once where that prepares what is to come.

        Args:
            device: to run on.
            plan: what the graph is made for.
            model: the graph, an `onnx.ModelProto`.

        Raises:
            UserError: it cannot be loaded, or the device does not start.
            DeviceError: the device has too little memory, or fails.
        """
        self._device, self._plan = device, plan
        self._name = f"{plan.tile_set.folder} on {device.providers[0]}"
        self.judges = plan.judged
        self.captured = device.cuda and all(n.op_type != "Unique" for n in model.graph.node)
        self._turn = 0
        content = model.SerializeToString()
        try:
            self._start(content)
        except (UserError, DeviceError):
            # Drivers may be too old for CUDA graphs; without, runs take longer to start.
            if not self.captured:
                raise
            self.captured = False
            self._start(content)

    def put(self, name: str, values: Array) -> None:
        """Upload what goes in; it stays there for all runs to come.

        Args:
            name: one of `Plan.inputs`.
            values: of its kind and shape.

        Raises:
            DeviceError: it fails.
        """
        self._upload(self._inputs[name], name, values, self._plan.inputs()[name])

    def put_state(self, name: str, values: Array) -> None:
        """Upload what the next run is to remember; `name` is one of `Plan.state`."""
        self._upload(self._states[self._turn][name], name, values, self._plan.state()[name])

    def get(self, name: str) -> Array:
        """Download one of `Plan.outputs`, a new array."""
        return self._download(self._outputs[name])

    def state(self, name: str) -> Array:
        """Download what is remembered, a new array; `name` is one of `Plan.state`."""
        return self._download(self._states[self._turn][name])

    def compute(self, *, again: bool = False) -> None:
        """Run the graph.

        Args:
            again: instead of the last run, whose state is forgotten.

        Raises:
            DeviceError: it fails.
        """
        if again:
            self.undo()
        options = onnxruntime.RunOptions()
        if self.captured:
            # Each turn has tensors of its own, and so a CUDA graph of its own.
            options.add_run_config_entry("gpu_graph_id", str(self._turn + 1))
        try:
            self._session.run_with_iobinding(self._bindings[self._turn], options)
        except Exception as error:  # onnxruntime raises a dozen classes of its own, with no base
            raise DeviceError(f"{self._name}: failed at work ({one_line(error)})") from error
        self._turn = 1 - self._turn

    def undo(self) -> None:
        """Remember what was remembered before the last run."""
        self._turn = 1 - self._turn

    def _start(self, content: bytes) -> None:
        settings = _CAPTURING if self.captured else {}
        self._session = open_session(
            self._plan.tile_set.folder, content, self._device.providers, 0, settings
        )
        self._turn = 0
        self._allocate()
        if self.captured:
            # The first run with a binding is recorded, which takes longer than a frame may.
            for _ in self._bindings:
                self.compute()

    def _allocate(self) -> None:
        try:
            self._inputs = self._tensors(self._plan.inputs())
            self._outputs = self._tensors(self._plan.outputs())
            states = [self._tensors(self._plan.state()) for _ in range(2)]
            self._bindings = [self._bound(states[at], states[1 - at]) for at in range(2)]
        except Exception as error:  # as above
            raise DeviceError(
                f"{self._name}: cannot have its memory ({one_line(error)})"
            ) from error
        self._states = states

    def _tensors(self, ports: Mapping[str, Port]) -> dict[str, Any]:
        """Tensors on the device, all zeros: what lies in fresh memory might be no numbers."""
        return {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros(shape, dtype), self._device.memory, 0
            )
            for name, (dtype, shape) in ports.items()
        }

    def _bound(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
        binding = self._session.io_binding()
        for name, tensor in {**self._inputs, **before}.items():
            binding.bind_ortvalue_input(name, tensor)
        for name, tensor in self._outputs.items():
            binding.bind_ortvalue_output(name, tensor)
        for name, tensor in after.items():
            binding.bind_ortvalue_output(f"{name} next", tensor)
        return binding

    def _upload(self, tensor: Any, name: str, values: Array, port: Port) -> None:
        dtype, shape = port
        if values.shape != shape or values.dtype != dtype:
            # onnxruntime would copy as many bytes as fit, whatever they mean.
            raise ValueError(
                f"{name}: found {values.shape} {values.dtype}, expected {shape} {np.dtype(dtype)}"
            )
        try:
            tensor.update_inplace(np.ascontiguousarray(values))
        except Exception as error:  # as above
            raise DeviceError(f"{self._name}: upload failed ({one_line(error)})") from error

    def _download(self, tensor: Any) -> Array:
        try:
            found: Array = tensor.numpy()
        except Exception as error:  # as above
            raise DeviceError(f"{self._name}: download failed ({one_line(error)})") from error
        # From the machine's own memory comes a view of what the next run overwrites.
        return found.copy() if self._device.memory == "cpu" else found
