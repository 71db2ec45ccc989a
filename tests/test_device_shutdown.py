"""From any state of its devices the program ends within a second; see `test_shutdown.py`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.sources import open_source
from tests.programs import ended, frames, program, told, wait_for
from tests.webcam import VIRTUAL, WEBCAM, block, unblock, unplug

if "CAMERAS" not in os.environ:
    pytest.skip("blocks and unplugs: set CAMERAS=1 on a machine for it", allow_module_level=True)

RUN = ("--source", "0", "--no-window", "--stats")
CALL = (*RUN, "--virtual-camera", VIRTUAL, "--record", "out.mp4")
SOON_S = 10.0
"""A generous second."""
_READER = "import cv2, sys; c = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)\nwhile c.grab(): pass"


@pytest.fixture(autouse=True)
def sound_camera(plugged_in_again: None) -> Iterator[None]:
    """Let go of the camera, whatever the test did to it."""
    yield
    if WEBCAM.exists():
        unblock()


def end(process: subprocess.Popen[str], state: str) -> dict[str, object]:
    """End the program by a signal, and return its statistics."""
    start_s = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    _, statistics, err = ended(process)
    took_s = time.perf_counter() - start_s
    print(f"{state}: ended in {took_s:.2f} s")
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert took_s < SOON_S
    return statistics


def test_during_a_call_that_somebody_watches(tmp_path: Path) -> None:
    with program(tmp_path, *CALL) as process:
        told(process, 10)
        with subprocess.Popen([sys.executable, "-c", _READER, VIRTUAL]) as reader:
            told(process, 20)
            statistics = end(process, "virtual camera with a reader")
            reader.kill()
    assert frames(tmp_path / "out.mp4") == statistics["frames"]


def test_while_the_camera_is_blocked(tmp_path: Path) -> None:
    with program(tmp_path, *CALL) as process:
        told(process, 10)
        block()
        time.sleep(0.5)
        statistics = end(process, "camera blocked")
    assert frames(tmp_path / "out.mp4") == statistics["frames"]


def test_a_blocked_camera_is_let_go() -> None:
    """In a program that goes on, too, its thread ends and the device is free."""
    with open_source("0") as camera:
        assert camera.read() is not None
        block()
        time.sleep(0.2)
    start_s = time.perf_counter()
    wait_for(lambda: not any("camera" in thread.name for thread in threading.enumerate()))
    print(f"camera blocked: its thread ended {time.perf_counter() - start_s:.2f} s after closing")
    unblock()
    with open_source("0") as camera:
        assert camera.read() is not None


def test_while_a_blocked_camera_is_opened(tmp_path: Path) -> None:
    block()
    with program(tmp_path, *CALL) as process:
        time.sleep(3)
        end(process, "camera opened, but blocked")
    assert not (tmp_path / "out.mp4").exists()


def test_while_the_camera_is_looked_for(tmp_path: Path) -> None:
    with program(tmp_path, *CALL) as process:
        told(process, 10)
        unplug()
        assert process.stderr is not None
        while "looking for it" not in process.stderr.readline():
            pass
        statistics = end(process, "looking for a camera")
    assert frames(tmp_path / "out.mp4") == statistics["frames"]


def test_while_the_camera_rests(tmp_path: Path) -> None:
    with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL) as process:
        assert process.stderr is not None
        while "nobody reads" not in process.stderr.readline():
            pass
        time.sleep(0.5)
        end(process, "camera resting")
