"""What the window shows in place of the mosaic that others get."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.arrays import Frame, Size
from realtime.planes import from_bgr
from realtime.preview import Shown, beside
from tests.fakes import FakeMosaic, plain


def ramp(width: int, height: int = 6) -> Frame:
    """Return a picture whose columns are numbered."""
    return np.tile(np.arange(width, dtype=np.uint8)[None, :, None], (height, 1, 3))


def shown(flipped: bool) -> Shown:
    return Shown(ramp(6), FakeMosaic(ramp(6), 2), flipped, 0.0)


@pytest.mark.parametrize(
    ("flipped", "mirror", "expected"),
    [
        (False, False, [0, 1, 2, 3, 4, 5]),
        (True, True, [0, 1, 2, 3, 4, 5]),
        (False, True, [4, 5, 2, 3, 0, 1]),
        (True, False, [4, 5, 2, 3, 0, 1]),
    ],
)
def test_a_mirror_turns_the_order_of_tiles_unless_it_was_made_so(
    flipped: bool, mirror: bool, expected: list[int]
) -> None:
    made = shown(flipped)
    assert made.preview(mirror=mirror, compare=False)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("flipped", [False, True])
def test_others_get_it_the_right_way_round(flipped: bool) -> None:
    upright = shown(flipped).upright()
    expected = [4, 5, 2, 3, 0, 1] if flipped else [0, 1, 2, 3, 4, 5]
    assert upright.bgr()[0, :, 0].tolist() == expected
    assert np.array_equal(upright.i420(), from_bgr(upright.bgr()))
    assert upright.size == (6, 6)


@pytest.mark.parametrize("mirror", [False, True])
def test_compare_mirrors_both_pictures(mirror: bool) -> None:
    both = shown(False).preview(mirror=mirror, compare=True)[0, :, 0].tolist()
    assert both[:6] == ([5, 4, 3, 2, 1, 0] if mirror else [0, 1, 2, 3, 4, 5])
    assert both[-6:] == ([4, 5, 2, 3, 0, 1] if mirror else [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (640, 360), (1, 1)])
def test_beside_has_both_whatever_their_sizes(size: Size) -> None:
    mosaic = plain(200, (64, 36))
    both = beside(plain(50, size), mosaic)
    assert both.shape[0] == 36 and both.shape[1] > 128
    assert (both[:, :64] == 50).all() and (both[:, -64:] == 200).all()
    assert (both[:, 64:-64] == 0).all()


def test_beside_shows_as_much_as_the_mosaic_does() -> None:
    image = ramp(100, 50)
    both = beside(image, plain(0, (50, 50)))
    assert (both[0, 0, 0], both[0, 49, 0]) == (25, 74)
