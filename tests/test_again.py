"""A glyph set whose networks are written again plays as before."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("PIL", reason="Pillow is not installed: training is not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: training is not tested")

from export import again
from realtime import MosaicFilter
from realtime.demo import Demo
from realtime.errors import UserError
from realtime.tileset import TileSet, shipped_folder

NETWORKS = ("decoder.onnx", "regressor.onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped animals: they have neither ink nor one file that tells it all."""
    return Path(shutil.copytree(shipped_folder() / "animals", tmp_path / "animals"))


def test_plays_as_before(folder: Path) -> None:
    before = {name: (folder / name).stat().st_ino for name in NETWORKS}
    again.write(TileSet.load(folder), again.RECIPES["animals"])
    assert all((folder / name).stat().st_ino != before[name] for name in NETWORKS)
    assert not list(folder.glob(".again-*"))
    frame = Demo(size=(320, 180)).frame(0)
    found, wanted = (MosaicFilter.load(tiles)(frame).astype(int) for tiles in (folder, "animals"))
    assert np.abs(found - wanted).max() <= 1


def test_weights_of_another_kind_of_set_are_refused(folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in NETWORKS}
    with pytest.raises(UserError, match=r"decoder\.onnx"):
        again.write(TileSet.load(folder), again.RECIPES["digits"])
    assert {name: (folder / name).read_bytes() for name in NETWORKS} == before
