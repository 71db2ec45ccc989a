"""What the person at the window has chosen to see, and what the window has to tell."""

from __future__ import annotations

import time
from dataclasses import dataclass

NOTICE_S = 3.0
"""How long a line stays that answers a key."""
LASTING_NOTICE_S = 8.0
"""How long one stays that is worth writing down, such as a file's name."""


@dataclass(frozen=True)
class Status:
    """How the run is doing.

    Attributes:
        fps: mosaics a second of late.
        latency_ms: from the capture until the last sink has the mosaic, of late.
        columns: tiles in a row.
        rows: tiles in a column.
        tile_set: its name.
        colour: the mode.
        provider: what computes.
        dropped: frames that came too late to be shown, since the start.
        recorded_s: for how long there has been a recording; None: there is none.
        on_air: whether a virtual camera gets the mosaics.
        given_up: to hold the rate, in words; empty for nothing.
    """

    fps: float
    latency_ms: float
    columns: int
    rows: int
    tile_set: str
    colour: str
    provider: str
    dropped: int
    recorded_s: float | None
    on_air: bool
    given_up: str = ""


@dataclass
class View:
    """State of the preview, which keys and the mouse change; nobody else sees it.

    Attributes:
        mirror: as in a mirror.
        frozen: the picture stands still.
        compare: the camera's picture beside the mosaic.
        figures: the strip of figures is shown.
        help: the list of keys is shown.
        fullscreen: the window fills the screen.
        explore: the window with the map of tiles is open.
        status: the latest figures, None before the first.
        slid_to: columns that the mouse asked for and nobody has answered yet.
    """

    mirror: bool = False
    frozen: bool = False
    compare: bool = False
    figures: bool = True
    help: bool = False
    fullscreen: bool = False
    explore: bool = False
    status: Status | None = None
    slid_to: int | None = None
    _notice: str = ""
    _notice_ends_s: float = 0.0

    def tell(self, line: str, seconds: float = NOTICE_S) -> None:
        """Show a line for some seconds, in place of the last one."""
        self._notice, self._notice_ends_s = line, time.perf_counter() + seconds

    @property
    def notice(self) -> str:
        """The line to show now; empty for none."""
        return self._notice if time.perf_counter() < self._notice_ends_s else ""
