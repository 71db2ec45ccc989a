"""Figures, slider, help and notices over the preview."""

from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from realtime import drawing
from realtime.arrays import Frame
from realtime.overlay import HelpLine, Overlay
from realtime.strip import COLUMNS, HEIGHT, Strip, columns_at, figures, share_of
from realtime.view import Status, View

STATUS = Status(29.96, 34.2, 64, 36, "digits", "tint", "CPU", 3, None, False)
HELP = [HelpLine("+  -", "more, fewer tiles", "64 across"), HelpLine("q", "quit")]


def canvas(width: int = 1280, height: int = 750) -> Frame:
    return np.full((height, width, 3), 200, np.uint8)


def overlay(**state: object) -> tuple[Overlay, View]:
    view = View(status=STATUS, **state)  # type: ignore[arg-type]
    return Overlay(view, lambda: HELP), view


def changed(before: Frame, after: Frame) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_before_the_first_mosaic_nothing_is_drawn() -> None:
    made, view = overlay(help=True)
    view.status = None
    view.tell("hello")
    picture = canvas()
    made.draw(picture)
    assert (picture == 200).all()


def test_the_strip_lies_at_the_bottom() -> None:
    made, _ = overlay()
    picture = canvas()
    made.draw(picture)
    assert made.margin == HEIGHT
    assert changed(canvas(), picture) == (0, 750 - HEIGHT, 1280, 750)


def test_without_figures_there_is_nothing_but_the_light_of_a_recording() -> None:
    made, view = overlay(figures=False)
    picture = canvas()
    made.draw(picture)
    assert made.margin == 0
    assert (picture == 200).all()
    view.status = replace(STATUS, recorded_s=1.0)
    made.draw(picture)
    left, top, right, bottom = changed(canvas(), picture)
    assert left > 1240 and bottom < 40
    blue, green, red = picture[(top + bottom) // 2, (left + right) // 2].tolist()
    assert red > 200 > 100 > max(blue, green)


@pytest.mark.parametrize("size", [(1280, 750), (640, 390), (320, 180), (160, 120)])
def test_help_and_notices_fit_into_any_window(size: tuple[int, int]) -> None:
    made, view = overlay(help=True)
    view.tell("a long notice " * 8)
    picture = canvas(*size)
    made.draw(picture)
    assert (picture != 200).any()


def test_help_leaves_the_middle_free() -> None:
    made, _ = overlay(help=True, figures=False)
    picture = canvas()
    made.draw(picture)
    assert changed(canvas(), picture)[2] < 1280 * 0.3


def test_a_notice_goes_away() -> None:
    made, view = overlay(figures=False)
    view.tell("saved", seconds=0.05)
    picture = canvas()
    made.draw(picture)
    assert (picture != 200).any()
    time.sleep(0.06)
    picture = canvas()
    made.draw(picture)
    assert (picture == 200).all()


def test_dragging_the_slider_asks_for_columns() -> None:
    made, view = overlay()
    made.draw(canvas())
    reached = []
    for x in range(900, 1280, 4):
        made.mouse(cv2.EVENT_LBUTTONDOWN, x, 740)
        if view.slid_to is not None:
            reached.append(view.slid_to)
            view.slid_to = None
        made.mouse(cv2.EVENT_LBUTTONUP, x, 740)
    assert (reached[0], reached[-1]) == COLUMNS
    assert reached == sorted(reached) and len(set(reached)) > 20


def test_the_slider_follows_the_mouse_anywhere_until_it_is_let_go() -> None:
    made, view = overlay()
    made.draw(canvas())
    made.mouse(cv2.EVENT_MOUSEMOVE, 1100, 740)
    made.mouse(cv2.EVENT_LBUTTONDOWN, 600, 300)
    assert view.slid_to is None, "a click on the picture is none on the slider"
    slider = next(x for x in range(900, 1280) if _starts_sliding(made, view, x))
    made.mouse(cv2.EVENT_LBUTTONDOWN, slider, 740)
    made.mouse(cv2.EVENT_MOUSEMOVE, 0, 10)
    assert view.slid_to == COLUMNS[0]
    made.mouse(cv2.EVENT_LBUTTONUP, 0, 10)
    view.slid_to = None
    made.mouse(cv2.EVENT_MOUSEMOVE, 1200, 740)
    assert view.slid_to is None


def _starts_sliding(made: Overlay, view: View, x: int) -> bool:
    made.mouse(cv2.EVENT_LBUTTONDOWN, x, 740)
    made.mouse(cv2.EVENT_LBUTTONUP, x, 740)
    found, view.slid_to = view.slid_to is not None, None
    return found


def test_figures() -> None:
    assert figures(STATUS) == (
        *("30 fps", "34 ms", "64 x 36 = 2,304 tiles", "3 dropped", "CPU", "digits, tint"),
    )
    recording = replace(STATUS, recorded_s=75.2, on_air=True)
    assert figures(recording)[:2] == ("REC 1:15", "on air")


def test_the_strip_is_drawn_anew_only_where_something_changed() -> None:
    strip = Strip()
    first = strip.draw(STATUS, 1280, 1.0)
    assert strip.draw(replace(STATUS, fps=12.0), 1280, 1.0) is first, "too soon to read"
    assert strip.draw(replace(STATUS, columns=80), 1280, 1.0) is not first


def test_a_narrow_strip_has_no_slider() -> None:
    strip = Strip()
    strip.draw(STATUS, 300, 1.0)
    assert not any(strip.has_slider_at(x) for x in range(300))


@pytest.mark.parametrize("columns", [8, 64, 100, 256])
def test_the_slider_shows_what_it_sets(columns: int) -> None:
    assert columns_at(share_of(columns)) == columns


def test_wrapped() -> None:
    lines = drawing.wrapped("one two three four five six", 80, 15.0)
    assert len(lines) > 1 and " ".join(lines) == "one two three four five six"
    assert all(drawing.text_width(line, 15.0) <= 80 for line in lines)


def test_drawing_costs_less_than_a_millisecond() -> None:
    made, view = overlay(help=True)
    view.tell("recording: automosaic-20240101-120000.mp4", seconds=60)
    picture = canvas()
    costs = []
    for _ in range(50):
        start = time.perf_counter()
        made.draw(picture)
        costs.append(time.perf_counter() - start)
    assert min(costs) < 0.001
