"""The preview window."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from realtime.arrays import Frame, Size
from realtime.errors import DeviceError
from realtime.keys import NO_KEY
from realtime.sinks import CheckedSink
from realtime.x11 import Connection

LARGEST: Size = (1280, 800)
"""A window opens no larger than this: more may not fit a laptop, and is slow to paint."""
SMALLEST = 16
"""A window with sides of fewer pixels is not to be seen."""
_INSTEAD = "pass --no-window with --record or --virtual-camera"
_FONTS = Path("/usr/share/fonts")


class Painter(Protocol):
    """What draws over the pictures of a window, and hears its mouse."""

    @property
    def margin(self) -> int:
        """How many pixels below the picture it would like to have for itself."""
        ...

    def draw(self, canvas: Frame) -> None:
        """Draw on `canvas`, [H, W, 3] uint8 BGR and as large as the window's inside."""
        ...

    def mouse(self, event: int, x: int, y: int) -> None:
        """Hear `event`, one of `cv2.EVENT_...`, at a pixel of the canvas."""
        ...


class Window(CheckedSink):
    """A window that shows the newest mosaic and hears keys. For the main thread only.

    It takes mosaics of any size and scales them to its own, keeping the aspect.

    Attributes:
        title: also the name by which OpenCV knows it, so no two may share one.
        painter: draws over what is shown, never on the mosaic itself; None shows just that.
    """

    def __init__(self, title: str = "Automosaics", *, painter: Painter | None = None) -> None:
        """Open the window.

        Raises:
            DeviceError: there is no display, or this OpenCV was built without windows.
        """
        if threading.current_thread() is not threading.main_thread():
            found = threading.current_thread().name
            raise RuntimeError(f"window: found the thread {found}, expected the main thread")
        super().__init__("window", None)
        self.title = title
        self.painter = painter
        self._key = NO_KEY
        self._shown = False
        self._canvas: Frame = np.zeros((1, 1, 3), np.uint8)
        self._display = _require_windows()
        # Its own bars beside pictures of other aspects look worse than ours: stretch to fit.
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(title, flags)
            hear_mouse(title, self._hear_mouse)
        except cv2.error as error:
            if self._display is not None:
                self._display.close()
            raise DeviceError(f"no window can be opened: {_INSTEAD} ({error.err})") from error

    @property
    def closed(self) -> bool:
        """Whether it is gone, by the user's hand or by `close`."""
        if self._done or not self._shown:
            # Before the first mosaic, Qt does not always count it as visible.
            return self._done
        try:
            return cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            # Qt says so when no window is left at all.
            return True

    def key(self, wait_s: float = 0.001) -> int:
        """Return the key pressed last since the previous call, or -1 for none.

        Args:
            wait_s: how long to wait for one, at least a millisecond.

        Returns:
            The code as from `cv2.waitKeyEx`: a character's own, or beyond those of characters.
        """
        if self._key == NO_KEY:
            self._listen(wait_s)
        key, self._key = self._key, NO_KEY
        return key

    def set_fullscreen(self, on: bool) -> None:
        """Fill the screen, or be a window again."""
        if not self.closed:
            state = cv2.WINDOW_FULLSCREEN if on else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self.title, cv2.WND_PROP_FULLSCREEN, state)

    @property
    def _lost(self) -> bool:
        """Whether its display has gone. Then Qt must handle no more events: it would exit."""
        return self._display is not None and not self._display.alive

    def _send(self, mosaic: Frame, time_s: float) -> None:
        if self._lost:
            raise DeviceError("the display has gone, and the window with it")
        # Showing anything in a closed window would open it again.
        if self.closed:
            return
        margin = self.painter.margin if self.painter else 0
        if not self._shown:
            width, height = fit((mosaic.shape[1], mosaic.shape[0]), LARGEST)
            cv2.resizeWindow(self.title, width, height + margin)
            inside = width, height + margin
            self._shown = True
        else:
            inside = self._inside()
        if inside != (self._canvas.shape[1], self._canvas.shape[0]):
            self._canvas = np.zeros((inside[1], inside[0], 3), np.uint8)
        place(mosaic, self._canvas, margin)
        if self.painter is not None:
            self.painter.draw(self._canvas)
        cv2.imshow(self.title, self._canvas)
        # Nothing is painted until the window's events are handled.
        self._listen(0.001)

    def _inside(self) -> Size:
        """Return (width, height) of what the window can show, or of the last picture shown."""
        try:
            width, height = cv2.getWindowImageRect(self.title)[2:]
        except cv2.error:
            width = height = 0
        if min(width, height) < SMALLEST:
            # Minimised, or a system that does not tell.
            return self._canvas.shape[1], self._canvas.shape[0]
        return width, height

    def _hear_mouse(self, event: int, x: int, y: int, _flags: int, _data: object) -> None:
        if self.painter is not None:
            self.painter.mouse(event, x, y)

    def _listen(self, wait_s: float) -> None:
        if not self.closed and not self._lost:
            key = cv2.waitKeyEx(max(1, round(1000 * wait_s)))
            if key != NO_KEY:
                self._key = key

    def _close(self) -> None:
        # Where the user was faster, there is nothing left to close.
        with contextlib.suppress(cv2.error):
            cv2.destroyWindow(self.title)
            if not self._lost:
                cv2.waitKeyEx(1)
        if self._display is not None:
            self._display.close()


def hear_mouse(title: str, hear: Callable[[int, int, int, int, object], None]) -> None:
    """Have a method told of the mouse in a window, as `cv2.setMouseCallback` tells it.

    OpenCV keeps what it calls even when the window is gone, and all would be kept that belongs to
    the method: the filter and its networks.
    """
    method = weakref.WeakMethod(hear)

    def tell(event: int, x: int, y: int, flags: int, data: object) -> None:
        alive = method()
        if alive is not None:
            alive(event, x, y, flags, data)

    cv2.setMouseCallback(title, tell)


def fit(size: Size, largest: Size, *, enlarge: bool = False) -> Size:
    """Return `size` (width, height) scaled to lie within `largest`, its aspect kept.

    A smaller one is kept as it is unless `enlarge` is set.
    """
    scale = min(largest[0] / size[0], largest[1] / size[1])
    scale = scale if enlarge else min(1.0, scale)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def place(picture: Frame, canvas: Frame, margin: int = 0) -> None:
    """Put a picture in the middle of a canvas, as large as it fits, on black.

    Args:
        picture: [h, w, 3] uint8 BGR.
        canvas: [H, W, 3] uint8 BGR, all of it overwritten.
        margin: pixels at the bottom that are left free where that costs the picture nothing.
    """
    height, width = canvas.shape[:2]
    size = fit((picture.shape[1], picture.shape[0]), (width, height), enlarge=True)
    picture = _scaled(picture, size)
    x, free = (width - size[0]) // 2, height - size[1]
    y = (free - margin) // 2 if free >= margin else free // 2
    canvas[:y] = 0
    canvas[y + size[1] :] = 0
    canvas[y : y + size[1], :x] = 0
    canvas[y : y + size[1], x + size[0] :] = 0
    canvas[y : y + size[1], x : x + size[0]] = picture


def _scaled(picture: Frame, size: Size) -> Frame:
    """Return a picture in another size (width, height), quickly."""
    height, width = picture.shape[:2]
    ratio = max(1, min(width // size[0], height // size[1]))
    if ratio > 1:
        # Averaging whole pixels takes a tenth of the time of averaging parts of them.
        inner = picture[: height // ratio * ratio, : width // ratio * ratio]
        step = width // ratio, height // ratio
        picture = np.asarray(cv2.resize(inner, step, interpolation=cv2.INTER_AREA), np.uint8)
    if picture.shape[1::-1] != size:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return picture


def _require_windows() -> Connection | None:
    """Return what tells whether the display is still there; None where windows need no telling.

    Raises:
        DeviceError: OpenCV would fail; its Qt ends the whole process without asking.
    """
    framework = cv2.currentUIFramework()
    if not framework:
        raise DeviceError(
            "this OpenCV opens no windows: replace opencv-python-headless by opencv-python, "
            f"or {_INSTEAD}"
        )
    if sys.platform != "linux":
        return None
    display = os.environ.get("DISPLAY")
    if not display and not os.environ.get("WAYLAND_DISPLAY"):
        raise DeviceError(f"no display to open a window on: {_INSTEAD}")
    if not framework.startswith("QT"):
        return None
    _refuse_foreign_x11()
    _keep_events_with_qt()
    _calm_qt()
    connection = Connection()
    # The Qt within opencv-python speaks nothing else, and aborts the process without an answer.
    if not connection.alive:
        connection.close()
        name = f"X11 display {display!r}" if display else "X11 display (Wayland: Xwayland)"
        raise DeviceError(f"the {name} does not answer: {_INSTEAD}")
    return connection


def _refuse_foreign_x11() -> None:
    """Raise RuntimeError where PyAV came before OpenCV: Qt would hang with PyAV's X11 libraries."""
    loaded = list(sys.modules)
    bundled = "QT_QPA_PLATFORM_PLUGIN_PATH" in os.environ
    if bundled and "av" in loaded and loaded.index("av") < loaded.index("cv2"):
        raise RuntimeError("window: found av imported before cv2, expected import cv2 first")


def _keep_events_with_qt() -> None:
    """Have Qt hear all of X11's events; otherwise windows stay black, and keys are lost, at random.

    Qt asks Xlib to leave events alone, through a small library that writes into a structure inside
    Xlib. The wheel of opencv-python brings that library from a time before Xlib 1.8, which moved
    the field: Xlib goes on taking events, such as the one that tells Qt that a window is shown.
    The one that came with this machine's Xlib, loaded for all to see, takes the place of the
    wheel's. It comes with libGL, without which the wheel does not load.
    """
    with contextlib.suppress(OSError):
        ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)


def _calm_qt() -> None:
    """Point Qt to what is there: it warns of lacking fonts and plugins that nobody needs here."""
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    if not Path(os.environ.get("QT_QPA_FONTDIR", "/nowhere")).is_dir():
        os.environ["QT_QPA_FONTDIR"] = str(_FONTS if _FONTS.is_dir() else Path("/"))
