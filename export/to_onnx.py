"""Write a trained tile set as the folder that the run time loads.

    models/digits/  decoder.onnx  regressor.onnx  tileset.json  README.md

Nothing is written unless onnxruntime gives what PyTorch gives, within `TOLERANCE`, on random and
on edge inputs, for several numbers of tiles and several tile sizes.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from export.card import Sidecar, render_card
from export.networks_common import pixel_centres
from realtime.codec import Codec
from realtime.errors import AutomosaicError
from realtime.tileset import TileSet

OPSET = 17  # the oldest that holds all operators used here, so that old runtimes load the files
TOLERANCE = 1e-4  # a fortieth of a grey level: what float32 graphs differ by, with a margin
COUNTS = (1, 2, 7, 64)
SIZES = (4, 9, 16, 33)  # besides the native size and its double


class ExportRefusedError(AutomosaicError):
    """The exported graph does not do what the trained network does; nothing was written."""


@dataclass(frozen=True)
class Port:
    """One named tensor of a graph; `axes` names the dimensions that may change."""

    name: str
    axes: dict[int, str]


@dataclass(frozen=True)
class Graph:
    """One network on its way to a file, with the inputs it is checked on.

    Attributes:
        name: file name without suffix.
        network: in evaluation mode, on the CPU.
        inputs: the ports in the order of `network.forward`.
        output: the one port of the result.
        trials: input tensors to compare on; the first also traces the graph.
        limits: lowest and highest value that may come out.
    """

    name: str
    network: nn.Module
    inputs: Sequence[Port]
    output: Port
    trials: Sequence[tuple[Tensor, ...]]
    limits: tuple[float, float] = (0.0, 1.0)


def export_tile_set(
    folder: Path, decoder: nn.Module, regressor: nn.Module, sidecar: Sidecar, notes: str = ""
) -> None:
    """Check both networks and write a tile set's folder; other files in it stay.

    Args:
        folder: made if missing.
        decoder: (latents [N, D], pixels [T]) -> tiles [N, T, T] or [N, T, T, 3], float32 0..1.
        regressor: patches [N, C, P, P] float32 0..1, for a set with K kinds taste [N, K] and
            forgiveness [1], for one with a tone as well polarity [N] -> latents [N, D] float32
            in 0..1.
        sidecar: sizes, ranges and provenance; must match the networks.
        notes: Markdown added to the card.

    Raises:
        ExportRefusedError: shapes, ranges or the two runtimes disagree. Nothing was written.
        UserError: the run time would not play the tile set. Nothing was written.
    """
    graphs = (decoder_graph(decoder, sidecar), regressor_graph(regressor, sidecar))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
        draft = Path(made)
        for graph in graphs:
            write_graph(draft / f"{graph.name}.onnx", graph)
        sizes = {path.name: path.stat().st_size for path in sorted(draft.iterdir())}
        (draft / "README.md").write_text(render_card(sidecar, notes, sizes), encoding="utf-8")
        (draft / "tileset.json").write_text(sidecar.to_json(), encoding="utf-8")
        # What is written must be let through again: a folder is vetted like a stranger's.
        Codec(TileSet.load(draft))
        folder.mkdir(exist_ok=True)
        for path in sorted(draft.iterdir()):
            path.replace(folder / path.name)


def write_graph(path: Path, graph: Graph) -> None:
    """Write one network as a single ONNX file and compare it with the original.

    Raises:
        ExportRefusedError: they differ.
    """
    graph.network.eval()
    ports = (*graph.inputs, graph.output)
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is chosen on purpose: the newer one needs two more packages and
        # writes stack traces, with the paths of this machine, into the file.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph.network,
            graph.trials[0],
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[port.name for port in graph.inputs],
            output_names=[graph.output.name],
            dynamic_axes={port.name: port.axes for port in ports},
        )
    model = strip(onnx.load(path, load_external_data=False))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    compare(path, graph)


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what tells about the machine that exported: doc strings and metadata."""
    del model.metadata_props[:]
    for holder in (model, model.graph, *model.graph.node, *model.graph.initializer):
        holder.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
    return model


def compare(path: Path, graph: Graph) -> float:
    """Run both runtimes on every trial and return the greatest difference.

    Raises:
        ExportRefusedError: a difference above `TOLERANCE`, another shape, a value that is out of
            limits or not a number.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for trial in graph.trials:
        with torch.no_grad():
            wanted = graph.network(*trial).numpy()
        feed = {port.name: x.numpy() for port, x in zip(graph.inputs, trial, strict=True)}
        found = np.asarray(session.run(None, feed)[0])
        where = f"{graph.name} on inputs {[tuple(x.shape) for x in trial]}"
        worst = max(worst, _difference(where, wanted, found, graph.limits))
    return worst


def _difference(
    where: str,
    wanted: npt.NDArray[np.float32],
    found: npt.NDArray[np.float32],
    limits: tuple[float, float],
) -> float:
    if found.shape != wanted.shape:
        raise ExportRefusedError(
            f"{where}: onnxruntime gives shape {found.shape}, PyTorch {wanted.shape}; not exported"
        )
    # Written so that a NaN fails too.
    if not (np.all(found >= limits[0]) and np.all(found <= limits[1])):
        raise ExportRefusedError(f"{where}: values outside {limits} came out; not exported")
    worst = float(np.abs(found - wanted).max())
    if not worst <= TOLERANCE:
        raise ExportRefusedError(
            f"{where}: onnxruntime and PyTorch differ by {worst:.2g}, more than {TOLERANCE:g}; "
            "not exported"
        )
    return worst


Description = Sidecar | TileSet
"""What says what a graph must take and give: before there is a file, and after."""


def decoder_graph(decoder: nn.Module, sidecar: Description) -> Graph:
    """A decoder on its way to a file; see `export_tile_set`."""
    random = torch.Generator().manual_seed(0)
    sizes = (*SIZES, sidecar.tile_size, 2 * sidecar.tile_size)
    trials = [
        (torch.rand(count, sidecar.latents, generator=random), pixel_centres(size))
        for count in COUNTS
        for size in sizes
    ]
    native = pixel_centres(sidecar.tile_size)
    trials += [(torch.full((3, sidecar.latents), value), native) for value in (0.0, 0.5, 1.0)]
    axes = {0: "tiles", 1: "size", 2: "size"}
    decoder.eval()
    _check_shape("decoder", decoder, trials[0], _tile_shape(sidecar, COUNTS[0], SIZES[0]))
    ports = (Port("latents", {0: "tiles"}), Port("pixels", {0: "size"}))
    return Graph("decoder", decoder, ports, Port("tiles", axes), trials)


def regressor_graph(regressor: nn.Module, sidecar: Description) -> Graph:
    """A regressor on its way to a file; see `export_tile_set`."""
    random = torch.Generator().manual_seed(0)
    shape = (sidecar.patch_channels, sidecar.patch_size, sidecar.patch_size)
    patches = [torch.rand(count, *shape, generator=random) for count in COUNTS]
    patches += [torch.full((3, *shape), value) for value in (0.0, 0.5, 1.0)]
    ports = [Port("patches", {0: "patches"})]
    trials: list[tuple[Tensor, ...]] = [(trial,) for trial in patches]
    if sidecar.kinds:
        ports += [Port("taste", {0: "patches"}), Port("forgiveness", {})]
        trials = [
            (*trial, torch.randn(len(trial[0]), sidecar.kinds, generator=random), torch.rand(1))
            for trial in trials
        ]
    if sidecar.kinds and sidecar.tone:
        ports.append(Port("polarity", {0: "patches"}))
        trials = [(*trial, 0.1 * torch.randn(len(trial[0]), generator=random)) for trial in trials]
    regressor.eval()
    _check_shape("regressor", regressor, trials[0], (COUNTS[0], sidecar.latents))
    return Graph("regressor", regressor, ports, Port("latents", {0: "patches"}), trials)


def _tile_shape(sidecar: Description, count: int, size: int) -> tuple[int, ...]:
    return (count, size, size) if sidecar.channels == 1 else (count, size, size, sidecar.channels)


def _check_shape(
    name: str, network: nn.Module, inputs: tuple[Tensor, ...], expected: tuple[int, ...]
) -> None:
    with torch.no_grad():
        found = tuple(network(*inputs).shape)
    if found != expected:
        raise ExportRefusedError(
            f"{name}: gives shape {found}, the sidecar says {expected}; not exported"
        )
