"""Clips keep their frames, times and orientation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import UserError
from realtime.video import Video
from tests.clips import corner_picture, grey, turn_clockwise, write_clip
from tests.fakes import read_all


class TestVideo:
    """Clips keep their frames, times and orientation."""

    def test_every_frame_in_order(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "a.mp4", [grey(25 * n) for n in range(10)])
        with Video(path) as source:
            assert source.info.fps == pytest.approx(25)
            frames = read_all(source)
        values = [frame.image.mean() for frame in frames]
        np.testing.assert_allclose(values, [25 * n for n in range(10)], atol=4)
        np.testing.assert_allclose([f.time_s for f in frames], np.arange(10) / 25, atol=1e-3)

    @pytest.mark.parametrize("ending", ["mp4", "mkv"])
    def test_variable_rate(self, tmp_path: Path, ending: str) -> None:
        times = [0.0, 0.04, 0.5, 0.52, 2.0]
        path = write_clip(tmp_path / f"a.{ending}", [grey(40 * n) for n in range(5)], times)
        with Video(path) as source:
            assert [round(frame.time_s, 3) for frame in read_all(source)] == times

    def test_time_starts_at_its_first_frame(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "late.mkv", [grey(0), grey(9)], [5.0, 5.2])
        with Video(path) as source:
            assert [round(frame.time_s, 3) for frame in read_all(source)] == [0.0, 0.2]

    @pytest.mark.parametrize("degrees", [90, 180, 270])
    def test_turned_as_telephones_do(self, tmp_path: Path, degrees: int) -> None:
        path = write_clip(tmp_path / "portrait.mp4", [corner_picture()])
        turn_clockwise(path, degrees)
        expected = np.rot90(corner_picture(), -degrees // 90)
        with Video(path) as source:
            assert source.info.size == (expected.shape[1], expected.shape[0])
            frame = source.read()
        assert frame is not None
        assert np.abs(frame.image.astype(int) - expected).mean() < 8

    def test_pixels_become_square(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "wide.mkv", [corner_picture()], aspect=Fraction(2, 1))
        with Video(path) as source:
            assert source.info.size == (128, 48)
            frame = source.read()
        assert frame is not None
        expected = corner_picture((128, 48))
        assert np.abs(frame.image.astype(int) - expected).mean() < 8

    def test_a_damaged_clip_goes_on(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), np.uint8)
        path = write_clip(tmp_path / "damaged.avi", list(noise))
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 3000] = bytes(3000)
        path.write_bytes(content)
        with Video(path) as source:
            assert len(read_all(source)) > 10

    def test_half_a_clip_is_refused(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "half.mp4", [grey(n) for n in range(30)])
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(
            UserError, match=r"half.mp4: it is no clip or picture, or it is damaged"
        ):
            Video(path)
