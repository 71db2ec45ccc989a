"""Picture tile sets: exact colours, cut-outs, and a folder of a user's own pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("onnx", reason="onnx is not installed: training is not tested")
pytest.importorskip("PIL", reason="Pillow is not installed: training is not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: training is not tested")

import torch

from export import cutouts, picture_sets, train
from export.networks_common import pixel_centres
from export.picture_networks import PictureDecoder, PictureRegressor
from export.picture_training import sort_pictures, thumbnails
from realtime import MosaicFilter

Pictures = npt.NDArray[np.uint8]


def discs_on_white(count: int, side: int = 48) -> Pictures:
    """Discs of random colours, [count, side, side, 3] uint8 BGR."""
    rng = np.random.default_rng(0)
    images = np.full((count, side, side, 3), 255, np.uint8)
    for image in images:
        colour = [int(level) for level in rng.integers(0, 200, 3)]
        cv2.circle(image, (side // 2, side // 2), side // 3, colour, cv2.FILLED, cv2.LINE_AA)
    return images


def noise(count: int, channels: int, side: int = 12) -> torch.Tensor:
    """A book of random pictures, no channel lighter than its cover."""
    generator = torch.Generator().manual_seed(0)
    book = torch.randint(0, 256, (count, channels, side, side), generator=generator)
    if channels == 4:
        book[:, :3] = torch.minimum(book[:, :3], book[:, 3:])
    return book.to(torch.uint8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("reach", [0.1, 1.0])
@pytest.mark.parametrize("size", [5, 12, 16])
@torch.no_grad()
def test_mean_colour_of_a_tile_is_exact(channels: int, reach: float, size: int) -> None:
    shelves = torch.arange(6).view(3, 2)
    decoder = PictureDecoder(noise(6, channels), shelves, reach).eval()
    latents = torch.rand(100, 5, generator=torch.Generator().manual_seed(1))
    latents[:8, 2:] = torch.tensor([0.0, 1.0]).repeat(4)[:, None]
    tiles = decoder(latents, pixel_centres(size))
    assert tiles.shape == (100, size, size, 3)
    assert tiles.min() >= 0 and tiles.max() <= 1
    assert torch.allclose(tiles.mean(dim=(1, 2)), latents[:, 2:], atol=1e-3)


@torch.no_grad()
def test_tiles_keep_their_own_colours_where_paper_can_do_it() -> None:
    red = torch.zeros(1, 4, 8, 8, dtype=torch.uint8)
    red[:, 2:, 2:6, 2:6] = 255  # a red square on a quarter of the tile
    decoder = PictureDecoder(red, torch.zeros(1, 1, dtype=torch.int64)).eval()
    tile = decoder(torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.6]]), pixel_centres(8))[0]
    assert torch.allclose(tile[4, 4], torch.tensor([0.0, 0.0, 1.0]), atol=1e-5)
    paper = torch.tensor([0.5, 0.5, 0.6 - 0.25]) / 0.75
    assert torch.allclose(tile[0, 0], paper, atol=1e-5)


def test_cut_outs_lose_the_ground_and_keep_white_inside() -> None:
    images = discs_on_white(20)
    cv2.circle(images[0], (24, 24), 5, (255, 255, 255), cv2.FILLED)  # an eye
    ground = cutouts.common_ground(images)
    assert ground is not None and ground.tolist() == [255, 255, 255]
    cover = cutouts.cover(images[0], ground)
    assert cover[0, 0] == 0 and cover[24, 24] == 1
    assert cover.mean() == pytest.approx(np.pi * 15.5**2 / 48**2, abs=0.05)


def test_photos_have_no_common_ground() -> None:
    rng = np.random.default_rng(0)
    assert cutouts.common_ground(rng.integers(0, 256, (9, 32, 32, 3), np.uint8)) is None


def test_wide_pictures_lie_on_paper() -> None:
    page = picture_sets.page(np.full((20, 30, 3), 200, np.uint8), None, 12)
    assert page.shape == (4, 12, 12)
    assert np.all(page[3, 2:10] == 255) and np.all(page[:, :2] == 0) and np.all(page[:, 10:] == 0)
    assert np.all(page[:3, 2:10] == 200)


def test_sorting_keeps_every_picture_where_there_is_room() -> None:
    torch.manual_seed(0)
    thumbs = thumbnails(noise(40, 3))
    shelves = sort_pictures(thumbs, torch.rand(200, 3, 4, 4), kinds=8, members=40)
    assert len(shelves.places) == 8
    assert sorted(set(shelves.places.flatten().tolist())) == list(range(40))


@torch.no_grad()
def test_regressor_obeys_a_taste_and_keeps_the_colour() -> None:
    torch.manual_seed(0)
    regressor = PictureRegressor(5, torch.zeros(48), (0.1, 0.9)).eval()
    patches = torch.rand(20, 3, 4, 4)
    for kind in range(5):
        taste = torch.zeros(20, 5)
        taste[:, kind] = 1e3
        latents = regressor(patches, taste, torch.zeros(1))
        assert torch.allclose(latents[:, 0], torch.tensor((kind + 0.5) / 5))
        assert torch.allclose(latents[:, 2:], patches.mean(dim=(2, 3)), atol=1e-6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of several sizes and modes, and a file that is none; quick settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(picture_sets, "PATCHES", 500)
    monkeypatch.setattr("export.picture_training.STEPS", 20)
    made = tmp_path / "own pictures"
    made.mkdir()
    for number, image in enumerate(discs_on_white(60)):
        size = (20 + number, 30 + number // 2)
        picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if number % 10 == 0:
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        cv2.imwrite(str(made / f"{number}.png"), picture)
    (made / "notes.png").write_text("no picture")
    return made


def test_own_pictures_become_a_tile_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [str(folder), "--out", "models/mine", "--threads", "1", "--epochs", "2"]
    assert train.main([*command, "--photos", str(folder)]) == 0
    assert "1 unreadable" in capsys.readouterr().err
    text = Path("models/mine/tileset.json").read_text() + Path("models/mine/README.md").read_text()
    assert "own pictures" not in json.loads(Path("models/mine/tileset.json").read_text())["command"]
    assert str(folder) not in text
    frame = np.zeros((96, 160, 3), np.uint8)
    frame[:, 80:] = (180, 90, 40)
    frame[:48] += 40
    mosaic = MosaicFilter.load("models/mine", columns=10, tile_size=12, stabilise=False)(frame)
    found = mosaic.reshape(6, 12, 10, 12, 3).mean(axis=(1, 3))
    wanted = frame.reshape(6, 16, 10, 16, 3).mean(axis=(1, 3)).clip(0.06 * 255, 0.94 * 255)
    assert np.abs(found - wanted).max() < 1.5


def test_own_photographs_become_a_tile_set(folder: Path) -> None:
    """They have no ground in common to be cut from, so theirs is another decoder."""
    random = np.random.default_rng(0)
    for path in folder.glob("[0-9]*.png"):
        cv2.imwrite(str(path), random.integers(0, 256, (40, 40, 3), np.uint8))
    command = [str(folder), "--out", "models/mine", "--threads", "1", "--epochs", "2"]
    assert train.main([*command, "--photos", str(folder)]) == 0
    made = MosaicFilter.load("models/mine", columns=10, tile_size=12, stabilise=False)
    frame = np.full((96, 160, 3), (180, 90, 40), np.uint8)
    assert np.abs(made(frame).mean(axis=(0, 1)) - frame[0, 0]).max() < 1.5


def test_too_few_pictures_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no picture")
    assert train.main([str(empty)]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("automosaic: ") and printed.count("\n") == 1
