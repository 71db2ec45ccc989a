"""Automosaics: a live photomosaic whose tiles are generated, not looked up.

    from realtime import MosaicFilter

    mosaic_filter = MosaicFilter.load("digits", columns=80, colour="tint")
    mosaic = mosaic_filter(frame)  # both [H, W, 3] uint8 BGR

What other programs may rely on, typed and kept stable:

- `MosaicFilter`: frames in, mosaics out; every setting may change from frame to frame.
- `realtime.mosaic.Mosaic`: what `MosaicFilter.make` gives, as BGR or as the planes of I420.
- `realtime.sources.open_source`: cameras, clips, pictures and the demo behind one interface.
- `realtime.sinks.open_sinks` and `open_file`: virtual cameras, videos, animations and pictures.
- `realtime.errors.AutomosaicError`: whatever goes wrong and is no bug, in one line: `UserError`, a
  mistake in what was asked for, or `DeviceError`, something that failed outside.

Colours are BGR, sizes (width, height), shapes (H, W, C), times seconds. All else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.mosaic import MosaicFilter

__version__ = "0.1.0.dev0"
__all__ = ["MosaicFilter", "__version__"]


def __getattr__(name: str) -> object:
    # Looked up on first use: `--help` and the trainings need not wait for the inference runtime.
    if name == "MosaicFilter":
        from realtime.mosaic import MosaicFilter

        # From now on it is found without asking here, also by what writes the reference.
        globals()[name] = MosaicFilter
        return MosaicFilter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
