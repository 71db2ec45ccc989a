"""The virtual camera: what it tells its readers; without a driver, its one-line remedies.

What readers see is in test_calls.py. Some tests here need v4l2loopback at /dev/video10 and a real
camera at /dev/video0, and run where CAMERAS=1 says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import cv2
import pytest

from realtime.arrays import Size
from realtime.errors import DeviceError, UserError
from realtime.virtual_camera import VirtualCamera
from tests.stamps import SIZE, picture

pytest.importorskip("pyvirtualcam", reason="needs pyvirtualcam")

DEVICE = "/dev/video10"
FPS = 25.0

needs_driver = pytest.mark.skipif(
    os.environ.get("CAMERAS") != "1",
    reason=f"needs v4l2loopback at {DEVICE}; set CAMERAS=1 where it is",
)


class Reader:
    """A program that reads the virtual camera, and holds it until the `with` statement ends."""

    def __init__(self) -> None:
        self.satisfied = False
        self._let_go = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        capture = cv2.VideoCapture(DEVICE, cv2.CAP_V4L2)
        assert capture.read()[0]
        self.satisfied = True
        self._let_go.wait()
        capture.release()

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go.set()
        self._thread.join()


@needs_driver
@pytest.mark.parametrize(
    ("fps", "declared"), [(25.0, "25.000"), (29.97, "29.970"), (0.0, "30.000")]
)
def test_declares_size_and_rate(fps: float, declared: str) -> None:
    with VirtualCamera((640, 360), fps, DEVICE) as camera:
        camera.send(picture((640, 360)), 0)
        told = _ctl("--get-fmt-video", "--get-parm")
    assert "Width/Height      : 640/360" in told
    assert f"Frames per second: {declared}" in told


@needs_driver
def test_finds_a_device_by_itself_and_gives_it_back() -> None:
    for _ in range(2):
        with VirtualCamera((640, 360), FPS) as camera:
            assert camera.device == DEVICE
            assert camera.name == f"virtual camera {DEVICE}"


@needs_driver
@pytest.mark.parametrize("device", [DEVICE, None])
def test_a_second_writer_is_told(device: str | None) -> None:
    script = (
        "import sys, numpy as np\n"
        "from realtime.virtual_camera import VirtualCamera\n"
        f"camera = VirtualCamera((640, 360), 30, {DEVICE!r})\n"
        "camera.send(np.zeros((360, 640, 3), np.uint8), 0)\n"
        "print('writing', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with _child(script) as answers:
        assert answers.readline() == "writing\n"
        with pytest.raises(DeviceError, match=f"{DEVICE} is being written by another program"):
            VirtualCamera(SIZE, FPS, device)


@needs_driver
def test_a_reader_that_holds_another_size_is_told_of() -> None:
    camera = VirtualCamera((640, 360), FPS, DEVICE)
    camera.send(picture((640, 360)), 0)
    with Reader() as reader:
        while not reader.satisfied:
            camera.send(picture((640, 360)), 0)
        camera.close()
        with pytest.raises(DeviceError, match=r"is held at 640x360 .* or pass --size 640x360"):
            VirtualCamera(SIZE, FPS, DEVICE)
    VirtualCamera(SIZE, FPS, DEVICE).close()


@needs_driver
def test_a_real_camera_is_no_virtual_one() -> None:
    with pytest.raises(DeviceError, match=f"/dev/video0 is no virtual camera: choose {DEVICE}"):
        VirtualCamera(SIZE, FPS, "/dev/video0")


@pytest.mark.parametrize(("size", "even"), [((641, 480), "640x480"), ((641, 481), "640x480")])
def test_odd_sizes_are_refused_with_an_even_one(size: Size, even: str) -> None:
    with pytest.raises(UserError, match=f"found {size[0]}x{size[1]}: pass --size {even}"):
        VirtualCamera(size, FPS)


@pytest.mark.skipif(sys.platform != "linux", reason="devices have paths on Linux only")
def test_a_missing_device_is_told_in_one_line() -> None:
    with pytest.raises(DeviceError, match="/dev/video99 is no virtual camera: ") as told:
        VirtualCamera(SIZE, FPS, "/dev/video99")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("platform", "remedy"),
    [
        ("linux", "sudo modprobe v4l2loopback exclusive_caps=1 card_label=Automosaics"),
        ("win32", "install OBS Studio"),
        ("darwin", "start and stop its virtual camera once"),
    ],
)
def test_without_a_driver_the_remedy_is_named(
    no_driver: None, monkeypatch: pytest.MonkeyPatch, platform: str, remedy: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(DeviceError, match=f"no virtual camera: .*{remedy}") as told:
        VirtualCamera(SIZE, FPS)
    assert "\n" not in str(told.value)


def test_without_pyvirtualcam_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match="pip install pyvirtualcam"):
        VirtualCamera(SIZE, FPS)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pyvirtualcam find no device, as on a machine without a driver."""
    camera = pytest.importorskip("pyvirtualcam.camera")

    def refuse(**_settings: Any) -> None:
        raise RuntimeError("no device found.\nDid you install it?")

    monkeypatch.setattr(camera, "BACKENDS", {"first": refuse, "second": refuse})
    monkeypatch.setattr("realtime.virtual_camera.list_virtual_cameras", list)


def _ctl(*arguments: str) -> str:
    command = ["v4l2-ctl", "-d", DEVICE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def _child(script: str) -> Iterator[IO[str]]:
    """Run `script` in another process, which ends with its input; yield its output."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield child.stdout
        child.stdin.close()
