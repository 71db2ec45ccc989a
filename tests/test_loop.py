"""The loop: pacing, limits, counting, and an orderly end whatever happens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime import MosaicFilter
from realtime.arrays import Frame, Size
from realtime.camera import Camera
from realtime.controls import Controls
from realtime.demo import Demo
from realtime.errors import UserError
from realtime.loop import Settings, run
from realtime.outputs import Outputs
from realtime.sources import Source, TimedFrame, open_source
from realtime.stopping import Stop
from realtime.tally import Statistics
from realtime.view import View
from tests.fakes import FakeCapture, FakeFilter, FakeMosaic, FakeSink, FakeSource, FakeWindow, plain
from tests.tile_sets import PLAIN

HANG_S = 10.0
"""Nothing here may take this long, on the slowest of machines."""

FOR_EVER = [number / 100 for number in range(100_000)]


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """Fail a test that took too long to be called orderly."""
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < HANG_S


def play(
    source: Source,
    *,
    window: FakeWindow | None = None,
    cameras: tuple[FakeSink, ...] = (),
    files: tuple[FakeSink, ...] = (),
    made_by: FakeFilter | None = None,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = lambda line: None,
    **settings: float | bool | None,
) -> Statistics:
    """Run the loop and check what holds for every run."""
    outputs = Outputs(window=window, cameras=cameras, files=files, report=report)
    asked = Settings(**settings)  # type: ignore[arg-type]
    statistics = run(source, made_by or FakeFilter(), outputs, asked, stop=stop)
    assert statistics.captured == statistics.frames + statistics.dropped
    assert all(sink.closings == 1 for sink in (*cameras, *files, *([window] if window else [])))
    assert source.closings == 1 if isinstance(source, FakeSource) else source.read() is None
    return statistics


class TestPace:
    """Who sets the pace, and which frames count."""

    def test_a_recorded_clip_keeps_every_frame_at_its_time(self) -> None:
        times = [0.0, 0.5, 7.0, 90.0]
        sink = FakeSink()
        start = time.perf_counter()
        statistics = play(FakeSource(times), files=(sink,))
        assert sink.sent == list(enumerate(times))
        assert (statistics.frames, statistics.dropped) == (4, 0)
        assert time.perf_counter() - start < 5, "it was played instead of worked through"

    def test_a_watched_clip_plays_at_its_own_time(self) -> None:
        start = time.perf_counter()
        window = FakeWindow()
        play(FakeSource([0.0, 0.05, 0.3]), window=window)
        assert time.perf_counter() - start >= 0.3
        assert set(window.numbers) == {0, 1, 2}

    def test_a_clip_that_is_watched_and_recorded_keeps_every_frame(self) -> None:
        sink, window = FakeSink(), FakeWindow()
        times = [0.0, 30.0, 60.0]
        play(FakeSource(times), files=(sink,), window=window)
        assert sink.numbers == window.numbers == [0, 1, 2]

    def test_a_watched_clip_skips_what_is_late(self) -> None:
        times = [number / 100 for number in range(60)]
        window = FakeWindow()
        slow = FakeFilter(takes_s=0.05)
        statistics = play(FakeSource(times, fps=100), window=window, made_by=slow)
        assert statistics.dropped > 20
        assert window.numbers == sorted(set(window.numbers))

    def test_even_a_hopelessly_late_clip_moves(self) -> None:
        class Slow(FakeSource):
            """Decoding it takes longer than showing it should."""

            def read(self):  # type: ignore[no-untyped-def]
                time.sleep(0.03)
                return super().read()

        times = [number / 100 for number in range(40)]
        statistics = play(Slow(times, fps=100), window=FakeWindow())
        assert statistics.frames >= 3

    def test_a_live_source_is_never_held_up(self) -> None:
        sink = FakeSink()
        source = FakeSource([number / 50 for number in range(10)], live=True)
        statistics = play(source, files=(sink,), window=FakeWindow())
        assert sink.numbers == list(range(10))
        assert statistics.frames == 10

    def test_live_time_is_passed_on(self) -> None:
        sink = FakeSink()
        before = time.perf_counter()
        play(FakeSource([0.0, 0.02], live=True), files=(sink,))
        assert all(before <= time_s <= time.perf_counter() for _, time_s in sink.sent)

    def test_a_slow_filter_gets_the_newest_frame_of_a_camera(self) -> None:
        capture = FakeCapture(fps=100)
        camera = Camera(capture, "fake")
        statistics = play(camera, files=(FakeSink(),), made_by=FakeFilter(0.05), frames=6)
        assert statistics.frames == 6
        assert statistics.dropped > 6
        assert statistics.captured <= capture.delivered


class TestStill:
    """A still picture is held for those who watch, and filed once."""

    def test_is_filed_once(self) -> None:
        sink = FakeSink()
        assert play(FakeSource([0.0], still=True), files=(sink,)).frames == 1
        assert sink.numbers == [0]

    def test_is_shown_until_somebody_has_seen_enough(self) -> None:
        window, file = FakeWindow(keys={3: ord("x"), 5: ord("q")}), FakeSink()
        statistics = play(FakeSource([0.0], still=True), window=window, files=(file,), fps=200)
        assert len(window.sent) == 5
        assert (len(file.sent), statistics.frames) == (1, 1)

    def test_is_sent_to_a_virtual_camera_at_its_rate(self) -> None:
        camera = FakeSink()
        play(FakeSource([0.0], still=True), cameras=(camera,), seconds=0.3, fps=50)
        times = [time_s for _, time_s in camera.sent]
        assert 2 <= len(times) <= 16
        assert times == sorted(set(times))

    def test_a_limit_of_one_frame_ends_it(self) -> None:
        window = FakeWindow()
        play(FakeSource([0.0], still=True), window=window, frames=1)
        assert len(window.sent) == 1


class TestEnd:
    """Every way out is orderly."""

    def test_after_so_many_frames(self) -> None:
        sink = FakeSink()
        assert play(FakeSource(FOR_EVER), files=(sink,), frames=7).frames == 7
        assert len(sink.sent) == 7

    def test_after_so_many_seconds_of_a_clip(self) -> None:
        statistics = play(FakeSource(FOR_EVER), files=(FakeSink(),), seconds=0.5)
        assert (statistics.frames, statistics.captured) == (50, 50)

    def test_after_so_many_seconds_of_a_live_source(self) -> None:
        start = time.perf_counter()
        play(Demo(size=(8, 6)), files=(FakeSink(),), seconds=0.2)
        assert time.perf_counter() - start >= 0.2

    @pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27, ord("q") | 0x100000])
    def test_by_a_key(self, key: int) -> None:
        window, file = FakeWindow(keys={3: key}), FakeSink()
        play(FakeSource(FOR_EVER, live=True), window=window, files=(file,))
        assert window.numbers == file.numbers == [0, 1, 2]

    def test_not_by_an_arrow_key(self) -> None:
        window = FakeWindow(keys={3: 0xFF51, 4: ord("x")})
        assert play(FakeSource(FOR_EVER, live=True), window=window, frames=6).frames == 6

    def test_by_closing_the_window(self) -> None:
        window = FakeWindow(closes_after=2)
        assert play(FakeSource(FOR_EVER, live=True), window=window).frames == 2

    def test_by_a_key_while_a_clip_stands_still(self) -> None:
        window = FakeWindow(keys={4: 27})
        statistics = play(FakeSource([0.0, 3600.0]), window=window)
        assert (statistics.frames, statistics.dropped) == (1, 1)

    def test_on_request(self) -> None:
        stop = Stop()
        sink = FakeSink()
        threading.Timer(0.1, stop.request).start()
        play(FakeSource(FOR_EVER, live=True), files=(sink,), stop=stop)
        assert sink.sent

    def test_on_request_while_waiting(self) -> None:
        stop = Stop()
        threading.Timer(0.1, stop.request).start()
        statistics = play(FakeSource([0.0, 3600.0]), window=FakeWindow(), stop=stop)
        assert (statistics.frames, statistics.dropped) == (1, 1)

    def test_before_it_began(self) -> None:
        statistics = play(FakeSource(FOR_EVER), files=(FakeSink(),), stop=lambda: True)
        assert (statistics.frames, statistics.fps, statistics.size) == (0, 0, (0, 0))
        assert statistics.startup_ms == 0

    def test_when_the_source_fails(self) -> None:
        sink = FakeSink()
        told: list[str] = []
        source = FakeSource([0.0, 0.1], fails=True)
        outputs = Outputs(files=(sink,), report=told.append)
        statistics = run(source, FakeFilter(), outputs, Settings())
        assert statistics.failures == ("fake: gone: plug it in",) == tuple(told)
        assert (len(sink.sent), sink.closings) == (2, 1)

    def test_with_a_bug(self) -> None:
        class Buggy(FakeFilter):
            """A filter with a bug."""

            def make(self, frame: Frame) -> FakeMosaic:
                raise ZeroDivisionError

        source, sink = FakeSource([0.0]), FakeSink()
        with pytest.raises(ZeroDivisionError):
            run(source, Buggy(), Outputs(files=(sink,)), Settings())
        assert source.closings == sink.closings == 1


class TestFailingSinks:
    """A sink that fails is let go; the others go on."""

    def test_others_go_on(self) -> None:
        told: list[str] = []
        good, bad = FakeSink("good"), FakeSink("bad", fails_after=2)
        statistics = play(FakeSource(FOR_EVER), files=(bad, good), frames=5, report=told.append)
        assert (len(good.sent), len(bad.sent)) == (5, 2)
        assert told == ["bad: the disk is full"] == list(statistics.failures)
        assert statistics.sinks == ("bad", "good")

    def test_without_any_left_it_ends(self) -> None:
        sinks = FakeSink("a", fails_after=1), FakeSink("b", fails_after=3)
        statistics = play(FakeSource(FOR_EVER), files=sinks)
        assert (statistics.frames, statistics.dropped) == (3, 1)
        assert len(statistics.failures) == 2

    def test_a_window_that_fails_is_not_asked_for_keys(self) -> None:
        window, sink = FakeWindow(keys={1: 27}, fails_after=0), FakeSink()
        statistics = play(FakeSource(FOR_EVER), window=window, files=(sink,), frames=4)
        assert (len(sink.sent), len(statistics.failures)) == (4, 1)

    def test_failing_to_finish_is_told_and_the_others_are_finished(self) -> None:
        told: list[str] = []
        sinks = FakeSink("a", fails_to_close=True), FakeSink("b", fails_to_close=True)
        statistics = play(FakeSource([0.0]), files=sinks, report=told.append)
        assert told == ["a: cannot be finished", "b: cannot be finished"]
        assert statistics.failures == tuple(told)

    def test_a_bug_in_one_does_not_keep_the_others_from_being_finished(self) -> None:
        class Buggy(FakeSink):
            """A sink with a bug."""

            def close(self) -> None:
                raise ZeroDivisionError

        sinks = FakeSink("a"), Buggy("b"), FakeSink("c")
        with pytest.raises(ZeroDivisionError):
            run(FakeSource([0.0]), FakeFilter(), Outputs(files=sinks), Settings())
        assert (sinks[0].closings, sinks[2].closings) == (1, 1)

    def test_mistakes_of_the_user_are_not_swallowed(self) -> None:
        class Picky(FakeFilter):
            """A filter that refuses its frames."""

            def make(self, frame: Frame) -> FakeMosaic:
                raise UserError("too small: ask for fewer columns")

        sink = FakeSink()
        with pytest.raises(UserError):
            run(FakeSource([0.0]), Picky(), Outputs(files=(sink,)), Settings())
        assert sink.closings == 1

    def test_nowhere_to_go_is_fine_for_measuring(self) -> None:
        assert play(FakeSource(FOR_EVER), frames=5).frames == 5


class TestMirror:
    """Only the person in front of the window sees a mirror, with readable tiles."""

    def test_alone_the_frame_is_mirrored(self) -> None:
        made_by = FakeFilter()
        play(_Ramp(), window=FakeWindow(), made_by=made_by, mirror=True)
        assert made_by.seen[0][0, 0, 0] == 7

    def test_others_see_it_the_right_way_round(self) -> None:
        window, camera, file = FakeWindow(), FakeSink("camera"), FakeSink("file")
        play(_Ramp(), window=window, cameras=(camera,), files=(file,), mirror=True)
        assert camera.mosaics[0][0, :, 0].tolist() == list(range(8))
        assert file.mosaics[0][0, :, 0].tolist() == list(range(8))
        assert window.mosaics[0][0, :, 0].tolist() == [6, 7, 4, 5, 2, 3, 0, 1]


class _Ramp(FakeSource):
    """One frame whose columns are numbered."""

    def __init__(self) -> None:
        super().__init__([0.0])

    def read(self):  # type: ignore[no-untyped-def]
        frame = super().read()
        if frame is not None:
            frame.image[:] = np.arange(8, dtype=np.uint8)[None, :, None]
        return frame


class TestKeys:
    """What the window's keys do to a run."""

    def test_a_frozen_camera_goes_on_unseen(self) -> None:
        window, file = FakeWindow(keys={3: ord(" "), 6: ord(" ")}), FakeSink()
        source = FakeSource(FOR_EVER, live=True)
        play(source, window=window, files=(file,), frames=9)
        assert window.numbers == file.numbers == [0, 1, 2, 2, 2, 2, 6, 7, 8]

    def test_a_frozen_clip_waits_and_is_not_filed_again(self) -> None:
        window, file = FakeWindow(keys={3: ord(" "), 7: ord(" ")}), FakeSink()
        statistics = play(FakeSource(FOR_EVER), window=window, files=(file,), frames=6, fps=200)
        assert window.numbers == [0, 1, 2, 2, 2, 2, 2, 3, 4, 5]
        assert file.numbers == [0, 1, 2, 3, 4, 5]
        assert (statistics.frames, statistics.dropped) == (6, 0)

    def test_a_watched_clip_goes_on_where_it_was_frozen(self) -> None:
        window = FakeWindow(keys={2: ord(" "), 20: ord(" ")})
        times = [number / 50 for number in range(8)]
        statistics = play(FakeSource(times), window=window, fps=100)
        assert statistics.dropped == 0
        assert set(window.numbers) == set(range(8))

    def test_a_still_picture_answers_keys_and_files_what_is_shown_last(self) -> None:
        made_by = FakeFilter()
        window, file = FakeWindow(keys={3: ord("c"), 6: ord("q")}), FakeSink()
        source = FakeSource([0.0], still=True)
        statistics = play(source, window=window, files=(file,), made_by=made_by, fps=200)
        assert (made_by.colour, len(made_by.seen)) == ("tint", 2)
        assert (len(file.sent), statistics.frames) == (2, 1)
        assert file.sent[0][1] < file.sent[1][1]

    def test_compare_and_mirror_are_for_the_window_alone(self) -> None:
        window, file = FakeWindow(keys={0: ord("o"), 1: ord("m")}), FakeSink()
        play(FakeSource(FOR_EVER), window=window, files=(file,), frames=3)
        assert all(mosaic.shape == (6, 8, 3) for mosaic in file.mosaics)
        assert [mosaic.shape[1] > 8 for mosaic in window.mosaics] == [True] * 3

    def test_figures_are_told(self) -> None:
        view, window = View(), FakeWindow()
        made_by, source = FakeFilter(), FakeSource([0.0, 0.01, 0.02], live=True)
        source.dropped = 1
        outputs = Outputs(window=window, cameras=[FakeSink()])
        controls = Controls(made_by, outputs, view)
        run(source, made_by, outputs, Settings(), controls=controls)
        status = view.status
        assert status is not None and status.fps > 0
        assert (status.columns, status.rows, status.provider) == (4, 3, "Fake")
        assert (status.dropped, status.on_air, status.recorded_s) == (0, True, None)

    def test_a_recording_by_key_takes_what_is_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        window = FakeWindow(keys={2: ord("r"), 6: ord("r")})
        source = FakeSource(FOR_EVER, live=True)
        statistics = play(source, window=window, frames=10)
        (path,) = tmp_path.glob("automosaic-*.mp4")
        assert statistics.sinks == ("window", f"recording {path}")
        with open_source(str(path)) as recording:
            assert recording.info.frames == 4

    def test_one_that_is_still_running_is_finished(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        play(FakeSource(FOR_EVER, live=True), window=FakeWindow(keys={2: ord("r")}), frames=5)
        with open_source(str(next(tmp_path.glob("*.mp4")))) as recording:
            assert recording.info.frames == 3


class TestSize:
    """Sinks get mosaics of one size, whatever people and cameras do."""

    class Growing(FakeSource):
        """Its frames change their size on the way."""

        def read(self) -> TimedFrame | None:
            frame = super().read()
            size = (96, 72) if self._number < 3 else (64, 64) if self._number < 6 else (30, 20)
            return frame and TimedFrame(plain(90, size), frame.time_s)

    def run(self, source: FakeSource, outputs: Outputs, size: Size | None = None) -> Statistics:
        made_by = MosaicFilter.load(PLAIN, columns=12, size=size)
        return run(source, made_by, outputs, Settings(frames=10, size=size))

    def test_other_frames(self) -> None:
        file = FakeSink()
        statistics = self.run(self.Growing(FOR_EVER), Outputs(files=[file], size=(96, 72)))
        assert {mosaic.shape for mosaic in file.mosaics} == {(72, 96, 3)}
        assert (statistics.frames, statistics.failures) == (10, ())

    @pytest.mark.parametrize("key", ["+", "-"])
    def test_other_numbers_of_tiles(self, key: str) -> None:
        file, window = FakeSink(), FakeWindow(keys=dict.fromkeys(range(2, 8), ord(key)))
        outputs = Outputs(window=window, files=[file], size=(96, 72))
        statistics = self.run(_Sized(), outputs)
        assert {mosaic.shape for mosaic in file.mosaics} == {(72, 96, 3)}
        assert (statistics.columns > 12) == (key == "+")

    def test_alone_the_window_follows_the_frames(self) -> None:
        window = FakeWindow(keys={1: ord("-")})
        self.run(self.Growing(FOR_EVER), Outputs(window=window))
        assert window.mosaics[1].shape == (72, 96, 3), "the size stays when tiles become fewer"
        assert {mosaic.shape[0] / mosaic.shape[1] for mosaic in window.mosaics[3:5]} == {1.0}

    def test_what_was_asked_for_holds_without_sinks_too(self) -> None:
        window = FakeWindow()
        self.run(self.Growing(FOR_EVER), Outputs(window=window), size=(120, 90))
        assert {mosaic.shape for mosaic in window.mosaics} == {(90, 120, 3)}


class _Sized(FakeSource):
    """Its frames are large enough for real tiles."""

    def __init__(self) -> None:
        super().__init__(FOR_EVER)

    def read(self) -> TimedFrame | None:
        frame = super().read()
        return frame and TimedFrame(plain(90, (96, 72)), frame.time_s)


class TestAway:
    """A camera that goes away may come back."""

    class Leaving(FakeSource):
        """Has nothing to give for a while after its third frame."""

        def read(self) -> TimedFrame | None:
            self.away = "camera unplugged: waiting" if self.missing > 0 else ""
            if self._number == 3 and self.missing > 0:
                self.missing -= 1
                return None
            self.away = ""
            return super().read()

        missing = 2

    def test_the_run_goes_on(self) -> None:
        window, told = FakeWindow(), list[str]()
        statistics = play(
            self.Leaving(FOR_EVER, live=True), window=window, frames=6, report=told.append
        )
        assert told == ["camera unplugged: waiting", "fake is back"]
        assert (statistics.frames, statistics.failures) == (6, ())
        assert set(window.numbers) == set(range(6))

    def test_it_can_be_ended_meanwhile(self) -> None:
        source = self.Leaving(FOR_EVER)
        source.missing = 10**9
        window = FakeWindow(keys={4: ord("q")})
        assert play(source, window=window).frames == 3


class TestStatistics:
    """What is printed at the end."""

    def test_are_one_line_of_json(self) -> None:
        statistics = play(FakeSource(FOR_EVER), files=(FakeSink("out.mp4"),), frames=3)
        line = statistics.to_json()
        assert "\n" not in line
        found = json.loads(line)
        assert found["frames"] == found["captured"] == 3
        assert set(found["latency_ms"]) == {"p50", "p95"}
        assert list(found["stage_ms"]) == ["wait", "filter", "filter.encode", "out.mp4"]
        assert found["stage_ms"]["filter.encode"] == 1.5
        assert found["size"] == [8, 6]
        expected = {"columns": 4, "rows": 3, "tile_size": 2, "tile_set": "fake", "source": "fake"}
        assert expected.items() <= found.items()
        assert found["provider"] == "FakeExecutionProvider"
        assert found["fps"] > 0 and found["seconds"] > 0 and found["startup_ms"] > 0

    def test_leave_out_what_was_dropped_before_the_run(self) -> None:
        source = FakeSource([0.0, 0.01], live=True)
        source.dropped = 30
        statistics = play(source, files=(FakeSink(),))
        assert (statistics.captured, statistics.dropped) == (2, 0)

    def test_latency_counts_from_the_capture(self) -> None:
        source = FakeSource([0.0, 0.01], live=True)
        statistics = play(source, files=(FakeSink(),), made_by=FakeFilter(takes_s=0.05))
        assert statistics.latency_ms["p50"] >= 50
