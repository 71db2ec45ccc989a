"""The X11 display that windows open on: whether it answers, and whether it is still there."""

from __future__ import annotations

import ctypes
import os


class Connection:
    """A connection of our own, to learn in time that the display has gone.

    The Qt within opencv-python ends the whole process when it learns of it, recordings and all.
    But it looks only while it handles events: whoever looks here before can let go of a window.
    Without the library that takes connections nothing can be told, and all is taken to be well.
    """

    def __init__(self) -> None:
        """Connect to the display that DISPLAY names; `alive` tells whether that went well."""
        self._xcb: ctypes.CDLL | None = None
        self._connection = ctypes.c_void_p()
        try:
            self._xcb = _library()
        except OSError:
            return
        self._connection = ctypes.c_void_p(self._xcb.xcb_connect(None, None))

    @property
    def alive(self) -> bool:
        """Whether the display answers, as far as can be told."""
        if self._xcb is None:
            return bool(os.environ.get("DISPLAY"))
        # Reading what has come is what notices the end. Events are not for us, but may come.
        while event := self._xcb.xcb_poll_for_event(self._connection):
            ctypes.CDLL(None).free(ctypes.c_void_p(event))
        return not self._xcb.xcb_connection_has_error(self._connection)

    def close(self) -> None:
        """Let go of the display; to be called once, as the last thing."""
        if self._xcb is not None:
            self._xcb.xcb_disconnect(self._connection)


def _library() -> ctypes.CDLL:
    """Load libxcb, which opencv-python needs anyway.

    Raises:
        OSError: there is none.
    """
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = xcb.xcb_poll_for_event.restype = ctypes.c_void_p
    return xcb
