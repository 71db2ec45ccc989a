"""Make the picture in the README: a photograph, a detail of its mosaic, and the mosaic.

python -m docs.picture
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from realtime import MosaicFilter
from realtime.arrays import Frame

ROOT = Path(__file__).resolve().parent.parent
HEAD = (slice(0, 288), slice(80, 368))  # rows and columns of the demo picture
COLUMNS = 72
TILE_SIZE = 12
DETAIL = 15  # tiles along a side of the detail, which shows the eyes
DETAIL_AT = (21, 30)  # row and column of its first tile
GAP = 24  # white pixels between pictures
QUALITY = 72


def main() -> None:
    """Write docs/mosaic.jpg."""
    photo = cv2.imread(str(ROOT / "realtime" / "assets" / "demo.jpg"))
    if photo is None:
        raise FileNotFoundError("realtime/assets/demo.jpg")
    head = np.ascontiguousarray(photo[HEAD], dtype=np.uint8)
    side = (COLUMNS * TILE_SIZE - GAP) // 2
    mosaic = make_mosaic(head, TILE_SIZE)
    large = make_mosaic(head, side // DETAIL)
    row, column = (index * (side // DETAIL) for index in DETAIL_AT)
    detail = np.ascontiguousarray(large[row:, column:][:side, :side])
    shown = np.asarray(cv2.resize(head, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    left = beside(shown, detail, axis=0)
    picture = beside(left, mosaic, axis=1)
    cv2.imwrite(str(ROOT / "docs" / "mosaic.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def make_mosaic(picture: Frame, tile_size: int) -> Frame:
    """Return the mosaic of a still picture; every size has the same digits in the same places."""
    return MosaicFilter.load("digits", COLUMNS, tile_size, stabilise=False)(picture)


def beside(one: Frame, other: Frame, axis: int) -> Frame:
    """Join two BGR pictures with a white gap, one above (0) or left of (1) the other."""
    gap_shape = (GAP, one.shape[1], 3) if axis == 0 else (one.shape[0], GAP, 3)
    return np.concatenate([one, np.full(gap_shape, 255, np.uint8), other], axis)


if __name__ == "__main__":
    main()
