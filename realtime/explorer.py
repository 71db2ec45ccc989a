"""A window with the map of all tiles of a set, on which those of the present mosaic lie as points.

It shows what the program is about: tiles are not looked up, but drawn from points of a map.
"""

from __future__ import annotations

import time
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from realtime import drawing
from realtime.arrays import Frame, Latents, Size, Tiles
from realtime.manifold import LABEL, Manifold, Place, mark
from realtime.tileset import TileSet
from realtime.window import hear_mouse

TITLE = "Automosaics: map of the tiles"
REFRESH_S = 0.15
_MAP: Size = (960, 440)
_SIDE = 290
"""Pixels of the panel at the right."""
_LARGE = 250
_TONES = 5
_LETTER = 15.0
_LINE = 22
_EXPLAINED = (
    "A network draws every tile from a point on this map. The yellow points are the tiles in your "
    "picture, now. Click anywhere to see the tile there."
)


class Explorable(Protocol):
    """What the explorer needs of a filter."""

    @property
    def card(self) -> TileSet:
        """What the tile set is like."""
        ...

    @property
    def latents(self) -> Latents | None:
        """[N, D] of the last mosaic; None before the first."""
        ...

    def decode(self, latents: Latents, tile_size: int) -> Tiles:
        """Map [N, D] latents to [N, T, T] or [N, T, T, 3] tiles of the size asked for."""
        ...


class Explorer:
    """The window. For the main thread only, like the other one, which handles its events."""

    def __init__(self, mosaic_filter: Explorable, title: str = TITLE) -> None:
        self._filter = mosaic_filter
        self._title = title
        self._opened = False
        self._chosen: Place | None = None
        self._due_s = 0.0
        self._map: tuple[TileSet, Manifold] | None = None
        self._panel: tuple[object, Frame] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is there: opened, and not closed by anybody."""
        if self._opened:
            try:
                self._opened = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
            except cv2.error:
                self._opened = False
        return self._opened

    def open(self) -> None:
        """Open it, with a first picture."""
        # Qt's OpenCV miscounts its windows when one that the user closed is opened again, and
        # ends with the wrong one. Another name, told apart by a blank at its end, is another one.
        self._title += " "
        cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        hear_mouse(self._title, self._hear_mouse)
        self._show()
        self._opened = True

    def close(self) -> None:
        """Close it."""
        if self.is_open:
            self._opened = False
            cv2.destroyWindow(self._title)

    def update(self) -> None:
        """Show the tiles of the newest mosaic, if it is open and it is time for that."""
        if time.perf_counter() >= self._due_s and self.is_open:
            self._show()

    def choose(self, x: int, y: int) -> None:
        """Show the tile at a pixel of the map."""
        place = self._manifold().place_at(x, y)
        if place is not None:
            self._chosen, self._due_s = place, 0.0

    def draw(self) -> Frame:
        """Return the window's picture, [H, W, 3] uint8 BGR."""
        manifold, latents, card = self._manifold(), self._filter.latents, self._filter.card
        area = manifold.picture.copy()
        if latents is not None and latents.shape[1:] == (card.latents,):
            mark(area, manifold.points(latents))
            if self._chosen is None:
                # To begin with, a tile that is in the picture: the one in the middle.
                self._chosen = manifold.place_of(latents[len(latents) // 2 :])
            self._label(area, np.bincount(manifold.kinds_of(latents), minlength=card.kinds))
        chosen = self._chosen or Place(0, 0.5, 0.5)
        for colour, thickness in ((drawing.PAPER, 5), (drawing.TEXT, 2)):
            place = manifold.pixel_of(chosen)
            cv2.circle(area, place, 9, colour, thickness, cv2.LINE_AA)
        frame = self._frame(chosen)
        frame[: area.shape[0], : area.shape[1]] = area
        return frame

    def _show(self) -> None:
        self._due_s = time.perf_counter() + REFRESH_S
        cv2.imshow(self._title, self.draw())

    def _hear_mouse(self, event: int, x: int, y: int, flags: int, _data: object) -> None:
        pressed = event == cv2.EVENT_LBUTTONDOWN
        if pressed or (event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON):
            self.choose(x, y)

    def _manifold(self) -> Manifold:
        """Return the map of the tile set in use."""
        card = self._filter.card
        if self._map is None or self._map[0] != card:
            self._map = card, Manifold(card, self._filter.decode, _MAP)
            self._chosen = self._panel = None
        return self._map[1]

    def _label(self, area: Frame, counts: npt.NDArray[np.int64]) -> None:
        """Name the squares, and tell what share of the mosaic each has; neighbours share a name."""
        manifold, kinds = self._manifold(), self._filter.card.kinds
        names = [self._name(kind) for kind in range(kinds)]
        labels: list[tuple[str, str, tuple[int, int], int]] = []
        kind = 0
        while kind < kinds:
            end, row_end = kind + 1, (kind // manifold.across + 1) * manifold.across
            while end < min(kinds, row_end) and names[end] == names[kind]:
                end += 1
            x, y = manifold.corner(kind)
            room = manifold.corner(end - 1)[0] + manifold.side - x
            share = f"{counts[kind:end].sum() / max(1, counts.sum()):.0%}"
            labels.append((names[kind], share, (x, y - LABEL // 3), room))
            kind = end
        # Half a name, or one here and there, helps nobody; a click tells it.
        if all(drawing.text_width(name, _LETTER) <= room for name, _, _, room in labels):
            for label in labels:
                _write_label(area, *label)

    def _name(self, kind: int) -> str:
        classes = self._filter.card.classes
        return classes[kind] if kind < len(classes) else str(kind)

    def _frame(self, place: Place) -> Frame:
        """Return the window's picture but for the map: what it means, and the chosen tile."""
        if self._panel is None or self._panel[0] != place:
            self._panel = place, self._draw_frame(place)
        return self._panel[1]

    def _draw_frame(self, place: Place) -> Frame:
        height, width = self._manifold().picture.shape[:2]
        lines = drawing.wrapped(_EXPLAINED, width - _LINE, _LETTER)
        side = self._draw_side(place)
        below = height + (len(lines) + 1) * _LINE
        frame = drawing.panel((width + _SIDE, max(below, side.shape[0])))
        for number, line in enumerate(lines):
            drawing.write(frame, line, (_LINE // 2, height + (number + 1) * _LINE), _LETTER)
        frame[: side.shape[0], width:] = side
        return frame

    def _draw_side(self, place: Place) -> Frame:
        """Return the panel at the right, with the chosen tile."""
        card = self._filter.card
        left, top = (_SIDE - _LARGE) // 2, LABEL
        side = drawing.panel((_SIDE, top + _LARGE + 5 * _LINE + _LARGE // _TONES))
        tile = self._filter.decode(self._manifold().latents(place), _LARGE)[0]
        side[top : top + _LARGE, left : left + _LARGE] = drawing.to_bgr(tile)
        foot = top + _LARGE + _LINE
        name = f"{card.classes[place.kind]}, " if place.kind < len(card.classes) else ""
        text = f"{name}{place.across:.2f} across, {place.down:.2f} down"
        for line, y, colour in (
            (card.title, top - LABEL // 3, drawing.ACCENT),
            (text, foot, drawing.DIM),
        ):
            drawing.write(side, line, (left, y), drawing.fitting(line, _LETTER, _LARGE), colour)
        if card.tone:
            text = "The same shape, dark to light:"
            drawing.write(side, text, (left, foot + 2 * _LINE), _LETTER)
            self._draw_tones(side, place, (left, foot + 5 * _LINE // 2))
        return side

    def _draw_tones(self, side: Frame, place: Place, corner: tuple[int, int]) -> None:
        step = _LARGE // _TONES
        low, high = self._filter.card.tone_range
        for number in range(_TONES):
            tone = low + (high - low) * number / (_TONES - 1)
            latents = self._manifold().latents(place, tone)
            x, y = corner[0] + number * step, corner[1]
            tile = self._filter.decode(latents, step - 4)[0]
            side[y : y + step - 4, x : x + step - 4] = drawing.to_bgr(tile)


def _write_label(area: Frame, name: str, share: str, place: tuple[int, int], room: int) -> None:
    """Write a name and, where there is room, a share beside it."""
    after = drawing.write(area, name, place, _LETTER) + 8
    if after + drawing.text_width(share, _LETTER) <= place[0] + room:
        drawing.write(area, share, (after, place[1]), _LETTER, drawing.DIM)
