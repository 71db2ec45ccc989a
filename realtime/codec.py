"""The trained networks at work: patches to latents, latents to tiles, each in one batched pass."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from realtime.arrays import Latents, Patches, Tiles, parts
from realtime.errors import UserError
from realtime.ports import Ports, decoder_ports, regressor_ports, sized
from realtime.providers import PROVIDERS, open_session, providers_of
from realtime.tileset import TileSet

TILES_AT_ONCE = 256
"""That a decoder gets: more would hardly save time, but take memory, which onnxruntime keeps, for
every thread that decodes. Fewer would cost more calls."""
PIXELS_AT_ONCE = 1 << 19
"""Of tiles that are large."""
MOST_AT_WORK = 4
"""Threads that decode parts of a mosaic. Each part is computed by one: where onnxruntime shares it
out, all cores together take half as much CPU time again, to be done a tenth sooner than by four."""

Numbers = npt.NDArray[np.float32]


class Wish(NamedTuple):
    """What a regressor is told besides the patches, where a tile set has kinds.

    Attributes:
        taste: [N, K] float32, a bonus for every kind.
        forgiveness: how far to forgive kinds what they score on flat cells, 0..1.
        polarity: [N] float32, a shift of the tone that chooses polarity.
    """

    taste: Numbers
    forgiveness: float
    polarity: Numbers

    @classmethod
    def none(cls, count: int, kinds: int) -> Wish:
        """No wish, for `count` cells: fit alone decides."""
        return cls(np.zeros((count, kinds), np.float32), 0.0, np.zeros(count, np.float32))


class Network(Protocol):
    """The part of onnxruntime's session that a network is run through."""

    def get_providers(self) -> Sequence[str]:
        """Return what really computes, best first."""
        ...

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, npt.NDArray[np.float32]]
    ) -> list[npt.NDArray[np.float32]]:
        """Compute the named outputs."""
        ...


class Codec:
    """A tile set's regressor and decoder, loaded."""

    def __init__(self, tile_set: TileSet, providers: Sequence[str] | None = None) -> None:
        """Load both networks.

        Args:
            tile_set: which; its files are read here.
            providers: onnxruntime names or short ones (`cpu`, `cuda`, ...), best first;
                None: the CPU, which is the quickest for networks of this size.

        Raises:
            UserError: a provider is not there, or a network does not fit its sidecar.
        """
        self.tile_set = tile_set
        wanted = providers_of(providers)
        self._regressor = _network(tile_set, "regressor.onnx", regressor_ports(tile_set), wanted)
        self._decoder = _network(tile_set, "decoder.onnx", decoder_ports(tile_set), wanted)
        # What a stranger's network may take in memory, it may take once.
        alone = not tile_set.shipped or wanted[0] != PROVIDERS["cpu"]
        self._at_work = 1 if alone else min(MOST_AT_WORK, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._at_work, "decoder")

    @property
    def providers(self) -> list[str]:
        """The providers that really run, best first."""
        return list(self._decoder.get_providers())

    def encode(self, cells: npt.NDArray[np.uint8], wish: Wish | None = None) -> Latents:
        """Map cells to latents.

        Args:
            cells: [N, P, P] uint8 luminance or [N, P, P, 3] uint8 BGR, as the tile set takes.
            wish: for a tile set with kinds, else None.

        Returns:
            [N, D] float32 0..1, in Fortran order: what follows goes latent by latent.
        """
        inputs: dict[str, Numbers] = {"patches": to_patches(cells)}
        if wish is not None:
            inputs["taste"] = wish.taste
            inputs["forgiveness"] = np.array([wish.forgiveness], np.float32)
            if self.tile_set.tone:
                inputs["polarity"] = wish.polarity
        return np.asfortranarray(self._regressor.run(["latents"], inputs)[0], np.float32)

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        """Map latents to tiles, exactly.

        Args:
            latents: [N, D] float32 0..1.
            tile_size: T, pixels along one side of a tile.

        Returns:
            [N, T, T] or [N, T, T, 3] uint8 (BGR).
        """
        pixels = np.asarray((np.arange(tile_size) + 0.5) / tile_size, np.float32)
        shape = sized(decoder_ports(self.tile_set).given, len(latents), tile_size)
        tiles = np.empty(shape, np.uint8)
        ranges = self._ranges(len(latents), tile_size)

        def decode(part: tuple[int, int]) -> None:
            start, end = part
            self._decode(latents[start:end], pixels, tiles[start:end])

        # The list is there to wait, and to raise what was raised.
        list(self._pool.map(decode, ranges) if len(ranges) > 1 else map(decode, ranges))
        return tiles

    def _ranges(self, count: int, tile_size: int) -> Sequence[tuple[int, int]]:
        """What to decode at a time, see `parts`: as many for every thread."""
        most = max(1, min(TILES_AT_ONCE, PIXELS_AT_ONCE // tile_size**2))
        number = -(-count // most)
        if number > 1:
            number += -number % self._at_work
        return parts(count, number) if count else ()

    def _decode(self, latents: Latents, pixels: Numbers, tiles: Tiles) -> None:
        """Decode into these tiles."""
        found = self._decoder.run(["tiles"], {"latents": latents, "pixels": pixels})[0]
        flat = tiles.reshape(len(tiles), -1)
        cv2.convertScaleAbs(found.reshape(flat.shape), dst=flat, alpha=255)


def to_patches(cells: npt.NDArray[np.uint8]) -> Patches:
    """[N, P, P] or [N, P, P, 3] uint8 -> [N, C, P, P] float32 0..1."""
    planes = cells[:, None] if cells.ndim == 3 else cells.transpose(0, 3, 1, 2)
    patches = planes.astype(np.float32, order="C")
    patches *= 1 / 255
    return patches


def _network(tile_set: TileSet, file: str, ports: Ports, providers: list[str]) -> Network:
    """Load a network; one that is not shipped is vetted before onnxruntime sees it."""
    path = tile_set.folder / file
    if tile_set.shipped:
        # The regressor is done within a millisecond, too soon to share it out among threads; for
        # the decoder see `MOST_AT_WORK`.
        session: Network = open_session(path, path, providers, threads=1)
        _check_ports(session, path, tuple(ports.inputs))
        return session
    # Imported here, for it loads the package onnx, which takes as long as a first mosaic.
    from realtime.guarded import open_guarded

    return open_guarded(
        path,
        tile_set.read(file),
        ports,
        tile_set.tile_size,
        lambda vetted: open_session(path, vetted, providers, threads=1),
    )


def _check_ports(
    session: onnxruntime.InferenceSession, path: Path, expected: tuple[str, ...]
) -> None:
    found = tuple(port.name for port in session.get_inputs())
    if found != expected:
        raise UserError(f"{path}: takes {', '.join(found)}, expected {', '.join(expected)}")
