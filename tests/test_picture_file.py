"""Still pictures: one of the last mosaic, or a numbered one of each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.arrays import Frame
from realtime.errors import DeviceError, UserError
from realtime.picture_file import open_picture_file

SIZE = (96, 64)


def mosaic(seed: int) -> Frame:
    """Return coarse blocks of random colours."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return blocks.repeat(16, axis=0).repeat(16, axis=1)


def read(path: Path) -> Frame:
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize(
    ("name", "levels"), [("a.png", 0), ("a.jpg", 2), ("größer 数字 🎥.jpeg", 2)]
)
def test_one_picture_holds_the_last_mosaic(tmp_path: Path, name: str, levels: float) -> None:
    with open_picture_file(tmp_path / name, SIZE) as pictures:
        for seed in range(3):
            pictures.send(mosaic(seed), seed)
    assert np.abs(read(tmp_path / name).astype(int) - mosaic(2)).mean() <= levels


def test_numbered_pictures_hold_every_mosaic(tmp_path: Path) -> None:
    with open_picture_file(tmp_path / "frame %03d!.png", SIZE) as pictures:
        for seed in range(12):
            pictures.send(mosaic(seed), seed)
    names = [f"frame {number:03d}!.png" for number in range(1, 13)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for seed, name in enumerate(names):
        np.testing.assert_array_equal(read(tmp_path / name), mosaic(seed))


@pytest.mark.parametrize("name", ["a.png", "a%d.png"])
def test_the_caller_may_change_the_array_after_sending(tmp_path: Path, name: str) -> None:
    shared = mosaic(1)
    with open_picture_file(tmp_path / name, SIZE) as pictures:
        pictures.send(shared, 0)
        shared[:] = 0
    np.testing.assert_array_equal(read(next(tmp_path.iterdir())), mosaic(1))


@pytest.mark.parametrize("name", ["a.png", "a%d.png"])
def test_without_mosaics_no_file_is_left(tmp_path: Path, name: str) -> None:
    open_picture_file(tmp_path / name, SIZE).close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "taken"), [("a.png", "a.png"), ("a%d.png", "a7.png")])
def test_does_not_overwrite_unasked(tmp_path: Path, name: str, taken: str) -> None:
    precious = tmp_path / taken
    precious.write_text("precious")
    with pytest.raises(UserError, match=f"{taken} is there already: pass --overwrite"):
        open_picture_file(tmp_path / name, SIZE)
    assert precious.read_text() == "precious"
    with open_picture_file(tmp_path / name, SIZE, overwrite=True) as pictures:
        for seed in range(7):
            pictures.send(mosaic(seed), seed)
    np.testing.assert_array_equal(read(precious), mosaic(6))


@pytest.mark.parametrize("name", ["missing/a.png", "missing/a%d.png"])
def test_a_missing_folder_is_told_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"no folder .*missing: make it first"):
        open_picture_file(tmp_path / name, SIZE)


def test_a_disk_that_fails_later_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pictures = open_picture_file(folder / "a%d.png", SIZE)
    folder.rmdir()
    pictures.send(mosaic(0), 0)
    with pytest.raises((DeviceError, UserError), match="no folder"):
        pictures.close()


@pytest.mark.parametrize("name", ["a.jpg", "a%d.jpg"])
def test_more_pixels_than_a_jpeg_holds_are_told(tmp_path: Path, name: str) -> None:
    pictures = open_picture_file(tmp_path / name, (70_000, 1))
    pictures.send(np.zeros((1, 70_000, 3), np.uint8), 0)
    with pytest.raises(DeviceError, match="70000x1 pixels are too many for such a file"):
        pictures.close()
    assert not list(tmp_path.iterdir())


def test_opencv_has_nothing_to_say(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "a.png"):
        with open_picture_file(tmp_path / name, SIZE) as pictures:
            pictures.send(mosaic(0), 0)
    assert capfd.readouterr() == ("", "")
