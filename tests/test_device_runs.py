"""Whole runs with real devices: a webcam that goes and comes back, and one that nobody needs.

Needs root, CAMERAS=1, the kernel's test camera `vivid` at /dev/video0 and v4l2loopback at
/dev/video10: `sudo modprobe vivid n_devs=1 node_types=0x1 vid_cap_nr=0` and
`sudo modprobe v4l2loopback video_nr=10 card_label=Automosaics exclusive_caps=1`.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from realtime import cli
from realtime.arrays import Frame
from realtime.errors import DeviceError
from realtime.sources import open_source
from tests.fakes import FakeMosaic, FakeMosaicFilter
from tests.webcam import GONE_S, NAME, VIRTUAL, disconnect, plug_in, replug, unplug

if "CAMERAS" not in os.environ:
    pytest.skip("pulls out the webcam: set CAMERAS=1 on a machine for it", allow_module_level=True)

Step = tuple[float, Callable[[], None]]
Run = Callable[..., tuple[int, dict[str, Any], list[str]]]


class _CountingFilter(FakeMosaicFilter):
    """Tells when the run has begun: one mosaic is made before, to learn its size."""

    begun = threading.Event()

    def make(self, frame: Frame) -> FakeMosaic:
        if len(self.seen) > 1:
            self.begun.set()
        return super().make(frame)


@pytest.fixture
def automosaic(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command line with a fake filter and without a window, and take steps meanwhile.

    The steps are what to do after so many seconds of the run. Returns the exit status, the
    statistics, and the lines on stderr.
    """
    monkeypatch.setattr(cli, "MosaicFilter", _CountingFilter)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def take(steps: tuple[Step, ...]) -> None:
        _CountingFilter.begun.wait()
        start = time.perf_counter()
        for after_s, act in steps:
            time.sleep(max(0, start + after_s - time.perf_counter()))
            act()

    def run(*arguments: str, steps: tuple[Step, ...]) -> tuple[int, dict[str, Any], list[str]]:
        _CountingFilter.begun.clear()
        capfd.readouterr()
        acting = threading.Thread(target=take, args=(steps,))
        acting.start()
        status = cli.main(["--source", "0", "--no-window", "--stats", *arguments])
        _CountingFilter.begun.set()
        acting.join()
        out, err = capfd.readouterr()
        return status, json.loads(out), err.splitlines()

    return run


@pytest.mark.usefixtures("plugged_in_again")
class TestPluggedInAgain:
    """A run goes on when its camera comes back."""

    @pytest.mark.parametrize(
        ("steps", "gap_s"),
        [
            (((1.0, unplug), (4.0, plug_in)), (2.5, 5.0)),
            (((1.0, disconnect),), (0.3, 4.0)),
            (((1.0, replug),), (0.05, 2.0)),
        ],
        ids=["unplug", "disconnect", "replug"],
    )
    def test_the_recording_is_one_file_of_true_times(
        self,
        steps: tuple[Step, ...],
        gap_s: tuple[float, float],
        automosaic: Run,
        tmp_path: Path,
    ) -> None:
        path = tmp_path / "out.mp4"
        status, statistics, err = automosaic("--record", str(path), "--seconds", "8", steps=steps)
        assert status == 0
        assert [re.sub(r".* (was|stopped) .*: looking", "looking", line) for line in err[1:]] in (
            ["looking for it, so plug it in again", f"automosaic: {NAME} is back"],
            [],  # so fast that there was nothing to tell
        )
        with open_source(str(path)) as recording:
            times = []
            while (frame := recording.read()) is not None:
                times.append(frame.time_s)
        assert len(times) == statistics["frames"]
        assert statistics["captured"] == statistics["frames"] + statistics["dropped"]
        gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
        print(f"gap {max(gaps):.2f} s, end {times[-1]:.2f} s, {len(times)} frames")
        assert gap_s[0] < max(gaps) < gap_s[1]
        assert sorted(gaps)[-2] < 1.5
        # It was asked to end 8 s after the first frame.
        assert 7.3 < times[-1] < 8

    def test_those_who_watch_see_the_last_mosaic_meanwhile(self, automosaic: Run) -> None:
        seen: list[float] = []
        moments: list[float] = []
        ended = threading.Event()

        def watch() -> None:
            reader = cv2.VideoCapture(VIRTUAL, cv2.CAP_V4L2)
            while not ended.is_set():
                if reader.read()[0]:
                    seen.append(time.perf_counter())
            reader.release()

        def note() -> None:
            moments.append(time.perf_counter())

        watching = threading.Thread(target=watch)
        steps = (
            *((0.5, watching.start), (2.0, unplug), (3.0, note)),
            *((5.0, note), (5.0, plug_in), (7.0, ended.set)),
        )
        status, _, err = automosaic("--virtual-camera", VIRTUAL, "--seconds", "9", steps=steps)
        watching.join()
        assert (status, len(err)) == (0, 3)
        during = [moment for moment in seen if moments[0] < moment < moments[1]]
        print(f"{len(during) / 2:.1f} mosaics a second while the camera is away")
        assert len(during) > 6

    def test_patience_has_an_end(self, automosaic: Run, tmp_path: Path) -> None:
        start = time.perf_counter()
        arguments = ["--record", str(tmp_path / "out.mp4"), "--reconnect", "1.5"]
        status, statistics, err = automosaic(*arguments, steps=((1.0, unplug),))
        assert time.perf_counter() - start < 3 + GONE_S + 1.5 + 2
        assert (status, len(err)) == (1, 3)
        assert err[-1].endswith("(looked for it for 1.5 s)")
        with open_source(str(tmp_path / "out.mp4")) as recording:
            assert recording.info.frames == statistics["frames"] > 0

    def test_a_second_time(self, automosaic: Run) -> None:
        steps = (1.0, unplug), (2.5, plug_in), (5.0, unplug), (6.5, plug_in)
        status, statistics, err = automosaic("--seconds", "10", steps=steps)
        assert (status, len(err)) == (0, 5)
        assert statistics["frames"] > 60
        assert 9 < statistics["seconds"] < 12


def is_free() -> bool:
    """Return whether the webcam may be read, which one program may at a time."""
    try:
        with open_source("0"):
            return True
    except DeviceError:
        return False


@pytest.mark.usefixtures("plugged_in_again")
@pytest.mark.parametrize("pull", [unplug, disconnect])
def test_without_patience_the_recording_ends(
    pull: Callable[[], None], automosaic: Run, tmp_path: Path
) -> None:
    path = tmp_path / "out.mp4"
    start = time.perf_counter()
    status, statistics, err = automosaic(
        *("--record", str(path), "--reconnect", "0"), steps=((1.0, pull),)
    )
    assert time.perf_counter() - start < 3 + GONE_S + 2
    assert (status, len(err)) == (1, 2)
    assert err[0] == f"automosaic: {NAME} (/dev/video0): 1280x720 at 30 fps"
    assert err[1].startswith(f"automosaic: {NAME} ")
    assert statistics["captured"] == statistics["frames"] + statistics["dropped"]
    with open_source(str(path)) as recording:
        assert recording.info.frames == statistics["frames"] > 0


class TestNobodyReads:
    """The camera is let go while no program reads the virtual camera."""

    def test_until_somebody_does_and_again_afterwards(self, automosaic: Run) -> None:
        free: list[bool] = []
        cpu_s: list[float] = []
        came_s: list[float] = []

        def look() -> None:
            free.append(is_free())

        def note() -> None:
            cpu_s.append(time.process_time())

        def watch() -> None:
            start = time.perf_counter()
            reader = cv2.VideoCapture(VIRTUAL, cv2.CAP_V4L2)
            for _ in range(20):
                assert reader.read()[0]
                came_s.append(time.perf_counter() - start)
            look()
            reader.release()

        steps = (1.0, look), (5.0, look), (6.0, note), (8.0, note), (8.1, watch), (14.5, look)
        status, statistics, err = automosaic(
            "--virtual-camera", VIRTUAL, "--seconds", "16", steps=steps
        )
        print(f"first mosaic after {came_s[0]:.2f} s; {cpu_s[1] - cpu_s[0]:.3f} s of CPU in 2 s")
        assert status == 0
        assert free == [False, True, False, True]
        assert cpu_s[1] - cpu_s[0] < 0.2
        assert came_s[0] < 3
        assert [line.partition(": ")[2] for line in err[1:]] == [
            f"nobody reads the virtual camera: {NAME} is off until somebody does",
            f"the virtual camera is read: {NAME} is on again",
            f"nobody reads the virtual camera: {NAME} is off until somebody does",
        ]
        assert statistics["captured"] == statistics["frames"] + statistics["dropped"]
        assert 5 < statistics["rested_s"] < 11

    def test_unless_asked_to_stay(self, automosaic: Run) -> None:
        free: list[bool] = []
        status, statistics, _ = automosaic(
            *("--virtual-camera", VIRTUAL, "--seconds", "6", "--no-rest"),
            steps=((5.0, lambda: free.append(is_free())),),
        )
        assert (status, free, statistics["rested_s"]) == (0, [False], 0)
