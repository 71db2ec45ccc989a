"""Short animations for sharing: GIF and WebP, small and looping."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Protocol

# First OpenCV: where PyAV's X11 libraries are loaded before, OpenCV's windows hang.
import cv2  # isort: split

import av
import numpy as np

from realtime.arrays import Frame, Size
from realtime.background import Background
from realtime.errors import DeviceError, UserError
from realtime.gif import GifEncoder
from realtime.output_file import create_file, write_all
from realtime.sinks import CheckedSink

LONGEST_SIDE = 640
"""Pixels. Measured on 6 s in 64 columns: GIF 1.8 MB mono, 3.5 MB tint; WebP 0.5 and 1.0 MB."""
FASTEST_FPS = 15.0
"""Every other frame of a usual camera: GIFs count in hundredths of a second."""
LONGEST_S = 30.0
"""Beyond, a video is a tenth of the size and a GIF too large for most places to share it."""
_EARLY = 0.2
"""By which share of its interval a frame may come too early, as a camera's do now and then."""
_WEBP = {"quality": "75", "compression_level": "2"}


class Animation(CheckedSink):
    """A .gif or .webp that repeats for ever.

    It takes no more than `FASTEST_FPS` mosaics a second, shrinks them to `LONGEST_SIDE`, and ends
    after `LONGEST_S`. A GIF is written as it is recorded: after a kill or on a full disk it plays
    up to about the last half second. A WebP is written by `close`. Without any mosaic none is left.

    Attributes:
        frames: how many mosaics were taken.
    """

    def __init__(
        self,
        path: str | Path,
        size: Size,
        *,
        overwrite: bool = False,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create the file, so that a name that cannot be written is refused at once.

        Args:
            path: ends in .gif or .webp.
            size: (width, height) of the mosaics.
            overwrite: replace a file of that name.
            report: told in one line when the animation is full.

        Raises:
            UserError: another ending, a file that is there already, a place that cannot be written.
            DeviceError: the disk fails.
        """
        self._path = Path(path)
        super().__init__(f"animation {path}", size)
        self.frames = 0
        self._size = _shrunk(size)
        encoder = _ENCODERS.get(self._path.suffix.lower())
        if encoder is None:
            raise UserError(f"{path}: found {self._path.suffix}, expected one of .gif .webp")
        self._report = report
        self._start_s = 0.0
        self._last_s = -math.inf
        self._full = False
        self._file = create_file(self._path, overwrite=overwrite)
        self._written = 0
        self._failed = False
        self._encoder = encoder(self._size)
        self._background = Background(self._add, name=self.name)

    def _send(self, mosaic: Frame, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise ValueError(f"time_s: found {time_s}, expected seconds")
        if self.frames == 0:
            self._start_s = time_s
        elif self._full or time_s - self._last_s < (1 - _EARLY) / FASTEST_FPS:
            return
        if time_s - self._start_s > LONGEST_S:
            self._full = True
            self._report(f"{self._path} is full after {LONGEST_S:g} s: record .mp4 for more")
            return
        self._last_s = time_s
        self.frames += 1
        small = cv2.resize(mosaic, self._size, interpolation=cv2.INTER_AREA)
        # A resize to the same size hands out the very array.
        image = np.array(small, np.uint8, copy=small is mosaic)
        self._background.put((image, time_s - self._start_s))

    def _add(self, item: tuple[Frame, float]) -> None:
        self._append(self._encoder.add(*item))

    def _append(self, data: bytes) -> None:
        """Write what is ready, after which the file is whole should nothing follow.

        Raises:
            DeviceError: the disk fails; what was whole before is still.
        """
        if not data:
            return
        try:
            self._end_with(data)
        except OSError as error:
            self._failed, plays = True, ""
            if self._written:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._written)
                    self._end_with(b"")
                plays = ": the animation plays up to there"
            raise DeviceError(f"{self._path}: {os.strerror(error.errno or 0)}{plays}") from error
        self._written += len(data)

    def _end_with(self, data: bytes) -> None:
        """Write what comes after all that is whole, in the place of whatever is there."""
        self._file.seek(self._written)
        write_all(self._file, data + self._encoder.end)

    def _close(self) -> None:
        try:
            self._background.close()
            if self.frames and not self._failed:
                self._append(self._encoder.finish())
        finally:
            self._encoder.close()
            self._file.close()
            if self.frames == 0:
                self._path.unlink()


class _Encoder(Protocol):
    """Turns pictures into the bytes of a file.

    Attributes:
        end: what the file must end with, after all that was returned.
    """

    end: bytes

    def __init__(self, size: Size) -> None: ...

    def add(self, image: Frame, time_s: float) -> bytes:
        """Take a picture, which is shown from `time_s` on; return what can be written already."""
        ...

    def finish(self) -> bytes:
        """Return the rest of the file; at least one picture was taken."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class _Webp(_Encoder):
    """WebP, which keeps what differs from picture to picture, in all colours."""

    end = b""

    def __init__(self, size: Size) -> None:
        self._file = BytesIO()
        self._container = av.open(self._file, "w", format="webp", options={"loop": "0"})
        self._stream = self._container.add_stream("libwebp_anim", options=_WEBP)
        encoder = self._stream.codec_context
        encoder.width, encoder.height = size
        encoder.pix_fmt = "bgra"
        encoder.time_base = Fraction(1, 1000)

    def add(self, image: Frame, time_s: float) -> bytes:
        frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="bgra")
        frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))
        return b""

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()

    def close(self) -> None:
        self._container.close()


_ENCODERS: dict[str, type[_Encoder]] = {".gif": GifEncoder, ".webp": _Webp}
ANIMATION_SUFFIXES = tuple(_ENCODERS)


def _shrunk(size: Size) -> Size:
    """Return a size of the same shape and no side above `LONGEST_SIDE`."""
    share = min(1.0, LONGEST_SIDE / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))
