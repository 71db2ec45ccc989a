"""Where frames come from: one small interface over cameras, clips, pictures and the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from realtime.arrays import Frame, Size
from realtime.errors import UserError

_PICTURE = re.compile(r"\.(avif|bmp|dib|jfif|jp2|jpe?g?|p[bgnp]m|png|tiff?|webp)$", re.IGNORECASE)
"""Files read whole as one picture. Every other file is taken for a clip, whatever its name."""

_S = TypeVar("_S", bound="Source")


@dataclass(frozen=True)
class TimedFrame:
    """A frame and its moment.

    Attributes:
        image: [H, W, 3] uint8 BGR, of the source's size. The reader may keep and change it.
        time_s: seconds on the source's own clock. Live: `time.perf_counter()` at the capture;
            a clip: presentation time from its start; a picture: 0.
    """

    image: Frame
    time_s: float


@dataclass(frozen=True)
class SourceInfo:
    """What is known of a source once it is open.

    Attributes:
        name: for people: a camera's name, a file's name.
        size: (width, height) in pixels of every frame.
        fps: frames a second as declared; 0 where unknown or not applicable.
        live: the newest frame wins and older ones are dropped; else every frame counts.
        frames: how many there are, 1 for a picture, None where unknown.
        seconds: how long a clip is; None where unknown or not applicable.
        note: what the user should know of how it was opened, in one line; mostly empty.
    """

    name: str
    size: Size
    fps: float
    live: bool
    frames: int | None
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class SoundTrack:
    """Where the sound is that belongs to the frames of a clip.

    Attributes:
        path: the file.
        stream: its number among the file's streams.
        start_s: moment of the first frame on the file's own clock, in seconds.
        whole: tells whether the clip has been read to its end, and is not cut.
    """

    path: Path
    stream: int
    start_s: float
    whole: Callable[[], bool]


class Source(Protocol):
    """An open source of frames; a context manager that closes it.

    Attributes:
        info: what is known of it.
        dropped: frames that the source had but nobody read, because a newer one took their place.
        sound: that of a clip; None without.
        away: in one line, why a camera has no frames for now though it may have some later; empty
            while all is well.
        patience_s: how long `read` looks for a camera that has gone before it raises.
        unwanted: asked while a camera is waited for: whether nobody wants its frames any more.
    """

    info: SourceInfo
    dropped: int
    sound: SoundTrack | None = None
    away: str = ""
    patience_s: float = 0.0
    unwanted: Callable[[], bool] = staticmethod(lambda: False)

    def read(self) -> TimedFrame | None:
        """Wait for the next frame; a live source gives its newest one.

        Returns:
            The frame; None at the end, after `close`, once it is `unwanted` and, for the moment,
            while `away` is set.

        Raises:
            DeviceError: the source can deliver no more, such as a camera that was unplugged.
        """
        ...

    def rest(self) -> None:
        """Let go of the device for as long as nobody wants frames; `wake` is called before `read`.

        What needs no device has nothing to let go.
        """
        return

    def wake(self) -> None:
        """Take the device up again after `rest`.

        Raises:
            DeviceError: it cannot be had, and `patience_s` says not to look for it.
        """
        return

    def close(self) -> None:
        """Let go of the device or file. Calling it again does nothing."""
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


def open_source(
    spec: str | None,
    *,
    size: Size | None = None,
    fps: float | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Source:
    """Open the source that `spec` names.

    Args:
        spec: "demo"; a camera as "0", "/dev/video2" or part of its name in any case; or the path
            of a clip or picture. A file beats a camera of the same name. None is the first camera.
        size: (width, height) asked of a camera, which may give another, and of the demo.
        fps: frames a second asked of a camera and of the demo. Files ignore both.
        unwanted: see `Source`; a camera may take seconds to open.

    Raises:
        UserError: nothing goes by that name, or the file cannot be read.
        DeviceError: the camera does not open or does not deliver; `UnwantedError`, one of these,
            when it need not any more.
    """
    if spec == "demo":
        from realtime.demo import Demo

        return Demo(size=size, fps=fps)
    if spec is not None and not spec.isdecimal() and _names_file(spec):
        return _open_file(Path(spec))
    from realtime.camera import open_camera
    from realtime.devices import find_camera
    from realtime.returning import ReturningCamera

    return ReturningCamera(
        find_camera(spec), partial(open_camera, size=size, fps=fps), unwanted=unwanted
    )


def _names_file(spec: str) -> bool:
    path = Path(spec)
    try:
        return path.exists() and not path.is_char_device()
    except OSError:
        # Too long for a path, or in a folder that is closed to us; it may be a camera's name.
        return False


def _open_file(path: Path) -> Source:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name one picture or clip in it")
    if not path.is_file():
        # Such as a pipe, which may keep us waiting for ever.
        raise UserError(f"cannot read {path}: it is no file: write it to one first")
    if _PICTURE.search(path.name):
        from realtime.picture import Picture

        return Picture(path)
    from realtime.video import Video

    return Video(path)
