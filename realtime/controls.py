"""The keys of the preview window: what each does, and the help that lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime import colour as colours
from realtime.arrays import Frame, Size
from realtime.captures import Captures
from realtime.errors import AutomosaicError
from realtime.filters import Filter
from realtime.outputs import NO_KEY, Outputs
from realtime.overlay import HelpLine
from realtime.preview import Shown
from realtime.strip import COLUMNS
from realtime.view import LASTING_NOTICE_S, View

SMALLEST_TILE = 4
_STEP = 1.125
_SHARE_STEP = 0.1
_KEY_BITS = 0xFFFF
"""Above these a key's code tells of Num Lock and Shift. Below, an arrow key is no letter."""
_ARROWS = {0xFF52: "+", 0xFF54: "-", 0x260000: "+", 0x280000: "-", 0xF700: "+", 0xF701: "-"}
"""Up and down, as X11, Windows and macOS call them."""
_KEYPAD = {0xFFAB: "+", 0xFFAD: "-"}
_ESCAPE = "\x1b"


class Explorer(Protocol):
    """The window with the map of tiles."""

    @property
    def is_open(self) -> bool:
        """Whether it is there."""
        ...

    def open(self) -> None:
        """Open it."""
        ...

    def close(self) -> None:
        """Close it."""
        ...

    def update(self) -> None:
        """Show the tiles of the newest mosaic on the map."""
        ...


@dataclass(frozen=True)
class Binding:
    """Keys that belong together in the help.

    Attributes:
        keys: as the help shows them.
        does: what they do.
        actions: by character.
        now: tells how it is set.
    """

    keys: str
    does: str
    actions: Mapping[str, Callable[[], None]]
    now: Callable[[], str] = str


class Controls:
    """Answers keys and the slider.

    Args:
        mosaic_filter: whose settings they change.
        outputs: what they start and stop.
        view: the state of the preview.
        tiles: the tile set in use, as the filter would be asked for it; None: by its name.
        tile_sets: names that the key for tile sets goes through.
        explorer: the window with the map of tiles, if there may be one.
        captures: makes pictures and recordings; to the current folder unless given.
        keep: saves settings, by the names of the options, and returns where to.
        fps: mosaics a second to expect; 0 where unknown.

    Attributes:
        view: the state of the preview.
        quit: whether somebody asked to end.
        changes: how often something was changed that makes another mosaic of the same frame.
        size: (width, height) that mosaics keep since somebody changed the number of tiles; None
            before.
    """

    def __init__(
        self,
        mosaic_filter: Filter,
        outputs: Outputs,
        view: View,
        *,
        tiles: str | None = None,
        tile_sets: Sequence[str] = (),
        explorer: Explorer | None = None,
        captures: Captures | None = None,
        keep: Callable[[dict[str, object]], str] | None = None,
        fps: float = 0.0,
    ) -> None:
        self.view = view
        self.quit = False
        self.changes = 0
        self.size: Size | None = None
        self._filter = mosaic_filter
        self._outputs = outputs
        self._explorer = explorer
        self._captures = captures or Captures(outputs)
        self._keep = keep
        self._fps = fps
        self._shown: Shown | None = None
        self._tiles = tiles or mosaic_filter.tile_set
        self._tile_sets = _with(self._tiles, tile_sets)
        self._colours = _with_mode(mosaic_filter.colour)
        self._bindings = (*self._mosaic_bindings(), *self._view_bindings(), *self._file_bindings())
        self._actions = {
            key: action for line in self._bindings for key, action in line.actions.items()
        }

    def listen(self) -> None:
        """Answer the key pressed and the slider moved since the last call."""
        self.press(self._outputs.key())
        self.quit = self.quit or self._outputs.window_closed
        if self.view.slid_to is not None:
            self._ask_columns(self.view.slid_to)
            self.view.slid_to = None
        if not self._outputs.has_window:
            # Nobody is left to let the picture go again.
            self.view.frozen = False
        if self._explorer is not None:
            self.view.explore = self._explorer.is_open

    def press(self, key: int) -> None:
        """Answer a key, given by its code as from `cv2.waitKeyEx`; -1 is none."""
        character = character_of(key)
        action = self._actions.get(character) or self._actions.get(character.lower())
        if action is not None:
            try:
                action()
            except AutomosaicError as error:
                self.view.tell(str(error), LASTING_NOTICE_S)

    def saw(self, shown: Shown) -> None:
        """Take note of the newest mosaic."""
        self._shown = shown
        if self._explorer is not None and self._explorer.is_open:
            self._explorer.update()

    def help_lines(self) -> list[HelpLine]:
        """Return the lines of help."""
        return [HelpLine(line.keys, line.does, line.now()) for line in self._bindings]

    def explore(self) -> None:
        """Open the window with the map of tiles, or close it."""
        if self._explorer is None:
            return
        if self._explorer.is_open:
            self._explorer.close()
        else:
            self._explorer.open()
        self.view.explore = self._explorer.is_open

    def _mosaic_bindings(self) -> tuple[Binding, ...]:
        more, fewer = self._more, self._fewer
        made = self._filter
        return (
            Binding(
                "+  -",
                "more, fewer tiles",
                {"+": more, "=": more, "-": fewer, "_": fewer},
                lambda: f"{made.columns} across",
            ),
            Binding("t", "next tile set", {"t": self._next_tiles}, lambda: made.tile_set),
            Binding("c", "next colour", {"c": self._next_colour}, lambda: made.colour),
            self._share_binding("v", "variety"),
            self._share_binding("s", "stability"),
        )

    def _share_binding(self, key: str, name: str) -> Binding:
        return Binding(
            f"{key}  {key.upper()}",
            f"more, less {name}",
            {key: lambda: self._turn(name, 1), key.upper(): lambda: self._turn(name, -1)},
            lambda: f"{self._share(name):.1f}",
        )

    def _view_bindings(self) -> tuple[Binding, ...]:
        view = self.view
        explore = Binding("e", "map of the tiles", {"e": self.explore}, lambda: _on(view.explore))
        return (
            Binding("m", "mirror", {"m": self._mirror}, lambda: _on(view.mirror)),
            Binding("Space", "freeze", {" ": self._freeze}, lambda: _on(view.frozen)),
            Binding("o", "original beside it", {"o": self._compare}, lambda: _on(view.compare)),
            *((explore,) if self._explorer is not None else ()),
            Binding("f", "full screen", {"f": self._fullscreen}, lambda: _on(view.fullscreen)),
            Binding("i", "figures below", {"i": self._figures}, lambda: _on(view.figures)),
        )

    def _file_bindings(self) -> tuple[Binding, ...]:
        running = self._captures
        keep = Binding("k", "keep these settings", {"k": self._keep_settings})
        return (
            Binding("p", "picture to a file", {"p": self._picture}),
            Binding("r", "record, and stop", {"r": self._record}, lambda: _on(running.running)),
            *((keep,) if self._keep is not None else ()),
            Binding("h", "this help", {"h": self._help, "?": self._help}),
            Binding("q  Esc", "quit", {"q": self._quit, _ESCAPE: self._escape}),
        )

    def _more(self) -> None:
        self._step_columns(1)

    def _fewer(self) -> None:
        self._step_columns(-1)

    def _step_columns(self, direction: int) -> None:
        if self._shown is not None:
            width = (self.size or self._shown.size)[0]
            self._ask_columns(next_columns(self._filter.columns, width, direction))

    def _ask_columns(self, columns: int) -> None:
        """Ask for a number of columns, as near as frame and mosaic allow."""
        if self._shown is None:
            return
        low, high = COLUMNS
        now = self._filter.columns
        most = most_columns(self._shown.image, self._shown.size)
        columns = min(max(columns, min(low, now)), max(high, now), most)
        if columns != now:
            self._filter.columns = columns
            # Whoever asks for more tiles wants smaller ones, not a larger picture.
            self._filter.wanted_tile_size = None
            self.size = self._shown.size
            self.changes += 1

    def _next_tiles(self) -> None:
        if len(self._tile_sets) < 2:
            self.view.tell(f"there is one tile set: {self._filter.tile_set}")
            return
        following = _after(self._tiles, self._tile_sets)
        self._filter.tile_set = following
        self._tiles = following
        self._changed(f"tile set: {self._filter.tile_set}")

    def _next_colour(self) -> None:
        self._filter.colour = _after(self._filter.colour, self._colours)
        self._changed(f"colour: {self._filter.colour}")

    def _share(self, name: str) -> float:
        return self._filter.variety if name == "variety" else self._filter.stability

    def _turn(self, name: str, direction: int) -> None:
        value = round(min(1.0, max(0.0, self._share(name) + direction * _SHARE_STEP)), 2)
        if name == "variety":
            self._filter.variety = value
        else:
            self._filter.stability = value
        self._changed(f"{name}: {value:.1f}")

    def _changed(self, line: str) -> None:
        self.changes += 1
        self.view.tell(line)

    def _mirror(self) -> None:
        self.view.mirror = not self.view.mirror
        others = " (the others see you the right way round)" if self._outputs.on_air else ""
        self._changed(f"mirror: {_on(self.view.mirror)}{others}")

    def _freeze(self) -> None:
        self.view.frozen = not self.view.frozen
        self._changed("frozen; space goes on" if self.view.frozen else "live again")

    def _compare(self) -> None:
        self.view.compare = not self.view.compare

    def _fullscreen(self) -> None:
        self.view.fullscreen = not self.view.fullscreen
        self._outputs.set_fullscreen(self.view.fullscreen)

    def _figures(self) -> None:
        self.view.figures = not self.view.figures

    def _help(self) -> None:
        self.view.help = not self.view.help

    def _picture(self) -> None:
        if self._shown is not None:
            path = self._captures.picture(self._shown.upright().bgr())
            if path is not None:
                self.view.tell(f"picture: {path}", LASTING_NOTICE_S)

    def _record(self) -> None:
        if self._captures.running:
            self.view.tell(f"recorded: {self._captures.stop()}", LASTING_NOTICE_S)
        elif self._shown is not None:
            size = self._outputs.size or self._shown.size
            if path := self._captures.start(size, self._fps):
                self.view.tell(f"recording: {path}; r stops", LASTING_NOTICE_S)

    def _keep_settings(self) -> None:
        if self._keep is not None:
            made = self._filter
            kept: dict[str, object] = {
                "tiles": self._tiles,
                "columns": made.columns,
                "colour": made.colour,
                "variety": made.variety,
                "stability": made.stability,
                "mirror": self.view.mirror,
            }
            self.view.tell(f"kept for the next start: {self._keep(kept)}", LASTING_NOTICE_S)

    def _escape(self) -> None:
        if self.view.fullscreen:
            self._fullscreen()
        else:
            self._quit()

    def _quit(self) -> None:
        self.quit = True


def character_of(key: int) -> str:
    """Return what a key's code stands for; "" for none or a key without a letter."""
    if key == NO_KEY:
        return ""
    if key in _ARROWS:
        return _ARROWS[key]
    low = key & _KEY_BITS
    if low in _ARROWS or low in _KEYPAD:
        return (_ARROWS | _KEYPAD)[low]
    return chr(low) if 0 < low < 128 else ""


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


def _on(state: bool) -> str:
    return "on" if state else "off"
