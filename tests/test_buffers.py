"""Arrays that are used again are only those that nobody holds."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.buffers import KEPT, Buffer, Recycled

SHAPE = (4, 6, 3)


@pytest.mark.parametrize("hold", [lambda x: x, lambda x: x[1:], lambda x: [x], memoryview])
def test_what_is_held_is_not_handed_out_again(hold: object) -> None:
    assert callable(hold)
    recycled = Recycled()
    held = hold(recycled.take(SHAPE))
    taken = [recycled.take(SHAPE) for _ in range(KEPT + 2)]
    for one in taken:
        one[:] = 1
    kept = np.asarray(held)
    kept[...] = 7
    assert all((one == 1).all() for one in taken)


def test_what_nobody_holds_comes_back() -> None:
    recycled = Recycled()
    first = id(recycled.take(SHAPE))
    assert id(recycled.take(SHAPE)) == first
    assert recycled.take((2, 2)).shape == (2, 2)
    assert id(recycled.take(SHAPE)) == first


def test_a_buffer_serves_fewer_rows_without_growing() -> None:
    buffer = Buffer()
    whole = buffer.take(SHAPE)
    assert np.shares_memory(buffer.take((2, 6, 3)), whole)
    assert buffer.take((5, 6, 3)).shape == (5, 6, 3)
