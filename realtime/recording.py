"""Recordings: H.264 in .mp4 and .mkv, VP9 in .webm, with true time stamps."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

from realtime.arrays import Frame, Plane, Size
from realtime.background import Background
from realtime.errors import DeviceError, UserError
from realtime.output_file import create_file
from realtime.sinks import CheckedSink
from realtime.video_file import FORMATS, VIDEO_SUFFIXES, VideoFile, to_i420


class Recording(CheckedSink):
    """A video file, encoded in a thread of its own. No mosaic is left out.

    While it is written, and after a kill or on a full disk, the file plays up to about the last
    half second; after `close` it is an ordinary file. Without any mosaic no file is left.
    Videos have even sizes: an odd one is padded by repeating its last row or column.

    Attributes:
        frames: how many mosaics were sent.
        waits: how often `send` had to wait for the encoder.
    """

    def __init__(
        self, path: str | Path, size: Size, fps: float, *, overwrite: bool = False
    ) -> None:
        """Create the file and start the encoder.

        Args:
            path: ends in .mp4, .mkv or .webm.
            size: (width, height) of the mosaics.
            fps: the expected mosaics a second; 0 where unknown. The true times are kept all the
                same: this is how long the last mosaic is shown.
            overwrite: replace a file of that name.

        Raises:
            UserError: another ending, a file that is there already, a place that cannot be written.
            DeviceError: the disk or the encoder fails.
        """
        path = Path(path)
        super().__init__(f"recording {path}", size)
        self.frames = 0
        self._path = path
        video = FORMATS.get(path.suffix.lower())
        if video is None:
            raise UserError(f"{path}: not a video: choose one of {' '.join(VIDEO_SUFFIXES)}")
        self._clock = _Clock(video.ticks_per_s)
        self._file = self._create(size, fps, overwrite)
        self._background = Background(self._write, name=self.name)

    def _create(self, size: Size, fps: float, overwrite: bool) -> VideoFile:
        file = create_file(self._path, overwrite=overwrite)
        try:
            return VideoFile(file, FORMATS[self._path.suffix.lower()], size, fps)
        except Exception as error:
            file.close()
            self._path.unlink()
            size_text = f"{size[0]}x{size[1]}"
            raise DeviceError(f"{self._path}: cannot encode {size_text}: {error}") from error

    @property
    def waits(self) -> int:
        """How often `send` had to wait for the encoder."""
        return self._background.waits

    def _send(self, mosaic: Frame, time_s: float) -> None:
        ticks = self._clock.ticks(time_s)
        # Converting is the copy that the queue needs anyway, and halves its memory.
        self._background.put((to_i420(mosaic), ticks))
        self.frames += 1

    def _write(self, item: tuple[Plane, int]) -> None:
        try:
            self._file.write(*item)
        except OSError as error:
            raise self._disk_error(error) from error

    def _close(self) -> None:
        self._background.close()
        if self.frames == 0:
            self._file.abandon()
            self._path.unlink()
        elif not self._file.closed:
            try:
                self._file.finish()
            except OSError as error:
                raise self._disk_error(error) from error

    def _disk_error(self, error: OSError) -> DeviceError:
        full = error.errno == errno.ENOSPC
        what = "the disk is full" if full else os.strerror(error.errno or errno.EIO)
        return DeviceError(f"{self._path}: {what}: the recording plays up to there")


class _Clock:
    """Turns the source's time into ticks from the first frame on, each later than the last."""

    def __init__(self, ticks_per_s: int) -> None:
        self._ticks_per_s = ticks_per_s
        self._start_s: float | None = None
        self._last = -1

    def ticks(self, time_s: float) -> int:
        """Return the moment of a frame, at least one tick after the last one."""
        if not math.isfinite(time_s):
            raise ValueError(f"time_s: found {time_s}, expected seconds")
        if self._start_s is None:
            self._start_s = time_s
        passed = round((time_s - self._start_s) * self._ticks_per_s)
        self._last = max(passed, self._last + 1)
        return self._last
