"""Tile sets on disk: what is read, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime import MosaicFilter, tileset
from realtime.codec import Codec
from realtime.errors import UserError
from realtime.tileset import TileSet
from tests.tile_sets import PLAIN, STRIPES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a good tile set, to spoil."""
    return Path(shutil.copytree(STRIPES, tmp_path / "größe 1"))


def spoil(folder: Path, **changes: Any) -> None:
    path = folder / "tileset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_is_a_tile_set(folder: Path) -> None:
    tile_set = TileSet.load(folder)
    assert tile_set.name == "größe 1"
    assert (tile_set.kinds, tile_set.styles, tile_set.latents) == (2, 1, 4)
    MosaicFilter.load(folder, columns=4)(np.zeros((32, 32, 3), np.uint8))


def test_the_shipped_sets_can_be_read() -> None:
    names = tileset.available()
    assert {"digits", "mnist-2d"} <= set(names)
    for name in names:
        assert TileSet.load(name).name == name


@pytest.mark.parametrize("file", ["tileset.json", "decoder.onnx", "regressor.onnx"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(UserError, match=r"tile set|missing"):
        TileSet.load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"tile_size": 0},
        {"tile_size": 100_000},
        {"tile_size": "28"},
        {"tile_size": True},
        {"channels": 2},
        {"kinds": -1},
        {"shape_latents": 10**9},
        {"tone_range": [0.9, 0.1]},
        {"tone_range": [0.1, float("nan")]},
        {"tone_range": None},
        {"tone_range": [0, 10**400]},
        {"tone_range": "ab"},
        {"tile_size": 10**4000},
        {"tile_size": 28.0},
        {"tile_size": "\x1b[2J\n" * 1000},
        {"kinds": [[]]},
        {"classes": 7},
        {"classes": {"a": 1}},
        {"classes": ["a", 1]},
    ],
)
def test_a_sidecar_out_of_range_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    spoil(folder, **changes)
    with pytest.raises(UserError, match=r"tileset\.json: ") as told:
        TileSet.load(folder)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 300


def test_texts_are_shown_in_one_short_line(folder: Path) -> None:
    spoil(folder, title="a\x1b[31m\nb" * 100, classes=["c\r\x07" * 20] * 900)
    tile_set = TileSet.load(folder)
    for text in (tile_set.title, *tile_set.classes):
        assert text.isprintable()
        assert len(text) <= 120
    assert len(tile_set.classes) <= 256


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", '"text"', "[" * 100_000, '{"a":' * 50_000, "\xff\xfe{}", "1e99999"),
        *("9" * 200_000, '{"format": NaN}', '{"format": Infinity}'),
    ],
    ids=range(11),
)
def test_a_broken_sidecar_is_refused(folder: Path, text: str) -> None:
    (folder / "tileset.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"tileset\.json: not"):
        TileSet.load(folder)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" * 50])
def test_a_broken_network_is_refused(folder: Path, content: bytes) -> None:
    (folder / "decoder.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"decoder\.onnx"):
        Codec(TileSet.load(folder))


def test_a_network_that_does_not_fit_is_refused(folder: Path) -> None:
    shutil.copy(PLAIN / "regressor.onnx", folder)
    with pytest.raises(
        UserError, match="takes patches, expected patches, taste, forgiveness, polarity"
    ):
        Codec(TileSet.load(folder))
