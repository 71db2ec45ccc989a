"""The tiles of the digit sets can be told apart by a reader that knows printed digits alone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from realtime.codec import Codec
from realtime.tileset import TileSet

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
Picture = npt.NDArray[np.float32]


def normalised(picture: npt.NDArray[np.uint8]) -> Picture:
    """The bright part, 20 pixels along its longer side, blurred, of mean 0 and length 1."""
    rows, columns = np.nonzero(picture > picture.max() / 2)
    part = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(part.shape)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    middle = np.zeros((28, 28), np.float32)
    top, left = (28 - size[1]) // 2, (28 - size[0]) // 2
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    middle[top : top + size[1], left : left + size[0]] = small
    blurred = np.asarray(cv2.GaussianBlur(middle, (0, 0), 1.5), np.float32)
    centred = blurred - blurred.mean()
    return np.asarray(centred / np.linalg.norm(centred), np.float32)


def printed() -> list[tuple[int, Picture]]:
    """Every digit in some fonts and weights."""
    found = []
    for digit in range(10):
        for font in FONTS:
            for weight in (8, 14):
                page = np.zeros((120, 120), np.uint8)
                cv2.putText(page, str(digit), (20, 100), font, 3.2, 255, weight, cv2.LINE_AA)
                found.append((digit, normalised(page)))
    return found


def read(tiles: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The most similar printed digit for every tile [N, 28, 28], and its correlation."""
    known = printed()
    templates = np.stack([template.ravel() for _, template in known])
    scores = np.stack([normalised(tile).ravel() for tile in tiles]) @ templates.T
    digits = np.array([digit for digit, _ in known])[scores.argmax(axis=1)]
    return digits, scores.max(axis=1).astype(np.float64)


def test_digits_are_read_as_what_they_are() -> None:
    steps = (0.2, 0.4, 0.6, 0.8)
    kinds = np.repeat(np.arange(10), len(steps) ** 2)
    latents = [
        [(kind + 0.5) / 10, across, down, 0.5, 0.5, 0.2, 0.0]
        for kind in range(10)
        for across in steps
        for down in steps
    ]
    found, alike = read(Codec(TileSet.load("digits")).decode(np.array(latents, np.float32), 28))
    # Handwriting is not print: chance is 0.1, and 4 and 9 are taken for each other.
    assert (found == kinds).mean() > 0.5
    assert alike.mean() > 0.8


def test_the_plane_of_2021_holds_most_digits() -> None:
    steps = (np.arange(12) + 0.5) / 12
    latents = np.array([(across, down) for across in steps for down in steps], np.float32)
    found, alike = read(Codec(TileSet.load("mnist-2d")).decode(latents, 28))
    assert len(set(found[alike > 0.75].tolist())) >= 8
