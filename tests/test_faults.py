"""Faults provoked for real, on the whole program: displays, disks and processes that go.

What devices do is in `test_devices.py` and `test_device_faults.py`. `--kills N` kills so many
recordings instead of a few.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import cli
from realtime.arrays import Frame
from tests import clips, disks
from tests.fakes import FakeMosaic, FakeMosaicFilter, FakeSource
from tests.programs import (
    HANG_S,
    ROOT,
    SMALL,
    ended,
    frames,
    length_s,
    program,
    threads_end,
    told,
    wait_for,
)
from tests.tile_sets import PLAIN
from tests.x11 import close, needs_tools, server, windows

DEMO = ("--source", "demo")
VIDEOS = ("out.mp4", "out.mkv", "out.webm")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", range(metafunc.config.getoption("--kills")))


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 lets a display go")
class TestDisplay:
    """The display of a window goes while it is shown."""

    def test_the_window_fails_and_nothing_else(self) -> None:
        script = """
import sys, numpy as np
from realtime.errors import DeviceError
from realtime.window import Window
window, frame = Window("going"), np.zeros((90, 160, 3), np.uint8)
for number in range(5):
    window.send(frame, number)
print("up", flush=True)
sys.stdin.readline()
try:
    window.send(frame, 9)
except DeviceError as error:
    print(error)
assert window.key(0.01) == -1 and not window.closed
window.set_fullscreen(True)
window.close()
print("alive")
"""
        with (
            server() as (display, kill),
            subprocess.Popen(
                [sys.executable, "-c", script],
                env={**os.environ, "PYTHONPATH": str(ROOT), "DISPLAY": display},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None and process.stdout.readline() == "up\n"
            kill()
            out, err = process.communicate("\n", timeout=HANG_S)
        expected = "the display has gone, and the window with it\nalive\n"
        assert (process.returncode, out, err) == (0, expected, "")

    def test_a_recording_goes_on(self, tmp_path: Path) -> None:
        """Unless Qt is just handling events: it exits, which is as good as a kill."""
        wishes = ("--record", "out.mp4", "--stats", "--seconds", "4")
        with (
            server() as (display, kill),
            program(tmp_path, *DEMO, *wishes, DISPLAY=display) as process,
        ):
            told(process, 10)
            # Until the mosaic is painted, and the loop waits for the next one.
            time.sleep(0.02)
            kill()
            killed_s = time.perf_counter()
            moments, statistics, err = ended(process)
        assert process.returncode == 1
        if statistics:
            assert err == "automosaic: the display has gone, and the window with it\n"
            assert frames(tmp_path / "out.mp4") == statistics["frames"]
            assert moments[-1] > killed_s
        else:
            assert err.startswith("The X11 connection broke")
            recorded_s = moments[-1] - moments[0] if moments else 0
            assert length_s(tmp_path / "out.mp4") > recorded_s - 1
        print("went on" if statistics else "Qt ended it")


class TestDisk:
    """A disk that fills up, or may not be written, costs only what lies on it."""

    def test_full_while_another_recording_goes_on(self, tmp_path: Path) -> None:
        (tmp_path / "small").mkdir()
        records = ("--record", "small/out.mkv", "--record", "out.mp4", "--no-window", "--stats")
        with disks.small(tmp_path / "small", 1), program(tmp_path, *DEMO, *records) as process:
            moments = told(process, 60)
            disks.fill(tmp_path / "small")
            first = process.stderr.readline() if process.stderr else ""
            told(process, 10)
            process.terminate()
            _, statistics, err = ended(process)
            assert length_s(tmp_path / "small" / "out.mkv") > moments[-1] - moments[1] - 1
        line = "small/out.mkv: the disk is full: the recording plays up to there"
        assert (process.returncode, first, err) == (1, f"automosaic: {line}\n", "")
        assert statistics["failures"] == [line]
        assert frames(tmp_path / "out.mp4") == statistics["frames"]

    def test_read_only_is_refused_at_once(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "locked").mkdir()
        names = [str(tmp_path / name) for name in ("whole.mp4", "locked/out.mp4")]
        with disks.read_only(tmp_path / "locked"):
            records = ("--record", names[0], "--record", names[1], "--no-window")
            status = cli.main(["--source", "demo", "--frames", "1", *SMALL, *records])
        expected = f"automosaic: {names[1]}: may not be written: choose another folder\n"
        assert (status, capfd.readouterr().err) == (2, expected)
        assert not Path(names[0]).exists()


@pytest.mark.skipif(os.name == "nt", reason="kills in the way of Unix")
def test_a_killed_recording_plays_up_to_the_last_second(kill: int, tmp_path: Path) -> None:
    wait_s = np.random.default_rng(kill).uniform(0.0, 3.0)
    records = [word for name in VIDEOS for word in ("--record", name)]
    with program(tmp_path, *DEMO, "--no-window", *records) as process:
        start_s = told(process, 2)[-1]
        time.sleep(wait_s)
        process.kill()
        moments, _, _ = ended(process)
    recorded_s = (moments or [start_s])[-1] - start_s
    for name in VIDEOS:
        found_s = length_s(tmp_path / name)
        print(f"{name}: killed after {recorded_s:.2f} s, plays {found_s:.2f} s")
        assert found_s > recorded_s - 1


@needs_tools
@pytest.mark.skipif(sys.platform != "linux", reason="closes windows in the way of X11")
def test_a_closed_window_ends_the_run(tmp_path: Path, display: str) -> None:
    with program(tmp_path, *DEMO, "--record", "out.mp4", "--stats") as process:
        told(process, 5)
        wait_for(lambda: bool(windows("Automosaics")))
        close("Automosaics")
        _, statistics, err = ended(process)
    assert (process.returncode, err) == (0, "")
    assert frames(tmp_path / "out.mp4") == statistics["frames"]


class _Buggy(FakeMosaicFilter):
    """A filter with a bug that shows at its fifth frame."""

    def make(self, frame: Frame) -> FakeMosaic:
        if len(self.seen) == 4:
            raise ZeroDivisionError
        return super().make(frame)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for open files in Linux's way")
class TestNothingIsLeftBehind:
    """After a run, however it ended, there is no thread and no open file that was not before."""

    @pytest.fixture(autouse=True)
    def inputs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        cv2.imwrite("photo.png", clips.corner_picture())
        times = [number / 25 for number in range(40)]
        clips.write_film(Path("film.mp4"), times, clips.Sound())
        Path("text.mp4").write_text("no film")
        Path("text.png").write_text("no picture")

    @pytest.mark.parametrize(
        ("status", "line"),
        [
            (0, "--source photo.png --record out.png"),
            (0, "--source film.mp4 --record out.mp4 --record out.webm --record out.mkv"),
            (0, "--source film.mp4 --record out.gif --record out.webp --record out%03d.jpg"),
            (0, "--source film.mp4 --record out.mp4 --frames 3"),
            (0, "--source demo --record out.mp4 --seconds 0.3"),
            (2, "--source text.mp4 --record out.mp4"),
            (2, "--source text.png --record out.mp4"),
            (2, "--source film.mp4 --record out.mp4 --record nowhere/out.mp4"),
            (2, "--source film.mp4 --record out.mp4 --tiles nowhere"),
            (2, "--source film.mp4 --record out.mp4 --columns 1000"),
            (2, "--source film.mp4 --record out.mp4 --colour puce"),
            (1, "--source demo --record out.mp4 --virtual-camera /dev/video987"),
            (1, "--source demo"),
        ],
    )
    def test_by_a_run(self, status: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DISPLAY", raising=False)
        window = [] if line == "--source demo" else ["--no-window"]
        self.run([*line.split(), *window], status)

    @pytest.mark.parametrize("fails", [True, False])
    def test_by_a_camera_that_fails(self, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        times = [number / 100 for number in range(20)]
        source = FakeSource(times, live=True, fails=fails)
        monkeypatch.setattr(cli, "open_source", lambda *_args, **_options: source)
        monkeypatch.setattr(cli, "MosaicFilter", FakeMosaicFilter)
        self.run(["--record", "out.mp4", "--no-window"], int(fails))

    def test_by_a_bug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cli, "MosaicFilter", _Buggy)
        before = _Left()
        with pytest.raises(ZeroDivisionError):
            cli.main(["--source", "film.mp4", "--record", "out.mp4", "--no-window"])
        before.check()

    def test_by_a_window(self, display: str) -> None:
        # Qt keeps its own connection and thread for the next window.
        self.run(["--source", "demo", "--frames", "3"], 0)

    def run(self, arguments: list[str], status: int) -> None:
        wishes = [*arguments, "--overwrite", "--no-settings"]
        if "--tiles" not in wishes:
            wishes += ["--tiles", str(PLAIN)]
        if "--columns" not in wishes:
            wishes += ["--columns", "12"]
        # The first run loads libraries, which open what they like for good.
        cli.main(wishes)
        before = _Left()
        assert cli.main(wishes) == status
        before.check()


class _Left:
    """The threads that there are, and where the open files lead."""

    def __init__(self) -> None:
        self.threads = set(threading.enumerate())
        self.files = _open_files()

    def check(self) -> None:
        """See that there is nothing new."""
        threads_end(self.threads)
        assert _open_files() == self.files


def _open_files() -> list[str]:
    links = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115
        except OSError:
            # That of the folder itself.
            continue
    return sorted(link for link in links if not link.startswith("/proc"))
