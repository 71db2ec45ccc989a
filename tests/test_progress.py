"""The line of progress: drawn over itself, in a terminal only."""

from __future__ import annotations

import time
from io import StringIO

import pytest

from realtime.progress import Progress


class Terminal(StringIO):
    """Keeps what is drawn."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.getvalue().split("\r")[1:]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time as a list of one number, which tests change."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_shows_share_pace_and_time_left(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out, frames=100)
    clock[0] = 110.0
    shown.show(25, 1.0)
    assert out.lines == ["[######------------------]  25%  2.5 fps  0:30 left"]


def test_counts_seconds_where_frames_are_unknown(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out, seconds=7200)
    clock[0] = 110.0
    shown.show(100, 18.0)
    assert out.lines == ["[------------------------]   0%  10.0 fps  1:06:30 left"]


def test_the_limit_that_comes_first_counts(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out, frames=1000, seconds=2)
    clock[0] = 101.0
    shown.show(25, 1.0)
    assert " 50% " in out.lines[0]


def test_shows_what_is_done_where_no_end_is_known(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out)
    clock[0] = 102.0
    shown.show(50, 61)
    assert out.lines == ["50 frames, 1:01, 25.0 fps"]


def test_is_not_drawn_for_every_frame(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out, frames=100)
    for number in range(100):
        clock[0] += 0.02
        shown.show(number, 0)
    assert 8 <= len(out.lines) <= 10


def test_leaves_nothing_behind(clock: list[float]) -> None:
    out = Terminal()
    shown = Progress(out, frames=100)
    shown.clear()
    assert out.getvalue() == ""
    clock[0] += 1
    shown.show(50, 0)
    width = len(out.getvalue()) - 1
    shown.clear()
    assert out.getvalue().endswith("\r" + " " * width + "\r")


def test_writes_to_terminals_only(clock: list[float]) -> None:
    out = StringIO()
    shown = Progress(out, frames=100)
    clock[0] += 1
    shown.show(50, 0)
    shown.clear()
    assert out.getvalue() == ""
