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


def copied(name: str, tmp_path: Path) -> Path:
    """A copy of a shipped tile set."""
    return Path(shutil.copytree(shipped_folder() / name, tmp_path / name))


@pytest.mark.parametrize(
    ("name", "written"),
    [("animals", NETWORKS), ("emoji", NETWORKS[:1]), ("flags", NETWORKS[:1])],
)
def test_plays_as_before(name: str, written: tuple[str, ...], tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    before = {file: (folder / file).stat().st_ino for file in NETWORKS}
    again.write(TileSet.load(folder), again.RECIPES[name])
    changed = [file for file in NETWORKS if (folder / file).stat().st_ino != before[file]]
    assert tuple(changed) == written
    assert not list(folder.glob(".again-*"))
    frame = Demo(size=(320, 180)).frame(0)
    found, wanted = (MosaicFilter.load(tiles)(frame).astype(int) for tiles in (folder, name))
    assert np.abs(found - wanted).max() <= 1


def test_weights_of_another_kind_of_set_are_refused(tmp_path: Path) -> None:
    folder = copied("animals", tmp_path)
    before = {name: (folder / name).read_bytes() for name in NETWORKS}
    with pytest.raises(UserError, match=r"decoder\.onnx"):
        again.write(TileSet.load(folder), again.RECIPES["digits"])
    assert {name: (folder / name).read_bytes() for name in NETWORKS} == before
