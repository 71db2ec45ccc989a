"""The rate is held: by leaving out frames that come too soon, and by doing less for a frame."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from realtime import governor
from realtime.governor import LOOKED_AT, RELIEFS, Governor
from realtime.loop import Settings, run
from realtime.outputs import Outputs
from tests.fakes import FakeFilter, FakeSink, FakeSource, FakeWindow


@pytest.mark.parametrize("camera_fps", [15, 25, 30, 60, 144])
def test_a_camera_that_is_too_quick_is_slowed_down_to_the_rate(camera_fps: int) -> None:
    made = Governor(30, limited=True)
    seconds = 10
    shown = sum(made.wants(100 + number / camera_fps) for number in range(seconds * camera_fps))
    assert shown == pytest.approx(seconds * min(30, camera_fps), abs=2)


def test_jitter_costs_no_frames() -> None:
    made = Governor(30, limited=True)
    times_s = [number / 30 + (0.008 if number % 3 else -0.008) for number in range(300)]
    assert sum(made.wants(time_s) for time_s in times_s) >= 298


def test_work_that_fits_gives_up_nothing() -> None:
    made = Governor(30)
    for _ in range(200):
        made.note(0.8 / 30)
    assert made.relief == RELIEFS[0]
    assert made.lowest == 0


def test_a_few_frames_that_take_long_give_up_nothing() -> None:
    made = Governor(30)
    for number in range(200):
        made.note(0.3 if number % LOOKED_AT < 5 else 0.01)
    assert made.lowest == 0


def test_too_much_work_gives_up_step_by_step() -> None:
    made = Governor(30)
    seen = []
    for number in range(200):
        made.note(0.1)
        if number % LOOKED_AT == LOOKED_AT - 1:
            seen.append(made.relief)
    assert tuple(seen[: len(RELIEFS) - 1]) == RELIEFS[1:]
    assert seen[-1] == RELIEFS[-1]
    assert made.lowest == len(RELIEFS) - 1


def test_no_preview_is_slowed_down_that_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Governor(30)
    for _ in range(LOOKED_AT):
        made.note(0.1, preview=False)
    assert made.relief.what == "fewer tiles"
    monkeypatch.setattr(governor, "PATIENCE_S", 0.0)
    for _ in range(LOOKED_AT):
        made.note(0.001, preview=False)
    assert made.relief == RELIEFS[0]


def test_fewer_tiles_are_not_asked_for_where_they_are_no_less_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Governor(30)
    seen = []
    for number in range(5 * LOOKED_AT):
        made.note(0.1, tiles=False)
        if number % LOOKED_AT == LOOKED_AT - 1:
            seen.append((made.relief.what, made.relief.tiles))
    preview = [(relief.what, 1.0) for relief in RELIEFS[1:3]]
    frames = [("two frames in three", 1.0), ("half the frames", 1.0), ("half the frames", 1.0)]
    assert seen == preview + frames
    monkeypatch.setattr(governor, "PATIENCE_S", 0.0)
    for _ in range(2 * LOOKED_AT):
        made.note(0.001, tiles=False)
    assert made.relief == RELIEFS[2]


def test_what_was_given_up_is_taken_back_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Governor(30)
    for _ in range(LOOKED_AT):
        made.note(0.1)
    for _ in range(LOOKED_AT):
        made.note(0.001)
    assert made.relief == RELIEFS[1], "not at once"
    monkeypatch.setattr(governor, "PATIENCE_S", 0.0)
    made.note(0.001)
    assert made.relief == RELIEFS[0]
    assert made.lowest == 1, "what was needed is remembered"


@pytest.mark.parametrize("tiles", [False, True])
def test_all_frames_are_made_again_where_each_takes_what_it_took(
    tiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Governor(30)
    for _ in range(10 * LOOKED_AT):
        made.note(0.1, preview=False, tiles=tiles)
    assert made.relief.what == "half the frames"
    monkeypatch.setattr(governor, "PATIENCE_S", 0.0)
    for _ in range(3 * LOOKED_AT):
        made.note(0.7 / 30, preview=False, tiles=tiles)
    # With more tiles again, each frame would take longer than now.
    assert made.relief.what == ("half the columns" if tiles else "")


@pytest.mark.parametrize(("work", "what"), [(1.2, "two frames in three"), (1.5, "half the frames")])
def test_no_more_frames_are_left_out_than_must_be(work: float, what: str) -> None:
    made, seconds = Governor(30), 10
    for _ in range(10 * LOOKED_AT):
        made.note(work / 30, preview=False, tiles=False)
    assert made.relief.what == what
    shown = sum(made.wants(100 + number / 30) for number in range(seconds * 30))
    assert shown == pytest.approx(seconds * 30 / made.relief.frames_every, abs=2)


def test_what_was_taken_back_in_vain_is_not_so_soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("realtime.governor.time", SimpleNamespace(perf_counter=lambda: now_s))
    made, tries_s = Governor(30), []
    while now_s < 200:
        now_s += 1 / 30
        busy = not made.relief.what
        made.note(1 / 30 if busy else 0.5 / 30, preview=False, tiles=False)
        if made.relief.what == "" and not busy:
            tries_s.append(now_s)
    gaps_s = [later - sooner for sooner, later in itertools.pairwise(tries_s)]
    assert gaps_s[0] < 2 * governor.PATIENCE_S + 2
    longest_s = governor.MOST_TIMES * governor.PATIENCE_S
    assert longest_s < gaps_s[-1] < longest_s + 3


def test_the_loop_asks_for_fewer_tiles_and_says_so() -> None:
    made_by = FakeFilter(takes_s=0.012)
    times_s = [number / 100 for number in range(20 * LOOKED_AT)]
    outputs = Outputs(window=FakeWindow(), cameras=(FakeSink(),))
    source = FakeSource(times_s, live=True, fps=100)
    statistics = run(source, made_by, outputs, Settings(fps=100, frames=4 * LOOKED_AT))
    assert made_by.share < 1
    assert "tiles" in statistics.given_up or "columns" in statistics.given_up


def test_the_window_misses_mosaics_first_and_others_miss_none() -> None:
    camera, window = FakeSink("camera"), FakeWindow()
    outputs = Outputs(window=window, cameras=(camera,))
    times_s = [number / 100 for number in range(20 * LOOKED_AT)]
    source = FakeSource(times_s, live=True, fps=100)
    run(source, FakeFilter(takes_s=0.011), outputs, Settings(fps=100, frames=2 * LOOKED_AT))
    assert len(camera.sent) == 2 * LOOKED_AT
    assert LOOKED_AT <= len(window.mosaics) < 2 * LOOKED_AT


def test_clips_are_not_governed() -> None:
    made_by, sink = FakeFilter(takes_s=0.012), FakeSink()
    times_s = [number / 100 for number in range(3 * LOOKED_AT)]
    run(FakeSource(times_s), made_by, Outputs(files=(sink,)), Settings(fps=100))
    assert made_by.share == 1
    assert len(sink.sent) == 3 * LOOKED_AT
