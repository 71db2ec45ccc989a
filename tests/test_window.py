"""The preview window on an X server without a screen: what it shows, hears and notices."""

from __future__ import annotations

import os
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
from realtime.keys import NO_KEY
from realtime.window import Painter, Window, fit, place
from tests.x11 import click, close, needs_tools, press, run, screenshot, windows

TITLE = "Automosaics test"
ESCAPE = 27
LEFT = 65361


@pytest.fixture
def window(display: str) -> Iterator[Window]:
    with Window(TITLE) as opened:
        yield opened


def picture(size: Size = (640, 360), seed: int = 0) -> Frame:
    """Return coarse blocks of random colours, like a mosaic."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def assert_shows(window: Window, mosaic: Frame, expected: Frame, levels: float = 0) -> None:
    """Send `mosaic` over and over, as the loop does, until the window shows `expected`."""
    deadline = time.monotonic() + 5
    while True:
        window.send(mosaic, 0)
        window.key(0.05)
        shown = screenshot(TITLE)
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
def test_each_of_many_windows_is_painted(display: str) -> None:
    """Qt was not told of every window that appeared, and left a third of them black."""
    for seed in range(12):
        with Window(TITLE) as opened:
            assert_shows(opened, picture(seed=seed), picture(seed=seed))


class Negative(Painter):
    """Shows everything negative, and remembers clicks."""

    margin = 40

    def __init__(self) -> None:
        self.clicks: list[tuple[int, int]] = []

    def draw(self, canvas: Frame) -> None:
        canvas[:] = 255 - canvas

    def mouse(self, event: int, x: int, y: int) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self.clicks.append((x, y))


@needs_tools
def test_shows_what_the_painter_draws_and_leaves_it_room(window: Window) -> None:
    window.painter = Negative()
    mosaic = picture()
    before = mosaic.copy()
    below = np.full((40, 640, 3), 255, np.uint8)
    assert_shows(window, mosaic, np.vstack([255 - mosaic, below]))
    np.testing.assert_array_equal(mosaic, before)


@needs_tools
def test_tells_the_painter_where_the_mouse_is(window: Window) -> None:
    painter = window.painter = Negative()
    for number in range(5):
        window.send(picture(), number)
    click(TITLE, 123, 45)
    deadline = time.monotonic() + 5
    while not painter.clicks and time.monotonic() < deadline:
        window.key(0.05)
    assert painter.clicks == [(123, 45)]


@needs_tools
def test_a_window_of_another_shape_keeps_the_aspect(window: Window) -> None:
    window.send(picture(), 0)
    run("xdotool", "windowsize", windows(TITLE)[-1], "640", "500")
    expected = np.zeros((500, 640, 3), np.uint8)
    expected[70:430] = picture()
    assert_shows(window, picture(), expected)


@needs_tools
@pytest.mark.parametrize(("key", "code"), [("q", ord("q")), ("Escape", ESCAPE), ("Left", LEFT)])
def test_hears_a_key_once(window: Window, key: str, code: int) -> None:
    window.send(picture(), 0)
    assert window.key() == NO_KEY
    press(TITLE, key)
    assert window.key(wait_s=2) == code
    assert window.key() == NO_KEY


@needs_tools
def test_a_key_pressed_between_mosaics_is_kept(window: Window) -> None:
    window.send(picture(), 0)
    press(TITLE, "a")
    time.sleep(0.1)
    for number in range(5):
        window.send(picture(), number)
    assert window.key() == ord("a")


@needs_tools
def test_notices_being_closed_and_stays_closed(window: Window) -> None:
    window.send(picture(), 0)
    assert not window.closed
    close(TITLE)
    window.key(0.2)
    assert window.closed
    window.send(picture(), 1)
    assert window.key(0.2) == NO_KEY
    assert window.closed
    assert windows(TITLE) == []


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


def test_fit_enlarges_where_asked() -> None:
    assert fit((100, 50), (400, 400), enlarge=True) == (400, 200)


@pytest.mark.parametrize(
    ("inside", "margin", "top", "height"),
    [
        ((64, 36), 0, 0, 36),
        ((64, 46), 10, 0, 36),  # just the room that was asked for
        ((64, 56), 10, 5, 36),
        ((64, 40), 10, 2, 36),  # too little: in the middle, and drawn over
        ((32, 36), 0, 9, 18),
    ],
)
def test_place(inside: Size, margin: int, top: int, height: int) -> None:
    canvas = np.full((inside[1], inside[0], 3), 9, np.uint8)
    place(np.full((36, 64, 3), 200, np.uint8), canvas, margin)
    expected = np.zeros_like(canvas)
    expected[top : top + height] = 200
    np.testing.assert_array_equal(canvas, expected)
