"""Where mosaics go: one small interface over the window, the virtual camera and files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

import numpy as np

from realtime import planes
from realtime.arrays import Picture, Size, check_frame
from realtime.errors import UserError
from realtime.sources import SoundTrack

UNKNOWN_FPS = 30.0
SLOWEST_FPS = 0.01
"""The least that `frame_rate` can tell from nothing."""

_S = TypeVar("_S", bound="Sink")


class Sink(Protocol):
    """An open place for mosaics; a context manager that closes it.

    Attributes:
        name: for people: "recording out.mp4".
        takes_planes: whether it takes mosaics as the planes of `realtime.planes` too, and rather.
    """

    name: str
    takes_planes: bool = False

    @property
    def watched(self) -> bool:
        """Whether somebody looks at what comes, or may later; only a live sink can tell no."""
        return True

    def send(self, mosaic: Picture, time_s: float) -> None:
        """Pass on one mosaic. The caller may change the array as soon as this returns.

        Args:
            mosaic: [H, W, 3] uint8 BGR, or [H * 3 / 2, W] uint8, where `takes_planes`.
            time_s: its moment in seconds, on any clock that runs forward.

        Raises:
            DeviceError: the sink cannot go on, such as a recording on a full disk.
        """
        ...

    def close(self) -> None:
        """Finish and let go of the device or file. Calling it again does nothing.

        Raises:
            DeviceError: the rest could not be written, and `send` has not said so yet.
        """
        ...

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class CheckedSink(Sink):
    """What every sink here shares: the checks at the door, and closing once.

    Attributes:
        size: (width, height) of the mosaics it takes; None: any size, changing as it likes.
    """

    def __init__(self, name: str, size: Size | None) -> None:
        self.name = name
        self.size = size
        self._done = False

    def send(self, mosaic: Picture, time_s: float) -> None:
        """Pass on one mosaic; see `Sink.send`.

        Raises:
            TypeError: `mosaic` is not a uint8 array.
            ValueError: it has another shape or size than the sink takes.
            RuntimeError: the sink has been closed.
            DeviceError: the sink cannot go on.
        """
        if self._done:
            raise RuntimeError(f"{self.name}: send() after close()")
        if self.takes_planes and self.size is not None and np.ndim(mosaic) == 2:
            self._check_planes(mosaic, planes.shape(self.size))
        else:
            self._check_bgr(mosaic)
        self._send(mosaic, time_s)

    def _check_bgr(self, mosaic: Picture) -> None:
        height, width = check_frame(mosaic).shape[:2]
        if self.size is not None and self.size != (width, height):
            expected = f"{self.size[0]}x{self.size[1]}"
            raise ValueError(
                f"{self.name}: found a mosaic of {width}x{height}, expected {expected}"
            )

    def _check_planes(self, mosaic: Picture, expected: tuple[int, int]) -> None:
        if mosaic.dtype != np.uint8:
            raise TypeError(f"{self.name}: found planes of {mosaic.dtype}, expected uint8")
        if mosaic.shape != expected:
            raise ValueError(f"{self.name}: found planes {mosaic.shape}, expected {expected}")

    def close(self) -> None:
        """Finish and let go; see `Sink.close`."""
        if not self._done:
            self._done = True
            self._close()

    @abstractmethod
    def _send(self, mosaic: Picture, time_s: float) -> None:
        """Pass on a mosaic that has been checked."""

    @abstractmethod
    def _close(self) -> None:
        """Finish and let go; called once."""


def frame_rate(fps: float) -> Fraction:
    """Return `fps` as drivers and encoders take it, such as 30000/1001.

    Args:
        fps: mosaics a second; 0 where unknown, which drivers and encoders do not take: 30 then.
    """
    return Fraction(max(fps, SLOWEST_FPS) if fps > 0 else UNKNOWN_FPS).limit_denominator(1001)


def open_file(
    path: str | Path,
    size: Size,
    fps: float,
    *,
    overwrite: bool = False,
    sound: SoundTrack | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Sink:
    """Open the video, animation or picture file that the name's ending asks for.

    Args:
        path: .mp4, .mkv, .webm: a video; .gif, .webp: a short animation; .png, .jpg: a picture
            of the last mosaic, or one of every mosaic where the name holds a number's place,
            such as "frame%04d.png".
        size: (width, height) of the mosaics.
        fps: the expected mosaics a second; 0 where unknown.
        overwrite: replace what goes by that name.
        sound: of the clip that the mosaics are made from, for videos.
        report: told in one line what a file must do without, such as sound that is damaged.

    Raises:
        UserError: another ending, a file that is there already, a place that cannot be written.
        DeviceError: the disk or the encoder fails.
    """
    # Imported here, because libav alone takes longer to load than a mosaic to make.
    from realtime.picture_file import PICTURE_SUFFIXES, open_picture_file

    path = Path(path)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return open_picture_file(path, size, overwrite=overwrite)
    from realtime.animation import ANIMATION_SUFFIXES, Animation

    if path.suffix.lower() in ANIMATION_SUFFIXES:
        return Animation(path, size, overwrite=overwrite, report=report)
    from realtime.recording import Recording
    from realtime.video_file import VIDEO_SUFFIXES

    if path.suffix.lower() in VIDEO_SUFFIXES:
        return Recording(path, size, fps, overwrite=overwrite, sound=sound, report=report)
    endings = " ".join((*VIDEO_SUFFIXES, *PICTURE_SUFFIXES, *ANIMATION_SUFFIXES))
    found = path.suffix or "no ending"
    raise UserError(f"{path}: found {found}, expected one of {endings}")


def open_sinks(
    *,
    size: Size,
    fps: float,
    record: Iterable[str | Path] = (),
    virtual_camera: str | None = None,
    overwrite: bool = False,
    sound: SoundTrack | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Sink]:
    """Open every sink that was asked for, or none if one of them fails.

    The window is not among them: `realtime.window.Window` is one that also listens.

    Args:
        size: (width, height) of the mosaics.
        fps: the expected mosaics a second; 0 where unknown.
        record: files, see `open_file`.
        virtual_camera: a device such as "/dev/video10", "" for the first one, None for none.
        overwrite: replace files that are there already.
        sound: see `open_file`.
        report: see `open_file`.

    Raises:
        UserError: a file cannot be written, or the size does not suit the virtual camera.
        DeviceError: there is no virtual camera, or it is busy.
    """
    with ExitStack() as opened:
        sinks: list[Sink] = []
        if virtual_camera is not None:
            from realtime.virtual_camera import VirtualCamera

            sinks.append(opened.enter_context(VirtualCamera(size, fps, virtual_camera or None)))
        for path in record:
            file = open_file(path, size, fps, overwrite=overwrite, sound=sound, report=report)
            sinks.append(opened.enter_context(file))
        opened.pop_all()
    return sinks
