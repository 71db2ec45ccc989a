"""Still pictures: the last mosaic as one file, or every mosaic as a numbered one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

import cv2

from realtime.arrays import Frame, Size
from realtime.background import Background
from realtime.errors import DeviceError
from realtime.output_file import already_there, create_file, write_all
from realtime.sinks import CheckedSink, Sink

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
_JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 95),
    # Tiles of different colours meet at sharp edges: keep the colours of every pixel.
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
_NUMBER = re.compile(r"%\d*d")


def open_picture_file(path: Path, size: Size, *, overwrite: bool = False) -> Sink:
    """Open one picture, or numbered ones where the name holds a number's place ("%04d").

    Raises:
        UserError: a picture of that name is there already, or cannot be written.
        DeviceError: the disk fails.
    """
    if _NUMBER.search(path.name):
        return PictureSeries(path, size, overwrite=overwrite)
    return PictureFile(path, size, overwrite=overwrite)


class PictureFile(CheckedSink):
    """A picture file of the last mosaic sent; without any, no file is left.

    The last rather than the first, because a camera's first pictures are often dark.
    """

    def __init__(self, path: Path, size: Size, *, overwrite: bool = False) -> None:
        """Create the file, so that a name that cannot be written is refused at once.

        Raises:
            UserError: `path` is there already, or cannot be written.
            DeviceError: the disk fails.
        """
        super().__init__(f"picture {path}", size)
        self._path = path
        self._last: Frame | None = None
        self._file = create_file(path, overwrite=overwrite)

    def _send(self, mosaic: Frame, time_s: float) -> None:
        self._last = mosaic.copy()

    def _close(self) -> None:
        if self._last is None:
            self._file.close()
            self._path.unlink()
        else:
            _write(self._file, self._path, self._last)


class PictureSeries(CheckedSink):
    """A picture file of every mosaic sent, numbered from 1, written in a thread of its own.

    Attributes:
        frames: how many were sent.
    """

    def __init__(self, pattern: Path, size: Size, *, overwrite: bool = False) -> None:
        """Start the thread that writes.

        Args:
            pattern: the pictures' path; the name holds a number's place, such as "%04d".
            size: (width, height) of the mosaics.
            overwrite: replace pictures that are there already.

        Raises:
            UserError: a picture of that name is there already, or the folder cannot be written.
        """
        super().__init__(f"pictures {pattern}", size)
        self.frames = 0
        self._pattern = pattern
        self._overwrite = overwrite
        self._refuse_early()
        self._background = Background(self._write_one, name=self.name)

    def _path(self, number: int) -> Path:
        name = _NUMBER.sub(lambda place: place[0] % number, self._pattern.name)
        return self._pattern.with_name(name)

    def _refuse_early(self) -> None:
        """Raise what the first picture would raise later, and look for any other in its place."""
        first = self._path(1)
        create_file(first, overwrite=self._overwrite).close()
        first.unlink()
        taken = re.compile(r"\d+".join(map(re.escape, _NUMBER.split(self._pattern.name))))
        for other in first.parent.iterdir():
            if taken.fullmatch(other.name) and not self._overwrite:
                raise already_there(other)

    def _send(self, mosaic: Frame, time_s: float) -> None:
        self.frames += 1
        self._background.put((self.frames, mosaic.copy()))

    def _write_one(self, item: tuple[int, Frame]) -> None:
        number, mosaic = item
        path = self._path(number)
        _write(create_file(path, overwrite=self._overwrite), path, mosaic)

    def _close(self) -> None:
        self._background.close()


def _write(file: BinaryIO, path: Path, mosaic: Frame) -> None:
    """Encode `mosaic` as the ending of `path` says, write it into `file` and close that.

    Not `cv2.imwrite`, which on Windows cannot write names beyond the system's code page.
    """
    try:
        with file:
            encoded = _encoded(path, mosaic)
            if not encoded:
                path.unlink()
                height, width = mosaic.shape[:2]
                raise DeviceError(f"{path}: {width}x{height} pixels are too many for such a file")
            write_all(file, encoded)
    except OSError as error:
        raise DeviceError(f"{path}: {os.strerror(error.errno or 0)}") from error


def _encoded(path: Path, mosaic: Frame) -> bytes:
    """Return a mosaic as the ending of `path` says; nothing where that cannot be."""
    suffix = path.suffix.lower()
    done, encoded = cv2.imencode(suffix, mosaic, () if suffix == ".png" else _JPEG)
    return encoded.tobytes() if done else b""
