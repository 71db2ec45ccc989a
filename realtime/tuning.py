"""The mosaic's settings, changed step by step while it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from realtime import colour as colours
from realtime.arrays import Frame, Size
from realtime.filters import Filter
from realtime.preview import Shown
from realtime.strip import COLUMNS

SMALLEST_TILE = 4
_STEP = 1.125
_SHARE_STEP = 0.1


class Tuning:
    """Changes a filter's settings, and tells what was done.

    Args:
        mosaic_filter: whose settings.
        changed: told in one line of a change that makes another mosaic of the same frame; the line
            is empty where the change is plain to see.
        tiles: the tile set in use, as the filter would be asked for it; None: by its name.
        tile_sets: names that `next_tiles` goes through.

    Attributes:
        size: (width, height) that mosaics keep since somebody changed the number of tiles; None
            before.
        shown: the newest mosaic; None before the first.
    """

    def __init__(
        self,
        mosaic_filter: Filter,
        changed: Callable[[str], None],
        tiles: str | None,
        tile_sets: Sequence[str],
    ) -> None:
        self.size: Size | None = None
        self.shown: Shown | None = None
        self._filter = mosaic_filter
        self._changed = changed
        self._tiles = tiles or mosaic_filter.tile_set
        self._tile_sets = _with(self._tiles, tile_sets)
        self._colours = _with_mode(mosaic_filter.colour)

    def step_columns(self, direction: int) -> None:
        """Go to the next number of columns; 1 is up, -1 down."""
        if self.shown is not None:
            width = (self.size or self.shown.size)[0]
            self.ask_columns(next_columns(self._filter.columns, width, direction))

    def ask_columns(self, columns: int) -> None:
        """Ask for a number of columns, as near as frame and mosaic allow."""
        if self.shown is None:
            return
        low, high = COLUMNS
        now = self._filter.columns
        most = most_columns(self.shown.image, self.shown.size)
        columns = min(max(columns, min(low, now)), max(high, now), most)
        if columns != now:
            self._filter.columns = columns
            # Whoever asks for more tiles wants smaller ones, not a larger picture.
            self._filter.wanted_tile_size = None
            self.size = self.shown.size
            self._changed("")

    def next_tiles(self) -> bool:
        """Go to the next tile set; false where there is no other."""
        if len(self._tile_sets) < 2:
            return False
        following = _after(self._tiles, self._tile_sets)
        self._filter.tile_set = following
        self._tiles = following
        self._changed(f"tile set: {self._filter.tile_set}")
        return True

    def next_colour(self) -> None:
        """Go to the next colour mode."""
        self._filter.colour = _after(self._filter.colour, self._colours)
        self._changed(f"colour: {self._filter.colour}")

    def share(self, name: str) -> float:
        """Return "variety" or "stability", 0..1."""
        return self._filter.variety if name == "variety" else self._filter.stability

    def turn(self, name: str, direction: int) -> None:
        """Turn "variety" or "stability" a step; 1 is up, -1 down."""
        value = round(min(1.0, max(0.0, self.share(name) + direction * _SHARE_STEP)), 2)
        if name == "variety":
            self._filter.variety = value
        else:
            self._filter.stability = value
        self._changed(f"{name}: {value:.1f}")

    def settings(self) -> dict[str, object]:
        """Return the settings by the names of the options."""
        made = self._filter
        return {
            "tiles": self._tiles,
            "columns": made.columns,
            "colour": made.colour,
            "variety": made.variety,
            "stability": made.stability,
        }


def next_columns(columns: int, width: int, direction: int) -> int:
    """Return the next number of columns that gives tiles of another size.

    Args:
        columns: now.
        width: of the mosaic in pixels.
        direction: 1 for more, -1 for fewer.
    """
    tile = max(1, round(width / columns))
    if direction > 0:
        wanted = max(columns + 1, round(columns * _STEP))
        smaller = min(tile - 1, round(width / wanted))
        return columns if smaller < SMALLEST_TILE else -(-width // smaller)
    wanted = max(1, min(columns - 1, round(columns / _STEP)))
    return max(1, width // max(tile + 1, round(width / wanted)))


def most_columns(image: Frame, size: Size) -> int:
    """Return how many columns leave at least a pixel of the frame for every tile.

    Args:
        image: [H, W, 3] uint8 BGR.
        size: (width, height) of the mosaic.
    """
    height, width = int(image.shape[0]), int(image.shape[1])
    # The side of the smallest tile, from which the grid has its columns and rows.
    tile = max(-(-size[0] // width), -(-size[1] // height))
    return max(1, size[0] // tile)


def _with(first: str, others: Sequence[str]) -> tuple[str, ...]:
    return tuple(others) if first in others else (first, *others)


def _with_mode(mode: str) -> tuple[str, ...]:
    """Return the colour modes, and `mode` in place of the one that it is a variant of."""
    plain = mode.partition(":")[0]
    return tuple(mode if other == plain else other for other in colours.MODES)


def _after(now: str, names: Sequence[str]) -> str:
    return names[(names.index(now) + 1) % len(names)] if now in names else names[0]
