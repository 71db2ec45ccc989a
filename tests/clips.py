"""Clips made for tests: small, with known frames at known times."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from realtime.arrays import Frame, Size

_TICKS = 1000
_AVI_TICKS = 25
"""An .avi has as many frames as ticks."""
_UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def corner_picture(size: Size = (64, 48)) -> Frame:
    """Return a black picture whose top left quarter is white."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[: size[1] // 2, : size[0] // 2] = 255
    return picture


def grey(value: int, size: Size = (64, 48)) -> Frame:
    """Return a picture of one grey."""
    return np.full((size[1], size[0], 3), value, np.uint8)


def write_clip(
    path: Path,
    pictures: Sequence[Frame],
    times_s: Sequence[float] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: where; its ending chooses the container.
        pictures: [H, W, 3] uint8 BGR each, all of one size.
        times_s: presentation times, to a millisecond; None: 25 a second.
        aspect: width of a pixel over its height; None: square.
    """
    ticks = _AVI_TICKS if path.suffix == ".avi" else _TICKS
    times_s = times_s or [number / 25 for number in range(len(pictures))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, ticks)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for picture, time_s in zip(pictures, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(time_s * ticks), Fraction(1, ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path, degrees: int) -> None:
    """Have an .mp4 shown turned, the way telephones do: by the matrix in its track header."""
    one = 1 << 16
    cosine, sine = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    turned = struct.pack(">9i", cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    content = path.read_bytes()
    header = content.index(b"tkhd")
    place = content.index(_UPRIGHT, header)
    path.write_bytes(content[:place] + turned + content[place + len(turned) :])
