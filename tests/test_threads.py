"""Everything at once: settings that change at every frame, and an end at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from realtime import MosaicFilter
from realtime.arrays import Frame
from realtime.controls import Controls
from realtime.demo import Demo
from realtime.loop import Settings, run
from realtime.outputs import Outputs
from realtime.recording import Recording
from realtime.sources import TimedFrame, open_source
from realtime.view import View
from tests.clips import Sound, write_film
from tests.fakes import FakeSink, FakeWindow
from tests.programs import HANG_S, ROOT, SMALL, frames, threads_end
from tests.tile_sets import PLAIN, STRIPES
from tests.x11 import needs_tools, windows

KEYS = "+-=_tcvVsSm op?hirf"
"""All but those that end the run."""
SIZE = (160, 90)


class Changing(Demo):
    """A camera whose pictures change their size now and then, as when it is turned."""

    def frame(self, number: int) -> Frame:
        whole = super().frame(number)
        return whole if number // 40 % 2 == 0 else np.ascontiguousarray(whole[:, :120])


class Hasty(FakeWindow):
    """A window in which somebody presses a key at every mosaic, and drags the slider."""

    def __init__(self, seed: int, view: View) -> None:
        super().__init__()
        self._chance = random.Random(seed)
        self._view = view

    def key(self) -> int:
        if self._chance.random() < 0.2:
            self._view.slid_to = self._chance.randrange(1, 200)
        return ord(self._chance.choice(KEYS))


@pytest.mark.parametrize("seed", range(3))
def test_settings_may_change_at_every_frame(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(threading.enumerate())
    view = View()
    mosaic_filter = MosaicFilter.load(PLAIN, columns=16, size=SIZE)
    recording, window = Recording("all.mp4", SIZE, 60), Hasty(seed, view)
    camera, told = FakeSink("camera"), list[str]()
    outputs = Outputs(
        window=window, cameras=[camera], files=[recording], size=SIZE, report=told.append
    )
    tile_sets = [str(PLAIN), str(STRIPES), "digits", "emoji"]
    controls = Controls(mosaic_filter, outputs, view, tiles=str(PLAIN), tile_sets=tile_sets)
    settings = Settings(frames=250, size=SIZE)
    statistics = run(Changing(SIZE, 120), mosaic_filter, outputs, settings, controls=controls)
    assert (told, statistics.failures) == ([], ())
    assert statistics.frames == frames(Path("all.mp4")) == len(camera.sent) == 250
    assert {mosaic.shape for mosaic in camera.mosaics} == {(SIZE[1], SIZE[0], 3)}
    assert statistics.captured == statistics.frames + statistics.dropped
    takes = sorted(path for path in tmp_path.iterdir() if path.name != "all.mp4")
    assert {path.suffix for path in takes} == {".mp4", ".png"}
    for path in takes:
        with open_source(str(path)) as take:
            assert take.read() is not None
    del mosaic_filter, controls  # whose threads go with them
    threads_end(before)


def test_two_filters_may_run_at_the_same_time() -> None:
    """And give what each gives alone."""
    seen = [Demo(SIZE).frame(number) for number in range(0, 60, 5)]

    def work(tiles: Path | str, into: list[Frame]) -> None:
        made = MosaicFilter.load(tiles, columns=16)
        into.extend(made(frame) for frame in seen)

    tile_sets: list[Path | str] = [PLAIN, "digits", "digits"]
    alone: list[list[Frame]] = [[] for _ in tile_sets]
    together: list[list[Frame]] = [[] for _ in tile_sets]
    for tiles, into in zip(tile_sets, alone, strict=True):
        work(tiles, into)
    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(tile_sets, together, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@needs_tools
@pytest.mark.skipif(sys.platform != "linux", reason="presses keys in the way of X11")
def test_a_window_may_be_played_on_like_a_piano(tmp_path: Path, display: str) -> None:
    chance = random.Random(0)
    with started(tmp_path, "--source", "demo", "--record", "all.mp4") as process:
        while not windows("Automosaics"):
            assert process.poll() is None
            time.sleep(0.05)
        window = windows("Automosaics")[-1]
        for _ in range(12):
            names = {"+": "plus", "-": "minus", "=": "equal", "_": "underscore", " ": "space"}
            keys = [chance.choice(KEYS + "ee").replace("?", "h") for _ in range(12)]
            press = ["key", "--delay", "5", *(names.get(key, key) for key in keys)]
            size = [str(chance.randrange(100, 900)) for _ in range(2)]
            command = ["xdotool", "windowfocus", window, *press, "windowsize", window, *size]
            subprocess.run(command, capture_output=True, check=False)
        subprocess.run(["xdotool", "windowfocus", window, "key", "q"], check=False)
        out, err = process.communicate(timeout=HANG_S)
    assert (process.returncode, out, err) == (0, "", "")
    assert (frames(tmp_path / "all.mp4") or 0) > 10


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "realtime", *SMALL, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="signals in the way of Unix")
@pytest.mark.parametrize(
    ("state", "arguments"),
    [
        ("recording a camera", "--source demo --record a.mp4 --record a.webm --no-window"),
        ("working through a clip", "--source film.mp4 --record a.mkv --no-window"),
        ("showing a clip", "--source film.mp4"),
        ("showing a clip that stands still", "--source slow.mp4"),
        ("showing a picture", "--source photo.png"),
        ("writing pictures", "--source demo --record a%04d.png --no-window"),
    ],
)
def test_an_end_at_any_moment(state: str, arguments: str, tmp_path: Path, display: str) -> None:
    write_film(tmp_path / "film.mp4", [number / 25 for number in range(2000)], Sound())
    write_film(tmp_path / "slow.mp4", [0.0, 0.1, 600.0])
    Recording(tmp_path / "none.mp4", (2, 2), 1).close()
    (tmp_path / "photo.png").write_bytes((ROOT / "realtime/assets/demo.jpg").read_bytes())
    waits = (0.3, 0.8, 1.3)
    for wait_s in waits:
        with started(tmp_path, *arguments.split(), "--overwrite") as process:
            time.sleep(wait_s)
            process.send_signal(signal.SIGTERM)
            start_s = time.perf_counter()
            _, err = process.communicate(timeout=HANG_S)
        print(f"{state}: ended {time.perf_counter() - start_s:.2f} s after the signal")
        # Before Python is up, the system itself ends it.
        assert process.returncode in (0, -signal.SIGTERM)
        assert err == ""
    for path in tmp_path.glob("a*.m*"):
        with open_source(str(path)) as recording:
            assert isinstance(recording.read(), TimedFrame)
