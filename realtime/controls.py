"""The keys of the preview window: what each does, and the help that lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from realtime.arrays import Size
from realtime.captures import Captures
from realtime.errors import AutomosaicError
from realtime.filters import Filter
from realtime.keys import ESCAPE, Binding, character_of
from realtime.outputs import Outputs
from realtime.overlay import HelpLine
from realtime.preview import Shown
from realtime.tuning import Tuning
from realtime.view import LASTING_NOTICE_S, View


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
        self._filter = mosaic_filter
        self._outputs = outputs
        self._explorer = explorer
        self._captures = captures or Captures(outputs)
        self._keep = keep
        self._fps = fps
        self._tuning = Tuning(mosaic_filter, self._changed, tiles, tile_sets)
        self._bindings = (*self._mosaic_bindings(), *self._view_bindings(), *self._file_bindings())
        self._actions = {
            key: action for line in self._bindings for key, action in line.actions.items()
        }

    @property
    def size(self) -> Size | None:
        """(width, height) that mosaics keep since the number of tiles was changed; None before."""
        return self._tuning.size

    def forget_size(self) -> None:
        """Let mosaics have another size, as where frames have another aspect."""
        self._tuning.size = None

    def listen(self) -> None:
        """Answer the key pressed and the slider moved since the last call."""
        self.press(self._outputs.key())
        self.quit = self.quit or self._outputs.window_closed
        if self.view.slid_to is not None:
            self._tuning.ask_columns(self.view.slid_to)
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
        self._tuning.shown = shown
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
        made, tuning = self._filter, self._tuning
        more, fewer = partial(tuning.step_columns, 1), partial(tuning.step_columns, -1)
        return (
            Binding(
                "+  -",
                "more, fewer tiles",
                {"+": more, "=": more, "-": fewer, "_": fewer},
                lambda: f"{made.columns} across",
            ),
            Binding("t", "next tile set", {"t": self._next_tiles}, lambda: made.tile_set),
            Binding("c", "next colour", {"c": tuning.next_colour}, lambda: made.colour),
            self._share_binding("v", "variety"),
            self._share_binding("s", "stability"),
        )

    def _share_binding(self, key: str, name: str) -> Binding:
        tuning = self._tuning
        return Binding(
            f"{key}  {key.upper()}",
            f"more, less {name}",
            {key: partial(tuning.turn, name, 1), key.upper(): partial(tuning.turn, name, -1)},
            lambda: f"{tuning.share(name):.1f}",
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
            Binding("q  Esc", "quit", {"q": self._quit, ESCAPE: self._escape}),
        )

    def _next_tiles(self) -> None:
        if not self._tuning.next_tiles():
            self.view.tell(f"there is one tile set: {self._filter.tile_set}")

    def _changed(self, line: str) -> None:
        self.changes += 1
        if line:
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
        shown = self._tuning.shown
        if shown is not None:
            path = self._captures.picture(shown.upright().bgr())
            if path is not None:
                self.view.tell(f"picture: {path}", LASTING_NOTICE_S)

    def _record(self) -> None:
        shown = self._tuning.shown
        if self._captures.running:
            self.view.tell(f"recorded: {self._captures.stop()}", LASTING_NOTICE_S)
        elif shown is not None:
            size = self._outputs.size or shown.size
            if path := self._captures.start(size, self._fps):
                self.view.tell(f"recording: {path}; r stops", LASTING_NOTICE_S)

    def _keep_settings(self) -> None:
        if self._keep is not None:
            kept = {**self._tuning.settings(), "mirror": self.view.mirror}
            self.view.tell(f"kept for the next start: {self._keep(kept)}", LASTING_NOTICE_S)

    def _escape(self) -> None:
        if self.view.fullscreen:
            self._fullscreen()
        else:
            self._quit()

    def _quit(self) -> None:
        self.quit = True


def _on(state: bool) -> str:
    return "on" if state else "off"
