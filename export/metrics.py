"""How good a mosaic is: tone, structure, colour, legibility, variety."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from realtime.arrays import Frame, Plane
from realtime.grid import shrink

TONES = (0.05, 0.95)  # what tiles are asked to show; a frame is clipped to it before comparing
DETAIL = 4  # pixels along a cell at which structure is compared


@dataclass(frozen=True)
class Figures:
    """What is measured of one way to make mosaics; mean over the frames.

    Attributes:
        tone: see `tone_error`.
        structure: see `structure`.
        legible: shares of tiles that judges read, 0..1, by judge; none without judges.
        variety: see `variety_bits`, mean over what judges read; None without judges.
    """

    tone: float
    structure: float
    legible: tuple[float, ...] = ()
    variety: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of a table of figures."""

    label: str
    figures: Figures


def tone_error(frame: Plane, mosaic: Plane, columns: int, rows: int) -> float:
    """Root mean square difference of the cells' means, in parts of full range.

    Args:
        frame: [H, W] uint8 of the mosaic's aspect.
        mosaic: [h, w] uint8.
        columns: of the grid.
        rows: of the grid.
    """
    wanted = np.clip(cell_means(frame, columns, rows), *TONES)
    return float(np.sqrt(np.square(wanted - cell_means(mosaic, columns, rows)).mean()))


def cell_means(picture: Plane, columns: int, rows: int) -> npt.NDArray[np.float64]:
    """Mean of every cell, [rows, columns], 0..1."""
    size = (columns, rows)
    exact = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(exact, np.float64) / 255


def structure(frame: Plane, mosaic: Plane, columns: int, rows: int) -> float:
    """Mean structural similarity (Wang et al., 2004) at `DETAIL` pixels a cell, up to 1."""
    size = (columns * DETAIL, rows * DETAIL)
    return float(structural_similarity(shrink(frame, size), shrink(mosaic, size), data_range=255))


def pixel_error(frame: Plane, mosaic: Plane, width: int) -> float:
    """Root mean square difference, seen from where the picture is `width` pixels wide, 0..1."""
    size = (width, round(width * frame.shape[0] / frame.shape[1]))
    near, far = (shrink(part, size).astype(np.float64) / 255 for part in (frame, mosaic))
    return float(np.sqrt(np.square(near - far).mean()))


def colour_error(frame: Frame, mosaic: Frame, columns: int, rows: int) -> float:
    """Mean CIEDE2000 difference (Sharma et al., 2005) of the cells' mean colours."""
    size = (columns, rows)
    labs = [rgb2lab(shrink(part, size)[:, :, ::-1]) for part in (frame, mosaic)]
    return float(deltaE_ciede2000(*labs).mean())


def variety_bits(shown: npt.NDArray[np.int64]) -> float:
    """Entropy of the classes that a mosaic shows, [N] -> bits."""
    share = np.bincount(shown) / len(shown)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
