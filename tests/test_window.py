"""The preview window on an X server without a screen: what it shows, hears and notices."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from realtime.arrays import Frame, Size
from realtime.errors import DeviceError
from realtime.window import NO_KEY, Window, fit

TITLE = "Automosaics test"
ESCAPE = 27
LEFT = 65361

needs_tools = pytest.mark.skipif(
    not (shutil.which("xdotool") and shutil.which("import")),
    reason="needs xdotool and ImageMagick's import: apt-get install xdotool imagemagick",
)


@pytest.fixture
def window(display: str) -> Iterator[Window]:
    with Window(TITLE) as opened:
        yield opened


def picture(size: Size = (640, 360), seed: int = 0) -> Frame:
    """Return coarse blocks of random colours, like a mosaic."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def window_id(title: str = TITLE) -> str:
    return run("xdotool", "search", "--onlyvisible", "--name", title).decode().split()[-1]


def screenshot() -> Frame:
    """Return what the window shows, [H, W, 3] uint8 BGR."""
    png = np.frombuffer(run("import", "-window", window_id(), "png:-"), np.uint8)
    return np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR), np.uint8)


def press(key: str) -> None:
    run("xdotool", "windowfocus", window_id(), "key", key)


def assert_shows(window: Window, mosaic: Frame, expected: Frame, levels: float = 0) -> None:
    """Send `mosaic` over and over, as the loop does, until the window shows `expected`."""
    deadline = time.monotonic() + 5
    while True:
        window.send(mosaic, 0)
        window.key(0.05)
        shown = screenshot()
        if shown.shape == expected.shape and _difference(shown, expected) <= levels:
            return
        assert time.monotonic() < deadline, f"found {shown.shape}, mean level {shown.mean():.0f}"


def _difference(one: Frame, other: Frame) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@needs_tools
def test_shows_the_newest_mosaic(window: Window) -> None:
    for seed in (1, 2):
        assert_shows(window, picture(seed=seed), picture(seed=seed))


@needs_tools
def test_opens_in_the_size_of_the_mosaic_and_keeps_it(window: Window) -> None:
    assert_shows(window, picture((800, 450)), picture((800, 450)))
    assert_shows(window, picture((400, 225), seed=1), picture((800, 450), seed=1), levels=12)


@needs_tools
def test_a_large_mosaic_is_shrunk_to_fit(window: Window) -> None:
    assert_shows(window, picture((3840, 2160)), picture((1280, 720)), levels=12)


@needs_tools
def test_shows_what_the_overlay_draws(window: Window) -> None:
    window.overlay = lambda mosaic: 255 - mosaic
    assert_shows(window, picture(), 255 - picture())


@needs_tools
@pytest.mark.parametrize(("key", "code"), [("q", ord("q")), ("Escape", ESCAPE), ("Left", LEFT)])
def test_hears_a_key_once(window: Window, key: str, code: int) -> None:
    window.send(picture(), 0)
    assert window.key() == NO_KEY
    press(key)
    assert window.key(wait_s=2) == code
    assert window.key() == NO_KEY


@needs_tools
def test_a_key_pressed_between_mosaics_is_kept(window: Window) -> None:
    window.send(picture(), 0)
    press("a")
    time.sleep(0.1)
    for number in range(5):
        window.send(picture(), number)
    assert window.key() == ord("a")


@needs_tools
def test_notices_being_closed_and_stays_closed(window: Window) -> None:
    window.send(picture(), 0)
    assert not window.closed
    ask_to_close(window_id())
    window.key(0.2)
    assert window.closed
    window.send(picture(), 1)
    assert window.key(0.2) == NO_KEY
    assert window.closed
    search = ["xdotool", "search", "--onlyvisible", "--name", TITLE]
    assert subprocess.run(search, check=False).returncode == 1


def test_can_be_opened_again(display: str) -> None:
    for _ in range(2):
        with Window(TITLE) as window:
            window.send(picture(), 0)
            assert not window.closed
        assert window.closed


def test_belongs_to_the_main_thread(display: str) -> None:
    raised = []

    def open_window() -> None:
        try:
            Window(TITLE)
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=open_window, name="elsewhere")
    thread.start()
    thread.join()
    assert raised == ["window: found the thread elsewhere, expected the main thread"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "no display to open a window on: pass --no-window"),
        (":987", "the X11 display ':987' does not answer: pass --no-window"),
    ],
)
def test_without_a_display_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str | None, message: str
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if name:
        monkeypatch.setenv("DISPLAY", name)
    with pytest.raises(DeviceError, match=message) as told:
        Window()
    assert "\n" not in str(told.value)


def test_the_headless_wheel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    with pytest.raises(DeviceError, match="replace opencv-python-headless by opencv-python"):
        Window()


def test_opens_without_noise(display: str) -> None:
    script = "from realtime.window import Window; Window('quiet').close()"
    done = in_child(script, XDG_SESSION_TYPE="wayland")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_lives_beside_recordings(display: str) -> None:
    """PyAV and OpenCV bring X11 libraries that do not mix in every order of loading."""
    script = "import realtime.recording; from realtime.window import Window; Window('w').close()"
    done = in_child(script)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="a clash of libraries on Linux only")
def test_says_so_where_the_libraries_would_hang(display: str) -> None:
    done = in_child("import av; from realtime.window import Window; Window()")
    assert done.returncode == 0 or "expected import cv2 first" in done.stderr


def in_child(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (640, 480)), ((2560, 1440), (1280, 720)), ((100, 1600), (50, 800))],
)
def test_fit(size: Size, expected: Size) -> None:
    assert fit(size, (1280, 800)) == expected


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
