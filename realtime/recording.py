"""Recordings: H.264 in .mp4 and .mkv, VP9 in .webm, with true time stamps and a clip's sound."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable
from pathlib import Path

# First OpenCV: where PyAV's X11 libraries are loaded before, OpenCV's windows hang.
import cv2  # noqa: F401 # isort: split
from av.error import FFmpegError

from realtime import planes
from realtime.arrays import Picture, Plane, Size
from realtime.background import Background
from realtime.errors import DeviceError, UserError
from realtime.output_file import create_file
from realtime.sinks import CheckedSink
from realtime.sources import SoundTrack
from realtime.video_file import FORMATS, VIDEO_SUFFIXES, VideoFile


class Recording(CheckedSink):
    """A video file, encoded in a thread of its own. No mosaic is left out.

    While it is written, and after a kill or on a full disk, the file plays up to about the last
    half second; after `close` it is an ordinary file. Without any mosaic no file is left.
    Videos have even sizes: an odd one is padded by repeating its last row or column.

    Attributes:
        frames: how many mosaics were sent.
        waits: how often `send` had to wait for the encoder.
    """

    takes_planes = True

    def __init__(
        self,
        path: str | Path,
        size: Size,
        fps: float,
        *,
        overwrite: bool = False,
        sound: SoundTrack | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create the file and start the encoder.

        Args:
            path: ends in .mp4, .mkv or .webm.
            size: (width, height) of the mosaics.
            fps: the expected mosaics a second; 0 where unknown. The true times are kept all the
                same: this is how long the last mosaic is shown.
            overwrite: replace a file of that name.
            sound: that of the clip whose frames the mosaics show; None without.
            report: told in one line what is missing of the sound; the picture goes on without.

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
        # Sound has its place from the clip's first frame on.
        self._clock = _Clock(video.ticks_per_s, start_s=None if sound is None else 0.0)
        self._report = report
        self._file = self._create(size, fps, overwrite)
        if sound is not None:
            self._add_sound(sound)
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

    def _add_sound(self, track: SoundTrack) -> None:
        try:
            self._file.add_sound(track)
        except DeviceError as error:
            self._report(f"{self._path} gets no sound: {error}")

    @property
    def waits(self) -> int:
        """How often `send` had to wait for the encoder."""
        return self._background.waits

    def _send(self, mosaic: Picture, time_s: float) -> None:
        ticks = self._clock.ticks(time_s)
        # Converting is the copy that the queue needs anyway, and halves its memory.
        copied = planes.from_bgr(mosaic) if mosaic.ndim == 3 else mosaic.copy()
        self._background.put((copied, ticks))
        self.frames += 1

    def _write(self, item: tuple[Plane, int]) -> None:
        try:
            self._file.write(*item)
        except (OSError, FFmpegError) as error:
            raise self._failure(error) from error

    def _close(self) -> None:
        self._background.close()
        if self.frames == 0:
            self._file.abandon()
            self._path.unlink()
        elif not self._file.closed:
            try:
                self._file.finish()
            except (OSError, FFmpegError) as error:
                raise self._failure(error) from error
            self._tell_damage()

    def _tell_damage(self) -> None:
        damaged = self._file.sound.damaged if self._file.sound else 0
        if damaged:
            pieces = "a damaged piece" if damaged == 1 else f"{damaged} damaged pieces"
            self._report(f"{self._path}: {pieces} of the sound left out")

    def _failure(self, error: OSError | FFmpegError) -> DeviceError:
        what = "the encoder failed"
        if isinstance(error, OSError):
            full = error.errno == errno.ENOSPC
            what = "the disk is full" if full else os.strerror(error.errno or errno.EIO)
        return DeviceError(f"{self._path}: {what}: the recording plays up to there")


class _Clock:
    """Turns the source's time into ticks, each later than the last.

    They count from `start_s`, or from the first frame on where it is None.
    """

    def __init__(self, ticks_per_s: int, start_s: float | None = None) -> None:
        self._ticks_per_s = ticks_per_s
        self._start_s = start_s
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
