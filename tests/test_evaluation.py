"""The measures of a mosaic, on pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: evaluation is not tested")
pytest.importorskip("skimage", reason="scikit-image is not installed: evaluation is not tested")

from export import metrics
from export.claims import COUNTS, Claims
from export.evaluate import cut, lay
from export.judge import Judge, Panel, shares
from export.patches import prepared
from export.search import ExactSearch
from realtime.arrays import Plane


def squares(seed: int) -> Plane:
    """A grey picture of 6 x 4 squares 16 pixels wide, [64, 96] uint8."""
    levels = np.random.default_rng(seed).integers(20, 230, (4, 6), np.uint8)
    return np.asarray(levels.repeat(16, 0).repeat(16, 1))


def test_a_picture_is_like_itself() -> None:
    picture = squares(1)
    assert metrics.tone_error(picture, picture, 6, 4) == pytest.approx(0, abs=1e-6)
    assert metrics.structure(picture, picture, 6, 4) == pytest.approx(1)
    assert metrics.pixel_error(picture, picture, 12) == 0


def test_tone_error_is_in_parts_of_full_range() -> None:
    picture = squares(2)
    assert metrics.tone_error(picture, picture + 25, 6, 4) == pytest.approx(25 / 255, abs=1e-6)


def test_tones_that_tiles_cannot_show_do_not_count() -> None:
    black = np.zeros((64, 96), np.uint8)
    shown = np.full((64, 96), round(0.05 * 255), np.uint8)
    assert metrics.tone_error(black, shown, 6, 4) < 0.001


def test_structure_sees_what_tones_do_not() -> None:
    flat = np.full((64, 96), 128, np.uint8)
    stripes = flat.copy()
    stripes[::8] = 255
    stripes[4::8] = 1
    assert metrics.tone_error(flat, stripes, 6, 4) < 0.001
    assert metrics.structure(squares(3), stripes, 6, 4) < 0.5


def test_colour_error_of_another_colour() -> None:
    red, blue = np.zeros((2, 32, 32, 3), np.uint8)
    red[..., 2], blue[..., 0] = 200, 200
    assert metrics.colour_error(red, red, 4, 4) == 0
    assert metrics.colour_error(red, blue, 4, 4) > 30


def test_variety_is_the_entropy_of_what_is_shown() -> None:
    assert metrics.variety_bits(np.zeros(50, np.int64)) == 0
    assert metrics.variety_bits(np.arange(8).repeat(5)) == pytest.approx(3)


def test_exact_search_finds_the_picture_and_its_inverse() -> None:
    pictures = np.random.default_rng(4).integers(0, 256, (40, 7, 7), np.uint8)
    plain, both = ExactSearch(pictures), ExactSearch(pictures, inverses=True)
    assert np.array_equal(plain(pictures[[3, 17]]), pictures[[3, 17]])
    assert np.array_equal(both(255 - pictures[:5]), 255 - pictures[:5])


def test_laying_tiles_undoes_cutting_them() -> None:
    mosaic = np.random.default_rng(5).integers(0, 256, (36 * 4, 64 * 4), np.uint8)
    assert np.array_equal(lay(cut(mosaic, 4)), mosaic)


def test_frames_are_the_middle_of_a_photograph() -> None:
    photo = np.zeros((400, 300, 3), np.uint8)
    photo[190:210] = 255
    frame = prepared(photo)
    assert frame.shape == (720, 1280, 3)
    assert frame[360].min() == 255
    assert frame[0].max() == 0


def test_a_judge_reads_tiles_of_any_size_as_probabilities() -> None:
    judge = Judge(10)
    for side in (16, 28, 40):
        read = judge.read(np.zeros((3, side, side), np.uint8))
        assert read.shape == (3, 10)
        assert read.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_panel_reads_what_its_judges_read() -> None:
    tiles = np.random.default_rng(6).integers(0, 256, (5, 28, 28), np.uint8)
    judges = [Judge(10), Judge(10)]
    read = Panel(judges).read(tiles)
    assert np.array_equal(read, [judge.read(tiles) for judge in judges])
    assert not np.array_equal(read[0], read[1])


def test_legible_is_what_a_judge_is_sure_of() -> None:
    read = np.full((2, 4, 3), 0.3, np.float32)
    read[0, 1, 2], read[1, :3, 0] = 0.95, 0.91
    assert shares(read) == [0.25, 0.75]


def test_equal_fit_is_read_off_between_the_counts() -> None:
    searched = [0.10, 0.08, 0.07, 0.06, 0.05]
    claims = Claims([0.09, 0.05, 0.04, 0.03, 0.02], searched, [1.0], 1.0)
    assert claims.equal_fit_columns() == pytest.approx(COUNTS[1])
    assert Claims([0.2] * 5, searched, [1.0], 1.0).equal_fit_columns() is None
