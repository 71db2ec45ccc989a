"""All the sinks of one run together: one that fails is let go, and the others go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from realtime.arrays import Frame, Size
from realtime.errors import AutomosaicError
from realtime.filters import Mosaic
from realtime.keys import NO_KEY
from realtime.sinks import Sink
from realtime.timing import Stopwatch


class Window(Sink, Protocol):
    """The sink that people look at, and answer."""

    @property
    def closed(self) -> bool:
        """Whether somebody closed it."""
        ...

    def key(self) -> int:
        """Return the code of the key pressed since the last call, or -1."""
        ...

    def set_fullscreen(self, on: bool) -> None:
        """Fill the screen, or be a window again."""
        ...


class Outputs:
    """The sinks of a run.

    Args:
        window: the preview, if there is one.
        cameras: virtual cameras: like the window they are watched as time goes by.
        files: recordings, which take every mosaic once and may be looked at later.
        size: (width, height) of the mosaics that `cameras` and `files` take; None: any.
        report: told in one line about every failure, as it happens.

    Attributes:
        names: of all the sinks that there were.
        failures: the lines that were reported as such.
        recording_since_s: when the first file was begun, of `time.perf_counter()`; None while
            there is none.
    """

    def __init__(
        self,
        *,
        window: Window | None = None,
        cameras: Sequence[Sink] = (),
        files: Sequence[Sink] = (),
        size: Size | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._window = window
        self._cameras = list(cameras)
        self._files = list(files)
        self._takes: list[Sink] = []
        self._size = size
        self._report = report
        self.recording_since_s = time.perf_counter() if files else None
        self.names = tuple(sink.name for sink in self._sinks)
        self.failures: list[str] = []

    @property
    def watched(self) -> bool:
        """Whether somebody may be watching as it happens."""
        return self._window is not None or bool(self._cameras)

    @property
    def unseen(self) -> bool:
        """Whether it is known that nobody looks at what comes, or ever will."""
        return bool(self._sinks) and not any(sink.watched for sink in self._sinks)

    @property
    def recorded(self) -> bool:
        """Whether a file takes every mosaic, however long that takes."""
        return bool(self._files)

    @property
    def on_air(self) -> bool:
        """Whether a virtual camera takes the mosaics."""
        return bool(self._cameras)

    @property
    def has_window(self) -> bool:
        """Whether there is a window."""
        return self._window is not None

    @property
    def window_only(self) -> bool:
        """Whether nobody but the person at the keyboard sees the mosaics."""
        return self._window is not None and len(self._sinks) == 1

    @property
    def all_lost(self) -> bool:
        """Whether there were sinks and none of them is left."""
        return bool(self.names) and not self._sinks

    @property
    def size(self) -> Size | None:
        """(width, height) that mosaics must have for the sinks there are; None: any."""
        return self._size if self._cameras or self._files or self._takes else None

    @property
    def window_closed(self) -> bool:
        """Whether somebody closed the window."""
        return self._window is not None and self._window.closed

    def key(self) -> int:
        """Return the code of the key pressed in the window since the last call, or -1."""
        return NO_KEY if self._window is None else self._window.key()

    def set_fullscreen(self, on: bool) -> None:
        """Let the window fill the screen, or be a window again."""
        if self._window is not None:
            self._window.set_fullscreen(on)

    def add(self, take: Sink, size: Size) -> None:
        """Go on with a recording besides, which takes what is shown at the pace it is shown.

        Args:
            take: closed with the others, or by `remove`.
            size: (width, height) of the mosaics that it takes.
        """
        if self.size is None:
            self._size = size
        self._takes.append(take)
        self.names = (*self.names, take.name)
        self.recording_since_s = self.recording_since_s or time.perf_counter()

    def remove(self, take: Sink) -> None:
        """Finish a recording that was added."""
        if self.has(take):
            self._drop(take)

    def has(self, sink: Sink) -> bool:
        """Return whether a sink is still there, and takes mosaics."""
        return any(sink is other for other in self._sinks)

    @property
    def planes_only(self) -> bool:
        """Whether all sinks take planes, as long as nobody looks at a window."""
        return bool(self._sinks) and all(sink.takes_planes for sink in self._sinks)

    def send(
        self,
        mosaic: Mosaic,
        preview: Callable[[], Frame] | None,
        time_s: float,
        stopwatch: Stopwatch,
    ) -> bool:
        """Pass a mosaic to every sink, each in the form it takes, and `preview` to the window.

        Args:
            mosaic: the right way round.
            preview: makes what the window is to show, [H, W, 3] uint8 BGR; None leaves it as it is.
            time_s: its moment in seconds on the source's clock.
            stopwatch: is told what each sink costs, by its name.

        Returns:
            Whether any sink took it; true also where there never was one.
        """
        for sink in self._sinks:
            if preview is None and sink is self._window:
                continue
            with stopwatch.stage(sink.name):
                self._pass(sink, mosaic, preview, time_s)
        return not self.all_lost

    def repeat(self, mosaic: Mosaic, preview: Callable[[], Frame], time_s: float) -> None:
        """Show a mosaic again where it is seen as time goes by; files, which have it, do not."""
        for sink in self._sinks:
            if sink not in self._files:
                self._pass(sink, mosaic, preview, time_s)

    def close(self) -> None:
        """Finish every sink, whatever happens to the others."""
        with ExitStack() as closing:
            for sink in reversed(self._sinks):
                closing.callback(self._drop, sink)

    def fail(self, error: AutomosaicError) -> None:
        """Note and report a failure, of a sink or of whatever feeds them."""
        self.failures.append(str(error))
        self._report(str(error))

    def tell(self, line: str) -> None:
        """Report what is no failure of ours, such as a camera that is away for a while."""
        self._report(line)

    @property
    def _sinks(self) -> tuple[Sink, ...]:
        window = () if self._window is None else (self._window,)
        return (*window, *self._cameras, *self._files, *self._takes)

    def _pass(
        self, sink: Sink, mosaic: Mosaic, preview: Callable[[], Frame] | None, time_s: float
    ) -> None:
        # A clip's own time stands still while the clip does, and so must not what is seen of it.
        moment_s = time.perf_counter() if sink in self._takes else time_s
        try:
            if sink is self._window and preview is not None:
                sink.send(preview(), moment_s)
            else:
                sink.send(mosaic.i420() if sink.takes_planes else mosaic.bgr(), moment_s)
        except AutomosaicError as error:
            self.fail(error)
            self._drop(sink)

    def _drop(self, sink: Sink) -> None:
        """Close a sink and forget it."""
        for sinks in (self._cameras, self._files, self._takes):
            sinks[:] = [other for other in sinks if other is not sink]
        if sink is self._window:
            self._window = None
        if not (self._files or self._takes):
            self.recording_since_s = None
        try:
            sink.close()
        except AutomosaicError as error:
            self.fail(error)
