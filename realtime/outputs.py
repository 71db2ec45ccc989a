"""All the sinks of one run together: one that fails is let go, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from realtime.arrays import Frame
from realtime.errors import AutomosaicError
from realtime.sinks import Sink
from realtime.timing import Stopwatch

_KEY_BITS = 0xFFFF
"""Above these a key's code tells of Num Lock and Shift. Below, an arrow key is no letter."""
_QUIT_KEYS = frozenset({ord("q"), ord("Q"), 27})
NO_KEY = -1


class Window(Sink, Protocol):
    """The sink that people look at, and answer."""

    @property
    def closed(self) -> bool:
        """Whether somebody closed it."""
        ...

    def key(self) -> int:
        """Return the code of the key pressed since the last call, or -1."""
        ...


class Outputs:
    """The sinks of a run.

    Args:
        window: the preview, if there is one.
        cameras: virtual cameras: like the window they are watched as time goes by.
        files: recordings, which take every mosaic once and may be looked at later.
        report: told in one line about every failure, as it happens.

    Attributes:
        names: of all the sinks that there were at the start.
        failures: the lines that were reported.
    """

    def __init__(
        self,
        *,
        window: Window | None = None,
        cameras: Sequence[Sink] = (),
        files: Sequence[Sink] = (),
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._window = window
        self._watched: list[Sink] = [*([window] if window else []), *cameras]
        self._files = list(files)
        self._report = report
        self.names = tuple(sink.name for sink in self._sinks)
        self.failures: list[str] = []

    @property
    def watched(self) -> bool:
        """Whether somebody may be watching as it happens."""
        return bool(self._watched)

    @property
    def recorded(self) -> bool:
        """Whether a file takes the mosaics."""
        return bool(self._files)

    @property
    def window_only(self) -> bool:
        """Whether nobody but the person at the keyboard sees the mosaics."""
        return self._window is not None and len(self._sinks) == 1

    @property
    def all_lost(self) -> bool:
        """Whether there were sinks and none of them is left."""
        return bool(self.names) and not self._sinks

    def asked_to_quit(self, *, any_key: bool = False) -> bool:
        """Return whether the window was closed, or q, Esc or (`any_key`) another key pressed."""
        if self._window is None:
            return False
        key = self._window.key()
        pressed = key != NO_KEY and (any_key or key & _KEY_BITS in _QUIT_KEYS)
        return pressed or self._window.closed

    def send(self, mosaic: Frame, preview: Frame, time_s: float, stopwatch: Stopwatch) -> bool:
        """Pass a mosaic to every sink, and `preview` to the window.

        Args:
            mosaic: [H, W, 3] uint8 BGR.
            preview: [H, W, 3] uint8 BGR, how the window is to show it.
            time_s: its moment in seconds on the source's clock.
            stopwatch: is told what each sink costs, by its name.

        Returns:
            Whether any sink took it; true also where there never was one.
        """
        for sink in self._sinks:
            with stopwatch.stage(sink.name):
                self._attempt(sink, preview if sink is self._window else mosaic, time_s)
        return not self.all_lost

    def repeat(self, mosaic: Frame, preview: Frame, time_s: float) -> None:
        """Show a mosaic again where somebody watches; files, which have it, do not get it."""
        for sink in tuple(self._watched):
            self._attempt(sink, preview if sink is self._window else mosaic, time_s)

    def close(self) -> None:
        """Finish every sink, whatever happens to the others."""
        for sink in self._sinks:
            self._drop(sink)

    @property
    def _sinks(self) -> tuple[Sink, ...]:
        return (*self._watched, *self._files)

    def _attempt(self, sink: Sink, mosaic: Frame, time_s: float) -> None:
        try:
            sink.send(mosaic, time_s)
        except AutomosaicError as error:
            self.fail(error)
            self._drop(sink)

    def _drop(self, sink: Sink) -> None:
        """Close a sink and forget it."""
        self._watched = [other for other in self._watched if other is not sink]
        self._files = [other for other in self._files if other is not sink]
        if sink is self._window:
            self._window = None
        try:
            sink.close()
        except AutomosaicError as error:
            self.fail(error)

    def fail(self, error: AutomosaicError) -> None:
        """Note and report a failure, of a sink or of whatever feeds them."""
        self.failures.append(str(error))
        self._report(str(error))
