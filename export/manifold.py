"""Draw what the decoder of a tile set draws all over its latent space, from its files alone.

python -m export.manifold models/digits        writes models/digits/manifold.png
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from export import drawing
from realtime.arrays import Latents
from realtime.codec import Codec
from realtime.errors import AutomosaicError
from realtime.tileset import TileSet

COLUMNS = 24  # tiles from left to right
MOST_TILES = 24 * 22
TILE = 36  # pixels along one side of a tile on the sheet
LIGHT = 0.7  # mean of coloured tiles
TONE = 0.3  # of grey tiles: light shapes on dark paper


def write(folder: Path, natural: Callable[[Latents], Latents] | None = None) -> Path:
    """Draw the tile set in `folder` and return the path of the picture.

    Args:
        folder: holds the tile set; the picture is put beside it.
        natural: latents [N, D] of a coloured set -> the mean colours [N, 3] at which its tiles
            look as they are. Without it, they are shown at a light grey.

    Raises:
        UserError: `folder` holds no tile set.
    """
    codec = Codec(TileSet.load(folder))
    latents = survey(codec.tile_set)
    if natural is not None:
        latents[:, -3:] = natural(latents)
    sheet = drawing.tile_grid(codec.decode(latents, TILE), COLUMNS, gap=1)
    path = folder / "manifold.png"
    drawing.save(sheet, path)
    return path


def survey(tile_set: TileSet) -> Latents:
    """Latents [N, D] spread over the latent space, to be laid out in rows of `COLUMNS`.

    With kinds, each gets a run of tiles along its first style. Without, the first two latents
    are the columns and rows.
    """
    if tile_set.kinds:
        shown = next(n for n in (24, 12, 8, 6, 4, 3, 2, 1) if tile_set.kinds * n <= MOST_TILES)
        latents = np.full((tile_set.kinds, shown, tile_set.latents), 0.5, np.float32)
        latents[..., 0] = (np.arange(tile_set.kinds)[:, None] + 0.5) / tile_set.kinds
        latents[..., 1] = (np.arange(shown) + 0.5) / shown
    else:
        steps = (np.arange(COLUMNS) + 0.5) / COLUMNS
        latents = np.full((COLUMNS, COLUMNS, tile_set.latents), 0.5, np.float32)
        latents[..., 0] = steps
        if tile_set.latents > 1:
            latents[..., 1] = steps[::-1, None]
    flat = latents.reshape(-1, tile_set.latents)
    if tile_set.tone:
        flat[:, -2:] = TONE, 0
    elif tile_set.latents == tile_set.shape_latents + 3:
        flat[:, -3:] = LIGHT
    return flat


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the tile sets whose folders are named and return the exit status."""
    folders = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for folder in folders:
            print(write(Path(folder)))
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    return 0 if folders else 2


if __name__ == "__main__":
    sys.exit(main())
