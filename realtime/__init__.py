"""Automosaics: a live photomosaic whose tiles are generated, not looked up."""

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

        return MosaicFilter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
