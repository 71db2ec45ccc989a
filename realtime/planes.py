"""I420: the planes that virtual cameras and encoders take. BT.601, limited range, as OpenCV's.

Y, [H, W], is how light; U and V, [H / 2, W / 2] each, what colour. They lie one after the other.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.arrays import Frame, Picture, Plane, Size

GREY = 128  # of U and V, where there is no colour
BLACK, WHITE = 16, 235  # of Y
FROM_BGR = np.array(
    [[0.098, 0.504, 0.257], [0.439, -0.291, -0.148], [-0.071, -0.368, 0.439]], np.float32
)
"""Rows Y, U, V; columns blue, green, red. To be added: BLACK to Y, GREY to the others."""


def even(size: Size) -> Size:
    """Return (width, height) as planes have it: an odd side is one pixel longer."""
    return size[0] + size[0] % 2, size[1] + size[1] % 2


def shape(size: Size) -> tuple[int, int]:
    """Return the shape of the array that holds the planes of a picture of (width, height)."""
    width, height = even(size)
    return height * 3 // 2, width


def padded(picture: Picture) -> Picture:
    """Repeat the last row or column of a picture where a side is odd."""
    odd = (picture.shape[0] % 2, picture.shape[1] % 2)
    if not any(odd):
        return picture
    longer = cv2.copyMakeBorder(picture, 0, odd[0], 0, odd[1], cv2.BORDER_REPLICATE)
    return np.asarray(longer, np.uint8)


def from_bgr(picture: Frame, out: Plane | None = None) -> Plane:
    """Convert a picture.

    Args:
        picture: [H, W, 3] uint8 BGR; an odd side is padded by repeating its last row or column.
        out: [H * 3 / 2, W] uint8, of the padded size; used and returned if given.

    Returns:
        [H * 3 / 2, W] uint8: Y, then U and V of a quarter each.
    """
    return np.asarray(cv2.cvtColor(padded(picture), cv2.COLOR_BGR2YUV_I420, dst=out), np.uint8)


def light_of(grey: Picture, out: Picture | None = None) -> Picture:
    """Scale grey levels, a picture or tiles [n, T, T] uint8, to those of Y; into `out` if given."""
    # All are positive, and this is the quickest way to scale, add and round.
    lines = grey.reshape(len(grey), -1)
    levels = cv2.convertScaleAbs(lines, dst=out, alpha=(WHITE - BLACK) / 255, beta=BLACK)
    return np.asarray(levels, np.uint8).reshape(grey.shape)


def from_grey(picture: Plane, out: Plane) -> Plane:
    """Convert a grey picture [H, W] uint8 of even sides into `out`, [H * 3 / 2, W] uint8."""
    height = picture.shape[0]
    light_of(picture, out[:height])
    out[height:] = GREY
    return out


def to_bgr(planes: Plane, out: Frame) -> Frame:
    """Convert planes [H * 3 / 2, W] uint8 into `out`, [H, W, 3] uint8 BGR."""
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420, dst=out), np.uint8)


def split(planes: Plane) -> tuple[Plane, Plane, Plane]:
    """Y [H, W], U and V [H / 2, W / 2] of planes [H * 3 / 2, W] uint8, as views of them."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    small = (height // 2, width // 2)
    area = small[0] * small[1]
    rest = planes[height:].reshape(-1)
    return planes[:height], rest[:area].reshape(small), rest[area:].reshape(small)
