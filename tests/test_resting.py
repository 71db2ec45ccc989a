"""Nobody looks: the camera is let go, nothing is computed, and all goes on for whoever comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from realtime.demo import Demo
from realtime.loop import Settings, run
from realtime.outputs import Outputs
from realtime.stopping import Stop
from realtime.tally import Statistics
from tests.fakes import FakeFilter, FakeSink, FakeSource, FakeWindow

FOR_EVER = [number / 100 for number in range(100_000)]
PATIENCE_S = 10.0


class Camera(FakeSink):
    """A virtual camera that somebody reads, or nobody."""

    def __init__(self, *, watched: bool) -> None:
        super().__init__("virtual camera")
        self.watched = watched


class Run:
    """A run in a thread of its own.

    Args:
        source: where from.
        outputs: where to.
        settings: of `Settings`.
    """

    def __init__(self, source: FakeSource, outputs: Outputs, **settings: float) -> None:
        self.lines: list[str] = []
        self.made_by = FakeFilter()
        self.stop = Stop()
        self._done: list[Statistics] = []
        asked = Settings(**{"rest_after_s": 0.1, **settings})  # type: ignore[arg-type]
        self._thread = threading.Thread(
            target=lambda: self._done.append(
                run(source, self.made_by, outputs, asked, stop=self.stop)
            )
        )
        self._thread.start()

    def end(self) -> Statistics:
        """Ask it to end unless it has ended, and return its statistics."""
        self.stop.request()
        return self.join()

    def join(self) -> Statistics:
        """Wait for its own end."""
        self._thread.join(PATIENCE_S)
        return self._done[0]


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.perf_counter() + PATIENCE_S
    while not what():
        assert time.perf_counter() < end, "waited in vain"
        time.sleep(0.005)


def test_the_camera_is_let_go_until_somebody_reads() -> None:
    source, sink, lines = FakeSource(FOR_EVER, live=True), Camera(watched=False), list[str]()
    running = Run(source, Outputs(cameras=[sink], report=lines.append))
    wait_for(lambda: source.naps == ["rest"])
    made = len(running.made_by.seen)
    time.sleep(0.3)
    assert len(running.made_by.seen) == made
    sink.watched = True
    wait_for(lambda: len(running.made_by.seen) > made + 5)
    statistics = running.end()
    assert source.naps == ["rest", "wake"]
    assert lines == [
        "nobody reads the virtual camera: fake is off until somebody does",
        "the virtual camera is read: fake is on again",
    ]
    assert statistics.captured == statistics.frames + statistics.dropped
    assert 0.3 < statistics.rested_s < statistics.seconds


def test_it_is_let_go_again() -> None:
    source, sink = FakeSource(FOR_EVER, live=True), Camera(watched=True)
    running = Run(source, Outputs(cameras=[sink]))
    for number in range(1, 3):
        wait_for(lambda: len(sink.sent) > 0)
        sink.watched = False
        wait_for(lambda n=number: source.naps.count("rest") == n)  # type: ignore[misc]
        sink.sent.clear()
        sink.watched = True
    running.end()
    assert source.naps[:3] == ["rest", "wake", "rest"]


def test_rests_do_not_count_as_slowness() -> None:
    source, sink = FakeSource(FOR_EVER, live=True), Camera(watched=False)
    running = Run(source, Outputs(cameras=[sink]))
    wait_for(lambda: source.naps == ["rest"])
    time.sleep(2.0)
    sink.watched = True
    count = len(sink.sent)
    wait_for(lambda: len(sink.sent) > count + 10)
    statistics = running.end()
    # With the two seconds, it would be less than half of this.
    assert statistics.fps > 2 * statistics.frames / statistics.seconds


@pytest.mark.parametrize("besides", ["window", "file", "another that is read", "one that is told"])
def test_it_stays_while_somebody_may_look(besides: str) -> None:
    source, sink = FakeSource(FOR_EVER[:40], live=True), Camera(watched=False)
    window = FakeWindow() if besides == "window" else None
    others = [Camera(watched=True)] if besides == "another that is read" else []
    files = [FakeSink()] if besides == "file" else []
    if besides == "one that is told":
        sink.watched = True
    outputs = Outputs(window=window, cameras=[sink, *others], files=files)
    statistics = Run(source, outputs).join()
    assert (source.naps, statistics.rested_s) == ([], 0)


def test_a_clip_plays_on() -> None:
    source = FakeSource(FOR_EVER[:30])
    statistics = Run(source, Outputs(cameras=[Camera(watched=False)])).join()
    assert (source.naps, statistics.captured) == ([], 30)


def test_without_any_sink_it_is_a_measurement() -> None:
    source = FakeSource(FOR_EVER[:30], live=True)
    Run(source, Outputs()).join()
    assert source.naps == []


def test_unless_asked_for_it_does_not_rest() -> None:
    source = FakeSource(FOR_EVER[:30], live=True)
    Run(source, Outputs(cameras=[Camera(watched=False)]), rest_after_s=float("inf")).join()
    assert source.naps == []


def test_a_limit_ends_a_rest() -> None:
    source = FakeSource(FOR_EVER, live=True)
    statistics = Run(source, Outputs(cameras=[Camera(watched=False)]), seconds=0.5).join()
    assert source.naps == ["rest"]
    assert statistics.rested_s > 0.2


def test_a_demo_goes_on_where_it_was() -> None:
    with Demo(size=(64, 36), fps=20) as demo:
        for _ in range(3):
            demo.read()
        before = demo.dropped
        demo.rest()
        time.sleep(0.5)
        demo.wake()
        assert demo.read() is not None
        # A machine busy with something else may lose a frame or two, not the ten of the rest.
        assert demo.dropped < before + 8
