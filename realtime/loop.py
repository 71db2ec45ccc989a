"""From source through filter to sinks, at the right pace, until somebody or something ends it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from realtime.arrays import Frame
from realtime.errors import DeviceError
from realtime.outputs import Outputs
from realtime.sources import Source, TimedFrame
from realtime.tally import Statistics, Tally
from realtime.timing import Playback, sleep_until

_LONG_GAP_S = 0.1
"""While a clip stands still for longer than this, its watchers get the last mosaic again: a
window answers the mouse only while it is being shown something."""
_FREEZE_S = 0.25
"""A clip that is hard to keep up with skips frames, but shows one at least this often."""


class Filter(Protocol):
    """The part of `MosaicFilter` that the loop needs."""

    @property
    def columns(self) -> int:
        """Tiles in a row of the last mosaic."""
        ...

    @property
    def rows(self) -> int:
        """Tiles in a column of the last mosaic."""
        ...

    @property
    def tile_size(self) -> int:
        """Side of a tile in pixels."""
        ...

    @property
    def tile_set(self) -> str:
        """Name of the tile set."""
        ...

    @property
    def providers(self) -> Sequence[str]:
        """What computes, first choice first."""
        ...

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the last call."""
        ...

    def __call__(self, frame: Frame) -> Frame:
        """Turn a frame into a mosaic."""
        ...


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        frames: end after so many mosaics; None: no limit.
        seconds: end after so many seconds on the source's clock, which cuts a clip at its own
            time however fast it is worked through; None: no limit.
        fps: how often a picture that stands still is sent to those who watch.
        mirror: show the window's picture as in a mirror, but with readable tiles.
    """

    frames: int | None = None
    seconds: float | None = None
    fps: float = 30.0
    mirror: bool = False


def run(
    source: Source,
    mosaic_filter: Filter,
    outputs: Outputs,
    settings: Settings,
    *,
    stop: Callable[[], bool] = lambda: False,
    started_s: float | None = None,
) -> Statistics:
    """Show the mosaics of a source until it ends, a limit is reached or somebody asks for it.

    A live source sets the pace and its newest frame counts. A clip is played at its own time if
    it is watched and not recorded, else worked through as fast as it goes. A still picture is
    held for those who watch: until any key in a window, else until stopped.

    Args:
        source: closed in any case.
        mosaic_filter: makes the mosaics.
        outputs: where they go; closed in any case.
        settings: limits and manners.
        stop: asked often whether to end.
        started_s: when the program started, of `time.perf_counter()`; now unless given.

    Returns:
        What happened. Failures of the source and of sinks are in it and have been reported.
    """
    loop = _Loop(source, mosaic_filter, outputs, settings, stop)
    with ExitStack() as closing:
        # Last in, first out: what the closing source had left counts as dropped.
        closing.callback(outputs.close)
        closing.callback(source.close)
        try:
            loop.run()
        except DeviceError as error:
            outputs.fail(error)
    return loop.statistics(started_s)


class _Loop:
    """One run and its state."""

    def __init__(
        self,
        source: Source,
        mosaic_filter: Filter,
        outputs: Outputs,
        settings: Settings,
        stop: Callable[[], bool],
    ) -> None:
        self._source = source
        self._filter = mosaic_filter
        self._outputs = outputs
        self._settings = settings
        self._stop = stop
        self._quit = False
        self._first_time_s: float | None = None
        self._last: _Shown | None = None
        self._playback = Playback()
        self._tally = Tally()
        # What a camera saw while the tile set was being loaded is no loss of this run.
        self._dropped_before = source.dropped

    def run(self) -> None:
        while not self._interrupted() and not self._at_limit():
            with self._tally.stages.stage("wait"):
                frame = self._next()
            if frame is None:
                break
            self._show(frame)
        if self._source.info.frames == 1:
            self._hold()

    def statistics(self, started_s: float | None) -> Statistics:
        tally, mosaic_filter = self._tally, self._filter
        unread = self._source.dropped - self._dropped_before
        startup_s = (tally.first_mosaic_s or 0.0) - (started_s or tally.start_s)
        height, width = self._last.mosaic.shape[:2] if self._last else (0, 0)
        return Statistics(
            frames=tally.shown,
            captured=tally.taken + unread,
            dropped=tally.skipped + unread,
            fps=tally.fps,
            latency_ms=tally.latency_ms(),
            stage_ms=tally.stages.means_ms(),
            provider=next(iter(mosaic_filter.providers), "unknown"),
            rows=mosaic_filter.rows,
            columns=mosaic_filter.columns,
            tile_size=mosaic_filter.tile_size,
            tile_set=mosaic_filter.tile_set,
            source=self._source.info.name,
            size=(width, height),
            sinks=self._outputs.names,
            seconds=time.perf_counter() - tally.start_s,
            startup_ms=1000 * max(startup_s, 0.0),
            failures=tuple(self._outputs.failures),
        )

    def _interrupted(self, *, any_key: bool = False) -> bool:
        """Return whether somebody wants the run to end. A key is told once, so remember it."""
        self._quit = self._quit or self._outputs.asked_to_quit(any_key=any_key)
        return self._quit or self._stop() or self._outputs.all_lost

    def _at_limit(self) -> bool:
        if self._settings.frames is not None and self._tally.shown >= self._settings.frames:
            return True
        return self._source.info.live and self._beyond(time.perf_counter())

    def _beyond(self, time_s: float) -> bool:
        """Return whether a moment of the source lies after the last second wanted."""
        if self._settings.seconds is None or self._first_time_s is None:
            return False
        return time_s - self._first_time_s >= self._settings.seconds

    def _next(self) -> TimedFrame | None:
        """Return the next frame when its time has come; None at the end."""
        while (frame := self._source.read()) is not None and not self._beyond(frame.time_s):
            if self._first_time_s is None:
                self._first_time_s = frame.time_s
            self._tally.taken += 1
            if self._await_turn(frame):
                return frame
            self._tally.skipped += 1
            if self._interrupted():
                break
        return None

    def _await_turn(self, frame: TimedFrame) -> bool:
        """Wait until `frame` is due; false if it should not be shown any more."""
        paced = self._outputs.watched and not self._outputs.recorded
        if self._source.info.live or not paced:
            return True
        now = time.perf_counter()
        due_s = self._playback.due_s(frame.time_s, now)
        late_s, shown_s = now - due_s, self._tally.last_shown_s
        frozen = shown_s is None or now - shown_s > _FREEZE_S
        if late_s > 1 / (self._source.info.fps or self._settings.fps) and not frozen:
            return False
        self._idle_until(due_s)
        return not self._quit and not self._stop()

    def _show(self, frame: TimedFrame) -> None:
        captured_s = frame.time_s if self._source.info.live else time.perf_counter()
        stages, outputs = self._tally.stages, self._outputs
        # Nobody but the window: mirror the frame, and the tiles suit it. Else the others' mosaic
        # is the right way round, and the window shows its tiles in mirrored order.
        flip = self._settings.mirror and outputs.window_only
        with stages.stage("filter"):
            mosaic = self._filter(_flipped(frame.image) if flip else frame.image)
        self._tally.count_mosaic()
        for part, cost_ms in self._filter.timings.items():
            stages.add(f"filter.{part}", cost_ms / 1000)
        swap = self._settings.mirror and outputs.watched and not flip
        preview = self._mirrored(mosaic) if swap else mosaic
        self._last = _Shown(mosaic, preview, frame.time_s)
        if outputs.send(mosaic, preview, frame.time_s, stages):
            self._tally.count_shown(captured_s)
        else:
            self._tally.skipped += 1

    def _mirrored(self, mosaic: Frame) -> Frame:
        return mirror_tiles(mosaic, self._filter.tile_size, self._filter.columns)

    def _hold(self) -> None:
        """Go on showing a still picture until somebody has seen enough."""
        if self._tally.first_shown_s is None:
            return
        sends = math.inf if self._settings.frames is None else self._settings.frames - 1
        seconds = math.inf if self._settings.seconds is None else self._settings.seconds
        seconds = min(seconds, sends / self._settings.fps)
        self._idle_until(self._tally.first_shown_s + seconds, any_key=True)

    def _idle_until(self, due_s: float, *, any_key: bool = False) -> None:
        """Wait; through a long wait, show the last mosaic to the watchers again and again."""
        while self._outputs.watched and not self._interrupted(any_key=any_key):
            now = time.perf_counter()
            if due_s <= now:
                return
            if due_s - now > _LONG_GAP_S and self._last is not None:
                shown = self._last
                elapsed_s = now - (self._tally.last_shown_s or now)
                self._outputs.repeat(shown.mosaic, shown.preview, shown.time_s + elapsed_s)
            sleep_until(min(due_s, now + 1 / self._settings.fps), self._stop)


@dataclass(frozen=True)
class _Shown:
    """What the sinks were sent last."""

    mosaic: Frame
    preview: Frame
    time_s: float


def _flipped(image: Frame) -> Frame:
    return cv2.flip(image, 1).astype(np.uint8, copy=False)


def mirror_tiles(mosaic: Frame, tile_size: int, columns: int) -> Frame:
    """Reverse the order of the tiles in every row, each tile staying the right way round.

    Args:
        mosaic: [H, W, 3] uint8 BGR, with overshooting tiles cut evenly at both sides.
        tile_size: side of a tile in pixels.
        columns: tiles in a row, with the cut ones.

    Returns:
        [H, W, 3] uint8 BGR.
    """
    height, width = mosaic.shape[:2]
    cut = (columns * tile_size - width) // 2
    first = tile_size - cut if cut else 0
    whole = (width - first) // tile_size
    last = width - first - whole * tile_size
    middle = mosaic[:, first : width - last].reshape(height, whole, tile_size, 3)
    mirrored = np.empty_like(mosaic)
    mirrored[:, :last] = mosaic[:, width - last :]
    mirrored[:, last : width - first] = middle[:, ::-1].reshape(height, whole * tile_size, 3)
    mirrored[:, width - first :] = mosaic[:, :first]
    return mirrored
