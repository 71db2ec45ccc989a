"""Good files of every kind, small ones, and ways to spoil them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests import clips

Image = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

PICTURES = (".png", ".jpg", ".webp", ".tiff", ".bmp", ".ppm", ".pgm", ".jp2", ".gif", ".avif")
CLIPS = (".mp4", ".mkv", ".avi", ".mov", ".ts", ".webm")
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Those at which lengths and counts go wrong."""


def pictures() -> dict[str, bytes]:
    """Return pictures by name: every format, depth and number of channels that OpenCV writes."""
    noise = np.random.default_rng(0)
    eight = noise.integers(0, 256, (30, 40, 4), np.uint8)
    sixteen = noise.integers(0, 65536, (30, 40, 4), np.uint16)
    real = noise.random((30, 40, 4), np.float32)
    found = {}
    for ending in PICTURES:
        kinds: tuple[Image, ...] = (eight[..., :3], eight[..., 0])
        if ending in (".png", ".tiff", ".webp", ".jp2"):
            kinds = (*kinds, eight)
        if ending in (".png", ".tiff"):
            kinds = (*kinds, sixteen, sixteen[..., :3], sixteen[..., 0])
        if ending == ".tiff":
            kinds = (*kinds, real, real[..., :3])
        for number, image in enumerate(kinds):
            encoded = _encoded(ending, image)
            if encoded:
                found[f"{number}{ending}"] = encoded
    found |= {"one.png": _encoded(".png", eight[:1, :1, :3]), "empty.png": b""}
    found["row.png"] = _encoded(".png", np.zeros((1, 16_384), np.uint8))
    return found


def _encoded(ending: str, image: Image) -> bytes:
    try:
        done, encoded = cv2.imencode(ending, image)
    except cv2.error:
        done = False
    # Not every build of OpenCV writes every format, with every number of channels.
    return encoded.tobytes() if done else b""


def films(folder: Path) -> dict[str, bytes]:
    """Return clips by name, made in a folder: every container, with sound and without."""
    times = [number / 25 for number in range(20)]
    found = {}
    for ending in CLIPS:
        codec, sound = ("vp8", "libopus") if ending == ".webm" else ("mpeg4", "aac")
        path = clips.write_film(
            folder / f"film{ending}", times, clips.Sound(codec=sound), codec=codec
        )
        found[path.name] = path.read_bytes()
    silent = clips.write_clip(folder / "silent.mp4", [clips.grey(9 * n) for n in range(20)])
    found[silent.name] = silent.read_bytes()
    clips.turn_clockwise(silent, 90)
    found["turned.mp4"] = silent.read_bytes()
    first = (folder / "film.ts").read_bytes()
    large = clips.write_clip(folder / "large.ts", [clips.grey(9 * n, (96, 80)) for n in range(9)])
    found["changing.ts"] = first + large.read_bytes()
    found["noise.mp4"] = random.Random(0).randbytes(5000)
    return found


def spoiled(content: bytes, chance: random.Random, others: Mapping[str, bytes]) -> bytes:
    """Return a file with a few things wrong.

    Args:
        content: of a good one.
        chance: decides what.
        others: files of which pieces may get into it.
    """
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        chance.choice(_WAYS)(data, chance, others)
    return bytes(data[: 4 * len(content) + 4096])


def _place(data: bytearray, chance: random.Random) -> int:
    # Headers decide the most.
    end = min(len(data), 256) if chance.random() < 0.6 else len(data)
    return chance.randrange(end) if end else 0


def _flip(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _byte(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    if data:
        data[_place(data, chance)] = chance.randrange(256)


def _number(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    place, width = _place(data, chance), chance.choice((2, 4, 8))
    order = chance.choice(("big", "little"))
    number = chance.choice(NUMBERS) % (1 << 8 * width)
    data[place : place + width] = number.to_bytes(width, "big" if order == "big" else "little")


def _cut(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    del data[_place(data, chance) :]


def _remove(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    place = _place(data, chance)
    del data[place : place + chance.choice((1, 4, 64, 1000))]


def _blank(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    place, length = _place(data, chance), chance.choice((4, 64, 1000))
    data[place : place + length] = bytes(len(data[place : place + length]))


def _insert(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    place = _place(data, chance)
    data[place:place] = chance.randbytes(chance.choice((1, 4, 64)))


def _repeat(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    start, length = _place(data, chance), chance.choice((8, 64, 1000))
    place = _place(data, chance)
    data[place:place] = data[start : start + length]


def _splice(data: bytearray, chance: random.Random, others: Mapping[str, bytes]) -> None:
    other = others[chance.choice(sorted(others))]
    if other:
        start = chance.randrange(len(other))
        data[_place(data, chance) :] = other[start : start + 4000]


_WAYS: tuple[Callable[[bytearray, random.Random, Mapping[str, bytes]], None], ...] = (
    *(_flip, _byte, _byte, _number, _number, _cut, _remove, _blank, _insert, _repeat, _splice),
)
