"""Write the networks of a tile set again, after a change of their code that needs no training.

    python -m export.again digits

The weights are those of the set's own files, so what it draws stays the same. What the new graphs
compute is compared with the old ones, on the inputs of every export. Of sets of pictures that is
the decoder; their regressors stay.
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
from torch import Tensor

from export import glyph_sets, picture_sets
from export.picture_networks import PictureDecoder
from export.to_onnx import Graph, compare, decoder_graph, regressor_graph, write_graph
from realtime.errors import AutomosaicError, UserError, one_line
from realtime.tileset import TileSet

Recipe = glyph_sets.Recipe | picture_sets.Recipe

RECIPES: dict[str, Recipe] = {
    "digits": glyph_sets.DIGITS,
    "animals": glyph_sets.ANIMALS,
    "fashion": glyph_sets.FASHION,
    "emoji": picture_sets.EMOJI,
    "flags": picture_sets.FLAGS,
}


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
    """Write the networks of a tile set again, in place.

    Raises:
        UserError: the set's weights do not fit the networks.
        ExportRefusedError: the new graphs give something else. Nothing was written.
    """
    if isinstance(recipe, glyph_sets.Recipe):
        graphs = _glyphs(tile_set, recipe)
    else:
        graphs = [_pictures(tile_set, recipe)]
    with tempfile.TemporaryDirectory(prefix=".again-", dir=tile_set.folder) as made:
        for graph in graphs:
            compare(tile_set.folder / f"{graph.name}.onnx", graph)
            write_graph(Path(made) / f"{graph.name}.onnx", graph)
        for path in Path(made).iterdir():
            path.replace(tile_set.folder / path.name)


def _glyphs(tile_set: TileSet, recipe: glyph_sets.Recipe) -> list[Graph]:
    networks = glyph_sets.Networks.fresh(tile_set.kinds, tile_set.tile_size, recipe)
    _take(networks.decoder, tile_set.folder / "decoder.onnx")
    _take(networks.regressor, tile_set.folder / "regressor.onnx")
    return [
        decoder_graph(networks.decoder, tile_set),
        regressor_graph(networks.regressor, tile_set),
    ]


def _pictures(tile_set: TileSet, recipe: picture_sets.Recipe) -> Graph:
    constants = _constants(tile_set.folder / "decoder.onnx")
    book = constants["book"].view(len(constants["book"]), -1, recipe.side, recipe.side)
    shelves = constants["shelves"].view(tile_set.kinds, -1)
    return decoder_graph(PictureDecoder(book, shelves, recipe.reach), tile_set)


def _take(network: torch.nn.Module, path: Path) -> None:
    """Take the weights from a file; an ink that a set does not need is in none."""
    constants = _constants(path)
    missing = [name for name in network.state_dict() if name not in constants]
    if lacking := [name for name in missing if not name.startswith("to_ink")]:
        raise UserError(f"{path}: has no {', '.join(lacking)}")
    try:
        network.load_state_dict(constants, strict=False)
    except RuntimeError as error:
        raise UserError(f"{path}: {one_line(error)}") from error


def _constants(path: Path) -> dict[str, Tensor]:
    """The constants of a network, by name."""
    model = onnx.load(path, load_external_data=False)
    return {
        constant.name: torch.tensor(numpy_helper.to_array(constant).copy())
        for constant in model.graph.initializer
    }


if __name__ == "__main__":
    sys.exit(main())
