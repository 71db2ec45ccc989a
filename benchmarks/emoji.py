"""The filter beside the usual kind of peer: emoji by colour, cell by cell, in Python."""

from __future__ import annotations

import statistics
from itertools import count

import cv2
import numpy as np

from benchmarks.film import Film, moving, still, webcam
from benchmarks.filter import HD, ROUNDS, filtering, make
from benchmarks.timing import Row, Setup, Task, alternate
from realtime.arrays import Frame, Tiles

EMOJI = 512
SIDE = 16
IN_A_ROW = 10  # frames that each of the two filters before it is the other's turn
OWN_COLOUR = 0.7  # share of the emoji; the rest is the cell's colour, so that the picture is seen


class EmojiFilter:
    """Looks up each cell's colour in a table of emoji, blends the two and pastes the result.

    It takes the steps of a peer, https://github.com/vjsrinivas/emojicam, those that could be saved
    among them: a table of the emoji to all 2**24 colours, in float64, and cell by cell a block cut
    out for its first pixel and again for the blend. Random pictures stand for the emoji.
    """

    def __init__(self) -> None:
        """Make emoji and the table, which tells 16 levels a channel apart."""
        random = np.random.default_rng(0)
        colours = random.integers(0, 256, (EMOJI, 1, 1, 3))
        shades = random.integers(-40, 40, (EMOJI, SIDE, SIDE, 1))
        self._emoji: Tiles = (colours + shades).clip(0, 255).astype(np.uint8)
        axis = 16 * np.arange(16) + 8
        cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
        distance = np.square(cube[..., None, :] - colours.reshape(EMOJI, 3)).sum(axis=-1)
        nearest = distance.argmin(axis=-1)
        self._table = np.kron(nearest, np.ones((16, 16, 16)))

    def __call__(self, frame: Frame) -> Frame:
        """[H, W, 3] uint8 BGR -> the same shape; sides are multiples of `SIDE`."""
        height, width = frame.shape[:2]
        size = (width // SIDE, height // SIDE)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        cells = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
        canvas = np.zeros_like(frame)
        for top in range(0, height, SIDE):
            for left in range(0, width, SIDE):
                down, across = slice(top, top + SIDE), slice(left, left + SIDE)
                colour = cells[down, across, :][0, 0]
                block = cells[down, across, :]
                emoji = self._emoji[int(self._table[colour[0], colour[1], colour[2]])]
                canvas[down, across, :] = cv2.addWeighted(
                    emoji, OWN_COLOUR, block, 1 - OWN_COLOUR, 0
                )
        return canvas


def measure(setup: Setup) -> list[Row]:
    """Compare frame rates at 3,600 tiles."""
    return [
        _compare(setup, "emoji, moving", moving(HD, setup.clip)),
        _compare(setup, "emoji, webcam", webcam(HD)),
        _compare(setup, "emoji, still", still(HD)),
    ]


def _compare(setup: Setup, name: str, film: Film) -> Row:
    peer, made = EmojiFilter(), make()

    def decoding() -> Task:
        # Each of them sees the whole film, frame after frame.
        number = count()
        return lambda _: film.decode(next(number))

    # Whoever uses one of them does not use the other: after the peer, caches hold nothing of ours.
    tasks: list[Task] = [decoding(), filtering(film, made)] * IN_A_ROW
    tasks += [decoding(), lambda _: peer(film.decoded)] * IN_A_ROW
    rounds = setup.rounds(ROUNDS // (2 * IN_A_ROW))
    costs = alternate(tasks, rounds, warm=film.period // IN_A_ROW + 1)[1::2]
    ours_ms, theirs_ms = (
        statistics.median(cost.wall_ms for cost in half)
        for half in (costs[:IN_A_ROW], costs[IN_A_ROW:])
    )
    compared = "frames a second: filter / emoji by colour in Python"
    return Row(name, compared, 1e3 / ours_ms, 1e3 / theirs_ms, 10, at_most=False)
