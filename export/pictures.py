"""Read pictures of any format, size and mode from a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from realtime.errors import UserError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
BAD_PICTURE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for files that are not, or no longer, pictures."""


def read_picture(file: Path | BytesIO, at_least: int | None = None) -> Image.Image:
    """Read one picture as people see it: turned upright, on white, the first frame.

    Args:
        file: of any format that Pillow reads.
        at_least: a JPEG may be decoded smaller, with both sides still this many pixels: faster.

    Returns:
        The picture in mode RGB.

    Raises:
        OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError: not readable;
            see `BAD_PICTURE`.
    """
    with Image.open(file) as opened:
        if at_least is not None:
            opened.draft("RGB", (at_least, at_least))
        picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I"):
            picture = _from_16_bit(picture)
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            picture = Image.new("RGBA", layer.size, "white")
            picture.alpha_composite(layer)
        return picture.convert("RGB")


def read_folder(
    folder: Path, at_least: int | None = None
) -> Iterator[tuple[Path, Image.Image | None]]:
    """Read the pictures below a folder in the order of their names.

    Args:
        folder: searched with its sub-folders.
        at_least: see `read_picture`.

    Yields:
        The path, and the picture in mode RGB, or None where the file cannot be read.

    Raises:
        UserError: the folder is missing.
    """
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            try:
                yield path, read_picture(path, at_least)
            except BAD_PICTURE:
                yield path, None


def tell_skipped(folder: Path, skipped: int) -> None:
    """Say on stderr how many files were left out, if any."""
    if skipped:
        print(f"automosaic: {skipped} unreadable files skipped in {folder}", file=sys.stderr)


def to_bgr(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Return an RGB picture as [H, W, 3] uint8 BGR."""
    return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8)[..., ::-1])


def _from_16_bit(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    return Image.fromarray(np.clip(values / 257.0, 0, 255).round().astype(np.uint8))
