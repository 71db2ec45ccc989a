"""The whole program at a display: somebody presses keys, drags and closes; what comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from realtime.arrays import Frame
from realtime.sources import open_source
from tests.programs import HANG_S, wait_for
from tests.tile_sets import PLAIN
from tests.x11 import click, close, needs_tools, press, screenshot, windows

TITLE = "Automosaics"
MAP = "Automosaics: map of the tiles"
STRIP = 30

pytestmark = needs_tools


class Program:
    """The program, as it runs in an empty folder.

    Attributes:
        folder: where it runs.
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.folder = folder
        self._process = process

    def press(self, *keys: str) -> None:
        for key in keys:
            press(TITLE, key)
            time.sleep(0.3)

    def file(self, pattern: str) -> Path:
        """Wait for a file, and return it."""
        wait_for(lambda: bool(list(self.folder.glob(pattern))))
        return next(self.folder.glob(pattern))

    def end(self) -> dict[str, Any]:
        """Wait for the end; return the statistics of a run in which all went well."""
        out, err = self._process.communicate(timeout=HANG_S)
        assert (self._process.returncode, err) == (0, "")
        found = json.loads(out)
        assert isinstance(found, dict) and found["failures"] == []
        return found


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "realtime", "--tiles", str(PLAIN), "--stats", *arguments]
    path = os.pathsep.join((str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            # Without a window manager, the map lies on top.
            top = MAP if "--explore" in arguments else TITLE
            wait_for(lambda: process.poll() is not None or _shows_something(top))
            assert process.poll() is None, process.communicate()
            yield Program(process, folder)
        finally:
            process.kill()


def _shows_something(title: str) -> bool:
    return bool(windows(title)) and float(screenshot(title).mean()) > 1


@pytest.fixture
def demo(display: str, tmp_path: Path) -> Iterator[Program]:
    folder = tmp_path / "run"
    folder.mkdir()
    with started(folder, "--source", "demo", "--size", "640x360", "--columns", "32") as program:
        yield program


def test_keys_change_the_mosaic_and_what_is_kept_of_it(demo: Program) -> None:
    demo.press("r", "plus", "plus", "c", "p")
    picture = demo.file("*.png")
    demo.press("r", "k", "q")
    found = demo.end()
    assert found["columns"] > 32 and found["size"] == [640, 360]
    with open_source(str(demo.file("automosaic-*.mp4"))) as recording:
        assert recording.info.size == (640, 360)
        assert recording.read() is not None
    mosaic = cv2.imread(str(picture))
    assert mosaic is not None and mosaic.shape == (360, 640, 3)
    kept = (demo.folder.parent / "config" / "automosaics" / "settings.toml").read_text()
    assert 'colour = "tint"' in kept and f"columns = {found['columns']}" in kept


def test_a_recording_shows_nothing_of_the_overlay(display: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((360, 640, 3), 120, np.uint8))
    arguments = ["--source", "grey.png", "--record", "out.png", "--columns", "32"]
    with started(tmp_path, *arguments) as program:
        program.press("h", "e")
        wait_for(lambda: bool(windows(MAP)))
        program.press("p")
        wait_for(lambda: bool((screenshot(TITLE)[:360] != 120).any()))
        taken = cv2.imread(str(program.file("automosaic-*.png")))
        program.press("q")
        program.end()
    for picture in (cv2.imread(str(tmp_path / "out.png")), taken):
        # The atlas has but so many levels.
        assert picture is not None and np.ptp(picture) == 0 and abs(int(picture.max()) - 120) <= 2


def test_the_help_comes_and_goes(demo: Program) -> None:
    demo.press("space")
    plain = screenshot(TITLE)
    demo.press("h")
    wait_for(lambda: _differs(screenshot(TITLE)[:360], plain[:360]))
    demo.press("h")
    wait_for(lambda: not _differs(screenshot(TITLE)[:360], plain[:360]))
    demo.press("Escape")
    demo.end()


def test_the_slider_sets_the_number_of_tiles(demo: Program) -> None:
    strip = screenshot(TITLE)[360 + STRIP // 2]
    blue, green, red = (strip[:, channel].astype(int) for channel in range(3))
    knob = int(np.nonzero((red > 200) & (green > 150) & (blue < 120))[0].max())
    click(TITLE, knob + 25, 360 + STRIP // 2)
    time.sleep(0.5)
    demo.press("q")
    assert demo.end()["columns"] > 40


def test_compare_shows_both(display: str, tmp_path: Path) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[:, :, 2] = 200
    cv2.imwrite(str(tmp_path / "red.png"), image)
    with started(tmp_path, "--source", "red.png", "--columns", "32") as program:
        program.press("o")
        wait_for(lambda: screenshot(TITLE)[180, 100].tolist() == [0, 0, 200])
        mosaic = screenshot(TITLE)[180, 540]
        assert len(set(mosaic.tolist())) == 1 and 0 < mosaic[0] < 200, "grey: colour is mono"
        program.press("q")
        program.end()


def test_closing_the_window_ends_it_with_the_map_open(demo: Program) -> None:
    demo.press("e")
    wait_for(lambda: bool(windows(MAP)))
    close(TITLE)
    demo.end()


def test_the_map_can_be_closed_and_opened_again(demo: Program) -> None:
    for _ in range(2):
        demo.press("e")
        wait_for(lambda: bool(windows(MAP)))
        close(MAP)
        wait_for(lambda: not windows(MAP))
    demo.press("e")
    wait_for(lambda: bool(windows(MAP)))
    demo.press("e")
    wait_for(lambda: not windows(MAP))
    demo.press("q")
    demo.end()


def test_the_map_from_the_start(display: str, tmp_path: Path) -> None:
    with started(tmp_path, "--source", "demo", "--size", "640x360", "--explore") as program:
        wait_for(lambda: bool(windows(MAP)))
        program.press("q")
        program.end()


def _differs(one: Frame, other: Frame) -> bool:
    return one.shape != other.shape or bool((one != other).any())
