"""The preview window."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2

from realtime.arrays import Frame, Size
from realtime.errors import DeviceError
from realtime.sinks import CheckedSink

NO_KEY = -1
LARGEST: Size = (1280, 800)
"""A window opens no larger than this: more may not fit a laptop, and is slow to paint."""
_INSTEAD = "pass --no-window with --record or --virtual-camera"
_FONTS = Path("/usr/share/fonts")


class Window(CheckedSink):
    """A window that shows the newest mosaic and hears keys. For the main thread only.

    It takes mosaics of any size and scales them to its own, keeping the aspect.

    Attributes:
        title: also the name by which OpenCV knows it, so no two may share one.
        overlay: draws on what is shown: gets a mosaic, which it must not change, and returns
            the picture to show. None shows the mosaic itself.
    """

    def __init__(
        self, title: str = "Automosaics", *, overlay: Callable[[Frame], Frame] | None = None
    ) -> None:
        """Open the window.

        Raises:
            DeviceError: there is no display, or this OpenCV was built without windows.
        """
        if threading.current_thread() is not threading.main_thread():
            found = threading.current_thread().name
            raise RuntimeError(f"window: found the thread {found}, expected the main thread")
        super().__init__("window", None)
        self.title = title
        self.overlay = overlay
        self._key = NO_KEY
        self._shown = False
        _require_windows()
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(title, flags)
        except cv2.error as error:
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

    def _send(self, mosaic: Frame, time_s: float) -> None:
        # Showing anything in a closed window would open it again.
        if self.closed:
            return
        if not self._shown:
            height, width = mosaic.shape[:2]
            cv2.resizeWindow(self.title, *fit((width, height), LARGEST))
            self._shown = True
        cv2.imshow(self.title, mosaic if self.overlay is None else self.overlay(mosaic))
        # Nothing is painted until the window's events are handled.
        self._listen(0.001)

    def _listen(self, wait_s: float) -> None:
        if not self.closed:
            key = cv2.waitKeyEx(max(1, round(1000 * wait_s)))
            if key != NO_KEY:
                self._key = key

    def _close(self) -> None:
        try:
            cv2.destroyWindow(self.title)
            cv2.waitKeyEx(1)
        except cv2.error:
            # The user was faster.
            return


def fit(size: Size, largest: Size) -> Size:
    """Return `size` (width, height) shrunk to lie within `largest`, its aspect kept."""
    scale = min(1.0, largest[0] / size[0], largest[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _require_windows() -> None:
    """Raise DeviceError where OpenCV would fail; its Qt ends the whole process without asking."""
    framework = cv2.currentUIFramework()
    if not framework:
        raise DeviceError(
            "this OpenCV opens no windows: replace opencv-python-headless by opencv-python, "
            f"or {_INSTEAD}"
        )
    if sys.platform != "linux":
        return
    display = os.environ.get("DISPLAY")
    if not display and not os.environ.get("WAYLAND_DISPLAY"):
        raise DeviceError(f"no display to open a window on: {_INSTEAD}")
    if framework.startswith("QT"):
        if not _x11_answers():
            name = f"X11 display {display!r}" if display else "X11 display (Wayland: Xwayland)"
            raise DeviceError(f"the {name} does not answer: {_INSTEAD}")
        _refuse_foreign_x11()
        _calm_qt()


def _x11_answers() -> bool:
    """Return whether the X11 display that DISPLAY names takes connections, as far as can be told.

    The Qt within opencv-python speaks nothing else, and aborts the process when it does not.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return bool(os.environ.get("DISPLAY"))
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _refuse_foreign_x11() -> None:
    """Raise RuntimeError where PyAV came before OpenCV: Qt would hang with PyAV's X11 libraries."""
    loaded = list(sys.modules)
    bundled = "QT_QPA_PLATFORM_PLUGIN_PATH" in os.environ
    if bundled and "av" in loaded and loaded.index("av") < loaded.index("cv2"):
        raise RuntimeError("window: found av imported before cv2, expected import cv2 first")


def _calm_qt() -> None:
    """Point Qt to what is there: it warns of lacking fonts and plugins that nobody needs here."""
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    if not Path(os.environ.get("QT_QPA_FONTDIR", "/nowhere")).is_dir():
        os.environ["QT_QPA_FONTDIR"] = str(_FONTS if _FONTS.is_dir() else Path("/"))
