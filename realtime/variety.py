"""Which tile a cell prefers beyond the best fit: a fixed taste, and loyalty to the last choice."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Latents
from realtime.codec import Preference
from realtime.grid import Grid
from realtime.stability import Cells
from realtime.tileset import TileSet

TASTE = 0.03  # scores; breaks ties among kinds that fit alike, at the default variety
WILD_TASTE = 1.5  # scores added to it at variety 1, where taste outweighs nearly every score
STYLE_SPREAD = 0.18  # of the style square, either way, at the default variety and above
LOYALTY = 0.06  # scores that another kind must gain to replace the present one, at stability 1
POLARITY_DITHER = 0.05  # tone by which the border of the polarities is broken up
POLARITY_LOYALTY = 0.04  # tone a cell must move past the border before its polarity changes
_SEED = 2021


class Taste:
    """Fixed for every place of a grid, so a still scene keeps its tiles.

    Kinds are chosen by the greatest of score + Gumbel noise, which draws each kind with the odds
    that its score gives it (the Gumbel-max trick; Gumbel, 1954). Variety 0 leaves the choice to
    fit alone. Up to the default, 0.5, kinds are forgiven that they fit flat cells less well, so
    that structure decides where there is some and taste where there is none. Beyond, taste gains
    on structure too.
    """

    def __init__(self, tile_set: TileSet, grid: Grid) -> None:
        """Draw the noise for a grid; equal grids get equal noise."""
        random = np.random.default_rng([_SEED, grid.columns])
        self._kinds, self._styles = tile_set.kinds, tile_set.styles
        self._noise = random.gumbel(size=(grid.count, tile_set.kinds)).astype(np.float32)
        spread = random.uniform(-1, 1, (grid.count, tile_set.styles + 1)).astype(np.float32)
        self._dither = POLARITY_DITHER * spread[:, -1]
        self._style_offset = STYLE_SPREAD * spread[:, :-1]
        self._wishes: dict[float, Preference] = {}

    def preference(
        self, cells: Cells, held: Latents | None, variety: float, stability: float
    ) -> Preference:
        """What the regressor is told besides the patches.

        Args:
            cells: [n] those to encode.
            held: [n, D] latents that they have on show, or None.
            variety: 0..1.
            stability: 0..1, how much the last choice is kept.

        Returns:
            [n, K + 2] float32.
        """
        wish = np.take(self._wish(variety), cells, axis=0)
        if held is not None and stability > 0:
            kind = (held[:, 0] * self._kinds).astype(np.intp)
            kind += np.arange(0, wish.size, wish.shape[1])
            wish.reshape(-1)[kind] += LOYALTY * stability
            wish[:, -1] += POLARITY_LOYALTY * stability * np.sign(held[:, -1] - np.float32(0.5))
        return wish

    def _wish(self, variety: float) -> Preference:
        """What every cell prefers whatever is on show, [N, K + 2]; kept until variety changes."""
        if variety not in self._wishes:
            strength = TASTE * min(1, 2 * variety) + WILD_TASTE * max(0, 2 * variety - 1)
            forgive = np.full((len(self._noise), 1), min(1, 2 * variety), np.float32)
            wish = (self._noise * np.float32(strength), forgive, self._dither[:, None])
            self._wishes = {variety: np.concatenate(wish, axis=1)}
        return self._wishes[variety]

    def vary(self, latents: Latents, cells: Cells, variety: float) -> None:
        """Move the styles of these cells' latents [n, D], in place, so that neighbours differ."""
        if variety > 0 and self._styles:
            style = latents[:, 1 : 1 + self._styles]
            style += min(1, 2 * variety) * np.take(self._style_offset, cells, axis=0)
            np.abs(style, out=style)  # mirrored at both ends of the range, 0 and 1
            np.subtract(1, np.abs(1 - style), out=style)
