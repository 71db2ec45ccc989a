"""Faults of real devices, on the whole program; on a machine lent for it, see `test_devices.py`."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from realtime.sources import open_source
from tests.programs import ended, frames, length_s, program, told
from tests.webcam import NAME, VIRTUAL, WEBCAM, block, control, unblock

if "CAMERAS" not in os.environ:
    pytest.skip("injects faults: set CAMERAS=1 on a machine for it", allow_module_level=True)

RUN = ("--source", "0", "--no-window", "--stats", "--record", "out.mp4")
_LOOPBACK = Path("/dev/v4l2loopback")
_REMOVE, _ADD = 0x4C81, 0x4C80
"""V4L2LOOPBACK_CTL_... of v4l2loopback.h, as they have been since its first version."""


@pytest.fixture(autouse=True)
def sound_camera() -> Iterator[None]:
    """Let go of the camera, whatever the test did to it."""
    yield
    unblock()


def assert_free() -> None:
    """Fail unless both devices can be taken by somebody else."""
    with open_source("0") as camera:
        assert camera.read() is not None
    with Path(VIRTUAL).open("wb"):
        pass


@pytest.mark.parametrize(
    "fault",
    [
        *("inject_v4l2_buf_flag_error", "inject_vidioc_qbuf_error"),
        *("inject_req_validate_error", "inject_fatal_streaming_error"),
    ],
)
def test_a_fault_in_a_stream_costs_frames_only(fault: str, tmp_path: Path) -> None:
    with program(tmp_path, *RUN, "--seconds", "3") as process:
        told(process, 20)
        control(fault)
        moments, statistics, err = ended(process)
    assert process.returncode == 0, err
    assert len(moments) > 20
    assert statistics["captured"] == statistics["frames"] + statistics["dropped"]  # type: ignore[operator]
    assert frames(tmp_path / "out.mp4") == statistics["frames"]
    assert length_s(tmp_path / "out.mp4") > 2.5
    assert_free()


def test_a_camera_that_is_blocked_is_waited_for(tmp_path: Path) -> None:
    with program(tmp_path, *RUN, "--seconds", "7") as process:
        told(process, 20)
        block()
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        assert lines[0].startswith(f"automosaic: {NAME} ({WEBCAM}): ")
        assert ": looking for it, so plug it in again" in lines[1]
        unblock()
        _, statistics, err = ended(process)
    assert (process.returncode, err) == (0, f"automosaic: {NAME} is back\n")
    assert frames(tmp_path / "out.mp4") == statistics["frames"]
    assert length_s(tmp_path / "out.mp4") > 6
    assert_free()


def test_a_camera_that_loses_frames_is_only_slower(tmp_path: Path) -> None:
    control("percentage_of_dropped_buffers", 60)
    with program(tmp_path, *RUN, "--seconds", "4") as process:
        _, statistics, _ = ended(process)
    assert process.returncode == 0
    assert 15 < statistics["frames"] == frames(tmp_path / "out.mp4")  # type: ignore[operator]


@pytest.mark.parametrize("fault", ["inject_vidioc_streamon_error", "percentage"])
def test_a_camera_that_does_not_start_is_one_line(fault: str, tmp_path: Path) -> None:
    if fault == "percentage":
        block()
    else:
        control(fault)
    with program(tmp_path, *RUN) as process:
        moments, _, err = ended(process)
    assert (process.returncode, moments, err.count("\n")) == (1, [], 1)
    assert err.startswith(f"automosaic: {NAME} ") and "close other programs" in err
    assert not (tmp_path / "out.mp4").exists()
    unblock()
    assert_free()


@pytest.mark.parametrize(
    ("name", "blocked"),
    [("SIGINT", False), ("SIGTERM", False), ("SIGHUP", False), ("SIGTERM", True)],
)
def test_a_signal_ends_a_call(name: str, blocked: bool, tmp_path: Path) -> None:
    with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL) as process:
        told(process, 20)
        if blocked:
            block()
            time.sleep(0.5)
        start_s = time.perf_counter()
        process.send_signal(getattr(signal, name))
        if blocked:
            # So that the driver lets go of the camera's thread while the program ends.
            unblock()
        _, statistics, err = ended(process)
        took_s = time.perf_counter() - start_s
    print(f"{name}, blocked {blocked}: ended in {took_s:.2f} s")
    assert (process.returncode, err.count("\n")) == (0, 1)
    assert frames(tmp_path / "out.mp4") == statistics["frames"]
    assert_free()


def test_a_kill_leaves_devices_free(tmp_path: Path) -> None:
    with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL) as process:
        start_s = told(process, 37)[1]
        process.kill()
        moments, _, _ = ended(process)
    last_s = (moments or [start_s])[-1]
    assert length_s(tmp_path / "out.mp4") > last_s - start_s - 1
    assert_free()
    with program(tmp_path, *RUN, "--overwrite", "--virtual-camera", "--frames", "5") as process:
        assert ended(process)[1]["frames"] == 5


class TestVirtualCamera:
    """A virtual camera that is taken, or removed."""

    def test_taken_is_one_line_and_nothing_is_left(self, tmp_path: Path) -> None:
        arguments = (*RUN, "--virtual-camera", VIRTUAL)
        with program(tmp_path, *RUN[:4], "--virtual-camera", "--no-rest") as first:
            told(first, 5)
            with program(tmp_path, "--source", "demo", *arguments[2:]) as second:
                _, _, err = ended(second)
            first.terminate()
            assert ended(first)[2].count("\n") == 1
        expected = f"automosaic: {VIRTUAL} is being written by another program: close that one\n"
        assert (second.returncode, err) == (1, expected)
        assert not (tmp_path / "out.mp4").exists()

    def test_cannot_be_removed_while_it_is_used(self, tmp_path: Path) -> None:
        with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL, "--seconds", "3") as process:
            told(process, 10)
            with pytest.raises(OSError, match="busy"), _LOOPBACK.open("rb+", buffering=0) as driver:
                fcntl.ioctl(driver, _REMOVE, int(VIRTUAL.removeprefix("/dev/video")))
            _, statistics, _ = ended(process)
        assert process.returncode == 0
        assert statistics["failures"] == []

    def test_removed_before_is_one_line(self, tmp_path: Path) -> None:
        number = int(VIRTUAL.removeprefix("/dev/video"))
        with _LOOPBACK.open("rb+", buffering=0) as driver:
            fcntl.ioctl(driver, _REMOVE, number)
            try:
                with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL) as process:
                    _, _, err = ended(process)
            finally:
                # struct v4l2_loopback_config: number, unused, label, sizes, buffers, openers...
                wish = struct.pack("ii32s8i", number, number, b"Automosaics", *[0] * 6, 0, 0)
                fcntl.ioctl(driver, _ADD, wish)
        assert process.returncode == 1
        assert err.splitlines()[-1].startswith(f"automosaic: {VIRTUAL} is no virtual camera: sudo")
        assert not (tmp_path / "out.mp4").exists()
        assert_free()

    def test_a_reader_may_come_and_go(self, tmp_path: Path) -> None:
        with program(tmp_path, *RUN, "--virtual-camera", VIRTUAL, "--seconds", "6") as process:
            told(process, 10)
            for _ in range(4):
                reader = cv2.VideoCapture(VIRTUAL, cv2.CAP_V4L2)
                assert reader.read()[0]
                reader.release()
            _, statistics, _ = ended(process)
        assert process.returncode == 0
        assert frames(tmp_path / "out.mp4") == statistics["frames"]
