"""The benchmarks measure what they say; how fast it is here is no test's business."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from benchmarks import device, live, soak
from benchmarks.__main__ import line, main
from benchmarks.emoji import EmojiFilter
from benchmarks.film import Film, add_noise
from benchmarks.search import exact
from benchmarks.stability import Step, behind, changed_tiles, hand, lag, tones, unmoved
from benchmarks.timing import Row, Setup, alternate
from realtime import MosaicFilter
from realtime.codec import Codec
from realtime.tileset import TileSet
from tests.tile_sets import STRIPES


def test_tasks_take_turns_and_warm_rounds_are_not_counted() -> None:
    calls: list[str] = []
    costs = alternate([lambda n: calls.append(f"a{n}"), lambda n: calls.append(f"b{n}")], 2, warm=1)
    assert len(costs) == 2
    assert calls[:4] == ["a0", "b0", "a1", "b1"] or len(calls) > 100  # a coarse clock repeats
    assert all(cost.cpu_ms >= 0 and cost.wall_ms > 0 for cost in costs)


@pytest.mark.parametrize(
    ("first", "second", "bar", "at_most", "met"),
    [
        (1, 2, 0.5, True, True),
        (1.1, 2, 0.5, True, False),
        (300, None, 300, False, True),
        (299, None, 300, False, False),
        (1, 2, None, True, None),
    ],
)
def test_a_row_says_whether_its_bar_is_met(
    first: float, second: float | None, bar: float | None, at_most: bool, met: bool | None
) -> None:
    row = Row("name", "compared", first, second, bar, at_most)
    assert row.met is met
    assert line(row).endswith({True: "yes", False: "NO", None: "0.50"}[met])


def test_quick_rounds_are_fewer_but_not_none() -> None:
    assert Setup(quick=True).rounds(100) == 20
    assert Setup(quick=True).rounds(1) == 3
    assert Setup().rounds(100) == 100


def test_a_film_plays_forwards_and_backwards() -> None:
    film = Film(iter(np.full((16, 16, 3), level, np.uint8) for level in (0, 100, 200)))
    levels = [round(float(film.decode(number).mean()), -1) for number in range(9)]
    assert levels == [0, 100, 200, 100, 0, 100, 200, 100, 0]
    assert film.period == 4


def test_what_drifts_does_not_hold_still() -> None:
    frames = [np.zeros((36, 64, 3), np.uint8) for _ in range(5)]
    for number, frame in enumerate(frames):
        frame[:, :16] = 2 * number
    still = unmoved(frames)
    assert still.shape == (36, 64)
    assert still[:, 16:].all() and not still[:, :16].any()
    assert unmoved(frames[-2:]).all()


def test_noise_is_that_of_a_camera() -> None:
    frames = [np.full((48, 64, 3), 128, np.uint8)] * 2
    first, second = add_noise(iter(frames))
    assert 3.5 < first.std() < 4.5
    assert not np.array_equal(first, second)


def steps(*levels: float, shown: Sequence[float]) -> list[Step]:
    """Return steps of a scene with four cells, the last of which never moves."""
    return [
        Step(
            np.zeros((1, 4), np.bool_),
            np.array([[there] * 3 + [0.5]], np.float32),
            np.array([[level] * 3 + [0.5]], np.float32),
        )
        for level, there in zip(levels, shown, strict=True)
    ]


@pytest.mark.parametrize(
    ("shown", "frames", "late"),
    [
        ((0.1, 0.3, 0.5, 0.7), 0, 0),
        ((0.1, 0.1, 0.3, 0.5), 1, 0),
        ((0.1, 0.2, 0.4, 0.6), 0.5, 0),
        ((0.1, 0.1, 0.1, 0.3), 5 / 3, 1),
    ],
)
def test_lag_is_told(shown: tuple[float, ...], frames: float, late: float) -> None:
    taken = steps(0.1, 0.3, 0.5, 0.7, shown=shown)
    assert lag(taken) == pytest.approx(frames, abs=1e-6)
    assert behind(taken) == late


def test_a_tile_has_changed_if_any_of_its_pixels_has() -> None:
    before = np.zeros((8, 12, 3), np.uint8)
    now = before.copy()
    now[5, 9, 2] = 1
    assert changed_tiles(before, now, 4).tolist() == [[False] * 3, [False, False, True]]


def test_tones_are_means_over_cells() -> None:
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:2, 4:] = 255
    assert tones(picture, (2, 1)).tolist() == [[0, 0.5]]


def test_a_hand_crosses_the_scene() -> None:
    first, second = itertools.islice(hand(2), 2)
    columns = np.flatnonzero((np.abs(first.astype(int) - second).max(axis=2) > 60).any(axis=0))
    assert columns.max() - columns.min() > 200


def test_exact_search_finds_the_nearest() -> None:
    random = np.random.default_rng(0)
    pictures = random.random((50, 64), np.float32)
    cells = random.random((500, 64), np.float32)
    nearest = np.square(cells[:, None] - pictures).sum(axis=2).argmin(axis=1)
    assert np.array_equal(exact(pictures)(cells), nearest)


def test_emoji_follow_the_colours_of_the_frame() -> None:
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:, 48:] = 255
    mosaic = EmojiFilter()(frame)
    assert mosaic.shape == frame.shape
    assert mosaic[:, 48:].mean() > mosaic[:, :48].mean() + 100


def test_a_topic_that_cannot_be_measured_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--only", "search"])
    assert "search: skipped: give --data PATH" in capsys.readouterr().out
    main(["--quick", "--only", "search", "--data", "no-such-folder"])
    assert "search: skipped" in capsys.readouterr().out


def test_a_device_is_measured_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    main(["--quick", "--only", "device"])
    assert (
        "device: skipped: this onnxruntime has no provider but the CPU" in capsys.readouterr().out
    )


def test_a_device_is_compared_with_the_cpu() -> None:
    film = Film(iter(np.full((32, 48, 3), level, np.uint8) for level in (20, 100, 200)))
    made, stages, exact = (
        MosaicFilter(Codec(TileSet.load(STRIPES)), columns=6, whole=whole)
        for whole in (True, False, False)
    )
    exact.exact = True
    rows = {
        row.compared: row for row in device.compare(Setup(True), film, "it", made, stages, exact)
    }
    assert rows["levels off exact tiles of the CPU, mean"].met
    assert 0 < rows["ms: decode / all"].value < 1
    exact.colour = "duo"
    rows = {
        row.compared: row for row in device.compare(Setup(True), film, "it", made, stages, exact)
    }
    assert rows["levels off exact tiles of the CPU, mean"].met is False


def test_a_soak_accounts_for_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "soak.mkv"
    asked = [
        "--minutes",
        "0.06",
        "--source",
        "demo",
        "--no-virtual-camera",
        "--record",
        str(record),
    ]
    assert soak.main(asked) == 0
    rows = capsys.readouterr().out.splitlines()
    assert sum(row.endswith("yes") for row in rows) == 8
    assert not list(tmp_path.iterdir())


def test_a_soak_notices_what_is_wrong() -> None:
    rows = {row.compared: row for row in soak.memory_rows([*[100.0] * 50, 120.0])}
    assert [row.met for row in rows.values()] == [True, False]


@pytest.mark.skipif(sys.platform != "linux", reason="windows open anywhere else")
def test_without_a_display_nothing_is_measured_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("PATH", "")
    main(["--only", "live"])
    assert "live: skipped: no display" in capsys.readouterr().out


def test_what_a_run_tells_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(command)
        return subprocess.CompletedProcess(
            command, 0, b'{"fps": 29.9, "latency_ms": {"p50": 9.0, "p95": 12.5}}'
        )

    monkeypatch.setenv("DISPLAY", ":5")
    monkeypatch.setattr(subprocess, "run", run)
    rows = {(row.name, row.compared): row for row in live.measure(Setup(quick=True))}
    assert [("--record" in command) for command in seen] == [False, True]
    assert rows["live, window", "frames a second"].met
    late = rows["live, + recording", "ms: frame to sinks, p95 / frame interval"]
    assert late.value == pytest.approx(12.5 * 30 / 1000)
    assert late.met
