"""Stand-ins with known answers for cameras, clips, filters, windows and sinks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from realtime import planes
from realtime.arrays import Frame, Plane, Size
from realtime.errors import DeviceError
from realtime.sinks import Sink
from realtime.sources import Source, SourceInfo, TimedFrame


def plain(value: int, size: Size = (8, 6)) -> Frame:
    """Return a frame whose every byte is `value`: its number, as good as."""
    return np.full((size[1], size[0], 3), value % 256, np.uint8)


def read_all(source: Source) -> list[TimedFrame]:
    """Read every frame of a source that ends, or the first 8 of one that does not."""
    frames: list[TimedFrame] = []
    while len(frames) < (8 if source.info.live else 1000) and (frame := source.read()):
        frames.append(frame)
    return frames


def read_on(source: Source) -> None:
    """Read until it ends or fails."""
    while source.read() is not None:
        pass


class FakeCapture:
    """What a camera needs of `cv2.VideoCapture`; frame n is `plain(n)`, the first one is 0.

    Args:
        fps: frames a second.
        frames: grabbing fails after so many; None: never.
        damaged: numbers of grabs that fail on the way.
        blocks: at the end, `grab` hangs until `release_me` is set instead of failing.
    """

    def __init__(
        self,
        fps: float = 200.0,
        frames: int | None = None,
        damaged: Sequence[int] = (),
        blocks: bool = False,
    ) -> None:
        self.grabs = 0
        self.delivered = 0
        self.released = False
        self.release_me = threading.Event()
        self._fps, self._frames, self._damaged, self._blocks = fps, frames, damaged, blocks

    def grab(self) -> bool:
        if self._frames is not None and self.grabs >= self._frames:
            if self._blocks:
                self.release_me.wait(10)
            return False
        time.sleep(1 / self._fps)
        self.grabs += 1
        return self.grabs - 1 not in self._damaged

    def retrieve(self) -> tuple[bool, Frame]:
        self.delivered += 1
        return True, plain(self.grabs - 1)

    def release(self) -> None:
        self.released = True


class FakeSource(Source):
    """A source whose frame n is `plain(n)`.

    Args:
        times_s: when each frame is due; a live source waits for it.
        live: whether its clock is the wall's.
        still: claim to be a picture.
        fails: raise DeviceError after the last frame instead of ending.
        fps: as declared.
    """

    def __init__(
        self,
        times_s: Sequence[float],
        *,
        live: bool = False,
        still: bool = False,
        fails: bool = False,
        fps: float = 25.0,
    ) -> None:
        self.info = SourceInfo("fake", (8, 6), fps, live, 1 if still else None)
        self.dropped = 0
        self.closings = 0
        self.naps: list[str] = []
        self._times_s, self._fails, self._number = times_s, fails, 0
        self._start_s = time.perf_counter()

    def read(self) -> TimedFrame | None:
        assert self.naps[-1:] != ["rest"], "read while it rests"
        number = self._number
        if self.closings or number >= len(self._times_s):
            if self._fails:
                raise DeviceError("fake: gone: plug it in")
            return None
        self._number += 1
        time_s = self._times_s[number]
        if self.info.live:
            time.sleep(max(0.0, self._start_s + time_s - time.perf_counter()))
            time_s = time.perf_counter()
        return TimedFrame(plain(number), time_s)

    def rest(self) -> None:
        self.naps.append("rest")

    def wake(self) -> None:
        self.naps.append("wake")

    def close(self) -> None:
        self.closings += 1


class FakeMosaic:
    """A mosaic whose tiles are `side` pixels wide."""

    def __init__(self, picture: Frame, side: int) -> None:
        self._picture, self._side = picture, side

    @property
    def size(self) -> Size:
        return self._picture.shape[1], self._picture.shape[0]

    def bgr(self) -> Frame:
        return self._picture

    def i420(self) -> Plane:
        return planes.from_bgr(self._picture)

    def mirrored(self) -> Frame:
        height, width = self._picture.shape[:2]
        tiles = self._picture.reshape(height, width // self._side, self._side, 3)
        return np.ascontiguousarray(tiles[:, ::-1]).reshape(height, width, 3)


class FakeFilter:
    """Makes the frame itself into the "mosaic", of 4 by 3 tiles of 2 pixels."""

    rows, tile_size = 3, 2
    providers = ("FakeExecutionProvider",)
    decodes_all = True

    def __init__(self, takes_s: float = 0.0) -> None:
        self.columns = 4
        self.tile_set = "fake"
        self.colour = "mono"
        self.variety = self.stability = 0.5
        self.size: Size | None = None
        self.wanted_tile_size: int | None = None
        self.planes = False
        self.share = 1.0
        self.timings: dict[str, float] = {}
        self.seen: list[Frame] = []
        self._takes_s = takes_s

    def make(self, frame: Frame) -> FakeMosaic:
        self.seen.append(frame)
        time.sleep(self._takes_s)
        self.timings = {"encode": 1.5}
        return FakeMosaic(cv2.resize(frame, (8, 6)).astype(np.uint8), self.tile_size)

    def __call__(self, frame: Frame) -> Frame:
        return self.make(frame).bgr()

    def reset(self) -> None:
        self.seen.clear()


class FakeMosaicFilter(FakeFilter):
    """A `FakeFilter` that is loaded as the real filter is, and remembers how.

    Attributes:
        loaded: the filters that were loaded, oldest first.
        asked: for this one, by the names of the settings.
    """

    loaded: ClassVar[list[FakeMosaicFilter]] = []
    asked: dict[str, Any]

    @classmethod
    def load(cls, tiles: str, **settings: Any) -> FakeMosaicFilter:
        made = cls()
        made.asked = {"tiles": tiles, **settings}
        if settings["columns"] > 500:
            raise ValueError("columns: found too many, expected fewer")
        cls.loaded.append(made)
        return made

    @staticmethod
    def available() -> list[str]:
        return ["fake", "digits"]


class FakeSink(Sink):
    """Remembers what it was sent.

    Args:
        name: its name.
        fails_after: `send` raises DeviceError after so many mosaics.
        fails_to_close: `close` raises DeviceError.

    Attributes:
        watched: see `Sink.watched`.
    """

    watched = True

    def __init__(
        self, name: str = "sink", fails_after: int | None = None, fails_to_close: bool = False
    ) -> None:
        self.name = name
        self.sent: list[tuple[int, float]] = []
        self.mosaics: list[Frame] = []
        self.closings = 0
        self._fails_after, self._fails_to_close = fails_after, fails_to_close

    def send(self, mosaic: Frame, time_s: float) -> None:
        if self._fails_after is not None and len(self.sent) >= self._fails_after:
            raise DeviceError(f"{self.name}: the disk is full")
        self.sent.append((int(mosaic[0, 0, 0]), time_s))
        self.mosaics.append(mosaic.copy())

    def close(self) -> None:
        self.closings += 1
        if self._fails_to_close:
            raise DeviceError(f"{self.name}: cannot be finished")

    @property
    def numbers(self) -> list[int]:
        """Numbers of the frames that came, in order."""
        return [number for number, _ in self.sent]


class FakeWindow(FakeSink):
    """A window in which somebody presses `keys[n]` after mosaic n, or closes it.

    Args:
        keys: codes by the number of mosaics shown so far.
        closes_after: it is closed after so many.
        fails_after: see `FakeSink`.
    """

    def __init__(
        self,
        keys: dict[int, int] | None = None,
        closes_after: int | None = None,
        fails_after: int | None = None,
    ) -> None:
        super().__init__("window", fails_after)
        self._keys = dict(keys or {})
        self._closes_after = closes_after
        self.fullscreen = False

    @property
    def closed(self) -> bool:
        return self._closes_after is not None and len(self.sent) >= self._closes_after

    def key(self) -> int:
        return self._keys.pop(len(self.sent), -1)

    def set_fullscreen(self, on: bool) -> None:
        self.fullscreen = on


class FakeExplorer:
    """Remembers whether it is open, and how often it was shown something."""

    def __init__(self) -> None:
        self.is_open = False
        self.updates = 0

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def update(self) -> None:
        self.updates += 1
