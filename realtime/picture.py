"""A still picture as a source of one frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame
from realtime.errors import UserError
from realtime.sources import Source, SourceInfo, TimedFrame

MOST_BYTES = 1 << 30
"""Of a file, all of which is read before anything is known of it."""
_JPEG_START = b"\xff\xd8"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_WHITE = 255
_STRIP = 1 << 20
"""Pixels that are laid on white at a time: what that takes is twenty times what is left of it."""


class Picture(Source):
    """One frame from a file, upright, on white where it is transparent.

    Args:
        path: a file of any kind that OpenCV reads.

    Raises:
        UserError: the file is missing, unreadable, or no picture.
    """

    def __init__(self, path: str | Path) -> None:
        self._image: Frame | None = read_picture(Path(path))
        height, width = self._image.shape[:2]
        self.info = SourceInfo(Path(path).name, (width, height), fps=0.0, live=False, frames=1)
        self.dropped = 0

    def read(self) -> TimedFrame | None:
        """Return the picture the first time, then None."""
        image, self._image = self._image, None
        return None if image is None else TimedFrame(image, 0.0)

    def close(self) -> None:
        """Forget the picture."""
        self._image = None


def read_picture(path: Path) -> Frame:
    """Read a picture file as [H, W, 3] uint8 BGR.

    Grey becomes BGR, 16 bits become 8, the camera's orientation tag is obeyed and transparent
    parts are laid on white, as on a page.

    Raises:
        UserError: the file is missing, unreadable, or no picture.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"cannot read {path}: larger than {MOST_BYTES >> 20:,} MB")
        # cv2.imread takes no path beyond the code page on Windows; bytes have no path.
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    try:
        image = _decode(data)
    except cv2.error as error:
        # It refuses 2^30 pixels, or fewer if its environment says so, see `realtime.__main__`.
        many = "_MAX_IMAGE_" in error.err
        what = "more pixels than a picture may have" if many else error.err
        raise UserError(f"cannot read {path}: {what}") from error
    if image is None:
        raise UserError(f"cannot read {path}: it is no picture, or it is damaged")
    return image


def _decode(data: npt.NDArray[np.uint8]) -> Frame | None:
    if data.size == 0 or _lies(data):
        return None
    if data[:2].tobytes() != _JPEG_START:  # JPEG knows no transparency, others may
        unchanged = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if unchanged is not None and unchanged.shape[2:] == (4,) and unchanged.dtype.kind == "u":
            return _on_white(unchanged)
    # This flag turns grey, palette and 16-bit pictures into 8-bit BGR and obeys EXIF orientation.
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return None if image is None else image.astype(np.uint8, copy=False)


def _lies(data: npt.NDArray[np.uint8]) -> bool:
    """Return whether a PNG says of a part that it is longer than the file: OpenCV believes it.

    It would take up to 2 GB to read it into.
    """
    if data[:8].tobytes() != _PNG_START:
        return False
    place = len(_PNG_START)
    while place + 8 <= data.size:
        length = int.from_bytes(data[place : place + 4].tobytes(), "big")
        if length > data.size:
            return True
        place += 12 + length
    return False


def _on_white(image: npt.NDArray[Any]) -> Frame:
    """Return a [H, W, 4] uint8 or uint16 BGRA picture as [H, W, 3] uint8 BGR on white."""
    flat = np.empty((*image.shape[:2], 3), np.uint8)
    full = np.float32(np.iinfo(image.dtype).max)
    rows = max(1, _STRIP // image.shape[1])
    for top in range(0, len(image), rows):
        strip = image[top : top + rows].astype(np.float32)
        blended = full + (strip[..., :3] - full) * (strip[..., 3:] / full)
        flat[top : top + rows] = np.rint(blended * (_WHITE / full))
    return flat
