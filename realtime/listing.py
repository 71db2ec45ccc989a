"""What there is to choose from on this machine: the text of `--list`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import onnxruntime

from realtime.devices import list_cameras, list_virtual_cameras
from realtime.mosaic import MosaicFilter
from realtime.providers import PROVIDERS

_NO_CAMERA = "none: plug one in, or use --source demo"
_NO_NAMES = "no names known (pip install cv2-enumerate-cameras); the first one is --source 0"
_NO_LOOPBACK = "none: sudo modprobe v4l2loopback exclusive_caps=1 card_label=Automosaics"
_OBS = "OBS Virtual Camera, once OBS Studio (obsproject.com) is installed"
_NO_TILES = "none: see models/README.md"


def listing() -> str:
    """Return cameras, virtual cameras, tile sets and providers under their headings."""
    linux = sys.platform == "linux"
    return "\n".join(
        (
            _section("cameras", list_cameras(), _NO_CAMERA if linux else _NO_NAMES),
            _section("virtual cameras", list_virtual_cameras(), _NO_LOOPBACK if linux else _OBS),
            _section("tile sets", MosaicFilter.available(), _NO_TILES),
            _section("providers", _providers(), "none"),
        )
    )


def _section(heading: str, items: Iterable[object], instead: str) -> str:
    lines = [str(item) for item in items] or [instead]
    return "\n".join((f"{heading}:", *(f"  {line}" for line in lines)))


def _providers() -> list[str]:
    built_in = onnxruntime.get_available_providers()
    return [name for name, full_name in PROVIDERS.items() if full_name in built_in]
