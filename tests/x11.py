"""A person at an X server without a screen: looks at windows, presses keys, clicks, closes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from benchmarks.display import PROGRAM, x_server
from realtime.arrays import Frame


@contextmanager
def server() -> Iterator[tuple[str, Callable[[], None]]]:
    """Run an X server without a screen; yield its name, such as ":5", and what kills it."""
    if not shutil.which(PROGRAM):
        pytest.skip("needs Xvfb: apt-get install xvfb xdotool imagemagick")
    with x_server() as (name, process):
        yield name, lambda: _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


needs_tools = pytest.mark.skipif(
    not (shutil.which("xdotool") and shutil.which("import")),
    reason="needs xdotool and ImageMagick's import: apt-get install xdotool imagemagick",
)


def run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def windows(title: str) -> list[str]:
    """Return the windows to be seen that are called so, oldest first."""
    search = ["xdotool", "search", "--onlyvisible", "--name", f"^{title} *$"]
    return subprocess.run(search, capture_output=True, check=False).stdout.decode().split()


def screenshot(title: str) -> Frame:
    """Return what the window shows, [H, W, 3] uint8 BGR."""
    png = np.frombuffer(run("import", "-window", windows(title)[-1], "png:-"), np.uint8)
    return np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR), np.uint8)


def press(title: str, key: str) -> None:
    """Press a key in the window, by the name that X11 has for it."""
    run("xdotool", "windowfocus", windows(title)[-1], "key", key)


def click(title: str, x: int, y: int) -> None:
    """Click at a pixel of the window."""
    move = ["xdotool", "mousemove", "--window", windows(title)[-1], str(x), str(y)]
    run(*move, "mousedown", "1", "sleep", "0.1", "mouseup", "1")


def close(title: str) -> None:
    """Click the window's close button, as good as."""
    ask_to_close(windows(title)[-1])


class ClientMessage(ctypes.Structure):
    """XClientMessageEvent, padded to the size of XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 12),
    )


def ask_to_close(identifier: str) -> None:
    """Send what a window manager sends when its close button is clicked."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(None))
    protocols, delete = (
        x11.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    target = ctypes.c_ulong(int(identifier))
    message = ClientMessage(
        33, 0, 1, connection, target, protocols, 32, (ctypes.c_long * 5)(delete)
    )
    x11.XSendEvent(connection, target, 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(connection)
