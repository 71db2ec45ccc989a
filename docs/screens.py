"""Make the pictures of `docs/live.md` again: the program on an X server without a screen.

python -m docs.screens

Needs `xvfb xdotool imagemagick` (Debian).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from realtime.arrays import Frame
from tests import x11

FOLDER = Path(__file__).parent / "live"
ROOT = FOLDER.parent.parent
TITLE, MAP = "Automosaics", "Automosaics: map of the tiles"
START_S = 30.0
SETTLE_S = 2.5
SIZE = "960x540"
CALM_FPS = "10"  # what a busy machine without a graphics card can draw, too
QUALITY = 70


@contextmanager
def program(*arguments: str) -> Iterator[None]:
    """Run the program until its picture has been taken, and quit it with its key."""
    options = ["--no-settings", "--source", "demo", "--size", SIZE, *arguments]
    command = [sys.executable, "-m", "realtime", *options]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, cwd=folder, env=environment) as process:
            end = time.monotonic() + START_S
            while not x11.windows(TITLE) and time.monotonic() < end:
                time.sleep(0.1)
            time.sleep(SETTLE_S)
            yield
            x11.press(TITLE, "q")
            process.wait(START_S)


def keys(*names: str) -> None:
    """Press keys, and wait until what they change is to be seen."""
    for name in names:
        x11.press(TITLE, name)
        time.sleep(0.3)
    time.sleep(SETTLE_S)


def views() -> Iterator[tuple[str, Frame]]:
    """Yield the name and the picture of every view, [H, W, 3] uint8 BGR."""
    with program("--fps", CALM_FPS):
        yield "preview", x11.screenshot(TITLE)
        keys("h")
        yield "help", x11.screenshot(TITLE)
        keys("h", "o")
        yield "compare", x11.screenshot(TITLE)
        keys("o", "r")
        yield "recording", x11.screenshot(TITLE)
        keys("r", "e")
        x11.click(MAP, 330, 260)
        time.sleep(SETTLE_S)
        yield "map", x11.screenshot(MAP)
        keys("e", "c")
        yield "tint", x11.screenshot(TITLE)
    with program("--fps", "240"):
        time.sleep(SETTLE_S)
        yield "slow", x11.screenshot(TITLE)


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with x11.server() as (name, _):
        os.environ["DISPLAY"] = name
        for view, picture in views():
            _save(view, picture)


def _save(view: str, picture: Frame) -> None:
    path = FOLDER / f"{view}.jpg"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    print(f"{path}: {picture.shape[1]}x{picture.shape[0]}, {path.stat().st_size // 1000} KB")


if __name__ == "__main__":
    main()
