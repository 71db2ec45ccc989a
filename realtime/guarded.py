"""A network from a stranger at work: only at sizes that were checked, its results watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from realtime.bounds import Bounds
from realtime.errors import UserError, one_line
from realtime.ports import COUNT, SIDE, Ports, sized
from realtime.vetting import vet

COUNTS = (1024, 256, 64, 16, 4, 1)
"""How many tiles there may be in one run; each of these is checked before its first run."""
MOST_PIXELS = 1 << 20
"""Of all tiles in one run."""
ROUNDING = 1e-3
"""By so much results may leave the range 0..1."""

Arrays = Mapping[str, npt.NDArray[np.float32]]


class GuardedSession:
    """Runs a network in parts of known size, and refuses results that are none.

    Args:
        name: for messages.
        session: has loaded the network that was vetted.
        bounds: of the same network.
        ports: what it takes and gives.
    """

    def __init__(
        self, name: str, session: onnxruntime.InferenceSession, bounds: Bounds, ports: Ports
    ) -> None:
        self._name = name
        self._session = session
        self._bounds = bounds
        self._ports = ports

    def get_providers(self) -> Sequence[str]:
        """Return what really computes, best first, as onnxruntime's own session does."""
        providers: Sequence[str] = self._session.get_providers()
        return providers

    def run(self, outputs: Sequence[str], inputs: Arrays) -> list[npt.NDArray[np.float32]]:
        """Compute, as onnxruntime's own session does.

        Args:
            outputs: the name of the one there is.
            inputs: float32 by name.

        Raises:
            UserError: it takes too much at these sizes, fails, or gives what is no picture.
        """
        count, side = self._sizes(inputs)
        parts = [
            self._run_part(outputs, self._part(inputs, start, end), side)
            for start, end in _parts(count, side)
        ]
        if not parts:
            return [np.empty(sized(self._ports.given, 0, side), np.float32)]
        return [parts[0] if len(parts) == 1 else np.concatenate(parts)]

    def _sizes(self, inputs: Arrays) -> tuple[int, int]:
        """Return how many tiles are asked for, and their side in pixels; 1 where there is none."""
        found = {COUNT: 0, SIDE: 1}
        for name, shape in self._ports.inputs.items():
            for axis, length in enumerate(shape):
                if isinstance(length, str):
                    found[length] = inputs[name].shape[axis]
        return found[COUNT], found[SIDE]

    def _part(self, inputs: Arrays, start: int, end: int) -> dict[str, npt.NDArray[np.float32]]:
        return {
            name: inputs[name][start:end] if shape[0] == COUNT else inputs[name]
            for name, shape in self._ports.inputs.items()
        }

    def _run_part(self, outputs: Sequence[str], inputs: Arrays, side: int) -> Any:
        count = next(len(inputs[name]) for name, s in self._ports.inputs.items() if s[0] == COUNT)
        self._bounds.check(count, side)
        try:
            found = self._session.run(outputs, inputs)[0]
        except Exception as error:  # onnxruntime raises a dozen classes of its own, with no base
            raise UserError(f"{self._name}: failed at work ({one_line(error)})") from error
        self._check(found, sized(self._ports.given, count, side))
        return found

    def _check(self, found: Any, shape: tuple[int, ...]) -> None:
        if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (shape, np.float32):
            raise UserError(
                f"{self._name}: found {self._ports.output} of shape {np.shape(found)}, "
                f"expected {shape}, float32"
            )
        # Written so that a NaN fails too.
        if not (found.min() >= -ROUNDING and found.max() <= 1 + ROUNDING):
            raise UserError(f"{self._name}: found {self._ports.output} out of the range 0 to 1")


def vetted(path: Path, content: bytes, ports: Ports) -> tuple[Any, Bounds]:
    """Vet a network.

    Args:
        path: for messages.
        content: of the file.
        ports: what it is to take and give.

    Returns:
        Its `onnx.ModelProto`, and what answers how many tiles it may make at a time.

    Raises:
        UserError: it is not let through.
    """
    model = vet(path, content)
    return model, Bounds(path, model, ports)


def open_guarded(
    path: Path,
    content: bytes,
    ports: Ports,
    side: int,
    load: Callable[[bytes], onnxruntime.InferenceSession],
) -> GuardedSession:
    """Vet a network, and load it.

    Args:
        path: for messages.
        content: of the file.
        ports: what it is to take and give.
        side: pixels along one side of a tile, as the set was trained.
        load: has onnxruntime load what was vetted.

    Raises:
        UserError: it is not let through, or onnxruntime cannot load it.
    """
    model, bounds = vetted(path, content, ports)
    for start, end in _parts(sum(COUNTS), side):
        bounds.check(end - start, side)
    return GuardedSession(str(path), load(model.SerializeToString()), bounds, ports)


def _parts(count: int, side: int) -> Iterator[tuple[int, int]]:
    """Cut `count` tiles of `side` pixels into parts, each of one of the `COUNTS`."""
    start = 0
    for size in COUNTS:
        while count - start >= size and (size * side * side <= MOST_PIXELS or size == 1):
            yield start, start + size
            start += size
