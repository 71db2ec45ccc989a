"""What the codes of keys stand for, in every toolkit."""

from __future__ import annotations

import pytest

from realtime.keys import character_of


@pytest.mark.parametrize(
    ("key", "character"),
    [
        (-1, ""),
        (ord("a"), "a"),
        (0x100000 | ord("a"), "a"),  # with Num Lock, in GTK
        (0xFF52, "+"),
        (0x260000, "+"),
        (0xF701, "-"),
        (0xFF54, "-"),
        (0xFFAB, "+"),
        (0xFF51, ""),
        (0x250000, ""),
    ],
)
def test_character_of(key: int, character: str) -> None:
    assert character_of(key) == character
