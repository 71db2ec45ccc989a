"""Patches to train regressors on: cut from photographs and from dead-leaves pictures.

The photographs are those that the wheels of scikit-image and scikit-learn carry, so that a
training script needs no photo collection and no connection.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from export.pictures import read_folder, read_picture, tell_skipped, to_bgr
from realtime.arrays import Frame, Patches
from realtime.errors import UserError

IN_WHEEL = {
    "skimage/data": (
        *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
        *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"),
        *("motorcycle_left.png", "retina.jpg", "rocket.jpg"),
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}
"""Photographs shipped inside installed packages, by folder."""

HELD_OUT = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "rocket.jpg")
"""Photographs that no training sees, for evaluation."""

FRAME_SIZE = (1280, 720)
LEVELS = 12  # scales drawn per photograph: patches from single details to a quarter of it
LARGEST_PART = 0.25  # of the photograph's shorter side that one patch covers
LONGEST_SIDE = 1024  # a user's photographs are decoded no larger than needed
GAIN = 2.0  # contrast is multiplied by 1/GAIN..GAIN
SHIFT = 0.2  # standard deviation added to a patch's mean
SMALLEST_LEAF, LARGEST_LEAF = 0.01, 0.5  # disc radii, in picture sides
LEAVES = 4000  # enough that no background is left


def load_photos(folder: Path | None = None, names: Sequence[str] | None = None) -> list[Frame]:
    """Return photographs, [H, W, 3] uint8 BGR each.

    Args:
        folder: a folder of pictures; unreadable ones are skipped, with a count on stderr.
            Without it, the photographs inside scikit-image and scikit-learn.
        names: of those inside, only the files so called; None: all but `HELD_OUT`.

    Raises:
        UserError: there are none.
    """
    if folder is not None:
        return _folder_photos(folder)
    found = [path for inside, held in IN_WHEEL.items() for path in _in_wheel(inside, held)]
    if names is None:
        found = [path for path in found if path.name not in HELD_OUT]
    else:
        found = [path for path in found if path.name in names]
    if not found:
        raise UserError(
            "no photographs: run `pip install -r export/requirements.txt` or pass --photos FOLDER"
        )
    return [to_bgr(read_picture(path)) for path in found]


def prepared(photo: Frame) -> Frame:
    """The middle of a photograph, 1280x720."""
    height, width = photo.shape[:2]
    wide, high = FRAME_SIZE
    inner = (min(width, height * wide // high), min(height, width * high // wide))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    part = photo[top : top + inner[1], left : left + inner[0]]
    way = cv2.INTER_AREA if inner[0] > wide else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, FRAME_SIZE, interpolation=way), np.uint8)


def dead_leaves(rng: np.random.Generator, size: int) -> Frame:
    """Paint opaque discs over each other, which has the edges and scales of natural pictures.

    Radii follow the power law r^-3 that makes the picture look the same at every scale (Lee,
    Mumford and Huang, "Occlusion models for natural images", 2001).

    Args:
        rng: source of chance; advanced.
        size: pixels along one side.

    Returns:
        [size, size, 3] uint8 BGR.
    """
    steepness = SMALLEST_LEAF**-2 - LARGEST_LEAF**-2
    radii = size * (SMALLEST_LEAF**-2 - rng.random(LEAVES) * steepness) ** -0.5
    centres = rng.random((LEAVES, 2)) * size
    tones = rng.random((LEAVES, 1)) + rng.normal(0.0, 0.1, (LEAVES, 3))
    colours = np.clip(tones * 255.0, 0, 255).astype(int).tolist()
    picture = np.zeros((size, size, 3), np.uint8)
    shift = 4  # cv2 takes sub-pixel positions as fixed-point numbers with so many binary places
    for (x, y), radius, colour in zip(centres, radii, colours, strict=True):
        centre = (round(x * 2**shift), round(y * 2**shift))
        cv2.circle(
            picture, centre, round(radius * 2**shift), colour, cv2.FILLED, cv2.LINE_AA, shift
        )
    return picture


def sample_patches(
    photos: Sequence[Frame], count: int, cell: int, seed: int, colour: bool = False
) -> Patches:
    """Cut patches at many scales, half of them mirrored, with varied contrast and brightness.

    Args:
        photos: [H, W, 3] uint8 BGR each; all weigh the same.
        count: how many patches.
        cell: pixels along one side of a patch.
        seed: equal seeds give equal patches.
        colour: BGR patches; otherwise luminance.

    Returns:
        [count, 1 or 3, cell, cell] float32 in 0..1, in random order.

    Raises:
        UserError: no photograph is as large as one patch.
    """
    rng = np.random.default_rng(seed)
    usable = [photo for photo in photos if min(photo.shape[:2]) >= cell]
    if not usable:
        raise UserError(f"no photograph is as large as one patch of {cell} pixels")
    each = -(-count // (len(usable) * LEVELS))
    cut = [
        _crops(_shrunk(photo, cell, rng), each, cell, rng, colour)
        for photo in usable
        for _ in range(LEVELS)
    ]
    chosen = rng.permutation(len(cut) * each)[:count]
    return _varied(np.concatenate(cut)[chosen].astype(np.float32) / np.float32(255.0), rng)


def _shrunk(photo: Frame, cell: int, rng: np.random.Generator) -> Frame:
    """Scale a photograph so that a patch covers between 1:1 and `LARGEST_PART` of it."""
    side = min(photo.shape[:2])
    widest = max(cell, side * LARGEST_PART)
    covered = np.exp(rng.uniform(np.log(cell), np.log(widest)))
    height, width = (max(cell, round(length * cell / covered)) for length in photo.shape[:2])
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _crops(
    photo: Frame, count: int, cell: int, rng: np.random.Generator, colour: bool
) -> npt.NDArray[np.uint8]:
    planes = photo if colour else cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)[..., None]
    windows = np.lib.stride_tricks.sliding_window_view(planes, (cell, cell), axis=(0, 1))
    rows = rng.integers(windows.shape[0], size=count)
    columns = rng.integers(windows.shape[1], size=count)
    return np.asarray(windows[rows, columns], np.uint8)


def _varied(patches: Patches, rng: np.random.Generator) -> Patches:
    count = len(patches)
    mirrored = rng.random(count) < 0.5
    patches[mirrored] = patches[mirrored][..., ::-1]
    means = patches.mean(axis=(1, 2, 3), keepdims=True)
    gains = GAIN ** rng.uniform(-1.0, 1.0, (count, 1, 1, 1)).astype(np.float32)
    shifts = rng.normal(0.0, SHIFT, (count, 1, 1, 1)).astype(np.float32)
    varied = (patches - means) * gains + np.clip(means + shifts, 0.0, 1.0)
    return np.asarray(np.clip(varied, 0.0, 1.0), np.float32)


def _in_wheel(inside: str, names: Sequence[str]) -> list[Path]:
    """Find a package's files without importing it, which would take seconds."""
    package, _, rest = inside.partition("/")
    spec = importlib.util.find_spec(package)
    roots = (spec.submodule_search_locations or []) if spec else []
    paths = [Path(root) / rest / name for root in roots for name in names]
    return [path for path in paths if path.is_file()]


def _folder_photos(folder: Path) -> list[Frame]:
    photos, skipped = [], 0
    for _, picture in read_folder(folder, LONGEST_SIDE):
        if picture is None:
            skipped += 1
            continue
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        photos.append(to_bgr(picture))
    tell_skipped(folder, skipped)
    if not photos:
        raise UserError(f"no readable pictures in {folder}: --photos takes a folder of photographs")
    return photos
