"""From source through filter to sinks, at the right pace, until somebody or something ends it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial

from realtime.arrays import Frame, Size
from realtime.controls import Controls
from realtime.errors import DeviceError
from realtime.filters import Filter, Mosaic, provider_of
from realtime.governor import RELIEFS, Governor
from realtime.outputs import Outputs
from realtime.preview import Shown, flipped
from realtime.resting import Resting
from realtime.sources import Source, TimedFrame
from realtime.tally import Statistics, Tally
from realtime.timing import Playback, sleep_until
from realtime.tuning import most_columns
from realtime.view import Status, View

_LONG_GAP_S = 0.1
"""While a clip stands still for longer than this, its watchers get the last mosaic again: a
window answers the mouse only while it is being shown something."""
_FREEZE_S = 0.25
"""A clip that is hard to keep up with skips frames, but shows one at least this often."""
_AWAY_S = 0.25
"""How often to look whether a camera that went away is back."""


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        frames: end after so many mosaics; None: no limit.
        seconds: end after so many seconds on the source's clock, which cuts a clip at its own
            time however fast it is worked through; None: no limit.
        fps: the rate to hold: of a live source, and of a picture that stands still.
        limited: whether to leave out frames of a live source that come sooner.
        mirror: show the window's picture as in a mirror, but with readable tiles.
        size: (width, height) that was asked of the mosaics; None: as suits them.
        rest_after_s: let go of a live source once it is known that nobody has looked for so long.
    """

    frames: int | None = None
    seconds: float | None = None
    fps: float = 30.0
    limited: bool = False
    mirror: bool = False
    size: Size | None = None
    rest_after_s: float = math.inf


def run(
    source: Source,
    mosaic_filter: Filter,
    outputs: Outputs,
    settings: Settings,
    *,
    controls: Controls | None = None,
    stop: Callable[[], bool] = lambda: False,
    started_s: float | None = None,
    progress: Callable[[int, float], None] = lambda frames, seconds: None,
) -> Statistics:
    """Show the mosaics of a source until it ends, a limit is reached or somebody asks for it.

    A live source sets the pace and its newest frame counts. A clip is played at its own time if
    it is watched and not recorded, else worked through as fast as it goes. A still picture is
    held for those who watch, until they have seen enough.

    Args:
        source: closed in any case.
        mosaic_filter: makes the mosaics.
        outputs: where they go; closed in any case.
        settings: limits and manners.
        controls: answers the window's keys; the usual ones unless given.
        stop: asked often whether to end.
        started_s: when the program started, of `time.perf_counter()`; now unless given.
        progress: told, after every frame, how many mosaics and how many seconds are done.

    Returns:
        What happened. Failures of the source and of sinks are in it and have been reported.
    """
    if controls is None:
        controls = Controls(mosaic_filter, outputs, View(mirror=settings.mirror), fps=settings.fps)
    loop = _Loop(source, mosaic_filter, outputs, settings, controls, stop, progress)
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
        controls: Controls,
        stop: Callable[[], bool],
        progress: Callable[[int, float], None],
    ) -> None:
        self._source = source
        self._filter = mosaic_filter
        self._outputs = outputs
        self._settings = settings
        self._controls = controls
        self._view = controls.view
        self._stop = stop
        self._progress = progress
        self._first_time_s: float | None = None
        self._last: Shown | None = None
        self._changes = controls.changes
        self._away = ""
        self._playback = Playback()
        self._governor = _governor(source, settings)
        self._tally = Tally()
        source.unwanted = self._is_over
        self._resting = Resting(source, outputs, settings.rest_after_s, self._is_over)
        # What a camera saw while the tile set was being loaded is no loss of this run.
        self._dropped_before = source.dropped

    def run(self) -> None:
        while not self._is_over():
            self._pause()
            if rested_s := self._resting.rest():
                self._tally.count_rest(rested_s)
                continue
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
        return Statistics(
            frames=tally.shown,
            captured=tally.taken + unread,
            dropped=tally.skipped + unread,
            fps=tally.fps,
            latency_ms=tally.latency_ms(),
            stage_ms=tally.stages.means_ms(),
            provider=provider_of(mosaic_filter),
            rows=mosaic_filter.rows,
            columns=mosaic_filter.columns,
            tile_size=mosaic_filter.tile_size,
            tile_set=mosaic_filter.tile_set,
            source=self._source.info.name,
            size=self._last.size if self._last else (0, 0),
            sinks=self._outputs.names,
            seconds=time.perf_counter() - tally.start_s,
            rested_s=tally.rested_s,
            startup_ms=1000 * max(startup_s, 0.0),
            failures=tuple(self._outputs.failures),
            given_up=RELIEFS[self._governor.lowest].what if self._governor else "",
        )

    def _is_over(self) -> bool:
        return self._interrupted() or self._at_limit()

    def _interrupted(self) -> bool:
        """Answer the keys, and return whether somebody wants the run to end."""
        self._controls.listen()
        return self._controls.quit or self._stop() or self._outputs.all_lost

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
        while (frame := self._read()) is not None and not self._beyond(frame.time_s):
            if self._first_time_s is None:
                self._first_time_s = frame.time_s
            self._tally.taken += 1
            if self._await_turn(frame):
                return frame
            self._tally.skipped += 1
            if self._interrupted():
                break
        return None

    def _read(self) -> TimedFrame | None:
        """Read a frame, however long the source is away; None at the end."""
        while (frame := self._source.read()) is None and self._source.away:
            if self._away != self._source.away:
                self._away = self._source.away
                self._outputs.tell(self._away)
            self._view.tell(self._away)
            self._idle_until(time.perf_counter() + _AWAY_S)
            if self._is_over():
                return None
        if self._away:
            self._outputs.tell(f"{self._source.info.name} is back")
            self._away = ""
        return frame

    def _await_turn(self, frame: TimedFrame) -> bool:
        """Wait until `frame` is due; false if it should not be shown any more."""
        if self._governor is not None:
            return self._governor.wants(frame.time_s)
        if not self._outputs.watched or self._outputs.recorded:
            return True
        now = time.perf_counter()
        due_s = self._playback.due_s(frame.time_s, now)
        late_s, shown_s = now - due_s, self._tally.last_shown_s
        frozen = shown_s is None or now - shown_s > _FREEZE_S
        if late_s > 1 / (self._source.info.fps or self._settings.fps) and not frozen:
            return False
        self._idle_until(due_s)
        return not self._controls.quit and not self._stop()

    def _show(self, frame: TimedFrame) -> None:
        begun_s = time.perf_counter()
        captured_s = frame.time_s if self._source.info.live else begun_s
        frozen = self._view.frozen and self._last is not None
        image = self._last.image if frozen and self._last else frame.image
        shown = self._make(image, frame.time_s)
        self._tally.count_mosaic()
        if self._send(shown):
            self._tally.count_shown(captured_s)
        else:
            self._tally.skipped += 1
        self._govern(time.perf_counter() - begun_s)
        self._progress(self._tally.shown, frame.time_s)

    def _govern(self, work_s: float) -> None:
        """Give up something where work takes too long to hold the rate, or take it back."""
        if self._governor is not None:
            outputs = self._outputs
            preview = outputs.has_window and not outputs.window_only
            self._governor.note(work_s, preview=preview, tiles=self._filter.decodes_all)
            self._filter.share = self._governor.relief.tiles

    def _make(self, image: Frame, time_s: float) -> Shown:
        """Make the mosaic of a frame."""
        # Nobody but the window: mirror the frame, and the tiles suit it. Else the others' mosaic
        # is the right way round, and the window shows its tiles in mirrored order.
        flip = self._view.mirror and self._outputs.window_only
        stages, made = self._tally.stages, self._filter
        self._changes = self._controls.changes
        self._fit(image)
        made.planes = self._outputs.planes_only
        with stages.stage("filter"):
            mosaic = made.make(flipped(image) if flip else image)
        for part, cost_ms in made.timings.items():
            stages.add(f"filter.{part}", cost_ms / 1000)
        self._last = Shown(image, mosaic, flip, time_s)
        return self._last

    def _fit(self, image: Frame) -> None:
        """Ask for mosaics of the size that the sinks take, with no more tiles than pixels."""
        made, last = self._filter, self._last
        if last is not None and last.image.shape != image.shape:
            self._controls.forget_size()
            size = self._outputs.size or self._settings.size or last.size
            if made.columns > (most := most_columns(image, size)):
                made.columns, made.wanted_tile_size = most, None
        made.size = self._outputs.size or self._controls.size or self._settings.size

    def _send(self, shown: Shown) -> bool:
        """Pass a new mosaic to everybody; return whether any sink took it."""
        stages = self._tally.stages
        self._view.status = self._status()
        with stages.stage("explorer") if self._view.explore else nullcontext():
            self._controls.saw(shown)
        mosaic, preview = self._pictures(shown)
        seen = preview if self._shows_preview() else None
        return self._outputs.send(mosaic, seen, shown.time_s, stages)

    def _shows_preview(self) -> bool:
        """Return whether the window is to show this mosaic, too."""
        if self._governor is None or self._outputs.window_only:
            return True
        return self._governor.shows_preview()

    def _repeat(self, shown: Shown) -> None:
        """Show the last mosaic again, in which keys may have changed something."""
        elapsed_s = time.perf_counter() - (self._tally.last_shown_s or time.perf_counter())
        if self._changes != self._controls.changes:
            shown = self._make(shown.image, shown.time_s)
            self._controls.saw(shown)
            if self._source.info.frames == 1:
                # Files are to keep what was on show in the end.
                pictures = self._pictures(shown)
                self._outputs.send(*pictures, shown.time_s + elapsed_s, self._tally.stages)
                return
        self._view.status = self._status()
        self._outputs.repeat(*self._pictures(shown), shown.time_s + elapsed_s)

    def _pictures(self, shown: Shown) -> tuple[Mosaic, Callable[[], Frame]]:
        """Return what everybody gets, and what makes what the window shows."""
        view = self._view
        preview = partial(shown.preview, mirror=view.mirror, compare=view.compare)
        return shown.upright(), preview

    def _status(self) -> Status:
        made, outputs, since_s = self._filter, self._outputs, self._outputs.recording_since_s
        fps, latency_ms = self._tally.recent()
        unread = self._source.dropped - self._dropped_before
        return Status(
            fps=fps,
            latency_ms=latency_ms,
            columns=made.columns,
            rows=made.rows,
            tile_set=made.tile_set,
            colour=made.colour,
            provider=provider_of(made).removesuffix("ExecutionProvider"),
            dropped=self._tally.skipped + unread,
            recorded_s=None if since_s is None else time.perf_counter() - since_s,
            on_air=outputs.on_air,
            given_up=self._governor.relief.what if self._governor else "",
        )

    def _pause(self) -> None:
        """Hold a clip that is frozen. A camera goes on, and what it sees is dropped."""
        if self._view.frozen and not self._source.info.live and self._last is not None:
            self._idle_until(math.inf, over=lambda: not self._view.frozen)
            self._playback = Playback()

    def _hold(self) -> None:
        """Go on showing a still picture until somebody has seen enough."""
        if self._tally.first_shown_s is None:
            return
        sends = math.inf if self._settings.frames is None else self._settings.frames - 1
        seconds = math.inf if self._settings.seconds is None else self._settings.seconds
        seconds = min(seconds, sends / self._settings.fps)
        self._idle_until(self._tally.first_shown_s + seconds)

    def _idle_until(self, due_s: float, over: Callable[[], bool] = lambda: False) -> None:
        """Wait; through a long wait, show the last mosaic to the watchers again and again."""
        while self._outputs.watched and not self._interrupted() and not over():
            now = time.perf_counter()
            if due_s <= now:
                return
            if due_s - now > _LONG_GAP_S and self._last is not None:
                self._repeat(self._last)
            # A clip of few pictures may have seconds from one to the next: keys cannot wait.
            nap_s = min(_LONG_GAP_S, 1 / self._settings.fps)
            sleep_until(min(due_s, now + nap_s), self._stop)


def _governor(source: Source, settings: Settings) -> Governor | None:
    """Return what holds the rate of a live source; None for others, which have all the time."""
    return Governor(settings.fps, limited=settings.limited) if source.info.live else None
