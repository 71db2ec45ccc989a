"""The demo is a film by frame number, shown at its true pace."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from realtime.arrays import Size
from realtime.demo import Demo
from tests.fakes import read_all

SIZE: Size = (64, 48)


class TestDemo:
    """The demo is a film by frame number, shown at its true pace."""

    def test_is_the_same_every_time(self) -> None:
        one, other = Demo(size=SIZE), Demo(size=SIZE)
        np.testing.assert_array_equal(one.frame(77), other.frame(77))

    def test_moves_smoothly(self) -> None:
        demo = Demo(size=SIZE)
        steps = [np.abs(demo.frame(n).astype(int) - demo.frame(n + 1)).mean() for n in range(60)]
        assert min(steps) > 0 and max(steps) < 12

    @pytest.mark.parametrize("number", [0, 50, 200])
    def test_large_frames_show_what_small_ones_show(self, number: int) -> None:
        # Larger than the photograph, which is enlarged for them, and smaller.
        large, small = Demo(size=(1024, 768)).frame(number), Demo(size=(256, 192)).frame(number)
        shrunk = cv2.resize(large, (256, 192), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - small).mean() < 4
        steps = np.abs(np.diff(large.astype(int), axis=1)).mean()
        assert steps < 4, "enlarged smoothly"

    @pytest.mark.parametrize("size", [(1280, 720), (90, 160), (33, 17), (1, 1)])
    def test_takes_any_size(self, size: Size) -> None:
        with Demo(size=size) as demo:
            frame = demo.read()
        assert frame is not None and frame.image.shape == (size[1], size[0], 3)

    def test_keeps_its_pace(self) -> None:
        with Demo(size=SIZE, fps=50) as demo:
            times = [frame.time_s for frame in read_all(demo)]
        assert times[-1] - times[0] >= 7 / 50 - 0.001

    def test_counts_what_it_leaves_out(self) -> None:
        with Demo(size=SIZE, fps=50) as demo:
            first = demo.read()
            time.sleep(0.25)
            second = demo.read()
        assert first is not None and second is not None
        assert demo.dropped >= 11
        np.testing.assert_array_equal(second.image, demo.frame(demo.dropped + 1))
