"""Clocks: stages, percentiles, and the moments at which frames are due."""

from __future__ import annotations

import time

import pytest

from realtime.timing import Playback, Samples, Stopwatch, process_start_s, sleep_until


class TestTiming:
    """Clocks."""

    def test_stopwatch_gives_means(self) -> None:
        watch = Stopwatch()
        watch.add("a", 0.001)
        watch.add("b", 0.5)
        watch.add("a", 0.003)
        assert list(watch.means_ms().items()) == [("a", pytest.approx(2)), ("b", 500)]

    def test_stopwatch_counts_what_raises(self) -> None:
        watch = Stopwatch()
        with pytest.raises(ValueError, match="x"), watch.stage("a"):
            raise ValueError("x")
        assert "a" in watch.means_ms()

    def test_percentiles(self) -> None:
        samples = Samples()
        assert samples.percentile(50) == 0
        for value in range(101):
            samples.add(value)
        assert (samples.percentile(50), samples.percentile(95)) == (50, 95)

    def test_samples_forget_the_oldest(self) -> None:
        samples = Samples(kept=3)
        for value in (100, 1, 2, 3):
            samples.add(value)
        assert samples.percentile(100) == 3

    def test_playback_goes_on_after_a_sleep(self) -> None:
        playback = Playback()
        assert playback.due_s(0.0, now_s=50.0) == 50.0
        assert playback.due_s(2.0, now_s=51.0) == 52.0
        assert playback.due_s(3.0, now_s=53.5) == 53.0, "a little late: keep the schedule"
        assert playback.due_s(4.0, now_s=99.0) == 99.0, "lost: begin a new schedule"
        assert playback.due_s(5.0, now_s=99.1) == 100.0

    def test_sleep_until(self) -> None:
        due = time.perf_counter() + 0.05
        sleep_until(due, lambda: False)
        assert time.perf_counter() >= due
        sleep_until(time.perf_counter() + 3600, lambda: True)

    def test_the_process_started_before_now(self) -> None:
        assert process_start_s() <= time.perf_counter()
