"""Pictures with a number in them, to follow one frame from the sender to whoever reads it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame, Size

CELL = 40
"""Pixels along the side of a black or white cell of a stamp."""
BITS = 12
SIZE: Size = (1280, 720)
_BLOCK = 80
"""Pixels along the side of a coloured block in a picture of that size."""


def picture(size: Size = SIZE) -> Frame:
    """Return blocks of random colours, like a mosaic."""
    blocks = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def middles(frame: Frame) -> npt.NDArray[np.int64]:
    """Return the colours in the middle of the blocks of a `picture` of `SIZE`, [9, 16, 3] BGR.

    At the borders of blocks two pixels share one colour; nor does a stamp reach the middles.
    """
    return frame[_BLOCK // 2 + 5 :: _BLOCK, _BLOCK // 2 :: _BLOCK].astype(np.int64)


def stamp(frame: Frame, number: int) -> Frame:
    """Write `number` into the top of `frame` in black and white cells, and return it."""
    for bit in range(BITS):
        frame[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return frame


def read_stamp(frame: npt.NDArray[np.uint8]) -> int:
    """Return the number stamped into [H, W, 3] BGR, or into [H, W] grey or luminance."""
    cells = frame[CELL // 2, CELL // 2 : BITS * CELL : CELL].reshape(BITS, -1)[:, 0]
    return sum(1 << bit for bit, level in enumerate(cells) if level > 127)


def describe(sent_s: dict[int, float], seen: Sequence[tuple[int, float]]) -> str:
    """Return in a line how late the frames were, how many were seen a second, and lost.

    Args:
        sent_s: when each number was sent.
        seen: numbers, none twice, and when they were seen, on the same clock.
    """
    late_ms = [1000 * (time_s - sent_s[number]) for number, time_s in seen]
    p50, p95 = np.percentile(late_ms, [50, 95])
    passed = seen[-1][0] - seen[0][0]
    rate = (len(seen) - 1) / (seen[-1][1] - seen[0][1])
    sent = passed / (sent_s[seen[-1][0]] - sent_s[seen[0][0]])
    lost = passed + 1 - len(seen)
    return (
        f"latency p50 {p50:.1f} ms, p95 {p95:.1f} ms; "
        f"{rate:.2f} of {sent:.2f} mosaics a second, lost {lost} of {passed}"
    )
