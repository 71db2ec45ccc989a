"""Write the networks of a glyph set again, after a change of their code that needs no training.

    python -m export.again digits

The weights are those of the set's own files, so what it draws stays the same. What the new graphs
compute is compared with the old ones, on the inputs of every export.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from export.glyph_sets import ANIMALS, DIGITS, FASHION, Networks, Recipe
from export.to_onnx import compare, decoder_graph, regressor_graph, write_graph
from realtime.errors import AutomosaicError, UserError, one_line
from realtime.tileset import TileSet

RECIPES: dict[str, Recipe] = {"digits": DIGITS, "animals": ANIMALS, "fashion": FASHION}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what the command line names and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m export.again", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sets", nargs="+", choices=list(RECIPES), metavar="SET")
    try:
        for name in parser.parse_args(arguments).sets:
            write(TileSet.load(name), RECIPES[name])
            print(f"{name}: written again")
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def write(tile_set: TileSet, recipe: Recipe) -> None:
    """Write both networks of a tile set again, in place.

    Raises:
        UserError: the set's weights do not fit the networks.
        ExportRefusedError: the new graphs give something else. Nothing was written.
    """
    networks = Networks.fresh(tile_set.kinds, tile_set.tile_size, recipe)
    parts = {
        "decoder": (networks.decoder, decoder_graph),
        "regressor": (networks.regressor, regressor_graph),
    }
    with tempfile.TemporaryDirectory(prefix=".again-", dir=tile_set.folder) as made:
        for name, (network, graph_of) in parts.items():
            old = tile_set.folder / f"{name}.onnx"
            _take(network, old)
            graph = graph_of(network, tile_set)
            compare(old, graph)
            write_graph(Path(made) / old.name, graph)
        for path in Path(made).iterdir():
            path.replace(tile_set.folder / path.name)


def _take(network: torch.nn.Module, path: Path) -> None:
    """Take the weights from a file; an ink that a set does not need is in none."""
    model = onnx.load(path, load_external_data=False)
    constants = {constant.name: constant for constant in model.graph.initializer}
    wanted = [name for name in network.state_dict() if name in constants or "to_ink" not in name]
    if missing := [name for name in wanted if name not in constants]:
        raise UserError(f"{path}: has no {', '.join(missing)}")
    weights = {name: torch.tensor(numpy_helper.to_array(constants[name]).copy()) for name in wanted}
    try:
        network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise UserError(f"{path}: {one_line(error)}") from error


if __name__ == "__main__":
    sys.exit(main())
