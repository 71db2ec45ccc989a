"""From any state the program ends within a second; devices are in `test_device_shutdown.py`.

No test holds it to that second, since machines may be busy: each prints how long it took.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.sources import TimedFrame, open_source
from tests.clips import Sound, write_film
from tests.fakes import read_all
from tests.programs import HANG_S, ROOT, ended, frames, length_s, program, told, wait_for
from tests.x11 import close, needs_tools, press, windows

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals in the way of Unix")
DEMO = ("--source", "demo", "--no-window", "--stats")
SOON_S = 10.0
"""A generous second."""


def end(process: subprocess.Popen[str], how: str, state: str) -> tuple[dict[str, object], str]:
    """End the program, and return its statistics and stderr."""
    start_s = time.perf_counter()
    if how == "signal":
        process.send_signal(signal.SIGTERM)
    elif how == "q":
        press_until(lambda: process.poll() is not None, "q")
    else:
        close("Automosaics")
    _, statistics, err = ended(process)
    took_s = time.perf_counter() - start_s
    print(f"{state}, {how}: ended in {took_s:.2f} s")
    assert process.returncode == 0
    assert took_s < SOON_S
    return statistics, err


@needs_tools
@pytest.mark.skipif(sys.platform != "linux", reason="presses keys in the way of X11")
@pytest.mark.parametrize("how", ["signal", "q", "closed"])
@pytest.mark.parametrize(
    ("state", "arguments", "keys"),
    [
        ("watching", "--source demo", ""),
        ("frozen", "--source demo", "space"),
        ("explorer open", "--source demo --explore", ""),
        ("a clip frozen", "--source film.mp4", "space"),
        ("a clip that stands still", "--source slow.mp4", ""),
        ("a picture", "--source photo.jpg", ""),
        ("recording by a key", "--source demo", "r"),
    ],
)
def test_with_a_window(
    how: str, state: str, arguments: str, keys: str, tmp_path: Path, display: str
) -> None:
    write_film(tmp_path / "film.mp4", [number / 25 for number in range(500)])
    write_film(tmp_path / "slow.mp4", [0.0, 0.1, 600.0])
    (tmp_path / "photo.jpg").write_bytes((ROOT / "realtime/assets/demo.jpg").read_bytes())
    with program(tmp_path, *arguments.split(), "--stats") as process:
        told(process, 2)
        _await_windows(1 + ("--explore" in arguments))
        if keys == "r":
            press_until(lambda: bool(list(tmp_path.glob("automosaic-*.mp4"))), keys)
        elif keys:
            press("Automosaics", keys)
        time.sleep(0.5)
        statistics, err = end(process, how, state)
    assert (err, statistics["failures"]) == ("", [])
    for take in tmp_path.glob("automosaic-*.mp4"):
        assert frames(take)
    assert bool(list(tmp_path.glob("automosaic-*.mp4"))) == (keys == "r")


def press_until(happens: Callable[[], bool], key: str) -> None:
    """Press a key, again where the window had not got the focus yet, until something is so."""
    start_s = time.perf_counter()
    for again_s in range(1, 20):
        for window in windows("Automosaics"):
            command = ["xdotool", "windowfocus", "--sync", window, "key", key]
            subprocess.run(command, capture_output=True, check=False, timeout=HANG_S)
        while time.perf_counter() < start_s + again_s:
            if happens():
                return
            time.sleep(0.02)
    raise AssertionError(f"{key} did nothing")


def _await_windows(count: int) -> None:
    end_s = time.perf_counter() + HANG_S
    while len(windows("Automosaics.*")) < count:
        assert time.perf_counter() < end_s
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("state", "names", "size"),
    [
        ("recording", "a.mp4 a.mkv a.webm", "640x360"),
        ("slow encoders", "a.webm b.webm", "3840x2160"),
        ("animations", "a.gif a.webp", "640x360"),
        ("pictures", "a%04d.png", "640x360"),
    ],
)
def test_while_recording(state: str, names: str, size: str, tmp_path: Path) -> None:
    records = [word for name in names.split() for word in ("--record", name)]
    with program(tmp_path, *DEMO, *records, "--size", size) as process:
        told(process, 8)
        statistics, err = end(process, "signal", state)
    assert (err, statistics["failures"]) == ("", [])
    for path in (*tmp_path.glob("*.m*"), *tmp_path.glob("*.webm")):
        with open_source(str(path)) as recording:
            assert len(read_all(recording)) == statistics["frames"]


def test_a_second_ctrl_c_leaves_what_plays(tmp_path: Path) -> None:
    names = ("a.mp4", "a.mkv", "a.webm", "a.gif")
    records = [word for name in names for word in ("--record", name)]
    with program(tmp_path, *DEMO, *records, "--size", "1280x720") as process:
        wait_for(lambda: (tmp_path / "a.gif").exists() and (tmp_path / "a.gif").stat().st_size > 0)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, _, err = ended(process)
    print(f"second Ctrl-C: status {process.returncode}")
    # It may have been done with everything but itself.
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert "Traceback" not in err
    for name in names:
        assert length_s(tmp_path / name) > 0.2, name


def test_while_a_film_is_worked_through(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", [number / 25 for number in range(4000)], Sound())
    wishes = ("--source", "film.mp4", *DEMO[2:], "--record", "a.mkv", "--record", "a.mp4")
    with program(tmp_path, *wishes) as process:
        told(process, 20)
        statistics, err = end(process, "signal", "working through a film")
    assert (err, statistics["failures"]) == ("", [])
    assert 0 < int(str(statistics["frames"])) < 4000
    for name in ("a.mkv", "a.mp4"):
        with open_source(str(tmp_path / name)) as recording:
            assert isinstance(recording.read(), TimedFrame)
            assert recording.sound is not None
