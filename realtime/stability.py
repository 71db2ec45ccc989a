"""Hysteresis on latents: a tile changes when its cell really did, then at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.arrays import Latents
from realtime.tileset import TileSet

TONE_TOLERANCE = 0.03  # at stability 1; camera noise averaged over a cell is about 0.002
STYLE_TOLERANCE = 0.4
LATENT_TOLERANCE = 0.1  # for tile sets without a tone latent


class Stabiliser:
    """Holds each cell's latents until they move by more than noise does.

    There is no smoothing, so nothing trails: a cell that changes takes its new tile in the same
    frame, and a scene cut changes all of them.
    """

    def __init__(self, tile_set: TileSet) -> None:
        """Start with nothing held."""
        self.held: Latents | None = None
        self._tolerance = _tolerances(tile_set)

    def reset(self) -> None:
        """Forget the past frames."""
        self.held = None

    def __call__(self, latents: Latents, stability: float) -> tuple[Latents, npt.NDArray[np.bool_]]:
        """Keep what hardly moved.

        Args:
            latents: [N, D] of the new frame.
            stability: 0..1; 0 keeps nothing.

        Returns:
            latents [N, D] to show, and which cells changed [N].
        """
        held = self.held
        if held is None or held.shape != latents.shape or stability <= 0:
            changed = np.ones(len(latents), np.bool_)
            self.held = latents.copy()
        else:
            moved = np.abs(latents - held) > stability * self._tolerance
            changed = moved.any(axis=1)
            held[changed] = latents[changed]
        assert self.held is not None
        return self.held, changed


def _tolerances(tile_set: TileSet) -> npt.NDArray[np.float32]:
    if not tile_set.tone:
        return np.full(tile_set.latents, LATENT_TOLERANCE, np.float32)
    tolerance = np.full(tile_set.latents, STYLE_TOLERANCE, np.float32)
    tolerance[-2:] = TONE_TOLERANCE
    if tile_set.kinds:
        tolerance[0] = 0.5 / tile_set.kinds  # less than the way from one kind to the next
    return tolerance
